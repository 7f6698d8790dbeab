"""Fronthaul measured again: every head of a shared cell, along the cables laid out again, to a baseband that exists."""

from __future__ import annotations

import numpy as np

from trassa.linear import Layer
from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Plant
from trassa.plan.verify.optical.stated_rows import rows_off
from trassa.plan.verify.verdict import Row

__all__ = ["check_fronthaul"]

_ID = "optical.fronthaul"
_TOLERANCE_M = 1.0
_FIBRE_US_PER_KM = 4.9
"""Delay in a kilometre of fibre that turns the delay budget of the radio into a length."""


def check_fronthaul(evidence: Evidence, plant: Plant) -> list[Row]:
    """The row about fronthaul; none where no site sends a shared cell and nothing is claimed."""
    claim = next((claim for claim in evidence.proof.claims if claim.id == _ID), None)
    layers = evidence.layers
    asked = layers.get("fronthaul")
    if claim is None:
        shared = bool((layers["cells"]["sends"] != layers["cells"]["cell"]).any()) if "cells" in layers else False
        silent = shared or (asked is not None and len(asked) > 0)
        return [Row(_ID, "", None, "m", False, None, "not claimed, though sites send shared cells")] if silent else []
    if asked is None or "fronthaul_ways" not in layers:
        return [Row(_ID, "", None, "m", False, None, "claimed without the layers fronthaul and fronthaul_ways")]
    return [_row(evidence, plant, claim, asked, layers["fronthaul_ways"])]


def _row(evidence: Evidence, plant: Plant, claim: Claim, asked: Layer, ways: Layer) -> Row:
    found = _fibres_m(evidence, plant, ways)
    wrong = _unlike(evidence, asked, ways) + [
        f"fibre of {site} to {baseband} stated {stated:.0f} m, found {again:.0f} m"
        for site, baseband, stated, again in zip(ways["site"], ways["baseband"], ways["fibre_m"], found, strict=True)
        if not (abs(stated - again) <= _TOLERANCE_M or (np.isnan(stated) and np.isnan(again)))
    ]
    wrong += _columns_off(evidence, plant, ways, found)
    margin_m = ways["limit_m"] - np.array(found)
    holds = verdict(bool((~(margin_m >= 0.0)).any()), estimate_reasons(evidence))
    if claim.holds != holds:
        wrong.insert(0, f"the proof says {claim.holds}")
    least = float(np.min(margin_m)) if np.isfinite(margin_m).all() else None
    if (least is None) != (claim.worst.margin is None) or (
        least is not None and not abs(least - (claim.worst.margin or 0.0)) <= _TOLERANCE_M
    ):
        wrong.insert(0, f"worst margin stated {claim.worst.margin}, found {least}")
    at = int(np.nanargmin(margin_m)) if np.isfinite(margin_m).any() else 0
    said = "; ".join(wrong[:3]) or f"{len(ways)} heads, each on the baseband of its cell"
    return Row(_ID, f"{ways['site'][at]} to {ways['baseband'][at]}", least, "m", not wrong, holds, said)


def _columns_off(evidence: Evidence, plant: Plant, ways: Layer, found: list[float]) -> list[str]:
    """Place, margin and delay of every way, and a baseband in a hut wherever one is near enough to all heads."""
    per_km, due = evidence.settings.optical.latency_us_per_km, []
    huts = {str(row["hut"]): float(row["measure_m"]) for row in evidence.layers["huts"].rows()}
    taps = {str(row["connection"]): float(row["tap_m"]) for row in evidence.layers["connections"].rows()}
    for row, fibre_m in zip(ways.rows(), found, strict=True):
        baseband = str(row["baseband"])
        due.append(
            {
                "site": row["site"],
                "cell": row["cell"],
                "measure_m": huts.get(baseband, taps.get(baseband, float("nan"))),
                "margin_m": float(row["limit_m"]) - fibre_m,
                "latency_us": fibre_m / 1000.0 * per_km,
            }
        )
    wrong = rows_off(ways, ["site", "cell"], due)
    for cell in dict.fromkeys(ways["cell"].tolist()):
        ours = ways.where(cell=cell)
        if str(ours["baseband"][0]) in huts:
            continue
        for hut in huts:
            moved = {**ours.columns, "baseband": np.full(len(ours), hut, dtype=object)}
            if bool((np.array(_fibres_m(evidence, plant, Layer(ours.schema, moved))) <= ours["limit_m"]).all()):
                wrong.append(f"cell {cell} has no baseband in a hut, though {hut} is near enough to all its heads")
                break
    return wrong


def _unlike(evidence: Evidence, asked: Layer, ways: Layer) -> list[str]:
    """Heads must be those of the plan's cells, limits what the delay allows, and a cell has one baseband."""
    limit_m = 1000.0 * evidence.settings.radio.fronthaul_us / _FIBRE_US_PER_KM
    cells = evidence.layers["cells"]
    sends = set(zip(cells["site"].tolist(), cells["sends"].tolist(), strict=True))
    wrong = []
    for name, layer, limits in (("fronthaul", asked, "largest_fronthaul_m"), ("fronthaul_ways", ways, "limit_m")):
        told = set(zip(layer["site"].tolist(), layer["cell"].tolist(), strict=True))
        wrong += [f"head {site} of cell {cell} is missing in {name}" for site, cell in sorted(sends - told)]
        wrong += [f"{site} does not send cell {cell} of {name}" for site, cell in sorted(told - sends)]
        off = ~(np.abs(layer[limits] - limit_m) <= _TOLERANCE_M)
        wrong += [f"limit of {site} in {name} is not {limit_m:.0f} m" for site in layer["site"][off].tolist()]
    pairs = set(zip(ways["cell"].tolist(), ways["baseband"].tolist(), strict=True))
    homes = [cell for cell, _ in pairs]
    return wrong + [
        f"cell {cell} has {homes.count(cell)} basebands" for cell in sorted(set(homes)) if homes.count(cell) > 1
    ]


def _fibres_m(evidence: Evidence, plant: Plant, ways: Layer) -> list[float]:
    """The longest fibre from every head to its baseband; NaN where no cable reaches over both."""
    layers, rules = evidence.layers, evidence.settings.optical
    taps = {str(row["connection"]): row for row in layers["connections"].rows() if row["access"]}
    huts = {str(row["hut"]): float(row["measure_m"]) for row in layers["huts"].rows()}
    found = []
    for site, baseband in zip(ways["site"].tolist(), ways["baseband"].tolist(), strict=True):
        head, other = taps.get(site), taps.get(baseband)
        if head is None or not (baseband in huts or other is not None):
            found.append(float("nan"))
            continue
        first_m = float(head["tap_m"])
        second_m = huts[baseband] if other is None else float(other["tap_m"])
        cable = next((one for one in plant.cables if plant.at(one.name, first_m) is one), None)
        if cable is None or plant.at(cable.name, second_m) is not cable:
            found.append(float("nan"))
            continue
        drops = [head] if other is None else [head, other]
        fibre_m = cable.fibre_between_m(first_m, second_m) + sum(_drop_m(float(d["drop_m"]), evidence) for d in drops)
        found.append(0.0 if baseband == site else fibre_m * rules.helix_ratio / rules.helix_ratio_low)
    return found


def _drop_m(route_m: float, evidence: Evidence) -> float:
    """Fibre of a drop: its route with slack, half a loop at the closure, one in the building."""
    rules = evidence.settings.optical
    loops_m = rules.closure_loop_m / 2.0 + rules.termination_loop_m
    return (route_m * (1.0 + rules.slack_ratio) + loops_m) / rules.helix_ratio
