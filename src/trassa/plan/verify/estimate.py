"""Why a plan can only be an estimate, decided from the folder and not from what the proof says about itself."""

from __future__ import annotations

import numpy as np

from trassa.plan.claim import Holds
from trassa.plan.verify.evidence import Evidence

__all__ = ["estimate_reasons", "verdict"]

_LABELS_FARTHEST_M = 2000.0


def estimate_reasons(evidence: Evidence) -> list[str]:
    """No terrain, a schematic axis, or labels extrapolated beyond 2 km; empty where none applies."""
    reasons = []
    alignment = evidence.layers["alignment"]
    heights = alignment["height_m"][alignment["present"]]
    if not evidence.settings.terrain.files or not np.isfinite(heights).all():
        reasons.append("no terrain")
    if evidence.settings.road.schematic or evidence.schematic:
        reasons.append("schematic axis")
    beyond_m = _beyond_labels_m(evidence)
    if beyond_m > _LABELS_FARTHEST_M:
        reasons.append("no labels" if np.isinf(beyond_m) else f"labels extrapolated by {beyond_m / 1000:.1f} km")
    return reasons


def _beyond_labels_m(evidence: Evidence) -> float:
    intervals = evidence.layers["label_intervals"]
    known = intervals.take(intervals["kind"] != "extrapolated")
    measure = np.unique(evidence.layers["alignment"]["measure_m"])
    distance = np.full(measure.shape, np.inf)
    for start_m, end_m in zip(known["start_m"], known["end_m"], strict=True):
        distance = np.minimum(distance, np.maximum(np.maximum(start_m - measure, measure - end_m), 0.0))
    return float(distance.max())


def verdict(fails: bool, reasons: list[str]) -> Holds:
    """``no`` where the promise fails, ``estimate`` where there are reasons, else ``yes``."""
    if fails:
        return "no"
    return "estimate" if reasons else "yes"
