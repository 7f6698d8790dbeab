"""Claims must be able to fail: each promise is broken once, and the claim says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.linear import Layer
from trassa.optical.layers import SCHEMAS as OPTICAL
from trassa.optical.plan import Connection, OpticalPlan, plan_optical
from trassa.optical.settings import OpticalSettings
from trassa.plan.claim import Claim
from trassa.plan.claims.optical import optical_claims
from trassa.plan.claims.radio import radio_claims
from trassa.radio.layers import SCHEMAS as RADIO
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

FEW = [Connection(f"S-{n}", 1000.0 + 2500.0 * n, "increasing", 20.0) for n in range(4)]


@pytest.fixture(scope="module")
def road() -> Road:
    return drawn_road(12_000.0)


def _least_cost(road: Road, gap: float, settings: RadioSettings) -> Claim:
    layers = {name: Layer.empty(schema) for name, schema in RADIO.items()}
    cost = 1_000_000
    siting = {"status": "time limit", "cost_minor": cost, "bound_minor": round(cost * (1.0 - gap)), "gap": gap}
    figures: dict[str, Any] = {"siting": siting, "propagation": {}, "shortfalls": []}
    return radio_claims(road, layers, figures, (), settings)[-1]


def test_least_cost_fails_where_the_search_ended_too_early(road: Road) -> None:
    settings = RadioSettings(siting_gap=0.01)
    kept, broken = _least_cost(road, 0.01, settings), _least_cost(road, 0.02, settings)
    assert kept.holds != "no"
    assert kept.failures == ()
    assert broken.holds == "no"
    assert "cheaper by up to 2.000%" in broken.failures[0]
    assert broken.worst.margin == pytest.approx(-10_000.0)
    assert "1.000%" in broken.promise


def test_deductions_that_fall_short_are_a_no_whatever_the_margins_say(road: Road) -> None:
    layers = {name: Layer.empty(schema) for name, schema in RADIO.items()}
    siting = {"status": "optimal", "cost_minor": 1, "bound_minor": 1, "gap": 0.0}
    figures: dict[str, Any] = {"siting": siting, "propagation": {}, "shortfalls": ["within_bin_db was taken as 0.5 dB"]}
    served, down, _ = radio_claims(road, layers, figures, (), RadioSettings())
    assert (served.holds, down.holds) == ("no", "no")
    assert served.failures[0].startswith("within_bin_db")
    assert radio_claims(road, layers, {**figures, "shortfalls": []}, (), RadioSettings())[0].holds != "no"


def test_assumed_prices_are_listed_with_their_range(road: Road) -> None:
    listed = {a.name: a.source for a in _least_cost(road, 0.0, RadioSettings()).assumptions}
    assert set(listed) == {"radio.power_way", *(f"price {name}" for name, _ in RadioSettings().prices)}
    assert listed["radio.power_way"] == "the map shows no mains: radio.power_assumed_m = 500"
    assert "3500000–11000000 minor units" in listed["price new_mast"]


def _planned(road: Road, rules: OpticalSettings, connections: list[Connection]) -> OpticalPlan:
    return plan_optical(road, connections, rules)


def _claims(road: Road, plan: OpticalPlan, rules: OpticalSettings, **changed: Layer) -> dict[str, Claim]:
    claims = optical_claims(road, {**plan.layers, **changed}, plan.figures, plan.assumptions, rules)
    return {claim.id: claim for claim in claims}


def test_latency_is_promised_for_the_longest_fibre(road: Road) -> None:
    rules = OpticalSettings(check_transmission=False)
    plan = _planned(road, rules, FEW)
    planned_us = float(np.nanmax(plan.layers["cuts"]["worst_latency_us"]))
    longest_us = planned_us * 0.975 / 0.97
    for promise_us, kept in ((longest_us + 0.1, True), ((planned_us + longest_us) / 2.0, False)):
        claim = _claims(road, plan, rules.model_copy(update={"latency_promise_us": promise_us}))["optical.latency"]
        assert (claim.holds != "no") is kept
        assert claim.worst.margin == pytest.approx(promise_us - longest_us, abs=0.01)


def test_a_stranded_site_breaks_the_promise_of_latency(road: Road) -> None:
    rules = OpticalSettings(check_transmission=False, latency_promise_us=10_000.0)
    plan = _planned(road, rules, FEW)
    cuts = plan.layers["cuts"]
    stranded = np.zeros(len(cuts), dtype=np.int64)
    stranded[1] = 2
    columns = {column.name: cuts[column.name] for column in OPTICAL["cuts"].columns} | {"stranded": stranded}
    broken = Layer.from_columns(OPTICAL["cuts"], **columns)
    assert _claims(road, plan, rules)["optical.latency"].holds != "no"
    assert _claims(road, plan, rules, cuts=broken)["optical.latency"].holds == "no"


def test_latency_without_sites_is_no_crash(road: Road) -> None:
    rules = OpticalSettings(check_transmission=False, latency_promise_us=100.0)
    claim = _claims(road, _planned(road, rules, []), rules)["optical.latency"]
    assert claim.worst.margin is None
    assert claim.holds != "no"


def test_a_site_off_the_line_breaks_the_promise_of_links(road: Road) -> None:
    rules = OpticalSettings(check_transmission=False)
    plan = _planned(road, rules, FEW)
    figures = {**plan.figures, "unconnected": ["S-9"]}
    rows = [*plan.layers["connections"].rows()]
    rows.append({**rows[0], "connection": "S-9", "access": ""})
    layers = {**plan.layers, "connections": Layer.from_rows(OPTICAL["connections"], rows)}
    claims = {c.id: c for c in optical_claims(road, layers, figures, plan.assumptions, rules)}
    for name in ("optical.links", "optical.any-cut"):
        assert claims[name].holds == "no"
        assert "S-9" in claims[name].failures[0]


def test_value_bound_and_margin_of_a_budget_fit_each_other(road: Road) -> None:
    rules = OpticalSettings(check_transmission=False)
    worst = _claims(road, _planned(road, rules, FEW), rules)["optical.links"].worst
    assert None not in (worst.value, worst.bound)
    assert abs((worst.bound or 0.0) - (worst.value or 0.0)) == pytest.approx(worst.margin, abs=0.002)
