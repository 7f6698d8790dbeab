"""The life of a warning: from the first sighting to its end, as a pure function of state, evidence and time.

::

                  sighting                 sighting, silence over
        (nothing) ────────► open ◄──────────────────────────── unconfirmed
                             │ ╲          silence               ▲      │
                             │  ╰───────────────────────────────╯      │
                             ╰──► ended ◄────────────────────────────── ╯
               departures, operator, absorbed          departures, operator, validity

Rules (numbers as at the branches)::

    L1  key         a sighting of the same cause within merge_m on the same carriageway belongs to the open event,
                    else it opens one with an actionID of its own
    L2  number      16-bit sequence numbers in turn; one is free again when nobody can still hold its last message valid
    L3  version     only an update changes referenceTime, and it always grows; a repetition is the same message again
    L4  update      where the queue's end has moved follow_m, or when half of the validity is over and the hazard is
                    still seen; detectionTime moves with it, and validity counts from there
    L5  silence     no sighting for heard_within_s (a vehicle is sighted that long after its last message): unconfirmed;
                    it is repeated, but not extended
    L6  departure   positive evidence ends an event: every vehicle that proved a stationary one, half of those that
                    proved a queue
    L7  queue       stationary vehicles in or near an open queue belong to it, but those that founded an event of
                    their own before keep it; when a queue has ended, its last vehicles have time to move off
    L8  validity    an event that nobody confirms ends with its validity
    L9  operator    an event ended by hand does not come back for the same vehicles while they still stand there
    L10 absorbed    an open event of the same cause that turns out to be part of another ends
    L11 report      where a live report of somebody else, heard of late, tells of the same hazard, evidence goes to it;
                    no own event
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from trassa.vehicles.denm_event import Event, HeardReport, Muted
from trassa.vehicles.denm_state import Effect, EffectKind, Life, LifeRules
from trassa.vehicles.evidence import QUEUE_END, STATIONARY_VEHICLE, Departure, Sighting, gap_m, joined_queues
from trassa.vehicles.relevance import upstream_sign

__all__ = ["end_by_operator", "restored", "step"]

MODULUS = 65_536
_SHRINK_AFTER_MS = 10_000
"""An event follows a growing queue at once, a shrinking one not oftener than this: its end flickers."""
_MOVE_OFF_MS = 20_000


def step(
    life: Life,
    sightings: Sequence[Sighting],
    departures: Sequence[Departure],
    now_ms: int,
    rules: LifeRules,
    reports: Sequence[HeardReport] = (),
) -> tuple[Life, list[Effect]]:
    """The life a moment later, and what follows from it, in a fixed order."""
    turn = _Turn(life, now_ms, rules, reports)
    # RULE L7: queues first, so that a vehicle in a queue finds it open
    for sighting in sorted(joined_queues(sightings, rules.merge_m), key=_order):
        turn.see(sighting)
    for departure in departures:
        turn.depart(departure)
    turn.absorb()
    turn.pass_time()
    return turn.result()


def end_by_operator(
    life: Life, event_id: str, user: str, now_ms: int, rules: LifeRules, note: str = ""
) -> tuple[Life, list[Effect]]:
    """End an event by hand, with a note of why; without effects where it is not open."""
    turn = _Turn(life, now_ms, rules, ())
    event = life.event(event_id)
    if event is not None:
        # RULE L9
        turn.mute(event)
        turn.end(event, "operator", by=user, note=note)
    return turn.result()


def restored(
    events: Iterable[Event], last_sequence: int, ended: Iterable[Event], now_ms: int, rules: LifeRules
) -> Life:
    """The life after a restart: open events are taken as just confirmed, ended ones keep their numbers and silence."""
    quiet_ms = rules.validity_s * 1000
    ended = list(ended)
    spent = sorted((event.sequence, event.void_ms) for event in ended if event.void_ms > now_ms)
    muted = [Muted.of(event, now_ms + quiet_ms) for event in ended if event.ended_because == "operator"]
    opened = sorted(events, key=lambda event: (event.opened_ms, event.sequence))
    alive = tuple(replace(event, confirmed_ms=now_ms, sent_ms=now_ms) for event in opened)
    return Life(last_sequence, alive, tuple(spent), tuple(muted))


def _order(sighting: Sighting) -> tuple[bool, str, float]:
    return sighting.cause_code != QUEUE_END, sighting.carriageway, sighting.anchor_m


class _Turn:
    """One step under way."""

    def __init__(self, life: Life, now_ms: int, rules: LifeRules, reports: Sequence[HeardReport]) -> None:
        self._now_ms, self._rules, self._reports = now_ms, rules, reports
        self._events = {event.event_id: event for event in life.events}
        self._last_sequence = life.last_sequence
        self._spent = {number: free_ms for number, free_ms in life.spent if free_ms > now_ms}
        self._muted = [muted for muted in life.muted if muted.until_ms > now_ms]
        self._effects: list[Effect] = []

    def result(self) -> tuple[Life, list[Effect]]:
        """The new state and the effects."""
        life = Life(
            self._last_sequence,
            tuple(self._events.values()),
            tuple(sorted(self._spent.items())),
            tuple(self._muted),
        )
        return life, self._effects

    # ---- evidence

    def see(self, sighting: Sighting) -> None:
        """A rule holds: confirm the event it belongs to, or open one."""
        if self._is_muted(sighting):
            return
        if sighting.cause_code == STATIONARY_VEHICLE and self._belongs_to_queue(sighting):
            self._keep_own(sighting)
            return
        event = self._match(sighting)
        if event is not None:
            self._confirm(event, sighting)
            return
        # RULE L11
        report = next((r for r in self._reports if r.tells_of(sighting, self._rules.merge_m)), None)
        if report is not None:
            told = Effect("attached", None, report.report_id, sighting.carriageway, dict(sighting.detail))
            self._effects.append(told)
        else:
            self._open(sighting)

    def depart(self, departure: Departure) -> None:
        """Vehicles that proved an event are gone from it."""
        event = self._events.get(departure.event_id)
        if event is None:
            return
        departed = frozenset(event.departed) | frozenset(departure.stations) & frozenset(event.witnesses)
        event = self._put(replace(event, departed=tuple(sorted(departed))))
        # RULE L6
        if event.cause_code == QUEUE_END:
            if event.confirmed_ms < self._now_ms and 2 * len(event.departed) >= len(event.witnesses):
                self.end(event, "queue dissolved")
        elif len(event.departed) == len(event.witnesses):
            self.end(event, "seen moving")

    def absorb(self) -> None:
        """End what turned out to be part of another event of its cause: the one that traffic meets first stays."""
        # RULE L10
        queues = [event for event in self._events.values() if event.cause_code == QUEUE_END]
        for event in queues:
            for other in queues:
                if other.event_id in self._events and other is not event and event.is_within(other, self._now_ms):
                    self.end(event, f"part of {other.event_id}")
                    break

    def pass_time(self) -> None:
        """Silence, the end of validity and repetition."""
        for event in list(self._events.values()):
            # RULE L8
            if self._now_ms >= event.void_ms:
                self.end(event, "validity over")
                continue
            # RULE L5
            if event.state == "open" and self._now_ms - event.confirmed_ms > self._rules.silence_ms:
                event = self._put(replace(event, state="unconfirmed"))
                self._effects.append(Effect("unconfirmed", event))
            # RULE L3
            if self._now_ms - event.sent_ms >= self._rules.repetition_ms:
                self._say("repeat", replace(event, sent_ms=self._now_ms))

    # ---- transitions

    def end(self, event: Event, because: str, by: str = "", note: str = "") -> None:
        """The last version of an event: its number stays taken until nobody can hold any version valid."""
        last = replace(
            event,
            state="ended",
            detection_ms=self._now_ms,
            reference_ms=max(self._now_ms, event.reference_ms + 1),
            ended_ms=self._now_ms,
            ended_because=because,
            ended_by=by,
            ended_note=note,
        )
        if event.cause_code == QUEUE_END:
            # RULE L7
            self._muted.append(Muted.after_queue(event, self._now_ms + _MOVE_OFF_MS))
        del self._events[event.event_id]
        self._spent[event.sequence] = max(event.void_ms, last.void_ms)
        self._effects.append(Effect("end", last))

    def mute(self, event: Event) -> None:
        """Let the same vehicles be overlooked as long as they stand there."""
        self._muted.append(Muted.of(event, self._now_ms + self._rules.validity_s * 1000))

    def _open(self, sighting: Sighting) -> None:
        # RULE L2
        sequence = self._free_sequence()
        if sequence is None:
            return
        self._last_sequence = sequence
        extent, tiles = self._rules.place(sighting.carriageway, sighting.anchor_m)
        event = Event(
            self._rules.station_id, sequence, sighting.cause_code, sighting.sub_cause_code, sighting.carriageway,
            sighting.anchor_m, sighting.head_m, "open", self._now_ms, self._now_ms, self._now_ms,
            self._rules.validity_s, sighting.rule, dict(sighting.detail), sighting.stations, (),
            extent.start_m, extent.end_m, tiles, self._now_ms, self._now_ms, founders=sighting.stations,
        )  # fmt: skip
        self._say("new", event)

    def _confirm(self, event: Event, sighting: Sighting) -> None:
        """The hazard is still there: look whether the vehicles must be told something new."""
        was_silent = event.state == "unconfirmed"
        event = event.confirmed_by(sighting, self._now_ms)
        # RULE L4
        moved = event.cause_code == QUEUE_END and self._has_moved(event, sighting)
        if moved:
            extent, tiles = self._rules.place(event.carriageway, sighting.anchor_m)
            # tiles only gain: a message left behind in a tile could not be ended there
            tiles = tuple(sorted({*event.tiles, *tiles}))
            event = replace(event, anchor_m=sighting.anchor_m, start_m=extent.start_m, end_m=extent.end_m, tiles=tiles)
        if moved or self._now_ms - event.detection_ms >= event.validity_s * 500:
            self._say("update", event.renewed(self._now_ms))
        else:
            self._put(event)
            if was_silent:
                self._effects.append(Effect("confirmed", event))

    def _keep_own(self, sighting: Sighting) -> None:
        """Stationary vehicles in a queue: those with an event of their own confirm it, the others add nothing."""
        # RULE L7
        for event in list(self._events.values()):
            founders = event.founders or event.witnesses
            own = tuple(sorted(set(founders) & set(sighting.stations)))
            if event.cause_code == STATIONARY_VEHICLE and event.carriageway == sighting.carriageway and own:
                # who stood near it before there was a queue is of the queue now
                self._confirm(replace(event, witnesses=founders), replace(sighting, stations=own))

    # ---- questions

    def _has_moved(self, event: Event, sighting: Sighting) -> bool:
        """Whether the end of a queue is elsewhere by more than positions scatter."""
        grown_m = (sighting.anchor_m - event.anchor_m) * upstream_sign(event.carriageway)
        settled = self._now_ms - event.detection_ms >= _SHRINK_AFTER_MS
        return grown_m >= self._rules.follow_m or (settled and -grown_m >= self._rules.follow_m)

    def _match(self, sighting: Sighting) -> Event | None:
        """The open event that a sighting belongs to: the nearest, of equals the oldest."""
        # RULE L1
        ends = sighting.anchor_m, sighting.head_m
        low_m, high_m = min(ends) - self._rules.merge_m, max(ends) + self._rules.merge_m
        near = [
            (event.distance_m(sighting), number, event)
            for number, event in enumerate(self._events.values())
            if event.cause_code == sighting.cause_code
            and event.carriageway == sighting.carriageway
            and not (event.anchor_m < low_m and event.head_m < low_m)  # most events are far: these are cheap to say
            and not (event.anchor_m > high_m and event.head_m > high_m)
        ]
        distance_m, _, event = min(near, key=lambda found: found[:2], default=(self._rules.merge_m + 1.0, 0, None))
        return event if distance_m <= self._rules.merge_m else None

    def _belongs_to_queue(self, sighting: Sighting) -> bool:
        return any(
            event.cause_code == QUEUE_END
            and event.carriageway == sighting.carriageway
            and gap_m((sighting.anchor_m, sighting.head_m), (event.anchor_m, event.head_m)) <= self._rules.merge_m
            for event in self._events.values()
        )

    def _is_muted(self, sighting: Sighting) -> bool:
        # RULE L9
        for number, muted in enumerate(self._muted):
            if muted.covers(sighting, self._rules.merge_m):
                if muted.renews:
                    self._muted[number] = replace(muted, until_ms=self._now_ms + self._rules.validity_s * 1000)
                return True
        return False

    def _free_sequence(self) -> int | None:
        taken = {event.sequence for event in self._events.values()} | set(self._spent)
        for ahead in range(1, MODULUS + 1):
            number = (self._last_sequence + ahead) % MODULUS
            if number not in taken:
                return number
        return None

    # ---- state

    def _put(self, event: Event) -> Event:
        self._events[event.event_id] = event
        return event

    def _say(self, kind: EffectKind, event: Event) -> None:
        self._effects.append(Effect(kind, self._put(event)))
