"""The sweep over all cuts against a graph from which each interval is removed in turn.

The graph is built from the layers alone, so it also checks that these say enough.
"""

from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.linear import Extent, merged
from trassa.optical.plan import Connection, OpticalPlan, plan_optical
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

QUIET = {"check_transmission": False}


def _road(**drawn: object) -> Road:
    return drawn_road(180_000.0, places=[(m, f"P {m:.0f}", True) for m in (30e3, 62e3, 95e3, 140e3)], **drawn)


def _plan(road: Road, **rules: object) -> OpticalPlan:
    generator = np.random.default_rng(7)
    places = np.sort(generator.uniform(0.0, road.length_m, 45)).round(0)
    connections = [
        Connection(f"S-{i:02d}", float(m), "increasing" if i % 3 else "decreasing", 25.0) for i, m in enumerate(places)
    ]
    return plan_optical(road, connections, OpticalSettings(**QUIET, **rules))


def _graph(plan: OpticalPlan, rules: OpticalSettings, gone: object, lost_hut: str = "") -> nx.MultiDiGraph:
    """Sites, huts and one common point of presence; weights in µs. ``gone(cable, a, b)`` says what a cut takes."""
    graph = nx.MultiDiGraph()
    graph.add_node("presence")
    huts = {row["hut"]: row for row in plan.layers["huts"].rows()}
    for name, row in huts.items():
        if row["role"] == "point_of_presence" and name != lost_hut:
            graph.add_edge(name, "presence", us=0.0, margin=math.inf)
    for row in plan.layers["spans"].rows():
        ends = row["span"].split("–")
        if gone(row["cable"], row["start_m"], row["end_m"]) or lost_hut in ends:
            continue
        us = row["fibre_m"] / 1000.0 * 4.897 + rules.hut_latency_us
        for a, b in (ends, ends[::-1]):
            graph.add_edge(a, b, us=us, margin=row["margin_db"])
    for row in plan.layers["links"].rows():
        graph.add_node(row["site"])
        ends = sorted((row["measure_m"], huts[row["hut"]]["measure_m"]))
        if gone(row["cable"], *ends) or row["hut"] == lost_hut:
            continue
        us = row["fibre_m"] / 1000.0 * 4.897 + rules.hut_latency_us
        graph.add_edge(row["site"], row["hut"], us=us, margin=row["margin_db"])
    return graph


def _outcome(graph: nx.MultiDiGraph) -> tuple[int, int, float, float]:
    sites = [node for node in graph if str(node).startswith("S-")]
    reaching = nx.ancestors(graph, "presence")
    ways = [sum(hut in reaching for hut in set(graph.successors(site))) for site in sites]
    latency, margin = math.nan, math.nan
    for site in sites:
        if site not in reaching:
            continue
        us, path = nx.single_source_dijkstra(graph, site, "presence", weight="us")
        steps = [min(graph[a][b].values(), key=lambda edge: edge["us"]) for a, b in pairwise(path)]
        latency = float(np.fmax(latency, us))
        margin = float(np.fmin(margin, min(step["margin"] for step in steps)))
    return sum(way == 1 for way in ways), sum(way == 0 for way in ways), latency, margin


def _assert_same(row: dict, expected: tuple[int, int, float, float]) -> None:
    found = (row["detoured"], row["stranded"], row["worst_latency_us"], row["worst_margin_db"])
    assert found == pytest.approx(expected, rel=1e-9, nan_ok=True), row


CASES = {
    "one cable": ({}, {}),
    "second cable across the road": ({}, {"cables": 2}),
    "second cable in the same trench": ({}, {"cables": 2, "second_cable": "same_trench"}),
    "a hole in the road": ({"holes": [(100e3, 100.5e3)]}, {}),
    "two holes, two cables": ({"holes": [(60e3, 61e3), (100e3, 100.5e3)]}, {"cables": 2}),
    "hills": ({"height_m": lambda m: 200.0 * np.sin(m / 3000.0)}, {"cables": 2}),
}


@pytest.mark.parametrize(("drawn", "rules"), CASES.values(), ids=CASES)
def test_sweep_equals_removing_each_interval(drawn: dict, rules: dict) -> None:
    plan = _plan(_road(**drawn), **rules)
    cuts = list(plan.layers["cuts"].rows())
    assert len(cuts) > 150
    for cut in cuts[::3]:
        cables = cut["cables"].split(",")
        middle = (cut["start_m"] + cut["end_m"]) / 2.0
        gone = lambda cable, a, b: cable in cables and a < middle < b  # noqa: B023, E731
        _assert_same(cut, _outcome(_graph(plan, OpticalSettings(**QUIET, **rules), gone)))


@pytest.mark.parametrize(("drawn", "rules"), CASES.values(), ids=CASES)
def test_losing_each_hut_equals_removing_it(drawn: dict, rules: dict) -> None:
    plan = _plan(_road(**drawn), **rules)
    for loss in plan.layers["hut_losses"].rows():
        graph = _graph(plan, OpticalSettings(**QUIET, **rules), lambda *_: False, lost_hut=loss["hut"])
        _assert_same(loss, _outcome(graph))


@pytest.mark.parametrize(("drawn", "rules"), CASES.values(), ids=CASES)
def test_every_point_of_every_cable_is_in_exactly_one_interval(drawn: dict, rules: dict) -> None:
    plan = _plan(_road(**drawn), **rules)
    cuts = list(plan.layers["cuts"].rows())
    for cable in plan.layers["cables"].rows():
        ours = sorted((c["start_m"], c["end_m"]) for c in cuts if cable["cable"] in c["cables"].split(","))
        assert all(a[1] == b[0] for a, b in pairwise(ours))
        assert merged(Extent(*c) for c in ours) == [Extent(cable["start_m"], cable["end_m"])]


def test_one_cable_fed_from_both_ends_strands_nobody() -> None:
    plan = _plan(_road())
    assert plan.figures["stranded_by_worst_cut"] == 0
    assert plan.figures["stranded_by_worst_hut"] == 0
    assert plan.figures["worst_latency_after_cut_us"] > plan.figures["worst_latency_us"]


def test_a_hole_strands_what_lies_beyond_the_cut() -> None:
    plan = _plan(_road(holes=[(100e3, 100.5e3)]))
    cuts = plan.layers["cuts"]
    first, second = (cuts.where(trench=f"T-1.{part}")["stranded"] for part in (1, 2))
    assert (np.diff(first) <= 0).all()
    assert (np.diff(second) >= 0).all()
    assert first[0] == plan.layers["links"].where(cable="C-1.1")["site"].size / 2
    assert any("one end only" in note for note in plan.notes)


def test_a_second_trench_keeps_the_backbone_and_the_same_trench_does_not() -> None:
    one, other, same = (
        _plan(_road(), **rules) for rules in ({}, {"cables": 2}, {"cables": 2, "second_cable": "same_trench"})
    )
    worst = [plan.figures["worst_latency_after_cut_us"] for plan in (one, other, same)]
    assert worst[1] < worst[0]
    assert worst[2] == pytest.approx(worst[0], rel=0.01)
    across = other.layers["cuts"].where(trench="T-2")
    assert (across["detoured"] == 0).all()
    assert set(same.layers["cuts"]["cables"]) == {"C-1,C-2"}
