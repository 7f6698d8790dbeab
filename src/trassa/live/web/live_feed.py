"""The live feed: what the worker says over the broker, handed on to every page that watches.

Frames are states, so a slow page gets the newest one and misses the others; texts are news, so a page that cannot
keep up with them is closed and starts afresh.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from trassa.live.store.store import StoreDown
from trassa.live.subjects import ASK, FRAME, NOTICE

__all__ = ["STORE_AWAY", "LiveFeed", "Watcher"]

STORE_AWAY = json.dumps({"type": "trouble", "error": "the store does not answer"})
_NEWS = 256
_ASK_S = 3.0
_LOG = logging.getLogger("uvicorn.error")
_HEADER = struct.Struct("<IId")


@dataclass(eq=False)
class Watcher:
    """One page that watches."""

    news: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(_NEWS))
    frame: bytes = b""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    overrun: bool = False

    def tell(self, text: str) -> None:
        """Queue a text; a page that has too many waiting is marked to be closed."""
        try:
            self.news.put_nowait(text)
        except asyncio.QueueFull:
            self.overrun = True
        self.woken.set()


class LiveFeed:
    """One connection to the broker for all watchers. ``time_ms`` is the moment of the newest frame."""

    def __init__(self, url: str, user: str, password: str, refresh: Callable[[set[str]], Awaitable[list[str]]]) -> None:
        self._url, self._user, self._password, self._refresh = url, user, password, refresh
        self._client: Client | None = None
        self._watchers: set[Watcher] = set()
        self._stale: set[str] = {"events", "charges"}
        self._task: asyncio.Task[None] | None = None
        self.frame = b""
        self.time_ms: int | None = None

    async def open(self) -> None:
        """Connect; reconnects by itself from then on."""
        self._client = await nats.connect(
            self._url,
            user=self._user,
            password=self._password,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,
            error_cb=_quiet,
        )
        await self._client.subscribe(FRAME, cb=self._on_frame)
        await self._client.subscribe(NOTICE, cb=self._on_notice)
        self._task = asyncio.create_task(self._hand_on())

    async def close(self) -> None:
        """Leave the broker."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._client:
            await self._client.close()

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return bool(self._client and self._client.is_connected)

    @property
    def watchers(self) -> int:
        """How many pages watch."""
        return len(self._watchers)

    def watch(self) -> Watcher:
        """A new watcher, which sees the newest frame at once."""
        watcher = Watcher(frame=self.frame)
        self._watchers.add(watcher)
        watcher.woken.set()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """A watcher that has gone."""
        self._watchers.discard(watcher)

    async def ask(self, question: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Ask the worker; None where it does not answer in time."""
        if not self.connected or self._client is None:
            return None
        try:
            answer = await self._client.request(f"{ASK}.{question}", json.dumps(body or {}).encode(), timeout=_ASK_S)
            said = json.loads(answer.data)
        except (NatsError, TimeoutError, ValueError):
            return None
        return said if isinstance(said, dict) else None

    async def _on_frame(self, message: Msg) -> None:
        if len(message.data) < _HEADER.size:
            return
        self.frame = message.data
        self.time_ms = int(_HEADER.unpack_from(message.data)[2])
        for watcher in self._watchers:
            watcher.frame = message.data
            watcher.woken.set()

    async def _on_notice(self, message: Msg) -> None:
        try:
            kind = str(json.loads(message.data).get("type", ""))
        except (ValueError, AttributeError):
            return
        if kind.startswith("event"):
            self._stale.add("events")
        elif kind.startswith("charge"):
            self._stale.add("charges")

    async def _hand_on(self) -> None:
        """Four times a second: what changed is read once and told to all; the status once a second."""
        tick = 0
        while True:
            await asyncio.sleep(0.25)
            tick += 1
            wanted, self._stale = self._stale, set()
            if tick % 4 == 0:
                wanted = wanted | {"status"}
            if not self._watchers:
                self._stale = wanted - {"status"}
                continue
            try:
                texts = await self._refresh(wanted)
            except StoreDown:  # the feed outlives a store that is restarting
                self._stale |= wanted - {"status"}
                texts = [STORE_AWAY]
            except Exception:  # and a fault of ours, which stands in the log and not on a page
                _LOG.exception("the news could not be read")
                texts = []
            for watcher in list(self._watchers):
                for text in texts:
                    watcher.tell(text)


async def _quiet(error: Exception) -> None:
    """A lost broker shows on the status line; the log need not repeat it at every attempt."""
