"""The platform: broker, store, worker and web server of one book, started in order, watched, stopped in order.

    with Platform(project, "live") as platform:
        platform.wait_ready()
        platform.wait(stop)                  # until somebody sets the event; an InputError where a child keeps failing

One supervisor per book holds its lock. What an earlier one left running is ended before a store is opened, because a
second broker on the same store would start without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Literal

from trassa.live.book import Book, BookName
from trassa.live.broker import broker_command, connected, write_broker_configuration
from trassa.live.child import ChildSpec, Launch
from trassa.live.children import Children, end_leftovers
from trassa.live.custody import custody, empty
from trassa.live.doorway import Doorway
from trassa.live.ports import Ports, choose_ports
from trassa.live.publisher import knock
from trassa.live.secrets import Secrets, make_secrets
from trassa.live.streams import open_streams
from trassa.plan.project import Project

__all__ = ["ClockKind", "Platform", "Programs", "accepts"]

ClockKind = Literal["utc", "stepped"]


@dataclass(frozen=True)
class Programs:
    """The two Python children as commands; the words of book and clock are put behind them."""

    worker: tuple[str, ...] = (sys.executable, "-m", "trassa.live.worker")
    web: tuple[str, ...] = (sys.executable, "-m", "trassa.live.web")


class Platform:
    """One running platform. ``operator_password`` is known on the start that made it, else None.

    ``fresh`` empties the book first, except for ports and secrets; it is refused for the operator's book.
    ``new_password`` makes a new operator password; ``tell`` shows one that was made, with the logins.
    """

    def __init__(
        self,
        project: Project,
        book: BookName,
        *,
        clock: ClockKind = "utc",
        start_ms: int | None = None,
        web: bool = True,
        fresh: bool = False,
        new_password: bool = False,
        doorway: Doorway | None = None,
        programs: Programs | None = None,
        say: Callable[[str], None] = lambda _sentence: None,
        tell: Callable[[Secrets, Ports, str], None] = lambda _secrets, _ports, _password: None,
    ) -> None:
        if book == "live" and (clock != "utc" or fresh):
            raise ValueError("platform: the operator's book runs on UTC and is never emptied")
        self.project = project
        self.book = Book(project.root.resolve(), book)
        self.doorway = doorway or Doorway.of(project.settings.live, book)
        self.operator_password: str | None = None
        self._clock = clock
        self._start_ms = start_ms
        self._with_web = web
        self._fresh = fresh
        self._wants_password = new_password
        self._programs = programs or Programs()
        self._say = say
        self._tell = tell
        self._children: Children | None = None
        self._restarts: dict[str, int] = {}
        self._held = contextlib.ExitStack()
        self._ports: Ports | None = None
        self._secrets: Secrets | None = None

    @property
    def ports(self) -> Ports:
        """Where it listens."""
        return self._ports or Ports.of(self.book)

    @property
    def secrets(self) -> Secrets:
        """Its logins and keys."""
        return self._secrets or Secrets.of(self.book)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return self.doorway.url(self.ports.web)

    @property
    def restarts(self) -> dict[str, int]:
        """How often each child was started again."""
        return dict(self._restarts)

    @property
    def database_url(self) -> str:
        """Where the application connects to PostgreSQL."""
        from trassa.live.store.embedded import PostgresPlace

        return self.project.settings.live.postgres_url or PostgresPlace.of(self.book).url()

    def __enter__(self) -> Platform:
        try:
            self._open_book()
            self._start_engines()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_ready(self) -> None:
        """Start worker and web server, where they are not, and return when both are ready.

        The worker recovers before it says so.
        """
        children = self._running()
        if "worker" not in children.restarts:
            children.start(self._python_child("worker", self._programs.worker, ready_within_s=120.0))
        if self._with_web:
            if "web" not in children.restarts:
                web = self._python_child("web", (*self._programs.web, *self.doorway.words()), ready_within_s=120.0)
                children.start(replace(web, answers=partial(self.doorway.answers, self.ports.web)))
            children.await_ready("web")
        children.await_ready("worker")

    def wait(self, stop: threading.Event, period_s: float = 0.2) -> None:
        """Return when ``stop`` is set.

        :raises InputError: a child keeps failing.
        """
        while not stop.wait(period_s):
            self.check()

    def check(self) -> None:
        """Raise the failure of a child that keeps failing, if there is one."""
        self._running().check()

    def is_ready(self, name: str) -> bool:
        """Whether a child runs and is ready."""
        return self._running().is_ready(name)

    def pid(self, name: str) -> int | None:
        """The process number of a child by its name: nats, postgres, worker or web."""
        return self._running().pid(name)

    def stop(self) -> None:
        """Stop every child in order, the last started first, and let the book go; nothing the second time."""
        children, self._children = self._children, None
        if children is not None:
            children.close()
        self._held.close()

    def _running(self) -> Children:
        if self._children is None:
            raise RuntimeError("platform: it is not running")
        return self._children

    def _open_book(self) -> None:
        book = self.book
        self._held.enter_context(custody(book))
        if left := end_leftovers(book.children_file):
            self._say(f"ended what an earlier platform left running: {', '.join(left)}")
        if self._fresh:
            empty(book)
        door = self.doorway
        self._ports = ports = choose_ports(book, mqtt=door.mqtt_port, web=door.web_port, host=door.host)
        self._secrets, self.operator_password = make_secrets(
            book, new_password=self._wants_password, tell=lambda made, password: self._tell(made, ports, password)
        )

    def _start_engines(self) -> None:
        """Broker with its streams, then the store with its tables; the rest needs both."""
        book, settings = self.book, self.project.settings.live
        write_broker_configuration(book, self.ports, self.secrets, settings)
        self._children = children = Children(book.children_file, book.logs)
        self._restarts = children.restarts
        children.start(
            ChildSpec("nats", lambda: Launch(broker_command(book)), answers=partial(accepts, self.ports, self.secrets))
        )
        if not settings.postgres_url:
            children.start(_postgres_child(book))
        children.await_ready("nats")
        asyncio.run(_open_streams(self))
        self._migrate(children)

    def _migrate(self, children: Children) -> None:
        from trassa.live.store.embedded import PostgresPlace
        from trassa.live.store.store import Store

        url = self.project.settings.live.postgres_url
        if not url:
            children.await_ready("postgres")
            url = PostgresPlace.of(self.book).url("trassa_owner")
        store = Store(url)
        try:
            store.migrate()
        finally:
            store.close()

    def _python_child(self, name: str, program: tuple[str, ...], ready_within_s: float) -> ChildSpec:
        words = ["--project", str(self.book.project_root), "--book", self.book.name, "--clock", self._clock]
        if self._start_ms is not None:
            words += ["--start-ms", str(self._start_ms)]
        return ChildSpec(name, lambda: Launch([*program, *words]), ready_within_s=ready_within_s)


def _postgres_child(book: Book) -> ChildSpec:
    from trassa.live.store.embedded import PostgresPlace

    place = PostgresPlace.of(book)
    return ChildSpec(
        "postgres",
        lambda: Launch(*place.command()),
        prepare=place.prepare,  # ends the sessions that a killed server left, so that a fresh start can succeed
        answers=lambda: place.ready(0.0),
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGQUIT,  # not SIGKILL: the server takes its sessions with it
        ready_within_s=60.0,
    )


def accepts(ports: Ports, secrets: Secrets) -> bool:
    """Whether the broker lets the platform in and its JetStream answers."""

    async def ask() -> bool:
        try:
            client = await connected(ports, secrets, "supervisor", patient=False)
        except (OSError, TimeoutError, NatsError):
            return False
        try:
            await client.jetstream().account_info()
        except (TimeoutError, NatsError):
            return False
        finally:
            await client.close()
        return True

    from nats.errors import Error as NatsError

    return asyncio.run(ask())


async def _open_streams(platform: Platform) -> None:
    knock(platform.ports, platform.secrets)
    client = await connected(platform.ports, platform.secrets, "supervisor")
    try:
        await open_streams(client, platform.project.settings.live)
    finally:
        await client.close()
