"""The claim that servers in the huts keep the line's part of every round trip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trassa.linear import Layer
from trassa.optical.service_settings import RADIO_SITE
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["edge_claims"]


def edge_claims(
    road: Road,
    layers: Mapping[str, Layer],
    figures: Mapping[str, Any],
    assumptions: tuple[Assumption, ...],
    settings: OpticalSettings,
    service_latency_ms: float = 0.0,
) -> list[Claim]:
    """The claim ``optical.edge``; none where no round trip is promised.

    ``service_latency_ms`` is what the whole service may take, 0 where nothing is asked: told beside, as the radio's
    part is not in this claim.
    """
    limit_us = settings.edge_round_trip_us
    if limit_us is None:
        return []
    reasons, places = estimate_reasons(road), layers["edge_places"]
    sites = set(layers["connections"].where(service=RADIO_SITE)["connection"].tolist())
    unmet = [*figures["edge"]["unmet"], *(name for name in figures["unconnected"] if name in sites)]
    worst = Worst("no server", None, limit_us, None, "µs")
    if len(places):
        row = int(np.argmax(places["round_trip_us"]))
        worst_us = round(float(places["round_trip_us"][row]), 2)
        place = f"{places['hut'][row]} at {road.text(float(places['measure_m'][row]))}"
        worst = Worst(place, worst_us, limit_us, round(limit_us - worst_us, 2), "µs")
    return [
        Claim(
            id="optical.edge",
            promise=f"fibre and equipment take ≤ {limit_us:g} µs of the round trip from every radio site to a server "
            "in a hut, also after a cut anywhere",
            scope=Scope(f"{len(places)} huts with servers", road.length_m, tuple(hole_exemptions(road))),
            method={
                "model": "longest fibre times group delay and switching, both ways; fewest huts, exact",
                "least_huts": figures["edge"]["least"],
                "radio": "not part of it" + _beside(limit_us, service_latency_ms),
                "estimate_because": reasons,
            },
            assumptions=assumptions,
            worst=worst,
            holds=verdict(bool(unmet), reasons),
            evidence=tuple(Evidence(name, layers[name].digest()) for name in ("edge_places", "links", "huts")),
            failures=tuple(f"{name}: a cut leaves it without a server in time" for name in unmet),
        )
    ]


def _beside(limit_us: float, service_latency_ms: float) -> str:
    if not service_latency_ms:
        return ""
    left_ms = service_latency_ms - limit_us / 1000.0
    return f": {left_ms:g} ms of the {service_latency_ms:g} ms of radio.latency_ms are left for it and the server"
