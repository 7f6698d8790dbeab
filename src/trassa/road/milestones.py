"""Kilometre posts in OpenStreetMap: which belong to a road, and what they say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from trassa.linear import Carriageway
from trassa.road.carriageways import CarriagewayLine
from trassa.road.findings import Note
from trassa.road.osm import OsmNode
from trassa.road.posts import Post, label_sense
from trassa.road.reference import Reference
from trassa.road.refs import folded_ref, refs_of

__all__ = ["Milestone", "milestones_of", "posts_along", "read_km", "sense_on"]

_LABEL_KEYS = ("distance", "pk", "kp", "milestone", "name", "ref")
_FORM = re.compile(
    r"(?:км|km|kilomet(?:er|re)|pr|pk|kp)?\.?\s*(\d{1,4})(?:\s*[.,]\s*(\d+)|\s*\+\s*(\d{1,3}))?\s*(km|км|mi|miles)?"
)
_IN_METRES = re.compile(r"(\d{1,7})\s*(?:m|м|metres?|meters?)")
_BESIDE_M = 30.0
_BESIDE_NAMED_M = 60.0
_KM_PER_MILE = 1.609344

Milestone = tuple[OsmNode, float, int]
"""A post's node, its label in kilometres and the index of the carriageway line that it stands on."""


def read_km(tags: Mapping[str, str]) -> float | None:
    """The kilometre that a post says; None if unreadable, and where it says two that differ.

    ``350``, ``350.5``, ``350,5``, ``km 350+500``, ``350500 m``, ``12 mi``; a label written twice (``350;350``) counts.
    """
    for key in _LABEL_KEYS:
        said = {_km_of(part.strip().lower()) for part in tags.get(key, "").split(";")}
        km = said.pop() if len(said) == 1 else None
        if km is not None:
            return km
    return None


def _km_of(text: str) -> float | None:
    in_metres = _IN_METRES.fullmatch(text)
    if in_metres:
        return float(in_metres[1]) / 1000.0
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    whole, fraction, metres, unit = match.groups()
    km = float(f"{whole}.{fraction or 0}") + float(metres or 0) / 1000.0
    return km * (_KM_PER_MILE if unit in ("mi", "miles") else 1.0)


def milestones_of(
    nodes: Iterable[OsmNode], lines: Sequence[CarriagewayLine], ref: str
) -> tuple[list[Milestone], list[Note]]:
    """The posts that belong to the road, and findings on those that cannot be read.

    A post belongs to the way that it is a node of; where two roads share the way and it names one, to that road. A
    node of no way belongs to the road within 30 m of a carriageway, or within 60 m if it names the road's ref, and
    never if it names another.
    """
    found: list[Milestone] = []
    notes: list[Note] = []
    for node in nodes:
        if node.tags.get("highway") != "milestone":
            continue
        index = _line_of(node, lines, ref)
        if index is None:
            continue
        km = read_km(node.tags)
        if km is None:
            said = ", ".join(f"{k}={node.tags[k]}" for k in sorted(node.tags) if k != "highway") or "nothing"
            detail = f"post at node {node.osm_id} says {said}: no kilometre can be read"
            notes.append(Note("unread_post", detail, points=((node.latitude_deg, node.longitude_deg),)))
        else:
            found.append((node, km, index))
    return found, notes


def sense_on(line: CarriagewayLine, milestones: Sequence[Milestone]) -> int:
    """+1 where the labels of all posts rise along a line, −1 where they fall, 0 where they do not tell."""
    if len(milestones) < 2:
        return 0
    feet = line.line.project([m[0].latitude_deg for m in milestones], [m[0].longitude_deg for m in milestones])
    return label_sense(feet.measure_m, [m[1] for m in milestones])


def posts_along(
    reference: Reference, lines: Sequence[CarriagewayLine], milestones: Sequence[Milestone]
) -> tuple[list[Post], list[Note]]:
    """The posts projected on the reference line; those past its ends cannot be used and are named."""
    if not milestones:
        return [], []
    lat = np.array([m[0].latitude_deg for m in milestones])
    lon = np.array([m[0].longitude_deg for m in milestones])
    feet = reference.line.project(lat, lon)
    names = _names(reference, lines)
    posts: list[Post] = []
    notes: list[Note] = []
    for i, (node, km, index) in enumerate(milestones):
        if feet.beyond[i] and abs(feet.offset_m[i]) > _BESIDE_NAMED_M:
            detail = f"post {km:g} (node {node.osm_id}) stands past the end of the reference line"
            notes.append(Note("post_off_reference", detail))
        else:
            measure = float(feet.measure_m[i])
            posts.append(Post(measure, km, names[index], node.latitude_deg, node.longitude_deg, node.osm_id))
    return posts, notes


def _names(reference: Reference, lines: Sequence[CarriagewayLine]) -> list[Carriageway]:
    return [next(name for name, side in reference.sides.items() if side.way_ids == line.way_ids) for line in lines]


def _line_of(node: OsmNode, lines: Sequence[CarriagewayLine], ref: str) -> int | None:
    named = node.tags.get("ref", "")
    names_road = any(letter.isalpha() for letter in named) and read_km({"ref": named}) is None
    other = names_road and folded_ref(named) != folded_ref(ref)
    if node.way_ids:
        on = [i for i, line in enumerate(lines) if line.way_ids.intersection(node.way_ids)]
        shared = other and any(folded_ref(named) in _refs_on(lines[i], node) for i in on)
        return on[0] if on and not shared else None
    if other:
        return None
    reach = _BESIDE_NAMED_M if names_road else _BESIDE_M
    distance = [float(np.abs(line.line.project(node.latitude_deg, node.longitude_deg).offset_m[0])) for line in lines]
    nearest = int(np.argmin(distance))
    return nearest if distance[nearest] <= reach else None


def _refs_on(line: CarriagewayLine, node: OsmNode) -> set[str]:
    """Folded refs of the ways of a line that a node stands on."""
    ways = {span.piece.way.osm_id: span.piece.way for span in line.spans}
    return {folded_ref(part) for i in node.way_ids if i in ways for part in refs_of(ways[i].tags)}
