"""The warning room: the warning desk on a thread of its own, so that COMMIT and PUBACK never hold up the road.

Numbered rules:

1. One thing after the other, ends by operators, then reports, then a look at the stations: what is published keeps the
   order in which it was decided.
2. A look is at a copy of the table of that moment. While the room waits for store or broker no look is queued: the next
   one sees everything that this one would have seen.
3. After the broker was away, what it retains is compared with what should live, before anything else: a kill may have
   undone the clearing of an ended warning.
4. While store or broker are down that is said, and tried again after a second. Reports wait in the inbox; an operator
   is told why his event does not end.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from trassa.errors import TrassaError
from trassa.live.inbox import Delivery, Inbox, first_of
from trassa.vehicles.station_memory import StationColumns

__all__ = ["Outcome", "StationCopy", "WarningNews", "WarningRoom", "Warnings"]

_IDLE_S = 0.05
_AGAIN_S = 1.0
_STALE_S = 1.0
_REPORTS_MAX = 100
"""Reports between two looks: a flood of them must not keep the room from looking."""
_HANGS_AFTER_S = 10.0
_HANGS = "worker: store or broker take a warning and do not answer; warnings wait. Next: trassa doctor"
_Answer = Callable[[Mapping[str, object]], None]


class Outcome(Protocol):
    """What a call of the warning desk did."""

    @property
    def published(self) -> Sequence[tuple[str, bytes, bool]]:
        """Messages that the broker confirmed: topic, payload, retained."""

    @property
    def changed(self) -> Sequence[str]:
        """Events and reports that changed."""

    @property
    def fates(self) -> Sequence[str]:
        """What became of each report."""

    @property
    def store_is_down(self) -> bool:
        """Whether nothing could begin, change or end."""


class Warnings(Protocol):
    """The warning desk as the room needs it."""

    def recover(self) -> Outcome:
        """Compare what the broker retains with what should live."""

    def step(self, stations: StationColumns) -> Outcome:
        """Look at the stations, publish what must be."""

    def take_reports(self, messages: Sequence[tuple[str, bytes]]) -> Outcome:
        """Take in inbound DENM; returns after COMMIT."""

    def end_by_operator(self, event_id: str, user: str, note: str = "") -> tuple[bool, str]:
        """End an event; whether it was done, and why not."""


class WarningNews(NamedTuple):
    """What happened in the room: reports dealt with for the first time, refused among them, up to which sequence of
    their stream, and what changed."""

    taken: int = 0
    refused: int = 0
    up_to: int = 0
    changed: tuple[str, ...] = ()


class StationCopy(NamedTuple):
    """The columns of the station table that a look reads, as they were at one moment."""

    station_id: npt.NDArray[np.uint32]
    seen_ms: npt.NDArray[np.int64]
    carriageway: npt.NDArray[np.int8]
    measure_m: npt.NDArray[np.float64]
    offset_m: npt.NDArray[np.float32]
    speed_mps: npt.NDArray[np.float32]
    station_type: npt.NDArray[np.uint8]
    standing_since_ms: npt.NDArray[np.int64]

    @classmethod
    def of(cls, stations: StationColumns) -> StationCopy:
        """Copy a table."""
        return cls(*(getattr(stations, name).copy() for name in cls._fields))

    def rows_of(self, station_id: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """The rows of stations, -1 for those that are not here. Shape of the input."""
        if not len(self.station_id):
            return np.full(len(station_id), -1, dtype=np.int64)
        order = np.argsort(self.station_id)
        place = np.searchsorted(self.station_id, station_id, sorter=order)
        rows = order[np.minimum(place, len(order) - 1)]
        return np.where(self.station_id[rows] == station_id, rows, -1).astype(np.int64)


class WarningRoom:
    """Works by itself on a thread (``open``), or when told (``look``, ``report``, ``compare``)."""

    def __init__(self, desk: Warnings, inbox: Inbox, counted: int = 0) -> None:
        """``counted``: up to which sequence reports are counted already."""
        self._desk = desk
        self._counted = counted
        self._inbox = inbox
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="warnings", daemon=True)
        self._state: StationCopy | None = None
        self._is_busy = False
        self._begun_s = 0.0
        self._must_compare = False
        self._ends: deque[tuple[str, str, str, _Answer]] = deque()
        self._not_before_s = 0.0
        self.news: SimpleQueue[WarningNews] = SimpleQueue()
        self._trouble = ""
        self.failure: BaseException | None = None
        """What ended the thread, where it ended by itself."""

    @property
    def trouble(self) -> str:
        """What store or broker said last, while it keeps the room from working."""
        return _HANGS if self._is_busy and time.monotonic() - self._begun_s > _HANGS_AFTER_S else self._trouble

    def open(self) -> None:
        """Work on a thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread after the work at hand."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(4.0)

    def offer(self, stations: StationColumns) -> None:
        """Have the stations looked at, where the room is free."""
        if not self._is_busy and self._state is None:  # RULE 2
            self._state = StationCopy.of(stations)
            self._wake.set()

    def broker_returned(self) -> None:
        """Have what the broker retains compared."""
        self._must_compare = True
        self._wake.set()

    def end(self, event_id: str, user: str, note: str, answer: _Answer) -> None:
        """End an event for an operator, for the reason noted; ``answer`` is called when it is done, or cannot be."""
        self._ends.append((event_id, user, note, answer))
        if self._thread.is_alive():
            self._wake.set()
        else:
            self._end_next()

    # ---- when told, and by the thread

    def look(self, stations: StationColumns) -> Outcome:
        """Let the desk look; what stands is repeated even while the store is down."""
        outcome = self._desk.step(stations)
        self._tell(outcome)
        if outcome.store_is_down:
            raise TrassaError("worker: the store does not answer; warnings neither begin nor end", cure="trassa doctor")
        return outcome

    def report(self, deliveries: Sequence[Delivery]) -> Outcome:
        """Hand reports to the desk; acknowledge after its COMMIT."""
        outcome = self._desk.take_reports([(d.subject, d.payload) for d in deliveries])
        self._inbox.acknowledge(deliveries)
        first = first_of(deliveries, self._counted)
        self._counted = max(self._counted, *(delivery.sequence for delivery in deliveries))
        refused = min(first, sum(fate == "refused" for fate in outcome.fates))
        self._tell(outcome, first, refused)
        return outcome

    def compare(self) -> Sequence[tuple[str, bytes, bool]]:
        """RULE 3, where the broker was away; what was published for it."""
        if not self._must_compare:
            return ()
        self._must_compare = False
        try:
            return self._desk.recover().published
        except TrassaError:
            self._must_compare = True
            raise

    def _tell(self, outcome: Outcome, taken: int = 0, refused: int = 0) -> None:
        if taken or outcome.changed:
            self.news.put(WarningNews(taken, refused, self._counted, tuple(outcome.changed)))

    # ---- the thread

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._wake.wait(_IDLE_S)
                self._wake.clear()
                self._turn()
        except BaseException as error:
            self.failure = error

    def _turn(self) -> None:
        """RULE 1."""
        self._begun_s, self._is_busy = time.monotonic(), True
        try:
            while self._ends:
                self._end_next()
            if time.monotonic() < self._not_before_s:
                return
            self._work()
            self._trouble = ""
        except TrassaError as error:  # RULE 4
            self._trouble = str(error)
            self._not_before_s = time.monotonic() + _AGAIN_S
        finally:
            self._state, self._is_busy = None, False

    def _work(self) -> None:
        begun_s, late = time.monotonic(), None
        try:
            self.compare()
        except TrassaError as error:  # without the store what stands is still repeated, by the look
            late = error
        if deliveries := self._inbox.take("denm", _REPORTS_MAX):
            try:
                self.report(deliveries)
            except TrassaError:
                self._inbox.give_back("denm", deliveries)
                raise
        if self._state is not None and time.monotonic() - begun_s < _STALE_S:
            self.look(self._state)
        if late is not None:
            raise late

    def _end_next(self) -> None:
        event_id, user, note, answer = self._ends.popleft()
        try:
            ended, reason = self._desk.end_by_operator(event_id, user, note)
        except TrassaError as error:
            ended, reason = False, str(error)
        answer({"ok": ended, "reason": reason})
