"""Charges and trips as they stand, written with their ledger entries, and told to those who ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trassa.clock import rfc3339
from trassa.errors import InputError
from trassa.live.store.ledger import add_rows, append_entries, entries_of
from trassa.live.store.reads import read_fates, reads_with_fate, set_fates
from trassa.live.store.store import Connection
from trassa.live.store.tracks import aside
from trassa.toll.charge import Charge, HeldTrip, Outcome
from trassa.toll.ledger import Entry
from trassa.toll.trip import Trip

__all__ = [
    "Verdict",
    "explain_charge",
    "fates_of",
    "find_charge",
    "list_charges",
    "list_held",
    "misstated",
    "save_verdicts",
    "totals",
]

_ENDS = """
 passages -> 0 ->> 'toll_point' AS entry,
 CASE WHEN json_array_length(passages) > 1 THEN passages -> -1 ->> 'toll_point' END AS exit
"""
"""Where a trip began, and where it ended if that is another passage."""
_COLUMNS = "charge_key, system, vehicle_key, contract_id, amount_minor, currency, event_time_ms, changed_ms"


@dataclass(frozen=True)
class Verdict:
    """What the rules made of one vehicle's reads since a moment, and the entries that bring the ledger there."""

    vehicle_key: str
    since_ms: int
    outcome: Outcome
    entries: Sequence[Entry]


def save_verdicts(connection: Connection, verdicts: Sequence[Verdict], now_ms: int) -> list[dict[str, Any]]:
    """Write entries, charges, trips and fates of vehicles whose rows are locked; the charges that changed."""
    entries = [entry for verdict in verdicts for entry in verdict.entries]
    wanted = {(entry.charge_key, entry.explanation_sha256) for entry in entries if entry.kind == "charge"}
    explanations = {
        sha256: verdict.outcome.charges[key].explanation
        for verdict in verdicts
        for key, sha256 in ((entry.charge_key, entry.explanation_sha256) for entry in verdict.entries)
        if (key, sha256) in wanted
    }
    numbers = iter(append_entries(connection, entries, explanations, now_ms))
    changed = [row for verdict in verdicts for row in _changed(verdict, numbers, now_ms)]
    _save_charges(connection, changed)
    _save_trips(connection, verdicts)
    set_fates(connection, {name: said for verdict in verdicts for name, said in fates_of(verdict.outcome).items()})
    return [
        {name: said for name, said in row.items() if name != "entry_id"}
        | {"state": "charged" if row["amount_minor"] else "reversed"}
        for row in changed
    ]


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
        "set_aside": len(aside(connection)),
    }


def _changed(verdict: Verdict, numbers: Iterator[int], now_ms: int) -> Iterable[dict[str, Any]]:
    """The charge rows that entries lead to, each once, as its last entry leaves it."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in verdict.entries:
        charge: Charge | None = verdict.outcome.charges.get(entry.charge_key)
        stands = entry.kind == "charge" and charge is not None
        rows[entry.charge_key] = {
            "charge_key": entry.charge_key,
            "system": entry.charge_key.partition(":")[0],
            "vehicle_key": verdict.vehicle_key,
            "contract_id": charge.contract_id if charge else None,
            "amount_minor": charge.amount_minor if charge and stands else 0,
            "currency": entry.postings[0].currency,
            "event_time_ms": entry.event_ms,
            "changed_ms": now_ms,
            "entry_id": next(numbers),
        }
    return rows.values()


def _save_charges(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    add_rows(
        connection,
        "charge",
        rows,
        "ON CONFLICT (charge_key) DO UPDATE SET contract_id = coalesce(excluded.contract_id, charge.contract_id),"
        " amount_minor = excluded.amount_minor, event_time_ms = excluded.event_time_ms,"
        " changed_ms = excluded.changed_ms, entry_id = excluded.entry_id",
    )


def _save_trips(connection: Connection, verdicts: Sequence[Verdict]) -> None:
    """Write trips anew from each vehicle's moment on."""
    connection.execute(
        "DELETE FROM trip USING unnest(%s::text[], %s::bigint[]) AS judged (vehicle_key, since_ms)"
        " WHERE trip.vehicle_key = judged.vehicle_key AND event_time_ms >= since_ms",
        [[verdict.vehicle_key for verdict in verdicts], [verdict.since_ms for verdict in verdicts]],
    )
    add_rows(connection, "trip", [row for verdict in verdicts for row in _trip_rows(verdict)])


def _trip_rows(verdict: Verdict) -> Iterator[dict[str, Any]]:
    def row(of: Charge | HeldTrip | Trip, state: str, event_ms: int, passages: Sequence[Any]) -> dict[str, Any]:
        held = of if isinstance(of, HeldTrip) else None
        return {
            "vehicle_key": verdict.vehicle_key,
            "charge_key": of.key,
            "system": of.system,
            "state": state,
            "reason": held and held.reason,
            "said": held and held.text,
            "event_time_ms": event_ms,
            "passages": passages,
            "read_ids": of.read_ids,
        }

    for charge in verdict.outcome.charges.values():
        yield row(charge, "charged", charge.event_ms, charge.explanation["passages"])
    for kept in verdict.outcome.held.values():
        yield row(kept, "held", kept.event_ms, kept.passages)
    for trip in verdict.outcome.open.values():
        yield row(trip, "open", trip.exit.time_ms, _seen(trip))


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
