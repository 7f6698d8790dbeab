"""Ports of a book: chosen once, written to the book, reused at every start.

A port that somebody else holds is an error that names the holder; the platform never moves on to another one
silently, because vehicles and gantries were told the first.
"""

from __future__ import annotations

import json
import socket
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from trassa.errors import InputError
from trassa.live.book import Book
from trassa.plan.folder import replace_text

__all__ = ["LOOPBACK", "Ports", "choose_ports", "holder_of", "require_free"]

LOOPBACK = "127.0.0.1"
_FIRST, _LAST = 20_000, 32_000
"""Free ports are looked for below the range from which systems take the ports of outgoing connections."""
_LISTENING = "0A"


@dataclass(frozen=True)
class Ports:
    """Where a platform listens: NATS and MQTT on loopback, the web server on the host of ``[live]``."""

    nats: int
    mqtt: int
    web: int

    @classmethod
    def of(cls, book: Book) -> Ports:
        """The ports on record in a book.

        :raises InputError: there is no record, or it is damaged.
        """
        try:
            said = json.loads(book.ports_file.read_text("utf-8"))
            ports = cls(**{name: int(said[name]) for name in ("nats", "mqtt", "web")})
        except FileNotFoundError:
            raise InputError(f"ports: {book.root} was never served", cure=book.serving) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(f"ports: {book.ports_file} is damaged", cure="remove the file and serve again") from None
        return ports


def choose_ports(book: Book, *, mqtt: int, web: int, host: str = LOOPBACK) -> Ports:
    """The ports of a book, found free and written down; 0 takes the one on record, or a free one the first time.

    :raises InputError: a port is held by another process, which the message names.
    """
    known = asdict(Ports.of(book)) if book.ports_file.exists() else {}
    wanted = {"nats": 0, "mqtt": mqtt, "web": web}
    hosts = {"nats": LOOPBACK, "mqtt": LOOPBACK, "web": host}
    chosen: dict[str, int] = {}
    candidates = _candidates(book.root)
    for name, port in wanted.items():
        fixed = port or known.get(name, 0)
        if fixed and fixed in chosen.values():
            raise InputError(f"ports: {name} and another door are both given port {fixed}", cure="two different ports")
        if not fixed:
            fixed = next(free for free in candidates if free not in chosen.values() and _is_free(hosts[name], free))
        require_free(name, hosts[name], fixed)
        chosen[name] = fixed
    ports = Ports(**chosen)
    if asdict(ports) != known:
        replace_text(book.ports_file, json.dumps(asdict(ports)) + "\n")
    return ports


def require_free(name: str, host: str, port: int) -> None:
    """An :class:`InputError` that names the holder where a port cannot be listened on."""
    try:
        _listen(host, port)
    except PermissionError:
        raise InputError(f"ports: {name} may not listen on port {port}", cure="a port above 1023") from None
    except OSError as error:
        holder = holder_of(port)
        if holder is None and not _somebody_answers(host, port):
            said = error.strerror or str(error)
            raise InputError(
                f"ports: {name} cannot listen on {host} port {port}: {said}", cure="another host"
            ) from None
        by = holder or "a process that this user may not see"
        setting = {"web": "[live] port or --port", "mqtt": "[live] mqtt_port"}.get(name, "ports.json of the book")
        raise InputError(
            f"ports: port {port} for {name} is taken by {by}", cure=f"end that process, or another port in {setting}"
        ) from None


def holder_of(port: int) -> str | None:
    """The process that listens on a port, ``nats-server (process 4711)``, where /proc tells; else None."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            if any(str(link.readlink()) in sockets for link in (process / "fd").iterdir()):
                words = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                said = " ".join(word.decode("utf-8", "replace") for word in words)[:80]
                return f"{said or 'a nameless program'} (process {process.name})"
        except OSError:
            continue
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            words = row.split()
            if words[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                yield words[9]


def _candidates(root: Path) -> Iterator[int]:
    """Ports to try: they begin at a place of the book's own, so that two books seldom meet."""
    begin = zlib.crc32(str(root.resolve()).encode("utf-8", "surrogateescape"))
    width = _LAST - _FIRST
    yield from (_FIRST + (begin + step) % width for step in range(width))


def _is_free(host: str, port: int) -> bool:
    try:
        _listen(host, port)
    except OSError:
        return False
    return True


def _listen(host: str, port: int) -> None:
    """Listen for a moment; connections of an earlier owner that linger do not matter, listeners do."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)


def _somebody_answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK if host == "0.0.0.0" else host, port), timeout=1.0):
            return True
    except OSError:
        return False
