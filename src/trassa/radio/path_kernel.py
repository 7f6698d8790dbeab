"""All heights of one mast over one path: which model, and what holds right at the foot of a mast.

Below 250 m, where P.1812 ends, the loss runs on from P.1812 at 250 m on the same bearing with the slope of the rural
macro cell of TR 38.901 in line of sight, and never below free space.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled
from trassa.radio.diffraction import free_space_loss_db
from trassa.radio.fast_p1812 import Physics, line_is_clear, loss_db, view_of
from trassa.radio.path_geometry import EarthPoints, geodesic_m, point_ahead
from trassa.radio.profile_sampling import KernelGrid, Scratch, ground_at_m, open_road, sampled
from trassa.radio.rural_macro import rural_macro_db, rural_macro_los_db

__all__ = ["FREE_SPACE", "NEAR_MAST_M", "P1812", "RURAL_MACRO", "near_mast_db", "path_losses_db", "profile_losses_db"]

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]

P1812, RURAL_MACRO, FREE_SPACE = 0, 1, 2
"""Models of propagation."""
NEAR_MAST_M = 250.0
"""Paths shorter than this are outside P.1812."""


@compiled
def path_losses_db(
    grid: KernelGrid, physics: Physics, room: Scratch, places: EarthPoints, i: int, heights_m: FloatArray,
    receivers: EarthPoints, j: int, losses_db: SingleArray,
) -> None:  # fmt: skip
    """Losses of one path in dB into ``losses_db`` (heights,): infinite for NaN heights and unknown ground."""
    losses_db[:] = np.inf
    base = float(np.float32(places.height_m[i]))
    h_0, h_n = places.height_m[i] - base, receivers.height_m[j] - base
    if math.isnan(h_0) or math.isnan(h_n):
        return
    length_m = max(geodesic_m(places, i, receivers, j), 1.0)
    near = physics.model == P1812 and length_m < NEAR_MAST_M
    target, t, target_m, target_h = receivers, j, length_m, h_n
    if near:
        target, t, target_m = point_ahead(places, i, receivers, j, NEAR_MAST_M), 0, NEAR_MAST_M
        target_h = ground_at_m(grid, target.latitude_deg[0], target.longitude_deg[0]) - base
        if math.isnan(target_h):
            return
    n = max(4, math.ceil(target_m / physics.profile_step_m))
    if physics.model != FREE_SPACE:
        if not sampled(grid, room, places, i, target, t, target_m, n):
            return
        if not near:
            open_road(room, n, target_m / n, physics.open_road_m, np.float32(h_n))
    latitude_deg = 0.5 * (places.latitude_deg[i] + target.latitude_deg[t])
    profile_losses_db(physics, room, n, 0.001 * target_m, (h_0, target_h), latitude_deg, heights_m, losses_db)
    if near:
        for k in range(len(heights_m)):
            if not math.isnan(heights_m[k]):
                losses_db[k] = near_mast_db(physics, 0.001 * length_m, heights_m[k], (h_0, h_n), float(losses_db[k]))


@compiled
def near_mast_db(
    physics: Physics, distance_km: float, height_m: float, ends_m: tuple[float, float], edge_db: float
) -> float:
    """Loss nearer than 250 m; ``edge_db`` is that of P.1812 at 250 m on this bearing."""
    ghz, receiver_m = physics.frequency_ghz, physics.receiver_antenna_m
    free_db = free_space_loss_db(ghz, distance_km, ends_m[0] + height_m - ends_m[1] - receiver_m)
    nearer_db = rural_macro_los_db(1000.0 * distance_km, height_m, receiver_m, ghz)
    nearer_db -= rural_macro_los_db(NEAR_MAST_M, height_m, receiver_m, ghz)
    return max(free_db, edge_db + nearer_db)


@compiled
def profile_losses_db(
    physics: Physics, room: Scratch, n: int, distance_km: float, ends_m: tuple[float, float], latitude_deg: float,
    heights_m: FloatArray, losses_db: SingleArray,
) -> None:  # fmt: skip
    """Losses over the profile in ``room`` by the model of ``physics``; NaN heights are left alone.

    ``ends_m`` are the ground at the mast and at the receiver above the base of the samples.
    """
    if physics.model == FREE_SPACE:
        for k in range(len(heights_m)):
            if not math.isnan(heights_m[k]):
                rise_m = ends_m[0] + heights_m[k] - ends_m[1] - physics.receiver_antenna_m
                losses_db[k] = free_space_loss_db(physics.frequency_ghz, distance_km, rise_m)
        return
    view = view_of(physics, room, n, distance_km, ends_m, latitude_deg)
    for k in range(len(heights_m)):
        if math.isnan(heights_m[k]):
            continue
        if physics.model == RURAL_MACRO:
            clear = line_is_clear(room, view, heights_m[k])
            losses_db[k] = rural_macro_db(
                1000.0 * distance_km, heights_m[k], physics.receiver_antenna_m, physics.frequency_ghz, clear
            )
        else:
            losses_db[k] = loss_db(physics, room, view, heights_m[k])
