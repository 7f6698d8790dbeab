"""Outputs replace their namesakes together or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from trassa.errors import InputError
from trassa.plan.folder import staged_folder, staged_outputs


def test_outputs_replace_their_namesakes_when_all_went_well(tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_text("old")
    with staged_outputs(tmp_path) as fresh:
        (fresh / "proof.json").write_text("new")
    assert (tmp_path / "proof.json").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["proof.json"]


def test_no_room_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_text("old")
    told = pytest.raises(InputError, match="No space left on device; what was there before is intact")
    with told, staged_outputs(tmp_path) as fresh:
        (fresh / "proof.json").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "proof.json").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["proof.json"]


def test_a_folder_takes_its_place_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "road"
    target.mkdir()
    (target / "a").write_text("old")
    with pytest.raises(ValueError, match="broken"), staged_folder(target) as fresh:
        (fresh / "a").write_text("half")
        raise ValueError("broken")
    assert (target / "a").read_text() == "old"
    with staged_folder(target) as fresh:
        (fresh / "b").write_text("new")
    assert [path.name for path in target.iterdir()] == ["b"]
    assert [path.name for path in tmp_path.iterdir()] == ["road"]


def test_the_full_device_of_linux_is_one_clear_error(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("/dev/full exists on Linux only")
    with pytest.raises(InputError, match="cannot write"), staged_outputs(tmp_path):
        full.write_text("x")
