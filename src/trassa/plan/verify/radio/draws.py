"""Plain draws of all links of a bin together: how often some cell carries the rate, also with one site away.

Nothing is shared with the planner's judgement but the formulas of the design: other draws, another order of sums, no
early stop. Every bin gets the same number of draws.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

__all__ = [
    "Heard",
    "drawn_gains",
    "median_sinr",
    "none_good",
    "shares",
    "shares_at",
    "strongest_sites",
    "within_prefix",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_AWAY = 3
"""Sites that are taken away one by one: those that serve best. Losing a weaker one leaves the better ones."""
_HEARD = 10.0**-1.9
"""What stands deeper below the noise is not worth taking away: the planner does not hear it at all from 20 dB on."""


class Heard(NamedTuple):
    """Signals by bin: those of bin i are ``first[i]`` to ``first[i + 1]``; powers in units of the noise."""

    first: IntArray
    site: IntArray
    cell: IntArray
    wanted: FloatArray
    disturbing: FloatArray
    arrival: FloatArray
    """When it arrives, in units of the cyclic prefix."""


def drawn_gains(sites: int, draws: int, sigma_db: float, correlation_ratio: float, seed: int) -> FloatArray:
    """Power gains of the shadowing towards each site, shape (draws, sites), with one part common to all."""
    rng = np.random.default_rng([seed, draws])
    common, own = rng.standard_normal((draws, 1)), rng.standard_normal((draws, sites))
    level_db = sigma_db * (np.sqrt(correlation_ratio) * common + np.sqrt(1.0 - correlation_ratio) * own)
    return np.asarray(10.0 ** (level_db / 10.0), dtype=np.float64)


@numba.njit(cache=True, nogil=True)
def within_prefix(heard: Heard, first: int, other: int) -> bool:
    """Whether a signal comes within one cyclic prefix of another that came first."""
    late = heard.arrival[other] - heard.arrival[first]
    return bool(0.0 <= late <= 1.0)


@numba.njit(cache=True, nogil=True)
def shares(heard: Heard, gains: FloatArray, need_ratio: float, first: int, last: int, out: FloatArray) -> None:
    """Shares of the draws in which the need is met, into ``out`` (bins, 2): all sites up, and the worst one away."""
    most = 0
    for i in range(first, last):
        most = max(most, heard.first[i + 1] - heard.first[i])
    power = np.empty(most)
    for i in range(first, last):
        begin, end = heard.first[i], heard.first[i + 1]
        out[i, 0] = _share(heard, gains, need_ratio, begin, end, -1, power)
        out[i, 1] = out[i, 0] if end > begin else 0.0
        tried = np.full(_AWAY, -1)
        for turn in range(_AWAY):
            site, best = -1, 0.0
            for k in range(begin, end):
                if heard.wanted[k] > best and not (tried == heard.site[k]).any():
                    site, best = heard.site[k], heard.wanted[k]
            if site < 0:
                break
            tried[turn] = site
            out[i, 1] = min(out[i, 1], _share(heard, gains, need_ratio, begin, end, site, power))


@numba.njit(cache=True, nogil=True)
def _share(
    heard: Heard, gains: FloatArray, need_ratio: float, begin: int, end: int, away: int, power: FloatArray
) -> float:
    """Share of the draws in which some cell stands above noise and what is not its own.

    Of a cell that several sites send a receiver takes what comes within one cyclic prefix; the rest disturbs.
    """
    met = 0
    for draw in range(len(gains)):
        total = 1.0
        for k in range(begin, end):
            if heard.site[k] != away:
                power[k - begin] = heard.disturbing[k] * gains[draw, heard.site[k]]
                total += power[k - begin]
        for k in range(begin, end):
            if heard.wanted[k] == 0.0 or heard.site[k] == away:
                continue
            wanted, own = 0.0, 0.0
            for j in range(begin, end):
                if heard.cell[j] == heard.cell[k] and heard.site[j] != away and within_prefix(heard, k, j):
                    wanted += heard.wanted[j] * gains[draw, heard.site[j]]
                    own += power[j - begin]
            if wanted >= need_ratio * (total - own):
                met += 1
                break
    return met / len(gains)


@numba.njit(cache=True, nogil=True)
def shares_at(
    heard: Heard, gains: FloatArray, points: IntArray, need_ratio: FloatArray, away: IntArray, out: FloatArray
) -> None:
    """Shares of the draws at some points, each with its own need and one site away (−1: none), into ``out``."""
    for row in range(len(points)):
        begin, end = heard.first[points[row]], heard.first[points[row] + 1]
        power = np.empty(end - begin)
        out[row] = _share(heard, gains, need_ratio[row], begin, end, away[row], power)


@numba.njit(cache=True, nogil=True)
def none_good(
    heard: Heard, points: IntArray, level_ratio: float, away: IntArray, spread: tuple[float, float],
    rule: tuple[FloatArray, FloatArray], out: FloatArray,
) -> None:  # fmt: skip
    """Probability that no site stands at a level over the noise, with one site away, into ``out``.

    Given the common part of the shadowing the sites fade each by itself. ``spread`` are the common and the own standard
    deviations in dB, ``rule`` nodes and weights of a quadrature over a standard normal.
    """
    for row in range(len(points)):
        begin, end = heard.first[points[row]], heard.first[points[row] + 1]
        short_db, sites = np.empty(end - begin), 0
        for k in range(begin, end):
            is_best = heard.site[k] != away[row] and heard.wanted[k] > 0.0
            for j in range(begin, end):
                if heard.site[j] == heard.site[k] and (
                    heard.wanted[j] > heard.wanted[k] or (heard.wanted[j] == heard.wanted[k] and j < k)
                ):
                    is_best = False
            if is_best:
                short_db[sites] = 10.0 * np.log10(level_ratio / heard.wanted[k])
                sites += 1
        out[row] = 0.0
        for node in range(len(rule[0])):
            product = rule[1][node]
            for site in range(sites):
                product *= 0.5 * math.erfc((spread[0] * rule[0][node] - short_db[site]) / (spread[1] * math.sqrt(2.0)))
            out[row] += product


@numba.njit(cache=True, nogil=True)
def strongest_sites(heard: Heard) -> IntArray:
    """The sites that serve best at every point, those that are taken away one by one; (points, 3), −1 for none."""
    found = np.full((len(heard.first) - 1, _AWAY), -1)
    for i in range(len(found)):
        for turn in range(_AWAY):
            best = _HEARD
            for k in range(heard.first[i], heard.first[i + 1]):
                if heard.wanted[k] > best and not (found[i, :turn] == heard.site[k]).any():
                    found[i, turn], best = heard.site[k], heard.wanted[k]
    return found


@numba.njit(cache=True, nogil=True)
def median_sinr(heard: Heard) -> FloatArray:
    """The best cell's SINR at every point by the medians alone, as a ratio; 0 where nothing is heard."""
    found = np.zeros(len(heard.first) - 1)
    for i in range(len(found)):
        begin, end = heard.first[i], heard.first[i + 1]
        for k in range(begin, end):
            wanted, others = 0.0, 1.0
            for j in range(begin, end):
                if heard.cell[j] != heard.cell[k]:
                    others += heard.disturbing[j]
                elif within_prefix(heard, k, j):
                    wanted += heard.wanted[j]
            found[i] = max(found[i], wanted / others)
    return found
