"""The height of the carriageway, found again from the tiles by the stated rule.

Rule: off bridges and tunnels a straight line is fitted to the ground within ± the window, weights falling linearly to
0 at its edge; a structure runs straight between its abutments; nowhere steeper than the limit: the mean of the lowest
such profile above and the highest below.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.paths import Surroundings
from trassa.plan.verify.verdict import Row

__all__ = ["check_heights"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
_TOLERANCE_M = 0.1


def check_heights(evidence: Evidence, ground: Surroundings) -> Row:
    """Stored heights of both carriageways against heights found here."""
    worst_m, place, count = 0.0, "", 0
    for carriageway in evidence.carriageways:
        line = evidence.layers["alignment"].where(carriageway=carriageway)
        line = line.take(np.argsort(line["measure_m"], kind="stable"))
        found = _height_m(evidence, line, ground)
        there = line["present"] & np.isfinite(line["height_m"])
        off = np.where(there, np.abs(found - line["height_m"]), 0.0)
        off = np.where(there & np.isnan(found), np.inf, off)
        count += int(there.sum())
        if off.max() > worst_m:
            worst_m = float(off.max())
            place = evidence.place(float(line["measure_m"][int(np.argmax(off))]), carriageway)
    said = f"{count} heights found again from the tiles, at most {worst_m:.3f} m apart"
    return Row("road.heights", place, _TOLERANCE_M - worst_m, "m", worst_m <= _TOLERANCE_M, None, said)


def _height_m(evidence: Evidence, line: Layer, ground: Surroundings) -> FloatArray:
    settings = evidence.settings.terrain
    measure = line["measure_m"]
    surface = ground.tiles.native().height_m(line["latitude_deg"], line["longitude_deg"])
    spanning = np.zeros(len(measure), dtype=bool)
    rows = evidence.layers["structures"].where(carriageway=str(line["carriageway"][0]))
    for kind, start_m, end_m in zip(rows["kind"], rows["start_m"], rows["end_m"], strict=True):
        if kind in ("bridge", "tunnel"):
            spanning |= (measure >= start_m) & (measure <= end_m)
    height = np.full(len(measure), np.nan)
    for run in _runs(line["present"]):
        at, open_road = measure[run], np.isfinite(surface[run]) & ~spanning[run]
        mine = np.full(len(at), np.nan)
        mine[open_road] = _fitted(at[open_road], surface[run][open_road], settings.smoothing_window_m)
        height[run] = _held(at, _bridged(at, mine, spanning[run]), settings.max_gradient)
    return height


def _runs(present: BoolArray) -> list[npt.NDArray[np.int64]]:
    there = np.flatnonzero(present)
    return [run for run in np.split(there, np.flatnonzero(np.diff(there) > 1) + 1) if len(run)]


def _bridged(measure_m: FloatArray, height_m: FloatArray, spanning: BoolArray) -> FloatArray:
    filled = height_m.copy()
    for i in np.flatnonzero(spanning):
        before, after = i, i
        while before >= 0 and spanning[before]:
            before -= 1
        while after < len(spanning) and spanning[after]:
            after += 1
        if before < 0 or after == len(spanning):
            filled[i] = height_m[after if before < 0 else before] if before >= 0 or after < len(spanning) else np.nan
        else:
            share = (measure_m[i] - measure_m[before]) / (measure_m[after] - measure_m[before])
            filled[i] = height_m[before] + share * (height_m[after] - height_m[before])
    return filled


@numba.njit(cache=True, nogil=True)
def _fitted(measure_m: FloatArray, ground_m: FloatArray, window_m: float) -> FloatArray:
    """Local straight lines, point by point, in centred coordinates."""
    fitted = np.empty(len(measure_m))
    first = 0
    for i in range(len(measure_m)):
        while measure_m[i] - measure_m[first] >= window_m:
            first += 1
        weights = centre = level = 0.0
        last = first
        while last < len(measure_m) and measure_m[last] - measure_m[i] < window_m:
            weight = 1.0 - abs(measure_m[last] - measure_m[i]) / window_m
            weights += weight
            centre += weight * (measure_m[last] - measure_m[i])
            level += weight * ground_m[last]
            last += 1
        centre, level = centre / weights, level / weights
        square = cross = 0.0
        for k in range(first, last):
            weight = 1.0 - abs(measure_m[k] - measure_m[i]) / window_m
            away = measure_m[k] - measure_m[i] - centre
            square += weight * away * away
            cross += weight * away * (ground_m[k] - level)
        fitted[i] = level - centre * cross / square if square > 1e-6 else level
    return fitted


@numba.njit(cache=True, nogil=True)
def _held(measure_m: FloatArray, height_m: FloatArray, max_gradient: float) -> FloatArray:
    """Between the lowest profile above and the highest below that keep the gradient."""
    above, below = height_m.copy(), height_m.copy()
    for i in range(1, len(measure_m)):
        step = max_gradient * (measure_m[i] - measure_m[i - 1])
        above[i] = _larger(above[i], above[i - 1] - step)
        below[i] = -_larger(-below[i], -(below[i - 1] + step))
    for i in range(len(measure_m) - 2, -1, -1):
        step = max_gradient * (measure_m[i + 1] - measure_m[i])
        above[i] = _larger(above[i], above[i + 1] - step)
        below[i] = -_larger(-below[i], -(below[i + 1] + step))
    held = (above + below) / 2.0
    for i in range(len(held)):  # np.where says the same, but costs more to compile than all the rest here
        if not np.isfinite(height_m[i]):
            held[i] = np.nan
    return held


@numba.njit(cache=True, nogil=True)
def _larger(first: float, second: float) -> float:
    """The larger of two, the known one where the other is NaN."""
    if np.isnan(first):
        return second
    return first if np.isnan(second) or first >= second else second
