"""A message that is refused, and which layer of it was wrong: counted and kept aside, never guessed."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["LAYERS", "Layer", "Refused"]

Layer = Literal["text", "header", "type", "length", "schema", "range", "trailing", "value"]
"""Where a message is wrong.

``text``      the line is no hexadecimal text (only where text is read)
``header``    protocolVersion is neither 1 nor 2
``type``      a message this product does not read, by its name or number
``length``    too short, cut off, or longer than any message
``schema``    a bit pattern that the schema does not have
``range``     a number or a count outside its bounds
``trailing``  something follows the message, or its padding is not zero
``value``     a value that cannot be written (encoding only)
"""

LAYERS: tuple[Layer, ...] = get_args(Layer)


class Refused(ValueError):
    """A message is not accepted: ``layer`` says where it is wrong, ``reason`` what is, with the bound."""

    def __init__(self, layer: Layer, reason: str) -> None:
        self.layer = layer
        self.reason = reason
        super().__init__(f"{layer}: {reason}")
