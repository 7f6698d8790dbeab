"""The overlap of servers, computed again: a handover that begins anywhere ends under the server it began with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.served import TOLERANCE_DB
from trassa.plan.verify.radio.service import Deductions, Service
from trassa.plan.verify.verdict import Row

__all__ = ["check_overlap"]


def check_overlap(evidence: Evidence, due: DueBins, windows: Service, deductions: Deductions) -> list[Row]:
    """The claim and the margins stored on the bins; ``windows`` is the service on the due windows."""
    claim = next((claim for claim in evidence.proof.claims if claim.id == "radio.handover.overlap"), None)
    if claim is None:
        return []
    down = evidence.settings.radio.any_site_down
    margin = (windows.second() if down else windows.best())[1]
    bin_of = {point: bin_ for bin_, point in enumerate(due.edges.first.tolist())}
    at = np.array([bin_of[point] for point in due.windows.first.tolist()], dtype=np.int64)
    fails = np.flatnonzero(margin + deductions.fast_path_db < 0.0)
    holds = verdict(bool(len(fails)), estimate_reasons(evidence))
    wrong = [] if holds == claim.holds else [f"the proof says {claim.holds}"]
    off = _differing(evidence, due, windows, at)
    if off.any():
        wrong.append(f"{int(off.sum())} windows differ by more than {TOLERANCE_DB} dB from what is stored")
    worst = int(np.argmin(margin)) if len(margin) else -1
    place = due.place(evidence, int(at[worst])) if len(margin) else ""
    if len(fails):
        wrong.append(
            f"{len(fails)} windows have too few servers, the first at {due.place(evidence, int(at[fails[0]]))}"
        )
    value = float(margin[worst]) if len(margin) and np.isfinite(margin[worst]) else None
    stated = _as_stated(evidence, due, claim, margin, at)
    wrong += stated
    said = "; ".join(wrong) or f"{len(margin)} windows, each held by {2 if down else 1} or more sites"
    agrees = holds == claim.holds and not off.any() and not stated
    return [Row("radio.handover.overlap", place, value, "dB", agrees, holds, said)]


def _differing(evidence: Evidence, due: DueBins, windows: Service, at: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """The windows whose margin, that of the best server or of the second, is not the one stored on their first bin."""
    known = np.flatnonzero(due.stored[at] >= 0)
    off = np.zeros(len(at), dtype=bool)
    for column, margin in (("overlap_margin_db", windows.best()[1]), ("second_overlap_margin_db", windows.second()[1])):
        kept = evidence.layers["bins"][column][due.stored[at[known]]]
        found = np.where(np.isfinite(margin[known]), margin[known], np.nan)
        off[known] |= np.isnan(found) != np.isnan(kept)
        off[known] |= np.abs(np.nan_to_num(found) - np.nan_to_num(kept)) > TOLERANCE_DB
    return off


def _as_stated(
    evidence: Evidence,
    due: DueBins,
    claim: Claim,
    margin: npt.NDArray[np.float64],
    at: npt.NDArray[np.int64],
) -> list[str]:
    """Whether worst place, worst margin and the length spoken about are those found; ``at`` are the windows' bins."""
    wrong, length_m = [], float((due.end_m - due.start_m)[at].sum())
    if abs(length_m - claim.scope.length_m) > 1.0:
        wrong.append(f"scope stated {claim.scope.length_m:.0f} m, found {length_m:.0f} m")
    if not len(margin):
        return wrong
    found, stated = float(margin.min()), claim.worst.margin
    if (stated is None) != (not np.isfinite(found)):
        return [*wrong, f"worst margin stated {stated}, found {found:.2f} dB"]
    if stated is not None and abs(stated - found) > TOLERANCE_DB:
        wrong.append(f"worst margin stated {stated:+.2f} dB, found {found:+.2f} dB")
    ties = at[margin <= found + TOLERANCE_DB]
    if not any(claim.worst.place.startswith(due.place(evidence, int(bin_))) for bin_ in ties):
        wrong.append(f"worst place stated {claim.worst.place}")
    return wrong
