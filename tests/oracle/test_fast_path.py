"""The fast path against the reference kernel, on profiles sampled here: other geodesics, other arithmetic."""

from __future__ import annotations

import gzip
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pyproj import Geod

from trassa.radio.diffraction import diffraction, free_space_loss_db, median_earth_radius_km
from trassa.radio.links import Links, smooth_links, terrain_links
from trassa.road.ground import GroundGrid
from trassa.road.hills import generated_hills

GEOD = Geod(ellps="WGS84")
LIMIT_DB = 0.05
DN_PER_KM = 45.0
RECEIVER_M = 1.5

FloatArray = npt.NDArray[np.float64]


def bilinear(ground: GroundGrid, surface: npt.NDArray[np.float32], lat: FloatArray, lon: FloatArray) -> FloatArray:
    row, col = (ground.north_deg - lat) / ground.step_lat_deg, (lon - ground.west_deg) / ground.step_lon_deg
    i = np.clip(np.floor(row).astype(int), 0, surface.shape[0] - 2)
    j = np.clip(np.floor(col).astype(int), 0, surface.shape[1] - 2)
    u, v, z = row - i, col - j, surface.astype(np.float64)
    return (1 - u) * ((1 - v) * z[i, j] + v * z[i, j + 1]) + u * ((1 - v) * z[i + 1, j] + v * z[i + 1, j + 1])


@dataclass
class Scene:
    """Masts and receivers drawn at random over a ground."""

    ground: GroundGrid
    mast: FloatArray
    receiver: FloatArray
    heights_m: FloatArray

    @classmethod
    def drawn(cls, ground: GroundGrid, seed: int, masts: int = 12, receivers: int = 25) -> Scene:
        rng = np.random.default_rng(seed)
        rows, cols = ground.ground_m.shape

        def places(count: int) -> FloatArray:
            lat = ground.north_deg - rng.uniform(0.05, 0.95, count) * (rows - 1) * ground.step_lat_deg
            lon = ground.west_deg + rng.uniform(0.05, 0.95, count) * (cols - 1) * ground.step_lon_deg
            return np.array([lat, lon, bilinear(ground, ground.ground_m, lat, lon)])

        mast, receiver = places(masts), places(receivers)
        receiver[2] += rng.normal(0.0, 3.0, receivers)  # roads stand on banks and in cuttings
        return cls(ground, mast, receiver, np.tile([15.0, 35.0, 70.0], (masts, 1)))

    def fast(self, frequency_mhz: float, reach_m: float = 30_000.0) -> Links:
        return terrain_links(
            self.ground, *self.mast, self.heights_m, *self.receiver, frequency_mhz=frequency_mhz,
            receiver_antenna_m=RECEIVER_M, reach_m=reach_m, dn_per_km=DN_PER_KM,
        )  # fmt: skip

    def reference_db(self, place: int, receiver: int, height_m: float, frequency_mhz: float) -> float:
        (lat, lon, mast_m), (lat_r, lon_r, road_m) = self.mast[:, place], self.receiver[:, receiver]
        length_m = GEOD.inv(lon, lat, lon_r, lat_r)[2]
        n = max(4, math.ceil(length_m / self.ground.profile_step_m))
        lon_i, lat_i = np.array(GEOD.npts(lon, lat, lon_r, lat_r, n - 1)).T
        inner_m = bilinear(self.ground, self.ground.ground_m, lat_i, lon_i)
        clutter_m = bilinear(self.ground, self.ground.clutter_m, lat_i, lon_i)
        own_road = length_m * np.arange(n - 1, 0, -1) / n < self.ground.open_road_m
        inner_m, clutter_m = (
            np.where(own_road, np.minimum(inner_m, road_m), inner_m),
            np.where(own_road, 0.0, clutter_m),
        )
        hts_m, hrs_m = mast_m + height_m, road_m + RECEIVER_M
        loss = diffraction(
            np.arange(n + 1) * (0.001 * length_m / n),
            np.concatenate([[mast_m], inner_m, [road_m]]),
            np.concatenate([[0.0], clutter_m, [0.0]]),
            hts_m=hts_m,
            hrs_m=hrs_m,
            frequency_ghz=0.001 * frequency_mhz,
            earth_radius_km=median_earth_radius_km(DN_PER_KM),
        )
        return loss.loss_db + free_space_loss_db(0.001 * frequency_mhz, 0.001 * length_m, hts_m - hrs_m)

    def deviations_db(self, frequency_mhz: float) -> FloatArray:
        links = self.fast(frequency_mhz)
        found = [
            links.loss_db[k, h] - self.reference_db(int(place), int(links.receiver[k]), height_m, frequency_mhz)
            for k, place in enumerate(links.place)
            for h, height_m in enumerate(self.heights_m[place])
        ]
        return np.array(found)


def woods(shape: tuple[int, int], seed: int) -> npt.NDArray[np.float32]:
    """Clutter of 15 m on patches of a few cells, 12 m on some, none on the rest."""
    rng = np.random.default_rng(seed)
    patches = rng.choice([0.0, 0.0, 12.0, 15.0], (shape[0] // 5 + 1, shape[1] // 5 + 1))
    return np.kron(patches, np.ones((5, 5)))[: shape[0], : shape[1]].astype(np.float32)


def hills(clutter: bool, step_m: float = 30.0) -> GroundGrid:
    heights = generated_hills(5, 60.4, 30.0, 900, 1400, 1.0 / 3600.0, step_lon_deg=1.0 / 1800.0, round_at_deg=60.0)
    return ground_of(heights, 60.4, 30.0, (1.0 / 3600.0, 1.0 / 1800.0), clutter, step_m)


def ground_of(
    heights: npt.NDArray[np.float32], north: float, west: float, step: tuple[float, float], clutter: bool, step_m: float
) -> GroundGrid:
    cover = woods(heights.shape, 3) if clutter else np.zeros_like(heights)
    return GroundGrid(north, west, *step, heights, cover, "bare", step_m)


def tile(shared: Path, name: str) -> npt.NDArray[np.float32]:
    with gzip.open(shared / "roads" / "badhersfeld_a4" / name) as file:
        samples = np.frombuffer(file.read(), ">i2").reshape(1201, 1201).astype(np.float32)
    samples[samples == -32768] = np.nan
    return samples


def told(name: str, deviation_db: FloatArray) -> None:
    size = np.abs(deviation_db)
    print(f"{name}: {len(size)} paths, largest {size.max():.5f} dB, 99 % {np.quantile(size, 0.99):.5f} dB")


@pytest.mark.parametrize("clutter", [False, True], ids=["bare", "woods"])
@pytest.mark.parametrize("frequency_mhz", [30.0, 800.0, 3500.0])
def test_fast_path_on_generated_hills(frequency_mhz: float, clutter: bool) -> None:
    deviation_db = Scene.drawn(hills(clutter), seed=1).deviations_db(frequency_mhz)
    told(f"hills at 60° N, {frequency_mhz:g} MHz, clutter {clutter}", deviation_db)
    assert len(deviation_db) > 500
    assert np.abs(deviation_db).max() <= LIMIT_DB


@pytest.mark.parametrize("clutter", [False, True], ids=["bare", "woods"])
@pytest.mark.parametrize("name", ["N50E008", "N50E009"])
def test_fast_path_on_the_a4_tiles(shared: Path, name: str, clutter: bool) -> None:
    heights = np.nan_to_num(tile(shared, f"{name}.hgt.gz")[400:900, 300:1000], nan=250.0)
    west = float(name[-3:]) + 300.0 / 1200.0
    ground = ground_of(heights, 51.0 - 400.0 / 1200.0, west, (1.0 / 1200.0, 1.0 / 1200.0), clutter, 60.0)
    deviation_db = Scene.drawn(ground, seed=2).deviations_db(800.0)
    told(f"{name}, clutter {clutter}", deviation_db)
    assert len(deviation_db) > 500
    assert np.abs(deviation_db).max() <= LIMIT_DB


def test_the_road_s_own_cross_section_is_open() -> None:
    """Profiles finer than the reserve: the same losses by another way, far less than in a trench of the model's own."""
    ground = replace(hills(True, step_m=6.0), open_road_m=20.0)
    scene = Scene.drawn(ground, seed=6, masts=6, receivers=12)
    scene.receiver[2] -= 4.0
    deviation_db = scene.deviations_db(800.0)
    told("6-m profiles with an open cross-section", deviation_db)
    assert np.abs(deviation_db).max() <= LIMIT_DB
    trench = replace(scene, ground=replace(ground, open_road_m=0.0)).fast(800.0)
    gain_db = trench.loss_db - scene.fast(800.0).loss_db
    assert gain_db.min() >= -0.01
    assert np.median(gain_db) > 3.0


def test_fast_path_at_arm_s_length() -> None:
    ground = hills(True)
    scene = Scene.drawn(ground, seed=3, masts=30)
    scene.receiver = scene.mast[:, :25].copy()
    scene.receiver[0] += np.linspace(0.00001, 0.003, 25)
    scene.receiver[1] += np.linspace(0.004, 0.00001, 25)
    scene.receiver[2] = bilinear(ground, ground.ground_m, scene.receiver[0], scene.receiver[1])
    links = scene.fast(800.0, reach_m=1000.0)
    told("paths below 1 km", scene.deviations_db(800.0))
    assert len(links) >= 25
    assert np.abs(scene.deviations_db(800.0)).max() <= LIMIT_DB


@pytest.mark.parametrize(
    ("fault", "spoil"),
    [
        ("half a node to the east", lambda g: replace(g, west_deg=g.west_deg + 0.5 * g.step_lon_deg)),
        ("no clutter", lambda g: replace(g, clutter_m=np.zeros_like(g.clutter_m))),
        ("mirrored", lambda g: replace(g, ground_m=np.ascontiguousarray(g.ground_m[:, ::-1]))),
        ("coarse", lambda g: replace(g, profile_step_m=120.0)),
    ],
)
def test_the_comparison_finds_a_planted_fault(fault: str, spoil) -> None:
    scene = Scene.drawn(hills(True), seed=1, masts=4, receivers=10)
    spoilt = replace(scene, ground=spoil(scene.ground)).fast(800.0)
    right = scene.fast(800.0)
    assert np.abs(spoilt.loss_db - right.loss_db).max() > 10 * LIMIT_DB, fault


def test_smooth_links_against_the_reference() -> None:
    rng = np.random.default_rng(4)
    measure, offset = rng.uniform(0.0, 60_000.0, 6), rng.uniform(10.0, 2000.0, 6)
    heights = np.array([[20.0, 40.0], [25.0, 35.0], [25.0, np.nan], [10.0, 200.0], [35.0, 35.0], [60.0, 25.0]])
    receivers = np.concatenate([np.arange(0.0, 60_000.0, 1730.0), np.arange(0.0, 60_000.0, 1730.0)[::-1] + 0.37])
    for frequency_mhz in (30.0, 800.0, 6000.0):
        links = smooth_links(
            measure, offset, heights, receivers, frequency_mhz=frequency_mhz, receiver_antenna_m=RECEIVER_M,
            reach_m=40_000.0, dn_per_km=DN_PER_KM,
        )  # fmt: skip
        distance_m = np.hypot(receivers[None, :] - measure[:, None], offset[:, None])
        np.testing.assert_array_equal(links.place, np.nonzero(distance_m <= 40_000.0)[0])
        np.testing.assert_array_equal(links.receiver, np.nonzero(distance_m <= 40_000.0)[1])
        worst_db = 0.0
        for k, place in enumerate(links.place):
            length_m = distance_m[place, links.receiver[k]]
            n = max(4, math.ceil(length_m / 30.0))
            flat = np.zeros(n + 1)
            for h, height_m in enumerate(heights[place]):
                if np.isnan(height_m):
                    assert links.loss_db[k, h] == np.inf
                    continue
                loss = diffraction(
                    np.arange(n + 1) * (0.001 * length_m / n), flat, flat, hts_m=height_m, hrs_m=RECEIVER_M,
                    frequency_ghz=0.001 * frequency_mhz, earth_radius_km=median_earth_radius_km(DN_PER_KM),
                )  # fmt: skip
                free_db = free_space_loss_db(0.001 * frequency_mhz, 0.001 * length_m, height_m - RECEIVER_M)
                worst_db = max(worst_db, abs(links.loss_db[k, h] - loss.loss_db - free_db))
        print(f"smooth earth, {frequency_mhz:g} MHz: {len(links)} links, largest deviation {worst_db:.1e} dB")
        assert worst_db < 2e-5  # single precision of the stored loss
