"""Reads from a table: CSV as a gantry's controller or a colleague hands it over.

Columns ``source, device, time, toll_point, means, identity`` and, where known, ``sequence, vehicle_class, movement``.
``time`` is ISO 8601 with its offset (``2026-06-05T15:00:00.250+03:00``) or an integer of milliseconds of UTC.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from trassa.clock import Clock, SteppedClock, UtcClock
from trassa.errors import InputError
from trassa.live.book import Book
from trassa.live.ledger_room import LedgerRoom
from trassa.live.store.reads import Receipt, accept_reads
from trassa.live.store.tracks import last_moment
from trassa.live.toll_desk import TollDesk

__all__ = ["Posted", "post_reads", "reads_in"]

_NEEDED = ("source", "device", "time", "toll_point", "means", "identity")
_OPTIONAL = ("sequence", "vehicle_class", "movement")
_BATCH = 1000


@dataclass
class Posted:
    """What became of a table: reads by fate as their receipts say, refused lines, charges that changed."""

    fates: Counter[str] = field(default_factory=Counter)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    charges: int = 0
    is_settled: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        return {
            "reads": self.fates.total(),
            "receipts": dict(sorted(self.fates.items())),
            "rejected": [{"line": line, "reason": reason} for line, reason in self.rejected],
            "settled": self.is_settled,
            "charges_changed": self.charges,
        }


def reads_in(lines: Iterable[str], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Reads with their line numbers; an :class:`~trassa.errors.InputError` where the table is not one of reads."""
    rows = csv.DictReader(lines, strict=True)
    said = tuple(rows.fieldnames or ())
    for column in _NEEDED:
        if column not in said:
            between = " with commas between them" if any(";" in word or "\t" in word for word in said) else ""
            raise InputError(f"{name}: has no column {column}", cure=f"columns {', '.join(_NEEDED)}{between}")
    for column in said:
        if column not in _NEEDED + _OPTIONAL:
            raise InputError(f"{name}: column {column!r} is not known", cure=f"of {', '.join(_NEEDED + _OPTIONAL)}")
        if said.count(column) > 1:
            raise InputError(f"{name}: column {column} stands {said.count(column)} times", cure="keep one of them")
    try:
        for row in rows:
            if None in row or None in row.values():
                raise InputError(f"{name}, line {rows.line_num}: has not {len(said)} cells", cure="one cell a column")
            read: dict[str, Any] = {column: cell for column, cell in row.items() if cell != "" and column != "time"}
            read["time_ms"] = _time_ms(row["time"], f"{name}, line {rows.line_num}")
            yield rows.line_num, read
    except csv.Error as error:
        raise InputError(f"{name}, line {rows.line_num}: {error}", cure="write it as CSV") from None


def post_reads(room: LedgerRoom, book: Book, reads: Iterable[tuple[int, dict[str, Any]]]) -> Posted:
    """Store reads a thousand at a time, each batch committed before the next; then settle, unless a platform does."""
    posted = Posted()
    stream = iter(reads)
    clock: Clock = UtcClock()
    while batch := list(islice(stream, _BATCH)):
        if book.name == "drive":
            clock = _drive_clock(room, batch)
        for (line, _), receipt in zip(batch, _accepted(room, batch, clock), strict=True):
            posted.fates[receipt.fate] += 1
            if receipt.fate == "rejected":
                posted.rejected.append((line, receipt.reason or ""))
    if not room.is_served:
        desk = TollDesk(room.roadway, room.store, clock, key=room.secrets.identity_key)
        while changed := desk.settle():
            posted.charges += len(changed)
        posted.is_settled = True
    return posted


def _accepted(room: LedgerRoom, batch: list[tuple[int, dict[str, Any]]], clock: Clock) -> list[Receipt]:
    bodies = [body for _, body in batch]
    return room.store.within(
        lambda connection: accept_reads(
            connection, bodies, clock.now_ms(), room.secrets.identity_key, toll_points=room.context.points
        )
    )


def _drive_clock(room: LedgerRoom, batch: list[tuple[int, dict[str, Any]]]) -> Clock:
    """A drive's time is its own: it stands where the drive, or the table, got to."""
    with room.store.transaction() as connection:
        return SteppedClock(max(last_moment(connection), *(body["time_ms"] for _, body in batch)))


def _time_ms(text: str, place: str) -> int:
    cure = "2026-06-05T15:00:00+03:00, or milliseconds of UTC"
    if re.fullmatch(r"-?[0-9]{1,18}", text):  # digits that int() knows; str.isdigit() takes ² for one
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{place}: time {text!r} is none", cure=cure) from None
    if moment.tzinfo is None:
        raise InputError(f"{place}: time {text!r} has no offset", cure=cure)
    return round(moment.timestamp() * 1000)
