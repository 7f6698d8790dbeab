"""What a DENM of another originator says about itself, whatever its release, and whether its times make sense."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from trassa.clock import utc_ms
from trassa.vehicles.codec import Message

__all__ = ["HeardDenm", "Standing", "heard_denm"]

Standing = Literal["live", "expired by its own clock", "times contradict"]

AHEAD_MS = 60_000
"""A clock may be this much ahead of ours; senders without leap seconds are 5 s off, which is no reason to refuse."""
_NO_LATITUDE, _NO_LONGITUDE, _NO_HEADING, _NO_DELTA = 900_000_001, 1_800_000_001, 3601, 131_072
_SHORTEST_TRACE_M = 10.0
_METRES_PER_UNIT = 0.011132
"""Length of 1e-7° of latitude, m."""


@dataclass(frozen=True)
class HeardDenm:
    """The facts of a received DENM. ``*_its_ms`` are TimestampIts as sent; ``heading_deg`` is that of its traffic."""

    station_id: int
    sequence: int
    sender_id: int
    protocol_version: int
    detection_its_ms: int
    reference_its_ms: int
    validity_s: int
    termination: str
    cause: tuple[int, int] | None
    latitude: int
    longitude: int
    heading_deg: float | None

    @property
    def report_id(self) -> str:
        """``<originatingStationId>-<sequenceNumber>``: the identity of the hazard, whoever passes it on."""
        return f"{self.station_id}-{self.sequence}"

    @property
    def detection_ms(self) -> int:
        """When the hazard was detected, ms of UTC."""
        return utc_ms(self.detection_its_ms)

    @property
    def reference_ms(self) -> int:
        """When this version was made, ms of UTC."""
        return utc_ms(self.reference_its_ms)

    @property
    def void_ms(self) -> int:
        """From when on it is not valid, by its own clock, ms of UTC."""
        return self.detection_ms + self.validity_s * 1000

    @property
    def position_deg(self) -> tuple[float, float] | None:
        """Latitude and longitude of the hazard, or none."""
        if self.latitude == _NO_LATITUDE or self.longitude == _NO_LONGITUDE:
            return None
        return self.latitude / 1e7, self.longitude / 1e7

    def standing(self, now_ms: int) -> Standing:
        """Whether it can be taken as true now. Field messages break both rules: they are kept and marked, not lost."""
        if self.reference_ms < self.detection_ms or max(self.reference_ms, self.detection_ms) > now_ms + AHEAD_MS:
            return "times contradict"
        return "live" if now_ms < self.void_ms else "expired by its own clock"


def heard_denm(message: Message) -> HeardDenm:
    """The facts of a decoded DENM of either release."""
    body = message.value["denm"]
    said = body["management"]
    action = said["actionId"] if "actionId" in said else said["actionID"]
    position = said["eventPosition"]
    return HeardDenm(
        int(action["originatingStationId"] if "originatingStationId" in action else action["originatingStationID"]),
        int(action["sequenceNumber"]),
        message.station_id,
        message.protocol_version,
        int(said["detectionTime"]),
        int(said["referenceTime"]),
        int(said.get("validityDuration", 600)),
        str(said.get("termination") or ""),
        message.cause(),
        int(position["latitude"]),
        int(position["longitude"]),
        _heading_deg(body.get("location") or {}, int(position["latitude"])),
    )


def _heading_deg(location: dict[str, Any], latitude: int) -> float | None:
    """Heading of the traffic it concerns: as said, else from its first trace, which leads to the hazard."""
    said = location.get("eventPositionHeading")
    if said is not None:
        value = said["value"] if "value" in said else said["headingValue"]
        if value != _NO_HEADING:
            return float(value % 3600) / 10.0
    traces = location.get("detectionZonesToEventPosition") or location.get("traces") or [[]]
    north = east = 0.0
    for point in traces[0]:
        step = point["pathPosition"]
        if _NO_DELTA in (step["deltaLatitude"], step["deltaLongitude"]):
            break
        north += step["deltaLatitude"] * _METRES_PER_UNIT
        east += step["deltaLongitude"] * _METRES_PER_UNIT * math.cos(math.radians(latitude / 1e7))
        if math.hypot(north, east) >= _SHORTEST_TRACE_M:
            return math.degrees(math.atan2(-east, -north)) % 360.0
    return None
