"""A drawn centreline read raw: CSV and GeoJSON as text, GeoPackage as an SQLite database."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from trassa.errors import InputError

__all__ = ["drawn_lines"]

FloatArray = npt.NDArray[np.float64]
Lines = list[tuple[FloatArray, FloatArray]]

_LATITUDE = ("lat", "latitude", "latitude_deg", "широта", "y")
_LONGITUDE = ("lon", "lng", "long", "longitude", "longitude_deg", "долгота", "x")
_ENVELOPE_BYTES = (0, 32, 48, 48, 64)


def drawn_lines(path: Path) -> Lines:
    """Latitudes and longitudes of every line in the file."""
    try:
        if path.suffix.lower() in (".csv", ".txt"):
            return _from_csv(path)
        if path.suffix.lower() == ".gpkg":
            return [line for shape in _gpkg_shapes(path) for line in _lines(shape)]
        return [line for shape in _json_shapes(path) for line in _lines(shape)]
    except (ValueError, KeyError, sqlite3.DatabaseError, shapely.GEOSException) as error:
        raise InputError(f"verify: {path.name} cannot be read as a drawing ({error})") from None


def _from_csv(path: Path) -> Lines:
    text = path.read_text("utf-8-sig")
    head = text.splitlines()[0]
    rows = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=head.count))
    points: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        plain = {str(key).strip().lower(): value for key, value in row.items()}
        lat = next(plain[name] for name in _LATITUDE if name in plain)
        lon = next(plain[name] for name in _LONGITUDE if name in plain)
        if not (lat or "").strip():
            continue
        line = next((plain[name] for name in ("line", "carriageway") if name in plain), "")
        points[line].append((float(lat.replace(",", ".")), float(lon.replace(",", "."))))
    arrays = [np.array(one, dtype=np.float64) for one in points.values()]
    return [(array[:, 0], array[:, 1]) for array in arrays]


def _json_shapes(path: Path) -> Iterator[Any]:
    tree = json.loads(path.read_text("utf-8-sig"))
    parts = tree["features"] if tree.get("type") == "FeatureCollection" else [tree]
    for part in parts:
        geometry = part.get("geometry", part)
        if geometry:
            yield shapely.from_geojson(json.dumps(geometry))


def _gpkg_shapes(path: Path) -> Iterator[Any]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchall()
        for table, column in tables:
            for (blob,) in database.execute(f'SELECT "{column}" FROM "{table}"'):
                if blob:
                    yield shapely.from_wkb(blob[8 + _ENVELOPE_BYTES[(blob[3] >> 1) & 7] :])


def _lines(shape: Any) -> Lines:
    """The lines of a geometry; parts of a multi-line that touch stay apart, which changes no distance."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in ("LineString", "LinearRing")]
    arrays = [shapely.get_coordinates(part) for part in parts]
    return [(array[:, 1].copy(), array[:, 0].copy()) for array in arrays]
