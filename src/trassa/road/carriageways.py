"""Carriageways: the chains of a road laid out as two lines, one for each sense of travel.

A carriageway is the longest chain, continued across gaps by chains that go on in the same sense. A gap is never
closed silently: it becomes a hole of known length between two known nodes. Chains that fit nowhere are side chains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trassa.errors import InputError
from trassa.road.chains import Chain, Piece, bearing_deg, turn_deg
from trassa.road.findings import Note
from trassa.road.line import Line

__all__ = ["CarriagewayLine", "Gap", "Span", "laid_out"]

_TOUCHING_M = 2.0
_NEAR_M = 50.0
_LARGEST_BEND_DEG = 75.0
_ALONGSIDE_M = 3000.0
_ABREAST_M = 100.0


@dataclass(frozen=True)
class Span:
    """A piece of a way and where it lies on the carriageway's line, metres in the sense of travel."""

    piece: Piece
    start_m: float
    end_m: float


@dataclass(frozen=True)
class Gap:
    """A stretch without geometry between two chains, metres in the sense of travel."""

    start_m: float
    end_m: float
    before: Piece
    after: Piece

    @property
    def length_m(self) -> float:
        """Geodesic length in metres."""
        return self.end_m - self.start_m

    @property
    def detail(self) -> str:
        """The gap in words, with the way and node on either side."""
        return (
            f"{self.length_m:,.0f} m without geometry between way {self.before.way.osm_id} "
            f"(node {self.before.node_ids[-1]}) and way {self.after.way.osm_id} (node {self.after.node_ids[0]})"
        )


@dataclass(frozen=True)
class CarriagewayLine:
    """One carriageway in the sense of travel: chains in order, with gaps between them."""

    chains: tuple[Chain, ...]

    @cached_property
    def line(self) -> Line:
        """Its vertices; across a gap the line runs straight."""
        lats: list[float] = []
        lons: list[float] = []
        for piece in self._pieces:
            lat, lon = piece.latitude_deg.tolist(), piece.longitude_deg.tolist()
            same = bool(lats) and (lats[-1], lons[-1]) == (lat[0], lon[0])
            lats += lat[1:] if same else lat
            lons += lon[1:] if same else lon
        return Line(np.array(lats), np.array(lons))

    @cached_property
    def spans(self) -> list[Span]:
        """Its pieces with their place on the line."""
        spans: list[Span] = []
        measure, vertex = self.line.measure_m, 0
        for piece in self._pieces:
            if not self._continues(vertex, piece):
                vertex += 1
            last = vertex + len(piece.latitude_deg) - 1
            spans.append(Span(piece, float(measure[vertex]), float(measure[last])))
            vertex = last
        return spans

    @cached_property
    def gaps(self) -> list[Gap]:
        """Where neighbouring pieces do not share a point."""
        pairs = zip(self.spans, self.spans[1:], strict=False)
        return [Gap(a.end_m, b.start_m, a.piece, b.piece) for a, b in pairs if b.start_m > a.end_m]

    @property
    def holes(self) -> list[Gap]:
        """Gaps too long to be a slip of the pen."""
        return [gap for gap in self.gaps if gap.length_m > _TOUCHING_M]

    @property
    def two_way_share(self) -> float:
        """Share of its length on ways that serve both senses."""
        return sum(p.length_m for p in self._pieces if p.two_way) / sum(p.length_m for p in self._pieces)

    @property
    def way_ids(self) -> set[int]:
        """Ids of its ways."""
        return {piece.way.osm_id for piece in self._pieces}

    def turned(self) -> CarriagewayLine:
        """The same carriageway in the other sense."""
        return CarriagewayLine(tuple(chain.turned() for chain in reversed(self.chains)))

    @property
    def _pieces(self) -> list[Piece]:
        return [piece for chain in self.chains for piece in chain.pieces]

    def _continues(self, vertex: int, piece: Piece) -> bool:
        at = (self.line.latitude_deg[vertex], self.line.longitude_deg[vertex])
        return bool(at == (piece.latitude_deg[0], piece.longitude_deg[0]))


def laid_out(chains: Sequence[Chain], hole_max_m: float) -> tuple[list[CarriagewayLine], list[Note]]:
    """One or two carriageways, the longest first, and findings on gaps and on chains that were left over.

    Gaps longer than ``hole_max_m`` are not bridged. A road whose ways serve both senses has one carriageway.
    """
    rest = [chain for chain in chains if chain.length_m > 0.0]
    if not rest:
        raise InputError(
            "road: none of its ways has two nodes at two places in the extract", cure="an extract that covers the road"
        )
    first = _extended(rest.pop(0), rest, hole_max_m)
    lines = [first]
    facing = [chain for chain in rest if _faces(chain, first.line)]
    if facing and first.two_way_share < 0.8:
        seed = max(facing, key=lambda chain: chain.length_m)
        rest.remove(seed)
        lines.append(_extended(_opened(seed, first.chains[-1].last), rest, hole_max_m))
        lines[1] = _beside(lines[1], first.line, rest)
    notes = [_ring_note(first.chains[0])] if first.chains[0].is_ring else []
    notes += [note for line in lines for note in _gap_notes(line)]
    if len(lines) == 1:
        kind = "whose ways serve both senses of travel" if first.two_way_share >= 0.8 else "in this extract"
        notes.append(Note("one_carriageway", f"the road has one carriageway {kind}"))
    used = set().union(*(line.way_ids for line in lines))
    notes += [_side_note(chain) for chain in rest if not used.issuperset(chain.way_ids)]
    return lines, notes


def _extended(seed: Chain, rest: list[Chain], hole_max_m: float) -> CarriagewayLine:
    """The seed, continued at both ends by what lies ahead; chains that are used leave ``rest``."""
    row = [seed]
    while True:
        ahead = [(fit, i, True) for i, c in enumerate(rest) if (fit := _gap_m(row[-1], c, hole_max_m)) is not None]
        behind = [(fit, i, False) for i, c in enumerate(rest) if (fit := _gap_m(c, row[0], hole_max_m)) is not None]
        if not ahead and not behind:
            return CarriagewayLine(tuple(row))
        _, index, at_end = min(ahead + behind)
        chain = rest.pop(index)
        row = [*row, chain] if at_end else [chain, *row]


def _beside(line: CarriagewayLine, other: Line, rest: list[Chain]) -> CarriagewayLine:
    """The second carriageway, at a fork on the branch that the first one takes; the branch it leaves joins ``rest``.

    Each carriageway goes straight on by itself, so where a road ends in a fork they may part.
    """
    for branch in list(rest):
        for at_end in (True, False):
            outer = line.chains[-1 if at_end else 0]
            parts = _parted(outer, branch, at_end)
            if parts is None or _apart_m(branch, other) > _ABREAST_M or _apart_m(parts[1], other) < 2.0 * _ABREAST_M:
                continue
            kept, left = parts
            joined = Chain(kept.pieces + branch.pieces if at_end else branch.pieces + kept.pieces)
            line = CarriagewayLine((*line.chains[:-1], joined) if at_end else (joined, *line.chains[1:]))
            rest[rest.index(branch)] = left
            break
    return line


def _parted(chain: Chain, branch: Chain, at_end: bool) -> tuple[Chain, Chain] | None:
    """A chain cut where a branch leaves it (or, not ``at_end``, runs into it): what stays and what is left."""
    node = int(branch.pieces[0].node_ids[0] if at_end else branch.pieces[-1].node_ids[-1])
    for i in range(1, len(chain.pieces)):
        if int(chain.pieces[i].node_ids[0]) == node:
            before, behind = Chain(chain.pieces[:i]), Chain(chain.pieces[i:])
            return (before, behind) if at_end else (behind, before)
    return None


def _apart_m(chain: Chain, line: Line) -> float:
    """Mean distance of a chain's points from a line."""
    lat = np.concatenate([piece.latitude_deg for piece in chain.pieces])
    lon = np.concatenate([piece.longitude_deg for piece in chain.pieces])
    return float(np.abs(line.project(lat, lon).offset_m).mean())


def _opened(chain: Chain, near: tuple[float, float]) -> Chain:
    """A ring opened at its node nearest to a point, so that both carriageways open at one place."""
    if not chain.is_ring:
        return chain
    nodes = [
        (bearing_deg((float(lat), float(lon)), near)[0], number, vertex)
        for number, piece in enumerate(chain.pieces)
        for vertex, (lat, lon) in enumerate(zip(piece.latitude_deg[:-1], piece.longitude_deg[:-1], strict=True))
    ]
    _, number, vertex = min(nodes)
    piece, others = chain.pieces[number], (*chain.pieces[number + 1 :], *chain.pieces[:number])
    if vertex == 0:
        return Chain((piece, *others))
    return Chain((piece.part(slice(vertex, None)), *others, piece.part(slice(0, vertex + 1))))


def _ring_note(chain: Chain) -> Note:
    detail = f"the road is a ring of {chain.length_m:,.0f} m: opened at node {chain.pieces[0].node_ids[0]}"
    return Note("ring", detail, "warning", points=(chain.first,))


def _gap_m(before: Chain, after: Chain, hole_max_m: float) -> float | None:
    """Length of the gap if ``after`` goes on where ``before`` ends, in its direction; else None."""
    gap_m, bearing = bearing_deg(before.last, after.first)
    leaving, arriving = before.pieces[-1].last_heading_deg, after.pieces[0].first_heading_deg
    if gap_m <= _NEAR_M:
        return gap_m if turn_deg(leaving, arriving) <= _LARGEST_BEND_DEG else None
    if gap_m > hole_max_m or gap_m > 3.0 * max(min(before.length_m, after.length_m), _NEAR_M):
        return None
    bends = max(turn_deg(leaving, bearing), turn_deg(bearing, arriving))
    return gap_m if bends <= _LARGEST_BEND_DEG else None


def _faces(chain: Chain, line: Line) -> bool:
    """Whether a chain runs beside a line in the opposite sense."""
    lat = np.concatenate([piece.latitude_deg for piece in chain.pieces])
    lon = np.concatenate([piece.longitude_deg for piece in chain.pieces])
    feet = line.project(lat, lon)
    beside = (np.abs(feet.offset_m) < _ALONGSIDE_M) & ~feet.beyond
    if beside.sum() < 2:
        return False
    return bool(np.median(np.diff(feet.measure_m[beside])) < 0.0)


def _gap_notes(line: CarriagewayLine) -> list[Note]:
    notes = []
    for gap in line.gaps:
        ends = tuple(
            (float(p.latitude_deg[i]), float(p.longitude_deg[i])) for p, i in ((gap.before, -1), (gap.after, 0))
        )
        if gap.length_m > _TOUCHING_M:
            notes.append(Note("hole", gap.detail, "warning", points=ends))
        else:
            notes.append(Note("gap_closed", gap.detail.replace(" 0 m", f" {gap.length_m:.2f} m"), points=ends))
    return notes


def _side_note(chain: Chain) -> Note:
    ways = chain.way_ids
    named = ", ".join(str(i) for i in ways[:5]) + (f" and {len(ways) - 5} more" if len(ways) > 5 else "")
    detail = f"{chain.length_m:,.0f} m of the same ref belong to neither carriageway: way(s) {named}"
    return Note(
        "side_chain", detail, "warning" if chain.length_m > 2000.0 else "note", points=(chain.first, chain.last)
    )
