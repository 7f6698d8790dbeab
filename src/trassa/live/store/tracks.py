"""One row per vehicle: whether it is due for settlement, and the track of its own fixes. The row is its lock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg.rows import args_row

from trassa.live.passages import Crossing, Fix
from trassa.live.store.store import Connection

__all__ = [
    "Due", "Settled", "Standing", "aside", "count_pending", "due_vehicles", "every_vehicle", "last_moment", "lock_due",
    "lock_track", "save_crossing", "save_track", "set_aside", "settled", "settled_vehicles", "take_up",
]  # fmt: skip


def due_vehicles(connection: Connection, now_ms: int, limit: int) -> list[str]:
    """The vehicles to settle by a moment, in an order that does not depend on arrival."""
    rows = connection.execute(
        "SELECT vehicle_key FROM vehicle WHERE due_ms <= %s ORDER BY due_ms, vehicle_key LIMIT %s", [now_ms, limit]
    ).fetchall()
    return [row["vehicle_key"] for row in rows]


@dataclass(frozen=True)
class Due:
    """A vehicle to settle: its new watermark, which never goes back, and what is final by which edition of rules."""

    watermark_ms: int
    final_before_ms: int | None
    edition: str | None


@dataclass(frozen=True)
class Settled:
    """How a vehicle stands after its settlement: as :class:`Due`, and when it must be settled again."""

    vehicle_key: str
    watermark_ms: int
    final_before_ms: int | None
    due_ms: int | None


def lock_due(connection: Connection, keys: Sequence[str], now_ms: int) -> dict[str, Due]:
    """Take the rows of vehicles that are due, in one order for all, until the end of the transaction."""
    rows = connection.execute(
        "SELECT vehicle_key, greatest(watermark_ms, %s) AS watermark_ms, final_before_ms, edition FROM vehicle"
        " WHERE vehicle_key = ANY(%s) AND due_ms <= %s ORDER BY vehicle_key FOR UPDATE",
        [now_ms, list(keys), now_ms],
    ).fetchall()
    return {row.pop("vehicle_key"): Due(**row) for row in rows}


def settled(connection: Connection, rows: Sequence[Settled], edition: str) -> None:
    """Note of vehicles with which watermark and rules they were settled, and when they must be settled again."""
    connection.execute(
        "UPDATE vehicle SET watermark_ms = new.watermark_ms, final_before_ms = new.final_before_ms,"
        " due_ms = new.due_ms, edition = %s, trouble = NULL"
        " FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])"
        " AS new (vehicle_key, watermark_ms, final_before_ms, due_ms) WHERE vehicle.vehicle_key = new.vehicle_key",
        [
            edition,
            [row.vehicle_key for row in rows],
            [row.watermark_ms for row in rows],
            [row.final_before_ms for row in rows],
            [row.due_ms for row in rows],
        ],
    )


def set_aside(connection: Connection, troubles: Mapping[str, str]) -> None:
    """Put vehicles aside that cannot be settled, with the reason, until news of theirs or :func:`take_up`."""
    ordered = sorted(troubles)
    connection.execute(
        "UPDATE vehicle SET trouble = new.trouble, due_ms = NULL"
        " FROM unnest(%s::text[], %s::text[]) AS new (vehicle_key, trouble)"
        " WHERE vehicle.vehicle_key = new.vehicle_key",
        [ordered, [troubles[key] for key in ordered]],
    )


def take_up(connection: Connection, now_ms: int) -> None:
    """Try those set aside once more."""
    connection.execute("UPDATE vehicle SET due_ms = %s WHERE trouble IS NOT NULL AND due_ms IS NULL", [now_ms])


def aside(connection: Connection) -> dict[str, str]:
    """The vehicles that are set aside, with the reason."""
    rows = connection.execute(
        "SELECT vehicle_key, trouble FROM vehicle WHERE trouble IS NOT NULL ORDER BY vehicle_key"
    ).fetchall()
    return {row["vehicle_key"]: row["trouble"] for row in rows}


@dataclass(frozen=True)
class Standing:
    """How a vehicle stands, of which there is a row, a read or a charge."""

    vehicle_key: str
    watermark_ms: int | None
    due_ms: int | None
    trouble: str | None
    has_news: bool

    def is_pending(self, now_ms: int) -> bool:
        """Whether it waits for its settlement."""
        return self.due_ms is not None and self.due_ms <= now_ms


def every_vehicle(connection: Connection, at_once: int) -> Iterator[list[Standing]]:
    """Every vehicle in order of its key, some at once: the database keeps the rest."""
    with connection.cursor("every_vehicle", row_factory=args_row(Standing)) as cursor:
        cursor.execute(
            "SELECT vehicle_key, v.watermark_ms, v.due_ms, v.trouble, has_news FROM"
            " (SELECT vehicle_key, bool_or(is_news) AS has_news FROM (SELECT vehicle_key, false AS is_news FROM vehicle"
            "  UNION ALL SELECT DISTINCT vehicle_key, true FROM read"
            "  UNION ALL SELECT DISTINCT vehicle_key, true FROM charge) AS seen GROUP BY vehicle_key) AS known"
            " LEFT JOIN vehicle v USING (vehicle_key) ORDER BY vehicle_key"
        )
        while rows := cursor.fetchmany(at_once):
            yield rows


def settled_vehicles(connection: Connection) -> int:
    """How many vehicles were ever settled."""
    return _count(connection, "watermark_ms IS NOT NULL")


def count_pending(connection: Connection, now_ms: int) -> int:
    """How many vehicles wait for their settlement since a moment or longer."""
    return _count(connection, "due_ms <= %s", [now_ms])


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


def last_moment(connection: Connection) -> int:
    """The latest moment at which anything was accepted or settled: the book's own time when it last worked."""
    row = connection.execute(
        "SELECT greatest((SELECT max(received_ms) FROM read), (SELECT max(watermark_ms) FROM vehicle), 0) AS moment_ms"
    ).fetchone()
    return int(row["moment_ms"]) if row else 0


def _count(connection: Connection, which: LiteralString, values: Sequence[int] = ()) -> int:
    row = connection.execute("SELECT count(*) AS n FROM vehicle WHERE " + which, values).fetchone()
    return int(row["n"]) if row else 0
