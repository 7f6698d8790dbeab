"""The archive: what was received, for a day, and where vehicles were, under names that change daily. In Parquet.

The worker's loop hands over whole batches::

    archive.append_raw(received_ms, batch.buffer, batch.subject_start, batch.subject_size, batch.start, batch.size)
    archive.append_places(received_ms, time_ms, station_id, carriageway, measure_m, speed_mps)
    archive.tend(now_ms)                      # once a second is enough: lets go of old pages and of old hours

An append copies bytes into a page, without an object per message; a thread of the archive writes full pages. Rules:

1. Memory is bounded: so many pages per kind. Where the disk is slower than the road, rows are dropped and counted.
2. What is on the disk is whole. A kill loses the pages in memory, at most ``PAGE_MS`` of them; what was received in
   that time still lies in the broker's capture stream.
3. A raw hour goes ``raw_hours`` after its end; the key of a day goes with its last raw hour; places go after
   ``places_days``.
4. A disk that refuses costs the page, is counted and said; it never stops the worker.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from trassa.live.book import Book
from trassa.live.shelf import HOUR_MS, DayKeys, Shelf

__all__ = ["PAGE_MS", "Archive", "ArchiveCounts"]

PAGE_MS = 120_000
"""A page is written when it is this old, or full, or its hour has ended."""
_PAGES = 3
_RAW_ROWS, _RAW_BYTES, _TOPIC_BYTES = 200_000, 8 << 20, 8 << 20
"""A page takes the largest batch that the reader can hand over; 19 MB."""
_PLACE_ROWS = 200_000
_Bytes = npt.NDArray[np.uint8]
_Integers = npt.NDArray[np.int64]
_Page = TypeVar("_Page", "_RawPage", "_PlacePage")


@dataclass
class ArchiveCounts:
    """Rows written, dropped because the disk was too slow, lost because it refused, and what it said last."""

    written: int = 0
    dropped: int = 0
    refused: int = 0
    last_error: str = ""


@njit(cache=True, nogil=True)
def _gather(
    buffer: _Bytes, start: _Integers, size: _Integers, out: _Bytes, offsets: npt.NDArray[np.int32], row: int
) -> None:
    """Copy pieces of a buffer behind those that a column already has."""
    place = offsets[row]
    for i in range(len(start)):
        for k in range(size[i]):
            out[place + k] = buffer[start[i] + k]
        place += size[i]
        offsets[row + i + 1] = place


class _RawPage:
    """Received messages of one hour, column by column."""

    def __init__(self) -> None:
        self.rows = 0
        self.first_ms = 0
        self.received_ms = np.zeros(_RAW_ROWS, dtype=np.int64)
        self.pdu, self.pdu_offsets = np.zeros(_RAW_BYTES, np.uint8), np.zeros(_RAW_ROWS + 1, np.int32)
        self.topic, self.topic_offsets = np.zeros(_TOPIC_BYTES, np.uint8), np.zeros(_RAW_ROWS + 1, np.int32)

    def has_room(self, count: int, pdu_size: int, topic_size: int) -> bool:
        """Whether so many rows with so many bytes still fit."""
        return (
            self.rows + count <= _RAW_ROWS
            and int(self.pdu_offsets[self.rows]) + pdu_size <= _RAW_BYTES
            and int(self.topic_offsets[self.rows]) + topic_size <= _TOPIC_BYTES
        )

    def table(self) -> pa.Table:
        """The page as a table over its own memory."""
        n = self.rows
        topic = self.topic[: self.topic_offsets[n]]
        topic[topic == ord(".")] = ord("/")  # a subject of the broker becomes the topic that the vehicle used
        columns = {
            "received_ms": pa.array(self.received_ms[:n]),
            "topic": _binary(self.topic_offsets[: n + 1], topic).dictionary_encode(),
            "pdu": _binary(self.pdu_offsets[: n + 1], self.pdu[: self.pdu_offsets[n]]),
        }
        return pa.table(columns)


class _PlacePage:
    """Places of stations of one hour, column by column."""

    def __init__(self) -> None:
        self.rows = 0
        self.first_ms = 0
        self.time_ms = np.zeros(_PLACE_ROWS, dtype=np.int64)
        self.station_id = np.zeros(_PLACE_ROWS, dtype=np.uint32)
        self.carriageway = np.zeros(_PLACE_ROWS, dtype=np.int8)
        self.measure_m = np.zeros(_PLACE_ROWS, dtype=np.float64)
        self.speed_mps = np.zeros(_PLACE_ROWS, dtype=np.float32)

    def table(self, keys: DayKeys) -> pa.Table:
        """The page as a table; stations under their names of the day."""
        n = self.rows
        columns = {
            "time_ms": self.time_ms[:n],
            "station": keys.names(self.first_ms, self.station_id[:n]),
            "carriageway": self.carriageway[:n],
            "measure_m": self.measure_m[:n],
            "speed_mps": self.speed_mps[:n],
        }
        return pa.table({name: pa.array(column) for name, column in columns.items()})


class Archive:
    """The archive of one book; one thread appends. ``counts`` is for the status page."""

    def __init__(self, book: Book, raw_hours: int, now_ms: int, *, places_days: int = 400) -> None:
        self.counts = ArchiveCounts()
        self._raw_ms, self._places_ms = raw_hours * HOUR_MS, places_days * 24 * HOUR_MS
        self._raw, self._places = Shelf(book.archive / "raw"), Shelf(book.archive / "places")
        self._keys = DayKeys(book.archive / "keys")
        self._free_raw = [_RawPage() for _ in range(_PAGES)]
        self._free_places = [_PlacePage() for _ in range(_PAGES)]
        self._raw_page: _RawPage | None = None
        self._place_page: _PlacePage | None = None
        self._hour = -1
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._scribe = threading.Thread(target=self._write, name="archive", daemon=True)
        self._scribe.start()
        nothing = np.zeros(0, dtype=np.int64)  # compiled now, not in the middle of a run
        _gather(np.zeros(8, np.uint8), nothing, nothing, np.zeros(8, np.uint8), np.zeros(1, np.int32), 0)
        self.tend(now_ms)

    def append_raw(
        self,
        received_ms: int,
        buffer: _Bytes,
        topic_start: _Integers,
        topic_size: _Integers,
        start: _Integers,
        size: _Integers,
    ) -> None:
        """Take messages that were received together: places of topics and payloads in a buffer, shape (n,)."""
        count, pdu_size, topic_size_sum = len(start), int(size.sum()), int(topic_size.sum())
        if not count:
            return
        page = self._raw_page
        if page is not None and (
            _is_over(page.first_ms, received_ms) or not page.has_room(count, pdu_size, topic_size_sum)
        ):
            self._send_raw()
        if self._raw_page is None:
            self._raw_page = self._begun(self._free_raw, received_ms)
        page = self._raw_page
        if page is None or not page.has_room(count, pdu_size, topic_size_sum):
            self.counts.dropped += count  # RULE 1
            return
        _gather(buffer, start, size, page.pdu, page.pdu_offsets, page.rows)
        _gather(buffer, topic_start, topic_size, page.topic, page.topic_offsets, page.rows)
        page.received_ms[page.rows : page.rows + count] = received_ms
        page.rows += count

    def append_places(
        self,
        received_ms: int,
        time_ms: _Integers,
        station_id: npt.NDArray[np.uint32],
        carriageway: npt.NDArray[np.int8],
        measure_m: npt.NDArray[np.float64],
        speed_mps: npt.NDArray[np.float32],
    ) -> None:
        """Take places of stations, shape (n,): moment, station, 0 increasing or 1 decreasing, measure, speed or NaN."""
        for begin in range(0, len(time_ms), _PLACE_ROWS):
            part = slice(begin, begin + _PLACE_ROWS)
            count = len(time_ms[part])
            page = self._place_page
            if page is not None and (_is_over(page.first_ms, received_ms) or page.rows + count > _PLACE_ROWS):
                self._send_places()
            if self._place_page is None:
                self._place_page = self._begun(self._free_places, received_ms)
            page = self._place_page
            if page is None:
                self.counts.dropped += count  # RULE 1
                return
            rows = slice(page.rows, page.rows + count)
            page.time_ms[rows], page.station_id[rows] = time_ms[part], station_id[part]
            page.carriageway[rows], page.measure_m[rows] = carriageway[part], measure_m[part]
            page.speed_mps[rows] = speed_mps[part]
            page.rows += count

    def tend(self, now_ms: int) -> None:
        """Let go of pages that are old enough, and once an hour of what may no longer be kept."""
        if self._raw_page is not None and _is_over(self._raw_page.first_ms, now_ms):
            self._send_raw()
        if self._place_page is not None and _is_over(self._place_page.first_ms, now_ms):
            self._send_places()
        if now_ms // HOUR_MS != self._hour:
            self._hour = now_ms // HOUR_MS
            self._work.put(lambda: self._forget(now_ms))

    def close(self) -> None:
        """Write what is left and end."""
        if self._raw_page is not None:
            self._send_raw()
        if self._place_page is not None:
            self._send_places()
        self._work.put(None)
        self._scribe.join()

    def _begun(self, free: list[_Page], now_ms: int) -> _Page | None:
        if not free:
            return None
        page = free.pop()
        page.rows, page.first_ms = 0, now_ms
        return page

    def _send_raw(self) -> None:
        page, self._raw_page = self._raw_page, None
        assert page is not None
        self._work.put(lambda: self._put(self._raw, page, page.table, self._free_raw))

    def _send_places(self) -> None:
        page, self._place_page = self._place_page, None
        assert page is not None
        self._work.put(lambda: self._put(self._places, page, lambda: page.table(self._keys), self._free_places))

    def _put(self, shelf: Shelf, page: _Page, table: Callable[[], pa.Table], free: list[_Page]) -> None:
        try:
            shelf.put(page.first_ms, table())
            self.counts.written += page.rows
        except (OSError, pa.ArrowException) as error:
            self.counts.refused += page.rows  # RULE 4
            self.counts.last_error = str(error)
        finally:
            free.append(page)

    def _forget(self, now_ms: int) -> None:
        with contextlib.suppress(OSError):
            self._raw.drop_before(now_ms - self._raw_ms)  # RULE 3
            self._keys.destroy_before(now_ms - self._raw_ms)
            self._places.drop_before(now_ms - self._places_ms)

    def _write(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _is_over(first_ms: int, now_ms: int) -> bool:
    return now_ms - first_ms >= PAGE_MS or now_ms // HOUR_MS != first_ms // HOUR_MS


def _binary(offsets: npt.NDArray[np.int32], data: _Bytes) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
