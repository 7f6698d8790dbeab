"""The radio plan over generated hills: what only terrain brings with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.radio.allowances import inside_bins, middles
from trassa.radio.bins import bins_of, points_of
from trassa.radio.budget import Budget, Deduction
from trassa.radio.candidates import candidates_of
from trassa.radio.field import LossBook
from trassa.radio.paths import TerrainPaths
from trassa.radio.plan import RadioPlan, plan_radio
from trassa.radio.settings import RadioSettings
from trassa.road.ground import GroundGrid
from trassa.road.hills import generated_hills
from trassa.road.model import Road

STEP_DEG, STEP_LON_DEG = 1.0 / 3600.0, 1.0 / 2400.0
NORTH_DEG, WEST_DEG = 50.1, 9.9
SETTINGS = RadioSettings(reach_m=6000.0, new_mast_spacing_m=500.0)


@pytest.fixture(scope="module")
def ground() -> GroundGrid:
    rows, cols = 720, 720
    heights = generated_hills(3, NORTH_DEG, WEST_DEG, rows, cols, STEP_DEG, step_lon_deg=STEP_LON_DEG)
    woods = np.random.default_rng(3).random((rows // 10, cols // 10)) < 0.3
    clutter = np.kron(np.where(woods, 15.0, 0.0), np.ones((10, 10))).astype(np.float32)
    return GroundGrid(NORTH_DEG, WEST_DEG, STEP_DEG, STEP_LON_DEG, heights, clutter, "bare", 30.0)


@pytest.fixture(scope="module")
def road(ground: GroundGrid) -> Road:
    flat = drawn_road(6_000.0, start=(50.0, 10.0))
    lines = {}
    for name, line in flat.alignments.items():
        padded = np.pad(ground.sample(line.latitude_deg, line.longitude_deg)[0], 25, mode="edge")
        lines[name] = replace(line, height_m=np.convolve(padded, np.ones(51) / 51.0, mode="valid"))
    return replace(flat, alignments=lines)


@pytest.fixture(scope="module")
def plan(road: Road, ground: GroundGrid) -> RadioPlan:
    return plan_radio(road, ground, SETTINGS)


def test_two_servers_everywhere_or_named(plan: RadioPlan) -> None:
    bins, unserved = plan.layers["bins"], plan.layers["unserved"]
    short_m = 10.0 * int((~(bins["second_margin_db"] >= 0.0)).sum())
    named = unserved.where(claim="radio.served.any-site-down")
    assert short_m == pytest.approx(float((named["end_m"] - named["start_m"]).sum()))
    assert plan.siting.gap <= 0.001


def test_terrain_deductions_are_measured_and_taken(plan: RadioPlan) -> None:
    taken = {a.name: a for a in plan.assumptions if a.taken_from_margin and a.unit == "dB"}
    assert set(taken) == {
        "radio.shadowing_sigma",
        "radio.fast_path",
        "radio.step_effect",
        "radio.within_bin",
        "radio.clutter_height",
    }
    assert taken["radio.step_effect"].size > 0.0
    assert taken["radio.clutter_height"].size > 0.0
    bins, service = plan.layers["bins"], RadioSettings()
    deducted_db = sum(a.size for name, a in taken.items() if name != "radio.shadowing_sigma")
    margin_db = bins["rsrp_dbm"] - service.need_rsrp_dbm - 1.6448536269514722 * service.sigma_db - deducted_db
    assert np.allclose(margin_db, bins["margin_db"], atol=1e-9, equal_nan=True)


def test_masts_stand_on_the_ground(plan: RadioPlan, ground: GroundGrid) -> None:
    sites = plan.layers["sites"]
    assert np.allclose(ground.sample(sites["latitude_deg"], sites["longitude_deg"])[0], sites["ground_m"])


def test_surface_model_has_no_clutter_deduction(road: Road, ground: GroundGrid) -> None:
    bare = replace(ground, clutter_m=np.zeros_like(ground.clutter_m), kind="surface")
    names = {a.name for a in plan_radio(road, bare, SETTINGS).assumptions}
    assert "radio.clutter_height" not in names
    assert "radio.step_effect" in names


def test_masts_stand_under_the_treetops_of_a_surface_model(road: Road, ground: GroundGrid) -> None:
    """The lowest of nine heights one node apart; never above what the surface model has at the place itself."""
    surface = replace(ground, ground_m=ground.ground_m + ground.clutter_m, kind="surface")
    places = candidates_of(road, surface, SETTINGS)
    lat, lon = places.latitude_deg, places.longitude_deg
    shifts = [(north * STEP_DEG, east * STEP_LON_DEG) for north in (-1, 0, 1) for east in (-1, 0, 1)]
    around = np.array([surface.sample(lat + north, lon + east)[0] for north, east in shifts])
    assert np.allclose(places.ground_m, around.min(axis=0))
    assert np.any(places.ground_m < surface.sample(lat, lon)[0] - 5.0)


def test_candidates_without_ground_are_left_out(road: Road, ground: GroundGrid) -> None:
    known = ground.ground_m.copy()
    known[:, : round(0.13 / STEP_LON_DEG)] = np.nan
    there, here = (candidates_of(road, grid, SETTINGS) for grid in (ground, replace(ground, ground_m=known)))
    assert 0 < len(here) < len(there)


def test_allowance_floors_hold(road: Road, ground: GroundGrid) -> None:
    floors = {"step_effect_db": 12.0, "within_bin_db": 0.7}
    settings = RadioSettings.model_validate({**SETTINGS.model_dump(), "allowances": floors})
    taken = {a.name: a.size for a in plan_radio(road, ground, settings).assumptions}
    assert taken["radio.step_effect"] >= 12.0
    assert taken["radio.within_bin"] >= 0.7


def test_middle_of_a_bin_that_falls_short_asks_for_more(road: Road, ground: GroundGrid) -> None:
    """With a deduction of nothing and a need far above what there is, the shortage is what is asked for."""
    paths = TerrainPaths(ground, SETTINGS)
    candidates, points, bins = candidates_of(road, ground, SETTINGS), points_of(road), bins_of(road, [])
    book = LossBook(paths, candidates, *middles(points, bins))
    budget = Budget(30.0, 0.0, -60.0, 13.0, {"within_bin_db": Deduction(0.0, "start")})
    asked = inside_bins(book, [0, 8], budget, np.full(len(bins), 1))
    losses = np.full((len(bins), 2), np.inf)
    for number, slot in enumerate((0, 8)):
        reception = book.reception(slot, budget)
        losses[reception.bin, number] = reception.loss_db
    shortage_db = losses.min(axis=1).max() - budget.largest_loss_db
    assert asked.size_db == pytest.approx(shortage_db, abs=0.011)
