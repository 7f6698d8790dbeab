"""Lines from any vector file that GDAL reads: GeoJSON, GeoPackage, shapefile."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyogrio
import pyogrio.errors
import shapely
from pyproj import CRS, Transformer

from trassa.errors import InputError

__all__ = ["read_lines"]


def read_lines(path: Path) -> list[tuple[dict[str, Any], npt.NDArray[np.float64]]]:
    """Every line of the file's first layer with its attributes, vertices as (longitude, latitude), shape (n, 2).

    Multilines yield one entry per part; coordinates are turned into WGS 84. Raises
    :class:`~trassa.errors.InputError` for a file that cannot be read and one without lines.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Measured \(M\) geometry types are not supported", UserWarning)
            meta, _, geometry, columns = pyogrio.raw.read(path, layer=0)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise InputError(f"lines: {path.name} cannot be read: {error}", cure="GeoJSON or GeoPackage") from error
    names = [str(name) for name in meta["fields"]]
    found: list[tuple[dict[str, Any], npt.NDArray[np.float64]]] = []
    for index, shape in enumerate(shapely.from_wkb(geometry)):
        values = {name: column[index] for name, column in zip(names, columns, strict=True)}
        parts = shapely.get_parts(shape) if shape is not None else []
        lines = [part for part in parts if part.geom_type == "LineString"]
        found += [(values, _in_wgs84(shapely.get_coordinates(line), meta["crs"])) for line in lines]
    if not found:
        raise InputError(f"lines: {path.name} holds no line", cure="a layer of LineStrings first in the file")
    return found


def _in_wgs84(vertices: npt.NDArray[np.float64], crs: str | None) -> npt.NDArray[np.float64]:
    if not crs or CRS.from_user_input(crs).equals(CRS.from_epsg(4326), ignore_axis_order=True):
        return vertices
    turn = Transformer.from_crs(crs, 4326, always_xy=True)
    return np.column_stack(turn.transform(vertices[:, 0], vertices[:, 1]))
