"""What the proof says it took from the margins: complete, no smaller than asked for, and large enough."""

from __future__ import annotations

import numpy as np

from trassa.plan.claim import Claim
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.paths import SmoothEarth, Surroundings
from trassa.plan.verify.radio.service import Deductions
from trassa.plan.verify.verdict import Row

__all__ = ["check_deductions"]


_FAST_PATH_DB = 1.0
"""Two ways of computing one path differ by thousandths of a decibel; what differs more is not the same path."""


def check_deductions(evidence: Evidence, deductions: Deductions, ground: Surroundings | SmoothEarth) -> Row:
    """Every deduction that applies is there, not below the project's allowance, and no other one is.

    A made-up "deduction" of negative size would raise every margin, recomputed ones included. All radio claims state
    the same deductions.
    """
    settings, wrong = evidence.settings.radio, []
    due = ["within_bin", "fast_path"]
    if isinstance(ground, Surroundings):
        due.append("step_effect")
        if len(ground.woods.height_m) > 1:
            due.append("clutter_height")
    for name in due:
        allowed_db, taken_db = getattr(settings.allowances, f"{name}_db"), deductions.by_name.get(name)
        if taken_db is None:
            wrong.append(f"{name} is not taken from the margin")
        elif taken_db < allowed_db - 1e-9:
            wrong.append(f"{name} is {taken_db:g} dB, the project asks for {allowed_db:g} dB")
    off_db = deductions.fast_path_db - settings.allowances.fast_path_db
    if off_db > _FAST_PATH_DB:
        wrong.append(
            f"the fast path is said to be {off_db:.1f} dB off beyond its allowance: it computes something else"
        )
    for name, size_db in sorted(deductions.by_name.items()):
        if name not in due:
            wrong.append(f"{name} ({size_db:g} dB) is no deduction that applies here")
        elif not 0.0 <= size_db < np.inf:
            wrong.append(f"{name} of {size_db:g} dB adds to the margin")
    sigma_db = deductions.sigma_db
    if sigma_db is None or abs(sigma_db - settings.sigma_db) > 1e-9:
        wrong.append(f"sigma stated {sigma_db}, the project says {settings.sigma_db:g} dB")
    served = [claim for claim in evidence.proof.claims if claim.id.startswith("radio.served")]
    if any(_taken(claim) != _taken(served[0]) for claim in served):
        wrong.append("the radio claims state different deductions")
    told = ", ".join(f"{name} {size:g}" for name, size in sorted(deductions.by_name.items()))
    return Row(
        "radio.deductions", "", None, "dB", not wrong, None, "; ".join(wrong) or f"taken from every margin: {told} dB"
    )


def _taken(claim: Claim) -> dict[str, float]:
    return {a.name: float(np.round(a.size, 9)) for a in claim.assumptions if a.taken_from_margin}
