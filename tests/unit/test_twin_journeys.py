"""What journeys owe, case by case, and the demand that covers every priced pair of rising kilometres."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

import trassa
from trassa.twin.demand import Passer, boundary_of, journeys_of
from trassa.twin.gantries import reads_of
from trassa.twin.journey import Account, Journey, Stop, dues
from trassa.twin.prices import PriceList
from trassa.twin.toll_score import toll_score

MOSCOW, ZELENOGRAD, BOUNDARY, KLIN = "m11-021-moskva", "m11-036-zelenograd", "m11-058-solnechnogorsk", "m11-089-klin"


def _ms(local: str) -> int:
    return int(datetime.fromisoformat(f"{local}+03:00").timestamp() * 1000)


START_MS = _ms("2026-06-05T15:00")


@pytest.fixture(scope="module")
def lists() -> tuple[PriceList, ...]:
    found = []
    for name in ("m11-15-58", "m11-58-684"):
        with (Path(trassa.__file__).parent / "toll" / "tariffs" / f"{name}.toml").open("rb") as stream:
            found.append(PriceList(tomllib.load(stream), name))
    return tuple(found)


def _owed(
    lists: tuple[PriceList, ...], *stops: tuple[str, str, bool], exempt: bool = False
) -> list[tuple[object, ...]]:
    account = Account("c", "1", "plate", "А001АА77", exempt=exempt)
    way = tuple(Stop(point, _ms(local), "unknown", seen=seen) for point, local, seen in stops)
    return [(due.system, due.amount_minor, due.because) for due in dues(lists, Journey(account, way))]


def test_through_the_boundary_owes_twice(lists: tuple[PriceList, ...]) -> None:
    # Friday: moscow → solnechnogorsk 1650, solnechnogorsk → klin 260 roubles
    noon, one, two = "2026-06-05T12:00", "2026-06-05T12:30", "2026-06-05T13:00"
    owed = _owed(lists, (MOSCOW, noon, True), (BOUNDARY, one, True), (KLIN, two, True))
    assert owed == [("m11-15-58", 165_000, ""), ("m11-58-684", 26_000, "")]


def test_an_unseen_boundary_is_priced_where_its_moment_does_not_matter(lists: tuple[PriceList, ...]) -> None:
    day = [(MOSCOW, "2026-06-05T12:00", True), (BOUNDARY, "2026-06-05T12:30", False), (KLIN, "2026-06-05T13:00", True)]
    assert _owed(lists, *day) == [("m11-15-58", 165_000, ""), ("m11-58-684", 26_000, "")]
    edge = [(MOSCOW, "2026-06-05T05:40", True), (BOUNDARY, "2026-06-05T05:59", False), (KLIN, "2026-06-05T06:20", True)]
    assert _owed(lists, *edge) == [("m11-15-58", None, "moment not known"), ("m11-58-684", 26_000, "")]


def test_an_end_that_nobody_saw_is_held(lists: tuple[PriceList, ...]) -> None:
    noon, later = "2026-06-05T12:00", "2026-06-05T12:20"
    assert _owed(lists, (MOSCOW, noon, False), (ZELENOGRAD, later, True)) == [("m11-15-58", None, "entry not seen")]
    assert _owed(lists, (MOSCOW, noon, True), (ZELENOGRAD, later, False)) == [("m11-15-58", None, "exit not seen")]
    assert _owed(lists, (MOSCOW, noon, False), (ZELENOGRAD, later, False)) == []
    assert _owed(lists, (MOSCOW, noon, True), (ZELENOGRAD, later, True), exempt=True) == []


def test_who_is_first_seen_at_the_boundary_owes_nothing_before_it(lists: tuple[PriceList, ...]) -> None:
    noon, one, two = "2026-06-05T12:00", "2026-06-05T12:30", "2026-06-05T13:00"
    owed = _owed(lists, (MOSCOW, noon, False), (BOUNDARY, one, True), (KLIN, two, True))
    assert owed == [("m11-58-684", 26_000, "")]
    owed = _owed(lists, (MOSCOW, noon, True), (BOUNDARY, one, True), (KLIN, two, False))
    assert owed == [("m11-15-58", 165_000, ""), ("m11-58-684", None, "exit not seen")]


@pytest.mark.parametrize("seed", range(5))
def test_demand_covers_every_pair_and_one_in_twenty_is_unpriced(lists: tuple[PriceList, ...], seed: int) -> None:
    journeys = journeys_of(lists, START_MS, np.random.default_rng(seed), [Passer(3, "fleet/v3", START_MS + 60_000)])
    owed = [due for journey in journeys for due in dues(lists, journey)]
    charged = [due for due in owed if due.amount_minor is not None]
    rising = [
        (prices.system, *pair)
        for prices in lists
        for pair in prices.priced_pairs("1", "plate", START_MS)
        if prices.nodes()[pair[0]] < prices.nodes()[pair[1]]
    ]
    assert len(rising) == 35
    assert set(rising) == {(due.system, due.start, due.end) for due in charged}
    assert len(charged) >= 100
    because = Counter(due.because for due in owed if due.amount_minor is None)
    assert {"pair", "class", "payment"} <= set(because)
    assert 0.03 <= (because["pair"] + because["class"] + because["payment"]) / len(owed) <= 0.08
    assert len({journey.account.identity for journey in journeys}) == len(journeys)


def test_reads_have_doubles_repeats_and_strangers(lists: tuple[PriceList, ...]) -> None:
    journeys = journeys_of(lists, START_MS, np.random.default_rng(1))
    reads = reads_of(journeys, START_MS, np.random.default_rng(2))
    named = {(body["source"], body["device"], body["sequence"]) for body in reads.bodies}
    assert len(named) == reads.distinct + reads.unusable
    assert len(reads.bodies) > len(named), "some are posted twice"
    passages = sum(stop.seen for journey in journeys for stop in journey.stops)
    assert reads.distinct > passages, "some passages are seen by two cameras"
    assert list(reads.bodies) == sorted(reads.bodies, key=lambda body: body["time_ms"])


def test_score_names_every_kind_of_difference(lists: tuple[PriceList, ...]) -> None:
    journeys = journeys_of(lists, START_MS, np.random.default_rng(1))
    reads = reads_of(journeys, START_MS, np.random.default_rng(2))
    owed = [due for journey in journeys for due in dues(lists, journey)]
    contract_of = {f"k{n}": journey.account.contract_id for n, journey in enumerate(journeys)}
    key_of = {contract: key for key, contract in contract_of.items()}
    charges = [
        {"vehicle_key": key_of[due.contract_id], "system": due.system, "amount_minor": due.amount_minor}
        for due in owed
        if due.amount_minor is not None
    ]
    held = [
        {"vehicle_key": key_of[due.contract_id], "system": due.system, "reason": "x"}
        for due in owed
        if due.amount_minor is None
    ]
    fates = {"charged": reads.distinct - reads.exempt, "exempt": reads.exempt, "rejected": reads.unusable, "open": 0}
    totals = {"charged": [{"amount_minor": sum(row["amount_minor"] for row in charges)}], "held": {"x": len(held)}}
    receipts = {"open": len(reads.bodies) - reads.unusable, "rejected": reads.unusable}
    said = {"charges": charges, "held": held, "fates": fates, "totals": totals, "receipts": receipts}
    score, differences = toll_score(owed, reads, 0, said, contract_of)
    assert differences == []
    assert score["amount_minor"] == score["expected_amount_minor"]

    def told(**other: object) -> list[str]:
        return toll_score(owed, reads, 0, {**said, **other}, contract_of)[1]

    dearer = [{**charges[0], "amount_minor": charges[0]["amount_minor"] + 1}, *charges[1:]]
    assert "is due, was charged" in told(charges=dearer)[0]
    assert "was charged nothing" in told(charges=charges[1:])[0]
    assert "for nothing" in told(charges=[*charges, {"vehicle_key": "k?", "system": "m11-15-58", "amount_minor": 1}])[0]
    assert "is due" in told(held=held[1:])[0]
    assert "without a trip" in told(held=[*held, {"vehicle_key": "k?", "system": "m11-15-58", "reason": "x"}])[0]
    assert "no fate yet" in told(fates={**fates, "charged": fates["charged"] - 1, "open": 1})[0]
    assert "have a fate" in told(fates={**fates, "charged": fates["charged"] - 1})[0]
    assert "the total is" in told(totals={**totals, "charged": [{"amount_minor": 1}]})[0]
    assert "held trips are listed" in told(totals={**totals, "held": {}})[0]
    assert "have a receipt" in told(receipts={**receipts, "open": 1})[0]
    assert "were refused" in told(receipts={"open": len(reads.bodies)})[0]


def test_the_boundary_is_the_point_of_both(lists: tuple[PriceList, ...]) -> None:
    boundary = boundary_of(lists)
    assert boundary is not None
    assert (boundary.id, boundary.km) == (BOUNDARY, 58.0)
    assert boundary_of(lists[:1]) is None
