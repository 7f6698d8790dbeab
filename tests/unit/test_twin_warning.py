"""Warnings as an on-board unit understands them: whom they concern, and what a newer or a late one changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trassa.clock import its_ms
from trassa.twin.awareness import Awareness
from trassa.twin.receiver import Belief
from trassa.twin.warning import Warning, understood
from trassa.vehicles.codec import encode

NOW_MS = 1_780_660_800_000
# one minute of latitude is a nautical mile at 45°: 1852.2 m by the ellipsoid
LATITUDE, LONGITUDE = 450_000_000, 300_000_000
METRE = 1e7 / 60.0 / 1852.2


def _denm(
    legs_m: list[tuple[float, float]] = [(-1000.0, 0.0)],  # noqa: B006 - never changed
    *,
    version_ms: int = NOW_MS,
    ends: bool = False,
    number: int = 1,
    validity_s: int = 120,
) -> bytes:
    """A stationary vehicle with a trace of legs given as metres to the north and to the east."""
    cosine = np.cos(np.radians(45.0))
    points = [
        {
            "pathPosition": {
                "deltaLatitude": round(north * METRE),
                "deltaLongitude": round(east * METRE / cosine),
                "deltaAltitude": 12_800,
            }
        }
        for north, east in legs_m
    ]
    unknown = {"semiMajorConfidence": 4095, "semiMinorConfidence": 4095, "semiMajorOrientation": 3601}
    management: dict[str, Any] = {
        "actionId": {"originatingStationId": 42, "sequenceNumber": number},
        "detectionTime": its_ms(NOW_MS),
        "referenceTime": its_ms(version_ms),
        "eventPosition": {
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
            "positionConfidenceEllipse": unknown,
            "altitude": {"altitudeValue": 800_001, "altitudeConfidence": "unavailable"},
        },
        "validityDuration": validity_s,
        "stationType": 15,
    }
    body: dict[str, Any] = {"management": management}
    if ends:
        management["termination"] = "isCancellation"
    else:
        body["situation"] = {"informationQuality": 3, "eventType": {"ccAndScc": ("stationaryVehicle94", 0)}}
        body["location"] = {"detectionZonesToEventPosition": [points]}
    return encode("DENM", {"header": {"protocolVersion": 2, "messageId": 1, "stationId": 42}, "denm": body})


def _belief(north_m: float, east_m: float, heading_deg: float) -> Belief:
    cosine = np.cos(np.radians(45.0))
    return Belief(
        np.array([45.0 + north_m * METRE / 1e7]),
        np.array([30.0 + east_m * METRE / cosine / 1e7]),
        np.array([heading_deg]),
        np.array([30.0]),
    )


def _distance_m(warning: Warning, north_m: float, east_m: float, heading_deg: float) -> float:
    belief = _belief(north_m, east_m, heading_deg)
    return float(warning.concerns(belief.latitude_deg, belief.longitude_deg, belief.heading_deg)[0])


def _read(payload: bytes) -> Warning:
    warning = understood(payload)
    assert warning is not None
    return warning


def test_it_concerns_who_comes_along_the_trace() -> None:
    warning = _read(_denm())
    assert (warning.action, warning.cause_code, warning.ends) == ((42, 1), 94, False)
    assert (warning.version_ms, warning.void_ms) == (NOW_MS, NOW_MS + 120_000)
    assert _distance_m(warning, -500.0, 0.0, 0.0) == pytest.approx(500.0, abs=5.0)
    assert _distance_m(warning, -500.0, 20.0, 350.0) == pytest.approx(500.0, abs=5.0)
    assert np.isnan(_distance_m(warning, -500.0, 0.0, 180.0)), "the other carriageway"
    assert np.isnan(_distance_m(warning, -500.0, 60.0, 0.0)), "another road"
    assert np.isnan(_distance_m(warning, 200.0, 0.0, 0.0)), "it has passed"
    assert np.isnan(_distance_m(warning, -1200.0, 0.0, 0.0)), "it is not there yet"


def test_the_distance_follows_the_road_round_a_bend() -> None:
    # from the event 400 m to the south, then 600 m to the west: one comes driving east, then north
    warning = _read(_denm([(-400.0, 0.0), (0.0, -600.0)]))
    assert _distance_m(warning, -400.0, -300.0, 90.0) == pytest.approx(700.0, abs=8.0)
    assert _distance_m(warning, -100.0, 0.0, 0.0) == pytest.approx(100.0, abs=5.0)
    assert np.isnan(_distance_m(warning, -400.0, -300.0, 270.0))


def test_what_cannot_be_read_is_no_warning() -> None:
    assert understood(b"") is None
    assert understood(b"\x02\x01nonsense") is None
    assert understood(_denm()[:-3]) is None


def test_first_moment_counts_and_repetitions_do_not() -> None:
    awareness = Awareness(1)
    far, near = _belief(-1500.0, 0.0, 0.0), _belief(-700.0, 0.0, 0.0)
    awareness.take(0, _denm())
    awareness.take(0, _denm())
    awareness.take(0, b"")
    assert (awareness.received, awareness.repeated) == (2, 1)
    assert awareness.judge(far, NOW_MS) == []
    (heeded,) = awareness.judge(near, NOW_MS + 100)
    assert (heeded.vehicle, heeded.action, heeded.time_ms) == (0, (42, 1), NOW_MS + 100)
    assert heeded.distance_m == pytest.approx(700.0, abs=6.0)
    awareness.take(0, _denm(version_ms=NOW_MS + 60_000))
    assert awareness.judge(near, NOW_MS + 60_000) == []


def test_an_ended_warning_stays_ended_whatever_comes_late() -> None:
    awareness = Awareness(1)
    near = _belief(-700.0, 0.0, 0.0)
    awareness.take(0, _denm(version_ms=NOW_MS + 5_000, ends=True))
    awareness.take(0, _denm(version_ms=NOW_MS))
    assert awareness.judge(near, NOW_MS + 6_000) == []
    awareness.take(0, _denm(number=2))
    assert len(awareness.judge(near, NOW_MS + 6_000)) == 1


def test_a_warning_past_its_validity_is_forgotten() -> None:
    awareness = Awareness(1)
    awareness.take(0, _denm(validity_s=20))
    assert awareness.judge(_belief(-700.0, 0.0, 0.0), NOW_MS + 20_000) == []
