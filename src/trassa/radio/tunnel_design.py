"""Where head-ends stand in a bore: as few as serve every bin, and of those choices the one with the largest margin.

A radiating cable is cut at every head-end within the bore: each half carries one way. ``#`` is a head-end; a bin
between two of them hears both, a bin before the first or behind the last only that one::

    any head-end may fail     #===============#===============#        each span within the reach of either end
    none may                  ====#=================#=================#====

So with any head-end down there must be one at both ends of the cable. Antennas are not cut off from one another: a bin
hears every one in reach.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trassa.radio.tunnel_budget import BoreBudget

__all__ = ["heads_along", "heads_heard"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_BISECTIONS = 40


def heads_along(at_m: FloatArray, budget: BoreBudget, servers: int) -> IntArray:
    """The points at which head-ends stand, indices into the bore's points ``at_m`` (n + 1 edges of n bins, rising).

    Every bin is served by ``servers`` (1 or 2) of them. Head-ends stand at points only; among these the number is the
    least, and the worst margin the largest for that number. Empty where no number of head-ends is enough.
    """
    return _along_cable(at_m, budget, servers) if budget.cable else _with_antennas(at_m, budget, servers)


def heads_heard(at_m: FloatArray, heads: Sequence[int], budget: BoreBudget) -> FloatArray:
    """Margin of every head-end on every bin at the bin's worse edge, shape (heads, bins); −inf where it is cut off."""
    margin_db = np.full((len(heads), len(at_m) - 1), -np.inf)
    last = len(at_m) - 1
    for row, head in enumerate(heads):
        first, beyond = 0, last
        if budget.cable:
            first = heads[row - 1] if row else 0
            beyond = heads[row + 1] if row + 1 < len(heads) else last
        far_m = np.maximum(at_m[head] - at_m[first:beyond], at_m[first + 1 : beyond + 1] - at_m[head])
        margin_db[row, first:beyond] = budget.margin_db(far_m, head not in (0, last) or not budget.cable)
    return margin_db


def _along_cable(at_m: FloatArray, budget: BoreBudget, servers: int) -> IntArray:
    """Dynamic programme: ``best[j]`` is the largest worst margin up to point j with so many, the last one at j."""
    last = len(at_m) - 1
    two_ways = (np.arange(last + 1) > 0) & (np.arange(last + 1) < last)
    near_db = budget.margin_db(0.0, two_ways)
    stub_db = near_db - budget.db_per_m * np.stack([at_m - at_m[0], at_m[last] - at_m])
    stub_db[0, 0], stub_db[1, last] = np.inf, np.inf
    if servers == 2:
        stub_db[0, 1:], stub_db[1, :last] = -np.inf, -np.inf
    best_db, chains = stub_db[0], [np.arange(last + 1)]
    for number in range(1, last + 2):
        whole_db = np.minimum(np.minimum(best_db, near_db), stub_db[1])
        if number >= servers and whole_db.max() >= 0.0:
            return _chain(chains, int(np.argmax(whole_db)))
        if best_db.max() < 0.0:
            break
        best_db, before = _one_more(at_m, best_db, near_db, budget.db_per_m, servers)
        chains.append(before)
    return np.empty(0, dtype=np.int64)


def _one_more(
    at_m: FloatArray, best_db: FloatArray, near_db: FloatArray, db_per_m: float, servers: int
) -> tuple[FloatArray, IntArray]:
    """One head-end more: the largest worst margin up to each point, and where the one before stands."""
    more_db, before = np.full(len(at_m), -np.inf), np.zeros(len(at_m), dtype=np.int64)
    for i in np.flatnonzero(best_db[:-1] >= 0.0):
        span_db = np.minimum(_spans_db(at_m, int(i), near_db, db_per_m, servers), best_db[i])
        better = span_db > more_db[i + 1 :]
        more_db[i + 1 :][better], before[i + 1 :][better] = span_db[better], i
    return more_db, before


def _spans_db(at_m: FloatArray, i: int, near_db: FloatArray, db_per_m: float, servers: int) -> FloatArray:
    """Worst margin of the bins between head-ends at points i and j, for every j behind i.

    ``left`` falls from bin to bin and ``right`` rises, so where one server is enough the worst bin is the last on which
    the left one is the better or the first on which the right one is.
    """
    j = np.arange(i + 1, len(at_m))
    length_m = at_m[j] - at_m[i]
    if servers == 2:
        return np.asarray(np.minimum(near_db[i], near_db[j]) - db_per_m * length_m, dtype=np.float64)
    middles_m = at_m[i:-1] + at_m[i + 1 :]
    tie_m = (near_db[i] - near_db[j]) / db_per_m + at_m[i] + at_m[j]
    first_right = np.minimum(i + np.searchsorted(middles_m, tie_m, side="right"), j)
    left_db = np.where(first_right > i, near_db[i] - db_per_m * (at_m[first_right] - at_m[i]), np.inf)
    right_db = np.where(
        first_right < j, near_db[j] - db_per_m * (at_m[j] - at_m[np.minimum(first_right, j - 1)]), np.inf
    )
    return np.minimum(left_db, right_db)


def _chain(chains: Sequence[IntArray], last: int) -> IntArray:
    heads = [last]
    for before in reversed(chains[1:]):
        heads.append(int(before[heads[-1]]))
    return np.array(heads[::-1], dtype=np.int64)


def _with_antennas(at_m: FloatArray, budget: BoreBudget, servers: int) -> IntArray:
    """The greedy cover by stretches of one length, which is the least; then the shortest reach with the same number."""
    longest_m = float(at_m[-1] - at_m[0])
    if not budget.margin_db(0.0) >= 0.0:
        return np.empty(0, dtype=np.int64)
    low_m, high_m = 0.0, longest_m
    if budget.margin_db(longest_m) < 0.0:
        for _ in range(_BISECTIONS):
            middle_m = 0.5 * (low_m + high_m)
            low_m, high_m = (middle_m, high_m) if budget.margin_db(middle_m) >= 0.0 else (low_m, middle_m)
        high_m = low_m
    heads, low_m = _covering(at_m, high_m, servers), 0.0
    for _ in range(_BISECTIONS if len(heads) else 0):
        middle_m = 0.5 * (low_m + high_m)
        fewer = _covering(at_m, middle_m, servers)
        enough = 0 < len(fewer) <= len(heads)
        heads, low_m, high_m = (fewer, low_m, middle_m) if enough else (heads, middle_m, high_m)
    return heads


def _covering(at_m: FloatArray, reach_m: float, servers: int) -> IntArray:
    """From left to right: a bin that lacks a server takes the last free point from which it is still in reach."""
    heads: list[int] = []
    for start_m, end_m in zip(at_m[:-1].tolist(), at_m[1:].tolist(), strict=True):
        near = [head for head in heads if at_m[head] >= end_m - reach_m]
        head = int(np.searchsorted(at_m, start_m + reach_m, side="right")) - 1
        while len(near) < servers:
            while head in heads:
                head -= 1
            if head < 0 or at_m[head] < end_m - reach_m:
                return np.empty(0, dtype=np.int64)
            heads.append(head)
            near.append(head)
    return np.array(sorted(heads), dtype=np.int64)
