"""Chambers, closures and reels against brute force on roads small enough to try everything."""

from __future__ import annotations

from collections import deque
from itertools import chain, combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_road import drawn_road
from trassa.optical.lengths import Verge, verge_of
from trassa.optical.plant import SpanLayout, SpanPlant, reel_route_m
from trassa.optical.route import CableRoute, Loop
from trassa.optical.settings import OpticalSettings

RULES = OpticalSettings(reel_limit_m=1200.0, chamber_limit_m=400.0, crossing_m=0.0, closure_loop_m=120.0)
LENGTH_M = 3000.0


def _verge(bridges: list[tuple[float, float]], rules: OpticalSettings = RULES) -> Verge:
    road = drawn_road(LENGTH_M, bridges=bridges)
    return verge_of(road, "increasing", reel_route_m=reel_route_m(rules), shortest_part_m=500.0)


def _fewest_chambers(verge: Verge, stops: list[float], limit_m: float) -> int:
    """Breadth first over every 10 m and the ends of bridges; only a bridge may be crossed beyond the limit."""
    free = [m for m in np.arange(0.0, LENGTH_M + 1.0, 10.0) if verge.closing(float(m)) is None]
    free = sorted({*free, *stops, *(m for e in verge.closed for m in (e.start_m, e.end_m))})
    crossings = {e.start_m: e.end_m for e in verge.closed}
    total, marks = 0, [0.0, *stops, LENGTH_M]
    for a, b in pairwise(marks):
        queue, seen = deque([(a, 0)]), {a}
        while queue:
            here, steps = queue.popleft()
            if here == b:
                total += steps
                break
            for there in free:
                near = here < there <= min(b, here + limit_m)
                if (near or there == crossings.get(here)) and there not in seen:
                    seen.add(there)
                    queue.append((there, steps + 1))
    return total + 1


def _reels_fit(verge: Verge, joints: tuple[float, ...], taps: tuple[float, ...]) -> bool:
    half_m = RULES.closure_loop_m / 2.0
    loops = [Loop(0.0, 0.0, 4.0), Loop(LENGTH_M, 4.0, 0.0), *(Loop(m, half_m, half_m) for m in {*joints, *taps})]
    cable = CableRoute.of(verge, 0.0, LENGTH_M, loops, RULES)
    ends = cable.sheath_m(np.array([0.0, *joints, LENGTH_M]))
    return bool((np.diff(ends) <= RULES.reel_limit_m + 1e-6).all())


def _fewest_closures(verge: Verge, plant: SpanPlant) -> tuple[int, int]:
    inner = plant.chambers_m[1:-1]
    subsets = chain.from_iterable(combinations(inner, count) for count in range(len(inner) + 1))
    fitting = [joints for joints in subsets if _reels_fit(verge, joints, plant.taps_m)]
    return min((len({*joints, *plant.taps_m}), len(joints)) for joints in fitting)


stretches = st.lists(
    st.tuples(st.integers(1, 20), st.integers(2, 60)).map(lambda p: (p[0] * 130.0, p[0] * 130.0 + p[1] * 10.0)),
    max_size=2,
).map(lambda rows: [(s, min(e, LENGTH_M - 20.0)) for s, e in rows if s < LENGTH_M - 40.0])


@settings(max_examples=60, deadline=None)
@given(bridges=stretches, wanted=st.lists(st.integers(1, 299).map(lambda i: i * 10.0), max_size=3))
def test_plant_is_the_fewest_that_brute_force_finds(bridges: list[tuple[float, float]], wanted: list[float]) -> None:
    verge = _verge(bridges)
    taps = sorted({verge.nearest_open(m, verge.parts[0]) for m in wanted} - {0.0, LENGTH_M})
    plant = SpanLayout(verge, 0.0, LENGTH_M, taps, RULES).to(LENGTH_M)
    assert all(verge.closing(m) is None for m in plant.chambers_m)
    assert set(taps) <= set(plant.chambers_m)
    assert len(plant.chambers_m) == _fewest_chambers(verge, taps, RULES.chamber_limit_m)
    assert (len(plant.closures_m), len(plant.joints_m)) == _fewest_closures(verge, plant)
    assert plant.reel_sheath_m().max() <= RULES.reel_limit_m + 1e-6
    assert plant.reel_sheath_m().sum() == pytest.approx(plant.cable.whole.sheath_m)


@settings(max_examples=30, deadline=None)
@given(end=st.integers(30, 300).map(lambda i: i * 10.0), wanted=st.lists(st.integers(1, 299).map(lambda i: i * 10.0)))
def test_a_layout_to_a_nearer_hut_is_the_layout_of_that_span(end: float, wanted: list[float]) -> None:
    verge = _verge([])
    taps = sorted(set(wanted))
    ours = [tap for tap in taps if tap < end]
    far = SpanLayout(verge, 0.0, LENGTH_M, taps, RULES).to(end)
    near = SpanLayout(verge, 0.0, end, ours, RULES).to(end)
    assert (far.chambers_m, far.joints_m, far.taps_m) == (near.chambers_m, near.joints_m, near.taps_m)


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


def test_a_second_cable_in_the_same_trench_has_the_same_chambers_and_no_taps() -> None:
    verge, taps = _verge([(1000.0, 1100.0)]), [730.0, 1950.0]
    first = SpanLayout(verge, 0.0, LENGTH_M, taps, RULES).to(LENGTH_M)
    second = SpanLayout(verge, 0.0, LENGTH_M, taps, RULES, tapped=False).to(LENGTH_M)
    assert first.chambers_m == second.chambers_m
    assert first.taps_m == (730.0, 1950.0)
    assert second.taps_m == ()
