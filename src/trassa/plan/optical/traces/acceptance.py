"""What traces from both ends measured, written into the list of built plant that ``optical.as_built`` reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from trassa.errors import InputError
from trassa.plan.optical.traces.splices import SpliceReport

__all__ = ["accepted_list"]

_LOSS = "splice_loss_db"


def accepted_list(path: Path, report: SpliceReport) -> str:
    """A list as CSV with the mean over all judged fibres in ``splice_loss_db`` of each closure; all else as it was.

    A closure that no trace shows keeps what the list has. Raises :class:`InputError` for a file that is no such list or
    names none of the closures.
    """
    losses: dict[str, list[float]] = {}
    for row in report.rows:
        losses.setdefault(row.loss.name, []).append(row.loss.loss_db)
    means = {name: round(fmean(found), 3) + 0.0 for name, found in losses.items()}
    return _filled(path, means)


def _filled(path: Path, means: Mapping[str, float]) -> str:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        cure = "the list that trassa optical export … --only as-built writes, with what is built"
        raise InputError(f"{path}: is no CSV file in UTF-8", cure=cure) from None
    divider = max(",;\t", key=lines[0].count) if lines else ","
    head, *rows = csv.reader(lines, delimiter=divider, skipinitialspace=True) if lines else [[]]
    columns = [name.strip().lower() for name in head]
    if not {"item", "name"} <= set(columns):
        raise InputError(
            f"{path}: has no columns item and name", cure="a list of built plant, as optical.as_built reads"
        )
    if _LOSS not in columns:
        head, columns, rows = [*head, _LOSS], [*columns, _LOSS], [[*row, ""] for row in rows]
    item, name, loss = (columns.index(column) for column in ("item", "name", _LOSS))
    text, met = io.StringIO(), 0
    table = csv.writer(text, delimiter=divider, lineterminator="\n")
    table.writerow(head)
    for row in rows:
        if len(row) == len(columns) and row[item].strip() == "joint" and row[name].strip() in means:
            row[loss], met = str(means[row[name].strip()]), met + 1
        table.writerow(row)
    if not met:
        raise InputError(
            f"{path}: names none of the joints {', '.join(sorted(means)[:5])}", cure="the names of the plan"
        )
    return text.getvalue()
