"""Antenna files: the shapes in which manufacturers write them, and what is refused by line and value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trassa.errors import InputError
from trassa.radio.antenna import SectorPattern
from trassa.radio.antenna_file import FilePattern, read_antenna_file

SECTOR = SectorPattern(17.65, 65.0, 8.0, 30.0, 25.0)
TILT_DEG = 4.0


def cut(section: str, loss_db: Callable[[float], float], step_deg: float = 1.0) -> list[str]:
    angles = np.arange(0.0, 360.0, step_deg)
    return [f"{section} {len(angles)}", *(f"{angle:g} {loss_db(angle):.4f}" for angle in angles)]


def horizontal(step_deg: float = 1.0) -> list[str]:
    return cut("HORIZONTAL", lambda angle: float(SECTOR.attenuation_db(angle, 0.0, 0.0)), step_deg)


def vertical(tilt_deg: float = TILT_DEG, step_deg: float = 1.0) -> list[str]:
    return cut("VERTICAL", lambda angle: min(12.0 * (signed(angle - tilt_deg) / 8.0) ** 2, 25.0), step_deg)


def signed(angle_deg: float) -> float:
    return (angle_deg + 180.0) % 360.0 - 180.0


HEAD = ["NAME 80010XXX", "MAKE nobody", "FREQUENCY 806", "H_WIDTH 65", "V_WIDTH 8", "GAIN 15.5 dBd", "TILT ELECTRICAL"]


def written(tmp_path: Path, *parts: list[str], end: str = "\n") -> Path:
    path = tmp_path / "antenna.msi"
    path.write_bytes(end.join(line for part in parts for line in part).encode("latin-1"))
    return path


def read(tmp_path: Path, *parts: list[str], end: str = "\n") -> FilePattern:
    return read_antenna_file(written(tmp_path, *parts, end=end))


def test_plain_file(tmp_path: Path) -> None:
    pattern = read(tmp_path, HEAD, ["ELECTRICAL_TILT 4"], horizontal(), vertical())
    assert (pattern.name, pattern.frequency_mhz, pattern.electrical_tilt_deg) == ("80010XXX", 806.0, 4.0)
    assert pattern.gain_dbi == pytest.approx(17.65)
    azimuth_deg, down_deg = np.meshgrid(np.arange(-180.0, 180.0), np.arange(-90.0, 91.0))
    expected_db = SECTOR.attenuation_db(azimuth_deg, 0.0, 0.0) + np.minimum(12.0 * ((down_deg - 6.0) / 8.0) ** 2, 25.0)
    np.testing.assert_allclose(pattern.attenuation_db(azimuth_deg, down_deg, 6.0), expected_db, rtol=0.0, atol=1e-3)


def test_order_case_blanks_tabs_and_commas_do_not_matter(tmp_path: Path) -> None:
    plain = read(tmp_path, HEAD, ["ELECTRICAL_TILT 4"], horizontal(), vertical())
    loose = [
        f"  {line.lower()}\t".replace(" ", "\t").replace(".", ",") for line in [*vertical(), "", *horizontal(), "  "]
    ]
    other = read(tmp_path, HEAD, ["electrical_tilt\t4.0"], loose, end="\r\n")
    for name in ("horizontal_deg", "horizontal_db", "vertical_deg", "vertical_db"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(other, name))


def test_remarks_signs_and_numbers_as_other_programs_write_them(tmp_path: Path) -> None:
    plain = read(tmp_path, HEAD, ["ELECTRICAL_TILT 4"], horizontal(), vertical())
    head = ["# made by hand", "! 2014", "80010 panel", *(line.replace(" ", " = ", 1) for line in HEAD)]
    flat, steep = horizontal(), vertical()
    cuts = [
        "HORIZONTAL=360", "# angle, loss", *(f"{float(a):.5E} {float(v):.6E}" for a, v in map(str.split, flat[1:])),
        "VERTICAL: 360", *(f"{line.replace(' ', ';').replace('.', ',')} // point" for line in steep[1:]),
    ]  # fmt: skip
    other = read(tmp_path, head, ["ELECTRICAL_TILT=4"], cuts, ["\x1a"], end="\r\n")
    assert other.name == plain.name
    for name in ("horizontal_deg", "horizontal_db", "vertical_deg", "vertical_db"):
        np.testing.assert_allclose(getattr(other, name), getattr(plain, name), rtol=0.0, atol=1e-6)


def test_doubts_about_an_antenna_that_is_not_that_of_the_settings(tmp_path: Path) -> None:
    pattern = read(tmp_path, HEAD, horizontal(), vertical())
    assert pattern.doubts(763.0, 15.0) == []
    assert pattern.doubts(3500.0, 15.0) == ["antenna: 80010XXX was measured at 806 MHz, the carrier is 3500 MHz"]
    assert pattern.doubts(806.0, 18.0) == ["antenna: 80010XXX has 17.65 dBi, radio.site_gain_dbi counts 18"]
    assert read(tmp_path, ["GAIN 15"], horizontal(), vertical()).doubts(3500.0, 15.0) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_names_survive(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "antenna.pln"
    path.write_bytes("\n".join(["NAME Rödelheim 65°", "GAIN 15", *horizontal(), *vertical()]).encode(encoding))
    assert read_antenna_file(path).name == "Rödelheim 65°"


def test_decimal_degrees_and_closed_circles(tmp_path: Path) -> None:
    fine = read(tmp_path, HEAD, ["ELECTRICAL_TILT 4"], horizontal(0.5), vertical(step_deg=0.5))
    assert len(fine.vertical_deg) == 720
    closed = horizontal()[1:]
    pattern = read(tmp_path, HEAD, ["HORIZONTAL 361", *closed, "360 0.0"], vertical())
    assert len(pattern.horizontal_deg) == 360
    around = [f"{signed(float(line.split()[0])):g} {line.split()[1]}" for line in closed]
    assert float(read(tmp_path, HEAD, ["HORIZONTAL 360", *around], vertical()).attenuation_db(-32.5, 4.0, 4.0)) == (
        pytest.approx(3.0, abs=0.01)
    )


def test_symmetric_across_the_seam(tmp_path: Path) -> None:
    pattern = read(tmp_path, HEAD, horizontal(), vertical())
    off_deg = np.linspace(0.0, 180.0, 721)
    left_db, right_db = (pattern.attenuation_db(side * off_deg, 4.0, TILT_DEG) for side in (-1.0, 1.0))
    np.testing.assert_allclose(left_db, right_db, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("line", "gain_dbi"),
    [
        ("GAIN 17.5 dBi", 17.5),
        ("GAIN 15.5", 17.65),
        ("gain 15.5dBd", 17.65),
        ("GAIN (dBi) 9.1", 9.1),
        ("GAIN 15,5 dBd", 17.65),
        ("GAIN 15.5 dBd (17.65 dBi)", 17.65),
        ("GAIN 17.65 dBi (15.5 dBd)", 17.65),
        ("GAIN=1.55E+01", 17.65),
        ("GAIN: 15.", 17.15),
    ],
)
def test_gains(tmp_path: Path, line: str, gain_dbi: float) -> None:
    assert read(tmp_path, [line], horizontal(), vertical()).gain_dbi == pytest.approx(gain_dbi)


@pytest.mark.parametrize(
    ("line", "frequency_mhz"),
    [
        ("FREQUENCY 2.437 GHz", 2437.0),
        ("FREQUENCY 791-821 MHz", 806.0),
        ("FREQUENCY 806.0", 806.0),
        ("COMMENT -", None),
    ],
)
def test_frequencies(tmp_path: Path, line: str, frequency_mhz: float | None) -> None:
    assert read(tmp_path, ["GAIN 15", line], horizontal(), vertical()).frequency_mhz == frequency_mhz


@pytest.mark.parametrize(
    "line", ["TILT ELECTRICAL 4", "ELECTRICAL_TILT 4", "TILT ELECTRICAL", "TILT MECHANICAL 0", "TILT"]
)
def test_the_files_own_tilt(tmp_path: Path, line: str) -> None:
    """Given, or else where the lobe looks."""
    assert read(tmp_path, ["GAIN 15", line], horizontal(), vertical()).electrical_tilt_deg == pytest.approx(4.0)


def test_a_lobe_turned_upward_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tilt 4°, but the vertical cut looks -4° down.*straight down"):
        read(tmp_path, HEAD, ["ELECTRICAL_TILT 4"], horizontal(), vertical(-4.0))
    with pytest.raises(InputError, match="tilt 9°, but the vertical cut looks 4° down"):
        read(tmp_path, HEAD, ["ELECTRICAL_TILT 9"], horizontal(), vertical())


def replaced(lines: list[str], number: int, line: str) -> list[str]:
    return [*lines[:number], line, *lines[number + 1 :]]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([["GAIN 15"], replaced(horizontal(), 3, "2 abc"), vertical()], r"line 5: '2 abc' in HORIZONTAL"),
        ([["GAIN 15"], replaced(horizontal(), 3, "2 -3.1"), vertical()], r"line 5: attenuation -3.1 dB"),
        ([["GAIN 15"], replaced(horizontal(), 3, "2 nan"), vertical()], r"line 5: '2 nan'"),
        ([["GAIN 15"], replaced(horizontal(), 3, "999 1"), vertical()], r"line 5: angle 999° in HORIZONTAL"),
        ([["GAIN 15"], horizontal(), vertical()[:100]], r"VERTICAL ends after 99 of 360 lines"),
        ([["GAIN 15"], [*horizontal(), "0 0"], vertical()], r"line 363: '0 0' lies in no section"),
        ([["GAIN 15"], horizontal()], r"no section VERTICAL"),
        ([["GAIN 15"], horizontal(), horizontal(), vertical()], r"line 363: a second section HORIZONTAL"),
        ([["GAIN 15"], replaced(horizontal(), 0, "HORIZONTAL many"), vertical()], r"line 2: HORIZONTAL many"),
        ([["GAIN 15"], replaced(horizontal(), 3, "1 9"), vertical()], r"gives one angle twice"),
        ([["GAIN 15"], cut("HORIZONTAL", lambda _: 0.0, 15.0), vertical()], r"HORIZONTAL leaves out 15°"),
        ([["GAIN xx.xxdBi"], horizontal(), vertical()], r"line 1: GAIN 'xx.xxdBi' holds no number"),
        ([["GAIN 155 dBi"], horizontal(), vertical()], r"line 1: GAIN '155 dBi' lies outside -20..60 dBi"),
        ([["FREQUENCY any", "GAIN 15"], horizontal(), vertical()], r"line 1: FREQUENCY 'any'"),
        ([["GAIN 15", "ELECTRICAL_TILT 80"], horizontal(), vertical()], r"line 2: ELECTRICAL_TILT 80°"),
        ([horizontal(), vertical()], r"no line GAIN"),
        ([[]], r"no section HORIZONTAL"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, parts: list[list[str]], told: str) -> None:
    with pytest.raises(InputError, match=rf"antenna file .*antenna.msi.*{told}.* Try: "):
        read(tmp_path, *parts)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_antenna_file(tmp_path / "none.msi")
    with pytest.raises(InputError, match="directory"):
        read_antenna_file(tmp_path)
