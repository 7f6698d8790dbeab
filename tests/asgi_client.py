"""A client that talks to an ASGI application without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from starlette.types import ASGIApp

__all__ = ["AsgiClient"]


class AsgiClient:
    """Synchronous requests to an application; cookies are kept between them."""

    def __init__(self, app: ASGIApp, base_url: str = "http://testserver") -> None:
        self._app, self._base_url = app, base_url
        self.cookies = httpx.Cookies()

    def request(self, method: str, path: str, **words: Any) -> httpx.Response:
        """One request and its answer."""
        return asyncio.run(self._request(method, path, words))

    def get(self, path: str, **words: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **words)

    def post(self, path: str, **words: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **words)

    async def _request(self, method: str, path: str, words: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url=self._base_url, cookies=self.cookies) as client:
            answer = await client.request(method, path, **words)
            self.cookies.update(answer.cookies)
            return answer
