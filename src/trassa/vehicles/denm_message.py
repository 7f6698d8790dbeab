"""An event as a DENM of Release 2 (TS 103 831, protocolVersion 2), its end, and the end of somebody else's.

The message is built from the event and from the road's own geometry: its place is the carriageway's line at the
anchor, not where a vehicle thought it was, and its one trace is the way towards it, from the hazard upstream.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trassa.clock import its_ms
from trassa.vehicles.codec import cause_of_code, encode
from trassa.vehicles.denm_event import Event
from trassa.vehicles.evidence import STATIONARY_VEHICLE
from trassa.vehicles.heard_denm import HeardDenm
from trassa.vehicles.relevance import Approach

__all__ = ["denm_of", "negation_of", "termination_of"]

PROTOCOL_VERSION = 2
DENM = 1
ROADSIDE_UNIT = 15
MAX_TRACE_POINTS = 40
_MAX_DELTA = 131_071
"""Greatest step of a trace, 1e-7°; the value above says "unavailable"."""
_MAX_DELTA_HEIGHT = 12_700
_UNKNOWN_HEIGHT = 800_001
_UNKNOWN_DELTA_HEIGHT = 12_800
_QUALITY = 3
"""informationQuality of what several messages of vehicles prove, on the scale 0 … 7."""
_DISTANCES_M = (
    (50.0, "lessThan50m"), (100.0, "lessThan100m"), (200.0, "lessThan200m"), (500.0, "lessThan500m"),
    (1000.0, "lessThan1000m"), (5000.0, "lessThan5km"), (10_000.0, "lessThan10km"),
)  # fmt: skip
_STANDING_MS = ((60_000, "lessThan1Minute"), (120_000, "lessThan2Minutes"), (900_000, "lessThan15Minutes"))


def denm_of(event: Event, approach: Approach, *, repetition_ms: int) -> bytes:
    """The DENM of an open event; ``approach`` leads from its anchor upstream."""
    location = {
        "eventPositionHeading": {"value": round(approach.heading_deg * 10) % 3600, "confidence": 127},
        "detectionZonesToEventPosition": [_trace(approach)],
        "roadType": "nonUrban-WithStructuralSeparationToOppositeLanes",
    }
    body: dict[str, Any] = {
        "management": {
            **_management(event, approach),
            "awarenessDistance": _distance(event.end_m - event.start_m),
            "trafficDirection": "sameAsReferenceDirection-upstreamOfReferencePosition",
            "transmissionInterval": repetition_ms,
        },
        "situation": {
            "informationQuality": _QUALITY,
            "eventType": cause_of_code(event.cause_code, event.sub_cause_code),
        },
        "location": location,
    }
    if event.cause_code == STATIONARY_VEHICLE:
        stood_ms = event.reference_ms - event.opened_ms + int(event.evidence.get("standing_s", 0)) * 1000
        since = next((name for limit_ms, name in _STANDING_MS if stood_ms < limit_ms), "equalOrGreater15Minutes")
        body["alacarte"] = {"stationaryVehicle": {"stationarySince": since}}
    return encode("DENM", {"header": _header(event.station_id), "denm": body}, PROTOCOL_VERSION)


def termination_of(event: Event, approach: Approach) -> bytes:
    """The cancellation of one of our events: management only, as the standard wants it."""
    management = {**_management(event, approach), "termination": "isCancellation"}
    return encode("DENM", {"header": _header(event.station_id), "denm": {"management": management}}, PROTOCOL_VERSION)


def negation_of(heard: HeardDenm, station_id: int) -> bytes:
    """The end of a DENM of which only its bytes are known: identity and place, and nothing of its content.

    Another originator's is negated in the version that was heard, and only after its validity: what must not stand in
    a tile any more is overwritten. One of our own is cancelled.
    """
    own = heard.station_id == station_id
    management = {
        "actionId": {"originatingStationId": heard.station_id, "sequenceNumber": heard.sequence},
        "detectionTime": heard.detection_its_ms,
        "referenceTime": heard.reference_its_ms + own,
        "termination": "isCancellation" if own else "isNegation",
        "eventPosition": _position(heard.latitude, heard.longitude, _UNKNOWN_HEIGHT),
        "validityDuration": heard.validity_s,
        "stationType": ROADSIDE_UNIT,
    }
    return encode("DENM", {"header": _header(station_id), "denm": {"management": management}}, PROTOCOL_VERSION)


def _header(station_id: int) -> dict[str, int]:
    return {"protocolVersion": PROTOCOL_VERSION, "messageId": DENM, "stationId": station_id}


def _management(event: Event, approach: Approach) -> dict[str, Any]:
    """What a living message and a termination say alike."""
    height_m = float(approach.height_m[0])
    return {
        "actionId": {"originatingStationId": event.station_id, "sequenceNumber": event.sequence},
        "detectionTime": its_ms(event.detection_ms),
        "referenceTime": its_ms(event.reference_ms),
        "eventPosition": _position(
            round(float(approach.latitude_deg[0]) * 1e7),
            round(float(approach.longitude_deg[0]) * 1e7),
            round(height_m * 100) if math.isfinite(height_m) else _UNKNOWN_HEIGHT,
        ),
        "validityDuration": event.validity_s,
        "stationType": ROADSIDE_UNIT,
    }


def _position(latitude: int, longitude: int, altitude: int) -> dict[str, Any]:
    """A place in the message's own units; how sure it is, is not known."""
    return {
        "latitude": latitude,
        "longitude": longitude,
        "positionConfidenceEllipse": {
            "semiMajorConfidence": 4095,
            "semiMinorConfidence": 4095,
            "semiMajorOrientation": 3601,
        },
        "altitude": {"altitudeValue": altitude, "altitudeConfidence": "unavailable"},
    }


def _distance(length_m: float) -> str:
    return next((name for limit_m, name in _DISTANCES_M if length_m < limit_m), "over10km")


def _trace(approach: Approach) -> list[dict[str, Any]]:
    """The way upstream as steps from the event position: at most 40, none wider than its 18 bits.

    Steps are differences of rounded places, so that the roundings do not add up along the trace.
    """
    wanted = np.linspace(0, len(approach.measure_m) - 1, min(len(approach.measure_m), MAX_TRACE_POINTS + 1))
    rows = np.unique(np.round(wanted).astype(np.int64))
    lat = np.round(approach.latitude_deg[rows] * 1e7).astype(np.int64)
    lon = np.round(approach.longitude_deg[rows] * 1e7).astype(np.int64)
    height = np.round(approach.height_m[rows] * 100)
    trace = []
    for north, east, up in zip(np.diff(lat).tolist(), np.diff(lon).tolist(), np.diff(height).tolist(), strict=True):
        if max(abs(north), abs(east)) > _MAX_DELTA:
            break
        rise = round(up) if math.isfinite(up) and abs(up) <= _MAX_DELTA_HEIGHT else _UNKNOWN_DELTA_HEIGHT
        trace.append({"pathPosition": {"deltaLatitude": north, "deltaLongitude": east, "deltaAltitude": rise}})
    return trace
