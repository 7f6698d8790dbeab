"""The scenario: who drives where, one breakdown with a queue behind it, and what only looks like a hazard.

It fits any planned road of a few kilometres; what differs from seed to seed is the plot (:mod:`trassa.twin.plot`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import UsageError
from trassa.live.roadway import Roadway
from trassa.twin.course import Courses
from trassa.twin.plot import LIGHT_PITCH_M, PITCH_M, Plot, drawn
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
_EVER_MS = 10**9
_ASTRAY_M = -9.0
_HEARERS = 4
_OFF_ROAD_M = {"surveyed": 60.0, "drawn": 60.0, "schematic": 110.0}


@dataclass(frozen=True)
class Scenario:
    """The cast on its marks. ``roles`` names each vehicle's part; ``silent_from_ms`` is infinite for who keeps
    talking; moments in ms from the drive's start. ``broken`` is the vehicle that breaks down. ``astray_m`` is how far
    to the right of its place each one's receiver believes to be, beside the noise of all. ``reporter`` sends a DENM of
    its own; -1 for nobody.
    """

    traffic: Traffic
    roles: tuple[str, ...]
    orders: tuple[Order, ...]
    silent_from_ms: FloatArray
    astray_m: FloatArray
    broken: int
    plot: Plot
    reporter: int
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


def written(roadway: Roadway, vehicles: int, window_s: int, seed: int, boundary_m: float | None = None) -> Scenario:
    """Write the scenario for a number of vehicles and a window; ``boundary_m`` is where two tariff systems meet."""
    if vehicles < FEWEST_VEHICLES:
        raise UsageError(f"drive: {vehicles} vehicles are too few for the scenario", cure=f"{FEWEST_VEHICLES} or more")
    if window_s < SHORTEST_S:
        raise UsageError(f"drive: {window_s} s are too short for the scenario", cure=f"{SHORTEST_S // 60} minutes")
    random = np.random.default_rng([seed, 1])
    courses = Courses(roadway.road)
    arriving = _arriving(vehicles, len(courses))
    # every vehicle upstream may be needed within the window; more of them stand farther back, not closer together
    reach_m = max(30.0 * window_s, PITCH_M * arriving)
    plot = drawn(roadway, vehicles, window_s, seed, reach_m, 0.5 * PITCH_M * arriving + _CLEAR_M, boundary_m)
    if plot.is_light:
        arriving = min(arriving, int(reach_m / LIGHT_PITCH_M))
    marks, orders = _Marks([]), list[Order]()
    silent: dict[int, float] = {}
    broken = _breakdown(marks, orders, courses, plot)
    decoys = _decoys(marks, orders, silent, roadway, courses, plot, window_s)
    rival = _rival(marks, orders, courses, plot)
    tail_m = marks.rows[broken + plot.queue][3] - 150.0
    _arrive(marks, random, plot.course, tail_m, reach_m, arriving)
    if boundary_m is not None and not plot.is_at_boundary:
        _pass(marks, random, float(courses.all[0].progress_at(np.array([boundary_m]))[0]), vehicles // 10)
    first = len(marks.rows)
    reporter = _elsewhere(marks, random, courses, plot, vehicles - first)
    silent_from_ms = np.full(vehicles, np.inf)
    for vehicle, moment_ms in silent.items():
        silent_from_ms[vehicle] = moment_ms
    astray_m = np.zeros(vehicles)
    if rival >= 0:
        astray_m[rival] = _ASTRAY_M
    return Scenario(
        traffic=marks.traffic(roadway.road.length_m),
        roles=tuple(row[0] for row in marks.rows),
        orders=tuple(orders),
        silent_from_ms=silent_from_ms,
        astray_m=astray_m,
        broken=broken,
        plot=plot,
        reporter=reporter,
        decoys=decoys,
    )


def _arriving(vehicles: int, courses: int) -> int:
    """How many vehicles come towards the place after the queue; the rest is elsewhere on the road."""
    scripted = 1 + _QUEUE + _STOP_AND_GO + _PLAZA_QUEUE + 2
    return max(3, int((vehicles - scripted) * (0.6 if courses > 1 else 0.85)))


def _breakdown(marks: _Marks, orders: list[Order], courses: Courses, plot: Plot) -> int:
    """A vehicle that stops in its lane, and those that wait behind it until it moves off again."""
    progress_m = float(courses.all[plot.course].progress_at(np.array([plot.place_m]))[0])
    stopping_m = _CRUISE_MPS * plot.brakes_ms / 1000.0 + _CRUISE_MPS**2 / 6.0
    kind = CAR if plot.lane else TRUCK
    broken = marks.add("breakdown", plot.course, plot.lane, progress_m - stopping_m, _CRUISE_MPS, 26.0, kind)
    end_ms = int(plot.resolved_ms) if np.isfinite(plot.resolved_ms) else _EVER_MS
    orders.append(Order(broken, plot.brakes_ms, end_ms, 0.0))
    for place in range(plot.queue):
        behind_m = progress_m - stopping_m - 16.5 - 55.0 * (place + 1)
        marks.add("queue", plot.course, plot.lane, behind_m, _CRUISE_MPS, 28.0)
    return broken


def _rival(marks: _Marks, orders: list[Order], courses: Courses, plot: Plot) -> int:
    """A vehicle on the hard shoulder whose receiver puts it at the other edge, next to oncoming traffic; -1 for none.

    It is a hazard, and one of its own carriageway.
    """
    if not np.isfinite(plot.rival_m):
        return -1
    course = len(courses) - 1 - plot.course
    progress_m = float(courses.all[course].progress_at(np.array([plot.rival_m]))[0])
    rival = marks.add("rival", course, SHOULDER, progress_m, 0.0, 20.0)
    orders.append(Order(rival, 0, _EVER_MS, 0.0))
    return rival


def _decoys(
    marks: _Marks, orders: list[Order], silent: dict[int, float],
    roadway: Roadway, courses: Courses, plot: Plot, window_s: int,
) -> tuple[str, ...]:  # fmt: skip
    """What looks like a hazard and is none; the names of what this road has room for."""
    other, is_across = len(courses) - 1 - plot.course, len(courses) > 1
    place = float(courses.all[other].progress_at(np.array([plot.place_m]))[0])
    named = [_parked(marks, roadway, courses, plot)] if "parked" in plot.decoys else []
    if "stop-and-go" in plot.decoys:
        named.append(_stop_and_go(marks, orders, other, place, window_s, is_across=is_across))
    if "silent" in plot.decoys:
        lone = marks.add("silent", other, SHOULDER, max(300.0, place - 2500.0), 14.0, 16.0)
        orders.append(Order(lone, 10_000, _EVER_MS, 0.0))
        silent[lone] = 10_000.0 + 14.0 / 3.0 * 1000.0 + 5_000.0
        named.append("a vehicle that stops briefly and falls silent")
    places = roadway.road.places
    plazas = places["measure_m"][places["kind"] == "toll_plaza"]
    if len(plazas) and "plaza queue" in plot.decoys:
        nearest_m = float(plazas[np.argmin(np.abs(plazas - plot.place_m))])
        gate = float(courses.all[other].progress_at(np.array([nearest_m]))[0])
        named.append(_plaza_queue(marks, orders, other, gate, window_s))
    return tuple(named)


def _stop_and_go(
    marks: _Marks, orders: list[Order], course: int, place: float, window_s: int, *, is_across: bool
) -> str:
    # nobody comes from behind the platoon, so that it is stop-and-go and no end of a queue
    platoon_m = max(400.0, place - 5000.0) if is_across else max(400.0, place - 30.0 * window_s - 1500.0)
    leader = len(marks.rows)
    for back in range(_STOP_AND_GO):
        marks.add("stop-and-go", course, 0, platoon_m - 28.0 * back, 12.0, 14.0)
    slowings_ms = range(5_000, window_s * 1000, 16_000)
    orders.extend(Order(leader, start_ms, start_ms + 7_000, 0.0) for start_ms in slowings_ms)
    return "stop-and-go"


def _plaza_queue(marks: _Marks, orders: list[Order], course: int, gate: float, window_s: int) -> str:
    first = len(marks.rows)
    for back in range(_PLAZA_QUEUE):
        marks.add("plaza queue", course, SHOULDER, gate - 40.0 - 9.0 * back, 0.0, 8.0)
    for start_ms in range(0, window_s * 1000, 20_000):
        orders.append(Order(first, start_ms, start_ms + 17_000, 0.0))
        orders.append(Order(first, start_ms + 17_000, start_ms + 20_000, 2.5))
    return "a queue at a toll plaza"


def _parked(marks: _Marks, roadway: Roadway, courses: Courses, plot: Plot) -> str:
    """A car that stands beside the road all the time: in a service area where there is one, else in a lay-by."""
    places = roadway.road.places
    areas = places["measure_m"][places["kind"] == "service_area"]
    aside_m = _OFF_ROAD_M[roadway.road.axis]
    measure_m = float(areas[np.argmin(np.abs(areas - plot.place_m))]) if len(areas) else plot.place_m - 1000.0
    progress_m = float(courses.all[plot.course].progress_at(np.array([measure_m]))[0])
    marks.add("parked", plot.course, SHOULDER, progress_m, 0.0, 1e-3, right_m=aside_m)
    return f"a car parked {'in a service area' if len(areas) else 'in a lay-by'}"


def _arrive(marks: _Marks, random: np.random.Generator, course: int, tail_m: float, reach_m: float, count: int) -> None:
    """Traffic towards the place: every vehicle some way behind the one before it, lanes by choice of its driver."""
    gaps = _gaps(random, count, 0.95 * reach_m / count, tail_m - 100.0)
    _scatter(marks, random, course, tail_m - np.cumsum(gaps), "flow")


def _pass(marks: _Marks, random: np.random.Generator, boundary_m: float, count: int) -> None:
    """Traffic over the boundary of two tariff systems, far from where the breakdown is."""
    gaps = _gaps(random, count, 150.0, boundary_m - 300.0)
    _scatter(marks, random, 0, boundary_m - 200.0 - np.cumsum(gaps), "flow")


def _gaps(random: np.random.Generator, count: int, mean_m: float, room_m: float) -> FloatArray:
    """Spacings around a mean that fit into a room."""
    gaps = random.uniform(0.6, 1.4, count) * mean_m
    return gaps * min(1.0, room_m / float(gaps.sum())) if count else gaps


def _elsewhere(marks: _Marks, random: np.random.Generator, courses: Courses, plot: Plot, count: int) -> int:
    """The rest: a third drives on beyond the place, the others on the other carriageway ahead of the platoon.

    The foremost of these others, who reports what lies on the road there; -1 where nobody drives there.
    """
    beyond = max(1, count // 3) if len(courses) > 1 else count
    line = courses.all[plot.course]
    start_m = float(line.progress_at(np.array([plot.place_m]))[0])
    gaps = _gaps(random, beyond, 70.0, line.length_m - start_m - 200.0)
    _scatter(marks, random, plot.course, start_m + 100.0 + np.cumsum(gaps), "flow")
    if count <= beyond:
        return -1
    other = len(courses) - 1 - plot.course
    across_m = float(courses.all[other].progress_at(np.array([plot.place_m]))[0])
    first_m = max(800.0, across_m - 4500.0)
    gaps = _gaps(random, count - beyond, 90.0, courses.all[other].length_m - first_m - 100.0)
    _scatter(marks, random, other, first_m + np.cumsum(gaps), "flow")
    return len(marks.rows) - 1 if count - beyond >= _HEARERS else -1


def _scatter(marks: _Marks, random: np.random.Generator, course: int, progress_m: FloatArray, role: str) -> None:
    trucks = random.random(len(progress_m)) < 0.25
    left = random.random(len(progress_m)) < 0.45
    wishes = np.clip(random.normal(32.5, 2.5, len(progress_m)), 27.0, 38.0)
    for place, truck, is_left, wish in zip(progress_m.tolist(), trucks, left, wishes.tolist(), strict=True):
        speed = 24.5 if truck else 0.92 * wish
        lane = 0 if truck else int(is_left)
        marks.add(role, course, lane, place, speed, 25.0 if truck else wish, TRUCK if truck else CAR, keeps_lane=False)
