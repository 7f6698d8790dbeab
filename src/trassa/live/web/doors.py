"""The outer doors: which hosts, origins, sizes and rates are let in, and what every answer carries.

Plain ASGI, in front of everything else. A request that is not meant for this server never reaches a route.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["CONTENT_SECURITY_POLICY", "Doors", "RateLimit"]

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self'; "
    "img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
_ANSWERS_CARRY = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(self)",
}
MAX_BODY_BYTES = 4 * 1024 * 1024


@dataclass
class RateLimit:
    """A bucket per client: ``burst`` requests at once, refilled with ``per_s`` a second; the oldest clients go."""

    per_s: float
    burst: float
    clients: int = 10_000
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def admits(self, client: str) -> bool:
        """Whether this client may come in now; takes one from its bucket."""
        moment_s = time.monotonic()
        level, seen_s = self._buckets.pop(client, (self.burst, moment_s))
        level = min(self.burst, level + (moment_s - seen_s) * self.per_s)
        self._buckets[client] = (max(level - 1.0, 0.0) if level >= 1.0 else level, moment_s)
        while len(self._buckets) > self.clients:
            self._buckets.popitem(last=False)
        return level >= 1.0


class Doors:
    """Checks in this order: host, origin, rate, size. ``hosts`` are ``name:port`` as a browser writes them."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], *, secure: bool) -> None:
        self._app, self._hosts, self._secure = app, hosts, secure
        self._general = RateLimit(per_s=200.0, burst=400.0)
        self._knocks = RateLimit(per_s=0.2, burst=10.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            await _refuse(scope, receive, send, *refusal)
            return
        await self._app(scope, _limited(receive) if scope["type"] == "http" else receive, self._carrying(send))

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            return 421, f"this server does not answer for the host {host[:80]!r}", " or ".join(sorted(self._hosts))
        origin = headers.get("origin", "")
        unsafe = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if unsafe and origin and urlsplit(origin).netloc.lower() != host:
            return 403, "this request comes from another site", f"open the page from {host}"
        client = scope["client"][0] if scope.get("client") else "?"
        door = self._knocks if scope["path"] in ("/api/login", "/api/drive/pair") else self._general
        if not door.admits(client):
            return 429, "too many requests from this address", "wait a few seconds"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return 413, f"the body is larger than {MAX_BODY_BYTES} bytes", "send smaller batches"
        return None

    def _carrying(self, send: Send) -> Send:
        async def carry(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name.lower() for name, _ in message["headers"]}
                more = [(k.encode(), v.encode()) for k, v in _ANSWERS_CARRY.items() if k.encode() not in said]
                if self._secure:
                    more.append((b"strict-transport-security", b"max-age=31536000"))
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        return carry


def _limited(receive: Receive) -> Receive:
    """The body of a request, cut off where it grows beyond what was allowed without saying so."""
    taken = 0

    async def take() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > MAX_BODY_BYTES else message

    return take


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, error: str, cure: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": error[:100]})
        return
    body = json.dumps({"error": error, "next": cure}, ensure_ascii=False).encode()
    headers: list[tuple[bytes, bytes]] = [(b"content-type", b"application/json")]
    headers += [(name.encode(), value.encode()) for name, value in _ANSWERS_CARRY.items()]
    if status == 429:
        headers.append((b"retry-after", b"5"))
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})
