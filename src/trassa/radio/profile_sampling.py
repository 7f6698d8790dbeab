"""The ground under one path: bilinear samples of a grid at equal steps, in float32 and relative to the mast's ground.

Places in the grid are found in float64: a millimetre of height can decide which of two hills is the horizon.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled, sampling_kernel
from trassa.radio.path_geometry import EarthPoints, third_points_deg

__all__ = ["KernelGrid", "Scratch", "ground_at_m", "open_road", "sampled", "scratch"]

SingleArray = npt.NDArray[np.float32]
_Cubic = tuple[float, float, float, float]


class KernelGrid(NamedTuple):
    """A `GroundGrid` as the kernels take it: both surfaces flattened, row after row."""

    north_deg: float
    west_deg: float
    step_lat_deg: float
    step_lon_deg: float
    rows: int
    cols: int
    ground_m: SingleArray
    clutter_m: SingleArray
    has_clutter: bool


class Scratch(NamedTuple):
    """Room for one profile at a time; each thread has its own. Arrays of float32, longer than any profile."""

    ground_m: SingleArray
    """Bare ground above the mast's ground."""
    raised_m: SingleArray
    """Ground and clutter, later with the Earth's bulge."""
    inverse: SingleArray
    """1/i."""
    node: npt.NDArray[np.uint32]
    """Grid node north-west of each point, and the shares of its cell to the south and to the east."""
    south: SingleArray
    east: SingleArray


def scratch(longest_m: float, profile_step_m: float) -> Scratch:
    """Room for paths up to ``longest_m``."""
    size = max(4, math.ceil(longest_m / profile_step_m)) + 2
    inverse = np.zeros(size, dtype=np.float32)
    inverse[1:] = 1.0 / np.arange(1, size, dtype=np.float64)
    single = [np.zeros(size, np.float32) for _ in range(4)]
    return Scratch(single[0], single[1], inverse, np.zeros(size, np.uint32), single[2], single[3])


@sampling_kernel
def _locate(
    room: Scratch, n: int, r: _Cubic, c: _Cubic, cols: np.int32, last_row: np.int32, last_col: np.int32
) -> None:
    """Node north-west of each of the n − 1 inner points and the shares of its cell to the south and to the east.

    ``r`` and ``c`` are cubics in the share of the way, in rows and columns. A loop of its own, for without the
    scattered reads that follow it runs on whole vectors.
    """
    share, zero = 1.0 / n, np.int32(0)
    node, south, east = room.node, room.south, room.east
    for i in range(1, n):
        t = np.float64(np.int32(i)) * share
        row = r[0] + t * (r[1] + t * (r[2] + t * r[3]))
        col = c[0] + t * (c[1] + t * (c[2] + t * c[3]))
        north, west = np.int32(row), np.int32(col)
        north = last_row if north > last_row else north
        west = last_col if west > last_col else west
        north = zero if north < zero else north
        west = zero if west < zero else west
        south[i] = np.float32(row - np.float64(north))
        east[i] = np.float32(col - np.float64(west))
        node[i] = np.uint32(north * cols + west)


@sampling_kernel
def _sample(
    ground: SingleArray, clutter: SingleArray, has_clutter: bool, cols: int, room: Scratch, n: int, base: np.float32
) -> bool:
    """Bilinear ground and clutter at the located points; false when the path touches unknown ground."""
    h, g = room.ground_m, room.raised_m
    total = np.float32(0.0)
    one = np.uint64(1)
    for i in range(1, n):
        k = np.uint64(room.node[i])
        below = np.uint64(k + np.uint64(cols))
        south, east = room.south[i], room.east[i]
        upper = (ground[k] - base) + east * (ground[k + one] - ground[k])
        lower = (ground[below] - base) + east * (ground[below + one] - ground[below])
        height = upper + south * (lower - upper)
        h[i] = height
        if has_clutter:
            upper = clutter[k] + east * (clutter[k + one] - clutter[k])
            lower = clutter[below] + east * (clutter[below + one] - clutter[below])
            height += upper + south * (lower - upper)
        g[i] = height
        total += height
    return not math.isnan(total)


@compiled
def _cubic(f0: float, f1: float, f2: float, f3: float) -> _Cubic:
    """Coefficients of the cubic through four values at 0, 1/3, 2/3 and 1."""
    return (
        f0,
        0.5 * (-11.0 * f0 + 18.0 * f1 - 9.0 * f2 + 2.0 * f3),
        4.5 * (2.0 * f0 - 5.0 * f1 + 4.0 * f2 - f3),
        4.5 * (f3 - f0 + 3.0 * (f1 - f2)),
    )


@compiled
def _column(grid: KernelGrid, longitude_deg: float) -> float:
    east_deg = longitude_deg - grid.west_deg
    if east_deg < -180.0:
        east_deg += 360.0
    return east_deg / grid.step_lon_deg


@compiled
def sampled(
    grid: KernelGrid, room: Scratch, places: EarthPoints, i: int, receivers: EarthPoints, j: int, length_m: float,
    n: int,
) -> bool:  # fmt: skip
    """Sample the path into ``room``; false when it leaves the grid or touches unknown ground."""
    lat_1, lon_1, lat_2, lon_2 = third_points_deg(places, i, receivers, j, length_m)
    r0 = (grid.north_deg - places.latitude_deg[i]) / grid.step_lat_deg
    r1 = (grid.north_deg - lat_1) / grid.step_lat_deg
    r2 = (grid.north_deg - lat_2) / grid.step_lat_deg
    r3 = (grid.north_deg - receivers.latitude_deg[j]) / grid.step_lat_deg
    c0 = _column(grid, places.longitude_deg[i])
    c1, c2 = _column(grid, lon_1), _column(grid, lon_2)
    c3 = _column(grid, receivers.longitude_deg[j])
    north, south = min(r0, r1, r2, r3), max(r0, r1, r2, r3)
    west, east = min(c0, c1, c2, c3), max(c0, c1, c2, c3)
    if not (north >= 0.0 and west >= 0.0 and south <= grid.rows - 1 and east <= grid.cols - 1):
        return False
    # between its four points the curve may bulge by a fraction of a cell: one row and one column to spare
    row, col = max(int(north) - 1, 0), max(int(west) - 1, 0)
    _locate(
        room, n, _cubic(r0 - row, r1 - row, r2 - row, r3 - row), _cubic(c0 - col, c1 - col, c2 - col, c3 - col),
        np.int32(grid.cols), np.int32(grid.rows - 2 - row), np.int32(grid.cols - 2 - col),
    )  # fmt: skip
    first, base = row * grid.cols + col, np.float32(places.height_m[i])
    return _sample(grid.ground_m[first:], grid.clutter_m[first:], grid.has_clutter, grid.cols, room, n, base)


@compiled
def open_road(room: Scratch, n: int, step_m: float, open_m: float, road_m: np.float32) -> None:
    """The road's own cross-section is open: no clutter there, and no ground above the road."""
    i = n - 1
    while i > 0 and (n - i) * step_m < open_m:
        room.ground_m[i] = min(room.ground_m[i], road_m)
        room.raised_m[i] = room.ground_m[i]
        i -= 1


@compiled
def ground_at_m(grid: KernelGrid, latitude_deg: float, longitude_deg: float) -> float:
    """Bare ground above sea level at one place; NaN off the grid and next to unknown ground."""
    row, col = (grid.north_deg - latitude_deg) / grid.step_lat_deg, _column(grid, longitude_deg)
    if not (0.0 <= row <= grid.rows - 1 and 0.0 <= col <= grid.cols - 1):
        return math.nan
    north, west = min(int(row), grid.rows - 2), min(int(col), grid.cols - 2)
    south, east, k = row - north, col - west, north * grid.cols + west
    below = k + grid.cols
    upper = (1.0 - east) * grid.ground_m[k] + east * grid.ground_m[k + 1]
    lower = (1.0 - east) * grid.ground_m[below] + east * grid.ground_m[below + 1]
    height_m: float = (1.0 - south) * upper + south * lower
    return height_m
