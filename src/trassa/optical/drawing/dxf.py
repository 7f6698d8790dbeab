"""The line as a DXF drawing in plan, for drawing offices: R2010, metres, a UTM zone that the file itself states.

The whole road lies in one model space at 1 : 1, and once more in view on a sheet of A3. Cables, chambers and closures
stand in the verge where the trench is planned; huts and sites at their own coordinates; other equipment at its foot on
the carriageway. Ways to huts and sites are drawn straight. Lengths in the attributes are those of the plan; lengths
measured in the drawing differ by the scale of the projection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.linear.ruler import round_labels
from trassa.optical.drawing.ground import DrawingGround, Zone, zone_of
from trassa.optical.drawing.sheet import DrawingSheet, Mark
from trassa.road.model import Road

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


def write_drawing(path: Path, road: Road, layers: Mapping[str, Layer], title: str, verge_offset_m: float) -> Zone:
    """Draw road, cables and everything on them into a file; gives the zone it is drawn in. The trench lies
    ``verge_offset_m`` outwards from the axis of its carriageway.

    Raises :class:`InputError` as :func:`zone_of` does, before anything is written.
    """
    zone = zone_of(road)
    ground = DrawingGround(road, zone, verge_offset_m)
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


def _lines(ground: DrawingGround, layers: Mapping[str, Layer]) -> Iterator[tuple[str, FloatArray, float]]:
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


def _ways(ground: DrawingGround, layers: Mapping[str, Layer]) -> Iterator[tuple[str, FloatArray, float]]:
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


def _marks(ground: DrawingGround, layers: Mapping[str, Layer]) -> Iterator[tuple[str, Mark]]:
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


def _connections(ground: DrawingGround, layers: Mapping[str, Layer], column: int) -> Iterator[tuple[str, Mark]]:
    sites = _sites(layers)
    label_m = _NAME_M + column * _COLUMN_M
    for row in _rows(layers["connections"]):
        site, side, at_m = sites.get(str(row["connection"])), row["carriageway"], float(row["measure_m"])
        texts, away = {"NAME": row["connection"], "KIND": row["service"]}, ground.outwards(side, at_m)
        if site is not None:
            yield "SITES", _placed(ground, "SITE", row, (site, away, label_m), texts)
        else:
            foot, begins_m = ground.at(ground.axis[side], at_m), label_m + ground.verge_offset_m
            yield "CONNECTIONS", Mark("CONNECTION", foot, away, begins_m, _located(ground.road, row, texts))


def _in_verge(ground: DrawingGround, block: str, row: Row, label_m: float, texts: Mapping[str, object]) -> Mark:
    at_m, side = float(row["measure_m"]), row["carriageway"]
    place, away = ground.at(ground.verge[side], at_m), ground.outwards(side, at_m)
    return Mark(block, place, away, label_m, _located(ground.road, row, texts))


def _placed(
    ground: DrawingGround,
    block: str,
    row: Row,
    known: tuple[Row, tuple[float, float], float],
    texts: Mapping[str, object],
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


def _sites(layers: Mapping[str, Layer]) -> dict[str, Row]:
    return {str(row["site"]): row for row in _rows(layers["sites"])} if "sites" in layers else {}
