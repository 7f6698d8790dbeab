"""The vertical alignment: smooth, not draped over structures, nowhere too steep, silent where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from trassa.errors import InputError
from trassa.linear import Extent
from trassa.road.vertical import steep_extents, vertical_alignment

MEASURE = np.append(np.arange(0.0, 5000.0, 10.0), 5003.0)


def test_a_straight_grade_stays_itself_to_the_very_ends() -> None:
    ground = 200.0 + 0.03 * MEASURE
    height, gradient = vertical_alignment(MEASURE, ground, [])
    np.testing.assert_allclose(height, ground, atol=1e-8)
    np.testing.assert_allclose(gradient, 0.03, atol=1e-8)


def test_smoothing_is_the_weighted_straight_line_that_numpy_fits() -> None:
    rng = np.random.default_rng(5)
    ground = rng.normal(0.0, 5.0, len(MEASURE)).cumsum() / 5
    height, _ = vertical_alignment(MEASURE, ground, [], window_m=300.0, max_gradient=9.0)
    for i in (0, 3, 29, 200, 499, 500):
        away = MEASURE - MEASURE[i]
        weight = np.maximum(1 - np.abs(away) / 300.0, 0)
        line = np.polyfit(away[weight > 0], ground[weight > 0], 1, w=np.sqrt(weight[weight > 0]))
        assert height[i] == pytest.approx(line[1], abs=1e-6)


def test_bridges_and_tunnels_run_straight_between_their_abutments() -> None:
    ground = 300.0 + 0.01 * MEASURE
    ground[(MEASURE > 1000) & (MEASURE < 1400)] -= 60.0  # a valley under a bridge
    ground[(MEASURE > 3000) & (MEASURE < 3600)] += 90.0  # a hill over a tunnel
    structures = [Extent(1000.0, 1400.0), Extent(3000.0, 3600.0)]
    height, gradient = vertical_alignment(MEASURE, ground, structures)
    np.testing.assert_allclose(height, 300.0 + 0.01 * MEASURE, atol=1e-6)
    np.testing.assert_allclose(gradient, 0.01, atol=1e-6)
    draped, _ = vertical_alignment(MEASURE, ground, [])
    assert np.abs(draped - height).max() > 30


def test_a_bridge_at_the_end_keeps_the_height_of_its_only_abutment() -> None:
    ground = np.where(MEASURE < 4500, 100.0, 20.0)
    height, _ = vertical_alignment(MEASURE, ground, [Extent(4500.0, 5003.0)])
    np.testing.assert_allclose(height, 100.0, atol=1e-9)


def test_unknown_ground_stays_unknown_but_not_under_a_bridge() -> None:
    ground = np.full(len(MEASURE), 50.0)
    ground[100:110] = np.nan
    ground[300:320] = np.nan
    height, gradient = vertical_alignment(MEASURE, ground, [Extent(3000.0, 3190.0)])
    assert np.isnan(height[100:110]).all()
    np.testing.assert_allclose(np.delete(height, np.arange(100, 110)), 50.0)
    assert np.isfinite(gradient[300:320]).all()
    nothing, flat = vertical_alignment(MEASURE, np.full(len(MEASURE), np.nan), [Extent(0.0, 100.0)])
    assert np.isnan(nothing).all()
    assert np.isnan(flat).all()


def test_a_structure_beside_unknown_ground_stays_unknown() -> None:
    ground = np.full(len(MEASURE), 50.0)
    ground[90:100] = np.nan
    height, _ = vertical_alignment(MEASURE, ground, [Extent(1000.0, 1100.0)])
    assert np.isnan(height[90:111]).all()
    assert height[111] == pytest.approx(50.0)


def test_the_limit_moves_the_profile_as_little_as_possible() -> None:
    """The closed form against a linear programme that minimises the largest deviation."""
    measure = np.arange(0.0, 300.0, 10.0)
    ground = 30.0 * np.sin(measure / 40.0)
    free, _ = vertical_alignment(measure, ground, [], window_m=10.0, max_gradient=99.0)
    held, gradient = vertical_alignment(measure, ground, [], window_m=10.0, max_gradient=0.1)
    np.testing.assert_allclose(free, ground)
    assert np.abs(gradient).max() <= 0.1 + 1e-9
    n = len(measure)
    near = np.hstack([np.vstack([np.eye(n), -np.eye(n)]), -np.ones((2 * n, 1))])
    step = (np.eye(n, n + 1, 1) - np.eye(n, n + 1))[:-1]
    bound = np.concatenate([ground, -ground, np.full(2 * (n - 1), 1.0)])
    best = linprog(np.eye(1, n + 1, n)[0], np.vstack([near, step, -step]), bound, bounds=(None, None))
    assert np.abs(held - ground).max() == pytest.approx(best.fun, abs=1e-6)


@given(st.lists(st.floats(-300, 300), min_size=2, max_size=60), st.floats(0.005, 0.3))
def test_no_profile_is_steeper_than_the_limit(ground: list[float], limit: float) -> None:
    measure = np.arange(len(ground)) * 10.0
    height, _ = vertical_alignment(measure, np.array(ground), [], 50.0, limit)
    assert np.abs(np.diff(height)).max() <= limit * 10.0 + 1e-9


def test_steep_places_are_named_with_their_gradient() -> None:
    ground = np.interp(MEASURE, [0, 2000, 3000, 5003], [0, 0, 100, 100])
    ((extent, gradient),) = steep_extents(MEASURE, ground, [], 200.0, 0.06)
    assert 1200 < extent.start_m < 2000
    assert 3000 < extent.end_m < 3800
    assert gradient == pytest.approx(0.1, abs=1e-3)
    assert steep_extents(MEASURE, ground * 0.5, [], 200.0, 0.06) == []


@pytest.mark.parametrize(("window_m", "limit"), [(0.0, 0.06), (-500.0, 0.06), (500.0, 0.0)])
def test_senseless_settings_are_refused(window_m: float, limit: float) -> None:
    with pytest.raises(InputError, match="must be positive"):
        vertical_alignment(MEASURE, MEASURE, [], window_m, limit)
