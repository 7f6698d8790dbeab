"""What a colour of a fibre or tube looks like in a cell, so that a splicer sees it."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["paint_of"]

_RGB = {
    "blue": "#0066CC",
    "orange": "#FF8C1A",
    "green": "#00A651",
    "brown": "#7A4A21",
    "grey": "#A6A6A6",
    "white": "#FFFFFF",
    "red": "#E02020",
    "black": "#000000",
    "yellow": "#FFE100",
    "violet": "#7B3FA0",
    "pink": "#FFA6C9",
    "turquoise": "#40E0D0",
}
_DARK = ("blue", "brown", "red", "black", "violet")
_ONE_RING, _MORE_RINGS = 12, 6
_NAME = re.compile(r"(\w+)(?: with (\d+) rings?)?")


def paint_of(colour: str) -> dict[str, Any]:
    """The fill and letters of a cell for ``blue`` or ``blue with 1 ring``: rings are upright lines across the fill.

    Keys are those of XlsxWriter's formats. A name outside :mod:`trassa.optical.colours` is a :class:`KeyError`.
    """
    match = _NAME.fullmatch(colour)
    if match is None:
        raise KeyError(colour)
    name, rings = match[1], int(match[2] or 0)
    light = "#FFFFFF" if name in _DARK else "#000000"
    if not rings:
        return {"bg_color": _RGB[name], "font_color": light}
    pattern = _ONE_RING if rings == 1 else _MORE_RINGS
    return {"pattern": pattern, "bg_color": _RGB[name], "fg_color": light, "font_color": light, "bold": True}
