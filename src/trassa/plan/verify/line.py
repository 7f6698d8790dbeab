"""Optical budgets computed again, and every cut and every hut taken away, each by itself, on a plain graph."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings, TransceiverClass
from trassa.plan.verify.cable import Plant

__all__ = ["LinkAgain", "Network", "Outcome", "SpanAgain", "aged_loss_db", "link_margin_db"]

_AT_M = 1e-3


def aged_loss_db(fibre_m: float, joints: int, band: str, rules: OpticalSettings, *, aged: bool = True) -> float:
    """Loss from patch panel to patch panel: fibre, joints and two pigtails, two connectors; at the end of life with
    repairs and with the most fibre that the sheath may hold."""
    longest_km = fibre_m / 1000.0 * (rules.helix_ratio / rules.helix_ratio_low if aged else 1.0)
    per_km = rules.attenuation_1310_db_per_km if band == "1310" else rules.attenuation_1550_db_per_km
    fixed_db = (joints + 2) * rules.splice_loss_db + 2 * rules.connector_loss_db
    return longest_km * per_km + fixed_db + (rules.repair_margin_db if aged else 0.0)


def link_margin_db(
    fibre_m: float, splices: int, optics: TransceiverClass, rules: OpticalSettings
) -> tuple[float, float]:
    """Loss at the end of life with attenuator, and margin: what is left of the budget, or above overload when lit."""
    new = rules.first_day_ratio * aged_loss_db(fibre_m, splices, optics.band, rules, aged=False)
    attenuator = float(np.ceil(max(optics.least_loss_db - new, 0.0)))
    loss = aged_loss_db(fibre_m, splices, optics.band, rules) + attenuator
    margin = optics.budget_db - loss
    if optics.least_loss_db > 0.0:
        margin = min(margin, new + attenuator - optics.least_loss_db)
    longest_m = fibre_m * rules.helix_ratio / rules.helix_ratio_low
    return loss, margin if longest_m <= optics.reach_m else min(margin, -1.0)


@dataclass(frozen=True)
class SpanAgain:
    """One span on one cable, with what was found for it."""

    huts: tuple[str, str]
    start_m: float
    end_m: float
    cable: str
    fibre_m: float
    loss_db: float
    margin_db: float


@dataclass(frozen=True)
class LinkAgain:
    """One access link, with what was found for it."""

    site: str
    hut: str
    tap_m: float
    hut_m: float
    cable: str
    fibre_m: float
    loss_db: float
    margin_db: float


@dataclass(frozen=True)
class Outcome:
    """Who still reaches a point of presence. Latency and margin are the worst among those that do."""

    detoured: int
    stranded: tuple[str, ...]
    worst_latency_us: float
    worst_margin_db: float


@dataclass(frozen=True)
class Network:
    """The line as a graph: huts, spans between them, sites on their links, points of presence."""

    huts: Mapping[str, float]
    presences: Collection[str]
    spans: tuple[SpanAgain, ...]
    links: tuple[LinkAgain, ...]
    rules: OpticalSettings

    def outcome(self, cut: tuple[float, float, Collection[str]] | None = None, hut_down: str = "") -> Outcome:
        """What is left after one cut (start, end, cables that fall) or with one hut down."""
        spans = [s for s in self.spans if hut_down not in s.huts and not _falls(cut, s.cable, s.start_m, s.end_m)]
        reach = self._reach(spans, hut_down)
        ways: dict[str, list[tuple[float, float]]] = {link.site: [] for link in self.links}
        for link in self.links:
            if link.hut in reach and not _falls(cut, link.cable, link.tap_m, link.hut_m):
                delay, least = reach[link.hut]
                ways[link.site].append((self._delay_us(link.fibre_m) + delay, min(link.margin_db, least)))
        best = [min(found) for found in ways.values() if found]
        return Outcome(
            sum(len(found) == 1 for found in ways.values()),
            tuple(site for site, found in ways.items() if not found),
            max((delay for delay, _ in best), default=float("nan")),
            min((margin for _, margin in best), default=float("nan")),
        )

    def _reach(self, spans: list[SpanAgain], hut_down: str) -> dict[str, tuple[float, float]]:
        """Delay from each hut to its nearest point of presence, huts included, and the least margin on the way."""
        neighbours: defaultdict[str, list[tuple[str, SpanAgain]]] = defaultdict(list)
        for span in spans:
            neighbours[span.huts[0]].append((span.huts[1], span))
            neighbours[span.huts[1]].append((span.huts[0], span))
        own = self.rules.hut_latency_us
        queue = [(own, float("inf"), hut) for hut in self.presences if hut != hut_down]
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


def _falls(cut: tuple[float, float, Collection[str]] | None, cable: str, first_m: float, second_m: float) -> bool:
    """Whether a cut of [start, end] takes what runs on a cable between two measures."""
    if cut is None or cable not in cut[2]:
        return False
    low, high = min(first_m, second_m), max(first_m, second_m)
    return cut[0] < high - _AT_M and low + _AT_M < cut[1]


def network_of(layers: Mapping[str, Layer], plant: Plant, rules: OpticalSettings) -> Network:
    """The graph from the plan's huts, spans and links, with lengths and budgets of our own."""
    huts = {str(row["hut"]): float(row["measure_m"]) for row in layers["huts"].rows()}
    presences = {str(hut) for hut in layers["huts"].where(role="point_of_presence")["hut"]}
    spans, links = [], []
    for row in layers["spans"].rows():
        start, end, name = float(row["start_m"]), float(row["end_m"]), str(row["cable"])
        cable = plant.at(name, (start + end) / 2.0)
        fibre = cable.fibre_between_m(start, end) if cable else float("inf")
        loss = aged_loss_db(fibre, cable.joints_between(start, end) if cable else 0, "1550", rules)
        margin = rules.span_loss_limit_db - loss if fibre <= rules.span_limit_m else -1.0
        between = _huts_at(huts, start, end)
        spans.append(SpanAgain(between, start, end, name, fibre, loss, margin))
    classes = {optics.name: optics for optics in rules.transceivers}
    for row in layers["links"].rows():
        tap, hut, name = float(row["measure_m"]), str(row["hut"]), str(row["cable"])
        cable, hut_m, optics = plant.at(name, tap), huts.get(hut, float("nan")), classes.get(str(row["optics"]))
        if cable is None or optics is None or not np.isfinite(hut_m):
            links.append(LinkAgain(str(row["site"]), hut, tap, hut_m, name, np.inf, np.inf, -np.inf))
            continue
        loops = rules.closure_loop_m / 2.0 + rules.termination_loop_m
        drop = (float(row["drop_m"]) * (1.0 + rules.slack_ratio) + loops) / rules.helix_ratio
        fibre = cable.fibre_between_m(tap, hut_m) + drop
        loss, margin = link_margin_db(fibre, cable.joints_between(tap, hut_m) + 1, optics, rules)
        links.append(LinkAgain(str(row["site"]), hut, tap, hut_m, name, fibre, loss, margin))
    return Network(huts, presences, tuple(spans), tuple(links), rules)


def _huts_at(huts: Mapping[str, float], start_m: float, end_m: float) -> tuple[str, str]:
    at = {round(measure, 2): hut for hut, measure in huts.items()}
    return at.get(round(start_m, 2), f"? {start_m:.0f}"), at.get(round(end_m, 2), f"? {end_m:.0f}")
