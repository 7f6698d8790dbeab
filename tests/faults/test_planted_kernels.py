"""Faults planted in the source of the fast path: verification's own way to the same levels disagrees.

At 50 % of time over land neither horizons nor ducts move the loss, so levels are compared at 1 %, as for interferers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from planted import planted, run_planted
from two_ways import fast_db, own_db

PROGRAM = "import sys, numpy, two_ways; numpy.save(sys.argv[1], two_ways.fast_db())"
FAULTS = {
    "ducting dropped": ("fast_p1812.py", "if lminbap <= lbda:", "if lminbap <= -1e9:"),
    "horizon of the wrong end": (
        "fast_p1812.py",
        "return Horizon(first * step_km, (n - last) * step_km,",
        "return Horizon((n - first) * step_km, last * step_km,",
    ),
    "flatter Earth forgotten": ("fast_p1812.py", "range(2 if physics.time_percent < 50.0 else 1)", "range(1)"),
    "near-mast rule dropped": (
        "path_kernel.py",
        "near = physics.model == P1812 and length_m < NEAR_MAST_M",
        "near = False",
    ),
}


@pytest.fixture(scope="module")
def own() -> npt.NDArray[np.float64]:
    """The levels by verification's own way."""
    return own_db()


def test_both_ways_agree(own: npt.NDArray[np.float64]) -> None:
    """But for paths on which two horizons have one elevation: there the loss itself jumps."""
    apart_db = np.abs(fast_db() - own)
    assert np.isfinite(apart_db).all()
    assert np.quantile(apart_db, 0.95) < 0.005
    assert (apart_db > 0.05).mean() < 0.02


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_planted_fault_is_seen(fault: str, own: npt.NDArray[np.float64], tmp_path: Path) -> None:
    module, right, wrong = FAULTS[fault]
    kept = tmp_path / "levels.npy"
    run_planted(planted(tmp_path / "copy", f"radio/{module}", right, wrong), PROGRAM, kept)
    apart_db = np.abs(np.load(kept) - own)
    assert (apart_db > 0.05).mean() > 0.05, f"{fault}: {np.quantile(apart_db, [0.5, 0.9, 1.0])}"
