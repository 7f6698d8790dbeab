"""Hard conflicts of a PCI plan, counted again from the signals alone: bin by bin, with none of the planner's code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from trassa.radio.signals import Signals

__all__ = ["PciConflict", "pci_conflicts"]


@dataclass(frozen=True, order=True)
class PciConflict:
    """Two cells of equal PCI that a vehicle cannot tell apart.

    A ``collision``: both are heard on bin ``at``, or one is the other's neighbour by way of it. A ``confusion``: both
    are neighbours of cell ``at``.
    """

    kind: Literal["collision", "confusion"]
    first: int
    second: int
    at: int


def pci_conflicts(
    signals: Signals,
    next_bin: npt.ArrayLike,
    pci: npt.ArrayLike,
    *,
    within_db: float = 6.0,
    heard_dbm: float = -140.0,
    symmetric: bool = False,
) -> list[PciConflict]:
    """Every pair of cells in conflict, once per kind, with the first place where it is; empty for a sound plan.

    ``pci`` has shape (cells,). Neighbours are found anew, by the definition of
    :func:`trassa.radio.neighbours.neighbours_of`; cells weaker than ``heard_dbm`` are not heard.
    """
    ids: list[int] = np.asarray(pci).tolist()
    levels = _levels(signals)
    following: list[int] = np.asarray(next_bin).tolist()
    lists = _neighbour_sets(levels, following, within_db, len(ids), symmetric)
    found: dict[tuple[str, int, int], PciConflict] = {}
    for number, heard in enumerate(levels):
        _note(found, "collision", [cell for cell, level in heard.items() if level >= heard_dbm], ids, number)
        best = _best(heard)
        after = _best(levels[following[number]]) if following[number] >= 0 else -1
        beside = {cell for cell in lists[best] if cell == after or cell in heard} if best >= 0 else set()
        for cell in beside:
            _note(found, "collision", [best, cell], ids, number)
    for cell, others in enumerate(lists):
        _note(found, "confusion", sorted(others), ids, cell)
    return sorted(found.values())


def _levels(signals: Signals) -> list[dict[int, float]]:
    """Level by cell of every bin."""
    cells, levels = signals.cell.tolist(), signals.rsrp_dbm.tolist()
    edges = signals.bin_start.tolist()
    return [dict(zip(cells[a:b], levels[a:b], strict=True)) for a, b in pairwise(edges)]


def _best(heard: dict[int, float]) -> int:
    return max(heard, key=lambda cell: heard[cell]) if heard else -1


def _neighbour_sets(
    levels: Sequence[dict[int, float]], following: Sequence[int], within_db: float, cells: int, symmetric: bool
) -> list[set[int]]:
    lists: list[set[int]] = [set() for _ in range(cells)]
    for number, heard in enumerate(levels):
        best = _best(heard)
        if best < 0:
            continue
        lists[best] |= {cell for cell, level in heard.items() if cell != best and heard[best] - level <= within_db}
        after = _best(levels[following[number]]) if following[number] >= 0 else -1
        if after >= 0 and after != best:
            lists[best].add(after)
    if symmetric:
        for cell, others in enumerate([set(one) for one in lists]):
            for other in others:
                lists[other].add(cell)
    return lists


def _note(
    found: dict[tuple[str, int, int], PciConflict],
    kind: Literal["collision", "confusion"],
    cells: Sequence[int],
    ids: Sequence[int],
    at: int,
) -> None:
    """Note every pair among ``cells`` that has one id."""
    if len({ids[cell] for cell in cells}) == len(cells):
        return
    for place, cell in enumerate(cells):
        for other in cells[place + 1 :]:
            if ids[cell] == ids[other] and cell != other:
                first, second = min(cell, other), max(cell, other)
                found.setdefault((kind, first, second), PciConflict(kind, first, second, at))
