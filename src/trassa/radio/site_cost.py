"""What a site costs where it stands: mast and equipment, and the ways to mains power and to the cable.

The ways are straight: what a line bends around is in the range of its price. Power comes from the nearest mains of the
map (:mod:`trassa.road.power`); an existing mast has it. The cable lies along the reference line, so the drop is the
site's distance from that, across the other carriageway where it stands beyond it; the bill counts the drop and its
crossing where the line is planned, not here.

Ways are rounded up to whole 10 m: no map knows them better, and sites that are alike stay alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyproj
from scipy.spatial import cKDTree

from trassa.money import minor_from_quantity
from trassa.radio.prices import RadioPrices
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

__all__ = ["fibre_drop_m", "place_minor", "power_m"]

FloatArray = npt.NDArray[np.float64]

_WGS84 = pyproj.Geod(ellps="WGS84")
_STEP_M = 10.0
_SLACK_M = 1e-6


def place_minor(kind: str, height_m: float, power_m: float, fibre_drop_m: float, prices: RadioPrices) -> int:
    """What a place costs before its sectors, in minor units; each quantity times its price is rounded once."""
    ways_minor = _per_km(prices.power_line_km.amount_minor, power_m)
    ways_minor += _per_km(prices.fibre_drop_km.amount_minor, fibre_drop_m)
    if kind == "existing":
        return prices.existing_mast.amount_minor + prices.equipment.amount_minor + ways_minor
    steel_minor = minor_from_quantity(prices.new_mast_metre.amount_minor, height_m)
    return prices.new_mast.amount_minor + steel_minor + prices.equipment.amount_minor + ways_minor


def fibre_drop_m(offset_m: FloatArray) -> FloatArray:
    """Way from a site to the cable by the site's distance from the reference line, shape (n,)."""
    return _up(np.abs(offset_m))


def power_m(
    road: Road,
    kind: npt.NDArray[np.object_],
    latitude_deg: FloatArray,
    longitude_deg: FloatArray,
    settings: RadioSettings,
) -> FloatArray:
    """Way from each place to mains power, shape (n,): the WGS 84 geodesic to the nearest point of the map's mains.

    0 on existing masts; ``power_assumed_m`` where the map shows no mains at all or the axis has no geometry; never
    more than ``power_limit_m``.
    """
    way_m = np.where(kind == "existing", 0.0, settings.power_assumed_m)
    sought = np.flatnonzero((kind != "existing") & np.isfinite(latitude_deg))
    if len(road.power) and len(sought):
        lat, lon = road.power["latitude_deg"], road.power["longitude_deg"]
        near = cKDTree(_on_sphere(lat, lon)).query(_on_sphere(latitude_deg[sought], longitude_deg[sought]))[1]
        found = _WGS84.inv(longitude_deg[sought], latitude_deg[sought], lon[near], lat[near])[2]
        way_m[sought] = np.minimum(found, settings.power_limit_m)
    return _up(way_m)


def _up(way_m: FloatArray) -> FloatArray:
    return np.asarray(np.ceil((way_m - _SLACK_M) / _STEP_M).clip(0.0) * _STEP_M, dtype=np.float64)


def _on_sphere(latitude_deg: FloatArray, longitude_deg: FloatArray) -> FloatArray:
    """Points of the unit sphere, shape (n, 3): what is near on the ground is near there."""
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _per_km(price_minor: int, way_m: float) -> int:
    return minor_from_quantity(price_minor, round(way_m / 1000.0, 3))
