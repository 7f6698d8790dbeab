"""Light after a cut and with a hut lost, asked again: who counts on which point of presence, and what arrives there."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cuts import cut_of
from trassa.plan.verify.optical.light_ways import LightAgain, mode_margin_db, modes
from trassa.plan.verify.optical.line import SAME_US, Network, SpanAgain, shortest
from trassa.plan.verify.optical.wavelengths import CLOSED_FORM_DB, TOLERANCE_DB
from trassa.plan.verify.verdict import Row

__all__ = ["LitNetwork", "check_light", "lit"]

_TOLERANCE_US, _BUDGET_DB = 0.5, 0.02
_Cut = tuple[float, float, Collection[str]] | None
_Needed = frozenset[tuple[str, str] | None]
"""Of one connection: hut and point of presence of its shortest way, of each where some are as short; None where the
hut is a point of presence itself."""


@dataclass(frozen=True)
class LitNetwork(Network):
    """The graph in which a hut counts on a point of presence only where its light arrives there."""

    light: LightAgain
    stated: Mapping[tuple[str, str], float]

    def margin_db(self, hut: str, presence: str) -> float:
        """GSNR beyond what is needed by our closed form, over the weakest way of both senses, less what is taken."""
        return min(self._gsnr_db(hut, presence)) - CLOSED_FORM_DB - self._needed_db

    def mode_db(self, hut: str, presence: str, mode: str) -> float:
        """What a mode has in hand on the weakest way of both senses."""
        pairs = self._roadms(hut, presence)
        return min(mode_margin_db(self.light, self.light.weakest(*pair), mode) for pair in pairs) - CLOSED_FORM_DB

    @cached_property
    def dark(self) -> frozenset[tuple[str, str]]:
        """Huts and points of presence between which light does not arrive.

        Nearer to the bound than our tolerance, the plan's own figure decides, which is compared elsewhere.
        """
        found = set()
        for huts in self.light.lines:
            for presence in {huts[0], huts[-1]} & set(self.presences):
                for hut in huts:
                    if hut != presence and not self._arrives(hut, presence):
                        found.add((hut, presence))
        return frozenset(found)

    def used(self, cut: _Cut, hut_down: str, service: Mapping[str, str]) -> dict[str, set[_Needed]]:
        """The light that the connections of each service count on; those alike once."""
        spans = [s for s in self.spans if hut_down not in s.huts and not _falls(cut, s)]
        nearest, ways = self._nearest(spans, hut_down), self.ways(cut, hut_down)
        found: dict[str, set[_Needed]] = {}
        for name, shown in ways.items():
            if not shown:
                continue
            least_us = min(delay for delay, _, _ in shown)
            huts = {hut for delay, _, hut in shown if delay <= least_us + SAME_US}
            ends = {(hut, end) for hut in huts for us, _, end in nearest[hut] if us <= nearest[hut][0][0] + SAME_US}
            needed = frozenset(None if hut == end else (hut, end) for hut, end in ends)
            found.setdefault(service.get(name, ""), set()).add(needed)
        return found

    def _arrives(self, hut: str, presence: str) -> bool:
        margin = self.margin_db(hut, presence)
        if abs(margin) <= TOLERANCE_DB:
            margin = self.stated.get((hut, presence), margin)
        return margin >= 0.0 and any(self.mode_db(hut, presence, mode) >= 0.0 for mode in modes())

    def _roadms(self, hut: str, presence: str) -> list[tuple[str, str]]:
        """Ends of the light in both senses: the hut's own, or that of the wavelength that passes it."""
        huts = next(huts for huts in self.light.lines if hut in huts and presence in huts)
        stops = self.light.stops(huts)
        far = huts[-1] if presence == huts[0] else huts[0]
        source = hut if hut in stops else far
        return [(source, presence), (presence, source)]

    def _gsnr_db(self, hut: str, presence: str) -> list[float]:
        return [self.light.gsnr_db(self.light.weakest(*pair)) for pair in self._roadms(hut, presence)]

    @property
    def _needed_db(self) -> float:
        return self.rules.needed_gsnr_db + self.rules.gsnr_margin_db

    def _reach(self, spans: list[SpanAgain], hut_down: str) -> dict[str, tuple[float, float]]:
        return {hut: shortest(found) for hut, found in self._nearest(spans, hut_down).items()}

    def _nearest(self, spans: list[SpanAgain], hut_down: str) -> dict[str, list[tuple[float, float, str]]]:
        """Delay of each hut to every point of presence with light, the least margin there, and which it is; nearest
        first."""
        found: dict[str, list[tuple[float, float, str]]] = {}
        for presence in self.presences:
            for hut, (delay, least) in self._from(spans, {presence} - {hut_down}, hut_down).items():
                if (hut, presence) not in self.dark:
                    found.setdefault(hut, []).append((delay, least, presence))
        return {hut: sorted(ends) for hut, ends in found.items()}


def _falls(cut: _Cut, span: SpanAgain) -> bool:
    return cut is not None and span.cable in cut[2] and cut[0] < span.end_m - 1e-3 and span.start_m + 1e-3 < cut[1]


def lit(evidence: Evidence, network: Network) -> LitNetwork:
    """The network with the light that the plan's amplifiers give it."""
    stated: dict[tuple[str, str], float] = {}
    for row in evidence.layers["wavelengths"].rows():
        source, _, target = str(row["path"]).partition("→")
        margin = float(row["closed_gsnr_db"]) - CLOSED_FORM_DB - float(row["needed_db"])
        for pair in ((source, target), (target, source)):
            stated[pair] = min(margin, stated.get(pair, math.inf))
    parts = (network.huts, network.presences, network.spans, network.links, network.rings, network.rules)
    return LitNetwork(*parts, LightAgain(network, evidence.layers["amplifiers"]), stated, trees=network.trees)


def check_light(evidence: Evidence, network: LitNetwork) -> Row:
    """The light in use after every cut and with every hut lost, for all and for each service class."""
    if not network.light.lines:
        return Row("optical.light", "", None, "", True, None, "no line")
    again = _Again(evidence, network)
    wrong = [
        f"{evidence.place(float(row['start_m']))}: {fault}"
        for row in evidence.layers["cuts"].rows()
        for fault in again.light_off(row, again.used_by_all(cut_of(row), ""))
    ]
    wrong += [
        f"{row['hut']} lost: {fault}"
        for row in evidence.layers["hut_losses"].rows()
        for fault in again.light_off(row, again.used_by_all(None, str(row["hut"])))
    ]
    wrong += again.services_off()
    said = f"{len(evidence.layers['cuts'])} cuts, {len(network.huts)} huts lost, {len(network.dark)} ways dark"
    return Row("optical.light", "", None, "", not wrong, None, "; ".join([*wrong[:3], said]))


class _Again:
    """Events made again, each once."""

    def __init__(self, evidence: Evidence, network: LitNetwork) -> None:
        self._evidence, self._network = evidence, network
        self._all = set(network.ways())
        rows = evidence.layers["connections"].rows()
        self._service = {str(row["connection"]): str(row["service"]) for row in rows}
        self._used = cache(lambda cut, hut: network.used(cut, hut, self._service))

    def used_by_all(self, cut: _Cut, hut_down: str) -> set[_Needed]:
        """The light that any connection counts on after an event."""
        return set().union(*self._used(cut, hut_down).values())

    def light_off(self, row: Mapping[str, Any], used: Collection[_Needed]) -> list[str]:
        """Margin, mode and rate of the weakest light in use as a row states them.

        No connection may count on weaker light only, and one must count, or may by a way as short, on such light.
        """
        stated, mode = float(row["worst_gsnr_margin_db"]), str(row["worst_mode"])
        margins = {pair: self._network.margin_db(*pair) for needed in used for pair in needed if pair}
        most = min((max(margins[p] if p else math.inf for p in needed) for needed in used), default=math.inf)
        if math.isnan(stated) and most == math.inf:
            silent = not mode and row["worst_rate_gbps"] == 0 and not row.get("worst_light")
            return [] if silent else ["light is stated where none is in use"]
        if not margins:
            return ["light is stated where none is in use"]
        weakest = [pair for pair, margin in margins.items() if abs(margin - stated) <= TOLERANCE_DB]
        if not weakest or not stated <= most + TOLERANCE_DB:
            return [f"light with {stated:.2f} dB stated, found {min(margins.values()):.2f}"]
        wrong = []
        if row["worst_rate_gbps"] != modes().get(mode, {"rate_gbps": 0})["rate_gbps"]:
            wrong.append(f"{row['worst_rate_gbps']} Gbit/s stated for mode {mode!r}")
        if "worst_light" in row and row["worst_light"] not in {"–".join(pair) for pair in weakest}:
            wrong.append(f"{row['worst_light']} is not the weakest light")
        fits = any(self._fits(pair, mode) for pair in weakest)
        return wrong if fits else [*wrong, f"mode {mode!r} is not the fastest"]

    def _fits(self, pair: tuple[str, str], mode: str) -> bool:
        """Whether a mode closes there and none that is faster does."""
        own = modes().get(mode)
        if own is not None and not self._network.mode_db(*pair, mode) >= -TOLERANCE_DB:
            return False
        rank = (own["rate_gbps"], -own["osnr_db"]) if own is not None else (0.0, 0.0)
        faster = [name for name, row in modes().items() if (row["rate_gbps"], -row["osnr_db"]) > rank]
        return all(self._network.mode_db(*pair, name) <= TOLERANCE_DB for name in faster)

    def services_off(self) -> list[str]:
        """The table of service classes: figures with nothing lost, after the worst cut, and with each hut lost."""
        cuts = [cut_of(row) for row in self._evidence.layers["cuts"].rows()]
        events: dict[str, list[tuple[_Cut, str]]] = {
            "nothing": [(None, "")],
            "any one cut": [(cut, "") for cut in cuts],
        }
        events |= {hut: [(None, hut)] for hut in self._network.huts}
        ways = {name: [self._network.ways(*event) for event in each] for name, each in events.items()}
        due = {(service, lost) for service in set(self._service.values()) & self._present() for lost in events}
        wrong, met = [], []
        for row in self._evidence.layers["service_ways"].rows():
            service, lost = str(row["service"]), str(row["lost"])
            met.append((service, lost))
            if (service, lost) in due:
                among = {name for name in self._all if self._service.get(name) == service}
                used = {p for event in events[lost] for p in self._used(*event).get(service, ())}
                faults = [*self._sums_off(row, ways[lost], among), *self.light_off(row, used)]
                wrong += [f"{service}, {lost} lost: {fault}" for fault in faults]
        if sorted(met) != sorted(due):
            wrong.append("service_ways lacks a row or has one twice")
        return wrong

    def _present(self) -> set[str]:
        return {self._service[name] for name in self._all if name in self._service}

    @staticmethod
    def _sums_off(
        row: Mapping[str, Any], events: list[dict[str, list[tuple[float, float, str]]]], among: Collection[str]
    ) -> list[str]:
        open_ways = [[len(ways[name]) for name in among] for ways in events]
        best = [shortest(ways[name]) for ways in events for name in among if ways[name]]
        counts = {
            "connections": len(among),
            "detoured": max(each.count(1) for each in open_ways),
            "stranded": max(each.count(0) for each in open_ways),
        }
        figures = {
            "worst_latency_us": (max((delay for delay, _ in best), default=np.nan), _TOLERANCE_US),
            "worst_margin_db": (min((margin for _, margin in best), default=np.nan), _BUDGET_DB),
        }
        wrong = [f"{name} stated {row[name]}, found {count}" for name, count in counts.items() if row[name] != count]
        return wrong + [
            f"{name} stated {row[name]:.2f}, found {found:.2f}"
            for name, (found, bound) in figures.items()
            if not (abs(float(row[name]) - found) <= bound or (np.isnan(row[name]) and np.isnan(found)))
        ]
