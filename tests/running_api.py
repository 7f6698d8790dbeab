"""The HTTP face of a whole platform, as its clients meet it: operators, gantries, on-board pages, strangers."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from command_line import set_in
from running_platform import served_copy
from running_store import LANE_TARIFF
from trassa.live.doorway import Doorway
from trassa.live.platform import Platform
from trassa.live.store.embedded import PostgresPlace
from trassa.plan.project import open_project

__all__ = ["Api", "Raw", "served_api"]


class Raw:
    """What a server says to bytes that no well-behaved client would send."""

    def __init__(self, said: bytes) -> None:
        head, _, body = said.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1]) if first else 0
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.body = body


class Api:
    """Clients of one running platform."""

    def __init__(self, platform: Platform) -> None:
        assert platform.operator_password is not None
        self.platform = platform
        self.url, self.password = platform.url, platform.operator_password
        self.host = self.url.partition("//")[2]
        self._clients: list[httpx.Client] = []
        self.stranger = self._client()
        self.gantry = self._client(authorization=f"Bearer {platform.secrets.reads_key}")
        self.operator = self._client()
        self.operator.post("/api/login", json={"password": self.password}).raise_for_status()

    def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            client.close()

    def another(self) -> httpx.Client:
        """A browser that nobody knows yet."""
        return self._client()

    def paired(self, vehicle: str, station_id: int | None = None) -> httpx.Client:
        """An on-board page paired with a vehicle of the fleet."""
        body = {"login": "fleet", "vehicle": vehicle, "station_id": station_id}
        link = self.operator.post("/api/vehicles/pair", json=body).json()["link"]
        page = self._client()
        page.post("/api/drive/pair", json={"code": link.partition("=")[2]}).raise_for_status()
        return page

    @contextlib.contextmanager
    def socket(self, path: str, client: httpx.Client, **words: Any) -> Iterator[ClientConnection]:
        """A WebSocket with a client's cookies."""
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        headers = {"Cookie": cookies} if cookies else {}
        url = self.url.replace("http", "ws", 1) + path
        with connect(url, additional_headers=headers, max_size=None, **words) as there:
            yield there

    def raw(self, method: str, path: str, *parts: bytes, **headers: str) -> Raw:
        """The answer to a request written by hand; headers with ``_`` for ``-``, several parts one after the other."""
        told = {"host": self.host, "connection": "close"} | {k.replace("_", "-"): v for k, v in headers.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
        with socket.create_connection(("127.0.0.1", self.platform.ports.web), timeout=60.0) as link:
            said = b""
            with contextlib.suppress(ConnectionError):
                for part in ("\r\n".join([*lines, "", ""]).encode("utf-8"), *parts):
                    link.sendall(part)
            with contextlib.suppress(ConnectionError):
                while more := link.recv(65_536):
                    said += more
        return Raw(said)

    def _client(self, **headers: str) -> httpx.Client:
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60.0, verify=_unchecked())
        self._clients.append(client)
        return client


@contextlib.contextmanager
def served_api(planned: Path, root: Path, *, doorway: Doorway | None = None, public_hosts: str = "[]") -> Iterator[Api]:
    """The API of a platform over the drawn lane with its own tariff, and those of the M-11 for reads alone."""
    served_copy(planned, root)
    set_in(root, "live", f"public_hosts = {public_hosts}")
    (root / "inputs" / "lane.toml").write_text(LANE_TARIFF, "utf-8")
    set_in(root, "toll", 'systems = ["m11-15-58", "m11-58-684", "lane.toml"]')
    with Platform(open_project(root), "live", doorway=doorway) as platform:
        platform.wait_ready()
        with contextlib.closing(Api(platform)) as api:
            yield api
    PostgresPlace.of(platform.book).discard()


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
