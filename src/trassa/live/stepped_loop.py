"""The loop of a drive: the clock stands until the driver has sent a step's messages and says how many they were.

1. A step is finished when as many messages of each kind have arrived as its announcement says; after ``patience_s``
   without them the shortfall is reported and the step finished with what is there.
2. What arrived is taken in an order that does not depend on arrival: CAMs by station, time and bytes, then toll fixes,
   then reports, each by subject and bytes; then the desk looks. So the same messages give the same answer.
3. Every COMMIT and PUBACK of the step comes before its ``done``; while store or broker are down, the step waits.
4. A step that is announced again is answered again, and not done again.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from trassa.clock import SteppedClock, its_ms
from trassa.errors import TrassaError
from trassa.live.hot_loop import CAM, STEP, HotLoop, Rooms
from trassa.live.inbox import Delivery
from trassa.live.raw_reader import RawBatch
from trassa.live.subjects import STEP_DONE_TOPIC, subject_of
from trassa.vehicles.cam_columns import PADDING

__all__ = ["Step", "SteppedLoop", "in_order"]

T = TypeVar("T")
_KINDS = ("cam", "denm", "toll")
_WAIT_S = 0.002
_MODULUS = 65_536
_SECOND_MS = 1000


@dataclass(frozen=True)
class Step:
    """An announced step: its number, the moment it ends at, and how many messages of each kind were sent in it."""

    number: int
    time_ms: int
    sent: dict[str, int]
    heard_s: float

    @classmethod
    def of(cls, payload: bytes) -> Step:
        """Read an announcement; a :class:`ValueError` where it is none."""
        said = json.loads(payload)
        try:
            sent = {kind: int(said.get(kind, 0)) for kind in _KINDS}
            return cls(int(said["step"]), int(said["time_ms"]), sent, time.monotonic())
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"step: {error}") from None


class SteppedLoop(HotLoop):
    """The loop on a stepped clock."""

    def __init__(self, rooms: Rooms, clock: SteppedClock, *, patience_s: float = 10.0) -> None:
        super().__init__(rooms)
        self._clock = clock
        self._patience_s = patience_s
        self._cams: list[bytes] = []
        self._received: Counter[str] = Counter()
        self._expected: Counter[str] = Counter()
        self._step: Step | None = None
        self._done: tuple[int, bytes] = (-1, b"")
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Step until ``stop`` is set."""
        self._stop = stop
        while not stop.is_set():
            self.turn()
        self._rooms.counts.save()

    def turn(self) -> None:
        """Read what arrived; finish the announced step where its messages are there."""
        batch = self._rooms.reader.read(_WAIT_S if self._step is not None else 0.05)
        cams = batch.subscription == CAM
        self._cams += [batch.payload(int(i)) for i in np.flatnonzero(cams)]
        for i in np.flatnonzero(~cams):
            self._take_other(batch, int(i))
        if self._rooms.reader.reconnects != self._reconnects:
            self._reconnects = self._rooms.reader.reconnects
            self._warnings.broker_returned()
        step = self._step
        if step is not None:
            shortfall = self._shortfall(step)
            if not shortfall or time.monotonic() - step.heard_s > self._patience_s:  # RULE 1
                self._step = None
                self._finish(step, shortfall)
        self._tell()

    def _take_other(self, batch: RawBatch, i: int) -> None:
        if batch.subscription[i] != STEP:
            super()._take_other(batch, i)
            return
        try:
            step = Step.of(batch.payload(i))
        except ValueError as error:
            self._say_trouble(str(error))
            return
        if step.number == self._done[0]:  # RULE 4
            self._rooms.reader.publish(subject_of(STEP_DONE_TOPIC), self._done[1])
        elif step.time_ms < self._clock.now_ms():
            self._say_trouble(f"step {step.number} ends at {step.time_ms}, before the clock's {self._clock.now_ms()}")
        elif self._step is None or self._step.number != step.number:
            self._step = step

    def _shortfall(self, step: Step) -> dict[str, int]:
        arrived = {"cam": self._received["cam"] + len(self._cams), **self._rooms.inbox.received}
        missing = {kind: self._expected[kind] + step.sent[kind] - arrived.get(kind, 0) for kind in _KINDS}
        return {kind: count for kind, count in missing.items() if count > 0}

    def _finish(self, step: Step, shortfall: dict[str, int]) -> None:
        begun_s, rooms = time.perf_counter(), self._rooms
        new_second = step.time_ms // _SECOND_MS != self._clock.now_ms() // _SECOND_MS
        self._clock.step_to(step.time_ms)
        cams, self._cams = self._cams, []
        self._received["cam"] += len(cams)
        self._take_step(in_order(cams, step.time_ms))
        tolls, reports = (_sorted(self._take_all(kind)) for kind in ("toll", "denm"))
        published: list[tuple[str, bytes, bool]] = []
        if tolls:
            self._hear(self._until_done(lambda: rooms.tolls.take(tolls)))
        published += self._until_done(self._warnings.compare)
        if reports:
            published += self._until_done(lambda: self._warnings.report(reports)).published
        published += self._until_done(lambda: self._warnings.look(rooms.stations)).published
        if new_second:
            self._hear(self._until_done(rooms.tolls.settle))
        for kind in _KINDS:
            arrived = self._received["cam"] if kind == "cam" else rooms.inbox.received[kind]
            self._expected[kind] = arrived if shortfall else self._expected[kind] + step.sent[kind]
        said = {
            "step": step.number,
            "published": [[topic, hashlib.sha256(payload).hexdigest(), retain] for topic, payload, retain in published],
            "processed": {"cam": len(cams), "denm": len(reports), "toll": len(tolls)},
            "shortfall": shortfall,
            "wall_us": round((time.perf_counter() - begun_s) * 1e6),
        }
        self._done = (step.number, json.dumps(said).encode())
        rooms.reader.publish(subject_of(STEP_DONE_TOPIC), self._done[1])

    def _take_step(self, cams: Sequence[bytes]) -> None:
        if cams:
            size = np.array([len(pdu) for pdu in cams], dtype=np.int64)
            buffer = np.frombuffer(bytearray(b"".join(cams) + bytes(PADDING)), dtype=np.uint8)
            self._rooms.ingest.take(buffer, np.cumsum(size) - size, size, self._clock.now_ms())

    def _take_all(self, kind: str) -> list[Delivery]:
        taken: list[Delivery] = []
        while self._rooms.inbox.waiting(kind):
            taken += self._rooms.inbox.take(kind)
        return taken

    def _until_done(self, work: Callable[[], T]) -> T:
        """RULE 3: do it, however long store or broker take to come back."""
        while True:
            try:
                return work()
            except TrassaError as error:
                self._say_trouble(str(error))
                if self._stop.wait(0.5):
                    raise


def in_order(cams: Sequence[bytes], now_ms: int) -> list[bytes]:
    """RULE 2: CAMs by station, generation time and bytes; the wrap of generationDeltaTime lies half a turn away."""
    base = its_ms(now_ms) - _MODULUS // 2

    def key(pdu: bytes) -> tuple[Any, ...]:
        return pdu[2:6], (int.from_bytes(pdu[6:8], "big") - base) % _MODULUS, pdu

    return sorted(cams, key=key)


def _sorted(deliveries: Sequence[Delivery]) -> list[Delivery]:
    return sorted(deliveries, key=lambda delivery: (delivery.subject, delivery.payload))
