"""One cut at one place: what falls, who notices, what carries the traffic, and what it would take to survive it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trassa.linear import Carriageway, Extent
from trassa.optical.line import Line
from trassa.optical.quantities import quantities_of
from trassa.optical.survival import ways_after_cut, ways_intact

__all__ = ["CutAnswer", "Noticed", "cost_minor", "cut_at"]


@dataclass(frozen=True)
class Noticed:
    """A connection that a cut takes a way from. Delays one way to a point of presence; infinite for a stranded one."""

    connection: str
    service: str
    before_us: float
    after_us: float
    margin_db: float


@dataclass(frozen=True)
class CutAnswer:
    """A cut of one interval between chambers of one trench.

    ``noticed`` lost one of their ways, in order of measure. ``huts`` lie at the ends of the span that is cut;
    ``backbone_kept`` says whether another cable still joins them.
    """

    place: Extent
    trench: str
    carriageway: Carriageway
    cables: tuple[str, ...]
    huts: tuple[str, str]
    rings: tuple[str, ...]
    backbone_kept: bool
    noticed: tuple[Noticed, ...]
    undisturbed: int

    @property
    def stranded(self) -> tuple[Noticed, ...]:
        """Those that reach no point of presence any more."""
        return tuple(one for one in self.noticed if not np.isfinite(one.after_us))


def cut_at(line: Line, measure_m: float, trench: str, ring_of: Mapping[str, str]) -> CutAnswer:
    """What a cut of a trench at a measure does; ``ring_of`` names the ring of every connection that hangs on one."""
    ends_m = [one.plants[0].cable.end_m for one in line.chain.spans]
    span = min(int(np.searchsorted(ends_m, measure_m, side="right")), len(ends_m) - 1)
    down = [name == trench for name in line.trenches]
    plant = line.chain.spans[span].plants[down.index(True)]
    places = [Extent(start, end) for start, end in pairwise(plant.chambers_m)]
    place = next((one for one in places if measure_m < one.end_m), places[-1])
    intact, after = ways_intact(line.backbone), ways_after_cut(line.backbone, span, down, place)
    lost = np.isfinite(intact.latency_us).sum(axis=0) > np.isfinite(after.latency_us).sum(axis=0)
    better = np.argmin(after.latency_us, axis=0)
    noticed = [
        Noticed(
            str(after.name[row]),
            str(after.service[row]),
            float(intact.latency_us[:, row].min()),
            float(after.latency_us[better[row], row]),
            float(after.margin_db[better[row], row]),
        )
        for row in np.flatnonzero(lost).tolist()
    ]
    rings = dict.fromkeys(ring_of[one.connection] for one in noticed if one.connection in ring_of)
    return CutAnswer(
        place,
        trench,
        plant.cable.verge.carriageway,
        tuple(cable for cable, falls in zip(line.cables, down, strict=True) if falls),
        (line.hut_names[span], line.hut_names[span + 1]),
        tuple(rings),
        not all(down),
        tuple(noticed),
        len(after.name) - len(noticed),
    )


def cost_minor(lines: Sequence[Line]) -> int:
    """What the lines cost altogether, in minor units of currency."""
    return round(sum(row.quantity * row.price.amount_minor for row in quantities_of(lines, lines[0].rules)))
