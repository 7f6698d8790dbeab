"""Where the huts stand: the cheapest chain from one end of a part of the line to the other, exactly.

Every hut is a vertex, every span that holds its limits an edge. An edge costs all that depends on its two huts: the
plant between them and the optics of the connections there, which go to both. So the cheapest path is the cheapest
line, and no solver is needed. A hut that is built is on every path: no edge runs past it. An edge is not laid out
where its bare cable alone makes the path dearer than one that is known to its end.

The plant of an edge is the cheapest there is (:mod:`trassa.optical.plant.reels`) and is not changed for the sake of the
optics: neither for the few splices that a drop's fibres save at a joint, nor where a dearer one with fewer joints would
still hold the loss limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trassa.errors import InputError
from trassa.optical.access.budget import end_of_life_loss_db
from trassa.optical.access.links import SpanOptics, chosen_optics
from trassa.optical.plant.built import NOTHING_BUILT, AsBuilt
from trassa.optical.plant.drops import Drop, Refusal
from trassa.optical.plant.layout import SpanLayout, SpanPlant, plant_beside
from trassa.optical.plant.lengths import Verge
from trassa.optical.settings import OpticalSettings
from trassa.provenance import Progress, no_progress

__all__ = ["Chain", "HutPlace", "Span", "cheapest_chain", "span_cost_minor"]


@dataclass(frozen=True)
class HutPlace:
    """A place where a hut may stand. ``power`` is ``place`` where mains is there, ``new`` where it is brought.

    With ``built`` the hut stands already, and the line runs through it.
    """

    measure_m: float
    name: str
    role: str
    power: str
    cost_minor: int
    built: bool = False


@dataclass(frozen=True)
class Span:
    """The line between two neighbouring huts: plant and loss on each cable, and the links of the connections."""

    plants: tuple[SpanPlant, ...]
    losses_db: tuple[float, ...]
    optics: SpanOptics
    cost_minor: int


@dataclass(frozen=True)
class Chain:
    """The huts of one part in order, the spans between them, and what both cost together."""

    huts: tuple[HutPlace, ...]
    spans: tuple[Span, ...]
    cost_minor: int


def span_cost_minor(plants: Sequence[SpanPlant], optics: SpanOptics, rules: OpticalSettings) -> int:
    """What a span costs beside trench and drops: chambers, closures, splices, cable and the connections' optics.

    Only what is not built is counted; a hut's chamber with the span before it.
    """
    prices = rules.prices
    total = float(optics.cost_minor)
    trenches = {plant.cable.verge.carriageway: plant for plant in reversed(plants)}
    for plant in trenches.values():
        chambers = [m for m in plant.bought.chambers_m if m > plant.cable.start_m]
        total += len(chambers) * prices.chamber.amount_minor
    for plant in plants:
        bought = plant.bought
        splices = (len(bought.joints_m) + bought.hut_ends) * rules.fibres
        total += len(bought.closures_m) * prices.closure.amount_minor
        total += splices * prices.splice.amount_minor
        total += bought.sheath_m * prices.cable.amount_minor
    total -= optics.opened_at(set(plants[0].bought.joints_m)) * prices.splice.amount_minor
    return round(total)


class _Spans:
    """Builds spans from one hut place to another."""

    def __init__(
        self,
        verges: Sequence[Verge],
        drops: Sequence[Drop],
        text: Callable[[float], str],
        rules: OpticalSettings,
        as_built: AsBuilt,
    ) -> None:
        self._verges, self._drops, self._text, self._rules = verges, drops, text, rules
        self._taps_m = [drop.tap_m for drop in drops]
        self._built = [as_built.on(cable) for cable in range(len(verges))]

    def layouts(self, start_m: float, end_m: float) -> list[SpanLayout]:
        """The plant from one place onwards on the first cable, which is tapped, and on one in another trench."""
        first, entry_m = self._verges[0], self._rules.hut_entry_m
        tapped = SpanLayout(first, start_m, end_m, self._taps_m, self._rules, entry_m=entry_m, built=self._built[0])
        across_m = entry_m + self._rules.crossing_m
        across = [
            SpanLayout(verge, start_m, end_m, (), self._rules, entry_m=across_m, built=built)
            for verge, built in zip(self._verges, self._built, strict=True)
            if verge is not first
        ]
        return [tapped, *across]

    def _plants(self, layouts: Sequence[SpanLayout], end_m: float) -> Iterator[SpanPlant]:
        """The plant of every cable in turn; a second one in the first trench lies in its chambers."""
        rules, first = self._rules, layouts[0].to(end_m)
        yield first
        for layout in layouts[1:]:
            yield layout.to(end_m)
        if len(self._verges) > len(layouts):
            yield plant_beside(first, rules, entry_m=rules.hut_entry_m, built=self._built[1])

    def least_minor(self, start_m: float, end_m: float) -> int:
        """What no span between two places costs less than: the cables without a loop; nothing beside what is built."""
        if any(self._built):
            return 0
        ends = (start_m, end_m)
        route_m = sum(float(np.diff(verge.route_at(ends))[0]) for verge in self._verges)
        return math.floor(route_m * (1.0 + self._rules.slack_ratio) * self._rules.prices.cable.amount_minor)

    def span(self, layouts: Sequence[SpanLayout], start_m: float, end_m: float, *, last: bool) -> Span | Refusal:
        """The span to one place, or why it cannot be."""
        rules = self._rules
        plants: list[SpanPlant] = []
        losses_db: list[float] = []
        for plant in self._plants(layouts, end_m):
            plants.append(plant)
            fibre_m = plant.cable.whole.fibre_m
            beyond = plant.measured.between(plant.cable, plant.cable.start_m, plant.cable.end_m)
            loss_db = float(end_of_life_loss_db(fibre_m, len(plant.joints_m), "1550", rules, beyond))
            losses_db.append(loss_db)
            if loss_db > rules.span_loss_limit_db or fibre_m > rules.span_limit_m:
                return Refusal(
                    f"the span {self._text(start_m)}–{self._text(end_m)} has {fibre_m / 1000:.1f} km of fibre and "
                    f"{loss_db:.1f} dB{_measured(plant)} (limits {rules.span_limit_m / 1000:.0f} km, "
                    f"{rules.span_loss_limit_db:.1f} dB)",
                    "a smaller optical.new_power_step_m, or powered places in between",
                )
        ours = [d for d in self._drops if start_m <= d.tap_m < end_m or (last and d.tap_m == end_m)]
        optics = chosen_optics(ours, plants[0], rules)
        if isinstance(optics, Refusal):
            where = f"between {self._text(start_m)} and {self._text(end_m)}"
            return Refusal(f"{where} {optics.reason}{_measured(plants[0])}", optics.cure)
        return Span(tuple(plants), tuple(losses_db), optics, span_cost_minor(plants, optics, rules))


def _measured(plant: SpanPlant) -> str:
    """What of a span's loss is the list's doing, where that is more than planned."""
    more_db = float(plant.measured.between(plant.cable, plant.cable.start_m, plant.cable.end_m).loss_db("1550"))
    return f", {more_db:.1f} dB measured between the huts beyond what is planned" if more_db > 0.0 else ""


def cheapest_chain(
    places: Sequence[HutPlace],
    verges: Sequence[Verge],
    drops: Sequence[Drop],
    text: Callable[[float], str],
    rules: OpticalSettings,
    progress: Progress = no_progress,
    as_built: AsBuilt = NOTHING_BUILT,
    among_m: Collection[float] | None = None,
) -> Chain:
    """The cheapest chain of huts from the first to the last place, with both of them and every one that is built.

    ``places`` are in order of measure, at least two; ``verges`` has one per cable. With ``among_m`` huts stand at those
    measures only: a chain that was found is laid out again, the same in every span, without the search. Raises
    :class:`InputError` naming the kilometres between which no hut can be reached.
    """
    builder = _Spans(verges, drops, text, rules, as_built)
    best: list[int | None] = [places[0].cost_minor] + [None] * (len(places) - 1)
    into: list[tuple[int, Span] | None] = [None] * len(places)
    refusals: dict[int, Refusal] = {}
    for start, place in enumerate(places[:-1]):
        so_far = best[start]
        if so_far is None:
            continue
        reach = _within_reach(places, start, verges[0], rules)
        layouts = builder.layouts(place.measure_m, places[reach[-1]].measure_m)
        for end in reach:
            if among_m is not None and places[end].measure_m not in among_m:
                continue
            known, end_m = best[end], places[end].measure_m
            least_minor = so_far + builder.least_minor(place.measure_m, end_m) + places[end].cost_minor
            if known is not None and least_minor >= known:
                continue
            span = builder.span(layouts, place.measure_m, end_m, last=end == len(places) - 1)
            if isinstance(span, Refusal):
                refusals[end] = span
                continue
            cost = so_far + span.cost_minor + places[end].cost_minor
            if known is None or cost < known:
                best[end], into[end] = cost, (start, span)
        progress((start + 1) / len(places))
    return _traced(places, best, into, refusals)


def _within_reach(places: Sequence[HutPlace], start: int, verge: Verge, rules: OpticalSettings) -> range:
    """Places behind ``start`` that a span could reach by length, up to the first built one; always the next one."""
    origin_m = float(verge.route_at(places[start].measure_m))
    end = start + 1
    while end + 1 < len(places) and not places[end].built:
        if float(verge.route_at(places[end + 1].measure_m)) - origin_m > rules.span_limit_m:
            break
        end += 1
    return range(start + 1, end + 1)


def _traced(
    places: Sequence[HutPlace],
    best: Sequence[int | None],
    into: Sequence[tuple[int, Span] | None],
    refusals: Mapping[int, Refusal],
) -> Chain:
    cost = best[-1]
    if cost is None:
        unreached = 1 + max(index for index, known in enumerate(best) if known is not None)
        reason = refusals[unreached]
        raise InputError(f"optical: no chain of huts holds the limits: {reason.reason}", cure=reason.cure)
    huts, spans, index = [places[-1]], [], len(places) - 1
    while (step := into[index]) is not None:
        index, span = step
        huts.append(places[index])
        spans.append(span)
    return Chain(tuple(reversed(huts)), tuple(reversed(spans)), cost)
