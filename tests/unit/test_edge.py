"""Servers in huts: every set of huts tried on small lines, every cut made on a plain graph."""

from __future__ import annotations

import itertools
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from command_line import trassa
from drawn_road import drawn_road
from forging import accused_by, caught, edit_proof, row_of, sql
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify import verify
from valley import valley


def _plan(seed: int, limit_us: float, **changes: object) -> tuple[OpticalPlan, OpticalSettings]:
    rng = np.random.default_rng(seed)
    road = drawn_road(160_000.0, places=[(float(m), f"P{m:.0f}", True) for m in rng.uniform(8e3, 152e3, 5)])
    at_m = [0.0, *rng.uniform(0.0, road.length_m, 11).tolist()]
    sites = [Connection(f"S-{n:02d}", measure_m, "increasing", 20.0) for n, measure_m in enumerate(at_m)]
    settings = {"check_transmission": False, "span_limit_m": 45_000.0, "edge_round_trip_us": limit_us, **changes}
    rules = OpticalSettings(**settings)
    return plan_optical(road, sites, rules), rules


def _rows(plan: OpticalPlan, rules: OpticalSettings) -> list[tuple[str, dict[str, float]]]:
    """For every site, intact and after each cut, the round trip to each hut, by Dijkstra on the fibre that is left."""
    layers = plan.layers
    hut_at = {row["hut"]: row["measure_m"] for row in layers["huts"].rows()}
    longest = 2.0 * rules.helix_ratio / rules.helix_ratio_low
    rows = []
    for cut in [None, *layers["cuts"].rows()]:
        graph = nx.Graph()

        def join(first: str, second: str, ends: tuple[float, float], row: dict, cut=cut, graph=graph) -> None:  # type: ignore[no-untyped-def, type-arg]
            low, high = sorted(ends)
            falls = cut is not None and row["cable"] in cut["cables"].split(",")
            if falls and low < cut["end_m"] - 1e-3 and cut["start_m"] < high - 1e-3:
                return
            delay = row["fibre_m"] / 1000.0 * rules.latency_us_per_km + rules.hut_latency_us
            if not graph.has_edge(first, second) or graph[first][second]["us"] > delay:
                graph.add_edge(first, second, us=delay)

        graph.add_nodes_from(hut_at)
        for row in layers["spans"].rows():
            join(*row["span"].split("–"), (row["start_m"], row["end_m"]), row)
        backbone = graph.copy()
        for site in layers["connections"]["connection"]:
            graph = backbone.copy()
            for row in layers["links"].where(site=site).rows():
                join(site, row["hut"], (row["measure_m"], hut_at[row["hut"]]), row, graph=graph)
            far = nx.single_source_dijkstra_path_length(graph, site, weight="us") if site in graph else {}
            rows.append((site, {hut: longest * us for hut, us in far.items() if hut in hut_at}))
    return rows


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("changes", [{}, {"cables": 2}, {"cables": 2, "second_cable": "same_trench"}])
def test_no_fewer_huts_do(seed: int, changes: dict[str, object]) -> None:
    for limit_us in (500.0, 800.0, 1300.0):
        plan, rules = _plan(seed, limit_us, **changes)
        rows = _rows(plan, rules)
        near = [{hut for hut, us in far.items() if us <= limit_us} for _, far in rows]
        served = [row for row in near if row]
        huts = plan.layers["huts"]["hut"].tolist()
        fewest = next(
            size
            for size in range(len(huts) + 1)
            if any(all(row & set(some) for row in served) for some in itertools.combinations(huts, size))
        )
        chosen = plan.layers["edge_places"]
        assert len(chosen) == fewest == plan.figures["edge"]["least"]
        assert all(row & set(chosen["hut"]) for row in served)
        assert set(plan.figures["edge"]["unmet"]) == {
            site for (site, _), row in zip(rows, near, strict=True) if not row
        }
        least = [min(far.get(hut, np.inf) for hut in chosen["hut"]) for _, far in rows] if fewest else []
        kept = [us for us in least if us <= limit_us]
        assert chosen["round_trip_us"].max(initial=0.0) == pytest.approx(max(kept, default=0.0), rel=1e-9)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valley whose sites reach a server within 200 µs there and back."""
    root = valley(tmp_path_factory.mktemp("edge") / "valley", "[optical]\nedge_round_trip_us = 200.0\n")
    assert trassa("run", root).code in (0, 1)
    verification = verify(root)
    assert verification.agrees, verification.text()
    assert row_of(verification, "optical.edge").holds == "yes"
    return root


def test_a_server_too_many_and_a_faster_one_are_named(forged: Path) -> None:
    sql(forged, "UPDATE edge_places SET round_trip_us = 1.0")
    edit_proof(
        forged, lambda body: next(c for c in body["claims"] if c["id"] == "optical.edge")["worst"].update(value=1.0)
    )
    assert "worst round trip stated 1.0" in row_of(caught(forged, "optical.edge"), "optical.edge").detail


def test_a_promise_that_is_not_claimed(forged: Path) -> None:
    edit_proof(forged, lambda body: body.update(claims=[c for c in body["claims"] if c["id"] != "optical.edge"]))
    assert "optical.edge" in accused_by(verify(forged))
