"""One path by the book: geodesic by geodesic, float64, no shortcuts. What the fast path is measured against."""

from __future__ import annotations

import math

import numpy as np
import pyproj

from trassa.radio.diffraction import diffraction, free_space_loss_db, median_earth_radius_km
from trassa.radio.links import SMOOTH_PROFILE_STEP_M
from trassa.radio.settings import RadioSettings
from trassa.road.ground import GroundGrid

__all__ = ["reference_loss_db", "smooth_reference_loss_db"]

_WGS84 = pyproj.Geod(ellps="WGS84")


def reference_loss_db(
    grid: GroundGrid,
    mast: tuple[float, float, float, float],
    receiver: tuple[float, float, float],
    settings: RadioSettings,
) -> float:
    """Median path loss in dB between a mast (latitude, longitude, ground, height) and a place on the road.

    ``receiver`` is latitude, longitude and the height of the road's surface. Infinite where ground is unknown.
    """
    latitude_deg, longitude_deg, mast_ground_m, height_m = mast
    length_m = _WGS84.inv(longitude_deg, latitude_deg, receiver[1], receiver[0])[2]
    intervals = max(4, math.ceil(length_m / grid.profile_step_m))
    ends = (longitude_deg, latitude_deg, receiver[1], receiver[0])
    way = _WGS84.inv_intermediate(*ends, npts=intervals + 1, initial_idx=0, terminus_idx=0, return_back_azimuth=False)
    ground_m, clutter_m = grid.sample(np.array(way.lats), np.array(way.lons))
    open_road = length_m * (1.0 - np.arange(intervals + 1) / intervals) < grid.open_road_m
    ground_m[open_road] = np.minimum(ground_m[open_road], receiver[2])
    clutter_m[open_road] = 0.0
    ground_m[0], ground_m[-1] = mast_ground_m, receiver[2]
    clutter_m[0] = clutter_m[-1] = 0.0
    if not np.isfinite(ground_m).all():
        return math.inf
    hts_m, hrs_m = mast_ground_m + height_m, receiver[2] + settings.vehicle_antenna_m
    frequency_ghz = 0.001 * settings.frequency_mhz
    loss = diffraction(
        np.linspace(0.0, 0.001 * length_m, intervals + 1),
        ground_m,
        clutter_m,
        hts_m=hts_m,
        hrs_m=hrs_m,
        frequency_ghz=frequency_ghz,
        earth_radius_km=median_earth_radius_km(settings.dn_per_km),
    )
    return free_space_loss_db(frequency_ghz, 0.001 * length_m, hts_m - hrs_m) + loss.loss_db


def smooth_reference_loss_db(distance_m: float, height_m: float, settings: RadioSettings) -> float:
    """Median path loss in dB over a smooth Earth of zero height, point by point."""
    intervals = max(4, math.ceil(distance_m / SMOOTH_PROFILE_STEP_M))
    level = np.zeros(intervals + 1)
    frequency_ghz, distance_km = 0.001 * settings.frequency_mhz, 0.001 * distance_m
    loss = diffraction(
        np.linspace(0.0, distance_km, intervals + 1),
        level,
        level,
        hts_m=height_m,
        hrs_m=settings.vehicle_antenna_m,
        frequency_ghz=frequency_ghz,
        earth_radius_km=median_earth_radius_km(settings.dn_per_km),
    )
    return free_space_loss_db(frequency_ghz, distance_km, height_m - settings.vehicle_antenna_m) + loss.loss_db
