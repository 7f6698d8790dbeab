"""The outer doors: which hosts, origins, sizes and rates are let in, and what every answer carries.

Plain ASGI, in front of everything else. A request that is not meant for this server never reaches a route, and none
waits for ever: a body must arrive, and an answer begin, in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trassa.live.web.rates import RateLimit

__all__ = ["CONTENT_SECURITY_POLICY", "MAX_BODY_BYTES", "Doors", "is_secure"]

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
_BODY_S = 20.0
"""Until when a body must have come."""
_ANSWER_S = 30.0
"""Until when an answer must have begun, the body's time included."""
_SLOW_DOORS = frozenset({"/api/login", "/api/drive/pair"})


class Doors:
    """Checks in this order: host, origin, rate, size.

    ``hosts`` are as a browser writes them, ``name:port`` or ``name``.
    ``secure``: TLS ends here even where the request does not say so.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: frozenset[str],
        *,
        secure: bool = False,
        body_s: float = _BODY_S,
        answer_s: float = _ANSWER_S,
    ) -> None:
        self._app, self._hosts, self._secure = app, hosts, secure
        self._body_s, self._answer_s = body_s, answer_s
        self._general = RateLimit(per_s=200.0, burst=400.0)
        self._knocks = RateLimit(per_s=0.2, burst=10.0)
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        carrying = _carrying(scope, send, secure=self._secure or is_secure(scope))
        refusal = self._refusal(scope)
        if refusal:
            await _refuse(scope, receive, carrying, *refusal)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, carrying)
        else:
            await self._answered(scope, _limited(receive, self._body_s), carrying)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            return (
                421,
                "this server does not answer for that host",
                "use the address it was given, see [live] public_hosts",
            )
        origin = headers.get("origin", "").lower()
        unsafe = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if unsafe and origin and origin not in (f"http://{host}", f"https://{host}"):
            return 403, "this request comes from another site", f"open the page from {host}"
        door = self._knocks if scope["path"] in _SLOW_DOORS else self._general
        if not door.admits(_client_of(scope)):
            return 429, "too many requests from this address", "wait a few seconds"
        length = headers.get("content-length", "0")
        if len(length) > 9 or not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return 413, f"the body is larger than {MAX_BODY_BYTES} bytes", "send smaller batches"
        return None

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer of the rooms; where none begins in time, a 503. What they still say then is not heard."""
        begun = too_late = False

        async def hear(message: Message) -> None:
            nonlocal begun
            if not too_late:
                begun = True
                await send(message)

        room = asyncio.ensure_future(self._app(scope, receive, hear))
        try:
            await asyncio.wait({room}, timeout=self._answer_s)
            if room.done() or begun:
                await room
                return
        except asyncio.CancelledError:
            room.cancel()
            raise
        too_late = True
        self._late.add(room)  # a thread that waits for a database cannot be cancelled
        room.add_done_callback(self._forget)
        await _refuse(scope, receive, send, 503, "there is no answer in time", "try again in a few seconds")

    def _forget(self, room: asyncio.Task[None]) -> None:
        self._late.discard(room)
        with contextlib.suppress(asyncio.CancelledError):
            room.exception()


def is_secure(scope: Scope) -> bool:
    """Whether the browser speaks TLS, with us or with a proxy that says so."""
    return scope.get("scheme") in ("https", "wss")


def _client_of(scope: Scope) -> str:
    """The address that rates are counted for: an IPv6 subscriber has a /64 network, not one address."""
    said = scope["client"][0] if scope.get("client") else "?"
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(said)
        if address.version == 6 and not address.ipv4_mapped:
            return str(ipaddress.ip_network((address, 64), strict=False))
    return str(said)


def _carrying(scope: Scope, send: Send, *, secure: bool) -> Send:
    carried = dict(_ANSWERS_CARRY)
    if scope["path"].startswith("/api"):
        carried["cache-control"] = "no-store"
    if secure:
        carried["strict-transport-security"] = "max-age=31536000"

    async def carry(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name.lower() for name, _ in message["headers"]}
            more = [(k.encode(), v.encode()) for k, v in carried.items() if k.encode() not in said]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return carry


def _limited(receive: Receive, body_s: float) -> Receive:
    """The body of a request, cut off where it grows beyond what was allowed without saying so, or comes too slowly."""
    taken, is_whole = 0, False
    until_s = asyncio.get_running_loop().time() + body_s

    async def take() -> Message:
        nonlocal taken, is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(until_s):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "the body does not come") from None
        taken += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if taken > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        return message

    return take


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, error: str, cure: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": error[:100]})
        return
    body = json.dumps({"error": error, "next": cure}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status in (429, 503):
        headers.append((b"retry-after", b"5"))
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})
