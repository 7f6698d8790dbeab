"""When the past of a vehicle is over: a silence so long that nothing before it and nothing after it know each other.

What one passage can do to another ends with the longest trip of all systems: by then every running trip has ended, and
30 s after its last read a passage has ended too. So where no read lies for longer than both together, the rules give
for all reads what they give for those before the silence and for those after it, each alone; and once the watermark
has come to the end of the silence, what they give for those before it will never change.

A read that comes late, before the end of the silence, takes this back.
"""

from __future__ import annotations

from collections.abc import Sequence

from trassa.toll.context import TollContext
from trassa.toll.passage import TOGETHER_MS
from trassa.toll.read import Read

__all__ = ["final_before_ms", "silence_ms"]


def silence_ms(context: TollContext) -> int:
    """How long no read must lie, at least, for the past to be over."""
    longest_ms = max((system.longest_trip_ms for system in context.systems.values()), default=0)
    return longest_ms + TOGETHER_MS + 1


def final_before_ms(context: TollContext, reads: Sequence[Read], watermark_ms: int) -> int | None:
    """The latest moment before which everything is final: the end of the last long silence. None where there is none.

    ``reads`` are in order of time. Every read from that moment on is at least :func:`silence_ms` after those before it.
    """
    need_ms = silence_ms(context)
    next_ms = watermark_ms
    for read in reversed(reads):
        if next_ms - read.time_ms >= need_ms and watermark_ms - read.time_ms >= need_ms:
            return read.time_ms + need_ms
        next_ms = min(next_ms, read.time_ms)
    return None
