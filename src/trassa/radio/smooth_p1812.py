"""Path loss over a smooth Earth of zero height, by every model: the points of a profile, without visiting them."""

from __future__ import annotations

import math

from trassa.radio.compiled import compiled
from trassa.radio.diffraction import BETA_EARTH_RADIUS_KM, free_space_loss_db
from trassa.radio.fast_p1812 import Physics, combined_loss_db
from trassa.radio.path_kernel import FREE_SPACE, NEAR_MAST_M, RURAL_MACRO, near_mast_db
from trassa.radio.path_properties import DuctingHeights, Horizon
from trassa.radio.rural_macro import rural_macro_db
from trassa.radio.smooth_path import smooth_edge_point, smooth_horizon, smooth_path_loss_db
from trassa.radio.time_variability import beta0_percent

__all__ = ["smooth_loss_db"]


@compiled
def smooth_loss_db(physics: Physics, distance_km: float, height_m: float, latitude_deg: float) -> float:
    """Loss in dB by the model of ``physics``; the receiver's antenna stands ``physics.receiver_antenna_m`` high."""
    receiver_m, ghz = physics.receiver_antenna_m, physics.frequency_ghz
    if physics.model == FREE_SPACE:
        return free_space_loss_db(ghz, distance_km, height_m - receiver_m)
    if physics.model == RURAL_MACRO:
        clear = _horizons(physics, distance_km, height_m)[1]
        return rural_macro_db(1000.0 * distance_km, height_m, receiver_m, ghz, clear)
    edge_km = 0.001 * NEAR_MAST_M
    loss_db = _p1812_db(physics, max(distance_km, edge_km), height_m, latitude_deg)
    if distance_km < edge_km:
        return near_mast_db(physics, distance_km, height_m, (0.0, 0.0), loss_db)
    return loss_db


@compiled
def _p1812_db(physics: Physics, distance_km: float, height_m: float, latitude_deg: float) -> float:
    receiver_m, ghz, step_m = physics.receiver_antenna_m, physics.frequency_ghz, physics.profile_step_m
    free_db = free_space_loss_db(ghz, distance_km, height_m - receiver_m)
    radius_km, vertical = physics.earth_radius_km, physics.vertical
    ld50 = smooth_path_loss_db(distance_km, height_m, receiver_m, step_m, radius_km, ghz, vertical) - free_db
    ldb = ld50
    if physics.time_percent < 50.0:
        radius_km = BETA_EARTH_RADIUS_KM
        ldb = smooth_path_loss_db(distance_km, height_m, receiver_m, step_m, radius_km, ghz, vertical) - free_db
    seen = _horizons(physics, distance_km, height_m)[0]
    heights = DuctingHeights(0.0, 0.0, height_m, receiver_m, 0.0)
    beta0 = beta0_percent(latitude_deg, distance_km, distance_km)
    return combined_loss_db(physics, distance_km, beta0, seen, heights, (free_db, ld50, ldb))


@compiled
def _horizons(physics: Physics, distance_km: float, height_m: float) -> tuple[Horizon, bool]:
    """What the antennas see, and whether that is each other."""
    receiver_m = physics.receiver_antenna_m
    n = max(4, math.ceil(1000.0 * distance_km / physics.profile_step_m))
    step_km = distance_km / n
    bulge = 500.0 / physics.earth_radius_km * step_km**2
    slope = (receiver_m - height_m) / n
    first, view_t = smooth_horizon(height_m, bulge, n)
    to_last, view_r = smooth_horizon(receiver_m, bulge, n)
    clear = view_t <= slope
    if clear:
        first = smooth_edge_point(height_m, receiver_m, bulge, n)
        to_last = n - first
        view_t, view_r = slope, -slope
    per_m = 0.001 / step_km
    theta_t = 1000.0 * math.atan(per_m * (view_t - bulge * n))
    theta_r = 1000.0 * math.atan(per_m * (view_r - bulge * n))
    theta = 1000.0 * distance_km / physics.earth_radius_km + theta_t + theta_r
    return Horizon(first * step_km, to_last * step_km, theta_t, theta_r, theta, first, n - to_last), clear
