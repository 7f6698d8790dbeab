"""Diffraction: closed forms, symmetries and bounds that hold without any table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.radio.diffraction import (
    EARTH_RADIUS_KM,
    Diffraction,
    diffraction,
    free_space_loss_db,
    knife_edge_loss_db,
    median_earth_radius_km,
)
from trassa.radio.smooth_path import smooth_bullington_db, smooth_path_loss_db
from trassa.radio.spherical_earth import spherical_earth_loss_db

FLAT_KM = 1e13
RADIUS_KM = median_earth_radius_km(45.0)


def over_flat_ground(heights_m: tuple[float, float], distance_km: float, radius_km: float, n: int = 100) -> Diffraction:
    zero = np.zeros(n + 1)
    return diffraction(
        np.linspace(0.0, distance_km, n + 1), zero, zero, hts_m=heights_m[0], hrs_m=heights_m[1], frequency_ghz=0.8,
        earth_radius_km=radius_km,
    )  # fmt: skip


def test_free_space_by_hand() -> None:
    assert free_space_loss_db(1.0, 1.0, 0.0) == pytest.approx(92.4, abs=1e-12)
    assert free_space_loss_db(1.0, 10.0, 0.0) == pytest.approx(112.4, abs=1e-12)
    assert free_space_loss_db(10.0, 1.0, 0.0) == pytest.approx(112.4, abs=1e-12)
    assert free_space_loss_db(1.0, 3.0, 4000.0) == pytest.approx(92.4 + 20.0 * math.log10(5.0), abs=1e-12)


@given(st.floats(0.03, 6.0), st.floats(0.01, 100.0), st.floats(1.001, 10.0), st.floats(0.0, 500.0))
def test_free_space_loss_grows_with_distance_and_frequency(ghz: float, km: float, factor: float, rise_m: float) -> None:
    here_db = free_space_loss_db(ghz, km, rise_m)
    assert free_space_loss_db(ghz, km * factor, rise_m) > here_db
    assert free_space_loss_db(ghz * factor, km, rise_m) > here_db


def test_median_earth_radius() -> None:
    assert median_earth_radius_km(0.0) == EARTH_RADIUS_KM
    assert median_earth_radius_km(45.0) == pytest.approx(EARTH_RADIUS_KM * 157.0 / 112.0)
    with pytest.raises(InputError, match="157"):
        median_earth_radius_km(157.0)


def test_knife_edge_at_grazing_and_below() -> None:
    assert knife_edge_loss_db(0.0) == pytest.approx(6.03, abs=0.01)
    assert knife_edge_loss_db(-0.78) == 0.0
    assert knife_edge_loss_db(-0.7799) == pytest.approx(0.0, abs=0.01)


def test_one_edge_on_a_flat_earth_is_that_edge() -> None:
    distance_km, edge_m, antenna_m, frequency_ghz = 10.0, 300.0, 200.0, 0.8
    ground = np.zeros(101)
    ground[50] = edge_m
    found = diffraction(
        np.linspace(0.0, distance_km, 101), ground, np.zeros(101), hts_m=antenna_m, hrs_m=antenna_m,
        frequency_ghz=frequency_ghz, earth_radius_km=FLAT_KM,
    )  # fmt: skip
    wavelength_m = 0.2998 / frequency_ghz
    nu = (edge_m - antenna_m) * math.sqrt(2.0 * 10_000.0 / (wavelength_m * 5000.0 * 5000.0))
    luc_db = 6.9 + 20.0 * math.log10(math.sqrt((nu - 0.1) ** 2 + 1.0) + nu - 0.1)
    expected_db = luc_db + (1.0 - math.exp(-luc_db / 6.0)) * (10.0 + 0.02 * distance_km)
    assert found.bullington_actual_db == pytest.approx(expected_db, abs=1e-9)
    assert found.hobs_m == pytest.approx(100.0)


def test_clear_path_loses_nothing() -> None:
    found = over_flat_ground((300.0, 300.0), 5.0, RADIUS_KM)
    assert found.loss_db == 0.0
    assert found.spherical_earth_db == 0.0


def test_far_beyond_the_horizon_the_first_term_is_its_closed_form() -> None:
    ghz, radius_km = 0.8, RADIUS_KM
    k = 0.036 * (radius_km * ghz) ** (-1 / 3) * (21.0**2 + (18.0 * 0.003 / ghz) ** 2) ** -0.25
    beta = (1 + 1.6 * k**2 + 0.67 * k**4) / (1 + 4.5 * k**2 + 1.53 * k**4)
    x_per_km = 21.88 * beta * (ghz / radius_km**2) ** (1 / 3)
    for near_km, far_km in ((100.0, 101.0), (200.0, 300.0)):
        gained_db = spherical_earth_loss_db(far_km, 30.0, 1.5, radius_km, ghz, 0.0, False)
        gained_db -= spherical_earth_loss_db(near_km, 30.0, 1.5, radius_km, ghz, 0.0, False)
        expected_db = 17.6 * x_per_km * (far_km - near_km) - 10.0 * math.log10(far_km / near_km)
        assert gained_db == pytest.approx(expected_db, abs=1e-9)


def test_spherical_earth_loss_has_no_step_at_the_horizon() -> None:
    horizon_km = math.sqrt(2.0 * RADIUS_KM) * (math.sqrt(0.03) + math.sqrt(0.0015))
    before, after = (
        spherical_earth_loss_db(horizon_km * (1.0 + side), 30.0, 1.5, RADIUS_KM, 0.8, 0.0, True)
        for side in (-1e-9, 1e-9)
    )
    assert before == pytest.approx(after, abs=1e-5)


@settings(deadline=None, max_examples=200)
@given(st.floats(5.0, 300.0), st.floats(1.0, 300.0), st.floats(0.05, 80.0), st.integers(4, 700), st.floats(0.03, 6.0))
def test_smooth_path_without_visiting_its_points(
    ht_m: float, hr_m: float, distance_km: float, n: int, ghz: float
) -> None:
    zero = np.zeros(n + 1)
    found = diffraction(
        np.arange(n + 1) * (distance_km / n), zero, zero, hts_m=ht_m, hrs_m=hr_m, frequency_ghz=ghz,
        earth_radius_km=RADIUS_KM,
    )  # fmt: skip
    smooth_db = smooth_bullington_db(ht_m, hr_m, n, distance_km, RADIUS_KM, ghz)
    assert smooth_db == pytest.approx(found.bullington_smooth_db, abs=1e-8)
    assert found.bullington_actual_db == pytest.approx(found.bullington_smooth_db, abs=1e-8)


def test_smooth_path_loss_is_the_reference_over_flat_ground() -> None:
    found = over_flat_ground((30.0, 1.5), 9.0, RADIUS_KM, n=300)
    expected_db = found.loss_db + free_space_loss_db(0.8, 9.0, 28.5)
    assert smooth_path_loss_db(9.0, 30.0, 1.5, 30.0, RADIUS_KM, 0.8, True) == pytest.approx(expected_db, abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.floats(0.0, 300.0), st.floats(0.0, 20.0)), min_size=5, max_size=60),
    st.floats(0.1, 60.0),
    st.floats(1.0, 100.0),
    st.floats(1.0, 100.0),
    st.sampled_from([0.05, 0.8, 5.9]),
)
def test_there_and_back_is_the_same(
    ground: list[tuple[float, float]], distance_km: float, ht_m: float, hr_m: float, ghz: float
) -> None:
    heights, clutter = np.array(ground).T
    d = np.linspace(0.0, distance_km, len(heights))
    there = diffraction(
        d, heights, clutter, hts_m=heights[0] + ht_m, hrs_m=heights[-1] + hr_m, frequency_ghz=ghz,
        earth_radius_km=RADIUS_KM,
    )  # fmt: skip
    back = diffraction(
        d, heights[::-1], clutter[::-1], hts_m=heights[-1] + hr_m, hrs_m=heights[0] + ht_m, frequency_ghz=ghz,
        earth_radius_km=RADIUS_KM,
    )  # fmt: skip
    assert there.loss_db == pytest.approx(back.loss_db, abs=1e-6)
    assert there.loss_db >= 0.0
    assert math.isfinite(there.loss_db)
    assert there.htc_m >= ht_m - 1e-9
    assert there.hrc_m >= hr_m - 1e-9


def test_clutter_at_the_ends_is_ignored() -> None:
    d, ground, clutter = np.linspace(0.0, 5.0, 50), np.zeros(50), np.zeros(50)
    clutter[0] = clutter[-1] = 40.0
    given_db = diffraction(d, ground, clutter, hts_m=20.0, hrs_m=2.0, frequency_ghz=0.8, earth_radius_km=RADIUS_KM)
    bare_db = diffraction(d, ground, 0 * clutter, hts_m=20.0, hrs_m=2.0, frequency_ghz=0.8, earth_radius_km=RADIUS_KM)
    assert given_db == bare_db


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distance_km": [0.0, 1.0, 2.0, 3.0]}, "at least 5"),
        ({"distance_km": [0.0, 1.0, 1.0, 3.0, 4.0]}, "rise"),
        ({"ground_m": [0.0, 1.0, np.nan, 3.0, 4.0]}, "unknown ground"),
        ({"frequency_ghz": 800.0}, "6000 MHz"),
        ({"hrs_m": 0.0}, "above the ground"),
    ],
)
def test_profiles_the_method_cannot_take(change: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {
        "distance_km": [0.0, 1.0, 2.0, 3.0, 4.0], "ground_m": np.zeros(5), "clutter_m": np.zeros(5), "hts_m": 30.0,
        "hrs_m": 1.5, "frequency_ghz": 0.8, "earth_radius_km": RADIUS_KM,
    }  # fmt: skip
    with pytest.raises(InputError, match=message):
        diffraction(**(arguments | change))
