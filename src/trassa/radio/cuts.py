"""What a plan must change: one more slot, or one less."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cut"]


@dataclass(frozen=True)
class Cut:
    """At least one of ``lifting`` is built, or one of ``crowding`` is not; both are slots. ``bin`` is why."""

    bin: int
    lifting: tuple[int, ...]
    crowding: tuple[int, ...]
