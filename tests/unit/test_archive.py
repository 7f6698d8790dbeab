"""The archive: bytes as they came, names that change daily, hours that go, and nothing half-written."""

from __future__ import annotations

import hashlib
import hmac
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from trassa.live.archive import PAGE_MS, Archive
from trassa.live.book import Book
from trassa.live.shelf import HOUR_MS, DayKeys, Shelf
from trassa.vehicles.cam_columns import encode_cams
from trassa.vehicles.codec import decode

NOON = 1_780_660_800_000
"""2026-06-05T12:00:00Z"""
DAY_MS = 24 * HOUR_MS


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path, "live")


def rows(book: Book, kind: str) -> list[dict[str, object]]:
    """Everything on a shelf, in the order of the file names."""
    files = sorted((book.archive / kind).glob("*/*.parquet"))
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def append(archive: Archive, time_ms: int, messages: list[tuple[bytes, bytes]]) -> None:
    """Append messages out of a buffer in which they lie as on the wire, with other bytes between them."""
    wire, topics, payloads = bytearray(b"INFO"), [], []
    for subject, payload in messages:
        wire += b"MSG "
        topics.append((len(wire), len(subject)))
        wire += subject + b" 1 %d\r\n" % len(payload)
        payloads.append((len(wire), len(payload)))
        wire += payload + b"\r\n"
    buffer = np.frombuffer(wire, dtype=np.uint8)
    places = [np.array(column, dtype=np.int64) for pairs in (topics, payloads) for column in zip(*pairs, strict=True)]
    archive.append_raw(time_ms, buffer, *places)


def until(reached: Callable[[], bool]) -> None:
    """Wait for what the archive's thread does; never how fast it must be."""
    waiting = threading.Event()
    for _ in range(6_000):
        if reached():
            return
        waiting.wait(0.01)
    raise AssertionError("the archive writes nothing")


def places(archive: Archive, time_ms: int, stations: list[int]) -> None:
    """Append one place for each station."""
    n = len(stations)
    archive.append_places(
        time_ms,
        np.arange(n, dtype=np.int64) + time_ms,
        np.array(stations, dtype=np.uint32),
        np.zeros(n, np.int8),
        np.arange(n) * 10.0,
        np.full(n, np.nan, np.float32),
    )


def test_what_was_received_comes_back_byte_for_byte(book: Book) -> None:
    rng = np.random.default_rng(3)
    archive = Archive(book, 24, NOON)
    sent = []
    for batch in range(20):
        time_ms = NOON + batch * 50
        names = [f"cits.in.cam.fleet.v{number}".encode() for number in rng.integers(0, 99, rng.integers(1, 40))]
        messages = [(name, rng.bytes(int(rng.integers(0, 300)))) for name in names]
        append(archive, time_ms, messages)
        sent += [(time_ms, name.decode().replace(".", "/"), payload) for name, payload in messages]
    archive.close()
    kept = [(row["received_ms"], row["topic"].decode(), row["pdu"]) for row in rows(book, "raw")]  # type: ignore[attr-defined]
    assert kept == sent
    assert (archive.counts.written, archive.counts.dropped, archive.counts.refused) == (len(sent), 0, 0)


def test_an_hour_decodes_to_the_same_cams(book: Book) -> None:
    rng = np.random.default_rng(5)
    archive = Archive(book, 24, NOON)
    stations = rng.integers(0, 2**32, 300)
    speeds = rng.uniform(0, 60, 300)
    buffer, start, size = encode_cams(
        station_id=stations,
        generation_delta_time=rng.integers(0, 65_536, 300),
        latitude_deg=rng.uniform(55, 56, 300),
        longitude_deg=rng.uniform(37, 38, 300),
        speed_mps=speeds,
    )
    pdus = [buffer[a : a + n].tobytes() for a, n in zip(start, size, strict=True)]
    for batch in range(3):
        part = slice(100 * batch, 100 * batch + 100)
        append(archive, NOON + 60_000 * batch, [(b"cits.in.cam.fleet.v", pdu) for pdu in pdus[part]])
    archive.close()
    kept = pq.read_table(book.archive / "raw" / "2026-06-05T12", columns=["received_ms", "pdu"]).sort_by("received_ms")
    again = [decode(pdu) for pdu in kept["pdu"].to_pylist()]  # the other codec: asn1tools over our ASN.1
    assert [message.station_id for message in again] == stations.tolist()
    motions = [message.value["cam"]["camParameters"]["highFrequencyContainer"][1] for message in again]
    assert [motion["speed"]["speedValue"] for motion in motions] == pytest.approx(speeds * 100, abs=0.51)


def test_places_go_after_their_days(book: Book) -> None:
    archive = Archive(book, 24, NOON, places_days=30)
    places(archive, NOON, [7])
    archive.close()
    for now_ms, kept in ((NOON + 30 * DAY_MS + HOUR_MS - 1, 1), (NOON + 30 * DAY_MS + HOUR_MS, 0)):
        Archive(book, 24, now_ms, places_days=30).close()
        assert len(rows(book, "places")) == kept


def test_a_page_ends_with_its_hour_and_with_its_age(book: Book) -> None:
    archive = Archive(book, 24, NOON)
    moments = (NOON, NOON + PAGE_MS - 1, NOON + PAGE_MS, NOON + HOUR_MS - 1, NOON + HOUR_MS)
    for time_ms, written in zip(moments, (0, 0, 2, 3, 4), strict=True):
        append(archive, time_ms, [(b"cits.in.cam.fleet.v", b"x")])
        until(lambda written=written: archive.counts.written == written)
    archive.close()
    files = sorted((book.archive / "raw").glob("*/*.parquet"))
    found = [(file.parent.name, pq.read_metadata(file).num_rows) for file in files]
    assert found == [("2026-06-05T12", 2), ("2026-06-05T12", 1), ("2026-06-05T12", 1), ("2026-06-05T13", 1)]


def test_stations_are_hidden_under_a_key_of_the_day(book: Book) -> None:
    archive = Archive(book, 24, NOON)
    places(archive, NOON, [7, 4_000_000_000, 7])
    places(archive, NOON + DAY_MS, [7])
    archive.close()
    first, other, again, next_day = (row["station"] for row in rows(book, "places"))
    key = (book.archive / "keys" / "2026-06-05.key").read_bytes()
    digest = hmac.new(key, (7).to_bytes(4, "big"), hashlib.sha256).digest()
    assert first == again == int.from_bytes(digest[:8], "big")
    assert len({first, other, next_day}) == 3
    assert [row["measure_m"] for row in rows(book, "places")] == [0.0, 10.0, 20.0, 0.0]


def test_a_key_outlives_a_restart_but_not_its_raw(book: Book) -> None:
    for _ in range(2):
        archive = Archive(book, 24, NOON)
        append(archive, NOON, [(b"cits.in.cam.fleet.v", b"x")])
        places(archive, NOON, [7])
        archive.close()
    first, second = (row["station"] for row in rows(book, "places"))
    assert first == second
    key = book.archive / "keys" / "2026-06-05.key"
    last_hour_ends = NOON + 12 * HOUR_MS
    for now_ms, raw, known in (
        (NOON + 25 * HOUR_MS - 1, 2, True),
        (NOON + 25 * HOUR_MS, 0, True),
        (last_hour_ends + 24 * HOUR_MS - 1, 0, True),
        (last_hour_ends + 24 * HOUR_MS, 0, False),
    ):
        Archive(book, 24, now_ms).close()
        assert (len(rows(book, "raw")), key.exists()) == (raw, known), now_ms
    assert len(rows(book, "places")) == 2


def test_hours_go_while_it_runs(book: Book) -> None:
    archive = Archive(book, 1, NOON)
    append(archive, NOON, [(b"cits.in.cam.fleet.v", b"x")])
    archive.tend(NOON + HOUR_MS)
    archive.tend(NOON + 2 * HOUR_MS)
    archive.close()
    assert archive.counts.written == 1
    assert rows(book, "raw") == []


def test_nobody_else_may_look(book: Book) -> None:
    archive = Archive(book, 24, NOON)
    append(archive, NOON, [(b"cits.in.cam.fleet.v", b"x")])
    places(archive, NOON, [7])
    archive.close()
    for path in (book.archive / "raw").parent.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_slow_disk_costs_counted_rows_and_no_memory(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    put = Shelf.put
    monkeypatch.setattr(Shelf, "put", lambda *words: (go.wait(60), put(*words))[1])
    archive = Archive(book, 24, NOON)
    for minute in range(0, 50, 2):
        append(archive, NOON + minute * 60_000, [(b"cits.in.cam.fleet.v", b"x")] * 10)
    go.set()
    archive.close()
    assert archive.counts.dropped == 250 - 30
    assert archive.counts.written == 30 == len(rows(book, "raw"))


def test_a_disk_that_refuses_is_said_and_stops_nothing(book: Book) -> None:
    archive = Archive(book, 24, NOON)
    (book.archive / "raw" / "2026-06-05T12").write_text("in the way")
    append(archive, NOON, [(b"cits.in.cam.fleet.v", b"x")])
    archive.tend(NOON + PAGE_MS)
    append(archive, NOON + HOUR_MS, [(b"cits.in.cam.fleet.v", b"y")])
    archive.close()
    assert (archive.counts.refused, archive.counts.written) == (1, 1)
    assert "2026-06-05T12" in archive.counts.last_error
    (book.archive / "raw" / "2026-06-05T12").unlink()
    assert [row["pdu"] for row in rows(book, "raw")] == [b"y"]


def test_a_batch_as_large_as_the_reader_can_give_fits(book: Book) -> None:
    archive = Archive(book, 24, NOON)
    buffer = np.zeros(8 << 20, dtype=np.uint8)
    start = np.arange(200_000, dtype=np.int64) * 40
    archive.append_raw(NOON, buffer, start, np.full_like(start, 20), start + 20, np.full_like(start, 20))
    archive.append_raw(NOON, buffer, start, np.full_like(start, 20), start + 20, np.full_like(start, 20))
    archive.close()
    assert (archive.counts.written, archive.counts.dropped) == (400_000, 0)


def test_a_kill_leaves_whole_files(book: Book) -> None:
    program = """
import itertools, sys, time
from pathlib import Path
import numpy as np
from trassa.live.archive import PAGE_MS, Archive
from trassa.live.book import Book
archive = Archive(Book(Path(sys.argv[1]), "live"), 24, 0)
buffer = np.frombuffer(bytearray(range(256)), dtype=np.uint8)
start = np.arange(100, dtype=np.int64)
size = np.full(100, 100, dtype=np.int64)
for page in itertools.count():
    archive.append_raw(page * PAGE_MS % 3_600_000, buffer, start, size, start, size)
    time.sleep(0.001)  # the writer is a thread of this process: let it write, or all is dropped
    if archive.counts.written > 2_000:
        print("going", flush=True)
"""
    words = [sys.executable, "-c", program, str(book.project_root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"going\n"
        process.send_signal(signal.SIGKILL)
    files = list((book.archive / "raw").glob("*/[!.]*.parquet"))  # what was being written stays aside
    assert files
    for file in files:
        assert pq.read_table(file, partitioning=None).column("pdu")[99].as_py() == bytes(range(99, 199))
    (book.archive / "raw" / "1970-01-01T00" / ".new-left.parquet").touch()
    Archive(book, 24, 0).close()
    assert not list((book.archive / "raw").glob("*/.new-*"))


def test_many_stations_at_once(tmp_path: Path) -> None:
    keys = DayKeys(tmp_path / "keys")
    station_id = np.arange(50_000, dtype=np.uint32) % 20_000
    names = keys.names(NOON, station_id)
    assert len(np.unique(names)) == 20_000
    assert np.array_equal(names[:20_000], names[20_000:40_000])
