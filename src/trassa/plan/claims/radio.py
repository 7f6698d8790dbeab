"""The radio claims: served, served with any one site down, and least cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import ARROWS, Extent, Layer, merged
from trassa.plan.claim import Claim, Evidence, Exemption, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.pricing import Price
from trassa.provenance import Assumption
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

__all__ = ["GAP_ROUNDING", "radio_claims"]

GAP_ROUNDING = 1e-9
"""A gap wider than promised by less than this is a rounding of the division."""


def radio_claims(
    road: Road,
    layers: Mapping[str, Layer],
    figures: Mapping[str, Any],
    assumptions: tuple[Assumption, ...],
    settings: RadioSettings,
) -> list[Claim]:
    """The claims that ``[radio]`` promises, from the layers of the radio stage."""
    served = _served(road, layers, figures, assumptions, settings, any_site_down=False)
    claims = [served]
    if settings.any_site_down:
        claims.append(_served(road, layers, figures, assumptions, settings, any_site_down=True))
    claims.append(_least_cost(road, layers, figures, settings))
    return claims


def _served(
    road: Road,
    layers: Mapping[str, Layer],
    figures: Mapping[str, Any],
    assumptions: tuple[Assumption, ...],
    settings: RadioSettings,
    *,
    any_site_down: bool,
) -> Claim:
    bins = layers["bins"]
    margin = bins["second_margin_db" if any_site_down else "margin_db"]
    counted = bins["exempt"] == ""
    fails = counted & ~(margin >= 0.0)
    reasons = estimate_reasons(road)
    service = f"RSRP ≥ {settings.need_rsrp_dbm:g} dBm at {settings.frequency_mhz:g} MHz"
    down = " with any one site down" if any_site_down else ""
    lengths = bins["end_m"] - bins["start_m"]
    claim_id = "radio.served.any-site-down" if any_site_down else "radio.served"
    return Claim(
        id=claim_id,
        promise=f"{service} on every 10 m of each carriageway{down}, with probability {settings.reliability:g} per bin",
        scope=Scope(
            f"{road.ref}, {road.span_text(0.0, road.length_m)}, carriageways {' and '.join(road.carriageways)}",
            float(lengths[counted].sum()),
            (*_exemptions(road, bins), *hole_exemptions(road)),
        ),
        method={**figures["propagation"], "servers": 2 if any_site_down else 1, "estimate_because": reasons},
        assumptions=assumptions,
        worst=_worst(road, bins, margin, counted, any_site_down),
        holds=verdict(bool(fails.any() or figures["shortfalls"]), reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("bins", "sites")),
        failures=(*figures["shortfalls"], *_failures(road, layers, fails, claim_id)),
    )


def _worst(
    road: Road, bins: Layer, margin: npt.NDArray[np.float64], counted: npt.NDArray[np.bool_], any_site_down: bool
) -> Worst:
    if not counted.any():
        return Worst("no bin counts", None, None, None, "dB")
    ranked = np.where(counted, np.where(np.isnan(margin), -np.inf, margin), np.inf)
    row = int(np.argmin(ranked))
    arrow = ARROWS[bins["carriageway"][row]]
    place = f"{road.span_text(bins['start_m'][row], bins['end_m'][row])} {arrow}"
    if np.isnan(margin[row]):
        return Worst(f"{place}: no{' second' if any_site_down else ''} site in reach", None, None, None, "dBm")
    best = bins["margin_db"][row]
    level = bins["rsrp_dbm"][row] - (best - margin[row])
    return Worst(place, _round(level), _round(level - margin[row]), _round(margin[row]), "dBm")


def _round(value: float) -> float:
    return round(float(value), 4)


def _exemptions(road: Road, bins: Layer) -> list[Exemption]:
    found = []
    for rule in sorted(set(bins["exempt"].tolist()) - {""}):
        rows = bins.where(exempt=rule)
        places = [
            f"{road.span_text(extent.start_m, extent.end_m)} {ARROWS[carriageway]}"
            for carriageway in road.carriageways
            for extent in _extents(rows.where(carriageway=carriageway))
        ]
        found.append(Exemption(rule, float((rows["end_m"] - rows["start_m"]).sum()), tuple(places)))
    return found


def _extents(rows: Layer) -> list[Extent]:
    return merged(Extent(s, e) for s, e in zip(rows["start_m"].tolist(), rows["end_m"].tolist(), strict=True))


def _failures(road: Road, layers: Mapping[str, Layer], fails: npt.NDArray[np.bool_], claim_id: str) -> Sequence[str]:
    bins, told = layers["bins"].take(fails), layers["unserved"].where(claim=claim_id)
    sentences = []
    for carriageway in road.carriageways:
        reasons = told.where(carriageway=carriageway)
        for extent in _extents(bins.where(carriageway=carriageway)):
            place = f"{road.span_text(extent.start_m, extent.end_m)} {ARROWS[carriageway]}"
            here = reasons.take((reasons["start_m"] < extent.end_m) & (extent.start_m < reasons["end_m"]))
            why = f"{here['reason'][0]}. Try: {here['cure'][0]}" if len(here) else "not served"
            sentences.append(f"{place}: {why}")
    return sentences


def _least_cost(road: Road, layers: Mapping[str, Layer], figures: Mapping[str, Any], settings: RadioSettings) -> Claim:
    """Fails where the search ended farther from its bound than ``radio.siting_gap`` allows."""
    siting, reasons = figures["siting"], estimate_reasons(road)
    cost, bound, gap = int(siting["cost_minor"]), float(siting["bound_minor"]), float(siting["gap"])
    limit = settings.siting_gap
    too_wide = gap > limit + GAP_ROUNDING
    cure = "Try: a longer radio.siting_time_limit_s, or a wider radio.siting_gap"
    told = f"solver: {siting['status']}; a choice cheaper by up to {gap:.3%} is not ruled out. {cure}"
    return Claim(
        id="radio.least-cost",
        promise=f"no other choice among the {len(layers['candidates'])} candidates that serves the same bins costs "
        f"less by more than {limit:.3%}",
        scope=Scope("cost of sites without the cable to them, among the candidates offered", road.length_m),
        method={**siting, "estimate_because": reasons},
        assumptions=tuple(
            Assumption(
                f"price {name}", float(price.amount_minor), f"minor units per {price.unit}", False, _range(price)
            )
            for name, price in settings.prices
            if price.assumed
        ),
        worst=Worst("", float(cost), round(bound, 2), round(bound - cost * (1.0 - limit), 2), "minor units"),
        holds=verdict(too_wide, reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("candidates", "sites", "siting_rows")),
        failures=(told,) if too_wide else (),
    )


def _range(price: Price) -> str:
    return f"{price.low_minor}–{price.high_minor} minor units; {price.source}"
