"""Traces put together from several pulse widths: a short pulse near the instrument, longer ones farther away.

FxdParams then lists n pulse widths, n sample spacings and n counts of points, in this order, and the samples of one
piece follow those of the piece before it, in time as in the file::

    u16 n   n × u16 pulse, ns   n × u32 spacing   n × u32 points
    ├─ pulse 1: points 1 × spacing 1 ─┼─ pulse 2: points 2 × spacing 2 ─┼─ …

What is made of them is one trace: every sample at the coarsest spacing, the longest pulse for all, so that nothing is
told more finely than its worst piece shows.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from trassa.errors import InputError
from trassa.optical.otdr.sor_container import Container

__all__ = ["Piece", "evened", "with_one_pulse"]

FloatArray = npt.NDArray[np.float64]
_COUNT_AT = {1: 12, 2: 16}
"""Byte of FxdParams at which the number of pulse widths stands, by version."""
_ENTRY_BYTES = 10
_MOST_RISE_DB = 3.0
_LEVEL_SAMPLES = 20


@dataclass(frozen=True)
class Piece:
    """A stretch of a trace with one pulse; ``spacing`` as in the file, in 1e-5 ns."""

    pulse_ns: int
    spacing: int
    points: int


def with_one_pulse(container: Container) -> tuple[Container, tuple[Piece, ...]]:
    """The file as if it had one pulse width, the longest, at the coarsest spacing; and the pieces, one or more.

    Raises :class:`InputError` where the block is too short for its pulse widths or has none.
    """
    body, at, name = container.block("FxdParams"), _COUNT_AT[container.version], container.name
    count = struct.unpack_from("<H", body, at)[0] if len(body) >= at + 2 else 1
    if count == 1:
        return container, ()
    end = at + 2 + count * _ENTRY_BYTES
    if count == 0 or end > len(body):
        raise InputError(
            f"{name}: {count} pulse widths in a block FxdParams of {len(body)} bytes", cure="a complete .sor file"
        )
    values = struct.unpack_from(f"<{count}H{count}I{count}I", body, at + 2)
    pieces = tuple(map(Piece, values[:count], values[count : 2 * count], values[2 * count :]))
    if min(piece.spacing for piece in pieces) <= 0 or min(piece.points for piece in pieces) < 1:
        raise InputError(
            f"{name}: of {count} pulse widths one has no points or no sample spacing", cure="a complete .sor file"
        )
    longest, coarsest = max(piece.pulse_ns for piece in pieces), max(piece.spacing for piece in pieces)
    points = sum(piece.points for piece in pieces)
    head = body[:at] + struct.pack("<HHII", 1, longest, coarsest, points & 0xFFFFFFFF)
    return replace(container, blocks={**container.blocks, "FxdParams": head + body[end:]}), pieces


def evened(level_db: FloatArray, pieces: Sequence[Piece], name: str) -> FloatArray:
    """The samples of pieces, shape (n,), as samples at the coarsest spacing; those of finer pieces are averaged.

    Raises :class:`InputError` where the pieces are not the samples, and where one begins anew at the launch: these are
    several traces in one file.
    """
    points = [piece.points for piece in pieces]
    if sum(points) != level_db.size:
        raise InputError(
            f"{name}: {len(pieces)} pulse widths have {sum(points)} points, block DataPts {level_db.size}",
            cure="one trace per file",
        )
    parts = np.split(level_db, np.cumsum(points)[:-1])
    for number, (before, behind) in enumerate(pairwise(parts), start=2):
        rise_db = float(np.median(behind[:_LEVEL_SAMPLES]) - np.median(before[-_LEVEL_SAMPLES:]))
        if rise_db > _MOST_RISE_DB:
            raise InputError(
                f"{name}: pulse width {number} of {len(pieces)} begins {rise_db:.1f} dB above the end of the one "
                f"before, more than {_MOST_RISE_DB:g} dB: several traces in one file",
                cure="one trace per file",
            )
    step = max(piece.spacing for piece in pieces)
    starts = np.concatenate(([0], np.cumsum([piece.points * piece.spacing for piece in pieces])))
    times = [start + piece.spacing * np.arange(piece.points) for start, piece in zip(starts, pieces, strict=False)]
    smooth = [
        uniform_filter1d(part, min(part.size, max(1, round(step / piece.spacing))), mode="nearest")
        for part, piece in zip(parts, pieces, strict=True)
    ]
    grid = np.arange(0, times[-1][-1] + 1, step, dtype=np.float64)
    return np.asarray(np.interp(grid, np.concatenate(times), np.concatenate(smooth)), dtype=np.float64)
