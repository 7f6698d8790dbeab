"""The hot loop: every few hundredths of a second, what arrived becomes state, warnings and frames.

One turn, on the platform's one clock: read the socket, take in the CAMs, answer who asks, take in reports, let the
warning desk look, tell the web. Nothing here waits for vehicles; the desk waits for COMMIT and PUBACK when it warns.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trassa.clock import Clock
from trassa.errors import TrassaError
from trassa.live.answers import Answers
from trassa.live.archive import Archive
from trassa.live.counts import Counts
from trassa.live.frame import frame_of
from trassa.live.inbox import Delivery, Inbox
from trassa.live.ingest import Ingest
from trassa.live.raw_reader import RawBatch, RawReader
from trassa.live.subjects import ASK, FRAME, NOTICE, STEP_TOPIC, subject_of
from trassa.live.toll_room import News, TollRoom
from trassa.vehicles.stations import Stations

__all__ = ["SUBJECTS", "HotLoop", "Outcome", "Rooms", "Warnings"]

SUBJECTS = ("cits.in.cam.>", f"{ASK}.>", subject_of(STEP_TOPIC))
"""What the worker reads on its raw connection; a message's subscription is the place in this list."""
CAM, QUESTION, STEP = range(len(SUBJECTS))

_LOOK_S = 0.1
_FRAME_S = 0.25
_SECOND_S = 1.0
_AGAIN_S = 1.0
_LATE_S = 1.0
_READS_MAX = 8


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
    """The warning desk as the loop needs it."""

    def step(self, stations: Stations) -> Outcome:
        """Look at the stations, publish what must be."""

    def take_reports(self, messages: Sequence[tuple[str, bytes]]) -> Outcome:
        """Take in inbound DENM; returns after COMMIT."""

    def end_by_operator(self, event_id: str, user: str) -> tuple[bool, str]:
        """End an event; whether it was done, and why not."""


@dataclass(frozen=True)
class Rooms:
    """What a loop works with."""

    reader: RawReader
    ingest: Ingest
    inbox: Inbox
    warnings: Warnings
    tolls: TollRoom
    counts: Counts
    clock: Clock
    simulated: bool
    window_ms: int = 20
    """How long messages are gathered before they are looked at."""
    archive: Archive | None = None

    @property
    def stations(self) -> Stations:
        """The table of stations."""
        return self.ingest.stations


class _Every:
    """True when called a period after it was true last."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._next_s = 0.0

    def __call__(self) -> bool:
        now_s = time.monotonic()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._period_s
        return True


class HotLoop:
    """The loop on UTC."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._window_s = rooms.window_ms / 1000.0
        self._answers = Answers(rooms.stations, rooms.warnings, rooms.counts, self._more_counts)
        self._look, self._draw = _Every(_LOOK_S), _Every(_FRAME_S)
        self._second = _Every(_SECOND_S)
        self._not_before_s = 0.0
        self._reading_s = 0.0
        self.trouble = ""

    def run(self, stop: threading.Event) -> None:
        """Turn until ``stop`` is set."""
        self._rooms.tolls.open()
        while not stop.is_set():
            begun_s = time.monotonic()
            self.turn()
            left_s = self._window_s - (time.monotonic() - begun_s)
            if left_s > 0.0:
                stop.wait(left_s)
        self._rooms.tolls.close()
        self._rooms.counts.save()

    def turn(self) -> None:
        """Once round."""
        heard = self._read()
        self._take_reports()
        if heard or self._look():
            self._attempt(self._warn)
        self._tell()

    def _read(self) -> bool:
        """Read until the socket is empty, a few batches at most; whether there was a CAM."""
        heard, rooms = False, self._rooms
        behind, begun_s = self._reading_s > _LATE_S, time.monotonic()
        for _ in range(_READS_MAX):
            batch = rooms.reader.read(0.0)
            cams = batch.subscription == CAM
            if cams.any():
                heard = True
                self._take_cams(batch, np.flatnonzero(cams), behind=behind or batch.more)
            for i in np.flatnonzero(~cams):
                self._take_other(batch, int(i))
            if not batch.more:
                break
        self._reading_s = time.monotonic() - begun_s
        return heard

    def _take_cams(self, batch: RawBatch, rows: npt.NDArray[np.intp], *, behind: bool) -> None:
        start, size, now_ms = batch.start[rows], batch.size[rows], self._rooms.clock.now_ms()
        seen = self._rooms.ingest.take(batch.buffer, start, size, now_ms, behind=behind)
        archive = self._rooms.archive
        if archive is not None:
            archive.append_raw(now_ms, batch.buffer, batch.subject_start[rows], batch.subject_size[rows], start, size)
            on = np.flatnonzero(seen.carriageway >= 0)
            speed_mps = seen.speed_mps[on].astype(np.float32)
            who, where = seen.station_id[on], seen.carriageway[on]
            archive.append_places(now_ms, seen.time_ms[on], who, where, seen.measure_m[on], speed_mps)

    def _take_other(self, batch: RawBatch, i: int) -> None:
        if batch.subscription[i] == QUESTION and batch.reply_size[i]:
            self._rooms.reader.publish(batch.reply(i), self._answers.answer(batch, i))

    def _take_reports(self) -> None:
        if not self._rooms.inbox.waiting("denm") or time.monotonic() < self._not_before_s:
            return
        deliveries = self._rooms.inbox.take("denm")
        if not self._attempt(lambda: self._report(deliveries)):
            self._rooms.inbox.give_back("denm", deliveries)

    def _report(self, deliveries: Sequence[Delivery]) -> Outcome:
        """Hand reports to the desk; acknowledge after its COMMIT."""
        outcome = self._rooms.warnings.take_reports([(d.subject, d.payload) for d in deliveries])
        self._rooms.inbox.acknowledge(deliveries)
        first = sum(not delivery.again for delivery in deliveries)
        refused = min(first, sum(fate == "refused" for fate in outcome.fates))
        self._rooms.counts.processed["denm"] += first - refused
        if refused:
            self._rooms.counts.refused["denm"] += refused
        self._notice_events(outcome)
        return outcome

    def _warn(self) -> Outcome:
        """Let the desk look; what stands is repeated even while the store is down."""
        outcome = self._rooms.warnings.step(self._rooms.stations)
        self._notice_events(outcome)
        if outcome.store_is_down:
            raise TrassaError("worker: the store does not answer; warnings neither begin nor end", cure="trassa doctor")
        return outcome

    def _notice_events(self, outcome: Outcome) -> None:
        if outcome.changed:
            self._notice("events", changed=list(outcome.changed))

    def _attempt(self, work: Callable[[], object]) -> bool:
        """Do what needs store and broker; where one is down, say so and leave it alone for a second."""
        if time.monotonic() < self._not_before_s:
            return False
        try:
            work()
        except TrassaError as error:
            self._not_before_s = time.monotonic() + _AGAIN_S
            self._say_trouble(str(error))
            return False
        self.trouble = ""
        return True

    def _tell(self) -> None:
        rooms = self._rooms
        if rooms.tolls.failure is not None:  # a worker without it would look well and lose tolls: better a new one
            raise rooms.tolls.failure
        if not rooms.inbox.is_alive:
            raise RuntimeError(f"the inbox has ended: {rooms.inbox.error}")
        while not rooms.tolls.news.empty():
            self._hear(rooms.tolls.news.get())
        if self._draw():
            frame = frame_of(rooms.stations, rooms.clock.now_ms(), simulated=rooms.simulated)
            rooms.reader.publish(FRAME, frame)
        if self._second():
            rooms.stations.expire(rooms.clock.now_ms())
            rooms.counts.sample(rooms.inbox.last_sequence)
            rooms.counts.save()
            if rooms.archive is not None:
                rooms.archive.tend(rooms.clock.now_ms())

    def _hear(self, news: News) -> None:
        self._rooms.counts.processed["toll"] += news.taken - news.refused
        if news.refused:
            self._rooms.counts.refused["toll"] += news.refused
        if news.charges:
            self._notice("charges")
        if news.trouble:
            self._say_trouble(news.trouble)

    def _notice(self, kind: str, **more: object) -> None:
        self._rooms.reader.publish(NOTICE, json.dumps({"type": kind, **more}, ensure_ascii=False).encode())

    def _say_trouble(self, text: str) -> None:
        if text != self.trouble:
            self.trouble = text
            print(text, flush=True)  # noqa: T201 - a child's standard output is its log
            self._notice("trouble", error=text)

    def _more_counts(self) -> dict[str, object]:
        reader, archive = self._rooms.reader, self._rooms.archive
        told: dict[str, object] = {"trouble": self.trouble, "reconnects": reader.reconnects}
        return told | ({"archive": asdict(archive.counts)} if archive is not None else {})
