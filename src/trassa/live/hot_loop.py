"""The hot loop: every few hundredths of a second, what arrived becomes state, warnings and frames.

One turn, on the platform's one clock: read the socket, take in the CAMs, answer who asks, offer the stations to the
warning room, tell the web. Nothing here waits for anybody: COMMIT and PUBACK are waited for in the rooms behind it.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from trassa.clock import Clock
from trassa.live.answers import Answers
from trassa.live.archive import Archive
from trassa.live.counts import Counts
from trassa.live.frame import frame_of
from trassa.live.inbox import Inbox
from trassa.live.ingest import Ingest
from trassa.live.raw_reader import RawBatch, RawReader
from trassa.live.subjects import ASK, FRAME, NOTICE, STEP_TOPIC, subject_of
from trassa.live.toll_room import News, TollRoom
from trassa.live.warning_room import WarningRoom, Warnings
from trassa.vehicles.stations import Stations

__all__ = ["SUBJECTS", "HotLoop", "Rooms"]

SUBJECTS = ("cits.in.cam.>", f"{ASK}.>", subject_of(STEP_TOPIC))
"""What the worker reads on its raw connection; a message's subscription is the place in this list."""
CAM, QUESTION, STEP = range(len(SUBJECTS))

_LOOK_S = 0.1
_FRAME_S = 0.25
_SECOND_S = 1.0
_LATE_S = 1.0
_READS_MAX = 8
_SECONDS_REMEMBERED = 60
_NEARLY_FULL_PERCENT = 50.0
_NEARLY_FULL = (
    "broker: reports and own fixes that nobody could commit take half of the room for them; the oldest are lost when it"
    " is full. Next: bring the store back, or raise [live] max_kept_mb"
)


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
        self._warnings = WarningRoom(rooms.warnings, rooms.inbox, rooms.counts.counted["denm"])
        self._answers = Answers(rooms.stations, rooms.counts, self._more_counts)
        self._look, self._draw = _Every(_LOOK_S), _Every(_FRAME_S)
        self._second = _Every(_SECOND_S)
        self._reading_s = 0.0
        self._reconnects = rooms.reader.reconnects
        self._late: deque[tuple[str, Mapping[str, object]]] = deque()
        self._told_trouble = ""
        self._slowest_s: deque[float] = deque([0.0], maxlen=_SECONDS_REMEMBERED)
        self.trouble = ""

    def run(self, stop: threading.Event) -> None:
        """Turn until ``stop`` is set."""
        self._rooms.tolls.open()
        self._warnings.open()
        begun_s = time.monotonic()
        while not stop.is_set():
            self.turn()
            left_s = self._window_s - (time.monotonic() - begun_s)
            if left_s > 0.0:
                stop.wait(left_s)
            ended_s = time.monotonic()
            self._slowest_s[-1] = max(self._slowest_s[-1], ended_s - begun_s)
            begun_s = ended_s
        self._warnings.close()
        self._rooms.tolls.close()
        self._hear_rooms()
        self._rooms.counts.save()

    def turn(self) -> None:
        """Once round."""
        heard = self._read()
        if heard or self._look():
            self._warnings.offer(self._rooms.stations)
        if self._rooms.reader.reconnects != self._reconnects:
            self._reconnects = self._rooms.reader.reconnects
            self._warnings.broker_returned()
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
        reply = batch.reply(i)
        if batch.subscription[i] != QUESTION or not reply:
            return
        asked = self._answers.asked(batch, i)
        if asked is not None and asked.question == "end_event":
            event_id, user, note = (str(asked.body.get(name, "")) for name in ("event_id", "user", "reason"))
            self._warnings.end(event_id, user, note, lambda said: self._late.append((reply, said)))
        else:
            self._answer(reply, self._answers.answer(asked))

    def _answer(self, reply: str, said: Mapping[str, object]) -> None:
        self._rooms.reader.publish(reply, json.dumps(said, ensure_ascii=False).encode())

    def _tell(self) -> None:
        rooms = self._rooms
        for failure in (rooms.tolls.failure, self._warnings.failure):
            if (
                failure is not None
            ):  # a worker without a room would look well and lose tolls or warnings: better a new one
                raise failure
        if not rooms.inbox.is_alive:
            raise RuntimeError(f"the inbox has ended: {rooms.inbox.error}")
        self._hear_rooms()
        if self._draw():
            frame = frame_of(rooms.stations, rooms.clock.now_ms(), simulated=rooms.simulated)
            rooms.reader.publish(FRAME, frame)
        if self._second():
            self._slowest_s.append(0.0)
            rooms.stations.expire(rooms.clock.now_ms())
            rooms.counts.sample(rooms.inbox.fill.taken, rooms.inbox.fill.waiting)
            if rooms.inbox.fill.full_percent >= _NEARLY_FULL_PERCENT:
                self._say_trouble(_NEARLY_FULL)
            rooms.counts.save()
            if rooms.archive is not None:
                rooms.archive.tend(rooms.clock.now_ms())

    def _hear_rooms(self) -> None:
        """Take what the rooms have to say: counts and notices are this thread's."""
        while not self._rooms.tolls.news.empty():
            self._hear(self._rooms.tolls.news.get())
        while not self._warnings.news.empty():
            taken, refused, up_to, changed = self._warnings.news.get()
            self._rooms.counts.count("denm", taken, refused, up_to)
            if changed:
                self._notice("events", changed=list(changed))
        while self._late:
            self._answer(*self._late.popleft())
        if (trouble := self._warnings.trouble) != self._told_trouble:
            self._told_trouble = trouble
            if trouble:
                self._say_trouble(trouble)
            else:
                self.trouble = ""

    def _hear(self, news: News) -> None:
        self._rooms.counts.count("toll", news.taken, news.refused, news.up_to)
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
        reader, archive, fill = self._rooms.reader, self._rooms.archive, self._rooms.inbox.fill
        told: dict[str, object] = {
            "trouble": self.trouble,
            "reconnects": reader.reconnects,
            "slowest_turn_ms": round(1000 * max(self._slowest_s), 1),
            "kept_waiting": fill.waiting,
            "kept_full_percent": fill.full_percent,
        }
        return told | ({"archive": asdict(archive.counts)} if archive is not None else {})
