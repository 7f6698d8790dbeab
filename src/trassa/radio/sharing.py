"""Which sites of a plan send as one cell: neighbours along the road, within fronthaul reach and cyclic prefix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.radio.bins import Points
from trassa.radio.candidates import Candidates
from trassa.radio.cells import Cells
from trassa.radio.settings import RadioSettings
from trassa.radio.shared_cell import (
    Arrivals,
    SharedCells,
    cyclic_prefix_us,
    fronthaul_reach_m,
    group_sites,
    head_distances_m,
    shared_signals,
)
from trassa.radio.signals import Signals

__all__ = ["Sharing", "sharing_of"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_FIBRE_US_PER_KM = 4.9
_CLOCKS_US = 0.5
"""Taken off the cyclic prefix for clock errors between heads and for echoes."""


class Sharing:
    """The shared cells of a plan; without sharing every cell stays alone.

    ``reach_m`` is the longest fibre from a cell's baseband to a head that the fronthaul's delay allows.
    """

    def __init__(
        self,
        cells: Cells,
        shared: SharedCells | None,
        distance_m: FloatArray,
        prefix_us: float,
        start: IntArray,
        reach_m: float,
    ) -> None:
        self.cells, self.shared = cells, shared
        self.reach_m = reach_m
        self._distance_m, self._prefix_us, self._start = distance_m, prefix_us, start

    @property
    def together(self) -> IntArray:
        """The number of the cell that every sector's signal belongs to, shape (cells,)."""
        if self.shared is None:
            return np.arange(len(self.cells), dtype=np.int64)
        return self.shared.cell[self.cells.site]

    def on(self, spots: IntArray) -> Sharing:
        """The same for the signals of some spots in that order; see :meth:`trassa.radio.signals.Signals.take`."""
        if self.shared is None:
            return self
        counts = np.diff(self._start)[spots]
        start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        rows = np.repeat(self._start[spots] - start[:-1], counts) + np.arange(start[-1])
        return Sharing(self.cells, self.shared, self._distance_m[rows], self._prefix_us, start, self.reach_m)

    def signals(self, signals: Signals) -> Signals:
        """The signals as a vehicle tells cells apart."""
        if self.shared is None:
            return signals
        return shared_signals(signals, self.shared, distance_m=self._distance_m, prefix_us=self._prefix_us)


def sharing_of(
    cells: Cells, signals: Signals, candidates: Candidates, points: Points, settings: RadioSettings
) -> Sharing:
    """The fewest shared cells that ``radio.shared_cell_heads`` and the delays allow; ``signals`` are on the points."""
    place = np.array(cells.slots, dtype=np.int64) // max(len(candidates.options), 1)
    prefix_us = cyclic_prefix_us(settings.subcarrier_khz) - _CLOCKS_US
    if settings.shared_cell_heads == 1 or not len(place):
        return Sharing(cells, None, np.empty(0), prefix_us, signals.bin_start, 0.0)
    distance_m = _distances_m(cells, signals, candidates, points, place)
    arrivals = Arrivals(signals, distance_m)
    reach_m = fronthaul_reach_m(settings.fronthaul_us, _FIBRE_US_PER_KM)
    shared = group_sites(
        candidates.measure_m[place],
        most_heads=settings.shared_cell_heads,
        reach_m=reach_m,
        drop_m=np.abs(candidates.offset_m[place]),
        may_share=lambda sites: not arrivals.late(sites, prefix_us=prefix_us, any_away=settings.any_site_down),
    )
    return Sharing(cells, shared, distance_m, prefix_us, signals.bin_start, reach_m)


def _distances_m(cells: Cells, signals: Signals, candidates: Candidates, points: Points, place: IntArray) -> FloatArray:
    """From the head to the point for every signal; along the road where the axis has no geometry."""
    if np.isfinite(candidates.latitude_deg[place]).all():
        where = (points.latitude_deg, points.longitude_deg)
        return head_distances_m(signals, *where, candidates.latitude_deg[place], candidates.longitude_deg[place])
    site = cells.site[signals.cell]
    along_m = points.measure_m[signals.bin] - candidates.measure_m[place][site]
    return np.asarray(np.hypot(along_m, candidates.offset_m[place][site]), dtype=np.float64)
