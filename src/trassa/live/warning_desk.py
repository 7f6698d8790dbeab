"""The warning desk: what the vehicles prove becomes DENMs in the tiles of the road, and ends there.

1. COMMIT, then publish: an event's row, its number and its bytes are in the store before the first vehicle hears of it.
2. An end goes out as a retained termination, and only when the broker has that, the tiles are cleared.
3. While the store is down no event begins, changes or ends; those that stand are repeated as they are. Then everything
   is read back, because nobody knows whether the last COMMIT was done.
4. Other originators' DENMs are evidence (see ``report_book``): no warning of ours for the same hazard beside a living
   one of theirs.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from trassa.clock import Clock
from trassa.linear import Carriageway, Extent
from trassa.live.axis_index import AxisIndex
from trassa.live.report_book import Fate, ReportBook, Turn
from trassa.live.roadway import Roadway
from trassa.live.store import events as event_store
from trassa.live.store import reports as report_store
from trassa.live.store.store import Connection, Store, StoreDown
from trassa.live.tile_board import Broker, Notice, Outgoing, TileBoard
from trassa.vehicles.codec import encode
from trassa.vehicles.denm_event import Event
from trassa.vehicles.denm_life import end_by_operator, restored, step
from trassa.vehicles.denm_message import denm_of, termination_of
from trassa.vehicles.denm_state import Effect, Life, LifeRules
from trassa.vehicles.hazards import HazardWatch
from trassa.vehicles.refusal import Refused
from trassa.vehicles.relevance import Relevance
from trassa.vehicles.station_memory import StationColumns

__all__ = ["StepOutcome", "WarningDesk"]

_STORED = ("new", "update", "end", "unconfirmed", "confirmed")
"""Effects that change what the store says; a repetition does not."""


@dataclass(frozen=True)
class StepOutcome:
    """What a call did: messages that the broker confirmed, events and reports that changed, fates of reports."""

    published: tuple[Outgoing, ...] = ()
    changed: tuple[str, ...] = ()
    fates: tuple[Fate, ...] = ()
    store_is_down: bool = False


class WarningDesk:
    """Joins detectors, the life of warnings, the store and the broker. Safe to call from two threads."""

    def __init__(
        self, roadway: Roadway, store: Store, publisher: Broker, clock: Clock, *, axis: AxisIndex | None = None
    ) -> None:
        settings = roadway.settings.vehicles
        self._roadway, self._store, self._clock, self._settings = roadway, store, clock, settings
        self._relevance = Relevance(roadway.road, reach_m=settings.relevance_m, margin_m=settings.tile_margin_m)
        self._rules = LifeRules.of(settings, self._place)
        self._watch = HazardWatch(roadway.quiet_extents, settings)
        self._board = TileBoard(publisher, settings.station_id)
        self._reports = ReportBook(roadway, self._relevance, axis or AxisIndex(roadway.road), self._board)
        self._life = Life()
        self._pdus: dict[str, bytes] = {}
        self._must_reload = True
        self._turn = threading.RLock()

    @property
    def open_events(self) -> tuple[Event, ...]:
        """Our events that are open now."""
        return self._life.events

    @property
    def report_counts(self) -> dict[str, int]:
        """How many reports had which fate since the start."""
        return dict(self._reports.counts)

    def recover(self) -> StepOutcome:
        """Before ``ready``, and after the broker was away: read the store, and make the broker's tiles agree with it.

        :raises StoreDown: the store does not answer.
        :raises NotPublished: the broker does not.
        """
        with self._turn:
            _load_schemas()
            now_ms = self._clock.now_ms()
            self._reload()
            # what ran out while nobody was there ends before it could be put up again
            life, effects = step(self._life, (), (), now_ms, self._rules)
            self._commit(life, effects, now_ms)
            published, cleared = self._board.reconcile()
            self._note_cleared(cleared)
            return StepOutcome(tuple(published), tuple(event.event_id for event in self._life.events))

    def step(self, stations: StationColumns) -> StepOutcome:
        """Look at the stations now, and do what follows."""
        with self._turn:
            now_ms = self._clock.now_ms()
            try:
                if self._must_reload:
                    self._reload()
                sightings, departures = self._watch.look(stations, now_ms, self._life.events)
                life, effects = step(
                    self._life, sightings, departures, now_ms, self._rules, self._reports.heard(now_ms)
                )
                changed = self._commit(life, effects, now_ms)
            except StoreDown:
                return self._without_store(now_ms)
            return self._flushed(changed)

    def take_reports(self, messages: Sequence[tuple[str, bytes]]) -> StepOutcome:
        """Take in DENMs of others as (subject, payload), in this order; on return they are committed.

        :raises StoreDown: none of them is; they must come again.
        """
        with self._turn:
            now_ms = self._clock.now_ms()
            if self._must_reload:
                self._reload()
            try:
                with self._store.transaction() as connection:
                    turn = self._reports.take(connection, [pdu for _, pdu in messages], self._life.events, now_ms)
            except StoreDown:
                self._must_reload = True
                raise
            self._reports.apply(turn, now_ms)
            outcome = self._flushed(turn.changed)
            return replace(outcome, fates=tuple(turn.fates))

    def end_by_operator(self, event_id: str, user: str, note: str = "") -> tuple[bool, str]:
        """End a warning by hand, ours or a reported one, for the reason noted; whether it was done, and why not."""
        with self._turn:
            now_ms = self._clock.now_ms()
            try:
                if self._must_reload:
                    self._reload()
                life, effects = end_by_operator(self._life, event_id, user, now_ms, self._rules, note)
                if effects:
                    self._commit(life, effects, now_ms)
                elif not self._end_report(event_id, user, note, now_ms):
                    return False, f"there is no open event {event_id}"
            except StoreDown as error:
                self._must_reload = True
                return False, error.message
            self._flushed([])
            return True, ""

    def _end_report(self, report_id: str, user: str, note: str, now_ms: int) -> bool:
        because = f"ended by {user}" + (f": {note}" if note else "")
        with self._store.transaction() as connection:
            turn = self._reports.end_by_operator(connection, report_id, because, now_ms)
        if turn is not None:
            self._reports.apply(turn, now_ms)
        return turn is not None

    # ---- commit, then publish

    def _commit(self, life: Life, effects: Sequence[Effect], now_ms: int) -> list[str]:
        """RULE 1: store what changed, then take it over; the ids of what changed."""
        pdus = {e.event.event_id: self._pdu(e) for e in effects if e.event and e.kind in ("new", "update", "end")}
        stored = [effect for effect in effects if effect.kind in _STORED]
        attached = [e for e in effects if e.kind == "attached" and self._reports.is_new_evidence(e.report)]
        turn: Turn | None = None
        if stored or attached or self._reports.has_void(now_ms):
            with self._store.transaction() as connection:
                self._write(connection, stored, pdus, life)
                for effect in attached:
                    self._reports.attach(connection, effect.report, effect.detail)
                turn = self._reports.end_void(connection, now_ms)
        self._life = life
        self._pdus.update(pdus)
        for effect in effects:
            self._tell(effect)
        for effect in attached:
            self._reports.attached(effect.report, effect.carriageway)
        if turn is not None:
            self._reports.apply(turn, now_ms)
        changed = [effect.event.event_id for effect in stored if effect.event]
        return [*changed, *(effect.report for effect in attached), *(turn.changed if turn else ())]

    def _write(self, connection: Connection, effects: Sequence[Effect], pdus: dict[str, bytes], life: Life) -> None:
        if life.last_sequence != self._life.last_sequence:
            event_store.write_sequence(connection, self._settings.station_id, life.last_sequence)
        for effect in effects:
            event = effect.event
            if event is not None:
                pdu = pdus.get(event.event_id) or self._pdus[event.event_id]
                event_store.write_event(connection, event, pdu, self._roadway.text(event.anchor_m))

    def _tell(self, effect: Effect) -> None:
        event = effect.event
        if event is None or effect.kind not in ("new", "update", "repeat", "end"):
            return
        notice = Notice(event.event_id, self._pdus[event.event_id], event.tiles)
        if effect.kind == "end":
            # RULE 2
            self._board.end(notice)
            del self._pdus[event.event_id]
        else:
            self._board.put(notice)

    def _pdu(self, effect: Effect) -> bytes:
        event = effect.event
        assert event is not None
        approach = self._relevance.approach(event.carriageway, event.anchor_m)
        if effect.kind == "end":
            return termination_of(event, approach)
        return denm_of(event, approach, repetition_ms=self._rules.repetition_ms)

    def _flushed(self, changed: Sequence[str]) -> StepOutcome:
        published, cleared = self._board.flush()
        self._note_cleared(cleared)
        return StepOutcome(tuple(published), tuple(dict.fromkeys(changed)))

    def _note_cleared(self, cleared: Sequence[Notice]) -> None:
        """What is not noted, because the store is down, is only done once more after the next start."""
        if not cleared:
            return
        ids = [notice.notice_id for notice in cleared]
        try:
            with self._store.transaction() as connection:
                event_store.mark_cleared(connection, ids)
                report_store.clear_reports(connection, ids)
        except StoreDown:
            self._must_reload = True

    # ---- without the store, and after it

    def _without_store(self, now_ms: int) -> StepOutcome:
        """RULE 3: repeat what stands."""
        self._must_reload = True
        again = []
        for event in self._life.events:
            due = now_ms - event.sent_ms >= self._rules.repetition_ms and now_ms < event.void_ms
            if due:
                self._board.put(Notice(event.event_id, self._pdus[event.event_id], event.tiles))
            again.append(replace(event, sent_ms=now_ms) if due else event)
        self._life = replace(self._life, events=tuple(again))
        published, _ = self._board.flush()
        return StepOutcome(tuple(published), store_is_down=True)

    def _reload(self) -> None:
        """Read events and reports back, and put on the board what the store says."""
        now_ms = self._clock.now_ms()
        with self._store.transaction() as connection:
            stored = event_store.load_life(connection, self._settings.station_id, now_ms)
            self._board.forget()
            self._reports.load(connection, now_ms)
        opened, ended = [found.event for found in stored.open], [found.event for found in stored.ended]
        self._life = restored(opened, stored.last_sequence, ended, now_ms, self._rules)
        self._pdus = {found.event.event_id: found.pdu for found in stored.open}
        for found in stored.open:
            self._board.put(Notice(found.event.event_id, found.pdu, found.event.tiles))
        for found in stored.ended:
            if not found.cleared:
                self._board.end(Notice(found.event.event_id, found.pdu, found.event.tiles))
        self._must_reload = False

    def _place(self, carriageway: Carriageway, anchor_m: float) -> tuple[Extent, tuple[str, ...]]:
        return self._relevance.extent(carriageway, anchor_m), self._relevance.tiles(carriageway, anchor_m)


def _load_schemas() -> None:
    """Compile what messages are written and read with, while nobody waits for a warning."""
    for protocol_version in (1, 2):
        with contextlib.suppress(Refused):
            encode("DENM", {}, protocol_version)
