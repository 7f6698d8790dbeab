"""Maps drawn by tests: a small OpenStreetMap file from points in metres."""

from __future__ import annotations

import gzip
from collections.abc import Container, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from trassa.road.lattice import metres_per_degree

ORIGIN = (50.0, 9.0)
LAT_M, LON_M = (float(value) for value in metres_per_degree(ORIGIN[0]))

Tags = dict[str, str]


def place(east_m: float, north_m: float) -> tuple[float, float]:
    """Latitude and longitude of a point given in metres from the origin at 50° N 9° E."""
    return ORIGIN[0] + north_m / LAT_M, ORIGIN[1] + east_m / LON_M


class OsmMap:
    """Collects nodes and ways, and writes them as OSM XML; nodes that were never placed are dangling references."""

    def __init__(self) -> None:
        self._nodes: dict[int, tuple[float, float, Tags]] = {}
        self._ways: list[tuple[int, Sequence[int], Tags]] = []

    def node(self, east_m: float, north_m: float, tags: Tags | None = None, node_id: int = 0) -> int:
        """Place a node; returns its id."""
        number = node_id or 1000 + len(self._nodes)
        lat, lon = place(east_m, north_m)
        self._nodes[number] = (round(lat, 7), round(lon, 7), tags or {})
        return number

    def row(self, points: Sequence[tuple[float, float]]) -> list[int]:
        """Place a row of nodes."""
        return [self.node(*point) for point in points]

    def way(self, nodes: Sequence[int], **tags: str) -> int:
        """A way over node ids, ``highway=motorway``, ``oneway=yes``, ``ref=A 1`` unless told; returns its id."""
        number = 100 + len(self._ways)
        said = {"highway": "motorway", "oneway": "yes", "ref": "A 1"} | {
            k.replace("__", ":"): v for k, v in tags.items()
        }
        self._ways.append((number, list(nodes), {k: v for k, v in said.items() if v}))
        return number

    def write(self, path: Path, without: Container[int] = ()) -> Path:
        """Write the map as ``.osm`` or ``.osm.gz``, clipped of the nodes ``without``."""
        lines = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6">']
        for number, (lat, lon, tags) in sorted(self._nodes.items()):
            if number in without:
                continue
            lines.append(f'<node id="{number}" version="1" lat="{lat:.7f}" lon="{lon:.7f}">{_tags(tags)}</node>')
        for number, nodes, tags in self._ways:
            refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
            lines.append(f'<way id="{number}" version="1">{refs}{_tags(tags)}</way>')
        data = "\n".join([*lines, "</osm>"]).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path


def straight(start_m: float, end_m: float, north_m: float, step_m: float = 100.0) -> list[tuple[float, float]]:
    """Points every ``step_m`` on a line that runs east (or west where ``end_m`` < ``start_m``)."""
    count = max(round(abs(end_m - start_m) / step_m), 1)
    return [(start_m + (end_m - start_m) * i / count, north_m) for i in range(count + 1)]


def _tags(tags: Tags) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())
