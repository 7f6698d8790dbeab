"""HiGHS at work on the siting programme: the integer programme, its relaxation and its elastic form.

The matrix is 0/1 and stays unscaled; costs are divided by their greatest common divisor, which keeps them integers
and lets the solver round its bound up. Q. Huangfu, J. A. J. Hall, doi:10.1007/s12532-017-0130-5.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

import highspy
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = ["Answer", "Model", "least_short", "solve_integer", "solve_relaxation", "solver_name"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
_SLACK = 1e-6


@dataclass(frozen=True)
class Model:
    """min cost·x over 0/1 x such that serves·x ≥ need, cuts·x ≥ cut_least and each place has at most one option.

    ``serves`` has shape (rows, columns), ``cuts`` (cuts, columns) or is None; ``place`` and ``cost_minor`` belong to
    the columns.
    """

    serves: sp.csr_array
    need: IntArray
    place: IntArray
    cost_minor: IntArray
    cuts: sp.csr_array | None = None
    cut_least: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def unit_minor(self) -> int:
        """Greatest common divisor of the costs."""
        return max(1, int(np.gcd.reduce(self.cost_minor))) if len(self.cost_minor) else 1


@dataclass(frozen=True)
class Answer:
    """What the solver says. ``built`` is None where it found no plan; the bound is rounded up to what costs allow."""

    status: str
    built: BoolArray | None
    bound_minor: int


def solver_name() -> str:
    """``HiGHS 1.15.1``."""
    return f"HiGHS {_quiet().version()}"


def solve_integer(model: Model, *, gap: float, time_limit_s: float, start: BoolArray | None) -> Answer:
    """Solve to a relative gap. Where presolve ate the time without reaching the tree, try once more without it."""
    began = time.monotonic()
    solver = _loaded(model, gap=gap, time_limit_s=time_limit_s, integer=True)
    if start is not None:
        _offer(solver, start)
    solver.run()
    if _stuck_in_presolve(solver):
        left_s = max(1.0, 2.0 * time_limit_s - (time.monotonic() - began))
        solver = _loaded(model, gap=gap, time_limit_s=left_s, integer=True)
        solver.setOptionValue("presolve_reduction_limit", 0)
        if start is not None:
            _offer(solver, start)
        solver.run()
    return _answer(solver, model)


def solve_relaxation(model: Model, *, time_limit_s: float) -> FloatArray:
    """Duals of the coverage rows in the linear relaxation without cuts, minor units per server, never negative."""
    solver = _loaded(replace(model, cuts=None), gap=0.0, time_limit_s=time_limit_s, integer=False)
    solver.run()
    duals = np.array(solver.getSolution().row_dual[: len(model.need)], dtype=np.float64)
    if len(duals) != len(model.need):
        return np.zeros(len(model.need))
    return np.maximum(duals, 0.0) * model.unit_minor


def least_short(model: Model, *, time_limit_s: float) -> BoolArray:
    """A plan that leaves as few servers missing as possible, whatever it costs; shape (columns,).

    It misses none where the programme is feasible. It is not where two rows ask for different heights of one place.
    """
    rows, columns = model.serves.shape
    elastic = sp.csr_array(sp.hstack([model.serves, sp.eye_array(rows, format="csr")], format="csr"))
    place = np.concatenate([model.place, np.arange(rows) + model.place.max(initial=0) + 1])
    cost = np.concatenate([np.zeros(columns, dtype=np.int64), np.ones(rows, dtype=np.int64)])
    solver = _loaded(Model(elastic, model.need, place, cost), gap=0.0, time_limit_s=time_limit_s, integer=True)
    for row in range(rows):
        solver.changeColBounds(columns + row, 0.0, float(model.need[row]))
    solver.run()
    values = np.array(solver.getSolution().col_value, dtype=np.float64)
    return np.asarray(values[:columns] > 0.5) if len(values) else np.zeros(columns, dtype=bool)


def _loaded(model: Model, *, gap: float, time_limit_s: float, integer: bool) -> highspy.Highs:
    rows, columns = model.serves.shape
    shared, which = _places_with_choice(model.place)
    parts = [model.serves.astype(np.float64), which]
    parts += [] if model.cuts is None else [model.cuts.astype(np.float64)]
    matrix = sp.csr_array(sp.vstack(parts, format="csr"))
    least, free = model.cut_least if model.cuts is not None else np.zeros(0), highspy.kHighsInf
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, matrix.shape[0]
    lp.col_cost_ = model.cost_minor.astype(np.float64) / model.unit_minor
    lp.col_lower_, lp.col_upper_ = np.zeros(columns), np.ones(columns)
    lp.row_lower_ = np.concatenate([model.need.astype(np.float64), np.full(shared, -free), least])
    lp.row_upper_ = np.concatenate([np.full(rows, free), np.ones(shared), np.full(len(least), free)])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if integer:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * columns
    solver = _quiet()
    for option, value in (("time_limit", float(time_limit_s)), ("mip_rel_gap", gap), ("threads", 1)):
        solver.setOptionValue(option, value)
    solver.passModel(lp)
    return solver


def _quiet() -> highspy.Highs:
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    return solver


def _places_with_choice(place: IntArray) -> tuple[int, sp.csr_array]:
    """Rows Σ x ≤ 1 for the places that offer more than one column."""
    _, number, count = np.unique(place, return_inverse=True, return_counts=True)
    choice = np.flatnonzero(count > 1)
    row_of = np.full(len(count), -1)
    row_of[choice] = np.arange(len(choice))
    columns = np.flatnonzero(row_of[number] >= 0)
    shape = (len(choice), len(place))
    return len(choice), sp.csr_array((np.ones(len(columns)), (row_of[number][columns], columns)), shape=shape)


def _offer(solver: highspy.Highs, start: BoolArray) -> None:
    solution = highspy.HighsSolution()
    solution.col_value = start.astype(np.float64).tolist()
    solver.setSolution(solution)


def _stuck_in_presolve(solver: highspy.Highs) -> bool:
    out_of_time = solver.getModelStatus() == highspy.HighsModelStatus.kTimeLimit
    return out_of_time and solver.getInfo().mip_node_count <= 0 and not math.isfinite(solver.getInfo().mip_gap)


def _within_gap(solver: highspy.Highs, model: Model, built: BoolArray, bound: float) -> bool:
    """Whether the plan's cost, added up here, is as near to the solver's bound as it was told to come."""
    cost = float(model.cost_minor[built].sum()) / model.unit_minor
    gap = float(solver.getOptionValue("mip_rel_gap")[1])
    return cost - bound <= gap * abs(cost) + _SLACK * max(1.0, abs(cost))


def _answer(solver: highspy.Highs, model: Model) -> Answer:
    status, info = solver.getModelStatus(), solver.getInfo()
    names = {
        highspy.HighsModelStatus.kOptimal: "optimal",
        highspy.HighsModelStatus.kTimeLimit: "time limit",
        highspy.HighsModelStatus.kInfeasible: "infeasible",
    }
    name = names.get(status, solver.modelStatusToString(status).lower())
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.array(solver.getSolution().col_value, dtype=np.float64)
    built = np.asarray(values > 0.5) if found and len(values) else None
    bound = info.mip_dual_bound
    if name == "optimal" and built is not None and not _within_gap(solver, model, built, bound):
        name = "gap wider than asked for"
    rounded = math.ceil(bound - _SLACK * max(1.0, abs(bound))) if math.isfinite(bound) else 0
    return Answer(name, built, max(0, rounded) * model.unit_minor)
