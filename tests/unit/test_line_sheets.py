"""The sheets of the drawing, read back by the library that others read them with: what each view shows, and how."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
import numpy.typing as npt
import pytest
from pyproj import Geod, Transformer

from drawn_road import drawn_road
from trassa.optical.drawing.dxf import DrawnLine, SheetTitle, write_drawing
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

FloatArray = npt.NDArray[np.float64]

TITLE = SheetTitle("Дорога", "2021-10-27", "proof 886e27c3")
GEOD = Geod(ellps="WGS84")


def _bent(length_m: float) -> Road:
    """A road in bends of 290 m and more, walked on the ellipsoid in steps of 10 m."""
    road = drawn_road(length_m)
    lon, lat, walked = 10.0, 60.0, []
    for at_m in road.alignments["increasing"].measure_m.tolist():
        azimuth = 60.0 + 60.0 * math.sin(at_m / 300.0)
        walked.append((lon, lat, *GEOD.fwd(lon, lat, azimuth - 90.0, 20.0)[:2]))
        lon, lat, _ = GEOD.fwd(lon, lat, azimuth, 10.0)
    points = np.array(walked)
    for name, column in (("increasing", 0), ("decreasing", 2)):
        line = replace(road.alignments[name], longitude_deg=points[:, column], latitude_deg=points[:, column + 1])
        road = replace(road, alignments={**road.alignments, name: line})
    return road


ROADS = {
    "hole": drawn_road(16_000.0, places=[(6000.0, "P", True)], holes=[(9_000.0, 10_500.0)], start_km=258.0),
    "bends": _bent(6000.0),
    "west": drawn_road(6000.0, azimuth_deg=275.0, places=[(3000.0, "P", True)]),
}


class Case:
    """A road drawn at a scale, and its plan."""

    def __init__(self, name: str, scale: int, folder: Path) -> None:
        self.road, self.scale = ROADS[name], scale
        rules = OpticalSettings(check_transmission=False, cables=2 if name == "hole" else 1)
        sites = [Connection(f"X-{m:.0f}", m, "decreasing", 30.0, "camera") for m in (700.0, 2900.0, 5100.0)]
        self.plan: OpticalPlan = plan_optical(self.road, sites, rules)
        self.drawn: DrawnLine = write_drawing(folder / "line.dxf", self.road, self.plan.layers, TITLE, 12.0, scale)
        self.drawing: Any = ezdxf.readfile(folder / "line.dxf")
        self.sheets = [self.drawing.paperspace(name) for name in self.drawing.layout_names()[2:]]


@pytest.fixture(scope="module", params=[("hole", 2000), ("bends", 1000), ("west", 1000)], ids=lambda p: str(p))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(*request.param, tmp_path_factory.mktemp("sheets"))


def _view(paper: Any) -> Any:
    """The one view of a sheet; the sheet's own is the first, with the number 1."""
    (view,) = [view for view in paper.query("VIEWPORT") if view.dxf.id != 1]
    return view


def _on_paper(paper: Any, points: Any) -> FloatArray:
    """Points of the model in millimetres of paper, by the reading library's own matrix."""
    matrix = _view(paper).get_transformation_matrix()
    return np.array([tuple(point)[:2] for point in matrix.transform_vertices([(x, y) for x, y in points])])


def _shows(paper: Any, points: Any) -> Any:
    view = _view(paper)
    off = np.abs(_on_paper(paper, points) - np.array(view.dxf.center)[:2])
    return (off <= [view.dxf.width / 2.0 + 1e-6, view.dxf.height / 2.0 + 1e-6]).all(axis=1)


def _places(case: Case, layer: str) -> FloatArray:
    found = case.drawing.modelspace().query(f'INSERT[layer=="{layer}"]')
    return np.array([(insert.dxf.insert.x, insert.dxf.insert.y) for insert in found])


def _said(paper: Any) -> dict[str, str]:
    (frame,) = paper.query('INSERT[name=="FRAME"]')
    return {attrib.dxf.tag: attrib.dxf.text for attrib in frame.attribs}


def test_sheets_are_sound_and_to_scale(case: Case) -> None:
    assert case.drawing.audit().errors == []
    assert case.drawing.layout_names()[1] == "Overview"
    assert len(case.sheets) == case.drawn.sheets > 5
    for number, paper in enumerate(case.sheets, start=1):
        view = _view(paper)
        assert view.get_scale() * case.scale == pytest.approx(1000.0)
        said = _said(paper)
        assert said["SCALE"] == f"1 : {case.scale}"
        assert said["SHEET"] == f"{number} of {len(case.sheets)}"
        assert paper.dxf_layout.dxf.paper_width == 420.0


def test_everything_in_the_trench_is_on_a_sheet(case: Case) -> None:
    for layer in ("CHAMBERS", "CLOSURES", "HUTS"):
        places = _places(case, layer)
        assert len(places)
        seen = np.any([_shows(paper, places) for paper in case.sheets], axis=0)
        assert seen.all(), layer


def test_cables_are_seen_from_end_to_end(case: Case) -> None:
    """Every metre of every drawn cable lies in a view, and a piece of each neighbour beyond the match lines."""
    for line in case.drawing.modelspace().query("LWPOLYLINE"):
        if line.dxf.layer.startswith("CABLE"):
            points = np.array([point[:2] for point in line.get_points()])
            along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))))
            metres = np.arange(0.0, along[-1], 1.0)
            dense = np.column_stack([np.interp(metres, along, points[:, axis]) for axis in (0, 1)])
            seen = np.array([_shows(paper, dense) for paper in case.sheets])
            assert seen.any(axis=0).all()
            shared = [np.count_nonzero(a & b) for a, b in pairwise(seen) if a.any() and b.any()]
            assert len(shared) == np.count_nonzero(seen.any(axis=1)) - 1
            assert min(shared) >= 2 * 20 * case.scale / 1000.0 - 2


def test_the_road_runs_from_left_to_right(case: Case) -> None:
    calibration = case.road.calibration
    for paper in case.sheets:
        first, last = _said(paper)["STRETCH"].split(" km ")[1].split("–")
        measures = [
            calibration.measure_at_km(float(label.split("+")[0]) + float(label.split("+")[1]) / 1000.0)
            for label in (first, last)
        ]
        line = case.road.alignments[case.road.reference]
        known = np.isfinite(line.latitude_deg)
        degrees = Transformer.from_crs("EPSG:4326", f"EPSG:{case.drawn.zone.epsg}", always_xy=True)
        ends = [
            degrees.transform(
                np.interp(m, line.measure_m[known], line.longitude_deg[known]),
                np.interp(m, line.measure_m[known], line.latitude_deg[known]),
            )
            for m in measures
        ]
        (x0, y0), (x1, y1) = _on_paper(paper, ends).tolist()
        assert x1 > x0
        assert abs(y1 - y0) < 0.25 * abs(x1 - x0)


def test_every_name_is_read_from_below_or_from_the_right(case: Case) -> None:
    for paper in case.sheets:
        turn = _view(paper).dxf.view_twist_angle
        for insert in case.drawing.modelspace().query("INSERT"):
            (name,) = [a for a in insert.attribs if a.dxf.tag == "NAME"]
            place = np.array([(insert.dxf.insert.x, insert.dxf.insert.y)])
            x = _on_paper(paper, place)[0, 0]
            if _shows(paper, place)[0] and 45.0 < x < 385.0:
                assert -76.0 <= (name.dxf.rotation + turn + 180.0) % 360.0 - 180.0 <= 106.0
        for text in paper.query("TEXT"):
            assert -75.1 <= (text.dxf.rotation + 180.0) % 360.0 - 180.0 <= 105.1


def test_neighbours_meet_at_the_same_place(case: Case) -> None:
    """A match line lies in the same place of the ground on both sheets, and names the other."""
    for number, (paper, behind) in enumerate(pairwise(case.sheets), start=1):
        texts = [text.dxf.text for text in paper.query('TEXT[layer=="MATCH_LINES"]')]
        there = [text.dxf.text for text in behind.query('TEXT[layer=="MATCH_LINES"]')]
        mine = [text for text in texts if text.endswith(f"sheet {number + 1}")]
        theirs = [text for text in there if text.endswith(f"sheet {number}")]
        assert len(mine) == len(theirs) <= 1
        if mine:
            assert mine[0].split(", ")[0] == theirs[0].split(", ")[0]
            end = _said(paper)["STRETCH"].split("–")[1]
            assert end in mine[0]
            (a, b), (c, d) = _match_lines(paper)[-1], _match_lines(behind)[0]
            across = (b - a) / np.hypot(*(b - a))
            for end in (c, d):
                assert abs(float(across[0] * (end - a)[1] - across[1] * (end - a)[0])) < 0.01


def _match_lines(paper: Any) -> list[FloatArray]:
    """Both ends of each match line in the model, from left to right on paper."""
    matrix = _view(paper).get_transformation_matrix()
    matrix.inverse()
    lines = sorted(paper.query('LINE[layer=="MATCH_LINES"]'), key=lambda line: line.dxf.start.x)
    ends = [matrix.transform_vertices([line.dxf.start, line.dxf.end]) for line in lines]
    return [np.array([(point.x, point.y) for point in pair]) for pair in ends]


def test_the_north_arrow_points_north(case: Case) -> None:
    for paper in case.sheets:
        (arrow,) = paper.query('INSERT[name=="NORTH"]')
        low, high = _on_paper(paper, [(500_000.0, 5_600_000.0), (500_000.0, 5_601_000.0)])
        up = (high - low) / np.hypot(*(high - low))
        angle = math.radians(arrow.dxf.rotation + 90.0)
        assert up == pytest.approx([math.cos(angle), math.sin(angle)], abs=1e-9)


def test_places_to_set_out_are_those_of_the_model(case: Case) -> None:
    for paper in case.sheets:
        shown = _places(case, "CHAMBERS")[_shows(paper, _places(case, "CHAMBERS"))]
        table = [text for text in paper.query("TEXT") if text.dxf.insert.y < 50.0]
        eastings = {text.dxf.text for text in table if text.dxf.insert.x == 107.0} - {"Easting, m"}
        northings = {text.dxf.text for text in table if text.dxf.insert.x == 127.0} - {"Northing, m"}
        known = {(f"{x:.1f}", f"{y:.1f}") for x, y in shown}
        inner = [(x, y) for x, y in shown if 70.0 < _on_paper(paper, [(x, y)])[0, 0] < 360.0]
        assert {f"{x:.1f}" for x, _ in inner} <= eastings
        assert {f"{y:.1f}" for _, y in inner} <= northings
        assert known or not inner


def test_the_overview_has_an_outline_of_every_sheet(case: Case) -> None:
    paper = case.drawing.paperspace("Overview")
    outlines = paper.query('LWPOLYLINE[layer=="SHEETS"]')
    assert len(outlines) == len(case.sheets)
    for outline, sheet in zip(outlines, case.sheets, strict=True):
        view = _view(sheet)
        middle = np.mean([point[:2] for point in outline.get_points()], axis=0)
        target = view.dxf.view_target_point
        assert middle == pytest.approx(_on_paper(paper, [(target.x, target.y)])[0], abs=1e-6)
    ends = [
        point
        for line in case.drawing.modelspace().query('LWPOLYLINE[layer=="ROAD_AXIS_INCREASING"]')
        for point in line.vertices()
    ]
    assert _shows(paper, ends).all()
    assert "Дорога" in " ".join(text.dxf.text for text in case.drawing.blocks.get("FRAME").query("TEXT"))


def test_a_long_road_has_no_file_with_more_sheets_than_programs_take(tmp_path: Path) -> None:
    road = drawn_road(45_000.0)
    plan = plan_optical(road, [], OpticalSettings(check_transmission=False))
    drawn = write_drawing(tmp_path / "line.dxf", road, plan.layers, TITLE, 12.0, 500)
    assert drawn.sheets > 255
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(file.name for file in drawn.files)
    sizes, chambers = [], set()
    for file in drawn.files[1:]:
        drawing = ezdxf.readfile(file)
        assert drawing.audit().errors == []
        sizes.append(len(drawing.layout_names()) - 1)
        names = {i.get_attrib("NAME").dxf.text for i in drawing.modelspace().query('INSERT[layer=="CHAMBERS"]')}
        assert len(names) < len(plan.layers["chambers"])
        chambers |= names
    assert max(sizes) == 255
    assert sum(sizes) == drawn.sheets
    assert chambers == set(plan.layers["chambers"]["chamber"])
