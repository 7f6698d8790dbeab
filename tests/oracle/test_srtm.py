"""Terrain against real SRTM tiles, SciPy's interpolation and figures measured on the tiles beforehand."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod
from scipy import ndimage

from trassa.road.osm import read_roads
from trassa.road.terrain import Terrain, read_terrain

GEOD = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "roads" / "badhersfeld_a4"


@pytest.fixture(scope="module")
def terrain(folder: Path) -> Terrain:
    return read_terrain([folder / "N50E008.hgt.gz", folder / "N50E009.hgt.gz"], "bare")


@pytest.fixture(scope="module")
def samples(folder: Path) -> np.ndarray:
    return np.frombuffer(gzip.decompress((folder / "N50E009.hgt.gz").read_bytes()), ">i2").reshape(1201, 1201)


@pytest.fixture(scope="module")
def carriageways(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Latitude and longitude of both carriageways of the A 4 every 25 m, chained here from the map's ways."""
    ways = read_roads([folder / "osm_bbox.osm.gz"], lambda tags: tags.get("highway") == "motorway").ways.values()
    by_start = {way.node_ids[0]: way for way in ways}
    ends = {way.node_ids[-1] for way in ways}
    lines = []
    for start in by_start.keys() - ends:
        lat, lon = [], []
        node = start
        while node in by_start:
            way = by_start[node]
            lat += way.latitude_deg[:-1].tolist()
            lon += way.longitude_deg[:-1].tolist()
            node = way.node_ids[-1]
        lat, lon = np.array([*lat, way.latitude_deg[-1]]), np.array([*lon, way.longitude_deg[-1]])
        measure = np.concatenate([[0], np.cumsum(GEOD.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2])])
        assert measure[-1] == pytest.approx(13_593, abs=3)
        every = np.arange(0, measure[-1], 25.0)
        lines.append((np.interp(every, measure, lat), np.interp(every, measure, lon)))
    assert len(lines) == 2
    return lines


def test_nodes_follow_the_row_and_column_formula(terrain: Terrain, samples: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    row, col = rng.integers(0, 1201, 5000), rng.integers(0, 1201, 5000)
    known = samples[row, col] != -32768
    lat, lon = 51 - row / 1200, 9 + col / 1200
    np.testing.assert_array_equal(terrain.height_m(lat, lon)[known], samples[row, col][known])


def test_bilinear_agrees_with_scipy(terrain: Terrain, samples: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    lat, lon = rng.uniform(50.8, 50.95, 20_000), rng.uniform(9.5, 9.9, 20_000)
    assert (samples[60:240, 600:1080] != -32768).all()
    expected = ndimage.map_coordinates(samples.astype(float), [(51 - lat) * 1200, (lon - 9) * 1200], order=1)
    np.testing.assert_allclose(terrain.height_m(lat, lon), expected, atol=1e-6)


def test_the_two_tiles_agree_on_their_seam(folder: Path, terrain: Terrain) -> None:
    lat = np.linspace(50.0, 51.0, 2401)
    west, east = (read_terrain([folder / f"N50E00{n}.hgt.gz"], "bare").height_m(lat, 9.0) for n in (8, 9))
    np.testing.assert_array_equal(west, east)
    near = terrain.height_m(lat, 9.0 - 1e-9) - terrain.height_m(lat, 9.0 + 1e-9)
    assert np.nanmax(np.abs(near)) < 1e-3


def test_voids_of_the_tiles_are_those_counted(folder: Path) -> None:
    for name, voids, low_m, high_m in (("N50E009", 12, 98, 950), ("N50E008", 50, 62, 885)):
        raw = np.frombuffer(gzip.decompress((folder / f"{name}.hgt.gz").read_bytes()), ">i2").reshape(1201, 1201)
        assert (raw == -32768).sum() == voids
        (tile,) = read_terrain([folder / f"{name}.hgt.gz"], "bare").tiles
        heights = tile.heights_m((0, 0, 1201, 1201))
        assert np.isnan(heights).sum() <= voids
        assert (np.nanmin(heights), np.nanmax(heights)) == (low_m, high_m)


def test_gradients_and_climb_along_the_motorway(
    terrain: Terrain, carriageways: list[tuple[np.ndarray, np.ndarray]]
) -> None:
    """Largest apparent gradients over 25, 100, 250 and 500 m: 15, 14, 9 and 8 %; climb 260 to 310 m.

    Sampling the nearest node instead would give 104, 25, 12 and 11 %, and 490 to 530 m.
    """
    steepest = dict.fromkeys((25, 100, 250, 500), 0.0)
    climbs = []
    for lat, lon in carriageways:
        height = terrain.height_m(lat, lon)
        assert 200 < height.min() < height.max() < 356.5
        climbs.append(np.diff(height).clip(0).sum())
        for over in steepest:
            rise = np.abs(height[over // 25 :] - height[: -over // 25]).max()
            steepest[over] = max(steepest[over], rise / over)
    assert {over: round(gradient, 2) for over, gradient in steepest.items()} == {
        25: 0.15,
        100: 0.14,
        250: 0.09,
        500: 0.08,
    }
    assert sorted(climbs) == pytest.approx([260, 310], abs=5)


def test_masts_stand_where_they_were_found_to_stand(terrain: Terrain) -> None:
    lat = [50.86867, 50.85754, 50.85241, 50.86669, 50.87027, 50.84317]
    lon = [9.73217, 9.73802, 9.70165, 9.71168, 9.71650, 9.76535]
    found = [245, 258, 216, 207, 203, 476]
    np.testing.assert_allclose(terrain.height_m(lat, lon), found, atol=3.5)
