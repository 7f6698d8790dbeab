"""What the ways of a road say about it: lanes, speed limits, equipment, bridges, tunnels and holes.

A speed limit is not a number: it may be absent by rule (``none``), shown by signs (``signals``), conditional, given
by class of vehicle, or simply not mapped. Toll is never derived: motorway tolls are mostly implied and not tagged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import numpy as np

from trassa.linear import Carriageway, Extent, Layer
from trassa.road.chains import Piece
from trassa.road.findings import Note
from trassa.road.layers import SCHEMAS
from trassa.road.reference import Reference

__all__ = ["CrossSection", "cross_section_of", "cross_sections_layer", "speed_limit_of", "structures_layer"]

Tags = Mapping[str, str]
T = TypeVar("T")

_MPH_KMH = 1.609344
_SLIVER_M = 0.5
_YES = {"yes", "24/7", "automatic", "sunset-sunrise", "dusk-dawn", "interval"}
_NO = {"no", "disused"}


class CrossSection(NamedTuple):
    """Lanes, speed limit and equipment of one carriageway; 0, NaN, empty or ``unknown`` where the map is silent."""

    lanes: int
    speed_limit_kmh: float
    speed_limit_kind: str
    speed_limit_conditional: str
    lit: str
    toll: str


def cross_section_of(tags: Tags, two_way: bool = False, forward: bool = True) -> CrossSection:
    """Read the tags of a way; a way that serves both senses has its lanes and limits shared between them."""
    sense = ("forward" if forward else "backward") if two_way else ""
    limit, kind = speed_limit_of(tags, sense)
    conditional = "; ".join(
        f"{key}={tags[key]}" for key in sorted(tags) if key.startswith("maxspeed") and key.endswith("conditional")
    )
    return CrossSection(
        _lanes(tags, sense), limit, kind, conditional, _yes_or_no(tags.get("lit")), _yes_or_no(tags.get("toll"))
    )


def speed_limit_of(tags: Tags, sense: str = "") -> tuple[float, str]:
    """The limit in km/h and its kind: ``fixed``, ``none``, ``signals`` or ``unknown``; NaN unless fixed."""
    text = tags.get(f"maxspeed:{sense}", tags.get("maxspeed", "")).strip().lower()
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(mph|km/?h|kmh|)", text)
    if number:
        return float(number[1]) * (_MPH_KMH if number[2] == "mph" else 1.0), "fixed"
    if text in ("none", "unlimited", "de:motorway"):
        return float("nan"), "none"
    if text in ("signals", "variable") or (not text and tags.get("maxspeed:variable", "no") != "no"):
        return float("nan"), "signals"
    return float("nan"), "unknown"


def cross_sections_layer(reference: Reference) -> tuple[Layer, list[Note]]:
    """The ``cross_sections`` layer, equal neighbours merged, and a finding on limits that are not known."""
    rows: list[dict[str, int | float | str | bool]] = []
    unknown_m: dict[str, float] = {}
    for carriageway, side in reference.sides.items():
        read = [
            cross_section_of(span.piece.way.tags, span.piece.two_way, _runs_forward(span.piece)) for span in side.spans
        ]
        for extent, section in _merged(_extents(reference, carriageway), read):
            rows.append({**_place(extent, carriageway), **section._asdict()})
            if section.speed_limit_kind in ("signals", "unknown"):
                kind = section.speed_limit_kind
                unknown_m[kind] = unknown_m.get(kind, 0.0) + extent.length_m
    rows.sort(key=lambda row: (row["carriageway"] != "increasing", row["start_m"]))
    said = {
        "signals": "have a speed limit shown by signs: unknown until a sign is read",
        "unknown": "have no mapped speed limit",
    }
    notes = [
        Note("speed_limit", f"{length / 1000:.1f} km of carriageway {said[kind]}")
        for kind, length in sorted(unknown_m.items())
        if length >= 50.0
    ]
    return Layer.from_rows(SCHEMAS["cross_sections"], rows), notes


def structures_layer(reference: Reference) -> Layer:
    """The ``structures`` layer: bridges and tunnels as tagged, holes as the geometry has them."""
    rows: list[dict[str, int | float | str | bool]] = []
    for carriageway, side in reference.sides.items():
        kinds = [_structure(span.piece.way.tags) for span in side.spans]
        for extent, (kind, name) in _merged(_extents(reference, carriageway), kinds):
            if kind:
                rows.append({**_place(extent, carriageway), "kind": kind, "name": name})
        holes = reference.holes(carriageway)
        rows += [{**_place(hole, carriageway), "kind": "hole", "name": ""} for hole in holes]
    rows.sort(key=lambda row: (row["carriageway"] != "increasing", row["start_m"]))
    return Layer.from_rows(SCHEMAS["structures"], rows)


def _extents(reference: Reference, carriageway: Carriageway) -> list[tuple[float, float]]:
    spans = reference.sides[carriageway].spans
    ends = np.array([(span.start_m, span.end_m) for span in spans]).ravel()
    measure = np.sort(reference.measure_m(carriageway, ends).reshape(-1, 2), axis=1)
    return [(float(a), float(b)) for a, b in measure]


def _merged(extents: list[tuple[float, float]], values: list[T]) -> list[tuple[Extent, T]]:
    """Extents in order of measure, touching ones of equal value joined, slivers left out."""
    found: list[tuple[float, float, T]] = []
    for (start, end), value in sorted(zip(extents, values, strict=True), key=lambda row: row[0]):
        if found and abs(found[-1][1] - start) < _SLIVER_M and _equal(found[-1][2], value):
            found[-1] = (found[-1][0], max(end, found[-1][1]), value)
        elif end - start >= _SLIVER_M:
            found.append((start, end, value))
    return [(Extent(start, end), value) for start, end, value in found]


def _equal(first: object, second: object) -> bool:
    return repr(first) == repr(second)


def _place(extent: Extent, carriageway: Carriageway) -> dict[str, int | float | str | bool]:
    return {"start_m": extent.start_m, "end_m": extent.end_m, "carriageway": carriageway}


def _runs_forward(piece: Piece) -> bool:
    """Whether a piece runs as its way was drawn (told by the order of its first two nodes)."""
    drawn: list[int] = piece.way.node_ids.tolist()
    after = drawn.index(int(piece.node_ids[0])) + 1
    return after < len(drawn) and drawn[after] == int(piece.node_ids[1])


def _structure(tags: Tags) -> tuple[str, str]:
    for kind in ("tunnel", "bridge"):
        if tags.get(kind, "no") != "no":
            return kind, tags.get(f"{kind}:name", "")
    return "", ""


def _lanes(tags: Tags, sense: str) -> int:
    text = tags.get(f"lanes:{sense}", "") if sense else tags.get("lanes", "")
    if text.isdigit():
        return int(text)
    total = tags.get("lanes", "")
    return int(total) // 2 if sense and total.isdigit() else 0


def _yes_or_no(text: str | None) -> str:
    return "yes" if text in _YES else "no" if text in _NO else "unknown"
