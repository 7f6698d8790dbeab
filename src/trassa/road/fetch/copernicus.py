"""Copernicus elevation tiles: their names in the public store, and what stands in where there is none."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.provenance import Progress, no_progress
from trassa.road.exchange import read_raster_lattice
from trassa.road.fetch.courier import Courier
from trassa.road.lattice import metres_per_degree
from trassa.road.tiles import hgt_name

__all__ = ["TileArrival", "fetch_tiles", "tile_name", "tiles_around"]

GLO_30, GLO_90 = 10, 30
"""Resolution in the names of the two products, tenths of an arc second."""

_SEA_SIDE = 1201


@dataclass(frozen=True)
class TileArrival:
    """The tiles that cover an area, and a sentence for each that is not the 30-m product."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def tile_name(south_deg: int, west_deg: int, product: int = GLO_30) -> str:
    """``Copernicus_DSM_COG_10_N56_00_E036_00_DEM``: folder and file name of the tile with that south-west corner."""
    north_south, east_west = "NS"[south_deg < 0], "EW"[west_deg < 0]
    corner = f"{north_south}{abs(south_deg):02d}_00_{east_west}{abs(west_deg):03d}_00"
    return f"Copernicus_DSM_COG_{product}_{corner}_DEM"


def tiles_around(latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike, reach_m: float) -> list[tuple[int, int]]:
    """South-west corners of all one-degree tiles within ``reach_m`` (a box) of any of the points.

    The row and column that a tile leaves to its southern and eastern neighbour are within reach of any road there.
    """
    lat, lon = np.asarray(latitude_deg, dtype=np.float64), np.asarray(longitude_deg, dtype=np.float64)
    per_lat_m, per_lon_m = metres_per_degree(lat)
    up, aside = reach_m / per_lat_m, reach_m / per_lon_m
    corners = {
        (math.floor(y), math.floor(x))
        for south, west, north, east in set(
            zip(
                *(np.floor(edge).astype(int).tolist() for edge in (lat - up, lon - aside, lat + up, lon + aside)),
                strict=True,
            )
        )
        for y in range(south, north + 1)
        for x in range(west, east + 1)
    }
    return sorted(corners)


def fetch_tiles(
    courier: Courier,
    corners: Iterable[tuple[int, int]],
    into: Path,
    dem_url: str,
    coarse_url: str,
    progress: Progress = no_progress,
) -> TileArrival:
    """Fetch the GLO-30 tile of each corner; where it is not public the GLO-90 tile; over open sea a tile of zeros.

    GLO-90 covers all land, so a tile that neither product has is sea, whose height the products define as 0.
    """
    files: list[Path] = []
    notes: list[str] = []
    wanted = list(corners)
    for number, corner in enumerate(wanted):
        for root, product in ((dem_url, GLO_30), (coarse_url, GLO_90)):
            name = tile_name(*corner, product)
            file = into / f"{name}.tif"
            if courier.fetch_file(f"{root.rstrip('/')}/{name}/{name}.tif", file) is not None:
                _require_raster(file)
                files.append(file)
                if product == GLO_90:
                    notes.append(f"terrain: {tile_name(*corner)} is not public; the 90-m tile stands in for it")
                break
        else:
            files.append(_sea_tile(corner, into))
            notes.append(f"terrain: {tile_name(*corner)} exists in neither product: open sea, height 0")
        progress((number + 1) / len(wanted))
    if all(file.name.startswith("sea_") for file in files):
        raise InputError(f"fetch: none of {len(files)} elevation tiles exists at {dem_url}", cure="another --dem-url")
    return TileArrival(tuple(files), tuple(notes))


def _require_raster(file: Path) -> None:
    try:
        read_raster_lattice(file)
    except InputError:
        file.unlink()
        raise


def _sea_tile(corner: tuple[int, int], into: Path) -> Path:
    file = into / f"sea_{hgt_name(*corner)}.gz"
    file.write_bytes(gzip.compress(bytes(2 * _SEA_SIDE**2), mtime=0))
    return file
