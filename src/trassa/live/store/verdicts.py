"""What the rules made of vehicles' reads, written with its ledger entries: charges, trips and the fates of reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trassa.clock import rfc3339
from trassa.live.store.ledger import add_rows, append_entries
from trassa.live.store.reads import set_fates
from trassa.live.store.store import Connection
from trassa.toll.charge import Charge, HeldTrip, Outcome
from trassa.toll.ledger import Entry
from trassa.toll.trip import Trip

__all__ = ["TripSays", "Verdict", "fates_of", "save_verdicts", "stored_trips", "trips_of"]

TripSays = tuple[str, str | None]
"""State of a trip, and the reason where it is held."""


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
    stands = {entry.charge_key: entry.kind for entry in entries}
    changed = [row for verdict in verdicts for row in _changed(verdict, numbers, now_ms)]
    _save_charges(connection, changed)
    _save_trips(connection, verdicts)
    set_fates(connection, {name: said for verdict in verdicts for name, said in fates_of(verdict.outcome).items()})
    return [
        {name: said for name, said in row.items() if name != "entry_id"}
        | {"state": "charged" if stands[row["charge_key"]] == "charge" else "reversed"}
        for row in changed
    ]


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


def trips_of(outcome: Outcome) -> dict[str, TripSays]:
    """State and reason of every trip, by charge key."""
    said: dict[str, TripSays] = dict.fromkeys(outcome.charges, ("charged", None))
    said |= {key: ("held", held.reason) for key, held in outcome.held.items()}
    return said | dict.fromkeys(outcome.open, ("open", None))


def stored_trips(connection: Connection, keys: Collection[str]) -> dict[str, dict[str, TripSays]]:
    """By vehicle: state and reason of the trips that are listed, by charge key."""
    found: dict[str, dict[str, TripSays]] = {key: {} for key in keys}
    for row in connection.execute(
        "SELECT vehicle_key, charge_key, state, reason FROM trip WHERE vehicle_key = ANY(%s)", [list(keys)]
    ):
        found[row["vehicle_key"]][row["charge_key"]] = (row["state"], row["reason"])
    return found


def fates_of(outcome: Outcome) -> dict[str, tuple[str, str | None]]:
    """Fate and reason of every read: a held one says that of its trip."""
    why = {read_id: held.reason for held in outcome.held.values() for read_id in held.read_ids}
    said: dict[str, tuple[str, str | None]] = {}
    for read_id, fate in outcome.read_fates.items():
        reason = why.get(read_id) if fate == "held" else "toll_point_not_known" if fate == "rejected" else None
        said[read_id] = (fate, reason)
    return said
