"""What the optical claims tell besides their margins: scope, exemptions, worst place and value, assumptions, figures.

No layer changes when a count in a sentence is raised, a worst place is put where nobody looks, or an assumption is
written smaller than it is. All of it follows from trassa.toml, the road and the layers, which are judged elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Plant
from trassa.plan.verify.optical.figures_told import figures_off
from trassa.plan.verify.optical.line import Network
from trassa.plan.verify.optical.worst_places import worst_places
from trassa.plan.verify.verdict import Row

__all__ = ["check_line_told"]

_LENGTH_M = 1.0
_SUM_M = 5.0
_ROUNDING, _ROUNDING_M = 0.012, 0.2
_SMALL = 0.02
_DROPS = "drop cable from the verge to a connection: a single access line, not protected"
_BRANCHES = "branch of a tree from its splitter to a place: a single access line, not protected"
_HOLE = "hole in the source geometry"
_NO_HOLES = ("optical.rings", "optical.trees", "optical.fronthaul")


def check_line_told(evidence: Evidence, plant: Plant, network: Network) -> Row:
    """The row ``optical.told`` over every optical claim and the optical figures of the proof."""
    wrong: list[str] = []
    for claim in evidence.proof.claims:
        if claim.id.startswith("optical."):
            wrong += [f"{claim.id} {said}" for said in _claim_off(evidence, plant, network, claim)]
    ids = [claim.id for claim in evidence.proof.claims if claim.id.startswith("optical.")]
    wrong += [f"{name} is claimed twice" for name in sorted(set(ids)) if ids.count(name) > 1]
    wrong += figures_off(evidence, plant)
    said = "; ".join(wrong[:3]) or f"{len(ids)} claims: scopes, exemptions, worst places, assumptions and figures"
    return Row("optical.told", "", None, "", not wrong, None, said)


def _claim_off(evidence: Evidence, plant: Plant, network: Network, claim: Claim) -> Iterator[str]:
    length_m = float(evidence.proof.road["length_m"])
    if not abs(claim.scope.length_m - length_m) <= _LENGTH_M:
        yield f"speaks of {claim.scope.length_m:.0f} m, the road has {length_m:.0f} m"
    text = _scope_text(evidence, claim.id)
    if text is not None and claim.scope.text != text:
        yield f"speaks of «{claim.scope.text}», found «{text}»"
    yield from _exempt_off(evidence, network, claim)
    if bool(claim.method.get("estimate_because")) < bool(estimate_reasons(evidence)):
        yield "does not say why it is an estimate"
    for key, due in _method(evidence, claim.id).items():
        if claim.method.get(key) != due:
            yield f"states {key} {claim.method.get(key)}, found {due}"
    if bool(claim.failures) != (claim.holds == "no") and not (claim.holds == "no" and claim.worst.margin is not None):
        yield "names failures and holds" if claim.failures else "does not hold and says nowhere why"
    yield from _worst_off(evidence, network, claim)
    yield from _assumptions_off(evidence, plant, network, claim)


def _scope_text(evidence: Evidence, claim_id: str) -> str | None:
    """What a claim of that id speaks of; None where another check knows."""
    layers = evidence.layers
    count = {name: len(layers[name]) for name in ("links", "spans", "ring_segments", "edge_places")}
    texts = {
        "optical.links": f"{count['links']} links",
        "optical.spans": f"{count['spans']} spans",
        "optical.any-cut": "every point of every cable along the road",
        "optical.latency": "every connection, every cut",
        "optical.edge": f"{count['edge_places']} huts with servers",
        "optical.rings": f"{count['ring_segments']} segments of {len(set(layers['ring_segments']['ring']))} rings",
    }
    if "tree_links" in layers:
        trees = len(set(layers["tree_links"]["tree"]))
        texts["optical.trees"] = f"{len(layers['tree_links'])} ways of {trees} trees"
    if "wavelengths" in layers:
        ways = len(layers["wavelengths"])
        texts["optical.gsnr"] = f"{ways} ways between huts and points of presence, both senses"
    if "backbone_load" in layers:
        texts["optical.capacity"] = f"{len(layers['backbone_load'])} backbone spans"
    if "fronthaul_ways" in layers:
        cells = len(set(layers["fronthaul_ways"]["cell"].tolist()))
        texts["optical.fronthaul"] = f"{len(layers['fronthaul_ways'])} heads of {cells} shared cells"
    for service in evidence.settings.optical.services:
        ours = len(layers["connections"].where(service=service.name))
        texts[f"optical.service.{service.name.replace(' ', '-')}"] = f"{ours} connections, every cut"
    return texts.get(claim_id)


def _method(evidence: Evidence, claim_id: str) -> Mapping[str, Any]:
    """Figures in a claim's method that trassa.toml or the layers settle."""
    rules = evidence.settings.optical
    if claim_id == "optical.any-cut":
        return {"cut_intervals": len(evidence.layers["cuts"])}
    if claim_id == "optical.gsnr":
        return {"needed_gsnr_db": rules.needed_gsnr_db, "system_margin_db": rules.gsnr_margin_db}
    for service in rules.services:
        if claim_id == f"optical.service.{service.name.replace(' ', '-')}":
            return {"access": service.access, "rate_mbps": service.rate_mbps}
    return {}


def _exempt_off(evidence: Evidence, network: Network, claim: Claim) -> Iterator[str]:
    due: list[tuple[str, float]] = []
    if claim.id == "optical.any-cut":
        due.append((_DROPS, float(np.nansum(evidence.layers["connections"]["drop_m"]))))
    branches_m = _branches_m(evidence, network, claim)
    if branches_m:
        due.append((_BRANCHES, sum(branches_m)))
    if claim.id not in _NO_HOLES:
        holes = evidence.layers["structures"].where(kind="hole")
        due += [
            (_HOLE, _covered_m(evidence, side))
            for side in evidence.carriageways
            if (holes["carriageway"] == side).any()
        ]
    told = sorted((one.rule, one.length_m) for one in claim.scope.exempt)
    if [rule for rule, _ in told] != sorted(rule for rule, _ in due):
        yield f"exempts {[rule for rule, _ in told]}, by rule {sorted(rule for rule, _ in due)}"
        return
    for (rule, told_m), (_, due_m) in zip(told, sorted(due), strict=True):
        if not abs(told_m - due_m) <= _SUM_M:
            yield f"exempts {told_m:.0f} m by {rule}, by rule {due_m:.0f} m"


def _branches_m(evidence: Evidence, network: Network, claim: Claim) -> list[float]:
    """Along the road from each place of a tree that a claim speaks of to its splitter."""
    connections = evidence.layers["connections"]
    ours = {
        str(name): claim.id in ("optical.any-cut", "optical.latency", f"optical.service.{kind.replace(' ', '-')}")
        for name, kind in zip(connections["connection"], connections["service"].tolist(), strict=True)
    }
    return [
        abs(tap_m - tree.splitter_m)
        for tree in network.trees
        for name, tap_m in zip(tree.members, tree.taps_m, strict=True)
        if ours[name]
    ]


def _covered_m(evidence: Evidence, carriageway: str) -> float:
    """Metres of a carriageway in holes, each counted once."""
    rows = evidence.layers["structures"].where(kind="hole", carriageway=carriageway)
    total_m, reached_m = 0.0, -math.inf
    for start_m, end_m in sorted(zip(rows["start_m"].tolist(), rows["end_m"].tolist(), strict=True)):
        total_m += max(end_m - max(start_m, reached_m), 0.0)
        reached_m = max(reached_m, end_m)
    return total_m


def _worst_off(evidence: Evidence, network: Network, claim: Claim) -> Iterator[str]:
    """Value, bound and margin are one sum; the place is one at which the layers have that margin."""
    worst, bounds = claim.worst, _bounds(evidence, network, claim)
    left = _stranded(evidence, network)
    if claim.id in bounds and worst.bound != bounds[claim.id]:
        yield f"is bound by {worst.bound}, trassa.toml says {bounds[claim.id]}"
    if claim.id == "optical.any-cut" and len(evidence.layers["cuts"]):
        stranded = float(left.max())
        if worst.value != stranded:
            yield f"states that a cut strands {worst.value}, found {stranded:g}"
    rounded = _ROUNDING_M if worst.unit == "m" else _ROUNDING
    figures = [worst.value, worst.bound, worst.margin]
    if worst.unit == worst.margin_unit and None not in figures:
        value, bound, margin = (float(figure or 0.0) for figure in figures)
        if not abs(abs(bound - value) - abs(margin)) <= rounded:
            yield f"states {value} against {bound} and a margin of {margin}"
    if worst.unit == worst.margin_unit and worst.margin is not None and None in figures:
        yield f"states a margin of {worst.margin} of nothing"
    places = worst_places(evidence, claim, left)
    if places and not any(worst.place.startswith(place) for place in places):
        yield f"has its worst place at «{worst.place}», found at «{places[0]}»"


def _stranded(evidence: Evidence, network: Network) -> npt.NDArray[np.int64]:
    """Whom each cut strands beside those that it parts from their splitters, shape (cuts,)."""
    cuts = evidence.layers["cuts"]
    return np.array([int(row["stranded"]) - len(network.parted(_cut(row))) for row in cuts.rows()], dtype=np.int64)


def _cut(row: Mapping[str, Any]) -> tuple[float, float, frozenset[str]]:
    falls = frozenset(name.strip() for name in str(row["cables"]).split(","))
    return float(row["start_m"]), float(row["end_m"]), falls


def _bounds(evidence: Evidence, network: Network, claim: Claim) -> dict[str, float | None]:
    """What a claim's worst value must keep, where trassa.toml settles it."""
    rules = evidence.settings.optical
    bounds: dict[str, float | None] = {
        "optical.latency": rules.latency_promise_us,
        "optical.edge": rules.edge_round_trip_us,
        "optical.gsnr": rules.needed_gsnr_db + rules.gsnr_margin_db,
        "optical.any-cut": 0.0 if len(evidence.layers["cuts"]) else None,
    }
    for service in rules.services:
        late = claim.worst.unit == "µs"
        among = set(evidence.layers["connections"].where(service=service.name)["connection"].tolist())
        parted = sum(len(network.parted(_cut(row)) & among) for row in evidence.layers["cuts"].rows())
        bounds[f"optical.service.{service.name.replace(' ', '-')}"] = service.latency_us if late else float(parted)
    return bounds


def _assumptions_off(evidence: Evidence, plant: Plant, network: Network, claim: Claim) -> Iterator[str]:
    """Every claim tells them alike, each as large as trassa.toml makes it."""
    rules, layers = evidence.settings.optical, evidence.layers
    due = {
        "attenuation_1550": (rules.attenuation_1550_db_per_km, True),
        "attenuation_1310": (rules.attenuation_1310_db_per_km, True),
        "splice_loss": (rules.splice_loss_db, True),
        "repair_margin": (rules.repair_margin_db, True),
        "first_day_loss": (rules.first_day_ratio, True),
        "helix_ratio": ((rules.helix_ratio / rules.helix_ratio_low - 1.0) * 100.0, True),
        "slack": (rules.slack_ratio * 100.0, True),
        "hut_latency": (rules.hut_latency_us, True),
        "points_of_presence": (float(len(network.presences)), False),
        "power_at_places": (float((layers["huts"]["power"] == "place").sum()), False),
        "single_drop": (float((layers["connections"]["access"] != "").sum()), False),
    }
    if network.trees:
        due |= {
            "second_input": (rules.trees.second_input_loss_db, True),
            "tree_payload": (rules.trees.payload_ratio, True),
            "tree_latency": (rules.trees.latency_us, True),
            "single_branch": (float(sum(len(tree.members) for tree in network.trees)), False),
        }
    told = {one.name: (one.size, one.taken_from_margin) for one in claim.assumptions}
    for name, (size, taken) in due.items():
        stated = told.get(f"optical.{name}")
        if stated is None or not abs(stated[0] - size) <= 1e-9 * max(1.0, abs(size)) or stated[1] != taken:
            yield f"assumes {name} {stated[0] if stated else 'nowhere'}, by trassa.toml {size:g}"
