"""One span's plant: bridges and tunnels, a second cable in the trench, and what is built."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_road import drawn_road
from trassa.linear import Extent
from trassa.optical.parts import built_verges
from trassa.optical.plant.built import AsBuilt, BuiltPlace, BuiltSection
from trassa.optical.plant.layout import SpanLayout, SpanPlant, plant_beside, reel_route_m
from trassa.optical.plant.lengths import Verge, verge_of
from trassa.optical.plant.route import CableRoute, Loop
from trassa.optical.settings import OpticalSettings

RULES = OpticalSettings(
    reel_limit_m=1200.0, chamber_limit_m=400.0, crossing_m=0.0, hut_entry_m=0.0, closure_loop_m=120.0
)
LENGTH_M = 3000.0


def _verge(bridges: list[tuple[float, float]], rules: OpticalSettings = RULES) -> Verge:
    road = drawn_road(LENGTH_M, bridges=bridges)
    return verge_of(road, "increasing", reel_route_m=reel_route_m(rules), shortest_part_m=500.0)


def _reels_fit(verge: Verge, joints: tuple[float, ...], start_m: float, end_m: float) -> bool:
    half_m = RULES.closure_loop_m / 2.0
    loops = [Loop(start_m, 0.0, 4.0), Loop(end_m, 4.0, 0.0), *(Loop(m, half_m, half_m) for m in joints)]
    cable = CableRoute.of(verge, start_m, end_m, loops, RULES)
    ends = cable.sheath_m(np.array([start_m, *joints, end_m]))
    return bool((np.diff(ends) <= RULES.reel_limit_m + 1e-6).all())


stretches = st.lists(
    st.tuples(st.integers(1, 20), st.integers(2, 60)).map(lambda p: (p[0] * 130.0, p[0] * 130.0 + p[1] * 10.0)),
    max_size=2,
).map(lambda rows: [(s, min(e, LENGTH_M - 20.0)) for s, e in rows if s < LENGTH_M - 40.0])


def test_a_bridge_beyond_the_chamber_limit_is_crossed_in_one_pull() -> None:
    plant = SpanLayout(_verge([(1000.0, 1700.0)]), 0.0, LENGTH_M, [], RULES).to(LENGTH_M)
    assert 1000.0 in plant.chambers_m
    assert 1700.0 in plant.chambers_m
    assert not any(1000.0 < m < 1700.0 for m in plant.chambers_m)


def test_a_tunnel_longer_than_a_reel_holds_niches() -> None:
    verge = _verge([(800.0, 2400.0)])
    assert verge.closed == ()
    plant = SpanLayout(verge, 0.0, LENGTH_M, [], RULES).to(LENGTH_M)
    assert plant.reel_sheath_m().max() <= RULES.reel_limit_m


@settings(max_examples=40, deadline=None)
@given(bridges=stretches, wanted=st.lists(st.integers(1, 299).map(lambda i: i * 10.0), max_size=3))
def test_a_second_cable_has_the_fewest_joints_in_the_chambers_of_the_first(
    bridges: list[tuple[float, float]], wanted: list[float]
) -> None:
    verge = _verge(bridges)
    taps = sorted({verge.nearest_open(m, verge.parts[0]) for m in wanted} - {0.0, LENGTH_M})
    first = SpanLayout(verge, 0.0, LENGTH_M, taps, RULES).to(LENGTH_M)
    second = plant_beside(first, RULES)
    assert second.chambers_m == first.chambers_m
    assert first.taps_m == tuple(taps)
    assert second.taps_m == ()
    inner = first.chambers_m[1:-1]
    subsets = chain.from_iterable(combinations(inner, count) for count in range(len(inner) + 1))
    fewest = next(joints for joints in subsets if _reels_fit(verge, joints, 0.0, LENGTH_M))
    assert len(second.joints_m) == len(fewest)
    assert second.reel_sheath_m().max() <= RULES.reel_limit_m + 1e-6


def _place(measure_m: float, what: str = "", loop_m: float | None = None) -> BuiltPlace:
    """A chamber, and in it a hut, a joint, a tap or nothing."""
    closure = "M" if what in ("joint", "tap") else ""
    return BuiltPlace(measure_m, "K", closure, "B" if what == "hut" else "", what == "joint", loop_m)


SECTION = BuiltSection(
    "north",
    0,
    (
        _place(505.0, "joint", 30.0),
        _place(1105.0, loop_m=16.0),
        _place(1405.0, "tap"),
        _place(1555.0, "hut", 7.0),
        _place(2205.0),
        _place(2555.0, "joint"),
    ),
)


def _beside_section(start_m: float, end_m: float, taps_m: list[float]) -> SpanPlant:
    (verge,) = built_verges((_verge([(480.0, 620.0)]),), AsBuilt((SECTION,)))
    far_m = 1555.0 if start_m < 1555.0 else LENGTH_M
    return SpanLayout(verge, start_m, far_m, taps_m, RULES, entry_m=20.0, built=[SECTION]).to(end_m)


def test_a_span_into_a_built_section_takes_its_chambers_joints_closures_and_loops() -> None:
    plant = _beside_section(0.0, 1555.0, [1105.0, 2205.0])
    assert plant.chambers_m[-4:] == (505.0, 1105.0, 1405.0, 1555.0)
    assert plant.joints_m[-1] == 505.0
    assert plant.taps_m == (1105.0, 1405.0)
    stored = {loop.measure_m: (loop.before_m, loop.after_m) for loop in plant.cable.loops}
    assert stored[505.0] == (15.0, 15.0)
    assert stored[1105.0] == (8.0, 8.0)
    assert stored[1405.0] == (60.0, 60.0)
    assert stored[1555.0] == pytest.approx((7.0 + 20.0 * 1.02, 0.0))
    bought = plant.bought
    assert bought.chambers_m == plant.chambers_m[:-4]
    assert bought.closures_m == (*plant.joints_m[:-1], 1105.0)
    assert bought.joints_m == plant.joints_m
    assert bought.hut_ends == 1
    assert bought.sheath_m == pytest.approx(plant.reel_sheath_m()[:-1].sum())


def test_a_span_out_of_a_built_section_keeps_its_long_reel_and_is_planned_beyond() -> None:
    plant = _beside_section(1555.0, LENGTH_M, [2205.0])
    assert plant.chambers_m[:3] == (1555.0, 2205.0, 2555.0)
    assert plant.joints_m == (2555.0,)
    assert plant.taps_m == (2205.0,)
    stored = {loop.measure_m: (loop.before_m, loop.after_m) for loop in plant.cable.loops}
    assert stored[2205.0] == (0.0, 0.0)
    assert stored[2555.0] == (60.0, 60.0)
    assert plant.bought.joints_m == (2555.0,)
    assert plant.bought.closures_m == (2205.0,)
    assert plant.bought.hut_ends == 1
    assert plant.bought.sheath_m == pytest.approx(plant.reel_sheath_m()[1])


def test_a_cable_to_be_pulled_through_built_chambers_has_the_listed_joints_and_is_bought() -> None:
    names = [BuiltPlace(p.measure_m, "", "", p.hut, p.joint) for p in SECTION.places]
    pulled = BuiltSection("north", 1, tuple(names), laid=False)
    first = _beside_section(0.0, 1555.0, [])
    second = plant_beside(first, RULES, entry_m=20.0, built=[pulled])
    assert second.chambers_m == first.chambers_m
    assert 505.0 in second.joints_m
    assert not any(505.0 < joint < 1555.0 for joint in second.joints_m)
    assert second.bought.closures_m == second.joints_m
    assert second.bought.hut_ends == 2
    assert second.bought.sheath_m == pytest.approx(second.cable.whole.sheath_m)


def test_metre_marks_make_the_sheath_of_a_built_reel() -> None:
    section = BuiltSection(
        "marked",
        0,
        (
            BuiltPlace(505.0, "K-1", "M-1", "", True, 30.0, mark_out_m=100.0),
            BuiltPlace(2005.0, "K-2", "M-2", "", True, 30.0, mark_in_m=1708.0),
        ),
    )
    (verge,) = built_verges((_verge([]),), AsBuilt((section,)))
    plant = SpanLayout(verge, 0.0, LENGTH_M, [], RULES, built=[section]).to(LENGTH_M)
    reel = plant.reel_ends_m.index(505.0)
    assert plant.reel_ends_m[reel + 1] == 2005.0
    assert plant.reel_sheath_m()[reel] == pytest.approx(1608.0)
    assert verge.closing(1000.0) == Extent(505.0, 2005.0)
