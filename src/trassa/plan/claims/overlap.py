"""The claim that servers overlap long enough for a handover at the design speed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import ARROWS, Layer
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, verdict
from trassa.plan.claims.extents import exemptions_of, extents_of
from trassa.provenance import Assumption
from trassa.radio.settings import RadioSettings
from trassa.road.alignment import STEP_M
from trassa.road.model import Road

__all__ = ["overlap_claim"]

BoolArray = npt.NDArray[np.bool_]


def overlap_claim(
    road: Road,
    layers: Mapping[str, Layer],
    figures: Mapping[str, Any],
    assumptions: tuple[Assumption, ...],
    settings: RadioSettings,
) -> Claim:
    """``radio.handover.overlap``: wherever a handover begins, one server holds until it has ended."""
    bins, reasons = layers["bins"], estimate_reasons(road)
    margin_db = bins["second_overlap_margin_db" if settings.any_site_down else "overlap_margin_db"]
    begins = _beginnings(bins, settings.overlap_m)
    fails = begins & ~(margin_db >= 0.0)
    lengths = bins["end_m"] - bins["start_m"]
    down = ", also with any one site down" if settings.any_site_down else ""
    return Claim(
        id="radio.handover.overlap",
        promise=f"at {settings.design_speed_kmh:g} km/h one server holds for the "
        f"{settings.handover.decision_s:g} s of a handover, wherever it begins{down}",
        scope=Scope(
            f"{road.ref}, windows of {settings.overlap_m:.1f} m and the bins they touch, from every counted bin",
            float(lengths[begins].sum()),
            tuple(exemptions_of(road, bins)),
        ),
        method={**figures["propagation"], "overlap_m": round(settings.overlap_m, 3), "estimate_because": reasons},
        assumptions=assumptions,
        worst=_worst(road, bins, margin_db, begins),
        holds=verdict(bool(fails.any()), reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("bins", "sites")),
        failures=tuple(
            f"{road.span_text(extent.start_m, extent.end_m)} {ARROWS[way]}: too few servers hold it"
            for way in road.carriageways
            for extent in extents_of(bins.take(fails).where(carriageway=way))
        ),
    )


def _beginnings(bins: Layer, overlap_m: float) -> BoolArray:
    """The bins at which a window begins: all of a run of counted bins but the last few, in a short run the first."""
    wide = math.ceil(overlap_m / STEP_M) + 1
    begins = np.zeros(len(bins), dtype=bool)
    counted = np.flatnonzero(bins["exempt"] == "")
    joined = (bins["end_m"][counted[:-1]] == bins["start_m"][counted[1:]]) & (np.diff(counted) == 1)
    joined &= bins["carriageway"][counted[:-1]] == bins["carriageway"][counted[1:]]
    for run in np.split(counted, np.flatnonzero(~joined) + 1):
        begins[run[: max(1, len(run) - wide + 1)]] = True
    return begins


def _worst(
    road: Road,
    bins: Layer,
    margin_db: npt.NDArray[np.float64],
    begins: BoolArray,
) -> Worst:
    if not begins.any():
        return Worst("no handover begins", None, None, None, "dB")
    row = int(np.argmin(np.where(begins, np.nan_to_num(margin_db, nan=-np.inf), np.inf)))
    place = f"{road.span_text(bins['start_m'][row], bins['end_m'][row])} {ARROWS[bins['carriageway'][row]]}"
    if not np.isfinite(margin_db[row]):
        return Worst(f"{place}: no server holds so long", None, None, None, "dB")
    return Worst(place, round(float(margin_db[row]), 4), 0.0, round(float(margin_db[row]), 4), "dB")
