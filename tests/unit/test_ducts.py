"""Ducts, entries and crossings: every metre in one extent per duct, and the bill counted again from the layers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from pydantic import ValidationError
from pyproj import Geod

from drawn_road import drawn_road
from trassa.linear import Carriageway, opposite
from trassa.optical.layers import IN_THE_VERGE
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.built import NOTHING_BUILT, AsBuilt, BuiltPlace, BuiltSection
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.road.exchange import write_geopackage
from trassa.road.verge import beside

STRUCTURES = {"bridges": [(5000.0, 5200.0), (9900.0, 10_100.0)], "tunnels": [(10_000.0, 11_500.0)]}
"""The second bridge runs into the tunnel: where both are, it is the tunnel."""
WAYS = [
    (0.0, 5000.0, "verge"),
    (5000.0, 5200.0, "bridge"),
    (5200.0, 9900.0, "verge"),
    (9900.0, 10_000.0, "bridge"),
    (10_000.0, 11_500.0, "tunnel"),
    (11_500.0, 20_000.0, "verge"),
]
CHOICES = [
    {},
    {"ducts": 3, "microducts": 7},
    {"cables": 2},
    {"cables": 2, "second_cable": "same_trench"},
    {"cables": 2, "second_cable": "same_trench", "ducts": 1, "microducts": 2},
]


def _plan(as_built: AsBuilt = NOTHING_BUILT, **rules: object) -> OpticalPlan:
    road = drawn_road(20_000.0, **STRUCTURES)
    sides = ["increasing", "decreasing"]
    at_m = np.arange(900.0, 20_000.0, 2700.0).tolist()
    connections = [Connection(f"S-{i}", m, sides[i % 2], 40.0) for i, m in enumerate(at_m)]
    return plan_optical(road, connections, OpticalSettings(check_transmission=False, **rules), as_built=as_built)


@pytest.mark.parametrize("rules", CHOICES)
def test_every_metre_is_in_one_extent_of_every_duct(rules: dict[str, object]) -> None:
    settings = OpticalSettings(**rules)
    layers = _plan(**rules).layers
    trenches = ["T-1", "T-2"] if rules == {"cables": 2} else ["T-1"]
    assert sorted(set(layers["ducts"]["trench"])) == trenches
    for trench in trenches:
        for number in range(1, settings.ducts + 1):
            rows = list(layers["ducts"].where(trench=trench, duct=f"D-{number}").rows())
            assert [(row["start_m"], row["end_m"], row["way"]) for row in rows] == WAYS
            assert all(a["end_m"] == b["start_m"] for a, b in pairwise(rows))
            cable = layers["cables"].where(cable="C-2" if trench == "T-2" else "C-1")
            assert sum(row["route_m"] for row in rows) == pytest.approx(cable["route_m"][0])
            assert {row["microducts"] for row in rows} == {settings.microducts}


@pytest.mark.parametrize(
    ("rules", "inside"),
    [
        (CHOICES[0], {"T-1 D-1": "C-1", "T-1 D-2": "reserve"}),
        (CHOICES[1], {"T-1 D-1": "C-1", "T-1 D-2": "reserve", "T-1 D-3": "reserve"}),
        (CHOICES[2], {"T-1 D-1": "C-1", "T-1 D-2": "reserve", "T-2 D-1": "C-2", "T-2 D-2": "reserve"}),
        (CHOICES[3], {"T-1 D-1": "C-1", "T-1 D-2": "C-2"}),
        (CHOICES[4], {"T-1 D-1": "C-1,C-2"}),
    ],
)
def test_a_duct_for_each_cable_and_the_others_in_reserve(rules: dict[str, object], inside: dict[str, str]) -> None:
    found = {f"{row['trench']} {row['duct']}": row["cable"] for row in _plan(**rules).layers["ducts"].rows()}
    assert found == inside


def test_cables_that_have_no_duct_are_refused() -> None:
    with pytest.raises(ValidationError, match="no room for 2 cables"):
        OpticalSettings(cables=2, second_cable="same_trench", ducts=1)
    OpticalSettings(cables=2, second_cable="other_side", ducts=1)


@pytest.mark.parametrize("rules", CHOICES)
def test_the_bill_of_the_trench_is_counted_from_the_layers(rules: dict[str, object]) -> None:
    settings, plan = OpticalSettings(**rules), _plan(**rules)
    bill = {q.item: q.quantity for q in plan.quantities}
    ducts = plan.layers["ducts"]

    def metres(way: str, duct: str = "") -> float:
        rows = ducts.where(way=way)
        return float(rows["route_m"][(rows["duct"] == duct) | (duct == "")].sum())

    assert bill["trench and duct"] == pytest.approx(metres("verge", "D-1"))
    further_m = metres("verge") - metres("verge", "D-1")
    assert bill.get("further duct in the trench", 0.0) == pytest.approx(further_m)
    assert bill["duct on a bridge"] == pytest.approx(metres("bridge"))
    assert bill["duct in a tunnel"] == pytest.approx(metres("tunnel"))
    micro_m = float((ducts["route_m"] * ducts["microducts"]).sum())
    assert bill.get("microduct", 0.0) == pytest.approx(micro_m)
    assert bill["hut entry, trench and ducts"] == pytest.approx(plan.layers["hut_entries"]["route_m"].sum())
    assert bill["crossing under the road"] == len(plan.layers["crossings"])
    priced = {
        "trench and duct": settings.prices.trench,
        "further duct in the trench": settings.prices.further_duct,
        "duct on a bridge": settings.prices.bridge_duct,
        "duct in a tunnel": settings.prices.tunnel_duct,
        "microduct": settings.prices.microduct,
        "hut entry, trench and ducts": settings.prices.hut_entry,
    }
    assert all(q.price == priced[q.item] for q in plan.quantities if q.item in priced)


def test_what_is_built_is_not_billed_again() -> None:
    """From a joint at 3 km over the bridge at 5 km to a joint at 6.5 km: 3,300 m of verge and 200 m of bridge."""
    places = [BuiltPlace(m, f"K {m}", f"M {m}", "", m != 4000.0) for m in (3000.0, 4000.0, 6500.0)]
    plan = _plan(AsBuilt((BuiltSection("lot", 0, tuple(places)),)))
    bill = {q.item: q.quantity for q in plan.quantities}
    assert bill["trench and duct"] == pytest.approx(20_000.0 - 200.0 - 100.0 - 1500.0 - 3300.0)
    assert bill["further duct in the trench"] == pytest.approx(bill["trench and duct"])
    assert bill["duct on a bridge"] == pytest.approx(2 * 100.0)
    assert bill["chamber"] == len(plan.layers["chambers"]) - 3
    within = plan.layers["reels"]
    built = (within["start_m"] >= 3000.0) & (within["end_m"] <= 6500.0)
    assert bill["cable"] == pytest.approx(within["sheath_m"][~built].sum())


def test_crossings_are_for_connections_across_the_road_and_for_huts_of_a_second_trench() -> None:
    one, two = (_plan(cables=count).layers for count in (1, 2))
    across = [row["connection"] for row in one["connections"].rows() if row["carriageway"] == "decreasing"]
    assert one["crossings"]["name"].tolist() == across
    assert set(one["crossings"]["carriageway"]) == {"increasing"}
    huts = two["crossings"].where(purpose="hut")
    assert huts["name"].tolist() == two["huts"]["hut"].tolist()
    assert set(huts["trench"]) == {"T-2"}
    assert set(huts["to_carriageway"]) == {"increasing"}
    assert len(two["crossings"]) == len(across) + len(huts)
    assert len(two["hut_entries"]) == 2 * len(two["huts"])


@pytest.mark.parametrize(("cables", "across_m"), [("C-1", 0.0), ("C-2", 40.0)])
def test_a_cable_holds_its_ways_into_the_huts_at_both_ends(cables: str, across_m: float) -> None:
    """Sheath by hand: slack on route and entries, half a loop on either side of a joint, a loop at either end."""
    layers = _plan(cables=2).layers
    cable = next(layers["cables"].where(cable=cables).rows())
    closures = len(layers["closures"].where(cable=cables))
    ends = 2 * (len(layers["huts"]) - 1)
    entry_m = 15.0 + across_m
    sheath_m = (cable["route_m"] + ends * entry_m) * 1.02 + closures * 10.0 + ends * 4.0
    assert cable["sheath_m"] == pytest.approx(sheath_m)


@pytest.mark.parametrize(("cables", "trenches"), [(1, 1), (2, 2)])
def test_a_hut_costs_its_ways_too(cables: int, trenches: int) -> None:
    """An entry of 15 m at 60 EUR from each trench, and a crossing for the second."""
    shipped = OpticalSettings().prices
    dearer = shipped.crossing.model_copy(update={"amount_minor": shipped.crossing.amount_minor + 100})
    usual, no_entry, crossed = (
        _plan(cables=cables, **changed).layers["huts"]["cost_minor"][0]
        for changed in ({}, {"hut_entry_m": 0.0}, {"prices": shipped.model_copy(update={"crossing": dearer})})
    )
    assert usual - no_entry == trenches * 15 * 6000
    assert crossed - usual == (trenches - 1) * 100


def _points(path: Path, layer: str) -> np.ndarray:
    _, _, geometry, _ = pyogrio.raw.read(path, layer=layer)
    return shapely.get_coordinates(shapely.from_wkb(geometry))


@pytest.mark.filterwarnings("ignore:Measured")
@pytest.mark.parametrize("side", ["increasing", "decreasing"])
def test_what_lies_in_the_verge_is_drawn_there(side: Carriageway, tmp_path: Path) -> None:
    """Twelve metres off the axis and farther from the other carriageway, on a road due north; a hut 15 m farther."""
    road = drawn_road(20_000.0, azimuth_deg=0.0, **STRUCTURES)
    layers = plan_optical(road, [], OpticalSettings(check_transmission=False, side=side)).layers
    path = tmp_path / "plan.gpkg"
    out_m_of = {"cables": 12.0, "chambers": 12.0, "closures": 12.0, "ducts": 12.0, "huts": 27.0}
    drawn = {name: layers[name] for name in out_m_of}
    write_geopackage(path, road, drawn, beside=dict.fromkeys(IN_THE_VERGE, beside(road, 12.0)))
    axis, other = road.alignments[side], road.alignments[opposite(side)]
    for name, out_m in out_m_of.items():
        lon, lat = _points(path, name).T
        for line, apart_m in ((axis, out_m), (other, out_m + 20.0)):
            across = np.interp(lat, line.latitude_deg, line.longitude_deg)
            away_m = np.asarray(Geod(ellps="WGS84").inv(lon, lat, across, lat)[2])
            assert away_m == pytest.approx(apart_m, abs=0.01), name
