"""Reels against closures against chambers: the cheapest chambers and joints between two fixed ends, exactly.

::

    hut ──┬────┬────┬──╥────┬────┬────┬──╥────┬── hut        ┬ chamber   ╥ chamber with a joint
          ╰ chambers no further apart than their limit, one at every tap, none on a bridge or in a tunnel
          reels from joint to joint no longer than theirs, loops included

Paid are chambers, joints (all fibres spliced; a closure and its loop, unless a tap has them already). Why a shortest
path over few joints is exact:

1. *Chambers.* From a chamber, the farthest place that its limit allows never lies behind that of an earlier chamber
   (a tap stops both; a closed extent that stops the later one stops the earlier one too). So between two joints the
   greedy chain has the fewest chambers, and it depends on nothing but where it begins.
2. *A later joint costs no more from there on.* Take the best way on from a joint at x, and drop what lies before a
   later place x'. The first reel and the first gap only become shorter, so the rest is a way on from x'.
3. *Normal form.* Let b be the joint behind a joint or hut a, and R as far as a reel from a reaches; chains and joints
   stay before the end. If b is no tap and lies beyond the last chamber g of the chain that R allows, it may move on
   to R (2: as many chambers); where R lies beyond the end it may move back to g instead, and a chamber is saved. If b
   lies before g, it may move to g: where the next joint lies beyond g, the chain from b runs through g, and by (2) the
   cost is the same; where it does not, b is needless. In the same way a joint at a tap may move to the last tap before
   R. So behind a the joint is at one of three places: R itself, the last chamber before it, the last tap before it.
4. *Pruning.* By (2) a joint is dropped for another that costs no more and lies no nearer, as long as that lies before
   the end. One search from a start serves every end: joints in order of cost and place. For an end in its midst those
   before it are taken over, and what was dropped for a joint behind the end is searched again.

Fibres that are led into a drop at a joint are not spliced through it; these few splices are not part of the choice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from trassa.errors import InputError
from trassa.optical.plant.lengths import Verge
from trassa.optical.settings import OpticalSettings

__all__ = ["Laid", "ReelSearch", "no_reel"]

_EPSILON_M = 1e-6
_ONE_PLACE_M = 0.005
"""A chamber so near before a tap or an end is none: that much the chambers' limit gives."""


@dataclass(frozen=True)
class Laid:
    """Measures of chambers in order, both ends included, and of the joints in some of them."""

    chambers_m: tuple[float, ...]
    joints_m: tuple[float, ...]


class _Joint(NamedTuple):
    """A joint on the way, by route length from the start of the road; the first one is where the way begins.

    Its order is that of the search: cheapest, then fewest joints, then farthest.
    """

    cost_minor: float
    joints: int
    back_m: float
    before: _Joint | None

    @property
    def route_m(self) -> float:
        return -self.back_m


class ReelSearch:
    """Cheapest plant from one end of a stretch to any place within.

    ``taps_m`` are measures; those outside the stretch are left out. ``start_loop_m`` is the cable stored on this side
    of its start, ``greatest_loop_m`` the most that is stored on one side of any end: chambers stand so near to one
    another that one reel always reaches to the next.
    """

    def __init__(
        self,
        verge: Verge,
        start_m: float,
        farthest_m: float,
        taps_m: Sequence[float],
        rules: OpticalSettings,
        *,
        start_loop_m: float,
        greatest_loop_m: float,
    ) -> None:
        self._verge, self._rules, self._start_loop_m = verge, rules, start_loop_m
        self._half_m = rules.closure_loop_m / 2.0
        self._laid_ratio = 1.0 + rules.slack_ratio
        stored_m = 2.0 * max(self._half_m, start_loop_m, greatest_loop_m)
        self._limit_m = min(rules.chamber_limit_m, (rules.reel_limit_m - stored_m) / self._laid_ratio)
        if self._limit_m <= 0.0:
            raise no_reel(start_m, rules)
        self._chamber_minor = float(rules.prices.chamber.amount_minor)
        self._joint_minor = float(rules.prices.splice.amount_minor * rules.fibres)
        self._closure_minor = rules.prices.closure.amount_minor + rules.closure_loop_m * rules.prices.cable.amount_minor
        self._mark(start_m, farthest_m, taps_m)
        self._behind: dict[float, float] = {}
        start = _Joint(0.0, 0, -self._start_r, None)
        self._found = list(self._joints([start], -np.inf, float(verge.route_at(farthest_m))))
        self._found_r = [joint.route_m for joint in self._found]

    def _mark(self, start_m: float, farthest_m: float, taps_m: Sequence[float]) -> None:
        """Taps and closed extents of the stretch by route length, and the measures of all that is no free place."""
        taps = sorted({tap for tap in taps_m if start_m < tap < farthest_m})
        closed = [extent for extent in self._verge.closed if extent.end_m > start_m and extent.start_m < farthest_m]
        marks = [start_m, *taps, *(extent.start_m for extent in closed), *(extent.end_m for extent in closed)]
        routes: list[float] = self._verge.route_at(marks).tolist()
        self._measure = dict(zip(routes, marks, strict=True))
        self._start_r, first = routes[0], 1 + len(taps)
        self._taps_r, edges = routes[1:first], routes[first:]
        self._is_tap = set(self._taps_r)
        self._closed_start_r, self._closed_end_r = edges[: len(closed)], edges[len(closed) :]

    def to(self, end_m: float, end_loop_m: float) -> Laid:
        """The cheapest plant up to ``end_m``, where ``end_loop_m`` of cable is stored on this side of the end.

        Raises :class:`InputError` where no reel reaches from one chamber to the next.
        """
        end_r = float(self._verge.route_at(end_m))
        count = bisect_left(self._found_r, end_r - _EPSILON_M)
        farthest_r = self._found_r[count - 1]
        best: tuple[float, int, _Joint] | None = None
        dropped: list[_Joint] = []
        for joint in reversed(self._found[:count]):
            if (farthest_r - joint.route_m) * self._laid_ratio > self._rules.reel_limit_m:
                break
            best = _better(best, self._last_reel(joint, end_r, end_loop_m))
            dropped += self._next(joint, end_r)
        heapify(dropped)
        for joint in self._joints(dropped, farthest_r, end_r):
            if best is not None and joint.cost_minor + self._chamber_minor >= best[0]:
                break
            best = _better(best, self._last_reel(joint, end_r, end_loop_m))
        if best is None:
            raise no_reel(self._stuck_m(self._found[count - 1]), self._rules)
        return self._laid(best[2], end_r, end_m)

    def _joints(self, heap: list[_Joint], beyond_r: float, end_r: float) -> Iterator[_Joint]:
        """Joints before the end that follow from those in the heap, by cost, each beyond all that cost no more."""
        while heap:
            joint = heappop(heap)
            if joint.route_m <= beyond_r:
                continue
            beyond_r = joint.route_m
            yield joint
            for later in self._next(joint, end_r):
                heappush(heap, later)

    def _next(self, joint: _Joint, end_r: float) -> Iterator[_Joint]:
        """The three places for the joint behind one."""
        here_r, reach_r = joint.route_m, self._reach(joint)
        chain = self._chain(here_r, min(reach_r, end_r - _EPSILON_M))
        last_r = chain[-1] if chain else here_r
        tap = bisect_right(self._taps_r, last_r) - 1
        if tap >= 0 and here_r < self._taps_r[tap] < last_r:
            yield self._joint(joint, self._taps_r[tap], bisect_left(chain, self._taps_r[tap]) + 1)
        if chain:
            yield self._joint(joint, last_r, len(chain))
        open_r = self._open(reach_r)
        if last_r + _ONE_PLACE_M < open_r < end_r - _ONE_PLACE_M:
            yield self._joint(joint, open_r, len(chain) + 1)

    def _joint(self, before: _Joint, route_m: float, chambers: int) -> _Joint:
        cost_minor = before.cost_minor + chambers * self._chamber_minor + self._joint_minor
        if route_m not in self._is_tap:
            cost_minor += self._closure_minor
        return _Joint(cost_minor, before.joints + 1, -route_m, before)

    def _last_reel(self, joint: _Joint, end_r: float, end_loop_m: float) -> tuple[float, int, _Joint] | None:
        """Cost and joints of the whole way where one reel runs from a joint to the end; None where it is too short."""
        here_r = joint.route_m
        taps = bisect_left(self._taps_r, end_r - _EPSILON_M) - bisect_right(self._taps_r, here_r)
        stored_m = self._loop_behind_m(joint) + taps * self._rules.closure_loop_m + end_loop_m
        if (end_r - here_r) * self._laid_ratio + stored_m > self._rules.reel_limit_m + _EPSILON_M:
            return None
        chambers = len(self._chain_to_end(here_r, end_r)) + 1
        return joint.cost_minor + chambers * self._chamber_minor, joint.joints, joint

    def _loop_behind_m(self, joint: _Joint) -> float:
        return self._half_m if joint.before else self._start_loop_m

    def _reach(self, joint: _Joint) -> float:
        """As far as a reel from a joint reaches with another joint at its end; a tap on it takes a loop."""
        sheath_m = self._rules.reel_limit_m - self._loop_behind_m(joint) - self._half_m
        reach_r = joint.route_m + sheath_m / self._laid_ratio
        tap, taps_r = bisect_right(self._taps_r, joint.route_m), self._taps_r
        while tap < len(taps_r) and taps_r[tap] < reach_r - _EPSILON_M:
            reach_r = max(reach_r - self._rules.closure_loop_m / self._laid_ratio, taps_r[tap])
            tap += 1
        return reach_r

    def _chain(self, here_r: float, last_r: float) -> list[float]:
        """The fewest chambers behind one, up to ``last_r``."""
        chain: list[float] = []
        while True:
            there_r = self._behind.get(here_r)
            if there_r is None:
                there_r = self._behind[here_r] = self._farthest(here_r)
            if there_r > last_r:
                return chain
            chain.append(there_r)
            here_r = there_r

    def _chain_to_end(self, here_r: float, end_r: float) -> list[float]:
        """The fewest chambers between one and an end."""
        chain = self._chain(here_r, end_r - _EPSILON_M)
        needless = chain and chain[-1] > end_r - _ONE_PLACE_M and chain[-1] not in self._is_tap
        return chain[:-1] if needless else chain

    def _farthest(self, here_r: float) -> float:
        """The farthest place for the next chamber; a closed extent beyond the limit is crossed whole."""
        there_r = here_r + self._limit_m
        tap = bisect_right(self._taps_r, here_r)
        if tap < len(self._taps_r) and self._taps_r[tap] <= there_r + _ONE_PLACE_M:
            return self._taps_r[tap]
        open_r = self._open(there_r)
        if open_r > here_r + _EPSILON_M:
            return open_r
        return self._closed_end_r[bisect_right(self._closed_start_r, here_r + _EPSILON_M) - 1]

    def _open(self, route_m: float) -> float:
        """The place itself, or the start of the closed extent that it lies within."""
        row = bisect_left(self._closed_start_r, route_m) - 1
        if row < 0 or route_m >= self._closed_end_r[row]:
            return route_m
        return self._closed_end_r[row] if route_m >= self._closed_end_r[row] - _EPSILON_M else self._closed_start_r[row]

    def _stuck_m(self, joint: _Joint) -> float:
        """The farthest chamber that reels from the farthest joint reach."""
        return self._verge.measure_at([joint.route_m, *self._chain(joint.route_m, self._reach(joint))][-1])

    def _laid(self, last: _Joint, end_r: float, end_m: float) -> Laid:
        """Places along the way that ends with ``last``, as measures."""
        joints: list[float] = [last.route_m]
        while last.before:
            last = last.before
            joints.append(last.route_m)
        joints.reverse()
        chambers: list[float] = []
        for here_r, there_r in pairwise(joints):
            chambers += [here_r, *self._chain(here_r, there_r - _EPSILON_M)]
        chambers += [joints[-1], *self._chain_to_end(joints[-1], end_r)]
        measures = np.interp(chambers, self._verge.route_m, self._verge.measure_m).tolist()
        known = {r: self._measure.get(r, m) for r, m in zip(chambers, measures, strict=True)}
        return Laid((*known.values(), end_m), tuple(known[joint] for joint in joints[1:]))


def no_reel(behind_m: float, rules: OpticalSettings) -> InputError:
    """What is raised where no reel reaches from the chamber at some measure to the next."""
    return InputError(
        f"optical: behind measure {behind_m:.0f} m no reel of {rules.reel_limit_m:g} m reaches the next chamber with "
        "its loops",
        cure="a larger optical.reel_limit_m, or shorter loops there",
    )


def _better(
    one: tuple[float, int, _Joint] | None, other: tuple[float, int, _Joint] | None
) -> tuple[float, int, _Joint] | None:
    """The cheaper way, on a tie that with fewer joints."""
    if one is None or other is None:
        return one or other
    return other if other[:2] < one[:2] else one
