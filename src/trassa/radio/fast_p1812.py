"""ITU-R P.1812 for one sampled profile and any number of mast heights: the losses of the fast path.

Samples are float32 and relative to the mast's ground, slopes are metres per profile step. What no mast height changes
is found once, the smooth path, whose profile is zero, is solved by its shape, and what cannot change the loss is left
out: the a_β pass at 50 % of time, ducting where next to nothing is diffracted. Paths are taken to be inland: ω = 0 and
d_tm = d_lm = d.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from trassa.radio.compiled import compiled
from trassa.radio.diffraction import BETA_EARTH_RADIUS_KM, free_space_loss_db, knife_edge_loss_db
from trassa.radio.ducting import ducting_loss_db
from trassa.radio.p1812 import combined_db
from trassa.radio.path_loops import (
    clear_nu,
    from_mast,
    from_receiver,
    highest_m,
    horizon_from_mast,
    horizon_from_receiver,
    roughness_m,
    steepest_clear,
)
from trassa.radio.path_properties import DuctingHeights, Horizon, ZoneExtents
from trassa.radio.profile_sampling import Scratch
from trassa.radio.smooth_path import bullington_db, edge_nu, smooth_bullington_db
from trassa.radio.spherical_earth import spherical_earth_loss_db, wavelength_m
from trassa.radio.time_variability import (
    angular_interpolation,
    beta0_percent,
    distance_interpolation,
    multipath_gain_db,
    time_interpolation,
)
from trassa.radio.troposcatter import troposcatter_loss_db

__all__ = ["Physics", "View", "combined_loss_db", "line_is_clear", "loss_db", "view_of"]

_NOTHING_DB = 1e-3
"""What may be left out of a loss."""
_FAR_BELOW_DB = 30.0
"""A way that loses this much more than another adds less than 5e-6 dB to it."""


class Physics(NamedTuple):
    """What a path loss depends on besides the path."""

    frequency_ghz: float
    earth_radius_km: float
    """a_e."""
    receiver_antenna_m: float
    vertical: bool
    profile_step_m: float
    open_road_m: float = 0.0
    """Nearer to the receiver than this nothing stands above the road."""
    time_percent: float = 50.0
    """p: the loss is not exceeded for so long."""
    n0: float = 325.0
    """Sea-level surface refractivity, N-units."""
    model: int = 0
    """`P1812`, `RURAL_MACRO` or `FREE_SPACE` of `trassa.radio.path_kernel`."""


class View(NamedTuple):
    """All of a path that no mast height changes; heights above the mast's ground."""

    n: int
    """Equal steps of the profile."""
    distance_km: float
    bulge: float
    """The Earth's rise at a_e in metres per step squared: i steps from one end it is bulge · i · (n − i)."""
    flatter: float
    """How much of it goes at a_β."""
    h_0: float
    h_n: float
    hrs: float
    hst: float
    """Smooth-Earth surface at both ends, eq (85) and (86)."""
    hsr: float
    srim: float
    srim_beta: float
    """At a_β."""
    alpha_r: float
    """Steepest view from the receiver over bare ground, without the Earth's bulge."""
    horizon: float
    """The same with it: the receiver's horizon; and its point."""
    horizon_at: int
    beta0_percent: float


@compiled
def view_of(
    physics: Physics, room: Scratch, n: int, distance_km: float, ends_m: tuple[float, float], latitude_deg: float
) -> View:
    """Look along the samples in ``room`` from the receiver. Adds the Earth's bulge to the raised ones.

    ``ends_m`` are the ground at the mast and at the receiver; ``latitude_deg`` that of the middle of the path.
    """
    h_0, h_n = ends_m
    step_km = distance_km / n
    bulge = 500.0 / physics.earth_radius_km * step_km**2
    flatter = bulge - 500.0 / BETA_EARTH_RADIUS_KM * step_km**2
    hrs = h_n + physics.receiver_antenna_m
    total, moment, srim, srim_beta, alpha_r, steepest = from_receiver(
        room.ground_m, room.raised_m, n, np.float32(bulge), np.float32(flatter), np.float32(hrs)
    )
    at, horizon = horizon_from_receiver(room.ground_m, n, bulge, hrs, steepest)
    v1 = 2.0 * total + h_0 + h_n
    v2 = 6.0 * moment + h_0 + (3.0 * n - 1.0) * h_n
    hst, hsr = (2.0 * v1 * n - v2) / n**2, (v2 - v1 * n) / n**2
    beta0 = beta0_percent(latitude_deg, distance_km, distance_km)
    return View(
        n, distance_km, bulge, flatter, h_0, h_n, hrs, hst, hsr, srim, srim_beta, alpha_r, horizon, at, beta0
    )  # fmt: skip


@compiled
def line_is_clear(room: Scratch, view: View, height_m: float) -> bool:
    """Whether nothing stands in the straight line between the antennas, the Earth as round as at a_e."""
    hts = view.h_0 + height_m
    return highest_m(room.raised_m, view.n, np.float32(hts), np.float32((view.hrs - hts) / view.n)) < 0.0


@compiled
def loss_db(physics: Physics, room: Scratch, view: View, height_m: float) -> float:
    """L_b in dB for an antenna ``height_m`` above the mast's ground, eq (69) at half of the places."""
    n, hts = view.n, view.h_0 + height_m
    slope = (view.hrs - hts) / n
    h, g = room.ground_m, room.raised_m
    bulge, flatter = np.float32(view.bulge), np.float32(view.flatter)
    stim, stim_beta, alpha_t, steepest, hobs = from_mast(
        h, g, room.inverse, n, bulge, flatter, np.float32(hts), np.float32(slope)
    )
    ht, hr = _effective_m(view, hts, slope, alpha_t, hobs)
    ld50 = ldb = 0.0
    for turn in range(2 if physics.time_percent < 50.0 else 1):  # one after the other: the code is compiled once
        view_t, view_r, less, radius_km = stim, view.srim, np.float32(0.0), physics.earth_radius_km
        if turn == 1:
            view_t, view_r, less, radius_km = stim_beta, view.srim_beta, flatter, BETA_EARTH_RADIUS_KM
        if view_t >= slope:
            nu = edge_nu(hts, view.hrs, view_t, view_r, n)
        else:
            nu = clear_nu(g, room.inverse, n, less, np.float32(hts), np.float32(slope))
        ldb = _diffraction_db(physics, view, nu, ht, hr, radius_km)
        if turn == 0:
            ld50 = ldb
    seen = _seen(room, view, hts, steepest)
    heights = _ducting_heights(room, view, hts, seen)
    lbfs = free_space_loss_db(physics.frequency_ghz, view.distance_km, hts - view.hrs)
    return combined_loss_db(physics, view.distance_km, view.beta0_percent, seen, heights, (lbfs, ld50, ldb))


@compiled
def _ducting_heights(room: Scratch, view: View, hts: float, seen: Horizon) -> DuctingHeights:
    """The smooth surface not above the ground at both ends, and the roughness between the horizons: eq (90)–(93)."""
    hst, hsr = min(view.hst, view.h_0), min(view.hsr, view.h_n)
    first, last = min(seen.first, seen.last), max(seen.first, seen.last)
    hm = roughness_m(room.ground_m, first, last, np.float32(hst), np.float32((hsr - hst) / view.n))
    return DuctingHeights(hst, hsr, hts - hst, view.hrs - hsr, hm)


@compiled
def _effective_m(view: View, hts: float, slope: float, alpha_t: float, hobs: float) -> tuple[float, float]:
    """Antennas above the smooth surface that diffraction sees, h_tc and h_rc: eq (37)."""
    hst, hsr = view.hst, view.hsr
    if hobs > 0.001:  # below a millimetre the slopes are single-precision noise
        above_t, above_r = alpha_t - slope, view.alpha_r + slope
        hst -= hobs * above_t / (above_t + above_r)
        hsr -= hobs * above_r / (above_t + above_r)
    return hts - min(hst, view.h_0), view.hrs - min(hsr, view.h_n)


@compiled
def _diffraction_db(physics: Physics, view: View, nu: float, ht: float, hr: float, radius_km: float) -> float:
    """L_d, eq (39); ν but for the factor that all points share."""
    n, d, ghz = view.n, view.distance_km, physics.frequency_ghz
    actual_db = bullington_db(knife_edge_loss_db(nu * math.sqrt(0.002 * n * n / (wavelength_m(ghz) * d))), d)
    sphere_db = spherical_earth_loss_db(d, ht, hr, radius_km, ghz, 0.0, physics.vertical)
    if sphere_db <= 0.0:
        return actual_db
    return actual_db + max(sphere_db - smooth_bullington_db(ht, hr, n, d, radius_km, ghz), 0.0)


@compiled
def _seen(room: Scratch, view: View, hts: float, steepest: float) -> Horizon:
    """Horizons of both antennas over bare ground; ``steepest`` is the slope of the mast's in float32."""
    n, step_km = view.n, view.distance_km / view.n
    slope = (view.hrs - hts) / n
    direct = slope - view.bulge * n
    first, last = 0, view.horizon_at
    slope_t, slope_r = direct, -slope - view.bulge * n
    if steepest > direct:
        first, slope_t = horizon_from_mast(room.ground_m, room.inverse, n, view.bulge, hts, steepest)
        slope_r = view.horizon
    else:
        first = last = steepest_clear(
            room.ground_m, room.inverse, n, np.float32(view.bulge), np.float32(hts), np.float32(slope)
        )
    per_m = 0.001 / step_km
    theta_t, theta_r = 1000.0 * math.atan(per_m * slope_t), 1000.0 * math.atan(per_m * slope_r)
    curved = 2.0 * view.bulge * n * per_m * 1000.0  # 1000 d / a_e
    return Horizon(first * step_km, (n - last) * step_km, theta_t, theta_r, curved + theta_t + theta_r, first, last)


@compiled
def combined_loss_db(
    physics: Physics, distance_km: float, beta0_percent: float, seen: Horizon, heights: DuctingHeights,
    parts_db: tuple[float, float, float],
) -> float:  # fmt: skip
    """L_b of all mechanisms together, eq (41) to (69); ``parts_db`` are L_bfs, L_d50 and L_dβ."""
    lbfs, ld50, ldb = parts_db
    ghz, percent = physics.frequency_ghz, physics.time_percent
    lb0p, ldp, lminb0p = lbfs, ld50, lbfs + ld50
    if percent < 50.0:
        fi = time_interpolation(percent, beta0_percent)
        lb0p = lbfs + multipath_gain_db(seen.dlt_km + seen.dlr_km, percent)  # (10)
        ldp = ld50 + (ldb - ld50) * fi  # (41)
        if percent < beta0_percent:
            lminb0p = lb0p + ldp
        else:
            lb0b = lbfs + multipath_gain_db(seen.dlt_km + seen.dlr_km, beta0_percent)  # (11)
            lminb0p += (lb0b + ldp - lminb0p) * fi  # (59)
    lbda = lb0p + ldp
    fj, fk = angular_interpolation(seen.theta_mrad), distance_interpolation(distance_km)
    if ldp * (1.0 - fj) * (1.0 - fk) > _NOTHING_DB:
        zones = ZoneExtents(0.0, distance_km, distance_km)
        lba = ducting_loss_db(
            distance_km,
            0.0,
            0.0,
            seen,
            heights,
            zones,
            (500.0, 500.0),
            physics.earth_radius_km,
            beta0_percent,
            ghz,
            percent,
        )
        lminbap = combined_db(lba, lb0p, -2.5 * math.log(10.0))  # (60)
        if lminbap <= lbda:
            lbda = lminbap + (lbda - lminbap) * fk  # (61)
    lbam = lbda + (lminb0p - lbda) * fj  # (62)
    lbs = troposcatter_loss_db(distance_km, seen.theta_mrad, ghz, physics.n0, percent)
    lbc = lbam if lbs > lbam + _FAR_BELOW_DB else combined_db(lbs, lbam, 5.0)  # (63)
    return max(lb0p, lbc)  # (69)
