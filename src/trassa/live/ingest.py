"""From CAM bytes to the table of stations: decode, locate, update, in columns.

1. A CAM that the columns leave to the slow codec is decoded there; one by one, for they are few.
2. Behind time (the socket held more than one batch), plain CAMs are thinned: the newest of each station, at least one a
   second; the others are shed and counted.
3. A station's own time counts where it is near the platform's (at most 2 s behind, not ahead); else the platform's.
4. A vehicle that hardly moves has no heading worth the name: it stays on the carriageway on which it was.
5. A roadside unit is counted, and is no vehicle.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.clock import its_ms
from trassa.live.axis_index import OFF_ROAD, AxisIndex
from trassa.live.counts import Counts
from trassa.vehicles.cam_columns import OK, ROADSIDE_UNIT, SLOW, CamColumns, decode_cams, encode_cams
from trassa.vehicles.codec import Message, decode
from trassa.vehicles.refusal import Refused
from trassa.vehicles.stations import Sightings, Stations

__all__ = ["Ingest", "moments_ms"]

LATEST_MS = 2000
_THIN_MS = 1000
_COUNTED = 255
"""Status of a CAM that the slow codec refused, for a reason of its own."""
_CRAWL_MPS = 1.0
_MODULUS = 65_536
_HEADING_UNAVAILABLE, _SPEED_UNAVAILABLE = 3601, 16_383
_Integers = npt.NDArray[np.int64]


class Ingest:
    """What the road learns from CAMs. Touches nothing but its table and its counts."""

    def __init__(self, axis: AxisIndex, stations: Stations, counts: Counts) -> None:
        self.stations = stations
        self._axis = axis
        self._counts = counts

    def take(
        self, buffer: npt.NDArray[np.uint8], start: _Integers, size: _Integers, now_ms: int, *, behind: bool = False
    ) -> Sightings:
        """Take in the CAMs of a batch in the order given; the vehicles among them, located."""
        cams = decode_cams(buffer, start, size)
        for i in np.flatnonzero(cams.status == SLOW):  # RULE 1
            self._read_slowly(cams, int(i), buffer[start[i] : start[i] + size[i]].tobytes())
        read = cams.status == OK
        refused = np.unique(cams.status[~read & (cams.status != _COUNTED)], return_counts=True)
        self._counts.refuse_cams(dict(zip(*(column.tolist() for column in refused), strict=True)))
        rows = np.flatnonzero(read)
        if behind:
            kept = self._thinned(cams, rows, now_ms)
            self._counts.shed += len(rows) - len(kept)
            rows = kept
        self._counts.processed["cam"] += len(rows)
        vehicles = rows[cams.station_type[rows] != ROADSIDE_UNIT]  # RULE 5
        seen = self._located(cams, vehicles, now_ms)
        self.stations.update(seen)
        return seen

    def warm_up(self, now_ms: int) -> None:
        """Compile or load everything that ``take`` runs, with a table of its own."""
        stations, counts = Stations(capacity=2), Counts(self._counts.file)
        buffer, start, size = encode_cams(
            station_id=[1, 2], generation_delta_time=0, latitude_deg=0.0, longitude_deg=0.0, speed_mps=[0.0, 1.0]
        )
        Ingest(self._axis, stations, counts).take(buffer, start, size, now_ms, behind=True)
        stations.index_of(1)
        stations.rows_of(stations.station_id)
        stations.expire(now_ms + 10_000_000)
        decode(buffer[: size[0]].tobytes())

    def _located(self, cams: CamColumns, rows: _Integers, now_ms: int) -> Sightings:
        station = cams.station_id[rows]
        speed, heading = cams.speed_mps[rows], cams.heading_deg[rows].copy()
        known = self.stations.rows_of(station)
        last = np.full(len(rows), OFF_ROAD, dtype=np.int8)
        if len(self.stations):
            last = np.where(known >= 0, self.stations.carriageway[known], OFF_ROAD).astype(np.int8)
        heading[(speed < _CRAWL_MPS) & (last != OFF_ROAD)] = np.nan  # RULE 4
        latitude, longitude = cams.latitude_deg[rows], cams.longitude_deg[rows]
        places = self._axis.locate(latitude, longitude, heading, last)
        self._counts.off_road += int((places.carriageway == OFF_ROAD).sum())
        return Sightings(
            station_id=station,
            time_ms=moments_ms(cams.generation_delta_time[rows], now_ms),
            carriageway=places.carriageway,
            measure_m=places.measure_m,
            offset_m=places.offset_m,
            speed_mps=speed,
            heading_deg=cams.heading_deg[rows],
            station_type=cams.station_type[rows],
            latitude_deg=latitude,
            longitude_deg=longitude,
        )

    def _thinned(self, cams: CamColumns, rows: _Integers, now_ms: int) -> _Integers:
        """RULE 2: the newest message of each station of which nothing was taken for a second."""
        _, from_behind = np.unique(cams.station_id[rows][::-1], return_index=True)
        newest = np.sort(rows[len(rows) - 1 - from_behind])
        known = self.stations.rows_of(cams.station_id[newest])
        due = known < 0
        if len(self.stations):
            due |= self.stations.seen_ms[known] <= now_ms - _THIN_MS
        return newest[due]

    def _read_slowly(self, cams: CamColumns, i: int, pdu: bytes) -> None:
        try:
            _fill(cams, i, decode(pdu))
        except Refused as refusal:
            self._counts.refused[f"cam: {refusal.layer}"] += 1
            cams.status[i] = _COUNTED


def moments_ms(generation_delta_time: npt.NDArray[np.uint16], now_ms: int) -> _Integers:
    """RULE 3: the moments at which messages were made, milliseconds of UTC, never later than now."""
    off = (generation_delta_time.astype(np.int64) - its_ms(now_ms)) % _MODULUS
    off[off > _MODULUS // 2] -= _MODULUS
    off[(off > 0) | (off < -LATEST_MS)] = 0
    return now_ms + off


def _fill(cams: CamColumns, i: int, message: Message) -> None:
    """Put what the slow codec read of one CAM into its row."""
    parameters = message.value["cam"]["camParameters"]
    position, (kind, motion) = message.position(), parameters["highFrequencyContainer"]
    cams.status[i] = OK
    cams.station_type[i] = parameters["basicContainer"]["stationType"]
    cams.latitude_deg[i], cams.longitude_deg[i] = position or (np.nan, np.nan)
    if kind != "basicVehicleContainerHighFrequency":
        return
    heading, speed = motion["heading"]["headingValue"], motion["speed"]["speedValue"]
    cams.heading_deg[i] = np.nan if heading == _HEADING_UNAVAILABLE else heading / 10.0 % 360.0
    cams.speed_mps[i] = np.nan if speed == _SPEED_UNAVAILABLE else speed / 100.0
