"""What the claims tell besides their margins: scope, exemptions, worst value and bound, assumptions, figures.

No layer changes when an exemption is left out of a sentence or an assumption is written smaller than it is. All of it
follows from trassa.toml, the alignment and the deductions, and is worked out from them here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from trassa.decibels import fade_margin_db
from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.handover_time import handover_s
from trassa.plan.verify.radio.needs import needed_level_dbm, needed_sinr_db
from trassa.plan.verify.radio.paths import SmoothEarth, Surroundings
from trassa.plan.verify.radio.service import Deductions
from trassa.plan.verify.verdict import Row

__all__ = ["check_told"]

_SERVED = ("radio.served", "radio.served.any-site-down")
_ON_BINS = (*_SERVED, "radio.handover.overlap", "radio.rate.with-interference", "radio.capacity")
_SHARED = (*_ON_BINS, "radio.trips")
_COST = "radio.least-cost"
_LENGTH_M = 1.0
_SMALL, _ROUNDING = 0.01, 2e-6


def check_told(evidence: Evidence, due: DueBins, ground: Surroundings | SmoothEarth, deductions: Deductions) -> Row:
    """Every radio claim, sentence by sentence and figure by figure."""
    claims, wrong = {claim.id: claim for claim in evidence.proof.claims}, []
    exempt = _exempt(evidence, due)
    for name in _ON_BINS:
        if name in claims:
            wrong += [f"{name} {said}" for said in _scope_off(claims[name], exempt, due)]
    for name in _SHARED:
        if name in claims:
            told = [*_method_off(evidence, claims[name], ground), *_assumptions_off(evidence, claims, name)]
            wrong += [f"{name} {said}" for said in (*told, *_failures_off(evidence, claims[name]))]
    wrong += _worst_off(evidence, claims, deductions) + _figures_off(evidence, claims)
    wrong += _sites_off(evidence)
    if _COST in claims:
        wrong += [f"{_COST} {said}" for said in _cost_off(evidence, claims[_COST])]
    said = "; ".join(wrong[:3]) or "scopes, exemptions, worst values, assumptions and figures as trassa.toml has them"
    return Row("radio.told", "", None, "", not wrong, None, said)


def _exempt(evidence: Evidence, due: DueBins) -> dict[str, float]:
    """Metres by rule: the bins that do not count, and holes in the geometry."""
    length_m = due.end_m - due.start_m
    found = {str(rule): float(length_m[due.exempt == rule].sum()) for rule in set(due.exempt.tolist()) - {""}}
    holes = evidence.layers["structures"].where(kind="hole")
    if len(holes):
        found["hole in the source geometry"] = float((holes["end_m"] - holes["start_m"]).sum())
    return found


def _scope_off(claim: Claim, exempt: Mapping[str, float], due: DueBins) -> list[str]:
    told: defaultdict[str, float] = defaultdict(float)
    for one in claim.scope.exempt:  # holes are told carriageway by carriageway
        told[one.rule] += one.length_m
    wanted = dict(exempt)
    if claim.id not in _SERVED:
        wanted.pop("hole in the source geometry", None)
    wrong = [f"names no exemption by {rule}" for rule in sorted(wanted.keys() - told.keys())]
    wrong += [f"names an exemption by {rule}, which there is not" for rule in sorted(told.keys() - wanted.keys())]
    wrong += [
        f"exempts {told[rule]:.0f} m by {rule}, by rule {wanted[rule]:.0f} m"
        for rule in sorted(told.keys() & wanted.keys())
        if abs(told[rule] - wanted[rule]) > _LENGTH_M
    ]
    wrong += [f"names no place of the exemption by {one.rule}" for one in claim.scope.exempt if not one.places]
    counted_m = float((due.end_m - due.start_m)[due.counted].sum())
    if claim.id == "radio.rate.with-interference" and abs(claim.scope.length_m - counted_m) > _LENGTH_M:
        wrong.append(f"speaks of {claim.scope.length_m:.0f} m, counted are {counted_m:.0f} m")
    return wrong


def _method_off(evidence: Evidence, claim: Claim, ground: Surroundings | SmoothEarth) -> list[str]:
    step_m = ground.profile_step_m if isinstance(ground, Surroundings) else None
    earth = f"terrain ({evidence.settings.terrain.kind})" if step_m is not None else "smooth earth"
    due: dict[str, Any] = {"earth": earth, "profile_step_m": step_m, "evaluated_every_m": 10.0}
    if claim.id == "radio.handover.overlap":
        radio = evidence.settings.radio
        due["overlap_m"] = radio.design_speed_kmh / 3.6 * handover_s(radio)
    if claim.id == "radio.rate.with-interference":
        due["shared_cell_heads"] = evidence.settings.radio.shared_cell_heads
    wrong = [
        f"states {k} {claim.method.get(k)}, found {v}" for k, v in due.items() if not _near(claim.method.get(k), v)
    ]
    if bool(claim.method.get("estimate_because")) != bool(estimate_reasons(evidence)):
        wrong.append(f"is an estimate because of {claim.method.get('estimate_because')}")
    return wrong


def _near(told: Any, found: Any) -> bool:
    if isinstance(found, float) and isinstance(told, int | float):
        return abs(told - found) <= _SMALL + 1e-3 * abs(found)
    return bool(told == found)


def _assumptions_off(evidence: Evidence, claims: Mapping[str, Claim], name: str) -> list[str]:
    """What every margin rests on is told under each claim alike, and as large as trassa.toml makes it."""
    radio, mine = evidence.settings.radio, {one.name: one.size for one in claims[name].assumptions}
    served = claims.get("radio.served", claims[name])
    due = {one.name: one.size for one in served.assumptions}
    sizes = {
        "radio.unmapped_mast_tolerance": radio.mast_height_tolerance_m,
        "radio.existing_mast_top": radio.existing_mast_top_m,
    }
    due |= {known: size for known, size in sizes.items() if known in due}
    offered = evidence.layers["candidates"].where(kind="existing")
    if offered["height_assumed"].any():
        due["radio.unmapped_mast_tolerance"] = radio.mast_height_tolerance_m
    if name == "radio.rate.with-interference":
        method = claims[name].method
        due |= {f"radio.{key}": float(method[f"{key}_db"]) for key in ("hidden_mean", "hidden_spread")}
        due |= {"radio.site_correlation": radio.site_correlation, "radio.neighbour_load": radio.neighbour_load}
    return [
        f"assumes {key} {mine.get(key)}, by the plan {size:g}" for key, size in due.items() if mine.get(key) != size
    ]


def _failures_off(evidence: Evidence, claim: Claim) -> list[str]:
    """A claim that fails says where; one that holds names failures only where the promise leaves length for them."""
    if claim.holds == "no":
        return [] if claim.failures or claim.id == "radio.trips" else ["does not hold and says nowhere why"]
    left = claim.id in _SERVED and evidence.settings.radio.length_share < 1.0
    return ["holds and names what fails"] if claim.failures and not left else []


def _worst_off(evidence: Evidence, claims: Mapping[str, Claim], deductions: Deductions) -> list[str]:
    """Value, bound and margin of the worst places: they are one sum, and the bound is what is promised."""
    radio = evidence.settings.radio
    level_dbm = needed_level_dbm(radio) + fade_margin_db(radio.sigma_db, radio.reliability) + deductions.sum_db
    bounds = dict.fromkeys(_SERVED, level_dbm) | {"radio.handover.overlap": 0.0}
    bounds |= {"radio.rate.with-interference": needed_sinr_db(radio), "radio.trips": radio.outage_probability}
    wrong = []
    for name, bound in bounds.items():
        if name not in claims or claims[name].worst.margin is None:
            continue
        worst = claims[name].worst
        told = float(worst.bound if worst.bound is not None else math.nan)
        small = _SMALL if name != "radio.trips" else _ROUNDING
        if not abs(told - bound) <= small:
            wrong.append(f"{name} needs {told:g} {worst.unit} at its worst place, by trassa.toml {bound:g}")
        off = float(worst.value if worst.value is not None else math.nan) - told
        if not abs(abs(off) - abs(float(worst.margin or 0.0))) <= small:
            wrong.append(f"{name} states {worst.value} against {told:g} and a margin of {worst.margin}")
    return wrong


def _figures_off(evidence: Evidence, claims: Mapping[str, Claim]) -> list[str]:
    """The figures of the proof are those that its claims' methods state."""
    figures, wrong = evidence.proof.figures.get("radio", {}), []
    pairs = {"propagation": "radio.served", "interference": "radio.rate.with-interference", "siting": _COST}
    for part, name in pairs.items():
        method = claims[name].method if name in claims else {}
        other = [key for key, value in figures.get(part, {}).items() if key not in method or method[key] != value]
        wrong += [f"figures state {part} {key} otherwise than {name}" for key in other]
    if figures.get("trips", {}) != (claims["radio.trips"].method.get("trips") if "radio.trips" in claims else {}):
        wrong.append("figures state trips otherwise than radio.trips")
    if figures.get("shortfalls") and claims["radio.served"].holds != "no":
        wrong.append(f"a deduction is exceeded ({figures['shortfalls'][0]}) and radio.served holds all the same")
    return wrong


def _sites_off(evidence: Evidence) -> list[str]:
    """What the layer of sites adds to its candidates: labels, ground, and whose height is assumed."""
    sites, candidates = evidence.layers["sites"], evidence.layers["candidates"]
    known = evidence.layers["masts"]
    known = known.take(np.isfinite(known["height_m"]))
    mapped = set(zip(known["latitude_deg"].tolist(), known["longitude_deg"].tolist(), strict=True))
    wrong = [
        f"{row['name']} has {'an assumed' if row['height_assumed'] else 'a mapped'} height otherwise than the map"
        for row in candidates.rows()
        if bool(row["height_assumed"])
        != (row["kind"] == "existing" and (row["latitude_deg"], row["longitude_deg"]) not in mapped)
    ]
    own = {int(number): row for row, number in enumerate(candidates["candidate"])}
    label_km = evidence.calibration.km(sites["measure_m"])
    for row, site in enumerate(sites.rows()):
        at = own.get(int(str(site["candidate"])), -1)
        same = at < 0 or all(site[name] == candidates[name][at] for name in ("ground_m", "height_assumed"))
        if not same or not abs(float(str(site["km"])) - float(label_km[row])) < 1e-6:
            wrong.append(f"{site['site']} has another ground, height or label than its candidate")
    return wrong


def _cost_off(evidence: Evidence, claim: Claim) -> list[str]:
    """Prices, servers per row and the solver's end; a search that ran out of its gap is not called optimal."""
    radio, method, worst = evidence.settings.radio, claim.method, claim.worst
    due = {f"price {name}": float(price.amount_minor) for name, price in radio.prices if price.assumed}
    told = {one.name: one.size for one in claim.assumptions if one.name.startswith("price ")}
    wrong = [] if due == told else ["lists other assumed prices than trassa.toml"]
    if method.get("k") != (2 if radio.any_site_down else 1):
        wrong.append(f"speaks of {method.get('k')} servers")
    cost, bound = float(method.get("cost_minor", -1)), float(method.get("bound_minor", -1))
    if method.get("status") == "optimal" and cost - bound > (radio.siting_gap + _ROUNDING) * cost + 1.0:
        wrong.append("calls a search optimal that ended farther from its bound than radio.siting_gap")
    if worst.value != cost or worst.bound != bound:
        wrong.append(f"states {worst.value} against {worst.bound}, counted {cost} against {bound}")
    margin = bound - cost * (1.0 - radio.siting_gap)
    if worst.margin is None or abs(worst.margin - margin) > 1.0:
        wrong.append(f"states a margin of {worst.margin}, counted {margin:.2f}")
    return wrong
