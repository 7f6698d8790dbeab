"""Ground and clutter for the recomputation, from the input files and the rule of the ground grid alone.

The rule: of the tiles that touch the road's box, widened by the reach, the finest gives steps and anchor; where the
terrain is bare and the map has clutter in that box, each step is divided by the smallest whole number n with step ÷
``cell_m`` ≤ n + 0.1. A node carries the highest category whose polygon holds it, and none nearer than the reserve to
a carriageway. A profile's step is the smaller native step, and ``cell_m`` where clutter is used and that is less;
within the reserve of a receiver it has no clutter and is no higher than the road. Noise walls and cuttings are lines.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import shapely

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.paths import SmoothEarth, Surroundings
from trassa.plan.verify.radio.wall_lines import wall_lines
from trassa.plan.verify.radio.woods import Rings, Woods, blank, cleared, draw
from trassa.plan.verify.sampler import joined
from trassa.plan.verify.tiles import read_tiles
from trassa.road.osm import read_areas

__all__ = ["surroundings_of"]

FloatArray = npt.NDArray[np.float64]

_CELL_SLACK = 0.1
_LANDUSE = {
    "forest": "forest",
    "retail": "urban",
    "institutional": "urban",
    "education": "urban",
    "residential": "suburban",
    "industrial": "industrial",
    "commercial": "industrial",
    "port": "industrial",
    "orchard": "orchard",
    "vineyard": "orchard",
    "plant_nursery": "orchard",
    "allotments": "orchard",
}
_NATURAL = {"wood": "forest", "scrub": "orchard"}


def surroundings_of(evidence: Evidence) -> Surroundings | SmoothEarth:
    """Terrain and clutter of the project, or a smooth earth where it has no terrain."""
    terrain, clutter = evidence.settings.terrain, evidence.settings.clutter
    if not terrain.files or terrain.kind is None or evidence.schematic:
        return SmoothEarth()
    tiles = joined(read_tiles(evidence.inputs(terrain.files)))
    tight, box = _boxes(evidence)
    frame = tiles.finest(box)
    metre_lat, metre_lon = _metres_per_degree((tight[0] + tight[2]) / 2.0)
    steps = (frame[2] * metre_lat, frame[3] * metre_lon)
    areas = _clutter(evidence, box) if terrain.kind == "bare" else []
    walls = wall_lines(evidence) if terrain.kind == "bare" else None
    if not areas:
        open_land = Woods(np.array([90.0, 0.0, 1.0, 1.0]), np.zeros((2, 2), dtype=np.uint8), np.zeros(1))
        treetops = (float(frame[2]), float(frame[3])) if terrain.kind == "surface" else None
        tiles = tiles.on_lattice(frame[:4].copy())
        return Surroundings(tiles, open_land, min(steps), treetops, clutter.road_reserve_m, walls)
    rows, columns = (max(1, math.ceil(step / clutter.cell_m - _CELL_SLACK)) for step in steps)
    woods = _drawn(evidence, frame, box, (rows, columns), areas)
    step_m = min(*steps, clutter.cell_m)
    return Surroundings(tiles.on_lattice(woods.frame), woods, step_m, None, clutter.road_reserve_m, walls)


def _boxes(evidence: Evidence) -> tuple[tuple[float, float, float, float], tuple[float, float, float, float]]:
    """Bounds of the present points (south, west, north, east), and the same widened by the reach."""
    alignment = evidence.layers["alignment"]
    line = alignment.take(alignment["present"])
    south, north = float(line["latitude_deg"].min()), float(line["latitude_deg"].max())
    west, east = float(line["longitude_deg"].min()), float(line["longitude_deg"].max())
    reach_m = evidence.settings.radio.reach_m
    beyond_lat = reach_m / _metres_per_degree((south + north) / 2.0)[0]
    beyond_lon = reach_m / _metres_per_degree(max(abs(south - beyond_lat), abs(north + beyond_lat)))[1]
    wide = (south - beyond_lat, west - beyond_lon, north + beyond_lat, east + beyond_lon)
    return (south, west, north, east), wide


def _metres_per_degree(latitude_deg: float) -> tuple[float, float]:
    sine = math.sin(math.radians(latitude_deg))
    root = 1.0 - 0.0066943799901413165 * sine * sine
    meridian = 6_378_137.0 * (1.0 - 0.0066943799901413165) / root**1.5
    parallel = 6_378_137.0 * math.sqrt(1.0 - sine * sine) / math.sqrt(root)
    return math.radians(meridian), math.radians(parallel)


def _clutter(evidence: Evidence, box: tuple[float, float, float, float]) -> list[tuple[list[str], shapely.Polygon]]:
    files = evidence.settings.road.osm
    if not files:
        return []
    south, west, north, east = box
    areas = read_areas(evidence.inputs(files), (west, south, east, north))
    clutter = evidence.settings.clutter
    named = [([n for n in _categories(tags) if getattr(clutter, f"{n}_m") > 0.0], polygon) for tags, polygon in areas]
    return [(names, polygon) for names, polygon in named if names]


def _categories(tags: Mapping[str, str]) -> list[str]:
    found = {_LANDUSE.get(tags.get("landuse", "")), _NATURAL.get(tags.get("natural", ""))}
    stands = tags.get("building", "no") not in ("no", "bridge") and tags.get("location") != "underground"
    return sorted(name for name in (*found, "building" if stands else None) if name)


def _drawn(
    evidence: Evidence,
    frame: FloatArray,
    box: tuple[float, float, float, float],
    factors: tuple[int, int],
    areas: list[tuple[list[str], shapely.Polygon]],
) -> Woods:
    clutter = evidence.settings.clutter
    heights = {name: float(getattr(clutter, f"{name}_m")) for names, _ in areas for name in names}
    rank = {name: number + 1 for number, name in enumerate(sorted(heights, key=lambda name: heights[name]))}
    woods = blank(frame, box, factors, sorted(heights.values()))
    for names, polygon in areas:
        draw(woods, _rings(polygon), max(rank[name] for name in names))
    for carriageway in evidence.carriageways:
        line = evidence.layers["alignment"].where(carriageway=carriageway)
        line = line.take(np.argsort(line["measure_m"], kind="stable"))
        cleared(woods, line["latitude_deg"], line["longitude_deg"], line["present"], clutter.road_reserve_m)
    return woods


def _rings(polygon: shapely.Polygon) -> Rings:
    rings = [np.asarray(ring.coords, dtype=np.float64)[:, :2] for ring in (polygon.exterior, *polygon.interiors)]
    start = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]).astype(np.int64)
    points = np.concatenate(rings)
    return Rings(np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1]), start)
