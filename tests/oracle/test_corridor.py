"""A real motorway as a 5G corridor: both bands hold with any one site down and beside the load, and verify agrees."""

from __future__ import annotations

from pathlib import Path

import pytest

from trassa.plan.project import create_project
from trassa.plan.proof import Proof
from trassa.plan.run import run_plan
from trassa.plan.settings import parse_settings
from trassa.plan.verify import verify
from trassa.provenance import no_progress

FILES = ("osm_bbox.osm.gz", "N50E009.hgt.gz", "N50E008.hgt.gz")
SETTINGS = """
[road]
ref = "A 4"
osm = ["osm_bbox.osm.gz"]
[terrain]
files = ["N50E009.hgt.gz", "N50E008.hgt.gz"]
kind = "bare"
[radio]
profile = "eu-5g-corridor"
band = "{band}"
new_mast_heights_m = [25.0, 35.0, 50.0]
new_mast_spacing_m = 100.0
new_mast_offset_m = {offset_m}
"""
CLAIMS = (
    "radio.served",
    "radio.served.any-site-down",
    "radio.handover.overlap",
    "radio.rate.with-interference",
    "radio.least-cost",
)


@pytest.mark.parametrize(
    ("band", "offset_m", "sites", "cost_eur"), [("n28", 15.0, 8, 1_687_600), ("n78", 8.0, 28, 6_010_000)]
)
def test_the_corridor_holds_and_is_verified(
    band: str, offset_m: float, sites: int, cost_eur: int, shared: Path, tmp_path: Path
) -> None:
    source = shared / "roads" / "badhersfeld_a4"
    settings = parse_settings(SETTINGS.format(band=band, offset_m=offset_m))
    project = create_project(tmp_path / "a4", settings, {name: source / name for name in FILES})
    run_plan(project, lambda stage: no_progress)
    claims = {claim.id: claim for claim in Proof.read(project.root / "proof.json").claims}
    assert {name: claims[name].holds for name in CLAIMS} == dict.fromkeys(CLAIMS, "yes")
    assert claims["radio.least-cost"].method["gap"] == 0.0
    assert claims["radio.least-cost"].method["cost_minor"] == 100 * cost_eur
    verification = verify(project.root)
    assert verification.agrees, verification.text()
    necessary = next(row for row in verification.rows if row.claim == "radio.sites-necessary")
    assert f"each of {sites} sites is needed" in necessary.detail
