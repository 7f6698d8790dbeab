"""The line as a DXF drawing in plan, for drawing offices: R2010, metres, a UTM zone that the file itself states.

The whole road lies in one model space at 1 : 1, and once more in view on a sheet of A3. Cables, chambers and closures
stand in the verge where the trench is planned; huts and sites at their own coordinates; other equipment at its foot on
the carriageway. Ways to huts and sites are drawn straight. Lengths in the attributes are those of the plan; lengths
measured in the drawing differ by the scale of the projection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Proj, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from trassa.errors import InputError
from trassa.linear import Carriageway, Layer
from trassa.linear.ruler import round_labels
from trassa.optical.drawing_sheet import DrawingSheet, Mark
from trassa.road.model import Road
from trassa.road.verge import beside, outwards

__all__ = ["Zone", "write_drawing", "zone_of"]

FloatArray = npt.NDArray[np.float64]
Row = Mapping[str, Any]

_LAYERS = (
    ("BRIDGES", 4, "Bridges that a carriageway passes over"),
    ("TUNNELS", 2, "Tunnels"),
    ("AS_BUILT", 40, "Cable that is laid already"),
    ("CROSSINGS", 6, "Ways drilled under the road"),
    ("HUT_ENTRIES", 6, "Trenches from the line into the huts, drawn straight"),
    ("DROPS", 3, "Drops to radio sites, drawn straight"),
    ("CHAMBERS", 8, "Chambers"),
    ("CLOSURES", 1, "Closures, with the three lengths from the start of their cable"),
    ("HUTS", 6, "Technical buildings"),
    ("SITES", 5, "Radio sites"),
    ("CONNECTIONS", 3, "Other equipment, at its foot on the carriageway"),
    ("KM_POSTS", 7, "Whole kilometre labels on the reference carriageway"),
    ("KM_TICKS", 9, "Every hundred metres of label, across the reference carriageway"),
)
_NAME_M, _BEYOND_HUT_M, _COLUMN_M, _TICK_M = 6.0, 24.0, 38.0, 3.0
"""Where names begin beside the trench, and behind a hut; how wide a column of them is; half the length of a tick."""


@dataclass(frozen=True)
class Zone:
    """A UTM zone and the scale of its projection along the road: drawn length over length on the ellipsoid."""

    name: str
    epsg: int
    least_scale_ratio: float
    greatest_scale_ratio: float

    def text(self) -> str:
        """``EPSG:32632, WGS 84 / UTM zone 32N, scale along the road 0.99985–0.99993``."""
        scale = f"{self.least_scale_ratio:.5f}–{self.greatest_scale_ratio:.5f}"
        return f"EPSG:{self.epsg}, {self.name}, scale along the road {scale}"


def zone_of(road: Road) -> Zone:
    """The UTM zone of the road's middle.

    Raises :class:`InputError` for an axis without geometry: a schematic one, or one without coordinates.
    """
    line = road.alignments[road.reference]
    known = line.present & np.isfinite(line.latitude_deg) & np.isfinite(line.longitude_deg)
    if road.axis == "schematic" or not known.any():
        raise InputError(
            f"drawing: {road.ref} has a {road.axis} axis and no geometry that could be drawn to scale",
            cure="leave dxf out with --only, or a road with geometry: trassa road fetch",
        )
    at = int(np.flatnonzero(known)[np.count_nonzero(known) // 2])
    lat, lon = float(line.latitude_deg[at]), float(line.longitude_deg[at])
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=AreaOfInterest(lon, lat, lon, lat))
    if not found:
        raise InputError(f"drawing: no UTM zone holds {lat:.3f}, {lon:.3f}", cure="leave dxf out with --only")
    factors = Proj(CRS.from_epsg(int(found[0].code))).get_factors(line.longitude_deg[known], line.latitude_deg[known])
    scale = np.asarray(factors.meridional_scale)
    return Zone(found[0].name, int(found[0].code), float(scale.min()), float(scale.max()))


def write_drawing(path: Path, road: Road, layers: Mapping[str, Layer], title: str, verge_offset_m: float) -> Zone:
    """Draw road, cables and everything on them into a file; gives the zone it is drawn in. The trench lies
    ``verge_offset_m`` outwards from the axis of its carriageway.

    Raises :class:`InputError` as :func:`zone_of` does, before anything is written.
    """
    zone = zone_of(road)
    ground = _Ground(road, zone, verge_offset_m)
    sheet = DrawingSheet(zone.text())
    for carriageway in road.alignments:
        name = f"ROAD_AXIS_{carriageway.upper()}"
        sheet.layer(name, 7 if carriageway == road.reference else 9, f"Axis of the {carriageway} carriageway")
        sheet.lines(name, ground.axis[carriageway])
    for name, colour, text in _LAYERS:
        sheet.layer(name, colour, text)
    for row in _rows(layers["cables"]):
        sheet.layer(f"CABLE_{row['cable']}", 30, f"Cable {row['cable']}, {row['fibres']} fibres")
    for name, points, width_m in _lines(ground, layers):
        sheet.lines(name, points, width_m)
    for name, mark in _marks(ground, layers):
        sheet.mark(name, mark)
    said = (
        f"{title}: {road.span_text(0.0, road.length_m)}".removeprefix(f"{road.ref}: "),
        f"{zone.text()}; metres, no heights",
        f"Cables, chambers and closures lie {verge_offset_m:g} m outwards from the axis of their carriageway; ways to "
        "huts and sites are drawn straight.",
        "Lengths in attributes are those of the plan, not of this projection.",
    )
    known = ground.axis[road.reference][np.isfinite(ground.axis[road.reference]).all(axis=1)]
    sheet.notes((float(known[0, 0]), float(known[0, 1]) - 100.0), said)
    sheet.paper((*known.min(axis=0).tolist(), *known.max(axis=0).tolist()), said)
    sheet.save(path)
    return zone


@dataclass(frozen=True)
class _Ground:
    """The road in the plane of the drawing: coordinates at measures of its reference line."""

    road: Road
    zone: Zone
    verge_offset_m: float

    @cached_property
    def axis(self) -> dict[Carriageway, FloatArray]:
        """Points of each carriageway's axis, shape (n, 2); NaN where it is missing."""
        return {name: self._drawn(self.road, name) for name in self.road.alignments}

    @cached_property
    def verge(self) -> dict[Carriageway, FloatArray]:
        """Points of the trench beside each carriageway; where one is missing, beside the other."""
        # a centimetre at least: what is missing is filled in only where the line is moved
        moved = beside(self.road, max(self.verge_offset_m, 0.01))
        return {name: self._drawn(moved, name) for name in moved.alignments}

    def projected(self, latitude_deg: Any, longitude_deg: Any) -> FloatArray:
        """Points in degrees as points of the drawing, shape (n, 2)."""
        return np.column_stack(self._transformer.transform(longitude_deg, latitude_deg))

    def at(self, line: FloatArray, measure_m: float) -> tuple[float, float]:
        """A point of a line of this ground at a measure; in a hole, between its ends."""
        along_m = self.road.alignments[self.road.reference].measure_m
        known = np.isfinite(line[:, 0])
        x, y = (float(np.interp(measure_m, along_m[known], line[known, column])) for column in (0, 1))
        return x, y

    def part(self, line: FloatArray, start_m: float, end_m: float) -> FloatArray:
        """The points of a line from one measure to another."""
        along_m = self.road.alignments[self.road.reference].measure_m
        inner = (along_m > start_m) & (along_m < end_m)
        return np.vstack((self.at(line, start_m), line[inner], self.at(line, end_m)))

    def outwards(self, carriageway: Carriageway, measure_m: float) -> tuple[float, float]:
        """The unit vector away from the road, square to the trench."""
        line = self.verge[carriageway]
        ends_m = max(measure_m - 15.0, 0.0), min(measure_m + 15.0, self.road.length_m)
        first, second = (np.array(self.at(line, m)) for m in ends_m)
        along = (second - first) / max(float(np.hypot(*(second - first))), 1e-9)
        side = self._side[carriageway]
        return float(side * along[1]), float(-side * along[0])

    @cached_property
    def _side(self) -> dict[Carriageway, int]:
        return {name: outwards(self.road, name) for name in self.road.alignments}

    @cached_property
    def _transformer(self) -> Transformer:
        return Transformer.from_crs("EPSG:4326", f"EPSG:{self.zone.epsg}", always_xy=True)

    def _drawn(self, road: Road, carriageway: Carriageway) -> FloatArray:
        line = road.alignments[carriageway]
        known = line.present & np.isfinite(line.latitude_deg) & np.isfinite(line.longitude_deg)
        points = np.full((len(known), 2), np.nan)
        points[known] = self.projected(line.latitude_deg[known], line.longitude_deg[known])
        return points


def _lines(ground: _Ground, layers: Mapping[str, Layer]) -> Iterator[tuple[str, FloatArray, float]]:
    """Every line with its layer and width in metres."""
    side: dict[str, Any] = {str(row["cable"]): row["carriageway"] for row in _rows(layers["cables"])}
    for row in _rows(layers["cables"]):
        line = ground.verge[side[str(row["cable"])]]
        yield f"CABLE_{row['cable']}", ground.part(line, float(row["start_m"]), float(row["end_m"])), 0.0
    for row in _rows(layers["reels"].where(origin="as built")):
        line = ground.verge[side[str(row["cable"])]]
        yield "AS_BUILT", ground.part(line, float(row["start_m"]), float(row["end_m"])), 1.0
    for row in _rows(ground.road.structures):
        if row["kind"] in ("bridge", "tunnel"):
            line = ground.axis[row["carriageway"]]
            yield f"{row['kind']}s".upper(), ground.part(line, float(row["start_m"]), float(row["end_m"])), 2.0
    yield from _ways(ground, layers)
    for measure_m, label in round_labels(ground.road.calibration, 0.1):
        if 0.0 <= measure_m <= ground.road.length_m and label.metres:
            at = np.array(ground.at(ground.axis[ground.road.reference], measure_m))
            half = _TICK_M * np.array(ground.outwards(ground.road.reference, measure_m))
            yield "KM_TICKS", np.vstack((at - half, at + half)), 0.0


def _ways(ground: _Ground, layers: Mapping[str, Layer]) -> Iterator[tuple[str, FloatArray, float]]:
    """Ways under the road, into huts and to radio sites, each a straight line."""
    for row in _rows(layers["crossings"]):
        sides = [name for name in (row["carriageway"], row["to_carriageway"]) if name in ground.verge]
        if len(sides) == 2:
            ends = [ground.at(ground.verge[name], float(row["measure_m"])) for name in sides]
            yield "CROSSINGS", np.array(ends), 0.0
    for row in _rows(layers["huts"]):
        first = ground.at(ground.verge[row["carriageway"]], float(row["measure_m"]))
        place = ground.projected(row["latitude_deg"], row["longitude_deg"])[0]
        yield "HUT_ENTRIES", np.vstack((first, place)), 0.0
    sites = {str(row["site"]): row for row in _rows(layers["sites"])} if "sites" in layers else {}
    for row in _rows(layers["drop_cables"]):
        site = sites.get(str(row["connection"]))
        if site is not None:
            first = ground.at(ground.verge[row["carriageway"]], float(row["measure_m"]))
            place = ground.projected(site["latitude_deg"], site["longitude_deg"])[0]
            yield "DROPS", np.vstack((first, place)), 0.0


def _marks(ground: _Ground, layers: Mapping[str, Layer]) -> Iterator[tuple[str, Mark]]:
    """Every block with its layer; names stand in columns beside the trench, apart from those at the same place."""
    for row in _rows(layers["chambers"]):
        texts = {"NAME": row["chamber"], "KIND": row["purpose"], "CABLE": row["cable"], "ORIGIN": row["origin"]}
        begins_m = _BEYOND_HUT_M if row["purpose"] == "hut" else _NAME_M
        yield "CHAMBERS", _in_verge(ground, "CHAMBER", row, begins_m, texts)
    column = _columns(layers)
    for row in _rows(layers["closures"]):
        lengths = {name.upper(): f"{float(row[name]):.1f}" for name in ("route_m", "sheath_m", "fibre_m")}
        texts = {"NAME": row["closure"], "KIND": row["kind"], "CABLE": row["cable"], "ORIGIN": row["origin"], **lengths}
        yield "CLOSURES", _in_verge(ground, "CLOSURE", row, _NAME_M + column[str(row["cable"])] * _COLUMN_M, texts)
    for row in _rows(layers["huts"]):
        texts = {"NAME": f"{row['hut']} {row['name']}".strip(), "KIND": row["role"], "ORIGIN": row["origin"]}
        away = ground.outwards(row["carriageway"], float(row["measure_m"]))
        yield "HUTS", _placed(ground, "HUT", row, (row, away, _COLUMN_M + _NAME_M), texts)
    yield from _connections(ground, layers, max(column.values(), default=0) + 1)
    for measure_m, label in round_labels(ground.road.calibration, 1.0):
        if 0.0 <= measure_m <= ground.road.length_m:
            post = {"measure_m": measure_m, "carriageway": ground.road.reference}
            texts = {"NAME": str(label) if label.metres else str(label.km)}
            at = ground.at(ground.axis[ground.road.reference], measure_m)
            away = ground.outwards(ground.road.reference, measure_m)
            inwards = (-away[0], -away[1])
            yield "KM_POSTS", Mark("KM_POST", at, inwards, _COLUMN_M, _located(ground.road, post, texts))


def _columns(layers: Mapping[str, Layer]) -> dict[str, int]:
    """The column of each cable's closures: cables on one side of the road have columns of their own."""
    found: dict[str, int] = {}
    for side in ("increasing", "decreasing"):
        rows = list(_rows(layers["cables"].where(carriageway=side)))
        kinds = sorted({str(row["cable"])[:3] for row in rows})
        found |= {str(row["cable"]): 1 + kinds.index(str(row["cable"])[:3]) for row in rows}
    return found


def _connections(ground: _Ground, layers: Mapping[str, Layer], column: int) -> Iterator[tuple[str, Mark]]:
    sites = {str(row["site"]): row for row in layers["sites"].rows()} if "sites" in layers else {}
    label_m = _NAME_M + column * _COLUMN_M
    for row in _rows(layers["connections"]):
        site, side, at_m = sites.get(str(row["connection"])), row["carriageway"], float(row["measure_m"])
        texts, away = {"NAME": row["connection"], "KIND": row["service"]}, ground.outwards(side, at_m)
        if site is not None:
            yield "SITES", _placed(ground, "SITE", row, (site, away, label_m), texts)
        else:
            foot, begins_m = ground.at(ground.axis[side], at_m), label_m + ground.verge_offset_m
            yield "CONNECTIONS", Mark("CONNECTION", foot, away, begins_m, _located(ground.road, row, texts))


def _in_verge(ground: _Ground, block: str, row: Row, label_m: float, texts: Mapping[str, object]) -> Mark:
    at_m, side = float(row["measure_m"]), row["carriageway"]
    place, away = ground.at(ground.verge[side], at_m), ground.outwards(side, at_m)
    return Mark(block, place, away, label_m, _located(ground.road, row, texts))


def _placed(
    ground: _Ground, block: str, row: Row, known: tuple[Row, tuple[float, float], float], texts: Mapping[str, object]
) -> Mark:
    """A mark at coordinates of its own; ``known`` has them, the direction of its name and where that begins."""
    place, away, label_m = known
    x, y = ground.projected(place["latitude_deg"], place["longitude_deg"])[0].tolist()
    return Mark(block, (x, y), away, label_m, _located(ground.road, row, texts))


def _located(road: Road, row: Row, texts: Mapping[str, object]) -> dict[str, str]:
    measure_m = float(row["measure_m"])
    where = {"KM": road.calibration.text(measure_m), "MEASURE_M": f"{measure_m:.1f}"}
    return {name: str(text) for name, text in {**where, **texts}.items()}


def _rows(layer: Layer) -> Iterator[Row]:
    return iter(layer.rows())
