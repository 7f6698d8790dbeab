"""The loops behind :mod:`trassa.vehicles.cam_columns`: UPER bits of many CAMs in one pass, no object per message.

Up to the yaw rate a CAM of protocolVersion 2 has fixed bit offsets (EN 302 637-2 v1.4.1 and TS 103 900 v2.3.1 put
the same bits on the wire). What follows is walked only as far as its length is known, so that a message that ends
too early or too late is refused instead of believed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.vehicles.compiled import compiled

__all__ = [
    "FIXED",
    "HIGH_FREQUENCY_SIZE",
    "NOT_A_CAM",
    "OK",
    "OUT_OF_RANGE",
    "SHORT",
    "SLOW",
    "TRAILING",
    "UNKNOWN_CONTAINER",
    "UNKNOWN_VERSION",
    "VALUES",
    "Field",
    "decode",
    "encode",
]

OK, SHORT, TRAILING, NOT_A_CAM, UNKNOWN_VERSION, SLOW, UNKNOWN_CONTAINER = range(7)
_UNKNOWN_LENGTH = 31
OUT_OF_RANGE = 32
"""Statuses. From OUT_OF_RANGE on, the field of FIXED with that index; behind them, an optional field."""

HIGH_FREQUENCY_SIZE = 41
"""Bytes of a vehicle's CAM that says nothing optional."""


class Field(NamedTuple):
    """An integer at a fixed place of a CAM: first bit, width, and the highest number that means something."""

    name: str
    bit: int
    width: int
    highest: int
    unavailable: int


FIXED = (
    Field("stationType", 68, 8, 255, 0),
    Field("latitude", 76, 31, 1_800_000_001, 1_800_000_001),
    Field("longitude", 107, 32, 3_600_000_001, 3_600_000_001),
    Field("semiMajorConfidence", 139, 12, 4095, 4095),
    Field("semiMinorConfidence", 151, 12, 4095, 4095),
    Field("semiMajorOrientation", 163, 12, 3601, 3601),
    Field("altitudeValue", 175, 20, 900_001, 900_001),
    Field("altitudeConfidence", 195, 4, 15, 15),
    Field("headingValue", 208, 12, 3601, 3601),
    Field("headingConfidence", 220, 7, 126, 126),
    Field("speedValue", 227, 14, 16_383, 16_383),
    Field("speedConfidence", 241, 7, 126, 126),
    Field("driveDirection", 248, 2, 2, 2),
    Field("vehicleLengthValue", 250, 10, 1022, 1022),
    Field("vehicleLengthConfidenceIndication", 260, 3, 4, 4),
    Field("vehicleWidth", 263, 6, 61, 61),
    Field("longitudinalAccelerationValue", 269, 9, 321, 321),
    Field("longitudinalAccelerationConfidence", 278, 7, 102, 102),
    Field("curvatureValue", 285, 11, 2046, 2046),
    Field("curvatureConfidence", 296, 3, 7, 7),
    Field("curvatureCalculationMode", 300, 2, 2, 2),
    Field("yawRateValue", 302, 16, 65_533, 65_533),
    Field("yawRateConfidence", 318, 4, 8, 8),
)
"""Numbers on the wire, counted from the lowest value of their type, and which of them says "unavailable"."""

_BASIC_FIELDS = 8
"""The first of FIXED stand in the basic container, which a roadside unit sends too."""
_BIT = np.array([field.bit for field in FIXED], dtype=np.int64)
_WIDTH = np.array([field.width for field in FIXED], dtype=np.int64)
_HIGHEST = np.array([field.highest for field in FIXED], dtype=np.int64)
_OPTION_OUT_OF_RANGE = OUT_OF_RANGE + len(FIXED)


_INDEX = {field.name: k for k, field in enumerate(FIXED)}
_TYPE, _DIRECTION = _INDEX["stationType"], _INDEX["driveDirection"]

VALUES = (
    ("latitude", -900_000_000, 1e7),
    ("longitude", -1_800_000_000, 1e7),
    ("headingValue", 0, 10.0),
    ("speedValue", 0, 100.0),
    ("longitudinalAccelerationValue", -160, 10.0),
    ("vehicleLengthValue", 1, 10.0),
)
"""The fields that become float columns, in this order: name, lowest value, and how many make one unit."""

_FIELD = np.array([_INDEX[name] for name, _, _ in VALUES], dtype=np.int64)
_LOWEST = np.array([lowest for _, lowest, _ in VALUES], dtype=np.int64)
_PER_UNIT = np.array([per_unit for _, _, per_unit in VALUES], dtype=np.float64)
_UNAVAILABLE = np.array([FIXED[_INDEX[name]].unavailable for name, _, _ in VALUES], dtype=np.int64)

_Bytes = npt.NDArray[np.uint8]
_Integers = npt.NDArray[np.int64]
_FloatArray = npt.NDArray[np.float64]


@compiled
def _bits(buffer: _Bytes, bit: int, width: int) -> int:
    """The unsigned number of up to 57 bits that begins at a bit; eight bytes from there must exist."""
    at = np.uint64(bit >> 3)  # unsigned: no wrap-around of negative indices, so that one load reads all eight
    word = (
        (np.uint64(buffer[at]) << np.uint64(56))
        | (np.uint64(buffer[at + np.uint64(1)]) << np.uint64(48))
        | (np.uint64(buffer[at + np.uint64(2)]) << np.uint64(40))
        | (np.uint64(buffer[at + np.uint64(3)]) << np.uint64(32))
        | (np.uint64(buffer[at + np.uint64(4)]) << np.uint64(24))
        | (np.uint64(buffer[at + np.uint64(5)]) << np.uint64(16))
        | (np.uint64(buffer[at + np.uint64(6)]) << np.uint64(8))
        | np.uint64(buffer[at + np.uint64(7)])
    )
    return np.int64((word << np.uint64(bit & 7)) >> np.uint64(64 - width))  # type: ignore[return-value]


@compiled
def _options_end(buffer: _Bytes, base: int, limit: int) -> int:
    """Bit behind the optional fields of the high-frequency container; negative: minus a status."""
    options = _bits(buffer, base + 201, 7)
    at = base + 322
    for k in range(6):
        if not options >> (6 - k) & 1:
            continue
        width, confidence_highest = 7, -1  # accelerationControl: seven flags
        if k == 1:
            width = 4  # lanePosition: every number has a meaning
        elif k == 2:
            width, confidence_highest = 17, 126  # steeringWheelAngle
        elif k in (3, 4):
            width, confidence_highest = 16, 102  # lateral, vertical acceleration
        elif k == 5:
            width = 3  # performanceClass
        if at + width > limit:
            return -SHORT
        if confidence_highest >= 0 and _bits(buffer, at + width - 7, 7) > confidence_highest:
            return -_OPTION_OUT_OF_RANGE
        if k in (3, 4) and _bits(buffer, at, 9) > 321:
            return -_OPTION_OUT_OF_RANGE
        at += width
    if options & 1:  # cenDsrcTollingZone
        if at + 65 > limit:
            return -SHORT
        if _bits(buffer, at, 1):
            return -_UNKNOWN_LENGTH
        if _bits(buffer, at + 2, 31) > 1_800_000_001 or _bits(buffer, at + 33, 32) > 3_600_000_001:
            return -_OPTION_OUT_OF_RANGE
        at += 65 + 27 * _bits(buffer, at + 1, 1)
    return at


@compiled
def _low_frequency_end(buffer: _Bytes, at: int, limit: int) -> int:
    """Bit behind the low-frequency container; negative: minus a status."""
    if at + 19 > limit:
        return -SHORT
    if _bits(buffer, at, 1):
        return -_UNKNOWN_LENGTH
    points = _bits(buffer, at + 13, 6)  # behind vehicleRole and exteriorLights
    if points > 40:
        return -_OPTION_OUT_OF_RANGE
    at += 19
    for _ in range(points):
        if at + 52 > limit:
            return -SHORT
        if _bits(buffer, at + 37, 15) > 25_500:  # deltaAltitude
            return -_OPTION_OUT_OF_RANGE
        timed = _bits(buffer, at, 1)
        at += 52
        if timed:
            if at + 17 > limit:
                return -SHORT
            if _bits(buffer, at, 1):
                return -_UNKNOWN_LENGTH
            if _bits(buffer, at + 1, 16) > 65_534:
                return -_OPTION_OUT_OF_RANGE
            at += 17
    return at


@compiled
def _status(buffer: _Bytes, first: int, size: int) -> int:
    """Why a PDU is not read, or OK. Looks at no bit behind its end before it knows that the bit exists."""
    if size < 6:
        return SHORT
    version, kind = buffer[first], buffer[first + 1]
    if version != 1 and version != 2:
        return UNKNOWN_VERSION
    if kind != 2:
        return NOT_A_CAM
    if version == 1:
        return SLOW
    if size < 26:
        return SHORT
    base, limit = first * 8, (first + size) * 8
    if _bits(buffer, base + 67, 1) or _bits(buffer, base + 199, 1):
        return UNKNOWN_CONTAINER
    roadside = _bits(buffer, base + 200, 1) == 1
    if not roadside and size < HIGH_FREQUENCY_SIZE:
        return SHORT
    for k in range(_BASIC_FIELDS if roadside else len(_BIT)):
        if _bits(buffer, base + _BIT[k], _WIDTH[k]) > _HIGHEST[k]:
            return OUT_OF_RANGE + k
    if roadside:
        if _bits(buffer, base + 201, 2):  # an extension, or protected zones
            return OK
        end = base + 203
    else:
        if _bits(buffer, base + 299, 1):  # a way of computing curvature that moves what follows it
            return SLOW
        end = _options_end(buffer, base, limit)
    if end > 0 and _bits(buffer, base + 65, 1):
        end = _low_frequency_end(buffer, end, limit)
    if end <= 0:
        return OK if -end == _UNKNOWN_LENGTH else -end
    if _bits(buffer, base + 64, 1) or _bits(buffer, base + 66, 1):
        return OK if end < limit else SHORT  # extension or special container: it lies in between
    if end > limit:
        return SHORT
    if limit - end >= 8 or (limit > end and _bits(buffer, end, limit - end)):
        return TRAILING
    return OK


@compiled
def decode(
    buffer: _Bytes, start: _Integers, size: _Integers, small: _Bytes, header: _Integers, values: _FloatArray
) -> None:
    """Fill small (3, n) with status, station type and drive direction, header (2, n) with stationID and
    generationDeltaTime, values (6, n) in the order of VALUES, NaN for "unavailable".
    """
    for i in range(len(start)):
        first, base = start[i], start[i] * 8
        why = _status(buffer, first, size[i])
        moving = why == OK and _bits(buffer, base + 200, 1) == 0
        small[0, i] = why
        small[1, i] = _bits(buffer, base + _BIT[_TYPE], 8) if why == OK else 0
        small[2, i] = _bits(buffer, base + _BIT[_DIRECTION], 2) if moving else 2
        header[0, i] = _bits(buffer, base + 16, 32) if size[i] >= 6 else 0
        header[1, i] = _bits(buffer, base + 48, 16) if size[i] >= 8 else 0
        for j in range(len(_FIELD)):
            field = _FIELD[j]
            values[j, i] = np.nan
            if moving or (why == OK and field < _BASIC_FIELDS):
                number = _bits(buffer, base + _BIT[field], _WIDTH[field])
                if number != _UNAVAILABLE[j]:
                    values[j, i] = (number + _LOWEST[j]) / _PER_UNIT[j]


@compiled
def _put(buffer: _Bytes, bit: int, width: int, number: int) -> None:
    """Write an unsigned number into bits that are zero."""
    for k in range(width):
        if (number >> (width - 1 - k)) & 1:
            at = bit + k
            buffer[at >> 3] |= np.uint8(128 >> (at & 7))


@compiled
def encode(buffer: _Bytes, header: _Integers, numbers: _Integers) -> None:
    """Write n CAMs of 41 bytes one after the other into a zeroed buffer.

    header (n, 2): stationID, generationDeltaTime; numbers (n, fields of FIXED) as they go on the wire.
    """
    for i in range(len(header)):
        base = i * HIGH_FREQUENCY_SIZE * 8
        _put(buffer, base, 8, 2)
        _put(buffer, base + 8, 8, 2)
        _put(buffer, base + 16, 32, header[i, 0])
        _put(buffer, base + 48, 16, header[i, 1])
        for k in range(len(_BIT)):
            _put(buffer, base + _BIT[k], _WIDTH[k], numbers[i, k])
