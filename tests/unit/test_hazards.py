"""The two detectors: what fires, when, and what never does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from traffic_scene import Seen, Vehicle, arriving, driving, play, standing, stop_and_go
from trassa.linear import Carriageway, Extent
from trassa.vehicles.evidence import QUEUE_END, STATIONARY_VEHICLE, Sighting, gap_m
from trassa.vehicles.hazards import HazardWatch
from trassa.vehicles.settings import VehiclesSettings

QUIET = [Extent(20_000.0, 20_800.0), Extent(40_000.0, 40_800.0)]


@dataclass(frozen=True)
class Known:
    event_id: str
    cause_code: int
    carriageway: Carriageway
    anchor_m: float
    head_m: float
    witnesses: tuple[int, ...]


def watch() -> HazardWatch:
    return HazardWatch(QUIET, VehiclesSettings())


def first(seen: list[Seen], cause_code: int) -> tuple[float, Sighting] | None:
    for moment in seen:
        for sighting in moment.sightings:
            if sighting.cause_code == cause_code:
                return moment.at_s, sighting
    return None


def causes(seen: list[Seen]) -> set[int]:
    return set().union(*(moment.causes() for moment in seen))


def queue_behind(
    stop_m: float, count: int, carriageway: Carriageway = "increasing", at_s: float = 5.0
) -> list[Vehicle]:
    """Vehicles that arrive one after the other, 2 s apart, and stand 9 m apart; and one that still comes."""
    sign = 1 if carriageway == "increasing" else -1
    tail = [
        Vehicle(100 + n, arriving(stop_m - sign * 9.0 * n, at_s + 2.0 * n, sign=sign), carriageway)
        for n in range(count)
    ]
    coming = Vehicle(99, driving(stop_m - sign * 2000.0, sign * 30.0), carriageway)
    return [*tail, coming]


# ---- stationary vehicle


@pytest.mark.parametrize("carriageway", ["increasing", "decreasing"])
def test_a_vehicle_that_stands_ten_seconds_is_seen_within_a_message_of_it(carriageway: Carriageway) -> None:
    found = first(play(watch(), [Vehicle(7, standing(5000.0), carriageway)], 15.0), STATIONARY_VEHICLE)
    assert found is not None
    at_s, sighting = found
    assert 10.0 <= at_s <= 11.0
    assert (sighting.carriageway, sighting.anchor_m, sighting.stations) == (carriageway, 5000.0, (7,))


NEVER_STATIONARY = {
    "moves on after nine seconds": [Vehicle(7, standing(5000.0, until_s=9.0))],
    "parked in a service area": [Vehicle(7, standing(20_400.0))],
    "off the road": [Vehicle(7, standing(5000.0), on_road=False)],
    "parked beside the carriageway": [Vehicle(7, standing(5000.0), offset_m=-17.0)],
    "silent after eight seconds": [Vehicle(7, standing(5000.0), heard=(0.0, 8.0))],
    "speed unavailable": [Vehicle(7, standing(5000.0), knows_speed=False)],
    "a roadside unit": [Vehicle(7, standing(5000.0), station_type=15)],
    "a speedometer stuck at zero": [Vehicle(7, lambda at_s: (5000.0 + 25.0 * at_s, 0.0))],
    "crawls": [Vehicle(7, driving(5000.0, 1.5))],
    "drives": [Vehicle(7, driving(5000.0, 30.0))],
}


@pytest.mark.parametrize("scene", NEVER_STATIONARY.values(), ids=NEVER_STATIONARY.keys())
def test_never_a_stationary_vehicle(scene: list[Vehicle]) -> None:
    assert causes(play(watch(), scene, 60.0)) == set()


@pytest.mark.parametrize("station_id", range(10))
def test_a_parked_car_stays_beside_the_road_however_its_receiver_scatters(station_id: int) -> None:
    parked = Vehicle(station_id, standing(5000.0), offset_m=20.0, scatter_m=4.0)
    assert causes(play(watch(), [parked], 300.0)) == set()


@pytest.mark.parametrize("station_id", range(10))
def test_a_vehicle_on_the_hard_shoulder_is_seen_however_its_receiver_scatters(station_id: int) -> None:
    broken = Vehicle(station_id, arriving(5000.0, 20.0), offset_m=9.0, scatter_m=4.0)
    found = first(play(watch(), [broken], 40.0), STATIONARY_VEHICLE)
    assert found is not None
    assert found[0] <= 33.0


def test_a_vehicle_that_falls_silent_is_no_longer_seen() -> None:
    seen = play(watch(), [Vehicle(7, standing(5000.0), heard=(0.0, 20.0))], 40.0)
    assert {m.at_s for m in seen if m.sightings} == {m.at_s for m in seen if 10.0 <= m.at_s <= 23.0}
    assert not any(moment.departures for moment in seen)


def test_neighbours_are_one_sighting_anchored_where_traffic_meets_it() -> None:
    scene = [Vehicle(n, standing(m), "decreasing") for n, m in ((1, 5000.0), (2, 5100.0), (3, 5600.0))]
    sightings = play(watch(), scene, 15.0)[-1].sightings
    assert [(s.anchor_m, s.head_m, s.stations) for s in sightings] == [(5100.0, 5000.0, (1, 2)), (5600.0, 5600.0, (3,))]


# ---- end of queue


@pytest.mark.parametrize("carriageway", ["increasing", "decreasing"])
def test_a_queue_that_vehicles_run_into_is_seen_at_its_end(carriageway: Carriageway) -> None:
    seen = play(watch(), queue_behind(8000.0, 8, carriageway), 60.0, rate_hz=2.0)
    found = first(seen, QUEUE_END)
    assert found is not None
    at_s, sighting = found
    assert 15.0 <= at_s <= 30.0
    sign = 1 if carriageway == "increasing" else -1
    behind_m = sign * (8000.0 - sighting.anchor_m)
    assert 9.0 * 4 <= behind_m <= 9.0 * 7
    assert sighting.detail["because"] == "faster traffic upstream"


def test_a_crawling_queue_counts_too() -> None:
    scene = [Vehicle(n, driving(8000.0 - 15.0 * n, 1.2)) for n in range(1, 9)]
    scene.append(Vehicle(99, driving(6500.0, 14.0)))
    assert QUEUE_END in causes(play(watch(), scene, 40.0))


def test_a_queue_still_growing_counts_without_faster_traffic_in_sight() -> None:
    scene = queue_behind(8000.0, 8)[:-1]
    scene = [Vehicle(v.station_id, arriving(8000.0 - 9.0 * n, 5.0 + 4.0 * n, 8.0)) for n, v in enumerate(scene)]
    found = first(play(watch(), scene, 60.0, rate_hz=2.0), QUEUE_END)
    assert found is not None
    assert found[1].detail["because"] == "still growing"


def stop_and_go_wave(stands_s: float, goes_s: float, speed_mps: float) -> list[Vehicle]:
    wave = [Vehicle(n, stop_and_go(8000.0 - 12.0 * n, stands_s, goes_s, speed_mps)) for n in range(1, 13)]
    return [*wave, Vehicle(99, driving(5000.0, 30.0))]


NEVER_A_QUEUE = {
    "stop and go, 6 s of 16": stop_and_go_wave(6.0, 10.0, 7.0),
    "stop and go, 5 s of 11": stop_and_go_wave(5.0, 6.0, 8.0),
    "slow but flowing": [Vehicle(n, driving(8000.0 - 20.0 * n, 5.0)) for n in range(1, 13)],
    "four vehicles": queue_behind(8000.0, 4),
    "too far apart": [Vehicle(n, standing(8000.0 - 70.0 * n)) for n in range(1, 9)],
    "an old queue that nobody comes to": [Vehicle(n, standing(8000.0 - 9.0 * n)) for n in range(1, 9)],
    "at a plaza": queue_behind(20_400.0, 30),
    "at a plaza, decreasing": queue_behind(20_400.0, 30, "decreasing"),
    "from a plaza, 250 m out": queue_behind(20_010.0, 28),
    "in a service area": [Vehicle(n, standing(40_400.0 + 5.0 * n), offset_m=12.0) for n in range(20)],
    "beside the carriageway": [
        Vehicle(v.station_id, v.way, offset_m=20.0 if v.station_id != 99 else 2.0) for v in queue_behind(8000.0, 8)
    ],
    "speeds unavailable": [
        Vehicle(v.station_id, v.way, knows_speed=v.station_id == 99) for v in queue_behind(8000.0, 8)
    ],
    "silent after it came to a stand": [
        Vehicle(v.station_id, v.way, heard=(0.0, 14.0) if v.station_id != 99 else (0, 1e9))
        for v in queue_behind(8000.0, 8)
    ],
    "on both carriageways": [
        Vehicle(v.station_id, v.way, "increasing" if n % 2 else "decreasing")
        for n, v in enumerate(queue_behind(8000.0, 8))
    ],
}


@pytest.mark.parametrize("scene", NEVER_A_QUEUE.values(), ids=NEVER_A_QUEUE.keys())
@pytest.mark.parametrize("noise_m", [0.0, 3.0])
def test_never_the_end_of_a_queue(scene: list[Vehicle], noise_m: float) -> None:
    assert QUEUE_END not in causes(play(watch(), scene, 90.0, rate_hz=2.0, noise_m=noise_m))


def test_a_plaza_queue_far_out_on_open_road_does_count() -> None:
    found = first(play(watch(), queue_behind(20_010.0, 60), 140.0, rate_hz=2.0), QUEUE_END)
    assert found is not None
    assert found[1].anchor_m < 20_000.0 - 300.0


def test_a_queue_warned_of_lasts_with_three_vehicles_and_ends_with_two() -> None:
    known = [Known("1-1", QUEUE_END, "increasing", 7950.0, 8000.0, (1, 2, 3))]
    for count, expected in ((3, {QUEUE_END}), (2, set())):
        scene = [Vehicle(n, standing(8000.0 - 20.0 * n)) for n in range(1, count + 1)]
        assert causes(play(watch(), scene, 9.0, known=known)) == expected


def test_of_a_queue_only_the_first_vehicle_is_stationary() -> None:
    """A platform that starts in the middle of a jam must not take each of its vehicles for a wreck."""
    for carriageway, first_m in (("increasing", 8000.0 - 9.0), ("decreasing", 8000.0 - 9.0 * 200)):
        jam = [Vehicle(n, standing(8000.0 - 9.0 * n), carriageway) for n in range(1, 201)]
        seen = play(watch(), jam, 30.0)
        stationary = {(s.anchor_m, len(s.stations)) for m in seen for s in m.sightings if s.cause_code == 94}
        assert stationary == {(first_m, 1)}


def test_who_was_warned_of_before_the_queue_came_is_still_seen() -> None:
    known = [Known("1-1", STATIONARY_VEHICLE, "increasing", 7900.0, 7900.0, (5,))]
    jam = [Vehicle(n, standing(8000.0 - 20.0 * n)) for n in range(1, 9)]
    sightings = play(watch(), jam, 15.0, known=known)[-1].sightings
    assert {s.stations for s in sightings if s.cause_code == STATIONARY_VEHICLE} == {(1, 5)}


# ---- departures


def departed(scene: list[Vehicle], known: Known, seconds: float = 30.0) -> tuple[float, tuple[int, ...]] | None:
    for moment in play(watch(), scene, seconds, known=[known], rate_hz=2.0):
        for departure in moment.departures:
            return moment.at_s, departure.stations
    return None


STOOD = Known("1-1", STATIONARY_VEHICLE, "increasing", 5000.0, 5000.0, (7,))


def test_moving_off_is_seen_within_three_seconds() -> None:
    found = departed([Vehicle(7, standing(5000.0, until_s=5.0))], STOOD)
    assert found is not None
    assert 6.0 <= found[0] <= 8.0
    assert found[1] == (7,)


@pytest.mark.parametrize(
    "scene",
    [
        [Vehicle(7, standing(5000.0))],
        [Vehicle(7, standing(5000.0, until_s=5.0), heard=(0.0, 5.0))],
        [Vehicle(7, standing(5000.0, until_s=5.0), knows_speed=False, heard=(0.0, 12.0))],
        [Vehicle(8, driving(5000.0, 20.0))],
        [],
    ],
    ids=["stands", "falls silent", "speed unavailable", "another one moves", "nobody"],
)
def test_no_departure_without_proof(scene: list[Vehicle]) -> None:
    assert departed(scene, STOOD) is None


def test_one_message_with_a_wrong_speed_is_no_departure() -> None:
    def hiccup(at_s: float) -> tuple[float, float]:
        return 5000.0, 9.0 if 4.9 < at_s < 5.3 else 0.0

    assert departed([Vehicle(7, hiccup)], STOOD) is None


def test_heard_elsewhere_is_a_departure_though_it_stands_again() -> None:
    found = departed([Vehicle(7, standing(5400.0))], STOOD)
    assert found is not None


# ---- the whole table


def test_rows_that_move_keep_their_memory() -> None:
    """The table packs its rows when stations expire; nobody's clock may begin again because of it."""
    from traffic_scene import START_MS, table
    from trassa.vehicles.station_memory import StationMemory
    from trassa.vehicles.stations import Sightings

    stations, memory = table(), StationMemory(VehiclesSettings())

    def hear(ids: list[int], at_ms: int) -> None:
        n = len(ids)
        whole = np.zeros(n)
        stations.update(
            Sightings(np.array(ids, np.uint32), np.full(n, at_ms, np.int64), np.zeros(n, np.int8), whole, whole,
                      np.full(n, 1.0), whole, np.full(n, 5, np.uint8), whole, whole)
        )  # fmt: skip
        memory.note(stations, np.ones(len(stations), bool), at_ms)

    hear([1, 2, 3], START_MS)
    hear([2, 3, 4], START_MS + 119_000)
    assert stations.expire(START_MS + 121_000) == 1
    hear([2, 3, 4, 5], START_MS + 121_000)
    at = dict(zip(stations.station_id.tolist(), memory.slow_since_ms.tolist(), strict=True))
    assert at == {2: START_MS, 3: START_MS, 4: START_MS + 119_000, 5: START_MS + 121_000}


@pytest.mark.parametrize(
    ("a", "b", "distance_m"), [((0, 5), (7, 9), 2), ((9, 7), (0, 5), 2), ((0, 5), (5, 9), 0), ((0, 9), (3, 4), 0)]
)
def test_gap_between_stretches(a: tuple[float, float], b: tuple[float, float], distance_m: float) -> None:
    assert gap_m(a, b) == distance_m
