"""The scenario: who drives where, one breakdown with a queue behind it, and what only looks like a hazard.

It fits any planned road of a few kilometres: the place is sought where the road is open, covered and without plazas
and service areas around it. The same road, number of vehicles, length and seed give the same scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import UsageError
from trassa.linear import Extent
from trassa.live.roadway import Roadway
from trassa.twin.course import Courses
from trassa.twin.coverage import Coverage
from trassa.twin.traffic import CAR, SHOULDER, TRUCK, Order, Traffic

__all__ = ["FEWEST_VEHICLES", "SHORTEST_S", "Scenario", "written"]

FloatArray = npt.NDArray[np.float64]

FEWEST_VEHICLES = 24
SHORTEST_S = 120
_QUEUE = 6
_STOP_AND_GO = 6
_PLAZA_QUEUE = 4
_CLEAR_M = 1500.0
_CRUISE_MPS = 27.0
_BRAKES_MS = 8_000
_PITCH_M = 75.0
"""Mean spacing of the traffic that arrives, over both lanes; where the road is short, down to half of it."""
_OFF_ROAD_M = {"surveyed": 60.0, "drawn": 60.0, "schematic": 110.0}


@dataclass(frozen=True)
class Scenario:
    """The cast on its marks. ``roles`` names each vehicle's part; ``silent_from_ms`` is infinite for who keeps
    talking; moments in ms from the drive's start. ``broken`` is the vehicle that breaks down, ``place_m`` about where.
    """

    traffic: Traffic
    roles: tuple[str, ...]
    orders: tuple[Order, ...]
    silent_from_ms: FloatArray
    broken: int
    place_m: float
    resolved_ms: int
    decoys: tuple[str, ...]

    def limits_mps(self, elapsed_ms: int) -> FloatArray:
        """What the script allows each vehicle at a moment: infinite where it says nothing."""
        limits = np.full(len(self.traffic), np.inf)
        for order in self.orders:
            if order.from_ms <= elapsed_ms < order.to_ms:
                limits[order.vehicle] = min(limits[order.vehicle], order.speed_mps)
        return limits


@dataclass
class _Marks:
    """The cast as it is put together: a row a vehicle."""

    rows: list[tuple[str, int, int, float, float, float, int, float, bool]]

    def add(
        self, role: str, course: int, lane: int, progress_m: float, speed_mps: float, wish_mps: float,
        kind: int = CAR, right_m: float = np.nan, keeps_lane: bool = True,
    ) -> int:  # fmt: skip
        self.rows.append((role, course, lane, progress_m, speed_mps, wish_mps, kind, right_m, keeps_lane))
        return len(self.rows) - 1

    def traffic(self, road_length_m: float) -> Traffic:
        _, course, lane, progress, speed, wish, kind, right, keeps = zip(*self.rows, strict=True)
        station_type = np.array(kind, dtype=np.uint8)
        return Traffic(
            course=np.array(course, dtype=np.int8),
            lane=np.array(lane, dtype=np.int8),
            progress_m=np.array(progress, dtype=np.float64),
            speed_mps=np.array(speed, dtype=np.float64),
            wish_mps=np.array(wish, dtype=np.float64),
            length_m=np.where(station_type == TRUCK, 16.5, 4.6),
            station_type=station_type,
            right_m=np.array(right, dtype=np.float64),
            keeps_lane=np.array(keeps, dtype=np.bool_),
            road_length_m=road_length_m,
        )


def written(roadway: Roadway, vehicles: int, window_s: int, seed: int, near_m: float | None = None) -> Scenario:
    """Write the scenario for a number of vehicles and a window; ``near_m`` is where the breakdown is wanted."""
    if vehicles < FEWEST_VEHICLES:
        raise UsageError(f"drive: {vehicles} vehicles are too few for the scenario", cure=f"{FEWEST_VEHICLES} or more")
    if window_s < SHORTEST_S:
        raise UsageError(f"drive: {window_s} s are too short for the scenario", cure=f"{SHORTEST_S // 60} minutes")
    random = np.random.default_rng([seed, 1])
    courses = Courses(roadway.road)
    arriving = _arriving(roadway, vehicles, len(courses))
    # every vehicle upstream may be needed within the window; more of them stand farther back, not closer together
    reach_m = max(30.0 * window_s, _PITCH_M * arriving)
    place_m = _place(roadway, reach_m, 0.5 * _PITCH_M * arriving + _CLEAR_M, near_m)
    marks, orders = _Marks([]), list[Order]()
    silent: dict[int, float] = {}
    broken, resolved_ms = _breakdown(marks, orders, courses, place_m, window_s)
    decoys = _decoys(marks, orders, silent, roadway, courses, place_m, window_s)
    tail_m = marks.rows[broken + _QUEUE][3] - 150.0
    _arrive(marks, random, tail_m, reach_m, arriving)
    _elsewhere(marks, random, courses, place_m, vehicles - len(marks.rows))
    silent_from_ms = np.full(len(marks.rows), np.inf)
    for vehicle, moment_ms in silent.items():
        silent_from_ms[vehicle] = moment_ms
    return Scenario(
        traffic=marks.traffic(roadway.road.length_m),
        roles=tuple(row[0] for row in marks.rows),
        orders=tuple(orders),
        silent_from_ms=silent_from_ms,
        broken=broken,
        place_m=place_m,
        resolved_ms=resolved_ms,
        decoys=decoys,
    )


def _arriving(roadway: Roadway, vehicles: int, courses: int) -> int:
    """How many vehicles come towards the place after the queue; the rest is elsewhere on the road."""
    scripted = 1 + _QUEUE + _STOP_AND_GO + _PLAZA_QUEUE + 2
    return max(3, int((vehicles - scripted) * (0.7 if courses > 1 else 0.85)))


def _place(roadway: Roadway, reach_m: float, least_m: float, near_m: float | None) -> float:
    """The measure nearest to the wanted one around which the first carriageway is open road.

    Behind it there is room for the arriving traffic: ``reach_m`` where the road is long enough, never below
    ``least_m``.
    """
    road = roadway.road
    coverage = Coverage(roadway)
    wanted_m = 0.6 * road.length_m if near_m is None else near_m
    shut = list(roadway.quiet_extents)
    for kind in ("tunnel", "hole"):
        shut += road.structure_extents(kind, road.carriageways[0])
    begin_m = max(least_m, min(reach_m, 0.6 * road.length_m))
    measures = np.arange(begin_m, road.length_m - 2.0 * _CLEAR_M, 100.0)
    if road.carriageways[0] == "decreasing":
        measures = road.length_m - measures
    for measure_m in measures[np.argsort(np.abs(measures - wanted_m), kind="stable")].tolist():
        around = Extent(max(0.0, measure_m - _CLEAR_M), min(road.length_m, measure_m + _CLEAR_M))
        if _meets(around, shut) or not _whole(roadway, around):
            continue
        if coverage.share(0, around.start_m, around.end_m) == 1.0:
            return float(measure_m)
    raise UsageError(
        f"drive: {road.ref} has no {2 * _CLEAR_M / 1000:g} km of open and covered road with {least_m / 1000:.1f} km "
        "of approach for this traffic",
        cure="fewer vehicles or fewer minutes",
    )


def _meets(extent: Extent, others: Sequence[Extent]) -> bool:
    return any(extent.start_m < other.end_m and other.start_m < extent.end_m for other in others)


def _whole(roadway: Roadway, extent: Extent) -> bool:
    line = roadway.road.alignments[roadway.road.carriageways[0]]
    inside = (line.measure_m >= extent.start_m) & (line.measure_m <= extent.end_m)
    return bool(line.present[inside].all())


def _breakdown(marks: _Marks, orders: list[Order], courses: Courses, place_m: float, window_s: int) -> tuple[int, int]:
    """A truck that stops in the right lane, and six vehicles that wait behind it until it moves off again."""
    progress_m = float(courses.all[0].progress_at(np.array([place_m]))[0])
    resolved_ms = int(min(max(0.55 * window_s, 60.0), 150.0) * 1000.0)
    stopping_m = _CRUISE_MPS * _BRAKES_MS / 1000.0 + _CRUISE_MPS**2 / 6.0
    broken = marks.add("breakdown", 0, 0, progress_m - stopping_m, _CRUISE_MPS, 26.0, TRUCK)
    orders.append(Order(broken, _BRAKES_MS, resolved_ms, 0.0))
    for place in range(_QUEUE):
        behind_m = progress_m - stopping_m - 16.5 - 55.0 * (place + 1)
        marks.add("queue", 0, 0, behind_m, _CRUISE_MPS, 28.0)
    return broken, resolved_ms


def _decoys(
    marks: _Marks, orders: list[Order], silent: dict[int, float],
    roadway: Roadway, courses: Courses, place_m: float, window_s: int,
) -> tuple[str, ...]:  # fmt: skip
    """What looks like a hazard and is none; the names of what this road has room for."""
    other = len(courses) - 1
    place = float(courses.all[other].progress_at(np.array([place_m]))[0])
    named = [_parked(marks, roadway, courses, place_m)]
    # nobody comes from behind the platoon, so that it is stop-and-go and no end of a queue
    platoon_m = max(400.0, place - 5000.0) if other else max(400.0, place - 30.0 * window_s - 1500.0)
    for back in range(_STOP_AND_GO):
        marks.add("stop-and-go", other, 0, platoon_m - 28.0 * back, 12.0, 14.0)
    leader = len(marks.rows) - _STOP_AND_GO
    slowings_ms = range(5_000, window_s * 1000, 16_000)
    orders.extend(Order(leader, start_ms, start_ms + 7_000, 0.0) for start_ms in slowings_ms)
    named.append("stop-and-go")
    lone = marks.add("silent", other, SHOULDER, max(300.0, place - 2500.0), 14.0, 16.0)
    orders.append(Order(lone, 10_000, 10**9, 0.0))
    silent[lone] = 10_000.0 + 14.0 / 3.0 * 1000.0 + 5_000.0
    named.append("a vehicle that stops briefly and falls silent")
    places = roadway.road.places
    plazas = places["measure_m"][places["kind"] == "toll_plaza"]
    if len(plazas):
        nearest_m = float(plazas[np.argmin(np.abs(plazas - place_m))])
        gate = float(courses.all[other].progress_at(np.array([nearest_m]))[0])
        for back in range(_PLAZA_QUEUE):
            marks.add("plaza queue", other, SHOULDER, gate - 40.0 - 9.0 * back, 0.0, 8.0)
        first = len(marks.rows) - _PLAZA_QUEUE
        for start_ms in range(0, window_s * 1000, 20_000):
            orders.append(Order(first, start_ms, start_ms + 17_000, 0.0))
            orders.append(Order(first, start_ms + 17_000, start_ms + 20_000, 2.5))
        named.append("a queue at a toll plaza")
    return tuple(named)


def _parked(marks: _Marks, roadway: Roadway, courses: Courses, place_m: float) -> str:
    """A car that stands beside the road all the time: in a service area where there is one, else in a lay-by."""
    places = roadway.road.places
    areas = places["measure_m"][places["kind"] == "service_area"]
    aside_m = _OFF_ROAD_M[roadway.road.axis]
    measure_m = float(areas[np.argmin(np.abs(areas - place_m))]) if len(areas) else place_m - 1000.0
    progress_m = float(courses.all[0].progress_at(np.array([measure_m]))[0])
    marks.add("parked", 0, SHOULDER, progress_m, 0.0, 1e-3, right_m=aside_m)
    return f"a car parked {'in a service area' if len(areas) else 'in a lay-by'}"


def _arrive(marks: _Marks, random: np.random.Generator, tail_m: float, reach_m: float, count: int) -> None:
    """Traffic towards the place: every vehicle some way behind the one before it, lanes by choice of its driver."""
    gaps = _gaps(random, count, 0.95 * reach_m / count, tail_m - 100.0)
    _scatter(marks, random, 0, tail_m - np.cumsum(gaps), "flow")


def _gaps(random: np.random.Generator, count: int, mean_m: float, room_m: float) -> FloatArray:
    """Spacings around a mean that fit into a room."""
    gaps = random.uniform(0.6, 1.4, count) * mean_m
    return gaps * min(1.0, room_m / float(gaps.sum())) if count else gaps


def _elsewhere(marks: _Marks, random: np.random.Generator, courses: Courses, place_m: float, count: int) -> None:
    """The rest: a third drives on beyond the place, the others on the other carriageway ahead of the platoon."""
    beyond = max(1, count // 3) if len(courses) > 1 else count
    start_m = float(courses.all[0].progress_at(np.array([place_m]))[0])
    gaps = _gaps(random, beyond, 70.0, courses.all[0].length_m - start_m - 200.0)
    _scatter(marks, random, 0, start_m + 100.0 + np.cumsum(gaps), "flow")
    if count > beyond:
        across_m = float(courses.all[-1].progress_at(np.array([place_m]))[0])
        first_m = max(800.0, across_m - 4500.0)
        gaps = _gaps(random, count - beyond, 90.0, courses.all[-1].length_m - first_m - 100.0)
        _scatter(marks, random, len(courses) - 1, first_m + np.cumsum(gaps), "flow")


def _scatter(marks: _Marks, random: np.random.Generator, course: int, progress_m: FloatArray, role: str) -> None:
    trucks = random.random(len(progress_m)) < 0.25
    left = random.random(len(progress_m)) < 0.45
    wishes = np.clip(random.normal(32.5, 2.5, len(progress_m)), 27.0, 38.0)
    for place, truck, is_left, wish in zip(progress_m.tolist(), trucks, left, wishes.tolist(), strict=True):
        speed = 24.5 if truck else 0.92 * wish
        lane = 0 if truck else int(is_left)
        marks.add(role, course, lane, place, speed, 25.0 if truck else wish, TRUCK if truck else CAR, keeps_lane=False)
