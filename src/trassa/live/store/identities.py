"""Who a vehicle is. Plain identities stand in one table that can be erased; all else knows an HMAC of them.

One vehicle may be seen by its tag, its plate and its own fixes. A contract binds these to one vehicle key; an identity
without a contract is a vehicle of its own. Binding comes before or after the reads: those already stored move over, and
both vehicles are settled again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from typing import Any

from trassa.errors import InputError
from trassa.live.store.store import Connection
from trassa.toll.charge import VehicleFacts

__all__ = ["KINDS", "erase", "facts_of", "identity_key", "is_bound", "mark_due", "register_contract", "vehicle_keys"]

KINDS = ("tag", "plate", "own")
_LONGEST_PLAIN = 200
_EVER_MS = 0
"""A contract may change all that ever was."""


def identity_key(key: bytes, kind: str, plain: str) -> str:
    """The pseudonym of an identity: HMAC-SHA-256 under the book's key, 32 hex digits."""
    return hmac.new(key, f"{kind}\0{plain}".encode(), hashlib.sha256).hexdigest()[:32]


def register_contract(connection: Connection, contract: Mapping[str, Any], now_ms: int, key: bytes) -> str:
    """Bind identities to a contract; the vehicle key.

    ``contract`` holds contract_id, vehicle_class, means, exempt (default false; exempt_from_ms and exempt_until_ms
    bound it where given), identities as list of {kind, plain}.
    Registering again changes class, means and exemption, and adds identities; one bound to another contract is refused.
    """
    contract_id, identities = _checked(contract)
    vehicle_key = identity_key(key, "contract", contract_id)
    connection.execute(
        "INSERT INTO contract (contract_id, vehicle_key, vehicle_class, means, exempt, exempt_from_ms,"
        " exempt_until_ms, registered_ms) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (contract_id) DO UPDATE SET vehicle_class = excluded.vehicle_class, means = excluded.means,"
        " exempt = excluded.exempt, exempt_from_ms = excluded.exempt_from_ms,"
        " exempt_until_ms = excluded.exempt_until_ms",
        [
            contract_id,
            vehicle_key,
            str(contract["vehicle_class"]),
            str(contract["means"]),
            contract.get("exempt") is True,
            contract.get("exempt_from_ms"),
            contract.get("exempt_until_ms"),
            now_ms,
        ],
    )
    hidden = {identity_key(key, kind, plain): (kind, plain) for kind, plain in identities}
    touched = {vehicle_key, *_bound_keys(connection, hidden)}
    mark_due(connection, dict.fromkeys(touched, _EVER_MS), now_ms)  # before their reads: a settlement has this order
    moved = {_bind(connection, contract_id, vehicle_key, *said, name) for name, said in sorted(hidden.items())}
    mark_due(connection, dict.fromkeys(moved - touched, _EVER_MS), now_ms)
    return vehicle_key


def erase(connection: Connection, vehicle_key: str) -> int:
    """Forget the plain identities of a vehicle and its positions; how many. Reads, charges and ledger stay."""
    gone = connection.execute("DELETE FROM identity WHERE vehicle_key = %s", [vehicle_key]).rowcount
    connection.execute(
        "UPDATE fix SET latitude_deg = NULL, longitude_deg = NULL, speed_mps = NULL WHERE vehicle_key = %s",
        [vehicle_key],
    )
    connection.execute("UPDATE vehicle SET track = NULL WHERE vehicle_key = %s", [vehicle_key])
    return gone


def is_bound(connection: Connection, bound_key: str) -> str | None:
    """The vehicle key of an identity under contract; None for one that never opted in."""
    row = connection.execute(
        "SELECT vehicle_key FROM identity WHERE identity_key = %s AND contract_id IS NOT NULL", [bound_key]
    ).fetchone()
    return None if row is None else str(row["vehicle_key"])


def facts_of(connection: Connection, keys: Collection[str]) -> dict[str, VehicleFacts]:
    """What rating must know of vehicles; those without a contract are left out."""
    rows = connection.execute(
        "SELECT vehicle_key, contract_id, vehicle_class, means, exempt, exempt_from_ms, exempt_until_ms FROM contract"
        " WHERE vehicle_key = ANY(%s)",
        [list(keys)],
    ).fetchall()
    return {row.pop("vehicle_key"): VehicleFacts(**row) for row in rows}


def vehicle_keys(connection: Connection, identities: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Vehicle key by identity key, for kind and plain by identity key; identities not seen before are noted."""
    ordered = sorted(identities)
    connection.execute(
        "INSERT INTO identity (identity_key, kind, plain, vehicle_key)"
        " SELECT *, identity_key FROM unnest(%s::text[], %s::text[], %s::text[]) AS new (identity_key, kind, plain)"
        " ON CONFLICT DO NOTHING",
        [ordered, [identities[hidden][0] for hidden in ordered], [identities[hidden][1] for hidden in ordered]],
    )
    rows = connection.execute(
        "SELECT identity_key, vehicle_key FROM identity WHERE identity_key = ANY(%s)", [list(identities)]
    ).fetchall()
    return {row["identity_key"]: row["vehicle_key"] for row in rows}


def mark_due(connection: Connection, since_ms: Mapping[str, int], now_ms: int) -> None:
    """Have vehicles settled at the next occasion, from the moment of their earliest news on.

    Waits for a settlement of theirs that is under way. What was final there is so no more where the news is older.
    """
    ordered = sorted(since_ms)
    connection.execute(
        "INSERT INTO vehicle (vehicle_key, due_ms)"
        " SELECT vehicle_key, %s FROM unnest(%s::text[]) AS new (vehicle_key)"
        " ON CONFLICT (vehicle_key) DO UPDATE SET due_ms = least(vehicle.due_ms, excluded.due_ms)",
        [now_ms, ordered],
    )
    connection.execute(
        "UPDATE vehicle SET final_before_ms = NULL"
        " FROM unnest(%s::text[], %s::bigint[]) AS new (vehicle_key, since_ms)"
        " WHERE vehicle.vehicle_key = new.vehicle_key AND vehicle.final_before_ms > new.since_ms",
        [ordered, [since_ms[key] for key in ordered]],
    )


def _bound_keys(connection: Connection, hidden: Collection[str]) -> set[str]:
    """The vehicles that identities belong to by now."""
    rows = connection.execute("SELECT vehicle_key FROM identity WHERE identity_key = ANY(%s)", [list(hidden)])
    return {row["vehicle_key"] for row in rows}


def _checked(contract: Mapping[str, Any]) -> tuple[str, set[tuple[str, str]]]:
    contract_id = contract.get("contract_id")
    if not isinstance(contract_id, str) or not contract_id or len(contract_id) > _LONGEST_PLAIN:
        raise InputError(f"contract: contract_id {contract_id!r} is not a name", cure="1 to 200 characters")
    if not contract.get("vehicle_class"):
        raise InputError(f"contract: {contract_id} has no vehicle_class", cure="give vehicle_class")
    if contract.get("means") not in KINDS:
        raise InputError(f"contract: {contract_id}: means {contract.get('means')!r} is not known", cure="tag|plate|own")
    identities = set()
    for said in contract.get("identities", ()):
        kind, plain = said.get("kind"), said.get("plain")
        if kind not in KINDS or not isinstance(plain, str) or not 0 < len(plain) <= _LONGEST_PLAIN:
            raise InputError(f"contract: {contract_id}: {said!r} is no identity", cure="{kind: tag|plate|own, plain}")
        identities.add((kind, plain))
    return contract_id, identities


def _bind(connection: Connection, contract_id: str, vehicle_key: str, kind: str, plain: str, hidden: str) -> str:
    """Bind one identity and move its reads over; the vehicle key that it had."""
    before = connection.execute(
        "SELECT vehicle_key, contract_id FROM identity WHERE identity_key = %s FOR UPDATE", [hidden]
    ).fetchone()
    if before is not None and before["contract_id"] not in (None, contract_id):
        raise InputError(
            f"contract: the {kind} is already bound to another contract than {contract_id}",
            cure="erase it there first",
        )
    connection.execute(
        "INSERT INTO identity (identity_key, kind, plain, vehicle_key, contract_id) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (identity_key) DO UPDATE SET vehicle_key = excluded.vehicle_key,"
        " contract_id = excluded.contract_id",
        [hidden, kind, plain, vehicle_key, contract_id],
    )
    connection.execute(
        "UPDATE read SET vehicle_key = %s WHERE identity_key = %s AND vehicle_key <> %s",
        [vehicle_key, hidden, vehicle_key],
    )
    return vehicle_key if before is None else str(before["vehicle_key"])
