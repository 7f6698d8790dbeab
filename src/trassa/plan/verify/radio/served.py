"""The radio claims computed again: served, served with any one site down, and every site necessary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.service import Deductions, Service
from trassa.plan.verify.verdict import Row

__all__ = ["TOLERANCE_DB", "ServedAgain", "check_served"]

FloatArray = npt.NDArray[np.float64]

TOLERANCE_DB = 0.1
"""A margin computed again may differ by this much; two ways to one path differed by 0.001 dB on all roads tried."""


@dataclass(frozen=True)
class ServedAgain:
    """The radio part of a plan, computed again."""

    evidence: Evidence
    due: DueBins
    service: Service
    windows: Service
    """The service on the windows of a handover; empty where no overlap is promised."""
    deductions: Deductions
    rate_needs: Callable[[int], bool]
    """Whether the rate beside the load of the other cells needs a site; never, where that is not promised."""

    @property
    def names(self) -> list[str]:
        """Ids of the sites."""
        return [str(name) for name in self.evidence.layers["sites"]["site"]]

    def claim(self, claim_id: str) -> Claim | None:
        """A claim of the proof by its id."""
        return next((claim for claim in self.evidence.proof.claims if claim.id == claim_id), None)


def check_served(again: ServedAgain) -> list[Row]:
    """All rows about the service on bins."""
    best_site, best = again.service.best()
    down_site, left = again.service.worst_down()
    rows = [_margins_row(again, best, left), _fast_path_row(again)]
    rows.append(_claim_row(again, "radio.served", best, best_site, down=False))
    if again.claim("radio.served.any-site-down") is not None:
        rows.append(_claim_row(again, "radio.served.any-site-down", left, down_site, down=True))
    rows.append(_necessity_row(again))
    return rows


def _margins_row(again: ServedAgain, best: FloatArray, left: FloatArray) -> Row:
    """The two margins that the plan stores on every bin, and the servers it names."""
    due, bins = again.due, again.evidence.layers["bins"]
    there = np.flatnonzero(due.stored >= 0)
    rows = due.stored[there]
    off_best = _difference(bins["margin_db"][rows], best[there])
    off_left = _difference(bins["second_margin_db"][rows], left[there])
    off = np.fmax(off_best, off_left)
    wrong = [f"bins name {name}, which is not among the sites" for name in _unknown_servers(again)[:3]]
    wrong += _misnamed_servers(again)
    far = int((off > TOLERANCE_DB).sum())
    worst = int(np.argmax(off)) if len(off) else -1
    place = due.place(again.evidence, int(there[worst])) if far else ""
    if far:
        stored, found = bins["margin_db"][rows[worst]], best[there[worst]]
        if off_left[worst] > off_best[worst]:
            stored, found = bins["second_margin_db"][rows[worst]], left[there[worst]]
        wrong.append(
            f"{far} bins differ by more than {TOLERANCE_DB} dB, here {stored:.2f} dB stored, {found:.2f} dB found"
        )
    fine = f"{len(there)} bins within {TOLERANCE_DB} dB, largest difference {off.max(initial=0.0):.3f} dB"
    return Row("radio.margins", place, None, "dB", not wrong, None, "; ".join(wrong) or fine)


def _difference(stored: FloatArray, found: FloatArray) -> FloatArray:
    """How far two margins are apart; infinite where only one of them exists."""
    known, reached = np.isfinite(stored), np.isfinite(found)
    with np.errstate(invalid="ignore"):
        apart = np.abs(stored - found)
    return np.where(known & reached, apart, np.where(known | reached, np.inf, 0.0))


def _unknown_servers(again: ServedAgain) -> list[str]:
    bins = again.evidence.layers["bins"]
    named = set(bins["server"].tolist()) | set(bins["second"].tolist())
    return sorted(named - set(again.names) - {""})


def _misnamed_servers(again: ServedAgain) -> list[str]:
    """Bins whose named server or second is not the one found, or as good as it; and bins that name one twice."""
    due, bins, wrong = again.due, again.evidence.layers["bins"], []
    there = np.flatnonzero(due.stored >= 0)
    rows = due.stored[there]
    for column, (_, found) in (("server", again.service.best()), ("second", again.service.second())):
        named, best = bins[column][rows], found[there]
        off = (named == "") == np.isfinite(best)
        for site, name in enumerate(again.names):
            mine = np.flatnonzero(named == name)
            own = again.service.of(site)[0][there[mine]]
            off[mine] |= ~(own >= best[mine] - TOLERANCE_DB)
        if off.any():
            first = int(np.argmax(off))
            place = due.place(again.evidence, int(there[first]))
            wrong.append(
                f"{int(off.sum())} bins name another {column} than found, e.g. {named[first] or 'none'} at {place}"
            )
    twice = (bins["server"][rows] == bins["second"][rows]) & (bins["server"][rows] != "")
    unknown = np.isnan(bins["rsrp_dbm"][rows]) != (bins["server"][rows] == "")
    wrong += [f"{int(twice.sum())} bins name one site as both servers"] if twice.any() else []
    return wrong + ([f"{int(unknown.sum())} bins lack the level of their server"] if unknown.any() else [])


def _fast_path_row(again: ServedAgain) -> Row:
    """The planner's level of each bin's server against the reference: the stated bound must cover the difference."""
    due, bins = again.due, again.evidence.layers["bins"]
    there = np.flatnonzero(due.stored >= 0)
    rows = due.stored[there]
    worst_db, place = 0.0, ""
    for site, name in enumerate(again.names):
        mine = np.flatnonzero((bins["server"][rows] == name) & np.isfinite(bins["rsrp_dbm"][rows]))
        if not len(mine):
            continue
        off = np.abs(again.service.of(site)[1][there[mine]] - bins["rsrp_dbm"][rows[mine]])
        if off.max() > worst_db:
            worst_db, place = float(off.max()), due.place(again.evidence, int(there[mine[int(np.argmax(off))]]))
    stated = again.deductions.fast_path_db
    said = f"fast path off by at most {worst_db:.4f} dB on the serving links, stated {stated:g} dB"
    return Row("radio.fast-path", place, stated - worst_db, "dB", worst_db <= stated, None, said)


def _claim_row(
    again: ServedAgain, claim_id: str, margin: FloatArray, site: npt.NDArray[np.int64], *, down: bool
) -> Row:
    due, evidence = again.due, again.evidence
    claim = again.claim(claim_id)
    counted = np.flatnonzero(due.counted)
    if claim is None or not len(counted):
        return Row(claim_id, "", None, "dB", claim is not None, None, "no bin counts" if claim else "not claimed")
    fails = counted[margin[counted] + again.deductions.fast_path_db < 0.0]
    worst = int(counted[int(np.argmin(margin[counted]))])
    holds = verdict(_too_much(again, fails), estimate_reasons(evidence))
    agrees, remarks = _agreement(again, claim, margin, worst)
    remarks += _failing(again, fails, site, down=down)
    if claim.holds != holds:
        remarks.insert(0, f"the proof says {claim.holds}")
    found = float(margin[worst]) if np.isfinite(margin[worst]) else None
    length_m = float((due.end_m - due.start_m)[counted].sum())
    said = "; ".join(remarks) or f"{len(counted)} bins ({length_m / 1000:.1f} km)"
    return Row(claim_id, due.place(evidence, worst), found, "dB", agrees and claim.holds == holds, holds, said)


def _too_much(again: ServedAgain, fails: npt.NDArray[np.int64]) -> bool:
    """Whether the bins that fail are more of a carriageway than the promise leaves."""
    due, left = again.due, 1.0 - again.evidence.settings.radio.length_share
    length_m, failing = due.end_m - due.start_m, np.zeros(len(due.end_m), dtype=bool)
    failing[fails] = True
    for way in again.evidence.carriageways:
        mine = due.counted & (due.carriageway == way)
        if length_m[mine & failing].sum() > left * length_m[mine].sum() + 1e-6:
            return True
    return False


def _agreement(again: ServedAgain, claim: Claim, margin: FloatArray, worst: int) -> tuple[bool, list[str]]:
    """Whether the claim's worst place and margin, and the length it speaks about, are those found."""
    remarks = []
    stated, found = claim.worst.margin, float(margin[worst])
    if (stated is None) != (not np.isfinite(found)):
        remarks.append(f"worst margin stated {stated}, found {found:.2f} dB")
    elif stated is not None and abs(stated - found) > TOLERANCE_DB:
        remarks.append(f"worst margin stated {stated:+.2f} dB, found {found:+.2f} dB")
    due = again.due
    counted = np.flatnonzero(due.counted)
    with np.errstate(invalid="ignore"):
        ties = counted[(margin[counted] <= found + TOLERANCE_DB)]
    if not any(claim.worst.place.startswith(due.place(again.evidence, int(bin_))) for bin_ in ties):
        remarks.append(f"worst place stated {claim.worst.place}")
    length_m = float((due.end_m - due.start_m)[counted].sum())
    if abs(length_m - claim.scope.length_m) > 1.0:
        remarks.append(f"scope stated {claim.scope.length_m:.0f} m, found {length_m:.0f} m")
    return not remarks, remarks


def _failing(again: ServedAgain, fails: npt.NDArray[np.int64], site: npt.NDArray[np.int64], *, down: bool) -> list[str]:
    """One sentence for each site whose loss leaves bins unserved (or one for all bins that nobody serves)."""
    if not len(fails):
        return []
    due, length_m = again.due, again.due.end_m - again.due.start_m
    sentences = []
    groups = site[fails] if down else np.full(len(fails), -1)
    for number in np.unique(groups):
        bins = fails[groups == number]
        who = f"with {again.names[number]} down " if down and number >= 0 else ""
        span = f"{due.place(again.evidence, int(bins[0]))} … {due.place(again.evidence, int(bins[-1]))}"
        sentences.append(f"{who}{length_m[bins].sum():.0f} m unserved, {span}")
    return sentences[:6] + ([f"and {len(sentences) - 6} sites more"] if len(sentences) > 6 else [])


def _necessity_row(again: ServedAgain) -> Row:
    """Every site that costs something is needed: without it some bin or window has fewer servers than promised."""
    due, sites = again.due, again.evidence.layers["sites"]
    promised = 2 if again.evidence.settings.radio.any_site_down else 1
    idle, told, example, slack_db = [], [], "", again.deductions.fast_path_db
    scarce = due.counted & (again.service.servers(slack_db) <= promised)
    tight = again.windows.servers(slack_db) <= promised
    for number, name in enumerate(again.names):
        needs = _needing(again.service, number, scarce, slack_db)
        spans = _needing(again.windows, number, tight, slack_db)
        said = str(sites["needed_for"][number])
        if said and not _is_reason(again, said, needs, spans):
            told.append(f"{name} is not needed for «{said}»")
        if int(sites["cost_minor"][number]) == 0:
            continue
        example = example or (f"{name} by {said}" if said else "")
        if not len(needs) and not len(spans) and not again.rate_needs(number):
            idle.append(name)
    wrong = [*([f"not necessary: {', '.join(idle)}"] if idle else []), *told[:3]]
    fine = f"each of {len(sites)} sites is needed, e.g. {example}"
    return Row("radio.sites-necessary", "", None, "", not wrong, None, "; ".join(wrong) or fine)


def _is_reason(again: ServedAgain, said: str, bins: npt.NDArray[np.int64], windows: npt.NDArray[np.int64]) -> bool:
    """Whether a claim and place that a site is said to be needed for are among those that need it."""
    claim, _, where = said.partition(" at ")
    place, due = where.partition(": ")[0], again.due
    if claim.startswith("radio.served") and again.claim(claim) is not None:
        return any(due.place(again.evidence, bin_) == place for bin_ in bins.tolist())
    return claim == "radio.handover.overlap" and any(due.window(again.evidence, w) == place for w in windows.tolist())


def _needing(service: Service, site: int, scarce: npt.NDArray[np.bool_], slack_db: float) -> npt.NDArray[np.int64]:
    """The extents that a site serves and that have no server to spare."""
    bins, margins = service.bins[site], service.margin_db[site]
    return bins[(margins >= -slack_db) & scarce[bins]]
