"""A process that dies while a trace is being stored: the store reads as before or as after, and goes on."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from trassa.errors import InputError
from trassa.plan.optical.traces.store import RecordedRepair, StoredTrace, TraceStore

STORES = """
import hashlib, os, sys
from pathlib import Path
from trassa.plan.optical.traces.store import StoredTrace, TraceStore
root, name, dies_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
seen = 0
def watch(event, args):
    global seen
    if str(root) in str(args) and (event == "os.rename" or event == "open" and ".new" in str(args[0])):
        seen += 1
        if seen == dies_at:
            os._exit(9)
data = name.encode() * 50
stored = StoredTrace(sha256=hashlib.sha256(data).hexdigest(), cable="C-1", side="increasing", hut="H-01", far="H-02",
    fibre=1, wavelength_nm=1550.0, pulse_ns=500.0, index=1.4681, length_m=41000.0, date="2024-01-01", epoch=0)
sys.addaudithook(watch)
with TraceStore.changing(root) as store:
    store.with_trace(stored).write((data,))
"""
"""Writes one trace and dies when a file is opened or renamed for the given time; 99 is never."""


def _put(root: Path, name: str) -> None:
    """The same in this process."""
    data = name.encode() * 50
    stored = StoredTrace(
        sha256=hashlib.sha256(data).hexdigest(),
        cable="C-1",
        side="increasing",
        hut="H-01",
        far="H-02",
        fibre=1,
        wavelength_nm=1550.0,
        pulse_ns=500.0,
        index=1.4681,
        length_m=41_000.0,
        date=date(2024, 1, 1),
        epoch=0,
    )
    with TraceStore.changing(root) as store:
        store.with_trace(stored).write((data,))


def _store(root: Path, name: str, dies_at: int = 99) -> int:
    done = subprocess.run([sys.executable, "-c", STORES, root, name, str(dies_at)], check=False)
    return done.returncode


REMOVES = """
import os, sys
from pathlib import Path
from trassa.plan.optical.traces.store import TraceStore
root, dies_at = Path(sys.argv[1]), int(sys.argv[2])
seen = 0
def watch(event, args):
    global seen
    if str(root) in str(args) and (event in ("os.rename", "os.remove") or event == "open" and ".new" in str(args[0])):
        seen += 1
        if seen == dies_at:
            os._exit(9)
with TraceStore.changing(root) as store:
    after = store.without([store.traces[0].id], "trace")
    sys.addaudithook(watch)
    after.write(gone=store.traces[:1])
"""


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_death_while_a_trace_goes_leaves_the_store_as_before_or_as_after(tmp_path: Path, dies_at: int) -> None:
    _put(tmp_path, "first")
    before = TraceStore.of(tmp_path)
    dead = subprocess.run([sys.executable, "-c", REMOVES, tmp_path, str(dies_at)], check=False).returncode
    assert dead == 9
    after = TraceStore.of(tmp_path)
    assert after.traces in ((), before.traces)
    assert [after.data(one) for one in after.traces] == [b"first" * 50 for _ in after.traces]
    _put(tmp_path, "second")
    assert b"second" * 50 in [TraceStore.of(tmp_path).data(one) for one in TraceStore.of(tmp_path).traces]


@pytest.mark.parametrize("dies_at", [1, 2, 3, 4])
def test_a_death_at_any_step_leaves_the_old_store_and_a_way_on(tmp_path: Path, dies_at: int) -> None:
    _put(tmp_path, "first")
    before = TraceStore.of(tmp_path)
    assert _store(tmp_path, "second", dies_at) == 9
    after = TraceStore.of(tmp_path)
    assert after == before
    assert after.data(after.traces[0]) == b"first" * 50
    _put(tmp_path, "second")
    whole = TraceStore.of(tmp_path)
    assert sorted(whole.data(one) for one in whole.traces) == [b"first" * 50, b"second" * 50]
    assert not [path for path in (tmp_path / "otdr").iterdir() if path.name.endswith(".new")]


def test_there_are_no_more_steps_than_are_tried(tmp_path: Path) -> None:
    assert _store(tmp_path, "first", 5) == 0


def test_a_file_that_was_changed_or_lost_is_named(tmp_path: Path) -> None:
    _put(tmp_path, "first")
    store = TraceStore.of(tmp_path)
    path = tmp_path / "otdr" / store.traces[0].file
    path.write_bytes(b"something else")
    with pytest.raises(InputError, match=f"{path.name}: is not the file that was put in"):
        store.data(store.traces[0])
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        store.data(store.traces[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Invalid JSON"),
        ("[]", "document"),
        ('{"format": 2}', "format"),
        ('{"format": 1, "traces": [{"hut": "H-01"}]}', r"traces\.0\.sha256"),
        ('{"format": 1, "repairs": [{"cable": "C", "measure_m": 1, "inserted_m": 1e9, "date": "2024-01-01"}]}', "500"),
        ('{"format": 1, "surprise": 1}', "surprise"),
        (
            '{"format": 1, "repairs": [{"cable": "C", "measure_m": NaN, "inserted_m": 1, "date": "2024-01-01"}]}',
            "finite",
        ),
        (
            '{"format": 1, "repairs": ['
            '{"cable": "C", "measure_m": 1, "inserted_m": 1, "date": "2024-01-01"}, '
            '{"cable": "C", "measure_m": 1, "inserted_m": 1, "date": "2024-01-01"}]}',
            "stands in it twice",
        ),
    ],
)
def test_a_damaged_index_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "otdr").mkdir()
    (tmp_path / "otdr" / "index.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match=rf"index\.json: .*{said}"):
        TraceStore.of(tmp_path)


def test_two_writers_do_not_lose_each_other(tmp_path: Path) -> None:
    """Four processes at once: each is either stored or told that another one holds the project."""
    programs = [
        subprocess.Popen([sys.executable, "-c", STORES, tmp_path, f"{n}", "99"], stderr=subprocess.PIPE)
        for n in range(4)
    ]
    said = [program.communicate()[1].decode() for program in programs]
    stored = sum(program.returncode == 0 for program in programs)
    assert len(TraceStore.of(tmp_path).traces) == stored >= 1
    assert all("by another trassa" in words for words, one in zip(said, programs, strict=True) if one.returncode)


def test_repairs_are_kept_in_order_of_days(tmp_path: Path) -> None:
    store = TraceStore.of(tmp_path)
    for day in ("2024-05-01", "2023-01-01"):
        repair = RecordedRepair(cable="C-1", measure_m=5.0, inserted_m=-20.0, date=day)
        store = store.with_repair(repair)
    store.write()
    assert [str(one.date) for one in TraceStore.of(tmp_path).repairs] == ["2023-01-01", "2024-05-01"]
    body = json.loads((tmp_path / "otdr" / "index.json").read_text("utf-8"))
    assert set(body) == {"format", "traces", "repairs"}
    assert StoredTrace.model_fields.keys() >= {"hut", "cable", "side", "fibre", "wavelength_nm", "date", "sha256"}
