"""Loads of cells: what a plan stores and claims is counted again, and forged loads, traffic and faults are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trassa.radio.cell_load
from forging import accused_by, ask, caught, claim_in, edit_proof, row_of, sql
from trassa.plan.proof import Proof
from trassa.plan.radio.explain import explain_place
from trassa.plan.verify import verify
from trassa.radio.cell_load import Served
from valley import planned_valley

SECTORS = """
profile = "cam-basic"
eirp_per_re_dbm = 8.0
vehicles_per_km = 24.0
[radio.antenna]
kind = "sector"
"""
CELL = "S-02/1"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest plan whose cells carry their vehicles, also with any one site down."""
    root = planned_valley(tmp_path_factory.mktemp("busy") / "valley", SECTORS)
    verification = verify(root)
    assert verification.agrees, verification.text()
    assert row_of(verification, "radio.capacity").holds == "yes"
    return root


def test_the_claim_names_the_fullest_cell(honest: Path) -> None:
    claim = next(claim for claim in Proof.read(honest / "proof.json").claims if claim.id == "radio.capacity")
    ((cell, down, load),) = ask(honest, "SELECT sends, worst_down, MAX(down_load) FROM cells")
    assert f"cell {cell}" in claim.worst.place
    assert not down or claim.worst.place.endswith(f"with {down} down")
    assert claim.worst.value == pytest.approx(load, abs=1e-6)
    assert claim.worst.margin == pytest.approx(0.3 - load, abs=1e-6)
    assert "24 vehicles on each kilometre" in claim.promise


def test_explain_tells_the_load_of_the_cell_that_serves(honest: Path) -> None:
    said = explain_place(honest, "V 1 km 3+000 →")
    assert said.traffic is not None
    ((load, down_load),) = ask(honest, f"SELECT load, down_load FROM cells WHERE cell = '{said.cells[0].cell}'")
    assert (said.traffic.load, said.traffic.down_load) == (load, down_load)
    assert f"cell {said.cells[0].cell} carries {load:.1%}" in said.text()
    assert said.as_dict()["traffic"]["load"] == pytest.approx(load, abs=1e-4)
    assert not said.failures


@pytest.mark.parametrize("column", ["load", "down_load"])
def test_editing_a_load(forged: Path, column: str) -> None:
    sql(forged, f"UPDATE cells SET {column} = 0.9 * {column} WHERE cell = '{CELL}'")
    assert CELL in row_of(caught(forged, "radio.capacity"), "radio.capacity").detail


def test_hiding_which_site_loads_a_cell_most(forged: Path) -> None:
    cell = ask(forged, "SELECT cell FROM cells WHERE down_load > 1.2 * load AND worst_down != ''")[0][0]
    sql(forged, f"UPDATE cells SET worst_down = '' WHERE cell = '{cell}'")
    assert f"{cell} is not loaded most" in row_of(caught(forged, "radio.capacity"), "radio.capacity").detail


def test_editing_the_worst_load_of_the_claim(forged: Path) -> None:
    def better(body: dict[str, Any]) -> None:
        worst = claim_in(body, "radio.capacity")["worst"]
        worst["value"] -= 0.05
        worst["margin"] += 0.05

    edit_proof(forged, better)
    caught(forged, "radio.capacity")


def test_promising_half_the_vehicles_in_toml_and_in_words(forged: Path) -> None:
    path = forged / "trassa.toml"
    path.write_text(path.read_text("utf-8").replace("vehicles_per_km = 24.0", "vehicles_per_km = 12.0"), "utf-8")

    def reworded(body: dict[str, Any]) -> None:
        claim = claim_in(body, "radio.capacity")
        claim["promise"] = claim["promise"].replace("24 vehicles", "12 vehicles")
        claim["method"]["vehicles_per_km"] = 12.0

    edit_proof(forged, reworded)
    assert row_of(caught(forged, "radio.capacity"), "statements").agrees


def test_leaving_the_claim_out(forged: Path) -> None:
    def silent(body: dict[str, Any]) -> None:
        body["claims"] = [claim for claim in body["claims"] if claim["id"] != "radio.capacity"]

    edit_proof(forged, silent)
    assert "radio.capacity" in row_of(caught(forged, "promises"), "promises").detail


def _half_the_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one edge of every bin asks for anything."""
    whole = trassa.radio.cell_load._demand_mbps
    monkeypatch.setattr(trassa.radio.cell_load, "_demand_mbps", lambda *where: 0.5 * whole(*where))


def _nobody_disturbs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates are those against noise alone."""
    honest = trassa.radio.cell_load.served_by_strongest

    def alone(signals: Any, together: Any, load_ratio: float, noise_dbm: float, *, any_site_down: bool) -> Served:
        return honest(signals, together, 0.0 * load_ratio, noise_dbm, any_site_down=any_site_down)

    monkeypatch.setattr(trassa.radio.cell_load, "served_by_strongest", alone)


@pytest.mark.parametrize("plant", [_half_the_demand, _nobody_disturbs])
def test_a_fault_in_the_load_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant(monkeypatch)
    verification = verify(planned_valley(tmp_path / "valley", SECTORS))
    assert "radio.capacity" in accused_by(verification), verification.text()
    assert not accused_by(verification) & {"inputs", "settings", "layers", "road.geometry", "radio.margins"}
