"""What a path profile says before any loss: horizons, smooth-Earth surfaces, roughness and radio-climatic zones.

ITU-R P.1812 (-7/-8), Annex 1 §3 and its Attachment 1, on the bare terrain ``h``. float64, any spacing of the profile.
The equation numbers are those that the published validation logs use as row names.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import reference_kernel

__all__ = [
    "COASTAL",
    "INLAND",
    "SEA",
    "DuctingHeights",
    "Horizon",
    "SmoothEarth",
    "ZoneExtents",
    "ducting_heights",
    "horizon",
    "path_centre_latitude_deg",
    "smooth_earth",
    "zone_extents",
]

FloatArray = npt.NDArray[np.float64]
ZoneArray = npt.NDArray[np.int8]

SEA, COASTAL, INLAND = 1, 3, 4
"""Radio-climatic zone codes of §3.2."""


class Horizon(NamedTuple):
    """What each antenna sees as its horizon: Attachment 1 §5.3 to §5.5."""

    dlt_km: float
    """Distance of the transmitter's horizon, eq (78)."""
    dlr_km: float
    """Distance of the receiver's horizon, eq (81a)."""
    theta_t_mrad: float
    """Elevation of the transmitter's horizon above the horizontal, eq (76)–(78)."""
    theta_r_mrad: float
    """Elevation of the receiver's horizon, eq (79)–(81)."""
    theta_mrad: float
    """Path angular distance, eq (82)."""
    first: int
    """Profile point of the transmitter's horizon."""
    last: int
    """Profile point of the receiver's horizon; on a line-of-sight path both are the point of largest ν."""


class SmoothEarth(NamedTuple):
    """The smooth surface fitted to the terrain, and what stands above the line between the antennas: §5.6."""

    hst_m: float
    """Smooth-Earth surface at the transmitter, eq (85)."""
    hsr_m: float
    """Smooth-Earth surface at the receiver, eq (86)."""
    hobs_m: float
    """Highest obstruction above the straight line between the antennas, eq (87a)."""
    obstruction_t_m_per_km: float
    """Horizon slope of the obstructions from the transmitter, α_obt, eq (87b)."""
    obstruction_r_m_per_km: float
    """The same from the receiver, α_obr, eq (87c)."""
    hstd_m: float
    """Surface for diffraction at the transmitter, eq (88)–(89)."""
    hsrd_m: float
    """The same at the receiver."""
    htc_m: float
    """Effective height of the transmitter above that surface, eq (37a)."""
    hrc_m: float
    """Effective height of the receiver, eq (37b)."""


class DuctingHeights(NamedTuple):
    """The smooth surface as ducting sees it: Attachment 1 §5.6.3."""

    hst_m: float
    """Surface at the transmitter, not above the terrain there, eq (90a)."""
    hsr_m: float
    """Surface at the receiver, eq (90b)."""
    hte_m: float
    """Effective height of the transmitter, eq (92a)."""
    hre_m: float
    """Effective height of the receiver, eq (92b)."""
    hm_m: float
    """Terrain roughness: the highest point above the surface between the horizons, eq (93)."""


class ZoneExtents(NamedTuple):
    """How much of the path lies over what; a run of zones reaches half a step beyond its outer points. §3.2, §3.6."""

    sea_share: float
    """ω: the share of the path over sea."""
    dtm_km: float
    """Longest continuous land, coastal or inland."""
    dlm_km: float
    """Longest continuous inland section."""


@reference_kernel
def _elevation_mrad(slope_m_per_km: float) -> float:
    return 1000.0 * math.atan(0.001 * slope_m_per_km)


@reference_kernel
def horizon(
    d: FloatArray, h: FloatArray, hts_m: float, hrs_m: float, radius_km: float, frequency_ghz: float
) -> Horizon:
    """Horizon distances and angles over the bare terrain for antennas at ``hts_m`` and ``hrs_m`` above sea level."""
    last = len(d) - 1
    dtot: float = d[last]
    per_km = 500.0 / radius_km
    theta_t = theta_r = nu_max = -math.inf
    at_t = at_r = at_nu = 1
    for i in range(1, last):
        to_end = dtot - d[i]
        from_t = (h[i] - hts_m) / d[i] - per_km * d[i]  # (77)
        from_r = (h[i] - hrs_m) / to_end - per_km * to_end  # (80)
        above_m = h[i] + per_km * d[i] * to_end - (hts_m * to_end + hrs_m * d[i]) / dtot
        nu = above_m / math.sqrt(d[i] * to_end)  # the shared factor √(0.002 d/λ) decides nothing
        if from_t > theta_t:
            theta_t, at_t = from_t, i
        if from_r >= theta_r:
            theta_r, at_r = from_r, i
        if nu >= nu_max:
            nu_max, at_nu = nu, i
    direct = (hrs_m - hts_m) / dtot - per_km * dtot
    if theta_t > direct:
        dlt, dlr = d[at_t], dtot - d[at_r]
    else:
        at_t = at_r = at_nu
        dlt, dlr = d[at_nu], dtot - d[at_nu]
        theta_t, theta_r = direct, (hts_m - hrs_m) / dtot - per_km * dtot
    theta_t, theta_r = _elevation_mrad(theta_t), _elevation_mrad(theta_r)
    theta = 1000.0 * dtot / radius_km + theta_t + theta_r
    return Horizon(dlt, dlr, theta_t, theta_r, theta, at_t, at_r)


@reference_kernel
def _fitted_m(d: FloatArray, h: FloatArray) -> tuple[float, float]:
    """Straight line through the bare terrain by least squares: h_st and h_sr, Attachment 1 §5.6.1."""
    v1 = v2 = 0.0
    for i in range(1, len(d)):
        step = d[i] - d[i - 1]
        v1 += step * (h[i] + h[i - 1])  # (83)
        v2 += step * (h[i] * (2.0 * d[i] + d[i - 1]) + h[i - 1] * (d[i] + 2.0 * d[i - 1]))  # (84)
    dtot = d[len(d) - 1]
    return (2.0 * v1 * dtot - v2) / dtot**2, (v2 - v1 * dtot) / dtot**2  # (85), (86)


@reference_kernel
def _obstructions(d: FloatArray, h: FloatArray, hts_m: float, hrs_m: float) -> tuple[float, float, float]:
    """Attachment 1 §5.6.2: (h_obs, α_obt, α_obr), the bare terrain above the line between the antennas."""
    last = len(d) - 1
    hobs = alpha_t = alpha_r = -math.inf
    for i in range(1, last):
        to_end = d[last] - d[i]
        above_m = h[i] - (hts_m * to_end + hrs_m * d[i]) / d[last]  # (87d)
        hobs = max(hobs, above_m)  # (87a)
        alpha_t = max(alpha_t, above_m / d[i])  # (87b)
        alpha_r = max(alpha_r, above_m / to_end)  # (87c)
    return hobs, alpha_t, alpha_r


@reference_kernel
def smooth_earth(d: FloatArray, h: FloatArray, hts_m: float, hrs_m: float) -> SmoothEarth:
    """The smooth-Earth surface of a profile as diffraction sees it; antennas above sea level."""
    hst, hsr = _fitted_m(d, h)
    hobs, alpha_t, alpha_r = _obstructions(d, h, hts_m, hrs_m)
    hstp, hsrp = hst, hsr
    if hobs > 0.0:
        hstp -= hobs * alpha_t / (alpha_t + alpha_r)  # (88)
        hsrp -= hobs * alpha_r / (alpha_t + alpha_r)
    hstd, hsrd = min(hstp, h[0]), min(hsrp, h[len(h) - 1])  # (89)
    return SmoothEarth(hst, hsr, hobs, alpha_t, alpha_r, hstd, hsrd, hts_m - hstd, hrs_m - hsrd)  # (37a), (37b)


@reference_kernel
def ducting_heights(
    d: FloatArray, h: FloatArray, surface: SmoothEarth, seen: Horizon, hts_m: float, hrs_m: float
) -> DuctingHeights:
    """The surface capped by the terrain at both ends, the heights above it and the roughness between the horizons."""
    end = len(d) - 1
    hst, hsr = min(surface.hst_m, h[0]), min(surface.hsr_m, h[end])  # (90a), (90b)
    slope = (hsr - hst) / d[end]  # (91)
    hm = -math.inf
    for i in range(min(seen.first, seen.last), max(seen.first, seen.last) + 1):
        hm = max(hm, h[i] - (hst + slope * d[i]))  # (93)
    return DuctingHeights(hst, hsr, hts_m - hst, hrs_m - hsr, hm)  # (92a), (92b)


@reference_kernel
def zone_extents(d: FloatArray, zone: ZoneArray) -> ZoneExtents:
    """Sea share and longest land and inland runs from the zone code of every profile point."""
    last = len(d) - 1
    sea = land = inland = dtm = dlm = 0.0
    for i in range(last + 1):
        start = d[i] if i == 0 else 0.5 * (d[i - 1] + d[i])
        end = d[i] if i == last else 0.5 * (d[i] + d[i + 1])
        reach = end - start
        if zone[i] == SEA:
            sea += reach
        land = 0.0 if zone[i] == SEA else land + reach
        inland = inland + reach if zone[i] == INLAND else 0.0
        dtm, dlm = max(dtm, land), max(dlm, inland)
    return ZoneExtents(sea / d[last], dtm, dlm)


@reference_kernel
def path_centre_latitude_deg(
    tx_latitude_deg: float, tx_longitude_deg: float, rx_latitude_deg: float, rx_longitude_deg: float, distance_km: float
) -> float:
    """φ, eq (4): latitude half of ``distance_km`` along the great circle from the transmitter to the receiver.

    Where both stand at one place there is no direction to go: the latitude is theirs.
    """
    phi_t, phi_r = math.radians(tx_latitude_deg), math.radians(rx_latitude_deg)
    across = math.radians(rx_longitude_deg - tx_longitude_deg)
    north = math.cos(phi_t) * math.sin(phi_r) - math.sin(phi_t) * math.cos(phi_r) * math.cos(across)
    east = math.sin(across) * math.cos(phi_r)
    whole = math.hypot(north, east)
    if whole == 0.0:
        return tx_latitude_deg
    arc = 0.5 * distance_km / 6371.0
    sine = math.sin(phi_t) * math.cos(arc) + math.cos(phi_t) * math.sin(arc) * north / whole
    return math.degrees(math.asin(min(max(sine, -1.0), 1.0)))
