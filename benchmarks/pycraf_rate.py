"""Losses per second of pycraf (GPL-3), an engine for ITU-R P.452, over given profiles: a peer, and no part of trassa.

    PYTHON-WITH-PYCRAF benchmarks/pycraf_rate.py PROFILES.npz

Called by ``propagation.py``, in whatever interpreter has pycraf. Twice over: path by path through its objects, and its
compiled sweep, which has one profile for the receivers at all its points; that one takes profiles twice as long, so
that the mean path has as many points. One thread. Prints JSON by points of the profile.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings

os.environ["OMP_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
from astropy import units as u  # noqa: E402
from pycraf import pathprof  # noqa: E402

PATHS = 60
SWEEPS = 3
AIR = (290.0 * u.K, 1013.0 * u.hPa)
HEIGHTS = (30.0 * u.m, 1.5 * u.m)


def best(run) -> float:
    """Shortest of a few runs in processor seconds."""
    times = []
    for _ in range(SWEEPS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def path_by_path(ground_m: np.ndarray, distance_km: float, ghz: float, percent: float) -> float:
    """Losses per second by ``PathProp`` and ``loss_complete``."""
    at_km = np.linspace(0.0, distance_km, ground_m.shape[1]) * u.km
    ends = (9.0 * u.deg, 50.0 * u.deg, 9.28 * u.deg, 50.0 * u.deg)

    def run() -> None:
        for heights in ground_m[:PATHS]:
            path = pathprof.PathProp(
                ghz * u.GHz, *AIR, *ends, *HEIGHTS, at_km[1], percent * u.percent, polarization=1, version=16,
                delta_N=45.0 * u.dimensionless_unscaled / u.km, N0=325.0 * u.dimensionless_unscaled,
                hprof_dists=at_km, hprof_heights=heights.astype(float) * u.m, hprof_bearing=90.0 * u.deg,
                hprof_backbearing=-90.0 * u.deg,
            )  # fmt: skip
            pathprof.loss_complete(path)

    run()
    return min(PATHS, len(ground_m)) / best(run)


def sweep(ground_m: np.ndarray, distance_km: float, ghz: float, percent: float) -> float:
    """Losses per second by ``atten_path_fast``."""
    points = 2 * ground_m.shape[1]
    step_m = 2000.0 * distance_km / points
    profile = pathprof.height_path_data_generic(2.0 * distance_km * u.km, step_m * u.m, 9.0 * u.deg, 50.0 * u.deg)
    heights = ground_m[:6].astype(float).ravel()
    profile["heights"][:] = np.resize(heights, len(profile["heights"]))

    def run() -> None:
        pathprof.atten_path_fast(ghz * u.GHz, *AIR, *HEIGHTS, percent * u.percent, profile, polarization=1, version=16)

    run()
    return len(profile["heights"]) / best(run)


def main() -> None:
    """Rates for all profiles of a file."""
    pathprof.set_num_threads(1)
    found = {}
    with np.load(sys.argv[1]) as profiles:
        asked = [float(profiles[name]) for name in ("distance_km", "ghz", "percent")]
        for name in profiles:
            if name.startswith("n"):
                ground_m = profiles[name]
                found[name[1:]] = {
                    "one_by_one_per_s": path_by_path(ground_m, *asked),
                    "sweep_per_s": sweep(ground_m, *asked),
                }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
