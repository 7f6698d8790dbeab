"""What the worker answers when it is asked over the broker: where a station is, to end an event, the counts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from trassa.errors import TrassaError
from trassa.linear import CARRIAGEWAYS
from trassa.live.counts import Counts
from trassa.live.raw_reader import RawBatch
from trassa.live.subjects import ASK
from trassa.vehicles.stations import Stations

__all__ = ["Answers", "EventDesk"]


class EventDesk(Protocol):
    """Who ends events."""

    def end_by_operator(self, event_id: str, user: str) -> tuple[bool, str]:
        """End an event; whether it was done, and why not."""


class Answers:
    """Answers one question at a time. ``more_counts`` adds numbers of other desks to the status page."""

    def __init__(
        self, stations: Stations, desk: EventDesk, counts: Counts, more_counts: Callable[[], Mapping[str, object]]
    ) -> None:
        self._stations = stations
        self._desk = desk
        self._counts = counts
        self._more_counts = more_counts

    def answer(self, batch: RawBatch, i: int) -> bytes:
        """The answer to one message, JSON; ``{}`` to what is not understood."""
        question = batch.subject(i).removeprefix(f"{ASK}.")
        try:
            body = json.loads(batch.payload(i) or b"{}")
        except ValueError:
            return b"{}"
        said: Mapping[str, object] = {}
        if isinstance(body, dict):
            if question == "where":
                said = self._where(body)
            elif question == "end_event":
                said = self._end_event(body)
            elif question == "counts":
                said = self._told()
        return json.dumps(said, ensure_ascii=False).encode()

    def _where(self, body: Mapping[str, Any]) -> Mapping[str, object]:
        station = body.get("station_id")
        if not isinstance(station, int) or not 0 <= station < 1 << 32:
            return {}
        row = self._stations.index_of(station)
        if row < 0 or self._stations.carriageway[row] < 0:
            return {}
        speed_mps = float(self._stations.speed_mps[row])
        return {
            "station_id": station,
            "carriageway": CARRIAGEWAYS[int(self._stations.carriageway[row])],
            "measure_m": round(float(self._stations.measure_m[row]), 1),
            "speed_mps": None if math.isnan(speed_mps) else round(speed_mps, 2),
            "seen_ms": int(self._stations.seen_ms[row]),
        }

    def _end_event(self, body: Mapping[str, Any]) -> Mapping[str, object]:
        try:
            ended, reason = self._desk.end_by_operator(str(body.get("event_id", "")), str(body.get("user", "")))
        except TrassaError as error:
            return {"ok": False, "reason": str(error)}
        return {"ok": ended, "reason": reason}

    def _told(self) -> Mapping[str, object]:
        told = self._counts.told()
        return told | {
            "stations": len(self._stations),
            "late": self._stations.late,
            "turned_away": self._stations.turned_away,
            **self._more_counts(),
        }
