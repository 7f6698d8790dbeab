"""GeoPackage and raster exchange: what goes out comes back, exactly, or not at all."""

from __future__ import annotations

import math
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely

from trassa.errors import InputError
from trassa.linear import Calibration, LabelInterval, Layer
from trassa.optical.layers import SCHEMAS as OPTICAL
from trassa.radio.layers import SCHEMAS as RADIO
from trassa.road.alignment import Alignment, measures_of
from trassa.road.exchange import layer_names, read_layer, read_raster, write_geopackage, write_raster
from trassa.road.exchange.lines import read_lines
from trassa.road.layers import SCHEMAS as ROAD
from trassa.road.model import Road

ALL = ROAD | RADIO | OPTICAL


def straight_road(length_m: float = 1005.0) -> Road:
    """A road due east at 56° N whose labels begin at 258.350, in Cyrillic."""
    measure = measures_of(length_m)
    zeros = np.zeros_like(measure)
    lines = {
        name: Alignment(
            name,
            measure,
            zeros + latitude,
            36.0 + measure * 1.6e-5,
            *(zeros for _ in range(4)),
            present=np.ones(len(measure), bool),
        )
        for name, latitude in (("increasing", 56.0), ("decreasing", 56.0002))
    }
    labels = Calibration((LabelInterval(0.0, length_m, 258.35, 258.35 + length_m / 1000, "declared"),), "Cyrl")
    plain = {n: Layer.empty(ROAD[n]) for n in ("posts", "structures", "cross_sections", "places", "masts", "findings")}
    return Road("М-11", "surveyed", length_m, "increasing", labels, lines, **plain)


def awkward(schema_name: str, rows: int) -> Layer:
    """A layer of any schema whose values are hard to keep: NaN of either sign, infinities, Cyrillic, 2**62."""
    schema = ALL[schema_name]
    rng = np.random.default_rng(len(schema_name))
    columns: dict[str, object] = {}
    for column in schema.columns:
        if column.type == "float":
            values = rng.uniform(0.0, 900.0, rows)
            if column.name not in {"measure_m", "start_m", "end_m", "latitude_deg", "longitude_deg"} and rows > 5:
                values[:6] = [math.nan, -math.nan, math.inf, -math.inf, -0.0, 5e-324]
            columns[column.name] = values
        elif column.type == "int":
            columns[column.name] = rng.integers(-(2**62), 2**62, rows)
        elif column.type == "bool":
            columns[column.name] = rng.random(rows) < 0.5
        else:
            columns[column.name] = [("", "Застава «Нева»", "a \"b\" 'c'", "ÄÖ→", "S-01")[i % 5] for i in range(rows)]
    if "carriageway" in columns:
        columns["carriageway"] = [("increasing", "decreasing", "both")[i % 3] for i in range(rows)]
    if "end_m" in columns:
        columns["end_m"] = np.asarray(columns["start_m"]) + 25.0
    return Layer.from_columns(schema, **columns)


@pytest.mark.parametrize("rows", [0, 1, 40])
def test_every_layer_of_every_trade_comes_back_with_its_digest(tmp_path: Path, rows: int) -> None:
    layers = {name: awkward(name, rows) for name in ALL}
    write_geopackage(tmp_path / "план.gpkg", straight_road(), layers)
    assert layer_names(tmp_path / "план.gpkg") == list(layers)
    for name, layer in layers.items():
        again = read_layer(tmp_path / "план.gpkg", layer.schema)
        assert again.digest() == layer.digest(), name
        assert len(again) == rows
    assert [p.name for p in tmp_path.iterdir()] == ["план.gpkg"]


def geometries(path: Path, table: str) -> list[shapely.Geometry]:
    """The geometries of a table, read without GDAL: a GeoPackage blob is a header and plain WKB."""
    with closing(sqlite3.connect(path)) as connection:
        blobs = [row[0] for row in connection.execute(f'SELECT geom FROM "{table}" ORDER BY fid')]
    envelope_bytes = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
    return [None if b is None else shapely.from_wkb(b[8 + envelope_bytes[b[3] >> 1 & 7] :]) for b in blobs]


def test_extents_are_lines_with_measure_along_their_carriageway(tmp_path: Path) -> None:
    structures = Layer.from_rows(
        ROAD["structures"],
        [
            {"start_m": 10.0, "end_m": 20.0, "carriageway": "increasing", "kind": "bridge", "name": ""},
            {"start_m": 4.0, "end_m": 36.0, "carriageway": "decreasing", "kind": "tunnel", "name": "Т"},
            {"start_m": 995.0, "end_m": 1005.0, "carriageway": "both", "kind": "hole", "name": ""},
            {"start_m": math.nan, "end_m": math.nan, "carriageway": "increasing", "kind": "hole", "name": ""},
        ],
    )
    write_geopackage(tmp_path / "a.gpkg", straight_road(), {"structures": structures})
    first, second, last, nowhere = geometries(tmp_path / "a.gpkg", "structures")
    np.testing.assert_allclose(shapely.get_coordinates(first, include_m=True), [[36.00016, 56, 10], [36.00032, 56, 20]])
    np.testing.assert_allclose(shapely.get_coordinates(second, include_m=True)[:, 2], [4, 10, 20, 30, 36])
    np.testing.assert_allclose(shapely.get_coordinates(second)[:, 1], 56.0002)
    np.testing.assert_allclose(shapely.get_coordinates(last, include_m=True)[:, 2], [995, 1000, 1005])
    assert nowhere is None
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as connection:
        texts = [row[0] for row in connection.execute("SELECT km_text FROM structures ORDER BY fid")]
        assert connection.execute("SELECT geometry_type_name, m FROM gpkg_geometry_columns").fetchall() == [
            ("LINESTRING", 1)
        ]
    assert texts == ["км 258+360–258+370", "км 258+354–258+386", "км 259+345–259+355", ""]


def test_positions_stand_on_their_own_coordinates_or_on_the_road(tmp_path: Path) -> None:
    road = straight_road()
    chambers = Layer.from_rows(
        OPTICAL["chambers"],
        [
            {
                "chamber": "CH",
                "cable": "C-1",
                "measure_m": 15.0,
                "carriageway": "decreasing",
                "purpose": "pull",
                "origin": "planned",
            }
        ],
    )
    blank = {"name": "", "kind": "mobile", "usable": True, "height_m": math.nan, "osm_id": "n1", "offset_m": 0.0}
    masts = Layer.from_rows(
        ROAD["masts"],
        [
            {**blank, "measure_m": 15.0, "latitude_deg": 56.5, "longitude_deg": 36.5},
            {**blank, "measure_m": 15.0, "latitude_deg": math.nan, "longitude_deg": math.nan},
        ],
    )
    write_geopackage(tmp_path / "a.gpkg", road, {"chambers": chambers, "masts": masts})
    assert [shapely.to_wkt(g, 6) for g in geometries(tmp_path / "a.gpkg", "chambers")] == ["POINT (36.00024 56.0002)"]
    assert [shapely.to_wkt(g, 6) for g in geometries(tmp_path / "a.gpkg", "masts")] == [
        "POINT (36.5 56.5)",
        "POINT (36.00024 56)",
    ]


def test_every_layer_with_geometry_has_one_default_style(tmp_path: Path) -> None:
    write_geopackage(tmp_path / "a.gpkg", straight_road(), {name: awkward(name, 3) for name in ALL})
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as connection:
        geometry = dict(connection.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
        styles = connection.execute("SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles")
        rows = styles.fetchall()
    assert {row[0]: row[1] for row in rows} == geometry
    assert all(row[2] == 1 and "<renderer-v2" in row[3] for row in rows)
    assert 'attr="margin_db"' in next(row[3] for row in rows if row[0] == "bins")


def test_a_full_disk_leaves_the_older_file_intact(tmp_path: Path) -> None:
    path = tmp_path / "plan.gpkg"
    write_geopackage(path, straight_road(), {"posts": awkward("posts", 3)})
    before = path.read_bytes()
    script = (
        "import resource, sys; from pathlib import Path; sys.path.insert(0, 'tests/unit')\n"
        "import test_exchange as t\n"
        "layers = {'bins': t.awkward('bins', 20_000)}\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, {resource.RLIM_INFINITY}))\n"
        "try: t.write_geopackage(Path(sys.argv[1]), t.straight_road(), layers)\n"
        "except t.InputError as error: print(error); sys.exit(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "plan.gpkg" in done.stdout
    assert "free space" in done.stdout
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["plan.gpkg"]


def test_unwritable_places_and_missing_tables_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_geopackage(tmp_path / "no" / "plan.gpkg", straight_road(), {"posts": awkward("posts", 3)})
    with pytest.raises(InputError, match="no file"):
        read_layer(tmp_path / "plan.gpkg", ROAD["posts"])
    write_geopackage(tmp_path / "plan.gpkg", straight_road(), {"posts": awkward("posts", 3)})
    with pytest.raises(InputError, match="no table masts"):
        read_layer(tmp_path / "plan.gpkg", ROAD["masts"])
    (tmp_path / "text.gpkg").write_text("not a database")
    with pytest.raises(InputError, match="cannot be read"):
        read_layer(tmp_path / "text.gpkg", ROAD["posts"])


def from_origin(west: float, north: float, step_lon: float, step_lat: float) -> rasterio.Affine:
    return rasterio.Affine(step_lon, 0, west, 0, -step_lat, north)


def write_tif(path: Path, heights: np.ndarray, north_west: tuple[float, float], **profile: object) -> Path:
    """A GeoTIFF whose north-west *node* (pixel centre) stands at the given place, 0.01° apart."""
    north, west = north_west
    defaults: dict[str, object] = {
        "crs": "EPSG:4326",
        "transform": from_origin(west - 0.005, north + 0.005, 0.01, 0.01),
    }
    size = {"height": heights.shape[0], "width": heights.shape[1], "count": 1, "dtype": heights.dtype}
    tags = {"AREA_OR_POINT": profile.pop("area_or_point", "Area")}
    with rasterio.open(path, "w", driver="GTiff", **(size | defaults | profile)) as dataset:
        dataset.update_tags(**tags)
        dataset.write(heights, 1)
    return path


@pytest.mark.parametrize("registration", ["Area", "Point"])
def test_nodes_are_pixel_centres_however_pixels_are_called(tmp_path: Path, registration: str) -> None:
    heights = np.array([[1, 2, 3], [4, -9999, 6]], np.float32)
    path = write_tif(tmp_path / "a.tif", heights, (57.0, 36.0), area_or_point=registration)
    raster = read_raster(path)
    assert (raster.north_deg, raster.west_deg) == pytest.approx((57.0, 36.0), abs=1e-12)
    assert (raster.step_lat_deg, raster.step_lon_deg) == pytest.approx((0.01, 0.01))
    np.testing.assert_array_equal(raster.array, np.array([[1, 2, 3], [4, np.nan, 6]], np.float32))
    part = read_raster(path, (1, 1, 1, 2))
    assert (part.north_deg, part.west_deg) == pytest.approx((56.99, 36.01))
    np.testing.assert_array_equal(part.array, np.array([[np.nan, 6]], np.float32))


def test_declared_voids_scales_and_offsets_are_honoured(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", np.array([[100, 7], [300, 400]], np.int16), (57.0, 36.0), nodata=7)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.1,), (5.0,)
    np.testing.assert_allclose(read_raster(path).array, [[15, np.nan], [35, 45]])


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"crs": "EPSG:25832"}, r"projected.*gdalwarp -t_srs EPSG:4326"),
        ({"crs": None}, "names no coordinate system"),
        ({"crs": "EPSG:4284"}, r"1\d\d m away from WGS 84.*gdalwarp"),
        ({"transform": rasterio.Affine(0.01, 0.001, 36, 0.001, -0.01, 57)}, "rotated"),
        ({"transform": rasterio.Affine(0.01, 0, 36, 0, 0.01, 57)}, "south-up"),
        ({"transform": from_origin(36000, 57000, 1, 1)}, "begins at latitude"),
    ],
)
def test_rasters_that_are_not_plain_latitude_and_longitude_are_refused(
    tmp_path: Path, profile: dict[str, object], message: str
) -> None:
    path = write_tif(tmp_path / "a.tif", np.ones((3, 3), np.float32), (57.0, 36.0), **profile)
    with pytest.raises(InputError, match=message):
        read_raster(path)


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    good = write_tif(tmp_path / "a.tif", np.ones((200, 200), np.float32), (57.0, 36.0))
    (tmp_path / "cut.tif").write_bytes(good.read_bytes()[:-60_000])
    with pytest.raises(InputError, match=r"cut\.tif is damaged"):
        read_raster(tmp_path / "cut.tif")
    (tmp_path / "text.tif").write_text("heights")
    with pytest.raises(InputError, match="not a raster"):
        read_raster(tmp_path / "text.tif")
    with pytest.raises(InputError, match="no file"):
        read_raster(tmp_path / "none.tif")


def test_a_written_raster_reads_back_and_is_the_same_file_twice(tmp_path: Path) -> None:
    heights = np.random.default_rng(1).normal(300, 90, (300, 270)).astype(np.float32)
    heights[5, 7] = np.nan
    for name in ("a.tif", "b.tif"):
        write_raster(tmp_path / name, heights, 51.0, 9.0, 1 / 3600, 1 / 2400)
    raster = read_raster(tmp_path / "a.tif")
    np.testing.assert_array_equal(raster.array, heights)
    assert (raster.north_deg, raster.west_deg) == pytest.approx((51.0, 9.0), abs=1e-12)
    assert (raster.step_lat_deg, raster.step_lon_deg) == pytest.approx((1 / 3600, 1 / 2400), rel=1e-12)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {"a.tif", "b.tif"}
    with pytest.raises(InputError, match="cannot be written"):
        write_raster(tmp_path / "no" / "a.tif", heights, 51.0, 9.0, 1 / 3600, 1 / 2400)


def test_lines_of_a_plan_can_be_read_as_a_drawing(tmp_path: Path) -> None:
    write_geopackage(tmp_path / "a.gpkg", straight_road(), {"structures": awkward("structures", 2)})
    lines = read_lines(tmp_path / "a.gpkg")
    assert [attributes["kind"] for attributes, _ in lines] == awkward("structures", 2)["kind"].tolist()
    assert lines[0][1][:, 1] == pytest.approx(56.0)
