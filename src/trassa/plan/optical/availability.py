"""How much of the time the line keeps its ends together, and what hangs on it reaches a point of presence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trassa.errors import InputError
from trassa.optical.services.availability_forms import EndToEnd, ends_together
from trassa.plan.optical.questions import kept_optical

__all__ = ["LineAvailability", "line_availability"]

_WORST = 10


@dataclass(frozen=True)
class LineAvailability:
    """The forms of every line, and the connections that are away longest."""

    ends: tuple[EndToEnd, ...]
    worst: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {"end_to_end": [vars(end) for end in self.ends], "worst": list(self.worst)}

    def tables(self) -> list[tuple[list[str], list[list[str]]]]:
        """Heads and rows of both tables for a terminal."""
        ends = [list(end.texts) for end in self.ends]
        worst = [
            [
                row["connection"],
                row["service"],
                f"{100.0 * row['availability']:.6f} %",
                f"{row['minutes_per_year']:.1f} min",
                row["dominated_by"],
            ]
            for row in self.worst
        ]
        return [
            (["line", "form", "ends together", "apart in a year"], ends),
            (["connection", "service", "available", "away in a year", "mostly for"], worst),
        ]


def line_availability(folder: Path) -> LineAvailability:
    """The availability of a planned project's line; :class:`InputError` where it is not planned or has no line."""
    optical = kept_optical(folder)
    if not optical.figures["availability"]["lines"]:
        raise InputError(f"optical: {folder} has no cable", cure="a road with a line")
    rows = sorted(optical.layers["availability"].rows(), key=lambda row: float(row["availability"]))
    worst = [{"connection" if key == "site" else key: value for key, value in row.items()} for row in rows[:_WORST]]
    return LineAvailability(tuple(ends_together(optical.figures["availability"])), tuple(worst))
