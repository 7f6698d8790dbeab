"""The optical figures of the proof against the layers: counts, totals, worst cases, and the cables' availability."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Cable, Plant

__all__ = ["figures_off"]

_SUM_M = 5.0
_SMALL = 0.02
_HOURS = 8760.0
_RATIO = 1e-6
"""Relative difference of two unavailabilities that are the same but for rounding and the route's last metre."""


def figures_off(evidence: Evidence, plant: Plant) -> Iterator[str]:
    """Counts, totals and worst cases of the optical figures against the layers."""
    layers, told = evidence.layers, evidence.proof.figures.get("optical", {})
    due: dict[str, Any] = {
        name: len(layers[name]) for name in ("chambers", "closures", "reels", "huts", "spans", "links")
    }
    sheath_m = sum(cable.sheath_m(cable.end_m) for cable in plant.cables)
    cuts, losses, connections = layers["cuts"], layers["hut_losses"], layers["connections"]
    due |= {
        "cable_route_m": float(sum(cable.route_m(cable.end_m) for cable in plant.cables)),
        "cable_sheath_m": float(sheath_m),
        "cable_fibre_m": float(sheath_m / evidence.settings.optical.helix_ratio),
        "drop_route_m": float(np.nansum(connections["drop_m"])),
        "huts_with_new_power": int((layers["huts"]["power"] == "new").sum()),
        "cut_intervals": len(cuts),
        "unconnected": connections["connection"][connections["access"] == ""].tolist(),
        "stranded_by_worst_cut": int(cuts["stranded"].max(initial=0)),
        "pairs_of_stranded_and_cut": int(cuts["stranded"].sum()),
        "stranded_by_worst_hut": int(losses["stranded"].max(initial=0)),
        "worst_span_margin_db": _least(layers["spans"]["margin_db"]),
        "worst_link_margin_db": _least(layers["links"]["margin_db"]),
        "worst_margin_after_cut_db": _least(cuts["worst_margin_db"]),
        "worst_latency_after_cut_us": _most(cuts["worst_latency_us"]),
        "worst_latency_after_hut_loss_us": _most(losses["worst_latency_us"]),
        "latency_promise_us": evidence.settings.optical.latency_promise_us,
        **_used(evidence),
    }
    yield from _availability_off(evidence, plant, told.get("availability", {}))
    for name, found in due.items():
        stated = told.get(name)
        if name == "unconnected":
            same = sorted(stated or []) == sorted(found)
        elif isinstance(found, float) and isinstance(stated, float | int):
            same = abs(stated - found) <= (_SUM_M if name.endswith("_m") else _SMALL)
        else:
            same = stated == found
        if not same:
            yield f"figures state {name} {stated}, found {found}"


def _least(values: Any) -> float | None:
    return float(np.nanmin(values)) if np.isfinite(values).any() else None


def _most(values: Any) -> float | None:
    return float(np.nanmax(values)) if np.isfinite(values).any() else None


def _used(evidence: Evidence) -> dict[str, Any]:
    """The most fibres that any span has in use, and how many it should have with room to grow."""
    rows = evidence.layers["fibres"].rows()
    used = max(Counter((row["cable"], row["span"]) for row in rows if row["use"] != "spare").values(), default=0)
    quiet = evidence.layers["service_ways"].where(lost="nothing")
    return {
        "fibres_in_use": used,
        "fibres_with_growth": math.ceil(used * (1.0 + evidence.settings.optical.growth_ratio)),
        "worst_latency_us": _most(quiet["worst_latency_us"]),
        "stranded_by_nothing": int(quiet["stranded"].sum()),
    }


def _availability_off(evidence: Evidence, plant: Plant, told: Mapping[str, Any]) -> Iterator[str]:
    """The least available connection is the layer's; a line's cable is down as often as its length and its cut
    intervals say."""
    rows = evidence.layers["availability"]
    least = float(np.min(rows["availability"])) if len(rows) else None
    stated = told.get("worst_availability")
    if (stated is None) != (least is None) or abs((stated or 0.0) - (least or 0.0)) > 1e-12:
        yield f"figures state a worst availability of {stated}, found {least}"
    hut_m = dict(zip(evidence.layers["huts"]["hut"], evidence.layers["huts"]["measure_m"], strict=True))
    for line in told.get("lines", []):
        start_m = float(hut_m.get(line.get("from"), math.nan))
        cable = next((one for one in plant.cables if abs(one.start_m - start_m) <= 1.0), None)
        for name, due in (_unavailable(evidence, cable) if cable else {"from": 0.0}).items():
            found = line.get(name)
            if not isinstance(found, float) or abs(found - due) > _RATIO * due:
                yield f"figures state {name} {found} from {line.get('from')}, found {due:.6g}"


def _unavailable(evidence: Evidence, cable: Cable) -> dict[str, float]:
    """Share of the time that one cable is cut somewhere, by the forms that need nothing else."""
    rates = evidence.settings.optical.availability

    def load(start_m: float, end_m: float) -> float:
        route_m = cable.route_m(end_m) - cable.route_m(start_m)
        return route_m / 1e6 * rates.cuts_per_1000_km_year * rates.cut_repair_h / _HOURS

    whole = load(cable.start_m, cable.end_m)
    cuts = [row for row in evidence.layers["cuts"].rows() if cable.name in str(row["cables"]).split(",")]
    each = [load(float(row["start_m"]), float(row["end_m"])) for row in cuts]
    return {
        "one_cable_as_unit_linear": whole,
        "one_cable_as_unit_renewal": whole / (1.0 + whole),
        "one_cable_as_series_of_intervals": 1.0 - math.prod(1.0 / (1.0 + one) for one in each),
    }
