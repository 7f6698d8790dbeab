"""Colours of fibres and buffer tubes by their number.

IEC 60304 names twelve colours and leaves their order to agreement; IEC TR 63194 lists the orders in use. Two of them
are known here: that of TIA-598 and that of DIN VDE 0888. Beyond twelve the order begins again with a ring on every
fibre, two rings beyond twenty-four.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["ColourCode", "colour"]

ColourCode = Literal["tia-598", "din-vde-0888"]

_ORDERS: dict[ColourCode, tuple[str, ...]] = {
    "tia-598": (
        *("blue", "orange", "green", "brown", "grey", "white"),
        *("red", "black", "yellow", "violet", "pink", "turquoise"),
    ),
    "din-vde-0888": (
        *("red", "green", "blue", "yellow", "white", "grey"),
        *("brown", "violet", "turquoise", "black", "orange", "pink"),
    ),
}


def colour(number: int, code: ColourCode) -> str:
    """Colour of the fibre in its tube, or of the tube in its cable, counted from 1: ``blue``, ``blue with 1 ring``."""
    order = _ORDERS[code]
    rings, place = divmod(number - 1, len(order))
    if not rings:
        return order[place]
    return f"{order[place]} with {rings} ring{'s' if rings > 1 else ''}"
