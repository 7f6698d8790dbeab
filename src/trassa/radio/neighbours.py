"""Neighbour relations: to which cells a vehicle may be handed over from each cell, and where that is seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer, Schema
from trassa.radio.bins import Bins, Points
from trassa.radio.signals import Signals

__all__ = ["Neighbours", "neighbours_layer", "neighbours_of", "next_bins"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Neighbours:
    """Relations by serving cell, as compressed rows: those of cell c are ``start[c]`` to ``start[c + 1]``.

    ``start`` has shape (cells + 1,); ``cell``, the neighbour, and ``bins`` shape (relations,): the bins on which c is
    best and the neighbour close behind; ``handovers`` (relations, 2): how often the neighbour takes over from c on the
    next bin, driving with rising measure (column 0) and with falling measure (column 1). Within a cell the most
    important neighbour is first: most handovers, then most bins, then lowest number.
    """

    start: IntArray
    cell: IntArray
    bins: IntArray
    handovers: IntArray

    def __len__(self) -> int:
        return len(self.cell)

    @property
    def source(self) -> IntArray:
        """The serving cell of every relation, shape (relations,)."""
        return np.repeat(np.arange(len(self.start) - 1, dtype=np.int64), np.diff(self.start))

    def of(self, cell: int) -> IntArray:
        """The neighbour list of one cell, most important first."""
        return self.cell[self.start[cell] : self.start[cell + 1]]


def next_bins(points: Points, bins: Bins) -> IntArray:
    """The bin that a vehicle drives onto from each bin, −1 where the carriageway ends or a hole follows; (bins,).

    A carriageway is driven in its own sense: from the decreasing one the next bin is the one of lower measure.
    """
    following = np.full(len(bins), -1, dtype=np.int64)
    first = np.flatnonzero(bins.end[:-1] == bins.start[1:])
    rising = np.array([name == "increasing" for name in points.carriageways])
    up = rising[points.carriageway[bins.start[first]]]
    following[first[up]] = first[up] + 1
    following[first[~up] + 1] = first[~up]
    return following


def neighbours_of(
    signals: Signals, next_bin: npt.ArrayLike, *, within_db: float = 6.0, symmetric: bool = False
) -> Neighbours:
    """Cell b is a neighbour of cell a where a is best on some bin and b is at most ``within_db`` weaker there, or where
    b is best on the bin driven onto next.

    ``next_bin`` has shape (bins,), −1 for none, bins numbered with rising measure (:func:`next_bins`). ``symmetric``
    adds to every relation its reverse, with counts of zero where it was never seen.
    """
    cells = len(signals.site)
    following = np.asarray(next_bin, dtype=np.int64)
    best_cell = _best_cells(signals)
    leader = np.repeat(best_cell, np.diff(signals.bin_start))
    strongest = np.repeat(signals.best, np.diff(signals.bin_start))
    lead_db = signals.rsrp_dbm[strongest] - signals.rsrp_dbm
    close = (lead_db <= within_db) & (signals.cell != leader)
    seen = leader[close] * cells + signals.cell[close]
    driven = np.flatnonzero(following >= 0)
    old, new = best_cell[driven], best_cell[following[driven]]
    taken = (old >= 0) & (new >= 0) & (old != new)
    changed = old[taken] * cells + new[taken]
    falling = (following[driven] < driven)[taken]
    pairs = np.unique(np.concatenate([seen, changed]))
    if symmetric:
        pairs = np.union1d(pairs, pairs % cells * cells + pairs // cells)
    bins = _counted(pairs, seen)
    handovers = np.column_stack([_counted(pairs, changed[~falling]), _counted(pairs, changed[falling])])
    source, cell = pairs // cells, pairs % cells
    order = np.lexsort((cell, -bins, -handovers.sum(axis=1), source))
    start = np.searchsorted(source, np.arange(cells + 1)).astype(np.int64)
    return Neighbours(start, cell[order], bins[order], handovers[order])


def neighbours_layer(neighbours: Neighbours, names: npt.ArrayLike, schema: Schema) -> Layer:
    """The neighbour lists as a table; ``names`` (cells,) are what cells are called."""
    name = np.asarray(names, dtype=np.object_)
    source = neighbours.source
    return Layer.from_columns(
        schema,
        cell=name[source],
        neighbour=name[neighbours.cell],
        rank=np.arange(len(neighbours)) - neighbours.start[source] + 1,
        bins=neighbours.bins,
        handovers_increasing=neighbours.handovers[:, 0],
        handovers_decreasing=neighbours.handovers[:, 1],
    )


def _best_cells(signals: Signals) -> IntArray:
    """The best cell of every bin, −1 where none is heard."""
    best = signals.best
    cell = np.full(len(signals), -1, dtype=np.int64)
    cell[best >= 0] = signals.cell[best[best >= 0]]
    return cell


def _counted(pairs: IntArray, seen: IntArray) -> IntArray:
    """How often each of the sorted, distinct ``pairs`` is in ``seen``; those that are not in ``pairs`` never are."""
    return np.bincount(np.searchsorted(pairs, seen), minlength=len(pairs)).astype(np.int64)
