"""What a count of hits among independent draws says about a probability: Clopper and Pearson's interval."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv
from scipy.stats import binom

__all__ = ["clopper_pearson", "least_hits", "most_hits"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def clopper_pearson(
    hits: npt.ArrayLike, draws: npt.ArrayLike, risk_ratio: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bound of the probability, each missed with probability ``risk_ratio`` / 2 at most.

    Clopper, Pearson (1934), Biometrika 26: exact for every number of draws. Shapes broadcast.
    """
    k, n, half = np.asarray(hits, np.float64), np.asarray(draws, np.float64), np.asarray(risk_ratio, np.float64) / 2.0
    low = np.where(k > 0.0, betaincinv(np.maximum(k, 1.0), n - k + 1.0, half), 0.0)
    high = np.where(k < n, betaincinv(k + 1.0, np.maximum(n - k, 1.0), 1.0 - half), 1.0)
    return low, high


def least_hits(draws: npt.ArrayLike, probability: float, risk_ratio: npt.ArrayLike) -> IntArray:
    """The fewest hits whose lower bound reaches ``probability``; draws + 1 where even all hits do not.

    ``risk_ratio`` is that of the one bound.
    """
    fewest = binom.isf(np.asarray(risk_ratio, np.float64), np.asarray(draws, np.int64), probability)
    return np.asarray(fewest, np.int64) + 1


def most_hits(draws: npt.ArrayLike, probability: float, risk_ratio: npt.ArrayLike) -> IntArray:
    """The most hits whose upper bound stays below ``probability``; −1 where even none does not.

    ``risk_ratio`` is that of the one bound.
    """
    most = binom.ppf(np.asarray(risk_ratio, np.float64), np.asarray(draws, np.int64), probability)
    return np.asarray(most, np.int64) - 1
