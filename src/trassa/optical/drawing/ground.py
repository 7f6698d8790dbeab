"""The ground that a drawing in plan stands on: a UTM zone, and the road's axes and trenches in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Proj, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from trassa.errors import InputError
from trassa.linear import Carriageway
from trassa.road.model import Road
from trassa.road.verge import beside, outwards

__all__ = ["DrawingGround", "Zone", "zone_of"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Zone:
    """A UTM zone and the scale of its projection along the road: drawn length over length on the ellipsoid."""

    name: str
    epsg: int
    least_scale_ratio: float
    greatest_scale_ratio: float

    def text(self) -> str:
        """``EPSG:32632, WGS 84 / UTM zone 32N, scale along the road 0.99985–0.99993``."""
        scale = f"{self.least_scale_ratio:.5f}–{self.greatest_scale_ratio:.5f}"
        return f"EPSG:{self.epsg}, {self.name}, scale along the road {scale}"


def zone_of(road: Road) -> Zone:
    """The UTM zone of the road's middle.

    Raises :class:`InputError` for an axis without geometry: a schematic one, or one without coordinates.
    """
    line = road.alignments[road.reference]
    known = line.present & np.isfinite(line.latitude_deg) & np.isfinite(line.longitude_deg)
    if road.axis == "schematic" or not known.any():
        raise InputError(
            f"drawing: {road.ref} has a {road.axis} axis and no geometry that could be drawn to scale",
            cure="leave dxf out with --only, or a road with geometry: trassa road fetch",
        )
    at = int(np.flatnonzero(known)[np.count_nonzero(known) // 2])
    lat, lon = float(line.latitude_deg[at]), float(line.longitude_deg[at])
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=AreaOfInterest(lon, lat, lon, lat))
    if not found:
        raise InputError(f"drawing: no UTM zone holds {lat:.3f}, {lon:.3f}", cure="leave dxf out with --only")
    factors = Proj(CRS.from_epsg(int(found[0].code))).get_factors(line.longitude_deg[known], line.latitude_deg[known])
    scale = np.asarray(factors.meridional_scale)
    return Zone(found[0].name, int(found[0].code), float(scale.min()), float(scale.max()))


@dataclass(frozen=True)
class DrawingGround:
    """The road in the plane of the drawing: coordinates at measures of its reference line."""

    road: Road
    zone: Zone
    verge_offset_m: float

    @cached_property
    def axis(self) -> dict[Carriageway, FloatArray]:
        """Points of each carriageway's axis, shape (n, 2); NaN where it is missing."""
        return {name: self._drawn(self.road, name) for name in self.road.alignments}

    @cached_property
    def verge(self) -> dict[Carriageway, FloatArray]:
        """Points of the trench beside each carriageway; where one is missing, beside the other."""
        # a centimetre at least: what is missing is filled in only where the line is moved
        moved = beside(self.road, max(self.verge_offset_m, 0.01))
        return {name: self._drawn(moved, name) for name in moved.alignments}

    @cached_property
    def middle(self) -> FloatArray:
        """Points between the carriageways, or of the one that is there, shape (n, 2); NaN where none is."""
        lines = np.stack(list(self.axis.values()))
        known = np.asarray(np.isfinite(lines).all(axis=2))
        total = np.where(known[..., None], lines, 0.0).sum(axis=0)
        count = known.sum(axis=0)[:, None]
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def projected(self, latitude_deg: Any, longitude_deg: Any) -> FloatArray:
        """Points in degrees as points of the drawing, shape (n, 2)."""
        return np.column_stack(self._transformer.transform(longitude_deg, latitude_deg))

    def at(self, line: FloatArray, measure_m: float) -> tuple[float, float]:
        """A point of a line of this ground at a measure; in a hole, between its ends."""
        along_m, x, y = self._known(line)
        return float(np.interp(measure_m, along_m, x)), float(np.interp(measure_m, along_m, y))

    def part(self, line: FloatArray, start_m: float, end_m: float) -> FloatArray:
        """The points of a line from one measure to another."""
        along_m = self.road.alignments[self.road.reference].measure_m
        inner = (along_m > start_m) & (along_m < end_m)
        return np.vstack((self.at(line, start_m), line[inner], self.at(line, end_m)))

    def along(self, line: FloatArray, measure_m: float) -> tuple[float, float]:
        """The unit vector of a line of this ground towards rising measure."""
        ends_m = max(measure_m - 15.0, 0.0), min(measure_m + 15.0, self.road.length_m)
        first, second = (np.array(self.at(line, m)) for m in ends_m)
        along = (second - first) / max(float(np.hypot(*(second - first))), 1e-9)
        return float(along[0]), float(along[1])

    def outwards(self, carriageway: Carriageway, measure_m: float) -> tuple[float, float]:
        """The unit vector away from the road, square to the trench."""
        x, y = self.along(self.verge[carriageway], measure_m)
        side = self._side[carriageway]
        return side * y, -side * x

    @cached_property
    def _side(self) -> dict[Carriageway, int]:
        return {name: outwards(self.road, name) for name in self.road.alignments}

    def _known(self, line: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Measure, x and y where a line of this ground is known, found once for each line."""
        key = id(line)
        if key not in self._kept:
            known = np.isfinite(line[:, 0])
            along_m = self.road.alignments[self.road.reference].measure_m
            self._kept[key] = (along_m[known], line[known, 0], line[known, 1])
        return self._kept[key]

    @cached_property
    def _kept(self) -> dict[int, tuple[FloatArray, FloatArray, FloatArray]]:
        return {}

    @cached_property
    def _transformer(self) -> Transformer:
        return Transformer.from_crs("EPSG:4326", f"EPSG:{self.zone.epsg}", always_xy=True)

    def _drawn(self, road: Road, carriageway: Carriageway) -> FloatArray:
        line = road.alignments[carriageway]
        known = line.present & np.isfinite(line.latitude_deg) & np.isfinite(line.longitude_deg)
        points = np.full((len(known), 2), np.nan)
        points[known] = self.projected(line.latitude_deg[known], line.longitude_deg[known])
        return points
