"""Path losses per second: the whole of ITU-R P.1812 on the fast path, beside the float64 reference and pycraf.

    python benchmarks/propagation.py [--km 60] [--pycraf PYTHON]

*Given profiles*: 20 km at 200, 400 and 700 steps, one antenna height, one thread, every engine over the same heights.
Every rate is per second of one processor. The share of the memory's bandwidth is what the profiles hold over what
STREAM's copy or triad moves in the same run, whichever moves more. *End to end*: a winding road over drawn hills with
woods, 30-m nodes and steps, receivers every 30 m, masts every 500 m, reach 20 km: mean path about 10 km; the ground is
sampled on the way. Compilation is timed apart, in an empty cache. pycraf (GPL-3, ITU-R P.452) runs in an interpreter
that has it: ``--pycraf``, or TRASSA_PYCRAF; without one its column stays empty.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

REACH_M = 20_000.0
STEP_M = 30.0
FREQUENCY_MHZ = 800.0
HEIGHTS_M = (25.0, 35.0)
STEP_DEG = 1.0 / 3600.0
STEP_LON_DEG = 1.0 / 2304.0
ORIGIN_DEG = (50.5, 9.0)
BATCHES = 5
GIVEN_KM = 20.0
GIVEN_STEPS = (200, 400, 700)
GIVEN_BYTES = 160_000_000
REFERENCES = 400

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A road over hills: latitudes and longitudes every 30 m, heights of the road, and the ground around."""

    ground: Any
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    height_m: FloatArray


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


def fast(case: Case, threads: int, heights: int = 2, percent: float = 50.0, receivers: slice = slice(None)) -> Any:
    """All links of the case."""
    from trassa.radio.links import terrain_links

    masts = slice(0, None, round(500.0 / STEP_M))
    place = (case.latitude_deg[masts] + 0.0005, case.longitude_deg[masts], case.height_m[masts])
    offered = np.tile(HEIGHTS_M[:heights], (len(place[0]), 1))
    receiver = (case.latitude_deg[receivers], case.longitude_deg[receivers], case.height_m[receivers])
    return terrain_links(
        case.ground, *place, offered, *receiver, frequency_mhz=FREQUENCY_MHZ, receiver_antenna_m=1.5, reach_m=REACH_M,
        dn_per_km=45.0, time_percent=percent, threads=threads,
    )  # fmt: skip


def mean_length_km(case: Case, links: Any) -> float:
    """Mean length of the links in km."""
    from pyproj import Geod

    mast = links.place * round(500.0 / STEP_M)
    lon, lat = case.longitude_deg, case.latitude_deg
    length_m = Geod(ellps="WGS84").inv(lon[mast], lat[mast], lon[links.receiver], lat[links.receiver])[2]
    return float(length_m.mean()) / 1000.0


def drawn_profiles(steps: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Ground and cover of more profiles than any cache holds, shape (profiles, steps + 1)."""
    rng = np.random.default_rng(1)
    count = GIVEN_BYTES // (8 * (steps + 1))
    rise = rng.normal(0.0, 40.0 / np.sqrt(steps), (400, steps + 1)).cumsum(axis=1)
    kinds = (300.0 + rise).astype(np.float32)
    cover = rng.choice([0.0, 0.0, 15.0], kinds.shape).astype(np.float32)
    which = np.arange(count) % len(kinds)
    return kinds[which], cover[which]


def given_rates(steps: int, peer: dict[str, Any]) -> dict[str, float]:
    """Profiles per second and thread by every engine."""
    from trassa.radio.given_profiles import profile_losses

    ground, cover = drawn_profiles(steps)
    count = len(ground)
    length, heights = np.full(count, 1000.0 * GIVEN_KM), np.full((count, 1), 30.0)

    def ours(percent: float) -> None:
        profile_losses(
            length, ground, cover, heights, 50.0, frequency_mhz=FREQUENCY_MHZ, receiver_antenna_m=1.5,
            time_percent=percent,
        )  # fmt: skip

    found = {f"fast_{percent:g}_per_s": count / best(lambda p=percent: ours(p)) for percent in (50.0, 10.0)}
    found["bandwidth_share"] = found["fast_50_per_s"] * 8 * (steps + 1) / max(bandwidth().values())
    found["reference_per_s"] = reference_rate(ground[:REFERENCES], cover[:REFERENCES])
    return found | {f"pycraf_{name}": rate for name, rate in peer.get(str(steps), {}).items()}


def reference_rate(ground: npt.NDArray[np.float32], cover: npt.NDArray[np.float32]) -> float:
    """Given profiles per second through the float64 reference kernel."""
    from trassa.radio.p1812 import Climate, Terminals, Wave, transmission_loss

    d = np.linspace(0.0, GIVEN_KM, ground.shape[1])
    bare = ground.astype(np.float64)
    raised = bare + cover
    raised[:, [0, -1]] = bare[:, [0, -1]]
    zone, wave = np.full(len(d), 4, np.int8), Wave(0.001 * FREQUENCY_MHZ, 10.0)

    def batch() -> None:
        for h, g in zip(bare, raised, strict=True):
            transmission_loss(d, h, g, zone, Terminals(30.0, 1.5), wave, Climate())

    batch()
    return len(bare) / best(batch)


@functools.cache
def bandwidth() -> dict[str, float]:
    """Bytes per second that one thread moves between arrays larger than any cache: STREAM's copy and triad."""
    import numba

    @numba.njit(fastmath=True)
    def triad(a: FloatArray, b: FloatArray, c: FloatArray) -> None:
        for i in range(len(a)):
            a[i] = b[i] + 3.0 * c[i]

    a, b, c = (np.ones(GIVEN_BYTES // 8) for _ in range(3))
    triad(a, b, c)
    return {
        "copy": 2.0 * a.nbytes / best(lambda: np.copyto(a, b)),
        "triad": 3.0 * a.nbytes / best(lambda: triad(a, b, c)),
    }


def pycraf_rates(python: str) -> dict[str, Any]:
    """What pycraf takes for the same heights, by steps; empty without it."""
    if not python:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "profiles.npz"
        grounds = {f"n{steps}": drawn_profiles(steps)[0][:100] for steps in GIVEN_STEPS}
        np.savez(file, distance_km=GIVEN_KM, ghz=0.001 * FREQUENCY_MHZ, percent=10.0, **grounds)
        script = Path(__file__).with_name("pycraf_rate.py")
        told = subprocess.run([python, str(script), str(file)], check=False, capture_output=True, text=True)
    if told.returncode:
        raise SystemExit(f"{python} does not run pycraf:\n{told.stderr}")
    return dict(json.loads(told.stdout))


def best(run: Callable[[], object]) -> float:
    """Shortest of a few runs in processor seconds, all threads together: waiting for other programs is not counted."""
    times = []
    for _ in range(BATCHES):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def told_given(given: dict[int, dict[str, float]]) -> None:
    """The table of given profiles."""
    rows = {
        "fast path, 50 % of time": "fast_50_per_s",
        "fast path, 10 % of time": "fast_10_per_s",
        "reference kernel, 10 %": "reference_per_s",
        "pycraf, compiled sweep, 10 %": "pycraf_sweep_per_s",
        "pycraf, path by path, 10 %": "pycraf_one_by_one_per_s",
    }
    print(f"\n{'20-km profiles per second and core, steps':42}" + "".join(f"{steps:>12}" for steps in given))
    for name, key in rows.items():
        print(f"{name:42}" + "".join(f"{one[key]:12,.0f}" if key in one else f"{'–':>12}" for one in given.values()))
    shares = "".join(f"{one['bandwidth_share']:12.1%}" for one in given.values())
    print(f"{'share of the memory bandwidth, fast path':42}{shares}")
    moved = ", ".join(f"{name} {rate / 1e9:.1f} GB/s" for name, rate in bandwidth().items())
    print(f"one thread moves: {moved}")


def end_to_end(case: Case) -> dict[str, float]:
    """Paths per second and core from grid to loss, by heights, percentage of time and threads."""
    asked = {"fast_1_height": (1, 1, 50.0), "fast_1_height_10_percent": (1, 1, 10.0), "fast_1_thread": (1, 2, 50.0)}
    asked |= {"fast_2_threads": (2, 2, 50.0)}
    links, found = fast(case, 2), {}
    for name, (threads, heights, percent) in asked.items():
        seconds = best(lambda t=threads, h=heights, p=percent: fast(case, t, h, p))
        found[f"{name}_per_s"] = len(links) / seconds
        rate = f"{found[f'{name}_per_s']:12,.0f} paths/s and core"
        print(f"{threads} thread, {heights} height, {percent:g} % of time{'':12}{rate}")
    print(f"{len(links):,} paths of {mean_length_km(case, links):.1f} km on average, 30-m steps")
    return found | {"paths": len(links), "mean_km": mean_length_km(case, links)}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Path losses per second")
    parser.add_argument("--km", type=float, default=60.0, help="length of the road in km")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--pycraf", default=os.environ.get("TRASSA_PYCRAF", ""), help="an interpreter that has pycraf")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["NUMBA_CACHE_DIR"] = cache  # before numba is imported: nothing compiled earlier is found
        case = drawn_case(wanted.km)
        start = time.perf_counter()
        fast(case, 1, receivers=slice(0, 1))
        compile_s = time.perf_counter() - start
        figures = end_to_end(case)
        peer = pycraf_rates(wanted.pycraf)
        given = {steps: given_rates(steps, peer) for steps in GIVEN_STEPS}
    told_given(given)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(f"compilation {compile_s:.1f} s, peak memory {peak_mib:.0f} MiB")
    figures |= {"compile_s": compile_s, "peak_mib": peak_mib, "reference_per_s": given[400]["reference_per_s"]}
    if wanted.json:
        wanted.json.write_text(json.dumps(figures | {"given": given}), "utf-8")


if __name__ == "__main__":
    main()
