"""Traffic for the detectors, told by vehicle: where it is at which second. CAMs go into the real station table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trassa.linear import CARRIAGEWAYS, Carriageway
from trassa.vehicles.evidence import Departure, Sighting
from trassa.vehicles.hazards import HazardWatch, KnownEvent
from trassa.vehicles.stations import Sightings, Stations

__all__ = [
    "START_MS",
    "Seen",
    "Vehicle",
    "Way",
    "arriving",
    "driving",
    "messages",
    "play",
    "standing",
    "stop_and_go",
    "table",
]

START_MS = 1_780_000_000_000
Way = Callable[[float], tuple[float, float]]
"""Seconds to measure in m and speed in m/s."""


@dataclass(frozen=True)
class Vehicle:
    """One station; ``heard`` are the seconds between which it sends."""

    station_id: int
    way: Way
    carriageway: Carriageway = "increasing"
    offset_m: float = 2.0
    heard: tuple[float, float] = (0.0, 1e9)
    station_type: int = 5
    knows_speed: bool = True
    on_road: bool = True
    scatter_m: float = 0.0
    """Standard deviation of its offset from one message to the next, m."""


@dataclass(frozen=True)
class Seen:
    """What the detectors said at a moment, s."""

    at_s: float
    sightings: tuple[Sighting, ...]
    departures: tuple[Departure, ...]

    def causes(self) -> set[int]:
        return {sighting.cause_code for sighting in self.sightings}


def standing(measure_m: float, until_s: float = 1e9) -> Way:
    """Stands there, then drives off at 2 m/s² up to 20 m/s, towards larger measures."""

    def way(at_s: float) -> tuple[float, float]:
        t = max(0.0, at_s - until_s)
        speed = min(2.0 * t, 20.0)
        return measure_m + (t * t if t < 10 else 100 + 20 * (t - 10)), speed

    return way


def driving(measure_m: float, speed_mps: float) -> Way:
    """Goes on at that speed; a negative one is that of the decreasing carriageway."""
    return lambda at_s: (measure_m + speed_mps * at_s, abs(speed_mps))


def arriving(stop_m: float, at_s: float, speed_mps: float = 25.0, braking_mps2: float = 4.0, sign: int = 1) -> Way:
    """Comes at speed, brakes and stands at ``stop_m`` from ``at_s`` on."""

    def way(now_s: float) -> tuple[float, float]:
        left = max(0.0, at_s - now_s)
        brakes_s = speed_mps / braking_mps2
        if left <= brakes_s:
            return stop_m - sign * 0.5 * braking_mps2 * left**2, braking_mps2 * left
        return stop_m - sign * (speed_mps * (left - brakes_s) + 0.5 * speed_mps * brakes_s), speed_mps

    return way


def stop_and_go(measure_m: float, stands_s: float, goes_s: float, speed_mps: float) -> Way:
    """Stands, goes on, stands again, for ever."""

    def way(at_s: float) -> tuple[float, float]:
        rounds, within = divmod(at_s, stands_s + goes_s)
        moved = rounds * goes_s * speed_mps + max(0.0, within - stands_s) * speed_mps
        return measure_m + moved, speed_mps if within >= stands_s else 0.0

    return way


def play(
    watch: HazardWatch,
    vehicles: Sequence[Vehicle],
    seconds: float,
    *,
    known: Sequence[KnownEvent] = (),
    rate_hz: float = 1.0,
    noise_m: float = 0.0,
    step_ms: int = 100,
    seed: int = 1,
) -> list[Seen]:
    """Run the traffic in steps; every vehicle sends at its rate, staggered; what the watch said in each step."""
    rng = np.random.default_rng(seed)
    stations, seen = table(), []
    bias = rng.normal(0.0, noise_m, len(vehicles)) if noise_m else np.zeros(len(vehicles))
    every = max(1, round(1000 / rate_hz / step_ms))
    for step in range(int(seconds * 1000 / step_ms)):
        now_ms, at_s = START_MS + step * step_ms, step * step_ms / 1000
        heard = [
            (number, vehicle)
            for number, vehicle in enumerate(vehicles)
            if (step + number) % every == 0 and vehicle.heard[0] <= at_s <= vehicle.heard[1]
        ]
        if heard:
            shaken = [(v, bias[n] + (rng.normal(0.0, noise_m) if noise_m else 0.0)) for n, v in heard]
            stations.update(messages(shaken, at_s, now_ms))
        sightings, departures = watch.look(stations, now_ms, known)
        seen.append(Seen(at_s, tuple(sightings), tuple(departures)))
    return seen


def table() -> Stations:
    """An empty station table."""
    return Stations(capacity=20_000)


def messages(heard: Sequence[tuple[Vehicle, float]], at_s: float, now_ms: int) -> Sightings:
    """The CAMs of vehicles at a moment, each with the error of its measure."""
    n = len(heard)
    places = [vehicle.way(at_s) for vehicle, _ in heard]
    code = [CARRIAGEWAYS.index(v.carriageway) if v.on_road else -1 for v, _ in heard]
    speed = [p[1] if v.knows_speed else np.nan for (v, _), p in zip(heard, places, strict=True)]
    return Sightings(
        np.array([v.station_id for v, _ in heard], np.uint32),
        np.full(n, now_ms, np.int64),
        np.array(code, np.int8),
        np.array([p[0] + shaken for p, (_, shaken) in zip(places, heard, strict=True)], np.float64),
        np.array([v.offset_m + v.scatter_m * _scattered(v, at_s) for v, _ in heard], np.float64),
        np.array(speed, np.float64),
        np.full(n, 90.0),
        np.array([v.station_type for v, _ in heard], np.uint8),
        np.full(n, 55.0),
        np.full(n, 37.0),
    )


def _scattered(vehicle: Vehicle, at_s: float) -> float:
    """A normal deviate that belongs to this message of this vehicle."""
    return float(np.random.default_rng([vehicle.station_id, round(at_s * 1000)]).standard_normal())
