"""Custody of a book: held by one supervisor at a time, its folders closed to others, emptied where it is a drive's."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator

from trassa.errors import InputError
from trassa.live.book import Book
from trassa.plan.folder import writable

__all__ = ["custody", "empty"]


@contextlib.contextmanager
def custody(book: Book) -> Iterator[None]:
    """Make the book's folders and hold it alone. The lock ends with its process, however that ends.

    :raises InputError: another process holds it.
    """
    _make_folders(book)
    with writable(book.root):
        held = os.open(book.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(held, 20, 0).decode("ascii", "replace").strip()
            raise InputError(
                f"platform: {book.root} is being served by another trassa{f' (process {other})' if other else ''}",
                cure="stop that one, or use its address",
            ) from None
        os.ftruncate(held, 0)
        os.pwrite(held, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(held)


def empty(book: Book) -> None:
    """Throw away what a drive before this one wrote; ports and secrets stay."""
    from trassa.live.store.embedded import PostgresPlace

    PostgresPlace.of(book).discard()
    stays = {book.ports_file, book.secrets_file, book.lock_file}
    for path in book.root.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path not in stays:
            path.unlink()
    _make_folders(book)


def _make_folders(book: Book) -> None:
    with writable(book.root):
        for folder in (book.root, book.broker, book.logs, book.archive):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
