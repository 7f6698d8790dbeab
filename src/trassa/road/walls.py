"""Thin obstacles beside the carriageway: noise walls and the banks of cuttings, as the map has them.

They are lines, too near to the vehicle and too thin for the clutter grid, whose cells are as wide as the road. So they
stay lines, and the radio takes what they cost where a path crosses one near the vehicle. Of the map count:

- noise walls: ``barrier=noise_barrier``, or ``wall=noise_barrier``, as high as ``height`` says, else ``noise_wall_m``;
- ``man_made=cutting``: the edge of a cutting, ``cutting_m`` above the road;
- ``cutting=yes`` on a way of the road itself: an edge ``cutting_edge_m`` to the side that traffic keeps to, on both
  sides where the way serves both senses, for between two carriageways there is none; ``left`` and ``right``, seen along
  the way, are what they say.

Heights count from the carriageway at the vehicle. A height of 0 in the settings leaves the kind out. A straight piece
that crosses a carriageway in the plane stands on a bridge over it, not beside it, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.road.lattice import metres_per_degree
from trassa.road.model import Road
from trassa.road.osm import OsmWay, read_marked
from trassa.road.settings import ClutterSettings

__all__ = ["WALL_REACH_M", "Walls", "road_walls", "wall_height_m"]

WALL_REACH_M = 300.0
"""A wall counts where a path crosses it no farther than this from the vehicle, m."""

_KEYS = ("barrier", "wall", "man_made", "cutting")
_ON_ROAD_M = 12.0
"""A way whose middle node lies this near to an alignment point is one of the road's own."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Walls:
    """Straight pieces of walls and banks near a road; arrays of shape (n,).

    ``mapped`` tells a height that the map gives from an assumed one.
    """

    start_lat_deg: FloatArray
    start_lon_deg: FloatArray
    end_lat_deg: FloatArray
    end_lon_deg: FloatArray
    height_m: FloatArray
    mapped: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.height_m)

    def take(self, index: npt.ArrayLike) -> Walls:
        """The pieces at an index array or where a mask is true."""
        at = np.asarray(index)
        return Walls(*(getattr(self, name)[at] for name in self.__dataclass_fields__))


def wall_height_m(tags: Mapping[str, str]) -> float | None:
    """The mapped height of a wall in metres, None where the map gives none that can be read."""
    found = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*(?:m|metres?|meters?)?\s*", tags.get("height", ""))
    height_m = float(found[1].replace(",", ".")) if found else 0.0
    return height_m if 0.0 < height_m <= 30.0 else None


def road_walls(osm_files: Sequence[Path], road: Road, settings: ClutterSettings) -> Walls | None:
    """All walls and banks that come within :data:`WALL_REACH_M` of a carriageway; None where none does."""
    ways = sorted(read_marked(osm_files, *_KEYS)[0], key=lambda way: way.osm_id)
    pieces = [*_noise_walls(ways, settings), *_edges(ways, road, settings)]
    parts = [(lat[:-1], lon[:-1], lat[1:], lon[1:], height, mapped) for lat, lon, height, mapped in pieces]
    if not parts:
        return None
    counts = [len(part[0]) for part in parts]
    lat0, lon0, lat1, lon1 = (np.concatenate([part[k] for part in parts]) for k in range(4))
    height, mapped = (np.repeat([part[k] for part in parts], counts) for k in (4, 5))
    walls = Walls(lat0, lon0, lat1, lon1, height.astype(np.float64), mapped.astype(bool))
    known = np.isfinite(walls.start_lat_deg + walls.end_lat_deg)
    near = walls.take(known)
    near = near.take(_beside_road(near, road))
    return near if len(near) else None


_Piece = tuple[FloatArray, FloatArray, float, bool]
"""Latitudes and longitudes of a line, its height, and whether the map gives that."""


def _noise_walls(ways: Sequence[OsmWay], settings: ClutterSettings) -> Iterator[_Piece]:
    for way in ways if settings.noise_wall_m > 0.0 else ():
        if "noise_barrier" in (way.tags.get("barrier"), way.tags.get("wall")):
            height_m = wall_height_m(way.tags)
            yield way.latitude_deg, way.longitude_deg, height_m or settings.noise_wall_m, height_m is not None


def _edges(ways: Sequence[OsmWay], road: Road, settings: ClutterSettings) -> Iterator[_Piece]:
    for way in ways if settings.cutting_m > 0.0 else ():
        if way.tags.get("man_made") == "cutting":
            yield way.latitude_deg, way.longitude_deg, settings.cutting_m, False
        cut = way.tags.get("cutting", "no")
        if cut in ("no", "") or "highway" not in way.tags or not _own(way, road):
            continue
        one_way = way.tags.get("oneway", "no") in ("yes", "true", "1") or way.tags["highway"] == "motorway"
        sides = {"left": (-1.0,), "right": (1.0,)}.get(cut, (float(road.keeps_right),) if one_way else (-1.0, 1.0))
        for side in sides:
            yield *_beside(way, side * settings.cutting_edge_m), settings.cutting_m, False


def _own(way: OsmWay, road: Road) -> bool:
    """Whether a way is one of the road's own: its middle node lies on a carriageway."""
    middle = len(way.node_ids) // 2
    lat, lon = float(way.latitude_deg[middle]), float(way.longitude_deg[middle])
    per_lat_m, per_lon_m = metres_per_degree(lat)
    return any(
        bool(
            np.any(
                np.hypot((line.latitude_deg - lat) * per_lat_m, (line.longitude_deg - lon) * per_lon_m)[line.present]
                <= _ON_ROAD_M
            )
        )
        for line in road.alignments.values()
    )


def _beside(way: OsmWay, right_m: float) -> tuple[FloatArray, FloatArray]:
    """The way's nodes, each moved so far to the right of the direction from the node before it to the one behind it."""
    per_lat_m, per_lon_m = metres_per_degree(way.latitude_deg)
    number = np.arange(len(way.node_ids))
    before, behind = np.maximum(number - 1, 0), np.minimum(number + 1, len(number) - 1)
    north = (way.latitude_deg[behind] - way.latitude_deg[before]) * per_lat_m
    east = (way.longitude_deg[behind] - way.longitude_deg[before]) * per_lon_m
    size = np.maximum(np.hypot(north, east), 1e-9)
    lat = way.latitude_deg - right_m * east / size / per_lat_m
    return lat, way.longitude_deg + right_m * north / size / per_lon_m


def _beside_road(walls: Walls, road: Road) -> npt.NDArray[np.bool_]:
    """Whether each piece is near a carriageway and crosses none."""
    import shapely

    lines = [
        shapely.LineString(np.column_stack([line.longitude_deg[line.present], line.latitude_deg[line.present]]))
        for line in road.alignments.values()
    ]
    middle = float(np.mean(walls.start_lat_deg))
    per_lat_m, per_lon_m = (float(one) for one in metres_per_degree(middle))
    scale = np.array([per_lon_m, per_lat_m])
    ends = np.stack(
        [
            np.column_stack([walls.start_lon_deg, walls.start_lat_deg]) * scale,
            np.column_stack([walls.end_lon_deg, walls.end_lat_deg]) * scale,
        ],
        axis=1,
    )
    pieces = shapely.linestrings(ends)
    near, across = np.zeros((2, len(walls)), dtype=bool)
    for line in lines:
        plane = shapely.transform(line, lambda points: points * scale)
        near |= shapely.dwithin(pieces, plane, 1.1 * WALL_REACH_M)
        across |= shapely.intersects(pieces, plane)
    return near & ~across
