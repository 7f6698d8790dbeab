"""Colours for cells that must differ: kept consistent one at a time, or found by complete search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from trassa.errors import InputError

__all__ = ["Colouring", "complete_colouring"]

IntArray = npt.NDArray[np.int64]

_MOST_STEPS = 200_000
_NAMED = 6


@dataclass(frozen=True)
class Colouring:
    """Colours 0 … ``ids`` − 1 of cells, −1 where there is none yet; cells that must differ do.

    ``differ`` (cells, cells) is symmetric; ``colour`` has shape (cells,); ``near[c, k]`` counts the cells of colour k
    that c must differ from; ``kinds[c]`` is the number of colours among them.
    """

    differ: sp.csr_array
    ids: int
    colour: IntArray
    near: npt.NDArray[np.int16]
    kinds: IntArray

    @classmethod
    def empty(cls, differ: sp.csr_array, ids: int) -> Colouring:
        """No cell has a colour."""
        cells = differ.shape[0]
        none = np.full(cells, -1, dtype=np.int64)
        return cls(differ, ids, none, np.zeros((cells, ids), np.int16), np.zeros(cells, np.int64))

    def differ_from(self, cell: int) -> IntArray:
        """The cells that one cell must differ from."""
        return np.asarray(self.differ.indices[self.differ.indptr[cell] : self.differ.indptr[cell + 1]], dtype=np.int64)

    def free(self, cell: int) -> IntArray:
        """The colours that a cell may take, rising."""
        return np.flatnonzero(self.near[cell] == 0)

    def free_residues(self, cell: int, modulus: int) -> npt.NDArray[np.bool_]:
        """Whether a cell may take any colour of each residue, shape (modulus,)."""
        return np.bincount(self.free(cell) % modulus, minlength=modulus) > 0

    def paint(self, cell: int, colour: int) -> None:
        """Give a cell another colour; −1 takes its colour away."""
        others = self.differ_from(cell)
        old = int(self.colour[cell])
        if old >= 0:
            self.near[others, old] -= 1
            self.kinds[others] -= self.near[others, old] == 0
        if colour >= 0:
            self.kinds[others] += self.near[others, colour] == 0
            self.near[others, colour] += 1
        self.colour[cell] = colour

    def most_constrained(self) -> int:
        """The uncoloured cell with most colours around it, of equals the one with most cells to differ from; or −1."""
        waiting = np.flatnonzero(self.colour < 0)
        if not len(waiting):
            return -1
        degree = np.diff(self.differ.indptr)[waiting]
        return int(waiting[np.lexsort((-degree, -self.kinds[waiting]))[0]])


def complete_colouring(differ: sp.csr_array, ids: int) -> Colouring:
    """A colouring found by trying everything, the most constrained cell first and never two unused colours for one.

    Raises :class:`~trassa.errors.InputError` where there is none, and where the search breaks off undecided.
    """
    kept = Colouring.empty(differ, ids)
    trail: list[tuple[int, list[int]]] = []
    steps = 0
    cell = kept.most_constrained()
    while cell >= 0:
        trail.append((cell, _choices(kept, cell)))
        while trail and not trail[-1][1]:
            kept.paint(trail.pop()[0], -1)
        steps += 1
        if not trail or steps > _MOST_STEPS:
            raise _too_few(differ, ids, proved=not trail)
        at, choices = trail[-1]
        kept.paint(at, choices.pop())
        cell = kept.most_constrained()
    return kept


def _choices(kept: Colouring, cell: int) -> list[int]:
    """Colours to try, the last one first: unused colours are alike, so the lowest stands for all."""
    used = np.unique(kept.colour[kept.colour >= 0])
    unused = np.setdiff1d(np.arange(kept.ids), used)[:1]
    free = np.intersect1d(kept.free(cell), np.concatenate([used, unused]))
    return [int(colour) for colour in free[::-1]]


def _too_few(differ: sp.csr_array, ids: int, *, proved: bool) -> InputError:
    clique = _clique(differ)
    named = ", ".join(str(cell) for cell in clique[:_NAMED]) + (", …" if len(clique) > _NAMED else "")
    word = "do not suffice" if proved else f"were not made to suffice in {_MOST_STEPS:,} steps"
    return InputError(
        f"pci: {ids} identities {word} for {differ.shape[0]} cells; {len(clique)} cells must all differ: {named}",
        cure="more identities, a shorter reach or a higher level from which a cell counts as heard",
    )


def _clique(differ: sp.csr_array) -> list[int]:
    """Cells that must all differ from one another, gathered from the cell with most to differ from."""
    degree = np.diff(differ.indptr)
    found: list[int] = []
    open_cells = np.ones(differ.shape[0], dtype=bool)
    while open_cells.any():
        cell = int(np.argmax(np.where(open_cells, degree, -1)))
        found.append(cell)
        beside = np.zeros_like(open_cells)
        beside[differ.indices[differ.indptr[cell] : differ.indptr[cell + 1]]] = True
        open_cells &= beside
    return sorted(found)
