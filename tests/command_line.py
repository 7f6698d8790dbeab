"""The command line as tests use it: in this process for speed, in a fresh one where the process is the subject."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from trassa.cli.main import main

__all__ = ["Finished", "contents", "drawn_lane", "fresh_process", "modified", "set_in", "trassa"]

COLUMNS = "120"


@dataclass(frozen=True)
class Finished:
    """A command that has ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document, in which NaN is a mistake."""

        def refused(word: str) -> None:
            raise AssertionError(f"{word} is not JSON")

        return json.loads(self.out, parse_constant=refused)

    def refused(self, code: int = 3) -> str:
        """The one error line of a command that refused: nothing on stdout, no traceback."""
        assert self.code == code, (self.code, self.out, self.err)
        assert self.out == "", self.out
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, self.err
        assert "Traceback" not in self.err, self.err
        return errors[0]


def trassa(*words: object, cwd: Path | None = None) -> Finished:
    """Run ``trassa WORDS`` in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    argv = ["trassa", *(str(word) for word in words)]
    with (
        contextlib.chdir(cwd) if cwd else contextlib.nullcontext(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", argv),
        mock.patch.dict(os.environ, COLUMNS=COLUMNS),
    ):
        code = _exit_code()
    return Finished(code, _said(out), _said(err))


def _said(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _exit_code() -> int:
    try:
        main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    return 0


def fresh_process(
    *words: object, before: str = "", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Finished:
    """Run ``trassa WORDS`` in a process of its own, after the statements ``before``."""
    program = f"{before}\nfrom trassa.cli.main import main\nmain()\n"
    done = subprocess.run(
        [sys.executable, "-c", program, *(str(word) for word in words)],
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": COLUMNS, "PYTHONUTF8": "1", **(env or {})},
        timeout=120,
        check=False,
    )
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


def contents(root: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder by its relative name, the lock apart."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _files(root)}


def modified(root: Path) -> dict[str, int]:
    """When every file under a folder was last modified, nanoseconds, the lock apart."""
    return {name: path.stat().st_mtime_ns for name, path in _files(root)}


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name != ".lock":
            yield str(path.relative_to(root)), path


def set_in(project: Path, section: str, line: str) -> None:
    """Put a line at the head of a section of a project's trassa.toml."""
    path = project / "trassa.toml"
    text = path.read_text("utf-8")
    assert text.count(f"\n[{section}]\n") == 1, f"no [{section}] in {path}"
    path.write_text(text.replace(f"\n[{section}]\n", f"\n[{section}]\n{line}\n"), "utf-8")


def drawn_lane(path: Path) -> Path:
    """A centreline of 4 km due north from 55° N 37.3° E, km 100 to 104."""
    rows = [f"{55.0 + step * 0.05 / 111.33:.7f},37.3,{100.0 + step * 0.05:.2f}" for step in range(81)]
    path.write_text("\n".join(["lat,lon,km", *rows]) + "\n", "utf-8")
    return path
