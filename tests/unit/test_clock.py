"""ITS time against moments that standards publish, and the rebuilding of a wrapped clock."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.clock import SteppedClock, its_ms, nearest_ms, rfc3339, utc_ms


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "timestamp_its"),
    [
        ("2004-01-01T00:00:00+00:00", 0),
        ("2005-12-31T23:59:59+00:00", 63_158_399_000),
        ("2006-01-01T00:00:00+00:00", 63_158_401_000),
        ("2007-01-01T00:00:00+00:00", 94_694_401_000),  # the example in TS 102 894-2, TimestampIts
    ],
)
def test_its_time_counts_leap_seconds(moment: str, timestamp_its: int) -> None:
    assert its_ms(_ms(moment)) == timestamp_its
    assert utc_ms(timestamp_its) == _ms(moment)


def test_its_time_is_five_seconds_ahead_of_utc_since_2017() -> None:
    moment = _ms("2026-06-05T12:00:00+00:00")
    assert its_ms(moment) - (moment - _ms("2004-01-01T00:00:00+00:00")) == 5_000


def test_within_an_inserted_second_the_next_one_is_meant() -> None:
    before = its_ms(_ms("2016-12-31T23:59:59+00:00"))
    assert utc_ms(before + 1_000) == _ms("2017-01-01T00:00:00+00:00")
    assert utc_ms(before + 2_000) == _ms("2017-01-01T00:00:00+00:00")


@given(st.integers(_ms("2004-01-01T00:00:00+00:00"), _ms("2090-01-01T00:00:00+00:00")))
def test_a_moment_survives_its_time(moment: int) -> None:
    assert utc_ms(its_ms(moment)) == moment


@given(
    st.integers(_ms("2018-01-01T00:00:00+00:00"), _ms("2090-01-01T00:00:00+00:00")),
    st.integers(-32_000, 32_000),
)
def test_a_wrapped_clock_is_rebuilt_from_the_receipt(sent: int, delay: int) -> None:
    assert nearest_ms(its_ms(sent) % 65_536, sent + delay) == sent


def test_a_stepped_clock_never_goes_back() -> None:
    clock = SteppedClock(1_000)
    clock.step_to(1_100)
    assert clock.now_ms() == 1_100
    with pytest.raises(ValueError, match="1099 lies before 1100"):
        clock.step_to(1_099)


def test_a_moment_as_text() -> None:
    assert rfc3339(_ms("2026-06-05T12:00:00+00:00") + 7) == "2026-06-05T12:00:00.007Z"
