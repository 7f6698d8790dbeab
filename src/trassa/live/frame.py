"""The frame: where every vehicle on the road is now, as bytes that a browser draws without parsing.

Little endian. Header of 24 bytes: magic, count, time in ms, flags (bit 0: simulated), nothing; then columns, each
padded to 4 bytes: handle u32, measure_m f32, offset_m f32, speed_mps f32 (NaN unavailable), kind u8 (bit 0 decreasing,
bit 1 standing, bits 4–7 what it is). A handle is this process's own number for a station, never its stationID.
"""

from __future__ import annotations

import struct

import numpy as np

from trassa.vehicles.stations import Stations

__all__ = ["FRAME_MAGIC", "HEARD_MS", "frame_of"]

FRAME_MAGIC = 0x31565254
HEARD_MS = 15_000
"""A vehicle that is silent for longer is not drawn."""
_HEADER = struct.Struct("<IIdII")
_OTHER, _DECREASING, _STANDING = 15, 1, 2
_CLASSES = np.full(256, _OTHER, dtype=np.uint8)
_CLASSES[[5]] = 0  # passenger car
_CLASSES[[7, 8, 9]] = 1  # light truck, heavy truck, trailer
_CLASSES[[6]] = 2  # bus
_CLASSES[[3, 4]] = 3  # moped, motorcycle
_CLASSES[[10]] = 4  # special vehicle: emergency and road service


def frame_of(stations: Stations, now_ms: int, *, simulated: bool) -> bytes:
    """The frame of the stations on the road that were heard lately."""
    on = np.flatnonzero((stations.carriageway >= 0) & (stations.seen_ms >= now_ms - HEARD_MS))
    kind = _CLASSES[stations.station_type[on]] << 4
    kind |= np.where(stations.carriageway[on] == 1, _DECREASING, 0).astype(np.uint8)
    kind |= np.where(stations.standing_since_ms[on] >= 0, _STANDING, 0).astype(np.uint8)
    columns = (
        stations.handle[on].astype("<u4"),
        stations.measure_m[on].astype("<f4"),
        stations.offset_m[on].astype("<f4"),
        stations.speed_mps[on].astype("<f4"),
        kind.astype("u1"),
    )
    padding = bytes(-len(on) % 4)
    header = _HEADER.pack(FRAME_MAGIC, len(on), float(now_ms), int(simulated), 0)
    return header + b"".join(column.tobytes() for column in columns) + padding
