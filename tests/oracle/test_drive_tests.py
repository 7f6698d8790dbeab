"""Drive tests of the shared data: two operators, ten runs each over one road, against figures measured beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from trassa.radio.drive_answer import DriveTestAnswer, drive_test_answer
from trassa.radio.drive_axis import measure_along_route_m
from trassa.radio.drive_comparison import Comparison
from trassa.radio.drive_evaluation import laws
from trassa.radio.drive_samples import Samples, samples_of
from trassa.radio.drive_test import Cells, Measurements, fixes_astray, repeats, served
from trassa.radio.drive_test_files import read_context, read_sessions
from trassa.radio.folds import blocks, stretch_folds
from trassa.radio.prediction import out_of_fold
from trassa.radio.residuals import calibrations, residuals_against

# operator, listed MHz: readings from 50 m on, a, b, sigma, median distance
LAWS = {
    ("o2", 850.0): (2387, -7.4, -27.3, 7.9, 800),
    ("o2", 1845.0): (4462, -31.2, -22.3, 9.5, 486),
    ("vodafone", 860.0): (5201, -19.8, -25.8, 8.5, 1217),
    ("vodafone", 1865.1): (870, -50.3, -15.3, 9.4, 1139),
    ("vodafone", 2630.0): (128, -74.0, -10.5, 6.4, 635),
}


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "radio" / "drive_test"


@pytest.fixture(scope="module")
def drives(folder: Path) -> tuple[Measurements, Cells]:
    return read_sessions(folder)


@pytest.fixture(scope="module")
def bands(drives: tuple[Measurements, Cells]) -> dict[str, Samples]:
    return {samples.name: samples for samples in samples_of(*drives)}


@pytest.fixture(scope="module")
def answer(folder: Path) -> DriveTestAnswer:
    return drive_test_answer(folder, {}, None, {})


def test_reader_and_match_count_what_was_counted(drives: tuple[Measurements, Cells]) -> None:
    measurements, cells = drives
    counted = {"o2": (7181, 6894, 6849, 188, 37), "vodafone": (7178, 6604, 6199, 147, 37)}
    found = served(measurements, cells)
    assert len(measurements.runs) == 20
    for name, (rows, serving, matched, listed, sites) in counted.items():
        own = np.array([operator == name for operator in measurements.operators])[measurements.run]
        assert own.sum() == rows
        assert np.isfinite(measurements.rsrp_dbm[own]).sum() == serving
        assert own[found.reading].sum() == matched
        of_name = cells.operator == name
        assert of_name.sum() == listed
        assert len(set(zip(cells.latitude_deg[of_name], cells.longitude_deg[of_name], strict=True))) == sites
    known = np.isfinite(measurements.rsrp_dbm)
    assert (measurements.pci[known] == -1).sum() == 6
    assert (measurements.cell[~known] == -1).all(), "before registration nothing serves"
    assert measurements.rsrp_dbm[known].max() < -40 < 0 < measurements.speed_mps.max() * 3.6 < 146
    assert repeats(measurements.take(known)).sum() / known.sum() == pytest.approx(0.53, abs=0.02)


def test_distance_laws_are_the_baseline(drives: tuple[Measurements, Cells]) -> None:
    found = laws(*drives)
    assert {band: one.readings for band, one in found.items()} == {band: row[0] for band, row in LAWS.items()}
    for band, (_, a, b, sigma, median) in LAWS.items():
        law = found[band].law
        assert (round(law.a_dbm, 1), round(law.b_db, 1)) == (a, b)
        assert round(law.sigma_db, 1) == sigma
        assert found[band].median_distance_m == pytest.approx(median, abs=3.5)


def test_all_runs_lie_on_one_axis_as_the_car_drove_it(drives: tuple[Measurements, Cells]) -> None:
    """Against the speed the car reported: the measure advances as far as speed times time says."""
    measurements, _ = drives
    measure = measure_along_route_m(measurements)
    assert np.isnan(measure).sum() == fixes_astray(measurements).sum() == 21
    for run in range(len(measurements.runs)):
        rows = np.flatnonzero((measurements.run == run) & np.isfinite(measure))
        assert measure[rows].max() - measure[rows].min() == pytest.approx(14_200, abs=150)
        driven = np.cumsum(measurements.speed_mps[rows][1:] * np.diff(measurements.time_s[rows]))
        assert np.abs(measure[rows][1:] - measure[rows][0] - driven).max() < 300, "also where it turns back on itself"


@pytest.mark.parametrize("cut_m", [0.0, 1000.0])
@pytest.mark.parametrize("name", ["o2 1845 MHz", "vodafone 860 MHz"])
def test_prediction_beats_the_law_where_nobody_measured(bands: dict[str, Samples], name: str, cut_m: float) -> None:
    """Two kilometres at a time left out in all runs, both models on the same folds: the whole interval is a gain."""
    samples = bands[name]
    law, trassa = out_of_fold(samples, stretch_folds(samples.measure_m + cut_m))
    found = Comparison.of(samples.rsrp_dbm, law, trassa, blocks(samples.measure_m + cut_m))
    assert found.samples == len(samples)
    assert found.parts >= 7
    assert found.low_db > 0.0, found
    assert found.difference_db > 0.3


def test_what_is_left_out_is_not_looked_at(bands: dict[str, Samples]) -> None:
    samples = bands["vodafone 860 MHz"]
    fold = stretch_folds(samples.measure_m)
    one = np.where(fold == 2, 1, 0)
    before = out_of_fold(samples, one)
    other = samples.take(np.arange(len(samples)))
    other.rsrp_dbm[one == 1] += 30.0
    for was, now in zip(before, out_of_fold(other, one), strict=True):
        np.testing.assert_array_equal(was[one == 1], now[one == 1])
        assert np.abs(was - now)[one == 0].max() > 5.0, "the other way round it is"


def test_runs_repeat_better_than_stretches_are_predicted(answer: DriveTestAnswer) -> None:
    for band in answer.bands[:3]:
        assert band.runs.trassa_rmse_db < band.stretches.trassa_rmse_db - 1.5
        assert 4.5 < band.runs.trassa_rmse_db < 6.5


def test_repetitions_add_readings_and_no_knowledge(drives: tuple[Measurements, Cells]) -> None:
    """Half of the readings go, and neither sigma nor what they are worth changes: they err together over 300 m."""
    measurements, cells = drives
    found, measure = served(measurements, cells), measure_along_route_m(measurements)
    law = laws(measurements, cells)["vodafone", 860.0].law
    rows = (found.frequency_mhz == 860.0) & (found.distance_m >= 50.0)
    new = ~repeats(measurements)[found.reading]
    calibrated = []
    for kept in (rows, rows & new):
        at, predicted = found.reading[kept], law.rsrp_dbm(found.distance_m[kept])
        place = measure[at], found.site[kept], measurements.run[at]
        (one,) = residuals_against(predicted, measurements.rsrp_dbm[at], *place, band="860", source="law")
        calibrated.append(one)
        assert one.sigma_db == pytest.approx(8.5, abs=1.0)
        assert one.effective_samples < one.samples / 20, "readings of one place err together"
    with_repeats, without = calibrated
    assert without.samples < 0.5 * with_repeats.samples
    assert without.sigma_db == pytest.approx(with_repeats.sigma_db, rel=0.05)
    assert without.correlation_m == pytest.approx(with_repeats.correlation_m, rel=0.1)
    assert without.effective_samples == pytest.approx(with_repeats.effective_samples, rel=0.1)


def test_calibration_of_every_band_stands_in_the_answer(answer: DriveTestAnswer) -> None:
    said = json.loads(json.dumps(answer.as_dict(), allow_nan=False))
    assert [band["band"] for band in said["bands"]] == [band.name for band in answer.bands]
    assert answer.notes == ("450 of 13498 readings are of no cell in the list",)
    for band in answer.bands[:3]:
        one = band.calibration
        assert one.offset_low_db < 0.0 < one.offset_high_db, "predicted where nobody measured, not fitted there"
        assert one.sigma_low_db < one.sigma_db < one.sigma_high_db < 13.0
        assert 50.0 < one.correlation_m < 1000.0
        assert band.along.count.sum() == band.stretches.samples
        np.testing.assert_array_equal(np.mod(band.along.start_m, 100.0), 0.0)
    header, rows = answer.table()
    assert all(len(row) == len(header) for row in rows)
    assert [line.split(": sigma ")[0] for line in answer.text().splitlines()[:-1]] == [b.name for b in answer.bands]


def test_calibrations_by_class_are_of_the_same_readings(bands: dict[str, Samples]) -> None:
    from trassa.radio.prediction import DistanceLaw
    from trassa.radio.residuals import Residuals

    samples = bands["o2 850 MHz"]
    law = DistanceLaw.fit(samples.distance_m, samples.rsrp_dbm)
    built_up = np.where(samples.typical_speed_mps < 20.0, "built-up", "open").astype(object)
    residual = samples.rsrp_dbm - law.rsrp_dbm(samples.distance_m)
    whole, *classes = calibrations(
        Residuals(residual, samples.measure_m, samples.site, samples.run, built_up), samples.name, "law"
    )
    assert sum(one.samples for one in classes) == whole.samples == len(samples)
    slow, fast = classes
    assert slow.offset_db < whole.offset_db < fast.offset_db, "in town it is weaker"


def test_a_context_file_cut_short_is_refused(folder: Path, tmp_path: Path) -> None:
    from trassa.errors import InputError

    path = next((folder / "highway").glob("*_o2_context.txt"))
    whole = path.read_text()
    cut = tmp_path / path.name
    cut.write_text(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"line 3\d\d: \d+ columns, not 18|is no number"):
        read_context(cut, "o2")
