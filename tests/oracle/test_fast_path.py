"""The fast path against the float64 reference, on grids: other geodesics, other samplers, other arithmetic."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pyproj import Geod

from trassa.radio.links import Links, terrain_links
from trassa.radio.p1812 import Climate, Terminals, Wave, transmission_loss
from trassa.radio.path_properties import INLAND
from trassa.radio.reference_path import reference_loss_db
from trassa.radio.settings import RadioSettings
from trassa.road.ground import GroundGrid
from trassa.road.hills import generated_hills

GEOD = Geod(ellps="WGS84")
LIMIT_DB = 0.05
REACH_M = 50_000.0

FloatArray = npt.NDArray[np.float64]


def bilinear(ground: GroundGrid, surface: npt.NDArray[np.float32], lat: FloatArray, lon: FloatArray) -> FloatArray:
    row, col = (ground.north_deg - lat) / ground.step_lat_deg, (lon - ground.west_deg) / ground.step_lon_deg
    i = np.clip(np.floor(row).astype(int), 0, surface.shape[0] - 2)
    j = np.clip(np.floor(col).astype(int), 0, surface.shape[1] - 2)
    u, v, z = row - i, col - j, surface.astype(np.float64)
    return (1 - u) * ((1 - v) * z[i, j] + v * z[i, j + 1]) + u * ((1 - v) * z[i + 1, j] + v * z[i + 1, j + 1])


@dataclass
class Scene:
    """Masts and receivers over a ground: latitude, longitude and height in rows."""

    ground: GroundGrid
    mast: FloatArray
    receiver: FloatArray
    heights_m: FloatArray
    settings: RadioSettings
    time_percent: float = 50.0

    @classmethod
    def drawn(cls, ground: GroundGrid, seed: int, masts: int = 12, receivers: int = 25, **settings: object) -> Scene:
        """Both strewn over the ground."""
        rng = np.random.default_rng(seed)
        rows, cols = ground.ground_m.shape

        def places(count: int) -> FloatArray:
            lat = ground.north_deg - rng.uniform(0.05, 0.95, count) * (rows - 1) * ground.step_lat_deg
            lon = ground.west_deg + rng.uniform(0.05, 0.95, count) * (cols - 1) * ground.step_lon_deg
            return np.array([lat, lon, bilinear(ground, ground.ground_m, lat, lon)])

        mast, receiver = places(masts), places(receivers)
        receiver[2] += rng.normal(0.0, 3.0, receivers)  # roads stand on banks and in cuttings
        return cls(ground, mast, receiver, np.tile([15.0, 35.0, 70.0], (masts, 1)), RadioSettings(**settings))

    @classmethod
    def around(
        cls,
        ground: GroundGrid,
        rng: np.random.Generator,
        span_m: tuple[float, float],
        receivers: int,
        **settings: object,
    ) -> Scene:
        """One mast and receivers at all bearings, their distances spread over orders of magnitude."""
        rows, cols = ground.ground_m.shape
        share = rng.uniform(0.1, 0.9, 2)
        lat = ground.north_deg - share[0] * (rows - 1) * ground.step_lat_deg
        lon = ground.west_deg + share[1] * (cols - 1) * ground.step_lon_deg
        length = np.exp(rng.uniform(*np.log(span_m), receivers))
        there = GEOD.fwd(np.full(receivers, lon), np.full(receivers, lat), rng.uniform(0.0, 360.0, receivers), length)
        row, col = (
            (ground.north_deg - there[1]) / ground.step_lat_deg,
            (there[0] - ground.west_deg) / ground.step_lon_deg,
        )
        inside = (row > 0) & (row < rows - 1) & (col > 0) & (col < cols - 1)
        receiver = np.array([there[1][inside], there[0][inside], np.zeros(inside.sum())])
        receiver[2] = bilinear(ground, ground.ground_m, *receiver[:2]) + rng.normal(0.0, 3.0, inside.sum())
        mast = np.array([[lat], [lon], [0.0]])
        mast[2] = bilinear(ground, ground.ground_m, mast[0], mast[1])
        return cls(ground, mast, receiver, rng.uniform(10.0, 80.0, (1, 1)), RadioSettings(**settings))

    def fast(self, ground: GroundGrid | None = None) -> Links:
        s = self.settings
        return terrain_links(
            ground or self.ground, *self.mast, self.heights_m, *self.receiver, frequency_mhz=s.frequency_mhz,
            receiver_antenna_m=s.vehicle_antenna_m, reach_m=REACH_M, dn_per_km=s.dn_per_km, n0_n_units=s.n0,
            polarisation=s.polarisation, propagation=s.propagation, time_percent=self.time_percent,
        )  # fmt: skip

    def reference_db(self, place: int, receiver: int, height_m: float) -> float:
        mast, there = (*map(float, self.mast[:, place]), height_m), tuple(map(float, self.receiver[:, receiver]))
        return reference_loss_db(self.ground, mast, there, self.settings, self.time_percent)

    def own_db(self, place: int, receiver: int, height_m: float) -> float:
        """P.1812 over a profile that this file samples itself."""
        (lat, lon, mast_m), (lat_r, lon_r, road_m) = self.mast[:, place], self.receiver[:, receiver]
        length_m = GEOD.inv(lon, lat, lon_r, lat_r)[2]
        n = max(4, math.ceil(length_m / self.ground.profile_step_m))
        lon_i, lat_i = np.array(GEOD.npts(lon, lat, lon_r, lat_r, n - 1)).T
        inner_m = bilinear(self.ground, self.ground.ground_m, lat_i, lon_i)
        clutter_m = bilinear(self.ground, self.ground.clutter_m, lat_i, lon_i)
        own_road = length_m * np.arange(n - 1, 0, -1) / n < self.ground.open_road_m
        inner_m = np.where(own_road, np.minimum(inner_m, road_m), inner_m)
        h = np.concatenate([[mast_m], inner_m, [road_m]])
        g = h + np.concatenate([[0.0], np.where(own_road, 0.0, clutter_m), [0.0]])
        s = self.settings
        found = transmission_loss(
            np.arange(n + 1) * (0.001 * length_m / n), h, g, np.full(n + 1, INLAND, np.int8),
            Terminals(height_m, s.vehicle_antenna_m),
            Wave(0.001 * s.frequency_mhz, self.time_percent, 50.0, 0.0, s.polarisation == "vertical"),
            Climate(s.dn_per_km, s.n0, 0.5 * (lat + lat_r)),
        )  # fmt: skip
        return found.lb_db

    def deviations_db(self, reference_db: Callable[[int, int, float], float]) -> FloatArray:
        links = self.fast()
        found = [
            links.loss_db[k, h] - reference_db(int(place), int(links.receiver[k]), float(height_m))
            for k, place in enumerate(links.place)
            for h, height_m in enumerate(self.heights_m[place])
        ]
        return np.array(found)


def woods(shape: tuple[int, int], seed: int) -> npt.NDArray[np.float32]:
    """Clutter of 15 m on patches of a few cells, 12 m on some, none on the rest."""
    rng = np.random.default_rng(seed)
    patches = rng.choice([0.0, 0.0, 12.0, 15.0], (shape[0] // 5 + 1, shape[1] // 5 + 1))
    return np.kron(patches, np.ones((5, 5)))[: shape[0], : shape[1]].astype(np.float32)


def hills(clutter: bool, step_m: float = 30.0, rows: int = 900, cols: int = 1400) -> GroundGrid:
    heights = generated_hills(5, 60.4, 30.0, rows, cols, 1.0 / 3600.0, step_lon_deg=1.0 / 1800.0, round_at_deg=60.0)
    return ground_of(heights, 60.4, 30.0, (1.0 / 3600.0, 1.0 / 1800.0), clutter, step_m)


def ground_of(
    heights: npt.NDArray[np.float32], north: float, west: float, step: tuple[float, float], clutter: bool, step_m: float
) -> GroundGrid:
    cover = woods(heights.shape, 3) if clutter else np.zeros_like(heights)
    return GroundGrid(north, west, *step, heights, cover, "bare", step_m)


def a4_tiles(shared: Path, clutter: bool) -> GroundGrid:
    """Both tiles around the A 4 as one ground of one degree by two."""
    tiles = []
    for name in ("N50E008", "N50E009"):
        with gzip.open(shared / "roads" / "badhersfeld_a4" / f"{name}.hgt.gz") as file:
            tiles.append(np.frombuffer(file.read(), ">i2").reshape(1201, 1201).astype(np.float32))
    heights = np.hstack([tiles[0][:, :-1], tiles[1]])
    heights[heights == -32768] = 250.0
    return ground_of(heights, 51.0, 8.0, (1.0 / 1200.0, 1.0 / 1200.0), clutter, 58.0)


def told(name: str, deviation_db: FloatArray) -> None:
    size = np.abs(deviation_db)
    print(f"{name}: {len(size)} paths, largest {size.max():.5f} dB, 99 % {np.quantile(size, 0.99):.5f} dB")


def test_twenty_thousand_paths(shared: Path) -> None:
    """250 m to 50 km, 0.1 to 6 GHz, 1 to 50 % of time, both polarisations, bare and wooded, real and drawn hills."""
    rng = np.random.default_rng(20)
    grounds = [hills(False), hills(True), a4_tiles(shared, False), a4_tiles(shared, True)]
    deviations: list[FloatArray] = []
    while sum(map(len, deviations)) < 20_000:
        scene = Scene.around(
            grounds[len(deviations) % 4], rng, (251.0, 49_900.0), 60,
            frequency_mhz=float(np.exp(rng.uniform(np.log(100.0), np.log(6000.0)))),
            polarisation=str(rng.choice(["vertical", "horizontal"])),
            dn_per_km=float(rng.uniform(35.0, 60.0)), n0=float(rng.uniform(300.0, 360.0)),
        )  # fmt: skip
        scene.time_percent = float(rng.choice([50.0, 10.0, 1.0, rng.uniform(1.0, 50.0)]))
        deviations.append(scene.deviations_db(scene.reference_db))
    deviation_db = np.concatenate(deviations)
    told("grids", deviation_db)
    assert np.abs(deviation_db).max() <= LIMIT_DB


@pytest.mark.parametrize("time_percent", [50.0, 5.0])
def test_profiles_sampled_here(time_percent: float) -> None:
    """Neither path's own sampler has a part in this one."""
    scene = Scene.drawn(hills(True), seed=1, masts=8)
    scene.time_percent = time_percent
    deviation_db = scene.deviations_db(scene.own_db)
    told("hills at 60° N with woods", deviation_db)
    assert len(deviation_db) > 500
    assert np.abs(deviation_db).max() <= LIMIT_DB


def test_the_road_s_own_cross_section_is_open() -> None:
    """Profiles finer than the reserve: the same losses by another way, far less than in a trench of the model's own."""
    scene = Scene.drawn(replace(hills(True, step_m=6.0), open_road_m=20.0), seed=6, masts=6, receivers=12)
    scene.receiver[2] -= 4.0
    deviation_db = scene.deviations_db(scene.own_db)
    told("6-m profiles with an open cross-section", deviation_db)
    assert np.abs(deviation_db).max() <= LIMIT_DB
    gain_db = scene.fast(replace(scene.ground, open_road_m=0.0)).loss_db - scene.fast().loss_db
    assert np.mean(gain_db >= -0.01) > 0.95  # a horizon that moves can make ducting cheaper
    assert np.median(gain_db) > 3.0


@pytest.mark.parametrize("time_percent", [50.0, 10.0])
def test_at_the_foot_of_a_mast(time_percent: float) -> None:
    """Below 250 m the loss hangs on the ground 250 m away, in the same direction."""
    rng = np.random.default_rng(3)
    ground = replace(hills(True, step_m=10.0), open_road_m=20.0)
    deviations = []
    for frequency_mhz in (100.0, 800.0, 3500.0):
        for _ in range(10):
            scene = Scene.around(ground, rng, (0.5, 260.0), 25, frequency_mhz=frequency_mhz)
            scene.receiver = np.hstack([scene.receiver, scene.mast])  # one right below the antenna
            scene.time_percent = time_percent
            deviations.append(scene.deviations_db(scene.reference_db))
    deviation_db = np.concatenate(deviations)
    told("paths below 260 m", deviation_db)
    assert np.abs(deviation_db).max() <= LIMIT_DB


def test_the_loss_has_no_step_at_250_m() -> None:
    """Over level ground the near rule meets P.1812, and both rise with distance."""
    level = ground_of(np.full((400, 400), 80.0, np.float32), 50.1, 9.9, (1.0 / 3600.0, 1.0 / 3600.0), False, 30.0)
    lon, lat, _ = GEOD.fwd(np.full(499, 9.95), np.full(499, 50.05), np.full(499, 37.0), np.arange(2.0, 501.0))
    receiver = np.array([lat, lon, np.full(499, 80.0)])
    scene = Scene(level, np.array([[50.05], [9.95], [80.0]]), receiver, np.array([[30.0]]), RadioSettings())
    loss_db = scene.fast().loss_db[:, 0]
    assert np.diff(loss_db).min() > -1e-4
    assert np.diff(loss_db)[200:].max() < 0.05


@pytest.mark.parametrize("propagation", ["tr38901-rma", "free-space"])
def test_other_models_on_grids(propagation: str) -> None:
    rng, ground, deviations, links = np.random.default_rng(8), hills(True), [], 0
    for _ in range(30):
        scene = Scene.around(ground, rng, (5.0, 12_000.0), 30, propagation=propagation, frequency_mhz=1800.0)
        fast_db = scene.fast().loss_db[:, 0]
        height_m = float(scene.heights_m[0, 0])
        wanted_db = np.array([scene.reference_db(0, int(r), height_m) for r in scene.fast().receiver])
        linked = np.isfinite(wanted_db)
        np.testing.assert_array_equal(linked, np.isfinite(fast_db))
        deviations.append(fast_db[linked] - wanted_db[linked])
        links += len(linked)
    told(propagation, np.concatenate(deviations))
    assert np.abs(np.concatenate(deviations)).max() <= LIMIT_DB
    assert (sum(map(len, deviations)) == links) == (propagation == "free-space")


@pytest.mark.parametrize(
    ("fault", "spoil"),
    [
        ("half a node to the east", lambda g: replace(g, west_deg=g.west_deg + 0.5 * g.step_lon_deg)),
        ("no clutter", lambda g: replace(g, clutter_m=np.zeros_like(g.clutter_m))),
        ("mirrored", lambda g: replace(g, ground_m=np.ascontiguousarray(g.ground_m[:, ::-1]))),
        ("coarse", lambda g: replace(g, profile_step_m=120.0)),
    ],
)
def test_the_comparison_finds_a_planted_fault(fault: str, spoil: Callable[[GroundGrid], GroundGrid]) -> None:
    scene = Scene.drawn(hills(True), seed=1, masts=4, receivers=10)
    off_db = scene.fast(spoil(scene.ground)).loss_db - scene.fast().loss_db
    assert np.abs(off_db).max() > 10 * LIMIT_DB, fault
