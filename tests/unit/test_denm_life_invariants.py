"""What must hold of every life of warnings, whatever is seen in whatever order."""

from __future__ import annotations

from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from trassa.linear import CARRIAGEWAYS, Carriageway, Extent
from trassa.vehicles import denm_life
from trassa.vehicles.denm_event import Event, HeardReport
from trassa.vehicles.denm_life import end_by_operator, restored, step
from trassa.vehicles.denm_state import Effect, Life, LifeRules
from trassa.vehicles.evidence import QUEUE_END, STATIONARY_VEHICLE, Departure, Sighting
from trassa.vehicles.relevance import upstream_extent

NUMBERS = 6
LONGEST_STEP_MS = 1000


def place(carriageway: Carriageway, anchor_m: float) -> tuple[Extent, tuple[str, ...]]:
    extent = upstream_extent(carriageway, anchor_m, 500.0, 5000.0)
    return extent, tuple(str(n) for n in range(int(extent.start_m // 500), int(extent.end_m // 500) + 1))


RULES = LifeRules(1, place, validity_s=20)
STATIONS = st.lists(st.integers(1, 9), min_size=1, max_size=5, unique=True).map(lambda s: tuple(sorted(s)))


@st.composite
def sightings(draw: st.DrawFn) -> Sighting:
    carriageway = draw(st.sampled_from(CARRIAGEWAYS))
    anchor_m = draw(st.integers(0, 50)) * 100.0
    if draw(st.booleans()):
        return Sighting(STATIONARY_VEHICLE, carriageway, anchor_m, anchor_m, "S1", draw(STATIONS))
    length_m = draw(st.integers(0, 6)) * 50.0
    head_m = anchor_m + length_m if carriageway == "increasing" else max(0.0, anchor_m - length_m)
    return Sighting(QUEUE_END, carriageway, anchor_m, head_m, "Q2", draw(STATIONS))


class LifeOfWarnings(RuleBasedStateMachine):
    """Lets the life run on arbitrary evidence and keeps its own book of every message that was sent."""

    @initialize()
    def begin(self) -> None:
        self.now_ms = 1_780_000_000_000
        self.life = Life()
        self.sent: dict[str, Event] = {}
        self.sent_at: dict[str, int] = {}
        self.void_at: dict[str, int] = {}
        self.over: set[str] = set()
        self.patch = mock.patch.object(denm_life, "MODULUS", NUMBERS)
        self.patch.start()

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.stop()

    @rule(
        after_ms=st.integers(1, LONGEST_STEP_MS),
        seen=st.lists(sightings(), max_size=3),
        gone=st.lists(STATIONS, max_size=2),
        report=st.none()
        | st.builds(HeardReport, st.just("9-9"), st.just(STATIONARY_VEHICLE), st.none(), st.just(900.0)),
    )
    def moment(
        self, after_ms: int, seen: list[Sighting], gone: list[tuple[int, ...]], report: HeardReport | None
    ) -> None:
        self.now_ms += after_ms
        departures = [Departure(e.event_id, s) for e, s in zip(self.life.events, gone, strict=False)]
        before = self.life
        arguments = (seen, departures, self.now_ms, RULES, [report] if report else [])
        self.life, effects = step(before, *arguments)
        assert (self.life, effects) == step(before, *arguments), "the same input gave another output"
        self.note(effects)

    @rule(seconds=st.integers(1, 25))
    def nothing_for_a_while(self, seconds: int) -> None:
        for _ in range(seconds):
            self.moment(LONGEST_STEP_MS, [], [], None)

    @rule(number=st.integers(0, NUMBERS - 1))
    def operator(self, number: int) -> None:
        self.life, effects = end_by_operator(self.life, f"1-{number}", "anna", self.now_ms, RULES)
        self.note(effects)

    @rule()
    def restart(self) -> None:
        ended = [event for event_id, event in self.sent.items() if event_id in self.over]
        self.life = restored(self.life.events, self.life.last_sequence, ended, self.now_ms, RULES)
        for event in self.life.events:
            self.sent_at[event.event_id] = self.now_ms

    def note(self, effects: list[Effect]) -> None:
        told = [e.event.event_id for e in effects if e.event and e.kind in ("new", "update", "repeat")]
        assert len(told) == len(set(told)), "one event told twice in one moment"
        for effect in effects:
            if effect.event is not None:
                self.note_message(effect.kind, effect.event)

    def note_message(self, kind: str, event: Event) -> None:
        last = self.sent.get(event.event_id)
        assert 0 <= event.sequence < NUMBERS
        if kind == "new":
            assert last is None or event.event_id in self.over, "a number that is in use was given again"
            assert self.now_ms >= self.void_at.get(event.event_id, 0), "a number was given while it may be held valid"
            self.over.discard(event.event_id)
        else:
            assert last is not None
            assert event.event_id not in self.over, "an ended event was told again"
        if kind in ("update", "end"):
            assert last is not None
            assert event.reference_ms > last.reference_ms, "a version without a later referenceTime"
        if kind == "repeat":
            assert last is not None
            assert (event.reference_ms, event.detection_ms) == (last.reference_ms, last.detection_ms)
        if kind == "end":
            assert event.ended_because
            assert event.ended_ms == self.now_ms
            self.over.add(event.event_id)
        if kind in ("new", "update", "repeat", "end"):
            assert event.detection_ms <= self.now_ms
            assert event.validity_s <= 120
            self.sent[event.event_id], self.sent_at[event.event_id] = event, self.now_ms
            self.void_at[event.event_id] = max(event.void_ms, last.void_ms if last and kind != "new" else 0)

    @invariant()
    def open_events_are_repeated_in_time(self) -> None:
        for event in getattr(self, "life", Life()).events:
            assert self.now_ms - self.sent_at[event.event_id] < RULES.repetition_ms + LONGEST_STEP_MS
            assert self.now_ms < event.void_ms, "an event outlived its validity"

    @invariant()
    def no_two_events_share_a_place(self) -> None:
        life = getattr(self, "life", Life())
        anchors = [(e.cause_code, e.carriageway, e.anchor_m) for e in life.events]
        assert len(anchors) == len(set(anchors))
        assert len({e.sequence for e in life.events}) == len(life.events)

    @invariant()
    def a_silent_event_is_never_extended(self) -> None:
        for event in getattr(self, "life", Life()).events:
            silent = self.now_ms - event.confirmed_ms > RULES.silence_ms
            assert not silent or event.state == "unconfirmed"
            assert event.detection_ms <= event.confirmed_ms or silent or event.opened_ms == event.detection_ms


LifeOfWarnings.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
TestLifeOfWarnings = LifeOfWarnings.TestCase
