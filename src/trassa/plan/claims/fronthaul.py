"""The claim that the baseband of every shared cell is near enough, in fibre, to all its heads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trassa.linear import Layer
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, verdict
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["fronthaul_claims"]


def fronthaul_claims(road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...]) -> list[Claim]:
    """The claim ``optical.fronthaul``; none where no cell is shared."""
    ways = layers["fronthaul_ways"]
    if not len(ways):
        return []
    reasons = estimate_reasons(road)
    apart = np.isnan(ways["fibre_m"])
    failures = tuple(
        f"no uninterrupted cable joins the heads of cell {cell}" for cell in dict.fromkeys(ways["cell"][apart].tolist())
    )
    worst = Worst(f"{ways['site'][int(np.argmax(apart))]} has no baseband", None, None, None, "m")
    if not apart.any():
        row = int(np.argmin(ways["margin_m"]))
        place = f"{ways['site'][row]} to the baseband of {ways['cell'][row]} in {ways['baseband'][row]}"
        fibre_m, limit_m, margin_m = (round(float(ways[name][row]), 1) for name in ("fibre_m", "limit_m", "margin_m"))
        worst = Worst(f"{place} at {road.text(float(ways['measure_m'][row]))}", fibre_m, limit_m, margin_m, "m")
    cells = len(set(ways["cell"].tolist()))
    return [
        Claim(
            id="optical.fronthaul",
            promise="fibre from the baseband of every shared cell to each of its heads no longer than radio allows",
            scope=Scope(f"{len(ways)} heads of {cells} shared cells", road.length_m, ()),
            method={"model": "longest fibre over the cable and the drops, nothing cut", "estimate_because": reasons},
            assumptions=assumptions,
            worst=worst,
            holds=verdict(bool((~(ways["margin_m"] >= 0.0)).any()), reasons),
            evidence=(Evidence("fronthaul_ways", ways.digest()), Evidence("fronthaul", layers["fronthaul"].digest())),
            failures=failures,
        )
    ]
