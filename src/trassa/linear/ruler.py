"""The km ruler of a straight-line diagram: which column of text stands for which measure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear.calibration import Calibration
from trassa.linear.extent import Extent
from trassa.linear.label import KmLabel, Script

__all__ = ["Ruler", "Tick", "nice_step_m", "round_labels", "tick_step_km"]

_WORDS: dict[str, Script] = {"km": "Latn", "км": "Cyrl"}
_NOTE = re.compile(r"(?P<step>[-+0-9.e]+) m a column from measure (?P<start>[-+0-9.e]+) m")
_TICK_STEPS_KM = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_EPSILON = 1e-6


def nice_step_m(least_m: float) -> float:
    """The smallest of 1, 2, 5 · 10ⁿ that is not below ``least_m``, which is positive."""
    decade = 10.0 ** math.floor(math.log10(least_m))
    for factor in (1.0, 2.0, 5.0):
        if factor * decade >= least_m * (1.0 - 1e-9):
            return factor * decade
    return 10.0 * decade


@dataclass(frozen=True)
class Tick:
    """A label on the ruler; its first character stands at ``column``."""

    column: int
    label: KmLabel

    @property
    def text(self) -> str:
        """``350``, or ``350+500`` between whole kilometres."""
        return str(self.label) if self.label.metres else str(self.label.km)


@dataclass(frozen=True)
class Ruler:
    """Columns of constant length along a road.

    ::

        km      340       350       360
                ^ column 0: [start_m, start_m + step_m)

    Column c stands for ``[start_m + c·step_m, start_m + (c+1)·step_m)``. Where the ticks alone do not give
    ``start_m`` and ``step_m`` (labels are no measures), the ruler's line says both at its right end.
    """

    start_m: float
    step_m: float
    columns: int
    ticks: tuple[Tick, ...]
    script: Script = "Latn"

    def __post_init__(self) -> None:
        if not self.step_m > 0.0 or self.columns < 1:
            raise InputError(f"ruler: {self.columns} columns of {self.step_m:g} m; both must be positive")

    @classmethod
    def over(cls, extent: Extent, calibration: Calibration, columns: int = 100) -> Ruler:
        """At most ``columns`` columns over an extent, their length a round number of metres, at least 1 m.

        The end of the extent has a column too, so that what stands exactly there can be drawn.
        """
        if columns < 10:
            raise InputError(f"ruler: {columns} columns are too narrow for a diagram", cure="at least 10")
        step_m = max(nice_step_m(extent.length_m / (columns - 1)), 1.0)
        count = math.floor(extent.length_m / step_m + _EPSILON) + 1
        bare = cls(extent.start_m, step_m, count, (), calibration.script)
        return cls(extent.start_m, step_m, count, tuple(_ticks(bare, calibration)), calibration.script)

    @classmethod
    def parse(cls, line: str, origin: int, columns: int) -> Ruler:
        """Read a ruler's line whose column 0 stands at character ``origin``."""
        note = _NOTE.search(line)
        words = list(re.finditer(r"\S+", line[: note.start()] if note else line))
        if not words or words[0].group() not in _WORDS:
            raise InputError(f"diagram: {line!r} is not a ruler", cure="a line such as 'km   340   350'")
        ticks = tuple(Tick(word.start() - origin, KmLabel.parse(word.group())) for word in words[1:])
        if note:
            start_m, step_m = float(note["start"]), float(note["step"])
        else:
            start_m, step_m = _scale_of(ticks, line)
        return cls(start_m, step_m, columns, ticks, _WORDS[words[0].group()])

    @property
    def extent(self) -> Extent:
        """What all columns together stand for."""
        return Extent(self.start_m, self.measure_m(self.columns))

    def measure_m(self, column: int) -> float:
        """Measure of a column's left edge."""
        return self.start_m + column * self.step_m

    def column(self, measure_m: float) -> int:
        """The column a measure falls in; off the ruler it is negative or not below ``columns``."""
        return math.floor((measure_m - self.start_m) / self.step_m + _EPSILON)

    def span(self, extent: Extent) -> range:
        """Every column that an extent touches, so that nothing short is hidden."""
        first = self.column(extent.start_m)
        last = math.ceil((extent.end_m - self.start_m) / self.step_m - _EPSILON)
        return range(max(first, 0), min(max(last, first + 1), self.columns))

    def worst(
        self, start_m: npt.NDArray[np.float64], end_m: npt.NDArray[np.float64], values: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """The smallest value among the extents that touch each column, shape (columns,); NaN where none does.

        The three arrays have shape (n,) and describe extents no longer than they need to be: bins, not roads.
        NaN among ``values`` counts as unknown and yields to a number; pass −inf for what must win.
        """
        first = np.floor((start_m - self.start_m) / self.step_m + _EPSILON).astype(np.int64)
        last = np.ceil((end_m - self.start_m) / self.step_m - _EPSILON).astype(np.int64)
        last = np.minimum(np.maximum(last, first + 1), self.columns)
        first = np.maximum(first, 0)
        counts = np.maximum(last - first, 0)
        touched = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        worst = np.full(self.columns, np.nan)
        np.fmin.at(worst, touched, np.repeat(values, counts))
        return worst

    def cut(self, first: int, last: int) -> Ruler:
        """The columns ``[first, last)`` as a ruler of their own."""
        ticks = tuple(Tick(t.column - first, t.label) for t in self.ticks if first <= t.column < last)
        return Ruler(self.measure_m(first), self.step_m, last - first, ticks, self.script)

    def line(self, origin: int) -> str:
        """The ruler as text, column 0 at character ``origin``."""
        word = next(word for word, script in _WORDS.items() if script == self.script)
        text = word.ljust(origin)
        for tick in self.ticks:
            text = text.ljust(origin + tick.column) + tick.text
        if self._speaks_for_itself():
            return text
        note = f"{_number(self.step_m)} m a column from measure {_number(self.start_m)} m"
        return text.ljust(origin + self.columns) + "  " + note

    def _speaks_for_itself(self) -> bool:
        try:
            return _scale_of(self.ticks, "") == (self.start_m, self.step_m)
        except InputError:
            return False


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _metres(label: KmLabel) -> float:
    return label.km * 1000.0 + label.metres


def _scale_of(ticks: tuple[Tick, ...], line: str) -> tuple[float, float]:
    """``start_m`` and ``step_m`` from the ticks alone, taking labels for measures."""
    cure = "two evenly placed numbers, or '100 m a column from measure 0 m' at the right end"
    if len(ticks) < 2:
        raise InputError(f"diagram: the ruler {line.strip()!r} has no scale", cure=cure)
    first, last = ticks[0], ticks[-1]
    step_m = (_metres(last.label) - _metres(first.label)) / (last.column - first.column)
    start_m = _metres(first.label) - first.column * step_m
    for tick in ticks:
        drawn_m = start_m + tick.column * step_m
        if step_m <= 0.0 or abs(drawn_m - _metres(tick.label)) > _EPSILON:
            raise InputError(f"diagram: {tick.text} stands off the even ruler {line.strip()!r}", cure=cure)
    return start_m, step_m


def round_labels(calibration: Calibration, tick_km: float) -> Iterator[tuple[float, KmLabel]]:
    """``(measure_m, label)`` of every multiple of ``tick_km`` on the road; at a jump on both sides of it."""
    last_m = -math.inf
    for interval in calibration.intervals:
        if interval.end_km <= interval.start_km:
            continue
        first = math.ceil(interval.start_km / tick_km - _EPSILON)
        for index in range(first, math.floor(interval.end_km / tick_km + _EPSILON) + 1):
            share = (index * tick_km - interval.start_km) / (interval.end_km - interval.start_km)
            measure_m = interval.start_m + share * (interval.end_m - interval.start_m)
            if measure_m > last_m + _EPSILON:
                last_m = measure_m
                yield measure_m, KmLabel.from_decimal(index * tick_km)


def tick_step_km(room_km: float) -> float:
    """The finest spacing of labels that leaves each ``room_km``; below whole kilometres labels need twice that."""
    steps = (step for step in _TICK_STEPS_KM if step >= (room_km if step >= 1.0 else 2.0 * room_km))
    return next(steps, _TICK_STEPS_KM[-1])


def _ticks(ruler: Ruler, calibration: Calibration) -> Iterator[Tick]:
    """Round labels as close as they can be read."""
    widest = max(len(str(int(interval.end_km))) for interval in calibration.intervals)
    tick_km = tick_step_km(ruler.step_m * (widest + 4) / 1000.0)
    free = 0
    for measure_m, label in round_labels(calibration, tick_km):
        tick = Tick(ruler.column(measure_m), label)
        if free <= tick.column < ruler.columns:
            free = tick.column + len(tick.text) + 1
            yield tick
