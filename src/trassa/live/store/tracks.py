"""One row per vehicle: whether it is due for settlement, and the track of its own fixes. The row is its lock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trassa.live.passages import Crossing, Fix
from trassa.live.store.store import Connection

__all__ = [
    "due_vehicles", "last_moment", "lock_due", "lock_track", "pending", "save_crossing", "save_track", "settled",
    "vehicles", "watermarks",
]  # fmt: skip


def due_vehicles(connection: Connection, now_ms: int, limit: int) -> list[str]:
    """The vehicles to settle by a moment, in an order that does not depend on arrival."""
    rows = connection.execute(
        "SELECT vehicle_key FROM vehicle WHERE due_ms <= %s ORDER BY due_ms, vehicle_key LIMIT %s", [now_ms, limit]
    ).fetchall()
    return [row["vehicle_key"] for row in rows]


def lock_due(connection: Connection, vehicle_key: str, now_ms: int) -> int | None:
    """Take the row of a due vehicle until the end of the transaction; its new watermark, which never goes back."""
    row = connection.execute(
        "SELECT greatest(watermark_ms, %s) AS watermark_ms FROM vehicle WHERE vehicle_key = %s AND due_ms <= %s"
        " FOR UPDATE",
        [now_ms, vehicle_key, now_ms],
    ).fetchone()
    return None if row is None else int(row["watermark_ms"])


def settled(connection: Connection, vehicle_key: str, watermark_ms: int, due_ms: int | None) -> None:
    """Note with which watermark a vehicle was settled, and when it must be settled again."""
    connection.execute(
        "UPDATE vehicle SET watermark_ms = %s, due_ms = %s WHERE vehicle_key = %s", [watermark_ms, due_ms, vehicle_key]
    )


def watermarks(connection: Connection) -> dict[str, int]:
    """The watermark of each vehicle's last settlement."""
    rows = connection.execute("SELECT vehicle_key, watermark_ms FROM vehicle WHERE watermark_ms IS NOT NULL").fetchall()
    return {row["vehicle_key"]: row["watermark_ms"] for row in rows}


def pending(connection: Connection, now_ms: int) -> dict[str, int]:
    """Vehicles with reads that are not settled yet: since when they are due."""
    rows = connection.execute(
        "SELECT vehicle_key, due_ms FROM vehicle WHERE due_ms <= %s ORDER BY vehicle_key", [now_ms]
    ).fetchall()
    return {row["vehicle_key"]: row["due_ms"] for row in rows}


def lock_track(connection: Connection, vehicle_key: str) -> Mapping[str, Any] | None:
    """Take a vehicle's row until the end of the transaction; the track stored in it."""
    connection.execute("INSERT INTO vehicle (vehicle_key) VALUES (%s) ON CONFLICT DO NOTHING", [vehicle_key])
    row = connection.execute("SELECT track FROM vehicle WHERE vehicle_key = %s FOR UPDATE", [vehicle_key]).fetchone()
    track: Mapping[str, Any] | None = row["track"] if row else None
    return track


def save_track(connection: Connection, vehicle_key: str, track: Mapping[str, Any]) -> None:
    """Keep what must be remembered of a vehicle's fixes."""
    connection.execute("UPDATE vehicle SET track = %s WHERE vehicle_key = %s", [json.dumps(track), vehicle_key])


def save_crossing(connection: Connection, read_id: str, vehicle_key: str, crossing: Crossing) -> None:
    """Keep the two fixes between which a toll point was passed, as evidence of a read."""
    for fix in (crossing.before, crossing.after):
        _save_fix(connection, vehicle_key, fix)
    connection.execute(
        "INSERT INTO crossing (read_id, vehicle_key, before_ms, after_ms) VALUES (%s, %s, %s, %s)",
        [read_id, vehicle_key, crossing.before.time_ms, crossing.after.time_ms],
    )


def _save_fix(connection: Connection, vehicle_key: str, fix: Fix) -> None:
    connection.execute(
        "INSERT INTO fix (vehicle_key, time_ms, latitude_deg, longitude_deg, speed_mps, carriageway, measure_m)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [vehicle_key, fix.time_ms, fix.latitude_deg, fix.longitude_deg, fix.speed_mps, fix.carriageway, fix.measure_m],
    )


def vehicles(connection: Connection) -> set[str]:
    """Every vehicle of which a read is stored."""
    return {row["vehicle_key"] for row in connection.execute("SELECT DISTINCT vehicle_key FROM read")}


def last_moment(connection: Connection) -> int:
    """The latest moment at which anything was accepted or settled: the book's own time when it last worked."""
    row = connection.execute(
        "SELECT greatest((SELECT max(received_ms) FROM read), (SELECT max(watermark_ms) FROM vehicle), 0) AS moment_ms"
    ).fetchone()
    return int(row["moment_ms"]) if row else 0
