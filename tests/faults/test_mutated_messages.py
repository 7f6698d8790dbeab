"""Damaged messages: no crash, every refusal with its layer, nothing out of range accepted.

``TRASSA_MUTATIONS`` sets how many; the bounds below are retyped from the standards, not taken from our schema.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import fresh_process
from random_messages import RandomMessages
from trassa.vehicles.codec import Message, decode
from trassa.vehicles.refusal import LAYERS, Refused
from trassa.vehicles.schemas import specification

MUTATIONS = int(os.environ.get("TRASSA_MUTATIONS", "100000"))

# EN 302 637-2, EN 302 637-3, TS 102 894-2: positions, times, speeds and what goes with them
BOUNDS = {
    "latitude": (-900_000_000, 900_000_001),
    "longitude": (-1_800_000_000, 1_800_000_001),
    "protectedZoneLatitude": (-900_000_000, 900_000_001),
    "protectedZoneLongitude": (-1_800_000_000, 1_800_000_001),
    "altitudeValue": (-100_000, 800_001),
    "deltaLatitude": (-131_071, 131_072),
    "deltaLongitude": (-131_071, 131_072),
    "deltaAltitude": (-12_700, 12_800),
    "semiMajorConfidence": (0, 4095),
    "semiMinorConfidence": (0, 4095),
    "semiMajorAxisLength": (0, 4095),
    "semiMinorAxisLength": (0, 4095),
    "semiMajorOrientation": (0, 3601),
    "semiMajorAxisOrientation": (0, 3601),
    "headingValue": (0, 3601),
    "speedValue": (0, 16_383),
    "speedLimit": (1, 255),
    "yawRateValue": (-32_766, 32_767),
    "vehicleLengthValue": (1, 1023),
    "vehicleWidth": (1, 62),
    "generationDeltaTime": (0, 65_535),
    "detectionTime": (0, 2**42 - 1),
    "referenceTime": (0, 2**42 - 1),
    "expiryTime": (0, 2**42 - 1),
    "timeStamp": (0, 2**42 - 1),
    "validFrom": (0, 2**42 - 1),
    "validTo": (0, 2**42 - 1),
    "validityDuration": (0, 86_400),
    "transmissionInterval": (1, 10_000),
    "pathDeltaTime": (1, 2**32 - 1),
    "eventDeltaTime": (1, 2**32 - 1),
}
COUNTS = {"pathHistory": (0, 40), "traces": (1, 7), "detectionZonesToEventPosition": (1, 7), "eventHistory": (1, 23),
          "eventZone": (1, 23), "recommendedPath": (1, 40), "protectedCommunicationZonesRSU": (1, 16)}  # fmt: skip


@pytest.fixture(scope="module")
def originals(shared: Path) -> list[bytes]:
    """Foreign messages that are read, and random ones of every kind."""
    lines = map(json.loads, (shared / "vehicles" / "its_pdus.jsonl").read_text("utf-8").splitlines())
    foreign = [bytes.fromhex(line["uper"]) for line in lines if line["type"] in ("CAM", "DENM", "IVIM")]
    drawn = RandomMessages(7)
    return foreign[:40] + [
        make(version) for _ in range(40) for make in (drawn.cam_pdu, drawn.denm_pdu) for version in (1, 2)
    ]


def _mutated(originals: list[bytes], seed: int, count: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for _ in range(count):
        pdu = chance.choice(originals)
        kind = chance.randrange(5)
        if kind == 0:  # one to eight bits flipped
            bits = int.from_bytes(pdu, "big")
            for _ in range(chance.randint(1, 8)):
                bits ^= 1 << chance.randrange(8 * len(pdu))
            yield bits.to_bytes(len(pdu), "big")
        elif kind == 1:  # cut off
            yield pdu[: chance.randrange(len(pdu))]
        elif kind == 2:  # something behind
            yield pdu + chance.randbytes(chance.randint(1, 40))
        elif kind == 3:  # the head of one, the tail of another
            other = chance.choice(originals)
            yield pdu[: chance.randrange(len(pdu))] + other[chance.randrange(len(other)) :]
        else:  # noise behind a good header
            yield pdu[:6] + chance.randbytes(chance.randint(20, 200))


def _check(value: Any, name: str = "") -> None:
    """Everything in a tree lies in its bounds."""
    if isinstance(value, dict):
        for key, part in value.items():
            _check(part, key)
    elif isinstance(value, list):
        low, high = COUNTS.get(name, (0, len(value)))
        assert low <= len(value) <= high, (name, len(value))
        for part in value:
            _check(part)
    elif isinstance(value, tuple) and isinstance(value[0], str):
        _check(value[1], value[0])
    elif name in BOUNDS:
        low, high = BOUNDS[name]
        assert isinstance(value, int), (name, value)
        assert low <= value <= high, (name, value)


def _outcome(pdu: bytes) -> Message | Refused:
    try:
        return decode(pdu)
    except Refused as refusal:
        return refusal


def test_mutated_messages_are_refused_or_in_range(originals: list[bytes]) -> None:
    met: Counter[str] = Counter()
    for pdu in _mutated(originals, seed=3, count=MUTATIONS):
        message = _outcome(pdu)
        if isinstance(message, Refused):
            assert message.layer in LAYERS
            assert message.reason
            met[message.layer] += 1
            continue
        met["accepted"] += 1
        _check(message.value)
        position = message.position()
        assert position is None or (abs(position[0]) <= 90.0 and abs(position[1]) <= 180.0)
        assert 0 <= message.station_id < 2**32
        # a second opinion on every number: asn1tools' own check of the constraints
        specification(message.protocol_version, message.type).types[message.type].check_constraints(message.value)
        json.dumps(message.as_json(), allow_nan=False)
    assert met["accepted"] > MUTATIONS // 20, met
    for layer in ("header", "type", "length", "schema", "range", "trailing"):
        assert met[layer], met


def test_every_cut_is_refused(originals: list[bytes]) -> None:
    for pdu in originals:
        for size in range(len(pdu)):
            with pytest.raises(Refused):
                decode(pdu[:size])


def test_every_line_is_answered_in_its_place(originals: list[bytes], tmp_path: Path) -> None:
    lines = [pdu.hex() for pdu in _mutated(originals, seed=5, count=3000)]
    lines = [line for line in lines if line]
    (tmp_path / "mutated").write_text("\n".join(lines) + "\n", "utf-8")
    done = fresh_process("vehicles", "decode", tmp_path / "mutated", "--json")
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    assert len(answers) == len(lines)
    for line, answer in zip(lines, answers, strict=True):
        outcome = _outcome(bytes.fromhex(line))
        if isinstance(outcome, Refused):
            assert (answer["layer"], answer["error"]) == (outcome.layer, outcome.reason)
        else:
            assert answer == outcome.as_json()
    assert "Traceback" not in done.err
