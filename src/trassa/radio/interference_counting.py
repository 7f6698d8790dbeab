"""In how many joint draws some server of one bin stands above interference and noise.

With g the drawn gain of a site, r the wanted and i the disturbing power of one of its cells, T the sum of all i·g
and everything in units of the noise, a cell meets a need θ when r·g ≥ θ(1 + T − i·g), that is (r + θ·i)·g ≥
θ(1 + T). Cells that transmit one signal together, a *group*, meet it when their sum of (r + θ·i)·g does. Of the groups
that stand at one site alone the one with the largest r + θ·i decides: only those that span sites are summed draw by
draw. Without site s the sum loses that site's part, a group that spans it loses its heads there, and the best of the
groups that it has no part in is the best of all or the second best.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled

__all__ = ["BLOCK", "Scratch", "SiteLevels", "add_hits", "new_scratch", "set_bin", "set_need"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BLOCK = 512
"""Draws that are counted together."""


class SiteLevels(NamedTuple):
    """Sites of every bin as compressed rows, and their signals: wanted and disturbing power in units of the noise.

    ``bin_start`` has shape (bins + 1,), ``signal_start`` (rows + 1,), ``wanted``, ``disturbing`` and ``group``
    (signals,): signals of equal group are transmitted as one. ``need`` is the SINR needed, as a ratio.
    """

    bin_start: IntArray
    signal_start: IntArray
    wanted: FloatArray
    disturbing: FloatArray
    group: IntArray
    need: float


class Scratch(NamedTuple):
    """One thread's working memory.

    ``sizes`` are the bin's sites and the groups that span sites and serve. A piece is what a group has at one site;
    those of site s are ``piece_start[s]`` to ``piece_start[s + 1]``, and ``spans`` is the row of their group in
    ``worth``, −1 where it stands at this site alone; ``joined`` counts those of each site that are not. ``part``,
    ``reach`` and ``weight`` hold for one need: what a site disturbs with, its best group that stands there alone, and
    what a piece adds to its group. ``total`` to ``other`` are by draw of a block: noise and interference, the best two
    servers, the best two of those that stand at one site alone, and what is left of them with a site down. ``worth``
    is by group and draw. ``hits[0]`` is with all sites up, then by site down.
    """

    sizes: IntArray
    piece_start: IntArray
    joined: IntArray
    group: IntArray
    spans: IntArray
    wanted: FloatArray
    disturbing: FloatArray
    part: FloatArray
    reach: FloatArray
    weight: FloatArray
    total: FloatArray
    best: FloatArray
    second: FloatArray
    alone: FloatArray
    next_alone: FloatArray
    other: FloatArray
    worth: FloatArray
    hits: IntArray


@compiled
def new_scratch(sites: int, signals: int) -> Scratch:
    """Memory for bins of up to so many sites and signals."""
    return Scratch(
        np.zeros(2, np.int64),
        np.zeros(sites + 1, np.int64),
        np.zeros(sites, np.int64),
        np.empty(signals, np.int64),
        np.empty(signals, np.int64),
        np.empty(signals),
        np.empty(signals),
        np.empty(sites),
        np.empty(sites),
        np.empty(signals),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty((signals // 2 + 1, BLOCK)),
        np.zeros(sites + 1, np.int64),
    )


@compiled
def set_bin(levels: SiteLevels, bin_: int, scratch: Scratch) -> None:
    """Gather what every group has at every site of this bin, and number the groups that span sites and serve."""
    first, last = levels.bin_start[bin_], levels.bin_start[bin_ + 1]
    pieces = 0
    for row in range(first, last):
        scratch.piece_start[row - first] = begin = pieces
        for k in range(levels.signal_start[row], levels.signal_start[row + 1]):
            p = begin
            while p < pieces and scratch.group[p] != levels.group[k]:
                p += 1
            if p == pieces:
                scratch.group[p], scratch.wanted[p], scratch.disturbing[p] = levels.group[k], 0.0, 0.0
                pieces += 1
            scratch.wanted[p] += levels.wanted[k]
            scratch.disturbing[p] += levels.disturbing[k]
    scratch.piece_start[last - first] = pieces
    scratch.sizes[0], scratch.sizes[1] = last - first, _number(pieces, scratch)
    for s in range(last - first):
        scratch.joined[s] = 0
        for p in range(scratch.piece_start[s], scratch.piece_start[s + 1]):
            scratch.joined[s] += int(scratch.spans[p] >= 0)


@compiled
def _number(pieces: int, scratch: Scratch) -> int:
    """Number the groups of several pieces of which any is wanted; how many there are."""
    spanning = 0
    scratch.spans[:pieces] = -1
    for p in range(pieces):
        if scratch.spans[p] >= 0:
            continue
        heads, wanted = 1, scratch.wanted[p]
        for q in range(p + 1, pieces):
            if scratch.group[q] == scratch.group[p]:
                heads += 1
                wanted += scratch.wanted[q]
        if heads > 1 and wanted > 0.0:
            for q in range(p, pieces):
                if scratch.group[q] == scratch.group[p]:
                    scratch.spans[q] = spanning
            spanning += 1
    return spanning


@compiled
def set_need(ratio: float, scratch: Scratch) -> None:
    """What every site disturbs with, and what its pieces are worth at this need."""
    for s in range(scratch.sizes[0]):
        part, reach = 0.0, 0.0
        for p in range(scratch.piece_start[s], scratch.piece_start[s + 1]):
            part += scratch.disturbing[p]
            scratch.weight[p] = scratch.wanted[p] + ratio * scratch.disturbing[p]
            if scratch.spans[p] < 0 and scratch.wanted[p] > 0.0:
                reach = max(reach, scratch.weight[p])
        scratch.part[s], scratch.reach[s] = part, reach


@compiled
def _sum_groups(gain: FloatArray, begin: int, size: int, scratch: Scratch) -> None:
    """What the groups that span sites are worth in every draw; they enter the best two as well."""
    best, second, worths = scratch.best, scratch.second, scratch.worth
    piece_start, spans, weights = scratch.piece_start, scratch.spans, scratch.weight
    scratch.alone[:], scratch.next_alone[:] = best, second
    worths[: scratch.sizes[1]] = 0.0
    for s in range(scratch.sizes[0]):
        row = gain[s, begin : begin + size]
        for p in range(piece_start[s], piece_start[s + 1]):
            if spans[p] >= 0:
                weight, worth = weights[p], worths[spans[p]]
                for d in range(size):
                    worth[d] += weight * row[d]
    for k in range(scratch.sizes[1]):
        worth = worths[k]
        for d in range(size):
            lesser = worth[d] if worth[d] < best[d] else best[d]
            second[d] = lesser if lesser > second[d] else second[d]
            best[d] = worth[d] if worth[d] > best[d] else best[d]


@compiled
def _add_down(gain: FloatArray, begin: int, size: int, ratio: float, scratch: Scratch) -> None:
    """Add the hits of one block by site down where groups span sites: they go on with what is left of them."""
    total, best, second, other, worths = scratch.total, scratch.best, scratch.second, scratch.other, scratch.worth
    alone, next_alone, piece_start, spans = scratch.alone, scratch.next_alone, scratch.piece_start, scratch.spans
    weights, joined, reaches, parts = scratch.weight, scratch.joined, scratch.reach, scratch.part
    for s in range(scratch.sizes[0]):
        part, reach, row = parts[s], reaches[s], gain[s, begin : begin + size]
        first, last = piece_start[s], piece_start[s + 1]
        if joined[s] == 0:
            for d in range(size):
                other[d] = second[d] if reach * row[d] == best[d] else best[d]
        elif joined[s] == 1 and reach == 0.0:
            p = first
            while spans[p] < 0:
                p += 1
            weight, worth = weights[p], worths[spans[p]]
            for d in range(size):
                rest = worth[d] - weight * row[d]
                apart = second[d] if worth[d] == best[d] else best[d]
                other[d] = rest if rest > apart else apart
        else:
            for d in range(size):
                other[d] = next_alone[d] if reach * row[d] == alone[d] else alone[d]
            for k in range(scratch.sizes[1]):
                weight, worth = 0.0, worths[k]
                for p in range(first, last):
                    weight = weights[p] if spans[p] == k else weight
                for d in range(size):
                    rest = worth[d] - weight * row[d]
                    other[d] = rest if rest > other[d] else other[d]
        hits = 0
        for d in range(size):
            hits += int(other[d] >= ratio * (total[d] - part * row[d]))
        scratch.hits[s + 1] += hits


@compiled
def add_hits(gain: FloatArray, begin: int, end: int, ratio: float, down: bool, scratch: Scratch) -> None:
    """Add the hits of draws ``begin`` to ``end`` at the need that was set, by site down if asked."""
    # unpacked once: every access to an array of a tuple costs as much as dozens of draws
    total, best, second, all_hits = scratch.total, scratch.best, scratch.second, scratch.hits
    parts, reaches, sites = scratch.part, scratch.reach, scratch.sizes[0]
    for first in range(begin, end, BLOCK):
        size = min(BLOCK, end - first)
        for d in range(size):
            total[d], best[d], second[d] = 1.0, 0.0, 0.0
        for s in range(sites):
            part, reach, row = parts[s], reaches[s], gain[s, first : first + size]
            for d in range(size):
                worth = reach * row[d]
                lesser = worth if worth < best[d] else best[d]
                total[d] += part * row[d]
                second[d] = lesser if lesser > second[d] else second[d]
                best[d] = worth if worth > best[d] else best[d]
        if scratch.sizes[1] > 0:
            _sum_groups(gain, first, size, scratch)
        hits = 0
        for d in range(size):
            hits += int(best[d] >= ratio * total[d])
        all_hits[0] += hits
        if down and scratch.sizes[1] > 0:
            _add_down(gain, first, size, ratio, scratch)
            continue
        for s in range(sites if down else 0):
            part, reach, row = parts[s], reaches[s], gain[s, first : first + size]
            hits = 0
            for d in range(size):
                left = second[d] if reach * row[d] == best[d] else best[d]
                hits += int(left >= ratio * (total[d] - part * row[d]))
            all_hits[s + 1] += hits
