"""CAM columns beside the full codec, which asn1tools runs from the ASN.1: the same messages are read, with the same
values, and where a message ends in the fixed part or in containers that columns know, the same are refused."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from foreign_cams import random_cam
from random_messages import RandomMessages
from trassa.vehicles.cam_columns import OK, PADDING, SLOW, CamColumns, decode_cams
from trassa.vehicles.codec import Message, decode
from trassa.vehicles.refusal import Refused


def columns_of(pdus: list[bytes]) -> CamColumns:
    size = np.array([len(pdu) for pdu in pdus], dtype=np.int64)
    buffer = np.frombuffer(b"".join(pdus) + b"\xff" * PADDING, dtype=np.uint8).copy()
    return decode_cams(buffer, np.cumsum(size) - size, size)


def read(pdu: bytes) -> Message | None:
    try:
        return decode(pdu)
    except Refused:
        return None


def number(raw: int, unavailable: int, per_unit: float) -> float:
    return float("nan") if raw == unavailable else raw / per_unit


def assert_same(columns: CamColumns, i: int, message: Message) -> None:
    cam: dict[str, Any] = message.value["cam"]["camParameters"]
    kind, motion = cam["highFrequencyContainer"]
    assert columns.station_id[i] == message.station_id
    assert columns.generation_delta_time[i] == message.value["cam"]["generationDeltaTime"]
    assert columns.station_type[i] == cam["basicContainer"]["stationType"]
    position = message.position()
    if position is not None:
        assert columns.latitude_deg[i] == pytest.approx(position[0], abs=1e-9)
        assert columns.longitude_deg[i] == pytest.approx(position[1], abs=1e-9)
    if kind == "basicVehicleContainerHighFrequency":
        speed = number(motion["speed"]["speedValue"], 16_383, 100.0)
        assert columns.speed_mps[i] == pytest.approx(speed, nan_ok=True)
        heading = number(motion["heading"]["headingValue"], 3601, 10.0)
        assert columns.heading_deg[i] == pytest.approx(heading % 360.0, nan_ok=True)
    else:
        assert np.isnan(columns.speed_mps[i])


def end_is_known(pdu: bytes) -> bool:
    """No extension, no container behind the high-frequency one, no zones: read from the presence bits themselves."""
    bits = f"{int.from_bytes(pdu[:26], 'big'):0208b}"
    more, roadside, zones, toll = bits[64:67], bits[200], bits[201:203], bits[207]
    return more + (zones if roadside == "1" else toll) in ("00000", "0000")


@pytest.mark.parametrize("seed", range(3))
def test_valid_messages_of_both_versions(seed: int) -> None:
    makers = [
        RandomMessages(seed, plain_share=share, additions=additions) for share in (0.3, 0.8) for additions in (0, 1)
    ]
    pdus = [maker.cam_pdu() for maker in makers for _ in range(60)]
    columns = columns_of(pdus)
    for i, pdu in enumerate(pdus):
        message = decode(pdu)
        if columns.status[i] == SLOW:
            assert pdu[0] == 1 or not end_is_known(pdu) or f"{int.from_bytes(pdu, 'big'):0{len(pdu) * 8}b}"[299] == "1"
            continue
        assert columns.status[i] == OK
        assert_same(columns, i, message)


@pytest.mark.parametrize("seed", range(3))
def test_damaged_messages(seed: int) -> None:
    chance = random.Random(seed)
    pdus: list[bytes] = []
    for k in range(150):
        whole, _ = random_cam(chance, special=k % 3 == 0, path_points=3)
        for _ in range(8):
            damaged = bytearray(whole)
            for _ in range(chance.randint(1, 3)):
                damaged[chance.randrange(0 if chance.random() < 0.1 else 6, len(damaged))] ^= 1 << chance.randrange(8)
            cut = chance.choice([None, None, None, chance.randrange(len(damaged))])
            pdus.append(bytes(damaged[:cut]) + chance.choice([b"", b"", b"", b"\x00", b"\x5a"]))
    columns = columns_of(pdus)
    both = 0
    for i, pdu in enumerate(pdus):
        message = read(pdu)
        if columns.status[i] == OK and message is not None:
            assert_same(columns, i, message)
            both += 1
        elif columns.status[i] == OK:
            assert not end_is_known(pdu), pdu.hex()
        else:
            assert message is None or columns.status[i] == SLOW, pdu.hex()
    assert both > 300
