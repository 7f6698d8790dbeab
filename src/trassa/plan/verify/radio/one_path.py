"""One path after another, compiled: profile points on the great ellipse, native heights, the reference kernel.

Nearer than 250 m to its mast a receiver gets the loss that P.1812 gives at 250 m on the same bearing, less what the
rural macro cell of TR 38.901 loses between the two, and never less than free space.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from trassa.plan.verify.radio.woods import Woods, woods_along
from trassa.plan.verify.sampler import Tiles, heights_along
from trassa.radio.diffraction import free_space_loss_db
from trassa.radio.p1812 import Climate, Terminals, transmission_loss
from trassa.radio.p1812 import Wave as Signal
from trassa.radio.path_properties import INLAND
from trassa.radio.rural_macro import rural_macro_db, rural_macro_los_db

__all__ = ["FREE_SPACE", "P1812", "RURAL_MACRO", "Ends", "Mast", "Wave", "smooth_losses_db", "terrain_losses_db"]

P1812, RURAL_MACRO, FREE_SPACE = 0, 1, 2
_NEAR_M = 250.0
_SAME_PLACE_M = 1e-3
_SMOOTH_LATITUDE_DEG = 50.0

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
    """What is sent, through what air, and how finely a path is looked at."""

    frequency_ghz: float
    dn_per_km: float
    n0: float
    receiver_antenna_m: float
    profile_step_m: float
    model: int
    vertical: bool = True
    time_percent: float = 50.0
    open_road_m: float = 0.0


class _Profile(NamedTuple):
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    distance_km: FloatArray
    ground_m: FloatArray
    covered_m: FloatArray
    zone: npt.NDArray[np.int8]


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
def _modelled_db(profile: _Profile, n: int, antenna_m: float, wave: Wave, latitude_deg: float) -> float:
    """The loss over the profile of ``n`` intervals by the model that is asked for."""
    d, h, g = profile.distance_km[: n + 1], profile.ground_m[: n + 1], profile.covered_m[: n + 1]
    rise_m = h[0] + antenna_m - h[n] - wave.receiver_antenna_m
    if wave.model == FREE_SPACE:
        return free_space_loss_db(wave.frequency_ghz, d[n], rise_m)
    if wave.model == RURAL_MACRO:
        radius_km = 6371.0 * 157.0 / (157.0 - wave.dn_per_km)
        clear = True
        for i in range(1, n):
            line_m = h[n] + wave.receiver_antenna_m + rise_m * (1.0 - d[i] / d[n])
            clear = clear and g[i] + 500.0 * d[i] * (d[n] - d[i]) / radius_km < line_m
        return rural_macro_db(1000.0 * d[n], antenna_m, wave.receiver_antenna_m, wave.frequency_ghz, clear)
    signal = Signal(wave.frequency_ghz, wave.time_percent, 50.0, 0.0, wave.vertical)
    ends = Terminals(antenna_m, wave.receiver_antenna_m, 500.0, 500.0)
    air = Climate(wave.dn_per_km, wave.n0, latitude_deg)
    return transmission_loss(d, h, g, profile.zone[: n + 1], ends, signal, air).lb_db


@numba.njit(cache=True, nogil=True)
def _near_mast_db(edge_db: float, distance_m: float, antenna_m: float, rise_m: float, wave: Wave) -> float:
    """The loss nearer than 250 m, from that at 250 m."""
    ghz, receiver_m = wave.frequency_ghz, wave.receiver_antenna_m
    nearer_db = rural_macro_los_db(distance_m, antenna_m, receiver_m, ghz)
    nearer_db -= rural_macro_los_db(_NEAR_M, antenna_m, receiver_m, ghz)
    return max(free_space_loss_db(ghz, 0.001 * distance_m, rise_m), edge_db + nearer_db)


@numba.njit(cache=True, nogil=True)
def _beyond(mast: Mast, ends: Ends, k: int) -> tuple[float, float]:
    """Latitude and longitude 250 m from the mast towards a nearer receiver, to the north where it has no direction."""
    if ends.distance_m[k] <= _SAME_PLACE_M or (
        mast.latitude_deg == ends.latitude_deg[k] and mast.longitude_deg == ends.longitude_deg[k]
    ):
        return mast.latitude_deg + _NEAR_M / 111_200.0, mast.longitude_deg
    x0, y0, z0 = _direction(mast.latitude_deg, mast.longitude_deg)
    xn, yn, zn = _direction(ends.latitude_deg[k], ends.longitude_deg[k])
    far = _NEAR_M / ends.distance_m[k]
    # so near the chord and the arc are one: the direction runs on straight
    return _place(x0 + far * (xn - x0), y0 + far * (yn - y0), z0 + far * (zn - z0))


@numba.njit(cache=True, nogil=True)
def _over_ground_db(
    room: _Profile,
    mast: Mast,
    ends: Ends,
    k: int,
    tiles: Tiles,
    woods: Woods,
    wave: Wave,
    hint: int,
    open_road_m: float,
) -> tuple[float, int]:
    """Loss of one path by the model, and the last tile; infinite and −1 where ground is unknown."""
    n = min(max(4, math.ceil(ends.distance_m[k] / wave.profile_step_m)), _LONGEST_PROFILE - 1)
    known = _fill(room, n, mast, ends, k, tiles, woods, hint)
    if known < 0:
        return math.inf, known
    d, h, g = room.distance_km, room.ground_m, room.covered_m
    for i in range(1, n):
        if ends.distance_m[k] * (1.0 - i / n) < open_road_m:
            h[i] = min(h[i], ends.height_m[k])
            g[i] = h[i]
    d[0], h[0], g[0] = 0.0, mast.ground_m, mast.ground_m
    d[n], h[n], g[n] = 0.001 * ends.distance_m[k], ends.height_m[k], ends.height_m[k]
    middle_deg = 0.5 * (mast.latitude_deg + ends.latitude_deg[k])
    return _modelled_db(room, n, mast.antenna_m, wave, middle_deg), known


@numba.njit(cache=True, nogil=True)
def terrain_losses_db(mast: Mast, ends: Ends, tiles: Tiles, woods: Woods, wave: Wave) -> FloatArray:
    """Path losses in dB from a mast to each end; infinite where ground is unknown."""
    losses = np.full(len(ends.distance_m), np.inf)
    if math.isnan(mast.ground_m):
        return losses
    new = np.empty((5, _LONGEST_PROFILE))
    room = _Profile(new[0], new[1], new[2], new[3], new[4], np.full(_LONGEST_PROFILE, INLAND, np.int8))
    spot, hint = np.empty(1), 0
    for k in range(len(ends.distance_m)):
        if math.isnan(ends.height_m[k]):
            continue
        if wave.model != P1812 or ends.distance_m[k] >= _NEAR_M:
            losses[k], known = _over_ground_db(room, mast, ends, k, tiles, woods, wave, hint, wave.open_road_m)
            hint = max(known, 0)
            continue
        lat, lon = _beyond(mast, ends, k)
        known = heights_along(np.array([lat]), np.array([lon]), tiles, spot, hint)
        if known < 0:
            continue
        edge = Ends(np.array([lat]), np.array([lon]), spot, np.array([_NEAR_M]))
        edge_db, known = _over_ground_db(room, mast, edge, 0, tiles, woods, wave, known, 0.0)
        hint = max(known, 0)
        if known >= 0:
            rise_m = mast.ground_m + mast.antenna_m - ends.height_m[k] - wave.receiver_antenna_m
            losses[k] = _near_mast_db(edge_db, ends.distance_m[k], mast.antenna_m, rise_m, wave)
    return losses


@numba.njit(cache=True, nogil=True)
def smooth_losses_db(distance_m: FloatArray, antenna_m: float, wave: Wave) -> FloatArray:
    """The same over a smooth Earth at sea level, by distance alone."""
    losses = np.empty(len(distance_m))
    for k in range(len(distance_m)):
        near = wave.model == P1812 and distance_m[k] < _NEAR_M
        length_m = _NEAR_M if near else distance_m[k]
        n = max(4, math.ceil(length_m / wave.profile_step_m))
        d, flat = 0.001 * length_m * np.arange(n + 1) / n, np.zeros(n + 1)
        profile = _Profile(flat, flat, d, flat, flat, np.full(n + 1, INLAND, np.int8))
        losses[k] = _modelled_db(profile, n, antenna_m, wave, _SMOOTH_LATITUDE_DEG)
        if near:
            losses[k] = _near_mast_db(losses[k], distance_m[k], antenna_m, antenna_m - wave.receiver_antenna_m, wave)
    return losses
