"""The broker with its real server: who may say what, what is captured, and what a kill leaves of retained warnings."""

from __future__ import annotations

import json
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from running_broker import PATIENCE_S, RunningBroker, Vehicle
from trassa.live.broker import nats_server
from trassa.live.publisher import NotPublished, Publisher
from trassa.live.streams import open_streams
from trassa.plan.live_settings import LiveSettings

TILE = "cits/out/denm/" + "/".join("12030012301230")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """One broker for tests that do not kill it; its folder has a Cyrillic name with a blank and quotes."""
    running = RunningBroker(tmp_path_factory.mktemp("book") / 'дорога "М-11"')
    yield running
    running.close()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[RunningBroker]:
    """A broker that may be killed."""
    running = RunningBroker(tmp_path)
    yield running
    running.close()


@pytest.fixture
def control(broker: RunningBroker) -> Iterator[Vehicle]:
    """A client that hears everything under cits, drive and trassa."""
    secrets = broker.secrets
    client = broker.vehicle(secrets.platform_user, secrets.platform_password)
    for topic_filter in ("cits/#", "drive/#", "trassa/#"):
        assert client.subscribe(topic_filter)
    yield client
    client.leave()


def test_configuration_is_private_and_valid(broker: RunningBroker) -> None:
    assert stat.S_IMODE(broker.configuration.stat().st_mode) == 0o600
    done = subprocess.run([nats_server(), "-t", "-c", broker.configuration], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_listens_on_loopback_only(broker: RunningBroker) -> None:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    for port in (broker.ports.nats, broker.ports.mqtt):
        places = {row[1] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
        assert places == {f"0100007F:{port:04X}"}


@pytest.mark.parametrize(
    ("login", "password"), [("", ""), ("fleet", "wrong"), ("platform", ""), ("driver", "driver"), ("nobody", "x")]
)
def test_no_door_without_password(broker: RunningBroker, login: str, password: str) -> None:
    client = Vehicle(broker.ports.mqtt, login, password)
    assert "Not authorized" in client.refused
    client.leave()


def test_nats_door_is_closed_to_strangers_and_to_the_fleet(broker: RunningBroker) -> None:
    def answer(**login: str) -> bytes:
        with socket.create_connection(("127.0.0.1", broker.ports.nats), timeout=PATIENCE_S) as link:
            lines = link.makefile("rb")
            assert lines.readline().startswith(b"INFO ")
            link.sendall(b"CONNECT " + json.dumps({"verbose": False, **login}).encode() + b"\r\nPING\r\n")
            return lines.readline().strip()

    secrets = broker.secrets
    assert answer(user=secrets.platform_user, **{"pass": secrets.platform_password}) == b"PONG"
    assert answer() == b"-ERR 'Authorization Violation'"
    assert answer(user=secrets.fleet_login, **{"pass": secrets.fleet_password}) == b"-ERR 'Authorization Violation'"


def test_operators_book_has_no_driver(broker: RunningBroker) -> None:
    assert broker.secrets.driver_user == broker.secrets.driver_password == ""


@pytest.mark.parametrize("kind", ["cam", "denm", "toll"])
def test_fleet_speaks_and_is_captured(broker: RunningBroker, control: Vehicle, kind: str) -> None:
    before, vehicle = broker.captured(), broker.vehicle()
    topic = f"cits/in/{kind}/fleet/car-7"
    assert vehicle.publish(topic, b"\x01\x02", qos=0 if kind == "cam" else 1)
    assert control.hears(topic, b"\x01\x02")
    assert broker.captured() == before + 1
    vehicle.leave()


@pytest.mark.parametrize(
    "topic",
    [
        f"{TILE}/9-1",
        "cits/in/cam/other/car-7",
        "cits/in/toll/fleet2/car-7",
        "cits/in/hello/fleet/car-7",
        "cits/in/cam/fleet",
        "cits/in",
        "drive/step",
        "trassa/frame",
        "trassa/ask/end_event",
        "$JS/API/STREAM/DELETE/CITS_IN",
        "$JS/API/STREAM/PURGE/CITS_IN",
        "$MQTT/msgs/cits/out/denm",
    ],
)
def test_fleet_may_not_say(broker: RunningBroker, control: Vehicle, topic: str) -> None:
    before, vehicle = broker.captured(), broker.vehicle()
    vehicle.publish(topic, b"forged", qos=1)
    assert vehicle.publish("cits/in/denm/fleet/after", topic.encode())  # the same link, later: a marker
    assert control.hears("cits/in/denm/fleet/after", topic.encode())
    assert not [said for said in control.heard if said[1] == b"forged"]
    assert broker.captured() == before + 1
    vehicle.leave()


def test_forged_retained_warning_is_not_kept(broker: RunningBroker) -> None:
    vehicle = broker.vehicle()
    vehicle.publish(f"{TILE}/666-1", b"forged", retain=True)
    with Publisher(broker.ports, broker.secrets) as publisher:
        assert f"{TILE}/666-1" not in publisher.retained("cits/out/#")
    vehicle.leave()


@pytest.mark.parametrize(
    "topic_filter",
    ["#", "+/#", "cits/#", "cits/in/#", "cits/in/cam/+/+", "cits/+/cam/fleet/car-7", "cits/in/cam/fleet/car-7",
     "drive/#", "trassa/#", "$JS/#", "$MQTT/#", "_INBOX/#"],
)  # fmt: skip
def test_fleet_may_not_listen(broker: RunningBroker, topic_filter: str) -> None:
    spy, other = broker.vehicle(), broker.vehicle()
    assert not spy.subscribe(topic_filter)
    assert spy.subscribe("cits/out/#")
    assert other.publish("cits/in/cam/fleet/car-7", b"private", qos=0)
    with Publisher(broker.ports, broker.secrets) as publisher:
        publisher.publish(f"{TILE}/9-2", topic_filter.encode(), retain=False)
    assert spy.hears(f"{TILE}/9-2", topic_filter.encode())
    assert {topic for topic, _, _ in spy.heard} == {f"{TILE}/9-2"}
    for client in (spy, other):
        client.leave()


def test_fleet_hears_its_tile_and_the_tiles_below(broker: RunningBroker) -> None:
    here, wide, there = (broker.vehicle() for _ in range(3))
    assert here.subscribe(f"{TILE}/#")
    assert wide.subscribe("cits/out/denm/1/2/0/#")
    assert there.subscribe("cits/out/denm/0/#")
    with Publisher(broker.ports, broker.secrets) as publisher:
        publisher.publish(f"{TILE}/9-3", b"warning", retain=False)
        publisher.publish("cits/out/denm/0/1/9-4", b"end", retain=False)
    assert here.hears(f"{TILE}/9-3", b"warning")
    assert wide.hears(f"{TILE}/9-3", b"warning")
    assert there.hears("cits/out/denm/0/1/9-4", b"end")
    assert {topic for topic, _, _ in there.heard} == {"cits/out/denm/0/1/9-4"}
    for client in (here, wide, there):
        client.leave()


def test_driver_of_a_drive_steps_its_clock_and_warns_nobody(tmp_path: Path) -> None:
    broker = RunningBroker(tmp_path, "drive")
    try:
        secrets = broker.secrets
        driver = broker.vehicle(secrets.driver_user, secrets.driver_password)
        control = broker.vehicle(secrets.platform_user, secrets.platform_password)
        assert control.subscribe("#")
        assert driver.subscribe("drive/#")
        assert driver.subscribe("cits/out/#")
        assert not driver.subscribe("trassa/#")
        driver.publish(f"{TILE}/9-9", b"forged")
        assert driver.publish("drive/step", b"{}")
        assert control.hears("drive/step", b"{}")
        assert not [said for said in control.heard if said[1] == b"forged"]
        for client in (driver, control):
            client.leave()
    finally:
        broker.close()


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto_pub is not installed")
def test_another_make_of_client_joins(broker: RunningBroker, control: Vehicle) -> None:
    words = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.ports.mqtt), "-V", "mqttv311", "-q", "1"]
    login = ["-u", broker.secrets.fleet_login, "-P", broker.secrets.fleet_password]
    subprocess.run([*words, *login, "-t", "cits/in/denm/fleet/mosquito", "-m", "bzz"], check=True, timeout=30)
    assert control.hears("cits/in/denm/fleet/mosquito", b"bzz")


def test_stream_follows_the_settings(tmp_path: Path) -> None:
    broker = RunningBroker(tmp_path)
    try:
        smaller = LiveSettings(mqtt_port=0, port=0, raw_hours=3, max_stream_mb=64)

        async def reopen(client: Any) -> Any:
            await open_streams(client, smaller)
            return (await client.jetstream().stream_info("CITS_IN")).config

        config = broker.with_client(reopen)
        assert (config.max_age, config.max_bytes, config.subjects) == (3 * 3600, 64 << 20, ["cits.in.cam.>"])
        assert (str(config.storage), str(config.discard)) == ("file", "old")
    finally:
        broker.close()


def test_accepted_outlives_a_kill_until_acknowledged(mortal: RunningBroker) -> None:
    vehicle = mortal.vehicle()
    for number in range(20):
        assert vehicle.publish("cits/in/denm/fleet/car", str(number).encode())
    vehicle.leave()

    async def take(client: Any, wanted: int, acknowledged: bool) -> list[bytes]:
        desk = await client.jetstream().pull_subscribe("cits.in.denm.>", durable="denm", stream="CITS_KEPT")
        taken: list[bytes] = []
        while len(set(taken)) < wanted and b"19" not in taken:
            for message in await desk.fetch(wanted, timeout=PATIENCE_S):
                taken.append(message.data)
                if acknowledged:
                    await message.ack_sync()
        return taken

    first = mortal.with_client(lambda client: take(client, 10, True))
    mortal.kill()
    assert mortal.captured() == 20
    rest = mortal.with_client(lambda client: take(client, 20, False))
    # a kill may forget the last acknowledgements, confirmed or not: then a message comes twice, never not at all
    assert set(first) | set(rest) == {str(number).encode() for number in range(20)}
    assert {str(number).encode() for number in range(10, 20)} <= set(rest)


def test_ended_event_does_not_rise_from_the_dead(mortal: RunningBroker) -> None:
    topics = [f"{TILE}/9-{number}" for number in range(5)]
    with Publisher(mortal.ports, mortal.secrets) as publisher:
        publisher.publish_all([(topic, b"event", True) for topic in topics])
        assert publisher.retained("cits/out/#") == dict.fromkeys(topics, b"event")
        for topic in topics[:4]:
            publisher.publish(topic, b"termination", retain=True)
            publisher.publish(topic, b"", retain=True)
        assert publisher.retained("cits/out/#") == {topics[4]: b"event"}
        mortal.kill()
        left = publisher.retained("cits/out/#")
    assert left.pop(topics[4]) == b"event"
    assert set(left.values()) <= {b"termination"}


def test_vehicle_that_was_away_gets_what_it_missed_for_a_bounded_time(mortal: RunningBroker) -> None:
    async def oldest_s(client: Any) -> float:
        return float((await client.jetstream().stream_info("$MQTT_msgs")).config.max_age)

    away = mortal.vehicle(session="car-7")
    assert away.subscribe(f"{TILE}/#")
    away.leave()
    with Publisher(mortal.ports, mortal.secrets) as publisher:
        publisher.publish(f"{TILE}/6-1", b"missed", retain=False)
        mortal.kill()
        back = mortal.vehicle(session="car-7")
        assert back.hears(f"{TILE}/6-1", b"missed")
        publisher.publish(f"{TILE}/6-2", b"now", retain=False)
        assert back.hears(f"{TILE}/6-2", b"now")
        back.leave()
    assert mortal.with_client(oldest_s) == 600.0


def test_late_joiner_gets_the_retained_and_nobody_an_old_one(broker: RunningBroker) -> None:
    with Publisher(broker.ports, broker.secrets) as publisher:
        publisher.publish(f"{TILE}/8-1", b"first", retain=True)
        publisher.publish(f"{TILE}/8-1", b"second", retain=True)
        publisher.publish(f"{TILE}/8-2", b"other", retain=True)
        late = broker.vehicle()
        assert late.subscribe(f"{TILE}/#")
        assert late.hears(f"{TILE}/8-1", b"second")
        assert late.hears(f"{TILE}/8-2", b"other")
        assert (f"{TILE}/8-1", b"first", True) not in late.heard
        for topic in (f"{TILE}/8-1", f"{TILE}/8-2"):
            publisher.publish(topic, b"", retain=True)
        late.leave()


def test_publisher_waits_for_the_receipt_and_comes_back(mortal: RunningBroker) -> None:
    with Publisher(mortal.ports, mortal.secrets) as publisher:
        publisher.publish(f"{TILE}/7-1", b"before", retain=True)
        mortal.kill()
        publisher.publish(f"{TILE}/7-2", b"after", retain=True)
        assert publisher.retained("cits/out/#") == {f"{TILE}/7-1": b"before", f"{TILE}/7-2": b"after"}


def test_publisher_says_when_there_is_no_receipt(tmp_path: Path) -> None:
    broker = RunningBroker(tmp_path)
    with Publisher(broker.ports, broker.secrets, timeout_s=0.2) as publisher:
        broker.close()
        with pytest.raises(NotPublished, match=r"1 of 1 messages have no receipt after 0\.2 s"):
            publisher.publish(f"{TILE}/7-3", b"lost", retain=True)
        with pytest.raises(NotPublished, match="no MQTT answer"):
            publisher.retained("cits/out/#")
