"""A plan must not depend on whether its kernels were compiled just now or lay in the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_LINKS = """
import hashlib
import numpy as np
from trassa.radio.links import _fill_terrain, terrain_links
from trassa.road.ground import GroundGrid

rng = np.random.default_rng(5)
ground = (100.0 + np.cumsum(rng.normal(0.0, 1.0, (400, 600)), axis=1)).astype(np.float32)
clutter = np.where(rng.random((400, 600)) < 0.1, 15.0, 0.0).astype(np.float32)
grid = GroundGrid(50.3, 10.0, 1 / 1200, 1 / 1200, ground, clutter, "bare", 30.0)
place, receiver = ((np.full(n, 50.15), 10.05 + np.linspace(0.0, 0.4, n), np.full(n, 100.0)) for n in (12, 1500))
links = terrain_links(
    grid, *place, np.tile((25.0, 35.0), (12, 1)), *receiver,
    frequency_mhz=800.0, receiver_antenna_m=1.5, dn_per_km=45.0, reach_m=8000.0,
)
print(len(links), hashlib.sha256(links.loss_db.tobytes()).hexdigest(), sum(_fill_terrain.stats.cache_hits.values()))
"""


def _answer(cache: Path) -> list[str]:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", _LINKS], env=environment, capture_output=True, text=True, check=True, timeout=600
    )
    return done.stdout.split()


def test_kernels_from_the_cache_give_the_bits_that_compiled_ones_gave(tmp_path: Path) -> None:
    """What is not inlined is linked to whatever copy is there first, and copies of fast arithmetic differ."""
    compiled, kept = _answer(tmp_path), _answer(tmp_path)
    assert (compiled[2], kept[2]) == ("0", "1")
    assert int(kept[0]) > 5000
    assert kept[:2] == compiled[:2]
