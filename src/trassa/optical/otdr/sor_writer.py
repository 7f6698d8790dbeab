"""Writes a trace as a ``.sor`` file of version 2 or 1, so that any OTDR viewer shows what trassa made of it."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Sequence
from typing import Literal

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr.trace import ReportedEvent, Trace

__all__ = ["sor_bytes"]

_TICK_NS = 0.1
_SPACING_NS = 1e-5
_NO_REFLECTANCE = -(2**31) + 1


def sor_bytes(trace: Trace, *, version: Literal[1, 2] = 2) -> bytes:
    """The file of one trace; levels are rounded to 0.001 dB and kept within 0 to −65.535 dB, times to 0.1 ns.

    Raises :class:`InputError` where a value of the trace does not fit its field.
    """
    try:
        blocks = {
            "GenParams": _general(trace, version),
            "SupParams": _text(trace.instrument) + 6 * b"\0",
            "FxdParams": _fixed(trace, version),
            "KeyEvents": _events(trace.events, version),
            "DataPts": _levels(trace),
        }
    except struct.error as error:
        raise InputError(f"trace of {trace.instrument}: {error}", cure="values that SR-4731 has room for") from None
    bodies = [(_text(name) if version == 2 else b"") + body for name, body in blocks.items()]
    sum_head = _text("Cksum") if version == 2 else b""
    sizes = dict(zip((*blocks, "Cksum"), (*map(len, bodies), len(sum_head) + 2), strict=True))
    entries = b"".join(_text(name) + struct.pack("<HI", 100 * version, size) for name, size in sizes.items())
    signature = b"Map\0" if version == 2 else b""
    start = struct.pack("<HIH", 100 * version, len(signature) + 8 + len(entries), 1 + len(sizes))
    whole = signature + start + entries + b"".join(bodies) + sum_head
    return whole + struct.pack("<H", crc_hqx(whole, 0))  # CRC-16/XMODEM of all before it, as Anritsu writes it


def _text(value: str) -> bytes:
    return value.encode("latin-1", "replace").replace(b"\0", b" ") + b"\0"


def _ticks(time_ns: float) -> int:
    return round(time_ns / _TICK_NS)


def _general(trace: Trace, version: int) -> bytes:
    fibre_type = struct.pack("<H", 652) if version == 2 else b""
    names = _text(trace.location_a) + _text(trace.location_b) + b"\0"
    offset_m = round(trace.user_offset_ns * 0.299792458 / trace.index)
    offset = struct.pack("<i", _ticks(trace.user_offset_ns)) + (struct.pack("<i", offset_m) if version == 2 else b"")
    nominal = struct.pack("<H", round(trace.wavelength_nm))
    return (
        b"EN" + _text(trace.cable) + _text(trace.fibre) + fibre_type + nominal + names + b"BC" + offset + b"\0" + b"\0"
    )


def _fixed(trace: Trace, version: int) -> bytes:
    points, later = trace.level_db.size, version == 2
    range_ticks = _ticks(points * trace.sample_spacing_ns)
    parts = [
        struct.pack("<I2sHi", trace.unix_time_s, b"mt", round(trace.wavelength_nm * 10), 0),
        struct.pack("<i", 0) if later else b"",
        struct.pack("<HHI", 1, round(trace.pulse_ns), round(trace.sample_spacing_ns / _SPACING_NS)),
        struct.pack("<II", points, round(trace.index * 100_000)),
        struct.pack("<HI", round(trace.backscatter_db * -10), 1),
        struct.pack("<H", 0) if later else b"",
        struct.pack("<I", range_ticks),
        struct.pack("<i", 0) if later else b"",
        struct.pack("<iHhHHHH", -_ticks(trace.first_sample_ns), 65_535, 1000, 0, 50, 65_535, 3000),
        struct.pack("<2siiii", b"ST", 0, 0, 0, 0) if later else b"",
    ]
    return b"".join(parts)


def _events(events: Sequence[ReportedEvent], version: int) -> bytes:
    rows = [struct.pack("<H", len(events))]
    for number, event in enumerate(events, start=1):
        level = _NO_REFLECTANCE if event.reflectance_db is None else round(event.reflectance_db * 1000)
        slope, loss = round(event.slope_db_per_km * 1000), round(event.loss_db * 1000)
        at, code = _ticks(event.time_ns), event.code.encode("latin-1")
        rows.append(struct.pack("<HIhhi8s", number, at, slope, loss, level, code))
        rows.append((struct.pack("<5i", at, at, at, at, at) if version == 2 else b"") + _text(event.comment))
    end = next((_ticks(event.time_ns) for event in events if event.ends_fibre), 0)
    return b"".join(rows) + struct.pack("<iiiHii", 0, 0, end, 0, 0, end)


def _levels(trace: Trace) -> bytes:
    samples = np.clip(np.rint(trace.level_db * -1000.0), 0, 65_535).astype("<u2")
    return struct.pack("<IHIH", samples.size, 1, samples.size, 1000) + samples.tobytes()
