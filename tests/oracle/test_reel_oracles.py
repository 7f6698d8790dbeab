"""Reels against closures against chambers: a span's plant against every plan on a grid, and closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_road import drawn_road
from reel_grid import Question, cheapest_on_grid, plant_minor, require_held
from trassa.errors import InputError
from trassa.linear import Extent
from trassa.optical.parts import built_verges
from trassa.optical.plant.built import AsBuilt, BuiltPlace, BuiltSection
from trassa.optical.plant.layout import SpanLayout, SpanPlant
from trassa.optical.plant.lengths import verge_of
from trassa.optical.prices import OpticalPrices, assumed_price
from trassa.optical.settings import OpticalSettings

LENGTH_M, STEP_M = 3000.0, 20.0
ROAD = drawn_road(LENGTH_M)


def _rules(chamber: int, closure: int, splice: int, **others: float) -> OpticalSettings:
    rows = {"chamber": chamber, "closure": closure, "splice": splice}
    prices = OpticalPrices(**{name: assumed_price(minor, 0, 10**9, "piece") for name, minor in rows.items()})
    return OpticalSettings(fibres=12, prices=prices, crossing_m=0.0, hut_entry_m=0.0, **others)


@st.composite
def rules_of(draw: st.DrawFn) -> OpticalSettings:
    return _rules(
        draw(st.sampled_from([0, 1, 90, 1000])),
        draw(st.sampled_from([0, 35, 400])),
        draw(st.sampled_from([0, 1, 12])),
        reel_limit_m=float(draw(st.sampled_from([800, 1000, 1310]))),
        chamber_limit_m=float(draw(st.sampled_from([90, 170, 300, 400]))),
        closure_loop_m=float(draw(st.sampled_from([0, 10, 60, 120]))),
        slack_ratio=draw(st.sampled_from([0.0, 0.02, 0.057])),
    )


@st.composite
def sections_of(draw: st.DrawFn) -> tuple[BuiltSection, ...]:
    """Up to two sections whose places stand on the grid or off it, with listed loops or none."""
    found: list[BuiltSection] = []
    here = draw(st.integers(10, 600))
    for number in range(draw(st.integers(0, 2))):
        steps = draw(st.lists(st.integers(15, 700), min_size=1, max_size=4))
        marks = [here, *(here := here + step for step in steps)]
        if marks[-1] > LENGTH_M - 100.0:
            break
        loops = draw(st.lists(st.sampled_from([None, 0.0, 31.0]), min_size=len(marks), max_size=len(marks)))
        joints = draw(st.lists(st.booleans(), min_size=len(marks), max_size=len(marks)))
        joints[0] = joints[-1] = True
        rows = zip(marks, loops, joints, strict=True)
        places = [BuiltPlace(float(m), f"K-{m}", f"M-{m}" if joint else "", "", joint, loop) for m, loop, joint in rows]
        found.append(BuiltSection(f"S-{number}", 0, tuple(places)))
        here += draw(st.integers(30, 900))
    return tuple(found)


@st.composite
def questions(draw: st.DrawFn, *, built: bool) -> Question:
    rules = draw(rules_of())
    entry_m = draw(st.sampled_from([0.0, 0.0, 40.0]))
    stored_m = 2.0 * max(rules.closure_loop_m / 2.0, rules.termination_loop_m + entry_m * (1.0 + rules.slack_ratio))
    widest = int((rules.reel_limit_m - stored_m) / (1.0 + rules.slack_ratio))
    bridges = draw(st.lists(st.tuples(st.integers(20, 2800), st.integers(20, widest)), max_size=3))
    extents = [(float(start), float(min(start + width, 2980))) for start, width in bridges]
    bare = verge_of(
        drawn_road(LENGTH_M, bridges=extents), "increasing", reel_route_m=float(widest), shortest_part_m=500.0
    )
    sections = draw(sections_of()) if built else ()
    (verge,) = built_verges((bare,), AsBuilt(sections))
    ends = st.integers(5, 150).map(lambda i: i * STEP_M)
    free = ends.filter(lambda m: verge.closing(m) is None and not any(s.extent.contains(m) for s in sections))
    end_m = LENGTH_M if built else draw(free)
    wanted = draw(st.lists(st.integers(1, 2999), max_size=draw(st.sampled_from([0, 2, 12]))))
    taps = {verge.nearest_open(float(m), Extent(0.0, LENGTH_M)) for m in wanted} - {0.0, end_m}
    return Question(verge, end_m, tuple(sorted(taps)), rules, entry_m, sections)


def _laid_out(question: Question) -> tuple[Question, SpanPlant]:
    """The plant to the question's end, from a layout that goes on to the end of the road."""
    asked, rules = question, question.rules
    layout = SpanLayout(
        asked.verge, 0.0, LENGTH_M, asked.taps_m, rules, entry_m=asked.entry_m, built=list(asked.sections)
    )
    plant = layout.to(asked.end_m)
    return replace(asked, taps_m=tuple(tap for tap in asked.taps_m if tap < asked.end_m)), plant


@settings(max_examples=80, deadline=None)
@given(asked=questions(built=False))
def test_a_plant_costs_what_the_best_plan_costs(asked: Question) -> None:
    question, plant = _laid_out(asked)
    require_held(question, plant)
    ours = plant_minor(plant, question.rules)
    assert ours <= cheapest_on_grid(question, STEP_M) + 1e-6
    assert ours <= cheapest_on_grid(question, 5.0 * STEP_M, plant.chambers_m) + 1e-6
    assert ours >= cheapest_on_grid(question, STEP_M, ease_m=STEP_M) - 1e-6


@settings(max_examples=50, deadline=None)
@given(asked=questions(built=True))
def test_beside_built_sections_it_does_too_and_those_stay_as_they_are(asked: Question) -> None:
    question, plant = _laid_out(asked)
    require_held(question, plant)
    ours = plant_minor(plant, question.rules)
    assert ours <= cheapest_on_grid(question, STEP_M) + 1e-6
    assert ours <= cheapest_on_grid(question, 5.0 * STEP_M, plant.chambers_m) + 1e-6
    assert ours >= cheapest_on_grid(question, STEP_M, ease_m=STEP_M) - 1e-6


@pytest.mark.parametrize("seed", range(12))
def test_a_layout_to_a_nearer_hut_costs_what_that_span_costs_by_itself(seed: int) -> None:
    """Also where the way into a hut takes more of the reel than a closure: what served a farther end need not do."""
    rng = np.random.default_rng(seed)
    verge = verge_of(ROAD, "increasing", reel_route_m=700.0, shortest_part_m=500.0)
    rules = _rules(*rng.choice([0, 1, 90, 400], 3).tolist(), reel_limit_m=1000.0, chamber_limit_m=330.0)
    taps = np.unique(rng.integers(10, 2990, rng.integers(0, 25))).astype(float).tolist()
    far = SpanLayout(verge, 0.0, LENGTH_M, taps, rules, entry_m=120.0)
    for end_m in (np.arange(50.0, LENGTH_M, 7.0)).tolist():
        ours = [tap for tap in taps if tap < end_m]
        near = SpanLayout(verge, 0.0, end_m, ours, rules, entry_m=120.0).to(end_m)
        plant = far.to(end_m)
        assert plant_minor(plant, rules) == pytest.approx(plant_minor(near, rules), abs=1e-6)
        assert len(plant.joints_m) == len(near.joints_m)


@pytest.mark.parametrize("end_m", [170.0, 400.0, 401.0, 950.0, 1999.0, 3000.0])
def test_where_joints_are_free_chambers_are_the_fewest_and_the_other_way_round(end_m: float) -> None:
    verge = verge_of(ROAD, "increasing", reel_route_m=900.0, shortest_part_m=500.0)
    limits = {"reel_limit_m": 1000.0, "chamber_limit_m": 400.0, "closure_loop_m": 20.0}
    chambers = SpanLayout(verge, 0.0, LENGTH_M, [], _rules(1, 0, 0, **limits)).to(end_m).chambers_m
    assert len(chambers) - 1 == math.ceil(end_m / 400.0)
    joints = SpanLayout(verge, 0.0, LENGTH_M, [], _rules(0, 1, 1, **limits)).to(end_m).joints_m
    # n reels hold the way with its slack, 4 m in either hut and 20 m at each of n - 1 joints
    assert len(joints) + 1 == math.ceil((end_m * 1.02 + 8.0 - 20.0) / (1000.0 - 20.0))


def test_a_kilometre_between_chambers_makes_reels_longer_than_three() -> None:
    verge = verge_of(drawn_road(100_000.0), "increasing", reel_route_m=3800.0, shortest_part_m=500.0)
    plant = SpanLayout(verge, 0.0, 100_000.0, [], OpticalSettings()).to(100_000.0)
    reels = plant.reel_sheath_m()
    assert len(reels) == math.ceil((100_000.0 * 1.02 + 8.0 - 10.0) / (4000.0 - 10.0))
    assert len(plant.chambers_m) - 1 == 25 * 4 + 3
    assert reels.max() <= 4000.0


def test_a_bridge_wider_than_any_reel_with_its_loops_is_refused_with_its_measure() -> None:
    verge = verge_of(
        drawn_road(LENGTH_M, bridges=[(900.0, 1890.0)]), "increasing", reel_route_m=1e4, shortest_part_m=500.0
    )
    rules = _rules(1, 1, 1, reel_limit_m=1000.0)
    with pytest.raises(InputError, match=r"behind measure 900 m no reel of 1000 m reaches") as caught:
        SpanLayout(verge, 0.0, LENGTH_M, [], rules).to(LENGTH_M)
    assert "optical.reel_limit_m" in caught.value.cure
