"""The planned fibre as an OTDR sees it, and the pairing of events with its closures."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.optical.otdr import FibrePath, FibrePlace, Prior, planned_path, uncalibrated
from trassa.optical.otdr.alignment import Pairing, paired
from trassa.optical.plant.built import MarkedSheath
from trassa.optical.plant.layout import SpanLayout, reel_route_m
from trassa.optical.plant.lengths import verge_of
from trassa.optical.plant.route import CableRoute
from trassa.optical.settings import OpticalSettings

RULES = OpticalSettings(reel_limit_m=1200.0, chamber_limit_m=400.0, crossing_m=0.0)
LENGTH_M = 9000.0


def _cable(*, marks: bool = False) -> tuple[CableRoute, dict[str, float], dict[str, float]]:
    verge = verge_of(drawn_road(LENGTH_M), "increasing", reel_route_m=reel_route_m(RULES), shortest_part_m=500.0)
    plant = SpanLayout(verge, 0.0, LENGTH_M, [2500.0, 6100.0], RULES).to(LENGTH_M)
    closures = {f"CL-{number}": measure for number, measure in enumerate(plant.closures_m)}
    chambers = {f"CH-{number}": measure for number, measure in enumerate(plant.chambers_m)}
    if not marks:
        return plant.cable, closures, chambers
    places = plant.closures_m
    # 60 m more than planned on one piece, 5 m less on another
    read = [
        MarkedSheath(a, b, float(plant.cable.sheath_m(b) - plant.cable.sheath_m(a)) + more)
        for a, b, more in ((places[0], places[1], 60.0), (places[3], places[4], -5.0))
    ]
    return CableRoute.of(verge, 0.0, LENGTH_M, plant.cable.loops, RULES, read), closures, chambers


@pytest.mark.parametrize("marks", [False, True])
@pytest.mark.parametrize("forward", [True, False])
def test_planned_fibre_is_the_cable_seen_from_either_hut(forward: bool, marks: bool) -> None:
    cable, closures, chambers = _cable(marks=marks)
    ends = (("H-01", 0.0), ("H-02", LENGTH_M))
    path = planned_path(cable, *(ends if forward else ends[::-1]), closures, chambers)
    start_m = float(cable.fibre_m(0.0 if forward else LENGTH_M))
    for place in path.places:
        measure = {**closures, **chambers, **dict(ends)}[place.name]
        assert float(path.fibre_at(place.route_m)) == pytest.approx(abs(float(cable.fibre_m(measure)) - start_m))
        assert place.route_m == pytest.approx(abs(float(cable.route_m(measure) - cable.route_m(ends[not forward][1]))))
    assert [place.name for place in path.places][:: len(path.places) - 1] == [name for name, _ in ends][
        :: 1 if forward else -1
    ]
    assert path.fibre_length_m == pytest.approx(cable.whole.fibre_m)
    assert {place.name for place in path.seen} == {*closures, "H-02" if forward else "H-01"}


def test_only_what_lies_between_the_huts_is_on_the_fibre() -> None:
    cable, closures, chambers = _cable()
    path = planned_path(cable, ("A", 2500.0), ("B", 6100.0), closures, chambers)
    inside = {name for name, measure in closures.items() if 2500.0 < measure < 6100.0}
    assert {place.name for place in path.seen} == {*inside, "B"}
    assert path.fibre_length_m == pytest.approx(float(cable.fibre_m(6100.0) - cable.fibre_m(2500.0)))


@given(st.lists(st.tuples(st.floats(50.0, 3000.0), st.floats(0.0, 30.0), st.floats(0.0, 30.0)), min_size=1, max_size=8))
def test_route_and_fibre_are_inverse_outside_loops(steps: list[tuple[float, float, float]]) -> None:
    routes = np.cumsum([step for step, _, _ in steps])
    places = [FibrePlace("H", "hut", 0.0, 0.0, 4.0)]
    places += [
        FibrePlace(f"C{i}", "closure", float(r), b, a)
        for i, (r, (_, b, a)) in enumerate(zip(routes, steps, strict=True))
    ]
    path = FibrePath(tuple(places), 0.02, 0.975)
    between = (np.concatenate(([0.0], routes[:-1])) + routes) / 2.0
    assert path.route_at(path.fibre_at(between)) == pytest.approx(between)
    joints = path.seen_fibre_m
    for i, (route_m, (_, before, after)) in enumerate(zip(routes, steps, strict=True)):
        for inside in (-0.9 * before, 0.0, 0.9 * after if i < len(steps) - 1 else 0.0):
            assert float(path.route_at(joints[i] + inside / 0.975)) == pytest.approx(route_m)


@pytest.mark.parametrize("routes", [(0.0,), (10.0, 20.0), (0.0, 200.0, 100.0)])
def test_places_out_of_order_are_refused(routes: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="in order"):
        FibrePath(tuple(FibrePlace(str(r), "closure", r) for r in routes), 0.02, 0.975)


def test_repair_lengthens_what_lies_behind_it() -> None:
    cable, closures, chambers = _cable()
    path = planned_path(cable, ("H-01", 0.0), ("H-02", LENGTH_M), closures, chambers)
    mended = path.repaired("mended", 4000.0, 80.0, 0.0)
    routes = np.array([500.0, 3900.0, 4100.0, 8000.0])
    assert mended.fibre_at(routes) - path.fibre_at(routes) == pytest.approx([0.0, 0.0, 80.0, 80.0])
    assert mended.route_at(path.fibre_at(4000.0) + 40.0) == pytest.approx(4000.0)
    shortened = path.repaired("mended", 4000.0, -30.0, 0.0)
    assert np.all(np.diff(shortened.route_at(np.linspace(0.0, path.fibre_length_m, 500))) >= 0.0)


def test_prior_follows_the_helix_of_the_settings() -> None:
    prior = Prior.of(OpticalSettings(helix_ratio=0.995, helix_ratio_low=0.99, helix_ratio_high=1.0))
    assert prior.helix_tolerance_ratio == pytest.approx(0.005 / 0.995)


def test_doubt_grows_along_an_uncalibrated_fibre() -> None:
    cable, closures, chambers = _cable()
    path = planned_path(cable, ("H-01", 0.0), ("H-02", LENGTH_M), closures, chambers)
    calibration = uncalibrated(path)
    assert np.all(np.diff(calibration.sd_m) >= 0.0)
    assert calibration.mean_m == pytest.approx(calibration.grid_m)


def _cost(chain: tuple[tuple[int, int], ...], events: list[float], places: list[float], rules: Pairing) -> float:
    cost, last = 0.0, (-1, -1)
    x0 = f0 = 0.0
    for event, place in chain:
        x, f = events[event] - x0, places[place] - f0
        off = (x - f) ** 2 / (rules.step_sd_m**2 + (rules.step_ratio * f) ** 2)
        cost += off if rules.shift_cost is None else min(off, rules.shift_cost)
        cost += rules.extra_cost * (event - last[0] - 1) + rules.missing_cost * (place - last[1] - 1)
        last, x0, f0 = (event, place), events[event], places[place]
    behind = rules.extra_cost * (len(events) - 1 - last[0]) + rules.missing_cost * (len(places) - 1 - last[1])
    return cost + behind


@settings(max_examples=150, deadline=None)
@given(
    places=st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True),
    events=st.lists(st.integers(1, 400), min_size=1, max_size=5, unique=True),
    shift=st.sampled_from([None, 6.0]),
)
def test_pairing_is_the_cheapest_of_all_chains(places: list[int], events: list[int], shift: float | None) -> None:
    """Every chain in order is tried, pairs too far apart excepted."""
    f, x = [100.0 * place for place in sorted(places)], [10.0 * event for event in sorted(events)]
    rules = Pairing(30.0, 0.01, 150.0, 0.02, shift_cost=shift)
    best = _cost((), x, f, rules)
    for count in range(1, min(len(x), len(f)) + 1):
        for chosen in combinations(range(len(x)), count):
            for beside in combinations(range(len(f)), count):
                chain = tuple(zip(chosen, beside, strict=True))
                if all(abs(x[e] - f[p]) <= 150.0 + 0.02 * f[p] for e, p in chain):
                    best = min(best, _cost(chain, x, f, rules))
    found = tuple(paired(np.array(x), np.array(f), rules))
    assert _cost(found, x, f, rules) == pytest.approx(best)
