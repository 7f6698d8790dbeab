"""Edge computing: in which huts servers must stand so that the line's part of every round trip stays within a bound.

A site with nothing cut, or with one cut anywhere, reaches huts up to some delay on either side: a row of neighbouring
huts. Each such row must hold a server. Rows that are intervals on a line are stabbed by the fewest points greedily: go
by the last hut of each row and place a server there when the row has none. As many rows as servers are then disjoint,
so no fewer servers can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.line import Line
from trassa.optical.service_settings import RADIO_SITE
from trassa.optical.survival import Backbone

__all__ = ["EdgePlaces", "edge_places"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EdgePlaces:
    """The huts of one line that get servers, and what the farthest site sees of them.

    ``least`` is as many as are provably needed; ``unmet`` are sites, by name, that some cut leaves without any hut
    in time. ``round_trip_us`` (huts,) is the worst over the sites for which the server is nearest, any cut included.
    """

    huts: tuple[int, ...]
    round_trip_us: tuple[float, ...]
    least: int
    unmet: tuple[str, ...]


def edge_places(line: Line, limit_us: float) -> EdgePlaces:
    """The fewest huts of a line, exactly; ``limit_us`` bounds fibre and equipment there and back."""
    rules = line.rules
    longest = rules.helix_ratio / rules.helix_ratio_low
    backbone = line.backbone_of(RADIO_SITE)
    delays = [2.0 * longest * delay for delay in _delays_us(backbone)]
    rows: list[tuple[int, int]] = []
    late = np.zeros(len(backbone.ways.tap_m), dtype=bool)
    for delay_us in delays:
        near = delay_us <= limit_us
        late |= ~near.any(axis=1)
        served = near[near.any(axis=1)]
        first = np.argmax(served, axis=1)
        last = served.shape[1] - 1 - np.argmax(served[:, ::-1], axis=1)
        rows += list(zip(first.tolist(), last.tolist(), strict=True))
    huts = _stabbed(rows)
    unmet = tuple(backbone.ways.name[late].tolist())
    return EdgePlaces(huts, _worst_us(delays, huts, limit_us), len(huts), unmet)


def _stabbed(rows: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The fewest points that hit every interval of huts."""
    huts: list[int] = []
    for first, last in sorted(set(rows), key=lambda row: (row[1], row[0])):
        if not huts or huts[-1] < first:
            huts.append(last)
    return tuple(huts)


def _worst_us(delays: Sequence[FloatArray], huts: Sequence[int], limit_us: float) -> tuple[float, ...]:
    """Worst round trip to each server over the sites that use it; those without any in time are left out."""
    worst = np.zeros(len(huts))
    for delay_us in delays:
        to_servers = delay_us[:, list(huts)]
        if not to_servers.size:
            continue
        nearest = np.argmin(to_servers, axis=1)
        least = to_servers.min(axis=1)
        kept = least <= limit_us
        np.maximum.at(worst, nearest[kept], least[kept])
    return tuple(worst.tolist())


def _delays_us(backbone: Backbone) -> list[FloatArray]:
    """One-way delay from every site to every hut, (sites, huts), intact and after every kind of single cut.

    All cuts of a span on one side of a site's tap are alike for it, so two outcomes a span tell all of them, and one
    more that parts places from the splitters of their trees.
    """
    ways, count = backbone.ways, len(backbone.spans)
    if not len(ways.tap_m):
        return []
    outcomes = [_to_huts(backbone, ways.latency_us, -1, ())]
    for trench in dict.fromkeys(backbone.trenches):
        down = [name == trench for name in backbone.trenches]
        for span in range(count):
            cable = backbone.spans[span].plants[0].cable
            sides = [([0], ways.reach_m[0] > cable.start_m), ([1], ways.reach_m[1] < cable.end_m)]
            parted = ways.reach_m[0] > ways.reach_m[1]
            for lost, between in [*sides, ([0, 1], parted)] if parted.any() else sides:
                latency_us = ways.latency_us.copy()
                if down[0]:  # a tap at the hut itself has no cable to be cut on that side
                    latency_us[np.ix_(lost, (ways.span == span) & between)] = np.inf
                outcomes.append(_to_huts(backbone, latency_us, span, down))
    return outcomes


def _to_huts(backbone: Backbone, latency_us: FloatArray, span_down: int, down: Sequence[bool]) -> FloatArray:
    """Delay over either way and along the huts, each hut's switch included."""
    span_us = backbone.span_latency_us.copy()
    if span_down >= 0:
        span_us[span_down, np.array(down)] = np.inf
    step_us = span_us.min(axis=1) + backbone.rules.hut_latency_us
    huts = len(step_us) + 1
    along = np.zeros((huts, huts))
    for hut in range(huts):
        along[hut, hut + 1 :] = np.cumsum(step_us[hut:])
        along[hut, :hut] = np.cumsum(step_us[:hut][::-1])[::-1]
    span = backbone.ways.span
    before = latency_us[0][:, None] + along[span]
    behind = latency_us[1][:, None] + along[span + 1]
    return np.asarray(np.minimum(before, behind) + backbone.rules.hut_latency_us, dtype=np.float64)
