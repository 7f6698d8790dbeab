"""What a cut does: every interval of every trench and every hut taken away once, and who still reaches whom.

A connection reaches a point of presence over either of its two ways and the backbone behind it, where that hut's light
arrives there (``light.py``). A cut takes the ways that pass it and the backbone of its span, unless a second cable in
another trench carries that. One forward and one
backward pass along the huts per span and prefix sums over its taps make the whole sweep linear in the number of
intervals. The drops themselves are no part of it: a cut drop takes its own site, which is a site down to radio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.linear import Extent
from trassa.optical.access.latency import fibre_latency_us
from trassa.optical.access.ways import Ways, ways_of
from trassa.optical.light import Light, lights_between
from trassa.optical.placement import Span
from trassa.optical.settings import OpticalSettings

__all__ = [
    "Backbone",
    "Cut",
    "HutLoss",
    "Outcome",
    "cuts_of",
    "hut_losses_of",
    "intact",
    "joined",
    "ways_after_cut",
    "ways_after_hut_loss",
    "ways_intact",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """Who is served, and how well. Latency and margin are the worst among the served, NaN when there is none; so is
    the light, None where none of them needs any."""

    detoured: int
    stranded: int
    worst_latency_us: float
    worst_margin_db: float
    light: Light | None


@dataclass(frozen=True)
class Cut:
    """One cut interval of one trench, and what falls with it."""

    start_m: float
    end_m: float
    trench: str
    cables: tuple[str, ...]
    outcome: Outcome


@dataclass(frozen=True)
class HutLoss:
    """One hut lost: its backbone, and every link that ends in it."""

    hut: int
    outcome: Outcome


@dataclass(frozen=True)
class Backbone:
    """One part of the line as a graph: huts in a row, spans between them, points of presence at its ends.

    ``cables`` and ``trenches`` have one name per cable; cables of one trench fall together. ``service`` looks at the
    connections of one service class alone; empty: at all.
    """

    spans: tuple[Span, ...]
    presence_before: bool
    presence_after: bool
    cables: tuple[str, ...]
    trenches: tuple[str, ...]
    rules: OpticalSettings
    service: str = ""

    @cached_property
    def span_latency_us(self) -> FloatArray:
        """Delay of each span on each cable, shape (spans, cables)."""
        fibre_m = [[plant.cable.whole.fibre_m for plant in span.plants] for span in self.spans]
        return fibre_latency_us(np.array(fibre_m), self.rules)

    @cached_property
    def span_margin_db(self) -> FloatArray:
        """Loss limit minus loss of each span on each cable, shape (spans, cables)."""
        return self.rules.span_loss_limit_db - np.array([span.losses_db for span in self.spans])

    @cached_property
    def ways(self) -> Ways:
        """The two ways of everything that is connected to the part, of one service where one is asked for."""
        ways = ways_of([span.optics for span in self.spans], self.rules)
        return ways.of_service(self.service) if self.service else ways

    @cached_property
    def lights(self) -> tuple[tuple[Light | None, ...], tuple[Light | None, ...]]:
        """Each hut's weakest light to the point of presence before and behind; None where it needs none."""
        return lights_between(self.spans, self.presence_before, self.presence_after, self.rules)

    @cached_property
    def light_order(self) -> list[Light | None]:
        """All of them, the weakest first, None at last."""
        known = [light for side in self.lights for light in side if light is not None]
        return [*sorted(known, key=lambda light: light.strength), None]

    @cached_property
    def _light_rank(self) -> IntArray:
        """The place of each hut's lights in that order, shape (2, huts)."""
        return np.array([[self.light_order.index(light) for light in side] for side in self.lights])

    @cached_property
    def _arrives(self) -> npt.NDArray[np.bool_]:
        """Whether each of them does, shape (2, huts)."""
        return np.array([[light is None or light.arrives for light in side] for side in self.lights])

    def presence(
        self, span_down: int, cables_down: Sequence[bool], hut_down: int = -1
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        """From each hut to the nearest point of presence at which its light arrives, each of shape (huts,): delay, the
        least span margin on the way, and the light's place in :attr:`light_order`.

        Delay is infinite where none is reached. Each hut passed adds its switching delay, the last one's included.
        """
        count = len(self.spans) + 1
        latency = self.span_latency_us.copy()
        if span_down >= 0:
            latency[span_down, np.array(cables_down)] = np.inf
        cable = np.argmin(latency, axis=1)
        delay = latency[np.arange(count - 1), cable]
        margin = self.span_margin_db[np.arange(count - 1), cable]
        forward = self._swept(range(count), delay, margin, self.presence_before, hut_down)
        back = self._swept(range(count - 1, -1, -1), delay, margin, self.presence_after, hut_down)
        latencies = np.where(self._arrives, (forward[0], back[0]), np.inf)
        return _shortest(latencies, np.stack((forward[1], back[1])), self._light_rank)

    def _swept(
        self, order: range, delay: FloatArray, margin: FloatArray, presence: bool, hut_down: int
    ) -> tuple[FloatArray, FloatArray]:
        latency, least = np.full(len(order), np.inf), np.full(len(order), np.inf)
        for before, hut in zip((-1, *order), order, strict=False):
            if hut == hut_down:
                continue
            if before < 0:
                latency[hut] = self.rules.hut_latency_us if presence else np.inf
                continue
            span = min(before, hut)
            latency[hut] = latency[before] + delay[span] + self.rules.hut_latency_us
            least[hut] = min(least[before], margin[span])
        return latency, least


_Found = tuple[FloatArray, FloatArray, IntArray]
_SAME_US = 0.01  # ways that differ by less in delay are as short as one another


def _shortest(latency_us: FloatArray, margin_db: FloatArray, rank: IntArray) -> _Found:
    """The shorter of two ways, arrays of shape (2, n); where both are as short, the least margin and weakest light."""
    longer = latency_us > latency_us.min(axis=0) + _SAME_US
    margin_db, rank = np.where(longer, np.inf, margin_db), np.where(longer, np.iinfo(np.int64).max, rank)
    return latency_us.min(axis=0), margin_db.min(axis=0), rank.min(axis=0)


def _ways(backbone: Backbone, latency_us: FloatArray, least_db: FloatArray, rank: IntArray) -> _Found:
    """Delay (2, sites) over either link to a point of presence, the margin on that way, and its light's place."""
    ways = backbone.ways
    huts = np.stack((ways.span, ways.span + 1))
    return ways.latency_us + latency_us[huts], np.minimum(ways.margin_db, least_db[huts]), rank[huts]


def _outcome(backbone: Backbone, latency_us: FloatArray, margin_db: FloatArray, rank: IntArray) -> Outcome:
    """The outcome for connections with these ways, each (2, sites)."""
    open_ways = np.isfinite(latency_us).sum(axis=0)
    served = open_ways > 0
    latency, margin, lights = (found[served] for found in _shortest(latency_us, margin_db, rank))
    worst = (float(latency.max()), float(margin.min())) if len(latency) else (float("nan"), float("nan"))
    light = backbone.light_order[int(lights.min(initial=len(backbone.light_order) - 1))]
    return Outcome(int((open_ways == 1).sum()), int((open_ways == 0).sum()), *worst, light)


def intact(backbone: Backbone) -> Outcome:
    """The outcome with nothing cut."""
    return _outcome(backbone, *_ways(backbone, *backbone.presence(-1, ())))


def hut_losses_of(backbone: Backbone) -> list[HutLoss]:
    """Every hut taken away once, in order of measure."""
    losses: list[HutLoss] = []
    for hut in range(len(backbone.spans) + 1):
        found = _ways(backbone, *backbone.presence(-1, (), hut_down=hut))
        losses.append(HutLoss(hut, _outcome(backbone, *found)))
    return losses


def cuts_of(backbone: Backbone) -> list[Cut]:
    """Every cut interval of every trench, in order of trench and measure.

    Intervals lie between neighbouring chambers, so each point of each cable is in exactly one.
    """
    cuts: list[Cut] = []
    for trench in dict.fromkeys(backbone.trenches):
        down = [name == trench for name in backbone.trenches]
        cables = tuple(c for c, falls in zip(backbone.cables, down, strict=True) if falls)
        for index, span in enumerate(backbone.spans):
            chambers = np.array(span.plants[down.index(True)].chambers_m)
            outcomes = _span_outcomes(backbone, index, down, chambers)
            cuts += [
                Cut(float(start), float(end), trench, cables, outcome)
                for start, end, outcome in zip(chambers[:-1], chambers[1:], outcomes, strict=True)
            ]
    return cuts


def ways_after_cut(backbone: Backbone, span: int, down: Sequence[bool], place: Extent) -> Ways:
    """The two ways of everything, backbone included, after a cut of one place of one span; a lost way takes for ever.

    ``down`` says of each cable whether it falls. Latency and margin are those to the nearest point of presence.
    """
    ways = backbone.ways
    latency_us, margin_db, _ = _ways(backbone, *backbone.presence(span, down))
    latency_us = latency_us.copy()
    if down[0]:
        latency_us[1, (ways.span == span) & (ways.reach_m[1] <= place.start_m)] = np.inf
        latency_us[0, (ways.span == span) & (ways.reach_m[0] >= place.end_m)] = np.inf
    return replace(ways, latency_us=latency_us, margin_db=margin_db)


def ways_after_hut_loss(backbone: Backbone, hut: int) -> Ways:
    """The same after the loss of one hut."""
    latency_us, margin_db, _ = _ways(backbone, *backbone.presence(-1, (), hut_down=hut))
    return replace(backbone.ways, latency_us=latency_us, margin_db=margin_db)


def ways_intact(backbone: Backbone) -> Ways:
    """The same with nothing cut."""
    latency_us, margin_db, _ = _ways(backbone, *backbone.presence(-1, ()))
    return replace(backbone.ways, latency_us=latency_us, margin_db=margin_db)


def _span_outcomes(backbone: Backbone, index: int, down: Sequence[bool], chambers: FloatArray) -> list[Outcome]:
    """The outcome of a cut between each two chambers of one span; both ways lost between splitter and place."""
    found = latency, margin, rank = _ways(backbone, *backbone.presence(index, down))
    ways = backbone.ways
    if not down[0]:
        return [_outcome(backbone, *found)] * (len(chambers) - 1)
    ours = np.flatnonzero(ways.span == index)
    others = _outcome(
        backbone, np.delete(latency, ours, axis=1), np.delete(margin, ours, axis=1), np.delete(rank, ours, axis=1)
    )
    reach = ways.reach_m[:, ours]
    orders = ours[np.argsort(reach[0], kind="stable")], ours[np.argsort(reach[1], kind="stable")][::-1]
    before, behind = (
        _Prefix(backbone, latency[side, order], margin[side, order], rank[side, order])
        for side, order in enumerate(orders)
    )
    ends = [np.searchsorted(np.sort(side), chambers[:-1], side="right").tolist() for side in reach]
    outcomes: list[Outcome] = []
    for kept, upto in zip(*ends, strict=True):
        parted = Outcome(0, upto - kept, math.nan, math.nan, None)
        outcomes.append(joined((others, before.first(kept), behind.first(len(ours) - upto), parted)))
    return outcomes


class _Prefix:
    """Outcomes of the first n connections that have only one way left, for every n."""

    def __init__(self, backbone: Backbone, latency_us: FloatArray, margin_db: FloatArray, rank: IntArray) -> None:
        served = np.isfinite(latency_us)
        self._served = np.concatenate(([0], np.cumsum(served)))
        self._latency = np.fmax.accumulate(np.concatenate(([np.nan], np.where(served, latency_us, np.nan))))
        self._margin = np.fmin.accumulate(np.concatenate(([np.nan], np.where(served, margin_db, np.nan))))
        none = len(backbone.light_order) - 1
        self._rank = np.minimum.accumulate(np.concatenate(([none], np.where(served, rank, none))))
        self._lights = backbone.light_order

    def first(self, count: int) -> Outcome:
        """The outcome of the first ``count``."""
        served = int(self._served[count])
        light = self._lights[int(self._rank[count])]
        return Outcome(served, count - served, float(self._latency[count]), float(self._margin[count]), light)


def joined(parts: Sequence[Outcome]) -> Outcome:
    """The outcome for all connections of the parts together."""
    return Outcome(
        sum(part.detoured for part in parts),
        sum(part.stranded for part in parts),
        float(np.fmax.reduce([part.worst_latency_us for part in parts], initial=np.nan)),
        float(np.fmin.reduce([part.worst_margin_db for part in parts], initial=np.nan)),
        min((part.light for part in parts if part.light), key=lambda light: light.strength, default=None),
    )
