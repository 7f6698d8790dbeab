"""One child process: how it is started, what it said last, and how one recognises it after its parent is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from trassa.live import launch

__all__ = ["Child", "ChildSpec", "Footprint", "Launch", "end_leftover", "footprint_of"]

_LOG_BYTES = 8 << 20
"""A log longer than this becomes the old one, which replaces the one before: at most twice this per child."""
_LAST_LINES = 20
_POLL_S = 0.02


class Launch(NamedTuple):
    """How to start a program: its words; its whole environment, None for ours; the user to become, empty for ours."""

    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    user: str = ""


@dataclass(frozen=True)
class ChildSpec:
    """A child of the platform.

    ``prepare`` runs before each start; ``answers`` tells whether it is ready, where its line ``ready`` does not.
    A start that is not ready in time ends the platform.
    """

    name: str
    launch: Callable[[], Launch]
    prepare: Callable[[], None] | None = None
    answers: Callable[[], bool] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    stop_within_s: float = 10.0
    ready_within_s: float = 20.0
    hopeless_code: int = 3
    """Exit code that says: what I was given cannot be used. Before it was ever ready, no second start will help."""
    deaths_max: int = 5
    """Deaths within a minute at which the platform gives up."""


@dataclass(frozen=True)
class Footprint:
    """A process beyond its number, which the system gives out again: the tick at which it was started, and the boot."""

    pid: int
    started: str
    boot: str


class Child:
    """A running child: its process, its log, its last lines."""

    def __init__(self, spec: ChildSpec, log: Path) -> None:
        self.spec = spec
        self.last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self.ready = False
        self.begun_s = time.monotonic()
        self._said_ready = threading.Event()
        self._log = log
        self.process = self._spawn()
        self.footprint = footprint_of(self.process.pid)
        self._scribe = threading.Thread(target=self._write_log, name=f"log of {spec.name}", daemon=True)
        self._scribe.start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Start it in a process group of its own, so that the terminal's Ctrl-C reaches the platform alone."""
        spec = self.spec
        first = [sys.executable, "-I", "-S", str(Path(launch.__file__))]
        argv, env, user = spec.launch()
        return subprocess.Popen(
            [*first, str(os.getpid()), str(int(spec.death_signal)), user, *argv],
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"} if env is None else dict(env),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )

    def look(self) -> None:
        """Find out whether it works: it said ``ready``, or its answer says so. Once ready, it is so until it ends."""
        if not self.ready and self.process.poll() is None:
            answers = self.spec.answers
            self.ready = self._said_ready.is_set() if answers is None else answers()

    @property
    def is_late(self) -> bool:
        """Whether it should have been ready by now."""
        return not self.ready and time.monotonic() - self.begun_s > self.spec.ready_within_s

    def ask_to_stop(self) -> None:
        """Ask it to end; nothing where it has."""
        self._signal(self.spec.stop_signal)

    def end(self, within_s: float) -> None:
        """Wait for its end, then force it, and with it whatever it started."""
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait()
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._scribe.join(1.0)

    def how_it_ended(self) -> str:
        """``ended with code 1`` or ``killed by SIGKILL``."""
        code = self.process.returncode
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"killed by {signal.Signals(-code).name}"
        return f"ended with code {code}"

    def _signal(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def _write_log(self) -> None:
        pipe = self.process.stdout
        assert pipe is not None
        old = self._log.with_suffix(".old.log")
        out: IO[bytes] = self._log.open("ab")
        with pipe:
            for line in pipe:
                said = line.decode("utf-8", "replace").rstrip()
                self.last_lines.append(said)
                if said == "ready" or said.startswith("ready "):
                    self._said_ready.set()
                with contextlib.suppress(OSError):  # a full disk must not stop the child that talks
                    out.write(line)
                    out.flush()
                    if out.tell() > _LOG_BYTES:
                        out.close()
                        os.replace(self._log, old)
                        out = self._log.open("ab")
        out.close()


def footprint_of(pid: int) -> Footprint | None:
    """The footprint of a living process; None where it has ended, be it unreaped, or the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return _told_by_ps(pid) if sys.platform != "linux" else None
    words = stat.rpartition(")")[2].split()  # the name in brackets may hold blanks and brackets
    state, started = words[0], words[19]
    return None if state in "ZX" else Footprint(pid, started, boot)


def _told_by_ps(pid: int) -> Footprint | None:
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False)
    said = done.stdout.decode("utf-8", "replace").strip()
    return Footprint(pid, said, "") if said else None


def end_leftover(footprint: Footprint, stop_signal: signal.Signals, within_s: float) -> bool:
    """End a process that an earlier platform left, with its group; False where it is gone or is another by now."""
    if footprint_of(footprint.pid) != footprint:
        return False
    for number, patience_s in ((stop_signal, within_s), (signal.SIGKILL, within_s)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(footprint.pid, number)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if footprint_of(footprint.pid) != footprint:
                with contextlib.suppress(OSError):
                    os.killpg(footprint.pid, signal.SIGKILL)
                return True
            time.sleep(_POLL_S)
    raise TimeoutError(f"process {footprint.pid} of an earlier platform does not end")
