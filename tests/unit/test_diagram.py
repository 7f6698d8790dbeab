"""The straight-line diagram prints and parses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.linear import Calibration, Diagram, Extent, KmLabel, LabelInterval, Row, Ruler, Tick

WHOLE = """\
km      340       350       360
road    ====================.
tunnel  .......####..........
sites   ...A........B....C...
margin  7776543210-012345678.  dB above need
fibre   H===c===c===H===c===H"""


def test_the_specimen() -> None:
    diagram = Diagram.parse(WHOLE)
    assert str(diagram) == WHOLE
    assert diagram.ruler.step_m == 1000.0
    assert diagram.extents("tunnel", "#") == [Extent(347_000.0, 351_000.0)]
    assert diagram.positions("sites") == [("A", 343_000.0), ("B", 352_000.0), ("C", 357_000.0)]
    assert diagram.positions("fibre", "H") == [("H", 340_000.0), ("H", 352_000.0), ("H", 360_000.0)]
    assert diagram.extents("fibre", "=Hc") == [Extent(340_000.0, 361_000.0)]
    margin = diagram.profile("margin")
    assert margin.values[10] == -1.0
    assert np.isnan(margin.values[20])
    assert margin.measure_m[9] == 349_000.0
    with pytest.raises(InputError, match="no row 'gantries'"):
        diagram.row("gantries")
    with pytest.raises(InputError, match="holds '#'"):
        diagram.profile("tunnel")


names = st.from_regex(r"[a-zа-я]{1,8}( [→←a-zа-я]{1,5})?", fullmatch=True)
notes = st.one_of(st.just(""), st.from_regex(r"[A-Za-zА-Яа-я0-9,]{1,9}( [a-zа-я]{1,5}){0,2}", fullmatch=True))


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    columns = draw(st.integers(3, 60))
    cells = st.text("=#.ABCHc0123456789-", min_size=columns, max_size=columns)
    rows = draw(st.lists(st.builds(Row, names, cells, notes), min_size=1, max_size=5, unique_by=lambda row: row.name))
    step_m = draw(st.one_of(st.sampled_from([10.0, 100.0, 1000.0]), st.floats(0.5, 5000.0)))
    start_m = draw(st.one_of(st.sampled_from([0.0, 340_000.0]), st.floats(0.0, 700_000.0)))
    at = draw(st.lists(st.integers(0, columns // 12), unique=True, max_size=4))
    labels = sorted(draw(st.lists(st.integers(0, 99_999), min_size=len(at), max_size=len(at), unique=True)))
    ticks = tuple(Tick(c * 12, KmLabel(km, 0.0)) for c, km in zip(sorted(at), labels, strict=True) if c * 12 < columns)
    return Diagram(Ruler(start_m, step_m, columns, ticks, draw(st.sampled_from(["Latn", "Cyrl"]))), tuple(rows))


@given(diagrams(), st.integers(4, 40))
def test_what_is_printed_reads_back(diagram: Diagram, width: int) -> None:
    assert Diagram.parse(str(diagram)) == diagram
    again = Diagram.parse(diagram.wrapped(width))
    assert [row.cells for row in again.rows] == [row.cells for row in diagram.rows]
    assert again.ruler.columns == diagram.ruler.columns
    assert again.ruler.ticks == diagram.ruler.ticks
    assert again.ruler.start_m == pytest.approx(diagram.ruler.start_m)


@given(st.floats(50.0, 800_000.0), st.integers(12, 240), st.floats(0.0, 900.0))
def test_a_ruler_is_as_wide_as_asked_and_no_coarser_than_needed(length_m: float, columns: int, km: float) -> None:
    ruler = Ruler.over(Extent(0.0, length_m), Calibration.from_start(length_m, km), columns)
    assert ruler.columns <= columns
    assert 0 <= ruler.column(length_m) < ruler.columns
    assert ruler.step_m == 1.0 or ruler.columns >= columns / 2.5 - 2
    hair_m = 1e-3 + 2e-5 * ruler.step_m  # a label that near to a column's edge may stand in either
    for tick in ruler.ticks:
        exact_m = (tick.label.decimal_km - km) * 1000.0
        assert ruler.measure_m(tick.column) - hair_m <= exact_m <= ruler.measure_m(tick.column + 1) + hair_m


@given(
    st.lists(st.tuples(st.integers(-20, 220), st.integers(1, 60), st.floats(-9, 9)), min_size=1, max_size=30),
    st.integers(1, 40),
)
def test_worst_of_a_column_is_the_brute_force_minimum(rows: list[tuple[int, int, float]], step_m: int) -> None:
    ruler = Ruler(0.0, float(step_m), 200 // step_m, ())
    start_m = np.array([float(s) for s, _, _ in rows])
    end_m = np.array([float(s + n) for s, n, _ in rows])
    worst = ruler.worst(start_m, end_m, np.array([v for _, _, v in rows]))
    for column in range(ruler.columns):
        metres = range(column * step_m, (column + 1) * step_m)
        touching = [v for s, n, v in rows if any(s <= m < s + n for m in metres)]
        if touching:
            assert worst[column] == min(touching)
        else:
            assert np.isnan(worst[column])


def test_marks_in_one_column() -> None:
    ruler = Ruler(0.0, 1000.0, 6, (Tick(0, KmLabel(0)), Tick(5, KmLabel(5))))
    marks = [("J", 100.0), ("J", 900.0), ("S", 1100.0), ("T", 1900.0), ("A", 5000.0), ("B", 6000.0), ("B", -1.0)]
    assert Row.blank("places", ruler).marked(ruler, marks).cells == "J2...A"


def test_digits() -> None:
    assert Row.digits("margin", [0.0, 0.99, 9.7, 40.0, -0.01, -np.inf, np.nan]).cells == "0099--."


def test_labels_repeated_by_a_jump_stand_twice() -> None:
    calibration = Calibration(
        (LabelInterval(0.0, 4000.0, 10.0, 14.0, "declared"), LabelInterval(4000.0, 8000.0, 12.0, 16.0, "declared"))
    )
    ruler = Ruler.over(Extent(0.0, 8000.0), calibration, 81)
    assert [tick.label.km for tick in ruler.ticks] == [10, 11, 12, 13, 14, 13, 14, 15, 16]


@pytest.mark.parametrize("cells", ["", "a b", "..\n"])
def test_rows_that_could_not_be_read_back_are_refused(cells: str) -> None:
    with pytest.raises(InputError, match="cannot be read back"):
        Row("road", cells)
