"""Edge computing judged again: every site to every hut on the plain graph, with every stored cut made."""

from __future__ import annotations

import math

from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cuts import cut_of
from trassa.plan.verify.optical.line import Network
from trassa.plan.verify.optical.stated_rows import rows_off
from trassa.plan.verify.verdict import Row

__all__ = ["check_edge"]

_ID = "optical.edge"
_TOLERANCE_US = 1.0


def check_edge(evidence: Evidence, network: Network) -> list[Row]:
    """The row of the claim; none where no round trip is promised and none is claimed."""
    limit_us = evidence.settings.optical.edge_round_trip_us
    claim = next((claim for claim in evidence.proof.claims if claim.id == _ID), None)
    if limit_us is None and claim is None:
        return []
    if limit_us is None or claim is None:
        return [Row(_ID, "", None, "µs", False, None, "promised and not claimed, or claimed and not promised")]
    servers = set(evidence.layers["edge_places"]["hut"].tolist())
    wrong = [f"{hut} is no hut" for hut in sorted(servers - set(network.huts))]
    trips = _round_trips_us(evidence, network)
    worst_us, unmet = 0.0, set()
    for site, by_hut in trips:
        least_us = min((by_hut.get(hut, math.inf) for hut in servers), default=math.inf)
        if least_us <= limit_us:
            worst_us = max(worst_us, least_us)
        else:
            unmet.add(site)
    hopeless = {site for site, by_hut in trips if min(by_hut.values(), default=math.inf) > limit_us}
    wrong += [f"{site} would reach a hut in time, yet no server" for site in sorted(unmet - hopeless)]
    least = _disjoint([[hut for hut, us in by_hut.items() if us <= limit_us] for _, by_hut in trips], network)
    if claim.method.get("least_huts") != least or len(servers) != least:
        wrong.append(f"{len(servers)} huts with servers, {least} are needed")
    lost = set(evidence.layers["sites"]["site"].tolist()) - {site for site, _ in trips}
    holds = verdict(bool(unmet or lost), estimate_reasons(evidence))
    if claim.holds != holds:
        wrong.insert(0, f"the proof says {claim.holds}")
    stated = claim.worst.value
    if servers and (stated is None or not abs(stated - worst_us) <= _TOLERANCE_US):
        wrong.insert(0, f"worst round trip stated {stated} µs, found {worst_us:.1f} µs")
    wrong += _places_off(evidence, network, trips, limit_us)
    said = "; ".join(wrong[:3]) or f"{len(servers)} huts with servers, no fewer do; worst {worst_us:.1f} µs"
    return [Row(_ID, "", limit_us - worst_us if servers else None, "µs", not wrong, holds, said)]


def _places_off(
    evidence: Evidence, network: Network, trips: list[tuple[str, dict[str, float]]], limit_us: float
) -> list[str]:
    """One row for each server: where its hut stands, and the longest round trip of those for whom it is the nearest;
    where two are as near, either may have it."""
    table = evidence.layers["edge_places"]
    servers = [hut for hut in table["hut"].tolist() if hut in network.huts]
    bounds = {hut: [0.0, 0.0] for hut in servers}
    for _, by_hut in trips:
        known = {hut: by_hut.get(hut, math.inf) for hut in servers}
        least_us = min(known.values(), default=math.inf)
        if not least_us <= limit_us:
            continue
        nearest = [hut for hut, us in known.items() if us <= least_us + _TOLERANCE_US]
        for hut in nearest:
            surely = len(nearest) == 1
            bounds[hut] = [max(bounds[hut][0], least_us if surely else 0.0), max(bounds[hut][1], least_us)]
    wrong = []
    for row in table.rows():
        hut, stated_us = str(row["hut"]), float(row["round_trip_us"])
        low_us, high_us = bounds.get(hut, [math.nan, math.nan])
        if not low_us - _TOLERANCE_US <= stated_us <= high_us + _TOLERANCE_US:
            wrong.append(f"round trip to {hut} stated {stated_us:.1f} µs, found {low_us:.1f}..{high_us:.1f} µs")
    due = [{"hut": hut, "measure_m": network.huts[hut]} for hut in dict.fromkeys(servers)]
    return wrong + rows_off(table, ["hut"], due)


def _round_trips_us(evidence: Evidence, network: Network) -> list[tuple[str, dict[str, float]]]:
    """For every radio site, intact and after every cut: the round trip to each hut that it reaches."""
    rules = evidence.settings.optical
    longest = rules.helix_ratio / rules.helix_ratio_low
    sites = set(evidence.layers["sites"]["site"].tolist())
    trips: list[tuple[str, dict[str, float]]] = []
    for cut in (None, *(cut_of(row) for row in evidence.layers["cuts"].rows())):
        found = network.delays_to_huts_us(cut, sites)
        trips += [(site, {hut: 2.0 * longest * us for hut, us in delays.items()}) for site, delays in found.items()]
    return trips


def _disjoint(rows: list[list[str]], network: Network) -> int:
    """The most rows without a hut in common: no fewer servers can stand in all of them."""
    order = {hut: place for place, hut in enumerate(sorted(network.huts, key=lambda hut: network.huts[hut]))}
    spans = sorted({(max(order[h] for h in row), min(order[h] for h in row)) for row in rows if row})
    count, taken = 0, -1
    for last, first in spans:
        if first > taken:
            count, taken = count + 1, last
    return count
