"""How big an event is and where it begins: least-squares lines on either side (LSA), the pulse between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.otdr.backscatter import Backscatter, noise_level_db, spread
from trassa.optical.otdr.events import FibreEvent
from trassa.optical.otdr.trace import Trace

__all__ = ["Step", "measured_end", "measured_step", "reflection_of", "splice_of"]

FloatArray = npt.NDArray[np.float64]
_LONGEST_M = 2000.0
_FEWEST = 8
_RESOLUTION_DB = 0.001
_SATURATED_SAMPLES = 3


@dataclass(frozen=True)
class Step:
    """A step of the line as measured: loss and noise in dB, the middle of the transition and its width in metres."""

    loss_db: float
    loss_sd_db: float
    noise_db: float
    level_db: float
    middle_m: float
    middle_sd_m: float
    width_m: float


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
    level_db, slope, loss_db, loss_sd_db, noise_db = _step_fit(line, left, right, origin_m)
    between = line.position_m[left.stop : right.start] - origin_m
    share = (level_db + slope * between - line.level_db[left.stop : right.start]) / (loss_db or 1e-9)
    share = np.clip(share, -0.5, 1.5)
    middle_m = float(line.position_m[right.start] - line.spacing_m * share.sum())
    middle_sd_m = line.spacing_m * float(np.hypot(1.0, noise_db * np.sqrt(share.size) / max(abs(loss_db), 1e-9)))
    width_m = line.spacing_m * np.count_nonzero((share > 0.2) & (share < 0.8)) / 0.6
    return Step(loss_db, loss_sd_db, noise_db, level_db, middle_m, middle_sd_m, float(width_m))


def splice_of(step: Step, width_m: float) -> FibreEvent:
    """The event without reflection that a step is; ``width_m`` is the transition that pulse and receiver make."""
    return FibreEvent("splice", step.middle_m - width_m / 2.0, step.middle_sd_m, step.loss_db, step.loss_sd_db)


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


def measured_end(line: Backscatter, trace: Trace, before: int) -> FibreEvent:
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
    blurred_m = 0.0 if reflective else line.pulse * line.spacing_m * min(noise_db, 1.0)
    return FibreEvent(
        "end",
        float(line.position_m[min(line.last, line.position_m.size - 1)]),
        float(np.hypot(2.0 * line.spacing_m, blurred_m)),
        level - float(np.median(behind)) if behind.size else 0.0,
        max(noise_db, _RESOLUTION_DB),
        _reflectance(height_db, trace) if reflective and not drowned else None,
        reflective and _is_saturated(tail),
    )


def _step_fit(line: Backscatter, left: slice, right: slice, start_m: float) -> tuple[float, float, float, float, float]:
    """Level at the event, slope in dB/m, loss, its standard deviation, and noise of a sample.

    Two lines of one slope: the slope of a fibre does not change at a splice, and neighbours may be near. Noise of
    neighbouring samples hangs together where an instrument smooths; the sum over lags tells by how much.
    """
    x = np.concatenate((line.position_m[left], line.position_m[right])) - start_m
    y = np.concatenate((line.level_db[left], line.level_db[right]))
    behind = np.zeros(x.size)
    behind[left.stop - left.start :] = -1.0
    design = np.column_stack((np.ones(x.size), x, behind))
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    rest = y - design @ solution
    covariance = np.linalg.inv(design.T @ design)
    noise_db = float(rest.std())
    independent = max(1.0, rest.size / _correlation_length(rest))
    sd_db = noise_db * np.sqrt(covariance[2, 2] * rest.size / independent)
    sd_db = float(np.hypot(sd_db, _RESOLUTION_DB))
    return float(solution[0]), float(solution[1]), float(solution[2]), sd_db, noise_db


def _correlation_length(rest: FloatArray) -> float:
    """Samples that count as one: the sum of the autocorrelation up to where it first vanishes."""
    padded = np.fft.rfft(rest, 2 * rest.size)
    correlation = np.fft.irfft(np.abs(padded) ** 2)[: rest.size // 3]
    if correlation.size == 0 or correlation[0] <= 0.0:
        return 1.0
    correlation /= correlation[0]
    vanished = np.flatnonzero(correlation < 0.05)
    return float(2.0 * correlation[: vanished[0] if vanished.size else None].sum() - 1.0)


def _is_saturated(level_db: FloatArray) -> bool:
    return bool(np.count_nonzero(level_db == level_db.max()) > _SATURATED_SAMPLES)


def _reflectance(height_db: float, trace: Trace) -> float | None:
    """Reflectance from the height of the spike: backscatter of the pulse plus what stands above it."""
    ratio = 10.0 ** (height_db / 5.0) - 1.0
    if ratio <= 0.0 or trace.backscatter_db >= 0.0:
        return None
    return min(0.0, float(trace.backscatter_db + 10.0 * np.log10(ratio * trace.pulse_ns)))
