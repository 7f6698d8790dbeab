"""The count of everything that vehicles sent: what the broker took is processed, refused, shed, waiting or lost.

The broker's number is the sum of its streams' last sequences. What is neither processed nor refused nor shed is on
its way, or lost; a message on its way arrives within seconds, so lost is what stays missing that long, and does not
wait in the stream of what must not be lost. The numbers of a book go on where the process before left them: what it
had dealt with and not yet written down counts as lost.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

from trassa.vehicles.cam_columns import REASONS

__all__ = ["Counts"]

_SAMPLES = 10
"""Samples, one a second, over which the smallest number outstanding is what was lost."""


@dataclass
class Counts:
    """Numbers of one book since it was begun. ``file`` keeps them between processes."""

    file: Path
    processed: Counter[str] = field(default_factory=Counter)
    """By kind: cam, denm, toll."""
    refused: Counter[str] = field(default_factory=Counter)
    """CAMs by reason, other kinds by their name."""
    counted: Counter[str] = field(default_factory=Counter)
    """Up to which sequence of their stream messages of a kind are counted; CAMs have none."""
    shed: int = 0
    off_road: int = 0
    accepted: int = 0
    _outstanding: deque[int] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    @classmethod
    def of(cls, file: Path) -> Counts:
        """The numbers on record, or none yet."""
        counts = cls(file)
        with contextlib.suppress(OSError, ValueError, TypeError):
            said = json.loads(file.read_text("utf-8"))
            counts.processed.update({str(kind): int(n) for kind, n in said["processed"].items()})
            counts.refused.update({str(why): int(n) for why, n in said["refused"].items()})
            counts.counted.update({str(kind): int(n) for kind, n in said.get("counted", {}).items()})
            counts.shed, counts.off_road = int(said["shed"]), int(said["off_road"])
        return counts

    @property
    def handled(self) -> int:
        """Messages of which the fate is known."""
        return self.processed.total() + self.refused.total() + self.shed

    def count(self, kind: str, taken: int, refused: int, up_to: int) -> None:
        """Count messages of a kind, refused ones among them, up to a sequence of their stream."""
        if not taken:
            return
        self.processed[kind] += taken - refused
        self.counted[kind] = max(self.counted[kind], up_to)
        if refused:
            self.refused[kind] += refused

    def refuse_cams(self, numbers: dict[int, int]) -> None:
        """Count CAMs refused by status number."""
        for status, n in numbers.items():
            self.refused[f"cam: {REASONS.get(status, str(status))}"] += n

    def sample(self, accepted: int, kept: int = 0) -> None:
        """Take note, about once a second, of how many the broker has taken, and keeps for us however long it takes."""
        self.accepted = accepted
        self._outstanding.append(max(0, accepted - self.handled - kept))

    def told(self) -> dict[str, object]:
        """For the status page: processed + refused + shed + waiting + lost = accepted."""
        handled = self.handled
        accepted = max(self.accepted, handled)
        outstanding = accepted - handled
        lost = min([outstanding, *self._outstanding])
        return {
            "accepted": accepted,
            "processed": self.processed.total(),
            "refused": self.refused.total(),
            "shed": self.shed,
            "waiting": outstanding - lost,
            "lost": lost,
            "off_road": self.off_road,
            "by_kind": dict(sorted(self.processed.items())),
            "reasons": dict(sorted(self.refused.items())),
        }

    def save(self) -> None:
        """Write them down, whole or not at all."""
        said = {
            "processed": self.processed,
            "refused": self.refused,
            "counted": self.counted,
            "shed": self.shed,
            "off_road": self.off_road,
        }
        rough = self.file.with_name(f".{self.file.name}.new")
        rough.write_text(json.dumps(said, ensure_ascii=False), "utf-8")
        os.replace(rough, self.file)
