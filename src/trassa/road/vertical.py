"""The vertical alignment: a road's height from the ground it runs on.

An elevation model is not a road: it stands on treetops and embankments, shows the valley under a bridge and the hill
over a tunnel. Three steps turn it into one:

1. On open road the ground is smoothed by local linear regression: at each point a straight line is fitted to the
   ground within ± ``window_m``, with weights that fall linearly from 1 at the point to 0 at the window's edge.
   Bridges, tunnels and unknown ground have no weight.
2. A bridge or tunnel runs straight from the smoothed height at one abutment to that at the other; at the road's end
   it keeps the height of its only abutment.
3. The gradient is limited: of all profiles nowhere steeper than ``max_gradient`` the one whose largest deviation is
   least, the mean of the lowest such profile above and the highest such profile below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear import Extent

__all__ = ["steep_extents", "vertical_alignment"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def vertical_alignment(
    measure_m: FloatArray,
    ground_m: FloatArray,
    structures: Sequence[Extent],
    window_m: float = 500.0,
    max_gradient: float = 0.06,
) -> tuple[FloatArray, FloatArray]:
    """Height of the carriageway in metres and its gradient in the sense of increasing measure, both of shape (n,).

    ``measure_m`` ascends; ``structures`` are the bridges and tunnels. Where ground is unknown off a structure, or a
    structure has no known abutment, height and gradient are NaN.
    """
    if not (window_m > 0 and max_gradient > 0):
        raise InputError(
            f"terrain: smoothing window {window_m:g} m and steepest gradient {max_gradient:g} must be positive"
        )
    on_structure = _inside(measure_m, structures)
    known = np.isfinite(ground_m) & ~on_structure
    height = np.full(len(measure_m), np.nan)
    height[known] = _smoothed(measure_m[known], ground_m[known], window_m)
    height = _spanned(measure_m, height, on_structure)
    height = _limited(measure_m, height, max_gradient)
    gradient = np.gradient(height, measure_m) if len(height) > 1 else np.full(len(height), np.nan)
    return height, gradient


def steep_extents(
    measure_m: FloatArray, ground_m: FloatArray, structures: Sequence[Extent], window_m: float, max_gradient: float
) -> list[tuple[Extent, float]]:
    """Where :func:`vertical_alignment` had to limit the gradient, and the steepest gradient it found there.

    Extents in which the unlimited profile and the limited one differ by more than 5 cm; those closer than ``window_m``
    are one, for a limited slope crosses the free one in its middle.
    """
    free, slope = vertical_alignment(measure_m, ground_m, structures, window_m, np.inf)
    held, _ = vertical_alignment(measure_m, ground_m, structures, window_m, max_gradient)
    apart = np.flatnonzero(np.abs(free - held) > 0.05)
    runs = np.split(apart, np.flatnonzero(np.diff(measure_m[apart]) >= window_m) + 1)
    return [
        (Extent(float(measure_m[run[0]]), float(measure_m[run[-1]])), float(np.nanmax(np.abs(slope[run]))))
        for run in runs
        if len(run) > 1
    ]


def _inside(measure_m: FloatArray, extents: Sequence[Extent]) -> BoolArray:
    """Points on a structure. Unlike elsewhere its end belongs to it: ground at either edge may be the valley's."""
    inside = np.zeros(len(measure_m), dtype=bool)
    for extent in extents:
        inside |= (measure_m >= extent.start_m) & (measure_m <= extent.end_m)
    return inside


def _smoothed(at_m: FloatArray, ground_m: FloatArray, window_m: float) -> FloatArray:
    """Weighted sums over the window, one shift of the whole profile at a time."""
    count, first, second, value, product = (np.zeros(len(at_m)) for _ in range(5))
    for shift in range(len(at_m)):
        left, right = slice(0, len(at_m) - shift), slice(shift, len(at_m))
        apart = at_m[right] - at_m[left]
        if apart.size == 0 or apart.min() >= window_m:
            break
        weight = np.maximum(1.0 - apart / window_m, 0.0)
        sides = [(left, right, apart)] if shift == 0 else [(left, right, apart), (right, left, -apart)]
        for here, there, away in sides:
            count[here] += weight
            first[here] += weight * away
            second[here] += weight * away**2
            value[here] += weight * ground_m[there]
            product[here] += weight * away * ground_m[there]
    spread = count * second - first**2
    fitted = spread > 1e-9 * np.maximum(count * second, 1e-300)
    mean = value / count
    return np.where(fitted, (second * value - first * product) / np.where(fitted, spread, 1.0), mean)


def _spanned(measure_m: FloatArray, height_m: FloatArray, on_structure: BoolArray) -> FloatArray:
    """Straight lines between abutments; a structure beside unknown ground stays unknown."""
    known = np.flatnonzero(np.isfinite(height_m))
    if not len(known):
        return height_m
    spanned = height_m.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on_structure, [False]]).astype(np.int8)))
    for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        abutments = [i for i in (first - 1, stop) if 0 <= i < len(height_m)]
        if abutments and np.isfinite(height_m[abutments]).all():
            spanned[first:stop] = np.interp(measure_m[first:stop], measure_m[abutments], height_m[abutments])
    return spanned


def _limited(measure_m: FloatArray, height_m: FloatArray, max_gradient: float) -> FloatArray:
    if not np.isfinite(max_gradient):
        return height_m
    rise = max_gradient * measure_m
    behind = np.fmin.accumulate(height_m - rise) + rise
    ahead = np.fmin.accumulate((height_m + rise)[::-1])[::-1] - rise
    below = np.fmin(behind, ahead)
    behind = np.fmax.accumulate(height_m + rise) - rise
    ahead = np.fmax.accumulate((height_m - rise)[::-1])[::-1] + rise
    above = np.fmax(behind, ahead)
    return np.where(np.isfinite(height_m), (above + below) / 2.0, np.nan)
