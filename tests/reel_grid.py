"""The cheapest chambers and joints of one span when they stand on a grid, by trying every pair of joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trassa.optical.plant.built import BuiltPlace, BuiltSection
from trassa.optical.plant.layout import SpanPlant
from trassa.optical.plant.lengths import Verge
from trassa.optical.settings import OpticalSettings

__all__ = ["Question", "cheapest_on_grid", "plant_minor", "require_held"]

_AT_M = 1e-6


@dataclass(frozen=True)
class Question:
    """One span from measure 0, and the rules its plant must hold. Route is measure."""

    verge: Verge
    end_m: float
    taps_m: tuple[float, ...]
    rules: OpticalSettings
    entry_m: float = 0.0
    sections: tuple[BuiltSection, ...] = ()

    @property
    def places(self) -> dict[float, BuiltPlace]:
        """What is built, by measure."""
        return {place.measure_m: place for section in self.sections for place in section.places}

    def one_section(self, a: float, b: float) -> bool:
        """Whether both measures lie in one built section, ends included."""
        return any(s.extent.start_m <= a and b <= s.extent.end_m for s in self.sections)

    def half_m(self, measure_m: float) -> float:
        """Cable stored on one side at an end of a planned reel."""
        place = self.places.get(measure_m)
        if measure_m in (0.0, self.end_m):
            return self.rules.termination_loop_m + self.entry_m * (1.0 + self.rules.slack_ratio)
        return self.rules.closure_loop_m / 2.0 if place is None or place.loop_m is None else place.loop_m / 2.0

    def reel_m(self, a: float, b: float) -> float:
        """Sheath of a planned reel."""
        taps = sum(a < tap < b for tap in self.taps_m)
        stored = self.half_m(a) + self.half_m(b) + taps * self.rules.closure_loop_m
        return (b - a) * (1.0 + self.rules.slack_ratio) + stored

    def joint_minor(self, measure_m: float) -> float:
        """What a joint costs: splices unless both its reels lie already, a closure with its loop unless it has one."""
        prices, place = self.rules.prices, self.places.get(measure_m)
        edges = [edge for s in self.sections for edge in (s.extent.start_m, s.extent.end_m)]
        total = 0.0 if place is not None and measure_m not in edges else self.rules.fibres * prices.splice.amount_minor
        if place is None and measure_m not in self.taps_m:
            total += prices.closure.amount_minor + self.rules.closure_loop_m * prices.cable.amount_minor
        return float(total)


def cheapest_on_grid(question: Question, step_m: float, more: Sequence[float] = (), *, ease_m: float = 0.0) -> float:
    """The least cost with chambers at multiples of ``step_m``, at all that is fixed and at ``more`` places.

    ``ease_m`` is added to the limits: any plan, its places moved back to the grid, holds them eased by one step.
    """
    rules, end_m, places = question.rules, question.end_m, question.places
    fixed = {0.0, end_m, *question.taps_m, *(m for m in places if m < end_m)}
    closed = [e for e in question.verge.closed if e.start_m < end_m]
    edges = {m for e in closed for m in (e.start_m, e.end_m)}
    free = [m for m in (*np.arange(0.0, end_m, step_m).tolist(), *more) if question.verge.closing(m) is None]
    free = [m for m in free if m in places or not question.one_section(m, m)]
    at = sorted(m for m in {*fixed, *edges, *free} if m <= end_m)
    crossed = {e.start_m: e.end_m for e in closed}
    must = [m in fixed for m in at]
    price = [0.0 if m in places else float(rules.prices.chamber.amount_minor) for m in at]
    earliest = [0] * len(at)
    for k in range(1, len(at)):
        j = k - 1
        while j > 0 and not must[j] and at[k] - at[j - 1] <= rules.chamber_limit_m + ease_m + _AT_M:
            j -= 1
        earliest[k] = j
    best = [np.inf] * len(at)
    best[0] = 0.0
    for i, start in enumerate(at[:-1]):
        if best[i] == np.inf:
            continue
        dug = [np.inf] * len(at)
        dug[i] = 0.0
        for k in range(i + 1, len(at)):
            end = at[k]
            built = question.one_section(start, end)
            if not built and (end - start) * (1.0 + rules.slack_ratio) > rules.reel_limit_m + ease_m * 2.0:
                break
            near = [dug[j] for j in range(max(i, earliest[k]), k)]
            if not question.one_section(at[k - 1], end):
                near = [
                    d
                    for d, m in zip(near, at[max(i, earliest[k]) : k], strict=True)
                    if _gap(m, end, rules, crossed, ease_m)
                ]
            dug[k] = min(near, default=np.inf) + price[k]
            place = places.get(end)
            if place is not None and not place.joint and end != end_m:
                continue
            eased_m = ease_m * (1.0 + rules.slack_ratio)
            if built or question.reel_m(start, end) <= rules.reel_limit_m + eased_m + _AT_M:
                joint = 0.0 if end == end_m else question.joint_minor(end)
                best[k] = min(best[k], best[i] + dug[k] + joint)
            if place is not None:
                break
    return float(best[-1])


def _gap(a: float, b: float, rules: OpticalSettings, crossed: dict[float, float], ease_m: float) -> bool:
    return b - a <= rules.chamber_limit_m + ease_m + _AT_M or crossed.get(a) == b


def plant_minor(plant: SpanPlant, rules: OpticalSettings) -> float:
    """What a plant costs of all that its joints and chambers can change."""
    prices, bought = rules.prices, plant.bought
    loops = [m for m in bought.closures_m if m not in plant.taps_m]
    total = sum(m > plant.cable.start_m for m in bought.chambers_m) * prices.chamber.amount_minor
    total += len(bought.joints_m) * rules.fibres * prices.splice.amount_minor
    return float(total + len(loops) * (prices.closure.amount_minor + rules.closure_loop_m * prices.cable.amount_minor))


def require_held(question: Question, plant: SpanPlant) -> None:
    """That a plant holds every rule of the question, built plant exactly as listed."""
    rules, chambers, ends = question.rules, plant.chambers_m, plant.reel_ends_m
    assert chambers[0] == 0.0
    assert chambers[-1] == question.end_m
    assert {*question.taps_m, *plant.joints_m} <= set(chambers)
    crossed = {e.start_m: e.end_m for e in question.verge.closed}
    for a, b in pairwise(chambers):
        assert a < b
        assert _gap(a, b, rules, crossed, 0.0) or question.one_section(a, b)
        assert question.verge.closing(a) is None
    sheath = plant.reel_sheath_m().tolist()
    for (a, b), sheath_m in zip(pairwise(ends), sheath, strict=True):
        if not question.one_section(a, b):
            assert sheath_m <= rules.reel_limit_m + 1e-5
            assert abs(sheath_m - question.reel_m(a, b)) <= 1e-6
    for section in question.sections:
        inside = [m for m in chambers if section.extent.start_m <= m <= section.extent.end_m]
        assert inside == [place.measure_m for place in section.places]
        joints = [m for m in plant.joints_m if section.extent.start_m <= m <= section.extent.end_m]
        assert joints == [place.measure_m for place in section.places if place.joint]
