"""The worker's two loops over a real broker and MQTT, with a warning desk and a toll desk that only take notes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from drawn_road import drawn_road
from running_broker import PATIENCE_S, RunningBroker, Vehicle
from trassa.clock import Clock, SteppedClock, UtcClock, its_ms
from trassa.errors import TrassaError
from trassa.live import axis_index, wire_kernel
from trassa.live.archive import Archive
from trassa.live.axis_index import AxisIndex
from trassa.live.counts import Counts
from trassa.live.frame import FRAME_MAGIC
from trassa.live.hot_loop import SUBJECTS, HotLoop, Rooms
from trassa.live.inbox import Delivery, Inbox
from trassa.live.ingest import Ingest
from trassa.live.raw_reader import RawReader
from trassa.live.stepped_loop import SteppedLoop
from trassa.live.toll_room import TollRoom
from trassa.road.locate import Locator
from trassa.vehicles import cam_kernel, stations
from trassa.vehicles.cam_columns import encode_cams
from trassa.vehicles.station_memory import StationColumns
from trassa.vehicles.stations import Stations

ROAD = drawn_road(20_000.0)
START_MS = 1_780_660_800_000


@dataclass
class Noted:
    published: list[tuple[str, bytes, bool]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    fates: list[str] = field(default_factory=list)
    store_is_down: bool = False


@dataclass
class NotingDesk:
    """Warns whenever somebody stands: topic and payload tell who."""

    looks: list[list[int]] = field(default_factory=list)
    reports: list[tuple[str, bytes]] = field(default_factory=list)
    ended: list[tuple[str, str, str]] = field(default_factory=list)
    down: int = 0
    recovered: int = 0
    may_go_on: threading.Event = field(default_factory=threading.Event)
    """While this is not set, a look lasts: the desk waits for a receipt."""
    waits: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_go_on.set()

    def recover(self) -> Noted:
        self.recovered += 1
        return Noted()

    def step(self, stations: StationColumns) -> Noted:
        standing = stations.station_id[stations.standing_since_ms >= 0].tolist()
        self.looks.append(standing)
        if not self.may_go_on.is_set():
            self.waits.set()
        assert self.may_go_on.wait(PATIENCE_S)
        if self.down:
            self.down -= 1
            return Noted(store_is_down=True)
        return Noted([(f"cits/out/{s}", b"%d" % s, True) for s in standing], [str(s) for s in standing])

    def take_reports(self, messages: Sequence[tuple[str, bytes]]) -> Noted:
        if self.down:
            self.down -= 1
            raise TrassaError("store: the database went away")
        self.reports += messages
        return Noted(fates=["refused" if payload == b"bad" else "live" for _, payload in messages])

    def end_by_operator(self, event_id: str, user: str, note: str = "") -> tuple[bool, str]:
        self.ended.append((event_id, user, note))
        return event_id == "7-1", "" if event_id == "7-1" else "there is none"


@dataclass
class NotingTolls:
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    settled: int = 0
    down: int = 0
    counts: Any = field(default_factory=lambda: SimpleNamespace(messages=0))

    def take_fixes(self, messages: Sequence[tuple[str, bytes]]) -> None:
        if any(payload == b"fatal" for _, payload in messages):
            raise ZeroDivisionError
        if self.down:
            self.down -= 1
            raise TrassaError("store: the database went away")
        self.taken += messages
        self.counts.messages += sum(payload != b"bad" for _, payload in messages)

    def settle(self) -> list[dict[str, object]]:
        self.settled += 1
        return []


@dataclass
class Running:
    broker: RunningBroker
    rooms: Rooms
    desk: NotingDesk
    tolls: NotingTolls
    vehicle: Vehicle
    ended: list[BaseException]

    def ask(self, question: str, **body: object) -> Any:
        async def request(client: Any) -> Any:
            payload = json.dumps(body).encode()
            return json.loads((await client.request(f"trassa.ask.{question}", payload, timeout=PATIENCE_S)).data)

        return self.broker.with_client(request)


@contextlib.contextmanager
def running(root: Path, clock: Clock) -> Iterator[Running]:
    stepped = isinstance(clock, SteppedClock)
    broker = RunningBroker(root, "drive" if stepped else "live")
    ports, secrets = broker.ports, broker.secrets
    reader = RawReader(ports.nats, secrets.platform_user, secrets.platform_password, SUBJECTS)
    inbox, desk, tolls = Inbox(ports, secrets), NotingDesk(), NotingTolls()
    counts = Counts(broker.book.root / "counts.json")
    ingest = Ingest(AxisIndex(ROAD), Stations(), counts)
    ingest.warm_up(clock.now_ms())
    reader.warm_up()
    reader.connect()
    inbox.open()
    archive = None if stepped else Archive(broker.book, 24, clock.now_ms())
    rooms = Rooms(
        reader, ingest, inbox, desk, TollRoom(tolls, inbox), counts, clock, simulated=stepped, archive=archive
    )
    loop = SteppedLoop(rooms, clock, patience_s=1.0) if isinstance(clock, SteppedClock) else HotLoop(rooms)
    stop = threading.Event()
    ended: list[BaseException] = []
    thread = threading.Thread(target=_run, args=[loop, stop, ended])
    thread.start()
    vehicle = broker.vehicle()
    try:
        yield Running(broker, rooms, desk, tolls, vehicle, ended)
    finally:
        vehicle.leave()
        stop.set()
        thread.join(PATIENCE_S)
        inbox.close()
        reader.close()
        broker.close()
        if archive is not None:
            archive.close()


def _run(loop: HotLoop, stop: threading.Event, ended: list[BaseException]) -> None:
    try:
        loop.run(stop)
    except BaseException as error:
        ended.append(error)


def until(reached: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + PATIENCE_S
    while not reached() and time.monotonic() < until_s:
        time.sleep(0.01)
    return reached()


def cam(station: int, measure_m: float, time_ms: int, speed_mps: float = 20.0) -> bytes:
    lat, lon = Locator(ROAD).point("increasing", measure_m)
    buffer, _, size = encode_cams(
        station_id=station,
        generation_delta_time=its_ms(time_ms) % 65_536,
        latitude_deg=float(lat),
        longitude_deg=float(lon),
        heading_deg=90.0,
        speed_mps=speed_mps,
    )
    return buffer[: size[0]].tobytes()


def now_ms() -> int:
    return UtcClock().now_ms()


def test_a_cam_by_mqtt_is_on_the_map_and_can_be_asked_for(tmp_path: Path) -> None:
    with running(tmp_path, UtcClock()) as live:
        frames: list[bytes] = []

        async def watch(client: Any) -> None:
            subscription = await client.subscribe("trassa.frame")
            until_s = time.monotonic() + PATIENCE_S
            while time.monotonic() < until_s:
                live.vehicle.publish("cits/in/cam/fleet/v", cam(4711, 1500.0, now_ms()), qos=0)
                frame = (await subscription.next_msg(timeout=PATIENCE_S)).data
                frames.append(frame)
                if struct.unpack_from("<II", frame) == (FRAME_MAGIC, 1):
                    return

        live.broker.with_client(watch)
        assert struct.unpack_from("<f", frames[-1], 28)[0] == pytest.approx(1500.0, abs=0.1)
        said = live.ask("where", station_id=4711)
        assert said["carriageway"] == "increasing"
        assert said["measure_m"] == pytest.approx(1500.0, abs=0.1)
        assert said["speed_mps"] == 20.0
        assert live.ask("where", station_id=4712) == {}
        assert live.ask("where", station_id="4711") == {}
        assert live.ask("end_event", event_id="7-1", user="op", reason="cleared")["ok"] is True
        assert live.ask("end_event", event_id="9-9", user="op")["ok"] is False
        assert live.desk.ended == [("7-1", "op", "cleared"), ("9-9", "op", "")]
        assert live.ask("nonsense") == {}


def test_what_the_broker_took_is_accounted_for(tmp_path: Path) -> None:
    with running(tmp_path, UtcClock()) as live:
        live.tolls.down, live.desk.down = 1, 2  # the store is away at first: everything waits and nothing is lost
        for number in range(100):
            live.vehicle.publish("cits/in/cam/fleet/v", cam(number, 1000.0, now_ms()), qos=0)
        live.vehicle.publish("cits/in/cam/fleet/v", b"\x02\x02rubbish", qos=0)
        for payload in (b"one", b"bad", b"two"):
            live.vehicle.publish("cits/in/toll/fleet/v", payload)
            live.vehicle.publish("cits/in/denm/fleet/v", payload)
        captured = live.broker.captured()
        assert captured == 107
        assert until(lambda: live.ask("counts")["accepted"] == captured and live.ask("counts")["waiting"] == 0)
        told = live.ask("counts")
        assert (told["processed"], told["refused"], told["shed"], told["lost"]) == (104, 3, 0, 0)
        assert told["by_kind"] == {"cam": 100, "denm": 2, "toll": 2}
        book = live.broker.book
        assert [payload for _, payload in live.tolls.taken] == [b"one", b"bad", b"two"]
        assert [payload for _, payload in live.desk.reports] == [b"one", b"bad", b"two"]
    raw = pq.read_table(book.archive / "raw")
    assert raw.num_rows == 101  # what was refused is kept too
    assert {bytes(topic) for topic in raw["topic"].to_pylist()} == {b"cits/in/cam/fleet/v"}
    places = pq.read_table(book.archive / "places")
    assert places.num_rows == 100
    assert places["measure_m"].to_pylist() == pytest.approx([1000.0] * 100, abs=0.1)


def test_what_waits_for_the_store_is_not_lost_and_counted_once_by_the_next_process(tmp_path: Path) -> None:
    with running(tmp_path, UtcClock()) as live:
        live.tolls.down = 1_000_000
        for number in range(20):
            live.vehicle.publish("cits/in/toll/fleet/v", b"%d" % number)
        assert until(lambda: live.ask("counts")["kept_waiting"] == 20)
        counts = live.rooms.counts
        for _ in range(20):  # the time that a message on its way may take
            counts.sample(live.rooms.inbox.fill.taken, live.rooms.inbox.fill.waiting)
        assert (counts.told()["waiting"], counts.told()["lost"]) == (20, 0)
        # the next process of the same book finds them again, and they were counted by nobody
        again = Counts.of(counts.file)
        room = TollRoom(NotingTolls(), live.rooms.inbox, again.counted["toll"])
        deliveries = [Delivery("cits.in.toll.fleet.v", b"x", number, True, "") for number in range(1, 21)]
        for _ in range(2):
            news = room.take(deliveries)
            again.count("toll", news.taken, news.refused, news.up_to)
        assert (again.processed["toll"], again.counted["toll"]) == (20, 20)
        again.save()
        assert Counts.of(counts.file).counted["toll"] == 20


def test_a_room_that_dies_takes_the_worker_with_it(tmp_path: Path) -> None:
    with running(tmp_path, UtcClock()) as live:
        live.vehicle.publish("cits/in/toll/fleet/v", b"fatal")
        assert until(lambda: bool(live.ended))
        assert isinstance(live.ended[0], ZeroDivisionError)


def test_nothing_is_compiled_in_the_middle_of_a_run(tmp_path: Path) -> None:
    kernels = (cam_kernel.decode, axis_index._locate, stations._update, stations._find_all, stations._find)
    with running(tmp_path, UtcClock()) as live:
        warm = [len(kernel.signatures) for kernel in (*kernels, wire_kernel.frame)]  # type: ignore[attr-defined]
        assert min(warm) >= 1
        for number in range(20):
            live.vehicle.publish("cits/in/cam/fleet/v", cam(number, 1000.0, now_ms()), qos=0)
        assert until(lambda: live.ask("where", station_id=19) != {})
        assert [len(k.signatures) for k in (*kernels, wire_kernel.frame)] == warm  # type: ignore[attr-defined]


def test_after_the_broker_was_killed_the_loop_goes_on(tmp_path: Path) -> None:
    with running(tmp_path, UtcClock()) as live:
        live.broker.kill()
        assert until(lambda: live.rooms.reader.reconnects > 0)
        vehicle = live.broker.vehicle()
        assert until(
            lambda: vehicle.publish("cits/in/cam/fleet/v", cam(5, 700.0, now_ms())) and len(live.rooms.stations) == 1
        )
        assert until(lambda: live.desk.recovered == 1)
        vehicle.leave()


def test_while_the_desk_waits_the_road_goes_on(tmp_path: Path) -> None:
    with running(tmp_path, UtcClock()) as live:
        desk, publish = live.desk, live.vehicle.publish
        desk.may_go_on.clear()
        assert desk.waits.wait(PATIENCE_S)
        waiting = len(desk.looks)
        assert publish("cits/in/cam/fleet/v", cam(6, 700.0, now_ms(), 0.0), qos=0)
        assert publish("cits/in/denm/fleet/v", b"report")
        assert until(lambda: live.ask("where", station_id=6) != {})
        assert until(lambda: live.ask("counts")["by_kind"] == {"cam": 1})
        assert len(desk.looks) == waiting
        desk.may_go_on.set()
        assert until(lambda: desk.reports == [("cits.in.denm.fleet.v", b"report")])
        assert until(lambda: [6] in desk.looks[waiting:])
        assert until(lambda: live.ask("counts")["by_kind"] == {"cam": 1, "denm": 1})


class Driver:
    """Announces steps and hears their answers."""

    def __init__(self, live: Running) -> None:
        secrets = live.broker.secrets
        self.link = live.broker.vehicle(secrets.driver_user, secrets.driver_password)
        assert self.link.subscribe("drive/done")

    def step(self, number: int, time_ms: int, **sent: int) -> dict[str, Any]:
        before = len(self.link.heard)
        self.link.publish("drive/step", json.dumps({"step": number, "time_ms": time_ms, **sent}).encode())
        assert until(lambda: len(self.link.heard) > before)
        said: dict[str, Any] = json.loads(self.link.heard[before][1])
        assert said["step"] == number
        return said


def test_a_step_waits_for_its_messages_and_takes_them_in_one_order(tmp_path: Path) -> None:
    clock = SteppedClock(START_MS)
    with running(tmp_path, clock) as live:
        driver = Driver(live)
        # the last word of station 7 in the step counts, whatever the order of arrival
        for pdu in (cam(7, 1010.0, START_MS + 90, 0.0), cam(3, 500.0, START_MS + 20), cam(7, 1000.0, START_MS + 10)):
            live.vehicle.publish("cits/in/cam/fleet/v", pdu, qos=0)
        live.vehicle.publish("cits/in/toll/fleet/v", b"fix")
        live.vehicle.publish("cits/in/denm/fleet/v", b"report")
        said = driver.step(1, START_MS + 100, cam=3, denm=1, toll=1)
        assert clock.now_ms() == START_MS + 100
        assert said["processed"] == {"cam": 3, "denm": 1, "toll": 1}
        assert said["shortfall"] == {}
        assert said["published"] == [["cits/out/7", hashlib.sha256(b"7").hexdigest(), True]]
        stations = live.rooms.stations
        assert stations.station_id.tolist() == [3, 7]
        assert stations.measure_m[1] == pytest.approx(1010.0, abs=0.1)
        assert stations.seen_ms.tolist() == [START_MS + 20, START_MS + 90]
        assert stations.late == 0
        # the announcement may overtake the messages
        threading.Timer(
            0.3, lambda: live.vehicle.publish("cits/in/cam/fleet/v", cam(3, 502.0, START_MS + 150), 0)
        ).start()
        assert driver.step(2, START_MS + 200, cam=1)["processed"]["cam"] == 1
        assert driver.step(2, START_MS + 200, cam=1)["processed"]["cam"] == 1  # asked again, not done again
        assert len(live.desk.looks) == 2
        assert live.tolls.settled == 0
        driver.step(3, START_MS + 1000)
        assert live.tolls.settled == 1
        driver.link.leave()


def test_a_shortfall_is_reported_and_does_not_shift_the_next_step(tmp_path: Path) -> None:
    with running(tmp_path, SteppedClock(START_MS)) as live:
        driver = Driver(live)
        live.vehicle.publish("cits/in/cam/fleet/v", cam(7, 1000.0, START_MS + 10), qos=0)
        assert driver.step(1, START_MS + 100, cam=3, toll=1)["shortfall"] == {"cam": 2, "toll": 1}
        live.vehicle.publish("cits/in/cam/fleet/v", cam(7, 1002.0, START_MS + 110), qos=0)
        said = driver.step(2, START_MS + 200, cam=1)
        assert (said["shortfall"], said["processed"]["cam"]) == ({}, 1)
        driver.link.leave()


def test_a_step_waits_for_the_store(tmp_path: Path) -> None:
    with running(tmp_path, SteppedClock(START_MS)) as live:
        driver = Driver(live)
        live.tolls.down, live.desk.down = 1, 2
        live.vehicle.publish("cits/in/toll/fleet/v", b"fix")
        live.vehicle.publish("cits/in/denm/fleet/v", b"report")
        assert driver.step(1, START_MS + 100, denm=1, toll=1)["processed"] == {"cam": 0, "denm": 1, "toll": 1}
        assert [payload for _, payload in live.tolls.taken] == [b"fix"]
        driver.link.leave()
