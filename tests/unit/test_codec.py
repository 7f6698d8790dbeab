"""Messages between bytes and values: what is accepted, what is refused and where, what stays bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from random_messages import RandomMessages
from trassa.vehicles.codec import Message, cause_of_code, decode, encode
from trassa.vehicles.refusal import LAYERS, Refused

FAR = 900_000_001


def _cam(**changes: Any) -> dict[str, Any]:
    """A car near Klin at 20 m/s, high-frequency container only."""
    vehicle = {
        "heading": {"headingValue": 3150, "headingConfidence": 10},
        "speed": {"speedValue": 2000, "speedConfidence": 10},
        "driveDirection": "forward",
        "vehicleLength": {"vehicleLengthValue": 45, "vehicleLengthConfidenceIndication": "noTrailerPresent"},
        "vehicleWidth": 18,
        "longitudinalAcceleration": {"value": 0, "confidence": 102},
        "curvature": {"curvatureValue": 0, "curvatureConfidence": "unavailable"},
        "curvatureCalculationMode": "yawRateUsed",
        "yawRate": {"yawRateValue": 0, "yawRateConfidence": "unavailable"},
    }
    position = {
        "latitude": 563_300_000,
        "longitude": 367_300_000,
        "positionConfidenceEllipse": {
            "semiMajorAxisLength": 100,
            "semiMinorAxisLength": 100,
            "semiMajorAxisOrientation": 0,
        },
        "altitude": {"altitudeValue": 16_000, "altitudeConfidence": "unavailable"},
    }
    return {
        "header": {"protocolVersion": 2, "messageId": 2, "stationId": 4711},
        "cam": {
            "generationDeltaTime": 1,
            "camParameters": {
                "basicContainer": {"stationType": 5, "referencePosition": position | changes.pop("position", {})},
                "highFrequencyContainer": ("basicVehicleContainerHighFrequency", vehicle | changes),
            },
        },
    }


def _denm(**management: Any) -> dict[str, Any]:
    """A stationary vehicle without location container, as road authorities send it."""
    value = RandomMessages(1, plain_share=1.0).denm()
    value["denm"]["management"] |= management
    value["denm"]["situation"] = {"informationQuality": 4, "eventType": cause_of_code(94, 2)}
    return value


def _bits(pdu: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in pdu)


def _bytes(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def _with_bits(pdu: bytes, start: int, count: int, number: int) -> bytes:
    bits = _bits(pdu)
    return _bytes(bits[:start] + f"{number:0{count}b}" + bits[start + count :])


def _vehicle(message: Message) -> dict[str, Any]:
    vehicle: dict[str, Any] = message.value["cam"]["camParameters"]["highFrequencyContainer"][1]
    return vehicle


def test_a_message_comes_back_as_it_was_given() -> None:
    pdu = encode("CAM", _cam())
    message = decode(pdu)
    assert (message.type, message.protocol_version, message.station_id) == ("CAM", 2, 4711)
    assert message.value == _cam()
    assert message.pdu == pdu
    assert len(pdu) == 41
    assert message.position() == (56.33, 36.73)
    assert message.cause() is None


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("protocol_version", [1, 2])
def test_random_messages_come_back(seed: int, protocol_version: int) -> None:
    drawn = RandomMessages(seed)
    for _ in range(20):
        cam, denm = drawn.cam(protocol_version), drawn.denm(protocol_version)
        assert decode(encode("CAM", cam, protocol_version)).value == cam
        pdu = encode("DENM", denm, protocol_version)
        denm["denm"]["management"].setdefault("validityDuration", 600)
        assert decode(pdu).value == denm
        assert encode("DENM", denm, protocol_version) == pdu


@pytest.mark.parametrize("part", [{"latitude": FAR}, {"longitude": 1_800_000_001}])
def test_a_position_that_is_not_available_is_none(part: dict[str, int]) -> None:
    message = decode(encode("CAM", _cam(position=part)))
    assert message.position() is None
    assert message.as_json()["latitude_deg"] is message.as_json()["longitude_deg"] is None


def test_the_validity_of_a_warning_is_ten_minutes_unless_it_says_otherwise() -> None:
    silent = _denm()
    silent["denm"]["management"].pop("validityDuration", None)
    pdu = encode("DENM", silent)
    assert decode(pdu).value["denm"]["management"]["validityDuration"] == 600
    assert encode("DENM", _denm(validityDuration=600)) == pdu
    assert len(encode("DENM", _denm(validityDuration=601))) > len(pdu)


def test_a_cause_is_code_and_sub_code() -> None:
    assert decode(encode("DENM", _denm())).cause() == (94, 2)
    ended = _denm(termination="isCancellation")
    del ended["denm"]["situation"]
    assert decode(encode("DENM", ended)).cause() is None
    with pytest.raises(Refused, match=r"cause code 129 is outside 0\.\.128"):
        cause_of_code(129, 0)


# ---- refused, with the layer and the place ----


def _refusal(pdu: bytes) -> Refused:
    with pytest.raises(Refused) as refusal:
        decode(pdu)
    assert refusal.value.layer in LAYERS
    return refusal.value


@pytest.mark.parametrize(
    ("size", "layer"), [(0, "length"), (1, "length"), (5, "length"), (40, "length"), (9000, "length")]
)
def test_a_message_that_is_too_short_or_too_long(size: int, layer: str) -> None:
    pdu = encode("CAM", _cam()) + bytes(9000)
    assert _refusal(pdu[:size]).layer == layer


@pytest.mark.parametrize("tail", [b"\x00", b"\xff", bytes(100)])
def test_bytes_behind_a_message_are_an_error(tail: bytes) -> None:
    assert _refusal(encode("CAM", _cam()) + tail).layer == "trailing"


@pytest.mark.parametrize("bit", range(322, 328))
def test_padding_is_zero(bit: int) -> None:
    refusal = _refusal(_with_bits(encode("CAM", _cam()), bit, 1, 1))
    assert refusal.layer == "trailing"
    assert "6 bits are padding" in refusal.reason


@pytest.mark.parametrize(
    ("start", "count", "number", "place"),
    [
        (76, 31, 1_800_000_002, "latitude: 900000002 is outside -900000000..900000001"),
        (107, 32, 3_600_000_002, "longitude: 1800000002 is outside"),
        (175, 20, 900_002, "altitudeValue: 800002 is outside"),
        (208, 12, 3602, "headingValue: 3602 is outside 0..3601"),
        (269, 9, 322, "longitudinalAcceleration.value: 162 is outside"),
        (285, 11, 2047, "curvatureValue: 1024 is outside"),
    ],
)
def test_a_number_outside_its_bounds_is_refused_by_its_place(start: int, count: int, number: int, place: str) -> None:
    refusal = _refusal(_with_bits(encode("CAM", _cam()), start, count, number))
    assert refusal.layer == "range"
    assert place in refusal.reason


def test_a_value_that_no_enumeration_has() -> None:
    refusal = _refusal(_with_bits(encode("CAM", _cam()), 248, 2, 3))
    assert refusal.layer == "schema"
    assert "driveDirection" in refusal.reason


def test_too_many_items() -> None:
    event = {"eventPosition": {"deltaLatitude": 0, "deltaLongitude": 0, "deltaAltitude": 0}, "informationQuality": 1}
    full, one_less = _denm(), _denm()
    full["denm"]["situation"]["eventZone"] = [event] * 17
    one_less["denm"]["situation"]["eventZone"] = [event] * 16
    bits, other = _bits(encode("DENM", full)), _bits(encode("DENM", one_less))
    count_at = next(i for i, (a, b) in enumerate(zip(bits, other, strict=False)) if a != b)  # 16 is 10000, 15 is 01111
    refusal = _refusal(_bytes(bits[:count_at] + f"{31:05b}" + bits[count_at + 5 :]))
    assert (refusal.layer, "32 items, where 1 to 23 may be" in refusal.reason) == ("range", True)


# ---- what the schema does not know stays bytes ----


def test_an_unknown_addition_stays_bytes() -> None:
    bits = _bits(encode("CAM", _cam()))[:322]
    added = bits[:64] + "1" + bits[65:] + "0000001" + "01" + f"{2:08b}" + f"{0xBEEF:016b}"
    message = decode(_bytes(added))
    parameters = message.value["cam"]["camParameters"]
    assert parameters["unknownAdditions"] == [{"position": 1, "content": b"\xbe\xef"}]
    shown = message.as_json()["value"]["cam"]["camParameters"]
    assert shown["unknownAdditions"] == [{"position": 1, "content": "beef"}]
    with pytest.raises(Refused, match="unknownAdditions would not come back"):
        encode("CAM", message.value)


def test_a_known_addition_fills_its_length() -> None:
    given = _cam()
    given["cam"]["camParameters"]["extensionContainers"] = [{"containerId": 3, "containerData": b"\x01\x02"}]
    pdu = encode("CAM", given)
    assert decode(pdu).value == given
    start = 322 + 7 + 1
    size = int(_bits(pdu)[start : start + 8], 2)
    bits = _bits(pdu)[: start + 8 + 8 * size]
    longer = _bytes(bits[:start] + f"{size + 1:08b}" + bits[start + 8 :] + "0" * 8)
    assert _refusal(longer).layer == "trailing"


def test_an_unknown_alternative_stays_bytes() -> None:
    bits = _bits(encode("CAM", _cam()))
    message = decode(_bytes(bits[:199] + "1" + f"{3:07b}" + f"{1:08b}" + f"{0xAA:08b}"))
    container = message.value["cam"]["camParameters"]["highFrequencyContainer"]
    assert container == ("unknownAlternative", {"position": 3, "content": b"\xaa"})
    assert message.position() == (56.33, 36.73)


def test_an_unknown_value_of_an_enumeration_keeps_its_position() -> None:
    bits = _bits(encode("CAM", _cam()))
    message = decode(_bytes(bits[:299] + "1" + f"{5:07b}" + bits[302:322]))
    assert _vehicle(message)["curvatureCalculationMode"] == "unknown-5"


@pytest.mark.parametrize(("number", "accepted"), [(0, False), (-5, False), (65536, True), (2**32, False)])
def test_a_number_beyond_an_extension_marker(number: int, accepted: bool) -> None:
    """pathDeltaTime is 1..65535 with an extension marker: longer is possible, earlier is not."""
    given = _cam()
    point = {
        "pathPosition": {"deltaLatitude": 0, "deltaLongitude": 0, "deltaAltitude": 0},
        "pathDeltaTime": 1,
    }
    given["cam"]["camParameters"]["lowFrequencyContainer"] = (
        "basicVehicleContainerLowFrequency",
        {"vehicleRole": "default", "exteriorLights": (b"\x00", 8), "pathHistory": [point]},
    )
    start = 322 + 1 + 4 + 8 + 6 + 1 + 18 + 18 + 15  # choice, role, lights, count, option, the three deltas
    written = number.to_bytes(8, "big", signed=True)
    bits = _bits(encode("CAM", given))[:start] + "1" + f"{8:08b}" + _bits(written)
    if accepted:
        message = decode(_bytes(bits))
        points = message.value["cam"]["camParameters"]["lowFrequencyContainer"][1]["pathHistory"]
        assert points[0]["pathDeltaTime"] == number
    else:
        assert _refusal(_bytes(bits)).layer == "range"


# ---- writing ----


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CAM", _cam(speedvalue=3), "speedvalue would not come back"),
        ("CAM", _cam(speed={"speedValue": 20_000, "speedConfidence": 1}), "between 0 and 16383"),
        ("CAM", _cam(driveDirection="sideways"), "driveDirection"),
        ("CAM", {"header": {}}, "not found"),
        ("DENM", _cam(), "denm"),
        ("IVI", _cam(), "IVI of protocolVersion 2 is not read here"),
    ],
)
def test_what_cannot_be_written_is_refused(name: str, value: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        encode(name, value)


def test_the_header_is_that_of_the_message() -> None:
    for change in ({"messageId": 1}, {"protocolVersion": 1}):
        value = _cam()
        value["header"] |= change
        with pytest.raises(Refused):
            encode("CAM", value)


def test_a_message_as_json() -> None:
    given = _cam(accelerationControl=(b"\x82", 7))
    given["cam"]["camParameters"]["extensionContainers"] = [{"containerId": 1, "containerData": b"\x0f"}]
    shown = json.loads(json.dumps(decode(encode("CAM", given)).as_json(), allow_nan=False))
    first = ["type", "protocol_version", "station_id", "latitude_deg", "longitude_deg", "cause_code", "sub_cause_code"]
    assert list(shown) == [*first, "value"]
    parameters = shown["value"]["cam"]["camParameters"]
    vehicle = parameters["highFrequencyContainer"]["basicVehicleContainerHighFrequency"]
    assert vehicle["accelerationControl"] == "1000001"
    assert parameters["extensionContainers"] == [{"containerId": 1, "containerData": "0f"}]


def test_the_codec_costs_nothing_until_it_is_used() -> None:
    program = "import sys, trassa.vehicles.codec; sys.exit('asn1tools' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
