"""Sheets of A3 in paper space: a frame with a title block, a view of the model, match lines, places to set out.

Paper is measured in millimetres from its lower left corner. Frame and title block are one block; what differs from
sheet to sheet are its attributes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely
from ezdxf.enums import TextEntityAlignment

from trassa.optical.drawing.sheet import STYLE, DrawingSheet
from trassa.optical.drawing.stretches import Stretch, View, upright

if TYPE_CHECKING:
    from ezdxf.layouts.blocklayout import BlockLayout
    from ezdxf.layouts.layout import Paperspace

__all__ = [
    "PlaceRow",
    "SheetTitle",
    "add_north",
    "draw_legend",
    "draw_notes",
    "draw_stretch",
    "new_paper",
    "sheet_view",
    "title_block",
]

FloatArray = npt.NDArray[np.float64]
Point = tuple[float, float]

_PAPER_MM = (420.0, 297.0)
_LEFT, _BOTTOM, _RIGHT, _TOP, _STRIP = 20.0, 10.0, 410.0, 287.0, 50.0
"""The frame of ISO 5457, with its filing margin, and the upper edge of the strip under the view."""
_NOTES_X, _TITLE_X = 148.0, 262.0
_OVERLAP_MM, _NAMES_MM, _MATCH_MM, _GRID_MM, _CLEAR_MM = 20.0, 55.0, 70.0, 100.0, 14.0
"""What a view shows beyond its match lines; room for names beside the trench; half a match line; between crosses of
the grid; what the road takes on either side of its middle."""
_ROWS, _ROW_MM, _TEXT_MM, _CAPTION_MM = 9, 3.6, 2.0, 1.8
_WIDTH_RATIO = 0.85
"""Width of a letter over its height, generously."""
_CELLS = (
    ("STRETCH", "Stretch", _TITLE_X, 30.0, 148.0, 4.0),
    ("CONTENT", "Drawing", _TITLE_X, 20.0, 148.0, 3.0),
    ("SCALE", "Scale, A3", _TITLE_X, 10.0, 30.0, 3.0),
    ("SHEET", "Sheet", 376.0, 10.0, 34.0, 3.5),
)
"""Attributes of the title block: tag, caption, lower left corner, width, height of letters."""


@dataclass(frozen=True)
class SheetTitle:
    """What the title block says on every sheet: the project, the date of the map it was planned on, and the sign of
    the plan."""

    project: str
    map_date: str
    plan: str


@dataclass(frozen=True)
class PlaceRow:
    """A place to be set out: its names, the kilometre, and its coordinates in the drawing."""

    names: str
    km: str
    at: Point


def sheet_view(mm_m: float) -> View:
    """What a sheet shows of the ground when a millimetre of paper is ``mm_m`` metres."""
    wide, high = _RIGHT - _LEFT, _TOP - _STRIP
    return View(wide * mm_m, high * mm_m, _OVERLAP_MM * mm_m, _NAMES_MM * mm_m)


def title_block(sheet: DrawingSheet, title: SheetTitle) -> None:
    """Make the blocks that every sheet has: frame with title block, north arrow, match line."""
    sheet.layer("FRAME", 7, "Frame and title block")
    sheet.layer("MATCH_LINES", 1, "Where the next sheet goes on", "PHANTOM", 0.35)
    sheet.layer("VIEWPORTS", 8, "Edges of views, not plotted")
    sheet.document.layers.get("VIEWPORTS").dxf.plot = 0
    block = sheet.document.blocks.new("FRAME")
    block.add_lwpolyline([(_LEFT, _BOTTOM), (_RIGHT, _BOTTOM), (_RIGHT, _TOP), (_LEFT, _TOP)], close=True)
    for start, end in (
        ((_LEFT, _STRIP), (_RIGHT, _STRIP)),
        ((_NOTES_X, _BOTTOM), (_NOTES_X, _STRIP)),
        ((_TITLE_X, _BOTTOM), (_TITLE_X, _STRIP)),
        ((_TITLE_X, 20.0), (_RIGHT, 20.0)),
        ((_TITLE_X, 30.0), (_RIGHT, 30.0)),
        ((_TITLE_X, 40.0), (_RIGHT, 40.0)),
        ((292.0, _BOTTOM), (292.0, 20.0)),
        ((332.0, _BOTTOM), (332.0, 20.0)),
        ((376.0, _BOTTOM), (376.0, 20.0)),
    ):
        block.add_line(start, end)
    fixed = (
        ("Road", title.project, _TITLE_X, 40.0, 148.0, 4.0),
        ("Data of the map", title.map_date, 292.0, 10.0, 40.0, 3.0),
        ("Plan", title.plan, 332.0, 10.0, 44.0, 3.0),
    )
    for caption, text, x, y, room, high in fixed:
        _caption(block, caption, x, y)
        _fitted(block, text, (x + 1.5, y + 1.8), room - 3.0, high)
    for tag, caption, x, y, _, high in _CELLS:
        _caption(block, caption, x, y)
        block.add_attdef(tag, insert=(x + 1.5, y + 1.8), dxfattribs={"height": high, "style": STYLE})
    north = sheet.document.blocks.new("NORTH")
    north.add_circle((0.0, 0.0), 5.0)
    north.add_line((0.0, -7.0), (0.0, 7.0))
    north.add_solid([(0.0, 7.0), (-1.5, 2.0), (1.5, 2.0)])
    north.add_text("N", height=3.0, dxfattribs={"style": STYLE}).set_placement(
        (0.0, 8.0), align=TextEntityAlignment.BOTTOM_CENTER
    )
    cross = sheet.document.blocks.new("GRID_CROSS")
    cross.add_line((-2.0, 0.0), (2.0, 0.0))
    cross.add_line((0.0, -2.0), (0.0, 2.0))
    sheet.layer("GRID", 8, "Easting and northing", width_mm=0.13)


def _caption(block: BlockLayout, text: str, x: float, y: float) -> None:
    block.add_text(text, height=_CAPTION_MM, dxfattribs={"style": STYLE, "insert": (x + 1.5, y + 7.4), "color": 8})


def _fitted(layout: BlockLayout | Paperspace, text: str, at: Point, room: float, high: float) -> None:
    layout.add_text(text, height=high, dxfattribs={"style": STYLE, "insert": at, "width": _narrow(text, room, high)})


def _narrow(text: str, room: float, high: float) -> float:
    """The width factor with which letters of a height keep to their room."""
    return round(min(1.0, room / max(_WIDTH_RATIO * high * len(text), 1e-9)), 2)


def new_paper(sheet: DrawingSheet, name: str, said: dict[str, str]) -> Paperspace:
    """A sheet with its frame; ``said`` are the attributes STRETCH, CONTENT, SCALE and SHEET of the title block."""
    layouts = sheet.document.layouts
    if name not in layouts.names():
        # a new document has one sheet, which is the first
        if "Layout1" in layouts.names():
            layouts.rename("Layout1", name)
        else:
            layouts.new(name)
    paper = sheet.document.paperspace(name)
    paper.page_setup(size=_PAPER_MM, margins=(0, 0, 0, 0), units="mm")
    frame = paper.add_blockref("FRAME", (0.0, 0.0), dxfattribs={"layer": "FRAME"})
    for tag, _, x, y, room, high in _CELLS:
        text = said[tag]
        look = {"style": STYLE, "height": high, "width": _narrow(text, room - 3.0, high), "layer": "FRAME"}
        frame.add_attrib(tag, text, insert=(x + 1.5, y + 1.8), dxfattribs=look)
    return paper


def draw_stretch(
    paper: Paperspace,
    sheet: DrawingSheet,
    stretch: Stretch,
    road: FloatArray,
    match: Sequence[tuple[Point, Point, str]],
    places: Sequence[PlaceRow],
) -> None:
    """The view of a stretch with its north arrow, match lines (a place, the direction across the road, and what is
    written beside it) and the table of its places; ``road`` are points along it, shape (n, 2)."""
    centre = ((_LEFT + _RIGHT) / 2.0, (_STRIP + _TOP) / 2.0)
    turn_deg = math.degrees(stretch.turn_rad)
    size = (_RIGHT - _LEFT, _TOP - _STRIP)
    look: dict[str, Any] = {
        "view_target_point": (*stretch.centre, 0.0),
        "view_twist_angle": -turn_deg % 360.0,
        "flags": 32864 | 16384,
    }
    window = paper.add_viewport(centre, size, (0.0, 0.0), size[1] * sheet.mm_m, dxfattribs=look)
    window.frozen_layers = ["NOTES"]
    add_north(paper, stretch.turn_rad)
    keep_clear = [shapely.buffer(shapely.linestrings(stretch.seen(road) / sheet.mm_m + centre), _CLEAR_MM)]
    for at, across, text in match:
        ends = stretch.seen([at, (at[0] + across[0], at[1] + across[1])]) / sheet.mm_m + centre
        keep_clear.append(_match_line(paper, ends[0], ends[1] - ends[0], text))
    _grid(paper, sheet, stretch, keep_clear)
    _place_table(paper, places)


def add_north(paper: Paperspace, turn_rad: float) -> None:
    """The arrow to the north of the grid, on a view with a turn."""
    look = {"layer": "FRAME", "rotation": -math.degrees(turn_rad)}
    paper.add_blockref("NORTH", (_RIGHT - 14.0, _TOP - 14.0), dxfattribs=look)


def _grid(paper: Paperspace, sheet: DrawingSheet, stretch: Stretch, keep_clear: Sequence[Any]) -> None:
    """Crosses at round coordinates away from the edges and from the arrow, with easting and northing where these
    do not fall upon anything."""
    centre = ((_LEFT + _RIGHT) / 2.0, (_STRIP + _TOP) / 2.0)
    step_m, half_m = _GRID_MM * sheet.mm_m, np.hypot(_RIGHT - _LEFT, _TOP - _STRIP) / 2.0 * sheet.mm_m
    rounds = [
        np.arange(math.ceil((middle - half_m) / step_m), (middle + half_m) // step_m + 1.0) * step_m
        for middle in stretch.centre
    ]
    places = np.stack(np.meshgrid(*rounds), axis=-1).reshape(-1, 2)
    angle_deg = -math.degrees(stretch.turn_rad)
    for (east, north), (x, y) in zip(
        places.tolist(), (stretch.seen(places) / sheet.mm_m + centre).tolist(), strict=True
    ):
        inside = _LEFT + 5.0 < x < _RIGHT - 30.0 and _STRIP + 5.0 < y < _TOP - 5.0
        if inside and not (x > _RIGHT - 60.0 and y > _TOP - 30.0):
            paper.add_blockref("GRID_CROSS", (x, y), dxfattribs={"layer": "GRID", "rotation": angle_deg})
            if shapely.intersects(shapely.box(x, y - 1.0, x + 27.0, y + 4.0), keep_clear).any():
                continue
            look = {"layer": "GRID", "style": STYLE, "insert": (x + 2.5, y + 1.0)}
            paper.add_text(f"{east:.0f} {north:.0f}", height=_CAPTION_MM, dxfattribs=look)


def _match_line(paper: Paperspace, at: FloatArray, across: FloatArray, text: str) -> Any:
    """A line across the road, with words along its upper end on the far side from the middle of the sheet; gives the
    ground that both take."""
    across = across * (1.0 if across[1] >= 0.0 else -1.0) / np.hypot(*across)
    line = shapely.linestrings([at - _MATCH_MM * across, at + _MATCH_MM * across])
    low, high = sorted(
        shapely.get_coordinates(shapely.clip_by_rect(line, _LEFT, _STRIP, _RIGHT, _TOP)).tolist(), key=lambda p: p[1]
    )
    paper.add_line(low, high, dxfattribs={"layer": "MATCH_LINES"})
    right = np.array((across[1], -across[0]))
    begins = np.array(high) - 1.0 * across
    is_right = bool(at[0] > (_LEFT + _RIGHT) / 2.0)
    if not _LEFT + 3.0 < begins[0] + (4.0 if is_right else -4.0) * right[0] < _RIGHT - 3.0:
        is_right = not is_right
    upwards = upright((across[0], across[1]), 0.0)
    # letters stand on the side of the line that is left of the way they run
    away = (4.0 if is_right else -1.5) if upwards else (1.5 if is_right else -4.0)
    along = across if upwards else -across
    look = {"layer": "MATCH_LINES", "style": STYLE, "rotation": math.degrees(math.atan2(along[1], along[0]))}
    written = paper.add_text(text, height=2.5, dxfattribs=look)
    align = TextEntityAlignment.RIGHT if upwards else TextEntityAlignment.LEFT
    written.set_placement((begins + away * right).tolist(), align=align)
    return shapely.buffer(line, 5.0)


_TABLE = (("Place", 22.0), ("Kilometre", 78.0), ("Easting, m", 107.0), ("Northing, m", 127.0))
"""Words over the columns and where each begins."""


def _place_table(paper: Paperspace, places: Sequence[PlaceRow]) -> None:
    shown = list(places[: _ROWS if len(places) <= _ROWS else _ROWS - 1])
    more = f"and {len(places) - len(shown)} more in line.xlsx" if len(places) > len(shown) else ""
    columns = (
        [row.names for row in shown] + ([more] if more else []),
        [row.km for row in shown],
        [f"{row.at[0]:.1f}" for row in shown],
        [f"{row.at[1]:.1f}" for row in shown],
    )
    for (head, x), texts in zip(_TABLE, columns, strict=True):
        for row, text in enumerate((head, *texts)):
            room = 55.0 if x == _TABLE[0][1] else 26.0
            _fitted(paper, text, (x, _STRIP - 4.0 - row * _ROW_MM), room, _TEXT_MM)


def draw_legend(paper: Paperspace, sheet: DrawingSheet, signs: dict[str, str]) -> None:
    """What lines and signs mean, three in a row beside the title block, for the layers that the drawing uses;
    ``signs`` are blocks by layer."""
    used = sheet.used_layers()
    named = [layer for layer in sheet.document.layers if layer.dxf.name in used and layer.dxf.name != "NOTES"]
    scale = 0.7 / sheet.mm_m
    for index, layer in enumerate(named):
        x, y = _NOTES_X + 2.0 + 38.0 * (index % 3), _STRIP - 3.5 - 4.2 * (index // 3)
        name = str(layer.dxf.name)
        if name in signs:
            paper.add_blockref(signs[name], (x + 3.0, y), dxfattribs={"layer": name, "xscale": scale, "yscale": scale})
        else:
            paper.add_line((x, y), (x + 6.0, y), dxfattribs={"layer": name})
        _fitted(paper, layer.description, (x + 8.0, y - 0.8), 29.0, _CAPTION_MM)


def draw_notes(paper: Paperspace, notes: Sequence[str]) -> None:
    """Sentences beside the title block."""
    place = (_NOTES_X + 2.0, _STRIP - 1.5)
    look = {"style": STYLE, "char_height": _CAPTION_MM, "insert": place, "layer": "FRAME"}
    paper.add_mtext("\\P".join(notes), dxfattribs={**look, "width": _TITLE_X - _NOTES_X - 4.0})
