"""What has to be bought for the line: quantities with their unit prices, for the bill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trassa.optical.line import Line
from trassa.optical.links import Link
from trassa.optical.rings import RingSegment
from trassa.optical.settings import OpticalSettings
from trassa.pricing import Price

__all__ = ["Quantity", "quantities_of"]


@dataclass(frozen=True)
class Quantity:
    """So much of one item, and the price of one unit."""

    item: str
    quantity: float
    unit: str
    price: Price


def quantities_of(lines: Sequence[Line], rules: OpticalSettings) -> tuple[Quantity, ...]:
    """Everything the lines are made of; items without any are left out."""
    prices = rules.prices
    drops = [drop for line in lines for drop in line.drops]
    huts = [hut for line in lines for hut in line.chain.huts]
    plants = [plant for line in lines for span in line.chain.spans for plant in span.plants]
    closures = sum(len(plant.closures_m) for plant in plants)
    joints = sum(len(plant.joints_m) for plant in plants)
    # All fibres are spliced to pigtails in the huts, and at joints unless they are led into a drop there; a link's own
    # at its tap and at the site.
    spans = [span for line in lines for span in line.chain.spans]
    opened = sum(span.optics.opened_at(set(span.plants[0].joints_m)) for span in spans)
    splices = (joints + 2 * len(plants)) * rules.fibres - opened + _drop_splices(lines)
    crossings = sum(drop.crosses for drop in drops) + sum(line.hut_crossings for line in lines)
    rows = [
        Quantity("trench and duct", sum(line.trench_route_m for line in lines), "m", prices.trench),
        Quantity("cable", sum(plant.cable.whole.sheath_m for plant in plants), "m", prices.cable),
        Quantity("chamber", float(sum(line.chamber_count for line in lines)), "piece", prices.chamber),
        Quantity("closure", float(closures), "piece", prices.closure),
        Quantity("splice", float(splices), "piece", prices.splice),
        Quantity("hut", float(len(huts)), "hut", prices.hut),
        Quantity("backbone equipment", float(len(huts)), "hut", prices.line_equipment),
        Quantity(
            "power connection at a place", float(sum(h.power == "place" for h in huts)), "hut", prices.power_at_place
        ),
        Quantity("power connection, new", float(sum(h.power == "new" for h in huts)), "hut", prices.power_new),
        Quantity("drop, trench and cable", sum(drop.lengths.route_m for drop in drops), "m", prices.drop),
        Quantity("crossing under the road", float(crossings), "piece", prices.crossing),
        *_optics(lines, rules),
    ]
    return tuple(row for row in rows if row.quantity > 0.0)


def _segments(lines: Sequence[Line]) -> list[RingSegment]:
    return [segment for line in lines for _, ring in line.rings for segment in ring.segments]


def _drop_splices(lines: Sequence[Line]) -> int:
    """A link is spliced at its tap and at the site; so is a ring's segment at each of its ends that is a member."""
    links = [link for line in lines for pair in line.links for link in pair]
    ends = [(s.optics.fibres, end) for s in _segments(lines) for end in (s.first, s.second) if end is not None]
    return sum(2 * link.optics.fibres for link in links) + sum(2 * fibres for fibres, _ in ends)


def _optics(lines: Sequence[Line], rules: OpticalSettings) -> list[Quantity]:
    """Two transceivers and two attenuators for each link and segment, a switch for each member of a ring."""
    links: list[Link | RingSegment] = [link for line in lines for pair in line.links for link in pair]
    links += _segments(lines)
    count = Counter(link.optics.name for link in links)
    attenuators = sum(2 for link in links if link.attenuator_db > 0.0)
    members = sum(len(ring.drops) for line in lines for _, ring in line.rings)
    rows = [
        Quantity(f"transceiver {optics.name}", 2.0 * count[optics.name], "piece", optics.price)
        for optics in rules.transceivers
    ]
    return [
        *rows,
        Quantity("attenuator", float(attenuators), "piece", rules.prices.attenuator),
        Quantity("ring switch", float(members), "piece", rules.prices.ring_switch),
    ]
