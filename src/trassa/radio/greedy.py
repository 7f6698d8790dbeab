"""A plan by greed: the slot with the most open rows per unit of cost, again and again.

It gives the solver an incumbent, and the benchmark a peer. V. Chvátal, doi:10.1287/moor.4.3.233.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.radio.siting_solver import Model

__all__ = ["greedy_plan"]


def greedy_plan(model: Model) -> npt.NDArray[np.bool_] | None:
    """Which columns greed would build; None where it runs into a place whose other height it would need."""
    by_column = model.serves.tocsc()
    built = np.zeros(len(model.place), dtype=bool)
    free = np.ones(len(model.place), dtype=bool)
    missing = model.need.copy()
    gain = np.asarray(model.serves.T @ (missing > 0).astype(np.int64), dtype=np.int64)
    cost = np.maximum(model.cost_minor, 1)
    while missing.max(initial=0) > 0:
        worth = np.where(free, gain / cost, 0.0)
        column = int(worth.argmax())
        if worth[column] <= 0.0:
            return None
        built[column] = True
        free[model.place == model.place[column]] = False
        rows = by_column.indices[by_column.indptr[column] : by_column.indptr[column + 1]]
        met = rows[missing[rows] == 1]
        missing[rows] = np.maximum(missing[rows] - 1, 0)
        if len(met):
            np.subtract.at(gain, model.serves[met].indices, 1)
    return built
