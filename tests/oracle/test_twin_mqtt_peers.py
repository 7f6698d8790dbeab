"""The twin's MQTT client with a broker and a client that nobody here wrote."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from trassa.live.broker import nats_server
from trassa.twin.mqtt import Hub, LinkLost
from trassa.twin.mqtt_packet import Delivery, publish_head

LOGIN, PASSWORD = "somebody", "a secret"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def mqtt_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, nats_port, port = tmp_path_factory.mktemp("broker"), _free_port(), _free_port()
    (folder / "nats.conf").write_text(
        f'server_name: t\nlisten: "127.0.0.1:{nats_port}"\njetstream {{ store_dir: "{folder}" }}\n'
        f'mqtt {{ listen: "127.0.0.1:{port}" }}\nauthorization {{ user: "{LOGIN}", password: "{PASSWORD}" }}\n'
    )
    server = subprocess.Popen([str(nats_server()), "-c", str(folder / "nats.conf")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


def test_both_ways_with_paho(mqtt_port: int) -> None:
    heard: list[tuple[str, bytes]] = []
    subscribed, all_there = threading.Event(), threading.Event()
    peer = Client(CallbackAPIVersion.VERSION2, "peer")
    peer.username_pw_set(LOGIN, PASSWORD)
    peer.on_connect = lambda *_: peer.subscribe("up/#", 1)
    peer.on_subscribe = lambda *_: subscribed.set()

    def hear(_client: object, _data: object, message: object) -> None:
        heard.append((message.topic, message.payload))
        if len(heard) == 201:
            all_there.set()

    peer.on_message = hear
    peer.connect("127.0.0.1", mqtt_port)
    peer.loop_start()
    got: list[tuple[str, Delivery]] = []
    hub = Hub(mqtt_port, lambda link, delivery: got.append((link.name, delivery)))
    try:
        assert subscribed.wait(10)
        links = [hub.open(f"v{number}", LOGIN, PASSWORD) for number in range(20)]
        hub.settle(links)
        hub.subscribe(links[3], ["down/#"])
        hub.settle(links)
        for number in range(200):
            hub.publish(links[number % 20], publish_head(f"up/{number}"), bytes([number]) * 200)
        hub.publish(links[0], publish_head("up/км"), b"receipt", qos=1)
        hub.settle(links)
        assert all_there.wait(10)
        assert sorted(heard) == sorted(
            [(f"up/{number}", bytes([number]) * 200) for number in range(200)] + [("up/км", b"receipt")]
        )
        peer.publish("down/a", b"1", qos=1, retain=True).wait_for_publish(10)
        hub.wait(lambda: len(got) == 1, "a delivery")
        assert (got[0][0], got[0][1].payload, got[0][1].retained) == ("v3", b"1", False)
        hub.subscribe(links[4], ["down/a"])
        hub.wait(lambda: len(got) == 2, "the retained message")
        assert (got[1][0], got[1][1].retained) == ("v4", True)
        hub.unsubscribe(links[4], ["down/a"])
        hub.ping(links[4])
        hub.wait(lambda: hub.pings_answered == 1 and not links[4].unanswered, "the ping")
        peer.publish("down/a", b"", qos=1, retain=True).wait_for_publish(10)
        hub.wait(lambda: len(got) == 3, "the empty message")
        assert (got[2][0], got[2][1].payload) == ("v3", b"")
    finally:
        hub.close_all()
        peer.disconnect()
        peer.loop_stop()


def test_a_wrong_password_is_said(mqtt_port: int) -> None:
    hub = Hub(mqtt_port, lambda _link, _delivery: None)
    try:
        link = hub.open("stranger", LOGIN, "wrong")
        with pytest.raises(LinkLost, match="stranger"):
            hub.settle([link])
    finally:
        hub.close_all()
