"""From path loss to coupling loss: the antennas of every option, as each link sees them.

::

    coupling loss = path loss + min over sectors (attenuation of the pattern towards the receiver) + back-off

The pattern's gain on its axis is in the EIRP. A wave leaves a mast along the straight line to the receiver over the
effective Earth; a path that bends over a hill is taken to leave in the same direction: an assumption of its own.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from trassa.radio.antenna import AntennaPattern
from trassa.radio.bins import Points
from trassa.radio.candidates import Candidates
from trassa.radio.compiled import compiled
from trassa.radio.links import Links
from trassa.radio.options import Options
from trassa.radio.path_geometry import EarthPoints, earth_points

__all__ = ["Looks", "coupled", "looks_along_road", "looks_over_terrain", "option_attenuation_db"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PLACES_AT_ONCE = 64


class Looks:
    """How links leave their mast: azimuths off both axes, and the angle below the horizon per mast height.

    ``ahead_deg`` and ``back_deg`` have shape (links,), ``below_deg`` (links, masts).
    """

    def __init__(self, ahead_deg: FloatArray, back_deg: FloatArray, below_deg: FloatArray) -> None:
        self.ahead_deg, self.back_deg, self.below_deg = ahead_deg, back_deg, below_deg


def coupled(
    links: Links,
    candidates: Candidates,
    points: Points,
    pattern: AntennaPattern | None,
    radius_km: float,
    receiver_m: float,
    *,
    along_road: bool,
) -> Links:
    """Coupling losses of every option, shape (links, options), from path losses of every mast height (links, masts).

    ``along_road`` takes angles from measure and offset, where there is no terrain.
    """
    options = candidates.options
    if len(options) == links.loss_db.shape[1] and not options.directed and not options.back_off_db.any():
        return links
    loss_db = np.empty((len(links), len(options)), dtype=np.float32)
    if pattern is None or not options.directed:
        loss_db[:] = links.loss_db[:, options.mast] + options.back_off_db.astype(np.float32)
        return Links(links.place_start, links.receiver, loss_db)
    for first in range(0, len(candidates), _PLACES_AT_ONCE):
        last = min(first + _PLACES_AT_ONCE, len(candidates))
        part = slice(int(links.place_start[first]), int(links.place_start[last]))
        place = np.repeat(np.arange(first, last), np.diff(links.place_start[first : last + 1]))
        where = (candidates, points, place, links.receiver[part].astype(np.int64))
        looks = (
            looks_along_road(*where, radius_km, receiver_m)
            if along_road
            else looks_over_terrain(*where, radius_km, receiver_m)
        )
        loss_db[part] = links.loss_db[part][:, options.mast] + option_attenuation_db(options, looks, pattern)
    return Links(links.place_start, links.receiver, loss_db)


def option_attenuation_db(options: Options, looks: Looks, pattern: AntennaPattern) -> FloatArray:
    """What the antennas of every option take from each link, shape (links, options); the better sector counts."""
    found = np.empty((len(looks.ahead_deg), len(options)))
    seen: dict[tuple[int, float, str], FloatArray] = {}
    for column in range(len(options)):
        mast, tilt_deg = int(options.mast[column]), float(options.tilt_deg[column])
        sectors = [
            _sector_db(seen, (mast, tilt_deg, side), looks, pattern)
            for side, there in (("ahead", options.ahead[column]), ("back", options.back[column]))
            if there
        ]
        found[:, column] = (np.minimum.reduce(sectors) if sectors else 0.0) + options.back_off_db[column]
    return found


def _sector_db(
    seen: dict[tuple[int, float, str], FloatArray], key: tuple[int, float, str], looks: Looks, pattern: AntennaPattern
) -> FloatArray:
    if key not in seen:
        mast, tilt_deg, side = key
        off_deg = looks.ahead_deg if side == "ahead" else looks.back_deg
        seen[key] = pattern.attenuation_db(off_deg, looks.below_deg[:, mast], tilt_deg)
    return seen[key]


def looks_over_terrain(
    candidates: Candidates, points: Points, place: IntArray, receiver: IntArray, radius_km: float, receiver_m: float
) -> Looks:
    """Angles of links by the coordinates of their ends; ``place`` and ``receiver`` have shape (links,)."""
    masts = earth_points(candidates.latitude_deg, candidates.longitude_deg, candidates.ground_m)
    road = earth_points(points.latitude_deg, points.longitude_deg, points.height_m)
    azimuth_deg, distance_m = np.empty(len(place)), np.empty(len(place))
    _azimuths(masts, road, place, receiver, azimuth_deg, distance_m)
    heights_m = candidates.mast_heights_m[place] + candidates.ground_m[place][:, None]
    lower_m = heights_m - (points.height_m[receiver] + receiver_m)[:, None]
    ahead_deg = _off_axis(azimuth_deg - candidates.ahead_deg[place])
    return Looks(ahead_deg, _off_axis(azimuth_deg - candidates.back_deg[place]), _below(lower_m, distance_m, radius_km))


def looks_along_road(
    candidates: Candidates, points: Points, place: IntArray, receiver: IntArray, radius_km: float, receiver_m: float
) -> Looks:
    """The same on an axis without geometry: straight, level, sectors along it."""
    along_m = points.measure_m[receiver] - candidates.measure_m[place]
    offset_m = np.abs(candidates.offset_m[place])
    off_deg = np.degrees(np.arctan2(offset_m, along_m))
    lower_m = candidates.mast_heights_m[place] - receiver_m
    distance_m = np.maximum(np.hypot(along_m, offset_m), 1.0)
    return Looks(off_deg, 180.0 - off_deg, _below(lower_m, distance_m, radius_km))


def _below(lower_m: FloatArray, distance_m: FloatArray, radius_km: float) -> FloatArray:
    """Angle below the horizon in degrees: height over distance, and half the turn of the effective Earth."""
    distance = np.maximum(distance_m, 1.0)[:, None]
    return np.asarray(np.degrees(np.arctan2(lower_m, distance) + distance / (2000.0 * radius_km)), dtype=np.float64)


def _off_axis(angle_deg: FloatArray) -> FloatArray:
    return np.asarray((angle_deg + 180.0) % 360.0 - 180.0, dtype=np.float64)


@compiled
def _azimuths(
    a: EarthPoints, b: EarthPoints, place: IntArray, receiver: IntArray, azimuth_deg: FloatArray, distance_m: FloatArray
) -> None:
    """Azimuth of the chord in the mast's horizontal plane, degrees from north, and the chord's length."""
    for k in range(len(place)):
        i, j = place[k], receiver[k]
        x, y, z = b.x_m[j] - a.x_m[i], b.y_m[j] - a.y_m[i], b.z_m[j] - a.z_m[i]
        phi, lam = math.radians(a.latitude_deg[i]), math.radians(a.longitude_deg[i])
        east = -math.sin(lam) * x + math.cos(lam) * y
        north = math.cos(phi) * z - math.sin(phi) * (math.cos(lam) * x + math.sin(lam) * y)
        azimuth_deg[k] = math.degrees(math.atan2(east, north))
        distance_m[k] = math.sqrt(x * x + y * y + z * z)
