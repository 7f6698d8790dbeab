"""Our event table against instruments' own and against simulated fibres whose events are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otdr_truth import TrueTrace, laid_fibre, sampled, true_trace
from trassa.errors import InputError
from trassa.optical.otdr import Trace, changes, event_table, fibre_m, read_sor

CLEAR = {
    "1310_0001": (195.2, 862.6, 3279.6, 4108.5, 5160.1, 8815.8),
    "1310_0002": (867.7,),
    "example": (0.0, 619.8),
    "issue15a": (498.6, 9208.9),
    "otdr1": (271.1,),
    "otdr2": (4292.8,),
    "otdr4": (61.5,),
}
"""What instruments found and a person sees in the samples, by their distances."""


def _real(shared: Path, name: str) -> Trace:
    return read_sor(shared / "optical" / "sor" / f"{name}.sor")


@pytest.mark.parametrize("name", CLEAR)
def test_clear_events_of_instruments_are_found(shared: Path, name: str) -> None:
    """Within a pulse and what the receiver's smoothing adds; losses within 0.1 dB."""
    trace = _real(shared, name)
    table = event_table(trace)
    reported = {round(float(fibre_m(event.time_ns, trace.index)), 1): event for event in trace.events}
    for at_m in CLEAR[name]:
        event = min(table.events, key=lambda e: abs(e.fibre_m - at_m))
        assert abs(event.fibre_m - at_m) <= max(trace.pulse_m(trace.index), 10.0)
        theirs = reported[at_m]
        if event.kind == "splice" and theirs.loss_db != 0.0:
            assert event.loss_db == pytest.approx(theirs.loss_db, abs=0.1)
        if event.reflectance_db is not None and theirs.reflectance_db is not None and not event.merged:
            tolerance_db = 5.0 if theirs.code.startswith("2") else 2.5
            assert event.reflectance_db == pytest.approx(theirs.reflectance_db, abs=tolerance_db)


def test_gainer_is_a_negative_loss(shared: Path) -> None:
    event = min(event_table(_real(shared, "1310_0001")).events, key=lambda e: abs(e.fibre_m - 862.6))
    assert event.loss_db == pytest.approx(-0.209, abs=0.03)


def test_events_in_noise_are_none(shared: Path) -> None:
    """Between 26 and 36 km the instrument lists events of up to 0.5 dB; means over 1 km on either side show no step."""
    trace = _real(shared, "issue15a")
    at = fibre_m(trace.sample_time_ns(), trace.index)
    table = event_table(trace)
    for event in trace.events:
        at_m = float(fibre_m(event.time_ns, trace.index))
        if 26_000.0 < at_m < 36_500.0:
            near = np.abs(at - at_m)
            before = trace.level_db[(near < 1000.0) & (at < at_m - 150.0)].mean()
            behind = trace.level_db[(near < 1000.0) & (at > at_m + 150.0)].mean()
            assert before - behind - 0.35 * 1.15 < 0.15
            assert all(abs(ours.fibre_m - at_m) > 150.0 for ours in table.events)


def test_fibre_behind_a_bad_joint_goes_on(shared: Path) -> None:
    """The instrument calls a loss of 6 dB the end; the samples go on falling like a fibre up to a reflection."""
    table = event_table(_real(shared, "otdr1"))
    assert table.end is not None
    assert table.end.fibre_m == pytest.approx(2632.0, abs=10.0)
    assert table.end.reflectance_db is not None


def test_fibre_shorter_than_the_dead_zone_is_refused(shared: Path) -> None:
    with pytest.raises(InputError, match="no backscatter"):
        event_table(_real(shared, "otdr3"))


def test_a_real_break_beside_a_closure(shared: Path) -> None:
    """1310_0002 ends at 868 m by its instrument, in 1310_0001 a closure stands at 863 m and the end at 8816 m."""
    found = changes(event_table(_real(shared, "1310_0001")), event_table(_real(shared, "1310_0002")))
    (ended,) = [change for change in found if change.kind == "end moved"]
    assert ended.fibre_m == pytest.approx(867.7, abs=3.0)
    assert ended.moved_m == pytest.approx(867.7 - 8815.8, abs=3.0)
    assert ended.amount_db > 15.0
    assert ended.beside is not None
    assert ended.beside.fibre_m == pytest.approx(863.0, abs=3.0)
    assert ended.fibre_m - ended.beside.fibre_m == pytest.approx(867.7 - 862.6, abs=3.0)


def test_nothing_changes_between_a_trace_and_itself(shared: Path) -> None:
    for name in CLEAR:
        table = event_table(_real(shared, name))
        assert changes(table, table) == ()


def test_tables_at_different_indices_are_not_compared(shared: Path) -> None:
    trace = _real(shared, "1310_0001")
    with pytest.raises(InputError, match=r"1\.46770 and 1\.47000"):
        changes(event_table(trace), event_table(trace, index=1.4700))


def test_distances_follow_the_index_given(shared: Path) -> None:
    trace = _real(shared, "1310_0001")
    one, other = event_table(trace), event_table(trace, index=1.4700)
    ratio = [b.fibre_m / a.fibre_m for a, b in zip(one.events, other.events, strict=True)]
    assert ratio == pytest.approx([1.4677 / 1.4700] * len(ratio), abs=1e-4)


def _scores(seeds: range, range_db: float) -> dict[str, float]:
    """Over 500-ns traces of 20 to 80 km: what share of joints of 0.06 dB or more is found, where, and how big."""
    shown, found, false, away, off, ends = 0, 0, 0, [], [], []
    for seed in seeds:
        fibre = laid_fibre(seed)
        truth = true_trace(fibre)
        table = event_table(sampled(truth, fibre.rng, range_db=range_db))
        passed = table.passed
        for at_m, loss_db in zip(truth.joints_m, truth.losses_db + truth.scatter_db, strict=True):
            if abs(loss_db) < 0.06 or at_m > table.last_m - 500.0:
                continue
            shown += 1
            near = [event for event in passed if abs(event.fibre_m - at_m) < 60.0]
            found += bool(near)
            away += [event.fibre_m - at_m for event in near[:1]]
            off += [event.loss_db - loss_db for event in near[:1]]
        false += sum(all(abs(event.fibre_m - at_m) > 60.0 for at_m in truth.joints_m) for event in passed)
        assert table.end is not None
        ends.append(table.end.fibre_m - truth.end_m)
    return {
        "found": found / shown,
        "false": false / len(seeds),
        "away_sd_m": float(np.std(away)),
        "away_m": float(np.mean(away)),
        "off_sd_db": float(np.std(off)),
        "end_m": float(np.max(np.abs(ends))),
    }


def test_events_of_known_fibres() -> None:
    scores = _scores(range(16), range_db=22.0)
    assert scores["found"] > 0.94
    assert scores["false"] < 0.3
    assert scores["away_sd_m"] < 10.0
    assert abs(scores["away_m"]) < 5.0
    assert scores["off_sd_db"] < 0.01
    assert scores["end_m"] < 15.0


def test_losses_are_as_sure_as_they_say() -> None:
    """One splice of 0.1 dB, many noises: the deviation of its loss against the standard deviation it is given."""
    truth = TrueTrace(np.array([12_000.0]), np.array([0.1]), np.array([0.0]), 25_000.0)
    strain = []
    for seed in range(48):
        table = event_table(sampled(truth, np.random.default_rng(seed), range_db=14.0))
        near = [event for event in table.passed if abs(event.fibre_m - 12_000.0) < 100.0]
        strain += [(event.loss_db - 0.1) / event.loss_sd_db for event in near]
    assert len(strain) > 40
    assert 0.5 < float(np.std(strain)) < 1.5
    assert abs(float(np.mean(strain))) < 0.6


@pytest.mark.parametrize("range_db", [7.0, 10.0, 13.0])
def test_a_line_that_fades_into_noise_is_no_end(range_db: float) -> None:
    """Whatever is called the end is the end; where the backscatter drowns before it, there is none."""
    drowned = 0
    for seed in range(12):
        fibre = laid_fibre(seed)
        truth = true_trace(fibre, broken_at_m=None if seed % 2 else float(fibre.optical_knots_m[-1]))
        table = event_table(sampled(truth, fibre.rng, range_db=range_db))
        assert table.end is None or abs(table.end.fibre_m - truth.end_m) < 5.0 * max(table.end.fibre_sd_m, 15.0)
        assert table.last_m < truth.end_m + 60.0
        drowned += table.end is None
    assert drowned >= 2


@pytest.mark.parametrize(("pulse_ns", "receiver_ratio"), [(100.0, 0.0), (500.0, 0.0), (500.0, 0.08)])
def test_events_stand_at_their_leading_edge(pulse_ns: float, receiver_ratio: float) -> None:
    """Splices and an end without reflection, by one rule, whatever the receiver: half a sample late and no more."""
    spacing_m, pulse_m = pulse_ns / 100.0, pulse_ns * 0.102
    splices, ends = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        joints = np.cumsum(rng.uniform(60.0, 90.0, 5)) * pulse_m
        truth = TrueTrace(joints, rng.uniform(0.1, 0.5, 5), np.zeros(5), joints[-1] + 70.0 * pulse_m, None)
        trace = sampled(truth, rng, pulse_ns=pulse_ns, spacing_m=spacing_m, receiver_ratio=receiver_ratio)
        table = event_table(trace)
        assert table.end is not None
        ends.append(table.end.fibre_m - truth.end_m)
        splices += [event.fibre_m - at_m for event, at_m in zip(table.passed, joints, strict=True)]
    assert abs(float(np.mean(splices))) < 0.5 * spacing_m
    assert abs(float(np.mean(ends))) < 0.5 * spacing_m
    assert max(map(abs, splices + ends)) < spacing_m


@pytest.mark.parametrize("pulse_ns", [100.0, 500.0])
@pytest.mark.parametrize("range_db", [22.0, 16.0])
def test_two_near_losses_are_told_or_their_interval_holds_them(pulse_ns: float, range_db: float) -> None:
    """Losses of 0.1 to 1 dB, 20 to 400 m apart: each event found has a loss within three standard deviations."""
    strains, told = [], 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        apart_m, first_db, second_db = rng.uniform(20.0, 400.0), *rng.uniform(0.1, 1.0, 2)
        joints = rng.uniform(3_000.0, 20_000.0) + np.array([0.0, apart_m])
        truth = TrueTrace(joints, np.array([first_db, second_db]), np.zeros(2), joints[1] + 5_000.0)
        found = event_table(
            sampled(truth, rng, pulse_ns=pulse_ns, range_db=range_db, spacing_m=5.0 if pulse_ns > 200.0 else 2.0)
        ).passed
        strains += [  # neither may be missed by more than the interval of the event that stands for it
            min((abs(event.fibre_m - at_m) / event.fibre_sd_m for event in found), default=99.0) for at_m in joints
        ]
        strains += [min(abs(joints - event.fibre_m)) / event.fibre_sd_m for event in found]
        told += len(found) == 2 and not any(event.merged for event in found)
    assert np.mean(np.array(strains) <= 3.0) >= 0.99
    assert told >= 0.75 * 60


def test_events_within_a_pulse_are_one() -> None:
    joints = np.array([9_000.0, 9_030.0])
    truth = TrueTrace(joints, np.array([0.2, 0.3]), np.zeros(2), 20_000.0)
    table = event_table(sampled(truth, np.random.default_rng(1)))
    (event,) = table.passed
    assert event.loss_db == pytest.approx(0.5, abs=0.01)
    assert 8_980.0 < event.fibre_m < 9_040.0


@pytest.mark.parametrize("reflectance_db", [-55.0, -45.0, -35.0])
def test_reflections_are_measured(reflectance_db: float) -> None:
    truth = TrueTrace(np.array([9_000.0]), np.array([0.3]), np.zeros(1), 20_000.0, reflectances_db={0: reflectance_db})
    (event,) = event_table(sampled(truth, np.random.default_rng(1))).passed
    assert event.kind == "reflection"
    assert event.fibre_m == pytest.approx(9_000.0, abs=6.0)
    assert event.loss_db == pytest.approx(0.3, abs=0.02)
    assert event.reflectance_db == pytest.approx(reflectance_db, abs=1.0)


def test_bend_break_and_grown_loss_are_told() -> None:
    """The same fibre three times: healthy; a joint worse by 0.2 dB and a bend; broken."""
    joints, rng = np.array([5_000.0, 9_000.0, 14_000.0]), np.random.default_rng(4)
    healthy = TrueTrace(joints, np.array([0.08, 0.1, 0.09]), np.zeros(3), 20_000.0)
    worse = TrueTrace(
        np.array([5_000.0, 7_000.0, 9_000.0, 14_000.0]), np.array([0.08, 0.4, 0.3, 0.09]), np.zeros(4), 20_000.0
    )
    broken = TrueTrace(joints[:2], np.array([0.08, 0.1]), np.zeros(2), 11_500.0, end_reflectance_db=None)
    before, bent, cut = (event_table(sampled(truth, rng)) for truth in (healthy, worse, broken))
    assert changes(before, event_table(sampled(healthy, rng))) == ()
    new, grown = changes(before, bent)
    assert (new.kind, grown.kind) == ("event new", "loss changed")
    assert new.fibre_m == pytest.approx(7_000.0, abs=15.0)
    assert new.amount_db == pytest.approx(0.4, abs=0.03)
    assert grown.amount_db == pytest.approx(0.2, abs=0.04)
    (moved,) = changes(before, cut)
    assert moved.kind == "end moved"
    assert moved.moved_m == pytest.approx(-8_500.0, abs=15.0)
