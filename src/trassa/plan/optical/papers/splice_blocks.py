"""A page for the splicer at every closure: which fibre goes to which, with the colours of both sides.

Through a joint a fibre keeps its number and its colour: a tube is one row. Into a drop every fibre has a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trassa.linear import ARROWS, Layer
from trassa.optical.colours import colour
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

__all__ = ["SpliceBlock", "SpliceRow", "splice_blocks"]

_THROUGH = "next reel"


@dataclass(frozen=True)
class SpliceRow:
    """Fibres ``first`` to ``last`` in ``tube``, and where they go; ``fibre_colour`` and ``to_colour`` are empty for
    more than one fibre, whose colours are the same on both sides."""

    side: str
    first: int
    last: int
    tube: str
    fibre_colour: str
    to: str
    to_first: int
    to_last: int
    to_tube: str
    to_colour: str

    @property
    def splices(self) -> int:
        """How many splices the row stands for."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class SpliceBlock:
    """One closure: where it is, what it holds, and its rows."""

    closure: str
    heading: str
    place: str
    rows: tuple[SpliceRow, ...]


def splice_blocks(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> list[SpliceBlock]:
    """A block for every closure in the order of the layer ``closures``; one without rows has all fibres uncut."""
    if "closures" not in layers or "splices" not in layers:
        return []
    drops = {
        (f"drop {row['connection']}", int(row["fibre"])): (str(row["tube_colour"]), str(row["fibre_colour"]))
        for row in layers["drop_fibres"].rows()
    }
    found: dict[str, list[SpliceRow]] = {}
    for row in layers["splices"].rows():
        found.setdefault(str(row["closure"]), []).extend(_rows(row, drops, rules))
    blocks = []
    for row in layers["closures"].rows():
        name, at_m = str(row["closure"]), float(row["measure_m"])
        heading = f"{name}, {row['kind']}, cable {row['cable']}, chamber {row['chamber']}"
        lengths = ", ".join(f"{which} {float(row[f'{which}_m']):,.1f} m" for which in ("route", "sheath", "fibre"))
        arrow = ARROWS[row["carriageway"]]  # type: ignore[index]
        place = f"{road.text(at_m)} {arrow}; from the start of {row['cable']}: {lengths}"
        blocks.append(SpliceBlock(name, heading, place, tuple(found.get(name, ()))))
    return blocks


_Colours = tuple[str, str]


def _rows(
    row: Mapping[str, object], drops: Mapping[tuple[str, int], _Colours], rules: OpticalSettings
) -> Iterator[SpliceRow]:
    """The rows of one run of fibres, divided where a tube ends."""
    side, to = str(row["side"]), str(row["to"])
    first, last, far = int(row["first"]), int(row["last"]), int(row["to_first"])  # type: ignore[call-overload]
    if to == _THROUGH and far == first:
        while first <= last:
            end = min(last, first + rules.tube_fibres - 1 - (first - 1) % rules.tube_fibres)
            tube, own = _colours(first, rules)
            alike = own if end == first else ""
            yield SpliceRow(side, first, end, tube, alike, to, first, end, tube, alike)
            first = end + 1
        return
    for offset in range(last - first + 1):
        near, other = first + offset, far + offset
        colours = drops.get((to, other)) or _colours(other, rules)
        yield SpliceRow(side, near, near, *_colours(near, rules), to, other, other, *colours)


def _colours(fibre: int, rules: OpticalSettings) -> _Colours:
    tube, place = divmod(fibre - 1, rules.tube_fibres)
    return colour(tube + 1, rules.colour_code), colour(place + 1, rules.colour_code)
