"""Settling in batches on a real PostgreSQL: one bad vehicle, a past that is final, another edition of a tariff."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from running_store import KEY, LATER_MS, START_MS, Counter, RunningStore, journeys, lane_with_tolls
from trassa.live import settlement
from trassa.live.audit import audit
from trassa.live.roadway import Roadway
from trassa.live.settlement import settle_all
from trassa.live.store import tracks
from trassa.live.store.charges import explain_charge, list_charges, totals
from trassa.live.store.identities import identity_key, register_contract
from trassa.live.store.ledger import chain_head, nets
from trassa.live.store.store import Connection, Store
from trassa.toll.charge import Outcome
from trassa.toll.context import TollContext
from trassa.toll.quiet import silence_ms
from trassa.toll.tariff import TariffSystem

DAY_MS = 86_400_000
VEHICLES = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    running = RunningStore(tmp_path_factory.mktemp("settling"))
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


def due_in(counter: Counter) -> list[str]:
    with counter.store.transaction() as connection:
        return tracks.due_vehicles(connection, counter.clock.now_ms(), 10_000)


def commute(day: int, *minutes_and_points: tuple[float, str], plate: str = "А001ВС77") -> list[dict[str, Any]]:
    """One car's reads of a day."""
    return [
        {
            "source": "gantry",
            "device": "cam",
            "time_ms": START_MS + day * DAY_MS + round(60_000 * minutes),
            "toll_point": point,
            "means": "plate",
            "identity": plate,
            "vehicle_class": "1",
        }
        for minutes, point in minutes_and_points
    ]


THERE = ((0.0, "m11-021-moskva"), (30.0, "m11-058-solnechnogorsk"))


# -- batches -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_batches_of_any_size_book_the_same(
    server: RunningStore, roadway: Roadway, counter: Counter, batch: int
) -> None:
    bodies = journeys(20, VEHICLES)
    counter.accept(*bodies)
    done = settle_all(counter.store, counter.desk.context, due_in(counter), LATER_MS, batch=batch)
    assert done.set_aside == {}
    singly = held_in(counter.store)
    assert audit(counter.store, counter.desk.context).differences == []
    counter.store.close()
    again = Counter(roadway, server.fresh())
    again.accept(*bodies)
    assert {row["charge_key"] for row in again.settle()} == {row["charge_key"] for row in done.changed}
    assert held_in(again.store) == singly != {}
    again.store.close()


def test_one_that_the_rules_cannot_judge_holds_up_nobody(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    counter.accept(*journeys(21, VEHICLES))
    due = due_in(counter)
    bad = due[VEHICLES // 2]
    rules = settlement.charges

    def stumbling(context: TollContext, reads: Any, *more: Any) -> Outcome:
        if any(read.vehicle_key == bad for read in reads):
            raise KeyError("a place that nobody knows")
        return rules(context, reads, *more)

    monkeypatch.setattr(settlement, "charges", stumbling)
    counter.settle()
    assert_only_it_is_aside(counter, bad, "KeyError: 'a place that nobody knows'")
    monkeypatch.undo()
    counter.accept(*commute(3, *THERE))  # news of others do not bring it back, a restart does
    counter.settle()
    assert set(aside_in(counter)) == {bad}
    counter.desk = type(counter.desk)(counter.desk._roadway, counter.store, counter.clock, key=KEY)
    counter.settle()
    assert aside_in(counter) == {}
    assert audit(counter.store, counter.desk.context).differences == []


def test_one_that_the_database_refuses_holds_up_nobody(server: RunningStore, counter: Counter) -> None:
    counter.accept(*journeys(22, VEHICLES), *commute(0, *THERE))
    bad = identity_key(KEY, "plate", "А001ВС77")
    with server.superuser() as connection:
        refusal = "CREATE FUNCTION trassa.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        refusal += " RAISE EXCEPTION 'not this one' USING ERRCODE = 'check_violation'; END $$"
        connection.execute(refusal.encode())
        connection.execute(
            f"CREATE TRIGGER no BEFORE INSERT ON charge FOR EACH ROW WHEN (NEW.vehicle_key = '{bad}')"
            " EXECUTE FUNCTION trassa.no()".encode()
        )
    counter.settle()
    assert_only_it_is_aside(counter, bad, "CheckViolation: not this one")
    with server.superuser() as connection:
        connection.execute("DROP TRIGGER no ON charge")
    counter.accept(*commute(9, *THERE))  # its own news bring it back
    counter.settle()
    assert aside_in(counter) == {}
    assert audit(counter.store, counter.desk.context).differences == []


def aside_in(counter: Counter) -> dict[str, str]:
    with counter.store.transaction() as connection:
        return tracks.aside(connection)


def assert_only_it_is_aside(counter: Counter, bad: str, reason: str) -> None:
    """All others are settled; the one stands with its reason in the totals and in the audit."""
    assert set(aside_in(counter)) == {bad}
    assert aside_in(counter)[bad].startswith(reason)
    assert due_in(counter) == []
    assert counter.desk.set_aside == 1
    result = audit(counter.store, counter.desk.context)
    (difference,) = result.differences
    assert difference.startswith(f"vehicle {bad}: set aside, it cannot be settled ({reason}")
    assert result.totals["set_aside"] == 1
    assert result.totals["trips"]["charged"] > 0


# -- what is final -----------------------------------------------------------------------------------------------------


def final_in(counter: Counter) -> int | None:
    with counter.store.transaction() as connection:
        row = connection.execute("SELECT max(final_before_ms) AS final_ms FROM vehicle").fetchone()
    return row["final_ms"] if row else None


def test_only_what_may_change_is_looked_at_and_a_late_read_opens_it_again(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    rules = settlement.charges

    def counting(context: TollContext, reads: Any, *more: Any) -> Outcome:
        looked.append(len(reads))
        return rules(context, reads, *more)

    monkeypatch.setattr(settlement, "charges", counting)
    for day in (0, 4, 8):
        counter.clock = counter.desk._clock = type(counter.clock)(START_MS + day * DAY_MS + 2 * DAY_MS)
        counter.accept(*commute(day, *THERE))
        assert len(counter.settle()) == 1
        assert final_in(counter) == START_MS + day * DAY_MS + 1_800_000 + silence_ms(counter.desk.context)
    assert looked == [2, 2, 2]
    before = held_in(counter.store)
    late = commute(4, (40.0, "m11-089-klin"))  # it went on, beyond the boundary
    counter.accept(*late)
    assert final_in(counter) is None
    counter.settle()
    assert looked[-1] == 7
    assert audit(counter.store, counter.desk.context).differences == []
    assert held_in(counter.store) != before
    counter.accept(*commute(12, (0.0, "nowhere")))  # rejected at the door: no news
    counter.accept(*commute(8, (50.0, "m11-021-moskva")))
    counter.settle()
    assert audit(counter.store, counter.desk.context).differences == []


def test_a_contract_opens_the_past_of_both_vehicles(counter: Counter) -> None:
    counter.accept(*commute(0, THERE[0]), *commute(0, THERE[1], plate="Т002ТТ77"), *commute(5, *THERE))
    counter.settle()
    assert final_in(counter) is not None
    identities = [{"kind": "plate", "plain": plate} for plate in ("А001ВС77", "Т002ТТ77")]
    with counter.store.transaction() as connection:
        register_contract(
            connection,
            {"contract_id": "K", "vehicle_class": "1", "means": "plate", "identities": identities},
            LATER_MS,
            KEY,
        )
    counter.settle()
    with counter.store.transaction() as connection:
        charged = [row for row in list_charges(connection) if row["amount_minor"]]
    assert [(row["contract_id"], row["amount_minor"]) for row in charged] == [("K", 113_000), ("K", 165_000)]
    assert audit(counter.store, counter.desk.context).differences == []


@pytest.mark.parametrize("seed", [1, 2])
def test_weeks_of_reads_in_any_order_end_as_all_at_once(
    server: RunningStore, roadway: Roadway, counter: Counter, seed: int
) -> None:
    chance = random.Random(seed)
    bodies = [
        body | {"time_ms": body["time_ms"] + day * DAY_MS, "sequence": body["sequence"] + 100_000 * day}
        for day in range(0, 15, 3)
        for body in journeys(30 + seed, 6)
    ]
    counter.accept(*bodies)
    counter.settle()
    expected = held_in(counter.store)
    counter.store.close()
    live = Counter(roadway, server.fresh(), START_MS)
    arriving = sorted(bodies, key=lambda body: body["time_ms"] + chance.choice([0, 0, 0, 4 * DAY_MS]))
    for start in range(0, len(arriving), 9):
        part = arriving[start : start + 9]
        live.clock.step_to(max(live.clock.now_ms(), *(body["time_ms"] for body in part)))
        live.accept(*part)
        live.settle()
    live.clock.step_to(LATER_MS)
    live.settle()
    assert audit(live.store, live.desk.context).differences == []
    assert held_in(live.store) == expected
    live.store.close()


# -- another edition ---------------------------------------------------------------------------------------------------


def edited(context: TollContext, **changes: Any) -> TollContext:
    """The context after an edit of the first tariff's file."""
    said = context.systems["m11-15-58"].model_dump(by_alias=True) | changes
    sha256 = hashlib.sha256(repr(changes).encode()).hexdigest()
    return TollContext({**context.systems, "m11-15-58": TariffSystem.model_validate(said | {"sha256": sha256})})


def versions_of(context: TollContext, **changes: str) -> list[dict[str, Any]]:
    """Its versions, each with some fields changed; ``{}`` stands for what was there."""
    said = context.systems["m11-15-58"].model_dump(by_alias=True)["version"]
    return [
        version | {name: change.replace("{}", version[name]) for name, change in changes.items()} for version in said
    ]


def settled_again(counter: Counter, context: TollContext) -> list[dict[str, Any]]:
    def mark(connection: Connection) -> list[str]:
        connection.execute("UPDATE vehicle SET due_ms = %s", [LATER_MS])
        return tracks.due_vehicles(connection, LATER_MS, 1000)

    return settle_all(counter.store, context, counter.store.within(mark), LATER_MS).changed


def test_an_edit_that_changes_no_grounds_books_nothing_and_a_price_is_reversal_and_new(counter: Counter) -> None:
    counter.accept(*commute(0, *THERE))
    (charge,) = counter.settle()
    with counter.store.transaction() as connection:
        head, said = chain_head(connection), explain_charge(connection, charge["charge_key"])
    context = counter.desk.context
    cited = edited(context, file="renamed.toml", version=versions_of(context, source="another page"))
    assert settled_again(counter, cited) == []
    with counter.store.transaction() as connection:
        assert chain_head(connection) == head
        assert explain_charge(connection, charge["charge_key"]) == said
        row = connection.execute("SELECT edition FROM vehicle").fetchone()
    assert row == {"edition": cited.edition} != {"edition": context.edition}
    raised = edited(context, price_unit_minor=101)
    (dearer,) = settled_again(counter, raised)
    assert dearer["amount_minor"] == charge["amount_minor"] * 101 // 100
    with counter.store.transaction() as connection:
        now = explain_charge(connection, charge["charge_key"])
    assert now is not None
    assert [entry["kind"] for entry in now["entries"]] == ["charge", "reversal", "charge"]
    assert now["explanation"]["tariff"]["sha256"] == raised.systems["m11-15-58"].sha256


def test_the_same_amount_on_other_grounds_is_booked_anew(counter: Counter) -> None:
    counter.accept(*commute(0, *THERE))
    counter.settle()
    context = edited(counter.desk.context, version=versions_of(counter.desk.context, id="{}-b"))
    assert len(settled_again(counter, context)) == 1
    with counter.store.transaction() as connection:
        assert totals(connection)["charged"][0]["charges"] == 1
    assert audit(counter.store, context).differences == []
