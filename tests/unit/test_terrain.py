"""Terrain from small tiles made here: formats, seams, voids, missing coverage."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from trassa.errors import InputError
from trassa.linear import Extent
from trassa.road.lattice import Bounds, Lattice
from trassa.road.terrain import missing_extents, read_terrain, require_coverage
from trassa.road.tiles import close_small_voids, open_tile


def plane(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Heights that bilinear interpolation reproduces exactly, on any nodes."""
    return 100.0 + 40.0 * (lat - 59.0) + 25.0 * (lon - 30.0) + 8.0 * (lat - 59.0) * (lon - 30.0)


def glo(path: Path, south: int, west: int, rows: int, cols: int, void: tuple[slice, slice] | None = None) -> Path:
    """A tile laid out like Copernicus GLO-30: nodes on whole steps, the south row and east column left out."""
    lat, lon = south + 1 - np.arange(rows) / rows, west + np.arange(cols) / cols
    heights = plane(lat[:, None], lon[None, :]).astype(np.float32)
    if void:
        heights[void] = -32767.0
    transform = rasterio.Affine(1 / cols, 0, west - 0.5 / cols, 0, -1 / rows, south + 1 + 0.5 / rows)
    profile = {"driver": "GTiff", "width": cols, "height": rows, "count": 1, "dtype": "float32", "nodata": -32767.0}
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, **profile) as dataset:
        dataset.write(heights, 1)
    return path


def hgt(path: Path, samples: np.ndarray) -> Path:
    data = samples.astype(">i2").tobytes()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(data, 1))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.stem, data)
    else:
        path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["N50E009.hgt", "N50E009.hgt.gz", "n50e009.hgt.zip", "S02W070.SRTMGL3.hgt.zip"])
def test_hgt_in_every_wrapping(tmp_path: Path, name: str) -> None:
    samples = np.arange(1201 * 1201).reshape(1201, 1201) % 3000
    tile = open_tile(hgt(tmp_path / name, samples))
    corner = (51.0, 9.0) if "50" in name else (-1.0, -70.0)
    assert (tile.lattice.north_deg, tile.lattice.west_deg) == corner
    assert tile.lattice.rows == tile.lattice.cols == 1201
    np.testing.assert_array_equal(tile.heights_m((7, 5, 3, 4)), samples[7:10, 5:9])


def test_one_arc_second_tiles_are_known_by_their_size(tmp_path: Path) -> None:
    samples = np.zeros((3601, 3601), np.int16)
    samples[3600, 3600] = 77
    terrain = read_terrain([hgt(tmp_path / "N50E009.hgt", samples)], "bare")
    assert terrain.step_deg == (1 / 3600, 1 / 3600)
    assert terrain.height_m(50.0, 10.0) == 77.0
    assert terrain.height_m(50.0 + 0.5 / 3600, 10.0) == pytest.approx(38.5)


def test_broken_tiles_are_one_clear_error_each(tmp_path: Path) -> None:
    whole = hgt(tmp_path / "N50E009.hgt.gz", np.zeros((1201, 1201))).read_bytes()
    (tmp_path / "N50E010.hgt.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "N50E011.hgt").write_bytes(b"\0" * 1000)
    (tmp_path / "heights.hgt").write_bytes(b"\0" * 2_884_802)
    (tmp_path / "N50E012.hgt.zip").write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match=r"N50E010\.hgt\.gz is damaged"):
        read_terrain([tmp_path / "N50E010.hgt.gz"], "bare")
    with pytest.raises(InputError, match=r"holds 1,000 bytes of heights, not 2,884,802 \(1201 × 1201\)"):
        read_terrain([tmp_path / "N50E011.hgt"], "bare")
    with pytest.raises(InputError, match="does not say which degree"):
        read_terrain([tmp_path / "heights.hgt"], "bare")
    with pytest.raises(InputError, match=r"N50E012\.hgt\.zip is damaged"):
        read_terrain([tmp_path / "N50E012.hgt.zip"], "bare")
    with pytest.raises(InputError, match="no file"):
        read_terrain([tmp_path / "N51E009.hgt"], "bare")
    with pytest.raises(InputError, match="no file given"):
        read_terrain([], "bare")


@pytest.fixture
def corner(tmp_path: Path) -> list[Path]:
    """Four tiles around 60° N 31° E; north of 60° the columns stand farther apart, as in GLO-30."""
    return [
        glo(tmp_path / "n60e030.tif", 60, 30, 60, 30),
        glo(tmp_path / "n60e031.tif", 60, 31, 60, 30),
        glo(tmp_path / "n59e030.tif", 59, 30, 60, 40),
        glo(tmp_path / "n59e031.tif", 59, 31, 60, 40),
    ]


def test_seams_without_shared_edges_are_joined(corner: list[Path]) -> None:
    terrain = read_terrain(corner, "surface")
    rng = np.random.default_rng(7)
    lat = np.concatenate(
        [rng.uniform(59.02, 60.98, 4000), 60 + rng.uniform(0, 1 / 60, 500), rng.uniform(59.1, 60.9, 500)]
    )
    lon = np.concatenate(
        [rng.uniform(30.0, 31.95, 4000), rng.uniform(30.1, 31.9, 500), 31 - rng.uniform(0, 1 / 30, 500)]
    )
    np.testing.assert_allclose(terrain.height_m(lat, lon), plane(lat, lon), atol=2e-4)
    for lat_deg, lon_deg in ((60.0, 31.0), (60.0, 30.5), (59.5, 31.0), (60 + 1 / 120, 31 - 1 / 120)):
        assert terrain.height_m(lat_deg, lon_deg) == pytest.approx(plane(lat_deg, lon_deg), abs=2e-4)


def test_nothing_is_invented_beyond_the_outermost_nodes(corner: list[Path]) -> None:
    terrain = read_terrain(corner[2:], "surface")
    lat = np.array([60.0001, 59.0 + 1 / 120, 59.5, 59.5])
    lon = np.array([30.5, 30.5, 29.9999, 31.99])
    assert np.isnan(terrain.height_m(lat, lon)).all()
    assert np.isfinite(terrain.height_m([60.0, 59.0 + 1 / 60, 59.5], [30.5, 30.5, 31.975])).all()


@pytest.mark.parametrize("factor", [1, 3])
def test_a_lattice_across_all_seams_equals_single_places(corner: list[Path], factor: int) -> None:
    terrain = read_terrain(corner, "surface")
    lattice = Lattice(60.2, 30.8, 1 / 60 / factor, 1 / 40 / factor, 24 * factor, 16 * factor)
    lat, lon = np.meshgrid(lattice.latitudes_deg(), lattice.longitudes_deg(), indexing="ij")
    np.testing.assert_allclose(terrain.lattice_m(lattice), terrain.height_m(lat, lon).astype(np.float32), atol=1e-4)
    np.testing.assert_allclose(terrain.lattice_m(lattice), plane(lat, lon), atol=2e-4)


def test_the_finest_tile_that_knows_answers(tmp_path: Path) -> None:
    coarse = hgt(tmp_path / "N59E030.hgt", np.full((1201, 1201), 500))
    fine = glo(tmp_path / "fine.tif", 59, 30, 2400, 2400, void=(slice(1000, 1400), slice(1000, 1400)))
    terrain = read_terrain([coarse, fine], "bare")
    assert terrain.height_m(59.9, 30.1) == pytest.approx(plane(59.9, 30.1), abs=1e-3)
    assert terrain.height_m(59.5, 30.5) == 500.0


def test_small_surrounded_voids_are_closed_and_no_others() -> None:
    heights = (np.arange(12)[:, None] * 10.0 + np.arange(14)[None, :]).astype(np.float32)
    full = heights.copy()
    heights[2:5, 2:4] = np.nan  # 3 × 2: closed
    heights[7, 7:11] = np.nan  # four wide: stays
    heights[0, 12] = np.nan  # on the edge: stays
    heights[9, 2] = heights[10, 3] = np.nan  # two diagonal neighbours: two voids
    closed = close_small_voids(heights)
    stays = np.zeros_like(full, bool)
    stays[7, 7:11] = stays[0, 12] = True
    np.testing.assert_array_equal(np.isnan(closed), stays)
    np.testing.assert_allclose(closed[~stays], full[~stays], rtol=1e-6)


def test_voids_do_not_depend_on_how_a_tile_is_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    samples = rng.integers(0, 900, (1201, 1201))
    samples[rng.random((1201, 1201)) < 0.02] = -32768
    tile = open_tile(hgt(tmp_path / "N50E009.hgt", samples))
    whole = tile.heights_m((0, 0, 1201, 1201))
    np.testing.assert_array_equal(
        whole, close_small_voids(np.where(samples == -32768, np.nan, samples).astype(np.float32))
    )
    for row, col in ((0, 0), (100, 333), (1150, 1140)):
        np.testing.assert_array_equal(tile.heights_m((row, col, 51, 60)), whole[row : row + 51, col : col + 60])


def span(start_m: float, end_m: float) -> str:
    return f"A 4 {start_m:.0f}–{end_m:.0f}"


def test_missing_coverage_names_extent_reason_and_tile(tmp_path: Path) -> None:
    samples = np.full((1201, 1201), 200)
    samples[:, 600:700] = -32768
    terrain = read_terrain([hgt(tmp_path / "N50E009.hgt", samples)], "bare")
    measure = np.arange(0.0, 2001.0, 10.0)
    lat, lon = (
        np.full(len(measure), 50.5),
        9.45 + measure * 1e-4,
    )  # no height from 9.49917° to 9.58333°: measure 492 to 1,333
    (gap,) = missing_extents(terrain, measure, lat, lon)
    assert gap == Extent(490.0, 1340.0)
    with pytest.raises(InputError, match=r"no height for A 4 490–1340 \(850 m; void in N50E009\.hgt\).*N50E009\.hgt"):
        require_coverage(terrain, measure, lat, lon, span)
    with pytest.raises(
        InputError, match=r"A 4 0–2000 \(2,000 m; no tile at latitude 50\.500, longitude 10\.\d+\).*N50E010"
    ):
        require_coverage(terrain, measure, lat, lon + 0.6, span)
    require_coverage(terrain, measure, lat, lon - 0.3, span)
    in_tunnel = (measure > 400) & (measure < 1400)
    require_coverage(terrain, measure, lat, lon, span, needed=~in_tunnel)


def test_a_box_without_any_tile_is_refused(tmp_path: Path) -> None:
    terrain = read_terrain([hgt(tmp_path / "N50E009.hgt", np.zeros((1201, 1201)))], "bare")
    assert len(terrain.near(Bounds(9.9, 50.9, 10.5, 51.5)).tiles) == 1
    with pytest.raises(InputError, match=r"no tile covers latitude 9\.20…9\.30, longitude 50\.10…50\.20"):
        terrain.near(Bounds(50.1, 9.2, 50.2, 9.3))
