"""Repairs over the life of a line against the Poisson distribution, and what the plan says of them."""

from __future__ import annotations

import math

import pytest

from drawn_road import drawn_road
from trassa.optical.plan import plan_optical
from trassa.optical.repairs import repairs_on
from trassa.optical.settings import OpticalSettings


@pytest.mark.parametrize("route_m", [100.0, 20_000.0, 80_000.0, 120_000.0])
def test_repairs_are_the_99th_percentile_of_poisson(route_m: float) -> None:
    rules = OpticalSettings()
    found = repairs_on(route_m, rules)
    mean = 2.13 * route_m / 1e6 * 25.0
    share, term, count = math.exp(-mean), math.exp(-mean), 0
    while share < 0.99:
        count += 1
        term *= mean / count
        share += term
    assert (found.most, found.mean) == (count, pytest.approx(mean, rel=1e-12))
    assert found.loss_db == pytest.approx(count * 2 * 0.05, rel=1e-12)


def test_a_margin_that_repairs_eat_up_is_told() -> None:
    road = drawn_road(70_000.0)
    kept = plan_optical(road, [], OpticalSettings(check_transmission=False))
    assert any("repairs on the longest span" in a.source for a in kept.assumptions)
    assert not any("repairs of the longest span" in note for note in kept.notes)
    scant = plan_optical(road, [], OpticalSettings(check_transmission=False, repair_margin_db=0.5))
    assert any("more than repair_margin_db = 0.5" in note for note in scant.notes)
