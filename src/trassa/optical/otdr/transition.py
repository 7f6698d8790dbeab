"""Where an event begins: the leading edge of its transition, where the trace leaves its line (IEC 61746-1).

A loss shows over the pulse, and over more where the receiver is slow or the instrument smooths. How a trace answers to
a loss is learned from its own clear steps laid over one another; where none is clear enough, the answer is the pulse,
smoothed as the noise is.
The answer fitted to a transition, weak or strong, says where that begins. All is told in shares of the power lost:
there the pulse makes a straight ramp of any loss, and of the end as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Answer", "Transition", "answer_of", "grouped", "leading_edge", "smoothing_m"]

FloatArray = npt.NDArray[np.float64]
_CLEAR = 25.0
_CLEAREST = 100.0
"""A step that stands so far above the noise shows its shape; more clarity than this counts no more."""
_STACK_NOISE = 0.015
"""Noise of the steps laid over one another, as a share, within which their foot is seen."""
_ALIKE = 1.25
_FEWEST = 3
"""Transitions wider than this, beside the common ones, may hold two events; fewer alike may all do so."""
_MOST_FITTED = 1024
_COARSE = 96
_SHOWN = 0.95
_FOOT = (0.05, 0.10, 0.20)
_RISE_RATIO = (0.5, 0.8)
"""The bounds of (x10 − x5) / (x20 − x10): a straight rise, and one as soft as a filter of third order makes it."""
_PIECE = 64
_NOISY_DB = 0.001
"""Samples are rounded to this: quieter pieces tell nothing of smoothing."""
_QUIET = 1.5
_MOST_PULSES = 2
_MOST_SAMPLES = 32
"""No instrument smooths more; what hangs together longer is fibre."""
_RECEIVER_RATIO = 0.08
"""What a receiver of unknown speed moves a transition by, as a share of the pulse; standard deviation."""


@dataclass(frozen=True)
class Transition:
    """The share of a loss that has shown at each sample, shape (n,).

    ``noise`` is that of a share, ``correlated`` the number of neighbouring samples whose noise counts as one.
    """

    at_m: FloatArray
    share: FloatArray
    noise: float
    correlated: float

    @property
    def spacing_m(self) -> float:
        """From sample to sample."""
        return float(self.at_m[1] - self.at_m[0])

    def crossing_m(self, share: float) -> float:
        """Where a share is first reached."""
        return float(np.interp(share, np.maximum.accumulate(self.share), self.at_m))


@dataclass(frozen=True)
class Answer:
    """The share that shows ``away_m`` behind the leading edge, rising from 0 to 1, shape (n,).

    ``learned`` from steps of the trace, or else from its pulse alone, whatever the receiver may be.
    """

    away_m: FloatArray
    share: FloatArray
    lead_sd_m: float
    learned: bool

    @classmethod
    def of_pulse(cls, pulse_m: float, smoothing_m: float) -> Answer:
        """A ramp as long as the pulse, under a running mean."""
        away_m = np.linspace(0.0, pulse_m + smoothing_m, 64)
        ends = np.square(np.clip(away_m[:, None] - (0.0, smoothing_m), 0.0, pulse_m)) / (2.0 * pulse_m)
        ends += np.maximum(away_m[:, None] - (pulse_m, pulse_m + smoothing_m), 0.0)
        share = (ends[:, 0] - ends[:, 1]) / smoothing_m
        return cls(away_m, share, float(np.hypot(_RECEIVER_RATIO * pulse_m, smoothing_m / 4.0)), False)

    @property
    def length_m(self) -> float:
        """Fibre over which a loss shows."""
        return float(self.away_m[-1])

    def at(self, away_m: FloatArray) -> FloatArray:
        """The share at distances from the leading edge. Any shape."""
        return np.asarray(np.interp(away_m, self.away_m, self.share), dtype=np.float64)


def grouped(values: FloatArray) -> FloatArray:
    """So few values as a fit needs, each the mean of its group: memory is bounded for any pulse and spacing."""
    group = -(-values.size // _MOST_FITTED)
    return np.asarray(values[: values.size // group * group].reshape(-1, group).mean(axis=1))


def smoothing_m(stretches_db: Sequence[FloatArray], pulse: int, spacing_m: float) -> float:
    """The running mean that an instrument takes, from how its noise hangs together; of one sample at least.

    Half the correlation of noise is left at half the length of the mean. The stretches are line without events, in
    pieces of sixteen pulses, bent straight, for the fibre's own unevenness is longer. The quietest count: what hangs
    together in louder ones may be events that nobody found, or the receiver recovering.
    """
    size = max(16 * pulse, _PIECE)
    whole = [stretch[: stretch.size // size * size].reshape(-1, size) for stretch in stretches_db]
    pieces = np.concatenate((np.empty((0, size)), *whole))
    bent = np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, size), 3))[0]
    rest = pieces - (pieces @ bent) @ bent.T
    noise_db = rest.std(axis=1)
    if rest.size == 0 or noise_db.min() < _NOISY_DB:
        return spacing_m
    rest = rest[noise_db <= _QUIET * noise_db.min()]
    if rest.shape[0] < _FEWEST:
        return spacing_m
    power = np.square(np.abs(np.fft.rfft(rest, 2 * size, axis=1)))
    correlation = np.fft.irfft(power, axis=1)[:, : size // 2]
    halved = np.argmax(correlation < correlation[:, :1] / 2.0, axis=1)
    return float(np.clip(2.0 * np.median(halved) - 1.0, 1.0, min(_MOST_PULSES * pulse, _MOST_SAMPLES))) * spacing_m


def answer_of(transitions: Sequence[Transition], pulse_m: float, smoothed_m: float) -> Answer:
    """How a trace answers to a loss, from its transitions, or from its pulse and the mean it takes."""
    plain = Answer.of_pulse(pulse_m, smoothed_m)
    clear = [transition for transition in transitions if transition.noise < 1.0 / _CLEAR]
    if not clear:
        return plain
    alike = _common(_common(clear, 0.2, 0.8), _FOOT[0], 0.5)
    weights = np.array([1.0 / max(step.noise, 1.0 / _CLEAREST) ** 2 for step in alike])
    if len(alike) < _FEWEST or weights.sum() < 1.0 / _STACK_NOISE**2:
        return plain
    reach_m = max(float(step.at_m[-1] - step.at_m[0]) for step in alike)
    away_m = np.linspace(-reach_m, reach_m, 4 * max(step.at_m.size for step in alike))
    curves = [np.interp(away_m + step.crossing_m(0.5), step.at_m, step.share) for step in alike]
    stack = Transition(away_m, np.average(curves, axis=0, weights=weights), 0.0, 1.0)
    foot_m = _foot_m(stack)
    rising = (away_m > stack.crossing_m(_FOOT[0])) & (away_m < stack.crossing_m(_SHOWN))
    share = np.clip(np.maximum.accumulate(stack.share[rising]), 0.0, 1.0)
    last_m = stack.crossing_m(_SHOWN) + max((stack.crossing_m(_SHOWN) - stack.crossing_m(0.8)) / 3.0, stack.spacing_m)
    curve_m = np.concatenate(([0.0], away_m[rising] - foot_m, [last_m - foot_m]))
    leads = [step.crossing_m(0.5) - step.crossing_m(_FOOT[0]) for step in alike]
    lead_sd_m = float(np.std(leads)) / np.sqrt(len(leads))
    return Answer(curve_m, np.concatenate(([0.0], share, [1.0])), float(lead_sd_m), True)


def _common(steps: list[Transition], low: float, high: float) -> list[Transition]:
    """The steps whose rise from one share to another is no longer than the common one."""
    rises_m = np.array([step.crossing_m(high) - step.crossing_m(low) for step in steps])
    most_m = _ALIKE * float(np.quantile(rises_m, 0.25, method="lower"))
    return [step for step, rise_m in zip(steps, rises_m, strict=True) if rise_m <= most_m]


def _foot_m(stack: Transition) -> float:
    """Where the rise begins, by its own law: crossings of doubling shares lie in a geometric row behind the foot."""
    low, middle, high = (stack.crossing_m(share) for share in _FOOT)
    ratio = float(np.clip((middle - low) / max(high - middle, 1e-9), *_RISE_RATIO))
    return low - (middle - low) * ratio / (1.0 - ratio)


def leading_edge(transition: Transition, answer: Answer) -> tuple[float, float]:
    """Where a transition begins, in metres, with its standard deviation: the answer fitted by least squares."""
    at_m, spacing_m = transition.at_m, transition.spacing_m
    low_m, high_m = at_m[0] - answer.length_m / 2.0, at_m[-1]
    edge_m, misfit = _best(transition, answer, np.linspace(low_m, high_m, _COARSE))
    for near_m in ((high_m - low_m) / _COARSE, (high_m - low_m) / _COARSE / 10.0):
        edge_m, misfit = _best(transition, answer, edge_m + near_m * np.linspace(-1.0, 1.0, 21))
    steep = np.diff(answer.at(np.append(at_m, at_m[-1] + spacing_m) - edge_m)) / spacing_m
    noise = max(transition.noise, float(np.sqrt(misfit / at_m.size))) * float(np.sqrt(transition.correlated))
    sd_m = noise / max(float(np.sqrt(np.square(steep).sum())), 1e-9)
    return edge_m, float(np.sqrt(min(sd_m, at_m[-1] - at_m[0]) ** 2 + answer.lead_sd_m**2 + spacing_m**2))


def _best(transition: Transition, answer: Answer, tried_m: FloatArray) -> tuple[float, float]:
    """The leading edge that fits best of those tried, and the sum of squares left."""
    misfit = np.square(answer.at(transition.at_m[None, :] - tried_m[:, None]) - transition.share[None, :]).sum(axis=1)
    best = int(np.argmin(misfit))
    return float(tried_m[best]), float(misfit[best])
