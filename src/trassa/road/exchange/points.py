"""Rows of any vector file that GDAL reads, with the place of each that is a point: GeoPackage, GeoJSON."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyogrio
import pyogrio.errors
import shapely
from pyproj import CRS, Transformer

from trassa.errors import InputError

__all__ = ["read_points"]


def read_points(path: Path) -> list[tuple[dict[str, str], tuple[float, float] | None]]:
    """Every row of the file's first layer: its attributes as text, and longitude and latitude in WGS 84.

    An attribute without a value is the empty text, a row without geometry has no place. Raises
    :class:`~trassa.errors.InputError` for a file that cannot be read and for geometry that is no single point.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Measured \(M\) geometry types are not supported", UserWarning)
            meta, _, geometry, columns = pyogrio.raw.read(path, layer=0)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise InputError(f"points: {path.name} cannot be read: {error}", cure="a GeoPackage") from error
    names = [str(name) for name in meta["fields"]]
    rows = [dict(zip(names, map(_text, values), strict=True)) for values in zip(*columns, strict=True)]
    if geometry is None:
        return [(row, None) for row in rows]
    shapes = [shapely.get_parts(shape) if shape is not None else [] for shape in shapely.from_wkb(geometry)]
    for number, parts in enumerate(shapes, start=1):
        if len(parts) > 1 or any(part.geom_type != "Point" for part in parts):
            raise InputError(f"points: {path.name}, row {number}: its geometry is no point", cure="a layer of points")
    places = [(parts[0].x, parts[0].y) if len(parts) and not parts[0].is_empty else None for parts in shapes]
    return list(zip(rows, _in_wgs84(places, meta["crs"]), strict=True))


def _text(value: object) -> str:
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return ""
    return str(value)


def _in_wgs84(places: list[tuple[float, float] | None], crs: str | None) -> list[tuple[float, float] | None]:
    if not crs or CRS.from_user_input(crs).equals(CRS.from_epsg(4326), ignore_axis_order=True):
        return places
    turn = Transformer.from_crs(crs, 4326, always_xy=True)
    known: npt.NDArray[np.float64] = np.array([place for place in places if place], dtype=np.float64).reshape(-1, 2)
    turned = iter(np.column_stack(turn.transform(known[:, 0], known[:, 1])).tolist())
    return [None if place is None else tuple(next(turned)) for place in places]
