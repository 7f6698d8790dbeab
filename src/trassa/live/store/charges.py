"""Charges and trips as they stand, told to those who ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

from trassa.clock import rfc3339
from trassa.errors import InputError
from trassa.live.store.ledger import entries_of
from trassa.live.store.reads import read_fates, reads_with_fate
from trassa.live.store.store import Connection
from trassa.live.store.tracks import aside

__all__ = [
    "explain_charge",
    "find_charge",
    "list_charges",
    "list_held",
    "misstated",
    "totals",
]

_ENDS = """
 passages -> 0 ->> 'toll_point' AS entry,
 CASE WHEN json_array_length(passages) > 1 THEN passages -> -1 ->> 'toll_point' END AS exit
"""
"""Where a trip began, and where it ended if that is another passage."""
_LATEST: LiteralString = "ORDER BY event_time_ms DESC, charge_key LIMIT %(limit)s"
_COLUMNS = "charge_key, system, vehicle_key, contract_id, amount_minor, currency, event_time_ms, changed_ms"


def list_charges(
    connection: Connection,
    *,
    vehicle_key: str | None = None,
    since_ms: int | None = None,
    before: tuple[int, str] | None = None,
    limit: int = 200,
) -> list[dict[str, Any]]:
    """Charges, the latest trip first; ``state`` is charged, or reversed with amount 0.

    ``entry`` and ``exit`` are toll points; null where the trip is no more, or where it was seen only once. ``before``
    is event time and charge key of the last row of the page before.
    """
    wanted, values = _page(vehicle_key, before, limit)
    if since_ms is not None:
        wanted, values = [*wanted, "event_time_ms >= %(since)s"], values | {"since": since_ms}
    rows = connection.execute(
        f"WITH page AS MATERIALIZED (SELECT {_COLUMNS}, entry_id FROM charge {_where(wanted)} {_LATEST})"
        f" SELECT {_COLUMNS}, entry, exit, CASE WHEN (SELECT e.kind FROM entry e WHERE e.id = page.entry_id)"
        " = 'charge' THEN 'charged' ELSE 'reversed' END AS state"
        f" FROM page LEFT JOIN LATERAL (SELECT {_ENDS} FROM trip WHERE trip.charge_key = page.charge_key OFFSET 0)"
        " AS ends ON true ORDER BY event_time_ms DESC, charge_key",
        values,
    ).fetchall()
    return [row | {"time": rfc3339(row["event_time_ms"])} for row in rows]


def list_held(
    connection: Connection, *, vehicle_key: str | None = None, before: tuple[int, str] | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """Trips that are held, the latest first, with the reason for programs and the text for people."""
    wanted, values = _page(vehicle_key, before, limit)
    return connection.execute(
        f"SELECT charge_key, system, vehicle_key, reason, said AS text, event_time_ms, passages, {_ENDS} FROM trip"
        f" {_where(['state = %(held)s', *wanted])} {_LATEST}",
        values | {"held": "held"},
    ).fetchall()


def _page(
    vehicle_key: str | None, before: tuple[int, str] | None, limit: int
) -> tuple[list[LiteralString], dict[str, Any]]:
    """What rows of a page fulfil; only what is asked stands in the statement, so that an index serves each."""
    wanted: list[LiteralString] = []
    if vehicle_key is not None:
        wanted.append("vehicle_key = %(vehicle)s")
    if before is not None:
        wanted.append("event_time_ms <= %(before)s AND (event_time_ms < %(before)s OR charge_key > %(last)s)")
    before_ms, last = before or (None, None)
    return wanted, {"vehicle": vehicle_key, "before": before_ms, "last": last, "limit": limit}


def _where(wanted: Sequence[LiteralString]) -> LiteralString:
    return "WHERE " + " AND ".join(wanted) if wanted else ""


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
        raise InputError(f"charge: there is no {name!r}", cure="trassa toll charges lists them")
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


def misstated(connection: Connection) -> Iterator[str]:
    """Where the list of charges does not say what the ledger says; both whole, compared by the database."""
    for row in connection.execute(
        "SELECT charge_key, amount_minor, currency, coalesce(owed, 0)::bigint AS owed FROM charge LEFT JOIN"
        " (SELECT e.charge_key, p.currency, sum(p.amount_minor) AS owed"
        "  FROM entry e JOIN posting p ON p.entry_id = e.id"
        "  WHERE e.kind IN ('charge', 'reversal') AND p.account LIKE 'receivable:%' GROUP BY 1, 2) AS ledger"
        " USING (charge_key, currency) WHERE amount_minor <> coalesce(owed, 0) ORDER BY charge_key"
    ):
        name, listed, owed = row["charge_key"], row["amount_minor"], row["owed"]
        yield f"charge {name}: listed with {listed} {row['currency']}, in the ledger {owed}"
    for row in connection.execute(
        "SELECT DISTINCT charge_key FROM entry e LEFT JOIN charge c USING (charge_key)"
        " WHERE c.charge_key IS NULL AND e.kind IN ('charge', 'reversal') ORDER BY charge_key"
    ):
        yield f"charge {row['charge_key']}: in the ledger and not listed"
    for row in connection.execute(
        "SELECT charge_key, vehicle_key FROM charge WHERE vehicle_key <> split_part(charge_key, ':', 2)"
    ):
        yield f"charge {row['charge_key']}: listed under vehicle {row['vehicle_key']}"


def totals(connection: Connection) -> dict[str, Any]:
    """Amounts by currency, trips by state, held ones by reason, reads by fate, vehicles set aside.

    It counts every row: to be asked now and then, not by the second.
    """
    charged = connection.execute(
        "SELECT currency, sum(amount_minor)::bigint AS amount_minor,"
        " count(*) FILTER (WHERE e.kind = 'charge') AS charges FROM charge JOIN entry e ON e.id = entry_id"
        " GROUP BY currency ORDER BY currency"
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
        "set_aside": len(aside(connection)),
    }
