"""The raw reader against a real broker: MQTT in, a broker that is killed, a PING that must be answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from running_broker import PATIENCE_S, RunningBroker
from trassa.errors import InputError
from trassa.live.raw_reader import RawReader
from trassa.vehicles.cam_columns import decode_cams, encode_cams

CAMS = "cits.in.cam.>"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    running = RunningBroker(tmp_path)
    yield running
    running.close()


def reader_of(broker: RunningBroker, *subjects: str) -> RawReader:
    secrets = broker.secrets
    reader = RawReader(broker.ports.nats, secrets.platform_user, secrets.platform_password, subjects or (CAMS,))
    reader.connect()
    return reader


def heard(reader: RawReader, count: int) -> list[tuple[int, str, bytes]]:
    """Messages until there are so many, or nothing comes for long."""
    got: list[tuple[int, str, bytes]] = []
    until_s = time.monotonic() + PATIENCE_S
    while len(got) < count and time.monotonic() < until_s:
        batch = reader.read(0.05)
        got += [(int(batch.subscription[i]), batch.subject(i), batch.payload(i)) for i in range(len(batch))]
    return got


def a_cam() -> bytes:
    buffer, _, size = encode_cams(station_id=7, generation_delta_time=1, latitude_deg=55.9, longitude_deg=37.4)
    return buffer[: size[0]].tobytes()


@pytest.mark.parametrize("qos", [0, 1])
def test_a_cam_from_mqtt_arrives_without_headers(broker: RunningBroker, qos: int) -> None:
    reader, vehicle = reader_of(broker), broker.vehicle()
    for number in range(50):
        assert vehicle.publish(f"cits/in/cam/fleet/v{number}", a_cam(), qos=qos)
    got = heard(reader, 50)
    assert [subject for _, subject, _ in got] == [f"cits.in.cam.fleet.v{number}" for number in range(50)]
    assert {payload for _, _, payload in got} == {a_cam()}
    vehicle.leave()
    reader.close()


def test_bytes_of_a_batch_are_decoded_where_they_lie(broker: RunningBroker) -> None:
    reader, vehicle = reader_of(broker), broker.vehicle()
    for _ in range(3):
        vehicle.publish("cits/in/cam/fleet/v", a_cam(), qos=1)
    read = 0
    while read < 3:
        batch = reader.read(1.0)
        columns = decode_cams(batch.buffer, batch.start, batch.size)
        assert (columns.station_id == 7).all()
        assert np.allclose(columns.latitude_deg, 55.9)
        read += len(columns)
    vehicle.leave()
    reader.close()


def test_it_comes_back_after_the_broker_was_killed(broker: RunningBroker) -> None:
    reader = reader_of(broker)
    broker.kill()
    until_s = time.monotonic() + PATIENCE_S
    while not reader.reconnects and time.monotonic() < until_s:
        assert len(reader.read(0.05)) == 0
    vehicle = broker.vehicle()
    assert vehicle.publish("cits/in/cam/fleet/v", a_cam())
    assert [payload for _, _, payload in heard(reader, 1)] == [a_cam()]
    vehicle.leave()
    reader.close()


def test_a_question_is_answered_on_the_same_link(broker: RunningBroker) -> None:
    reader = reader_of(broker, CAMS, "trassa.ask.>")

    async def ask(client: object) -> bytes:
        import asyncio

        def answer() -> None:
            until_s = time.monotonic() + PATIENCE_S
            while time.monotonic() < until_s:
                batch = reader.read(0.05)
                for i in range(len(batch)):
                    assert batch.subscription[i] == 1
                    reader.publish(batch.reply(i), b"pong:" + batch.payload(i))
                    return

        working = asyncio.create_task(asyncio.to_thread(answer))
        said = await client.request("trassa.ask.where", b"ping", timeout=PATIENCE_S)  # type: ignore[attr-defined]
        await working
        return bytes(said.data)

    assert broker.with_client(ask) == b"pong:ping"
    reader.close()


def test_a_refused_password_is_said(broker: RunningBroker) -> None:
    with pytest.raises(InputError, match="Authorization"):
        RawReader(broker.ports.nats, "platform", "wrong", [CAMS]).connect()


def test_pings_are_answered(broker: RunningBroker) -> None:
    """The server itself counts: it measures the round trip of its own PING only where a PONG came back."""
    import json
    import socket

    configuration = json.loads(broker.configuration.read_text())
    configuration |= {"ping_interval": "100ms", "ping_max": 2}
    broker.configuration.write_text(json.dumps(configuration))
    broker.kill()
    reader = reader_of(broker)
    until_s = time.monotonic() + 1.5  # five times what a silent reader lives
    while time.monotonic() < until_s:
        reader.read(0.05)
    assert reader.is_connected
    assert reader.reconnects == 0
    assert reader.last_error == ""
    silent = reader_of(broker)
    time.sleep(1.5)
    assert isinstance(silent._socket, socket.socket)
    silent.read(0.05)
    silent.read(0.05)
    assert not silent.is_connected  # so the test can fail
    reader.close()
