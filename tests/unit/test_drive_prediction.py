"""Prediction from a drive test: the parts against brute force and drawn truths, the axis on routes that fold back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from trassa.errors import InputError
from trassa.radio import shadow_field
from trassa.radio.drive_axis import measure_along_route_m
from trassa.radio.drive_comparison import Comparison, along_road
from trassa.radio.drive_samples import Samples
from trassa.radio.drive_test import Measurements
from trassa.radio.folds import blocks, run_folds, stretch_folds
from trassa.radio.prediction import DistanceLaw, Prediction, out_of_fold
from trassa.radio.shadow_field import ShadowField


def drawn_samples(seed: int, count: int = 60, sites: int = 3, length_m: float = 6000.0) -> Samples:
    rng = np.random.default_rng(seed)
    measure = np.sort(rng.uniform(0.0, length_m, count))
    site = rng.integers(0, sites, count)
    columns = rng.uniform(60.0, 3000.0, count), rng.uniform(-180.0, 180.0, count), measure, rng.uniform(5, 38, count)
    level = -20.0 - 30.0 * np.log10(columns[0]) + 6.0 * rng.standard_normal(count)
    return Samples("net", 800.0, level, *columns, site, site * 3, rng.integers(0, 2, count))


def dense_covariance(a: Samples, b: Samples, parameters: np.ndarray) -> np.ndarray:
    """The covariance as the field's text writes it, one pair at a time."""
    _, road, length, pattern, width, beside = np.exp(parameters)
    found = np.zeros((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            z = [min(max((one.typical_speed_mps[k] - 20.0) / 10.0, -2.0), 2.0) for one, k in ((a, i), (b, j))]
            turned = 1.0 - np.cos(np.radians(a.bearing_deg[i] - b.bearing_deg[j]))
            along = road**2 * np.exp(-abs(a.measure_m[i] - b.measure_m[j]) / length)
            same = a.site[i] == b.site[j]
            found[i, j] = same * (along + pattern**2 * np.exp(-turned / width**2)) + beside**2 * z[0] * z[1] + 25.0
    return found


def test_field_is_the_conditional_mean_of_its_covariance() -> None:
    """Against the dense matrix, every sample in a place of its own; and the density against SciPy's."""
    known, asked = drawn_samples(1), drawn_samples(2, 7, sites=4)
    known = known.take(np.unique(np.floor(known.measure_m / 100.0), return_index=True)[1])
    residual = known.rsrp_dbm + 100.0
    field = ShadowField.fit(known, residual)
    parameters = field._parameters
    covariance = dense_covariance(known, known, parameters) + np.exp(2.0 * parameters[0]) * np.eye(len(known))
    expected = dense_covariance(asked, known, parameters) @ np.linalg.solve(covariance, residual)
    # places are in order of cell
    np.testing.assert_allclose(field.residual_db(asked), expected, rtol=1e-8, atol=1e-8)
    likelihood = shadow_field._Likelihood.of(*shadow_field._by_place(known, residual))
    away = (parameters - shadow_field._MIDDLE) / shadow_field._WIDTH
    density = -multivariate_normal(np.zeros(len(known)), covariance).logpdf(residual) + 0.5 * away @ away
    assert likelihood.cost(parameters)[0] + 0.5 * len(known) * np.log(2.0 * np.pi) == pytest.approx(density, rel=1e-9)


@pytest.mark.parametrize("shift", [-0.4, 0.0, 0.3])
def test_gradient_is_that_of_the_density(shift: float) -> None:
    samples = drawn_samples(3)
    likelihood = shadow_field._Likelihood.of(*shadow_field._by_place(samples, samples.rsrp_dbm + 100.0))
    at = shadow_field._MIDDLE + shift
    numeric = approx_fprime(at, lambda x: likelihood.cost(x)[0], 1e-6)
    np.testing.assert_allclose(likelihood.cost(at)[1], numeric, rtol=1e-3, atol=1e-3)


def test_law_recovers_what_was_drawn_and_is_steadied_where_it_hangs_in_the_air() -> None:
    samples = drawn_samples(4, 4000, length_m=60_000.0)
    law = DistanceLaw.fit(samples.distance_m, samples.rsrp_dbm)
    assert (law.a_dbm, law.b_db) == (pytest.approx(-20.0, abs=2.0), pytest.approx(-30.0, abs=0.7))
    assert law.sigma_db == pytest.approx(6.0, abs=0.3)
    assert law.steadied(samples).b_db == pytest.approx(law.b_db, abs=0.1), "much said: left as it is"
    narrow = samples.take((samples.distance_m > 1000.0) & (samples.distance_m < 1050.0))
    wild = DistanceLaw.fit(narrow.distance_m, narrow.rsrp_dbm + 400.0 * np.log10(narrow.distance_m))
    lifted = narrow.take(np.arange(len(narrow)))
    lifted.rsrp_dbm[:] += 400.0 * np.log10(narrow.distance_m)
    assert wild.b_db > 250.0
    assert abs(wild.steadied(lifted).b_db - -30.0) < abs(wild.b_db - -30.0) / 3.0
    middle = float(np.median(narrow.distance_m))
    assert wild.steadied(lifted).rsrp_dbm(np.array([middle]))[0] == pytest.approx(np.mean(lifted.rsrp_dbm), abs=3.0)
    with pytest.raises(InputError, match="2 readings, a law needs 3"):
        DistanceLaw.fit(samples.distance_m[:2], samples.rsrp_dbm[:2])


def test_nothing_to_learn_leaves_the_law_alone() -> None:
    """Residuals without any structure: the prediction is the law's within what noise of 1500 readings leaves."""
    drawn = drawn_samples(5, 1500, length_m=24_000.0)
    samples = replace(drawn, site=(drawn.measure_m // 3000.0).astype(np.int64))
    law, trassa = out_of_fold(samples, stretch_folds(samples.measure_m))
    found = Comparison.of(samples.rsrp_dbm, law, trassa, blocks(samples.measure_m))
    assert abs(found.difference_db) < 0.05
    assert found.parts == 12


def test_one_distance_one_site_and_unknown_speed_do_not_break_it() -> None:
    samples = drawn_samples(6, 40, sites=1)
    samples.distance_m[:] = 500.0
    samples.typical_speed_mps[:] = np.nan
    prediction = Prediction.fit(samples)
    assert prediction.law.b_db == -30.0
    assert np.isfinite(prediction.rsrp_dbm(samples)).all()


def test_folds_hold_whole_stretches_and_whole_runs() -> None:
    measure = np.arange(0.0, 100_000.0, 250.0)
    fold = stretch_folds(measure)
    assert len(np.unique(fold)) == 24
    assert all(len(np.unique(fold[blocks(measure) == block])) == 1 for block in range(50))
    assert run_folds(np.array([7, 7, 3, 9])).tolist() == [1, 1, 0, 2]


def test_comparison_is_paired() -> None:
    """One prediction is better by the same everywhere: the interval is narrow however the errors themselves differ."""
    measured = np.zeros(40)
    part = np.repeat(np.arange(4), 10)
    law = np.repeat([2.0, 4.0, 8.0, 10.0], 10)
    found = Comparison.of(measured, law, law * 0.9, part)
    assert found.law_rmse_db == pytest.approx(np.sqrt(np.mean(law**2)))
    assert found.difference_db == pytest.approx(0.1 * found.law_rmse_db)
    assert 0.2 <= found.low_db < found.high_db <= 1.0
    assert np.isnan(Comparison.of(measured, law, law, np.zeros(40, dtype=int)).low_db)


def test_medians_along_the_kilometres() -> None:
    measure = np.array([50.0, 10.0, 99.0, 250.0, np.nan, 251.0])
    measured = np.array([-80.0, -90.0, -100.0, -70.0, -60.0, np.nan])
    found = along_road(measure, measured, np.full(6, -85.0))
    assert found.start_m.tolist() == [0.0, 200.0]
    assert found.measured_dbm.tolist() == [-90.0, -70.0]
    assert found.residual_db.tolist() == [-5.0, 15.0]
    assert found.count.tolist() == [3, 1]
    assert len(along_road(measure[4:5], measured[4:5], measured[4:5]).count) == 0


def driven(*routes: np.ndarray) -> Measurements:
    """Drives at 20 m/s, a fix every second, along routes in metres east and north of 50° N 9° E."""
    parts, runs = [], []
    for run, route in enumerate(routes):
        gone = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(route, axis=0).T))])
        every = np.arange(0.0, gone[-1], 20.0)
        parts.append(np.column_stack([np.interp(every, gone, axis) for axis in route.T]))
        runs.append(np.full(len(every), run))
    place, run = np.concatenate(parts), np.concatenate(runs)
    time = np.concatenate([np.arange(len(part), dtype=float) for part in parts])
    unknown, nothing = np.full(len(run), -1), np.full(len(run), np.nan)
    latitude, longitude = 50.0 + place[:, 1] / 111_229.0, 9.0 + place[:, 0] / 71_695.8
    names = tuple(str(k) for k in range(len(routes))), ("net",) * len(routes)
    speed = np.full(len(run), 20.0)
    return Measurements(
        *names, run, time, latitude, longitude, speed, nothing, nothing, nothing, nothing, unknown, unknown
    )


OUT_AND_BACK = np.array([[0.0, 0.0], [3000.0, 0.0], [3000.0, 25.0], [0.0, 25.0], [0.0, 2000.0]])


def test_axis_tells_out_from_back_and_reads_a_drive_backwards() -> None:
    rng = np.random.default_rng(1)
    noisy = OUT_AND_BACK + rng.normal(0.0, 3.0, OUT_AND_BACK.shape)
    measurements = driven(OUT_AND_BACK, noisy, OUT_AND_BACK[::-1])
    measure = measure_along_route_m(measurements)
    length = 3000.0 + 25.0 + 3000.0 + 1975.0
    for run, sense in ((0, 1.0), (1, 1.0), (2, -1.0)):
        found = measure[measurements.run == run]
        expected = np.arange(len(found)) * 20.0
        if sense < 0.0:
            expected = length - expected
        assert np.abs(found - expected).max() < 60.0


def test_roads_of_their_own_get_axes_of_their_own() -> None:
    far = np.array([[9000.0, 0.0], [9000.0, 4000.0]])
    branch = np.array([[0.0, 0.0], [2000.0, 0.0], [2000.0, -3000.0]])
    measurements = driven(OUT_AND_BACK, far, branch)
    measure = measure_along_route_m(measurements)
    assert np.isfinite(measure).all()
    first, second, third = (measure[measurements.run == run] for run in range(3))
    assert first.max() < 8100.0
    assert second.max() - second.min() == pytest.approx(3980.0, abs=30.0)
    assert (third[:95] < 2100.0).all(), "what it shares with the first is the first's"
    assert third[-1] >= 100_000.0
    assert not set(blocks(second).tolist()) & set(blocks(third).tolist())
