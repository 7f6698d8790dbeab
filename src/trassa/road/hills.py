"""Generated hills: terrain for examples and measurements, the same on every machine and for every cut.

Smooth noise on lattices of halving wavelength, each weaker than the one before (a fractal of fixed slope). A height
depends on the seed and the place only, so grids cut from the same hills agree node by node.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError

__all__ = ["generated_hills"]

_METRES_PER_DEGREE = 111_195.0
_OCTAVES = 9
_ROWS_AT_ONCE = 512

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def generated_hills(
    seed: int,
    north_deg: float,
    west_deg: float,
    rows: int,
    cols: int,
    step_deg: float,
    *,
    step_lon_deg: float | None = None,
    round_at_deg: float = 50.0,
    base_m: float = 300.0,
    relief_m: float = 160.0,
    wavelength_m: float = 12_000.0,
    persistence_ratio: float = 0.5,
) -> npt.NDArray[np.float32]:
    """Heights in metres above sea level at the nodes of a grid, shape (rows, cols), float32, whole decimetres.

    Node (r, c) stands at ``north_deg − r·step_deg``, ``west_deg + c·step_lon_deg`` (by default the same step in
    both directions), each taken to the nearest whole step, so that grids of one step share their nodes. ``relief_m``
    is how far the broadest hills rise and fall from ``base_m``, ``wavelength_m`` their size; hills of half the size
    are ``persistence_ratio`` times as high. Hills are as long as broad at the latitude ``round_at_deg``.
    """
    if rows < 2 or cols < 2:
        raise InputError(f"terrain: hills of {rows} × {cols} nodes are no grid")
    step_lon = step_deg if step_lon_deg is None else step_lon_deg
    if not (step_deg > 0.0 and step_lon > 0.0):
        raise InputError(f"terrain: steps of hills, {step_deg:g}° and {step_lon:g}°, must be positive")
    lon_m = step_lon * _METRES_PER_DEGREE * math.cos(math.radians(round_at_deg))
    south_m = np.asarray((np.arange(rows) - round(north_deg / step_deg)) * (step_deg * _METRES_PER_DEGREE), np.float64)
    east_m = np.asarray((np.arange(cols) + round(west_deg / step_lon)) * lon_m, np.float64)
    heights = np.empty((rows, cols), np.float32)
    for first in range(0, rows, _ROWS_AT_ONCE):
        some_m = south_m[first : first + _ROWS_AT_ONCE]
        part: FloatArray = np.full((len(some_m), cols), base_m)
        for octave in range(_OCTAVES):
            high_m = relief_m * math.pow(persistence_ratio, octave)
            part += high_m * _noise(seed * _OCTAVES + octave, some_m, east_m, wavelength_m / 2.0 ** (octave + 1))
        heights[first : first + len(some_m)] = np.round(part, 1)
    return heights


def _noise(key: int, south_m: FloatArray, east_m: FloatArray, cell_m: float) -> FloatArray:
    """Smooth noise in −1…1 at all pairs of the coordinates, shape (south, east); lattice cells of ``cell_m``."""
    row, down = _cells(south_m, cell_m)
    col, right = _cells(east_m, cell_m)
    lattice = _hashed(key, np.arange(row[0], row[-1] + 2), np.arange(col[0], col[-1] + 2))
    row, col = row - row[0], col - col[0]
    along: FloatArray = lattice[:, col] * (1.0 - right) + lattice[:, col + 1] * right
    across: FloatArray = along[row] * (1.0 - down[:, None]) + along[row + 1] * down[:, None]
    return across


def _cells(coordinate_m: FloatArray, cell_m: float) -> tuple[IntArray, FloatArray]:
    """Lattice cell of every coordinate and the eased share of the way through it; no kink in slope or curvature."""
    whole = np.floor(coordinate_m / cell_m)
    share = coordinate_m / cell_m - whole
    return whole.astype(np.int64), share * share * share * (share * (share * 6.0 - 15.0) + 10.0)


def _hashed(key: int, row: IntArray, col: IntArray) -> FloatArray:
    """A number in −1…1 for every lattice point, without memory of its neighbours (splitmix64)."""
    mixed = _mix(_mix(np.uint64(key % 2**64) + row.astype(np.uint64))[:, None] + col.astype(np.uint64)[None, :])
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


def _mix(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    value = value * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0xD1B54A32D192ED03)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
