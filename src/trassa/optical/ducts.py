"""The trench itself: its ducts by the way they take, the ways into the huts, and what goes under the road.

::

    D-1   ══════ verge ══════╪═ bridge ═╪══════ verge ══════     a cable
    D-2   ══════════════════╪══════════╪═══════════════════     reserve
                                  ╵ entry to a hut                crossing ╷ to the other side

The trench keeps its distance from the axis on structures too: there its ducts hang on the edge of the bridge or run
along the wall of the tunnel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trassa.linear import Extent, opposite, subtracted
from trassa.optical.line import Line
from trassa.optical.plant.route import CableRoute
from trassa.optical.settings import OpticalSettings

__all__ = [
    "RESERVE",
    "TrenchPiece",
    "crossing_rows",
    "duct_rows",
    "hut_entry_rows",
    "hut_ways_minor",
    "pieces_of",
    "pieces_to_dig",
    "ways_to_dig",
]

Row = dict[str, int | float | str | bool]
RESERVE = "reserve"
"""What stands for a cable in a duct that holds none."""

_SHORTEST_M = 1e-6


@dataclass(frozen=True)
class TrenchPiece:
    """A stretch of trench that takes one kind of way. ``route_m`` is its length in space."""

    start_m: float
    end_m: float
    way: Literal["verge", "bridge", "tunnel"]
    route_m: float


def pieces_of(cable: CableRoute) -> list[TrenchPiece]:
    """The trench under a cable, from its start to its end, without gaps."""
    pieces: list[TrenchPiece] = []
    here = cable.start_m

    def go(end_m: float, way: Literal["verge", "bridge", "tunnel"]) -> None:
        nonlocal here
        if end_m - here > _SHORTEST_M:
            before, behind = cable.route_m([here, end_m]).tolist()
            pieces.append(TrenchPiece(here, end_m, way, behind - before))
            here = end_m

    for extent, kind in cable.verge.structures:
        if extent.end_m > here and extent.start_m < cable.end_m:
            go(extent.start_m, "verge")
            go(min(extent.end_m, cable.end_m), kind)
    go(cable.end_m, "verge")
    return pieces


def pieces_to_dig(line: Line, cable: int) -> list[TrenchPiece]:
    """What is not built of the trench that a cable lies in."""
    route = line.cable_route(cable)
    rest = subtracted([Extent(route.start_m, route.end_m)], _built(line, cable))
    return [p for gap in rest for p in pieces_of(replace(route, start_m=gap.start_m, end_m=gap.end_m))]


def ways_to_dig(line: Line, cable: int) -> int:
    """How many huts need a way from the trench that a cable lies in; a built one has it where its trench is built."""
    built = _built(line, cable)
    return sum(not (hut.built and any(e.start_m <= hut.measure_m <= e.end_m for e in built)) for hut in line.chain.huts)


def _built(line: Line, cable: int) -> list[Extent]:
    """Where a cable in the same trench is built."""
    inside = [number for number, trench in enumerate(line.trenches) if trench == line.trenches[cable]]
    return [section.extent for number in inside for section in line.built_on(number)]


def duct_rows(lines: Sequence[Line]) -> list[Row]:
    """Every duct of every trench, piece by piece; cables take the ducts in turn, the others are in reserve."""
    rows: list[Row] = []
    for line in lines:
        for index in line.own_trenches:
            trench, count = line.trenches[index], line.rules.ducts
            inside = [name for name, its in zip(line.cables, line.trenches, strict=True) if its == trench]
            route = line.cable_route(index)
            pieces = pieces_of(route)
            for duct in range(count):
                fixed: Row = {
                    "trench": trench,
                    "duct": f"D-{duct + 1}",
                    "carriageway": route.verge.carriageway,
                    "microducts": line.rules.microducts,
                    "cable": ",".join(inside[duct::count]) or RESERVE,
                }
                rows += [
                    {**fixed, "start_m": p.start_m, "end_m": p.end_m, "way": p.way, "route_m": p.route_m}
                    for p in pieces
                ]
    return rows


def hut_entry_rows(lines: Sequence[Line]) -> list[Row]:
    """The trench from the line into each hut, one from each trench that passes."""
    return [
        {
            "hut": name,
            "measure_m": hut.measure_m,
            "carriageway": _hut_side(line),
            "trench": line.trenches[index],
            "ducts": line.rules.ducts,
            "route_m": line.rules.hut_entry_m,
        }
        for line in lines
        for name, hut in zip(line.hut_names, line.chain.huts, strict=True)
        for index in line.own_trenches
    ]


def crossing_rows(lines: Sequence[Line]) -> list[Row]:
    """What is drilled under the road: for connections across it, and for a trench across it into every hut."""
    rows: list[Row] = []
    for line in lines:
        side = _hut_side(line)
        fixed: Row = {"route_m": line.rules.crossing_m}
        for drop in line.drops:
            if drop.crosses:
                named: Row = {"purpose": "connection", "name": drop.connection.name, "trench": line.trenches[0]}
                ways: Row = {"carriageway": side, "to_carriageway": drop.connection.carriageway}
                rows.append({"measure_m": drop.tap_m, **named, **ways, **fixed})
        for index in line.own_trenches[1:]:
            for name, hut in zip(line.hut_names, line.chain.huts, strict=True):
                named = {"purpose": "hut", "name": name, "trench": line.trenches[index]}
                ways = {"carriageway": opposite(side), "to_carriageway": side}
                rows.append({"measure_m": hut.measure_m, **named, **ways, **fixed})
    return sorted(rows, key=lambda row: (row["measure_m"], row["purpose"], row["name"]))


def hut_ways_minor(rules: OpticalSettings) -> int:
    """What the ways into one hut cost: an entry from each trench, and a crossing for the one across the road."""
    across = rules.cables == 2 and rules.second_cable == "other_side"
    entry = rules.hut_entry_m * rules.prices.hut_entry.amount_minor * (2 if across else 1)
    return round(entry) + (rules.prices.crossing.amount_minor if across else 0)


def _hut_side(line: Line) -> Literal["increasing", "decreasing"]:
    return line.chain.spans[0].plants[0].cable.verge.carriageway
