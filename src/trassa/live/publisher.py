"""The publisher: the platform's one MQTT connection towards the vehicles.

Warnings go out over MQTT with QoS 1, because what is published from inside the broker reaches vehicles as QoS 0 and is
lost on one that is away. A PUBACK is the broker's receipt, and nothing more.
"""

from __future__ import annotations

import contextlib
import secrets as chance
import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from trassa.errors import TrassaError
from trassa.live.ports import LOOPBACK, Ports
from trassa.live.secrets import Secrets

__all__ = ["NotPublished", "Publisher", "knock"]

Outgoing = tuple[str, bytes, bool]
"""Topic, payload, whether the broker retains it."""
_KEEPALIVE_S = 30
_UNDERWAY_MAX = 20
"""Messages without receipt at a time; the broker's own bound for one session is far above."""


class NotPublished(TrassaError):
    """The broker gave no receipt in time. The message may still arrive later, before any that is published later."""


class Publisher:
    """Publishes with QoS 1 and waits for the broker's receipt; reconnects by itself; safe to share between threads."""

    def __init__(self, ports: Ports, secrets: Secrets, *, timeout_s: float = 10.0) -> None:
        self._ports = ports
        self._secrets = secrets
        self._timeout_s = timeout_s
        self._turn = threading.Condition()
        self._receipts: set[int] = set()
        self._given_up: set[int] = set()
        self._up = threading.Event()
        self._client = _new_client(secrets, "publisher")
        self._client.max_inflight_messages_set(_UNDERWAY_MAX)
        self._client.on_publish = self._take_receipt
        self._client.on_connect = self._take_connection
        self._client.on_disconnect = lambda *_: self._up.clear()
        self._client.connect_async(LOOPBACK, ports.mqtt, _KEEPALIVE_S)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, *, retain: bool, qos: int = 1) -> None:
        """Publish one message; with QoS 1, return after its PUBACK.

        :raises NotPublished: there was none in time.
        """
        self._await_link(1)
        mid = self._send(topic, payload, retain, qos)
        if qos:
            self._await([mid])

    def publish_all(self, messages: Iterable[Outgoing]) -> None:
        """Publish many with QoS 1, in order, and return after the PUBACK of each."""
        batch = list(messages)
        self._await_link(len(batch))
        self._await([self._send(topic, payload, retain, 1) for topic, payload, retain in batch])

    def retained(self, topic_filter: str, quiet_s: float = 0.3) -> dict[str, bytes]:
        """What the broker retains under a filter, by topic; it has spoken when it is silent for ``quiet_s``."""
        found: dict[str, bytes] = {}
        heard = threading.Event()
        answered = threading.Event()
        refused: list[str] = []

        def take(_client: Client, _data: Any, message: MQTTMessage) -> None:
            if message.retain and message.payload:
                found[message.topic] = bytes(message.payload)
            heard.set()

        def confirm(_client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any) -> None:
            refused.extend(str(code) for code in codes if code.is_failure)
            answered.set()

        with _link(self._ports, self._secrets, self._timeout_s) as client:
            client.on_message = take
            client.on_subscribe = confirm
            client.subscribe(topic_filter, qos=1)
            if not answered.wait(self._timeout_s) or refused:
                why = f": {refused[0]}" if refused else " in time"
                raise NotPublished(
                    f"broker: subscription to {topic_filter} was not confirmed{why}", cure="trassa doctor"
                )
            while heard.wait(quiet_s):
                heard.clear()
        return found

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Publisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _await_link(self, count: int) -> None:
        """Hand nothing to a client without a link: it would keep every attempt, and send them all when it is back."""
        if not self._up.wait(self._timeout_s):
            raise NotPublished(_no_receipt(count, count, self._timeout_s), cure="trassa doctor")

    def _take_connection(self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        if not code.is_failure:
            self._up.set()

    def _send(self, topic: str, payload: bytes, retain: bool, qos: int) -> int:
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise NotPublished(f"broker: {topic} was not taken: {info.rc.name}", cure="trassa doctor")
        return int(info.mid)

    def _take_receipt(self, _client: Client, _data: Any, mid: int, _code: ReasonCode, _properties: Any) -> None:
        with self._turn:
            if mid in self._given_up:
                self._given_up.discard(mid)
            else:
                self._receipts.add(mid)
            self._turn.notify_all()

    def _await(self, mids: list[int]) -> None:
        deadline = time.monotonic() + self._timeout_s
        with self._turn:
            for place, mid in enumerate(mids):
                if not self._turn.wait_for(partial(self._receipts.__contains__, mid), deadline - time.monotonic()):
                    self._give_up(mids[place:])
                    missing = _no_receipt(len(mids) - place, len(mids), self._timeout_s)
                    raise NotPublished(missing, cure="trassa doctor")
                self._receipts.discard(mid)

    def _give_up(self, mids: list[int]) -> None:
        for mid in mids:
            if mid in self._receipts:
                self._receipts.discard(mid)
            else:
                self._given_up.add(mid)


def knock(ports: Ports, secrets: Secrets, timeout_s: float = 10.0) -> None:
    """Come in by the MQTT door once and leave; with the first who does, the broker makes what it needs for MQTT."""
    with _link(ports, secrets, timeout_s):
        pass


def _no_receipt(missing: int, count: int, after_s: float) -> str:
    return f"broker: {missing} of {count} messages have no receipt after {after_s:g} s"


def _new_client(secrets: Secrets, what: str) -> Client:
    # a second client of the same name takes a session over, whoever it is: the name must not be guessable
    name = f"trassa-{what}-{chance.token_hex(8)}"
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv311)
    client.username_pw_set(secrets.platform_user, secrets.platform_password)
    client.reconnect_delay_set(min_delay=1, max_delay=2)
    return client


@contextlib.contextmanager
def _link(ports: Ports, secrets: Secrets, timeout_s: float) -> Iterator[Client]:
    """A connection for the length of a block."""
    client = _new_client(secrets, "visitor")
    up = threading.Event()

    def connected(_client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        if not code.is_failure:
            up.set()

    client.on_connect = connected
    client.connect_async(LOOPBACK, ports.mqtt, _KEEPALIVE_S)
    client.loop_start()
    try:
        if not up.wait(timeout_s):
            raise NotPublished(f"broker: no MQTT answer on port {ports.mqtt}", cure="trassa doctor")
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
