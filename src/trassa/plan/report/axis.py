"""The km axis that all strip charts of a sheet share, and what it costs to draw less than is known.

A picture has fewer columns than a road has bins. A column shows the worst of its bins, and a column with one bad
bin is drawn as bad however many good ones it holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear import Calibration, Extent, KmLabel, Layer, Ruler
from trassa.linear.ruler import round_labels, tick_step_km
from trassa.plan.report.svg import Px

__all__ = ["KmAxis", "worst_margins"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class KmAxis:
    """An extent of the road across ``width`` columns of the picture, from x = ``left``."""

    extent: Extent
    calibration: Calibration
    left: int
    width: int

    @property
    def right(self) -> int:
        """The x of the extent's end."""
        return self.left + self.width

    @property
    def ruler(self) -> Ruler:
        """The columns as a ruler."""
        return Ruler(self.extent.start_m, self.extent.length_m / self.width, self.width, ())

    def x(self, measure_m: float) -> Px:
        """Where a measure stands; off the extent it lies off the axis."""
        return self.left + (measure_m - self.extent.start_m) / self.extent.length_m * self.width

    def shows(self, measure_m: float) -> bool:
        """Whether a measure lies on the axis, both ends included."""
        return self.extent.start_m <= measure_m <= self.extent.end_m

    def clipped(self, start_m: float, end_m: float) -> tuple[Px, Px] | None:
        """The x of both ends of an extent, cut to the axis and at least one unit wide; None off the axis."""
        if not (start_m < self.extent.end_m and end_m > self.extent.start_m):
            return None
        first, last = max(self.x(start_m), self.left), min(self.x(end_m), self.right)
        return first, max(last, first + 1.0)

    def ticks(self, room: Px = 62.0) -> Iterator[tuple[float, str]]:
        """``(x, text)`` of round labels at least ``room`` apart."""
        tick_km = tick_step_km(self.extent.length_m / self.width * room / 1000.0)
        free = -math.inf
        for measure_m, label in round_labels(self.calibration, tick_km):
            x = self.x(measure_m)
            if self.shows(measure_m) and x >= free:
                free = x + 0.6 * room
                yield x, _plain(label)

    def breaks(self) -> str:
        """``x:km`` at the ends and at every bend of the calibration, for the pointer's label."""
        pieces: list[str] = []
        for interval in self.calibration.intervals:
            start_m = max(interval.start_m, self.extent.start_m)
            end_m = min(interval.end_m, self.extent.end_m)
            if start_m < end_m:
                share = (np.array([start_m, end_m]) - interval.start_m) / (interval.end_m - interval.start_m)
                km = interval.start_km + share * (interval.end_km - interval.start_km)
                pieces.append(f"{self.x(start_m):.2f}:{km[0]:.4f}:{self.x(end_m):.2f}:{km[1]:.4f}")
        return " ".join(pieces)


def worst_margins(axis: KmAxis, bins: Layer, column: str) -> FloatArray:
    """The worst margin of each column of the picture over the bins that count, shape (width,).

    −inf where a bin has no server at all, NaN where no bin counts. ``bins`` is one carriageway's.
    """
    counted = bins.take(
        (bins["exempt"] == "") & (bins["end_m"] > axis.extent.start_m) & (bins["start_m"] < axis.extent.end_m)
    )
    values = np.where(np.isnan(counted[column]), -np.inf, counted[column])
    return axis.ruler.worst(counted["start_m"], counted["end_m"], values)


def _plain(label: KmLabel) -> str:
    return str(label) if label.metres else str(label.km)
