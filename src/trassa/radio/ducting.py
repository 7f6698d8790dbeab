"""Ducting and layer reflection: ITU-R P.1812 (-7/-8), Annex 1 §4.5. float64 reference."""

from __future__ import annotations

import math

from trassa.radio.compiled import reference_kernel
from trassa.radio.path_properties import DuctingHeights, Horizon, ZoneExtents
from trassa.radio.time_variability import inland_tau_share

__all__ = ["ducting_loss_db"]


@reference_kernel
def _site_shielding_db(theta_mrad: float, horizon_km: float, frequency_ghz: float) -> float:
    """A_st or A_sr, eq (48): what the terrain at one end takes from the coupling into a duct."""
    theta = theta_mrad - 0.1 * horizon_km  # (48a)
    if theta <= 0.0:
        return 0.0
    coupling_db: float = 20.0 * math.log10(1.0 + 0.361 * theta * math.sqrt(frequency_ghz * horizon_km))
    coupling_db += 0.264 * theta * frequency_ghz ** (1.0 / 3.0)
    return coupling_db


@reference_kernel
def _sea_coupling_db(sea_share: float, to_coast_km: float, horizon_km: float, antenna_m: float) -> float:
    """A_ct or A_cr, eq (49): a duct over the sea close by is easier to enter."""
    if sea_share < 0.75 or to_coast_km > horizon_km or to_coast_km > 5.0:
        return 0.0
    return -3.0 * math.exp(-0.25 * to_coast_km**2) * (1.0 + math.tanh(0.07 * (50.0 - antenna_m)))


@reference_kernel
def _time_term_db(d_km: float, beta: float, time_percent: float) -> float:
    """A(p), eq (53)."""
    log_beta = math.log10(beta)
    decay = math.exp(-(9.51 - 4.8 * log_beta + 0.198 * log_beta**2) * 1e-6 * d_km**1.13)
    gamma = 1.076 / (2.0058 - log_beta) ** 1.012 * decay  # (53a)
    ratio = time_percent / beta
    term_db: float = -12.0 + (1.2 + 3.7e-3 * d_km) * math.log10(ratio) + 12.0 * ratio**gamma
    return term_db


@reference_kernel
def _duct_beta_percent(
    d_km: float, radius_km: float, beta0: float, tau: float, seen: Horizon, heights: DuctingHeights
) -> float:
    """β, eq (54): β0 corrected for path geometry (μ2) and terrain roughness (μ3)."""
    alpha = max(-0.6 - 3.5e-9 * d_km**3.1 * tau, -3.4)  # (55a)
    curved = 500.0 / radius_km * d_km**2 / (math.sqrt(heights.hte_m) + math.sqrt(heights.hre_m)) ** 2
    mu2: float = min(curved**alpha, 1.0)  # (55)
    mu3 = 1.0
    if heights.hm_m > 10.0:
        between_km = min(d_km - seen.dlt_km - seen.dlr_km, 40.0)  # (56a)
        mu3 = math.exp(-4.6e-5 * (heights.hm_m - 10.0) * (43.0 + 6.0 * between_km))  # (56)
    return beta0 * mu2 * mu3


@reference_kernel
def ducting_loss_db(
    d_km: float,
    hts_m: float,
    hrs_m: float,
    seen: Horizon,
    heights: DuctingHeights,
    zones: ZoneExtents,
    coasts_km: tuple[float, float],
    radius_km: float,
    beta0_percent: float,
    frequency_ghz: float,
    time_percent: float,
) -> float:
    """L_ba in dB, eq (46): basic loss by ducting and layer reflection, not exceeded for ``time_percent``.

    ``hts_m`` and ``hrs_m`` are the antennas above sea level, ``coasts_km`` the distances over land from the
    transmitter and the receiver to the coast.
    """
    fixed_db: float = 102.45 + 20.0 * math.log10(frequency_ghz) + 20.0 * math.log10(seen.dlt_km + seen.dlr_km)  # (47)
    if frequency_ghz < 0.5:
        fixed_db += 45.375 - 137.0 * frequency_ghz + 92.5 * frequency_ghz**2  # (47a)
    fixed_db += _site_shielding_db(seen.theta_t_mrad, seen.dlt_km, frequency_ghz)
    fixed_db += _site_shielding_db(seen.theta_r_mrad, seen.dlr_km, frequency_ghz)
    fixed_db += _sea_coupling_db(zones.sea_share, coasts_km[0], seen.dlt_km, hts_m)
    fixed_db += _sea_coupling_db(zones.sea_share, coasts_km[1], seen.dlr_km, hrs_m)
    theta_t = min(seen.theta_t_mrad, 0.1 * seen.dlt_km)  # (52a)
    theta_r = min(seen.theta_r_mrad, 0.1 * seen.dlr_km)
    theta = 1000.0 * d_km / radius_km + theta_t + theta_r  # (52)
    specific_db: float = 5e-5 * radius_km * frequency_ghz ** (1.0 / 3.0)  # (51)
    beta = _duct_beta_percent(d_km, radius_km, beta0_percent, inland_tau_share(zones.dlm_km), seen, heights)
    return fixed_db + specific_db * theta + _time_term_db(d_km, beta, time_percent)  # (46), (50)
