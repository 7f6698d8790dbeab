"""Traces of a planned line whose cable was laid otherwise than planned: file, hut and fibre in, kilometre out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from command_line import trassa
from otdr_truth import TrueFibre, backbone_path, laid, repaired, sampled, true_trace
from trassa.errors import InputError, UsageError
from trassa.optical.otdr import sor_bytes
from trassa.plan.optical.questions import PlannedLine, planned_line
from trassa.plan.optical.traces.locate import locate_trace
from valley import planned_valley

DAY_S = 86_400


@pytest.fixture(scope="module")
def line(planned_hills: Path) -> PlannedLine:
    return planned_line(planned_hills)


def _written(fibre: TrueFibre, path: Path, *, day: int, broken_m: float | None = None) -> Path:
    at_m = None if broken_m is None else fibre.optical_m(broken_m)
    trace = sampled(true_trace(fibre, broken_at_m=at_m), fibre.rng)
    path.write_bytes(sor_bytes(replace(trace, fibre=path.stem, unix_time_s=1_700_000_000 + day * DAY_S)))
    return path


@pytest.mark.parametrize("seed", range(8))
def test_a_break_is_found_on_the_road(planned_hills: Path, line: PlannedLine, tmp_path: Path, seed: int) -> None:
    path, rng = backbone_path(line), np.random.default_rng(seed)
    fibre = laid(path, rng)
    healthy = [_written(fibre, tmp_path / f"{n}.sor", day=0) for n in range(3)]
    route_m = float(rng.uniform(3000.0, fibre.route_length_m - 1500.0))
    broken = _written(fibre, tmp_path / "broken.sor", day=9, broken_m=route_m)
    report = locate_trace(planned_hills, broken, hut="H-01", fibre=1, baselines=healthy)
    (found,) = [one for one in report.findings if one.what == "break"]
    cable = line.lines[0].cable_route(0)
    start_m = float(cable.verge.route_at(line.lines[0].chain.huts[0].measure_m))
    truth_m = cable.verge.measure_at(start_m + route_m)
    assert abs(found.measure_m - truth_m) <= 50.0
    assert found.low_m <= truth_m <= found.high_m
    at = {place.name: place.route_m for place in path.places}
    assert at[found.location.before.name] <= route_m <= at[found.location.behind.name]
    assert report.cut is not None
    assert report.cut.place.start_m - 100.0 <= truth_m <= report.cut.place.end_m + 100.0
    blind = locate_trace(planned_hills, broken, hut="H-01", fibre=1)
    (rough,) = [one for one in blind.findings if one.what == "break"]
    assert rough.low_m <= truth_m <= rough.high_m
    assert rough.high_m - rough.low_m > found.high_m - found.low_m
    assert rough.location.high_m - rough.location.low_m <= 2.0 * (0.01 * route_m / 0.95 + 100.0)


def test_a_healthy_fibre_is_whole_and_a_repair_is_learned(
    planned_hills: Path, line: PlannedLine, tmp_path: Path
) -> None:
    fibre = laid(backbone_path(line), np.random.default_rng(5))
    first = [_written(fibre, tmp_path / f"a{n}.sor", day=0) for n in range(4)]
    mended = repaired(fibre, 15_300.0, 120.0)
    second = [_written(mended, tmp_path / f"b{n}.sor", day=30) for n in range(4)]
    again = _written(mended, tmp_path / "again.sor", day=40)
    report = locate_trace(planned_hills, again, hut="H-01", fibre=2, baselines=[*second, *first])
    assert report.whole
    assert [round(one.inserted_m, -1) for one in report.repairs] == [pytest.approx(120.0, abs=25.0)]
    places = {place.name: place.route_m for place in backbone_path(line).places}
    assert places[report.repairs[0].after] < 15_300.0 < places[report.repairs[0].before]
    broken = _written(mended, tmp_path / "broken.sor", day=50, broken_m=30_000.0)
    found = locate_trace(planned_hills, broken, hut="H-01", fibre=2, baselines=[*first, *second]).findings[-1]
    assert found.what == "break"
    assert abs(found.location.route_m - 30_000.0) <= 50.0


def test_the_command_says_where_and_who(planned_hills: Path, line: PlannedLine, tmp_path: Path) -> None:
    fibre = laid(backbone_path(line), np.random.default_rng(6))
    healthy = _written(fibre, tmp_path / "healthy.sor", day=0)
    broken = _written(fibre, tmp_path / "broken.sor", day=1, broken_m=21_000.0)
    words = ("optical", "locate", planned_hills, broken, "--from", "H-01", "--fibre", "1", "--baseline", healthy)
    told = trassa(*words)
    assert told.code == 0, told.err
    assert "break at H 1 km 3" in told.out
    assert "0 connections are down" in told.out
    body = json.loads(trassa(*words, "--json").out)
    assert body["findings"][0]["what"] == "break"
    assert body["calibrated_by"] == 1
    assert "no baseline is of the same fibre" in body["notes"][0]
    assert set(body["carried"]) <= set(line.layers["connections"]["connection"])


def test_a_bend_is_the_one_thing_that_changed(planned_hills: Path, line: PlannedLine, tmp_path: Path) -> None:
    """The same fibre twice, 0.4 dB more at one place: where and how much."""
    fibre = laid(backbone_path(line), np.random.default_rng(11))
    truth = true_trace(fibre)
    at_m = fibre.optical_m(17_700.0)
    split = int(np.searchsorted(truth.joints_m, at_m))
    bent = replace(
        truth,
        joints_m=np.insert(truth.joints_m, split, at_m),
        losses_db=np.insert(truth.losses_db, split, 0.4),
        scatter_db=np.insert(truth.scatter_db, split, 0.0),
    )
    files = []
    for day, one in enumerate((truth, bent)):
        trace = replace(sampled(one, fibre.rng), fibre="2", unix_time_s=1_700_000_000 + day * DAY_S)
        files.append(tmp_path / f"{day}.sor")
        files[-1].write_bytes(sor_bytes(trace))
    report = locate_trace(planned_hills, files[1], hut="H-01", fibre=2, baselines=files[:1])
    (found,) = report.findings
    assert found.what == "new loss"
    assert found.loss_db == pytest.approx(0.4, abs=0.08)
    assert found.location.low_m <= 17_700.0 <= found.location.high_m
    assert report.whole


def test_a_fibre_that_ends_at_a_site(planned_hills: Path, line: PlannedLine, tmp_path: Path) -> None:
    """A site's fibre ends in its drop: a trace as long as that is whole, half as long is broken."""
    row = next(r for r in line.layers["fibres"].rows() if str(r["use"]).startswith("S-"))
    drop = next(drop for drop in line.lines[0].drops if drop.connection.name == row["use"])
    whole = backbone_path(line)
    tap_m = float(line.lines[0].cable_route(0).route_m(drop.tap_m))
    ours = whole.into_drop(drop.connection.name, tap_m, drop.lengths)
    assert ours.fibre_length_m == pytest.approx(
        float(line.lines[0].cable_route(0).fibre_m(drop.tap_m)) + drop.lengths.fibre_m, abs=15.0
    )
    fibre = laid(ours, np.random.default_rng(2))
    trace = _written(fibre, tmp_path / "site.sor", day=0)
    assert locate_trace(planned_hills, trace, hut="H-01", fibre=int(row["fibre"])).whole
    broken = _written(fibre, tmp_path / "short.sor", day=0, broken_m=0.5 * tap_m)
    found = locate_trace(planned_hills, broken, hut="H-01", fibre=int(row["fibre"])).findings
    assert [one.what for one in found if one.what == "break"] == ["break"]


def test_what_cannot_be_asked(planned_hills: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sor"
    other.write_bytes(b"Map\0no trace at all")
    with pytest.raises(InputError, match=r"other\.sor"):
        locate_trace(planned_hills, other, hut="H-01", fibre=1)
    with pytest.raises(InputError, match="there is no hut H-99"):
        locate_trace(planned_hills, other, hut="H-99", fibre=1)
    with pytest.raises(InputError, match="has no fibre 97"):
        locate_trace(planned_hills, other, hut="H-01", fibre=97)
    three = planned_valley(tmp_path / "valley", "[optical]\nspan_limit_m = 4500.0\nnew_power_step_m = 1000.0\n")
    with pytest.raises(UsageError, match=r"on both sides\. Try: --to H-01 or --to H-03"):
        locate_trace(three, other, hut="H-02", fibre=1)
