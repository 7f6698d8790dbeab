"""Path losses per second: the fast path on one and two threads against the float64 reference kernel in the same run.

    python benchmarks/propagation.py [--km 60]

A winding road over generated hills with woods, 30-m nodes and steps, receivers every 30 m, masts every 500 m with two
heights, reach 20 km: mean path about 10 km. The reference gets its profiles for free (they are sampled beforehand),
and one height; the fast path samples the ground and does both heights. Compilation is timed apart, in an empty cache.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

REACH_M = 20_000.0
STEP_M = 30.0
FREQUENCY_MHZ = 800.0
HEIGHTS_M = (25.0, 35.0)
STEP_DEG = 1.0 / 3600.0
STEP_LON_DEG = 1.0 / 2304.0
ORIGIN_DEG = (50.5, 9.0)
BATCHES = 3


@dataclass(frozen=True)
class Case:
    """A road over hills: latitudes and longitudes every 30 m, heights of the road, and the ground around."""

    ground: object
    latitude_deg: npt.NDArray[np.float64]
    longitude_deg: npt.NDArray[np.float64]
    height_m: npt.NDArray[np.float64]


def drawn_case(length_km: float) -> Case:
    """The road and its ground; the same for every run."""
    from trassa.road.ground import GroundGrid
    from trassa.road.hills import generated_hills

    along_m = np.arange(0.0, 1000.0 * length_km, STEP_M)
    longitude = ORIGIN_DEG[1] + 0.03 + along_m / 70_800.0
    latitude = ORIGIN_DEG[0] - 0.16 + 0.05 * np.sin(along_m / 9000.0)
    rows, cols = int(0.32 / STEP_DEG), int((longitude[-1] + 0.03 - ORIGIN_DEG[1]) / STEP_LON_DEG)
    heights = generated_hills(2, *ORIGIN_DEG, rows, cols, STEP_DEG, step_lon_deg=STEP_LON_DEG)
    woods = np.random.default_rng(2).choice([0.0, 0.0, 15.0], (rows // 8 + 1, cols // 8 + 1))
    clutter = np.kron(woods, np.ones((8, 8)))[:rows, :cols].astype(np.float32)
    row = np.round((ORIGIN_DEG[0] - latitude) / STEP_DEG).astype(int)
    col = np.round((longitude - ORIGIN_DEG[1]) / STEP_LON_DEG).astype(int)
    clutter[row, col] = 0.0
    ground = GroundGrid(*ORIGIN_DEG, STEP_DEG, STEP_LON_DEG, heights, clutter, "bare", STEP_M)
    return Case(ground, latitude, longitude, heights[row, col].astype(np.float64))


def fast(case: Case, threads: int, receivers: slice = slice(None)):
    """All links of the case."""
    from trassa.radio.links import terrain_links

    masts = slice(0, None, round(500.0 / STEP_M))
    place = (case.latitude_deg[masts] + 0.0005, case.longitude_deg[masts], case.height_m[masts])
    heights = np.tile(HEIGHTS_M, (len(place[0]), 1))
    receiver = (case.latitude_deg[receivers], case.longitude_deg[receivers], case.height_m[receivers])
    return terrain_links(
        case.ground, *place, heights, *receiver, frequency_mhz=FREQUENCY_MHZ, receiver_antenna_m=1.5, reach_m=REACH_M,
        dn_per_km=45.0, threads=threads,
    )  # fmt: skip


def mean_length_km(case: Case, links) -> float:
    """Mean length of the links in km."""
    from pyproj import Geod

    mast = links.place * round(500.0 / STEP_M)
    lon, lat = case.longitude_deg, case.latitude_deg
    return (
        float(Geod(ellps="WGS84").inv(lon[mast], lat[mast], lon[links.receiver], lat[links.receiver])[2].mean()) / 1000
    )


def reference_rate() -> float:
    """Profiles of 10 km and 30-m steps per second through the reference kernel, one height, one thread."""
    from trassa.radio.diffraction import diffraction_loss_db, median_earth_radius_km

    rng = np.random.default_rng(1)
    d = np.linspace(0.0, 10.0, 335)
    grounds = [300.0 + np.cumsum(rng.normal(0.0, 2.0, len(d))) for _ in range(200)]
    radius_km, covers = median_earth_radius_km(45.0), rng.choice([0.0, 15.0], (200, len(d)))
    covers[:, [0, -1]] = 0.0

    def batch() -> None:
        for h, cover in zip(grounds, covers, strict=True):
            diffraction_loss_db(d, h, h + cover, h[0] + 30.0, h[-1] + 1.5, radius_km, 0.8, 0.0, True)

    batch()
    return 200 * 25 / best(lambda: [batch() for _ in range(25)])


def best(run) -> float:
    """Shortest of a few runs in seconds: other work on the machine only ever adds."""
    times = []
    for _ in range(BATCHES):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Path losses per second")
    parser.add_argument("--km", type=float, default=60.0, help="length of the road in km")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["NUMBA_CACHE_DIR"] = cache  # before numba is imported: nothing compiled earlier is found
        case = drawn_case(wanted.km)
        start = time.perf_counter()
        fast(case, 1, slice(0, 1))
        compile_s = time.perf_counter() - start
        reference = reference_rate()
        links = fast(case, 2)
        one, two = (len(links) / best(lambda threads=threads: fast(case, threads)) for threads in (1, 2))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(f"{len(links):,} paths of {mean_length_km(case, links):.1f} km on average, two heights each, 30-m steps")
    print(f"compilation {compile_s:.1f} s, peak memory {peak_mib:.0f} MiB")
    print(f"{'':42}{'paths/s':>12}{'ratio':>8}")
    for name, rate in (
        ("reference kernel, profile given, one height", reference),
        ("fast path, 1 thread", one),
        ("fast path, 2 threads", two),
    ):
        print(f"{name:42}{rate:12,.0f}{rate / reference:8.2f}")
    figures = {
        "compile_s": compile_s,
        "peak_mib": peak_mib,
        "paths": len(links),
        "mean_km": mean_length_km(case, links),
    }
    rates = {"reference_per_s": reference, "fast_1_thread_per_s": one, "fast_2_threads_per_s": two}
    if wanted.json:
        wanted.json.write_text(json.dumps(figures | rates), "utf-8")


if __name__ == "__main__":
    main()
