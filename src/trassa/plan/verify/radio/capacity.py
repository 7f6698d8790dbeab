"""The load of every cell counted again: each point of the road by itself, each site removed in turn, all sums anew.

Levels are those of the judgement of the rate (:mod:`trassa.plan.verify.radio.rate`). A vehicle is served by the cell
that it hears best; what it takes of that cell is its demand over the rate at the median SINR there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.radio.antennas import Antennas
from trassa.plan.verify.radio.draws import Heard
from trassa.plan.verify.radio.needs import downlink_rate_mbps
from trassa.plan.verify.radio.rate import RateAgain, RateDraws, heard_on_edges, without_site
from trassa.plan.verify.verdict import Row

__all__ = ["CapacityAgain"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_CLAIM = "radio.capacity"
_UNIT = "of its resource elements"
_TOLERANCE, _LEAST = 0.01, 0.001
"""Two counts of one load may differ by this share of it, and by this much: levels differ by hundredths of a decibel."""


@numba.njit(cache=True, nogil=True)
def _serve(heard: Heard, points: IntArray, away: int, server: IntArray, sinr_ratio: FloatArray) -> None:
    """The cell heard best at some points with one site away (−1: none), and its SINR; −1 and 0 for none."""
    for row in range(len(points)):
        begin, end = heard.first[points[row]], heard.first[points[row] + 1]
        server[row], sinr_ratio[row], most = -1, 0.0, 0.0
        for k in range(begin, end):
            if heard.site[k] == away or heard.cell[k] == server[row]:
                continue
            wanted, others = 0.0, 1.0
            for j in range(begin, end):
                if heard.site[j] != away:
                    if heard.cell[j] == heard.cell[k]:
                        wanted += heard.wanted[j]
                    else:
                        others += heard.disturbing[j]
            if wanted > most:
                most, server[row], sinr_ratio[row] = wanted, heard.cell[k], wanted / others


@dataclass(frozen=True)
class CapacityAgain:
    """The signals at every edge of a bin, and what the vehicles there ask for, (points,)."""

    again: RateAgain
    claim: Claim
    heard: Heard
    demand_mbps: FloatArray

    @classmethod
    def of(cls, again: RateAgain, antennas: Antennas, draws: RateDraws | None) -> CapacityAgain | None:
        """None where the proof claims nothing about traffic; ``draws`` lend their signals where they are the same."""
        claim = next((claim for claim in again.evidence.proof.claims if claim.id == _CLAIM), None)
        if claim is None:
            return None
        mean_db = float(claim.method["hidden_mean_db"])
        same = draws is not None and float(draws.claim.method["hidden_mean_db"]) == mean_db
        heard = draws.heard if draws is not None and same else heard_on_edges(again, antennas, mean_db)
        return cls(again, claim, heard, _demand_mbps(again))

    @property
    def names(self) -> list[str]:
        """The cells by number."""
        return list(dict.fromkeys(self.again.evidence.layers["cells"]["sends"].tolist()))

    @cached_property
    def loads(self) -> FloatArray:
        """The load of every cell with all sites up, then with each site down in turn, shape (sites + 1, cells + 1).

        ∞ where something it serves gets no rate; the last column is ∞ where something is served by no cell.
        """
        return self._loads(self.heard)

    def _loads(self, heard: Heard) -> FloatArray:
        cells, sites = len(self.names), len(self.again.service.bins)
        everywhere = np.arange(len(self.demand_mbps))
        server, share = self._served(heard, everywhere, -1)
        table = [np.bincount(server, share, cells + 1)]
        point = np.repeat(everywhere, np.diff(heard.first))
        for site in range(sites if self.again.evidence.settings.radio.any_site_down else 0):
            there = np.unique(point[heard.site == site])
            served, taken = server.copy(), share.copy()
            served[there], taken[there] = self._served(heard, there, site)
            table.append(np.bincount(served, taken, cells + 1))
        return np.array(table)

    def _served(self, heard: Heard, points: IntArray, away: int) -> tuple[IntArray, FloatArray]:
        """The cell that serves each of some points, the number after the last for none, and the part of it taken."""
        server, sinr_ratio = np.empty(len(points), dtype=np.int64), np.empty(len(points))
        _serve(heard, points, away, server, sinr_ratio)
        asked = self.demand_mbps[points]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = asked / downlink_rate_mbps(self.again.evidence.settings.radio, sinr_ratio)
        return np.where(server < 0, len(self.names), server), np.where(asked > 0.0, share, 0.0)

    def needs(self, site: int) -> bool:
        """Whether some cell carries too much without a site, also with any other one down where that is promised."""
        most = float(self._loads(without_site(self.heard, site)).max(initial=0.0))
        return most > self._bound * (1.0 - _TOLERANCE) - _LEAST

    @property
    def _bound(self) -> float:
        return self.again.evidence.settings.radio.neighbour_load

    def rows(self) -> list[Row]:
        """The claim about traffic, and the loads that the plan stores."""
        found, bound = self.loads, self._bound
        most = float(found.max(initial=0.0))
        over, clear = most > _upper(bound), most <= bound * (1.0 - _TOLERANCE) - _LEAST
        wrong = [*self._cells_off(), *self._statement(most)]
        if self.claim.holds != "no" and over:
            wrong.insert(0, f"the proof says {self.claim.holds}")
        if self.claim.holds == "no" and clear:
            wrong.insert(0, "the proof says no, every cell carries its vehicles")
        if not wrong:
            holds = self.claim.holds
        else:
            holds = verdict(most > bound, estimate_reasons(self.again.evidence))
        state, cell = np.unravel_index(int(np.argmax(found)), found.shape)
        told = f"load {most:.4f} at most, bound {bound:g}, {len(self.names)} cells, {len(found) - 1} sites down in turn"
        return [
            Row(
                _CLAIM,
                self._place(int(cell), int(state) - 1),
                bound - most,
                _UNIT,
                not wrong,
                holds,
                "; ".join([*wrong[:4], told]),
            )
        ]

    def _place(self, cell: int, away: int) -> str:
        layers = self.again.evidence.layers
        down = f" with {layers['sites']['site'][away]} down" if away >= 0 else ""
        return f"{'no cell' if cell == len(self.names) else f'cell {self.names[cell]}'}{down}"

    def _cells_off(self) -> list[str]:
        """Cells whose stored loads, or the site that loads them most, are not those found."""
        names, sites = self.names, self.again.evidence.layers["sites"]["site"].tolist()
        wrong = []
        for row in self.again.evidence.layers["cells"].rows():
            column = self.loads[:, names.index(str(row["sends"]))]
            most = float(column.max())
            pairs = [("load", row["load"], float(column[0])), ("down_load", row["down_load"], most)]
            wrong += [
                f"{row['cell']} is stored with {name} {float(stored):.4f}, found {value:.4f}"
                for name, stored, value in pairs
                if not _same(float(stored), value)
            ]
            state = sites.index(row["worst_down"]) + 1 if row["worst_down"] in sites else 0
            if len(column) > state and not _same(float(column[state]), most):
                wrong.append(f"{row['cell']} is not loaded most with {row['worst_down'] or 'all sites up'}")
        return wrong

    def _statement(self, most: float) -> list[str]:
        """What the claim says of traffic, bound and worst cell, against trassa.toml and the count."""
        radio, worst, due = self.again.evidence.settings.radio, self.claim.worst, self.again.due
        stated: dict[str, Any] = {
            "vehicles_per_km": radio.vehicles_per_km,
            "rate_per_vehicle_mbps": radio.rate_per_vehicle_mbps,
            "load": radio.neighbour_load,
            "interference_time_percent": radio.interference_time_percent,
        }
        wrong = [
            f"states {name} {self.claim.method.get(name)}, by trassa.toml {value:g}"
            for name, value in stated.items()
            if self.claim.method.get(name) != value
        ]
        if worst.bound != radio.neighbour_load:
            wrong.append(f"bound stated {worst.bound}, by trassa.toml {radio.neighbour_load:g}")
        value = np.inf if worst.value is None else worst.value
        if not _same(value, most):
            wrong.append(f"worst load stated {value:.4f}, found {most:.4f}")
        if worst.margin is not None and abs(radio.neighbour_load - value - worst.margin) > 1e-5:
            wrong.append(f"margin stated {worst.margin:+.4f}, bound less load {radio.neighbour_load - value:+.4f}")
        fullest = [name for name, load in zip(self.names, self.loads.max(axis=0), strict=False) if _same(load, most)]
        if worst.value is not None and not any(f"cell {name}" in worst.place for name in fullest):
            wrong.append(f"worst place stated {worst.place}")
        length_m = float((due.end_m - due.start_m)[due.counted].sum())
        if abs(length_m - self.claim.scope.length_m) > 1.0:
            wrong.append(f"scope stated {self.claim.scope.length_m:.0f} m, found {length_m:.0f} m")
        return wrong


def _same(stored: float, found: float) -> bool:
    """Whether two counts of a load are one."""
    if np.isinf(stored) or np.isinf(found):
        return stored == found
    return abs(stored - found) <= _TOLERANCE * found + _LEAST


def _upper(bound_ratio: float) -> float:
    return bound_ratio * (1.0 + _TOLERANCE) + _LEAST


def _demand_mbps(again: RateAgain) -> FloatArray:
    """Half of what the vehicles of every counted bin ask for, at each of its edges."""
    radio, due = again.evidence.settings.radio, again.due
    demand_mbps = np.zeros(len(due.receivers.measure_m))
    for bin_ in np.flatnonzero(due.counted).tolist():
        vehicles = radio.vehicles_per_km * (due.end_m[bin_] - due.start_m[bin_]) / 1000.0
        for edge in (due.edges.first[bin_], due.edges.last[bin_]):
            demand_mbps[edge] += 0.5 * vehicles * radio.rate_per_vehicle_mbps
    return demand_mbps
