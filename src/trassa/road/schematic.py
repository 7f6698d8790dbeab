"""Schematic roads: measure from declared kilometres, geometry for maps only.

Where no centre line is to be had, a table of facts by kilometre gives a road on which lengths hold (they come from
the posts) and directions do not: points with coordinates are joined by straight lines, so no heading, curvature or
gradient is derived.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear import CARRIAGEWAYS, Calibration, Carriageway, LabelInterval, Layer, script_of
from trassa.road.alignment import Alignment, measures_of
from trassa.road.findings import Note, findings_layer
from trassa.road.layers import SCHEMAS
from trassa.road.line import WGS84, Line
from trassa.road.model import Road

__all__ = ["Fact", "read_facts", "schematic_road"]

FloatArray = npt.NDArray[np.float64]
Row = dict[str, int | float | str | bool]

_COLUMNS = ("kind", "name", "km", "km_to", "lat", "lon", "value", "source")
_PLACE_KINDS = ("toll_plaza", "toll_gantry", "interchange", "junction", "service_area")
_SECTION_KINDS = ("cross_section", "speed_limit", "speed_or_lighting", "lighting")
_CHORD_MAX = 1.02


@dataclass(frozen=True)
class Fact:
    """One row of a table of facts. ``km_to`` equals ``km`` for a place; coordinates are NaN where none are given."""

    kind: str
    name: str
    km: float
    km_to: float
    latitude_deg: float
    longitude_deg: float
    value: str


def read_facts(path: Path) -> list[Fact]:
    """Read ``kind,name,km,km_to,lat,lon,value,source``; a row with ``km_to`` only begins where the road begins.

    Raises :class:`~trassa.errors.InputError` naming file and line for a missing column and a value out of bounds.
    """
    if not path.is_file():
        raise InputError(f"schematic: {path} does not exist", cure=f"a CSV file with {','.join(_COLUMNS)}")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in _COLUMNS[:7] if name not in (reader.fieldnames or [])]
        if missing:
            raise InputError(f"schematic: {path.name} has no column {missing[0]}", cure=",".join(_COLUMNS))
        return [_fact(row, f"{path.name} line {reader.line_num}") for row in reader]


def schematic_road(ref: str, facts: Sequence[Fact], start_km: float | None, end_km: float | None) -> Road:
    """A road from ``start_km`` to ``end_km`` (by default the first and last kilometre of any fact).

    Measure is (km − ``start_km``) · 1000 m. Both carriageways share one sketched line through the points that have
    coordinates; beyond the first and last it goes straight on. Chord ÷ measure of every interval is a finding.
    """
    first, last = _ends_km(facts, start_km, end_km)
    length_m = (last - first) * 1000.0
    points, notes = _points(facts, first, last)
    sketch = _sketched(points, length_m)
    notes += [*_chord_notes(points), *_end_notes(points, length_m)]
    inside = [fact for fact in facts if fact.km_to >= first and fact.km <= last]
    if len(inside) < len(facts):
        left_out = len(facts) - len(inside)
        notes.append(Note("off_road", f"{left_out} fact(s) lie outside km {first:g}–{last:g} and are left out"))
    empty = {name: Layer.empty(SCHEMAS[name]) for name in ("posts", "structures", "masts")}
    return Road(
        ref=ref,
        axis="schematic",
        length_m=length_m,
        reference="increasing",
        calibration=Calibration((LabelInterval(0.0, length_m, first, last, "declared"),), script_of(ref)),
        alignments={c: _alignment(c, sketch, length_m) for c in CARRIAGEWAYS},
        cross_sections=_cross_sections(inside, first, length_m),
        places=_places(inside, first, length_m, sketch),
        findings=findings_layer(notes, sketch, 0.0),
        traffic="right",
        **empty,
    )


def _ends_km(facts: Sequence[Fact], start_km: float | None, end_km: float | None) -> tuple[float, float]:
    if not facts:
        raise InputError("schematic: the table of facts is empty", cure="at least two places with coordinates")
    first = start_km if start_km is not None else min(fact.km for fact in facts)
    last = end_km if end_km is not None else max(fact.km_to for fact in facts)
    if not first < last:
        raise InputError(f"schematic: start km {first:g} is not before end km {last:g}")
    return first, last


def _alignment(carriageway: Carriageway, sketch: Line, length_m: float) -> Alignment:
    measure = measures_of(length_m)
    latitude, longitude = sketch.at(measure)
    height, heading, curvature, gradient = (np.full(len(measure), np.nan) for _ in range(4))
    present = np.ones(len(measure), dtype=bool)
    return Alignment(carriageway, measure, latitude, longitude, height, heading, curvature, gradient, present)


def _fact(row: dict[str, str], place: str) -> Fact:
    km, km_to = (_number(row, place, column, (0.0, 100_000.0)) for column in ("km", "km_to"))
    lat, lon = _number(row, place, "lat", (-90.0, 90.0)), _number(row, place, "lon", (-180.0, 180.0))
    if np.isnan(km) and np.isnan(km_to):
        raise InputError(f"schematic: {place}: neither km nor km_to is given", cure="the kilometre of the fact")
    if np.isnan(lat) != np.isnan(lon):
        raise InputError(f"schematic: {place}: latitude or longitude is missing", cure="give both or none")
    km = km if np.isfinite(km) else km_to
    return Fact(row["kind"], row["name"], km, km_to if np.isfinite(km_to) else km, lat, lon, row["value"] or "")


def _number(row: dict[str, str], place: str, column: str, bounds: tuple[float, float]) -> float:
    text = (row.get(column) or "").strip()
    if not text:
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not bounds[0] <= value <= bounds[1]:
        cure = "latitude before longitude" if column == "lat" and abs(value) <= 180.0 else "a decimal number"
        raise InputError(f"schematic: {place}: {column} {text!r} is not within {bounds[0]:g}…{bounds[1]:g}", cure=cure)
    return value


def _points(facts: Sequence[Fact], first: float, last: float) -> tuple[FloatArray, list[Note]]:
    """Distinct points as rows (measure_m, latitude, longitude) in order; a second place at one km is named."""
    found: dict[float, Fact] = {}
    notes: list[Note] = []
    for fact in sorted(facts, key=lambda fact: fact.km):
        if np.isnan(fact.latitude_deg) or not first <= fact.km <= last:
            continue
        other = found.setdefault(fact.km, fact)
        if (other.latitude_deg, other.longitude_deg) != (fact.latitude_deg, fact.longitude_deg):
            at = (fact.km - first) * 1000.0
            notes.append(Note("mapping", f"km {fact.km:g} has two places: {other.name} is drawn", "warning", at, at))
    if len(found) < 2:
        raise InputError(
            f"schematic: {len(found)} place(s) with coordinates between km {first:g} and {last:g}", cure="2"
        )
    rows = [((km - first) * 1000.0, f.latitude_deg, f.longitude_deg) for km, f in found.items()]
    return np.array(rows, dtype=np.float64), notes


def _sketched(points: FloatArray, length_m: float) -> Line:
    """The line through the points, carrying their measures, straight on at both ends."""
    rows = points.tolist()
    if rows[0][0] > 0.0:
        rows.insert(0, [0.0, *_straight_on(rows[1], rows[0], rows[0][0])])
    if rows[-1][0] < length_m:
        rows.append([length_m, *_straight_on(rows[-2], rows[-1], length_m - rows[-1][0])])
    measure, latitude, longitude = np.array(rows).T.copy()
    return Line(latitude, longitude, measure)


def _straight_on(before: Sequence[float], end: Sequence[float], by_m: float) -> tuple[float, float]:
    back_deg, _, _ = WGS84.inv(end[2], end[1], before[2], before[1])
    longitude, latitude, _ = WGS84.fwd(end[2], end[1], back_deg + 180.0, by_m)
    return float(latitude), float(longitude)


def _chord_notes(points: FloatArray) -> Iterator[Note]:
    for a, b in pairwise(points.tolist()):
        _, _, chord = WGS84.inv(a[2], a[1], b[2], b[1])
        ratio = chord / (b[0] - a[0])
        detail = f"chord {chord / 1000:.2f} km of {(b[0] - a[0]) / 1000:.2f} km: {ratio:.2f}"
        if ratio > _CHORD_MAX:
            yield Note("chord", f"{detail}; a road cannot be shorter than its chord", "warning", a[0], b[0])
        else:
            yield Note("chord", detail, "note", a[0], b[0])


def _end_notes(points: FloatArray, length_m: float) -> Iterator[Note]:
    first, last = float(points[0, 0]), float(points[-1, 0])
    for start, end in ((0.0, first), (last, length_m)):
        if end > start:
            detail = f"{(end - start) / 1000:.1f} km beyond the outermost place are drawn straight on"
            yield Note("extrapolated_sketch", detail, "warning", start, end)


def _places(facts: Sequence[Fact], first: float, length_m: float, sketch: Line) -> Layer:
    rows: list[Row] = []
    for fact in facts:
        if fact.kind in _PLACE_KINDS:
            rows.append(_place(fact.kind, fact.name, (fact.km - first) * 1000.0, fact, sketch))
        elif fact.kind == "section":
            end = min((fact.km_to - first) * 1000.0, length_m)
            rows.append(_place("section_end", f"end of {fact.name}", end, None, sketch))
    rows.sort(key=lambda row: (row["measure_m"], row["kind"], row["name"]))
    return Layer.from_rows(SCHEMAS["places"], rows)


def _place(kind: str, name: str, measure_m: float, fact: Fact | None, sketch: Line) -> Row:
    latitude, longitude = (float(value) for value in sketch.at(measure_m))
    if fact is not None and np.isfinite(fact.latitude_deg):
        latitude, longitude = fact.latitude_deg, fact.longitude_deg
    row: Row = {"measure_m": measure_m, "kind": kind, "name": name, "carriageway": "both", "offset_m": 0.0}
    return {**row, "latitude_deg": latitude, "longitude_deg": longitude, "powered": kind != "section_end"}


def _cross_sections(facts: Sequence[Fact], first: float, length_m: float) -> Layer:
    """Lanes, limits and lighting as far as the facts say; the narrowest fact about a stretch wins."""
    facts = sorted((f for f in facts if f.kind in _SECTION_KINDS), key=lambda f: f.km - f.km_to)
    ends = {0.0, length_m}
    for fact in facts:
        ends |= {min(max((km - first) * 1000.0, 0.0), length_m) for km in (fact.km, fact.km_to)}
    rows: list[Row] = []
    for carriageway in CARRIAGEWAYS:
        for start, end in pairwise(sorted(ends)):
            row: Row = {"start_m": start, "end_m": end, "carriageway": carriageway, "lanes": 0}
            row |= {"speed_limit_kmh": float("nan"), "speed_limit_kind": "unknown", "speed_limit_conditional": ""}
            row |= {"lit": "unknown", "toll": "unknown"}
            middle_km = first + 0.5 * (start + end) / 1000.0
            for fact in facts:
                if fact.km <= middle_km <= fact.km_to:
                    row |= _said(fact.value)
            rows.append(row)
    return Layer.from_rows(SCHEMAS["cross_sections"], rows)


def _said(value: str) -> Row:
    """What a sentence says of lanes (both carriageways together, the fewest if a range), limit and lighting."""
    said: Row = {}
    if lanes := re.match(r"(\d+)(?: to \d+| ?[-–] ?\d+)? lanes", value):
        said["lanes"] = int(lanes[1]) // 2
    if limit := re.match(r"(?:speed limit )?(\d+) km/h", value):
        said |= {"speed_limit_kmh": float(limit[1]), "speed_limit_kind": "fixed"}
    if re.match(r"(?:fully )?lit\b", value):
        said["lit"] = "yes"
    return said
