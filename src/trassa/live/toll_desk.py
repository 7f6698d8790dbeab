"""The toll desk: own fixes become reads, and the reads of a vehicle become charges in the ledger.

Everything accepted is committed first and settled afterwards (:mod:`trassa.live.settlement`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from trassa.clock import Clock
from trassa.linear import LabelNotFound
from trassa.live.axis_index import AxisIndex
from trassa.live.passages import Crossing, CrossingPoint, Fix, Track, crossings, located
from trassa.live.roadway import Roadway
from trassa.live.settlement import settle_all
from trassa.live.store import tracks
from trassa.live.store.identities import identity_key, is_bound
from trassa.live.store.reads import store_reads
from trassa.live.store.store import Connection, Store
from trassa.toll.context import TollContext, read_context
from trassa.toll.read import read_id_of

__all__ = ["FixCounts", "TollDesk", "toll_context"]

_AHEAD_MS = 300_000
_FIXES_MAX = 10_000
_SOURCE = "own"
_UNFORESEEN = (ArithmeticError, LookupError, TypeError, ValueError)
"""What a message may provoke that nobody thought of: it costs that message, not the worker that would meet it again."""


@dataclass
class FixCounts:
    """What became of toll messages: taken, with their fixes and crossings, or refused, by reason."""

    messages: int = 0
    fixes: int = 0
    crossings: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: str, messages: int = 1) -> None:
        """Count messages that cannot be used."""
        self.refused[reason] = self.refused.get(reason, 0) + messages


def toll_context(roadway: Roadway) -> TollContext:
    """The tariff systems in force on a road, as its trassa.toml names them; none on a free road."""
    project = roadway.plan.project
    return read_context(project.settings.toll.systems, project.inputs)


class TollDesk:
    """Settles the tolls of one book. ``key`` is the book's HMAC key of identities."""

    def __init__(self, roadway: Roadway, store: Store, clock: Clock, *, key: bytes) -> None:
        self._roadway = roadway
        self._store = store
        self._clock = clock
        self._key = key
        self.counts = FixCounts()
        self.set_aside = 0
        """How often a vehicle was set aside because it could not be settled."""
        self._has_settled = False

    @cached_property
    def context(self) -> TollContext:
        """The tariff systems in force."""
        return toll_context(self._roadway)

    @cached_property
    def crossing_points(self) -> tuple[CrossingPoint, ...]:
        """The toll points on the main line that have a kilometre on this road; on others only reads tell."""
        found = []
        for point in self.context.points.values():
            if point.km is None or point.at != "main line":
                continue
            with contextlib.suppress(LabelNotFound):
                measure_m = self._roadway.road.calibration.measure_at_km(point.km)
                found.append(CrossingPoint(point.id, measure_m, frozenset(point.carriageways)))
        return tuple(found)

    def take_fixes(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Commit the fixes and crossings of messages (subject, payload), in their order; returns after COMMIT.

        What cannot be used is counted and dropped: the caller acknowledges all of them.
        """
        by_vehicle: dict[str, list[list[Fix]]] = {}
        now_ms = self._clock.now_ms()
        for subject, payload in messages:
            try:
                plain, fixes = _parsed(subject, payload, now_ms)
            except ValueError as error:
                self.counts.refuse(str(error))
                continue
            except _UNFORESEEN as error:
                self.counts.refuse(f"it cannot be read: {type(error).__name__}")
                continue
            by_vehicle.setdefault(plain, []).append(fixes)
        for plain, batches in sorted(by_vehicle.items()):
            try:
                crossed = self._store.within(partial(self._take, plain=plain, batches=batches, now_ms=now_ms))
            except _UNFORESEEN as error:
                self.counts.refuse(f"it cannot be dealt with: {type(error).__name__}", len(batches))
                continue
            if crossed is None:
                self.counts.refuse("the vehicle has no contract for own fixes", len(batches))
                continue
            self.counts.messages += len(batches)
            self.counts.fixes += sum(len(fixes) for fixes in batches)
            self.counts.crossings += crossed

    def settle(self, limit: int = 10_000) -> list[dict[str, Any]]:
        """Settle every vehicle that is due; the charges that changed.

        Those that cannot be settled are put aside, and tried again when this desk opens, or with news of theirs.
        """
        now_ms = self._clock.now_ms()
        with self._store.transaction() as connection:
            if not self._has_settled:
                tracks.take_up(connection, now_ms)
            due = tracks.due_vehicles(connection, now_ms, limit)
        self._has_settled = True
        done = settle_all(self._store, self.context, due, now_ms)
        self.set_aside += len(done.set_aside)
        return done.changed

    def _take(self, connection: Connection, plain: str, batches: list[list[Fix]], now_ms: int) -> int | None:
        """Commit what one vehicle sent, message by message as if each came alone; its crossings, None if unbound."""
        hidden = identity_key(self._key, "own", plain)
        vehicle_key = is_bound(connection, hidden)
        if vehicle_key is None:
            return None
        track = Track.of(tracks.lock_track(connection, vehicle_key))
        found: list[Crossing] = []
        for fixes in batches:
            track, more = crossings(track, located(self._index, track, fixes), self.crossing_points)
            found += more
        tracks.save_track(connection, vehicle_key, track.as_dict())
        rows = [_read_row(crossing, plain_key=hidden, vehicle_key=vehicle_key, now_ms=now_ms) for crossing in found]
        new = set(store_reads(connection, rows, now_ms))
        for row, crossing in zip(rows, found, strict=True):
            if row["read_id"] in new:
                tracks.save_crossing(connection, row["read_id"], vehicle_key, crossing)
        return len(new)

    @cached_property
    def _index(self) -> AxisIndex:
        return AxisIndex(self._roadway.road)


def _read_row(crossing: Crossing, *, plain_key: str, vehicle_key: str, now_ms: int) -> dict[str, Any]:
    point, time_ms = crossing.toll_point, crossing.time_ms
    return {
        "read_id": read_id_of(_SOURCE, "fixes", None, time_ms, plain_key, point),
        "source": _SOURCE,
        "device": "fixes",
        "time_ms": time_ms,
        "toll_point": point,
        "means": "own",
        "identity_key": plain_key,
        "vehicle_key": vehicle_key,
        "movement": "through",
        "received_ms": now_ms,
        "doubt": crossing.doubt,
        "fate": "held" if crossing.doubt else "open",
        "reason": "own_fixes_in_doubt" if crossing.doubt else None,
    }


def _parsed(subject: str, payload: bytes, now_ms: int) -> tuple[str, list[Fix]]:
    """Login and vehicle of a message and its fixes; a ValueError that names what is wrong in few words."""
    words = subject.replace("/", ".").split(".")
    if len(words) != 5 or words[:3] != ["cits", "in", "toll"]:
        raise ValueError("the subject is not cits.in.toll.<login>.<vehicle>")
    try:
        said = json.loads(payload)["fixes"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError('the payload is not {"fixes": [...]}') from None
    if not isinstance(said, list) or len(said) > _FIXES_MAX:
        raise ValueError(f"fixes is not a list of at most {_FIXES_MAX}")
    return f"{words[3]}/{words[4]}", [_fix(body, now_ms) for body in said]


def _fix(body: Any, now_ms: int) -> Fix:
    if not isinstance(body, dict):
        raise ValueError("a fix is not an object")
    time_ms = body.get("time_ms")
    if not isinstance(time_ms, int) or isinstance(time_ms, bool) or not 0 < time_ms <= now_ms + _AHEAD_MS:
        raise ValueError("a fix has no time, or lies ahead of the clock")
    speed = body.get("speed_mps")
    return Fix(
        time_ms,
        _number(body.get("latitude_deg"), 90.0),
        _number(body.get("longitude_deg"), 180.0),
        None if speed is None else _number(speed, 200.0),
    )


def _number(said: Any, bound: float) -> float:
    # in this order: a whole number of 400 digits compares, but no float can hold it
    if not isinstance(said, (int, float)) or isinstance(said, bool) or not abs(said) <= bound:
        raise ValueError("a fix has a number out of bounds")
    return float(said)
