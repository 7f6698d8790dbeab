"""How the road is divided into sheets: stretches between match lines, each turned so that its view lies along the road.

::

            │←        stretch        →│
    ┌───────┼─────────────────────────┼───────┐   a view shows its stretch from left to right with rising measure,
    │  ─────┼─────────────────────────┼─────  │   and a piece of both neighbours beyond the match lines
    └───────┼─────────────────────────┼───────┘
        match line                match line
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.linear import Extent, merged
from trassa.optical.drawing.ground import DrawingGround

__all__ = ["Stretch", "View", "stretches_of", "upright"]

FloatArray = npt.NDArray[np.float64]
Point = tuple[float, float]

_SHRINK, _LEAST_M = 0.85, 20.0
"""A stretch that does not fit its view is shortened by this ratio, but not below this length."""


@dataclass(frozen=True)
class View:
    """What a sheet shows of the ground, in metres: its size, what it shows beyond a match line at least, and the room
    for names between the trench and its edge."""

    wide_m: float
    high_m: float
    overlap_m: float
    names_m: float


@dataclass(frozen=True)
class Stretch:
    """A stretch of the road on a sheet. ``centre`` is the middle of its view, ``turn_rad`` the direction that the view
    has from left to right, against the axis of the drawing; ``before`` and ``behind`` tell whether the neighbouring
    sheet goes on where this one begins and ends."""

    start_m: float
    end_m: float
    centre: Point
    turn_rad: float
    before: bool = False
    behind: bool = False

    def seen(self, points: npt.ArrayLike) -> FloatArray:
        """Points of the drawing, shape (n, 2), as metres right of and above the middle of the view."""
        return _turned(np.atleast_2d(np.asarray(points, dtype=np.float64)) - self.centre, self.turn_rad)

    def corners(self, view: View) -> FloatArray:
        """The four corners of the view in the drawing, shape (4, 2), against the clock."""
        x, y = view.wide_m / 2.0, view.high_m / 2.0
        return _turned(np.array([(-x, -y), (x, -y), (x, y), (-x, y)]), -self.turn_rad) + self.centre


def upright(direction: Point, turn_rad: float) -> bool:
    """Whether text in a direction is read from below or from the right on a view with this turn."""
    angle_deg = math.degrees(math.atan2(direction[1], direction[0]) - turn_rad)
    return 0.0 < (angle_deg + 75.0) % 360.0 <= 180.0


def stretches_of(
    ground: DrawingGround, extents: Iterable[Extent], view: View, beside: Sequence[tuple[float, Point]]
) -> list[Stretch]:
    """Stretches that cover the extents in order of measure; ``beside`` are measures and places of things off the
    trench, which the view takes in where they fit."""
    found: list[Stretch] = []
    for extent in merged(extents):
        part: list[Stretch] = []
        start_m = extent.start_m
        while extent.end_m - start_m > 1e-6:
            part.append(_longest(ground, extent, start_m, view, beside))
            start_m = part[-1].end_m
        last = len(part) - 1
        found += [replace(one, before=index > 0, behind=index < last) for index, one in enumerate(part)]
    return found


def _longest(
    ground: DrawingGround, extent: Extent, start_m: float, view: View, beside: Sequence[tuple[float, Point]]
) -> Stretch:
    """The stretch from a measure on, as long as its view holds; stretches of a straight road are alike."""
    left_m = extent.end_m - start_m
    length_m = left_m / math.ceil(left_m / (view.wide_m - 2.2 * view.overlap_m))
    while True:
        end_m = extent.end_m if left_m - length_m < 1e-6 else start_m + length_m
        stretch, fits = _viewed(ground, extent, (start_m, end_m), view)
        if fits or length_m * _SHRINK < _LEAST_M:
            return _taking_in(stretch, ground, view, [at for m, at in beside if start_m <= m <= end_m])
        length_m *= _SHRINK


def _viewed(ground: DrawingGround, extent: Extent, ends: tuple[float, float], view: View) -> tuple[Stretch, bool]:
    """The stretch with the view in its middle, and whether all of it lies in the view."""
    first, last = (np.array(ground.at(ground.middle, m)) for m in ends)
    turn_rad = math.atan2(last[1] - first[1], last[0] - first[0])
    shown = max(ends[0] - view.overlap_m, extent.start_m), min(ends[1] + view.overlap_m, extent.end_m)
    points = _turned(_lines(ground, *shown), turn_rad)
    low, high = points.min(axis=0), points.max(axis=0)
    middle = _turned(((low + high) / 2.0)[None, :], -turn_rad)[0]
    wide_m, high_m = high - low
    fits = bool(wide_m <= view.wide_m and high_m <= view.high_m - 2.0 * view.names_m)
    return Stretch(*ends, (float(middle[0]), float(middle[1])), turn_rad), fits


def _taking_in(stretch: Stretch, ground: DrawingGround, view: View, places: Sequence[Point]) -> Stretch:
    """The stretch with its view moved up or down so that as many of the places as fit are seen, nearest first."""
    shown = stretch.start_m - view.overlap_m, stretch.end_m + view.overlap_m
    lines = stretch.seen(_lines(ground, *shown))[:, 1]
    low, high = float(lines.min()), float(lines.max())
    edge_m = view.names_m / 4.0
    for y in sorted(stretch.seen(places)[:, 1].tolist(), key=abs) if places else ():
        if max(high, y) - min(low, y) <= view.high_m - 2.0 * edge_m:
            low, high = min(low, y), max(high, y)
    room_m = view.high_m / 2.0 - edge_m
    up_m = min(0.0, low + room_m) + max(0.0, high - room_m)
    moved = _turned(np.array([(0.0, up_m)]), -stretch.turn_rad)[0] + stretch.centre
    return replace(stretch, centre=(float(moved[0]), float(moved[1])))


def _lines(ground: DrawingGround, start_m: float, end_m: float) -> FloatArray:
    """Points of every axis and trench from one measure to another."""

    def each() -> Iterator[FloatArray]:
        for line in (*ground.axis.values(), *ground.verge.values()):
            part = ground.part(line, start_m, end_m)
            yield part[np.isfinite(part).all(axis=1)]

    return np.vstack(list(each()))


def _turned(points: FloatArray, angle_rad: float) -> FloatArray:
    """Points turned with the clock by an angle."""
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    turned: FloatArray = points @ np.array([(cos, -sin), (sin, cos)])
    return turned
