"""Every column of every optical layer forged by itself, every claim talked up: some row must not agree.

Nothing is signed here: the checks are run on the layers themselves, as they would be once a forger has signed
everything anew. One small line has all that the layers can tell of: two trenches, rings, trees,
a shared cell, servers, light.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from drawn_road import drawn_road
from line_evidence import accused, forged, line_evidence, with_claims
from trassa.linear import Layer
from trassa.optical.layers import SCHEMAS
from trassa.optical.plant.drops import Connection
from trassa.optical.service_settings import shipped_services
from trassa.plan.claim import Claim
from trassa.plan.verify.evidence import Evidence, check_evidence
from trassa.plan.verify.optical.aggregation import check_aggregation
from trassa.plan.verify.optical.budgets import check_budgets
from trassa.plan.verify.optical.cable import check_lengths, plant_of
from trassa.plan.verify.optical.check import check_optical
from trassa.plan.verify.optical.connected import check_connections
from trassa.plan.verify.optical.drops import check_drops
from trassa.plan.verify.optical.ducts import check_ducts
from trassa.plan.verify.optical.edge import check_edge
from trassa.plan.verify.optical.fibre_rows import check_fibres
from trassa.plan.verify.optical.fronthaul import check_fronthaul
from trassa.plan.verify.optical.huts import check_huts
from trassa.plan.verify.optical.light_equipment import check_equipment
from trassa.plan.verify.optical.line import network_of
from trassa.plan.verify.optical.line_told import check_line_told
from trassa.plan.verify.optical.link_rows import check_link_rows
from trassa.plan.verify.optical.plant_rows import check_plant
from trassa.plan.verify.optical.trees import check_trees
from trassa.plan.verify.optical.wavelengths import check_wavelengths
from trassa.plan.verify.verdict import Row

ONLY_WITH_A_LIST = {"as_built"}
"""Layers without a row where nothing is listed as built."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    road = drawn_road(
        12_000.0,
        places=[(4000.0, "Rasthof", True), (8200.0, "Meisterei", True)],
        bridges=[(5300.0, 7400.0)],
        height_m=lambda measure_m: 100.0 + 20.0 * np.sin(measure_m / 900.0),
    )
    rng = np.random.default_rng(3)
    sides = ("increasing", "decreasing")
    connections = [
        Connection(f"{name}-{number:02d}", float(at_m), sides[number % 2], 20.0 + number, service)
        for name, service, count in (
            *(("S", "radio site", 4), ("CAM", "camera", 4), ("SIGN", "sign", 2)),
            ("WX", "weather station", 6),
        )
        for number, at_m in enumerate(np.sort(rng.uniform(500.0, 11_500.0, count)).round(), start=1)
    ]
    return line_evidence(
        tmp_path_factory.mktemp("forged"),
        road,
        connections,
        {"C-01": ["S-01", "S-02"], "C-02": ["S-03"]},
        cables=2,
        fibres=24,
        services=[
            service.model_copy(update={"access": "tree", "protection": "feeder", "split": 4})
            if service.name == "weather station"
            else service
            for service in shipped_services()
        ],
        span_limit_m=8000.0,
        chamber_limit_m=1500.0,
        reel_limit_m=3000.0,
        new_power_step_m=50_000.0,
        ring_members=3,
        edge_round_trip_us=150.0,
        latency_promise_us=2000.0,
    )


def _quick(evidence: Evidence, layer: str) -> list[Row]:
    """The rows that are there for a layer, without the others."""
    plant = plant_of(evidence)
    if layer in ("cables", "chambers", "closures", "reels"):
        return [*check_lengths(evidence, plant), check_plant(evidence, plant)]
    if layer in ("ducts", "hut_entries", "crossings"):
        return [check_ducts(evidence, plant)]
    network = network_of(evidence.layers, plant, evidence.settings.optical)
    rows: dict[str, Callable[[], list[Row]]] = {
        "fibres": lambda: [check_fibres(evidence, plant, network)],
        "splices": lambda: [check_fibres(evidence, plant, network)],
        "patches": lambda: [check_fibres(evidence, plant, network)],
        "drop_cables": lambda: [check_drops(evidence, plant)],
        "drop_fibres": lambda: [check_drops(evidence, plant)],
        "huts": lambda: [check_huts(evidence, plant), check_link_rows(evidence, plant, network)],
        "spans": lambda: [check_link_rows(evidence, plant, network)],
        "links": lambda: [check_link_rows(evidence, plant, network), check_budgets(evidence, network)],
        "ring_segments": lambda: [check_link_rows(evidence, plant, network), check_budgets(evidence, network)],
        "splitters": lambda: check_trees(evidence, plant, network.trees, network.huts),
        "tree_links": lambda: check_trees(evidence, plant, network.trees, network.huts),
        "services": lambda: [check_link_rows(evidence, plant, network)],
        "connections": lambda: [check_connections(evidence, plant), check_link_rows(evidence, plant, network)],
        "amplifiers": lambda: check_wavelengths(evidence, network),
        "wavelengths": lambda: check_wavelengths(evidence, network),
        "backbone_equipment": lambda: [check_equipment(evidence)],
        "aggregation": lambda: check_aggregation(evidence, network),
        "backbone_load": lambda: check_aggregation(evidence, network),
        "edge_places": lambda: check_edge(evidence, network),
        "fronthaul_ways": lambda: check_fronthaul(evidence, plant),
    }
    return rows[layer]() if layer in rows else []


def _named(evidence: Evidence, layer: str) -> set[str]:
    """The rows that do not agree; a check that cannot be made at all is such a row too, as in ``verify``."""
    try:
        quick = {row.claim for row in _quick(evidence, layer) if not row.agrees}
        return quick or set(accused(evidence))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return {f"cannot be computed: {error}"}


def _told(evidence: Evidence) -> set[str]:
    """The rows that accuse a claim's words, or else its figures."""
    plant = plant_of(evidence)
    told = check_line_told(evidence, plant, network_of(evidence.layers, plant, evidence.settings.optical))
    return {told.claim} if not told.agrees else set(accused(evidence))


def _changes(values: list[Any]) -> Iterator[Any]:
    """Other values for the first of some."""
    value = values[0]
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, float):
        yield value + 7.3 if np.isfinite(value) else 7.3
        yield float("nan") if np.isfinite(value) else 0.0
    else:
        yield next((other for other in values if other != value), f"{value}x")


def test_the_honest_line_agrees(honest: Evidence) -> None:
    wrong = [f"{row.claim}: {row.detail}" for row in check_optical(honest) if not row.agrees]
    assert not wrong, "\n".join(wrong)


def test_every_layer_is_on_trial(honest: Evidence) -> None:
    assert {name for name in SCHEMAS if not len(honest.layers[name])} == ONLY_WITH_A_LIST


@pytest.mark.parametrize(
    ("layer", "column"),
    [
        (name, column.name)
        for name, schema in SCHEMAS.items()
        for column in schema.columns
        if name not in ONLY_WITH_A_LIST
    ],
)
def test_a_forged_column_is_named(honest: Evidence, layer: str, column: str) -> None:
    row = len(honest.layers[layer]) // 2
    values = honest.layers[layer][column].tolist()
    for change in _changes(values[row:] + values[:row]):
        assert _named(forged(honest, layer, column, row, lambda old, new=change: new), layer), (
            f"{values[row]} → {change}"
        )


@pytest.mark.parametrize("layer", [name for name in SCHEMAS if name not in ONLY_WITH_A_LIST])
def test_a_row_left_out_or_told_twice_is_named(honest: Evidence, layer: str) -> None:
    table = honest.layers[layer]
    rows, middle = list(range(len(table))), len(table) // 2
    for kept in (rows[:middle] + rows[middle + 1 :], sorted([*rows, middle])):
        layers = {**honest.layers, layer: table.take(np.array(kept, dtype=np.int64))}
        assert _named(replace(honest, layers=layers), layer), "left out" if len(kept) < len(rows) else "twice"


def test_a_cut_interval_over_a_chamber_is_named(honest: Evidence) -> None:
    """Two neighbouring intervals told as one still part the cable, but a chamber lies inside."""
    cuts = honest.layers["cuts"]
    row = next(i for i in range(len(cuts) - 1) if cuts["cables"][i] == cuts["cables"][i + 1])
    joined = forged(honest, "cuts", "end_m", row, lambda old: cuts["end_m"][row + 1]).layers["cuts"]
    kept = joined.take(np.array([i for i in range(len(cuts)) if i != row + 1]))
    wrong = accused(replace(honest, layers={**honest.layers, "cuts": kept}))
    assert "cuts" in wrong["optical.tables"].detail


def test_two_things_on_one_fibre_are_named(honest: Evidence) -> None:
    """The last fibre of one site is given to a spare one's number: the site has one too few."""
    fibres = honest.layers["fibres"]
    taken = int(np.flatnonzero(fibres["service"] == "radio site")[0])
    row = next(
        i for i in range(len(fibres)) if fibres["use"][i] == "spare" and fibres["span"][i] == fibres["span"][taken]
    )
    moved = forged(honest, "fibres", "fibre", row, lambda old: fibres["fibre"][taken])
    assert "fibres" in accused(moved)["optical.fibres"].detail


def _promises(evidence: Evidence) -> list[Row]:
    """The row about promises alone; the others look at files."""
    files = evidence.root / "inputs" / "manifest.json"
    files.write_text("[]", "utf-8")
    return [row for row in check_evidence(evidence) if row.claim == "promises"]


def test_every_claim_left_out_is_named(honest: Evidence) -> None:
    for lost in honest.proof.claims:
        silent = with_claims(honest, lambda claim, lost=lost: None if claim is lost else claim)
        promised = {row.claim for row in _promises(silent) if not row.agrees}
        assert promised | set(accused(silent)), f"{lost.id} is missing and nobody says so"


BOASTS: dict[str, Callable[[Claim], Claim]] = {
    "scope": lambda claim: replace(claim, scope=replace(claim.scope, text=claim.scope.text + ", and all others")),
    "length": lambda claim: replace(claim, scope=replace(claim.scope, length_m=claim.scope.length_m + 500.0)),
    "exemption": lambda claim: replace(claim, scope=replace(claim.scope, exempt=())),
    "margin": lambda claim: replace(claim, worst=replace(claim.worst, margin=(claim.worst.margin or 0.0) + 3.0)),
    "no margin": lambda claim: replace(claim, worst=replace(claim.worst, margin=float("nan"))),
    "value": lambda claim: replace(claim, worst=replace(claim.worst, value=(claim.worst.value or 0.0) + 3.0)),
    "bound": lambda claim: replace(claim, worst=replace(claim.worst, bound=(claim.worst.bound or 0.0) + 3.0)),
    "place": lambda claim: replace(claim, worst=replace(claim.worst, place="A 1 km 999+000")),
    "holds": lambda claim: replace(claim, holds="yes" if claim.holds != "yes" else "no"),
    "failure": lambda claim: replace(claim, failures=("S-01 is stranded",)),
    "assumption": lambda claim: replace(
        claim, assumptions=tuple(replace(one, size=one.size * 0.5 + 0.001) for one in claim.assumptions)
    ),
    "estimate": lambda claim: replace(claim, method={**claim.method, "estimate_because": []}),
}


@pytest.mark.parametrize("boast", list(BOASTS))
def test_a_claim_talked_up_is_named(honest: Evidence, boast: str) -> None:
    missed = []
    for lied in honest.proof.claims:
        changed = BOASTS[boast](lied)
        if changed == lied or (boast == "exemption" and not lied.scope.exempt):
            continue
        forgery = with_claims(honest, lambda claim, lied=lied, changed=changed: changed if claim is lied else claim)
        if not _told(forgery):
            missed.append(lied.id)
    assert not missed


def test_figures_talked_up_are_named(honest: Evidence) -> None:
    optical: dict[str, Any] = honest.proof.figures["optical"]
    counts = ("huts", "pairs_of_stranded_and_cut", "unconnected", "fibres_in_use", "fibres_with_growth")
    for name in (*counts, "cable_sheath_m", "worst_link_margin_db", "worst_latency_us"):
        value = optical[name]
        other = [*value, "S-99"] if isinstance(value, list) else value + 10
        proof = replace(honest.proof, figures={"optical": {**optical, name: other}})
        assert name in accused(replace(honest, proof=proof))["optical.told"].detail


@pytest.mark.parametrize("form", ["unit_linear", "unit_renewal", "series_of_intervals"])
def test_a_cable_that_is_cut_less_often_is_named(honest: Evidence, form: str) -> None:
    optical: dict[str, Any] = honest.proof.figures["optical"]
    (line,), name = optical["availability"]["lines"], f"one_cable_as_{form}"
    told = {**optical["availability"], "lines": [{**line, name: line[name] * 0.99}]}
    proof = replace(honest.proof, figures={"optical": {**optical, "availability": told}})
    assert name in accused(replace(honest, proof=proof))["optical.told"].detail


def test_a_better_worst_connection_is_named(honest: Evidence) -> None:
    optical: dict[str, Any] = honest.proof.figures["optical"]
    told = {**optical["availability"], "worst_availability": 0.9999999}
    proof = replace(honest.proof, figures={"optical": {**optical, "availability": told}})
    assert "worst availability" in accused(replace(honest, proof=proof))["optical.told"].detail


def test_a_chamber_on_a_bridge_is_named(honest: Evidence) -> None:
    """A new chamber there would please the pullers; bridges hold none."""
    chambers = honest.layers["chambers"]
    rows = list(chambers.rows())
    new = {**rows[0], "chamber": f"CH-{len(rows) + 1:04d}", "measure_m": 6000.0, "purpose": "pull"}
    layer = Layer.from_rows(chambers.schema, [*rows, new])
    found = check_plant(replace(honest, layers={**honest.layers, "chambers": layer}), plant_of(honest))
    assert not found.agrees
    assert "bridge" in found.detail
