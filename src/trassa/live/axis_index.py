"""Which carriageway and which measure a position is at: a hashed grid over the road's segments.

Rules of the choice among the segments within reach; holes of the road attract nothing:

1. A known heading decides the carriageway: one that runs the other way is taken only where no other is in reach.
2. Without a heading, the carriageway on which the station was last is preferred in the same way.
3. Within a carriageway, and where neither is known, the nearest segment; at equal distance, increasing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.linear import CARRIAGEWAYS
from trassa.road.lattice import metres_per_degree
from trassa.road.model import Road
from trassa.vehicles.compiled import compiled

__all__ = ["OFF_ROAD", "REACH_M", "SCHEMATIC_REACH_M", "AxisIndex", "Places"]

REACH_M = 25.0
"""Farther than this from its line nothing is on the carriageway."""
SCHEMATIC_REACH_M = 50.0
"""The same for an axis that is a drawing."""
OFF_ROAD = -1

_FloatArray = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]


class Places(NamedTuple):
    """Places found on the road. Arrays of shape (n,); off the road, measure and offset are NaN.

    ``carriageway``: 0 increasing, 1 decreasing, -1 off the road. ``offset_m`` is positive to the right of rising
    measure.
    """

    carriageway: npt.NDArray[np.int8]
    measure_m: _FloatArray
    offset_m: _FloatArray


class _Segments(NamedTuple):
    """Segments of both carriageways in rising measure, (s,): start, metres per degree there, edge in metres."""

    latitude_deg: _FloatArray
    longitude_deg: _FloatArray
    per_latitude_m: _FloatArray
    per_longitude_m: _FloatArray
    east_m: _FloatArray
    north_m: _FloatArray
    measure_m: _FloatArray
    length_m: _FloatArray
    carriageway: npt.NDArray[np.int8]


class _Grid(NamedTuple):
    """Cells in a hash table: the cell's key, and where its segments stand in ``member``."""

    south_deg: float
    west_deg: float
    cell_lat_deg: float
    cell_lon_deg: float
    columns: int
    key: _Integers
    first: npt.NDArray[np.int32]
    last: npt.NDArray[np.int32]
    member: npt.NDArray[np.int32]


class AxisIndex:
    """The road's segments, each filed under every cell from which it can be reached."""

    def __init__(self, road: Road) -> None:
        self.reach_m = SCHEMATIC_REACH_M if road.axis == "schematic" else REACH_M
        self._segments = _segments_of(road)
        self._grid = _grid_of(self._segments, self.reach_m)

    def locate(
        self,
        latitude_deg: _FloatArray,
        longitude_deg: _FloatArray,
        heading_deg: _FloatArray,
        last_carriageway: npt.NDArray[np.int8],
    ) -> Places:
        """Carriageway, measure and offset of each position; NaN is a heading that is not known.

        ``last_carriageway`` is where the station was before, -1 where nobody knows.
        """
        n = len(latitude_deg)
        found = Places(np.full(n, OFF_ROAD, dtype=np.int8), np.full(n, np.nan), np.full(n, np.nan))
        _locate(
            self._segments, self._grid, latitude_deg, longitude_deg, heading_deg, last_carriageway, *found, self.reach_m
        )
        return found


def _segments_of(road: Road) -> _Segments:
    parts: list[list[npt.NDArray[np.generic]]] = []
    for carriageway, line in road.alignments.items():
        here = np.flatnonzero(line.present[:-1] & line.present[1:])
        lat, lon, measure = line.latitude_deg, line.longitude_deg, line.measure_m
        per_lat_m, per_lon_m = metres_per_degree(lat[here])
        east_m = (lon[here + 1] - lon[here]) * per_lon_m
        north_m = (lat[here + 1] - lat[here]) * per_lat_m
        number = np.full(len(here), CARRIAGEWAYS.index(carriageway), dtype=np.int8)
        length_m = measure[here + 1] - measure[here]
        parts.append([lat[here], lon[here], per_lat_m, per_lon_m, east_m, north_m, measure[here], length_m, number])
    return _Segments(*(np.ascontiguousarray(np.concatenate(column)) for column in zip(*parts, strict=True)))


def _grid_of(segments: _Segments, reach_m: float) -> _Grid:
    """Cells as wide as the reach where degrees are narrowest, so wider elsewhere."""
    lat, lon = segments.latitude_deg, segments.longitude_deg
    end_lat = lat + segments.north_m / segments.per_latitude_m
    end_lon = lon + segments.east_m / segments.per_longitude_m
    cell_lat = reach_m / float(segments.per_latitude_m.min())
    cell_lon = reach_m / float(segments.per_longitude_m.min())
    south = float(min(lat.min(), end_lat.min())) - 2.0 * cell_lat
    west = float(min(lon.min(), end_lon.min())) - 2.0 * cell_lon
    reach_lat, reach_lon = reach_m / segments.per_latitude_m, reach_m / segments.per_longitude_m
    row_0 = ((np.minimum(lat, end_lat) - reach_lat - south) / cell_lat).astype(np.int64)
    row_1 = ((np.maximum(lat, end_lat) + reach_lat - south) / cell_lat).astype(np.int64)
    col_0 = ((np.minimum(lon, end_lon) - reach_lon - west) / cell_lon).astype(np.int64)
    col_1 = ((np.maximum(lon, end_lon) + reach_lon - west) / cell_lon).astype(np.int64)
    columns = int(col_1.max()) + 2
    tall, wide = row_1 - row_0 + 1, col_1 - col_0 + 1
    copies = tall * wide
    segment = np.repeat(np.arange(len(lat)), copies)
    within = np.arange(len(segment)) - np.repeat(np.cumsum(copies) - copies, copies)
    row = row_0[segment] + within // wide[segment]
    key = row * columns + col_0[segment] + within % wide[segment]
    order = np.argsort(key, kind="stable")
    cells, first = np.unique(key[order], return_index=True)
    size = 1 << (2 * len(cells)).bit_length()
    table = np.full(size, -1, dtype=np.int64)
    begin, end = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    _file(cells, first, len(key), table, begin, end)
    return _Grid(south, west, cell_lat, cell_lon, columns, table, begin, end, segment[order].astype(np.int32))


@compiled
def _slot(table: _Integers, key: int) -> int:
    """Where a cell stands in the table, or the free slot where it would."""
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64((mixed >> np.uint64(24)) & np.uint64(len(table) - 1))
    while table[at] != -1 and table[at] != key:
        at = (at + 1) & (len(table) - 1)
    return at  # type: ignore[return-value]


@compiled
def _file(
    cells: _Integers,
    first: _Integers,
    total: int,
    table: _Integers,
    begin: npt.NDArray[np.int32],
    end: npt.NDArray[np.int32],
) -> None:
    for i in range(len(cells)):
        at = _slot(table, cells[i])
        table[at] = cells[i]
        begin[at] = first[i]
        end[at] = first[i + 1] if i + 1 < len(cells) else total


@compiled
def _locate(
    segments: _Segments,
    grid: _Grid,
    latitude_deg: _FloatArray,
    longitude_deg: _FloatArray,
    heading_deg: _FloatArray,
    last_carriageway: npt.NDArray[np.int8],
    carriageway: npt.NDArray[np.int8],
    measure_m: _FloatArray,
    offset_m: _FloatArray,
    reach_m: float,
) -> None:
    for i in range(len(latitude_deg)):
        lat, lon = latitude_deg[i], longitude_deg[i]
        row = np.floor((lat - grid.south_deg) / grid.cell_lat_deg)
        col = np.floor((lon - grid.west_deg) / grid.cell_lon_deg)
        if not (row >= 0.0 and row < 1e9 and col >= 0.0 and col < grid.columns):  # a NaN is not either
            continue
        at = _slot(grid.key, int(row) * grid.columns + int(col))
        if grid.key[at] == -1:
            continue
        knows_heading = not np.isnan(heading_deg[i])
        sine, cosine = np.sin(np.radians(heading_deg[i])), np.cos(np.radians(heading_deg[i]))
        best = np.inf
        for j in range(grid.first[at], grid.last[at]):
            s = grid.member[j]
            ax = (segments.longitude_deg[s] - lon) * segments.per_longitude_m[s]
            ay = (segments.latitude_deg[s] - lat) * segments.per_latitude_m[s]
            ex, ey = segments.east_m[s], segments.north_m[s]
            share = -(ax * ex + ay * ey) / max(ex * ex + ey * ey, 1e-12)
            share = min(max(share, 0.0), 1.0)
            px, py = ax + share * ex, ay + share * ey
            distance = np.sqrt(px * px + py * py)
            if distance > reach_m:
                continue
            cost = distance
            if knows_heading:  # RULE 1
                along = sine * ex + cosine * ey
                if (along < 0.0) == (segments.carriageway[s] == 0):
                    cost += 2.0 * reach_m
            elif last_carriageway[i] >= 0 and segments.carriageway[s] != last_carriageway[i]:  # RULE 2
                cost += 2.0 * reach_m
            if cost < best:  # RULE 3
                best = cost
                carriageway[i] = segments.carriageway[s]
                measure_m[i] = segments.measure_m[s] + share * segments.length_m[s]
                offset_m[i] = distance if ey * ax - ex * ay <= 0.0 else -distance
