"""The table of stations: its four rules, and a plain dictionary as its judge."""

from __future__ import annotations

import numpy as np
import pytest

from trassa.vehicles.stations import Sightings, Stations


def seen(*rows: tuple[int, int, float], measure_m: float = 100.0, carriageway: int = 0) -> Sightings:
    """Messages (station, time_ms, speed_mps) at one place."""
    n = len(rows)
    station, time_ms, speed = zip(*rows, strict=True)
    return Sightings(
        station_id=np.array(station, dtype=np.uint32),
        time_ms=np.array(time_ms, dtype=np.int64),
        carriageway=np.full(n, carriageway, dtype=np.int8),
        measure_m=np.full(n, measure_m),
        offset_m=np.zeros(n),
        speed_mps=np.array(speed, dtype=np.float64),
        heading_deg=np.full(n, 90.0),
        station_type=np.full(n, 5, dtype=np.uint8),
        latitude_deg=np.full(n, 55.0),
        longitude_deg=np.full(n, 37.0),
    )


def test_station_0_is_a_station_like_any_other() -> None:
    stations = Stations(capacity=4)
    assert stations.index_of(0) == -1
    stations.update(seen((0, 5, 1.0)))
    assert stations.index_of(0) == 0
    assert stations.index_of(4_294_967_295) == -1


def test_a_station_stands_from_its_first_slow_message() -> None:
    stations = Stations(capacity=4, stationary_speed_mps=0.5)
    stations.update(seen((7, 1000, 20.0), (7, 2000, 0.5), (7, 3000, 0.0)))
    assert stations.standing_since_ms.tolist() == [2000]
    assert stations.moved_ms.tolist() == [1000]
    stations.update(seen((7, 4000, np.nan)))  # "unavailable" is no evidence of either
    assert stations.standing_since_ms.tolist() == [-1]
    assert stations.moved_ms.tolist() == [1000]
    stations.update(seen((7, 5000, 0.1), (7, 6000, 0.51)))
    assert stations.standing_since_ms.tolist() == [-1]
    assert stations.moved_ms.tolist() == [6000]


def test_a_speed_of_zero_at_another_place_begins_anew() -> None:
    stations = Stations(capacity=4)
    stations.update(seen((7, 1000, 0.0)))
    stations.update(seen((7, 2000, 0.0), measure_m=139.0))
    assert stations.standing_since_ms.tolist() == [1000]
    stations.update(seen((7, 3000, 0.0), measure_m=141.0))
    assert stations.standing_since_ms.tolist() == [3000]
    stations.update(seen((7, 4000, 0.0), measure_m=141.0, carriageway=1))
    assert stations.standing_since_ms.tolist() == [4000]


def test_an_older_message_changes_nothing() -> None:
    stations = Stations(capacity=4)
    stations.update(seen((7, 1000, 20.0)))
    stations.update(seen((7, 999, 0.0)))
    assert stations.speed_mps.tolist() == [20.0]
    assert stations.late == 1


def test_silence_and_room() -> None:
    stations = Stations(capacity=3, silent_ms=1000)
    stations.update(seen((1, 0, 1.0), (2, 500, 1.0), (3, 900, 1.0), (4, 950, 1.0)))
    assert len(stations) == 3
    assert stations.turned_away == 1
    handles = dict(zip(stations.station_id.tolist(), stations.handle.tolist(), strict=True))
    assert stations.expire(1600) == 2
    assert stations.station_id.tolist() == [3]
    assert [stations.index_of(k) for k in (1, 2, 3)] == [-1, -1, 0]
    stations.update(seen((1, 1700, 1.0)))
    assert stations.handle[0] == handles[3]
    assert stations.handle[1] not in handles.values()


def test_many_stations_come_and_go_as_in_a_dictionary() -> None:
    chance = np.random.default_rng(2)
    stations, judge = Stations(capacity=1000, silent_ms=3000), dict[int, tuple[int, float]]()
    for step in range(200):
        ids = (
            chance.integers(0, 2**32 - 1, 600)[chance.integers(0, 60, 40)] if step % 7 else chance.integers(0, 300, 40)
        )
        now = 1000 + step * 200
        batch = seen(*[(int(k), now, float(chance.uniform(0, 30))) for k in ids])
        stations.update(batch)
        judge |= dict(zip(ids.tolist(), zip([now] * 40, batch.speed_mps.tolist(), strict=True), strict=True))
        stations.expire(now)
        judge = {k: v for k, v in judge.items() if v[0] >= now - 3000}
        assert set(stations.station_id.tolist()) == set(judge)
    for station, (time_ms, speed) in judge.items():
        row = stations.index_of(station)
        assert stations.seen_ms[row] == time_ms
        assert stations.speed_mps[row] == pytest.approx(speed, abs=1e-4)
    wanted = np.array([*judge, 12345], dtype=np.uint32)
    assert stations.rows_of(wanted).tolist() == [*(stations.index_of(k) for k in judge), -1]
