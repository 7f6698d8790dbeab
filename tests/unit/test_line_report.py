"""The line in the report: everything on the cable is drawn once, tables tell the worst first and never kinder."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest

from drawn_road import drawn_road
from synthetic_plan import SyntheticPlan, synthetic_plan
from trassa.linear import Layer
from trassa.optical.layers import SCHEMAS
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.plan.bom import total_of
from trassa.plan.optical.strips import line_strips
from trassa.plan.report import ReportInput, render_report
from trassa.plan.report.line_picture import line_pictures
from trassa.plan.report.line_tables import availability_rows, light_rows, line_facts, ring_rows
from trassa.plan.report.schedules import chamber_rows, fibre_rows, splice_rows
from trassa.road.model import Road

RULES = OpticalSettings(check_transmission=False, ring_members=6, span_limit_m=40_000.0, cables=2)


def _planned(road: Road, count: int, rules: OpticalSettings = RULES) -> OpticalPlan:
    kinds = ("radio site", "camera", "gantry")
    at_m = np.linspace(700.0, road.length_m - 900.0, count).tolist()
    found = [Connection(f"K<{n:03d}>", m, "increasing", 20.0, kinds[n % 3]) for n, m in enumerate(at_m)]
    return plan_optical(road, found, rules)


ROAD = drawn_road(50_000.0, places=[(26_000.0, "Rast & Ruh", True)], ref="М-7")


@pytest.fixture(scope="module")
def plan() -> OpticalPlan:
    return _planned(ROAD, 24)


def test_everything_on_the_cables_is_drawn_once(plan: OpticalPlan) -> None:
    (sheet,) = line_pictures(ROAD, plan.layers)
    layers, drawn = plan.layers, sheet.picture
    joints = sum("joint" in kind for kind in layers["closures"]["kind"])
    taps = sum("tap" in kind for kind in layers["closures"]["kind"])
    members = int((layers["connections"]["access"] != "own fibres").sum())
    assert drawn.count("v12") == joints
    assert drawn.count("a2 2 0 1 0 4 0a2 2 0 1 0-4 0z") == taps + members
    assert drawn.count("19.5v5") == len(layers["chambers"])
    assert drawn.count('class="hut ') == len(layers["huts"]) * len(layers["cables"])
    assert drawn.count('class="reel') == len(layers["reels"])
    assert drawn.count('class="access"') == len(set(layers["ring_segments"]["ring"]))
    assert "K&lt;000&gt;" in drawn
    for row in layers["spans"].rows():
        assert f"{row['span']}: {row['loss_db']:.1f} dB" in drawn


def test_trenches_bridges_crossings_and_what_is_built_are_drawn() -> None:
    road = drawn_road(50_000.0, bridges=[(12_000.0, 12_400.0)], tunnels=[(30_000.0, 30_500.0)])
    layers = dict(_planned(road, 24).layers)
    reels = layers["reels"]
    origin = np.where(np.arange(len(reels)) < 3, "as built", "planned").astype(object)
    layers["reels"] = Layer.from_columns(reels.schema, **{**reels.columns, "origin": origin})
    (sheet,) = line_pictures(road, layers)
    for kind in ("bridge", "tunnel"):
        assert sheet.picture.count(f'class="{kind}"') == 2
    assert sheet.picture.count('class="reel built"') == 3
    assert sheet.picture.count("v7m-2-2.5l2 2.5l2-2.5") == len(layers["crossings"])
    for words in ("C-1 →", "C-2 ←", "T-1, 96 fibres", "T-2, 96 fibres"):
        assert words in sheet.picture


def test_every_connection_of_a_crowded_stretch_is_named() -> None:
    """28 sites on 14 km, as a 5G corridor has them."""
    road = drawn_road(14_000.0)
    at_m = [*np.linspace(300.0, 1500.0, 7), *np.linspace(2000.0, 13_900.0, 21)]
    found = [Connection(f"S-{n:02d}", float(m), "increasing", 20.0, "radio site") for n, m in enumerate(at_m)]
    plan = plan_optical(road, found, OpticalSettings(check_transmission=False))
    (sheet,) = line_pictures(road, plan.layers)
    for connection in found:
        assert f">{connection.name}</text>" in sheet.picture


def test_pages_of_strips_hold_every_strip_once_on_paper() -> None:
    road = drawn_road(400_000.0, ref="A & B")
    plan = _planned(road, 60)
    pages = line_strips(road, plan.layers, "A & B", estimate=True)
    strips = line_pictures(road, plan.layers)
    assert len(pages) > 1
    captions = []
    for page in pages:
        root = ElementTree.fromstring(page.split("?>", 1)[1])
        assert (root.get("width"), root.get("height")) == ("420mm", "297mm")
        left, top, width, height = (float(word) for word in root.get("viewBox", "").split())
        assert width / height == pytest.approx(420.0 / 297.0, rel=1e-3)
        for strip in root.findall("{http://www.w3.org/2000/svg}svg"):
            assert float(strip.get("y", "")) + float(strip.get("height", "")) <= top + height
            assert left < float(strip.get("width", "")) < left + width
        assert "ESTIMATE" in page
        captions += re.findall(r'class="panel">([^<]*km [^<]*)</text>', page)
    assert [unescape(words) for words in captions] == [strip.caption for strip in strips]


def test_marks_stand_at_their_kilometre(plan: OpticalPlan) -> None:
    """712 units for 50 km from x = 92: the joint of every reel's end is found there in the drawn paths."""
    (sheet,) = line_pictures(ROAD, plan.layers)
    drawn = sorted(float(x) for x in re.findall(r"M([\d.]+) 16v12", sheet.picture))
    joints = [row["measure_m"] for row in plan.layers["closures"].rows() if "joint" in row["kind"]]
    assert drawn == pytest.approx(sorted(92.0 + m / 50_000.0 * 712.0 for m in joints), abs=0.06)


def test_a_long_line_is_drawn_in_stretches_that_leave_nothing_out() -> None:
    road = drawn_road(150_000.0)
    plan = _planned(road, 30)
    pictures = line_pictures(road, plan.layers)
    assert len(pictures) == 3
    whole = "".join(sheet.picture for sheet in pictures)
    assert whole.count("v12") == sum("joint" in kind for kind in plan.layers["closures"]["kind"])
    assert line_pictures(road, {}) == []


def test_figures_are_those_of_the_layers(plan: OpticalPlan) -> None:
    facts = {name: (value, note) for name, value, note in line_facts(plan.layers)}
    used = plan.figures["fibres_in_use"]
    assert facts["fibres"][0] == f"{used} of 96"
    assert facts["chambers"][0] == str(plan.figures["chambers"])
    assert facts["2 cables"][0] == f"{plan.figures['cable_route_m'] / 1000.0:.1f} km"
    weakest = plan.layers["spans"]["span"][int(np.argmin(plan.layers["spans"]["margin_db"]))]
    assert facts["weakest span"][1] == weakest


def test_rings_name_their_members_and_their_weakest_segment(plan: OpticalPlan) -> None:
    rows = {row["ring"]: row for row in ring_rows(ROAD, plan.layers["ring_segments"])}
    access = plan.layers["connections"]["access"].tolist()
    assert {name: row["count"] for name, row in rows.items()} == {name: access.count(name) for name in rows}
    segments = plan.layers["ring_segments"]
    for name, row in rows.items():
        mine = segments.where(ring=name)
        weak = next(s for s in mine.rows() if f"{s['first']}–{s['second']}" == row["weakest"])
        assert weak["margin_db"] == mine["margin_db"].min()
        assert not row["bad"]


def test_the_worst_comes_first_and_nothing_is_rounded_up(plan: OpticalPlan) -> None:
    share = np.linspace(0.99, 0.99999999996, 60)[::-1]
    rows = [
        {"site": f"S-{n}", "service": "camera", "measure_m": 10.0 * n, "availability": a, "minutes_per_year": 1.0}
        | {"dominated_by": "cable"}
        for n, a in enumerate(share.tolist())
    ]
    told = availability_rows(ROAD, Layer.from_rows(SCHEMAS["availability"], rows))
    assert (len(told["rows"]), told["more"]) == (40, 20)
    assert told["rows"][0]["site"] == "S-59"
    best = availability_rows(ROAD, Layer.from_rows(SCHEMAS["availability"], rows[:1]))
    assert best["rows"][0]["availability"] == "99.9999999 %"


def test_light_that_does_not_arrive_is_marked() -> None:
    blank = {"int": 0, "float": 1.0, "text": "C-1,C-2,C-1", "bool": True}
    row = {column.name: blank[column.type] for column in SCHEMAS["wavelengths"].columns}
    weak = {**row, "path": "H-02→H-01", "margin_db": -0.004, "mode": ""}
    told = light_rows(ROAD, Layer.from_rows(SCHEMAS["wavelengths"], [row, weak]))
    first = told["rows"][0]
    assert (first["path"], first["margin"], first["bad"]) == ("H-02→H-01", "−0.01 dB", True)
    assert (first["mode"], first["cables"], first["when"]) == ("none closes", "C-1, C-2", "after a cut")


def test_schedules_say_the_same_in_runs(plan: OpticalPlan) -> None:
    """Runs of fibres, taken apart again, are the layer's fibres; splices add up; long lists are counted."""
    fibres, apart = plan.layers["fibres"], []
    for row in fibre_rows(fibres)["rows"]:
        first, _, last = row["numbers"].partition("–")
        apart += [(row["cable"], row["span"], n, row["use"]) for n in range(int(first), int(last or first) + 1)]
    columns = [fibres[name].tolist() for name in ("cable", "span", "fibre", "use")]
    assert apart == list(zip(*columns, strict=True))
    backbone = fibre_rows(fibres)["rows"][0]
    assert backbone["colours"] == [(f"k-{c}", c) for c in ("blue", "blue", "blue", "brown")]
    splices = splice_rows(ROAD, plan.layers["splices"])["rows"]
    assert sum(int(row["splices"]) for row in splices) == plan.layers["splices"]["splices"].sum()
    once = list(plan.layers["chambers"].rows())
    many = chamber_rows(ROAD, Layer.from_rows(SCHEMAS["chambers"], once * 20))
    assert len(many["rows"]) + many["more"] == 20 * len(once)
    assert len(many["rows"]) == 250


def _page(plan: SyntheticPlan, line: OpticalPlan) -> str:
    layers = {**plan.layers, **line.layers}
    return render_report(
        ReportInput(plan.road, layers, plan.proof, plan.bill, total_of(plan.bill, "RUB"), "М-11", plan.assumptions)
    )


def test_the_page_holds_the_line_and_its_names_as_text() -> None:
    plan = synthetic_plan()
    line = _planned(plan.road, 20)
    page = _page(plan, line)
    assert "K<0" not in page
    words = unescape(page)
    section = words[words.index('<section id="line">') : words.index('<section id="costs">')]
    for layer, column in (("huts", "hut"), ("services", "service"), ("availability", "site"), ("chambers", "chamber")):
        for name in line.layers[layer][column]:
            assert name in section
    assert "Access rings" in section


def test_seven_hundred_kilometres_with_their_line_stay_below_two_megabytes() -> None:
    plan = synthetic_plan(700_000.0)
    rules = RULES.model_copy(
        update={"span_limit_m": 100_000.0, "ring_members": 16, "cables": 1, "new_power_step_m": 25_000.0}
    )
    line = _planned(plan.road, 200, rules)
    assert len(_page(plan, line).encode()) < 2_000_000
