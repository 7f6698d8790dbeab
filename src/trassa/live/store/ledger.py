"""The ledger in the database: entries appended under one chain of hashes, read back, and proven.

Whoever appends holds an advisory lock until COMMIT, so that there is one order of entries. The role of the application
may add and read; that nothing was changed by another hand is proven by :func:`chain_faults`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from trassa.live.store.store import Connection
from trassa.toll.ledger import GENESIS, Booked, Entry, Posting, canonical, content_hash, entry_hash

__all__ = ["Net", "append_entries", "booked", "chain_faults", "chain_head", "entries_of", "nets"]

Net = dict[tuple[str, str], int]
"""Amounts by account and currency, minor units."""

_LEDGER_LOCK = 7_355_002


def append_entries(
    connection: Connection, entries: Sequence[Entry], explanations: Mapping[str, Any], now_ms: int
) -> list[int]:
    """Add entries at the end of the chain; their numbers. ``explanations`` are by the SHA-256 of their content."""
    if not entries:
        return []
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LEDGER_LOCK])
    last_id, last_hash = chain_head(connection)
    numbers: list[int] = []
    rows: list[list[Any]] = []
    lines: list[list[Any]] = []
    for number, entry in enumerate(entries, start=last_id + 1):
        content = entry.content_hash
        chained = entry_hash(last_hash, content, now_ms)
        rows.append(
            [number, entry.kind, entry.charge_key, entry.revision, entry.reverses, content, entry.event_ms, now_ms,
             entry.explanation_sha256, last_hash, chained]
        )  # fmt: skip
        lines += [[number, i, p.account, p.currency, p.amount_minor] for i, p in enumerate(entry.postings, start=1)]
        numbers.append(number)
        last_hash = chained
    with connection.pipeline(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO explanation (sha256, body) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [[sha256, canonical(body)] for sha256, body in explanations.items()],
        )
        cursor.executemany(
            "INSERT INTO entry (id, kind, charge_key, revision, reverses, content_hash, event_time_ms, recorded_at_ms,"
            " explanation_sha256, prev_hash, hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
        cursor.executemany(
            "INSERT INTO posting (entry_id, line, account, currency, amount_minor) VALUES (%s, %s, %s, %s, %s)", lines
        )
    return numbers


def chain_head(connection: Connection) -> tuple[int, str]:
    """Number and hash of the last entry; who keeps the hash elsewhere can tell that nothing was cut off."""
    row = connection.execute("SELECT id, hash FROM entry ORDER BY id DESC LIMIT 1").fetchone()
    return (int(row["id"]), str(row["hash"])) if row else (0, GENESIS)


def booked(connection: Connection, vehicle_key: str) -> dict[str, Booked]:
    """What the ledger holds for every charge key of a vehicle: its last entry, without postings once reversed."""
    rows = connection.execute(
        "SELECT DISTINCT ON (e.charge_key) e.id, e.kind, e.charge_key, e.revision, e.content_hash, e.event_time_ms,"
        " e.explanation_sha256 FROM entry e JOIN charge c USING (charge_key)"
        " WHERE c.vehicle_key = %s AND e.kind IN ('charge', 'reversal') ORDER BY e.charge_key, e.id DESC",
        [vehicle_key],
    ).fetchall()
    live = [row["id"] for row in rows if row["kind"] == "charge"]
    postings = _postings(connection, live)
    return {
        row["charge_key"]: Booked(
            row["charge_key"],
            row["revision"],
            row["content_hash"],
            row["event_time_ms"],
            tuple(sorted(postings.get(row["id"], ()))),
            row["explanation_sha256"],
        )
        for row in rows
    }


def entries_of(connection: Connection, charge_key: str) -> list[dict[str, Any]]:
    """Every entry of a charge in order, with its postings."""
    rows = connection.execute(
        "SELECT id, kind, revision, event_time_ms, recorded_at_ms, content_hash, prev_hash, hash FROM entry"
        " WHERE charge_key = %s ORDER BY id",
        [charge_key],
    ).fetchall()
    postings = _postings(connection, [row["id"] for row in rows])
    return [
        row
        | {
            "postings": [
                {"account": p.account, "currency": p.currency, "amount_minor": p.amount_minor}
                for p in postings.get(row["id"], ())
            ]
        }
        for row in rows
    ]


def nets(connection: Connection) -> dict[str, Net]:
    """What the ledger holds per charge key; what is zero is left out."""
    rows = connection.execute(
        "SELECT e.charge_key, p.account, p.currency, sum(p.amount_minor)::bigint AS amount_minor"
        " FROM entry e JOIN posting p ON p.entry_id = e.id WHERE e.kind IN ('charge', 'reversal')"
        " GROUP BY 1, 2, 3 HAVING sum(p.amount_minor) <> 0"
    ).fetchall()
    found: dict[str, Net] = defaultdict(dict)
    for row in rows:
        found[row["charge_key"]][row["account"], row["currency"]] = row["amount_minor"]
    return dict(found)


def chain_faults(connection: Connection) -> Iterator[str]:
    """Everything that is not as it was written: content, chain, numbering, sums, explanations. Reads as a stream."""
    previous, expected = GENESIS, 1
    for row, postings in _every_entry(connection):
        name = f"entry {row['id']}"
        if row["id"] != expected:
            yield f"{name}: entry {expected} is missing before it"
        if row["prev_hash"] != previous:
            yield f"{name}: does not follow the hash of the entry before it"
        content = content_hash(
            {
                "kind": row["kind"],
                "charge_key": row["charge_key"],
                "revision": row["revision"],
                "reverses": row["reverses"],
                "event_ms": row["event_time_ms"],
                "postings": [[p.account, p.currency, p.amount_minor] for p in postings],
                "explanation_sha256": row["explanation_sha256"],
            }
        )
        if content != row["content_hash"]:
            yield f"{name}: its content is not what was written"
        if entry_hash(row["prev_hash"], row["content_hash"], row["recorded_at_ms"]) != row["hash"]:
            yield f"{name}: its hash does not belong to its content"
        if row["body"] is None or content_hash(row["body"]) != row["explanation_sha256"]:
            yield f"{name}: its explanation is not what was written"
        sums: dict[str, int] = defaultdict(int)
        for posting in postings:
            sums[posting.currency] += posting.amount_minor
        yield from (f"{name}: postings sum to {amount} {code}" for code, amount in sums.items() if amount)
        previous, expected = row["hash"], row["id"] + 1


def _every_entry(connection: Connection) -> Iterator[tuple[dict[str, Any], list[Posting]]]:
    with connection.cursor("every_entry") as cursor:  # a cursor on the server: the ledger may be larger than memory
        cursor.itersize = 5000
        cursor.execute(
            "SELECT e.*, p.account, p.currency, p.amount_minor, x.body FROM entry e"
            " LEFT JOIN posting p ON p.entry_id = e.id LEFT JOIN explanation x ON x.sha256 = e.explanation_sha256"
            " ORDER BY e.id, p.line"
        )
        for _, group in groupby(cursor, key=itemgetter("id")):
            rows = list(group)
            yield (
                rows[0],
                [Posting(r["account"], r["currency"], r["amount_minor"]) for r in rows if r["account"] is not None],
            )


def _postings(connection: Connection, ids: Sequence[int]) -> dict[int, list[Posting]]:
    found: dict[int, list[Posting]] = defaultdict(list)
    if ids:
        for row in connection.execute(
            "SELECT entry_id, account, currency, amount_minor FROM posting WHERE entry_id = ANY(%s)"
            " ORDER BY entry_id, line",
            [list(ids)],
        ):
            found[row["entry_id"]].append(Posting(row["account"], row["currency"], row["amount_minor"]))
    return found
