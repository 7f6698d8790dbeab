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

__all__ = ["Cells", "cells_of", "signals_of"]

FloatArray = npt.NDArray[np.float64]
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


def signals_of(
    cells: Cells,
    paths: tuple[Paths, Paths],
    noise_dbm: float,
    candidates: Candidates,
    points: Points,
    spots: IntArray,
    budget: Budget,
    hidden_db: float,
) -> Signals:
    """What every cell puts on some points of the road, faint ones left out.

    ``paths`` are those at 50 % of the time and at the share in which interference is exceeded. ``spots`` index the
    points, rising; each is a bin of the signals. ``budget`` deducts from servers, ``hidden_db`` comes off all levels.
    """
    seen = points.take(spots)
    wanted, disturbing = (_levels_dbm(cells, of_time, candidates, seen, budget) for of_time in paths)
    heard = np.flatnonzero(disturbing[2] >= noise_dbm + _FAINT_DB + hidden_db)
    bin_, cell = disturbing[0][heard], disturbing[1][heard]
    disturbing_dbm = disturbing[2][heard] - hidden_db
    rsrp_dbm = wanted[2][heard] - budget.deducted_db - hidden_db
    order = np.lexsort((cell, -rsrp_dbm, bin_))
    start = np.searchsorted(bin_[order], np.arange(len(spots) + 1)).astype(np.int64)
    return Signals(start, cell[order], rsrp_dbm[order], disturbing_dbm[order], cells.site)


def _levels_dbm(
    cells: Cells, paths: Paths, candidates: Candidates, points: Points, budget: Budget
) -> tuple[IntArray, IntArray, FloatArray]:
    """Points in reach, cells and levels there; the same order at any share of the time."""
    found: list[tuple[IntArray, IntArray, FloatArray]] = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    count = len(candidates.options)
    place, option = np.array(cells.slots, dtype=np.int64) // count, np.array(cells.slots, dtype=np.int64) % count
    for key in np.unique(option).tolist():
        mine = np.flatnonzero(option == key)
        sides = [str(cells.side[cell]) for cell in np.flatnonzero(cells.site == mine[0])]
        links = paths.links(_sectors(candidates.take(place[mine]), key, sides), points)
        for row, site in enumerate(mine.tolist()):
            part = slice(int(links.place_start[row]), int(links.place_start[row + 1]))
            reached, loss_db = links.receiver[part].astype(np.int64), links.loss_db[part].astype(np.float64)
            for column, cell in enumerate(np.flatnonzero(cells.site == site).tolist()):
                found.append((reached, np.full(len(reached), cell), budget.rsrp_dbm(loss_db[:, column])))
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    return columns[0], columns[1], columns[2]


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
