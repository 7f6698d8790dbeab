"""Labels against measure: interpolation, long intervals, jumps, ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.linear import Calibration, KmLabel, LabelInterval, LabelNotFound

LONG = LabelInterval(0.0, 1068.0, 356.0, 357.0, "interpolated")
TAIL = LabelInterval(1068.0, 2068.0, 357.0, 358.0, "extrapolated")
JUMP = Calibration(
    (
        LabelInterval(0.0, 1000.0, 140.4, 141.4, "interpolated"),
        LabelInterval(1000.0, 2070.0, 141.4, 142.47, "extrapolated"),
        LabelInterval(2070.0, 3140.0, 150.56, 151.63, "extrapolated"),
        LabelInterval(3140.0, 4140.0, 151.63, 152.63, "interpolated"),
    )
)


def test_accepted_posts_read_exactly() -> None:
    calibration = Calibration((LONG, TAIL))
    assert calibration.km([0.0, 1068.0]).tolist() == [356.0, 357.0]
    assert calibration.text(1068.0) == "km 357+000"


def test_between_posts_the_label_is_linear_in_measure() -> None:
    calibration = Calibration((LONG, TAIL))
    assert calibration.measure(KmLabel.parse("356+500")) == pytest.approx(534.0)
    assert calibration.measure(KmLabel.parse("356.5")) == pytest.approx(534.0)


def test_a_thousand_metres_and_more_are_real_metres_past_the_post() -> None:
    calibration = Calibration((LONG, TAIL))
    assert calibration.measure(KmLabel.parse("356+1050")) == pytest.approx(1050.0)
    assert calibration.text(1050.0) == "km 356+983"
    with pytest.raises(LabelNotFound, match="22 m behind the next post"):
        calibration.measure(KmLabel.parse("356+1090"))


def test_a_label_skipped_by_a_jump_does_not_exist() -> None:
    with pytest.raises(LabelNotFound, match=r"145\+000 does not exist.*140\+400…142\+470, 150\+560…152\+630"):
        JUMP.measure(KmLabel.parse("145+000"))
    assert JUMP.measure(KmLabel.parse("151+630")) == pytest.approx(3140.0)


def test_distance_beyond_calibrated_places() -> None:
    beyond = JUMP.extrapolated_by_m([500.0, 1500.0, 2070.0, 2900.0, 4140.0])
    assert beyond.tolist() == [0.0, 500.0, 1070.0, 240.0, 0.0]
    assert np.isinf(Calibration.from_start(5000.0).extrapolated_by_m(100.0))


@given(st.floats(0.0, 4140.0))
def test_measure_of_the_label_of_a_measure_is_that_measure(measure_m: float) -> None:
    km = float(JUMP.km(measure_m))
    assert JUMP.measure_at_km(km) == pytest.approx(measure_m, abs=1.0)
