"""What truly happened on the road: hazards derived from the kinematics themselves, never from messages.

Definitions, with the numbers of ``[vehicles]`` in trassa.toml:

Stationary vehicle (94)
    A vehicle that has stood (``stationary_speed_mps``) for ``stationary_after_s`` on a carriageway, on open road, with
    a connection all that time. It is over when every vehicle that stood so long before a queue was there has moved off.
    Vehicles nearer to each other than ``merge_m`` are one hazard; one that comes to stand in or near a queue that is
    already a hazard is part of that as long as it stands, also when the queue is over sooner.
Dangerous end of queue (27)
    ``queue_vehicles`` or more on one carriageway of open road, no gap above ``queue_gap_m``, each slower than
    ``queue_speed_mps`` for ``queue_after_s``, half of them so on the mean of ``queue_mean_s``, while others come from
    behind at ``queue_approach_mps`` within ``queue_approach_m``. It is over when fewer than ``queue_keeps`` queue.

Open road is outside plaza and service areas and not farther than ``carriageway_half_width_m`` from the carriageway's
line. What nobody can hear is no hazard that a road could warn of: a vehicle counts while it is connected.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trassa.linear import Extent
from trassa.vehicles.settings import VehiclesSettings

__all__ = ["QUEUE", "STATIONARY", "Snapshot", "TrueEvent", "Truth"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

STATIONARY, QUEUE = 94, 27
_NEVER = -1


@dataclass(frozen=True)
class Snapshot:
    """All vehicles at one moment. ``heard``: driving or standing with a connection. ``progress_m`` along the course."""

    time_ms: int
    course: npt.NDArray[np.int8]
    progress_m: FloatArray
    measure_m: FloatArray
    lateral_m: FloatArray
    speed_mps: FloatArray
    heard: BoolArray


@dataclass
class TrueEvent:
    """A hazard that was. ``place_m`` is where traffic met it when it began, ``head_m`` its other end, as progress."""

    cause_code: int
    course: int
    begin_ms: int
    place_m: float
    head_m: float
    measure_m: float
    vehicles: set[int]
    over_ms: int | None = None
    tail_m: float = field(default=0.0)


class Truth:
    """Watches every step of a drive. ``events`` grows in the order in which hazards begin."""

    def __init__(self, count: int, quiet: tuple[Extent, ...], settings: VehiclesSettings) -> None:
        self.events: list[TrueEvent] = []
        self._quiet, self._settings = quiet, settings
        self._stood_ms = np.full(count, _NEVER, dtype=np.int64)
        self._slow_ms = np.full(count, _NEVER, dtype=np.int64)
        self._speeds: deque[FloatArray] = deque(maxlen=settings.queue_mean_s)
        self._second = _NEVER

    def watch(self, now: Snapshot) -> None:
        """Take one moment in: hazards begin, go on or are over."""
        settings = self._settings
        on_road = np.abs(now.lateral_m) <= settings.carriageway_half_width_m
        eligible = now.heard & on_road & ~self._is_quiet(now.measure_m)
        standing = now.heard & (now.speed_mps <= settings.stationary_speed_mps)
        slow = now.heard & (now.speed_mps < settings.queue_speed_mps)
        self._stood_ms = _since(standing, self._stood_ms, now.time_ms)
        self._slow_ms = _since(slow, self._slow_ms, now.time_ms)
        if now.time_ms // 1000 != self._second:
            self._second = now.time_ms // 1000
            self._speeds.append(np.where(now.heard, now.speed_mps, np.nan))
        for course in np.unique(now.course).tolist():
            mine = eligible & (now.course == course)
            self._queues(now, int(course), mine)
            self._standing(now, int(course), mine)
        for event in self.events:
            if event.over_ms is None and self._is_over(event, now):
                event.over_ms = now.time_ms

    def _standing(self, now: Snapshot, course: int, mine: BoolArray) -> None:
        after_ms = self._settings.stationary_after_s * 1000.0
        long = mine & (self._stood_ms >= 0) & (now.time_ms - self._stood_ms >= after_ms)
        for vehicle in np.flatnonzero(long).tolist():
            place_m = float(now.progress_m[vehicle])
            near = [event for event in self.events if event.course == course and self._is_near(event, place_m)]
            known = [event for event in near if event.cause_code == STATIONARY and event.over_ms is None]
            queues = [event for event in near if event.cause_code == QUEUE]
            if any(event.over_ms is None or event.over_ms >= self._stood_ms[vehicle] for event in queues):
                continue
            if known:
                known[0].vehicles.add(vehicle)
            else:
                measure_m = float(now.measure_m[vehicle])
                event = TrueEvent(
                    STATIONARY, course, now.time_ms, place_m, place_m, measure_m, {vehicle}, None, place_m
                )
                self.events.append(event)

    def _queues(self, now: Snapshot, course: int, mine: BoolArray) -> None:
        settings = self._settings
        lasting = mine & (self._slow_ms >= 0) & (now.time_ms - self._slow_ms >= settings.queue_after_s * 1000.0)
        queueing = np.flatnonzero(lasting)
        queueing = queueing[np.argsort(now.progress_m[queueing], kind="stable")]
        breaks = np.flatnonzero(np.diff(now.progress_m[queueing]) > settings.queue_gap_m) + 1
        for chain in np.split(queueing, breaks):
            if not len(chain):
                continue
            tail_m, head_m = float(now.progress_m[chain[0]]), float(now.progress_m[chain[-1]])
            known = [
                event
                for event in self._open(course)
                if event.cause_code == QUEUE and self._is_near(event, tail_m, head_m)
            ]
            if known:
                known[0].vehicles |= set(chain.tolist())
                known[0].tail_m = min(tail_m, known[0].tail_m)
                known[0].head_m = max(head_m, known[0].head_m)
            elif (
                len(chain) >= settings.queue_vehicles
                and self._lasts(chain)
                and self._meets_traffic(now, course, tail_m)
            ):
                measure_m = float(now.measure_m[chain[0]])
                vehicles = set(chain.tolist())
                self.events.append(
                    TrueEvent(QUEUE, course, now.time_ms, tail_m, head_m, measure_m, vehicles, None, tail_m)
                )

    def _lasts(self, chain: IntArray) -> bool:
        """Whether half of the chain is slow on the mean of the last seconds."""
        speeds = np.vstack(self._speeds)[:, chain]
        known = np.isfinite(speeds)
        means = np.where(known, speeds, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return bool(np.median(means) < self._settings.queue_speed_mps)

    def _meets_traffic(self, now: Snapshot, course: int, tail_m: float) -> bool:
        settings = self._settings
        behind_m = tail_m - now.progress_m
        coming = now.heard & (now.course == course) & (behind_m > 0.0) & (behind_m <= settings.queue_approach_m)
        return bool((coming & (now.speed_mps >= settings.queue_approach_mps)).any())

    def _is_over(self, event: TrueEvent, now: Snapshot) -> bool:
        who = np.fromiter(event.vehicles, dtype=np.int64)
        if event.cause_code == STATIONARY:
            return bool((now.speed_mps[who] >= self._settings.moving_speed_mps).all())
        there = (now.progress_m >= event.tail_m - self._settings.merge_m) & (now.progress_m <= event.head_m + 1.0)
        lasting = (self._slow_ms >= 0) & (now.time_ms - self._slow_ms >= self._settings.queue_after_s * 1000.0)
        queueing = lasting & there & (now.course == event.course)
        return int(queueing.sum()) < self._settings.queue_keeps

    def _open(self, course: int) -> list[TrueEvent]:
        return [event for event in self.events if event.course == course and event.over_ms is None]

    def _is_near(self, event: TrueEvent, tail_m: float, head_m: float | None = None) -> bool:
        head_m = tail_m if head_m is None else head_m
        gap_m = max(event.tail_m - head_m, tail_m - event.head_m)
        return gap_m <= self._settings.merge_m

    def _is_quiet(self, measure_m: FloatArray) -> BoolArray:
        quiet = np.zeros(len(measure_m), dtype=np.bool_)
        for extent in self._quiet:
            quiet |= (measure_m >= extent.start_m) & (measure_m < extent.end_m)
        return quiet


def _since(holds: BoolArray, since_ms: IntArray, time_ms: int) -> IntArray:
    return np.where(holds, np.where(since_ms < 0, time_ms, since_ms), _NEVER)
