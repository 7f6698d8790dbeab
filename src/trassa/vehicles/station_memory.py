"""What the present state of the stations does not tell: since when each crawls or moves, its mean speed and offset.

Columns beside those of the station table; they follow its rows, by stationID, when these move.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from trassa.vehicles.settings import VehiclesSettings

__all__ = ["StationColumns", "StationMemory"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_NEVER = -1
_OFFSET_MS = 5_000.0
"""Time constant of the mean offset: receivers scatter by metres from one message to the next."""
_SECONDS_MISSING = 2


class StationColumns(Protocol):
    """The columns of the station table that the rules read; rows may move, and a station tells them apart."""

    @property
    def station_id(self) -> npt.NDArray[np.uint32]: ...
    @property
    def seen_ms(self) -> npt.NDArray[np.int64]: ...
    @property
    def carriageway(self) -> npt.NDArray[np.int8]: ...
    @property
    def measure_m(self) -> npt.NDArray[np.float64]: ...
    @property
    def offset_m(self) -> npt.NDArray[np.float32]: ...
    @property
    def speed_mps(self) -> npt.NDArray[np.float32]: ...
    @property
    def station_type(self) -> npt.NDArray[np.uint8]: ...
    @property
    def standing_since_ms(self) -> npt.NDArray[np.int64]: ...
    def rows_of(self, station_id: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]: ...


class StationMemory:
    """Times, mean speeds and mean offsets of every row. Moments are ms, -1 for never."""

    def __init__(self, settings: VehiclesSettings) -> None:
        self._settings = settings
        self._station_id = np.zeros(0, np.uint32)
        self.slow_since_ms = np.zeros(0, np.int64)
        self.moving_since_ms = np.zeros(0, np.int64)
        self.offset_m = np.zeros(0, np.float64)
        self._speeds = np.zeros((settings.queue_mean_s, 0), np.float32)
        self._second = _NEVER
        self._noted_ms = _NEVER

    def note(self, stations: StationColumns, heard: BoolArray, now_ms: int) -> None:
        """Take the present state in; ``heard`` tells which rows are not silent."""
        settings = self._settings
        self._follow(stations)
        speed, seen = stations.speed_mps, stations.seen_ms
        # a comparison with NaN is false: a vehicle of unknown speed neither crawls nor moves
        slow = heard & (speed < np.float32(settings.queue_speed_mps))
        moving = heard & (speed >= np.float32(settings.moving_speed_mps))
        self.slow_since_ms = _since(slow, self.slow_since_ms, seen)
        self.moving_since_ms = _since(moving, self.moving_since_ms, seen)
        self._note_second(stations, heard, now_ms)
        self._note_offset(stations, heard, now_ms)

    def mean_speed_mps(self, rows: IntArray) -> FloatArray:
        """Mean speed over the settings' period; infinite for a vehicle that was not heard for nearly all of it."""
        speeds = self._speeds[:, rows]
        known = np.isfinite(speeds)
        count = known.sum(axis=0)
        total = np.where(known, speeds, np.float32(0)).sum(axis=0, dtype=np.float64)
        return np.where(count >= len(speeds) - _SECONDS_MISSING, total / np.maximum(count, 1), np.inf)

    def top_speed_mps(self, rows: IntArray) -> FloatArray:
        """Greatest known speed within that period; 0 where none is known."""
        speeds = self._speeds[:, rows]
        known: FloatArray = np.where(np.isfinite(speeds), speeds, 0.0)
        return np.asarray(known.max(axis=0, initial=0.0), np.float64)

    def _note_second(self, stations: StationColumns, heard: BoolArray, now_ms: int) -> None:
        second = now_ms // 1000
        if second == self._second:
            return
        rows = len(self._speeds)
        if self._second != _NEVER:
            for skipped in range(max(self._second + 1, second - rows), second):
                self._speeds[skipped % rows] = np.nan
        self._speeds[second % rows] = np.where(heard, stations.speed_mps, np.float32(np.nan))
        self._second = second

    def _note_offset(self, stations: StationColumns, heard: BoolArray, now_ms: int) -> None:
        share = 1.0 - np.exp(-(now_ms - self._noted_ms) / _OFFSET_MS) if self._noted_ms != _NEVER else 1.0
        offset = stations.offset_m.astype(np.float64)
        known = np.isfinite(self.offset_m)
        nearer = np.where(known, self.offset_m + share * (offset - self.offset_m), offset)
        self.offset_m = np.where(heard & np.isfinite(offset), nearer, self.offset_m)
        self._noted_ms = now_ms

    def _follow(self, stations: StationColumns) -> None:
        """Bring the rows into the order that the table has now; a station that is new has no past."""
        before, now = self._station_id, stations.station_id
        same = min(len(before), len(now))
        if len(before) == len(now) and np.array_equal(before, now):
            return
        if len(now) > len(before) and np.array_equal(before, now[:same]):
            past = np.append(np.arange(same), np.full(len(now) - same, -1))
        elif len(before):
            order = np.argsort(before)
            at = np.minimum(np.searchsorted(before[order], now), len(before) - 1)
            past = np.where(before[order][at] == now, order[at], -1)
        else:
            past = np.full(len(now), -1)
        new = past < 0
        self.slow_since_ms = np.where(new, _NEVER, _taken(self.slow_since_ms, past))
        self.moving_since_ms = np.where(new, _NEVER, _taken(self.moving_since_ms, past))
        self.offset_m = np.where(new, np.nan, _taken(self.offset_m, past))
        self._speeds = np.where(new, np.float32(np.nan), _taken(self._speeds, past))
        self._station_id = now.copy()


def _taken(column: npt.NDArray[np.generic], past: IntArray) -> npt.NDArray[np.generic]:
    """A column in another order; what a row without a past gets is of no account."""
    if not column.shape[-1]:
        return np.zeros((*column.shape[:-1], len(past)), column.dtype)
    return column[..., past]


def _since(holds: BoolArray, since_ms: IntArray, seen_ms: IntArray) -> IntArray:
    """Since when a condition holds: kept where it held before, now where it begins, never where it does not."""
    return np.where(holds, np.where(since_ms < 0, seen_ms, since_ms), _NEVER)
