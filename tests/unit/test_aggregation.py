"""What enters in each hut: every cut and every hut loss made on a plain graph, connection by connection."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from command_line import trassa
from drawn_road import drawn_road
from forging import accused_by, caught, claim_in, edit_proof, row_of, sql
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify import verify
from valley import valley


def _plan(seed: int, count: int = 14, **changes: object) -> tuple[OpticalPlan, OpticalSettings]:
    """Own fibres only: on rings a plain graph has no switch delays."""
    rng = np.random.default_rng(seed)
    road = drawn_road(160_000.0, places=[(float(m), f"P{m:.0f}", True) for m in rng.uniform(8e3, 152e3, 4)])
    at_m = rng.uniform(0.0, road.length_m, count).tolist()
    sites = [Connection(f"S-{n:02d}", measure_m, "increasing", 20.0) for n, measure_m in enumerate(at_m)]
    rules = OpticalSettings(check_transmission=False, span_limit_m=60_000.0, **changes)
    return plan_optical(road, sites, rules), rules


def _entered(plan: OpticalPlan, rules: OpticalSettings, lost: dict[str, object]) -> dict[str, list[str]]:
    """Who enters at which hut: the first hut on the fastest way to a point of presence that is left."""
    layers, graph = plan.layers, nx.Graph()
    hut_at = {row["hut"]: row["measure_m"] for row in layers["huts"].rows()}
    presences = set(layers["huts"].where(role="point_of_presence")["hut"]) - {lost.get("hut")}

    def join(first: str, second: str, ends: tuple[float, float], row: dict[str, object]) -> None:
        low, high = sorted(ends)
        falls = row["cable"] in str(lost.get("cables", "")).split(",")
        if falls and low < lost["end_m"] - 1e-3 and lost["start_m"] < high - 1e-3:
            return
        us = row["fibre_m"] / 1000.0 * rules.latency_us_per_km + rules.hut_latency_us
        if lost.get("hut") not in (first, second) and us < graph.get_edge_data(first, second, {"us": np.inf})["us"]:
            graph.add_edge(first, second, us=us)

    for row in layers["spans"].rows():
        join(*row["span"].split("–"), (row["start_m"], row["end_m"]), row)
    for row in layers["links"].rows():
        join(row["site"], row["hut"], (row["measure_m"], hut_at[row["hut"]]), row)
    entered: dict[str, list[str]] = {hut: [] for hut in hut_at}
    reach = nx.multi_source_dijkstra_path(graph, {hut for hut in presences if hut in graph}, weight="us")
    for site in layers["connections"]["connection"]:
        # Through another site nothing passes: a site's neighbour on the way is the hut it enters.
        if site in reach:
            entered[reach[site][-2]].append(site)
    return entered


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("changes", [{}, {"cables": 2}, {"cables": 2, "second_cable": "same_trench"}])
def test_rates_and_wavelengths_equal_brute_force(seed: int, changes: dict[str, object]) -> None:
    plan, rules = _plan(seed, channel_rate_gbps=25.0, **changes)
    layers, per_site_mbps = plan.layers, rules.service("radio site").rate_mbps
    losses = [*layers["cuts"].rows(), *({"hut": hut} for hut in layers["huts"]["hut"])]
    quiet = _entered(plan, rules, {})
    outcomes = [_entered(plan, rules, lost) for lost in losses]
    count: dict[str, int] = {}
    for row in layers["aggregation"].rows():
        hut = str(row["hut"])
        worst = max(len(outcome[hut]) for outcome in [quiet, *outcomes])
        assert (row["connections"], row["rate_mbps"]) == (len(quiet[hut]), per_site_mbps * len(quiet[hut]))
        assert row["worst_rate_mbps"] == per_site_mbps * worst
        presence = layers["huts"].where(hut=hut)["role"][0] == "point_of_presence"
        count[hut] = 0 if presence else math.ceil(worst * per_site_mbps / 25_000.0)
        assert row["wavelengths"] == count[hut]
    huts = layers["huts"]["hut"].tolist()
    chains = {
        (a, b): [*pairwise(huts[min(a, b) : max(a, b) + 1])] for a in range(len(huts)) for b in (0, len(huts) - 1)
    }
    for row in layers["backbone_load"].rows():
        ends = tuple(str(row["span"]).split("–"))
        assert row["wavelengths"] == sum(count[huts[a]] for (a, _), passed in chains.items() if ends in passed)
        assert row["channels"] == 76


def test_a_hut_bears_more_after_a_cut_than_on_a_quiet_day() -> None:
    plan, _ = _plan(1)
    rows = plan.layers["aggregation"]
    assert (rows["worst_rate_mbps"] >= rows["rate_mbps"]).all()
    assert (rows["worst_rate_mbps"] > rows["rate_mbps"]).any()


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valley with huts every few hundred metres of fibre, so that some are no point of presence."""
    optical = "[optical]\nspan_limit_m = 2500.0\nnew_power_step_m = 1000.0\nchannel_rate_gbps = 10.0\n"
    root = valley(tmp_path_factory.mktemp("aggregation") / "valley", optical)
    assert trassa("run", root).code in (0, 1)
    verification = verify(root)
    assert verification.agrees, verification.text()
    assert row_of(verification, "optical.capacity").holds == "yes"
    return root


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE aggregation SET connections = connections + 1",
        "UPDATE aggregation SET rate_mbps = rate_mbps + 10",
        "UPDATE aggregation SET worst_rate_mbps = worst_rate_mbps + 10",
        "UPDATE aggregation SET wavelengths = wavelengths + 1",
        "UPDATE aggregation SET measure_m = measure_m + 5",
        "UPDATE aggregation SET hut = 'H-77' WHERE hut = 'H-01'",
        "UPDATE backbone_load SET wavelengths = wavelengths + 1",
        "UPDATE backbone_load SET channels = 96",
        "UPDATE backbone_load SET start_m = start_m + 5",
        "DELETE FROM backbone_load WHERE span LIKE 'H-01%'",
    ],
)
def test_every_column_is_counted_again(forged: Path, change: str) -> None:
    sql(forged, change)
    caught(forged, "optical.capacity")


def test_a_margin_and_a_claim_left_out_are_named(forged: Path) -> None:
    edit_proof(forged, lambda body: claim_in(body, "optical.capacity")["worst"].update(margin=70.0))
    assert "margin stated 70.0" in row_of(caught(forged, "optical.capacity"), "optical.capacity").detail
    edit_proof(forged, lambda body: body.update(claims=[c for c in body["claims"] if c["id"] != "optical.capacity"]))
    assert "optical.capacity" in accused_by(verify(forged))


def test_a_backbone_that_is_too_small_does_not_hold(tmp_path: Path) -> None:
    optical = "[optical]\nspan_limit_m = 2500.0\nnew_power_step_m = 1000.0\nchannel_rate_gbps = 0.1\n"
    root = valley(tmp_path / "valley", optical)
    assert trassa("run", root).code == 1
    verification = verify(root)
    assert verification.agrees, verification.text()
    assert row_of(verification, "optical.capacity").holds == "no"
