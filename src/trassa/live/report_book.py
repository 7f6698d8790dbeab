"""DENMs of other originators: evidence, kept once, located, shown as reported, passed on byte for byte.

Rules of what becomes of one (its *fate*)::

    R1  refused      it cannot be decoded, is no DENM, or carries our own originatingStationID
    R2  duplicate    its (actionID, referenceTime) is known, in whatever encoding or from whichever sender
    R3  late         its version is older than one that is known, or than the end of its event
    R4  marked       its times contradict or have run out by its own clock: kept and counted, not live, not passed on
    R5  ended        a cancellation by its originator: passed on, and its tiles cleared
    R6  foreign end  a negation by another station is kept as evidence; unsigned, it ends nothing
    R7  live         a new hazard or a newer version of one: passed on in the tiles of its place

A living report stands in for a warning of our own as long as its originator was heard within the validity that ours
have, and on one carriageway: the one it names, else the one where our detectors saw it first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from trassa.linear import CARRIAGEWAYS, Carriageway
from trassa.live.axis_index import AxisIndex
from trassa.live.roadway import Roadway
from trassa.live.store import reports as store
from trassa.live.store.reports import StoredReport
from trassa.live.store.store import Connection
from trassa.live.tile_board import Notice, TileBoard
from trassa.vehicles.codec import decode
from trassa.vehicles.denm_event import Event, HeardReport
from trassa.vehicles.denm_message import negation_of
from trassa.vehicles.heard_denm import HeardDenm, heard_denm
from trassa.vehicles.refusal import Refused
from trassa.vehicles.relevance import Relevance
from trassa.vehicles.tiles import tiles_touching

__all__ = ["Fate", "ReportBook", "Turn"]

Fate = Literal["refused", "duplicate", "late", "marked", "ended", "foreign end", "live"]
_MOST_LIVE = 10_000


@dataclass
class Turn:
    """What a batch of reports changes: done in one transaction, applied after its COMMIT."""

    fates: list[Fate]
    changed: list[str]
    live: dict[str, StoredReport]
    ended: dict[str, tuple[int, int]]
    put: list[Notice]
    end: list[Notice]


class ReportBook:
    """The living reports, and the tombstones of those that have ended."""

    def __init__(self, roadway: Roadway, relevance: Relevance, axis: AxisIndex, board: TileBoard) -> None:
        self._roadway, self._relevance, self._axis, self._board = roadway, relevance, axis, board
        self._settings = roadway.settings.vehicles
        self._live: dict[str, StoredReport] = {}
        self._ended: dict[str, tuple[int, int]] = {}
        self._attached: dict[str, Carriageway | None] = {}
        self._heard_ms: dict[str, int] = {}
        self.counts: Counter[str] = Counter()

    def load(self, connection: Connection, now_ms: int) -> None:
        """Read the book back after a restart, and put up or take down what the board should show."""
        self._live, self._ended, self._attached, self._heard_ms = {}, {}, {}, {}
        for report in store.load_reports(connection, now_ms):
            heard = report.heard
            if report.state == "live":
                self._live[heard.report_id] = report
                self._board.put(Notice(heard.report_id, report.pdu, report.tiles))
                continue
            self._ended[heard.report_id] = (heard.void_ms, heard.reference_its_ms)
            if report.last_pdu is not None and not report.cleared:
                self._board.end(Notice(heard.report_id, report.last_pdu, report.tiles))

    def heard(self, now_ms: int) -> list[HeardReport]:
        """The living reports on the road whose originators were heard of late, as the life of warnings knows them."""
        since_ms = now_ms - self._settings.validity_s * 1000
        return [
            HeardReport(
                report_id, report.heard.cause[0], report.carriageway or self._attached.get(report_id), report.measure_m
            )
            for report_id, report in self._live.items()
            if report.measure_m is not None
            and report.heard.cause is not None
            and max(report.received_ms, self._heard_ms.get(report_id, 0)) >= since_ms
        ]

    def take(self, connection: Connection, pdus: Sequence[bytes], events: Sequence[Event], now_ms: int) -> Turn:
        """Store a batch; nothing of the book changes before :meth:`apply`."""
        turn = Turn([], [], dict(self._live), dict(self._ended), [], [])
        for pdu in pdus:
            turn.fates.append(self._take(connection, turn, pdu, events, now_ms))
        return turn

    def end_by_operator(self, connection: Connection, report_id: str, because: str, now_ms: int) -> Turn | None:
        """End a living report by hand; None where none lives. A newer version of its originator brings it back."""
        report = self._live.get(report_id)
        if report is None:
            return None
        turn = Turn([], [report_id], dict(self._live), dict(self._ended), [], [])
        last = negation_of(report.heard, self._settings.station_id)
        self._end(connection, turn, report, report.heard, because, last, now_ms)
        return turn

    def end_void(self, connection: Connection, now_ms: int) -> Turn:
        """End the reports whose validity is over by their own clock."""
        turn = Turn([], [], dict(self._live), dict(self._ended), [], [])
        for report_id, report in self._live.items():
            if now_ms >= report.heard.void_ms:
                last = negation_of(report.heard, self._settings.station_id)
                self._end(connection, turn, report, report.heard, "validity over", last, now_ms)
                turn.changed.append(report_id)
        return turn

    def has_void(self, now_ms: int) -> bool:
        """Whether a living report's validity is over."""
        return any(now_ms >= report.heard.void_ms for report in self._live.values())

    def is_new_evidence(self, report_id: str) -> bool:
        """Whether nothing of our detectors was noted with a living report yet."""
        return report_id in self._live and report_id not in self._attached

    def attach(self, connection: Connection, report_id: str, detail: dict[str, float | int | str]) -> None:
        """Note what our detectors see of a living report."""
        store.attach_report(connection, report_id, detail, "own detectors")

    def attached(self, report_id: str, carriageway: Carriageway | None) -> None:
        """Remember that it was noted, and where: once is enough."""
        self._attached.setdefault(report_id, carriageway)

    def apply(self, turn: Turn, now_ms: int) -> None:
        """Take over what was committed, and tell the board."""
        self._live = turn.live
        self._ended = {key: known for key, known in turn.ended.items() if known[0] > now_ms}
        self._attached = {key: side for key, side in self._attached.items() if key in self._live}
        self._heard_ms = {key: heard_ms for key, heard_ms in self._heard_ms.items() if key in self._live}
        self.counts.update(turn.fates)
        for notice in turn.put:
            self._board.put(notice)
        for notice in turn.end:
            self._board.end(notice)

    # ---- one report

    def _take(self, connection: Connection, turn: Turn, pdu: bytes, events: Sequence[Event], now_ms: int) -> Fate:
        try:
            message = decode(pdu)
            # RULE R1
            if message.type != "DENM":
                return "refused"
            heard = heard_denm(message)
        except (Refused, ArithmeticError, LookupError, TypeError, ValueError):  # it would meet us again at every start
            return "refused"
        if heard.station_id == self._settings.station_id:
            return "refused"
        known = turn.live.get(heard.report_id)
        newest = known.heard.reference_its_ms if known else turn.ended.get(heard.report_id, (0, -1))[1]
        # RULE R2
        if known is not None and heard.reference_its_ms == newest:
            self._heard_ms[heard.report_id] = now_ms
            return "duplicate"
        # RULE R3
        if heard.reference_its_ms <= newest:
            return "late"
        if heard.termination:
            return self._take_end(connection, turn, heard, pdu, now_ms)
        # RULE R4
        standing = heard.standing(now_ms)
        if standing != "live":
            fresh = store.add_report(connection, self._located(heard, pdu, "marked", now_ms, remark=standing))
            return "marked" if fresh else "duplicate"
        if len(turn.live) >= _MOST_LIVE and known is None:
            return "refused"
        return self._take_living(connection, turn, heard, pdu, events, now_ms)

    def _take_living(
        self,
        connection: Connection,
        turn: Turn,
        heard: HeardDenm,
        pdu: bytes,
        events: Sequence[Event],
        now_ms: int,
    ) -> Fate:
        # RULE R7
        report = self._located(heard, pdu, "live", now_ms)
        known = turn.live.get(heard.report_id)
        if known is not None:
            # tiles only gain: a version left behind in a tile could not be ended there
            tiles = tuple(sorted({*known.tiles, *report.tiles}))
            report = replace(report, opened_ms=known.opened_ms, tiles=tiles)
        report = replace(report, attached_to=self._event_of(report, events))
        if not store.add_report(connection, report):
            return "duplicate"
        turn.live[heard.report_id] = report
        turn.ended.pop(heard.report_id, None)
        turn.changed.append(heard.report_id)
        turn.put.append(Notice(heard.report_id, pdu, report.tiles))
        return "live"

    def _take_end(self, connection: Connection, turn: Turn, heard: HeardDenm, pdu: bytes, now_ms: int) -> Fate:
        known = turn.live.get(heard.report_id)
        by_originator = heard.termination == "isCancellation" and heard.sender_id in (
            heard.station_id,
            known.heard.sender_id if known else heard.station_id,
        )
        remark = heard.termination if by_originator else f"{heard.termination} by station {heard.sender_id}"
        if not store.add_report(connection, self._located(heard, pdu, "termination", now_ms, remark=remark)):
            return "duplicate"
        # RULE R6
        if not by_originator:
            return "foreign end"
        # RULE R5
        if known is not None:
            self._end(connection, turn, known, heard, "cancelled by its originator", pdu, now_ms)
        else:
            turn.ended[heard.report_id] = (heard.void_ms, heard.reference_its_ms)
        turn.changed.append(heard.report_id)
        return "ended"

    def _end(
        self,
        connection: Connection,
        turn: Turn,
        report: StoredReport,
        by: HeardDenm,
        because: str,
        last_pdu: bytes,
        now_ms: int,
    ) -> None:
        report_id = report.heard.report_id
        store.end_report(connection, report_id, now_ms, because, last_pdu)
        del turn.live[report_id]
        turn.ended[report_id] = (max(report.heard.void_ms, by.void_ms), by.reference_its_ms)
        turn.end.append(Notice(report_id, last_pdu, report.tiles))

    # ---- where it is

    def _located(
        self,
        heard: HeardDenm,
        pdu: bytes,
        state: Literal["live", "marked", "termination"],
        now_ms: int,
        remark: str = "",
    ) -> StoredReport:
        plain = StoredReport(heard, pdu, state, now_ms, now_ms, "", (), remark=remark)
        place = heard.position_deg
        if place is None:
            return plain
        lat, lon = np.array([place[0]]), np.array([place[1]])
        around = tiles_touching(lat, lon, margin_m=self._settings.tile_margin_m)
        heading = np.array([np.nan if heard.heading_deg is None else heard.heading_deg])
        found = self._axis.locate(lat, lon, heading, np.array([-1], np.int8))
        if found.carriageway[0] < 0:
            return replace(plain, tiles=around)
        measure_m = float(found.measure_m[0])
        # without a heading nobody knows for which carriageway it is meant: both are told
        sides = self._roadway.road.carriageways
        if heard.heading_deg is not None:
            sides = (CARRIAGEWAYS[int(found.carriageway[0])],)
        tiles = {tile for side in sides for tile in self._relevance.tiles(side, measure_m)}
        extents = [self._relevance.extent(side, measure_m) for side in sides]
        return replace(
            plain,
            label=self._roadway.text(measure_m),
            carriageway=sides[0] if len(sides) == 1 else None,
            measure_m=measure_m,
            start_m=min(extent.start_m for extent in extents),
            end_m=max(extent.end_m for extent in extents),
            tiles=tuple(sorted({*tiles, *around})),
        )

    def _event_of(self, report: StoredReport, events: Sequence[Event]) -> str:
        """The event of our own that warns of the same hazard already, or nothing."""
        if report.measure_m is None or report.heard.cause is None:
            return ""
        side: Carriageway | None = report.carriageway
        for event in events:
            if event.cause_code == report.heard.cause[0] and side in (None, event.carriageway):
                low, high = sorted((event.anchor_m, event.head_m))
                if low - self._settings.merge_m <= report.measure_m <= high + self._settings.merge_m:
                    return event.event_id
        return ""
