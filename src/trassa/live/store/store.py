"""Connections to PostgreSQL, and the numbered migrations that make its tables.

``Store(url)`` works in the tables as role ``trassa_app``; only ``migrate`` acts as their owner. Rows come as dicts.

    with store.transaction() as connection:      # COMMIT at the end of the block, ROLLBACK on an exception
        connection.execute("SELECT ...")
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row

from trassa.errors import InputError, TrassaError
from trassa.provenance import sha256_of_file

if TYPE_CHECKING:
    from psycopg.abc import QueryNoTemplate

__all__ = ["Connection", "Store", "StoreDown", "by_index"]

Connection: TypeAlias = psycopg.Connection[DictRow]
T = TypeVar("T")

_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 7_355_001
_SESSION = """
SET search_path = trassa;
DO $$ BEGIN IF current_user <> 'trassa_app' THEN SET ROLE trassa_app; END IF; END $$
"""
_ROLES = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trassa_app') THEN CREATE ROLE trassa_app NOLOGIN; END IF;
  IF current_user = 'trassa_app' THEN RAISE EXCEPTION 'the application must not own the tables'; END IF;
  IF NOT pg_has_role(current_user, 'trassa_app', 'MEMBER') THEN
    EXECUTE format('GRANT trassa_app TO %I', current_user);
  END IF;
END $$
"""
_VERSIONS = """
CREATE SCHEMA IF NOT EXISTS trassa;
GRANT USAGE ON SCHEMA trassa TO trassa_app;
CREATE TABLE IF NOT EXISTS trassa.schema_version (
  number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON trassa.schema_version TO trassa_app
"""


class StoreDown(TrassaError):
    """PostgreSQL does not answer or cannot work; nothing of the transaction under way was done, or all of it."""


class Store:
    """A few connections to one database, handed out one transaction at a time; safe between threads.

    A connection that died with the database is replaced once, for at most ``patience_s`` seconds; then
    :class:`StoreDown`. So it is for a connection that is not free within that time, and for a statement that takes
    longer than ``statement_s``.
    """

    def __init__(
        self, url: str, *, patience_s: float = 10.0, connections: int = 4, statement_s: float | None = None
    ) -> None:
        self._url = url
        self._patience_s = patience_s
        self._session = _SESSION
        if statement_s is not None:
            self._session += f"; SET statement_timeout = {round(statement_s * 1000)}"
        self._slots = threading.BoundedSemaphore(connections)
        self._idle: list[Connection] = []
        self._closed = False

    @contextlib.contextmanager
    def transaction(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """One transaction on one connection; with ``snapshot`` it only reads, and all of it sees one moment."""
        with self._slot():
            connection, begun = self._begin()
            try:
                with begun:
                    if snapshot:
                        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                    yield connection
            except psycopg.OperationalError as error:  # gone, full, out of memory, a deadlock: nothing we wrote wrong
                raise StoreDown(f"store: the database fails ({_told(error)})", cure="try again") from error
            finally:
                self._give_back(connection)

    def within(self, work: Callable[[Connection], T]) -> T:
        """Do work in a transaction, once more where the database failed. The work must bear repetition."""
        try:
            with self.transaction() as connection:
                return work(connection)
        except StoreDown:
            with self.transaction() as connection:
                return work(connection)

    def migrate(self, owner_url: str = "") -> list[str]:
        """Run the migrations not yet run, in order, under a lock; the names of those. As the owner of the tables."""
        with _connected(owner_url or self._url, self._patience_s) as connection, _clear_errors():
            connection.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
            _execute_all(connection, _ROLES)
            _execute_all(connection, _VERSIONS)
            connection.execute("SET search_path = trassa")
            rows = connection.execute("SELECT number, sha256 FROM schema_version").fetchall()
            done = {row["number"]: row["sha256"] for row in rows}
            return [file.name for file in _migration_files() if _migrated(connection, file, done)]

    def close(self) -> None:
        """Close every idle connection; those at work close when they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        """One of the connections; those who hold them all may be waiting for a database that hangs."""
        if not self._slots.acquire(timeout=self._patience_s):
            raise StoreDown(f"store: every connection is busy for {self._patience_s:g} s", cure="try again")
        try:
            yield
        finally:
            self._slots.release()

    def _begin(self) -> tuple[Connection, contextlib.AbstractContextManager[object]]:
        """A connection with a transaction begun: an idle one, or a fresh one where the idle ones have died."""
        while self._idle:
            connection = self._idle.pop()
            with contextlib.suppress(psycopg.OperationalError):
                return connection, _begun(connection)
            connection.close()
        connection = _connected(self._url, self._patience_s)
        try:
            _execute_all(connection, self._session)
            return connection, _begun(connection)
        except psycopg.OperationalError as error:
            connection.close()
            raise StoreDown(f"store: the database fails ({_told(error)})", cure="try again") from error

    def _give_back(self, connection: Connection) -> None:
        if connection.closed or self._closed:
            connection.close()
        else:
            self._idle.append(connection)


def by_index(connection: Connection) -> None:
    """Have a transaction find its few rows by index: of a young table the planner knows nothing and reads all of it."""
    with connection.pipeline():
        connection.execute("SET LOCAL enable_seqscan = off")
        connection.execute("SET LOCAL enable_hashjoin = off")
        connection.execute("SET LOCAL enable_mergejoin = off")


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    """An external database may refuse what we need; that is one line for whoever set it up."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise StoreDown(f"store: the database fails ({_told(error)})", cure="try again") from error
    except psycopg.Error as error:
        raise InputError(
            f"store: the database refuses its tables ({_told(error)})",
            cure="an owner that may create schemas, and a role trassa_app granted to it",
        ) from error


def _begun(connection: Connection) -> contextlib.AbstractContextManager[object]:
    """BEGIN is sent here, so that a dead connection shows before any work is done on it."""
    stack = contextlib.ExitStack()
    stack.enter_context(connection.transaction())
    return stack


def _connected(url: str, patience_s: float) -> Connection:
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            return psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=_connect_s(patience_s))
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline_s:
                raise StoreDown(
                    f"store: no database answers for {patience_s:g} s ({_told(error)})",
                    cure="trassa doctor, or look at the postgres log of the book",
                ) from error
            time.sleep(0.1)


def _connect_s(patience_s: float) -> int:
    """Whole seconds for one attempt to connect; the driver knows none below 2."""
    return max(2, min(5, round(patience_s)))


def _told(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _migration_files() -> list[Path]:
    return sorted(_MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def _migrated(connection: Connection, file: Path, done: dict[int, str]) -> bool:
    """Run one file in a transaction of its own; False where it has been run."""
    number, sha256 = int(file.name[:4]), sha256_of_file(file)
    if number in done:
        if done[number] != sha256:
            raise InputError(
                f"store: migration {file.name} is not the one that was run on this database",
                cure="migrations are never edited: add a new file",
            )
        return False
    with connection.transaction():
        _execute_all(connection, file.read_text("utf-8"))
        connection.execute(
            "INSERT INTO schema_version (number, name, sha256) VALUES (%s, %s, %s)", [number, file.name, sha256]
        )
    return True


def _execute_all(connection: Connection, statements: str) -> None:
    """Several statements of our own files at once; without parameters they need no parsing."""
    query: QueryNoTemplate = statements.encode()
    connection.execute(query)
