"""Fixtures that all tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from command_line import drawn_lane, trassa

PROJECT = Path(__file__).resolve().parents[1]

# no test asserts how fast the machine is; where a commit is judged, the same cases come every time
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data: real roads, terrain and tables that are not part of the project."""
    place = Path(os.environ.get("TRASSA_SHARED", PROJECT.parent / "shared" / "data"))
    if (place / "data").is_dir():
        place = place / "data"
    if not (place / "roads").is_dir():
        reason = f"shared data not found at {place}; set TRASSA_SHARED"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return place


@pytest.fixture
def forged(honest: Path, tmp_path: Path) -> Path:
    """A copy of a module's honest plan, to be forged; without its store, which verification never reads."""
    return Path(shutil.copytree(honest, tmp_path / "forged", ignore=shutil.ignore_patterns("stages")))


@pytest.fixture(scope="session")
def planned_hills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example ``hills``, planned; tests copy it before they change anything."""
    return _planned(tmp_path_factory.mktemp("planned") / "hills", "--example", "hills")


@pytest.fixture(scope="session")
def planned_a4(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """The A 4 of the shared data over its terrain, planned; tests copy it before they change anything."""
    place = shared / "roads" / "badhersfeld_a4"
    tiles = [word for tile in ("N50E008.hgt.gz", "N50E009.hgt.gz") for word in ("--dem", place / tile)]
    words = ("--ref", "A 4", "--osm", place / "osm_bbox.osm.gz", *tiles)
    return _planned(tmp_path_factory.mktemp("planned") / "a4", *words)


@pytest.fixture(scope="session")
def planned_m11(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example ``m11``, planned: a schematic axis with its tariffs; tests copy it before they change anything."""
    return _planned(tmp_path_factory.mktemp("planned") / "m11", "--example", "m11")


@pytest.fixture(scope="session")
def planned_lane(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four kilometres of a drawn road with a Cyrillic ref and no terrain, planned in a second: an estimate."""
    folder = tmp_path_factory.mktemp("planned")
    return _planned(folder / "lane", "--ref", "Б-1", "--centreline", drawn_lane(folder / "drawn.csv"))


def _planned(folder: Path, *words: object) -> Path:
    for done in (trassa("init", folder, *words), trassa("run", folder)):
        assert done.code == 0, done.err
    return folder
