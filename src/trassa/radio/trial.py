"""A plan on trial: does it keep the rate beside the load, and which of its sites would nobody miss?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.radio.budget import Budget
from trassa.radio.field import LossBook
from trassa.radio.joint_service import Hidden, JointJudge, Judged
from trassa.radio.recount import short_bins
from trassa.radio.site_search import SiteSearch

__all__ = ["Trial", "without_idle"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


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

    def judged(self, slots: Sequence[int]) -> tuple[Judged, IntArray]:
        """The judgement on the sites at these slots, and the counted bins that have their servers and fall short."""
        settings = self.judge.settings
        judged = self.judge.judge(slots, self.budget, self.hidden)
        asked = (self.judge.bins.exempt == "") & (self.need[: len(self.book.bins)] >= self.search.servers)
        return judged, np.flatnonzero(asked & judged.short(settings.reliability, settings.any_site_down))

    def margin_db(self, judged: Judged) -> FloatArray:
        """The lower bound of the SINR margin that the promise rests on; shape (bins,), −∞ where none is left."""
        margin_db = np.nan_to_num(judged.up.margin_low_db, nan=-np.inf)
        if self.judge.settings.any_site_down:
            margin_db = np.minimum(margin_db, np.nan_to_num(judged.down.margin_low_db, nan=-np.inf))
        return margin_db


def without_idle(trial: Trial, slots: tuple[int, ...], judged: Judged) -> tuple[tuple[int, ...], Judged]:
    """The plan without the sites that no promise needs, dearest first; it keeps all promises before and after."""
    search, cost = trial.search, trial.search.candidates.cost_minor.ravel()
    for slot in sorted(slots, key=lambda slot: (-int(cost[slot]), slot)):
        rest = tuple(other for other in slots if other != slot)
        if cost[slot] == 0 or len(short_bins(search.book, rest, trial.budget, trial.need)):
            continue
        again, short = trial.judged(rest)
        if not len(short):
            slots, judged = rest, again
    return slots, judged
