"""Demand: whole journeys on the timeline, before, during and after the drive, so that every priced pair of one
direction is driven.

The direction is that of rising kilometres. Journeys through the boundary of two systems make two charges. About one in
twenty is unpriced by design: a pair that the table lacks, a truck, a transponder; those must end held with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from trassa.twin.journey import Account, Journey, Stop
from trassa.twin.prices import Point, PriceList, Unpriced

__all__ = ["Passer", "boundary_of", "journeys_of"]

_ROUNDS = 3
_BEFORE_MS, _AFTER_MS = 8 * 3_600_000, 2 * 3_600_000
_MISS_RATIO = 0.015
_FASTEST_KMH, _SLOWEST_KMH = 105.0, 85.0
_UNPRICED = 8


@dataclass(frozen=True)
class Passer:
    """A simulated vehicle that will cross the boundary on the main line, and about when, ms."""

    vehicle: int
    own: str
    crosses_ms: int


@dataclass
class _Way:
    """From node to node, perhaps over the boundary; toll points in order."""

    points: tuple[Point, ...]
    story: str = ""
    vehicle_class: str = "1"
    means: str = "plate"
    exempt: bool = False


def boundary_of(lists: Sequence[PriceList]) -> Point | None:
    """The toll point that the first two systems share; none where the road has one system or they do not meet."""
    if len(lists) < 2:
        return None
    shared = {point.id for point in lists[1].points}
    return next((point for point in lists[0].points if point.id in shared), None)


def journeys_of(
    lists: Sequence[PriceList], start_ms: int, random: np.random.Generator, passers: Sequence[Passer] = ()
) -> list[Journey]:
    """Every journey of the drive; passers come first, their boundary is seen by their own fixes only."""
    ways = list(_ways(lists, start_ms))
    through = [way for way in ways if len(way.points) == 3 and not way.story]
    journeys: list[Journey] = []
    for passer, way in zip(passers, cycle(through), strict=False):
        journeys.append(_passing(len(journeys), way, passer, random))
    for _ in range(_ROUNDS):
        for way in ways:
            journeys.append(_journey(len(journeys), lists, way, start_ms, random))
    for way in [*_unpriced(lists, start_ms), _exempt(ways[0])] if ways else []:
        journeys.append(_journey(len(journeys), lists, way, start_ms, random, may_miss=False))
    return journeys


def _ways(lists: Sequence[PriceList], time_ms: int) -> Iterator[_Way]:
    """A way for every priced pair of rising kilometres; pairs at the boundary meet in journeys through it."""
    boundary = boundary_of(lists)
    entries: list[Point] = []
    for index, prices in enumerate(lists):
        for start, end in prices.priced_pairs("1", "plate", time_ms):
            first, last = _ends(prices, start, end)
            if first.km >= last.km:
                continue
            if index == 0 and boundary is not None and last.id == boundary.id:
                entries.append(first)
            elif index == 1 and boundary is not None and first.id == boundary.id:
                continue
            else:
                yield _Way((first, last))
    if boundary is not None:
        pairs = lists[1].priced_pairs("1", "plate", time_ms)
        beyond = [_ends(lists[1], *pair)[1] for pair in pairs if _ends(lists[1], *pair)[0].id == boundary.id]
        longer = max(len(entries), len(beyond)) if entries and beyond else 0
        for _, first, last in zip(range(longer), cycle(entries), cycle(beyond), strict=False):
            if first.km < boundary.km < last.km:
                yield _Way((first, boundary, last))


def _ends(prices: PriceList, start: str, end: str) -> tuple[Point, Point]:
    """The toll points of a pair: the last of the entry's, the first of the exit's, by kilometre."""
    first = max((point for point in prices.points if point.node == start), key=lambda point: point.km)
    last = min((point for point in prices.points if point.node == end), key=lambda point: point.km)
    return first, last


def _unpriced(lists: Sequence[PriceList], time_ms: int) -> Iterator[_Way]:
    """Ways that the tables do not price: missing pairs in turn with trucks and transponders on priced ones."""
    prices = lists[0]
    listed = set(prices.priced_pairs("1", "plate", time_ms))
    priced = [_ends(prices, *pair) for pair in sorted(listed)]
    priced = [pair for pair in priced if pair[0].km < pair[1].km and not _is_shared(lists, pair[1])]
    nodes = prices.nodes()
    missing = [
        _ends(prices, a, b)
        for a in nodes
        for b in nodes
        if nodes[a] < nodes[b] and (a, b) not in listed and not _is_shared(lists, _ends(prices, a, b)[1])
    ]
    for number in range(_UNPRICED):
        kind = number % 3
        if kind == 0 and missing:
            yield _Way(missing[number // 3 % len(missing)], "a pair without a price")
        elif kind == 1:
            yield _Way(priced[number % len(priced)], "a truck", vehicle_class="4")
        else:
            yield _Way(priced[number % len(priced)], "a transponder", means="tag")


def _is_shared(lists: Sequence[PriceList], point: Point) -> bool:
    return any(point.id == other.id for prices in lists[1:] for other in prices.points)


def _exempt(way: _Way) -> _Way:
    return _Way(way.points, "an exempt vehicle", exempt=True)


def _journey(
    number: int,
    lists: Sequence[PriceList],
    way: _Way,
    start_ms: int,
    random: np.random.Generator,
    *,
    may_miss: bool = True,
) -> Journey:
    """A journey at a moment at which the tables price it, where they do at all."""
    account = _account(number, way)
    speed_kmh = float(random.uniform(_SLOWEST_KMH, _FASTEST_KMH))
    missed = int(random.integers(len(way.points))) if may_miss and random.random() < _MISS_RATIO * 3 else -1
    for attempt in range(12):
        leave_ms = start_ms + int(random.integers(-_BEFORE_MS, _AFTER_MS))
        stops = _stops(way, leave_ms, speed_kmh, missed)
        if way.story or attempt == 11 or _is_priced(lists, stops):
            break
    story = way.story or ("a toll point that saw nothing" if missed >= 0 else "")
    return Journey(account, stops, story)


def _passing(number: int, way: _Way, passer: Passer, random: np.random.Generator) -> Journey:
    """A through journey whose middle is driven in the simulation and seen by the vehicle's own fixes."""
    speed_kmh = float(random.uniform(_SLOWEST_KMH, _FASTEST_KMH))
    first, middle, last = _stops(way, 0, speed_kmh, -1)
    shift_ms = passer.crosses_ms - middle.time_ms
    stops = (
        Stop(first.point, first.time_ms + shift_ms, first.movement),
        Stop(middle.point, passer.crosses_ms, middle.movement, own=True),
        Stop(last.point, last.time_ms + shift_ms, last.movement),
    )
    plain = _account(number, way)
    account = Account(plain.contract_id, plain.vehicle_class, plain.means, plain.identity, own=passer.own)
    return Journey(account, stops, "own fixes", vehicle=passer.vehicle)


def _stops(way: _Way, leave_ms: int, speed_kmh: float, missed: int) -> tuple[Stop, ...]:
    end_km = way.points[-1].km
    movements = ("entry", *("through",) * (len(way.points) - 2), "exit")
    return tuple(
        Stop(
            point.id,
            leave_ms - round(abs(end_km - point.km) / speed_kmh * 3_600_000.0),
            movement,
            seen=index != missed,
        )
        for index, (point, movement) in enumerate(zip(way.points, movements, strict=True))
    )


def _account(number: int, way: _Way) -> Account:
    name = f"{number + 1:04d}"
    identity = f"TWIN-TAG-{name}" if way.means == "tag" else f"Т{number % 1000:03d}ВН{100 + number // 1000}"
    return Account(f"twin-{name}", way.vehicle_class, way.means, identity, exempt=way.exempt)


def _is_priced(lists: Sequence[PriceList], stops: Sequence[Stop]) -> bool:
    """Whether every leg has a price at its own exit."""
    for prices in lists:
        node_of = {point.id: point.node for point in prices.points}
        leg = [stop for stop in stops if stop.point in node_of]
        if len(leg) < 2:
            continue
        try:
            prices.price_minor(
                node_of[leg[0].point],
                node_of[leg[-1].point],
                entry_ms=leg[0].time_ms,
                exit_ms=leg[-1].time_ms,
                vehicle_class="1",
                means="plate",
            )
        except Unpriced:
            return False
    return True
