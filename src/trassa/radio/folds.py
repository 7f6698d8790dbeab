"""What is left out together when a prediction is judged on a drive test.

Runs over one road see the same hills: leaving out a run tests whether a drive repeats, leaving out a stretch, in all
runs at once, tests whether a prediction holds where nobody measured.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK_M", "blocks", "run_folds", "stretch_folds"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BLOCK_M = 2000.0
_MOST_FOLDS = 24


def blocks(measure_m: FloatArray, block_m: float = BLOCK_M) -> IntArray:
    """The stretch of the road, ``block_m`` metres long, that a measure lies in; numbered from measure 0, shape (n,)."""
    return np.floor(measure_m / block_m).astype(np.int64)


def stretch_folds(measure_m: FloatArray, block_m: float = BLOCK_M) -> IntArray:
    """The fold of every sample, shape (n,): a stretch each, or every 24th stretch of a long road in one fold."""
    _, order = np.unique(blocks(measure_m, block_m), return_inverse=True)
    return np.asarray(order.ravel() % _MOST_FOLDS, dtype=np.int64)


def run_folds(run: IntArray) -> IntArray:
    """The fold of every sample, shape (n,): one run each."""
    _, fold = np.unique(run, return_inverse=True)
    return np.asarray(fold.ravel(), dtype=np.int64)
