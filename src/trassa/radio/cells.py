"""The cells of a plan and what they put on every bin: as servers half of the time, as interferers a tenth of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.radio.bins import Points
from trassa.radio.budget import Budget
from trassa.radio.candidates import Candidates
from trassa.radio.options import Options
from trassa.radio.paths import Paths
from trassa.radio.signals import Signals

__all__ = ["Cells", "SectorLosses", "cells_of", "signals_of"]

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_FAINT_DB = -20.0
"""An interferer this far below the noise adds less than 0.02 dB to it at any load promised; it is left out."""


@dataclass(frozen=True)
class Cells:
    """The cells of some slots, site after site, the sector ahead first; arrays of shape (cells,).

    ``site`` numbers the slots they belong to; ``side`` is ahead, back or omni.
    """

    slots: tuple[int, ...]
    site: IntArray
    side: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.site)

    def names(self, sites: Sequence[str]) -> list[str]:
        """``S-01/1`` and ``S-01/2``: the first sector looks ahead, the second back."""
        numbers = {"ahead": 1, "back": 2, "omni": 1}
        return [f"{sites[site]}/{numbers[side]}" for site, side in zip(self.site.tolist(), self.side, strict=True)]


def cells_of(candidates: Candidates, slots: Sequence[int]) -> Cells:
    """The cells of the sites at these slots."""
    options, site, side = candidates.options, [], []
    for number, slot in enumerate(slots):
        option = slot % len(options)
        there = [
            ("ahead", options.ahead[option]),
            ("back", options.back[option]),
            ("omni", not options.sectors[option]),
        ]
        for name, exists in there:
            if exists:
                site.append(number)
                side.append(name)
    return Cells(tuple(slots), np.array(site, dtype=np.int64), np.array(side, dtype=object))


class SectorLosses:
    """Losses from every sector of a slot to some points, at one share of the time; each slot is computed once."""

    def __init__(self, paths: Paths, candidates: Candidates, points: Points) -> None:
        self.points = points
        self._paths, self._candidates = paths, candidates
        self._known: dict[int, tuple[IntArray, SingleArray]] = {}

    def open(self, cells: Cells) -> None:
        """Compute what is not known yet of the slots of these cells."""
        fresh = np.array([slot for slot in cells.slots if slot not in self._known], dtype=np.int64)
        count = len(self._candidates.options)
        for key in np.unique(fresh % count).tolist():
            mine = fresh[fresh % count == key]
            site = cells.slots.index(int(mine[0]))
            sides = [str(cells.side[cell]) for cell in np.flatnonzero(cells.site == site)]
            links = self._paths.links(_sectors(self._candidates.take(mine // count), key, sides), self.points)
            for row, slot in enumerate(mine.tolist()):
                part = slice(int(links.place_start[row]), int(links.place_start[row + 1]))
                self._known[slot] = links.receiver[part].astype(np.int64), links.loss_db[part]

    def levels_dbm(self, cells: Cells, budget: Budget) -> tuple[IntArray, IntArray, FloatArray]:
        """Points in reach, cells and levels there; the same order at any share of the time."""
        self.open(cells)
        found: list[tuple[IntArray, IntArray, FloatArray]] = [
            (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        ]
        for site, slot in enumerate(cells.slots):
            reached, loss_db = self._known[slot]
            for column, cell in enumerate(np.flatnonzero(cells.site == site).tolist()):
                level_dbm = budget.rsrp_dbm(loss_db[:, column].astype(np.float64))
                found.append((reached, np.full(len(reached), cell), level_dbm))
        columns = [np.concatenate(column) for column in zip(*found, strict=True)]
        return columns[0], columns[1], columns[2]


def signals_of(
    cells: Cells, losses: tuple[SectorLosses, SectorLosses], noise_dbm: float, budget: Budget, hidden_db: float
) -> Signals:
    """What every cell puts on the points of the losses, each a bin of the signals; faint ones are left out.

    ``losses`` are those at 50 % of the time and at the share in which interference is exceeded, on the same points.
    ``budget`` deducts from servers, ``hidden_db`` comes off all levels.
    """
    wanted, disturbing = (of_time.levels_dbm(cells, budget) for of_time in losses)
    heard = np.flatnonzero(disturbing[2] >= noise_dbm + _FAINT_DB + hidden_db)
    bin_, cell = disturbing[0][heard], disturbing[1][heard]
    disturbing_dbm = disturbing[2][heard] - hidden_db
    rsrp_dbm = wanted[2][heard] - budget.deducted_db - hidden_db
    order = np.lexsort((cell, -rsrp_dbm, bin_))
    start = np.searchsorted(bin_[order], np.arange(len(losses[0].points) + 1)).astype(np.int64)
    return Signals(start, cell[order], rsrp_dbm[order], disturbing_dbm[order], cells.site)


def _sectors(candidates: Candidates, option: int, sides: Sequence[str]) -> Candidates:
    """The places with one option for each sector that the chosen option has."""
    options, count = candidates.options, len(sides)
    each = Options(
        np.zeros(count, dtype=np.int64),
        np.array([side == "ahead" for side in sides], dtype=bool),
        np.array([side == "back" for side in sides], dtype=bool),
        np.full(count, options.tilt_deg[option]),
        np.full(count, options.back_off_db[option]),
    )
    height_m = np.repeat(candidates.height_m[:, [option]], count, axis=1)
    return replace(candidates, height_m=height_m, cost_minor=np.zeros(height_m.shape, np.int64), options=each)
