"""``.sor`` files taken apart and put together by hand, and damaged at random: for tests of the reader."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

Blocks = list[tuple[str, bytes]]


def taken_apart(data: bytes) -> Blocks:
    """Blocks of a version 2 file in order, each with its name in front, as they lie in the file."""
    map_bytes, count = struct.unpack_from("<IH", data, 6)
    at, start, blocks = 12, map_bytes, []
    for _ in range(count - 1):
        end = data.index(b"\0", at)
        (size,) = struct.unpack_from("<I", data, end + 3)
        blocks.append((data[at:end].decode("latin-1"), data[start : start + size]))
        at, start = end + 7, start + size
    return blocks


def put_together(blocks: Blocks) -> bytes:
    """A version 2 file of blocks as :func:`taken_apart` gives them."""
    entries = b"".join(name.encode("latin-1") + b"\0" + struct.pack("<HI", 200, len(body)) for name, body in blocks)
    head = struct.pack("<4sHIH", b"Map\0", 200, 12 + len(entries), len(blocks) + 1)
    return head + entries + b"".join(body for _, body in blocks)


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
