"""Rows of the siting programme: which candidates serve which points and bins.

A *slot* is one height at one place: column ``place · heights + height`` of every matrix here. A row asks for servers
at two evaluated points at once, the two edges of a bin, or the same point twice. The row of a point is necessary for
the bins on both of its sides, so a programme of points never costs more than the promise on bins does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from trassa.radio.links import Links

__all__ = ["Rows", "place_degree", "rows_of", "served_slots", "stacked"]

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


def served_slots(links: Links, largest_loss_db: float, receivers: int) -> sp.csr_array:
    """0/1 matrix (receivers, slots): the loss of the link stays within what the budget may lose."""
    places, heights = len(links.place_start) - 1, links.loss_db.shape[1]
    link, height = np.nonzero(links.loss_db <= np.float64(largest_loss_db))
    ones = np.ones(len(link), dtype=np.int32)
    slots = links.place[link] * heights + height
    return sp.csr_array((ones, (links.receiver[link], slots)), shape=(receivers, places * heights))


def rows_of(serves: sp.csr_array, start: IntArray, end: IntArray, wanted: int, heights: int) -> Rows:
    """Rows over pairs of receivers.

    ``start`` and ``end`` index the receivers of ``serves``. Where fewer places than wanted can serve, the need is
    relaxed to what there is; the caller names such rows.
    """
    both = serves[start] if np.array_equal(start, end) else serves[start].multiply(serves[end]).tocsr()
    both.eliminate_zeros()
    both.sort_indices()
    return Rows(start, end, np.minimum(wanted, place_degree(both, heights)), both)


def place_degree(serves: sp.csr_array, heights: int) -> IntArray:
    """Number of distinct places with at least one serving height, per row."""
    row = np.repeat(np.arange(serves.shape[0]), np.diff(serves.indptr))
    place = serves.indices // heights
    fresh = np.ones(len(row), dtype=bool)
    fresh[1:] = (row[1:] != row[:-1]) | (place[1:] != place[:-1])
    return np.bincount(row[fresh], minlength=serves.shape[0]).astype(np.int64)


def stacked(parts: list[Rows]) -> Rows:
    """All rows of several parts over the same slots."""
    return Rows(
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.need for part in parts]),
        sp.csr_array(sp.vstack([part.serves for part in parts], format="csr")),
    )
