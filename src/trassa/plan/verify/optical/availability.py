"""The availability of every connection counted again: its states are told apart on the graph, one by one.

What a connection rests on is a list of parts with the share of time that each is down; which states serve it is asked
of a small network: the connection, the huts on either side, the points of presence and the cables between. The sum over
all states is taken by splitting on the parts one after another, not by the plan's table of states, and the causes are
left out in turn to find the one that costs most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Plant
from trassa.plan.verify.optical.light_ways import rows_of_huts
from trassa.plan.verify.optical.line import Network, RingAgain
from trassa.plan.verify.verdict import Row

__all__ = ["check_availability"]

_HOURS = 8760.0
_SAME_SHARE = 1e-6
_AT_M = 1e-3
_CAUSES = ("drop", "cable", "huts", "equipment")
_Side = tuple[int, int]


def check_availability(evidence: Evidence, network: Network, plant: Plant) -> Row:
    """Every row of the layer: share of the time, minutes in a year, and the cause that costs most."""
    again = _Again(evidence, network, plant)
    wrong, told = [], [str(row["site"]) for row in evidence.layers["availability"].rows()]
    due = sorted(again.members)
    if sorted(told) != due:
        wrong.append(f"{len(told)} rows tell of {len(due)} connections")
    worst, place = 0.0, ""
    for row in evidence.layers["availability"].rows():
        name = str(row["site"])
        if name not in again.members:
            wrong.append(f"{name} is not connected")
            continue
        down = again.down(name)
        wrong += [f"{name}: {fault}" for fault in _row_off(again, name, row, down)]
        worst, place = max((worst, place), (down, name))
    said = f"{len(due)} connections, at worst {worst * _HOURS * 60.0:.1f} minutes a year"
    return Row("optical.availability", place, None, "", not wrong, None, "; ".join([*wrong[:3], said]))


def _row_off(again: _Again, name: str, row: Mapping[str, Any], down: float) -> list[str]:
    member, wrong = again.members[name], []
    stated = 1.0 - float(row["availability"])
    if not abs(stated - down) <= _SAME_SHARE * down + 1e-12:
        wrong.append(f"down {stated:.3e} of the time stated, found {down:.3e}")
    if not abs(float(row["minutes_per_year"]) - down * _HOURS * 60.0) <= 1e-5 * down * _HOURS * 60.0:
        wrong.append(f"{row['minutes_per_year']:.2f} minutes a year stated, found {down * _HOURS * 60.0:.2f}")
    if row["service"] != member.service or not abs(float(row["measure_m"]) - member.tap_m) <= _AT_M:
        wrong.append("service or place are not the connection's")
    without = {cause: again.down(name, cause) for cause in _CAUSES}
    least = min(without.values())
    cause = str(row["dominated_by"])
    if cause not in without or not without[cause] <= least + _SAME_SHARE * down:
        wrong.append(f"dominated by {cause}, yet {min(without, key=lambda each: without[each])} costs more")
    return wrong


@dataclass(frozen=True)
class _Member:
    """A connection: where it taps the cable, its drop, its huts, and boxes and foreign drops on the way to either."""

    service: str
    tap_m: float
    drop_m: float
    huts: tuple[str, str]
    boxes: _Side
    passed: tuple[tuple[float, ...], tuple[float, ...]]
    splitter_m: float | None = None

    @property
    def between_m(self) -> tuple[float, float]:
        """Tap and splitter in order of measure; the tap twice where there is no splitter."""
        other_m = self.tap_m if self.splitter_m is None else self.splitter_m
        return min(self.tap_m, other_m), max(self.tap_m, other_m)


class _Again:
    """The parts of the network with their rates, found from the layers and the road."""

    def __init__(self, evidence: Evidence, network: Network, plant: Plant) -> None:
        self._evidence, self._network, self._plant = evidence, network, plant
        self._rules = evidence.settings.optical.availability
        self._rows = {str(row["connection"]): row for row in evidence.layers["connections"].rows()}
        self._ways: dict[tuple[str, int, str], float] = {}

    @cached_property
    def members(self) -> dict[str, _Member]:
        """Everything that hangs on links or rings, by name."""
        found: dict[str, _Member] = {}
        for site in dict.fromkeys(link.site for link in self._network.links):
            huts = sorted({k.hut for k in self._network.links if k.site == site}, key=lambda h: self._network.huts[h])
            if len(huts) == 2 and site in self._rows:
                found[site] = self._member(site, (huts[0], huts[1]), (1, 1), ((), ()))
        for ring in self._network.rings:
            found |= self._on_ring(ring)
        for tree in self._network.trees:
            for name in tree.members:
                member = self._member(name, tree.huts, (1, 1), ((), ()))
                found[name] = replace(member, splitter_m=tree.splitter_m)
        return found

    def _on_ring(self, ring: RingAgain) -> dict[str, _Member]:
        drops = [float(self._rows[name]["drop_m"]) if name in self._rows else math.inf for name in ring.members]
        count = len(drops)
        return {
            name: self._member(name, ring.huts, (at + 1, count - at), (tuple(drops[:at]), tuple(drops[at + 1 :])))
            for at, name in enumerate(ring.members)
            if name in self._rows
        }

    def _member(
        self, name: str, huts: tuple[str, str], boxes: _Side, passed: tuple[tuple[float, ...], tuple[float, ...]]
    ) -> _Member:
        row = self._rows[name]
        return _Member(str(row["service"]), float(row["tap_m"]), float(row["drop_m"]), huts, boxes, passed)

    def down(self, name: str, without: str = "") -> float:
        """Share of the time without service, one cause left out."""
        member = self.members[name]
        parts = self._parts(member, without)
        first, second = member.huts
        before, behind = self._beyond(first, -1, without), self._beyond(second, 1, without)
        parts |= {"before": before, "behind": behind}
        return _share_down(parts, _reaches)

    def _parts(self, member: _Member, without: str) -> dict[str, float]:
        load, hut, common = (
            self._rules.equipment_repair_h / self._rules.equipment_mtbf_h,
            self._hut(without),
            self._common,
        )
        boxes = 0.0 if without == "equipment" else _renewed(load)
        sides = (self._to(member, 0, without), self._to(member, 1, without))
        found = {"drop": self._branch(member.drop_m, without), "hut a": hut, "hut b": hut}
        for side, places, count, passed in zip("ab", sides, member.boxes, member.passed, strict=True):
            found[f"own {side}"] = _any(_renewed(load * (1.0 - common)) for load in places)
            found[f"both {side}"] = _any(_renewed(load * common) for load in places)
            found[f"link {side}"] = _any([boxes] * count + [self._branch(drop_m, without) for drop_m in passed])
        if member.splitter_m is not None:
            way = self._intervals(self._trenches(member.huts)[0], *member.between_m, without)
            cut = [_renewed(load * share) for load in way for share in (common, 1.0 - common)]
            found["drop"] = _any([found["drop"], boxes, *cut])
        trenches = self._trenches(member.huts)
        other = [_renewed(load * (1.0 - common)) for load in self._span(member.huts, trenches[-1], without)]
        found["other"] = _any(other) if len(trenches) > 1 else 1.0
        return found

    def _to(self, member: _Member, side: int, without: str) -> list[float]:
        """ρ of each cut interval of the first cable between the tap and a hut."""
        huts_m = [self._network.huts[hut] for hut in member.huts]
        first_m, last_m = member.between_m
        low, high = (huts_m[0], first_m) if side == 0 else (last_m, huts_m[1])
        return self._intervals(self._trenches(member.huts)[0], low, high, without)

    def _span(self, huts: tuple[str, str], cable: str, without: str) -> list[float]:
        low, high = (self._network.huts[hut] for hut in huts)
        return self._intervals(cable, low, high, without)

    def _intervals(self, cable: str, low_m: float, high_m: float, without: str) -> list[float]:
        if without == "cable":
            return []
        route = self._plant.at(cable, (low_m + high_m) / 2.0)
        rows = [row for row in self._by_cable.get(cable, ()) if low_m - _AT_M <= row[0] and row[1] <= high_m + _AT_M]
        return [self._load(abs(route.route_m(b) - route.route_m(a))) if route else math.inf for a, b in rows]

    @cached_property
    def _by_cable(self) -> dict[str, list[tuple[float, float]]]:
        found: dict[str, list[tuple[float, float]]] = {}
        for row in self._evidence.layers["cuts"].rows():
            for cable in str(row["cables"]).split(","):
                found.setdefault(cable.strip(), []).append((float(row["start_m"]), float(row["end_m"])))
        return found

    def _trenches(self, huts: tuple[str, str]) -> list[str]:
        """The first cable of each trench between two huts."""
        cables = sorted({span.cable for span in self._network.spans if span.huts == huts})
        together = {str(text) for text in self._evidence.layers["cuts"]["cables"] if "," in str(text)}
        fallen = {name for text in together for name in text.split(",")[1:]}
        return [cable for cable in cables if cable not in fallen]

    @cached_property
    def _common(self) -> float:
        spans = self._network.spans
        return self._rules.common_cause_ratio if spans and len(self._trenches(spans[0].huts)) > 1 else 0.0

    def _load(self, route_m: float) -> float:
        return route_m * self._rules.cuts_per_1000_km_year / 1e6 * self._rules.cut_repair_h / _HOURS

    def _branch(self, drop_m: float, without: str) -> float:
        return 0.0 if without == "drop" else _renewed(self._load(drop_m))

    def _hut(self, without: str) -> float:
        return 0.0 if without == "huts" else _renewed(self._rules.equipment_repair_h / self._rules.hut_mtbf_h)

    def _beyond(self, hut: str, step: int, without: str) -> float:
        """The way from a hut to the end of its line: spans, and every further hut."""
        key = (hut, step, without)
        if key not in self._ways:
            huts = next(huts for huts in self._lines if hut in huts)
            way = huts[huts.index(hut) :] if step > 0 else huts[: huts.index(hut) + 1]
            end = way[-1] if step > 0 else way[0]
            spans = [self._whole(pair, without) for pair in pairwise(way)]
            served = end in self._network.presences
            self._ways[key] = _any([*spans, *[self._hut(without)] * len(spans)]) if served else 1.0
        return self._ways[key]

    def _whole(self, huts: tuple[str, str], without: str) -> float:
        """A span with all its cables down: all at once, or each by itself."""
        trenches = [self._span(huts, cable, without) for cable in self._trenches(huts)]
        each = [_any(_renewed(load * (1.0 - self._common)) for load in loads) for loads in trenches]
        shock = _any(_renewed(load * self._common) for load in trenches[0])
        return 1.0 - (1.0 - shock) * (1.0 - math.prod(each))

    @cached_property
    def _lines(self) -> list[list[str]]:
        return rows_of_huts(span.huts for span in self._network.spans)


def _renewed(load: float) -> float:
    """Share of the time down of what fails and is mended by turns, load = rate · repair time."""
    return load / (1.0 + load) if math.isfinite(load) else 1.0


def _any(down: Iterable[float]) -> float:
    """Share of the time in which any of several is down."""
    return 1.0 - math.prod(1.0 - each for each in down)


def _share_down(parts: Mapping[str, float], serves: Callable[[Mapping[str, bool]], bool]) -> float:
    """Sum of all states without service, split part by part; a branch ends where what is left decides nothing."""
    names = list(parts)

    def split(depth: int, known: dict[str, bool]) -> float:
        if not serves({**dict.fromkeys(names, True), **known}):
            return 1.0
        if serves({**dict.fromkeys(names, False), **known}):
            return 0.0
        name = names[depth]
        share = parts[name]
        up = split(depth + 1, {**known, name: True}) * (1.0 - share) if share < 1.0 else 0.0
        return up + (split(depth + 1, {**known, name: False}) * share if share > 0.0 else 0.0)

    return split(0, {})


def _reaches(up: Mapping[str, bool]) -> bool:
    """Whether a connection reaches a point of presence: walked from it over what is up."""
    edges = [
        ("site", "hut a", all(up[x] for x in ("drop", "own a", "both a", "link a"))),
        ("site", "hut b", all(up[x] for x in ("drop", "own b", "both b", "link b"))),
        ("hut a", "presence", up["before"]),
        ("hut b", "presence", up["behind"]),
    ]
    cable = up["own a"] and up["own b"]
    edges.append(("hut a", "hut b", up["both a"] and up["both b"] and (cable or up["other"])))
    met, stack = {"site"}, ["site"]
    while stack:
        here = stack.pop()
        for first, second, open_ in edges:
            other = second if here == first else first if here == second else ""
            if open_ and other and other not in met and up.get(other, True):
                met.add(other)
                stack.append(other)
    return "presence" in met
