"""The example ``hills``: a road that is drawn here, over generated 30-m terrain, and written as a map would hold it.

The strip below is the drawing; everything in the example's OpenStreetMap file comes from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from trassa.linear import Extent
from trassa.linear.diagram import Diagram
from trassa.plan.settings import ProjectSettings, Settings
from trassa.road.exchange import write_raster
from trassa.road.hills import generated_hills
from trassa.road.settings import RoadSettings, TerrainSettings

__all__ = ["STRIP", "draw_hills", "hills_settings"]

STRIP = """
km        10                  20                  30                  40                  50
bridge    .................##............................#................................
tunnel    ........................................................#.......................
wood      ....wwwwwwww............wwwwwwwwwwwwww..............wwwwwwwwwwww......wwwwww....
town      ..............tttt............................tttt..............................
junction  ...J................J..................J....................J................J..
service   ..............................S...............................................
mast      ................M.............................................M.................
"""

_GEOD = Geod(ellps="WGS84")
_STEP_M = 50.0
_ORIGIN = (50.62, 10.18)
_CARRIAGEWAY_M = 8.0
_JUNCTIONS = ("Quellental", "Birkenau", "Hochfeld", "Steinbruch", "Auental")
_SEED = 11
_RELIEF_M = 110.0
_PERSISTENCE = 0.38
_ARC_SECOND = 1.0 / 3600.0
_MARGIN_DEG = 0.05

FloatArray = npt.NDArray[np.float64]
Tags = dict[str, str]


def hills_settings() -> Settings:
    """Settings of the example."""
    return Settings(
        project=ProjectSettings(
            name="Hills: a drawn road over generated terrain", map_credit="map and terrain drawn by trassa"
        ),
        road=RoadSettings(ref="H 1", osm=["hills.osm"]),
        terrain=TerrainSettings(files=["hills.tif"], kind="bare"),
    )


def draw_hills(folder: Path) -> dict[str, Path]:
    """Write the example's map and terrain into ``folder``; gives them by their names in a project."""
    osm, dem = folder / "hills.osm", folder / "hills.tif"
    diagram = Diagram.parse(STRIP)
    line = _DrawnLine.over(diagram.ruler.extent)
    osm.write_text(_map_of(diagram, line), "utf-8")
    north, west = float(line.latitude_deg.max()) + _MARGIN_DEG, float(line.longitude_deg.min()) - _MARGIN_DEG
    rows = int((north - line.latitude_deg.min() + _MARGIN_DEG) / _ARC_SECOND)
    cols = int((line.longitude_deg.max() + _MARGIN_DEG - west) / _ARC_SECOND)
    shape = {"relief_m": _RELIEF_M, "persistence_ratio": _PERSISTENCE}
    ground = generated_hills(_SEED, north, west, rows, cols, _ARC_SECOND, **shape)
    write_raster(dem, ground, north, west, _ARC_SECOND, _ARC_SECOND)
    return {"hills.osm": osm, "hills.tif": dem}


@dataclass(frozen=True)
class _DrawnLine:
    """The road's axis: a winding line from south-west to north-east, 40 km, a vertex every 50 m."""

    start_m: float
    along_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    heading_deg: FloatArray

    @classmethod
    def over(cls, extent: Extent) -> _DrawnLine:
        along = np.arange(0.0, extent.length_m + _STEP_M / 2, _STEP_M)
        heading = 58.0 + 26.0 * np.sin(2 * np.pi * along / 17_000.0) + 9.0 * np.sin(2 * np.pi * along / 5_300.0)
        lat, lon = [_ORIGIN[0]], [_ORIGIN[1]]
        for bearing in heading[:-1]:
            east, north, _ = _GEOD.fwd(lon[-1], lat[-1], bearing, _STEP_M)
            lat.append(north)
            lon.append(east)
        return cls(extent.start_m, along, np.array(lat), np.array(lon), heading)

    def index(self, measure_m: float) -> int:
        return int(np.clip(round((measure_m - self.start_m) / _STEP_M), 0, len(self.along_m) - 1))

    def beside(self, index: int, right_m: float) -> tuple[float, float]:
        """Latitude and longitude of the point ``right_m`` to the right of a vertex, seen in the sense of measure."""
        lon, lat, _ = _GEOD.fwd(
            self.longitude_deg[index], self.latitude_deg[index], self.heading_deg[index] + 90.0, right_m
        )
        return lat, lon


@dataclass
class _Map:
    """An OpenStreetMap file in the making."""

    nodes: list[str] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)

    def node(self, place: tuple[float, float], tags: Tags | None = None) -> int:
        number = len(self.nodes) + 1
        body = "".join(_tag(k, v) for k, v in (tags or {}).items())
        self.nodes.append(f'<node id="{number}" version="1" lat="{place[0]:.7f}" lon="{place[1]:.7f}">{body}</node>')
        return number

    def way(self, nodes: Iterable[int], tags: Tags) -> None:
        refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
        body = "".join(_tag(k, v) for k, v in tags.items())
        self.ways.append(f'<way id="{len(self.ways) + 1}" version="1">{refs}{body}</way>')

    def text(self) -> str:
        body = "\n".join([*self.nodes, *self.ways])
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="trassa">\n{body}\n</osm>\n'


def _tag(key: str, value: str) -> str:
    return f"<tag k={quoteattr(key)} v={quoteattr(value)}/>"


def _map_of(diagram: Diagram, line: _DrawnLine) -> str:
    drawn = _Map()
    named = dict(zip((m for _, m in diagram.positions("junction")), _JUNCTIONS, strict=False))
    points = _point_tags(diagram, line, named)
    for side, order in ((_CARRIAGEWAY_M, 1), (-_CARRIAGEWAY_M, -1)):
        _draw_carriageway(drawn, diagram, line, side, order, points)
    for row, tags in (("wood", {"natural": "wood"}), ("town", {"landuse": "residential"})):
        for number, extent in enumerate(diagram.extents(row, row[0])):
            _draw_area(drawn, line, extent, 60.0 if number % 2 else -60.0, tags)
    for _, measure in diagram.positions("mast"):
        tags = {"man_made": "mast", "tower:type": "communication", "communication:mobile_phone": "yes", "height": "40"}
        drawn.node(line.beside(line.index(measure), 260.0), tags)
    for _, measure in diagram.positions("service"):
        drawn.node(line.beside(line.index(measure), 90.0), {"highway": "services", "name": "Rastplatz Mitte"})
    return drawn.text()


def _point_tags(diagram: Diagram, line: _DrawnLine, named: dict[float, str]) -> dict[int, Tags]:
    """Tags of the vertices that are more than shape: kilometre posts, and junctions."""
    first, last = diagram.ruler.extent.start_m, diagram.ruler.extent.end_m
    posts = range(int(np.ceil(first / 1000)), int(last // 1000) + 1)
    points = {line.index(km * 1000.0): {"highway": "milestone", "distance": str(km)} for km in posts}
    for number, (measure, name) in enumerate(named.items(), start=1):
        points[line.index(measure) + 1] = {"highway": "motorway_junction", "ref": str(number), "name": name}
    return points


def _draw_carriageway(
    drawn: _Map, diagram: Diagram, line: _DrawnLine, side_m: float, order: int, points: dict[int, Tags]
) -> None:
    kinds = ["road"] * (len(line.along_m) - 1)
    for kind in ("bridge", "tunnel"):
        for extent in diagram.extents(kind, "#"):
            for edge in range(line.index(extent.start_m), line.index(extent.end_m)):
                kinds[edge] = kind
    nodes = []
    for index in range(len(line.along_m)):
        tags = points.get(index, {})
        keep = order > 0 or tags.get("highway") == "motorway_junction"
        nodes.append(drawn.node(line.beside(index, side_m), tags if keep else {}))
    start = 0
    for edge in range(1, len(kinds) + 1):
        if edge == len(kinds) or kinds[edge] != kinds[start]:
            tags = {"highway": "motorway", "ref": "H 1", "oneway": "yes", "lanes": "2", "maxspeed": "130", "lit": "no"}
            if kinds[start] != "road":
                tags |= {kinds[start]: "yes", "layer": "1" if kinds[start] == "bridge" else "-1"}
            drawn.way(nodes[start : edge + 1][::order], tags)
            start = edge


def _draw_area(drawn: _Map, line: _DrawnLine, extent: Extent, near_m: float, tags: Tags) -> None:
    """An area beside the road: from ``near_m`` to nine times as far on the same side."""
    along = range(line.index(extent.start_m), line.index(extent.end_m) + 1, 4)
    inner = [drawn.node(line.beside(index, near_m)) for index in along]
    outer = [drawn.node(line.beside(index, near_m * 9.0)) for index in reversed(along)]
    drawn.way([*inner, *outer, inner[0]], tags)
