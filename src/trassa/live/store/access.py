"""Sessions of operators, pairing of vehicles. Tokens are random; only their SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from trassa.live.store.store import Connection

__all__ = [
    "PairedVehicle",
    "close_session",
    "open_session",
    "operator_of",
    "pair_vehicle",
    "paired_vehicle_of",
    "pairing_code",
]

SESSION_MS = 12 * 3_600_000
PAIRING_MS = 15 * 60_000
VEHICLE_TOKEN_MS = 90 * 86_400_000


@dataclass(frozen=True)
class PairedVehicle:
    """The vehicle that an on-board page belongs to, as ``<login>/<vehicle>`` on the broker."""

    login: str
    vehicle: str
    station_id: int | None

    @property
    def plain(self) -> str:
        """Its identity of kind ``own``."""
        return f"{self.login}/{self.vehicle}"


def open_session(connection: Connection, operator: str, now_ms: int) -> str:
    """A new session's token; sessions that have run out go."""
    token = secrets.token_urlsafe(32)
    connection.execute("DELETE FROM operator_session WHERE expires_ms <= %s", (now_ms,))
    connection.execute(
        "INSERT INTO operator_session VALUES (%s, %s, %s)", (_hashed(token), operator, now_ms + SESSION_MS)
    )
    return token


def operator_of(connection: Connection, token: str, now_ms: int) -> str | None:
    """The operator whose session this token opens, or None."""
    row = connection.execute(
        "SELECT operator FROM operator_session WHERE token_hash = %s AND expires_ms > %s", (_hashed(token), now_ms)
    ).fetchone()
    return str(row["operator"]) if row else None


def close_session(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute("DELETE FROM operator_session WHERE token_hash = %s", (_hashed(token),))


def pairing_code(connection: Connection, paired: PairedVehicle, now_ms: int) -> str:
    """A code that pairs one on-board page with a vehicle, once, within fifteen minutes."""
    code = secrets.token_urlsafe(12)
    connection.execute("DELETE FROM pairing WHERE expires_ms <= %s", (now_ms,))
    connection.execute(
        "INSERT INTO pairing VALUES (%s, %s, %s, %s, %s, NULL)",
        (_hashed(code), paired.login, paired.vehicle, paired.station_id, now_ms + PAIRING_MS),
    )
    return code


def pair_vehicle(connection: Connection, code: str, now_ms: int) -> str | None:
    """The vehicle's token for a code that was not used yet, or None; the code is used up in the same transaction."""
    row = connection.execute(
        "UPDATE pairing SET used_ms = %s WHERE code_hash = %s AND used_ms IS NULL AND expires_ms > %s"
        " RETURNING login, vehicle, station_id",
        (now_ms, _hashed(code), now_ms),
    ).fetchone()
    if row is None:
        return None
    token = secrets.token_urlsafe(32)
    connection.execute(
        "INSERT INTO vehicle_token VALUES (%s, %s, %s, %s, %s)",
        (_hashed(token), row["login"], row["vehicle"], row["station_id"], now_ms + VEHICLE_TOKEN_MS),
    )
    return token


def paired_vehicle_of(connection: Connection, token: str, now_ms: int) -> PairedVehicle | None:
    """The vehicle that a token belongs to, or None."""
    row = connection.execute(
        "SELECT login, vehicle, station_id FROM vehicle_token WHERE token_hash = %s AND expires_ms > %s",
        (_hashed(token), now_ms),
    ).fetchone()
    return PairedVehicle(str(row["login"]), str(row["vehicle"]), row["station_id"]) if row else None


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
