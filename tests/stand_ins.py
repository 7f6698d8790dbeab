"""Stand-ins for worker and web server, and a supervisor in a process of its own that serves a project with them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from trassa.live import launch
from trassa.live.book import Book
from trassa.live.child import Footprint, footprint_of
from trassa.live.platform import Programs

__all__ = ["PATIENCE_S", "Supervisor", "everything_gone", "recorded", "stand_ins"]

PATIENCE_S = 60.0
"""Until when something that must happen is waited for; never how fast it must be."""

_WORKER = """
import pathlib, signal, sys, time
words = sys.argv
root = pathlib.Path(words[words.index("--project") + 1]) / words[words.index("--book") + 1]
def leave(*_):
    with (root / "farewell").open("a") as out:
        out.write("worker\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
signal.signal(signal.SIGINT, lambda *_: (root / "interrupted").touch())
print(*words[1:])
print("ready")
while True:
    time.sleep(1)
"""
_WEB = """
import http.server, json, pathlib, signal, sys
words = sys.argv
root = pathlib.Path(words[words.index("--project") + 1]) / words[words.index("--book") + 1]
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(401)
        self.end_headers()
def leave(*_):
    with (root / "farewell").open("a") as out:
        out.write("web\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
port = json.loads((root / "ports.json").read_text())["web"]
http.server.HTTPServer((words[words.index("--host") + 1], port), Answer).serve_forever()
"""
_SUPERVISOR = """
import sys
from pathlib import Path
from unittest import mock
from trassa.errors import TrassaError
from trassa.live import launch, serving
from trassa.live.doorway import Doorway
from trassa.live.platform import Programs
from trassa.plan.project import open_project
project = open_project(Path(sys.argv[1]))
launch.__file__ = sys.argv[4]
programs = Programs((sys.executable, sys.argv[2]), (sys.executable, sys.argv[3]))
def say(text):
    print(text, flush=True)
with mock.patch.object(serving, "pages_are_built", return_value=True):
    try:
        serving.serve(
            project,
            serving.Wish(Doorway(), programs=programs),
            say=say,
            announce=lambda url: say(f"ready {url}"),
        )
    except TrassaError as error:
        print(f"error: {error}", flush=True)
        sys.exit(error.exit_code)
"""


def stand_ins(folder: Path, worker: str = _WORKER, web: str = _WEB) -> Programs:
    """Write the stand-ins into a folder; the commands that run them."""
    for name, text in (("worker.py", worker), ("web.py", web)):
        (folder / name).write_text(text, "utf-8")
    return Programs((sys.executable, str(folder / "worker.py")), (sys.executable, str(folder / "web.py")))


class Supervisor:
    """``serve`` with stand-ins in a process, and process group, of its own."""

    def __init__(self, project: Path, folder: Path, *, death_signal: bool = True) -> None:
        programs = stand_ins(folder)
        launcher = Path(launch.__file__)
        if not death_signal:  # as on a kernel that has none
            text = launcher.read_text("utf-8")
            assert text.count('sys.platform == "linux"') == 1
            launcher = folder / "launch.py"
            launcher.write_text(text.replace('sys.platform == "linux"', "False"), "utf-8")
        self.said: list[str] = []
        self.book = Book(project.resolve(), "live")
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SUPERVISOR, str(project), programs.worker[1], programs.web[1], str(launcher)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until_ready(self) -> Supervisor:
        """Read what it says until it is ready."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("ready "):
                return self
        raise AssertionError("\n".join(self.said))

    def children(self) -> dict[str, Footprint]:
        """The children on record that live, by name."""
        return {name: foot for name, foot in recorded(self.book).items() if footprint_of(foot.pid) == foot}

    def kill(self) -> None:
        """SIGKILL to it alone."""
        self.process.kill()
        self._reap()

    def kill_group(self) -> None:
        """SIGKILL to its process group."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self._reap()

    def interrupt_group(self) -> int:
        """Ctrl-C as a terminal sends it; the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self._reap()

    def terminate(self) -> int:
        """SIGTERM to it alone; the exit code."""
        self.process.terminate()
        return self._reap()

    def _reap(self) -> int:
        rest, _ = self.process.communicate(timeout=PATIENCE_S)
        self.said += rest.splitlines()
        return self.process.returncode


def recorded(book: Book) -> dict[str, Footprint]:
    """The children on record."""
    rows = json.loads(book.children_file.read_text("utf-8"))
    return {name: Footprint(row["pid"], row["started"], row["boot"]) for name, row in rows.items()}


def everything_gone(footprints: dict[str, Footprint]) -> list[str]:
    """Wait for the end of processes; the names of those that stay."""
    deadline = time.monotonic() + PATIENCE_S
    left = dict(footprints)
    while left and time.monotonic() < deadline:
        left = {name: foot for name, foot in left.items() if footprint_of(foot.pid) == foot}
        time.sleep(0.01)
    return sorted(left)
