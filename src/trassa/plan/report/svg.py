"""The few SVG elements that the report's pictures are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Px", "coordinate", "group", "line", "polyline", "tag", "text"]

Px = float
"""A length in units of the picture's own coordinates."""

Number = int | float


def coordinate(value: Number) -> str:
    """A coordinate to a tenth of a unit, as short as it can be written."""
    rounded = f"{value:.1f}".removesuffix(".0")
    return "0" if rounded == "-0" else rounded


def tag(name: str, content: str | Iterable[str] | None = None, **attributes: str | Number | None) -> str:
    """An element; ``class_`` and ``text_anchor`` become ``class`` and ``text-anchor``, None leaves one out.

    ``content`` is markup already; attribute values are escaped here.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None:
            continue
        shown = value if isinstance(value, str) else coordinate(value)
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    inside = content if content is None or isinstance(content, str) else "".join(content)
    return f"<{' '.join(parts)}/>" if inside is None else f"<{' '.join(parts)}>{inside}</{name}>"


def group(content: Iterable[str], *, dy: Number = 0, class_: str | None = None) -> str:
    """A group, moved down by ``dy``."""
    return tag("g", content, class_=class_, transform=f"translate(0 {coordinate(dy)})" if dy else None)


def line(x1: Number, y1: Number, x2: Number, y2: Number, class_: str) -> str:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def text(x: Number, y: Number, words: str, class_: str | None = None, anchor: str | None = None) -> str:
    """A line of text; the words are escaped here."""
    return tag("text", escape(words, quote=False), x=x, y=y, class_=class_, text_anchor=anchor)


def polyline(points: Sequence[tuple[Number, Number]], class_: str) -> str:
    """An open line through points."""
    return tag("polyline", points=" ".join(f"{coordinate(x)},{coordinate(y)}" for x, y in points), class_=class_)
