"""What builders and splicers need of the line, in short: chambers, closures, fibres and splices in runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from trassa.linear import ARROWS, Layer
from trassa.plan.amounts import figure_text
from trassa.plan.report.tables import MOST_ROWS
from trassa.road.model import Road

__all__ = ["chamber_rows", "closure_rows", "fibre_rows", "splice_rows"]

Row = dict[str, Any]


def chamber_rows(road: Road, chambers: Layer) -> Row:
    """Every chamber in order of measure."""
    return _bounded(
        {
            "chamber": row["chamber"],
            "cable": row["cable"].replace(",", ", "),
            "place": f"{road.calibration.text(row['measure_m'])} {ARROWS[row['carriageway']]}",
            "purpose": row["purpose"],
        }
        for row in _rows(chambers)
    )


def closure_rows(road: Road, closures: Layer) -> Row:
    """Every closure with the three lengths from the start of its cable."""
    return _bounded(
        {
            "closure": row["closure"],
            "cable": row["cable"],
            "place": road.calibration.text(row["measure_m"]),
            "kind": row["kind"],
            "chamber": row["chamber"],
            **{name: f"{figure_text(row[f'{name}_m'], 1)} m" for name in ("route", "sheath", "fibre")},
        }
        for row in _rows(closures)
    )


def fibre_rows(fibres: Layer) -> Row:
    """Neighbouring fibres of a span with one use, as one row with the colours of its first and last fibre."""

    def use(row: Row) -> tuple[str, str, str]:
        return row["cable"], row["span"], row["use"]

    runs = [list(run) for _, run in groupby(_rows(fibres), key=use)]
    return _bounded(
        {
            **{name: run[0][name] for name in ("cable", "span", "use", "service")},
            "numbers": _numbers(run[0]["fibre"], run[-1]["fibre"]),
            "colours": [(_class(colour), colour) for colour in _ends(run)],
        }
        for run in runs
    )


def splice_rows(road: Road, splices: Layer) -> Row:
    """Runs of fibres that a closure joins alike."""
    return _bounded(
        {
            "closure": row["closure"],
            "place": road.calibration.text(row["measure_m"]),
            "side": row["side"],
            "numbers": _numbers(row["first"], row["last"]),
            "to": row["to"],
            "to_numbers": _numbers(row["to_first"], row["to_last"]),
            "splices": str(row["splices"]),
        }
        for row in _rows(splices)
    )


def _rows(layer: Layer) -> Iterator[Row]:
    return (dict(row) for row in layer.rows())


def _bounded(rows: Iterator[Row]) -> Row:
    """The first rows, and how many there are more: all of them stand in line.xlsx."""
    found = list(rows)
    return {"rows": found[:MOST_ROWS], "more": max(len(found) - MOST_ROWS, 0)}


def _numbers(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def _ends(run: list[Row]) -> list[str]:
    """Tube and fibre of the first fibre of a run, and of the last where there is another."""
    first = [run[0]["tube_colour"], run[0]["fibre_colour"]]
    return first if len(run) == 1 else [*first, run[-1]["tube_colour"], run[-1]["fibre_colour"]]


def _class(colour: str) -> str:
    return f"k-{colour.split(' ', 1)[0]}"
