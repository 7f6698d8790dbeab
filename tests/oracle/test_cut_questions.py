"""`trassa optical cut` against the plan's own sweep, a graph of networkx, and the price of the other protection."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from command_line import trassa
from trassa.plan.optical.protection import protection_choices
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
