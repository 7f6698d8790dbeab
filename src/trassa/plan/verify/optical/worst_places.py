"""Where the layers have the worst of each optical claim."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.plan.claim import Claim
from trassa.plan.verify.evidence import Evidence

__all__ = ["worst_places"]

_LENGTH_M = 1.0
_SMALL = 0.02


def worst_places(evidence: Evidence, claim: Claim, left: npt.NDArray[np.int64]) -> list[str]:
    """Where the layers have the worst of a claim; more than one where several are as bad."""
    layers = evidence.layers
    if claim.id in ("optical.links", "optical.spans"):
        rows = layers[claim.id.removeprefix("optical.")]
        name, at = ("link", "measure_m") if claim.id == "optical.links" else ("span", "start_m")
        least = np.flatnonzero(rows["margin_db"] <= np.min(rows["margin_db"], initial=np.inf) + _SMALL)
        return [f"{rows[name][row]} at {evidence.place(float(rows[at][row]))}" for row in least]
    if claim.id in ("optical.rings", "optical.trees"):
        return _shared(evidence, claim)
    if claim.id == "optical.gsnr" and len(layers["wavelengths"]):
        rows = layers["wavelengths"]
        least = np.flatnonzero(rows["margin_db"] <= np.min(rows["margin_db"]) + _SMALL)
        return [f"{rows['path'][row]} over " for row in least]
    if claim.id == "optical.capacity" and len(layers["backbone_load"]):
        rows = layers["backbone_load"]
        free = rows["channels"] - rows["wavelengths"]
        return [
            f"{rows['span'][row]}, {evidence.place(float(rows['start_m'][row]))}"
            for row in np.flatnonzero(free == free.min())
        ]
    if claim.id == "optical.edge" and len(layers["edge_places"]):
        rows = layers["edge_places"]
        longest = np.flatnonzero(rows["round_trip_us"] >= rows["round_trip_us"].max() - _SMALL)
        return [f"{rows['hut'][row]} at {evidence.place(float(rows['measure_m'][row]))}" for row in longest]
    if claim.id == "optical.fronthaul" and np.isfinite(layers["fronthaul_ways"]["margin_m"]).all():
        rows = layers["fronthaul_ways"]
        least = np.flatnonzero(rows["margin_m"] <= np.min(rows["margin_m"], initial=np.inf) + _LENGTH_M)
        return [
            f"{rows['site'][row]} to the baseband of {rows['cell'][row]} in {rows['baseband'][row]}" for row in least
        ]
    for row in layers["services"].rows():
        if claim.id == f"optical.service.{str(row['service']).replace(' ', '-')}":
            at_m = float(row["worst_start_m"])
            return [f"a cut at {evidence.place(at_m)}"] if np.isfinite(at_m) else ["no cut"]
    return _cut_places(evidence, claim, left)


def _shared(evidence: Evidence, claim: Claim) -> list[str]:
    """The weakest segments of rings, or branches of trees."""
    ring = claim.id == "optical.rings"
    table, names = (
        ("ring_segments", "first second ring start_m") if ring else ("tree_links", "connection hut tree measure_m")
    )
    rows, (first, second, owner, at) = evidence.layers[table], names.split()
    least = np.flatnonzero(rows["margin_db"] <= np.min(rows["margin_db"], initial=np.inf) + _SMALL)
    return [
        f"{rows[first][row]}–{rows[second][row]} of {rows[owner][row]} at {evidence.place(float(rows[at][row]))}"
        for row in least
    ]


def _cut_places(evidence: Evidence, claim: Claim, left: npt.NDArray[np.int64]) -> list[str]:
    cuts = evidence.layers["cuts"]
    if claim.id == "optical.latency" and np.isfinite(cuts["worst_latency_us"]).any():
        longest = np.flatnonzero(cuts["worst_latency_us"] >= np.nanmax(cuts["worst_latency_us"]) - _SMALL).tolist()
        return [_span_text(evidence, row) for row in longest]
    if claim.id == "optical.any-cut" and (left > 0).any():
        worst = np.flatnonzero(left == left.max()).tolist()
        return [_span_text(evidence, row) for row in worst]
    if claim.id == "optical.any-cut" and np.isfinite(cuts["worst_margin_db"]).any():
        least = np.flatnonzero(cuts["worst_margin_db"] <= np.nanmin(cuts["worst_margin_db"]) + _SMALL).tolist()
        return [_span_text(evidence, row) for row in least]
    return []


def _span_text(evidence: Evidence, row: int) -> str:
    cuts = evidence.layers["cuts"]
    return f"{evidence.place(float(cuts['start_m'][row]))}–{evidence.calibration.label(float(cuts['end_m'][row]))}"
