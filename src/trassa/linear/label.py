"""Kilometre labels: what the posts along the road say.

A label is not a measure. ``км 258+350`` reads "350 past post 258", and posts do not stand 1,000 m apart.
Only a :class:`~trassa.linear.calibration.Calibration` turns one into the other.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from trassa.errors import InputError

__all__ = ["KmLabel", "Script", "script_of"]

Script = Literal["Latn", "Cyrl"]

_KM_WORD = {"Latn": "km", "Cyrl": "км"}
_MIXED = str.maketrans({"к": "k", "м": "m", "К": "k", "М": "m", "K": "k", "M": "m"})
_FORM = re.compile(r"(?:km\s*)?(\d{1,5})(?:\s*\+\s*(\d{1,4}(?:[.,]\d+)?)|[.,](\d+))?")


@dataclass(frozen=True, order=True)
class KmLabel:
    """A kilometre label.

    ::

        км 258+350
        └┬┘ └┬┘ └┬┘
         │   │   metres past the post; 1,000 and more only where the next post stands farther away
         │   kilometre on the post
         км after a Cyrillic ref, km after a Latin one

    ``258.350`` is read as the same label. Picketage (``ПК 2583+50``) counts from a design stage's own zero and
    is refused here: a project that declares its picket origin converts it first.
    """

    km: int
    metres: float = 0.0

    @property
    def decimal_km(self) -> float:
        """The label as a decimal number: 258.35. Above 1,000 metres this is not the place that is meant."""
        return self.km + self.metres / 1000.0

    @classmethod
    def from_decimal(cls, km: float) -> KmLabel:
        """The label nearest to a decimal kilometre, to the whole metre."""
        metres = math.floor(km * 1000.0 + 0.5)
        return cls(metres // 1000, float(metres % 1000))

    @classmethod
    def parse(cls, text: str) -> KmLabel:
        """Read ``км 258+350``, ``km 258+350``, ``258+350``, ``258.350`` or ``258``, in either script or mixed."""
        plain = text.strip()
        if re.match(r"(?i)(пк|pk)\s*\d", plain):
            raise InputError(
                f"label: {plain!r} is picketage, and this project declares no picket origin",
                cure="a kilometre label such as 'км 258+350', or road.picket_origin in trassa.toml",
            )
        match = _FORM.fullmatch(plain.translate(_MIXED).lower())
        if match is None:
            raise InputError(f"label: {plain!r} is not a kilometre label", cure="'km 258+350' or '258.350'")
        km, metres, fraction = match.groups()
        if fraction is not None:
            return cls(int(km), round(float("0." + fraction) * 1000.0, 6))
        return cls(int(km), float(metres.replace(",", ".")) if metres else 0.0)

    def format(self, script: Script = "Latn") -> str:
        """``km 258+350``, or ``км 258+350`` for Cyrillic, rounded to the whole metre."""
        return f"{_KM_WORD[script]} {self}"

    def __str__(self) -> str:
        whole = KmLabel.from_decimal(self.decimal_km) if self.metres < 1000 else self
        return f"{whole.km}+{whole.metres:03.0f}"


def script_of(ref: str) -> Script:
    """The script that labels on a road are printed in: that of its ref."""
    return "Cyrl" if re.search(r"[Ѐ-ӿ]", ref) else "Latn"
