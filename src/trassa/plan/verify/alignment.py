"""The alignment against the map it came from: every point on a raw way, labels as on the posts, tunnels as tagged."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.linear import Layer
from trassa.plan.verify.drawing import drawn_lines
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.polyline import Lines, length_m
from trassa.plan.verify.radio.masts import check_masts
from trassa.plan.verify.verdict import Row
from trassa.road.osm import RoadObjects, read_roads

__all__ = ["check_road"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = pyproj.Geod(ellps="WGS84")

_OFF_LINE_M = 5.0
_LENGTH_TOLERANCE = 0.002
_POST_TOLERANCE_M = 15.0
_EXACT_M = 0.5
_TWIN_M = 100.0
_TWIN_KM = 0.04
_LABEL_KEYS = ("distance", "pk", "kp", "milestone", "name", "ref")
_LABEL = re.compile(r"(\d+)(?:\s*[.,]\s*(\d+))?(?:\s*\+\s*(\d+))?\s*(mi|м|m)?")
_UNIT_KM = {"m": 0.001, "м": 0.001, "mi": 1.609344}
_LOOKALIKES = str.maketrans("АВЕЁКМНОРСТУХ", "ABEEKMHOPCTYX")


def check_road(evidence: Evidence) -> list[Row]:
    """Rows about geometry, length, labels and structures; which ones depends on what the road was made from."""
    rows = [_length_row(evidence), _labels_row(evidence)]
    if evidence.schematic:
        return [*rows, _schematic_row(evidence)]
    road = evidence.settings.road
    if road.centreline:
        drawn = drawn_lines(evidence.inputs([road.centreline])[0])
        around = read_roads(evidence.inputs(road.osm), lambda tags: False)
        geometry = _geometry_row(evidence, drawn, np.zeros(len(drawn), dtype=bool))
        return [*rows, geometry, check_masts(evidence, around)]
    raw = _raw_ways(evidence)
    ways = list(raw.ways.values())
    oneway = np.array([way.tags.get("oneway") == "yes" for way in ways], dtype=bool)
    lines = [(way.latitude_deg, way.longitude_deg) for way in ways]
    rows.append(_geometry_row(evidence, lines, oneway))
    return [*rows, _posts_row(evidence, raw), _tunnels_row(evidence, raw), check_masts(evidence, raw)]


def _folded(ref: str) -> str:
    plain = unicodedata.normalize("NFKC", ref).upper().translate(_LOOKALIKES)
    return "".join(letter for letter in plain if letter.isalnum())


def _raw_ways(evidence: Evidence) -> RoadObjects:
    wanted = _folded(evidence.ref)

    def carries(tags: Mapping[str, str]) -> bool:
        if "highway" not in tags or tags["highway"].endswith("_link"):
            return False
        numbers = ";".join(value for key, value in tags.items() if key.endswith("ref")).replace(",", ";").split(";")
        return any(_folded(number) == wanted for number in numbers)

    return read_roads(evidence.inputs(evidence.settings.road.osm), carries)


def _line(evidence: Evidence, carriageway: str) -> Layer:
    line = evidence.layers["alignment"].where(carriageway=carriageway)
    return line.take(np.argsort(line["measure_m"], kind="stable"))


def _steps_m(line: Layer) -> FloatArray:
    lat, lon = line["latitude_deg"], line["longitude_deg"]
    return np.asarray(_WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], dtype=np.float64)


def _length_row(evidence: Evidence) -> Row:
    """Measures run in steps of 10 m from 0 to the road's length, and are the geodesic length of the reference."""
    wrong, length = [], float(evidence.proof.road["length_m"])
    reference = str(evidence.proof.road["reference"])
    for carriageway in evidence.carriageways:
        measure = _line(evidence, carriageway)["measure_m"]
        steps = np.diff(measure)
        if measure[0] != 0.0 or abs(measure[-1] - length) > 0.01 or (np.abs(steps[:-1] - 10.0) > 1e-6).any():
            wrong.append(f"{carriageway}: points do not stand every 10 m from 0 to {length:.0f} m")
    line = _line(evidence, reference)
    found = float(line["measure_m"][-1]) if evidence.schematic else float(_steps_m(line).sum())
    if abs(found - length) > _LENGTH_TOLERANCE * length:
        wrong.append(f"length stated {length:.0f} m, geodesic {found:.0f} m")
    said = "; ".join(wrong) or f"length stated {length:.0f} m, along the points {found:.0f} m"
    return Row("road.length", "", None, "", not wrong, None, said)


def _labels_row(evidence: Evidence) -> Row:
    """Accepted posts read exactly; an interpolated stretch begins and ends at one; stored labels follow."""
    posts, wrong = evidence.layers["posts"], []
    accepted = posts.take(posts["accepted"])
    read = evidence.calibration.km(accepted["measure_m"])
    off = np.abs(read - accepted["label_km"]) * 1000.0
    astray = [row for row in np.flatnonzero(off > _EXACT_M) if not _has_twin(accepted, off, int(row))]
    wrong += [f"post {accepted['label_km'][row]:g} reads {read[row]:.3f}" for row in astray[:3]]
    intervals = evidence.layers["label_intervals"].where(kind="interpolated")
    wrong += [
        f"labels are interpolated from {evidence.place(end)}, where no accepted post stands"
        for end in sorted({*intervals["start_m"].tolist(), *intervals["end_m"].tolist()})
        if not len(accepted) or np.abs(accepted["measure_m"] - end).min() > _EXACT_M
    ]
    alignment = evidence.layers["alignment"]
    stored = np.abs(alignment["km"] - evidence.calibration.km(alignment["measure_m"])) * 1000.0
    if stored.max(initial=0.0) > _EXACT_M:
        wrong.append(f"{int((stored > _EXACT_M).sum())} points carry another label than the calibration gives")
    said = "; ".join(wrong[:4]) or f"{len(accepted)} accepted posts read exactly, {len(posts) - len(accepted)} rejected"
    return Row("road.labels", "", None, "", not wrong, None, said)


def _has_twin(posts: Layer, off_m: FloatArray, row: int) -> bool:
    """Whether a post across the road says the same, reads exactly, and this one reads within 30 m of it."""
    beside = np.abs(posts["measure_m"] - posts["measure_m"][row]) <= _TWIN_M
    alike = np.abs(posts["label_km"] - posts["label_km"][row]) <= _TWIN_KM
    return bool((beside & alike & (off_m <= _EXACT_M)).any() and off_m[row] <= 30.0)


def _geometry_row(
    evidence: Evidence, source: list[tuple[FloatArray, FloatArray]], oneway: npt.NDArray[np.bool_]
) -> Row:
    """Every point of both carriageways lies on a raw line of the source, driven in the sense of that carriageway."""
    wrong, place, worst_m, checked_m = [], "", 0.0, 0.0
    if not source:
        return Row("road.geometry", "", None, "m", False, None, f"the map has no way of {evidence.ref}")
    lines = Lines(source)
    for carriageway in evidence.carriageways:
        line = _line(evidence, carriageway)
        there = np.flatnonzero(line["present"])
        lat, lon = line["latitude_deg"][there], line["longitude_deg"][there]
        feet = lines.feet(lat, lon)
        row = int(np.argmax(feet.distance_m))
        if feet.distance_m[row] > worst_m:
            worst_m, place = (
                float(feet.distance_m[row]),
                evidence.place(float(line["measure_m"][there[row]]), carriageway),
            )
        off = int((feet.distance_m > _OFF_LINE_M).sum())
        if off:
            wrong.append(f"{off} points of the {carriageway} carriageway lie off the map's ways, up to {worst_m:.0f} m")
        ahead_e, ahead_n = np.gradient(lon) * np.cos(np.radians(lat)), np.gradient(lat)
        sense = np.sign(feet.east * ahead_e + feet.north * ahead_n) * (1 if carriageway == "increasing" else -1)
        against = oneway[feet.line] & (sense < 0)
        if against.mean() > 0.02:
            wrong.append(f"{against.mean():.0%} of the {carriageway} carriageway runs against its ways")
        checked_m += float(_steps_m(line)[line["present"][:-1] & line["present"][1:]].sum())
    raw_m = sum(length_m(*line) for line in source)
    if checked_m > raw_m * 1.005 and oneway.all():
        wrong.append(f"carriageways of {checked_m / 1000:.2f} km from ways of {raw_m / 1000:.2f} km")
    told = (
        f"{checked_m / 1000:.2f} km of carriageway on {raw_m / 1000:.2f} km of raw lines, at most {worst_m:.2f} m off"
    )
    return Row("road.geometry", place, _OFF_LINE_M - worst_m, "m", not wrong, None, "; ".join(wrong) or told)


def _posts_row(evidence: Evidence, raw: RoadObjects) -> Row:
    """Accepted posts are nodes of the map with that label, at the measure the alignment has there."""
    posts, wrong = evidence.layers["posts"], []
    accepted = posts.take(posts["accepted"])
    line = _line(evidence, str(evidence.proof.road["reference"]))
    latitude = np.interp(accepted["measure_m"], line["measure_m"], line["latitude_deg"])
    longitude = np.interp(accepted["measure_m"], line["measure_m"], line["longitude_deg"])
    away = np.asarray(_WGS84.inv(longitude, latitude, accepted["longitude_deg"], accepted["latitude_deg"])[2])
    for row in range(len(accepted)):
        node = raw.nodes.get(int(accepted["osm_id"][row]))
        label = float(accepted["label_km"][row])
        if node is None:
            wrong.append(f"post {label:g} is not in the map")
        elif all(abs(said - label) > 5e-4 for said in _labels_said(node.tags)):
            wrong.append(f"post {label:g} says {node.tags.get('distance', 'no distance')} in the map")
        elif abs(node.latitude_deg - accepted["latitude_deg"][row]) > 1e-6 or away[row] > 60.0 + _POST_TOLERANCE_M:
            wrong.append(f"post {label:g} stands {away[row]:.0f} m from where its measure lies")
    said = "; ".join(wrong[:3]) or f"{len(accepted)} accepted posts are in the map with their labels"
    return Row("road.posts", "", None, "", not wrong, None, said)


def _labels_said(tags: Mapping[str, str]) -> Iterator[float]:
    """Every kilometre that some tag of a post may mean, in kilometres, metres or miles."""
    for text in (tags[key] for key in _LABEL_KEYS if key in tags):
        for whole, fraction, metres, unit in _LABEL.findall(text.lower()):
            number = float(f"{whole}.{fraction or 0}") + float(metres or 0) / 1000.0
            yield number * _UNIT_KM.get(unit, 1.0)


def _tunnels_row(evidence: Evidence, raw: RoadObjects) -> Row:
    """A structure that exempts bins is tagged as such in the map: all along, not only at one place."""
    kinds, wrong, count = evidence.settings.radio.exempt_structures, [], 0
    ways = list(raw.ways.values())
    for kind in kinds:
        tagged = [way for way in ways if way.tags.get(kind, "no") != "no"]
        lines = Lines([(way.latitude_deg, way.longitude_deg) for way in tagged]) if tagged else None
        rows = evidence.layers["structures"].where(kind=kind)
        count += len(rows)
        for row in range(len(rows)):
            line = _line(evidence, str(rows["carriageway"][row]))
            inside = (line["measure_m"] > rows["start_m"][row] + 1.0) & (line["measure_m"] < rows["end_m"][row] - 1.0)
            lat, lon = line["latitude_deg"][inside], line["longitude_deg"][inside]
            far = inside.any() and (lines is None or lines.feet(lat, lon).distance_m.max() > _OFF_LINE_M)
            if far:
                wrong.append(f"{kind} at {evidence.place(float(rows['start_m'][row]))} is not one in the map")
    said = "; ".join(wrong[:3]) or f"{count} structures that exempt bins, all tagged in the map"
    return Row("road.exempt", "", None, "", not wrong, None, said)


def _schematic_row(evidence: Evidence) -> Row:
    """On a schematic axis measure is (km − first km) · 1000: every fact with a kilometre lies on it."""
    (path,) = evidence.inputs([evidence.settings.road.schematic])
    with path.open(encoding="utf-8-sig", newline="") as file:
        named = [float(row["km"]) for row in csv.DictReader(file) if row["km"]]
    length, start = float(evidence.proof.road["length_m"]), float(evidence.calibration.km(0.0))
    end = float(evidence.calibration.km(length))
    wrong = [] if abs((end - start) * 1000.0 - length) < 0.5 else [f"{end - start:.3f} km of labels on {length:.0f} m"]
    if min(named) < start - 1e-6 and evidence.settings.road.start_km is None:
        wrong.append(f"facts begin at km {min(named):g}, the axis at km {start:g}")
    said = "; ".join(wrong) or f"labels and measure run together from km {start:g} to km {end:g}"
    return Row("road.schematic", "", None, "", not wrong, None, said)
