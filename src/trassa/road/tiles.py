"""Elevation tiles on disk: SRTM ``.hgt`` read with NumPy, everything else through GDAL; small voids closed."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from trassa.errors import InputError
from trassa.road.exchange import HEIGHT_RANGE_M, read_raster, read_raster_lattice
from trassa.road.lattice import Lattice

__all__ = ["SMALL_VOID_NODES", "Tile", "close_small_voids", "hgt_name", "open_tile"]

SMALL_VOID_NODES = 3
"""A void at most this many nodes wide and high is interpolated; a larger one stays unknown."""

_HGT_SIDES = {side * side * 2: side for side in (1201, 3601)}
_HGT_SUFFIXES = (".hgt", ".hgt.gz", ".hgt.zip")

FloatArray = npt.NDArray[np.float32]
Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Tile:
    """One elevation file: where its nodes stand, and a way to read a window (row, col, rows, cols) of heights."""

    path: Path
    lattice: Lattice
    read: Callable[[Window], FloatArray]

    def heights_m(self, window: Window) -> FloatArray:
        """Heights of a window of nodes, float32, NaN where void; small voids closed as in :func:`close_small_voids`.

        The result does not depend on how a tile is cut into windows: where a void is, its surroundings are read too.
        """
        row, col, rows, cols = window
        plain = self.read(window)
        if not np.isnan(plain).any():
            return plain
        reach = SMALL_VOID_NODES + 1
        top, left = max(row - reach, 0), max(col - reach, 0)
        bottom = min(row + rows + reach, self.lattice.rows)
        right = min(col + cols + reach, self.lattice.cols)
        heights = close_small_voids(self.read((top, left, bottom - top, right - left)))
        return heights[row - top : row - top + rows, col - left : col - left + cols]


def open_tile(path: Path) -> Tile:
    """Open ``.hgt``, ``.hgt.gz``, ``.hgt.zip`` or a raster that GDAL reads.

    Raises :class:`InputError` for a file that is missing, damaged or of unknown place.
    """
    if not path.is_file():
        raise InputError(f"terrain: no file {path}", cure="copy it there, or take it out of terrain.files")
    if path.name.lower().endswith(_HGT_SUFFIXES):
        return Tile(path, _hgt_lattice(path), lambda window: _hgt_window(path, window))
    return Tile(path, read_raster_lattice(path), lambda window: read_raster(path, window).array)


def hgt_name(latitude_deg: int, longitude_deg: int) -> str:
    """``N50E009.hgt``: the name of the SRTM tile by its south-west corner in whole degrees."""
    north_south, east_west = "NS"[latitude_deg < 0], "EW"[longitude_deg < 0]
    return f"{north_south}{abs(latitude_deg):02d}{east_west}{abs(longitude_deg):03d}.hgt"


def close_small_voids(heights_m: FloatArray) -> FloatArray:
    """Interpolate the voids that are tiny and surrounded; the array is returned unchanged if there are none.

    A void is a set of NaN nodes that touch along rows or columns. It is closed where it spans at most
    ``SMALL_VOID_NODES`` rows and columns and touches no edge of the array. Each of its nodes then gets the mean of two
    linear interpolations: along its row between the nearest known nodes west and east, and along its column between
    those north and south.
    """
    void = np.isnan(heights_m)
    if not void.any():
        return heights_m
    closed = heights_m.copy()
    labels, _ = ndimage.label(void)
    for number, (rows, cols) in enumerate(ndimage.find_objects(labels), start=1):
        inside = rows.start > 0 and cols.start > 0 and rows.stop < void.shape[0] and cols.stop < void.shape[1]
        if inside and max(rows.stop - rows.start, cols.stop - cols.start) <= SMALL_VOID_NODES:
            for down, right in np.argwhere(labels[rows, cols] == number).tolist():
                row, col = rows.start + down, cols.start + right
                across, along = _between_known(heights_m[row], col), _between_known(heights_m[:, col], row)
                closed[row, col] = (across + along) / 2.0
    return closed


def _between_known(line_m: FloatArray, at: int) -> float:
    before, after = at, at
    while np.isnan(line_m[before]):
        before -= 1
    while np.isnan(line_m[after]):
        after += 1
    share = (at - before) / (after - before)
    return float(line_m[before]) * (1.0 - share) + float(line_m[after]) * share


def _hgt_lattice(path: Path) -> Lattice:
    corner = re.search(r"([NS])(\d{2})([EW])(\d{3})", path.name.upper())
    if corner is None:
        raise InputError(f"terrain: {path.name} does not say which degree it covers", cure="a name such as N50E009.hgt")
    south = int(corner[2]) * (1 if corner[1] == "N" else -1)
    west = int(corner[4]) * (1 if corner[3] == "E" else -1)
    side = _hgt_samples(path).shape[0]
    step = 1.0 / (side - 1)
    return Lattice(south + 1.0, float(west), step, step, side, side)


def _hgt_window(path: Path, window: Window) -> FloatArray:
    row, col, rows, cols = window
    samples = _hgt_samples(path)[row : row + rows, col : col + cols]
    low, high = HEIGHT_RANGE_M  # the void mark, -32768, lies outside
    return np.where((samples > low) & (samples < high), samples.astype(np.float32), np.float32(np.nan))


@lru_cache(maxsize=4)
def _hgt_samples(path: Path) -> npt.NDArray[np.int16]:
    """The samples of a tile, row 0 at its north edge; the last few tiles stay in memory."""
    try:
        data = _hgt_bytes(path)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(f"terrain: {path.name} is damaged ({error})", cure="copy or fetch it again") from error
    side = _HGT_SIDES.get(len(data))
    if side is None:
        sizes = " or ".join(f"{size:,} ({n} × {n})" for size, n in _HGT_SIDES.items())
        raise InputError(
            f"terrain: {path.name} holds {len(data):,} bytes of heights, not {sizes}", cure="copy or fetch it again"
        )
    return np.frombuffer(data, ">i2").reshape(side, side)


def _hgt_bytes(path: Path) -> bytes:
    if path.name.lower().endswith(".gz"):
        return gzip.decompress(path.read_bytes())
    if path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            inside = [name for name in archive.namelist() if name.lower().endswith(".hgt")]
            if len(inside) != 1:
                raise InputError(f"terrain: {path.name} holds {len(inside)} .hgt files, not one")
            return archive.read(inside[0])
    return path.read_bytes()
