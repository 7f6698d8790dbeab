"""A book: the folder in which one live platform keeps everything of its own.

``DIR/live`` belongs to the operator; ``DIR/drive`` to simulated drives, which never write in the operator's book.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Book", "BookName"]

BookName = Literal["live", "drive"]


@dataclass(frozen=True)
class Book:
    """Where a platform's data stand. Nothing of it is shared with another book."""

    project_root: Path
    name: BookName

    @property
    def root(self) -> Path:
        """The folder itself, mode 0700."""
        return self.project_root / self.name

    @property
    def serving(self) -> str:
        """The command that serves this book."""
        return f"trassa serve {self.project_root}{' --allow-drive' if self.name == 'drive' else ''}"

    @property
    def ports_file(self) -> Path:
        """Ports chosen once and reused, JSON."""
        return self.root / "ports.json"

    @property
    def secrets_file(self) -> Path:
        """Generated passwords and keys, JSON, mode 0600."""
        return self.root / "secrets.json"

    @property
    def children_file(self) -> Path:
        """Children on record: pid and start time, JSON."""
        return self.root / "children.json"

    @property
    def lock_file(self) -> Path:
        """Held by the one supervisor of this book."""
        return self.root / ".lock"

    @property
    def broker(self) -> Path:
        """NATS configuration and JetStream store."""
        return self.root / "nats"

    @property
    def archive(self) -> Path:
        """Parquet archive, mode 0700."""
        return self.root / "archive"

    @property
    def logs(self) -> Path:
        """What the children say."""
        return self.root / "log"
