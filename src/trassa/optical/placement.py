"""Where the huts stand: the cheapest chain from one end of a part of the line to the other, exactly.

Every hut is a vertex, every span that holds its limits an edge. An edge costs all that depends on its two huts: the
plant between them and the optics of the connections there, which go to both. So the cheapest path is the cheapest
line, and no solver is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trassa.errors import InputError
from trassa.optical.budget import end_of_life_loss_db
from trassa.optical.drops import Drop, Refusal
from trassa.optical.lengths import Verge
from trassa.optical.links import SpanOptics, chosen_optics
from trassa.optical.plant import SpanLayout, SpanPlant
from trassa.optical.settings import OpticalSettings
from trassa.provenance import Progress, no_progress

__all__ = ["Chain", "HutPlace", "Span", "cheapest_chain", "span_cost_minor"]


@dataclass(frozen=True)
class HutPlace:
    """A place where a hut may stand. ``power`` is ``place`` where mains is there, ``new`` where it is brought."""

    measure_m: float
    name: str
    role: str
    power: str
    cost_minor: int


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

    A hut's chamber is counted with the span behind it.
    """
    prices = rules.prices
    total = float(optics.cost_minor)
    trenches = {plant.cable.verge.carriageway: plant for plant in plants}
    total += sum(len(plant.chambers_m) - 1 for plant in trenches.values()) * prices.chamber.amount_minor
    for plant in plants:
        splices = (len(plant.joints_m) + 2) * rules.fibres
        total += len(plant.closures_m) * prices.closure.amount_minor
        total += splices * prices.splice.amount_minor
        total += plant.cable.whole.sheath_m * prices.cable.amount_minor
    total -= optics.opened_at(set(plants[0].joints_m)) * prices.splice.amount_minor
    return round(total)


class _Spans:
    """Builds spans from one hut place to another."""

    def __init__(
        self, verges: Sequence[Verge], drops: Sequence[Drop], text: Callable[[float], str], rules: OpticalSettings
    ) -> None:
        self._verges, self._drops, self._text, self._rules = verges, drops, text, rules
        self._taps_m = [drop.tap_m for drop in drops]

    def layouts(self, start_m: float, end_m: float) -> list[SpanLayout]:
        """The plant from one place onwards on every cable; taps are on the first."""
        first = self._verges[0]
        return [
            SpanLayout(
                verge,
                start_m,
                end_m,
                self._taps_m if verge is first else (),
                self._rules,
                tapped=index == 0,
                entry_m=0.0 if verge is first else self._rules.crossing_m,
            )
            for index, verge in enumerate(self._verges)
        ]

    def span(self, layouts: Sequence[SpanLayout], start_m: float, end_m: float, *, last: bool) -> Span | Refusal:
        """The span to one place, or why it cannot be."""
        rules = self._rules
        plants = tuple(layout.to(end_m) for layout in layouts)
        losses_db: list[float] = []
        for plant in plants:
            fibre_m = plant.cable.whole.fibre_m
            loss_db = float(end_of_life_loss_db(fibre_m, len(plant.joints_m), "1550", rules))
            losses_db.append(loss_db)
            if loss_db > rules.span_loss_limit_db or fibre_m > rules.span_limit_m:
                return Refusal(
                    f"the span {self._text(start_m)}–{self._text(end_m)} has {fibre_m / 1000:.1f} km of fibre and "
                    f"{loss_db:.1f} dB (limits {rules.span_limit_m / 1000:.0f} km, {rules.span_loss_limit_db:.1f} dB)",
                    "a smaller optical.new_power_step_m, or powered places in between",
                )
        ours = [d for d in self._drops if start_m <= d.tap_m < end_m or (last and d.tap_m == end_m)]
        optics = chosen_optics(ours, plants[0], rules)
        if isinstance(optics, Refusal):
            return Refusal(f"between {self._text(start_m)} and {self._text(end_m)} {optics.reason}", optics.cure)
        return Span(plants, tuple(losses_db), optics, span_cost_minor(plants, optics, rules))


def cheapest_chain(
    places: Sequence[HutPlace],
    verges: Sequence[Verge],
    drops: Sequence[Drop],
    text: Callable[[float], str],
    rules: OpticalSettings,
    progress: Progress = no_progress,
) -> Chain:
    """The cheapest chain of huts from the first to the last place, both of which are built.

    ``places`` are in order of measure, at least two; ``verges`` has one per cable. Raises :class:`InputError` naming
    the kilometres between which no hut can be reached.
    """
    builder = _Spans(verges, drops, text, rules)
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
            span = builder.span(layouts, place.measure_m, places[end].measure_m, last=end == len(places) - 1)
            if isinstance(span, Refusal):
                refusals[end] = span
                continue
            cost = so_far + span.cost_minor + places[end].cost_minor
            known = best[end]
            if known is None or cost < known:
                best[end], into[end] = cost, (start, span)
        progress((start + 1) / len(places))
    return _traced(places, best, into, refusals)


def _within_reach(places: Sequence[HutPlace], start: int, verge: Verge, rules: OpticalSettings) -> range:
    """Places behind ``start`` that a span could reach by length; always the next one."""
    origin_m = float(verge.route_at(places[start].measure_m))
    end = start + 1
    while end + 1 < len(places) and float(verge.route_at(places[end + 1].measure_m)) - origin_m <= rules.span_limit_m:
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
