"""Access rings: equipment that needs no fibres of its own hangs on one ring from a hut to the next.

::

    hut ──●────●──────●──── hut      one or two fibres end to end, opened at every member
           │    │      │
           camera sign  station      a switch each: a cut leaves every member one way round

Members that neighbour each other go to different rings where there are several, so that all rings have short segments
and one switch lost takes no neighbour's place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.access.budget import Closing, LinkBudget, closing
from trassa.optical.plant.drops import Drop, Refusal
from trassa.optical.plant.layout import SpanPlant
from trassa.optical.plant.lengths import Lengths
from trassa.optical.plant.measured import Beyond
from trassa.optical.settings import OpticalSettings, TransceiverClass

__all__ = ["Ring", "RingOffer", "RingSegment", "ring_offers"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RingSegment:
    """One optical link of a ring between neighbours; ``first`` and ``second`` are members, None is the hut there."""

    first: Drop | None
    second: Drop | None
    lengths: Lengths
    optics: TransceiverClass
    budget: LinkBudget


@dataclass(frozen=True)
class Ring:
    """A ring between the two huts of a span: segments in order of measure, one more than it has members."""

    drops: tuple[Drop, ...]
    segments: tuple[RingSegment, ...]
    fibres: int
    rate_mbps: float


@dataclass(frozen=True)
class RingOffer:
    """A ring that may be lit over one fibre or over two.

    ``lengths_m`` has shape (3, segments): route, sheath, fibre. ``choice`` (2, segments) indexes ``closings`` with one
    fibre in row 0 and two in row 1; ``price_minor`` (2,) is that of all segments, inf where one cannot be closed.
    """

    drops: tuple[Drop, ...]
    lengths_m: FloatArray
    closings: tuple[Closing, ...]
    choice: IntArray
    price_minor: FloatArray
    rate_mbps: float

    def lit(self, *, duplex: bool) -> Ring:
        """The ring over two fibres or over one."""
        ends = [None, *self.drops, None]
        segments = []
        for index, row in enumerate(self.choice[int(duplex)].tolist()):
            closed = self.closings[row]
            lengths = Lengths(*(float(length) for length in self.lengths_m[:, index]))
            segments.append(RingSegment(ends[index], ends[index + 1], lengths, closed.optics, closed.budget(index)))
        return Ring(self.drops, tuple(segments), 2 if duplex else 1, self.rate_mbps)


def ring_offers(drops: Sequence[Drop], plant: SpanPlant, rules: OpticalSettings) -> list[RingOffer] | Refusal:
    """As few rings as members and rate allow, for the drops of one span in order of their taps."""
    if not drops:
        return []
    rates = [rules.service(drop.connection.service).rate_mbps for drop in drops]
    count = max(math.ceil(len(drops) / rules.ring_members), math.ceil(sum(rates) / rules.ring_rate_mbps))
    while any(sum(rates[first::count]) > rules.ring_rate_mbps for first in range(count)):
        if count >= len(drops):
            return Refusal(
                f"a ring of {rules.ring_rate_mbps:g} Mbit/s is too little for one member's {max(rates):g} Mbit/s",
                "access = 'own fibres' for its service, or a larger optical.ring_rate_mbps",
            )
        count += 1
    return [_offer(drops[first::count], sum(rates[first::count]), plant, rules) for first in range(count)]


def _offer(drops: Sequence[Drop], rate_mbps: float, plant: SpanPlant, rules: OpticalSettings) -> RingOffer:
    lengths_m, splices = _segments(drops, plant)
    beyond = _beyond(drops, plant)
    classes = sorted(rules.transceivers, key=lambda optics: (optics.price.amount_minor, optics.name))
    closings = tuple(closing(optics, lengths_m[2], splices, rules, beyond) for optics in classes)
    choice, price = np.zeros((2, lengths_m.shape[1]), dtype=np.int64), np.full(2, np.inf)
    for row, fibres in enumerate((1, 2)):
        ours = [index for index, closed in enumerate(closings) if closed.optics.fibres == fibres]
        if not ours:
            continue
        prices = np.array([closings[index].pair_price_minor(rules) for index in ours])
        choice[row] = np.array(ours, dtype=np.int64)[np.argmin(prices, axis=0)]
        price[row] = prices.min(axis=0).sum()
    return RingOffer(tuple(drops), lengths_m, closings, choice, price, rate_mbps)


def _segments(drops: Sequence[Drop], plant: SpanPlant) -> tuple[FloatArray, FloatArray]:
    """Lengths (3, segments) and splices (segments,) from the hut before through every drop to the hut behind."""
    cable = plant.cable
    at_m = np.array([cable.start_m, *(drop.tap_m for drop in drops), cable.end_m])
    along = np.diff(np.array((cable.route_m(at_m), cable.sheath_m(at_m), cable.fibre_m(at_m))), axis=1)
    own = np.array([(d.lengths.route_m, d.lengths.sheath_m, d.lengths.fibre_m) for d in drops]).T
    none = np.zeros((3, 1))
    joints = np.array(plant.joints_m, dtype=np.float64)
    first = np.searchsorted(joints, at_m[:-1], side="right")
    last = np.searchsorted(joints, at_m[1:], side="left")
    taps = np.array([0, *([1] * len(drops)), 0])
    splices = np.maximum(last - first, 0) + taps[:-1] + taps[1:]
    return along + np.hstack((none, own)) + np.hstack((own, none)), splices.astype(np.float64)


def _beyond(drops: Sequence[Drop], plant: SpanPlant) -> Beyond:
    """What was measured of the cable on each segment, (segments,); both its ends are spliced in members' closures."""
    at_m = [plant.cable.start_m, *(drop.tap_m for drop in drops), plant.cable.end_m]
    taps_db = np.concatenate(([0.0], plant.measured.at_db(at_m[1:-1]), [0.0]))
    return plant.measured.between(plant.cable, at_m[:-1], at_m[1:]).at_taps(taps_db[:-1] + taps_db[1:])
