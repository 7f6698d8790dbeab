"""Calibration: from measure to kilometre label and back.

A road is a list of *label intervals*. Inside one, label and measure run together linearly; between two there may
be a jump, where numberings meet, and some labels then exist nowhere. Labels rise with measure on every interval.

- between two accepted posts the interval is ``interpolated``, so each accepted post reads exactly;
- before the first and behind the last post, and on both sides of a jump, it is ``extrapolated`` at scale 1;
- a drawn or schematic axis *declares* its labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear.extent import Extent
from trassa.linear.label import KmLabel, Script

__all__ = ["Calibration", "IntervalKind", "LabelInterval", "LabelNotFound"]

IntervalKind = Literal["interpolated", "extrapolated", "declared"]
FloatArray = npt.NDArray[np.float64]


class LabelNotFound(InputError):
    """A label that stands nowhere on this road: outside its ends, or skipped by a jump."""


@dataclass(frozen=True)
class LabelInterval:
    """A stretch on which label and measure run together linearly."""

    start_m: float
    end_m: float
    start_km: float
    end_km: float
    kind: IntervalKind

    @property
    def stretch(self) -> float:
        """Metres of road per labelled metre: 1.07 where the post stands 70 m too far."""
        return (self.end_m - self.start_m) / ((self.end_km - self.start_km) * 1000.0)


@dataclass(frozen=True)
class Calibration:
    """The labels of one road; intervals touch, in order of measure."""

    intervals: tuple[LabelInterval, ...]
    script: Script = "Latn"

    def __post_init__(self) -> None:
        if not self.intervals:
            raise InputError("calibration: no label interval", cure="Calibration.from_start(length_m)")
        for before, after in zip(self.intervals, self.intervals[1:], strict=False):
            if abs(before.end_m - after.start_m) > 1e-6:
                raise InputError(f"calibration: intervals do not touch at measure {before.end_m:.1f} m")

    @classmethod
    def from_start(cls, length_m: float, start_km: float = 0.0, script: Script = "Latn") -> Calibration:
        """Labels at scale 1 from the start of a road without any post: extrapolated all along."""
        whole = LabelInterval(0.0, length_m, start_km, start_km + length_m / 1000.0, "extrapolated")
        return cls((whole,), script)

    def km(self, measure_m: npt.ArrayLike) -> FloatArray:
        """Decimal kilometre label at each measure; measures off the ends read as at the ends' scale. Any shape."""
        measure = np.asarray(measure_m, dtype=np.float64)
        ends = np.array([interval.end_m for interval in self.intervals])
        index = np.minimum(np.searchsorted(ends, measure, side="right"), len(ends) - 1)
        start_m, end_m, start_km, end_km = self._columns()
        share = (measure - start_m[index]) / (end_m[index] - start_m[index])
        return np.asarray(start_km[index] + share * (end_km[index] - start_km[index]), dtype=np.float64)

    def label(self, measure_m: float) -> KmLabel:
        """The label at one measure, to the whole metre."""
        return KmLabel.from_decimal(float(self.km(measure_m)))

    def text(self, measure_m: float) -> str:
        """``km 352+400`` at one measure, in the road's script."""
        return self.label(measure_m).format(self.script)

    def measure(self, label: KmLabel) -> float:
        """The measure of a label.

        Below 1,000 metres past the post the label is read as a decimal; from 1,000 on it means real metres past
        the post and is legal only where the interval is that long.
        """
        if label.metres >= 1000.0:
            return self._measure_past_post(label)
        return self.measure_at_km(label.decimal_km)

    def measure_at_km(self, km: float) -> float:
        """The measure of a decimal kilometre; :class:`LabelNotFound` where no such label exists."""
        slack_km = 5e-7
        for interval in self.intervals:
            if interval.start_km - slack_km <= km <= interval.end_km + slack_km:
                share = (km - interval.start_km) / (interval.end_km - interval.start_km)
                return interval.start_m + min(max(share, 0.0), 1.0) * (interval.end_m - interval.start_m)
        raise LabelNotFound(
            f"label: {KmLabel.from_decimal(max(km, 0.0)).format(self.script)} does not exist on this road",
            cure="a label within " + ", ".join(self._label_ranges()),
        )

    def extrapolated_by_m(self, measure_m: npt.ArrayLike) -> FloatArray:
        """Distance in metres from each measure to the nearest calibrated place; 0 inside interpolated stretches."""
        measure = np.asarray(measure_m, dtype=np.float64)
        distance = np.full(measure.shape, np.inf)
        for interval in self.intervals:
            if interval.kind != "extrapolated":
                off = np.maximum(interval.start_m - measure, measure - interval.end_m)
                distance = np.minimum(distance, np.maximum(off, 0.0))
        return distance

    def extents(self, kind: IntervalKind) -> list[Extent]:
        """The extents whose labels are of one kind."""
        return [Extent(i.start_m, i.end_m) for i in self.intervals if i.kind == kind and i.end_m > i.start_m]

    def _measure_past_post(self, label: KmLabel) -> float:
        start = self.measure_at_km(float(label.km))
        for interval in self.intervals:
            ends_later = interval.end_m > start + 1e-6
            if ends_later and interval.start_m - 1e-6 <= start:
                next_km = min(float(label.km + 1), interval.end_km)
                room_m = self.measure_at_km(next_km) - start
                if label.metres <= room_m:
                    return start + label.metres
                raise LabelNotFound(
                    f"label: {label.format(self.script)} lies {label.metres - room_m:.0f} m behind the next post "
                    f"(the interval is {room_m:.0f} m long)",
                    cure=self.text(start + room_m),
                )
        raise LabelNotFound(f"label: {label.format(self.script)} lies behind the end of the road")

    def _columns(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        rows: Sequence[tuple[float, float, float, float]] = [
            (i.start_m, i.end_m, i.start_km, i.end_km) for i in self.intervals
        ]
        start_m, end_m, start_km, end_km = np.array(rows, dtype=np.float64).T
        return start_m, end_m, start_km, end_km

    def _label_ranges(self) -> list[str]:
        ranges: list[list[float]] = []
        for interval in self.intervals:
            if ranges and abs(ranges[-1][1] - interval.start_km) < 1e-6:
                ranges[-1][1] = interval.end_km
            else:
                ranges.append([interval.start_km, interval.end_km])
        return [f"{KmLabel.from_decimal(max(a, 0.0))}…{KmLabel.from_decimal(max(b, 0.0))}" for a, b in ranges]
