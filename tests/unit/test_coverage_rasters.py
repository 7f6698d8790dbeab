"""Coverage rasters and their files: nodes against links computed one by one, files read back by other programs."""

from __future__ import annotations

import io
import math
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import rasterio.shutil
import shapely
from PIL import Image
from pyproj import Geod

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.linear import Layer
from trassa.radio.coverage_files import RSRP_SCALE, export_coverage
from trassa.radio.layers import SCHEMAS
from trassa.radio.links import terrain_links
from trassa.radio.raster import CoverageRules, coverage_lattice, coverage_tiles
from trassa.road.exchange.cloud_raster import CloudRaster, Look, areas_by_value
from trassa.road.exchange.kmz import ColourScale, NamedArea, write_kmz
from trassa.road.exchange.mapinfo import write_tab
from trassa.road.ground import GroundGrid
from trassa.road.hills import generated_hills
from trassa.road.lattice import Lattice
from trassa.road.model import Road

STEP_DEG, STEP_LON_DEG = 1.0 / 3600.0, 1.0 / 2400.0
NORTH_DEG, WEST_DEG = 50.1, 9.9
RULES = CoverageRules(frequency_mhz=800.0, eirp_per_re_dbm=30.0, reach_m=3500.0, half_width_m=1000.0, step_m=60.0)
KML = "{http://www.opengis.net/kml/2.2}"
GEOD = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def ground() -> GroundGrid:
    heights = generated_hills(3, NORTH_DEG, WEST_DEG, 720, 900, STEP_DEG, step_lon_deg=STEP_LON_DEG)
    woods = np.random.default_rng(3).random((72, 90)) < 0.3
    clutter = np.kron(np.where(woods, 15.0, 0.0), np.ones((10, 10))).astype(np.float32)
    return GroundGrid(NORTH_DEG, WEST_DEG, STEP_DEG, STEP_LON_DEG, heights, clutter, "bare", 30.0, 30.0)


@pytest.fixture(scope="module")
def road() -> Road:
    return drawn_road(12_000.0, ref="М-11", start=(50.0, 10.0), start_km=258.0, azimuth_deg=70.0)


@pytest.fixture(scope="module")
def sites(road: Road, ground: GroundGrid) -> Layer:
    """Three sites; the last so far away that it reaches no node of the corridor."""
    line = road.alignments["increasing"]
    lat = np.append(np.interp([2000.0, 8000.0], line.measure_m, line.latitude_deg) + 0.001, 50.09)
    lon = np.append(np.interp([2000.0, 8000.0], line.measure_m, line.longitude_deg), 9.905)
    empty = {"int": 0, "float": 0.0, "text": "", "bool": False}
    columns: dict[str, object] = {c.name: [empty[c.type]] * 3 for c in SCHEMAS["sites"].columns}
    columns |= {
        "site": ["S-01", "S-02", "S-03"], "name": ["Вышка «Нева»", "N-00002", "N-00003"],
        "height_m": [35.0, 25.0, 25.0],
        "measure_m": [2000.0, 8000.0, 0.0], "km": [260.0, 266.0, 258.0], "latitude_deg": lat, "longitude_deg": lon,
        "ground_m": ground.sample(lat, lon)[0],
    }  # fmt: skip
    return Layer.from_columns(SCHEMAS["sites"], **columns)


@pytest.fixture(scope="module")
def written(road: Road, ground: GroundGrid, sites: Layer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("coverage") / "карты"
    files = export_coverage(road, ground, sites, RULES, folder)
    assert sorted(folder.iterdir()) == sorted(files)
    return {file.name: file for file in files}


def levels_at(ground: GroundGrid, sites: Layer, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Median RSRP of every site at every place, −inf where it is out of reach; shape (sites, places)."""
    links = terrain_links(
        replace(ground, open_road_m=0.0), sites["latitude_deg"], sites["longitude_deg"], sites["ground_m"],
        sites["height_m"][:, None], lat, lon, ground.sample(lat, lon)[0], frequency_mhz=800.0, receiver_antenna_m=1.5,
        reach_m=3500.0, dn_per_km=45.0,
    )  # fmt: skip
    table = np.full((len(sites), len(lat)), -np.inf)
    table[links.place, links.receiver] = 30.0 - links.loss_db[:, 0]
    return table


def test_the_grid_stands_on_nodes_of_the_ground(road: Road, ground: GroundGrid) -> None:
    lattice = coverage_lattice(road, ground, RULES)
    for index in (ground.lattice.row(lattice.latitudes_deg()), ground.lattice.col(lattice.longitudes_deg())):
        np.testing.assert_array_equal(np.diff(index), 2.0)
        np.testing.assert_array_equal(index, np.round(index))
    fine = coverage_lattice(road, ground, replace(RULES, step_m=None))
    assert (fine.step_lat_deg, fine.step_lon_deg) == (STEP_DEG, STEP_LON_DEG)
    far = replace(
        road, alignments={k: replace(v, latitude_deg=v.latitude_deg - 5.0) for k, v in road.alignments.items()}
    )
    with pytest.raises(InputError, match="the ground does not reach М-11"):
        coverage_lattice(far, ground, RULES)


def test_every_node_near_the_road_has_the_strongest_site(
    written: dict[str, Path], road: Road, ground: GroundGrid, sites: Layer
) -> None:
    with rasterio.open(written["rsrp.tif"]) as level, rasterio.open(written["best_server.tif"]) as server:
        rows, cols = np.nonzero(np.ones(level.shape, bool))
        lon, lat = (np.array(column) for column in level.xy(rows, cols))
        rsrp, best = level.read(1).ravel(), server.read(1).ravel()
    line = road.alignments["increasing"]
    other = road.alignments["decreasing"]
    road_lat = np.concatenate([line.latitude_deg, other.latitude_deg])
    road_lon = np.concatenate([line.longitude_deg, other.longitude_deg])
    scale = np.array([111_229.0, 71_696.0])  # metres per degree at 50°, to 0.1 % over 12 km
    away = np.array(
        [np.hypot((road_lat - a) * scale[0], (road_lon - b) * scale[1]).min() for a, b in zip(lat, lon, strict=True)]
    )
    inside, outside = away < 995.0, away > 1005.0
    assert inside.sum() > 5000
    assert outside.sum() > 200
    assert np.isnan(rsrp[outside]).all()
    assert (best[outside] == 0).all()
    table = levels_at(ground, sites, lat[inside], lon[inside])
    np.testing.assert_array_equal(best[inside] > 0, np.isfinite(table.max(axis=0)))
    heard = best[inside] > 0
    np.testing.assert_allclose(rsrp[inside][heard], table.max(axis=0)[heard], atol=1e-3)
    np.testing.assert_allclose(
        table[best[inside][heard].astype(int) - 1, np.flatnonzero(heard)], table.max(axis=0)[heard], atol=1e-3
    )
    assert np.isnan(rsrp[inside][~heard]).all()
    assert (~heard).any()
    assert set(best.tolist()) == {0, 1, 2}


def test_antennas_weaken_what_they_are_told_to(road: Road, ground: GroundGrid, sites: Layer) -> None:
    def westwards(site: int, lat: np.ndarray, lon: np.ndarray, height_m: np.ndarray) -> np.ndarray:
        np.testing.assert_allclose(height_m, ground.sample(lat, lon)[0] + 1.5)
        return np.where(lon > sites["longitude_deg"][site], 40.0, 0.0)

    (plain,) = coverage_tiles(road, ground, sites, RULES)
    (turned,) = coverage_tiles(road, ground, sites, RULES, westwards)
    lattice = coverage_lattice(road, ground, RULES)
    lat, lon = np.meshgrid(lattice.latitudes_deg(), lattice.longitudes_deg(), indexing="ij")
    table = levels_at(ground, sites, lat.ravel(), lon.ravel()).reshape(len(sites), *lat.shape)
    table -= np.where(lon[None] > sites["longitude_deg"][:, None, None], 40.0, 0.0)
    heard = turned.server > 0
    np.testing.assert_array_equal(heard, plain.server > 0)
    np.testing.assert_allclose(turned.rsrp_dbm[heard], table.max(axis=0)[heard], atol=1e-3)
    assert (turned.server != plain.server).any()


def test_tiles_change_nothing(road: Road, ground: GroundGrid, sites: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = replace(RULES, half_width_m=200.0)
    (whole,) = coverage_tiles(road, ground, sites, narrow)
    monkeypatch.setattr("trassa.radio.raster.TILE_NODES", 32)
    shares: list[float] = []
    joined, rsrp = np.zeros_like(whole.server), np.full_like(whole.rsrp_dbm, np.nan)
    for row, col, server, level in coverage_tiles(road, ground, sites, narrow, progress=shares.append):
        here = np.s_[row : row + server.shape[0], col : col + server.shape[1]]
        joined[here], rsrp[here] = server, level
    np.testing.assert_array_equal(joined, whole.server)
    np.testing.assert_allclose(rsrp, whole.rsrp_dbm, atol=1e-4)
    assert shares[-1] == 1.0


def test_sites_without_a_place_are_refused(road: Road, ground: GroundGrid, sites: Layer) -> None:
    nowhere = sites.take([0, 1, 2])
    nowhere["latitude_deg"][1] = math.nan
    with pytest.raises(InputError, match="have no place on Earth"):
        next(coverage_tiles(road, ground, nowhere, RULES))


def test_geotiffs_are_cloud_optimised_and_stand_where_they_should(
    written: dict[str, Path], road: Road, ground: GroundGrid
) -> None:
    lattice = coverage_lattice(road, ground, RULES)
    for name, kind, description, unit in (
        ("rsrp.tif", "float32", "rsrp_dbm", "dBm"),
        ("best_server.tif", "uint8", "best_server", None),
    ):
        with rasterio.open(written[name]) as dataset:
            assert dataset.driver == "GTiff"
            assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert dataset.crs.to_epsg() == 4326
            assert (dataset.dtypes, dataset.descriptions, dataset.units) == ((kind,), (description,), (unit,))
            assert dataset.shape == (lattice.rows, lattice.cols)
            lon, lat = dataset.xy([0, lattice.rows - 1], [0, lattice.cols - 1])
            assert lat == pytest.approx([lattice.north_deg, lattice.south_deg], abs=lattice.step_lat_deg * 1e-6)
            assert lon == pytest.approx([lattice.west_deg, lattice.east_deg], abs=lattice.step_lon_deg * 1e-6)
    with rasterio.open(written["best_server.tif"]) as dataset:
        assert dataset.nodata == 0
        colours = dataset.colormap(1)
        assert colours[0][3] == 0
        assert len({colours[value] for value in (1, 2, 3)}) == 3
        assert all(colours[value][3] == 255 for value in (1, 2, 3))


def test_large_grids_have_tiles_and_overviews(tmp_path: Path) -> None:
    """Overviews are smaller and smaller, and what they hold are numbers of sites, never a mean of two."""
    path = tmp_path / "wide.tif"
    values = np.random.default_rng(1).choice([1, 1, 1, 11], (1536, 2048)).astype(np.uint16)
    look = Look("uint16", 0, "best_server", categories=["none", *(f"S-{n}" for n in range(12))])
    with CloudRaster(path, Lattice(50.0, 10.0, 1e-4, 1e-4, *values.shape), look) as raster:
        for row, col in ((0, 0), (512, 512), (1024, 1536)):
            raster.write(row, col, values[row : row + 512, col : col + 512])
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.block_shapes == [(512, 512)]
        assert dataset.overviews(1) == [2, 4]
        read = dataset.read(1)
        np.testing.assert_array_equal(read[512:1024, 512:1024], values[512:1024, 512:1024])
        assert not read[:512, 512:].any()
    with rasterio.open(path, overview_level=1) as dataset:
        assert dataset.shape == (384, 512)
        assert set(np.unique(dataset.read(1)).tolist()) == {0, 1, 11}


def test_gdal_reads_the_names_of_categories(written: dict[str, Path], tmp_path: Path) -> None:
    rasterio.shutil.copy(written["best_server.tif"], tmp_path / "copy.vrt", driver="VRT")
    names = [one.text for one in ET.parse(tmp_path / "copy.vrt").iter("Category")]
    assert names == ["none", "S-01", "S-02", "S-03"]


def test_a_broken_export_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "old.tif"
    path.write_text("as it was")
    look = Look("float32", math.nan, "rsrp_dbm", "dBm")
    with pytest.raises(RuntimeError, match="stopped"), CloudRaster(path, Lattice(50.0, 10.0, 1e-3, 1e-3, 4, 4), look):
        raise RuntimeError("stopped")
    assert [file.name for file in tmp_path.iterdir()] == ["old.tif"]
    assert path.read_text() == "as it was"
    nowhere = tmp_path / "no" / "such"
    with pytest.raises(InputError, match="cannot be written"):
        CloudRaster(nowhere / "x.tif", Lattice(50.0, 10.0, 1e-3, 1e-3, 4, 4), look)
    square = shapely.MultiPolygon([shapely.box(10.0, 50.0, 10.1, 50.1)])
    with pytest.raises(InputError, match="cannot be written"):
        write_tab(nowhere / "x.tab", [square], {"site": ["S-01"]})
    with pytest.raises(InputError, match="cannot be written"):
        write_kmz(nowhere / "x.kmz", "x", Lattice(50.0, 10.0, 1e-3, 1e-3, 4, 4), [], RSRP_SCALE, [])


def test_no_areas_of_an_older_grid_stay(road: Road, ground: GroundGrid, sites: Layer, tmp_path: Path) -> None:
    first = export_coverage(road, ground, sites, RULES, tmp_path)
    assert tmp_path / "best_server.tab" in first
    second = export_coverage(road, ground, sites.take([2]), RULES, tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(second)
    assert not [file for file in second if file.suffix == ".tab"]


def test_areas_follow_the_pixels_edges(tmp_path: Path) -> None:
    values = np.array([[1, 1, 0], [1, 2, 2], [0, 2, 1]], dtype=np.uint16)
    lattice = Lattice(50.0, 10.0, 0.001, 0.002, 3, 3)
    with CloudRaster(tmp_path / "a.tif", lattice, Look("uint16", 0, "best_server")) as raster:
        raster.write(0, 0, values)
    areas = areas_by_value(tmp_path / "a.tif")
    assert list(areas) == [1, 2]
    assert [len(area.geoms) for area in areas.values()] == [2, 1]
    for value, area in areas.items():
        assert area.area == pytest.approx((values == value).sum() * 0.001 * 0.002)
        for row, col in np.argwhere(values == value):
            assert shapely.contains_xy(area, 10.0 + 0.002 * col, 50.0 - 0.001 * row)


def test_mapinfo_areas_are_those_of_the_grid(written: dict[str, Path], sites: Layer) -> None:
    assert {"best_server.tab", "best_server.dat", "best_server.map", "best_server.id"} <= set(written)
    meta, _, geometry, columns = pyogrio.raw.read(written["best_server.tab"])
    fields = dict(zip(meta["fields"], columns, strict=True))
    assert pyogrio.read_info(written["best_server.tab"])["driver"] == "MapInfo File"
    assert "WGS" in meta["crs"] or "4326" in meta["crs"]
    assert fields["site"].tolist() == ["S-01", "S-02"]
    assert fields["name"].tolist() == ["Вышка «Нева»", "N-00002"]
    assert fields["km"].tolist() == [260.0, 266.0]
    areas = shapely.from_wkb(geometry)
    with rasterio.open(written["best_server.tif"]) as dataset:
        values = dataset.read(1)
        rows, cols = np.nonzero(values)
        lon, lat = (np.array(column) for column in dataset.xy(rows, cols))
    for value, area in enumerate(areas, start=1):
        np.testing.assert_array_equal(shapely.contains_xy(area, lon, lat), values[rows, cols] == value)
    step_lat, step_lon = 2.0 * STEP_DEG, 2.0 * STEP_LON_DEG
    counted = [
        sum(
            abs(
                GEOD.geometry_area_perimeter(
                    shapely.box(x - step_lon / 2, y - step_lat / 2, x + step_lon / 2, y + step_lat / 2)
                )[0]
            )
            for x, y in zip(lon[values[rows, cols] == value], lat[values[rows, cols] == value], strict=True)
        )
        / 1e6
        for value in (1, 2)
    ]
    assert fields["area_km2"] == pytest.approx(counted, rel=1e-3)  # edges as geodesics, not as parallels


@pytest.mark.parametrize(
    ("name", "page", "charset"),
    [
        ("Mühle", "cp1252", "WindowsLatin1"),
        ("Вышка «Нева»", "cp1251", "WindowsCyrillic"),
        ("Мühle 北", "utf-8", "UTF-8"),
    ],
)
def test_mapinfo_texts_are_in_the_code_page_that_the_file_names(
    tmp_path: Path, name: str, page: str, charset: str
) -> None:
    square = shapely.MultiPolygon([shapely.box(10.0, 50.0, 10.1, 50.1)])
    files = write_tab(tmp_path / "a.tab", [square], {"name": [name], "patches": [3]})
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert f"!charset {charset}\n" in (tmp_path / "a.tab").read_text("ascii")
    assert name.encode(page) in (tmp_path / "a.dat").read_bytes()
    columns = pyogrio.raw.read(tmp_path / "a.tab")[3]
    assert (columns[0].tolist(), columns[1].tolist()) == ([name], [3])


def test_kmz_holds_pictures_areas_and_a_legend(written: dict[str, Path]) -> None:
    with rasterio.open(written["rsrp.tif"]) as dataset:
        level, bounds = dataset.read(1), dataset.bounds
    with zipfile.ZipFile(written["coverage.kmz"]) as archive:
        assert archive.testzip() is None
        tree = ET.fromstring(archive.read("doc.kml"))
        (overlay,) = tree.iter(f"{KML}GroundOverlay")
        picture = Image.open(io.BytesIO(archive.read(overlay.find(f"{KML}Icon/{KML}href").text)))
        legend = Image.open(io.BytesIO(archive.read("files/legend.png")))
        pixels = np.array(picture.convert("RGBA"))
    box = {side: float(overlay.find(f"{KML}LatLonBox/{KML}{side}").text) for side in ("north", "south", "east", "west")}
    assert (box["west"], box["south"], box["east"], box["north"]) == pytest.approx(tuple(bounds), abs=1e-8)
    assert pixels.shape[:2] == level.shape
    np.testing.assert_array_equal(pixels[..., 3] > 0, np.isfinite(level))
    edges = [-math.inf, *RSRP_SCALE.edges, math.inf]
    for colour, low, high in zip(RSRP_SCALE.colours, edges, edges[1:], strict=False):
        inside = (level >= low) & (level < high)
        np.testing.assert_array_equal((pixels[..., :3] == colour).all(axis=-1) & (pixels[..., 3] > 0), inside)
    places = list(tree.iter(f"{KML}Placemark"))
    assert [place.find(f"{KML}name").text for place in places] == ["S-01", "S-02"]
    assert places[0].find(f"{KML}description").text.startswith("Вышка «Нева», М-11 км 260+000, antenna at 35 m")
    rings = places[0].findall(f".//{KML}outerBoundaryIs//{KML}coordinates")
    corners = np.array([[float(x) for x in pair.split(",")] for pair in rings[0].text.split()])
    assert (corners.min(axis=0) >= [bounds.left - 1e-7, bounds.bottom - 1e-7]).all()
    assert {(r, g, b) for _, (r, g, b) in legend.convert("RGB").getcolors()} >= set(RSRP_SCALE.colours)
    assert all(word in tree.find(f".//{KML}description").text for word in ("-120 … -110 dBm", "≥ -80 dBm"))


def test_markup_in_names_stays_text(tmp_path: Path) -> None:
    area = NamedArea("<b>&", "a < b & c", (1, 2, 3), shapely.MultiPolygon([shapely.box(0.0, 0.0, 1.0, 1.0)]))
    scale = ColourScale("RSRP", "dBm", (-100.0,), ((1, 1, 1), (2, 2, 2)))
    write_kmz(tmp_path / "x.kmz", "A & <B>", Lattice(1.0, 0.0, 0.5, 0.5, 2, 2), [], scale, [area])
    with zipfile.ZipFile(tmp_path / "x.kmz") as archive:
        tree = ET.fromstring(archive.read("doc.kml"))
    assert tree.find(f".//{KML}Placemark/{KML}name").text == "<b>&"
    assert tree.find(f".//{KML}Document/{KML}name").text == "A & <B>"
