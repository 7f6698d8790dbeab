"""plan.gpkg read as what it is: an SQLite database (OGC 12-128r18), one table for each layer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trassa.errors import InputError
from trassa.linear import Column, Layer, Schema
from trassa.optical.layers import SCHEMAS as OPTICAL
from trassa.radio.layers import SCHEMAS as RADIO
from trassa.road.layers import SCHEMAS as ROAD

__all__ = ["SCHEMAS", "read_layers"]

SCHEMAS: dict[str, Schema] = {**ROAD, **RADIO, **OPTICAL}


def read_layers(path: Path) -> dict[str, Layer]:
    """Every known layer that the file holds, by name; geometry is left aside, positions come from the columns."""
    if not path.is_file():
        raise InputError(f"verify: {path} does not exist", cure=f"trassa run {path.parent}")
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {name: _read_layer(connection, schema) for name, schema in SCHEMAS.items() if name in tables}
    except sqlite3.DatabaseError as error:
        raise InputError(f"verify: {path} is not a GeoPackage ({error})", cure=f"trassa run {path.parent}") from None
    finally:
        connection.close()


def _read_layer(connection: sqlite3.Connection, schema: Schema) -> Layer:
    there = {row[1] for row in connection.execute(f'PRAGMA table_info("{schema.name}")')}
    missing = [column.name for column in schema.columns if column.name not in there]
    if missing:
        raise InputError(f"verify: layer {schema.name} of plan.gpkg lacks the columns {', '.join(missing)}")
    names = ", ".join(f'"{column.name}"' for column in schema.columns)
    rows = connection.execute(f'SELECT {names} FROM "{schema.name}" ORDER BY rowid').fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema.columns)
    values = {c.name: _filled(c, values) for c, values in zip(schema.columns, columns, strict=True)}
    return Layer.from_columns(schema, **values)


def _filled(column: Column, values: Iterable[Any]) -> list[Any]:
    """NULL stands for NaN in a float column and for the empty text in a text column."""
    if column.type == "float":
        return [float("nan") if value is None else value for value in values]
    if column.type == "text":
        return ["" if value is None else value for value in values]
    plain = list(values)
    if any(value is None for value in plain):
        raise InputError(f"verify: column {column.name} of plan.gpkg holds an empty {column.type}")
    return plain
