"""The sampler, the scan lines and the great ellipse of verification against libraries that nobody here wrote."""

from __future__ import annotations

import gzip
import math
import zipfile
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin
from scipy.interpolate import RegularGridInterpolator

from trassa.errors import InputError
from trassa.plan.verify.radio.one_path import P1812, Ends, Mast, Wave, terrain_losses_db
from trassa.plan.verify.radio.paths import Surroundings
from trassa.plan.verify.radio.surroundings import _rings
from trassa.plan.verify.radio.woods import Woods, blank, cleared, draw, woods_along
from trassa.plan.verify.sampler import joined
from trassa.plan.verify.tiles import Tile, read_tiles
from trassa.radio.p1812 import Climate, Terminals, transmission_loss
from trassa.radio.p1812 import Wave as Signal
from trassa.radio.path_properties import INLAND
from trassa.road.exchange import write_raster
from trassa.road.lattice import Lattice
from trassa.road.terrain import read_terrain

GEOD = pyproj.Geod(ellps="WGS84")
RANDOM = np.random.default_rng(812)


def _hgt(heights: np.ndarray) -> bytes:
    return heights.astype(">i2").tobytes()


def _rough(side: int) -> np.ndarray:
    return RANDOM.integers(0, 900, (side, side))


@pytest.mark.parametrize("suffix", [".hgt", ".hgt.gz", ".hgt.zip"])
def test_hgt_in_every_wrapping_equals_scipy(tmp_path: Path, suffix: str) -> None:
    heights = _rough(1201)
    path = tmp_path / f"N50E009{suffix}"
    if suffix == ".hgt.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("N50E009.hgt", _hgt(heights))
    else:
        path.write_bytes(gzip.compress(_hgt(heights)) if suffix.endswith("gz") else _hgt(heights))
    tiles = joined(read_tiles([path]))
    axis = np.arange(1201) / 1200.0
    oracle = RegularGridInterpolator((50.0 + axis, 9.0 + axis), heights[::-1].astype(float))
    lat, lon = RANDOM.uniform(50, 51, 2000), RANDOM.uniform(9, 10, 2000)
    assert np.abs(tiles.height_m(lat, lon) - oracle(np.column_stack([lat, lon]))).max() < 1e-6


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # rasterio's own
def test_geotiff_nodes_are_pixel_centres_as_rasterio_has_them(tmp_path: Path) -> None:
    heights = RANDOM.uniform(0, 500, (50, 60)).astype(np.float32)
    path = tmp_path / "dem.tif"
    transform = from_origin(9.0, 51.0, 0.001, 0.0005)
    profile = {"driver": "GTiff", "height": 50, "width": 60, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", transform=transform, **profile) as dataset:
        dataset.write(heights, 1)
    lon, lat = 9.0 + 23.5 * 0.001, 51.0 - 17.5 * 0.0005
    with rasterio.open(path) as dataset:
        (found,) = next(dataset.sample([(lon, lat)]))
    assert found == heights[17, 23]
    assert joined(read_tiles([path])).height_m(lat, lon) == pytest.approx(found, abs=1e-3)


def test_a_seam_between_tiles_without_a_shared_edge_is_no_gap() -> None:
    whole = RANDOM.uniform(0, 500, (40, 80)).astype(np.float32)
    west = Tile("w", 51.0, 9.0, 0.01, 0.01, whole[:, :40])
    east = Tile("e", 51.0, 9.4, 0.01, 0.01, whole[:, 40:])
    tiles = joined([west, east])
    axis_lat, axis_lon = 51.0 - 0.01 * np.arange(40), 9.0 + 0.01 * np.arange(80)
    oracle = RegularGridInterpolator((axis_lat[::-1], axis_lon), whole[::-1].astype(float))
    lat, lon = RANDOM.uniform(50.62, 50.99, 500), RANDOM.uniform(9.38, 9.41, 500)
    assert np.abs(tiles.height_m(lat, lon) - oracle(np.column_stack([lat, lon]))).max() < 1e-3


def test_the_finest_tile_that_knows_answers() -> None:
    fine = np.full((11, 11), 100.0, dtype=np.float32)
    fine[5:9, 2:8] = np.nan
    coarse = Tile("a", 51.0, 9.0, 0.1, 0.1, np.full((11, 11), 7.0, dtype=np.float32))
    tiles = joined([Tile("b", 50.6, 9.4, 0.01, 0.01, fine), coarse])
    assert tiles.height_m([50.58, 50.54, 50.2], [9.45, 9.45, 9.45]).tolist() == [100.0, 7.0, 7.0]


def test_a_coarse_tile_is_sampled_between_the_nodes_of_the_lattice() -> None:
    coarse = Tile("c", 51.0, 9.0, 0.03, 0.03, RANDOM.uniform(0, 99, (30, 30)).astype(np.float32))
    tiles = joined([coarse])
    lattice = np.array([51.0, 9.0, 0.02, 0.02])
    lat, lon = 51.0 - 0.02 * 7.3, 9.0 + 0.02 * 5.6
    nodes = tiles.height_m([[51.0 - 0.14, 51.0 - 0.14], [51.0 - 0.16, 51.0 - 0.16]], [[9.1, 9.12], [9.1, 9.12]])
    expected = np.array([0.7, 0.3]) @ nodes @ np.array([0.4, 0.6])
    assert tiles.on_lattice(lattice).height_m(lat, lon) == pytest.approx(expected, abs=1e-4)
    assert tiles.height_m(lat, lon) != pytest.approx(expected, abs=1e-2)
    assert tiles.on_lattice(np.array([51.0, 9.0, 0.01, 0.01])).exact.all()


def test_two_ways_to_one_surface_across_tiles_of_other_spacing(tmp_path: Path) -> None:
    """Four tiles that share no edge, the northern ones with wider columns: planner and verification agree."""
    files = []
    for south, columns in ((50, 60), (49, 90)):
        for west in (9, 10):
            files.append(tmp_path / f"z{south}_{west}.tif")
            heights = RANDOM.uniform(0, 100, (90, columns)).astype(np.float32)
            write_raster(files[-1], heights, south + 1.0, float(west), 1 / 90, 1 / columns)
    terrain, tiles = read_terrain(files, "bare"), joined(read_tiles(files))
    lat, lon = RANDOM.uniform(49.1, 50.9, 5000), RANDOM.uniform(9.1, 10.9, 5000)
    assert np.abs(terrain.height_m(lat, lon) - tiles.height_m(lat, lon)).max() < 1e-4
    lattice = Lattice(50.0, 9.0, 1 / 90, 1 / 90, 1, 1).window(-70, 10, 140, 150)
    axes = (lattice.latitudes_deg()[::-1], lattice.longitudes_deg())
    between_nodes = RegularGridInterpolator(axes, terrain.lattice_m(lattice)[::-1].astype(float))
    lat, lon = RANDOM.uniform(49.3, 50.7, 5000), RANDOM.uniform(9.2, 10.7, 5000)
    on_lattice = tiles.on_lattice(np.array([50.0, 9.0, 1 / 90, 1 / 90]))
    assert on_lattice.exact.tolist() == [True, True, False, False]
    assert np.abs(between_nodes(np.column_stack([lat, lon])) - on_lattice.height_m(lat, lon)).max() < 1e-4


def test_small_voids_are_closed_and_large_ones_stay(tmp_path: Path) -> None:
    row, column = np.mgrid[0:1201, 0:1201]
    heights = row + 2 * column
    heights[100:103, 200:202] = -32768
    heights[300:304, 300] = -32768
    heights[0, 50] = -32768
    path = tmp_path / "S10W070.hgt"
    path.write_bytes(_hgt(heights))
    tile = read_tiles([path])[0]
    assert tile.height_m[101, 201] == 101 + 402
    assert np.isnan(tile.height_m[302, 300])
    assert np.isnan(tile.height_m[0, 50])
    assert tile.north_deg == -9.0
    assert tile.west_deg == -70.0


def test_a_name_without_a_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dem.hgt"
    path.write_bytes(_hgt(_rough(1201)))
    with pytest.raises(InputError, match="where it lies"):
        read_tiles([path])


def test_scan_lines_equal_shapely_with_holes() -> None:
    outer = shapely.Point(9.5, 50.5).buffer(0.2, quad_segs=7)
    polygon = outer.difference(shapely.Point(9.55, 50.48).buffer(0.07))
    box = shapely.box(9.4001, 50.4001, 9.5003, 50.5002)
    frame = np.array([51.0, 9.0, 0.003, 0.004, 335, 251])
    woods = blank(frame, (50.2, 9.2, 50.8, 9.8), (2, 3), [15.0, 20.0])
    draw(woods, _rings(polygon), 2)
    draw(woods, _rings(box), 1)
    rows, columns = np.mgrid[0 : woods.rank.shape[0], 0 : woods.rank.shape[1]]
    lon, lat = woods.frame[1] + columns * woods.frame[3], woods.frame[0] - rows * woods.frame[2]
    high, low = shapely.contains_xy(polygon, lon, lat), shapely.contains_xy(box, lon, lat)
    assert (woods.rank == np.where(high, 2, np.where(low, 1, 0))).all()
    assert 500 < high.sum() < woods.rank.size


def test_the_reserve_is_open() -> None:
    woods = blank(np.array([51.0, 9.0, 0.0003, 0.0003, 99, 99]), (50.98, 9.01, 50.99, 9.02), (1, 1), [15.0])
    woods.rank[:] = 1
    lat, lon = np.array([50.982, 50.985, 50.988]), np.array([9.012, 9.016, 9.016])
    cleared(woods, lat, lon, np.array([True, True, False]), 50.0)
    rows, columns = np.nonzero(woods.rank == 0)
    away = [
        min(
            GEOD.inv(lon[0] + t * (lon[1] - lon[0]), lat[0] + t * (lat[1] - lat[0]), x, y)[2]
            for t in np.linspace(0, 1, 400)
        )
        for y, x in zip(woods.frame[0] - rows * 0.0003, woods.frame[1] + columns * 0.0003, strict=True)
    ]
    assert len(away) > 20
    assert max(away) < 50.05
    heights = np.empty(3)
    woods_along(np.array([50.9836, 50.9895, 52.0]), np.array([9.0141, 9.0195, 9.0]), woods, heights)
    assert heights.tolist() == [0.0, 15.0, 0.0]


@pytest.mark.parametrize(("step_m", "time_percent"), [(30.0, 50.0), (7.0, 50.0), (30.0, 10.0)])
def test_a_path_equals_geodesic_profile_and_reference_kernel(step_m: float, time_percent: float) -> None:
    """Below 50 % the loss jumps where two horizons have one elevation: the heights drawn here have no such tie."""
    random = np.random.default_rng(813)
    heights = (random.uniform(0, 90, (401, 401)) + 200).astype(np.float32)
    tile = Tile("t", 50.2, 8.8, 0.001, 0.001, heights)
    tiles = joined([tile])
    woods = Woods(
        np.array([50.2, 8.8, 0.001, 0.001]), random.integers(0, 2, (401, 401)).astype(np.uint8), np.array([0.0, 15.0])
    )
    stands_m = float(tiles.height_m(50.02, 8.95))
    mast, rx = Mast(50.02, 8.95, 35.0, stands_m), (50.1234, 9.06)
    length = GEOD.inv(mast.longitude_deg, mast.latitude_deg, rx[1], rx[0])[2]
    ends = Ends(np.array([rx[0]]), np.array([rx[1]]), np.array([230.0]), np.array([length]))
    wave = Wave(0.8, 45.0, 325.0, 1.5, step_m, P1812, time_percent=time_percent, open_road_m=20.0)
    found = terrain_losses_db(mast, ends, tiles, woods, wave)[0]
    n = math.ceil(length / step_m)
    line = GEOD.inv_intermediate(
        mast.longitude_deg,
        mast.latitude_deg,
        rx[1],
        rx[0],
        npts=n + 1,
        initial_idx=0,
        terminus_idx=0,
        return_back_azimuth=True,
    )
    lat, lon = np.array(line.lats), np.array(line.lons)
    axis_lat, axis_lon = 50.2 - 0.001 * np.arange(401), 8.8 + 0.001 * np.arange(401)
    ground = RegularGridInterpolator((axis_lat[::-1], axis_lon), heights[::-1].astype(float))(
        np.column_stack([lat, lon])
    )
    cover = RegularGridInterpolator((axis_lat[::-1], axis_lon), 15.0 * woods.rank[::-1])(np.column_stack([lat, lon]))
    base, own_road = ground[0], length * (1.0 - np.arange(n + 1) / n) < 20.0
    ground[own_road], cover[own_road] = np.minimum(ground[own_road], 230.0), 0.0
    ground[-1] = 230.0
    cover[0] = cover[-1] = 0.0
    ground[0] = base
    over = transmission_loss(
        np.linspace(0, length / 1000, n + 1), ground, ground + cover, np.full(n + 1, INLAND, np.int8),
        Terminals(35.0, 1.5), Signal(0.8, time_percent), Climate(45.0, 325.0, 0.5 * (50.02 + rx[0])),
    )  # fmt: skip
    assert found == pytest.approx(over.lb_db, abs=1e-3)
    assert over.median.loss_db > 10.0


def test_unknown_ground_is_no_path() -> None:
    heights = np.full((401, 401), 100.0, dtype=np.float32)
    heights[200, :] = np.nan
    tiles = joined([Tile("t", 50.2, 8.8, 0.001, 0.001, heights)])
    woods = Woods(np.array([90.0, 0.0, 1.0, 1.0]), np.zeros((2, 2), dtype=np.uint8), np.zeros(1))
    ends = Ends(np.array([50.05, 49.95]), np.array([9.0, 9.0]), np.array([100.0, 100.0]), np.array([3000.0, 8000.0]))
    wave = Wave(0.8, 45.0, 325.0, 1.5, 30.0, P1812)
    losses = terrain_losses_db(Mast(50.02, 9.0, 30.0, 100.0), ends, tiles, woods, wave)
    assert np.isfinite(losses[0])
    assert np.isinf(losses[1])


def test_a_mast_stands_under_the_treetops_of_a_surface_model() -> None:
    heights = np.full((41, 41), 115.0, dtype=np.float32)  # a wood, and one clearing in it
    heights[20, 20] = 100.0
    tiles = joined([Tile("t", 50.0, 9.0, 0.001, 0.001, heights)])
    woods = Woods(np.array([90.0, 0.0, 1.0, 1.0]), np.zeros((2, 2), dtype=np.uint8), np.zeros(1))
    surface, bare = Surroundings(tiles, woods, 30.0, (0.001, 0.001)), Surroundings(tiles, woods, 30.0)
    beside = (np.array([49.9805, 49.99]), np.array([9.021, 9.03]))
    assert surface.mast_ground_m(*beside) == pytest.approx([107.5, 115.0])
    assert bare.mast_ground_m(*beside) == pytest.approx([115.0, 115.0])
    assert np.isnan(surface.mast_ground_m(51.0, 9.0)).all()
