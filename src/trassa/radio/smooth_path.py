"""Diffraction over a smooth Earth of zero height: exact for the method's discrete points, without visiting them."""

from __future__ import annotations

import math

from trassa.radio.compiled import compiled
from trassa.radio.diffraction import free_space_loss_db, knife_edge_loss_db
from trassa.radio.spherical_earth import spherical_earth_loss_db, wavelength_m

__all__ = [
    "bullington_db",
    "edge_nu",
    "smooth_bullington_db",
    "smooth_edge_point",
    "smooth_horizon",
    "smooth_path_loss_db",
]


@compiled
def bullington_db(luc_db: float, distance_km: float) -> float:
    """L_bull from the knife-edge loss, eq (21)."""
    return luc_db + (1.0 - math.exp(-luc_db / 6.0)) * (10.0 + 0.02 * distance_km)


@compiled
def edge_nu(hts_m: float, hrs_m: float, stim_m: float, srim_m: float, n: int) -> float:
    """ν at the Bullington point, eq (18)–(19), but for the shared factor. The slopes are metres per profile step."""
    at = (hrs_m - hts_m + srim_m * n) / max(stim_m + srim_m, 1e-12)
    at = min(max(at, 1.0), n - 1.0)
    return (hts_m + stim_m * at - (hts_m * (n - at) + hrs_m * at) / n) / math.sqrt(at * (n - at))


@compiled
def smooth_horizon(height_m: float, bulge_m: float, n: int) -> tuple[int, float]:
    """Steps to the horizon of a smooth Earth and the view there above the chord, m per step.

    The view is concave in the steps, so the best of them lies next to its continuous top.
    """
    low = min(max(int(math.sqrt(height_m / bulge_m)), 1), n - 1)
    high = min(low + 1, n - 1)
    below, above = bulge_m * (n - low) - height_m / low, bulge_m * (n - high) - height_m / high
    return (low, below) if below >= above else (high, above)


@compiled
def smooth_edge_point(ht_m: float, hr_m: float, bulge_m: float, n: int) -> int:
    """The step of largest ν over a smooth Earth in line of sight: quasi-concave in i, so found by bisection."""
    low, high = 1, n - 1
    while low < high:
        middle = (low + high) // 2
        if _smooth_nu(ht_m, hr_m, bulge_m, n, middle) < _smooth_nu(ht_m, hr_m, bulge_m, n, middle + 1):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _smooth_nu(ht_m: float, hr_m: float, bulge_m: float, n: int, i: int) -> float:
    return (bulge_m * i * (n - i) - (ht_m * (n - i) + hr_m * i) / n) / math.sqrt(i * (n - i))


@compiled
def smooth_bullington_db(ht_m: float, hr_m: float, n: int, distance_km: float, radius_km: float, ghz: float) -> float:
    """L_bulls of §4.3.4 in dB: the Bullington loss of n equal steps of zero height, without visiting them."""
    step_km = distance_km / n
    bulge = 500.0 * step_km**2 / radius_km
    stim = smooth_horizon(ht_m, bulge, n)[1]
    if stim >= (hr_m - ht_m) / n:
        nu = edge_nu(ht_m, hr_m, stim, smooth_horizon(hr_m, bulge, n)[1], n)
    else:
        nu = _smooth_nu(ht_m, hr_m, bulge, n, smooth_edge_point(ht_m, hr_m, bulge, n))
    return bullington_db(knife_edge_loss_db(nu * math.sqrt(0.002 * n / (wavelength_m(ghz) * step_km))), distance_km)


@compiled
def smooth_path_loss_db(
    distance_km: float, ht_m: float, hr_m: float, step_m: float, radius_km: float, ghz: float, vertical: bool
) -> float:
    """Free space and L_d over a smooth Earth of zero height: there the actual path is the smooth path."""
    n = max(4, math.ceil(1000.0 * distance_km / step_m))
    edge_db = smooth_bullington_db(ht_m, hr_m, n, distance_km, radius_km, ghz)
    sphere_db = spherical_earth_loss_db(distance_km, ht_m, hr_m, radius_km, ghz, 0.0, vertical)
    return max(edge_db, sphere_db) + free_space_loss_db(ghz, distance_km, ht_m - hr_m)
