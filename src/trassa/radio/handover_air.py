"""What the air holds at a place of a drive, what the modem measures of it, and when event A3 is reported."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled

__all__ = ["NO_SIGNAL_DB", "Course", "Measured", "level_at", "measure", "pair_of", "reported", "strongest"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NO_SIGNAL_DB = -1000.0
"""The level and the SINR of a cell where it is not heard."""


class Course(NamedTuple):
    """What is driven through: see :class:`trassa.radio.handover_way.Way`; levels are those of one trip."""

    along_m: FloatArray
    exempt: BoolArray
    pair_start: IntArray
    pair_cell: IntArray
    pair_from: IntArray
    pair_to: IntArray
    level_dbm: FloatArray
    sinr_db: FloatArray
    cells: int


class Measured(NamedTuple):
    """What the modem keeps of every cell, shape (cells,).

    The filtered level, the step of the last measurement, and the step at which event A3 was entered; −1 for none.
    """

    filtered_dbm: FloatArray
    step: IntArray
    entered: IntArray


@compiled
def level_at(values: FloatArray, start: int, end: int, share: float) -> float:
    """A level between two nodes; where only one of them hears the cell, that one's up to half-way."""
    found: float = NO_SIGNAL_DB
    if start >= 0 and end >= 0:
        found = values[start] + share * (values[end] - values[start])
    elif start >= 0 and share < 0.5:
        found = values[start]
    elif end >= 0 and share >= 0.5:
        found = values[end]
    return found


@compiled
def pair_of(course: Course, node: int, cell: int) -> int:
    """The pair of a cell between a node and the next, −1 where it is not heard."""
    for pair in range(course.pair_start[node], course.pair_start[node + 1]):
        if course.pair_cell[pair] == cell:
            return pair
    return -1


@compiled
def strongest(course: Course, node: int, share: float, least_sinr_db: float) -> int:
    """The strongest cell at a place that a link can be made with, −1 for none."""
    best, best_dbm = -1, NO_SIGNAL_DB
    for pair in range(course.pair_start[node], course.pair_start[node + 1]):
        start, end = course.pair_from[pair], course.pair_to[pair]
        level_dbm = level_at(course.level_dbm, start, end, share)
        if level_dbm > best_dbm and level_at(course.sinr_db, start, end, share) >= least_sinr_db:
            best, best_dbm = course.pair_cell[pair], level_dbm
    return best


@compiled
def measure(
    course: Course, measured: Measured, node: int, share: float, step: int, period: int, filter_share: float
) -> None:
    """Measure all cells heard and filter their levels (TS 38.331, 5.5.3.2); a cell that was not heard starts anew."""
    cells, starts, ends, levels_dbm = course.pair_cell, course.pair_from, course.pair_to, course.level_dbm
    filtered_dbm, last, entered = measured.filtered_dbm, measured.step, measured.entered
    for pair in range(course.pair_start[node], course.pair_start[node + 1]):
        level_dbm = level_at(levels_dbm, starts[pair], ends[pair], share)
        if level_dbm == NO_SIGNAL_DB:
            continue
        cell = cells[pair]
        if last[cell] >= 0 and last[cell] == step - period:
            level_dbm = filtered_dbm[cell] + filter_share * (level_dbm - filtered_dbm[cell])
        else:
            entered[cell] = -1
        filtered_dbm[cell], last[cell] = level_dbm, step


@compiled
def reported(
    course: Course, measured: Measured, node: int, step: int, serving: int, advantage_db: float, trigger: int
) -> int:
    """The strongest cell for which event A3 has held through the time to trigger (TS 38.331, 5.5.4.4), −1 for none."""
    cells, filtered_dbm, last, entered = course.pair_cell, measured.filtered_dbm, measured.step, measured.entered
    threshold_dbm = advantage_db + (filtered_dbm[serving] if last[serving] == step else NO_SIGNAL_DB)
    best = -1
    for pair in range(course.pair_start[node], course.pair_start[node + 1]):
        cell = cells[pair]
        if cell == serving or last[cell] != step:
            continue
        if filtered_dbm[cell] <= threshold_dbm:
            entered[cell] = -1
            continue
        if entered[cell] < 0:
            entered[cell] = step
        if step - entered[cell] >= trigger and (best < 0 or filtered_dbm[cell] > filtered_dbm[best]):
            best = cell
    return best
