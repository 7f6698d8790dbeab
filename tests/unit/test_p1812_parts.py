"""The parts of P.1812 one by one: against brute force over points, exact quantiles and numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trassa.radio.ducting import ducting_loss_db
from trassa.radio.location_variability import location_loss_db, location_sigma_db
from trassa.radio.path_properties import (
    DuctingHeights,
    Horizon,
    ZoneExtents,
    ducting_heights,
    horizon,
    path_centre_latitude_deg,
    smooth_earth,
    zone_extents,
)
from trassa.radio.time_variability import (
    angular_interpolation,
    beta0_percent,
    distance_interpolation,
    inland_tau_share,
    inverse_normal,
    multipath_gain_db,
    time_interpolation,
)
from trassa.radio.troposcatter import troposcatter_loss_db

RADIUS_KM = 6371.0 * 157.0 / 112.0
SPHERE = pyproj.Geod(a=6_371_000.0, b=6_371_000.0)

profiles = st.lists(st.tuples(st.floats(0.01, 5.0), st.floats(0.0, 800.0)), min_size=5, max_size=40)


def drawn(points: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    steps, h = np.array(points).T
    return np.concatenate([[0.0], np.cumsum(steps[1:])]), np.ascontiguousarray(h)


@settings(max_examples=200)
@given(profiles, st.floats(1.0, 300.0), st.floats(1.0, 300.0))
def test_horizon_point_by_point(points: list[tuple[float, float]], htg_m: float, hrg_m: float) -> None:
    d, h = drawn(points)
    hts, hrs, dtot = h[0] + htg_m, h[-1] + hrg_m, d[-1]
    seen = horizon(d, h, hts, hrs, RADIUS_KM, 0.8)
    inner, ground = d[1:-1], h[1:-1]
    up_t = 1000.0 * np.arctan((ground - hts) / (1000.0 * inner) - inner / (2.0 * RADIUS_KM))
    up_r = 1000.0 * np.arctan((ground - hrs) / (1000.0 * (dtot - inner)) - (dtot - inner) / (2.0 * RADIUS_KM))
    direct = 1000.0 * math.atan((hrs - hts) / (1000.0 * dtot) - dtot / (2.0 * RADIUS_KM))
    assert seen.theta_mrad == pytest.approx(1000.0 * dtot / RADIUS_KM + seen.theta_t_mrad + seen.theta_r_mrad)
    if up_t.max() > direct + 1e-9:
        assert seen.theta_t_mrad == pytest.approx(up_t.max(), abs=1e-9)
        assert seen.theta_r_mrad == pytest.approx(up_r.max(), abs=1e-9)
        assert up_t[seen.first - 1] == pytest.approx(up_t.max(), abs=1e-9)
        assert (seen.dlt_km, seen.dlr_km) == (d[seen.first], dtot - d[seen.last])
    elif up_t.max() < direct - 1e-9:
        bulge = ground + 500.0 * inner * (dtot - inner) / RADIUS_KM
        nu = (bulge - (hts * (dtot - inner) + hrs * inner) / dtot) / np.sqrt(inner * (dtot - inner))
        assert seen.theta_t_mrad == pytest.approx(direct, abs=1e-9)
        assert seen.first == seen.last
        assert nu[seen.first - 1] == pytest.approx(nu.max(), abs=1e-9)
        assert seen.dlt_km + seen.dlr_km == pytest.approx(dtot)
        assert seen.theta_mrad == pytest.approx(0.0, abs=0.01 + 1e-6 * abs(direct) ** 3)


@settings(max_examples=100)
@given(profiles)
def test_the_smooth_surface_is_the_least_squares_line(points: list[tuple[float, float]]) -> None:
    d, h = drawn(points)
    surface = smooth_earth(d, h, h[0] + 30.0, h[-1] + 1.5)
    # ∫ (line − terrain)·(1, x) dx = 0 with the terrain straight between its points
    moments = np.zeros(2)
    for a, b, ha, hb in zip(d[:-1], d[1:], h[:-1], h[1:], strict=True):
        moments += [(b - a) * (ha + hb) / 2.0, (b - a) * (ha * (2.0 * a + b) + hb * (a + 2.0 * b)) / 6.0]
    length = d[-1]
    line = np.array([surface.hst_m, surface.hsr_m])
    fitted = np.array([[length / 2.0, length / 2.0], [length**2 / 6.0, length**2 / 3.0]]) @ line
    np.testing.assert_allclose(fitted, moments, rtol=1e-9, atol=1e-6)
    assert surface.hstd_m <= h[0]
    assert surface.hsrd_m <= h[-1]


@settings(max_examples=100)
@given(profiles)
def test_roughness_lies_between_the_horizons(points: list[tuple[float, float]]) -> None:
    d, h = drawn(points)
    hts, hrs = h[0] + 30.0, h[-1] + 1.5
    surface, seen = smooth_earth(d, h, hts, hrs), horizon(d, h, hts, hrs, RADIUS_KM, 0.8)
    found = ducting_heights(d, h, surface, seen, hts, hrs)
    line = found.hst_m + (found.hsr_m - found.hst_m) * d / d[-1]
    between = slice(min(seen.first, seen.last), max(seen.first, seen.last) + 1)
    assert found.hm_m == pytest.approx((h - line)[between].max(), abs=1e-9)
    assert (found.hst_m, found.hsr_m) == (min(surface.hst_m, h[0]), min(surface.hsr_m, h[-1]))
    assert found.hte_m == hts - found.hst_m
    assert found.hte_m >= 30.0 - 1e-9


@given(st.lists(st.tuples(st.floats(0.1, 9.0), st.sampled_from([1, 3, 4])), min_size=5, max_size=30))
def test_zones_metre_by_metre(points: list[tuple[float, int]]) -> None:
    steps, zone = np.array([step for step, _ in points[1:]]), np.array([zone for _, zone in points], dtype=np.int8)
    d = np.concatenate([[0.0], np.cumsum(steps)])
    found = zone_extents(d, zone)
    at = (np.arange(20_000) + 0.5) * d[-1] / 20_000
    nearest = zone[np.searchsorted(0.5 * (d[1:] + d[:-1]), at)]
    grain_km = 3.0 * d[-1] / 20_000 * len(d)
    assert found.sea_share == pytest.approx(np.mean(nearest == 1), abs=grain_km / d[-1])
    for reach_km, inside in ((found.dtm_km, nearest != 1), (found.dlm_km, nearest == 4)):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
        longest = (edges[1::2] - edges[::2]).max(initial=0) * d[-1] / 20_000
        assert reach_km == pytest.approx(longest, abs=grain_km)


@given(st.floats(-80.0, 80.0), st.floats(-180.0, 180.0), st.floats(-180.0, 180.0), st.floats(1.0, 3000.0))
def test_the_middle_of_the_path_lies_on_the_great_circle(
    latitude: float, longitude: float, azimuth: float, distance_km: float
) -> None:
    far = SPHERE.fwd(longitude, latitude, azimuth, 4_000_000.0)  # farther than the path is long
    middle = SPHERE.fwd(longitude, latitude, azimuth, 500.0 * distance_km)
    found = path_centre_latitude_deg(latitude, longitude, far[1], far[0], distance_km)
    assert found == pytest.approx(middle[1], abs=1e-6)
    assert path_centre_latitude_deg(latitude, longitude, latitude, longitude, 1.0) == pytest.approx(latitude, abs=1e-6)


@given(st.floats(1e-6, 1.0 - 1e-6))
def test_inverse_normal_is_the_approximation_it_says(share: float) -> None:
    assert inverse_normal(share) == pytest.approx(-stats.norm.ppf(share), abs=4.5e-4)
    assert inverse_normal(share) == pytest.approx(-inverse_normal(1.0 - share), abs=1e-6)


def test_inverse_normal_is_not_the_exact_quantile() -> None:
    assert abs(inverse_normal(0.1) + stats.norm.ppf(0.1)) > 1e-5
    assert inverse_normal(0.0) == inverse_normal(1e-6)


def test_beta0_by_hand() -> None:
    assert beta0_percent(0.0, 0.0, 0.0) == pytest.approx(10.0**1.67, rel=2e-2)
    inland = beta0_percent(50.0, 100.0, 100.0)
    tau = 1.0 - math.exp(-4.12e-4 * 100.0**2.41)
    mu1 = (10.0 ** (-100.0 / (16.0 - 6.6 * tau)) + 10.0 ** (-5.0 * (0.496 + 0.354 * tau))) ** 0.2
    assert inland == pytest.approx(10.0 ** (1.67 - 0.75) * mu1 * mu1 ** (-0.935 + 0.88))
    north = beta0_percent(75.0, 100.0, 100.0)
    assert north == pytest.approx(4.17 * mu1 * mu1**0.3)
    assert beta0_percent(-75.0, 100.0, 100.0) == north == beta0_percent(79.0, 100.0, 100.0)
    assert beta0_percent(70.0, 100.0, 100.0) == pytest.approx(beta0_percent(70.0001, 100.0, 100.0), rel=0.01)
    assert inland_tau_share(0.0) == 0.0


@given(st.floats(0.0, 80.0), st.floats(0.0, 1000.0), st.floats(0.0, 1.0))
def test_beta0_stays_below_half_of_the_time(latitude: float, dtm_km: float, share: float) -> None:
    assert 0.0 < beta0_percent(latitude, dtm_km, share * dtm_km) < 47.0


def test_interpolation_factors() -> None:
    assert angular_interpolation(0.3) == 0.5 == distance_interpolation(20.0)
    assert angular_interpolation(-5.0) == pytest.approx(1.0)
    assert angular_interpolation(10.0) == pytest.approx(0.0, abs=1e-12)
    assert distance_interpolation(1.0) == pytest.approx(1.0 - 0.5 * (1.0 + math.tanh(-1.425)))
    assert time_interpolation(1.0, 4.0) == 1.0 == time_interpolation(4.0, 4.0)
    assert time_interpolation(50.0, 4.0) == pytest.approx(0.0, abs=1e-8)
    assert time_interpolation(10.0, 4.0) == pytest.approx(stats.norm.ppf(0.1) / stats.norm.ppf(0.04), abs=5e-4)
    assert multipath_gain_db(20.0, 50.0) == 0.0
    assert multipath_gain_db(20.0, 1.0) == pytest.approx(-2.6 * (1.0 - math.exp(-2.0)) * math.log10(50.0))


def test_troposcatter_by_hand() -> None:
    assert troposcatter_loss_db(100.0, 0.0, 2.0, 0.0, 50.0) == pytest.approx(190.1 + 25.0 * math.log10(2.0) + 40.0)
    rare_db = troposcatter_loss_db(100.0, 10.0, 2.0, 300.0, 5.0)
    assert rare_db == pytest.approx(190.1 + 25.0 * math.log10(2.0) + 40.0 + 5.73 - 45.0 - 10.125)


def ducting_db(**changed: object) -> float:
    path: dict[str, object] = {
        "d_km": 100.0,
        "hts_m": 50.0,
        "hrs_m": 50.0,
        "seen": Horizon(20.0, 30.0, 1.0, 2.0, 10.0, 1, 2),
        "heights": DuctingHeights(0.0, 0.0, 50.0, 50.0, 5.0),
        "zones": ZoneExtents(0.8, 10.0, 5.0),
        "coasts_km": (500.0, 500.0),
        "radius_km": 8500.0,
        "beta0_percent": 4.0,
        "frequency_ghz": 1.0,
        "time_percent": 4.0,
    }
    return ducting_loss_db(*(path | changed).values())  # type: ignore[arg-type]


def test_ducting_by_hand() -> None:
    curved = 500.0 / 8500.0 * 100.0**2 / (2.0 * math.sqrt(50.0)) ** 2
    tau = 1.0 - math.exp(-4.12e-4 * 5.0**2.41)
    beta = 4.0 * curved ** (-0.6 - 3.5e-9 * 100.0**3.1 * tau)
    lg = math.log10(beta)
    gamma = 1.076 / (2.0058 - lg) ** 1.012 * math.exp(-(9.51 - 4.8 * lg + 0.198 * lg**2) * 1e-6 * 100.0**1.13)
    time_db = -12.0 + 1.57 * math.log10(4.0 / beta) + 12.0 * (4.0 / beta) ** gamma
    fixed_db = 102.45 + 20.0 * math.log10(50.0)
    assert ducting_db() == pytest.approx(fixed_db + 5e-5 * 8500.0 * (1e5 / 8500.0 + 1.0 + 2.0) + time_db)


def test_ducting_term_by_term() -> None:
    plain_db = ducting_db()
    # (49): at the coast with antennas 50 m high; too far from it, or over too little sea, nothing
    assert ducting_db(coasts_km=(0.0, 500.0)) == pytest.approx(plain_db - 3.0)
    assert ducting_db(coasts_km=(0.0, 2.0)) == pytest.approx(plain_db - 3.0 - 3.0 * math.exp(-1.0))
    assert ducting_db(coasts_km=(5.1, 500.0)) == plain_db
    near = Horizon(2.0, 48.0, -1.0, 2.0, 10.0, 1, 2)
    assert ducting_db(seen=near, coasts_km=(2.5, 500.0)) == ducting_db(seen=near)
    land = ZoneExtents(0.74, 10.0, 5.0)
    assert ducting_db(zones=land, coasts_km=(0.0, 0.0)) == plain_db
    # (48): only what rises above a tenth of a milliradian per kilometre shields
    risen = Horizon(20.0, 30.0, 4.0, 2.0, 10.0, 1, 2)
    shield_db = 20.0 * math.log10(1.0 + 0.361 * 2.0 * math.sqrt(20.0)) + 0.264 * 2.0
    assert ducting_db(seen=risen) == pytest.approx(plain_db + shield_db + 5e-5 * 8500.0 * 1.0)
    # (47a): below 0.5 GHz only
    slope_db = 20.0 * math.log10(0.4) + 45.375 - 137.0 * 0.4 + 92.5 * 0.16
    slope_db += 5e-5 * 8500.0 * (0.4 ** (1.0 / 3.0) - 1.0) * (1e5 / 8500.0 + 3.0)
    assert ducting_db(frequency_ghz=0.4) == pytest.approx(plain_db + slope_db)
    # (56): rough ground between the horizons makes ducts rarer
    assert ducting_db(heights=DuctingHeights(0.0, 0.0, 50.0, 50.0, 10.0)) == plain_db
    assert ducting_db(heights=DuctingHeights(0.0, 0.0, 50.0, 50.0, 60.0)) > plain_db


def test_path_geometry_counts_up_to_its_limit() -> None:
    # (55a): far enough α stays at −3.4, so only d² in (55) and d in the other terms still grow
    inland = ZoneExtents(0.0, 2000.0, 2000.0)
    for length_km in (1000.0, 2000.0):
        curved = 500.0 / 8500.0 * length_km**2 / (2.0 * math.sqrt(50.0)) ** 2
        lg = math.log10(4.0 * curved**-3.4)
        gamma = 1.076 / (2.0058 - lg) ** 1.012 * math.exp(-(9.51 - 4.8 * lg + 0.198 * lg**2) * 1e-6 * length_km**1.13)
        ratio = 4.0 / 10.0**lg
        time_db = -12.0 + (1.2 + 3.7e-3 * length_km) * math.log10(ratio) + 12.0 * ratio**gamma
        expected_db = 102.45 + 20.0 * math.log10(50.0) + 5e-5 * 8500.0 * (1000.0 * length_km / 8500.0 + 3.0) + time_db
        assert ducting_db(d_km=length_km, zones=inland) == pytest.approx(expected_db)


@pytest.mark.parametrize(
    ("ghz", "width_m", "expected_db"),
    [(0.7, 30.0, 1.39), (0.8, 50.0, 1.61), (1.8, 100.0, 2.04), (2.6, 30.0, 1.51), (3.5, 100.0, 2.19)],
)
def test_location_sigma(ghz: float, width_m: float, expected_db: float) -> None:
    full_db = location_sigma_db(ghz, width_m, 10.0, 1.5)
    assert full_db == pytest.approx(expected_db, abs=0.006)
    assert location_sigma_db(ghz, width_m, 0.0, 1.5) == pytest.approx(0.85 * full_db)
    assert location_sigma_db(ghz, width_m, 0.0, 10.0) == 0.0
    assert location_sigma_db(ghz, width_m, 5.0, 4.9) == full_db


def test_location_loss() -> None:
    assert location_loss_db(50.0, 5.5, False) == pytest.approx(0.0, abs=1e-7)
    assert location_loss_db(95.0, 5.5, False) == pytest.approx(5.5 * 1.6449, abs=3e-3)
    assert location_loss_db(5.0, 5.5, False) == pytest.approx(-location_loss_db(95.0, 5.5, False))
    assert location_loss_db(95.0, 5.5, True) == 0.0
