"""Detectors and life together, over noisy positions: a breakdown with its queue, and what must not become an event."""

from __future__ import annotations

import numpy as np
import pytest

from traffic_scene import START_MS, Vehicle, Way, arriving, driving, messages, stop_and_go, table
from trassa.linear import Carriageway, Extent
from trassa.vehicles.denm_life import step
from trassa.vehicles.denm_state import Effect, Life, LifeRules
from trassa.vehicles.hazards import HazardWatch
from trassa.vehicles.relevance import upstream_extent
from trassa.vehicles.settings import VehiclesSettings

PLAZA = Extent(20_000.0, 20_800.0)
LEAVES_S = 150.0


def place(carriageway: Carriageway, anchor_m: float) -> tuple[Extent, tuple[str, ...]]:
    return upstream_extent(carriageway, anchor_m, 2000.0, 50_000.0), ("0",)


def held_up(stop_m: float, at_s: float, leave_s: float, sign: int) -> Way:
    """Comes at 28 m/s, stands from ``at_s`` to ``leave_s``, then accelerates to 20 m/s."""
    come = arriving(stop_m, at_s, 28.0, 3.0, sign)

    def way(now_s: float) -> tuple[float, float]:
        if now_s <= leave_s:
            return come(now_s)
        t = now_s - leave_s
        gone = 0.75 * t * t if t < 13.3 else 133.0 + 20.0 * (t - 13.3)
        return stop_m + sign * gone, min(1.5 * t, 20.0)

    return way


def breakdown_with_queue(carriageway: Carriageway) -> list[Vehicle]:
    """One vehicle breaks down at 8 km at second 10; 25 vehicles, 5 s apart, stop behind it until it leaves."""
    sign = 1 if carriageway == "increasing" else -1
    scene = [Vehicle(1, held_up(8000.0, 10.0, LEAVES_S, sign), carriageway)]
    for n in range(25):
        stop_m, at_s = 8000.0 - sign * (15.0 + 9.0 * n), 14.0 + 5.0 * n
        leave_s = max(LEAVES_S + 1.5 * (n + 1), at_s + 1.0)
        scene.append(Vehicle(100 + n, held_up(stop_m, at_s, leave_s, sign), carriageway))
    return scene


def background() -> list[Vehicle]:
    """What must not become an event: free flow, stop and go, a plaza queue, parked, silent and speechless vehicles."""
    flow = [Vehicle(1000 + n, driving(30_000.0 - 90.0 * n, 25.0), "decreasing") for n in range(20)]
    wave = [Vehicle(1100 + n, stop_and_go(14_000.0 - 12.0 * n, 6.0, 10.0, 7.0)) for n in range(12)]
    plaza = [Vehicle(1200 + n, arriving(20_390.0 - 9.0 * n, 10.0 + 3.0 * n)) for n in range(30)]
    odd = [
        Vehicle(1300, lambda _s: (20_500.0, 0.0), offset_m=14.0),
        Vehicle(1301, lambda _s: (12_000.0, 0.0), offset_m=20.0),
        Vehicle(1302, lambda _s: (12_300.0, 0.0), heard=(0.0, 7.0)),
        Vehicle(1303, lambda _s: (12_600.0, 0.0), knows_speed=False),
    ]
    return [*flow, *wave, *plaza, *odd]


def told(scene: list[Vehicle], seconds: float, seed: int, step_ms: int = 100) -> list[tuple[float, Effect]]:
    """Everything that the life says; positions carry 3 m of noise and 3 m of bias, and 2 % of messages are lost."""
    settings, rng = VehiclesSettings(), np.random.default_rng(seed)
    watch, rules, life = HazardWatch([PLAZA], settings), LifeRules.of(settings, place), Life()
    stations, effects = table(), []
    bias = rng.normal(0.0, 3.0, len(scene))
    for number in range(int(seconds * 1000 / step_ms)):
        now_ms, at_s = START_MS + number * step_ms, number * step_ms / 1000
        speeds = [vehicle.way(at_s)[1] for vehicle in scene]
        heard = [
            (vehicle, bias[n] + rng.normal(0.0, 3.0))
            for n, vehicle in enumerate(scene)
            if (number + n) % (10 if speeds[n] < 0.5 else 2) == 0
            and vehicle.heard[0] <= at_s <= vehicle.heard[1]
            and rng.random() > 0.02
        ]
        if heard:
            stations.update(messages(heard, at_s, now_ms))
        life, more = step(life, *watch.look(stations, now_ms, life.events), now_ms, rules)
        effects += [(at_s, effect) for effect in more]
    return effects


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("carriageway", ["increasing", "decreasing"])
def test_a_breakdown_and_its_queue_are_two_events_from_beginning_to_end(carriageway: Carriageway, seed: int) -> None:
    effects = told([*breakdown_with_queue(carriageway), *background()], 230.0, seed)
    new = [(at_s, e.event) for at_s, e in effects if e.kind == "new" and e.event]
    assert [(event.cause_code, event.carriageway) for _, event in new] == [(94, carriageway), (27, carriageway)]
    (stood_s, breakdown), (queued_s, _) = new
    assert 20.0 <= stood_s <= 22.1
    assert abs(breakdown.anchor_m - 8000.0) < 12.0
    assert 33.0 <= queued_s <= 36.0, "five stand from second 29 on, each for five seconds"
    assert {e.event.anchor_m for _, e in effects if e.event and e.event.cause_code == 94} == {breakdown.anchor_m}
    ended = {e.event.cause_code: (at_s, e.event.ended_because) for at_s, e in effects if e.kind == "end" and e.event}
    assert ended[94][1] == "seen moving"
    assert LEAVES_S < ended[94][0] < LEAVES_S + 6.0
    assert ended[27][1] == "queue dissolved"
    assert ended[27][0] < LEAVES_S + 60.0
    sign = 1 if carriageway == "increasing" else -1
    ends = [(at_s, sign * (8000.0 - e.event.anchor_m)) for at_s, e in effects
            if e.kind in ("new", "update") and e.event and e.event.cause_code == 27 and at_s < 135.0]  # fmt: skip
    for at_s, behind_m in ends:
        arrived = int((at_s - 14.0) / 5.0)
        assert behind_m <= 15.0 + 9.0 * arrived + 15.0, "anchored where nobody stands yet"
    assert ends[-1][1] >= 15.0 + 9.0 * 20 - 65.0, "the end of the queue was left behind"
    assert len(ends) <= 8, "noise moved the event"


@pytest.mark.parametrize("seed", range(4, 8))
def test_without_a_breakdown_nothing_is_told(seed: int) -> None:
    assert told(background(), 120.0, seed) == []
