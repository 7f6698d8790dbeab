"""Fewer rows, the same programme: identical rows merged, rows that others imply dropped. Exact, no tolerance.

Row j is implied by row i where every slot that serves i also serves j and i needs at least as many servers: whoever
satisfies i satisfies j. On a road most rows go, because neighbouring points see nearly the same masts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled
from trassa.radio.coverage import Rows

__all__ = ["reduced"]

IntArray = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
_WORD = 64


def reduced(rows: Rows) -> Rows:
    """The rows that no other row implies; of identical rows the first one. Rows without need are dropped."""
    rows = rows.take(rows.need > 0)
    if not len(rows):
        return rows
    rows = rows.take(~_repeated(*_csr(rows), rows.need))
    indptr, indices = _csr(rows)
    words = _bitsets(indptr, indices, rows.serves.shape[1] // _WORD + 1)
    columns = rows.serves.tocsc()
    rows_of_slot = (columns.indptr.astype(np.int64), columns.indices.astype(np.int64))
    smallest_first = np.lexsort((-rows.need, np.diff(indptr)))
    return rows.take(~_implied(indptr, indices, *rows_of_slot, words, rows.need, smallest_first))


def _csr(rows: Rows) -> tuple[IntArray, IntArray]:
    return rows.serves.indptr.astype(np.int64), rows.serves.indices.astype(np.int64)


def _repeated(indptr: IntArray, indices: IntArray, need: IntArray) -> npt.NDArray[np.bool_]:
    """Which rows an earlier row is equal to, need and all."""
    mixed = _mixed(indptr, indices, need)
    return _equal_to_earlier(indptr, indices, need, mixed, np.argsort(mixed, kind="stable"))


@compiled
def _mixed(indptr: IntArray, indices: IntArray, need: IntArray) -> Words:
    """A number for every row that equal rows share, and others hardly ever (Fowler, Noll, Vo)."""
    mixed = np.empty(len(need), dtype=np.uint64)
    for row in range(len(need)):
        value = (np.uint64(14695981039346656037) ^ np.uint64(need[row])) * np.uint64(1099511628211)
        for k in range(indptr[row], indptr[row + 1]):
            value = (value ^ np.uint64(indices[k])) * np.uint64(1099511628211)
        mixed[row] = value
    return mixed


@compiled
def _equal_to_earlier(
    indptr: IntArray, indices: IntArray, need: IntArray, mixed: Words, order: IntArray
) -> npt.NDArray[np.bool_]:
    """The rows of one number lie side by side in ``order``, the earliest first; they are compared in full."""
    repeated = np.zeros(len(need), dtype=np.bool_)
    begin = 0
    for at in range(len(order)):
        row = order[at]
        if mixed[row] != mixed[order[begin]]:
            begin = at
        for other in order[begin:at]:
            if not repeated[other] and _equal(indptr, indices, need, row, other):
                repeated[row] = True
                break
    return repeated


@compiled
def _equal(indptr: IntArray, indices: IntArray, need: IntArray, row: int, other: int) -> bool:
    first, second, count = indptr[row], indptr[other], indptr[row + 1] - indptr[row]
    if need[row] != need[other] or indptr[other + 1] - second != count:
        return False
    return bool(np.all(indices[first : first + count] == indices[second : second + count]))


@compiled
def _bitsets(indptr: IntArray, indices: IntArray, words: int) -> Words:
    """The slots of each row as bits, shape (rows, words)."""
    bits = np.zeros((len(indptr) - 1, words), dtype=np.uint64)
    for row in range(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            slot = indices[k]
            bits[row, slot // 64] |= np.uint64(1) << np.uint64(slot % 64)
    return bits


@compiled
def _implied(
    indptr: IntArray,
    indices: IntArray,
    slot_start: IntArray,
    slot_rows: IntArray,
    words: Words,
    need: IntArray,
    order: IntArray,
) -> npt.NDArray[np.bool_]:
    """Which rows some other row implies, with the small rows tried first.

    Every row implied by row i contains each slot of i, so only the rows of the slot of i that serves the fewest rows
    are compared, and of their bitsets only the words between the first and the last slot of i.
    """
    implied = np.zeros(len(indptr) - 1, dtype=np.bool_)
    for i in order:
        first, end = indptr[i], indptr[i + 1]
        if implied[i] or first == end:
            continue
        rarest = indices[first]
        for k in range(first, end):
            if slot_start[indices[k] + 1] - slot_start[indices[k]] < slot_start[rarest + 1] - slot_start[rarest]:
                rarest = indices[k]
        for k in range(slot_start[rarest], slot_start[rarest + 1]):
            j = slot_rows[k]
            if j == i or implied[j] or need[j] > need[i]:
                continue
            contained = True
            for word in range(indices[first] // 64, indices[end - 1] // 64 + 1):
                if words[i, word] & ~words[j, word]:
                    contained = False
                    break
            implied[j] = contained
    return implied
