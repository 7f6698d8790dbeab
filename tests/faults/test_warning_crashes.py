"""The worker dies at every point of a warning's life in turn: between any two messages, before and after any COMMIT.

Whatever the point, the next worker finishes: one event for one hazard, one number, every tile cleared, nothing risen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from running_store import RunningStore
from traffic_scene import START_MS, table
from trassa.clock import SteppedClock
from trassa.live.axis_index import AxisIndex
from trassa.live.roadway import Roadway
from trassa.live.store.events import ended_events, open_events
from trassa.live.store.store import Connection, Store
from trassa.live.subjects import out_topic
from trassa.live.tile_board import Outgoing
from trassa.live.warning_desk import WarningDesk
from trassa.plan.project import open_project
from trassa.vehicles.codec import decode
from trassa.vehicles.denm_event import Event
from trassa.vehicles.denm_message import denm_of, termination_of
from trassa.vehicles.heard_denm import heard_denm
from trassa.vehicles.relevance import Relevance
from trassa.vehicles.stations import Sightings, Stations

OWN = 4_200_000_011
STANDS_UNTIL_S, ENDS_S = 25.0, 35.0
REPORT_S, CANCELLED_S = 3.0, 20.0


class Died(BaseException):
    """The process is gone; nothing below may catch it."""


class Broker:
    """Retained messages as a broker keeps them; dies before the n-th message of its life."""

    def __init__(self, dies_at: int = -1) -> None:
        self.kept: dict[str, bytes] = {}
        self.log: list[tuple[str, bytes]] = []
        self.left = dies_at

    def publish_all(self, messages: Iterable[Outgoing]) -> None:
        for topic, payload, retain in messages:
            assert retain
            if self.left == 0:
                self.left = -1
                raise Died
            self.left -= 1
            self.log.append((topic, payload))
            if payload:
                self.kept[topic] = payload
            else:
                assert heard_denm(decode(self.kept[topic])).termination, "cleared before it was overwritten"
                del self.kept[topic]

    def retained(self, topic_filter: str, quiet_s: float = 0.3) -> dict[str, bytes]:
        assert topic_filter == "cits/out/denm/#"
        return dict(self.kept)


class MortalStore:
    """A store whose user dies just before, or just after, the n-th COMMIT."""

    def __init__(self, store: Store, dies_at: int = -1, *, after: bool = False) -> None:
        self._store, self.left, self._after = store, dies_at, after

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._store.transaction() as connection:
            yield connection
            if self.left == 0 and not self._after:
                self.left = -1
                raise Died
        if self.left == 0:
            self.left = -1
            raise Died
        self.left -= 1


class Story:
    """A vehicle stands and moves off; another originator reports something elsewhere and cancels it."""

    def __init__(self, roadway: Roadway, axis: AxisIndex, store: Any, broker: Broker) -> None:
        self.roadway, self.axis, self.store, self.broker = roadway, axis, store, broker
        self.clock = SteppedClock(START_MS)
        self.deaths = 0
        self.desk: WarningDesk
        self.stations: Stations

    def start(self) -> None:
        self.desk = WarningDesk(self.roadway, self.store, self.broker, self.clock, axis=self.axis)
        self.stations = table()
        self.desk.recover()

    def play(self) -> None:
        waiting = {REPORT_S: self.report(), CANCELLED_S: self.cancellation()}
        alive = False
        while (at_s := (self.clock.now_ms() - START_MS) / 1000) < ENDS_S + 140.0 * (self.deaths and 1):
            try:
                if not alive:
                    self.start()
                    alive = True
                self.hear(at_s)
                for due_s in [due_s for due_s in waiting if due_s <= at_s]:
                    self.desk.take_reports([("cits.in.denm.fleet.v1", waiting[due_s])])
                    del waiting[due_s]
                self.desk.step(self.stations)
            except Died:
                self.deaths += 1
                alive = False
            self.clock.step_to(self.clock.now_ms() + (500 if at_s < ENDS_S else 5000))

    def hear(self, at_s: float) -> None:
        if at_s >= ENDS_S:
            return
        speed = 0.0 if at_s < STANDS_UNTIL_S else 6.0
        whole = np.zeros(1)
        self.stations.update(
            Sightings(
                np.array([7], np.uint32), np.array([self.clock.now_ms()]), np.zeros(1, np.int8), whole + 3000.0,
                whole, whole + speed, whole, np.array([5], np.uint8), whole, whole,
            )
        )  # fmt: skip

    def report(self, later_ms: int = 0) -> bytes:
        return denm_of(self._foreign(later_ms), self._way(), repetition_ms=1000)

    def cancellation(self) -> bytes:
        return termination_of(self._foreign(15_000), self._way())

    def _way(self) -> Any:
        return Relevance(self.roadway.road).approach("increasing", 1500.0)

    def _foreign(self, later_ms: int) -> Event:
        return Event(
            77, 5, 2, 0, "increasing", 1500.0, 1500.0, "open", START_MS, START_MS + later_ms, START_MS + later_ms,
            100, "", {}, (), (), 0.0, 1500.0, (), START_MS, START_MS,
        )  # fmt: skip

    def verify(self) -> None:
        """What must be true at the end, whoever died when."""
        assert self.broker.kept == {}
        self.store.left = -1
        with self.store.transaction() as connection:
            assert open_events(connection) == []
            ended = ended_events(connection, 20)
        assert sorted((e["event_id"], e["cause_code"]) for e in ended) == [(f"{OWN}-0", 94), ("77-5", 2)]
        versions: dict[str, list[int]] = {}
        for topic, payload in self.broker.log:
            if payload:
                versions.setdefault(topic, []).append(heard_denm(decode(payload)).reference_its_ms)
        risen = {topic: said for topic, said in versions.items() if said != sorted(said)}
        assert not risen, "an older version rose again"
        tiles = Relevance(self.roadway.road).tiles("increasing", 3000.0)
        assert {topic for topic in versions if topic.endswith(f"{OWN}-0")} == {out_topic(t, OWN, 0) for t in tiles}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    running = RunningStore(tmp_path_factory.mktemp("книга"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def roadway(planned_lane: Path) -> Roadway:
    return Roadway.of(open_project(planned_lane))


@pytest.fixture(scope="module")
def axis(roadway: Roadway) -> AxisIndex:
    return AxisIndex(roadway.road)


def test_a_life_without_death(roadway: Roadway, axis: AxisIndex, server: RunningStore) -> None:
    store = server.fresh()
    story = Story(roadway, axis, MortalStore(store), Broker())
    story.play()
    story.verify()
    assert story.deaths == 0
    store.close()


def test_death_between_any_two_messages(roadway: Roadway, axis: AxisIndex, server: RunningStore) -> None:
    died = 0
    for point in range(200):
        store = server.fresh()
        story = Story(roadway, axis, MortalStore(store), Broker(point))
        story.play()
        story.verify()
        store.close()
        if not story.deaths:
            break
        died += 1
    assert 10 <= died < 199


@pytest.mark.parametrize("after", [False, True], ids=["before COMMIT", "after COMMIT"])
def test_death_at_any_commit(roadway: Roadway, axis: AxisIndex, server: RunningStore, after: bool) -> None:
    died = 0
    for point in range(200):
        store = server.fresh()
        story = Story(roadway, axis, MortalStore(store, point, after=after), Broker())
        story.play()
        story.verify()
        store.close()
        if not story.deaths:
            break
        died += 1
    assert 5 <= died < 199
