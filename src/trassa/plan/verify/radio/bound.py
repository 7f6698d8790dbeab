"""Least cost, checked from both sides: the cost counted again in integers, the bound from the stored duals.

::

    bound = Σ_i b_i·y_i − Σ_p max(0, max_h (Σ_i a_i,(p,h)·y_i − c_(p,h)))

holds for any y ≥ 0 by weak duality, so the duals need no trust. What a row demands and which candidates meet it is
computed here, by the reference path: a candidate whose margin is within the fast path's deviation of zero may count
otherwise than for the planner, and the bound moves by the dual of that row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.antennas import antennas_of
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.paths import Receivers, SmoothEarth, Surroundings, losses_db
from trassa.plan.verify.radio.service import Deductions, Edges, margins_between
from trassa.plan.verify.radio.sites import cost_minor
from trassa.plan.verify.verdict import Row
from trassa.provenance import Progress, no_progress

__all__ = ["check_least_cost"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_GAP_ROUNDING = 1.1e-6
"""What the solver's own tolerance leaves between a cost and its bound where none is cheaper."""
_BOUND_TOLERANCE = 0.01
"""The bound found may lie below the planner's by this share of the cost, for borderline candidates."""


@dataclass(frozen=True)
class _Duals:
    """Rows with a dual value, by the receivers they look at."""

    rows: Layer
    edges: Edges
    needed: Receivers


def check_least_cost(
    evidence: Evidence,
    due: DueBins,
    ground: Surroundings | SmoothEarth,
    deductions: Deductions,
    progress: Progress = no_progress,
) -> list[Row]:
    """The cost of the sites, the prices of the candidates, and the lower bound on any plan's cost."""
    claim = next((claim for claim in evidence.proof.claims if claim.id == "radio.least-cost"), None)
    if claim is None:
        return []
    total, rows = _cost_rows(evidence, claim)
    duals, wrong = _duals(evidence, due)
    bound = _bound_minor(evidence, duals, ground, deductions, progress) if len(duals.rows) else 0.0
    return [*rows, _bound_row(evidence, claim, total, bound, wrong)]


def _cost_rows(evidence: Evidence, claim: Claim) -> tuple[int, list[Row]]:
    sites, candidates = evidence.layers["sites"], evidence.layers["candidates"]
    total = sum(int(cost) for cost in sites["cost_minor"])
    stated = int(claim.method.get("cost_minor", -1))
    wrong = [f"cost stated {stated}, counted again {total}"] if stated != total else []
    for layer, name in ((sites, "site"), (candidates, "name")):
        for row in layer.rows():
            price = cost_minor(evidence, row)
            if row["cost_minor"] != price:
                wrong.append(f"{row[name]} costs {row['cost_minor']}, by the prices {price}")
    more = f"; {len(wrong) - 3} more" if len(wrong) > 3 else ""
    said = "; ".join(wrong[:3]) + more if wrong else f"{total} minor units, counted in integers, by the prices"
    return total, [Row("radio.cost", "", None, "", not wrong, None, said)]


def _duals(evidence: Evidence, due: DueBins) -> tuple[_Duals, list[str]]:
    """The rows that carry a dual, each of them a counted bin or an edge of one; others cannot be demanded."""
    table, wrong = evidence.layers["siting_rows"], []
    if len(table) and float(table["dual"].min()) < 0.0:
        wrong.append("a dual value is negative")
    point_of, bins = _points(evidence), _demanded(due)
    ways, starts, ends = table["carriageway"], table["start_m"], table["end_m"]
    first = [point_of.get((w, round(float(m), 3)), -1) for w, m in zip(ways, starts, strict=True)]
    last = [point_of.get((w, round(float(m), 3)), -1) for w, m in zip(ways, ends, strict=True)]
    lawful = np.array([pair in bins for pair in zip(first, last, strict=True)], dtype=bool)
    if not lawful.all():
        wrong.append(f"{int((~lawful).sum())} rows demand what the promise does not")
    kept = np.flatnonzero(lawful & (table["dual"] > 0.0)) if len(table) else np.zeros(0, dtype=np.int64)
    first_kept, last_kept = (np.array(points, dtype=np.int64)[kept] for points in (first, last))
    spans = [np.arange(first, last + 1) for first, last in zip(first_kept, last_kept, strict=True)]
    used = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *spans]))
    edges = Edges(np.searchsorted(used, first_kept), np.searchsorted(used, last_kept))
    return _Duals(table.take(kept), edges, due.receivers.take(used)), wrong


def _points(evidence: Evidence) -> dict[tuple[str, float], int]:
    """Receiver by carriageway and measure, in the order of the due bins."""
    found: dict[tuple[str, float], int] = {}
    for carriageway in evidence.carriageways:
        for measure in np.sort(evidence.layers["alignment"].where(carriageway=carriageway)["measure_m"]).tolist():
            found[(carriageway, round(measure, 3))] = len(found)
    return found


def _demanded(due: DueBins) -> set[tuple[int, int]]:
    """First and last of points that must be served together: of each counted bin, each window, each edge by itself."""
    first, last = due.edges.first[due.counted], due.edges.last[due.counted]
    pairs = set(zip(first.tolist(), last.tolist(), strict=True))
    pairs |= set(zip(due.windows.first.tolist(), due.windows.last.tolist(), strict=True))
    return pairs | {(p, p) for p in first.tolist()} | {(p, p) for p in last.tolist()}


def _bound_minor(
    evidence: Evidence,
    duals: _Duals,
    ground: Surroundings | SmoothEarth,
    deductions: Deductions,
    progress: Progress,
) -> float:
    candidates, settings = evidence.layers["candidates"], evidence.settings.radio
    links = losses_db(antennas_of(evidence, candidates), duals.needed, ground, settings, progress)
    met = margins_between(links, deductions.sum_db, duals.edges, len(duals.needed.measure_m), settings)
    dual, places = duals.rows["dual"], candidates["place"]
    servers: list[set[int]] = [set() for _ in range(len(dual))]
    worth: dict[int, float] = {}
    for row, (rows, margins, _) in enumerate(met):
        served = rows[margins >= 0.0]
        gain = float(dual[served].sum()) - float(candidates["cost_minor"][row])
        place = int(places[row])
        worth[place] = max(worth.get(place, 0.0), gain)
        for number in served:
            servers[number].add(place)
    wanted = 2 if settings.any_site_down else 1
    need = np.array([min(wanted, len(found)) for found in servers], dtype=np.float64)
    return float(np.minimum(need, duals.rows["need"]) @ dual - sum(max(gain, 0.0) for gain in worth.values()))


def _bound_row(evidence: Evidence, claim: Claim, total: int, bound: float, wrong: list[str]) -> Row:
    stated_gap, stated_lp = float(claim.method.get("gap", 0.0)), float(claim.method.get("lp_bound_minor", 0.0))
    gap = (total - bound) / total if total else 0.0
    if bound < stated_lp - _BOUND_TOLERANCE * max(total, 1):
        wrong.append(f"bound stated {stated_lp:.0f}, found {bound:.0f}")
    if bound > total * (1.0 + 1e-9):
        wrong.append(f"the bound {bound:.0f} exceeds the cost {total}")
    solver_gap = (total - float(claim.method.get("bound_minor", 0.0))) / total if total else 0.0
    if abs(solver_gap - stated_gap) > 1e-6:
        wrong.append(f"gap stated {stated_gap:.4%}, by its own bound {solver_gap:.4%}")
    limit = evidence.settings.radio.siting_gap
    holds = verdict(solver_gap > limit + _GAP_ROUNDING, estimate_reasons(evidence))
    promise = f"no other choice among the {len(evidence.layers['candidates'])} candidates that serves the same bins "
    if claim.promise != f"{promise}costs less by more than {limit:.3%}":
        wrong.append(f"promises «{claim.promise}»")
    if holds != claim.holds:
        wrong.append(f"the proof says {claim.holds}")
    told = f"gap proved here {gap:.3%}, the solver's {stated_gap:.3%}"
    if gap > stated_gap + 1e-9:
        told += "; what lies between is the solver's word"
    said = "; ".join([*wrong, told])
    return Row("radio.least-cost", "", (stated_gap - gap) * 100.0, "% of cost", not wrong, holds, said)
