"""One cut at one place: what falls, who notices, what carries the traffic, and what it would take to survive it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trassa.linear import Carriageway, Extent
from trassa.optical.access.ways import Ways
from trassa.optical.line import Line
from trassa.optical.quantities import quantities_of
from trassa.optical.survival import ways_after_cut, ways_intact

__all__ = ["CutAnswer", "Noticed", "cost_minor", "cut_at"]

_SAME_US = 0.01
"""Delays that differ by less are the same."""


@dataclass(frozen=True)
class Noticed:
    """A connection that a cut takes a way from, or sends a longer way. Delays one way to a point of presence; infinite
    for a stranded one. ``over`` is the hut over which it goes then, empty for a stranded one; ``loses`` says whether
    one of its own ways is gone."""

    connection: str
    service: str
    before_us: float
    after_us: float
    margin_db: float
    over: str
    loses: bool


@dataclass(frozen=True)
class CutAnswer:
    """A cut of one interval between chambers of one trench.

    ``noticed`` lost one of their ways or go a longer one, in order of measure. ``huts`` lie at the ends of the span
    that is cut; ``backbone_kept`` says whether another cable still joins them, ``reaches`` which of them still reaches
    a point of presence. ``trees`` are fed by their other feeder.
    """

    place: Extent
    trench: str
    carriageway: Carriageway
    cables: tuple[str, ...]
    huts: tuple[str, str]
    rings: tuple[str, ...]
    backbone_kept: bool
    reaches: tuple[bool, bool]
    noticed: tuple[Noticed, ...]
    undisturbed: int
    trees: tuple[str, ...] = ()

    @property
    def lessened(self) -> tuple[Noticed, ...]:
        """Those that lose one of their ways, stranded or not."""
        return tuple(one for one in self.noticed if one.loses)

    @property
    def stranded(self) -> tuple[Noticed, ...]:
        """Those that reach no point of presence any more."""
        return tuple(one for one in self.noticed if not np.isfinite(one.after_us))


def cut_at(
    line: Line, measure_m: float, trench: str, ring_of: Mapping[str, str], tree_of: Mapping[str, str]
) -> CutAnswer:
    """What a cut of a trench at a measure does; ``ring_of`` and ``tree_of`` name the ring or tree of every connection
    that hangs on one."""
    ends_m = [one.plants[0].cable.end_m for one in line.chain.spans]
    span = min(int(np.searchsorted(ends_m, measure_m, side="right")), len(ends_m) - 1)
    down = [name == trench for name in line.trenches]
    plant = line.chain.spans[span].plants[down.index(True)]
    places = [Extent(start, end) for start, end in pairwise(plant.chambers_m)]
    place = next((one for one in places if measure_m < one.end_m), places[-1])
    intact, after = ways_intact(line.backbone), ways_after_cut(line.backbone, span, down, place)
    noticed = _noticed(line, intact, after)
    rings = dict.fromkeys(ring_of[one.connection] for one in noticed if one.loses and one.connection in ring_of)
    trees = dict.fromkeys(tree_of[one.connection] for one in noticed if one.loses and one.connection in tree_of)
    reached = np.isfinite(line.backbone.presence(span, down)[0][span : span + 2])
    return CutAnswer(
        place,
        trench,
        plant.cable.verge.carriageway,
        tuple(cable for cable, falls in zip(line.cables, down, strict=True) if falls),
        (line.hut_names[span], line.hut_names[span + 1]),
        tuple(rings),
        not all(down),
        (bool(reached[0]), bool(reached[1])),
        tuple(noticed),
        len(after.name) - len(noticed),
        tuple(trees),
    )


def _noticed(line: Line, intact: Ways, after: Ways) -> list[Noticed]:
    """Those with a way less, or with a shortest way that is longer than before."""
    lost = np.isfinite(intact.latency_us).sum(axis=0) > np.isfinite(after.latency_us).sum(axis=0)
    before_us, after_us = intact.latency_us.min(axis=0), after.latency_us.min(axis=0)
    better = np.argmin(after.latency_us, axis=0)
    hut = after.span + better
    return [
        Noticed(
            str(after.name[row]),
            str(after.service[row]),
            float(before_us[row]),
            float(after_us[row]),
            float(after.margin_db[better[row], row]),
            line.hut_names[hut[row]] if np.isfinite(after_us[row]) else "",
            bool(lost[row]),
        )
        for row in np.flatnonzero(lost | (after_us > before_us + _SAME_US)).tolist()
    ]


def cost_minor(lines: Sequence[Line]) -> int:
    """What the lines cost altogether, in minor units of currency."""
    return round(sum(row.quantity * row.price.amount_minor for row in quantities_of(lines, lines[0].rules)))
