"""`trassa optical cut` against the plan's own sweep, a graph of networkx, and the price of the other protection."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from command_line import set_in, trassa
from drawn_road import drawn_road
from trassa.optical.plan import OpticalPlan, lines_of, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.services.cut_answer import cut_at
from trassa.optical.settings import OpticalSettings
from trassa.plan.optical.protection import protection_choices
from trassa.plan.optical.questions import planned_line
from trassa.plan.verify.geopackage import read_layers
from valley import valley

PLACES_KM = (10.4, 17.2, 23.9, 31.0, 42.7, 49.6)


@pytest.mark.parametrize("km", PLACES_KM)
def test_who_notices_is_who_loses_an_edge(planned_hills: Path, km: float) -> None:
    layers = read_layers(planned_hills / "plan.gpkg")
    label = f"H 1 km {int(km)}+{round(km % 1 * 1000):03d}"
    (body,) = trassa("optical", "cut", planned_hills, label, "--json").json
    hut_at = dict(zip(layers["huts"]["hut"], layers["huts"]["measure_m"], strict=True))
    graph, lost = nx.Graph(), set()
    graph.add_nodes_from(hut_at)
    for row in layers["links"].rows():
        low, high = sorted((row["measure_m"], hut_at[row["hut"]]))
        if low < body["end_m"] - 0.1 and body["start_m"] < high - 0.1:
            lost.add(row["site"])
        else:
            graph.add_edge(row["site"], row["hut"])
    for row in layers["spans"].rows():
        if row["start_m"] >= body["end_m"] - 0.1 or row["end_m"] <= body["start_m"] + 0.1:
            graph.add_edge(*row["span"].split("–"))
    presences = set(layers["huts"].where(role="point_of_presence")["hut"])
    served = {site for site in lost if site in graph and nx.node_connected_component(graph, site) & presences}
    assert {one["connection"] for one in body["noticed"]} == lost
    assert set(body["stranded"]) == lost - served
    assert body["undisturbed"] == len(layers["connections"]) - len(lost)
    row = next(row for row in layers["cuts"].rows() if abs(row["start_m"] - body["start_m"]) < 0.1)
    assert (row["detoured"], row["stranded"]) == (len(lost), 0)
    assert max(one["after_us"] for one in body["noticed"]) <= row["worst_latency_us"] + 0.01
    assert body["light"] is None  # both huts are points of presence: no wavelength is needed
    assert np.isnan(row["worst_gsnr_margin_db"])


def test_light_after_a_cut_is_that_of_the_plan(tmp_path: Path) -> None:
    root = valley(tmp_path / "valley", "[optical]\nspan_limit_m = 2500.0\nnew_power_step_m = 1000.0\n")
    assert trassa("run", root).code in (0, 1)
    rows = [*read_layers(root / "plan.gpkg")["cuts"].rows()]
    assert any(np.isfinite(row["worst_gsnr_margin_db"]) for row in rows)
    for row in rows:
        km, m = divmod(int(row["start_m"]) + 100, 1000)
        (body,) = trassa("optical", "cut", root, f"V 1 km {km}+{m:03d}", "--json").json
        if np.isnan(row["worst_gsnr_margin_db"]):
            assert body["light"] is None
            continue
        assert body["light"]["margin_db"] == pytest.approx(row["worst_gsnr_margin_db"], abs=1e-3)
        assert body["light"]["mode"] == row["worst_mode"]


def test_what_it_would_take_is_the_price_of_the_other_protection(planned_hills: Path) -> None:
    (body,) = trassa("optical", "cut", planned_hills, "H 1 km 25+000", "--json").json
    (cure,) = body["cures"]
    choices = {choice.name: choice for choice in protection_choices(planned_hills).choices}
    dearer = choices["two cables, both sides"].cost_minor - choices["one cable (as planned)"].cost_minor
    assert cure["cost_minor"] == dearer > 0
    assert cure["survives"]
    assert cure["keeps_backbone"]
    said = trassa("optical", "cut", planned_hills, "H 1 km 25+000").out
    assert "the backbone H-01–H-02 is cut" in said
    assert "the backbone goes on:" in said


def test_a_place_off_the_line_is_refused(planned_hills: Path) -> None:
    assert "does not exist on this road" in trassa("optical", "cut", planned_hills, "H 1 km 90+000").refused()
    assert "not on H 1" in trassa("optical", "cut", planned_hills, "A 4 km 355+120").refused()


def _ways_after(plan: OpticalPlan, start_m: float, end_m: float) -> dict[str, tuple[float, float]]:
    """Delay of every connection to the nearest point of presence and number of huts it reaches, on networkx."""
    layers, graph, hut_us = plan.layers, nx.Graph(), OpticalSettings().hut_latency_us
    huts = {row["hut"]: row for row in layers["huts"].rows()}

    def join(first: str, second: str, low_m: float, high_m: float, fibre_m: float) -> None:
        if not (low_m < end_m - 0.1 and start_m + 0.1 < high_m):
            graph.add_edge(first, second, us=fibre_m * OpticalSettings().latency_us_per_km / 1000.0 + hut_us)

    for row in layers["links"].rows():
        join(row["site"], row["hut"], *sorted((row["measure_m"], huts[row["hut"]]["measure_m"])), row["fibre_m"])
    for row in layers["spans"].rows():
        join(*row["span"].split("–"), row["start_m"], row["end_m"], row["fibre_m"])
    ends = [hut for hut, row in huts.items() if row["role"] == "point_of_presence"]
    found = {}
    for name in layers["connections"]["connection"]:
        ways = nx.single_source_dijkstra_path_length(graph, name, weight="us") if name in graph else {}
        best_us = min((ways[end] for end in ends if end in ways), default=np.inf)
        found[name] = (best_us, graph.degree(name) if np.isfinite(best_us) else 0)
    return found


@pytest.mark.parametrize("holes", [[], [(240_000.0, 300_000.0)]], ids=["whole", "one point of presence"])
def test_who_goes_a_longer_way_notices(holes: list[tuple[float, float]]) -> None:
    """Beyond the span that is cut, too: whoever lay nearer to the point of presence behind the cut."""
    road = drawn_road(300_000.0, holes=holes)
    sites = [Connection(f"S-{number}", 7000.0 + 13_100.0 * number, "increasing", 15.0) for number in range(17)]
    rules = OpticalSettings(check_transmission=False)
    plan, (lines, _) = plan_optical(road, sites, rules), lines_of(road, sites, rules)
    intact = _ways_after(plan, -2.0, -1.0)
    parted = 0
    for measure_m in np.arange(2500.0, 239_000.0, 19_000.0).tolist():
        cut = cut_at(lines[0], measure_m, "T-1.1" if len(lines) > 1 else "T-1", {}, {})
        left = _ways_after(plan, cut.place.start_m, cut.place.end_m)
        due = {name for name, (us, _) in left.items() if us > intact[name][0] + 0.01}
        due |= {name for name, (_, ways) in left.items() if ways < intact[name][1]}
        assert {one.connection for one in cut.noticed} == due
        assert {one.connection for one in cut.lessened} <= due
        assert cut.undisturbed == len(sites) - len(due)
        for one in cut.noticed:
            assert (one.before_us, one.after_us) == pytest.approx((intact[one.connection][0], left[one.connection][0]))
        assert cut.reaches == (True, not holes)
        parted += sum(not one.loses for one in cut.noticed)
    assert bool(parted) == (not holes)


def test_a_road_of_one_carriageway_is_cut_too(tmp_path: Path) -> None:
    """There is no other side for a second cable: that choice is refused with its reason, the rest is answered."""
    root = valley(tmp_path / "valley", "[optical]\ncheck_transmission = false\n")
    set_in(root, "road", "carriageways = 1")
    assert trassa("run", root).code in (0, 1)
    (body,) = trassa("optical", "cut", root, "V 1 km 3+100", "--json").json
    assert body["cures"] == []
    told = trassa("optical", "protection", root, "--json").json
    assert [choice["change"] for choice in told["choices"]] == [
        "optical: cables = 1",
        'optical: cables = 2, second_cable = "same_trench"',
    ]
    assert "no decreasing carriageway" in told["refused"][0]


def test_questions_lay_out_the_line_that_was_planned(planned_hills: Path) -> None:
    """What questions are asked of has the chambers, joints and taps, lengths and losses of the layers."""
    plan = planned_line(planned_hills)
    (line,) = plan.lines
    joints = plan.layers["closures"].take(["joint" in kind for kind in plan.layers["closures"]["kind"]])
    assert line.hut_names == tuple(plan.layers["huts"]["hut"])
    assert line.chambers_m(0) == sorted(plan.layers["chambers"]["measure_m"].tolist())
    assert [m for span in line.chain.spans for m in span.plants[0].joints_m] == sorted(joints["measure_m"].tolist())
    assert [span.losses_db[0] for span in line.chain.spans] == plan.layers["spans"]["loss_db"].tolist()
    assert [pair[0].lengths.fibre_m for pair in line.links] == plan.layers["links"]["fibre_m"].tolist()[::2]
