"""DENMs of other originators in PostgreSQL: each version once, with what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from psycopg.types.json import Jsonb

from trassa.linear import Carriageway
from trassa.live.store.store import Connection
from trassa.vehicles.codec import decode
from trassa.vehicles.heard_denm import HeardDenm, heard_denm

__all__ = ["ReportState", "StoredReport", "add_report", "attach_report", "clear_reports", "end_report", "load_reports"]

ReportState = Literal["live", "superseded", "ended", "marked", "termination"]


@dataclass(frozen=True)
class StoredReport:
    """One version of a report: what it says, where on the road that is, and the bytes that were received.

    ``measure_m`` and the extent are None off the road; ``opened_ms`` is when the first version came.
    """

    heard: HeardDenm
    pdu: bytes
    state: ReportState
    opened_ms: int
    received_ms: int
    label: str
    tiles: tuple[str, ...]
    carriageway: Carriageway | None = None
    measure_m: float | None = None
    start_m: float | None = None
    end_m: float | None = None
    remark: str = ""
    attached_to: str = ""
    last_pdu: bytes | None = None
    cleared: bool = False


def add_report(connection: Connection, report: StoredReport) -> bool:
    """Store a version; False where it is here already. A living one takes the place of the version before it."""
    heard = report.heard
    cause_code, sub_cause_code = heard.cause or (None, None)
    if report.state == "live":
        connection.execute(
            "UPDATE denm_report SET state = 'superseded' WHERE report_id = %s AND state = 'live'"
            " AND reference_its_ms < %s",
            (heard.report_id, heard.reference_its_ms),
        )
    done = connection.execute(
        "INSERT INTO denm_report (report_id, reference_its_ms, opened_ms, received_ms, station_id, sequence, sender_id,"
        " protocol_version, detection_ms, reference_ms, void_ms, cause_code, sub_cause_code, carriageway, measure_m,"
        " label, start_m, end_m, state, remark, evidence, attached_to, tiles, pdu)"
        f" VALUES ({', '.join(['%s'] * 24)}) ON CONFLICT (report_id, reference_its_ms) DO NOTHING",
        (
            heard.report_id, heard.reference_its_ms, report.opened_ms, report.received_ms, heard.station_id,
            heard.sequence, heard.sender_id, heard.protocol_version, heard.detection_ms, heard.reference_ms,
            heard.void_ms, cause_code, sub_cause_code, report.carriageway, report.measure_m, report.label,
            report.start_m, report.end_m, report.state, report.remark, Jsonb({}), report.attached_to,
            list(report.tiles), report.pdu,
        ),
    )  # fmt: skip
    return done.rowcount == 1


def end_report(connection: Connection, report_id: str, now_ms: int, because: str, last_pdu: bytes) -> None:
    """End the living version; ``last_pdu`` is what overwrites it in the tiles."""
    connection.execute(
        "UPDATE denm_report SET state = 'ended', ended_ms = %s, remark = %s, last_pdu = %s"
        " WHERE report_id = %s AND state = 'live'",
        (now_ms, because, last_pdu, report_id),
    )


def attach_report(connection: Connection, report_id: str, evidence: dict[str, Any], attached_to: str = "") -> None:
    """Note what our own detectors saw of a living report, or to which event of ours it belongs."""
    connection.execute(
        "UPDATE denm_report SET evidence = evidence || %s, attached_to = %s WHERE report_id = %s AND state = 'live'",
        (Jsonb(evidence), attached_to, report_id),
    )


def clear_reports(connection: Connection, report_ids: Iterable[str]) -> None:
    """Note that no tile holds these ended reports any more."""
    connection.execute(
        "UPDATE denm_report SET cleared = true WHERE report_id = ANY(%s) AND state = 'ended'", (list(report_ids),)
    )


def load_reports(connection: Connection, now_ms: int) -> list[StoredReport]:
    """What matters after a restart: living ones, ended ones to be cleared, and what is still a tombstone."""
    rows = connection.execute(
        "SELECT * FROM denm_report WHERE state = 'live' OR (state = 'ended' AND NOT cleared)"
        " OR (state IN ('ended', 'termination') AND void_ms > %s) ORDER BY opened_ms, report_id, reference_its_ms",
        (now_ms,),
    ).fetchall()
    return [_report(row) for row in rows]


def _report(row: dict[str, Any]) -> StoredReport:
    names = (
        "state", "opened_ms", "received_ms", "label", "carriageway", "measure_m", "start_m", "end_m", "remark",
        "attached_to", "cleared",
    )  # fmt: skip
    pdu = bytes(row["pdu"])
    last_pdu = None if row["last_pdu"] is None else bytes(row["last_pdu"])
    kept = {name: row[name] for name in names}
    return StoredReport(heard_denm(decode(pdu)), pdu, tiles=tuple(row["tiles"]), last_pdu=last_pdu, **kept)
