"""The profiles that a plan shows of its sites, sampled again at a few places each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.paths import Surroundings
from trassa.plan.verify.radio.woods import woods_along
from trassa.plan.verify.verdict import Row

__all__ = ["check_profiles"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = pyproj.Geod(ellps="WGS84")

_SAMPLES = 8
_SAME_M, _HEIGHT_M = 1.0, 0.5


def check_profiles(evidence: Evidence, due: DueBins, ground: Surroundings) -> Row:
    """Every site that serves best somewhere is shown to the farthest such place, over the ground that is there."""
    profiles, sites, wrong = evidence.layers["profiles"], evidence.layers["sites"], []
    row_of = {str(name): row for row, name in enumerate(sites["site"])}
    ends = _farthest(evidence, due)
    wrong += [f"{name} is shown, which serves best nowhere" for name in set(profiles["site"].tolist()) - ends.keys()]
    for name, end in ends.items():
        mine = profiles.where(site=name)
        if len(mine):
            wrong += [f"the profile of {name} {said}" for said in _off(mine, sites, row_of[name], due, end, ground)]
        elif np.isfinite(_own(ground, sites, row_of[name], due, end, np.linspace(0.05, 0.95, 50))[0]).all():
            wrong.append(f"{name} has no profile")
    said = "; ".join(wrong[:3]) or f"{len(ends)} sites, each profile as the tiles have it at {_SAMPLES} places"
    return Row("radio.profiles", "", None, "m", not wrong, None, said)


def _farthest(evidence: Evidence, due: DueBins) -> dict[str, int]:
    """By site the farthest point of the bins that name it as their server."""
    sites, bins = evidence.layers["sites"], evidence.layers["bins"]
    there = np.flatnonzero(due.counted & (due.stored >= 0))
    named, found = bins["server"][due.stored[there]], {}
    for row, name in enumerate(sites["site"].tolist()):
        mine = there[named == name]
        if len(mine):
            points = np.unique(np.concatenate([due.edges.first[mine], due.edges.last[mine]]))
            found[name] = int(points[np.argmax(_away_m(sites, row, due, points))])
    return found


def _away_m(sites: Layer, row: int, due: DueBins, points: npt.NDArray[np.int64]) -> FloatArray:
    there, count = due.receivers.take(points), len(points)
    here = np.full(count, sites["longitude_deg"][row]), np.full(count, sites["latitude_deg"][row])
    return np.asarray(_WGS84.inv(*here, there.longitude_deg, there.latitude_deg)[2], dtype=np.float64)


def _off(profile: Layer, sites: Layer, row: int, due: DueBins, end: int, ground: Surroundings) -> list[str]:
    """What one profile has otherwise: its far end, its distances, its heights."""
    wrong, length_m = [], float(_away_m(sites, row, due, np.array([end]))[0])
    ways = due.carriageway[np.flatnonzero((due.edges.first == end) | (due.edges.last == end))]
    told_m, way = profile["to_measure_m"], profile["to_carriageway"]
    if (told_m != due.receivers.measure_m[end]).any() or not np.isin(way, ways).all():
        ties = np.abs(_away_m(sites, row, due, _named(due, told_m[0], str(way[0]))) - length_m) <= _SAME_M
        if len(set(told_m.tolist())) > 1 or len(set(way.tolist())) > 1 or not ties.any():
            return ["does not run to the farthest place that the site serves best"]
        end = int(_named(due, told_m[0], str(way[0]))[0])
    distance_m, share = profile["distance_m"], profile["distance_m"] / max(length_m, 1.0)
    if (np.diff(distance_m) <= 0.0).any() or distance_m[0] != 0.0 or abs(distance_m[-1] - length_m) > _SAME_M:
        return [f"does not run from 0 to {length_m:.0f} m"]
    some = np.unique(np.linspace(0, len(profile) - 1, _SAMPLES + 2).astype(np.int64))
    inner = some[1:-1]
    level_m, clutter_m = _own(ground, sites, row, due, end, share[inner])
    level_m = np.concatenate([[sites["ground_m"][row]], level_m, [due.receivers.height_m[end]]])
    clutter_m = np.concatenate([[0.0], clutter_m, [0.0]])
    for name, found in (("ground_m", level_m), ("clutter_m", clutter_m)):
        apart = np.abs(profile[name][some] - found)
        if not (apart <= _HEIGHT_M).all():
            at = int(np.argmax(np.nan_to_num(apart, nan=np.inf)))
            told, where = float(profile[name][some[at]]), float(distance_m[some[at]])
            wrong.append(f"has {name.removesuffix('_m')} of {told:.1f} m at {where:.0f} m, found {found[at]:.1f} m")
    return wrong


def _named(due: DueBins, measure_m: float, way: str) -> npt.NDArray[np.int64]:
    """The points of a carriageway at a measure."""
    mine = due.carriageway == way
    points = np.unique(np.concatenate([due.edges.first[mine], due.edges.last[mine]]))
    return np.asarray(points[due.receivers.measure_m[points] == measure_m], dtype=np.int64)


def _own(
    ground: Surroundings, sites: Layer, row: int, due: DueBins, end: int, share: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Ground and what stands on it at shares of the way, the receiver's own road open."""
    lat, lon = float(sites["latitude_deg"][row]), float(sites["longitude_deg"][row])
    there = float(due.receivers.longitude_deg[end]), float(due.receivers.latitude_deg[end])
    azimuth_deg, _, length_m = _WGS84.inv(lon, lat, *there)
    count = len(share)
    away = np.full(count, lon), np.full(count, lat), np.full(count, azimuth_deg), share * length_m
    longitude, latitude, _ = (np.asarray(column, dtype=np.float64) for column in _WGS84.fwd(*away))
    level_m, clutter_m = ground.tiles.height_m(latitude, longitude), np.zeros(count)
    woods_along(latitude, longitude, ground.woods, clutter_m)
    beside = length_m * (1.0 - share) < ground.open_road_m
    level_m[beside] = np.minimum(level_m[beside], due.receivers.height_m[end])
    clutter_m[beside] = 0.0
    return level_m, clutter_m
