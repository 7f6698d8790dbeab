"""``trassa radio path-loss`` and ``drive-test``: what they print, which word wins, and what they refuse."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Geod

from command_line import trassa
from trassa.radio.p1812 import Climate, Terminals, TransmissionLoss, Wave
from trassa.radio.p1812_bounds import basic_transmission_loss

GROUND_M = [120.0, 150.0, 90.0, 160.0, 40.0, 0.0, 5.0]
ZONES = [4, 4, 4, 3, 3, 1, 1]
LATITUDE_DEG = 52.0
GEOD = Geod(ellps="WGS84")

ASKED = ("--frequency-mhz", 800, "--time-percent", 10, "--tx-height-m", 30, "--rx-height-m", 1.5)


def profile(*, meteorology: str = "", zones: list[int] = ZONES) -> str:
    points = "".join(
        f"{3 * i},{ground:g},2,5,{zone}\n" for i, (ground, zone) in enumerate(zip(GROUND_M, zones, strict=True))
    )
    header = f"A link\nTx LAT:,{LATITUDE_DEG}\nTx LON:,8\nRx LAT:,{LATITUDE_DEG}\nRx LON:,8\n"
    return f"{header}{meteorology}{{Begin of Profile}}\nNumber of Points:,7\n{points}{{End of Profile}}\n"


AIR = (
    "{Begin of Meteorology}\nAverage annual values dN (N-units/km):,50\n"
    "Average annual sea-level surface refractivity No (N-units):,310\n{End of meteorology}\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "link.csv"
    path.write_text(profile(meteorology=AIR))
    return path


def expected(
    wave: Wave, climate: tuple[float, float] = (50.0, 310.0), coasts: tuple[float, float] = (500.0, 0.0)
) -> TransmissionLoss:
    return basic_transmission_loss(
        3.0 * np.arange(7),
        GROUND_M,
        np.full(7, 5.0),
        ZONES,
        terminals=Terminals(30.0, 1.5, *coasts),
        wave=wave,
        climate=Climate(*climate, LATITUDE_DEG),
    )


def asked(*words: object) -> dict[str, Any]:
    done = trassa("radio", "path-loss", *words, *ASKED, "--json")
    assert done.code == 0, done.err
    answer: dict[str, Any] = done.json
    return answer


def test_json(file: Path) -> None:
    answer, found = asked(file), expected(Wave(0.8, 10.0))
    assert set(answer) == {"basic_transmission_loss_db", "field_strength_dbuv_m", "intermediates"}
    assert answer["basic_transmission_loss_db"] == pytest.approx(found.lb_db, abs=1e-9)
    assert answer["field_strength_dbuv_m"] == pytest.approx(found.field_dbuv_per_m, abs=1e-9)
    parts = answer["intermediates"]
    assert len(parts) == 71
    assert parts["htc@37a"] == pytest.approx(found.surface.htc_m)
    assert parts["htc@Table 5"] == 150.0
    assert parts["th_t@76-78"] == pytest.approx(found.seen.theta_t_mrad)
    assert parts["dtm@Sec 3.6"] == 13.5
    assert (parts["d"], parts["f"], parts["pol"]) == (18.0, 0.8, 2.0)
    assert parts["phi@4"] == pytest.approx(LATITUDE_DEG, abs=1e-9)
    assert parts["Lb@69"] == answer["basic_transmission_loss_db"]
    assert (parts["dct"], parts["dcr"]) == (500.0, 0.0)


def test_table(file: Path) -> None:
    done = trassa("radio", "path-loss", file, *ASKED)
    lines = done.out.splitlines()
    assert len(lines) == 1 + 71 + 1
    assert f"basic transmission loss {expected(Wave(0.8, 10.0)).lb_db:.3f} dB" in lines[-1]


def test_options_override_the_file_and_the_file_the_defaults(file: Path) -> None:
    assert asked(file, "--dn", 60)["intermediates"]["DN"] == 60.0
    assert asked(file, "--n0", 350)["intermediates"]["N0"] == 350.0
    file.write_text(profile())
    parts = asked(file)["intermediates"]
    assert (parts["DN"], parts["N0"]) == (45.0, 325.0)
    assert parts["Lb@69"] == pytest.approx(expected(Wave(0.8, 10.0), (45.0, 325.0)).lb_db, abs=1e-9)


def test_coast_polarisation_and_places(file: Path) -> None:
    near = asked(file, "--sea-tx-km", 3, "--sea-rx-km", 4)
    found = expected(Wave(0.8, 10.0), coasts=(3.0, 4.0))
    assert near["basic_transmission_loss_db"] == pytest.approx(found.lb_db, abs=1e-9)
    flat = asked(file, "--polarisation", "h")
    assert flat["basic_transmission_loss_db"] == pytest.approx(
        expected(Wave(0.8, 10.0, vertical=False)).lb_db, abs=1e-9
    )
    file.write_text(profile(zones=[4] * 7))
    half, most = asked(file), asked(file, "--location-percent", 95, "--sigma-location-db", 5.5)
    gap_db = most["basic_transmission_loss_db"] - half["basic_transmission_loss_db"]
    assert gap_db == pytest.approx(1.6449 * 5.5, abs=0.003)


def test_profile_from_standard_input(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes()), "utf-8"))
    assert asked("-") == asked(file)


def test_a_short_path_is_answered_with_a_note(file: Path) -> None:
    near = [f"\n{3 * i}," for i in range(1, 7)]
    text = profile()
    for i, mark in enumerate(near, 1):
        text = text.replace(mark, f"\n{0.03 * i:g},")
    file.write_text(text)
    done = trassa("radio", "path-loss", file, *ASKED, "--json")
    assert done.code == 0
    assert "0.18 km long" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--frequency-mhz", 29.9), "frequency 29.9 is outside 30…6000 MHz"),
        (("--frequency-mhz", "nan"), "frequency nan"),
        (("--frequency-mhz", 6001), "frequency 6001"),
        (("--time-percent", 0.5), "time percentage 0.5"),
        (("--time-percent", 51), "time percentage 51"),
        (("--location-percent", 100), "location percentage 100"),
        (("--tx-height-m", 0), "transmitter's antenna height 0 "),
        (("--rx-height-m", "inf"), "receiver's antenna height inf"),
        (("--dn", 200), "lapse rate 200"),
        (("--n0", "nan"), "refractivity nan"),
        (("--sea-rx-km", -1), "receiver to the coast -1"),
        (("--sigma-location-db", -1), "between places -1"),
    ],
)
def test_values_outside_the_method(file: Path, words: tuple[object, ...], told: str) -> None:
    error = trassa("radio", "path-loss", file, *ASKED, *words, "--json").refused()
    assert told in error
    assert "Try:" in error


def test_the_ends_of_the_bounds_are_allowed(file: Path) -> None:
    for ends in (("30", "1", "1", "1"), ("6000", "50", "3000", "3000")):
        pairs = zip(ASKED[::2], ends, strict=True)
        done = trassa("radio", "path-loss", file, *[word for pair in pairs for word in pair], "--json")
        assert done.code == 0, done.err


def test_files_that_cannot_be_read(file: Path, tmp_path: Path) -> None:
    file.write_text(profile().replace("6,90,", "6,peak,"))
    assert "link.csv: line 10: ground height in m is 'peak'" in trassa("radio", "path-loss", file, *ASKED).refused()
    assert "none.csv" in trassa("radio", "path-loss", tmp_path / "none.csv", *ASKED).refused()
    assert "polarisation" in trassa("radio", "path-loss", file, *ASKED, "--polarisation", "x").refused(2)


MAPPED = (
    *("--column", "latitude_deg=Lat", "--column", "longitude_deg=Lon", "--column", "rsrp_dbm=RSRP"),
    *("--column", "cell=Id", "--cell-column", "cell=Id", "--cell-column", "latitude_deg=Lat"),
    *("--cell-column", "longitude_deg=Lon", "--cell-column", "frequency_mhz=MHz"),
)


@pytest.fixture
def lawful(tmp_path: Path) -> tuple[Path, Path]:
    """A drive past one cell whose levels follow −30 − 25 lg d to the last digit, and the list of cells."""
    rows = ["Lat,Lon,RSRP,Id"]
    for metres in range(500, 9000, 40):
        lon, lat, _ = GEOD.fwd(9.0, 50.0, 90.0, float(metres))
        rows.append(f"{lat:.9f},{lon:.9f},{-30.0 - 25.0 * np.log10(metres):.6f},7")
    (tmp_path / "drive.csv").write_text("\n".join([*rows, "50.0,9.2,-100,8", ""]))
    (tmp_path / "cells.csv").write_text("Id,Lat,Lon,MHz\n7,50.0,9.0,800\n")
    return tmp_path / "drive.csv", tmp_path / "cells.csv"


def test_a_drive_test_from_a_table(lawful: tuple[Path, Path]) -> None:
    drive, cells = lawful
    done = trassa("radio", "drive-test", drive, "--cells", cells, *MAPPED, "--json")
    assert done.code == 0, done.err
    assert "1 of 214 readings are of no cell in the list" in done.err
    band = done.json["bands"][0]
    assert band["readings"] == 213
    assert band["law"] == pytest.approx({"a_dbm": -30.0, "b_db": -25.0, "sigma_db": 0.0}, abs=2e-3)
    said = trassa("radio", "drive-test", drive, "--cells", cells, *MAPPED)
    assert "-30.0 -25.0 lg d" in said.out
    assert said.out.splitlines()[0].startswith("band")


def test_drive_tests_that_cannot_be_read(lawful: tuple[Path, Path], tmp_path: Path) -> None:
    drive, cells = lawful
    for words, told in (
        ((drive, *MAPPED), "comes without its cells"),
        ((drive, "--cells", tmp_path / "none.csv", *MAPPED), "No such file"),
        ((drive, "--cells", cells, "--column", "Lat"), "'Lat' is no NAME=HEADER"),
        ((drive, "--cells", cells, *MAPPED[2:]), "no header is given for latitude_deg"),
        ((tmp_path,), "no context files|context"),
    ):
        error = trassa("radio", "drive-test", *words).refused()
        assert re.search(told, error), (words, error)
        assert "Try:" in error
