"""The line as a DXF drawing in plan, for drawing offices: R2010, metres, a UTM zone that the file itself states.

The whole road lies in one model space at 1 : 1. Sheets of A3 show it in views: an overview, and sheets along the road,
each turned so that the road runs from left to right, with match lines to its neighbours. A file holds 255 sheets at
most, which is what drawing programs take; the sheets of a longer road have files of their own, each with the stretch
of the model that it shows. Lengths in the attributes are those of the plan; lengths measured in the drawing differ by
the scale of the projection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trassa.linear import Extent, Layer
from trassa.optical.drawing.ground import DrawingGround, Zone, zone_of
from trassa.optical.drawing.layouts import (
    PlaceRow,
    SheetTitle,
    draw_legend,
    draw_notes,
    draw_stretch,
    new_paper,
    sheet_view,
    title_block,
)
from trassa.optical.drawing.model import LineModel
from trassa.optical.drawing.overview import draw_overview
from trassa.optical.drawing.sheet import DrawingSheet
from trassa.optical.drawing.stretches import Stretch, stretches_of
from trassa.road.model import Road

__all__ = ["SCALES", "DrawnLine", "SheetTitle", "Zone", "write_drawing", "zone_of"]

SCALES = (500, 1000, 2000, 5000)
"""Scales of the sheets along the road."""
_MOST_SHEETS = 255
"""Drawing programs take no more sheets in a file."""
_SIGNS = {
    "CHAMBERS": "CHAMBER",
    "CLOSURES": "CLOSURE",
    "HUTS": "HUT",
    "SITES": "SITE",
    "CONNECTIONS": "CONNECTION",
    "KM_POSTS": "KM_POST",
}


@dataclass(frozen=True)
class DrawnLine:
    """What was drawn: the projection, and the sheets along the road."""

    zone: Zone
    sheets: int
    files: tuple[Path, ...]


@dataclass(frozen=True)
class _Set:
    """A set of sheets on its way into files."""

    ground: DrawingGround
    layers: Mapping[str, Layer]
    title: SheetTitle
    scale: int
    stretches: Sequence[Stretch]

    @property
    def mm_m(self) -> float:
        return self.scale / 1000.0

    def document(self, stretches: Sequence[Stretch], within: Extent) -> DrawingSheet:
        sheet = DrawingSheet(self.ground.zone.text(), self.scale)
        LineModel(self.ground, self.layers, stretches, within, self.mm_m).draw(sheet)
        title_block(sheet, self.title)
        return sheet

    def said(self) -> list[str]:
        offset_m = self.ground.verge_offset_m
        return [
            f"{self.ground.zone.text()}; metres, no heights.",
            f"Trench, chambers and closures lie {offset_m:g} m outwards from the axis of their carriageway; ways to "
            "huts and sites are drawn straight. Signs are larger than the things.",
            "Lengths in attributes are those of the plan, not of this projection.",
        ]


def write_drawing(
    path: Path, road: Road, layers: Mapping[str, Layer], title: SheetTitle, verge_offset_m: float, scale: int = 2000
) -> DrawnLine:
    """Draw road, cables and everything on them into a file, and beside it what does not fit one. The trench lies
    ``verge_offset_m`` outwards from the axis of its carriageway; ``scale`` is one of :data:`SCALES`.

    Raises :class:`InputError` as :func:`zone_of` does, before anything is written.
    """
    ground = DrawingGround(road, zone_of(road), verge_offset_m)
    view = sheet_view(scale / 1000.0)
    extents = [Extent(float(row["start_m"]), float(row["end_m"])) for row in layers["cables"].rows()]
    beside = [(row.measure_m, row.at) for row in _places(ground, layers, ("huts", "sites"))]
    work = _Set(ground, layers, title, scale, stretches_of(ground, extents, view, beside))
    whole = work.document(work.stretches, Extent(0.0, road.length_m))
    _first(whole, work)
    numbered = list(enumerate(work.stretches, start=1))
    files = [path]
    if len(numbered) < _MOST_SHEETS:
        _sheets(whole, work, numbered)
    else:
        for first in range(0, len(numbered), _MOST_SHEETS):
            files.append(path.with_name(f"{path.stem}_sheets_{len(files)}{path.suffix}"))
            _part(files[-1], work, numbered[first : first + _MOST_SHEETS])
    whole.save(path)
    return DrawnLine(ground.zone, len(numbered), tuple(files))


def _first(sheet: DrawingSheet, work: _Set) -> None:
    """The notes in the model space, and the overview."""
    ground, road = work.ground, work.ground.road
    span = f"{work.title.project}: {road.span_text(0.0, road.length_m)}".removeprefix(f"{road.ref}: ")
    sheet.layer("NOTES", 7, "What this drawing is")
    known = ground.middle[np.isfinite(ground.middle).all(axis=1)]
    sheet.notes((float(known[0, 0]), float(known[0, 1]) - 100.0), (span, *work.said()))
    huts = [
        (f"{row.name} {road.calibration.text(row.measure_m)}", row.at)
        for row in _places(ground, work.layers, ("huts",))
    ]
    said = {
        "STRETCH": road.span_text(0.0, road.length_m),
        "SHEET": "overview",
        "CONTENT": f"Optical line: overview of {len(work.stretches)} sheets at 1 : {work.scale}",
    }
    paper = draw_overview(sheet, known, sheet_view(work.mm_m), work.stretches, huts, said)
    draw_notes(paper, work.said())


def _part(path: Path, work: _Set, numbered: Sequence[tuple[int, Stretch]]) -> None:
    """A file for some of the sheets, with their stretch of the model."""
    beyond_m = sheet_view(work.mm_m).wide_m / 2.0
    start_m = max(numbered[0][1].start_m - beyond_m, 0.0)
    end_m = min(numbered[-1][1].end_m + beyond_m, work.ground.road.length_m)
    sheet = work.document([stretch for _, stretch in numbered], Extent(start_m, end_m))
    _sheets(sheet, work, numbered)
    sheet.save(path)


def _sheets(sheet: DrawingSheet, work: _Set, numbered: Sequence[tuple[int, Stretch]]) -> None:
    """The sheets along the road; the first of the set has the legend."""
    road, count = work.ground.road, len(work.stretches)
    digits = max(len(str(count)), 2)
    rows = _places(work.ground, work.layers, ("chambers", "closures", "huts", "sites"))
    for number, stretch in numbered:
        said = {
            "STRETCH": road.span_text(stretch.start_m, stretch.end_m),
            "CONTENT": "Optical line: plan of the trench",
            "SCALE": f"1 : {work.scale}",
            "SHEET": f"{number} of {count}",
        }
        paper = new_paper(sheet, f"{number:0{digits}d}", said)
        match = [(stretch.start_m, number - 1)] if stretch.before else []
        match += [(stretch.end_m, number + 1)] if stretch.behind else []
        mine = [row for row in rows if stretch.start_m <= row.measure_m <= stretch.end_m]
        along = work.ground.part(work.ground.middle, stretch.start_m, stretch.end_m)
        along = along[np.isfinite(along).all(axis=1)]
        draw_stretch(paper, sheet, stretch, along, [_match(work, *one) for one in match], _joined(mine, road))
        if number == 1:
            draw_legend(paper, sheet, _SIGNS)
        else:
            draw_notes(paper, work.said())


def _match(work: _Set, measure_m: float, neighbour: int) -> tuple[tuple[float, float], tuple[float, float], str]:
    ground, road = work.ground, work.ground.road
    at = ground.at(ground.middle, measure_m)
    away = ground.outwards(road.reference, measure_m)
    return at, away, f"Match line {road.calibration.text(measure_m)}, sheet {neighbour}"


@dataclass(frozen=True)
class _Place:
    measure_m: float
    name: str
    at: tuple[float, float]


def _places(ground: DrawingGround, layers: Mapping[str, Layer], kinds: Sequence[str]) -> list[_Place]:
    """Things by measure, with their place in the drawing."""
    named = {"chambers": "chamber", "closures": "closure", "huts": "hut", "sites": "site"}
    served: dict[str, Mapping[str, Any]] = {str(row["connection"]): row for row in layers["connections"].rows()}
    found = []
    for kind in kinds:
        rows: Iterable[Mapping[str, Any]] = layers[kind].rows() if kind in layers else ()
        for row in rows:
            name = str(row[named[kind]])
            if kind == "sites" and name not in served:
                continue
            on_road = served[name] if kind == "sites" else row
            if kind in ("huts", "sites"):
                x, y = ground.projected(row["latitude_deg"], row["longitude_deg"])[0].tolist()
            else:
                x, y = ground.at(ground.verge[row["carriageway"]], float(row["measure_m"]))
            found.append(_Place(float(on_road["measure_m"]), name, (x, y)))
    return sorted(found, key=lambda place: place.measure_m)


def _joined(places: Sequence[_Place], road: Road) -> list[PlaceRow]:
    """Rows of the table of places; things at one place are one row."""
    names: dict[tuple[str, str], list[str]] = {}
    at: dict[tuple[str, str], _Place] = {}
    for place in places:
        key = f"{place.at[0]:.1f}", f"{place.at[1]:.1f}"
        names.setdefault(key, []).append(place.name)
        at.setdefault(key, place)
    return [PlaceRow(", ".join(names[key]), road.calibration.text(at[key].measure_m), at[key].at) for key in at]
