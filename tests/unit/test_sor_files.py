"""``.sor`` files: what is written is read back, and what real instruments write is understood."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sor_blocks import put_together, taken_apart
from trassa.errors import InputError
from trassa.optical.otdr import ReportedEvent, Trace, fibre_m, read_sor, sor_bytes, trace_of

EVENTS = (
    ReportedEvent(1000.0, 0.05, 0.2, None, "0F9999LS"),
    ReportedEvent(24_000.5, -0.11, 0.19, -48.5, "1F9999LS", "joint"),
    ReportedEvent(49_000.0, 18.0, 0.2, -14.2, "2E99992P"),
    ReportedEvent(52_000.0, 0.0, 0.0, -50.0, "1F9999LS"),
)
TRACE = Trace(
    "Maker OTDR-1", "C-1", "17", "H-01", "H-02", 1_700_000_000, 1550.0, 500.0, 1.4681, -81.0, 24.4796, -100.0, 49.0,
    np.round(-20.0 - 0.001 * np.arange(3000), 3), EVENTS,
)  # fmt: skip


def _changed(block: str, at: int, value: bytes) -> bytes:
    """TRACE as a file with bytes of one block replaced; ``at`` counts from behind the block's name."""
    parts = taken_apart(sor_bytes(TRACE))
    start = len(block) + 1 + at
    return put_together(
        [(name, body[:start] + value + body[start + len(value) :] if name == block else body) for name, body in parts]
    )


def _without(block: str) -> bytes:
    return put_together([part for part in taken_apart(sor_bytes(TRACE)) if part[0] != block])


def _row(event: ReportedEvent) -> tuple[object, ...]:
    return tuple(round(value, 3) if isinstance(value, float) else value for value in vars(event).values())


def _same(one: Trace, other: Trace) -> bool:
    plain = all(
        getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-6)
        if isinstance(getattr(one, name), float)
        else getattr(one, name) == getattr(other, name)
        for name in vars(one)
        if name not in ("level_db", "events", "name")
    )
    rows = [_row(event) for event in one.events] == [_row(event) for event in other.events]
    return plain and rows and np.allclose(one.level_db, other.level_db, atol=5e-4)


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_written_is_read_back(version: int) -> None:
    assert _same(trace_of(sor_bytes(TRACE, version=version), "own"), TRACE)


@settings(max_examples=60)
@given(
    version=st.sampled_from([1, 2]),
    index=st.integers(140_500, 154_000),
    pulse_ns=st.integers(5, 20_000),
    wavelength_nm=st.sampled_from([850.0, 1310.0, 1490.0, 1550.0, 1625.0, 1547.9]),
    offset_ticks=st.integers(0, 50_000),
    levels=st.lists(st.integers(0, 65_535), min_size=3000, max_size=3010),
    loss=st.integers(-3000, 30_000),
    comment=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20),
)
def test_any_trace_is_read_back(
    version: int, index: int, pulse_ns: int, wavelength_nm: float, offset_ticks: int, levels: list[int], loss: int,
    comment: str,
) -> None:  # fmt: skip
    event = ReportedEvent(offset_ticks * 0.1, loss / 1000, 0.2, None, "0F9999LS", comment)
    trace = replace(
        TRACE, index=index / 100_000, pulse_ns=float(pulse_ns), wavelength_nm=wavelength_nm,
        user_offset_ns=offset_ticks * 0.1, level_db=np.array(levels) / -1000.0, events=(event,),
    )  # fmt: skip
    again = trace_of(sor_bytes(trace, version=version), "own")
    assert again.events[0].comment == comment.strip()
    assert _same(replace(again, events=()), replace(trace, events=()))
    assert again.events[0].loss_db == pytest.approx(event.loss_db)


def test_events_count_from_the_user_offset_and_samples_from_the_instrument() -> None:
    trace = trace_of(sor_bytes(TRACE), "own")
    times = trace.sample_time_ns()
    assert times[0] == pytest.approx(-149.0)
    assert times[1] - times[0] == pytest.approx(24.4796, abs=1e-5)


def test_distance_is_worked_out_with_the_index_given() -> None:
    assert float(fibre_m(1000.0, 1.4681)) == pytest.approx(299.792458 / 1.4681)
    far_ns = 69_500.0 / float(fibre_m(1.0, 1.4682))
    assert 69_500.0 - float(fibre_m(far_ns, 1.4700)) == pytest.approx(85.1, abs=0.1)


def test_ghosts_behind_the_end_are_not_the_end() -> None:
    trace = trace_of(sor_bytes(TRACE), "own")
    assert trace.reported_end is not None
    assert trace.reported_end.time_ns == pytest.approx(49_000.0)
    assert replace(trace, events=(ReportedEvent(1.0, 3.0, 0.0, None, "0O9999LS"),)).reported_end is None


@pytest.mark.parametrize("raw", [-(2**31) + 1, 0, -(2**31)])
def test_no_reflectance_is_none_however_it_is_written(raw: int) -> None:
    data = _changed("KeyEvents", 2 + 10, struct.pack("<i", raw))
    assert trace_of(data, "own").events[0].reflectance_db is None


def test_positive_reflectance_is_turned_round() -> None:
    data = _changed("KeyEvents", 2 + 10, struct.pack("<i", 47_300))
    assert trace_of(data, "own").events[0].reflectance_db == pytest.approx(-47.3)


def test_wavelength_in_tens_of_nanometres() -> None:
    assert trace_of(_changed("FxdParams", 6, struct.pack("<H", 1550)), "own").wavelength_nm == 1550.0


def test_unit_and_checksum_do_not_matter() -> None:
    assert _same(trace_of(_changed("FxdParams", 4, b"km"), "own"), TRACE)
    assert _same(trace_of(_changed("Cksum", 0, b"\0\0"), "own"), TRACE)
    assert _same(trace_of(_without("Cksum"), "own"), TRACE)


def test_missing_events_and_parameters() -> None:
    assert trace_of(_without("KeyEvents"), "own").events == ()
    assert trace_of(_without("SupParams"), "own").instrument == ""
    assert trace_of(_without("GenParams"), "own").user_offset_ns == 0.0
    for block in ("FxdParams", "DataPts"):
        with pytest.raises(InputError, match=f"own: block {block} is missing"):
            trace_of(_without(block), "own")


def test_events_may_stand_before_the_parameters() -> None:
    parts = taken_apart(sor_bytes(TRACE))
    order = ["KeyEvents", "DataPts", "FxdParams", "Cksum", "SupParams", "GenParams"]
    assert _same(trace_of(put_together(sorted(parts, key=lambda part: order.index(part[0]))), "own"), TRACE)


def test_blocks_of_a_vendor_are_passed_over() -> None:
    parts = taken_apart(sor_bytes(TRACE))
    parts.insert(2, ("Vendor 01", b"Vendor 01\0" + bytes(range(256))))
    assert _same(trace_of(put_together(parts), "own"), TRACE)


@pytest.mark.parametrize("fibre_type", [652, 657, 656, 0])
def test_offset_is_found_behind_any_type_of_fibre(fibre_type: int) -> None:
    data = _changed("GenParams", 2 + len("C-1\x0017\x00"), struct.pack("<H", fibre_type))
    assert trace_of(data, "own").user_offset_ns == pytest.approx(49.0)


def test_text_may_hold_any_byte() -> None:
    assert trace_of(_changed("GenParams", 2, b"\xb8"), "own").cable.startswith("\xb8")


@pytest.mark.parametrize(("encoding", "read"), [("utf-8", "Мост 5"), ("latin-1", "Brücke"), ("cp1251", None)])
@pytest.mark.parametrize("version", [1, 2])
def test_names_in_utf8_and_latin1_are_legible(encoding: str, read: str | None, version: int) -> None:
    """What is neither is kept byte for byte: nobody can tell cp1251 from Latin-1."""
    written = (read or "Мост 5").encode(encoding)
    trace = replace(TRACE, cable=written.decode("latin-1"))
    assert trace_of(sor_bytes(trace, version=version), "own").cable == (read or written.decode("latin-1"))


@pytest.mark.parametrize(
    ("block", "at", "value", "said"),
    [
        ("FxdParams", 28, struct.pack("<I", 0), "ndex"),
        ("FxdParams", 28, struct.pack("<I", 300_000), "group index 3 lies outside 1.4..1.55"),
        ("FxdParams", 20, struct.pack("<I", 0), "pacing"),
        ("FxdParams", 6, struct.pack("<H", 0), "wavelength, nm 0 lies outside"),
        ("FxdParams", 16, struct.pack("<H", 3), "pulse"),
        ("DataPts", 0, struct.pack("<I", 2999), "3000 points, the trace has 2999; one trace"),
        ("DataPts", 4, struct.pack("<H", 2), "scale factor 2 of 2: 0 points"),
    ],
)
def test_impossible_values_are_named(block: str, at: int, value: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        trace_of(_changed(block, at, value), "own")


@pytest.mark.parametrize("data", [b"", b"Map\0", b"PK\x03\x04" + bytes(100), b"Map\0" + bytes(100), bytes(2000)])
def test_other_files_are_refused_by_name(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.sor"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"other\.sor: "):
        read_sor(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.sor: cannot be read"):
        read_sor(tmp_path / "nothing.sor")


def test_values_without_room_are_not_written() -> None:
    with pytest.raises(InputError):
        sor_bytes(replace(TRACE, pulse_ns=70_000.0))
