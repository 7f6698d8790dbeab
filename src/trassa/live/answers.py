"""What the worker answers at once when it is asked over the broker: where a station is, the counts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from trassa.linear import CARRIAGEWAYS
from trassa.live.counts import Counts
from trassa.live.raw_reader import RawBatch
from trassa.live.subjects import ASK
from trassa.vehicles.stations import Stations

__all__ = ["Answers", "Asked"]


class Asked(NamedTuple):
    """A question and its particulars."""

    question: str
    body: Mapping[str, Any]


class Answers:
    """Answers one question at a time. ``more_counts`` adds numbers of other desks to the status page."""

    def __init__(self, stations: Stations, counts: Counts, more_counts: Callable[[], Mapping[str, object]]) -> None:
        self._stations = stations
        self._counts = counts
        self._more_counts = more_counts

    @staticmethod
    def asked(batch: RawBatch, i: int) -> Asked | None:
        """What one message asks; None where it is not understood."""
        try:
            body = json.loads(batch.payload(i) or b"{}")
        except ValueError:
            return None
        return Asked(batch.subject(i).removeprefix(f"{ASK}."), body) if isinstance(body, dict) else None

    def answer(self, asked: Asked | None) -> Mapping[str, object]:
        """The answer; empty to what is not understood."""
        if asked is not None and asked.question == "where":
            return self._where(asked.body)
        if asked is not None and asked.question == "counts":
            return self._told()
        return {}

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

    def _told(self) -> Mapping[str, object]:
        told = self._counts.told()
        return told | {
            "stations": len(self._stations),
            "late": self._stations.late,
            "turned_away": self._stations.turned_away,
            **self._more_counts(),
        }
