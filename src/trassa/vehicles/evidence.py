"""What the detectors hand to the life of a warning: sightings of a hazard, and departures of those who proved it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from trassa.linear import Carriageway

__all__ = ["QUEUE_END", "STATIONARY_VEHICLE", "Departure", "Sighting", "gap_m", "joined_queues"]

STATIONARY_VEHICLE = 94
QUEUE_END = 27
"""Cause codes (CauseCodeType): stationary vehicle, dangerous end of queue."""


@dataclass(frozen=True)
class Sighting:
    """A rule holds now. ``anchor_m`` is the upstream end of the hazard, where traffic meets it; ``head_m`` the other.

    ``stations`` are the vehicles that prove it, ``detail`` what the rule measured (JSON-ready).
    """

    cause_code: int
    carriageway: Carriageway
    anchor_m: float
    head_m: float
    rule: str
    stations: tuple[int, ...]
    detail: Mapping[str, float | int | str] = field(default_factory=dict)
    sub_cause_code: int = 0


@dataclass(frozen=True)
class Departure:
    """Vehicles that proved an event were seen moving, or elsewhere: the positive evidence that ends it."""

    event_id: str
    stations: tuple[int, ...]


def gap_m(first: tuple[float, float], second: tuple[float, float]) -> float:
    """The distance between two stretches of one carriageway, each given by its ends in any order; 0 where they meet."""
    return max(0.0, min(second) - max(first), min(first) - max(second))


def joined_queues(sightings: Sequence[Sighting], within_m: float) -> list[Sighting]:
    """The sightings, with those of queues less than ``within_m`` apart as one; what the rule measured is the end's."""
    joined: list[Sighting] = []
    for sighting in sorted(sightings, key=lambda s: (s.cause_code, s.carriageway, min(s.anchor_m, s.head_m))):
        last = joined[-1] if joined else None
        if last is None or not _is_one_queue(last, sighting, within_m):
            joined.append(sighting)
            continue
        front, back = (last, sighting) if sighting.carriageway == "increasing" else (sighting, last)
        stations = tuple(sorted({*front.stations, *back.stations}))
        joined[-1] = replace(front, head_m=back.head_m, stations=stations)
    return joined


def _is_one_queue(first: Sighting, second: Sighting, within_m: float) -> bool:
    return (
        first.cause_code == second.cause_code == QUEUE_END
        and first.carriageway == second.carriageway
        and gap_m((first.anchor_m, first.head_m), (second.anchor_m, second.head_m)) <= within_m
    )
