"""Clutter drawn on the nodes of a lattice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import shapely

from trassa.errors import InputError
from trassa.road.alignment import Alignment
from trassa.road.lattice import Lattice, metres_per_degree
from trassa.road.model import Road
from trassa.road.settings import ClutterSettings
from trassa.road.surroundings import ClutterArea, clutter_heights_m

__all__ = ["draw_areas", "draw_clutter", "open_reserve"]

_NODES_AT_ONCE = 1_000_000
_SEGMENTS_AT_ONCE = 20_000

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def draw_clutter(
    areas: Sequence[ClutterArea], settings: ClutterSettings, road: Road, lattice: Lattice
) -> npt.NDArray[np.float32]:
    """Clutter height at every node of a lattice: the areas, without the road's own open reserve."""
    clutter = draw_areas(areas, clutter_heights_m(settings), lattice)
    for line in road.alignments.values():
        open_reserve(clutter, lattice, line, settings.road_reserve_m)
    return clutter


def draw_areas(
    areas: Sequence[ClutterArea], heights_m: Mapping[str, float], lattice: Lattice
) -> npt.NDArray[np.float32]:
    """Clutter height at every node: that of the highest category whose polygon contains the node, else 0.

    A node on a polygon's edge lies outside it. Raises :class:`InputError` for a category without a height.
    """
    lacking = sorted({area.category for area in areas} - heights_m.keys())
    if lacking:
        raise InputError(f"clutter: no height for {', '.join(lacking)}", cure=f"clutter.{lacking[0]}_m in trassa.toml")
    clutter = lattice.zeros()
    polygons = np.array([area.polygon for area in areas], dtype=np.object_)
    height = np.array([heights_m[area.category] for area in areas], dtype=np.float32)
    shapely.prepare(polygons)
    for owner, row, col in _nodes_in_boxes(shapely.bounds(polygons).reshape(-1, 4), lattice):
        lon, lat = lattice.west_deg + col * lattice.step_lon_deg, lattice.north_deg - row * lattice.step_lat_deg
        inside = shapely.contains_xy(polygons[owner], lon, lat)
        np.maximum.at(clutter, (row[inside], col[inside]), height[owner[inside]])
    return clutter


def open_reserve(clutter_m: npt.NDArray[np.float32], lattice: Lattice, line: Alignment, reserve_m: float) -> None:
    """Clear, in place, the clutter at nodes nearer than ``reserve_m`` to a carriageway's line.

    The line is the polyline through its alignment points; a segment counts where the carriageway is present at both
    ends. Distance is measured in the plane, with the metres per degree at the segment's first point.
    """
    segments = np.flatnonzero(line.present[:-1] & line.present[1:])
    for begin in range(0, len(segments), _SEGMENTS_AT_ONCE):
        first = segments[begin : begin + _SEGMENTS_AT_ONCE]
        ends = [(line.longitude_deg[i], line.latitude_deg[i]) for i in (first, first + 1)]
        per_lat_m, per_lon_m = metres_per_degree(ends[0][1])
        reach_lon, reach_lat = reserve_m / per_lon_m, reserve_m / per_lat_m
        (lon0, lat0), (lon1, lat1) = ends
        box = np.stack(
            [
                np.minimum(lon0, lon1) - reach_lon,
                np.minimum(lat0, lat1) - reach_lat,
                np.maximum(lon0, lon1) + reach_lon,
                np.maximum(lat0, lat1) + reach_lat,
            ],
            axis=1,
        )
        for owner, row, col in _nodes_in_boxes(box, lattice):
            x = (lattice.west_deg + col * lattice.step_lon_deg - lon0[owner]) * per_lon_m[owner]
            y = (lattice.north_deg - row * lattice.step_lat_deg - lat0[owner]) * per_lat_m[owner]
            along = np.stack([(lon1 - lon0) * per_lon_m, (lat1 - lat0) * per_lat_m])[:, owner]
            near = _distance(x, y, along) < reserve_m
            clutter_m[row[near], col[near]] = 0.0


def _distance(x_m: FloatArray, y_m: FloatArray, along_m: FloatArray) -> FloatArray:
    """Distance of points from segments that run from the origin to ``along_m`` (2, n)."""
    squared = np.maximum(along_m[0] ** 2 + along_m[1] ** 2, 1e-12)
    share = np.clip((x_m * along_m[0] + y_m * along_m[1]) / squared, 0.0, 1.0)
    return np.asarray(np.hypot(x_m - share * along_m[0], y_m - share * along_m[1]), dtype=np.float64)


def _nodes_in_boxes(boxes: FloatArray, lattice: Lattice) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
    """For boxes (west, south, east, north) the nodes inside: index of the box, row and column, in manageable runs."""
    top = np.maximum(np.ceil(lattice.row(boxes[:, 3])), 0).astype(np.int64)
    bottom = np.minimum(np.floor(lattice.row(boxes[:, 1])), lattice.rows - 1).astype(np.int64)
    left = np.maximum(np.ceil(lattice.col(boxes[:, 0])), 0).astype(np.int64)
    right = np.minimum(np.floor(lattice.col(boxes[:, 2])), lattice.cols - 1).astype(np.int64)
    width = np.maximum(right - left + 1, 0)
    rows = np.where(width > 0, np.maximum(bottom - top + 1, 0), 0)
    # one strip is one row of one box, so that a large box needs no more memory at once than a small one
    owner = np.repeat(np.arange(len(boxes)), rows)
    row = np.arange(len(owner)) - np.repeat(np.cumsum(rows) - rows, rows) + top[owner]
    total = np.cumsum(width[owner])
    begin = 0
    while begin < len(owner):
        done = total[begin - 1] if begin else 0
        stop = max(int(np.searchsorted(total, done + _NODES_AT_ONCE, side="right")), begin + 1)
        strip, widths = owner[begin:stop], width[owner[begin:stop]]
        offset = np.arange(widths.sum()) - np.repeat(np.cumsum(widths) - widths, widths)
        yield np.repeat(strip, widths), np.repeat(row[begin:stop], widths), np.repeat(left[strip], widths) + offset
        begin = stop
