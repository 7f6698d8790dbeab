"""The ground grid against its own rule, recomputed node by node another way."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Geod
from scipy import ndimage
from test_exchange import straight_road
from test_terrain import glo, hgt, plane

from trassa.errors import InputError
from trassa.road.clutter_grid import draw_areas
from trassa.road.ground import GroundGrid, build_ground
from trassa.road.lattice import Lattice, metres_per_degree
from trassa.road.settings import ClutterSettings
from trassa.road.surroundings import ClutterArea, categories_of, clutter_heights_m, road_bounds
from trassa.road.terrain import Terrain, read_terrain

GEOD = Geod(ellps="WGS84")


@pytest.fixture
def bare(tmp_path: Path) -> Terrain:
    """An SRTM-like tile at 56° N 36° E, height rising by 1 m per row and column, wrapped at 1,000."""
    rows, cols = np.mgrid[0:1201, 0:1201]
    return read_terrain([hgt(tmp_path / "N55E036.hgt", (rows + cols) % 1000)], "bare")


def areas_around(seed: int, count: int) -> list[ClutterArea]:
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(36.0, 36.03, count), rng.uniform(55.99, 56.0, count)
    names = rng.choice(["forest", "suburban", "building", "orchard"], count)
    blobs = [shapely.Point(x, y).buffer(rng.uniform(1e-4, 3e-3), quad_segs=3) for x, y in zip(lon, lat, strict=True)]
    ring = [blob.difference(blob.centroid.buffer(5e-4)) for blob in blobs]
    return [
        ClutterArea(n, p) for n, p in zip(names, ring, strict=True) if isinstance(p, shapely.Polygon) and not p.is_empty
    ]


def test_metres_per_degree_are_the_ellipsoid_s() -> None:
    for latitude in (0.0, 37.0, 56.0, -72.0):
        per_lat, per_lon = metres_per_degree(latitude)
        assert per_lat == pytest.approx(GEOD.inv(9, latitude - 1e-3, 9, latitude + 1e-3)[2] / 2e-3, rel=1e-7)
        assert per_lon == pytest.approx(GEOD.inv(9 - 1e-3, latitude, 9 + 1e-3, latitude)[2] / 2e-3, rel=1e-7)


def test_nodes_are_native_nodes_divided_until_they_fit_the_cell(bare: Terrain) -> None:
    road = straight_road()
    grid = build_ground(bare, areas_around(1, 5), ClutterSettings(), road, 800.0)
    per_lat, per_lon = metres_per_degree(56.0001)
    assert (per_lat / 1200, per_lon / 1200) == pytest.approx((92.8, 52.0), abs=0.1)
    assert (1 / grid.step_lat_deg, 1 / grid.step_lon_deg) == pytest.approx((3600, 2400))  # 30.9 and 26.0 m
    assert grid.profile_step_m == 30.0
    for edge, step, anchor in ((grid.north_deg, grid.step_lat_deg, 56.0), (grid.west_deg, grid.step_lon_deg, 36.0)):
        nodes = (edge - anchor) / step
        assert nodes == pytest.approx(round(nodes), abs=1e-6)
    box = road_bounds(road, 800.0)
    assert box.south_deg == pytest.approx(56.0 - 800 / per_lat)
    for outer, inner, step in (
        (grid.north_deg, box.north_deg, grid.step_lat_deg),
        (box.south_deg, grid.lattice.south_deg, grid.step_lat_deg),
        (box.west_deg, grid.west_deg, grid.step_lon_deg),
        (grid.lattice.east_deg, box.east_deg, grid.step_lon_deg),
    ):
        assert 0 <= outer - inner < step


def test_ground_is_the_native_surface_and_nan_beyond_it(bare: Terrain) -> None:
    grid = build_ground(bare, areas_around(1, 5), ClutterSettings(), straight_road(), 800.0)
    lat, lon = np.meshgrid(grid.lattice.latitudes_deg(), grid.lattice.longitudes_deg(), indexing="ij")
    off = (lat > 56.0 + 1e-9) | (lon < 36.0 - 1e-9)
    assert off.any()
    np.testing.assert_array_equal(np.isnan(grid.ground_m), off)
    np.testing.assert_allclose(grid.ground_m[~off], bare.height_m(lat, lon)[~off], atol=1e-4)
    assert grid.ground_m.dtype == grid.clutter_m.dtype == np.float32


def test_clutter_is_the_highest_area_outside_the_open_reserve(bare: Terrain) -> None:
    """Node by node with plain shapely and the geodesic distance to the carriageways."""
    road, areas, settings = straight_road(), areas_around(2, 60), ClutterSettings(road_reserve_m=40.0)
    grid = build_ground(bare, areas, settings, road, 500.0)
    heights = clutter_heights_m(settings)
    rows, cols = grid.clutter_m.shape
    clutter = np.zeros((rows, cols), np.float32)
    for row in range(rows):
        for col in range(cols):
            lon, lat = grid.west_deg + col * grid.step_lon_deg, grid.north_deg - row * grid.step_lat_deg
            over = [heights[a.category] for a in areas if a.polygon.contains(shapely.Point(lon, lat))]
            east = min(max(lon, 36.0), road.alignments["increasing"].longitude_deg[-1])
            apart = [GEOD.inv(lon, lat, east, line.latitude_deg[0])[2] for line in road.alignments.values()]
            clutter[row, col] = max(over, default=0.0) if min(apart) >= 40.0 else 0.0
    np.testing.assert_array_equal(grid.clutter_m, clutter)
    assert {0.0, 5.0, 8.0, 9.0, 15.0} == set(np.unique(clutter).tolist())
    closed = draw_areas(areas, heights, grid.lattice)
    assert (closed > clutter).sum() > 5


def test_holes_in_the_road_have_no_reserve(bare: Terrain) -> None:
    road = straight_road()
    for line in road.alignments.values():
        line.present[40:70] = False
    everywhere = [ClutterArea("forest", shapely.box(35.9, 55.9, 36.1, 56.1))]
    grid = build_ground(bare, everywhere, ClutterSettings(), road, 500.0)
    _, at_hole = grid.sample(56.0, 36.0 + 550 * 1.6e-5)
    _, at_road = grid.sample(55.9999, 36.0 + 200 * 1.6e-5)
    assert at_hole == 15.0
    assert at_road < 15.0


def test_a_surface_model_gets_no_clutter_and_keeps_its_nodes(bare: Terrain) -> None:
    surface = Terrain(bare.tiles, "surface")
    for terrain, areas in ((surface, areas_around(1, 5)), (bare, [])):
        grid = build_ground(terrain, areas, ClutterSettings(), straight_road(), 800.0)
        assert not grid.clutter_m.any()
        assert (1 / grid.step_lat_deg, 1 / grid.step_lon_deg) == pytest.approx((1200, 1200))
        assert grid.profile_step_m == pytest.approx(float(metres_per_degree(56.0001)[1]) / 1200)


def test_the_finest_tile_sets_the_nodes_across_seams(tmp_path: Path) -> None:
    tiles = [glo(tmp_path / "a.tif", 56, 36, 60, 30), glo(tmp_path / "b.tif", 55, 36, 60, 40)]
    grid = build_ground(read_terrain(tiles, "surface"), [], ClutterSettings(), straight_road(), 5000.0)
    assert (1 / grid.step_lat_deg, 1 / grid.step_lon_deg) == pytest.approx((60, 40))
    lat, lon = np.meshgrid(grid.lattice.latitudes_deg(), grid.lattice.longitudes_deg(), indexing="ij")
    on_tiles = lon >= 36.0 - 1e-9
    np.testing.assert_allclose(grid.ground_m[on_tiles], plane(lat, lon)[on_tiles], atol=2e-3)
    assert np.isnan(grid.ground_m[~on_tiles]).all()


def test_sampling_agrees_with_scipy_and_is_nan_off_the_grid() -> None:
    rng = np.random.default_rng(4)
    ground, clutter = rng.uniform(0, 900, (2, 40, 50)).astype(np.float32)
    grid = GroundGrid(51.0, 9.0, 1 / 1200, 1 / 800, ground, clutter, "bare", 30.0)
    row, col = rng.uniform(0, 39, 5000), rng.uniform(0, 49, 5000)
    row[:3], col[:3] = (0, 39, 39), (0, 49, 12.5)
    got = grid.sample((51.0 - row / 1200).reshape(50, 100), (9.0 + col / 800).reshape(50, 100))
    for values, sampled in zip((ground, clutter), got, strict=True):
        expected = ndimage.map_coordinates(values.astype(float), [row, col], order=1, mode="nearest")
        np.testing.assert_allclose(sampled.ravel(), expected, atol=1e-6)
    off_ground, off_clutter = grid.sample([51.1, 50.98, 50.9], [9.01, 9.07, 9.01])
    assert np.isnan(off_ground).all()
    assert not off_clutter.any()


def test_only_a_corner_with_weight_can_make_a_place_unknown() -> None:
    ground = np.array([[10, np.nan], [30, 40]], np.float32)
    grid = GroundGrid(51.0, 9.0, 0.01, 0.01, ground, np.zeros((2, 2), np.float32), "bare", 30.0)
    assert grid.sample(51.0, 9.0)[0] == 10.0
    assert grid.sample(50.995, 9.0)[0] == pytest.approx(20.0)
    assert grid.sample(50.99, 9.005)[0] == pytest.approx(35.0)
    assert math.isnan(grid.sample(50.995, 9.005)[0])


def test_every_node_within_reach_is_known_on_a_long_diagonal_road(tmp_path: Path) -> None:
    terrain = read_terrain([hgt(tmp_path / "N50E009.hgt", np.full((1201, 1201), 300))], "bare")
    road = straight_road(60_000.0)
    for line in road.alignments.values():
        share = line.measure_m / 60_000.0
        line.latitude_deg[:], line.longitude_deg[:] = 50.2 + 0.6 * share, 9.2 + 0.6 * share
    forest = [ClutterArea("forest", shapely.box(9, 50, 10, 51))]
    grid = build_ground(terrain, forest, ClutterSettings(), road, 4000.0)
    assert np.isnan(grid.ground_m).mean() > 0.3  # blocks far from the road are not read
    rows, cols = np.nonzero(np.isnan(grid.ground_m))
    lat, lon = grid.lattice.latitudes_deg()[rows], grid.lattice.longitudes_deg()[cols]
    line = road.alignments["increasing"]
    for i in range(0, len(line), 100):
        north_m, east_m = (lat - line.latitude_deg[i]) * 111_250, (lon - line.longitude_deg[i]) * 70_800
        assert np.hypot(north_m, east_m).min() > 3990


def test_heights_must_be_known_for_every_category() -> None:
    with pytest.raises(InputError, match=r"no height for moor.*clutter\.moor_m"):
        draw_areas([ClutterArea("moor", shapely.box(9, 50, 10, 51))], {"forest": 15.0}, Lattice(51, 9, 0.1, 0.1, 9, 9))


@pytest.mark.parametrize(
    ("tags", "categories"),
    [
        ({"landuse": "forest"}, ["forest"]),
        ({"natural": "wood", "leaf_type": "mixed"}, ["forest"]),
        ({"landuse": "residential"}, ["suburban"]),
        ({"landuse": "commercial", "building": "warehouse"}, ["industrial", "building"]),
        ({"building": "yes"}, ["building"]),
        ({"building": "no"}, []),
        ({"building": "bridge"}, []),
        ({"building": "yes", "location": "underground"}, []),
        ({"landuse": "meadow"}, []),
        ({"natural": "water"}, []),
    ],
)
def test_tags_mean_categories(tags: dict[str, str], categories: list[str]) -> None:
    assert categories_of(tags) == categories
