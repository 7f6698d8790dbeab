"""How far residuals are alike along a road: an exponential correlation fitted to their variogram."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

__all__ = ["correlation_of"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_LAG_M = 25.0
_FARTHEST_M = 1500.0
_FEWEST_PAIRS = 20
_FEWEST_LAGS = 4
_BOUNDS_M = (5.0, 5000.0)


def correlation_of(
    residual_db: FloatArray, measure_m: FloatArray, link: IntArray, run: IntArray, sigma_db: float
) -> tuple[float, float]:
    """Distance in metres at which the correlated part falls to 1/e, and its share of the variance.

    ::

        γ(h) = ½ E (r(s + h) − r(s))² = σ² (1 − share · exp(−h / distance))

    over pairs of one drive and one link up to 1.5 km apart, fitted by least squares relative to the model, weighted by
    the number of pairs (N. Cressie, Statistics for Spatial Data, §2.6). They are NaN and 0 where there is too little
    to fit, or the distance found lies beyond what was compared. Arrays of shape (n,).
    """
    lag, half_square, pairs = _variogram(residual_db, measure_m, link, run)
    if len(lag) < _FEWEST_LAGS or sigma_db <= 0.0:
        return math.nan, 0.0
    weight = np.sqrt(pairs / pairs.sum())

    def misfit(parameters: FloatArray) -> FloatArray:
        modelled = sigma_db**2 * (1.0 - parameters[1] * np.exp(-lag / np.exp(parameters[0])))
        return np.asarray(weight * (half_square / modelled - 1.0))

    bounds = ([math.log(_BOUNDS_M[0]), 0.02], [math.log(_BOUNDS_M[1]), 0.98])
    found = least_squares(misfit, [math.log(150.0), 0.7], bounds=bounds)
    distance_m = float(np.exp(found.x[0]))
    return (distance_m, float(found.x[1])) if distance_m <= _FARTHEST_M else (math.nan, 0.0)


def _variogram(
    residual_db: FloatArray, measure_m: FloatArray, link: IntArray, run: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean lag in metres, half the mean square of differences in dB², and the number of pairs, by bins of 25 m."""
    order = np.lexsort((measure_m, link, run))
    residual, measure, link, run = residual_db[order], measure_m[order], link[order], run[order]
    count = math.ceil(_FARTHEST_M / _LAG_M)
    sums = np.zeros((3, count))
    step = 1
    while step < len(measure):
        apart = measure[step:] - measure[:-step]
        near = (link[step:] == link[:-step]) & (run[step:] == run[:-step]) & (apart < _FARTHEST_M)
        if not near.any():
            break
        # a standing car gives many pairs of no distance: they say nothing of how far shadowing reaches
        near &= apart >= 1.0
        bins = (apart[near] / _LAG_M).astype(np.int64)
        values = (np.ones(len(bins)), apart[near], (residual[step:] - residual[:-step])[near] ** 2)
        sums += np.stack([np.bincount(bins, value, count) for value in values])
        step += 1 if step < 8 else step // 4
    known = sums[0] >= _FEWEST_PAIRS
    pairs, lags, squares = sums[:, known]
    return lags / pairs, 0.5 * squares / pairs, pairs
