"""The axis index against the road's own locator: spatial tree and exact projection against hashed grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from drawn_road import drawn_road
from trassa.linear import CARRIAGEWAYS
from trassa.live.axis_index import OFF_ROAD, AxisIndex
from trassa.plan.examples.m11 import facts_file, m11_settings
from trassa.road.locate import Locator
from trassa.road.model import Road
from trassa.road.schematic import read_facts, schematic_road
from trassa.road.settings import RoadSettings
from trassa.road.survey import surveyed_road

COUNT = 4000


@pytest.fixture(scope="module", params=["a4", "a7", "m11", "drawn", "one way"])
def road(request: pytest.FixtureRequest) -> Road:
    if request.param == "a4":
        shared = request.getfixturevalue("shared")
        return surveyed_road(RoadSettings(ref="A 4"), [shared / "roads" / "badhersfeld_a4" / "osm_bbox.osm.gz"])
    if request.param == "a7":
        shared = request.getfixturevalue("shared")
        file: Path = shared / "roads" / "testfeld_nds" / "TestfeldNDS_main_roads.osm.gz"
        return surveyed_road(RoadSettings(ref="A7"), [file])
    if request.param == "m11":
        settings = m11_settings().road
        return schematic_road(settings.ref, read_facts(facts_file()), settings.start_km, settings.end_km)
    holes = [(3_000.0, 3_600.0), (9_990.0, 12_000.0)]
    return drawn_road(30_000.0, holes=holes, carriageways=CARRIAGEWAYS if request.param == "drawn" else ["decreasing"])


def scattered(road: Road, sigma_deg: float) -> tuple[npt.NDArray[np.float64], ...]:
    chance = np.random.default_rng(4)
    measure = np.append(chance.uniform(0.0, road.length_m, COUNT - 2), [0.0, road.length_m])
    which = chance.integers(0, len(road.carriageways), COUNT)
    lat, lon = np.zeros(COUNT), np.zeros(COUNT)
    for number, carriageway in enumerate(road.carriageways):
        here = which == number
        lat[here], lon[here] = Locator(road).point(carriageway, measure[here])
    real = np.array([CARRIAGEWAYS.index(road.carriageways[k]) for k in which])
    return lat + chance.normal(0, sigma_deg, COUNT), lon + chance.normal(0, sigma_deg, COUNT), measure, real


def nobody(count: int) -> npt.NDArray[np.int8]:
    return np.full(count, OFF_ROAD, dtype=np.int8)


@pytest.mark.parametrize("sigma_deg", [3e-5, 2e-4])
def test_without_a_heading_it_finds_what_the_locator_finds(road: Road, sigma_deg: float) -> None:
    lat, lon, _, _ = scattered(road, sigma_deg)
    index, oracle = AxisIndex(road), Locator(road).locate(lat, lon)
    found = index.locate(lat, lon, np.full(COUNT, np.nan), nobody(COUNT))
    near = np.abs(oracle.offset_m) <= index.reach_m
    edge = np.abs(np.abs(oracle.offset_m) - index.reach_m) < 0.01
    assert ((found.carriageway != OFF_ROAD) == near)[~edge].all()
    on = near & ~edge
    assert np.abs(found.offset_m - oracle.offset_m)[on].max() < 0.01
    # at a bend two feet are equally near: the measure may then differ by as much as the road bends there
    differs_m = np.abs(found.measure_m - oracle.measure_m)[on]
    assert np.quantile(differs_m, 0.999) < 0.1
    assert differs_m.max() < 10.0
    known = np.array([CARRIAGEWAYS.index(c) for c in oracle.carriageway])
    assert (found.carriageway == known)[on].mean() > 0.999
    assert np.isnan(found.measure_m[~near & ~edge]).all()


def headings(road: Road, measure_m: npt.NDArray[np.float64], real: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Where a car on that carriageway points, from the ground distance between two points 20 m apart."""
    heading = np.zeros(len(measure_m))
    back, ahead = np.maximum(measure_m - 10, 0), np.minimum(measure_m + 10, road.length_m)
    for number, carriageway in enumerate(CARRIAGEWAYS):
        here = real == number
        if not here.any():
            continue
        (lat0, lon0), (lat1, lon1) = (Locator(road).point(carriageway, m[here]) for m in (back, ahead))
        east = (lon1 - lon0) * np.cos(np.radians(lat0))
        heading[here] = (np.degrees(np.arctan2(east, lat1 - lat0)) + 180.0 * number) % 360.0
    return heading


def test_the_heading_tells_carriageways_apart_where_they_coincide(road: Road) -> None:
    lat, lon, measure, real = scattered(road, 3e-5)
    index = AxisIndex(road)
    found = index.locate(lat, lon, headings(road, measure, real), nobody(COUNT))
    on = found.carriageway != OFF_ROAD
    assert on.mean() > 0.9
    there = np.zeros(COUNT, dtype=bool)
    for number, carriageway in enumerate(CARRIAGEWAYS):
        if carriageway in road.alignments:
            line = road.alignments[carriageway]
            close = np.interp(measure, line.measure_m, line.present.astype(float)) == 1.0
            there |= (real == number) & close
    assert (found.carriageway == real)[on & there].mean() > 0.999
    # 3e-5° are 3 m: along the road the error is the noise, wherever it bends gently
    assert np.median(np.abs(found.measure_m - measure)[on & there]) < 5.0


def test_without_a_heading_the_last_carriageway_is_kept(road: Road) -> None:
    lat, lon, _, real = scattered(road, 1e-5)
    found = AxisIndex(road).locate(lat, lon, np.full(COUNT, np.nan), real.astype(np.int8))
    on = found.carriageway != OFF_ROAD
    assert (found.carriageway == real)[on].mean() > 0.995


def test_what_is_no_place_is_off_the_road(road: Road) -> None:
    lat = np.array([np.nan, 90.0, -90.0, 0.0, 55.0])
    lon = np.array([np.nan, 180.0, -180.0, 0.0, np.inf])
    found = AxisIndex(road).locate(lat, lon, np.full(5, np.nan), nobody(5))
    assert (found.carriageway == OFF_ROAD).all()
    assert np.isnan(found.measure_m).all()
