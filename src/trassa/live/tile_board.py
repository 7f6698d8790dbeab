"""The board of warnings: what stands retained in which tile, and how it comes off again.

1. A message is put on every tile of its event, each tile under the event's own last level.
2. It comes off in two steps: overwritten by its end, and only when the broker has that, cleared. A cleared message
   would come back after the broker was killed; an overwritten one does not.
3. What the broker did not confirm stays to be done; doing it twice does no harm.
4. After a start the broker may hold what nobody put there: it is overwritten and cleared.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from trassa.live.publisher import NotPublished
from trassa.live.subjects import out_topic
from trassa.vehicles.codec import decode
from trassa.vehicles.denm_message import negation_of
from trassa.vehicles.heard_denm import heard_denm
from trassa.vehicles.refusal import Refused

__all__ = ["Broker", "Notice", "Outgoing", "TileBoard"]

Outgoing = tuple[str, bytes, bool]
"""Topic, payload, whether the broker retains it."""
_EVERYTHING = "cits/out/denm/#"
_UNREADABLE = b"\x00"
"""Overwrites what cannot even be decoded; no message begins like it."""


class Broker(Protocol):
    """What the board needs of the publisher."""

    def publish_all(self, messages: Iterable[Outgoing]) -> None:
        """Publish in order; return after the broker's receipt of each."""
        ...

    def retained(self, topic_filter: str, quiet_s: float = 0.3) -> dict[str, bytes]:
        """What the broker retains, by topic."""
        ...


@dataclass(frozen=True)
class Notice:
    """A message and the tiles it stands in. ``notice_id`` is ``<originatingStationId>-<sequenceNumber>``."""

    notice_id: str
    pdu: bytes
    tiles: tuple[str, ...]

    @property
    def topics(self) -> list[str]:
        """Its topics, sorted by tile."""
        station_id, sequence = map(int, self.notice_id.split("-"))
        return [out_topic(tile, station_id, sequence) for tile in self.tiles]


class TileBoard:
    """Puts messages up and takes them down, in the order in which it is told."""

    def __init__(self, broker: Broker, station_id: int) -> None:
        self._broker, self._station_id = broker, station_id
        self._standing: dict[str, Notice] = {}
        self._to_do: list[tuple[Literal["put", "end"], Notice]] = []

    def put(self, notice: Notice) -> None:
        """Put a message up, or up again."""
        self._drop_puts(notice.notice_id)
        self._standing[notice.notice_id] = notice
        self._to_do.append(("put", notice))

    def end(self, notice: Notice) -> None:
        """Overwrite a message by its end, then clear its tiles."""
        self._drop_puts(notice.notice_id)
        self._standing.pop(notice.notice_id, None)
        self._to_do.append(("end", notice))

    def flush(self) -> tuple[list[Outgoing], list[Notice]]:
        """Do what is to be done: what the broker confirmed, and the notices that are off the board now."""
        published: list[Outgoing] = []
        cleared: list[Notice] = []
        while self._to_do:
            kind, notices = self._next_run()
            try:
                # RULE 1
                published += self._publish((t, n.pdu, True) for n in notices for t in n.topics)
                if kind == "end":
                    # RULE 2
                    published += self._publish((t, b"", True) for n in notices for t in n.topics)
                    cleared += notices
            except NotPublished:
                # RULE 3
                break
            del self._to_do[: len(notices)]
        return published, cleared

    def reconcile(self) -> tuple[list[Outgoing], list[Notice]]:
        """Compare the broker's retained messages with the board, and make them alike.

        :raises NotPublished: the broker does not say what it retains, or does not take what it must.
        """
        # RULE 4
        ending = [notice for kind, notice in self._to_do if kind == "end"]
        expected = {topic for notice in [*self._standing.values(), *ending] for topic in notice.topics}
        retained = self._broker.retained(_EVERYTHING)
        strays = sorted(topic for topic in retained if topic not in expected)
        published = self._publish((topic, self._last_word(retained[topic]), True) for topic in strays)
        published += self._publish((topic, b"", True) for topic in strays)
        waiting = {notice.notice_id for _, notice in self._to_do}
        for notice in self._standing.values():
            if notice.notice_id not in waiting:
                self._to_do.append(("put", notice))
        more, cleared = self.flush()
        if self._to_do:
            raise NotPublished("broker: warnings could not be put up again", cure="trassa doctor")
        return published + more, cleared

    def forget(self) -> None:
        """Begin with an empty board; what the broker holds is compared later."""
        self._standing.clear()
        self._to_do.clear()

    def _drop_puts(self, notice_id: str) -> None:
        """What is not up yet need not go up: a later version or the end is on its way, with at least its tiles."""
        self._to_do = [done for done in self._to_do if done[0] == "end" or done[1].notice_id != notice_id]

    def _next_run(self) -> tuple[Literal["put", "end"], Sequence[Notice]]:
        """The next things to be done that are of one kind."""
        kind, run = next(itertools.groupby(self._to_do, key=lambda done: done[0]))
        return kind, [notice for _, notice in run]

    def _publish(self, messages: Iterable[Outgoing]) -> list[Outgoing]:
        batch = list(messages)
        if batch:
            self._broker.publish_all(batch)
        return batch

    def _last_word(self, payload: bytes) -> bytes:
        try:
            message = decode(payload)
            return negation_of(heard_denm(message), self._station_id) if message.type == "DENM" else _UNREADABLE
        except Refused:
            return _UNREADABLE
