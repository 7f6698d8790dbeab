"""Bins that the plan calls beyond every candidate, tried again: a plan that gives up has nothing to offer there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.antennas import antennas_of
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.paths import SmoothEarth, Surroundings, losses_db
from trassa.plan.verify.radio.served import TOLERANCE_DB
from trassa.plan.verify.radio.service import Deductions, Edges, margins_between
from trassa.plan.verify.verdict import Row

__all__ = ["check_unserved"]

_TRIED = 60
_WANTED = {"radio.served": 1, "radio.served.any-site-down": 2}


def check_unserved(
    evidence: Evidence, due: DueBins, ground: Surroundings | SmoothEarth, deductions: Deductions
) -> list[Row]:
    """Some bins of every stretch in ``unserved``, against all candidates by the reference path."""
    told = evidence.layers["unserved"]
    bins = {claim: _bins_of(evidence, due, claim) for claim in _WANTED}
    tried = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *bins.values()]))
    if not len(tried):
        return []
    candidates, settings = evidence.layers["candidates"], evidence.settings.radio
    used = np.unique(np.concatenate([due.edges.first[tried], due.edges.last[tried]]))
    edges = Edges(np.searchsorted(used, due.edges.first[tried]), np.searchsorted(used, due.edges.last[tried]))
    links = losses_db(antennas_of(evidence, candidates), due.receivers.take(used), ground, settings)
    places: list[set[int]] = [set() for _ in tried]
    met = margins_between(links, deductions.sum_db, edges, len(used), settings)
    for place, (rows, margins, _) in zip(candidates["place"].tolist(), met, strict=True):
        for row in rows[margins >= TOLERANCE_DB].tolist():
            places[row].add(int(place))
    wrong = []
    for claim, wanted in _WANTED.items():
        could = [row for row in np.searchsorted(tried, bins[claim]).tolist() if len(places[row]) >= wanted]
        if could:
            place = due.place(evidence, int(tried[could[0]]))
            wrong.append(f"{len(could)} bins that {claim} gives up can be served, e.g. {place}")
    said = "; ".join(wrong) or f"{len(tried)} bins of {len(told)} stretches tried, no candidate cures them"
    return [Row("radio.unserved", "", None, "", not wrong, None, said)]


def _bins_of(evidence: Evidence, due: DueBins, claim: str) -> npt.NDArray[np.int64]:
    """Bins within the stretches that a claim gives up, evenly spread."""
    inside = np.zeros(len(due.start_m), dtype=bool)
    for row in evidence.layers["unserved"].where(claim=claim).rows():
        here = (due.start_m >= float(row["start_m"])) & (due.end_m <= float(row["end_m"]))
        inside |= here & (due.carriageway == row["carriageway"])
    found = np.flatnonzero(inside & due.counted)
    return found[np.unique(np.linspace(0, len(found) - 1, min(len(found), _TRIED)).astype(np.int64))]
