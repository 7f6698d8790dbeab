"""The sheet of the splicer's pages: a block for each closure, each on a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trassa.plan.optical.papers.looks import Looks
from trassa.plan.optical.papers.splice_blocks import SpliceBlock, SpliceRow

__all__ = ["write_splice_pages"]

_HEADS = (
    ("Side", "text", 8),
    ("Fibres", "text", 8),
    ("Tube", "colour", 13),
    ("Fibre", "colour", 13),
    ("To", "text", 17),
    ("Its fibres", "text", 8),
    ("Its tube", "colour", 13),
    ("Its fibre", "colour", 13),
    ("Splices", "count", 8),
    ("Loss, mean of both ways, dB", "text", 13),
)
_MOST_BREAKS = 1000
"""A sheet takes 1,023 page breaks; more closures than that share pages."""
_SCALE = 80
_ALIKE = "same colour"


def write_splice_pages(sheet: Any, looks: Looks, blocks: Sequence[SpliceBlock]) -> None:
    """Write every block: a heading, the place, the words over the columns, the rows and a sum."""
    for column, (_, _, width) in enumerate(_HEADS):
        sheet.set_column(column, column, width)
    breaks: list[int] = []
    every = -(-len(blocks) // _MOST_BREAKS)
    row = 0
    for index, block in enumerate(blocks):
        if index and index % every == 0:
            breaks.append(row)
        row = _block(sheet, looks, block, row) + 1
    sheet.set_h_pagebreaks(breaks)
    sheet.set_landscape()
    sheet.set_print_scale(_SCALE)


def _block(sheet: Any, looks: Looks, block: SpliceBlock, row: int) -> int:
    sheet.write_string(row, 0, block.heading, looks.of(bold=True, font_size=13))
    sheet.write_string(row + 1, 0, block.place, looks.of(font_color="#404040"))
    if not block.rows:
        sheet.write_string(row + 2, 0, "Nothing is spliced here: every fibre passes uncut.")
        return row + 3
    for column, (head, kind, _) in enumerate(_HEADS):
        sheet.write_string(row + 2, column, head, looks.head(is_number=kind == "count"))
    sheet.set_row(row + 2, 45.0)
    row += 3
    for splice in block.rows:
        for column, (value, (_, kind, _)) in enumerate(zip(_cells(splice), _HEADS, strict=True)):
            look = looks.cell("text" if value == _ALIKE else kind, value, bottom=4)
            if isinstance(value, int):
                sheet.write_number(row, column, value, look)
            elif value:
                sheet.write_string(row, column, value, look)
            else:
                sheet.write_blank(row, column, None, look)
        row += 1
    total = sum(splice.splices for splice in block.rows)
    for column in range(len(_HEADS)):
        sheet.write_blank(row, column, None, looks.of(top=1))
    sheet.write_number(row, len(_HEADS) - 2, total, looks.cell("count", total, bold=True, top=1))
    return row + 1


def _cells(row: SpliceRow) -> tuple[str | int, ...]:
    numbers = _numbers(row.first, row.last), _numbers(row.to_first, row.to_last)
    return (
        *(row.side, numbers[0], row.tube, row.fibre_colour or _ALIKE),
        *(row.to, numbers[1], row.to_tube, row.to_colour or _ALIKE, row.splices, ""),
    )


def _numbers(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"
