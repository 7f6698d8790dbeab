"""Fronthaul: where the baseband of a shared cell stands, and whether its fibre to every head is short enough.

Heads that send one signal as one cell hang on one baseband. The delay that the radio allows between the two is a
longest fibre. A baseband in a hut is best: power and a room are there. Where no hut is near enough to all heads it
stands at one of their sites, the one with the shortest longest way::

    head      S-03     S-04      S-05     S-06
    fibre   ────┴───H───┴─────────┴────────┴────     baseband in H if every way fits, else at a site
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trassa.optical.access.latency import fibre_latency_us
from trassa.optical.line import Line
from trassa.optical.plant.drops import Drop
from trassa.optical.settings import OpticalSettings

__all__ = ["Head", "fronthaul_rows"]


@dataclass(frozen=True)
class Head:
    """A radio site that sends a shared cell, and the longest fibre to the cell's baseband."""

    site: str
    cell: str
    limit_m: float


@dataclass(frozen=True)
class _Place:
    """A place for a baseband: along the cable's fibre, and the fibre from the cable to it."""

    name: str
    measure_m: float
    fibre_m: float
    drop_m: float


_NOWHERE = _Place("", float("nan"), float("nan"), float("nan"))


def fronthaul_rows(lines: Sequence[Line], heads: Sequence[Head], rules: OpticalSettings) -> list[Mapping[str, Any]]:
    """A row of the layer ``fronthaul_ways`` for every head, in the order of the heads.

    ``fibre_m`` is the most fibre that the sheath may hold, by ``helix_ratio_low``; NaN, without a baseband, where the
    heads of a cell are not on one uninterrupted cable: no fibre joins them.
    """
    cells = {cell: [head for head in heads if head.cell == cell] for cell in dict.fromkeys(h.cell for h in heads)}
    ways: dict[str, tuple[_Place, float]] = {}
    for ours in cells.values():
        line = _line_of(lines, ours)
        ways |= _ways(line, ours, rules) if line else {head.site: (_NOWHERE, np.nan) for head in ours}
    return [_row(head, *ways[head.site], rules) for head in heads]


def _row(head: Head, place: _Place, fibre_m: float, rules: OpticalSettings) -> Mapping[str, Any]:
    return {
        "site": head.site,
        "cell": head.cell,
        "baseband": place.name,
        "measure_m": place.measure_m,
        "fibre_m": fibre_m,
        "limit_m": head.limit_m,
        "margin_m": head.limit_m - fibre_m,
        "latency_us": float(fibre_latency_us(fibre_m, rules)),
    }


def _line_of(lines: Sequence[Line], heads: Sequence[Head]) -> Line | None:
    wanted = {head.site for head in heads}
    return next((line for line in lines if wanted <= {drop.connection.name for drop in line.drops}), None)


def _ways(line: Line, heads: Sequence[Head], rules: OpticalSettings) -> dict[str, tuple[_Place, float]]:
    """The baseband's place and the longest fibre to it, by site."""
    drops = {drop.connection.name: drop for drop in line.drops}
    at = {head.site: _at(line, drops[head.site]) for head in heads}
    huts = [_hut(line, index) for index in range(len(line.hut_names))]
    longest = rules.helix_ratio / rules.helix_ratio_low

    def over_m(place: _Place) -> float:
        return max(longest * _between_m(at[head.site], place) - head.limit_m for head in heads)

    near = [hut for hut in huts if over_m(hut) <= 0.0]
    baseband = min(near or at.values(), key=over_m)
    return {head.site: (baseband, longest * _between_m(at[head.site], baseband)) for head in heads}


def _at(line: Line, drop: Drop) -> _Place:
    fibre_m = float(line.cable_route(0).fibre_m(drop.tap_m))
    return _Place(drop.connection.name, drop.tap_m, fibre_m, drop.lengths.fibre_m)


def _hut(line: Line, index: int) -> _Place:
    measure_m = line.chain.huts[index].measure_m
    return _Place(line.hut_names[index], measure_m, float(line.cable_route(0).fibre_m(measure_m)), 0.0)


def _between_m(head: _Place, place: _Place) -> float:
    if head.name == place.name:
        return 0.0
    return abs(head.fibre_m - place.fibre_m) + head.drop_m + place.drop_m
