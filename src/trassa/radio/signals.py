"""The cells that are heard on every bin, and how strongly: what interference, handover and reliability start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Signals"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Signals:
    """Median levels by bin, as compressed rows: those of bin i are ``bin_start[i]`` to ``bin_start[i + 1]``.

    ``bin_start`` has shape (bins + 1,); ``cell``, ``rsrp_dbm`` and ``interference_dbm`` (signals,), strongest RSRP
    first within a bin; ``site`` (cells,) is the site of every cell. A bin is seen at one of its edges. ``rsrp_dbm`` is
    the median per resource element at 50 % of time, deductions taken: what a server is worth. ``interference_dbm`` is
    the level per resource element of a fully loaded cell at 10 % of time or less: what it does to others.
    """

    bin_start: IntArray
    cell: IntArray
    rsrp_dbm: FloatArray
    interference_dbm: FloatArray
    site: IntArray

    def __len__(self) -> int:
        return len(self.bin_start) - 1

    @property
    def bin(self) -> IntArray:
        """The bin of every signal, shape (signals,)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.bin_start))

    @property
    def best(self) -> IntArray:
        """The row of the strongest signal of every bin, −1 where none is heard; shape (bins,)."""
        return np.where(np.diff(self.bin_start) > 0, self.bin_start[:-1], -1)

    def take(self, bins: IntArray) -> Signals:
        """The signals of some bins, numbered anew in that order."""
        counts = np.diff(self.bin_start)[bins]
        start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        rows = np.repeat(self.bin_start[bins] - start[:-1], counts) + np.arange(start[-1])
        return Signals(start, self.cell[rows], self.rsrp_dbm[rows], self.interference_dbm[rows], self.site)
