"""Lattices of nodes: room for values."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from trassa.road.lattice import Lattice


def test_zeros_are_zero_at_every_node_and_can_be_written() -> None:
    zeros = Lattice(51.0, 9.0, 1 / 3600, 1 / 2400, 30, 40).zeros()
    assert zeros.shape == (30, 40)
    assert zeros.dtype == np.float32
    assert not zeros.any()
    zeros[29, 39] = 15.0
    assert np.argwhere(zeros).tolist() == [[29, 39]]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the system decides")
def test_zeros_far_from_anything_written_take_no_memory() -> None:
    before = _resident_bytes()
    zeros = Lattice(60.0, 0.0, 1 / 3600, 1 / 3600, 10_000, 20_000).zeros()
    zeros[:, 7] = 1.0
    assert zeros[:, :20].sum() == 10_000
    assert _resident_bytes() - before < 0.2 * zeros.nbytes


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
