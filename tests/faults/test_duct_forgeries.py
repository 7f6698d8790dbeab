"""Whoever changes a duct, an entry or a crossing by one column is named; whoever changes nothing is not."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drawn_road import drawn_road
from forging import caught, row_of, sql
from trassa.linear import Layer
from trassa.optical.plan import plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.plan.proof import Proof
from trassa.plan.settings import Settings, parse_settings
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import check_lengths, plant_of
from trassa.plan.verify.optical.ducts import check_ducts
from trassa.plan.verify.verdict import Row
from trassa.road.model import Road
from trassa.road.settings import RoadSettings, TerrainSettings
from trassa.road.survey import survey

RULES = OpticalSettings(check_transmission=False, cables=2, ducts=3, microducts=2)


def _evidence(road: Road, rules: OpticalSettings) -> Evidence:
    sides = road.carriageways
    at_m = np.arange(900.0, road.length_m, 2700.0).tolist()
    connections = [Connection(f"S-{i}", m, sides[i % len(sides)], 40.0) for i, m in enumerate(at_m)]
    layers = {**road.to_layers(), **plan_optical(road, connections, rules).layers}
    said = {"ref": road.ref, "axis": road.axis, "length_m": road.length_m, "reference": road.reference}
    proof = Proof(road=said, claims=(), figures={}, inputs=(), settings_sha256="", software={})
    return Evidence(Path(), _settings(rules), proof, layers, road.calibration)


def _settings(rules: OpticalSettings) -> Settings:
    return parse_settings('[road]\nref = "A 1"\n').model_copy(update={"optical": rules})


@pytest.fixture(scope="module")
def honest() -> Evidence:
    road = drawn_road(20_000.0, bridges=[(5000.0, 5200.0)], tunnels=[(9000.0, 9800.0)], holes=[(12_000.0, 13_000.0)])
    return _evidence(road, RULES)


def _judged(evidence: Evidence) -> Row:
    return check_ducts(evidence, plant_of(evidence))


def _with(evidence: Evidence, name: str, layer: Layer) -> Evidence:
    return replace(evidence, layers={**evidence.layers, name: layer})


def _changed(layer: Layer, column: str, row: int, value: object) -> Layer:
    values = layer[column].copy()
    values[row] = value
    return replace(layer, columns={**layer.columns, column: values})


def test_an_honest_line_is_not_accused(honest: Evidence) -> None:
    assert _judged(honest).agrees, _judged(honest).detail
    assert "3 ducts in" in _judged(honest).detail


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("ducts", "trench", "T-2.1"),
        ("ducts", "duct", "D-9"),
        ("ducts", "start_m", 10.0),
        ("ducts", "end_m", 4000.0),
        ("ducts", "carriageway", "decreasing"),
        ("ducts", "way", "bridge"),
        ("ducts", "microducts", 7),
        ("ducts", "cable", "reserve"),
        ("ducts", "route_m", 4990.0),
        ("ducts", "start_m", math.nan),
        ("ducts", "end_m", math.nan),
        ("ducts", "route_m", math.nan),
        ("hut_entries", "hut", "H-99"),
        ("hut_entries", "measure_m", 10.0),
        ("hut_entries", "carriageway", "decreasing"),
        ("hut_entries", "trench", "T-3"),
        ("hut_entries", "ducts", 1),
        ("hut_entries", "route_m", 5.0),
        ("crossings", "measure_m", 17.0),
        ("crossings", "purpose", "connection"),
        ("crossings", "name", "S-0"),
        ("crossings", "trench", "T-1.1"),
        ("crossings", "carriageway", "increasing"),
        ("crossings", "to_carriageway", "decreasing"),
        ("crossings", "route_m", 20.0),
        ("crossings", "route_m", math.nan),
    ],
)
def test_a_change_of_any_column_is_named(honest: Evidence, name: str, column: str, value: object) -> None:
    layer = honest.layers[name]
    assert layer[column][0] != value
    verdict = _judged(_with(honest, name, _changed(layer, column, 0, value)))
    assert not verdict.agrees


def test_the_forgeries_cover_every_column(honest: Evidence) -> None:
    tried = test_a_change_of_any_column_is_named.pytestmark[0].args[1]
    for name in ("ducts", "hut_entries", "crossings"):
        assert {column.name for column in honest.layers[name].schema.columns} == {c for n, c, _ in tried if n == name}


@pytest.mark.parametrize("name", ["ducts", "hut_entries", "crossings"])
@pytest.mark.parametrize("how", ["left out", "twice", "none"])
def test_rows_left_out_or_put_twice_are_named(honest: Evidence, name: str, how: str) -> None:
    layer = honest.layers[name]
    at = {"left out": np.arange(1, len(layer)), "twice": np.r_[0, np.arange(len(layer))], "none": np.arange(0)}[how]
    assert not _judged(_with(honest, name, layer.take(at))).agrees


def test_a_bridge_of_the_road_that_is_no_way_of_the_ducts_is_named(honest: Evidence) -> None:
    structures = honest.layers["structures"]
    rest = structures.take(structures["kind"] != "bridge")
    assert "runs on a bridge, the road on verge" in _judged(_with(honest, "structures", rest)).detail


def test_a_trench_that_claims_to_lie_elsewhere_is_named(shared: Path) -> None:
    """Lengths are those of the trench at the distance that the settings say, not of the axis."""
    folder = shared / "roads" / "testfeld_nds"
    road = survey(RoadSettings(ref="A 39", osm=["TestfeldNDS_main_roads.osm.gz"]), None, TerrainSettings(), folder)
    evidence = _evidence(road, RULES)
    plant = plant_of(evidence)
    assert check_ducts(evidence, plant).agrees, check_ducts(evidence, plant).detail
    assert check_lengths(evidence, plant)[0].agrees, check_lengths(evidence, plant)[0].detail
    moved = replace(evidence, settings=_settings(RULES.model_copy(update={"verge_offset_m": 6.0})))
    again = plant_of(moved)
    assert not check_ducts(moved, again).agrees
    assert not check_lengths(moved, again)[0].agrees


def test_the_whole_proof_names_a_forged_duct(planned_lane: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    shutil.copytree(planned_lane, forged, ignore=shutil.ignore_patterns("stages"))
    sql(forged, "UPDATE ducts SET route_m = route_m - 5 WHERE duct = 'D-2'")
    assert "D-2" in row_of(caught(forged, "optical.ducts"), "optical.ducts").detail
