"""trassa init: from files, from examples, and what it refuses before anything is written."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from command_line import drawn_lane, trassa
from trassa.plan.project import open_project


@pytest.mark.parametrize(
    ("example", "ref", "inputs"), [("hills", "H 1", ["hills.osm", "hills.tif"]), ("m11", "М-11", ["m11.csv"])]
)
def test_both_examples(tmp_path: Path, example: str, ref: str, inputs: list[str]) -> None:
    done = trassa("init", tmp_path / "my road", "--example", example)
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines()[-1] == f"next: trassa run {shlex.quote(str(tmp_path / 'my road'))}"
    project = open_project(tmp_path / "my road")
    assert project.settings.road.ref == ref
    assert sorted(path.name for path in project.inputs.iterdir()) == sorted([*inputs, "manifest.json"])
    assert sorted(path.name for path in project.root.iterdir()) == ["inputs", "trassa.toml"]


def test_the_m11_says_that_it_is_an_estimate(tmp_path: Path) -> None:
    said = trassa("init", tmp_path / "m11", "--example", "m11").err
    assert "every result is an estimate" in said
    assert "trassa road fetch" in said


def test_the_current_folder(tmp_path: Path) -> None:
    drawn = drawn_lane(tmp_path / "drawn.csv")
    (tmp_path / "here").mkdir()
    done = trassa("init", ".", "--ref", "Б-1", "--centreline", drawn, cwd=tmp_path / "here")
    assert done.code == 0, done.err
    assert open_project(tmp_path / "here").settings.road.centreline == "drawn.csv"
    assert trassa("init", ".", "--example", "hills", cwd=tmp_path / "here").code == 3


def test_from_the_files_of_a_real_road(shared: Path, tmp_path: Path) -> None:
    place = shared / "roads" / "badhersfeld_a4"
    words = ["--ref", "a4", "--osm", place / "osm_bbox.osm.gz", "--dem", place / "N50E009.hgt.gz"]
    done = trassa("init", tmp_path / "a4", *words)
    assert "SRTM, taken as bare ground" in done.err
    settings = open_project(tmp_path / "a4").settings
    assert (settings.terrain.files, settings.terrain.kind) == (["N50E009.hgt.gz"], "bare")
    trassa("init", tmp_path / "b", *words, "--terrain-kind", "surface")
    assert open_project(tmp_path / "b").settings.terrain.kind == "surface"


def test_copernicus_tiles_are_surfaces(tmp_path: Path) -> None:
    tile = tmp_path / "Copernicus_DSM_COG_10_N55_00_E037_00_DEM.tif"
    tile.touch()
    drawn = drawn_lane(tmp_path / "drawn.csv")
    done = trassa("init", tmp_path / "p", "--ref", "Б-1", "--centreline", drawn, "--dem", tile)
    assert "Copernicus DSM is a surface model" in done.err
    assert open_project(tmp_path / "p").settings.terrain.kind == "surface"


@pytest.mark.parametrize("folder", ["there", "file", "project"])
def test_what_is_there_stays(tmp_path: Path, folder: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "trassa.toml").write_text("mine")
    told = trassa("init", tmp_path / folder, "--example", "hills").refused(3)
    assert str(tmp_path / folder) in told
    assert (tmp_path / "there" / "notes.txt").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "project" / "trassa.toml").read_text() == "mine"
    assert not list(tmp_path.rglob(".founding*"))


def test_two_inputs_of_one_name(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        drawn_lane(tmp_path / folder / "drawn.csv")
    words = ["--centreline", tmp_path / "a" / "drawn.csv", "--dem", tmp_path / "b" / "drawn.csv"]
    told = trassa("init", tmp_path / "p", "--ref", "Б-1", *words).refused(3)
    assert "two inputs are called drawn.csv. Try: rename one of them" in told
    (tmp_path / "manifest.json").touch()
    told = trassa("init", tmp_path / "p", "--ref", "Б-1", "--centreline", tmp_path / "manifest.json").refused(3)
    assert "manifest.json is the name of the list of inputs" in told
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(("band", "chosen", "frequency_mhz"), [("", "n28", 783.0), ("n78", "n78", 3550.0)])
def test_a_ready_radio_service(tmp_path: Path, band: str, chosen: str, frequency_mhz: float) -> None:
    """Only the names are written, so that a change of the band changes the rest; comments show what it stands for."""
    words = ("--profile", "de-100mbit", *(["--band", band] if band else []))
    done = trassa("init", tmp_path / "p", "--example", "hills", *words)
    assert done.code == 0
    assert "radio: de-100mbit: Bundesnetzagentur" in done.err
    radio = open_project(tmp_path / "p").settings.radio
    assert (radio.band, radio.frequency_mhz, radio.rate_down_mbps) == (chosen, frequency_mhz, 100.0)
    text = (tmp_path / "p" / "trassa.toml").read_text("utf-8")
    section = text.split("\n[radio]\n")[1].split("\n# [radio.")[0].splitlines()
    assert [line for line in section if line and not line.startswith("#")] == [
        'profile = "de-100mbit"',
        *([f'band = "{band}"'] if band else []),
    ]
    assert f"# frequency_mhz = {frequency_mhz}" in section
    drawn = drawn_lane(tmp_path / "drawn.csv")
    assert trassa("init", tmp_path / "q", "--ref", "Б-1", "--centreline", drawn, *words).code == 0
    assert open_project(tmp_path / "q").settings.radio == radio


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--profile", "fast"), "profile 'fast' is not known: cam-basic, de-100mbit"),
        (("--profile", "de-100mbit", "--band", "n1"), "has no band 'n1': n28, n78"),
        (("--band", "n28"), "--band n28 is that of a profile"),
    ],
)
def test_an_unknown_radio_service_is_refused_before_anything_is_written(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    error = trassa("init", tmp_path / "p", "--example", "hills", *words).refused(2)
    assert told in error
    assert "Try:" in error
    assert not (tmp_path / "p").exists()
