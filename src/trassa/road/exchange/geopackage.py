"""GeoPackage: every layer of a plan in one file that opens, styled, in a desktop GIS."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pyogrio import raw
from pyogrio.errors import DataLayerError, DataSourceError, FieldError

from trassa.errors import InputError
from trassa.linear import Layer, Schema
from trassa.provenance import Progress, no_progress
from trassa.road.exchange.geometry import km_texts, line_geometries, point_geometries
from trassa.road.exchange.styles import add_styles
from trassa.road.model import Road

__all__ = ["KM_TEXT", "layer_names", "read_layer", "write_geopackage"]

KM_TEXT = "km_text"
"""Column that the file adds to located layers for human readers; it is not part of any schema."""

_GEOMETRY_TYPE = {"position": "Point", "extent": "Measured LineString", "table": None}
_GDAL_ERRORS = (DataSourceError, DataLayerError, FieldError, OSError, RuntimeError)


def write_geopackage(
    path: Path,
    road: Road,
    layers: Mapping[str, Layer],
    progress: Progress = no_progress,
    *,
    attribution: str = "",
    beside: Mapping[str, Road] | None = None,
) -> None:
    """Write every layer as the table of its name, WGS 84, and put the file in place only when it is whole.

    Position rows become points, extent rows lines with M = measure along their carriageway; a column ``km_text`` is
    added to both; ``attribution`` goes into the description of every table; a layer named in ``beside`` is drawn along
    the lines of that road instead (:func:`trassa.road.verge.beside`). Numbers, truth values and texts survive
    exactly; NaN is stored as NULL. A full disk or a folder that cannot be written raises :class:`InputError` and leaves
    an older file as it was.
    """
    rough = path.with_name(f".{path.stem}.{os.getpid()}.gpkg")
    _discard(rough)
    try:
        for done, (name, layer) in enumerate(layers.items()):
            _write_table(rough, name, layer, (beside or {}).get(name, road))
            progress((done + 1) / (len(layers) + 1))
        add_styles(rough, layers)
        _describe(rough, layers, attribution)
        _require_whole(rough, layers)
        rough.replace(path)
    except (*_GDAL_ERRORS, sqlite3.Error) as error:
        raise InputError(
            f"export: {path} cannot be written ({error})", cure="free space on the disk, or another folder"
        ) from error
    finally:
        _discard(rough)
    progress(1.0)


def layer_names(path: Path) -> list[str]:
    """The tables of a GeoPackage, in the order of writing, without the styles."""
    query = "SELECT table_name FROM gpkg_contents WHERE table_name <> 'layer_styles' ORDER BY rowid"
    try:
        with closing(_connected(path)) as connection:
            rows = connection.execute(query).fetchall()
    except sqlite3.Error as error:
        raise InputError(
            f"layers: {path} cannot be read as a GeoPackage ({error})", cure="trassa run, which writes it"
        ) from error
    return [name for (name,) in rows]


def read_layer(path: Path, schema: Schema, name: str = "") -> Layer:
    """Read the table of a schema back, exactly as it was written; columns that the schema lacks are left out.

    Raises :class:`InputError` where the file, the table or a column is missing, or a column holds another type.
    """
    table = name or schema.name
    if table not in layer_names(path):
        raise InputError(f"layers: {path} has no table {table}", cure="trassa run, which writes it")
    wanted = ", ".join(f'"{column.name}"' for column in schema.columns)
    try:
        meta, _, _, fields = raw.read(path, sql=f'SELECT {wanted} FROM "{table}" ORDER BY fid', read_geometry=False)
    except _GDAL_ERRORS as error:
        raise InputError(f"layers: table {table} in {path} cannot be read ({error})") from error
    found = dict(zip(meta["fields"], fields, strict=True))
    return Layer.from_columns(schema, **{c.name: _checked(found, c.name, c.type, table) for c in schema.columns})


def _write_table(path: Path, name: str, layer: Layer, road: Road) -> None:
    fields = dict(layer.columns)
    geometry = None
    if layer.schema.located_by != "table":
        fields.setdefault(KM_TEXT, km_texts(layer, road))
        geometry = (point_geometries if layer.schema.located_by == "position" else line_geometries)(layer, road)
    raw.write(
        path,
        geometry,
        list(fields.values()),
        list(fields),
        layer=name,
        driver="GPKG",
        geometry_type=_GEOMETRY_TYPE[layer.schema.located_by],
        crs=None if geometry is None else "EPSG:4326",
        layer_options={"DESCRIPTION": layer.schema.description},
    )


def _discard(rough: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        rough.with_name(rough.name + suffix).unlink(missing_ok=True)


def _describe(path: Path, layers: Mapping[str, Layer], attribution: str) -> None:
    """Say in the file itself what each table is, and whose data it stands on."""
    with closing(_connected(path)) as connection, connection:
        for name, layer in layers.items():
            text = f"{layer.schema.description}. {attribution}".strip()
            connection.execute("UPDATE gpkg_contents SET description = ? WHERE table_name = ?", (text, name))


def _require_whole(path: Path, layers: Mapping[str, Layer]) -> None:
    """GDAL reports a full disk late or not at all: count what is really there before the old file goes."""
    with closing(_connected(path)) as connection:
        for name, layer in layers.items():
            (rows,) = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
            if rows != len(layer):
                raise sqlite3.DatabaseError(f"table {name} holds {rows} of {len(layer)} rows")


def _connected(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise InputError(f"layers: no file {path}", cure="trassa run, which writes it")
    return sqlite3.connect(path)


def _checked(found: Mapping[str, npt.NDArray[np.generic]], name: str, kind: str, table: str) -> npt.ArrayLike:
    array = found.get(name)
    if array is None:
        raise InputError(f"layers: table {table} lacks the column {name}")
    expected = {"int": "iu", "float": "f", "text": "O", "bool": "b"}[kind]
    if array.dtype.kind not in expected:
        raise InputError(f"layers: column {name} of table {table} holds {array.dtype}, not {kind}")
    return array
