"""MapInfo TAB: areas with attributes for the planning tools that radio engineers use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyogrio import raw
from pyogrio.errors import DataLayerError, DataSourceError, FieldError

from trassa.errors import InputError

__all__ = ["write_tab"]

_CODE_PAGES = ("CP1252", "CP1251", "UTF-8")
_PARTS = (".dat", ".map", ".id", ".tab")  # the last one names the others: it comes when they are there


def write_tab(path: Path, areas: Sequence[shapely.MultiPolygon], fields: Mapping[str, npt.ArrayLike]) -> list[Path]:
    """Write areas (longitude, latitude, WGS 84) with one value per area and field; gives the files written.

    Names of fields have at most 31 characters; whole numbers fit 32 bits. Texts are kept in the Western or Cyrillic
    Windows code page where one holds them all, which any version reads, otherwise in UTF-8. Coordinates are kept to a
    2-billionth of the bounds. The files are made aside and put in place together; one that cannot be written raises
    :class:`~trassa.errors.InputError`.
    """
    folder = path.with_name(f".{path.stem}.{os.getpid()}.tab")
    columns = [_stored(np.asarray(values)) for values in fields.values()]
    texts = "".join(text for column in columns if column.dtype == np.object_ for text in column)
    west, south, east, north = shapely.total_bounds(np.asarray(areas, dtype=np.object_)).tolist()
    try:
        folder.mkdir()
        raw.write(
            folder / path.name,
            shapely.to_wkb(np.asarray(areas, dtype=np.object_)),
            columns,
            list(fields),
            driver="MapInfo File",
            geometry_type="MultiPolygon",
            crs="EPSG:4326",
            encoding="UTF-8",  # GDAL turns it into the code page
            layer_options={
                "BOUNDS": f"{west - 1.0},{south - 1.0},{east + 1.0},{north + 1.0}",
                "ENCODING": next(page for page in _CODE_PAGES if _holds(page, texts)),
            },
        )
        made = [folder / (path.stem + suffix) for suffix in _PARTS]
        return [part.replace(path.with_suffix(part.suffix)) for part in made]
    except (DataSourceError, DataLayerError, FieldError, OSError, RuntimeError) as error:
        raise InputError(
            f"export: {path} cannot be written ({error})", cure="free space on the disk, or another folder"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stored(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The column in a type that old versions read: they know no 64-bit whole numbers."""
    if column.dtype.kind in "UO":
        return column.astype(np.object_)
    return column.astype(np.int32) if column.dtype.kind in "iu" else column


def _holds(page: str, text: str) -> bool:
    try:
        text.encode(page)
    except UnicodeEncodeError:
        return False
    return True
