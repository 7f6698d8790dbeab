"""Chains: the ways of a road joined head to tail, in the sense of travel.

Joined is only what shares a node. Where several ways meet, the straightest continuation wins, unless it is a stub.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.road.findings import Note
from trassa.road.lattice import metres_per_degree
from trassa.road.line import geodesic_steps_m
from trassa.road.osm import OsmWay

__all__ = ["Chain", "Piece", "bearing_deg", "chains_of", "turn_deg"]

FloatArray = npt.NDArray[np.float64]

_HEADING_OVER_M = 40.0
_LARGEST_TURN_DEG = 135.0
_STUB_M = 2000.0
_BRANCH_DEG = 60.0


@dataclass(frozen=True)
class Piece:
    """A run of one way between cuts, in the sense of travel. Arrays of shape (n,), n ≥ 2."""

    way: OsmWay
    node_ids: npt.NDArray[np.int64]
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    two_way: bool

    @cached_property
    def length_m(self) -> float:
        """WGS 84 geodesic length in metres."""
        return float(geodesic_steps_m(self.latitude_deg, self.longitude_deg).sum())

    def part(self, run: slice) -> Piece:
        """The piece over some of its nodes, at least two."""
        return Piece(self.way, self.node_ids[run], self.latitude_deg[run], self.longitude_deg[run], self.two_way)

    def turned(self) -> Piece:
        """The same piece in the other sense."""
        ends = self.node_ids[::-1].copy(), self.latitude_deg[::-1].copy(), self.longitude_deg[::-1].copy()
        return Piece(self.way, *ends, self.two_way)

    @cached_property
    def first_heading_deg(self) -> float:
        """Heading over the first metres."""
        return _heading_deg(self.latitude_deg, self.longitude_deg)

    @cached_property
    def last_heading_deg(self) -> float:
        """Heading over the last metres."""
        return (_heading_deg(self.latitude_deg[::-1], self.longitude_deg[::-1]) + 180.0) % 360.0


@dataclass(frozen=True)
class Chain:
    """Pieces that share nodes, in the sense of travel."""

    pieces: tuple[Piece, ...]

    @cached_property
    def length_m(self) -> float:
        """WGS 84 geodesic length in metres."""
        return sum(piece.length_m for piece in self.pieces)

    @property
    def is_ring(self) -> bool:
        """Whether it ends at the node where it begins."""
        return bool(self.pieces[0].node_ids[0] == self.pieces[-1].node_ids[-1])

    def turned(self) -> Chain:
        """The same chain in the other sense."""
        return Chain(tuple(piece.turned() for piece in reversed(self.pieces)))

    @property
    def way_ids(self) -> list[int]:
        """Ids of its ways, in order, each once."""
        return list(dict.fromkeys(piece.way.osm_id for piece in self.pieces))

    @property
    def first(self) -> tuple[float, float]:
        """Latitude and longitude of its first point."""
        return float(self.pieces[0].latitude_deg[0]), float(self.pieces[0].longitude_deg[0])

    @property
    def last(self) -> tuple[float, float]:
        """Latitude and longitude of its last point."""
        return float(self.pieces[-1].latitude_deg[-1]), float(self.pieces[-1].longitude_deg[-1])


def chains_of(ways: Iterable[OsmWay]) -> tuple[list[Chain], list[Note]]:
    """All chains, longest first, and what was found in the ways: references to nodes that the extract lacks.

    A two-way way appears in two chains, once for each sense.
    """
    listed = list(ways)
    notes = [note for way in listed for note in _dangling(way)]
    pieces = list(_pieces(listed))
    following = _following(pieces)
    notes += _past_dead_ends(pieces, following)
    chains = [Chain(tuple(pieces[i] for i in run)) for run in _runs(len(pieces), following)]
    chains.sort(key=lambda chain: (-chain.length_m, chain.pieces[0].way.osm_id))
    return chains, notes


def bearing_deg(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """Distance in metres and bearing in degrees between two (latitude, longitude) points a few kilometres apart."""
    lat_m, lon_m = metres_per_degree(0.5 * (start[0] + end[0]))
    north, east = (end[0] - start[0]) * float(lat_m), (end[1] - start[1]) * float(lon_m)
    return float(np.hypot(north, east)), float(np.degrees(np.arctan2(east, north))) % 360.0


def turn_deg(first_deg: float, second_deg: float) -> float:
    """Angle between two headings, 0 ≤ angle ≤ 180."""
    return abs((second_deg - first_deg + 180.0) % 360.0 - 180.0)


def _dangling(way: OsmWay) -> Iterator[Note]:
    lacks = np.isnan(way.latitude_deg)
    if lacks.any():
        ids = way.node_ids[lacks]
        named = ", ".join(f"n{i}" for i in ids[:6]) + (f" and {len(ids) - 6} more" if len(ids) > 6 else "")
        padded = np.concatenate([[False], lacks, [False]])
        edge = np.flatnonzero(~lacks & (padded[:-2] | padded[2:]))
        points = tuple((float(way.latitude_deg[i]), float(way.longitude_deg[i])) for i in edge)
        detail = f"way {way.osm_id} refers to {len(ids)} node(s) that the extract lacks: {named}; cut there"
        yield Note("dangling_reference", detail, "warning", points=points)


def _pieces(ways: list[OsmWay]) -> Iterator[Piece]:
    ends = {int(node) for way in ways for node in way.node_ids[[0, -1]]}
    for way in ways:
        known = np.isfinite(way.latitude_deg)
        cuts = [0]
        for i in range(1, len(known)):
            if i == len(known) - 1 or not known[i] or int(way.node_ids[i]) in ends:
                yield from _directed(way, slice(cuts[-1], i + 1))
                cuts.append(i)


def _directed(way: OsmWay, run: slice) -> Iterator[Piece]:
    known = np.isfinite(way.latitude_deg[run])
    ids, lat, lon = way.node_ids[run][known], way.latitude_deg[run][known], way.longitude_deg[run][known]
    if len(ids) < 2:
        return
    oneway = way.tags.get("oneway", "")
    implied = way.tags.get("highway") == "motorway" or way.tags.get("junction") in ("roundabout", "circular")
    two_way = oneway in ("no", "false", "0") or (oneway == "" and not implied)
    if oneway not in ("-1", "reverse"):
        yield Piece(way, ids, lat, lon, two_way)
    if two_way or oneway in ("-1", "reverse"):
        yield Piece(way, ids[::-1].copy(), lat[::-1].copy(), lon[::-1].copy(), two_way)


def _following(pieces: list[Piece]) -> dict[int, int]:
    """For each piece the one that continues it: at every node the straightest pair first, then the next."""
    leaving: dict[int, list[int]] = defaultdict(list)
    arriving: dict[int, list[int]] = defaultdict(list)
    for index, piece in enumerate(pieces):
        leaving[int(piece.node_ids[0])].append(index)
        arriving[int(piece.node_ids[-1])].append(index)
    following: dict[int, int] = {}
    for node, heads in arriving.items():
        pairs = [
            (turn_deg(pieces[i].last_heading_deg, pieces[j].first_heading_deg), i, j)
            for i in heads
            for j in leaving.get(node, ())
            if not _turns_back(pieces[i], pieces[j])
        ]
        taken: set[int] = set()
        for angle, i, j in sorted(pairs):
            if angle <= _LARGEST_TURN_DEG and i not in following and j not in taken:
                following[i] = j
                taken.add(j)
    return following


def _past_dead_ends(pieces: list[Piece], following: dict[int, int]) -> list[Note]:
    """Where the straightest continuation is a stub of at most 2 km and another leads five times as far, take that.

    Changes ``following`` in place. The same holds backwards, where a long chain merges into one that just began.
    """
    notes: list[Note] = []
    for _ in range(len(pieces)):
        change = _stub_change(pieces, following)
        if change is None:
            break
        before, after, node, stub_m, long_m = change
        for key in [i for i, j in following.items() if i == before or j == after]:
            del following[key]
        following[before] = after
        ways = pieces[before].way.osm_id, pieces[after].way.osm_id
        detail = (
            f"at node {node} the road runs from way {ways[0]} to way {ways[1]} ({long_m:,.0f} m), "
            f"for the straighter way ends after {stub_m:,.0f} m"
        )
        at = float(pieces[after].latitude_deg[0]), float(pieces[after].longitude_deg[0])
        notes.append(Note("branch", detail, points=(at,)))
    return notes


def _stub_change(pieces: list[Piece], following: dict[int, int]) -> tuple[int, int, int, float, float] | None:
    """The first pair (before, after) to be joined instead of what is joined now, with node and both lengths."""
    runs = list(_runs(len(pieces), following))
    ahead: dict[int, float] = {}
    behind: dict[int, float] = {}
    for run in runs:
        lengths = np.array([pieces[i].length_m for i in run])
        behind.update(zip(run, np.cumsum(lengths).tolist(), strict=True))
        ahead.update(zip(run, np.cumsum(lengths[::-1])[::-1].tolist(), strict=True))
    through: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for i, j in following.items():
        through[int(pieces[i].node_ids[-1])].append((i, j))
    for run in runs:
        first, last = run[0], run[-1]
        start, end = int(pieces[first].node_ids[0]), int(pieces[last].node_ids[-1])
        for i, j in through.get(start, ()):
            if _is_stub(ahead[j], ahead[first]) and first != j and _joins(pieces[i], pieces[first]):
                return i, first, start, ahead[j], ahead[first]
        for i, j in through.get(end, ()):
            if _is_stub(behind[i], behind[last]) and last != i and _joins(pieces[last], pieces[j]):
                return last, j, end, behind[i], behind[last]
    return None


def _is_stub(length_m: float, other_m: float) -> bool:
    return length_m <= _STUB_M and length_m * 5.0 < other_m


def _joins(piece: Piece, onto: Piece) -> bool:
    return not _turns_back(piece, onto) and turn_deg(piece.last_heading_deg, onto.first_heading_deg) <= _BRANCH_DEG


def _turns_back(piece: Piece, onto: Piece) -> bool:
    return piece.way.osm_id == onto.way.osm_id and bool(piece.node_ids[-2] == onto.node_ids[1])


def _runs(count: int, following: dict[int, int]) -> Iterator[list[int]]:
    """Runs of pieces from their first to their last; rings last, opened at their lowest index."""
    inner = set(following.values())
    seen: set[int] = set()
    for start in [i for i in range(count) if i not in inner] + list(range(count)):
        if start in seen:
            continue
        run = [start]
        seen.add(start)
        while run[-1] in following and following[run[-1]] not in seen:
            run.append(following[run[-1]])
            seen.add(run[-1])
        yield run


def _heading_deg(latitude_deg: FloatArray, longitude_deg: FloatArray) -> float:
    start = (float(latitude_deg[0]), float(longitude_deg[0]))
    angle = 0.0
    for i in range(1, len(latitude_deg)):
        distance, angle = bearing_deg(start, (float(latitude_deg[i]), float(longitude_deg[i])))
        if distance >= _HEADING_OVER_M:
            break
    return angle
