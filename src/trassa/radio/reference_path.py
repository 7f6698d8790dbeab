"""One path by the book: geodesic by geodesic, float64, no shortcuts. What the fast path is measured against."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.radio.diffraction import free_space_loss_db, median_earth_radius_km
from trassa.radio.links import SMOOTH_PROFILE_STEP_M
from trassa.radio.p1812 import Climate, Terminals, Wave, transmission_loss
from trassa.radio.path_properties import INLAND, path_centre_latitude_deg
from trassa.radio.rural_macro import rural_macro_db, rural_macro_los_db
from trassa.radio.settings import RadioSettings
from trassa.road.ground import GroundGrid

__all__ = ["reference_loss_db", "smooth_reference_loss_db"]

FloatArray = npt.NDArray[np.float64]
_Mast = tuple[float, float, float, float]
_Receiver = tuple[float, float, float]

_WGS84 = pyproj.Geod(ellps="WGS84")
_P1812_FROM_M = 250.0
_SAME_PLACE_M = 1e-3


def reference_loss_db(
    grid: GroundGrid, mast: _Mast, receiver: _Receiver, settings: RadioSettings, time_percent: float = 50.0
) -> float:
    """Path loss in dB, not exceeded for ``time_percent``, between a mast and a place on the road.

    ``mast`` is latitude, longitude, ground and height, ``receiver`` latitude, longitude and the height of the road's
    surface. Infinite where ground is unknown or the model has no link.
    """
    latitude_deg, longitude_deg, mast_ground_m, height_m = mast
    azimuth_deg, _, length_m = _WGS84.inv(longitude_deg, latitude_deg, receiver[1], receiver[0])
    if settings.propagation != "p1812" or length_m >= _P1812_FROM_M:
        return _over_ground_db(grid, mast, receiver, max(length_m, 1.0), grid.open_road_m, settings, time_percent)
    if length_m < _SAME_PLACE_M:
        azimuth_deg = 0.0
    there = _WGS84.fwd(longitude_deg, latitude_deg, azimuth_deg, _P1812_FROM_M)[:2]
    spot = (there[1], there[0], float(grid.sample(there[1], there[0])[0]))
    edge_db = _over_ground_db(grid, mast, spot, _P1812_FROM_M, 0.0, settings, time_percent)
    rise_m = mast_ground_m + height_m - receiver[2] - settings.vehicle_antenna_m
    return _near_mast_db(max(length_m, 1.0), height_m, rise_m, edge_db, settings)


def smooth_reference_loss_db(
    distance_m: float,
    height_m: float,
    settings: RadioSettings,
    time_percent: float = 50.0,
    latitude_deg: float = 50.0,
) -> float:
    """Path loss in dB, not exceeded for ``time_percent``, over a smooth Earth of zero height, point by point."""
    length_m = max(distance_m, 1.0)
    near = settings.propagation == "p1812" and length_m < _P1812_FROM_M
    profile_m = _P1812_FROM_M if near else length_m
    intervals = max(4, math.ceil(profile_m / SMOOTH_PROFILE_STEP_M))
    level = np.zeros(intervals + 1)
    distance_km = np.linspace(0.0, 0.001 * profile_m, intervals + 1)
    loss_db = _profile_loss_db(distance_km, level, level, height_m, latitude_deg, settings, time_percent)
    return (
        _near_mast_db(length_m, height_m, height_m - settings.vehicle_antenna_m, loss_db, settings) if near else loss_db
    )


def _near_mast_db(length_m: float, height_m: float, rise_m: float, edge_db: float, settings: RadioSettings) -> float:
    """The slope of the rural macro cell from P.1812's loss at 250 m, not below free space over the slant path."""
    ghz, receiver_m = 0.001 * settings.frequency_mhz, settings.vehicle_antenna_m
    nearer_db = rural_macro_los_db(length_m, height_m, receiver_m, ghz)
    nearer_db -= rural_macro_los_db(_P1812_FROM_M, height_m, receiver_m, ghz)
    return max(free_space_loss_db(ghz, 0.001 * length_m, rise_m), edge_db + nearer_db)


def _over_ground_db(
    grid: GroundGrid,
    mast: _Mast,
    receiver: _Receiver,
    length_m: float,
    open_road_m: float,
    settings: RadioSettings,
    time_percent: float,
) -> float:
    """Sample the geodesic point by point and evaluate the model; the receiver's own road is open ground."""
    latitude_deg, longitude_deg, mast_ground_m, height_m = mast
    intervals = max(4, math.ceil(length_m / grid.profile_step_m))
    ends = (longitude_deg, latitude_deg, receiver[1], receiver[0])
    way = _WGS84.inv_intermediate(*ends, npts=intervals + 1, initial_idx=0, terminus_idx=0, return_back_azimuth=False)
    ground_m, clutter_m = grid.sample(np.array(way.lats), np.array(way.lons))
    open_road = length_m * (1.0 - np.arange(intervals + 1) / intervals) < open_road_m
    ground_m[open_road] = np.minimum(ground_m[open_road], receiver[2])
    clutter_m[open_road] = 0.0
    ground_m[0], ground_m[-1] = mast_ground_m, receiver[2]
    needed_m = ground_m[[0, -1]] if settings.propagation == "free-space" else ground_m
    if not np.isfinite(needed_m).all():
        return math.inf
    middle_deg = path_centre_latitude_deg(latitude_deg, longitude_deg, receiver[0], receiver[1], 0.001 * length_m)
    distance_km = np.linspace(0.0, 0.001 * length_m, intervals + 1)
    return _profile_loss_db(distance_km, ground_m, clutter_m, height_m, middle_deg, settings, time_percent)


def _profile_loss_db(
    distance_km: FloatArray,
    ground_m: FloatArray,
    clutter_m: FloatArray,
    height_m: float,
    latitude_deg: float,
    settings: RadioSettings,
    time_percent: float,
) -> float:
    """Loss over an inland profile by the model of the settings; ``latitude_deg`` is that of the path's middle."""
    ghz, receiver_m = 0.001 * settings.frequency_mhz, settings.vehicle_antenna_m
    rise_m = float(ground_m[0]) + height_m - float(ground_m[-1]) - receiver_m
    if settings.propagation == "free-space":
        return free_space_loss_db(ghz, float(distance_km[-1]), rise_m)
    raised_m = ground_m + clutter_m
    raised_m[0], raised_m[-1] = ground_m[0], ground_m[-1]
    if settings.propagation == "tr38901-rma":
        clear = _line_is_clear(distance_km, raised_m, rise_m, settings)
        return rural_macro_db(1000.0 * float(distance_km[-1]), height_m, receiver_m, ghz, clear)
    zone = np.full(len(distance_km), INLAND, dtype=np.int8)
    wave = Wave(ghz, float(time_percent), 50.0, 0.0, settings.polarisation == "vertical")
    climate = Climate(settings.dn_per_km, settings.n0, float(latitude_deg))
    terminals = Terminals(float(height_m), receiver_m)
    return transmission_loss(distance_km, ground_m, raised_m, zone, terminals, wave, climate).lb_db


def _line_is_clear(distance_km: FloatArray, raised_m: FloatArray, rise_m: float, settings: RadioSettings) -> bool:
    """Whether the straight line between the antennas stays above the profile with the bulge of the median Earth."""
    inner_km, whole_km = distance_km[1:-1], distance_km[-1]
    line_m = raised_m[-1] + settings.vehicle_antenna_m + rise_m * (1.0 - inner_km / whole_km)
    bulge_m = 500.0 * inner_km * (whole_km - inner_km) / median_earth_radius_km(settings.dn_per_km)
    return bool((raised_m[1:-1] + bulge_m < line_m).all())
