"""The line as files for others, each read back by the library that others read it with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import ezdxf
import networkx as nx
import numpy as np
import openpyxl
import pytest
from pyproj import CRS, Geod, Transformer

from command_line import contents, set_in, trassa
from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.linear import Layer
from trassa.optical.drawing.dxf import SheetTitle, write_drawing, zone_of
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.plan.optical.graph import line_graph
from trassa.radio.layers import SCHEMAS
from trassa.road.model import Road

GEOD = Geod(ellps="WGS84")
ROAD = drawn_road(
    60_000.0,
    places=[(30_000.0, "P", True)],
    bridges=[(20_000.0, 20_300.0)],
    holes=[(45_000.0, 46_500.0)],
    start_km=258.0,
)
FILES = [
    "as_built.csv",
    "gnpy_equipment.json",
    "gnpy_topology.json",
    "line.dxf",
    "line.graphml",
    "line.prj",
    "line.xlsx",
    "line_strips_01.svg",
]


def _connections(road: Road) -> list[Connection]:
    """Every third a radio site, sides in turn; the first stands where a hut does."""
    kinds = ("radio site", "camera", "gantry")
    found = []
    for n, measure_m in enumerate(np.linspace(0.0, road.length_m - 700.0, 24).tolist()):
        name = f"{'X' if n % 3 else 'S'}-{n:02d}"
        found.append(Connection(name, measure_m, "decreasing" if n % 2 else "increasing", 30.0, kinds[n % 3]))
    return found


@pytest.fixture(scope="module", params=[{}, {"cables": 2}], ids=["one", "two"])
def rules(request: pytest.FixtureRequest) -> OpticalSettings:
    return OpticalSettings(check_transmission=False, ring_members=4, span_limit_m=30_000.0, **request.param)


@pytest.fixture(scope="module")
def plan(rules: OpticalSettings) -> OpticalPlan:
    return plan_optical(ROAD, _connections(ROAD), rules)


@pytest.fixture(scope="module")
def graph(plan: OpticalPlan, rules: OpticalSettings, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("graph") / "line.graphml"
    nx.write_graphml_xml(line_graph(ROAD, plan.layers, rules), path)
    return nx.read_graphml(path, force_multigraph=True)


def _cut(graph: Any, *media: str) -> Any:
    return graph.edge_subgraph([(u, v, k) for u, v, k, d in graph.edges(keys=True, data=True) if d["medium"] in media])


def test_the_graph_has_every_node_and_edge_by_name(graph: Any, plan: OpticalPlan) -> None:
    layers = plan.layers
    names = [*layers["huts"]["hut"], *layers["closures"]["closure"], *layers["connections"]["connection"]]
    assert sorted(graph.nodes) == sorted(names)
    kinds = Counter(data["kind"] for *_, data in graph.edges(data=True))
    assert kinds["span"] == len(layers["spans"])
    assert kinds["link"] == len(layers["links"])
    assert kinds["ring segment"] == len(layers["ring_segments"])
    assert kinds["drop"] == len(layers["connections"])
    assert kinds["cable"] == len(layers["closures"]) + len(layers["spans"])
    for row in layers["huts"].rows():
        node = graph.nodes[row["hut"]]
        assert node["measure_m"] == row["measure_m"]
        assert node["latitude_deg"] == pytest.approx(row["latitude_deg"])
        assert node["km_text"] == ROAD.calibration.text(row["measure_m"])


def test_pieces_of_cable_and_drops_add_up_to_the_ways_of_light(graph: Any, plan: OpticalPlan) -> None:
    """Dijkstra over sheath and drops finds the lengths that spans, links and ring segments claim."""
    laid = _cut(graph, "cable", "drop")
    for *_, data in laid.edges(data=True):
        assert data["route_m"] < data["sheath_m"] < data["fibre_m"]
    for cable in plan.layers["cables"].rows():
        mine = [
            data for *_, data in laid.edges(data=True) if data["kind"] == "cable" and data["cable"] == cable["cable"]
        ]
        for name in ("route_m", "sheath_m", "fibre_m"):
            assert sum(data[name] for data in mine) == pytest.approx(cable[name])
    for first, second, data in _cut(graph, "light").edges(data=True):
        if data["cable"].startswith("C-1"):
            only = [(u, v, k) for u, v, k, d in laid.edges(keys=True, data=True) if d["cable"] == data["cable"]]
            on = laid.edge_subgraph(only)
            for name in ("route_m", "sheath_m", "fibre_m"):
                assert nx.shortest_path_length(on, first, second, weight=name) == pytest.approx(data[name], abs=1e-3)
            assert data["margin_db"] <= data.get("limit_db", data.get("budget_db")) - data["loss_db"] + 1e-9


def test_a_name_of_two_things_is_refused(rules: OpticalSettings) -> None:
    plan = plan_optical(ROAD, [Connection("H-01", 9000.0, "increasing", 20.0)], rules)
    with pytest.raises(InputError, match="H-01 is the name of two things"):
        line_graph(ROAD, plan.layers, rules)


TITLE = SheetTitle("Дорога", "2021-10-27", "proof 886e27c3")


@pytest.fixture(scope="module")
def drawing(plan: OpticalPlan, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("drawing") / "line.dxf"
    write_drawing(path, ROAD, {**plan.layers, "sites": _sites(plan)}, TITLE, 12.0)
    return ezdxf.readfile(path)


def _sites(plan: OpticalPlan) -> Layer:
    """Radio sites 300 m north of the road, as the radio stage would hand them on."""
    rows = []
    for row in plan.layers["connections"].where(service="radio site").rows():
        lon, lat, _ = GEOD.fwd(10.0, 60.0, 90.0, row["measure_m"])
        lon, lat, _ = GEOD.fwd(lon, lat, 0.0, 300.0)
        empty = {"int": 0, "float": float("nan"), "text": "", "bool": False}
        blank = {c.name: empty[c.type] for c in SCHEMAS["sites"].columns}
        rows.append(blank | {"site": row["connection"], "latitude_deg": lat, "longitude_deg": lon})
    return Layer.from_rows(SCHEMAS["sites"], rows)


def _inserts(drawing: Any, layer: str) -> list[tuple[dict[str, str], Any]]:
    found = drawing.modelspace().query(f'INSERT[layer=="{layer}"]')
    return [({a.dxf.tag: a.dxf.text for a in insert.attribs}, insert.dxf.insert) for insert in found]


def test_the_drawing_is_sound_and_says_what_it_is(drawing: Any) -> None:
    assert drawing.dxfversion == "AC1024"
    assert (drawing.units, drawing.header["$MEASUREMENT"]) == (6, 1)
    assert drawing.audit().errors == []
    crs = drawing.header.custom_vars.get("CRS")
    assert crs.startswith("EPSG:32632, WGS 84 / UTM zone 32N")
    note = drawing.modelspace().query("MTEXT").first.plain_text()
    assert "Дорога" in note
    assert "EPSG:32632" in note


def test_everything_of_the_line_is_drawn(drawing: Any, plan: OpticalPlan) -> None:
    layers = plan.layers
    for layer, name, column in (
        ("CHAMBERS", "chambers", "chamber"), ("CLOSURES", "closures", "closure"), ("HUTS", "huts", "hut"),
    ):  # fmt: skip
        shown = [texts["NAME"].split()[0] for texts, _ in _inserts(drawing, layer)]
        assert shown == layers[name][column].tolist()
    sites = {texts["NAME"] for texts, _ in _inserts(drawing, "SITES")}
    others = {texts["NAME"] for texts, _ in _inserts(drawing, "CONNECTIONS")}
    assert sites == set(layers["connections"].where(service="radio site")["connection"])
    assert sites | others == set(layers["connections"]["connection"])
    posts = [texts["NAME"] for texts, _ in _inserts(drawing, "KM_POSTS")]
    assert posts == [f"km {258 + km}" for km in range(61)]
    drawn = Counter(entity.dxf.layer for entity in drawing.modelspace().query("LWPOLYLINE"))
    cables = {f"CABLE_{cable}" for cable in layers["cables"]["cable"]}
    ways = {"CROSSINGS", "HUT_ENTRIES", "DROPS", "KM_TICKS", "BRIDGES"}
    assert set(drawn) == {"ROAD_AXIS_INCREASING", "ROAD_AXIS_DECREASING", *cables, *ways}
    assert drawn["CROSSINGS"] == len(layers["crossings"])
    assert drawn["HUT_ENTRIES"] == len(layers["huts"])
    assert drawn["DROPS"] == len(sites)
    assert drawn["KM_TICKS"] == 60 * 9
    assert drawn["BRIDGES"] == 2


def test_things_stand_where_the_geodesic_puts_them(drawing: Any, plan: OpticalPlan) -> None:
    """The road is a geodesic from 60° N 10° E: a closure at measure m lies m metres along it, 12 m into its verge;
    the decreasing carriageway runs 20 m to the left."""
    degrees = Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True)
    for row, (texts, at) in zip(plan.layers["closures"].rows(), _inserts(drawing, "CLOSURES"), strict=True):
        lon, lat = degrees.transform(at.x, at.y)
        _, _, along_m = GEOD.inv(10.0, 60.0, lon, lat)
        assert along_m == pytest.approx(row["measure_m"], abs=0.5)
        foot_lon, foot_lat, back = GEOD.fwd(10.0, 60.0, 90.0, row["measure_m"])
        bearing, _, off_m = GEOD.inv(foot_lon, foot_lat, lon, lat)
        right = np.sin(np.radians(bearing - (back + 180.0)))
        if row["measure_m"] > 100.0:
            assert off_m * right == pytest.approx(12.0 if row["carriageway"] == "increasing" else -32.0, abs=0.2)
        assert float(texts["FIBRE_M"]) == pytest.approx(row["fibre_m"], abs=0.05)
        assert texts["KM"] == ROAD.calibration.text(row["measure_m"])
    for texts, at in _inserts(drawing, "SITES"):
        lon, lat = degrees.transform(at.x, at.y)
        _, _, off_m = GEOD.inv(*GEOD.fwd(10.0, 60.0, 90.0, float(texts["MEASURE_M"]))[:2], lon, lat)
        assert off_m == pytest.approx(300.0, abs=0.1)


def test_lines_keep_their_length_and_their_hole(drawing: Any, plan: OpticalPlan) -> None:
    zone = zone_of(ROAD)
    for row in plan.layers["cables"].rows():
        (line,) = drawing.modelspace().query(f'LWPOLYLINE[layer=="CABLE_{row["cable"]}"]')
        points = np.array(list(line.vertices()))
        drawn_m = float(np.hypot(*np.diff(points, axis=0).T).sum())
        true_m = row["end_m"] - row["start_m"]
        assert 0.9999 * zone.least_scale_ratio <= drawn_m / true_m <= 1.0001 * zone.greatest_scale_ratio
        assert len(points) < true_m / 100.0
    assert len(drawing.modelspace().query('LWPOLYLINE[layer=="ROAD_AXIS_INCREASING"]')) == 2


def test_names_stand_apart(drawing: Any) -> None:
    """No two names written square to the road overlap: boxes of their letters, 0.8 of the height wide each."""
    boxes = []
    for layer in ("CHAMBERS", "CLOSURES"):
        for insert in drawing.modelspace().query(f'INSERT[layer=="{layer}"]'):
            (name,) = [a for a in insert.attribs if a.dxf.tag == "NAME"]
            at, end = np.array(insert.dxf.insert)[:2], np.array(name.dxf.align_point)[:2]
            begins = float(np.hypot(*(end - at)))
            boxes.append((at, begins, begins + 0.8 * name.dxf.height * len(name.dxf.text)))
    for index, (at, begins, ends) in enumerate(boxes):
        for other, their_begins, their_ends in boxes[index + 1 :]:
            if np.hypot(*(at - other)) < 5.0:
                assert ends <= their_begins or their_ends <= begins


_WRITES = """
import sys
from pathlib import Path
import networkx as nx
from drawn_road import drawn_road
from trassa.optical.drawing.dxf import SheetTitle, write_drawing
from trassa.optical.plant.drops import Connection
from trassa.optical.plan import plan_optical
from trassa.optical.settings import OpticalSettings
from trassa.plan.optical.graph import line_graph
road, rules = drawn_road(9000.0), OpticalSettings(check_transmission=False)
plan = plan_optical(road, [Connection("S-1", 5000.0, "decreasing", 30.0)], rules)
write_drawing(Path(sys.argv[1] + ".dxf"), road, plan.layers, SheetTitle("x", "", ""), 12.0)
nx.write_graphml_xml(line_graph(road, plan.layers, rules), sys.argv[1] + ".graphml", prettyprint=True)
"""


def test_a_file_is_the_same_from_another_process(tmp_path: Path) -> None:
    """Two interpreters that hash strings differently."""
    for seed in ("1", "2"):
        paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
        known = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths}
        subprocess.run([sys.executable, "-c", _WRITES, str(tmp_path / seed)], env=known, check=True)
    for kind in ("dxf", "graphml"):
        assert (tmp_path / f"1.{kind}").read_bytes() == (tmp_path / f"2.{kind}").read_bytes()


def test_what_is_built_is_drawn_as_built(plan: OpticalPlan, tmp_path: Path) -> None:
    reels = plan.layers["reels"]
    origin = np.where(np.arange(len(reels)) < 2, "as built", "planned").astype(object)
    built = Layer.from_columns(reels.schema, **{**reels.columns, "origin": origin})
    write_drawing(tmp_path / "x.dxf", ROAD, {**plan.layers, "reels": built}, TITLE, 12.0)
    lines = ezdxf.readfile(tmp_path / "x.dxf").modelspace().query('LWPOLYLINE[layer=="AS_BUILT"]')
    drawn_m = [float(np.hypot(*np.diff(np.array(list(line.vertices())), axis=0).T).sum()) for line in lines]
    assert drawn_m == pytest.approx((reels["end_m"] - reels["start_m"])[:2].tolist(), rel=2e-3)


def test_graph_files_hold_what_gephi_reads(plan: OpticalPlan, rules: OpticalSettings, tmp_path: Path) -> None:
    """Plain types, one for each name, finite numbers, no empty values, and an id for every edge."""
    nx.write_graphml_xml(line_graph(ROAD, plan.layers, rules), tmp_path / "x.graphml", prettyprint=True)
    tree, space = ElementTree.parse(tmp_path / "x.graphml").getroot(), "{http://graphml.graphdrawing.org/xmlns}"
    types = {
        key.get("id"): (key.get("for"), key.get("attr.name"), key.get("attr.type")) for key in tree.iter(f"{space}key")
    }
    assert {kind for *_, kind in types.values()} <= {"double", "int", "long", "string"}
    assert len({(of, name) for of, name, _ in types.values()}) == len(types)
    for data in tree.iter(f"{space}data"):
        assert data.text
        if types[data.get("key")][2] != "string":
            assert np.isfinite(float(data.text))
    edges = [edge.get("id") for edge in tree.iter(f"{space}edge")]
    assert None not in edges
    assert len(set(edges)) == len(edges)


def test_graph_attributes_are_numbers_where_they_are_numbers(graph: Any) -> None:
    """Read back by a reader that knows the declared types: what a GIS or Gephi would filter by."""
    for _, data in graph.nodes(data=True):
        assert isinstance(data["measure_m"], float)
        assert isinstance(data["latitude_deg"], float)
    for *_, data in graph.edges(data=True):
        assert {type(data[name]) for name in ("route_m", "sheath_m", "fibre_m")} == {float}
        if data["kind"] == "drop":
            assert isinstance(data["fibres"], int)


@pytest.mark.parametrize(
    ("start", "epsg"), [((60.0, 5.5), 32631), ((-30.0, 25.5), 32735), ((56.0, 37.0), 32637), ((0.5, -60.5), 32620)]
)
def test_the_zone_is_that_of_the_middle(start: tuple[float, float], epsg: int) -> None:
    """Zones are six degrees wide, counted from 180° W; the south has codes of its own."""
    zone = zone_of(drawn_road(3000.0, start=start))
    assert zone.epsg == epsg
    assert 0.9996 <= zone.least_scale_ratio <= zone.greatest_scale_ratio < 1.001


def test_an_axis_without_geometry_is_not_drawn(plan: OpticalPlan, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="schematic axis and no geometry"):
        write_drawing(tmp_path / "x.dxf", drawn_road(60_000.0, axis="schematic"), plan.layers, TITLE, 12.0)
    assert not list(tmp_path.iterdir())


def test_a_project_exports_all_its_files(
    planned_lane: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "line"
    done = trassa("optical", "export", planned_lane, "--into", into, "--json")
    assert done.code == 0, done.err
    assert [Path(file["path"]).name for file in done.json["files"]] == FILES
    assert sorted(contents(into)) == FILES
    assert (into / "line.xlsx").read_bytes() == (planned_lane / "line.xlsx").read_bytes()
    assert "ESTIMATE" in openpyxl.load_workbook(into / "line.xlsx")["Cover"]["A2"].value
    drawing = ezdxf.readfile(into / "line.dxf")
    assert drawing.audit().errors == []
    sheets = len(drawing.layout_names()) - 2
    assert any(f"sheets of A3 along the road: {sheets} at 1 : 2000" in note for note in done.json["notes"])
    fixed = {text.dxf.text for text in drawing.blocks.get("FRAME").query("TEXT")}
    seal = json.loads((planned_lane / "proof.json").read_text("utf-8"))["seal"]
    assert f"ESTIMATE, proof {seal[:8]}" in fixed
    said = drawing.header.custom_vars.get("CRS")
    assert said.startswith(f"EPSG:{CRS.from_wkt((into / 'line.prj').read_text('utf-8')).to_epsg()},")
    page = ElementTree.fromstring((into / "line_strips_01.svg").read_text("utf-8"))
    assert (page.get("width"), page.get("height")) == ("420mm", "297mm")
    assert len(nx.read_graphml(into / "line.graphml")) > 2
    assert _gnpy_says(into, capsys) == pytest.approx(_kept_gsnr_db(planned_lane), abs=0.05)


def _gnpy_says(into: Path, capsys: pytest.CaptureFixture[str]) -> float:
    """The GSNR that GNPy's own command line prints for the exported files."""
    cli = pytest.importorskip("gnpy.tools.cli_examples", reason="GNPy has no release for this Python")
    cli.transmission_main_example(["-e", str(into / "gnpy_equipment.json"), str(into / "gnpy_topology.json")])
    (line,) = [words for words in capsys.readouterr().out.splitlines() if "Final GSNR (0.1 nm)" in words]
    return float(line.split("36;40m")[1].split()[0])


def _kept_gsnr_db(folder: Path) -> float:
    figures = json.loads((folder / "proof.json").read_text("utf-8"))["figures"]["optical"]
    return float(figures["transmission"][0]["gsnr_db"])


def test_what_stands_there_is_not_overwritten_unasked(planned_lane: Path, tmp_path: Path) -> None:
    into = tmp_path / "line"
    words = ("optical", "export", planned_lane, "--into", into)
    assert trassa(*words, "--only", "graphml", "--only", "xlsx").code == 0
    before = contents(into)
    assert sorted(before) == ["line.graphml", "line.xlsx"]
    assert "--replace" in trassa(*words).refused()
    assert contents(into) == before
    assert trassa(*words, "--replace", "--only", "gnpy").code == 0
    assert sorted(contents(into)) == ["gnpy_equipment.json", "gnpy_topology.json"]
    (into / "notes.txt").write_text("mine")
    assert "notes.txt" in trassa(*words, "--replace").refused()
    assert (into / "notes.txt").read_text() == "mine"
    assert "no export wrote" in trassa("optical", "export", planned_lane, "--into", planned_lane, "--replace").refused()
    assert "no sheets at 1 : 300" in trassa(*words, "--scale", "300").refused(2)
    assert "no format 'dwg'" in trassa(*words, "--only", "dwg").refused(2)
    assert "folder you are in" in trassa("optical", "export", planned_lane, "--into", "").refused()
    assert "is a file" in trassa("optical", "export", planned_lane, "--into", into / "notes.txt").refused()


def test_a_project_that_changed_since_is_refused(planned_lane: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(planned_lane, tmp_path / "lane"))
    set_in(folder, "optical", "slack_ratio = 0.03")
    said = trassa("optical", "export", folder, "--into", tmp_path / "x").refused()
    assert f"trassa run {folder}" in said
    assert not (tmp_path / "x").exists()


def test_a_schematic_project_is_exported_without_its_drawing(tmp_path: Path) -> None:
    facts = tmp_path / "facts.csv"
    facts.write_text(
        "kind,name,km,km_to,lat,lon,value,source\ntoll_plaza,A,10,,55.9,37.4,,x\ntoll_plaza,B,14,,55.93,37.38,,x\n"
    )
    assert trassa("init", tmp_path / "p", "--ref", "М-11", "--schematic", facts).code == 0
    assert trassa("run", tmp_path / "p").code == 0
    into = tmp_path / "line"
    said = trassa("optical", "export", tmp_path / "p", "--into", into, "--only", "dxf").refused()
    assert "schematic axis" in said
    assert not into.exists()
    body = trassa("optical", "export", tmp_path / "p", "--into", into, "--json").json
    assert [note for note in body["notes"] if "line.dxf is left out" in note and "schematic axis" in note]
    assert {"line.xlsx", "line.graphml"} <= set(contents(into))
    assert "line.dxf" not in contents(into)
