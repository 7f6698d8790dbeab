"""Predicted against measured: the errors of two predictions side by side, and levels along the kilometres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["AlongRoad", "Comparison", "along_road"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_DRAWS = 4000


@dataclass(frozen=True)
class Comparison:
    """Root mean square errors in dB of the law and of trassa on the same samples, and law less trassa.

    The interval of the difference is the 95 % percentile interval of the bootstrap over ``parts`` (stretches of 2 km,
    or drives), in which both predictions are drawn together.
    """

    samples: int
    parts: int
    law_rmse_db: float
    trassa_rmse_db: float
    difference_db: float
    low_db: float
    high_db: float

    @classmethod
    def of(cls, measured_dbm: FloatArray, law_dbm: FloatArray, trassa_dbm: FloatArray, part: IntArray) -> Comparison:
        """Of predictions of shape (n,), NaN left out; ``part`` numbers what is drawn together. NaN if none is left."""
        known = np.isfinite(law_dbm) & np.isfinite(trassa_dbm)
        if not known.any():
            return cls(0, 0, *(5 * [float("nan")]))
        _, number = np.unique(part[known], return_inverse=True)
        squares = [(one[known] - measured_dbm[known]) ** 2 for one in (law_dbm, trassa_dbm)]
        sums = np.column_stack([np.bincount(number.ravel(), values) for values in (*squares, np.ones(known.sum()))])
        drawn = np.random.default_rng(0).integers(0, len(sums), (_DRAWS, len(sums)))
        law, trassa = _root_mean(sums.sum(axis=0))
        apart = np.subtract(*_root_mean(sums[drawn].sum(axis=1)))
        low, high = np.percentile(apart, [2.5, 97.5]) if len(sums) > 1 else (np.nan, np.nan)
        return cls(int(known.sum()), len(sums), float(law), float(trassa), float(law - trassa), float(low), float(high))


def _root_mean(sums: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.sqrt(sums[..., 0] / sums[..., 2]), np.sqrt(sums[..., 1] / sums[..., 2])


@dataclass(frozen=True)
class AlongRoad:
    """Measured and predicted level by bin of measure, shape (bins,); bins without a sample are left out.

    ``start_m`` is where a bin begins; levels and residual (measured less predicted) are medians of its samples.
    """

    start_m: FloatArray
    measured_dbm: FloatArray
    predicted_dbm: FloatArray
    residual_db: FloatArray
    count: IntArray


def along_road(
    measure_m: FloatArray, measured_dbm: FloatArray, predicted_dbm: FloatArray, bin_m: float = 100.0
) -> AlongRoad:
    """Predicted against measured along the kilometre axis, from samples of shape (n,); rows with NaN are left out."""
    known = np.isfinite(measure_m) & np.isfinite(measured_dbm) & np.isfinite(predicted_dbm)
    bins, number = np.unique(np.floor(measure_m[known] / bin_m), return_inverse=True)
    order = np.argsort(number.ravel(), kind="stable")
    rows = np.split(order, np.searchsorted(number.ravel()[order], np.arange(1, len(bins)))) if len(bins) else []
    columns = (measured_dbm[known], predicted_dbm[known], (measured_dbm - predicted_dbm)[known])
    measured, predicted, residual = (np.array([np.median(column[at]) for at in rows]) for column in columns)
    count = np.array([len(at) for at in rows], dtype=np.int64)
    return AlongRoad(bins * bin_m, measured, predicted, residual, count)
