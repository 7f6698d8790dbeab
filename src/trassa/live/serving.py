"""Serving: what must be in order before a platform starts, what its operator is told, and how it ends when asked to."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from trassa.errors import InputError
from trassa.live.book import Book
from trassa.live.doorway import Doorway
from trassa.live.platform import Platform, Programs
from trassa.live.ports import Ports
from trassa.live.roadway import Roadway
from trassa.live.secrets import Secrets
from trassa.plan.project import Project
from trassa.plan.proof import Proof
from trassa.toll.context import TollContext

__all__ = ["SCHEMATIC_NOTICE", "Wish", "look_over", "pages_are_built", "serve", "static_pages"]

SCHEMATIC_NOTICE = (
    "the axis is schematic, a drawing by declared kilometres: live location is for simulated vehicles;"
    " a real one counts as off the axis unless within 50 m of the line"
)


@dataclass(frozen=True)
class Wish:
    """What the operator asks for. A ``drive_start_ms`` opens the drive book, with its clock standing at that moment."""

    doorway: Doorway
    web: bool = True
    drive_start_ms: int | None = None
    new_password: bool = False
    programs: Programs | None = None


def serve(project: Project, wish: Wish, *, say: Callable[[str], None], announce: Callable[[str], None]) -> None:
    """Serve a project until a signal asks to stop; ``announce`` gets the address when everything is ready.

    :raises InputError: the project is not planned, the pages are not built, or a child keeps failing.
    """
    for sentence in _requirements(project, wish):
        say(sentence)
    drive = wish.drive_start_ms is not None
    book = Book(project.root.resolve(), "drive" if drive else "live")
    with _until_asked() as stop:
        platform = Platform(
            project,
            book.name,
            clock="stepped" if drive else "utc",
            start_ms=wish.drive_start_ms,
            web=wish.web,
            fresh=drive,
            new_password=wish.new_password,
            doorway=wish.doorway,
            programs=wish.programs,
            say=say,
            tell=partial(_tell_logins, say, book),
        )
        with platform:
            platform.wait_ready()
            announce(platform.url if wish.web else f"mqtt://127.0.0.1:{platform.ports.mqtt}")
            platform.wait(stop)
    say("stopped")


def look_over(project: Project) -> TollContext:
    """Read plan and tariffs as the platform will, before anything is started or written; the tariffs in force.

    :raises TrassaError: the plan is not there or damaged, or a tariff is wrong or contradicts another.
    """
    from trassa.live.toll_desk import toll_context

    return toll_context(Roadway.of(project))


def static_pages() -> Path:
    """The folder of the built web pages."""
    return Path(__file__).parent / "web" / "static"


def pages_are_built() -> bool:
    """Whether the web pages were built into this installation."""
    return (static_pages() / "index.html").is_file()


def _requirements(project: Project, wish: Wish) -> Iterator[str]:
    """What must be in order, as an error; what one should know, as sentences."""
    if not project.outputs["geopackage"].is_file():
        raise InputError(f"project: {project.root} has not been planned yet", cure=f"trassa run {project.root}")
    if wish.web and not pages_are_built():
        raise InputError(f"web: the pages are not built: {static_pages() / 'index.html'} is missing", cure="make web")
    look_over(project)
    if Proof.read(project.outputs["proof"]).road.get("axis") == "schematic":
        yield SCHEMATIC_NOTICE
    if wish.drive_start_ms is not None:
        yield "this is the book of simulated drives, emptied at every start; the operator's ledger is not touched"


def _tell_logins(say: Callable[[str], None], book: Book, secrets: Secrets, ports: Ports, password: str) -> None:
    say(f"operator password (shown this once): {password}")
    door = f"MQTT 3.1.1 on 127.0.0.1:{ports.mqtt}"
    say(f"vehicles join by {door}, login {secrets.fleet_login}, password {secrets.fleet_password}")
    say(f"that login and the key for gantry reads stay in {book.secrets_file}")


class _Asked(BaseException):
    """A signal asked to stop."""


@contextlib.contextmanager
def _until_asked() -> Iterator[threading.Event]:
    """Leave the block when SIGINT, SIGTERM or SIGHUP comes; those that follow change nothing while children stop."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        if not stop.is_set():
            stop.set()
            raise _Asked

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield stop
    except _Asked:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
