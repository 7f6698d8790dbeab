"""The whole of Recommendation ITU-R P.1812 (-7/-8), Annex 1: basic transmission loss of one path and all it is made of.

This is the reference: float64, IEEE arithmetic, any spacing of the profile. `transmission_loss` is compiled and
unchecked, for callers that are compiled themselves; `basic_transmission_loss` checks its arguments first.
The equation numbers are those that the published validation logs use as row names.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import reference_kernel
from trassa.radio.diffraction import (
    BETA_EARTH_RADIUS_KM,
    EARTH_RADIUS_KM,
    Diffraction,
    delta_bullington,
    free_space_loss_db,
)
from trassa.radio.ducting import ducting_loss_db
from trassa.radio.location_variability import location_loss_db
from trassa.radio.path_properties import (
    SEA,
    DuctingHeights,
    Horizon,
    SmoothEarth,
    ZoneExtents,
    ducting_heights,
    horizon,
    smooth_earth,
    zone_extents,
)
from trassa.radio.time_variability import (
    angular_interpolation,
    beta0_percent,
    distance_interpolation,
    multipath_gain_db,
    time_interpolation,
)
from trassa.radio.troposcatter import troposcatter_loss_db

__all__ = ["Climate", "Terminals", "TransmissionLoss", "Wave", "combined_db", "transmission_loss"]

FloatArray = npt.NDArray[np.float64]
ZoneArray = npt.NDArray[np.int8]

_ETA_DB = 2.5


class Terminals(NamedTuple):
    """Both ends of a path. All fields are floats."""

    htg_m: float
    """Transmitter's antenna above ground, 1…3000 m."""
    hrg_m: float
    """Receiver's antenna above ground, 1…3000 m."""
    coast_t_km: float = 500.0
    """Distance over land from the transmitter to the coast along the path; 0 at sea."""
    coast_r_km: float = 500.0
    """The same from the receiver."""


class Wave(NamedTuple):
    """What is asked about which signal. All fields but the last are floats."""

    frequency_ghz: float
    """0.03…6 GHz."""
    time_percent: float = 50.0
    """Share of time for which the loss is not exceeded, 1…50 %."""
    location_percent: float = 50.0
    """Share of places at which the loss is not exceeded, 1…99 %."""
    sigma_location_db: float = 0.0
    """Standard deviation between places, `location_sigma_db`."""
    vertical: bool = True
    """Vertical polarisation, else horizontal."""


class Climate(NamedTuple):
    """The air over the middle of the path. All fields are floats."""

    dn_per_km: float = 45.0
    """ΔN: refractivity lapse rate through the lowest kilometre in N-units/km, positive."""
    n0: float = 325.0
    """N0: sea-level surface refractivity in N-units."""
    latitude_deg: float = 50.0
    """φ: latitude of the middle of the path, `path_centre_latitude_deg`."""


class TransmissionLoss(NamedTuple):
    """One evaluation of Annex 1 with every intermediate value; losses in dB, each by its symbol and equation."""

    seen: Horizon
    surface: SmoothEarth
    ducting: DuctingHeights
    zones: ZoneExtents
    hts_m: float
    """Transmitter's antenna above sea level."""
    hrs_m: float
    """Receiver's antenna above sea level."""
    beta0_percent: float
    """β0, eq (5)."""
    median_radius_km: float
    """a_e, eq (7a)."""
    fi: float
    """F_i: interpolation in time, eq (40)."""
    fj: float
    """F_j: interpolation in angle, eq (57)."""
    fk: float
    """F_k: interpolation in distance, eq (58)."""
    lbfs_db: float
    """Free space, eq (8)."""
    lb0p_db: float
    """Line of sight at p %, eq (10)."""
    lb0b_db: float
    """Line of sight at β0 %, eq (11)."""
    median: Diffraction
    """Diffraction over the median Earth radius a_e: its loss is L_d50."""
    beta: Diffraction
    """Diffraction over a_β: its loss is L_dβ."""
    ldp_db: float
    """Diffraction at p %, eq (41)."""
    lbd50_db: float
    """Basic loss with diffraction at 50 %, eq (42)."""
    lbd_db: float
    """Basic loss with diffraction at p %, eq (43)."""
    lminb0p_db: float
    """Notional minimum with line of sight and sub-path diffraction over sea, eq (59)."""
    lba_db: float
    """Ducting and layer reflection, eq (46)."""
    lminbap_db: float
    """Notional minimum with line of sight and ducting, eq (60)."""
    lbda_db: float
    """Diffraction and line of sight or ducting, eq (61)."""
    lbam_db: float
    """The same with line-of-sight enhancements, eq (62)."""
    lbs_db: float
    """Troposcatter, eq (44)."""
    lbc_db: float
    """All mechanisms, at half of the places, eq (63)."""
    lloc_db: float
    """Location variability, §4.8."""
    lb_db: float
    """Basic transmission loss not exceeded for p % of time at p_L % of places, eq (69)."""
    field_dbuv_per_m: float
    """Field strength of 1 kW effective radiated power, eq (70)."""


@reference_kernel
def combined_db(first_db: float, second_db: float, per_decade_db: float) -> float:
    """−k lg(10^(−a/k) + 10^(−b/k)) for losses a and b with k = ``per_decade_db``: two ways at once.

    With a negative k the larger wins instead. Safe for any finite loss.
    """
    if per_decade_db > 0.0:
        leading = min(first_db, second_db)
    else:
        leading = max(first_db, second_db)
    apart_db = abs(first_db - second_db) / abs(per_decade_db)
    return leading - per_decade_db * math.log10(1.0 + 10.0**-apart_db)


@reference_kernel
def _with_ducting_db(lb0p_db: float, lbd_db: float, lba_db: float, fk: float) -> tuple[float, float]:
    """(L_minbap, L_bda): eq (60) and (61)."""
    lminbap_db = combined_db(lba_db, lb0p_db, -_ETA_DB * math.log(10.0))
    if lminbap_db > lbd_db:
        return lminbap_db, lbd_db
    return lminbap_db, lminbap_db + (lbd_db - lminbap_db) * fk


@reference_kernel
def _least_over_sea_db(
    lb0p_db: float, lb0b_db: float, lbd50_db: float, ldp_db: float, sea_share: float, fi: float, rarer: bool
) -> float:
    """L_minb0p, eq (59); ``rarer`` says p < β0."""
    if rarer:
        return lb0p_db + (1.0 - sea_share) * ldp_db
    return lbd50_db + (lb0b_db + (1.0 - sea_share) * ldp_db - lbd50_db) * fi


@reference_kernel
def transmission_loss(
    d: FloatArray,
    h: FloatArray,
    g: FloatArray,
    zone: ZoneArray,
    terminals: Terminals,
    wave: Wave,
    climate: Climate,
) -> TransmissionLoss:
    """The whole of Annex 1, for compiled callers. Arguments unchecked.

    ``d`` (km, rising from 0), ``h`` (bare terrain, m above sea level), ``g`` (terrain with cover; ``g = h`` at both
    ends) and ``zone`` (int8: `SEA`, `COASTAL`, `INLAND`) have shape (n,), n ≥ 5.
    """
    ghz, percent = wave.frequency_ghz, wave.time_percent
    last = len(d) - 1
    dtot = d[last]
    hts, hrs = h[0] + terminals.htg_m, h[last] + terminals.hrg_m
    radius_km = EARTH_RADIUS_KM * 157.0 / (157.0 - climate.dn_per_km)  # (7a)
    seen = horizon(d, h, hts, hrs, radius_km, ghz)
    surface = smooth_earth(d, h, hts, hrs)
    ducting = ducting_heights(d, h, surface, seen, hts, hrs)
    zones = zone_extents(d, zone)
    beta0 = beta0_percent(climate.latitude_deg, zones.dtm_km, zones.dlm_km)
    fi = time_interpolation(percent, beta0)
    fj, fk = angular_interpolation(seen.theta_mrad), distance_interpolation(dtot)
    sea = zones.sea_share
    lbfs = free_space_loss_db(ghz, dtot, hts - hrs)
    lb0p = lbfs + multipath_gain_db(seen.dlt_km + seen.dlr_km, percent)  # (10)
    lb0b = lbfs + multipath_gain_db(seen.dlt_km + seen.dlr_km, beta0)  # (11)
    median = delta_bullington(d, g, surface, hts, hrs, radius_km, ghz, sea, wave.vertical)
    beta = delta_bullington(d, g, surface, hts, hrs, BETA_EARTH_RADIUS_KM, ghz, sea, wave.vertical)
    ldp = median.loss_db + (beta.loss_db - median.loss_db) * fi  # (41)
    lbd50, lbd = lbfs + median.loss_db, lb0p + ldp  # (42), (43)
    lminb0p = _least_over_sea_db(lb0p, lb0b, lbd50, ldp, sea, fi, percent < beta0)
    coasts = (terminals.coast_t_km, terminals.coast_r_km)
    lba = ducting_loss_db(dtot, hts, hrs, seen, ducting, zones, coasts, radius_km, beta0, ghz, percent)
    lminbap, lbda = _with_ducting_db(lb0p, lbd, lba, fk)
    lbam = lbda + (lminb0p - lbda) * fj  # (62)
    lbs = troposcatter_loss_db(dtot, seen.theta_mrad, ghz, climate.n0, percent)
    lbc = combined_db(lbs, lbam, 5.0)  # (63)
    lloc = location_loss_db(wave.location_percent, wave.sigma_location_db, zone[last] == SEA)
    lb = max(lb0p, lbc + lloc)  # (69)
    field = 199.36 + 20.0 * math.log10(ghz) - lb  # (70)
    found = (lminb0p, lba, lminbap, lbda, lbam, lbs, lbc, lloc, lb, field)
    factors = (beta0, radius_km, fi, fj, fk, lbfs, lb0p, lb0b)
    return TransmissionLoss(seen, surface, ducting, zones, hts, hrs, *factors, median, beta, ldp, lbd50, lbd, *found)
