"""MQTT 3.1.1 packets as bytes: what a vehicle's client sends, and how received bytes fall into packets.

Packet layouts after the OASIS standard "MQTT Version 3.1.1", chapters 2 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "CONNACK",
    "PINGRESP",
    "PUBACK",
    "PUBLISH",
    "SUBACK",
    "UNSUBACK",
    "BrokenPacket",
    "Delivery",
    "Packet",
    "connect",
    "delivery_of",
    "disconnect",
    "packets",
    "ping",
    "puback",
    "publish",
    "publish_head",
    "subscribe",
    "unsubscribe",
]

CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP = 2, 3, 4, 9, 11, 13
_LONGEST = 268_435_455


class BrokenPacket(ValueError):
    """Received bytes that are no MQTT packet."""


@dataclass(frozen=True)
class Packet:
    """One received packet: type and flags of its first byte, and what follows the length."""

    type: int
    flags: int
    body: bytes

    @property
    def packet_id(self) -> int:
        """The packet identifier of an acknowledgement."""
        return int.from_bytes(self.body[:2], "big")


@dataclass(frozen=True)
class Delivery:
    """A message that the server delivered."""

    topic: str
    payload: bytes
    qos: int
    retained: bool
    packet_id: int


def connect(client_id: str, login: str, password: str, keep_alive_s: int = 60) -> bytes:
    """CONNECT with a clean session; no credentials where the login is empty."""
    flags = 0x02 | (0xC0 if login else 0)
    fields = _text(client_id) + (_text(login) + _text(password) if login else b"")
    return _framed(0x10, _text("MQTT") + bytes((4, flags)) + keep_alive_s.to_bytes(2, "big") + fields)


def publish_head(topic: str) -> bytes:
    """The topic field of a PUBLISH, encoded once for a topic that is used often."""
    return _text(topic)


def publish(head: bytes, payload: bytes, *, qos: int = 0, packet_id: int = 0, retain: bool = False) -> bytes:
    """PUBLISH; ``head`` is from :func:`publish_head`, ``packet_id`` is needed above QoS 0."""
    size = len(head) + len(payload) + (2 if qos else 0)
    first = 0x30 | qos << 1 | retain
    if size < 128 and not qos:  # the CAM's way: no detour
        return b"%c%c%b%b" % (first, size, head, payload)
    identifier = packet_id.to_bytes(2, "big") if qos else b""
    return bytes((first,)) + _length(size) + head + identifier + payload


def puback(packet_id: int) -> bytes:
    """PUBACK of a delivery of QoS 1."""
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def subscribe(packet_id: int, filters: Sequence[str], qos: int = 0) -> bytes:
    """SUBSCRIBE to topic filters."""
    asked = b"".join(_text(topic) + bytes((qos,)) for topic in filters)
    return _framed(0x82, packet_id.to_bytes(2, "big") + asked)


def unsubscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """UNSUBSCRIBE from topic filters."""
    return _framed(0xA2, packet_id.to_bytes(2, "big") + b"".join(_text(topic) for topic in filters))


def ping() -> bytes:
    """PINGREQ."""
    return b"\xc0\x00"


def disconnect() -> bytes:
    """DISCONNECT."""
    return b"\xe0\x00"


def packets(buffer: bytearray) -> list[Packet]:
    """Take every whole packet off the front of the buffer; an unfinished one stays."""
    found, start = [], 0
    while len(buffer) - start >= 2:
        size, at = _read_length(buffer, start + 1)
        if size < 0 or len(buffer) < at + size:
            break
        found.append(Packet(buffer[start] >> 4, buffer[start] & 15, bytes(buffer[at : at + size])))
        start = at + size
    if start:
        del buffer[:start]
    return found


def delivery_of(packet: Packet) -> Delivery:
    """The message inside a PUBLISH."""
    body, qos = packet.body, packet.flags >> 1 & 3
    if len(body) < 2:
        raise BrokenPacket(f"mqtt: a PUBLISH of {len(body)} bytes")
    at = 2 + int.from_bytes(body[:2], "big")
    after = at + (2 if qos else 0)
    if len(body) < after:
        raise BrokenPacket(f"mqtt: a PUBLISH whose topic ends beyond its {len(body)} bytes")
    identifier = int.from_bytes(body[at:after], "big")
    return Delivery(body[2:at].decode("utf-8"), body[after:], qos, bool(packet.flags & 1), identifier)


def _text(text: str) -> bytes:
    raw = text.encode("utf-8")
    return len(raw).to_bytes(2, "big") + raw


def _framed(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _length(len(body)) + body


def _length(size: int) -> bytes:
    """The remaining length, seven bits a byte, lowest first."""
    if size > _LONGEST:
        raise BrokenPacket(f"mqtt: {size} bytes are more than a packet holds")
    digits = bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (128 if size else 0))
        if not size:
            return bytes(digits)


def _read_length(buffer: bytearray, at: int) -> tuple[int, int]:
    """The remaining length at a place and the place behind it; -1 while bytes of it are missing."""
    size = 0
    for place in range(4):
        if at + place >= len(buffer):
            return -1, at
        byte = buffer[at + place]
        size |= (byte & 127) << 7 * place
        if byte < 128:
            return size, at + place + 1
    raise BrokenPacket("mqtt: a length of more than four bytes")
