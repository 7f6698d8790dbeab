"""Tables whose headers are anybody's: CSV read by a mapping of known names to the headers that stand in the file.

A table is read whole or not at all: the first value that cannot be meant is named with file, line, column and bound.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError

__all__ = ["TableColumn", "as_number", "column_mapping", "decoded", "mapped_table"]

FloatArray = npt.NDArray[np.float64]

_EMPTY = {"", "nan", "na", "n/a", "-", "null", "none"}
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class TableColumn:
    """Bounds in the file's unit, and the factor to the unit it is kept in under ``kept_as``."""

    low: float
    high: float
    kept_as: str
    factor: float = 1.0
    whole: bool = False


def column_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """``name=header`` pairs as a mapping; raises :class:`~trassa.errors.InputError` for what is no such pair."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        name, equals, header = pair.partition("=")
        name, header = name.strip(), header.strip()
        if not equals or not name or not header:
            raise InputError(f"drive test: {pair!r} is no NAME=HEADER", cure="rsrp_dbm=RSRP")
        if name in mapping:
            raise InputError(f"drive test: column {name} is mapped twice", cure="one header for each name")
        mapping[name] = header
    return mapping


def decoded(path: Path) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, else Latin-1, in which spreadsheets still write.

    Raises :class:`~trassa.errors.InputError` for what cannot be read, or is no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", cure="a file that can be read") from None
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in data:
            raise InputError(f"{path.name}: is no text", cure="save the table as UTF-8") from None
        return data.decode("latin-1")


def mapped_table(
    path: Path,
    mapping: Mapping[str, str],
    columns: Mapping[str, TableColumn],
    words: Sequence[str],
    needed: Sequence[str],
) -> tuple[dict[str, FloatArray], dict[str, list[str]]]:
    """Numbers by the names they are kept under, and words by name, of one CSV."""
    _check_mapping(path, mapping, columns, words, needed)
    text = decoded(path)
    first = text.split("\n", 1)[0].strip()
    if re.fullmatch(r"sep=[,;|]?", first):  # what a spreadsheet puts before the header
        text = text.split("\n", 1)[1] if "\n" in text else ""
    delimiter = _delimiter(text, mapping.values())
    rows = _rows(path, text, delimiter)
    _, header = next(rows, (0, []))
    at = {name: _place(path, header, wanted, delimiter) for name, wanted in mapping.items()}
    numbers: dict[str, list[float]] = {columns[name].kept_as: [] for name in mapping if name in columns}
    said: dict[str, list[str]] = {name: [] for name in mapping if name in words}
    for line, row in rows:
        if len(row) != len(header) and (len(row) < len(header) or any(cell.strip() for cell in row[len(header) :])):
            raise InputError(f"{path.name}, line {line}: {len(row)} fields, the header has {len(header)}",
                             cure="one field for each column")  # fmt: skip
        for name, index in at.items():
            place = f"{path.name}, line {line}, column {mapping[name]!r}"
            if name in said:
                said[name].append(row[index].strip())
            else:
                numbers[columns[name].kept_as].append(_bounded(row[index], columns[name], place, delimiter))
    if not next(iter(numbers.values())):
        raise InputError(f"{path.name}: has a header and no row", cure="at least one row")
    return {name: np.array(values) for name, values in numbers.items()}, said


def _check_mapping(
    path: Path,
    mapping: Mapping[str, str],
    columns: Mapping[str, TableColumn],
    words: Sequence[str],
    needed: Sequence[str],
) -> None:
    names = (*columns, *words)
    for name in mapping:
        if name not in names:
            raise InputError(f"{path.name}: {name!r} is no column trassa knows", cure=f"one of {', '.join(names)}")
    for name in needed:
        if name not in mapping:
            raise InputError(f"{path.name}: no header is given for {name}", cure=f"--column {name}=HEADER")
    kept = [columns[name].kept_as for name in mapping if name in columns]
    for one in kept:
        if kept.count(one) > 1:
            both = " and ".join(name for name in mapping if name in columns and columns[name].kept_as == one)
            raise InputError(f"{path.name}: {both} are the same quantity", cure="map one of them")


def _delimiter(text: str, wanted: Iterable[str]) -> str:
    """Whatever divides the header so that most of the wanted ones are found; of equals the most frequent."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    sought = set(wanted)

    def fit(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=delimiter))
        return len(sought & {cell.strip() for cell in cells}), header.count(delimiter)

    return max(_DELIMITERS, key=fit)


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path.name}, line {reader.line_num}: {error}", cure="write it as CSV") from None


def _place(path: Path, header: Sequence[str], wanted: str, delimiter: str) -> int:
    named = [cell.strip() for cell in header]
    if named.count(wanted) != 1:
        said = "no column" if wanted not in named else f"{named.count(wanted)} columns"
        between = _DELIMITERS[delimiter]
        has = ", ".join(repr(cell) for cell in named[:12]) or "nothing"
        cure = f"one of the headers found between {between}: {has}"
        raise InputError(f"{path.name}: {said} with the header {wanted!r}", cure=cure)
    return named.index(wanted)


def _bounded(text: str, column: TableColumn, place: str, delimiter: str) -> float:
    value = as_number(text, place, decimal_comma=delimiter != ",")
    if math.isnan(value):
        return value
    if not column.low <= value <= column.high:
        cure = "leave the field empty where nothing was measured, or map the column under its own unit"
        raise InputError(f"{place}: {value:.12g} lies outside {column.low:g}..{column.high:g}", cure=cure)
    if column.whole and value != round(value):
        raise InputError(f"{place}: {value:.12g} is not a whole number", cure="the identity as an integer")
    return value * column.factor


def as_number(text: str, place: str, *, decimal_comma: bool = False) -> float:
    """A field as a number, NaN where it is empty or says so; ``place`` names it in the error."""
    said = text.strip()
    if said.lower() in _EMPTY:
        return math.nan
    if "," in said:
        if not decimal_comma:
            cure = "a decimal point, or semicolons between the columns"
            raise InputError(f"{place}: {said!r} has a comma within the number", cure=cure)
        if "." in said or said.count(",") > 1:
            raise InputError(f"{place}: {said!r} has more than a decimal comma", cure="no thousands separators")
        said = said.replace(",", ".")
    try:
        value = float(said) if "_" not in said else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{place}: {text.strip()!r} is no number", cure="a number, or an empty field for no reading")
    return value
