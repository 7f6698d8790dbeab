"""Event tables of trace files, with errors that name the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trassa.errors import InputError
from trassa.optical.otdr import EventTable, Trace, event_table

__all__ = ["naming", "table_of"]


def table_of(trace: Trace, index: float | None = None) -> EventTable:
    """The events of a trace at a group index, its own where None. Raises :class:`InputError` naming its file."""
    with naming(trace):
        return event_table(trace, index=index)


@contextmanager
def naming(*traces: Trace) -> Iterator[None]:
    """Put the files of traces in front of what is said against them while the block runs."""
    try:
        yield
    except InputError as error:
        files = ", ".join(trace.name for trace in traces)
        raise InputError(f"{files}: {error.message}", cure=error.cure) from None
