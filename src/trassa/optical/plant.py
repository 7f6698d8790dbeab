"""Chambers, closures and reels of one span: what is dug in and jointed between two huts.

Two rules, both exact. Chambers: on a line with forced places (huts, taps), always going as far as the limit allows
gives the fewest. Closures: a shortest path over the chambers gives the fewest closures such that no reel is longer
than its limit, and among those the fewest joints, since every joint costs all fibres a splice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.lengths import Verge
from trassa.optical.route import CableRoute, Loop
from trassa.optical.settings import OpticalSettings

__all__ = ["SpanLayout", "SpanPlant", "reel_route_m"]

_EPSILON_M = 1e-6


def reel_route_m(rules: OpticalSettings) -> float:
    """The longest route that one reel covers between two closures."""
    end_loop_m = rules.termination_loop_m + rules.crossing_m * (1.0 + rules.slack_ratio)
    return (rules.reel_limit_m - max(rules.closure_loop_m, 2.0 * end_loop_m)) / (1.0 + rules.slack_ratio)


@dataclass(frozen=True)
class SpanPlant:
    """What lies between two huts: chambers in order, both huts' included; joints and taps are some of them."""

    cable: CableRoute
    chambers_m: tuple[float, ...]
    joints_m: tuple[float, ...]
    taps_m: tuple[float, ...]

    @property
    def closures_m(self) -> tuple[float, ...]:
        """Places of the closures: joints, where reels meet, and taps, where a drop leaves."""
        return tuple(sorted({*self.joints_m, *self.taps_m}))

    @property
    def reel_ends_m(self) -> tuple[float, ...]:
        """Where reels begin and end: the huts and the joints."""
        return (self.cable.start_m, *self.joints_m, self.cable.end_m)

    def reel_sheath_m(self) -> npt.NDArray[np.float64]:
        """Sheath on each reel, shape (reels,)."""
        return np.diff(self.cable.sheath_m(np.array(self.reel_ends_m)))


class SpanLayout:
    """Lays out plant from one hut onwards, up to any hut behind it.

    ``entry_m`` is the way from the verge to a hut across the road, laid at both ends as if it were a loop.
    A chamber stands at each of ``stops_m``; with ``tapped`` each is a tap too. A second cable in the same trench lies
    in the first one's chambers but is not tapped.
    """

    def __init__(
        self,
        verge: Verge,
        start_m: float,
        farthest_m: float,
        stops_m: Sequence[float],
        rules: OpticalSettings,
        *,
        tapped: bool = True,
        entry_m: float = 0.0,
    ) -> None:
        self._verge, self._rules, self._start_m = verge, rules, start_m
        self._end_loop_m = rules.termination_loop_m + entry_m * (1.0 + rules.slack_ratio)
        self._stops_m = sorted({stop for stop in stops_m if start_m < stop <= farthest_m})
        self._taps_m = self._stops_m if tapped else []
        self._limit_m = min(rules.chamber_limit_m, reel_route_m(rules))
        self._chambers_m = self._chambers(farthest_m)
        self._route_m = verge.route_at(np.array(self._chambers_m)).tolist()
        taps = set(self._taps_m)
        self._is_tap = [measure in taps for measure in self._chambers_m]
        self._taps_before = np.concatenate(([0], np.cumsum(self._is_tap))).tolist()
        self._solve()

    def to(self, end_m: float) -> SpanPlant:
        """The plant of the span that ends in a hut at ``end_m``."""
        last = bisect_left(self._chambers_m, end_m - _EPSILON_M)
        route_m = float(self._verge.route_at(end_m))
        _, joint = self._best_into(last, route_m, self._end_loop_m)
        joints: list[float] = []
        while joint > 0:
            joints.append(self._chambers_m[joint])
            joint = self._previous[joint]
        chambers = (*self._chambers_m[:last], end_m)
        taps = tuple(tap for tap in self._taps_m if tap < end_m - _EPSILON_M)
        return self._plant(chambers, tuple(reversed(joints)), taps)

    def _plant(self, chambers: tuple[float, ...], joints: tuple[float, ...], taps: tuple[float, ...]) -> SpanPlant:
        start_m, end_m = chambers[0], chambers[-1]
        end_loop_m, half_m = self._end_loop_m, self._rules.closure_loop_m / 2.0
        loops = [Loop(start_m, 0.0, end_loop_m), Loop(end_m, end_loop_m, 0.0)]
        loops += [Loop(measure, half_m, half_m) for measure in sorted({*joints, *taps})]
        return SpanPlant(CableRoute.of(self._verge, start_m, end_m, loops, self._rules), chambers, joints, taps)

    def _chambers(self, farthest_m: float) -> list[float]:
        forced = list(self._stops_m)
        chambers = [self._start_m]
        while chambers[-1] < farthest_m - _EPSILON_M:
            here = chambers[-1]
            there = self._farthest_from(here)
            while forced and forced[0] <= here:
                forced.pop(0)
            if forced and forced[0] <= there:
                there = forced[0]
            chambers.append(min(there, farthest_m))
        return chambers

    def _farthest_from(self, here_m: float) -> float:
        """As far as the limit allows; not on a bridge or in a tunnel, except that one too long is crossed whole."""
        route_m = float(self._verge.route_at(here_m)) + self._limit_m
        there = self._verge.measure_at(route_m)
        closed = self._verge.closing(there)
        if closed is None:
            return there
        return closed.start_m if closed.start_m > here_m + _EPSILON_M else closed.end_m

    def _solve(self) -> None:
        """Forward over the chambers: fewest closures, then fewest joints, that make a reel end at each."""
        self._best: list[tuple[int, int]] = [(0, 0)]
        self._previous: list[int] = [-1]
        for index in range(1, len(self._chambers_m)):
            (closures, joints), previous = self._best_into(
                index, self._route_m[index], self._rules.closure_loop_m / 2.0
            )
            self._best.append((closures + (0 if self._is_tap[index] else 1), joints + 1))
            self._previous.append(previous)

    def _best_into(self, index: int, route_m: float, end_loop_m: float) -> tuple[tuple[int, int], int]:
        """The best chamber before ``index`` for a reel to start at when it ends at ``route_m``; nearest on a tie."""
        best: tuple[tuple[int, int], int] | None = None
        for start in range(index - 1, -1, -1):
            if self._reel_m(start, index, route_m, end_loop_m) > self._rules.reel_limit_m + _EPSILON_M:
                break
            if best is None or self._best[start] < best[0]:
                best = (self._best[start], start)
        if best is None:
            raise AssertionError("neighbouring chambers are always within one reel")
        return best

    def _reel_m(self, start: int, index: int, route_m: float, end_loop_m: float) -> float:
        taps = self._taps_before[index] - self._taps_before[start] - (1 if self._is_tap[start] else 0)
        start_loop_m = self._rules.closure_loop_m / 2.0 if start else self._end_loop_m
        laid_m = (route_m - self._route_m[start]) * (1.0 + self._rules.slack_ratio)
        return float(laid_m + taps * self._rules.closure_loop_m + start_loop_m + end_loop_m)
