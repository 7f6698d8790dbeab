"""The backscatter line of a trace: its slope, where it begins behind the launch, where it ends, and its noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

from trassa.errors import InputError
from trassa.optical.otdr.trace import Trace, fibre_m

__all__ = [
    "MAD_TO_SIGMA",
    "Backscatter",
    "backscatter_of",
    "correlation_length",
    "noise_level_db",
    "running_mean",
    "spread",
]

FloatArray = npt.NDArray[np.float64]
MAD_TO_SIGMA = 1.4826
"""Standard deviation over median absolute deviation, of a normal distribution."""
_LEAST_WINDOW = 30
_RECOVERED_DB_PER_KM = 2.0
"""The recovery behind a strong reflection is steeper, by far."""
_STEEPEST_DB_PER_KM = 1.0
_FLATTEST_DB_PER_KM = 0.03
"""What a fibre may lose, splices included: the tail of a reflection loses more, the noise floor less."""
_STEEP_DB_PER_KM = 10.0
"""A trace that falls faster throughout shows the receiver recovering and no fibre."""
_SLOPING_M = 1000.0
"""A fibre of this length shows its slope."""
_STEADY_DB = 0.7
_LEFT_DB = 0.03
_SURELY_DB = 0.3
"""How far from the line the level is when it has begun to leave it, in a trace without noise; and when it surely has:
less may be another event just before, unless the level falls from sample to sample."""
_NOISE_PERCENT = 98.0
_ABOVE_NOISE_DB = 0.8
_STRAIGHT_DB = 0.25
"""Noise of one sample, and of a window's mean, above which a stretch is no backscatter line."""


@dataclass(frozen=True)
class Backscatter:
    """One trace prepared for the search: samples ``first`` to ``last`` (exclusive) are backscatter of the fibre.

    ``position_m`` of shape (n,) is fibre from the user offset; ``pulse`` and ``window`` are numbers of samples;
    ``ended`` says whether the line ends in a drop (``last`` is where that begins) or merely fades.
    """

    level_db: FloatArray
    position_m: FloatArray
    spacing_m: float
    pulse: int
    window: int
    slope_db_per_m: float
    first: int
    last: int
    ended: bool


def spread(values: FloatArray) -> float:
    """Standard deviation of what is normally distributed, outliers apart: from the median absolute deviation."""
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def running_mean(values: FloatArray, window: int) -> FloatArray:
    """Mean of ``values[i : i + window]``, shape (n − window + 1,)."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    return np.asarray((total[window:] - total[:-window]) / window, dtype=np.float64)


def line_through(position_m: FloatArray, level_db: FloatArray) -> tuple[float, float, float]:
    """Least-squares line (LSA): level at the first position, slope in dB/m, standard deviation of the residuals."""
    away_m = position_m - position_m[0]
    slope, level = np.polyfit(away_m, level_db, 1)
    return float(level), float(slope), float(np.std(level_db - level - slope * away_m))


def correlation_length(rest: FloatArray) -> float:
    """Samples that count as one: the sum of the autocorrelation up to where it first vanishes."""
    padded = np.fft.rfft(rest, 2 * rest.size)
    correlation = np.fft.irfft(np.abs(padded) ** 2)[: rest.size // 3]
    if correlation.size == 0 or correlation[0] <= 0.0:
        return 1.0
    correlation /= correlation[0]
    vanished = np.flatnonzero(correlation < 0.05)
    return float(2.0 * correlation[: vanished[0] if vanished.size else None].sum() - 1.0)


def backscatter_of(trace: Trace, index_ratio: float, end_threshold_db: float) -> Backscatter:
    """Find the backscatter line. Raises :class:`InputError` for a trace without any."""
    position_m = fibre_m(trace.sample_time_ns(), index_ratio)
    spacing_m = float(fibre_m(trace.sample_spacing_ns, index_ratio))
    pulse = max(3, int(np.ceil(trace.pulse_m(index_ratio) / spacing_m)))
    window = max(_LEAST_WINDOW, 4 * pulse)
    front = int(np.searchsorted(trace.sample_time_ns(), -trace.user_offset_ns))
    first = _after_launch(trace.level_db, front + 2 * pulse, window, spacing_m)
    if first is None or first + 3 * window > trace.level_db.size:
        raise InputError(
            f"trace of {trace.instrument or 'unnamed instrument'}: no backscatter of {3 * window * spacing_m:.0f} m "
            f"behind the launch",
            cure="a shorter pulse or a longer range",
        )
    last, ended = _end(trace.level_db, position_m, first, pulse, window, end_threshold_db)
    reach = max(last - window, first)
    steps = trace.level_db[first + window : reach + window] - trace.level_db[first:reach]
    slope = float(np.median(steps)) / (window * spacing_m) if steps.size else -2e-4
    noise_db = spread(np.diff(trace.level_db[first : first + window])) / np.sqrt(2.0)
    length_m = (last - first) * spacing_m
    flat = slope > -_FLATTEST_DB_PER_KM * 1e-3 and length_m > _SLOPING_M
    if flat or abs(slope) > _STEEP_DB_PER_KM * 1e-3 or noise_db > _STEADY_DB or last - first < 2 * window:
        raise InputError(
            f"trace of {trace.instrument or 'unnamed instrument'}: what lies behind the launch is no backscatter "
            f"line ({abs(slope) * 1e3:.1f} dB/km, noise {noise_db:.2f} dB, {length_m:.0f} m)",
            cure="a shorter pulse, for a fibre that ends near the launch",
        )
    return Backscatter(trace.level_db, position_m, spacing_m, pulse, window, slope, first, last, ended)


def _after_launch(level_db: FloatArray, start: int, window: int, spacing_m: float) -> int | None:
    """The first sample behind the launch from which a window is as flat as fibre."""
    half = window // 2
    means = running_mean(level_db[start:], half)
    falls = (means[half:] - means[:-half]) / (half * spacing_m)
    pieces = np.diff(means[::half])
    quiet = [spread(piece) for piece in np.array_split(pieces, max(1, pieces.size // 20))]
    noise = min(quiet, default=0.0) / (half * spacing_m)  # behind the end it is the receiver's, not the line's
    limit = max(_RECOVERED_DB_PER_KM * 1e-3, min(5.0 * noise, 20e-3))
    flat = np.flatnonzero(np.abs(falls) < limit)
    return start + int(flat[0]) if flat.size else None


def _end(
    level_db: FloatArray, position_m: FloatArray, first: int, pulse: int, window: int, threshold_db: float
) -> tuple[int, bool]:
    """Where the line ends: the first drop behind which there is no fibre, or where noise drowns it."""
    middle = median_filter(level_db, size=window | 1, mode="nearest")
    half, gap = window // 2, 5 * pulse + window // 2
    left = middle[: level_db.size - 2 * half - gap]
    right = middle[2 * half + gap :]
    dropping = left - right >= threshold_db
    dropping[: first + half] = False  # the window before must lie behind the launch
    edges = np.flatnonzero(np.diff(np.concatenate(([False], dropping, [False])).astype(np.int8)))
    runs = edges.reshape(-1, 2) + half
    for number, (start, stop) in enumerate(runs):
        behind = int(stop) + gap
        until = int(runs[number + 1][0]) if number + 1 < len(runs) else level_db.size
        if _is_fibre(level_db[behind:until], position_m[behind:until], window, to_the_last=until == level_db.size):
            continue
        edge = _edge(level_db, first, int(start), int(stop) + gap, pulse, window, threshold_db)
        if _is_abrupt(level_db, edge, pulse, window):
            return edge, True
        return min(edge, _faded(level_db[:edge], first, window)), False
    return _faded(level_db, first, window), False


def noise_level_db(level_db: FloatArray) -> float:
    """What 98 % of samples without signal lie below (IEC 61746-1)."""
    return float(np.percentile(level_db, _NOISE_PERCENT))


def _is_abrupt(level_db: FloatArray, edge: int, pulse: int, window: int) -> bool:
    """Whether the line is cut off, or ends in a reflection, well above the noise; a line that fades does neither."""
    behind = level_db[edge + 6 * pulse :]
    if behind.size < window:
        return True
    noise_db = noise_level_db(behind)
    line_db = float(np.median(level_db[max(edge - window, 0) : max(edge, 1)]))
    spike_db = float(np.median(np.sort(level_db[edge : edge + 2 * pulse])[-pulse:]))
    return line_db > noise_db + _ABOVE_NOISE_DB or spike_db > noise_db + 3.0 * _ABOVE_NOISE_DB


def _is_fibre(level_db: FloatArray, position_m: FloatArray, window: int, *, to_the_last: bool) -> bool:
    """Whether a stretch between drops is fibre. The last one of a trace is its noise floor, unless it slopes."""
    if level_db.size < 3 * window:
        return False
    keep = level_db.size if to_the_last else level_db.size - window
    count = keep // window
    middles = np.median(level_db[: count * window].reshape(count, window), axis=1)
    _, slope, rough_db = line_through(position_m[: count * window : window], middles)
    noise_db = spread(np.diff(level_db[:keep])) / np.sqrt(2.0)
    doubt = 6.0 * rough_db / (np.sqrt(count) * (position_m[keep - 1] - position_m[0]))
    fibre_like = -_STEEPEST_DB_PER_KM * 1e-3 - doubt < slope < -_FLATTEST_DB_PER_KM * 1e-3
    return fibre_like and rough_db < _STRAIGHT_DB and noise_db < _STEADY_DB


def _edge(level_db: FloatArray, first: int, drop: int, stop: int, pulse: int, window: int, threshold_db: float) -> int:
    """The sample at which the level leaves the line for good, upwards in a reflection or downwards.

    ``drop`` is where the drop first comes in sight. From where the level is surely gone, back to where it was last on
    the line: a pulse takes no more than its length for that, a receiver that smooths some more.
    """
    stop = min(stop, level_db.size)
    drop = min(max(drop, first + 4), stop - 1)
    start = max(first, drop - 30 * window)
    slope = float(np.median(level_db[start + 2 : drop] - level_db[start : drop - 2])) / 2.0
    if drop - start > 2 * window:
        slope = float(np.median(level_db[start + window : drop] - level_db[start : drop - window])) / window
    flat = level_db[start:stop] - slope * np.arange(stop - start)
    recent = flat[max(drop - start - window, 0) : drop - start]
    lasting = np.abs(flat[drop - start :] - np.median(recent)) > threshold_db
    means = running_mean(lasting.astype(np.float64), max(pulse // 2, 2)) > 0.99
    gone = drop - start + (int(np.argmax(means)) if means.any() else stop - drop - 1)
    farthest = max(gone - 3 * pulse, 0)
    near = flat[max(farthest - max(pulse, _LEAST_WINDOW // 2), 0) : max(farthest, 1)]
    limit_db = max(6.0 * spread(recent), _LEFT_DB)
    away = np.abs(flat - np.median(near))
    edge = gone
    while (
        edge > farthest and away[edge - 1] > limit_db and (away[edge - 1] > _SURELY_DB or away[edge - 1] < away[edge])
    ):
        edge -= 1
    return start + edge


def _faded(level_db: FloatArray, first: int, window: int) -> int:
    """The first window that is noise more than line, or the end of the trace."""
    count = (level_db.size - first) // window
    pieces = np.diff(level_db[first : first + count * window].reshape(count, window), axis=1)
    noise_db = MAD_TO_SIGMA * np.median(np.abs(pieces), axis=1) / np.sqrt(2.0)
    noisy = np.flatnonzero(median_filter(noise_db, size=5, mode="nearest") > _STEADY_DB)
    return first + int(noisy[0]) * window if noisy.size else level_db.size
