"""How a loss moves with the share of time: ITU-R P.1812 (-7/-8), Annex 1 §3.6, §4.2, §4.3.5 and §4.6. float64.

Percentages of time lie between 1 and 50: the loss is not exceeded for so long.
"""

from __future__ import annotations

import math

from trassa.radio.compiled import reference_kernel

__all__ = [
    "angular_interpolation",
    "beta0_percent",
    "distance_interpolation",
    "inland_tau_share",
    "inverse_normal",
    "multipath_gain_db",
    "time_interpolation",
]

_THETA_MRAD, _XI = 0.3, 0.8
_DSW_KM, _KAPPA = 20.0, 0.5


@reference_kernel
def inverse_normal(exceeded_share: float) -> float:
    """I(x), Attachment 2: the normal deviate exceeded with that probability, by the Recommendation's own formula.

    A rational approximation between 1e-6 and 0.999999; the exact quantile would not reproduce the published losses.
    """
    x = min(max(exceeded_share, 1e-6), 0.999999)
    tail = x if x <= 0.5 else 1.0 - x
    t = math.sqrt(-2.0 * math.log(tail))
    above = (0.010328 * t + 0.802853) * t + 2.515516698
    below = ((0.001308 * t + 0.189269) * t + 1.432788) * t + 1.0
    deviate = t - above / below
    return deviate if x <= 0.5 else -deviate


@reference_kernel
def inland_tau_share(dlm_km: float) -> float:
    """τ, eq (3a): how inland a path is, from its longest inland run."""
    return 1.0 - math.exp(-4.12e-4 * dlm_km**2.41)


@reference_kernel
def beta0_percent(latitude_deg: float, dtm_km: float, dlm_km: float) -> float:
    """β0, eq (5): the share of time with super-refraction, from the path-centre latitude and the longest land runs."""
    phi = abs(latitude_deg)
    tau = inland_tau_share(dlm_km)
    mu1: float = (10.0 ** (-dtm_km / (16.0 - 6.6 * tau)) + 10.0 ** (-5.0 * (0.496 + 0.354 * tau))) ** 0.2
    mu1 = min(mu1, 1.0)
    if phi <= 70.0:
        beta0: float = 10.0 ** (1.67 - 0.015 * phi) * mu1 * mu1 ** (0.0176 * phi - 0.935)
    else:
        beta0 = 4.17 * mu1 * mu1**0.3
    return beta0


@reference_kernel
def multipath_gain_db(horizons_km: float, exceeded_percent: float) -> float:
    """E_s, eq (9): what multipath and focusing do to the free-space loss; zero at 50 % and negative below.

    ``horizons_km`` is the sum of both horizon distances.
    """
    return 2.6 * (1.0 - math.exp(-0.1 * horizons_km)) * math.log10(exceeded_percent / 50.0)


@reference_kernel
def time_interpolation(time_percent: float, beta_percent: float) -> float:
    """F_i, eq (40): 1 up to β0 % of time, 0 at 50 %."""
    if time_percent <= beta_percent:
        return 1.0
    return inverse_normal(0.01 * time_percent) / inverse_normal(0.01 * beta_percent)


@reference_kernel
def angular_interpolation(theta_mrad: float) -> float:
    """F_j, eq (57): from 1 in line of sight to 0 beyond the horizon."""
    return 1.0 - 0.5 * (1.0 + math.tanh(3.0 * _XI * (theta_mrad - _THETA_MRAD) / _THETA_MRAD))


@reference_kernel
def distance_interpolation(distance_km: float) -> float:
    """F_k, eq (58): from 1 on short paths to 0 on long ones, half way at 20 km."""
    return 1.0 - 0.5 * (1.0 + math.tanh(3.0 * _KAPPA * (distance_km - _DSW_KM) / _DSW_KM))
