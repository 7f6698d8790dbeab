"""A broker of its own for a test, with the doors and streams of the platform and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from trassa.live.book import Book, BookName
from trassa.live.broker import broker_command, connected, write_broker_configuration
from trassa.live.child import ChildSpec, Launch
from trassa.live.children import Children
from trassa.live.platform import accepts
from trassa.live.ports import choose_ports
from trassa.live.publisher import knock
from trassa.live.secrets import make_secrets
from trassa.live.streams import fill_of, open_streams
from trassa.plan.live_settings import LiveSettings

__all__ = ["PATIENCE_S", "RunningBroker", "Vehicle"]

PATIENCE_S = 10.0
"""Until when something that must happen is waited for; never how fast it must be."""
T = TypeVar("T")


class RunningBroker:
    """nats-server as the platform runs it, over a fresh book."""

    def __init__(self, root: Path, book: BookName = "live", settings: LiveSettings | None = None) -> None:
        self.settings = settings or LiveSettings(mqtt_port=0, port=0)
        self.book = Book(root, book)
        for folder in (self.book.root, self.book.broker):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.secrets, _ = make_secrets(self.book)
        self.ports = choose_ports(self.book, mqtt=0, web=0)
        self.configuration = write_broker_configuration(self.book, self.ports, self.secrets, self.settings)
        self.children = Children(self.book.children_file, self.book.logs)
        answers = partial(accepts, self.ports, self.secrets)
        self.children.start(ChildSpec("nats", lambda: Launch(broker_command(self.book)), answers=answers))
        self.children.await_ready("nats")
        knock(self.ports, self.secrets)
        self.with_client(lambda client: open_streams(client, self.settings))

    def with_client(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do something with a NATS client that has the platform's rights."""

        async def run() -> T:
            client = await connected(self.ports, self.secrets, "test")
            try:
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(run())

    def captured(self) -> int:
        """How many messages of vehicles the streams have ever taken."""

        async def ask(client: Any) -> int:
            return (await fill_of(client)).taken

        return self.with_client(ask)

    def kill(self) -> None:
        """SIGKILL, and wait until its keeper has started it again."""
        before = self.children.restarts["nats"]
        pid = self.children.pid("nats")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        waiting = threading.Event()
        while self.children.restarts["nats"] == before:
            self.children.check()
            waiting.wait(0.02)
        self.children.await_ready("nats")

    def vehicle(self, login: str = "", password: str = "", session: str = "") -> Vehicle:
        """An MQTT client; with the fleet's login unless another is given, with a lasting session where it is named."""
        words = (login or self.secrets.fleet_login, password or self.secrets.fleet_password)
        return Vehicle(self.ports.mqtt, *words, session)

    def close(self) -> None:
        """Stop it."""
        self.children.close()


class Vehicle:
    """An MQTT 3.1.1 client that remembers what it heard. ``refused`` is why it was not let in."""

    def __init__(self, port: int, login: str, password: str, session: str = "") -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self.refused = ""
        self._turn = threading.Condition()
        self._up = threading.Event()
        self._granted: dict[int, bool] = {}
        self._receipts: set[int] = set()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=session, clean_session=not session)
        if login:
            self._client.username_pw_set(login, password)
        self._client.on_connect = self._take_connection
        self._client.on_message = self._take_message
        self._client.on_subscribe = self._take_grant
        self._client.on_publish = self._take_receipt
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._up.wait(PATIENCE_S)

    def subscribe(self, topic_filter: str) -> bool:
        """Subscribe with QoS 1; whether the broker grants it."""
        _, mid = self._client.subscribe(topic_filter, qos=1)
        assert mid is not None
        assert self._await(lambda: mid in self._granted), topic_filter
        return self._granted[mid]

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> bool:
        """Publish; whether it was received (QoS 1) or sent (QoS 0)."""
        mid = self._client.publish(topic, payload, qos, retain).mid
        return self._await(lambda: mid in self._receipts)

    def hears(self, topic: str, payload: bytes) -> bool:
        """Whether a message arrives, or has arrived."""
        return self._await(lambda: any(said[:2] == (topic, payload) for said in self.heard))

    def leave(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _await(self, reached: Callable[[], bool]) -> bool:
        with self._turn:
            return self._turn.wait_for(reached, PATIENCE_S)

    def _take_connection(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        self.refused = str(code) if code.is_failure else ""
        self._up.set()

    def _take_message(self, _client: Any, _data: Any, message: Any) -> None:
        with self._turn:
            self.heard.append((message.topic, bytes(message.payload), bool(message.retain)))
            self._turn.notify_all()

    def _take_grant(self, _client: Any, _data: Any, mid: int, codes: Any, _properties: Any) -> None:
        with self._turn:
            self._granted[mid] = not any(code.is_failure for code in codes)
            self._turn.notify_all()

    def _take_receipt(self, _client: Any, _data: Any, mid: int, _code: Any, _properties: Any) -> None:
        with self._turn:
            self._receipts.add(mid)
            self._turn.notify_all()
