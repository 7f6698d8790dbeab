"""Terrain: heights anywhere, from one or many elevation tiles.

The rule. Between nodes heights are bilinear in latitude and longitude. Where tiles overlap, the one with the finest
nodes that has a height answers; equal ones agree on their shared edge. Tiles that do not share an edge (Copernicus:
the last row and column belong to the neighbours) are joined over the one step between them: the missing corner of a
cell is the neighbour's height at that very place, taken bilinearly where the neighbour's columns stand elsewhere.
Voids of up to three nodes are closed (:func:`trassa.road.tiles.close_small_voids`); everything else that no tile
knows is NaN, never zero.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear import Extent
from trassa.road.lattice import Bounds, Lattice
from trassa.road.settings import TerrainKind
from trassa.road.tiles import Tile, hgt_name, open_tile

__all__ = ["Terrain", "missing_extents", "read_terrain", "require_coverage"]

_BLOCK_NODES = 1024
_BLOCKS_KEPT = 48

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Terrain:
    """Heights from tiles, read as they are needed; some 200 MB of blocks stay in memory. Safe to share by threads."""

    def __init__(self, tiles: Sequence[Tile], kind: TerrainKind) -> None:
        self.kind = kind
        self.tiles = tuple(sorted(tiles, key=lambda t: (t.lattice.step_lat_deg * t.lattice.step_lon_deg, str(t.path))))
        self._blocks: OrderedDict[tuple[int, int, int], npt.NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def step_deg(self) -> tuple[float, float]:
        """Finest spacing of nodes in latitude and longitude, degrees."""
        lattices = [tile.lattice for tile in self.tiles]
        return min(lattice.step_lat_deg for lattice in lattices), min(lattice.step_lon_deg for lattice in lattices)

    def near(self, bounds: Bounds) -> Terrain:
        """The same terrain with only the tiles that touch a box; :class:`InputError` where none does."""
        tiles = [tile for tile in self.tiles if tile.lattice.touches(bounds)]
        if not tiles:
            west, south, east, north = bounds
            named = ", ".join(tile.path.name for tile in self.tiles)
            place = f"latitude {south:.2f}…{north:.2f}, longitude {west:.2f}…{east:.2f}"
            raise InputError(f"terrain: no tile covers {place} (given: {named})", cure=_tile_hint(south, west))
        return Terrain(tiles, self.kind)

    def height_m(self, latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> FloatArray:
        """Height above sea level at each place, float64 of the same shape; NaN where void or off every tile."""
        latitude, longitude = np.broadcast_arrays(
            np.asarray(latitude_deg, dtype=np.float64), np.asarray(longitude_deg, dtype=np.float64)
        )
        lat, lon = latitude.ravel(), longitude.ravel()
        height = self._within_tiles(lat, lon)
        unknown = np.flatnonzero(np.isnan(height))
        height[unknown] = self._across_seams(lat[unknown], lon[unknown])
        return height.reshape(latitude.shape)

    def lattice_m(self, lattice: Lattice) -> npt.NDArray[np.float32]:
        """Heights at all nodes of a lattice, float32: :meth:`height_m` there, only faster."""
        heights = np.full((lattice.rows, lattice.cols), np.nan, dtype=np.float32)
        for number in range(len(self.tiles)):
            self._fill_from(number, lattice, heights)
        rows, cols = np.nonzero(np.isnan(heights))
        lat, lon = lattice.latitudes_deg()[rows], lattice.longitudes_deg()[cols]
        heights[rows, cols] = self._across_seams(lat, lon)
        return heights

    def _within_tiles(self, lat: FloatArray, lon: FloatArray, slack: float = 0.0, without: int = -1) -> FloatArray:
        """Heights inside the tiles' own nodes; so many steps beyond them are read as on the edge."""
        height = np.full(len(lat), np.nan)
        for number, tile in enumerate(self.tiles):
            if number == without:
                continue
            open_ = np.flatnonzero(np.isnan(height))
            row, col = tile.lattice.row(lat[open_]), tile.lattice.col(lon[open_])
            last_row, last_col = tile.lattice.rows - 1, tile.lattice.cols - 1
            inside = (row >= -slack) & (row <= last_row + slack) & (col >= -slack) & (col <= last_col + slack)
            chosen = open_[inside]
            row, col = np.clip(row[inside], 0, last_row), np.clip(col[inside], 0, last_col)
            height[chosen] = self._in_tile(number, row, col)
        return height

    def _in_tile(self, number: int, row: FloatArray, col: FloatArray) -> FloatArray:
        lattice = self.tiles[number].lattice
        cell_row = np.minimum(row.astype(np.int64), lattice.rows - 2)
        cell_col = np.minimum(col.astype(np.int64), lattice.cols - 2)
        block_row, block_col = cell_row // _BLOCK_NODES, cell_col // _BLOCK_NODES
        key = block_row * (lattice.cols // _BLOCK_NODES + 1) + block_col
        height = np.full(len(row), np.nan)
        for one in np.unique(key):
            here = key == one
            first_row, first_col = int(block_row[here][0]), int(block_col[here][0])
            block = self._block(number, first_row, first_col)
            r0, c0 = cell_row[here] - first_row * _BLOCK_NODES, cell_col[here] - first_col * _BLOCK_NODES
            corners = block[r0, c0], block[r0, c0 + 1], block[r0 + 1, c0], block[r0 + 1, c0 + 1]
            height[here] = _bilinear(corners, row[here] - cell_row[here], col[here] - cell_col[here])
        return height

    def _across_seams(self, lat: FloatArray, lon: FloatArray) -> FloatArray:
        """Heights in the one step south and east of a tile's last nodes, where the neighbour begins."""
        height = np.full(len(lat), np.nan)
        for number, tile in enumerate(self.tiles):
            lattice = tile.lattice
            row, col = lattice.row(lat), lattice.col(lon)
            seam = (row >= 0) & (row < lattice.rows) & (col >= 0) & (col < lattice.cols)
            seam &= ((row > lattice.rows - 1) | (col > lattice.cols - 1)) & np.isnan(height)
            if not seam.any():
                continue
            r0, c0 = np.floor(row[seam]), np.floor(col[seam])
            corners = [
                self._corner(
                    number, lattice.north_deg - r * lattice.step_lat_deg, lattice.west_deg + c * lattice.step_lon_deg
                )
                for r, c in ((r0, c0), (r0, c0 + 1), (r0 + 1, c0), (r0 + 1, c0 + 1))
            ]
            height[seam] = _bilinear(corners, row[seam] - r0, col[seam] - c0)
        return height

    def _corner(self, number: int, lat: FloatArray, lon: FloatArray) -> FloatArray:
        """Height at the corner of a seam cell; a coarser neighbour begins up to half its step farther off."""
        height = self._within_tiles(lat, lon)
        unknown = np.flatnonzero(np.isnan(height))
        height[unknown] = self._within_tiles(lat[unknown], lon[unknown], slack=0.5, without=number)
        return height

    def _fill_from(self, number: int, lattice: Lattice, heights: npt.NDArray[np.float32]) -> None:
        """Fill what is still unknown from one tile; rows and columns are interpolated one after the other."""
        own = self.tiles[number].lattice
        row, col = own.row(lattice.latitudes_deg()), own.col(lattice.longitudes_deg())
        at_rows = np.flatnonzero((row >= 0) & (row <= own.rows - 1))
        at_cols = np.flatnonzero((col >= 0) & (col <= own.cols - 1))
        if not len(at_rows) or not len(at_cols):
            return
        target = heights[at_rows[0] : at_rows[-1] + 1, at_cols[0] : at_cols[-1] + 1]
        unknown = np.isnan(target)
        if not unknown.any():
            return
        row, col = row[at_rows], col[at_cols]
        top, left = int(row[0]), int(col[0])
        native = self._window(number, top, left, int(np.ceil(row[-1])) + 1, int(np.ceil(col[-1])) + 1)
        found = _stretched(_stretched(native, row - top).T, col - left).T
        np.copyto(target, found, where=unknown, casting="same_kind")

    def _window(self, number: int, top: int, left: int, bottom: int, right: int) -> npt.NDArray[np.float32]:
        """Nodes of a tile from (top, left) up to, not including, (bottom, right), put together from blocks."""
        window = np.empty((bottom - top, right - left), dtype=np.float32)
        for block_row in range(top // _BLOCK_NODES, (bottom - 1) // _BLOCK_NODES + 1):
            for block_col in range(left // _BLOCK_NODES, (right - 1) // _BLOCK_NODES + 1):
                row, col = block_row * _BLOCK_NODES, block_col * _BLOCK_NODES
                r0, c0 = max(row, top), max(col, left)
                r1, c1 = min(row + _BLOCK_NODES, bottom), min(col + _BLOCK_NODES, right)
                block = self._block(number, block_row, block_col)
                window[r0 - top : r1 - top, c0 - left : c1 - left] = block[r0 - row : r1 - row, c0 - col : c1 - col]
        return window

    def _block(self, number: int, block_row: int, block_col: int) -> npt.NDArray[np.float32]:
        key = (number, block_row, block_col)
        with self._lock:
            if key in self._blocks:
                self._blocks.move_to_end(key)
                return self._blocks[key]
        tile = self.tiles[number]
        row, col = block_row * _BLOCK_NODES, block_col * _BLOCK_NODES
        rows, cols = min(_BLOCK_NODES + 1, tile.lattice.rows - row), min(_BLOCK_NODES + 1, tile.lattice.cols - col)
        block = tile.heights_m((row, col, rows, cols))
        with self._lock:
            self._blocks[key] = block
            while len(self._blocks) > _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        return block


def read_terrain(files: Sequence[Path], kind: TerrainKind) -> Terrain:
    """Terrain from ``.hgt``, ``.hgt.gz``, ``.hgt.zip`` and GeoTIFF files in any mixture.

    Heights are read when they are asked for. Raises :class:`InputError` for a file that is missing, damaged, not in
    latitude and longitude, or of unknown place.
    """
    if not files:
        raise InputError("terrain: no file given", cure="terrain.files in trassa.toml")
    return Terrain([open_tile(path) for path in files], kind)


def missing_extents(
    terrain: Terrain,
    measure_m: FloatArray,
    latitude_deg: FloatArray,
    longitude_deg: FloatArray,
    needed: npt.NDArray[np.bool_] | None = None,
) -> list[Extent]:
    """The extents of a line, given as points in order of measure, on which the terrain has no height.

    An extent reaches from the last good point before it to the first one behind it. Where ``needed`` is false a point
    is good without a height, as in a tunnel.
    """
    unknown = np.isnan(terrain.height_m(latitude_deg, longitude_deg))
    unknown &= True if needed is None else needed
    edges = np.flatnonzero(np.diff(np.concatenate([[False], unknown, [False]]).astype(np.int8)))
    last = len(measure_m) - 1
    return [
        Extent(float(measure_m[max(first - 1, 0)]), float(measure_m[min(stop, last)]))
        for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
        if last > 0
    ]


def require_coverage(
    terrain: Terrain,
    measure_m: FloatArray,
    latitude_deg: FloatArray,
    longitude_deg: FloatArray,
    span_text: Callable[[float, float], str],
    needed: npt.NDArray[np.bool_] | None = None,
) -> None:
    """Refuse a terrain that lacks needed heights on the line, naming each extent and the tile that is missing or void.

    ``span_text(start_m, end_m)`` is :meth:`trassa.road.model.Road.span_text`, or what stands in for it.
    """
    gaps = missing_extents(terrain, measure_m, latitude_deg, longitude_deg, needed)
    if not gaps:
        return
    middles = [int(np.argmin(np.abs(measure_m - (gap.start_m + gap.end_m) / 2))) for gap in gaps]
    named = [
        f"{span_text(gap.start_m, gap.end_m)} ({gap.length_m:,.0f} m; "
        f"{_reason(terrain, float(latitude_deg[i]), float(longitude_deg[i]))})"
        for gap, i in zip(gaps[:5], middles, strict=False)
    ]
    more = f" and {len(gaps) - 5} more" if len(gaps) > 5 else ""
    raise InputError(
        f"terrain: no height for {'; '.join(named)}{more}",
        cure=_tile_hint(float(latitude_deg[middles[0]]), float(longitude_deg[middles[0]])),
    )


def _reason(terrain: Terrain, lat: float, lon: float) -> str:
    over = [tile.path.name for tile in terrain.tiles if tile.lattice.touches(Bounds(lon, lat, lon, lat))]
    return f"void in {', '.join(over)}" if over else f"no tile at latitude {lat:.3f}, longitude {lon:.3f}"


def _tile_hint(lat: float, lon: float) -> str:
    name = hgt_name(int(np.floor(lat)), int(np.floor(lon)))
    return f"add a tile with heights there, such as {name} or its GLO-30 GeoTIFF, or trassa road fetch"


def _bilinear(corners: Sequence[npt.NDArray[np.floating]], down: FloatArray, right: FloatArray) -> FloatArray:
    """Weighted corners (NW, NE, SW, SE); a corner without weight does not count, even if it is void."""
    weights = (1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right
    height = np.zeros(len(down))
    for corner, weight in zip(corners, weights, strict=True):
        height += np.where(weight > 0, weight * corner, 0.0)
    return height


def _stretched(values: npt.NDArray[Any], index: FloatArray) -> npt.NDArray[Any]:
    """Rows of ``values`` at fractional indices, linear, float64; a whole index takes its row alone, unchanged."""
    below = index.astype(np.int64)
    share = (index - below)[:, None]
    if not share.any():
        return values[below]
    above = np.minimum(below + 1, len(values) - 1)
    mixed = (1 - share) * values[below] + share * values[above]
    return np.where(share > 0, mixed, values[below])
