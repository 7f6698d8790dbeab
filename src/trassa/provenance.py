"""Where a figure comes from: hashes of inputs, versions of software, assumptions with their size."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import trassa

__all__ = ["Assumption", "Progress", "Source", "no_progress", "sha256_of_bytes", "sha256_of_file", "software"]

Progress = Callable[[float], None]
"""Called with the share done, 0.0 to 1.0, by any step that takes more than a second."""


def no_progress(share: float) -> None:
    """The progress callback of somebody who does not watch."""


def sha256_of_bytes(data: bytes) -> str:
    """SHA-256 of ``data`` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's content as 64 hexadecimal digits, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def software() -> dict[str, str]:
    """The versions that shaped a result."""
    return {"trassa": trassa.__version__, "python": platform.python_version(), "platform": platform.machine()}


@dataclass(frozen=True)
class Source:
    """An input file as it was read."""

    name: str
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> Source:
        """The source record of a file on disk."""
        return cls(path.name, sha256_of_file(path), path.stat().st_size)


@dataclass(frozen=True)
class Assumption:
    """Something the proof had to take for granted, with its size.

    ``taken_from_margin`` says that ``size`` was subtracted from every margin it touches.
    """

    name: str
    size: float
    unit: str
    taken_from_margin: bool
    source: str

    def as_dict(self) -> dict[str, str | float | bool]:
        """The assumption as it stands in ``proof.json``."""
        return asdict(self)
