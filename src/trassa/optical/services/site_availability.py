"""How much of the time each connection reaches a point of presence, and what costs it most.

A connection hangs on the hut before and the hut behind it. Over either it reaches the points of presence at both
ends; the span in which it stands joins the two huts as well, over its own cable and, if there is one, over the cable
in the other trench. A cut common to both trenches takes both at one place. Its drop is single; around a ring the
switches and drops of the members between count too. On a tree the way between splitter and place, and the ONU, are
single as the drop is. What fails, and what falls with it::

    drop        the branch from the cable to a connection
    cable       every interval of every trench
    huts        each hut with all that passes it
    equipment   the two transceivers of each link or segment, OLT ports and ONUs
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.optical.availability_settings import HOURS_PER_YEAR, AvailabilitySettings
from trassa.optical.layers import SCHEMAS
from trassa.optical.line import Line
from trassa.optical.placement import Span
from trassa.optical.plant.drops import Drop
from trassa.optical.services.availability import (
    cut_load,
    minutes_per_year,
    renewal,
    series,
    service_unavailability,
    two_cables_linear,
    two_cables_one_repair,
    two_cables_two_repairs,
)
from trassa.optical.services.outages import simulated_unavailability

__all__ = ["availability_figures", "availability_layer", "works"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Row = dict[str, int | float | str | bool]

_CAUSES = ("drop", "cable", "huts", "equipment")
_CUTS_SIMULATED = 20_000.0
_SEED = 1


@dataclass(frozen=True)
class _Parts:
    """Unavailability of what a line is made of; a cause that is left out never fails."""

    line: Line
    causes: tuple[str, ...]

    @property
    def rules(self) -> AvailabilitySettings:
        return self.line.rules.availability

    @property
    def common(self) -> float:
        """Share of cuts that take both trenches; none where there is only one."""
        return self.rules.common_cause_ratio if len(self.line.own_trenches) > 1 else 0.0

    def cut(self, route_m: FloatArray, share: float) -> float:
        """Intervals in a row, of which this share of the cuts counts."""
        return series(renewal(cut_load(route_m, self.rules) * share)) if "cable" in self.causes else 0.0

    def cut_beside(self, span: int, reach_m: FloatArray, share: float) -> tuple[FloatArray, ...]:
        """The first cable of a span before, behind and between two chambers at each tap, ``reach_m`` (2, n)."""
        if "cable" not in self.causes:
            return tuple(np.zeros((3, reach_m.shape[1])))
        loads = np.log1p(cut_load(self.intervals_m(span, 0), self.rules) * share)
        upto = np.concatenate(([0.0], np.cumsum(loads)))
        low, high = upto[np.searchsorted(self.line.chain.spans[span].plants[0].chambers_m, reach_m)]
        return -np.expm1(-low), -np.expm1(high - upto[-1]), -np.expm1(low - high)

    def intervals_m(self, span: int, trench: int) -> FloatArray:
        """Route of each cut interval of a span, shape (intervals,)."""
        plant = self.line.chain.spans[span].plants[trench]
        return np.diff(plant.cable.route_m(np.array(plant.chambers_m)))

    def span(self, number: int) -> float:
        """A whole span: every cable that carries it down at once."""
        both = [self.intervals_m(number, trench) for trench in self.line.own_trenches]
        alone = [self.cut(route_m, 1.0 - self.common) for route_m in both]
        shock = self.cut(both[0], self.common)
        return 1.0 - (1.0 - shock) * (1.0 - float(np.prod(alone)))

    @property
    def hut(self) -> float:
        """One hut."""
        load = self.rules.equipment_repair_h / self.rules.hut_mtbf_h
        return float(renewal(load)) if "huts" in self.causes else 0.0

    @property
    def link(self) -> float:
        """The transceivers of one link."""
        load = self.rules.equipment_repair_h / self.rules.equipment_mtbf_h
        return float(renewal(load)) if "equipment" in self.causes else 0.0

    def drops(self, drops: Sequence[Drop]) -> FloatArray:
        """Drops, shape (drops,)."""
        route_m = np.array([drop.lengths.route_m for drop in drops], dtype=np.float64)
        return renewal(cut_load(route_m, self.rules)) if "drop" in self.causes else np.zeros_like(route_m)

    def links(self, member: _Member, side: int) -> float:
        """All boxes and other drops between a connection and the hut before (0) or behind (1) it."""
        return series([*self.drops(member.passed[side]), *[self.link] * member.equipment[side]])

    def beyond(self, hut: int, step: int) -> float:
        """The way from a hut, itself not counted, to the point of presence before (−1) or behind (1) it."""
        if not (self.line.presence_before if step < 0 else self.line.presence_after):
            return 1.0
        last = 0 if step < 0 else len(self.line.chain.spans)
        spans = range(min(hut, last), max(hut, last))
        return series([self.span(number) for number in spans] + [self.hut] * len(spans))


def works(up: BoolArray) -> BoolArray:
    """Whether a connection is served, by the state of its parts as :func:`_down` orders them."""
    before, after, cable_before, cable_after, shock_before, shock_after, other, *rest = up.T
    hut_before, hut_after, link_before, link_after = rest
    across = shock_before & shock_after & ((cable_before & cable_after) | other)
    to_before = cable_before & shock_before & link_before & hut_before & (before | (across & hut_after & after))
    to_after = cable_after & shock_after & link_after & hut_after & (after | (across & hut_before & before))
    return np.asarray(to_before | to_after)


@dataclass(frozen=True)
class _Member:
    """A connection in a span. It hangs on ``equipment`` boxes towards the hut before and behind, its own included, and
    on the drops of those ring members that lie between; on a tree on one box more in any case, and on the way from
    ``splitter_m``."""

    drop: Drop
    equipment: tuple[int, int]
    passed: tuple[tuple[Drop, ...], tuple[Drop, ...]]
    splitter_m: float | None = None

    @property
    def reach_m(self) -> tuple[float, float]:
        """The tap twice; on a tree tap and splitter in order of measure."""
        splitter_m = self.drop.tap_m if self.splitter_m is None else self.splitter_m
        return min(self.drop.tap_m, splitter_m), max(self.drop.tap_m, splitter_m)


def _members(span: Span) -> list[_Member]:
    """All connections of a span: those with fibres of their own, then ring by ring, then tree by tree."""
    own = [_Member(link.drop, (1, 1), ((), ())) for link in span.optics.links(0)]
    around = [
        _Member(drop, (place + 1, len(ring.drops) - place), (ring.drops[:place], ring.drops[place + 1 :]))
        for ring in span.optics.rings
        for place, drop in enumerate(ring.drops)
    ]
    trees = [_Member(b.drop, (1, 1), ((), ()), tree.splitter_m) for tree in span.optics.trees for b in tree.branches]
    return own + around + trees


def _down(parts: _Parts, number: int, members: Sequence[_Member]) -> FloatArray:
    """Unavailability of the eleven parts that each connection of a span rests on beside its drop, (connections, 11)."""
    own, trenches = 1.0 - parts.common, parts.line.own_trenches
    reach_m = np.array([member.reach_m for member in members], dtype=np.float64).T
    cuts = [side for share in (own, parts.common) for side in parts.cut_beside(number, reach_m, share)[:2]]
    other = parts.cut(parts.intervals_m(number, trenches[-1]), own) if len(trenches) > 1 else 1.0
    links = [np.array([parts.links(member, side) for member in members]) for side in (0, 1)]
    beyond = [np.full(len(members), parts.beyond(hut, step)) for hut, step in ((number, -1), (number + 1, 1))]
    huts = [np.full(len(members), down) for down in (other, parts.hut, parts.hut)]
    return np.column_stack([*beyond, *cuts, *huts, *links])


def _beyond_splitter(parts: _Parts, number: int, members: Sequence[_Member]) -> FloatArray:
    """Unavailability of what a tree has once only: cable between splitter and tap, and the ONU; (connections,)."""
    reach_m = np.array([member.reach_m for member in members], dtype=np.float64).T
    own, shock = (parts.cut_beside(number, reach_m, share)[2] for share in (1.0 - parts.common, parts.common))
    onu = np.array([0.0 if member.splitter_m is None else parts.link for member in members])
    return np.asarray(1.0 - (1.0 - own) * (1.0 - shock) * (1.0 - onu), dtype=np.float64)


def _unavailability(line: Line, causes: tuple[str, ...]) -> FloatArray:
    """Unavailability of every connection, span by span as :func:`_members` orders them, shape (connections,)."""
    parts, found = _Parts(line, causes), [np.zeros(0)]
    for number, span in enumerate(line.chain.spans):
        members = _members(span)
        if members:
            drop = parts.drops([member.drop for member in members])
            single, twice = _beyond_splitter(parts, number, members), _down(parts, number, members)
            beyond = single + (1.0 - single) * service_unavailability(twice, works)
            found.append(drop + (1.0 - drop) * beyond)
    return np.concatenate(found)


def availability_layer(lines: Sequence[Line]) -> Layer:
    """One row for each connection, in order of taps."""
    rows = [row for line in lines for row in _rows(line)]
    return Layer.from_rows(SCHEMAS["availability"], sorted(rows, key=lambda row: (row["measure_m"], row["site"])))


def _rows(line: Line) -> list[Row]:
    down = _unavailability(line, _CAUSES)
    without = [_unavailability(line, tuple(c for c in _CAUSES if c != cause)) for cause in _CAUSES]
    ruling = np.argmin(np.array(without), axis=0)
    drops = [member.drop for span in line.chain.spans for member in _members(span)]
    return [
        {
            "site": drop.connection.name,
            "service": drop.connection.service,
            "measure_m": drop.tap_m,
            "availability": 1.0 - value,
            "minutes_per_year": float(minutes_per_year(value)),
            "dominated_by": _CAUSES[cause],
        }
        for drop, value, cause in zip(drops, down.tolist(), ruling.tolist(), strict=True)
    ]


def availability_figures(lines: Sequence[Line], sites: Layer) -> dict[str, Any]:
    """The least available of the layer's connections, and each line's cables by every closed form and by simulation."""
    worst = min(sites.rows(), key=lambda row: row["availability"], default={})
    return {
        **{f"worst_{name}": worst.get(name) for name in ("site", "availability", "minutes_per_year", "dominated_by")},
        "lines": [_line_figures(line) for line in lines],
    }


def _line_figures(line: Line) -> dict[str, Any]:
    """Unavailability of the line from end to end, cables only, under the name of each form."""
    parts = _Parts(line, ("cable",))
    first = [parts.intervals_m(number, 0) for number in range(len(line.chain.spans))]
    route_m = np.concatenate(first)
    load = cut_load(route_m.sum(), parts.rules)
    figures: dict[str, Any] = {
        "from": line.hut_names[0],
        "to": line.hut_names[-1],
        "one_cable_as_series_of_intervals": series(renewal(cut_load(route_m, parts.rules))),
        "one_cable_as_unit_linear": float(load),
        "one_cable_as_unit_renewal": float(renewal(load)),
    }
    if len(line.own_trenches) > 1:
        figures |= {
            "two_cables_as_series_of_spans": series([parts.span(number) for number in range(len(line.chain.spans))]),
            "two_cables_as_unit_linear": float(two_cables_linear(load, parts.common)),
            "two_cables_as_unit_one_repair": float(two_cables_one_repair(load, parts.common)),
            "two_cables_as_unit_two_repairs": float(two_cables_two_repairs(load, parts.common)),
        }
    return {**figures, "simulated_unit": _simulated(float(load), parts)}


def _simulated(load: float, parts: _Parts) -> dict[str, float]:
    """The line as one unit, by simulation, beside the renewal forms: mean and 95 % interval."""
    repair_h = parts.rules.cut_repair_h
    rate, common = load / repair_h, parts.common
    two = len(parts.line.own_trenches) > 1
    shares = [1.0 - common, 1.0 - common, common] if two and common > 0.0 else [1.0] * (2 if two else 1)
    hours = _CUTS_SIMULATED / rate

    def works(up: BoolArray) -> BoolArray:
        return np.logical_and(up[:, :2].any(axis=1), up[:, 2:].all(axis=1))

    rates = np.array(shares) * rate
    found = simulated_unavailability(rates, np.full(len(shares), repair_h), works, hours, _SEED)
    return {"mean": found.mean, "low": found.low, "high": found.high, "years": hours / HOURS_PER_YEAR}
