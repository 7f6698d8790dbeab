"""Least-cost siting on a long road over generated hills: time per stage, gap, and what greed would pay instead.

    python benchmarks/siting.py [--km 700] [--smooth]

A straight road with woods on both sides, 30-m nodes and steps, new masts every 233 m at two heights, reach 15 km,
losses every 30 m of each carriageway, any one site down. Compilation is timed apart. ``--smooth`` takes the smooth
Earth instead: all candidates alike, the instance with the most symmetry.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import Geod

from trassa.linear import CARRIAGEWAYS, Calibration, Layer
from trassa.radio.allowances import inside_bins, measured, middles, near_threshold, serving
from trassa.radio.bins import bins_of, points_of
from trassa.radio.budget import Budget
from trassa.radio.candidates import candidates_of
from trassa.radio.field import LossBook, field_of
from trassa.radio.greedy import greedy_plan
from trassa.radio.paths import Paths, SmoothPaths, TerrainPaths
from trassa.radio.recount import cost_of, necessities, short_bins, without_surplus
from trassa.radio.settings import RadioSettings
from trassa.radio.site_search import SiteSearch
from trassa.radio.siting_solver import Model
from trassa.road.alignment import Alignment, measures_of
from trassa.road.ground import GroundGrid
from trassa.road.hills import generated_hills
from trassa.road.layers import SCHEMAS
from trassa.road.model import Road

SOUTH_DEG, WEST_DEG = 46.0, 9.0
STEP_DEG, STEP_LON_DEG = 1.0 / 3600.0, 1.0 / 2400.0
WIDE_DEG = 0.48
MEDIAN_M = 20.0
SMOOTHING = 51


class Stages:
    """Prints the seconds of each stage as it ends."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.total_s = 0.0
        self.seconds: dict[str, float] = {}

    def done(self, name: str, detail: str = "", *, counts: bool = True) -> None:
        """End a stage; what does not count is left out of the total."""
        spent_s = time.perf_counter() - self.begun
        self.total_s += spent_s if counts else 0.0
        self.seconds[name] = spent_s
        print(f"{name:<28} {spent_s:8.2f} s   {detail}", flush=True)
        self.begun = time.perf_counter()


def ground_of(length_m: float) -> GroundGrid:
    """Hills with patches of wood; the road's own cross-section is open."""
    north_deg = SOUTH_DEG + round((length_m / 111_000.0 + 0.2) / STEP_DEG) * STEP_DEG
    rows, cols = round((north_deg - SOUTH_DEG + 0.2) / STEP_DEG), round(WIDE_DEG / STEP_LON_DEG)
    heights = generated_hills(2, north_deg, WEST_DEG, rows, cols, STEP_DEG, step_lon_deg=STEP_LON_DEG)
    woods = np.random.default_rng(2).random((rows // 10 + 1, cols // 10 + 1)) < 0.25
    clutter = np.kron(np.where(woods, 15.0, 0.0).astype(np.float32), np.ones((10, 10), np.float32))[:rows, :cols]
    middle = round(WIDE_DEG / 2 / STEP_LON_DEG)
    clutter[:, middle - 1 : middle + 3] = 0.0
    return GroundGrid(north_deg, WEST_DEG, STEP_DEG, STEP_LON_DEG, heights, np.ascontiguousarray(clutter), "bare", 30.0)


def road_of(length_m: float, ground: GroundGrid | None) -> Road:
    """A road due north, its height the terrain smoothed over 500 m."""
    measure, geod = measures_of(length_m), Geod(ellps="WGS84")
    whole, lines = np.ones(len(measure)), {}
    for carriageway, offset_m, heading_deg in zip(CARRIAGEWAYS, (0.0, -MEDIAN_M), (0.0, 180.0), strict=True):
        lon, lat, _ = geod.fwd((WEST_DEG + WIDE_DEG / 2) * whole, SOUTH_DEG * whole, 0.0 * whole, measure)
        lon, lat, _ = geod.fwd(lon, lat, 90.0 * whole, offset_m * whole)
        height = np.full(len(measure), np.nan)
        if ground is not None:
            padded = np.pad(ground.sample(lat, lon)[0], SMOOTHING // 2, mode="edge")
            height = np.convolve(padded, np.ones(SMOOTHING) / SMOOTHING, mode="valid")
        line = (lat, lon, height, heading_deg * whole, 0.0 * whole, np.gradient(height, measure))
        lines[carriageway] = Alignment(carriageway, measure, *line, np.ones(len(measure), dtype=bool))
    names = ("posts", "structures", "cross_sections", "places", "masts", "findings")
    empty = {name: Layer.empty(SCHEMAS[name]) for name in names}
    return Road("B 1", "drawn", length_m, "increasing", Calibration.from_start(length_m), lines, **empty)


def plan(length_m: float, *, smooth: bool, quiet: bool) -> dict[str, Any]:
    """One plan, stage by stage; gives its figures."""
    stages = Stages()
    say = (lambda *a, **k: None) if quiet else stages.done
    settings = RadioSettings(new_mast_spacing_m=700.0 / 3.0)
    ground = None if smooth else ground_of(length_m)
    road = road_of(length_m, ground)
    say("(hills and road)", counts=False)
    paths: Paths = SmoothPaths(settings) if ground is None else TerrainPaths(ground, settings)
    candidates, points, bins = candidates_of(road, ground, settings), points_of(road), bins_of(road, ["tunnel"])
    search = SiteSearch(paths, candidates, points, bins, settings)
    say("candidates", f"{len(candidates)} places × {len(candidates.options)} options, {len(bins)} bins")
    table = search.sample()
    say("losses", f"{len(table.links)} links, {len(table.points)} points")
    where = (paths, candidates, points, bins, settings)
    budget = Budget.of(settings, measured(*where, near_threshold(table, bins, Budget.of(settings, {})))[0])
    say("deductions", f"{budget.deducted_db:.2f} dB, path loss up to {budget.largest_loss_db:.1f} dB")
    found = search.find(budget)
    result, rows = found.result, found.result.rows
    say(
        "siting",
        f"{found.seconds:.2f} s in the solver, {found.rounds} rounds, {len(rows)} rows left, {result.status}, "
        f"gap {result.gap:.4%}, {len(found.relaxed)} bins relaxed",
    )
    slots = without_surplus(search.book, result.slots, budget, found.need)
    field = field_of(search.book, slots, budget)
    needed = necessities(search.book, field, found.need)
    assert not len(short_bins(search.book, slots, budget, found.need))
    assert all(needed)
    cost = cost_of(search.book, slots)
    say("field, recount, necessity", f"{len(slots)} sites, {cost / 1e8:.2f} million")
    asked, _ = measured(*where, serving(field, len(candidates.options)))
    inside = inside_bins(LossBook(paths, candidates, *middles(points, bins)), slots, budget, found.need)
    say("deductions, serving links", f"{sum(d.size_db for d in asked.values()):.2f} dB; {inside.source}")
    slot_of = np.unique(rows.serves.indices)
    model = Model(
        rows.serves[:, slot_of], rows.need, slot_of // len(candidates.options), candidates.cost_minor.ravel()[slot_of]
    )
    greedy = greedy_plan(model)
    greedy_cost = int(candidates.cost_minor.ravel()[slot_of[greedy]].sum()) if greedy is not None else 0
    say("(greedy peer)", f"pays {greedy_cost / max(result.cost_minor, 1):.3f} of the least cost", counts=False)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    if not quiet:
        bound = f"bound by the duals alone {result.lp_bound_minor / max(result.cost_minor, 1):.4%} of the cost"
        print(f"{'total':<28} {stages.total_s:8.2f} s   {bound}, peak {peak_mib:.0f} MiB")
    return {
        "seconds": stages.seconds,
        "total_s": stages.total_s,
        "peak_mib": peak_mib,
        "sites": len(slots),
        "gap": result.gap,
        "greedy_cost_ratio": greedy_cost / max(result.cost_minor, 1),
    }


def main() -> None:
    """Compile on a short road, then time the long one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--km", type=float, default=700.0)
    parser.add_argument("--smooth", action="store_true")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    wanted = parser.parse_args()
    begun = time.perf_counter()
    plan(8_000.0, smooth=wanted.smooth, quiet=True)
    print(f"{'(compilation, 8 km)':<28} {time.perf_counter() - begun:8.2f} s")
    figures = plan(1000.0 * wanted.km, smooth=wanted.smooth, quiet=False)
    if wanted.json:
        wanted.json.write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main()
