"""Least-cost sites: an integer programme, solved to a proven gap.

    min Σ c_s·x_s      Σ_s a_is·x_s ≥ k for every row i      Σ_o x_(p,o) ≤ 1 for every place p      x ∈ {0, 1}

k is 1, or 2 where the service must hold with any one site down: at most one option per place makes two servers two
places. Cuts (:mod:`trassa.radio.interference_cuts`) come on top where cells drown each other. Rows are reduced first
(:mod:`trassa.radio.reduction`); the answer's cost is counted again in integers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from trassa.errors import InputError
from trassa.radio.coverage import Rows
from trassa.radio.greedy import greedy_plan
from trassa.radio.reduction import reduced
from trassa.radio.siting_solver import Model, least_short, solve_integer, solve_relaxation, solver_name

__all__ = ["Solution", "dual_bound_minor", "missing_servers", "solve_siting"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Solution:
    """The slots to build and how good that provably is.

    ``bound_minor`` is the solver's word; ``lp_bound_minor`` follows from ``rows`` and their ``duals`` by
    :func:`dual_bound_minor` alone. ``gap`` is (cost − bound) ÷ cost. ``status`` is ``optimal`` (within the gap asked
    for), ``time limit`` or ``infeasible``: two rows need different options of one place (:func:`missing_servers`), or
    no plan keeps all cuts.
    """

    status: str
    slots: tuple[int, ...]
    cost_minor: int
    bound_minor: int
    lp_bound_minor: int
    rows: Rows
    duals: FloatArray
    seconds: float
    solver: str

    @property
    def gap(self) -> float:
        """Relative distance from the bound; 0 where nothing costs anything."""
        return (self.cost_minor - self.bound_minor) / self.cost_minor if self.cost_minor else 0.0


def solve_siting(
    rows: Rows,
    cost_minor: IntArray,
    options: int,
    *,
    gap: float,
    time_limit_s: float,
    cuts: Sequence[tuple[Sequence[int], Sequence[int]]] = (),
) -> Solution:
    """The cheapest slots that meet every row. ``cost_minor`` has shape (slots,); slot = place · options + option.

    Each of ``cuts`` is a pair of slots: one of the first is built, or one of the second is not.

    A row whose need exceeds what all places together can give is a mistake of the caller.
    """
    began = time.monotonic()
    rows = reduced(rows)
    if not len(rows) and not cuts:
        return Solution("optimal", (), 0, 0, 0, rows, np.zeros(0), 0.0, solver_name())
    model, slot_of = _model(rows, cost_minor, options, cuts)
    start = None if cuts else greedy_plan(model)
    answer = solve_integer(model, gap=gap, time_limit_s=time_limit_s, start=start)
    built = answer.built if answer.built is not None else start
    if built is None or answer.status == "infeasible":
        slots: tuple[int, ...] = ()
        status = answer.status if answer.status != "optimal" else "no plan found"
        duals = np.zeros(len(rows))
    else:
        slots, status = tuple(int(s) for s in slot_of[built]), answer.status
        duals = solve_relaxation(model, time_limit_s=time_limit_s)
    lp_bound_minor = math.floor(dual_bound_minor(rows, duals, cost_minor, options))
    cost = sum(int(cost_minor[slot]) for slot in slots)
    bound_minor = min(cost, max(answer.bound_minor, lp_bound_minor))
    return Solution(
        status, slots, cost, bound_minor, lp_bound_minor, rows, duals, time.monotonic() - began, solver_name()
    )


def missing_servers(rows: Rows, cost_minor: IntArray, options: int, *, time_limit_s: float) -> IntArray:
    """How many servers each row of an infeasible programme goes without in a plan that leaves few without."""
    model, slot_of = _model(reduced(rows), cost_minor, options)
    built = slot_of[least_short(model, time_limit_s=time_limit_s)]
    return np.asarray(np.maximum(rows.need - rows.serves[:, built].sum(axis=1), 0), dtype=np.int64)


def dual_bound_minor(rows: Rows, duals: FloatArray, cost_minor: IntArray, options: int) -> float:
    """A lower bound on the cost of every plan, from any row duals y ≥ 0, by weak duality.

    ::

        bound = Σ_i b_i·y_i − Σ_p max(0, max_h (Σ_i a_i,(p,h)·y_i − c_(p,h)))

    Relaxing the rows with prices y leaves a problem that falls apart by place, and a place takes at most one option.
    A. M. Geoffrion, doi:10.1007/BFb0120690.
    """
    if np.any(duals < 0.0):
        raise InputError(
            f"radio: a dual value is negative ({duals.min():g})", cure="duals of ≥ rows are never negative"
        )
    worth = np.asarray(rows.serves.T @ duals, dtype=np.float64) - cost_minor
    best = worth.reshape(-1, options).max(axis=1)
    return float(rows.need @ duals - np.maximum(best, 0.0).sum())


def _model(
    rows: Rows, cost_minor: IntArray, options: int, cuts: Sequence[tuple[Sequence[int], Sequence[int]]] = ()
) -> tuple[Model, IntArray]:
    """The programme over the slots that serve or cut anything, and the slot of each of its columns."""
    named = [slot for cut in cuts for part in cut for slot in part]
    slot_of = np.union1d(rows.serves.indices, np.array(named, dtype=np.int64)).astype(np.int64)
    model = Model(rows.serves[:, slot_of], rows.need, slot_of // options, cost_minor[slot_of])
    if not cuts:
        return model, slot_of
    column_of = {slot: column for column, slot in enumerate(slot_of.tolist())}
    signed = np.zeros((len(cuts), len(slot_of)), dtype=np.int64)
    for row, (lifting, crowding) in enumerate(cuts):
        signed[row, [column_of[slot] for slot in lifting]] = 1
        signed[row, [column_of[slot] for slot in crowding]] = -1
    least = np.array([1 - len(crowding) for _, crowding in cuts], dtype=np.int64)
    return replace(model, cuts=sp.csr_array(signed), cut_least=least), slot_of
