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

__all__ = ["KmAxis", "commonest", "exempt_extents", "worst_margins"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


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

    −inf where a bin has no server at all, NaN where no bin counts. ``bins`` is one carriageway's; in a layer without
    exemptions every row counts.
    """
    at = _on(axis, bins)
    if "exempt" in bins.columns:
        at = at[np.asarray(bins["exempt"][at] == "", dtype=bool)]
    values = np.nan_to_num(bins[column][at], nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    return axis.ruler.worst(bins["start_m"][at], bins["end_m"][at], values)


def exempt_extents(axis: KmAxis, bins: Layer) -> FloatArray:
    """Start and end of the exempt bins on the axis, shape (n, 2)."""
    at = _on(axis, bins)
    at = at[np.asarray(bins["exempt"][at] != "", dtype=bool)]
    return np.column_stack([bins["start_m"][at], bins["end_m"][at]])


def commonest(axis: KmAxis, bins: Layer, numbers: IntArray) -> IntArray:
    """The number that most bins of each column have, shape (width,); −1 where the column has no bin.

    ``numbers``, shape (bins,), are not negative.
    """
    at = _on(axis, bins)
    middle_m = 0.5 * (bins["start_m"][at] + bins["end_m"][at])
    column = np.floor((middle_m - axis.extent.start_m) / axis.ruler.step_m).astype(np.int64)
    kinds = int(numbers.max(initial=0)) + 1
    pairs, counts = np.unique(np.clip(column, 0, axis.width - 1) * kinds + numbers[at], return_counts=True)
    found = np.full(axis.width, -1, dtype=np.int64)
    order = np.argsort(counts, kind="stable")
    found[pairs[order] // kinds] = pairs[order] % kinds
    return found


def _on(axis: KmAxis, bins: Layer) -> IntArray:
    return np.flatnonzero((bins["end_m"] > axis.extent.start_m) & (bins["start_m"] < axis.extent.end_m))


def _plain(label: KmLabel) -> str:
    return str(label) if label.metres else str(label.km)
