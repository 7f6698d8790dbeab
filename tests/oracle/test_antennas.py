"""Sector patterns against the values that 3GPP prints and their closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.radio.antenna import SectorPattern

MACRO = SectorPattern(15.0, 70.0, 10.0, 25.0, 20.0)
"""TR 36.814 Table A.2.1.1-2."""
ELEMENT = SectorPattern(8.0, 65.0, 65.0, 30.0, 30.0)
"""TR 38.901 Table 7.3-1."""
ANGLES = st.floats(-180.0, 180.0)
DEPRESSIONS = st.floats(-90.0, 90.0)
PATTERNS = st.builds(
    SectorPattern,
    st.just(15.0),
    st.floats(10.0, 360.0),
    st.floats(2.0, 120.0),
    st.floats(0.0, 60.0),
    st.floats(0.0, 60.0),
)


def one(pattern: SectorPattern, azimuth_deg: float, elevation_deg: float, tilt_deg: float = 0.0) -> float:
    return float(pattern.attenuation_db(azimuth_deg, elevation_deg, tilt_deg))


@pytest.mark.parametrize("pattern", [MACRO, ELEMENT])
def test_three_decibels_at_half_the_width(pattern: SectorPattern) -> None:
    for side in (-0.5, 0.5):
        assert one(pattern, side * pattern.horizontal_width_deg, 0.0) == pytest.approx(3.0)
        assert one(pattern, 0.0, side * pattern.vertical_width_deg) == pytest.approx(3.0)


def test_both_cuts_add_up() -> None:
    assert one(ELEMENT, 32.5, 32.5) == pytest.approx(6.0)
    assert one(MACRO, 35.0, 7.0, 2.0) == pytest.approx(6.0)


def test_largest_attenuations() -> None:
    assert one(MACRO, 180.0, 0.0) == 25.0
    assert one(MACRO, 0.0, 60.0) == 20.0
    assert one(MACRO, 180.0, 60.0) == 25.0  # both cuts together no more than A_m
    assert one(ELEMENT, -120.0, 90.0) == 30.0


@pytest.mark.parametrize(
    ("azimuth_deg", "lost_db"), [(0, 0.0), (30, 2.5562), (60, 10.2249), (83.9, 19.9930), (90, 20.0)]
)
def test_horizontal_pattern_of_the_coexistence_report(azimuth_deg: float, lost_db: float) -> None:
    """TR 36.942 clause 4.2.1: 65°, A_m = 20 dB; the values are worked out by hand."""
    assert one(SectorPattern(15.0, 65.0, 10.0, 20.0, 20.0), azimuth_deg, 0.0) == pytest.approx(lost_db, abs=2e-4)


@given(PATTERNS, ANGLES, DEPRESSIONS, st.floats(-5.0, 20.0))
def test_both_sides_are_alike_and_nothing_gains(
    pattern: SectorPattern, azimuth_deg: float, elevation_deg: float, tilt_deg: float
) -> None:
    lost_db = one(pattern, azimuth_deg, elevation_deg, tilt_deg)
    assert 0.0 <= lost_db <= pattern.front_to_back_db
    assert one(pattern, -azimuth_deg, elevation_deg, tilt_deg) == pytest.approx(lost_db, abs=1e-9)
    assert one(pattern, azimuth_deg, 2.0 * tilt_deg - elevation_deg, tilt_deg) == pytest.approx(lost_db, abs=1e-9)
    assert one(pattern, azimuth_deg + 360.0, elevation_deg, tilt_deg) == pytest.approx(lost_db, abs=1e-6)
    assert one(pattern, azimuth_deg, elevation_deg - tilt_deg) == pytest.approx(lost_db, abs=1e-9)


@given(PATTERNS, st.floats(0.0, 180.0), st.floats(0.0, 180.0), DEPRESSIONS)
def test_further_off_the_axis_is_never_stronger(
    pattern: SectorPattern, first_deg: float, second_deg: float, elevation_deg: float
) -> None:
    near_deg, far_deg = sorted((first_deg, second_deg))
    assert one(pattern, near_deg, elevation_deg) <= one(pattern, far_deg, elevation_deg) + 1e-12


def test_tilt_moves_the_lobe_down() -> None:
    down_deg = np.linspace(-20.0, 20.0, 401)
    lobe_deg = down_deg[MACRO.attenuation_db(0.0, down_deg, 6.0).argmin()]
    assert lobe_deg == pytest.approx(6.0, abs=1e-9)


def test_arrays_broadcast() -> None:
    lost_db = MACRO.attenuation_db(np.linspace(-180.0, 180.0, 7)[:, None], np.linspace(-5.0, 5.0, 3), 2.0)
    assert lost_db.shape == (7, 3)


def test_without_direction() -> None:
    omni = SectorPattern.omnidirectional(8.0, 10.0, 20.0)
    around_deg = np.linspace(-180.0, 180.0, 73)
    assert not omni.attenuation_db(around_deg, 2.0, 2.0).any()
    np.testing.assert_allclose(omni.attenuation_db(around_deg, 7.0, 2.0), 3.0)
    assert one(omni, 90.0, 80.0) == 20.0


@pytest.mark.parametrize("values", [(0.0, 10.0, 20.0, 20.0), (65.0, -1.0, 20.0, 20.0), (65.0, 10.0, -1.0, 20.0)])
def test_patterns_that_cannot_be(values: tuple[float, float, float, float]) -> None:
    with pytest.raises(InputError, match=r"antenna: .* Try: "):
        SectorPattern(15.0, *values)
