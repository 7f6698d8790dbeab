"""``.sor`` files taken apart and put together by hand, and damaged at random: for tests of the reader."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

Blocks = list[tuple[str, bytes]]


def taken_apart(data: bytes) -> Blocks:
    """Blocks of a file in order, with their names in front in version 2 only, as they lie in the file."""
    start = 4 if data.startswith(b"Map\0") else 0
    map_bytes, count = struct.unpack_from("<IH", data, start + 2)
    at, place, blocks = start + 8, map_bytes, []
    for _ in range(count - 1):
        end = data.index(b"\0", at)
        (size,) = struct.unpack_from("<I", data, end + 3)
        blocks.append((data[at:end].decode("latin-1"), data[place : place + size]))
        at, place = end + 7, place + size
    return blocks


def put_together(blocks: Blocks, version: int = 2) -> bytes:
    """A file of blocks as :func:`taken_apart` gives them."""
    entries = b"".join(
        name.encode("latin-1") + b"\0" + struct.pack("<HI", 100 * version, len(body)) for name, body in blocks
    )
    sign = b"Map\0" if version == 2 else b""
    head = sign + struct.pack("<HIH", 100 * version, len(sign) + 8 + len(entries), len(blocks) + 1)
    return head + entries + b"".join(body for _, body in blocks)


def with_pulses(data: bytes, pulses: list[tuple[int, int, int]], version: int = 2) -> bytes:
    """A file of one pulse width made one of several: pulse in ns, sample spacing in 1e-5 ns, points of each."""
    columns = [
        b"".join(struct.pack(kind, *row[i : i + 1]) for row in pulses) for i, kind in enumerate(("<H", "<I", "<I"))
    ]

    def several(body: bytes) -> bytes:
        at = 12 if version == 1 else 16 + len(b"FxdParams\0")
        return body[:at] + struct.pack("<H", len(pulses)) + b"".join(columns) + body[at + 12 :]

    blocks = [(name, several(body) if name == "FxdParams" else body) for name, body in taken_apart(data)]
    return put_together(blocks, version)


def with_samples(data: bytes, parts: list[tuple[int, bytes]], total: int, version: int = 2) -> bytes:
    """A file with its samples given anew: scale factor and samples (u16, little-endian) of each stretch."""
    head = b"DataPts\0" if version == 2 else b""
    stretches = b"".join(struct.pack("<IH", len(samples) // 2, scale) + samples for scale, samples in parts)
    body = head + struct.pack("<IH", total, len(parts)) + stretches
    return put_together([(name, body if name == "DataPts" else old) for name, old in taken_apart(data)], version)


def extremes(data: bytes, step: int = 1) -> Iterator[bytes]:
    """A version 2 file with each field of each header, and of the map, set to its extremes, in both byte orders."""
    values = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x01000000)
    (map_bytes,) = struct.unpack_from("<I", data, 6)
    spans, at = [(4, map_bytes)], map_bytes
    for name, body in taken_apart(data):
        head = len(name) + 1
        spans.append((at + head, at + min(len(body), head + 12 if name == "DataPts" else len(body))))
        at += len(body)
    for start, stop in spans:
        for place in range(start, stop, step):
            for value in values:
                width = 2 if value <= 0xFFFF else 4
                yield data[:place] + value.to_bytes(width, "little") + data[place + width :]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One damaged file: cut short, bytes turned, a length or count made huge, a stretch lost, doubled or zeroed."""
    damaged = bytearray(data)
    head = min(len(data), 700)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        kind = rng.randrange(7)
        at = rng.randrange(max(len(damaged) - 8, 1))
        if kind == 0:
            del damaged[at:]
        elif kind == 1:
            for _ in range(rng.choice((1, 3, 20))):
                if damaged:
                    damaged[rng.randrange(min(len(damaged), rng.choice((head, 3000, len(damaged)))))] ^= rng.randrange(
                        1, 256
                    )
        elif kind == 2:
            at = rng.randrange(max(min(head, len(damaged) - 4), 1))
            damaged[at : at + 4] = struct.pack("<I", rng.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2_000_000)))
        elif kind == 3:
            at = rng.randrange(max(min(head, len(damaged) - 2), 1))
            damaged[at : at + 2] = struct.pack("<H", rng.choice((0, 1, 2, 0x7FFF, 0xFFFF)))
        elif kind == 4:
            del damaged[at : at + rng.randrange(1, 200)]
        elif kind == 5:
            damaged[at:at] = damaged[at : at + rng.randrange(1, 200)]
        else:
            damaged[at : at + 40] = bytes(rng.choice((0, 0xFF)) for _ in range(40))
    return bytes(damaged)
