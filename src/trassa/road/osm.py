"""OpenStreetMap extracts, read with pyosmium: roads, kilometre posts, places, masts, mains and land cover.

Files may be ``.osm``, ``.osm.gz``, ``.osm.bz2`` or ``.osm.pbf``; several extracts are laid over each other by object
id. Nodes that an extract refers to but does not contain (it was clipped) keep their id and have NaN coordinates.
XML may come in any order (a server that was asked for ways, then for their nodes, writes ways first): it is sorted.
"""

from __future__ import annotations

import bz2
import gzip
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import osmium
import shapely

from trassa.errors import InputError
from trassa.road.line import geodesic_steps_m

__all__ = [
    "AREA_KEYS",
    "OsmFeature",
    "OsmNode",
    "OsmWay",
    "RoadObjects",
    "date_of_map",
    "read_areas",
    "read_marked",
    "read_ref_lengths",
    "read_roads",
]

Tags = Mapping[str, str]
FloatArray = npt.NDArray[np.float64]

AREA_KEYS = ("landuse", "natural", "building")
_ROAD_KEYS = ("highway", "barrier", "man_made", "tower:type", "mast:type", "railway:radio")
_USE_KEYS = tuple(
    f"communication:{use}"
    for use in ("mobile_phone", "gsm-r", "gsm", "umts", "lte", "5g", "television", "radio", "microwave", "bos")
)
_SUFFIXES = (".osm", ".osm.gz", ".osm.bz2", ".osm.pbf", ".pbf", ".osm.xml")
_XML_OBJECT = re.compile(rb"""<(node|way|relation)\s[^>]*?\bid=["'](-?\d+)["']""")
_XML_CHUNK_BYTES = 1 << 22
_KIND_ORDER = {b"node": 0, b"way": 1, b"relation": 2}
_NODE_CLASSES = {
    "milestone",
    "motorway_junction",
    "services",
    "rest_area",
    "toll_gantry",
    "emergency_access_point",
}
_MAST_TAGS = {"mast", "tower", "communications_tower"}


@dataclass(frozen=True)
class OsmNode:
    """A tagged node of interest, and the road ways that run through it."""

    osm_id: int
    tags: Tags
    latitude_deg: float
    longitude_deg: float
    way_ids: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class OsmWay:
    """A way with its nodes in order; a node that the extract lacks has NaN coordinates. Arrays of shape (n,)."""

    osm_id: int
    tags: Tags
    node_ids: npt.NDArray[np.int64]
    latitude_deg: FloatArray
    longitude_deg: FloatArray


@dataclass(frozen=True)
class OsmFeature:
    """A node, or the middle of a way, with its tags; ``osm_id`` is ``n…`` or ``w…``."""

    osm_id: str
    tags: Tags
    latitude_deg: float
    longitude_deg: float


@dataclass
class RoadObjects:
    """What one or several extracts hold for a road. ``others`` carry its ref in another class."""

    ways: dict[int, OsmWay] = field(default_factory=dict)
    others: dict[int, OsmWay] = field(default_factory=dict)
    nodes: dict[int, OsmNode] = field(default_factory=dict)
    features: dict[str, OsmFeature] = field(default_factory=dict)


def read_roads(paths: Sequence[Path], wanted: Callable[[Tags], bool]) -> RoadObjects:
    """Read the ways for which ``wanted(tags)`` holds, with posts, junctions, places and masts of the whole extract.

    Raises :class:`~trassa.errors.InputError` for a file that is missing, of another kind, or broken off.
    """
    found = RoadObjects()
    keys = osmium.filter.KeyFilter(*_ROAD_KEYS, *_USE_KEYS)
    for path in paths:
        for item in _objects(path, lambda reader: reader.with_locations().with_filter(keys)):
            if item.is_node():
                _take_node(found, item)
            elif item.is_way():
                _take_way(found, item, wanted)
    return found


def read_ref_lengths(paths: Sequence[Path], classes: Sequence[str]) -> dict[tuple[str, str], float]:
    """Length in metres (WGS 84 geodesic) by (class, ref as spelt) of all ways of the given classes."""
    every = read_roads(paths, lambda tags: tags.get("highway") in classes and "ref" in tags)
    lengths: dict[tuple[str, str], float] = {}
    for way in every.ways.values():
        steps = geodesic_steps_m(way.latitude_deg, way.longitude_deg)
        for ref in way.tags["ref"].split(";"):
            key = (way.tags["highway"], ref.strip())
            lengths[key] = lengths.get(key, 0.0) + float(np.nansum(steps))
    return lengths


def read_areas(
    paths: Sequence[Path], bounds: tuple[float, float, float, float], keys: Sequence[str] = AREA_KEYS
) -> list[tuple[dict[str, str], shapely.Polygon]]:
    """Closed ways and multipolygons that carry one of ``keys`` and touch ``bounds``.

    ``bounds`` is (west, south, east, north) in degrees; polygons have x = longitude, y = latitude, with holes, and
    a multipolygon yields one entry per part. Rings that do not close are left out by the map's own rules.
    """
    factory = osmium.geom.WKBFactory()
    wanted = osmium.filter.KeyFilter(*keys)
    shapes: dict[int, tuple[dict[str, str], str]] = {}
    for path in paths:
        for item in _objects(path, lambda reader: reader.with_areas(wanted).with_filter(wanted)):
            if item.is_area() and item.id not in shapes:
                shapes[item.id] = (dict(item.tags), factory.create_multipolygon(item))
    tags = [entry[0] for entry in shapes.values()]
    parts, owner = shapely.get_parts(shapely.from_wkb([entry[1] for entry in shapes.values()]), return_index=True)
    inside = shapely.intersects(parts, shapely.box(*bounds)) if len(parts) else np.zeros(0, dtype=bool)
    return [(tags[int(owner[i])], parts[i]) for i in np.flatnonzero(inside)]


def read_marked(paths: Sequence[Path], *marks: str) -> tuple[list[OsmWay], list[OsmFeature]]:
    """Ways and single nodes that carry one of the keys ``marks``, each once, whatever its value."""
    ways: dict[int, OsmWay] = {}
    nodes: dict[str, OsmFeature] = {}
    keys = osmium.filter.KeyFilter(*marks)
    for path in paths:
        for item in _objects(path, lambda reader: reader.with_locations().with_filter(keys)):
            if item.is_way():
                ways[item.id] = _completed(_way(item, dict(item.tags)), ways.get(item.id))
            elif item.is_node() and item.location.valid():
                nodes[f"n{item.id}"] = OsmFeature(f"n{item.id}", dict(item.tags), item.lat, item.lon)
    return list(ways.values()), list(nodes.values())


def _take_node(found: RoadObjects, node: Any) -> None:
    if not node.location.valid():
        return
    tags = dict(node.tags)
    if tags.get("highway") in _NODE_CLASSES or tags.get("barrier") == "toll_booth":
        if node.id not in found.nodes:
            found.nodes[node.id] = OsmNode(node.id, tags, node.lat, node.lon)
    elif _may_be_mast(tags):
        found.features[f"n{node.id}"] = OsmFeature(f"n{node.id}", tags, node.lat, node.lon)


def _take_way(found: RoadObjects, way: Any, wanted: Callable[[Tags], bool]) -> None:
    tags = dict(way.tags)
    highway = tags.get("highway")
    if highway and highway not in _NODE_CLASSES:
        for node in way.nodes:
            if node.ref in found.nodes and way.id not in found.nodes[node.ref].way_ids:
                found.nodes[node.ref].way_ids.append(way.id)
        if wanted(tags):
            found.ways[way.id] = _completed(_way(way, tags), found.ways.get(way.id))
    elif highway or tags.get("barrier") == "toll_booth" or _may_be_mast(tags):
        shape = _way(way, tags)
        if np.isfinite(shape.latitude_deg).any():
            latitude, longitude = float(np.nanmean(shape.latitude_deg)), float(np.nanmean(shape.longitude_deg))
            found.features[f"w{way.id}"] = OsmFeature(f"w{way.id}", tags, latitude, longitude)


def _may_be_mast(tags: Tags) -> bool:
    return tags.get("man_made") in _MAST_TAGS or any(
        key.startswith("communication:") or key in ("tower:type", "mast:type", "railway:radio") for key in tags
    )


def _way(way: Any, tags: Tags) -> OsmWay:
    ids = np.array([node.ref for node in way.nodes], dtype=np.int64)
    places = [(n.lat, n.lon) if n.location.valid() else (np.nan, np.nan) for n in way.nodes]
    latitude, longitude = np.array(places, dtype=np.float64).reshape(-1, 2).T
    return OsmWay(way.id, tags, ids, latitude, longitude)


def _completed(way: OsmWay, other: OsmWay | None) -> OsmWay:
    """The way, with coordinates that only another extract knows."""
    if other is None or len(other.node_ids) != len(way.node_ids) or np.isfinite(way.latitude_deg).all():
        return way
    lacks = np.isnan(way.latitude_deg)
    latitude = np.where(lacks, other.latitude_deg, way.latitude_deg)
    longitude = np.where(lacks, other.longitude_deg, way.longitude_deg)
    return OsmWay(way.osm_id, way.tags, way.node_ids, latitude, longitude)


def _objects(path: Path, prepare: Callable[[Any], Any]) -> Iterator[Any]:
    if not path.is_file():
        raise InputError(f"osm: {path} does not exist", cure="an .osm, .osm.gz or .osm.pbf file")
    if not path.name.endswith(_SUFFIXES):
        raise InputError(f"osm: {path.name} is not a kind of extract that can be read", cure=" or ".join(_SUFFIXES[:4]))
    with _readable(path), _sorted(path) as readable:
        yield from prepare(osmium.FileProcessor(str(readable)))


@contextmanager
def _sorted(path: Path) -> Iterator[Path]:
    """The file itself where its objects come by kind and id, else a sorted copy that lasts as long as it is read."""
    stat = path.stat()
    if _is_sorted(path, stat.st_size, stat.st_mtime_ns):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "sorted.osm.pbf"
        everything = osmium.MergeInputReader()
        everything.add_file(str(path))
        with osmium.SimpleWriter(str(copy)) as writer:
            everything.apply(writer, simplify=True)
        yield copy


@lru_cache(maxsize=16)
def _is_sorted(path: Path, size: int, changed_ns: int) -> bool:
    """Whether the objects of an XML file come by kind and id (PBF is sorted by whoever writes it).

    ``size`` and ``changed_ns`` make a changed file another one. Raises :class:`InputError` for negative ids: nodes that
    an editor has not uploaded yet have no place that ways could look up.
    """
    if path.name.endswith(".pbf"):
        return True
    before = (0, 0)
    in_order = True
    for kind, number in _xml_objects(path):
        if number < 0:
            raise InputError(
                f"osm: {path.name} has negative ids, such as {kind.decode()} {number}: edits not uploaded",
                cure=f"osmium renumber {path.name} -o renumbered.osm.pbf",
            )
        in_order = in_order and before <= (_KIND_ORDER[kind], number)
        before = _KIND_ORDER[kind], number
    return in_order


def _xml_objects(path: Path) -> Iterator[tuple[bytes, int]]:
    """Kind and id of every object, as far as the file can be read; the reader proper says what is wrong with it."""
    rest = b""
    try:
        with _unpacked(path) as file:
            while chunk := file.read(_XML_CHUNK_BYTES):
                text = rest + chunk
                cut = max(text.rfind(b"<"), 0)
                for match in _XML_OBJECT.finditer(text, 0, cut):
                    yield match[1], int(match[2])
                rest = text[cut:]
    except (OSError, EOFError, zlib.error):
        return


def date_of_map(path: Path) -> str:
    """The day of an extract's data, ``2021-10-27``, as its head says; empty where it says none."""
    if path.name.endswith(".pbf"):
        with osmium.io.Reader(str(path)) as reader:
            said = str(reader.header().get("osmosis_replication_timestamp"))
    else:
        with _unpacked(path) as file:
            head = re.search(rb"""(?:osm_base|timestamp)=["']([^"']+)""", file.read(1000).split(b"<node", 1)[0])
        said = head[1].decode("ascii", "replace") if head else ""
    return said[:10] if re.match(r"\d{4}-\d\d-\d\d", said) else ""


def _unpacked(path: Path) -> BinaryIO | gzip.GzipFile | bz2.BZ2File:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    return bz2.open(path, "rb") if path.suffix == ".bz2" else path.open("rb")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, EOFError) as error:
        raise InputError(
            f"osm: {path.name} ({path.stat().st_size:,} bytes) breaks off or is damaged: {error}",
            cure="fetch the extract again",
        ) from error
