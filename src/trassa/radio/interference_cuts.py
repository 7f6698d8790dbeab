"""Cuts: what every plan must change where the other cells drown a bin.

A bin fails under the sites that are built. It fails under every plan that keeps the sites crowding it and builds no
other site that could lift it, since more sites that hardly ever serve only disturb more. So

    Σ x over sites not built that could lift the bin + Σ (1 − x) over the sites that crowd it ≥ 1

holds for every plan that keeps the promise, and bound and gap stay true. What a site could add as a server is bounded
by the probability that it stands above the strongest of the crowd alone; sites whose probabilities together do not add
up to half of what lacks are left out of the first sum, and as many of the second are taken out of the crowd, weakest
first, as long as the bin fails without them: a smaller cut cuts off more plans. With any one site down the crowd is
what is left without it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from trassa.radio.budget import Budget
from trassa.radio.cuts import Cut
from trassa.radio.joint_service import Hidden, JointJudge, Judged
from trassa.radio.signals import Signals

__all__ = ["cuts_for"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_TOGETHER = 10
"""Bins of which the worst gets a cut: 100 m, about the length of a dip in the field."""


def cuts_for(
    judge: JointJudge,
    judged: Judged,
    hidden: Hidden,
    budget: Budget,
    bins: IntArray,
    heard_on: Callable[[IntArray, Budget], list[tuple[IntArray, FloatArray]]],
) -> list[Cut]:
    """Cuts for some of the failing bins, the worst of each hundred metres; ``heard_on`` gives slots and losses."""
    bins = _worst_of_each(judged, bins)
    slots = np.array(judged.cells.slots, dtype=np.int64)
    crowds = _Crowds.of(judge, judged, hidden, bins)
    while crowds.shrink_once(judge, hidden):
        pass
    reached = crowds.probability(judge, hidden)
    found = []
    for row, (bin_, (able, loss_db)) in enumerate(zip(bins.tolist(), heard_on(bins, budget), strict=True)):
        fresh = ~np.isin(able, slots)
        wanted_dbm = budget.rsrp_dbm(loss_db[fresh]) - hidden.mean_db
        lifting = _able_to_lift(able[fresh], wanted_dbm, crowds.strongest_dbm(row), judge, hidden, reached[row])
        crowding = slots[np.flatnonzero(crowds.kept[row])]
        found.append(Cut(bin_, tuple(lifting.tolist()), tuple(crowding.tolist())))
    return found


def _worst_of_each(judged: Judged, bins: IntArray) -> IntArray:
    """Of the failing bins of every hundred metres the one with the least reliability."""
    low = np.minimum(judged.up.probability_low[bins], judged.down.probability_low[bins])
    order = np.lexsort((low, bins // _TOGETHER))
    stretch = bins[order] // _TOGETHER
    first = np.concatenate([[True], stretch[1:] != stretch[:-1]])
    return np.sort(bins[order][first])


def _able_to_lift(
    slots: IntArray,
    wanted_dbm: FloatArray,
    strongest_dbm: float,
    judge: JointJudge,
    hidden: Hidden,
    reached: float,
) -> IntArray:
    """The slots without the weakest, whose odds beside the crowd do not add up to half of what lacks."""
    odds = _odds(judge, hidden, wanted_dbm, strongest_dbm)
    order = np.argsort(odds)
    weak = np.cumsum(odds[order]) < 0.5 * (judge.settings.reliability - reached)
    return np.sort(slots[order[~weak]])


def _odds(judge: JointJudge, hidden: Hidden, wanted_dbm: FloatArray, strongest_dbm: float) -> FloatArray:
    """The probability that each level meets the need beside one disturber, and beside noise: the less of the two."""
    settings = judge.settings
    sigma_db = max(math.hypot(settings.sigma_db, hidden.sigma_db), 1e-6)
    apart_db = max(sigma_db * math.sqrt(2.0 * (1.0 - settings.site_correlation)), 1e-6)
    load_db = 10.0 * math.log10(max(settings.neighbour_load, 1e-12))
    beside = ndtr((wanted_dbm - strongest_dbm - load_db - judge.need.sinr_db) / apart_db)
    alone = ndtr((wanted_dbm - judge.noise_dbm - judge.need.sinr_db) / sigma_db)
    return np.asarray(np.minimum(beside, alone), dtype=np.float64)


class _Crowds:
    """For each failing bin the sites that still crowd it, and those that may yet be left out, weakest first."""

    def __init__(self, signals: Signals, kept: BoolArray, tried: list[list[int]]) -> None:
        self.signals, self.kept, self.tried = signals, kept, tried

    @classmethod
    def of(cls, judge: JointJudge, judged: Judged, hidden: Hidden, bins: IntArray) -> _Crowds:
        signals, reliability = judged.signals.take(bins), judge.settings.reliability
        site, bin_ = signals.site[signals.cell], signals.bin
        kept = np.zeros((len(bins), len(judged.cells.slots)), dtype=bool)
        kept[bin_, site] = True
        without = judged.worst_site[bins]
        by_loss = (judged.up.probability_low[bins] >= reliability) & (without >= 0)
        kept[np.flatnonzero(by_loss), without[by_loss]] = False
        reached = np.where(by_loss, judged.down.probability_high[bins], judged.up.probability_high[bins])
        tried = []
        for row in range(len(bins)):
            mine = np.flatnonzero((bin_ == row) & kept[row, site])
            wanted_dbm = np.full(kept.shape[1], -np.inf)
            np.maximum.at(wanted_dbm, site[mine], signals.rsrp_dbm[mine])
            strongest_dbm = float(signals.interference_dbm[mine].max(initial=-np.inf))
            crowd = np.flatnonzero(kept[row])
            crowd = crowd[np.argsort(wanted_dbm[crowd])]
            odds = _odds(judge, hidden, wanted_dbm[crowd], strongest_dbm)
            tried.append(crowd[np.cumsum(odds) < 0.5 * (reliability - reached[row])].tolist())
        return cls(signals, kept, tried)

    def probability(self, judge: JointJudge, hidden: Hidden) -> FloatArray:
        """What each bin reaches beside its crowd, by the upper bound."""
        site, bin_ = self.signals.site[self.signals.cell], self.signals.bin
        up, _, _ = judge.reliability(_masked(self.signals, self.kept[bin_, site]), hidden, judge.need)
        return up.probability_high

    def strongest_dbm(self, row: int) -> float:
        """The strongest level that disturbs a bin from its crowd."""
        mine = slice(int(self.signals.bin_start[row]), int(self.signals.bin_start[row + 1]))
        there = self.kept[row, self.signals.site[self.signals.cell[mine]]]
        return float(self.signals.interference_dbm[mine][there].max(initial=-np.inf))

    def shrink_once(self, judge: JointJudge, hidden: Hidden) -> bool:
        """Try each bin without its weakest untried site; false where nothing is left to try."""
        rows = [row for row, left in enumerate(self.tried) if left]
        if not rows:
            return False
        trial = self.kept.copy()
        for row in rows:
            trial[row, self.tried[row].pop(0)] = False
        site, bin_ = self.signals.site[self.signals.cell], self.signals.bin
        up, _, _ = judge.reliability(_masked(self.signals, trial[bin_, site]), hidden, judge.need)
        for row in rows:
            if up.probability_low[row] < judge.settings.reliability:
                self.kept[row] = trial[row]
        return True


def _masked(signals: Signals, keep: BoolArray) -> Signals:
    """The signals without those that are not kept."""
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep)])[signals.bin_start]
    return replace(
        signals,
        bin_start=start,
        cell=signals.cell[keep],
        rsrp_dbm=signals.rsrp_dbm[keep],
        interference_dbm=signals.interference_dbm[keep],
    )
