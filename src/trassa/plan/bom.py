"""bom.xlsx: the bill of materials, with formulas that follow when somebody changes a price."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from trassa.errors import ConfigError
from trassa.linear import Layer
from trassa.money import Cost
from trassa.plan.amounts import major_digits
from trassa.plan.folder import staged_outputs
from trassa.pricing import Price

__all__ = ["BomLine", "bom_bytes", "total_of", "write_bom"]

_CREATED = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_LAYERS = ("sites", "huts", "closures", "links")
_HEADS = (
    ("Trade", 10), ("Item", 44), ("Quantity", 12), ("Unit", 8), ("Unit price", 14), ("Low", 14), ("High", 14),
    ("Amount", 16), ("Amount low", 16), ("Amount high", 16), ("Source", 48), ("Assumed", 10),
)  # fmt: skip
_QUANTITY = 2


@dataclass(frozen=True)
class BomLine:
    """A quantity of one thing and its unit price; ``trade`` is radio, optical, …"""

    item: str
    trade: str
    quantity: float
    unit: str
    price: Price

    def __post_init__(self) -> None:
        if not (math.isfinite(self.quantity) and self.quantity >= 0.0):
            raise ConfigError(f"bill: quantity {self.quantity} of {self.item!r} is not a count or a length")
        if self.unit != self.price.unit:
            raise ConfigError(
                f"bill: {self.item!r} is counted in {self.unit} but priced per {self.price.unit}",
                cure="one unit for both",
            )

    def cost(self, currency: str) -> Cost:
        """Quantity times price, each bound rounded once."""
        return self.price.cost(self.quantity, currency)


def total_of(lines: Iterable[BomLine], currency: str) -> Cost:
    """The sum of the lines, each rounded before the sum."""
    return Cost.total((line.cost(currency) for line in lines), currency)


def write_bom(path: Path, lines: Sequence[BomLine], layers: Mapping[str, Layer], currency: str) -> None:
    """Write the workbook; an older one stays whole until the new one is complete."""
    content = bom_bytes(lines, layers, currency)
    with staged_outputs(path.parent) as fresh:
        (fresh / path.name).write_bytes(content)


def bom_bytes(lines: Sequence[BomLine], layers: Mapping[str, Layer], currency: str) -> bytes:
    """The workbook: the bill, then the sites, huts, closures and links; the same bytes for the same plan."""
    memory = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(memory, options) as book:
        book.set_properties({"title": "Bill of materials", "author": "trassa", "created": _CREATED})
        _write_bill(book, lines, currency)
        for name in _LAYERS:
            if name in layers:
                _write_layer(book, name, layers[name])
    return memory.getvalue()


def _write_bill(book: Any, lines: Sequence[BomLine], currency: str) -> None:
    sheet = book.add_worksheet("BOM")
    digits = major_digits(currency)
    plain = "#,##0" + ("." + "0" * digits if digits else "")
    money = book.add_format({"num_format": plain})
    count, measured = (book.add_format({"num_format": text}) for text in ("#,##0", "#,##0.0"))
    assumed = book.add_format({"bg_color": "#FFF2CC"})
    _write_heads(book, sheet, _HEADS)
    for row, line in enumerate(lines, start=1):
        price, cost = line.price, line.cost(currency)
        sheet.write_row(row, 0, [line.trade, line.item])
        sheet.write_number(row, _QUANTITY, line.quantity, count if line.quantity.is_integer() else measured)
        sheet.write_string(row, 3, line.unit)
        for offset, minor in enumerate((price.amount_minor, price.low_minor, price.high_minor)):
            sheet.write_number(row, 4 + offset, minor / 10**digits, money)
        for offset, minor in enumerate((cost.amount_minor, cost.low_minor, cost.high_minor)):
            factors = xl_rowcol_to_cell(row, _QUANTITY), xl_rowcol_to_cell(row, 4 + offset)
            formula = f"=ROUND({factors[0]}*{factors[1]},{digits})"
            sheet.write_formula(row, 7 + offset, formula, money, minor / 10**digits)
        sheet.write_string(row, 10, price.source)
        sheet.write_string(row, 11, "assumed" if price.assumed else "", assumed if price.assumed else None)
    _write_total(book, sheet, plain, lines, currency)


def _write_total(book: Any, sheet: Any, plain: str, lines: Sequence[BomLine], currency: str) -> None:
    total, row = total_of(lines, currency), len(lines) + 1
    strong = book.add_format({"num_format": plain, "bold": True, "top": 1})
    for column in range(len(_HEADS)):
        sheet.write_blank(row, column, None, strong)
    sheet.write_string(row, 1, f"Total, {currency}", strong)
    for column, minor in zip((7, 8, 9), (total.amount_minor, total.low_minor, total.high_minor), strict=True):
        if not lines:
            sheet.write_number(row, column, 0, strong)
            continue
        cells = f"{xl_rowcol_to_cell(1, column)}:{xl_rowcol_to_cell(row - 1, column)}"
        sheet.write_formula(row, column, f"=SUM({cells})", strong, minor / 10 ** major_digits(currency))
    share = sum(line.cost(currency).amount_minor for line in lines if line.price.assumed)
    if share:
        text = f"{share / max(total.amount_minor, 1):.0%} of the total rests on assumed prices; see column Assumed."
        sheet.write_string(row + 2, 1, text)


def _write_layer(book: Any, name: str, layer: Layer) -> None:
    sheet = book.add_worksheet(name)
    heads = [(f"{c.name}, {c.unit}" if c.unit not in ("", "1") else c.name, 14) for c in layer.schema.columns]
    _write_heads(book, sheet, heads)
    for index, column in enumerate(layer.schema.columns):
        values = layer[column.name].tolist()
        for row, value in enumerate(values, start=1):
            if column.type == "text":
                sheet.write_string(row, index, value)
            elif column.type == "bool":
                sheet.write_boolean(row, index, value)
            elif math.isfinite(value):
                sheet.write_number(row, index, value)
    if len(layer):
        sheet.autofilter(0, 0, len(layer), len(heads) - 1)


def _write_heads(book: Any, sheet: Any, heads: Sequence[tuple[str, int]]) -> None:
    strong = book.add_format({"bold": True, "bottom": 1})
    for column, (head, width) in enumerate(heads):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, head, strong)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
