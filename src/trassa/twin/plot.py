"""The plot of a drive: what its seed decides before anybody is on the road.

Where, on which carriageway and lane, and when a vehicle breaks down; whether it moves off again within the window; how
dense the traffic behind it is (light traffic makes no queue); which harmless sights there are besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trassa.errors import UsageError
from trassa.linear import Extent
from trassa.live.roadway import Roadway
from trassa.live.subjects import TILE_LEVEL
from trassa.twin.course import Courses
from trassa.twin.coverage import Coverage
from trassa.vehicles.tiles import quadkeys

__all__ = ["DECOYS", "LIGHT_PITCH_M", "PITCH_M", "Plot", "drawn"]

DECOYS = ("parked", "stop-and-go", "silent", "plaza queue")
PITCH_M, LIGHT_PITCH_M = 75.0, 240.0
"""Mean spacing of the traffic that arrives, over both lanes; where the road is short, down to half of it."""
_CLEAR_M = 1500.0
_BESIDE_M = 250.0
_FAR_M = 15_000.0
_TRIES = 30
_FEW = 40
"""With fewer vehicles there is nobody left for places far from the boundary, and for side stories."""


@dataclass(frozen=True)
class Plot:
    """What happens; ``course`` is the index of the carriageway, moments in ms from the drive's start.

    ``resolved_ms`` is infinite where the vehicle stands to the end. ``queue`` vehicles follow close behind it.
    ``rival_m``: where on the other carriageway a vehicle with a bad receiver stands, NaN where none does.
    """

    course: int
    lane: int
    place_m: float
    place_kind: str
    brakes_ms: int
    resolved_ms: float
    queue: int
    is_light: bool
    decoys: tuple[str, ...]
    rival_m: float
    is_at_boundary: bool


def drawn(
    roadway: Roadway, vehicles: int, window_s: int, seed: int, reach_m: float, least_m: float, boundary_m: float | None
) -> Plot:
    """Draw the plot. ``reach_m`` of approach are wanted, ``least_m`` needed; ``boundary_m`` is where tariffs meet."""
    random = np.random.default_rng([seed, 5])
    ground = _Ground(roadway, reach_m, least_m)
    is_few = vehicles < _FEW
    course, kind, place_m = _place(ground, random, boundary_m, is_few=is_few)
    is_light = not is_few and random.random() < 0.25
    brakes_ms = 100 * int(random.integers(50, 200))
    lasts_s = min(max(random.uniform(0.55, 0.72) * window_s, 60.0), 150.0)
    is_resolved = random.random() < 0.65
    wanted = [name for name in DECOYS if random.random() < 0.75]
    queue = 1 if is_light else 6 if is_few else int(random.integers(6, 9))
    lane = int(random.random() < 0.35)
    rival_m, has_rival = np.nan, random.random() < 0.5
    if has_rival and not is_few and len(ground.courses) > 1:
        other = ground.courses.all[1 - course]
        at_m = float(other.progress_at(np.array([place_m]))[0]) - 1500.0
        measure_m = float(other.measure_at(np.array([at_m]))[0])
        rival_m = measure_m if at_m > 2500.0 and ground.is_open(1 - course, measure_m, 400.0) else np.nan
    return Plot(
        course=course,
        lane=lane,
        place_m=place_m,
        place_kind=kind,
        brakes_ms=brakes_ms,
        resolved_ms=lasts_s * 1000.0 if is_resolved else np.inf,
        queue=queue,
        is_light=is_light,
        decoys=tuple(wanted if len(wanted) >= 2 else DECOYS),
        rival_m=float(rival_m),
        is_at_boundary="boundary" in kind,
    )


class _Ground:
    """Where a breakdown can be: open, covered road with room for the traffic behind it."""

    def __init__(self, roadway: Roadway, reach_m: float, least_m: float) -> None:
        road = roadway.road
        self.roadway, self.courses, self.length_m = roadway, Courses(road), road.length_m
        self.reach_m, self.least_m = reach_m, least_m
        self._coverage = Coverage(roadway)
        places = road.places
        self.plazas_m = places["measure_m"][places["kind"] == "toll_plaza"]

    def is_open(self, course: int, measure_m: float, clear_m: float) -> bool:
        """Whether the road around is open (no zone, tunnel or hole within ``clear_m``) and covered."""
        road = self.roadway.road
        carriageway = road.carriageways[course]
        shut = list(self.roadway.quiet_extents)
        for kind in ("tunnel", "hole"):
            shut += road.structure_extents(kind, carriageway)
        around = Extent(max(0.0, measure_m - clear_m), min(self.length_m, measure_m + clear_m))
        if any(around.start_m < other.end_m and other.start_m < around.end_m for other in shut):
            return False
        low_m, high_m = max(0.0, measure_m - _CLEAR_M), min(self.length_m, measure_m + _CLEAR_M)
        line = road.alignments[carriageway]
        inside = (line.measure_m >= low_m) & (line.measure_m <= high_m)
        return bool(line.present[inside].all()) and self._coverage.share(course, low_m, high_m) == 1.0

    def fits(self, course: int, measure_m: float, clear_m: float) -> bool:
        """Whether a breakdown fits there."""
        progress_m = float(self.courses.all[course].progress_at(np.array([measure_m]))[0])
        begin_m = max(self.least_m, min(self.reach_m, 0.6 * self.length_m))
        has_room = begin_m <= progress_m <= self.length_m - 2.0 * _CLEAR_M
        return has_room and self.is_open(course, measure_m, clear_m)

    def border_m(self, measure_m: float) -> float:
        """The next border of two tiles of warnings after a measure, or the measure itself."""
        along = np.arange(measure_m, min(measure_m + 3000.0, self.length_m), 25.0)
        latitude, longitude, _ = self.courses.all[0].place(self.courses.all[0].progress_at(along), np.zeros(len(along)))
        tiles = np.array(quadkeys(latitude, longitude, TILE_LEVEL))
        changes = np.flatnonzero(tiles[1:] != tiles[:-1])
        return float(along[changes[0]]) if len(changes) else measure_m


def _place(
    ground: _Ground, random: np.random.Generator, boundary_m: float | None, *, is_few: bool
) -> tuple[int, str, float]:
    """Course, what is peculiar to the place, and its measure."""
    for course, kind, measure_m, clear_m in _wishes(ground, random, boundary_m, is_few=is_few):
        is_near = boundary_m is not None and abs(measure_m - boundary_m) < _FAR_M
        if ("boundary" in kind or not is_near) and ground.fits(course, measure_m, clear_m):
            return course, kind, measure_m
    # the seed found no place: the one nearest to the wanted one, on either carriageway
    wanted_m = 0.6 * ground.length_m if boundary_m is None else boundary_m + 2000.0
    measures = np.arange(0.0, ground.length_m, 100.0)
    for course in range(len(ground.courses)):
        for measure_m in measures[np.argsort(np.abs(measures - wanted_m), kind="stable")].tolist():
            if ground.fits(course, measure_m, _CLEAR_M):
                return course, "anywhere" if boundary_m is None else "behind the boundary", float(measure_m)
    raise UsageError(
        f"drive: {ground.roadway.road.ref} has no {2 * _CLEAR_M / 1000:g} km of open and covered road with "
        f"{ground.least_m / 1000:.1f} km of approach for this traffic",
        cure="fewer vehicles or fewer minutes",
    )


def _wishes(
    ground: _Ground, random: np.random.Generator, boundary_m: float | None, *, is_few: bool
) -> Iterator[tuple[int, str, float, float]]:
    """Places to try, the kind that the seed prefers first: course, kind, measure, and how far it must be clear."""
    kinds = ["before the boundary", "behind the boundary"] if boundary_m is not None else []
    if boundary_m is None or not is_few:
        kinds += ["beside a toll point", "at a tile's border", "anywhere"]
    for kind in random.permutation(kinds).tolist():
        for _ in range(_TRIES):
            course = int(random.integers(len(ground.courses)))
            away_m = float(random.uniform(0.0, 1.0))
            if boundary_m is not None and "boundary" in kind:
                # demand is of rising kilometres: its vehicles cross the boundary here
                sense = 1.0 if "behind" in kind else -1.0
                yield 0, kind, boundary_m + sense * (1600.0 + 1400.0 * away_m), 700.0
            elif "toll point" in kind:
                if not len(ground.plazas_m):
                    break
                plaza_m = float(ground.plazas_m[random.integers(len(ground.plazas_m))])
                sense = 1.0 if ground.roadway.road.carriageways[course] == "increasing" else -1.0
                yield course, kind, plaza_m - sense * (400.0 + _BESIDE_M + 50.0 + 300.0 * away_m), _BESIDE_M
            elif "border" in kind:
                yield course, kind, ground.border_m(away_m * ground.length_m), _CLEAR_M
            else:
                yield course, kind, away_m * ground.length_m, _CLEAR_M
