"""The platform's HTTP API as the twin uses it: reads and contracts in, events and charges out."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from trassa.errors import InputError

__all__ = ["PlatformApi"]

_PATIENCE_S = 60.0
_BATCH = 1000


class PlatformApi:
    """One connection to a platform. ``reads_key`` opens the gantries' door; :meth:`log_in` the operator's."""

    def __init__(self, url: str, reads_key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise InputError(f"drive: {url!r} is no address of a platform", cure="http://127.0.0.1:8000")
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=_PATIENCE_S)
        self._keys = {"Authorization": f"Bearer {reads_key}"}
        self._url = url

    def log_in(self, password: str) -> None:
        """Open an operator's session."""
        self._ask("POST", "/api/login", {"password": password})

    def register(self, contract: dict[str, Any]) -> str:
        """Register a contract; the vehicle key."""
        return str(self._ask("POST", "/api/toll/contracts", contract)["vehicle_key"])

    def post_reads(self, reads: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Post reads; a receipt for each."""
        receipts: list[dict[str, Any]] = []
        for begin in range(0, len(reads), _BATCH):
            body = {"reads": list(reads[begin : begin + _BATCH])}
            receipts += self._ask("POST", "/api/toll/reads", body)["receipts"]
        return receipts

    def events(self) -> list[dict[str, Any]]:
        """Every event, the open ones first."""
        said = self._ask("GET", "/api/events?ended=1000")
        return [*said["events"], *said["ended"]]

    def charges(self) -> dict[str, list[dict[str, Any]]]:
        """Every charge and every held trip, as ``charges`` and ``held``."""
        said = self._ask("GET", "/api/toll/charges?limit=10000")
        return {"charges": said["charges"], "held": said["held"]}

    def await_time(self, time_ms: int) -> None:
        """Return when the web server has learnt from the worker that the platform's clock has come so far."""
        end_s = time.monotonic() + _PATIENCE_S
        while int(self._ask("GET", "/api/status")["time_ms"]) < time_ms:
            if time.monotonic() > end_s:
                raise InputError(f"drive: the web server's clock does not reach {time_ms}", cure="trassa doctor")
            time.sleep(0.05)

    def read_fates(self) -> dict[str, int]:
        """How many reads met which fate."""
        found: dict[str, int] = self._ask("GET", "/api/toll/summary")["reads"]
        return found

    def totals(self) -> dict[str, Any]:
        """The ledger's own totals: ``charged`` by currency, ``held`` trips by reason."""
        return self._ask("GET", "/api/toll/summary")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {**self._keys, **({"Content-Type": "application/json"} if sent else {})}
        status, cookie, text = self._answer(method, path, sent, headers)
        if status != 200:
            said = text.decode("utf-8", "replace")[:300]
            raise InputError(f"drive: {method} {path} was answered with {status}: {said}", cure="trassa doctor")
        if cookie:
            self._keys["Cookie"] = cookie.partition(";")[0]
        found: dict[str, Any] = json.loads(text)
        return found

    def _answer(self, method: str, path: str, sent: bytes | None, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """Status, cookie and body. A connection that the server closed while it idled is opened again: everything
        asked here may be asked twice.
        """
        for attempt in range(2):
            try:
                self._connection.request(method, path, sent, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.getheader("Set-Cookie") or "", answer.read()
            except (ConnectionError, http.client.HTTPException) as error:
                self._connection.close()
                if attempt:
                    raise InputError(f"drive: {self._url} does not answer: {error}", cure="trassa doctor") from None
            except OSError as error:
                raise InputError(f"drive: {self._url} does not answer: {error}", cure="trassa doctor") from None
        raise AssertionError("the second attempt returns or raises")
