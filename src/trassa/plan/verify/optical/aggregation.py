"""What enters the backbone in each hut, counted again: every stored cut made and every hut taken away on the graph."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cuts import cut_of
from trassa.plan.verify.optical.line import Network
from trassa.plan.verify.optical.osnr import table
from trassa.plan.verify.verdict import Row

__all__ = ["check_aggregation"]

_ID = "optical.capacity"
_SAME_US = 0.01
_TOLERANCE_MBPS = 1e-3


@dataclass
class _Entered:
    """Of one hut: connections and rate, at least and at most, as ways of the same delay may go to either hut."""

    connections: list[int] = field(default_factory=lambda: [0, 0])
    rate_mbps: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def add(self, rate_mbps: float, *, surely: bool) -> None:
        for bound in (0, 1) if surely else (1,):
            self.connections[bound] += 1
            self.rate_mbps[bound] += rate_mbps


def check_aggregation(evidence: Evidence, network: Network) -> list[Row]:
    """The row of the claim and of both layers; none where nothing is connected."""
    claim = next((claim for claim in evidence.proof.claims if claim.id == _ID), None)
    quiet = _entered(evidence, network, None, "")
    if not any(found.connections[1] for found in quiet.values()):
        return [] if claim is None else [Row(_ID, "", None, "", False, None, "claimed, yet nothing is connected")]
    if claim is None:
        return [Row(_ID, "", None, "", False, None, "not claimed")]
    worst = _worst(evidence, network, quiet)
    wrong = _huts_off(evidence, network, quiet, worst)
    margin, place, loads_off = _loads(evidence, network)
    wrong += loads_off
    amplifiers = evidence.settings.optical.hut_equipment == "amplifier"
    holds = verdict(margin < 0, [*estimate_reasons(evidence), *(["amplifiers"] if amplifiers else [])])
    if claim.holds != holds:
        wrong.insert(0, f"the proof says {claim.holds}")
    if claim.worst.margin != float(margin):
        wrong.append(f"margin stated {claim.worst.margin}, found {margin}")
    said = "; ".join(wrong[:3]) or f"{margin} channels free on the fullest span"
    return [Row(_ID, place, float(margin), "wavelengths", not wrong, holds, said)]


def _entered(
    evidence: Evidence, network: Network, cut: tuple[float, float, Collection[str]] | None, hut_down: str
) -> dict[str, _Entered]:
    rates = {service.name: service.rate_mbps for service in evidence.settings.optical.services}
    service = dict(
        zip(evidence.layers["connections"]["connection"], evidence.layers["connections"]["service"], strict=True)
    )
    found = {hut: _Entered() for hut in network.huts}
    for name, ways in network.ways(cut, hut_down).items():
        if not ways:
            continue
        least_us = min(delay for delay, _, _ in ways)
        huts = {hut for delay, _, hut in ways if delay <= least_us + _SAME_US}
        for hut in huts:
            found[hut].add(rates.get(str(service.get(name)), 0.0), surely=len(huts) == 1)
    return found


def _worst(evidence: Evidence, network: Network, quiet: Mapping[str, _Entered]) -> dict[str, list[float]]:
    """The greatest rate of each hut over all outcomes, at least and at most."""
    worst = {hut: list(found.rate_mbps) for hut, found in quiet.items()}
    outcomes = [_entered(evidence, network, cut_of(row), "") for row in evidence.layers["cuts"].rows()]
    outcomes += [_entered(evidence, network, None, hut) for hut in network.huts]
    for outcome in outcomes:
        for hut, found in outcome.items():
            worst[hut] = [max(pair) for pair in zip(worst[hut], found.rate_mbps, strict=True)]
    return worst


def _huts_off(
    evidence: Evidence, network: Network, quiet: Mapping[str, _Entered], worst: Mapping[str, list[float]]
) -> list[str]:
    rows = {str(row["hut"]): row for row in evidence.layers["aggregation"].rows()}
    wrong = [f"{name} has no service class" for name in sorted(_without_class(evidence, network))]
    if set(rows) != set(network.huts) or len(rows) != len(evidence.layers["aggregation"]):
        wrong.append("aggregation has not one row for each hut")
    per_channel_mbps = 1000.0 * evidence.settings.optical.channel_rate_gbps
    for hut, row in rows.items():
        if hut not in network.huts:
            continue
        least, most = (math.ceil(rate / per_channel_mbps - 1e-9) for rate in worst[hut])
        presence = hut in network.presences
        bounds: dict[str, tuple[float, float]] = {
            "measure_m": (network.huts[hut], network.huts[hut]),
            "connections": (quiet[hut].connections[0], quiet[hut].connections[1]),
            "rate_mbps": (quiet[hut].rate_mbps[0], quiet[hut].rate_mbps[1]),
            "worst_rate_mbps": (worst[hut][0], worst[hut][1]),
            "wavelengths": (0, 0) if presence else (least, most),
        }
        wrong += [
            f"{hut}: {column} stated {row[column]}, found {low:g}" + (f"..{high:g}" if high > low else "")
            for column, (low, high) in bounds.items()
            if not low - _TOLERANCE_MBPS <= float(row[column]) <= high + _TOLERANCE_MBPS
        ]
    return wrong


def _without_class(evidence: Evidence, network: Network) -> set[str]:
    """What hangs on links or rings and belongs to no class of the settings."""
    classes, connections = (
        {service.name for service in evidence.settings.optical.services},
        evidence.layers["connections"],
    )
    known = {
        str(name)
        for name, service in zip(connections["connection"], connections["service"], strict=True)
        if service in classes
    }
    return set(network.ways()) - known


def _loads(evidence: Evidence, network: Network) -> tuple[int, str, list[str]]:
    """Channels free on the fullest span, where that is, and rows that state another number."""
    count = {str(row["hut"]): int(row["wavelengths"]) for row in evidence.layers["aggregation"].rows()}
    rows = {str(row["span"]): row for row in evidence.layers["backbone_load"].rows()}
    channels, fullest, wrong = _channels(table()), (0, ""), []
    spans = {(span.huts, span.start_m, span.end_m) for span in network.spans}
    for (before, behind), start_m, end_m in sorted(spans, key=lambda span: span[1]):
        along = _uninterrupted(network, before)
        split = along.index(behind)
        due = sum(count.get(hut, 0) for hut in along[split:]) * (along[0] in network.presences)
        due += sum(count.get(hut, 0) for hut in along[:split]) * (along[-1] in network.presences)
        row = rows.pop(f"{before}–{behind}", None)
        stated = (row["start_m"], row["end_m"], row["wavelengths"], row["channels"]) if row else None
        if stated != (start_m, end_m, due, channels):
            wrong.append(f"{before}–{behind}: load stated {stated}, found {(start_m, end_m, due, channels)}")
        if not fullest[1] or due > fullest[0]:
            fullest = (due, f"{before}–{behind}")
    wrong += [f"{span} is no span" for span in rows]
    return channels - fullest[0], fullest[1], wrong


def _uninterrupted(network: Network, hut: str) -> list[str]:
    """The huts of the line that one belongs to, in order of measure."""
    after = dict(span.huts for span in network.spans)
    before = {behind: first for first, behind in after.items()}
    along = [hut]
    while along[0] in before:
        along.insert(0, before[along[0]])
    while along[-1] in after:
        along.append(after[along[-1]])
    return along


def _channels(library: Mapping[str, Any]) -> int:
    """How many channels lie between the bounds of the comb."""
    comb = library["SI"][0]
    return int((comb["f_max"] - comb["f_min"] + 1.0) // comb["spacing"]) + 1
