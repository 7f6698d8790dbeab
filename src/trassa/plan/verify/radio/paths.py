"""Path losses computed again: great-ellipse points, native tiles, and the reference diffraction kernel.

The profile rule is the planner's, the way to it is not: points come from a recurrence of earth-centred vectors,
heights from the tiles as filed, clutter from scan lines, diffraction from the float64 kernel of the Recommendation.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.plan.verify.radio.antennas import Antennas
from trassa.plan.verify.radio.one_path import (
    FREE_SPACE,
    P1812,
    RURAL_MACRO,
    Ends,
    Mast,
    Wave,
    smooth_losses_db,
    terrain_losses_db,
)
from trassa.plan.verify.radio.walls import WallLines, wall_losses_db
from trassa.plan.verify.radio.woods import Woods
from trassa.plan.verify.sampler import Tiles
from trassa.provenance import Progress, no_progress
from trassa.radio.diffraction import median_earth_radius_km
from trassa.radio.settings import RadioSettings

__all__ = ["Links", "Receivers", "SmoothEarth", "Surroundings", "losses_db"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_WGS84 = pyproj.Geod(ellps="WGS84")
_SHORTEST_M = 1.0
_MODELS = {"p1812": P1812, "tr38901-rma": RURAL_MACRO, "free-space": FREE_SPACE}


@dataclass(frozen=True)
class Receivers:
    """Places on the road where the loss is wanted; arrays of shape (n,). ``height_m`` is the carriageway's own."""

    measure_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    height_m: FloatArray

    def take(self, index: IntArray) -> Receivers:
        """The receivers at an index array, in that order."""
        return Receivers(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Surroundings:
    """Terrain, clutter and the longest step that a profile may take over them, in metres.

    ``treetop_step_deg`` is the native step in latitude and longitude where the heights are those of treetops and roofs
    (a surface model), None where they are bare ground. Nearer than ``open_road_m`` to a receiver nothing stands above
    the road but ``walls``.
    """

    tiles: Tiles
    woods: Woods
    profile_step_m: float
    treetop_step_deg: tuple[float, float] | None = None
    open_road_m: float = 0.0
    walls: WallLines | None = None

    def mast_ground_m(self, latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> FloatArray:
        """What a mast stands on: of a surface model the lowest of nine heights one node apart, else the height."""
        lat, lon = np.broadcast_arrays(np.atleast_1d(latitude_deg), np.atleast_1d(longitude_deg))
        here = self.tiles.height_m(lat, lon)
        if self.treetop_step_deg is None:
            return here
        north, east = (np.array([-1.0, 0.0, 1.0]) * step for step in self.treetop_step_deg)
        around = self.tiles.height_m(lat[:, None, None] + north[:, None], lon[:, None, None] + east)
        known = np.where(np.isnan(around), np.inf, around).reshape(len(lat), 9).min(axis=1)
        return np.where(np.isnan(here), np.nan, known)


@dataclass(frozen=True)
class SmoothEarth:
    """No terrain: ground at sea level, distance from measure and offset, profile points ``profile_step_m`` apart."""

    profile_step_m: float = 30.0


Links = list[tuple[IntArray, FloatArray]]
"""For each antenna the receivers within reach (indices) and the losses to them in dB."""


def losses_db(
    antennas: Antennas,
    receivers: Receivers,
    ground: Surroundings | SmoothEarth,
    service: RadioSettings,
    progress: Progress = no_progress,
    time_percent: float = 50.0,
) -> Links:
    """Coupling losses from each antenna to the receivers in reach, not exceeded for a share of the time; two threads.

    Infinite over unknown ground.

    Paths of antennas that share a mast and a height are computed once.
    """
    radius_km = median_earth_radius_km(service.dn_per_km)
    wave = wave_of(service, ground.profile_step_m, time_percent)
    if isinstance(ground, Surroundings):
        wave = wave._replace(open_road_m=ground.open_road_m)

    level = not isinstance(ground, Surroundings)

    def links_of(group: IntArray) -> list[tuple[IntArray, FloatArray]]:
        if isinstance(ground, Surroundings):
            near, loss_db, ends, top_m = _over_terrain(
                antennas, int(group[0]), receivers, ground, wave, service.reach_m
            )
        else:
            near, loss_db, ends, top_m = _over_smooth_earth(antennas, int(group[0]), receivers, wave, service.reach_m)
        return [
            (near, loss_db + antennas.attenuation_db(one, ends, top_m, radius_km, level=level))
            for one in group.tolist()
        ]

    found: Links = [(np.empty(0, np.int64), np.empty(0))] * len(antennas)
    groups, done = antennas.same_mast(), 0
    with ThreadPoolExecutor(2) as threads:
        for group, links in zip(groups, threads.map(links_of, groups), strict=True):
            for one, link in zip(group.tolist(), links, strict=True):
                found[one] = link
            done += len(group)
            progress(done / len(antennas))
    return found


def wave_of(service: RadioSettings, profile_step_m: float, time_percent: float) -> Wave:
    """What the project sends, at half of the places."""
    return Wave(
        service.frequency_mhz / 1000.0,
        service.dn_per_km,
        service.n0,
        service.vehicle_antenna_m,
        profile_step_m,
        _MODELS[service.propagation],
        service.polarisation == "vertical",
        time_percent,
    )


_Path = tuple[IntArray, FloatArray, tuple[FloatArray, ...], float]
"""Receivers in reach, path losses, where the receivers are, and the height of the antenna above the sea."""


def _over_terrain(
    antennas: Antennas, number: int, receivers: Receivers, ground: Surroundings, wave: Wave, reach_m: float
) -> _Path:
    lat, lon = float(antennas.latitude_deg[number]), float(antennas.longitude_deg[number])
    near = _near(lat, lon, receivers, reach_m)
    rx_lat, rx_lon = receivers.latitude_deg[near], receivers.longitude_deg[near]
    away = _WGS84.inv(np.full(len(near), lon), np.full(len(near), lat), rx_lon, rx_lat)[2]
    distance_m = np.asarray(away, dtype=np.float64)
    inside = distance_m <= reach_m
    near, distance_m = near[inside], np.maximum(distance_m[inside], _SHORTEST_M)
    mast = Mast(lat, lon, float(antennas.height_m[number]), float(ground.mast_ground_m(lat, lon)[0]))
    ends = Ends(rx_lat[inside], rx_lon[inside], receivers.height_m[near], distance_m)
    loss_db = np.asarray(terrain_losses_db(mast, ends, ground.tiles, ground.woods, wave), dtype=np.float64)
    if ground.walls is not None:
        loss_db = loss_db + wall_losses_db(mast, ends, ground.walls, wave)
    seen = (receivers.measure_m[near], ends.latitude_deg, ends.longitude_deg, ends.height_m + wave.receiver_antenna_m)
    return near, loss_db, (*seen, distance_m), mast.ground_m + mast.antenna_m


def _near(latitude_deg: float, longitude_deg: float, receivers: Receivers, reach_m: float) -> IntArray:
    """Receivers in a box a little wider than the reach."""
    lat_deg = reach_m / 110_500.0
    lon_deg = lat_deg / max(math.cos(math.radians(abs(latitude_deg) + lat_deg)), 0.01)
    north = np.abs(receivers.latitude_deg - latitude_deg) <= lat_deg
    return np.flatnonzero(north & (np.abs(receivers.longitude_deg - longitude_deg) <= lon_deg))


def _over_smooth_earth(antennas: Antennas, number: int, receivers: Receivers, wave: Wave, reach_m: float) -> _Path:
    distance_m = np.hypot(receivers.measure_m - antennas.measure_m[number], antennas.offset_m[number])
    near = np.flatnonzero(distance_m <= reach_m)
    distinct_m, back = np.unique(np.maximum(distance_m[near], _SHORTEST_M), return_inverse=True)
    height_m = float(antennas.height_m[number])
    loss_db = np.asarray(smooth_losses_db(distinct_m, height_m, wave))[back]
    level = np.full(len(near), wave.receiver_antenna_m)
    seen = (receivers.measure_m[near], receivers.latitude_deg[near], receivers.longitude_deg[near], level)
    return near, loss_db, (*seen, distinct_m[back]), height_m
