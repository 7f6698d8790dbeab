"""Forged antennas, needs and overlaps, and faults planted in P.1812's fast path: verification names every one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Geod

import trassa.plan.radio.stage
import trassa.radio.paths
from forging import accused_by, ask, caught, claim_in, edit_proof, row_of, sql
from trassa.plan.verify import verify
from trassa.radio.antenna import SectorPattern
from trassa.radio.links import Links
from valley import planned_valley

SECTORS = """
profile = "cam-basic"
eirp_per_re_dbm = 8.0
[radio.antenna]
kind = "sector"
sectors = ["both", "ahead", "back"]
tilts_deg = [2.0, 6.0]
back_offs_db = [0.0, 6.0]
[radio.handover]
overlap = true
"""
CHOSEN = "candidate = (SELECT candidate FROM sites WHERE site = 'S-02')"
RADIO_METHODS = ("radio.served", "radio.served.any-site-down", "radio.handover.overlap")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest plan with sectors, tilts and powers to choose from, and an overlap for handovers."""
    root = planned_valley(tmp_path_factory.mktemp("sectors") / "valley", SECTORS)
    verification = verify(root)
    assert verification.agrees, verification.text()
    return root


def test_turning_a_sector_by_20_degrees(forged: Path) -> None:
    """In candidates, sites and cells alike: the road that it should look at gives it away, and so do the levels."""
    turn = "ahead_deg = ahead_deg + 20, back_deg = back_deg + 20"
    place = f"place = (SELECT place FROM candidates WHERE {CHOSEN})"
    sql(
        forged,
        f"UPDATE candidates SET {turn} WHERE {place}",
        f"UPDATE sites SET {turn} WHERE site = 'S-02'",
        "UPDATE cells SET azimuth_deg = azimuth_deg + 20 WHERE site = 'S-02'",
    )
    verification = caught(forged, "radio.options", "radio.margins")
    assert "looks to" in row_of(verification, "radio.options").detail
    assert row_of(verification, "radio.cells").agrees


def test_turning_the_site_alone(forged: Path) -> None:
    sql(forged, "UPDATE sites SET ahead_deg = ahead_deg + 20, back_deg = back_deg + 20 WHERE site = 'S-02'")
    assert "ahead_deg" in row_of(caught(forged, "radio.sites", "radio.cells"), "radio.sites").detail


@pytest.mark.parametrize(
    ("column", "other"), [("tilt_deg", "8.0 - tilt_deg"), ("back_off_db", "6.0 - back_off_db")], ids=["tilt", "power"]
)
def test_another_option_of_the_same_mast(forged: Path, column: str, other: str) -> None:
    """Every table names the other option, so that nothing differs but the levels."""
    same = " AND ".join(f"c.{name} = s.{name}" for name in ("place", "height_m", "sectors", "tilt_deg", "back_off_db"))
    same = same.replace(f"c.{column} = s.{column}", f"c.{column} = {other.replace(column, f's.{column}')}")
    twin = f"(SELECT c.candidate FROM candidates c, candidates s WHERE s.{CHOSEN} AND {same})"
    (number,), *more = ask(forged, f"SELECT {twin}")
    assert number is not None
    assert not more
    sql(
        forged,
        f"UPDATE candidates SET chosen = 0 WHERE {CHOSEN}",
        f"UPDATE candidates SET chosen = 1 WHERE candidate = {number}",
        f"UPDATE sites SET candidate = {number}, {column} = {other} WHERE site = 'S-02'",
        f"UPDATE cells SET {column} = {other} WHERE site = 'S-02'"
        if column == "tilt_deg"
        else "UPDATE cells SET eirp_per_re_dbm = 8.0 - (SELECT back_off_db FROM sites WHERE site = 'S-02') "
        "WHERE site = 'S-02'",
    )
    verification = caught(forged, "radio.margins")
    for name in ("radio.sites", "radio.options", "radio.cells"):
        assert row_of(verification, name).agrees, row_of(verification, name).detail


@pytest.mark.parametrize("change", ["tilt_deg = tilt_deg + 1", "back_off_db = back_off_db + 3"])
def test_an_option_that_is_not_on_offer(forged: Path, change: str) -> None:
    sql(forged, f"UPDATE candidates SET {change} WHERE {CHOSEN}", f"UPDATE sites SET {change} WHERE site = 'S-02'")
    caught(forged, "radio.options", "radio.cells")


def test_leaving_one_option_out(forged: Path) -> None:
    sql(forged, "DELETE FROM candidates WHERE candidate = (SELECT MAX(candidate) FROM candidates WHERE NOT chosen)")
    assert "options at" in row_of(caught(forged, "radio.options"), "radio.options").detail


def test_a_stronger_cell(forged: Path) -> None:
    sql(forged, "UPDATE cells SET eirp_per_re_dbm = eirp_per_re_dbm + 3 WHERE site = 'S-02'")
    caught(forged, "radio.cells")


def _set_in_toml(root: Path, key: str, value: float) -> None:
    path = root / "trassa.toml"
    text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", path.read_text("utf-8"))
    assert count == 1, key
    path.write_text(text, "utf-8")


@pytest.mark.parametrize(("key", "value"), [("need_rsrp_dbm", -121.0), ("rate_up_mbps", 0.01)])
def test_lowering_the_need_of_the_profile(forged: Path, key: str, value: float) -> None:
    """trassa.toml asks for less than the profile it names: the plan's own sentences are of another need."""
    _set_in_toml(forged, key, value)
    assert "trassa.toml" in row_of(caught(forged, "statements"), "statements").detail


def test_lowering_the_need_in_words_too(forged: Path) -> None:
    """The promise is worded as the lowered need has it; the margins still speak of the need that was planned for."""
    _set_in_toml(forged, "rate_up_mbps", 0.01)
    _set_in_toml(forged, "need_rsrp_dbm", -121.0)

    def reworded(body: dict[str, Any]) -> None:
        for claim in body["claims"]:
            told = claim["promise"].replace("RSRP ≥ -118 dBm", "RSRP ≥ -121 dBm")
            claim["promise"] = told.replace("0.05 Mbit/s up", "0.01 Mbit/s up")

    edit_proof(forged, reworded)
    assert row_of(caught(forged, "radio.margins", "radio.served"), "statements").agrees


@pytest.mark.parametrize("claim_id", RADIO_METHODS)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("polarisation", "horizontal"),
        ("model", "free space"),
        ("surface_refractivity_n_units", 340.0),
        ("antennas", "omni"),
        ("paths_below_250_m", "the same"),
        ("radio_climatic_zone", "sea"),
    ],
)
def test_naming_another_method(forged: Path, claim_id: str, field: str, value: str | float) -> None:
    def boast(body: dict[str, Any]) -> None:
        assert claim_in(body, claim_id)["method"][field] != value
        claim_in(body, claim_id)["method"][field] = value

    edit_proof(forged, boast)
    told = row_of(caught(forged, "statements"), "statements").detail
    assert field in told
    assert str(value) in told


def test_editing_an_overlap(forged: Path) -> None:
    sql(forged, "UPDATE bins SET second_overlap_margin_db = second_overlap_margin_db + 0.5 WHERE rowid = 100")
    row = row_of(caught(forged, "radio.handover.overlap"), "radio.handover.overlap")
    assert row.detail.startswith("1 windows differ")


def test_editing_the_worst_overlap_of_the_claim(forged: Path) -> None:
    def better(body: dict[str, Any]) -> None:
        claim_in(body, "radio.handover.overlap")["worst"]["margin"] += 1.0

    edit_proof(forged, better)
    caught(forged, "radio.handover.overlap")


def test_editing_the_length_that_an_overlap_speaks_of(forged: Path) -> None:
    def longer(body: dict[str, Any]) -> None:
        claim_in(body, "radio.handover.overlap")["scope"]["length_m"] += 500.0

    edit_proof(forged, longer)
    caught(forged, "radio.handover.overlap")


def _near_mast_rule_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearer than 250 m the fast path knows no slope: it stays about at the loss of 250 m."""
    fast, geod = trassa.radio.paths.terrain_links, Geod(ellps="WGS84")

    def broken(ground: Any, lat: Any, lon: Any, base: Any, heights: Any, *road: Any, **rest: Any) -> Links:
        links: Links = fast(ground, lat, lon, base, heights, *road, **rest)
        place, loss_db = np.repeat(np.arange(len(lat)), np.diff(links.place_start)), links.loss_db.copy()
        away_m = np.asarray(geod.inv(lon[place], lat[place], road[1][links.receiver], road[0][links.receiver])[2])
        near = away_m < 250.0
        loss_db[near] += 20.0 * np.log10(250.0 / np.maximum(away_m[near], 1.0))[:, None]
        return Links(links.place_start, links.receiver, loss_db)

    monkeypatch.setattr(trassa.radio.paths, "terrain_links", broken)


def _back_lobe_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planner's pattern falls on and on behind the sector."""

    def endless(gain_dbi: float, width_deg: float, height_deg: float, _: float, side_db: float) -> SectorPattern:
        return SectorPattern(gain_dbi, width_deg, height_deg, 300.0, side_db)

    monkeypatch.setattr(trassa.plan.radio.stage, "SectorPattern", endless)


@pytest.mark.parametrize("plant", [_near_mast_rule_dropped, _back_lobe_forgotten])
def test_a_fault_at_the_mast_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant(monkeypatch)
    verification = verify(planned_valley(tmp_path / "valley", SECTORS))
    accused = accused_by(verification)
    assert "radio.margins" in accused, verification.text()
    assert not accused & {"inputs", "settings", "layers", "road.geometry"}
