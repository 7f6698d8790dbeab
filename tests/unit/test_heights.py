"""A road laid on terrain: bridges, holes and missing coverage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from osm_map import LON_M, ORIGIN, OsmMap, straight
from trassa.errors import InputError
from trassa.road.model import Road
from trassa.road.settings import RoadSettings, TerrainSettings
from trassa.road.survey import survey

FloatArray = npt.NDArray[np.float64]


class Slope:
    """Ground that rises 1 in 100 to the east, with a valley 40 m deep at 2–3 km, known only from ``known_m``."""

    tiles = ()

    def __init__(self, known_m: tuple[float, float] = (-1e6, 1e6)) -> None:
        self.known_m = known_m

    def height_m(self, latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> FloatArray:
        east_m = (np.asarray(longitude_deg, dtype=np.float64) - ORIGIN[1]) * LON_M
        near = np.abs(np.asarray(latitude_deg) - ORIGIN[0]) < 0.1
        height = 100.0 + 0.01 * east_m - np.where((east_m > 2005.0) & (east_m < 2995.0), 40.0, 0.0)
        return np.where(near & (east_m >= self.known_m[0]) & (east_m <= self.known_m[1]), height, np.nan)


def laid(tmp_path: Path, ground: Slope, bridge: str = "yes", hole: bool = False) -> Road:
    made = OsmMap()
    east = made.row(straight(0.0, 6000.0, 0.0))
    made.way(east[:21])
    made.way(east[20:31], bridge=bridge)
    made.way(east[34:] if hole else east[30:])
    made.write(tmp_path / "map.osm")
    settings = RoadSettings(ref="A 1", osm=["map.osm"])
    return survey(settings, ground, TerrainSettings(files=["x"], kind="bare"), tmp_path)  # type: ignore[arg-type]


def test_a_bridge_runs_from_abutment_to_abutment(tmp_path: Path) -> None:
    line = laid(tmp_path, Slope()).alignments["increasing"]
    np.testing.assert_allclose(line.height_m, 100.0 + 0.01 * line.measure_m, atol=0.6)
    np.testing.assert_allclose(line.gradient, 0.01, atol=0.003)


def test_without_the_bridge_the_valley_shows_and_the_gradient_is_limited(tmp_path: Path) -> None:
    road = laid(tmp_path, Slope(), bridge="no")
    line = road.alignments["increasing"]
    assert (100.0 + 0.01 * line.measure_m - line.height_m).max() > 10.0
    assert np.abs(line.gradient).max() <= 0.0600001
    assert len(road.findings.where(kind="gradient_limited")) >= 1


def test_a_hole_has_no_height_and_hurts_nobody(tmp_path: Path) -> None:
    road = laid(tmp_path, Slope(), hole=True)
    line = road.alignments["increasing"]
    assert road.has_heights
    assert np.isnan(line.height_m[~line.present]).all()
    assert np.isfinite(line.gradient[line.present]).all()


def test_missing_coverage_is_refused_with_its_extent(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no height for A 1 km 4\+(490|500)–6\+000 \(increasing\)"):
        laid(tmp_path, Slope((-1e6, 4500.0)))


def test_swapped_coordinates_are_recognised_by_the_terrain(tmp_path: Path) -> None:
    rows = [f"{ORIGIN[1] + 0.001 * i},{ORIGIN[0]}" for i in range(40)]
    (tmp_path / "line.csv").write_text("\n".join(["lat,lon", *rows]), "utf-8")
    settings = RoadSettings(ref="A 1", centreline="line.csv")
    with pytest.raises(InputError, match="latitude and longitude swapped"):
        survey(settings, Slope(), TerrainSettings(files=["x"], kind="bare"), tmp_path)  # type: ignore[arg-type]
