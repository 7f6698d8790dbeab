"""Settling only what comes after a long silence gives what settling everything gives, late reads and all."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trassa.toll import quiet
from trassa.toll.charge import Outcome, VehicleFacts, charges
from trassa.toll.context import TollContext, read_context
from trassa.toll.quiet import final_before_ms, silence_ms
from trassa.toll.read import Read, read_id_of

CONTEXT = read_context(["m11-15-58", "m11-58-684", "m12"], Path())
SILENCE_MS = silence_ms(CONTEXT)
START_MS = 1_780_639_200_000
DAY_MS = 86_400_000
POINTS = ["m11-021-moskva", "m11-036-zelenograd", "m11-058-solnechnogorsk", "m11-089-klin", "m12-033", "m12-065",
          "nowhere"]  # fmt: skip
FACTS = VehicleFacts("c", exempt=True, exempt_from_ms=START_MS + DAY_MS, exempt_until_ms=START_MS + 2 * DAY_MS)


@st.composite
def read_lists(draw: st.DrawFn) -> list[Read]:
    """Reads of one vehicle over some days, with silences around the long one, a millisecond more or less."""
    found = []
    time_ms = START_MS
    for number in range(draw(st.integers(1, 14))):
        steps = [0, 5_000, 30_000, 30_001, 1_500_000, 5_400_000, SILENCE_MS // 2, SILENCE_MS - 1, SILENCE_MS]
        time_ms += draw(st.sampled_from([*steps, SILENCE_MS + 1, 2 * SILENCE_MS]))
        point = draw(st.sampled_from(POINTS))
        movement = draw(st.sampled_from(["unknown", "unknown", "unknown", "entry", "exit", "through"]))
        read_id = read_id_of("g", point, number, time_ms, "v", point)
        found.append(Read(time_ms, read_id, "g", point, str(number), point, "plate", "v", "1", movement))
    return found


@dataclass
class Book:
    """What a store keeps of one vehicle, by event time, and how it settles."""

    context: TollContext
    reads: list[Read] = field(default_factory=list)
    since_ms: int = 0
    kept: dict[str, tuple[int, Any]] = field(default_factory=dict)
    fates: dict[str, str] = field(default_factory=dict)
    looked_at: int = 0

    def accept(self, read: Read) -> None:
        """A read that is older than what is final takes that back."""
        self.reads.append(read)
        if read.time_ms < self.since_ms:
            self.since_ms = 0

    def settle(self, mark_ms: int) -> None:
        """Judge the reads that may still change and write that over what they were before."""
        recent = sorted((read for read in self.reads if read.time_ms >= self.since_ms), key=lambda read: read.order)
        self.looked_at += len(recent)
        outcome = charges(self.context, recent, mark_ms, FACTS)
        self.kept = {key: row for key, row in self.kept.items() if row[0] < self.since_ms}
        new = rows_of(outcome)
        assert not self.kept.keys() & new.keys()
        assert all(event_ms >= self.since_ms for event_ms, _ in new.values())
        self.kept |= new
        self.fates |= outcome.read_fates
        self.since_ms = final_before_ms(self.context, recent, mark_ms) or self.since_ms


def rows_of(outcome: Outcome) -> dict[str, tuple[int, Any]]:
    """What a store writes: charges, held and open trips with the time by which they are found again."""
    rows: dict[str, tuple[int, Any]] = {key: (held.event_ms, held) for key, held in outcome.held.items()}
    rows |= {key: (trip.exit.time_ms, trip) for key, trip in outcome.open.items()}
    return rows | {key: (charge.event_ms, charge) for key, charge in outcome.charges.items()}


def settle_all_the_way(reads: list[Read], chance: Any, batch: int) -> Book:
    """Reads arrive mostly in order, some late; after each batch what is kept is what all reads together give."""
    arriving = sorted(reads, key=lambda read: (read.time_ms + chance.choice([0, 0, 0, 3 * DAY_MS]), read.read_id))
    book, mark_ms = Book(CONTEXT), START_MS
    for start in range(0, len(arriving), batch):
        for read in arriving[start : start + batch]:
            book.accept(read)
        ahead_ms = chance.choice([-200_000, 0, 31_000, SILENCE_MS - 1, SILENCE_MS, 2 * SILENCE_MS])
        mark_ms = max(mark_ms, max(read.time_ms for read in book.reads) + ahead_ms)
        book.settle(mark_ms)
        whole = charges(CONTEXT, book.reads, mark_ms, FACTS)
        assert book.kept == rows_of(whole)
        assert book.fates == whole.read_fates
    return book


@settings(max_examples=250)
@given(read_lists(), st.randoms(use_true_random=False), st.sampled_from([1, 2, 5]))
def test_what_is_final_stays_what_all_reads_together_give(reads: list[Read], chance: Any, batch: int) -> None:
    settle_all_the_way(reads, chance, batch)


def test_a_silence_of_the_passages_alone_would_be_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property above must be able to fail."""

    @settings(max_examples=400, database=None)
    @given(read_lists(), st.randoms(use_true_random=False))
    def too_short(reads: list[Read], chance: Any) -> None:
        settle_all_the_way(reads, chance, 1)

    monkeypatch.setattr(quiet, "silence_ms", lambda context: SILENCE_MS // 2)
    with pytest.raises(AssertionError):
        too_short()


def test_a_year_of_commuting_is_not_looked_at_every_day() -> None:
    book = Book(CONTEXT)
    for day in range(100):
        for minutes, point in ((0, "m11-021-moskva"), (30, "m11-058-solnechnogorsk")):
            time_ms = START_MS + day * 3 * DAY_MS + 60_000 * minutes
            read_id = read_id_of("g", point, None, time_ms, "v", point)
            book.accept(Read(time_ms, read_id, "g", point, "", point, "plate", "v", "1"))
        book.settle(START_MS + day * 3 * DAY_MS + DAY_MS)
    assert sum(key.startswith("m11-15-58:") for key in book.kept) == 100
    assert book.looked_at <= 4 * 100, "each settlement sees the last day and this one, at most"


@pytest.mark.parametrize(("more_ms", "is_final"), [(-1, False), (0, True)])
def test_the_silence_is_the_longest_trip_and_a_passage(more_ms: int, is_final: bool) -> None:
    longest_ms = max(system.longest_trip_ms for system in CONTEXT.systems.values())
    assert longest_ms + 30_001 == SILENCE_MS
    read = Read(START_MS, "r", "g", "d", "", "m12-033", "plate", "v", "1")
    final_ms = final_before_ms(CONTEXT, [read], START_MS + SILENCE_MS + more_ms)
    assert final_ms == (START_MS + SILENCE_MS if is_final else None)


def test_a_read_ahead_of_the_clock_makes_nothing_final() -> None:
    reads = [
        Read(START_MS + ms, str(ms), "g", "d", "", "m12-033", "plate", "v", "1") for ms in (0, SILENCE_MS + 300_000)
    ]
    assert final_before_ms(CONTEXT, reads, START_MS + SILENCE_MS - 1) is None
    assert final_before_ms(CONTEXT, reads, START_MS + SILENCE_MS) == START_MS + SILENCE_MS
