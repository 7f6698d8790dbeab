"""The store on a real PostgreSQL: whom it lets in, what it accepts, and that it opens nobody's folder."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from running_store import KEY, LATER_MS, START_MS, Counter, RunningStore, lane_with_tolls
from trassa.errors import InputError
from trassa.live.audit import audit
from trassa.live.book import Book
from trassa.live.roadway import Roadway
from trassa.live.store import store as store_module
from trassa.live.store.charges import explain_charge, list_charges, list_held, totals
from trassa.live.store.embedded import PostgresPlace
from trassa.live.store.identities import erase, register_contract
from trassa.live.store.reads import read_fates
from trassa.live.store.store import Store, StoreDown
from trassa.road.locate import Locator

PLATE = "А123ВС77"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    running = RunningStore(tmp_path_factory.mktemp("книга"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def roadway(planned_lane: Path, tmp_path_factory: pytest.TempPathFactory) -> Roadway:
    return lane_with_tolls(planned_lane, tmp_path_factory.mktemp("tolled") / "lane")


@pytest.fixture
def store(server: RunningStore) -> Iterator[Store]:
    fresh = server.fresh()
    yield fresh
    fresh.close()


@pytest.fixture
def counter(roadway: Roadway, store: Store) -> Counter:
    return Counter(roadway, store)


def read(minutes: float, toll_point: str, **more: Any) -> dict[str, Any]:
    """A gantry's read of one car."""
    body = {"source": "gantry", "device": "cam-1", "sequence": None, "toll_point": toll_point, "means": "plate"}
    return body | {"time_ms": START_MS + round(60_000 * minutes), "identity": PLATE, "vehicle_class": "1"} | more


# -- the server --------------------------------------------------------------------------------------------------------


def modes_above(place: Path) -> dict[Path, int]:
    return {folder: stat.S_IMODE(folder.stat().st_mode) for folder in [place, *place.parents] if folder.exists()}


def test_no_mode_outside_the_data_changes(tmp_path: Path) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    book = Book(private / "project", "live")
    (private / "project").mkdir(mode=0o750)
    binaries = Path(psycopg.__file__).parent
    watched = [private / "project", binaries, Path("/var/lib")]
    before = [modes_above(place) for place in watched]
    place = PostgresPlace.of(book)
    try:
        with place.running() as child:
            assert child.process.poll() is None
            after = [modes_above(folder) for folder in watched]
            for folder in (place.lodging.data, place.lodging.socket_folder):
                assert stat.S_IMODE(folder.stat().st_mode) == 0o700
                assert folder.stat().st_uid == place.lodging.runner.uid != 0
        assert after == before
        assert not (private / "project" / "live").exists() or stat.S_IMODE(book.root.stat().st_mode) == 0o700
    finally:
        place.discard()


def test_it_listens_on_its_socket_alone_and_keeps_what_it_confirms(server: RunningStore) -> None:
    names = ("listen_addresses", "fsync", "synchronous_commit", "server_encoding", "TimeZone")
    with server.superuser() as connection:
        said = {name: connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names}
    assert said == {
        "listen_addresses": ("",),
        "fsync": ("on",),
        "synchronous_commit": ("on",),
        "server_encoding": ("UTF8",),
        "TimeZone": ("UTC",),
    }


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    book = Book(tmp_path / ("x" * 120), "live")
    place = PostgresPlace.of(book)
    try:
        assert len(os.fsencode(place.lodging.socket_folder / ".s.PGSQL.5432.lock")) < 107
    finally:
        place.discard()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps data outside the book")
def test_a_moved_book_finds_its_data_and_a_copied_one_is_refused(tmp_path: Path) -> None:
    first, moved, copied = (Book(tmp_path / name, "live") for name in ("a", "b", "c"))
    folder = PostgresPlace.of(first).lodging.folder
    shutil.copytree(tmp_path / "a", tmp_path / "c")
    with pytest.raises(InputError, match="is a copy of"):
        PostgresPlace.of(copied)
    (tmp_path / "a").rename(tmp_path / "b")
    place = PostgresPlace.of(moved)
    assert place.lodging.folder == folder
    anew = PostgresPlace.of(first)
    assert anew.lodging.folder != folder, "a new book at an old path must not see the old ledger"
    anew.discard()
    place.discard()
    assert not folder.exists()


def test_data_of_another_version_are_refused(tmp_path: Path) -> None:
    place = PostgresPlace.of(Book(tmp_path, "live"))
    try:
        place.lodging.make_private(place.lodging.data)
        (place.lodging.data / "PG_VERSION").write_text("9\n", "ascii")
        with pytest.raises(InputError, match="is of version 9"):
            place.prepare()
    finally:
        place.discard()


# -- the store ---------------------------------------------------------------------------------------------------------


def test_migrations_run_once_and_an_edited_one_is_refused(
    server: RunningStore, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = server.place.url("trassa_owner")
    assert store.migrate(owner) == []
    edited = tmp_path / "migrations"
    shutil.copytree(store_module._MIGRATIONS, edited)
    monkeypatch.setattr(store_module, "_MIGRATIONS", edited)
    (edited / "0099_more.sql").write_text("CREATE TABLE trassa.more (a int)", "utf-8")
    assert store.migrate(owner) == ["0099_more.sql"]
    (edited / "0099_more.sql").write_text("CREATE TABLE trassa.more (a bigint)", "utf-8")
    with pytest.raises(InputError, match=r"0099_more\.sql is not the one that was run"):
        store.migrate(owner)


def test_the_owner_too_works_as_the_application(server: RunningStore, store: Store) -> None:
    owner = Store(server.place.url("trassa_owner"))
    with owner.transaction() as connection:
        row = connection.execute("SELECT current_user AS name").fetchone()
    owner.close()
    assert row == {"name": "trassa_app"}


def test_an_external_database_is_one_url_and_still_two_roles(server: RunningStore) -> None:
    with server.superuser() as connection:
        connection.execute("DROP DATABASE IF EXISTS elsewhere")
        connection.execute("CREATE DATABASE elsewhere")
    url = server.place.url().replace("trassa_app@/trassa", "postgres@/elsewhere")
    store = Store(url)
    assert "0001_toll.sql" in store.migrate()
    with pytest.raises(psycopg.errors.InsufficientPrivilege), store.transaction() as ours:
        ours.execute("DELETE FROM entry")
    store.close()


def test_a_database_that_refuses_the_tables_is_one_clear_error(server: RunningStore) -> None:
    with pytest.raises(InputError, match="refuses its tables"):
        Store(server.place.url().replace("/trassa?", "/postgres?")).migrate()


def test_a_store_without_a_database_is_one_clear_error(tmp_path: Path) -> None:
    store = Store(f"postgresql://trassa_app@/trassa?host={tmp_path}", patience_s=0.0)
    with pytest.raises(StoreDown, match="no database answers"), store.transaction():
        pass


def test_an_exception_rolls_back(store: Store, counter: Counter) -> None:
    with pytest.raises(RuntimeError, match="stop"), store.transaction() as connection:
        register_contract(connection, contract(), LATER_MS, KEY)
        raise RuntimeError("stop")
    with store.transaction() as connection:
        assert connection.execute("SELECT count(*) AS n FROM contract").fetchone() == {"n": 0}


# -- reads -------------------------------------------------------------------------------------------------------------


def test_the_same_read_again_is_the_same_read_and_tells_its_fate(counter: Counter) -> None:
    bodies = [read(0, "m11-021-moskva", sequence=7), read(30, "m11-058-solnechnogorsk", sequence=8)]
    first = counter.accept(*bodies)
    assert [receipt.fate for receipt in first] == ["open", "open"]
    assert len(counter.settle()) == 1
    again = counter.accept(*bodies, bodies[0])
    assert [r.read_id for r in again] == [first[0].read_id, first[1].read_id, first[0].read_id]
    assert [r.fate for r in again] == ["charged", "charged", "charged"]
    assert counter.settle() == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"toll_point": "nowhere"}, "toll point 'nowhere' is not known"),
        ({"time_ms": LATER_MS + 300_001}, "ahead of the clock"),
        ({"time_ms": 1}, "before the year 2000"),
        ({"time_ms": float("nan")}, "not an integer"),
        ({"time_ms": 10**400}, "not an integer"),
        ({"time_ms": True}, "not an integer"),
        ({"means": "own"}, "neither tag nor plate"),
        ({"means": ["tag"]}, "neither tag nor plate"),
        ({"movement": "sideways"}, "movement is none of"),
        ({"identity": ""}, "identity is not a text"),
        ({"identity": "\ud800"}, "identity is not a text"),
        ({"identity": "a\0b"}, "identity is not a text"),
        ({"source": "x" * 201}, "source is not a text"),
        ({"device": None}, "device is not a text"),
        ({"sequence": 1.5}, "sequence is neither"),
        ({"sequence": 2**70}, "sequence is neither"),
        ({"vehicle_class": []}, "vehicle_class is neither"),
    ],
)
def test_what_cannot_be_accepted_is_rejected_with_the_reason_and_kept(
    counter: Counter, change: dict[str, Any], reason: str
) -> None:
    good = read(0, "m11-021-moskva")
    receipts = counter.accept(good | change, good)
    assert (receipts[0].fate, receipts[1].fate) == ("rejected", "open")
    assert reason in str(receipts[0].reason)
    assert counter.accept(good | change)[0] == receipts[0]
    with counter.store.transaction() as connection:
        assert read_fates(connection) == dict.fromkeys(("charged", "duplicate", "exempt", "held"), 0) | {
            "open": 1,
            "rejected": 1,
        }
        kept = connection.execute("SELECT body::text AS body FROM rejected_read").fetchone()
    assert kept is not None
    assert PLATE not in kept["body"]


@pytest.mark.parametrize("body", [None, 5, "read", [], {}])
def test_what_is_no_read_at_all_is_rejected(counter: Counter, body: Any) -> None:
    assert counter.accept(body)[0].fate == "rejected"


def test_a_device_that_counts_anew_is_not_taken_for_a_repetition(counter: Counter) -> None:
    assert counter.accept(read(0, "m11-021-moskva", sequence=1))[0].fate == "open"
    receipt = counter.accept(read(700, "m11-021-moskva", sequence=1))[0]
    assert (receipt.fate, "counts anew" in str(receipt.reason)) == ("rejected", True)


# -- vehicles under contract -------------------------------------------------------------------------------------------


def contract(**more: Any) -> dict[str, Any]:
    identities = [{"kind": "plate", "plain": PLATE}, {"kind": "own", "plain": "fleet/van"}]
    return {"contract_id": "K-1", "vehicle_class": "1", "means": "plate", "identities": identities} | more


def test_tag_plate_and_contract_are_one_vehicle_before_and_after_the_reads(counter: Counter) -> None:
    counter.accept(read(0, "m11-021-moskva"), read(0.1, "m11-021-moskva", means="tag", identity="E200-77"))
    counter.accept(read(30, "m11-058-solnechnogorsk", means="tag", identity="E200-77"))
    counter.settle()
    assert charged(counter) == {}, "the plate's entry and the tag's trip are two vehicles, and a tag has no price here"
    identities = [{"kind": "plate", "plain": PLATE}, {"kind": "tag", "plain": "E200-77"}]
    with counter.store.transaction() as connection:
        key = register_contract(connection, contract(identities=identities), LATER_MS, KEY)
    counter.settle()
    with counter.store.transaction() as connection:
        (row,) = list_charges(connection, vehicle_key=key)
        assert (row["amount_minor"], row["contract_id"], row["state"]) == (165_000, "K-1", "charged")
        assert read_fates(connection)["charged"] == 2
        assert read_fates(connection)["duplicate"] == 1
    assert audit(counter.store, counter.desk.context).differences == []


def test_an_identity_has_one_contract(counter: Counter) -> None:
    with counter.store.transaction() as connection:
        register_contract(connection, contract(), LATER_MS, KEY)
    other = contract(contract_id="K-2")
    with pytest.raises(InputError, match="already bound"), counter.store.transaction() as connection:
        register_contract(connection, other, LATER_MS, KEY)


def test_an_exempt_vehicle_pays_nothing_and_a_change_of_mind_is_a_reversal(counter: Counter) -> None:
    counter.accept(read(0, "m11-021-moskva"), read(30, "m11-058-solnechnogorsk"))
    counter.settle()
    assert set(charged(counter).values()) == {165_000}
    with counter.store.transaction() as connection:
        register_contract(connection, contract(exempt=True), LATER_MS, KEY)
    counter.settle()
    with counter.store.transaction() as connection:
        assert read_fates(connection)["exempt"] == 2
        assert totals(connection)["charged"] == [{"currency": "RUB", "amount_minor": 0, "charges": 0}]
        (row,) = list_charges(connection)
        said = explain_charge(connection, row["charge_key"])
    assert said is not None
    assert [entry["kind"] for entry in said["entries"]] == ["charge", "reversal"]
    assert said["state"] == "reversed"
    assert audit(counter.store, counter.desk.context).differences == []


def test_a_trip_that_costs_nothing_is_charged_and_explained(
    planned_lane: Path, counter: Counter, tmp_path: Path
) -> None:
    """A price of 0 is a price: the trip stands in the ledger, and is no reversal."""
    root = tmp_path / "free"
    roadway = lane_with_tolls(planned_lane, root)
    tariff = root / "inputs" / "lane.toml"
    tariff.write_text(tariff.read_text("utf-8").replace('"north", 150]', '"north", 0]'), "utf-8")
    free = Counter(roadway, counter.store)
    free.accept(read(0, "lane-101"), read(3, "lane-103"))
    free.settle()
    with free.store.transaction() as connection:
        (row,) = list_charges(connection)
        why = explain_charge(connection, row["charge_key"])
        assert totals(connection)["charged"] == [{"currency": "RUB", "amount_minor": 0, "charges": 1}]
    assert (row["state"], row["amount_minor"]) == ("charged", 0)
    assert why is not None
    assert (why["state"], why["currency"], [entry["kind"] for entry in why["entries"]]) == (
        "charged",
        "RUB",
        ["charge"],
    )
    assert audit(free.store, free.desk.context).differences == []
    free.settle()
    with free.store.transaction() as connection:
        register_contract(connection, contract(exempt=True), LATER_MS, KEY)
    free.settle()
    with free.store.transaction() as connection:
        assert [charge["state"] for charge in list_charges(connection)] == ["reversed"]
    assert audit(free.store, free.desk.context).differences == []


def charged(counter: Counter) -> dict[str, int]:
    with counter.store.transaction() as connection:
        return {row["charge_key"]: row["amount_minor"] for row in list_charges(connection) if row["amount_minor"]}


# -- own fixes ---------------------------------------------------------------------------------------------------------


def payload(roadway: Roadway, *seconds_and_km: tuple[float, float]) -> bytes:
    """Fixes of a vehicle on the lane, as it sends them."""
    fixes = []
    for second, km in seconds_and_km:
        lat, lon = Locator(roadway.road).point("increasing", roadway.road.calibration.measure_at_km(km))
        time_ms = START_MS + round(1000 * second)
        fixes.append({"time_ms": time_ms, "latitude_deg": float(lat), "longitude_deg": float(lon), "speed_mps": 25.0})
    return json.dumps({"fixes": fixes}).encode()


def test_own_fixes_of_an_opted_in_vehicle_become_a_charge_whatever_the_batches(
    roadway: Roadway, counter: Counter
) -> None:
    way = [(4.0 * i, 100.5 + 0.1 * i) for i in range(33)]
    with counter.store.transaction() as connection:
        register_contract(connection, contract(means="own"), LATER_MS, KEY)
    for start in range(0, len(way), 5):
        message = ("cits.in.toll.fleet.van", payload(roadway, *way[start : start + 5]))
        counter.desk.take_fixes([message])
        counter.desk.take_fixes([message])  # the broker sends again what was not acknowledged in time
    counter.settle()
    assert set(charged(counter).values()) == {15_000}
    assert counter.desk.counts.crossings == 2
    with counter.store.transaction() as connection:
        kept = connection.execute("SELECT count(*) AS n FROM fix").fetchone()
        times = connection.execute("SELECT time_ms, toll_point, fate FROM read ORDER BY time_ms").fetchall()
        (row,) = list_charges(connection)
        assert "K-1" in json.dumps(explain_charge(connection, row["charge_key"]))
    assert kept == {"n": 4}
    assert [(row["toll_point"], row["fate"]) for row in times] == [("lane-101", "charged"), ("lane-103", "charged")]
    assert [abs(row["time_ms"] - START_MS - ms) <= 50 for row, ms in zip(times, (20_000, 100_000), strict=True)]
    assert audit(counter.store, counter.desk.context).differences == []


def test_fixes_across_a_gap_are_held_and_charge_nothing(roadway: Roadway, counter: Counter) -> None:
    with counter.store.transaction() as connection:
        register_contract(connection, contract(means="own"), LATER_MS, KEY)
    way = [(0.0, 100.5), (4.0, 100.6), (70.0, 101.5), (74.0, 101.6), (130.0, 103.2)]
    counter.desk.take_fixes([("cits.in.toll.fleet.van", payload(roadway, *way))])
    counter.settle()
    assert charged(counter) == {}
    with counter.store.transaction() as connection:
        rows = connection.execute("SELECT toll_point, fate, reason, doubt FROM read ORDER BY time_ms").fetchall()
        (held,) = list_held(connection)
    assert [(row["toll_point"], row["fate"]) for row in rows] == [("lane-101", "held"), ("lane-103", "held")]
    assert rows[0]["reason"] == "own_fixes_in_doubt"
    assert "66 s without a fix" in rows[0]["doubt"]
    assert held["reason"] == "entry_without_exit"
    assert audit(counter.store, counter.desk.context).differences == []


@pytest.mark.parametrize(
    ("subject", "said", "reason"),
    [
        ("cits.in.toll.fleet.other", b'{"fixes": []}', "no contract"),
        ("cits.in.cam.fleet.van", b'{"fixes": []}', "subject"),
        ("cits.in.toll.fleet.van", b"\xff", "payload"),
        ("cits.in.toll.fleet.van", b"[" * 100_000, "payload"),
        ("cits.in.toll.fleet.van", b"[]", "payload"),
        ("cits.in.toll.fleet.van", b'{"fixes": {}}', "list"),
        ("cits.in.toll.fleet.van", b'{"fixes": [5]}', "object"),
        ("cits.in.toll.fleet.van", b'{"fixes": [{"time_ms": 5}]}', "number"),
        ("cits.in.toll.fleet.van", b'{"fixes": [{"time_ms": 5, "latitude_deg": NaN, "longitude_deg": 1}]}', "number"),
        (
            "cits.in.toll.fleet.van",
            b'{"fixes": [{"time_ms": 5, "latitude_deg": %s, "longitude_deg": 1}]}' % (b"9" * 400),
            "number",
        ),
        ("cits.in.toll.fleet.van", b'{"fixes": [{"time_ms": 1e300}]}', "time"),
        ("cits.in.toll.fleet.van", b'{"fixes": [{"time_ms": 9999999999999}]}', "ahead"),
    ],
)
def test_messages_that_cannot_be_used_are_counted(counter: Counter, subject: str, said: bytes, reason: str) -> None:
    counter.desk.take_fixes([(subject, said)])
    ((told, count),) = counter.desk.counts.refused.items()
    assert (reason in told, count) == (True, 1)


# -- erasure -----------------------------------------------------------------------------------------------------------


def test_erasing_an_identity_leaves_no_trace_of_it_and_every_amount(
    server: RunningStore, roadway: Roadway, counter: Counter
) -> None:
    with counter.store.transaction() as connection:
        key = register_contract(connection, contract(), LATER_MS, KEY)
    counter.accept(read(0, "m11-021-moskva"), read(30, "m11-058-solnechnogorsk"), read(60, "nowhere"))
    counter.desk.take_fixes([("cits.in.toll.fleet.van", payload(roadway, (5000, 100.9), (5004, 101.1)))])
    counter.settle()
    before = audit(counter.store, counter.desk.context)
    assert tables_with(server, PLATE, "fleet/van") == {"identity"}
    with counter.store.transaction() as connection:
        assert erase(connection, key) == 2
    assert tables_with(server, PLATE, "fleet/van") == set()
    with counter.store.transaction() as connection:
        assert connection.execute("SELECT count(latitude_deg) AS n FROM fix").fetchone() == {"n": 0}
        assert connection.execute("SELECT track FROM vehicle WHERE vehicle_key = %s", [key]).fetchone() == {
            "track": None
        }
    again = counter.accept(read(0, "m11-021-moskva"))
    assert again[0].fate == "charged"
    assert tables_with(server, PLATE, "fleet/van") == set(), "a message sent again must not bring it back"
    assert audit(counter.store, counter.desk.context) == before
    assert before.differences == []


def tables_with(server: RunningStore, *words: str) -> set[str]:
    """The tables in which any row holds one of some words, in any column."""
    with server.superuser() as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'trassa'").fetchall()
        return {
            name
            for (name,) in names
            for word in words
            if connection.execute(
                f"SELECT 1 FROM trassa.{name} AS row WHERE row::text LIKE %s", [f"%{word}%"]
            ).fetchone()
        }
