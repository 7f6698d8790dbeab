"""Handover along the way: what a vehicle meets when it drives a carriageway through the planned field.

The levels are the medians of the plan, joined by straight lines between bin centres, with shadowing drawn anew for
every trip. Not modelled: fast fading, the 200 ms over which a modem averages before it judges its link, the time it
takes to find a cell it does not know yet, loads that change, handover between a tunnel's cable and the masts outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.binomial import clopper_pearson
from trassa.radio.handover_air import Course
from trassa.radio.handover_drive import STEP_MS, Log, Tally, Timing, drive, fresh_log
from trassa.radio.handover_way import TripLevels, Way, drawn_levels, median_levels
from trassa.radio.shadowing import Shadowing

__all__ = [
    "Events",
    "HandoverRules",
    "OutageOdds",
    "Trips",
    "drawn_trips",
    "median_drive",
    "outage_odds",
    "speeds_up_to",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PER_KILOMETRE = 40


@dataclass(frozen=True)
class HandoverRules:
    """Parameters of measurement, handover and link monitoring. Times are counted in 10-ms steps, rounded up.

    Event A3 (TS 38.331, 5.5.4.4): a neighbour enters when its filtered level exceeds the serving cell's by
    ``a3_offset_db`` + ``hysteresis_db``; it is reported when that held at every measurement for
    ``time_to_trigger_ms``. Levels are measured every ``measurement_period_ms`` (TS 38.133, 9.2.5: 200 ms or five
    synchronisation periods) and filtered by F = (1 − a)F + a·M, a = 1/2^(k/4) (TS 38.331, 5.5.3.2). The command comes
    ``preparation_ms`` after the report, if T310 is not running by then; for ``execution_ms`` nothing is transferred,
    and the target must not stand below Qout on the mean of that time (both as in TR 36.839, 5.2.1.3).

    Radio link monitoring (TS 38.133, 8.1; TS 38.331, 5.3.10): Qout is the SINR at which a control channel fails in
    10 %, Qin that of 2 %, −8 and −6 dB in TR 36.839; ``n310`` indications in a row start T310, ``n311`` stop it; when
    it runs out the link has failed. ``reestablishment_ms`` after a failure the vehicle is back on the strongest cell
    not below Qin, or as soon as there is one; its default is a planner's figure for cell search, system information
    and random access (TS 38.133, 6.2.1). A handover back within ``ping_pong_s`` counts as ping-pong; 1 s is the
    minimum time of stay of TR 36.839. The step is an outage below ``outage_below_db``, whatever the timers say.
    Defaults are set 3 of TR 36.839, table 5.2.1.2-1, and its preparation and execution times.
    """

    a3_offset_db: float = 2.0
    hysteresis_db: float = 0.0
    time_to_trigger_ms: float = 160.0
    measurement_period_ms: float = 200.0
    filter_coefficient: int = 4
    preparation_ms: float = 50.0
    execution_ms: float = 40.0
    qout_db: float = -8.0
    qin_db: float = -6.0
    n310: int = 1
    t310_ms: float = 1000.0
    n311: int = 1
    reestablishment_ms: float = 300.0
    ping_pong_s: float = 1.0
    outage_below_db: float = -8.0

    def __post_init__(self) -> None:
        for name in ("time_to_trigger", "measurement_period", "preparation", "execution", "t310", "reestablishment"):
            value = getattr(self, f"{name}_ms")
            if not 0.0 <= value <= 60_000.0:
                raise InputError(f"handover: {name}_ms {value:g} lies outside 0..60000 ms", cure="see TR 36.839")
        if self.qin_db < self.qout_db:
            told = f"handover: qin_db {self.qin_db:g} lies below qout_db {self.qout_db:g}"
            raise InputError(told, cure="Qin −6 dB with Qout −8 dB")
        if min(self.n310, self.n311) < 1 or not 0 <= self.filter_coefficient <= 19:
            raise InputError("handover: n310 or n311 below 1, or a filter coefficient outside 0..19", cure="1, 1, 4")

    def timing(self, speed_kmh: float) -> Timing:
        """The rules in steps at one speed. Raises :class:`InputError` outside 1..500 km/h."""
        if not 1.0 <= speed_kmh <= 500.0:
            raise InputError(f"handover: {speed_kmh:g} km/h lies outside 1..500 km/h", cure="give the design speed")
        return Timing(
            self.a3_offset_db + self.hysteresis_db,
            0.5 ** (self.filter_coefficient / 4.0),
            self.qout_db,
            self.qin_db,
            self.outage_below_db,
            max(_steps(self.measurement_period_ms), 1),
            _steps(self.time_to_trigger_ms),
            _steps(self.preparation_ms),
            _steps(self.execution_ms),
            self.n310,
            _steps(self.t310_ms),
            self.n311,
            _steps(self.reestablishment_ms),
            _steps(1000.0 * self.ping_pong_s),
            speed_kmh / 3.6 * STEP_MS / 1000.0,
        )


@dataclass(frozen=True)
class Events:
    """What interrupted one drive, in the order of the way; arrays of shape (events,).

    ``kind`` is 0 for a handover, 1 for a failed one, 2 for a radio link failure outside a handover. ``measure_m`` is
    where the interruption begins: the command of a handover, the end of T310 of a link failure, of which the outage
    began earlier. ``from_cell`` is −1 where there was none, ``to_cell`` where a cable took over.
    """

    kind: IntArray
    measure_m: FloatArray
    from_cell: IntArray
    to_cell: IntArray
    interruption_ms: IntArray


@dataclass(frozen=True)
class Trips:
    """Trips over one way at one speed; arrays of shape (trips,).

    An outage is every step without service: below the SINR of an outage, during the execution of a handover and from
    a failure until the vehicle is back. ``longest_outage_m`` is the measure at which the longest one begins, NaN
    where there is none.
    """

    speed_kmh: float
    duration_s: float
    handovers: IntArray
    failed_handovers: IntArray
    link_failures: IntArray
    ping_pongs: IntArray
    outage_s: FloatArray
    longest_outage_s: FloatArray
    longest_outage_m: FloatArray


@dataclass(frozen=True)
class OutageOdds:
    """P(a trip has an outage longer than t): share of the trips drawn, and Clopper and Pearson's bounds."""

    probability: float
    probability_low: float
    probability_high: float
    trips: int


def speeds_up_to(design_speed_kmh: float) -> list[float]:
    """Every 10 km/h up to the design speed, and that itself."""
    speeds = [float(speed) for speed in range(10, math.ceil(design_speed_kmh), 10)]
    return [*speeds, float(design_speed_kmh)]


def median_drive(way: Way, rules: HandoverRules, speed_kmh: float) -> tuple[Trips, Events]:
    """The drive without shadowing, as one trip, and its list of handovers and failures."""
    levels, timing = median_levels(way), rules.timing(speed_kmh)
    log = fresh_log(math.ceil(way.length_m / 1000.0 * _PER_KILOMETRE) + 1000)
    tally = drive(_course(way, levels), timing, log)
    if log.noted[0] > len(log.kind):  # a field that changes hands at every step: count first, then keep all
        log = fresh_log(int(log.noted[0]))
        tally = drive(_course(way, levels), timing, log)
    return _trips(way, timing, speed_kmh, [tally]), _events(way, timing, log)


def drawn_trips(
    way: Way,
    shadowing: Shadowing,
    rules: HandoverRules,
    speed_kmh: float,
    trips: Sequence[int],
    seed: int,
    threads: int = 2,
) -> Trips:
    """Trips with shadowing drawn anew for each. Trip number n of a seed is the same at every speed and always."""
    timing, no_events = rules.timing(speed_kmh), 0

    def one(trip: int) -> Tally:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(trip,)))
        return drive(_course(way, drawn_levels(way, shadowing, rng)), timing, fresh_log(no_events))

    with ThreadPoolExecutor(max(threads, 1)) as pool:
        return _trips(way, timing, speed_kmh, list(pool.map(one, trips)))


def outage_odds(longest_outage_s: FloatArray, longer_than_s: float, risk_ratio: float) -> OutageOdds:
    """How likely a whole trip has an outage longer than a time, from the longest outage of every trip drawn.

    The promise P ≤ p holds when ``probability_high`` ≤ p; ``risk_ratio`` is the two-sided risk of the interval.
    """
    trips = len(longest_outage_s)
    if not trips:
        raise InputError("handover: no trips were drawn", cure="draw 500 or more")
    hits = int(np.count_nonzero(longest_outage_s > longer_than_s + 1e-9))
    low, high = clopper_pearson(hits, trips, risk_ratio)
    return OutageOdds(hits / trips, float(low), float(high), trips)


def _steps(time_ms: float) -> int:
    return math.ceil(time_ms / STEP_MS - 1e-9)


def _course(way: Way, levels: TripLevels) -> Course:
    pairs = (way.pair_start, way.pair_cell, way.pair_from, way.pair_to)
    return Course(way.along_m, way.exempt, *pairs, levels.level_dbm, levels.sinr_db, way.cells)


def _measure_m(way: Way, timing: Timing, step: IntArray) -> FloatArray:
    """Where the vehicle is at a step."""
    place_m: FloatArray = np.interp(step * timing.step_m, way.along_m, way.measure_m)
    return place_m


def _trips(way: Way, timing: Timing, speed_kmh: float, tallies: Sequence[Tally]) -> Trips:
    column = {name: np.array([getattr(t, name) for t in tallies], dtype=np.int64) for name in Tally._fields}
    step_s = np.float64(STEP_MS / 1000.0)
    place_m = _measure_m(way, timing, column["longest_from"])
    return Trips(
        speed_kmh,
        way.length_m / (speed_kmh / 3.6),
        column["handovers"],
        column["failed_handovers"],
        column["link_failures"],
        column["ping_pongs"],
        column["outage"] * step_s,
        column["longest_outage"] * step_s,
        np.where(column["longest_outage"] > 0, place_m, np.nan),
    )


def _events(way: Way, timing: Timing, log: Log) -> Events:
    some = slice(0, int(log.noted[0]))
    place_m = _measure_m(way, timing, log.step[some])
    return Events(log.kind[some], place_m, log.from_cell[some], log.to_cell[some], STEP_MS * log.interruption[some])
