"""The ledger under bad hands and bad luck: changed, unbalanced, killed, doubled, shuffled, late."""

from __future__ import annotations

import os
import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from running_store import LATER_MS, START_MS, Counter, RunningStore, journeys, lane_with_tolls
from trassa.live.audit import audit
from trassa.live.roadway import Roadway
from trassa.live.store.ledger import nets
from trassa.live.store.reads import read_fates
from trassa.live.store.store import Store, StoreDown

VEHICLES = 25


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    running = RunningStore(tmp_path_factory.mktemp("ledger"))
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


def held_in(store: Store) -> dict[str, dict[tuple[str, str], int]]:
    with store.transaction() as connection:
        return nets(connection)


def is_clean(counter: Counter) -> None:
    """The audit finds nothing, and every acknowledged read has met its fate."""
    result = audit(counter.store, counter.desk.context)
    assert result.differences == []
    assert (result.pending, result.totals["reads"]["open"]) == (0, 0)
    assert result.totals["trips"]["charged"] > 0
    assert result.totals["trips"]["held"] > 0


# -- hands -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["trassa_app", "trassa_owner"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE posting SET amount_minor = 0",
        "DELETE FROM posting",
        "TRUNCATE posting",
        "UPDATE entry SET charge_key = 'x'",
        "DELETE FROM entry",
        "TRUNCATE entry CASCADE",
        "UPDATE explanation SET body = '{}'",
    ],
)
def test_nothing_in_the_ledger_can_be_changed_by_role_nor_by_trigger(
    server: RunningStore, counter: Counter, role: Any, change: str
) -> None:
    counter.accept(*journeys(1, 5))
    counter.settle()
    refusal = psycopg.errors.InsufficientPrivilege if role == "trassa_app" else psycopg.errors.RestrictViolation
    before = held_in(counter.store)
    with psycopg.connect(server.place.url(role), options="-c search_path=trassa") as connection:
        with pytest.raises(refusal):
            connection.execute(change)
        connection.rollback()
    assert held_in(counter.store) == before != {}


@pytest.mark.parametrize(
    ("amounts", "said"),
    [([(100, "RUB"), (-99, "RUB")], "does not balance: 1 RUB"), ([(5, "RUB"), (-5, "EUR")], "does not balance"),
     ([], "has no posting")],
)  # fmt: skip
def test_an_entry_that_does_not_balance_is_refused_at_commit(
    server: RunningStore, store: Store, amounts: list[tuple[int, str]], said: str
) -> None:
    with psycopg.connect(server.place.url(), options="-c search_path=trassa") as connection:
        connection.execute(
            "INSERT INTO entry VALUES (1, 'charge', 'k', 1, NULL, 'c', 0, 0, 'e', 'p', 'h')"
        )  # not yet: lines may come one by one
        for line, (amount_minor, currency) in enumerate(amounts):
            connection.execute("INSERT INTO posting VALUES (1, %s, 'a', %s, %s)", [line, currency, amount_minor])
        with pytest.raises(psycopg.errors.CheckViolation, match=said):
            connection.commit()
    with store.transaction() as ours:
        assert ours.execute("SELECT count(*) AS n FROM entry").fetchone() == {"n": 0}


BURGLARIES = {
    "an amount": "UPDATE posting SET amount_minor = amount_minor * 2 WHERE entry_id = 2",
    "both sides by swapping accounts": "UPDATE posting SET account = 'cash:x' WHERE entry_id = 2 AND amount_minor > 0",
    "an entry": "DELETE FROM posting WHERE entry_id = 2; DELETE FROM entry WHERE id = 2",
    "the last entry": "DELETE FROM posting WHERE entry_id = (SELECT max(id) FROM entry);"
    " DELETE FROM charge WHERE entry_id = (SELECT max(id) FROM entry); DELETE FROM entry WHERE id = (SELECT max(id)"
    " FROM entry)",
    "when it was recorded": "UPDATE entry SET recorded_at_ms = recorded_at_ms + 1 WHERE id = 2",
    "an explanation": "UPDATE explanation SET body = '{\"amount\": 0}'"
    " WHERE sha256 = (SELECT explanation_sha256 FROM entry WHERE id = 2)",
    "a read": "DELETE FROM read WHERE read_id = (SELECT min(read_id) FROM read WHERE fate = 'charged')",
    "a fate": "UPDATE read SET fate = 'exempt' WHERE read_id = (SELECT min(read_id) FROM read WHERE fate = 'charged')",
    "a trip": "DELETE FROM trip WHERE charge_key = (SELECT min(charge_key) FROM trip)",
    "a reason": "UPDATE trip SET reason = 'class_unknown', state = 'held' WHERE charge_key = (SELECT min(charge_key)"
    " FROM trip)",
    "the list": "UPDATE charge SET amount_minor = 1 WHERE entry_id = 2",
    "a class": "UPDATE read SET vehicle_class = '3' WHERE read_id = (SELECT min(read_id) FROM read"
    " WHERE fate = 'charged' AND vehicle_class IS NOT NULL)",
}


@pytest.mark.parametrize("change", BURGLARIES.values(), ids=BURGLARIES.keys())
def test_the_audit_finds_what_a_burglar_changed(server: RunningStore, counter: Counter, change: str) -> None:
    counter.accept(*journeys(3, 8))
    counter.settle()
    assert audit(counter.store, counter.desk.context).differences == []
    with server.superuser() as connection:
        connection.execute("SET session_replication_role = replica")  # silences every trigger
        connection.execute(change.encode())
    assert audit(counter.store, counter.desk.context).differences != []


# -- luck --------------------------------------------------------------------------------------------------------------


def in_order(bodies: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    yield sorted(bodies, key=lambda body: body["time_ms"])


def shuffled_and_doubled(bodies: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    twice = bodies + bodies[::3]
    mixed = random.Random(8).sample(twice, len(twice))
    yield from (mixed[start : start + 7] for start in range(0, len(mixed), 7))


def exits_first(bodies: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    yield from ([body] for body in sorted(bodies, key=lambda body: -body["time_ms"]))


@pytest.mark.parametrize("arrival", [shuffled_and_doubled, exits_first])
def test_arrival_order_batches_and_lateness_do_not_move_a_kopeck(
    server: RunningStore, roadway: Roadway, counter: Counter, arrival: Callable[..., Iterator[list[dict[str, Any]]]]
) -> None:
    bodies = journeys(5, VEHICLES)
    counter.accept(*next(in_order(bodies)))
    counter.settle()
    is_clean(counter)
    expected, fates = held_in(counter.store), fates_of(counter)
    counter.store.close()

    again = Counter(roadway, server.fresh())
    corrections = 0
    for batch in arrival(bodies):
        again.accept(*batch)
        corrections += sum(row["amount_minor"] == 0 for row in again.settle())
    is_clean(again)
    assert held_in(again.store) == expected
    assert fates_of(again) == fates
    assert corrections > 0, "nothing came late enough to be corrected: this shows nothing"
    again.store.close()


def test_settling_while_the_clock_moves_ends_where_settling_at_the_end_does(
    server: RunningStore, roadway: Roadway, counter: Counter
) -> None:
    bodies = sorted(journeys(6, VEHICLES), key=lambda body: body["time_ms"])
    counter.accept(*bodies)
    counter.settle()
    expected, fates = held_in(counter.store), fates_of(counter)
    counter.store.close()

    live = Counter(roadway, server.fresh(), START_MS)
    for body in bodies:
        live.clock.step_to(max(live.clock.now_ms(), body["time_ms"]))
        live.accept(body)
        live.settle()
    for hour in range(0, 72, 6):  # nothing comes any more: what is open must end by itself
        live.clock.step_to(bodies[-1]["time_ms"] + hour * 3_600_000)
        live.settle()
    is_clean(live)
    assert held_in(live.store) == expected
    assert fates_of(live) == fates
    live.store.close()


def fates_of(counter: Counter) -> dict[str, int]:
    with counter.store.transaction() as connection:
        return read_fates(connection)


def test_the_same_posts_from_many_hands_at_once_are_booked_once(
    server: RunningStore, roadway: Roadway, counter: Counter
) -> None:
    bodies = journeys(7, VEHICLES)
    counter.accept(*bodies)
    counter.settle()
    expected = held_in(counter.store)
    counter.store.close()

    store = server.fresh()
    failures: list[BaseException] = []

    def post(seed: int) -> None:
        hand = Counter(roadway, store)
        mixed = random.Random(seed).sample(bodies, len(bodies))
        try:
            for start in range(0, len(mixed), 10):
                hand.accept(*mixed[start : start + 10])
                hand.settle()
        except BaseException as error:
            failures.append(error)

    hands = [threading.Thread(target=post, args=(seed,)) for seed in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert failures == []
    last = Counter(roadway, store)
    last.settle()
    is_clean(last)
    assert held_in(store) == expected
    store.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_database_loses_nothing_that_was_acknowledged_and_doubles_nothing(
    server: RunningStore, roadway: Roadway, counter: Counter, seed: int
) -> None:
    bodies = journeys(10 + seed, VEHICLES)
    acknowledged: set[str] = set()
    kills = set(random.Random(seed).sample(range(2, len(bodies) // 8), 2))
    hand = Counter(roadway, Store(server.place.url(), patience_s=0.2))
    for number, start in enumerate(range(0, len(bodies), 8)):
        batch = bodies[start : start + 8]
        if number in kills:
            killer = threading.Timer(random.Random(seed * 100 + number).uniform(0.0, 0.03), server.kill)
            killer.start()
        while True:
            try:
                acknowledged |= {receipt.read_id for receipt in hand.accept(*batch)}
                hand.settle()
                break
            except StoreDown:  # the sender tries again, as after HTTP 503
                server.start_again()
        if number in kills:
            killer.join()
    if server.child.process.poll() is not None:
        server.start_again()
    hand.settle()
    with hand.store.transaction() as connection:
        stored = {row["read_id"] for row in connection.execute("SELECT read_id FROM read")}
    assert acknowledged == stored
    is_clean(hand)
    survived = held_in(hand.store)
    hand.store.close()
    counter.store.close()

    undisturbed = Counter(roadway, server.fresh())
    undisturbed.accept(*bodies)
    undisturbed.settle()
    assert survived == held_in(undisturbed.store)
    undisturbed.store.close()


def test_sessions_that_outlive_a_killed_postmaster_do_not_stop_a_fresh_start(
    server: RunningStore, counter: Counter
) -> None:
    counter.accept(*journeys(2, 5))
    counter.settle()
    before = held_in(counter.store)
    ended: list[psycopg.OperationalError] = []

    def work_on() -> None:
        """A session at work: it notices that its postmaster is gone only when it has something to say."""
        stubborn = psycopg.connect(server.place.url(), autocommit=True)
        try:
            stubborn.execute("SELECT count(*) FROM generate_series(1, 2000000000)")
        except psycopg.OperationalError as error:
            ended.append(error)
        finally:
            stubborn.close()

    session = threading.Thread(target=work_on)
    session.start()
    with server.superuser() as watcher:
        busy = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 2%' AND pid <> pg_backend_pid()"
        while watcher.execute(busy).fetchone() is None:
            pass
    server.kill()
    assert session.is_alive()
    server.start_again()
    session.join()
    assert len(ended) == 1
    assert held_in(counter.store) == before != {}


def test_a_pid_file_that_names_a_stranger_is_no_server(server: RunningStore, counter: Counter) -> None:
    counter.accept(*journeys(2, 5))
    server.kill()
    who = {"user": server.place.lodging.runner.uid} if os.geteuid() == 0 else {}
    stranger = subprocess.Popen(["sleep", "600"], cwd="/", **who)  # type: ignore[call-overload]
    try:
        (server.place.lodging.data / "postmaster.pid").write_text(f"{stranger.pid}\n", "ascii")
        server.start_again()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert len(counter.settle()) > 0


def test_the_day_after_is_late_enough(counter: Counter) -> None:
    """The clock of these tests lies behind every trip, else nothing here would be complete."""
    assert LATER_MS - START_MS > 2 * 86_400_000
    counter.accept(*journeys(9, VEHICLES))
    counter.settle()
    is_clean(counter)


def test_the_audit_names_an_entry_of_a_kind_that_nothing_writes(server: RunningStore, counter: Counter) -> None:
    counter.accept(*journeys(3, 2))
    counter.settle()
    with server.superuser() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE entry SET kind = 'adjustment' WHERE id = 1")
    assert (
        "entry 1: of the kind adjustment, which nothing here writes"
        in audit(counter.store, counter.desk.context).differences
    )
