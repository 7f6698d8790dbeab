"""Our own event table of a trace: where the backscatter line steps, spikes and ends.

A step is sought as the difference of two means on either side of a gap that holds the pulse, the slope of the fibre
taken off. What counts as noise is measured on these differences themselves, along the trace, so that instruments
which smooth their samples are judged like those which do not. Windows grow from stage to stage: near events are
told apart by short ones, small losses in noise are found by long ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, median_filter

from trassa.optical.otdr.backscatter import MAD_TO_SIGMA, Backscatter, backscatter_of
from trassa.optical.otdr.events import EventTable, FibreEvent
from trassa.optical.otdr.measurement import Step, measured_end, measured_step, reflection_of, splices_of
from trassa.optical.otdr.trace import Trace
from trassa.optical.otdr.transition import answer_of, smoothing_m

__all__ = ["DetectionRules", "event_table"]

FloatArray = npt.NDArray[np.float64]
_GROWTH = (1, 4, 16)
_LONGEST_WINDOW_M = 1200.0
_MOST_SAMPLES = 400_000
"""More are averaged in groups: no instrument resolves them, and memory is bounded."""
_PIECE = 8
"""Noise is taken over this many windows on either side."""


@dataclass(frozen=True)
class DetectionRules:
    """What is an event: thresholds as on any OTDR, and how far above the noise it must stand.

    ``significance`` holds for the search, where the noise of thousands of places is tried; ``measured_significance``
    for the measurement of what was found.
    """

    loss_threshold_db: float = 0.03
    reflection_threshold_db: float = 0.15
    end_threshold_db: float = 3.0
    significance: float = 5.5
    measured_significance: float = 4.0


def event_table(trace: Trace, *, index: float | None = None, rules: DetectionRules | None = None) -> EventTable:
    """The events of a trace, at distances by ``index`` (the instrument's where None).

    Raises :class:`InputError` for a trace without backscatter.
    """
    rules = rules or DetectionRules()
    index = trace.index if index is None else index
    trace = _thinned(trace)
    line = backscatter_of(trace, index, rules.end_threshold_db)
    spikes = dict(_spikes(line, rules))
    found = _kept(line, spikes, _steps(line, list(spikes.items()), rules), rules)
    transitions = [step.transition for at, step in found.items() if step and at not in spikes]
    smoothed_m = smoothing_m(_stretches(line, spikes, list(found)), line.pulse, line.spacing_m)
    answer = answer_of(transitions, trace.pulse_m(index), smoothed_m)
    events: list[FibreEvent] = []
    for at, step in found.items():
        if at in spikes:
            events.append(reflection_of(line, trace, (at, spikes[at]), step))
        elif step:
            between = _alone(line, spikes, list(found), at, events[-1].fibre_m if events else None)
            events.extend(splices_of(line, step, answer, between))
    if line.ended:
        events.append(measured_end(line, trace, max(found, default=line.first), answer))
    first_m, last_m = (float(line.position_m[min(i, line.position_m.size - 1)]) for i in (line.first, line.last))
    last_m = min(last_m, events[-1].fibre_m) if line.ended else last_m
    return EventTable(tuple(events), index, trace.pulse_m(index), first_m, last_m)


def _thinned(trace: Trace) -> Trace:
    """The trace with so few samples as are worth looking at, each the mean of its group."""
    group = -(-trace.level_db.size // _MOST_SAMPLES)
    if group == 1:
        return trace
    whole = trace.level_db[: trace.level_db.size // group * group]
    return replace(
        trace,
        level_db=whole.reshape(-1, group).mean(axis=1),
        sample_spacing_ns=trace.sample_spacing_ns * group,
        first_sample_ns=trace.first_sample_ns + trace.sample_spacing_ns * (group - 1) / 2.0,
    )


def _kept(
    line: Backscatter, spikes: dict[int, int], steps: dict[int, float], rules: DetectionRules
) -> dict[int, Step | None]:
    """Spikes and steps measured between their neighbours, in order; the weakest doubtful step goes, till none is."""
    steps = dict(steps)
    while True:
        found = _measured(line, spikes, sorted({*spikes, *steps}))
        doubts = {at: _doubt(found[at], size_db, rules) for at, size_db in steps.items()}
        worst = max(doubts, key=lambda at: doubts[at], default=None)
        if worst is None or doubts[worst] <= 1.0:
            return found
        del steps[worst]


def _doubt(step: Step | None, size_db: float, rules: DetectionRules) -> float:
    """Above 1 for a step that may be noise; steps too near one another to be measured go first, smallest first."""
    if step is None:
        return 1e6 / (abs(size_db) + 1e-6)
    bound_db = max(rules.loss_threshold_db, rules.measured_significance * step.loss_sd_db)
    return bound_db / max(abs(step.loss_db), 1e-9)


def _measured(line: Backscatter, spikes: dict[int, int], places: list[int]) -> dict[int, Step | None]:
    spans = [(at, spikes[at] + 2 * line.pulse) if at in spikes else _span(line, at) for at in places]
    found: dict[int, Step | None] = {}
    for number, (at, (start, stop)) in enumerate(zip(places, spans, strict=True)):
        before = spans[number - 1][1] if number else line.first
        behind = spans[number + 1][0] if number + 1 < len(spans) else line.last
        found[at] = measured_step(line, start, stop, before, behind)
    return found


def _span(line: Backscatter, place: int) -> tuple[int, int]:
    return place - max(2 * line.pulse, line.window // 2), place + max(3 * line.pulse, line.window)


def _stretches(line: Backscatter, spikes: dict[int, int], places: list[int]) -> list[FloatArray]:
    """The levels between events."""
    spans = [(at, spikes[at] + 6 * line.pulse) if at in spikes else _span(line, at) for at in places]
    starts, stops = [line.first, *(stop for _, stop in spans)], [*(start for start, _ in spans), line.last]
    return [line.level_db[start : max(start, stop)] for start, stop in zip(starts, stops, strict=True)]


def _alone(
    line: Backscatter, spikes: dict[int, int], places: list[int], at: int, before_m: float | None
) -> tuple[int, int]:
    """Samples around a place in which no other event is known: as far as the search may have hidden one, and line."""
    start, stop = _span(line, at)
    reach = 2 * (stop - start)
    number = places.index(at)
    low, high = max(line.first, at - reach), min(line.last, at + reach + 2 * line.pulse)
    if number:
        other = places[number - 1]
        low = max(low, spikes[other] + 6 * line.pulse if other in spikes else _span(line, other)[1])
    if before_m is not None:
        low = max(low, int(np.searchsorted(line.position_m, before_m)) + 3 * line.pulse)
    if number + 1 < len(places):
        other = places[number + 1]
        high = min(high, other if other in spikes else _span(line, other)[0])
    return low, high


def _spikes(line: Backscatter, rules: DetectionRules) -> list[tuple[int, int]]:
    """Reflections: from the sample where the level begins to rise to the one where it has come back."""
    level = line.level_db[line.first : line.last]
    size = (6 * line.pulse + line.window) | 1
    smooth = median_filter(level, size=size, mode="nearest")
    above = level - smooth
    noise_db = _local_spread(above, size)
    high = above > np.maximum(rules.reflection_threshold_db, 2.0 * rules.significance * noise_db)
    runs = np.flatnonzero(np.diff(np.concatenate(([False], high, [False])).astype(np.int8))).reshape(-1, 2)
    spikes: list[tuple[int, int]] = []
    for start, stop in runs:
        rise = int(start)
        while rise > 0 and above[rise - 1] < above[rise] and above[rise - 1] > 2.0 * noise_db[rise]:
            rise -= 1
        rise += line.first
        if spikes and rise - spikes[-1][1] < line.pulse:
            spikes[-1] = (spikes[-1][0], int(stop) + line.first)
        elif stop - start >= 2:
            spikes.append((rise, int(stop) + line.first))
    return spikes


def _local_spread(values: FloatArray, size: int) -> FloatArray:
    """Robust standard deviation in pieces of ``size``, the median of five neighbours, shape of ``values``."""
    size = min(size, values.size)
    count = values.size // size
    pieces = values[: count * size].reshape(count, size)
    noise = np.median(np.abs(pieces - np.median(pieces, axis=1, keepdims=True)), axis=1) * MAD_TO_SIGMA
    wide = np.maximum(median_filter(noise, size=5, mode="nearest"), 1e-4)
    return np.concatenate((np.repeat(wide, size), np.full(values.size - count * size, wide[-1])))


def _steps(line: Backscatter, spikes: list[tuple[int, int]], rules: DetectionRules) -> dict[int, float]:
    """Samples at which the line steps and by how much; what one window finds is taken off before the next one looks."""
    x = line.position_m[line.first : line.last]
    flat = line.level_db[line.first : line.last] - line.slope_db_per_m * (x - x[0])
    for start, stop in spikes:
        a, b = start - line.first, min(stop + 3 * line.pulse, line.last) - line.first
        before, behind = flat[max(a - line.pulse, 0) : max(a, 1)], flat[b : b + line.pulse]
        flat[a:b] = np.linspace(np.median(before), np.median(behind) if behind.size else np.median(before), b - a)
    found: dict[int, float] = {}
    shadow = max(4 * line.pulse, line.window // 2)
    for growth in _GROWTH:
        window = min(line.window * growth, int(_LONGEST_WINDOW_M / line.spacing_m))
        if window * 3 > flat.size or (growth > 1 and window <= line.window):
            break
        for place, loss_db in _stage(flat, line.pulse, window, rules):
            near = any(_in_shadow(place + line.first, spike, shadow) for spike in spikes)
            if not near and all(abs(place + line.first - other) > shadow for other in found):
                found[place + line.first] = loss_db
            flat[place:] += loss_db
    return found


def _in_shadow(place: int, spike: tuple[int, int], shadow: int) -> bool:
    """Whether a sample lies in a reflection or in the receiver's recovery from it, longer where the spike is."""
    start, stop = spike
    return start - shadow // 4 <= place <= stop + max(shadow, 2 * (stop - start))


def _stage(flat: FloatArray, pulse: int, window: int, rules: DetectionRules) -> list[tuple[int, float]]:
    """Steps that one window finds: sample and loss, in order."""
    gap = pulse + max(2, pulse // 2)
    total = np.concatenate(([0.0], np.cumsum(flat)))
    at = np.arange(window, flat.size - gap - window)
    if at.size < 3:
        return []
    left = (total[at] - total[at - window]) / window
    right = (total[at + gap + window] - total[at + gap]) / window
    step = left - right
    drift = median_filter(step, size=(6 * window) | 1, mode="nearest") if step.size > 6 * window else np.median(step)
    step = step - drift
    noise = _local_spread(step, _PIECE * window)
    strength = np.abs(step)
    peak = strength == maximum_filter1d(strength, size=2 * (window + gap) + 1)
    peak &= strength > np.maximum(rules.loss_threshold_db, rules.significance * noise)
    return [(int(at[i]) + gap // 2 - pulse // 2, float(step[i])) for i in np.flatnonzero(peak)]
