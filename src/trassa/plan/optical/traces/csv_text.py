"""Rows of a report as CSV, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["csv_text"]


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows under the names of their columns, in CSV (RFC 4180); an unknown cell is empty."""
    text = io.StringIO()
    out = csv.DictWriter(text, columns)
    out.writeheader()
    out.writerows(rows)
    return text.getvalue()
