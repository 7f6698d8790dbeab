"""Cloud-optimised GeoTIFF: grids of any size, written tile by tile, that a map reads in parts over the network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.shutil
import shapely
from rasterio import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.features import shapes
from rasterio.windows import Window

from trassa.errors import InputError
from trassa.road.lattice import Lattice

__all__ = ["CloudRaster", "Look", "areas_by_value", "raster_windows"]

_BLOCK_NODES = 512

Colour = tuple[int, int, int, int]


@dataclass(frozen=True)
class Look:
    """What the numbers of a grid are: type, value where there is nothing, name, unit, and what values stand for.

    ``categories[v]`` names value v and ``colours`` gives it red, green, blue and opacity, 0 … 255. Coarser overviews
    take the commonest value of categories and the mean of anything else.
    """

    dtype: Literal["uint8", "uint16", "float32"]
    nodata: float
    description: str
    unit: str = ""
    categories: Sequence[str] = ()
    colours: Mapping[int, Colour] = field(default_factory=dict)


class CloudRaster:
    """A grid in the making: tiles go to a rough file, and leaving the ``with`` block puts the whole in place.

    Nodes are pixel centres, WGS 84. Tiles that are never written hold nothing. Names of categories go to
    ``path`` + ``.aux.xml``, where GDAL looks for them. A file that cannot be written raises
    :class:`~trassa.errors.InputError` and leaves an older one as it was.
    """

    def __init__(self, path: Path, lattice: Lattice, look: Look) -> None:
        self.path, self.look = path, look
        self._tiled = path.with_name(f".{path.name}.{os.getpid()}.tiles.tif")
        self._rough = path.with_name(f".{path.name}.{os.getpid()}.tif")
        profile: dict[str, Any] = {
            "driver": "GTiff",
            "width": lattice.cols,
            "height": lattice.rows,
            "count": 1,
            "dtype": look.dtype,
            "nodata": look.nodata,
            "crs": "EPSG:4326",
            "transform": _affine(lattice),
            "tiled": True,
            "blockxsize": _BLOCK_NODES,
            "blockysize": _BLOCK_NODES,
            "sparse_ok": True,
            "compress": "deflate",
            "bigtiff": "if_safer",
        }
        with self._told():
            self._dataset = rasterio.open(self._tiled, "w", **profile)
            self._dataset.set_band_description(1, look.description)
            if look.unit:
                self._dataset.set_band_unit(1, look.unit)
            if look.colours:
                self._dataset.write_colormap(1, dict(look.colours))
                self._dataset.colorinterp = [ColorInterp.palette]

    def write(self, row: int, col: int, values: npt.NDArray[Any]) -> None:
        """Write a tile whose first node is (row, col)."""
        rows, cols = values.shape
        with self._told():
            self._dataset.write(values.astype(self.look.dtype, copy=False), 1, window=Window(col, row, cols, rows))

    def __enter__(self) -> CloudRaster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._told():
                self._dataset.close()
                if kind is None:
                    self._finish()
        finally:
            for rough in (self._tiled, self._rough):
                rough.unlink(missing_ok=True)

    def _finish(self) -> None:
        options = {
            "compress": "deflate",
            "predictor": "yes",
            "blocksize": _BLOCK_NODES,
            "overview_resampling": "mode" if self.look.categories else "average",
        }
        rasterio.shutil.copy(self._tiled, self._rough, driver="COG", **options)
        self._rough.replace(self.path)
        names = "".join(f"<Category>{escape(name)}</Category>" for name in self.look.categories)
        aside = self.path.with_name(self.path.name + ".aux.xml")
        if names:
            band = f'<PAMRasterBand band="1"><CategoryNames>{names}</CategoryNames></PAMRasterBand>'
            aside.write_text(f"<PAMDataset>{band}</PAMDataset>\n", "utf-8")
        else:
            aside.unlink(missing_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (RasterioError, OSError) as error:
            raise InputError(
                f"raster: {self.path} cannot be written ({error})", cure="free space on the disk, or another folder"
            ) from error


def areas_by_value(path: Path) -> dict[int, shapely.MultiPolygon]:
    """The area of every value of a grid but 0: polygons along pixel edges, longitude and latitude, rising values."""
    parts: dict[int, list[shapely.Polygon]] = {}
    with rasterio.open(path) as dataset:
        for outline, value in shapes(rasterio.band(dataset, 1), connectivity=4):
            if value:
                rings = outline["coordinates"]
                parts.setdefault(int(value), []).append(shapely.Polygon(rings[0], rings[1:]))
    return {value: shapely.MultiPolygon(parts[value]) for value in sorted(parts)}


def raster_windows(path: Path, nodes: int) -> Iterator[tuple[int, int, npt.NDArray[Any]]]:
    """First row, first column and values of every square of a grid that holds anything, NaN where it holds nothing."""
    with rasterio.open(path) as dataset:
        for row in range(0, dataset.height, nodes):
            for col in range(0, dataset.width, nodes):
                window = Window(col, row, min(nodes, dataset.width - col), min(nodes, dataset.height - row))
                values = dataset.read(1, window=window, masked=True).astype(np.float32).filled(np.nan)
                if np.isfinite(values).any():
                    yield row, col, values


def _affine(lattice: Lattice) -> Affine:
    west, north = lattice.west_deg - lattice.step_lon_deg / 2, lattice.north_deg + lattice.step_lat_deg / 2
    return Affine(lattice.step_lon_deg, 0.0, west, 0.0, -lattice.step_lat_deg, north)
