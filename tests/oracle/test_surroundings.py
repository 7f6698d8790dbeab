"""Surroundings of a real motorway against shares measured on the map beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from trassa.road.ground import build_ground
from trassa.road.lattice import Bounds
from trassa.road.settings import ClutterSettings, RoadSettings
from trassa.road.surroundings import clutter_areas, ground_areas
from trassa.road.survey import surveyed_road
from trassa.road.terrain import read_terrain

BOX = Bounds(9.63, 50.82, 9.81, 50.90)


def test_woods_and_settlements_cover_their_known_share(shared: Path) -> None:
    """9.8 % of the box is wood and 11.7 % built-up land; about 11,280 buildings."""
    extract = shared / "roads" / "badhersfeld_a4" / "osm_bbox.osm.gz"
    areas = clutter_areas([extract], Bounds(9.0, 50.0, 10.0, 51.5))
    assert sum(area.category == "building" for area in areas) == pytest.approx(11_280, abs=20)
    box = shapely.box(*BOX)

    def share(*categories: str) -> float:
        parts = [shapely.make_valid(area.polygon) for area in areas if area.category in categories]
        return shapely.union_all(parts).intersection(box).area / box.area

    assert share("forest") == pytest.approx(0.098, abs=0.002)
    assert share("urban", "suburban", "industrial") == pytest.approx(0.117, abs=0.002)


def test_the_a4_has_clutter_beside_it_and_none_on_it(shared: Path) -> None:
    folder = shared / "roads" / "badhersfeld_a4"
    road = surveyed_road(RoadSettings(ref="A 4"), [folder / "osm_bbox.osm.gz"])
    terrain = read_terrain([folder / "N50E008.hgt.gz", folder / "N50E009.hgt.gz"], "bare")
    areas = ground_areas([folder / "osm_bbox.osm.gz"], terrain, road, ClutterSettings(), 5000.0)
    grid = build_ground(terrain, areas, ClutterSettings(), road, 5000.0)
    lat, lon = np.meshgrid(grid.lattice.latitudes_deg(), grid.lattice.longitudes_deg(), indexing="ij")
    inside = (lat > BOX.south_deg) & (lat < BOX.north_deg) & (lon > BOX.west_deg) & (lon < BOX.east_deg)
    assert (grid.clutter_m[inside] == 15.0).mean() == pytest.approx(0.098, abs=0.004)
    for line in road.alignments.values():
        ground, clutter = grid.sample(line.latitude_deg, line.longitude_deg)
        assert clutter.max() < 12.0
        assert clutter.mean() < 0.3
        np.testing.assert_allclose(ground, terrain.height_m(line.latitude_deg, line.longitude_deg), atol=1e-3)
