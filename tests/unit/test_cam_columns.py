"""CAM columns: what is refused, by which number."""

from __future__ import annotations

import numpy as np
import pytest

from trassa.vehicles import cam_kernel
from trassa.vehicles.cam_columns import OK, PADDING, REASONS, SLOW, decode_cams, encode_cams


def one(pdu: bytes) -> str:
    buffer = np.frombuffer(pdu + bytes(PADDING), dtype=np.uint8)  # read-only, as bytes are
    return REASONS[int(decode_cams(buffer, np.array([0]), np.array([len(pdu)])).status[0])]


def a_cam() -> bytes:
    buffer, start, size = encode_cams(station_id=7, generation_delta_time=1, latitude_deg=55.9, longitude_deg=37.4)
    return buffer[start[0] : start[0] + size[0]].tobytes()


def with_bits(pdu: bytes, bit: int, width: int, number: int) -> bytes:
    whole, total = int.from_bytes(pdu, "big"), len(pdu) * 8
    mask = ((1 << width) - 1) << (total - bit - width)
    return ((whole & ~mask) | (number << (total - bit - width))).to_bytes(len(pdu), "big")


@pytest.mark.parametrize("version", [0, 3, 255])
def test_other_versions_are_refused_by_number(version: int) -> None:
    assert one(bytes([version]) + a_cam()[1:]) == "protocolVersion is neither 1 nor 2"


def test_version_1_is_recognised_and_left_to_the_slow_codec() -> None:
    pdu = bytes.fromhex(
        "010204b39d85c41e005a97ac450dd00a399ffffffc23b7743e00d2afc14dfe3fe9ed0733c97f5fffb0"
    )  # a field unit's
    buffer = np.frombuffer(pdu + bytes(PADDING), dtype=np.uint8)
    columns = decode_cams(buffer, np.array([0]), np.array([len(pdu)]))
    assert columns.status[0] == SLOW
    assert columns.station_id[0] == 78880133
    assert columns.generation_delta_time[0] == 50206
    assert np.isnan(columns.latitude_deg[0])


@pytest.mark.parametrize("field", [field for field in cam_kernel.FIXED if field.highest + 1 < 1 << field.width])
def test_each_number_beyond_its_range_is_refused_by_name(field: cam_kernel.Field) -> None:
    assert one(with_bits(a_cam(), field.bit, field.width, field.highest)) == "read"
    assert one(with_bits(a_cam(), field.bit, field.width, field.highest + 1)) == f"{field.name} is out of range"
    assert one(with_bits(a_cam(), field.bit, field.width, (1 << field.width) - 1)) == f"{field.name} is out of range"


def test_unknown_containers_are_not_guessed() -> None:
    assert one(with_bits(a_cam(), 199, 1, 1)) == "a container that this schema does not know"
    assert one(with_bits(a_cam(), 299, 1, 1)).endswith("left to the slow codec")


def test_what_follows_the_last_field_is_nothing() -> None:
    assert one(a_cam() + b"\x00") == "something follows the last field"
    assert one(with_bits(a_cam(), 327, 1, 1)) == "something follows the last field"


def test_a_message_that_leaves_its_buffer_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="leaves its buffer"):
        decode_cams(np.zeros(48, dtype=np.uint8), np.array([0]), np.array([41]))


def test_nothing_is_read_from_nothing() -> None:
    assert len(decode_cams(np.zeros(8, dtype=np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))) == 0


def test_numbers_that_a_cam_cannot_say_are_not_written() -> None:
    with pytest.raises(ValueError, match="latitude"):
        encode_cams(station_id=7, generation_delta_time=1, latitude_deg=91.0, longitude_deg=0.0)
    with pytest.raises(ValueError, match="65535"):
        encode_cams(station_id=7, generation_delta_time=65_536, latitude_deg=0.0, longitude_deg=0.0)


def test_what_is_not_known_is_unavailable() -> None:
    columns = decode_cams(*encode_cams(station_id=0, generation_delta_time=0, latitude_deg=0.0, longitude_deg=0.0))
    assert columns.status[0] == OK
    unknown = [columns.heading_deg, columns.speed_mps, columns.acceleration_mps2, columns.length_m]
    assert np.isnan(np.concatenate(unknown)).all()
