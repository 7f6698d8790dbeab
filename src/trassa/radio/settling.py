"""Plan, measure on the plan's own links, and plan again, until a plan rests on no less than its links call for.

Within a pass the plan is judged beside the load of the other cells, where that is promised; bins that fail give cuts,
and the programme is solved again until none fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from trassa.provenance import Progress
from trassa.radio.allowances import inside_bins, measured, middles, near_threshold, raised, serving
from trassa.radio.budget import Budget, Deduction
from trassa.radio.cuts import Cut
from trassa.radio.field import Field, LossBook, field_of
from trassa.radio.interference_cuts import cuts_for
from trassa.radio.joint_service import Hidden, JointJudge, Judged
from trassa.radio.recount import without_surplus
from trassa.radio.site_search import Found, SiteSearch
from trassa.radio.trial import Trial, without_idle

__all__ = ["Settled", "settle"]

IntArray = npt.NDArray[np.int64]

_PASSES = 8
"""The first plan, and seven more at most because the serving links call for larger deductions."""
_CUT_ROUNDS = 12
_LIFT_ROUNDS = 40
_MOST_LIFT_DB = 6.0
_AROUND = 5
_LARGEST_EXTRA_DB = 40.0
_SPREAD_HEADROOM_DB = 0.25


@dataclass(frozen=True)
class Settled:
    """A plan whose deductions are no smaller than what its serving links call for, or the last of the passes.

    ``drowned`` are bins that no plan found keeps beside the load of the other cells. ``cuts`` were added in
    ``cut_rounds`` programmes; ``lifts`` counts the programmes that asked for stronger servers, which leave the bound
    where it was.
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
    drowned: IntArray
    cuts: int
    cut_rounds: int
    lifts: int


@dataclass
class _Pass:
    """One plan under one budget."""

    found: Found
    slots: tuple[int, ...]
    judged: Judged | None = None
    drowned: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    cuts: int = 0
    rounds: int = 0
    lifts: int = 0
    seconds: float = 0.0


def settle(search: SiteSearch, judge: JointJudge, progress: Progress) -> Settled:
    """The plan of a road; the judge's bins are the search's without its windows."""
    candidates, points, settings, bins = search.candidates, search.points, search.settings, judge.bins
    paths, book = judge.paths, search.book.over(bins)
    where = (paths, candidates, points, bins, settings)
    promised = settings.with_interference and settings.rate_down_mbps > 0.0 and judge.possible
    inside = LossBook(paths, candidates, *middles(points, bins))
    deductions, hidden = measured(*where, near_threshold(search.sample(), bins, Budget.of(settings, {})))
    spent_s = 0.0
    for number in range(1, _PASSES + 1):
        budget, part = Budget.of(settings, deductions), _part_of(progress, number - 1)
        one = _plan(search, book, budget, judge if promised else None, hidden, part)
        spent_s += one.seconds
        served = field_of(book, one.slots, budget)
        asked, spread = (
            measured(*where, serving(served, len(candidates.options))) if one.slots else (deductions, hidden)
        )
        asked["within_bin_db"] = inside_bins(inside, one.slots, budget, one.found.need[: len(bins)])
        wanted, wider = raised(deductions, asked), _wider(hidden, spread)
        progress(number / _PASSES)
        if (wanted == deductions and (not promised or wider == hidden)) or number == _PASSES:
            break
        deductions, hidden = wanted, wider
    short_of = {name: wanted[name] for name in deductions if wanted[name] != deductions[name]}
    if not short_of:
        budget = replace(budget, deductions={**deductions, "within_bin_db": asked["within_bin_db"]})
    judged = one.judged or Trial(search, book, budget, judge, hidden, one.found.need).judged(one.slots)[0]
    plan = (budget, one.found, one.slots, served, number, spent_s, short_of, hidden, judged)
    return Settled(*plan, one.drowned, one.cuts, one.rounds, one.lifts)


def _plan(
    search: SiteSearch, book: LossBook, budget: Budget, judge: JointJudge | None, hidden: Hidden, progress: Progress
) -> _Pass:
    """The cheapest plan that also keeps the rate beside the load, as far as cuts and stronger servers bring it."""
    found = search.find(budget, progress)
    one = _Pass(found, tuple(found.result.slots), seconds=found.seconds)
    if judge is None or not found.result.slots:
        one.slots = without_surplus(search.book, found.result.slots, budget, found.need)
        return one
    trial = Trial(search, book, budget, judge, hidden, found.need)
    one.judged, short = trial.judged(one.slots)
    if judge.settings.shared_cell_heads == 1:  # else which sites share a cell changes with every site: no cut holds
        short = _with_cuts(one, trial, short, progress)
    if len(short):
        short = _with_stronger_servers(one, trial, short, progress)
    if not len(short):
        one.slots, one.judged = without_idle(trial, one.slots, one.judged)
    else:
        one.found = found  # what cuts made dearer does not bound a plan that keeps fewer promises
    one.drowned = short
    return one


def _with_cuts(one: _Pass, trial: Trial, short: IntArray, progress: Progress) -> IntArray:
    """Solve again with cuts for the bins that fail; gives those that still do."""
    cuts: list[Cut] = []
    while len(short) and one.rounds < _CUT_ROUNDS and one.seconds < trial.judge.settings.siting_time_limit_s:
        assert one.judged is not None
        fresh = cuts_for(trial.judge, one.judged, trial.hidden, trial.budget, short, trial.search.heard_on)
        again = trial.search.find(trial.budget, progress, [*cuts, *fresh])
        one.rounds += 1
        one.seconds += again.seconds
        if again.result.status == "infeasible":  # the plan before stays
            break
        cuts, one.found, one.slots = [*cuts, *fresh], again, tuple(again.result.slots)
        one.judged, short = trial.judged(one.slots)
    one.cuts = len(cuts)
    return short


def _with_stronger_servers(one: _Pass, trial: Trial, short: IntArray, progress: Progress) -> IntArray:
    """Ask for stronger servers where bins fail, round by round; the bound stays that of the plan before.

    The plan with the fewest failing bins is kept.
    """
    extra_db, least = np.zeros(len(trial.search.points)), short
    slots, judged = one.slots, one.judged
    for _ in range(_LIFT_ROUNDS):
        if not len(short):
            break
        assert judged is not None
        before_db = extra_db.copy()
        lack_db = np.clip(-trial.margin_db(judged)[short], 0.5, _MOST_LIFT_DB) + 0.5
        for bin_, lack in zip(short.tolist(), lack_db.tolist(), strict=True):
            around = slice(
                max(int(trial.judge.bins.start[bin_]) - _AROUND, 0), int(trial.judge.bins.end[bin_]) + _AROUND
            )
            extra_db[around] = np.maximum(extra_db[around], before_db[around] + lack)
        again = trial.search.find(trial.budget, progress, extra_db=np.minimum(extra_db, _LARGEST_EXTRA_DB))
        one.seconds += again.seconds
        one.lifts += 1
        slots = tuple(again.result.slots)
        judged, short = trial.judged(slots)
        if len(short) < len(least):
            least, one.slots, one.judged = short, slots, judged
    return least


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
