"""The straight-line diagram: a road as a strip of text, printed for people and parsed for tests.

::

    km      340       350       360
    road    ====================.
    tunnel  .......####..........
    sites   ...A........B....C...
    margin  77765432100012345678.  dB above need
    fibre   H===c===c===H===c===H

One column is a constant length of measure; what is drawn in a column starts at its left edge. A run of one
character is an extent, a single letter a position, a digit the value of a profile, a dot nothing.
"""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear.extent import Extent
from trassa.linear.profile import Profile
from trassa.linear.ruler import Ruler

__all__ = ["EMPTY", "Diagram", "Row"]

EMPTY = "."
_ROW = re.compile(r"(?P<name>\S+(?: \S+)*) {2,}(?P<cells>\S+)(?: {2,}(?P<note>\S.*?))? *")
_RULER = re.compile(r"(km|км)(\s|$)")


@dataclass(frozen=True)
class Row:
    """One attribute of the road: a name, a character for each column, and a note on units and marks."""

    name: str
    cells: str
    note: str = ""

    def __post_init__(self) -> None:
        match = _ROW.fullmatch(f"{self.name}  {self.cells}" + (f"  {self.note}" if self.note else ""))
        if match is None or match.group("name", "cells") != (self.name, self.cells) or _RULER.match(self.name):
            raise InputError(f"diagram: the row {self.name!r} {self.cells!r} cannot be read back")

    @classmethod
    def blank(cls, name: str, ruler: Ruler, note: str = "") -> Row:
        """A row on which nothing is drawn yet."""
        return cls(name, EMPTY * ruler.columns, note)

    @classmethod
    def digits(cls, name: str, values: npt.ArrayLike, note: str = "") -> Row:
        """A profile row from one value per column: the whole units below it, ``9`` from 9 on, ``-`` below zero.

        NaN leaves the column empty; −inf is drawn as below zero.
        """
        cells = [
            EMPTY if np.isnan(value) else "-" if value < 0 else str(int(min(value, 9.0)))
            for value in np.asarray(values, dtype=np.float64)
        ]
        return cls(name, "".join(cells), note)

    def painted(self, ruler: Ruler, extents: Iterable[Extent], mark: str) -> Row:
        """The row with extents drawn over it; every column an extent touches is painted."""
        cells = list(self.cells)
        for extent in extents:
            for column in ruler.span(extent):
                cells[column] = mark
        return replace(self, cells="".join(cells))

    def marked(self, ruler: Ruler, positions: Iterable[tuple[str, float]]) -> Row:
        """The row with ``(mark, measure_m)`` drawn over it.

        Several of one mark in a column stay that mark; different marks become their count, ``+`` from ten on.
        """
        here: defaultdict[int, list[str]] = defaultdict(list)
        for mark, measure_m in positions:
            if 0 <= (column := ruler.column(measure_m)) < ruler.columns:
                here[column].append(mark)
        cells = list(self.cells)
        for column, marks in here.items():
            count = str(len(marks)) if len(marks) < 10 else "+"
            cells[column] = marks[0] if len(set(marks)) == 1 else count
        return replace(self, cells="".join(cells))


@dataclass(frozen=True)
class Diagram:
    """A ruler and the rows under it, all of one width. ``Diagram.parse(str(diagram)) == diagram``."""

    ruler: Ruler
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        if not self.rows:
            raise InputError("diagram: a ruler without a row")
        for row in self.rows:
            if len(row.cells) != self.ruler.columns:
                raise InputError(
                    f"diagram: row {row.name!r} has {len(row.cells)} columns, its ruler has {self.ruler.columns}"
                )
        if len({row.name for row in self.rows}) < len(self.rows):
            raise InputError("diagram: two rows have one name")

    @classmethod
    def parse(cls, text: str) -> Diagram:
        """Read a diagram of one block, or of several that continue one another, with blank lines between.

        Short rows are filled up with nothing. Without a scale beside the ruler, labels are taken for measures:
        ``352+400`` stands at measure 352,400 m.
        """
        blocks = [block for block in re.split(r"\n\s*\n", textwrap.dedent(text).strip("\n")) if block.strip()]
        if not blocks:
            raise InputError("diagram: empty text", cure="a ruler line 'km   0   1   2' and rows below it")
        whole, *rest = [_parse_block(block) for block in blocks]
        for block in rest:
            whole = _joined(whole, block)
        return whole

    def __str__(self) -> str:
        origin = max(len(row.name) for row in self.rows) + 2
        lines = [self.ruler.line(max(origin, 4))]
        for row in self.rows:
            line = row.name.ljust(max(origin, 4)) + row.cells
            lines.append(f"{line}  {row.note}" if row.note else line)
        return "\n".join(lines)

    def wrapped(self, columns: int) -> str:
        """The diagram in equal blocks of at most ``columns`` columns, a blank line between two."""
        blocks = -(-self.ruler.columns // columns)
        size = -(-self.ruler.columns // blocks)
        starts = range(0, self.ruler.columns, size)
        return "\n\n".join(str(self.cut(first, min(first + size, self.ruler.columns))) for first in starts)

    def cut(self, first: int, last: int) -> Diagram:
        """The columns ``[first, last)`` as a diagram of their own."""
        rows = tuple(replace(row, cells=row.cells[first:last]) for row in self.rows)
        return Diagram(self.ruler.cut(first, last), rows)

    def row(self, name: str) -> Row:
        """The row of that name."""
        for row in self.rows:
            if row.name == name:
                return row
        raise InputError(f"diagram: no row {name!r}", cure="one of " + ", ".join(row.name for row in self.rows))

    def extents(self, name: str, marks: str) -> list[Extent]:
        """The runs of any of the characters ``marks`` in a row, in order of measure.

        ``extents("fibre", "=Hc")`` reads ``H===c`` as one cable.
        """
        drawn = (re.escape(mark) for mark in marks)
        runs = re.finditer(f"(?:{'|'.join(drawn)})+", self.row(name).cells)
        return [Extent(self.ruler.measure_m(run.start()), self.ruler.measure_m(run.end())) for run in runs]

    def positions(self, name: str, marks: str = "") -> list[tuple[str, float]]:
        """``(mark, measure_m)`` of each letter in a row, or of each of the characters ``marks``."""
        return [
            (cell, self.ruler.measure_m(column))
            for column, cell in enumerate(self.row(name).cells)
            if (cell in marks if marks else cell.isalpha())
        ]

    def profile(self, name: str) -> Profile:
        """A row of digits as a profile with a sample at each column's left edge; −1 where it says ``-``."""
        cells = self.row(name).cells
        if odd := set(cells) - set("-0123456789" + EMPTY):
            raise InputError(f"diagram: row {name!r} holds {''.join(sorted(odd))!r}", cure="digits, '-' or '.'")
        values = [np.nan if cell == EMPTY else -1.0 if cell == "-" else float(cell) for cell in cells]
        return Profile(name, self.ruler.start_m, self.ruler.step_m, np.array(values))


def _parse_block(block: str) -> Diagram:
    ruler_line, *lines = block.splitlines()
    if not _RULER.match(ruler_line):
        raise InputError(f"diagram: {ruler_line!r} is not a ruler", cure="begin each block with 'km   340   350'")
    matches: list[re.Match[str]] = []
    for line in lines:
        match = _ROW.fullmatch(line)
        if match is None:
            raise InputError(f"diagram: {line!r} is not a row", cure="a name, two blanks, a character per column")
        matches.append(match)
    if not matches:
        raise InputError(f"diagram: no row under the ruler {ruler_line!r}")
    origin = matches[0].start("cells")
    for match in matches:
        if match.start("cells") != origin:
            raise InputError(f"diagram: row {match['name']!r} does not begin under the row above it")
    columns = max(len(match["cells"]) for match in matches)
    ruler = Ruler.parse(ruler_line, origin, columns)
    rows = tuple(Row(m["name"], m["cells"].ljust(columns, EMPTY), m["note"] or "") for m in matches)
    return Diagram(ruler, rows)


def _joined(before: Diagram, after: Diagram) -> Diagram:
    """Two blocks as one diagram, where the second continues the first."""
    expected_m = before.ruler.extent.end_m
    if abs(after.ruler.start_m - expected_m) > 1e-3 or abs(after.ruler.step_m - before.ruler.step_m) > 1e-6:
        raise InputError(
            f"diagram: a block begins at measure {after.ruler.start_m:g} m with {after.ruler.step_m:g} m a column; "
            f"the one above ends at {expected_m:g} m with {before.ruler.step_m:g} m"
        )
    if [row.name for row in before.rows] != [row.name for row in after.rows]:
        raise InputError(f"diagram: the rows at measure {expected_m:g} m differ from those above")
    shifted = tuple(replace(tick, column=tick.column + before.ruler.columns) for tick in after.ruler.ticks)
    columns = before.ruler.columns + after.ruler.columns
    ruler = replace(before.ruler, columns=columns, ticks=before.ruler.ticks + shifted)
    pairs: Sequence[tuple[Row, Row]] = list(zip(before.rows, after.rows, strict=True))
    return Diagram(ruler, tuple(replace(a, cells=a.cells + b.cells) for a, b in pairs))
