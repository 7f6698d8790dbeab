"""Crossings of toll points in a vehicle's own fixes, rule by rule."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from trassa.live.axis_index import AxisIndex
from trassa.live.passages import Crossing, CrossingPoint, Fix, Track, crossings, located
from trassa.live.roadway import Roadway
from trassa.plan.project import open_project
from trassa.road.locate import Locator
from trassa.road.model import Road

T0_MS = 1_780_660_800_000
BOTH = frozenset({"increasing", "decreasing"})
PLAZA = CrossingPoint("plaza", 1000.0, BOTH)


def on(second: float, measure_m: float | None, carriageway: str = "increasing") -> Fix:
    """A fix already located; off the road where there is no measure."""
    where = carriageway if measure_m is not None else None
    return Fix(T0_MS + round(1000 * second), 55.0, 37.0, 20.0, where, measure_m)  # type: ignore[arg-type]


def found(*fixes: Fix, points: tuple[CrossingPoint, ...] = (PLAZA,)) -> list[Crossing]:
    return crossings(Track(), fixes, points)[1]


def test_a_crossing_is_interpolated_between_two_fixes_and_keeps_both() -> None:
    before, after = on(0, 980.0), on(4, 1060.0)
    (crossing,) = found(before, after)
    assert (crossing.toll_point, crossing.time_ms, crossing.doubt) == ("plaza", T0_MS + 1000, None)
    assert (crossing.before, crossing.after) == (before, after)


@pytest.mark.parametrize(
    ("measures_m", "carriageway", "count"),
    [
        ((990.0, 1000.0, 1010.0), "increasing", 1),  # a fix on the point itself counts once
        ((1000.0, 1010.0), "increasing", 0),  # it began behind the point
        ((1010.0, 1000.0, 990.0), "decreasing", 1),
        ((990.0, 1010.0), "decreasing", 0),  # against the direction of its carriageway
        ((1010.0, 990.0), "increasing", 0),
        ((900.0, 990.0), "increasing", 0),
    ],
)
def test_only_the_way_past_the_point_counts(measures_m: tuple[float, ...], carriageway: str, count: int) -> None:
    assert len(found(*(on(i, m, carriageway) for i, m in enumerate(measures_m)))) == count


def test_a_point_of_one_carriageway_is_not_crossed_on_the_other() -> None:
    one_way = (replace(PLAZA, carriageways=frozenset({"decreasing"})),)
    assert found(on(0, 990.0), on(1, 1010.0), points=one_way) == []


def test_several_points_between_two_fixes_come_in_the_order_in_which_they_are_met() -> None:
    points = (PLAZA, CrossingPoint("next", 1200.0, BOTH))
    met = found(on(0, 900.0), on(20, 1300.0), points=points)
    assert [(c.toll_point, c.time_ms - T0_MS) for c in met] == [("plaza", 5000), ("next", 15000)]
    back = found(on(0, 1300.0, "decreasing"), on(20, 900.0, "decreasing"), points=points)
    assert [c.toll_point for c in back] == ["next", "plaza"]


@pytest.mark.parametrize(("gap_s", "is_held"), [(60.0, False), (60.001, True)])
def test_a_gap_of_more_than_a_minute_is_in_doubt(gap_s: float, is_held: bool) -> None:
    (crossing,) = found(on(0, 900.0), on(gap_s, 1100.0))
    assert (crossing.doubt is not None) == is_held
    assert not is_held or "60 s without a fix" in str(crossing.doubt)


@pytest.mark.parametrize(("way_m", "is_held"), [(700.0, False), (701.0, True)])
def test_a_speed_no_vehicle_drives_is_in_doubt(way_m: float, is_held: bool) -> None:
    (crossing,) = found(on(0, 950.0), on(10, 950.0 + way_m))
    assert (crossing.doubt is not None) == is_held


def test_trembling_in_the_queue_at_the_plaza_is_one_crossing() -> None:
    chance = random.Random(4)
    queue = [on(0, 900.0)] + [on(5 + i, 1000.0 + chance.uniform(-15, 15)) for i in range(300)] + [on(400, 1100.0)]
    assert len(found(*queue)) == 1


def test_a_second_round_counts_again() -> None:
    first = [on(0, 950.0), on(2, 1010.0), on(20, 1500.0)]
    second = [on(3000, 800.0), on(3005, 950.0), on(3007, 1010.0)]
    assert len(found(*first, *second)) == 2


def test_a_stray_position_does_not_hide_a_crossing_and_a_rest_beside_the_road_is_none() -> None:
    assert len(found(on(0, 990.0), on(1, None), on(2, 1010.0))) == 1
    assert len(found(on(0, 990.0), on(1, 1005.0, "decreasing"), on(2, 1010.0))) == 1
    assert found(on(0, 990.0), on(30, None), on(300, 1500.0)) == []


def test_the_track_survives_storage_and_batching_does_not_matter() -> None:
    chance = random.Random(11)
    fixes = [on(3 * i, 700.0 + 40.0 * i + chance.uniform(-8, 8) if i % 5 else None) for i in range(40)]
    whole = found(*fixes)
    assert len(whole) == 1
    track, pieces = Track(), []
    for fix in fixes:
        track, more = crossings(Track.of(json.loads(json.dumps(track.as_dict()))), [fix], [PLAZA])
        pieces += more
    assert pieces == whole


@pytest.fixture(scope="module")
def road(planned_lane: Path) -> Road:
    """Four kilometres due north, both carriageways on one line: only the heading tells them apart."""
    return Roadway.of(open_project(planned_lane)).road


def sent(road: Road, second: float, measure_m: float) -> Fix:
    """A fix as a vehicle sends it, somewhere on the road."""
    lat, lon = Locator(road).point("increasing", measure_m)
    return Fix(T0_MS + round(1000 * second), float(lat), float(lon))


@pytest.mark.parametrize(("step_m", "carriageway"), [(25.0, "increasing"), (-25.0, "decreasing")])
def test_the_way_it_moves_decides_the_carriageway_from_the_first_pair_on(
    road: Road, step_m: float, carriageway: str
) -> None:
    point = CrossingPoint("here", 1990.0 if step_m < 0 else 2010.0, BOTH)
    fixes = [sent(road, i, 2000.0 + step_m * i) for i in range(5)]
    index = AxisIndex(road)
    placed = located(index, Track(), fixes)
    assert {fix.carriageway for fix in placed[1:]} == {carriageway}
    whole = crossings(Track(), placed, [point])[1]
    assert [(c.toll_point, c.time_ms) for c in whole] == [("here", T0_MS + 400)]
    track, pieces = Track(), []
    for fix in fixes:  # one at a time, and each sent twice
        for _ in range(2):
            track, more = crossings(track, located(index, track, [fix]), [point])
            pieces += more
    assert pieces == whole


def test_fixes_of_one_batch_may_come_in_any_order_but_what_is_late_is_left_out(road: Road) -> None:
    index, fixes = AxisIndex(road), [sent(road, i, 500.0 + 25.0 * i) for i in range(8)]
    shuffled = random.Random(2).sample(fixes, len(fixes))
    assert located(index, Track(), shuffled) == located(index, Track(), fixes)
    track, _ = crossings(Track(), located(index, Track(), fixes), [])
    assert located(index, track, fixes[:5]) == []


def test_beside_the_road_there_is_no_carriageway(road: Road) -> None:
    beside = [replace(sent(road, i, 500.0 + 25.0 * i), longitude_deg=37.31) for i in range(3)]
    assert {fix.carriageway for fix in located(AxisIndex(road), Track(), beside)} == {None}
