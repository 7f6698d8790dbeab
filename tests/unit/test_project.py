"""Project folders, the stage store and the lock."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from trassa.errors import ConfigError, InputError
from trassa.linear import Layer
from trassa.plan import store
from trassa.plan.bom import BomLine
from trassa.plan.folder import LOCK, founded_folder, only_writer, replace_text
from trassa.plan.project import MANIFEST, changed_inputs, create_project, open_project, write_manifest
from trassa.plan.settings import Settings
from trassa.plan.store import StageResult
from trassa.pricing import Price
from trassa.provenance import Assumption, sha256_of_file
from trassa.radio.layers import SCHEMAS
from trassa.road.settings import RoadSettings


def settings() -> Settings:
    return Settings(road=RoadSettings(ref="Б-1", centreline="ось.csv"))


def made(tmp_path: Path) -> Path:
    source = tmp_path / "source.csv"
    source.write_text("lat,lon\n55,37\n55.01,37\n")
    create_project(tmp_path / "p", settings(), {"ось.csv": source})
    return tmp_path / "p"


def test_inputs_are_copied_with_their_hash(tmp_path: Path) -> None:
    project = open_project(made(tmp_path))
    (row,) = json.loads((project.inputs / MANIFEST).read_text("utf-8"))
    copied = project.path("ось.csv")
    assert copied.read_bytes() == (tmp_path / "source.csv").read_bytes()
    assert row == {"name": "ось.csv", "sha256": sha256_of_file(copied), "size_bytes": copied.stat().st_size}
    assert project.settings == settings()
    assert changed_inputs(project) == []


def test_a_changed_and_a_new_input_are_told_until_the_manifest_is_written(tmp_path: Path) -> None:
    root = made(tmp_path)
    project = open_project(root)
    project.path("ось.csv").write_text("lat,lon\n55,37\n55.02,37\n")
    (project.inputs / "unused.txt").write_text("x")
    assert changed_inputs(project) == ["input ось.csv changed since the last run"]
    assert changed_inputs(project) == ["input ось.csv changed since the last run"]
    write_manifest(project)
    assert changed_inputs(project) == []
    (project.inputs / MANIFEST).write_text("[]")
    assert changed_inputs(project) == ["input ось.csv is new since the last run"]


def test_a_project_is_made_only_where_there_is_room_for_one(tmp_path: Path) -> None:
    root = made(tmp_path)
    with pytest.raises(InputError, match="holds a project already"):
        create_project(root, settings(), {})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "f").touch()
    with pytest.raises(InputError, match="is not empty"):
        create_project(tmp_path / "full", settings(), {})
    with pytest.raises(InputError, match="is a file, not a folder"):
        create_project(tmp_path / "source.csv", settings(), {})
    with pytest.raises(InputError, match=r"missing\.csv does not exist"):
        create_project(tmp_path / "new", settings(), {"a": tmp_path / "missing.csv"})
    assert not (tmp_path / "new").exists()


def test_an_input_outside_the_folder_of_inputs_is_refused(tmp_path: Path) -> None:
    project = open_project(made(tmp_path))
    for name in ("../trassa.toml", "/etc/hostname", "sub/a.osm"):
        with pytest.raises(ConfigError, match="is not the name of a file"):
            project.path(name)
    with pytest.raises(InputError, match=r"input gone.osm is missing in .*Try: copy it to"):
        project.path("gone.osm")


def test_a_folder_that_could_not_be_founded_is_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), founded_folder(tmp_path / "new", "last") as fresh:
        (fresh / "a").touch()
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="broken"), founded_folder(tmp_path / "there", "last"):
        raise ValueError("broken")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_one_writer_at_a_time_and_its_process_is_named(tmp_path: Path) -> None:
    with only_writer(tmp_path):
        held = pytest.raises(InputError, match=rf"planned by another trassa \(process {os.getpid()}\)")
        with held, only_writer(tmp_path):
            raise AssertionError("two writers")
    with only_writer(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_a_writer_sweeps_up_what_a_killed_one_left(tmp_path: Path) -> None:
    for left in (".outputs-x", ".founding-y", "stages/.road-z", "stages/.road-z-old", "stages/road", "inputs"):
        (tmp_path / left).mkdir(parents=True)
    with only_writer(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK, "inputs", "stages"]
    assert [path.name for path in (tmp_path / "stages").iterdir()] == ["road"]


def test_a_text_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.json"
    replace_text(path, "old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(InputError, match="No space left on device"):
            replace_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def result() -> StageResult:
    price = Price(amount_minor=100, low_minor=50, high_minor=200, unit="piece", source="мачта")
    rows = [{"claim": "radio.served", "start_m": 0.0, "end_m": 10.0, "reason": "лес", "cure": "мачта"}]
    blank = {"text": "", "bool": False, "int": 0, "float": float("nan")}
    full = [{c.name: row.get(c.name, blank.get(c.type, 0)) for c in SCHEMAS["unserved"].columns} for row in rows]
    return StageResult(
        {"unserved": Layer.from_rows(SCHEMAS["unserved"], full)},
        {"gap": 0.0},
        (Assumption("sigma", 8.0, "dB", True, "assumed"),),
        (BomLine("mast", "radio", 2.0, "piece", price),),
        ("a note",),
    )


def test_a_stage_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    store.save(tmp_path / "radio", "key", result())
    again = store.load(tmp_path / "radio", "key", SCHEMAS)
    assert again is not None
    assert again.digest() == result().digest()
    assert again.bom == result().bom
    assert again.notes == ("a note",)
    assert store.load(tmp_path / "radio", "other key", SCHEMAS) is None
    assert store.load(tmp_path / "nothing", "key", SCHEMAS) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"gap": 0.0', '"gap": 0.5'),
        ('"amount_minor": 100', '"amount_minor": 60'),
        ('"quantity": 2.0', '"quantity": 1.0'),
        ('"a note"', '"another"'),
        ('"sigma"', '"tau"'),
        ('"bom": [', '"bim": ['),
        ('"amount_minor": 100', '"amount_minor": 900'),
        ('"unserved"', '"nonsense"'),
        ('"layers": {', '"layers": 5, "x": {'),
        ("{", "", ),
    ],
)  # fmt: skip
def test_a_stage_whose_record_was_edited_is_not_believed(tmp_path: Path, old: str, new: str) -> None:
    store.save(tmp_path, "key", result())
    record = tmp_path / "stage.json"
    text = record.read_text("utf-8")
    assert old in text
    record.write_text(text.replace(old, new, 1), "utf-8")
    assert store.load(tmp_path, "key", SCHEMAS) is None


@pytest.mark.parametrize("damage", ["cut", "empty", "garbage", "gone", "flipped", "other"])
def test_a_stage_whose_arrays_were_damaged_is_not_believed(tmp_path: Path, damage: str) -> None:
    store.save(tmp_path, "key", result())
    arrays = tmp_path / "unserved.npz"
    body = arrays.read_bytes()
    if damage == "gone":
        arrays.unlink()
    elif damage == "other":
        np.savez(arrays, start_m=np.zeros(3))
    else:
        half = len(body) // 2
        flipped = body[:half] + bytes([body[half] ^ 0xFF]) + body[half + 1 :]
        arrays.write_bytes({"cut": body[:half], "empty": b"", "garbage": b"x" * 500, "flipped": flipped}[damage])
    assert store.load(tmp_path, "key", SCHEMAS) is None
