"""Three lengths that are never one: of the route, of the cable's sheath, of the fibre in it.

::

    route    the way in space, gradients included             what is dug
    sheath   route and slack and loops                        what is bought, what the metre marks say
    fibre    sheath over helix ratio: strands wind            what light, budgets and OTDR see
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from trassa.errors import InputError
from trassa.linear import Carriageway, Extent, merged, subtracted
from trassa.road.model import Road
from trassa.road.verge import longer_beside_m

__all__ = ["Lengths", "Structure", "Verge", "plan_steps_m", "present_extents", "verge_of"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = Geod(ellps="WGS84")
Structure = Literal["bridge", "tunnel"]


@dataclass(frozen=True)
class Lengths:
    """The three lengths of one piece of line, in metres; pieces add up field by field."""

    route_m: float
    sheath_m: float
    fibre_m: float

    def __add__(self, other: Lengths) -> Lengths:
        return Lengths(self.route_m + other.route_m, self.sheath_m + other.sheath_m, self.fibre_m + other.fibre_m)

    def __sub__(self, other: Lengths) -> Lengths:
        return Lengths(self.route_m - other.route_m, self.sheath_m - other.sheath_m, self.fibre_m - other.fibre_m)

    @classmethod
    def laid(cls, route_m: float, *, slack_ratio: float, loops_m: float, helix_ratio: float) -> Lengths:
        """The lengths of a cable laid along ``route_m`` with proportional slack and loops of known length."""
        sheath_m = route_m * (1.0 + slack_ratio) + loops_m
        return cls(route_m, sheath_m, sheath_m / helix_ratio)

    @classmethod
    def total(cls, pieces: Iterable[Lengths]) -> Lengths:
        """The sum of pieces; zero when there are none."""
        return sum(pieces, start=cls(0.0, 0.0, 0.0))


@dataclass(frozen=True)
class Verge:
    """One side of the road as a trench follows it.

    ``route_m[i]`` is the length in space from the road's start to ``measure_m[i]``, both of shape (n,). In holes of
    the geometry it runs on with measure, but nothing is built there: ``parts`` are the extents on which the road
    exists. Where only this carriageway is missing, the cable follows the other. No chamber stands within ``closed``
    (bridges and tunnels); their ends are free. ``structures`` are all bridges and tunnels in order, a bridge only
    where no tunnel is.
    """

    carriageway: Carriageway
    measure_m: FloatArray
    route_m: FloatArray
    parts: tuple[Extent, ...]
    closed: tuple[Extent, ...]
    structures: tuple[tuple[Extent, Structure], ...] = ()

    def route_at(self, measure_m: npt.ArrayLike) -> FloatArray:
        """Route length from the start of the road to each measure. Any shape."""
        measure = np.asarray(measure_m, dtype=np.float64)
        return np.asarray(np.interp(measure, self.measure_m, self.route_m), dtype=np.float64)

    def measure_at(self, route_m: float) -> float:
        """The measure at a route length from the start of the road."""
        return float(np.interp(route_m, self.route_m, self.measure_m))

    def closing(self, measure_m: float) -> Extent | None:
        """The bridge or tunnel that a measure lies within; its two ends do not."""
        for extent in self.closed:
            if extent.start_m < measure_m < extent.end_m:
                return extent
        return None

    def nearest_open(self, measure_m: float, within: Extent) -> float:
        """The nearest place to ``measure_m`` inside ``within`` (its end included) where a chamber may stand."""
        wanted = min(max(measure_m, within.start_m), within.end_m)
        extent = self.closing(wanted)
        if extent is None:
            return wanted
        ends = [m for m in (extent.start_m, extent.end_m) if within.start_m <= m <= within.end_m]
        if not ends:
            raise InputError(
                f"optical: bridge or tunnel {extent.start_m:.0f}–{extent.end_m:.0f} m covers the whole of "
                f"{within.start_m:.0f}–{within.end_m:.0f} m, no chamber can stand there",
                cure="optical.shortest_part_m above its length",
            )
        return min(ends, key=lambda m: (abs(m - wanted), m))


def plan_steps_m(road: Road, carriageway: Carriageway) -> FloatArray:
    """Horizontal length between neighbouring points of an alignment, shape (n − 1,).

    Measure is by definition the geodesic length of the reference line, and the only length that a schematic axis
    has. The other carriageway is measured by itself, on the WGS 84 ellipsoid: never in a projection. Where that is
    missing and the road is not, measure stands in.
    """
    line = road.alignments[carriageway]
    if road.axis == "schematic" or carriageway == road.reference:
        return np.diff(line.measure_m)
    lon, lat = line.longitude_deg, line.latitude_deg
    steps = np.asarray(_WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], dtype=np.float64)
    known = np.isfinite(steps) & line.present[:-1] & line.present[1:]
    return np.where(known, steps, np.diff(line.measure_m))


def verge_of(
    road: Road, carriageway: Carriageway, *, reel_route_m: float, shortest_part_m: float, offset_m: float = 0.0
) -> Verge:
    """The verge of one carriageway; its trench lies ``offset_m`` outwards from the carriageway's axis.

    A bridge or tunnel longer than ``reel_route_m``, the route that one reel covers, is not closed: the joint then
    has to lie in a niche inside.
    """
    line = road.alignments[carriageway]
    rise_m = np.nan_to_num(np.diff(line.height_m), nan=0.0)
    plan_m = longer_beside_m(road, carriageway, offset_m, plan_steps_m(road, carriageway))
    steps_m = np.hypot(plan_m, rise_m)
    structures = _structures(road, carriageway)
    parts = tuple(part for part in _present_anywhere(road) if part.length_m >= shortest_part_m)
    verge = Verge(carriageway, line.measure_m, np.concatenate(([0.0], np.cumsum(steps_m))), parts, (), structures)
    bridged = [(e, np.diff(verge.route_at([e.start_m, e.end_m]))[0]) for e in merged(e for e, _ in structures)]
    return replace(verge, closed=tuple(extent for extent, route_m in bridged if route_m <= reel_route_m))


def _structures(road: Road, carriageway: Carriageway) -> tuple[tuple[Extent, Structure], ...]:
    tunnels = road.structure_extents("tunnel", carriageway)
    bridges = subtracted(road.structure_extents("bridge", carriageway), tunnels)
    found: list[tuple[Extent, Structure]] = [(extent, "tunnel") for extent in tunnels]
    return tuple(sorted([*found, *((extent, "bridge") for extent in bridges)]))


def _present_anywhere(road: Road) -> list[Extent]:
    return merged(extent for carriageway in road.carriageways for extent in present_extents(road, carriageway))


def present_extents(road: Road, carriageway: Carriageway) -> list[Extent]:
    """Where a carriageway exists, in order."""
    line = road.alignments[carriageway]
    whole = line.present[:-1] & line.present[1:]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], whole, [False])).astype(np.int8)))
    runs = [Extent(float(line.measure_m[a]), float(line.measure_m[b])) for a, b in edges.reshape(-1, 2)]
    return subtracted(runs, road.structure_extents("hole", carriageway))
