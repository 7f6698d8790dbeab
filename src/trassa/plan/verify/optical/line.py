"""Optical budgets computed again, and every cut and every hut taken away, each by itself, on a plain graph."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify.optical.cable import Cable, Plant
from trassa.plan.verify.optical.losses import Passed, aged_loss_db, link_margin_db
from trassa.plan.verify.optical.trees import TreeAgain, trees_of

__all__ = ["LinkAgain", "Network", "Outcome", "RingAgain", "SpanAgain", "shortest"]

_AT_M = 1e-3
_Cut = tuple[float, float, Collection[str]] | None
SAME_US = 0.01
"""Ways that differ by less in delay are as short as one another."""


@dataclass(frozen=True)
class SpanAgain:
    """One span on one cable, with what was found for it; ``per_km_db`` at 1550 nm, None: as planned."""

    huts: tuple[str, str]
    start_m: float
    end_m: float
    cable: str
    fibre_m: float
    loss_db: float
    margin_db: float
    per_km_db: float | None = None


@dataclass(frozen=True)
class LinkAgain:
    """One access link, with what was found for it; ``glass_db`` is the loss of its fibre, not aged."""

    site: str
    hut: str
    tap_m: float
    hut_m: float
    cable: str
    fibre_m: float
    loss_db: float
    margin_db: float
    glass_db: float = np.nan


@dataclass(frozen=True)
class RingAgain:
    """One access ring: the huts at its ends, its members in order, and what was found for every segment between."""

    name: str
    cable: str
    huts: tuple[str, str]
    members: tuple[str, ...]
    at_m: tuple[float, ...]
    fibre_m: tuple[float, ...]
    loss_db: tuple[float, ...]
    margin_db: tuple[float, ...]
    glass_db: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """Who still reaches a point of presence. Latency and margin are the worst among those that do."""

    detoured: int
    stranded: tuple[str, ...]
    worst_latency_us: float
    worst_margin_db: float


@dataclass(frozen=True)
class Network:
    """The line as a graph: huts, spans between them, what hangs on links, rings and trees, points of presence."""

    huts: Mapping[str, float]
    presences: Collection[str]
    spans: tuple[SpanAgain, ...]
    links: tuple[LinkAgain, ...]
    rings: tuple[RingAgain, ...]
    rules: OpticalSettings
    trees: tuple[TreeAgain, ...] = field(default=(), kw_only=True)

    def outcome(
        self,
        cut: _Cut = None,
        hut_down: str = "",
        among: Collection[str] | None = None,
    ) -> Outcome:
        """What is left after one cut (start, end, cables that fall) or with one hut down, for all or ``among`` some."""
        event = None if cut is None else (cut[0], cut[1], frozenset(cut[2]))
        return self._outcome(event, hut_down, None if among is None else frozenset(among))

    @cached_property
    def _outcome(self) -> Callable[..., Outcome]:
        """:meth:`outcome`, found once: several rows judge by the same events."""
        return cache(self._found)

    def _found(
        self, cut: tuple[float, float, frozenset[str]] | None, hut_down: str, among: frozenset[str] | None
    ) -> Outcome:
        ways = self.ways(cut, hut_down)
        if among is not None:
            ways = {name: found for name, found in ways.items() if name in among}
        best = [shortest(found) for found in ways.values() if found]
        return Outcome(
            sum(len(found) == 1 for found in ways.values()),
            tuple(site for site, found in ways.items() if not found),
            max((delay for delay, _ in best), default=float("nan")),
            min((margin for _, margin in best), default=float("nan")),
        )

    def ways(self, cut: _Cut = None, hut_down: str = "") -> dict[str, list[tuple[float, float, str]]]:
        """Every way left to a point of presence of each connection: delay, least margin, and the hut it enters."""
        spans = [s for s in self.spans if hut_down not in s.huts and not _falls(cut, s.cable, s.start_m, s.end_m)]
        reach = self._reach(spans, hut_down)
        ways: dict[str, list[tuple[float, float, str]]] = {link.site: [] for link in self.links}
        for link in self.links:
            if link.hut in reach and not _falls(cut, link.cable, link.tap_m, link.hut_m):
                delay, least = reach[link.hut]
                ways[link.site].append((self._delay_us(link.fibre_m) + delay, min(link.margin_db, least), link.hut))
        for ring in self.rings:
            ways |= self._around(ring, reach, cut)
        for tree in self.trees:
            ways |= self._through(tree, reach, cut)
        return ways

    def parted(self, cut: tuple[float, float, Collection[str]]) -> set[str]:
        """The places that a cut parts from the splitters of their trees."""
        return {name for tree in self.trees for at, name in enumerate(tree.members) if tree.parted(at, cut)}

    def delays_to_huts_us(self, cut: _Cut, among: Collection[str]) -> dict[str, dict[str, float]]:
        """One-way delay from each of some connections to each hut it reaches after one cut, switches included."""
        spans = [s for s in self.spans if not _falls(cut, s.cable, s.start_m, s.end_m)]
        from_hut = {hut: self._from(spans, {hut}) for hut in self.huts}
        delays: dict[str, dict[str, float]] = {}
        for name, ends in self._ends(cut).items():
            if name in among:
                found = delays.setdefault(name, {})
                for access_us, end in ends:
                    for hut, (delay, _) in from_hut[end].items():
                        found[hut] = min(access_us + delay, found.get(hut, float("inf")))
        return delays

    def _ends(self, cut: _Cut) -> dict[str, list[tuple[float, str]]]:
        """The huts in which the links or the ring of each connection still end, and the delay as far as there."""
        ends: dict[str, list[tuple[float, str]]] = {link.site: [] for link in self.links}
        for link in self.links:
            if not _falls(cut, link.cable, link.tap_m, link.hut_m):
                ends[link.site].append((self._delay_us(link.fibre_m), link.hut))
        here = {hut: (0.0, float("inf")) for hut in self.huts}
        found = [self._around(ring, here, cut) for ring in self.rings]
        for shared in (*found, *(self._through(tree, here, cut) for tree in self.trees)):
            ends |= {name: [(delay, hut) for delay, _, hut in ways] for name, ways in shared.items()}
        return ends

    def _through(
        self,
        tree: TreeAgain,
        reach: Mapping[str, tuple[float, float]],
        cut: _Cut,
    ) -> dict[str, list[tuple[float, float, str]]]:
        """The ways of a tree's places to the OLTs in both huts."""
        ways: dict[str, list[tuple[float, float, str]]] = {name: [] for name in tree.members}
        for member, name in enumerate(tree.members):
            for side, hut in enumerate(tree.huts):
                if hut in reach and tree.whole(member, side, cut):
                    found, (delay, least) = tree.found[member][side], reach[hut]
                    delay += self._delay_us(found.get("fibre_m", float("inf"))) + self.rules.trees.latency_us
                    ways[name].append((delay, min(found["margin_db"], least), hut))
        return ways

    def _around(
        self,
        ring: RingAgain,
        reach: Mapping[str, tuple[float, float]],
        cut: _Cut,
    ) -> dict[str, list[tuple[float, float, str]]]:
        """The ways of a ring's members, walked from either hut until a segment is cut."""
        ways: dict[str, list[tuple[float, float, str]]] = {name: [] for name in ring.members}
        for hut, order in ((ring.huts[0], range(len(ring.members))), (ring.huts[1], range(len(ring.members))[::-1])):
            if hut not in reach:
                continue
            delay, least = reach[hut]
            for member in order:
                segment = member if order.step > 0 else member + 1
                if _falls(cut, ring.cable, ring.at_m[segment], ring.at_m[segment + 1]):
                    break
                delay += self._delay_us(ring.fibre_m[segment]) + self.rules.ring_latency_us
                least = min(least, ring.margin_db[segment])
                ways[ring.members[member]].append((delay, least, hut))
        return ways

    def _reach(self, spans: list[SpanAgain], hut_down: str) -> dict[str, tuple[float, float]]:
        """Delay from each hut to its nearest point of presence, huts included, and the least margin on the way."""
        return self._from(spans, {hut for hut in self.presences if hut != hut_down}, hut_down)

    def _from(
        self, spans: list[SpanAgain], begin: Collection[str], hut_down: str = ""
    ) -> dict[str, tuple[float, float]]:
        """Delay of each hut from the nearest of some, huts included, and the least margin on the way."""
        neighbours: defaultdict[str, list[tuple[str, SpanAgain]]] = defaultdict(list)
        for span in spans:
            neighbours[span.huts[0]].append((span.huts[1], span))
            neighbours[span.huts[1]].append((span.huts[0], span))
        own = self.rules.hut_latency_us
        queue = [(own, float("inf"), hut) for hut in begin]
        heapq.heapify(queue)
        reach: dict[str, tuple[float, float]] = {}
        while queue:
            delay, least, hut = heapq.heappop(queue)
            if hut in reach or hut == hut_down:
                continue
            reach[hut] = (delay, least)
            for other, span in neighbours[hut]:
                if other not in reach:
                    step = self._delay_us(span.fibre_m) + own
                    heapq.heappush(queue, (delay + step, min(least, span.margin_db), other))
        return reach

    def _delay_us(self, fibre_m: float) -> float:
        return fibre_m / 1000.0 * self.rules.latency_us_per_km


def _falls(cut: _Cut, cable: str, first_m: float, second_m: float) -> bool:
    """Whether a cut of [start, end] takes what runs on a cable between two measures."""
    if cut is None or cable not in cut[2]:
        return False
    low, high = min(first_m, second_m), max(first_m, second_m)
    return cut[0] < high - _AT_M and low + _AT_M < cut[1]


def shortest(ways: Iterable[tuple[float, float, str]]) -> tuple[float, float]:
    """Delay of the shortest way, and the least margin of those as short."""
    told = list(ways)
    least_us = min(delay for delay, _, _ in told)
    return least_us, min(margin for delay, margin, _ in told if delay <= least_us + SAME_US)


def network_of(layers: Mapping[str, Layer], plant: Plant, rules: OpticalSettings) -> Network:
    """The graph from the plan's huts, spans and links, with lengths and budgets of our own."""
    huts = {str(row["hut"]): float(row["measure_m"]) for row in layers["huts"].rows()}
    presences = {str(hut) for hut in layers["huts"].where(role="point_of_presence")["hut"]}
    spans, links = [], []
    for row in layers["spans"].rows():
        start, end, name = float(row["start_m"]), float(row["end_m"]), str(row["cable"])
        cable = plant.at(name, (start + end) / 2.0)
        passed = cable.passed(start, end) if cable else Passed.of(float("inf"), 0.0, rules)
        loss = aged_loss_db(passed, "1550", rules)
        margin = rules.span_loss_limit_db - loss if passed.fibre_m <= rules.span_limit_m else -1.0
        per_km = passed.glass_db["1550"] / passed.fibre_m * 1000.0
        between = _huts_at(huts, start, end)
        spans.append(SpanAgain(between, start, end, name, passed.fibre_m, loss, margin, per_km))
    classes = {optics.name: optics for optics in rules.transceivers}
    for row in layers["links"].rows():
        tap, hut, name = float(row["measure_m"]), str(row["hut"]), str(row["cable"])
        cable, hut_m, optics = plant.at(name, tap), huts.get(hut, float("nan")), classes.get(str(row["optics"]))
        if cable is None or optics is None or not np.isfinite(hut_m):
            links.append(LinkAgain(str(row["site"]), hut, tap, hut_m, name, np.inf, np.inf, -np.inf))
            continue
        passed = cable.passed(tap, hut_m) + _drop(cable, tap, float(row["drop_m"]))
        found = (passed.fibre_m, *link_margin_db(passed, optics, rules), passed.glass_db[optics.band])
        links.append(LinkAgain(str(row["site"]), hut, tap, hut_m, name, *found))
    trees, rings = tuple(trees_of(layers, plant, huts, rules)), tuple(_rings(layers, plant, huts, rules))
    return Network(huts, presences, tuple(spans), tuple(links), rings, rules, trees=trees)


def _drop(cable: Cable, tap_m: float, drop_m: float) -> Passed:
    """From a connection to the cable: its drop, and the splice where that leaves."""
    rules = cable.rules
    loops = rules.closure_loop_m / 2.0 + rules.termination_loop_m
    fibre_m = (drop_m * (1.0 + rules.slack_ratio) + loops) / rules.helix_ratio
    return Passed.of(fibre_m, cable.splice_db(tap_m), rules)


def _rings(
    layers: Mapping[str, Layer], plant: Plant, huts: Mapping[str, float], rules: OpticalSettings
) -> list[RingAgain]:
    """The rings of the plan; a chain of segments that is broken, or that begins or ends in no hut, reaches nobody."""
    connections = {str(row["connection"]): row for row in layers["connections"].rows()}
    classes = {optics.name: optics for optics in rules.transceivers}
    rings = []
    for name in dict.fromkeys(layers["ring_segments"]["ring"].tolist()):
        rows = list(layers["ring_segments"].where(ring=name).rows())
        nodes = [str(rows[0]["first"]), *(str(row["second"]) for row in rows)]
        whole = all(str(row["first"]) == node for row, node in zip(rows, nodes, strict=False))
        at_m = [huts.get(node, float(connections[node]["tap_m"]) if node in connections else np.nan) for node in nodes]
        cable = plant.at(str(rows[0]["cable"]), at_m[0])
        found = []
        for index, row in enumerate(rows):
            optics = classes.get(str(row["optics"]))
            if cable is None or optics is None or not whole or not at_m[index] <= at_m[index + 1]:
                found.append((np.inf, np.inf, -np.inf, np.nan))
                continue
            passed = cable.passed(at_m[index], at_m[index + 1])
            for node, tap_m in zip(nodes[index : index + 2], at_m[index : index + 2], strict=True):
                if node not in huts:
                    passed += _drop(cable, tap_m, float(connections[node]["drop_m"]))
            found.append((passed.fibre_m, *link_margin_db(passed, optics, rules), passed.glass_db[optics.band]))
        columns = [tuple(column) for column in zip(*found, strict=True)]
        ends_in = (nodes[0], nodes[-1])
        named = cable.name if cable else ""
        rings.append(RingAgain(str(name), named, ends_in, tuple(nodes[1:-1]), tuple(at_m), *columns))
    return rings


def _huts_at(huts: Mapping[str, float], start_m: float, end_m: float) -> tuple[str, str]:
    at = {round(measure, 2): hut for hut, measure in huts.items()}
    return at.get(round(start_m, 2), f"? {start_m:.0f}"), at.get(round(end_m, 2), f"? {end_m:.0f}")
