"""Many MQTT 3.1.1 clients in one thread: a connection each, one selector for all.

A hub never blocks on one link: bytes that a socket does not take wait in the link's buffer. Waiting is always for a
condition and always ends: with the condition, or with :class:`NotInTime`.
"""

from __future__ import annotations

import resource
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from trassa.errors import TrassaError
from trassa.twin import mqtt_packet as wire
from trassa.twin.mqtt_packet import Delivery

__all__ = ["Hub", "Link", "LinkLost", "NotInTime"]

_CHUNK = 65_536
_PATIENCE_S = 10.0
_SOCKETS = 65_536


class NotInTime(TrassaError):
    """The broker did not do something in time."""


class LinkLost(TrassaError):
    """The broker closed or refused a connection."""


@dataclass(eq=False)
class Link:
    """One client's connection. ``unanswered`` holds packet identifiers whose acknowledgement is awaited."""

    name: str
    socket: socket.socket
    accepted: bool = False
    lost: str = ""
    unanswered: set[int] = field(default_factory=set)
    refused_filters: int = 0
    _inbox: bytearray = field(default_factory=bytearray)
    _outbox: bytearray = field(default_factory=bytearray)
    _packet_id: int = 0

    def next_packet_id(self) -> int:
        """A packet identifier not in use, 1 to 65 535."""
        self._packet_id = self._packet_id % 65_535 + 1
        self.unanswered.add(self._packet_id)
        return self._packet_id


class Hub:
    """All links of a program. ``on_delivery(link, delivery)`` is called from :meth:`poll`."""

    def __init__(self, port: int, on_delivery: Callable[[Link, Delivery], None], host: str = "127.0.0.1") -> None:
        _allow_sockets()
        self._address = (host, port)
        self._on_delivery = on_delivery
        self._selector = selectors.DefaultSelector()
        self.links: set[Link] = set()
        self.pings_answered = 0

    def open(self, name: str, login: str, password: str, keep_alive_s: int = 3600) -> Link:
        """Begin a connection with the client id ``name``; :meth:`wait` for ``link.accepted``.

        The keep-alive is long: a drive's time does not run with the machine's.
        """
        plug = socket.create_connection(self._address, timeout=_PATIENCE_S)
        plug.setblocking(False)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(name, plug)
        self._selector.register(plug, selectors.EVENT_READ, link)
        self.links.add(link)
        self._send(link, wire.connect(name, login, password, keep_alive_s))
        return link

    def close(self, link: Link) -> None:
        """Say goodbye and close; what the server has not read by then may be lost."""
        if link in self.links:
            self._send(link, wire.disconnect())
            self._drop(link, "closed")

    def close_all(self) -> None:
        """Close every link and the selector."""
        for link in list(self.links):
            self.close(link)
        self._selector.close()

    def publish(self, link: Link, head: bytes, payload: bytes, *, qos: int = 0) -> None:
        """Publish; ``head`` is :func:`~trassa.twin.mqtt_packet.publish_head` of the topic."""
        packet_id = link.next_packet_id() if qos else 0
        self._send(link, wire.publish(head, payload, qos=qos, packet_id=packet_id))

    def subscribe(self, link: Link, filters: Sequence[str], qos: int = 0) -> None:
        """Ask for topics; answered when ``link.unanswered`` is empty again."""
        self._send(link, wire.subscribe(link.next_packet_id(), filters, qos))

    def unsubscribe(self, link: Link, filters: Sequence[str]) -> None:
        """Give topics up."""
        self._send(link, wire.unsubscribe(link.next_packet_id(), filters))

    def ping(self, link: Link) -> None:
        """Ask whether the server is there; counted in ``pings_answered``."""
        self._send(link, wire.ping())

    def poll(self, timeout_s: float = 0.0) -> int:
        """Read and write what can be; the number of packets read."""
        count = 0
        for key, mask in self._selector.select(timeout_s):
            link: Link = key.data
            if mask & selectors.EVENT_WRITE:
                self._flush(link)
            if mask & selectors.EVENT_READ:
                count += self._read(link)
        return count

    def wait(self, done: Callable[[], bool], what: str, patience_s: float = _PATIENCE_S) -> None:
        """Poll until ``done()``; :class:`NotInTime` names ``what`` was awaited."""
        end_s = time.monotonic() + patience_s
        while not done():
            left_s = end_s - time.monotonic()
            if left_s <= 0.0:
                raise NotInTime(f"drive: {what} did not happen within {patience_s:g} s", cure="trassa doctor")
            self.poll(min(left_s, 0.05))

    def settle(self, links: Sequence[Link]) -> None:
        """Wait until these links are accepted and every acknowledgement is in; :class:`LinkLost` where one broke."""

        def settled() -> bool:
            for link in links:
                if link.lost:
                    raise LinkLost(f"drive: the broker dropped {link.name}: {link.lost}", cure="trassa doctor")
            return all(link.accepted and not link.unanswered for link in links)

        self.wait(settled, "the broker's acknowledgement")
        for link in links:
            if link.refused_filters:
                raise LinkLost(f"drive: the broker refused {link.name} a subscription", cure="trassa doctor")

    def _send(self, link: Link, data: bytes) -> None:
        if link._outbox:
            link._outbox += data
            return
        try:
            sent = link.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._drop(link, str(error))
            return
        if sent < len(data):
            link._outbox += data[sent:]
            self._selector.modify(link.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, link)

    def _flush(self, link: Link) -> None:
        try:
            sent = link.socket.send(link._outbox)
        except BlockingIOError:
            return
        except OSError as error:
            self._drop(link, str(error))
            return
        del link._outbox[:sent]
        if not link._outbox:
            self._selector.modify(link.socket, selectors.EVENT_READ, link)

    def _read(self, link: Link) -> int:
        try:
            data = link.socket.recv(_CHUNK)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._drop(link, str(error))
            return 0
        if not data:
            self._drop(link, "connection closed")
            return 0
        link._inbox += data
        found = wire.packets(link._inbox)
        for packet in found:
            self._take(link, packet)
        return len(found)

    def _take(self, link: Link, packet: wire.Packet) -> None:
        if packet.type == wire.PUBLISH:
            delivery = wire.delivery_of(packet)
            if delivery.qos:
                self._send(link, wire.puback(delivery.packet_id))
            self._on_delivery(link, delivery)
        elif packet.type in (wire.PUBACK, wire.UNSUBACK):
            link.unanswered.discard(packet.packet_id)
        elif packet.type == wire.SUBACK:
            link.unanswered.discard(packet.packet_id)
            link.refused_filters += packet.body[2:].count(0x80)
        elif packet.type == wire.CONNACK:
            if packet.body[1]:
                self._drop(link, f"CONNECT refused with return code {packet.body[1]}")
            else:
                link.accepted = True
        elif packet.type == wire.PINGRESP:
            self.pings_answered += 1

    def _drop(self, link: Link, why: str) -> None:
        if link in self.links:
            self.links.discard(link)
            link.lost = why
            self._selector.unregister(link.socket)
            link.socket.close()


def _allow_sockets() -> None:
    """Raise the soft limit of open files as far as the system lets this process: a socket a vehicle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _SOCKETS if hard == resource.RLIM_INFINITY else min(_SOCKETS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
