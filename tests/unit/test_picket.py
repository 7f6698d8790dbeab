"""Picketage: read where its zero is declared, refused where it is not."""

from __future__ import annotations

import pytest

from trassa.errors import InputError
from trassa.linear.picket import Picket


@pytest.mark.parametrize(
    ("text", "road", "distance_m"),
    [("ПК 2583+50", "", 258_350.0), ("М-11 пк 10", "М-11", 1000.0), ("pk 0+07,5", "", 7.5)],
)
def test_pickets_are_hundreds_of_metres(text: str, road: str, distance_m: float) -> None:
    found = Picket.read(text)
    assert found is not None
    assert (found[0], found[1].distance_m) == (road, distance_m)


def test_a_hundred_metres_past_a_picket_is_the_next_one() -> None:
    with pytest.raises(InputError, match=r"150 m past its picket.*Try: ПК 2584\+50"):
        Picket.read("ПК 2583+150")


def test_a_label_is_no_picket() -> None:
    assert Picket.read("км 258+350") is None
