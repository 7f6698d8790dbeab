"""The panels of a strip chart, each a picture of one quantity over the km axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from trassa.linear import Layer
from trassa.plan.report.axis import FloatArray, KmAxis
from trassa.plan.report.levels import runs
from trassa.plan.report.svg import Px, coordinate, group, line, tag, text
from trassa.road.model import Road

__all__ = ["Panel", "fibre", "heights", "limits", "places", "site_names", "structures"]

Scale = Callable[[float], Px]

_LETTER = 5.4
_PLACES = {"junction": "j", "interchange": "j", "service_area": "s", "toll_plaza": "t", "toll_gantry": "t"}


@dataclass(frozen=True)
class Panel:
    """One band of a sheet: its name at the left, a second line under it, and its picture from y = 0 downwards."""

    name: str
    note: str
    height: int
    body: list[str]


def places(axis: KmAxis, road: Road) -> Panel:
    """Junctions, service areas and toll points by name, on up to three lines; without room, a dot with a title."""
    marks: list[str] = []
    named: list[tuple[float, float, int, str, str]] = []
    free = [-math.inf] * 3
    order = np.argsort(road.places["measure_m"], kind="stable")
    for row in road.places.take(order).rows():
        measure_m, kind = float(row["measure_m"]), str(row["kind"])
        if kind not in _PLACES or not axis.shows(measure_m):
            continue
        x, name = axis.x(measure_m), str(row["name"])
        fits = x + 3 + _LETTER * len(name) <= axis.right
        start = x + 3 if fits else x - 3 - _LETTER * len(name)
        room = next((index for index in range(3) if free[index] <= start), None)
        if room is None:
            marks.append(tag("circle", tag("title", _escaped(name)), cx=x, cy=-3, r=1.6, class_="place-dot"))
            continue
        free[room] = start + _LETTER * len(name) + 6
        named.append((x, start, room, name, _PLACES[kind]))
    lines = max([room for _, _, room, _, _ in named], default=0) + 1
    bottom = max(10 * lines + 3, 23)
    body = [group(marks, dy=bottom)]
    body.extend(line(x, bottom - 10 * room - 11, x, bottom, f"place {mark}") for x, _, room, _, mark in named)
    body.extend(text(start, bottom - 10 * room - 4, name, f"place {mark}") for _, start, room, name, mark in named)
    return Panel("places", "junction, service, toll", bottom, body)


def heights(axis: KmAxis, road: Road, sites: Layer | None, height: int = 70) -> Panel:
    """The road's height above the sea, with each site's mast on its ground."""
    centre = axis.ruler.measure_m(0) + (np.arange(axis.width) + 0.5) * axis.ruler.step_m
    line_of = road.alignments[road.reference]
    known = np.where(line_of.present, line_of.height_m, np.nan)
    profile = np.interp(centre, line_of.measure_m, known)
    if not np.isfinite(profile).any():
        middle = (axis.left + axis.right) / 2
        return Panel("height", "m above sea", 22, [text(middle, 14, "no terrain: heights unknown", "none", "middle")])
    shown = [] if sites is None else [row for row in sites.rows() if axis.shows(float(row["measure_m"]))]
    masts = [(axis.x(float(r["measure_m"])), float(r["ground_m"]), float(r["height_m"]), str(r["kind"])) for r in shown]
    low = min([float(np.nanmin(profile)), *(ground for _, ground, _, _ in masts)])
    high = max([float(np.nanmax(profile)), *(ground + mast for _, ground, mast, _ in masts)])
    high = max(high, low + 40.0)

    def y(above_sea_m: float) -> Px:
        return height - 4 - (above_sea_m - low) / (high - low) * (height - 10)

    body = [_area(axis, profile, y, height)]
    for x, ground, mast, kind in masts:
        body.append(line(x, y(ground), x, y(ground + mast), f"mast {kind}"))
    body.extend(text(axis.left - 4, y(value) + 3, f"{value:.0f}", "scale", "end") for value in (low, high))
    return Panel("height", "m above sea, masts", height, body)


def structures(axis: KmAxis, road: Road) -> Panel:
    """Bridges, tunnels and holes; the increasing carriageway above."""
    body: list[str] = []
    for row in road.structures.rows():
        if span := axis.clipped(float(row["start_m"]), float(row["end_m"])):
            y = 2 if row["carriageway"] == "increasing" else 10
            title = tag("title", _escaped(f"{row['kind']} {row['name']}"))
            width = span[1] - span[0]
            body.append(tag("rect", title, x=span[0], y=y, width=width, height=7, class_=str(row["kind"])))
    return Panel("structures", "", 19, body)


def site_names(axis: KmAxis, sites: Layer) -> Panel:
    """Sites by number: filled where the mast stands already."""
    body: list[str] = []
    free = [-math.inf] * 2
    for row in sites.rows():
        measure_m, name = float(row["measure_m"]), str(row["site"])
        if not axis.shows(measure_m):
            continue
        x = axis.x(measure_m)
        title = tag("title", _escaped(f"{name} {row['name']}, {row['height_m']:g} m"))
        body.append(tag("path", title, d=f"M{coordinate(x)} 2l4 7h-8z", class_=f"site {row['kind']}"))
        room = next((index for index in range(2) if free[index] <= x - _LETTER * len(name) / 2), None)
        if room is not None:
            free[room] = x + _LETTER * len(name) / 2 + 3
            body.append(text(x, 18 + 9 * room, name, "label", "middle"))
    return Panel("sites", "filled: mast exists", 30, body)


def fibre(axis: KmAxis, layers: Mapping[str, Layer]) -> Panel:
    """Cables with closures as ticks and huts as squares."""
    body: list[str] = []
    for index, row in enumerate(layers["cables"].rows() if "cables" in layers else ()):
        if span := axis.clipped(float(row["start_m"]), float(row["end_m"])):
            body.append(line(span[0], 9 + 4 * index, span[1], 9 + 4 * index, "cable"))
    body.extend(line(axis.x(m), 6, axis.x(m), 12, "closure") for m in _measures(axis, layers, "closures"))
    free = -math.inf
    for row in layers["huts"].rows() if "huts" in layers else ():
        if axis.shows(float(row["measure_m"])):
            x, name = axis.x(float(row["measure_m"])), str(row["hut"])
            body.append(tag("rect", tag("title", _escaped(f"{name} {row['name']}")), x=x - 4, y=5, width=8, height=8,
                            class_=f"hut {row['role']}"))  # fmt: skip
            if x - _LETTER * len(name) / 2 >= free:
                free = x + _LETTER * len(name) / 2 + 3
                body.append(text(x, 23, name, "label", "middle"))
    return Panel("fibre", "hut ■  closure |", 27, body)


def limits(axis: KmAxis, road: Road) -> Panel:
    """Speed limits in km/h, the increasing carriageway above; neighbours with one limit are one stretch."""
    body: list[str] = []
    for carriageway in road.carriageways:
        rows = road.cross_sections.where(carriageway=carriageway)
        y = 1 if carriageway == "increasing" else 13
        for start_m, end_m, said in _limit_stretches(rows):
            if span := axis.clipped(start_m, end_m):
                body.extend(_limit(span, y, *said))
    return Panel("limit", "km/h", 26, body)


def _limit_stretches(rows: Layer) -> list[tuple[float, float, tuple[str, str, str]]]:
    """``(start_m, end_m, (limit, kind, condition))`` of the longest stretches on which nothing of it changes."""
    found: list[tuple[float, float, tuple[str, str, str]]] = []
    for row in rows.take(np.argsort(rows["start_m"], kind="stable")).rows():
        said = str(row["speed_limit_kmh"]), str(row["speed_limit_kind"]), str(row["speed_limit_conditional"])
        start_m, end_m = float(row["start_m"]), float(row["end_m"])
        if found and found[-1][2] == said and start_m <= found[-1][1] + 1.0:
            found[-1] = (found[-1][0], max(end_m, found[-1][1]), said)
        else:
            found.append((start_m, end_m, said))
    return found


def _limit(span: tuple[Px, Px], y: int, kmh: str, kind: str, conditional: str) -> Iterator[str]:
    fixed = float(kmh)
    words = f"{fixed:g}" if math.isfinite(fixed) else {"none": "no limit"}.get(kind, kind)
    shade = "unknown" if words == "unknown" else "slow" if fixed <= 80 else "mid" if fixed <= 110 else "fast"
    width = span[1] - span[0]
    title = tag("title", _escaped(f"{words} {conditional}".strip()))
    yield tag("rect", title, x=span[0], y=y, width=width, height=11, class_=f"limit {shade}")
    if width > _LETTER * len(words) + 4:
        yield text((span[0] + span[1]) / 2, y + 9, words, "label", "middle")


def _area(axis: KmAxis, values: FloatArray, y: Scale, bottom: int) -> str:
    parts: list[str] = []
    for start, end in runs(np.isfinite(values)):
        points = (f"L{axis.left + c + 0.5:g} {coordinate(y(float(values[c])))}" for c in range(start, end))
        parts.append(f"M{axis.left + start} {bottom}{''.join(points)}L{axis.left + end} {bottom}z")
    return tag("path", d="".join(parts), class_="ground")


def _measures(axis: KmAxis, layers: Mapping[str, Layer], name: str) -> Iterable[float]:
    return [m for m in layers[name]["measure_m"].tolist() if axis.shows(m)] if name in layers else []


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;")
