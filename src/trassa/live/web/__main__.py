"""The web server as a process of its own: ``python -m trassa.live.web --project DIR --book live --clock utc``."""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

import uvicorn

from trassa.errors import TrassaError
from trassa.live.book import Book
from trassa.live.doorway import Doorway
from trassa.live.ports import LOOPBACK, Ports
from trassa.live.web.assembly import assembled_app
from trassa.plan.project import open_project

__all__ = ["main"]

_TAKES_NOTHING_MS = 30_000
_KEEP_ALIVE_S = 75
"""Longer than the 60 s after which common proxies drop a silent connection: then no request meets a closing one."""


def main() -> int:
    """Serve one book until the process ends; 3 where the book or the plan cannot be used."""
    words = _arguments()
    try:
        _serve(words)
    except TrassaError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 - a child's last words
        return error.exit_code
    return 0


def _serve(words: argparse.Namespace) -> None:
    book = Book(words.project, words.book)
    doorway = Doorway(words.host, tls_cert=words.tls_cert, tls_key=words.tls_key)
    behind_proxy = bool(open_project(words.project).settings.live.public_hosts)
    config = uvicorn.Config(
        assembled_app(book, doorway),
        host=words.host,
        port=Ports.of(book).web,
        ssl_certfile=words.tls_cert,
        ssl_keyfile=words.tls_key,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=behind_proxy,
        forwarded_allow_ips=LOOPBACK,
        ws_max_size=65_536,
        limit_concurrency=2_000,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=2,
    )
    listening = config.bind_socket()
    # inherited by every connection: the kernel ends one whose page has taken nothing for so long
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _TAKES_NOTHING_MS)
    uvicorn.Server(config).run(sockets=[listening])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="trassa.live.web")
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--book", choices=("live", "drive"), required=True)
    parser.add_argument("--clock", choices=("utc", "stepped"), default="utc")
    parser.add_argument("--start-ms", type=int, default=None)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--tls-cert", type=Path, default=None)
    parser.add_argument("--tls-key", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
