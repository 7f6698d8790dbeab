"""Looking at the draws of every bin until they are clear, and how far its need could rise by the same draws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled
from trassa.radio.interference_counting import Scratch, SiteLevels, add_hits, new_scratch, set_bin, set_need

__all__ = ["Looks", "judge_bins"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_STEP_DB = 1.0 / 32.0
_LIMIT = 64 * 32
_STRIDE_STEPS = 50 * 32


class Looks(NamedTuple):
    """When the draws are looked at, and what the count must be then; shapes (looks,).

    ``served`` hits or more put the lower bound at the promise, ``failed[look, sites]`` or less the upper bound below
    it for the worst of so many sites; ``quantile`` hits are the promised share of the draws.
    """

    draws: IntArray
    served: IntArray
    failed: IntArray
    quantile: IntArray


@compiled
def _hits(need: float, gain: FloatArray, draws: int, step: int, down: bool, scratch: Scratch) -> int:
    """In how many draws a need raised by so many steps is met, with the worst site down if asked."""
    ratio = need * 10.0 ** (0.1 * _STEP_DB * step)
    set_need(ratio, scratch)
    scratch.hits[:] = 0
    add_hits(gain, 0, draws, ratio, down, scratch)
    hits: int = scratch.hits[1 : scratch.sizes[0] + 1].min() if down else scratch.hits[0]
    return hits


@compiled
def _margin(
    need: float,
    gain: FloatArray,
    draws: int,
    fewest: int,
    down: bool,
    known: tuple[int, int],
    scratch: Scratch,
) -> tuple[int, int]:
    """By how many steps the need may rise until fewer than ``fewest`` draws meet it, and the hits there.

    ``known`` is a raise and its hits, to start from. First strides that double, then false position after Illinois.
    """
    low, hits = known
    low_hits, above, high = hits, 0.0, 0
    below = hits - fewest + 0.5
    sign = 1 if below > 0.0 else -1
    stride = min(max(int(abs(below) * _STRIDE_STEPS / draws), 2), _LIMIT // 8)
    while True:  # ends at the limit
        tried = min(max(low + sign * stride, -_LIMIT), _LIMIT)
        hits = _hits(need, gain, draws, tried, down, scratch)
        error = hits - fewest + 0.5
        if sign * error < 0.0:
            high, above = tried, error
            break
        low, low_hits, below, stride = tried, hits, error, 2 * stride
        if abs(tried) == _LIMIT:
            return low, low_hits
    if sign < 0:
        low, high, below, above, low_hits = high, low, above, below, hits
    side = 0
    while high - low > 1:
        tried = min(max(low + int((high - low) * below / (below - above)), low + 1), high - 1)
        hits = _hits(need, gain, draws, tried, down, scratch)
        error = hits - fewest + 0.5
        if error > 0.0:
            low, low_hits, below, above = tried, hits, error, 0.5 * above if side > 0 else above
            side = 1
        else:
            high, above, below = tried, error, 0.5 * below if side < 0 else below
            side = -1
    return low, low_hits


@compiled
def _look(need: float, gain: FloatArray, looks: Looks, scratch: Scratch) -> int:
    """Draw until both counts are clear or the draws end; the look at which it ended, the counts in ``scratch``."""
    sites, begin, look = scratch.sizes[0], 0, 0
    set_need(need, scratch)
    scratch.hits[:] = 0
    for look in range(len(looks.draws)):
        add_hits(gain, begin, looks.draws[look], need, sites > 1, scratch)
        begin = looks.draws[look]
        up, least = scratch.hits[0], scratch.hits[1 : sites + 1].min()
        clear = up >= looks.served[look] or up <= looks.failed[look, 1]
        if clear and (least >= looks.served[look] or least <= looks.failed[look, sites]):
            break
    return look


@compiled
def judge_bins(
    begin: int, end: int, levels: SiteLevels, gain: FloatArray, looks: Looks, found: IntArray, margin_db: FloatArray
) -> None:
    """Judge bins ``begin`` to ``end``.

    ``gain`` (sites, draws) holds the drawn gains as ratios. Rows of ``found`` (4, bins): the last look, the hits with
    all sites up, the fewest hits with one down, and the row of that site (−1 where none is heard). Rows of
    ``margin_db`` (4, bins): by the quantile and by the lower bound, with all sites up, then with the worst one down.
    """
    signals = 0
    for i in range(begin, end):
        here = levels.signal_start[levels.bin_start[i + 1]] - levels.signal_start[levels.bin_start[i]]
        signals = max(signals, here)
    scratch = new_scratch(gain.shape[0], signals)
    for i in range(begin, end):
        first, last = levels.bin_start[i], levels.bin_start[i + 1]
        found[3, i] = -1
        if first == last:
            continue
        set_bin(levels, i, scratch)
        look = _look(levels.need, gain, looks, scratch)
        worst = scratch.hits[1 : last - first + 1].argmin()
        found[0, i], found[1, i], found[2, i] = look, scratch.hits[0], scratch.hits[worst + 1]
        found[3, i] = first + worst
        draws = looks.draws[look]
        for down in range(min(last - first, 2)):
            known = (0, found[1 + down, i])
            known = _margin(levels.need, gain, draws, looks.served[look], down == 1, known, scratch)
            margin_db[2 * down + 1, i] = _STEP_DB * known[0]
            known = _margin(levels.need, gain, draws, looks.quantile[look], down == 1, known, scratch)
            margin_db[2 * down, i] = _STEP_DB * known[0]
