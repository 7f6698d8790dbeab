"""The cables drawn straight over the km axis: huts, closures, chambers, reels, bridges, tunnels and crossings of each
cable, then the connections by name and the access rings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from trassa.linear import ARROWS, Extent, Layer
from trassa.plan.amounts import figure_text, margin_text
from trassa.plan.report.axis import KmAxis
from trassa.plan.report.sheets import LEFT, RIGHT, WIDTH, Sheet, nice_ten_km
from trassa.plan.report.svg import Px, coordinate, group, line, tag, text
from trassa.road.model import Road

__all__ = ["line_pictures"]

_STRETCH_M = 60_000.0
_RULER, _LETTER = 16, 5.4
_TITLED = 40
"""Up to so many marks of a kind on a stretch bear a title of their own."""
_LINES = 8
"""Lines of names under one another, at most."""


def line_pictures(road: Road, layers: Mapping[str, Layer]) -> list[Sheet]:
    """The whole line in stretches of equal length that print legibly; none without a cable."""
    if "cables" not in layers or not len(layers["cables"]):
        return []
    count = max(math.ceil(road.length_m / _STRETCH_M - 0.05), 1)
    step_m = nice_ten_km(road.length_m / count) if count > 1 else road.length_m
    count = math.ceil(road.length_m / step_m - 1e-6)
    extents = [Extent(i * step_m, min((i + 1) * step_m, road.length_m)) for i in range(count)]
    return [Sheet(road.span_text(e.start_m, e.end_m), _picture(road, layers, e, step_m)) for e in extents]


def _picture(road: Road, layers: Mapping[str, Layer], extent: Extent, full_m: float) -> str:
    width = max(round(WIDTH * extent.length_m / full_m), 24)
    axis = KmAxis(extent, road.calibration, LEFT, width)
    bands = [
        *(_cable(axis, road, layers, row) for row in layers["cables"].rows()),
        *_named(axis, layers),
        *_rings(axis, layers),
    ]
    body: list[str] = []
    y = _RULER + 6
    for name, note, height, marks in bands:
        heading = [text(0, 11, name, "panel"), *([text(0, 21, note, "note")] if note else [])]
        body.append(group([*heading, *marks], dy=y))
        y += height
    word = "км" if axis.calibration.script == "Cyrl" else "km"
    frame = [*_ruler(axis, word, y), *body, line(0, 0, 0, y, "pointer")]
    return tag("svg", frame, viewBox=f"0 0 {LEFT + WIDTH + RIGHT} {y}", class_="sheet", role="img",
               data_km=axis.breaks(), data_left=axis.left, data_width=axis.width, data_word=word,
               aria_label=f"cables {road.span_text(extent.start_m, extent.end_m)}")  # fmt: skip


_Band = tuple[str, str, int, list[str]]


def _ruler(axis: KmAxis, word: str, bottom: int) -> Iterator[str]:
    yield text(0, 11, word, "panel")
    yield line(axis.left, _RULER, axis.right, _RULER, "axis")
    for x, words in axis.ticks():
        yield line(x, _RULER - 3, x, bottom, "tick")
        yield text(x, 10, words, "km", "middle")


def _cable(axis: KmAxis, road: Road, layers: Mapping[str, Layer], row: Mapping[str, Any]) -> _Band:
    """One cable: span budgets above it, reels as bars under it, everything on it as marks."""
    name, extent = str(row["cable"]), Extent(float(row["start_m"]), float(row["end_m"]))
    marks = [*_spans(axis, layers, name), *_reels(axis, layers, name), *_structures(axis, road, row, extent)]
    if span := axis.clipped(extent.start_m, extent.end_m):
        marks.append(line(span[0], 22, span[1], 22, "cable"))
    if "chambers" in layers:
        pairs = zip(layers["chambers"]["measure_m"].tolist(), layers["chambers"]["cable"].tolist(), strict=True)
        at = [axis.x(m) for m, cables in pairs if axis.shows(m) and name in cables.split(",")]
        marks.append(tag("path", d="".join(f"M{coordinate(x)} 19.5v5" for x in at), class_="chamber"))
    closures = layers["closures"].where(cable=name).rows() if "closures" in layers else ()
    shown = [c for c in closures if axis.shows(float(c["measure_m"]))]
    marks += _titled("joint", [(f"{c['closure']}, {c['kind']}", _closure(axis, c)) for c in shown])
    trenches = _trenches(layers, name)
    marks += _crossings(axis, layers, name, trenches, extent)
    marks += _huts(axis, layers, extent.start_m, extent.end_m)
    side = ARROWS[row["carriageway"]]
    return f"{name} {side}", ", ".join([*trenches, f"{row['fibres']} fibres"]), 60, marks


def _spans(axis: KmAxis, layers: Mapping[str, Layer], cable: str) -> Iterator[str]:
    for row in layers["spans"].where(cable=cable).rows() if "spans" in layers else ():
        clipped = axis.clipped(float(row["start_m"]), float(row["end_m"]))
        said = f"{figure_text(float(row['loss_db']), 1)} dB"
        named = f"{row['span']}: {said}"
        longer = f"{named}, {margin_text(float(row['margin_db']))} to the limit"
        room = (clipped[1] - clipped[0]) / _LETTER if clipped else 0.0
        words = next((words for words in (longer, named, said) if len(words) < room), "")
        if clipped and words:
            yield text((clipped[0] + clipped[1]) / 2, 10, words, "label", "middle")


def _reels(axis: KmAxis, layers: Mapping[str, Layer], cable: str) -> Iterator[str]:
    """Reels as bars, every other one shaded; those that are built are coloured."""
    for index, row in enumerate(layers["reels"].where(cable=cable).rows() if "reels" in layers else ()):
        if clipped := axis.clipped(float(row["start_m"]), float(row["end_m"])):
            title = tag("title", f"{row['reel']}, {figure_text(float(row['sheath_m']))} m of sheath")
            shade = "reel built" if row["origin"] == "as built" else "reel even" if index % 2 else "reel"
            yield tag("rect", title, x=clipped[0], y=27, width=clipped[1] - clipped[0], height=4, class_=shade)


def _structures(axis: KmAxis, road: Road, cable: Mapping[str, Any], extent: Extent) -> Iterator[str]:
    """Bridges and tunnels that the cable runs along, as bars under its reels."""
    for row in road.structures.where(carriageway=cable["carriageway"]).rows():
        kind, start_m, end_m = str(row["kind"]), float(row["start_m"]), float(row["end_m"])
        clipped = axis.clipped(start_m, end_m)
        if kind in ("bridge", "tunnel") and clipped and start_m < extent.end_m and end_m > extent.start_m:
            said = f"{kind} {row['name']}".strip() + f", {figure_text(end_m - start_m)} m"
            bar = {"x": clipped[0], "y": 32, "width": max(clipped[1] - clipped[0], 2.0), "height": 3}
            yield tag("rect", tag("title", escape(said)), **bar, class_=kind)


def _trenches(layers: Mapping[str, Layer], cable: str) -> list[str]:
    rows = layers["ducts"].rows() if "ducts" in layers else ()
    return sorted({str(row["trench"]) for row in rows if cable in str(row["cable"]).split(",")})


def _crossings(
    axis: KmAxis, layers: Mapping[str, Layer], cable: str, trenches: Sequence[str], extent: Extent
) -> Iterator[str]:
    """Ways under the road as arrows away from the cable; those of drops stand at the cable that is tapped."""
    tapped = set(layers["drop_cables"].where(cable=cable)["connection"].tolist()) if "drop_cables" in layers else set()
    marks = []
    for row in layers["crossings"].rows() if "crossings" in layers else ():
        at_m, name = float(row["measure_m"]), str(row["name"])
        mine = row["trench"] in trenches and (row["purpose"] == "hut" or name in tapped)
        if mine and axis.shows(at_m) and extent.start_m <= at_m <= extent.end_m:
            marks.append((f"under the road to {name}", f"M{coordinate(axis.x(at_m))} 37v7m-2-2.5l2 2.5l2-2.5"))
    return _titled("crossing", marks)


def _closure(axis: KmAxis, row: Mapping[str, object]) -> str:
    x, kind = axis.x(float(row["measure_m"])), str(row["kind"])  # type: ignore[arg-type]
    joint = f"M{coordinate(x)} 16v12" if "joint" in kind else ""
    return joint + (_dot(x, 22) if "tap" in kind else "") or f"M{coordinate(x)} 18v8"


def _dot(x: Px, y: Px) -> str:
    return f"M{coordinate(x - 2)} {coordinate(y)}a2 2 0 1 0 4 0a2 2 0 1 0-4 0z"


def _titled(class_: str, marks: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Marks as paths with a title each; many are one path without: the names stand in line.xlsx."""
    if len(marks) > _TITLED:
        yield tag("path", d="".join(path for _, path in marks), class_=class_)
        return
    for title, path in marks:
        yield tag("path", tag("title", escape(title)), d=path, class_=class_)


def _huts(axis: KmAxis, layers: Mapping[str, Layer], start_m: float, end_m: float) -> Iterator[str]:
    free = -math.inf
    for row in layers["huts"].rows() if "huts" in layers else ():
        at_m, name = float(row["measure_m"]), str(row["hut"])
        if axis.shows(at_m) and start_m <= at_m <= end_m:
            x = axis.x(at_m)
            title = tag("title", escape(f"{name} {row['name']}".strip()))
            yield tag("rect", title, x=x - 5, y=17, width=10, height=10, class_=f"hut {row['role']}")
            if x - _LETTER * len(name) / 2 >= free:
                free = x + _LETTER * len(name) / 2 + 3
                yield text(x, 54, name, "label strong", "middle")


def _named(axis: KmAxis, layers: Mapping[str, Layer]) -> list[_Band]:
    """Connections with fibres of their own at their taps, by name on as many lines as that takes, up to eight."""
    if "connections" not in layers:
        return []
    marks: list[str] = []
    free = [-math.inf] * _LINES
    for row in layers["connections"].where(access="own fibres").rows():
        tap_m, name = float(row["tap_m"]), str(row["connection"])
        if not axis.shows(tap_m):
            continue
        x = axis.x(tap_m)
        title = tag("title", escape(f"{name}, {row['service']}"))
        marks.append(tag("path", title, d=f"M{coordinate(x)} 1v6m-2 0h4", class_="joint"))
        half = _LETTER * len(name) / 2
        room = next((index for index in range(_LINES) if free[index] <= x - half), None)
        if room is not None:
            free[room] = x + half + 3
            marks.append(text(x, 16 + 9 * room, name, "label", "middle"))
    lines = sum(math.isfinite(end) for end in free)
    return [("own fibres", "to both huts", 16 + 9 * max(lines, 1), marks)] if marks else []


def _rings(axis: KmAxis, layers: Mapping[str, Layer]) -> list[_Band]:
    """Access rings as lines from hut to hut with their members as dots, as many lines as lie over each other."""
    if "ring_segments" not in layers:
        return []
    marks: list[str] = []
    members: list[tuple[str, str]] = []
    free: list[float] = []
    segments = layers["ring_segments"]
    for name in dict.fromkeys(segments["ring"].tolist()):
        mine = segments.where(ring=name)
        clipped = axis.clipped(float(mine["start_m"].min()), float(mine["end_m"].max()))
        if clipped is None:
            continue
        room = next((index for index, end in enumerate(free) if end <= clipped[0]), len(free))
        free[room : room + 1] = [clipped[1]]
        y = 6 + 11 * room
        marks += [line(clipped[0] + 2, y, clipped[1] - 2, y, "access"), text(clipped[0] + 3, y - 2, name, "note")]
        for measure_m, member in zip(mine["end_m"].tolist()[:-1], mine["second"].tolist(), strict=False):
            if axis.shows(measure_m):
                members.append((f"{name}: {member}", _dot(axis.x(measure_m), y)))
    marks += _titled("member", members)
    return [("rings", "members ●", 11 * len(free) + 12, marks)] if marks else []
