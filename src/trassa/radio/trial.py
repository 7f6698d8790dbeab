"""A plan on trial: does it keep the rate beside the load, do its cells carry their vehicles, is every site missed?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.radio.budget import Budget
from trassa.radio.cell_load import CellLoads, Traffic
from trassa.radio.field import LossBook
from trassa.radio.joint_service import Hidden, JointJudge, Judged
from trassa.radio.recount import spare_slots
from trassa.radio.site_search import SiteSearch

__all__ = ["Trial", "Verdict", "without_idle"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


_LEAST_LACK_DB = 0.5
_MOST_LACK_DB = 6.0


@dataclass(frozen=True)
class Verdict:
    """What was found of a plan.

    ``short`` are the counted bins that have their servers and not the rate beside the load, ``crowded`` those that a
    cell serves which carries more than it may. ``judged`` is None where no rate is promised, ``loads`` where no traffic
    is.
    """

    judged: Judged | None
    short: IntArray
    loads: CellLoads | None
    crowded: IntArray

    @property
    def failing(self) -> IntArray:
        """The bins on which some promise fails."""
        return np.union1d(self.short, self.crowded)


@dataclass(frozen=True)
class Trial:
    """The terms on which plans of a road are tried.

    ``need`` counts the servers that the search's bins and windows ask for against noise, the book's bins first.
    """

    search: SiteSearch
    book: LossBook
    budget: Budget
    judge: JointJudge
    hidden: Hidden
    need: IntArray

    @property
    def rate_promised(self) -> bool:
        """Whether a downlink rate is promised beside the load of the other cells, and the carrier can carry it."""
        settings = self.judge.settings
        return settings.with_interference and settings.rate_down_mbps > 0.0 and self.judge.possible

    @cached_property
    def traffic(self) -> Traffic:
        """The vehicles on the bins that have their servers: what no plan can serve is no fault of this one."""
        return Traffic(self.judge, self._asked)

    @cached_property
    def _asked(self) -> BoolArray:
        asked = (self.judge.bins.exempt == "") & (self.need[: len(self.book.bins)] >= self.search.servers)
        return np.asarray(asked, dtype=bool)

    def verdict(self, slots: tuple[int, ...]) -> Verdict:
        """Whether the sites at these slots keep what is promised of rate and traffic."""
        none = np.empty(0, dtype=np.int64)
        judged, short = self.judged(slots) if self.rate_promised else (None, none)
        if not self.traffic.promised:
            return Verdict(judged, short, None, none)
        loads = self.traffic.loads(slots, self.budget, self.hidden)
        return Verdict(judged, short, loads, self.traffic.bins_of(loads, loads.worst > self.traffic.bound_ratio))

    def lack_db(self, verdict: Verdict) -> FloatArray:
        """By how much the servers of every failing bin should be stronger, roughly; shape (failing,)."""
        lack_db = np.zeros(len(self.judge.bins))
        if verdict.judged is not None:
            lack_db[verdict.short] = -self.margin_db(verdict.judged)[verdict.short]
        if verdict.loads is not None:
            over = 10.0 * np.log10(np.maximum(verdict.loads.worst, 1e-9) / self.traffic.bound_ratio)
            for cell in np.flatnonzero(over > 0.0).tolist():
                bins = self.traffic.bins_of(verdict.loads, np.arange(len(over)) == cell)
                lack_db[bins] = np.maximum(lack_db[bins], over[cell])
        return np.clip(lack_db[verdict.failing], _LEAST_LACK_DB, _MOST_LACK_DB)

    def judged(self, slots: Sequence[int]) -> tuple[Judged, IntArray]:
        """The judgement on the sites at these slots, and the counted bins that have their servers and fall short."""
        settings = self.judge.settings
        judged = self.judge.judge(slots, self.budget, self.hidden)
        return judged, np.flatnonzero(self._asked & judged.short(settings.reliability, settings.any_site_down))

    def margin_db(self, judged: Judged) -> FloatArray:
        """The lower bound of the SINR margin that the promise rests on; shape (bins,), −∞ where none is left."""
        margin_db = np.nan_to_num(judged.up.margin_low_db, nan=-np.inf)
        if self.judge.settings.any_site_down:
            margin_db = np.minimum(margin_db, np.nan_to_num(judged.down.margin_low_db, nan=-np.inf))
        return margin_db


def without_idle(trial: Trial, slots: tuple[int, ...], verdict: Verdict) -> tuple[tuple[int, ...], Verdict]:
    """The plan without the sites that no promise needs, dearest first; it keeps all promises before and after."""
    search, cost = trial.search, trial.search.candidates.cost_minor.ravel()
    spare = spare_slots(search.book, slots, trial.budget, trial.need)
    for slot in sorted(slots, key=lambda slot: (-int(cost[slot]), slot)):
        if cost[slot] == 0 or slot not in spare:
            continue
        rest = tuple(other for other in slots if other != slot)
        again = trial.verdict(rest)
        if not len(again.failing):
            slots, verdict = rest, again
            spare = spare_slots(search.book, slots, trial.budget, trial.need)
    return slots, verdict
