"""A whole platform as its users meet it: a planned project served on free ports, an operator, and vehicles on MQTT."""

from __future__ import annotations

import bisect
import json
import math
import os
import shutil
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from websockets.sync.client import connect

from command_line import set_in
from foreign_messages import cam_at
from running_broker import Vehicle
from trassa.live.ports import Ports
from trassa.live.secrets import Secrets
from trassa.live.serving import pages_are_built

__all__ = [
    "PATIENCE_S", "Car", "Ear", "Operator", "Place", "Seen", "ServedRoad", "rows", "served_copy", "tiles_beside",
    "until",
]  # fmt: skip

PATIENCE_S = 60.0
"""Until when something that must happen is waited for; never how fast it must be."""
_PAUSE_S = 0.02
_EARTH_M = 6_371_000.0
_MERCATOR_M = 40_075_016.686


def until(reached: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Wait for something that must happen; what it then is."""
    deadline = time.monotonic() + patience_s
    while not (found := reached()):
        assert time.monotonic() < deadline, what
        time.sleep(_PAUSE_S)
    return found


def served_copy(planned: Path, root: Path, **vehicles: float) -> Path:
    """A copy of a planned project that takes free ports, with settings of ``[vehicles]``."""
    if not pages_are_built():
        reason = "the web pages are not built: make web"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    shutil.copytree(planned, root)
    set_in(root, "live", "port = 0\nmqtt_port = 0")
    for name, value in vehicles.items():
        set_in(root, "vehicles", f"{name} = {value}")
    return root


class Place(NamedTuple):
    """Somewhere on or beside a carriageway; the heading is that of its traffic."""

    latitude_deg: float
    longitude_deg: float
    heading_deg: float


class ServedRoad:
    """The road as the plan layer of the API draws it: plain numbers, worked on by formulas of the tests' own."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self._lines = plan["lines"]

    def measure_at_km(self, km: float) -> float:
        """The measure of a kilometre label."""
        for row in self.plan["labels"]:
            low, high = sorted((row["start_km"], row["end_km"]))
            if low <= km <= high:
                share = (km - row["start_km"]) / (row["end_km"] - row["start_km"])
                return float(row["start_m"] + share * (row["end_m"] - row["start_m"]))
        raise AssertionError(f"km {km} is not on the road")

    def place(self, measure_m: float, carriageway: str = "increasing", right_m: float = 0.0) -> Place:
        """The place at a measure, so far to the right of rising measure."""
        line = self._lines[carriageway]
        i = min(max(bisect.bisect_right(line["measure_m"], measure_m), 1), len(line["measure_m"]) - 1)
        (m0, m1), (lat0, lat1), (lon0, lon1) = (
            line[name][i - 1 : i + 1] for name in ("measure_m", "latitude_deg", "longitude_deg")
        )
        share = (measure_m - m0) / (m1 - m0)
        lat, lon = lat0 + share * (lat1 - lat0), lon0 + share * (lon1 - lon0)
        narrow = math.cos(math.radians(lat))
        rising = math.atan2((lon1 - lon0) * narrow, lat1 - lat0)
        aside = rising + math.pi / 2
        lat += math.degrees(right_m * math.cos(aside) / _EARTH_M)
        lon += math.degrees(right_m * math.sin(aside) / _EARTH_M / narrow)
        turn = 0.0 if carriageway == "increasing" else 180.0
        return Place(lat, lon, (math.degrees(rising) + turn) % 360.0)

    def open_road_m(self, near_m: float, clear_m: float = 3000.0) -> float:
        """The next measure from there on with nothing quiet within ``clear_m``, and tiles that leave no doubt."""
        for measure_m in range(round(near_m), round(self.plan["road"]["length_m"] - clear_m), 100):
            quiet = any(low - clear_m < measure_m < high + clear_m for low, high in self.plan["quiet"])
            if not quiet and self.tiles(measure_m, 35.0) == self.tiles(measure_m, 65.0):
                return float(measure_m)
        raise AssertionError("no open road")

    def tiles(self, measure_m: float, margin_m: float = 50.0, reach_m: float = 2000.0) -> set[str]:
        """Tiles of level 14 within a margin of the way to a hazard on the increasing carriageway."""
        way = [self.place(max(0.0, measure_m - back)) for back in range(0, round(reach_m) + 1, 5)]
        return set().union(*(tiles_beside(spot.latitude_deg, spot.longitude_deg, margin_m) for spot in way))


def tiles_beside(latitude_deg: float, longitude_deg: float, margin_m: float = 0.0, level: int = 14) -> set[str]:
    """Quadkeys of the tiles within a square around a place, by the formula of the map servers: no half pixels."""
    north_deg = math.degrees(margin_m / _EARTH_M)
    east_deg = north_deg / math.cos(math.radians(latitude_deg))
    found = set()
    for lat in (latitude_deg - north_deg, latitude_deg + north_deg):
        for lon in (longitude_deg - east_deg, longitude_deg + east_deg):
            column = int((lon + 180.0) / 360.0 * 2**level)
            row = int((1.0 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2.0 * 2**level)
            found.add("".join(str((column >> bit & 1) + 2 * (row >> bit & 1)) for bit in range(level - 1, -1, -1)))
    return found


class Seen(NamedTuple):
    """A vehicle in a frame."""

    handle: int
    measure_m: float
    offset_m: float
    speed_mps: float
    decreasing: bool
    standing: bool


class Operator:
    """An operator's browser without the browser: a cookie, JSON, and the binary WebSocket."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self._cookie = ""
        answer = self._open("POST", "/api/login", {"password": password})
        with answer:
            self._cookie = answer.headers["set-cookie"].partition(";")[0]

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        with self._open("GET", path) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any) -> Any:
        """The answer to JSON."""
        with self._open("POST", path, body) as answer:
            return json.load(answer)

    def road(self) -> ServedRoad:
        """The road of the plan layer."""
        return ServedRoad(self.get("/api/plan"))

    def counts(self) -> dict[str, Any]:
        """The counts of the status page; none while the worker is away."""
        counts: dict[str, Any] = self.get("/api/status")["counts"]
        return counts

    def events(self, ended: int = 0) -> Any:
        """Open events and reports, or the last ended ones."""
        return self.get(f"/api/events?ended={ended}")["ended" if ended else "events"]

    def sees(self, wanted: Callable[[Seen], bool], what: str) -> Seen:
        """Watch frames until a vehicle in one is as wanted."""
        deadline = time.monotonic() + PATIENCE_S
        with connect(self.url.replace("http", "ws") + "/api/live", additional_headers={"Cookie": self._cookie}) as live:
            while time.monotonic() < deadline:
                said = live.recv(timeout=PATIENCE_S)
                if isinstance(said, bytes):
                    for vehicle in _vehicles(said):
                        if wanted(vehicle):
                            return vehicle
        raise AssertionError(what)

    def _open(self, method: str, path: str, body: Any = None) -> Any:
        payload = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, payload, method=method)
        request.add_header("Content-Type", "application/json")
        if self._cookie:
            request.add_header("Cookie", self._cookie)
        return urllib.request.urlopen(request, timeout=PATIENCE_S)


def _vehicles(frame: bytes) -> list[Seen]:
    """The frame as its description has it: a header of 24 bytes, then columns."""
    magic, count, _time_ms, _flags, _ = struct.unpack_from("<IIdII", frame)
    assert magic == 0x31565254
    handle = struct.unpack_from(f"<{count}I", frame, 24)
    measure, offset, speed = (struct.unpack_from(f"<{count}f", frame, 24 + 4 * count * i) for i in (1, 2, 3))
    kind = struct.unpack_from(f"<{count}B", frame, 24 + 16 * count)
    rows = zip(handle, measure, offset, speed, kind, strict=True)
    return [Seen(h, m, o, v, bool(k & 1), bool(k & 2)) for h, m, o, v, k in rows]


class Ear(Vehicle):
    """A vehicle that also knows when it heard what: moments in ms of UTC beside ``heard``."""

    def __init__(self, ports: Ports, secrets: Secrets) -> None:
        self.moments_ms: list[int] = []
        super().__init__(ports.mqtt, secrets.fleet_login, secrets.fleet_password)

    def _take_message(self, _client: Any, _data: Any, message: Any) -> None:
        self.moments_ms.append(time.time_ns() // 1_000_000)
        super()._take_message(_client, _data, message)

    def of(self, event_id: str) -> list[tuple[int, str, bytes, bool]]:
        """Moment, tile, payload and retained flag of what was heard of an event."""
        heard = list(zip(self.moments_ms, list(self.heard), strict=False))
        return [
            (ms, "".join(topic.split("/")[3:-1]), payload, retained)
            for ms, (topic, payload, retained) in heard
            if topic.rsplit("/", 1)[1] == event_id
        ]


class Car:
    """A vehicle that sends five CAMs a second from where it is put, on a link that comes back."""

    def __init__(self, ports: Ports, secrets: Secrets, station_id: int, place: Place, speed_mps: float = 0.0) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.sent_ms: list[int] = []
        self.place, self.speed_mps = place, speed_mps
        self._station_id = station_id
        self._topic = f"cits/in/cam/{secrets.fleet_login}/car-{station_id}"
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(secrets.fleet_login, secrets.fleet_password)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", ports.mqtt)
        self._client.loop_start()
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Stop sending."""
        self._gone.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _drive(self) -> None:
        while not self._gone.is_set():
            if self._client.is_connected():
                made_ms = time.time_ns() // 1_000_000
                pdu = cam_at(
                    self._station_id, *self.place[:2], speed_mps=self.speed_mps,
                    heading_deg=self.place.heading_deg, time_ms=made_ms,
                )  # fmt: skip
                self._client.publish(self._topic, pdu, qos=0)
                self.sent_ms.append(made_ms)
            self._gone.wait(0.2)


def rows(url: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query finds in the platform's database."""
    with psycopg.connect(url, options="-c search_path=trassa") as connection:
        return connection.execute(query, values).fetchall()  # type: ignore[arg-type]
