"""Kilometre labels and positions: read, printed, refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.linear import KmLabel, Position, script_of


@pytest.mark.parametrize(
    ("text", "km", "metres"),
    [
        ("км 258+350", 258, 350.0),
        ("km 258+350", 258, 350.0),
        ("258+350", 258, 350.0),
        ("258.350", 258, 350.0),
        ("258,35", 258, 350.0),
        ("258", 258, 0.0),
        ("кm 258 + 350", 258, 350.0),
        ("KM 356+1050", 356, 1050.0),
        ("0.5", 0, 500.0),
        ("км 7+5", 7, 5.0),
    ],
)
def test_every_notation_names_the_same_label(text: str, km: int, metres: float) -> None:
    assert KmLabel.parse(text) == KmLabel(km, metres)


@pytest.mark.parametrize("text", ["", "км", "258+", "258+12345", "258+35O", "-5+100", "258+350+1", "nan"])
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a kilometre label"):
        KmLabel.parse(text)


def test_picketage_is_refused_with_its_reason() -> None:
    with pytest.raises(InputError, match="picket origin"):
        KmLabel.parse("ПК 2583+50")


@given(st.integers(0, 99_999), st.integers(0, 999))
def test_print_and_parse_are_inverse(km: int, metres: int) -> None:
    label = KmLabel(km, float(metres))
    assert KmLabel.parse(label.format("Cyrl")) == label
    assert KmLabel.parse(label.format("Latn")) == label
    assert KmLabel.from_decimal(label.decimal_km) == label


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("A 4 km 352+400 →", Position("A 4", KmLabel(352, 400.0), "increasing")),
        ("М-11 км 258+350 ←", Position("М-11", KmLabel(258, 350.0), "decreasing")),
        ("A 4 352.4", Position("A 4", KmLabel(352, 400.0))),
        ("km 352+400", Position("A 4", KmLabel(352, 400.0))),
        ("352+400", Position("A 4", KmLabel(352, 400.0))),
    ],
)
def test_positions_as_people_write_them(text: str, position: Position) -> None:
    assert Position.parse(text, road="A 4") == position


def test_a_position_prints_what_it_parses() -> None:
    for text in ("A 4 km 352+400 →", "М-11 км 258+350 ←", "B 27 km 3+007"):
        assert str(Position.parse(text)) == text


def test_labels_follow_the_script_of_the_ref() -> None:
    assert script_of("М-11") == "Cyrl"
    assert script_of("A 4") == "Latn"
