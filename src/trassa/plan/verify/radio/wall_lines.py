"""Noise walls and the edges of cuttings, read again from the map's own ways.

The rule: ``barrier=noise_barrier`` or ``wall=noise_barrier`` with its ``height`` in metres, else
``clutter.noise_wall_m``; ``man_made=cutting``, and of ways on a carriageway with ``cutting`` a line ``cutting_edge_m``
to the side that traffic keeps to (``left`` and ``right``: there; on both sides of a way for both senses),
``clutter.cutting_m`` high. A kind whose
height is 0 is left out, and so is a piece that crosses a carriageway.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.walls import WallLines
from trassa.plan.verify.traffic import keeps_right
from trassa.road.osm import OsmWay, read_marked

__all__ = ["wall_lines"]

FloatArray = npt.NDArray[np.float64]
Point = tuple[float, float]

_ON_ROAD_M = 12.0
_REACH_M = 450.0
_EARTH_M = 6_378_137.0
_E2 = 0.0066943799901413165


def wall_lines(evidence: Evidence) -> WallLines | None:
    """Every piece of wall of the project's maps that a path could meet near the road; None where they have none."""
    places: list[tuple[float, float, float, float]] = []
    heights: list[float] = []
    mapped: list[bool] = []
    roads = [_carriageway(evidence, name) for name in evidence.carriageways]
    for line, height_m, known in _lines(evidence):
        for (lat0, lon0), (lat1, lon1) in pairwise(line):
            piece = (lat0, lon0, lat1, lon1)
            if not math.isfinite(sum(piece)) or not any(_near(piece, *way) for way in roads):
                continue
            if not any(_across(piece, *way) for way in roads):
                places.append(piece)
                heights.append(height_m)
                mapped.append(known)
    return WallLines(np.array(places), np.array(heights), np.array(mapped)) if places else None


def _lines(evidence: Evidence) -> Iterator[tuple[list[Point], float, bool]]:
    clutter, names = evidence.settings.clutter, evidence.settings.road.osm
    files = evidence.inputs(names) if names else []
    road = evidence.layers["alignment"]
    road, outside = road.take(road["present"]), keeps_right(evidence)
    for way in read_marked(files, "cutting", "man_made", "wall", "barrier")[0]:
        tagged = {way.tags.get("barrier"), way.tags.get("wall")}
        if clutter.noise_wall_m > 0.0 and "noise_barrier" in tagged:
            height_m = _height_m(way.tags.get("height", ""))
            yield _points(way), height_m or clutter.noise_wall_m, height_m > 0.0
        if clutter.cutting_m == 0.0:
            continue
        if way.tags.get("man_made") == "cutting":
            yield _points(way), clutter.cutting_m, False
        side = way.tags.get("cutting", "no")
        if side in ("no", "") or "highway" not in way.tags:
            continue
        if not _on(road["latitude_deg"], road["longitude_deg"], _points(way)[len(way.node_ids) // 2]):
            continue
        said = {"left": [-1], "right": [1]}.get(side)
        for right in said or ([outside] if _single(way) else [1, -1]):
            yield _moved(_points(way), clutter.cutting_edge_m * right), clutter.cutting_m, False


def _carriageway(evidence: Evidence, name: str) -> tuple[FloatArray, FloatArray]:
    line = evidence.layers["alignment"].where(carriageway=name)
    line = line.take(np.argsort(line["measure_m"], kind="stable"))
    line = line.take(line["present"])
    return line["latitude_deg"], line["longitude_deg"]


def _near(piece: tuple[float, float, float, float], lat: FloatArray, lon: FloatArray) -> bool:
    """Whether a piece can come within 300 m of a carriageway, by every tenth of its points."""
    middle = 0.5 * (piece[0] + piece[2]), 0.5 * (piece[1] + piece[3])
    north_m, east_m = _metres(middle[0])
    half_m = 0.5 * math.hypot((piece[2] - piece[0]) * north_m, (piece[3] - piece[1]) * east_m)
    off_m = np.hypot((lat[::10] - middle[0]) * north_m, (lon[::10] - middle[1]) * east_m)
    return bool(off_m.min() <= _REACH_M + half_m)


def _across(piece: tuple[float, float, float, float], lat: FloatArray, lon: FloatArray) -> bool:
    """Whether a piece and a carriageway's line have a point in common: each parts the ends of the other."""
    lat0, lon0, lat1, lon1 = piece
    side = (lon - lon0) * (lat1 - lat0) - (lat - lat0) * (lon1 - lon0)
    parted = np.flatnonzero(side[:-1] * side[1:] <= 0.0)
    run, rise = lon[parted + 1] - lon[parted], lat[parted + 1] - lat[parted]
    first = (lon0 - lon[parted]) * rise - (lat0 - lat[parted]) * run
    last = (lon1 - lon[parted]) * rise - (lat1 - lat[parted]) * run
    return bool((first * last <= 0.0).any())


def _single(way: OsmWay) -> bool:
    """Whether a way serves one sense: motorways do without saying so."""
    return way.tags["highway"] == "motorway" or way.tags.get("oneway") in ("yes", "true", "1")


def _points(way: OsmWay) -> list[Point]:
    return list(zip(way.latitude_deg.tolist(), way.longitude_deg.tolist(), strict=True))


def _height_m(text: str) -> float:
    """Metres of a height tag, with or without its unit; 0 for anything else."""
    bare = text.strip()
    for unit in ("metres", "meters", "metre", "meter", "m"):
        if bare.endswith(unit):
            bare = bare.removesuffix(unit).rstrip()
            break
    digits = bare.replace(",", ".", 1)
    if not digits.replace(".", "", 1).isdecimal() or digits.startswith(".") or digits.endswith("."):
        return 0.0
    return float(digits) if 0.0 < float(digits) <= 30.0 else 0.0


def _metres(latitude_deg: float) -> tuple[float, float]:
    root = 1.0 - _E2 * math.sin(math.radians(latitude_deg)) ** 2
    across = math.radians(_EARTH_M) * math.cos(math.radians(latitude_deg)) / math.sqrt(root)
    return math.radians(_EARTH_M) * (1.0 - _E2) / root**1.5, across


def _on(latitude_deg: FloatArray, longitude_deg: FloatArray, point: Point) -> bool:
    north_m, east_m = _metres(point[0])
    off = ((latitude_deg - point[0]) * north_m) ** 2 + ((longitude_deg - point[1]) * east_m) ** 2
    return bool(len(off)) and bool(off.min() <= _ON_ROAD_M**2)


def _moved(points: list[Point], right_m: float) -> list[Point]:
    """Each point moved to the right of the direction between its neighbours."""
    found = []
    for number, (lat, lon) in enumerate(points):
        (lat0, lon0), (lat1, lon1) = points[max(number - 1, 0)], points[min(number + 1, len(points) - 1)]
        here_m = _metres(lat)
        north, east = (lat1 - lat0) * here_m[0], (lon1 - lon0) * here_m[1]
        size = max(math.hypot(north, east), 1e-9)
        found.append((lat - right_m * east / size / here_m[0], lon + right_m * north / size / here_m[1]))
    return found
