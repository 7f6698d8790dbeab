"""The one clock. UTC inside, local time only at the edge; ITS time is TAI-based.

Every timer of the live platform asks a :class:`Clock`: it runs on UTC in ``serve`` and is stepped in ``drive``.
Moments are integers of milliseconds of UTC since 1970 (``time_ms``).
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SteppedClock", "UtcClock", "its_ms", "nearest_ms", "now", "rfc3339", "timestamp", "utc_ms"]

ITS_EPOCH_MS = 1_072_915_200_000
"""2004-01-01T00:00:00Z, where TimestampIts begins (ETSI TS 102 894-2)."""
GENERATION_DELTA_MODULUS = 65_536
_LEAPS = tuple(
    int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)
    for day in ("2006-01-01", "2009-01-01", "2012-07-01", "2015-07-01", "2017-01-01")
)
"""Moments at which a leap second had been inserted since 2004 (IERS Bulletin C); the one list of them."""


class Clock(Protocol):
    """What tells the time."""

    def now_ms(self) -> int:
        """The present moment, milliseconds of UTC since 1970."""
        ...


class UtcClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """The present moment, milliseconds of UTC since 1970."""
        return time.time_ns() // 1_000_000


class SteppedClock:
    """A clock that stands until it is moved; never backwards."""

    def __init__(self, time_ms: int) -> None:
        self._time_ms = time_ms

    def now_ms(self) -> int:
        """The moment it stands at, milliseconds of UTC since 1970."""
        return self._time_ms

    def step_to(self, time_ms: int) -> None:
        """Move on to a later moment; a :class:`ValueError` where it is earlier."""
        if time_ms < self._time_ms:
            raise ValueError(f"clock: {time_ms} lies before {self._time_ms}")
        self._time_ms = time_ms


def its_ms(time_ms: int) -> int:
    """TimestampIts of a moment: milliseconds since 2004 with leap seconds counted, so 5 s ahead of UTC since 2017."""
    return time_ms - ITS_EPOCH_MS + 1000 * sum(leap <= time_ms for leap in _LEAPS)


def utc_ms(timestamp_its: int) -> int:
    """The moment of a TimestampIts; within an inserted second, the second after it."""
    plain = timestamp_its + ITS_EPOCH_MS
    leaps = sum(leap + 1000 * count <= plain for count, leap in enumerate(_LEAPS, start=1))
    return plain - 1000 * leaps


def nearest_ms(generation_delta_time: int, received_ms: int) -> int:
    """The moment nearest to the receipt at which a station's generationDeltaTime (ms mod 65 536) was that."""
    received = its_ms(received_ms)
    off = (generation_delta_time - received) % GENERATION_DELTA_MODULUS
    if off > GENERATION_DELTA_MODULUS // 2:
        off -= GENERATION_DELTA_MODULUS
    return received_ms + off


def rfc3339(time_ms: int) -> str:
    """A moment as text in UTC, ``2026-06-05T12:00:00.000Z``."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{time_ms % 1000:03d}Z"


def now() -> datetime:
    """The present moment in UTC, or ``$SOURCE_DATE_EPOCH`` where a build must repeat byte for byte."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(fixed), UTC) if fixed else datetime.now(UTC)


def timestamp() -> str:
    """The present moment as ISO 8601 text in UTC with whole seconds, ``2026-11-23T04:25:00Z``."""
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")
