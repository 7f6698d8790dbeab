"""The workbook: a cover and a sheet per table, ready to be filtered and printed on A4."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import xlsxwriter

from trassa.linear import Layer
from trassa.optical.colours import colour
from trassa.optical.settings import OpticalSettings
from trassa.plan.bom import BomLine
from trassa.plan.claim import Holds
from trassa.plan.optical.papers.looks import Looks
from trassa.plan.optical.papers.splice_blocks import SpliceBlock, splice_blocks
from trassa.plan.optical.papers.splice_pages import write_splice_pages
from trassa.plan.optical.papers.table import Field, Table, Value
from trassa.plan.optical.papers.tables import bill_table, tables_of
from trassa.road.model import Road

__all__ = ["LinePapers", "line_papers_bytes"]

_CREATED = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_ESTIMATE = "ESTIMATE – not a proof"
_PAGES = "Splice pages"
_WIDEST, _SAMPLE, _ROW_PT = 62, 400, 15.0
_A4 = 9
_TEXTS = ("text", "colour", "arrow")


@dataclass(frozen=True)
class LinePapers:
    """What the papers are made from; ``holds`` is the proof's verdict, and an estimate stands on every page. The
    bill may hold other trades: only the line's own rows are shown."""

    road: Road
    layers: Mapping[str, Layer]
    rules: OpticalSettings
    title: str
    holds: Holds
    bill: Sequence[BomLine]
    currency: str


def line_papers_bytes(papers: LinePapers) -> bytes:
    """The workbook; the same bytes for the same plan. Values only: there is no formula in it."""
    memory = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    tables = [bill_table(papers.bill, papers.currency), *tables_of(papers.road, papers.layers, papers.rules)]
    blocks = splice_blocks(papers.road, papers.layers, papers.rules)
    with xlsxwriter.Workbook(memory, options) as book:
        book.set_properties({"title": f"{papers.title}: optical line", "author": "trassa", "created": _CREATED})
        looks = Looks(book)
        _cover(book, looks, papers, tables, blocks)
        for table in tables:
            _sheet(book, looks, papers, table)
            if table.name == "Splice schedule":
                pages = book.add_worksheet(_PAGES)
                write_splice_pages(pages, looks, blocks)
                _titled(pages, papers, _PAGES)
    return memory.getvalue()


def _cover(book: Any, looks: Looks, papers: LinePapers, tables: Sequence[Table], blocks: Sequence[SpliceBlock]) -> None:
    sheet, rules = book.add_worksheet("Cover"), papers.rules
    for column, width in enumerate((26, 10, 96, 3, 7, 22)):
        sheet.set_column(column, column, width)
    sheet.write_string(
        0, 0, papers.title, looks.cell("text", papers.title, bold=True, font_size=16, indent=0, align="left")
    )
    if papers.holds != "yes":
        verdict = _ESTIMATE if papers.holds == "estimate" else "The plan does not keep its promises: see proof.json"
        sheet.write_string(1, 0, verdict, looks.of(bold=True, font_color="#C00000"))
    said = _legend(papers)
    for row, (name, text) in enumerate(said, start=3):
        sheet.write_string(row, 0, name, looks.of(bold=True))
        sheet.write_string(row, 2, text, looks.of(indent=1, align="left"))
    top = 4 + len(said)
    for column, head in enumerate(("Sheet", "Rows", "What it says")):
        sheet.write_string(top, column, head, looks.head(is_number=column == 1))
    listed = [(table.name, len(table.rows), table.what) for table in tables]
    if blocks:
        at = next(index for index, entry in enumerate(listed) if entry[0] == "Splice schedule")
        listed.insert(at + 1, (_PAGES, len(blocks), "A page for each closure, with the colours of both sides"))
    for row, (name, count, what) in enumerate(listed, start=top + 1):
        sheet.write_url(row, 0, f"internal:'{name}'!A1", string=name)
        sheet.write_number(row, 1, count, looks.cell("count", count))
        sheet.write_string(row, 2, what, looks.of(indent=1, align="left"))
    _code(sheet, looks, rules, top)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    _titled(sheet, papers, "Cover")


def _legend(papers: LinePapers) -> list[tuple[str, str]]:
    road, rules = papers.road, papers.rules
    return [
        ("Road", f"{road.span_text(0.0, road.length_m)}, {road.axis} axis"),
        ("Route", "the way in space along the verge, gradients included: what is dug"),
        (
            "Sheath",
            f"route + {rules.slack_ratio:.1%} slack + loops of {rules.closure_loop_m:g} m at closures and "
            f"{rules.termination_loop_m:g} m at ends: what is bought, what the metre marks say",
        ),
        ("Fibre", f"sheath / {rules.helix_ratio:g}: what light, budgets and reflectometers see"),
        ("Place, measure", "the kilometre on the signs; metres from the start of the road along its reference line"),
        ("Side", "→ verge of the carriageway with growing kilometres, ← of the other; before and behind: by measure"),
        ("Colours", f"{rules.colour_code}, {rules.tube_fibres} fibres in a tube; upright lines are rings"),
    ]


def _code(sheet: Any, looks: Looks, rules: OpticalSettings, top: int) -> None:
    """The order of the colours, in colour."""
    sheet.write_string(top, 4, "No.", looks.head(is_number=True))
    sheet.write_string(top, 5, "Fibre or tube", looks.head(is_number=False))
    tubes = -(-rules.fibres // rules.tube_fibres)
    for number in range(1, max(min(rules.tube_fibres, rules.fibres), tubes) + 1):
        name = colour(number, rules.colour_code)
        sheet.write_number(top + number, 4, number, looks.cell("count", number))
        sheet.write_string(top + number, 5, name, looks.cell("colour", name))


def _sheet(book: Any, looks: Looks, papers: LinePapers, table: Table) -> None:
    sheet = book.add_worksheet(table.name)
    widths = [_width(field, _shown(table, column)) for column, field in enumerate(table.fields)]
    for column, (field, width) in enumerate(zip(table.fields, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, field.head, looks.head(is_number=field.kind not in _TEXTS))
    lines = max(_lines(field.head, width) for field, width in zip(table.fields, widths, strict=True))
    sheet.set_row(0, _ROW_PT * lines)
    firsts = [row[0] for row in table.rows]
    in_blocks = len(set(firsts)) < len(firsts)
    for row, values in enumerate(table.rows, start=1):
        begins = in_blocks and row > 1 and values[0] != firsts[row - 2]
        _row(sheet, looks, table.fields, row, values, {"top": 1} if begins else {})
    last = len(table.rows)
    if table.sums:
        _row(sheet, looks, table.fields, last + 1, table.sums, {"top": 1, "bold": True})
    bad = looks.of(font_color="#FFFFFF", bg_color="#C00000")
    for column, field in enumerate(table.fields):
        if field.margin:
            below = {"type": "cell", "criteria": "<", "value": 0, "format": bad}
            sheet.conditional_format(1, column, last, column, below)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, last, len(table.fields) - 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    _titled(sheet, papers, table.name)


def _row(
    sheet: Any, looks: Looks, fields: Sequence[Field], row: int, values: Sequence[Value], more: Mapping[str, Any]
) -> None:
    lines = max((_lines(value, 1.1 * _WIDEST) for value in values if isinstance(value, str)), default=1)
    if lines > 1:
        sheet.set_row(row, _ROW_PT * lines)
    for column, (field, value) in enumerate(zip(fields, values, strict=True)):
        beyond = {"text_wrap": True} if lines > 1 and isinstance(value, str) else {}
        look = looks.cell(field.kind, value, **more, **beyond)
        if isinstance(value, str) and value:
            sheet.write_string(row, column, value, look)
        elif not isinstance(value, str) and math.isfinite(value):
            sheet.write_number(row, column, value, look)
        else:
            sheet.write_blank(row, column, None, look)


def _shown(table: Table, column: int) -> list[Value]:
    return [row[column] for row in (*table.rows[:_SAMPLE], *([table.sums] if table.sums else []))]


def _width(field: Field, values: Sequence[Value]) -> float:
    """Wide enough for the longest value and, on two lines, for the head."""
    shown = [len(value) if isinstance(value, str) else len(f"{value:,.1f}") for value in values]
    longest_word = max(len(word) for word in field.head.split())
    return float(min(max([longest_word, len(field.head) / 2.0, *shown]) + 2.5, _WIDEST))


def _lines(head: str, width: float) -> int:
    """How many lines words take in a column of a width, with room for bold letters; plain ones take a tenth less."""
    lines, used = 1, 0.0
    for word in head.split():
        wide = 1.05 * len(word)
        if used and used + 1 + wide > width - 1.0:
            lines, used = lines + 1, wide
        else:
            used += wide + (1 if used else 0)
    return lines


def _titled(sheet: Any, papers: LinePapers, name: str) -> None:
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.5, right=0.4, top=0.7, bottom=0.6)
    mark = f"&C{_ESTIMATE}" if papers.holds == "estimate" else ""
    sheet.set_header(f"&L{papers.title.replace('&', '&&')[:80]}{mark}&R{name}")
    sheet.set_footer("&L&F&RPage &P of &N")
