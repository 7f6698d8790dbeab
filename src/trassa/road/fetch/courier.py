"""Downloads that survive a break: what has arrived stays, and the next attempt goes on from there."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

import trassa
from trassa.clock import timestamp
from trassa.errors import InputError
from trassa.provenance import sha256_of_file

__all__ = ["Courier", "Receipt"]

_BUSY = {429, 500, 502, 503, 504}
_ABSENT = {403, 404}  # object stores answer 403 for a missing object where listing is not allowed
_BUSY_WAIT_S = 15.0
_WAIT_MAX_S = 120.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Receipt:
    """What arrived, and when: kept beside each file as ``<name>.receipt.json``, so that it is fetched only once."""

    url: str
    fetched: str
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, file: Path) -> Receipt | None:
        """The receipt of a file that lies there whole and unchanged, else None."""
        try:
            receipt = cls(**json.loads(_receipt_path(file).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        whole = file.is_file() and file.stat().st_size == receipt.size_bytes
        return receipt if whole and sha256_of_file(file) == receipt.sha256 else None

    @classmethod
    def write(cls, file: Path, url: str) -> Receipt:
        """Note down a file that has just arrived."""
        receipt = cls(url, timestamp(), sha256_of_file(file), file.stat().st_size)
        _receipt_path(file).write_text(json.dumps(vars(receipt), indent=1), "utf-8")
        return receipt


class Courier:
    """An HTTP client that waits when told to, resumes what broke off and gives up with one clear error.

    The environment's proxy settings are honoured. ``sleep`` is called with seconds between attempts.
    """

    def __init__(self, *, attempts: int = 6, sleep: Callable[[float], None] = time.sleep, contact: str = "") -> None:
        agent = f"trassa/{trassa.__version__} (planning of connected roads; {contact or 'trassa road fetch'})"
        timeout = httpx.Timeout(60.0, read=300.0)  # Overpass answers only when its query is done
        self._client = httpx.Client(headers={"User-Agent": agent}, timeout=timeout, follow_redirects=True)
        self._attempts = attempts
        self._sleep = sleep

    def __enter__(self) -> Courier:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def fetch_file(self, url: str, into: Path) -> Receipt | None:
        """Download a file; None where the server has none. What a broken attempt left in ``.part`` is completed."""
        receipt = Receipt.of(into)
        if receipt is not None:
            return receipt
        part = _part(into)
        if not self._persist(url, lambda: self._get_rest(url, part)):
            return None
        part.replace(into)
        _validator_path(part).unlink(missing_ok=True)
        return Receipt.write(into, url)

    def ask(self, url: str, query: str, into: Path, accept: Callable[[Path], None]) -> Receipt:
        """Post a query as form field ``data`` and keep the answer; ``accept`` raises where it is not usable."""
        receipt = Receipt.of(into)
        if receipt is not None:
            return receipt
        part = _part(into)
        self._persist(url, lambda: self._post(url, query, part))
        accept(part)
        part.replace(into)
        return Receipt.write(into, url)

    def _persist(self, url: str, once: Callable[[], Answer]) -> Answer:
        problem, wait_s = "", 0.0
        for number in range(self._attempts):
            if number:
                self._sleep(wait_s)
            try:
                return once()
            except _Busy as busy:
                problem = str(busy)
                wait_s = busy.wait_s if busy.wait_s is not None else min(_BUSY_WAIT_S * 2**number, _WAIT_MAX_S)
            except httpx.TransportError as broken:
                problem, wait_s = str(broken) or type(broken).__name__, min(2.0**number, _WAIT_MAX_S)
            except OSError as error:
                raise InputError(f"fetch: cannot be kept ({error})", cure="free space, or another folder") from error
        raise InputError(
            f"fetch: {url} failed {self._attempts} times ({problem})",
            cure="the same command later: what has arrived is kept, and it goes on from there",
        )

    def _get_rest(self, url: str, part: Path) -> bool:
        """One attempt at what is missing of a file; False where the server has none."""
        validator = _validator_path(part)
        have = part.stat().st_size if part.exists() and validator.exists() else 0
        headers = {"Accept-Encoding": "identity"}  # or lengths and ranges would count compressed bytes
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator.read_text("utf-8")}
        with self._client.stream("GET", url, headers=headers) as response:
            if response.status_code in _ABSENT:
                return False
            if response.status_code == 416:
                part.unlink()
                raise httpx.RemoteProtocolError(f"{have:,} bytes have arrived, more than there are; beginning anew")
            _require_success(response, url)
            begin, total = _range_of(response)
            if begin not in (0, have):
                raise httpx.RemoteProtocolError(f"asked for bytes from {have:,}, got them from {begin:,}")
            _keep_validator(response, validator)
            with part.open("ab" if begin else "wb") as file:
                for chunk in response.iter_raw():
                    file.write(chunk)
        size = part.stat().st_size
        if total is not None and size != total:
            if size > total:
                part.unlink()
            raise httpx.RemoteProtocolError(f"{size:,} of {total:,} bytes have arrived")
        return True

    def _post(self, url: str, query: str, part: Path) -> None:
        with self._client.stream("POST", url, data={"data": query}) as response:
            _require_success(response, url)
            with part.open("wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)


class _Busy(Exception):
    """The server asks to come back later."""

    def __init__(self, message: str, wait_s: float | None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def _require_success(response: httpx.Response, url: str) -> None:
    if response.status_code in _BUSY:
        told = response.headers.get("Retry-After", "")
        raise _Busy(f"the server answers {response.status_code}", float(told) if told.isdigit() else None)
    if not response.is_success:
        text = re.sub(r"<[^>]*>|\s+", " ", response.read().decode("utf-8", "replace")).strip()
        raise InputError(f"fetch: {url} answers {response.status_code}: {text[:300]}")


def _range_of(response: httpx.Response) -> tuple[int, int | None]:
    """First byte of an answer within the file, and the file's whole length where the server says it."""
    if response.status_code == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if found is None:
            raise httpx.RemoteProtocolError("a partial answer without its range")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = response.headers.get("Content-Length")
    return 0, int(length) if length else None


def _keep_validator(response: httpx.Response, path: Path) -> None:
    """Only a strong validator proves that the rest belongs to what has arrived."""
    validator = response.headers.get("ETag", "")
    if validator and not validator.startswith("W/"):
        path.write_text(validator, "utf-8")
    elif response.status_code == 200:
        path.unlink(missing_ok=True)


def _receipt_path(file: Path) -> Path:
    return file.with_name(file.name + ".receipt.json")


def _part(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.with_name(file.name + ".part")


def _validator_path(part: Path) -> Path:
    return part.with_name(part.name + ".etag")
