"""Strip charts as sheets: the road in stretches that print legibly, all quantities over one km axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trassa.linear import Extent, Layer
from trassa.linear.ruler import nice_step_m
from trassa.plan.report import panels
from trassa.plan.report.axis import KmAxis
from trassa.plan.report.panels import Panel
from trassa.plan.report.radio_panels import Promise, RadioWay, radio_panels, radio_ways
from trassa.plan.report.svg import group, line, tag, text
from trassa.road.model import Road

__all__ = ["Drawn", "Sheet", "overview", "sheets"]

LEFT, WIDTH, RIGHT = 92, 712, 16
SHEET_M = 40_000.0
_RULER = 16


@dataclass(frozen=True)
class Sheet:
    """One picture with its caption."""

    caption: str
    picture: str


@dataclass(frozen=True)
class Drawn:
    """What all sheets of a plan are drawn from; ``promise`` is None where the settings are not at hand."""

    road: Road
    layers: Mapping[str, Layer]
    ways: Sequence[RadioWay]
    promise: Promise | None = None

    @classmethod
    def of(cls, road: Road, layers: Mapping[str, Layer], promise: Promise | None) -> Drawn:
        """A plan with its radio sorted by carriageway, once for all sheets."""
        return cls(road, layers, radio_ways(road.carriageways, layers), promise)


def sheets(drawn: Drawn) -> list[Sheet]:
    """The whole road in sheets of equal length, none longer than about 40 km."""
    road = drawn.road
    count = math.ceil(road.length_m / SHEET_M - 0.05)
    step_m = road.length_m / max(count, 1)
    if count > 1:
        step_m = nice_ten_km(step_m)
    count = math.ceil(road.length_m / step_m - 1e-6)
    extents = [Extent(i * step_m, min((i + 1) * step_m, road.length_m)) for i in range(max(count, 1))]
    return [Sheet(road.span_text(e.start_m, e.end_m), _picture(drawn, e, step_m)) for e in extents]


def overview(drawn: Drawn) -> Sheet | None:
    """The whole road in one picture, where it does not fit one sheet anyway."""
    road = drawn.road
    if road.length_m <= SHEET_M * 1.05:
        return None
    whole = Extent(0.0, road.length_m)
    return Sheet(road.span_text(0.0, road.length_m), _picture(drawn, whole, road.length_m))


def nice_ten_km(length_m: float) -> float:
    """A sheet length that is round in kilometres."""
    return math.ceil(length_m / 5000.0 - 1e-9) * 5000.0 if length_m > 5000.0 else nice_step_m(length_m)


def _picture(drawn: Drawn, extent: Extent, full_m: float) -> str:
    road = drawn.road
    width = max(round(WIDTH * extent.length_m / full_m), 24)
    axis = KmAxis(extent, road.calibration, LEFT, width)
    body: list[str] = []
    y = _RULER + 4
    for panel in _panels(axis, drawn):
        heading = [text(0, 11, panel.name, "panel")]
        heading.extend(text(0, 21 + 9 * i, words, "note") for i, words in enumerate(panel.note.split("\n")) if words)
        roomy = heading if panel.height > 24 else heading[:1]
        body.append(group([*roomy, *panel.body], dy=y))
        y += panel.height + 5
    frame = [*_ruler(axis, road, y), *body, line(0, 0, 0, y, "pointer")]
    total = LEFT + WIDTH + RIGHT
    word = "км" if axis.calibration.script == "Cyrl" else "km"
    return tag("svg", frame, viewBox=f"0 0 {total} {y}", class_="sheet", role="img", data_km=axis.breaks(),
               data_left=axis.left, data_width=axis.width, data_word=word,
               aria_label=f"strip chart {road.span_text(extent.start_m, extent.end_m)}")  # fmt: skip


def _panels(axis: KmAxis, drawn: Drawn) -> Iterator[Panel]:
    road, layers = drawn.road, drawn.layers
    yield panels.places(axis, road)
    yield panels.heights(axis, road, layers.get("sites"))
    yield panels.structures(axis, road)
    for way in drawn.ways:
        yield from radio_panels(axis, way, drawn.promise)
    if "sites" in layers:
        yield panels.site_names(axis, layers["sites"])
    if "cables" in layers or "huts" in layers:
        yield panels.fibre(axis, layers)
    yield panels.limits(axis, road)


def _ruler(axis: KmAxis, road: Road, bottom: int) -> Iterator[str]:
    yield text(0, 11, "км" if road.calibration.script == "Cyrl" else "km", "panel")
    yield line(axis.left, _RULER, axis.right, _RULER, "axis")
    for x, words in axis.ticks():
        yield line(x, _RULER - 3, x, bottom, "tick")
        yield text(x, 10, words, "km", "middle")
    for x in (axis.left, axis.right):
        yield line(x, _RULER - 3, x, bottom, "edge")
