"""Crossings of toll points in the fixes that an opted-in vehicle sends of itself.

Numbered rules:

1. Fixes count in the order of their time; one that is not later than the last (late, or sent again) is left out.
2. A crossing lies between two consecutive fixes on one carriageway, in its direction, the second at or past the point.
   Fixes off the carriageway in between (a service area, a stray position) do not break the pair while it spans at most
   60 s; beyond that the vehicle was elsewhere, and there is no crossing.
3. Its time is interpolated by measure. Both fixes are kept.
4. More than 60 s without any fix: the crossing is in doubt.
5. Faster than 70 m/s between the two fixes: the crossing is in doubt.
6. The same point counts again only after the vehicle was 200 m away from it: positions tremble while it queues there.

A crossing in doubt is stored and held; it is no evidence for a charge. Only points on the main line can be crossed: the
road's measure does not tell whether a vehicle used a ramp.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from trassa.linear import CARRIAGEWAYS, Carriageway
from trassa.live.axis_index import OFF_ROAD, AxisIndex
from trassa.road.lattice import metres_per_degree

__all__ = ["Crossing", "CrossingPoint", "Fix", "Track", "crossings", "located"]

LONGEST_GAP_MS = 60_000
FASTEST_MPS = 70.0
REARM_M = 200.0
_MOVED_M = 10.0
"""Two fixes closer than this give no heading."""


@dataclass(frozen=True)
class Fix:
    """A position that a vehicle sent; ``carriageway`` is None off the road."""

    time_ms: int
    latitude_deg: float
    longitude_deg: float
    speed_mps: float | None = None
    carriageway: Carriageway | None = None
    measure_m: float | None = None


@dataclass(frozen=True)
class CrossingPoint:
    """A toll point on the main line."""

    toll_point: str
    measure_m: float
    carriageways: frozenset[str]


@dataclass(frozen=True)
class Crossing:
    """A vehicle passed a toll point between two of its fixes; ``doubt`` says why that is no evidence."""

    toll_point: str
    time_ms: int
    before: Fix
    after: Fix
    doubt: str | None = None


@dataclass(frozen=True)
class Track:
    """What must be remembered of a vehicle: its last fix, the last one on each carriageway, and points behind it.

    ``elsewhere`` names carriageways since whose last fix the vehicle was seen off them.
    """

    last: Fix | None = None
    on: Mapping[str, Fix] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()
    behind: frozenset[str] = frozenset()

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "last": self.last and asdict(self.last),
            "on": {name: asdict(fix) for name, fix in self.on.items()},
            "elsewhere": sorted(self.elsewhere),
            "behind": sorted(self.behind),
        }

    @classmethod
    def of(cls, said: Mapping[str, Any] | None) -> Track:
        """The track that was stored; a fresh one where none was."""
        if not said:
            return cls()
        return cls(
            said["last"] and Fix(**said["last"]),
            {name: Fix(**fix) for name, fix in said["on"].items()},
            frozenset(said["elsewhere"]),
            frozenset(said["behind"]),
        )


def located(index: AxisIndex, track: Track, fixes: Iterable[Fix]) -> list[Fix]:
    """The fixes later than the last one, in order of time, with carriageway and measure.

    Where a vehicle moved, its heading decides the carriageway; a trembling one stays where it was last. The first of
    all has no heading: it is off the road until the next gives one, and then comes once more, so that the result does
    not depend on how fixes come in batches.
    """
    unique = {fix.time_ms: fix for fix in fixes if track.last is None or fix.time_ms > track.last.time_ms}  # RULE 1
    found: list[Fix] = []
    previous, hint = track.last, OFF_ROAD
    on_yet = bool(track.on)
    if previous is not None and previous.carriageway is not None:
        hint = CARRIAGEWAYS.index(previous.carriageway)
    for time_ms in sorted(unique):
        heading_deg = math.nan if previous is None else _heading_deg(previous, unique[time_ms])
        if previous is not None and not on_yet and not math.isnan(heading_deg):
            found.append(_placed(index, previous, heading_deg, OFF_ROAD))
        fix = unique[time_ms]
        if on_yet or not math.isnan(heading_deg):
            fix = _placed(index, fix, heading_deg, hint)
        if fix.carriageway is not None:
            hint, on_yet = CARRIAGEWAYS.index(fix.carriageway), True
        found.append(fix)
        previous = fix
    return found


def _placed(index: AxisIndex, fix: Fix, heading_deg: float, hint: int) -> Fix:
    place = index.locate(
        np.array([fix.latitude_deg]),
        np.array([fix.longitude_deg]),
        np.array([heading_deg]),
        np.array([hint], dtype=np.int8),
    )
    number = int(place.carriageway[0])
    if number == OFF_ROAD:
        return replace(fix, carriageway=None, measure_m=None)
    return replace(fix, carriageway=CARRIAGEWAYS[number], measure_m=float(place.measure_m[0]))


def crossings(track: Track, fixes: Sequence[Fix], points: Sequence[CrossingPoint]) -> tuple[Track, list[Crossing]]:
    """The crossings in fixes as :func:`located` gave them for a track, and the track after them."""
    found: list[Crossing] = []
    for fix in fixes:
        behind = frozenset(_still_behind(track, fix, points))
        if fix.carriageway is None or fix.measure_m is None:
            track = Track(fix, track.on, frozenset(track.on), behind)
            continue
        before = track.on.get(fix.carriageway)
        if before is not None:
            for point in _passed(before, fix, points):
                if point.toll_point not in behind and not _was_away(track, before, fix):
                    found.append(_crossing(point, before, fix))
                behind |= {point.toll_point}
        others = frozenset(track.on) - {fix.carriageway}
        track = Track(fix, {**track.on, fix.carriageway: fix}, others, behind)
    return track, found


def _still_behind(track: Track, fix: Fix, points: Sequence[CrossingPoint]) -> Iterable[str]:
    """Points passed from which the vehicle has not been far away since (rule 6)."""
    near = {
        point.toll_point
        for point in points
        if fix.measure_m is None or abs(fix.measure_m - point.measure_m) <= REARM_M  # RULE 6
    }
    return track.behind & near


def _was_away(track: Track, before: Fix, after: Fix) -> bool:
    gap_ms = after.time_ms - before.time_ms
    return after.carriageway in track.elsewhere and gap_ms > LONGEST_GAP_MS  # RULE 2


def _passed(before: Fix, after: Fix, points: Sequence[CrossingPoint]) -> list[CrossingPoint]:
    """The points between two fixes in the direction of their carriageway, in the order in which they are met."""
    assert before.measure_m is not None
    assert after.measure_m is not None
    sign = 1.0 if after.carriageway == "increasing" else -1.0
    here = [point for point in points if after.carriageway in point.carriageways]
    met = [p for p in here if sign * before.measure_m < sign * p.measure_m <= sign * after.measure_m]  # RULE 2
    return sorted(met, key=lambda point: (sign * point.measure_m, point.toll_point))


def _crossing(point: CrossingPoint, before: Fix, after: Fix) -> Crossing:
    assert before.measure_m is not None
    assert after.measure_m is not None
    gap_ms = after.time_ms - before.time_ms
    way_m = after.measure_m - before.measure_m
    share = (point.measure_m - before.measure_m) / way_m
    time_ms = before.time_ms + round(share * gap_ms)  # RULE 3
    speed_mps = abs(way_m) / (gap_ms / 1000.0)
    doubt = None
    if gap_ms > LONGEST_GAP_MS:  # RULE 4
        doubt = f"{gap_ms / 1000:.0f} s without a fix around the toll point; at most {LONGEST_GAP_MS // 1000} s"
    elif speed_mps > FASTEST_MPS:  # RULE 5
        doubt = f"{speed_mps:.0f} m/s between two fixes; at most {FASTEST_MPS:.0f} m/s"
    return Crossing(point.toll_point, time_ms, before, after, doubt)


def _heading_deg(before: Fix, after: Fix) -> float:
    """The way from one fix to the next; NaN where it hardly moved, and where too long ago to tell of the road here."""
    if after.time_ms - before.time_ms > LONGEST_GAP_MS:
        return math.nan
    per_latitude_m, per_longitude_m = metres_per_degree(before.latitude_deg)
    north_m = (after.latitude_deg - before.latitude_deg) * float(per_latitude_m)
    east_m = (after.longitude_deg - before.longitude_deg) * float(per_longitude_m)
    if math.hypot(north_m, east_m) < _MOVED_M:
        return math.nan
    return math.degrees(math.atan2(east_m, north_m)) % 360.0
