"""What the detectors hand to the life of a warning: sightings of a hazard, and departures of those who proved it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trassa.linear import Carriageway

__all__ = ["QUEUE_END", "STATIONARY_VEHICLE", "Departure", "Sighting", "gap_m"]

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
