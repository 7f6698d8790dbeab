"""How much of the line stands already: its lengths and pieces, and what they would cost new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trassa.optical.ducts import pieces_of
from trassa.optical.line import Line
from trassa.optical.settings import OpticalSettings

__all__ = ["BuiltPart", "built_part"]


@dataclass(frozen=True)
class BuiltPart:
    """What is built of the line; ``route_m`` counts each trench once, ``cost_minor`` is what it would cost new.

    In it are trench, ducts, chambers, huts, cable, closures and splices; not power, drops and equipment. The bill has
    none of it.
    """

    sections: int
    route_m: float
    sheath_m: float
    chambers: int
    closures: int
    huts: int
    cost_minor: int

    def as_dict(self) -> dict[str, int | float]:
        """The figures as JSON."""
        return {**vars(self), "route_m": round(self.route_m, 1), "sheath_m": round(self.sheath_m, 1)}


def built_part(lines: Sequence[Line], rules: OpticalSettings) -> BuiltPart:
    """The built part of all lines."""
    prices = rules.prices
    route_m = sheath_m = cost = 0.0
    sections = chambers = closures = splices = huts = 0
    for line in lines:
        standing = [hut for hut in line.chain.huts if hut.built]
        huts += len(standing)
        cost += len(standing) * (prices.hut.amount_minor + rules.hut_entry_m * prices.hut_entry.amount_minor)
        for index in range(len(line.cables)):
            mine = line.built_on(index)
            sections += len(mine)
            plants = [span.plants[index] for span in line.chain.spans]
            sheath_m += sum(plant.cable.whole.sheath_m - plant.bought.sheath_m for plant in plants)
            closures += sum(len(plant.closures_m) - len(plant.bought.closures_m) for plant in plants)
            splices += sum(len(plant.joints_m) - len(plant.bought.joints_m) for plant in plants) * rules.fibres
            splices += sum(2 - plant.bought.hut_ends for plant in plants) * rules.fibres
            if index in line.own_trenches:
                chambers += len({place.measure_m for section in mine for place in section.places})
                length_m, minor = _trench(line, index, rules)
                route_m, cost = route_m + length_m, cost + minor
    cost += sheath_m * prices.cable.amount_minor + chambers * prices.chamber.amount_minor
    cost += closures * prices.closure.amount_minor + splices * prices.splice.amount_minor
    return BuiltPart(sections, route_m, sheath_m, chambers, closures, huts, round(cost))


def _trench(line: Line, cable: int, rules: OpticalSettings) -> tuple[float, float]:
    """Route of the trench in built sections, and what it costs with its ducts."""
    prices, whole = rules.prices, line.cable_route(cable)
    per_m = {
        "verge": prices.trench.amount_minor + (rules.ducts - 1) * prices.further_duct.amount_minor,
        "bridge": rules.ducts * prices.bridge_duct.amount_minor,
        "tunnel": rules.ducts * prices.tunnel_duct.amount_minor,
    }
    micro = rules.ducts * rules.microducts * prices.microduct.amount_minor
    pieces = [
        piece
        for section in line.built_on(cable)
        for piece in pieces_of(replace(whole, start_m=section.extent.start_m, end_m=section.extent.end_m))
    ]
    return sum(p.route_m for p in pieces), sum(p.route_m * (per_m[p.way] + micro) for p in pieces)
