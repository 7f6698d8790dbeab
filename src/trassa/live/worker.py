"""The worker: the one process that writes warnings, trips and the ledger of a book.

    python -m trassa.live.worker --project DIR --book live|drive --clock utc|stepped [--start-ms N]

It prints ``ready`` when everything is compiled, what the broker retains agrees with the store, and both links stand.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trassa.clock import Clock, SteppedClock, UtcClock
from trassa.errors import TrassaError
from trassa.live.book import Book
from trassa.live.counts import Counts
from trassa.live.frame import frame_of
from trassa.live.inbox import Inbox
from trassa.live.ports import Ports
from trassa.live.raw_reader import RawReader
from trassa.live.roadway import Roadway
from trassa.live.secrets import Secrets
from trassa.live.subjects import NOTICE

if TYPE_CHECKING:
    from trassa.live.hot_loop import HotLoop, Rooms
    from trassa.live.ingest import Ingest
    from trassa.live.warning_desk import WarningDesk

__all__ = ["main", "open_rooms"]

_PATIENCE_S = 60.0
_PROMPT_S = 0.5
"""How long the hot loop waits for a store that is away before it goes on without."""
_RECEIPT_S = 3.0
"""How long it waits for the broker's receipt of a warning; what has none is published again."""


def main(words: Sequence[str] | None = None) -> int:
    """Work until SIGTERM; 0, or 3 where the book or the plan cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m trassa.live.worker")
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--book", choices=("live", "drive"), required=True)
    parser.add_argument("--clock", choices=("utc", "stepped"), default="utc")
    parser.add_argument("--start-ms", type=int, default=0)
    asked = parser.parse_args(words)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    clock = SteppedClock(asked.start_ms) if asked.clock == "stepped" else UtcClock()
    try:
        with open_rooms(Book(asked.project.resolve(), asked.book), clock) as rooms:
            loop = _loop(rooms, clock)
            # what is in memory now stays there: the collector need not look at it again in the middle of a warning
            gc.collect()
            gc.freeze()
            rooms.reader.publish(NOTICE, b'{"type":"ready"}')
            print("ready", flush=True)  # noqa: T201 - the supervisor waits for this line
            loop.run(stop)
    except TrassaError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 - a child's last words
        return error.exit_code
    return 0


def _loop(rooms: Rooms, clock: Clock) -> HotLoop:
    from trassa.live.hot_loop import HotLoop
    from trassa.live.stepped_loop import SteppedLoop

    return SteppedLoop(rooms, clock) if isinstance(clock, SteppedClock) else HotLoop(rooms)


@contextlib.contextmanager
def open_rooms(book: Book, clock: Clock) -> Iterator[Rooms]:
    """Everything the worker works with, warmed up, recovered and connected; closed at the end of the block."""
    from trassa.live.archive import Archive
    from trassa.live.hot_loop import SUBJECTS, Rooms
    from trassa.live.publisher import Publisher
    from trassa.live.store.embedded import PostgresPlace
    from trassa.live.store.store import Store
    from trassa.live.toll_desk import TollDesk
    from trassa.live.toll_room import TollRoom
    from trassa.live.warning_desk import WarningDesk
    from trassa.plan.project import open_project

    roadway = Roadway.of(open_project(book.project_root))
    ports, secrets = Ports.of(book), Secrets.of(book)
    counts = Counts.of(book.root / "counts.json")
    ingest = _warmed_ingest(roadway, counts, clock)
    with contextlib.ExitStack() as held:
        url = roadway.settings.live.postgres_url or PostgresPlace.of(book).url()
        store, prompt_store = Store(url), Store(url, patience_s=_PROMPT_S)
        held.callback(store.close)
        held.callback(prompt_store.close)
        publisher = held.enter_context(Publisher(ports, secrets, timeout_s=_RECEIPT_S))
        reader = RawReader(ports.nats, secrets.platform_user, secrets.platform_password, SUBJECTS)
        reader.warm_up()
        held.callback(reader.close)
        inbox = Inbox(ports, secrets)
        toll_desk = TollDesk(roadway, store, clock, key=secrets.identity_key)
        _ = toll_desk.crossing_points  # a tariff that cannot be read ends the start, not every settlement
        tolls = TollRoom(toll_desk, inbox, counts.counted["toll"])
        warnings = WarningDesk(roadway, prompt_store, publisher, clock)
        _recover(warnings)
        warnings.step(ingest.stations)  # loads what it needs while nobody waits for it
        _connect(reader)
        inbox.open()
        held.callback(inbox.close)
        settings, simulated = roadway.settings.live, book.name == "drive"
        archive = (
            None if simulated else Archive(book, settings.raw_hours, clock.now_ms(), places_days=settings.places_days)
        )
        if archive is not None:
            held.callback(archive.close)
        yield Rooms(reader, ingest, inbox, warnings, tolls, counts, clock, simulated, settings.window_ms, archive)


def _warmed_ingest(roadway: Roadway, counts: Counts, clock: Clock) -> Ingest:
    from trassa.live.axis_index import AxisIndex
    from trassa.live.ingest import Ingest
    from trassa.vehicles.stations import Stations

    speed_mps = roadway.settings.vehicles.stationary_speed_mps
    ingest = Ingest(AxisIndex(roadway.road), Stations(stationary_speed_mps=speed_mps), counts)
    ingest.warm_up(clock.now_ms())
    frame_of(ingest.stations, clock.now_ms(), simulated=False)
    return ingest


def _recover(warnings: WarningDesk) -> None:
    """Recover, as soon as store and broker are there."""
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            warnings.recover()
        except TrassaError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.2)
        else:
            return


def _connect(reader: RawReader) -> None:
    """Connect now, or as soon as the broker is there."""
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            reader.connect()
        except OSError:
            if time.monotonic() > until_s:
                raise TrassaError("worker: the broker does not answer", cure="trassa doctor") from None
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
