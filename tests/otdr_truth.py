"""A fibre as it was really laid, and what an OTDR reads on it: the truth that the locator is judged by.

Nothing here is taken from the product but the plain records that it reads. Reels have a helix of their own, slack
and loops are not what the plan says, the index set is not the fibre's, every fibre of a cable reads a closure
somewhere else, low-loss splices are not seen, and bends are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trassa.optical.otdr.events import EventTable, FibreEvent
from trassa.optical.otdr.fibre_path import FibrePath, FibrePlace, planned_path
from trassa.optical.otdr.trace import Trace

if TYPE_CHECKING:  # a planned line brings the whole program along, and its memory
    from trassa.plan.optical.questions import PlannedLine

FloatArray = npt.NDArray[np.float64]
C_M_PER_NS = 0.299792458
INDEX_SET = 1.4700
PLANNED_SLACK, PLANNED_HELIX, PLANNED_LOOP_M, PLANNED_END_M = 0.02, 0.975, 10.0, 4.0


@dataclass
class TrueFibre:
    """The laid cable: knots of (route, optical distance at the index set); a loop is a step in them."""

    path: FibrePath
    route_knots_m: FloatArray
    optical_knots_m: FloatArray
    closures_m: FloatArray
    closures_optical_m: FloatArray
    bends_optical_m: FloatArray
    scatter_m: float
    rng: np.random.Generator

    @property
    def route_length_m(self) -> float:
        return float(self.route_knots_m[-1])

    def optical_m(self, route_m: float) -> float:
        return float(np.interp(route_m, self.route_knots_m, self.optical_knots_m))

    def table(self, *, broken_at_m: float | None = None, missed: float = 0.15, far_end: bool = False) -> EventTable:
        """What one fibre shows from the hut, or from the far hut counted from there."""
        end_m = float(self.optical_knots_m[-1]) if broken_at_m is None else broken_at_m
        seen = self.closures_optical_m[self.rng.random(self.closures_optical_m.size) >= missed]
        at = np.concatenate((seen, self.bends_optical_m))
        at = at[at < end_m - 60.0]
        at = at + self.rng.normal(0.0, self.scatter_m, at.size)
        end_m += float(self.rng.normal(0.0, self.scatter_m))
        if far_end:
            at = end_m - at
        events = [event("splice", float(m)) for m in np.sort(at) if m > 150.0]
        return EventTable((*events, event("end", end_m)), INDEX_SET, 51.0, 150.0, end_m)


def event(kind: str, at_m: float, loss_db: float = 0.05) -> FibreEvent:
    return FibreEvent(kind, at_m, 3.0, loss_db, 0.01)  # type: ignore[arg-type]


def laid_fibre(seed: int, *, alike: bool = False) -> TrueFibre:
    """A cable of 20 to 80 km, planned and then laid differently; with ``alike`` all reels have one helix and slack."""
    rng = np.random.default_rng(seed)
    length_m = float(rng.uniform(20e3, 80e3))
    closures = np.cumsum(rng.uniform(1600.0, 5900.0, 60))
    closures = closures[closures < length_m - 1000.0]
    chambers = np.cumsum(rng.uniform(400.0, 1000.0, 250))
    chambers = chambers[chambers < length_m - 50.0]
    places = [FibrePlace("H-01", "hut", 0.0, 0.0, PLANNED_END_M)]
    places += [FibrePlace(f"CH-{i}", "chamber", float(m)) for i, m in enumerate(chambers)]
    half_m = PLANNED_LOOP_M / 2.0
    places += [FibrePlace(f"CL-{i}", "closure", float(m), half_m, half_m) for i, m in enumerate(closures)]
    places.append(FibrePlace("H-02", "hut", length_m, PLANNED_END_M, 0.0))
    path = FibrePath(tuple(sorted(places, key=lambda p: p.route_m)), PLANNED_SLACK, PLANNED_HELIX)
    return laid(path, rng, alike=alike)


def laid(path: FibrePath, rng: np.random.Generator, *, alike: bool = False) -> TrueFibre:
    """A planned fibre as it may have been built; with ``alike`` all reels have one helix and slack."""
    length_m = path.places[-1].route_m
    closures = np.array([place.route_m for place in path.places if place.kind == "closure"])
    chambers = np.array([place.route_m for place in path.places if place.kind == "chamber"])
    index_true = INDEX_SET / (1.0 + rng.choice([-1.0, 1.0]) * 0.0012)
    stretch = index_true / INDEX_SET  # the instrument divides time by the index set

    route, fibre = [0.0], [float(rng.uniform(0.0, 10.0) + rng.uniform(0.0, 8.0) / 0.975)]
    joints_m: list[float] = []
    one_helix, one_slack = float(rng.uniform(0.97, 0.98)), float(rng.uniform(-0.004, 0.004))
    for reel_start, reel_end in zip([0.0, *closures], [*closures, length_m], strict=True):
        helix = one_helix if alike else float(rng.uniform(0.97, 0.98))
        reel_slack = PLANNED_SLACK + (one_slack if alike else float(rng.uniform(-0.004, 0.004)))
        stops = [m for m in chambers if reel_start < m < reel_end] + [reel_end]
        for stop in stops:  # slack lies unevenly from chamber to chamber
            sheath_m = (stop - route[-1]) * (1.0 + reel_slack * rng.uniform(0.7, 1.3))
            route.append(float(stop))
            fibre.append(fibre[-1] + sheath_m / helix)
        if reel_end < length_m:
            for half in (0, 1):
                route.append(float(reel_end))
                fibre.append(fibre[-1] + float(rng.uniform(0.0, PLANNED_LOOP_M)) / helix)
                if half == 0:
                    joints_m.append(fibre[-1])
    fibre[-1] += float(rng.uniform(0.0, 8.0)) / 0.975
    optical = np.array(fibre) * stretch
    joints = np.array(joints_m) * stretch
    bends = rng.uniform(0.0, optical[-1], rng.integers(0, 3))
    return TrueFibre(path, np.array(route), optical, closures, joints, bends, float(rng.uniform(8.0, 14.0)), rng)


def backbone_path(plan: PlannedLine) -> FibrePath:
    """The first span of a planned line from its first hut, as the backbone's fibres see it."""
    one, layers = plan.lines[0], plan.layers
    joints = {row["closure"]: row["measure_m"] for row in layers["closures"].rows() if "joint" in row["kind"]}
    chambers = {row["chamber"]: row["measure_m"] for row in layers["chambers"].rows()}
    huts = [(name, hut.measure_m) for name, hut in zip(one.hut_names, one.chain.huts, strict=True)]
    return planned_path(one.cable_route(0), huts[0], huts[1], joints, chambers)


def repaired(fibre: TrueFibre, route_m: float, inserted_m: float) -> TrueFibre:
    """The same cable with ``inserted_m`` of fibre spliced in at one place."""
    at_m = fibre.optical_m(route_m)
    split = int(np.searchsorted(fibre.optical_knots_m, at_m))
    behind = fibre.optical_knots_m[split:] + inserted_m
    optical = np.concatenate((fibre.optical_knots_m[:split], [at_m, at_m + inserted_m], behind))
    route = np.concatenate((fibre.route_knots_m[:split], [route_m, route_m], fibre.route_knots_m[split:]))
    moved = np.where(fibre.closures_optical_m > at_m, fibre.closures_optical_m + inserted_m, fibre.closures_optical_m)
    bends = np.where(fibre.bends_optical_m > at_m, fibre.bends_optical_m + inserted_m, fibre.bends_optical_m)
    joints = np.sort(np.concatenate((moved, [at_m, at_m + inserted_m])))
    return TrueFibre(fibre.path, route, optical, fibre.closures_m, joints, bends, fibre.scatter_m, fibre.rng)


@dataclass
class TrueTrace:
    """What is sampled: joints with their loss, a change of backscatter behind each, reflections, an end."""

    joints_m: FloatArray
    losses_db: FloatArray
    scatter_db: FloatArray
    end_m: float
    end_reflectance_db: float | None = -14.5
    reflectances_db: dict[int, float] | None = None
    slope_db_per_km: float = 0.20


BACKSCATTER_DB = -81.0


def sampled(
    truth: TrueTrace, rng: np.random.Generator, *, pulse_ns: float = 500.0, spacing_m: float = 5.0,
    range_db: float = 22.0, index: float = INDEX_SET, receiver_ratio: float = 0.0,
) -> Trace:  # fmt: skip
    """The trace of a fibre: backscatter, blurred by the pulse, plus noise of the receiver, in 5 lg of power.

    ``range_db`` is the one-way loss at which the backscatter equals the noise, ``receiver_ratio`` the time constant
    of the receiver over the pulse.
    """
    fine = 4
    z = np.arange(0.0, truth.end_m * 1.25 + 2000.0, spacing_m / fine)
    steps_db = np.concatenate(([0.0], np.cumsum(truth.losses_db + truth.scatter_db)))
    passed_db = steps_db[np.searchsorted(truth.joints_m, z, side="right")]
    level_db = -truth.slope_db_per_km * z / 1000.0 - passed_db
    power = np.where(z < truth.end_m, 10.0 ** (level_db / 5.0), 0.0)
    pulse_m = pulse_ns * C_M_PER_NS / index / 2.0
    width = max(1, round(pulse_m / (spacing_m / fine)))
    total = np.concatenate((np.zeros(width), np.cumsum(power)))
    seen = (total[width:] - total[:-width]) / width
    spikes = dict(truth.reflectances_db or {})
    places = [(float(truth.joints_m[joint]), value) for joint, value in spikes.items()]
    if truth.end_reflectance_db is not None:
        places.append((truth.end_m, truth.end_reflectance_db))
    for at_m, reflectance_db in places:
        start = int(np.searchsorted(z, at_m))
        height = 10.0 ** ((reflectance_db - BACKSCATTER_DB) / 10.0) / pulse_ns
        seen[start : start + width] += power[start - 1] * height
    seen += 10.0 ** (14.0 / 5.0) * (z < pulse_m) + 10.0 ** (8.0 / 5.0) * np.exp(-z / (0.15 * pulse_m))
    if receiver_ratio > 0.0:
        answer = np.exp(-np.arange(0.0, 8.0 * receiver_ratio * width) / (receiver_ratio * width))
        seen = np.convolve(seen, answer / answer.sum())[: seen.size]
    seen = seen[::fine] + rng.normal(0.0, 10.0 ** (-range_db / 5.0), seen[::fine].size)
    level = np.clip(5.0 * np.log10(np.maximum(seen, 1e-12)) - 20.0, -65.535, -3.0)
    spacing_ns = spacing_m * index / C_M_PER_NS
    return Trace(
        "simulated", "C-1", "1", "H-01", "H-02", 1_700_000_000, 1550.0, pulse_ns, index, BACKSCATTER_DB,
        round(spacing_ns, 5), 0.0, 0.0, np.round(level, 3),
    )  # fmt: skip


def true_trace(fibre: TrueFibre, *, broken_at_m: float | None = None, reflectance_db: float | None = None) -> TrueTrace:
    """One fibre of the cable as it would be sampled from the hut: splices as measured in the field, 5 % of them bad."""
    rng = fibre.rng
    joints = fibre.closures_optical_m + rng.normal(0.0, fibre.scatter_m, fibre.closures_optical_m.size)
    losses = np.abs(rng.normal(0.04, 0.04, joints.size)) + 0.01
    offsets = rng.normal(0.0, 0.05, joints.size + 1)
    whole_m = float(fibre.optical_knots_m[-1]) + float(rng.normal(0.0, fibre.scatter_m))
    end_m, end_db = (whole_m, -14.5) if broken_at_m is None else (broken_at_m, reflectance_db)
    keep = joints < end_m - 80.0
    return TrueTrace(joints[keep], losses[keep], np.diff(offsets)[keep], end_m, end_db)
