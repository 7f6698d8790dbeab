"""Looking at the draws of every bin until they are clear, and how far its need could rise by the same draws."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled
from trassa.radio.interference_counting import BLOCK, Scratch, SiteLevels, add_hits, new_scratch, set_bin, set_need

__all__ = ["Looks", "judge_bins", "measure_bins"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_STEP_DB = 1.0 / 32.0
_LIMIT = 64 * 32


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
def _sinr_without(gain: FloatArray, draws: int, away: int, scratch: Scratch, sinr: FloatArray) -> None:
    """The largest SINR of any server in every draw, as a ratio, with a site of the bin away (−1: none)."""
    # unpacked once: every access to an array of a tuple costs as much as dozens of draws
    total, wanted, disturbing, spans = scratch.total, scratch.wanted, scratch.disturbing, scratch.spans
    parts, starts, sites = scratch.part, scratch.piece_start, scratch.sizes[0]
    power, own = scratch.best, scratch.second
    for begin in range(0, draws, BLOCK):
        size = min(BLOCK, draws - begin)
        best = sinr[begin : begin + size]
        total[:size], best[:] = 1.0, 0.0
        for s in range(sites):
            part, row = 0.0 if s == away else parts[s], gain[s, begin : begin + size]
            for d in range(size):
                total[d] += part * row[d]
        for s in range(sites):
            row = gain[s, begin : begin + size]
            for p in range(starts[s], starts[s + 1] if s != away else 0):
                if spans[p] >= 0 or wanted[p] <= 0.0:
                    continue
                serving, disturbed = wanted[p], disturbing[p]
                for d in range(size):
                    ratio = serving * row[d] / (total[d] - disturbed * row[d])
                    best[d] = ratio if ratio > best[d] else best[d]
        for k in range(scratch.sizes[1]):
            power[:size], own[:size] = 0.0, 0.0
            for s in range(sites):
                row = gain[s, begin : begin + size]
                for p in range(starts[s], starts[s + 1] if s != away else 0):
                    if spans[p] == k:
                        serving, disturbed = wanted[p], disturbing[p]
                        for d in range(size):
                            power[d] += serving * row[d]
                            own[d] += disturbed * row[d]
            for d in range(size):
                ratio = power[d] / (total[d] - own[d])
                best[d] = ratio if ratio > best[d] else best[d]


@compiled
def _smallest(values: FloatArray, count: int, rank: int) -> float:
    """The value at a rank of the first ``count``, counted from 0 in rising order; reorders them. C. A. R. Hoare."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return float(values[rank])


@compiled
def _steps(need: float, sinr: float) -> int:
    """The largest raise of the need, in steps, that an SINR still meets."""
    if sinr <= 0.0:
        return -_LIMIT
    step = math.floor(min(max(10.0 * math.log10(sinr / need) / _STEP_DB, -float(_LIMIT)), float(_LIMIT)))
    while step < _LIMIT and sinr >= _raised(need, step + 1):
        step += 1
    while step > -_LIMIT and sinr < _raised(need, step):
        step -= 1
    return int(step)


@compiled
def _raised(need: float, step: int) -> float:
    return need * float(10.0 ** (0.1 * _STEP_DB * step))


@compiled
def _weakest_site(need: float, gain: FloatArray, draws: int, step: int, scratch: Scratch) -> int:
    """The site without which the fewest draws meet a need raised by so many steps; their counts in ``scratch``."""
    ratio = _raised(need, step)
    set_need(ratio, scratch)
    scratch.hits[:] = 0
    add_hits(gain, 0, draws, ratio, True, scratch)
    return int(scratch.hits[1 : scratch.sizes[0] + 1].argmin())


@compiled
def _margin_down(
    need: float, gain: FloatArray, draws: int, fewest: int, worst: int, scratch: Scratch, sinr: FloatArray
) -> int:
    """By how many steps the need may rise until, with some site away, fewer than ``fewest`` draws meet it.

    That is the least over all sites: one site gives a raise, and where another fails there, that one a smaller one.
    """
    _sinr_without(gain, draws, worst, scratch, sinr)
    step = _steps(need, _smallest(sinr, draws, draws - fewest))
    while step > -_LIMIT:
        other = _weakest_site(need, gain, draws, step, scratch)
        if scratch.hits[other + 1] >= fewest:
            break
        _sinr_without(gain, draws, other, scratch, sinr)
        step = min(_steps(need, _smallest(sinr, draws, draws - fewest)), step - 1)
    return step


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
def judge_bins(begin: int, end: int, levels: SiteLevels, gain: FloatArray, looks: Looks, found: IntArray) -> None:
    """Judge bins ``begin`` to ``end``.

    ``gain`` (sites, draws) holds the drawn gains as ratios. Rows of ``found`` (4, bins): the last look, the hits with
    all sites up, the fewest hits with one down, and the row of that site (−1 where none is heard).
    """
    scratch = _room(begin, end, levels, gain)
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


@compiled
def measure_bins(
    begin: int, end: int, down: bool, levels: SiteLevels, gain: FloatArray, looks: Looks, found: IntArray,
    wanted: npt.NDArray[np.bool_], margin_db: FloatArray,
) -> None:  # fmt: skip
    """How far the need of wanted bins (bins,) could rise, by the draws that judged them; NaN where no site is left.

    Rows of ``margin_db`` (2, bins): by the quantile and by the lower bound.
    """
    scratch, sinr = _room(begin, end, levels, gain), np.empty(gain.shape[1])
    for i in range(begin, end):
        first, last = levels.bin_start[i], levels.bin_start[i + 1]
        if not wanted[i] or last - first < (2 if down else 1):
            continue
        set_bin(levels, i, scratch)
        set_need(levels.need, scratch)
        draws = looks.draws[found[0, i]]
        if not down:
            _sinr_without(gain, draws, -1, scratch, sinr)
        for row in range(2):
            fewest = looks.quantile[found[0, i]] if row == 0 else looks.served[found[0, i]]
            if down:
                step = _margin_down(levels.need, gain, draws, fewest, found[3, i] - first, scratch, sinr)
            else:
                step = _steps(levels.need, _smallest(sinr, draws, draws - fewest))
            margin_db[row, i] = _STEP_DB * step


@compiled
def _room(begin: int, end: int, levels: SiteLevels, gain: FloatArray) -> Scratch:
    """Working memory for these bins."""
    signals = 0
    for i in range(begin, end):
        here = levels.signal_start[levels.bin_start[i + 1]] - levels.signal_start[levels.bin_start[i]]
        signals = max(signals, here)
    return new_scratch(gain.shape[0], signals)
