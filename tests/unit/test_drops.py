"""Branches from the trench to what is connected: their way on the plan, their cables, every fibre to its end."""

from __future__ import annotations

from collections import defaultdict
from math import ceil

import networkx as nx
import numpy as np
import pytest
from shapely import LineString, Point

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.optical.colours import colour
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings

ROAD = drawn_road(60_000.0, places=[(31_000.0, "P", True)], bridges=[(11_000.0, 11_400.0)])
KINDS = ("radio site", "camera", "gantry", "radio site", "sign")


def _plan(**changes: object) -> OpticalPlan:
    rng = np.random.default_rng(11)
    at_m = [0.0, *np.sort(rng.uniform(0.0, ROAD.length_m, 26)).tolist(), *[31_000.0] * 3, ROAD.length_m, *[7000.0] * 12]
    connections = [
        Connection(f"X-{n:02d}", m, ("increasing", "decreasing")[n % 2], float(rng.uniform(1.0, 90.0)), KINDS[n % 5])
        for n, m in enumerate(at_m)
    ]
    rules = OpticalSettings(check_transmission=False, ring_members=4, span_limit_m=45_000.0, **changes)
    return plan_optical(ROAD, connections, rules)


@pytest.fixture(
    scope="module",
    params=[
        {},
        {"fibres": 24, "tube_fibres": 2, "colour_code": "din-vde-0888"},
        {"cables": 2, "drop_fibres": (6, 48), "growth_ratio": 1.5},
    ],
)
def plan(request: pytest.FixtureRequest) -> tuple[OpticalPlan, OpticalSettings]:
    return _plan(**request.param), OpticalSettings(check_transmission=False, **request.param)


@pytest.mark.parametrize("trench_m", [0.0, 12.0, 30.0])
@pytest.mark.parametrize("offset_m", [0.0, 5.0, -12.0, 12.5, -40.0, 400.0])
def test_a_drop_is_the_way_on_the_plan(trench_m: float, offset_m: float) -> None:
    """The same side: the distance from a point to the trench as a line. The other: beyond the end of the crossing."""
    near, far = (Connection(side, 9000.0, side, offset_m) for side in ("increasing", "decreasing"))
    rules = OpticalSettings(check_transmission=False, verge_offset_m=trench_m, crossing_m=50.0)
    rows = plan_optical(drawn_road(20_000.0), [near, far], rules).layers["drop_cables"].rows()
    found = {row["connection"]: row["route_m"] for row in rows}
    trench, equipment = LineString([(0.0, -trench_m), (20_000.0, -trench_m)]), Point(9000.0, -abs(offset_m))
    assert found["increasing"] == pytest.approx(equipment.distance(trench), abs=1e-6)
    landed = Point(9000.0, -trench_m)
    beyond_m = landed.distance(equipment) if abs(offset_m) > trench_m else 0.0
    assert found["decreasing"] == pytest.approx(50.0 + beyond_m, abs=1e-6)


def test_lengths_of_a_drop_are_three(plan: tuple[OpticalPlan, OpticalSettings]) -> None:
    found, rules = plan
    stated = {row["connection"]: row["drop_m"] for row in found.layers["connections"].rows()}
    for row in found.layers["drop_cables"].rows():
        sheath_m = stated[row["connection"]] * (1.0 + rules.slack_ratio)
        sheath_m += 0.5 * rules.closure_loop_m + rules.termination_loop_m
        assert row["route_m"] == stated[row["connection"]]
        assert row["sheath_m"] == pytest.approx(sheath_m, rel=1e-12)
        assert row["fibre_m"] == pytest.approx(sheath_m / rules.helix_ratio, rel=1e-12)


def test_the_smallest_cable_that_leaves_room_to_grow(plan: tuple[OpticalPlan, OpticalSettings]) -> None:
    found, rules = plan
    cables, fibres = found.layers["drop_cables"], found.layers["drop_fibres"]
    assert sorted(cables["connection"]) == sorted(found.layers["connections"]["connection"])
    for row in cables.rows():
        ours = fibres.where(connection=row["connection"])
        assert ours["fibre"].tolist() == list(range(1, row["fibres"] + 1))
        assert row["in_use"] == (ours["end"] == "patched").sum()
        wanted = ceil(round(row["in_use"] * (1.0 + rules.growth_ratio), 9))
        assert [size for size in rules.drop_fibres if size >= wanted][0] == row["fibres"]
        for fibre in ours.rows():
            assert fibre["tube"] == ceil(fibre["fibre"] / rules.tube_fibres)
            assert fibre["tube_colour"] == colour(fibre["tube"], rules.colour_code)
            assert fibre["fibre_colour"] == colour((fibre["fibre"] - 1) % rules.tube_fibres + 1, rules.colour_code)
        assert len({(f["tube_colour"], f["fibre_colour"]) for f in ours.rows()}) == row["fibres"]
    lines = {q.item: q.quantity for q in found.quantities if q.item.startswith("drop of ")}
    by_size: dict[str, float] = defaultdict(float)
    for row in cables.rows():
        by_size[f"drop of {row['fibres']} fibres, trench and cable"] += row["route_m"]
    assert lines == pytest.approx(by_size)


def _light(plan: OpticalPlan) -> nx.Graph:
    """Every piece of glass as an edge between its ends, by the schedules alone: closures, fibres and drops.

    A fibre of a span is cut where a drop takes it; what is left are pieces from hut to drop, drop to drop, drop to hut.
    """
    layers, graph = plan.layers, nx.Graph()
    cuts: dict[tuple[str, int], dict[tuple[float, str], tuple[str, int]]] = defaultdict(dict)
    cable_of = {row["closure"]: row["cable"] for row in layers["closures"].rows()}
    for row in layers["splices"].rows():
        if row["to"] == "next reel":
            continue
        runs = (range(row["first"], row["last"] + 1), range(row["to_first"], row["to_last"] + 1))
        for fibre, into in zip(*runs, strict=True):
            end = (row["to"].removeprefix("drop "), into)
            if row["side"].startswith("drop "):
                graph.add_edge((row["side"].removeprefix("drop "), fibre), end)
                continue
            at = (row["measure_m"], row["side"])
            assert at not in cuts[cable_of[row["closure"]], fibre], "an end of a fibre is spliced once"
            cuts[cable_of[row["closure"]], fibre][at] = end
    for row in layers["fibres"].rows():
        first, second = row["span"].split("–")
        inside = [
            (at, end) for at, end in cuts[row["cable"], row["fibre"]].items() if row["start_m"] < at[0] < row["end_m"]
        ]
        ordered = [end for _, end in sorted(inside, key=lambda cut: (cut[0][0], cut[0][1] == "behind"))]
        ends = [(first, row["cable"], "behind", row["fibre"]), *ordered, (second, row["cable"], "before", row["fibre"])]
        graph.add_edges_from(zip(ends[::2], ends[1::2], strict=True))
    return graph


def test_every_fibre_of_every_drop_ends_where_it_is_said_to(plan: tuple[OpticalPlan, OpticalSettings]) -> None:
    layers, graph = plan[0].layers, _light(plan[0])
    at_m = {row["hut"]: row["measure_m"] for row in layers["huts"].rows()}
    huts = set(at_m)
    at_m |= {row["connection"]: row["tap_m"] for row in layers["connections"].rows()}
    seen = {"drop to drop": 0, "over the cable": 0, "in a hut": 0}
    for row in layers["drop_fibres"].where(end="patched").rows():
        name, end = row["connection"], (row["connection"], row["fibre"])
        if any(at_m[hut] == at_m[name] for hut in huts):
            assert end not in graph
            assert (row["cable_fibre"] == 0) == (at_m[row["to"]] == at_m[name])
            seen["in a hut"] += 1
            continue
        (far,) = graph[end]
        assert far[0] == row["to"] or (far[0] in huts and at_m[far[0]] == at_m[row["to"]])
        apart = at_m[row["to"]] - at_m[name]
        assert (row["cable_fibre"] > 0) == (apart != 0.0)
        assert not apart or (row["side"] == "behind") == (apart > 0.0)
        seen["over the cable" if apart else "drop to drop"] += 1
    assert all(seen.values()), seen
    for row in layers["drop_fibres"].where(end="coiled").rows():
        assert (row["connection"], row["fibre"]) not in graph


def test_the_bill_counts_each_splice_once(plan: tuple[OpticalPlan, OpticalSettings]) -> None:
    """In closures by the schedule; at the equipment one for each fibre in use; in huts all of a cable's, and drops'."""
    found, rules = plan
    layers = found.layers
    huts = set(layers["huts"]["measure_m"].tolist())
    patched = layers["drop_fibres"].where(end="patched")
    in_huts = sum(row["in_use"] for row in layers["drop_cables"].rows() if row["measure_m"] in huts)
    pigtails = 2 * rules.fibres * len(layers["spans"]) + len(patched)
    bill = {quantity.item: quantity.quantity for quantity in found.quantities}
    assert bill["splice"] == layers["splices"]["splices"].sum() + pigtails + in_huts


def test_both_ends_of_a_link_have_the_same_transceiver(plan: tuple[OpticalPlan, OpticalSettings]) -> None:
    layers = plan[0].layers
    ends = {(r["connection"], r["to"]): r["equipment"] for r in layers["drop_fibres"].where(end="patched").rows()}
    links = {(row["site"], row["hut"]): row["optics"] for row in layers["links"].rows()}
    for row in layers["ring_segments"].rows():
        for pair in ((row["first"], row["second"]), (row["second"], row["first"])):
            if pair[0] in set(layers["connections"]["connection"]):
                links[pair] = row["optics"]
    assert ends == links


def test_a_drop_that_no_size_holds_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"drop to X-\d\d needs 10 fibres \(4 in use and growth\).*has 6") as refused:
        _plan(drop_fibres=(6,), growth_ratio=1.5)
    assert "Try: a size of 10 or more in optical.drop_fibres" in str(refused.value)


@pytest.mark.parametrize("sizes", [(), (8, 4), (1, 4), (4, 4)])
def test_sizes_rise_from_two(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="drop_fibres"):
        OpticalSettings(drop_fibres=sizes)
