"""Forged radio in tunnels: verification names what was taken away, moved or made better than it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forging import ask, caught, claim_in, edit_proof, row_of, sql
from osm_map import OsmMap, straight
from trassa.plan.project import create_project, open_project
from trassa.plan.run import run_plan
from trassa.plan.settings import parse_settings
from trassa.plan.verify import verify
from trassa.plan.verify.evidence import read_evidence
from trassa.plan.verify.radio.tunnels import check_tunnels
from trassa.plan.verify.statements import check_statements
from trassa.provenance import no_progress

ROAD = """
[road]
ref = "A 1"
osm = ["tunnel.osm"]
[radio]
new_mast_spacing_m = 1000.0
siting_step_m = 100.0
any_site_down = {down}
[radio.tunnel]
serve = "{serve}"
power_dbm = 33.0
"""


def planned(folder: Path, serve: str, *, down: bool) -> Path:
    """Six kilometres with a tunnel of 2.3 km under both carriageways, planned over a smooth Earth."""
    drawn = OsmMap()
    for north_m, order in ((0.0, 1), (30.0, -1)):
        nodes = drawn.row(straight(0.0, 6000.0, north_m))
        for first, last, tags in ((0, 15, {}), (15, 38, {"tunnel": "yes", "layer": "-1"}), (38, 60, {})):
            drawn.way(nodes[first : last + 1][::order], **tags)
    source = drawn.write(folder / "tunnel.osm")
    settings = parse_settings(ROAD.format(serve=serve, down=str(down).lower()))
    project = create_project(folder / "planned", settings, {"tunnel.osm": source})
    run_plan(project, lambda stage: no_progress)
    return project.root


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest plan with a radiating cable, any head-end of which may fail."""
    root = planned(tmp_path_factory.mktemp("tunnel"), "radiating-cable", down=True)
    verification = verify(root)
    assert verification.agrees, verification.text()
    assert row_of(verification, "radio.tunnels").holds == "estimate"
    assert len(ask(root, "SELECT head FROM tunnel_heads")) > 4
    return root


def test_the_masts_do_not_claim_the_tunnel_nor_the_tunnel_the_road(honest: Path) -> None:
    exempt = ask(honest, "SELECT SUM(end_m - start_m) FROM bins WHERE exempt = 'tunnel'")[0][0]
    inside, all_m = ask(honest, "SELECT SUM((end_m - start_m) * inside), SUM(end_m - start_m) FROM tunnel_bins")[0]
    assert inside == pytest.approx(exempt)
    assert inside == pytest.approx(2 * 2300.0, abs=2 * 20.0)
    assert all_m - inside == pytest.approx(4 * 50.0, abs=4 * 10.0)


def test_a_head_end_taken_away(forged: Path) -> None:
    sql(forged, "DELETE FROM tunnel_heads WHERE head = 'T-02'")
    verification = caught(forged, "radio.tunnels", "radio.tunnels.margins", "radio.tunnels.fewest")
    assert "would do" in row_of(verification, "radio.tunnels.fewest").detail
    assert row_of(verification, "radio.tunnels").holds == "no"


def test_a_head_end_taken_away_with_all_that_names_it(forged: Path) -> None:
    """Every stored margin of its bins is made to look as if its neighbour served; the levels do not."""
    sql(
        forged,
        "DELETE FROM tunnel_heads WHERE head = 'T-02'",
        "UPDATE tunnel_bins SET head = 'T-01' WHERE head = 'T-02'",
        "UPDATE tunnel_bins SET second = 'T-03' WHERE second = 'T-02'",
    )
    caught(forged, "radio.tunnels", "radio.tunnels.margins", "radio.tunnels.fewest")


def test_a_head_end_moved_by_200_m(forged: Path) -> None:
    sql(forged, "UPDATE tunnel_heads SET measure_m = measure_m + 200 WHERE head = 'T-02'")
    verification = caught(forged, "radio.tunnels.built", "radio.tunnels.margins")
    assert "T-02: longitude_deg" in row_of(verification, "radio.tunnels.built").detail


def test_a_cable_that_loses_less(forged: Path) -> None:
    """In the layer and in every figure of the proof: the table of trassa.toml has another."""
    sql(forged, "UPDATE tunnel_cables SET longitudinal_db_per_100m = 1.0")

    def better(body: dict[str, Any]) -> None:
        claim = claim_in(body, "radio.tunnels")
        claim["method"] |= {"longitudinal_db_per_100m": 1.0, "loss_db_per_100m": 1.03}
        for assumption in claim["assumptions"]:
            if assumption["name"] == "tunnel.longitudinal_loss":
                assumption["size"] = 1.0

    edit_proof(forged, better)
    verification = caught(forged, "radio.tunnels.built", "radio.tunnels")
    assert "longitudinal_db_per_100m 1.0" in row_of(verification, "radio.tunnels.built").detail
    assert "tunnel.longitudinal_loss" in row_of(verification, "radio.tunnels").detail


@pytest.mark.parametrize(
    ("statement", "by"),
    [
        ("UPDATE tunnel_bins SET margin_db = margin_db + 0.1", "radio.tunnels.margins"),
        ("UPDATE tunnel_bins SET rsrp_dbm = rsrp_dbm + 0.1", "radio.tunnels.margins"),
        ("UPDATE tunnel_bins SET second = 'T-09' WHERE second = 'T-01'", "radio.tunnels.margins"),
        ("DELETE FROM tunnel_bins WHERE inside = 0", "radio.tunnels.margins"),
        ("UPDATE tunnel_heads SET cost_minor = 1", "radio.tunnels.built"),
        ("UPDATE tunnel_heads SET power_per_re_dbm = power_per_re_dbm + 3", "radio.tunnels.built"),
        ("UPDATE tunnel_heads SET ways = 'both' WHERE ways = 'ahead'", "radio.tunnels.built"),
        ("UPDATE tunnel_cables SET length_m = length_m - 50", "radio.tunnels.built"),
        ("DELETE FROM tunnel_cables WHERE bore = 'B-02'", "radio.tunnels.built"),
    ],
)
def test_a_column_made_better(forged: Path, statement: str, by: str) -> None:
    sql(forged, statement)
    assert by in {row.claim for row in check_tunnels(read_evidence(forged)) if not row.agrees}


def _margin(claim: dict[str, Any]) -> None:
    claim["worst"]["margin"] += 1.0


def _place(claim: dict[str, Any]) -> None:
    claim["worst"]["place"] = "A 1 km 0+000–0+010 →"


def _scope(claim: dict[str, Any]) -> None:
    claim["scope"]["length_m"] += 100.0


def _promise(claim: dict[str, Any]) -> None:
    claim["promise"] = claim["promise"].replace("-110", "-120")


def _sigma(claim: dict[str, Any]) -> None:
    claim["assumptions"][0]["size"] = 1.0


@pytest.mark.parametrize("change", [_margin, _place, _scope, _promise, _sigma])
def test_a_claim_that_says_more(forged: Path, change: Callable[[dict[str, Any]], None]) -> None:
    edit_proof(forged, lambda body: change(claim_in(body, "radio.tunnels")))
    evidence = read_evidence(forged)
    rows = [check_statements(evidence)] if change is _promise else check_tunnels(evidence)
    assert not rows[-1].agrees


def test_the_claim_left_out(forged: Path) -> None:
    def silent(body: dict[str, Any]) -> None:
        body["claims"] = [claim for claim in body["claims"] if claim["id"] != "radio.tunnels"]

    edit_proof(forged, silent)
    assert "radio.tunnels" in row_of(caught(forged, "promises"), "promises").detail


def test_repeaters_and_one_too_many(tmp_path: Path) -> None:
    """An honest plan of repeaters agrees; a tighter need than its levels meet is a plan that does not hold."""
    root = planned(tmp_path, "repeater", down=False)
    verification = verify(root)
    assert verification.agrees, verification.text()
    heads = ask(root, "SELECT measure_m, latitude_deg, longitude_deg FROM tunnel_heads WHERE bore = 'B-01'")
    columns = (
        "head, bore, kind, measure_m, km, carriageway, latitude_deg, longitude_deg, ways, power_per_re_dbm, cost_minor"
    )
    again = columns.replace("head,", "'T-99',", 1)
    sql(root, f"INSERT INTO tunnel_heads ({columns}) SELECT {again} FROM tunnel_heads WHERE head = 'T-01'")
    assert len(heads) >= 1
    verification = caught(root, "radio.tunnels.fewest")
    assert f"{len(heads) + 1} head-ends, {len(heads)} would do" in row_of(verification, "radio.tunnels.fewest").detail
    assert open_project(root).settings.radio.tunnel.serve == "repeater"
