"""Repairs entered on the wrong day, and traces and repairs taken out again: against cables whose truth is known."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command_line import trassa
from otdr_truth import TrueFibre, backbone_path, laid, repaired, sampled, true_trace
from trassa.optical.otdr import sor_bytes
from trassa.plan.optical.questions import PlannedLine, planned_line
from trassa.plan.optical.traces.baselines import add_baselines
from trassa.plan.optical.traces.locate import locate_trace
from trassa.plan.optical.traces.repairs import record_repair, remove_repairs
from trassa.plan.optical.traces.store import TraceStore

FIRST_S, DAY_S = 1_700_000_000, 86_400
BREAK_M = 38_000.0


@pytest.fixture(scope="module")
def line(planned_hills: Path) -> PlannedLine:
    return planned_line(planned_hills)


@pytest.fixture
def project(planned_hills: Path, tmp_path: Path) -> Path:
    shutil.copytree(planned_hills, tmp_path / "hills")
    return tmp_path / "hills"


def _day(number: int) -> date:
    return datetime.fromtimestamp(FIRST_S + number * DAY_S, UTC).date()


def _measure(line: PlannedLine, route_m: float) -> float:
    verge = line.lines[0].cable_route(0).verge
    return float(verge.measure_at(float(verge.route_at(line.lines[0].chain.huts[0].measure_m)) + route_m))


def _keep(project: Path, fibre: TrueFibre, *days: int) -> None:
    for number, day in enumerate(days, start=1):
        path = _file(project / f"{day}-{number}.sor", fibre)
        add_baselines(project, [path], hut="H-01", fibre=number, day=_day(day))


def _file(path: Path, fibre: TrueFibre, *, broken_m: float | None = None) -> Path:
    broken_at_m = None if broken_m is None else fibre.optical_m(broken_m)
    path.write_bytes(sor_bytes(sampled(true_trace(fibre, broken_at_m=broken_at_m), fibre.rng)))
    return path


def _located(project: Path, trace: Path) -> dict[str, Any]:
    return locate_trace(project, trace, hut="H-01", fibre=4).as_dict()


@pytest.mark.parametrize(("sheath_m", "laters"), [(90.0, (20,)), (-40.0, (20, 21, 22))])
def test_a_repair_that_traces_show_before_its_day_counts_once(
    project: Path, line: PlannedLine, sheath_m: float, laters: tuple[int, ...]
) -> None:
    """Long enough to be learned from one trace, or only by knowing its place: the answer is that of the right day."""
    at_m = 14_100.0
    whole = laid(backbone_path(line), np.random.default_rng(31))
    _keep(project, whole, 0, 1)
    mended = repaired(whole, at_m, sheath_m / 0.975)
    _keep(project, mended, *laters)
    trace = _file(project / "x.sor", mended, broken_m=BREAK_M)
    text = line.road.text(_measure(line, at_m))
    late = record_repair(project, text, inserted_m=sheath_m, day=_day(60))
    assert any(f"shows in traces of {_day(20)} already: it counts once" in one for one in late.said)
    answer = _located(project, trace)
    (found,) = [one for one in answer["findings"] if one["what"] == "break"]
    assert [one["inserted_m"] for one in answer["repairs"]] == [pytest.approx(sheath_m / 0.975, abs=0.1)]
    assert found["measure_m"] == pytest.approx(_measure(line, BREAK_M), abs=50.0)
    assert found["low_m"] <= _measure(line, BREAK_M) <= found["high_m"]
    assert any("counts once" in note for note in answer["notes"])
    assert [one.epoch for one in TraceStore.of(project).traces] == [0, 0, *(1 for _ in laters)]
    remove_repairs(project, [late.repairs[0].id])
    record_repair(project, text, inserted_m=sheath_m, day=_day(20))
    right = _located(project, trace)
    assert {**right, "notes": []} == {**answer, "notes": []}


def test_a_repair_counts_from_its_day_where_earlier_traces_do_not_show_it(project: Path, line: PlannedLine) -> None:
    whole = laid(backbone_path(line), np.random.default_rng(32))
    _keep(project, whole, 0, 1, 2)
    text = line.road.text(_measure(line, 14_100.0))
    entered = record_repair(project, text, inserted_m=50.0, day=_day(10))
    assert not any("counts once" in one for one in entered.said)
    _keep(project, repaired(whole, 14_100.0, 50.0 / 0.975), 20)
    assert [one.epoch for one in TraceStore.of(project).traces] == [0, 0, 0, 1]


def test_a_repair_that_traces_contradict_is_said_with_what_to_do(project: Path, line: PlannedLine) -> None:
    """The traces show 200 m, 60 m are entered: both count, and it says how to take the entry back."""
    whole = laid(backbone_path(line), np.random.default_rng(33))
    _keep(project, whole, 0, 1)
    _keep(project, repaired(whole, 14_100.0, 200.0 / 0.975), 20, 21)
    text = line.road.text(_measure(line, 14_100.0))
    wrong = record_repair(project, text, inserted_m=60.0, day=_day(60))
    (said,) = [one for one in wrong.said if "both count" in one]
    assert f"traces of {_day(20)} show +" in said
    assert f"--remove {wrong.repairs[0].id}`" in said
    shown_m = float(said.split(" show ")[1].split(" m ")[0])
    assert shown_m == pytest.approx(200.0, abs=40.0)
    twin = record_repair(project, text, inserted_m=60.0, day=_day(61))
    assert any("is entered too: both count" in one and wrong.repairs[0].id in one for one in twin.said)


def test_what_is_taken_out_has_taught_nothing(project: Path, line: PlannedLine) -> None:
    """Stored and removed, by the commands: the store, its files and the answer are what they were."""
    whole = laid(backbone_path(line), np.random.default_rng(34))
    _keep(project, whole, 0)
    trace = _file(project / "x.sor", whole, broken_m=BREAK_M)
    before, index = _located(project, trace), (project / "otdr" / "index.json").read_bytes()
    files = sorted(path.name for path in (project / "otdr").iterdir())

    _keep(project, repaired(whole, 20_000.0, 120.0), 30)
    text = line.road.text(_measure(line, 9_000.0))
    words = ("optical", "repair", project)
    entered = trassa(*words, text, "--inserted-m", 35, "--date", _day(10), "--json").json
    assert _located(project, trace) != before
    listed = trassa("optical", "baselines", project, "--json").json
    (new,) = [row["id"] for row in listed["traces"] if row["date"] == str(_day(30))]
    assert [row["id"] for row in listed["repairs"]] == [entered["id"]]

    both = TraceStore.of(project)
    refused = trassa("optical", "baselines", project, "--remove", new, "--remove", "00000000").refused()
    assert "'00000000' names none of the 2 kept" in refused
    assert "is too short for one" in trassa("optical", "baselines", project, "--remove", "").refused()
    assert trassa(*words, text, "--remove", entered["id"]).code == 2
    assert trassa(*words, "--inserted-m", 5).code == 2
    assert TraceStore.of(project) == both

    gone = trassa("optical", "baselines", project, "--remove", new)
    assert f"removed: fibre 1 of C-1, H-01→H-02, {_day(30)}" in gone.out
    back = trassa(*words, "--remove", entered["id"])
    assert "removed: C-1: 35 m of cable put in" in back.out
    assert _located(project, trace) == before
    assert (project / "otdr" / "index.json").read_bytes() == index
    assert sorted(path.name for path in (project / "otdr").iterdir()) == files
