"""The road of the end-to-end benchmark: 700 km of motorway, drawn as a map would hold it, over generated 30-m terrain.

Nothing real and nothing straight: it winds gently from south-west to north-east through some twenty one-degree tiles,
with bridges, tunnels, junctions, kilometre posts and patches of wood all around. The same on every machine.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from trassa.plan.project import Project, create_project, open_project
from trassa.plan.settings import ProjectSettings, Settings
from trassa.radio.settings import RadioSettings
from trassa.road import hills
from trassa.road.exchange import write_raster
from trassa.road.lattice import metres_per_degree
from trassa.road.settings import RoadSettings, TerrainSettings

__all__ = ["CORRIDOR", "long_road"]

REACH_M = 15_000.0
REF = "B 1"
CORRIDOR = {"profile": "eu-5g-corridor", "band": "n28"}
"""A 5G corridor at 700 MHz: any site down, the rate beside the load of the other cells, handover windows."""

_GEOD = Geod(ellps="WGS84")
_ORIGIN_DEG = (50.3, 8.6)
_VERTEX_M = 50.0
_PLACE_EVERY_M = 700_000.0 / 3000
_HALF_MEDIAN_M = 8.0
_ROWS, _COLS = 3600, 2400
_JUNCTION_EVERY_M = 12_500.0
_BRIDGE_EVERY_M, _BRIDGE_M = 9_000.0, 250.0
_TUNNEL_EVERY_M, _TUNNEL_M = 90_000.0, 1_200.0
_WOOD_M, _WOOD_SHARE = 1_500.0, 0.25
_SEED = 5
_HILLS = {"relief_m": 110.0, "persistence_ratio": 0.38}

FloatArray = npt.NDArray[np.float64]


def long_road(folder: Path, length_km: float = 700.0, service: Mapping[str, str] | None = None) -> Project:
    """The benchmark's project; drawn into ``folder`` the first time, which takes minutes, and opened afterwards.

    ``service`` names profile and band; None is coverage at 800 MHz with any site down.
    """
    drawing = hashlib.sha256(Path(__file__).read_bytes() + Path(hills.__file__).read_bytes()).hexdigest()[:8]
    name = "-".join(["long-road", *(service or {}).values(), f"{length_km:g}km", drawing])
    root = folder / name
    if (root / "trassa.toml").is_file():
        return open_project(root)
    folder.mkdir(parents=True, exist_ok=True)
    line = _Line(1000.0 * length_km)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        tiles = [_tile(Path(place), south, west) for south, west in _tiles_in_reach(line)]
        osm = Path(place, "road.osm")
        osm.write_text(_Map(line).text(), "utf-8")
        settings = _settings(osm.name, [tile.name for tile in tiles], service or {})
        return create_project(root, settings, {path.name: path for path in [*tiles, osm]})


def _settings(osm: str, tiles: list[str], service: Mapping[str, str]) -> Settings:
    return Settings(
        project=ProjectSettings(name="Benchmark: a long road over generated terrain"),
        road=RoadSettings(ref=REF, osm=[osm]),
        terrain=TerrainSettings(files=tiles, kind="bare"),
        radio=RadioSettings(new_mast_spacing_m=_PLACE_EVERY_M, reach_m=REACH_M, siting_gap=0.001, **service),
    )


class _Line:
    """The axis: a vertex every 50 m, its heading winding around north-east."""

    def __init__(self, length_m: float) -> None:
        self.along_m: FloatArray = np.arange(0.0, length_m + _VERTEX_M / 2, _VERTEX_M)
        turn = 2 * np.pi * self.along_m
        self.heading_deg = 52.0 + 22.0 * np.sin(turn / 110_000.0) + 12.0 * np.sin(turn / 13_000.0)
        lat, lon = [_ORIGIN_DEG[0]], [_ORIGIN_DEG[1]]
        for bearing_deg in self.heading_deg[:-1].tolist():
            east, north, _ = _GEOD.fwd(lon[-1], lat[-1], bearing_deg, _VERTEX_M)
            lat.append(north)
            lon.append(east)
        self.latitude_deg, self.longitude_deg = np.array(lat), np.array(lon)
        self.length_m = length_m

    def beside(self, right_m: float) -> list[tuple[float, float]]:
        """Latitude and longitude of the line so many metres to the right."""
        right = np.full(len(self.along_m), right_m)
        lon, lat, _ = _GEOD.fwd(self.longitude_deg, self.latitude_deg, self.heading_deg + 90.0, right)
        return list(zip(lat.tolist(), lon.tolist(), strict=True))

    def kinds(self) -> list[str]:
        """What each 50 m stretch is: road, bridge or tunnel."""
        middle_m = self.along_m[:-1] + _VERTEX_M / 2
        bridge = middle_m % _BRIDGE_EVERY_M >= _BRIDGE_EVERY_M - _BRIDGE_M
        tunnel = (middle_m % _TUNNEL_EVERY_M >= _TUNNEL_EVERY_M / 2) & (
            middle_m % _TUNNEL_EVERY_M < _TUNNEL_EVERY_M / 2 + _TUNNEL_M
        )
        return np.select([tunnel, bridge], ["tunnel", "bridge"], "road").tolist()


class _Map:
    """The road and the woods as an OpenStreetMap file."""

    def __init__(self, line: _Line) -> None:
        self.nodes: list[str] = []
        self.ways: list[str] = []
        kinds = line.kinds()
        for side_m, order in ((_HALF_MEDIAN_M, 1), (-_HALF_MEDIAN_M, -1)):
            nodes = [
                self._node(p, _tags_of_vertex(m) if order > 0 else {})
                for p, m in zip(line.beside(side_m), line.along_m.tolist(), strict=True)
            ]
            starts = [0, *(i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]), len(kinds)]
            for start, stop in itertools.pairwise(starts):
                self._way(nodes[start : stop + 1][::order], _tags_of_way(kinds[start]))
        for ring in _woods(line):
            corners = [self._node(corner, {}) for corner in ring]
            self._way([*corners, corners[0]], {"natural": "wood"})

    def text(self) -> str:
        """The file."""
        body = "\n".join([*self.nodes, *self.ways])
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="trassa">\n{body}\n</osm>\n'

    def _node(self, place: tuple[float, float], tags: Mapping[str, str]) -> int:
        number = len(self.nodes) + 1
        at = f'lat="{place[0]:.7f}" lon="{place[1]:.7f}"'
        self.nodes.append(f'<node id="{number}" version="1" {at}>{_written(tags)}</node>')
        return number

    def _way(self, nodes: Iterable[int], tags: Mapping[str, str]) -> None:
        refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
        self.ways.append(f'<way id="{len(self.ways) + 1}" version="1">{refs}{_written(tags)}</way>')


def _written(tags: Mapping[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())


def _tags_of_vertex(along_m: float) -> dict[str, str]:
    if along_m % 1000.0 == 0.0:
        return {"highway": "milestone", "distance": f"{along_m / 1000.0:g}"}
    if (along_m - _VERTEX_M) % _JUNCTION_EVERY_M == 0.0:
        number = round(along_m / _JUNCTION_EVERY_M) + 1
        return {"highway": "motorway_junction", "ref": str(number), "name": f"Kreuz {number}"}
    return {}


def _tags_of_way(kind: str) -> dict[str, str]:
    tags = {"highway": "motorway", "ref": REF, "oneway": "yes", "lanes": "2", "maxspeed": "130"}
    return tags if kind == "road" else {**tags, kind: "yes", "layer": "1" if kind == "bridge" else "-1"}


def _woods(line: _Line) -> list[list[tuple[float, float]]]:
    """Woods of some 2 km² with ragged edges on a share of the cells of a lattice, everywhere within reach."""
    rng = np.random.default_rng(_SEED)
    per_lat_m, per_lon_m = (float(value) for value in metres_per_degree(float(line.latitude_deg.mean())))
    x_m, y_m = line.longitude_deg * per_lon_m, line.latitude_deg * per_lat_m
    reach = math.ceil(REACH_M / _WOOD_M)
    along = np.unique(np.stack([x_m // _WOOD_M, y_m // _WOOD_M], axis=1).astype(np.int64), axis=0)
    away = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    cells = np.unique((along[:, None, :] + away[None, :, :]).reshape(-1, 2), axis=0)
    wooded = cells[rng.random(len(cells)) < _WOOD_SHARE]
    angle = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
    radius_m = _WOOD_M * rng.uniform(0.35, 0.65, (len(wooded), len(angle)))
    lon = ((wooded[:, :1] + 0.5) * _WOOD_M + radius_m * np.cos(angle)) / per_lon_m
    lat = ((wooded[:, 1:] + 0.5) * _WOOD_M + radius_m * np.sin(angle)) / per_lat_m
    return [list(zip(a.tolist(), o.tolist(), strict=True)) for a, o in zip(lat, lon, strict=True)]


def _tiles_in_reach(line: _Line) -> list[tuple[int, int]]:
    """South-west corners of the one-degree tiles that come within reach of the road, and a little more."""
    per_lat_m, per_lon_m = metres_per_degree(line.latitude_deg)
    away_lat, away_lon = 1.1 * REACH_M / per_lat_m, 1.1 * REACH_M / per_lon_m
    found: set[tuple[int, int]] = set()
    for north in (-1.0, 0.0, 1.0):
        for east in (-1.0, 0.0, 1.0):
            south = np.floor(line.latitude_deg + north * away_lat).astype(int)
            west = np.floor(line.longitude_deg + east * away_lon).astype(int)
            found |= set(zip(south.tolist(), west.tolist(), strict=True))
    return sorted(found)


def _tile(folder: Path, south: int, west: int) -> Path:
    """A tile laid out as Copernicus GLO-30 between 50° and 60° north: one second by one and a half."""
    path = folder / f"hills_N{south:02d}E{west:03d}.tif"
    corner, steps = (south + 1.0, float(west)), (1.0 / _ROWS, 1.0 / _COLS)
    heights = hills.generated_hills(_SEED, *corner, _ROWS, _COLS, steps[0], step_lon_deg=steps[1], **_HILLS)
    write_raster(path, heights, *corner, *steps)
    return path
