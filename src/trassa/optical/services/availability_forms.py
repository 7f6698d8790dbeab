"""The line's availability from end to end, every form under its name, as rows for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trassa.optical.services.availability import minutes_per_year

__all__ = ["EndToEnd", "ends_together"]

_FORMS = {
    "one_cable_as_series_of_intervals": "one cable, a series of its cut intervals, renewal form",
    "one_cable_as_unit_linear": "one cable, one unit, linear form",
    "one_cable_as_unit_renewal": "one cable, one unit, renewal form",
    "two_cables_as_series_of_spans": "two cables, a series of spans",
    "two_cables_as_unit_linear": "two cables, one unit, linear form βU + ((1 − β)U)²",
    "two_cables_as_unit_one_repair": "two cables, one unit, four states, one repair crew",
    "two_cables_as_unit_two_repairs": "two cables, one unit, four states, a crew for each",
}


@dataclass(frozen=True)
class EndToEnd:
    """One form of one line's unavailability from end to end, cables alone. ``interval`` is 95 % of a simulation."""

    line: str
    form: str
    unavailability_ratio: float
    interval: tuple[float, float] | None = None

    @property
    def texts(self) -> tuple[str, str, str, str]:
        """Line, form, availability in percent, and minutes away in a year."""
        minutes = f"{float(minutes_per_year(self.unavailability_ratio)):.1f} min"
        if self.interval is not None:
            low, high = (float(minutes_per_year(bound)) for bound in self.interval)
            minutes += f" ({low:.1f}–{high:.1f})"
        return self.line, self.form, f"{100.0 * (1.0 - self.unavailability_ratio):.6f} %", minutes


def ends_together(figures: Mapping[str, Any]) -> list[EndToEnd]:
    """The forms in ``figures.optical.availability`` of a proof, line by line."""
    found: list[EndToEnd] = []
    for line in figures["lines"]:
        name = f"{line['from']}–{line['to']}"
        found += [EndToEnd(name, words, line[key]) for key, words in _FORMS.items() if key in line]
        unit = line.get("simulated_unit")
        if unit:
            form = f"one unit, simulated over {unit['years']:.0f} years, 95 % interval"
            found.append(EndToEnd(name, form, unit["mean"], (unit["low"], unit["high"])))
    return found
