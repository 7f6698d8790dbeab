"""The optical line of a drawn road as ``trassa verify`` meets it: settings, layers and claims, without a folder.

A whole project takes half a minute to plan; the line alone takes milliseconds. Whatever the radio stage would hand to
the line is written here by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trassa.linear import ARROWS, Layer
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.service_settings import RADIO_SITE
from trassa.optical.services.fronthaul import Head
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Claim
from trassa.plan.claims.aggregation import aggregation_claims
from trassa.plan.claims.edge import edge_claims
from trassa.plan.claims.fronthaul import fronthaul_claims
from trassa.plan.claims.optical import optical_claims
from trassa.plan.claims.services import service_claims
from trassa.plan.proof import Proof
from trassa.plan.settings import Settings
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.check import check_optical
from trassa.plan.verify.verdict import Row
from trassa.radio.layers import SCHEMAS as RADIO
from trassa.road.model import Road
from trassa.road.settings import RoadSettings, TerrainSettings

__all__ = ["accused", "forged", "line_evidence", "with_claims"]

_LIST = "equipment.csv"
_EMPTY: Mapping[str, Any] = {"float": float("nan"), "int": 0, "text": "", "bool": False}


def line_evidence(
    root: Path,
    road: Road,
    connections: Sequence[Connection],
    cells: Mapping[str, Sequence[str]] | None = None,
    **optical: object,
) -> Evidence:
    """A line planned for radio sites and listed equipment; ``cells`` name the sites that send each shared cell.

    Listed equipment stands on whole metres: its list names kilometres and metres.
    """
    (root / "inputs").mkdir(parents=True, exist_ok=True)
    listed = [one for one in connections if one.service != RADIO_SITE]
    if listed:
        optical = {**optical, "equipment_list": _LIST}
        rows = [
            f"{one.name},{one.service},{road.text(one.measure_m)} {ARROWS[one.carriageway]},{one.offset_m}"
            for one in listed
        ]
        (root / "inputs" / _LIST).write_text("\n".join(["name,service,position,offset_m", *rows]) + "\n", "utf-8")
    settings = Settings(
        road=RoadSettings(ref=road.ref, centreline="drawn.csv"),
        terrain=TerrainSettings(
            files=["drawn.tif"] if road.has_heights else [], kind="bare" if road.has_heights else None
        ),
        optical=OpticalSettings(**optical),
    )
    limit_m = 1000.0 * settings.radio.fronthaul_us / 4.9
    pairs = [(site, cell) for cell, sites in (cells or {}).items() for site in sites]
    plan = plan_optical(road, connections, settings.optical, heads=[Head(s, c, limit_m) for s, c in pairs])
    layers = {**road.to_layers(), **_radio_layers(connections, pairs, limit_m), **plan.layers}
    claims = _claims(road, plan, layers, settings)
    facts = {"ref": road.ref, "axis": road.axis, "length_m": road.length_m, "reference": road.reference}
    proof = Proof(facts, tuple(claims), {"optical": dict(plan.figures)}, (), "", {})
    return Evidence(root, settings, proof, layers, road.calibration)


def _claims(road: Road, plan: OpticalPlan, layers: Mapping[str, Layer], settings: Settings) -> list[Claim]:
    rules = settings.optical
    return [
        *optical_claims(road, layers, plan.figures, plan.assumptions, rules),
        *service_claims(road, layers, plan.assumptions, rules),
        *aggregation_claims(road, layers, plan.assumptions, rules),
        *edge_claims(road, layers, plan.figures, plan.assumptions, rules, settings.radio.latency_ms),
        *fronthaul_claims(road, layers, plan.assumptions),
    ]


def _radio_layers(
    connections: Sequence[Connection], pairs: Sequence[tuple[str, str]], limit_m: float
) -> dict[str, Layer]:
    sites = [
        {"site": one.name, "measure_m": one.measure_m, "carriageway": one.carriageway, "offset_m": one.offset_m}
        for one in sorted(connections, key=lambda one: one.measure_m)
        if one.service == RADIO_SITE
    ]
    heads = [{"site": site, "cell": cell, "largest_fronthaul_m": limit_m} for site, cell in pairs]
    cells = [{"cell": f"{site}/1", "site": site, "sends": cell} for site, cell in pairs]
    return {"sites": _rows("sites", sites), "cells": _rows("cells", cells), "fronthaul": _rows("fronthaul", heads)}


def _rows(name: str, rows: Sequence[Mapping[str, Any]]) -> Layer:
    empty = {column.name: _EMPTY[column.type] for column in RADIO[name].columns}
    return Layer.from_rows(RADIO[name], [{**empty, **row} for row in rows])


def forged(evidence: Evidence, layer: str, column: str, row: int, change: Callable[[Any], Any]) -> Evidence:
    """The same evidence with one value of one row changed."""
    old = evidence.layers[layer]
    values = np.array(old[column], copy=True)
    values[row] = change(values[row])
    return replace(evidence, layers={**evidence.layers, layer: Layer(old.schema, {**old.columns, column: values})})


def with_claims(evidence: Evidence, change: Callable[[Claim], Claim | None]) -> Evidence:
    """The same evidence with its claims changed one by one; None leaves one out."""
    claims = tuple(claim for claim in (change(old) for old in evidence.proof.claims) if claim is not None)
    return replace(evidence, proof=replace(evidence.proof, claims=claims))


def accused(evidence: Evidence) -> dict[str, Row]:
    """The rows about the line that do not agree, by name."""
    return {row.claim: row for row in check_optical(evidence) if not row.agrees}
