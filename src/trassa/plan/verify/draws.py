"""Plain draws of all links of a bin together: how often some cell carries the rate, also with one site away.

Nothing is shared with the planner's judgement but the formulas of the design: other draws, another order of sums, no
early stop. Every bin gets the same number of draws.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["Heard", "drawn_gains", "shares"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_AWAY = 3
"""Sites that are taken away one by one: those that serve best. Losing a weaker one leaves the better ones."""


class Heard(NamedTuple):
    """Signals by bin: those of bin i are ``first[i]`` to ``first[i + 1]``; powers in units of the noise."""

    first: IntArray
    site: IntArray
    cell: IntArray
    wanted: FloatArray
    disturbing: FloatArray


def drawn_gains(sites: int, draws: int, sigma_db: float, correlation_ratio: float, seed: int) -> FloatArray:
    """Power gains of the shadowing towards each site, shape (draws, sites), with one part common to all."""
    rng = np.random.default_rng([seed, draws])
    common, own = rng.standard_normal((draws, 1)), rng.standard_normal((draws, sites))
    level_db = sigma_db * (np.sqrt(correlation_ratio) * common + np.sqrt(1.0 - correlation_ratio) * own)
    return np.asarray(10.0 ** (level_db / 10.0), dtype=np.float64)


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
    """Share of the draws in which some cell stands above noise and what is not its own."""
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
                if heard.cell[j] == heard.cell[k] and heard.site[j] != away:
                    wanted += heard.wanted[j] * gains[draw, heard.site[j]]
                    own += power[j - begin]
            if wanted >= need_ratio * (total - own):
                met += 1
                break
    return met / len(gains)
