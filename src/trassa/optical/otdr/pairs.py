"""Two events where the search saw one: two leading edges fitted to the samples around a step.

Neighbours nearer than a pulse and the lines on either side of it hide one another from the search for steps. Around
each step one edge and two edges of the trace's own answer are fitted; where two explain the samples better than chance
can, both are told, or told as merged with an interval that holds both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.otdr.backscatter import Backscatter, correlation_length
from trassa.optical.otdr.transition import Answer, Transition, grouped

__all__ = ["Edge", "Pair", "hidden_pair"]

FloatArray = npt.NDArray[np.float64]
_PLACES = 64
_CHANCE = 40.0
"""What the second edge must take off the sum of squares, in variances of one sample: thousands of pairs are tried."""
_SIGNIFICANCE = 5.5
_LEAST_DB = 0.06
"""Twice what the search calls an event: noise is judged by the samples around one place alone."""
_LEAST_RATIO = 0.08
"""Within one transition a smaller second edge than this is what the answer is known no better than."""
_APART = 5.0
"""Two edges are told apart where they lie so many standard deviations from one another, else they are merged."""
_UNLEARNED = 1.5
_FEWEST = 24
_STEPS = 4


@dataclass(frozen=True)
class Edge:
    """One event of a pair, with standard deviations."""

    fibre_m: float
    fibre_sd_m: float
    loss_db: float
    loss_sd_db: float


@dataclass(frozen=True)
class Pair:
    """Two events in order, and whether they are told apart."""

    first: Edge
    second: Edge
    apart: bool


@dataclass(frozen=True)
class _Samples:
    """Power beside that of the line before, of 1, over metres; ``correlated`` samples count as one."""

    at_m: FloatArray
    power: FloatArray
    correlated: float
    spacing_m: float


def hidden_pair(line: Backscatter, span: tuple[int, int], step: Transition, answer: Answer) -> Pair | None:
    """The two events within samples ``span`` around a step, where there are two; None where one explains as much."""
    start, stop = span
    if stop - start < _FEWEST:
        return None
    at_m = line.position_m[start:stop]
    level_db = line.level_db[start:stop] - line.slope_db_per_m * (at_m - at_m[0])
    power = 10.0 ** ((level_db - np.median(level_db[: _FEWEST // 3])) / 5.0)
    group = (stop - start) // grouped(at_m).size
    samples = _Samples(grouped(at_m), grouped(power), max(1.0, step.correlated / group), line.spacing_m * group)
    margin_m = (at_m[-1] - at_m[0]) / 12.0
    tried_m = np.linspace(at_m[0] + margin_m, at_m[-1] - margin_m - answer.length_m, _PLACES)
    places = _likeliest(samples, answer, tried_m)
    return None if places is None else _fitted(samples, answer, places)


def _likeliest(samples: _Samples, answer: Answer, tried_m: FloatArray) -> tuple[float, float] | None:
    """The best pair of the places tried, all at once by their inner products; None where chance could do as much."""
    if tried_m[-1] <= tried_m[0]:
        return None
    edges = np.asarray(answer.at(samples.at_m[:, None] - tried_m[None, :]))
    straight = np.linalg.qr(np.column_stack((np.ones(samples.at_m.size), samples.at_m - samples.at_m[0])))[0]
    edges = edges - straight @ (straight.T @ edges)
    power = samples.power - straight @ (straight.T @ samples.power)
    inner, with_power = edges.T @ edges, edges.T @ power
    own = np.diag(inner)
    spread = own[:, None] * own[None, :] - inner**2
    spread = np.where(spread > 1e-6 * own[:, None] * own[None, :], spread, np.inf)
    crossed = 2.0 * inner * with_power[:, None] * with_power[None, :]
    square = with_power**2
    explained = (square[:, None] * own[None, :] + square[None, :] * own[:, None] - crossed) / spread
    one = float((square / np.maximum(own, 1e-12)).max())
    first, second = np.unravel_index(int(np.argmax(explained)), explained.shape)
    best = float(explained[first, second])
    left = max(float(power @ power) - best, 1e-12)
    if best - one < _CHANCE * samples.correlated * left / (samples.at_m.size - 6):
        return None
    low, high = sorted((float(tried_m[first]), float(tried_m[second])))
    return low, high


def _fitted(samples: _Samples, answer: Answer, places: tuple[float, float]) -> Pair | None:
    """Both edges by Gauss-Newton from where the grid has them; None for what is no loss of its own."""
    edges_m = np.array(places)
    step_m = samples.spacing_m / 2.0
    farthest_m = (places[1] - places[0]) / 2.0
    for _ in range(_STEPS):
        away_m = samples.at_m[:, None] - edges_m[None, :]
        shown = answer.at(away_m)
        steep = (answer.at(away_m - step_m) - answer.at(away_m + step_m)) / (2.0 * step_m)
        straight = np.column_stack((np.ones(samples.at_m.size), samples.at_m - samples.at_m[0]))
        lost = np.linalg.lstsq(np.hstack((straight, -shown)), samples.power, rcond=None)[0]
        rest = samples.power - np.hstack((straight, -shown)) @ lost
        design = np.hstack((straight, -shown, -steep * lost[2:]))
        move = np.linalg.lstsq(design, rest, rcond=None)[0][4:]
        edges_m = np.clip(edges_m + np.clip(move, -farthest_m, farthest_m), samples.at_m[0], samples.at_m[-1])
    variance = float(rest @ rest) / (samples.at_m.size - 6) * max(correlation_length(rest), 1.0)
    sd = np.sqrt(np.maximum(np.diag(np.linalg.pinv(design.T @ design)) * variance, 0.0))
    return _told(samples, answer, edges_m, lost, sd)


def _told(samples: _Samples, answer: Answer, edges_m: FloatArray, lost: FloatArray, sd: FloatArray) -> Pair | None:
    left = lost[0] + lost[1] * (edges_m - samples.at_m[0]) - (0.0, lost[2])
    behind = left - lost[2:]
    if not (edges_m[0] < edges_m[1] and (behind > 0.0).all() and (left > 0.0).all()):
        return None
    losses_db = -5.0 * np.log10(behind / left)
    sds_db = sd[2:4] / left * 5.0 / np.log(10.0)
    apart_m = float(edges_m[1] - edges_m[0])
    least_db = np.maximum(_LEAST_DB, _SIGNIFICANCE * sds_db)
    within = apart_m < answer.length_m
    small = np.abs(losses_db).min() < _LEAST_RATIO * np.abs(losses_db).max() or losses_db.prod() < 0.0
    sds_m = np.sqrt(sd[4:] ** 2 + answer.lead_sd_m**2 + samples.spacing_m**2)
    apart = bool(apart_m > _APART * float(np.hypot(sd[4], sd[5])) and apart_m > 2.0 * samples.spacing_m)
    if not answer.learned and apart_m < _UNLEARNED * answer.length_m:
        apart = False  # a slow receiver looks like this too
    if (within and small) or (apart and (np.abs(losses_db) < least_db).any()):
        return None
    rows = zip(edges_m, sds_m, losses_db, sds_db, strict=True)
    first, second = (Edge(*(float(value) for value in row)) for row in rows)
    return Pair(first, second, apart)
