"""Schedules that a splicer works from: nothing twice, nothing forgotten, and light that goes where it is said to go."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.optical.colours import ColourCode, colour
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings

ROAD = drawn_road(70_000.0, places=[(30_000.0, "P", True)], bridges=[(11_000.0, 11_400.0)])


def _plan(**changes: object) -> OpticalPlan:
    rng = np.random.default_rng(3)
    kinds = ("radio site", "camera", "gantry")
    connections = [
        Connection(f"X-{n:02d}", float(m), "increasing", 12.0, kinds[n % 3])
        for n, m in enumerate(np.sort(rng.uniform(0.0, ROAD.length_m, 30)))
    ]
    rules = OpticalSettings(check_transmission=False, ring_members=4, span_limit_m=60_000.0, **changes)
    return plan_optical(ROAD, connections, rules)


@pytest.fixture(scope="module", params=[{}, {"cables": 2}, {"fibres": 48, "tube_fibres": 8}])
def plan(request: pytest.FixtureRequest) -> OpticalPlan:
    return _plan(**request.param)


@pytest.mark.parametrize(("code", "first", "last"), [("tia-598", "blue", "turquoise"), ("din-vde-0888", "red", "pink")])
def test_twelve_colours_then_rings(code: ColourCode, first: str, last: str) -> None:
    names = [colour(number, code) for number in range(1, 37)]
    assert (names[0], names[11], names[12]) == (first, last, f"{first} with 1 ring")
    assert len(set(names)) == 36
    assert {colour(number, "tia-598") for number in range(1, 13)} == {
        colour(number, "din-vde-0888") for number in range(1, 13)
    }


def test_every_fibre_has_one_use(plan: OpticalPlan) -> None:
    fibres, cables = plan.layers["fibres"], plan.layers["cables"]
    for row in plan.layers["spans"].rows():
        ours = fibres.where(span=row["span"], cable=row["cable"])
        assert ours["fibre"].tolist() == list(range(1, int(cables["fibres"][0]) + 1))
        assert len({(t, f) for t, f in zip(ours["tube_colour"], ours["fibre_colour"], strict=True)}) == len(ours)
    assert len(fibres) == len(plan.layers["spans"]) * int(cables["fibres"][0])
    assert plan.figures["fibres_in_use"] == max(
        int((fibres.where(span=row["span"], cable=row["cable"])["use"] != "spare").sum())
        for row in plan.layers["spans"].rows()
    )


def test_a_drop_takes_each_of_its_fibres_once(plan: OpticalPlan) -> None:
    led: dict[str, list[int]] = defaultdict(list)
    for row in plan.layers["splices"].rows():
        if row["to"] != "next reel":
            assert row["to_last"] - row["to_first"] == row["last"] - row["first"]
            led[row["to"].removeprefix("drop ")] += range(row["to_first"], row["to_last"] + 1)
    assert sorted(led) == sorted(plan.layers["connections"]["connection"])
    assert all(sorted(numbers) == list(range(1, len(numbers) + 1)) for numbers in led.values())


def test_a_joint_splices_every_fibre_once(plan: OpticalPlan) -> None:
    count = int(plan.layers["cables"]["fibres"][0])
    for row in plan.layers["closures"].rows():
        runs = list(plan.layers["splices"].where(closure=row["closure"]).rows())
        through = [f for run in runs if run["to"] == "next reel" for f in range(run["first"], run["last"] + 1)]
        opened = {f for run in runs if run["to"] != "next reel" for f in range(run["first"], run["last"] + 1)}
        assert len(through) == len(set(through))
        assert not opened & set(through)
        if "joint" in row["kind"]:
            assert set(through) | opened == set(range(1, count + 1))
        else:
            assert not through


def test_light_arrives_where_the_patch_schedule_says(plan: OpticalPlan) -> None:
    """Every fibre walked from its hut through each closure, by the splice schedule alone."""
    layers = plan.layers
    opened: dict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)
    cable_of = {row["closure"]: row["cable"] for row in layers["closures"].rows()}
    for row in layers["splices"].rows():
        if row["to"] != "next reel" and row["side"] == "before":
            for fibre in range(row["first"], row["last"] + 1):
                opened[cable_of[row["closure"]], fibre].append((row["measure_m"], row["to"].removeprefix("drop ")))
    at = {row["hut"]: row["measure_m"] for row in layers["huts"].rows()}
    order = sorted(at, key=lambda hut: at[hut])
    for row in layers["patches"].rows():
        here = order.index(row["hut"])
        far = order[here + (1 if row["side"] == "behind" else -1)]
        low, high = sorted((at[row["hut"]], at[far]))
        on_the_way = sorted(name for name in opened[row["cable"], row["fibre"]] if low <= name[0] <= high)
        if row["side"] == "before":
            on_the_way.reverse()
        assert row["to"] == (on_the_way[0][1] if on_the_way else far)


def test_rings_are_whole_in_the_schedules(plan: OpticalPlan) -> None:
    graph = nx.Graph()
    for row in plan.layers["ring_segments"].rows():
        graph.add_edge((row["ring"], row["first"]), (row["ring"], row["second"]))
    for ring in {name for name, _ in graph}:
        ours = [node for node in graph if node[0] == ring]
        degrees = sorted(graph.degree(node) for node in ours)
        assert degrees == [1, 1, *[2] * (len(ours) - 2)]


def test_too_few_fibres_to_grow_are_told() -> None:
    plan = _plan(fibres=24)
    used, wanted = plan.figures["fibres_in_use"], plan.figures["fibres_with_growth"]
    assert used <= 24 < wanted or not any("of growth" in note for note in plan.notes)
    tight = _plan(fibres=used)
    assert any("of growth asks for optical.fibres = " in note for note in tight.notes)
    assert all(a <= b for a, b in pairwise((used, wanted)))
