"""The ledger of a book, opened for one command: with the database of the running platform, or one of our own.

Where nobody serves the book, the embedded server runs for the duration, under the book's lock; where somebody does,
its database is used and the lock is left alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trassa.errors import InputError
from trassa.live.book import Book
from trassa.live.children import end_leftovers
from trassa.live.custody import custody
from trassa.live.roadway import Roadway
from trassa.live.secrets import Secrets, make_secrets
from trassa.live.store.embedded import PostgresPlace
from trassa.live.store.store import Store
from trassa.live.toll_desk import toll_context
from trassa.toll.context import TollContext

__all__ = ["LedgerRoom", "open_ledger"]


@dataclass(frozen=True)
class LedgerRoom:
    """What a command on the ledger works with. ``is_served``: a platform runs and settles what is posted."""

    roadway: Roadway
    context: TollContext
    store: Store
    secrets: Secrets
    is_served: bool


@contextlib.contextmanager
def open_ledger(
    roadway: Roadway,
    book: Book,
    *,
    create: bool,
    tell: Callable[[Secrets, str], None] = lambda _secrets, _password: None,
) -> Iterator[LedgerRoom]:
    """Open the ledger of a book; with ``create`` also of one that was never served.

    ``tell`` shows the operator password where the book's secrets are made just now.

    :raises InputError: there is no book yet, the road has no tariff, or another command holds the book.
    """
    context = toll_context(roadway)
    if not context.systems:
        raise InputError(
            f"toll: {roadway.plan.project.root} names no tariff, so the road is free",
            cure="[toll] systems in trassa.toml",
        )
    if not create and not book.secrets_file.exists():
        command = "drive" if book.name == "drive" else "serve"
        raise InputError(f"toll: {book.root} has no ledger yet", cure=f"trassa {command} {book.project_root}")
    with contextlib.ExitStack() as stack:
        is_served = not _takes_custody(stack, book)
        secrets = Secrets.of(book) if is_served else make_secrets(book, tell=tell)[0]
        url = owner_url = roadway.settings.live.postgres_url
        if not url:
            place = PostgresPlace.of(book)
            if not is_served:
                stack.enter_context(place.running())
            url, owner_url = place.url(), place.url("trassa_owner")
        store = Store(url)
        stack.callback(store.close)
        if not is_served:
            store.migrate(owner_url)
        yield LedgerRoom(roadway, context, store, secrets, is_served)


def _takes_custody(stack: contextlib.ExitStack, book: Book) -> bool:
    """Hold the book where nobody does, and end what an earlier platform left; whether we hold it."""
    try:
        stack.enter_context(custody(book))
    except InputError:
        if not os.access(book.root, os.W_OK):
            raise
        return False
    end_leftovers(book.children_file)
    return True
