"""Picketage: hundreds of metres from a design stage's own zero, as Russian drawings count them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trassa.errors import InputError

__all__ = ["Picket"]

_FORM = re.compile(r"(?i)(?P<road>.*?)\s*(?:пк|pk)\s*(?P<hundreds>\d{1,6})(?:\s*\+\s*(?P<metres>\d+(?:[.,]\d+)?))?")


@dataclass(frozen=True, order=True)
class Picket:
    """A place by picketage.

    ::

        ПК 2583+50
           └┬─┘ └┴ metres past the picket, below 100
            pickets of 100 m from ПК 0 of this design stage

    It says nothing about kilometre posts: only a project that declares where its ПК 0 stands can place it.
    """

    hundreds: int
    metres: float = 0.0

    @property
    def distance_m(self) -> float:
        """Distance from ПК 0 in metres."""
        return self.hundreds * 100.0 + self.metres

    @classmethod
    def read(cls, text: str) -> tuple[str, Picket] | None:
        """The road named in front and the picket, or None where the text is no picketage.

        :raises InputError: 100 metres and more past a picket.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None:
            return None
        metres = float((match["metres"] or "0").replace(",", "."))
        if metres >= 100.0:
            raise InputError(
                f"picket: {text.strip()!r} is {metres:g} m past its picket, and the next stands at 100 m",
                cure=f"ПК {int(match['hundreds']) + int(metres // 100)}+{metres % 100:02g}",
            )
        return match["road"], cls(int(match["hundreds"]), metres)
