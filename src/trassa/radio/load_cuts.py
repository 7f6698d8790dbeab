"""Cuts: what every plan must change where a cell has more traffic than it may carry.

Take an overloaded cell c of a plan, with all sites up or with one site down; some points P that it serves there; and a
set K of the plan's sites, its own among them, that is left then. Let L be the slots at other places than those of K and
of the site that is down, not built so far, that could be stronger than c somewhere on P. If c would be overloaded by P
alone, disturbed by the cells of K alone, then

    Σ x over L + Σ (1 − x) over K ≥ 1

holds for every plan whose cells keep the bound: suppose one builds all of K and nothing of L. With any one site down it
must keep the bound whatever site that is, so take down whatever it has at the place of the site that was down, if
anything. What is left holds K. At a place of K nothing else can stand. No other site that it has is stronger than c on
P: those of the plan are not, since c serves P beside them, and the others are not of L. So c still serves all of P, by
the strongest level, disturbed by the cells of K at least; its SINR is no better than with K alone, and its load no
smaller. Bound and gap stay true.

K begins with the site of c and takes in what disturbs it most until c is overloaded; of L those are left out that
together could take so little of P that c would stay overloaded, once the least and once the cheapest: a smaller cut
cuts off more plans. Where sites share
cells, one site more may change who shares with whom, and no cut is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.radio.budget import Budget
from trassa.radio.cell_load import CellLoads, Traffic
from trassa.radio.cuts import Cut
from trassa.radio.joint_service import Hidden

__all__ = ["load_cuts_for"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
HeardOn = Callable[[IntArray, Budget], list[tuple[IntArray, FloatArray]]]

_WITHOUT_RATE = 1e6
"""What a point without a rate takes of a cell: more than any bound."""
_SURELY_DB = 0.05
"""A slot this much weaker than the cell, as far as two computations of one loss may differ, cannot take a point."""


def load_cuts_for(
    traffic: Traffic, loads: CellLoads, slots: Sequence[int], budget: Budget, hidden: Hidden, heard_on: HeardOn
) -> list[Cut]:
    """Cuts for each cell over the bound, with all sites up and with its worst site down.

    ``heard_on`` gives slots and losses on bins. ``loads`` are those of the sites at ``slots``, no two of which share a
    cell.
    """
    found: list[Cut] = []
    for cell in np.flatnonzero(loads.worst > traffic.bound_ratio).tolist():
        for away in loads.states_over(cell, traffic.bound_ratio):
            crowd = _Crowd.of(traffic, loads, cell, away, hidden)
            crowding = crowd.overloading()
            if crowding is None:
                continue
            there = tuple(slots[site] for site in crowding)
            closed = there if away < 0 else (*there, slots[away])
            bins, takes = _takes(crowd, closed, slots, budget, heard_on)
            fresh = [Cut(int(bins[0]), lifting, there) for lifting in _lifting(crowd, crowding, takes)]
            found += [cut for cut in fresh if cut not in found]
    return found


@dataclass(frozen=True)
class _Crowd:
    """A cell of ``site`` on the points that it serves while ``away`` is down (−1: none), and what disturbs it there.

    ``point`` and ``wanted_dbm`` (n,); ``disturbing`` (n, sites) in units of the noise.
    """

    traffic: Traffic
    site: int
    away: int
    point: IntArray
    wanted_dbm: FloatArray
    disturbing: FloatArray
    hidden_db: float

    @classmethod
    def of(cls, traffic: Traffic, loads: CellLoads, cell: int, away: int, hidden: Hidden) -> _Crowd:
        judge, signals = traffic.judge, loads.signals
        point = loads.serving(cell, away)
        here = signals.take(point)
        row, site, own = here.bin, here.site[here.cell], here.cell == cell
        wanted_dbm = np.full(len(point), -np.inf)
        wanted_dbm[row[own]] = here.rsrp_dbm[own]
        disturbing = np.zeros((len(point), int(signals.site.max()) + 1))
        other = ~own & (site != away)
        power = judge.settings.neighbour_load * 10.0 ** (0.1 * (here.interference_dbm[other] - judge.noise_dbm))
        np.add.at(disturbing, (row[other], site[other]), power)
        return cls(traffic, int(signals.site[cell]), away, point, wanted_dbm, disturbing, hidden.mean_db)

    def shares(self, sites: list[int]) -> FloatArray:
        """What every point takes of the cell while these sites alone disturb it; more than all where it has no rate."""
        wanted = 10.0 ** (0.1 * (self.wanted_dbm - self.traffic.judge.noise_dbm))
        sinr_ratio = wanted / (1.0 + self.disturbing[:, sites].sum(axis=1))
        return np.minimum(self.traffic.share(self.point, sinr_ratio), _WITHOUT_RATE)

    def overloading(self) -> list[int] | None:
        """The sites that overload the cell, its own first, then those that raise its load most; None if none do."""
        chosen, left = [self.site], set(range(self.disturbing.shape[1])) - {self.site, self.away}
        while self.shares(chosen).sum() <= self.traffic.bound_ratio:
            if not left:
                return None
            best = max(sorted(left), key=lambda site: float(self.shares([*chosen, site]).sum()))
            chosen.append(best)
            left.discard(best)
        return chosen


def _takes(
    crowd: _Crowd, closed: Sequence[int], built: Sequence[int], budget: Budget, heard_on: HeardOn
) -> tuple[IntArray, BoolArray]:
    """Some bins that hold the points, and which slots could take which point, (slots, n); ``closed``: of K and s."""
    candidates = crowd.traffic.judge.candidates
    options = len(candidates.options)
    bins, of_point = crowd.traffic.bins_over(crowd.point)
    takes = np.zeros((candidates.cost_minor.size, len(crowd.point)), dtype=bool)
    for row, (slots, loss_db) in enumerate(heard_on(bins, budget)):
        mine = np.flatnonzero(of_point == row)
        level_dbm = budget.rsrp_dbm(loss_db) - crowd.hidden_db
        takes[np.ix_(slots, mine)] = level_dbm[:, None] >= crowd.wanted_dbm[mine] - _SURELY_DB
    takes.reshape(-1, options, len(crowd.point))[np.unique(np.array(closed, dtype=np.int64) // options)] = False
    takes[np.array(built, dtype=np.int64)] = False
    return bins, takes


def _lifting(crowd: _Crowd, crowding: list[int], takes: BoolArray) -> list[tuple[int, ...]]:
    """L in the proof above without slots that together leave the cell over its bound: the least first, the cheapest."""
    shares, bound = crowd.shares(crowding), crowd.traffic.bound_ratio
    able = np.flatnonzero(takes.any(axis=1))
    least, cost = takes[able] @ shares, crowd.traffic.judge.candidates.cost_minor.ravel()[able]
    found = []
    for order in (np.lexsort((able, cost, least)), np.lexsort((able, least, cost))):
        left, kept = np.ones(len(shares), dtype=bool), []
        for slot in able[order].tolist():
            without = left & ~takes[slot]
            if shares[without].sum() > bound:
                left = without
            else:
                kept.append(slot)
        found.append(tuple(sorted(kept)))
    return found
