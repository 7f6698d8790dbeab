"""What lies in the model space: lines, blocks and names of the road, the cables and everything on them, in an extent.

Cables, chambers and closures stand in the verge where the trench is planned; huts and sites at their own coordinates;
other equipment at its foot on the carriageway. Ways to huts and sites are drawn straight.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import Extent, Layer
from trassa.linear.ruler import round_labels
from trassa.optical.drawing.ground import DrawingGround
from trassa.optical.drawing.sheet import DrawingSheet, Mark
from trassa.optical.drawing.stretches import Stretch

__all__ = ["LAYERS", "LineModel"]

FloatArray = npt.NDArray[np.float64]
Row = Mapping[str, Any]
Layers = Mapping[str, Layer]
Point = tuple[float, float]

LAYERS = (
    ("BRIDGES", 4, "Bridge", "CONTINUOUS"),
    ("TUNNELS", 34, "Tunnel", "CONTINUOUS"),
    ("AS_BUILT", 40, "Cable that is laid already", "CONTINUOUS"),
    ("CROSSINGS", 6, "Drilled under the road", "DASHED"),
    ("HUT_ENTRIES", 6, "Trench into a hut", "DASHED"),
    ("DROPS", 94, "Drop to a radio site", "DASHED"),
    ("CHAMBERS", 7, "Chamber", "CONTINUOUS"),
    ("CLOSURES", 1, "Closure", "CONTINUOUS"),
    ("HUTS", 6, "Hut", "CONTINUOUS"),
    ("SITES", 5, "Radio site", "CONTINUOUS"),
    ("CONNECTIONS", 94, "Other equipment", "CONTINUOUS"),
    ("KM_POSTS", 7, "Whole kilometre", "CONTINUOUS"),
    ("KM_TICKS", 8, "Every hundred metres", "CONTINUOUS"),
)
"""Name, AutoCAD colour, what is on it and line type of each layer but those of axes and cables."""
_NAME_MM, _BEYOND_HUT_MM, _COLUMN_MM, _TICK_MM, _INWARDS_MM = 5.0, 12.0, 19.0, 1.5, 2.0
"""Where names begin beside the trench, and behind a hut; how wide a column of them is; half the length of a tick; how
far from the axis kilometres stand on its inner side. Millimetres of paper."""
_CABLE_NAME_MM = 1.8
_PLACES = (0.5, 0.35, 0.65, 0.2, 0.8)
"""Shares of a stretch where the name of a cable may stand."""


@dataclass(frozen=True)
class LineModel:
    """Draws what lies within an extent of the road, for the stretches that its names are read on; ``mm_m`` is a
    millimetre of paper in metres."""

    ground: DrawingGround
    layers: Layers
    stretches: Sequence[Stretch]
    within: Extent
    mm_m: float

    def draw(self, sheet: DrawingSheet) -> None:
        """Draw layers, lines, blocks and names."""
        road = self.ground.road
        for carriageway in road.alignments:
            name = f"ROAD_AXIS_{carriageway.upper()}"
            text = f"Axis, km {carriageway}"
            sheet.layer(name, 7 if carriageway == road.reference else 9, text, "CENTER")
            self._line(sheet, name, self.ground.axis[carriageway], self.within)
        for name, colour, text, look in LAYERS:
            sheet.layer(name, colour, text, look)
        for row in _rows(self.layers["cables"]):
            sheet.layer(f"CABLE_{row['cable']}", 30, f"Cable {row['cable']}, {row['fibres']} fibres", width_mm=0.5)
        self._cables(sheet)
        self._ways(sheet)
        self._ticks(sheet)
        for name, mark in self._marks():
            sheet.mark(name, mark)

    def _line(self, sheet: DrawingSheet, name: str, line: FloatArray, extent: Extent, width_m: float = 0.0) -> None:
        start_m, end_m = max(extent.start_m, self.within.start_m), min(extent.end_m, self.within.end_m)
        if end_m > start_m:
            sheet.lines(name, self.ground.part(line, start_m, end_m), width_m)

    def _has(self, row: Row) -> bool:
        return self.within.start_m <= float(row["measure_m"]) <= self.within.end_m

    def _cables(self, sheet: DrawingSheet) -> None:
        """Cables, what is laid of them, their names; bridges and tunnels."""
        ground = self.ground
        side: dict[str, Any] = {str(row["cable"]): row["carriageway"] for row in _rows(self.layers["cables"])}
        for row in _rows(self.layers["cables"]):
            self._line(sheet, f"CABLE_{row['cable']}", ground.verge[row["carriageway"]], _extent(row))
            self._names(sheet, row)
        for row in _rows(self.layers["reels"].where(origin="as built")):
            self._line(sheet, "AS_BUILT", ground.verge[side[str(row["cable"])]], _extent(row), 0.5 * self.mm_m)
        for row in _rows(ground.road.structures):
            if row["kind"] in ("bridge", "tunnel"):
                name = f"{row['kind']}s".upper()
                self._line(sheet, name, ground.axis[row["carriageway"]], _extent(row), self.mm_m)

    def _names(self, sheet: DrawingSheet, cable: Row) -> None:
        """The name of a cable once on every stretch, along it, as far as may be from everything that has a name."""
        line, side, extent = self.ground.verge[cable["carriageway"]], cable["carriageway"], _extent(cable)
        named = np.concatenate([self.layers[name]["measure_m"] for name in ("chambers", "huts", "connections")])
        nth = self._nth(str(cable["cable"]))
        for stretch in self.stretches:
            start_m, end_m = max(extent.start_m, stretch.start_m), min(extent.end_m, stretch.end_m)
            if end_m - start_m < 40.0 * self.mm_m:
                continue
            places = [start_m + share * (end_m - start_m) for share in _PLACES]
            at_m = max(places, key=lambda m: round(float(np.abs(named - m).min(initial=1e6)), 3))
            away = self.ground.outwards(side, at_m)
            along = (-away[1], away[0])
            x, y = self.ground.at(line, at_m)
            off_m = _CABLE_NAME_MM * (1.0 + 1.5 * nth) * self.mm_m
            where = (x + off_m * away[0], y + off_m * away[1])
            sheet.text(
                f"CABLE_{cable['cable']}", f"{cable['cable']}, {cable['fibres']} fibres", where, along, stretch.turn_rad
            )

    def _nth(self, cable: str) -> int:
        """The place of a cable's name beside others in its trench."""
        sides = {str(row["cable"]): row["carriageway"] for row in _rows(self.layers["cables"])}
        return sorted({name[:3] for name in sides if sides[name] == sides[cable]}).index(cable[:3])

    def _ways(self, sheet: DrawingSheet) -> None:
        """Ways under the road, into huts and to radio sites, each a straight line."""
        ground = self.ground
        for row in filter(self._has, _rows(self.layers["crossings"])):
            sides = [name for name in (row["carriageway"], row["to_carriageway"]) if name in ground.verge]
            if len(sides) == 2:
                ends = [ground.at(ground.verge[name], float(row["measure_m"])) for name in sides]
                sheet.lines("CROSSINGS", np.array(ends))
        for row in filter(self._has, _rows(self.layers["huts"])):
            first = ground.at(ground.verge[row["carriageway"]], float(row["measure_m"]))
            sheet.lines("HUT_ENTRIES", np.vstack((first, self._place(row))))
        sites = _sites(self.layers)
        for row in filter(self._has, _rows(self.layers["drop_cables"])):
            site = sites.get(str(row["connection"]))
            if site is not None:
                first = ground.at(ground.verge[row["carriageway"]], float(row["measure_m"]))
                sheet.lines("DROPS", np.vstack((first, self._place(site))))

    def _ticks(self, sheet: DrawingSheet) -> None:
        ground, side = self.ground, self.ground.road.reference
        for measure_m, label in round_labels(ground.road.calibration, 0.1):
            if self._has({"measure_m": measure_m}) and label.metres:
                at = np.array(ground.at(ground.axis[side], measure_m))
                away = np.array(ground.outwards(side, measure_m))
                half = _TICK_MM * self.mm_m * away
                sheet.lines("KM_TICKS", np.vstack((at - half, at + half)))
                along = ground.along(ground.axis[side], measure_m)
                x, y = (at + self.mm_m * (np.array(along) - _INWARDS_MM * away)).tolist()
                sheet.text("KM_TICKS", f"+{round(label.metres)}", (x, y), along, self._turn(measure_m))

    def _marks(self) -> Iterator[tuple[str, Mark]]:
        """Every block with its layer; names stand in columns beside the trench, apart from those at the same place."""
        for row in filter(self._has, _rows(self.layers["chambers"])):
            texts = {"NAME": row["chamber"], "KIND": row["purpose"], "CABLE": row["cable"], "ORIGIN": row["origin"]}
            yield "CHAMBERS", self._in_verge("CHAMBER", row, self._chamber_mm(row), texts)
        column = self._columns()
        for row in filter(self._has, _rows(self.layers["closures"])):
            lengths = {name.upper(): f"{float(row[name]):.1f}" for name in ("route_m", "sheath_m", "fibre_m")}
            texts = {"NAME": row["closure"], "KIND": row["kind"], "CABLE": row["cable"], "ORIGIN": row["origin"]}
            label_mm = _NAME_MM + column[str(row["cable"])] * _COLUMN_MM
            yield "CLOSURES", self._in_verge("CLOSURE", row, label_mm, {**texts, **lengths})
        for row in filter(self._has, _rows(self.layers["huts"])):
            texts = {"NAME": f"{row['hut']} {row['name']}".strip(), "KIND": row["role"], "ORIGIN": row["origin"]}
            yield "HUTS", self._mark("HUT", row, self._place(row), row["carriageway"], _COLUMN_MM + _NAME_MM, texts)
        yield from self._connections(_NAME_MM + (max(column.values(), default=0) + 1) * _COLUMN_MM)
        yield from self._posts()

    def _chamber_mm(self, row: Row) -> float:
        return _BEYOND_HUT_MM if row["purpose"] == "hut" else _NAME_MM

    def _posts(self) -> Iterator[tuple[str, Mark]]:
        road, side = self.ground.road, self.ground.road.reference
        for measure_m, label in round_labels(road.calibration, 1.0):
            if self._has({"measure_m": measure_m}):
                row = {"measure_m": measure_m, "carriageway": side}
                texts = {"NAME": f"km {label if label.metres else label.km}"}
                line = self.ground.axis[side]
                mark = self._mark("KM_POST", row, self.ground.at(line, measure_m), side, 1.0, texts)
                along = np.array(self.ground.along(line, measure_m))
                left = float(np.sign(along[0] * mark.direction[1] - along[1] * mark.direction[0]))
                yield "KM_POSTS", replace(mark, direction=tuple(along.tolist()), aside_mm=-left * _INWARDS_MM)

    def _columns(self) -> dict[str, int]:
        """The column of each cable's closures: cables on one side of the road have columns of their own."""
        found: dict[str, int] = {}
        for side in ("increasing", "decreasing"):
            rows = list(_rows(self.layers["cables"].where(carriageway=side)))
            kinds = sorted({str(row["cable"])[:3] for row in rows})
            found |= {str(row["cable"]): 1 + kinds.index(str(row["cable"])[:3]) for row in rows}
        return found

    def _connections(self, label_mm: float) -> Iterator[tuple[str, Mark]]:
        sites = _sites(self.layers)
        for row in filter(self._has, _rows(self.layers["connections"])):
            site, side = sites.get(str(row["connection"])), row["carriageway"]
            texts = {"NAME": row["connection"], "KIND": row["service"]}
            if site is not None:
                yield "SITES", self._mark("SITE", row, self._place(site), side, label_mm, texts)
            else:
                foot = self.ground.at(self.ground.axis[side], float(row["measure_m"]))
                begins_mm = label_mm + self.ground.verge_offset_m / self.mm_m
                yield "CONNECTIONS", self._mark("CONNECTION", row, foot, side, begins_mm, texts)

    def _in_verge(self, block: str, row: Row, label_mm: float, texts: Mapping[str, object]) -> Mark:
        place = self.ground.at(self.ground.verge[row["carriageway"]], float(row["measure_m"]))
        return self._mark(block, row, place, row["carriageway"], label_mm, texts)

    def _mark(self, block: str, row: Row, at: Point, side: Any, label_mm: float, texts: Mapping[str, object]) -> Mark:
        measure_m = float(row["measure_m"])
        where = {"KM": self.ground.road.calibration.text(measure_m), "MEASURE_M": f"{measure_m:.1f}"}
        said = {name: str(text) for name, text in {**where, **texts}.items()}
        return Mark(block, at, self.ground.outwards(side, measure_m), label_mm, said, self._turn(measure_m))

    def _place(self, row: Row) -> Point:
        x, y = self.ground.projected(row["latitude_deg"], row["longitude_deg"])[0].tolist()
        return x, y

    def _turn(self, measure_m: float) -> float:
        """The turn of the view on which a measure is seen, of the one before where none shows it."""
        index = bisect_right(self.stretches, measure_m, key=lambda stretch: stretch.start_m) - 1
        return self.stretches[max(index, 0)].turn_rad if self.stretches else 0.0


def _extent(row: Row) -> Extent:
    return Extent(float(row["start_m"]), float(row["end_m"]))


def _rows(layer: Layer) -> Iterator[Row]:
    return iter(layer.rows())


def _sites(layers: Layers) -> dict[str, Row]:
    return {str(row["site"]): row for row in _rows(layers["sites"])} if "sites" in layers else {}
