"""What commands say: data on stdout, talk and progress bars on stderr."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import typer

from trassa.provenance import Progress

__all__ = ["Watcher", "emit_json", "note", "table", "watching"]

Watcher = Callable[[str], Progress]


def emit_json(body: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(body, ensure_ascii=not _speaks_utf8(), indent=1, allow_nan=False))


def _speaks_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf8")


def note(text: str) -> None:
    """A sentence on stderr."""
    typer.echo(text, err=True)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns with two blanks between them; numbers are aligned right."""
    cells = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(header))]
    lines = [
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)) for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def _is_number(cell: str) -> bool:
    plain = cell.lstrip("+-−").replace(".", "", 1).replace(" ", "").replace("\u202f", "")
    return cell in ("", "–") or plain.isdigit()


@contextlib.contextmanager
def watching(quiet: bool = False) -> Iterator[Watcher]:
    """A progress bar for each step, on stderr; silent when asked or when nobody watches a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda step: lambda share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:<10}"), BarColumn(40), TextColumn("{task.percentage:>3.0f} %"))
    with Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars:

        def start(step: str) -> Progress:
            task = bars.add_task(step, total=1.0)
            return lambda share: bars.update(task, completed=share)

        yield start
