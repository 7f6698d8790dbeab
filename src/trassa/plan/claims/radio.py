"""The radio claims: served, served with any one site down, and least cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import ARROWS, Layer
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.capacity import capacity_claim, traffic_promised
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.plan.claims.extents import exemptions_of, extents_of
from trassa.plan.claims.interference import rate_claim, trips_claim
from trassa.plan.claims.overlap import overlap_claim
from trassa.plan.claims.tunnels import tunnel_claim
from trassa.pricing import Price
from trassa.provenance import Assumption
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

__all__ = ["GAP_ROUNDING", "radio_claims"]

_LENGTH_M = 1e-6
GAP_ROUNDING = 1.1e-6
"""A gap wider than promised by less than this is the solver's own tolerance, which is taken off its bound."""


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
    if settings.handover.overlap:
        claims.append(overlap_claim(road, layers, figures, assumptions, settings))
    if settings.with_interference and settings.rate_down_mbps:
        claims.append(rate_claim(road, layers, figures, assumptions, settings))
    if traffic_promised(settings):
        claims.append(capacity_claim(road, layers, figures, assumptions, settings))
    if settings.longest_outage_s:
        claims.append(trips_claim(road, layers, figures, assumptions, settings))
    if settings.tunnel.served:
        claims.append(tunnel_claim(road, layers, figures, settings))
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
    down = " with any one site down" if any_site_down else ""
    lengths = bins["end_m"] - bins["start_m"]
    too_long = any(
        float(lengths[fails & (bins["carriageway"] == way)].sum())
        > (1.0 - settings.length_share) * float(lengths[counted & (bins["carriageway"] == way)].sum()) + _LENGTH_M
        for way in road.carriageways
    )
    claim_id = "radio.served.any-site-down" if any_site_down else "radio.served"
    return Claim(
        id=claim_id,
        promise=f"{service_text(settings)} on {_share_text(settings)} of each carriageway{down}, "
        f"with probability {settings.reliability:g} per bin",
        scope=Scope(
            f"{road.ref}, {road.span_text(0.0, road.length_m)}, carriageways {' and '.join(road.carriageways)}"
            f"{'; radio.tunnels speaks of the tunnels' if settings.tunnel.served else ''}",
            float(lengths[counted].sum()),
            (*exemptions_of(road, bins), *hole_exemptions(road)),
        ),
        method={**figures["propagation"], "servers": 2 if any_site_down else 1, "estimate_because": reasons},
        assumptions=assumptions,
        worst=_worst(road, bins, margin, counted, any_site_down),
        holds=verdict(bool(too_long or figures["shortfalls"]), reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("bins", "sites")),
        failures=(*figures["shortfalls"], *_failures(road, layers, fails, claim_id)),
    )


def service_text(settings: RadioSettings) -> str:
    """What is promised on a bin, in words and figures."""
    rates = [(settings.rate_down_mbps, "down"), (settings.rate_up_mbps, "up")]
    told = [f"RSRP ≥ {settings.need_rsrp_dbm:g} dBm", *(f"{rate:g} Mbit/s {way}" for rate, way in rates if rate)]
    return f"{', '.join(told)} at {settings.frequency_mhz:g} MHz"


def _share_text(settings: RadioSettings) -> str:
    share = settings.length_share
    return "every 10 m" if share == 1.0 else f"{100.0 * share:g} % of the length"


def _worst(
    road: Road, bins: Layer, margin: npt.NDArray[np.float64], counted: npt.NDArray[np.bool_], any_site_down: bool
) -> Worst:
    if not counted.any():
        return Worst("no bin counts", None, None, None, "dB")
    ranked = np.where(counted, np.where(np.isnan(margin), -np.inf, margin), np.inf)
    row = int(np.argmin(ranked))
    arrow = ARROWS[bins["carriageway"][row]]
    place = f"{road.span_text(bins['start_m'][row], bins['end_m'][row])} {arrow}"
    if not np.isfinite(margin[row]):
        why = "site in reach" if np.isnan(margin[row]) else "site can carry the rate"
        return Worst(f"{place}: no{' second' if any_site_down else ''} {why}", None, None, None, "dBm")
    best = bins["margin_db"][row]
    level = bins["rsrp_dbm"][row] - (best - margin[row])
    return Worst(place, _round(level), _round(level - margin[row]), _round(margin[row]), "dBm")


def _round(value: float) -> float:
    return round(float(value), 4)


def _failures(road: Road, layers: Mapping[str, Layer], fails: npt.NDArray[np.bool_], claim_id: str) -> Sequence[str]:
    bins, told = layers["bins"].take(fails), layers["unserved"].where(claim=claim_id)
    sentences = []
    for carriageway in road.carriageways:
        reasons = told.where(carriageway=carriageway)
        for extent in extents_of(bins.where(carriageway=carriageway)):
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
        scope=Scope("cost of sites with their ways to mains and cable, among the candidates offered", road.length_m),
        method={**siting, "estimate_because": reasons},
        assumptions=tuple(
            Assumption(
                f"price {name}", float(price.amount_minor), f"minor units per {price.unit}", False, _range(price)
            )
            for name, price in settings.prices
            if price.assumed
        )
        + _ways(road, layers["candidates"], settings),
        worst=Worst("", float(cost), round(bound, 2), round(bound - cost * (1.0 - limit), 2), "minor units"),
        holds=verdict(too_wide, reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("candidates", "sites", "siting_rows")),
        failures=(told,) if too_wide else (),
    )


def _ways(road: Road, candidates: Layer, settings: RadioSettings) -> tuple[Assumption, ...]:
    """Where sites are taken to get their power from, and how far that is at most."""
    new = candidates.where(kind="new")
    longest_m = float(new["power_m"].max()) if len(new) else 0.0
    told = "mains are where the map has distribution lines, substations, poles, settlements or service areas"
    if not len(road.power):
        told = f"the map shows no mains: radio.power_assumed_m = {settings.power_assumed_m:g}"
    longest = Assumption("radio.power_way", longest_m, "m at most to a new mast, straight", False, told)
    existing = Assumption("radio.power_existing", 0.0, "m", False, "existing masts have mains power")
    return (longest, *((existing,) if len(new) < len(candidates) else ()))


def _range(price: Price) -> str:
    return f"{price.low_minor}–{price.high_minor} minor units; {price.source}"
