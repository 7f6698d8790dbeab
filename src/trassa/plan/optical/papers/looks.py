"""How cells look: formats by kind of value, each made once, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

from typing import Any

from trassa.plan.optical.papers.paint import paint_of
from trassa.plan.optical.papers.table import Value

__all__ = ["Looks"]

_NUMBERS = {
    "count": "#,##0",
    "ratio": "0.0000000%",
    "m": "#,##0.0",
    "deg": "0.000000",
    "db": "0.00",
    "dB": "0.00",
    "dBm": "0.00",
    "us": "#,##0.0",
    "min": "#,##0.00",
    "THz": "0.000",
    "ps": "0.00",
    "ps/nm": "#,##0",
    "Mbit/s": "#,##0.###",
    "km": "#,##0.000",
    "mm": "#,##0",
    "money0": "#,##0",
    "money2": "#,##0.00",
    "money3": "#,##0.000",
    "dB/km": "0.000",
    "quantity": "#,##0.0",
}
_WHOLE = ("quantity", "Mbit/s")
_LEADS = ("=", "+", "-", "@", "\t", "\r")


class Looks:
    """The formats of a workbook."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def of(self, **properties: Any) -> Any:
        """The format with these properties, named as in XlsxWriter."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(properties)
        return self._made[key]

    def cell(self, kind: str, value: Value, **more: Any) -> Any:
        """The format of a value of a kind (:class:`~trassa.plan.optical.papers.table.Field`), and ``more`` on top."""
        look: dict[str, Any] = {"valign": "top"} | more
        if kind == "colour" and value:
            look |= paint_of(str(value)) | {"border": 1, "border_color": "#808080", "align": "center", "shrink": True}
        elif kind == "arrow":
            look["align"] = "center"
        elif isinstance(value, str):
            look |= {"indent": 1, "align": "left"} | ({"quote_prefix": True} if value.startswith(_LEADS) else {})
        elif kind in _WHOLE and float(value).is_integer():
            look["num_format"] = "#,##0"
        elif kind in _NUMBERS:
            look["num_format"] = _NUMBERS[kind]
        return self.of(**look)

    def head(self, *, is_number: bool) -> Any:
        """The format of the words over a column."""
        aligned: dict[str, Any] = {"align": "right"} if is_number else {"align": "left", "indent": 1}
        return self.of(bold=True, bottom=1, text_wrap=True, valign="bottom", bg_color="#E8ECEF", **aligned)
