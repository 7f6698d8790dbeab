"""From CAM bytes to the table: the slow codec, thinning, times and headings, on a drawn road."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.clock import its_ms
from trassa.live.axis_index import AxisIndex
from trassa.live.counts import Counts
from trassa.live.frame import FRAME_MAGIC, HEARD_MS, frame_of
from trassa.live.ingest import Ingest, moments_ms
from trassa.road.locate import Locator
from trassa.vehicles.cam_columns import PADDING, encode_cams
from trassa.vehicles.stations import Stations

NOW_MS = 1_780_660_800_000
ROAD = drawn_road(20_000.0)
SLOW = bytes.fromhex("010204b39d85c41e005a97ac450dd00a399ffffffc23b7743e00d2afc14dfe3fe9ed0733c97f5fffb0")


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(AxisIndex(ROAD), Stations(), Counts(tmp_path / "counts.json"))


def counts(ingest: Ingest) -> Counts:
    return ingest._counts


def take(ingest: Ingest, pdus: list[bytes], now_ms: int = NOW_MS, *, behind: bool = False) -> None:
    size = np.array([len(pdu) for pdu in pdus], dtype=np.int64)
    buffer = np.frombuffer(bytearray(b"".join(pdus) + bytes(PADDING)), dtype=np.uint8)
    ingest.take(buffer, np.cumsum(size) - size, size, now_ms, behind=behind)


def cam(station: int, measure_m: float, now_ms: int = NOW_MS, *, decreasing: bool = False, **more: float) -> bytes:
    lat, lon = Locator(ROAD).point("decreasing" if decreasing else "increasing", measure_m)
    said = {"heading_deg": 270.0 if decreasing else 90.0, "speed_mps": 20.0, "station_type": 5} | more
    buffer, _, size = encode_cams(
        station_id=station,
        generation_delta_time=its_ms(now_ms) % 65_536,
        latitude_deg=float(lat),
        longitude_deg=float(lon),
        **said,
    )
    return buffer[: size[0]].tobytes()


def test_vehicles_stand_where_they_say(ingest: Ingest) -> None:
    take(ingest, [cam(7, 1234.5), cam(8, 5000.0, decreasing=True), cam(9, 6000.0, station_type=15)])
    stations = ingest.stations
    assert stations.station_id.tolist() == [7, 8]  # a roadside unit is no vehicle
    assert stations.carriageway.tolist() == [0, 1]
    assert stations.measure_m.tolist() == pytest.approx([1234.5, 5000.0], abs=0.05)
    assert counts(ingest).processed == {"cam": 3}


def test_each_fate_is_counted_once(ingest: Ingest) -> None:
    pdus = [cam(7, 100.0), SLOW, SLOW[:30], b"", b"\x03" + cam(7, 1.0)[1:], cam(7, 1.0) + b"\x00", cam(7, 100.0)[:40]]
    take(ingest, pdus)
    told = counts(ingest).told()
    assert counts(ingest).handled == len(pdus)
    assert told["accepted"] == len(pdus)
    assert counts(ingest).processed["cam"] == 2
    assert 78880133 in ingest.stations.station_id  # read by the slow codec, and far off this road
    assert ingest.stations.speed_mps[ingest.stations.index_of(78880133)] == pytest.approx(6.67)
    assert ingest.stations.carriageway[ingest.stations.index_of(78880133)] == -1
    assert "cam: protocolVersion is neither 1 nor 2" in told["reasons"]  # type: ignore[operator]


def test_behind_time_each_station_keeps_its_newest_once_a_second(ingest: Ingest) -> None:
    batch = [cam(station, 1000.0 + 10 * k, NOW_MS + k) for k in range(5) for station in (1, 2, 3)]
    take(ingest, batch, NOW_MS + 10, behind=True)
    assert counts(ingest).shed == 12
    assert ingest.stations.measure_m.tolist() == pytest.approx([1040.0] * 3, abs=0.1)
    take(ingest, [cam(1, 1050.0, NOW_MS + 500)], NOW_MS + 500, behind=True)
    assert counts(ingest).shed == 13
    take(ingest, [cam(1, 1060.0, NOW_MS + 1100)], NOW_MS + 1100, behind=True)
    assert counts(ingest).shed == 13
    assert ingest.stations.measure_m[0] == pytest.approx(1060.0, abs=0.1)
    assert counts(ingest).handled == 17


def test_a_standing_vehicle_with_a_wild_heading_keeps_its_carriageway(ingest: Ingest) -> None:
    take(ingest, [cam(7, 1000.0)])
    take(ingest, [cam(7, 1010.0, NOW_MS + 100, speed_mps=0.0, heading_deg=273.0)], NOW_MS + 100)
    assert ingest.stations.carriageway.tolist() == [0]


@pytest.mark.parametrize("wrap", [0, 65_536 - 50, 10])
def test_moments_are_the_senders_where_they_are_credible(wrap: int) -> None:
    now_ms = NOW_MS - its_ms(NOW_MS) % 65_536 + wrap
    made_ms = np.array([now_ms, now_ms - 1, now_ms - 1999, now_ms - 2001, now_ms + 300, now_ms - 30_000])
    delta = np.array([its_ms(int(m)) % 65_536 for m in made_ms], dtype=np.uint16)
    assert (moments_ms(delta, now_ms) - now_ms).tolist() == [0, -1, -1999, 0, 0, 0]


def test_a_frame_holds_who_is_on_the_road_and_no_station_id(ingest: Ingest) -> None:
    station = 0xDEADBEEF
    take(ingest, [cam(station, 1000.0, speed_mps=0.0), cam(8, 2000.0, decreasing=True, station_type=8)])
    buffer, _, size = encode_cams(station_id=99, generation_delta_time=0, latitude_deg=0.0, longitude_deg=0.0)
    take(ingest, [buffer[: size[0]].tobytes()])
    frame = frame_of(ingest.stations, NOW_MS, simulated=True)
    assert struct.unpack_from("<IIdII", frame) == (FRAME_MAGIC, 2, float(NOW_MS), 1, 0)
    handle, measure, offset, speed = (np.frombuffer(frame, "<f4", 2, 24 + 8 * k) for k in range(4))
    assert handle.view("<u4").tolist() == ingest.stations.handle[:2].tolist()
    assert measure.tolist() == pytest.approx([1000.0, 2000.0], abs=0.1)
    assert np.abs(offset).max() < 0.1
    assert speed.tolist() == [0.0, 20.0]
    assert list(frame[24 + 32 : 24 + 34]) == [2, 1 + 16]  # standing car; truck on the decreasing carriageway
    assert len(frame) == 24 + 32 + 4
    assert station.to_bytes(4, "little") not in frame
    assert struct.unpack_from("<II", frame_of(ingest.stations, NOW_MS + HEARD_MS + 1, simulated=False))[1] == 0


def test_counts_add_up_and_survive(tmp_path: Path) -> None:
    counted = Counts(tmp_path / "counts.json")
    counted.processed.update({"cam": 90, "toll": 5})
    counted.refused["denm"] = 1
    counted.shed = 2
    for _ in range(3):
        counted.sample(100)  # two are on their way, or lost: who knows
    told = counted.told()
    assert (told["lost"], told["waiting"]) == (2, 0)
    counted.sample(107)
    told = counted.told()
    assert (told["lost"], told["waiting"]) == (2, 7)
    parts = [told[name] for name in ("processed", "refused", "shed", "waiting", "lost")]
    assert sum(parts) == told["accepted"] == 107  # type: ignore[arg-type]
    counted.save()
    assert Counts.of(tmp_path / "counts.json").handled == 98
    (tmp_path / "counts.json").write_text("{damaged")
    assert Counts.of(tmp_path / "counts.json").handled == 0
