"""Physical cell identities: no two cells that a vehicle could take for one another carry the same number.

Hard rules, never broken:

- *collision*: cells heard on one bin differ, and so do neighbours;
- *confusion*: any two neighbours of one cell differ.

Both make one graph whose colours are the identities. Soft rules ask that neighbours differ modulo 3 (one of three
primary synchronisation sequences, TS 36.211 §6.11.1 and TS 38.211 §7.4.2.2; with two antenna ports also the place of
LTE's cell reference signals, TS 36.211 §6.10.1.2), modulo 30 (sequence group of the uplink reference signals, TS 36.211
§5.5.1.3 and TS 38.211 §6.4.1.1.1.2) and, where asked for, modulo 4 (place of NR's PBCH reference signals, TS 38.211
§7.4.1.4.2). A broken soft rule costs as many units as there are bins on which the two cells are close. Two cells of
one site always count as neighbours, and for as much as the heaviest pair of all on top.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from trassa.radio.neighbours import Neighbours
from trassa.radio.pci_colouring import Colouring, complete_colouring
from trassa.radio.signals import Signals

__all__ = ["LTE_IDS", "LTE_MODULI", "NR_IDS", "NR_MODULI", "PciBreak", "PciPlan", "plan_pci"]

LTE_IDS = 504
"""Physical-layer cell identities of LTE: 3 × 168 (TS 36.211 §6.11)."""

NR_IDS = 1008
"""Physical-layer cell identities of NR: 3 × 336 (TS 38.211 §7.4.2.1)."""

LTE_MODULI = (3, 30)
NR_MODULI = (3, 4, 30)

LOWEST_RSRP_DBM = -140.0
"""Lower end of the RSRP reporting range (TS 36.133 §9.1.4): weaker cells are not heard."""

_STALL_PER_CELL = 4
_LEAST_STALL = 200
_TENURE = 10

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PciBreak:
    """A soft rule that two cells break: their identities are equal modulo ``modulus``; close on ``bins`` bins."""

    modulus: int
    first: int
    second: int
    bins: int
    same_site: bool


@dataclass(frozen=True)
class PciPlan:
    """Identity of every cell, shape (cells,), and the soft rules that it breaks, heaviest first.

    ``cost`` is the sum over the broken rules. No change of one cell's identity that keeps the hard rules lowers it.
    """

    pci: IntArray
    breaks: tuple[PciBreak, ...]
    cost: int


def plan_pci(
    signals: Signals,
    neighbours: Neighbours,
    *,
    ids: int = LTE_IDS,
    moduli: Sequence[int] = LTE_MODULI,
    heard_dbm: float = LOWEST_RSRP_DBM,
) -> PciPlan:
    """Identities 0 … ``ids`` − 1 that keep every hard rule and break the soft rules as little as the search finds.

    Raises :class:`~trassa.errors.InputError` where so few identities do not suffice, with the cells that show it.
    """
    differ = _must_differ(signals, neighbours, heard_dbm)
    bins, weight = _pair_weights(signals, neighbours)
    residues = math.lcm(*moduli)
    equal = np.arange(residues)[:, None] - np.arange(residues)[None, :]
    penalty: IntArray = np.stack([equal % modulus == 0 for modulus in moduli]).sum(axis=0).astype(np.int64)
    search = _Search(Colouring.empty(differ, ids), weight, penalty)
    if not search.fill():
        search = _Search(complete_colouring(differ, ids), weight, penalty)
    search.improve()
    pci = search.colouring.colour
    breaks = _breaks(pci, bins, weight, moduli, signals.site)
    return PciPlan(pci, breaks, search.cost())


class _Search:
    """Cheapest identities by residue: ``price[c, r]`` is what cell c would cost with residue r, all others as is."""

    def __init__(self, colouring: Colouring, weight: sp.csr_array, penalty: IntArray) -> None:
        self.colouring, self.weight, self.penalty = colouring, weight, penalty
        self.residues = len(penalty)
        self.price = np.zeros((len(colouring.colour), self.residues), dtype=np.int64)
        for cell in np.flatnonzero(colouring.colour >= 0).tolist():
            self._reprice(cell, self.penalty[colouring.colour[cell] % self.residues])

    def fill(self) -> bool:
        """Give every cell an identity, the most constrained cell first; False where one is left with none."""
        kept = self.colouring
        uses = np.zeros(kept.ids, dtype=np.int64)
        residue = np.arange(kept.ids) % self.residues
        while (cell := kept.most_constrained()) >= 0:
            free = kept.free(cell)
            if not len(free):
                return False
            chosen = free[np.lexsort((uses[free], self.price[cell, residue[free]]))[0]]
            uses[chosen] += 1
            kept.paint(cell, int(chosen))
            self._reprice(cell, self.penalty[residue[chosen]])
        return True

    def improve(self) -> None:
        """Change one cell's residue at a time, the best change not made lately, until nothing better turns up.

        The best plan seen is kept; it is followed by at least one more step, so no single change betters it.
        """
        kept = self.colouring
        cells = np.arange(len(kept.colour))
        best, best_cost, stalled, step = kept.colour.copy(), self.cost(), 0, 0
        cost = best_cost
        barred_until = np.zeros_like(self.price)
        allowed = np.stack([kept.free_residues(cell, self.residues) for cell in cells.tolist()])
        while best_cost and stalled < max(_LEAST_STALL, _STALL_PER_CELL * len(cells)):
            now = kept.colour % self.residues
            here = self.price[cells, now]
            gain = self.price - here[:, None]
            barred = (barred_until > step) & (gain >= best_cost - cost)
            open_moves = allowed & ~barred & (here > 0)[:, None]
            open_moves[cells, now] = False
            if not open_moves.any():
                break
            cell, residue = divmod(int(np.argmin(np.where(open_moves, gain, np.iinfo(np.int64).max))), self.residues)
            barred_until[cell, now[cell]] = step + _TENURE + step % _TENURE
            cost += int(gain[cell, residue])
            self._move(cell, residue, allowed)
            stalled = 0 if cost < best_cost else stalled + 1
            if cost < best_cost:
                best, best_cost = kept.colour.copy(), cost
            step += 1
        self._restore(best)

    def cost(self) -> int:
        """Units of all soft rules broken."""
        cells = np.arange(len(self.price))
        return int(self.price[cells, self.colouring.colour % self.residues].sum()) // 2

    def _move(self, cell: int, residue: int, allowed: BoolArray) -> None:
        kept = self.colouring
        before = int(kept.colour[cell]) % self.residues
        free = kept.free(cell)
        kept.paint(cell, int(free[free % self.residues == residue][0]))
        self._reprice(cell, self.penalty[residue] - self.penalty[before])
        for other in kept.differ_from(cell).tolist():
            allowed[other] = kept.free_residues(other, self.residues)

    def _restore(self, colour: IntArray) -> None:
        kept = self.colouring
        changed = np.flatnonzero(colour != kept.colour).tolist()
        for cell in changed:
            change = self.penalty[colour[cell] % self.residues] - self.penalty[kept.colour[cell] % self.residues]
            self._reprice(cell, change)
            kept.paint(cell, int(colour[cell]))

    def _reprice(self, cell: int, change: IntArray) -> None:
        row = slice(int(self.weight.indptr[cell]), int(self.weight.indptr[cell + 1]))
        self.price[self.weight.indices[row]] += self.weight.data[row][:, None] * change[None, :]


def _must_differ(signals: Signals, neighbours: Neighbours, heard_dbm: float) -> sp.csr_array:
    """Which cells must have different identities, shape (cells, cells), symmetric."""
    cells = len(signals.site)
    heard = signals.rsrp_dbm >= heard_dbm
    on_bin = sp.csr_array(
        (np.ones(int(heard.sum()), np.int64), (signals.bin[heard], signals.cell[heard])), shape=(len(signals), cells)
    )
    shape = (cells, cells)
    relation = sp.csr_array((np.ones(len(neighbours), np.int64), (neighbours.source, neighbours.cell)), shape=shape)
    met = sp.coo_array(on_bin.T @ on_bin + relation + relation.T + relation.T @ relation)
    apart = met.row != met.col
    return sp.csr_array((met.data[apart] > 0, (met.row[apart], met.col[apart])), shape=shape)


def _pair_weights(signals: Signals, neighbours: Neighbours) -> tuple[sp.csr_array, sp.csr_array]:
    """Bins on which two neighbours are close, and the cost of a soft rule broken by them; symmetric."""
    cells = len(signals.site)
    seen = np.maximum(neighbours.bins + neighbours.handovers.sum(axis=1), 1)
    one_way = sp.csr_array((seen, (neighbours.source, neighbours.cell)), shape=(cells, cells))
    bins = sp.csr_array(one_way + one_way.T)
    first, second = np.nonzero((signals.site[:, None] == signals.site[None, :]) & ~np.eye(cells, dtype=bool))
    heaviest = max(int(bins.data.max()) if bins.nnz else 0, 1)
    together = sp.csr_array((np.full(len(first), heaviest), (first, second)), shape=(cells, cells))
    return bins, sp.csr_array(bins + together)


def _breaks(
    pci: IntArray, bins: sp.csr_array, weight: sp.csr_array, moduli: Sequence[int], site: IntArray
) -> tuple[PciBreak, ...]:
    pairs = sp.triu(weight, k=1).tocoo()
    order = np.lexsort((pairs.col, pairs.row, -pairs.data))
    found = []
    for first, second in zip(pairs.row[order].tolist(), pairs.col[order].tolist(), strict=True):
        same_site = bool(site[first] == site[second])
        broken = [modulus for modulus in moduli if (pci[first] - pci[second]) % modulus == 0]
        found += [PciBreak(modulus, first, second, int(bins[first, second]), same_site) for modulus in broken]
    return tuple(found)
