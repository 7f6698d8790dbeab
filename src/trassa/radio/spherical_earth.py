"""Diffraction over a smooth spherical Earth: ITU-R P.1812 (-7/-8), Annex 1 §4.3.2 and §4.3.3. float64 reference."""

from __future__ import annotations

import math

from trassa.radio.compiled import reference_kernel

__all__ = ["spherical_earth_loss_db", "wavelength_m"]

_LAND = (22.0, 0.003)
_SEA = (80.0, 5.0)
"""Relative permittivity and conductivity in S/m, §4.3.3."""


@reference_kernel
def wavelength_m(frequency_ghz: float) -> float:
    """λ in m with the Recommendation's speed of light."""
    return 0.2998 / frequency_ghz


@reference_kernel
def _first_term_db(
    d_km: float,
    hte_m: float,
    hre_m: float,
    radius_km: float,
    frequency_ghz: float,
    ground: tuple[float, float],
    vertical: bool,
) -> float:
    """§4.3.3: the first term of the residue series over ground of one permittivity and conductivity."""
    permittivity, conductivity = ground
    loss_term = (18.0 * conductivity / frequency_ghz) ** 2
    k = 0.036 * (radius_km * frequency_ghz) ** (-1.0 / 3.0) * ((permittivity - 1.0) ** 2 + loss_term) ** -0.25  # (29a)
    if vertical:
        k *= math.sqrt(permittivity**2 + loss_term)  # (29b)
    beta = (1.0 + 1.6 * k**2 + 0.67 * k**4) / (1.0 + 4.5 * k**2 + 1.53 * k**4)  # (30)
    x = 21.88 * beta * (frequency_ghz / radius_km**2) ** (1.0 / 3.0) * d_km  # (31)
    per_metre = 0.9575 * beta * (frequency_ghz**2 / radius_km) ** (1.0 / 3.0)  # (32)
    if x >= 1.6:
        distance_term_db: float = 11.0 + 10.0 * math.log10(x) - 17.6 * x  # (33)
    else:
        distance_term_db = -20.0 * math.log10(x) - 5.6488 * x**1.425
    height_gains_db = _height_gain_db(beta * per_metre * hte_m, k) + _height_gain_db(beta * per_metre * hre_m, k)
    return -distance_term_db - height_gains_db  # (36)


@reference_kernel
def _height_gain_db(b: float, k: float) -> float:
    """G(Y) with B = βY, eq (34)–(35), not below 2 + 20 lg K."""
    if b > 2.0:
        gain_db = 17.6 * math.sqrt(b - 1.1) - 5.0 * math.log10(b - 1.1) - 8.0
    else:
        gain_db = 20.0 * math.log10(b + 0.1 * b**3)
    return max(gain_db, 2.0 + 20.0 * math.log10(k))


@reference_kernel
def _first_term_mixed_db(
    d_km: float, hte_m: float, hre_m: float, radius_km: float, frequency_ghz: float, sea_share: float, vertical: bool
) -> float:
    """Eq (28): land and sea weighted by ω, the share of the path over sea."""
    loss_db = 0.0
    if sea_share < 1.0:
        loss_db += (1.0 - sea_share) * _first_term_db(d_km, hte_m, hre_m, radius_km, frequency_ghz, _LAND, vertical)
    if sea_share > 0.0:
        loss_db += sea_share * _first_term_db(d_km, hte_m, hre_m, radius_km, frequency_ghz, _SEA, vertical)
    return loss_db


@reference_kernel
def spherical_earth_loss_db(
    d_km: float, hte_m: float, hre_m: float, radius_km: float, frequency_ghz: float, sea_share: float, vertical: bool
) -> float:
    """L_dsph in dB, §4.3.2: diffraction over a smooth sphere between antennas at positive effective heights."""
    d_los = math.sqrt(2.0 * radius_km) * (math.sqrt(0.001 * hte_m) + math.sqrt(0.001 * hre_m))  # (22)
    if d_km >= d_los:
        return _first_term_mixed_db(d_km, hte_m, hre_m, radius_km, frequency_ghz, sea_share, vertical)
    c = (hte_m - hre_m) / (hte_m + hre_m)  # (24d)
    m = 250.0 * d_km * d_km / (radius_km * (hte_m + hre_m))  # (24e)
    angle = math.acos(1.5 * c * math.sqrt(3.0 * m / (m + 1.0) ** 3)) / 3.0
    b = 2.0 * math.sqrt((m + 1.0) / (3.0 * m)) * math.cos(math.pi / 3.0 + angle)  # (24c)
    d_1 = 0.5 * d_km * (1.0 + b)  # (24a)
    d_2 = d_km - d_1  # (24b)
    clearance = ((hte_m - 500.0 * d_1**2 / radius_km) * d_2 + (hre_m - 500.0 * d_2**2 / radius_km) * d_1) / d_km  # (23)
    required = 17.456 * math.sqrt(d_1 * d_2 * wavelength_m(frequency_ghz) / d_km)  # (25)
    if clearance > required:
        return 0.0
    marginal_km = 500.0 * (d_km / (math.sqrt(hte_m) + math.sqrt(hre_m))) ** 2  # (26)
    first_db = _first_term_mixed_db(d_km, hte_m, hre_m, marginal_km, frequency_ghz, sea_share, vertical)
    return (1.0 - clearance / required) * max(first_db, 0.0)  # (27)
