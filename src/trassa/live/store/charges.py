"""Charges and trips as they stand, written with their ledger entries, and told to those who ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Json as _Json

from trassa.clock import rfc3339
from trassa.errors import InputError
from trassa.live.store.ledger import append_entries, entries_of
from trassa.live.store.reads import read_fates, reads_with_fate, set_fates
from trassa.live.store.store import Connection
from trassa.toll.charge import Charge, Outcome
from trassa.toll.ledger import Entry, content_hash
from trassa.toll.trip import Trip

__all__ = [
    "amounts",
    "explain_charge",
    "fates_of",
    "find_charge",
    "list_charges",
    "list_held",
    "save_outcome",
    "totals",
]

_ENDS = """
 passages -> 0 ->> 'toll_point' AS entry,
 CASE WHEN json_array_length(passages) > 1 THEN passages -> -1 ->> 'toll_point' END AS exit
"""
"""Where a trip began, and where it ended if that is another passage."""
_COLUMNS = "charge_key, system, vehicle_key, contract_id, amount_minor, currency, event_time_ms, changed_ms"


def save_outcome(
    connection: Connection, vehicle_key: str, outcome: Outcome, entries: Sequence[Entry], now_ms: int
) -> list[dict[str, Any]]:
    """Write what the rules made of a vehicle's reads: entries, charges, trips, fates; the charges that changed."""
    explanations = {content_hash(charge.explanation): charge.explanation for charge in outcome.charges.values()}
    wanted = {entry.explanation_sha256 for entry in entries}
    numbers = append_entries(
        connection, entries, {key: body for key, body in explanations.items() if key in wanted}, now_ms
    )
    changed = [_moved(connection, charge) for charge in _changed(vehicle_key, outcome, entries, numbers, now_ms)]
    _save_trips(connection, vehicle_key, outcome)
    set_fates(connection, fates_of(outcome))
    return changed


def list_charges(
    connection: Connection, *, vehicle_key: str | None = None, since_ms: int | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """Charges, the latest trip first; ``state`` is charged, or reversed with amount 0.

    ``entry`` and ``exit`` are toll points; null where the trip is no more, or where it was seen only once.
    """
    rows = connection.execute(
        f"SELECT {_COLUMNS}, CASE WHEN amount_minor = 0 THEN 'reversed' ELSE 'charged' END AS state, entry, exit"
        f" FROM charge LEFT JOIN (SELECT charge_key, {_ENDS} FROM trip) AS ends USING (charge_key)"
        " WHERE (%(vehicle)s::text IS NULL OR vehicle_key = %(vehicle)s)"
        " AND (%(since)s::bigint IS NULL OR event_time_ms >= %(since)s)"
        " ORDER BY event_time_ms DESC, charge_key LIMIT %(limit)s",
        {"vehicle": vehicle_key, "since": since_ms, "limit": limit},
    ).fetchall()
    return [row | {"time": rfc3339(row["event_time_ms"])} for row in rows]


def list_held(connection: Connection, *, vehicle_key: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """Trips that are held, the latest first, with the reason for programs and the text for people."""
    return connection.execute(
        f"SELECT charge_key, system, vehicle_key, reason, said AS text, event_time_ms, passages, {_ENDS} FROM trip"
        " WHERE state = 'held' AND (%(vehicle)s::text IS NULL OR vehicle_key = %(vehicle)s)"
        " ORDER BY event_time_ms DESC, charge_key LIMIT %(limit)s",
        {"vehicle": vehicle_key, "limit": limit},
    ).fetchall()


def find_charge(connection: Connection, name: str) -> str:
    """The charge key that a name means: the whole key, or a beginning of its last part that no other has."""
    rows = connection.execute(
        "SELECT charge_key FROM trip WHERE charge_key = %(name)s OR split_part(charge_key, ':', 3) LIKE %(start)s"
        " UNION SELECT charge_key FROM charge WHERE charge_key = %(name)s"
        " OR split_part(charge_key, ':', 3) LIKE %(start)s LIMIT 3",
        {"name": name, "start": name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"},
    ).fetchall()
    keys = sorted(row["charge_key"] for row in rows)
    if name in keys:
        return name
    if not keys:
        raise InputError(f"charge: there is no {name!r}", cure="trassa toll audit lists how many there are")
    if len(keys) > 1:
        raise InputError(f"charge: {name!r} may be {' or '.join(keys[:2])}", cure="give the whole key")
    return str(keys[0])


def explain_charge(connection: Connection, charge_key: str) -> dict[str, Any] | None:
    """Why a driver pays this, or why the trip is held or open: amounts, rules, reads, ledger entries."""
    trip = connection.execute(
        "SELECT charge_key, system, vehicle_key, state, reason, said, event_time_ms, passages, read_ids FROM trip"
        " WHERE charge_key = %s",
        [charge_key],
    ).fetchone()
    charge = connection.execute(
        f"SELECT {_COLUMNS}, (SELECT body FROM explanation x JOIN entry e ON e.explanation_sha256 = x.sha256"
        "  WHERE e.id = charge.entry_id) AS explanation FROM charge WHERE charge_key = %s",
        [charge_key],
    ).fetchone()
    if trip is None and charge is None:
        return None
    found = trip or charge or {}
    state = trip["state"] if trip else "reversed"
    return {
        "charge_key": charge_key,
        "state": state,
        "reason": trip and trip["reason"],
        "text": trip and trip["said"],
        "system": found["system"],
        "vehicle_key": found["vehicle_key"],
        "contract_id": charge and charge["contract_id"],
        "amount_minor": charge["amount_minor"] if charge else 0,
        "currency": charge and charge["currency"],
        "time": rfc3339(found["event_time_ms"]),
        "passages": trip and trip["passages"],
        "explanation": charge["explanation"] if charge and state == "charged" else None,
        "reads": reads_with_fate(connection, trip["read_ids"]) if trip else [],
        "entries": entries_of(connection, charge_key),
    }


def amounts(connection: Connection) -> dict[str, tuple[int, str]]:
    """Amount and currency of every charge as listed, reversed ones with 0."""
    rows = connection.execute("SELECT charge_key, amount_minor, currency FROM charge ORDER BY charge_key").fetchall()
    return {row["charge_key"]: (row["amount_minor"], row["currency"]) for row in rows}


def totals(connection: Connection) -> dict[str, Any]:
    """Amounts by currency, trips by state, held ones by reason, reads by fate."""
    charged = connection.execute(
        "SELECT currency, sum(amount_minor)::bigint AS amount_minor,"
        " count(*) FILTER (WHERE amount_minor <> 0) AS charges FROM charge GROUP BY currency ORDER BY currency"
    ).fetchall()
    held = connection.execute(
        "SELECT reason, count(*) AS trips FROM trip WHERE state = 'held' GROUP BY reason ORDER BY reason"
    ).fetchall()
    states = connection.execute("SELECT state, count(*) AS trips FROM trip GROUP BY state").fetchall()
    return {
        "charged": charged,
        "trips": dict.fromkeys(("open", "charged", "held"), 0) | {row["state"]: row["trips"] for row in states},
        "held": {row["reason"]: row["trips"] for row in held},
        "reads": read_fates(connection),
    }


def _changed(
    vehicle_key: str, outcome: Outcome, entries: Sequence[Entry], numbers: Sequence[int], now_ms: int
) -> list[dict[str, Any]]:
    """The charge rows that entries lead to, each once, as its last entry leaves it."""
    rows: dict[str, dict[str, Any]] = {}
    for entry, number in zip(entries, numbers, strict=True):
        charge: Charge | None = outcome.charges.get(entry.charge_key)
        stands = entry.kind == "charge" and charge is not None
        rows[entry.charge_key] = {
            "charge_key": entry.charge_key,
            "system": entry.charge_key.partition(":")[0],
            "vehicle_key": vehicle_key,
            "contract_id": charge.contract_id if charge else None,
            "amount_minor": charge.amount_minor if charge and stands else 0,
            "currency": entry.postings[0].currency,
            "event_time_ms": entry.event_ms,
            "changed_ms": now_ms,
            "entry_id": number,
        }
    return list(rows.values())


def _moved(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    connection.execute(
        f"INSERT INTO charge ({_COLUMNS}, entry_id) VALUES (%(charge_key)s, %(system)s, %(vehicle_key)s,"
        " %(contract_id)s, %(amount_minor)s, %(currency)s, %(event_time_ms)s, %(changed_ms)s, %(entry_id)s)"
        " ON CONFLICT (charge_key) DO UPDATE SET contract_id = coalesce(excluded.contract_id, charge.contract_id),"
        " amount_minor = excluded.amount_minor, event_time_ms = excluded.event_time_ms,"
        " changed_ms = excluded.changed_ms, entry_id = excluded.entry_id",
        row,
    )
    return row | {"state": "charged" if row["amount_minor"] else "reversed"}


def _save_trips(connection: Connection, vehicle_key: str, outcome: Outcome) -> None:
    connection.execute("DELETE FROM trip WHERE vehicle_key = %s", [vehicle_key])
    rows: list[list[Any]] = []
    for key, charge in outcome.charges.items():
        passages = charge.explanation["passages"]
        rows.append([key, charge.system, "charged", None, None, charge.event_ms, passages, charge.read_ids])
    for key, held in outcome.held.items():
        rows.append([key, held.system, "held", held.reason, held.text, held.event_ms, held.passages, held.read_ids])
    for key, trip in outcome.open.items():
        rows.append([key, trip.system, "open", None, None, trip.exit.time_ms, _seen(trip), trip.read_ids])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO trip (vehicle_key, charge_key, system, state, reason, said, event_time_ms, passages, read_ids)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [[vehicle_key, *row[:6], _Json(list(row[6])), list(row[7])] for row in rows],
        )


def _seen(trip: Trip) -> list[Mapping[str, Any]]:
    return [{"toll_point": passage.toll_point, "time": rfc3339(passage.time_ms)} for passage in trip.passages]


def fates_of(outcome: Outcome) -> dict[str, tuple[str, str | None]]:
    """Fate and reason of every read: a held one says that of its trip."""
    why = {read_id: held.reason for held in outcome.held.values() for read_id in held.read_ids}
    said: dict[str, tuple[str, str | None]] = {}
    for read_id, fate in outcome.read_fates.items():
        reason = why.get(read_id) if fate == "held" else "toll_point_not_known" if fate == "rejected" else None
        said[read_id] = (fate, reason)
    return said
