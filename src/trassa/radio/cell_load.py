"""The load of every cell: how much of its downlink the vehicles on the road take, with all sites up and any one down.

::

    demand of a bin  = vehicles_per_km · length · rate_per_vehicle_mbps         half of it at each edge; exempt: none
    load of a cell   = Σ demand ÷ rate(SINR) over the edges that it serves      a mean share of its resource elements

# RULE 1  An edge is served by the cell of the strongest median RSRP there: that is what a handover follows, and it does
          not depend on loads. The heads of a shared cell are one cell: their levels add up, they do not disturb each
          other, and they have one capacity.
# RULE 2  Its rate is the downlink rate at the median SINR while every other cell sends on ``radio.neighbour_load``.
# RULE 3  A cell may be loaded by ``radio.neighbour_load`` at most, whether a rate is promised beside it or not: that is
          what all interference here is computed with, and every cell is a neighbour of its neighbours. A load rises
          with the loads of the others (I. Siomina, D. Yuan, doi:10.1109/TWC.2012.051512.111532). So a plan that keeps
          the bound while all others are taken to be at it keeps it too where each is as loaded as its vehicles make it.
# RULE 4  With a site down its vehicles go to the strongest cell that is left, and it disturbs nobody.
# RULE 5  Where the rate is 0, or no cell is heard, no load is enough: it is infinite, and the place is named.

A load is a mean over time and over vehicles: shadowing and fading move rates both ways, and the rate at the median
stands for their mean. Control channels and reference signals are taken off the rate (:mod:`trassa.radio.rate`) and are
taken to be sent in proportion to the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.bins import Bins, Points
from trassa.radio.budget import Budget, combining_db, link_budget_of
from trassa.radio.compiled import compiled
from trassa.radio.joint_service import Hidden, JointJudge
from trassa.radio.settings import RadioSettings
from trassa.radio.sharing import sharing_of
from trassa.radio.signals import Signals
from trassa.radio.site_signals import by_site

__all__ = ["CellLoads", "Served", "Traffic", "bandwidth_for_load_mhz", "cell_loads", "served_by_strongest"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


_BANDWIDTHS_MHZ = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0)


@dataclass(frozen=True)
class Served:
    """Who serves every point, with all sites up and with any one site down; arrays of shape (states,).

    ``point`` is where, ``away`` the site that is down (−1: none). A site that is not heard at a point has no state
    there: it changes nothing. ``server`` is the cell that serves, −1 for none, ``sinr_ratio`` its median SINR.
    """

    point: IntArray
    away: IntArray
    server: IntArray
    sinr_ratio: FloatArray

    @cached_property
    def up(self) -> IntArray:
        """The state of every point with all sites up; shape (points,)."""
        return np.flatnonzero(self.away < 0)


@dataclass(frozen=True)
class CellLoads:
    """The loads of a plan's cells; arrays of shape (cells,), ∞ where something that a cell serves gets no rate.

    ``down_load`` is that with the worst site down, ``worst_down`` that site (−1: none makes it worse). ``without_rate``
    (states,) marks where demand meets no rate at all, ``share`` (states,) is demand ÷ rate.
    """

    load: FloatArray
    down_load: FloatArray
    worst_down: IntArray
    served: Served
    share: FloatArray
    signals: Signals

    @property
    def worst(self) -> FloatArray:
        """The larger of both loads; shape (cells,)."""
        return np.maximum(self.load, self.down_load)

    @property
    def without_rate(self) -> IntArray:
        """The states in which some demand meets no rate."""
        return np.flatnonzero(np.isinf(self.share))

    def states_over(self, cell: int, bound_ratio: float) -> list[int]:
        """The sites that may be down while a cell carries more than that: −1 for none of them, and the worst one."""
        up = [-1] if self.load[cell] > bound_ratio else []
        down = self.worst_down[cell] >= 0 and self.down_load[cell] > bound_ratio
        return [*up, int(self.worst_down[cell])] if down else up

    def serving(self, cell: int, away: int) -> IntArray:
        """The points with demand that a cell serves while one site is down, −1: while all are up."""
        served, now = self.served, self.served.up.copy()
        if away >= 0:
            gone = np.flatnonzero(served.away == away)
            now[served.point[gone]] = gone
        mine = now[(served.server[now] == cell) & (self.share[now] > 0.0)]
        return np.asarray(served.point[mine], dtype=np.int64)


class Traffic:
    """What the vehicles of a road ask for at every edge of a bin, and what it takes of a cell; see the rules above.

    ``asked`` (bins,) are the bins whose vehicles count, None: all that are not exempt.
    """

    def __init__(self, judge: JointJudge, asked: BoolArray | None = None) -> None:
        self.judge, self.points, self.bins = judge, judge.points, judge.bins
        self.spots = np.union1d(self.bins.start, self.bins.end)
        self.asked = self.bins.counted if asked is None else np.flatnonzero(asked)
        self.demand_mbps = _demand_mbps(self.points, self.bins.take(self.asked), self.spots, judge.settings)
        self._channel = link_budget_of(judge.settings).downlink
        self._combining_db = combining_db(judge.settings.vehicle_branches)

    @property
    def promised(self) -> bool:
        """Whether there is any traffic, and some of it may be carried."""
        return bool(self.demand_mbps.any()) and self.bound_ratio > 0.0

    @property
    def bound_ratio(self) -> float:
        """The largest load that a cell may have."""
        return self.judge.settings.neighbour_load

    def bins_of(self, loads: CellLoads, cells: BoolArray) -> IntArray:
        """The bins that count and have an edge which makes up the larger load of one of these cells (cells,)."""
        spots = [loads.serving(cell, int(loads.worst_down[cell])) for cell in np.flatnonzero(cells).tolist()]
        touched = np.zeros(len(self.spots), dtype=bool)
        touched[np.concatenate([np.empty(0, np.int64), *spots])] = True
        edges = (touched[np.searchsorted(self.spots, edge[self.asked])] for edge in (self.bins.start, self.bins.end))
        return np.asarray(self.asked[np.logical_or(*edges)], dtype=np.int64)

    def bins_over(self, spots: IntArray) -> tuple[IntArray, IntArray]:
        """Bins that count and have these edges, few of them; and for every edge the row of its bin in that list."""
        after, before = np.full(len(self.spots), -1), np.full(len(self.spots), -1)
        after[np.searchsorted(self.spots, self.bins.start[self.asked])] = self.asked
        before[np.searchsorted(self.spots, self.bins.end[self.asked])] = self.asked
        chosen: list[int] = []
        of_spot = np.empty(len(spots), dtype=np.int64)
        for row, spot in enumerate(spots.tolist()):
            if not chosen or chosen[-1] != before[spot]:
                chosen.append(int(after[spot] if after[spot] >= 0 else before[spot]))
            of_spot[row] = len(chosen) - 1
        bins, place = np.unique(np.array(chosen, dtype=np.int64), return_inverse=True)
        return bins, place[of_spot].astype(np.int64)

    def share(self, point: IntArray, sinr_ratio: FloatArray) -> FloatArray:
        """Demand ÷ rate at some points and SINR: the part of a cell they take; ∞ without a rate, 0 without demand."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rate_mbps = self._channel.rate_mbps(10.0 * np.log10(sinr_ratio) + self._combining_db)
            share = self.demand_mbps[point] / rate_mbps
        return np.where(self.demand_mbps[point] > 0.0, share, 0.0)

    def loads(self, slots: tuple[int, ...], budget: Budget, hidden: Hidden) -> CellLoads:
        """The loads of the cells of the sites at these slots."""
        judge, settings = self.judge, self.judge.settings
        cells, signals = judge.signals(slots, budget, hidden)
        together = sharing_of(cells, signals, judge.candidates, self.points.take(self.spots), settings).together
        served = served_by_strongest(
            signals, together, settings.neighbour_load, judge.noise_dbm, any_site_down=settings.any_site_down
        )
        return cell_loads(served, self.share(served.point, served.sinr_ratio), signals, together)


def _demand_mbps(points: Points, bins: Bins, spots: IntArray, settings: RadioSettings) -> FloatArray:
    """The demand at every edge of a bin: half of that of each bin beside it; shape (spots,)."""
    per_km_mbps = settings.vehicles_per_km * settings.rate_per_vehicle_mbps
    half_mbps = 0.0005 * per_km_mbps * (points.measure_m[bins.end] - points.measure_m[bins.start])
    demand_mbps = np.zeros(len(spots))
    for edge in (bins.start, bins.end):
        np.add.at(demand_mbps, np.searchsorted(spots, edge), half_mbps)
    return demand_mbps


def served_by_strongest(
    signals: Signals, together: IntArray, load_ratio: float, noise_dbm: float, *, any_site_down: bool
) -> Served:
    """The strongest cell of every point and its median SINR while the others send on so much of their elements.

    ``together`` (cells,) numbers the cells that send one signal alike, from 0; ``server`` is such a number.
    """
    sites, points = by_site(signals), len(signals)
    rows = np.diff(sites.bin_start) if any_site_down else np.zeros(points, dtype=np.int64)
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(rows + 1)])
    away = np.full(int(start[-1]), -1, dtype=np.int64)
    if any_site_down:
        later = np.ones(len(away), dtype=bool)
        later[start[:-1]] = False
        away[later] = sites.site
    wanted, disturbing = (10.0 ** (0.1 * (dbm - noise_dbm)) for dbm in (signals.rsrp_dbm, signals.interference_dbm))
    server, sinr_ratio = np.full(len(away), -1, dtype=np.int64), np.zeros(len(away))
    scratch = np.zeros((2, int(together.max(initial=-1)) + 1))
    group, site = together[signals.cell].astype(np.int64), signals.site[signals.cell]
    _serve(signals.bin_start, group, site, wanted, load_ratio * disturbing, start, away, scratch, server, sinr_ratio)
    return Served(np.repeat(np.arange(points, dtype=np.int64), rows + 1), away, server, sinr_ratio)


@compiled
def _serve(
    first: IntArray,
    group: IntArray,
    site: IntArray,
    wanted: FloatArray,
    disturbing: FloatArray,
    start: IntArray,
    away: IntArray,
    scratch: FloatArray,
    server: IntArray,
    sinr_ratio: FloatArray,
) -> None:
    """Fills the server and SINR of every state; powers are in units of the noise."""
    for point in range(len(first) - 1):
        for state in range(start[point], start[point + 1]):
            total, best = 1.0, -1
            for k in range(first[point], first[point + 1]):
                if site[k] != away[state]:
                    scratch[0, group[k]] += wanted[k]
                    scratch[1, group[k]] += disturbing[k]
                    total += disturbing[k]
            for k in range(first[point], first[point + 1]):
                if site[k] != away[state] and (best < 0 or scratch[0, group[k]] > scratch[0, best]):
                    best = group[k]
            if best >= 0 and scratch[0, best] > 0.0:
                server[state] = best
                sinr_ratio[state] = scratch[0, best] / max(total - scratch[1, best], 1.0)
            for k in range(first[point], first[point + 1]):
                scratch[:, group[k]] = 0.0


def cell_loads(served: Served, share: FloatArray, signals: Signals, together: IntArray) -> CellLoads:
    """The shares of all states added up by cell; with a site down, the points that hear it changed and the rest not."""
    cells, sites = int(together.max(initial=-1)) + 1, int(signals.site.max(initial=-1)) + 1
    known, endless = np.where(np.isfinite(share), share, 0.0), np.isinf(share).astype(np.float64)
    up, heard = served.up, np.flatnonzero((served.server >= 0) & (served.away < 0))
    load, bare = (np.bincount(served.server[heard], part[heard], cells).astype(np.float64) for part in (known, endless))
    at_down = np.stack([np.broadcast_to(load, (sites, cells)), np.broadcast_to(bare, (sites, cells))])
    gone = np.flatnonzero(served.away >= 0)
    before = up[served.point[gone]]
    for part, table in zip((known, endless), at_down, strict=True):
        for state, sign in ((gone, 1.0), (before, -1.0)):
            there = served.server[state] >= 0
            key = (served.away[gone][there], served.server[state][there])
            np.add.at(table, key, sign * part[state][there])
    down = np.where(at_down[1] > 0.5, np.inf, np.maximum(at_down[0], 0.0))
    load = np.where(bare > 0.5, np.inf, load)
    if not down.size:
        return CellLoads(load, load, np.full(cells, -1, dtype=np.int64), served, share, signals)
    worst, most = np.argmax(down, axis=0).astype(np.int64), down.max(axis=0)
    rises = most > load * (1.0 + 1e-12)
    return CellLoads(load, np.where(rises, most, load), np.where(rises, worst, -1), served, share, signals)


def bandwidth_for_load_mhz(settings: RadioSettings, load_ratio: float) -> float:
    """The least channel bandwidth in MHz, in any band, with which such a load is no larger than ``neighbour_load``.

    At the same power per resource element SINR stays, so a load falls as resource blocks grow. ∞ where none does.
    """
    now_mbps = link_budget_of(settings).downlink.top_mbps
    for bandwidth_mhz in _BANDWIDTHS_MHZ:
        wider = settings.model_copy(update={"bandwidth_mhz": bandwidth_mhz, "band": ""})
        try:
            top_mbps = link_budget_of(wider).downlink.top_mbps
        except InputError:  # no such channel at this subcarrier spacing
            continue
        if load_ratio * now_mbps <= settings.neighbour_load * top_mbps:
            return bandwidth_mhz
    return math.inf
