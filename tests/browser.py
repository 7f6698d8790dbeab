"""Chromium for the tests of the web pages, and a stage served to it from a thread."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from web_stage import STATIC, Stage, stage_app

CHROMIUM = Path(os.environ.get("TRASSA_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_S = 90.0


def _missing(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser; skips with the reason where there is none, and fails where a commit is judged."""
    if not CHROMIUM.is_file():
        _missing(f"no browser at {CHROMIUM}: make e2e installs it, or set TRASSA_CHROMIUM")
    if not (STATIC / "index.html").is_file():
        _missing("the web pages are not built: make web")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def served(stage: Stage) -> Iterator[str]:
    """The stage on a free port of the loopback; its URL."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
        app = stage_app(stage, frozenset({f"127.0.0.1:{port}"}))
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="websockets-sansio")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            until(lambda: server.started)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)


def until(holds: Callable[[], Any]) -> Any:
    """Wait until something holds; what it gave then. How long it took is nobody's claim."""
    deadline = time.monotonic() + PATIENCE_S
    while not (given := holds()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return given
