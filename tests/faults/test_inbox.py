"""The inbox against a real broker: what is not acknowledged comes again, what is does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from running_broker import PATIENCE_S, RunningBroker
from trassa.live.inbox import Delivery, Inbox
from trassa.live.streams import open_streams


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    running = RunningBroker(tmp_path)
    yield running
    running.close()


def opened(broker: RunningBroker) -> Inbox:
    inbox = Inbox(broker.ports, broker.secrets)
    inbox.open()
    return inbox


def until(reached: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + PATIENCE_S
    while not reached() and time.monotonic() < until_s:
        time.sleep(0.01)
    return reached()


def taken(inbox: Inbox, kind: str, count: int) -> list[Delivery]:
    got: list[Delivery] = []
    until(lambda: got.extend(inbox.take(kind)) or len(got) >= count)  # type: ignore[func-returns-value]
    return got


def test_each_kind_has_its_queue_and_cams_have_none(broker: RunningBroker) -> None:
    inbox, vehicle = opened(broker), broker.vehicle()
    for number in range(1200):  # more than one pull
        vehicle.publish(f"cits/in/{'denm' if number % 3 == 0 else 'toll'}/fleet/v", b"%d" % number, qos=0)
    vehicle.publish("cits/in/cam/fleet/v", b"cam", qos=1)
    assert [d.payload for d in taken(inbox, "denm", 400)] == [b"%d" % n for n in range(0, 1200, 3)]
    tolls = taken(inbox, "toll", 800)
    assert [d.payload for d in tolls] == [b"%d" % n for n in range(1200) if n % 3]
    assert {d.subject for d in tolls} == {"cits.in.toll.fleet.v"}
    assert inbox.received == {"denm": 400, "toll": 800}
    assert until(lambda: inbox.last_sequence == 1201)
    vehicle.leave()
    inbox.close()


def test_only_what_was_acknowledged_is_done(broker: RunningBroker) -> None:
    first, vehicle = opened(broker), broker.vehicle()
    for number in range(4):
        vehicle.publish("cits/in/toll/fleet/v", b"%d" % number)
    got = taken(first, "toll", 4)
    first.acknowledge(got[:2])
    first.close()

    async def unacknowledged(client: object) -> int:
        info = await client.jetstream().consumer_info("CITS_KEPT", "toll")  # type: ignore[attr-defined]
        return int(info.num_ack_pending)

    assert until(lambda: broker.with_client(unacknowledged) == 2)
    vehicle.leave()


def test_the_next_gets_in_order_what_was_not_acknowledged_and_then_the_rest(broker: RunningBroker) -> None:
    first, vehicle = opened(broker), broker.vehicle()
    for number in range(4):
        vehicle.publish("cits/in/toll/fleet/v", b"%d" % number)
    got = taken(first, "toll", 4)
    first.acknowledge([got[0], got[2]])
    first.close()
    vehicle.publish("cits/in/toll/fleet/v", b"4")
    second = opened(broker)
    rest = taken(second, "toll", 4)
    assert [d.payload for d in rest] == [b"1", b"2", b"3", b"4"]
    assert [d.again for d in rest] == [True, True, True, False]
    assert second.received == {"toll": 1}
    second.acknowledge(rest)
    broker.kill()  # a stream opened anew keeps the consumer as it was begun again
    broker.with_client(lambda client: open_streams(client, broker.settings))
    vehicle.leave()
    vehicle = broker.vehicle()
    vehicle.publish("cits/in/toll/fleet/v", b"5")
    more: list[bytes] = []
    assert until(lambda: more.extend(d.payload for d in second.take("toll")) or b"5" in more)  # type: ignore[func-returns-value]
    assert more == sorted(more)  # a kill may forget acknowledgements, never the order
    vehicle.leave()
    second.close()


def test_what_is_given_back_is_taken_first(broker: RunningBroker) -> None:
    inbox, vehicle = opened(broker), broker.vehicle()
    for number in range(3):
        vehicle.publish("cits/in/toll/fleet/v", b"%d" % number)
    got = taken(inbox, "toll", 3)
    inbox.give_back("toll", got[1:])
    assert [d.payload for d in inbox.take("toll")] == [b"1", b"2"]
    vehicle.leave()
    inbox.close()


def test_it_goes_on_after_the_broker_was_killed(broker: RunningBroker) -> None:
    inbox = opened(broker)
    broker.kill()
    vehicle = broker.vehicle()
    assert vehicle.publish("cits/in/denm/fleet/v", b"after")
    assert [d.payload for d in taken(inbox, "denm", 1)] == [b"after"]
    vehicle.leave()
    inbox.close()
