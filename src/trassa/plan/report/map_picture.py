"""The map picture: both carriageways coloured by margin, with sites, huts, cable and places."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.linear import Carriageway, Layer
from trassa.linear.ruler import nice_step_m, round_labels, tick_step_km
from trassa.plan.report.labels import LabelRoom
from trassa.plan.report.svg import Px, coordinate, group, line, polyline, tag, text
from trassa.road.model import Road

__all__ = ["CLASSES", "map_picture", "margin_class"]

FloatArray = npt.NDArray[np.float64]

WIDTH = 820
_BORDER = 46
_TALLEST, _TALLEST_LONG = 640.0, 960.0
_LONG_M = 200_000.0
_APART = {"increasing": 2.2, "decreasing": -2.2}
_CABLE = 6.5
CLASSES = (("m0", "below need"), ("m1", "0–3 dB"), ("m2", "3–6 dB"), ("m3", "6–10 dB"), ("m4", "10 dB and more"))
_BOUNDS = (0.0, 3.0, 6.0, 10.0)


def margin_class(margin_db: float) -> str:
    """The colour class of a margin; NaN (no server in reach) is below need."""
    return "m0" if math.isnan(margin_db) else f"m{sum(margin_db >= bound for bound in _BOUNDS)}"


@dataclass(frozen=True)
class _Sheet:
    """The projection of one picture: azimuthal equidistant about the road's middle, in picture units."""

    projection: pyproj.Proj
    west_m: float
    north_m: float
    units_per_m: float
    height: float

    @classmethod
    def around(cls, latitude_deg: FloatArray, longitude_deg: FloatArray, tallest: Px) -> _Sheet:
        latitude, longitude = float(np.mean(latitude_deg)), float(np.mean(longitude_deg))
        projection = pyproj.Proj(f"+proj=aeqd +ellps=WGS84 +lat_0={latitude:.6f} +lon_0={longitude:.6f}")
        east, north = projection(longitude_deg, latitude_deg)
        wide, tall = max(float(np.ptp(east)), 1.0), max(float(np.ptp(north)), 1.0)
        units_per_m = min((WIDTH - 2 * _BORDER) / wide, (tallest - 2 * _BORDER) / tall)
        height = min(max(tall * units_per_m + 2 * _BORDER, 280.0), tallest)
        middle_east, middle_north = float(np.min(east)) + wide / 2, float(np.min(north)) + tall / 2
        west_m, north_m = middle_east - WIDTH / 2 / units_per_m, middle_north + height / 2 / units_per_m
        return cls(projection, west_m, north_m, units_per_m, height)

    def xy(self, latitude_deg: FloatArray, longitude_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Picture coordinates, y downwards."""
        east, north = self.projection(longitude_deg, latitude_deg)
        x = (np.asarray(east) - self.west_m) * self.units_per_m
        return x, (self.north_m - np.asarray(north)) * self.units_per_m


@dataclass(frozen=True)
class _Symbol:
    """A mark on the map, ``half`` its half width, with the words that may stand beside it."""

    mark: str
    x: float
    y: float
    half: float
    words: str
    class_: str


def map_picture(road: Road, layers: Mapping[str, Layer], column: str = "margin_db") -> str:
    """The picture as SVG; ``column`` of the bins colours the road. Empty on an axis without geometry."""
    reference = road.alignments[road.reference]
    known = np.isfinite(reference.latitude_deg) & np.isfinite(reference.longitude_deg)
    if not known.any():
        return ""
    tallest = _TALLEST_LONG if road.length_m > _LONG_M else _TALLEST
    sheet = _Sheet.around(reference.latitude_deg[known], reference.longitude_deg[known], tallest)
    room = LabelRoom(WIDTH, sheet.height)
    line_of = _Line(
        reference.measure_m[known],
        *sheet.xy(reference.latitude_deg[known], reference.longitude_deg[known]),
        road.keeps_right,
    )
    lines = [*_cable(sheet, road, layers, room), *_carriageways(sheet, road, layers, column, room)]
    symbols = [
        *_ticks(sheet, line_of, road),
        *_huts(sheet, line_of, road, layers),
        *_sites(sheet, line_of, road, layers),
        *_places(line_of, road),
    ]
    room.block_square(WIDTH - 24.0, 26.0, 22.0)
    for symbol in symbols:
        room.block_square(symbol.x, symbol.y, symbol.half)
    labels = [label for s in symbols for label in room.place(s.x, s.y, s.half, s.words, s.class_)]
    body = [*lines, *(symbol.mark for symbol in reversed(symbols)), *labels, *_furniture(sheet)]
    box = f"0 0 {WIDTH} {coordinate(sheet.height)}"
    return tag("svg", body, viewBox=box, class_="map", role="img", aria_label=f"map of {road.ref}")


def _displaced(x: FloatArray, y: FloatArray, apart: float) -> tuple[FloatArray, FloatArray]:
    """Points moved to the right of increasing measure."""
    if len(x) < 2:
        return x, y
    dx, dy = np.gradient(x), np.gradient(y)
    length = np.maximum(np.hypot(dx, dy), 1e-9)
    return x - dy / length * apart, y + dx / length * apart


def _path_of(sheet: _Sheet, road: Road, carriageway: Carriageway, apart: float) -> tuple[FloatArray, ...]:
    """Measure, picture coordinates and presence of points about a unit apart, moved to where increasing runs."""
    alignment = road.alignments[carriageway]
    x, y = sheet.xy(alignment.latitude_deg, alignment.longitude_deg)
    keep = np.flatnonzero(np.isfinite(x))
    if not len(keep):
        return (np.empty(0),) * 4
    stride = max(1, int(1.5 / max(sheet.units_per_m * 10.0, 1e-9)))
    index = np.unique(np.append(keep[::stride], keep[-1]))
    present = np.minimum.reduceat(alignment.present.astype(np.float64), index)
    return (alignment.measure_m[index], *_displaced(x[index], y[index], road.keeps_right * apart), present)


def _carriageways(
    sheet: _Sheet, road: Road, layers: Mapping[str, Layer], column: str, room: LabelRoom
) -> Iterator[str]:
    """Each carriageway in grey, with its margins over it; what is below need last, on top of everything."""
    late: list[str] = []
    for carriageway in road.carriageways:
        measure_m, x, y, present = _path_of(sheet, road, carriageway, _APART[carriageway])
        room.block(x, y)
        yield from _pieces(x, y, ["bare" if here else "" for here in present[:-1].tolist()])
        if "bins" in layers and len(x) > 1:
            classes = _classes(measure_m, layers["bins"].where(carriageway=carriageway), column)
            yield from _pieces(x, y, [class_ if class_ != "m0" else "" for class_ in classes])
            late.extend(_pieces(x, y, [class_ if class_ == "m0" else "" for class_ in classes]))
    yield from late


def _pieces(x: FloatArray, y: FloatArray, classes: list[str]) -> Iterator[str]:
    """A line through points for each run of equal classes between them; none where the class is empty."""
    start = 0
    for index in range(1, len(classes) + 1):
        if index == len(classes) or classes[index] != classes[start]:
            if classes[start]:
                points = zip(x[start : index + 1].tolist(), y[start : index + 1].tolist(), strict=True)
                yield polyline(list(points), classes[start])
            start = index


def _classes(measure_m: FloatArray, bins: Layer, column: str) -> list[str]:
    """The colour class between neighbouring points: the worst of the bins there; empty where none counts."""
    counted = bins.take(bins["exempt"] == "")
    margin = np.where(np.isnan(counted[column]), -np.inf, counted[column])
    first = np.searchsorted(measure_m, counted["start_m"] + 1e-6, side="right") - 1
    last = np.searchsorted(measure_m, counted["end_m"] - 1e-6, side="right") - 1
    worst = np.full(len(measure_m) - 1, np.nan)
    for edge in (first, last):
        inside = (edge >= 0) & (edge < len(worst))
        np.fmin.at(worst, edge[inside], margin[inside])
    return ["" if math.isnan(value) else margin_class(value) for value in worst.tolist()]


def _cable(sheet: _Sheet, road: Road, layers: Mapping[str, Layer], room: LabelRoom) -> Iterator[str]:
    for row in layers["cables"].rows() if "cables" in layers else ():
        side = -1.0 if row["carriageway"] == "decreasing" else 1.0
        measure_m, x, y, _ = _path_of(sheet, road, road.reference, side * _CABLE)
        inside = (measure_m >= float(row["start_m"]) - 1.0) & (measure_m <= float(row["end_m"]) + 1.0)
        room.block(x[inside], y[inside])
        yield polyline(list(zip(x[inside].tolist(), y[inside].tolist(), strict=True)), "cable")


@dataclass(frozen=True)
class _Line:
    """The reference line on the picture; ``keeps_right`` as of the road."""

    measure_m: FloatArray
    x: FloatArray
    y: FloatArray
    keeps_right: int

    def at(self, measure_m: float) -> tuple[float, float]:
        """Where a measure lies."""
        return float(np.interp(measure_m, self.measure_m, self.x)), float(np.interp(measure_m, self.measure_m, self.y))

    def beside(self, sheet: _Sheet, row: Mapping[str, Any], least: Px) -> tuple[float, float]:
        """Where a thing's symbol goes: its own place, but never so near the road that it hides its colours."""
        measure_m = float(row["measure_m"])
        road_x, road_y = self.at(measure_m)
        place = np.array([float(row["latitude_deg"])]), np.array([float(row["longitude_deg"])])
        x, y = (float(v[0]) for v in sheet.xy(*place)) if math.isfinite(place[0][0]) else (road_x, road_y)
        half_m = 6.0 / sheet.units_per_m
        back, ahead = self.at(measure_m - half_m), self.at(measure_m + half_m)
        length = max(math.hypot(ahead[0] - back[0], ahead[1] - back[1]), 1e-9)
        right = -(ahead[1] - back[1]) / length, (ahead[0] - back[0]) / length
        off = (x - road_x) * right[0] + (y - road_y) * right[1]
        if abs(off) >= least or math.hypot(x - road_x, y - road_y) >= 2.0 * least:
            return x, y
        near = abs(off) < 0.5
        outwards = self.keeps_right * (1.0 if row["carriageway"] == "increasing" else -1.0)
        side = outwards if near else math.copysign(1.0, off)
        return road_x + right[0] * side * least, road_y + right[1] * side * least


def _size_of(sheet: _Sheet, road: Road, count: int) -> float:
    """Half the width of a symbol: smaller where many stand close, never too small to see."""
    return min(max(road.length_m * sheet.units_per_m / max(count, 1) / 3.0, 2.2), 4.5)


def _sites(sheet: _Sheet, line_of: _Line, road: Road, layers: Mapping[str, Layer]) -> Iterator[_Symbol]:
    rows = list(layers["sites"].rows()) if "sites" in layers else []
    half = _size_of(sheet, road, len(rows))
    for row in rows:
        x, y = line_of.beside(sheet, row, _CABLE + 2.0 + half)
        title = tag("title", _escaped(f"{row['site']} {row['name']}, {road.text(float(row['measure_m']))}"))
        triangle = f"M{coordinate(x)} {coordinate(y - 1.2 * half)}l{coordinate(half)} {coordinate(2 * half)}"
        mark = tag("path", title, d=f"{triangle}h{coordinate(-2 * half)}z", class_=f"site {row['kind']}")
        yield _Symbol(mark, x, y, half, str(row["site"]), "label")


def _huts(sheet: _Sheet, line_of: _Line, road: Road, layers: Mapping[str, Layer]) -> Iterator[_Symbol]:
    rows = list(layers["huts"].rows()) if "huts" in layers else []
    half = _size_of(sheet, road, 2 * len(rows))
    for row in rows:
        x, y = line_of.beside(sheet, row, _CABLE)
        title = tag("title", _escaped(f"{row['hut']} {row['name']}"))
        size = 2.0 * half
        mark = tag("rect", title, x=x - half, y=y - half, width=size, height=size, class_=f"hut {row['role']}")
        yield _Symbol(mark, x, y, half, str(row["hut"]), "label strong")


def _ticks(sheet: _Sheet, line_of: _Line, road: Road) -> Iterator[_Symbol]:
    tick_km = tick_step_km(max(75.0 / sheet.units_per_m / 1000.0, 1.0))
    word = "км" if road.calibration.script == "Cyrl" else "km"
    for measure_m, label in round_labels(road.calibration, tick_km):
        if 0.0 <= measure_m <= road.length_m:
            x, y = line_of.at(measure_m)
            yield _Symbol(tag("circle", cx=x, cy=y, r=1.8, class_="post"), x, y, 1.8, f"{word} {label.km}", "km")


def _places(line_of: _Line, road: Road) -> Iterator[_Symbol]:
    for row in road.places.rows():
        if row["kind"] in ("junction", "interchange", "service_area", "toll_plaza"):
            x, y = line_of.at(float(row["measure_m"]))
            name = str(row["name"])
            mark = tag("circle", tag("title", _escaped(name)), cx=x, cy=y, r=1.3, class_="place-dot")
            yield _Symbol(mark, x, y, 1.3, name, "place")


def _furniture(sheet: _Sheet) -> Iterator[str]:
    bar_m = nice_step_m(120.0 / sheet.units_per_m)
    length, y = bar_m * sheet.units_per_m, sheet.height - 14
    words = f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m"
    ends = [line(x, y - 4, x, y, "bar") for x in (14, 14 + length)]
    yield group([line(14, y, 14 + length, y, "bar"), *ends, text(20 + length, y + 3, words, "label")])
    x = WIDTH - 24
    yield group(
        [tag("path", d=f"M{x} 12l6 20l-6 -5l-6 5z", class_="north"), text(x, 44, "N", "label strong", "middle")]
    )


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;")
