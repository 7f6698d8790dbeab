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
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Holds
from trassa.plan.line_papers.paint import paint_of
from trassa.plan.line_papers.tables import Field, Table, Value, tables_of
from trassa.road.model import Road

__all__ = ["LinePapers", "line_papers_bytes"]

_CREATED = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_NUMBERS = {"count": "0", "ratio": "0.0000000", "m": "#,##0.0", "deg": "0.000000", "db": "0.00", "dB": "0.00",
            "dBm": "0.00", "us": "#,##0.0", "min": "#,##0.00", "THz": "0.000", "ps": "0.00", "ps/nm": "#,##0",
            "Mbit/s": "#,##0.###", "km": "#,##0.000"}  # fmt: skip
_ESTIMATE = "ESTIMATE – not a proof"
_WIDEST, _SAMPLE = 44, 400
_A4 = 9


@dataclass(frozen=True)
class LinePapers:
    """What the papers are made from; ``holds`` is the proof's verdict, and an estimate stands on every page."""

    road: Road
    layers: Mapping[str, Layer]
    rules: OpticalSettings
    title: str
    holds: Holds


def line_papers_bytes(papers: LinePapers) -> bytes:
    """The workbook; the same bytes for the same plan. Values only: there is no formula in it."""
    memory = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    tables = tables_of(papers.road, papers.layers, papers.rules)
    with xlsxwriter.Workbook(memory, options) as book:
        book.set_properties({"title": f"{papers.title}: optical line", "author": "trassa", "created": _CREATED})
        formats = _Formats(book)
        _cover(book, formats, papers, tables)
        for table in tables:
            _sheet(book, formats, papers, table)
    return memory.getvalue()


class _Formats:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def of(self, **properties: Any) -> Any:
        """The format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(properties)
        return self._made[key]

    def cell(self, kind: str, value: Value, *, begins: bool) -> Any:
        """The format of a value; ``begins`` draws the line above a new block."""
        look: dict[str, Any] = {"valign": "top"} | ({"top": 1} if begins else {})
        if kind == "colour" and value:
            look |= paint_of(str(value)) | {"border": 1, "border_color": "#808080"}
        elif kind == "arrow":
            look["align"] = "center"
        elif kind in _NUMBERS:
            look["num_format"] = _NUMBERS[kind]
        return self.of(**look)


def _cover(book: Any, formats: _Formats, papers: LinePapers, tables: Sequence[Table]) -> None:
    sheet, road, rules = book.add_worksheet("Cover"), papers.road, papers.rules
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 10)
    sheet.set_column(2, 2, 96)
    sheet.write_string(0, 0, papers.title, formats.of(bold=True, font_size=16))
    said = [
        ("Road", f"{road.span_text(0.0, road.length_m)}, {road.axis} axis"),
        ("Route", "the way in space along the verge, gradients included: what is dug"),
        ("Sheath", f"route + {rules.slack_ratio:.1%} slack + loops of {rules.closure_loop_m:g} m at closures and "
                   f"{rules.termination_loop_m:g} m at ends: what is bought, what the metre marks say"),
        ("Fibre", f"sheath / {rules.helix_ratio:g}: what light, budgets and reflectometers see"),
        ("Colours", f"{rules.colour_code}, {rules.tube_fibres} fibres in a tube; upright lines are rings"),
    ]  # fmt: skip
    if papers.holds != "yes":
        verdict = _ESTIMATE if papers.holds == "estimate" else "The plan does not keep its promises: see proof.json"
        sheet.write_string(1, 0, verdict, formats.of(bold=True, font_color="#C00000"))
    for row, (name, text) in enumerate(said, start=3):
        sheet.write_string(row, 0, name, formats.of(bold=True))
        sheet.write_string(row, 2, text)
    top = 4 + len(said)
    for column, head in enumerate(("Sheet", "Rows", "What it says")):
        sheet.write_string(top, column, head, formats.of(bold=True, bottom=1))
    for row, table in enumerate(tables, start=top + 1):
        sheet.write_url(row, 0, f"internal:'{table.name}'!A1", string=table.name)
        sheet.write_number(row, 1, len(table.rows))
        sheet.write_string(row, 2, table.what)
    _printed(sheet, papers, "Cover")


def _sheet(book: Any, formats: _Formats, papers: LinePapers, table: Table) -> None:
    sheet = book.add_worksheet(table.name)
    head = formats.of(bold=True, bottom=1, text_wrap=True, valign="top", bg_color="#E8ECEF")
    for column, field in enumerate(table.fields):
        sheet.set_column(column, column, _width(field, [row[column] for row in table.rows[:_SAMPLE]]))
        sheet.write_string(0, column, field.head, head)
    before: Value = ""
    for row, values in enumerate(table.rows, start=1):
        begins, before = row > 1 and values[0] != before, values[0]
        for column, (field, value) in enumerate(zip(table.fields, values, strict=True)):
            look = formats.cell(field.kind, value, begins=begins)
            if isinstance(value, str):
                sheet.write_string(row, column, value, look)
            elif math.isfinite(value):
                sheet.write_number(row, column, value, look)
            else:
                sheet.write_blank(row, column, None, look)
    bad = formats.of(font_color="#FFFFFF", bg_color="#C00000")
    for column, field in enumerate(table.fields):
        if field.margin:
            below = {"type": "cell", "criteria": "<", "value": 0, "format": bad}
            sheet.conditional_format(1, column, len(table.rows), column, below)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(table.rows), len(table.fields) - 1)
    sheet.repeat_rows(0)
    _printed(sheet, papers, table.name)


def _width(field: Field, values: Sequence[Value]) -> float:
    """Wide enough for the longest value and, on two lines, for the head."""
    shown = [len(value) if isinstance(value, str) else 9 for value in values]
    longest_word = max(len(word) for word in field.head.split())
    return float(min(max([longest_word, len(field.head) / 2.0, *shown]) + 2.5, _WIDEST))


def _printed(sheet: Any, papers: LinePapers, name: str) -> None:
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.5, right=0.4, top=0.7, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    mark = f"&C{_ESTIMATE}" if papers.holds == "estimate" else ""
    sheet.set_header(f"&L{papers.title.replace('&', '&&')[:80]}{mark}&R{name}")
    sheet.set_footer("&L&F&RPage &P of &N")
