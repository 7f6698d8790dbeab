"""``trassa serve`` in a process, and a process group, of its own: to be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from running_platform import until
from stand_ins import everything_gone, recorded
from trassa.live.book import Book
from trassa.live.ports import Ports
from trassa.live.secrets import Secrets
from trassa.live.store.embedded import PostgresPlace

__all__ = ["ServingProcess"]


class ServingProcess:
    """One project under ``trassa serve``; ``operator_password`` is that of the first start."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.book = Book(project.resolve(), "live")
        self.said: list[str] = []
        self.operator_password = ""
        self.start()

    def start(self) -> None:
        """Serve, and return when it is ready."""
        self.url = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "trassa", "serve", str(self.project)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        until(lambda: self.url or self._process.poll() is not None, "serve does not become ready", 120.0)
        assert self.url, "\n".join(self.said)

    @property
    def ports(self) -> Ports:
        """Where it listens."""
        return Ports.of(self.book)

    @property
    def secrets(self) -> Secrets:
        """Its logins."""
        return Secrets.of(self.book)

    @property
    def database_url(self) -> str:
        """Its database."""
        return PostgresPlace.of(self.book).url()

    def kill(self) -> None:
        """SIGKILL to the supervisor alone; returns when nothing of it is left."""
        self._end(self._process.kill)

    def kill_group(self) -> None:
        """SIGKILL to its process group; returns when nothing of it is left."""
        self._end(lambda: os.killpg(self._process.pid, signal.SIGKILL))

    def close(self) -> None:
        """Stop it in order and remove its data."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(60.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        PostgresPlace.of(self.book).discard()

    def _end(self, kill: Callable[[], None]) -> None:
        children = recorded(self.book)
        assert set(children) == {"nats", "postgres", "worker", "web"}
        kill()
        self._process.wait()
        assert everything_gone(children) == []

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.said.append(line.rstrip())
                if line.startswith("operator password"):
                    self.operator_password = line.rsplit(": ", 1)[1].strip()
                if line.startswith("ready "):
                    self.url = line.split()[1]
