"""WebSockets that end in good order: when the page goes, is too slow, or has lost its right to watch.

A socket runs a few loops side by side; the first that ends gives the code it is closed with, and the others stop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from trassa.live.store.store import StoreDown

__all__ = [
    "AGAIN",
    "GONE",
    "NO_RIGHT",
    "Crowd",
    "admitted",
    "received",
    "send_in_time",
    "side_by_side",
    "while_allowed",
]

T = TypeVar("T")

GONE = None
NO_RIGHT = 4401
"""Our own close code: come in first."""
AGAIN = 1013
"""Try again later: too slow, too many, or the store is away."""
_SEND_S = 10.0
_ALLOWED_EVERY_S = 5.0
_PARTING_S = 3.0


@dataclass
class Crowd:
    """How many sockets each visitor holds open; at most ``each`` of one name and ``all_together``."""

    each: int = 64
    all_together: int = 256
    _open: Counter[str] = field(default_factory=Counter)

    @contextlib.contextmanager
    def place_for(self, name: str) -> Iterator[bool]:
        """A place in the crowd for as long as the block lasts; False where there is none."""
        if self._open[name] >= self.each or self._open.total() >= self.all_together:
            yield False
            return
        self._open[name] += 1
        try:
            yield True
        finally:
            self._open[name] -= 1
            self._open += Counter()  # forgets names at zero


async def admitted(websocket: WebSocket, who: Callable[[WebSocket], T | None]) -> T | None:
    """Who opens this socket; None, and it is closed, for nobody. A browser sees a code only of an accepted socket."""
    try:
        name = await run_in_threadpool(who, websocket)
    except StoreDown:
        await websocket.close(code=AGAIN, reason="the store does not answer")
        return None
    await websocket.accept()
    if name is None:
        await websocket.close(code=NO_RIGHT, reason="come in first")
    return name


async def side_by_side(websocket: WebSocket, *loops: Coroutine[Any, Any, int | None]) -> None:
    """Run loops until one ends, stop the others, and close the socket with the code that it gave."""
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    codes = [end for end in ends if isinstance(end, int)]
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(_PARTING_S):
            if codes:
                await websocket.close(code=codes[0])
    for task in done:
        error = task.exception()
        if error is not None and not isinstance(error, (WebSocketDisconnect, RuntimeError)):
            raise error


async def send_in_time(websocket: WebSocket, said: str | bytes) -> bool:
    """Send text or bytes; False where the page does not take them within seconds."""
    try:
        async with asyncio.timeout(_SEND_S):
            await (websocket.send_text(said) if isinstance(said, str) else websocket.send_bytes(said))
    except TimeoutError:
        return False
    return True


async def received(websocket: WebSocket) -> AsyncIterator[str]:
    """The texts that the page sends, until it goes; bytes mean nothing."""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text"):
            yield message["text"]


async def while_allowed(websocket: WebSocket, who: Callable[[WebSocket], object | None]) -> int:
    """Ends when the right that opened the socket has ended: logged out, run out."""
    while True:
        await asyncio.sleep(_ALLOWED_EVERY_S)
        with contextlib.suppress(StoreDown):
            if await run_in_threadpool(who, websocket) is None:
                return NO_RIGHT
