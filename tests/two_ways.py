"""The same few hundred paths by the planner's fast path and by verification's own way, at a small share of time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from trassa.plan.verify.radio.one_path import P1812, Ends, Mast, Wave, terrain_losses_db
from trassa.plan.verify.radio.woods import Woods
from trassa.plan.verify.sampler import joined
from trassa.plan.verify.tiles import Tile
from trassa.radio.links import terrain_links
from trassa.road.ground import GroundGrid
from trassa.road.hills import generated_hills

__all__ = ["fast_db", "own_db"]

FloatArray = npt.NDArray[np.float64]

_NORTH, _WEST, _LAT, _LON, _SIDE = 50.1, 9.9, 1.0 / 3600.0, 1.0 / 2400.0, 720
_MASTS, _FAR, _NEAR = 3, 30, 12
_HEIGHT_M, _STEP_M, _RECEIVER_M = 12.0, 30.0, 1.5
_PERCENT, _MHZ, _REACH_M = 1.0, 1800.0, 20_000.0


def _scene() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], FloatArray, FloatArray]:
    """Ground, woods, masts (places, 2) and receivers (places, receivers, 2); some receivers stand below a mast."""
    random = np.random.default_rng(1812)
    ground = generated_hills(3, _NORTH, _WEST, _SIDE, _SIDE, _LAT, step_lon_deg=_LON)
    woods = np.kron(random.random((_SIDE // 6, _SIDE // 6)) < 0.3, np.ones((6, 6))).astype(np.uint8)
    masts = random.uniform([49.93, 9.98], [50.07, 10.12], (_MASTS, 2))
    away_m = np.concatenate([random.uniform(300.0, 6000.0, (_MASTS, _FAR)), random.uniform(2, 249, (_MASTS, _NEAR))], 1)
    bearing = random.uniform(0.0, 360.0, away_m.shape)
    start = [np.broadcast_to(masts[:, k : k + 1], away_m.shape) for k in (1, 0)]
    lon, lat, _ = Geod(ellps="WGS84").fwd(*start, bearing, away_m)
    return ground, woods, masts, np.stack([lat, lon], axis=-1)


def fast_db() -> FloatArray:
    """Losses by the planner's fast path, shape (masts, receivers)."""
    ground, woods, masts, receivers = _scene()
    clutter = np.where(woods == 1, np.float32(15.0), np.float32(0.0))
    grid = GroundGrid(_NORTH, _WEST, _LAT, _LON, ground, clutter, "bare", _STEP_M)
    found = []
    for mast, ends in zip(masts, receivers, strict=True):
        lat, lon = ends[:, 0], ends[:, 1]
        base, road = grid.sample(mast[:1], mast[1:])[0], grid.sample(lat, lon)[0]
        links = terrain_links(
            grid, mast[:1], mast[1:], base, np.array([[_HEIGHT_M]]), lat, lon, road, frequency_mhz=_MHZ,
            receiver_antenna_m=_RECEIVER_M, reach_m=_REACH_M, dn_per_km=45.0, time_percent=_PERCENT,
        )  # fmt: skip
        losses = np.full(len(lat), np.nan)
        losses[links.receiver] = links.loss_db[:, 0]
        found.append(losses)
    return np.array(found)


def own_db() -> FloatArray:
    """The same by verification's own way."""
    ground, woods, masts, receivers = _scene()
    tiles = joined([Tile("hills", _NORTH, _WEST, _LAT, _LON, ground)])
    cover = Woods(np.array([_NORTH, _WEST, _LAT, _LON]), woods, np.array([0.0, 15.0]))
    wave = Wave(0.001 * _MHZ, 45.0, 325.0, _RECEIVER_M, _STEP_M, P1812, time_percent=_PERCENT)
    found = []
    for mast, ends in zip(masts, receivers, strict=True):
        lat, lon = ends[:, 0].copy(), ends[:, 1].copy()
        there = np.full(len(lat), mast[0]), np.full(len(lat), mast[1])
        away_m = np.asarray(Geod(ellps="WGS84").inv(there[1], there[0], lon, lat)[2])
        base = float(tiles.height_m(mast[:1], mast[1:])[0])
        foot = Ends(lat, lon, np.asarray(tiles.height_m(lat, lon)), away_m)
        found.append(terrain_losses_db(Mast(mast[0], mast[1], _HEIGHT_M, base), foot, tiles, cover, wave))
    return np.array(found)
