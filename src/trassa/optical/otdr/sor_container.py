"""The blocks of a ``.sor`` file (SR-4731): where each lies, checked against the size of the file before anything else.

::

    version 2   Map\\0 200 size count  { name\\0 version size } …   each block begins with its own name
    version 1         100 size count  { name\\0 version size } …   blocks have no names, the first follows the map
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError

__all__ = ["FILE_LIMIT_BYTES", "POINT_LIMIT", "Container", "container_of", "levels_of"]

FILE_LIMIT_BYTES = 64 * 2**20
"""A trace of two million points with its vendor's blocks is an eighth of this."""
POINT_LIMIT = 2_000_000
_PARAMETER_LIMIT_BYTES = 65_536
"""The longest parameter or event block; the longest real one is 2 kB."""
_LEAST_ENTRY_BYTES = 7
_SIGNATURE = b"Map\0"


@dataclass(frozen=True)
class Container:
    """The known blocks of one file by name, without the names in front of them; ``name`` is the file's."""

    name: str
    version: int
    blocks: dict[str, bytes]

    def block(self, block: str) -> bytes:
        """One block that must be there; raises :class:`InputError` where it is not."""
        if block not in self.blocks:
            raise InputError(f"{self.name}: block {block} is missing", cure="export the trace again as SR-4731")
        return self.blocks[block]


def container_of(data: bytes, name: str) -> Container:
    """The blocks of a file of version 1 or 2. Raises :class:`InputError` naming what does not fit into the file."""
    if len(data) > FILE_LIMIT_BYTES:
        raise InputError(
            f"{name}: {len(data)} bytes, more than {FILE_LIMIT_BYTES}", cure="one trace per file, without attachments"
        )
    start = len(_SIGNATURE) if data.startswith(_SIGNATURE) else 0
    if len(data) < start + 8:
        raise InputError(f"{name}: {len(data)} bytes hold no map of blocks", cure="a complete .sor file")
    version, map_bytes, count = struct.unpack_from("<HIH", data, start)
    if _is_swapped(data, start):
        raise InputError(
            f"{name}: its numbers have the high byte first; SR-4731 has the low byte first",
            cure="export the trace as SR-4731 (.sor)",
        )
    if version // 100 != (2 if start else 1):
        raise InputError(f"{name}: is no .sor file of version 1 or 2", cure="export the trace as SR-4731 (.sor)")
    if not start + 8 <= map_bytes <= len(data) or count > map_bytes // _LEAST_ENTRY_BYTES + 1:
        raise InputError(
            f"{name}: map of {map_bytes} bytes with {count} blocks in a file of {len(data)} bytes",
            cure="a complete .sor file",
        )
    entries = _entries(data[:map_bytes], start + 8, count - 1, name)
    return Container(name, version // 100, _known_blocks(data, map_bytes, entries, name, named=bool(start)))


def _is_swapped(data: bytes, start: int) -> bool:
    """Whether version and size of the map make sense from the other end only."""
    version, map_bytes, _ = struct.unpack_from(">HIH", data, start)
    return bool(version // 100 == (2 if start else 1) and start + 8 <= map_bytes <= len(data))


def _entries(head: bytes, at: int, count: int, name: str) -> list[tuple[str, int]]:
    entries: list[tuple[str, int]] = []
    for _ in range(count):
        end = head.find(b"\0", at)
        if end < 0 or end + 7 > len(head):
            raise InputError(f"{name}: the map of blocks breaks off after {len(entries)}", cure="a complete .sor file")
        _, size = struct.unpack_from("<HI", head, end + 1)
        entries.append((head[at:end].decode("latin-1"), size))
        at = end + 7
    return entries


def _known_blocks(data: bytes, at: int, entries: list[tuple[str, int]], name: str, *, named: bool) -> dict[str, bytes]:
    limits = dict.fromkeys(("GenParams", "SupParams", "FxdParams", "KeyEvents"), _PARAMETER_LIMIT_BYTES)
    limits["DataPts"] = 2 * POINT_LIMIT + 64
    blocks: dict[str, bytes] = {}
    for block, size in entries:
        if block in limits and block not in blocks:
            if size > limits[block] or at + size > len(data):
                raise InputError(
                    f"{name}: block {block} of {size} bytes at {at}, file of {len(data)} bytes, limit {limits[block]}",
                    cure="a complete .sor file",
                )
            body = data[at : at + size]
            head = block.encode("latin-1") + b"\0"
            if named and not body.startswith(head):
                raise InputError(f"{name}: no block {block} at byte {at}", cure="export the trace again as SR-4731")
            blocks[block] = body[len(head) :] if named else body
        at += size
    return blocks


def levels_of(container: Container) -> npt.NDArray[np.float64]:
    """The samples as levels in dB, falling along the fibre, shape (n,). Raises :class:`InputError`.

    Where one scale is not enough, stretches of samples follow one another, each with its own.
    """
    body, name = container.block("DataPts"), container.name
    if len(body) < 12:
        raise InputError(f"{name}: block DataPts has {len(body)} bytes", cure="a complete .sor file")
    total, factors = struct.unpack_from("<IH", body)
    at, parts = 6, list[npt.NDArray[np.float64]]()
    for number in range(1, factors + 1):
        count, scale = struct.unpack_from("<IH", body, at) if at + 6 <= len(body) else (0, 0)
        at += 6
        room = (len(body) - at) // 2
        if not 1 <= count <= room or scale == 0:
            raise InputError(
                f"{name}: scale factor {number} of {factors}: {count} points of scale {scale} in a block that has room "
                f"for {max(room, 0)}",
                cure="a complete .sor file",
            )
        parts.append(np.frombuffer(body, dtype="<u2", count=count, offset=at) * (-scale * 1e-6))
        at += 2 * count
    found = sum(part.size for part in parts)
    if found != total or total < 2:
        raise InputError(
            f"{name}: {factors} scale factors have {found} points, the trace has {total}; one trace is read",
            cure="one trace per file",
        )
    return np.concatenate(parts)
