"""How big an event is and where it begins: least-squares lines on either side (LSA), the pulse between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.otdr.backscatter import Backscatter, correlation_length, noise_level_db, spread
from trassa.optical.otdr.events import FibreEvent
from trassa.optical.otdr.pairs import hidden_pair
from trassa.optical.otdr.trace import Trace
from trassa.optical.otdr.transition import Answer, Transition, grouped, leading_edge

__all__ = ["Step", "measured_end", "measured_step", "reflection_of", "splices_of"]

FloatArray = npt.NDArray[np.float64]
_LONGEST_M = 2000.0
_FEWEST = 8
_RESOLUTION_DB = 0.001
_ROUNDING_DB = 0.0003
"""A loss is repeated to a thousandth of a decibel, a sample is rounded to one."""
_SATURATED_SAMPLES = 3


@dataclass(frozen=True)
class Step:
    """A step of the line as measured: loss and level before it in dB, and the transition from line to line."""

    loss_db: float
    loss_sd_db: float
    level_db: float
    transition: Transition


def measured_step(line: Backscatter, start: int, stop: int, before: int, behind: int) -> Step | None:
    """The step within samples ``start`` to ``stop`` between the neighbouring events ``before`` and ``behind``.

    None where the neighbours leave too little line on either side to measure anything.
    """
    longest = max(int(_LONGEST_M / line.spacing_m), line.window)
    left = slice(max(before, start - longest, line.first), max(start, line.first))
    right = slice(stop, min(behind, stop + longest))
    if left.stop - left.start < _FEWEST or right.stop - right.start < _FEWEST:
        return None
    origin_m = float(line.position_m[start])
    fit = _step_fit(line, left, right, origin_m)
    return Step(fit.loss_db, fit.loss_sd_db, fit.level_db, _transition(line, left, right, origin_m, fit))


def _transition(line: Backscatter, left: slice, right: slice, origin_m: float, fit: _StepFit) -> Transition:
    """What lies between two stretches of line, in shares between their ends: a fibre is not straight for kilometres."""
    between = slice(left.stop, right.start)
    flank = max(between.stop - between.start, _FEWEST)
    away_db = line.level_db[left.start : right.stop] - fit.level_db
    away_db = away_db - fit.slope_db_per_m * (line.position_m[left.start : right.stop] - origin_m)
    start, stop = between.start - left.start, between.stop - left.start
    before_db = float(away_db[max(start - flank, 0) : start].mean())
    loss_db = before_db - float(away_db[stop : stop + flank].mean())
    if loss_db * fit.loss_db < fit.loss_db**2 / 2.0:
        before_db, loss_db = 0.0, fit.loss_db
    share = _share(away_db[start:stop] - before_db, loss_db)
    noise = fit.local_noise_db / max(abs(loss_db), 1e-9)
    return _grouped(line.position_m[between], share, noise, fit.correlated)


def _grouped(at_m: FloatArray, share: FloatArray, noise: float, correlated: float) -> Transition:
    at, shares = grouped(at_m), grouped(share)
    group = at_m.size // at.size
    return Transition(at, shares, noise * float(np.sqrt(min(correlated, group) / group)), max(1.0, correlated / group))


def splices_of(line: Backscatter, step: Step, answer: Answer, between: tuple[int, int]) -> list[FibreEvent]:
    """The event without reflection that a step is, or the two that it hides within samples ``between``.

    It lies where the trace that answers so begins to leave its line; merged events have an interval that holds both.
    """
    fibre_m, fibre_sd_m = leading_edge(step.transition, answer)
    pair = hidden_pair(line, between, step.transition, answer)
    if pair is None:
        return [FibreEvent("splice", fibre_m, fibre_sd_m, step.loss_db, step.loss_sd_db)]
    edges = pair.first, pair.second
    if pair.apart:
        return [FibreEvent("splice", edge.fibre_m, edge.fibre_sd_m, edge.loss_db, edge.loss_sd_db) for edge in edges]
    farthest_m = max(abs(edge.fibre_m - fibre_m) for edge in edges)
    fibre_sd_m = float(np.hypot(fibre_sd_m, farthest_m / 2.0))
    return [FibreEvent("splice", fibre_m, fibre_sd_m, step.loss_db, step.loss_sd_db, merged=True)]


def _share(away_db: FloatArray, loss_db: float) -> FloatArray:
    """The share of the power lost that is gone where the level stands ``away_db`` above the line before."""
    lost = 1.0 - 10.0 ** (-loss_db / 5.0)
    return np.clip((1.0 - 10.0 ** (away_db / 5.0)) / (lost or 1e-9), -0.5, 1.5)


def reflection_of(line: Backscatter, trace: Trace, spike: tuple[int, int], step: Step | None) -> FibreEvent:
    """The reflection that a spike is; without a step its loss is unknown and another event lies within the pulse."""
    start, stop = spike
    levels = line.level_db[start:stop]
    level_db = step.level_db if step else float(line.level_db[max(start - 1, 0)])
    return FibreEvent(
        "reflection",
        float(line.position_m[start]),
        line.spacing_m,
        step.loss_db if step else 0.0,
        step.loss_sd_db if step else float("inf"),
        _reflectance(float(levels.max()) - level_db, trace),
        _is_saturated(levels),
        step is None,
    )


def measured_end(line: Backscatter, trace: Trace, before: int, answer: Answer) -> FibreEvent:
    """The end of the fibre: where the line is left for good."""
    tail = line.level_db[line.last : line.last + 4 * line.pulse]
    left = slice(max(before + 2 * line.pulse, line.last - line.window, line.first), line.last)
    level = float(np.median(line.level_db[left])) if left.stop > left.start else float(line.level_db[line.last - 1])
    height_db = float(tail.max()) - level if tail.size else 0.0
    behind = line.level_db[line.last + 8 * line.pulse :]
    behind = behind if behind.size else tail
    noise_db = spread(np.diff(line.level_db[left])) / np.sqrt(2.0) if left.stop - left.start > 2 else 0.0
    reflective = height_db > max(0.5, 6.0 * noise_db)
    drowned = bool(behind.size) and level < noise_level_db(behind)  # only the reflection stands out of the noise
    fibre_m, fibre_sd_m = float(line.position_m[min(line.last, line.position_m.size - 1)]), 2.0 * line.spacing_m
    if not reflective:
        fibre_m, fibre_sd_m = _cut_off(line, left, answer, noise_db)
    return FibreEvent(
        "end",
        fibre_m,
        fibre_sd_m,
        level - float(np.median(behind)) if behind.size else 0.0,
        max(noise_db, _RESOLUTION_DB),
        _reflectance(height_db, trace) if reflective and not drowned else None,
        reflective and _is_saturated(tail),
    )


def _cut_off(line: Backscatter, left: slice, answer: Answer, noise_db: float) -> tuple[float, float]:
    """Where a line that ends without reflection is cut off, by the rule for splices: all of its power is lost.

    The sample at which the level has left the line for sure is the latest place, and noise makes it late.
    """
    surely_m = float(line.position_m[min(line.last, line.position_m.size - 1)])
    reach = int(np.ceil(answer.length_m / line.spacing_m))
    around = slice(max(line.last - 2 * reach, left.start), line.last + 2 * reach)
    at_m = line.position_m[around]
    if left.stop - left.start < _FEWEST or at_m.size < _FEWEST:
        return surely_m, float(np.hypot(2.0 * line.spacing_m, answer.length_m))
    level_db = float(np.median(line.level_db[left] - line.slope_db_per_m * line.position_m[left]))
    share = _share(line.level_db[around] - level_db - line.slope_db_per_m * at_m, np.inf)
    noise = float(1.0 - 10.0 ** (-noise_db / 5.0))
    fibre_m, fibre_sd_m = leading_edge(_grouped(at_m, share, noise, 1.0), answer)
    if fibre_m < surely_m - 2.0 * answer.length_m:
        return surely_m, float(np.hypot(fibre_sd_m, answer.length_m))
    return min(fibre_m, surely_m), float(np.hypot(2.0 * line.spacing_m, fibre_sd_m))


@dataclass(frozen=True)
class _StepFit:
    """Two lines of one slope: the level of the first where asked, the loss to the second.

    ``local_noise_db`` is the noise of a sample beside one a pulse away, where the unevenness of the fibre over
    kilometres is none; ``correlated`` is the number of samples that count as one.
    """

    level_db: float
    slope_db_per_m: float
    loss_db: float
    loss_sd_db: float
    local_noise_db: float
    correlated: float


def _step_fit(line: Backscatter, left: slice, right: slice, start_m: float) -> _StepFit:
    """The level at ``start_m`` and the loss between two stretches of line.

    The slope of a fibre does not change at a splice, and neighbours may be near. Noise of neighbouring samples hangs
    together where an instrument smooths; the sum over lags tells by how much.
    """
    x = np.concatenate((line.position_m[left], line.position_m[right])) - start_m
    y = np.concatenate((line.level_db[left], line.level_db[right]))
    behind = np.zeros(x.size)
    behind[left.stop - left.start :] = -1.0
    design = np.column_stack((np.ones(x.size), x, behind))
    level_db, slope_db_per_m, loss_db = (float(value) for value in np.linalg.lstsq(design, y, rcond=None)[0])
    rest = y - design @ (level_db, slope_db_per_m, loss_db)
    covariance = np.linalg.inv(design.T @ design)
    noise_db = float(rest.std())
    correlated = min(max(1.0, correlation_length(rest)), float(rest.size))
    sd_db = float(np.hypot(noise_db * np.sqrt(covariance[2, 2] * correlated), _RESOLUTION_DB))
    local_noise_db = spread(rest[line.pulse :] - rest[: -line.pulse]) / np.sqrt(2.0)
    return _StepFit(
        level_db, slope_db_per_m, loss_db, sd_db, max(local_noise_db, _ROUNDING_DB), min(correlated, line.pulse)
    )


def _is_saturated(level_db: FloatArray) -> bool:
    return bool(np.count_nonzero(level_db == level_db.max()) > _SATURATED_SAMPLES)


def _reflectance(height_db: float, trace: Trace) -> float | None:
    """Reflectance from the height of the spike: backscatter of the pulse plus what stands above it."""
    ratio = 10.0 ** (height_db / 5.0) - 1.0
    if ratio <= 0.0 or trace.backscatter_db >= 0.0:
        return None
    return min(0.0, float(trace.backscatter_db + 10.0 * np.log10(ratio * trace.pulse_ns)))
