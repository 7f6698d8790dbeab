"""trassa show: the straight-line diagram of a planned road, or of a stretch of it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import Any

from trassa.errors import UsageError
from trassa.linear import Extent, KmLabel
from trassa.linear.diagram import Diagram
from trassa.plan.project import Project
from trassa.plan.stages import kept_stages, plan_stages
from trassa.plan.strip import strip_of
from trassa.provenance import no_progress
from trassa.road.model import Road

__all__ = ["Shown", "show_plan"]

_WINDOW = re.compile(r"(?P<start>[\d+.]+)\s*[-–]\s*(?P<end>[\d+.]+)")


@dataclass(frozen=True)
class Shown:
    """A stretch of road as a diagram."""

    road: Road
    extent: Extent
    diagram: Diagram

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
        }

    def _end(self) -> str:
        return self.road.calibration.text(self.extent.end_m)


def show_plan(project: Project, window: str, columns: int) -> Shown:
    """Draw what the store holds of a project: the road alone before the first run, the whole plan after it.

    ``window`` is ``FROM-TO`` in kilometre labels, empty for the whole road; ``columns`` 0 fits the terminal.
    """
    planned = plan_stages(project, lambda step: no_progress, until="road")
    road, layers = planned.road, dict(planned.layers())
    layers |= kept_stages(project).layers()
    extent = _extent_of(road, window)
    width = columns or max(40, min(shutil.get_terminal_size((110, 40)).columns - 40, 160))
    return Shown(road, extent, strip_of(road, layers, extent, width))


def _extent_of(road: Road, window: str) -> Extent:
    if not window:
        return Extent(0.0, road.length_m)
    match = _WINDOW.fullmatch(window.strip())
    if match is None:
        raise UsageError(f"show: {window!r} is not FROM-TO", cure="350-360, or 350+500-360+200")
    ends = [_clamped(road, KmLabel.parse(match[name])) for name in ("start", "end")]
    if ends[0] >= ends[1]:
        raise UsageError(f"show: {window!r} holds no stretch of {road.ref}", cure="FROM before TO, on the road")
    return Extent(ends[0], ends[1])


def _clamped(road: Road, label: KmLabel) -> float:
    """The measure of a label; labels off the ends are the ends."""
    first, last = float(road.calibration.km(0.0)), float(road.calibration.km(road.length_m))
    if label.decimal_km <= first:
        return 0.0
    return road.length_m if label.decimal_km >= last else road.calibration.measure(label)
