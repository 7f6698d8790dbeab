"""Whole drives through real broker, store, worker and web server: the platform says and charges what is true."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import canary_worker
from command_line import trassa
from trassa.live.platform import Programs
from trassa.plan.project import open_project
from trassa.twin.drive import DrivePlan, drive

CANARY = Path(canary_worker.__file__)


@pytest.fixture(scope="module")
def m11(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drive") / "m11"
    for done in (trassa("init", folder, "--example", "m11"), trassa("run", folder)):
        assert done.code == 0, done.err
    return folder


@pytest.fixture
def hills(planned_hills: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(planned_hills, tmp_path / "hills"))


def _drive(folder: Path, *words: object) -> dict[str, Any]:
    done = trassa("drive", folder, "--minutes", 2, "--json", *words)
    assert done.code in (0, 1), done.err
    told: dict[str, Any] = json.loads(done.out)
    assert done.code == (0 if told["score"]["agrees"] else 1)
    return told


def test_m11_agrees_and_repeats(m11: Path) -> None:
    first = _drive(m11, "--vehicles", 100, "--seed", 11)
    score = first["score"]
    assert score["differences"] == []
    assert [row["cause"] for row in score["events"]["table"]] == ["stationary vehicle", "end of queue"]
    assert (score["events"]["seen"], score["events"]["false"]) == (2, 0)
    for row in score["events"]["table"]:
        assert 0.0 <= row["warned_from_s"] - row["true_from_s"] <= 2.0, "the rule's threshold plus two seconds"
    assert score["not_judged"] == []
    report = score["reported"]
    assert (report["sent"], report["protocol_version"]) == (2, 2)
    assert report["warned"] == report["had_to_be_warned"] > 3
    for row in score["warnings"]:
        assert row["upstream"] == row["had_to_be_warned"] + sum(n["vehicles"] for n in row["others"].values())
        assert row["warned"] == row["had_to_be_warned"] > 10
        assert row["distance_min_m"] > 0.0
    toll = score["toll"]
    assert toll["charges"] == toll["expected_charges"] >= 100
    assert toll["amount_minor"] == toll["expected_amount_minor"] > 0
    assert toll["pairs"] == 35
    assert toll["fates"]["open"] == 0
    assert sum(toll["fates"].values()) == toll["reads"]["distinct"] + toll["reads"]["by_own_fixes"]
    assert toll["reads"]["by_own_fixes"] > 0
    messages = score["messages"]
    assert messages["processed"]["cam"] == messages["cam_sent"] > 10_000
    assert messages["processed"]["toll"] == messages["toll_sent"] > 0
    assert messages["processed"]["denm"] == messages["denm_sent"] == 2
    assert not (m11 / "live").exists(), "the operator's book is not touched"
    again = _drive(m11, "--vehicles", 100, "--seed", 11)
    assert json.dumps(again["score"]) == json.dumps(score)


def test_audit_of_the_driven_book_agrees(m11: Path) -> None:
    if not (m11 / "drive").exists():
        _drive(m11, "--vehicles", 24, "--seed", 2)
    done = trassa("toll", "audit", m11, "--book", "drive", "--json")
    assert done.code == 0, done.err + done.out


@pytest.mark.parametrize(
    ("mistakes", "said"),
    [
        ("sorted-pair,no-zones", ("but there was none", "is due, was charged")),
        ("wrong-side,charged-twice", ("which does not lead there", "is due, was charged")),
        ("falls-silent,retold,never-cleared", ("was not repeated for", "with other bytes", "a late joiner is told")),
    ],
)
def test_mistakes_planted_in_the_platform_are_found(m11: Path, mistakes: str, said: tuple[str, ...]) -> None:
    """Each drive has some: standing vehicles at the plaza are no hazard, the other direction costs another price, …"""
    plan = DrivePlan(vehicles=40, window_s=120, seed=9, start_ms=1_780_660_800_000)
    worker = (sys.executable, str(CANARY), mistakes)
    verdict = drive(open_project(m11), plan, programs=Programs(worker=worker))
    assert not verdict.agrees
    differences = "\n".join(verdict.score["differences"])
    for words in said:
        assert words in differences


def test_hills_is_free_and_a_hole_in_the_coverage_silences_the_road(hills: Path) -> None:
    score = _drive(hills, "--vehicles", 60, "--seed", 3)["score"]
    assert score["differences"] == []
    assert score["toll"] == {}
    assert score["events"]["true"] == 2
    lost = _drive(hills, "--vehicles", 60, "--seed", 3, "--lost-site", "S-02", "--lost-site", "S-03")["score"]
    assert lost["differences"] == []
    assert lost["events"] == {"true": 0, "seen": 0, "false": 0, "table": []}
    assert 0 < lost["messages"]["cam_sent"] < score["messages"]["cam_sent"]
    assert "warnings: nobody could hear of a hazard" in lost["not_judged"]
    assert "tolls: nobody was to be charged" in score["not_judged"]


def test_a_site_that_the_plan_lacks_is_named(hills: Path) -> None:
    done = trassa("drive", hills, "--lost-site", "S-99")
    assert done.code == 2
    assert "S-99" in done.err
    assert "S-01" in done.err
