"""Elevation tiles as their files hold them, read with NumPy; GeoTIFF through the raw raster reader.

A void at most three nodes wide and high, off the tile's edge, is filled; everything else unknown stays NaN.
"""

from __future__ import annotations

import gzip
import io
import math
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import numpy.typing as npt

from trassa.errors import InputError

__all__ = ["Tile", "read_tiles"]

_HGT_NAME = re.compile(r"([NS])(\d{2})([EW])(\d{3})", re.IGNORECASE)
_VOID = -32768
_SMALL_VOID = 3
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tile:
    """One file: node (r, c) stands at ``north_deg − r·step_lat_deg``, ``west_deg + c·step_lon_deg``; NaN is a void."""

    name: str
    north_deg: float
    west_deg: float
    step_lat_deg: float
    step_lon_deg: float
    height_m: npt.NDArray[np.float32]

    def at(self, latitude_deg: FloatArray, longitude_deg: FloatArray, beyond_share: float = 0.0) -> FloatArray:
        """Bilinear heights, NaN farther than ``beyond_share`` steps off the tile's nodes; arrays of one shape."""
        rows, columns = self.height_m.shape
        row = (self.north_deg - latitude_deg) / self.step_lat_deg
        column = (longitude_deg - self.west_deg) / self.step_lon_deg
        free = beyond_share + 1e-6
        off = (row < -free) | (row > rows - 1 + free) | (column < -free) | (column > columns - 1 + free)
        row, column = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
        r = np.minimum(row.astype(np.int64), rows - 2)
        c = np.minimum(column.astype(np.int64), columns - 2)
        down, right = row - r, column - c
        h = self.height_m.astype(np.float64)
        upper = h[r, c] * (1 - right) + h[r, c + 1] * right
        lower = h[r + 1, c] * (1 - right) + h[r + 1, c + 1] * right
        return np.where(off, np.nan, upper * (1 - down) + lower * down)


def read_tiles(files: Sequence[Path]) -> list[Tile]:
    """Read tiles by what their names say: ``.hgt``, ``.hgt.gz``, ``.zip`` of one ``.hgt``, GeoTIFF; finest first."""
    tiles = [_read_tile(path) for path in sorted(files, key=str)]
    return sorted(tiles, key=lambda tile: tile.step_lat_deg * tile.step_lon_deg)


def _read_tile(path: Path) -> Tile:
    if path.suffix.lower() in (".tif", ".tiff"):
        return _read_geotiff(path)
    match = _HGT_NAME.search(path.name)
    if match is None:
        raise InputError(f"verify: {path.name} does not say where it lies", cure="a name such as N50E009.hgt")
    data = np.frombuffer(_hgt_bytes(path), dtype=">i2")
    side = math.isqrt(len(data))
    if side * side != len(data) or side < 2:
        raise InputError(f"verify: {path.name} holds {len(data)} samples, not a square", cure="fetch the tile again")
    ns, latitude, ew, longitude = match.groups()
    south = int(latitude) * (1 if ns.upper() == "N" else -1)
    west = int(longitude) * (1 if ew.upper() == "E" else -1)
    heights = data.reshape(side, side).astype(np.float32)
    heights[heights == _VOID] = np.nan
    return Tile(path.name, south + 1.0, float(west), 1.0 / (side - 1), 1.0 / (side - 1), _closed(heights))


def _read_geotiff(path: Path) -> Tile:
    from trassa.road.exchange.raster import read_raster

    raster = read_raster(path)
    frame = (raster.north_deg, raster.west_deg, raster.step_lat_deg, raster.step_lon_deg)
    return Tile(path.name, *frame, _closed(raster.array))


def _hgt_bytes(path: Path) -> bytes:
    try:
        if path.suffix.lower() == ".gz":
            return gzip.decompress(path.read_bytes())
        if path.suffix.lower() != ".zip":
            return path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            inside = [name for name in archive.namelist() if name.lower().endswith(".hgt")]
            return archive.read(inside[0])
    except (OSError, EOFError, zipfile.BadZipFile, IndexError) as error:
        raise InputError(f"verify: {path.name} cannot be read ({error})", cure="fetch the tile again") from None


def _closed(heights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Voids at most three nodes wide and high, off the tile's edge, filled by lines along row and column."""
    if not np.isnan(heights).any():
        return heights
    filled = heights.copy()
    group = _grouped(np.isnan(heights))
    rows, columns = np.nonzero(group)
    for number in np.unique(group[rows, columns]):
        mine = group[rows, columns] == number
        r, c = rows[mine], columns[mine]
        inside = r.min() > 0 and c.min() > 0 and r.max() < heights.shape[0] - 1 and c.max() < heights.shape[1] - 1
        if inside and r.max() - r.min() < _SMALL_VOID and c.max() - c.min() < _SMALL_VOID:
            for row, column in zip(r, c, strict=True):
                filled[row, column] = (_along(heights[row], column) + _along(heights[:, column], row)) / 2.0
    return filled


def _along(line: npt.NDArray[np.float32], at: int) -> float:
    known = np.flatnonzero(np.isfinite(line))
    return float(np.interp(at, known, line[known].astype(np.float64)))


@numba.njit(cache=True, nogil=True)
def _grouped(void: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Voids numbered from 1, neighbours along rows and columns alike; those larger than a few nodes keep 0."""
    group = np.zeros(void.shape, dtype=np.int32)
    seen = np.zeros(void.shape, dtype=np.bool_)
    stack = np.empty((void.size, 2), dtype=np.int32)
    number = 0
    for row in range(void.shape[0]):
        for column in range(void.shape[1]):
            if not void[row, column] or seen[row, column]:
                continue
            number += 1
            top = first = 0
            stack[0, 0], stack[0, 1] = row, column
            seen[row, column] = True
            top = 1
            while first < top:
                r, c = stack[first, 0], stack[first, 1]
                first += 1
                for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                    a, b = r + dr, c + dc
                    if 0 <= a < void.shape[0] and 0 <= b < void.shape[1] and void[a, b] and not seen[a, b]:
                        seen[a, b] = True
                        stack[top, 0], stack[top, 1] = a, b
                        top += 1
            if top <= 9:
                for k in range(top):
                    group[stack[k, 0], stack[k, 1]] = number
    return group
