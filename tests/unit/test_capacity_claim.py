"""The capacity claim over a smooth Earth: what it says, the levers that it names, and what traffic does to a plan."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.plan.claim import Claim
from trassa.plan.claims.capacity import capacity_claim
from trassa.radio.budget import link_budget_of
from trassa.radio.cell_load import bandwidth_for_load_mhz
from trassa.radio.plan import RadioPlan, plan_radio
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

ROAD = drawn_road(12_000.0, tunnels=[(4_000.0, 4_500.0)])
BUSY: dict[str, Any] = {"vehicles_per_km": 30.0, "rate_per_vehicle_mbps": 0.02, "new_mast_spacing_m": 1000.0}


def planned(road: Road = ROAD, **asked: Any) -> tuple[RadioPlan, Claim]:
    settings = RadioSettings(**(BUSY | asked))
    plan = plan_radio(road, None, settings)
    return plan, capacity_claim(road, plan.layers, plan.figures(), plan.assumptions, settings)


@pytest.fixture(scope="module")
def crowded() -> tuple[RadioPlan, Claim]:
    """More traffic than the masts on offer can carry."""
    return planned(rate_per_vehicle_mbps=2.0, new_mast_spacing_m=4000.0, siting_time_limit_s=5.0)


def test_all_demand_is_served_and_none_in_the_tunnel() -> None:
    """Over a smooth Earth and near enough every rate is the largest: then all loads together are demand over rate."""
    settings = {"need_rsrp_dbm": -70.0, "neighbour_load": 1.0, "any_site_down": False, "reliability": 0.5}
    plan, claim = planned(drawn_road(3_000.0, tunnels=[(1_000.0, 1_500.0)]), **settings, sigma_db=0.0)
    cells, top_mbps = plan.layers["cells"], link_budget_of(RadioSettings()).downlink.top_mbps
    demand_mbps = 2 * 30.0 * 0.02 * claim.scope.length_m / 2000.0
    assert len(cells) == 1, "without another cell nothing disturbs"
    assert cells["load"][0] == pytest.approx(demand_mbps / top_mbps, rel=0.02)
    assert claim.scope.exempt[0].rule == "tunnel"
    assert claim.holds == "estimate"


def test_a_plan_within_the_bound_says_so() -> None:
    plan, claim = planned()
    cells = plan.layers["cells"]
    fullest = int(np.argmax(cells["down_load"]))
    assert claim.worst.value == pytest.approx(float(cells["down_load"][fullest]), abs=1e-6)
    assert claim.worst.margin == pytest.approx(0.3 - claim.worst.value, abs=1e-6)
    assert f"cell {cells['sends'][fullest]}" in claim.worst.place
    assert claim.holds == "estimate"
    assert not claim.failures
    assert not any("vehicles_per_km" in note for note in plan.notes)


def test_where_too_much_is_asked_each_cell_is_named_with_levers_that_would_do(crowded: tuple[RadioPlan, Claim]) -> None:
    plan, claim = crowded
    loads = np.fmax(plan.layers["cells"]["load"], plan.layers["cells"]["down_load"])
    over = np.sort(loads[loads > 0.3])[::-1]
    assert claim.holds == "no"
    assert len(claim.failures) == len(over) > 0
    for sentence, load in zip(claim.failures, over.tolist(), strict=True):
        vehicles = float(re.search(r"at most ([\d.]+) vehicles/km", sentence).group(1))  # type: ignore[union-attr]
        assert load * vehicles / 30.0 <= 0.3 < load * (vehicles + 0.1) / 30.0
        assert f"load {load:.3f}" in sentence
    assert any("see radio.capacity" in note for note in plan.notes)


@pytest.mark.parametrize(("load_ratio", "mhz"), [(0.3, 10.0), (0.31, 15.0), (0.6, 20.0), (0.61, np.inf)])
def test_the_bandwidth_that_would_do(load_ratio: float, mhz: float) -> None:
    """LTE: 50, 75 and 100 resource blocks in 10, 15 and 20 MHz, and nothing wider."""
    assert bandwidth_for_load_mhz(RadioSettings(), load_ratio) == mhz


def test_without_a_site_vehicles_get_no_rate_and_the_places_are_named() -> None:
    plan, claim = planned(drawn_road(2_000.0), need_rsrp_dbm=-30.0)
    assert len(plan.layers["sites"]) == 0
    assert claim.holds == "no"
    assert claim.worst.value is None
    assert [sentence.split(":")[0] for sentence in claim.failures] == ["A 1 km 0+000–2+000 →", "A 1 km 0+000–2+000 ←"]


def test_no_load_at_all_may_be_promised() -> None:
    _, claim = planned(drawn_road(2_000.0), neighbour_load=0.0)
    assert claim.holds == "no"
    assert "at most 0 vehicles/km" in claim.failures[0]


def test_traffic_draws_more_sites() -> None:
    """The same road with eight times the vehicles: the servers alone would do with fewer sites."""
    few, quiet = planned(need_rsrp_dbm=-120.0, any_site_down=False, vehicles_per_km=5.0)
    many, busy = planned(need_rsrp_dbm=-120.0, any_site_down=False, vehicles_per_km=40.0)
    assert quiet.holds == busy.holds == "estimate"
    assert len(many.layers["sites"]) > len(few.layers["sites"])
    assert many.siting.bound_minor <= many.siting.cost_minor
