"""CAM columns against messages from the field and against pycrate, which shares no line with them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from foreign_cams import CAM, random_cam, read_cam
from trassa.vehicles.cam_columns import OK, PADDING, REASONS, CamColumns, decode_cams, encode_cams

Packed = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def packed(pdus: list[bytes]) -> Packed:
    size = np.array([len(pdu) for pdu in pdus], dtype=np.int64)
    start = np.cumsum(size) - size
    # what lies behind the last message looks like more of it
    return np.frombuffer(b"".join(pdus) + b"\xff" * PADDING, dtype=np.uint8).copy(), start, size


def same(number: float, raw: int, unavailable: int, per_unit: float) -> bool:
    return bool(np.isnan(number)) if raw == unavailable else abs(number - raw / per_unit) < 1e-6


def assert_reads(columns: CamColumns, i: int, value: dict[str, Any]) -> None:
    cam = value["cam"]
    basic = cam["camParameters"]["basicContainer"]
    kind, motion = cam["camParameters"]["highFrequencyContainer"]
    place = basic["referencePosition"]
    assert columns.station_id[i] == value["header"]["stationID"]
    assert columns.generation_delta_time[i] == cam["generationDeltaTime"]
    assert columns.station_type[i] == basic["stationType"]
    assert same(columns.latitude_deg[i], place["latitude"], 900_000_001, 1e7)
    assert same(columns.longitude_deg[i], place["longitude"], 1_800_000_001, 1e7)
    if kind != "basicVehicleContainerHighFrequency":
        assert np.isnan([columns.heading_deg[i], columns.speed_mps[i], columns.length_m[i]]).all()
        assert columns.drive_direction[i] == 2
        return
    heading, length = motion["heading"]["headingValue"], motion["vehicleLength"]["vehicleLengthValue"]
    assert same(columns.heading_deg[i], 0 if heading == 3600 else heading, 3601, 10.0)
    assert same(columns.speed_mps[i], motion["speed"]["speedValue"], 16_383, 100.0)
    assert ["forward", "backward", "unavailable"][columns.drive_direction[i]] == motion["driveDirection"]
    acceleration = motion["longitudinalAcceleration"]["longitudinalAccelerationValue"]
    assert same(float(columns.acceleration_mps2[i]), acceleration, 161, 10.0)
    assert bool(np.isnan(columns.length_m[i])) if length >= 1022 else abs(columns.length_m[i] - length / 10) < 1e-5


def test_field_messages_are_read(shared: Path) -> None:
    lines = (shared / "vehicles" / "its_pdus.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    columns = decode_cams(*packed([bytes.fromhex(row["uper"]) for row in rows]))
    cams = [i for i, row in enumerate(rows) if row["type"] == "CAM"]
    assert len(cams) == 187
    for i in cams:
        assert columns.status[i] == OK
        assert abs(columns.latitude_deg[i] - rows[i]["lat"]) < 1e-7
        assert abs(columns.longitude_deg[i] - rows[i]["lon"]) < 1e-7
        assert_reads(columns, i, read_cam(bytes.fromhex(rows[i]["uper"])))
    others = {REASONS[int(s)] for i, s in enumerate(columns.status) if i not in set(cams)}
    assert others == {"messageID is not 2 (CAM)"}


@pytest.mark.parametrize("special", [False, True])
def test_random_messages_with_every_option_are_read(special: bool) -> None:
    chance = random.Random(11)
    made = [random_cam(chance, special=special) for _ in range(400)]
    columns = decode_cams(*packed([pdu for pdu, _ in made]))
    assert (columns.status == OK).all()
    for i, (_, value) in enumerate(made):
        assert_reads(columns, i, value)


def test_what_is_written_is_what_pycrate_writes() -> None:
    n, chance = 200, np.random.default_rng(5)
    station, delta = chance.integers(0, 2**32, n), chance.integers(0, 65_536, n)
    latitude, longitude = chance.uniform(-90, 90, n), chance.uniform(-180, 180, n)
    heading, speed = chance.uniform(0, 720, n), np.append(np.nan, chance.uniform(0, 200, n - 1))
    buffer, start, size = encode_cams(
        station_id=station,
        generation_delta_time=delta,
        latitude_deg=latitude,
        longitude_deg=longitude,
        heading_deg=heading,
        speed_mps=speed,
        station_type=chance.integers(0, 16, n),
        acceleration_mps2=chance.uniform(-20, 20, n),
        length_m=chance.uniform(0.1, 110, n),
    )
    columns = decode_cams(buffer, start, size)
    assert (columns.status == OK).all()
    for i in range(n):
        pdu = buffer[start[i] : start[i] + size[i]].tobytes()
        value = read_cam(pdu)
        assert_reads(columns, i, value)
        CAM.set_val(value)
        assert CAM.to_uper() == pdu
        assert value["header"] == {"protocolVersion": 2, "messageID": 2, "stationID": station[i]}
        assert value["cam"]["generationDeltaTime"] == delta[i]
        place = value["cam"]["camParameters"]["basicContainer"]["referencePosition"]
        assert abs(place["latitude"] - latitude[i] * 1e7) <= 0.5 + 1e-6
        assert abs(place["longitude"] - longitude[i] * 1e7) <= 0.5 + 1e-6
        motion = value["cam"]["camParameters"]["highFrequencyContainer"][1]
        assert motion["heading"]["headingValue"] == round(heading[i] * 10) % 3600
        expected = 16_383 if np.isnan(speed[i]) else min(round(speed[i] * 100), 16_382)
        assert motion["speed"]["speedValue"] == expected


def test_every_cut_and_every_trailing_byte_of_a_message_whose_end_is_known_is_refused() -> None:
    chance = random.Random(3)
    whole = []
    while len(whole) < 60:
        pdu, value = random_cam(chance, path_points=4)
        if value["cam"]["camParameters"]["highFrequencyContainer"][0] == "basicVehicleContainerHighFrequency":
            whole.append(pdu)
    cuts = [pdu[:k] for pdu in whole for k in range(len(pdu))]
    reasons = {REASONS[int(s)] for s in decode_cams(*packed(cuts)).status}
    assert reasons == {"it ends before its last field"}
    longer = decode_cams(*packed([pdu + b"\x00" for pdu in whole]))
    assert {REASONS[int(s)] for s in longer.status} == {"something follows the last field"}


def test_damaged_messages_leave_their_neighbours_alone_and_give_nothing_out_of_range() -> None:
    chance = random.Random(9)
    good = [random_cam(chance, special=True, path_points=3) for _ in range(150)]
    pdus: list[bytes] = []
    for pdu, _ in good:
        damaged = bytearray(pdu)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(1, len(damaged))] ^= 1 << chance.randrange(8)
        pdus += [pdu, bytes(damaged)[: chance.choice([len(pdu), len(pdu), chance.randrange(len(pdu))])]]
    columns = decode_cams(*packed(pdus))
    for i, (_, value) in enumerate(good):
        assert columns.status[2 * i] == OK
        assert_reads(columns, 2 * i, value)
    read = columns.status == OK
    for column, lowest, highest in (
        (columns.latitude_deg, -90.0, 90.0),
        (columns.longitude_deg, -180.0, 180.0),
        (columns.heading_deg, 0.0, 359.91),
        (columns.speed_mps, 0.0, 163.82),
        (columns.length_m, 0.1, 102.11),
    ):
        known = column[read & ~np.isnan(column)]
        assert ((known >= lowest) & (known <= highest)).all()
