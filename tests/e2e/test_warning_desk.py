"""Warnings on a real PostgreSQL and a real broker: from a vehicle that stands to the tiles, and off them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from running_broker import RunningBroker
from running_store import RunningStore
from traffic_scene import START_MS, table
from trassa.clock import SteppedClock
from trassa.live.axis_index import AxisIndex
from trassa.live.publisher import NotPublished, Publisher
from trassa.live.roadway import Roadway
from trassa.live.store.events import acknowledge, ended_events, open_events
from trassa.live.store.store import Store, StoreDown
from trassa.live.subjects import out_topic
from trassa.live.tile_board import Outgoing
from trassa.live.warning_desk import StepOutcome, WarningDesk
from trassa.plan.project import open_project
from trassa.vehicles.codec import decode, encode
from trassa.vehicles.denm_event import Event
from trassa.vehicles.denm_message import denm_of, termination_of
from trassa.vehicles.evidence import STATIONARY_VEHICLE
from trassa.vehicles.heard_denm import heard_denm
from trassa.vehicles.relevance import Relevance
from trassa.vehicles.stations import Sightings, Stations
from trassa.vehicles.tiles import tiles_touching

OWN = 4_200_000_011
FILTER = "cits/out/denm/#"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    running = RunningStore(tmp_path_factory.mktemp("книга"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    running = RunningBroker(tmp_path_factory.mktemp("broker"))
    yield running
    running.close()


@pytest.fixture
def publisher(broker: RunningBroker) -> Iterator[Publisher]:
    with Publisher(broker.ports, broker.secrets) as publisher:
        for topic in publisher.retained(FILTER):
            publisher.publish(topic, b"", retain=True)
        yield publisher


@pytest.fixture(scope="module")
def roadway(planned_lane: Path) -> Roadway:
    return Roadway.of(open_project(planned_lane))


@pytest.fixture(scope="module")
def axis(roadway: Roadway) -> AxisIndex:
    return AxisIndex(roadway.road)


class Scene:
    """One lane, a few vehicles, a desk that can be started again."""

    def __init__(self, roadway: Roadway, axis: AxisIndex, store: Store, publisher: Any) -> None:
        self.roadway, self.axis, self.store, self.publisher = roadway, axis, store, publisher
        self.clock = SteppedClock(START_MS)
        self.stations: Stations = table()
        self.start()

    def start(self) -> StepOutcome:
        """A new worker over the same store and broker."""
        self.desk = WarningDesk(self.roadway, self.store, self.publisher, self.clock, axis=self.axis)
        return self.desk.recover()

    def run(
        self, seconds: float, *vehicles: tuple[int, float, float], step_ms: int = 500, side: int = 0
    ) -> list[StepOutcome]:
        """Vehicles (station, measure, speed) on one carriageway send in every step."""
        outcomes = []
        for _ in range(round(seconds * 1000 / step_ms)):
            self.clock.step_to(self.clock.now_ms() + step_ms)
            if vehicles:
                self.stations.update(self._messages(vehicles, side))
            outcomes.append(self.desk.step(self.stations))
        return outcomes

    def report(self, *pdus: bytes) -> StepOutcome:
        return self.desk.take_reports([("cits.in.denm.fleet.v1", pdu) for pdu in pdus])

    def shown(self) -> list[dict[str, Any]]:
        with self.store.transaction() as connection:
            return open_events(connection)

    def ended(self) -> list[dict[str, Any]]:
        with self.store.transaction() as connection:
            return ended_events(connection, 10)

    def retained(self) -> dict[str, bytes]:
        found: dict[str, bytes] = self.publisher.retained(FILTER)
        return found

    def _messages(self, vehicles: tuple[tuple[int, float, float], ...], side: int) -> Sightings:
        n = len(vehicles)
        ids, measures, speeds = (np.array(column) for column in zip(*vehicles, strict=True))
        whole = np.zeros(n)
        return Sightings(
            ids.astype(np.uint32), np.full(n, self.clock.now_ms()), np.full(n, side, np.int8), measures.astype(float),
            whole, speeds.astype(float), whole, np.full(n, 5, np.uint8), whole, whole,
        )  # fmt: skip


@pytest.fixture
def scene(roadway: Roadway, axis: AxisIndex, server: RunningStore, publisher: Publisher) -> Iterator[Scene]:
    store = server.fresh()
    yield Scene(roadway, axis, store, publisher)
    store.close()


def kinds(outcomes: list[StepOutcome]) -> list[str]:
    return [event_id for outcome in outcomes for event_id in outcome.changed]


def foreign(
    scene: Scene,
    measure_m: float,
    *,
    station: int = 77,
    sequence: int = 5,
    cause: int = STATIONARY_VEHICLE,
    reference_ms: int | None = None,
    validity_s: int = 60,
) -> Event:
    """A hazard as another originator would report it."""
    now_ms = scene.clock.now_ms()
    reference_ms = now_ms if reference_ms is None else reference_ms
    return Event(
        station, sequence, cause, 0, "increasing", measure_m, measure_m, "open", now_ms, reference_ms, reference_ms,
        validity_s, "", {}, (), (), measure_m - 500.0, measure_m, (), now_ms, now_ms,
    )  # fmt: skip


def said(scene: Scene, event: Event) -> bytes:
    way = Relevance(scene.roadway.road).approach(event.carriageway, event.anchor_m)
    return denm_of(event, way, repetition_ms=1000)


def cancelled(scene: Scene, event: Event, later_ms: int = 1) -> bytes:
    way = Relevance(scene.roadway.road).approach(event.carriageway, event.anchor_m)
    return termination_of(replace(event, reference_ms=event.reference_ms + later_ms), way)


# ---- our own events


def test_a_vehicle_that_stands_is_in_the_tiles_upstream_until_it_moves(scene: Scene, broker: RunningBroker) -> None:
    vehicle = broker.vehicle()
    vehicle.subscribe(FILTER)
    before = scene.run(10.0, (7, 3000.0, 0.0))
    assert kinds(before) == []
    (fired,) = (o for o in scene.run(1.0, (7, 3000.0, 0.0)) if o.changed)
    event_id = f"{OWN}-0"
    assert fired.changed == (event_id,)
    tiles = Relevance(scene.roadway.road).tiles("increasing", 3000.0)
    assert [topic for topic, _, _ in fired.published] == [out_topic(tile, OWN, 0) for tile in tiles]
    assert all(retained for _, _, retained in fired.published)
    (pdu,) = {payload for _, payload, _ in fired.published}
    heard = heard_denm(decode(pdu))
    assert (heard.report_id, heard.cause) == (event_id, (94, 0))
    assert scene.retained() == {topic: pdu for topic, _, _ in fired.published}
    (shown,) = scene.shown()
    assert (shown["event_id"], shown["state"], shown["label"]) == (event_id, "open", scene.roadway.text(3000.0))
    assert shown["evidence"]["vehicles"] == 1
    assert not shown["reported"]
    late = broker.vehicle()
    late.subscribe(FILTER)
    assert late.hears(fired.published[0][0], pdu)
    repeated = [outcome.published for outcome in scene.run(10.0, (7, 3000.0, 0.0)) if outcome.published]
    assert [[p for _, p, _ in batch] for batch in repeated] == [[pdu] * len(tiles)] * 2
    ended = [outcome for outcome in scene.run(4.0, (7, 3010.0, 4.0)) if outcome.changed]
    assert [outcome.changed for outcome in ended] == [(event_id,)]
    first, last = ended[0].published[: len(tiles)], ended[0].published[len(tiles) :]
    assert {heard_denm(decode(payload)).termination for _, payload, _ in first} == {"isCancellation"}
    assert [payload for _, payload, _ in last] == [b""] * len(tiles)
    assert scene.retained() == {}
    assert vehicle.hears(*first[0][:2])
    assert scene.shown() == []
    assert [(e["event_id"], e["ended_because"]) for e in scene.ended()] == [(event_id, "seen moving")]
    vehicle.leave()
    late.leave()


def test_after_a_restart_the_event_lives_on_and_numbers_go_on(scene: Scene) -> None:
    scene.run(11.0, (7, 3000.0, 0.0))
    before = scene.retained()
    outcome = scene.start()
    assert outcome.changed == (f"{OWN}-0",)
    assert {topic: payload for topic, payload, _ in outcome.published} == before
    assert kinds(scene.run(2.0, (7, 3000.0, 0.0))) == []
    assert kinds(scene.run(3.0, (7, 3010.0, 4.0))) == [f"{OWN}-0"]
    scene.start()
    assert scene.retained() == {}
    assert f"{OWN}-1" in kinds(scene.run(13.0, (8, 2000.0, 0.0)))


def test_what_died_between_commit_and_publish_is_published_by_the_next(scene: Scene) -> None:
    class Dies:
        def publish_all(self, _messages: Any) -> None:
            raise KeyboardInterrupt

        def retained(self, _filter: str, quiet_s: float = 0.3) -> dict[str, bytes]:
            return {}

    alive = scene.publisher
    scene.publisher = Dies()
    scene.start()
    with pytest.raises(KeyboardInterrupt):
        scene.run(11.0, (7, 3000.0, 0.0))
    scene.publisher = alive
    assert [event["event_id"] for event in scene.shown()] == [f"{OWN}-0"]
    assert scene.retained() == {}
    scene.start()
    assert len(scene.retained()) == len(Relevance(scene.roadway.road).tiles("increasing", 3000.0))
    assert kinds(scene.run(2.0, (7, 3000.0, 0.0))) == []


def test_what_died_between_termination_and_clearing_is_cleared_by_the_next(scene: Scene) -> None:
    scene.run(11.0, (7, 3000.0, 0.0))
    alive = scene.publisher

    class Half:
        def publish_all(self, messages: Any) -> None:
            batch = list(messages)
            if any(payload == b"" for _, payload, _ in batch):
                raise KeyboardInterrupt
            alive.publish_all(batch)

    scene.desk._board._broker = Half()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        scene.run(4.0, (7, 3010.0, 4.0))
    assert {heard_denm(decode(payload)).termination for payload in scene.retained().values()} == {"isCancellation"}
    scene.start()
    assert scene.retained() == {}
    assert scene.start().published == ()


def test_strays_of_an_earlier_life_are_overwritten_and_cleared(scene: Scene, broker: RunningBroker) -> None:
    """What the broker holds and no event owns: our own number, another originator's, and bytes without sense."""
    own = said(scene, replace(foreign(scene, 3000.0), station_id=OWN, sequence=9))
    other = said(scene, foreign(scene, 3000.0))
    tile = "12030120321321"
    strays = {out_topic(tile, OWN, 9): own, out_topic(tile, 77, 5): other, out_topic(tile, 1, 1): b"nonsense"}
    for topic, payload in strays.items():
        scene.publisher.publish(topic, payload, retain=True)
    outcome = scene.start()
    assert scene.retained() == {}
    assert sorted(topic for topic, _, _ in outcome.published) == sorted([*strays, *strays])
    words = {topic: payload for topic, payload, _ in outcome.published if payload}
    assert heard_denm(decode(words[out_topic(tile, OWN, 9)])).termination == "isCancellation"
    assert heard_denm(decode(words[out_topic(tile, 77, 5)])).termination == "isNegation"
    broker.kill()
    assert not {topic for topic, payload in scene.retained().items() if payload in strays.values()}


def test_a_silent_vehicle_leaves_the_event_unconfirmed_until_its_validity(scene: Scene) -> None:
    scene.run(11.0, (7, 3000.0, 0.0))
    scene.run(7.0)
    assert [event["state"] for event in scene.shown()] == ["unconfirmed"]
    scene.run(100.0, step_ms=5000)
    assert scene.retained()
    scene.run(20.0, step_ms=5000)
    assert scene.retained() == {}
    assert [event["ended_because"] for event in scene.ended()] == ["validity over"]


def test_what_ran_out_while_nobody_was_there_is_not_put_up_again(scene: Scene) -> None:
    scene.run(11.0, (7, 3000.0, 0.0))
    pdu = next(iter(scene.retained().values()))
    scene.clock.step_to(scene.clock.now_ms() + 130_000)
    outcome = scene.start()
    assert pdu not in [payload for _, payload, _ in outcome.published]
    assert scene.retained() == {}


def test_an_operator_ends_it_and_the_same_vehicle_does_not_bring_it_back(scene: Scene) -> None:
    scene.run(11.0, (7, 3000.0, 0.0))
    assert scene.desk.end_by_operator("1-1", "anna") == (False, "there is no open event 1-1")
    assert scene.desk.end_by_operator(f"{OWN}-0", "anna", "Ложное срабатывание: «съёмка»") == (True, "")
    assert scene.retained() == {}
    assert kinds(scene.run(10.0, (7, 3000.0, 0.0))) == []
    scene.start()
    assert kinds(scene.run(15.0, (7, 3000.0, 0.0))) == []
    (ended,) = scene.ended()
    assert (ended["ended_because"], ended["ended_by"]) == ("operator", "anna")
    assert ended["ended_note"] == "Ложное срабатывание: «съёмка»"


def test_an_operator_takes_note_once(scene: Scene) -> None:
    scene.run(11.0, (7, 3000.0, 0.0))
    with scene.store.transaction() as connection:
        assert acknowledge(connection, f"{OWN}-0", "anna", 5)
        assert acknowledge(connection, f"{OWN}-0", "boris", 6)
        assert not acknowledge(connection, "1-1", "anna", 7)
    (shown,) = scene.shown()
    assert (shown["acknowledged_by"], shown["acknowledged_ms"]) == ("anna", 5)


def test_without_the_broker_nothing_is_lost(scene: Scene) -> None:
    alive = scene.publisher

    class Away:
        def publish_all(self, _messages: Any) -> None:
            raise NotPublished("broker: away", cure="wait")

    scene.desk._board._broker = Away()  # type: ignore[assignment]
    outcomes = scene.run(20.0, (7, 3000.0, 0.0))
    assert kinds(outcomes) == [f"{OWN}-0"]
    assert all(outcome.published == () for outcome in outcomes)
    scene.desk._board._broker = alive
    (outcome,) = scene.run(0.5, (7, 3000.0, 0.0))
    assert {topic: payload for topic, payload, _ in outcome.published} == scene.retained() != {}


def test_without_the_store_what_stands_is_repeated_and_nothing_begins(scene: Scene, server: RunningStore) -> None:
    scene.run(11.0, (7, 3000.0, 0.0))
    pdu = next(iter(scene.retained().values()))
    scene.store._patience_s = 0.1
    server.kill()
    outcomes = scene.run(6.0, (7, 3000.0, 0.0), (8, 500.0, 0.0), step_ms=1000)
    assert [payload for outcome in outcomes for _, payload, _ in outcome.published if payload != pdu] == []
    down = scene.run(8.0, (7, 3010.0, 4.0), (8, 500.0, 0.0), step_ms=1000)
    assert any(outcome.store_is_down for outcome in down)
    with pytest.raises(StoreDown):
        scene.report(said(scene, foreign(scene, 1500.0)))
    scene.store._patience_s = 20.0
    server.start_again()
    scene.run(4.0, (7, 3030.0, 4.0), (8, 500.0, 0.0))
    assert [event["event_id"] for event in scene.shown()] == [f"{OWN}-1"]
    assert {topic.rsplit("/", 1)[1] for topic in scene.retained()} == {f"{OWN}-1"}


# ---- what others report


def test_a_report_is_passed_on_byte_for_byte_and_ends_with_its_validity(scene: Scene) -> None:
    pdu = said(scene, foreign(scene, 3000.0))
    outcome = scene.report(pdu)
    assert outcome.fates == ("live",)
    assert {payload for _, payload, _ in outcome.published} == {pdu}
    tiles = set(Relevance(scene.roadway.road).tiles("increasing", 3000.0))
    assert {topic for topic, _, _ in outcome.published} >= {out_topic(tile, 77, 5) for tile in tiles}
    (shown,) = scene.shown()
    assert (shown["event_id"], shown["reported"], shown["carriageway"]) == ("77-5", True, "increasing")
    assert shown["anchor_m"] == pytest.approx(3000.0, abs=1.0)
    assert scene.report(pdu, pdu).fates == ("duplicate", "duplicate")
    assert scene.start().changed == ()
    assert set(scene.retained().values()) == {pdu}
    assert scene.report(pdu).fates == ("duplicate",)
    (ended,) = [o for o in scene.run(62.0, step_ms=1000) if o.changed]
    assert heard_denm(decode(ended.published[0][1])).termination == "isNegation"
    assert scene.retained() == {}
    assert [event["ended_because"] for event in scene.ended()] == ["validity over"]
    assert scene.report(pdu).fates == ("duplicate",)
    assert scene.retained() == {}


def test_a_newer_version_takes_the_place_and_a_late_repetition_does_not(scene: Scene) -> None:
    first = foreign(scene, 3000.0)
    second = replace(first, reference_ms=first.reference_ms + 1000, anchor_m=2900.0)
    assert scene.report(said(scene, first), said(scene, second)).fates == ("live", "live")
    assert scene.report(said(scene, first)).fates == ("late",)
    assert set(scene.retained().values()) == {said(scene, second)}
    assert [event["reference_ms"] for event in scene.shown()] == [second.reference_ms]
    end = cancelled(scene, second, 1000)
    outcome = scene.report(end)
    assert outcome.fates == ("ended",)
    assert outcome.published[0][1] == end
    assert scene.report(end, said(scene, first), said(scene, second)).fates == ("late", "late", "late")
    scene.start()
    assert scene.report(end, said(scene, first), said(scene, second)).fates == ("late", "late", "late")
    assert scene.retained() == {}


def test_an_end_that_came_before_its_beginning_stays_the_end(scene: Scene) -> None:
    event = foreign(scene, 3000.0)
    assert scene.report(cancelled(scene, event), said(scene, event)).fates == ("ended", "late")
    assert scene.retained() == {}


def test_times_that_contradict_or_have_run_out_are_marked_and_not_passed_on(scene: Scene) -> None:
    event = foreign(scene, 3000.0)
    old = replace(event, detection_ms=event.detection_ms - 61_000)
    odd = replace(event, sequence=6, detection_ms=event.detection_ms + 5000)
    outcome = scene.report(said(scene, old), said(scene, odd), said(scene, odd))
    assert outcome.fates == ("marked", "marked", "duplicate")
    assert outcome.published == ()
    assert scene.shown() == []
    assert scene.desk.report_counts["marked"] == 2


def test_nobody_else_speaks_under_our_name_or_ends_another_ones(scene: Scene) -> None:
    scene.run(11.0, (7, 3000.0, 0.0))
    standing = scene.retained()
    pretended = replace(foreign(scene, 3000.0), station_id=OWN, sequence=0)
    outcome = scene.report(cancelled(scene, pretended, 5000), b"", b"\x02\x02nonsense")
    assert outcome.fates == ("refused", "refused", "refused")
    other = foreign(scene, 1000.0)
    assert scene.report(said(scene, other)).fates == ("live",)
    forged = bytearray(cancelled(scene, other, 5000))
    forged[2:6] = (12345).to_bytes(4, "big")
    assert scene.report(bytes(forged)).fates == ("foreign end",)
    assert {event["event_id"] for event in scene.shown()} == {f"{OWN}-0", "77-5"}
    assert {topic: scene.retained()[topic] for topic in standing} == standing


def test_where_a_report_lives_there_is_no_second_warning_of_ours(scene: Scene) -> None:
    scene.report(said(scene, foreign(scene, 3100.0)))
    scene.run(15.0, (7, 3000.0, 0.0))
    (shown,) = scene.shown()
    assert (shown["event_id"], shown["attached_to"]) == ("77-5", "own detectors")
    assert shown["evidence"]["vehicles"] == 1
    scene.report(cancelled(scene, foreign(scene, 3100.0), 5000))
    scene.run(1.0, (7, 3000.0, 0.0))
    assert [event["event_id"] for event in scene.shown()] == [f"{OWN}-0"]


def test_a_report_whose_originator_fell_silent_does_not_silence_the_road(scene: Scene) -> None:
    """A day's validity, unsigned: it stands, but after two minutes it is no reason to be still."""
    pdu = said(scene, foreign(scene, 3000.0, validity_s=86_400))
    scene.report(pdu)
    scene.run(100.0, (7, 3000.0, 0.0))
    scene.report(pdu)  # it repeats itself: heard again
    scene.run(60.0, (7, 3000.0, 0.0))
    assert [event["event_id"] for event in scene.shown()] == ["77-5"]
    scene.run(62.0, (7, 3000.0, 0.0))
    assert {event["event_id"] for event in scene.shown()} == {"77-5", f"{OWN}-0"}


def test_an_operator_ends_a_report_and_a_newer_version_brings_it_back(scene: Scene) -> None:
    event = foreign(scene, 3000.0, validity_s=86_400)
    scene.report(said(scene, event))
    assert scene.desk.end_by_operator("77-5", "anna", "nobody there") == (True, "")
    assert scene.desk.end_by_operator("77-5", "anna") == (False, "there is no open event 77-5")
    assert (scene.shown(), scene.retained()) == ([], {})
    assert [ended["ended_because"] for ended in scene.ended()] == ["ended by anna: nobody there"]
    scene.start()
    assert scene.report(said(scene, event)).fates == ("late",)
    assert scene.report(said(scene, replace(event, reference_ms=event.reference_ms + 1000))).fates == ("live",)


def test_a_report_of_what_we_warn_of_is_attached_to_our_event(scene: Scene) -> None:
    scene.run(11.0, (7, 3000.0, 0.0))
    scene.report(said(scene, foreign(scene, 3100.0)))
    shown = {event["event_id"]: event["attached_to"] for event in scene.shown()}
    assert shown == {f"{OWN}-0": "", "77-5": f"{OWN}-0"}


def rewritten(pdu: bytes, *, drop_location: bool = False, latitude: int | None = None) -> bytes:
    """The same DENM with something else about its place."""
    value = decode(pdu).value
    if drop_location:
        del value["denm"]["location"]
    if latitude is not None:
        value["denm"]["management"]["eventPosition"]["latitude"] = latitude
    return encode("DENM", value)


def test_without_a_heading_both_carriageways_are_told(scene: Scene) -> None:
    pdu = rewritten(said(scene, foreign(scene, 2000.0)), drop_location=True)
    outcome = scene.report(pdu)
    (shown,) = scene.shown()
    assert shown["carriageway"] is None
    assert (shown["start_m"], shown["end_m"]) == pytest.approx((0.0, 4000.0), abs=5.0)
    relevance = Relevance(scene.roadway.road)
    tiles = {*relevance.tiles("increasing", 2000.0), *relevance.tiles("decreasing", 2000.0)}
    assert {topic for topic, _, _ in outcome.published} >= {out_topic(tile, 77, 5) for tile in tiles}
    scene.run(15.0, (7, 2000.0, 0.0))
    assert [event["event_id"] for event in scene.shown()] == ["77-5"]
    scene.run(15.0, (8, 2000.0, 0.0), side=1)
    own = [event for event in scene.shown() if not event["reported"]]
    assert [event["carriageway"] for event in own] == ["decreasing"], "one report stands for one carriageway"


def test_off_the_road_a_report_is_passed_on_where_it_is(scene: Scene) -> None:
    pdu = rewritten(said(scene, foreign(scene, 2000.0)), latitude=559_000_000)
    outcome = scene.report(pdu)
    assert outcome.fates == ("live",)
    heard = heard_denm(decode(pdu))
    assert heard.position_deg is not None
    tiles = tiles_touching([heard.position_deg[0]], [heard.position_deg[1]])
    assert [topic for topic, _, _ in outcome.published] == [out_topic(tile, 77, 5) for tile in tiles]
    (shown,) = scene.shown()
    assert (shown["carriageway"], shown["anchor_m"], shown["label"]) == (None, None, "")


def test_a_report_without_a_place_is_kept_and_passed_on_nowhere(scene: Scene) -> None:
    outcome = scene.report(rewritten(said(scene, foreign(scene, 2000.0)), latitude=900_000_001))
    assert outcome.fates == ("live",)
    assert outcome.published == ()
    assert [event["event_id"] for event in scene.shown()] == ["77-5"]
    scene.run(62.0, step_ms=1000)
    assert [event["ended_because"] for event in scene.ended()] == ["validity over"]


def test_the_same_version_in_another_encoding_is_one_report(scene: Scene) -> None:
    """protocolVersion 1 writes other bits for the same event: who dedupes by bytes would show two."""
    event = foreign(scene, 2000.0)
    second = said(scene, event)
    value = decode(rewritten(second, drop_location=True)).value["denm"]
    said_now = value["management"]
    first = encode(
        "DENM",
        {
            "header": {"protocolVersion": 1, "messageID": 1, "stationID": 77},
            "denm": {
                "management": {
                    "actionID": {"originatingStationID": 77, "sequenceNumber": 5},
                    **{name: said_now[name] for name in ("detectionTime", "referenceTime", "eventPosition")},
                    "validityDuration": 60,
                    "stationType": 15,
                },
                "situation": {"informationQuality": 3, "eventType": {"causeCode": 94, "subCauseCode": 0}},
            },
        },
        1,
    )
    assert first != second
    assert scene.report(first, second).fates == ("live", "duplicate")
    assert set(scene.retained().values()) == {first}
    assert [event["cause_code"] for event in scene.shown()] == [94]


def test_the_same_day_twice_says_the_same_bytes(
    roadway: Roadway, axis: AxisIndex, server: RunningStore, publisher: Publisher
) -> None:
    days: list[list[Outgoing]] = []
    for _ in range(2):
        store = server.fresh()
        scene = Scene(roadway, axis, store, publisher)
        outcomes = scene.run(12.0, (7, 3000.0, 0.0), (8, 1000.0, 0.0))
        outcomes.append(scene.report(said(scene, foreign(scene, 3500.0, cause=2))))
        outcomes += scene.run(10.0, (7, 3010.0, 5.0), (8, 1000.0, 0.0))
        outcomes += scene.run(130.0, step_ms=1000)
        days.append([message for outcome in outcomes for message in outcome.published])
        assert scene.retained() == {}
        store.close()
    assert days[0] == days[1]
    assert len(days[0]) > 40
