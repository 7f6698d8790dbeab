"""What lies ahead of a vehicle, on its own carriageway or on one that nobody named."""

from __future__ import annotations

import pytest

from trassa.live.web.onboard import Place, ahead_m


@pytest.mark.parametrize(
    ("carriageway", "anchor_m", "wanted_m"),
    [
        ("increasing", 1500.0, 500.0),
        ("increasing", 500.0, -500.0),
        ("decreasing", 1500.0, -1.0),
        (None, 1500.0, 500.0),
        (None, 500.0, -500.0),
        (None, None, -1.0),
    ],
)
def test_how_far_an_event_lies_ahead(carriageway: str | None, anchor_m: float | None, wanted_m: float) -> None:
    event = {"carriageway": carriageway, "anchor_m": anchor_m}
    assert ahead_m(Place("increasing", 1000.0), event) == wanted_m


def test_a_report_for_no_carriageway_is_ahead_of_those_who_come_the_other_way_too() -> None:
    assert ahead_m(Place("decreasing", 1000.0), {"carriageway": None, "anchor_m": 400.0}) == 600.0
