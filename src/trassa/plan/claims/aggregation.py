"""The claim that the backbone's wavelengths carry what enters in the huts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["aggregation_claims"]

_NOT_ADDED = "huts hold amplifiers only: how what enters in them comes to a wavelength is not planned"


def aggregation_claims(
    road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...], settings: OpticalSettings
) -> list[Claim]:
    """``optical.capacity``; none where nothing is connected."""
    load = layers["backbone_load"]
    if not len(load) or not layers["aggregation"]["connections"].sum():
        return []
    reasons = estimate_reasons(road) + ([_NOT_ADDED] if settings.hut_equipment == "amplifier" else [])
    left = load["channels"] - load["wavelengths"]
    row = int(np.argmin(left))
    channels, margin = float(load["channels"][row]), float(left[row])
    place = f"{load['span'][row]}, {road.span_text(float(load['start_m'][row]), float(load['end_m'][row]))}"
    over = load.take(left < 0)
    return [
        Claim(
            id="optical.capacity",
            promise="the backbone's wavelengths carry everything that is connected, also after one cut or with one "
            f"hut lost, at {settings.channel_rate_gbps:g} Gbit/s each",
            scope=Scope(f"{len(load)} backbone spans", road.length_m, tuple(hole_exemptions(road))),
            method={
                "model": "full rate of every connection at the hut of its shorter way, every cut and hut loss in turn",
                "channel_rate_gbps": settings.channel_rate_gbps,
                "estimate_because": reasons,
            },
            assumptions=assumptions,
            worst=Worst(place, channels - margin, channels, margin, "wavelengths"),
            holds=verdict(len(over) > 0, reasons),
            evidence=tuple(Evidence(name, layers[name].digest()) for name in ("aggregation", "backbone_load")),
            failures=tuple(
                f"{span} has {channels} channels for {wavelengths} wavelengths"
                for span, channels, wavelengths in zip(over["span"], over["channels"], over["wavelengths"], strict=True)
            ),
        )
    ]
