"""A crowd of simulated vehicles over raw MQTT 3.1.1, each with its own connection: the load of ``live_rate.py``.

    python benchmarks/crowd.py PROJECT --port P --seconds 60

The password of the login comes on standard input. Vehicles drive along the road and send a CAM ten times a second;
some stop for good, kilometres apart. An MQTT subscriber in another process hears the warnings. Prints one JSON object:
what was sent, by how much the sending was late, and for each warning the time from sending the CAM that completed the
rule to the decision and to the receipt.
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trassa.clock import UtcClock, its_ms, utc_ms
from trassa.live.axis_index import AxisIndex
from trassa.live.roadway import Roadway
from trassa.plan.project import open_project
from trassa.road.locate import Locator
from trassa.vehicles.cam_columns import encode_cams
from trassa.vehicles.codec import decode

LOGIN = "fleet"
SPEED_MPS = 25.0
STATION = 10_000
STOP_EVERY = 7
TICKS = 10
TICK_S = 0.01
PAUSE_S = 0.002


@dataclass
class Crowd:
    """Vehicles: where they began, when they stop (s after the beginning, infinite for most), and their links."""

    measure_m: np.ndarray
    stop_s: np.ndarray
    links: list[socket.socket]
    prefixes: list[bytes]


def main() -> None:
    """Drive, then tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--vehicles", type=int, default=1000)
    parser.add_argument("--warm-up", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    password = sys.stdin.readline().strip()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    roadway = Roadway.of(open_project(asked.project))
    crowd = _crowd(roadway, asked, password)
    listener = _Listener(asked.port, password)
    sent, completed, late_s = _drive(roadway, crowd, asked)
    time.sleep(3.0)
    found, unheard = _latencies(roadway, crowd, completed, listener.messages())
    said = {
        "sent": sent,
        "late_tick_ms": [round(1000.0 * late, 1) for late in np.percentile(late_s, [50, 99, 100])],
        "warnings_due": len(completed),
        "warnings_unheard": unheard,
        "latency_ms": [heard for heard, _ in found],
        "decided_ms": [decided for _, decided in found],
    }
    print(json.dumps(said))


def _crowd(roadway: Roadway, asked: argparse.Namespace, password: str) -> Crowd:
    n = asked.vehicles
    reach_m = SPEED_MPS * (asked.warm_up + asked.seconds + 5.0)
    measure = np.linspace(1000.0, roadway.road.length_m - reach_m, n)
    stop_s = np.full(n, np.inf)
    stoppers = np.arange(0, n, STOP_EVERY)
    after_s = roadway.settings.vehicles.stationary_after_s
    window_s = asked.seconds - after_s - 5.0
    stop_s[stoppers] = asked.warm_up + np.linspace(0.0, window_s, len(stoppers))
    links = [_connected(asked.port, f"crowd-{i}", password) for i in range(n)]
    prefixes = []
    for i in range(n):
        topic = f"cits/in/cam/{LOGIN}/v{i}".encode()
        prefixes.append(b"\x30" + bytes([2 + len(topic) + 41]) + len(topic).to_bytes(2, "big") + topic)
    return Crowd(measure, stop_s, links, prefixes)


def _connected(port: int, name: str, password: str) -> socket.socket:
    def text(said: str) -> bytes:
        return len(said.encode()).to_bytes(2, "big") + said.encode()

    body = text("MQTT") + b"\x04\xc2" + (0).to_bytes(2, "big") + text(name) + text(LOGIN) + text(password)
    link = socket.create_connection(("127.0.0.1", port), timeout=10.0)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(b"\x10" + bytes([len(body)]) + body)
    if link.recv(4) != b"\x20\x02\x00\x00":
        raise SystemExit(f"{name} is not let in")
    return link


class _Listener:
    """Hears every warning, and when, in a process of its own."""

    def __init__(self, port: int, password: str) -> None:
        words = [sys.executable, str(Path(__file__).with_name("listener.py")), "--port", str(port)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(password + "\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def messages(self) -> list[tuple[float, bytes]]:
        """What it heard, by the monotonic clock; it hears no more."""
        return [(when_s, bytes.fromhex(payload)) for when_s, payload in json.loads(self._process.communicate()[0])]


def _drive(
    roadway: Roadway, crowd: Crowd, asked: argparse.Namespace
) -> tuple[int, dict[int, tuple[float, int]], list[float]]:
    """Send; the number sent, when the CAM that completes each stopper's rule was sent, by how much each tick was late.

    Moments by the monotonic clock, and in UTC.
    """
    locator, clock = Locator(roadway.road), UtcClock()
    n, sent, late_s = len(crowd.links), 0, [0.0]
    after_ms = round(1000 * roadway.settings.vehicles.stationary_after_s)
    stood_ms: dict[int, int] = {}
    completed: dict[int, tuple[float, int]] = {}
    groups = [np.arange(tick, n, TICKS) for tick in range(TICKS)]
    begun_s = time.monotonic()
    ticks = round((asked.warm_up + asked.seconds) / TICK_S)
    for tick in range(ticks):
        due_s = begun_s + tick * TICK_S
        wait_s = due_s - time.monotonic()
        if wait_s > 0.0:
            time.sleep(wait_s)
        if tick * TICK_S > asked.warm_up:
            late_s.append(max(0.0, -wait_s))
        rows, along_s = groups[tick % TICKS], tick * TICK_S
        stands = along_s >= crowd.stop_s[rows]
        measure = crowd.measure_m[rows] + SPEED_MPS * np.minimum(along_s, crowd.stop_s[rows])
        lat, lon = locator.point("increasing", measure)
        now_ms = clock.now_ms()
        cams, start, size = encode_cams(
            station_id=STATION + rows,
            generation_delta_time=its_ms(now_ms) % 65_536,
            latitude_deg=lat,
            longitude_deg=lon,
            heading_deg=_headings(locator, measure),
            speed_mps=np.where(stands, 0.0, SPEED_MPS),
        )
        whole = cams.tobytes()
        for k, i in enumerate(rows.tolist()):
            crowd.links[i].send(crowd.prefixes[i] + whole[start[k] : start[k] + size[k]])
            sent += 1
            if stands[k] and now_ms - stood_ms.setdefault(i, now_ms) >= after_ms and i not in completed:
                completed[i] = (time.monotonic(), clock.now_ms())
    return sent, completed, late_s


def _headings(locator: Locator, measure_m: np.ndarray) -> np.ndarray:
    (lat0, lon0), (lat1, lon1) = locator.point("increasing", measure_m), locator.point("increasing", measure_m + 20.0)
    return np.degrees(np.arctan2((lon1 - lon0) * np.cos(np.radians(lat0)), lat1 - lat0)) % 360.0


def _latencies(
    roadway: Roadway, crowd: Crowd, completed: dict[int, tuple[float, int]], messages: list[tuple[float, bytes]]
) -> tuple[list[tuple[float, float]], int]:
    """First receipt of the warning at each stopper's place and the moment it was decided on; how many came never.

    Both in ms after the CAM that completed the rule was sent; decided is referenceTime, which the platform sets. A
    stopper in a plaza or service area is no hazard and is left out.
    """
    axis = AxisIndex(roadway.road)
    first: dict[float, tuple[float, int]] = {}
    for when_s, payload in messages:
        message = decode(payload) if payload else None
        position = message.position() if message else None
        if message is not None and position is not None:
            at = [np.array([value]) for value in position]
            found = axis.locate(*at, np.array([np.nan]), np.array([0], dtype=np.int8))
            decided_ms = utc_ms(message.value["denm"]["management"]["referenceTime"])
            first.setdefault(round(float(found.measure_m[0])), (when_s, decided_ms))
    places, moments = np.array(sorted(first)), [first[m] for m in sorted(first)]
    latencies, unheard = [], 0
    for i, (when_s, when_ms) in completed.items():
        at_m = crowd.measure_m[i] + SPEED_MPS * crowd.stop_s[i]
        if any(zone.start_m <= at_m < zone.end_m for zone in roadway.quiet_extents):
            continue
        nearest = int(np.argmin(np.abs(places - at_m))) if len(places) else -1
        if nearest < 0 or abs(places[nearest] - at_m) > 50.0:
            unheard += 1
        else:
            heard_s, decided_ms = moments[nearest]
            latencies.append((1000.0 * (heard_s - when_s), float(decided_ms - when_ms)))
    return latencies, unheard


if __name__ == "__main__":
    main()
