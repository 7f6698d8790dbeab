"""Trips drawn as tables: what one vehicle was seen doing on the M-11, and what it owes for it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from trassa.toll.charge import Outcome, VehicleFacts, charges
from trassa.toll.context import TollContext, read_context
from trassa.toll.read import Read, read_id_of

CONTEXT = read_context(["m11-15-58", "m11-58-684", "m12"], Path())
MOSCOW = timezone(timedelta(hours=3))
FRIDAY = datetime(2026, 6, 5, tzinfo=MOSCOW)
HOUR_MS = 3_600_000


def at_ms(text: str) -> int:
    """A time of that Friday, ``15:30`` or ``15:30:05``; hours may go beyond 24."""
    hours, minutes, seconds = (*map(int, text.split(":")), 0)[:3]
    return int((FRIDAY.astimezone(UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds)).timestamp()) * 1000


def point_of(word: str) -> str:
    """The toll point of a kilometre on the M-11, or of a gantry kilometre of the M-12 as ``m12-033``."""
    (found,) = [ident for ident in CONTEXT.points if ident == word or ident.startswith(f"m11-{word}-")]
    return found


def reads_of(table: str, vehicle_key: str = "v1") -> list[Read]:
    """Reads from lines ``time km [movement] [means] [class]``; a dash leaves a word out."""
    found = []
    for number, line in enumerate(table.strip().splitlines()):
        time, place, movement, means, vehicle_class = (*line.split(), *"-----")[:5]
        means = "plate" if means == "-" else means
        time_ms, point = at_ms(time), point_of(place)
        found.append(
            Read(
                time_ms=time_ms,
                read_id=read_id_of("gantry", f"{point}/{means}", number, time_ms, vehicle_key, point),
                source="gantry",
                device=f"{point}/{means}",
                sequence=str(number),
                toll_point=point,
                means=means,  # type: ignore[arg-type]
                vehicle_key=vehicle_key,
                vehicle_class={"-": "1", "?": None}.get(vehicle_class, vehicle_class),
                movement="unknown" if movement == "-" else movement,  # type: ignore[arg-type]
            )
        )
    return found


def said(outcome: Outcome) -> list[str]:
    """Charges, held and open trips, one line each, in order of their first passage; ``?`` marks an inferred one."""
    lines = [(trip.key, f"{trip.system} open {trip.entry.toll_point.split('-')[1]}") for trip in outcome.open.values()]
    for charge in outcome.charges.values():
        way, passages = charge.explanation["way"], charge.explanation["passages"]
        mark = "?" * any(passage["seen"] == "inferred" for passage in passages)
        roubles = charge.amount_minor // 100
        lines.append((passages[0]["time"], f"{charge.system} {way['from']} → {way['to']} {roubles}{mark}"))
    for held in outcome.held.values():
        points = " ".join(passage["toll_point"].split("-")[1] for passage in held.passages)
        lines.append((held.passages[0]["time"], f"{held.system} held {points} {held.reason}"))
    return [text for _, text in sorted(lines)]


SCENARIOS = {
    "a trip within the first part": """
        15:00 021
        15:40 058 exit
        => m11-15-58 moscow → solnechnogorsk 1650
        """,
    "sensors that know nothing of directions": """
        15:00 021
        15:20 036
        => m11-15-58 moscow → zelenograd 820
        """,
    "one journey, two charges": """
        15:00 021
        15:25 058
        17:00 209
        => m11-15-58 moscow → solnechnogorsk 1650
        => m11-58-684 solnechnogorsk → romanovo 1380
        """,
    "through the boundary, the second exit never seen": """
        15:00 021 entry
        15:25 058 through
        => m11-15-58 moscow → solnechnogorsk 1650
        => m11-58-684 held 058 entry_without_exit
        """,
    "left at the boundary, nobody knows": """
        15:00 021
        15:25 058
        => m11-15-58 moscow → solnechnogorsk 1650
        """,
    "entered at the boundary, nobody knows": """
        15:00 058
        15:20 089
        => m11-58-684 solnechnogorsk → klin 260
        """,
    "boundary missed: the next system saw the vehicle": """
        15:00 021 entry
        16:00 089
        => m11-15-58 moscow → solnechnogorsk 1650?
        => m11-58-684 solnechnogorsk → klin 260?
        """,
    "boundary missed towards Moscow: one pair is published, the other not": """
        15:00 089
        16:00 021
        => m11-15-58 solnechnogorsk → moscow 1260?
        => m11-58-684 held 089 058 pair_not_priced
        """,
    "boundary missed, and the exit may lie before or after one o'clock": """
        24:30 021 entry
        25:30 089
        => m11-15-58 held 021 058 time_ambiguous
        => m11-58-684 held 058 089 profile_not_priced
        """,
    "the next system saw it enter: it left unseen": """
        15:00 021 entry
        16:00 067 entry
        16:30 089 exit
        => m11-15-58 held 021 entry_without_exit
        => m11-58-684 held 067 089 pair_not_priced
        """,
    "entry without exit": """
        15:00 021 entry
        => m11-15-58 held 021 entry_without_exit
        """,
    "exit without entry": """
        15:00 036 exit
        => m11-15-58 held 036 exit_without_entry
        """,
    "two entries": """
        15:00 021 entry
        15:30 036 entry
        15:50 058 exit
        => m11-15-58 held 021 entry_without_exit
        => m11-15-58 zelenograd → solnechnogorsk 780
        """,
    "back where it came from": """
        15:00 036
        15:40 036
        => m11-15-58 held 036 036 same_place_return
        """,
    "back at the boundary, and nobody knows from which side": """
        15:00 058
        15:40 058
        => m11-15-58 held 058 058 same_place_return
        => m11-58-684 held 058 058 same_place_return
        """,
    "two plazas of one node": """
        15:00 048 entry
        15:30 050 exit
        => m11-15-58 held 048 050 same_place_return
        """,
    "a pair without a price": """
        15:00 058
        15:20 047 exit
        => m11-15-58 held 058 047 pair_not_priced
        """,
    "a toll point passed on the way": """
        15:00 021 entry
        15:12 036 through
        15:25 058 exit
        => m11-15-58 moscow → solnechnogorsk 1650
        """,
    "entered at the boundary, seen inside, exit missed": """
        15:00 058
        15:08 067 through
        => m11-58-684 held 058 067 entry_without_exit
        """,
    "seen inside, entry missed": """
        15:12 036 through
        15:25 058 exit
        => m11-15-58 held 036 passed_without_entry
        => m11-15-58 held 058 exit_without_entry
        => m11-58-684 held 058 exit_without_entry
        """,
    "faster than a car": """
        15:00 021
        15:05 058 exit
        => m11-15-58 held 021 058 infeasible_speed
        """,
    "neighbours that share a kilometre": """
        15:00:00 047
        15:00:10 048
        => m11-15-58 tskad → mmk_a107 20
        """,
    "tag, plate and two cameras are one passage": """
        15:00:00 021 -     plate
        15:00:02 021 entry plate
        15:00:25 021 -     plate
        15:00:55 021 -     plate
        15:40:00 058 exit  plate
        => m11-15-58 moscow → solnechnogorsk 1650
        """,
    "31 seconds apart are two passages": """
        15:00:00 036
        15:00:31 036
        => m11-15-58 held 036 036 same_place_return
        """,
    "a tag has no price": """
        15:00 021 - tag
        15:40 058 exit plate
        => m11-15-58 held 021 058 means_not_priced
        """,
    "a truck has no price": """
        15:00 021 - - 4
        15:40 058 exit - 4
        => m11-15-58 held 021 058 class_not_priced
        """,
    "sensors see two classes": """
        15:00 021 - - 1
        15:40 058 exit - 2
        => m11-15-58 held 021 058 class_ambiguous
        """,
    "no sensor sees a class": """
        15:00 021 - - ?
        15:40 058 exit - ?
        => m11-15-58 held 021 058 class_unknown
        """,
    "to work and back, all sensors silent on direction": """
        08:00 021
        08:30 058
        17:00 058
        17:30 021
        => m11-15-58 moscow → solnechnogorsk 1650
        => m11-58-684 held 058 058 same_place_return
        => m11-15-58 solnechnogorsk → moscow 1260
        """,
    "left at the boundary, back on the next road to it": """
        08:00 021
        08:30 058
        17:00 036
        17:30 058
        17:50 067
        => m11-15-58 moscow → solnechnogorsk 1650
        => m11-15-58 zelenograd → solnechnogorsk 780
        => m11-58-684 solnechnogorsk → obukhovo 100
        """,
    "towards Moscow over the boundary": """
        15:00 089
        15:20 058
        15:50 021
        => m11-58-684 held 089 058 pair_not_priced
        => m11-15-58 solnechnogorsk → moscow 1260
        """,
    "sections are added up": """
        10:00 m12-033
        10:20 m12-065
        10:30 m12-081
        => m12 moscow → orekhovo_a108 742
        """,
    "a gantry missed between two seen ones is not charged": """
        10:00 m12-033
        10:30 m12-081
        => m12 moscow → orekhovo_a108 420
        """,
    "slow traffic under a gantry": """
        10:00:00 m12-033
        10:00:45 m12-033
        10:20:00 m12-065
        => m12 moscow → ckad 498
        """,
    "a long pause makes two trips, the sum stays": """
        10:00 m12-033
        13:00 m12-065
        => m12 moscow → elektrougli 176
        => m12 elektrougli → ckad 322
        """,
    "a second round": """
        10:00 m12-065
        11:00 m12-033
        11:20 m12-065
        => m12 elektrougli → ckad 322
        => m12 moscow → ckad 498
        """,
}  # fmt: skip


def drawn(name: str) -> tuple[list[Read], list[str]]:
    lines = [line.strip() for line in SCENARIOS[name].strip().splitlines()]
    wanted = [line.removeprefix("=> ") for line in lines if line.startswith("=>")]
    return reads_of("\n".join(line for line in lines if not line.startswith("=>"))), wanted


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    reads, wanted = drawn(name)
    outcome = charges(CONTEXT, reads, at_ms("15:00") + 72 * HOUR_MS)
    assert sorted(said(outcome)) == sorted(wanted)
    assert outcome.read_fates.keys() == {read.read_id for read in reads}
    assert "open" not in outcome.read_fates.values()


def test_a_passage_closes_with_the_watermark_and_the_trip_with_its_exit() -> None:
    reads, _ = drawn("a trip within the first part")
    exit_ms = reads[-1].time_ms
    assert said(charges(CONTEXT, reads, exit_ms + 30_000)) == ["m11-15-58 open 021"]
    assert set(charges(CONTEXT, reads, exit_ms + 30_000).read_fates.values()) == {"open"}
    assert said(charges(CONTEXT, reads, exit_ms + 30_001)) == ["m11-15-58 moscow → solnechnogorsk 1650"]


def test_an_entry_stays_open_until_the_longest_trip_has_passed() -> None:
    reads = reads_of("15:00 021 entry")
    longest_ms = CONTEXT.systems["m11-15-58"].longest_trip_ms
    assert said(charges(CONTEXT, reads, reads[0].time_ms + longest_ms)) == ["m11-15-58 open 021"]
    assert said(charges(CONTEXT, reads, reads[0].time_ms + longest_ms + 1)) == ["m11-15-58 held 021 entry_without_exit"]


def test_a_late_read_rebuilds_the_trip() -> None:
    """The missed boundary turns up: the inferred exit becomes a seen one, under the same key in the first system."""
    before = reads_of("15:00 021 entry\n16:00 089")
    late = [*before, *reads_of("15:27 058 through")]
    mark_ms = at_ms("20:00")
    first, second = charges(CONTEXT, before, mark_ms), charges(CONTEXT, late, mark_ms)
    assert said(first) == ["m11-15-58 moscow → solnechnogorsk 1650?", "m11-58-684 solnechnogorsk → klin 260?"]
    assert said(second) == ["m11-15-58 moscow → solnechnogorsk 1650", "m11-58-684 solnechnogorsk → klin 260"]
    assert len(first.charges.keys() & second.charges.keys()) == 1
    inferred = next(iter(first.charges.values())).explanation["passages"][1]
    assert inferred["between"] == ["2026-06-05T12:00:00.000Z", "2026-06-05T13:00:00.000Z"]


def test_the_contract_decides_means_and_a_contradicted_class_is_held() -> None:
    reads, _ = drawn("a tag has no price")
    mark_ms = at_ms("20:00")
    assert said(charges(CONTEXT, reads, mark_ms, VehicleFacts("c1", "1", "plate"))) == [
        "m11-15-58 moscow → solnechnogorsk 1650"
    ]
    reads, _ = drawn("a trip within the first part")
    assert said(charges(CONTEXT, reads, mark_ms, VehicleFacts("c1", "1", "tag"))) == [
        "m11-15-58 held 021 058 means_not_priced"
    ]
    assert said(charges(CONTEXT, reads, mark_ms, VehicleFacts("c1", "3", "plate"))) == [
        "m11-15-58 held 021 058 class_ambiguous"
    ]
    unseen, _ = drawn("no sensor sees a class")
    assert said(charges(CONTEXT, unseen, mark_ms, VehicleFacts("c1", "1"))) == [
        "m11-15-58 moscow → solnechnogorsk 1650"
    ]


def test_fates_of_reads() -> None:
    reads, _ = drawn("tag, plate and two cameras are one passage")
    stray = dataclasses.replace(reads[0], read_id="stray", toll_point="nowhere")
    outcome = charges(CONTEXT, [*reads, *reads, stray], at_ms("20:00"))
    wanted = ["charged", "duplicate", "duplicate", "duplicate", "charged", "rejected"]
    assert [outcome.read_fates[read.read_id] for read in [*reads, stray]] == wanted
    exempt = charges(CONTEXT, [*reads, stray], at_ms("20:00"), VehicleFacts(exempt=True))
    assert [exempt.read_fates[read.read_id] for read in [*reads, stray]] == ["exempt"] * 5 + ["rejected"]
    assert not exempt.charges
    assert not exempt.held


def test_an_exemption_is_that_of_the_passage() -> None:
    reads, _ = drawn("to work and back, all sensors silent on direction")
    noon = VehicleFacts(exempt=True, exempt_until_ms=at_ms("12:00"))
    assert said(charges(CONTEXT, reads, at_ms("72:00"), noon)) == ["m11-15-58 solnechnogorsk → moscow 1260"]


def test_one_read_sent_with_two_contents_counts_once_whatever_the_order() -> None:
    reads, _ = drawn("a trip within the first part")
    other = dataclasses.replace(reads[0], vehicle_class=None)
    one, two = (charges(CONTEXT, order, at_ms("20:00")) for order in ([other, *reads], [*reads, other]))
    assert one == two
    assert list(one.read_fates.values()) == ["charged", "charged"]


def test_a_passage_that_is_held_on_one_side_and_open_on_the_other_is_open() -> None:
    reads = reads_of("15:00 021 - tag\n15:25 058 through tag")
    outcome = charges(CONTEXT, reads, at_ms("16:00"))
    assert said(outcome) == ["m11-15-58 held 021 058 means_not_priced", "m11-58-684 open 058"]
    assert [outcome.read_fates[read.read_id] for read in reads] == ["held", "open"]


def test_an_inferred_exit_that_may_fall_under_either_version_is_held() -> None:
    first, second = read_context(["m11-15-58", "m11-58-684"], Path()).systems.values()
    old = first.versions[0].model_copy(update={"until": datetime(2026, 6, 5, 15, 59)})
    new = first.versions[0].model_copy(update={"id": "new", "since": datetime(2026, 6, 5, 15, 59)})
    context = TollContext({
        "m11-15-58": first.model_copy(update={"versions": (old, new)}), "m11-58-684": second,
    })  # fmt: skip
    reads, _ = drawn("boundary missed: the next system saw the vehicle")
    assert said(charges(context, reads, at_ms("20:00"))) == [
        "m11-15-58 held 021 058 time_ambiguous",
        "m11-58-684 solnechnogorsk → klin 260?",
    ]


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("entry without exit", ["trip 1", "trip 5"]),
        ("exit without entry", ["trip 1"]),
        ("back where it came from", ["trip 1", "trip 3"]),
        ("faster than a car", ["trip 1", "trip 8"]),
        ("boundary missed towards Moscow: one pair is published, the other not", ["trip 1", "trip 7", "trip 2"]),
    ],
)
def test_a_held_trip_cites_its_rules(name: str, rules: list[str]) -> None:
    reads, _ = drawn(name)
    (held,) = charges(CONTEXT, reads, at_ms("72:00")).held.values()
    assert list(held.rules) == rules


def test_reads_of_two_vehicles_are_refused() -> None:
    with pytest.raises(ValueError, match="more than one vehicle"):
        charges(CONTEXT, [*reads_of("15:00 021"), *reads_of("15:01 021", "v2")], at_ms("20:00"))
