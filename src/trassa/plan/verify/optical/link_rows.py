"""Every column of the tables of spans, links, rings, cuts and service classes, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Cable, Plant
from trassa.plan.verify.optical.cuts import cut_of
from trassa.plan.verify.optical.line import Network, Outcome
from trassa.plan.verify.optical.plant_rows import trenches_of
from trassa.plan.verify.optical.stated_rows import AT_M, rows_off
from trassa.plan.verify.verdict import Row

__all__ = ["check_link_rows"]

_SAME_US = 0.5


def check_link_rows(evidence: Evidence, plant: Plant, network: Network) -> Row:
    """The row ``optical.tables``."""
    wrong = [*_spans_off(evidence, plant, network), *_links_off(evidence, plant, network)]
    wrong += [*_rings_off(evidence, plant, network), *_cuts_off(evidence, plant)]
    huts = [{"hut": hut, "measure_m": at_m} for hut, at_m in network.huts.items()]
    wrong += rows_off(evidence.layers["hut_losses"], ["hut"], huts)
    wrong += _services_off(evidence, network)
    names = ("spans", "links", "ring_segments", "cuts", "hut_losses", "services")
    said = "; ".join(wrong[:3]) or ", ".join(f"{len(evidence.layers[name])} {name}" for name in names)
    return Row("optical.tables", "", None, "", not wrong, None, said)


def _spans_off(evidence: Evidence, plant: Plant, network: Network) -> list[str]:
    """A span on every cable between neighbouring huts, and no other."""
    limit_db, due = evidence.settings.optical.span_loss_limit_db, []
    for cable in plant.cables:
        huts = _huts_on(network, cable)
        due += [
            {
                "span": f"{before}–{behind}",
                "cable": cable.name,
                "start_m": start_m,
                "end_m": end_m,
                "route_m": cable.route_m(end_m) - cable.route_m(start_m),
                "limit_db": limit_db,
            }
            for (start_m, before), (end_m, behind) in pairwise(huts)
        ]
    return rows_off(evidence.layers["spans"], ["span", "cable"], due)


def _huts_on(network: Network, cable: Cable) -> list[tuple[float, str]]:
    """The huts that a cable passes, in order of measure."""
    inside = {hut: m for hut, m in network.huts.items() if cable.start_m - AT_M <= m <= cable.end_m + AT_M}
    return sorted((m, hut) for hut, m in inside.items())


def _links_off(evidence: Evidence, plant: Plant, network: Network) -> list[str]:
    """Two links for everything with own fibres: from its tap to the hut before and to the hut behind."""
    due: list[Mapping[str, Any]] = []
    found = {(link.site, link.hut): link.fibre_m for link in network.links}
    for row in evidence.layers["connections"].where(access="own fibres").rows():
        name, tap_m = str(row["connection"]), float(row["tap_m"])
        cable = _tapped(plant, tap_m)
        if cable is None:
            continue
        huts = _huts_on(network, cable)
        place = min(max(sum(m <= tap_m + AT_M for m, _ in huts), 1), len(huts) - 1)
        for hut_m, hut in huts[place - 1 : place + 1]:
            fibre_m = found.get((name, hut), np.nan)
            due.append(
                {
                    "link": f"{name}–{hut}",
                    "site": name,
                    "hut": hut,
                    "measure_m": tap_m,
                    "cable": cable.name,
                    "drop_m": float(row["drop_m"]),
                    "route_m": abs(cable.route_m(hut_m) - cable.route_m(tap_m)) + float(row["drop_m"]),
                    "latency_us": fibre_m / 1000.0 * evidence.settings.optical.latency_us_per_km,
                }
            )
    return rows_off(evidence.layers["links"], ["link"], due)


def _tapped(plant: Plant, tap_m: float) -> Cable | None:
    """The cable that a drop taps: the first of those that lie there."""
    return next((cable for cable in plant.cables if plant.at(cable.name, tap_m) is cable), None)


def _rings_off(evidence: Evidence, plant: Plant, network: Network) -> Iterator[str]:
    """Segments from a hut through every member in order of taps to the next hut; a member hangs on one ring."""
    taps = {str(row["connection"]): row for row in evidence.layers["connections"].rows()}
    due, members = [], [name for ring in network.rings for name in ring.members]
    yield from (f"{name} hangs on two rings" for name in sorted(set(members)) if members.count(name) > 1)
    for ring in network.rings:
        cable = _tapped(plant, ring.at_m[0])
        if cable is None:
            continue
        order = [hut for _, hut in _huts_on(network, cable)]
        if ring.huts not in list(pairwise(order)):
            yield f"{ring.name} leads from {ring.huts[0]} to {ring.huts[1]}, which are no neighbours"
        nodes = [ring.huts[0], *ring.members, ring.huts[1]]
        drop_m = [float(taps[node]["drop_m"]) if node in taps else 0.0 for node in nodes]
        due += [
            {
                "ring": ring.name,
                "first": nodes[i],
                "second": nodes[i + 1],
                "start_m": ring.at_m[i],
                "end_m": ring.at_m[i + 1],
                "cable": cable.name,
                "route_m": cable.route_m(ring.at_m[i + 1]) - cable.route_m(ring.at_m[i]) + drop_m[i] + drop_m[i + 1],
            }
            for i in range(len(nodes) - 1)
        ]
        wrong = [name for name in ring.members if name not in taps or taps[name]["access"] != ring.name]
        yield from (f"{name} is a member of {ring.name} and hangs on another access" for name in wrong)
    yield from rows_off(evidence.layers["ring_segments"], ["ring", "first"], due)


def _cuts_off(evidence: Evidence, plant: Plant) -> Iterator[str]:
    """A cut between every two neighbouring chambers of each trench, and a name of its own for each trench."""
    layers, due = evidence.layers, []
    for trench in trenches_of(plant):
        cables = ",".join(cable.name for cable in trench)
        at_m = sorted(layers["chambers"].where(cable=cables)["measure_m"].tolist())
        due += [{"cables": cables, "start_m": a, "end_m": b} for a, b in pairwise(at_m)]
    yield from rows_off(layers["cuts"], ["cables", "start_m"], due)
    pairs = set(zip(layers["cuts"]["trench"].tolist(), layers["cuts"]["cables"].tolist(), strict=True))
    for column, other in ((0, 1), (1, 0)):
        alike = [pair[column] for pair in pairs]
        yield from (
            f"{pair[column] or 'no trench'} stands for {pair[other]} and others in cuts"
            for pair in sorted(pairs)
            if alike.count(pair[column]) > 1 or not pair[column]
        )


def _services_off(evidence: Evidence, network: Network) -> list[str]:
    """Count, rate, delays and worst cut of every class that is connected."""
    layers, wrong, due = evidence.layers, [], []
    stated = {str(row["service"]): row for row in layers["services"].rows()}
    for service in evidence.settings.optical.services:
        ours = layers["connections"].where(service=service.name)
        among = set(ours["connection"][ours["access"] != ""].tolist())
        row = {"service": service.name, "connections": len(among), "rate_mbps": service.rate_mbps}
        if not among:
            due += [row] if len(ours) and service.name in stated else []
            continue
        outcomes = [(float(cut["start_m"]), network.outcome(cut_of(cut), among=among)) for cut in layers["cuts"].rows()]
        row["latency_us"] = network.outcome(among=among).worst_latency_us
        row["worst_margin_db"] = float(np.fmin.reduce([o.worst_margin_db for _, o in outcomes], initial=np.nan))
        due.append(row)
        if service.name in stated and not _is_worst(float(stated[service.name]["worst_start_m"]), outcomes):
            wrong.append(f"services, {service.name}: its worst cut begins elsewhere")
    return wrong + rows_off(layers["services"], ["service"], due)


def _is_worst(start_m: float, outcomes: Sequence[tuple[float, Outcome]]) -> bool:
    """Whether a cut that begins there strands a connection; where none does, whether its delay is the longest."""
    here = [outcome for at_m, outcome in outcomes if abs(at_m - start_m) <= AT_M]
    if any(outcome.stranded for _, outcome in outcomes):
        return any(outcome.stranded for outcome in here)
    longest_us = np.fmax.reduce([outcome.worst_latency_us for _, outcome in outcomes], initial=np.nan)
    if np.isnan(longest_us):
        return bool(np.isnan(start_m))
    return any(outcome.worst_latency_us >= longest_us - _SAME_US for outcome in here)
