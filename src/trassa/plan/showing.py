"""trassa show: the straight-line diagram of a planned road, or of a stretch of it."""

from __future__ import annotations

import math
import re
import shlex
import shutil
from dataclasses import dataclass
from typing import Any

from trassa.errors import UsageError
from trassa.linear import Extent, KmLabel
from trassa.linear.diagram import Diagram
from trassa.plan.project import Project
from trassa.plan.stages import STAGES, surveyed
from trassa.plan.strip import strip_of
from trassa.road.model import Road

__all__ = ["Shown", "show_plan"]

_LABEL = r"(?:[kкKК][mмMМ]\s*)?\d[\d+.]*"
_WINDOW = re.compile(rf"(?P<start>{_LABEL})?\s*[-–—…]\s*(?P<end>{_LABEL})?")
_COLUMNS = (10, 2000)


@dataclass(frozen=True)
class Shown:
    """A stretch of road as a diagram; ``notes`` say what is not on it and why."""

    road: Road
    extent: Extent
    diagram: Diagram
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """The diagram with a line above it that says what it shows."""
        return f"{self.road.ref} {self.road.calibration.text(self.extent.start_m)} … {self._end()}\n\n{self.diagram}"

    def as_dict(self) -> dict[str, Any]:
        """The diagram's rows as JSON."""
        return {
            "road": self.road.ref,
            "from": self.road.calibration.text(self.extent.start_m),
            "to": self._end(),
            "start_m": self.extent.start_m,
            "end_m": self.extent.end_m,
            "step_m": self.diagram.ruler.step_m,
            "rows": {row.name: row.cells for row in self.diagram.rows},
            "notes": list(self.notes),
        }

    def _end(self) -> str:
        return self.road.calibration.text(self.extent.end_m)


def show_plan(project: Project, window: str, columns: int) -> Shown:
    """Draw what the store holds of a project: the road alone before the first run, the whole plan after it.

    ``window`` is ``FROM-TO`` in kilometre labels, empty for the whole road; ``columns`` 0 fits the terminal.
    """
    if columns and not _COLUMNS[0] <= columns <= _COLUMNS[1]:
        raise UsageError(f"show: a width of {columns} columns", cure=f"{_COLUMNS[0]} to {_COLUMNS[1]}")
    planned = surveyed(project)
    road = planned.road
    extent = _extent_of(road, window)
    width = columns or max(40, min(shutil.get_terminal_size((110, 40)).columns - 40, 160))
    missing = [name for name in STAGES if name not in planned.results]
    note = (
        f"not planned yet, or changed since: {' and '.join(missing)}. Try: trassa run {shlex.quote(str(project.root))}"
    )
    return Shown(road, extent, strip_of(road, planned.layers(), extent, width), (note,) if missing else ())


def _extent_of(road: Road, window: str) -> Extent:
    if not window:
        return Extent(0.0, road.length_m)
    match = _WINDOW.fullmatch(window.strip())
    if match is None or not (match["start"] or match["end"]):
        raise UsageError(f"show: {window!r} is not FROM-TO", cure="350-360, or 350+500-360+200")
    start_m = _clamped(road, KmLabel.parse(match["start"])) if match["start"] else 0.0
    end_m = _clamped(road, KmLabel.parse(match["end"])) if match["end"] else road.length_m
    if start_m >= end_m:
        whole = f"{road.calibration.text(0.0)} … {road.calibration.text(road.length_m)}"
        raise UsageError(
            f"show: {window!r} holds no stretch of {road.ref}, {whole}", cure="FROM before TO, on the road"
        )
    return Extent(math.floor(start_m * 10.0) / 10.0, min(math.ceil(end_m * 10.0) / 10.0, road.length_m))


def _clamped(road: Road, label: KmLabel) -> float:
    """The measure of a label; labels off the ends are the ends."""
    first, last = float(road.calibration.km(0.0)), float(road.calibration.km(road.length_m))
    if label.decimal_km <= first:
        return 0.0
    return road.length_m if label.decimal_km >= last else road.calibration.measure(label)
