"""A bilinear sampler of our own over elevation tiles.

The planner resamples terrain onto one grid. Here the native nodes are kept tile by tile, and a point is interpolated
in the tile that holds it: two different ways to the same surface. The rules are the planner's: the finest tile that
knows a height answers, and neighbours that share no edge are joined over one step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.plan.verify.tiles import Tile

__all__ = ["Tiles", "height_at", "heights_along", "joined"]

FloatArray = npt.NDArray[np.float64]
_SNAP = 1e-6


class Tiles(NamedTuple):
    """All tiles in one buffer, for the sampler.

    ``frame`` has shape (tiles, 6): north and west in degrees, steps in degrees, rows, columns. Tile t's nodes stand
    row by row from ``start[t]`` in ``nodes_m``. Each tile carries one more row in the south and one more column in
    the east, taken from its neighbours, so that no seam is a gap.

    Radio paths cross a surface that is bilinear between the nodes of one ``lattice`` (north, west, steps in degrees).
    Where a tile's own nodes are nodes of it (``exact``), that is the tile's own surface; elsewhere the lattice's nodes
    are looked up first. Without a lattice every tile is exact.
    """

    frame: FloatArray
    start: npt.NDArray[np.int64]
    nodes_m: npt.NDArray[np.float32]
    lattice: FloatArray
    exact: npt.NDArray[np.bool_]

    def on_lattice(self, lattice: FloatArray) -> Tiles:
        """The same tiles, to be sampled between the nodes of a lattice."""
        ratios = self.frame[:, 2:4] / lattice[2:4]
        shifts = np.column_stack([lattice[0] - self.frame[:, 0], self.frame[:, 1] - lattice[1]]) / lattice[2:4]
        whole = np.abs(np.concatenate([ratios, shifts], axis=1) - np.round(np.concatenate([ratios, shifts], axis=1)))
        return self._replace(lattice=lattice, exact=(whole < 1e-3).all(axis=1))

    def native(self) -> Tiles:
        """The same tiles, each sampled between its own nodes."""
        return self._replace(exact=np.ones(len(self.exact), dtype=bool))

    def finest(self, box: tuple[float, float, float, float]) -> FloatArray:
        """The frame of the finest tile that touches a box (south, west, north, east): its lattice carries clutter."""
        for frame in self.frame:
            north, west, step_lat, step_lon, rows, columns = frame
            south, east = north - (rows - 2) * step_lat, west + (columns - 2) * step_lon
            beside = box[0] > north + step_lat or box[2] < south - step_lat
            if not beside and not (box[1] > east + step_lon or box[3] < west - step_lon):
                return np.asarray(frame)
        raise InputError("verify: no elevation tile touches the road", cure="add tiles to terrain.files")

    def height_m(self, latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> FloatArray:
        """Bilinear heights at points of any shape, NaN where nothing is known."""
        latitude, longitude = np.broadcast_arrays(
            np.asarray(latitude_deg, dtype=np.float64), np.asarray(longitude_deg, dtype=np.float64)
        )
        heights = _heights_at(latitude.ravel(), longitude.ravel(), self)
        return np.asarray(heights, dtype=np.float64).reshape(latitude.shape)


def joined(tiles: Sequence[Tile]) -> Tiles:
    """All tiles, finest first, each with its seams."""
    frames, starts, parts, start = [], [], [], 0
    for tile in tiles:
        nodes = _with_seams(tile, [other for other in tiles if other is not tile])
        rows, columns = nodes.shape
        frames.append((tile.north_deg, tile.west_deg, tile.step_lat_deg, tile.step_lon_deg, rows, columns))
        starts.append(start)
        parts.append(nodes.ravel())
        start += nodes.size
    if not tiles:
        raise InputError("verify: no elevation tile to read")
    frame, exact = np.array(frames, dtype=np.float64), np.ones(len(tiles), dtype=bool)
    return Tiles(frame, np.array(starts, dtype=np.int64), np.concatenate(parts), frame[0, :4].copy(), exact)


def _with_seams(tile: Tile, others: Sequence[Tile]) -> npt.NDArray[np.float32]:
    """The tile with one more row and column, from whichever neighbour knows those places."""
    rows, columns = tile.height_m.shape
    nodes = np.full((rows + 1, columns + 1), np.nan, dtype=np.float32)
    nodes[:rows, :columns] = tile.height_m
    row = np.concatenate([np.full(columns + 1, rows), np.arange(rows)])
    column = np.concatenate([np.arange(columns + 1), np.full(rows, columns)])
    latitude = tile.north_deg - row * tile.step_lat_deg
    longitude = tile.west_deg + column * tile.step_lon_deg
    for slack in (0.0, 1.0):
        for other in (*others, tile) if slack else others:
            unknown = np.isnan(nodes[row, column])
            nodes[row[unknown], column[unknown]] = other.at(latitude[unknown], longitude[unknown], slack)
    return nodes


@numba.njit(cache=True, nogil=True)
def _native_at(latitude_deg: float, longitude_deg: float, tiles: Tiles, hint: int) -> tuple[float, int]:
    """Bilinear between the nodes of the first tile that knows the place."""
    finest = tiles.frame[0, 2] * tiles.frame[0, 3] * (1.0 + 1e-9)
    if tiles.frame[hint, 2] * tiles.frame[hint, 3] <= finest:
        height = _in_tile(latitude_deg, longitude_deg, tiles, hint, 1)
        if not math.isnan(height):
            return height, hint
    for seam in range(1, -1, -1):
        for t in range(tiles.frame.shape[0]):
            height = _in_tile(latitude_deg, longitude_deg, tiles, t, seam)
            if not math.isnan(height):
                return height, t
    return math.nan, hint


@numba.njit(cache=True, nogil=True)
def _in_tile(latitude_deg: float, longitude_deg: float, tiles: Tiles, t: int, seam: int) -> float:
    """Height in one tile, NaN off its nodes; without the ``seam`` last rows and columns, which are a neighbour's."""
    row = (tiles.frame[t, 0] - latitude_deg) / tiles.frame[t, 2]
    column = (longitude_deg - tiles.frame[t, 1]) / tiles.frame[t, 3]
    rows, columns = int(tiles.frame[t, 4]), int(tiles.frame[t, 5])
    last_row, last_column = rows - 1 - seam + _SNAP, columns - 1 - seam + _SNAP
    if row < -_SNAP or column < -_SNAP or row > last_row or column > last_column:
        return math.nan
    r, c = max(min(int(row + _SNAP), rows - 2), 0), max(min(int(column + _SNAP), columns - 2), 0)
    down, right = row - r, column - c
    at = tiles.start[t] + r * columns + c
    nodes_m = tiles.nodes_m
    west = _between(nodes_m[at], nodes_m[at + columns], down)
    east = west if right < _SNAP else _between(nodes_m[at + 1], nodes_m[at + 1 + columns], down)
    return _between(west, east, right)


@numba.njit(cache=True, nogil=True)
def _between(first: float, second: float, share: float) -> float:
    """Linear between two values; on the first it alone counts, even beside a void."""
    return float(first) if share < _SNAP else first + (second - first) * share


@numba.njit(cache=True, nogil=True)
def height_at(latitude_deg: float, longitude_deg: float, tiles: Tiles, hint: int) -> tuple[float, int]:
    """Height at one point, and the tile that held it; ``hint`` is the tile to try first. NaN: unknown."""
    height, t = _native_at(latitude_deg, longitude_deg, tiles, hint)
    if tiles.exact[t] or math.isnan(height):
        return height, t
    north, west, step_lat, step_lon = tiles.lattice
    row, column = (north - latitude_deg) / step_lat, (longitude_deg - west) / step_lon
    r, c = math.floor(row), math.floor(column)
    total = 0.0
    for below in range(2):
        for beside in range(2):
            weight = (row - r if below else 1.0 - (row - r)) * (column - c if beside else 1.0 - (column - c))
            if weight > _SNAP:
                at = (north - (r + below) * step_lat, west + (c + beside) * step_lon)
                total += weight * _native_at(at[0], at[1], tiles, t)[0]
    return total, t


@numba.njit(cache=True, nogil=True)
def heights_along(
    latitude_deg: FloatArray, longitude_deg: FloatArray, tiles: Tiles, height_m: FloatArray, hint: int
) -> int:
    """Heights at many points into ``height_m``; gives the last tile, −1 as soon as one is unknown.

    While the points stay in one tile of the finest spacing they are read from it directly.
    """
    last = -1
    north = west = step_lat = step_lon = 0.0
    rows = columns = 0
    nodes_m = tiles.nodes_m
    for i in range(len(latitude_deg)):
        if hint != last:
            last = hint
            north, west, step_lat, step_lon = (
                tiles.frame[hint, 0],
                tiles.frame[hint, 1],
                tiles.frame[hint, 2],
                tiles.frame[hint, 3],
            )
            rows, columns = int(tiles.frame[hint, 4]), int(tiles.frame[hint, 5])
            direct = tiles.exact[hint] and step_lat * step_lon <= tiles.frame[0, 2] * tiles.frame[0, 3] * (1.0 + 1e-9)
            nodes_m = tiles.nodes_m[tiles.start[hint] :]
        row, column = (north - latitude_deg[i]) / step_lat, (longitude_deg[i] - west) / step_lon
        if direct and 0.0 <= row < rows - 2 and 0.0 <= column < columns - 2:
            r, c = int(row), int(column)
            down, right = row - r, column - c
            at = r * columns + c
            upper = nodes_m[at] + (nodes_m[at + 1] - nodes_m[at]) * right
            lower = nodes_m[at + columns] + (nodes_m[at + columns + 1] - nodes_m[at + columns]) * right
            height_m[i] = upper + (lower - upper) * down
            if not math.isnan(height_m[i]):
                continue
        height_m[i], hint = height_at(latitude_deg[i], longitude_deg[i], tiles, hint)
        if math.isnan(height_m[i]):
            return -1
    return hint


@numba.njit(cache=True, nogil=True)
def _heights_at(latitude_deg: FloatArray, longitude_deg: FloatArray, tiles: Tiles) -> FloatArray:
    heights = np.empty(len(latitude_deg))
    hint = 0
    for i in range(len(latitude_deg)):
        heights[i], hint = height_at(latitude_deg[i], longitude_deg[i], tiles, hint)
    return heights
