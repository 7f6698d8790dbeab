"""Rows of a list of things along the road, CSV or GeoPackage, each with the place in the file that errors name.

Comma, semicolon or tab; a decimal comma where semicolons or tabs divide. Heads are read without regard to case, rows
without any text are passed over.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trassa.errors import InputError, TrassaError
from trassa.linear import Position
from trassa.road.model import Road
from trassa.road.refs import folded_ref

__all__ = ["ListedRow", "csv_rows", "geopackage_rows", "number"]


@dataclass(frozen=True)
class ListedRow:
    """One row: where it stands in the file, its fields as text, longitude and latitude where it has a point."""

    place: str
    fields: Mapping[str, str]
    point: tuple[float, float] | None = None

    def get(self, name: str) -> str:
        """A field without blanks around it; empty where the list has no such column."""
        return self.fields.get(name, "").strip()

    def on_road(self, road: Road) -> tuple[Position, float]:
        """What the field ``position`` says, and its measure. Raises :class:`InputError` for a place off that road."""
        text = self.get("position")
        try:
            position = Position.parse(text, road=road.ref)
            if folded_ref(position.road) != folded_ref(road.ref):
                raise InputError(f"{text!r} lies on {position.road}, not {road.ref}", cure="a position on this road")
            measure_m = road.calibration.measure(position.label)
        except TrassaError as error:
            raise InputError(f"{self.place}: {error.message}", cure=error.cure) from None
        if not 0.0 <= measure_m <= road.length_m:
            ends = road.span_text(0.0, road.length_m)
            raise InputError(f"{self.place}: {text!r} lies off {ends}", cure="a position on this road")
        return position, measure_m


def csv_rows(path: Path, needed: Sequence[str]) -> list[ListedRow]:
    """The rows of a CSV file in its order; it has the ``needed`` columns.

    Raises :class:`InputError` naming the file, and the line or column at fault.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: is not UTF-8 text", cure="save the list as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", cure="a file that can be read") from None
    header = text.split("\n", 1)[0]
    reader = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=header.count), skipinitialspace=True)
    fields = [field.strip().lower() for field in reader.fieldnames or ()]
    reader.fieldnames = fields
    _require_columns(path, fields, needed)
    rows: list[ListedRow] = []
    for values in reader:
        place = f"{path.name}, line {reader.line_num}"
        if None in values or None in values.values():
            raise InputError(f"{place}: not {len(fields)} fields", cure="one field for each column")
        if any(value.strip() for value in values.values()):
            rows.append(ListedRow(place, values))
    return rows


def geopackage_rows(path: Path, needed: Sequence[str]) -> list[ListedRow]:
    """The rows of a GeoPackage's first layer, each with the point that it may have; one with rows has the ``needed``
    columns.

    Raises :class:`InputError` for a file that cannot be read, and naming the column at fault.
    """
    # GDAL takes a third of a second to load: only a list that needs it waits for it
    from trassa.road.exchange.points import read_points

    rows = [
        ListedRow(f"{path.name}, row {number}", {name.strip().lower(): text for name, text in fields.items()}, point)
        for number, (fields, point) in enumerate(read_points(path), start=1)
    ]
    if rows:
        _require_columns(path, rows[0].fields, needed)
    return rows


def _require_columns(path: Path, fields: Collection[str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in fields]
    if missing:
        raise InputError(f"{path.name}: has no column {missing[0]}", cure=f"a header with {', '.join(needed)}")


def number(text: str) -> float:
    """A number with a decimal point or comma; NaN for any other text."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan
