"""Pairs events with closures: in order, with gaps on either side, by the distances between neighbours.

Distances between neighbours tell more than distances from the hut, in which the errors of index and helix add up. A
chain of pairs costs what its steps are off, in units of their variance, and a penalty for each closure or event left
out; the cheapest chain is found by dynamic programming over the pairs that are possible at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Pairing", "paired"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pairing:
    """What may be off, and what a gap costs in −2 ln of its probability.

    A step of length d is off by a standard deviation of √(``step_sd_m``² + (``step_ratio`` d)²), a position f from
    the hut by no more than ``away_m`` + ``away_ratio`` f. ``shift_cost`` is what an inserted piece of cable costs,
    which makes one step off by any amount; None where there can be none.
    """

    step_sd_m: float
    step_ratio: float
    away_m: float
    away_ratio: float
    missing_cost: float = 4.0
    extra_cost: float = 8.0
    shift_cost: float | None = None


def paired(
    events_m: FloatArray, places_m: FloatArray, rules: Pairing, *, ends_together: bool = False
) -> list[tuple[int, int]]:
    """Pairs (event, place) in order; both arrays rise, counted from where event and place are one (the hut).

    With ``ends_together`` the last event and the last place are known to be one, the end of the fibre.
    """
    away = np.abs(events_m[:, None] - places_m[None, :])
    events, places = np.nonzero(away <= rules.away_m + rules.away_ratio * places_m[None, :])
    if events.size == 0:
        return []
    order = np.lexsort((events, places))
    events, places = events[order], places[order]
    x, f = events_m[events], places_m[places]
    best = np.empty(events.size)
    previous = np.full(events.size, -1)
    for at in range(events.size):
        best[at] = _step_cost(x[at], f[at], rules)[()] + _gap_cost(events[at], places[at], rules)
        before = np.flatnonzero((places[:at] < places[at]) & (events[:at] < events[at]))
        if before.size:
            gaps = _gap_cost(events[at] - events[before] - 1, places[at] - places[before] - 1, rules)
            costs = best[before] + gaps + _step_cost(x[at] - x[before], f[at] - f[before], rules)
            cheapest = int(np.argmin(costs))
            if costs[cheapest] < best[at]:
                best[at], previous[at] = costs[cheapest], before[cheapest]
    whole = best + _gap_cost(events_m.size - 1 - events, places_m.size - 1 - places, rules)
    at = int(np.argmin(whole))
    if ends_together and events[-1] == events_m.size - 1 and places[-1] == places_m.size - 1:
        at = events.size - 1
    elif whole[at] >= _gap_cost(events_m.size, places_m.size, rules):
        return []
    pairs: list[tuple[int, int]] = []
    while at >= 0:
        pairs.append((int(events[at]), int(places[at])))
        at = int(previous[at])
    return pairs[::-1]


def _step_cost(event_m: FloatArray, place_m: FloatArray, rules: Pairing) -> FloatArray:
    variance = rules.step_sd_m**2 + (rules.step_ratio * place_m) ** 2
    cost = np.asarray((event_m - place_m) ** 2 / variance, dtype=np.float64)
    return cost if rules.shift_cost is None else np.minimum(cost, rules.shift_cost)


def _gap_cost(events: npt.ArrayLike, places: npt.ArrayLike, rules: Pairing) -> FloatArray:
    return np.asarray(events) * rules.extra_cost + np.asarray(places) * rules.missing_cost
