"""Damaged ``.sor`` files: each is read or refused with a message, in bounded time and memory.

``python tests/faults/test_mutated_traces.py 10000`` damages as many and prints the slowest and the largest;
its events are looked for too.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from command_line import trassa
from otdr_truth import laid_fibre, sampled, true_trace
from sor_blocks import extremes, mutated
from trassa.errors import InputError
from trassa.optical.otdr import ReportedEvent, Trace, event_table, sor_bytes, trace_of

PROJECT = Path(__file__).resolve().parents[2]
COUNT = 1500
MEMORY_MB = 200


def _healthy(shared: Path | None) -> list[bytes]:
    fibre = laid_fibre(3)
    trace = sampled(true_trace(fibre), fibre.rng, spacing_m=20.0)
    files = [sor_bytes(trace, version=2), sor_bytes(trace, version=1)]
    if shared is not None:
        files += [path.read_bytes() for path in sorted((shared / "optical" / "sor").glob("*.sor"))]
    return files


def _read(data: bytes) -> Trace | None:
    """The trace, or None where it is refused; any other outcome is an error of the reader."""
    try:
        return trace_of(data, "damaged.sor")
    except InputError as error:
        refusal = error
    assert refusal.message.startswith("damaged.sor: ")
    assert refusal.cure
    return None


def _sound(trace: Trace) -> bool:
    times = trace.sample_time_ns()
    finite = bool(np.isfinite(trace.level_db).all() and np.isfinite(times).all())
    return finite and 1.4 <= trace.index <= 1.55 and trace.level_db.size >= 2 and bool((np.diff(times) > 0).all())


@pytest.mark.parametrize("version", [1, 2])
def test_damaged_files_are_read_or_refused(version: int) -> None:
    data = _healthy(None)[2 - version]
    rng = random.Random(f"damage {version}")
    traces = [_read(mutated(data, rng)) for _ in range(COUNT)]
    read = [trace for trace in traces if trace is not None]
    assert all(_sound(trace) for trace in read)
    assert COUNT * 0.05 < len(read) < COUNT * 0.95  # the damage is neither harmless nor hopeless


def test_damaged_real_files_are_read_or_refused(shared: Path) -> None:
    rng = random.Random("damage to real files")
    for data in _healthy(shared)[2:]:
        for _ in range(COUNT // 10):
            trace = _read(mutated(data, rng))
            assert trace is None or _sound(trace)


def test_every_field_at_its_extremes_is_read_or_refused() -> None:
    """Each byte of the map and of every header begins a 0, 1, least, greatest or negative number."""
    whole = _read(_healthy(None)[0])
    assert whole is not None
    events = (ReportedEvent(1000.0, 0.05, 0.2, None, "0F9999LS"), ReportedEvent(9e4, 20.0, 0.2, -14.0, "1E9999LS"))
    small = sor_bytes(replace(whole, level_db=whole.level_db[:300], events=events))
    files = list(extremes(small))
    read = [trace for trace in map(_read, files) if trace is not None]
    assert all(_sound(trace) for trace in read)
    assert len(files) > 3000
    assert 0.1 * len(files) < len(read) < 0.9 * len(files)


def test_extremes_of_real_files_end_in_a_place_or_a_message(planned_hills: Path, shared: Path, tmp_path: Path) -> None:
    """From the file to the kilometre and to the table of events: one clear error, or an answer that JSON can hold."""
    rng, answers = random.Random("extremes"), 0
    data = (shared / "optical" / "sor" / "1310_0001.sor").read_bytes()
    for number, damaged in enumerate(rng.sample(list(extremes(data, step=7)), 8)):
        path = tmp_path / f"{number}.sor"
        path.write_bytes(damaged)
        for words in (("events", path), ("locate", planned_hills, path, "--from", "H-01", "--fibre", 1)):
            done = trassa("optical", *words, "--json")
            if done.code == 0:
                answers += 1
                assert done.json["notes"] is not None
            else:
                assert "Try: " in done.refused()
    assert answers >= 2


def test_event_table_of_a_damaged_trace_is_made_or_refused() -> None:
    data = _healthy(None)[0]
    rng = random.Random("damaged samples")
    traces = [_read(mutated(data, rng)) for _ in range(COUNT // 10)]
    assert sum(_has_table(trace) for trace in traces if trace is not None) > 10


def _odd_levels(kind: int, count: int, rng: np.random.Generator) -> np.ndarray:
    z = np.arange(count)
    line = -20.0 - 0.001 * z
    return (
        np.full(count, -20.0),
        np.full(count, -65.535),
        rng.uniform(-65.0, 0.0, count),
        line,
        line + rng.normal(0.0, 0.3, count),
        np.cumsum(rng.normal(0.0, 0.1, count)) - 30.0,
        np.where(z < count // 2, line, -65.535),
        line - 3.0 * (z > count // 3) - 8.0 * (z > count // 2),
        np.where(z % 500 < 20, -5.0, line),
    )[kind]


def test_event_table_of_any_samples_is_made_or_refused() -> None:
    """Flat, empty, random, stepped and spiked samples at any pulse, spacing and offset."""
    fibre = laid_fibre(3)
    healthy = sampled(true_trace(fibre), fibre.rng, spacing_m=20.0)
    made = 0
    for seed in range(COUNT // 4):
        rng = np.random.default_rng(seed)
        level_db = _odd_levels(seed % 9, int(rng.choice([2, 5, 200, 1000, 5000, 30_000])), rng)
        odd = {
            "level_db": np.clip(level_db, -65.535, 0.0),
            "pulse_ns": float(rng.choice([1, 10, 500, 20_000])),
            "sample_spacing_ns": float(rng.choice([0.1, 1, 25, 500])),
            "user_offset_ns": float(rng.choice([0, 0, 100, 1e5])),
            "first_sample_ns": float(rng.choice([0, -1000, 500])),
        }
        try:
            table = event_table(Trace(**{**vars(healthy), **odd}))
        except InputError:
            continue
        made += 1
        assert all(np.isfinite((event.fibre_m, event.fibre_sd_m, event.loss_db)).all() for event in table.events)
    assert made > 20


@pytest.mark.parametrize("field", ["points", "map", "block"])
def test_counts_beyond_the_file_are_refused_before_anything_is_read(field: str) -> None:
    data = bytearray(_healthy(None)[0])
    at = {"points": data.rindex(b"DataPts\0") + 8, "map": 6, "block": data.index(b"DataPts\0") + 10}[field]
    data[at : at + 4] = b"\xff\xff\xff\x7f"
    with pytest.raises(InputError, match=r"damaged.sor: .*\d"):
        trace_of(bytes(data), "damaged.sor")


def test_text_without_end_is_refused_in_bounded_work() -> None:
    """A parameter block that is one endless text: nothing may be read from it byte by byte for long."""
    data = _healthy(None)[0]
    at = data.index(b"GenParams\0") + 12
    size = 30 * 2**20
    grown = bytearray(data)
    grown[at : at + 4] = size.to_bytes(4, "little")
    body = data.index(b"GenParams\0", at) + 12
    with pytest.raises(InputError, match="limit"):
        trace_of(bytes(grown[:body]) + b"x" * size + bytes(grown[body:]), "damaged.sor")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_the_largest_file_stays_within_memory(tmp_path: Path) -> None:
    """Two million points and 60 MB of a vendor's own, read in a process of its own whose peak is counted."""
    fibre = laid_fibre(3)
    trace = sampled(true_trace(fibre), fibre.rng, spacing_m=20.0)
    points = np.resize(trace.level_db, 2_000_000)
    largest = sor_bytes(Trace(**{**vars(trace), "level_db": points, "sample_spacing_ns": 0.5}))
    (tmp_path / "large.sor").write_bytes(largest + bytes(64 * 2**20 - len(largest)))
    program = (
        "import sys; from pathlib import Path; from trassa.optical.otdr import event_table, read_sor;"
        "trace = read_sor(Path(sys.argv[1])); assert trace.level_db.size == 2_000_000; event_table(trace);"
        "print(next(row.split()[1] for row in open('/proc/self/status') if row.startswith('VmHWM')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "large.sor"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) / 1024 < MEMORY_MB


def _has_table(trace: Trace) -> bool:
    """Whether there are events, all of finite numbers; or a refusal."""
    try:
        table = event_table(trace)
    except InputError:
        return False
    assert all(np.isfinite((event.fibre_m, event.fibre_sd_m, event.loss_db)).all() for event in table.events)
    return True


def _main(count: int) -> None:
    import resource

    place = Path(os.environ.get("TRASSA_SHARED", PROJECT.parent / "shared" / "data"))
    files = _healthy(place if place.is_dir() else None)
    rng = random.Random(0)
    read, tables, slowest_s = 0, 0, 0.0
    for number in range(count):
        data = mutated(files[number % len(files)], rng)
        began_s = time.process_time()
        trace = _read(data)
        assert trace is None or _sound(trace)
        read += trace is not None
        tables += trace is not None and _has_table(trace)
        slowest_s = max(slowest_s, time.process_time() - began_s)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count} damaged files: {read} read, {tables} with events, {count - read} refused; "
        f"slowest {slowest_s:.3f} s, peak {peak_mb:.0f} MB"
    )


if __name__ == "__main__":
    _main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
