"""trassa run: what it reports, what it skips, what makes it plan again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from command_line import contents, modified, set_in, trassa
from trassa.money import Cost
from trassa.plan.claim import Claim, Scope, Worst
from trassa.plan.project import open_project
from trassa.plan.proof import Proof
from trassa.plan.run import RunResult

STAGES = ["road", "radio", "optical", "proof", "report"]


@pytest.fixture
def lane(planned_lane: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(planned_lane, tmp_path / "lane"))


def settled(folder: Path) -> dict[str, str]:
    """The files of a plan that are the same bytes for the same plan: a GeoPackage holds the time of its writing."""
    return {name: sha for name, sha in contents(folder).items() if name not in ("plan.gpkg", "stages/outputs.json")}


def ran(folder: Path, *words: object) -> list[str]:
    """The stages that a run of the folder had to run."""
    done = trassa("run", folder, "--json", *words)
    assert done.code == 0, done.err
    return [stage["stage"] for stage in done.json["stages"] if stage["ran"]]


def test_the_answer_has_all_its_parts(planned_hills: Path) -> None:
    done = trassa("run", planned_hills, "--json")
    assert (done.code, done.err) == (0, "")
    answer = done.json
    assert {"road", "length_km", "stages", "claims", "holds", "cost", "outputs"} <= set(answer)
    assert answer["road"] == "H 1"
    assert answer["length_km"] == pytest.approx(40.0, abs=0.05)
    assert [stage["stage"] for stage in answer["stages"]] == STAGES
    assert answer["holds"] == "yes"
    claim_fields = {"id", "promise", "scope", "method", "assumptions", "worst", "holds", "evidence"}
    assert all(claim_fields <= set(claim) for claim in answer["claims"])
    cost = answer["cost"]
    assert set(cost) == {"amount_minor", "currency", "low_minor", "high_minor"}
    assert 0 < cost["low_minor"] < cost["amount_minor"] < cost["high_minor"]
    assert all(isinstance(cost[name], int) for name in ("amount_minor", "low_minor", "high_minor"))
    assert sorted(answer["outputs"]) == ["bom", "geopackage", "line", "proof", "report"]
    assert all(Path(path).is_file() for path in answer["outputs"].values())
    assert json.loads((planned_hills / "proof.json").read_text("utf-8"))["claims"] == answer["claims"]


def test_the_same_again_runs_nothing_and_writes_nothing(lane: Path) -> None:
    before = modified(lane)
    assert ran(lane) == []
    assert modified(lane) == before


def test_a_copy_plans_to_the_same_bytes(planned_lane: Path, lane: Path) -> None:
    shutil.rmtree(lane / "stages")
    assert ran(lane) == STAGES
    assert settled(lane) == settled(planned_lane)


@pytest.mark.parametrize(
    ("section", "line", "again"),
    [
        ("project", 'name = "Другое имя"', ["proof", "report"]),
        ("optical", "slack_ratio = 0.04", ["optical", "proof", "report"]),
        ("radio", "sigma_db = 7.0", ["radio", "optical", "proof", "report"]),
        ("road", "corridor_m = 301.0", ["road", "radio", "optical", "proof", "report"]),
        ("road", "# a remark", []),
        ("radio", "sigma_db = 8.0", []),
    ],
)
def test_a_changed_setting_runs_what_depends_on_it(lane: Path, section: str, line: str, again: list[str]) -> None:
    text = (lane / "trassa.toml").read_text("utf-8")
    if section == "project":
        (lane / "trassa.toml").write_text(text.replace('name = ""', line), "utf-8")
    else:
        set_in(lane, section, line)
    needed = ran(lane)
    assert set(needed) <= set(again)
    assert needed[:1] == again[:1]
    assert ran(lane) == []


def test_a_changed_input_is_noted_and_read(lane: Path) -> None:
    drawn = lane / "inputs" / "drawn.csv"
    drawn.write_text(drawn.read_text("utf-8").replace(",37.3,", ",37.4,"), "utf-8")
    answer = trassa("run", lane, "--json").json
    assert answer["notes"][0] == "input drawn.csv changed since the last run"
    assert answer["stages"][0] == {**answer["stages"][0], "stage": "road", "ran": True}
    assert trassa("run", lane, "--json").json["notes"] == []
    assert trassa("verify", lane).code == 0


@pytest.mark.parametrize("output", ["proof.json", "plan.gpkg", "bom.xlsx", "line.xlsx", "report.html"])
def test_an_output_that_was_changed_or_lost_is_written_again(planned_lane: Path, lane: Path, output: str) -> None:
    path = lane / output
    if output == "bom.xlsx":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert ran(lane) == ["proof", "report"]
    assert settled(lane) == settled(planned_lane)


def test_a_stage_store_that_was_tampered_with_is_not_believed(planned_lane: Path, lane: Path) -> None:
    record = lane / "stages" / "radio" / "stage.json"
    body = json.loads(record.read_text("utf-8"))
    body["bom"][-1]["quantity"] -= 1.0
    record.write_text(json.dumps(body), "utf-8")
    assert ran(lane) == ["radio"]
    assert contents(lane / "stages" / "radio") == contents(planned_lane / "stages" / "radio")


def test_one_stage_runs_alone_after_those_before_it(lane: Path) -> None:
    answer = trassa("run", lane, "--only", "radio", "--json").json
    assert [(stage["stage"], stage["ran"]) for stage in answer["stages"]] == [("road", False), ("radio", True)]
    assert (answer["holds"], answer["claims"], answer["cost"]) == (None, [], None)
    assert trassa("run", lane, "--only", "radio").out.startswith("Б-1, 4.0 km · road up to date, radio planned\n")
    assert ran(lane) == []
    shutil.rmtree(lane / "stages" / "road")
    told = trassa("run", lane, "--only", "radio").refused(2)
    assert "stage road before it is not up to date" in told
    assert "no stage 'raido'. Try: --only road|radio|optical" in trassa("run", lane, "--only", "raido").refused(2)


def test_an_estimate_says_so_first_and_is_strictly_not_enough(planned_lane: Path, planned_hills: Path) -> None:
    for command in ("run", "verify"):
        done = trassa(command, planned_lane)
        assert done.code == 0
        assert done.out.split()[0] == "ESTIMATE"
        assert trassa(command, planned_lane, "--strict").code == 1
        assert trassa(command, planned_hills).out.split()[0] == "HOLDS"
    assert trassa("run", planned_hills, "--strict").code == 0
    assert json.loads((planned_lane / "proof.json").read_text("utf-8"))["holds"] == "estimate"


def test_a_promise_that_fails_ends_with_one_and_says_where(lane: Path) -> None:
    set_in(lane, "radio", "need_rsrp_dbm = -40.0\nnew_mast_heights_m = [25.0]")
    done = trassa("run", lane)
    assert done.code == 1, done.err
    lines = done.out.splitlines()
    assert lines[0] == "DOES NOT HOLD · Б-1, 4.0 km"
    failing = [line for line in lines if line.startswith("radio.served: ")]
    assert failing
    assert "Б-1 км 10" in failing[0]
    assert "Try: " in failing[0]
    assert trassa("run", lane, "--json").code == 1
    assert trassa("verify", lane).code == 1


def test_verify_answers_in_json(planned_hills: Path) -> None:
    done = trassa("verify", planned_hills, "--json")
    assert (done.code, done.err) == (0, "")
    assert {"road", "holds", "agrees", "rows"} <= set(done.json)
    assert (done.json["road"], done.json["holds"], done.json["agrees"]) == ("H 1", "yes", True)


def shown(planned_lane: Path, *claims: Claim, cost: Cost | None = None, notes: tuple[str, ...] = ()) -> RunResult:
    proof = Proof({"ref": "Б-1"}, claims, {}, (), "", {})
    return RunResult(open_project(planned_lane), "Б-1", 4000.0, (), proof, cost, notes, 1.0)


CLAIM = Claim(
    id="radio.served",
    promise="",
    scope=Scope("", 4000.0),
    method={},
    assumptions=(),
    worst=Worst("Б-1 км 100+000–100+010 →", -118.0, -110.0, -8.004, "dBm"),
    holds="no",
    evidence=(),
    failures=tuple(f"extent {number}" for number in range(25)),
)


def test_long_lists_are_cut_and_say_where_the_rest_is(planned_lane: Path) -> None:
    result = shown(planned_lane, CLAIM, notes=tuple(f"thing {number}" for number in range(30)))
    said = result.closing()
    assert [line for line in said if line.startswith("radio.served: extent")] == [
        f"radio.served: extent {number}" for number in range(10)
    ]
    assert f"radio.served: … and 15 more, see {planned_lane / 'proof.json'}" in said
    assert "note: … and 20 more, see trassa run --json" in said


def test_margins_are_rounded_towards_worse_and_money_reads_as_money(planned_lane: Path) -> None:
    least = replace(
        CLAIM, id="radio.least-cost", worst=Worst("", 210_500_000.0, 210_400_000.4, 5_200.0, "minor units"), holds="yes"
    )
    cost = Cost(123_456_789, "EUR", 100_000_000, 200_000_000)
    result = shown(planned_lane, CLAIM, least, cost=cost)
    header, rows = result.claim_table()
    assert header == ["claim", "holds", "margin", "", "worst place"]
    assert rows[0] == ["radio.served", "no", "−8.01", "dB", "Б-1 км 100+000–100+010 →"]
    plain = [cell.replace("\u202f", " ") for cell in rows[1]]
    assert plain[2:] == ["52", "EUR", "2 105 000 EUR, and no choice costs less than 2 104 000 EUR"]
    money = next(line for line in result.closing() if line.startswith("cost:")).replace("\u202f", " ")
    assert money == (
        "cost: 1 234 568 EUR (range 1 000 000 – 2 000 000 EUR); 100% of it at assumed prices, see bom.xlsx"
    )
