"""What turns a promise that holds into an estimate: three things and no other."""

from __future__ import annotations

import numpy as np

from trassa.plan.claim import Exemption, Holds
from trassa.road.model import Road

__all__ = ["LABEL_LIMIT_M", "estimate_reasons", "hole_exemptions", "verdict"]

LABEL_LIMIT_M = 2000.0
"""Labels extrapolated farther than this from a calibrated place make the proof an estimate, in metres."""


def estimate_reasons(road: Road) -> list[str]:
    """Why no claim about this road can be more than an estimate; empty when it can."""
    reasons = []
    if not road.has_heights:
        reasons.append("no terrain: smooth earth stands in for it")
    if road.axis == "schematic":
        reasons.append("schematic axis: measure comes from published kilometres, not from geometry")
    line = next(iter(road.alignments.values()))
    beyond = road.calibration.extrapolated_by_m(line.measure_m)
    if np.isinf(beyond).all():
        reasons.append("no two kilometre posts to calibrate between: labels run on at scale 1")
    elif beyond.max() > LABEL_LIMIT_M:
        place = road.text(float(line.measure_m[int(np.argmax(beyond))]))
        reasons.append(f"labels extrapolated by {beyond.max() / 1000:.1f} km at {place}")
    return reasons


def verdict(fails: bool, reasons: list[str]) -> Holds:
    """``no`` when the promise fails, ``estimate`` when there are reasons, else ``yes``."""
    if fails:
        return "no"
    return "estimate" if reasons else "yes"


def hole_exemptions(road: Road) -> list[Exemption]:
    """Holes in the geometry: there is nothing to promise there, and the proof says where."""
    found = []
    for carriageway in road.carriageways:
        holes = road.structure_extents("hole", carriageway)
        if holes:
            places = tuple(f"{road.span_text(h.start_m, h.end_m)} {carriageway}" for h in holes)
            found.append(Exemption("hole in the source geometry", sum(h.length_m for h in holes), places))
    return found
