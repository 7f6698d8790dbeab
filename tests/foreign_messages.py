"""Messages of vehicles made and read by pycrate: what a stranger's on-board unit sends, and what it understands.

pycrate's types hold their value themselves and bear one thread at a time.
"""

from __future__ import annotations

import threading
import time
from typing import Any

__all__ = ["cam_at", "denm_at", "its_ms_of", "read_denm"]

_TURN = threading.Lock()
_ITS_EPOCH_MS = 1_072_915_200_000
"""2004-01-01T00:00:00Z."""
_LEAP_SECONDS_SINCE_MS = 5_000
"""2006, 2009, 2012, 2015 and 2017 (IERS Bulletin C)."""
_NO_ALTITUDE = {"altitudeValue": 800_001, "altitudeConfidence": "unavailable"}
_ELLIPSE = {"semiMajorConfidence": 300, "semiMinorConfidence": 300, "semiMajorOrientation": 900}


def its_ms_of(time_ms: int) -> int:
    """TimestampIts, TAI milliseconds since 2004, of a moment in UTC."""
    return time_ms - _ITS_EPOCH_MS + _LEAP_SECONDS_SINCE_MS


def cam_at(
    station_id: int,
    latitude_deg: float,
    longitude_deg: float,
    *,
    speed_mps: float,
    heading_deg: float,
    time_ms: int | None = None,
) -> bytes:
    """A CAM of a passenger car, protocolVersion 2, made now unless a moment is given."""
    made_ms = time.time_ns() // 1_000_000 if time_ms is None else time_ms
    motion = {
        "heading": {"headingValue": round(heading_deg * 10) % 3600, "headingConfidence": 10},
        "speed": {"speedValue": round(speed_mps * 100), "speedConfidence": 10},
        "driveDirection": "forward",
        "vehicleLength": {"vehicleLengthValue": 43, "vehicleLengthConfidenceIndication": "noTrailerPresent"},
        "vehicleWidth": 18,
        "longitudinalAcceleration": {"longitudinalAccelerationValue": 161, "longitudinalAccelerationConfidence": 102},
        "curvature": {"curvatureValue": 1023, "curvatureConfidence": "unavailable"},
        "curvatureCalculationMode": "unavailable",
        "yawRate": {"yawRateValue": 32_767, "yawRateConfidence": "unavailable"},
    }
    basic = {"stationType": 5, "referencePosition": _position(latitude_deg, longitude_deg)}
    value = {
        "header": {"protocolVersion": 2, "messageID": 2, "stationID": station_id},
        "cam": {
            "generationDeltaTime": its_ms_of(made_ms) % 65_536,
            "camParameters": {
                "basicContainer": basic,
                "highFrequencyContainer": ("basicVehicleContainerHighFrequency", motion),
            },
        },
    }
    return _encoded("CAM", 2, value)


def denm_at(
    action: tuple[int, int],
    latitude_deg: float,
    longitude_deg: float,
    *,
    heading_deg: float,
    time_ms: int,
    version: int = 2,
    cause: tuple[int, int] = (10, 1),
    validity_s: int = 60,
    terminated: bool = False,
) -> bytes:
    """A DENM of a hazard, by default shed load on the road; ``action`` is originatingStationID and sequenceNumber."""
    management: dict[str, Any] = {
        "actionID": {"originatingStationID": action[0], "sequenceNumber": action[1]},
        "detectionTime": its_ms_of(time_ms),
        "referenceTime": its_ms_of(time_ms),
        "eventPosition": _position(latitude_deg, longitude_deg),
        "validityDuration": validity_s,
        "stationType": 5,
    }
    body: dict[str, Any] = {"management": management}
    if terminated:
        management["termination"] = "isCancellation"
    else:
        body["situation"] = {
            "informationQuality": 4,
            "eventType": {"causeCode": cause[0], "subCauseCode": cause[1]},
        }
        body["location"] = {
            "eventPositionHeading": {"headingValue": round(heading_deg * 10) % 3600, "headingConfidence": 10},
            "traces": [[]],
        }
    header = {"protocolVersion": version, "messageID": 1, "stationID": action[0]}
    return _encoded("DENM", version, {"header": header, "denm": body})


def read_denm(pdu: bytes) -> dict[str, Any]:
    """What pycrate reads in a DENM of protocolVersion 1 or 2; the same bytes must come out again."""
    with _TURN:
        kind = _type("DENM", pdu[0])
        kind.from_uper(pdu)
        value: dict[str, Any] = kind.get_val()
        kind.set_val(value)
        assert kind.to_uper() == pdu
    return value


def _encoded(name: str, version: int, value: dict[str, Any]) -> bytes:
    with _TURN:
        kind = _type(name, version)
        kind.set_val(value)
        pdu: bytes = kind.to_uper()
    return pdu


def _type(name: str, version: int) -> Any:
    from pycrate_asn1dir import ITS_CAM_2, ITS_DENM_3, ITS_r1318

    if version == 1:
        return getattr(getattr(ITS_r1318, f"{name}_PDU_Descriptions"), name)
    return ITS_CAM_2.CAM_PDU_Descriptions.CAM if name == "CAM" else ITS_DENM_3.DENM_PDU_Descriptions.DENM


def _position(latitude_deg: float, longitude_deg: float) -> dict[str, Any]:
    return {
        "latitude": round(latitude_deg * 1e7),
        "longitude": round(longitude_deg * 1e7),
        "positionConfidenceEllipse": dict(_ELLIPSE),
        "altitude": dict(_NO_ALTITUDE),
    }
