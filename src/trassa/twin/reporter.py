"""A vehicle that sends a DENM of its own: an obstacle on the road, reported once and repeated a second later.

Release 2, or the old dictionary (protocolVersion 1) as many vehicles still speak it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trassa.clock import its_ms
from trassa.twin.course import Courses
from trassa.twin.truth import TrueEvent
from trassa.twin.world import Moment
from trassa.vehicles.codec import cause_of_code, encode

__all__ = ["OBSTACLE", "Reporter"]

OBSTACLE = 10
"""hazardousLocation-ObstacleOnTheRoad."""
_FROM_MS, _AGAIN_MS = 8_000, 1_000
_SEQUENCE, _VALIDITY_S = 1, 600
_TRACE_M, _STRIDE_M = 2000.0, 100.0
_ELLIPSE = {"semiMajorConfidence": 4095, "semiMinorConfidence": 4095, "semiMajorOrientation": 3601}


@dataclass
class Reporter:
    """One vehicle and its report. ``event`` and ``pdu`` are there once it was sent; ``sent``: how often."""

    courses: Courses
    vehicle: int
    station_id: int
    protocol_version: int
    start_ms: int
    event: TrueEvent | None = None
    pdu: bytes = b""
    sent: int = 0

    @property
    def event_id(self) -> str:
        """The identity of its report."""
        return f"{self.station_id}-{_SEQUENCE}"

    def due(self, moment: Moment) -> list[tuple[int, bytes]]:
        """What it sends now, as vehicle and payload."""
        now = moment.snapshot
        if self.vehicle < 0 or not moment.connected[self.vehicle] or self.sent > 1:
            return []
        wanted_ms = self.start_ms + _FROM_MS if self.event is None else self.event.begin_ms + _AGAIN_MS
        if now.time_ms < wanted_ms:
            return []
        if self.event is None:
            course, place_m = int(now.course[self.vehicle]), float(now.progress_m[self.vehicle])
            measure_m = float(now.measure_m[self.vehicle])
            self.event = TrueEvent(OBSTACLE, course, now.time_ms, place_m, place_m, measure_m, set(), None, place_m)
            self.pdu = self._denm(moment, course, place_m)
        self.sent += 1
        return [(self.vehicle, self.pdu)]

    def _denm(self, moment: Moment, course: int, place_m: float) -> bytes:
        belief, is_new = moment.belief, self.protocol_version == 2
        action = {"originatingStationId": self.station_id, "sequenceNumber": _SEQUENCE}
        time_its = its_ms(moment.snapshot.time_ms)
        management: dict[str, Any] = {
            "actionId" if is_new else "actionID": action if is_new else _old(action),
            "detectionTime": time_its,
            "referenceTime": time_its,
            "eventPosition": {
                "latitude": round(float(belief.latitude_deg[self.vehicle]) * 1e7),
                "longitude": round(float(belief.longitude_deg[self.vehicle]) * 1e7),
                "positionConfidenceEllipse": _ELLIPSE,
                "altitude": {"altitudeValue": 800_001, "altitudeConfidence": "unavailable"},
            },
            "validityDuration": _VALIDITY_S,
            "stationType": 5,
        }
        trace, heading = self._way(course, place_m)
        kind = cause_of_code(OBSTACLE, 0) if is_new else {"causeCode": OBSTACLE, "subCauseCode": 0}
        names = ("value", "confidence") if is_new else ("headingValue", "headingConfidence")
        location = {
            "eventPositionHeading": {names[0]: heading, names[1]: 127},
            "detectionZonesToEventPosition" if is_new else "traces": [trace],
        }
        header: dict[str, Any] = {"protocolVersion": self.protocol_version}
        header |= (
            {"messageId": 1, "stationId": self.station_id} if is_new else {"messageID": 1, "stationID": self.station_id}
        )
        situation = {"informationQuality": 1, "eventType": kind}
        body = {"management": management, "situation": situation, "location": location}
        return encode("DENM", {"header": header, "denm": body}, self.protocol_version)

    def _way(self, course: int, place_m: float) -> tuple[list[dict[str, Any]], int]:
        """The way it came, back from its place, and its heading in tenths of a degree."""
        along = np.arange(place_m, max(place_m - _TRACE_M, 0.0), -_STRIDE_M)
        latitude, longitude, heading = self.courses.all[course].place(along, np.zeros(len(along)))
        steps = np.diff(np.round(np.vstack([latitude, longitude]) * 1e7).astype(np.int64), axis=1)
        trace = [
            {"pathPosition": {"deltaLatitude": north, "deltaLongitude": east, "deltaAltitude": 12_800}}
            for north, east in steps.T.tolist()
        ]
        return trace, round(float(heading[0]) * 10) % 3600


def _old(action: dict[str, int]) -> dict[str, int]:
    return {name.replace("Id", "ID"): value for name, value in action.items()}
