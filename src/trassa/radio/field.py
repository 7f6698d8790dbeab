"""The service that a set of sites gives on every bin: best server, second server, margins.

Margins are taken from the losses at the two edges of a bin, and the worse edge counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trassa.provenance import Progress, no_progress
from trassa.radio.bins import Bins, Points
from trassa.radio.budget import Budget
from trassa.radio.candidates import Candidates
from trassa.radio.paths import Paths

__all__ = ["Field", "LossBook", "Reception", "field_of"]

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reception:
    """The bins that one site reaches, with the loss at the worse edge and the margin there; shape (bins in reach,)."""

    bin: IntArray
    loss_db: FloatArray
    margin_db: FloatArray

    @property
    def served(self) -> IntArray:
        """The bins this site serves."""
        return self.bin[self.margin_db >= 0.0]


@dataclass(frozen=True)
class Field:
    """Best and second server of every bin; arrays of shape (bins,). Servers index ``slots``, −1 for none.

    ``count`` is the number of sites that serve. Margins and RSRP are NaN where there is no server in reach.
    """

    slots: tuple[int, ...]
    receptions: Mapping[int, Reception] = field(repr=False)
    count: IntArray
    best: IntArray
    second: IntArray
    margin_db: FloatArray
    second_margin_db: FloatArray
    rsrp_dbm: FloatArray
    starts: IntArray
    """The point at which every bin begins."""


class LossBook:
    """Losses from places to every point of the road, computed once per place and kept, and their worst on each bin."""

    def __init__(self, paths: Paths, candidates: Candidates, points: Points, bins: Bins) -> None:
        self.candidates, self.points, self.bins = candidates, points, bins
        self._paths = paths
        self._at_points: dict[int, tuple[npt.NDArray[np.int32], SingleArray]] = {}
        self._worst: dict[int, tuple[IntArray, SingleArray]] = {}

    def over(self, bins: Bins) -> LossBook:
        """The same losses on other bins."""
        other = LossBook(self._paths, self.candidates, self.points, bins)
        other._at_points = self._at_points
        return other

    def open(self, places: Iterable[int], progress: Progress = no_progress) -> None:
        """Compute the losses of places that are not in the book yet."""
        fresh = np.array(sorted(set(places) - set(self._at_points)), dtype=np.int64)
        if not len(fresh):
            return
        links = self._paths.links(self.candidates.take(fresh), self.points, progress)
        for row, place in enumerate(fresh.tolist()):
            part = slice(int(links.place_start[row]), int(links.place_start[row + 1]))
            self._at_points[place] = links.receiver[part], links.loss_db[part]

    def reception(self, slot: int, budget: Budget) -> Reception:
        """What a site at one slot gives to the bins it reaches; its place must be open."""
        place, option = divmod(slot, len(self.candidates.options))
        if place not in self._worst:
            self._worst[place] = self._worst_on_bins(*self._at_points[place])
        reached, losses_db = self._worst[place]
        loss_db = losses_db[:, option].astype(np.float64)
        linked = np.isfinite(loss_db)
        return Reception(reached[linked], loss_db[linked], budget.largest_loss_db - loss_db[linked])

    def _worst_on_bins(self, receiver: npt.NDArray[np.int32], loss_db: SingleArray) -> tuple[IntArray, SingleArray]:
        """The bins with a link at all of their points, and the largest loss there, for every option."""
        row_of = np.full(len(self.points), -1, dtype=np.int64)
        row_of[receiver] = np.arange(len(receiver))
        start, end = self.bins.start, self.bins.end
        reached = np.flatnonzero((row_of[start] >= 0) & (row_of[end] >= 0))
        start, end = start[reached], end[reached]
        worst_db, whole = loss_db[row_of[start]], np.ones(len(reached), dtype=bool)
        for step in range(1, int((end - start).max(initial=1)) + 1):
            row = row_of[np.minimum(start + step, end)]
            whole &= row >= 0
            np.maximum(worst_db, loss_db[row], out=worst_db)
        return reached[whole], worst_db[whole]


def field_of(book: LossBook, slots: Sequence[int], budget: Budget, progress: Progress = no_progress) -> Field:
    """The service of sites at these slots, one slot per place."""
    options = len(book.candidates.options)
    book.open({slot // options for slot in slots}, progress)
    bins = len(book.bins)
    count, best, second = np.zeros(bins, dtype=np.int64), np.full(bins, -1), np.full(bins, -1)
    margin_db, second_db, best_loss_db = np.full(bins, -np.inf), np.full(bins, -np.inf), np.full(bins, np.inf)
    receptions: dict[int, Reception] = {}
    for number, slot in enumerate(slots):
        reception = receptions[slot] = book.reception(slot, budget)
        at, given_db = reception.bin, reception.margin_db
        count[reception.served] += 1
        better = given_db > margin_db[at]
        runner_up = ~better & (given_db > second_db[at])
        won = at[better]
        second[won], second_db[won] = best[won], margin_db[won]
        best[won], margin_db[won], best_loss_db[won] = number, given_db[better], reception.loss_db[better]
        second[at[runner_up]], second_db[at[runner_up]] = number, given_db[runner_up]
    rsrp_dbm = np.where(best >= 0, budget.rsrp_dbm(best_loss_db), np.nan)
    margin_db = np.where(best >= 0, margin_db, np.nan)
    second_db = np.where(second >= 0, second_db, np.nan)
    return Field(tuple(slots), receptions, count, best, second, margin_db, second_db, rsrp_dbm, book.bins.start)
