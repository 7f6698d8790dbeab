"""Coverage as files for other tools: cloud-optimised GeoTIFF, MapInfo TAB and KMZ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod

from trassa.linear import Layer
from trassa.provenance import Progress, no_progress
from trassa.radio.raster import Attenuation, CoverageRules, coverage_lattice, coverage_tiles
from trassa.road.exchange.cloud_raster import CloudRaster, Look, areas_by_value, raster_windows
from trassa.road.exchange.kmz import ColourScale, NamedArea, write_kmz
from trassa.road.exchange.mapinfo import write_tab
from trassa.road.ground import GroundGrid
from trassa.road.model import Road

__all__ = ["RSRP_SCALE", "export_coverage"]

RSRP_SCALE = ColourScale(
    "RSRP",
    "dBm",
    (-120.0, -110.0, -100.0, -90.0, -80.0),
    ((68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37)),
)
"""Classes of the pictures in the KMZ; darker is weaker."""

_SITE_COLOURS = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0))
_PICTURE_NODES = 1024
_GEOD = Geod(ellps="WGS84")


def export_coverage(
    road: Road,
    ground: GroundGrid,
    sites: Layer,
    rules: CoverageRules,
    folder: Path,
    attenuation_db: Attenuation | None = None,
    progress: Progress = no_progress,
) -> list[Path]:
    """Write ``rsrp.tif`` and ``best_server.tif`` (cloud-optimised), ``best_server.tab`` and ``coverage.kmz``.

    Gives every file written, side files of the last three included. Memory is bounded by a tile, not by the road.
    """
    folder.mkdir(parents=True, exist_ok=True)
    levels, servers = folder / "rsrp.tif", folder / "best_server.tif"
    lattice = coverage_lattice(road, ground, rules)
    names = sites["site"].tolist()
    colours = {0: (0, 0, 0, 0)} | {value: (*_colour(value), 255) for value in range(1, len(sites) + 1)}
    level_look = Look("float32", math.nan, "rsrp_dbm", "dBm")
    # a palette of two-byte numbers takes 400 kB on every level
    whole: Literal["uint8", "uint16"] = "uint8" if len(sites) < 255 else "uint16"
    server_look = Look(whole, 0, "best_server", categories=["none", *names], colours=colours)
    with CloudRaster(levels, lattice, level_look) as level, CloudRaster(servers, lattice, server_look) as server:
        for tile in coverage_tiles(road, ground, sites, rules, attenuation_db, progress):
            level.write(tile.row, tile.col, tile.rsrp_dbm)
            server.write(tile.row, tile.col, tile.server)
    written = [levels, servers, servers.with_name(servers.name + ".aux.xml")]
    areas, area_file = areas_by_value(servers), folder / "best_server.tab"
    if not areas:  # those of an older grid would stand beside this one
        for suffix in (".tab", ".dat", ".map", ".id"):
            area_file.with_suffix(suffix).unlink(missing_ok=True)
    else:
        written += write_tab(area_file, list(areas.values()), _attributes(sites, areas))
    picture = folder / "coverage.kmz"
    named = _named_areas(road, sites, areas)
    write_kmz(picture, f"{road.ref}: coverage", lattice, raster_windows(levels, _PICTURE_NODES), RSRP_SCALE, named)
    return [*written, picture]


def _attributes(sites: Layer, areas: Mapping[int, shapely.MultiPolygon]) -> dict[str, npt.ArrayLike]:
    """One row per area: the site that serves it, and how large and how broken up the area is."""
    rows = np.array(list(areas), dtype=np.int64) - 1
    columns: dict[str, npt.ArrayLike] = {name: sites[name][rows] for name in ("site", "name", "km", "height_m")}
    columns["area_km2"] = [_area_km2(area) for area in areas.values()]
    columns["patches"] = [len(area.geoms) for area in areas.values()]
    return columns


def _named_areas(road: Road, sites: Layer, areas: Mapping[int, shapely.MultiPolygon]) -> list[NamedArea]:
    found = []
    for value, area in areas.items():
        place = road.text(float(sites["measure_m"][value - 1]))
        text = f"{sites['name'][value - 1]}, {place}, antenna at {sites['height_m'][value - 1]:g} m"
        named = NamedArea(sites["site"][value - 1], f"{text}: {_area_km2(area):.2f} km²", _colour(value), area)
        found.append(named)
    return found


def _area_km2(area: shapely.MultiPolygon) -> float:
    return abs(float(_GEOD.geometry_area_perimeter(shapely.orient_polygons(area))[0])) / 1e6


def _colour(value: int) -> tuple[int, int, int]:
    """Sites one after another along the road have different colours."""
    return _SITE_COLOURS[(value - 1) % len(_SITE_COLOURS)]
