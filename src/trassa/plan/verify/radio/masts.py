"""Masts against the map: all that stand within reach are there, where the map has them, and usable as tagged."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.polyline import Lines
from trassa.plan.verify.verdict import Row
from trassa.road.osm import OsmFeature, RoadObjects

__all__ = ["check_masts"]

_SAME_DEG = 2e-6
_OFFSET_M = 15.0
"""Two ways to the distance from a road's axis, which the plan draws anew every 10 m."""
_PUBLIC = frozenset({"mobile_phone", "gsm", "umts", "lte", "5g"})
_BROADCAST = frozenset({"television", "radio"})
_HEIGHT = re.compile(r"\s*(\d+)(?:[.,](\d+))?\s*(ft|')?")
_FOOT_M = 0.3048


def check_masts(evidence: Evidence, raw: RoadObjects) -> Row:
    """Every mast of the plan is an object of the map as it is tagged there, and none within reach is left out."""
    masts, wrong = evidence.layers["masts"], []
    away_m = _away_m(evidence, raw)
    told = {str(mast["osm_id"]): mast for mast in masts.rows()}
    reach_m = evidence.settings.road.mast_search_m
    if len(told) < len(masts):
        wrong.append("one mast is listed twice")
    wrong += [
        f"mast {name}, {away_m[name]:.0f} m from the road, is left out"
        for name in sorted(away_m.keys() - told.keys())
        if away_m[name] <= reach_m - _OFFSET_M
    ]
    for name, mast in told.items():
        if name not in away_m:
            wrong.append(f"mast {name} is not in the map")
        else:
            wrong += [f"mast {name} {said}" for said in _otherwise(mast, raw.features[name], away_m[name])]
    said = "; ".join(wrong[:3]) or f"{len(masts)} masts where the map has them, none within {reach_m:g} m left out"
    return Row("road.masts", "", None, "", not wrong, None, said)


def _away_m(evidence: Evidence, raw: RoadObjects) -> dict[str, float]:
    """How far from the axis every structure stands that carries antennas, by its id."""
    found = {name: one for name, one in raw.features.items() if _kind(one.tags)}
    line = evidence.layers["alignment"].where(carriageway=str(evidence.proof.road["reference"]))
    line = line.take(np.argsort(line["measure_m"], kind="stable"))
    axis = Lines([(line["latitude_deg"], line["longitude_deg"])])
    lat, lon = (np.array([getattr(one, name) for one in found.values()]) for name in ("latitude_deg", "longitude_deg"))
    away_m = axis.feet(lat, lon).distance_m if found else np.zeros(0)
    return dict(zip(found, away_m.tolist(), strict=True))


def _otherwise(mast: Mapping[str, object], feature: OsmFeature, away_m: float) -> list[str]:
    """What a mast of the plan has otherwise than the map."""
    kind, wrong = _kind(feature.tags), []
    apart = [float(str(mast[name])) - getattr(feature, name) for name in ("latitude_deg", "longitude_deg")]
    if not math.hypot(*apart) <= _SAME_DEG:
        wrong.append("stands elsewhere in the map")
    if abs(float(str(mast["offset_m"])) - away_m) > _OFFSET_M:
        wrong.append(f"is said to stand {float(str(mast['offset_m'])):.0f} m off, by the map {away_m:.0f} m")
    if mast["kind"] != kind or bool(mast["usable"]) != (kind != "railway"):
        use = "usable" if mast["usable"] else "not usable"
        wrong.append(f"is {mast['kind']} and {use}, by its tags {kind}")
    height_m, told_m = _height_m(feature.tags), float(str(mast["height_m"]))
    if not (abs(height_m - told_m) < 1e-3 or (math.isnan(height_m) and math.isnan(told_m))):
        wrong.append(f"is {told_m:g} m high, by its tags {height_m:g} m")
    return wrong


def _kind(tags: Mapping[str, str]) -> str:
    """What a structure carries by its tags; empty for no antenna. Railways keep their own masts to themselves."""
    used = {key.partition(":")[2].partition(":")[0] for key in tags if key.startswith("communication:")}
    used = {use for use in used if any(_says(tags, key, use) for key in tags)}
    rail = "gsm-r" in used or "gsm-r" in tags.get("railway:radio", "") or tags.get("railway") == "radio"
    kinds = {
        "mobile": bool(used & _PUBLIC),
        "railway": rail,
        "broadcast": bool(used & _BROADCAST),
        "communication": bool(used)
        or "communication" in {tags.get("tower:type"), tags.get("mast:type")}
        or tags.get("man_made") == "communications_tower",
    }
    return next((kind for kind, is_so in kinds.items() if is_so), "")


def _says(tags: Mapping[str, str], key: str, use: str) -> bool:
    return key.split(":")[:2] == ["communication", use] and tags[key] != "no"


def _height_m(tags: Mapping[str, str]) -> float:
    """The tagged height in metres, NaN for none that can be read."""
    read = _HEIGHT.match(tags.get("height", ""))
    if read is None:
        return math.nan
    return float(f"{read[1]}.{read[2] or '0'}") * (_FOOT_M if read[3] else 1.0)
