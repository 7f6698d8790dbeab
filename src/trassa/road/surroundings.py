"""What stands around a road: OpenStreetMap land use, woods and buildings as clutter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from trassa.road.lattice import Bounds, metres_per_degree
from trassa.road.model import Road
from trassa.road.osm import read_areas
from trassa.road.settings import ClutterSettings
from trassa.road.terrain import Terrain

__all__ = [
    "CATEGORIES",
    "ClutterArea",
    "categories_of",
    "clutter_areas",
    "clutter_heights_m",
    "ground_areas",
    "road_bounds",
]

CATEGORIES: Mapping[str, tuple[tuple[str, frozenset[str]], ...]] = {
    "forest": (("landuse", frozenset({"forest"})), ("natural", frozenset({"wood"}))),
    "urban": (("landuse", frozenset({"retail", "institutional", "education"})),),
    "suburban": (("landuse", frozenset({"residential"})),),
    "industrial": (("landuse", frozenset({"industrial", "commercial", "port"})),),
    "orchard": (
        ("landuse", frozenset({"orchard", "vineyard", "plant_nursery", "allotments"})),
        ("natural", frozenset({"scrub"})),
    ),
}
"""Clutter categories and the tags that mean them; ``building`` is any building that stands on the ground."""

_NOT_STANDING = frozenset({"no", "bridge"})


@dataclass(frozen=True)
class ClutterArea:
    """A polygon (x = longitude, y = latitude, degrees, with holes) of one clutter category.

    Where areas overlap, the category with the greatest height counts; the order of areas never matters.
    """

    category: str
    polygon: shapely.Polygon


def categories_of(tags: Mapping[str, str]) -> list[str]:
    """The clutter categories that an object's tags mean; none for water, fields, meadows and the like."""
    found = [name for name, rules in CATEGORIES.items() if any(tags.get(key) in values for key, values in rules)]
    if tags.get("building", "no") not in _NOT_STANDING and tags.get("location") != "underground":
        found.append("building")
    return found


def clutter_areas(osm_files: Sequence[Path], bounds: Bounds) -> list[ClutterArea]:
    """All clutter that touches a box, from one or more OSM extracts."""
    box = (bounds.west_deg, bounds.south_deg, bounds.east_deg, bounds.north_deg)
    areas = read_areas(osm_files, box)
    return [ClutterArea(name, polygon) for tags, polygon in areas for name in categories_of(tags)]


def ground_areas(
    osm_files: Sequence[Path], terrain: Terrain, road: Road, settings: ClutterSettings, reach_m: float
) -> list[ClutterArea]:
    """The clutter that :func:`trassa.road.ground.build_ground` needs: none on a ``surface`` model or without a map.

    Categories to which the project gives no height are left out.
    """
    if terrain.kind == "surface" or not osm_files:
        return []
    heights_m = clutter_heights_m(settings)
    areas = clutter_areas(osm_files, road_bounds(road, reach_m))
    return [area for area in areas if heights_m[area.category] > 0.0]


def clutter_heights_m(settings: ClutterSettings) -> dict[str, float]:
    """Height of each category in metres, as the project assumes it."""
    return {name: float(getattr(settings, f"{name}_m")) for name in (*CATEGORIES, "building")}


def road_bounds(road: Road, reach_m: float) -> Bounds:
    """The box around a road's carriageways, widened by ``reach_m`` (step 2 of the rule)."""
    present = [line.present for line in road.alignments.values()]
    latitude = np.concatenate([line.latitude_deg[p] for line, p in zip(road.alignments.values(), present, strict=True)])
    longitude = np.concatenate(
        [line.longitude_deg[p] for line, p in zip(road.alignments.values(), present, strict=True)]
    )
    south, north = float(latitude.min()), float(latitude.max())
    per_lat_m, _ = metres_per_degree((south + north) / 2.0)
    beyond_lat = reach_m / float(per_lat_m)
    _, per_lon_m = metres_per_degree(max(abs(south - beyond_lat), abs(north + beyond_lat)))
    beyond_lon = reach_m / float(per_lon_m)
    return Bounds(
        float(longitude.min()) - beyond_lon, south - beyond_lat, float(longitude.max()) + beyond_lon, north + beyond_lat
    )
