"""The plan as a straight-line diagram: what ``trassa show`` prints and the report draws.

::

    км           258       260       262       264
    road         ========================~=======.
    structures   .......^.......##................  # tunnel  ^ bridge  ~ hole
    places       J.............S.............T....  J junction  S service area  T toll
    sites        ..A...............B............C.
    → best       6789877655544456677899998765543.  dB above need
    fibre        H===c=======c=======H=====c====H  H hut  c closure  = cable
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from trassa.errors import InputError
from trassa.linear import (
    ARROWS,
    Diagram,
    Extent,
    KmLabel,
    Layer,
    Row,
    Ruler,
    intersected,
    merged,
    subtracted,
)
from trassa.road.model import Road

__all__ = ["PLACE_MARKS", "strip_of", "window_of", "wrapped_strip"]

PLACE_MARKS = {
    "junction": "J",
    "interchange": "J",
    "service_area": "S",
    "toll_plaza": "T",
    "toll_gantry": "T",
}
_MARK_NOTES = {"J": "J junction", "S": "S service area", "T": "T toll"}
_STRUCTURES = (("bridge", "^"), ("tunnel", "#"), ("hole", "~"))


def strip_of(road: Road, layers: Mapping[str, Layer], window: Extent | None = None, columns: int = 100) -> Diagram:
    """The diagram of a window of the road (all of it by default), at most ``columns`` wide.

    Rows of trades whose layers are not in ``layers`` are left out. A margin digit is the worst bin of its column.
    """
    whole = Extent(0.0, road.length_m)
    ruler = Ruler.over(window or whole, road.calibration, columns)
    rows = [_road_row(road, ruler), _structure_row(road, ruler)]
    rows.append(_place_row(road.places, ruler))
    if "sites" in layers:
        rows.append(_site_row(layers["sites"], ruler))
    if "bins" in layers:
        rows.extend(_margin_rows(road, layers["bins"], ruler))
    if "cables" in layers or "huts" in layers:
        rows.append(_fibre_row(layers, ruler))
    return Diagram(ruler, tuple(rows))


def wrapped_strip(
    road: Road, layers: Mapping[str, Layer], window: Extent | None = None, columns: int = 100, step_m: float = 500.0
) -> str:
    """The diagram as text in blocks of at most ``columns`` columns, none coarser than ``step_m`` metres a column."""
    length_m = window.length_m if window else road.length_m
    needed = math.ceil(length_m / step_m) + 1
    return strip_of(road, layers, window, max(columns, needed)).wrapped(columns)


def window_of(road: Road, text: str) -> Extent:
    """``350-360``, ``км 258+350–262`` or ``350–`` as an extent of the road; an open end is the road's own.

    :class:`InputError` where a label does not exist on the road or the two are swapped.
    """
    parts = re.split(r"\s*[-–—]\s*", text.strip())
    if len(parts) != 2 or not any(parts):
        raise InputError(f"window: {text!r} is not FROM–TO", cure="two kilometre labels such as 350-360")
    start_m = road.calibration.measure(KmLabel.parse(parts[0])) if parts[0] else 0.0
    end_m = road.calibration.measure(KmLabel.parse(parts[1])) if parts[1] else road.length_m
    if start_m >= end_m:
        raise InputError(f"window: {text!r} does not begin before it ends", cure="give the lower label first")
    return Extent(start_m, end_m)


def _road_row(road: Road, ruler: Ruler) -> Row:
    here = intersected([Extent(0.0, road.length_m)], [ruler.extent])
    holes = [road.structure_extents("hole", carriageway) for carriageway in road.carriageways]
    everywhere = holes[0] if len(holes) == 1 else intersected(holes[0], holes[1])
    note = "" if len(holes) == 2 else f"{ARROWS[road.carriageways[0]]} only"
    row = Row.blank("road", ruler, note).painted(ruler, subtracted(here, everywhere), "=")
    return row.painted(ruler, everywhere, "~")


def _structure_row(road: Road, ruler: Ruler) -> Row:
    row = Row.blank("structures", ruler)
    for kind, mark in _STRUCTURES:
        extents = [extent for c in road.carriageways for extent in road.structure_extents(kind, c)]
        row = row.painted(ruler, merged(extents), mark)
    drawn = [f"{mark} {kind}" for kind, mark in reversed(_STRUCTURES) if mark in row.cells]
    return Row(row.name, row.cells, "  ".join(drawn))


def _place_row(places: Layer, ruler: Ruler) -> Row:
    marks = [
        (PLACE_MARKS[kind], measure_m)
        for kind, measure_m in zip(places["kind"], places["measure_m"], strict=True)
        if kind in PLACE_MARKS
    ]
    row = Row.blank("places", ruler).marked(ruler, marks)
    drawn = [note for mark, note in _MARK_NOTES.items() if mark in row.cells]
    return Row(row.name, row.cells, "  ".join(drawn))


def _site_row(sites: Layer, ruler: Ruler) -> Row:
    """Sites as A, B, C … in order of the whole road, so that a letter is the same in every window of 26 sites."""
    letters = string.ascii_uppercase
    marks = [(letters[index % 26], measure_m) for index, measure_m in enumerate(sites["measure_m"].tolist())]
    inside = [index for index, (_, measure_m) in enumerate(marks) if 0 <= ruler.column(measure_m) < ruler.columns]
    row = Row.blank("sites", ruler).marked(ruler, marks)
    names = sites["site"]
    if not inside:
        return row
    first, last = inside[0], inside[-1]
    note = f"{marks[first][0]} {names[first]}"
    return Row(row.name, row.cells, note if first == last else f"{note} … {marks[last][0]} {names[last]}")


def _margin_rows(road: Road, bins: Layer, ruler: Ruler) -> Iterator[Row]:
    for carriageway in road.carriageways:
        rows = bins.where(carriageway=carriageway)
        counted = rows.take(rows["exempt"] == "")
        exempt = [Extent(s, e) for s, e in _exempt(rows)]
        for name, column, note in (
            ("best", "margin_db", "dB above need, best server; - below, x exempt"),
            ("down", "second_margin_db", "the same with the best server down"),
        ):
            values = np.where(np.isnan(counted[column]), -np.inf, counted[column])
            worst = ruler.worst(counted["start_m"], counted["end_m"], values)
            row = Row.digits(f"{ARROWS[carriageway]} {name}", worst, note)
            yield _kept_free(row, ruler, exempt)


def _exempt(bins: Layer) -> Iterable[tuple[float, float]]:
    chosen = bins["exempt"] != ""
    return zip(bins["start_m"][chosen], bins["end_m"][chosen], strict=True)


def _kept_free(row: Row, ruler: Ruler, exempt: list[Extent]) -> Row:
    """Marks columns that are exempt and nothing else with ``x``: a counted bin in a column always shows."""
    marked = Row.blank(row.name, ruler).painted(ruler, merged(exempt), "x").cells
    cells = "".join(x if digit == "." and x == "x" else digit for digit, x in zip(row.cells, marked, strict=True))
    return Row(row.name, cells, row.note)


def _fibre_row(layers: Mapping[str, Layer], ruler: Ruler) -> Row:
    row = Row.blank("fibre", ruler, "H hut  c closure  = cable")
    if "cables" in layers:
        cables = layers["cables"]
        pairs = zip(cables["start_m"], cables["end_m"], strict=True)
        row = row.painted(ruler, merged(Extent(start, end) for start, end in pairs), "=")
    for name, mark in (("closures", "c"), ("huts", "H")):
        if name in layers:
            row = row.marked(ruler, [(mark, measure_m) for measure_m in layers[name]["measure_m"].tolist()])
    return row
