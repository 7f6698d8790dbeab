"""Places and masts along a road: junctions, service areas, toll points, emergency access points, existing masts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trassa.linear import Layer
from trassa.road.layers import SCHEMAS
from trassa.road.osm import OsmFeature, OsmNode, RoadObjects
from trassa.road.reference import Reference

__all__ = ["mast_kind", "masts_layer", "places_layer"]

Tags = Mapping[str, str]
Row = dict[str, int | float | str | bool]

_GANTRY_M = 60.0
_EMERGENCY_M = 100.0
_PLAZA_M = 400.0
_ON_ROAD = {"motorway_junction": "junction", "toll_gantry": "toll_gantry"}
_NEAR_ROAD = {"services": "service_area", "rest_area": "service_area", "emergency_access_point": "emergency_access"}
_MOBILE = ("mobile_phone", "gsm", "umts", "lte", "5g")
_BROADCAST = ("television", "radio")


@dataclass(frozen=True)
class _Candidate:
    kind: str
    name: str
    latitude_deg: float
    longitude_deg: float
    way_ids: tuple[int, ...] = ()


def places_layer(reference: Reference, objects: RoadObjects, corridor_m: float) -> Layer:
    """The ``places`` layer in order of measure.

    Junctions and gantries belong to the road when they stand on its ways (a gantry also within 60 m); service areas and
    toll booths within ``corridor_m``, emergency access points within 100 m. Booths of one plaza become one place.
    """
    candidates = list(_candidates(objects))
    if not candidates:
        return Layer.empty(SCHEMAS["places"])
    latitude = np.array([c.latitude_deg for c in candidates])
    longitude = np.array([c.longitude_deg for c in candidates])
    feet = reference.line.project(latitude, longitude)
    nearest = _nearest_side(reference, latitude, longitude)
    rows: list[Row] = []
    for i, candidate in enumerate(candidates):
        offset, carriageway = float(abs(feet.offset_m[i])), nearest[i][0]
        carried = [c for c, side in reference.sides.items() if side.way_ids.intersection(candidate.way_ids)]
        if not carried and (feet.beyond[i] or nearest[i][1] > _reach_m(candidate.kind, corridor_m)):
            continue
        side = (carried[0] if len(carried) == 1 else "both") if carried else carriageway
        row: Row = {"measure_m": float(feet.measure_m[i]), "kind": candidate.kind, "name": candidate.name}
        place: Row = {"latitude_deg": candidate.latitude_deg, "longitude_deg": candidate.longitude_deg}
        powered = candidate.kind != "emergency_access"
        rows.append({**row, "carriageway": side, "offset_m": offset, **place, "powered": powered})
    rows.sort(key=lambda row: (row["measure_m"], row["kind"], row["name"]))
    return Layer.from_rows(SCHEMAS["places"], list(_without_repeats(rows)))


def masts_layer(reference: Reference, features: Iterable[OsmFeature], search_m: float) -> Layer:
    """The ``masts`` layer: towers, masts and rooftops that carry antennas, up to ``search_m`` off the road."""
    found = [(feature, kind) for feature in features if (kind := mast_kind(feature.tags))]
    if not found:
        return Layer.empty(SCHEMAS["masts"])
    feet = reference.line.project([f.latitude_deg for f, _ in found], [f.longitude_deg for f, _ in found])
    rows: list[Row] = []
    for (feature, kind), measure, offset in zip(
        found, feet.measure_m.tolist(), np.abs(feet.offset_m).tolist(), strict=True
    ):
        if offset <= search_m:
            rows.append(
                {
                    "measure_m": measure,
                    "offset_m": offset,
                    "name": feature.tags.get("name", feature.osm_id),
                    "kind": kind,
                    "usable": kind != "railway",
                    "latitude_deg": feature.latitude_deg,
                    "longitude_deg": feature.longitude_deg,
                    "height_m": _metres(feature.tags.get("height", "")),
                    "osm_id": feature.osm_id,
                }
            )
    rows.sort(key=lambda row: (row["measure_m"], row["osm_id"]))
    return Layer.from_rows(SCHEMAS["masts"], rows)


def mast_kind(tags: Tags) -> str:
    """``mobile``, ``communication``, ``railway`` or ``broadcast``; empty for a tower that carries no antenna.

    A structure counts when it is typed as communication, or when only its use is tagged (a town hall with
    ``communication:mobile_phone=yes``).
    """
    uses = {key.split(":")[1] for key, value in tags.items() if key.startswith("communication:") and value != "no"}
    if "gsm-r" in uses or "gsm-r" in tags.get("railway:radio", "") or tags.get("railway") == "radio":
        return "mobile" if uses.intersection(_MOBILE) else "railway"
    if uses.intersection(_MOBILE):
        return "mobile"
    if uses.intersection(_BROADCAST):
        return "broadcast"
    typed = "communication" in (tags.get("tower:type"), tags.get("mast:type"))
    return "communication" if typed or uses or tags.get("man_made") == "communications_tower" else ""


def _candidates(objects: RoadObjects) -> Iterator[_Candidate]:
    points: list[OsmNode | OsmFeature] = [*objects.nodes.values(), *objects.features.values()]
    booths: list[OsmNode | OsmFeature] = []
    for point in points:
        highway = point.tags.get("highway", "")
        ways = tuple(point.way_ids) if isinstance(point, OsmNode) else ()
        if point.tags.get("barrier") == "toll_booth":
            booths.append(point)
        elif kind := _ON_ROAD.get(highway) or _NEAR_ROAD.get(highway):
            yield _Candidate(kind, _name(point.tags), point.latitude_deg, point.longitude_deg, ways)
    yield from _plazas(booths)


def _plazas(booths: Sequence[OsmNode | OsmFeature]) -> Iterator[_Candidate]:
    """Booths within 400 m of one another as one plaza in their middle, named by the first name among them."""
    left = sorted(booths, key=lambda b: (b.latitude_deg, b.longitude_deg))
    while left:
        seed = left[0]
        cosine = float(np.cos(np.radians(seed.latitude_deg)))
        together = [
            b
            for b in left
            if np.hypot(b.latitude_deg - seed.latitude_deg, (b.longitude_deg - seed.longitude_deg) * cosine)
            < _PLAZA_M / 111_000.0
        ]
        left = [b for b in left if b not in together]
        name = next((n for b in together if (n := _name(b.tags))), "")
        middle = np.mean([(b.latitude_deg, b.longitude_deg) for b in together], axis=0)
        ways = tuple(w for b in together if isinstance(b, OsmNode) for w in b.way_ids)
        yield _Candidate("toll_plaza", name, float(middle[0]), float(middle[1]), ways)


def _reach_m(kind: str, corridor_m: float) -> float:
    return {"junction": 0.0, "toll_gantry": _GANTRY_M, "emergency_access": _EMERGENCY_M}.get(kind, corridor_m)


def _nearest_side(reference: Reference, latitude: object, longitude: object) -> list[tuple[str, float]]:
    """The nearest carriageway of each point and the distance to it in metres."""
    names = list(reference.sides)
    distance = np.array(
        [np.abs(reference.sides[name].line.project(latitude, longitude).offset_m) for name in names]  # type: ignore[arg-type]
    )
    best = distance.argmin(axis=0)
    return [(names[b], float(distance[b, i])) for i, b in enumerate(best.tolist())]


def _without_repeats(rows: Sequence[Row]) -> Iterator[Row]:
    """A place mapped both as node and as area appears once."""
    kept: list[Row] = []
    for row in rows:
        same = ("kind", "name", "carriageway")
        again = any(
            all(row[key] == other[key] for key in same) and float(row["measure_m"]) - float(other["measure_m"]) < 300.0
            for other in kept[-8:]
        )
        if not again:
            kept.append(row)
            yield row


def _name(tags: Tags) -> str:
    return " ".join(part for part in (tags.get("ref", ""), tags.get("name", "")) if part)


def _metres(text: str) -> float:
    match = re.match(r"\s*(\d+(?:[.,]\d+)?)\s*(m|ft|')?", text)
    if not match:
        return float("nan")
    return float(match[1].replace(",", ".")) * (0.3048 if match[2] in ("ft", "'") else 1.0)
