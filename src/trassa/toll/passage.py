"""A passage: one vehicle at one toll point, from one or many reads.

Reads of a vehicle at a toll point belong together while neighbours in event time are at most 30 s apart, whatever
the sensors. Grouping by neighbours does not depend on the order in which reads arrive: tag, front and rear camera, own
fixes and retransmissions of one vehicle are one passage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from trassa.toll.read import Movement, Read, digest_of

__all__ = ["TOGETHER_MS", "Passage", "passage_id_of", "passages"]

TOGETHER_MS = 30_000


@dataclass(frozen=True)
class Passage:
    """A vehicle at a toll point. ``time_ms`` is its earliest read, ``read_ids`` are in event order.

    ``inferred`` marks one that no sensor saw: it lies between ``earliest_ms`` and ``latest_ms``.
    """

    passage_id: str
    vehicle_key: str
    toll_point: str
    time_ms: int
    last_ms: int
    movement: Movement
    means: frozenset[str]
    classes: frozenset[str]
    read_ids: tuple[str, ...]
    inferred: bool = False
    earliest_ms: int = 0
    latest_ms: int = 0

    def is_complete(self, watermark_ms: int) -> bool:
        """Whether the watermark says that no neighbour can still come in time."""
        return watermark_ms > self.last_ms + TOGETHER_MS


def passage_id_of(toll_point: str, vehicle_key: str, time_ms: int) -> str:
    """The id of a passage, from where, who and when first seen."""
    return digest_of("passage", toll_point, vehicle_key, time_ms)[:24]


def passages(reads: Iterable[Read]) -> list[Passage]:
    """The passages of some reads in order of time; a read that is given twice counts once."""
    again = sorted(reads, key=lambda read: read.order, reverse=True)
    unique = {read.read_id: read for read in again}  # of two versions of one id, the first in order stays
    ordered = sorted(unique.values(), key=lambda read: (read.vehicle_key, read.toll_point, read.order))
    found: list[Passage] = []
    for _, group in groupby(ordered, key=lambda read: (read.vehicle_key, read.toll_point)):
        near: list[Read] = []
        for read in group:
            if near and read.time_ms - near[-1].time_ms > TOGETHER_MS:
                found.append(_passage(near))
                near = []
            near.append(read)
        found.append(_passage(near))
    return sorted(found, key=lambda passage: (passage.time_ms, passage.toll_point, passage.vehicle_key))


def _passage(reads: list[Read]) -> Passage:
    first = reads[0]
    said = {read.movement for read in reads} - {"unknown"}
    return Passage(
        passage_id=passage_id_of(first.toll_point, first.vehicle_key, first.time_ms),
        vehicle_key=first.vehicle_key,
        toll_point=first.toll_point,
        time_ms=first.time_ms,
        last_ms=reads[-1].time_ms,
        movement=said.pop() if len(said) == 1 else "unknown",  # sensors that contradict each other say nothing
        means=frozenset(read.means for read in reads),
        classes=frozenset(read.vehicle_class for read in reads if read.vehicle_class is not None),
        read_ids=tuple(read.read_id for read in reads),
        earliest_ms=first.time_ms,
        latest_ms=first.time_ms,
    )
