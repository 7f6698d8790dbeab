"""Outages by simulation: parts fail and are mended by chance, and a service is down whenever its parts say so.

The clock runs in independent batches of equal length, all parts up at the start of each; a batch is so much longer
than a repair that the start does not matter. Batch means are independent and alike, so Student's t gives the interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

__all__ = ["Simulated", "simulated_unavailability"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_BATCHES = 40


@dataclass(frozen=True)
class Simulated:
    """Unavailability by simulation: mean of the batches, and the 95 % interval around it."""

    mean: float
    low: float
    high: float


def simulated_unavailability(
    failures_per_h: FloatArray,
    repair_h: FloatArray,
    works: Callable[[BoolArray], BoolArray],
    lasting_h: float,
    seed: int,
) -> Simulated:
    """Let parts live for ``lasting_h`` altogether; rates and mean repair times have shape (parts,), all exponential.

    ``works`` gets (moments, parts), true where a part is up, and says whether the service is, (moments,). A common
    cause is a part of its own that the service cannot do without.
    """
    generator = np.random.default_rng(seed)
    batch_h = lasting_h / _BATCHES
    means = np.array([_batch(failures_per_h, repair_h, works, batch_h, generator) for _ in range(_BATCHES)])
    half = float(stdtrit(_BATCHES - 1, 0.975)) * float(means.std(ddof=1)) / np.sqrt(_BATCHES)
    mean = float(means.mean())
    return Simulated(mean, mean - half, mean + half)


def _batch(
    failures_per_h: FloatArray,
    repair_h: FloatArray,
    works: Callable[[BoolArray], BoolArray],
    hours: float,
    generator: np.random.Generator,
) -> float:
    """Share of one batch without service."""
    changes = [_changes(rate, repair, hours, generator) for rate, repair in zip(failures_per_h, repair_h, strict=True)]
    part = np.repeat(np.arange(len(changes)), [len(times) for times in changes])
    times = np.concatenate(changes)
    order = np.argsort(times, kind="stable")
    toggled = np.zeros((len(order) + 1, len(changes)), dtype=np.int64)
    toggled[np.arange(1, len(order) + 1), part[order]] = 1
    up = np.cumsum(toggled, axis=0) % 2 == 0
    lasting_h = np.diff(np.concatenate(([0.0], times[order], [hours])))
    return float(lasting_h[~works(up)].sum() / hours)


def _changes(failures_per_h: float, repair_h: float, hours: float, generator: np.random.Generator) -> FloatArray:
    """Moments at which a part goes down and up in turn, until the end; none for one that never fails."""
    times = np.empty(0)
    if failures_per_h <= 0.0:
        return times
    reached = 0.0
    while reached < hours:
        count = int(1.2 * (hours - reached) / (1.0 / failures_per_h + repair_h)) + 16
        lives = generator.exponential(1.0 / failures_per_h, count)
        repairs = generator.exponential(repair_h, count)
        more = reached + np.cumsum(np.column_stack((lives, repairs)).ravel())
        times, reached = np.concatenate((times, more)), float(more[-1])
    return times[times < hours]
