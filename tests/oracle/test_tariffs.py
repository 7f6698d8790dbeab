"""Every published price to the kopeck: tables read here from the operators' lists, not from our tariff files."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from unittest import mock

import pytest

from trassa.toll.context import TollContext, read_context
from trassa.toll.rating import Held, Journey, Rating, rate
from trassa.toll.tariff import TariffSystem

MOSCOW = timezone(timedelta(hours=3))
"""Europe/Moscow since 2014, without the zone data."""
PROFILES = ("night", "monThu", "fri", "sat", "sun")

# exit in local time and profile, edges and named dates of the order of 2026-04-18
EDGES = """
2026-06-04 23:59:59      monThu   Thursday
2026-06-05 00:00:00      monThu   Friday before one still belongs to Thursday
2026-06-05 00:59:59      monThu
2026-06-05 00:59:59.999  monThu
2026-06-05 01:00:00      night
2026-06-05 01:00:01      night
2026-06-05 05:59:59      night
2026-06-05 05:59:59.999  night
2026-06-05 06:00:00      fri
2026-06-05 06:00:01      fri
2026-06-05 23:59:59      fri
2026-06-06 00:00:00      fri
2026-06-06 00:00:01      fri
2026-06-06 00:59:59      fri
2026-06-06 01:00:00      night
2026-06-06 05:59:59      night
2026-06-06 06:00:00      sat
2026-06-07 00:59:59      sat
2026-06-07 06:00:00      sun
2026-06-08 00:59:59      sun
2026-06-08 01:00:00      night
2026-06-08 05:59:59      night
2026-06-08 06:00:00      monThu
2026-04-30 12:00:00      fri      a Thursday priced as a Friday
2026-05-01 00:30:00      fri
2026-05-01 03:00:00      night    night stays night
2026-05-01 12:00:00      sat      a Friday priced as a Saturday
2026-05-08 12:00:00      fri      a Friday that stays one
2026-05-09 12:00:00      sat
2026-05-10 12:00:00      sat      a Sunday priced as a Saturday
2026-05-11 00:59:59      sat
2026-05-11 12:00:00      sun      a Monday priced as a Sunday
2026-05-12 00:59:59      sun
2026-05-12 06:00:00      monThu
2026-06-11 12:00:00      fri
2026-06-12 12:00:00      sat
2026-11-03 12:00:00      fri
2026-11-04 12:00:00      sat
2026-12-30 12:00:00      fri
2026-12-31 12:00:00      sat
2027-01-01 00:59:59      sat
2026-04-24 01:00:00      night    the first moment of the order
2026-04-24 06:00:00      fri
"""
VECTORS = [
    pytest.param(f"{day} {clock}", profile, id=f"{day} {clock}")
    for day, clock, profile in (line.split()[:3] for line in EDGES.strip().splitlines())
]


def moment_ms(text: str) -> int:
    """Milliseconds of UTC of a Moscow time."""
    since = datetime.fromisoformat(text).replace(tzinfo=MOSCOW) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=1)


@pytest.fixture(scope="module")
def bundled() -> TollContext:
    return read_context(["m11-15-58", "m11-58-684", "m12", "ckad"], Path())


def table(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "toll" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def matrix(shared: Path) -> dict[tuple[str, str], dict[str, int]]:
    """Roubles by directed pair and profile."""
    rows = table(shared, "m11_tariff_15_58_cat1_2026-04-24.csv")
    assert len(rows) == 32
    return {(row["from"], row["to"]): {profile: int(row[_column(profile)]) for profile in PROFILES} for row in rows}


def _column(profile: str) -> str:
    return "night_0100_0600" if profile == "night" else profile


def asked(context: TollContext, system: str, start: str, end: str, exit_ms: int, means: str = "plate") -> Rating | Held:
    return rate(context, system, Journey(start, end, exit_ms - 1_800_000, exit_ms, "1", means))


def kopecks(context: TollContext, system: str, start: str, end: str, exit_ms: int, means: str = "plate") -> int | None:
    result = asked(context, system, start, end, exit_ms, means)
    return result.amount_minor if isinstance(result, Rating) else None


def differences(context: TollContext, matrix: dict[tuple[str, str], dict[str, int]], when: str, profile: str) -> int:
    return sum(
        kopecks(context, "m11-15-58", start, end, moment_ms(when)) != prices[profile] * 100
        for (start, end), prices in matrix.items()
    )


@pytest.mark.parametrize(("when", "profile"), VECTORS)
def test_every_pair_of_km_15_to_58(
    bundled: TollContext, matrix: dict[tuple[str, str], dict[str, int]], when: str, profile: str
) -> None:
    assert differences(bundled, matrix, when, profile) == 0


# edge in local time, profile before and from it on
STEPS = """
2026-06-04 01:00  monThu  night
2026-06-04 06:00  night   monThu
2026-06-05 00:00  monThu  monThu
2026-06-05 01:00  monThu  night
2026-06-05 06:00  night   fri
2026-06-06 00:00  fri     fri
2026-06-06 01:00  fri     night
2026-06-06 06:00  night   sat
2026-06-07 01:00  sat     night
2026-06-07 06:00  night   sun
2026-06-08 01:00  sun     night
2026-06-08 06:00  night   monThu
2026-05-01 01:00  fri     night
2026-05-01 06:00  night   sat
2026-05-12 01:00  sun     night
2026-05-12 06:00  night   monThu
2027-01-01 01:00  sat     night
2027-01-01 06:00  night   fri
"""


@pytest.mark.parametrize("step", STEPS.strip().splitlines())
def test_both_sides_of_every_edge(
    bundled: TollContext, matrix: dict[tuple[str, str], dict[str, int]], step: str
) -> None:
    day, clock, before, after = step.split()
    edge_ms = moment_ms(f"{day} {clock}")
    for off_ms, profile in ((-1000, before), (-1, before), (0, after), (1, after), (1000, after)):
        for (start, end), prices in matrix.items():
            found = kopecks(bundled, "m11-15-58", start, end, edge_ms + off_ms)
            assert found == prices[profile] * 100, (start, end, off_ms)


def test_the_order_before_is_not_known_and_unlisted_pairs_are_held(
    bundled: TollContext, matrix: dict[tuple[str, str], dict[str, int]]
) -> None:
    early = asked(bundled, "m11-15-58", "moscow", "solnechnogorsk", moment_ms("2026-04-24 00:59:59.999"))
    assert isinstance(early, Held)
    assert early.reason == "no_tariff_in_force"
    nodes = {node for pair in matrix for node in pair}
    unlisted = {(a, b) for a in nodes for b in nodes if a != b} - matrix.keys()
    assert len(unlisted) == 10
    for start, end in unlisted:
        held = asked(bundled, "m11-15-58", start, end, moment_ms("2026-06-05 12:00"))
        assert isinstance(held, Held), (start, end)
        assert held.reason == "pair_not_priced"
    for other in ({"vehicle_class": "2"}, {"means": "tag"}, {"vehicle_class": None}, {"means": None}):
        journey = Journey("moscow", "solnechnogorsk", 0, moment_ms("2026-06-05 12:00"), **{
            "vehicle_class": "1", "means": "plate", **other
        })  # fmt: skip
        assert isinstance(rate(bundled, "m11-15-58", journey), Held), other


def test_entry_before_the_edge_and_a_long_trip_do_not_change_the_exit(bundled: TollContext) -> None:
    exit_ms = moment_ms("2026-06-05 06:00:00")
    for hours in (0, 1, 6, 25):
        journey = Journey("moscow", "solnechnogorsk", exit_ms - hours * 3_600_000, exit_ms, "1", "plate")
        result = rate(bundled, "m11-15-58", journey)
        assert isinstance(result, Rating)
        assert result.amount_minor == 165_000


@pytest.fixture(scope="module")
def row_from_58(shared: Path) -> dict[int, tuple[int, int]]:
    """Roubles Mon–Thu and Fri–Sun by the plaza's kilometre."""
    with (shared / "roads" / "m11" / "m11_facts.csv").open(encoding="utf-8") as file:
        found = {
            int(row["km"]): re.search(r"RUB: (\d+)/(\d+)", row["value"])
            for row in csv.DictReader(file)
            if row["kind"] == "toll_plaza"
        }
    return {km: (int(match[1]), int(match[2])) for km, match in found.items() if match}


def test_the_row_from_km_58(bundled: TollContext, row_from_58: dict[int, tuple[int, int]]) -> None:
    assert len(row_from_58) == 20
    system = bundled.systems["m11-58-684"]
    nodes = {point.km: point.node for point in system.points}
    days = {"2026-06-01": 0, "2026-06-04": 0, "2026-06-05": 1, "2026-06-06": 1, "2026-06-07": 1, "2026-06-08": 0}
    for km, prices in row_from_58.items():
        for day, which in days.items():
            when = moment_ms(f"{day} 12:00")
            assert kopecks(bundled, "m11-58-684", "solnechnogorsk", nodes[km], when) == prices[which] * 100, (km, day)
            back = asked(bundled, "m11-58-684", nodes[km], "solnechnogorsk", when)
            assert isinstance(back, Held), km
    for held in (
        asked(bundled, "m11-58-684", "klin", "tver", moment_ms("2026-06-05 12:00")),
        asked(bundled, "m11-58-684", "solnechnogorsk", "lyuban", moment_ms("2026-10-05 12:00")),
        asked(bundled, "m11-58-684", "solnechnogorsk", "tver", moment_ms("2026-06-05 12:00"), "tag"),
        asked(bundled, "m11-58-684", "solnechnogorsk", "tver", moment_ms("2026-06-05 03:00")),
    ):
        assert isinstance(held, Held)


def runs(rows: list[dict[str, str]]) -> Iterator[tuple[int, int]]:
    """Every stretch of a list of sections, as slices."""
    for first in range(len(rows)):
        for last in range(first + 1, len(rows) + 1):
            yield first, last


def test_every_pair_of_the_m12_is_the_sum_of_its_sections(bundled: TollContext, shared: Path) -> None:
    rows = table(shared, "m12_gantry_sections_cat1_2026-03-02.csv")
    when = moment_ms("2026-06-05 12:00")
    by_gantry_km: dict[int, int | None] = {}
    for first, last in runs(rows):
        wanted = 100 * sum(int(row["category1_rub"]) for row in rows[first:last])
        found = kopecks(bundled, "m12", rows[first]["from"], rows[last - 1]["to"], when)
        assert found == wanted, (first, last)
        if first == 0:
            by_gantry_km[int(rows[last - 1]["gantry_km"])] = found
    assert len(rows) == 19
    assert (by_gantry_km[764], by_gantry_km[806], by_gantry_km[832]) == (525_000, 584_700, 590_900)
    points = bundled.systems["m12"].points
    assert [point.km for point in points] == [int(row["gantry_km"]) for row in rows]


def test_the_ckad_has_two_prices_and_a_gap(bundled: TollContext, shared: Path) -> None:
    rows = table(shared, "ckad_freeflow_sections_cat1_2026-10-01.csv")
    names = bundled.systems["ckad"].aliases
    when = moment_ms("2026-10-05 12:00")
    for means, column in (("tag", "transponder_rub"), ("plate", "no_transponder_rub"), ("own", "no_transponder_rub")):
        for first, last in runs(rows[:14]):
            start, end = (names.get(name, name) for name in (rows[first]["from"], rows[last - 1]["to"]))
            wanted = 100 * sum(int(row[column]) for row in rows[first:last])
            assert kopecks(bundled, "ckad", start, end, when, means) == wanted, (start, end, means)
        assert kopecks(bundled, "ckad", "М-1", "Звенигород", when, means) == 100 * int(rows[14][column])
    assert kopecks(bundled, "ckad", "М-10", "ПК-5", when, "tag") == 227_800
    assert kopecks(bundled, "ckad", "М-10", "ПК-5", when) == 318_900
    for start, end in (("М-10", "Звенигород"), ("ПК-5", "М-1"), ("М-1", "М-10"), ("ПК-5", "М-10"), ("М-11", "М-10")):
        assert isinstance(asked(bundled, "ckad", start, end, when), Held), (start, end)
    early = asked(bundled, "ckad", "М-10", "М-11", moment_ms("2026-09-30 23:59:59"))
    assert isinstance(early, Held)


def test_splitting_and_merging_section_sums_changes_nothing(bundled: TollContext) -> None:
    """Rate (A → C) = rate (A → B) + rate (B → C), for tariffs of sections only; the matrix obeys neither."""
    nodes, when = bundled.systems["m12"].nodes, moment_ms("2026-06-05 12:00")
    for at, middle in enumerate(nodes[1:-1], start=1):
        parts = [kopecks(bundled, "m12", nodes[0], middle, when), kopecks(bundled, "m12", middle, nodes[-1], when)]
        assert None not in parts
        assert sum(part or 0 for part in parts) == 590_900, at
    night = moment_ms("2026-06-05 03:00")
    steps = [kopecks(bundled, "m11-15-58", a, b, night) for a, b in pairwise(("moscow", "tskad", "solnechnogorsk"))]
    assert (steps, kopecks(bundled, "m11-15-58", "moscow", "solnechnogorsk", night)) == ([11_000, 11_000], 88_000)


Price = Callable[[TariffSystem, object, tuple[str, str, str, str, str]], int | None]
REAL_PRICE: Price = TariffSystem.price


def _sorted_pair(system: TariffSystem, version: object, key: tuple[str, str, str, str, str]) -> int | None:
    start, end = sorted(key[2:4])
    return REAL_PRICE(system, version, (key[0], key[1], start, end, key[4]))


def _either_direction(system: TariffSystem, version: object, key: tuple[str, str, str, str, str]) -> int | None:
    back = (key[0], key[1], key[3], key[2], key[4])
    found = REAL_PRICE(system, version, key)
    return found if found is not None else REAL_PRICE(system, version, back)


def test_a_sorted_pair_key_would_be_seen(bundled: TollContext, matrix: dict[tuple[str, str], dict[str, int]]) -> None:
    """The comparison above must fail for the two mistakes that a directed matrix invites."""
    with mock.patch.object(TariffSystem, "price", _sorted_pair):
        assert differences(bundled, matrix, "2026-06-05 12:00", "fri") > 0
    with (
        mock.patch.object(TariffSystem, "price", _either_direction),
        pytest.raises(AssertionError),
    ):
        test_the_order_before_is_not_known_and_unlisted_pairs_are_held(bundled, matrix)
