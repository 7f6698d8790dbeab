"""Layers: typed tables whose rows are located on a road.

A :class:`Schema` says, column by column, type, unit and meaning. It is read from a table that people review
(``layers.csv`` in each package), and it feeds code, exports and the data-model page alike.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError

__all__ = ["Column", "ColumnType", "Layer", "LocatedBy", "Schema", "schemas_from_csv"]

ColumnType = Literal["int", "float", "text", "bool"]
LocatedBy = Literal["position", "extent", "table"]
Value = int | float | str | bool
Array = npt.NDArray[Any]

_DTYPE: dict[ColumnType, Any] = {"int": np.int64, "float": np.float64, "text": np.object_, "bool": np.bool_}


@dataclass(frozen=True)
class Column:
    """One column of a schema. A float has a unit, or the unit ``1`` for a ratio."""

    name: str
    type: ColumnType
    unit: str
    description: str


@dataclass(frozen=True)
class Schema:
    """The columns of a layer, and how its rows are located.

    ``position`` rows have ``measure_m``; ``extent`` rows have ``start_m`` and ``end_m``; a ``table`` has neither.
    """

    name: str
    located_by: LocatedBy
    description: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        needs = {"position": {"measure_m"}, "extent": {"start_m", "end_m"}, "table": set()}[self.located_by]
        missing = needs - {column.name for column in self.columns}
        if missing:
            raise InputError(f"schema {self.name}: located by {self.located_by} but lacks {sorted(missing)}")

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Layer:
    """A table of one schema: a NumPy array per column, all of one length. Text columns hold ``str`` objects."""

    schema: Schema
    columns: Mapping[str, Array] = field(repr=False)

    @classmethod
    def from_columns(cls, schema: Schema, **columns: npt.ArrayLike) -> Layer:
        """Build from one array per column; types are enforced, names must match the schema exactly."""
        expected = {column.name for column in schema.columns}
        if set(columns) != expected:
            missing, unknown = sorted(expected - set(columns)), sorted(set(columns) - expected)
            raise InputError(f"layer {schema.name}: missing columns {missing}, unknown columns {unknown}")
        arrays = {c.name: _typed(columns[c.name], c.type) for c in schema.columns}
        lengths = {len(array) for array in arrays.values()}
        if len(lengths) > 1:
            raise InputError(f"layer {schema.name}: columns differ in length {sorted(lengths)}")
        return cls(schema, arrays)

    @classmethod
    def from_rows(cls, schema: Schema, rows: Iterable[Mapping[str, Value]]) -> Layer:
        """Build from one mapping per row."""
        table = list(rows)
        columns = {c.name: [row[c.name] for row in table] for c in schema.columns}
        for row in table:
            if len(row) != len(columns):
                unknown = sorted(set(row) - set(columns))
                raise InputError(f"layer {schema.name}: unknown columns {unknown}")
        return cls.from_columns(schema, **columns)

    @classmethod
    def empty(cls, schema: Schema) -> Layer:
        """A layer without rows."""
        return cls.from_rows(schema, [])

    def __len__(self) -> int:
        return len(self.columns[self.schema.columns[0].name])

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def rows(self) -> Iterator[dict[str, Value]]:
        """The rows as plain Python values."""
        names = [column.name for column in self.schema.columns]
        for values in zip(*(self.columns[name].tolist() for name in names), strict=True):
            yield dict(zip(names, values, strict=True))

    def take(self, index: npt.ArrayLike) -> Layer:
        """The rows at an index array or where a boolean mask is true, in that order."""
        chosen = np.asarray(index)
        return Layer(self.schema, {name: array[chosen] for name, array in self.columns.items()})

    def where(self, **equal: Value) -> Layer:
        """The rows in which each named column equals the given value: ``places.where(kind="junction")``."""
        mask = np.ones(len(self), dtype=bool)
        for name, value in equal.items():
            mask &= np.asarray(self.columns[name] == value, dtype=bool)
        return self.take(mask)

    def digest(self) -> str:
        """SHA-256 over names, types and values: the hash that a claim's evidence names."""
        sha = hashlib.sha256(self.schema.name.encode())
        for column in self.schema.columns:
            sha.update(f"\x1e{column.name}\x1f{column.type}\x1f".encode())
            array = self.columns[column.name]
            if column.type == "text":
                sha.update("\x1f".join(array.tolist()).encode())
            elif column.type == "float":
                # one NaN and one zero: 0/0 gives a NaN with another sign bit, and no file format keeps -0.0
                sha.update((np.where(np.isnan(array), np.nan, array) + 0.0).tobytes())
            else:
                sha.update(np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()


def schemas_from_csv(text: str) -> dict[str, Schema]:
    """Schemas by name from a reviewable table with the header ``layer,located_by,column,type,unit,description``.

    The row of a layer with an empty ``column`` opens the layer and describes it.
    """
    opened: dict[str, tuple[LocatedBy, str, list[Column]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        name = row["layer"]
        if not row["column"]:
            opened[name] = (row["located_by"], row["description"], [])  # type: ignore[assignment]
        else:
            column = Column(row["column"], row["type"], row["unit"], row["description"])  # type: ignore[arg-type]
            opened[name][2].append(column)
    return {name: Schema(name, by, text, tuple(columns)) for name, (by, text, columns) in opened.items()}


def _typed(values: npt.ArrayLike, kind: ColumnType) -> Array:
    if kind == "text":
        texts = np.empty(len(values), dtype=np.object_)  # type: ignore[arg-type]
        texts[:] = [str(value) for value in values]  # type: ignore[union-attr]
        return texts
    return np.asarray(values, dtype=_DTYPE[kind])
