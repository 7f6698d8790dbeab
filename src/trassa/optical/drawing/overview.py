"""The sheet with the whole road in view: outlines and numbers of the sheets along it, names of the huts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from ezdxf.enums import TextEntityAlignment

from trassa.optical.drawing.layouts import add_north, new_paper
from trassa.optical.drawing.sheet import STYLE, DrawingSheet
from trassa.optical.drawing.stretches import Stretch, View

if TYPE_CHECKING:
    from ezdxf.layouts.layout import Paperspace

__all__ = ["OVERVIEW", "draw_overview"]

FloatArray = npt.NDArray[np.float64]
Point = tuple[float, float]

OVERVIEW = "Overview"
_CENTRE, _SIZE = (215.0, 168.5), (390.0, 237.0)
_NUMBER_MM, _HUT_MM, _APART_MM = 2.0, 2.5, 8.0
_ALIGNED = {
    -1: TextEntityAlignment.MIDDLE_RIGHT,
    0: TextEntityAlignment.MIDDLE_CENTER,
    1: TextEntityAlignment.MIDDLE_LEFT,
}
"""How a name stands that is written to the left of, above or below, or to the right of its place."""
_SMALL_THINGS = (
    "CHAMBERS",
    "CLOSURES",
    "CONNECTIONS",
    "CROSSINGS",
    "DROPS",
    "HUT_ENTRIES",
    "KM_POSTS",
    "KM_TICKS",
    "NOTES",
    "SITES",
)
"""Layers that would be specks."""


def draw_overview(
    sheet: DrawingSheet,
    points: FloatArray,
    view: View,
    stretches: Sequence[Stretch],
    huts: Sequence[tuple[str, Point]],
    said: dict[str, str],
) -> Paperspace:
    """The view of all points, shape (n, 2), at the next round scale; numbers stand as far apart as they need."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2.0
    need = max((high[0] - low[0]) / (_SIZE[0] - 30.0), (high[1] - low[1]) / (_SIZE[1] - 30.0), 0.001)
    mm_m = _round_up(need)
    sheet.document.set_modelspace_vport(height=_SIZE[1] * mm_m, center=tuple(middle.tolist()))
    paper = new_paper(sheet, OVERVIEW, {**said, "SCALE": f"1 : {mm_m * 1000.0:,.0f}".replace(",", " ")})
    window = paper.add_viewport(_CENTRE, _SIZE, (0.0, 0.0), _SIZE[1] * mm_m)
    window.dxf.view_target_point = (*middle.tolist(), 0.0)
    window.frozen_layers = [name for name in _SMALL_THINGS if name in sheet.document.layers]
    add_north(paper, 0.0)
    sheet.layer("SHEETS", 5, "Outlines of the sheets along the road")

    def on_paper(places: npt.ArrayLike) -> FloatArray:
        shown: FloatArray = (np.asarray(places, dtype=np.float64) - middle) / mm_m + _CENTRE
        return shown

    look = {"layer": "SHEETS", "style": STYLE}
    numbered = np.full((0, 2), np.nan)
    for number, stretch in enumerate(stretches, start=1):
        outline = on_paper(stretch.corners(view))
        paper.add_lwpolyline(outline.tolist(), close=True, dxfattribs={"layer": "SHEETS"})
        up = (outline[3] - outline[0]) / np.hypot(*(outline[3] - outline[0]))
        at = outline[2:].mean(axis=0) + 2.0 * up
        if np.hypot(*(numbered - at).T).min(initial=math.inf) >= _APART_MM:
            numbered = np.vstack((numbered, at))
            text = paper.add_text(str(number), height=_NUMBER_MM, dxfattribs=look)
            text.set_placement(at.tolist(), align=TextEntityAlignment.MIDDLE_CENTER)
    for name, place in huts:
        x, y = on_paper(place).tolist()
        paper.add_circle((x, y), 1.0, dxfattribs={"layer": "HUTS"})
        nearest = min(stretches, key=lambda one: math.dist(one.centre, place), default=None)
        away = (math.sin(nearest.turn_rad), -math.cos(nearest.turn_rad)) if nearest else (0.0, -1.0)
        off_mm = view.high_m / 2.0 / mm_m + 3.0
        text = paper.add_text(name, height=_HUT_MM, dxfattribs={"layer": "HUTS", "style": STYLE})
        text.set_placement((x + off_mm * away[0], y + off_mm * away[1]), align=_ALIGNED[round(away[0])])
    return paper


def _round_up(scale: float) -> float:
    """The next usual scale."""
    digit = 10.0 ** math.floor(math.log10(scale))
    return next(step * digit for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * digit >= scale)
