"""SIGKILL on the real thing: the supervisor in two ways, and PostgreSQL, NATS and the worker at random moments.

Afterwards nothing is doubled, lost, or risen from the dead. What must agree are three things that share no code: the
sender's own log of acknowledged reads, the stored reads, and the ledger against prices that were typed into the tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from command_line import trassa
from foreign_messages import denm_at, read_denm
from running_platform import Car, Ear, Operator, ServedRoad, rows, served_copy, until
from serving_process import ServingProcess
from toll_flow import SOUTH, Gantries, Journey, booked, journeys, name_of, own_fixes, stored
from trassa.live.broker import connected
from trassa.live.platform import Platform
from trassa.live.ports import Ports
from trassa.live.secrets import Secrets
from trassa.live.store.embedded import PostgresPlace
from trassa.plan.project import open_project

SEEDS = int(os.environ.get("TRASSA_KILL_SEEDS", "20" if os.environ.get("CI") == "true" else "5"))
OWN = 4_200_000_011
VICTIMS = ("postgres", "nats", "worker")
VEHICLES = 6
_DEATHS_A_MINUTE = 3
"""The platform gives up at the fifth."""
_DEAL_WITHIN_S = 150.0
"""An unacknowledged message comes again after a minute."""
_LEDGER = """
SELECT charge_key, account, sum(amount_minor) FROM entry JOIN posting ON posting.entry_id = entry.id
GROUP BY charge_key, account
"""


# ---- the supervisor


@pytest.mark.parametrize("way", ["kill", "kill_group"])
def test_a_killed_platform_comes_back_as_it_was(planned_m11: Path, tmp_path: Path, way: str) -> None:
    serving = ServingProcess(served_copy(planned_m11, tmp_path / "m11", stationary_after_s=2))
    try:
        _killed_while_it_warns(serving, way)
    finally:
        serving.close()


def _killed_while_it_warns(serving: ServingProcess, way: str) -> None:
    operator = Operator(serving.url, serving.operator_password)
    road = operator.road()
    measure_m = road.open_road_m(road.measure_at_km(300.0))
    topics = {f"cits/out/denm/{'/'.join(tile)}/{OWN}-0" for tile in road.tiles(measure_m)}
    car = Car(serving.ports, serving.secrets, 7, road.place(measure_m))
    until(lambda: set(retained(serving)) == topics, "no warning")
    before = retained(serving)
    gantries, made = Gantries(serving.url, serving.secrets.reads_key), journeys("way", 1, 9)
    posting = gantries.start(made, 1, pause_s=0.1)
    until(lambda: len(gantries.log) > 5, "no read is acknowledged")

    getattr(serving, way)()
    serving.start()
    assert same_events(retained(serving), before)
    assert [e["event_id"] for e in operator.events()] == [f"{OWN}-0"]  # the session lived on, too
    posting.join(120.0)
    assert not posting.is_alive()
    assert gantries.refusals > 0
    _three_agree(serving.database_url, "way", gantries, made)

    car.place, car.speed_mps = road.place(measure_m + 20.0), 6.0
    until(lambda: retained(serving) == {}, "it does not end")
    getattr(serving, way)()
    serving.start()
    assert retained(serving) == {}
    assert operator.events() == []
    assert [e["ended_because"] for e in operator.events(9)] == ["seen moving"]
    car.speed_mps = 0.0
    until(lambda: retained(serving), "the next warning does not come")
    assert {topic.rsplit("/", 1)[1] for topic in retained(serving)} == {f"{OWN}-1"}
    car.leave()
    _three_agree(serving.database_url, "way", gantries, made)


def retained(serving: ServingProcess) -> dict[str, bytes]:
    """What a late joiner gets under ``cits/out``."""
    ear = Ear(serving.ports, serving.secrets)
    assert ear.subscribe("cits/out/#")
    heard = -1
    while heard != len(ear.heard):
        heard = len(ear.heard)
        time.sleep(0.4)
    ear.leave()
    return {topic: payload for topic, payload, kept in ear.heard if kept}


def same_events(now: dict[str, bytes], before: dict[str, bytes]) -> bool:
    """The same topics with the same hazards; an update may have come, never an older version."""
    assert set(now) == set(before)
    for topic, payload in now.items():
        said, was = (read_denm(pdu)["denm"] for pdu in (payload, before[topic]))
        for name in ("actionID", "eventPosition"):
            assert said["management"][name] == was["management"][name]
        assert said["situation"]["eventType"] == was["situation"]["eventType"]
        assert said["management"]["referenceTime"] >= was["management"]["referenceTime"]
    return True


# ---- its children


@dataclass
class Storm:
    """A platform whose children are killed, and everything that was sent to it."""

    platform: Platform
    road: ServedRoad
    gantries: Gantries
    kills: list[tuple[float, str]] = field(default_factory=list)
    own: dict[str, tuple[Journey, list[bytes]]] = field(default_factory=dict)
    denms: dict[str, bytes] = field(default_factory=dict)

    def allowed(self) -> list[str]:
        """Who may be killed now without the platform giving up."""
        recent = [name for at_s, name in self.kills if time.monotonic() - at_s < 61.0]
        return [name for name in VICTIMS if recent.count(name) < _DEATHS_A_MINUTE]

    def kill_some(self, chance: random.Random) -> None:
        """One victim or two, at random moments."""
        for _ in range(chance.choice((1, 1, 2))):
            time.sleep(chance.uniform(0.05, 1.0))
            victim = chance.choice(self.allowed() or [""])
            if victim:
                pid = until(partial(self.platform.pid, victim), f"{victim} is not there to be killed")
                os.kill(pid, signal.SIGKILL)
                self.kills.append((time.monotonic(), victim))
            self.platform.check()

    def everything_works(self) -> bool:
        """Whether all children are ready again."""
        self.platform.check()
        return all(self.platform.is_ready(name) for name in (*VICTIMS, "web"))


@pytest.fixture(scope="module")
def storm(planned_m11: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    folder = served_copy(planned_m11, tmp_path_factory.mktemp("storm") / "m11")
    with Platform(open_project(folder), "live") as platform:
        platform.wait_ready()
        assert platform.operator_password
        road = Operator(platform.url, platform.operator_password).road()
        yield Storm(platform, road, Gantries(platform.url, platform.secrets.reads_key))
    PostgresPlace.of(platform.book).discard()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_gantry_reads_survive_every_kill(storm: Storm, seed: int) -> None:
    chance = random.Random(seed)
    source, made = f"seed-{seed}", journeys(f"seed-{seed}", seed, VEHICLES)
    own, parts = own_fixes(storm.road, f"v{seed}")
    storm.gantries._posted("/api/toll/contracts", own.contract)
    storm.own[f"v{seed}"] = own, parts
    until(storm.allowed, "nobody may be killed", 70.0)
    posting = storm.gantries.start(made, seed, pause_s=0.05)
    telling = threading.Thread(target=_tell, args=(storm, seed, parts), daemon=True)
    telling.start()
    storm.kill_some(chance)
    for thread in (posting, telling):
        thread.join(120.0)
        assert not thread.is_alive(), storm.kills
    until(storm.everything_works, "a child does not come back")
    _three_agree(storm.platform.database_url, source, storm.gantries, made)


def _three_agree(database_url: str, source: str, gantries: Gantries, made: list[Journey]) -> None:
    """The sender's log, the stored reads, the balance of each charge."""
    sent = {name_of(read) for journey in made for read in journey.reads}
    log = {key: read_id for key, read_id in gantries.log.items() if key in sent}
    assert set(log) == sent
    query = "SELECT source, device, sequence, read_id FROM read WHERE source = %s"
    assert stored(rows(database_url, query, source)) == log
    wanted = {journey.contract_id: journey.owes for journey in made}

    def balances() -> dict[str, dict[str, int]]:
        return booked(rows(database_url, _LEDGER), made, gantries.vehicle_keys)

    with contextlib.suppress(AssertionError):
        until(lambda: balances() == wanted, "the ledger does not agree", 30.0)
    assert balances() == wanted


def _tell(storm: Storm, seed: int, parts: list[bytes]) -> None:
    """Own fixes and reports by MQTT at QoS 1, in order, each received by the broker before the next."""
    link = Link(storm.platform.ports, storm.platform.secrets, f"v{seed}")
    place = storm.road.place(storm.road.measure_at_km(600.0))
    for number, part in enumerate(parts):
        action = (5000 + seed, number)
        storm.denms[f"{action[0]}-{action[1]}"] = pdu = denm_at(
            action, *place[:2], heading_deg=place.heading_deg, time_ms=time.time_ns() // 1_000_000, validity_s=900
        )
        link.publish("toll", part)
        link.publish("denm", pdu)
        time.sleep(0.1)
    link.close()


class Link:
    """A vehicle with a lasting session that sends again what the broker did not confirm."""

    def __init__(self, ports: Ports, secrets: Secrets, vehicle: str) -> None:
        self._vehicle, self._login = vehicle, secrets.fleet_login
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=f"link-{vehicle}", clean_session=False)
        self._client.username_pw_set(secrets.fleet_login, secrets.fleet_password)
        self._client.reconnect_delay_set(1, 1)
        self._confirmed: set[int] = set()
        self._client.on_publish = lambda _client, _data, mid, _code, _properties: self._confirmed.add(mid)
        until(lambda: self._connects(ports.mqtt), "the broker does not let a vehicle in")
        self._client.loop_start()

    def publish(self, kind: str, payload: bytes) -> None:
        """Returns when the broker has confirmed it."""
        mid = self._client.publish(f"cits/in/{kind}/{self._login}/{self._vehicle}", payload, qos=1).mid
        until(lambda: mid in self._confirmed, f"the broker does not confirm {kind} of {self._vehicle}")

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connects(self, port: int) -> bool:
        with contextlib.suppress(OSError):
            self._client.connect("127.0.0.1", port)
            return True
        return False


def test_what_the_stream_took_by_mqtt_is_dealt_with(storm: Storm) -> None:
    """A receipt of the broker promises nothing; what stands in the capture stream does."""
    taken = asyncio.run(_captured(storm.platform))
    until(lambda: asyncio.run(_outstanding(storm.platform)) == 0, "a message waits for ever", _DEAL_WITHIN_S)
    lost = dict.fromkeys(("toll", "denm"), 0)
    reports = {str(row[0]): bytes(row[1]) for row in _reports(storm.platform.database_url)}
    for name, pdu in storm.denms.items():
        if any(pdu == payload for _, payload in taken):
            assert reports.get(name) == pdu, f"report {name} was taken and is not stored"
        else:
            lost["denm"] += 1
    assert len(_reports(storm.platform.database_url)) == len(reports)
    sent = {name: {(f"cits.in.toll.fleet.{name}", part) for part in parts} for name, (_, parts) in storm.own.items()}
    whole = [storm.own[name][0] for name, said in sent.items() if said <= taken]
    lost["toll"] = sum(len(said - taken) for said in sent.values())
    print(f"\nconfirmed by the broker and not in its stream after its death: {lost}; kills: {len(storm.kills)}")
    assert whole

    def owed() -> dict[str, dict[str, int]]:
        return booked(rows(storm.platform.database_url, _LEDGER), whole, _keys(storm.platform.database_url))

    wanted = {journey.contract_id: {SOUTH: 165_000} for journey in whole}
    with contextlib.suppress(AssertionError):
        until(lambda: owed() == wanted, "", 30.0)
    assert owed() == wanted


def test_the_audit_agrees_after_all_of_it(storm: Storm) -> None:
    until(lambda: trassa("toll", "audit", storm.platform.project.root, "--json").json["pending"] == 0, "still pending")
    done = trassa("toll", "audit", storm.platform.project.root, "--json")
    assert done.code == 0, done.json["differences"]
    assert done.json["holds"]
    assert {name for _, name in storm.kills} == set(VICTIMS)
    assert len(storm.kills) >= SEEDS


def _reports(database_url: str) -> list[tuple[Any, ...]]:
    return rows(database_url, "SELECT report_id, pdu FROM denm_report WHERE station_id >= 5000 AND station_id < 6000")


def _keys(database_url: str) -> dict[str, str]:
    return dict(rows(database_url, "SELECT contract_id, vehicle_key FROM contract"))  # type: ignore[arg-type]


async def _captured(platform: Platform) -> set[tuple[str, bytes]]:
    """Subject and payload of everything in the capture stream."""
    client = await connected(platform.ports, platform.secrets, "test")
    try:
        stream = client.jetstream()
        last = (await stream.stream_info("CITS_KEPT")).state.last_seq
        taken = [await stream.get_msg("CITS_KEPT", number) for number in range(1, last + 1)]
        return {(message.subject or "", message.data or b"") for message in taken}
    finally:
        await client.close()


async def _outstanding(platform: Platform) -> int:
    """Messages that the durable consumers have not acknowledged."""
    client = await connected(platform.ports, platform.secrets, "test")
    try:
        infos = [await client.jetstream().consumer_info("CITS_KEPT", name) for name in ("denm", "toll")]
        return sum((info.num_pending or 0) + (info.num_ack_pending or 0) for info in infos)
    finally:
        await client.close()
