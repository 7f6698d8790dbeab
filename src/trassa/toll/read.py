"""A read: one sensor's observation of one vehicle at one toll point."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

__all__ = ["Means", "Movement", "Read", "digest_of", "read_id_of"]

Means = Literal["tag", "plate", "own"]
Movement = Literal["entry", "exit", "through", "unknown"]


@dataclass(frozen=True)
class Read:
    """What one sensor saw. ``vehicle_key`` is the keyed hash of the vehicle, never a plate or a tag.

    ``time_ms`` is the event's time; ``movement`` says what the vehicle did with the tolled road here, where the
    sensor's lane tells: ``entry``, ``exit``, ``through`` (it stayed on the road), else ``unknown``.
    """

    time_ms: int
    read_id: str
    source: str
    device: str
    sequence: str
    toll_point: str
    means: Means
    vehicle_key: str
    vehicle_class: str | None = None
    movement: Movement = "unknown"

    @property
    def order(self) -> tuple[int | str, ...]:
        """What reads are sorted by: time first, then everything that tells them apart."""
        return (
            self.time_ms, self.read_id, self.source, self.device, self.sequence, self.toll_point, self.means,
            self.vehicle_key, self.vehicle_class or "", self.movement,
        )  # fmt: skip


def digest_of(*words: object) -> str:
    """SHA-256 over words as a JSON array, so that no two lists of words share one text."""
    return hashlib.sha256(json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def read_id_of(
    source: str, device: str, sequence: str | int | None, time_ms: int, identity_hmac: str, toll_point: str
) -> str:
    """The id of a read: the same observation sent twice has the same one.

    A device's own sequence number names the observation; without one, its time does.
    """
    name = f"#{sequence}" if sequence is not None else f"@{time_ms}"
    return digest_of("read", source, device, name, identity_hmac, toll_point)[:32]
