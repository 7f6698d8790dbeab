"""A claim for each service class that is connected: it survives any cut, in time; and for access rings and trees."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trassa.linear import Layer
from trassa.optical.service_settings import ServiceClass
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.budget import worst_budget
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.plan.claims.trees import branch_exemptions, parted_by_cuts, tree_claims
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["service_claims"]

Row = dict[str, int | float | str | bool]


def service_claims(
    road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...], settings: OpticalSettings
) -> list[Claim]:
    """``optical.service.<name>`` for every class with connections, ``optical.rings`` and ``optical.trees`` too."""
    known = {service.name: service for service in settings.services}
    longest = settings.helix_ratio / settings.helix_ratio_low
    claims = [
        _service(road, layers, assumptions, known[str(row["service"])], row, longest)
        for row in layers["services"].rows()
    ]
    if len(layers["ring_segments"]):
        least_loss_db = {optics.name: optics.least_loss_db for optics in settings.transceivers}
        claims.append(_rings(road, layers["ring_segments"], assumptions, least_loss_db))
    return [*claims, *tree_claims(road, layers, assumptions, settings)]


def _service(
    road: Road,
    layers: Mapping[str, Layer],
    assumptions: tuple[Assumption, ...],
    service: ServiceClass,
    row: Row,
    longest: float,
) -> Claim:
    """``longest`` is the most fibre that the sheath may hold over what is planned; all delay counts so much more."""
    reasons = estimate_reasons(road)
    connections = layers["connections"].where(service=service.name)
    lost = tuple(str(name) for name in connections["connection"][connections["access"] == ""])
    parted = int(parted_by_cuts(layers, service.name).sum())
    stranded, bound_us = int(row["pairs_stranded"]), service.latency_us
    worst_us, start_m = float(row["worst_latency_us"]) * longest, float(row["worst_start_m"])
    late = bound_us is not None and not worst_us <= bound_us
    place = f"a cut at {road.text(start_m)}" if np.isfinite(start_m) else "no cut"
    margin_us = round(bound_us - worst_us, 2) if bound_us is not None and np.isfinite(worst_us) else None
    worst = Worst(place, round(worst_us, 2) if np.isfinite(worst_us) else None, bound_us, margin_us, "µs")
    if stranded:
        worst = Worst(place, float(stranded), float(parted), float(parted - stranded), "pairs stranded")
    within = f", within {bound_us:g} µs one way" if bound_us is not None else ""
    but = " but between its splitter and its place" if service.protection == "feeder" else ""
    exempt = (*branch_exemptions(layers, service.name), *hole_exemptions(road))
    failures = [f"{name} is on no part of the cable" for name in lost]
    beside = stranded - parted
    failures += [f"{beside} pairs of a {service.name} and a cut that strands it"] if beside else []
    beyond = float(row["worst_margin_db"]) < 0.0
    failures += (
        [f"a way lacks {-float(row['worst_margin_db']):.2f} dB of its power budget after a cut"] if beyond else []
    )
    return Claim(
        id=f"optical.service.{service.name.replace(' ', '-')}",
        promise=f"every {service.name} still reaches a point of presence when the cable is cut anywhere{but}{within}",
        scope=Scope(f"{len(connections)} connections, every cut", road.length_m, exempt),
        method={
            "model": "each cut interval removed in turn, power budget and light on the way that is left, longest fibre "
            "times group delay, and switching",
            "access": service.access,
            "rate_mbps": service.rate_mbps,
            "estimate_because": reasons,
        },
        assumptions=assumptions,
        worst=worst,
        holds=verdict(bool(beside or lost or late or beyond), reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("services", "connections", "cuts")),
        failures=tuple(failures),
    )


def _rings(
    road: Road, segments: Layer, assumptions: tuple[Assumption, ...], least_loss_db: Mapping[str, float]
) -> Claim:
    reasons = estimate_reasons(road)
    row = int(np.argmin(segments["margin_db"]))
    between = f"{segments['first'][row]}–{segments['second'][row]} of {segments['ring'][row]}"
    loss_db, budget_db, margin_db = (float(segments[name][row]) for name in ("loss_db", "budget_db", "margin_db"))
    place = f"{between} at {road.text(float(segments['start_m'][row]))}"
    rings = len(set(segments["ring"].tolist()))
    return Claim(
        id="optical.rings",
        promise="every segment of an access ring within the power budget, at end of life",
        scope=Scope(f"{len(segments)} segments of {rings} rings", road.length_m, ()),
        method={"model": "end-of-life power budget over fibre length", "estimate_because": reasons},
        assumptions=assumptions,
        worst=worst_budget(place, loss_db, budget_db, margin_db, least_loss_db[str(segments["optics"][row])]),
        holds=verdict(bool((~(segments["margin_db"] >= 0.0)).any()), reasons),
        evidence=(Evidence("ring_segments", segments.digest()),),
        failures=(),
    )
