"""One path by the book: geodesic by geodesic, float64, no shortcuts. What the fast path is measured against."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.radio.diffraction import diffraction, free_space_loss_db, median_earth_radius_km
from trassa.radio.settings import RadioSettings
from trassa.road.ground import GroundGrid

__all__ = ["bilinear", "reference_loss_db"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = pyproj.Geod(ellps="WGS84")


def bilinear(
    grid: GroundGrid, heights_m: npt.NDArray[np.float32], latitude_deg: FloatArray, longitude_deg: FloatArray
) -> FloatArray:
    """Heights of one of the grid's arrays at places, bilinear; NaN off the grid and beside unknown nodes."""
    row = (grid.north_deg - latitude_deg) / grid.step_lat_deg
    col = (longitude_deg - grid.west_deg) / grid.step_lon_deg
    rows, cols = heights_m.shape
    inside = (row >= 0) & (row <= rows - 1) & (col >= 0) & (col <= cols - 1)
    r = np.clip(np.nan_to_num(np.floor(row)), 0, rows - 2).astype(np.int64)
    c = np.clip(np.nan_to_num(np.floor(col)), 0, cols - 2).astype(np.int64)
    down, right = row - r, col - c
    north = (1 - right) * heights_m[r, c] + right * heights_m[r, c + 1]
    south = (1 - right) * heights_m[r + 1, c] + right * heights_m[r + 1, c + 1]
    return np.where(inside, (1 - down) * north + down * south, np.nan)


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
    way = _WGS84.inv_intermediate(
        longitude_deg, latitude_deg, receiver[1], receiver[0], npts=intervals + 1, initial_idx=0, terminus_idx=0
    )
    latitudes, longitudes = np.array(way.lats, dtype=np.float64), np.array(way.lons, dtype=np.float64)
    ground_m = bilinear(grid, grid.ground_m, latitudes, longitudes)
    clutter_m = bilinear(grid, grid.clutter_m, latitudes, longitudes)
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
