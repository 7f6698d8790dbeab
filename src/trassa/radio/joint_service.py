"""The downlink beside the load of the other cells, judged with all links of a bin drawn together.

Step and clutter hide some loss of every link, and how much differs from link to link. Taken at 95 % from the wanted
signal and not at all from what disturbs it, every link would be counted as if it were at its own worst. Drawn together
they are what they are: their mean comes off every link, their spread joins the shadowing of every link. The mean is
that of serving links; what disturbs stands farther away and more in the shade, and hides more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.radio.bins import Bins, Points
from trassa.radio.budget import Budget, combining_db, link_budget_of
from trassa.radio.candidates import Candidates
from trassa.radio.cells import Cells, SectorLosses, cells_of, signals_of
from trassa.radio.diversity import Diversity, diversity
from trassa.radio.interference import JointReliability, Sampling, SinrNeed, joint_reliability, median_sinr_db
from trassa.radio.paths import Paths
from trassa.radio.settings import RadioSettings
from trassa.radio.shadowing import Shadowing
from trassa.radio.sharing import Sharing, sharing_of
from trassa.radio.signals import Signals

__all__ = ["Hidden", "JointJudge", "Judged"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_LEAST_MBPS = 1e-3
"""Where no rate is promised, a cell must carry anything at all."""
_UNREACHED_DBM = 200.0
_KEPT = ("fast_path_db", "within_bin_db")
"""Deductions that stay whole on the wanted signal: they bound errors of the computation, not of the ground."""


@dataclass(frozen=True)
class Hidden:
    """What step and clutter hide of a link together: mean and spread over the serving links, and where from."""

    mean_db: float
    sigma_db: float
    source: str


@dataclass(frozen=True)
class Judged:
    """The judgement on every bin, by the worse of its edges, whose ``signals`` these are.

    ``up`` holds with all sites, ``down`` with the worst one away, which is ``worst_site`` (−1: none). ``sinr_db`` is
    the median SINR of the best cell, shape (bins,).
    """

    cells: Cells
    sharing: Sharing
    signals: Signals
    up: JointReliability
    down: JointReliability
    worst_site: IntArray
    sinr_db: FloatArray

    def short(self, reliability: float, any_site_down: bool) -> BoolArray:
        """The bins whose lower bound does not reach the promise; shape (bins,)."""
        short = self.up.probability_low < reliability
        return short | (self.down.probability_low < reliability) if any_site_down else short


class JointJudge:
    """Judges plans of one road under one budget; the levels of a site are computed once."""

    def __init__(
        self, paths: Paths, candidates: Candidates, points: Points, bins: Bins, settings: RadioSettings
    ) -> None:
        self.candidates, self.points, self.bins, self.settings = candidates, points, bins, settings
        self.paths = paths
        link = link_budget_of(settings)
        need_db = float(link.downlink.sinr_db_for_rate(settings.rate_down_mbps or _LEAST_MBPS))
        need_db -= combining_db(settings.vehicle_branches)
        self.possible = math.isfinite(need_db)
        """Whether the carrier can carry the rate at all; a need beyond every level stands for one that it cannot."""
        need_db = need_db if self.possible else _UNREACHED_DBM
        self.noise_dbm, self.sampling = link.noise_dbm, Sampling()
        self.need = SinrNeed(need_db, settings.reliability, link.noise_dbm)
        self._spots = np.union1d(bins.start, bins.end)
        seen = points.take(self._spots)
        disturbing = paths.with_time_percent(settings.interference_time_percent)
        self._losses = SectorLosses(paths, candidates, seen), SectorLosses(disturbing, candidates, seen)
        self._edges = np.searchsorted(self._spots, bins.start), np.searchsorted(self._spots, bins.end)

    def signals(self, slots: Sequence[int], budget: Budget, hidden: Hidden) -> tuple[Cells, Signals]:
        """The cells of a plan and what they put on every edge of a bin; of what the ground hides the mean is taken."""
        taken = {name: budget.deductions[name] for name in _KEPT if name in budget.deductions}
        cells = cells_of(self.candidates, slots)
        where = (self.noise_dbm, replace(budget, deductions=taken), hidden.mean_db)
        return cells, signals_of(cells, self._losses, *where)

    def judge(self, slots: Sequence[int], budget: Budget, hidden: Hidden) -> Judged:
        """The judgement on the sites at these slots."""
        cells, signals = self.signals(slots, budget, hidden)
        sharing = sharing_of(cells, signals, self.candidates, self.points.take(self._spots), self.settings)
        up, down, worst_site = self.reliability(signals, hidden, self.need, sharing.together)
        load = np.full(len(cells), self.settings.neighbour_load)
        sinr_db, _ = median_sinr_db(signals, load, self.noise_dbm, sharing.together)
        by_up, by_down = self.worse_edge(up.probability_low), self.worse_edge(down.probability_low)
        lower = np.where(down.probability_low[by_down] < up.probability_low[by_up], by_down, by_up)
        return Judged(
            cells,
            sharing.on(lower),
            signals.take(lower),
            up.take(by_up),
            down.take(by_down),
            worst_site[by_down],
            np.fmin(*(sinr_db[edge] for edge in self._edges)),
        )

    def worse_edge(self, value: FloatArray) -> IntArray:
        """Of the two edges of every bin the one with the smaller value, (bins,); ``value`` has all edges."""
        first, last = self._edges
        return np.where(value[first] <= value[last], first, last)

    def diversity(self, judged: Judged, budget: Budget, hidden: Hidden) -> Diversity:
        """The probability that at least one server is good against noise, links drawn jointly; shape (bins,)."""
        settings = self.settings
        sigma_db = math.hypot(settings.sigma_db, hidden.sigma_db)
        shadowing = Shadowing(sigma_db, settings.site_correlation, settings.shadowing_distance_m)
        need_dbm = budget.need_rsrp_dbm if math.isfinite(budget.need_rsrp_dbm) else _UNREACHED_DBM
        return diversity(judged.signals, need_dbm, settings.reliability, shadowing)

    def reliability(
        self, signals: Signals, hidden: Hidden, need: SinrNeed, together: IntArray | None = None
    ) -> tuple[JointReliability, JointReliability, IntArray]:
        """With all sites up, with the worst one down, and which one that is.

        ``together`` (cells,) numbers the cells that send one signal alike.
        """
        settings = self.settings
        sigma_db = math.hypot(settings.sigma_db, hidden.sigma_db)
        shadowing = Shadowing(sigma_db, settings.site_correlation, settings.shadowing_distance_m)
        load = np.full(len(signals.site), settings.neighbour_load)
        return joint_reliability(signals, load, need, shadowing, self.sampling, shared=together)
