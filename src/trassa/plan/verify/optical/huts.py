"""Where the huts stand and what they cost, and which of them are points of presence, asked of the road again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyproj

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Plant
from trassa.plan.verify.optical.drops import drop_route_m
from trassa.plan.verify.optical.light_equipment import light_minor
from trassa.plan.verify.optical.line import Network
from trassa.plan.verify.optical.plant_rows import road_runs
from trassa.plan.verify.optical.stated_rows import AT_M
from trassa.plan.verify.verdict import Row

__all__ = ["check_huts", "check_places"]

_END_M = 1.0
_BUILT_END_M = 500.0
_DROP_M = 0.5
_KM = 1e-6
_BESIDE_M = 1.0
_WGS84 = pyproj.Geod(ellps="WGS84")


def check_places(evidence: Evidence, plant: Plant, network: Network) -> Row:
    """The row ``optical.places``: points of presence at the road's ends only; everything with own fibres on two links,
    its drop as long as the way to it."""
    wrong, rules = [], evidence.settings.optical
    ends = _road_ends(evidence, plant)
    wrong += [
        f"{hut} is no end of the road, yet a point of presence"
        for hut in sorted(network.presences)
        if not any(abs(network.huts[hut] - end_m) <= AT_M for end_m in ends)
    ]
    links = {site: [link for link in network.links if link.site == site] for site in {k.site for k in network.links}}
    rows_of = {str(row["connection"]): row for row in evidence.layers["connections"].rows()}
    wrong += [
        f"{site} has {len(mine)} links, not one to each of two huts"
        for site, mine in sorted(links.items())
        if len(mine) != 2 or len({link.hut for link in mine}) != 2
    ]
    for link in evidence.layers["links"].rows():
        row, cable = rows_of.get(str(link["site"])), plant.at(str(link["cable"]), float(link["measure_m"]))
        if row is None or cable is None:
            wrong.append(f"link {link['link']} belongs to no connection or no cable")
            continue
        drop_m = drop_route_m(cable, row, float(link["measure_m"]), rules)
        if not abs(drop_m - float(link["drop_m"])) <= _DROP_M:
            wrong.append(f"drop of {link['link']} stated {link['drop_m']:.1f} m, found {drop_m:.1f} m")
    told = f"{len(links)} connections on two links each, {len(network.presences)} points of presence"
    return Row("optical.places", "", None, "", not wrong, None, "; ".join(wrong[:3]) or told)


def check_huts(evidence: Evidence, plant: Plant) -> Row:
    """The row ``optical.huts``: order, names, labels, sides, power, cost and place in space of every hut."""
    rows, wrong = list(evidence.layers["huts"].rows()), []
    at_m = [float(row["measure_m"]) for row in rows]
    names = [str(row["hut"]) for row in rows if str(row.get("origin", "planned")) == "planned"]
    numbers = [int(name.removeprefix("H-")) for name in names if name.removeprefix("H-").isdecimal()]
    if len(numbers) < len(names) or numbers != sorted(set(numbers)) or at_m != sorted(set(at_m)):
        wrong.append("huts are not numbered in order of measure")
    for row in rows:
        wrong += [f"{row['hut']} {fault}" for fault in _hut_off(evidence, plant, row)]
    for cable in plant.cables:
        for end_m in (cable.start_m, cable.end_m):
            if not any(abs(m - end_m) <= AT_M for m in at_m):
                wrong.append(f"{cable.name} ends at {evidence.place(end_m)} without a hut")
    said = "; ".join(wrong[:3]) or f"{len(rows)} huts, each where its power is"
    return Row("optical.huts", "", None, "", not wrong, None, said)


def _road_ends(evidence: Evidence, plant: Plant) -> list[float]:
    """Ends of cables that are ends of the road, measures: no hole lies between."""
    length_m, runs = float(evidence.proof.road["length_m"]), road_runs(evidence)
    first = max((end_m for start_m, end_m in runs if start_m <= _END_M), default=0.0)
    last = min((start_m for start_m, end_m in runs if end_m >= length_m - _END_M), default=length_m)
    ends = {cable.start_m for cable in plant.cables if cable.start_m < first}
    ends |= {cable.end_m for cable in plant.cables if cable.end_m > last}
    return sorted(end_m for end_m in ends if _is_road_end(evidence, end_m, length_m))


def _is_road_end(evidence: Evidence, measure_m: float, length_m: float) -> bool:
    """Whether nothing but a bridge or tunnel lies between a cable's end and the end of the road; a hut that is built
    may stand a little way before it."""
    built = [m for m, power in _columns(evidence, "measure_m", "power") if power == "built"]
    near_m = _BUILT_END_M if any(abs(m - measure_m) <= AT_M for m in built) else _END_M
    if measure_m <= near_m or measure_m >= length_m - near_m:
        return True
    rows = evidence.layers["structures"]
    solid = rows.take(rows["kind"] != "hole")
    at_start = (solid["start_m"] <= _END_M) & (np.abs(solid["end_m"] - measure_m) <= _END_M)
    at_end = (solid["end_m"] >= length_m - _END_M) & (np.abs(solid["start_m"] - measure_m) <= _END_M)
    return bool((at_start | at_end).any())


def _columns(evidence: Evidence, first: str, second: str) -> list[tuple[Any, Any]]:
    huts = evidence.layers["huts"]
    return list(zip(huts[first].tolist(), huts[second].tolist(), strict=True))


def _hut_off(evidence: Evidence, plant: Plant, row: Mapping[str, Any]) -> Iterator[str]:
    at_m, power = float(row["measure_m"]), str(row["power"])
    cable = next((one for one in plant.cables if plant.at(one.name, at_m) is one), None)
    if cable is None or row["carriageway"] != cable.carriageway:
        yield f"stands on the {row['carriageway'] or 'no'} side at {evidence.place(at_m)}, not at the first cable"
        return
    if not abs(float(row["km"]) - float(evidence.calibration.km(at_m))) <= _KM:
        yield f"has the label {row['km']:.3f} at {evidence.place(at_m)}"
    is_end = any(abs(at_m - end_m) <= AT_M for end_m in _road_ends(evidence, plant))
    if row["role"] != ("point_of_presence" if is_end else "aggregation"):
        yield f"is stated {row['role'] or 'nothing'} at {evidence.place(at_m)}"
    due_minor = _cost_minor(evidence, power) + light_minor(evidence, str(row["hut"]))
    if row["cost_minor"] != due_minor:
        yield f"costs {row['cost_minor']} minor units, by the prices {due_minor}"
    yield from _power_off(evidence, plant, row)
    yield from _place_off(evidence, row)


def _cost_minor(evidence: Evidence, power: str) -> int:
    """House, mains, and a way in from each trench; what lights it comes on top."""
    rules, prices = evidence.settings.optical, evidence.settings.optical.prices
    mains = {"place": prices.power_at_place.amount_minor, "new": prices.power_new.amount_minor}
    trenches = 2 if rules.cables == 2 and rules.second_cable == "other_side" else 1
    entries = round(rules.hut_entry_m * prices.hut_entry.amount_minor * trenches)
    crossings = (trenches - 1) * prices.crossing.amount_minor
    return prices.hut.amount_minor + mains.get(power, 0) + entries + crossings


def _power_off(evidence: Evidence, plant: Plant, row: Mapping[str, Any]) -> Iterator[str]:
    """A hut at a powered place bears its name and stands as near to it as bridges let it; an end may be farther off."""
    rules, at_m, power = evidence.settings.optical, float(row["measure_m"]), str(row["power"])
    if power not in ("place", "new", "built") or (power == "built" and not rules.as_built):
        yield f"has power of the kind {power!r}"
        return
    if power != "place":
        if row["name"]:
            yield f"is called {row['name']!r}, yet stands at no powered place"
        return
    places = evidence.layers["places"]
    offset_m = np.nan_to_num(np.abs(places["offset_m"]), nan=0.0)
    near = places.take(places["powered"] & (offset_m <= rules.place_offset_m) & (places["name"] == row["name"]))
    is_end = any(abs(at_m - end_m) <= AT_M for cable in plant.cables for end_m in (cable.start_m, cable.end_m))
    reach_m = [abs(float(m) - at_m) for m in near["measure_m"]]
    moved = [_over_structure(evidence, float(m), at_m) for m in near["measure_m"]]
    if not any(m <= (rules.place_offset_m if is_end else AT_M) or off for m, off in zip(reach_m, moved, strict=True)):
        yield f"takes mains from {row['name'] or 'a place without a name'}, which has none at {evidence.place(at_m)}"


def _over_structure(evidence: Evidence, place_m: float, hut_m: float) -> bool:
    """Whether a place lies on a bridge or in a tunnel and the hut at one end of it, or of several that overlap."""
    rows = [r for r in evidence.layers["structures"].rows() if r["kind"] in ("bridge", "tunnel")]
    low, high = place_m, place_m
    for _ in rows:
        for row in rows:
            if float(row["start_m"]) <= high and float(row["end_m"]) >= low:
                low, high = min(low, float(row["start_m"])), max(high, float(row["end_m"]))
    return low < high and min(abs(hut_m - low), abs(hut_m - high)) <= AT_M


def _place_off(evidence: Evidence, row: Mapping[str, Any]) -> Iterator[str]:
    """In space a hut lies abreast of its measure, beyond the trench on its side of the road."""
    rules, hut = evidence.settings.optical, (float(row["longitude_deg"]), float(row["latitude_deg"]))
    own = _axis_at(evidence, str(row["carriageway"]), float(row["measure_m"]))
    other = _axis_at(
        evidence, "decreasing" if row["carriageway"] == "increasing" else "increasing", float(row["measure_m"])
    )
    axis = own or other
    if axis is None:
        return
    away_m = float(_WGS84.inv(*axis, *hut)[2]) if all(map(math.isfinite, hut)) else math.inf
    due_m = 0.0 if evidence.schematic else rules.verge_offset_m + rules.hut_entry_m
    place = evidence.place(float(row["measure_m"]))
    apart_m = float(_WGS84.inv(*own, *other)[2]) if own and other else 0.0
    if not abs(away_m - due_m) <= _BESIDE_M:
        yield f"lies {away_m:.1f} m from the carriageway at {place}, {due_m:g} m are due"
    elif other and min(due_m, apart_m) > _BESIDE_M and float(_WGS84.inv(*other, *hut)[2]) < away_m:
        yield "lies on the other side of the road"


def _axis_at(evidence: Evidence, carriageway: str, at_m: float) -> tuple[float, float] | None:
    """Longitude and latitude of a carriageway at a measure; None where it is missing."""
    line = evidence.layers["alignment"].where(carriageway=carriageway)
    if not len(line):
        return None
    line = line.take(np.argsort(line["measure_m"], kind="stable"))
    row = int(np.argmin(np.abs(line["measure_m"] - at_m)))
    if not line["present"][row] and not evidence.schematic:
        return None
    lon, lat = (float(np.interp(at_m, line["measure_m"], line[name])) for name in ("longitude_deg", "latitude_deg"))
    return (lon, lat) if math.isfinite(lon + lat) else None
