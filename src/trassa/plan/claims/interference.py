"""The claims that hold beside other cells: the downlink rate on every bin, and what a whole trip meets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trassa.linear import ARROWS, Layer
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, verdict
from trassa.plan.claims.extents import exemptions_of, extents_of
from trassa.provenance import Assumption
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

__all__ = ["rate_claim", "trips_claim"]


def rate_claim(
    road: Road,
    layers: Mapping[str, Layer],
    figures: Mapping[str, Any],
    assumptions: tuple[Assumption, ...],
    settings: RadioSettings,
) -> Claim:
    """``radio.rate.with-interference``: the downlink rate beside the load of all other cells, links drawn jointly."""
    bins, reasons, joint = layers["bins"], estimate_reasons(road), figures["interference"]
    counted = bins["exempt"] == ""
    low = np.minimum(bins["reliability"], bins["down_reliability"]) if settings.any_site_down else bins["reliability"]
    margin_db = bins["sinr_margin_db"]
    if settings.any_site_down:
        margin_db = np.minimum(margin_db, bins["down_sinr_margin_db"])
    fails = counted & ~(low >= settings.reliability)
    lengths = bins["end_m"] - bins["start_m"]
    down = ", also with any one site down" if settings.any_site_down else ""
    return Claim(
        id="radio.rate.with-interference",
        promise=f"{settings.rate_down_mbps:g} Mbit/s down while every other cell sends on "
        f"{100.0 * settings.neighbour_load:g} % of its resource elements, on every 10 m of each carriageway{down}, "
        f"with probability {settings.reliability:g} per bin",
        scope=Scope(
            f"{road.ref}, {road.span_text(0.0, road.length_m)}, carriageways {' and '.join(road.carriageways)}",
            float(lengths[counted].sum()),
            tuple(exemptions_of(road, bins)),
        ),
        method={**figures["propagation"], **joint, "estimate_because": reasons},
        assumptions=(*_drawn(joint), *assumptions),
        worst=_worst(road, bins, margin_db, counted, float(joint["need_sinr_db"])),
        holds=verdict(bool(fails.any()), reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("bins", "cells")),
        failures=tuple(_failures(road, bins, fails, low, settings)),
    )


def _drawn(joint: Mapping[str, Any]) -> list[Assumption]:
    """What the draws take for granted, with its size."""
    return [
        Assumption(
            "radio.hidden_mean", joint["hidden_mean_db"], "dB", True, f"{joint['hidden_source']}; off every link"
        ),
        Assumption("radio.hidden_spread", joint["hidden_spread_db"], "dB", True, "joins the shadowing of every link"),
        Assumption("radio.site_correlation", joint["site_correlation"], "", True, "radio.site_correlation"),
        Assumption("radio.neighbour_load", joint["load"], "", True, "radio.neighbour_load, a mean share of power"),
    ]


def _worst(road: Road, bins: Layer, margin_db: Any, counted: Any, need_db: float) -> Worst:
    if not counted.any():
        return Worst("no bin counts", None, None, None, "dB")
    row = int(np.argmin(np.where(counted, np.nan_to_num(margin_db, nan=-np.inf), np.inf)))
    place = f"{road.span_text(bins['start_m'][row], bins['end_m'][row])} {ARROWS[bins['carriageway'][row]]}"
    if not np.isfinite(margin_db[row]):
        return Worst(f"{place}: no server is left", None, None, None, "dB")
    margin = float(margin_db[row])
    return Worst(place, round(need_db + margin, 4), round(need_db, 4), round(margin, 4), "dB")


def _failures(road: Road, bins: Layer, fails: Any, low: Any, settings: RadioSettings) -> list[str]:
    """One sentence per stretch: how far it is from the promise, and what moves it."""
    levers = "Try: a smaller radio.neighbour_load or rate, more radio.bandwidth_mhz, or radio.shared_cell_heads"
    told = []
    for way in road.carriageways:
        rows = bins.take(fails).where(carriageway=way)
        for extent in extents_of(rows):
            inside = fails & (bins["carriageway"] == way)
            inside &= (bins["start_m"] >= extent.start_m) & (bins["end_m"] <= extent.end_m)
            least = float(np.nan_to_num(low[inside]).min())
            place = f"{road.span_text(extent.start_m, extent.end_m)} {ARROWS[way]}"
            told.append(f"{place}: reached with probability {least:.3f}, promised {settings.reliability:g}. {levers}")
    return told


def trips_claim(
    road: Road,
    layers: Mapping[str, Layer],
    figures: Mapping[str, Any],
    assumptions: tuple[Assumption, ...],
    settings: RadioSettings,
) -> Claim:
    """``radio.trips``: how many trips have a longer outage than promised, by simulation with its interval."""
    reasons, odds = estimate_reasons(road), figures["trips"]
    highs = {way: float(odds[way]["share_high"]) for way in road.carriageways if way in odds}
    high, limit = max(highs.values(), default=1.0), settings.outage_probability
    place = f"{road.ref} {''.join(ARROWS[way] for way, share in highs.items() if share == high)}"
    return Claim(
        id="radio.trips",
        promise=f"at {settings.design_speed_kmh:g} km/h at most {100.0 * limit:g} % of the trips have an outage longer "
        f"than {settings.longest_outage_s:g} s",
        scope=Scope(f"{road.ref}, whole trips on each carriageway, {len(odds)} of them simulated", road.length_m),
        method={**figures["propagation"], "trips": dict(odds), "confidence": 0.95, "estimate_because": reasons},
        assumptions=assumptions,
        worst=Worst(place, round(high, 6), limit, round(limit - high, 6), "of trips"),
        holds=verdict(high > limit, reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("trips", "cells")),
    )
