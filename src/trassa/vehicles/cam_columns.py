"""CAMs as columns: what the road uses of many messages at once, read from and written to UPER.

Protocol version 2 is read here; a CAM of version 1 is recognised and left to the slow codec (status ``SLOW``).
A message is read, or refused with a numbered status (:data:`REASONS`); it never spoils its neighbours. Where a special
vehicle container, protected zones or an extension follow the fixed part, their length is not known here: such a message
is read although something behind that part may be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.vehicles import cam_kernel as kernel
from trassa.vehicles.cam_kernel import OK, SLOW

__all__ = ["OK", "PADDING", "REASONS", "ROADSIDE_UNIT", "SLOW", "CamColumns", "decode_cams", "encode_cams"]

PADDING = 8
"""Bytes that must exist behind the last message of a buffer."""

ROADSIDE_UNIT = 15
"""stationType of a station that stands beside the road by design."""

REASONS: Mapping[int, str] = {
    kernel.OK: "read",
    kernel.SHORT: "it ends before its last field",
    kernel.TRAILING: "something follows the last field",
    kernel.NOT_A_CAM: "messageID is not 2 (CAM)",
    kernel.UNKNOWN_VERSION: "protocolVersion is neither 1 nor 2",
    kernel.SLOW: "protocolVersion 1 or an extension among the fixed fields: left to the slow codec",
    kernel.UNKNOWN_CONTAINER: "a container that this schema does not know",
    **{kernel.OUT_OF_RANGE + k: f"{field.name} is out of range" for k, field in enumerate(kernel.FIXED)},
    kernel.OUT_OF_RANGE + len(kernel.FIXED): "an optional field is out of range",
}
"""What each status means."""

_INDEX = {field.name: k for k, field in enumerate(kernel.FIXED)}
_LONGER_M = 102.2
"""This length means "longer than 102.1 m"."""
_FloatArray = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CamColumns:
    """What the road uses of n CAMs. Arrays of shape (n,); where ``status`` is not 0 the other columns say nothing.

    NaN: the sender says "unavailable". ``drive_direction``: 0 forward, 1 backward, 2 unavailable.
    """

    status: npt.NDArray[np.uint8]
    station_id: npt.NDArray[np.uint32]
    generation_delta_time: npt.NDArray[np.uint16]
    station_type: npt.NDArray[np.uint8]
    latitude_deg: _FloatArray
    longitude_deg: _FloatArray
    heading_deg: _FloatArray
    speed_mps: _FloatArray
    drive_direction: npt.NDArray[np.uint8]
    acceleration_mps2: npt.NDArray[np.float32]
    length_m: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.status)


def decode_cams(buffer: npt.NDArray[np.uint8], start: _Integers, size: _Integers) -> CamColumns:
    """Read the CAMs that begin at byte ``start`` and are ``size`` bytes long.

    Raises :class:`ValueError` where a message reaches nearer than :data:`PADDING` bytes to the end of the buffer.
    """
    n = len(start)
    if n and (int(start.min()) < 0 or int(size.min()) < 0 or int((start + size).max()) + PADDING > len(buffer)):
        raise ValueError(f"CAMs: a message leaves its buffer of {len(buffer)} bytes, {PADDING} of them spare")
    small, header = np.zeros((3, n), dtype=np.uint8), np.zeros((2, n), dtype=np.int64)
    values = np.zeros((len(kernel.VALUES), n))
    # arrays that must not be written have a type of their own, which would be compiled again
    kernel.decode(buffer if buffer.flags.writeable else buffer.copy(), start, size, small, header, values)
    latitude_deg, longitude_deg, heading_deg, speed_mps, acceleration_mps2, length_m = values
    heading_deg[heading_deg >= 360.0] = 0.0
    length_m[length_m >= _LONGER_M] = np.nan
    return CamColumns(
        status=small[0],
        station_id=header[0].astype(np.uint32),
        generation_delta_time=header[1].astype(np.uint16),
        station_type=small[1],
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        heading_deg=heading_deg,
        speed_mps=speed_mps,
        drive_direction=small[2],
        acceleration_mps2=acceleration_mps2.astype(np.float32),
        length_m=length_m.astype(np.float32),
    )


def encode_cams(
    *,
    station_id: npt.ArrayLike,
    generation_delta_time: npt.ArrayLike,
    latitude_deg: npt.ArrayLike,
    longitude_deg: npt.ArrayLike,
    heading_deg: npt.ArrayLike = np.nan,
    speed_mps: npt.ArrayLike = np.nan,
    station_type: npt.ArrayLike = 5,
    drive_direction: npt.ArrayLike = 0,
    acceleration_mps2: npt.ArrayLike = np.nan,
    length_m: npt.ArrayLike = np.nan,
) -> tuple[npt.NDArray[np.uint8], _Integers, _Integers]:
    """CAMs of 41 bytes with the high-frequency container only: (buffer with padding, start, size).

    Columns are broadcast against each other; NaN becomes "unavailable", and what the columns do not hold is
    unavailable too. Speeds above 163.81 m/s and lengths above 102.1 m become "beyond the range".
    Raises :class:`ValueError` for a number that the message cannot say.
    """
    columns = (station_id, generation_delta_time, station_type, drive_direction)
    floats = (latitude_deg, longitude_deg, heading_deg, speed_mps, acceleration_mps2, length_m)
    wide = np.broadcast_arrays(*(np.atleast_1d(np.asarray(c)) for c in (*columns, *floats)))
    station, delta, kind, direction = (
        _whole(c, top) for c, top in zip(wide, (2**32 - 1, 65_535, 255, 2), strict=False)
    )
    latitude, longitude, heading, speed, acceleration, length = (c.astype(np.float64) for c in wide[4:])
    n = len(station)
    numbers = np.tile(np.array([field.unavailable for field in kernel.FIXED], dtype=np.int64), (n, 1))
    turned = np.where(np.isnan(heading), np.nan, np.rint(heading * 10.0) % 3600.0)
    for name, column in (
        ("stationType", kind.astype(np.float64)),
        ("latitude", latitude * 1e7 + 9e8),
        ("longitude", longitude * 1e7 + 1.8e9),
        ("headingValue", turned),
        ("speedValue", np.minimum(speed * 100.0, 16_382.0)),
        ("driveDirection", direction.astype(np.float64)),
        ("vehicleLengthValue", np.minimum(length * 10.0, 1022.0) - 1.0),
        ("longitudinalAccelerationValue", np.clip(acceleration * 10.0, -160.0, 160.0) + 160.0),
    ):
        field = kernel.FIXED[_INDEX[name]]
        number = np.rint(np.where(np.isnan(column), field.unavailable, column))
        if n and not ((number >= 0) & (number <= field.highest)).all():
            raise ValueError(
                f"CAM: {name} is out of range in {np.flatnonzero((number < 0) | (number > field.highest))}"
            )
        numbers[:, _INDEX[name]] = number.astype(np.int64)
    size = kernel.HIGH_FREQUENCY_SIZE
    buffer = np.zeros(n * size + PADDING, dtype=np.uint8)
    kernel.encode(buffer, np.column_stack([station, delta]), numbers)
    return buffer, np.arange(n, dtype=np.int64) * size, np.full(n, size, dtype=np.int64)


def _whole(column: npt.NDArray[np.generic], highest: int) -> _Integers:
    number = column.astype(np.int64)
    if len(number) and not ((number >= 0) & (number <= highest)).all():
        raise ValueError(f"CAM: {number[(number < 0) | (number > highest)][0]} is not within 0…{highest}")
    return number
