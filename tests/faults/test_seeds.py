"""Twenty drives over the M-11, each with its own story, traffic, demand and reads: all agree with the truth."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from command_line import trassa

SEEDS = range(101, 121 if os.environ.get("CI") == "true" else 103)


@pytest.fixture(scope="module")
def m11(planned_m11: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project for all seeds: every drive begins with an empty book of its own."""
    return Path(shutil.copytree(planned_m11, tmp_path_factory.mktemp("seeds") / "m11"))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drive_agrees_with_its_truth(m11: Path, seed: int) -> None:
    done = trassa("drive", m11, "--vehicles", 100, "--minutes", 2, "--seed", seed, "--json")
    assert done.code == 0, f"seed {seed}\n{done.out[-3000:]}\n{done.err}"
    score: dict[str, Any] = json.loads(done.out)["score"]
    assert score["differences"] == []
    assert score["not_judged"] == []
    assert score["reported"]["warned"] == score["reported"]["had_to_be_warned"] > 0
    events, toll = score["events"], score["toll"]
    assert events["true"] == events["seen"] == len(events["table"]) > 0
    assert events["false"] == 0
    for warned in score["warnings"]:
        assert warned["warned"] == warned["had_to_be_warned"] > 0
        assert warned["missed"] == []
    assert toll["charges"] == toll["expected_charges"] >= 100
    assert toll["amount_minor"] == toll["expected_amount_minor"]
    assert toll["fates"]["open"] == 0
    assert sum(toll["fates"].values()) == toll["reads"]["distinct"] + toll["reads"]["by_own_fixes"]
