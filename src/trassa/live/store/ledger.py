"""The ledger in the database: entries appended under one chain of hashes, read back, and proven.

Whoever appends holds an advisory lock until COMMIT, so that there is one order of entries. The role of the application
may add and read; that nothing was changed by another hand is proven by :func:`chain_faults`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trassa.live.store.store import Connection
from trassa.toll.ledger import GENESIS, Booked, Entry, Posting, content_hash, entry_hash

__all__ = [
    "Net",
    "add_rows",
    "append_entries",
    "booked",
    "chain_faults",
    "chain_head",
    "entries_of",
    "nets",
    "nets_of",
    "strange_entries",
]

Net = dict[tuple[str, str], int]
"""Amounts by account and currency, minor units."""

_LEDGER_LOCK = 7_355_002
_NOW_AND_THEN = 500


def append_entries(
    connection: Connection, entries: Sequence[Entry], explanations: Mapping[str, Any], now_ms: int
) -> list[int]:
    """Add entries at the end of the chain; their numbers. ``explanations`` are by the SHA-256 of their content.

    In a pipeline what cannot be written shows at its end.
    """
    if not entries:
        return []
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LEDGER_LOCK])
    last_id, last_hash = chain_head(connection)
    numbers: list[int] = []
    rows: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for number, entry in enumerate(entries, start=last_id + 1):
        content = entry.content_hash
        chained = entry_hash(last_hash, content, now_ms)
        rows.append(
            {
                "id": number,
                "kind": entry.kind,
                "charge_key": entry.charge_key,
                "revision": entry.revision,
                "reverses": entry.reverses,
                "content_hash": content,
                "event_time_ms": entry.event_ms,
                "recorded_at_ms": now_ms,
                "explanation_sha256": entry.explanation_sha256,
                "prev_hash": last_hash,
                "hash": chained,
            }
        )
        lines += [
            {
                "entry_id": number,
                "line": i,
                "account": p.account,
                "currency": p.currency,
                "amount_minor": p.amount_minor,
            }
            for i, p in enumerate(entry.postings, start=1)
        ]
        numbers.append(number)
        last_hash = chained
    why = [{"sha256": sha256, "body": body} for sha256, body in explanations.items()]
    add_rows(connection, "explanation", why, "ON CONFLICT DO NOTHING")
    add_rows(connection, "entry", rows)
    add_rows(connection, "posting", lines)
    return numbers


def chain_head(connection: Connection) -> tuple[int, str]:
    """Number and hash of the last entry; who keeps the hash elsewhere can tell that nothing was cut off."""
    row = connection.execute("SELECT id, hash FROM entry ORDER BY id DESC LIMIT 1").fetchone()
    return (int(row["id"]), str(row["hash"])) if row else (0, GENESIS)


def add_rows(connection: Connection, table: str, rows: Sequence[Mapping[str, Any]], conflict: str = "") -> None:
    """Insert rows as one statement with one parameter, ``conflict`` as it says."""
    if not rows:
        return
    names = ", ".join(rows[0])
    connection.execute(
        f"INSERT INTO {table} ({names})"
        f" SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::json) {conflict}",
        [json.dumps(rows, ensure_ascii=False)],
    )


def booked(connection: Connection, since_ms: Mapping[str, int], keys: Sequence[str]) -> dict[str, dict[str, Booked]]:
    """By vehicle: what the ledger holds for its charge keys from a moment on, and for the keys that are named.

    It is the key's last entry, without postings once reversed.
    """
    rows = connection.execute(
        "WITH asked AS (SELECT charge_key, vehicle_key FROM unnest(%s::text[], %s::bigint[]) AS v (vehicle_key, since)"
        "  JOIN charge USING (vehicle_key) WHERE event_time_ms >= since"
        "  UNION SELECT charge_key, vehicle_key FROM charge WHERE charge_key = ANY(%s))"
        " SELECT vehicle_key, e.*, CASE WHEN kind = 'charge' THEN x.body::text ELSE '' END AS explanation FROM asked"
        " CROSS JOIN LATERAL (SELECT id, kind, charge_key, revision, content_hash, event_time_ms, explanation_sha256"
        "  FROM entry WHERE charge_key = asked.charge_key AND kind IN ('charge', 'reversal') ORDER BY id DESC LIMIT 1"
        " ) AS e LEFT JOIN explanation x ON x.sha256 = e.explanation_sha256",
        [list(since_ms), list(since_ms.values()), list(keys)],
    ).fetchall()
    postings = _postings(connection, [row["id"] for row in rows if row["kind"] == "charge"])
    found: dict[str, dict[str, Booked]] = {key: {} for key in since_ms}
    for row in rows:
        found.setdefault(row["vehicle_key"], {})[row["charge_key"]] = Booked(
            row["charge_key"],
            row["revision"],
            row["content_hash"],
            row["event_time_ms"],
            tuple(sorted(postings.get(row["id"], ()))),
            row["explanation_sha256"],
            row["explanation"] or "",
        )
    return found


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


def nets_of(connection: Connection, keys: Sequence[str]) -> dict[str, dict[str, Net]]:
    """By vehicle: what the ledger holds per charge key that is listed; what is zero is left out."""
    found: dict[str, dict[str, Net]] = {key: {} for key in keys}
    for row in connection.execute(
        "SELECT c.vehicle_key, c.charge_key, p.account, p.currency, sum(p.amount_minor)::bigint AS amount_minor"
        " FROM charge c JOIN entry e USING (charge_key) JOIN posting p ON p.entry_id = e.id"
        " WHERE c.vehicle_key = ANY(%s) AND e.kind IN ('charge', 'reversal')"
        " GROUP BY 1, 2, 3, 4 HAVING sum(p.amount_minor) <> 0",
        [list(keys)],
    ):
        net = found[row["vehicle_key"]].setdefault(row["charge_key"], {})
        net[row["account"], row["currency"]] = row["amount_minor"]
    return found


def strange_entries(connection: Connection) -> Iterator[str]:
    """Entries of kinds that the schema knows and nothing here writes."""
    for row in connection.execute("SELECT id, kind FROM entry WHERE kind NOT IN ('charge', 'reversal') ORDER BY id"):
        yield f"entry {row['id']}: of the kind {row['kind']}, which nothing here writes"


def chain_faults(connection: Connection, tell: Callable[[int], object] = lambda number: None) -> Iterator[str]:
    """Everything that is not as it was written: content, chain, numbering, sums, explanations. Reads as a stream.

    ``tell`` hears the number of each entry that was looked at, now and then.
    """
    previous, expected = GENESIS, 1
    for row, postings in _every_entry(connection):
        if row["id"] % _NOW_AND_THEN == 0:
            tell(row["id"])
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
        cursor.itersize = 500
        cursor.execute(
            "SELECT e.*, x.body, (SELECT json_agg(json_build_array(account, currency, amount_minor) ORDER BY line)"
            "  FROM posting WHERE entry_id = e.id) AS lines"
            " FROM entry e LEFT JOIN explanation x ON x.sha256 = e.explanation_sha256 ORDER BY e.id"
        )
        for row in cursor:
            yield row, [Posting(*line) for line in row["lines"] or ()]


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
