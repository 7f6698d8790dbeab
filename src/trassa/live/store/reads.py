"""Reads as they are accepted: checked, their identity hidden, stored once, and their fate looked up.

Numbered rules of acceptance:

1. A read is refused, and stored as rejected with the reason, where a field is missing, of the wrong kind or out of
   bounds, where the toll point is not known, and where it lies more than 5 minutes ahead of the clock.
2. The same observation again (same read id, same time) is the same read: its receipt tells its fate by now.
3. The same read id with another time is rejected: a device that begins to count anew must say so by another name.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import args_row

from trassa.live.store.identities import KINDS, identity_key, mark_due, vehicle_keys
from trassa.live.store.store import Connection, by_index
from trassa.toll.read import Read, digest_of, read_id_of

__all__ = [
    "Receipt",
    "accept_reads",
    "read_fates",
    "reads_of",
    "reads_with_fate",
    "set_fates",
    "store_reads",
    "stored_fates",
]

MOVEMENTS = ("entry", "exit", "through", "unknown")
_AHEAD_MS = 300_000
_EARLIEST_MS = 946_684_800_000
"""2000-01-01: before it, a device's clock was never set."""
_LONGEST = 200
_LARGEST = 2**53
"""Whole numbers up to here survive every JSON reader."""
_KNOWN = ("source", "device", "sequence", "time_ms", "toll_point", "means", "vehicle_class", "movement")


@dataclass(frozen=True)
class Receipt:
    """What became of a read: ``fate`` is open, charged, duplicate, exempt, held or rejected."""

    read_id: str
    fate: str
    reason: str | None = None

    def as_dict(self) -> dict[str, str]:
        """As it stands in JSON; without a reason where there is none."""
        said = {"read_id": self.read_id, "fate": self.fate}
        return said | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True)
class _Seen:
    """A checked read with its plain identity, which goes no further than the identity table."""

    read_id: str
    source: str
    device: str
    sequence: str | None
    time_ms: int
    toll_point: str
    means: str
    plain: str
    identity_key: str
    vehicle_class: str | None
    movement: str


def accept_reads(
    connection: Connection,
    reads: Sequence[Any],
    now_ms: int,
    key: bytes,
    *,
    toll_points: Collection[str] | None = None,
) -> list[Receipt]:
    """Store reads from a door, in one transaction with their receipts; ``reads`` are JSON objects as they came.

    Without ``toll_points`` an unknown one shows only when the vehicle is settled: the read is then rejected.
    """
    by_index(connection)
    receipts: list[Receipt | None] = [None] * len(reads)
    seen: dict[int, _Seen] = {}
    for index, body in enumerate(reads):
        reason = _fault_of(body, now_ms, toll_points)  # RULE 1
        if reason:
            receipts[index] = _reject(connection, body, reason, now_ms, key)
        else:
            seen[index] = _seen(body, key)
    stored = _stored(connection, seen.values(), now_ms)
    for index, read in seen.items():
        fate = stored[read.read_id]
        if fate["time_ms"] != read.time_ms:  # RULE 3
            reason = f"read id {read.read_id} was used at {fate['time_ms']}: the device counts anew"
            receipts[index] = _reject(connection, reads[index], reason, now_ms, key)
        else:  # RULE 2
            receipts[index] = Receipt(read.read_id, fate["fate"], fate["reason"])
    return [receipt for receipt in receipts if receipt is not None]


def store_reads(connection: Connection, rows: Iterable[Mapping[str, Any]], now_ms: int) -> list[str]:
    """Store rows of the table ``read``, those not there yet; their ids. Their vehicles are to be settled."""
    columns = (
        "read_id", "source", "device", "sequence", "time_ms", "toll_point", "means", "identity_key", "vehicle_key",
        "vehicle_class", "movement", "received_ms", "doubt", "fate", "reason",
    )  # fmt: skip
    ordered = sorted(rows, key=lambda row: str(row["read_id"]))  # two writers meet in one order
    if not ordered:
        return []
    arrays = [[row.get(column) for row in ordered] for column in columns]
    kinds = ["bigint" if column.endswith("_ms") else "text" for column in columns]
    new = connection.execute(
        f"INSERT INTO read ({', '.join(columns)})"
        f" SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"
        " ON CONFLICT (read_id) DO NOTHING RETURNING read_id, vehicle_key, time_ms",
        arrays,
    ).fetchall()
    since_ms: dict[str, int] = {}
    for row in new:
        key = row["vehicle_key"]
        since_ms[key] = min(row["time_ms"], since_ms.get(key, row["time_ms"]))
    if since_ms:
        mark_due(connection, since_ms, now_ms)
    return [row["read_id"] for row in new]


def reads_of(connection: Connection, since_ms: Mapping[str, int]) -> dict[str, list[Read]]:
    """The reads of vehicles that may count as evidence, each vehicle's from a moment on, in order of time."""
    found: dict[str, list[Read]] = {key: [] for key in since_ms}
    with connection.cursor(row_factory=args_row(Read)) as cursor:
        cursor.execute(
            "SELECT time_ms, read_id, source, device, coalesce(sequence, ''), toll_point, means, vehicle_key,"
            " vehicle_class, movement FROM unnest(%s::text[], %s::bigint[]) AS asked (vehicle_key, since_ms)"
            " JOIN read USING (vehicle_key) WHERE time_ms >= since_ms AND doubt IS NULL ORDER BY time_ms, read_id",
            [list(since_ms), list(since_ms.values())],
        )
        for read in cursor:
            found[read.vehicle_key].append(read)
    return found


def set_fates(connection: Connection, fates: Mapping[str, tuple[str, str | None]]) -> None:
    """Note fate and reason by read id; rows that say so already are not written."""
    ids = sorted(fates)
    connection.execute(
        "UPDATE read SET fate = new.fate, reason = new.reason"
        " FROM unnest(%s::text[], %s::text[], %s::text[]) AS new (read_id, fate, reason)"
        " WHERE read.read_id = new.read_id AND (read.fate, read.reason) IS DISTINCT FROM (new.fate, new.reason)",
        [ids, [fates[name][0] for name in ids], [fates[name][1] for name in ids]],
    )


def stored_fates(connection: Connection, keys: Collection[str]) -> dict[str, dict[str, tuple[str, bool]]]:
    """By vehicle: fate by read id, and whether the read is in doubt."""
    found: dict[str, dict[str, tuple[str, bool]]] = {key: {} for key in keys}
    for row in connection.execute(
        "SELECT vehicle_key, read_id, fate, doubt IS NOT NULL AS is_doubtful FROM read WHERE vehicle_key = ANY(%s)"
        " ORDER BY read_id",
        [list(keys)],
    ):
        found[row["vehicle_key"]][row["read_id"]] = (row["fate"], row["is_doubtful"])
    return found


def read_fates(connection: Connection) -> dict[str, int]:
    """How many reads met each fate; their sum is the number of acknowledged reads."""
    rows = connection.execute(
        "SELECT fate, count(*) AS reads FROM read GROUP BY fate"
        " UNION ALL SELECT 'rejected', count(*) FROM rejected_read"
    ).fetchall()
    names = ("open", "charged", "duplicate", "exempt", "held", "rejected")
    return dict.fromkeys(names, 0) | {row["fate"]: row["reads"] for row in rows}


def reads_with_fate(connection: Connection, read_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Reads by id with what became of them, in order of time, without any identity."""
    return connection.execute(
        "SELECT read_id, source, device, sequence, time_ms, toll_point, means, vehicle_class, movement, received_ms,"
        " doubt, fate, reason FROM read WHERE read_id = ANY(%s) ORDER BY time_ms, read_id",
        [list(read_ids)],
    ).fetchall()


def _stored(connection: Connection, seen: Iterable[_Seen], now_ms: int) -> dict[str, dict[str, Any]]:
    """Store what is new; time, fate and reason by read id, of the old ones too.

    Only new reads note their identity: one that was erased does not come back with a message sent again.
    """
    unique = {read.read_id: read for read in reversed(list(seen))}
    if not unique:
        return {}
    known = _times_and_fates(connection, list(unique))
    new = [read for read_id, read in unique.items() if read_id not in known]
    if not new:
        return known
    keys = vehicle_keys(connection, {read.identity_key: (read.means, read.plain) for read in new})
    rows = [
        {name: getattr(read, name) for name in _Seen.__dataclass_fields__ if name != "plain"}
        | {"vehicle_key": keys[read.identity_key], "received_ms": now_ms, "fate": "open"}
        for read in new
    ]
    store_reads(connection, rows, now_ms)
    return known | _times_and_fates(connection, [read.read_id for read in new])


def _times_and_fates(connection: Connection, read_ids: list[str]) -> dict[str, dict[str, Any]]:
    rows = connection.execute(
        "SELECT read_id, time_ms, fate, reason FROM read WHERE read_id = ANY(%s)", [read_ids]
    ).fetchall()
    return {row["read_id"]: row for row in rows}


def _seen(body: Mapping[str, Any], key: bytes) -> _Seen:
    means, plain = body["means"], body["identity"]
    hidden = identity_key(key, means, plain)
    said = body.get("sequence")
    sequence = None if said is None else str(said)
    vehicle_class = body.get("vehicle_class")
    return _Seen(
        read_id_of(body["source"], body["device"], sequence, body["time_ms"], hidden, body["toll_point"]),
        body["source"],
        body["device"],
        sequence,
        body["time_ms"],
        body["toll_point"],
        means,
        plain,
        hidden,
        None if vehicle_class is None else str(vehicle_class),
        body.get("movement") or "unknown",
    )


def _fault_of(body: Any, now_ms: int, toll_points: Collection[str] | None) -> str:
    """Why a read cannot be accepted; empty where it can."""
    if not isinstance(body, Mapping):
        return "it is not an object"
    for name in ("source", "device", "toll_point", "identity"):
        if not _is_word(body.get(name)):
            return f"{name} is not a text of 1 to {_LONGEST} characters"
    time_ms = body.get("time_ms")
    if not isinstance(time_ms, int) or isinstance(time_ms, bool) or abs(time_ms) > _LARGEST:
        return "time_ms is not an integer of milliseconds of UTC"
    for name in ("sequence", "vehicle_class"):
        said = body.get(name)
        is_number = isinstance(said, int) and not isinstance(said, bool) and abs(said) <= _LARGEST
        if said is not None and not is_number and not _is_word(said):
            return f"{name} is neither a whole number nor a text of 1 to {_LONGEST} characters"
    return _fault_in_meaning(body, now_ms, toll_points)


def _fault_in_meaning(body: Mapping[str, Any], now_ms: int, toll_points: Collection[str] | None) -> str:
    time_ms = body["time_ms"]
    if time_ms > now_ms + _AHEAD_MS:
        return f"time_ms lies {(time_ms - now_ms) / 1000:.0f} s ahead of the clock; allowed are {_AHEAD_MS // 1000} s"
    if time_ms < _EARLIEST_MS:
        return "time_ms lies before the year 2000"
    if body.get("means") not in ("tag", "plate"):
        return "means is neither tag nor plate"
    if (body.get("movement") or "unknown") not in MOVEMENTS:
        return f"movement is none of {', '.join(MOVEMENTS)}"
    if toll_points is not None and body["toll_point"] not in toll_points:
        return f"toll point {body['toll_point']!r} is not known here"
    return ""


def _is_word(said: Any) -> bool:
    """A text that the database can hold: short, without NUL and without half a surrogate pair."""
    return isinstance(said, str) and 0 < len(said) <= _LONGEST and said == _storable(said)


def _reject(connection: Connection, body: Any, reason: str, now_ms: int, key: bytes) -> Receipt:
    """Keep what was refused, by the hash of what it says; its identity only hidden, fields unknown to us not at all."""
    kept: dict[str, Any] = {"said": type(body).__name__}
    if isinstance(body, Mapping):
        kept = {name: _short(body[name]) for name in _KNOWN if name in body}
        if "identity" in body:
            kind = body.get("means") if body.get("means") in KINDS else "unknown"
            kept["identity_key"] = identity_key(key, str(kind), _storable(str(body["identity"])[:_LONGEST]))
    read_id = digest_of("rejected", kept)[:32]
    connection.execute(
        "INSERT INTO rejected_read (read_id, body, reason, received_ms) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (read_id) DO NOTHING",
        [read_id, json.dumps(kept, ensure_ascii=False), reason, now_ms],
    )
    return Receipt(read_id, "rejected", reason)


def _short(said: Any) -> Any:
    if said is None or isinstance(said, bool) or (isinstance(said, int) and abs(said) <= _LARGEST):
        return said
    return _storable(str(said)[:_LONGEST]) if isinstance(said, (str, float)) else type(said).__name__


def _storable(said: str) -> str:
    return said.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
