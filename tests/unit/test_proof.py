"""Proofs, and the claims of planned roads: verdicts, worst places, exemptions, and where a promise fails."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from synthetic_plan import synthetic_road
from trassa.errors import InputError
from trassa.linear import Calibration
from trassa.plan.claim import Claim, Evidence, Exemption, Holds, Scope, Worst, holds_of
from trassa.plan.claims.estimate import LABEL_LIMIT_M, estimate_reasons, hole_exemptions, verdict
from trassa.plan.claims.optical import optical_claims
from trassa.plan.claims.radio import radio_claims
from trassa.plan.project import open_project
from trassa.plan.proof import FORMAT, Proof, seal_of
from trassa.plan.stages import Planned, kept_stages
from trassa.provenance import Assumption

CLAIM = Claim(
    id="radio.served",
    promise="обслужено",
    scope=Scope("М-11", 10.0, (Exemption("tunnel", 5.0, ("М-11 км 1+000–1+005 →",)),)),
    method={"model": "m"},
    assumptions=(Assumption("sigma", 8.0, "dB", True, "assumed"),),
    worst=Worst("М-11 км 1+000", -109.0, -110.0, 1.0, "dBm"),
    holds="yes",
    evidence=(Evidence("bins", "00"),),
    failures=("here",),
)


def test_a_claim_survives_its_dictionary() -> None:
    assert Claim.from_dict(CLAIM.as_dict()) == CLAIM
    assert CLAIM.worst.margin_unit == "dB"


@pytest.mark.parametrize(
    ("verdicts", "all_of_them"),
    [
        ([], "yes"),
        (["yes", "yes"], "yes"),
        (["yes", "estimate"], "estimate"),
        (["estimate", "no", "yes"], "no"),
        (["no", "no"], "no"),
    ],
)
def test_the_worst_verdict_is_the_verdict(verdicts: list[Holds], all_of_them: Holds) -> None:
    assert holds_of(replace(CLAIM, holds=one) for one in verdicts) == all_of_them


def test_a_failing_promise_is_no_estimate() -> None:
    assert verdict(True, ["no terrain"]) == "no"
    assert verdict(False, ["no terrain"]) == "estimate"
    assert verdict(False, []) == "yes"
    assert set(get_args(Holds)) == {"yes", "no", "estimate"}


def test_what_makes_an_estimate(planned_hills: Path, planned_lane: Path) -> None:
    hills, lane = planned(planned_hills).road, planned(planned_lane).road
    assert estimate_reasons(hills) == []
    assert estimate_reasons(lane) == ["no terrain: smooth earth stands in for it"]
    assert estimate_reasons(replace(hills, axis="schematic"))[0].startswith("schematic axis")
    bare = Calibration.from_start(hills.length_m, 10.0, "Latn")
    assert estimate_reasons(replace(hills, calibration=bare)) == [
        "no two kilometre posts to calibrate between: labels run on at scale 1"
    ]


def test_labels_carried_too_far_make_an_estimate(planned_hills: Path) -> None:
    hills = planned(planned_hills).road
    first = hills.calibration.intervals[0]
    for beyond_m, reasons in ((LABEL_LIMIT_M - 100.0, 0), (LABEL_LIMIT_M + 100.0, 1)):
        carried = replace(first, end_m=first.start_m + beyond_m, kind="extrapolated")
        rest = [interval for interval in hills.calibration.intervals if interval.start_m >= carried.end_m]
        known = replace(rest[0], start_m=carried.end_m)
        road = replace(hills, calibration=Calibration((carried, known, *rest[1:]), "Latn"))
        assert len(estimate_reasons(road)) == reasons


def planned(folder: Path) -> Planned:
    return kept_stages(open_project(folder))


def radio(folder: Path, **columns: object) -> list[Claim]:
    """The radio claims of a planned project, some columns of its bins overwritten."""
    found, settings = planned(folder), open_project(folder).settings.radio
    result = found.results["radio"]
    bins = result.layers["bins"]
    changed = type(bins).from_columns(bins.schema, **{**bins.columns, **columns})
    return radio_claims(found.road, {**result.layers, "bins": changed}, result.figures, result.assumptions, settings)


def test_the_worst_bin_is_the_smallest_margin_of_those_that_count(planned_hills: Path) -> None:
    bins = planned(planned_hills).results["radio"].layers["bins"]
    margin, exempt = bins["margin_db"].copy(), bins["exempt"]
    counted = np.flatnonzero(exempt == "")
    served = radio(planned_hills)[0]
    assert served.worst.margin == pytest.approx(float(margin[counted].min()), abs=1e-3)
    assert served.holds == "yes"
    assert served.failures == ()
    margin[np.flatnonzero(exempt != "")] = -50.0
    assert radio(planned_hills, margin_db=margin)[0].worst == served.worst
    margin[counted[700]] = -0.25
    fails = radio(planned_hills, margin_db=margin)[0]
    assert (fails.holds, fails.worst.margin) == ("no", -0.25)
    assert len(fails.failures) == 1
    assert fails.failures[0].startswith(fails.worst.place)
    assert fails.worst.value == pytest.approx(fails.worst.bound - 0.25, abs=1e-3)


def test_no_site_in_reach_is_worse_than_any_margin(planned_hills: Path) -> None:
    bins = planned(planned_hills).results["radio"].layers["bins"]
    second = bins["second_margin_db"].copy()
    counted = np.flatnonzero(bins["exempt"] == "")
    second[counted[10]], second[counted[500]] = -30.0, np.nan
    claims = {claim.id: claim for claim in radio(planned_hills, second_margin_db=second)}
    down = claims["radio.served.any-site-down"]
    assert down.holds == "no"
    assert down.worst.margin is None
    assert down.worst.place.endswith("no second site in reach")
    assert len(down.failures) == 2
    assert claims["radio.served"].holds == "yes"


def test_exemptions_are_named_with_their_length(planned_hills: Path) -> None:
    served = radio(planned_hills)[0]
    bins = planned(planned_hills).results["radio"].layers["bins"]
    length = bins["end_m"] - bins["start_m"]
    (tunnel,) = served.scope.exempt
    assert tunnel.rule == "tunnel"
    assert len(tunnel.places) == 2
    assert tunnel.length_m == pytest.approx(float(length[bins["exempt"] != ""].sum()))
    assert served.scope.length_m + tunnel.length_m == pytest.approx(float(length.sum()))


def test_without_the_promise_there_is_no_claim_of_it(planned_hills: Path) -> None:
    found, settings = planned(planned_hills), open_project(planned_hills).settings.radio
    result = found.results["radio"]
    alone = settings.model_copy(update={"any_site_down": False})
    claims = radio_claims(found.road, result.layers, result.figures, result.assumptions, alone)
    assert [claim.id for claim in claims] == ["radio.served", "radio.least-cost"]


def optical(folder: Path, name: str, **columns: object) -> dict[str, Claim]:
    found, settings = planned(folder), open_project(folder).settings.optical
    result = found.results["optical"]
    layers = dict(result.layers)
    layer = layers[name]
    layers[name] = type(layer).from_columns(layer.schema, **{**layer.columns, **columns})
    claims = optical_claims(found.road, layers, result.figures, result.assumptions, settings)
    return {claim.id: claim for claim in claims}


def test_a_link_without_margin_fails_its_claim_alone(planned_hills: Path) -> None:
    links = planned(planned_hills).results["optical"].layers["links"]
    margin = links["margin_db"].copy()
    margin[3] = -0.5
    claims = optical(planned_hills, "links", margin_db=margin)
    assert claims["optical.links"].holds == "no"
    assert claims["optical.links"].worst.margin == -0.5
    assert str(links["link"][3]) in claims["optical.links"].worst.place
    assert claims["optical.spans"].holds == "yes"


def test_a_cut_that_strands_a_site_is_named(planned_hills: Path) -> None:
    cuts = planned(planned_hills).results["optical"].layers["cuts"]
    stranded = cuts["stranded"].copy()
    stranded[5] = 2
    claim = optical(planned_hills, "cuts", stranded=stranded)["optical.any-cut"]
    assert claim.holds == "no"
    assert (claim.worst.value, claim.worst.margin, claim.worst.unit) == (2.0, -2.0, "connections stranded")
    assert claim.failures == (f"{claim.worst.place}: a cut strands 2 connections",)


def test_holes_are_exempt_by_name() -> None:
    road = synthetic_road(20.0)
    holes = hole_exemptions(road)
    expected_m = sum(e.length_m for c in road.carriageways for e in road.structure_extents("hole", c))
    assert sum(exempt.length_m for exempt in holes) == pytest.approx(expected_m)


def test_a_proof_reads_back_and_its_seal_tells_accidents(tmp_path: Path) -> None:
    proof = Proof({"ref": "М-11"}, (CLAIM,), {"radio": {}}, ({"name": "a"},), "00", {"trassa": "0"})
    path = tmp_path / "proof.json"
    path.write_text(proof.to_json(), "utf-8")
    assert Proof.read(path) == proof
    path.write_text(proof.to_json().replace('"margin": 1.0', '"margin": 2.0'), "utf-8")
    with pytest.raises(InputError, match=r"the seal of .* does not fit its content"):
        Proof.read(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not JSON"),
        ("[]", "has format None"),
        ('{"format": "other"}', "has format 'other'"),
        ("{", "is not JSON"),
        ("sealed", "lacks a part of a proof"),
    ],
)
def test_what_is_no_proof_is_refused(tmp_path: Path, text: str, told: str) -> None:
    if text == "sealed":
        body = {"format": FORMAT, "claims": [{}]}
        text = json.dumps({**body, "seal": seal_of(body)})
    (tmp_path / "proof.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match=told):
        Proof.read(tmp_path / "proof.json")
    with pytest.raises(InputError, match="does not exist"):
        Proof.read(tmp_path / "none.json")
