"""What a life of warnings is made of: the numbers of its rules, its state, and the effects of a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from trassa.linear import Carriageway, Extent
from trassa.vehicles.denm_event import Event, Muted
from trassa.vehicles.settings import VehiclesSettings

__all__ = ["Effect", "EffectKind", "Life", "LifeRules", "Place"]

EffectKind = Literal["new", "update", "repeat", "end", "unconfirmed", "confirmed", "attached"]
"""``new``, ``update``, ``repeat`` and ``end`` are messages to send; the others only change what is shown."""
Place = Callable[[Carriageway, float], tuple[Extent, tuple[str, ...]]]
"""What an anchor concerns: the extent upstream and the tiles that it touches."""


@dataclass(frozen=True)
class LifeRules:
    """The numbers of the rules, and what the road says about a place."""

    station_id: int
    place: Place
    merge_m: float = 200.0
    follow_m: float = 50.0
    silence_ms: int = 3000
    repetition_ms: int = 5000
    validity_s: int = 120

    @classmethod
    def of(cls, settings: VehiclesSettings, place: Place) -> LifeRules:
        """The rules as ``trassa.toml`` has them."""
        return cls(
            settings.station_id,
            place,
            settings.merge_m,
            settings.follow_m,
            int(settings.heard_within_s * 1000),
            int(settings.repetition_s * 1000),
            settings.validity_s,
        )


@dataclass(frozen=True)
class Life:
    """Every event that is open, and what must be remembered of those that are not.

    ``events`` are in the order in which they were opened; ``spent`` are sequence numbers not yet free, with the
    moment at which they will be.
    """

    last_sequence: int = -1
    events: tuple[Event, ...] = ()
    spent: tuple[tuple[int, int], ...] = ()
    muted: tuple[Muted, ...] = ()

    def event(self, event_id: str) -> Event | None:
        """An open event by its id."""
        return next((event for event in self.events if event.event_id == event_id), None)


@dataclass(frozen=True)
class Effect:
    """Something to be done or told, about an event as it is now; ``attached`` names the report instead, and where
    our detectors saw it."""

    kind: EffectKind
    event: Event | None = None
    report: str = ""
    carriageway: Carriageway | None = None
    detail: dict[str, float | int | str] = field(default_factory=dict)
