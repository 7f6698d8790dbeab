"""Handover along the way on fields made by hand, where places and times can be computed without the programme."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from trassa.errors import InputError
from trassa.plan.verify.radio.handover_time import handover_s
from trassa.radio.handover import HandoverRules, drawn_trips, median_drive, outage_odds, speeds_up_to
from trassa.radio.handover_settings import HandoverSettings
from trassa.radio.handover_way import Way, drawn_levels, median_levels, way_of
from trassa.radio.settings import RadioSettings
from trassa.radio.shadowing import Shadowing
from trassa.radio.signals import Signals

NOISE_DBM = -125.0
PROMPT = HandoverRules(
    a3_offset_db=2.0,
    hysteresis_db=1.0,
    time_to_trigger_ms=200.0,
    measurement_period_ms=10.0,
    filter_coefficient=0,
    preparation_ms=50.0,
    execution_ms=40.0,
)
SHADOWING = Shadowing(8.0, 0.5, 50.0)
KMH = 120.0
MPS = KMH / 3.6
STEP_M = MPS * 0.01


def centres(length_m: float) -> np.ndarray:
    return np.arange(5.0, length_m, 10.0)


def way(*levels_dbm: np.ndarray, load: float = 0.0, exempt: np.ndarray | None = None, backwards: bool = False) -> Way:
    """Cells of their own sites with a level at every bin centre, NaN where not heard."""
    table = np.column_stack(levels_dbm)
    heard = np.isfinite(table)
    start = np.concatenate([[0], np.cumsum(heard.sum(axis=1))]).astype(np.int64)
    order = np.argsort(np.where(heard, -table, np.inf), axis=1, kind="stable")
    ranked = np.take_along_axis(heard, order, 1)
    cell = order[ranked].astype(np.int64)
    level_dbm = np.take_along_axis(table, order, 1)[ranked]
    signals = Signals(start, cell, level_dbm, level_dbm, np.arange(table.shape[1], dtype=np.int64))
    bins = np.arange(len(table))[::-1] if backwards else np.arange(len(table))
    shut = np.zeros(len(table), bool) if exempt is None else exempt
    centre_m = 10.0 * bins + 5.0
    return way_of(signals, bins, centre_m, np.full(table.shape[1], load), NOISE_DBM, shut[bins])


def crossing(length_m: float = 4000.0, slope_db_per_m: float = 0.01, **options: object) -> Way:
    """Two cells whose levels cross in the middle; their difference changes by twice the slope."""
    x = centres(length_m)
    return way(-80.0 - slope_db_per_m * x, -80.0 - slope_db_per_m * (length_m - x), **options)


def test_handover_is_where_arithmetic_puts_it() -> None:
    trip, events = median_drive(crossing(), PROMPT, KMH)
    # 3 dB beyond the crossing at 0.02 dB/m, then the time to trigger, then the preparation
    expected_m = 2000.0 + 3.0 / 0.02 + (0.2 + 0.05) * MPS
    assert events.kind.tolist() == [0]
    assert expected_m <= events.measure_m[0] <= expected_m + 2.0 * STEP_M
    assert (events.from_cell[0], events.to_cell[0]) == (0, 1)
    assert events.interruption_ms.tolist() == [40]
    assert (trip.handovers[0], trip.failed_handovers[0], trip.link_failures[0], trip.ping_pongs[0]) == (1, 0, 0, 0)
    assert trip.outage_s[0] == trip.longest_outage_s[0] == pytest.approx(0.04)
    assert trip.longest_outage_m[0] == events.measure_m[0]
    assert trip.duration_s == pytest.approx(3990.0 / MPS)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"filter_coefficient": 0, "time_to_trigger_ms": 320.0},
        {"filter_coefficient": 8, "measurement_period_ms": 120.0},
        {"time_to_trigger_ms": 0.0, "preparation_ms": 0.0},
    ],
)
@pytest.mark.parametrize("speed_kmh", [50.0, 130.0, 250.0])
def test_a_drive_ends_its_handover_within_the_time_that_the_plan_keeps_for_it(
    changes: dict[str, float], speed_kmh: float
) -> None:
    """Whatever lies between a measurement and the place where event A3 is met; at worst within a few steps of it."""
    settings = HandoverSettings(**changes)  # type: ignore[arg-type]
    radio, spent_s = RadioSettings(handover=settings), []
    x, met_db = centres(3000.0), settings.a3_offset_db + settings.hysteresis_db
    for shift_m in np.linspace(0.0, speed_kmh / 3.6 * 0.001 * settings.measurement_period_ms, 23):
        less_db = 0.1 * (x - 1000.0 - shift_m)
        _, events = median_drive(way(-80.0 - less_db, -80.0 + less_db), HandoverRules(**settings.rules()), speed_kmh)
        assert events.kind.tolist() == [0]
        ends_m = events.measure_m[0] + 0.001 * events.interruption_ms[0] * speed_kmh / 3.6
        spent_s.append((ends_m - 1000.0 - shift_m - met_db / 0.2) / (speed_kmh / 3.6))
    assert settings.decision_s - 0.04 <= max(spent_s) <= settings.decision_s + 0.011
    assert handover_s(radio) == pytest.approx(settings.decision_s)


def test_the_other_way_round_it_mirrors() -> None:
    _, events = median_drive(crossing(backwards=True), PROMPT, KMH)
    expected_m = 2000.0 - 3.0 / 0.02 - (0.2 + 0.05) * MPS
    assert expected_m - 2.0 * STEP_M <= events.measure_m[0] <= expected_m
    assert (events.from_cell[0], events.to_cell[0]) == (1, 0)


@pytest.mark.parametrize("speed_kmh", speeds_up_to(130.0))
def test_delay_grows_with_speed(speed_kmh: float) -> None:
    _, events = median_drive(crossing(), PROMPT, speed_kmh)
    expected_m = 2150.0 + 0.25 * speed_kmh / 3.6
    assert expected_m <= events.measure_m[0] <= expected_m + 2.0 * speed_kmh / 360.0


@pytest.mark.parametrize("k", [4, 8])
def test_filter_lags_by_its_time_constant(k: int) -> None:
    """On a ramp F lags behind M by T·(1 − a)/a, exactly once the start is forgotten."""
    _, events = median_drive(crossing(), replace(PROMPT, filter_coefficient=k), KMH)
    share = 0.5 ** (k / 4.0)
    expected_m = 2150.0 + (0.25 + 0.01 * (1.0 - share) / share) * MPS
    assert expected_m <= events.measure_m[0] <= expected_m + 2.0 * STEP_M


def test_measurements_come_once_a_period() -> None:
    rules = replace(PROMPT, measurement_period_ms=200.0, time_to_trigger_ms=160.0)
    _, events = median_drive(crossing(), rules, KMH)
    first = np.ceil((2150.0 - 5.0) / (0.2 * MPS))  # the first measurement at which the event is entered
    assert events.measure_m[0] == pytest.approx(5.0 + (first + 1.0) * 0.2 * MPS + 0.05 * MPS, abs=0.01)


def test_longer_time_to_trigger_is_never_earlier() -> None:
    field = crossing()
    rules = [replace(PROMPT, time_to_trigger_ms=time_ms) for time_ms in (0.0, 40.0, 160.0, 320.0, 640.0, 1280.0)]
    places = [median_drive(field, one, KMH)[1].measure_m[0] for one in rules]
    assert (np.diff(places) > 0.0).all()
    assert places[-1] - places[0] == pytest.approx(1.28 * MPS, abs=2.0 * STEP_M)


def waves(length_m: float, swing_db: float, wave_m: float) -> Way:
    x = centres(length_m)
    swing = swing_db * np.sign(np.sin(2.0 * np.pi * x / wave_m))
    return way(-80.0 + swing, -80.0 - swing)


def test_oscillating_field_is_ping_pong() -> None:
    wave_m = 1.6 * MPS  # each cell leads for 0.8 s
    short = replace(PROMPT, time_to_trigger_ms=40.0)
    trip, events = median_drive(waves(2000.0, 4.0, wave_m), short, KMH)
    halves = int(2000.0 / (0.8 * MPS))
    assert abs(trip.handovers[0] - halves) <= 2
    assert trip.ping_pongs[0] == trip.handovers[0] - 1
    assert (events.from_cell[1:] == events.to_cell[:-1]).all()
    assert median_drive(waves(2000.0, 4.0, wave_m), replace(short, ping_pong_s=0.5), KMH)[0].ping_pongs[0] == 0
    assert median_drive(waves(2000.0, 4.0, wave_m), replace(short, time_to_trigger_ms=900.0), KMH)[0].handovers[0] == 0
    assert median_drive(waves(2000.0, 1.4, wave_m), short, KMH)[0].handovers[0] == 0


def cliff(length_m: float = 3000.0) -> np.ndarray:
    """SINR without load falls by 0.1 dB/m from 1,000 m on: 35 dB there, so Qout −8 dB is met at 1,430 m."""
    x = centres(length_m)
    return np.where(x < 1000.0, -90.0, -90.0 - 0.1 * (x - 1000.0))


def test_t310_counts_to_the_step() -> None:
    t310, n310 = 1000.0, 5
    trip, events = median_drive(way(cliff()), replace(PROMPT, t310_ms=t310, n310=n310), KMH)
    below_m = 1430.0
    first = np.floor((below_m - 5.0) / STEP_M) + 1.0  # the first step below Qout
    assert trip.link_failures[0] == 1
    # nothing to return to: the outage goes on from the first step below to the end
    steps = np.floor((2990.0) / STEP_M) + 1.0
    assert trip.outage_s[0] == pytest.approx(0.01 * (steps - first))
    assert trip.longest_outage_m[0] == pytest.approx(5.0 + first * STEP_M)
    assert len(events.kind) == 0
    # with a cell to return to, the failure is logged where T310 ran out
    x = centres(3000.0)
    late = np.where(x > 1400.0, -95.0, np.nan)
    deaf = replace(PROMPT, t310_ms=t310, n310=n310, time_to_trigger_ms=50_000.0, reestablishment_ms=300.0)
    trip, events = median_drive(way(cliff(), late), deaf, KMH)
    assert events.kind.tolist() == [2]
    assert events.measure_m[0] == pytest.approx(5.0 + (first + n310 - 1 + 100) * STEP_M)
    assert events.interruption_ms.tolist() == [300]
    assert (events.from_cell[0], events.to_cell[0]) == (0, 1)
    assert trip.longest_outage_s[0] == pytest.approx(0.01 * (n310 - 1 + 100 + 30))


def test_in_sync_stops_t310() -> None:
    x = centres(3000.0)
    dip_db = np.where(abs(x - 1500.0) < 0.5 * MPS, 50.0, 0.0)  # one second, give or take a bin
    trip, _ = median_drive(way(-90.0 - dip_db), replace(PROMPT, t310_ms=2000.0), KMH)
    assert trip.link_failures[0] == 0
    assert 0.5 < trip.outage_s[0] < 1.5
    trip, events = median_drive(way(-90.0 - dip_db), replace(PROMPT, t310_ms=500.0, reestablishment_ms=100.0), KMH)
    assert trip.link_failures[0] == 1
    assert events.to_cell.tolist() == [0]


def test_outages_apart_are_not_one_long_outage() -> None:
    x = centres(4000.0)
    dips = (abs(x - 1500.0) < 20.0) | (abs(x - 2500.0) < 30.0)  # 4 and 6 bins, with 50 dB to the next one
    trip, _ = median_drive(way(np.where(dips, -140.0, -90.0)), replace(PROMPT, t310_ms=5000.0), KMH)
    # Qout is at −133 dBm, which is met 1.4 m outside the outermost centres
    assert trip.longest_outage_s[0] == pytest.approx(52.8 / MPS, abs=0.02)
    assert trip.outage_s[0] == pytest.approx((32.8 + 52.8) / MPS, abs=0.04)
    assert trip.longest_outage_m[0] == pytest.approx(2475.0 - 1.4, abs=2.0 * STEP_M)


def test_missing_target_fails_the_execution() -> None:
    """A target that vanishes between report and execution; the serving cell is lost soon after."""
    x = centres(3000.0)
    at_m = 2000.0 + (0.2 + 0.05 + 0.02) * MPS
    target = np.where((x > 2000.0) & (x < at_m), -70.0, np.nan)
    trip, events = median_drive(way(np.full(len(x), -85.0), target), replace(PROMPT, execution_ms=200.0), KMH)
    assert trip.failed_handovers[0] == 1
    assert events.kind.tolist() == [1]
    assert events.to_cell.tolist() == [0]
    assert events.interruption_ms.tolist() == [200 + 300]
    assert trip.handovers[0] == 0


def test_serving_cell_lost_during_preparation() -> None:
    x = centres(3000.0)
    serving = np.where(x < 2000.0, -85.0, -140.0)
    other = np.where(x > 1990.0, -75.0, np.nan)
    slow = replace(PROMPT, preparation_ms=500.0, time_to_trigger_ms=0.0)
    trip, events = median_drive(way(serving, other), slow, KMH)
    assert (trip.failed_handovers[0], trip.handovers[0], trip.link_failures[0]) == (1, 0, 0)
    assert (events.from_cell[0], events.to_cell[0]) == (0, 1)
    assert median_drive(way(serving, other), replace(slow, preparation_ms=0.0), KMH)[0].handovers[0] == 1


def test_holes_are_outages_unless_a_cable_serves() -> None:
    x = centres(3000.0)
    level = np.where((x > 1000.0) & (x < 1600.0), np.nan, -85.0)
    trip, _ = median_drive(way(level), PROMPT, KMH)
    # 600 m without signal, then T310 has run out long ago and the vehicle returns at the first step with a signal
    assert trip.outage_s[0] == pytest.approx(600.0 / MPS, abs=0.02)
    assert trip.longest_outage_m[0] == pytest.approx(1000.0, abs=STEP_M)
    shut = (x > 990.0) & (x < 1610.0)
    trip, events = median_drive(way(level, exempt=shut), PROMPT, KMH)
    assert (trip.outage_s[0], trip.link_failures[0], len(events.kind)) == (0.0, 0, 0)


def test_missing_bins_are_driven_over() -> None:
    signals = Signals(np.arange(201), np.zeros(200, int), np.full(200, -85.0), np.full(200, -85.0), np.zeros(1, int))
    x = centres(3000.0)
    kept = np.flatnonzero((x < 1000.0) | (x > 2000.0))
    field = way_of(signals, np.arange(len(kept)), x[kept], np.zeros(1), NOISE_DBM, np.zeros(len(kept), bool))
    assert field.length_m == 2990.0
    trip, _ = median_drive(field, PROMPT, KMH)
    assert trip.outage_s[0] == pytest.approx(1000.0 / MPS, abs=0.02)


def test_load_of_the_other_cell_makes_the_border_hard() -> None:
    idle, busy = (median_levels(crossing(load=load)) for load in (0.0, 1.0))
    assert idle.sinr_db.min() > 0.0
    field = crossing(load=1.0)
    middle = field.node_start[200]
    expected_db = field.rsrp_dbm[middle] - 10.0 * np.log10(field.disturbing_mw[middle + 1] + field.noise_mw)
    assert busy.sinr_db[middle] == pytest.approx(expected_db)
    late = replace(PROMPT, a3_offset_db=12.0, time_to_trigger_ms=0.0)
    assert median_drive(field, late, KMH)[0].link_failures[0] == 1
    assert median_drive(crossing(), late, KMH)[0].link_failures[0] == 0


def test_drawn_levels_have_the_medians_and_sigma_of_the_plan() -> None:
    x = centres(400_000.0)
    field = way(np.full(len(x), -85.0), np.full(len(x), -95.0))
    drawn = drawn_levels(field, SHADOWING, np.random.default_rng(1)).level_dbm - field.rsrp_dbm
    assert abs(drawn.mean()) < 5.0 * 8.0 / np.sqrt(4000.0)
    assert drawn.std() == pytest.approx(8.0, rel=5.0 / np.sqrt(4000.0))


def test_trips_are_the_same_for_a_seed_whatever_the_threads() -> None:
    field = crossing(8000.0, 0.005, load=0.5)
    one, two = (drawn_trips(field, SHADOWING, HandoverRules(), KMH, range(40), 3, threads) for threads in (1, 2))
    for column, again in zip(vars(one).values(), vars(two).values(), strict=True):
        np.testing.assert_array_equal(column, again)
    assert len(np.unique(one.outage_s)) > 10
    part = drawn_trips(field, SHADOWING, HandoverRules(), KMH, range(30, 40), 3)
    np.testing.assert_array_equal(part.outage_s, one.outage_s[30:])
    other = drawn_trips(field, SHADOWING, HandoverRules(), KMH, range(40), 4)
    assert not np.array_equal(other.outage_s, one.outage_s)
    none = drawn_trips(field, replace(SHADOWING, sigma_db=0.0), HandoverRules(), KMH, range(2), 3)
    assert none.handovers.tolist() == [int(median_drive(field, HandoverRules(), KMH)[0].handovers[0])] * 2


def test_outages_fall_with_a_stronger_field() -> None:
    field = crossing(8000.0, 0.005)
    weak = replace(field, rsrp_dbm=field.rsrp_dbm - 25.0)
    good, bad = (drawn_trips(one, SHADOWING, HandoverRules(), KMH, range(60), 5) for one in (field, weak))
    assert good.outage_s.mean() < bad.outage_s.mean()
    assert (bad.longest_outage_s <= bad.outage_s + 1e-9).all()
    assert good.longest_outage_s.max() < bad.longest_outage_s.max()


def test_odds_of_an_outage_are_scipys_interval() -> None:
    longest_s = np.concatenate([np.full(494, 0.3), np.full(6, 2.0)])
    odds = outage_odds(longest_s, 1.0, 0.05)
    exact = binomtest(6, 500).proportion_ci(confidence_level=0.95, method="exact")
    assert (odds.probability, odds.trips) == (0.012, 500)
    assert (odds.probability_low, odds.probability_high) == pytest.approx((exact.low, exact.high))
    assert outage_odds(longest_s, 2.0, 0.05).probability == 0.0


def test_speeds_end_at_the_design_speed() -> None:
    assert speeds_up_to(35.0) == [10.0, 20.0, 30.0, 35.0]
    assert speeds_up_to(30.0) == [10.0, 20.0, 30.0]


def test_what_cannot_be_meant_is_refused() -> None:
    for wrong in ({"t310_ms": -1.0}, {"qin_db": -9.0}, {"n310": 0}, {"filter_coefficient": 40}):
        with pytest.raises(InputError, match="handover"):
            replace(PROMPT, **wrong)
    with pytest.raises(InputError, match="km/h"):
        median_drive(crossing(), PROMPT, 0.0)
    with pytest.raises(InputError, match="trips"):
        outage_odds(np.empty(0), 1.0, 0.05)
    with pytest.raises(InputError, match="cannot be driven"):
        way(np.array([-80.0]))
