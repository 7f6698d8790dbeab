"""The claim about tunnels: every bin of every bore, and of the overlap at its portals, is served from within."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import ARROWS, Layer
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, hole_exemptions, verdict
from trassa.plan.claims.extents import extents_of
from trassa.provenance import Assumption
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

__all__ = ["tunnel_claim"]


def tunnel_claim(road: Road, layers: Mapping[str, Layer], figures: Mapping[str, Any], settings: RadioSettings) -> Claim:
    """``radio.tunnels``: what the masts' claims leave out as exempt, served by head-ends in the tunnels."""
    bins, reasons = layers["tunnel_bins"], estimate_reasons(road)
    margin_db = bins["second_margin_db" if settings.any_site_down else "margin_db"]
    fails = ~(margin_db >= 0.0)
    lengths = bins["end_m"] - bins["start_m"]
    inside_m = float(lengths[bins["inside"]].sum())
    rates = [(settings.rate_down_mbps, "down"), (settings.rate_up_mbps, "up")]
    asked = [f"RSRP ≥ {settings.need_rsrp_dbm:g} dBm", *(f"{rate:g} Mbit/s {way}" for rate, way in rates if rate)]
    down = ", also with any one head-end down" if settings.any_site_down else ""
    return Claim(
        id="radio.tunnels",
        promise=f"{', '.join(asked)} at {settings.frequency_mhz:g} MHz on every 10 m of each bore and "
        f"{figures['tunnels']['method']['portal_overlap_m']:g} m beyond its portals{down}, "
        f"with probability {settings.reliability:g} per bin",
        scope=Scope(
            f"{road.ref}, bins of carriageways that a tunnel of {settings.tunnel.shortest_m:g} m or more touches, "
            f"{inside_m:.0f} m, and the overlap at portals, where radio.served speaks too",
            float(lengths.sum()),
            tuple(hole_exemptions(road)),
        ),
        method={**figures["tunnels"]["method"], "heads": len(layers["tunnel_heads"]), "estimate_because": reasons},
        assumptions=tuple(Assumption(**one) for one in figures["tunnels"]["assumptions"]),
        worst=_worst(road, bins, margin_db),
        holds=verdict(bool(fails.any()), reasons),
        evidence=tuple(
            Evidence(name, layers[name].digest()) for name in ("tunnel_heads", "tunnel_cables", "tunnel_bins")
        ),
        failures=tuple(
            f"{road.span_text(extent.start_m, extent.end_m)} {ARROWS[way]}: not served by the tunnel's radio. Try: "
            "another radio.tunnel.cable, more radio.tunnel.power_dbm, a lower rate, or any_site_down = false"
            for way in road.carriageways
            for extent in extents_of(bins.take(fails).where(carriageway=way))
        ),
    )


def _worst(road: Road, bins: Layer, margin_db: npt.NDArray[np.float64]) -> Worst:
    if not len(bins):
        return Worst("the road has no tunnel", None, None, None, "dBm")
    row = int(np.argmin(np.nan_to_num(margin_db, nan=-np.inf)))
    arrow = ARROWS[bins["carriageway"][row]]
    place = f"{road.span_text(bins['start_m'][row], bins['end_m'][row])} {arrow}"
    if not np.isfinite(margin_db[row]):
        return Worst(f"{place}: too few head-ends", None, None, None, "dBm")
    level_dbm = float(bins["rsrp_dbm"][row] - (bins["margin_db"][row] - margin_db[row]))
    margin = float(margin_db[row])
    return Worst(place, round(level_dbm, 4), round(level_dbm - margin, 4), round(margin, 4), "dBm")
