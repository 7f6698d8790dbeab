"""Toll points beside a road: by their coordinates, by the map, by their kilometre; each against the ellipsoid."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod

from drawn_road import drawn_road
from forging import accused_by
from line_evidence import forged, line_evidence
from trassa.linear import Layer
from trassa.optical.access.connection_list import OFFSET_M
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.plan.optical.connected import connections_of
from trassa.plan.optical.toll_places import toll_places
from trassa.plan.project import open_project
from trassa.plan.run import run_plan
from trassa.plan.stages import kept_stages
from trassa.plan.verify import verify
from trassa.plan.verify.evidence import read_evidence
from trassa.plan.verify.optical.cable import plant_of
from trassa.plan.verify.optical.connected import check_connections
from trassa.plan.verify.optical.toll_points import toll_stands
from trassa.provenance import no_progress
from trassa.road.layers import SCHEMAS
from trassa.road.model import Road
from trassa.toll.settings import TollSettings
from trassa.toll.tariff import TollPoint
from valley import valley

RULES = OpticalSettings()
ROAD = drawn_road(80_000.0)
_WGS84 = Geod(ellps="WGS84")


def _off(measure_m: float, right_m: float) -> dict[str, float]:
    """A place so far to the right of the reference line, by geodesics."""
    line = ROAD.alignments["increasing"]
    lat, lon = (
        np.interp([measure_m, measure_m + 10.0], line.measure_m, column)
        for column in (line.latitude_deg, line.longitude_deg)
    )
    ahead_deg, _, _ = _WGS84.inv(lon[0], lat[0], lon[1], lat[1])
    lon_deg, lat_deg, _ = _WGS84.fwd(lon[0], lat[0], ahead_deg + 90.0, right_m)
    return {"latitude_deg": float(lat_deg), "longitude_deg": float(lon_deg)}


def _point(ident: str, **said: object) -> TollPoint:
    return TollPoint.model_validate({"id": ident, "name": ident, "node": ident, **said})


def _mapped(*stands: tuple[float, float, str]) -> Road:
    rows = [
        {
            "measure_m": m,
            "kind": kind,
            "name": "",
            "carriageway": "both",
            "offset_m": abs(off),
            "powered": True,
            **_off(m, off),
        }
        for m, off, kind in stands
    ]
    return replace(ROAD, places=Layer.from_rows(SCHEMAS["places"], rows))


@pytest.mark.parametrize(
    ("right_m", "side", "from_axis_m"), [(350.0, "increasing", 350.0), (-350.0, "decreasing", 330.0)]
)
def test_coordinates_say_where_a_point_stands(right_m: float, side: str, from_axis_m: float) -> None:
    point = _point("east", at="ramp", km=7, **_off(33_333.0, right_m))
    (found,) = toll_places([point], ROAD, RULES).connections
    assert found.measure_m == pytest.approx(33_333.0, abs=1.0)
    assert (found.carriageway, found.offset_m) == (side, pytest.approx(from_axis_m, abs=1.0))


def test_a_point_by_kilometre_and_one_that_is_not_here() -> None:
    points = [
        _point("main", km=12.5, carriageways=("decreasing",)),
        _point("ramp", km=20, at="ramp"),
        _point("beyond", km=81, at="ramp"),
        _point("nowhere", at="ramp"),
        _point("far-off", at="ramp", **_off(40_000.0, 6000.0)),
    ]
    found = toll_places(points, ROAD, OpticalSettings(ramp_offset_m=250.0))
    stands = {c.name: (c.measure_m, c.carriageway, c.offset_m, c.service) for c in found.connections}
    assert stands == {
        "main": (pytest.approx(12_500.0), "decreasing", OFFSET_M, "gantry"),
        "ramp": (pytest.approx(20_000.0), "increasing", 250.0, "gantry"),
    }
    assert (found.assumed, found.elsewhere) == (("ramp",), ("beyond", "nowhere", "far-off"))


def test_the_map_says_where_a_ramp_is() -> None:
    road = _mapped((20_400.0, -180.0, "toll_plaza"), (20_100.0, 5.0, "toll_gantry"), (20_050.0, 200.0, "service_area"))
    points = [_point("ramp", km=20, at="ramp"), _point("gate", km=20), _point("other", km=60, at="ramp")]
    found = toll_places(points, road, RULES)
    stands = {c.name: (c.measure_m, c.carriageway, c.offset_m) for c in found.connections}
    assert stands["ramp"] == (pytest.approx(20_400.0, abs=1.0), "decreasing", pytest.approx(160.0, abs=1.0))
    assert stands["gate"] == (pytest.approx(20_100.0, abs=1.0), "increasing", OFFSET_M)
    assert stands["other"] == (pytest.approx(60_000.0), "increasing", RULES.ramp_offset_m)
    assert found.assumed == ("other",)


@pytest.mark.parametrize("seed", range(8))
def test_a_point_and_a_place_are_each_others_nearest(seed: int) -> None:
    """Every pair tried: taken where no other point is nearer to the place and no other place nearer to the point."""
    rng = np.random.default_rng(seed)
    at_m, there_m = np.round(rng.uniform(0.0, 20_000.0, 9)), np.round(rng.uniform(0.0, 20_000.0, 12))
    road = _mapped(*[(float(m), 300.0, "toll_plaza") for m in there_m])
    points = [_point(f"p{n}", km=float(m) / 1000.0, at="ramp") for n, m in enumerate(at_m)]
    found = toll_places(points, road, RULES)
    away_m = np.abs(at_m[:, None] - there_m[None, :])
    pairs = {
        f"p{row}": there_m[place]
        for row in range(9)
        for place in range(12)
        if away_m[row, place] == away_m[row].min() == away_m[:, place].min() <= RULES.toll_place_m
    }
    stands = {c.name: c.measure_m for c in found.connections if c.name not in found.assumed}
    assert stands == pytest.approx(pairs, abs=1.0)
    assert 0 < len(pairs) < 9


def test_a_schematic_axis_has_no_sides() -> None:
    road = drawn_road(80_000.0, axis="schematic")
    found = toll_places([_point("ramp", km=20, at="ramp", **_off(33_333.0, 350.0))], road, RULES)
    assert [(c.measure_m, c.offset_m) for c in found.connections] == [(pytest.approx(20_000.0), RULES.ramp_offset_m)]


def test_half_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="latitude_deg and longitude_deg stand together"):
        _point("half", latitude_deg=55.0)


@pytest.mark.parametrize("seed", range(6))
def test_verify_finds_the_same_places_its_own_way(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    road = _mapped(
        *[
            (
                float(m),
                float(rng.choice([-400.0, -90.0, -50.0, 5.0, 75.0, 300.0])),
                ("toll_plaza", "toll_gantry")[n % 2],
            )
            for n, m in enumerate(rng.uniform(0.0, 79_000.0, 12))
        ]
    )
    points = [
        {"id": f"p{n}", "name": "", "node": f"n{n}", "km": int(km), "at": ("ramp", "main line")[n % 2]}
        for n, km in enumerate(rng.permutation(90)[:24])
    ]
    points += [
        {**_off(float(m), 200.0), "id": f"q{n}", "name": "", "node": "", "at": "ramp"} for n, m in enumerate((9e3, 4e4))
    ]
    (tmp_path / "inputs").mkdir()
    rows = ["\n".join(f"{key} = {json.dumps(value)}" for key, value in point.items()) for point in points]
    (tmp_path / "inputs" / "own.toml").write_text("".join(f"[[toll_point]]\n{row}\n" for row in rows), "utf-8")
    evidence = line_evidence(tmp_path, road, [Connection("S-1", 900.0, "increasing", 15.0)], check_transmission=False)
    settings = evidence.settings.model_copy(update={"toll": TollSettings(systems=["own.toml"])})
    again = toll_stands(replace(evidence, settings=settings))
    found = toll_places([TollPoint.model_validate(point) for point in points], road, RULES)
    assert set(again) == {c.name for c in found.connections}
    for c in found.connections:
        measure_m, side, offset_m = again[c.name]
        assert (side, measure_m, offset_m) == (
            c.carriageway,
            pytest.approx(c.measure_m, abs=0.05),
            pytest.approx(c.offset_m, abs=0.05),
        )
    assert len(found.assumed) > 1
    assert len(found.assumed) + len(found.elsewhere) < len(points)


TARIFF = """\
format = "trassa-tariff/1"
system = "lane"
name = "A lane"
kind = "matrix"
operator = "us"
currency = "EUR"
price_unit_minor = 10
zone = "Europe/Berlin"
longest_trip_h = 3
[classes]
1 = "all"
[payments]
all = ["tag", "plate"]
[[toll_point]]
id = "west"
name = "West"
km = 1
node = "w"
[[toll_point]]
id = "ramp"
name = "Ramp"
km = 3
at = "ramp"
node = "m"
[[toll_point]]
id = "placed"
name = "Placed"
at = "ramp"
latitude_deg = {latitude_deg}
longitude_deg = {longitude_deg}
node = "p"
[[toll_point]]
id = "elsewhere"
name = "Elsewhere"
km = 99
node = "e"
[[version]]
id = "old"
source = "drawn"
read = 2026-01-01
from = 2026-01-01T00:00:00
time_base = "entry"
rounding = "half up"
[version.profiles]
always = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[[version.table]]
class = "1"
payment = "all"
columns = ["always"]
rows = [["w", "m", 10], ["m", "w", 10]]
"""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valley with a toll point on its main line, two on ramps, one of them with coordinates, and one off the road."""
    root = valley(tmp_path_factory.mktemp("tolled") / "valley", "")
    lon, lat, _ = _WGS84.fwd(37.37, 55.01, 0.0, 200.0)
    (root / "inputs" / "lane.toml").write_text(TARIFF.format(latitude_deg=lat, longitude_deg=lon), "utf-8")
    text = (root / "trassa.toml").read_text("utf-8")
    (root / "trassa.toml").write_text(text.replace("# systems = []", 'systems = ["lane.toml"]'), "utf-8")
    run_plan(open_project(root), lambda stage: no_progress)
    assert not {"optical.connections", "optical.drops", "optical.places"} & accused_by(verify(root)), verify(
        root
    ).text()
    return root


@pytest.mark.parametrize(
    ("name", "column", "value", "told"),
    [
        ("ramp", "offset_m", 30.0, "ramp stands 400.0 m off"),
        ("placed", "measure_m", 3000.0, "placed is a gantry at"),
        ("west", "carriageway", "decreasing", "west stands 10.0 m off the increasing"),
        ("ramp", "access", "", "ramp is not connected, a cable passes"),
    ],
)
def test_a_forged_place_is_named(honest: Path, name: str, column: str, value: object, told: str) -> None:
    evidence = read_evidence(honest)
    row = evidence.layers["connections"]["connection"].tolist().index(name)
    forgery = forged(evidence, "connections", column, row, lambda _: value)
    found = check_connections(forgery, plant_of(forgery))
    assert not found.agrees
    assert told in found.detail


def test_what_is_assumed_of_ramps_stands_in_the_proof(honest: Path) -> None:
    claims = json.loads((honest / "proof.json").read_text("utf-8"))["claims"]
    told = [a for claim in claims if claim["id"] == "optical.links" for a in claim["assumptions"]]
    assert ["optical.ramp_offset", 400.0] in [[a["name"], a["size"]] for a in told]


def test_what_is_assumed_of_ramps_is_told(honest: Path) -> None:
    project = open_project(honest)
    planned = kept_stages(project)
    found = connections_of(project, planned.road, planned.layers()["sites"])
    assumed, elsewhere = found.notes
    assert "taken to stand 400 m off at their tariff's kilometre (1): ramp;" in assumed
    assert "no place on this road are not connected (1): elsewhere;" in elsewhere
    assert [c.name for c in found.connections if c.service == "gantry"] == ["west", "ramp", "placed"]
