"""Tropospheric scatter: ITU-R P.1812 (-7/-8), Annex 1 §4.4. float64 reference."""

from __future__ import annotations

import math

from trassa.radio.compiled import reference_kernel

__all__ = ["troposcatter_loss_db"]


@reference_kernel
def troposcatter_loss_db(
    distance_km: float, theta_mrad: float, frequency_ghz: float, n0_n_units: float, time_percent: float
) -> float:
    """L_bs in dB, eq (44): basic loss by scatter, not exceeded for ``time_percent`` (at most 50).

    ``theta_mrad`` is the path angular distance and ``n0_n_units`` the sea-level refractivity in N-units (parts per
    million).
    """
    frequency_db: float = 25.0 * math.log10(frequency_ghz) - 2.5 * math.log10(0.5 * frequency_ghz) ** 2  # (45)
    rare_db: float = 10.125 * math.log10(50.0 / time_percent) ** 0.7
    return 190.1 + frequency_db + 20.0 * math.log10(distance_km) + 0.573 * theta_mrad - 0.15 * n0_n_units - rare_db
