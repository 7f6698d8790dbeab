"""Rural macro losses against a sheet worked by hand (its right cells) and against numbers worked here by hand."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.radio.rural_macro import rural_macro_db, rural_macro_los_db, rural_macro_nlos_db

LINK = (35.0, 1.5, 0.7)
"""Mast and receiver in m, GHz; houses of 5 m and streets of 20 m are the model's own."""
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def cells(shared: Path) -> dict[str, float]:
    """The numbers of the sheet by cell."""
    book = shared / "radio" / "pysim5g" / "path_loss_validation_etsi_3gpp_tr_138_901.xlsx"
    with zipfile.ZipFile(book) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    numbers = {}
    for cell in sheet.iter(f"{_SHEET}c"):
        value = cell.find(f"{_SHEET}v")
        if value is not None and value.text and cell.get("t") is None:
            numbers[str(cell.get("r"))] = float(value.text)
    return numbers


def test_the_sheet_is_about_the_same_link(cells: dict[str, float]) -> None:
    assert [cells[cell] for cell in ("C4", "C5", "C8", "C9", "F14")] == [35.0, 1.5, 20.0, 5.0, 0.7]


def test_line_of_sight(cells: dict[str, float]) -> None:
    assert rural_macro_los_db(cells["C14"] + cells["D14"], *LINK) == pytest.approx(cells["B14"], abs=1e-9)
    assert rural_macro_los_db(cells["C15"] + cells["D15"], *LINK) == pytest.approx(cells["B15"], abs=1e-9)


def test_the_slope_changes_at_the_breakpoint_of_the_sheet(cells: dict[str, float]) -> None:
    """Just beyond it the loss goes with the fourth power of the slant distance, just before it does not."""
    break_m = cells["G14"]
    assert _decade_db(break_m + 1e-6) == pytest.approx(40.0, abs=1e-3)
    assert _decade_db(break_m - 2.0) < 25.0


def _decade_db(distance_m: float) -> float:
    """Growth of the loss over the next metre, in dB per decade of slant distance."""
    slant_m = [math.hypot(at_m, LINK[0] - LINK[1]) for at_m in (distance_m, distance_m + 1.0)]
    grown_db = rural_macro_los_db(distance_m + 1.0, *LINK) - rural_macro_los_db(distance_m, *LINK)
    return grown_db / math.log10(slant_m[1] / slant_m[0])


@pytest.mark.parametrize(("cell", "distance_m", "by_hand_db"), [("B21", 100.0, 78.694), ("B23", 5000.0, 143.439)])
def test_without_line_of_sight(cells: dict[str, float], cell: str, distance_m: float, by_hand_db: float) -> None:
    found_db = rural_macro_nlos_db(distance_m, *LINK)
    assert found_db == pytest.approx(by_hand_db, abs=6e-4)
    # the sheet squares 3.7 as well, (3.7 h/h_BS)² for 3.7 (h/h_BS)²: its cell is that much too high
    slip_db = (3.7**2 - 3.7) * (5.0 / 35.0) ** 2 * math.log10(35.0)
    assert found_db == pytest.approx(cells[cell] - slip_db, abs=1e-9)


@given(st.floats(10.0, 4999.0), st.floats(0.5, 30.0), st.floats(10.0, 150.0), st.floats(1.0, 10.0))
def test_losses_grow_and_the_hidden_terminal_never_hears_more(
    distance_m: float, ghz: float, base_m: float, terminal_m: float
) -> None:
    link = (base_m, terminal_m, ghz)
    assert rural_macro_nlos_db(distance_m, *link) >= rural_macro_los_db(distance_m, *link)
    assert rural_macro_los_db(distance_m + 1.0, *link) > rural_macro_los_db(distance_m, *link)


def test_no_step_of_more_than_the_slant_at_the_breakpoint(cells: dict[str, float]) -> None:
    at_m = cells["G14"]
    step_db = rural_macro_los_db(at_m * (1.0 + 1e-12), *LINK) - rural_macro_los_db(at_m * (1.0 - 1e-12), *LINK)
    assert abs(step_db) < 0.02  # the breakpoint counts along the ground, the loss along the slant


@pytest.mark.parametrize(
    ("distance_m", "mast_m", "clear"),
    [(10_001.0, 35.0, True), (5001.0, 35.0, False), (100.0, 151.0, True), (100.0, 9.9, False)],
)
def test_outside_the_table_there_is_no_link(distance_m: float, mast_m: float, clear: bool) -> None:
    assert rural_macro_db(distance_m, mast_m, 1.5, 0.7, clear) == math.inf


def test_line_of_sight_reaches_twice_as_far() -> None:
    assert math.inf > rural_macro_db(10_000.0, 35.0, 1.5, 0.7, True) > rural_macro_db(5000.0, 35.0, 1.5, 0.7, True)


def test_nearer_than_ten_metres_counts_as_ten() -> None:
    assert rural_macro_los_db(3.0, *LINK) == rural_macro_los_db(10.0, *LINK)
