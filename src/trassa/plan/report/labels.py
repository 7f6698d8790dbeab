"""Room for the labels of a map: each is put where it covers nothing, or left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trassa.plan.report.svg import Px, text

__all__ = ["LabelRoom"]

_CELL = 4.0
_LETTER, _LINE = 5.6, 10.0
_SIDES = ((1, 0), (-1, 0), (0.7, -0.7), (-0.7, -0.7), (0.7, 0.7), (-0.7, 0.7), (0, -1), (0, 1))


@dataclass
class LabelRoom:
    """What is taken of a picture of that size, in cells of four units."""

    width: float
    height: float
    taken: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.taken = np.zeros((math.ceil(self.height / _CELL) + 1, math.ceil(self.width / _CELL) + 1), dtype=bool)

    def block(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> None:
        """Keep labels off the points of a line."""
        column, row = (x / _CELL).astype(np.int64), (y / _CELL).astype(np.int64)
        inside = (row >= 0) & (row < self.taken.shape[0]) & (column >= 0) & (column < self.taken.shape[1])
        self.taken[row[inside], column[inside]] = True

    def block_square(self, x: Px, y: Px, half: Px) -> None:
        """Keep labels off a symbol."""
        rows = slice(max(int((y - half) / _CELL), 0), int((y + half) / _CELL) + 1)
        self.taken[rows, max(int((x - half) / _CELL), 0) : int((x + half) / _CELL) + 1] = True

    def place(self, x: Px, y: Px, half: Px, words: str, class_: str) -> Iterator[str]:
        """The label as near to a symbol as there is room on one of its eight sides; nothing where there is none."""
        width = _LETTER * len(words)
        for away in (half + 3.0, half + 7.0, half + 10.0):
            for dx, dy in _SIDES:
                left = x + dx * away - (width if dx < 0 else 0.0 if dx > 0 else width / 2)
                top = y + dy * (away + _LINE / 2) - _LINE / 2
                if self._take(left, top, width):
                    yield text(left, top + _LINE - 2, words, class_)
                    return

    def _take(self, left: float, top: float, width: float) -> bool:
        if left < 2 or top < 2 or left + width > self.width - 2 or top + _LINE > self.height - 26:
            return False
        rows = slice(int(top / _CELL), int((top + _LINE) / _CELL) + 1)
        columns = slice(int(left / _CELL), int((left + width) / _CELL) + 1)
        if self.taken[rows, columns].any():
            return False
        self.taken[rows, columns] = True
        return True
