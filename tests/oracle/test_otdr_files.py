"""``.sor`` files against readers that nobody here wrote, both ways: theirs of ours, and ours of real instruments."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import otdrparser
import otdrs
import pytest

from otdr_truth import laid_fibre, sampled, true_trace
from trassa.optical.otdr import ReportedEvent, Trace, event_table, fibre_m, read_sor, sor_bytes

REAL = ("1310_0001", "1310_0002", "example", "issue10a", "issue15a", "issue9", "otdr1", "otdr2", "otdr3", "otdr4")


def _simulated() -> Trace:
    fibre = laid_fibre(11)
    trace = sampled(true_trace(fibre), fibre.rng)
    events = tuple(
        ReportedEvent(float(time_ns), loss_db, 0.2, None, "0F9999LS")
        for time_ns, loss_db in ((20_000.3, 0.04), (45_000.0, -0.08))
    )
    end = ReportedEvent(120_000.0, 15.0, 0.2, -14.5, "1E9999LS")
    return Trace(**{**vars(trace), "events": (*events, end), "user_offset_ns": 50.0})


@pytest.mark.parametrize("name", REAL)
def test_real_files_as_otdrparser_reads_them(shared: Path, name: str) -> None:
    path = shared / "optical" / "sor" / f"{name}.sor"
    trace, theirs = read_sor(path), otdrparser.parse2(io.BytesIO(path.read_bytes()))
    assert [event.time_ns for event in trace.events] == [e["time_of_travel"] for e in theirs["KeyEvents"]["events"]]
    assert [event.loss_db for event in trace.events] == [e["splice_loss"] for e in theirs["KeyEvents"]["events"]]
    distances = fibre_m([event.time_ns for event in trace.events], trace.index)
    assert distances == pytest.approx([e["distance_of_travel"] for e in theirs["KeyEvents"]["events"]])
    assert trace.level_db == pytest.approx(np.array([level for _, level in theirs["DataPts"]["data_points"]]))
    assert trace.wavelength_nm == theirs["FxdParams"]["wavelength"]
    assert all(event.reflectance_db is None or -80.0 < event.reflectance_db < 0.0 for event in trace.events)


def test_an_instrument_may_name_no_end_or_a_wrong_one(shared: Path) -> None:
    """``issue15a`` names none; light comes back for two kilometres from behind the one that ``otdr1`` names."""
    assert read_sor(shared / "optical" / "sor" / "issue15a.sor").reported_end is None
    trace = read_sor(shared / "optical" / "sor" / "otdr1.sor")
    assert trace.reported_end is not None
    end = event_table(trace).end
    assert end is not None
    assert end.fibre_m > float(fibre_m(trace.reported_end.time_ns, trace.index)) + 2000.0


@pytest.mark.parametrize("name", [name for name in REAL if name not in ("issue15a", "otdr1")])
def test_reported_end_lies_where_the_samples_end(shared: Path, name: str) -> None:
    """User offset and front panel have to be added, or the end lies off the samples by up to a kilometre."""
    trace = read_sor(shared / "optical" / "sor" / f"{name}.sor")
    assert trace.reported_end is not None
    times = trace.sample_time_ns() - trace.reported_end.time_ns
    pulse_ns = trace.pulse_ns
    before = np.ptp(trace.level_db[(times > -pulse_ns) & (times < -2 * trace.sample_spacing_ns)])
    behind = np.ptp(trace.level_db[(times > 0.0) & (times < 4.0 * pulse_ns)])
    assert before < 1.0
    assert behind > 3.0


def test_otdrparser_reads_what_we_write() -> None:
    trace = _simulated()
    theirs = otdrparser.parse2(io.BytesIO(sor_bytes(trace)))
    _agrees(trace, theirs["FxdParams"]["index_of_refraction"], theirs["FxdParams"]["pulse_width"])
    levels = np.array([level for _, level in theirs["DataPts"]["data_points"]])
    assert levels == pytest.approx(trace.level_db, abs=5e-4)
    events = theirs["KeyEvents"]["events"]
    assert [e["time_of_travel"] for e in events] == pytest.approx([event.time_ns for event in trace.events])
    assert [e["splice_loss"] for e in events] == pytest.approx([event.loss_db for event in trace.events])
    assert events[-1]["event_type_details"]["note"] == "end-of-fiber"
    assert theirs["GenParams"]["user_offset"] == 500
    assert theirs["FxdParams"]["sample_spacing"] == round(trace.sample_spacing_ns * 1e5)


def test_otdrs_reads_what_we_write() -> None:
    trace = _simulated()
    theirs = otdrs.parse_bytes(sor_bytes(trace))
    fixed = theirs.fixed_parameters
    _agrees(trace, fixed.group_index / 1e5, fixed.pulse_widths_used[0])
    assert [e.event_propogation_time for e in theirs.key_events.key_events] == [
        round(event.time_ns * 10.0) for event in trace.events[:-1]
    ]
    assert theirs.key_events.last_key_event.event_code.startswith("1E")
    assert np.array(theirs.data_points.scale_factors[0].data) / -1000.0 == pytest.approx(trace.level_db, abs=5e-4)


@pytest.mark.parametrize("version", [1, 2])
def test_pyotdr_reads_what_we_write(version: int, tmp_path: Path) -> None:
    read = pytest.importorskip(
        "pyotdr.read", reason="pyotdr needs crcmod, which has no wheel: install both by hand", exc_type=ImportError
    )
    trace = _simulated()
    path = tmp_path / "ours.sor"
    path.write_bytes(sor_bytes(trace, version=version))
    status, theirs, points = read.sorparse(str(path))
    assert status == "ok"
    _agrees(trace, float(theirs["FxdParams"]["index"]), _number(theirs["FxdParams"]["pulse width"]))
    found = [theirs["KeyEvents"][f"event {number}"] for number in (1, 2, 3)]
    distances = fibre_m([event.time_ns for event in trace.events], trace.index) / 1000.0
    assert [float(e["distance"]) for e in found] == pytest.approx(distances.tolist(), abs=1e-3)
    assert [float(e["splice loss"]) for e in found] == [event.loss_db for event in trace.events]
    assert len(points) == trace.level_db.size


@pytest.mark.parametrize("version", [1, 2])
def test_real_files_written_again_are_the_same_to_others(shared: Path, version: int) -> None:
    for name in REAL:
        path = shared / "optical" / "sor" / f"{name}.sor"
        trace, data = read_sor(path), path.read_bytes()
        again = sor_bytes(trace, version=version)
        stored = otdrparser.parse2(io.BytesIO(data))["DataPts"]["number_of_data_points"]
        samples = trace.level_db.size * 2
        assert stored * 2 == samples
        start = data.rindex(b"DataPts\0") + 8 + 12
        assert data[start : start + samples] in again


def _agrees(trace: Trace, index: float, pulse_ns: float) -> None:
    assert index == pytest.approx(trace.index)
    assert pulse_ns == trace.pulse_ns


def _number(text: Any) -> float:
    return float(str(text).split()[0])
