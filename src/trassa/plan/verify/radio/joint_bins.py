"""What the bins say of all links together, drawn again: margins beside the load, diversity, SINR, the worst loss.

The wanted signal of every bin is lowered by the margin that the bin states: what is left must keep the promise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.plan.verify.radio.draws import median_sinr, none_good, shares_at, strongest_sites
from trassa.plan.verify.radio.needs import needed_level_dbm, noise_dbm
from trassa.plan.verify.radio.rate import RateDraws
from trassa.plan.verify.verdict import Row

__all__ = ["check_joint_bins"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_SLACK, _SIGMAS = 0.01, 4.0
"""Two sets of draws may differ by four standard deviations; levels by hundredths of a decibel."""
_SPARE_DB, _LEAST_DB = 0.1, -63.0
"""Margins are kept within 64 dB: the least one says no more than that it is smaller."""
_SINR_TOLERANCE_DB = 0.25
"""The planner leaves out what stands 20 dB below the noise, here it is 30 dB: a dozen of such make 0.2 dB."""
_TIMES, _RARE = 1.25, 1e-4
"""Probabilities of a failure may differ by a quarter: a tenth of a decibel at several sites makes a fifth."""
_NODES, _LARGEST_CORRELATION = 128, 0.999


def check_joint_bins(draws: RateDraws) -> Row:
    """Every column of the bins that speaks of links drawn together, on the bins that the plan stores."""
    again = _Again(draws)
    off = {
        **{name: again.margin_off(name, down) for name, down in _columns("sinr_margin_db")},
        **{name: again.diversity_off(name, down) for name, down in _columns("diversity")},
        "sinr_db": again.sinr_off(),
        "worst_down": again.worst_off(),
    }
    wrong = [
        f"{name} of {int(rows.sum())} bins is not what is found, e.g. {again.place(int(np.argmax(rows)))}"
        for name, rows in off.items()
        if rows.any()
    ]
    fine = f"{len(again.rows)} bins: margins, diversity, SINR and worst loss by {len(draws.gains)} draws"
    return Row("radio.rate.bins", "", None, "", not wrong, None, "; ".join(wrong) or fine)


def _columns(name: str) -> list[tuple[str, bool]]:
    return [(name, False), (f"down_{name}", True)]


@dataclass(frozen=True)
class _Again:
    """The draws beside the bins as stored; every finding is by stored bin, (rows,)."""

    draws: RateDraws

    @cached_property
    def rows(self) -> IntArray:
        """The bins that are due and stored."""
        return np.flatnonzero(self.draws.again.due.stored >= 0)

    @cached_property
    def bins(self) -> Layer:
        """The same as the plan stores them."""
        return self.draws.again.evidence.layers["bins"].take(self.draws.again.due.stored[self.rows])

    @cached_property
    def away(self) -> IntArray:
        """The sites whose loss is tried at every point."""
        return strongest_sites(self.draws.heard)

    @cached_property
    def edges(self) -> tuple[IntArray, IntArray]:
        """Both edges of every bin."""
        edges = self.draws.again.due.edges
        return edges.first[self.rows], edges.last[self.rows]

    def place(self, row: int) -> str:
        """Where a bin is."""
        return self.draws.again.due.place(self.draws.again.evidence, int(self.rows[row]))

    def slack(self, share: FloatArray) -> FloatArray:
        """How far two shares of one probability may be apart."""
        count = len(self.draws.gains)
        return _SIGMAS * np.sqrt(np.maximum(share * (1.0 - share), 1.0 / count) / count) + _SLACK

    def margin_off(self, name: str, down: bool) -> BoolArray:
        """Bins that do not keep the promise, on either edge, when the wanted signal is lowered by their margin."""
        margin_db = np.asarray(self.bins[name], dtype=np.float64)
        asked = np.flatnonzero(margin_db > _LEAST_DB)
        at = self.draws.everywhere[:, int(down)]
        first, last = self.edges
        worse = np.where(at[first] <= at[last], first, last)
        need = self.draws.need_ratio * 10.0 ** (0.1 * (margin_db - _SPARE_DB))
        for points in (worse, first + last - worse):
            share = self._least(points[asked], need[asked], down)
            promised = self.draws.again.evidence.settings.radio.reliability
            asked = asked[share + self.slack(np.full(len(share), promised)) < promised]
        off = np.zeros(len(margin_db), dtype=bool)
        off[asked] = True
        return off

    def diversity_off(self, name: str, down: bool) -> BoolArray:
        """Bins whose probability that no site serves against noise lies beyond what is found on both edges."""
        used = np.unique(np.concatenate(self.edges))
        found = np.ones(len(self.away))
        found[used] = self._none_good(used, self.away[used, 0] if down else np.full(len(used), -1))
        one, other = (found[edge] for edge in self.edges)
        none = 1.0 - np.asarray(self.bins[name], dtype=np.float64)
        low, high = np.minimum(one, other), np.maximum(one, other)
        return ~((none >= low / _TIMES - _RARE) & (none <= high * _TIMES + _RARE))

    def sinr_off(self) -> BoolArray:
        """Bins whose median SINR of the best cell is another one."""
        with np.errstate(divide="ignore"):
            found_db = 10.0 * np.log10(median_sinr(self.draws.heard))
        one, other = (np.where(np.isfinite(found_db[edge]), found_db[edge], np.nan) for edge in self.edges)
        found, stored = np.fmin(one, other), np.asarray(self.bins["sinr_db"], dtype=np.float64)
        return ~((np.abs(found - stored) <= _SINR_TOLERANCE_DB) | (np.isnan(found) & np.isnan(stored)))

    def worst_off(self) -> BoolArray:
        """Bins that lose more with another site than with the one named, or name one that is not heard there."""
        sites = self.draws.again.evidence.layers["sites"]["site"].tolist()
        number = {name: row for row, name in enumerate(sites)} | {"": -1}
        named = np.array([number.get(str(name), len(sites)) for name in self.bins["worst_down"]], dtype=np.int64)
        off, need = np.ones(len(named), dtype=bool), np.full(len(named), self.draws.need_ratio)
        heard, point = self.draws.heard, np.repeat(np.arange(len(self.away)), np.diff(self.draws.heard.first))
        known = np.unique(point * (len(sites) + 1) + heard.site)
        for points in self.edges:
            least = self.draws.everywhere[points, 1]
            is_least = self._shares(points, need, named) <= least + self.slack(least)
            is_heard = np.isin(points * (len(sites) + 1) + named, known)
            off &= ~np.where(named < 0, self.away[points, 0] < 0, is_least & is_heard)
        return off

    def _least(self, points: IntArray, need: FloatArray, down: bool) -> FloatArray:
        """Shares at some points with their own needs: all sites up, or the worst of those tried away.

        Where there is no further site to take away nothing is: between two cells either does better alone than both.
        """
        if not down:
            return self._shares(points, need, np.full(len(points), -1))
        away = self.away[points].T
        tried = [np.where(one >= 0, self._shares(points, need, one), np.inf) for one in away]
        none = self._shares(points, need, away[0])
        return np.where(away[0] >= 0, np.min(tried, axis=0), none)

    def _shares(self, points: IntArray, need: FloatArray, away: IntArray) -> FloatArray:
        out = np.empty(len(points))

        def fill(part: slice) -> None:
            shares_at(self.draws.heard, self.draws.gains, points[part], need[part], away[part], out[part])

        _in_parts(fill, len(points))
        return out

    def _none_good(self, points: IntArray, away: IntArray) -> FloatArray:
        """Probability that no site stands at the needed level, by Gauss and Hermite's rule over the common part."""
        radio, out = self.draws.again.evidence.settings.radio, np.empty(len(points))
        level = float(10.0 ** (0.1 * min(needed_level_dbm(radio) - noise_dbm(radio), 300.0)))
        sigma_db = math.hypot(radio.sigma_db, float(self.draws.claim.method["hidden_spread_db"]))
        common = min(radio.site_correlation, _LARGEST_CORRELATION)
        spread = (sigma_db * math.sqrt(common), sigma_db * math.sqrt(1.0 - common))
        node, weight = np.polynomial.hermite_e.hermegauss(_NODES)
        rule = (node, weight / weight.sum())

        def fill(part: slice) -> None:
            none_good(self.draws.heard, points[part], level, away[part], spread, rule, out[part])

        _in_parts(fill, len(points))
        return out


def _in_parts(fill: Callable[[slice], None], count: int) -> None:
    """Fill rows in two threads."""
    ends = np.linspace(0, count, 33).astype(int).tolist()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(fill, [slice(a, b) for a, b in pairwise(ends)]))
