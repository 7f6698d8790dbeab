"""Roads that exist only as drawings: a centreline of one or two lines, from GeoJSON, GeoPackage or CSV.

A column ``km`` in a CSV declares the labels at its rows. The first line gives the sense of measure; if its kilometres
fall it is turned. Lines that go on where another ends are one. A second line is the other carriageway; a single one
stands for both.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear import Calibration, KmLabel, LabelInterval
from trassa.linear.label import Script
from trassa.road.carriageways import CarriagewayLine
from trassa.road.chains import Chain, Piece, bearing_deg, turn_deg
from trassa.road.findings import Note
from trassa.road.line import Line, geodesic_steps_m
from trassa.road.osm import OsmWay

__all__ = ["DrawnLine", "as_carriageway", "declared_labels", "read_drawing"]

FloatArray = npt.NDArray[np.float64]

_COLUMNS = {
    "lat": ("lat", "latitude", "latitude_deg", "широта", "y"),
    "lon": ("lon", "lng", "long", "longitude", "longitude_deg", "долгота", "x"),
    "km": ("km", "км", "label_km", "chainage"),
    "line": ("line", "carriageway"),
}
_LONGEST_STEP_M = 50_000.0
_STRETCH = (0.85, 1.15)
_MEETING_M = 1.0
_ALONGSIDE_M = 3000.0


@dataclass(frozen=True)
class DrawnLine:
    """Vertices of one line, shape (n,) each; ``km`` is NaN where no label is declared."""

    latitude_deg: FloatArray
    longitude_deg: FloatArray
    km: FloatArray

    def turned(self) -> DrawnLine:
        """The same line from its other end."""
        return DrawnLine(self.latitude_deg[::-1].copy(), self.longitude_deg[::-1].copy(), self.km[::-1].copy())

    def point(self, index: int) -> tuple[float, float]:
        """Latitude and longitude of a vertex."""
        return float(self.latitude_deg[index]), float(self.longitude_deg[index])

    def followed_by(self, other: DrawnLine) -> DrawnLine:
        """This line and another that begins where it ends; the point they share is kept once, with its kilometre."""
        km = np.concatenate([self.km, other.km[1:]])
        if np.isnan(km[len(self.km) - 1]):
            km[len(self.km) - 1] = other.km[0]
        latitude_deg = np.concatenate([self.latitude_deg, other.latitude_deg[1:]])
        return DrawnLine(latitude_deg, np.concatenate([self.longitude_deg, other.longitude_deg[1:]]), km)


def read_drawing(path: Path) -> list[DrawnLine]:
    """One or two lines, the first in the sense of rising kilometres, the second (if any) in the opposite sense.

    Raises :class:`~trassa.errors.InputError` naming file, row and value for a file that cannot be meant, swapped
    coordinates among them.
    """
    if not path.is_file():
        raise InputError(f"centreline: {path} does not exist", cure="a GeoJSON, GeoPackage or CSV file")
    lines = _from_csv(path) if path.suffix.lower() in (".csv", ".txt") else _from_vectors(path)
    for line in lines:
        _check(line, path.name)
    lines = _joined(lines)
    if len(lines) > 2:
        raise InputError(f"centreline: {path.name} holds {len(lines)} lines, a road has one or two", cure="join them")
    if len(lines) == 2 and not _side_by_side(*lines):
        raise InputError(
            f"centreline: {path.name} holds two lines that neither meet nor run side by side",
            cure="one line, or both carriageways",
        )
    first = lines[0]
    known = first.km[np.isfinite(first.km)]
    if len(known) > 1 and known[0] > known[-1]:
        first = first.turned()
    if len(lines) == 1:
        return [first]
    second = lines[1]
    ahead = np.array([first.latitude_deg[-1] - first.latitude_deg[0], first.longitude_deg[-1] - first.longitude_deg[0]])
    goes = np.array(
        [second.latitude_deg[-1] - second.latitude_deg[0], second.longitude_deg[-1] - second.longitude_deg[0]]
    )
    return [first, second.turned() if float(ahead @ goes) > 0.0 else second]


def as_carriageway(line: DrawnLine) -> CarriagewayLine:
    """A drawn line in the form in which mapped carriageways come: one chain of one way without tags."""
    ids = -np.arange(1, len(line.latitude_deg) + 1, dtype=np.int64)
    way = OsmWay(0, {}, ids, line.latitude_deg, line.longitude_deg)
    return CarriagewayLine((Chain((Piece(way, ids, line.latitude_deg, line.longitude_deg, False),)),))


def declared_labels(line: DrawnLine, start_km: float | None, script: Script) -> tuple[Calibration, list[Note]]:
    """Labels of a drawn road: declared between rows with kilometres, or from ``start_km`` on, else assumed from 0."""
    steps = geodesic_steps_m(line.latitude_deg, line.longitude_deg)
    measure = np.concatenate([[0.0], np.cumsum(steps)])
    length_m = float(measure[-1])
    rows = np.flatnonzero(np.isfinite(line.km))
    if len(rows) < 2:
        start = start_km if start_km is not None else float(line.km[rows[0]]) if len(rows) else None
        if start is None:
            detail = "no kilometre declared: labels run from km 0+000 at the start"
            bare = Calibration.from_start(length_m, 0.0, script)
            return bare, [Note("no_posts", detail, "warning", 0.0, length_m)]
        first_m = float(measure[rows[0]]) if len(rows) else 0.0
        ends = start - first_m / 1000.0, start + (length_m - first_m) / 1000.0
        return Calibration((LabelInterval(0.0, length_m, *ends, "declared"),), script), []
    knots = [(float(measure[i]), float(line.km[i])) for i in rows]
    intervals = [LabelInterval(a[0], b[0], a[1], b[1], "declared") for a, b in pairwise(knots)]
    if knots[0][0] > 0.0:
        at, km = knots[0]
        intervals.insert(0, LabelInterval(0.0, at, km - at / 1000.0, km, "extrapolated"))
    if knots[-1][0] < length_m:
        at, km = knots[-1]
        intervals.append(LabelInterval(at, length_m, km, km + (length_m - at) / 1000.0, "extrapolated"))
    return Calibration(tuple(intervals), script), _stretch_notes(intervals, script)


def _stretch_notes(intervals: Sequence[LabelInterval], script: Script) -> list[Note]:
    notes = []
    for interval in intervals:
        if interval.kind == "declared" and not _STRETCH[0] <= interval.stretch <= _STRETCH[1]:
            labels = " and ".join(
                KmLabel.from_decimal(km).format(script) for km in (interval.start_km, interval.end_km)
            )
            detail = f"between the declared {labels} the drawing is {interval.end_m - interval.start_m:,.0f} m long"
            notes.append(
                Note(
                    "stretch", f"{detail}: stretch {interval.stretch:.2f}", "warning", interval.start_m, interval.end_m
                )
            )
    return notes


def _joined(lines: Sequence[DrawnLine]) -> list[DrawnLine]:
    """Lines that go on where another ends, made one; two carriageways that meet at their ends stay two."""
    rest = list(lines)
    done: list[DrawnLine] = []
    while rest:
        line = rest.pop(0)
        while (found := _continuation(line, rest)) is not None:
            index, line = found
            rest.pop(index)
        done.append(line)
    return done


def _continuation(line: DrawnLine, others: Sequence[DrawnLine]) -> tuple[int, DrawnLine] | None:
    for index, other in enumerate(others):
        for piece in (other, other.turned()):
            for before, after in ((line, piece), (piece, line)):
                if _goes_on(before, after):
                    return index, before.followed_by(after)
    return None


def _goes_on(before: DrawnLine, after: DrawnLine) -> bool:
    gap_m, _ = bearing_deg(before.point(-1), after.point(0))
    _, leaving = bearing_deg(before.point(-2), before.point(-1))
    _, arriving = bearing_deg(after.point(0), after.point(1))
    return gap_m <= _MEETING_M and turn_deg(leaving, arriving) <= 90.0


def _side_by_side(first: DrawnLine, second: DrawnLine) -> bool:
    feet = Line(first.latitude_deg, first.longitude_deg).project(second.latitude_deg, second.longitude_deg)
    return bool(np.mean((np.abs(feet.offset_m) < _ALONGSIDE_M) & ~feet.beyond) >= 0.5)


def _check(line: DrawnLine, name: str) -> None:
    if len(line.latitude_deg) < 2:
        raise InputError(f"centreline: {name} has {len(line.latitude_deg)} point(s)", cure="at least 2")
    outside = np.flatnonzero(~((np.abs(line.latitude_deg) <= 90.0) & (np.abs(line.longitude_deg) <= 180.0)))
    if len(outside):
        lat, lon = line.latitude_deg[outside[0]], line.longitude_deg[outside[0]]
        cure = "swap them" if abs(lon) <= 90.0 and abs(lat) <= 180.0 else "degrees of WGS 84"
        raise InputError(
            f"centreline: {name} point {outside[0] + 1} has latitude {lat:g}, longitude {lon:g}", cure=cure
        )
    steps = geodesic_steps_m(line.latitude_deg, line.longitude_deg)
    if steps.max() > _LONGEST_STEP_M:
        at = int(steps.argmax())
        raise InputError(
            f"centreline: {name} points {at + 1} and {at + 2} are {steps.max() / 1000:,.1f} km apart (at most 50 km)",
            cure="more points, or a schematic road if there are none",
        )
    _check_km(line, steps, name)


def _check_km(line: DrawnLine, steps: FloatArray, name: str) -> None:
    rows = np.flatnonzero(np.isfinite(line.km))
    rise = np.diff(line.km[rows])
    if len(rise) and not ((rise > 0.0).all() or (rise < 0.0).all()):
        sense = 1.0 if line.km[rows[-1]] > line.km[rows[0]] else -1.0
        wrong = rows[int(np.argmin(rise * sense)) + 1]
        raise InputError(
            f"centreline: {name} point {wrong + 1} declares km {line.km[wrong]:g}, out of order",
            cure="order the points",
        )
    if len(rows) > 1:
        declared_m = 1000.0 * abs(float(line.km[rows[-1]] - line.km[rows[0]]))
        drawn_m = float(steps[rows[0] : rows[-1]].sum())
        swapped_m = float(np.nansum(geodesic_steps_m(*_swapped(line))[rows[0] : rows[-1]]))
        if not 0.8 <= drawn_m / declared_m <= 1.25 and 0.9 <= swapped_m / declared_m <= 1.1:
            raise InputError(
                f"centreline: {name} is {drawn_m / 1000:,.1f} km long where {declared_m / 1000:,.1f} km are declared; "
                f"with latitude and longitude swapped it is {swapped_m / 1000:,.1f} km",
                cure="swap the columns",
            )


def _swapped(line: DrawnLine) -> tuple[FloatArray, FloatArray]:
    usable = (np.abs(line.longitude_deg) <= 90.0).all()
    return (line.longitude_deg, line.latitude_deg) if usable else (line.latitude_deg, line.longitude_deg)


def _from_vectors(path: Path) -> list[DrawnLine]:
    from trassa.road.exchange.lines import read_lines

    return [
        DrawnLine(vertices[:, 1].copy(), vertices[:, 0].copy(), np.full(len(vertices), np.nan))
        for _, vertices in read_lines(path)
    ]


def _from_csv(path: Path) -> list[DrawnLine]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"centreline: {path.name} is not UTF-8 text: {error.reason}", cure="save as UTF-8") from error
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    names = _named_columns(reader.fieldnames or [], path.name)
    lines: dict[str, list[tuple[float, float, float]]] = {}
    for number, row in enumerate(reader, start=2):
        if any((value or "").strip() for value in row.values() if isinstance(value, str)):
            key = (row.get(names.get("line", ""), "") or "").strip()
            lines.setdefault(key, []).append(_numbers(row, names, f"{path.name} line {number}", delimiter))
    if not lines:
        raise InputError(f"centreline: {path.name} has no points", cure="rows of lat,lon[,km] below the header")
    return [DrawnLine(*np.array(points).T.copy()) for points in lines.values()]


def _named_columns(fields: Sequence[str], name: str) -> dict[str, str]:
    found = {
        key: field
        for key, spellings in _COLUMNS.items()
        for field in fields
        if (field or "").strip().lower() in spellings
    }
    missing = [key for key in ("lat", "lon") if key not in found]
    if missing:
        raise InputError(
            f"centreline: {name} has no column {' and '.join(missing)} (header: {', '.join(fields)})",
            cure="a header lat,lon or lat,lon,km",
        )
    return found


def _numbers(
    row: Mapping[str, str | None], names: Mapping[str, str], place: str, delimiter: str
) -> tuple[float, float, float]:
    values = []
    for key in ("lat", "lon", "km"):
        text = (row.get(names.get(key, "")) or "").strip()
        if delimiter != ",":
            text = text.replace(",", ".")
        if not text and key == "km":
            values.append(float("nan"))
            continue
        try:
            values.append(float(text))
        except ValueError:
            raise InputError(f"centreline: {place}: {key} {text!r} is not a number", cure="decimal degrees") from None
    return values[0], values[1], values[2]
