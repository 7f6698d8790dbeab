"""One path in a single pass: ground sampling, delta-Bullington diffraction and free space, for all heights of a mast.

The same quantities as in `trassa.radio.diffraction`, arranged for speed. Samples are float32 and relative to the
ground at the mast, distances count in profile steps, everything that does not depend on the mast's height is found
once, and the smooth path, whose profile is zero, is solved by its shape instead of point by point.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled, fast_kernel, larger, sampling_kernel
from trassa.radio.diffraction import free_space_loss_db, knife_edge_loss_db
from trassa.radio.path_geometry import EarthPoints, geodesic_m, third_points_deg
from trassa.radio.smooth_path import bullington_db, edge_nu, smooth_bullington_db
from trassa.radio.spherical_earth import spherical_earth_loss_db, wavelength_m

__all__ = ["KernelGrid", "Physics", "Scratch", "path_losses_db", "scratch"]

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
_Cubic = tuple[np.float32, np.float32, np.float32, np.float32]


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


class Physics(NamedTuple):
    """What a path loss depends on besides the path."""

    frequency_ghz: float
    earth_radius_km: float
    receiver_antenna_m: float
    vertical: bool
    profile_step_m: float
    open_road_m: float = 0.0
    """Nearer to the receiver than this nothing stands above the road."""


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
    share, zero = np.float32(1.0) / np.float32(n), np.int32(0)
    node, south, east = room.node, room.south, room.east
    for i in range(1, n):
        t = np.float32(i) * share
        row = r[0] + t * (r[1] + t * (r[2] + t * r[3]))
        col = c[0] + t * (c[1] + t * (c[2] + t * c[3]))
        north, west = np.int32(row), np.int32(col)
        north = last_row if north > last_row else north
        west = last_col if west > last_col else west
        north = zero if north < zero else north
        west = zero if west < zero else west
        south[i] = row - np.float32(north)
        east[i] = col - np.float32(west)
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
        upper = ground[k] - base
        upper += east * (ground[k + one] - base - upper)
        lower = ground[below] - base
        lower += east * (ground[below + one] - base - lower)
        height = upper + south * (lower - upper)
        h[i] = height
        if has_clutter:
            upper = clutter[k] + east * (clutter[k + one] - clutter[k])
            lower = clutter[below] + east * (clutter[below + one] - clutter[below])
            height += upper + south * (lower - upper)
        g[i] = height
        total += height
    return not math.isnan(total)


@fast_kernel
def _from_receiver(
    h: SingleArray, g: SingleArray, inverse: SingleArray, n: int, bulge: np.float32, hrs: np.float32
) -> tuple[float, float, float, float]:
    """(Σh, Σi·h, S_rim, max (h − h_rs) per step): all that no mast height changes. Adds the Earth's bulge to ``g``."""
    total = moment = np.float32(0.0)
    srim = alpha_r = np.float32(-np.inf)
    for i in range(1, n):
        place = np.float32(i)
        to_end = np.float32(n - i)
        height = h[i]
        raised = g[i] + bulge * place * to_end
        g[i] = raised
        total += height
        moment += place * height
        srim = larger(srim, (raised - hrs) * inverse[n - i])
        alpha_r = larger(alpha_r, (height - hrs) * inverse[n - i])
    return float(total), float(moment), float(srim), float(alpha_r)


@fast_kernel
def _from_mast(
    h: SingleArray, g: SingleArray, inverse: SingleArray, n: int, hts: np.float32, slope: np.float32
) -> tuple[float, float, float]:
    """(S_tim, max (h − h_ts) per step, h_obs) for one antenna height."""
    stim = alpha_t = hobs = np.float32(-np.inf)
    for i in range(1, n):
        above = h[i] - hts
        stim = larger(stim, (g[i] - hts) * inverse[i])
        alpha_t = larger(alpha_t, above * inverse[i])
        hobs = larger(hobs, above - slope * np.float32(i))
    return float(stim), float(alpha_t), float(hobs)


@fast_kernel
def _clear_nu(g: SingleArray, n: int, hts: np.float32, slope: np.float32) -> float:
    """Largest ν of a path in line of sight, but for the factor that all its points share."""
    nu = np.float32(-np.inf)
    for i in range(1, n):
        place = np.float32(i)
        nu = larger(nu, (g[i] - hts - slope * place) / np.sqrt(place * np.float32(n - i)))
    return float(nu)


@compiled
def _cubic(f0: float, f1: float, f2: float, f3: float) -> _Cubic:
    """Coefficients of the cubic through four values at 0, 1/3, 2/3 and 1."""
    return (
        np.float32(f0),
        np.float32(0.5 * (-11.0 * f0 + 18.0 * f1 - 9.0 * f2 + 2.0 * f3)),
        np.float32(4.5 * (2.0 * f0 - 5.0 * f1 + 4.0 * f2 - f3)),
        np.float32(4.5 * (f3 - f0 + 3.0 * (f1 - f2))),
    )


@compiled
def _column(grid: KernelGrid, longitude_deg: float) -> float:
    east_deg = longitude_deg - grid.west_deg
    if east_deg < -180.0:
        east_deg += 360.0
    return east_deg / grid.step_lon_deg


@compiled
def _profile(
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
def _open_road(room: Scratch, n: int, step_m: float, open_m: float, road_m: np.float32) -> None:
    """The road's own cross-section is open: no clutter there, and no ground above the road."""
    i = n - 1
    while i > 0 and (n - i) * step_m < open_m:
        room.ground_m[i] = min(room.ground_m[i], road_m)
        room.raised_m[i] = room.ground_m[i]
        i -= 1


@compiled
def path_losses_db(
    grid: KernelGrid, physics: Physics, room: Scratch, places: EarthPoints, i: int, heights_m: FloatArray,
    receivers: EarthPoints, j: int, losses_db: SingleArray,
) -> None:  # fmt: skip
    """Losses of one path in dB into ``losses_db`` (heights,): infinite for NaN heights and unknown ground."""
    losses_db[:] = np.inf
    length_m = max(geodesic_m(places, i, receivers, j), 1.0)
    n = max(4, math.ceil(length_m / physics.profile_step_m))
    base = float(np.float32(places.height_m[i]))
    h_0, h_n = places.height_m[i] - base, receivers.height_m[j] - base
    if math.isnan(h_0) or math.isnan(h_n) or not _profile(grid, room, places, i, receivers, j, length_m, n):
        return
    _open_road(room, n, length_m / n, physics.open_road_m, np.float32(h_n))
    distance_km = 0.001 * length_m
    bulge = 500.0 / physics.earth_radius_km * (distance_km / n) ** 2
    hrs = h_n + physics.receiver_antenna_m
    total, moment, srim, alpha_r = _from_receiver(
        room.ground_m, room.raised_m, room.inverse, n, np.float32(bulge), np.float32(hrs)
    )
    v1 = 2.0 * total + h_0 + h_n
    v2 = 6.0 * moment + h_0 + (3.0 * n - 1.0) * h_n
    ends = (h_0, h_n, (2.0 * v1 * n - v2) / n**2, (v2 - v1 * n) / n**2)
    for k in range(len(heights_m)):
        if not math.isnan(heights_m[k]):
            hts = h_0 + heights_m[k]
            loss_db = _diffraction_db(physics, room, n, distance_km, hts, hrs, srim, alpha_r, ends)
            losses_db[k] = loss_db + free_space_loss_db(physics.frequency_ghz, distance_km, hts - hrs)


@compiled
def _diffraction_db(
    physics: Physics, room: Scratch, n: int, distance_km: float, hts: float, hrs: float, srim: float, alpha_r: float,
    ends: tuple[float, float, float, float],
) -> float:  # fmt: skip
    """L_d50 for one antenna height; ``ends`` are h_0, h_n, h_st and h_sr above the base."""
    h_0, h_n, hst, hsr = ends
    ghz, radius_km = physics.frequency_ghz, physics.earth_radius_km
    slope = (hrs - hts) / n
    h, g = room.ground_m, room.raised_m
    stim, alpha_t, hobs = _from_mast(h, g, room.inverse, n, np.float32(hts), np.float32(slope))
    if stim >= slope:
        nu = edge_nu(hts, hrs, stim, srim, n)
    else:
        nu = _clear_nu(g, n, np.float32(hts), np.float32(slope))
    factor = math.sqrt(0.002 * n * n / (wavelength_m(ghz) * distance_km))
    actual_db = bullington_db(knife_edge_loss_db(nu * factor), distance_km)
    if hobs > 0.001:  # below a millimetre the slopes are single-precision noise
        above_t, above_r = alpha_t - slope, alpha_r + slope
        hst -= hobs * above_t / (above_t + above_r)
        hsr -= hobs * above_r / (above_t + above_r)
    ht, hr = hts - min(hst, h_0), hrs - min(hsr, h_n)
    sphere_db = spherical_earth_loss_db(distance_km, ht, hr, radius_km, ghz, 0.0, physics.vertical)
    if sphere_db <= 0.0:
        return actual_db
    return actual_db + max(sphere_db - smooth_bullington_db(ht, hr, n, distance_km, radius_km, ghz), 0.0)
