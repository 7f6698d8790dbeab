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
        _any_cut(road, layers, figures, assumptions),
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
        loss_db, limit_db, margin_db = (round(float(v[row]), 3) for v in (rows["loss_db"], bound, rows["margin_db"]))
        worst = Worst(f"{what} at {road.text(at_m)}", loss_db, limit_db, margin_db, "dB")
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


def _any_cut(
    road: Road, layers: Mapping[str, Layer], figures: Mapping[str, Any], assumptions: tuple[Assumption, ...]
) -> Claim:
    cuts = layers["cuts"]
    reasons = estimate_reasons(road)
    off_the_line = [f"{name} is on no part of the cable" for name in figures["sites_unconnected"]]
    stranding = cuts.take(cuts["sites_stranded"] > 0)
    sentences = off_the_line + [
        f"{road.span_text(start_m, end_m)}: a cut strands {count} sites"
        for start_m, end_m, count in zip(
            stranding["start_m"].tolist(),
            stranding["end_m"].tolist(),
            stranding["sites_stranded"].tolist(),
            strict=True,
        )
    ]
    drops_m = float(layers["links"]["drop_m"].sum() / 2.0)
    exempt = Exemption("drop cable from the verge to a site: a single access line, not protected", drops_m, ())
    return Claim(
        id="optical.any-cut",
        promise="every radio site still reaches a point of presence when the cable is cut anywhere along the road",
        scope=Scope("every point of every cable along the road", road.length_m, (exempt, *hole_exemptions(road))),
        method={"model": "each cut interval removed in turn", "cut_intervals": len(cuts), "estimate_because": reasons},
        assumptions=assumptions,
        worst=_worst_cut(road, cuts),
        holds=verdict(bool(sentences) or len(cuts) == 0, reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("cuts", "links", "huts")),
        failures=tuple(sentences),
    )


def _worst_cut(road: Road, cuts: Layer) -> Worst:
    """The cut that strands most sites; where none does, the one that leaves the smallest budget margin."""
    if not len(cuts):
        return Worst("no cable", None, None, None, "sites stranded")
    stranded, spare_db = cuts["sites_stranded"], cuts["worst_margin_db"]
    fails = bool((stranded > 0).any())
    row = int(np.argmax(stranded)) if fails else int(np.argmin(np.where(np.isnan(spare_db), np.inf, spare_db)))
    place = road.span_text(float(cuts["start_m"][row]), float(cuts["end_m"][row]))
    if fails:
        return Worst(place, float(stranded[row]), 0.0, -float(stranded[row]), "sites stranded")
    return Worst(place, 0.0, 0.0, _finite(spare_db[row]), "sites stranded", "dB of budget")


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
