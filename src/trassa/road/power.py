"""Where mains power can be had near a road: what OpenStreetMap shows of distribution networks, and where people live.

A place is supplied from a distribution network, up to 36 kV (the highest equipment voltage of that level, IEC 60038);
a transmission line overhead is of no use to it. Maps show few of those networks. But a settlement, a farm or a service
area has mains, whether its transformer is mapped or not, so their outlines count too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely

from trassa.linear import Layer
from trassa.road.lattice import metres_per_degree
from trassa.road.layers import SCHEMAS
from trassa.road.line import Line, geodesic_steps_m
from trassa.road.osm import RoadObjects, read_areas, read_marked

__all__ = ["POWER_SEARCH_M", "power_layer"]

Tags = Mapping[str, str]
FloatArray = npt.NDArray[np.float64]

POWER_SEARCH_M = 3500.0
"""Mains are taken up to this far from the reference line, m."""

_STEP_M = 50.0
_HIGHEST_V = 36_000.0
_LINES = frozenset({"line", "cable", "minor_line"})
_SUBSTATIONS = frozenset({"substation", "sub_station"})
_NO_SUPPLY = frozenset(
    {"traction", "transmission", "converter", "compensation", "transition", "generator", "auxiliary"}
)
_SETTLED = frozenset({"residential", "industrial", "commercial", "retail", "farmyard"})
_SERVED = frozenset({"services", "rest_area", "toll_gantry"})


def power_layer(line: Line, objects: RoadObjects, paths: Sequence[Path]) -> Layer:
    """The ``power`` layer in order of measure: points of the map's mains up to :data:`POWER_SEARCH_M` off ``line``.

    Lines and outlines are given by points at most 50 m apart: the nearest of them is at most 25 m farther than the
    line itself. Empty where the map shows nothing, or where there is none.
    """
    found = [*_networks(paths), *_services(objects), *_settlements(line, paths)]
    if not found:
        return Layer.empty(SCHEMAS["power"])
    latitude, longitude = (np.concatenate([piece[axis] for piece in found]) for axis in (2, 3))
    count = [len(piece[2]) for piece in found]
    foot = line.project(latitude, longitude)
    offset_m = np.abs(foot.offset_m)
    rows = Layer.from_columns(
        SCHEMAS["power"],
        measure_m=foot.measure_m,
        offset_m=offset_m,
        kind=np.repeat(np.array([piece[0] for piece in found], dtype=object), count),
        latitude_deg=latitude,
        longitude_deg=longitude,
        osm_id=np.repeat(np.array([piece[1] for piece in found], dtype=object), count),
    ).take(np.flatnonzero(offset_m <= POWER_SEARCH_M))
    return rows.take(np.lexsort((rows["longitude_deg"], rows["latitude_deg"], rows["measure_m"])))


def _mains_kind(tags: Tags) -> str:
    """``line``, ``substation``, ``transformer`` or ``pole`` of a distribution network; empty for anything else.

    A line or cable counts where a voltage up to 36 kV is mapped; minor lines, poles, substations and transformers also
    where none is. Traction supply (not 50 or 60 Hz), transmission and what is out of use never count.
    """
    kind = tags.get("power", "")
    hertz = tags.get("frequency", "")
    if "yes" in (tags.get("disused"), tags.get("abandoned")) or (hertz and not re.search(r"\b[56]0\b", hertz)):
        return ""
    if tags.get("substation") in _NO_SUPPLY or tags.get("transformer") in _NO_SUPPLY:
        return ""
    volts = [v for key, text in tags.items() if key.split(":")[0] == "voltage" for v in _volts(text)]
    low = any(0.0 < v <= _HIGHEST_V for v in volts)
    if not (low or (not volts and kind not in ("line", "cable"))):
        return ""
    if kind in _LINES:
        return "line"
    if kind in _SUBSTATIONS:
        return "substation"
    return kind if kind in ("transformer", "pole") else ""


def _volts(text: str) -> Iterator[float]:
    for number, thousand in re.findall(r"(\d+(?:\.\d+)?)\s*(k?)", text.lower()):
        yield float(number) * (1000.0 if thousand else 1.0)


Piece = tuple[str, str, FloatArray, FloatArray]


def _networks(paths: Sequence[Path]) -> Iterator[Piece]:
    ways, nodes = read_marked(paths, "power") if paths else ([], [])
    for way in ways:
        known = np.isfinite(way.latitude_deg)
        if known.any() and (kind := _mains_kind(way.tags)):
            yield kind, f"w{way.osm_id}", *_cut(way.latitude_deg[known], way.longitude_deg[known])
    for node in nodes:
        if kind := _mains_kind(node.tags):
            yield kind, node.osm_id, np.array([node.latitude_deg]), np.array([node.longitude_deg])


def _services(objects: RoadObjects) -> Iterator[Piece]:
    """Service areas, rest areas and toll points: nobody runs one without mains."""
    nodes = [(f"n{n.osm_id}", n.tags, n.latitude_deg, n.longitude_deg) for n in objects.nodes.values()]
    features = [(f.osm_id, f.tags, f.latitude_deg, f.longitude_deg) for f in objects.features.values()]
    for osm_id, tags, latitude_deg, longitude_deg in (*nodes, *features):
        if tags.get("highway") in _SERVED or tags.get("barrier") == "toll_booth":
            yield "service", osm_id, np.array([latitude_deg]), np.array([longitude_deg])


def _settlements(line: Line, paths: Sequence[Path]) -> Iterator[Piece]:
    if not paths:
        return
    south, north = float(line.latitude_deg.min()), float(line.latitude_deg.max())
    beyond_lat = POWER_SEARCH_M / float(metres_per_degree(south)[0])
    beyond_lon = POWER_SEARCH_M / float(metres_per_degree(max(abs(south), abs(north)) + beyond_lat)[1])
    west, east = float(line.longitude_deg.min()) - beyond_lon, float(line.longitude_deg.max()) + beyond_lon
    box = (west, south - 1.01 * beyond_lat, east, north + 1.01 * beyond_lat)
    for tags, polygon in read_areas(paths, box, ("landuse",)):
        if tags.get("landuse") in _SETTLED:
            longitude, latitude = shapely.get_coordinates(polygon.exterior).T
            yield "settlement", "", *_cut(latitude, longitude)


def _cut(latitude_deg: FloatArray, longitude_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The points of a line with more between them, so that no two neighbours are farther apart than the step."""
    parts = np.maximum(np.ceil(geodesic_steps_m(latitude_deg, longitude_deg) / _STEP_M).astype(np.int64), 1)
    at = np.concatenate([[0.0], np.repeat(1.0 / parts, parts).cumsum()])
    vertex = np.arange(len(latitude_deg), dtype=np.float64)
    return np.interp(at, vertex, latitude_deg), np.interp(at, vertex, longitude_deg)
