"""Where an embedded PostgreSQL keeps its data, and as whom it runs.

PostgreSQL refuses to run as root. Numbered rules:

1. A user other than root: the data lie in the book, and the server runs as that user.
2. Root, and data of another user already lie in the book: the server runs as that user.
3. Root otherwise: the server runs as ``nobody`` with its data in a folder of their own under ``/var/lib/trassa``,
   because a project may lie in a private home that ``nobody`` cannot enter, and no mode of it is ever changed.
   Book and folder name each other: a moved book finds its data, a copied book is refused (two servers on one store),
   and a new book at an old path never sees the ledger of its predecessor.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from trassa.errors import InputError
from trassa.live.book import Book

__all__ = ["STATE_FOLDER", "Lodging", "Runner", "may_enter"]

STATE_FOLDER = Path("/var/lib/trassa")
"""Holds the stores of books that root serves."""
_LONGEST_SOCKET_FOLDER = 80
"""A socket's whole path may have 107 bytes; ``/.s.PGSQL.5432`` and its lock take the rest."""


class Runner(NamedTuple):
    """A user of this machine."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True)
class Lodging:
    """A folder for one server, and the user it belongs to. ``data`` and ``socket_folder`` have mode 0700."""

    folder: Path
    runner: Runner

    @property
    def data(self) -> Path:
        """The server's data directory."""
        return self.folder / "data"

    @property
    def socket_folder(self) -> Path:
        """Where the server's socket stands: beside the data, or in a short runtime folder where that is too long."""
        beside = self.folder / "run"
        if len(os.fsencode(beside)) <= _LONGEST_SOCKET_FOLDER:
            return beside
        mark = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        root = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        if len(os.fsencode(root)) > _LONGEST_SOCKET_FOLDER - 32:
            root = Path("/tmp")
        return root / f"trassa-{self.runner.uid}-{mark}"

    @property
    def is_ours(self) -> bool:
        """Whether this process already runs as the server's user."""
        return self.runner.uid == os.geteuid()

    def make_private(self, folder: Path) -> None:
        """Make a folder of mode 0700 that belongs to the server's user; refuse one that is not that."""
        try:
            folder.mkdir(mode=0o700)
            os.chmod(folder, 0o700)
            if not self.is_ours:
                os.chown(folder, self.runner.uid, self.runner.gid)
        except FileExistsError:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.runner.uid or found.st_mode & 0o077:
                raise InputError(
                    f"postgres: {folder} is not a folder of mode 0700 that belongs to {self.runner.name}",
                    cure=f"remove {folder}",
                ) from None

    @classmethod
    def of(cls, book: Book) -> Lodging:
        """The lodging of a book; chosen and recorded the first time (rules 1 to 3)."""
        inside = book.root.resolve() / "postgres"  # a server is started from another folder than ours
        owner = inside.stat().st_uid if inside.exists() else os.geteuid()
        if os.geteuid() != 0:  # RULE 1
            if owner != os.geteuid():
                raise InputError(f"postgres: {inside} belongs to user {owner}", cure="run as that user")
            return cls._inside(inside, _runner(os.geteuid()))
        if owner != 0:  # RULE 2
            return cls._inside(inside, _runner(owner))
        return cls._apart(book)  # RULE 3

    @classmethod
    def _inside(cls, folder: Path, runner: Runner) -> Lodging:
        lodging = cls(folder, runner)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lodging.make_private(folder)
        return lodging

    @classmethod
    def _apart(cls, book: Book) -> Lodging:
        record = _record_of(book)
        if record.is_file():
            folder = Path(json.loads(record.read_text("utf-8"))["folder"])
            _settle_whose(folder, book)
        else:
            folder = _fresh_folder(book)
            _name_each_other(folder, book)
        lodging = cls(folder, _runner_named("nobody"))
        if not may_enter(folder, lodging.runner):
            raise InputError(f"postgres: user nobody may not enter {folder}", cure=f"chmod o+x the parents of {folder}")
        return lodging


def may_enter(place: Path, runner: Runner) -> bool:
    """Whether a user may walk down to a place."""
    for folder in [place, *place.parents]:
        said = folder.stat()
        bit = stat.S_IXUSR if said.st_uid == runner.uid else stat.S_IXGRP if said.st_gid == runner.gid else stat.S_IXOTH
        if not said.st_mode & bit:
            return False
    return True


def _runner(uid: int) -> Runner:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise InputError(f"postgres: user {uid} has no name on this machine", cure="run as a named user") from None
    return Runner(entry.pw_uid, entry.pw_gid, entry.pw_name)


def _runner_named(name: str) -> Runner:
    try:
        return _runner(pwd.getpwnam(name).pw_uid)
    except KeyError:
        raise InputError(
            f"postgres: refuses to run as root, and there is no user {name}", cure="run as another user than root"
        ) from None


def _record_of(book: Book) -> Path:
    return book.root / "postgres.json"


def _marker_of(folder: Path) -> Path:
    return folder / "book"


def _fresh_folder(book: Book) -> Path:
    STATE_FOLDER.parent.mkdir(parents=True, exist_ok=True)
    if not STATE_FOLDER.exists():
        STATE_FOLDER.mkdir()
        os.chmod(STATE_FOLDER, 0o711)
    mark = hashlib.sha256(os.fsencode(book.root.resolve())).hexdigest()[:12]
    for number in itertools.count(1):
        folder = STATE_FOLDER / f"{mark}-{number}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        os.chmod(folder, 0o711)
        return folder
    raise AssertionError("unreachable")


def _name_each_other(folder: Path, book: Book) -> None:
    """Marker first: a record without a marker would be taken for damage."""
    book.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path, said in (
        (_marker_of(folder), str(book.root.resolve())),
        (_record_of(book), json.dumps({"folder": str(folder)})),
    ):
        new = path.with_name(path.name + ".new")
        new.write_text(said, "utf-8")
        os.chmod(new, 0o600)
        os.replace(new, path)


def _settle_whose(folder: Path, book: Book) -> None:
    marker = _marker_of(folder)
    if not marker.is_file():
        raise InputError(
            f"postgres: {_record_of(book)} names {folder}, which is gone",
            cure=f"restore it from a backup, or remove {book.root} to begin with an empty book",
        )
    last = Path(marker.read_text("utf-8"))
    if last == book.root.resolve():
        return
    other = last / _record_of(book).name
    if other.is_file() and json.loads(other.read_text("utf-8")).get("folder") == str(folder):
        raise InputError(
            f"postgres: {book.root} is a copy of {last}, and both name the store {folder}",
            cure=f"remove {book.root} to begin with an empty book",
        )
    _name_each_other(folder, book)
