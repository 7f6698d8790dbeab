"""How warnings are sent: in the right tiles, again and again while they stand, and not oftener than said."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.live.subjects import TILE_LEVEL
from trassa.twin.course import Course, degrees_of
from trassa.twin.score import SeenEvent
from trassa.twin.truth import TrueEvent
from trassa.vehicles.settings import VehiclesSettings
from trassa.vehicles.tiles import quadkeys

__all__ = ["repetition_faults", "tile_faults"]

_STEP_M = 20.0
_INSIDE_M, _ALONG_M, _ASIDE_M = 60.0, 200.0, 60.0
"""A warning's place is known this well: so much less must be told, so much more may be."""
_SLACK_MS = 250


def tile_faults(course: Course, event: TrueEvent, seen: SeenEvent, settings: VehiclesSettings) -> list[str]:
    """What is wrong with the tiles of a warning: one on the way to it that was left out, one that is not on the way."""
    anchor_m = float(course.progress_at(np.array([seen.anchor_m]))[0])
    reach_m = settings.relevance_m
    needed = _tiles(course, anchor_m - reach_m + _INSIDE_M, anchor_m, 0.0)
    low_m = min(anchor_m, event.tail_m) - reach_m - _ALONG_M
    allowed = _tiles(course, low_m, max(anchor_m, event.place_m) + _ALONG_M, settings.tile_margin_m + _ASIDE_M)
    lacking, beyond = sorted(needed - seen.tiles), sorted(seen.tiles - allowed)
    faults = [f"left out tile {tile}, which leads there" for tile in lacking]
    return faults + [f"was sent to tile {tile}, which does not lead there" for tile in beyond]


def repetition_faults(seen: SeenEvent, settings: VehiclesSettings, until_ms: int) -> list[str]:
    """Whether each tile heard it as often as ``repetition_s`` says, up to its end or the end of the window."""
    wanted_ms = settings.repetition_s * 1000.0
    end_ms = until_ms if seen.ended_ms is None else seen.ended_ms
    longest_ms = max([seen.longest_gap_ms, *(end_ms - last_ms for last_ms, _ in seen.last.values())])
    faults = []
    if longest_ms > wanted_ms + _SLACK_MS:
        faults.append(f"was not repeated for {longest_ms / 1000:.1f} s")
    if seen.shortest_gap_ms < wanted_ms - _SLACK_MS:
        faults.append(f"was repeated after {seen.shortest_gap_ms / 1000:.1f} s")
    return faults


def _tiles(course: Course, low_m: float, high_m: float, aside_m: float) -> set[str]:
    """Tiles of a stretch of a course, and of what lies beside it."""
    along = np.arange(max(low_m, 0.0), min(high_m, course.length_m) + _STEP_M, _STEP_M)
    along = np.minimum(along, min(high_m, course.length_m))
    latitude, longitude, _ = course.place(along, np.zeros(len(along)))
    shifts = [(0.0, 0.0)] if not aside_m else [(n * aside_m, e * aside_m) for n in (-1, 0, 1) for e in (-1, 0, 1)]
    found: set[str] = set()
    for north_m, east_m in shifts:
        north, east = degrees_of(latitude, _all(north_m, along), _all(east_m, along))
        found |= set(quadkeys(latitude + north, longitude + east, TILE_LEVEL))
    return found


def _all(value: float, like: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.full(len(like), value)
