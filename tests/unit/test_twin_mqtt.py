"""MQTT 3.1.1 framing, by the layouts and the examples of the OASIS standard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.twin import mqtt_packet as wire
from trassa.twin.deliveries import EMPTY, OBSERVER, Deliveries

# remaining lengths at the borders of one, two, three and four bytes (standard, table 2.4)
LENGTHS = [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (16_384, "808001"), (2_097_151, "ffff7f")]


@pytest.mark.parametrize(("size", "digits"), LENGTHS)
def test_remaining_length_as_the_standard_tables_it(size: int, digits: str) -> None:
    if size >= 2:
        packet = wire.publish(wire.publish_head(""), bytes(size - 2))
        assert packet[1 : 1 + len(digits) // 2].hex() == digits
        assert len(packet) == 1 + len(digits) // 2 + size


def test_packets_byte_for_byte() -> None:
    # the standard's figures 3.2-3.6 (CONNECT), 3.10 (PUBLISH a/b), 3.22 (SUBSCRIBE), 3.29 (UNSUBSCRIBE)
    assert wire.connect("c", "u", "p", 10).hex() == "101300044d51545404c2000a000163000175000170"
    assert wire.connect("c", "", "", 0).hex() == "100d00044d5154540402000000" + "0163"
    assert wire.publish(wire.publish_head("a/b"), b"", qos=1, packet_id=10).hex() == "32070003612f62000a"
    assert wire.subscribe(10, ["a/b"], 1).hex() == "8208000a0003612f6201"
    assert wire.unsubscribe(10, ["a/b", "c/d"]).hex() == "a20c000a0003612f620003632f64"
    assert wire.ping().hex() == "c000"
    assert wire.disconnect().hex() == "e000"
    assert wire.puback(10).hex() == "4002000a"


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=20), st.binary(max_size=300), st.sampled_from([0, 1])), max_size=6),
    st.data(),
)
def test_messages_survive_any_cutting_of_the_stream(
    messages: list[tuple[str, bytes, int]], data: st.DataObject
) -> None:
    sent = [(topic, payload, qos) for topic, payload, qos in messages if _is_utf8(topic)]
    stream = b"".join(
        wire.publish(wire.publish_head(topic), payload, qos=qos, packet_id=7 if qos else 0)
        for topic, payload, qos in sent
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    buffer, found = bytearray(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        buffer += stream[begin:end]
        found += [wire.delivery_of(packet) for packet in wire.packets(buffer)]
    assert not buffer
    assert [(d.topic, d.payload, d.qos) for d in found] == sent


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize("broken", ["3000", "300100", "32040003612f"])
def test_broken_publishes_are_refused(broken: str) -> None:
    (packet,) = wire.packets(bytearray.fromhex(broken))
    with pytest.raises(wire.BrokenPacket):
        wire.delivery_of(packet)


def test_a_length_that_never_ends_is_refused() -> None:
    with pytest.raises(wire.BrokenPacket):
        wire.packets(bytearray.fromhex("30ffffffffff"))


def _topic(tile: str, event: str) -> str:
    return f"cits/out/denm/{'/'.join(tile)}/{event}"


def test_what_is_published_is_owed_to_the_tile_and_to_the_observer() -> None:
    deliveries = Deliveries()
    here, there = "12031203120312", "12031203120313"
    deliveries.subscribe(1, here)
    deliveries.subscribe(2, there)
    digest = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"  # SHA-256 of "0"
    deliveries.arrive(1, _topic(here, "7-1"), b"0")  # deliveries may come before the platform's list of them
    deliveries.publish(_topic(here, "7-1"), digest, True)
    assert deliveries.missing() == [(OBSERVER, _topic(here, "7-1"))]
    deliveries.arrive(OBSERVER, _topic(here, "7-1"), b"0")
    assert deliveries.complete
    assert deliveries.surplus == 0
    deliveries.subscribe(2, here)  # what is retained is owed to who comes later
    assert deliveries.missing() == [(2, _topic(here, "7-1"))]
    deliveries.write_off(2)
    assert deliveries.complete
    deliveries.publish(_topic(here, "7-1"), EMPTY, True)
    deliveries.give_up()
    deliveries.subscribe(3, here)  # and nothing is once it was cleared
    assert deliveries.complete
