"""Healthy traces that a project keeps, against cables whose truth is known and which share no code with the product.

Files go in by the command, the plan is that of the example ``hills``, what is laid is the truth of ``otdr_truth``.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from command_line import Finished, trassa
from otdr_truth import TrueFibre, TrueTrace, backbone_path, laid, repaired, sampled, true_trace
from trassa.optical.otdr import sor_bytes
from trassa.plan.optical.questions import PlannedLine, planned_line
from trassa.plan.optical.traces.baselines import add_baselines
from trassa.plan.optical.traces.locate import locate_trace
from trassa.plan.optical.traces.repairs import record_repair
from trassa.plan.optical.traces.splices import planned_splices
from trassa.plan.optical.traces.store import TraceStore

DAY_S = 86_400
FIRST_S = 1_700_000_000


@pytest.fixture(scope="module")
def line(planned_hills: Path) -> PlannedLine:
    return planned_line(planned_hills)


@pytest.fixture
def project(planned_hills: Path, tmp_path: Path) -> Path:
    shutil.copytree(planned_hills, tmp_path / "hills")
    return tmp_path / "hills"


def _file(path: Path, truth: TrueTrace, fibre: TrueFibre, *, day: int = 0, wavelength_nm: float = 1550.0) -> Path:
    trace = replace(sampled(truth, fibre.rng), unix_time_s=FIRST_S + day * DAY_S, wavelength_nm=wavelength_nm)
    path.write_bytes(sor_bytes(trace))
    return path


def _from_far(truth: TrueTrace) -> TrueTrace:
    joints = (truth.end_m - truth.joints_m)[::-1]
    return TrueTrace(joints, truth.losses_db[::-1], -truth.scatter_db[::-1], truth.end_m)


def _measure(line: PlannedLine, route_m: float) -> float:
    verge = line.lines[0].cable_route(0).verge
    return float(verge.measure_at(float(verge.route_at(line.lines[0].chain.huts[0].measure_m)) + route_m))


def test_all_fibres_and_both_directions_teach(project: Path, line: PlannedLine, tmp_path: Path) -> None:
    """One cable, three fibres from one hut and two from the other: a break of a fourth within 50 m, chambers around."""
    path, off_m = backbone_path(line), []
    through = [int(r["fibre"]) for r in line.layers["fibres"].rows() if r["use"] in ("backbone", "spare")]
    for seed in range(2):
        fibre = laid(path, np.random.default_rng(seed))
        shutil.rmtree(project / "otdr", ignore_errors=True)
        for number in through[:3]:
            add_baselines(project, [_file(tmp_path / "a.sor", true_trace(fibre), fibre)], hut="H-01", fibre=number)
        for number in through[1:3]:
            back = _file(tmp_path / "b.sor", _from_far(true_trace(fibre)), fibre)
            add_baselines(project, [back], hut="H-02", fibre=number)
        route_m = float(fibre.rng.uniform(0.05, 0.95)) * fibre.route_length_m
        broken = true_trace(fibre, broken_at_m=fibre.optical_m(route_m))
        report = locate_trace(project, _file(tmp_path / "x.sor", broken, fibre), hut="H-01", fibre=through[3])
        (found,) = [one for one in report.findings if one.what == "break"]
        assert report.baselines == 5
        off_m.append(found.location.route_m - route_m)
        assert found.low_m <= _measure(line, route_m) <= found.high_m
        assert found.location.before.route_m <= route_m <= found.location.behind.route_m
    assert np.abs(off_m).max() <= 50.0


@pytest.mark.parametrize("is_entered", [True, False])
def test_a_repair_begins_an_epoch(project: Path, line: PlannedLine, tmp_path: Path, is_entered: bool) -> None:
    """Entered by hand, or learned from later traces: what lies behind it is found from both huts as before."""
    fibre = laid(backbone_path(line), np.random.default_rng(21))
    for number in (1, 2):
        add_baselines(project, [_file(tmp_path / "a.sor", true_trace(fibre), fibre)], hut="H-01", fibre=number)
    at_m, sheath_m = 14_100.0, 90.0
    mended = repaired(fibre, at_m, sheath_m / 0.975)
    if is_entered:
        text = line.road.text(_measure(line, at_m))
        record_repair(project, text, inserted_m=sheath_m, day=datetime.fromtimestamp(FIRST_S + 9 * DAY_S, UTC).date())
    else:
        for number in (1, 2):
            later = _file(tmp_path / "b.sor", true_trace(mended), mended, day=20)
            add_baselines(project, [later], hut="H-01", fibre=number)
        assert [one.epoch for one in TraceStore.of(project).traces] == [0, 0, 1, 1]
    for hut, route_m in (("H-01", 31_000.0), ("H-02", 6_000.0)):
        optical_m = mended.optical_m(route_m)
        truth = true_trace(mended, broken_at_m=optical_m)
        if hut == "H-02":
            whole = true_trace(mended)
            truth = _from_far(whole)
            keep = truth.joints_m < whole.end_m - optical_m - 80.0
            columns = (truth.joints_m[keep], truth.losses_db[keep], truth.scatter_db[keep])
            truth = TrueTrace(*columns, whole.end_m - optical_m, None)
        report = locate_trace(project, _file(tmp_path / "x.sor", truth, mended, day=30), hut=hut, fibre=1)
        assert [one.inserted_m for one in report.repairs] == [pytest.approx(sheath_m / 0.975, abs=25.0)]
        (found,) = [one for one in report.findings if one.what == "break"]
        assert abs(found.measure_m - _measure(line, route_m)) <= 50.0
        assert found.low_m <= _measure(line, route_m) <= found.high_m


def test_losses_are_compared_across_a_repair(project: Path, line: PlannedLine, tmp_path: Path) -> None:
    """Nothing changed but 90 m more before it: no joint behind the repair is told as new."""
    fibre = laid(backbone_path(line), np.random.default_rng(8))
    truth = true_trace(fibre)
    add_baselines(project, [_file(tmp_path / "a.sor", truth, fibre)], hut="H-01", fibre=1)
    record_repair(project, line.road.text(_measure(line, 14_100.0)), inserted_m=90.0, day=datetime(2023, 12, 1).date())
    at_m, more_m = fibre.optical_m(14_100.0), 90.0 / 0.975
    moved = replace(
        truth,
        joints_m=np.where(truth.joints_m > at_m, truth.joints_m + more_m, truth.joints_m),
        end_m=truth.end_m + more_m,
    )
    report = locate_trace(project, _file(tmp_path / "x.sor", moved, fibre, day=40), hut="H-01", fibre=1)
    assert report.whole
    assert report.findings == ()


def test_a_site_fibre_learns_from_the_backbone(project: Path, line: PlannedLine, tmp_path: Path) -> None:
    """A fibre that leaves at a tap shares its way up to there, and its break is found by the others' traces."""
    row = next(r for r in line.layers["fibres"].rows() if str(r["use"]).startswith("S-"))
    drop = next(drop for drop in line.lines[0].drops if drop.connection.name == row["use"])
    tap_m = float(line.lines[0].cable_route(0).route_m(drop.tap_m))
    fibre = laid(backbone_path(line), np.random.default_rng(3))
    for number in (1, 2):
        add_baselines(project, [_file(tmp_path / "a.sor", true_trace(fibre), fibre)], hut="H-01", fibre=number)
    route_m = 0.7 * tap_m
    broken = true_trace(fibre, broken_at_m=fibre.optical_m(route_m))
    report = locate_trace(project, _file(tmp_path / "x.sor", broken, fibre), hut="H-01", fibre=int(row["fibre"]))
    (found,) = [one for one in report.findings if one.what == "break"]
    assert report.baselines == 2
    assert found.location.calibrated
    assert abs(found.location.route_m - route_m) <= 50.0


def test_two_way_losses_of_kept_traces(project: Path, line: PlannedLine, tmp_path: Path) -> None:
    fibre = laid(backbone_path(line), np.random.default_rng(12))
    truth = true_trace(fibre)
    truth = replace(truth, losses_db=np.where(np.arange(truth.losses_db.size) == 4, 0.17, 0.05))
    add_baselines(project, [_file(tmp_path / "a.sor", truth, fibre)], hut="H-01", fibre=1)
    add_baselines(project, [_file(tmp_path / "b.sor", _from_far(truth), fibre)], hut="H-02", fibre=1)
    judged = {row.loss.name: row for row in planned_splices(project, hut="H-01", limit_db=0.10).rows}
    joints = [place.name for place in backbone_path(line).places if place.kind == "closure"]
    seen = [name for name in joints if name in judged]
    assert len(seen) >= len(joints) // 2
    for name in seen:
        assert judged[name].loss.loss_db == pytest.approx(truth.losses_db[joints.index(name)], abs=0.02)
    rejected = [name for name in seen if judged[name].verdict == "rejected"]
    assert rejected == ([joints[4]] if joints[4] in seen else [])


def _refused(done: Finished) -> str:
    return done.refused()


def test_what_is_no_baseline_is_refused_by_name(project: Path, line: PlannedLine, tmp_path: Path) -> None:
    fibre = laid(backbone_path(line), np.random.default_rng(4))
    truth = true_trace(fibre)
    good = _file(tmp_path / "good.sor", truth, fibre)
    words = ("optical", "baseline", project)
    ends = ("--from", "H-01", "--fibre", "1")
    assert trassa(*words, good, *ends).code == 0
    kept = TraceStore.of(project)
    assert "good.sor: is stored already: fibre 1 of C-1" in _refused(trassa(*words, good, *ends))
    short = _file(tmp_path / "short.sor", replace(true_trace(fibre, broken_at_m=20_000.0), end_m=20_000.0), fibre)
    said = _refused(trassa(*words, short, *ends))
    ends_at = re.search(r"short\.sor: ends at (\d+) m of fibre", said)
    assert ends_at is not None
    assert int(ends_at[1]) == pytest.approx(20_000.0, abs=30.0)
    assert "±" in said
    mirrored = _file(tmp_path / "mirrored.sor", _from_far(truth), fibre)
    assert "if it was taken in H-02" in _refused(trassa(*words, mirrored, *ends))
    undated = tmp_path / "undated.sor"
    undated.write_bytes(sor_bytes(replace(sampled(truth, fibre.rng), unix_time_s=0)))
    assert "clock was not set" in _refused(trassa(*words, undated, *ends))
    faded = tmp_path / "faded.sor"
    faded.write_bytes(sor_bytes(sampled(truth, fibre.rng, range_db=6.0)))
    assert "fades into noise" in _refused(trassa(*words, faded, *ends))
    second = _file(tmp_path / "second.sor", true_trace(fibre), fibre)
    assert "short.sor" in _refused(trassa(*words, second, short, *ends))  # all or none
    assert TraceStore.of(project) == kept
    assert trassa(*words, undated, *ends, "--date", "2024-02-29").code == 0
    assert [str(one.date) for one in TraceStore.of(project).traces] == ["2023-11-14", "2024-02-29"]


def test_the_first_trace_already_must_fit_from_its_hut(project: Path, line: PlannedLine, tmp_path: Path) -> None:
    """Nothing is known but the plan: taken from the other hut, its events lie at no closures."""
    seen = []
    for seed in range(4):
        fibre = laid(backbone_path(line), np.random.default_rng(seed))
        mirrored = _file(tmp_path / "mirrored.sor", _from_far(true_trace(fibre)), fibre)
        done = trassa("optical", "baseline", project, mirrored, "--from", "H-01", "--fibre", "1")
        seen.append(done.code)
        assert done.code == 0 or "mirrored.sor" in done.refused()
        shutil.rmtree(project / "otdr", ignore_errors=True)
        right = _file(tmp_path / "right.sor", _from_far(true_trace(fibre)), fibre)
        assert trassa("optical", "baseline", project, right, "--from", "H-02", "--fibre", "1").code == 0
        shutil.rmtree(project / "otdr")
    assert seen.count(3) >= 3


def test_a_trace_longer_than_the_fibre_is_of_another(project: Path, line: PlannedLine, tmp_path: Path) -> None:
    fibre = laid(backbone_path(line), np.random.default_rng(4))
    truth = true_trace(fibre)
    longer = _file(tmp_path / "longer.sor", replace(truth, end_m=truth.end_m + 3000.0), fibre)
    said = _refused(trassa("optical", "locate", project, longer, "--from", "H-01", "--fibre", "1"))
    assert "ends at 4" in said
