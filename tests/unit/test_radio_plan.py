"""The radio plan over a smooth Earth, from road to layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.linear import Layer
from trassa.radio.candidates import candidates_of
from trassa.radio.plan import RadioPlan, plan_radio
from trassa.radio.settings import RadioSettings
from trassa.road.layers import SCHEMAS
from trassa.road.model import Road


def mast(measure_m: float, height_m: float, *, offset_m: float = 300.0, usable: bool = True) -> dict[str, object]:
    return {
        "measure_m": measure_m,
        "offset_m": offset_m,
        "name": f"mast {measure_m:.0f}",
        "kind": "mobile" if usable else "railway",
        "usable": usable,
        "latitude_deg": np.nan,
        "longitude_deg": np.nan,
        "height_m": height_m,
        "osm_id": "n1",
    }


def with_masts(road: Road, *masts: dict[str, object]) -> Road:
    layer = Layer.from_rows(SCHEMAS["masts"], masts)  # type: ignore[arg-type]
    return replace(road, masts=layer)


@pytest.fixture(scope="module")
def plan() -> RadioPlan:
    road = drawn_road(40_000.0, tunnels=[(10_000.0, 12_000.0)], holes=[(30_000.0, 30_500.0)], bridges=[(900.0, 1100.0)])
    return plan_radio(road, None, RadioSettings())


def test_every_counted_bin_has_two_servers(plan: RadioPlan) -> None:
    bins = plan.layers["bins"]
    counted = bins["exempt"] == ""
    assert bins["second_margin_db"][counted].min() >= 0.0
    assert np.all(bins["margin_db"][counted] >= bins["second_margin_db"][counted])
    assert np.all(bins["server"][counted] != bins["second"][counted])
    assert set(bins["exempt"].tolist()) == {"", "tunnel"}
    assert len(plan.layers["unserved"]) == 0


def test_cost_is_the_sum_of_the_sites_and_proven(plan: RadioPlan) -> None:
    siting, sites = plan.siting, plan.layers["sites"]
    assert siting.cost_minor == sum(int(cost) for cost in sites["cost_minor"])
    assert siting.status == "optimal"
    assert siting.lp_bound_minor <= siting.bound_minor <= siting.cost_minor
    assert siting.gap <= 0.001
    chosen = plan.layers["candidates"].where(chosen=True)
    assert chosen["candidate"].tolist() == sites["candidate"].tolist()
    assert len(set(chosen["place"].tolist())) == len(chosen)


def test_stored_rows_and_costs_reproduce_the_lp_bound(plan: RadioPlan) -> None:
    """The bound from the layers alone: losses by the closed distance that each candidate serves to."""
    rows, candidates, bins = plan.layers["siting_rows"], plan.layers["candidates"], plan.layers["bins"]
    reach_m = {25.0: 0.0, 35.0: 0.0}
    sites = plan.layers["sites"]
    assert np.all(rows["dual"] > 0.0)
    assert np.all(rows["start_m"] <= rows["end_m"])
    for height in reach_m:
        for site in sites.where(height_m=height).rows():
            mine = bins.where(server=site["site"])
            served = np.concatenate([mine["start_m"], mine["end_m"]])
            if len(served):
                reach_m[height] = max(reach_m[height], float(np.abs(served - float(site["measure_m"])).max()))
    longest_m = max(reach_m.values()) + 500.0
    away_m = np.abs(candidates["measure_m"][:, None] - rows["start_m"][None])
    worth = (away_m <= longest_m) @ rows["dual"] - candidates["cost_minor"]
    best = np.zeros(int(candidates["place"].max()) + 1)
    np.maximum.at(best, candidates["place"], worth)
    generous = float(rows["need"] @ rows["dual"] - best.sum())
    assert generous <= plan.siting.cost_minor


def test_each_site_names_what_it_is_needed_for(plan: RadioPlan) -> None:
    for text in plan.layers["sites"]["needed_for"]:
        assert text.startswith("radio.served")
        assert " km " in text


def test_sites_are_numbered_in_order_of_measure(plan: RadioPlan) -> None:
    sites = plan.layers["sites"]
    assert np.all(np.diff(sites["measure_m"]) >= 0.0)
    assert sites["site"].tolist() == [f"S-{n:02d}" for n in range(1, len(sites) + 1)]


def test_deductions_are_listed_and_taken(plan: RadioPlan) -> None:
    taken = {a.name: a for a in plan.assumptions}
    assert {"radio.shadowing_sigma", "radio.fast_path", "radio.within_bin"} <= set(taken)
    assert not {"radio.step_effect", "radio.clutter_height"} & set(taken), "there is no terrain"
    bins, service = plan.layers["bins"].where(exempt=""), RadioSettings()
    deducted_db = taken["radio.fast_path"].size + taken["radio.within_bin"].size
    margin_db = bins["rsrp_dbm"] - service.need_rsrp_dbm - 1.6448536269514722 * service.sigma_db - deducted_db
    assert np.allclose(margin_db, bins["margin_db"], atol=1e-9)


def test_new_masts_avoid_structures(plan: RadioPlan) -> None:
    measures = set(plan.layers["candidates"].where(kind="new")["measure_m"].tolist())
    assert not {1000.0, 10_000.0, 10_250.0, 11_750.0, 30_250.0} & measures
    assert {750.0, 1250.0, 12_000.0} <= measures


def test_a_schematic_axis_needs_no_coordinates() -> None:
    road = drawn_road(20_000.0, axis="schematic")
    nowhere = np.full(len(road.alignments["increasing"]), np.nan)
    lines = {
        name: type(line)(name, line.measure_m, *([nowhere] * 6), line.present) for name, line in road.alignments.items()
    }
    blank = replace(road, alignments=lines)
    there, here = plan_radio(road, None, RadioSettings()), plan_radio(blank, None, RadioSettings())
    assert there.siting.cost_minor == here.siting.cost_minor
    assert np.all(np.isnan(here.layers["sites"]["latitude_deg"]))


def test_existing_masts_are_taken_where_they_are_cheaper() -> None:
    road = with_masts(
        drawn_road(9_000.0, axis="schematic"),
        mast(2_000.0, 40.0),
        mast(6_000.0, np.nan),
        mast(4_000.0, 60.0, usable=False),
        mast(5_000.0, 60.0, offset_m=2500.0),
    )
    plan = plan_radio(road, None, RadioSettings())
    sites = plan.layers["sites"]
    assert sites["name"].tolist() == ["mast 2000", "mast 6000"]
    assert sites["height_m"].tolist() == [40.0, 20.0]
    assert sites["height_assumed"].tolist() == [False, True]
    assert "radio.unmapped_mast_tolerance" in {a.name for a in plan.assumptions}
    names = set(plan.layers["candidates"]["name"].tolist())
    assert not {"mast 4000", "mast 5000"} & names


def test_one_site_is_enough_where_none_may_fail() -> None:
    road = drawn_road(5_000.0)
    one = plan_radio(road, None, RadioSettings(any_site_down=False))
    assert (len(one.layers["sites"]), one.siting.k) == (1, 1)
    two = plan_radio(road, None, RadioSettings())
    assert (len(two.layers["sites"]), two.siting.k) == (2, 2)
    assert two.layers["sites"]["needed_for"][0].startswith("radio.served.any-site-down at A 1 km ")


def test_what_cannot_be_served_is_named_with_a_cure() -> None:
    """Masts every 25 km over a reach of some 10 km leave holes in the service."""
    settings = RadioSettings(new_mast_spacing_m=25_000.0, new_mast_heights_m=[25.0], any_site_down=False)
    plan = plan_radio(drawn_road(39_000.0), None, settings)
    unserved, bins = plan.layers["unserved"], plan.layers["bins"]
    missing_m = float((unserved["end_m"] - unserved["start_m"]).sum())
    assert missing_m == pytest.approx(10.0 * int((~(bins["margin_db"] >= 0.0)).sum()))
    assert missing_m > 5_000.0
    assert set(unserved["claim"].tolist()) == {"radio.served"}
    for row in unserved.rows():
        assert float(row["margin_db"]) < 0.0
        assert "dB of power" in str(row["cure"])
        assert "a mast nearer than" in str(row["cure"])
    assert any("cannot be served" in note for note in plan.notes)


def test_the_power_cure_cures() -> None:
    settings = RadioSettings(new_mast_spacing_m=25_000.0, new_mast_heights_m=[25.0], any_site_down=False)
    road = drawn_road(26_000.0, carriageways=["increasing"])
    unserved = plan_radio(road, None, settings).layers["unserved"]
    lacks_db = -float(unserved["margin_db"].min())
    stronger = settings.model_copy(update={"eirp_per_re_dbm": settings.eirp_per_re_dbm + lacks_db + 0.01})
    weaker = settings.model_copy(update={"eirp_per_re_dbm": settings.eirp_per_re_dbm + lacks_db - 0.1})
    assert len(plan_radio(road, None, stronger).layers["unserved"]) == 0
    assert len(plan_radio(road, None, weaker).layers["unserved"]) > 0


def test_no_place_at_all_is_an_error_with_a_cure() -> None:
    road = drawn_road(500.0, bridges=[(0.0, 500.0)])
    with pytest.raises(InputError, match="no place for a site"):
        candidates_of(road, None, RadioSettings())


def test_masts_alternate_between_the_verges() -> None:
    road = drawn_road(2_000.0, median_m=20.0)
    back = replace(road.alignments["decreasing"], heading_deg=road.alignments["decreasing"].heading_deg + 180.0)
    road = replace(road, alignments={**road.alignments, "decreasing": back})
    places = candidates_of(road, None, RadioSettings(new_mast_side="alternate"))
    assert places.carriageway.tolist()[:4] == ["increasing", "decreasing", "increasing", "decreasing"]
    assert places.offset_m[:2] == pytest.approx([15.0, 35.0], abs=0.1)


def test_same_road_same_figures() -> None:
    road = drawn_road(15_000.0)
    first, second = plan_radio(road, None, RadioSettings()), plan_radio(road, None, RadioSettings())
    assert first.figures() == second.figures()
    assert {n: layer.digest() for n, layer in first.layers.items()} == {
        n: layer.digest() for n, layer in second.layers.items()
    }
