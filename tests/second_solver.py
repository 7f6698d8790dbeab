"""A second solver for the siting programme: SCIP as OR-Tools brings it along, in a process of its own.

OR-Tools also has a HiGHS in it, and two of those do not load into one process. The programme goes over as a file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from trassa.radio.coverage import Rows

__all__ = ["second_optimum"]

IntArray = npt.NDArray[np.int64]

_PROGRAM = """
import json, sys
import numpy as np
from ortools.linear_solver import pywraplp

told = np.load(sys.argv[1])
solver = pywraplp.Solver.CreateSolver("SCIP")
built = [solver.BoolVar(str(slot)) for slot in range(len(told["cost"]))]
for place in np.unique(told["place"]):
    solver.Add(sum(built[slot] for slot in np.flatnonzero(told["place"] == place)) <= 1)
for first, end, need in zip(told["indptr"][:-1], told["indptr"][1:], told["need"].tolist()):
    solver.Add(sum(built[slot] for slot in told["indices"][first:end]) >= need)
solver.Minimize(sum(cost * one for cost, one in zip(told["cost"].tolist(), built)))
exact = pywraplp.MPSolverParameters()
exact.SetDoubleParam(exact.RELATIVE_MIP_GAP, 0.0)
status = "optimal" if solver.Solve(exact) == solver.OPTIMAL else "open"
print(json.dumps([status, round(solver.Objective().Value()), round(solver.Objective().BestBound())]))
"""


def second_optimum(rows: Rows, cost_minor: IntArray, options: int, folder: Path) -> tuple[str, int, int]:
    """Status, cost and bound of the cheapest slots that meet every row, none of them reduced but by equality."""
    if find_spec("ortools") is None:
        reason = "OR-Tools is not installed: pip install ortools"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    edges = list(zip(rows.serves.indptr[:-1], rows.serves.indptr[1:], strict=True))
    distinct = {
        (rows.serves.indices[first:end].tobytes(), int(need)): row
        for row, ((first, end), need) in enumerate(zip(edges, rows.need.tolist(), strict=True))
        if need
    }
    kept, unit = rows.take(np.array(sorted(distinct.values()))), int(np.gcd.reduce(cost_minor))
    path = folder / "programme.npz"
    columns = {"indptr": kept.serves.indptr, "indices": kept.serves.indices, "need": kept.need}
    np.savez(path, cost=cost_minor // unit, place=np.arange(len(cost_minor)) // options, **columns)
    done = subprocess.run([sys.executable, "-c", _PROGRAM, path], capture_output=True, text=True, check=True)
    status, cost, bound = json.loads(done.stdout)
    return status, cost * unit, bound * unit
