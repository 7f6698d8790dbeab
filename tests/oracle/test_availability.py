"""Availability: closed forms against chains of states, states against graphs, simulation against closed forms."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import networkx as nx
import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.optical.availability_settings import AvailabilitySettings
from trassa.optical.plan import Connection, OpticalPlan, plan_optical
from trassa.optical.services.availability import (
    cut_load,
    minutes_per_year,
    renewal,
    series,
    service_unavailability,
    two_cables_linear,
    two_cables_one_repair,
    two_cables_two_repairs,
)
from trassa.optical.services.outages import simulated_unavailability
from trassa.optical.services.site_availability import works
from trassa.optical.settings import OpticalSettings

NEVER_H = 1e15


def _stationary(rates: np.ndarray) -> np.ndarray:
    """Long-run share of the time in each state of a chain, from its generator."""
    generator = rates - np.diag(rates.sum(axis=1))
    equations = np.vstack((generator.T[:-1], np.ones(len(rates))))
    return np.linalg.solve(equations, np.eye(len(rates))[-1])


@pytest.mark.parametrize(
    ("mttr_h", "single", "renewed", "doubled"),
    [
        (6.0, 99.897877, 99.897981, (99.999896, 99.997857, 99.994800, 99.989703)),
        (12.0, 99.795753, 99.796170, (99.999583, 99.995514, 99.989411, 99.979237)),
        (24.0, 99.591507, 99.593169, (99.998331, 99.990228, 99.978069, 99.957799)),
    ],
)
def test_700_km_of_reference(mttr_h: float, single: float, renewed: float, doubled: tuple[float, ...]) -> None:
    load = cut_load(700e3, AvailabilitySettings(cut_repair_h=mttr_h))
    assert 100.0 * (1.0 - load) == pytest.approx(single, abs=1e-6)
    assert 100.0 * (1.0 - renewal(load)) == pytest.approx(renewed, abs=1e-6)
    two = [100.0 * (1.0 - two_cables_linear(load, common)) for common in (0.0, 0.02, 0.05, 0.1)]
    assert two == pytest.approx(doubled, abs=1e-6)


def test_minutes_of_a_year() -> None:
    load = cut_load(700e3, AvailabilitySettings())
    assert float(minutes_per_year(load)) / 60.0 == pytest.approx(17.9, abs=0.05)
    assert float(minutes_per_year(two_cables_linear(load, 0.05))) == pytest.approx(55.7, abs=0.05)


@pytest.mark.parametrize("load", [1e-6, 1e-4, 2e-3, 0.05, 1.0])
@pytest.mark.parametrize("common", [0.0, 0.02, 0.05, 0.5, 1.0])
def test_two_crews_are_the_chain_of_four_states(load: float, common: float) -> None:
    """Both up, either down, both down; a common shock takes whatever is still up, each cable is mended by itself."""
    cut, mend = load, 1.0
    own, shock = (1.0 - common) * cut, common * cut
    rates = np.array([[0.0, own, own, shock], [mend, 0.0, 0.0, cut], [mend, 0.0, 0.0, cut], [0.0, mend, mend, 0.0]])
    assert float(two_cables_two_repairs(load, common)) == pytest.approx(_stationary(rates)[3], rel=1e-9)


@pytest.mark.parametrize("load", [1e-4, 2e-3, 0.05, 1.0])
@pytest.mark.parametrize("common", [0.0, 0.02, 0.05, 0.5, 1.0])
def test_one_repair_is_the_chain_of_three_processes(load: float, common: float) -> None:
    """Eight states: the first cable's own cut, the second's, the common one; each comes and is mended by itself."""
    rate = [(1.0 - common) * load, (1.0 - common) * load, common * load]
    states = list(product((0, 1), repeat=3))
    rates = np.zeros((8, 8))
    for (a, one), (b, other) in product(enumerate(states), repeat=2):
        changed = [part for part in range(3) if one[part] != other[part]]
        if len(changed) == 1:
            rates[a, b] = rate[changed[0]] if other[changed[0]] else 1.0
    share = _stationary(rates)
    down = sum(share[number] for number, state in enumerate(states) if state[2] or (state[0] and state[1]))
    assert float(two_cables_one_repair(load, common)) == pytest.approx(down, rel=1e-9)


def test_a_series_is_what_all_must_hold() -> None:
    parts = np.array([1e-9, 2e-5, 0.1])
    assert series(parts) == pytest.approx(1.0 - np.prod(1.0 - parts), rel=1e-12)
    assert series(np.full(1000, 1e-12)) == pytest.approx(1e-9, rel=1e-8)


def test_a_site_works_where_a_graph_still_leads_to_a_point_of_presence() -> None:
    """All 2048 states. A common shock is a node that both cables of the span pass at that place."""
    up = (np.arange(2**11)[:, None] >> np.arange(11)) & 1 == 1
    names = (
        "before",
        "after",
        "cable b",
        "cable a",
        "shock b",
        "shock a",
        "other",
        "hut b",
        "hut a",
        "link b",
        "link a",
    )
    ways = [
        ["site", "link b", "shock b", "cable b", "hut b", "before"],
        ["site", "link a", "shock a", "cable a", "hut a", "after"],
    ]
    crossings = [
        ["hut b", "shock b", "cable b", "cable a", "shock a", "hut a"],
        ["hut b", "shock b", "other", "shock a", "hut a"],
    ]
    found = works(up)
    for state, served in zip(up, found, strict=True):
        alive = {name for name, stands in zip(names, state, strict=True) if stands} | {"site"}
        reached = any(alive.issuperset(way) for way in ways)
        across = any(alive.issuperset(crossing) for crossing in crossings)
        graph = nx.Graph()
        graph.add_nodes_from(["site", "P"])
        for way in ways:
            if alive.issuperset(way[:-1]):
                graph.add_edge("site", way[-2])
            if alive.issuperset(way[-2:]):
                graph.add_edge(way[-2], "P")
        if across:
            graph.add_edge("hut b", "hut a")
        assert served == nx.has_path(graph, "site", "P")
        assert served or not reached


def test_the_sum_over_states_is_inclusion_and_exclusion() -> None:
    down = np.random.default_rng(2).uniform(0.0, 0.3, (300, 3))
    either = service_unavailability(down, lambda up: (up[:, 0] | up[:, 1]) & up[:, 2])
    both = down[:, 0] * down[:, 1]
    assert either == pytest.approx(both + down[:, 2] - both * down[:, 2], rel=1e-12)


def _two_cables(up: np.ndarray) -> np.ndarray:
    return (up[:, 0] | up[:, 1]) & up[:, 2]


def _one_cable(up: np.ndarray) -> np.ndarray:
    return up[:, 0]


@pytest.mark.parametrize(
    ("shares", "served", "years"),
    [((1.0,), _one_cable, 200.0), ((0.95, 0.95, 0.05), _two_cables, 8000.0)],
    ids=["one cable", "two cables, 5 % of cuts common"],
)
def test_95_of_100_intervals_hold_the_exact_value(
    shares: tuple[float, ...], served: Callable[[np.ndarray], np.ndarray], years: float
) -> None:
    load = float(cut_load(700e3, AvailabilitySettings()))
    exact = float(renewal(load) if len(shares) == 1 else two_cables_one_repair(load, 0.05))
    rates, repair = np.array(shares) * load / 12.0, np.full(len(shares), 12.0)
    found = [simulated_unavailability(rates, repair, served, years * 8760.0, seed) for seed in range(200)]
    assert 180 <= sum(one.low <= exact <= one.high for one in found) <= 199
    assert np.mean([one.mean for one in found]) == pytest.approx(exact, rel=0.02)


def _plan(availability: AvailabilitySettings, **rules: object) -> OpticalPlan:
    road = drawn_road(180_000.0, places=[(m, f"P {m:.0f}", True) for m in (62e3, 120e3)])
    sites = [Connection(f"S-{i:02d}", float(m), "increasing", 25.0) for i, m in enumerate(range(3000, 180_000, 9000))]
    return plan_optical(road, sites, OpticalSettings(check_transmission=False, availability=availability, **rules))


def test_on_one_cable_a_site_falls_with_a_cut_on_either_side() -> None:
    """Nothing else fails: the drop, or the cable on both sides of the tap, interval by interval."""
    rules = AvailabilitySettings(hut_mtbf_h=NEVER_H, equipment_mtbf_h=NEVER_H)
    plan = _plan(rules)
    cuts = plan.layers["cuts"]
    route_m = cuts["end_m"] - cuts["start_m"]  # a level road: measure is route
    loads = route_m * 2.13e-6 * 12.0 / 8760.0
    drops = {row["site"]: row["drop_m"] for row in plan.layers["links"].rows()}
    for row in plan.layers["availability"].rows():
        before = cuts["end_m"] <= row["measure_m"]
        sides = [1.0 - np.prod(1.0 / (1.0 + loads[side])) for side in (before, ~before)]
        drop = drops[row["site"]] * 2.13e-6 * 12.0 / 8760.0
        expected = drop / (1.0 + drop) + sides[0] * sides[1] / (1.0 + drop)
        assert 1.0 - row["availability"] == pytest.approx(expected, rel=1e-6)
        assert row["minutes_per_year"] == pytest.approx(expected * 525_600.0, rel=1e-6)
        assert row["dominated_by"] == ("drop" if drop > sides[0] * sides[1] else "cable")


def test_a_second_trench_helps_and_a_common_cause_takes_part_of_it_away() -> None:
    rules = AvailabilitySettings(hut_mtbf_h=NEVER_H, equipment_mtbf_h=NEVER_H)
    one, apart, shared, same = (
        1.0
        - _plan(rules.model_copy(update={"common_cause_ratio": common}), **given).layers["availability"]["availability"]
        for common, given in (
            (0.05, {}),
            (0.0, {"cables": 2}),
            (0.3, {"cables": 2}),
            (0.3, {"cables": 2, "second_cable": "same_trench"}),
        )
    )
    assert (apart < shared).all()
    assert (shared < one).all()
    assert same == pytest.approx(one, rel=0.02)


def test_on_a_ring_the_members_between_count() -> None:
    """Nothing but equipment fails: either way round is a series of as many switches as the ring has there."""
    rules = AvailabilitySettings(hut_mtbf_h=NEVER_H, equipment_mtbf_h=20.0, cuts_per_1000_km_year=1e-9)
    cameras = [Connection(f"C-{i}", 4000.0 * (i + 1), "increasing", 10.0, "camera") for i in range(4)]
    settings = OpticalSettings(check_transmission=False, availability=rules, new_power_step_m=20_000.0)
    plan = plan_optical(drawn_road(20_000.0), cameras, settings)
    rows = list(plan.layers["availability"].rows())
    assert [row["service"] for row in rows] == ["camera"] * 4
    up = 1.0 / 1.1
    for place, row in enumerate(rows):
        either = (1.0 - up ** (place + 1)) * (1.0 - up ** (4 - place))
        assert 1.0 - row["availability"] == pytest.approx(either, rel=1e-9)
        assert row["dominated_by"] == "equipment"


def test_huts_and_equipment_rule_where_they_fail_most() -> None:
    weak_hut = _plan(AvailabilitySettings(hut_mtbf_h=1000.0)).layers["availability"]
    weak_link = _plan(AvailabilitySettings(equipment_mtbf_h=500.0)).layers["availability"]
    assert set(weak_hut["dominated_by"]) == {"huts"}
    assert set(weak_link["dominated_by"]) == {"equipment"}


def test_a_line_with_one_point_of_presence_falls_with_every_cut_before_the_site() -> None:
    rules = AvailabilitySettings(hut_mtbf_h=NEVER_H, equipment_mtbf_h=NEVER_H)
    road = drawn_road(50_000.0, holes=[(40_000.0, 41_000.0)])
    plan = plan_optical(
        road,
        [Connection("S-01", 20_000.0, "increasing", 0.0)],
        OpticalSettings(check_transmission=False, availability=rules),
    )
    down = 1.0 - float(plan.layers["availability"]["availability"][0])
    assert down == pytest.approx(float(cut_load(20_000.0, rules)), rel=1e-3)


def test_figures_name_every_form() -> None:
    figures = _plan(AvailabilitySettings(), cables=2).figures["availability"]
    (line,) = figures["lines"]
    load = line["one_cable_as_unit_linear"]
    assert load == pytest.approx(180e3 * 2.13e-6 * 12.0 / 8760.0, rel=1e-6)
    assert line["one_cable_as_unit_renewal"] < line["one_cable_as_series_of_intervals"] < load
    assert line["two_cables_as_unit_linear"] == pytest.approx(0.05 * load + (0.95 * load) ** 2, rel=1e-9)
    assert line["two_cables_as_unit_two_repairs"] < line["two_cables_as_unit_one_repair"]
    simulated = line["simulated_unit"]
    assert simulated["low"] < line["two_cables_as_unit_one_repair"] < simulated["high"]
    assert figures["worst_minutes_per_year"] == pytest.approx(
        (1.0 - figures["worst_availability"]) * 525_600.0, rel=1e-6
    )
