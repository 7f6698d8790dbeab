"""An event of our own, the report of somebody else that may stand in its place, and what an operator has silenced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from trassa.linear import Carriageway
from trassa.vehicles.evidence import QUEUE_END, STATIONARY_VEHICLE, Sighting, gap_m

__all__ = ["Event", "EventState", "HeardReport", "Muted"]

EventState = Literal["open", "unconfirmed", "ended"]


@dataclass(frozen=True)
class Event:
    """One hazard that the road warns of, as it is now.

    ``anchor_m`` is where traffic meets it, ``head_m`` its other end as last seen. ``detection_ms`` and
    ``reference_ms`` are those of the current version, ``opened_ms`` of the first. ``witnesses`` are the stations that
    prove it, ``departed`` those of them that were seen gone since, ``founders`` those that proved it first (empty where
    that was forgotten). ``ended_note`` is what the operator who ended it said of it.
    """

    station_id: int
    sequence: int
    cause_code: int
    sub_cause_code: int
    carriageway: Carriageway
    anchor_m: float
    head_m: float
    state: EventState
    opened_ms: int
    detection_ms: int
    reference_ms: int
    validity_s: int
    rule: str
    evidence: Mapping[str, float | int | str]
    witnesses: tuple[int, ...]
    departed: tuple[int, ...]
    start_m: float
    end_m: float
    tiles: tuple[str, ...]
    confirmed_ms: int
    sent_ms: int
    ended_ms: int | None = None
    ended_because: str = ""
    ended_by: str = ""
    ended_note: str = ""
    founders: tuple[int, ...] = ()

    @property
    def event_id(self) -> str:
        """``<originatingStationId>-<sequenceNumber>``."""
        return f"{self.station_id}-{self.sequence}"

    @property
    def void_ms(self) -> int:
        """From when on nobody holds the current version valid."""
        return self.detection_ms + self.validity_s * 1000

    def distance_m(self, sighting: Sighting) -> float:
        """How far a sighting lies from the hazard, 0 where they overlap."""
        return gap_m((self.anchor_m, self.head_m), (sighting.anchor_m, sighting.head_m))

    def confirmed_by(self, sighting: Sighting, now_ms: int) -> Event:
        """The event with what was seen of it just now; where it is anchored does not change."""
        is_queue = self.cause_code == QUEUE_END
        stayed = () if is_queue else set(self.witnesses) - set(self.departed)
        return replace(
            self,
            state="open",
            head_m=sighting.head_m if is_queue else self.head_m,
            witnesses=tuple(sorted({*stayed, *sighting.stations})),
            departed=(),
            evidence=dict(sighting.detail),
            confirmed_ms=now_ms,
        )

    def renewed(self, now_ms: int) -> Event:
        """The next version: a later referenceTime, and validity from now on."""
        return replace(self, detection_ms=now_ms, reference_ms=max(now_ms, self.reference_ms + 1), sent_ms=now_ms)

    def is_within(self, other: Event, now_ms: int) -> bool:
        """Whether this event's anchor lies in another's queue, seen just now, that traffic meets first."""
        return (
            self.cause_code == other.cause_code == QUEUE_END
            and self.carriageway == other.carriageway
            and other.confirmed_ms == now_ms
            and self.confirmed_ms < now_ms
            and gap_m((self.anchor_m, self.anchor_m), (other.anchor_m, other.head_m)) == 0.0
        )


@dataclass(frozen=True)
class HeardReport:
    """A live DENM of another originator, where it was located."""

    report_id: str
    cause_code: int
    carriageway: Carriageway | None
    measure_m: float

    def tells_of(self, sighting: Sighting, within_m: float) -> bool:
        """Whether it is about the same hazard: same cause, same carriageway (if that is known), near enough."""
        return (
            self.cause_code == sighting.cause_code
            and self.carriageway in (None, sighting.carriageway)
            and gap_m((self.measure_m, self.measure_m), (sighting.anchor_m, sighting.head_m)) <= within_m
        )


@dataclass(frozen=True)
class Muted:
    """A place where an event has ended: the same vehicles do not open one again for a while.

    ``renews``: the while begins anew as long as they are seen standing there.
    """

    cause_code: int
    carriageway: Carriageway
    anchor_m: float
    head_m: float
    stations: tuple[int, ...]
    until_ms: int
    renews: bool = False

    @classmethod
    def of(cls, event: Event, until_ms: int) -> Muted:
        """What an event ended by hand leaves silenced; a queue changes too much to stay silenced for long."""
        place = (event.cause_code, event.carriageway, event.anchor_m, event.head_m)
        return cls(*place, event.witnesses, until_ms, renews=event.cause_code != QUEUE_END)

    @classmethod
    def after_queue(cls, event: Event, until_ms: int) -> Muted:
        """What the end of a queue leaves silenced: its vehicles are about to move, not stationary."""
        return cls(STATIONARY_VEHICLE, event.carriageway, event.anchor_m, event.head_m, event.witnesses, until_ms)

    def covers(self, sighting: Sighting, within_m: float) -> bool:
        """Whether a sighting is of the same hazard: a vehicle that is new to it is a reason to warn."""
        if (sighting.cause_code, sighting.carriageway) != (self.cause_code, self.carriageway):
            return False
        if gap_m((self.anchor_m, self.head_m), (sighting.anchor_m, sighting.head_m)) > within_m:
            return False
        known = len(set(self.stations) & set(sighting.stations))
        return 2 * known >= len(sighting.stations) if self.cause_code == QUEUE_END else known == len(sighting.stations)
