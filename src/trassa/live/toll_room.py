"""The toll room: the durable side of the worker, on a thread of its own, so that a slow store never holds up warnings.

Fixes are acknowledged after COMMIT and never before. While the store is down they wait, here and in the stream.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import NamedTuple, Protocol

from trassa.errors import TrassaError
from trassa.live.inbox import Delivery, Inbox, first_of

__all__ = ["News", "TollRoom", "Tolls"]

_IDLE_S = 0.05
_SETTLE_S = 1.0
_PATIENCE_S = 1.0


class _FixCounts(Protocol):
    messages: int


class Tolls(Protocol):
    """The toll desk as the room needs it."""

    @property
    def counts(self) -> _FixCounts:
        """Messages taken so far."""

    def take_fixes(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Commit fixes; returns after COMMIT."""

    def settle(self) -> list[dict[str, object]]:
        """Settle who is due; the charges that changed."""


class News(NamedTuple):
    """What happened in the room: messages dealt with for the first time, refused among them, up to which sequence of
    their stream, charges that changed, what went wrong."""

    taken: int = 0
    refused: int = 0
    up_to: int = 0
    charges: int = 0
    trouble: str = ""


class TollRoom:
    """Takes fixes and settles: by itself on a thread (``open``), or when told (``take``, ``settle``)."""

    def __init__(self, tolls: Tolls, inbox: Inbox, counted: int = 0) -> None:
        """``counted``: up to which sequence fixes are counted already."""
        self._tolls = tolls
        self._counted = counted
        self._inbox = inbox
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tolls", daemon=True)
        self.news: SimpleQueue[News] = SimpleQueue()
        self.failure: BaseException | None = None
        """What ended the thread, where it ended by itself."""

    def open(self) -> None:
        """Work on a thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread after the transaction at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(4.0)

    def take(self, deliveries: Sequence[Delivery]) -> News:
        """Commit fixes, then acknowledge them; a :class:`TrassaError` where the store is down."""
        before = self._tolls.counts.messages
        self._tolls.take_fixes([(delivery.subject, delivery.payload) for delivery in deliveries])
        self._inbox.acknowledge(deliveries)
        used = self._tolls.counts.messages - before
        first = first_of(deliveries, self._counted)
        self._counted = max(self._counted, *(delivery.sequence for delivery in deliveries))
        return News(taken=first, refused=min(first, len(deliveries) - used), up_to=self._counted)

    def settle(self) -> News:
        """Settle who is due."""
        return News(charges=len(self._tolls.settle()))

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.failure = error

    def _work(self) -> None:
        idle_s = 0.0
        while not self._stop.wait(_IDLE_S):
            deliveries = self._inbox.take("toll")
            try:
                if deliveries:
                    self.news.put(self.take(deliveries))
                    deliveries = []
                idle_s += _IDLE_S
                if idle_s >= _SETTLE_S:
                    idle_s = 0.0
                    news = self.settle()
                    if news.charges:
                        self.news.put(news)
            except TrassaError as error:
                self._inbox.give_back("toll", deliveries)
                self.news.put(News(trouble=str(error)))
                self._stop.wait(_PATIENCE_S)
