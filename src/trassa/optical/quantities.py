"""What has to be bought for the line: quantities with their unit prices, for the bill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trassa.optical.access.links import Link
from trassa.optical.access.rings import RingSegment
from trassa.optical.access.trees import Tree
from trassa.optical.drop_cables import drop_cables_of
from trassa.optical.ducts import pieces_to_dig, ways_to_dig
from trassa.optical.light_quantities import light_quantities
from trassa.optical.line import Line
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
    """Everything the lines are made of that is not built yet; items without any are left out."""
    prices = rules.prices
    drops = [drop for line in lines for drop in line.drops]
    huts = [hut for line in lines for hut in line.chain.huts]
    plants = [plant for line in lines for span in line.chain.spans for plant in span.plants]
    bought = [plant.bought for plant in plants]
    ends = sum(len(one.joints_m) + one.hut_ends for one in bought)
    # All fibres are spliced to pigtails in the huts, and at joints unless they are led into a drop there; a link's own
    # at its tap and at the site.
    spans = [span for line in lines for span in line.chain.spans]
    opened = sum(span.optics.opened_at(set(span.plants[0].bought.joints_m)) for span in spans)
    splices = ends * rules.fibres - opened + _drop_splices(lines)
    across = sum(ways_to_dig(line, cable) for line in lines for cable in line.own_trenches[1:])
    crossings = sum(drop.crosses for drop in drops) + across
    chambers = [_chambers_m(line, cable) for line in lines for cable in line.own_trenches]
    rows = [
        *_trench(lines, rules),
        Quantity("cable", sum(one.sheath_m for one in bought), "m", prices.cable),
        Quantity("chamber", float(sum(map(len, chambers))), "piece", prices.chamber),
        Quantity("closure", float(sum(len(one.closures_m) for one in bought)), "piece", prices.closure),
        Quantity("splice", float(splices), "piece", prices.splice),
        Quantity("hut", float(sum(not hut.built for hut in huts)), "hut", prices.hut),
        *(Quantity(*row) for row in light_quantities(lines, rules)),
        Quantity(
            "power connection at a place", float(sum(h.power == "place" for h in huts)), "hut", prices.power_at_place
        ),
        Quantity("power connection, new", float(sum(h.power == "new" for h in huts)), "hut", prices.power_new),
        *_drops(lines, rules),
        Quantity("crossing under the road", float(crossings), "piece", prices.crossing),
        *_optics(lines, rules),
    ]
    return tuple(row for row in rows if row.quantity > 0.0)


def _trench(lines: Sequence[Line], rules: OpticalSettings) -> list[Quantity]:
    """Metres of trench, duct and microduct by the way they take, and of the entries into the huts."""
    prices = rules.prices
    pieces = [p for line in lines for cable in line.own_trenches for p in pieces_to_dig(line, cable)]
    route_m = {way: sum(p.route_m for p in pieces if p.way == way) for way in ("verge", "bridge", "tunnel")}
    entries = sum(ways_to_dig(line, cable) for line in lines for cable in line.own_trenches)
    return [
        Quantity("trench and duct", route_m["verge"], "m", prices.trench),
        Quantity("further duct in the trench", route_m["verge"] * (rules.ducts - 1), "m", prices.further_duct),
        Quantity("duct on a bridge", route_m["bridge"] * rules.ducts, "m", prices.bridge_duct),
        Quantity("duct in a tunnel", route_m["tunnel"] * rules.ducts, "m", prices.tunnel_duct),
        Quantity("microduct", sum(route_m.values()) * rules.ducts * rules.microducts, "m", prices.microduct),
        Quantity("hut entry, trench and ducts", entries * rules.hut_entry_m, "m", prices.hut_entry),
    ]


def _chambers_m(line: Line, cable: int) -> set[float]:
    """Where a trench needs chambers; a hut's belongs to the spans on both its sides."""
    return {m for span in line.chain.spans for m in span.plants[cable].bought.chambers_m}


def _drops(lines: Sequence[Line], rules: OpticalSettings) -> list[Quantity]:
    """Drops by the size of their cable, per metre of route."""
    cables = [(row.fibres, row.drop.lengths.route_m) for row in drop_cables_of(lines)]
    return [
        Quantity(
            f"drop of {fibres} fibres, trench and cable",
            sum(route_m for size, route_m in cables if size == fibres),
            "m",
            rules.prices.drop,
        )
        for fibres in sorted({size for size, _ in cables})
    ]


def _segments(lines: Sequence[Line]) -> list[RingSegment]:
    return [segment for line in lines for _, ring in line.rings for segment in ring.segments]


def _drop_splices(lines: Sequence[Line]) -> int:
    """A link is spliced at its tap and at the site; so is a ring's segment at each of its ends that is a member, but
    once in a closure where both of its drops begin."""
    links = [link for line in lines for pair in line.links for link in pair]
    ends = [(s.optics.fibres, end) for s in _segments(lines) for end in (s.first, s.second) if end is not None]
    once = [s.optics.fibres for s in _segments(lines) if s.first and s.second and s.first.tap_m == s.second.tap_m]
    # Both feeders at the splitter; each branch there, at its tap where that is elsewhere, and at the place.
    trees = [2 + sum(2 + (b.fibre > 0) for b in tree.branches) for line in lines for _, tree in line.trees]
    links_and_rings = sum(2 * link.optics.fibres for link in links) + sum(2 * fibres for fibres, _ in ends) - sum(once)
    return links_and_rings + sum(trees)


def _optics(lines: Sequence[Line], rules: OpticalSettings) -> list[Quantity]:
    """Two transceivers and two attenuators for each link and segment, a switch for each member of a ring, and trees."""
    links: list[Link | RingSegment] = [link for line in lines for pair in line.links for link in pair]
    links += _segments(lines)
    count = Counter(link.optics.name for link in links)
    attenuators = sum(2 for link in links if link.budget.attenuator_db > 0.0)
    trees = [tree for line in lines for _, tree in line.trees]
    members = sum(len(ring.drops) for line in lines for _, ring in line.rings)
    rows = [
        Quantity(f"transceiver {optics.name}", 2.0 * count[optics.name], "piece", optics.price)
        for optics in rules.transceivers
    ]
    attenuators += sum(tree.branches[0].budgets[side].attenuator_db > 0.0 for tree in trees for side in (0, 1))
    return [
        *rows,
        *_trees(trees, rules),
        Quantity("attenuator", float(attenuators), "piece", rules.prices.attenuator),
        Quantity("ring switch", float(members), "piece", rules.prices.ring_switch),
    ]


def _trees(trees: Sequence[Tree], rules: OpticalSettings) -> list[Quantity]:
    """Splitters with two inputs, an OLT port in the hut on either side of each, an ONU at every place."""
    splitters, ports = Counter(tree.split for tree in trees), Counter(tree.pon.name for tree in trees)
    onus = Counter(tree.pon.name for tree in trees for _ in tree.branches)
    return [
        *(
            Quantity(f"splitter 2:{s.split}", float(splitters[s.split]), "piece", s.price)
            for s in rules.trees.splitters
        ),
        *(Quantity(f"OLT port {p.name}", 2.0 * ports[p.name], "piece", p.olt_port) for p in rules.trees.pons),
        *(Quantity(f"ONU {p.name}", float(onus[p.name]), "piece", p.onu) for p in rules.trees.pons),
    ]
