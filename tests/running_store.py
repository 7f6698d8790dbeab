"""A PostgreSQL of its own for a test, as the platform runs it, with the toll desk of a small road on top."""

from __future__ import annotations

import contextlib
import random
import signal
from pathlib import Path
from typing import Any

import psycopg

from command_line import set_in
from trassa.clock import SteppedClock
from trassa.live.book import Book
from trassa.live.child import Child
from trassa.live.roadway import Roadway
from trassa.live.store.embedded import PostgresPlace
from trassa.live.store.reads import Receipt, accept_reads
from trassa.live.store.store import Connection, Store
from trassa.live.toll_desk import TollDesk
from trassa.plan.project import open_project
from trassa.toll.context import read_context

__all__ = ["KEY", "LATER_MS", "START_MS", "Counter", "RunningStore", "journeys", "lane_with_tolls"]

KEY = b"a key of tests only"
START_MS = 1_780_639_200_000
"""2026-06-05T06:00Z, a Friday morning."""
LATER_MS = START_MS + 30 * 86_400_000
"""When every trip of that day is over."""
SYSTEMS = ("m11-15-58", "m11-58-684")

LANE_TARIFF = """\
format = "trassa-tariff/1"
system = "lane"
name = "Б-1, km 101–103"
kind = "matrix"
operator = "lane-company"
currency = "RUB"
price_unit_minor = 100
zone = "Europe/Moscow"
longest_trip_h = 2
[classes]
1 = "all"
[payments]
any = ["plate", "own", "tag"]
[[toll_point]]
id = "lane-101"
name = "South"
km = 101
node = "south"
end = true
[[toll_point]]
id = "lane-103"
name = "North"
km = 103
node = "north"
end = true
[[version]]
id = "1"
source = "made for tests"
read = 2026-01-01
from = 2026-01-01T00:00:00
time_base = "exit"
rounding = "half up"
[version.profiles]
day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[[version.table]]
class = "1"
payment = "any"
columns = ["day"]
rows = [["south", "north", 150], ["north", "south", 90]]
"""


def lane_with_tolls(planned: Path, root: Path) -> Roadway:
    """The drawn lane under ``root``, tolled from km 101 to 103 and, for reads alone, by the tariffs of the M-11."""
    import shutil

    shutil.copytree(planned, root)
    (root / "inputs" / "lane.toml").write_text(LANE_TARIFF, "utf-8")
    set_in(root, "toll", 'systems = ["m11-15-58", "m11-58-684", "lane.toml"]')
    return Roadway.of(open_project(root))


class RunningStore:
    """PostgreSQL over a fresh book."""

    def __init__(self, root: Path) -> None:
        self.book = Book(root, "live")
        self.place = PostgresPlace.of(self.book)
        self._held = contextlib.ExitStack()
        self.child: Child = self._held.enter_context(self.place.running())

    def fresh(self) -> Store:
        """Empty tables; nothing less than the superuser can empty a ledger."""
        with self.superuser() as connection:
            connection.execute("DROP SCHEMA IF EXISTS trassa CASCADE")
        store = Store(self.place.url(), patience_s=20.0)
        store.migrate(self.place.url("trassa_owner"))
        return store

    def superuser(self) -> psycopg.Connection[Any]:
        """A connection as the one who may do everything, as a burglar with the disk would."""
        url = self.place.url().replace("trassa_app", "postgres")
        return psycopg.connect(url, autocommit=True, options="-c search_path=trassa")

    def kill(self) -> None:
        """SIGKILL to the postmaster."""
        self.child.process.send_signal(signal.SIGKILL)
        self.child.process.wait()

    def start_again(self) -> None:
        """What the platform does when its database has died."""
        self.child = self._held.enter_context(self.place.running())

    def close(self) -> None:
        """Stop it and remove its data."""
        self._held.close()
        self.place.discard()


class Counter:
    """A toll desk with its door for reads, over a clock that the test moves."""

    def __init__(self, roadway: Roadway, store: Store, now_ms: int = LATER_MS) -> None:
        self.store = store
        self.clock = SteppedClock(now_ms)
        self.desk = TollDesk(roadway, store, self.clock, key=KEY)

    def accept(self, *bodies: Any) -> list[Receipt]:
        """Receipts of reads, after COMMIT."""

        def work(connection: Connection) -> list[Receipt]:
            return accept_reads(connection, bodies, self.clock.now_ms(), KEY, toll_points=self.desk.context.points)

        return self.store.within(work)

    def settle(self) -> list[dict[str, Any]]:
        """Settle until nothing is due; the charges that changed."""
        changed: list[dict[str, Any]] = []
        while more := self.desk.settle():
            changed += more
        return changed


def journeys(seed: int, vehicles: int) -> list[dict[str, Any]]:
    """Gantry reads of journeys on the M-11: doubles, misses, strange lanes, U-turns; all on one Friday."""
    chance = random.Random(seed)
    context = read_context(SYSTEMS, Path())
    places = sorted((point.km, point.id) for point in context.points.values() if point.km is not None)
    found: list[dict[str, Any]] = []
    for vehicle in range(vehicles):
        time_ms = START_MS + chance.randrange(8 * 3_600_000)
        first, last = sorted(chance.sample(range(len(places)), 2))
        if chance.random() < 0.7:  # most begin at Moscow, whence most ways have a price
            first, last = 0, max(first, 1)
        stops = [first, *(i for i in range(first + 1, last) if places[i][0] == 58), last]
        if chance.random() < 0.2:
            stops.reverse()
        before_km = places[stops[0]][0]
        for stop in stops:
            km, ident = places[stop]
            time_ms += round(abs(km - before_km) / 100 * 3_600_000) + chance.randrange(60_000)
            before_km = km
            if chance.random() < 0.03:
                continue  # nobody saw it
            for sensor in range(chance.choice((1, 1, 2, 3))):
                found.append(
                    {
                        "source": "gantry",
                        "device": f"{ident}/{sensor}",
                        "sequence": len(found),
                        "time_ms": time_ms + 900 * sensor,
                        "toll_point": ident,
                        "means": "plate",
                        "identity": f"А{vehicle:03d}ВС77",
                        "vehicle_class": chance.choice(("1", "1", "1", "1", "1", "3"))
                        if chance.random() < 0.9
                        else None,
                        "movement": chance.choice(("unknown", "unknown", "unknown", "through")),
                    }
                )
    return found
