"""How a loss moves from place to place: ITU-R P.1812 (-7/-8), Annex 1 §4.8 and §4.10. float64 reference."""

from __future__ import annotations

from trassa.radio.compiled import reference_kernel
from trassa.radio.time_variability import inverse_normal

__all__ = ["location_loss_db", "location_sigma_db"]


@reference_kernel
def location_sigma_db(frequency_ghz: float, width_m: float, clutter_m: float, antenna_m: float) -> float:
    """σ_L in dB of places within a square ``width_m`` wide that one prediction stands for.

    ``clutter_m`` is the ground cover at the receiver and ``antenna_m`` its antenna above ground: full below the
    cover, falling linearly to zero 10 m above it.
    """
    above_m = antenna_m - clutter_m
    uncovered = min(max(1.0 - 0.1 * above_m, 0.0), 1.0)
    sigma_db: float = (0.52 + 0.024 * frequency_ghz) * width_m**0.28 * uncovered
    return sigma_db


@reference_kernel
def location_loss_db(location_percent: float, sigma_db: float, receiver_at_sea: bool) -> float:
    """L_loc in dB, not exceeded at ``location_percent`` of places; zero at 50 % and for a receiver at sea."""
    if receiver_at_sea:
        return 0.0
    return -inverse_normal(0.01 * location_percent) * sigma_db
