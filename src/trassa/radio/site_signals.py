"""The signals of every bin gathered by site: cells of one site share a mast, hence their shadowing and their fate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.radio.signals import Signals

__all__ = ["SiteSignals", "by_site"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SiteSignals:
    """Sites heard on every bin as compressed rows, and the signals of every such row; sites rise within a bin.

    Those of bin i are the rows ``bin_start[i]`` to ``bin_start[i + 1]``; ``site`` has shape (rows,). The signals of
    row j are ``signal[signal_start[j] : signal_start[j + 1]]``, indices into the arrays of :class:`Signals`.
    """

    bin_start: IntArray
    site: IntArray
    signal_start: IntArray
    signal: IntArray

    @property
    def most(self) -> int:
        """The largest number of sites heard on one bin."""
        return int(np.diff(self.bin_start).max(initial=0))


def by_site(signals: Signals) -> SiteSignals:
    """Gather the signals of every bin by the site of their cell."""
    bin_, site = signals.bin, signals.site[signals.cell]
    order = np.lexsort((site, bin_))
    bin_, site = bin_[order], site[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (bin_[1:] != bin_[:-1]) | (site[1:] != site[:-1])
    first = np.flatnonzero(fresh)
    bin_start = np.searchsorted(bin_[first], np.arange(len(signals) + 1))
    return SiteSignals(bin_start.astype(np.int64), site[first], np.append(first, len(order)), order.astype(np.int64))
