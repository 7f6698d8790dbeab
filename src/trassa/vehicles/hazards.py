"""Two detectors over the station table: a stationary vehicle, and the dangerous end of a queue.

Which vehicles count at all::

    V1  heard       a message within the last heard_within_s
    V2  known       its speed is not "unavailable"
    V3  on the road on a carriageway, on the mean of some seconds within carriageway_half_width_m of its line
    V4  a vehicle   not a roadside unit

Stationary vehicle (cause 94)::

    S1  stands      at or below stationary_speed_mps for stationary_after_s, as its own messages prove
    S2  same place  the table begins its clock again where a "standing" vehicle turns up elsewhere
    S3  open road   outside plaza zones and service areas
    S4  neighbours  standing vehicles less than merge_m apart are one sighting
    S5  not queued  in a chain of queue_vehicles (Q1, Q2), dangerous or not, only the first vehicle counts, and those
                    that have been warned of before

End of queue (cause 27), anchored at the vehicle that traffic meets first::

    Q1  queues      slower than queue_speed_mps for queue_after_s
    Q2  chain       queue_vehicles of them, no gap wider than queue_gap_m
    Q3  lasting     the median vehicle's mean speed over queue_mean_s is below queue_speed_mps (else stop-and-go)
    Q4  dangerous   faster traffic within queue_approach_m upstream, or two vehicles that joined at the end lately
    Q5  open road   vehicles in plaza zones and service areas do not count; a queue that begins there counts only when
                    it reaches plaza_spill_m beyond
    Q6  warned of   a queue that was warned of lasts while queue_keeps vehicles queue in it, without Q3 and Q4

Departures, the positive evidence that ends an event::

    D1  moved off   heard at or above moving_speed_mps (a queue: queue_speed_mps) for moving_for_s
    D2  elsewhere   heard farther than merge_m from the event, or on the other carriageway
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trassa.linear import CARRIAGEWAYS, Extent
from trassa.vehicles.evidence import QUEUE_END, STATIONARY_VEHICLE, Departure, Sighting, gap_m
from trassa.vehicles.relevance import upstream_sign
from trassa.vehicles.settings import VehiclesSettings
from trassa.vehicles.station_memory import StationColumns, StationMemory

__all__ = ["HazardWatch", "KnownEvent"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Detail = dict[str, float | int | str]

ROADSIDE_UNIT = 15
MAX_WITNESSES = 64


class KnownEvent(Protocol):
    """An open event, as far as the detectors care."""

    @property
    def event_id(self) -> str: ...
    @property
    def cause_code(self) -> int: ...
    @property
    def carriageway(self) -> str: ...
    @property
    def anchor_m(self) -> float: ...
    @property
    def head_m(self) -> float: ...
    @property
    def witnesses(self) -> tuple[int, ...]: ...


class HazardWatch:
    """Looks at the station table every few hundredths of a second and says what it proves."""

    def __init__(self, quiet: Iterable[Extent], settings: VehiclesSettings) -> None:
        zones = sorted(quiet)
        self._starts_m = np.array([zone.start_m for zone in zones], np.float64)
        self._ends_m = np.array([zone.end_m for zone in zones], np.float64)
        self._settings = settings
        self._memory = StationMemory(settings)

    def look(
        self, stations: StationColumns, now_ms: int, known: Sequence[KnownEvent]
    ) -> tuple[list[Sighting], list[Departure]]:
        """What the vehicles prove now: sightings in the order of carriageway, cause and anchor, then departures."""
        settings = self._settings
        # RULE V1
        heard = (stations.seen_ms >= now_ms - int(settings.heard_within_s * 1000)) & (stations.seen_ms >= 0)
        self._memory.note(stations, heard, now_ms)
        # RULE V2, V3 and V4, dearest first: few vehicles are slow
        slow = np.flatnonzero(self._memory.slow_since_ms >= 0)
        slow = slow[
            (stations.carriageway[slow] >= 0)
            & (np.abs(self._memory.offset_m[slow]) <= settings.carriageway_half_width_m)
            & (stations.station_type[slow] != ROADSIDE_UNIT)
        ]
        sightings: list[Sighting] = []
        for code in range(len(CARRIAGEWAYS)) if len(slow) else ():
            here = slow[stations.carriageway[slow] == code]
            here = here[np.lexsort((stations.station_id[here], stations.measure_m[here]))]
            chains = self._chains(stations, here)
            sightings += self._queues(stations, heard, code, chains, known)
            sightings += self._standing(stations, code, here, chains, known)
        return sightings, self._departures(stations, heard, known)

    def _chains(self, stations: StationColumns, slow: IntArray) -> list[IntArray]:
        """The vehicles that queue on one carriageway, parted at wide gaps; ``slow`` is sorted by measure."""
        # RULE Q1
        lasting_ms = stations.seen_ms[slow] - self._memory.slow_since_ms[slow]
        queueing = slow[lasting_ms >= self._settings.queue_after_s * 1000]
        if not len(queueing):
            return []
        # RULE Q2
        breaks = np.flatnonzero(np.diff(stations.measure_m[queueing]) > self._settings.queue_gap_m) + 1
        return np.split(queueing, breaks)

    def _standing(
        self,
        stations: StationColumns,
        code: int,
        slow: IntArray,
        chains: Sequence[IntArray],
        known: Sequence[KnownEvent],
    ) -> list[Sighting]:
        """Sightings of stationary vehicles on one carriageway."""
        settings, since = self._settings, stations.standing_since_ms[slow]
        # RULE S1 and S2
        stands = (since >= 0) & (stations.seen_ms[slow] - since >= settings.stationary_after_s * 1000)
        # RULE S3
        stands &= ~self._in_quiet(stations.measure_m[slow])
        # RULE S5
        found = slow[stands]
        found = found[~np.isin(found, self._queueing(stations, code, chains, known))]
        measures = stations.measure_m[found]
        sightings = []
        begin = 0
        while begin < len(found):
            # RULE S4
            end = int(np.searchsorted(measures, measures[begin] + settings.merge_m, side="right"))
            group = found[begin:end]
            standing_ms = int((stations.seen_ms[group] - stations.standing_since_ms[group]).max())
            detail: Detail = {"vehicles": len(group), "standing_s": standing_ms // 1000}
            sightings.append(self._sighting(STATIONARY_VEHICLE, "S1", stations, code, group, detail))
            begin = end
        return sightings

    def _queueing(
        self, stations: StationColumns, code: int, chains: Sequence[IntArray], known: Sequence[KnownEvent]
    ) -> IntArray:
        """The vehicles that stand because they queue: all of a chain but the first, and but those already warned of."""
        behind = [
            chain[:-1] if code == 0 else chain[1:] for chain in chains if len(chain) >= self._settings.queue_vehicles
        ]
        if not behind:
            return np.zeros(0, np.int64)
        warned_of = [s for event in known if event.cause_code == STATIONARY_VEHICLE for s in event.witnesses]
        rows = np.concatenate(behind)
        return rows[~np.isin(stations.station_id[rows], np.array(warned_of, np.uint32))]

    def _queues(
        self,
        stations: StationColumns,
        heard: BoolArray,
        code: int,
        chains: Sequence[IntArray],
        known: Sequence[KnownEvent],
    ) -> list[Sighting]:
        """Sightings of queues on one carriageway."""
        settings = self._settings
        sightings = []
        for chain in chains:
            open_road = chain[~self._in_quiet(stations.measure_m[chain])]
            if len(open_road) < settings.queue_keeps or not self._is_beyond_zones(stations, code, chain):
                continue
            # RULE Q6
            if self._is_warned_of(stations, code, open_road, known):
                reason = "warned of"
            elif len(open_road) >= settings.queue_vehicles and self._is_lasting(open_road):
                reason = self._danger(stations, heard, code, open_road)
            else:
                continue
            if reason:
                detail = self._queue_detail(stations, open_road, reason)
                sightings.append(self._sighting(QUEUE_END, "Q2", stations, code, open_road, detail))
        return sightings

    def _is_lasting(self, chain: IntArray) -> bool:
        # RULE Q3
        return bool(np.median(self._memory.mean_speed_mps(chain)) < self._settings.queue_speed_mps)

    def _danger(self, stations: StationColumns, heard: BoolArray, code: int, chain: IntArray) -> str:
        """Why the end of a queue is dangerous, or nothing."""
        # RULE Q4
        settings = self._settings
        end_m = self._end_m(stations, code, chain)
        upstream_m = (stations.measure_m - end_m) * upstream_sign(CARRIAGEWAYS[code])
        fast = heard & (stations.carriageway == code) & (upstream_m > 0.0) & (upstream_m <= settings.queue_approach_m)
        if bool((fast & (stations.speed_mps >= settings.queue_approach_mps)).any()):
            return "faster traffic upstream"
        nearest = np.argsort(np.abs(stations.measure_m[chain] - end_m), kind="stable")[: max(2, len(chain) // 2)]
        last = chain[nearest]
        lately = stations.seen_ms[last] - self._memory.slow_since_ms[last] <= settings.queue_mean_s * 1000
        joined = lately & (self._memory.top_speed_mps(last) >= settings.queue_speed_mps)
        return "still growing" if int(joined.sum()) >= 2 else ""

    def _is_beyond_zones(self, stations: StationColumns, code: int, chain: IntArray) -> bool:
        """Whether a chain's end lies on open road, and far enough out where the chain begins in a quiet extent."""
        # RULE Q5
        near_m, spill_m = self._settings.queue_gap_m, self._settings.plaza_spill_m
        low_m, high_m = float(stations.measure_m[chain[0]]), float(stations.measure_m[chain[-1]])
        for start_m, stop_m in zip(self._starts_m, self._ends_m, strict=True):
            if code == 0:
                begins_there, spilt_m = start_m - near_m <= high_m <= stop_m, start_m - low_m
            else:
                begins_there, spilt_m = start_m <= low_m <= stop_m + near_m, high_m - stop_m
            if begins_there and spilt_m <= spill_m:
                return False
        return True

    def _is_warned_of(self, stations: StationColumns, code: int, chain: IntArray, known: Sequence[KnownEvent]) -> bool:
        ends = float(stations.measure_m[chain[0]]), float(stations.measure_m[chain[-1]])
        return any(
            event.cause_code == QUEUE_END
            and event.carriageway == CARRIAGEWAYS[code]
            and gap_m(ends, (event.anchor_m, event.head_m)) <= self._settings.merge_m
            for event in known
        )

    def _queue_detail(self, stations: StationColumns, chain: IntArray, reason: str) -> Detail:
        length_m = float(stations.measure_m[chain[-1]] - stations.measure_m[chain[0]])
        mean_mps = float(np.nanmean(stations.speed_mps[chain]))
        return {
            "vehicles": len(chain),
            "length_m": round(length_m),
            "mean_speed_mps": round(mean_mps, 1),
            "because": reason,
        }

    def _sighting(
        self,
        cause_code: int,
        rule: str,
        stations: StationColumns,
        code: int,
        group: IntArray,
        detail: Detail,
    ) -> Sighting:
        """A sighting of a group sorted by measure; its witnesses are the vehicles nearest to the upstream end."""
        upstream_first = group if code == 0 else group[::-1]
        measures = stations.measure_m[upstream_first]
        witnesses = np.sort(stations.station_id[upstream_first[:MAX_WITNESSES]])
        return Sighting(
            cause_code,
            CARRIAGEWAYS[code],
            float(measures[0]),
            float(measures[-1]),
            rule,
            tuple(witnesses.tolist()),
            detail,
        )

    @staticmethod
    def _end_m(stations: StationColumns, code: int, chain: IntArray) -> float:
        return float(stations.measure_m[chain[0 if code == 0 else -1]])

    def _in_quiet(self, measure_m: npt.NDArray[np.float64]) -> BoolArray:
        """Whether measures lie in a quiet extent; the extents are disjoint and sorted."""
        if not len(self._starts_m):
            return np.zeros(len(measure_m), np.bool_)
        zone = np.searchsorted(self._starts_m, measure_m, side="right") - 1
        return (zone >= 0) & (measure_m < self._ends_m[np.maximum(zone, 0)])

    def _departures(self, stations: StationColumns, heard: BoolArray, known: Sequence[KnownEvent]) -> list[Departure]:
        """The witnesses of each event that were seen moving or elsewhere."""
        sought = np.unique(np.array([station for event in known for station in event.witnesses], np.uint32))
        # asked also for nobody: the look-up is compiled with the first call, not with the first hazard
        rows = stations.rows_of(sought)
        if not len(sought):
            return []
        row_of = {
            station: row for station, row in zip(sought.tolist(), rows.tolist(), strict=True) if row >= 0 and heard[row]
        }
        departures = []
        for event in known:
            present = [(station, row_of[station]) for station in event.witnesses if station in row_of]
            gone = tuple(station for station, row in present if self._is_gone(stations, row, event))
            if gone:
                departures.append(Departure(event.event_id, gone))
        return departures

    def _is_gone(self, stations: StationColumns, row: int, event: KnownEvent) -> bool:
        settings = self._settings
        # RULE D1
        since_ms = int(self._memory.moving_since_ms[row])
        moved = since_ms >= 0 and int(stations.seen_ms[row]) - since_ms >= settings.moving_for_s * 1000
        if moved and (event.cause_code != QUEUE_END or float(stations.speed_mps[row]) >= settings.queue_speed_mps):
            return True
        # RULE D2
        code = int(stations.carriageway[row])
        if code < 0:
            return False
        measure_m = float(stations.measure_m[row])
        far = gap_m((measure_m, measure_m), (event.anchor_m, event.head_m)) > settings.merge_m
        return far or CARRIAGEWAYS[code] != event.carriageway
