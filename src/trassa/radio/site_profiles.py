"""The terrain between each mast and the farthest bin it serves best, as a planner wants to see it drawn."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.linear import Layer
from trassa.radio.bins import Bins, Points
from trassa.radio.layers import SCHEMAS
from trassa.road.ground import GroundGrid

__all__ = ["profiles_layer"]

FloatArray = npt.NDArray[np.float64]

_WGS84 = pyproj.Geod(ellps="WGS84")
_MOST_POINTS = 120


def profiles_layer(ground: GroundGrid | None, sites: Layer, points: Points, bins: Bins, served: Layer) -> Layer:
    """The profile of every site that is the best server anywhere; none without ground.

    ``served`` is the layer ``bins``, row by row the ``bins``; only those that count are looked at. A profile is sampled
    as paths are, at the step of the ground and with the receiver's own road open, and thinned to 120 points: of each
    group of neighbours the highest stays, so that no obstacle is lost.
    """
    parts = []
    for row in sites.rows() if ground is not None else ():
        mine = np.flatnonzero((served["server"] == row["site"]) & (served["exempt"] == ""))
        if ground is not None and len(mine):
            place = float(row["latitude_deg"]), float(row["longitude_deg"])
            end = _farthest(place, points, np.unique(np.concatenate([bins.start[mine], bins.end[mine]])))
            found = _profile(ground, place, float(row["ground_m"]), points, end)
            if found is not None:
                way = points.carriageways[int(points.carriageway[end])]
                parts.append((str(row["site"]), float(points.measure_m[end]), way, found))
    counts = [len(found) for *_, found in parts]
    joined = np.concatenate([np.empty((0, 3)), *(found for *_, found in parts)])
    return Layer.from_columns(
        SCHEMAS["profiles"],
        site=np.repeat(np.array([site for site, *_ in parts], dtype=object), counts),
        to_measure_m=np.repeat(np.array([measure_m for _, measure_m, *_ in parts]), counts),
        to_carriageway=np.repeat(np.array([way for _, _, way, _ in parts], dtype=object), counts),
        distance_m=joined[:, 0],
        ground_m=joined[:, 1],
        clutter_m=joined[:, 2],
    )


def _farthest(place: tuple[float, float], points: Points, at: npt.NDArray[np.int64]) -> int:
    latitude, longitude = points.latitude_deg[at], points.longitude_deg[at]
    here = np.full(len(at), place[1]), np.full(len(at), place[0])
    return int(at[np.argmax(_WGS84.inv(*here, longitude, latitude)[2])])


def _profile(
    ground: GroundGrid, place: tuple[float, float], mast_ground_m: float, points: Points, end: int
) -> FloatArray | None:
    """Distance, ground and clutter, shape (points, 3); None where the ground is unknown anywhere."""
    there = float(points.longitude_deg[end]), float(points.latitude_deg[end])
    length_m = float(_WGS84.inv(place[1], place[0], *there)[2])
    intervals = max(4, math.ceil(length_m / ground.profile_step_m))
    ends = (place[1], place[0], *there)
    way = _WGS84.inv_intermediate(*ends, npts=intervals + 1, initial_idx=0, terminus_idx=0, return_back_azimuth=False)
    level_m, clutter_m = ground.sample(np.array(way.lats), np.array(way.lons))
    share, road_m = np.arange(intervals + 1) / intervals, float(points.height_m[end])
    beside_road = length_m * (1.0 - share) < ground.open_road_m
    level_m[beside_road] = np.minimum(level_m[beside_road], road_m)
    clutter_m[beside_road] = 0.0
    level_m[0], level_m[-1] = mast_ground_m, road_m
    if not np.isfinite(level_m).all():
        return None
    clutter_m[[0, -1]] = 0.0
    return _thinned(np.column_stack([length_m * share, level_m, clutter_m]))


def _thinned(profile: FloatArray) -> FloatArray:
    """Both ends, and of each of up to 118 groups of inner points the highest with all that stands on it."""
    inner = profile[1:-1]
    groups = np.array_split(inner, min(len(inner), _MOST_POINTS - 2))
    highest = [group[int(np.argmax(group[:, 1] + group[:, 2]))] for group in groups]
    return np.vstack([profile[0], *highest, profile[-1]])
