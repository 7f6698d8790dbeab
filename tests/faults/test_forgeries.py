"""A forger who signs everything anew is caught all the same, by name; and so is a fault in the fast path."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trassa.radio.paths
from forging import accused_by, ask, caught, claim_in, edit_proof, row_of, sql
from trassa.errors import InputError, TrassaError
from trassa.plan.project import create_project, open_project
from trassa.plan.reseal import reseal
from trassa.plan.run import run_plan
from trassa.plan.settings import parse_settings
from trassa.plan.verify import verify
from trassa.plan.verify.alignment import check_road
from trassa.plan.verify.evidence import read_evidence
from trassa.provenance import no_progress
from trassa.road.ground import GroundGrid

FILES = ("osm_bbox.osm.gz", "N50E008.hgt.gz", "N50E009.hgt.gz")
SETTINGS = """
[road]
ref = "A 4"
osm = ["osm_bbox.osm.gz"]
[terrain]
files = ["N50E008.hgt.gz", "N50E009.hgt.gz"]
kind = "bare"
"""


def _planned(shared: Path, root: Path) -> Path:
    source = shared / "roads" / "badhersfeld_a4"
    project = create_project(root, parse_settings(SETTINGS), {name: source / name for name in FILES})
    run_plan(project, lambda stage: no_progress)
    return root


@pytest.fixture(scope="module")
def honest(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest plan of a real road, with terrain and woods."""
    return _planned(shared, tmp_path_factory.mktemp("honest") / "a4")


def test_an_honest_plan_agrees(honest: Path) -> None:
    verification = verify(honest)
    assert verification.agrees, verification.text()
    assert verification.holds == "yes"
    assert verification.exit_code == 0


def test_signing_an_honest_plan_anew_changes_nothing(forged: Path) -> None:
    reseal(forged)
    assert verify(forged).agrees


def test_hashes_alone_name_an_edited_layer(forged: Path) -> None:
    sql(forged, "UPDATE bins SET margin_db = margin_db + 1")
    assert {"layers", "radio.margins"} <= accused_by(verify(forged))


def test_a_broken_seal_is_no_proof(forged: Path) -> None:
    path = forged / "proof.json"
    path.write_text(path.read_text("utf-8").replace('"holds": "yes"', '"holds": "no"', 1), "utf-8")
    with pytest.raises(InputError, match="seal"):
        verify(forged)


def test_moving_a_site_by_200_m(forged: Path) -> None:
    move = "latitude_deg = latitude_deg + 0.0018"
    sql(forged, f"UPDATE sites SET {move} WHERE site = 'S-05'")
    verification = caught(forged, "radio.sites", "radio.margins")
    assert "S-05" in row_of(verification, "radio.sites").detail


def test_moving_a_site_and_its_candidate_by_200_m(forged: Path) -> None:
    move = "latitude_deg = latitude_deg + 0.0018"
    sql(
        forged,
        f"UPDATE candidates SET {move} WHERE candidate = (SELECT candidate FROM sites WHERE site = 'S-05')",
        f"UPDATE sites SET {move} WHERE site = 'S-05'",
    )
    caught(forged, "radio.margins", "radio.ground", "radio.places")


def test_editing_one_margin(forged: Path) -> None:
    sql(forged, "UPDATE bins SET second_margin_db = second_margin_db + 0.5 WHERE rowid = 700")
    verification = caught(forged, "radio.margins")
    start, carriageway = ask(forged, "SELECT start_m, carriageway FROM bins WHERE rowid = 700")[0]
    assert row_of(verification, "radio.margins").place
    assert row_of(verification, "radio.margins").detail.startswith("1 bins")
    assert start >= 0.0
    assert carriageway == "increasing"


def test_editing_the_worst_margin_of_a_claim(forged: Path) -> None:
    def better(body: dict[str, Any]) -> None:
        claim_in(body, "radio.served.any-site-down")["worst"]["margin"] += 2.0

    edit_proof(forged, better)
    caught(forged, "radio.served.any-site-down")


def test_editing_the_worst_place_of_a_claim(forged: Path) -> None:
    def elsewhere(body: dict[str, Any]) -> None:
        claim_in(body, "radio.served")["worst"]["place"] = "A 4 km 350+000–350+010 →"

    edit_proof(forged, elsewhere)
    caught(forged, "radio.served")


def test_swapping_the_elevation_model(forged: Path) -> None:
    shutil.copyfile(forged / "inputs" / "N50E008.hgt.gz", forged / "inputs" / "N50E009.hgt.gz")
    caught(forged, "road.heights", "radio.ground", "radio.margins")


def test_raising_the_road(forged: Path) -> None:
    sql(forged, "UPDATE alignment SET height_m = height_m + 5")
    caught(forged, "road.heights", "radio.margins")


def test_deleting_one_site(forged: Path) -> None:
    """The service still holds, with any site down it does not, and both the site and the kilometre are named."""
    sql(forged, "DELETE FROM sites WHERE site = 'S-07'")
    verification = caught(forged, "radio.sites", "radio.margins", "radio.served.any-site-down")
    assert row_of(verification, "radio.served").holds == "yes"
    down = row_of(verification, "radio.served.any-site-down")
    assert down.holds == "no"
    assert down.place.startswith("A 4 km 35")
    assert "S-07" in row_of(verification, "radio.margins").detail
    assert "km 35" in row_of(verification, "radio.sites").detail


def test_deleting_one_site_with_all_traces(forged: Path) -> None:
    """Even when candidates, bins and costs are tidied up, the promise with any site down is gone."""
    cost = ask(forged, "SELECT cost_minor FROM sites WHERE site = 'S-07'")[0][0]
    sql(
        forged,
        "UPDATE candidates SET chosen = 0 WHERE candidate = (SELECT candidate FROM sites WHERE site = 'S-07')",
        "DELETE FROM sites WHERE site = 'S-07'",
        "DELETE FROM links WHERE site = 'S-07'",
        "UPDATE bins SET server = second, margin_db = second_margin_db WHERE server = 'S-07'",
    )

    def cheaper(body: dict[str, Any]) -> None:
        claim_in(body, "radio.least-cost")["method"]["cost_minor"] -= cost

    edit_proof(forged, cheaper)
    down = row_of(caught(forged, "radio.served.any-site-down"), "radio.served.any-site-down")
    assert down.holds == "no"
    assert "down" in down.detail
    assert "km 35" in down.detail


def test_deleting_two_neighbouring_sites(forged: Path) -> None:
    """Two servers of one bin gone: the service itself fails there."""
    both = "SELECT server, second FROM bins WHERE second_margin_db >= 0"
    twice = {frozenset(pair) for pair in ask(forged, both)}
    pair = min(twice, key=lambda names: sorted(names))
    third = [names for names in twice if names == pair]
    assert third
    names = "', '".join(sorted(pair))
    sql(forged, f"DELETE FROM sites WHERE site IN ('{names}')")
    verification = caught(forged, "radio.served", "radio.served.any-site-down")
    assert row_of(verification, "radio.served").holds == "no"
    assert "unserved" in row_of(verification, "radio.served").detail


def test_lowering_a_cost(forged: Path) -> None:
    sql(forged, "UPDATE sites SET cost_minor = cost_minor - 1 WHERE site = 'S-03'")
    verification = caught(forged, "radio.cost")
    assert "counted again" in row_of(verification, "radio.cost").detail


def test_lowering_all_costs_alike(forged: Path) -> None:
    sql(
        forged,
        "UPDATE sites SET cost_minor = cost_minor - 100 WHERE site = 'S-03'",
        "UPDATE candidates SET cost_minor = cost_minor - 100 WHERE chosen",
    )

    def cheaper(body: dict[str, Any]) -> None:
        claim_in(body, "radio.least-cost")["method"]["cost_minor"] -= 100

    edit_proof(forged, cheaper)
    assert "by the prices" in row_of(caught(forged, "radio.cost"), "radio.cost").detail


def test_editing_the_alignment(forged: Path) -> None:
    sql(forged, "UPDATE alignment SET latitude_deg = latitude_deg + 0.0002 WHERE measure_m BETWEEN 4000 AND 4500")
    verification = caught(forged, "road.geometry")
    assert "off the map" in row_of(verification, "road.geometry").detail


def test_cutting_the_road_short(forged: Path) -> None:
    """Bins are dropped where the service is worst, together with the road under them."""
    sql(
        forged,
        "DELETE FROM alignment WHERE measure_m > 10000",
        "DELETE FROM bins WHERE end_m > 10000",
    )
    caught(forged, "road.length")


def test_dropping_bins(forged: Path) -> None:
    sql(forged, "DELETE FROM bins WHERE start_m BETWEEN 2000 AND 2100 AND carriageway = 'increasing'")
    row = row_of(caught(forged, "radio.bins"), "radio.bins")
    assert "are missing" in row.detail
    assert row.place


def test_calling_bins_a_tunnel(forged: Path) -> None:
    sql(
        forged,
        "UPDATE bins SET exempt = 'tunnel' WHERE start_m BETWEEN 2000 AND 2100",
    )
    caught(forged, "radio.bins")


def test_digging_a_tunnel_that_the_map_does_not_know(forged: Path) -> None:
    start, end = 2000.0, 2100.0
    sql(
        forged,
        f"UPDATE structures SET kind = 'tunnel', start_m = {start}, end_m = {end} WHERE rowid = 1",
        f"UPDATE bins SET exempt = 'tunnel' WHERE start_m < {end} AND end_m > {start} AND carriageway = "
        "(SELECT carriageway FROM structures WHERE rowid = 1)",
    )
    caught(forged, "road.exempt")


@pytest.mark.parametrize("change", ["dual = dual * 0.8", "dual = dual * 1.2", "need = need + 1"])
def test_editing_duals(forged: Path, change: str) -> None:
    sql(forged, f"UPDATE siting_rows SET {change}")

    def raised(body: dict[str, Any]) -> None:
        method = claim_in(body, "radio.least-cost")["method"]
        method["bound_minor"] = method["lp_bound_minor"] = method["cost_minor"]
        method["gap"] = 0.0

    edit_proof(forged, raised)
    reseal(forged)
    row = row_of(verify(forged), "radio.least-cost")
    assert not row.agrees or change == "need = need + 1", row.detail
    assert "gap proved here" in row.detail


def test_taking_less_from_the_margin(forged: Path) -> None:
    def less(body: dict[str, Any]) -> None:
        for claim in body["claims"]:
            for assumption in claim["assumptions"]:
                if assumption["name"] == "radio.shadowing_sigma":
                    assumption["size"] -= 1.0

    edit_proof(forged, less)
    caught(forged, "radio.deductions")


def test_taking_less_from_every_margin_alike(forged: Path) -> None:
    """One deduction lowered in the claims and all margins raised by as much: the plan's own links give it away."""
    taken = 6.0
    sql(forged, f"UPDATE bins SET margin_db = margin_db + {taken}, second_margin_db = second_margin_db + {taken}")

    def less(body: dict[str, Any]) -> None:
        for claim in body["claims"]:
            for assumption in claim["assumptions"]:
                if assumption["name"] == "radio.step_effect":
                    assumption["size"] -= taken
            if claim["id"].startswith("radio.served"):
                claim["worst"]["margin"] += taken

    edit_proof(forged, less)
    verification = caught(forged, "radio.allowances")
    assert "step_effect" in row_of(verification, "radio.allowances").detail
    assert row_of(verification, "radio.margins").agrees


@pytest.mark.parametrize("name", ["radio.diversity_gain", "radio.fast_path"])
def test_a_deduction_that_adds(forged: Path, name: str) -> None:
    """A negative deduction lifts the margins computed again as well: only its sign and its name give it away."""
    gain_db = 3.0
    sql(forged, f"UPDATE bins SET margin_db = margin_db + {gain_db}, second_margin_db = second_margin_db + {gain_db}")

    def more(body: dict[str, Any]) -> None:
        for claim in body["claims"]:
            if claim["id"].startswith("radio.served"):
                found = [a for a in claim["assumptions"] if a["name"] == name]
                if found:
                    found[0]["size"] -= gain_db
                else:
                    listed = {"unit": "dB", "taken_from_margin": True, "source": "two antennas"}
                    claim["assumptions"].append({"name": name, "size": -gain_db, **listed})
                claim["worst"]["margin"] += gain_db

    edit_proof(forged, more)
    verification = caught(forged, "radio.deductions")
    assert name.removeprefix("radio.") in row_of(verification, "radio.deductions").detail
    assert row_of(verification, "radio.margins").agrees


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("promise", "RSRP ≥ -90 dBm at 800 MHz on every 10 m of each carriageway, with probability 0.95 per bin"),
        ("shadowing_sigma_db", 6.0),
        ("reliability", 0.999),
        ("time_percent", 10.0),
    ],
)
def test_words_that_the_plan_does_not_bear_out(forged: Path, field: str, value: str | float) -> None:
    def boast(body: dict[str, Any]) -> None:
        claim = claim_in(body, "radio.served")
        (claim if field == "promise" else claim["method"])[field] = value

    edit_proof(forged, boast)
    assert str(value) in row_of(caught(forged, "statements"), "statements").detail


def test_leaving_cheap_candidates_out(forged: Path) -> None:
    sql(forged, "DELETE FROM candidates WHERE NOT chosen AND kind = 'new' AND candidate % 3 = 0")
    assert "is offered" in row_of(caught(forged, "radio.candidates"), "radio.candidates").detail


def test_inventing_a_mast(forged: Path) -> None:
    sql(forged, "UPDATE masts SET latitude_deg = latitude_deg + 0.01 WHERE usable")
    caught(forged, "road.masts", "radio.candidates")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM masts WHERE usable",
        "UPDATE masts SET usable = 0 WHERE usable",
        "UPDATE masts SET height_m = 90.0 WHERE usable",
        "UPDATE masts SET kind = 'broadcast' WHERE usable AND kind <> 'broadcast'",
        "UPDATE masts SET offset_m = offset_m + 500.0 WHERE usable",
    ],
)
def test_a_mast_otherwise_than_the_map_has_it(forged: Path, statement: str) -> None:
    """No candidate stands on it any more, so that nothing else gives it away."""
    unused = "kind = 'existing' AND NOT chosen"
    if ask(forged, f"SELECT 1 FROM candidates WHERE {unused}"):
        sql(forged, f"DELETE FROM candidates WHERE {unused}")
    sql(forged, statement)
    rows = check_road(read_evidence(forged))
    assert {row.claim for row in rows if not row.agrees} == {"road.masts"}


def test_moving_a_post(forged: Path) -> None:
    sql(forged, "UPDATE posts SET label_km = label_km + 0.3 WHERE accepted AND label_km > 354")
    caught(forged, "road.labels", "road.posts")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alignment SET measure_m = NULL WHERE rowid = 9",
        "UPDATE alignment SET present = 0",
        "UPDATE bins SET carriageway = 'sideways'",
        "DELETE FROM candidates",
        "DELETE FROM sites",
        "DELETE FROM huts",
        "DELETE FROM cables",
        "UPDATE links SET optics = 'wishful thinking'",
        "UPDATE siting_rows SET dual = -dual",
        "UPDATE label_intervals SET start_km = NULL",
    ],
)
def test_nonsense_is_a_verdict_and_not_a_crash(forged: Path, statement: str) -> None:
    sql(forged, statement)
    reseal(forged)
    with contextlib.suppress(TrassaError):
        assert not verify(forged).agrees


def test_adding_a_site_that_nobody_needs(forged: Path) -> None:
    columns = [row[1] for row in ask(forged, "PRAGMA table_info(sites)") if row[1] not in ("fid", "site", "candidate")]
    shared_columns = {row[1] for row in ask(forged, "PRAGMA table_info(candidates)")}
    picked = [name if name in shared_columns else "0" for name in columns]
    taken = "SELECT place FROM candidates WHERE chosen"
    spare = f"(SELECT MIN(candidate) FROM candidates WHERE NOT chosen AND place NOT IN ({taken}))"
    sql(
        forged,
        f"INSERT INTO sites (site, candidate, {', '.join(columns)}) SELECT 'S-99', candidate, {', '.join(picked)} "
        f"FROM candidates WHERE candidate = {spare}",
    )
    assert "S-99" in row_of(caught(forged, "radio.sites-necessary"), "radio.sites-necessary").detail


def test_dropping_a_claim(forged: Path) -> None:
    def silent(body: dict[str, Any]) -> None:
        body["claims"] = [claim for claim in body["claims"] if claim["id"] != "radio.served.any-site-down"]

    edit_proof(forged, silent)
    assert "any-site-down" in row_of(caught(forged, "promises"), "promises").detail


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE links SET margin_db = margin_db + 1 WHERE rowid = 3", "optical.links"),
        ("UPDATE spans SET loss_db = loss_db - 1", "optical.spans"),
        ("UPDATE cables SET sheath_m = route_m", "optical.lengths"),
        ("UPDATE cuts SET start_m = start_m + 40 WHERE rowid = 5", "optical.cuts"),
        ("UPDATE huts SET measure_m = measure_m + 900 WHERE rowid = 1", "optical.huts"),
    ],
)
def test_forging_the_line(forged: Path, statement: str, row: str) -> None:
    sql(forged, statement)
    caught(forged, row)


def _swapped(ground: GroundGrid, arguments: list[Any]) -> GroundGrid:
    """Latitude and longitude of all places changed about a place in the middle of the road."""
    middle = (50.866, 9.72)
    for first, second in ((0, 1), (4, 5)):
        north, east = arguments[first] - middle[0], arguments[second] - middle[1]
        arguments[first], arguments[second] = middle[0] + east, middle[1] + north
    return ground


FAULTS: dict[str, Callable[[GroundGrid, list[Any]], GroundGrid]] = {
    "swapped coordinates": _swapped,
    "half-pixel shift": lambda ground, _: replace(
        ground,
        north_deg=ground.north_deg - ground.step_lat_deg / 2.0,
        west_deg=ground.west_deg + ground.step_lon_deg / 2.0,
    ),
    "clutter dropped": lambda ground, _: replace(ground, clutter_m=np.zeros_like(ground.clutter_m)),
    "flat Earth": lambda ground, _: ground,
}


@pytest.fixture(params=list(FAULTS))
def faulty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The planner's fast path with one fault planted in it."""
    fault, links = FAULTS[request.param], trassa.radio.paths.terrain_links

    def broken(ground: GroundGrid, *places: Any, **rest: Any) -> Any:
        arguments = list(places)
        if request.param == "flat Earth":
            rest["dn_per_km"] = 156.0
        return links(fault(ground, arguments), *arguments, **rest)

    monkeypatch.setattr(trassa.radio.paths, "terrain_links", broken)
    return str(request.param)


def test_a_fault_in_the_fast_path_is_found(faulty: str, shared: Path, tmp_path: Path) -> None:
    root = _planned(shared, tmp_path / "a4")
    verification = verify(root)
    accused = accused_by(verification)
    # places so far off leave the planner no link at all: it says so, and by how much its fast path is off
    telling = "radio.deductions" if faulty == "swapped coordinates" else "radio.margins"
    assert telling in accused, f"{faulty}: {verification.text()}"
    assert not accused & {"inputs", "settings", "layers", "road.geometry"}
    assert open_project(root).settings.road.ref == "A 4"
