"""OSM XML: where the ways of a road run, and several answers put together as one extract."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.provenance import Progress, no_progress
from trassa.road.line import geodesic_steps_m
from trassa.road.osm import OsmWay, read_roads
from trassa.road.refs import CLASSES, folded_ref, refs_of

__all__ = ["RoadTrace", "merge_extracts", "traces_of"]

_KINDS = ("node", "way", "relation")
_CELL_DEG = 0.2
_STUB_SHARE = 0.05

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RoadTrace:
    """Points of one road's ways, shape (n,), and the length of all its carriageways together."""

    latitude_deg: FloatArray
    longitude_deg: FloatArray
    length_m: float

    @property
    def middle(self) -> tuple[float, float]:
        """Latitude and longitude of the point half-way through the list: somewhere on the road."""
        return float(np.median(self.latitude_deg)), float(np.median(self.longitude_deg))


def traces_of(path: Path, ref: str) -> list[RoadTrace]:
    """The roads of that number in an answer, longest first: pieces more than some 20 to 40 km apart are two roads.

    Ways of the highest class that carries the ref count; roads shorter than 5 % of the longest are left out.
    """
    wanted = folded_ref(ref)

    def carries(tags: object) -> bool:
        return any(folded_ref(part) == wanted for part in refs_of(cast("dict[str, str]", tags)))

    ways = list(read_roads([path], carries).ways.values())
    found = [way for way in ways if way.tags["highway"] in CLASSES]
    highest = min((way.tags["highway"] for way in found), key=CLASSES.index, default="")
    lines = [_whole(way) for way in found if way.tags["highway"] == highest]
    cells = [
        set(zip(*(np.floor(axis / _CELL_DEG).astype(int).tolist() for axis in line), strict=True)) for line in lines
    ]
    traces = []
    for group in _connected(cells):
        chosen = [lines[i] for i in group]
        length_m = sum(float(np.nansum(geodesic_steps_m(*line))) for line in chosen)
        latitude, longitude = (np.concatenate([line[axis] for line in chosen]) for axis in (0, 1))
        traces.append(RoadTrace(latitude, longitude, length_m))
    traces.sort(key=lambda trace: -trace.length_m)
    return [trace for trace in traces if trace.length_m >= _STUB_SHARE * traces[0].length_m]


def _whole(way: OsmWay) -> tuple[FloatArray, FloatArray]:
    known = np.isfinite(way.latitude_deg)
    return way.latitude_deg[known], way.longitude_deg[known]


def merge_extracts(paths: Sequence[Path], into: Path, progress: Progress = no_progress) -> None:
    """Write one ``.osm.gz`` that holds every object of several OSM XML files once; of two versions the first counts."""
    seen: dict[str, set[str]] = {kind: set() for kind in _KINDS}
    part = into.with_name(into.name + ".part")
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        rough = {kind: Path(folder) / kind for kind in _KINDS}
        files = {kind: path.open("wb") for kind, path in rough.items()}
        try:
            for number, path in enumerate(paths):
                _sort_by_kind(path, files, seen)
                progress((number + 1) / (len(paths) + 1))
        finally:
            for file in files.values():
                file.close()
        with gzip.open(part, "wb", compresslevel=6) as out:
            out.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="trassa road fetch" ')
            out.write('copyright="© OpenStreetMap contributors" license="ODbL 1.0">\n'.encode())
            for kind in _KINDS:
                with rough[kind].open("rb") as sorted_part:
                    shutil.copyfileobj(sorted_part, out)
            out.write(b"</osm>\n")
    part.replace(into)
    progress(1.0)


def _sort_by_kind(path: Path, files: Mapping[str, BinaryIO], seen: Mapping[str, set[str]]) -> None:
    try:
        parser = iter(ElementTree.iterparse(path, events=("start", "end")))
        _, root = next(parser)
        for event, element in parser:
            if event == "end" and element.tag in seen:
                if element.attrib["id"] not in seen[element.tag]:
                    seen[element.tag].add(element.attrib["id"])
                    files[element.tag].write(ElementTree.tostring(element, encoding="utf-8", xml_declaration=False))
                root.clear()
    except ElementTree.ParseError as error:
        raise InputError(
            f"fetch: {path.name} is no whole OSM file ({error})", cure="delete it and fetch again"
        ) from error


def _connected(cells: Sequence[set[tuple[int, int]]]) -> Iterator[list[int]]:
    """Groups of lines whose cells touch, corners included."""
    lines_in: dict[tuple[int, int], list[int]] = {}
    for number, own in enumerate(cells):
        for cell in own:
            lines_in.setdefault(cell, []).append(number)
    left = set(range(len(cells)))
    while left:
        group, waiting = [], [min(left)]
        left.remove(waiting[0])
        while waiting:
            line = waiting.pop()
            group.append(line)
            around = {(r + dr, c + dc) for r, c in cells[line] for dr in (-1, 0, 1) for dc in (-1, 0, 1)}
            touched = {other for cell in around & lines_in.keys() for other in lines_in[cell]} & left
            left -= touched
            waiting += touched
        yield sorted(group)
