"""One path after another, compiled: profile points on the great ellipse, native heights, the reference kernel."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from trassa.plan.verify.sampler import Tiles, heights_along
from trassa.plan.verify.woods import Woods, woods_along
from trassa.radio.diffraction import diffraction_loss_db, free_space_loss_db

__all__ = ["Ends", "Mast", "Wave", "smooth_losses_db", "terrain_losses_db"]

FloatArray = npt.NDArray[np.float64]
_LONGEST_PROFILE = 65_536
_TURNED = 8
_ECCENTRICITY_SQUARED = 0.0066943799901413165


class Mast(NamedTuple):
    """The transmitting end: degrees, the antenna's height above the ground, the ground's above the sea, in metres."""

    latitude_deg: float
    longitude_deg: float
    antenna_m: float
    ground_m: float


class Ends(NamedTuple):
    """The receiving ends and the distances to them, shape (n,) each; ``height_m`` is the carriageway's."""

    latitude_deg: FloatArray
    longitude_deg: FloatArray
    height_m: FloatArray
    distance_m: FloatArray


class Wave(NamedTuple):
    """What is sent, over what Earth, and how finely a path is looked at."""

    frequency_ghz: float
    earth_radius_km: float
    receiver_antenna_m: float
    profile_step_m: float
    open_road_m: float = 0.0


class _Profile(NamedTuple):
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    distance_km: FloatArray
    ground_m: FloatArray
    covered_m: FloatArray


@numba.njit(cache=True, nogil=True)
def _direction(latitude_deg: float, longitude_deg: float) -> tuple[float, float, float]:
    """Earth-centred direction of the point on the ellipsoid with that geodetic latitude."""
    lat, lon = math.radians(latitude_deg), math.radians(longitude_deg)
    z = (1.0 - _ECCENTRICITY_SQUARED) * math.sin(lat)
    p = math.cos(lat)
    size = math.sqrt(z * z + p * p)
    return p * math.cos(lon) / size, p * math.sin(lon) / size, z / size


@numba.njit(cache=True, nogil=True)
def _place(x: float, y: float, z: float) -> tuple[float, float]:
    """Geodetic latitude and longitude in degrees of an Earth-centred direction."""
    lat = math.atan2(z, (1.0 - _ECCENTRICITY_SQUARED) * math.sqrt(x * x + y * y))
    return math.degrees(lat), math.degrees(math.atan2(y, x))


@numba.njit(cache=True, nogil=True)
def _fill(profile: _Profile, n: int, mast: Mast, ends: Ends, k: int, tiles: Tiles, woods: Woods, hint: int) -> int:
    """Fill the inner points of a profile of ``n`` equal intervals; gives the last tile, −1 where ground is unknown."""
    _lay(profile.latitude_deg, profile.longitude_deg, n, mast, ends, k)
    lat, lon = profile.latitude_deg[1:n], profile.longitude_deg[1:n]
    hint = heights_along(lat, lon, tiles, profile.ground_m[1:n], hint)
    if hint >= 0:
        woods_along(lat, lon, woods, profile.covered_m[1:n])
        per_step = 0.001 * ends.distance_m[k] / n
        for i in range(1, n):
            profile.distance_km[i] = per_step * i
            profile.covered_m[i] += profile.ground_m[i]
    return hint


@numba.njit(cache=True, nogil=True)
def _lay(lat: FloatArray, lon: FloatArray, n: int, mast: Mast, ends: Ends, k: int) -> None:
    """Points at equal turns in the plane of both ends.

    Every eighth is turned; those between lie on the straight line in latitude and longitude, a millimetre off for
    steps of 30 m.
    """
    x0, y0, z0 = _direction(mast.latitude_deg, mast.longitude_deg)
    xn, yn, zn = _direction(ends.latitude_deg[k], ends.longitude_deg[k])
    angle = 2.0 * math.asin(math.sqrt((xn - x0) ** 2 + (yn - y0) ** 2 + (zn - z0) ** 2) / 2.0)
    size = math.sin(angle) if angle > 0.0 else 1.0
    lat_a, lon_a = mast.latitude_deg, mast.longitude_deg
    for first in range(0, n, _TURNED):
        last = min(first + _TURNED, n)
        near, far = math.sin(angle * (1.0 - last / n)) / size, math.sin(angle * last / n) / size
        lat_b, lon_b = _place(near * x0 + far * xn, near * y0 + far * yn, near * z0 + far * zn)
        for i in range(first, last):
            share = (i - first) / (last - first)
            lat[i], lon[i] = lat_a + (lat_b - lat_a) * share, lon_a + (lon_b - lon_a) * share
        lat_a, lon_a = lat_b, lon_b


@numba.njit(cache=True, nogil=True)
def terrain_losses_db(mast: Mast, ends: Ends, tiles: Tiles, woods: Woods, wave: Wave) -> FloatArray:
    """Median path losses in dB from a mast to each end; infinite where ground is unknown."""
    losses = np.full(len(ends.distance_m), np.inf)
    mast_m, hint = mast.ground_m, 0
    if math.isnan(mast_m):
        return losses
    new = np.empty((5, _LONGEST_PROFILE))
    room = _Profile(new[0], new[1], new[2], new[3], new[4])
    d, h, g = room.distance_km, room.ground_m, room.covered_m
    for k in range(len(ends.distance_m)):
        if math.isnan(ends.height_m[k]):
            continue
        n = min(max(4, math.ceil(ends.distance_m[k] / wave.profile_step_m)), _LONGEST_PROFILE - 1)
        known = _fill(room, n, mast, ends, k, tiles, woods, hint)
        if known < 0:
            continue
        hint = known
        for i in range(1, n):
            if ends.distance_m[k] * (1.0 - i / n) < wave.open_road_m:
                h[i] = min(h[i], ends.height_m[k])
                g[i] = h[i]
        d[0], h[0], g[0] = 0.0, mast_m, mast_m
        d[n], h[n], g[n] = 0.001 * ends.distance_m[k], ends.height_m[k], ends.height_m[k]
        hts, hrs = mast_m + mast.antenna_m, ends.height_m[k] + wave.receiver_antenna_m
        profile = (d[: n + 1], h[: n + 1], g[: n + 1])
        over = diffraction_loss_db(
            profile[0], profile[1], profile[2], hts, hrs, wave.earth_radius_km, wave.frequency_ghz, 0.0, True
        )
        losses[k] = free_space_loss_db(wave.frequency_ghz, d[n], hts - hrs) + over
    return losses


@numba.njit(cache=True, nogil=True)
def smooth_losses_db(distance_m: FloatArray, antenna_m: float, wave: Wave) -> FloatArray:
    """The same over a smooth Earth at sea level, by distance alone."""
    losses = np.empty(len(distance_m))
    for k in range(len(distance_m)):
        n = max(4, math.ceil(distance_m[k] / wave.profile_step_m))
        d = 0.001 * distance_m[k] * np.arange(n + 1) / n
        flat = np.zeros(n + 1)
        over = diffraction_loss_db(
            d, flat, flat, antenna_m, wave.receiver_antenna_m, wave.earth_radius_km, wave.frequency_ghz, 0.0, True
        )
        losses[k] = free_space_loss_db(wave.frequency_ghz, d[n], antenna_m - wave.receiver_antenna_m) + over
    return losses
