"""A sheet before it is a sheet: columns with their units, and rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trassa.linear import ARROWS, Column, Layer
from trassa.plan.optical.papers.sheets import NOTHING, OMITTED, SheetOf, title_of
from trassa.road.model import Road

__all__ = ["Field", "Table", "Value", "layer_table"]

Value = int | float | str | bool
_UNITS = {"us": "µs", "deg": "°", "min": "min"}
_WORDS = {"point_of_presence": "point of presence", "roadm": "ROADM", "amplifier": "line amplifier"}
_MEASURES = ("measure_m", "start_m", "end_m")


@dataclass(frozen=True)
class Field:
    """A column of a sheet. ``kind`` is its unit, or ``text``, ``count``, ``ratio``, ``arrow``, ``colour``, ``money``
    or ``quantity``; a negative ``margin`` is marked."""

    head: str
    kind: str
    margin: bool = False


@dataclass(frozen=True)
class Table:
    """One sheet: what it is, its columns and rows, and a row of sums. Rows with a new value of the first column begin
    a new block."""

    name: str
    what: str
    fields: tuple[Field, ...]
    rows: Sequence[Sequence[Value]]
    sums: Sequence[Value] = ()


def layer_table(sheet: SheetOf, layer: Layer, road: Road) -> Table:
    """The sheet of a layer: the columns that it names in their order, then those that it does not."""
    pairs = _pairs(sheet, layer)
    columns = [_column(layer, source, road) for source, _ in pairs]
    heads = tuple(_field(layer.schema.column(s.removeprefix("@")), head, s[0] == "@") for s, head in pairs)
    sums = [layer[source].sum().item() if source in sheet.sums.split() else "" for source, _ in pairs]
    return Table(
        sheet.name, sheet.what, heads, list(zip(*columns, strict=True)), ["Total", *sums[1:]] if sheet.sums else ()
    )


def _pairs(sheet: SheetOf, layer: Layer) -> list[tuple[str, str]]:
    known = [column.name for column in layer.schema.columns]
    named = [tuple(pair.split("=", 1)) for pair in sheet.columns.split()]
    found = [(source, head.replace("_", " ")) for source, head in named if source.removeprefix("@") in known]
    used = {*(source.removeprefix("@") for source, _ in found), *OMITTED.get(sheet.layer, ())}
    for name in known:
        if name not in used:
            found += [(f"@{name}", title_of(f"@{name}"))] if name in _MEASURES else []
            found.append((name, "Measure" if name == "measure_m" else title_of(name)))
    return found


def _field(column: Column, head: str, is_place: bool) -> Field:
    if is_place:
        return Field(head, "text")
    if column.name.endswith("_colour") or column.name == "colour":
        return Field(head, "colour")
    if column.name.endswith("carriageway"):
        return Field(head, "arrow")
    if column.type in ("text", "bool"):
        return Field(head, "text")
    if column.unit in ("", "1"):
        return Field(head, "count" if column.type == "int" else "ratio")
    return Field(f"{head}, {_UNITS.get(column.unit, column.unit)}", column.unit, "margin" in column.name)


def _column(layer: Layer, source: str, road: Road) -> Iterable[Value]:
    name = source.removeprefix("@")
    values: list[Value] = layer[name].tolist()
    if source != name:
        return [road.calibration.text(float(m)) if math.isfinite(float(m)) else "" for m in values]
    if name.endswith("carriageway"):
        return [ARROWS.get(side, side) for side in layer[name]]
    if layer.schema.column(name).type == "bool":
        return ["yes" if value else "no" for value in values]
    if name in NOTHING:
        return [value or "" for value in values]
    if name == "availability":
        return [math.floor(float(value) * 1e9) / 1e9 for value in values]
    if name in ("role", "equipment"):
        return [_WORDS.get(str(value), value) for value in values]
    return values
