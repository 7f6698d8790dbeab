"""What is known of each station now: a bounded table of columns, one row per station that spoke lately.

Rules of the table:

1. A message older than the last one of its station changes nothing.
2. A station stands from its first message at or below the stationary speed; a message above it, or without a speed,
   ends that. Standing is standing at one place: more than ``SAME_PLACE_M`` along the carriageway, or another
   carriageway, begins anew.
3. A station is seen moving by a speed above the stationary speed only: never by silence, never by "unavailable".
4. A station that is silent for ``silent_ms`` leaves the table; while it is full, new stations are turned away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.vehicles.compiled import compiled

__all__ = ["SAME_PLACE_M", "Sightings", "Stations"]

SAME_PLACE_M = 40.0
"""Positions of a standing vehicle scatter less than this."""

_FloatArray = npt.NDArray[np.float64]
_SingleArray = npt.NDArray[np.float32]
_Integers = npt.NDArray[np.int64]
_FREE = -1


class Sightings(NamedTuple):
    """Located messages in the order in which they count. Arrays of shape (n,).

    ``carriageway``: 0 increasing, 1 decreasing, -1 off the road. NaN: unavailable.
    """

    station_id: npt.NDArray[np.uint32]
    time_ms: _Integers
    carriageway: npt.NDArray[np.int8]
    measure_m: _FloatArray
    offset_m: _FloatArray
    speed_mps: _FloatArray
    heading_deg: _FloatArray
    station_type: npt.NDArray[np.uint8]
    latitude_deg: _FloatArray
    longitude_deg: _FloatArray


class _Columns(NamedTuple):
    station_id: npt.NDArray[np.uint32]
    handle: npt.NDArray[np.uint32]
    seen_ms: _Integers
    first_ms: _Integers
    moved_ms: _Integers
    standing_since_ms: _Integers
    standing_at_m: _FloatArray
    carriageway: npt.NDArray[np.int8]
    measure_m: _FloatArray
    offset_m: _SingleArray
    speed_mps: _SingleArray
    heading_deg: _SingleArray
    station_type: npt.NDArray[np.uint8]
    latitude_deg: _FloatArray
    longitude_deg: _FloatArray


class Stations:
    """The table. Columns are views of shape (len(stations),), valid until the next ``update`` or ``expire``."""

    def __init__(self, *, capacity: int = 100_000, stationary_speed_mps: float = 0.5, silent_ms: int = 120_000) -> None:
        if capacity < 1:
            raise ValueError(f"stations: capacity {capacity}, needs at least 1")
        self.capacity = capacity
        self._stationary_speed_mps = stationary_speed_mps
        self._silent_ms = silent_ms
        self._count = 0
        self._columns = _empty(capacity)
        self._table = np.full(1 << (2 * capacity - 1).bit_length(), _FREE, dtype=np.int32)
        self._turned_away = 0
        self._late = 0
        self._next_handle = 1

    def __len__(self) -> int:
        return self._count

    def index_of(self, station_id: int) -> int:
        """The row of a station now, or -1."""
        return int(_find(self._table, self._columns.station_id, np.uint32(station_id)))

    def rows_of(self, station_id: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """The rows of stations now, -1 for those that are not here. Shape of the input."""
        rows = np.empty(len(station_id), dtype=np.int64)
        _find_all(self._table, self._columns.station_id, station_id, rows)
        return rows

    def update(self, seen: Sightings) -> None:
        """Take in located messages, one after the other."""
        counters = np.array([self._count, self._turned_away, self._late, self._next_handle], dtype=np.int64)
        _update(self._columns, self._table, counters, seen, self._stationary_speed_mps)
        self._count, self._turned_away, self._late, self._next_handle = (int(c) for c in counters)

    def expire(self, now_ms: int) -> int:
        """Forget the stations that have been silent too long; how many. Rows move."""
        keep = self.seen_ms >= now_ms - self._silent_ms
        left = int(keep.sum())
        gone = self._count - left
        if gone:
            for column in self._columns:
                column[:left] = column[: self._count][keep]
            self._count = left
            _rebuild(self._table, self._columns.station_id, left)
        return gone

    @property
    def turned_away(self) -> int:
        """Messages of stations for which there was no room."""
        return self._turned_away

    @property
    def late(self) -> int:
        """Messages that were older than their station's last."""
        return self._late

    @property
    def station_id(self) -> npt.NDArray[np.uint32]:
        """stationID, a pseudonym."""
        return self._columns.station_id[: self._count]

    @property
    def handle(self) -> npt.NDArray[np.uint32]:
        """This process's own number for the station: says nothing about stationID."""
        return self._columns.handle[: self._count]

    @property
    def seen_ms(self) -> _Integers:
        """Time of the last message."""
        return self._columns.seen_ms[: self._count]

    @property
    def first_ms(self) -> _Integers:
        """Time of the first message since it came into the table."""
        return self._columns.first_ms[: self._count]

    @property
    def moved_ms(self) -> _Integers:
        """When it was last seen moving, -1 if never."""
        return self._columns.moved_ms[: self._count]

    @property
    def standing_since_ms(self) -> _Integers:
        """Since when it stands, -1 where it does not."""
        return self._columns.standing_since_ms[: self._count]

    @property
    def carriageway(self) -> npt.NDArray[np.int8]:
        """0 increasing, 1 decreasing, -1 off the road."""
        return self._columns.carriageway[: self._count]

    @property
    def measure_m(self) -> _FloatArray:
        """Measure; NaN off the road."""
        return self._columns.measure_m[: self._count]

    @property
    def offset_m(self) -> _SingleArray:
        """Distance from the carriageway's line, positive to the right of rising measure."""
        return self._columns.offset_m[: self._count]

    @property
    def speed_mps(self) -> _SingleArray:
        """Speed; NaN unavailable."""
        return self._columns.speed_mps[: self._count]

    @property
    def heading_deg(self) -> _SingleArray:
        """Heading; NaN unavailable."""
        return self._columns.heading_deg[: self._count]

    @property
    def station_type(self) -> npt.NDArray[np.uint8]:
        """stationType: 5 car, 8 heavy truck, …"""
        return self._columns.station_type[: self._count]

    @property
    def latitude_deg(self) -> _FloatArray:
        """Latitude."""
        return self._columns.latitude_deg[: self._count]

    @property
    def longitude_deg(self) -> _FloatArray:
        """Longitude."""
        return self._columns.longitude_deg[: self._count]


def _empty(capacity: int) -> _Columns:
    f64, f32, i64, u32 = (np.zeros(0, dtype=kind).dtype for kind in (np.float64, np.float32, np.int64, np.uint32))
    narrow = {
        "station_id": u32, "handle": u32, "carriageway": np.dtype(np.int8), "station_type": np.dtype(np.uint8),
        "offset_m": f32, "speed_mps": f32, "heading_deg": f32,
    }  # fmt: skip
    kinds = {name: narrow.get(name, i64 if name.endswith("_ms") else f64) for name in _Columns._fields}
    return _Columns(**{name: np.zeros(capacity, dtype=kind) for name, kind in kinds.items()})


@compiled
def _home(table: npt.NDArray[np.int32], station_id: np.uint32) -> int:
    mixed = np.uint64(station_id) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((mixed >> np.uint64(32)) & np.uint64(len(table) - 1))  # type: ignore[return-value]


@compiled
def _place(table: npt.NDArray[np.int32], ids: npt.NDArray[np.uint32], station_id: np.uint32) -> int:
    """Where in the table a station stands, or the free place where it would."""
    at = _home(table, station_id)
    while table[at] != -1 and ids[table[at]] != station_id:
        at = (at + 1) & (len(table) - 1)
    return at


@compiled
def _find(table: npt.NDArray[np.int32], ids: npt.NDArray[np.uint32], station_id: np.uint32) -> int:
    return int(table[_place(table, ids, station_id)])


@compiled
def _find_all(
    table: npt.NDArray[np.int32], ids: npt.NDArray[np.uint32], wanted: npt.NDArray[np.uint32], rows: _Integers
) -> None:
    for i in range(len(wanted)):
        rows[i] = table[_place(table, ids, wanted[i])]


@compiled
def _rebuild(table: npt.NDArray[np.int32], ids: npt.NDArray[np.uint32], count: int) -> None:
    table[:] = -1
    for row in range(count):
        table[_place(table, ids, ids[row])] = row


@compiled
def _update(
    columns: _Columns, table: npt.NDArray[np.int32], counters: _Integers, seen: Sightings, stationary_speed_mps: float
) -> None:
    for i in range(len(seen.station_id)):
        station, now, speed = seen.station_id[i], seen.time_ms[i], seen.speed_mps[i]
        at = _place(table, columns.station_id, station)
        row = table[at]
        if row == -1:
            if counters[0] == len(columns.station_id):  # RULE 4
                counters[1] += 1
                continue
            row = counters[0]
            counters[0] += 1
            table[at] = row
            columns.station_id[row] = station
            columns.handle[row] = counters[3]
            counters[3] += 1
            columns.first_ms[row] = now
            columns.moved_ms[row] = -1
            columns.standing_since_ms[row] = -1
        elif now < columns.seen_ms[row]:  # RULE 1
            counters[2] += 1
            continue
        if speed <= stationary_speed_mps:  # RULE 2; a NaN is neither
            elsewhere = (
                seen.carriageway[i] != columns.carriageway[row]
                or abs(seen.measure_m[i] - columns.standing_at_m[row]) > SAME_PLACE_M
            )
            if columns.standing_since_ms[row] == -1 or elsewhere:
                columns.standing_since_ms[row] = now
                columns.standing_at_m[row] = seen.measure_m[i]
        else:
            columns.standing_since_ms[row] = -1
            if speed > stationary_speed_mps:  # RULE 3
                columns.moved_ms[row] = now
        columns.seen_ms[row] = now
        columns.carriageway[row] = seen.carriageway[i]
        columns.measure_m[row] = seen.measure_m[i]
        columns.offset_m[row] = seen.offset_m[i]
        columns.speed_mps[row] = speed
        columns.heading_deg[row] = seen.heading_deg[i]
        columns.station_type[row] = seen.station_type[i]
        columns.latitude_deg[row] = seen.latitude_deg[i]
        columns.longitude_deg[row] = seen.longitude_deg[i]
