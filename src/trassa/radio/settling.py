"""Plan, measure on the plan's own links, and plan again, until a plan rests on no less than its links call for.

Within a pass the plan is judged beside the load of the other cells, and its cells by the vehicles they serve, where
that is promised; what fails gives cuts, and the programme is solved again until nothing fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.provenance import Progress
from trassa.radio.allowances import inside_bins, measured, middles, near_threshold, raised, serving
from trassa.radio.budget import Budget, Deduction
from trassa.radio.cell_load import CellLoads, Traffic
from trassa.radio.cuts import Cut
from trassa.radio.field import Field, LossBook, field_of
from trassa.radio.interference_cuts import cuts_for
from trassa.radio.joint_service import Hidden, JointJudge, Judged
from trassa.radio.load_cuts import load_cuts_for
from trassa.radio.recount import without_surplus
from trassa.radio.site_search import Found, SiteSearch
from trassa.radio.trial import Trial, Verdict, without_idle

__all__ = ["Settled", "settle"]

IntArray = npt.NDArray[np.int64]

_PASSES = 8
"""The first plan, and seven more at most because the serving links call for larger deductions."""
_CUT_ROUNDS, _LOAD_CUT_ROUNDS = 12, 24
"""Programmes with cuts, and as many where only loads are too high: those are judged without draws."""
_LIFT_ROUNDS = 40
_AROUND = 5
_LARGEST_EXTRA_DB = 40.0
_LIFT_BEYOND_DB = 0.5
_STALE_ROUNDS, _FALLS_RATIO = 12, 0.98
"""Lifts stop after so many in a row of which none made the fullest cell that much less full."""
_SPREAD_HEADROOM_DB = 0.25


@dataclass(frozen=True)
class Settled:
    """A plan whose deductions are no smaller than what its serving links call for, or the last of the passes.

    ``loads`` are those of its cells by all vehicles, None where no traffic is promised. ``drowned`` are bins that no
    plan found keeps beside the load of the other cells, ``crowded`` those of cells that no plan found relieves.
    ``cuts`` were added in ``cut_rounds`` programmes; ``lifts`` counts the programmes that asked for stronger servers,
    which leave the bound where it was.
    """

    budget: Budget
    found: Found
    slots: tuple[int, ...]
    field: Field
    passes: int
    seconds: float
    short_of: Mapping[str, Deduction]
    hidden: Hidden
    judged: Judged
    loads: CellLoads | None
    drowned: IntArray
    crowded: IntArray
    cuts: int
    cut_rounds: int
    lifts: int


_NONE = np.empty(0, dtype=np.int64)
_NOTHING_ASKED = Verdict(None, _NONE, None, _NONE)


@dataclass
class _Pass:
    """One plan under one budget."""

    found: Found
    slots: tuple[int, ...]
    verdict: Verdict = _NOTHING_ASKED
    cuts: int = 0
    rounds: int = 0
    lifts: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _Called:
    """What a plan's links call for, and what is taken from now on: never less than before."""

    served: Field
    asked: dict[str, Deduction]
    deductions: dict[str, Deduction]
    hidden: Hidden


class _Gauge:
    """Measures plans of one road on their own links."""

    def __init__(self, search: SiteSearch, judge: JointJudge, book: LossBook) -> None:
        paths, candidates, points, bins = judge.paths, search.candidates, search.points, judge.bins
        self._where = (paths, candidates, points, bins, search.settings)
        self._book, self._inside = book, LossBook(paths, candidates, *middles(points, bins))
        some = near_threshold(search.sample(), bins, Budget.of(search.settings, {}))
        self.deductions, self.hidden = measured(*self._where, some)
        """What links near the threshold call for: the first guess."""

    def measure(self, one: _Pass, budget: Budget, taken: dict[str, Deduction], hidden: Hidden) -> _Called:
        """What the links of a plan under one budget call for."""
        served, spread, asked = field_of(self._book, one.slots, budget), hidden, dict(taken)
        if one.slots:
            asked, spread = measured(*self._where, serving(served, len(self._book.candidates.options)))
        need = one.found.need[: len(self._book.bins)]
        asked["within_bin_db"] = inside_bins(self._inside, one.slots, budget, need)
        return _Called(served, asked, raised(taken, asked), _wider(hidden, spread))


def settle(search: SiteSearch, judge: JointJudge, progress: Progress) -> Settled:
    """The plan of a road; the judge's bins are the search's without its windows."""
    settings, book = search.settings, search.book.over(judge.bins)
    gauge = _Gauge(search, judge, book)
    deductions, hidden, spent_s = gauge.deductions, gauge.hidden, 0.0
    for number in range(1, _PASSES + 1):
        budget, part = Budget.of(settings, deductions), _part_of(progress, number - 1)
        one, trial = _draft(search, book, budget, judge, hidden, part)
        draft, called = one.slots, gauge.measure(one, budget, deductions, hidden)
        if number == _PASSES or not _calls_for_more(called, deductions, hidden, one, trial):  # else not worth judging
            _keep_promises(one, trial, part)
            if one.slots != draft:
                called = gauge.measure(one, budget, deductions, hidden)
        spent_s += one.seconds
        progress(number / _PASSES)
        if number == _PASSES or not _calls_for_more(called, deductions, hidden, one, trial):
            break
        deductions, hidden = called.deductions, called.hidden
    short_of = {name: called.deductions[name] for name in deductions if called.deductions[name] != deductions[name]}
    if not short_of:
        budget = replace(budget, deductions={**deductions, "within_bin_db": called.asked["within_bin_db"]})
    judged = one.verdict.judged or judge.judge(one.slots, budget, hidden)
    busy = settings.vehicles_per_km * settings.rate_per_vehicle_mbps > 0.0
    loads = Traffic(judge).loads(one.slots, budget, hidden) if busy else None
    plan = (budget, one.found, one.slots, called.served, number, spent_s, short_of, hidden, judged, loads)
    return Settled(*plan, one.verdict.short, one.verdict.crowded, one.cuts, one.rounds, one.lifts)


def _calls_for_more(
    called: _Called, deductions: dict[str, Deduction], hidden: Hidden, one: _Pass, trial: Trial
) -> bool:
    """Whether a plan's links call for more than it was made for; what the ground hides counts beside loads only."""
    return called.deductions != deductions or (_is_beside(one, trial) and called.hidden != hidden)


def _draft(
    search: SiteSearch, book: LossBook, budget: Budget, judge: JointJudge, hidden: Hidden, progress: Progress
) -> tuple[_Pass, Trial]:
    """The cheapest plan by what is promised against noise."""
    found = search.find(budget, progress)
    one, trial = _Pass(found, tuple(found.result.slots)), Trial(search, book, budget, judge, hidden, found.need)
    one.seconds = found.seconds
    if not trial.rate_promised or not one.slots:
        one.slots = without_surplus(search.book, one.slots, budget, found.need)
    return one, trial


def _is_beside(one: _Pass, trial: Trial) -> bool:
    """Whether anything is promised beside the load that these sites could keep."""
    return bool(one.slots) and (trial.rate_promised or trial.traffic.promised)


def _keep_promises(one: _Pass, trial: Trial, progress: Progress) -> None:
    """Make the plan keep rate and traffic beside the load too, as far as cuts and stronger servers go."""
    found = one.found
    if not _is_beside(one, trial):
        return
    one.verdict = trial.verdict(one.slots)
    if not trial.rate_promised and not len(one.verdict.failing):
        return
    first = one.slots, one.verdict
    alone = trial.judge.settings.shared_cell_heads == 1
    if alone:  # else which sites share a cell changes with every site: no cut holds
        _cut(one, trial, progress)
    if len(one.verdict.failing):
        _ask_for_stronger_servers(one, trial, progress)
    if not len(one.verdict.failing):
        one.slots, one.verdict = without_idle(trial, one.slots, one.verdict)
    else:
        one.found = found  # what cuts made dearer does not bound a plan that keeps fewer promises
        if trial.traffic.promised and len(one.verdict.short) >= len(first[1].short):
            one.slots, one.verdict = first  # nor is a dearer one worth its cost that relieves cells and not enough


def _cut(one: _Pass, trial: Trial, progress: Progress) -> None:
    """Solve again with cuts for what fails, as long as something does and there are rounds and time left."""
    cuts: list[Cut] = []
    limit_s = trial.judge.settings.siting_time_limit_s
    while len(one.verdict.failing) and one.seconds < limit_s:
        if one.rounds >= (_CUT_ROUNDS if len(one.verdict.short) else _LOAD_CUT_ROUNDS):
            break
        fresh = _fresh_cuts(one, trial)
        if not fresh:
            break
        again = trial.search.find(trial.budget, progress, [*cuts, *fresh])
        one.rounds += 1
        one.seconds += again.seconds
        if again.result.status == "infeasible":  # the plan before stays
            break
        cuts, one.found, one.slots = [*cuts, *fresh], again, tuple(again.result.slots)
        one.verdict = trial.verdict(one.slots)
    one.cuts = len(cuts)


def _fresh_cuts(one: _Pass, trial: Trial) -> list[Cut]:
    """Cuts for the bins without the rate and for the cells with too much traffic."""
    verdict, hidden, budget, heard_on = one.verdict, trial.hidden, trial.budget, trial.search.heard_on
    fresh: list[Cut] = []
    if verdict.judged is not None and len(verdict.short):
        fresh += cuts_for(trial.judge, verdict.judged, hidden, budget, verdict.short, heard_on)
    if verdict.loads is not None:
        fresh += load_cuts_for(trial.traffic, verdict.loads, one.slots, budget, hidden, heard_on)
    return fresh


def _ask_for_stronger_servers(one: _Pass, trial: Trial, progress: Progress) -> None:
    """Ask for stronger servers where bins fail, round by round; the bound stays that of the plan before.

    Of the plans that keep not everything the one with the fewest bins short of the rate stays, the first of equals:
    sites that relieve no cell enough are not worth their cost. Where only loads fail and fall no more, the search ends.
    """
    extra_db, bins = np.zeros(len(trial.search.points)), trial.judge.bins
    slots, verdict, fullest, stale = one.slots, one.verdict, _fullest(one.verdict), 0
    for _ in range(_LIFT_ROUNDS):
        if not len(verdict.failing) or stale >= _STALE_ROUNDS:
            break
        before_db = extra_db.copy()
        for bin_, lack in zip(verdict.failing.tolist(), trial.lack_db(verdict).tolist(), strict=True):
            around = slice(max(int(bins.start[bin_]) - _AROUND, 0), int(bins.end[bin_]) + _AROUND)
            extra_db[around] = np.maximum(extra_db[around], before_db[around] + lack + _LIFT_BEYOND_DB)
        again = trial.search.find(trial.budget, progress, extra_db=np.minimum(extra_db, _LARGEST_EXTRA_DB))
        one.seconds += again.seconds
        one.lifts += 1
        if tuple(again.result.slots) == slots:
            continue  # servers are stronger than asked for as it is
        slots = tuple(again.result.slots)
        verdict = trial.verdict(slots)
        if len(verdict.short) < len(one.verdict.short) or not len(verdict.failing):
            one.slots, one.verdict = slots, verdict
        falls = len(verdict.short) > 0 or _fullest(verdict) < _FALLS_RATIO * fullest
        fullest, stale = min(fullest, _fullest(verdict)), 0 if falls else stale + 1


def _fullest(verdict: Verdict) -> float:
    """The largest load of any cell; 0 where no traffic is promised."""
    return 0.0 if verdict.loads is None else float(verdict.loads.worst.max(initial=0.0))


def _wider(hidden: Hidden, found: Hidden) -> Hidden:
    """The larger mean and spread; what has to rise rises a little further."""
    if found.mean_db <= hidden.mean_db and found.sigma_db <= hidden.sigma_db:
        return hidden
    told = f"{found.source}; {_SPREAD_HEADROOM_DB:g} dB added where that was more than before"
    rises = [
        old if new <= old else round(new + _SPREAD_HEADROOM_DB, 2)
        for old, new in ((hidden.mean_db, found.mean_db), (hidden.sigma_db, found.sigma_db))
    ]
    return Hidden(rises[0], rises[1], told)


def _part_of(progress: Progress, passes: int) -> Progress:
    """The progress of one pass after so many others."""
    return lambda share: progress((passes + 0.9 * share) / _PASSES)
