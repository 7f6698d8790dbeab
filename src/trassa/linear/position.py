"""Position as people write it: road, kilometre label, carriageway."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trassa.errors import InputError
from trassa.linear.carriageway import ARROWS, Carriageway
from trassa.linear.label import KmLabel, script_of

__all__ = ["Position"]

_CARRIAGEWAY_OF: dict[str, Carriageway] = {arrow: name for name, arrow in ARROWS.items()}
_FORM = re.compile(
    r"(?P<road>.*?)\s*(?P<label>(?:[kкKК][mмMМ]\s*)?\d+(?:\s*\+\s*\d+(?:[.,]\d+)?|[.,]\d+)?)\s*(?P<arrow>[→←])?\s*"
)


@dataclass(frozen=True)
class Position:
    """A place on a road.

    ::

        М-11 км 258+350 ←
        └┬─┘ └───┬────┘ │
         road  label    carriageway: → increasing, ← decreasing measure, none for both

    ``str`` of a position parses back to an equal one.
    """

    road: str
    label: KmLabel
    carriageway: Carriageway | None = None

    @classmethod
    def parse(cls, text: str, *, road: str = "") -> Position:
        """Read ``A 4 km 352+400 →``; ``road`` stands in where the text names none (``352+400``)."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            KmLabel.parse(text)
            raise InputError(f"position: {text!r} is not a position", cure="'A 4 km 352+400 →'")
        named, label, arrow = match.group("road", "label", "arrow")
        if re.search(r"(?i)(?:^|\s)(?:пк|pk)$", named):
            KmLabel.parse(f"ПК {label}")
        return cls(named or road, KmLabel.parse(label), _CARRIAGEWAY_OF[arrow] if arrow else None)

    def __str__(self) -> str:
        parts = [self.road, self.label.format(script_of(self.road))]
        if self.carriageway:
            parts.append(ARROWS[self.carriageway])
        return " ".join(part for part in parts if part)
