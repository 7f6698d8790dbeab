"""The triggering conditions of EN 302 637-2 as the standard words them: 100 to 1000 ms, 4°, 4 m, 0.5 m/s."""

from __future__ import annotations

import numpy as np
import pytest

from trassa.twin.cam_rules import CamTriggers


def _sent_ms(progress_m: np.ndarray, heading_deg: np.ndarray, speed_mps: np.ndarray) -> list[int]:
    triggers = CamTriggers(1, 0, np.random.default_rng(1))
    may = np.ones(1, dtype=bool)
    rows = zip(progress_m, heading_deg, speed_mps, strict=True)
    return [
        100 * step
        for step, (m, deg, mps) in enumerate(rows)
        if triggers.due(100 * step, np.array([m]), np.array([deg]), np.array([mps]), may)[0]
    ]


def test_a_vehicle_that_stands_sends_every_second() -> None:
    still = np.zeros(100)
    sent = _sent_ms(still, still, still)
    assert np.diff(sent).tolist() == [1000] * (len(sent) - 1)


@pytest.mark.parametrize(("speed_mps", "period_ms"), [(50.0, 100), (30.0, 200), (13.5, 300), (5.0, 900)])
def test_place_triggers_when_more_than_four_metres_away(speed_mps: float, period_ms: int) -> None:
    time_s = np.arange(200) / 10.0
    sent = _sent_ms(speed_mps * time_s, np.zeros(200), np.full(200, speed_mps))
    assert set(np.diff(sent)[3:].tolist()) == {period_ms}


@pytest.mark.parametrize(("turned_deg", "triggers"), [(1.9, False), (2.1, True)])
def test_heading_triggers_beyond_four_degrees_also_across_north(turned_deg: float, triggers: bool) -> None:
    # three CAMs a second apart put the vehicle at rest; the turn comes 200 ms behind one of them
    for moment in range(30, 40):
        heading = np.concatenate([np.full(moment, 358.0), np.full(10, turned_deg)])
        sent = _sent_ms(np.zeros(moment + 10), heading, np.zeros(moment + 10))
        if 100 * moment - 200 in sent:
            assert (100 * moment in sent) is triggers
            return
    pytest.fail("no CAM 200 ms before the turn")


def test_speed_triggers_beyond_half_a_metre_a_second() -> None:
    speed = np.concatenate([np.zeros(25), np.full(25, 0.5), np.full(25, 1.1)])
    sent = _sent_ms(np.zeros(75), np.zeros(75), speed)
    assert 5000 in sent


def test_an_interval_set_by_motion_lasts_three_messages() -> None:
    # a burst of motion, then standing still: three more CAMs at the burst's pace, then one a second
    progress = np.concatenate([np.arange(20) * 5.0, np.full(60, 95.0)])
    sent = np.array(_sent_ms(progress, np.zeros(80), np.zeros(80)))
    after = np.diff(sent[sent >= 1900])
    assert after[:3].tolist() == [100, 100, 100]
    assert set(after[3:].tolist()) == {1000}


def test_who_may_not_send_is_asked_again() -> None:
    triggers = CamTriggers(1, 0, np.random.default_rng(1))
    zero, no, yes = np.zeros(1), np.zeros(1, dtype=bool), np.ones(1, dtype=bool)
    assert not any(triggers.due(100 * step, zero, zero, zero, no)[0] for step in range(30))
    assert triggers.due(3000, zero, zero, zero, yes)[0]
