"""Curves over the km axis: levels as steps, and what falls below a promise made visible at any width."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.plan.report.axis import FloatArray, KmAxis
from trassa.plan.report.svg import Number, Px, coordinate, line, tag, text

__all__ = ["Level", "Series", "alarm_bands", "bad_blocks", "exempt_blocks", "grid", "need_line", "runs", "steps"]

_LINE = 8.0
"""Height of a line of the scale."""


Quantity = float
"""A value in the unit of its panel."""


@dataclass(frozen=True)
class Level:
    """The vertical axis of a panel: ``top`` and ``bottom`` are values, what lies beyond is drawn at the edge.

    ``bend`` makes the axis uneven (a logarithm, say); it must rise.
    """

    top: float
    bottom: float
    height: int
    bend: Callable[[float], float] = float

    def y(self, value: Quantity) -> Px:
        """Where a value is drawn, to half a unit, rounded downwards: never better than it is."""
        top, bottom = self.bend(self.top), self.bend(self.bottom)
        clipped = self.bend(min(max(value, self.bottom), self.top))
        exact = (top - clipped) / (top - bottom) * (self.height - 8) + 4
        return math.ceil(exact * 2.0) / 2.0


@dataclass(frozen=True)
class Series:
    """Worst values per column, shape (width,), and how the pointer names them."""

    values: FloatArray
    name: str
    class_: str
    unit: str = "dB"
    digits: int = 1


def steps(axis: KmAxis, series: Series, level: Level, base: Quantity | None = None) -> str:
    """Values per column as steps: a line, or an area from ``base``; the exact figures ride along."""
    parts: list[str] = []
    for start, end in runs(~np.isnan(series.values)):
        pen = level.y(series.values[start])
        parts.append(f"M{axis.left + start} {coordinate(pen if base is None else level.y(base))}V{coordinate(pen)}")
        for column in range(start + 1, end):
            y = level.y(series.values[column])
            if y != pen:
                parts.append(f"H{axis.left + column}V{coordinate(y)}")
                pen = y
        parts.append(f"H{axis.left + end}" + ("" if base is None else f"V{coordinate(level.y(base))}z"))
    return tag("path", d="".join(parts) or "M0 0", class_=series.class_, data_name=series.name, data_unit=series.unit,
               data_digits=series.digits, data_v=_figures(series))  # fmt: skip


def grid(axis: KmAxis, level: Level, values: Sequence[Quantity], need: Quantity | None = None) -> Iterator[str]:
    """Faint lines at round values, with their texts at the left; the need takes the place of what is too near it."""
    for value in values:
        yield line(axis.left, level.y(value), axis.right, level.y(value), "grid")
        if need is None or abs(level.y(value) - level.y(need)) >= _LINE:
            yield text(axis.left - 4, level.y(value) + 3, f"{value:g}".replace("-", "−"), "scale", "end")
    if need is not None:
        yield text(axis.left - 4, level.y(need) + 3, "need", "scale strong", "end")


def need_line(axis: KmAxis, level: Level, need: Quantity) -> str:
    """The line that must not be crossed; drawn last."""
    return line(axis.left, level.y(need), axis.right, level.y(need), "need")


def alarm_bands(axis: KmAxis, bad: npt.NDArray[np.bool_], height: Number) -> Iterator[str]:
    """A faint band over the panel's height wherever a column holds a bin below need: seen from afar."""
    for start, end in runs(bad):
        yield tag("rect", x=axis.left + start, y=0, width=max(end - start, 2), height=height, class_="alarm")


def bad_blocks(axis: KmAxis, values: FloatArray, level: Level, need: Quantity, class_: str) -> Iterator[str]:
    """A block from the need line down for every run of columns that hold a bin below need."""
    for start, end in runs(values < need):
        top, bottom = level.y(need), level.y(float(np.min(values[start:end])))
        tall, wide = max(bottom - top, 3.0), max(end - start, 1.5)
        yield tag("rect", x=axis.left + start, y=top, width=wide, height=tall, class_=class_)


def exempt_blocks(axis: KmAxis, known: FloatArray, exempt: FloatArray, height: int) -> Iterator[str]:
    """Stretches without a promise: columns that touch an exempt extent and hold no bin that counts.

    ``known`` is NaN in columns where no bin counts, ``exempt`` holds start and end of every exempt bin, shape (n, 2).
    """
    touched = axis.ruler.worst(exempt[:, 0], exempt[:, 1], np.zeros(len(exempt)))
    for start, end in runs(np.isnan(known) & ~np.isnan(touched)):
        yield tag("rect", x=axis.left + start, y=4, width=end - start, height=height - 8, class_="exempt")


def runs(mask: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """``(first, last + 1)`` of every run of true columns."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _figures(series: Series) -> str:
    """Whole multiples of the last digit, rounded down, as run lengths ``value*count``; ``x`` unknown, ``-`` none."""
    scale = 10.0**series.digits
    tokens: list[str] = []
    last, count = "", 0
    for value in [*series.values.tolist(), None]:
        token = _figure(value, scale)
        if token == last:
            count += 1
            continue
        if count:
            tokens.append(last if count == 1 else f"{last}*{count}")
        last, count = token, 1
    return " ".join(tokens)


def _figure(value: float | None, scale: float) -> str:
    if value is None:
        return ""
    return "x" if math.isnan(value) else "-" if math.isinf(value) else str(math.floor(value * scale))
