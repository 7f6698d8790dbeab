"""The life of warnings, told line by line: at which second what is seen, and what follows."""

from __future__ import annotations

import re

import pytest

from trassa.linear import Carriageway, Extent
from trassa.vehicles import denm_life
from trassa.vehicles.denm_event import Event, HeardReport
from trassa.vehicles.denm_life import end_by_operator, restored, step
from trassa.vehicles.denm_state import Effect, Life, LifeRules
from trassa.vehicles.evidence import QUEUE_END, STATIONARY_VEHICLE, Departure, Sighting
from trassa.vehicles.relevance import upstream_extent

START_MS = 1_780_000_000_000
SIGN: dict[str, Carriageway] = {"+": "increasing", "-": "decreasing"}


def place(carriageway: Carriageway, anchor_m: float) -> tuple[Extent, tuple[str, ...]]:
    """Two kilometres upstream; a tile each kilometre."""
    extent = upstream_extent(carriageway, anchor_m, 2000.0, 100_000.0)
    return extent, tuple(f"{n:03d}" for n in range(int(extent.start_m // 1000), int(extent.end_m // 1000) + 1))


RULES = LifeRules(1, place)

# second | evidence | effects
# S stationary, Q queue: sense of the carriageway, measure or end..head, stations.  gone, op (operator): event, stations
SCENES = {
    "seen, repeated, gone": """
        0     | S+5000:7   | new 1-0 94+5000
        1     | S+5000:7   |
        5     | S+5000:7   | repeat 1-0
        10    | S+5000:7   | repeat 1-0
        12    | gone 1-0:7 | end 1-0 seen moving
        20    |            |
        """,
    "silence is no end": """
        0     | S+5000:7 | new 1-0 94+5000
        3.0   |          |
        3.1   |          | unconfirmed 1-0
        5     |          | repeat 1-0
        10    |          | repeat 1-0
        119   |          | repeat 1-0
        119.9 |          |
        120   |          | end 1-0 validity over
        121   |          |
        """,
    "silence, and heard again": """
        0     | S+5000:7 | new 1-0 94+5000
        4     |          | unconfirmed 1-0
        4.5   | S+5004:7 | confirmed 1-0
        8     | S+5000:7 | repeat 1-0
        """,
    "only an update is a new version; validity goes on from it": """
        0     | S+5000:7 | new 1-0 94+5000
        59    | S+5000:7 | repeat 1-0
        60    | S+5000:7 | update 1-0
        119   | S+5000:7 | repeat 1-0
        120   | S+5000:7 | update 1-0
        121   |          |
        124   |          | unconfirmed 1-0
        239   |          | repeat 1-0
        240   |          | end 1-0 validity over
        """,
    "the same hazard within 200 m, another beyond, the other carriageway": """
        0     | S+5000:7   | new 1-0 94+5000
        1     | S+5190:8   |
        2     | S+5201:9   | new 1-1 94+5201
        3     | S-5000:10  | new 1-2 94-5000
        4     | gone 1-0:7 |
        4.1   | gone 1-0:8 | end 1-0 seen moving
        """,
    "of two vehicles that stand there, one leaves": """
        0     | S+5000:7,8 | new 1-0 94+5000
        1     | gone 1-0:8 |
        5     | S+5000:7   | repeat 1-0
        6     | gone 1-0:7 | end 1-0 seen moving
        """,
    "of two that stand there, one leaves and one falls silent": """
        0     | S+5000:7,8 | new 1-0 94+5000
        1     | gone 1-0:8 |
        4     |            | unconfirmed 1-0
        6     |            | repeat 1-0
        """,
    "noise moves nothing": """
        0     | S+5000:7 | new 1-0 94+5000
        1     | S+5012:7 |
        2     | S+4988:7 |
        3     | S+5040:7 |
        5     | S+4991:7 | repeat 1-0
        """,
    "a queue grows: the event follows its end": """
        0     | Q+7950..8000:1,2,3,4,5     | new 1-0 27+7950
        1     | Q+7940..8000:1,2,3,4,5,6   |
        2     | Q+7900..8000:1,2,3,4,5,6   | update 1-0 27+7900
        3     | Q+7930..8000:1,2,3,4,5,6   |
        7     | Q+7870..8000:1,2,3,4,5,6,7 | repeat 1-0
        """,
    "a queue shrinks: the event follows later, for its end flickers": """
        0     | Q-8100..8000:1,2,3,4,5 | new 1-0 27-8100
        1     | Q-8040..8000:1,2,3     |
        5     | Q-8040..8000:1,2,3     | repeat 1-0
        10    | Q-8040..8000:1,2,3     | update 1-0 27-8040
        """,
    "a queue dissolves when half of it has gone": """
        0     | Q+7950..8000:1,2,3,4 | new 1-0 27+7950
        1     | gone 1-0:1           |
        2     | gone 1-0:2           | end 1-0 queue dissolved
        """,
    "a queue from which vehicles go at its head lasts": """
        0     | Q+7950..8000:1,2,3,4             | new 1-0 27+7950
        1     | Q+7950..8000:3,4,5; gone 1-0:1,2 |
        2     | Q+7950..8000:3,4,5               |
        """,
    "who stands in a queue belongs to it": """
        0     | Q+7950..8000:1,2,3,4,5                   | new 1-0 27+7950
        5     | Q+7950..8000:1,2,3,4,5; S+7950:1,2,3,4,5 | repeat 1-0
        6     | S+7960:9                                 |
        7     | S-7960:9                                 | new 1-1 94-7960
        8     | S+7500:10; Q+7950..8000:1,2,3            | new 1-2 94+7500
        """,
    "the breakdown keeps its own event when a queue grows behind it": """
        0     | S+8000:7                             | new 1-0 94+8000
        5     | S+8000:7                             | repeat 1-0
        6     | Q+7950..7990:1,2,3,4,5; S+8000:7,1,2 | new 1-1 27+7950
        10    | Q+7950..7990:1,2,3,4,5; S+8000:7,1,2 | repeat 1-0
        11    | Q+7950..7990:1,2,3,4,5; S+8000:7     | repeat 1-1
        12    | Q+7950..7990:1,2,3,4,5; gone 1-0:7   | end 1-0 seen moving
        """,
    "who stood near a breakdown is of the queue once there is one": """
        0     | S+8000:7                                 | new 1-0 94+8000
        1     | S+7980:1                                 |
        6     | Q+7900..7990:1,2,3,4,5; S+7900:1,2,3,7   | new 1-1 27+7900; repeat 1-0
        7     | Q+7900..7990:1,2,3,4,5; gone 1-0:7       | end 1-0 seen moving
        """,
    "the last vehicles of a queue have time to move off": """
        0     | Q+7950..8000:1,2,3,4      | new 1-0 27+7950
        1     | gone 1-0:1,2              | end 1-0 queue dissolved
        1.1   | S+7950:3,4                |
        20.9  | S+7950:4                  |
        20.95 | S+7950:9                  | new 1-1 94+7950
        """,
    "one of a queue that stays when all others have gone is a stationary vehicle": """
        0     | Q+7950..8000:1,2,3,4      | new 1-0 27+7950
        1     | gone 1-0:1,2              | end 1-0 queue dissolved
        21    | S+7950:4                  | new 1-1 94+7950
        """,
    "two chains of one queue are one event and do not fight over it": """
        0     | Q+7700..7820:1,2,3,4,5; Q+7900..8000:6,7,8,9,10 | new 1-0 27+7700
        1     | Q+7700..7820:1,2,3,4,5; Q+7900..8000:6,7,8,9,10 |
        12    | Q+7900..8000:6,7,8,9,10; Q+7700..7820:1,2,3,4,5 | repeat 1-0
        """,
    "two queues that grow together are one": """
        0     | Q+8000..8400:6,7,8,9,10                         | new 1-0 27+8000
        1     | Q+7500..7700:1,2,3,4,5; Q+8000..8400:6,7,8,9,10 | new 1-1 27+7500
        2     | Q+7500..8400:1,2,3,4,5,6                        | update 1-0 27+7500; end 1-1 part of 1-0
        """,
    "an operator ends it; the same vehicle does not bring it back, another does": """
        0     | S+5000:7 | new 1-0 94+5000
        1     | op 1-0   | end 1-0 operator
        2     | S+5000:7 |
        100   | S+5000:7 |
        200   | S+5000:7 |
        201   | S+5000:8 | new 1-1 94+5000
        """,
    "an operator's word lasts as long as the vehicle stands there": """
        0     | S+5000:7 | new 1-0 94+5000
        1     | op 1-0   | end 1-0 operator
        2     | S+5000:7 |
        122   | S+5000:7 | new 1-1 94+5000
        """,
    "what has ended does not rise: what comes back is another event": """
        0     | S+5000:7           | new 1-0 94+5000
        1     | gone 1-0:7         | end 1-0 seen moving
        2     | gone 1-0:7; op 1-0 |
        15    | S+5000:7           | new 1-1 94+5000
        """,
}


def parsed(text: str) -> tuple[list[Sighting], list[Departure], list[str]]:
    sightings, departures, operated = [], [], []
    for word in filter(None, (part.strip() for part in text.split(";"))):
        if word.startswith("op "):
            operated.append(word[3:])
        elif word.startswith("gone "):
            event_id, stations = word[5:].split(":")
            departures.append(Departure(event_id, tuple(map(int, stations.split(",")))))
        else:
            kind, sign, ends, stations = re.fullmatch(r"([SQ])([+-])([\d.]+):([\d,]+)", word).groups()  # type: ignore[union-attr]
            measures = [float(m) for m in ends.split("..")]
            cause = STATIONARY_VEHICLE if kind == "S" else QUEUE_END
            seen = tuple(sorted(map(int, stations.split(","))))
            sightings.append(Sighting(cause, SIGN[sign], measures[0], measures[-1], "rule", seen))
    return sightings, departures, operated


def shown(effect: Effect, before: Life) -> str:
    event = effect.event
    assert event is not None
    old = before.event(event.event_id)
    where = f" {event.cause_code}{'+' if event.carriageway == 'increasing' else '-'}{event.anchor_m:.0f}"
    moved = effect.kind == "new" or (effect.kind == "update" and (old is None or old.anchor_m != event.anchor_m))
    because = f" {event.ended_because}" if effect.kind == "end" else ""
    return f"{effect.kind} {event.event_id}{where if moved else ''}{because}"


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES.keys())
def test_scene(scene: str) -> None:
    """Between the lines, where a message is merely repeated, nothing is told."""
    life, last_s = Life(), 0.0
    for line in filter(None, (line.strip() for line in scene.splitlines())):
        at, evidence, expected = (part.strip() for part in line.split("|"))
        sightings, departures, operated = parsed(evidence)
        at_s = float(at)
        life = repeated_until(life, last_s, at_s)
        now_ms, before, effects = START_MS + round(at_s * 1000), life, []
        for event_id in operated:
            life, more = end_by_operator(life, event_id, "anna", now_ms, RULES)
            effects += more
        life, more = step(life, sightings, departures, now_ms, RULES)
        assert "; ".join(shown(effect, before) for effect in [*effects, *more]) == expected, line
        last_s = at_s


def repeated_until(life: Life, from_s: float, to_s: float) -> Life:
    """Let the repetitions between two lines happen, each five seconds, so that the lines need not tell them."""
    if to_s - from_s > 10.0:
        for event in life.events:
            sent_ms = START_MS + round(to_s * 1000) - 5000
            life = Life(
                life.last_sequence,
                tuple(e if e is not event else _sent(e, sent_ms) for e in life.events),
                life.spent,
                life.muted,
            )
    return life


def _sent(event: Event, sent_ms: int) -> Event:
    from dataclasses import replace

    return replace(event, sent_ms=sent_ms)


def test_a_report_of_the_same_hazard_takes_the_evidence() -> None:
    seen = [Sighting(STATIONARY_VEHICLE, "increasing", 5000.0, 5000.0, "S1", (7,), {"vehicles": 1})]
    for report, taken in (
        (HeardReport("9-1", STATIONARY_VEHICLE, "increasing", 5150.0), True),
        (HeardReport("9-1", STATIONARY_VEHICLE, None, 4900.0), True),
        (HeardReport("9-1", STATIONARY_VEHICLE, "decreasing", 5000.0), False),
        (HeardReport("9-1", QUEUE_END, "increasing", 5000.0), False),
        (HeardReport("9-1", STATIONARY_VEHICLE, "increasing", 5250.0), False),
    ):
        life, effects = step(Life(), seen, [], START_MS, RULES, [report])
        assert [effect.kind for effect in effects] == (["attached"] if taken else ["new"])
        assert len(life.events) == (0 if taken else 1)


def test_an_own_event_stays_when_a_report_comes_later() -> None:
    seen = [Sighting(STATIONARY_VEHICLE, "increasing", 5000.0, 5000.0, "S1", (7,))]
    life, _ = step(Life(), seen, [], START_MS, RULES)
    report = HeardReport("9-1", STATIONARY_VEHICLE, "increasing", 5000.0)
    life, effects = step(life, seen, [], START_MS + 5000, RULES, [report])
    assert [effect.kind for effect in effects] == ["repeat"]


def test_a_number_is_not_used_again_while_somebody_may_hold_it_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denm_life, "MODULUS", 3)
    life, given = Life(), []
    for round_ in range(5):
        now_ms = START_MS + round_ * 1000
        seen = [Sighting(STATIONARY_VEHICLE, "increasing", 1000.0 * round_, 1000.0 * round_, "S1", (round_,))]
        life, effects = step(life, seen, [], now_ms, RULES)
        given += [effect.event.sequence for effect in effects if effect.kind == "new" and effect.event]
        life, _ = step(life, [], [Departure(f"1-{given[-1]}", (round_,))], now_ms + 1, RULES)
    assert given == [0, 1, 2]
    seen = [Sighting(STATIONARY_VEHICLE, "increasing", 50_000.0, 50_000.0, "S1", (50,))]
    for later_ms, expected in ((120_000, []), (120_001, [0])):
        _, effects = step(life, seen, [], START_MS + later_ms, RULES)
        assert [e.event.sequence for e in effects if e.event] == expected


def test_after_a_restart_numbers_go_on_and_events_live_on() -> None:
    seen = [Sighting(STATIONARY_VEHICLE, "increasing", 5000.0, 5000.0, "S1", (7,))]
    life, _ = step(Life(41), seen, [], START_MS, RULES)
    ended = end_by_operator(life, "1-42", "anna", START_MS + 10, RULES)[1][0].event
    assert ended is not None
    again = restored([], 42, [ended], START_MS + 5000, RULES)
    assert step(again, seen, [], START_MS + 6000, RULES)[1] == []
    other = [Sighting(STATIONARY_VEHICLE, "increasing", 9000.0, 9000.0, "S1", (8,))]
    assert [e.event.sequence for e in step(again, other, [], START_MS + 6000, RULES)[1] if e.event] == [43]
    alive = restored(life.events, 42, [], START_MS + 20_000, RULES)
    assert step(alive, [], [], START_MS + 22_000, RULES)[1] == []
    assert [e.kind for e in step(alive, [], [], START_MS + 23_001, RULES)[1]] == ["unconfirmed"]
    assert [e.kind for e in step(alive, [], [], START_MS + 120_000, RULES)[1]] == ["end"]


def test_tiles_only_gain_while_an_event_lives() -> None:
    life, _ = step(Life(), [Sighting(QUEUE_END, "increasing", 8000.0, 8100.0, "Q2", (1, 2, 3))], [], START_MS, RULES)
    grown = [Sighting(QUEUE_END, "increasing", 6900.0, 8100.0, "Q2", (1, 2, 3))]
    life, effects = step(life, grown, [], START_MS + 1000, RULES)
    assert [effect.kind for effect in effects] == ["update"]
    assert life.events[0].tiles == ("004", "005", "006", "007", "008")
    assert (life.events[0].start_m, life.events[0].end_m) == (4900.0, 6900.0)
