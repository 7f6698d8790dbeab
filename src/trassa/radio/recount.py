"""The answer counted again, in integers, from losses alone; and sites that nobody needs taken out.

Nothing here is shared with the code that builds or solves the programme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.radio.budget import Budget
from trassa.radio.field import Field, LossBook, field_of

__all__ = ["Necessity", "cost_of", "necessities", "short_bins", "spare_slots", "without_surplus"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Necessity:
    """Why a site is there: the bin that falls short without it, and by how much (its margin then, NaN for none)."""

    bin: int
    servers_left: int
    margin_left_db: float


def cost_of(book: LossBook, slots: Sequence[int]) -> int:
    """Total cost in minor units, summed as Python integers."""
    return sum(int(book.candidates.cost_minor.flat[slot]) for slot in slots)


def short_bins(
    book: LossBook, slots: Sequence[int], budget: Budget, need: IntArray, extra_db: FloatArray | float = 0.0
) -> IntArray:
    """The counted bins with fewer serving places than they need, by adding up one place after another.

    ``extra_db`` is what a server must have over its need, everywhere alike or (bins,).
    """
    over_db = np.broadcast_to(np.asarray(extra_db, dtype=np.float64), len(book.bins))
    options = len(book.candidates.options)
    serving: dict[int, npt.NDArray[np.bool_]] = {}
    for slot in slots:
        serves = serving.setdefault(slot // options, np.zeros(len(book.bins), dtype=bool))
        given = book.reception(slot, budget)
        serves[given.bin[given.margin_db >= over_db[given.bin]]] = True
    places = np.zeros(len(book.bins), dtype=np.int64)
    for serves in serving.values():
        places += serves
    counted = book.bins.exempt == ""
    return np.flatnonzero(counted & (places < need))


def spare_slots(book: LossBook, slots: Sequence[int], budget: Budget, need: IntArray) -> set[int]:
    """The slots of which any one can go and no counted bin falls short; none where one does already.

    A plan has one slot per place.
    """
    served = {slot: book.reception(slot, budget).served for slot in slots}
    left = np.where(book.bins.exempt == "", -need, 1)
    for bins in served.values():
        left[bins] += 1
    if (left < 0).any():
        return set()
    return {slot for slot, bins in served.items() if (left[bins] > 0).all()}


def without_surplus(book: LossBook, slots: Sequence[int], budget: Budget, need: IntArray) -> tuple[int, ...]:
    """The slots with every site removed, and every mast shortened, that no bin would miss; dearest first.

    A solver that stops within its gap may leave a site that can go. Free sites stay.
    """
    options = len(book.candidates.options)
    cost = book.candidates.cost_minor.ravel()
    offered = book.candidates.offered.ravel()
    count = field_of(book, slots, budget).count
    floor = np.where(book.bins.exempt == "", need, 0)
    kept: list[int] = []
    for slot in sorted(slots, key=lambda slot: (-int(cost[slot]), slot)):
        served = book.reception(slot, budget).served
        if cost[slot] > 0 and bool(np.all(count[served] > floor[served])):
            count[served] -= 1
            continue
        place = slot // options
        cheaper = [s for s in range(place * options, (place + 1) * options) if offered[s] and cost[s] < cost[slot]]
        for other in sorted(cheaper, key=lambda s: int(cost[s])):
            instead = book.reception(other, budget).served
            changed = count.copy()
            changed[served] -= 1
            changed[instead] += 1
            if bool(np.all(changed[served] >= floor[served])):
                count, slot = changed, other
                break
        kept.append(slot)
    return tuple(sorted(kept))


def necessities(book: LossBook, field: Field, need: IntArray) -> list[Necessity | None]:
    """For each site of a field the bin that is worst off without it, or None where none falls short."""
    found: list[Necessity | None] = []
    for number, slot in enumerate(field.slots):
        served = field.receptions[slot].served
        counted = book.bins.exempt[served] == ""
        short = served[counted & (field.count[served] - 1 < need[served])]
        if not len(short):
            found.append(None)
            continue
        left_db = np.where(field.best[short] == number, field.second_margin_db[short], field.margin_db[short])
        worst = int(np.argmin(np.where(np.isnan(left_db), -np.inf, left_db)))
        bin_, left = int(short[worst]), float(left_db[worst])
        found.append(Necessity(bin_, int(field.count[bin_]) - 1, left))
    return found
