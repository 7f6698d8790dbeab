"""Rows of the siting programme: which candidates serve which points and bins.

A *slot* is one option at one place: column ``place · options + option`` of every matrix here. A row asks for servers
at all evaluated points from one to another at once: the two edges of a bin, every point of a window, or one point
alone. The row of a point is necessary for the bins on both of its sides, so a programme of points never costs more
than the promise on bins does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from trassa.radio.links import Links

__all__ = ["Rows", "no_harder_than", "place_degree", "rows_of", "served_slots", "stacked"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows of the programme; arrays of shape (rows,), ``serves`` a 0/1 matrix of shape (rows, slots).

    ``start`` and ``end`` are the evaluated points; ``need`` counts the distinct places that must serve.
    """

    start: IntArray
    end: IntArray
    need: IntArray
    serves: sp.csr_array

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: npt.ArrayLike) -> Rows:
        """The rows at an index array or mask, in that order."""
        at = np.asarray(index)
        at = np.flatnonzero(at) if at.dtype == bool else at
        return Rows(self.start[at], self.end[at], self.need[at], self.serves[at])


def served_slots(links: Links, largest_loss_db: float | FloatArray, receivers: int) -> sp.csr_array:
    """0/1 matrix (receivers, slots): the loss stays within what may be lost, everywhere alike or (receivers,)."""
    places, options = len(links.place_start) - 1, links.loss_db.shape[1]
    limit_db = np.asarray(largest_loss_db, dtype=np.float64)
    link, option = np.nonzero(links.loss_db <= (limit_db if limit_db.ndim == 0 else limit_db[links.receiver][:, None]))
    ones = np.ones(len(link), dtype=np.int32)
    slots = links.place[link] * options + option
    return sp.csr_array((ones, (links.receiver[link], slots)), shape=(receivers, places * options))


def rows_of(serves: sp.csr_array, start: IntArray, end: IntArray, wanted: int, options: int) -> Rows:
    """Rows over runs of receivers.

    ``start`` and ``end`` index the receivers of ``serves``; those between lie between. Where fewer places than wanted
    can serve, the need is relaxed to what there is; the caller names such rows.
    """
    whole = serves[start]
    for step in range(1, int((end - start).max(initial=0)) + 1):
        whole = whole.multiply(serves[np.minimum(start + step, end)]).tocsr()
    whole.eliminate_zeros()
    whole.sort_indices()
    return Rows(start, end, np.minimum(wanted, place_degree(whole, options)), whole)


def place_degree(serves: sp.csr_array, options: int) -> IntArray:
    """Number of distinct places with at least one serving option, per row."""
    row = np.repeat(np.arange(serves.shape[0]), np.diff(serves.indptr))
    place = serves.indices // options
    fresh = np.ones(len(row), dtype=bool)
    fresh[1:] = (row[1:] != row[:-1]) | (place[1:] != place[:-1])
    return np.bincount(row[fresh], minlength=serves.shape[0]).astype(np.int64)


def no_harder_than(rows: Rows, easier: Rows) -> Rows:
    """The rows, and where one of them leaves fewer places than its easier counterpart asks for, that one instead."""
    hard = rows.need < easier.need
    if not hard.any():
        return rows
    at = np.where(hard, len(rows) + np.arange(len(rows)), np.arange(len(rows)))
    return stacked([rows, easier]).take(at)


def stacked(parts: list[Rows]) -> Rows:
    """All rows of several parts over the same slots."""
    return Rows(
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.need for part in parts]),
        sp.csr_array(sp.vstack([part.serves for part in parts], format="csr")),
    )
