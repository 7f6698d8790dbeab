"""Bad input, full disks, sudden death and two at once: one clear error, and what was there stays byte for byte."""

from __future__ import annotations

import gzip
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from command_line import Finished, contents, drawn_lane, fresh_process, set_in, trassa
from trassa.plan.folder import only_writer


@pytest.fixture
def lane(planned_lane: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(planned_lane, tmp_path / "lane"))


@pytest.fixture
def a4_inputs(shared: Path) -> Path:
    return shared / "roads" / "badhersfeld_a4"


def founded(folder: Path, *words: object) -> Path:
    done = trassa("init", folder, *words)
    assert done.code == 0, done.err
    return folder


# ── the map ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["cut.osm.gz", "cut.osm"])
def test_a_truncated_map(a4_inputs: Path, tmp_path: Path, name: str) -> None:
    body = (a4_inputs / "osm_bbox.osm.gz").read_bytes()
    whole = body if name.endswith(".gz") else gzip.decompress(body)
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    told = trassa("init", tmp_path / "p", "--ref", "A 4", "--osm", tmp_path / name).refused()
    assert f"{name} (" in told
    assert "breaks off or is damaged" in told
    assert not (tmp_path / "p").exists()


def test_a_map_truncated_after_the_first_plan(planned_a4: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(planned_a4, tmp_path / "a4"))
    osm = project / "inputs" / "osm_bbox.osm.gz"
    osm.write_bytes(osm.read_bytes()[:200_000])
    before = contents(project)
    assert "breaks off or is damaged" in trassa("run", project).refused()
    assert contents(project) == before


def test_a_ref_that_is_not_there_lists_those_that_are(a4_inputs: Path, tmp_path: Path) -> None:
    told = trassa("init", tmp_path / "p", "--ref", "A 99", "--osm", a4_inputs / "osm_bbox.osm.gz").refused()
    assert "no road with the ref 'A 99'" in told
    assert "A 4 (27.2 km of motorway)" in told
    assert "B 27" in told
    words = ["--ref", "A 4", "--class", "primary", "--osm", a4_inputs / "osm_bbox.osm.gz"]
    assert "holds no primary with the ref 'A 4'" in trassa("init", tmp_path / "p", *words).refused()
    words[3] = "motoway"
    assert "'motoway' is not a road class" in trassa("init", tmp_path / "p", *words).refused()
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("name", "body"), [("a.txt", b"text"), ("a.osm", b""), ("a.osm", b"\x00\x01"), ("a.osm.pbf", b"x")]
)
def test_what_is_no_map(tmp_path: Path, name: str, body: bytes) -> None:
    (tmp_path / name).write_bytes(body)
    told = trassa("init", tmp_path / "p", "--ref", "A 4", "--osm", tmp_path / name).refused()
    assert name in told
    assert not (tmp_path / "p").exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for word in ("--osm", "--centreline", "--schematic"):
        told = trassa("init", tmp_path / "p", "--ref", "A 4", word, tmp_path / "gone.osm").refused()
        assert f"{tmp_path / 'gone.osm'} does not exist" in told
    assert "is not a file" in trassa("init", tmp_path / "p", "--ref", "A 4", "--osm", tmp_path).refused()


# ── the terrain ──────────────────────────────────────────────────────────────────────────────────────────────────────


def tile_of(a4_inputs: Path) -> np.ndarray:
    heights = np.frombuffer(gzip.decompress((a4_inputs / "N50E009.hgt.gz").read_bytes()), ">i2")
    side = int(heights.size**0.5)
    return heights.reshape(side, side).astype(np.int16)


def test_terrain_that_misses_three_kilometres(a4_inputs: Path, tmp_path: Path) -> None:
    """East of 9.752° there is no tile: the road's first 3 km."""
    heights = tile_of(a4_inputs)
    step = 1.0 / (heights.shape[1] - 1)
    kept = heights[:, : int(0.752 / step)]
    shape = {"height": kept.shape[0], "width": kept.shape[1], "count": 1, "dtype": "int16", "crs": "EPSG:4326"}
    place = rasterio.Affine(step, 0.0, 9.0 - step / 2, 0.0, -step, 51.0 + step / 2)
    with rasterio.open(tmp_path / "west.tif", "w", driver="GTiff", transform=place, **shape) as file:
        file.write(kept, 1)
    words = ["--ref", "A 4", "--osm", a4_inputs / "osm_bbox.osm.gz", "--dem", tmp_path / "west.tif"]
    told = trassa("run", founded(tmp_path / "p", *words)).err.splitlines()[-1]
    assert "no height for A 4 km 349+386–35" in told
    assert "add a tile with heights there, such as N50E009.hgt" in told
    assert not (tmp_path / "p" / "proof.json").exists()


def test_a_tile_of_nothing_but_void(planned_a4: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(planned_a4, tmp_path / "a4"))
    void = np.full((1201, 1201), -32768, ">i2").tobytes()
    (project / "inputs" / "N50E009.hgt.gz").write_bytes(gzip.compress(void, 1))
    before = contents(project)
    told = trassa("run", project).refused()
    assert "A 4 km 349+386–363+000" in told
    assert "void in N50E009.hgt.gz" in told
    assert contents(project) == before


@pytest.mark.parametrize("body", [b"", b"short", b"\x1f\x8b broken"])
def test_a_tile_that_is_none(planned_a4: Path, tmp_path: Path, body: bytes) -> None:
    project = Path(shutil.copytree(planned_a4, tmp_path / "a4"))
    (project / "inputs" / "N50E009.hgt.gz").write_bytes(body)
    before = contents(project)
    assert "N50E009.hgt.gz" in trassa("run", project).refused()
    assert contents(project) == before


# ── a drawn road ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_drawing_with_latitude_and_longitude_swapped(tmp_path: Path) -> None:
    """Longitude 137° in the column of latitudes cannot be one; the cure is named."""
    rows = [f"{137.3 + step * 1e-3:.6f},55.0" for step in range(20)]
    (tmp_path / "s.csv").write_text("\n".join(["lat,lon", *rows]), "utf-8")
    project = founded(tmp_path / "p", "--ref", "Б-1", "--centreline", tmp_path / "s.csv")
    told = trassa("run", project).refused()
    assert "s.csv point 1 has latitude 137.3, longitude 55. Try: swap them" in told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lat,lon\n",
        "lat,lon\n55,37\n",
        "lat,lon\n55,37\n55,east\n",
        "lat,lon\n55,37\n55,nan\n",
        "a,b\n55,37\n55.1,37\n",
        "lat,lon,km\n55,37,1\n55.1,37,?\n",
    ],
)
def test_a_drawing_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "d.csv").write_text(text, "utf-8")
    project = founded(tmp_path / "p", "--ref", "Б-1", "--centreline", tmp_path / "d.csv")
    assert "d.csv" in trassa("run", project).refused()


# ── trassa.toml ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("section", "line", "told"),
    [
        ("radio", "frequncy_mhz = 700.0", "unknown key radio.frequncy_mhz. Try: frequency_mhz"),
        ("radio", "new_mast_spacing_m = -250.0", "radio.new_mast_spacing_m = -250.0: should be greater than 0"),
        ("radio", "sigma_db = 'much'", "radio.sigma_db = 'much': should be a valid number"),
        ("radio", "sigma_db = ", "is not TOML"),
        ("road", 'ref = "A 5"', "is not TOML"),
        ("road", 'osm = ["a.osm"]', "input a.osm is missing"),
        ("terrain", 'files = ["../lane.hgt"]\nkind = "bare"', "'../lane.hgt' is not the name of a file"),
        ("terrain", 'files = ["N55E037.hgt"]', "kind is required with files"),
    ],
)
def test_settings_that_cannot_be_meant(lane: Path, section: str, line: str, told: str) -> None:
    set_in(lane, section, line)
    before = contents(lane)
    assert told in trassa("run", lane).refused()
    assert contents(lane) == before


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", 'ref = "М-11"'.encode("cp1251"), b""])
def test_settings_that_are_no_text(lane: Path, body: bytes) -> None:
    (lane / "trassa.toml").write_bytes(body)
    for command in ("run", "show", "verify"):
        assert "trassa.toml" in trassa(command, lane).refused()


# ── what verify reads ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["plan.gpkg", "proof.json", "inputs/drawn.csv", "inputs/manifest.json"])
@pytest.mark.parametrize("damage", ["gone", "cut", "garbage"])
def test_verify_names_the_file_that_it_cannot_read(lane: Path, name: str, damage: str) -> None:
    path = lane / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100] if damage == "cut" else b"{")
    done = trassa("verify", lane)
    assert done.code in (1, 3)
    assert Path(name).name in done.out + done.err
    assert "Traceback" not in done.err


# ── folders that cannot be written, disks that are full ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["/proc/nowhere/p", "file/p"])
def test_init_where_nothing_can_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    told = trassa("init", tmp_path / place, "--ref", "Б-1", "--centreline", drawn_lane(tmp_path / "d.csv")).refused()
    assert "cannot write" in told


@pytest.mark.parametrize("name", ["stages", ".lock"])
def test_a_project_that_cannot_be_written(lane: Path, name: str) -> None:
    set_in(lane, "radio", "sigma_db = 7.0")
    if name == "stages":
        shutil.rmtree(lane / name)
        (lane / name).touch()
    else:
        (lane / name).unlink()
        (lane / name).mkdir()
    before = contents(lane)
    told = trassa("run", lane).refused()
    assert "cannot write" in told
    assert "what was there before is intact" in told
    assert contents(lane) == before


def run_with_little_room(folder: Path, bytes_per_file: int) -> Finished:
    """``trassa run`` where no file may grow beyond a size, which fails as a full disk does."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_per_file},) * 2)"
    return fresh_process("run", folder, before=limit)


@pytest.mark.parametrize(("section", "line"), [("radio", "sigma_db = 7.0"), ("road", "corridor_m = 301.0")])
def test_a_disk_that_fills_while_a_stage_is_kept(lane: Path, section: str, line: str) -> None:
    set_in(lane, section, line)
    before = contents(lane)
    told = run_with_little_room(lane, 1000).refused()
    assert f"cannot write {lane}/stages/{section}: File too large; what was there before is intact" in told
    assert contents(lane) == before


@pytest.mark.parametrize("kilobytes", [2, 20, 150])
def test_a_disk_that_fills_while_the_outputs_are_written(lane: Path, kilobytes: int) -> None:
    """The stages are up to date; only the title changes, so that only outputs are written."""
    text = (lane / "trassa.toml").read_text("utf-8")
    (lane / "trassa.toml").write_text(text.replace('name = ""', 'name = "Новое имя"'), "utf-8")
    sizes = {path.name: path.stat().st_size for path in lane.iterdir()}
    assert sizes["plan.gpkg"] > 150_000, "the largest output must not fit"
    before = contents(lane)
    told = run_with_little_room(lane, kilobytes * 1000).refused()
    assert "what was there before is intact" in told
    assert ".outputs-" not in told
    assert contents(lane) == before
    assert not list(lane.glob(".outputs-*"))
    assert trassa("run", lane).code == 0
    assert "Новое имя" in (lane / "report.html").read_text("utf-8")


def test_a_disk_that_fills_while_a_project_is_founded(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    words = ["--ref", "Б-1", "--centreline", drawn_lane(tmp_path / "d.csv")]
    assert "File too large" in fresh_process("init", tmp_path / "p", *words, before=limit).refused()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv"]


def test_the_limit_is_the_childs_alone() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# ── sudden death ─────────────────────────────────────────────────────────────────────────────────────────────────────

DIES_AT = """
import os, signal
def dying(*words, **named):
    dying.left -= 1
    if dying.left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*words, **named)
"""


@pytest.mark.parametrize(
    ("where", "after"),
    [
        ("import trassa.plan.store as m; real, m.save = m.save, dying", 1),
        ("import trassa.plan.store as m; real, m.np.savez = m.np.savez, dying", 2),
        ("real, os.replace = os.replace, dying", 0),
        ("real, os.replace = os.replace, dying", 2),
    ],
    ids=["between stages", "inside a stage", "before the outputs", "between the outputs"],
)
def test_killed_in_the_middle_and_run_again(planned_lane: Path, lane: Path, where: str, after: int) -> None:
    for name in ("stages", "proof.json", "report.html"):
        shutil.rmtree(lane / name) if (lane / name).is_dir() else (lane / name).unlink()
    died = fresh_process("run", lane, before=f"{DIES_AT}\ndying.left = {after}\n{where}")
    assert died.code == -signal.SIGKILL, died.err
    assert trassa("run", lane).code == 0
    assert not [path for path in lane.rglob(".*") if path.name != ".lock"]
    kept = {"proof.json", "bom.xlsx", "line.xlsx", "report.html"}
    again, first = contents(lane), contents(planned_lane)
    assert {name: again[name] for name in kept} == {name: first[name] for name in kept}
    assert trassa("verify", lane).code == 0


# ── two at once ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_run_is_told_who_holds_the_project(lane: Path) -> None:
    before = contents(lane)
    with only_writer(lane):
        told = trassa("run", lane).refused()
        assert f"{lane} is being planned by another trassa (process {os.getpid()})" in told
        assert trassa("show", lane).code == 0
        assert trassa("verify", lane).code == 0
        assert trassa("road", "locate", lane, "55.01", "37.3").code == 0
    assert contents(lane) == before
    assert trassa("run", lane).code == 0


def test_two_runs_at_the_same_time_leave_one_good_plan(lane: Path) -> None:
    set_in(lane, "radio", "sigma_db = 7.0")
    command = [sys.executable, "-m", "trassa", "run", str(lane)]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=60)[1].decode() for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 3]), said
    assert not any("Traceback" in text for text in said)
    assert trassa("verify", lane).code == 0


def test_an_input_that_changes_while_it_is_read_is_not_kept(lane: Path) -> None:
    set_in(lane, "road", "corridor_m = 301.0")
    changes = """
import trassa.plan.road_stage as stage
real = stage.survey
def survey(settings, terrain, terrain_settings, inputs, progress):
    road = real(settings, terrain, terrain_settings, inputs, progress)
    with (inputs / "drawn.csv").open("a") as file:
        file.write("55.04,37.3,104.5\\n")
    return road
stage.survey = survey
"""
    told = fresh_process("run", lane, before=changes).refused()
    assert "stage road: an input changed while it was read" in told
    assert trassa("run", lane).code == 0
