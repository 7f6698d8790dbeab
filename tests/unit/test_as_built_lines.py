"""Lines of which parts stand: lengths by the marks, listed plant and nothing else in sections, planned around them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as cases
from hypothesis import strategies as st

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.optical.as_built.listing import read_as_built
from trassa.optical.parts import verges_of
from trassa.optical.plan import OpticalPlan, lines_of, plan_optical
from trassa.optical.plant.built import AsBuilt, MarkedSheath
from trassa.optical.plant.drops import Connection
from trassa.optical.plant.route import CableRoute, Loop
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

RULES = OpticalSettings(check_transmission=False, verge_offset_m=0.0)
TWO = RULES.model_copy(update={"cables": 2})
TRENCH = TWO.model_copy(update={"second_cable": "same_trench"})
HEAD = "section;item;name;cable;position;loop_m;sheath_mark_m\n"


def _list(*rows: str) -> str:
    return HEAD + "".join(f"{row}\n" for row in rows)


LOT = _list(
    "lot 1;hut;Weimar;C-1;km 2+000;6;10",
    "lot 1;chamber;K 1;C-1;km 3+700;;",
    "lot 1;tap;T 1;C-1;km 5+000;30;3300",
    "lot 1;joint;M 1;C-1;km 7+400;;5801,5",
    "lot 1;chamber;K 2;C-1;km 8+000;12;",
    "lot 1;hut;Apolda;C-1;km 9+000;;7500",
    "lot 1;joint;M 2;C-1;km 11+000;14;9600",
)


def _built(folder: Path, text: str, road: Road, rules: OpticalSettings = RULES) -> AsBuilt:
    path = folder / "list.csv"
    path.write_text(text, "utf-8")
    return read_as_built(path, road, rules)


def _plan(folder: Path, text: str, road: Road, rules: OpticalSettings = RULES) -> OpticalPlan:
    sites = [
        Connection(f"S-{i:03d}", m, "increasing", 40.0) for i, m in enumerate(np.arange(700.0, road.length_m, 1500.0))
    ]
    return plan_optical(road, sites, rules, as_built=_built(folder, text, road, rules))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> OpticalPlan:
    return _plan(tmp_path_factory.mktemp("built"), LOT, drawn_road(30_000.0))


def test_what_is_listed_stands_and_nothing_else_between(plan: OpticalPlan) -> None:
    chambers, closures, huts = (plan.layers[name] for name in ("chambers", "closures", "huts"))
    inside = chambers.take((chambers["measure_m"] >= 2000.0) & (chambers["measure_m"] <= 11_000.0))
    assert inside["measure_m"].tolist() == [2000.0, 3700.0, 5000.0, 7400.0, 8000.0, 9000.0, 11_000.0]
    assert set(inside["origin"]) == {"as built"}
    assert set(chambers["origin"]) == {"as built", "planned"}
    listed = closures.where(origin="as built")
    assert list(zip(listed["closure"], listed["measure_m"], listed["kind"], strict=True)) == [
        ("T 1", 5000.0, "tap"),
        ("M 1", 7400.0, "joint and tap"),
        ("M 2", 11_000.0, "joint"),
    ]
    built = huts.where(origin="as built")
    assert list(zip(built["hut"], built["measure_m"], built["power"], strict=True)) == [
        ("Weimar", 2000.0, "built"),
        ("Apolda", 9000.0, "built"),
    ]
    assert not [m for m in huts.where(origin="planned")["measure_m"] if 2000.0 <= m <= 11_000.0]
    reels = plan.layers["reels"].where(origin="as built")
    assert list(zip(reels["start_m"], reels["end_m"], strict=True)) == [
        (2000.0, 7400.0),
        (7400.0, 9000.0),
        (9000.0, 11_000.0),
    ]


def test_planned_names_pass_over_listed_ones(tmp_path: Path) -> None:
    text = LOT.replace("K 1", "CH-0002").replace("M 1", "CL-0001").replace("Apolda", "H-01")
    layers = _plan(tmp_path, text, drawn_road(30_000.0)).layers
    for layer, column, listed in (
        ("chambers", "chamber", "CH-0002"),
        ("closures", "closure", "CL-0001"),
        ("huts", "hut", "H-01"),
    ):
        names = layers[layer][column].tolist()
        assert len(set(names)) == len(names)
        assert layers[layer]["origin"][names.index(listed)] == "as built"


def test_drops_leave_at_places_that_stand(plan: OpticalPlan) -> None:
    taps = [m for m in plan.layers["links"]["measure_m"].tolist() if 2000.0 < m < 11_000.0]
    assert taps
    assert set(taps) <= {2000.0, 3700.0, 5000.0, 7400.0, 8000.0, 9000.0, 11_000.0}


def test_sheath_between_marks_is_what_they_say(plan: OpticalPlan) -> None:
    reels = plan.layers["reels"].where(origin="as built")
    assert reels["sheath_m"].tolist() == pytest.approx([5791.5, 1698.5, 2100.0])
    closures = plan.layers["closures"]
    sheath = dict(zip(closures["closure"], closures["sheath_m"], strict=True))
    assert sheath["M 1"] - sheath["T 1"] == pytest.approx(5801.5 - 3300.0)


def test_outside_nothing_changes(plan: OpticalPlan, tmp_path: Path) -> None:
    """From the built hut on, the line is that of a road which begins there with the same plant."""
    bare = plan_optical(drawn_road(30_000.0), [], RULES)
    reels = plan.layers["reels"].where(origin="planned")
    assert (reels["sheath_m"] <= RULES.reel_limit_m + 1e-6).all()
    assert plan.layers["cables"]["route_m"][0] == pytest.approx(bare.layers["cables"]["route_m"][0])


def test_a_built_hut_near_the_end_of_the_road_is_its_point_of_presence(tmp_path: Path) -> None:
    text = LOT.replace("km 2+000", "km 0+180").replace(";3300", ";5100").replace("5801,5", "7701,5")
    text = text.replace("7500", "9401").replace("9600", "11500")
    huts = _plan(tmp_path, text, drawn_road(30_000.0)).layers["huts"]
    assert (huts["hut"][0], huts["measure_m"][0], huts["role"][0]) == ("Weimar", 180.0, "point_of_presence")


def test_a_whole_road_as_built_with_an_empty_stretch_between_two_lots(tmp_path: Path) -> None:
    rows = ["a;hut;W;C-1;km 0+000;4;", "a;joint;J1;C-1;km 5+600;8;", "a;joint;J2;C-1;km 9+000;8;"]
    rows += ["b;joint;J3;C-1;km 12+000;8;", "b;hut;E;C-1;km 20+000;4;"]
    layers = _plan(tmp_path, _list(*rows), drawn_road(20_000.0)).layers
    assert layers["huts"]["hut"].tolist() == ["W", "E"]
    between = (layers["chambers"]["measure_m"] > 9000.0) & (layers["chambers"]["measure_m"] < 12_000.0)
    assert set(layers["chambers"]["origin"][between]) == {"planned"}
    assert layers["chambers"]["origin"][~between].tolist() == ["as built"] * 5
    assert layers["reels"]["origin"].tolist() == ["as built"] * 2 + ["planned"] + ["as built"]


@pytest.mark.parametrize("rules", [TWO, TRENCH], ids=["other side", "same trench"])
def test_a_second_cable_beside_a_built_one(tmp_path: Path, rules: OpticalSettings) -> None:
    road = drawn_road(30_000.0)
    text = LOT.replace("km 7+400", "km 5+500").replace("5801,5", "3900").replace("7500", "7800").replace("9600", "9960")
    layers = _plan(tmp_path, text, road, rules).layers
    assert {str(c) for c in layers["reels"].where(origin="as built")["cable"]} == {"C-1"}
    second = layers["closures"].where(cable="C-2")
    assert set(second["origin"]) == {"planned"}
    if rules is TRENCH:
        assert {2000.0, 5500.0, 11_000.0} <= {*second["measure_m"].tolist(), 2000.0}
        assert set(layers["chambers"]["cable"]) == {"C-1,C-2"}


def test_a_second_cable_needs_reels_as_long_as_the_first_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the second cable cannot be pulled along A 1 km 2"):
        _plan(tmp_path, LOT, drawn_road(30_000.0), TRENCH)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_list("a;joint;J1;C-1;km 0+000;;", "a;joint;J2;C-1;km 3+000;;"), "reaches the end of the line without a hut"),
        (_list("a;joint;J1;C-1;km 12+000;;", "a;joint;J2;C-1;km 18+500;;"), "does not lie on the line"),
    ],
)
def test_sections_that_no_line_holds(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        _plan(tmp_path, text, drawn_road(30_000.0, holes=[(15_000.0, 18_000.0)]))


def test_a_site_questions_the_built_line_as_the_plan_had_it(plan: OpticalPlan, tmp_path: Path) -> None:
    """The layer alone gives the sections back."""
    road = drawn_road(30_000.0)
    assert AsBuilt.of_layer(plan.layers["as_built"]).sections == _built(tmp_path, LOT, road).sections


def test_the_built_part_is_counted(plan: OpticalPlan) -> None:
    part = plan.figures["as_built"]
    assert (part["sections"], part["chambers"], part["closures"], part["huts"]) == (1, 7, 3, 2)
    assert part["route_m"] == pytest.approx(9000.0, abs=0.2)
    assert part["sheath_m"] == pytest.approx(5791.5 + 1698.5 + 2100.0, abs=0.1)
    prices, splices = RULES.prices, (1 + 3) * RULES.fibres  # M 1; Weimar once, Apolda on both sides; M 2 has one reel
    due = 9000.0 * prices.trench.amount_minor + part["sheath_m"] * prices.cable.amount_minor
    due += 9000.0 * (RULES.ducts - 1) * prices.further_duct.amount_minor
    due += 9000.0 * RULES.ducts * RULES.microducts * prices.microduct.amount_minor
    due += 7 * prices.chamber.amount_minor + 3 * prices.closure.amount_minor + splices * prices.splice.amount_minor
    due += 2 * (prices.hut.amount_minor + RULES.hut_entry_m * prices.hut_entry.amount_minor)
    assert part["cost_minor"] == pytest.approx(due, rel=1e-4)


pieces = st.lists(
    st.tuples(st.integers(1, 29), st.floats(0.98, 1.25)), min_size=1, max_size=4, unique_by=lambda p: p[0]
)


@cases(max_examples=80)
@given(
    marks=pieces,
    places=st.lists(st.integers(1, 299).map(lambda i: i * 10.0), max_size=6, unique=True),
    asked=st.lists(st.floats(0.0, 3000.0), min_size=2, max_size=8),
    rise=st.floats(0.0, 0.06),
)
def test_sheath_by_marks_leads_back_to_the_measure(
    marks: list[tuple[int, float]], places: list[float], asked: list[float], rise: float
) -> None:
    verge = verges_of(drawn_road(3000.0, height_m=lambda measure: rise * measure), RULES)[0]
    loops = [Loop(0.0, 0.0, 4.0), *(Loop(place, 5.0, 7.0) for place in places), Loop(3000.0, 4.0, 0.0)]
    ends = sorted({0.0, *(100.0 * at for at, _ in marks), 3000.0})
    marked = []
    for (start_m, end_m), (_, ratio) in zip(pairwise(ends), marks, strict=False):
        stored_m = sum(7.0 * (start_m <= m < end_m) + 5.0 * (start_m < m <= end_m) for m in places)
        stored_m += 4.0 * (start_m == 0.0) + 4.0 * (end_m == 3000.0)
        marked.append(
            MarkedSheath(start_m, end_m, stored_m + ratio * float(verge.route_at(end_m) - verge.route_at(start_m)))
        )
    cable = CableRoute.of(verge, 0.0, 3000.0, loops, RULES, marked)
    for piece in marked:
        assert float(cable.sheath_m(piece.end_m) - cable.sheath_m(piece.start_m)) == pytest.approx(piece.sheath_m)
    measure = np.sort(np.array(asked))
    sheath_m, fibre_m = cable.sheath_m(measure), cable.fibre_m(measure)
    assert (np.diff(sheath_m) >= 0.98 * np.diff(measure) - 1e-6).all()
    assert cable.measure_at_sheath(sheath_m) == pytest.approx(measure, abs=1e-5)
    assert cable.measure_at_fibre(fibre_m) == pytest.approx(measure, abs=1e-5)
    past = cable.sheath_m(3000.0) - np.linspace(0.0, 500.0, 7)
    assert cable.sheath_m(cable.measure_at_sheath(past)) == pytest.approx(past, abs=13.0)


def test_loops_that_leave_no_cable_for_the_way_are_refused(tmp_path: Path) -> None:
    text = _list("a;hut;W;C-1;km 0+000;1000;10", "a;joint;J1;C-1;km 1+000;900;1200", "a;joint;J2;C-1;km 3+000;;")
    with pytest.raises(InputError, match=r"lie 1190.0 m of sheath; loops and entries store 14\d\d"):
        lines_of(drawn_road(20_000.0), [], RULES, as_built=_built(tmp_path, text, drawn_road(20_000.0)))
