"""Our own events in PostgreSQL: written before they are published, read back after a restart, shown to operators."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from trassa.live.store.store import Connection
from trassa.vehicles.denm_event import Event

__all__ = [
    "StoredEvent",
    "StoredLife",
    "acknowledge",
    "ended_events",
    "load_life",
    "mark_cleared",
    "open_events",
    "write_event",
    "write_sequence",
]

_MUTED_MS = 24 * 3_600_000
"""How long after an operator's word an event's vehicles are remembered over restarts."""
_COLUMNS = (
    "event_id", "opened_ms", "station_id", "sequence", "cause_code", "sub_cause_code", "carriageway", "anchor_m",
    "head_m", "label", "state", "detection_ms", "reference_ms", "validity_s", "rule", "evidence", "witnesses",
    "start_m", "end_m", "tiles", "pdu", "ended_ms", "ended_because", "ended_by",
    "ended_note",
)  # fmt: skip
_WRITE = (
    f"INSERT INTO denm_event ({', '.join(_COLUMNS)}) VALUES ({', '.join(f'%({name})s' for name in _COLUMNS)})"
    " ON CONFLICT (event_id, opened_ms) DO UPDATE SET "
    + ", ".join(f"{name} = EXCLUDED.{name}" for name in _COLUMNS[2:])
)
_SHOWN = """
SELECT e.event_id, e.cause_code, e.sub_cause_code, e.state, e.carriageway, e.anchor_m, e.head_m, e.label, e.start_m,
       e.end_m, e.opened_ms, e.detection_ms, e.reference_ms, e.validity_s, e.rule, e.evidence, e.ended_ms,
       e.ended_because, e.ended_by, e.ended_note, a.operator AS acknowledged_by, a.time_ms AS acknowledged_ms,
       false AS reported, '' AS remark, '' AS attached_to
FROM denm_event e LEFT JOIN acknowledgement a USING (event_id, opened_ms)
"""
_SHOWN_REPORTS = """
SELECT r.report_id, r.cause_code, r.sub_cause_code, CASE WHEN r.state = 'live' THEN 'open' ELSE 'ended' END,
       r.carriageway, r.measure_m, r.measure_m, r.label, r.start_m, r.end_m, r.opened_ms, r.detection_ms,
       r.reference_ms, ((r.void_ms - r.detection_ms) / 1000)::integer, 'reported', r.evidence, r.ended_ms,
       CASE WHEN r.state = 'ended' THEN r.remark ELSE '' END, '', '', a.operator, a.time_ms, true, r.remark,
       r.attached_to
FROM denm_report r LEFT JOIN acknowledgement a ON a.event_id = r.report_id AND a.opened_ms = r.opened_ms
"""


@dataclass(frozen=True)
class StoredEvent:
    """An event and the message that stands, or stood, in its tiles."""

    event: Event
    pdu: bytes
    cleared: bool


@dataclass(frozen=True)
class StoredLife:
    """What must be known of our events after a restart; all in the order in which they were opened."""

    last_sequence: int
    open: tuple[StoredEvent, ...]
    ended: tuple[StoredEvent, ...]


def write_event(connection: Connection, event: Event, pdu: bytes, label: str) -> None:
    """Write the present state of an event.

    The stations that proved it are forgotten with its end, unless an operator's word depends on them.
    """
    forgotten = event.state == "ended" and event.ended_because != "operator"
    row = {name: getattr(event, name) for name in _COLUMNS if name not in ("label", "pdu", "evidence")}
    row |= {
        "label": label,
        "pdu": pdu,
        "evidence": Jsonb(dict(event.evidence)),
        "witnesses": [] if forgotten else list(event.witnesses),
        "tiles": list(event.tiles),
    }
    connection.execute(_WRITE, row)


def write_sequence(connection: Connection, station_id: int, last_sequence: int) -> None:
    """Take sequence numbers up to the last one given; in the transaction that writes their events."""
    connection.execute(
        "INSERT INTO denm_sequence VALUES (%s, %s) ON CONFLICT (station_id) DO UPDATE SET last_sequence = %s",
        (station_id, last_sequence, last_sequence),
    )


def mark_cleared(connection: Connection, event_ids: Iterable[str]) -> None:
    """Note that no tile holds these ended events any more."""
    connection.execute(
        "UPDATE denm_event SET cleared = true WHERE event_id = ANY(%s) AND state = 'ended'", (list(event_ids),)
    )


def load_life(connection: Connection, station_id: int, now_ms: int) -> StoredLife:
    """Open events, and of the ended ones those still to be cleared, still valid somewhere, or ended by hand lately."""
    last = connection.execute("SELECT last_sequence FROM denm_sequence WHERE station_id = %s", (station_id,)).fetchone()
    rows = connection.execute(
        "SELECT * FROM denm_event WHERE state <> 'ended' OR NOT cleared OR detection_ms + validity_s * 1000 > %s"
        " OR (ended_because = 'operator' AND ended_ms > %s) ORDER BY opened_ms, event_id",
        (now_ms, now_ms - _MUTED_MS),
    ).fetchall()
    stored = [StoredEvent(_event(row), bytes(row["pdu"]), bool(row["cleared"])) for row in rows]
    return StoredLife(
        int(last["last_sequence"]) if last else -1,
        tuple(found for found in stored if found.event.state != "ended"),
        tuple(found for found in stored if found.event.state == "ended"),
    )


def open_events(connection: Connection) -> list[dict[str, Any]]:
    """Open and unconfirmed events and live reports, the youngest first, as JSON knows them."""
    shown = (
        f"{_SHOWN} WHERE e.state <> 'ended' UNION ALL {_SHOWN_REPORTS} WHERE r.state = 'live'"
        " ORDER BY opened_ms DESC, event_id"
    )
    return _json_ready(connection.execute(shown.encode()).fetchall())


def ended_events(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """The events and reports that ended last."""
    shown = (
        f"{_SHOWN} WHERE e.state = 'ended' UNION ALL {_SHOWN_REPORTS} WHERE r.state = 'ended'"
        " ORDER BY ended_ms DESC, event_id LIMIT %s"
    )
    return _json_ready(connection.execute(shown.encode(), (limit,)).fetchall())


def acknowledge(connection: Connection, event_id: str, user: str, time_ms: int) -> bool:
    """Note that an operator has seen an event or report; the first word stands. False where there is no such event."""
    found = connection.execute(
        "SELECT max(opened_ms) AS opened_ms FROM (SELECT opened_ms FROM denm_event WHERE event_id = %s"
        " UNION ALL SELECT opened_ms FROM denm_report WHERE report_id = %s AND state IN ('live', 'ended')) AS known",
        (event_id, event_id),
    ).fetchone()
    if found is None or found["opened_ms"] is None:
        return False
    connection.execute(
        "INSERT INTO acknowledgement VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (event_id, found["opened_ms"], user, time_ms),
    )
    return True


def _json_ready(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        for name in ("anchor_m", "head_m", "start_m", "end_m"):
            row[name] = None if row[name] is None else round(row[name], 1)
    return rows


def _event(row: dict[str, Any]) -> Event:
    kept = {name: row[name] for name in _COLUMNS if name not in ("event_id", "label", "pdu")}
    kept |= {"witnesses": tuple(row["witnesses"]), "tiles": tuple(row["tiles"])}
    return Event(**kept, departed=(), confirmed_ms=row["reference_ms"], sent_ms=row["reference_ms"])
