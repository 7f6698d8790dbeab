"""Framing of the NATS protocol over a buffer of bytes: where each message begins and ends, no object per message."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.vehicles.compiled import compiled

__all__ = ["COUNTERS", "LINE_MAX", "PLACES", "frame"]

LINE_MAX = 1 << 16
"""No line of the protocol is longer, INFO with its many fields included."""

COUNTERS = ("messages", "next_byte", "pings", "pongs", "error_start", "error_size", "damaged")
"""What ``frame`` counts. ``next_byte``: where reading goes on; ``error_size``: of the last -ERR line; ``damaged``: 1
where the bytes are not the protocol."""
PLACES = ("sid", "subject_start", "subject_size", "reply_start", "reply_size", "start", "size")
"""What ``frame`` tells of each message: its subscription, then where subject, reply subject and payload stand."""

_Bytes = npt.NDArray[np.uint8]
_Integers = npt.NDArray[np.int64]

_LF, _CR, _SPACE = 10, 13, 32


@compiled
def _number(buffer: _Bytes, start: int, stop: int) -> int:
    """The decimal number between two places, -1 where there is none of up to nine digits."""
    if stop == start or stop - start > 9:
        return -1
    number = 0
    for k in range(start, stop):
        if buffer[k] < 48 or buffer[k] > 57:
            return -1
        number = number * 10 + buffer[k] - 48
    return number


@compiled
def _message(buffer: _Bytes, at: int, stop: int, tokens: _Integers) -> int:
    """Read the words of a line ``MSG subject sid [reply] size``; how many there are, 0 where it is none."""
    if stop - at < 5 or buffer[at] != 77 or buffer[at + 1] != 83 or buffer[at + 2] != 71:
        return 0
    count, k = 0, at + 3
    while k < stop and count < 5:
        while k < stop and buffer[k] == _SPACE:
            k += 1
        tokens[count, 0] = k
        while k < stop and buffer[k] != _SPACE:
            k += 1
        tokens[count, 1] = k
        if k > tokens[count, 0]:
            count += 1
    return count


@compiled
def _line(buffer: _Bytes, at: int, stop: int, counters: _Integers) -> bool:
    """Count a line that is no message; false where it is none of the protocol."""
    first = buffer[at] if stop > at else 0
    if first == 80 and stop - at == 4 and buffer[at + 1] == 73:  # PING
        counters[2] += 1
    elif first == 80 and stop - at == 4:  # PONG
        counters[3] += 1
    elif first == 45:  # -ERR
        counters[4], counters[5] = at, stop - at
    elif first != 43 and first != 73:  # neither +OK nor INFO, which may come again at any time
        return False
    return True


@compiled
def frame(buffer: _Bytes, end: int, places: _Integers, counters: _Integers) -> None:
    """Read lines and messages from ``counters[1]`` to ``end``; places has shape (7, most messages)."""
    tokens = np.empty((6, 2), dtype=np.int64)
    at, found = counters[1], 0
    while found < places.shape[1]:
        line_end = at
        while line_end < end and buffer[line_end] != _LF:
            line_end += 1
        if line_end == end:
            counters[6] = 1 if end - at > LINE_MAX else 0
            break
        stop = line_end - 1 if line_end > at and buffer[line_end - 1] == _CR else line_end
        words = _message(buffer, at, stop, tokens)
        if words == 0 and _line(buffer, at, stop, counters):
            at = line_end + 1
            continue
        size = _number(buffer, tokens[words - 1, 0], tokens[words - 1, 1]) if words in (3, 4) else -1
        sid = _number(buffer, tokens[1, 0], tokens[1, 1]) if size >= 0 else -1
        start, behind = line_end + 1, line_end + 1 + size
        if sid < 0 or behind + 2 - at > len(buffer):  # more than the buffer can ever hold is no message
            counters[6] = 1
            break
        if behind + 2 > end:
            break
        if buffer[behind] != _CR or buffer[behind + 1] != _LF:
            counters[6] = 1
            break
        replied = words == 4
        places[0, found], places[5, found], places[6, found] = sid, start, size
        places[1, found], places[2, found] = tokens[0, 0], tokens[0, 1] - tokens[0, 0]
        places[3, found] = tokens[2, 0] if replied else 0
        places[4, found] = tokens[2, 1] - tokens[2, 0] if replied else 0
        found += 1
        at = behind + 2
    counters[0], counters[1] = found, at
