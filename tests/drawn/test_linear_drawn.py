"""The linear core on roads drawn as text: what goes in is drawn, and so is what must come out."""

from __future__ import annotations

import pytest

from trassa.errors import InputError
from trassa.linear import (
    Calibration,
    Diagram,
    Extent,
    LabelInterval,
    Row,
    Ruler,
    intersected,
    merged,
    subtracted,
    total_length_m,
)


def drawn(text: str) -> Diagram:
    return Diagram.parse(text)


@pytest.mark.parametrize(
    ("first", "second", "both", "common", "minus"),
    [
        (".###..####...##..", "..###...##..#####", ".####.####..#####", "..##....##...##..", ".#....##........."),
        ("####.............", "....####.........", "########.........", ".................", "####............."),
        ("#################", "....##......#....", "#################", "....##......#....", "####..######.####"),
        (".................", "....##......#....", "....##......#....", ".................", "................."),
        ("..####...####....", "..####...####....", "..####...####....", "..####...####....", "................."),
    ],
)
def test_algebra_of_extents(first: str, second: str, both: str, common: str, minus: str) -> None:
    road = drawn(f"km      10        20\nfirst   {first}\nsecond  {second}\n")
    left, right = road.extents("first", "#"), road.extents("second", "#")

    def drawn_as(extents: list[Extent]) -> str:
        return Row.blank("answer", road.ruler).painted(road.ruler, extents, "#").cells

    assert drawn_as(merged(left + right)) == both
    assert drawn_as(intersected(left, right)) == common
    assert drawn_as(subtracted(left, right)) == minus
    assert total_length_m(left) == 1000.0 * first.count("#")


def test_the_ruler_shows_the_labels_of_a_stretched_road() -> None:
    """Post 2 stands 100 m late, post 3 in its place again: labels are no measures, and the ruler says so."""
    calibration = Calibration(
        (
            LabelInterval(0.0, 1000.0, 0.0, 1.0, "extrapolated"),
            LabelInterval(1000.0, 2100.0, 1.0, 2.0, "interpolated"),
            LabelInterval(2100.0, 3000.0, 2.0, 3.0, "interpolated"),
            LabelInterval(3000.0, 4000.0, 3.0, 4.0, "extrapolated"),
        )
    )
    ruler = Ruler.over(Extent(0.0, 4000.0), calibration, columns=41)
    kinds = {"interpolated": "=", "extrapolated": "?"}
    row = Row.blank("labels", ruler)
    for kind, mark in kinds.items():
        row = row.painted(ruler, calibration.extents(kind), mark)  # type: ignore[arg-type]
    expected = """\
km      0         1          2        3         4  100 m a column from measure 0 m
labels  ??????????====================??????????."""
    assert str(Diagram(ruler, (row,))) == expected
    assert Diagram.parse(expected) == Diagram(ruler, (row,))


def test_a_jump_of_the_chainage_skips_labels_on_the_ruler() -> None:
    calibration = Calibration(
        (
            LabelInterval(0.0, 3000.0, 10.0, 13.0, "declared"),
            LabelInterval(3000.0, 6000.0, 27.0, 30.0, "declared"),
        ),
        "Cyrl",
    )
    ruler = Ruler.over(Extent(0.0, 6000.0), calibration, columns=61)
    line = str(Diagram(ruler, (Row.blank("посты", ruler),))).splitlines()[0]
    assert line.split("  100 m")[0].split() == ["км", "10", "11", "12", "13", "28", "29", "30"]
    assert line.index("28") - line.index("13") == 10


def test_structures_of_two_carriageways() -> None:
    road = drawn(
        """
        км       258       259
        road     ==========~~~~==========
        tunnel   ...####.................
        bridge   .........^^.....^.......
        """
    )
    holes = road.extents("road", "~")
    assert holes == [Extent(259_000.0, 259_400.0)]
    rest = subtracted([road.ruler.extent], holes)
    assert rest == road.extents("road", "=")
    bridges = subtracted(road.extents("bridge", "^"), holes)
    expected = drawn("км  258       259\nb   .........^......^.......\n")
    assert bridges == expected.extents("b", "^")


def test_short_extents_are_never_hidden() -> None:
    ruler = Ruler.over(Extent(0.0, 100_000.0), Calibration.from_start(100_000.0), columns=101)
    row = Row.blank("tunnel", ruler).painted(ruler, [Extent(42_300.0, 42_310.0)], "#")
    assert row.cells.index("#") == 42
    assert row.cells.count("#") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("km  1  2", "no row"),
        ("road  ===", "not a ruler"),
        ("km    10  20\nroad  =====", None),
        ("km    10  20   30\nroad  =====", "off the even ruler"),
        ("km    10\nroad  =====", "no scale"),
        ("km    20  10\nroad  =====", "off the even ruler|no scale|stands off"),
        ("km    10  20\nroad  =====\nsite   A.", "does not begin under"),
        ("km    10  20\nroad  =====\nroad  =====", "two rows"),
        ("km    10  20\nroad", "not a row"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, says: str | None) -> None:
    if says is None:
        assert len(drawn(text).rows) == 1
    else:
        with pytest.raises(InputError, match=says):
            drawn(text)


def test_blocks_must_continue_one_another() -> None:
    text = "km    10  20\nroad  =====\n\nkm    40  50\nroad  =====\n"
    with pytest.raises(InputError, match="a block begins at measure"):
        drawn(text)
