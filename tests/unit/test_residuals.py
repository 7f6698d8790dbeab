"""Calibrations from residuals whose truth is known because they were drawn from it."""

from __future__ import annotations

import math
import tomllib

import numpy as np
import pytest

from trassa.errors import InputError
from trassa.radio.drive_test import Measurements, repeats
from trassa.radio.residuals import Calibration, Residuals, calibration_of, residuals_against

LENGTH_M, STEP_M, RUNS = 40_000.0, 20.0, 3


def shadowed(seed: int, sigma_db: float = 8.0, distance_m: float = 200.0, offset_db: float = -3.0) -> Residuals:
    """Three drives through one shadowing field: 85 % of the variance correlated along the road, the rest each drive's.

    A site serves 4 km; shadowing towards the next one is independent.
    """
    rng = np.random.default_rng(seed)
    place = np.arange(0.0, LENGTH_M, STEP_M)
    link = (place // 4000.0).astype(np.int64)
    keep = math.exp(-STEP_M / distance_m)
    field = rng.standard_normal(len(place))
    for i in range(1, len(place)):
        if link[i] == link[i - 1]:
            field[i] = keep * field[i - 1] + math.sqrt(1.0 - keep**2) * field[i]
    own = rng.standard_normal((RUNS, len(place)))
    drawn = offset_db + sigma_db * (math.sqrt(0.85) * field + math.sqrt(0.15) * own)
    run = np.repeat(np.arange(RUNS), len(place))
    return Residuals(drawn.ravel(), np.tile(place, RUNS), np.tile(link, RUNS), run)


@pytest.fixture(scope="module")
def drawn() -> list[Calibration]:
    return [calibration_of(shadowed(seed), "800 MHz", "drawn") for seed in range(120)]


def test_sigma_offset_and_correlation_distance_are_those_drawn_from(drawn: list[Calibration]) -> None:
    assert np.mean([one.offset_db for one in drawn]) == pytest.approx(-3.0, abs=0.25)
    assert np.mean([one.sigma_db for one in drawn]) == pytest.approx(8.0, abs=0.15)
    assert np.median([one.correlation_m for one in drawn]) == pytest.approx(200.0, rel=0.12)


@pytest.mark.parametrize("distance_m", [60.0, 400.0])
def test_correlation_distance_follows_the_truth(distance_m: float) -> None:
    found = [calibration_of(shadowed(seed, 6.0, distance_m), "", "").correlation_m for seed in range(30)]
    assert np.median(found) == pytest.approx(distance_m, rel=0.2)


def test_intervals_cover_the_truth_at_the_stated_rate(drawn: list[Calibration]) -> None:
    """Of 120 intervals of 95 %, 114 ± 2.4 cover; below 107 would come by chance once in 500 such tests."""
    offsets = sum(one.offset_low_db <= -3.0 <= one.offset_high_db for one in drawn)
    sigmas = sum(one.sigma_low_db <= 8.0 <= one.sigma_high_db for one in drawn)
    assert 107 <= offsets <= 120
    assert 105 <= sigmas <= 120
    widths = np.array([one.offset_high_db - one.offset_low_db for one in drawn])
    spread = np.std([one.offset_db for one in drawn])
    assert widths.mean() == pytest.approx(2.0 * 2.09 * spread, rel=0.2), "as wide as needed, and not wider"


def test_effective_samples_tell_the_mean_as_well(drawn: list[Calibration]) -> None:
    """The spread of the offsets over seeds is that of a mean of so many independent readings."""
    spread = float(np.std([one.offset_db for one in drawn], ddof=1))
    assert np.median([one.effective_samples for one in drawn]) == pytest.approx((8.0 / spread) ** 2, rel=0.35)
    assert drawn[0].samples == 6000
    assert drawn[0].stretches == 20


def test_a_standing_car_does_not_weigh_more() -> None:
    moving = shadowed(1)
    stood = np.concatenate([np.arange(len(moving)), np.full(5000, 700)])
    queued = calibration_of(moving.take(stood), "", "")
    plain = calibration_of(moving, "", "")
    assert queued.offset_db == pytest.approx(plain.offset_db, abs=0.1)
    assert queued.sigma_db == pytest.approx(plain.sigma_db, abs=0.1)


def test_repeated_readings_stretch_the_correlation_until_they_are_dropped() -> None:
    one = shadowed(3, 8.0, 40.0)
    held = one.take(np.repeat(np.arange(0, len(one), 4), 4))
    held = Residuals(held.residual_db, one.measure_m, one.link, one.run)
    count = len(held)
    nothing, unknown = np.full(count, np.nan), np.full(count, -1, dtype=np.int64)
    readings = Measurements(
        ("a", "b", "c"), ("", "", ""), held.run, nothing, nothing, nothing, nothing,
        held.residual_db, nothing, nothing, nothing, unknown, unknown,
    )  # fmt: skip
    again = repeats(readings)
    assert again.sum() == count * 3 // 4
    with_repeats = calibration_of(held, "", "").correlation_m
    without = calibration_of(held.take(~again), "", "").correlation_m
    assert with_repeats > 1.3 * without


def test_a_prediction_is_calibrated_by_class_and_whole() -> None:
    truth = shadowed(5, 6.0)
    wood = np.where((truth.measure_m // 1000.0) % 2 == 0, "wood", "open").astype(object)
    predicted = np.full(len(truth), -90.0)
    measured = predicted + truth.residual_db - np.where(wood == "wood", 8.0, 0.0)
    measured[:10] = np.nan
    place = truth.measure_m, truth.link, truth.run
    whole, open_land, woods = residuals_against(
        predicted, measured, *place, band="800 MHz", source="a test", clutter=wood
    )
    assert (whole.clutter, open_land.clutter, woods.clutter) == ("", "open", "wood")
    assert open_land.offset_db - woods.offset_db == pytest.approx(8.0, abs=1.5)
    assert whole.sigma_db > max(open_land.sigma_db, woods.sigma_db)
    assert whole.samples == len(truth) - 10


def test_settings_are_lines_of_toml_that_the_settings_take() -> None:
    from trassa.radio.settings import RadioSettings

    found = calibration_of(shadowed(7), "800 MHz", 'July, "phone A"')
    lines = tomllib.loads("\n".join(found.settings_lines()))["radio"]
    settings = RadioSettings(**lines)
    assert settings.sigma_db == round(found.sigma_db, 2)
    assert settings.calibration_offset_db == round(found.offset_db, 2)
    assert settings.shadowing_distance_m == round(found.correlation_m, 1)
    assert settings.sigma_source.endswith("contains location variability, used alone")


def test_one_stretch_has_no_interval_and_few_readings_no_calibration() -> None:
    short = shadowed(2).take(np.arange(90))
    found = calibration_of(short, "800 MHz", "")
    assert found.stretches == 1
    assert math.isnan(found.offset_low_db)
    assert found.as_dict()["offset_low_db"] is None
    with pytest.raises(InputError, match="800 MHz has 29 readings"):
        calibration_of(short.take(np.arange(29)), "800 MHz", "")


def test_a_trend_has_no_correlation_distance_and_is_worth_its_stretches() -> None:
    drawn = shadowed(4)
    climbing = Residuals(drawn.measure_m / 1000.0, drawn.measure_m, np.zeros_like(drawn.link), drawn.run)
    found = calibration_of(climbing, "800 MHz", "")
    assert math.isnan(found.correlation_m)
    assert found.effective_samples == found.stretches == 20
    assert "radio.shadowing_distance_m" not in found.settings()
