"""The two streams of what vehicles sent: a flood, a kill after a clearing, a book from before there were two."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from running_broker import PATIENCE_S, RunningBroker
from trassa.live.inbox import Delivery, Inbox
from trassa.live.streams import fill_of, let_go, open_streams
from trassa.plan.live_settings import LiveSettings

MEGABYTE = 1 << 20


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    settings = LiveSettings(mqtt_port=0, port=0, max_stream_mb=64, max_kept_mb=16)
    running = RunningBroker(tmp_path, settings=settings)
    yield running
    running.close()


@pytest.fixture
def inbox(broker: RunningBroker) -> Iterator[Inbox]:
    """Not open: the worker is down until the test opens it."""
    made = Inbox(broker.ports, broker.secrets)
    yield made
    made.close()


def until(reached: Callable[[], Any]) -> bool:
    until_s = time.monotonic() + PATIENCE_S
    while not (found := reached()) and time.monotonic() < until_s:
        time.sleep(0.01)
    return bool(found)


def taken(inbox: Inbox, kind: str, count: int) -> list[Delivery]:
    got: list[Delivery] = []
    assert until(lambda: got.extend(inbox.take(kind)) or len(got) >= count)  # type: ignore[func-returns-value]
    return got


def flood(broker: RunningBroker, subject: str, megabytes: int) -> None:
    async def send(client: Any) -> None:
        for _ in range(megabytes):
            await client.publish(subject, bytes(MEGABYTE - 1024))
            await client.flush(timeout=PATIENCE_S)

    broker.with_client(send)


def stream(broker: RunningBroker, name: str) -> Any:
    async def ask(client: Any) -> Any:
        return await client.jetstream().stream_info(name)

    return broker.with_client(ask)


def test_a_flood_of_cams_evicts_no_fix_and_no_report(broker: RunningBroker, inbox: Inbox) -> None:
    vehicle = broker.vehicle()
    for number in range(50):
        assert vehicle.publish("cits/in/toll/fleet/v", b"fix %d" % number)
        assert vehicle.publish("cits/in/denm/fleet/v", b"report %d" % number)
    vehicle.leave()
    flood(broker, "cits.in.cam.fleet.v", 70)
    assert until(
        lambda: stream(broker, "CITS_IN").state.last_seq == 70
    )  # a flush waits for the server, not for the disk
    assert stream(broker, "CITS_IN").state.first_seq > 1  # the ring is full: CAMs were evicted
    inbox.open()
    assert [d.payload for d in taken(inbox, "toll", 50)] == [b"fix %d" % n for n in range(50)]
    assert [d.payload for d in taken(inbox, "denm", 50)] == [b"report %d" % n for n in range(50)]
    assert until(lambda: inbox.last_sequence == 170)


def test_a_full_stream_of_fixes_loses_the_oldest_by_number(broker: RunningBroker, inbox: Inbox) -> None:
    flood(broker, "cits.in.toll.fleet.v", 12)
    assert until(lambda: broker.with_client(fill_of).taken == 12)  # what is sent is stored a moment later
    filled = broker.with_client(fill_of)
    assert filled.waiting == 12
    assert 70.0 < filled.full_percent < 80.0
    flood(broker, "cits.in.toll.fleet.v", 8)
    inbox.open()
    left: list[int] = []
    assert until(lambda: left.extend(d.sequence for d in inbox.take("toll")) or 20 in left)  # type: ignore[func-returns-value]
    assert left == list(range(21 - len(left), 21))  # the newest, without a gap
    assert len(left) < 20
    assert until(lambda: inbox.last_sequence == 20)  # so accepted - processed says how many are gone


def test_what_was_acknowledged_goes_and_the_numbering_outlives_a_kill(broker: RunningBroker, inbox: Inbox) -> None:
    vehicle = broker.vehicle()
    for number in range(10):
        assert vehicle.publish("cits/in/toll/fleet/v", b"%d" % number)
    vehicle.leave()
    inbox.open()
    got = taken(inbox, "toll", 10)
    inbox.acknowledge(got[:4])
    assert until(lambda: broker.with_client(fill_of).waiting == 6)
    broker.with_client(let_go)
    assert stream(broker, "CITS_KEPT").state.messages == 6
    inbox.acknowledge(got[4:])
    assert until(lambda: broker.with_client(fill_of).waiting == 0)
    broker.with_client(let_go)
    assert stream(broker, "CITS_KEPT").state.messages == 1
    broker.kill()
    assert stream(broker, "CITS_KEPT").state.last_seq == 10
    vehicle = broker.vehicle()
    assert vehicle.publish("cits/in/toll/fleet/v", b"next")
    # a kill may forget acknowledgements: the last may come again, the next comes
    assert until(lambda: any(d.payload == b"next" and d.sequence == 11 for d in inbox.take("toll")))
    vehicle.leave()


def test_a_book_with_one_stream_for_all_is_moved_and_counted_once(broker: RunningBroker, inbox: Inbox) -> None:
    async def as_before(client: Any) -> None:
        from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

        manager = client.jetstream()
        for name in ("CITS_IN", "CITS_KEPT"):
            await manager.delete_stream(name)
        await manager.add_stream(StreamConfig(name="CITS_IN", subjects=["cits.in.>"]))
        for kind in ("denm", "toll"):
            consumer = ConsumerConfig(
                durable_name=kind, filter_subject=f"cits.in.{kind}.>", ack_policy=AckPolicy.EXPLICIT
            )
            await manager.add_consumer("CITS_IN", consumer)

    async def deal_with(client: Any, count: int) -> None:
        pull = await client.jetstream().pull_subscribe("cits.in.toll.>", durable="toll", stream="CITS_IN")
        for message in await pull.fetch(count, timeout=PATIENCE_S):
            await message.ack_sync()

    broker.with_client(as_before)
    vehicle = broker.vehicle()
    for number in range(5):
        for kind in ("cam", "toll", "denm"):
            assert vehicle.publish(f"cits/in/{kind}/fleet/v", b"%d" % number)
    broker.with_client(lambda client: deal_with(client, 2))
    for _ in range(2):  # every later start finds nothing to move
        broker.with_client(lambda client: open_streams(client, broker.settings))
    assert stream(broker, "CITS_IN").config.subjects == ["cits.in.cam.>"]
    assert vehicle.publish("cits/in/toll/fleet/v", b"5")
    vehicle.leave()
    inbox.open()
    assert [d.payload for d in taken(inbox, "toll", 4)] == [b"2", b"3", b"4", b"5"]
    assert [d.payload for d in taken(inbox, "denm", 5)] == [b"%d" % n for n in range(5)]
    assert until(lambda: inbox.last_sequence == 16)
