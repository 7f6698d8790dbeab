"""Drawn and schematic roads, and locating on a road."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from osm_map import OsmMap, place, straight
from trassa.errors import InputError
from trassa.linear import KmLabel
from trassa.road.locate import Locator
from trassa.road.model import Road
from trassa.road.schematic import read_facts, schematic_road
from trassa.road.settings import RoadSettings, TerrainSettings
from trassa.road.survey import survey, surveyed_road

M11 = Path(str(files("trassa.plan.examples").joinpath("m11.csv")))


def drawn(tmp_path: Path, name: str, text: str, **settings: object) -> Road:
    (tmp_path / name).write_text(text, "utf-8")
    chosen = RoadSettings.model_validate({"ref": "М-99", "centreline": name, **settings})
    return survey(chosen, None, TerrainSettings(), tmp_path)


def csv_line(start_m: float, end_m: float, first_km: float | None = None, swap: bool = False) -> str:
    rows = ["lat,lon,km" if first_km is not None else "lat,lon"]
    for i, (east, north) in enumerate(straight(start_m, end_m, 0.0)):
        lat, lon = place(east, north)[:: -1 if swap else 1]
        sign = 1.0 if first_km is not None and first_km < 500.0 else -1.0
        rows.append(f"{lat:.7f},{lon:.7f}" + (f",{first_km + sign * 0.1 * i:.1f}" if first_km is not None else ""))
    return "\n".join(rows)


def geojson(*lines: list[tuple[float, float]]) -> str:
    shapes = [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "LineString", "coordinates": [place(*point)[::-1] for point in line]},
        }
        for line in lines
    ]
    return json.dumps({"type": "FeatureCollection", "features": shapes})


def test_a_drawn_line_declares_its_labels(tmp_path: Path) -> None:
    road = drawn(tmp_path, "line.csv", csv_line(0.0, 5000.0, 100.0))
    assert road.axis == "drawn"
    assert road.text(2500.0) == "М-99 км 102+500"
    assert {interval.kind for interval in road.calibration.intervals if interval.end_m - interval.start_m > 1.0} == {
        "declared"
    }
    assert road.carriageways == ("increasing", "decreasing")
    assert drawn(tmp_path, "line.csv", csv_line(0.0, 5000.0, 100.0), carriageways=1).carriageways == ("increasing",)


def test_a_line_with_falling_kilometres_is_turned(tmp_path: Path) -> None:
    road = drawn(tmp_path, "line.csv", csv_line(0.0, 5000.0, 600.0))
    assert float(road.calibration.km(0.0)) == pytest.approx(595.0, abs=0.001)
    line = road.alignments["increasing"]
    assert line.longitude_deg[0] > line.longitude_deg[-1]


def test_two_drawn_lines_are_two_carriageways(tmp_path: Path) -> None:
    text = geojson(straight(0.0, 5000.0, 0.0), straight(0.0, 5000.0, 20.0))
    road = drawn(tmp_path, "line.geojson", text, start_km=12.0)
    assert float(road.calibration.km(0.0)) == 12.0
    north = road.alignments["decreasing"].latitude_deg - road.alignments["increasing"].latitude_deg
    np.testing.assert_allclose(north * 111_229.0, 20.0, atol=0.2)
    assert np.nanmax(np.abs(road.alignments["decreasing"].heading_deg - 270.0)) < 0.1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("line.csv", csv_line(0.0, 5000.0, 100.0, swap=True), "swap the columns"),
        ("line.csv", "lat,lon\n50.0,9.0\n50.1,300.0\n", "longitude 300"),
        ("line.csv", "lat,lon\n100.0,9.0\n100.1,9.0\n", "point 1 has latitude 100, longitude 9.*swap them"),
        ("line.csv", "lat,lon\n50.0,9.0\n", "1 point"),
        ("line.csv", "lat,lon\n50.0,9.0\n51.5,9.0\n", "50 km"),
        ("line.csv", "lat,lon,km\n50.0,9.0,1\n50.01,9.0,3\n50.02,9.0,2\n50.03,9.0,4\n", "out of order"),
        ("line.csv", "x1,y1\n50.0,9.0\n", "no column lat and lon"),
        ("line.csv", "lat,lon\n50.0,abc\n", "line 2: lon 'abc' is not a number"),
        ("line.csv", "lat,lon\n", "no points"),
        ("line.geojson", '{"type": "FeatureCollection", "features": []}', "no line"),
        ("line.geojson", "{broken", "cannot be read"),
        ("line.geojson", geojson(*[straight(0.0, 500.0, 10.0 * i) for i in range(3)]), "holds 3 lines"),
    ],
)
def test_centrelines_that_cannot_be_meant(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        drawn(tmp_path, name, text)


def test_no_file_and_no_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv does not exist"):
        survey(RoadSettings(ref="A 1", centreline="none.csv"), None, TerrainSettings(), tmp_path)
    with pytest.raises(InputError, match="no source"):
        survey(RoadSettings(ref="A 1"), None, TerrainSettings(), tmp_path)


def test_the_bundled_m11_is_a_schematic_of_669_km() -> None:
    facts = read_facts(M11)
    points = {(f.latitude_deg, f.longitude_deg) for f in facts if np.isfinite(f.latitude_deg)}
    assert len(points) == 27
    assert not any(fact.km == 593.0 for fact in facts)
    road = schematic_road("М-11", facts, 15.0, 684.0)
    assert (road.axis, road.length_m, road.reference) == ("schematic", 669_000.0, "increasing")
    assert road.text(243_350.0) == "М-11 км 258+350"
    assert road.calibration.intervals[0].kind == "declared"
    for line in road.alignments.values():
        assert np.isnan([line.heading_deg, line.curvature_per_m, line.gradient, line.height_m]).all()
        assert line.present.all()
    assert len(road.places.where(kind="toll_plaza")) == 29
    ends = road.findings.where(kind="extrapolated_sketch")
    assert [(a, b) for a, b in zip(ends["start_m"], ends["end_m"], strict=True)] == [(0.0, 6e3), (664e3, 669e3)]
    assert len(road.findings.where(kind="chord")) == 26
    fast = road.cross_sections.where(speed_limit_kind="fixed", carriageway="increasing")
    assert (fast["start_m"][0], fast["end_m"][0], fast["speed_limit_kmh"][0]) == (531_000.0, 665_000.0, 130.0)


def test_plazas_of_the_sketch_stand_where_the_facts_put_them() -> None:
    road = schematic_road("М-11", read_facts(M11), 15.0, 684.0)
    located = Locator(road).locate(road.places["latitude_deg"], road.places["longitude_deg"])
    plazas = road.places["kind"] == "toll_plaza"
    assert np.abs(located.measure_m - road.places["measure_m"])[plazas].max() < 60.0
    assert np.abs(located.offset_m)[plazas].max() < 30.0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("toll_plaza,A,10,,95.0,37.0,,", "latitude before longitude"),
        ("toll_plaza,A,,,55.0,37.0,,", "neither km nor km_to"),
        ("toll_plaza,A,10,,55.0,,,", "latitude or longitude is missing"),
        ("toll_plaza,A,ten,,55.0,37.0,,", "km 'ten'"),
    ],
)
def test_facts_that_cannot_be_meant(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(f"kind,name,km,km_to,lat,lon,value,source\n{row}\n", "utf-8")
    with pytest.raises(InputError, match=said):
        read_facts(path)


def test_locate_and_its_inverse_agree(tmp_path: Path) -> None:
    made = OsmMap()
    bend = [(2000.0 * np.sin(a), 2000.0 * (1.0 - np.cos(a))) for a in np.arange(0.0, 2.5, 0.03)]
    made.way(made.row(bend))
    inner = [(1985.0 * np.sin(a), 15.0 + 1985.0 * (1.0 - np.cos(a))) for a in np.arange(0.0, 2.5, 0.03)]
    made.way(made.row(inner[::-1]))
    road = surveyed_road(RoadSettings(ref="A 1"), [made.write(tmp_path / "map.osm")])
    locator = Locator(road)
    measure = np.linspace(20.0, road.length_m - 40.0, 200)
    for carriageway in road.carriageways:
        located = locator.locate(*locator.point(carriageway, measure))
        assert set(located.carriageway) == {carriageway}
        np.testing.assert_allclose(located.measure_m, measure, atol=0.6)
        np.testing.assert_allclose(located.offset_m, 0.0, atol=0.05)
    for text in ("km 1+234", "km 3+000"):
        at = road.calibration.measure(KmLabel.parse(text))
        (again,) = locator.locate(*locator.point("increasing", at)).measure_m
        assert road.calibration.text(float(again)) == text
    (left,) = locator.locate(*place(0.0, 60.0)).offset_m
    (right,) = locator.locate(*place(0.0, -60.0)).offset_m
    assert left < 0.0 < right == pytest.approx(60.0, abs=0.5)


def test_locate_refuses_swapped_and_impossible_places(tmp_path: Path) -> None:
    made = OsmMap()
    made.way(made.row(straight(0.0, 5000.0, 0.0)))
    locator = Locator(surveyed_road(RoadSettings(ref="A 1"), [made.write(tmp_path / "map.osm")]))
    with pytest.raises(InputError, match=r"latitude first: 50 9\.02"):
        locator.locate(9.02, 50.0)
    with pytest.raises(InputError, match="latitude 91"):
        locator.locate(91.0, 9.0)
    with pytest.raises(InputError, match="no decreasing carriageway"):
        locator.point("decreasing", 10.0)
    with pytest.raises(InputError, match="off the road"):
        locator.point("increasing", 6000.0)


def test_settings_refuse_what_cannot_be_meant() -> None:
    for wrong in ({"osm": ["a.osm"], "schematic": "b.csv"}, {"start_km": 5.0, "end_km": 4.0}, {"corridor_m": -1.0}):
        with pytest.raises(ValueError, match=r"one source|not before|greater than 0"):
            RoadSettings.model_validate({"ref": "A 1", **wrong})
    with pytest.raises(ValueError, match="kind is required"):
        TerrainSettings(files=["N50E009.hgt"])
