"""Diffraction over terrain: the delta-Bullington method of Recommendation ITU-R P.1812 (-7/-8), Annex 1 §4.3.

This is the reference: float64, IEEE arithmetic, any spacing of the profile, every intermediate value by its symbol.
The equation numbers are those of Annex 1 as its published validation logs use them. ::

      hts •. . . . .                      hts, hrs   antennas above sea level
          |          ' ' . . . . • hrs    h          bare terrain above sea level
      g   |   /\\    _/\\            |      g          terrain + clutter; at both ends g = h
      h   |__/  \\__/    \\__________|      d          distance from the transmitter, km

Bullington's knife edge looks at ``g``; the smooth Earth is fitted to ``h``.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.compiled import reference_kernel
from trassa.radio.path_properties import SmoothEarth, smooth_earth
from trassa.radio.spherical_earth import spherical_earth_loss_db, wavelength_m

__all__ = [
    "BETA_EARTH_RADIUS_KM",
    "EARTH_RADIUS_KM",
    "Diffraction",
    "Polarisation",
    "delta_bullington",
    "diffraction",
    "diffraction_loss_db",
    "free_space_loss_db",
    "knife_edge_loss_db",
    "median_earth_radius_km",
]

FloatArray = npt.NDArray[np.float64]
Polarisation = Literal["horizontal", "vertical"]

EARTH_RADIUS_KM = 6371.0
BETA_EARTH_RADIUS_KM = 3.0 * EARTH_RADIUS_KM
"""a_β, eq (7b): the effective Earth radius exceeded for β0 % of the time."""


class Diffraction(NamedTuple):
    """One evaluation of §4.3.4 with its intermediates, for one effective Earth radius and polarisation."""

    hst_m: float
    """Smooth-Earth surface at the transmitter, Attachment 1 eq (85)."""
    hsr_m: float
    """Smooth-Earth surface at the receiver, eq (86)."""
    hobs_m: float
    """Highest obstruction above the straight line between the antennas, eq (87a)."""
    obstruction_t_m_per_km: float
    """Horizon slope of the obstructions from the transmitter, α_obt, eq (87b)."""
    obstruction_r_m_per_km: float
    """The same from the receiver, α_obr, eq (87c)."""
    hstd_m: float
    """Smooth-Earth surface for diffraction at the transmitter, eq (88)–(89)."""
    hsrd_m: float
    """The same at the receiver."""
    htc_m: float
    """Effective height of the transmitter above that surface, eq (37a)."""
    hrc_m: float
    """Effective height of the receiver, eq (37b)."""
    bullington_actual_db: float
    """L_bulla: Bullington loss of the actual path, eq (21)."""
    bullington_smooth_db: float
    """L_bulls: Bullington loss of the smooth path, eq (21)."""
    spherical_earth_db: float
    """L_dsph: spherical-Earth loss, eq (27)."""
    loss_db: float
    """L_d: delta-Bullington diffraction loss, eq (39)."""


def median_earth_radius_km(dn_per_km: float) -> float:
    """a_e in km, eq (7a), from the refractivity lapse rate in N-units/km: 45 where nothing better is known."""
    if not -200.0 < dn_per_km < 157.0:
        raise InputError(f"radio: refractivity lapse rate {dn_per_km:g} N-units/km is outside −200…157", cure="dn = 45")
    return EARTH_RADIUS_KM * 157.0 / (157.0 - dn_per_km)


@reference_kernel
def free_space_loss_db(frequency_ghz: float, distance_km: float, height_difference_m: float) -> float:
    """Basic free-space loss in dB, eq (8), over the slant path between antennas that differ by that height."""
    slant_km = math.hypot(distance_km, 0.001 * height_difference_m)
    return 92.4 + 20.0 * math.log10(frequency_ghz) + 20.0 * math.log10(slant_km)


@reference_kernel
def knife_edge_loss_db(nu: float) -> float:
    """J(ν) in dB, eq (12); zero up to ν = −0.78."""
    if nu <= -0.78:
        return 0.0
    return 6.9 + 20.0 * math.log10(math.sqrt((nu - 0.1) ** 2 + 1.0) + nu - 0.1)


@reference_kernel
def _bullington_loss_db(
    d: FloatArray, g: FloatArray, relief: float, hts_m: float, hrs_m: float, radius_km: float, frequency_ghz: float
) -> float:
    """§4.3.1: one knife edge that stands for the whole profile. NaN in ``g`` gives NaN.

    ``relief`` is 1 for the actual path and 0 for the smooth one, whose heights are all zero.
    """
    last = len(d) - 1
    dtot: float = d[last]
    curvature = 1.0 / radius_km
    per_fresnel = 0.002 / wavelength_m(frequency_ghz)
    stim: float = -math.inf
    srim: float = -math.inf
    nu: float = -math.inf
    for i in range(1, last):
        to_end = dtot - d[i]
        raised = relief * g[i] + 500.0 * curvature * d[i] * to_end
        if math.isnan(raised):
            return math.nan
        stim = max(stim, (raised - hts_m) / d[i])  # (13)
        srim = max(srim, (raised - hrs_m) / to_end)  # (17)
        line = (hts_m * to_end + hrs_m * d[i]) / dtot
        nu = max(nu, (raised - line) * math.sqrt(per_fresnel * dtot / (d[i] * to_end)))  # (15)
    if stim >= (hrs_m - hts_m) / dtot:  # (14): the path is obstructed
        # (18); at a grazing ray it is 0/0, yet the edge stays between the profile's inner points
        d_b = (hrs_m - hts_m + srim * dtot) / max(stim + srim, 1e-12)
        d_b = min(max(d_b, d[1]), d[last - 1])
        line = (hts_m * (dtot - d_b) + hrs_m * d_b) / dtot
        nu = (hts_m + stim * d_b - line) * math.sqrt(per_fresnel * dtot / (d_b * (dtot - d_b)))  # (19)
    luc = knife_edge_loss_db(nu)  # (16), (20)
    return luc + (1.0 - math.exp(-luc / 6.0)) * (10.0 + 0.02 * dtot)  # (21)


@reference_kernel
def delta_bullington(
    d: FloatArray,
    g: FloatArray,
    surface: SmoothEarth,
    hts_m: float,
    hrs_m: float,
    radius_km: float,
    frequency_ghz: float,
    sea_share: float,
    vertical: bool,
) -> Diffraction:
    """§4.3.4 over a profile whose smooth surface is known already, for compiled callers. Arguments unchecked."""
    dtot = d[len(d) - 1]
    htc, hrc = surface.htc_m, surface.hrc_m
    actual_db = _bullington_loss_db(d, g, 1.0, hts_m, hrs_m, radius_km, frequency_ghz)
    smooth_db = _bullington_loss_db(d, g, 0.0, htc, hrc, radius_km, frequency_ghz)
    sphere_db = spherical_earth_loss_db(dtot, htc, hrc, radius_km, frequency_ghz, sea_share, vertical)
    loss_db = actual_db + max(sphere_db - smooth_db, 0.0)  # (39)
    return Diffraction(
        surface.hst_m,
        surface.hsr_m,
        surface.hobs_m,
        surface.obstruction_t_m_per_km,
        surface.obstruction_r_m_per_km,
        surface.hstd_m,
        surface.hsrd_m,
        htc,
        hrc,
        actual_db,
        smooth_db,
        sphere_db,
        loss_db,
    )


@reference_kernel
def diffraction_loss_db(
    d: FloatArray,
    h: FloatArray,
    g: FloatArray,
    hts_m: float,
    hrs_m: float,
    radius_km: float,
    frequency_ghz: float,
    sea_share: float,
    vertical: bool,
) -> float:
    """L_d in dB alone, for hot loops and compiled callers. Arguments as in `diffraction`, unchecked."""
    surface = smooth_earth(d, h, hts_m, hrs_m)
    return delta_bullington(d, g, surface, hts_m, hrs_m, radius_km, frequency_ghz, sea_share, vertical).loss_db


def diffraction(
    distance_km: npt.ArrayLike,
    ground_m: npt.ArrayLike,
    clutter_m: npt.ArrayLike,
    *,
    hts_m: float,
    hrs_m: float,
    frequency_ghz: float,
    earth_radius_km: float,
    sea_share: float = 0.0,
    polarisation: Polarisation = "vertical",
) -> Diffraction:
    """Delta-Bullington diffraction of one path, ITU-R P.1812 Annex 1 §4.3.4, with every intermediate value.

    ``distance_km``, ``ground_m`` (bare terrain above sea level) and ``clutter_m`` have shape (n,), n ≥ 5, distances
    rising from 0; the clutter of both ends is ignored, as the Recommendation has it. ``hts_m`` and ``hrs_m`` are
    the antennas above sea level. ``earth_radius_km`` is `median_earth_radius_km` or `BETA_EARTH_RADIUS_KM`.
    Raises InputError on a profile that the method cannot take.
    """
    d = np.ascontiguousarray(distance_km, dtype=np.float64)
    h = np.ascontiguousarray(ground_m, dtype=np.float64)
    g = h + np.asarray(clutter_m, dtype=np.float64)
    _check(d, h, g, hts_m, hrs_m, frequency_ghz)
    g[0], g[-1] = h[0], h[-1]
    return delta_bullington(
        d,
        g,
        smooth_earth(d, h, float(hts_m), float(hrs_m)),
        float(hts_m),
        float(hrs_m),
        float(earth_radius_km),
        float(frequency_ghz),
        float(sea_share),
        polarisation == "vertical",
    )


def _check(d: FloatArray, h: FloatArray, g: FloatArray, hts_m: float, hrs_m: float, frequency_ghz: float) -> None:
    if len(d) < 5 or d.shape != h.shape or d.shape != g.shape:
        raise InputError(f"radio: a path profile has {len(d)} points, P.1812 needs at least 5 of each kind")
    if d[0] != 0.0 or not np.all(np.diff(d) > 0.0):
        raise InputError("radio: profile distances must rise from 0 km")
    if not (np.all(np.isfinite(h)) and np.all(np.isfinite(g))):
        raise InputError("radio: the path profile touches unknown ground")
    if not 0.03 <= frequency_ghz <= 6.0:
        raise InputError(f"radio: frequency {1000.0 * frequency_ghz:g} MHz is outside 30…6000 MHz of P.1812")
    if hts_m <= h[0] or hrs_m <= h[-1]:
        raise InputError("radio: an antenna must stand above the ground of its end of the path")
