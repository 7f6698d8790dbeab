"""The optical claims: links and spans close, any cut is survived, latency is met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Claim, Evidence, Exemption, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["optical_claims"]


def optical_claims(
    road: Road,
    layers: Mapping[str, Layer],
    figures: Mapping[str, Any],
    assumptions: tuple[Assumption, ...],
    settings: OpticalSettings,
) -> list[Claim]:
    """The claims that ``[optical]`` promises, from the layers of the optical stage."""
    claims = [
        _budget(road, layers, assumptions, "links", "every radio site reaches its huts within the power budget"),
        _budget(road, layers, assumptions, "spans", "every backbone span stays within the span loss limit"),
        _any_cut(road, layers, assumptions),
    ]
    if settings.latency_promise_us is not None:
        claims.append(_latency(road, layers, assumptions, settings.latency_promise_us))
    return claims


def _budget(
    road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...], name: str, promise: str
) -> Claim:
    rows = layers[name]
    reasons = estimate_reasons(road)
    fails = bool((~(rows["margin_db"] >= 0.0)).any())
    bound = rows["budget_db" if name == "links" else "limit_db"]
    if len(rows):
        row = int(np.argmin(rows["margin_db"]))
        what = str(rows["link" if name == "links" else "span"][row])
        at_m = float(rows["measure_m" if name == "links" else "start_m"][row])
        values = (float(rows["loss_db"][row]), float(bound[row]), float(rows["margin_db"][row]))
        worst = Worst(f"{what} at {road.text(at_m)}", *(round(v, 3) for v in values), "dB")
    else:
        worst = Worst(f"no {name}", None, None, None, "dB")
    return Claim(
        id=f"optical.{name}",
        promise=promise + ", at end of life",
        scope=Scope(f"{len(rows)} {name}", road.length_m, tuple(hole_exemptions(road))),
        method={"model": "end-of-life power budget over fibre length", "estimate_because": reasons},
        assumptions=assumptions,
        worst=worst,
        holds=verdict(fails, reasons),
        evidence=(Evidence(name, rows.digest()),),
    )


def _any_cut(road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...]) -> Claim:
    cuts = layers["cuts"]
    reasons = estimate_reasons(road)
    stranded = cuts["sites_stranded"]
    fails = bool((stranded > 0).any()) or len(cuts) == 0
    failing = cuts.take(stranded > 0)
    sentences = [
        f"{road.span_text(row['start_m'], row['end_m'])}: a cut strands {row['sites_stranded']} sites"  # type: ignore[arg-type]
        for row in failing.rows()
    ]
    if len(cuts):
        ranked = np.where(stranded > 0, -stranded.astype(float), cuts["worst_margin_db"])
        row = int(np.nanargmin(ranked)) if np.isfinite(ranked).any() else 0
        place = road.span_text(float(cuts["start_m"][row]), float(cuts["end_m"][row]))
        margin = -float(stranded[row]) if fails else _finite(cuts["worst_margin_db"][row])
        worst = Worst(place, float(stranded[row]), 0.0, margin, "sites stranded" if fails else "dB")
    else:
        worst = Worst("no cable", None, None, None, "")
    drops = float(layers["links"]["drop_m"].sum() / 2.0) if len(layers["links"]) else 0.0
    exempt = Exemption("drop cable from the verge to a site: a single access line, not protected", drops, ())
    return Claim(
        id="optical.any-cut",
        promise="every radio site still reaches a point of presence when the cable is cut anywhere along the road",
        scope=Scope("every point of every cable along the road", road.length_m, (exempt, *hole_exemptions(road))),
        method={"model": "each cut interval removed in turn", "cut_intervals": len(cuts), "estimate_because": reasons},
        assumptions=assumptions,
        worst=worst,
        holds=verdict(fails, reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("cuts", "links", "huts")),
        failures=tuple(sentences),
    )


def _latency(road: Road, layers: Mapping[str, Layer], assumptions: tuple[Assumption, ...], promise_us: float) -> Claim:
    cuts = layers["cuts"]
    reasons = estimate_reasons(road)
    latency = cuts["worst_latency_us"]
    row = int(np.nanargmax(latency))
    worst_us = float(latency[row])
    place = road.span_text(float(cuts["start_m"][row]), float(cuts["end_m"][row]))
    return Claim(
        id="optical.latency",
        promise=f"one-way delay in fibre to a point of presence ≤ {promise_us:g} µs, also after a cut anywhere",
        scope=Scope("every radio site, every cut", road.length_m),
        method={"model": "fibre length times group delay", "estimate_because": reasons},
        assumptions=assumptions,
        worst=Worst(place, round(worst_us, 2), promise_us, round(promise_us - worst_us, 2), "µs"),
        holds=verdict(worst_us > promise_us, reasons),
        evidence=(Evidence("cuts", cuts.digest()),),
    )


def _finite(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None
