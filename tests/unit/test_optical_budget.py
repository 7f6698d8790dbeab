"""Power budgets by hand, and the choice of optics against trying every choice."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_road import drawn_road
from trassa.linear import Extent
from trassa.optical.access.budget import closing, end_of_life_loss_db, typical_loss_db
from trassa.optical.access.links import SpanOptics, chosen_optics
from trassa.optical.plant.drops import Connection, Refusal, drops_of
from trassa.optical.plant.layout import SpanLayout
from trassa.optical.plant.lengths import verge_of
from trassa.optical.settings import OpticalSettings

RULES = OpticalSettings()


def test_loss_by_hand() -> None:
    """80 km of fibre, 19 splices and 2 pigtails, 2 connectors: 17.6 + 1.05 + 1.0 dB; 3 dB and 0.5 % of fibre later."""
    assert float(typical_loss_db(80_000.0, 19, "1550", RULES)) == pytest.approx(19.65)
    assert float(end_of_life_loss_db(80_000.0, 19, "1550", RULES)) == pytest.approx(22.65 + 17.6 * (0.975 / 0.97 - 1))
    assert float(typical_loss_db(10_000.0, 0, "1310", RULES)) == pytest.approx(3.5 + 0.1 + 1.0)


def test_an_attenuator_keeps_a_near_receiver_from_overload() -> None:
    far = next(optics for optics in RULES.transceivers if optics.name == "grey 80 km")
    row = closing(far, np.array([1000.0, 60_000.0]), np.array([1.0, 15.0]), RULES)
    near_db = 0.6 * (0.22 + 0.15 + 1.0)
    assert row.attenuator_db == pytest.approx([np.ceil(11.0 - near_db), 2.0])
    assert row.margin_db[0] == pytest.approx(near_db + 11.0 - 11.0)
    assert row.closes.all()
    planned_db = 60.0 * 0.22 + 17 * 0.05 + 1.0
    left_db = 22.0 - (planned_db + 60.0 * 0.22 * (0.975 / 0.97 - 1.0) + 3.0)
    assert row.margin_db[1] == pytest.approx(min(left_db - 2.0, 0.6 * planned_db + 2.0 - 11.0))


def test_good_fibre_does_not_overload_the_receiver() -> None:
    """What was measured on long-haul cable (0.184 dB/km, 0.04 dB splices, 0.2 dB connectors) still loses enough."""
    fibre_m, splices = np.linspace(100.0, 78_000.0, 400), np.floor(np.linspace(0.1, 78.0, 400) / 4.0)
    good_db = fibre_m / 1000.0 * 0.184 + (splices + 2) * 0.04 + 2 * 0.3
    for optics in RULES.transceivers:
        if optics.band == "1550":
            row = closing(optics, fibre_m, splices, RULES)
            assert np.all((good_db + row.attenuator_db >= optics.least_loss_db)[row.closes]), optics.name


def test_reach_closes_a_link_that_power_would_allow() -> None:
    short = next(optics for optics in RULES.transceivers if optics.name == "grey 10 km").model_copy(
        update={"budget_db": 30.0}
    )
    assert closing(short, np.array([9900.0, 10_100.0]), np.zeros(2), RULES).closes.tolist() == [True, False]


def _span(length_m: float, taps: list[float], rules: OpticalSettings) -> SpanOptics | Refusal:
    road = drawn_road(length_m)
    verge = verge_of(road, "increasing", reel_route_m=3800.0, shortest_part_m=500.0)
    connections = [Connection(f"S-{i}", tap, "increasing", 30.0) for i, tap in enumerate(taps)]
    drops = drops_of(connections, verge, Extent(0.0, length_m), rules)
    plant = SpanLayout(verge, 0.0, length_m, [drop.tap_m for drop in drops], rules).to(length_m)
    return chosen_optics(drops, plant, rules)


def _brute_force_minor(found: SpanOptics, rules: OpticalSettings) -> float:
    """Every kind for every connection, and the cheapest closing class of that kind for either of its links."""
    count = len(found.drops)
    fibre_m = found.lengths_m[2].ravel()
    options: list[dict[int, float]] = []
    for index in range(count):
        by_kind: dict[int, float] = {}
        for kind in (1, 2):
            price = 0.0
            for at in (index, index + count):
                fares = [row for row in found.closings if row.optics.fibres == kind and row.closes[at]]
                best = min(
                    (2 * r.optics.price.amount_minor + (r.attenuator_db[at] > 0) * 3000 for r in fares), default=1e18
                )
                price += best
            by_kind[kind] = price
        options.append(by_kind)
    assert len(fibre_m) == 2 * count
    room = rules.fibres - rules.backbone_fibres
    return min(
        sum(options[i][kind] for i, kind in enumerate(kinds))
        for kinds in product((1, 2), repeat=count)
        if sum(kinds) <= room
    )


@settings(max_examples=40, deadline=None)
@given(
    length_km=st.integers(5, 60),
    shares=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=6),
    spare=st.integers(0, 6),
)
def test_choice_of_optics_is_the_cheapest_there_is(length_km: int, shares: list[float], spare: int) -> None:
    length_m = length_km * 1000.0
    rules = OpticalSettings(fibres=4 + len(shares) + spare, backbone_fibres=4)
    found = _span(length_m, sorted(round(share * length_m, -1) for share in shares), rules)
    assert isinstance(found, SpanOptics)
    assert found.cost_minor == _brute_force_minor(found, rules)
    assert found.fibres <= rules.fibres - rules.backbone_fibres
    for side in (0, 1):
        assert all(link.budget.margin_db >= 0.0 for link in found.links(side))


def test_both_links_of_a_tap_cover_the_span() -> None:
    found = _span(30_000.0, [12_000.0], RULES)
    assert isinstance(found, SpanOptics)
    before, after = found.links(0)[0], found.links(1)[0]
    drop = before.drop.lengths
    assert before.lengths.route_m == pytest.approx(12_000.0 + drop.route_m)
    assert after.lengths.route_m == pytest.approx(18_000.0 + drop.route_m)
    road_km = 30.0
    both_ways_m = before.lengths.sheath_m + after.lengths.sheath_m - 2 * drop.sheath_m
    closures = (both_ways_m - road_km * 1020.0 - 8.0) / 10.0
    assert closures == pytest.approx(round(closures), abs=1e-6)


def test_too_few_fibres_and_too_far_are_refused_by_name() -> None:
    few = _span(30_000.0, [5000.0, 9000.0, 12_000.0], OpticalSettings(fibres=6, backbone_fibres=4))
    assert isinstance(few, Refusal)
    assert "3 connections" in few.reason
    assert "optical.fibres = 10" in few.cure
    far = _span(95_000.0, [1000.0], RULES)
    assert isinstance(far, Refusal)
    assert "S-0" in far.reason
