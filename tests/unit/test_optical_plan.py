"""The whole optical plan on roads drawn for the purpose, and on the real ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from drawn_road import drawn_road
from trassa.errors import ConfigError, InputError
from trassa.linear import Extent
from trassa.optical.plan import Connection, OpticalPlan, plan_optical
from trassa.optical.settings import OpticalSettings
from trassa.pricing import Price
from trassa.road.model import Road
from trassa.road.settings import RoadSettings, TerrainSettings
from trassa.road.survey import survey

QUIET = OpticalSettings(check_transmission=False)


def _connections(road: Road, every_m: float = 2700.0, offset_m: float = 40.0) -> list[Connection]:
    return [
        Connection(f"S-{i:03d}", float(m), "decreasing" if i % 2 else "increasing", offset_m)
        for i, m in enumerate(np.arange(900.0, road.length_m, every_m))
    ]


def _plan(road: Road, settings: OpticalSettings = QUIET, **near: float) -> OpticalPlan:
    return plan_optical(road, _connections(road, **near), settings)


def _bill_minor(plan: OpticalPlan, *items: str) -> float:
    return sum(q.quantity * q.price.amount_minor for q in plan.quantities if not items or q.item in items)


@pytest.mark.parametrize("rules", [{}, {"cables": 2}, {"cables": 2, "second_cable": "same_trench"}])
def test_the_bill_is_what_the_chain_cost_and_what_no_choice_could_change(rules: dict[str, object]) -> None:
    """Independent counts: the bill from the layout, the chain's cost from the search."""
    settings = OpticalSettings(check_transmission=False, **rules)
    plan = _plan(drawn_road(200_000.0, places=[(90_000.0, "P", True)]), settings)
    drops = [q.item for q in plan.quantities if q.item.startswith("drop of ")]
    fixed = _bill_minor(plan, "trench and duct", "further duct in the trench", *drops)
    # crossings into huts are in the huts' cost, those for connections hang on no choice
    fixed += len(plan.layers["crossings"].where(purpose="connection")) * settings.prices.crossing.amount_minor
    drop_splices = (
        sum(2 * (2 if row["optics"].startswith("grey") else 1) for row in plan.layers["links"].rows())
        * settings.prices.splice.amount_minor
    )
    # the first wavelength of a hut to either point of presence is in its cost, further ones follow the traffic
    further = plan.layers["aggregation"]["wavelengths"].clip(1)[1:-1] - 1
    fixed += 2 * 2 * int(further.sum()) * settings.prices.transponder.amount_minor
    first_chambers = len(set(plan.layers["chambers"]["carriageway"])) * settings.prices.chamber.amount_minor
    assert _bill_minor(plan) - fixed - drop_splices - first_chambers == pytest.approx(
        plan.figures["huts_and_spans_cost_minor"], abs=len(plan.layers["spans"])
    )


def test_quantities_equal_the_layers() -> None:
    plan = _plan(drawn_road(60_000.0, bridges=[(5000.0, 5200.0)]))
    bill = {quantity.item: quantity.quantity for quantity in plan.quantities}
    layers = plan.layers
    assert bill["trench and duct"] == pytest.approx(layers["cables"]["route_m"].sum() - 200.0)
    assert bill["duct on a bridge"] == pytest.approx(2 * 200.0)
    assert bill["cable"] == pytest.approx(layers["cables"]["sheath_m"].sum())
    assert bill["cable"] == pytest.approx(layers["reels"]["sheath_m"].sum())
    assert bill["chamber"] == len(layers["chambers"])
    assert bill["closure"] == len(layers["closures"])
    assert bill["hut"] == len(layers["huts"])
    transceivers = sum(count for item, count in bill.items() if item.startswith("transceiver"))
    assert transceivers == 2 * len(layers["links"])
    assert all(quantity.price.assumed for quantity in plan.quantities)


def test_limits_hold_everywhere() -> None:
    road = drawn_road(90_000.0, bridges=[(5000.0, 5400.0), (20_300.0, 21_600.0)], tunnels=[(40_000.0, 42_500.0)])
    plan = _plan(road)
    layers = plan.layers
    assert layers["reels"]["sheath_m"].max() <= QUIET.reel_limit_m + 1e-6
    closed = [Extent(*e) for e in ((5000.0, 5400.0), (20_300.0, 21_600.0), (40_000.0, 42_500.0))]
    at = layers["chambers"]["measure_m"]
    assert not any(e.start_m < m < e.end_m for e in closed for m in at)
    gaps = np.diff(np.sort(at))
    assert sorted(gaps[gaps > 1000.0 + 1e-6].tolist()) == pytest.approx([1300.0, 2500.0])
    assert sum("pulled" in note for note in plan.notes) == 2
    assert layers["spans"]["margin_db"].min() >= 0.0
    assert layers["links"]["margin_db"].min() >= 0.0
    assert set(layers["closures"]["chamber"]) <= set(layers["chambers"]["chamber"])
    tapped = layers["chambers"].where(purpose="site")["measure_m"]
    assert len(tapped) == 33


def test_every_site_hangs_on_both_neighbouring_huts() -> None:
    plan = _plan(drawn_road(160_000.0, places=[(50_000.0, "P", True), (110_000.0, "Q", True)]))
    huts = {row["hut"]: row["measure_m"] for row in plan.layers["huts"].rows()}
    order = sorted(huts.values())
    for site in dict.fromkeys(plan.layers["links"]["site"]):
        links = plan.layers["links"].where(site=site)
        reached = sorted(huts[hut] for hut in links["hut"])
        assert len(reached) == 2
        assert order.index(reached[1]) == order.index(reached[0]) + 1
        assert reached[0] <= links["measure_m"][0] <= reached[1]


def test_powered_places_are_taken_where_they_serve() -> None:
    plan = _plan(drawn_road(130_000.0, places=[(66_000.0, "Rasthof", True), (60_000.0, "dark", False)]))
    huts = list(plan.layers["huts"].rows())
    assert [hut["name"] for hut in huts] == ["", "Rasthof", ""]
    assert [hut["role"] for hut in huts] == ["point_of_presence", "aggregation", "point_of_presence"]


def test_new_power_where_places_leave_no_chain() -> None:
    plan = _plan(drawn_road(200_000.0, places=[(10_000.0, "P", True), (190_000.0, "Q", True)]))
    assert (plan.layers["huts"]["power"] == "new").sum() >= 3
    assert plan.layers["spans"]["margin_db"].min() >= 0.0


def test_a_hole_has_no_cable_and_its_consequence_is_told() -> None:
    road = drawn_road(50_000.0, holes=[(20_000.0, 32_000.0)])
    plan = _plan(road)
    assert [(r["cable"], r["start_m"], r["end_m"]) for r in plan.layers["cables"].rows()] == [
        ("C-1.1", 0.0, 20_000.0),
        ("C-1.2", 32_000.0, 50_000.0),
    ]
    assert plan.layers["huts"]["role"].tolist() == [
        "point_of_presence",
        "aggregation",
        "aggregation",
        "point_of_presence",
    ]
    assert plan.figures["unconnected"] == ["S-009", "S-010"]
    notes = "\n".join(plan.notes)
    assert "no cable on A 1 km 20+000–32+000" in notes
    assert "A 1 km 0+000–20+000 reaches a point of presence at one end only" in notes
    assert "S-009 at A 1 km 25+200 is not connected" in notes
    strays = {row["site"]: row["drop_m"] for row in plan.layers["links"].rows() if row["drop_m"] > 500.0}
    assert strays == pytest.approx({"S-008": 2500.0 + 28.0, "S-011": 1400.0 + 28.0 + 40.0})


def test_one_missing_carriageway_is_no_hole_in_the_road() -> None:
    road = drawn_road(30_000.0)
    line = road.alignments["decreasing"]
    gone = replace(line, present=line.measure_m >= 400.0)
    road = replace(road, alignments={**road.alignments, "decreasing": gone})
    plan = _plan(road, OpticalSettings(check_transmission=False, cables=2))
    assert plan.layers["cables"]["start_m"].tolist() == [0.0, 0.0]
    assert plan.figures["stranded_by_worst_cut"] == 0
    assert any("C-2 follows the other one there" in note for note in plan.notes)


def test_three_lengths_of_a_cable_are_three_columns() -> None:
    cable = next(_plan(drawn_road(40_000.0)).layers["cables"].rows())
    assert cable["route_m"] == pytest.approx(40_000.0)
    assert cable["sheath_m"] > cable["route_m"] * 1.02
    assert cable["fibre_m"] == pytest.approx(cable["sheath_m"] / 0.975)


def test_a_drop_crosses_to_the_other_side() -> None:
    road = drawn_road(20_000.0)
    near, far = (Connection(side, 9000.0, side, -25.0) for side in ("increasing", "decreasing"))
    plan = plan_optical(road, [near, far], QUIET)
    drops = {row["site"]: row["drop_m"] for row in plan.layers["links"].rows()}
    assert drops == pytest.approx({"increasing": 13.0, "decreasing": 53.0})
    assert next(q.quantity for q in plan.quantities if q.item == "crossing under the road") == 1.0


def test_a_road_without_sites_still_has_its_backbone() -> None:
    plan = plan_optical(drawn_road(30_000.0), [], QUIET)
    assert len(plan.layers["links"]) == 0
    assert len(plan.layers["spans"]) == 1
    assert plan.figures["worst_latency_us"] is None
    assert np.isnan(plan.layers["cuts"]["worst_latency_us"]).all()


def test_figures_are_plain_json_and_the_plan_repeats() -> None:
    road = drawn_road(70_000.0, ref="М-11", start_km=258.0)
    first, second = (plan_optical(road, _connections(road), OpticalSettings()) for _ in range(2))
    assert json.loads(json.dumps(first.figures, allow_nan=False)) == second.figures
    assert [layer.digest() for layer in first.layers.values()] == [layer.digest() for layer in second.layers.values()]


def test_bad_connections_are_named() -> None:
    road = drawn_road(20_000.0)
    with pytest.raises(InputError, match=r"S-1 at measure 25000\.0 m.* not on A 1"):
        plan_optical(road, [Connection("S-1", 25_000.0, "increasing", 10.0)], QUIET)
    twice = [Connection("S-1", 5000.0, "increasing", 10.0)] * 2
    with pytest.raises(InputError, match="S-1 stands twice"):
        plan_optical(road, twice, QUIET)


def test_a_site_too_far_for_every_transceiver_is_named_with_the_kilometre() -> None:
    road = drawn_road(20_000.0, start_km=100.0)
    weak = QUIET.model_copy(update={"transceivers": QUIET.transceivers[:1]})
    far = Connection("S-1", 5000.0, "increasing", 9500.0)
    with pytest.raises(InputError, match=r"no chain of huts .*A 1 km 10\d\+\d{3}.* S-1") as caught:
        plan_optical(road, [far], weak)
    assert "transceivers" in caught.value.cure


def test_too_few_fibres_are_named_with_the_cure() -> None:
    road = drawn_road(20_000.0)
    with pytest.raises(InputError, match="fibres left for them") as caught:
        plan_optical(road, _connections(road, every_m=300.0), OpticalSettings(fibres=6, new_power_step_m=20_000.0))
    assert "optical.fibres" in caught.value.cure


def test_a_road_with_one_carriageway_has_one_side() -> None:
    road = drawn_road(20_000.0, carriageways=["increasing"])
    assert len(_plan(road).layers["cables"]) == 1
    with pytest.raises(ConfigError, match="no decreasing carriageway"):
        _plan(road, OpticalSettings(cables=2))


def test_a_road_that_is_all_hole_is_refused() -> None:
    with pytest.raises(InputError, match="has no 500 m without a hole"):
        _plan(drawn_road(300.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": "red"},
        {"cables": 3},
        {"helix_ratio": 0.99},
        {"fibres": 8, "backbone_fibres": 8},
        {"reel_limit_m": 100.0},
        {"prices": {"trench": {"amount_minor": 1, "low_minor": 2, "high_minor": 3, "unit": "m", "source": "x"}}},
    ],
)
def test_settings_refuse_what_cannot_be_meant(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OpticalSettings(**wrong)


def test_shipped_prices_are_assumed_and_have_a_range() -> None:
    prices = [getattr(QUIET.prices, name) for name in type(QUIET.prices).model_fields]
    prices += [optics.price for optics in QUIET.transceivers]
    assert all(isinstance(price, Price) and price.assumed for price in prices)
    assert all(price.low_minor < price.amount_minor < price.high_minor for price in prices)


@pytest.mark.parametrize("ref", ["A 2", "A 37", "A 39"])
@pytest.mark.parametrize("cables", [1, 2])
def test_real_motorways_plan_end_to_end(shared: Path, ref: str, cables: int) -> None:
    folder = shared / "roads" / "testfeld_nds"
    road = survey(RoadSettings(ref=ref, osm=["TestfeldNDS_main_roads.osm.gz"]), None, TerrainSettings(), folder)
    plan = _plan(road, OpticalSettings(check_transmission=False, cables=cables))
    assert plan.layers["reels"]["sheath_m"].max() <= QUIET.reel_limit_m + 1e-6
    assert plan.layers["links"]["margin_db"].min() >= 0.0
    for carriageway in set(plan.layers["chambers"]["carriageway"]):
        at = plan.layers["chambers"].where(carriageway=carriageway)["measure_m"]
        structures = [e for k in ("bridge", "tunnel") for e in road.structure_extents(k, carriageway)]
        assert not any(e.start_m + 1e-6 < m < e.end_m - 1e-6 for e in structures for m in at)
    protected = ref != "A 37" or cables == 2
    assert (plan.figures["stranded_by_worst_cut"] == 0) is protected
