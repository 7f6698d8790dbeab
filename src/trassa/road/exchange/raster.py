"""Elevation rasters (GeoTIFF and whatever else GDAL reads) as lattices of nodes."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio import Affine
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.warp import transform
from rasterio.windows import Window

from trassa.errors import InputError
from trassa.road.lattice import Lattice, metres_per_degree

__all__ = ["HEIGHT_RANGE_M", "Raster", "read_raster", "read_raster_lattice", "write_raster"]

HEIGHT_RANGE_M = (-500.0, 9000.0)
"""Values outside are not heights of land: −32768, −9999 and 3.4e38 mark voids even where no file says so."""

_DATUM_SHIFT_MAX_M = 5.0


@dataclass(frozen=True)
class Raster:
    """Heights at the nodes of a geographic lattice: ``array`` (rows, cols) float32 in metres, NaN where void.

    A pixel's value belongs to its centre, so the node is the pixel's centre, whether the file calls its pixels
    areas or points. Copernicus GLO-30 tiles have their nodes on whole arc seconds, the first in the tile's north-west
    corner and none on its south and east edge.
    """

    array: npt.NDArray[np.float32]
    lattice: Lattice

    @property
    def north_deg(self) -> float:
        """Latitude of the first row."""
        return self.lattice.north_deg

    @property
    def west_deg(self) -> float:
        """Longitude of the first column."""
        return self.lattice.west_deg

    @property
    def step_lat_deg(self) -> float:
        """Spacing of rows, positive."""
        return self.lattice.step_lat_deg

    @property
    def step_lon_deg(self) -> float:
        """Spacing of columns, positive."""
        return self.lattice.step_lon_deg


def read_raster_lattice(path: Path) -> Lattice:
    """Where a raster's nodes stand, without reading its heights. Errors as :func:`read_raster`."""
    with _opened(path) as dataset:
        return _lattice_of(dataset, path)


def read_raster(path: Path, window: tuple[int, int, int, int] | None = None) -> Raster:
    """Read an elevation raster, or the window (row, col, rows, cols) of it.

    Raises :class:`InputError` for a projected or missing coordinate system, a datum that is not WGS 84 to 5 m, rotated
    or south-up rows, several bands, or a file that cannot be read; where a command mends it, the error names it.
    """
    with _opened(path) as dataset:
        lattice = _lattice_of(dataset, path)
        row, col, rows, cols = window or (0, 0, lattice.rows, lattice.cols)
        try:
            band = dataset.read(1, window=Window(col, row, cols, rows), masked=True)
        except RasterioError as error:
            raise InputError(
                f"terrain: {path.name} is damaged ({error})", cure="fetch or copy the file again"
            ) from error
        heights = band.astype(np.float32).filled(np.nan) * np.float32(dataset.scales[0])
        heights += np.float32(dataset.offsets[0])
    low, high = HEIGHT_RANGE_M
    heights[~((heights > low) & (heights < high))] = np.nan
    return Raster(heights, lattice.window(row, col, rows, cols))


def write_raster(
    path: Path,
    heights_m: npt.NDArray[np.float32],
    north_deg: float,
    west_deg: float,
    step_lat_deg: float,
    step_lon_deg: float,
) -> None:
    """Write heights, shape (rows, cols), as a compressed GeoTIFF in WGS 84 whose pixel centres are the nodes.

    ``north_deg``, ``west_deg`` is the node of row 0, column 0. NaN is void. :func:`read_raster` gives the same back.
    """
    rows, cols = heights_m.shape
    corner = (west_deg - step_lon_deg / 2, north_deg + step_lat_deg / 2)
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "crs": "EPSG:4326",
        "transform": Affine(step_lon_deg, 0.0, corner[0], 0.0, -step_lat_deg, corner[1]),
        "nodata": np.nan,
        "tiled": True,
        "compress": "deflate",
        "predictor": 3,
    }
    rough = path.with_name(f".{path.name}.{os.getpid()}.tif")
    try:
        with rasterio.open(rough, "w", width=cols, height=rows, count=1, dtype="float32", **profile) as dataset:
            dataset.write(heights_m.astype(np.float32, copy=False), 1)
        rough.replace(path)
    except (RasterioError, OSError) as error:
        raise InputError(
            f"terrain: {path} cannot be written ({error})", cure="free space, or another folder"
        ) from error
    finally:
        rough.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[DatasetReader]:
    if not path.is_file():
        raise InputError(f"terrain: no file {path}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # refused below, with the cure
        try:
            dataset = rasterio.open(path)
        except RasterioError as error:
            raise InputError(
                f"terrain: {path.name} is not a raster that GDAL can open ({error})", cure="GeoTIFF or .hgt"
            ) from error
    with dataset:
        yield dataset


def _lattice_of(dataset: DatasetReader, path: Path) -> Lattice:
    affine = dataset.transform
    if dataset.crs is None:
        raise InputError(
            f"terrain: {path.name} names no coordinate system",
            cure=f"gdal_edit -a_srs EPSG:4326 {path.name}, if it is so",
        )
    warp = f"gdalwarp -t_srs EPSG:4326 -r bilinear {path.name} {path.stem}_wgs84.tif"
    if not dataset.crs.is_geographic:
        raise InputError(f"terrain: {path.name} is projected ({dataset.crs}), not in latitude and longitude", cure=warp)
    if affine.b or affine.d or affine.a <= 0 or affine.e >= 0:
        raise InputError(f"terrain: {path.name} is rotated or stored south-up", cure=warp)
    if dataset.count != 1 or dataset.width < 2 or dataset.height < 2:
        size = f"{dataset.count} bands of {dataset.height} × {dataset.width} pixels"
        raise InputError(
            f"terrain: {path.name} has {size}, not one band of at least 2 × 2",
            cure=f"gdal_translate -b 1 {path.name} {path.stem}_heights.tif",
        )
    north, west = affine.f + affine.e / 2, affine.c + affine.a / 2
    if not (-90 <= north <= 90.01 and -180.01 <= west <= 180.01):
        raise InputError(f"terrain: {path.name} begins at latitude {north:g}°, longitude {west:g}°", cure=warp)
    _require_wgs84(dataset, north, west, path, warp)
    return Lattice(north, west, -affine.e, affine.a, dataset.height, dataset.width)


def _require_wgs84(dataset: DatasetReader, north_deg: float, west_deg: float, path: Path, warp: str) -> None:
    longitude, latitude = transform(dataset.crs, "EPSG:4326", [west_deg], [north_deg])[:2]
    per_latitude_m, per_longitude_m = metres_per_degree(north_deg)
    shift_m = math.hypot((latitude[0] - north_deg) * per_latitude_m, (longitude[0] - west_deg) * per_longitude_m)
    if not shift_m <= _DATUM_SHIFT_MAX_M:
        raise InputError(f"terrain: {path.name} is in {dataset.crs}, {shift_m:.0f} m away from WGS 84", cure=warp)
