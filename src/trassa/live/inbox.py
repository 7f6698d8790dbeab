"""The inbox: inbound DENM and toll fixes out of their stream, each acknowledged only when its reader says so.

A thread with its own connection pulls from the two durable consumers and queues what comes. What was handed out and not
acknowledged comes again, to this process or the next: in the order of the stream, before anything newer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trassa.live.broker import connected
from trassa.live.ports import Ports
from trassa.live.secrets import Secrets
from trassa.live.streams import KEPT_KINDS, Fill, fill_of, let_go, rewind
from trassa.live.subjects import KEPT_STREAM

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

__all__ = ["Delivery", "Inbox", "first_of"]

_PULL = 500
_WAITING_MAX = 5_000
_EXPIRES_S = 5.0
_TICK_S = 0.05
_SAMPLE_TICKS = 20
_TIDY_TICKS = 72_000
"""Once an hour."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of the stream. ``again``: it was delivered before, and not acknowledged."""

    subject: str
    payload: bytes
    sequence: int
    again: bool
    reply: str


def first_of(deliveries: Iterable[Delivery], counted: int) -> int:
    """How many lie behind the sequence up to which everything is counted: each is counted once, however often it came.

    Deliveries come in the order of the stream, so nothing before that sequence is still to come for the first time.
    """
    return sum(delivery.sequence > counted for delivery in deliveries)


class Inbox:
    """Queues of the durable consumers, and how full the streams are, seen from other threads."""

    def __init__(self, ports: Ports, secrets: Secrets) -> None:
        self._ports, self._secrets = ports, secrets
        self._queues: dict[str, deque[Delivery]] = {kind: deque() for kind in KEPT_KINDS}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="inbox", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._up = threading.Event()
        self._client: Client | None = None
        self._asked: dict[str, float] = {}
        self._left: Counter[str] = Counter()
        self._known: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        """First deliveries by kind since the inbox was opened."""
        self.fill = Fill(0, 0, 0.0)
        """Of the streams, about a second ago."""
        self.error = ""

    def open(self, patience_s: float = 20.0) -> None:
        """Connect and begin to pull; a :class:`TimeoutError` where the broker does not answer."""
        self._thread.start()
        if not self._up.wait(patience_s):
            raise TimeoutError(f"inbox: the broker does not answer {self.error}")

    def close(self) -> None:
        """Stop pulling; what was not acknowledged comes again."""
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive():
            self._thread.join(5.0)

    @property
    def is_alive(self) -> bool:
        """Whether its thread works."""
        return self._thread.is_alive()

    @property
    def last_sequence(self) -> int:
        """How many messages the broker has taken from vehicles, about a second ago."""
        return self.fill.taken

    def take(self, kind: str, most: int = _PULL) -> list[Delivery]:
        """What has come, oldest first."""
        queue = self._queues[kind]
        return [queue.popleft() for _ in range(min(most, len(queue)))]

    def waiting(self, kind: str) -> int:
        """How much has come and was not taken."""
        return len(self._queues[kind])

    def give_back(self, kind: str, deliveries: Sequence[Delivery]) -> None:
        """Put back what could not be dealt with now; it is taken first the next time."""
        self._queues[kind].extendleft(reversed(deliveries))

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Tell the broker that these are safe: only after COMMIT."""
        replies = [delivery.reply for delivery in deliveries]
        if replies and self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._acknowledge(replies), self._loop)

    async def _acknowledge(self, replies: list[str]) -> None:
        if self._client is None:
            return
        for reply in replies:
            with contextlib.suppress(Exception):  # it is delivered again, and known by then
                await self._client.publish(reply, b"+ACK")

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._client = client = await connected(self._ports, self._secrets, "inbox")
        inboxes = {kind: client.new_inbox() for kind in KEPT_KINDS}
        for kind, inbox in inboxes.items():
            await client.subscribe(inbox, cb=self._receiver(kind))
        tick, reconnects = 0, -1
        while not self._stop.is_set():
            with contextlib.suppress(Exception):  # the client comes back by itself; the pulls are asked for again
                if tick % _SAMPLE_TICKS == 0:
                    self.fill = await fill_of(client)
                    self._up.set()
                if (now := client.stats["reconnects"]) != reconnects:
                    for kind in KEPT_KINDS:
                        self._known[kind] = max(self._known[kind], await rewind(client, kind))
                    self._left.clear()  # what was asked of the broker before is forgotten
                    reconnects = now
                for kind, inbox in inboxes.items():
                    await self._pull(client, kind, inbox)
                if tick % _TIDY_TICKS == _TIDY_TICKS - 1:
                    await let_go(client)
            tick += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _TICK_S)
        with contextlib.suppress(Exception):
            await client.flush(timeout=1)
        await client.close()

    async def _pull(self, client: Client, kind: str, inbox: str) -> None:
        """Ask for more where the last request is used up or out of date."""
        now_s = asyncio.get_running_loop().time()
        due = self._left[kind] <= 0 or now_s > self._asked.get(kind, 0.0) + _EXPIRES_S + 1.0
        if not due or not client.is_connected or len(self._queues[kind]) > _WAITING_MAX:
            return
        self._asked[kind], self._left[kind] = now_s, _PULL
        request = {"batch": _PULL, "expires": int(_EXPIRES_S * 1e9)}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{KEPT_STREAM}.{kind}"
        await client.publish(subject, json.dumps(request).encode(), reply=inbox)

    def _receiver(self, kind: str) -> Callable[[Msg], Awaitable[None]]:
        queue = self._queues[kind]

        async def take(message: Msg) -> None:
            if not message.reply.startswith("$JS.ACK."):  # a status: the request has run out
                self._left[kind] = 0
                self.error = str(message.headers or "")
                return
            about = message.metadata
            again = about.num_delivered > 1 or about.sequence.stream <= self._known[kind]
            self._known[kind] = max(self._known[kind], about.sequence.stream)
            queue.append(Delivery(message.subject, message.data, about.sequence.stream, again, message.reply))
            self._left[kind] -= 1
            if not again:
                self.received[kind] += 1

        return take
