"""The bill of the backbone's light against the layers, and against what each hut costs in the search for huts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.optical.plan import Connection, OpticalPlan, plan_optical
from trassa.optical.settings import OpticalSettings

LIGHT = ("line_equipment", "roadm_degree", "amplifier", "transponder")


def _plan(free: bool = False, holes: tuple[tuple[float, float], ...] = (), **rules: object) -> OpticalPlan:
    settings = OpticalSettings(check_transmission=False, **rules)
    if free:
        nothing = {name: getattr(settings.prices, name).model_copy(update={"amount_minor": 0}) for name in LIGHT}
        settings = settings.model_copy(update={"prices": settings.prices.model_copy(update=nothing)})
    road = drawn_road(260_000.0, places=[(m, f"P {m:.0f}", True) for m in (60e3, 110e3, 180e3)], holes=list(holes))
    sites = [Connection(f"S-{i:03d}", float(m), "increasing", 30.0) for i, m in enumerate(np.arange(900, 259e3, 4000))]
    return plan_optical(road, sites, settings)


RULES: dict[str, dict[str, object]] = {
    "ROADMs": {},
    "ROADMs, two cables": {"cables": 2},
    "amplifiers": {"hut_equipment": "amplifier"},
    "amplifiers, two cables in one trench": {
        "hut_equipment": "amplifier",
        "cables": 2,
        "second_cable": "same_trench",
    },
    "a hole": {"holes": ((130e3, 131e3),)},
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_the_bill_is_counted_from_the_layers(rules: dict[str, object]) -> None:
    """Amplifiers from their own layer; degrees from spans or lines; transponders from the aggregation."""
    plan = _plan(**rules)
    layers = plan.layers
    bill = {item.item: item.quantity for item in plan.quantities if item.item.startswith("backbone ")}
    kinds = Counter(layers["amplifiers"]["type"].tolist())
    assert {item: count for item, count in bill.items() if "amplifier" in item} == {
        f"backbone amplifier {kind}": count for kind, count in kinds.items()
    }
    assert bill["backbone shelf"] == len(layers["huts"])
    presences = int((layers["huts"]["role"] == "point_of_presence").sum())
    if rules.get("hut_equipment") == "amplifier":
        assert bill["backbone ROADM degree"] == 2 * rules.get("cables", 1)
        assert bill["backbone transponder"] == 2
    else:
        assert bill["backbone ROADM degree"] == 2 * len(layers["spans"])
        lines = 2 if "holes" in rules else 1
        reached = np.where(layers["huts"]["role"] == "point_of_presence", 0, presences / lines)
        wavelengths = np.maximum(layers["aggregation"]["wavelengths"], 1)
        assert bill["backbone transponder"] == 2 * float((wavelengths * reached).sum())
    stands = layers["backbone_equipment"]
    for item, count in bill.items():
        assert stands.where(item=item.removeprefix("backbone "))["quantity"].sum() == count
    assert all(q.price.assumed and q.price.low_minor < q.price.high_minor for q in plan.quantities)


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_a_hut_costs_in_the_search_what_it_adds_to_the_bill(rules: dict[str, object]) -> None:
    """All huts' prices with light less those without it: the bill of the light without further wavelengths."""
    lit = _plan(**rules)
    dark = _plan(free=True, **rules)
    prices = OpticalSettings().prices
    assert lit.layers["huts"]["measure_m"] == pytest.approx(dark.layers["huts"]["measure_m"])
    light = int((lit.layers["huts"]["cost_minor"] - dark.layers["huts"]["cost_minor"]).sum())
    billed = sum(q.quantity * q.price.amount_minor for q in lit.quantities if q.item.startswith("backbone "))
    further = 0.0
    if rules.get("hut_equipment") != "amplifier":
        presences = int((lit.layers["huts"]["role"] == "point_of_presence").sum()) / (2 if "holes" in rules else 1)
        further = 2 * presences * float(np.maximum(lit.layers["aggregation"]["wavelengths"] - 1, 0).sum())
    assert billed - further * prices.transponder.amount_minor == light


def test_one_hut_more_costs_what_the_bill_grows_by() -> None:
    """Shorter spans: huts that were not there; what lights them is what each of them bore in the search."""
    few, many = _plan(span_limit_m=90_000.0), _plan(span_limit_m=45_000.0)
    more = len(many.layers["huts"]) - len(few.layers["huts"])
    assert more > 1
    prices = OpticalSettings().prices
    bills = [{q.item: q.quantity for q in plan.quantities} for plan in (few, many)]
    grown = {
        name: sum(count for item, count in bills[1].items() if item.startswith(f"backbone {name}"))
        - sum(count for item, count in bills[0].items() if item.startswith(f"backbone {name}"))
        for name in ("shelf", "ROADM degree", "amplifier")
    }
    assert grown == {"shelf": more, "ROADM degree": 2 * more, "amplifier": 4 * more}
    inner = many.layers["huts"].where(role="aggregation", power="place")
    light = prices.line_equipment.amount_minor + 2 * prices.roadm_degree.amount_minor
    light += 4 * prices.amplifier.amount_minor + 4 * prices.transponder.amount_minor
    free = _plan(free=True, span_limit_m=45_000.0).layers["huts"].where(role="aggregation", power="place")
    assert (inner["cost_minor"][0] - free["cost_minor"][0]) == light
