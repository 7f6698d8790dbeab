"""Who must receive what: the deliveries that the platform's publishes owe to the subscriptions of each moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256

from trassa.live.subjects import TILE_LEVEL

__all__ = ["EMPTY", "OBSERVER", "Deliveries", "tile_of"]

OBSERVER = -1
"""Stands for the one who listens to everything; vehicles count from 0."""

EMPTY = sha256(b"").hexdigest()
"""The digest of a payload that clears the broker's memory."""
_PREFIX = "cits/out/denm/"


def tile_of(topic: str) -> str:
    """The quadkey in the topic of a warning."""
    return "".join(topic.removeprefix(_PREFIX).split("/")[:TILE_LEVEL])


@dataclass
class Deliveries:
    """Vehicles by tile, what the broker retains, and what is still underway: (vehicle, topic, digest) by count."""

    subscribers: dict[str, set[int]] = field(default_factory=dict)
    retained: dict[str, str] = field(default_factory=dict)
    underway: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    surplus: int = 0
    owed: int = 0
    _missing: int = 0

    @property
    def complete(self) -> bool:
        """Whether everything owed has arrived."""
        return self._missing == 0

    def subscribe(self, vehicle: int, tile: str) -> None:
        """A vehicle takes a tile: what is retained there is owed to it."""
        self.subscribers.setdefault(tile, set()).add(vehicle)
        for topic, digest in self.retained.items():
            if tile_of(topic) == tile:
                self._owe(vehicle, topic, digest)

    def unsubscribe(self, vehicle: int, tile: str) -> None:
        """A vehicle gives a tile up, or its connection is gone."""
        self.subscribers.get(tile, set()).discard(vehicle)

    def write_off(self, vehicle: int) -> None:
        """A connection is gone: what was underway to it is owed no more."""
        for key in [key for key in self.underway if key[0] == vehicle]:
            self._missing -= max(self.underway.pop(key), 0)

    def give_up(self) -> None:
        """What did not arrive in time is owed no more."""
        for key in [key for key, count in self.underway.items() if count > 0]:
            self._missing -= self.underway.pop(key)

    def publish(self, topic: str, digest: str, is_retained: bool) -> None:
        """The platform published: the observer and every subscriber of the tile are owed it."""
        self._owe(OBSERVER, topic, digest)
        for vehicle in self.subscribers.get(tile_of(topic), ()):
            self._owe(vehicle, topic, digest)
        if is_retained and digest == EMPTY:
            self.retained.pop(topic, None)
        elif is_retained:
            self.retained[topic] = digest

    def arrive(self, vehicle: int, topic: str, payload: bytes) -> None:
        """A delivery; one that nobody owed counts as surplus until it turns out to have come early."""
        key = (vehicle, topic, sha256(payload).hexdigest())
        self.underway[key] -= 1
        if self.underway[key] >= 0:
            self._missing -= 1
        else:
            self.surplus += 1
        if not self.underway[key]:
            del self.underway[key]

    def missing(self) -> list[tuple[int, str]]:
        """Vehicle and topic of what is owed and has not arrived."""
        return sorted((vehicle, topic) for (vehicle, topic, _), count in self.underway.items() if count > 0)

    def _owe(self, vehicle: int, topic: str, digest: str) -> None:
        key = (vehicle, topic, digest)
        self.owed += 1
        self.underway[key] += 1
        if self.underway[key] > 0:
            self._missing += 1
        else:
            self.surplus -= 1
        if not self.underway[key]:
            del self.underway[key]
