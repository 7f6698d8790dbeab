"""The locator against cables whose truth is known: laid with their own helix, slack and loops, read with another index.

Event tables have the scatter measured between fibres of one real cable (8 to 14 m, a seventh of the closures not seen,
bends); whole sampled traces go through the search for events.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otdr_truth import TrueFibre, TrueTrace, laid_fibre, repaired, sampled, true_trace
from trassa.errors import InputError
from trassa.optical.otdr import (
    Calibration,
    Location,
    calibrated,
    event_table,
    located,
    next_epoch,
    two_way_losses,
    uncalibrated,
)

SEEDS = 1000


def _errors(found: list[tuple[Location, float]]) -> np.ndarray:
    """Columns: error, half-width, truth inside, truth between the chambers, allowed half-width without calibration."""
    rows = [
        (
            at.route_m - route_m,
            (at.high_m - at.low_m) / 2.0,
            at.low_m <= route_m <= at.high_m,
            at.before.route_m <= route_m <= at.behind.route_m,
            0.01 * route_m + 100.0,
        )
        for at, route_m in found
    ]
    return np.array(rows, dtype=np.float64)


def _fault(fibre: TrueFibre) -> tuple[float, float]:
    """A fault anywhere but in the last two hundredths at either end: route, optical distance."""
    route_m = float(fibre.rng.uniform(0.02, 0.98)) * fibre.route_length_m
    return route_m, fibre.optical_m(route_m)


def test_without_calibration_the_interval_is_honest() -> None:
    """All reels alike, at any helix and slack that the prior allows: nothing averages out."""
    found = []
    for seed in range(SEEDS):
        fibre = laid_fibre(seed, alike=True)
        route_m, optical_m = _fault(fibre)
        table = fibre.table(broken_at_m=optical_m)
        assert table.end is not None
        found.append((located(uncalibrated(fibre.path), table.end.fibre_m, table=table), route_m))
    errors = _errors(found)
    assert errors[:, 2].mean() >= 0.95
    assert (errors[:, 1] <= errors[:, 4]).all()
    assert not found[0][0].calibrated


@pytest.mark.parametrize(("fibres", "seeds"), [(1, SEEDS), (4, SEEDS // 5)])
def test_calibrated_faults_are_found(fibres: int, seeds: int) -> None:
    found = []
    for seed in range(seeds):
        fibre = laid_fibre(seed)
        route_m, optical_m = _fault(fibre)
        calibration = calibrated(fibre.path, [fibre.table() for _ in range(fibres)])
        table = fibre.table(broken_at_m=optical_m)
        assert table.end is not None
        found.append((located(calibration, table.end.fibre_m, table=table), route_m))
    errors = _errors(found)
    assert (np.abs(errors[:, 0]) <= 50.0).mean() >= 0.99
    assert errors[:, 3].mean() >= 0.99
    assert errors[:, 2].mean() >= 0.98
    assert found[0][0].calibrated


def test_both_directions_teach_as_much() -> None:
    found = []
    for seed in range(SEEDS // 10):
        fibre = laid_fibre(seed)
        route_m, optical_m = _fault(fibre)
        there, back = fibre.table(), fibre.table(far_end=True)
        assert there.end is not None
        calibration = calibrated(fibre.path, [there, back.reversed(there.end.fibre_m)])
        table = fibre.table(broken_at_m=optical_m)
        assert table.end is not None
        found.append((located(calibration, table.end.fibre_m, table=table), route_m))
    assert (np.abs(_errors(found)[:, 0]) <= 50.0).mean() >= 0.99


def test_sampled_traces_all_the_way() -> None:
    """Baselines and fault as 500-ns traces in noise: events found, paired, calibrated, the fault located."""
    found, guessed = [], []
    for seed in range(SEEDS):
        fibre = laid_fibre(seed)
        route_m, optical_m = _fault(fibre)
        tables = [event_table(sampled(true_trace(fibre), fibre.rng)) for _ in range(2)]
        read_m = optical_m + float(fibre.rng.normal(0.0, fibre.scatter_m))
        ending_db = (None, -30.0, -14.5)[seed % 3]
        broken = true_trace(fibre, broken_at_m=read_m, reflectance_db=ending_db)
        table = event_table(sampled(broken, fibre.rng))
        assert table.end is not None
        found.append((located(calibrated(fibre.path, tables), table.end.fibre_m, table=table), route_m))
        guessed.append((located(uncalibrated(fibre.path), table.end.fibre_m, table=table), route_m))
    errors, honest = _errors(found), _errors(guessed)
    assert (np.abs(errors[:, 0]) <= 50.0).mean() >= 0.99
    assert errors[:, 3].mean() >= 0.99
    assert errors[:, 2].mean() >= 0.98
    assert honest[:, 2].mean() >= 0.95
    assert (honest[:, 1] <= honest[:, 4]).all()


def test_zero_and_clock_of_another_instrument_are_learned_from_closures() -> None:
    """The fault read with 8 m more patch cord and a clock off by 0.03 %: closures on the way take some of it off."""
    with_table, without = [], []
    for seed in range(SEEDS // 10):
        fibre = laid_fibre(seed)
        route_m, optical_m = _fault(fibre)
        calibration = calibrated(fibre.path, [fibre.table() for _ in range(4)])
        table = fibre.table(broken_at_m=optical_m)
        events = tuple(replace(event, fibre_m=event.fibre_m * 1.0003 + 8.0) for event in table.events)
        table = replace(table, events=events, last_m=table.last_m * 1.0003 + 8.0)
        assert table.end is not None
        with_table.append(located(calibration, table.end.fibre_m, table=table).route_m - route_m)
        without.append(located(calibration, table.end.fibre_m).route_m - route_m)
    assert np.mean(np.square(with_table)) < 0.9 * np.mean(np.square(without))
    assert abs(np.mean(with_table)) < 0.65 * abs(np.mean(without))


def test_many_fibres_of_one_cut_narrow_the_interval() -> None:
    fibre = laid_fibre(5)
    calibration = calibrated(fibre.path, [fibre.table() for _ in range(8)])
    one, many = (located(calibration, 20_000.0, count=count) for count in (1, 16))
    assert many.high_m - many.low_m < 0.7 * (one.high_m - one.low_m)


def test_repairs_are_learned() -> None:
    """40 to 150 m of fibre put in: the shift behind it is found, what lies behind is located as before."""
    found, stale, inserted, where, false = [], [], [], [], 0
    for seed in range(SEEDS // 10):
        fibre = laid_fibre(seed)
        old = calibrated(fibre.path, [fibre.table() for _ in range(4)])
        false += len(next_epoch(old, [fibre.table() for _ in range(3)])[1])
        at_m, length_m = float(fibre.rng.uniform(0.05, 0.9)) * fibre.route_length_m, float(fibre.rng.uniform(40, 150))
        mended = repaired(fibre, at_m, length_m)
        new, repairs = next_epoch(old, [mended.table() for _ in range(3)])
        if len(repairs) == 1:
            inserted.append(repairs[0].inserted_m - length_m)
            where.append(abs(repairs[0].route_m - at_m))
        route_m = float(fibre.rng.uniform(at_m, 0.98 * fibre.route_length_m))
        table = mended.table(broken_at_m=mended.optical_m(route_m))
        assert table.end is not None
        found.append((located(new, table.end.fibre_m, table=table), route_m))
        stale.append((located(old, table.end.fibre_m, table=table), route_m))
    assert false == 0
    assert len(inserted) >= 0.98 * len(found)
    assert np.std(inserted) < 8.0
    assert np.median(where) < 15.0
    errors = _errors(found)
    assert (np.abs(errors[:, 0]) <= 50.0).mean() >= 0.99
    assert errors[:, 3].mean() >= 0.99
    assert (np.abs(_errors(stale)[:, 0]) <= 50.0).mean() < 0.7  # the repair is worth learning


def test_repair_without_a_closure_in_sight_widens_its_reel() -> None:
    """Where only the shift shows it, the interval between the two closures covers both ends of it."""
    seen = []
    for seed in range(48):
        fibre = laid_fibre(seed)
        old = calibrated(fibre.path, [fibre.table(missed=0.0) for _ in range(4)])
        at_m = float(fibre.rng.uniform(0.1, 0.8)) * fibre.route_length_m
        mended = repaired(fibre, at_m, 120.0)
        hidden = replace(mended, closures_optical_m=_moved(fibre, at_m, 120.0), bends_optical_m=np.empty(0))
        new, repairs = next_epoch(old, [hidden.table(missed=0.0) for _ in range(3)])
        if len(repairs) != 1 or repairs[0].seen:
            continue
        low_m, high_m = _reel(new, repairs[0].after), _reel(new, repairs[0].before)
        route_m = float(fibre.rng.uniform(low_m, high_m))
        at = located(new, mended.optical_m(route_m))
        seen.append(at.low_m <= route_m <= at.high_m)
    assert len(seen) > 24
    assert np.mean(seen) >= 0.97


def _moved(fibre: TrueFibre, at_m: float, inserted_m: float) -> np.ndarray:
    behind = fibre.closures_m > at_m
    return fibre.closures_optical_m + inserted_m * behind


def _reel(calibration: Calibration, name: str) -> float:
    return next((place.route_m for place in calibration.path.places if place.name == name), 0.0)


def test_gainers_vanish_in_both_directions() -> None:
    """Sampled from either end: one way a third are gainers, the mean of both is the splice's loss."""
    one_way, both = [], []
    for seed in range(8):
        fibre = laid_fibre(seed)
        there = true_trace(fibre)
        back = TrueTrace(
            (there.end_m - there.joints_m)[::-1], there.losses_db[::-1], -there.scatter_db[::-1], there.end_m
        )
        tables = [event_table(sampled(truth, fibre.rng, range_db=26.0)) for truth in (there, back)]
        for loss in two_way_losses(calibrated(fibre.path, tables[:1]), *tables):
            number = int(loss.name.removeprefix("CL-"))
            one_way.append(loss.from_hut_db or 0.0)
            both.append((loss.loss_db - there.losses_db[number]) / max(loss.loss_sd_db, 1e-3))
    assert len(both) > 25
    assert np.mean(np.array(one_way) < 0.0) > 0.1
    assert np.abs(both).max() < 6.0
    assert np.std(both) < 2.0


def test_tables_at_another_index_are_refused() -> None:
    fibre = laid_fibre(1)
    table = fibre.table()
    other = replace(table, index=1.4682)
    with pytest.raises(InputError, match=r"index 1.46820, calibration at 1.47000"):
        calibrated(fibre.path, [table, other])
    calibration = calibrated(fibre.path, [table])
    with pytest.raises(InputError, match="index"):
        located(calibration, 5000.0, table=other)
    with pytest.raises(InputError, match="index"):
        next_epoch(calibration, [other])


@pytest.mark.parametrize("optical_m", [-2000.0, 200_000.0, float("nan")])
def test_distance_off_the_fibre_is_refused(optical_m: float) -> None:
    with pytest.raises(InputError, match="the fibre ends at"):
        located(uncalibrated(laid_fibre(1).path), optical_m)
