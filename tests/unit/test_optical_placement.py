"""The chain of huts against every subset of places."""

from __future__ import annotations

from itertools import chain, combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.linear import Extent
from trassa.optical.access.budget import end_of_life_loss_db
from trassa.optical.access.links import chosen_optics
from trassa.optical.parts import built_verges
from trassa.optical.placement import Chain, HutPlace, cheapest_chain, span_cost_minor
from trassa.optical.plan import lines_of
from trassa.optical.plant.built import NOTHING_BUILT, AsBuilt, BuiltPlace, BuiltSection
from trassa.optical.plant.drops import Connection, Drop, Refusal, drops_of
from trassa.optical.plant.layout import SpanLayout
from trassa.optical.plant.lengths import Verge, verge_of
from trassa.optical.settings import OpticalSettings

RULES = OpticalSettings(fibres=24)


def _place(measure_m: float, cost_minor: int, *, built: bool = False) -> HutPlace:
    return HutPlace(measure_m, "", "aggregation", "place", cost_minor, built)


def _brute_force_minor(
    places: list[HutPlace], verge: Verge, drops: list[Drop], rules: OpticalSettings, as_built: AsBuilt = NOTHING_BUILT
) -> int | None:
    """The cost of the cheapest subset with all built huts, every span laid out by itself."""
    inner = [place for place in places[1:-1] if not place.built]
    standing = [place for place in places[1:-1] if place.built]
    best: int | None = None
    for chosen in chain.from_iterable(combinations(inner, count) for count in range(len(inner) + 1)):
        huts = [places[0], *sorted([*chosen, *standing], key=lambda place: place.measure_m), places[-1]]
        total = sum(hut.cost_minor for hut in huts)
        for before, after in pairwise(huts):
            a, b = before.measure_m, after.measure_m
            ours = [d for d in drops if a <= d.tap_m < b or (b == places[-1].measure_m and d.tap_m == b)]
            layout = SpanLayout(
                verge, a, b, [d.tap_m for d in ours], rules, entry_m=rules.hut_entry_m, built=as_built.on(0)
            )
            plant = layout.to(b)
            fibre_m = plant.cable.whole.fibre_m
            loss_db = float(end_of_life_loss_db(fibre_m, len(plant.joints_m), "1550", rules))
            optics = chosen_optics(ours, plant, rules)
            if loss_db > rules.span_loss_limit_db or fibre_m > rules.span_limit_m or isinstance(optics, Refusal):
                break
            total += span_cost_minor([plant], optics, rules)
        else:
            best = total if best is None else min(best, total)
    return best


def _huts_m(chain: Chain) -> set[float]:
    return {hut.measure_m for hut in chain.huts}


def _assert_laid_out_again(found: Chain, again: Chain) -> None:
    """The same huts, and in every span the same plant, losses and optics, to the last bit."""
    assert (again.huts, again.cost_minor) == (found.huts, found.cost_minor)
    for one, other in zip(found.spans, again.spans, strict=True):
        assert [plant.chambers_m for plant in other.plants] == [plant.chambers_m for plant in one.plants]
        assert [plant.joints_m for plant in other.plants] == [plant.joints_m for plant in one.plants]
        assert [plant.cable.whole for plant in other.plants] == [plant.cable.whole for plant in one.plants]
        assert (other.losses_db, other.cost_minor) == (one.losses_db, one.cost_minor)
        assert other.optics.choice.tolist() == one.optics.choice.tolist()


@settings(max_examples=25, deadline=None)
@given(
    inner=st.lists(st.integers(2, 148), min_size=1, max_size=6, unique=True),
    costs=st.lists(st.integers(5_000_000, 20_000_000), min_size=8, max_size=8),
    taps=st.lists(st.integers(0, 150), max_size=12, unique=True),
)
def test_chain_is_the_cheapest_subset(inner: list[int], costs: list[int], taps: list[int]) -> None:
    verge = verge_of(drawn_road(150_000.0), "increasing", reel_route_m=3800.0, shortest_part_m=500.0)
    places = [_place(km * 1000.0, cost) for km, cost in zip([0, *sorted(inner), 150], costs, strict=False)]
    connections = [Connection(f"S-{km}", km * 1000.0, "increasing", 30.0) for km in taps]
    drops = drops_of(connections, verge, Extent(0.0, 150_000.0), RULES)
    expected = _brute_force_minor(places, verge, drops, RULES)
    if expected is None:
        with pytest.raises(InputError, match="no chain of huts"):
            cheapest_chain(places, [verge], drops, str, RULES)
        return
    found = cheapest_chain(places, [verge], drops, str, RULES)
    assert found.cost_minor == expected
    recounted = sum(hut.cost_minor for hut in found.huts) + sum(span.cost_minor for span in found.spans)
    assert recounted == expected
    _assert_laid_out_again(found, cheapest_chain(places, [verge], drops, str, RULES, among_m=_huts_m(found)))
    assert [len(span.optics.drops) for span in found.spans]
    assert sum(len(span.optics.drops) for span in found.spans) == len(drops)


@settings(max_examples=25, deadline=None)
@given(
    inner=st.lists(st.integers(2, 148), min_size=1, max_size=5, unique=True),
    costs=st.lists(st.integers(5_000_000, 20_000_000), min_size=9, max_size=9),
    taps=st.lists(st.integers(0, 150), max_size=8, unique=True),
    steps=st.lists(st.integers(700, 7000), min_size=3, max_size=12),
    hut=st.integers(0, 12),
    first=st.integers(5, 60),
)
def test_every_built_hut_is_in_the_cheapest_chain(
    inner: list[int], costs: list[int], taps: list[int], steps: list[int], hut: int, first: int
) -> None:
    marks = [first * 1000.0 + sum(steps[:count]) for count in range(len(steps) + 1)]
    hut = hut % len(marks)
    places_built = [
        BuiltPlace(m, f"K-{n}", "", "B", False) if n == hut else BuiltPlace(m, f"K-{n}", "M" * (n % 2 == 0), "", True)
        for n, m in enumerate(marks)
    ]
    as_built = AsBuilt((BuiltSection("built", 0, tuple(places_built)),))
    bare = verge_of(drawn_road(150_000.0), "increasing", reel_route_m=3800.0, shortest_part_m=500.0)
    (verge,) = built_verges((bare,), as_built)
    free = [km * 1000.0 for km in inner if not as_built.covers(km * 1000.0)]
    chosen = [*((m, False) for m in free), (marks[hut], True)]
    at = [(0.0, False), *sorted(chosen), (150_000.0, False)]
    places = [_place(m, cost, built=built) for (m, built), cost in zip(at, costs, strict=False)]
    connections = [Connection(f"S-{km}", km * 1000.0, "increasing", 30.0) for km in taps]
    drops = drops_of(connections, verge, Extent(0.0, 150_000.0), RULES)
    expected = _brute_force_minor(places, verge, drops, RULES, as_built)
    if expected is None:
        with pytest.raises(InputError, match="no chain of huts"):
            cheapest_chain(places, [verge], drops, str, RULES, as_built=as_built)
        return
    found = cheapest_chain(places, [verge], drops, str, RULES, as_built=as_built)
    assert found.cost_minor == expected
    again = cheapest_chain(places, [verge], drops, str, RULES, as_built=as_built, among_m=_huts_m(found))
    _assert_laid_out_again(found, again)
    assert marks[hut] in [place.measure_m for place in found.huts]
    chambers = {m for span in found.spans for m in span.plants[0].chambers_m}
    assert [m for m in sorted(chambers) if marks[0] <= m <= marks[-1]] == marks


def test_an_impossible_stretch_is_named() -> None:
    verge = verge_of(drawn_road(250_000.0), "increasing", reel_route_m=3800.0, shortest_part_m=500.0)
    places = [_place(m, 1) for m in (0.0, 80_000.0, 210_000.0, 250_000.0)]
    with pytest.raises(InputError, match=r"80\.0–210\.0 has 136\.\d km of fibre .*limits 120 km") as caught:
        cheapest_chain(places, [verge], [], lambda m: f"{m / 1000:.1f}", RULES)
    assert "powered places" in caught.value.cure


def test_loss_limit_alone_shortens_spans() -> None:
    verge = verge_of(drawn_road(100_000.0), "increasing", reel_route_m=3800.0, shortest_part_m=500.0)
    places = [_place(m, 1) for m in (0.0, 50_000.0, 100_000.0)]
    direct = cheapest_chain(places, [verge], [], str, OpticalSettings(span_loss_limit_db=32.0))
    assert len(direct.spans) == 1
    split = cheapest_chain(places, [verge], [], str, OpticalSettings(span_loss_limit_db=28.0))
    assert len(split.spans) == 2
    assert max(span.losses_db[0] for span in split.spans) <= 28.0


@pytest.mark.parametrize("changes", [{}, {"cables": 2, "second_cable": "same_trench"}, {"cables": 2}])
def test_a_planned_line_is_laid_out_from_its_huts(changes: dict[str, object]) -> None:
    road = drawn_road(180_000.0, places=[(km * 1e3, f"P {km}", True) for km in (33, 71, 118)], holes=[(90e3, 96e3)])
    things = [Connection(f"S-{km}", km * 1000.0, "increasing", 30.0) for km in range(3, 180, 8)]
    rules = RULES.model_copy(update=changes)
    lines, _ = lines_of(road, things, rules)
    huts_m = {hut.measure_m for line in lines for hut in line.chain.huts}
    again, _ = lines_of(road, things, rules, huts_m=huts_m)
    assert [line.hut_names for line in again] == [line.hut_names for line in lines]
    assert len(lines) == 2
    assert any(len(line.chain.huts) > 2 for line in lines)
    for one, other in zip(lines, again, strict=True):
        _assert_laid_out_again(one.chain, other.chain)
