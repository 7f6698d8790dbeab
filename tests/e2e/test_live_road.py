"""The served road with strangers on it: CAMs by paho and pycrate go in, DENMs that pycrate reads come out."""

from __future__ import annotations

import asyncio
import gzip
import math
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from foreign_messages import cam_at, denm_at, its_ms_of, read_denm
from running_broker import Vehicle
from running_platform import Car, Ear, Operator, Place, ServedRoad, served_copy, tiles_beside, until
from trassa.live.broker import connected
from trassa.live.platform import Platform
from trassa.live.store.embedded import PostgresPlace
from trassa.live.streams import fill_of
from trassa.plan.project import open_project

OWN = 4_200_000_011
THRESHOLD_MS = 10_000
"""How long a vehicle stands before the road warns, as the settings page has it."""
PROMISE_MS = 2_000
SLACK_MS = 4_000
"""For a machine with more to do than this test."""
FAR_TILE = "03333333333333"


@dataclass
class Live:
    """A platform at work with its operator, and the modes of the folders around it before it came."""

    platform: Platform
    operator: Operator
    road: ServedRoad
    modes: dict[Path, int]
    markers: int = 0

    def ear(self, *filters: str) -> Ear:
        """A vehicle that listens."""
        ear = Ear(self.platform.ports, self.platform.secrets)
        for wanted in filters:
            assert ear.subscribe(wanted)
        return ear

    def sender(self) -> Vehicle:
        """A vehicle that speaks with the fleet's login."""
        secrets = self.platform.secrets
        return Vehicle(self.platform.ports.mqtt, secrets.fleet_login, secrets.fleet_password)

    def car(self, station_id: int, measure_m: float, right_m: float = 0.0, speed_mps: float = 0.0) -> Car:
        """A vehicle that sends CAMs."""
        place = self.road.place(measure_m, "increasing", right_m)
        return Car(self.platform.ports, self.platform.secrets, station_id, place, speed_mps)

    def hears_nothing_of(self, event_id: str, ear: Ear) -> bool:
        """Whether an ear that hears a later message of the platform has heard nothing of an event."""
        self.markers += 1
        action, sender = (88, self.markers), self.sender()
        place, now_ms = self.road.place(self.road.measure_at_km(600.0)), time.time_ns() // 1_000_000
        name, topic = f"88-{self.markers}", "cits/in/denm/fleet/marker"
        assert sender.publish(topic, denm_at(action, *place[:2], heading_deg=place.heading_deg, time_ms=now_ms))
        until(lambda: ear.of(name), "the marker does not come")
        assert sender.publish(topic, denm_at(action, *place[:2], heading_deg=0, time_ms=now_ms + 1, terminated=True))
        until(lambda: ear.of(name)[-1][2] == b"", "the marker does not end")
        sender.leave()
        return not ear.of(event_id)


def modes_of(*folders: Path) -> dict[Path, int]:
    return {folder: stat.S_IMODE(folder.stat().st_mode) for folder in folders}


def served(planned: Path, root: Path) -> Iterator[Live]:
    folder = served_copy(planned, root)
    around = [folder, *folder.resolve().parents, folder / "inputs", folder / "plan.gpkg"]
    modes = modes_of(*around)
    with Platform(open_project(folder), "live") as platform:
        platform.wait_ready()
        assert platform.operator_password
        operator = Operator(platform.url, platform.operator_password)
        yield Live(platform, operator, operator.road(), modes)
    PostgresPlace.of(platform.book).discard()


@pytest.fixture(scope="module")
def m11(planned_m11: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The schematic M-11 with its tariffs, served."""
    yield from served(planned_m11, tmp_path_factory.mktemp("served") / "м11")


@pytest.fixture(scope="module")
def a4(planned_a4: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The A 4 on its real coordinates, without tolls, served."""
    yield from served(planned_a4, tmp_path_factory.mktemp("served") / "a4")


def filters_of(tiles: set[str]) -> list[str]:
    return [f"cits/out/denm/{'/'.join(tile)}/#" for tile in sorted(tiles)]


def neighbours(tiles: set[str], road: ServedRoad, measure_m: float) -> set[str]:
    """Tiles around that the warning does not concern; the broker lets a client have 65 filters of QoS 1."""
    ways = range(round(measure_m) - 4000, round(measure_m) + 4000, 100)
    around = {tile for m in ways for tile in tiles_beside(*road.place(float(m))[:2], 800.0)}
    assert 10 <= len(around - tiles) <= 60
    return around - tiles


# ---- a CAM becomes a vehicle on the map


def test_a_foreign_cam_is_on_the_map(m11: Live) -> None:
    measure_m = m11.road.measure_at_km(300.35)
    car = m11.car(101, measure_m, speed_mps=25.0)
    seen = m11.operator.sees(lambda v: abs(v.measure_m - measure_m) < 5.0, "the vehicle is not in any frame")
    car.leave()
    assert abs(seen.offset_m) < 5.0
    assert seen.speed_mps == pytest.approx(25.0, abs=0.01)
    assert not seen.standing
    assert not seen.decreasing
    assert seen.handle != 101


def test_the_heading_decides_the_carriageway(m11: Live) -> None:
    measure_m = m11.road.measure_at_km(310.0)
    car = m11.car(102, measure_m, speed_mps=20.0)
    car.place = car.place._replace(heading_deg=(car.place.heading_deg + 180.0) % 360.0)
    # the first message may still have had the old heading
    m11.operator.sees(lambda v: abs(v.measure_m - measure_m) < 5.0 and v.decreasing, "it is not on the other side")
    car.leave()


def test_beside_the_schematic_line_a_cam_is_counted_and_not_shown(m11: Live) -> None:
    assert m11.road.plan["road"]["schematic"]
    assert "50 m of the line" in m11.road.plan["notice"]
    assert m11.road.plan["credit"] == "", "it was drawn from published facts, from nobody's map"
    before = m11.operator.counts()["off_road"]
    sender, measure_m = m11.sender(), m11.road.measure_at_km(320.0)
    for right_m, station_id in ((200.0, 111), (-200.0, 112), (60.0, 113), (40.0, 114)):
        place = m11.road.place(measure_m, right_m=right_m)
        pdu = cam_at(station_id, *place[:2], speed_mps=20.0, heading_deg=place.heading_deg)
        assert sender.publish(f"cits/in/cam/fleet/v{station_id}", pdu, qos=0)
    seen = m11.operator.sees(lambda v: abs(v.measure_m - measure_m) < 100.0, "the one within 50 m is not shown")
    sender.leave()
    assert seen.offset_m == pytest.approx(40.0, abs=3.0)
    until(lambda: m11.operator.counts()["off_road"] == before + 3, "three of four are off the axis")


def test_real_coordinates_and_no_toll(a4: Live, shared: Path) -> None:
    """A node of the map as the surveyors drew it, not a place of our plan, is on the A 4; beside it is not."""
    assert not a4.road.plan["road"]["schematic"]
    assert a4.road.plan["credit"] == "© OpenStreetMap contributors, ODbL 1.0"
    assert a4.road.plan["toll_points"] == []
    assert a4.operator.get("/api/toll/summary")["reads"]["charged"] == 0
    place = motorway_node(shared / "roads" / "badhersfeld_a4" / "osm_bbox.osm.gz", "A 4")
    car = Car(a4.platform.ports, a4.platform.secrets, 201, place, 30.0)
    seen = a4.operator.sees(lambda v: v.speed_mps == pytest.approx(30.0, abs=0.01), "it is not in any frame")
    assert abs(seen.offset_m) < 5.0
    car.leave()
    drawn = a4.road.place(seen.measure_m, "decreasing" if seen.decreasing else "increasing")
    assert distance_m(drawn, place) < 6.0
    assert abs((drawn.heading_deg - place.heading_deg + 180) % 360 - 180) < 10.0
    before = a4.operator.counts()["off_road"]
    away = Car(a4.platform.ports, a4.platform.secrets, 202, place._replace(latitude_deg=place[0] + 0.02), 30.0)
    until(lambda: a4.operator.counts()["off_road"] > before, "two kilometres beside the A 4 is not on it")
    away.leave()


def motorway_node(extract: Path, ref: str) -> Place:
    """The middle node of the longest way of a motorway in an OSM extract, with the direction of its traffic."""
    with gzip.open(extract) as stream:
        document = ElementTree.parse(stream)
    ways = []
    for way in document.iter("way"):
        tags = {tag.get("k"): tag.get("v") for tag in way.iter("tag")}
        if tags.get("highway") == "motorway" and tags.get("ref") == ref:
            ways.append([node.get("ref") for node in way.iter("nd")])
    wanted = max(ways, key=len)
    middle = wanted[len(wanted) // 2 - 1 : len(wanted) // 2 + 2]
    spots = {n.get("id"): (float(n.get("lat", 0)), float(n.get("lon", 0))) for n in document.iter("node")}
    before, here, after = (spots[node] for node in middle)
    east = (after[1] - before[1]) * math.cos(math.radians(here[0]))
    return Place(*here, math.degrees(math.atan2(east, after[0] - before[0])) % 360.0)


def distance_m(a: Place, b: Place) -> float:
    narrow = math.cos(math.radians(a.latitude_deg))
    east_deg = (a.longitude_deg - b.longitude_deg) * narrow
    return math.hypot(a.latitude_deg - b.latitude_deg, east_deg) * 111_195


def test_everything_that_was_sent_is_accounted_for(m11: Live) -> None:
    sender = m11.sender()
    for payload in (b"", b"\x02\x02", b"\x03\x02" + bytes(60), b"\xff" * 200):
        assert sender.publish("cits/in/cam/fleet/broken", payload, qos=0)
    sender.leave()

    async def captured() -> int:
        client = await connected(m11.platform.ports, m11.platform.secrets, "test")
        try:
            return (await fill_of(client)).taken
        finally:
            await client.close()

    taken = asyncio.run(captured())
    assert taken >= 4
    counts = until(lambda: _if(m11.operator.counts(), "accepted", taken), "the status page counts less than the stream")
    assert counts["processed"] + counts["refused"] + counts["shed"] == taken
    assert counts["refused"] >= 4
    assert (counts["waiting"], counts["lost"]) == (0, 0)


def _if(counts: dict[str, Any], name: str, value: int) -> dict[str, Any] | None:
    return counts if counts.get(name) == value else None


# ---- a stationary vehicle becomes a warning


def test_a_stationary_vehicle_warns_the_tiles_upstream_until_it_moves(m11: Live) -> None:
    measure_m = m11.road.open_road_m(m11.road.measure_at_km(300.0))
    tiles = m11.road.tiles(measure_m)
    assert 2 <= len(tiles) <= 8
    everywhere, upstream = m11.ear("cits/out/#"), m11.ear(*filters_of(tiles))
    strangers = m11.ear(*filters_of(neighbours(tiles, m11.road, measure_m) | {FAR_TILE}))
    car = m11.car(301, measure_m)
    event_id = until(lambda: next(iter(everywhere.heard), ("/",))[0].rsplit("/", 1)[1], "no warning")
    assert event_id.split("-")[0] == str(OWN)
    first_ms, _, pdu, _ = everywhere.of(event_id)[0]
    began_ms = car.sent_ms[0]
    completing_ms = next(ms for ms in car.sent_ms if ms >= began_ms + THRESHOLD_MS)
    print(f"\nwarning {first_ms - completing_ms} ms after the CAM that completes the rule")
    assert began_ms + THRESHOLD_MS <= first_ms < began_ms + THRESHOLD_MS + PROMISE_MS + SLACK_MS

    until(lambda: len(everywhere.of(event_id)) >= len(tiles), "a tile was left out")
    assert {tile for _, tile, _, _ in everywhere.of(event_id)} == tiles
    until(lambda: {tile for _, tile, _, _ in upstream.of(event_id)} == tiles, "a subscriber upstream hears nothing")
    _check_warning(read_denm(pdu), event_id, m11.road.place(measure_m), first_ms)

    late = m11.ear(*filters_of(tiles))
    until(lambda: {tile for _, tile, _, kept in late.of(event_id) if kept} == tiles, "a late joiner hears nothing")
    assert {payload for _, _, payload, _ in late.of(event_id)} == {pdu}
    shown = next(e for e in m11.operator.events() if e["event_id"] == event_id)
    assert (shown["state"], shown["cause_code"], shown["carriageway"]) == ("open", 94, "increasing")
    assert shown["anchor_m"] == pytest.approx(measure_m, abs=5.0)

    car.place, car.speed_mps = m11.road.place(measure_m + 20.0), 6.0
    until(lambda: any(payload == b"" for _, _, payload, _ in late.of(event_id)), "it does not end")
    until(lambda: sum(not said[2] for said in late.of(event_id)) == len(tiles), "a tile is not cleared")
    for tile in tiles:
        last, cleared = [payload for _, where, payload, _ in late.of(event_id) if where == tile][-2:]
        said = read_denm(last)["denm"]
        assert said["management"]["termination"] == "isCancellation"
        assert "situation" not in said
        assert cleared == b""
    afterwards = m11.ear("cits/out/#")
    assert m11.hears_nothing_of(event_id, afterwards)
    assert strangers.heard == []
    assert next(e for e in m11.operator.events(5) if e["event_id"] == event_id)["ended_because"] == "seen moving"
    for link in (everywhere, upstream, strangers, late, afterwards, car):
        link.leave()


def _check_warning(value: dict[str, Any], event_id: str, place: Place, received_ms: int) -> None:
    """What pycrate reads: what, where, for how long, and in whose time."""
    said, situation = value["denm"]["management"], value["denm"]["situation"]
    assert value["header"] == {"protocolVersion": 2, "messageID": 1, "stationID": OWN}
    assert f"{said['actionID']['originatingStationID']}-{said['actionID']['sequenceNumber']}" == event_id
    assert situation["eventType"] == {"causeCode": 94, "subCauseCode": 0}
    assert "termination" not in said
    assert 0 < said["validityDuration"] <= 120
    for name in ("detectionTime", "referenceTime"):
        assert -60_000 < said[name] - its_ms_of(received_ms) <= 0, name  # TAI: 5 s less would be within a minute too
        assert abs(said[name] - its_ms_of(received_ms)) < PROMISE_MS + SLACK_MS, name
    told = Place(said["eventPosition"]["latitude"] / 1e7, said["eventPosition"]["longitude"] / 1e7, 0.0)
    assert distance_m(told, place) < 5.0
    heading_deg = value["denm"]["location"]["eventPositionHeading"]["headingValue"] / 10
    assert abs((heading_deg - place.heading_deg + 180) % 360 - 180) < 3.0


def test_the_end_is_retained_before_the_tiles_are_cleared(m11: Live) -> None:
    """The broker's own book of retained messages, as it is written: warning, termination, and only then nothing."""
    measure_m = m11.road.open_road_m(m11.road.measure_at_km(420.0))
    written: list[tuple[str, bytes]] = []

    async def watch() -> None:
        client = await connected(m11.platform.ports, m11.platform.secrets, "test")

        async def take(message: Any) -> None:
            written.append((message.subject, message.data))

        await client.subscribe("$MQTT.rmsgs.>", cb=take)
        await client.flush()
        car = m11.car(302, measure_m)
        try:
            await _until(lambda: written)
            car.speed_mps = 6.0
            await _until(lambda: not m11.operator.events())
            await asyncio.sleep(0.5)
        finally:
            car.leave()
            await client.close()

    asyncio.run(watch())
    lives: dict[str, list[str]] = {}
    for subject, payload in written:
        lives.setdefault(subject, []).append(_kind_of(payload))
    assert len(lives) == len(m11.road.tiles(measure_m))
    for kinds in lives.values():
        assert kinds[-2:] == ["termination", "nothing"]
        assert set(kinds[:-2]) == {"warning"}


async def _until(reached: Any) -> None:
    deadline = time.monotonic() + 60.0
    while not await asyncio.to_thread(reached):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def _kind_of(payload: bytes) -> str:
    if not payload:
        return "nothing"
    return "termination" if "termination" in read_denm(payload)["denm"]["management"] else "warning"


# ---- what others report


def test_a_report_is_passed_on_byte_for_byte_and_only_once(m11: Live) -> None:
    measure_m = m11.road.open_road_m(m11.road.measure_at_km(500.0))
    place, tiles = m11.road.place(measure_m), m11.road.tiles(measure_m)
    everywhere, sender = m11.ear("cits/out/#"), m11.sender()
    now_ms = time.time_ns() // 1_000_000

    def said(sequence: int, version: int) -> bytes:
        return denm_at((77, sequence), *place[:2], heading_deg=place.heading_deg, time_ms=now_ms, version=version)

    def heard(sequence: int) -> list[tuple[str, bytes]]:
        return [(tile, payload) for _, tile, payload, _ in everywhere.of(f"77-{sequence}")]

    for sequence, version in ((1, 2), (2, 1)):
        pdu = said(sequence, version)
        assert pdu[0] == version
        assert sender.publish("cits/in/denm/fleet/v77", pdu)
        until(lambda: {tile for tile, _ in heard(sequence)} >= tiles, "it was not passed on")  # noqa: B023
        assert {payload for _, payload in heard(sequence)} == {pdu}
        # whoever stands there hears it too: the tiles around the place itself belong to it
        assert {tile for tile, _ in heard(sequence)} - tiles <= tiles_beside(*place[:2], 65.0)
    shown = {e["event_id"]: e for e in m11.operator.events() if e["reported"]}
    assert set(shown) == {"77-1", "77-2"}
    assert {e["cause_code"] for e in shown.values()} == {10}
    assert all(e["anchor_m"] == pytest.approx(measure_m, abs=5.0) for e in shown.values())

    once = len(heard(1)), len(heard(2))
    for sequence, version in ((1, 2), (1, 1), (2, 2), (2, 1)):
        assert sender.publish("cits/in/denm/fleet/another", said(sequence, version))
    assert sender.publish("cits/in/denm/fleet/v77", said(3, 2))
    until(lambda: {tile for tile, _ in heard(3)} >= tiles, "the marker does not come")
    assert (len(heard(1)), len(heard(2))) == once
    for sequence in (1, 2, 3):
        end = denm_at((77, sequence), *place[:2], heading_deg=0, time_ms=now_ms + 1, terminated=True)
        assert sender.publish("cits/in/denm/fleet/v77", end)
        until(lambda: heard(sequence)[-1][1] == b"", "it does not end")  # noqa: B023
    assert [e for e in m11.operator.events() if e["reported"]] == []
    for link in (everywhere, sender):
        link.leave()


def test_nobody_else_speaks_for_the_road(m11: Live) -> None:
    place = m11.road.place(m11.road.measure_at_km(500.0))
    topic = f"cits/out/denm/{'/'.join(min(tiles_beside(*place[:2])))}/{OWN}-9"
    everywhere, forger = m11.ear("cits/out/#"), m11.sender()
    now_ms = time.time_ns() // 1_000_000
    forged = denm_at((OWN, 9), *place[:2], heading_deg=place.heading_deg, time_ms=now_ms)
    forger.publish(topic, forged, retain=True)
    assert forger.publish("cits/in/denm/fleet/forger", forged)
    assert m11.hears_nothing_of(f"{OWN}-9", everywhere)
    late = m11.ear("cits/out/#")
    assert m11.hears_nothing_of(f"{OWN}-9", late)
    for link in (everywhere, forger, late):
        link.leave()


def test_no_mode_around_the_book_has_changed(m11: Live, a4: Live) -> None:
    for live in (m11, a4):
        assert modes_of(*live.modes) == live.modes
        assert stat.S_IMODE(live.platform.book.root.stat().st_mode) == 0o700
