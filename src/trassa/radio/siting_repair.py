"""A plan mended where it falls short, and left alone elsewhere.

::

    places     o   x   o   x   o   x   o   x   o   x        x built, o on offer
    short bin                  !
    opened             [———————————————]                    every place in a row that falls short, and between them
    kept       x - - -                   - - - x            as built: what they serve is taken off the needs

A plan that the whole programme gives is one of many of the same cost, and the next one fails somewhere else. Mended,
it keeps what was tried. The bound is that of the whole programme: whether the mended plan lies within the gap of it is
the caller's question.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.radio.coverage import Rows
from trassa.radio.siting import solve_siting

__all__ = ["mended"]

IntArray = npt.NDArray[np.int64]

_AROUND = 8
"""Places opened on each side of those that serve a short row."""


def mended(
    rows: Rows, slots: tuple[int, ...], cost_minor: IntArray, options: int, *, time_limit_s: float
) -> tuple[int, ...] | None:
    """The slots with the cheapest change around the rows that they leave short; None where no change there helps.

    ``rows`` are all that the plan must meet, slot = place · options + option.
    """
    short = rows.take(_lacking(rows, slots) > 0)
    opened = _opened(np.unique(short.serves.indices // options), rows.serves.shape[1] // options)
    free = opened[np.arange(rows.serves.shape[1]) // options]
    kept = tuple(slot for slot in slots if not free[slot])
    touched = np.unique(rows.serves.tocsc()[:, np.flatnonzero(free)].indices)
    local = rows.take(touched)
    need = _lacking(local, kept)
    serves = local.serves.multiply(free[None, :]).tocsr()
    serves.eliminate_zeros()
    local = Rows(local.start, local.end, need, serves)
    result = solve_siting(local, cost_minor, options, gap=0.0, time_limit_s=time_limit_s)
    if result.status != "optimal":
        return None
    return tuple(sorted((*kept, *result.slots)))


def _lacking(rows: Rows, slots: tuple[int, ...]) -> IntArray:
    """By how many servers every row falls short of its need; a plan has one slot per place."""
    built = np.zeros(rows.serves.shape[1], dtype=np.int64)
    built[list(slots)] = 1
    return np.asarray(np.maximum(rows.need - rows.serves @ built, 0), dtype=np.int64)


def _opened(places: IntArray, count: int) -> npt.NDArray[np.bool_]:
    """The places within a few of these."""
    opened = np.zeros(count + 1, dtype=np.int64)
    np.add.at(opened, np.maximum(places - _AROUND, 0), 1)
    np.add.at(opened, np.minimum(places + _AROUND + 1, count), -1)
    return np.asarray(np.cumsum(opened[:-1]) > 0)
