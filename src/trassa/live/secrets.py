"""Secrets of a book: generated at the first start, one JSON file of mode 0600.

The operator password is shown once and kept only as its scrypt hash; the fleet's login is shown once and stays in the
file, because every vehicle needs it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace

from trassa.errors import InputError
from trassa.live.book import Book

__all__ = ["FLEET_LOGIN", "Secrets", "hashed_password", "make_secrets", "password_fits"]

FLEET_LOGIN = "fleet"
_COST, _BLOCK, _LANES = 1 << 14, 8, 1
"""scrypt parameters n, r, p: 16 MB and some 40 ms a try (OWASP's lower recommendation for interactive login)."""


@dataclass(frozen=True)
class Secrets:
    """Who may do what at which door. The driver's login is empty where the book is the operator's."""

    fleet_login: str
    fleet_password: str
    platform_user: str
    platform_password: str
    driver_user: str
    driver_password: str
    operator_password_hash: str
    reads_key: str
    hmac_key: str

    @classmethod
    def of(cls, book: Book) -> Secrets:
        """The secrets on record in a book.

        :raises InputError: there is no record, or it is damaged.
        """
        try:
            said = json.loads(book.secrets_file.read_text("utf-8"))
            return cls(**{field.name: str(said[field.name]) for field in fields(cls)})
        except FileNotFoundError:
            raise InputError(f"secrets: {book.root} was never served", cure=book.serving) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(
                f"secrets: {book.secrets_file} is damaged; without its hmac_key no vehicle is recognised again",
                cure="restore the file from a backup",
            ) from None

    @property
    def identity_key(self) -> bytes:
        """The key under which identities become vehicle keys."""
        return bytes.fromhex(self.hmac_key)


def make_secrets(
    book: Book, *, new_password: bool = False, tell: Callable[[Secrets, str], None] = lambda _secrets, _password: None
) -> tuple[Secrets, str | None]:
    """The secrets of a book, made where there are none; with them the operator password, only when just made.

    ``tell`` shows a new password before it is put on record: one that nobody saw is never the one that counts.
    """
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    if book.secrets_file.exists():
        known = Secrets.of(book)
        if not new_password:
            return known, None
        known = replace(known, operator_password_hash=hashed_password(password))
        tell(known, password)
        _write(book, known)
        return known, password
    driver = book.name == "drive"
    made = Secrets(
        fleet_login=FLEET_LOGIN,
        fleet_password=secrets.token_urlsafe(18),
        platform_user="platform",
        platform_password=secrets.token_urlsafe(24),
        driver_user="driver" if driver else "",
        driver_password=secrets.token_urlsafe(24) if driver else "",
        operator_password_hash=hashed_password(password),
        reads_key=secrets.token_urlsafe(24),
        hmac_key=secrets.token_hex(32),
    )
    tell(made, password)
    _write(book, made)
    return made, password


def hashed_password(password: str) -> str:
    """The scrypt hash of a password with its parameters and salt, ``scrypt$n$r$p$salt$hash``."""
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, _COST, _BLOCK, _LANES)
    return f"scrypt${_COST}${_BLOCK}${_LANES}${salt.hex()}${digest.hex()}"


def password_fits(password: str, stored: str) -> bool:
    """Whether a password is the one whose hash was stored; takes as long when it is not."""
    _, cost, block, lanes, salt, digest = stored.split("$")
    made = _scrypt(password, bytes.fromhex(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(made, bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    words = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(words, salt=salt, n=cost, r=block, p=lanes, maxmem=1 << 26, dklen=32)


def _write(book: Book, made: Secrets) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    rough = book.secrets_file.with_name(f".{book.secrets_file.name}.new")
    rough.unlink(missing_ok=True)
    held = os.open(rough, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(held, "w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(made), indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(rough, book.secrets_file)
