"""``.sor`` files of several pulse widths and scale factors: built byte by byte, read by otdrs and by us."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import otdrs
import pytest

from otdr_truth import laid_fibre, sampled, true_trace
from sor_blocks import put_together, taken_apart, with_pulses, with_samples
from trassa.errors import InputError
from trassa.optical.otdr import ReportedEvent, Trace, event_table, sor_bytes, trace_of

SPACING = 2_450_000
"""24.5 ns, in units of the file."""
TRACE = Trace(
    "Maker OTDR-1",
    "C-1",
    "17",
    "H-01",
    "H-02",
    1_700_000_000,
    1550.0,
    500.0,
    1.4681,
    -81.0,
    24.5,
    0.0,
    0.0,
    np.round(-12.0 - 0.001 * np.arange(4000), 3),
    (ReportedEvent(9_000.0, 0.1, 0.2, None, "0F9999LS"), ReportedEvent(90_000.0, 9.0, 0.2, -14.0, "1E9999LS")),
)


def _u16(level_db: np.ndarray, scale: int = 1000) -> bytes:
    return np.rint(level_db / (-scale * 1e-6)).astype("<u2").tobytes()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("parts", [[(1000, 1500), (2000, 2500)], [(1000, 1), (500, 3998), (1000, 1)], [(1000, 4000)]])
def test_stretches_of_samples_have_their_own_scale(version: int, parts: list[tuple[int, int]]) -> None:
    cuts = np.cumsum([count for _, count in parts])[:-1]
    stretches = np.split(TRACE.level_db, cuts)
    packed = [(scale, _u16(level, scale)) for (scale, _), level in zip(parts, stretches, strict=True)]
    data = with_samples(sor_bytes(TRACE, version=version), packed, 4000, version)
    assert trace_of(data, "own").level_db == pytest.approx(TRACE.level_db, abs=1.01e-3)
    if version == 2:
        theirs = otdrs.parse_bytes(data).data_points
        read = [np.array(one.data) * (-one.scale_factor * 1e-6) for one in theirs.scale_factors]
        assert trace_of(data, "own").level_db == pytest.approx(np.concatenate(read), abs=1e-9)


@pytest.mark.parametrize("version", [1, 2])
def test_pieces_of_other_spacing_are_one_line(version: int) -> None:
    """A straight line of backscatter in three pieces, each finer than the next: the same line at the coarsest."""
    pulses = [(100, SPACING // 4, 2000), (300, SPACING // 2, 1000), (1000, SPACING, 1500)]
    spacings = np.repeat([spacing for _, spacing, _ in pulses], [points for *_, points in pulses])
    at_ns = (np.cumsum(spacings) - spacings) * 1e-5
    slope = 0.2e-3 * 0.299792458 / 1.4681
    data = with_samples(sor_bytes(TRACE, version=version), [(1000, _u16(-10.0 - slope * at_ns))], 4500, version)
    data = with_pulses(data, pulses, version)
    read = trace_of(data, "own")
    assert (read.pulse_ns, read.sample_spacing_ns) == (1000.0, pytest.approx(24.5))
    assert read.level_db.size == pytest.approx(500 + 500 + 1500, abs=1)
    times = read.sample_time_ns()
    assert read.level_db == pytest.approx(-10.0 - slope * times, abs=1.5e-3)
    if version == 2:
        theirs = otdrs.parse_bytes(data).fixed_parameters
        assert [tuple(row) for row in pulses] == list(
            zip(theirs.pulse_widths_used, theirs.data_spacing, theirs.n_data_points_for_pulse_widths_used, strict=True)
        )
        assert theirs.group_index == 146_810  # what follows the list is found behind it
    assert read.index == pytest.approx(1.4681)


def test_events_of_a_trace_of_two_pulses_lie_where_the_long_pulse_sees_them() -> None:
    """100 ns and 1.25 m up to 8 km, then 500 ns and 5 m: the same closures as by 500 ns alone, within a pulse."""
    fibre = laid_fibre(3)
    truth = true_trace(fibre)
    fine = sampled(truth, np.random.default_rng(1), pulse_ns=100.0, spacing_m=1.25)
    coarse = sampled(truth, np.random.default_rng(2))
    units = round(coarse.sample_spacing_ns * 1e5) // 4
    fine_points = 6400
    level_db = np.concatenate((fine.level_db[:fine_points], coarse.level_db[fine_points // 4 :]))
    data = with_samples(sor_bytes(coarse), [(1000, _u16(level_db))], level_db.size)
    data = with_pulses(data, [(100, units, fine_points), (500, 4 * units, level_db.size - fine_points)])
    both, alone = event_table(trace_of(data, "own")), event_table(coarse)
    assert both.end is not None
    assert alone.end is not None
    assert both.end.fibre_m == pytest.approx(alone.end.fibre_m, abs=10.0)
    seen = np.array([event.fibre_m for event in both.passed])
    kept = [event for event in alone.passed if abs(event.loss_db) > 0.06]
    assert len(kept) >= 3
    for event in kept:
        assert np.abs(seen - event.fibre_m).min() <= both.pulse_m


@pytest.mark.parametrize(
    ("pulses", "said"),
    [
        ([(500, SPACING, 3000), (1000, SPACING, 900)], "2 pulse widths have 3900 points, block DataPts 4000"),
        ([(500, SPACING, 4000), (1000, SPACING, 0)], "one has no points"),
        ([(500, 0, 3000), (1000, SPACING, 1000)], "no sample spacing"),
        ([], "0 pulse widths"),
        ([(500, 1, 3999), (1000, 2**32 - 1, 1)], "lies outside"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_pieces_that_do_not_fit_are_one_clear_error(
    pulses: list[tuple[int, int, int]], said: str, version: int
) -> None:
    with pytest.raises(InputError, match=rf"own\.sor: .*{said}"):
        trace_of(with_pulses(sor_bytes(TRACE, version=version), pulses, version), "own.sor")


def test_two_traces_in_one_file_are_refused_by_name() -> None:
    """By pulse widths: the second begins at the launch again. By scale factors: each has all the points."""
    level_db = np.concatenate((TRACE.level_db, TRACE.level_db))
    data = with_samples(sor_bytes(TRACE), [(1000, _u16(level_db))], 8000)
    with pytest.raises(InputError, match=r"own\.sor: pulse width 2 of 2 begins 4\.0 dB above .*: several traces"):
        trace_of(with_pulses(data, [(500, SPACING, 4000), (500, SPACING, 4000)]), "own.sor")
    twice = [(1000, _u16(TRACE.level_db))] * 2
    with pytest.raises(InputError, match=r"own\.sor: 2 scale factors have 8000 points, the trace has 4000"):
        trace_of(with_samples(sor_bytes(TRACE), twice, 4000), "own.sor")


def test_a_list_of_pulses_longer_than_its_block_is_refused() -> None:
    parts = taken_apart(sor_bytes(TRACE))
    at = len(b"FxdParams\0") + 16
    cut = [(n, b[:at] + struct.pack("<H", 9000) + b[at + 2 :] if n == "FxdParams" else b) for n, b in parts]
    with pytest.raises(InputError, match="9000 pulse widths in a block FxdParams of"):
        trace_of(put_together(cut), "own")


@pytest.mark.parametrize("version", [1, 2])
def test_numbers_with_the_high_byte_first_are_said_to_be(version: int) -> None:
    data = sor_bytes(replace(TRACE, level_db=TRACE.level_db[:50]), version=version)
    start = 4 if version == 2 else 0
    values = struct.unpack_from("<HIH", data, start)
    turned = data[:start] + struct.pack(">HIH", *values) + data[start + 8 :]
    with pytest.raises(InputError, match=r"own\.sor: its numbers have the high byte first; SR-4731 has the low"):
        trace_of(turned, "own.sor")
