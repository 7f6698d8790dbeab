"""Simulated traces against what was asked for: means over the samples, and a foreign reader."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import otdrparser
import pytest

from command_line import trassa
from trassa.optical.otdr import Trace, fibre_m, read_sor
from trassa.plan.optical.questions import planned_line

FROM = ("--from", "H-01", "--fibre", "1")


def _drawn(project: Path, folder: Path, name: str, *words: object, ends: tuple[str, ...] = FROM) -> Trace:
    done = trassa("optical", "simulate", project, *ends, "-o", folder / name, *words)
    assert done.code == 0, done.err
    return read_sor(folder / name)


def _level(trace: Trace, at_m: float, width_m: float = 250.0) -> float:
    """Mean level around a place, of samples alone."""
    x = trace.sample_time_ns() * 0.299792458 / trace.index
    return float(trace.level_db[np.abs(x - at_m) < width_m].mean())


def test_samples_fall_as_the_settings_say(planned_hills: Path, tmp_path: Path) -> None:
    """Slope within every reel, step at every joint, end: by plain means of samples."""
    rules = planned_line(planned_hills).rules
    for wavelength_nm, per_km in ((1550, rules.attenuation_1550_db_per_km), (1310, rules.attenuation_1310_db_per_km)):
        trace = _drawn(planned_hills, tmp_path, f"{wavelength_nm}.sor", "--wavelength-nm", wavelength_nm)
        *joints, end = trace.events
        places = [float(fibre_m(event.time_ns, trace.index)) for event in joints]
        for one, other in pairwise(places[:7]):
            a, b = one + 700.0, other - 700.0
            if b - a > 800.0:
                slope = (_level(trace, a) - _level(trace, b)) / (b - a) * 1000.0
                assert slope == pytest.approx(per_km, abs=0.02)
        for at_m, event in list(zip(places, joints, strict=True))[:6]:
            before, behind = _level(trace, at_m - 400.0), _level(trace, at_m + 400.0)
            assert before - behind - 0.8 * per_km == pytest.approx(event.loss_db, abs=0.02)
        end_m = float(fibre_m(end.time_ns, trace.index))
        assert _level(trace, end_m - 600.0) - _level(trace, end_m + 1500.0) > 8.0


def test_a_foreign_reader_sees_the_same_file(planned_hills: Path, tmp_path: Path) -> None:
    trace = _drawn(planned_hills, tmp_path, "own.sor", "--pulse-ns", 100, "--date", "2024-05-06")
    theirs = otdrparser.parse2(io.BytesIO((tmp_path / "own.sor").read_bytes()))
    assert theirs["FxdParams"]["pulse_width"] == 100
    assert theirs["FxdParams"]["date_time"] == trace.unix_time_s
    assert len(theirs["KeyEvents"]["events"]) == len(trace.events)
    assert theirs["KeyEvents"]["events"][-1]["event_type_details"]["note"] == "end-of-fiber"
    assert theirs["GenParams"]["cable_id"] == "C-1"


def test_one_seed_is_one_cable(planned_hills: Path, tmp_path: Path) -> None:
    """The same file again; another fibre and the other end see the same joints, another seed sees others."""
    first = _drawn(planned_hills, tmp_path, "a.sor", "--seed", 3)
    _drawn(planned_hills, tmp_path, "b.sor", "--seed", 3)
    assert (tmp_path / "a.sor").read_bytes() == (tmp_path / "b.sor").read_bytes()
    second = _drawn(planned_hills, tmp_path, "c.sor", "--seed", 3, ends=("--from", "H-01", "--fibre", "2"))
    back = _drawn(planned_hills, tmp_path, "d.sor", "--seed", 3, ends=("--from", "H-02", "--fibre", "1"))
    other = _drawn(planned_hills, tmp_path, "e.sor", "--seed", 4)
    ours = np.array([float(fibre_m(event.time_ns, first.index)) for event in first.events])

    def nearest(trace: Trace, *, turned: bool = False) -> np.ndarray:
        at = np.array([float(fibre_m(event.time_ns, trace.index)) for event in trace.events])
        at = at[-1] - at[:-1] if turned else at[:-1]
        return np.array([np.abs(ours[:-1] - m).min() for m in at])

    assert (first.level_db[:100] != second.level_db[:100]).any()
    assert np.median(nearest(second)) < 30.0
    assert np.median(nearest(back, turned=True)) < 2.0
    assert np.median(nearest(other)) > 5.0


def test_a_bend_and_a_break_stand_where_they_were_asked_for(planned_hills: Path, tmp_path: Path) -> None:
    """Two readings of one cable, with and without: what differs begins at one place, by what was asked for."""
    whole = _drawn(planned_hills, tmp_path, "whole.sor")
    bent = _drawn(planned_hills, tmp_path, "bent.sor", "--bend", "H 1 km 25+000", "--loss-db", 0.7)
    (new,) = {event.time_ns for event in bent.events} - {event.time_ns for event in whole.events}
    at_m = float(fibre_m(new, bent.index))
    step = [_level(one, at_m - 500.0) - _level(one, at_m + 500.0) for one in (bent, whole)]
    assert step[0] - step[1] == pytest.approx(0.7, abs=0.02)
    line = planned_line(planned_hills)
    hut_m, place_m = line.lines[0].chain.huts[0].measure_m, line.road.calibration.measure
    cable = line.lines[0].cable_route(0)
    planned_m = float(cable.fibre_m(place_m(_label(line, "25+000"))) - cable.fibre_m(hut_m))
    assert at_m == pytest.approx(planned_m, rel=0.012, abs=30.0)
    broken = _drawn(planned_hills, tmp_path, "broken.sor", "--break", "H 1 km 25+000")
    assert broken.reported_end is not None
    assert broken.reported_end.time_ns == pytest.approx(new, abs=0.2)
    assert _level(broken, at_m + 2500.0) < _level(whole, at_m + 2500.0) - 8.0


def _label(line: object, text: str) -> object:
    from trassa.linear import Position

    return Position.parse(text, road="H 1").label


def test_drills_that_cannot_be(planned_hills: Path, tmp_path: Path) -> None:
    words = ("optical", "simulate", planned_hills, *FROM, "-o", tmp_path / "x.sor")
    assert trassa(*words).code == 0
    assert "is there already" in trassa(*words).refused()
    assert trassa(*words, "--replace").code == 0
    row = next(r for r in planned_line(planned_hills).layers["fibres"].rows() if str(r["use"]).startswith("S-"))
    site = ("optical", "simulate", planned_hills, "--from", "H-01", "--fibre", row["fibre"], "-o", tmp_path / "s.sor")
    assert "is not at" in trassa(*site, "--break", "H 1 km 49+000").refused()
    assert trassa(*site).code == 0
    located = trassa("optical", "locate", planned_hills, tmp_path / "s.sor", "--from", "H-01", "--fibre", row["fibre"])
    assert "the fibre is whole to its end" in located.out
