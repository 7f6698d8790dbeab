"""Every metre of every trench cut by itself, on a graph built here from the layers alone: who is left, and how late.

No interval is believed: the sweep's row that a metre lies in must say what the graph says of that very metre.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import networkx as nx
import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings

LENGTH_M = 5000.0
CASES = {
    "one cable": ({}, {}),
    "two sides": ({}, {"cables": 2}),
    "one trench": ({}, {"cables": 2, "second_cable": "same_trench"}),
    "a hole": ({"holes": [(2200.0, 2900.0)]}, {"cables": 2}),
    "members alone": ({"bridges": [(1210.0, 1730.0)]}, {"ring_members": 1, "chamber_limit_m": 300.0}),
}


def _plan(drawn: dict[str, object], rules: OpticalSettings) -> OpticalPlan:
    places = [(1600.0, "P", True), (3300.0, "Q", True)]
    road = drawn_road(LENGTH_M, places=places, **drawn)
    rng = np.random.default_rng(11)
    at_m = [0.0, 1600.0, LENGTH_M, *rng.uniform(0.0, LENGTH_M, 9).round().tolist()]
    services = ("radio site", "camera", "sign")
    connections = [
        Connection(f"X-{n:02d}", m, ("increasing", "decreasing")[n % 2], 30.0, services[n % 3])
        for n, m in enumerate(at_m)
    ]
    return plan_optical(road, connections, rules)


def _edges(plan: OpticalPlan, rules: OpticalSettings) -> Iterator[tuple[str, str, str, float, float, float]]:
    """Both ends, the cable, the stretch of road that it runs on, and the delay of everything that light passes."""
    layers = plan.layers
    huts = {row["hut"]: float(row["measure_m"]) for row in layers["huts"].rows()}
    for row in layers["spans"].rows():
        first, last = str(row["span"]).split("–")
        yield first, last, str(row["cable"]), huts[first], huts[last], _us(row["fibre_m"], rules) + rules.hut_latency_us
    for row in layers["links"].rows():
        low, high = sorted((float(row["measure_m"]), huts[row["hut"]]))
        yield str(row["site"]), str(row["hut"]), str(row["cable"]), low, high, _us(row["fibre_m"], rules)
    for row in layers["ring_segments"].rows():
        delay = _us(row["fibre_m"], rules) + rules.ring_latency_us
        yield (
            str(row["first"]),
            str(row["second"]),
            str(row["cable"]),
            float(row["start_m"]),
            float(row["end_m"]),
            delay,
        )


def _us(fibre_m: object, rules: OpticalSettings) -> float:
    return float(fibre_m) / 1000.0 * rules.latency_us_per_km


def _outcome(plan: OpticalPlan, kept: list[tuple[str, str, str, float, float, float]], lost: str, hut_us: float):
    """Who reaches no point of presence, and the longest delay of the others; a ring passes light from hut to hut in
    no other way than to its members."""
    huts = {str(row["hut"]): row for row in plan.layers["huts"].rows()}
    presences = {hut for hut, row in huts.items() if row["role"] == "point_of_presence"} - {lost}
    kept = [edge for edge in kept if lost not in edge[:2]]
    backbone = nx.Graph()
    backbone.add_nodes_from(huts)
    for first, last, *_, us in kept:
        if first in huts and last in huts and us < backbone.get_edge_data(first, last, {"us": math.inf})["us"]:
            backbone.add_edge(first, last, us=us)
    delay = nx.multi_source_dijkstra_path_length(backbone, presences, weight="us") if presences else {}
    far: dict[str, float] = {}
    for name in plan.layers["connections"]["connection"].tolist():
        access = nx.Graph()
        access.add_node(name)
        for first, last, *_, us in kept:
            if not (first in huts and last in huts):
                access.add_edge(first, last, us=us)
        # light of an access link ends in the first hut that it meets
        reached = _without_passing(access, name, set(huts))
        far[name] = min((us + delay[hut] + hut_us for hut, us in reached.items() if hut in delay), default=math.inf)
    stranded = {name for name, us in far.items() if math.isinf(us)}
    return stranded, max((us for us in far.values() if math.isfinite(us)), default=math.nan)


def _without_passing(graph: nx.Graph, start: str, walls: set[str]) -> dict[str, float]:
    found, seen, queue = {}, {start: 0.0}, [start]
    while queue:
        here = min(queue, key=lambda node: seen[node])
        queue.remove(here)
        if here in walls:
            found[here] = seen[here]
            continue
        for other, edge in graph[here].items():
            if seen[here] + edge["us"] < seen.get(other, math.inf):
                seen[other] = seen[here] + edge["us"]
                queue.append(other)
    return found


@pytest.mark.parametrize("case", list(CASES))
def test_the_row_of_every_metre_says_what_the_graph_says(case: str) -> None:
    drawn, changes = CASES[case]
    rules = OpticalSettings(check_transmission=False, new_power_step_m=500.0, span_limit_m=2500.0, **changes)
    plan = _plan(drawn, rules)
    edges, known = list(_edges(plan, rules)), {}
    cuts = list(plan.layers["cuts"].rows())
    trenches = dict.fromkeys(str(row["cables"]) for row in cuts)
    metres = 0
    for cables in trenches:
        rows = [row for row in cuts if row["cables"] == cables]
        for at_m in np.arange(0.5, LENGTH_M, 1.0).tolist():
            inside = [row for row in rows if float(row["start_m"]) < at_m < float(row["end_m"])]
            if not inside:
                continue
            assert len(inside) == 1
            falls = cables.split(",")
            kept = tuple(
                i for i, (*_, cable, low, high, _) in enumerate(edges) if not (cable in falls and low < at_m < high)
            )
            if kept not in known:
                known[kept] = _outcome(plan, [edges[i] for i in kept], "", rules.hut_latency_us)
            stranded, worst_us = known[kept]
            assert inside[0]["stranded"] == len(stranded), (at_m, cables, stranded)
            assert inside[0]["worst_latency_us"] == pytest.approx(worst_us, abs=1e-6, nan_ok=True), (at_m, cables)
            metres += 1
    assert metres >= 0.8 * LENGTH_M
    for row in plan.layers["hut_losses"].rows():
        stranded, worst_us = _outcome(plan, edges, str(row["hut"]), rules.hut_latency_us)
        assert row["stranded"] == len(stranded), row
        assert row["worst_latency_us"] == pytest.approx(worst_us, abs=1e-6, nan_ok=True), row
