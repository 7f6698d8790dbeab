"""What holds for any reads of a vehicle in any order: confluence, conservation, one charge per passage, zero sums."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trassa.toll.calendar import DAYS
from trassa.toll.charge import Charge, Outcome, VehicleFacts, charges
from trassa.toll.context import TollContext, read_context
from trassa.toll.ledger import (
    GENESIS,
    Booked,
    Entry,
    Posting,
    content_hash,
    entries_for,
    entry_hash,
    net_of,
    postings_of,
)
from trassa.toll.rating import rounded_minor
from trassa.toll.read import Read, read_id_of

CONTEXT = read_context(["m11-15-58", "m11-58-684", "m12"], Path())
START_MS = 1_780_639_200_000
"""2026-06-05T06:00Z, a Friday morning."""
DAY_MS = 86_400_000
POINTS = ["m11-021-moskva", "m11-036-zelenograd", "m11-058-solnechnogorsk", "m11-067-obukhovo", "m11-089-klin",
          "m12-033", "m12-065", "m12-081", "nowhere"]  # fmt: skip


def _taxed(context: TollContext) -> TollContext:
    """The same with tax, a discount and rounding to half roubles, so that every account is used."""
    changed = {
        name: system.model_copy(
            update={
                "versions": tuple(
                    version.model_copy(
                        update={"vat_rate": "0.20", "discounts": {"no_transponder": "0.157"}, "round_to_minor": 50}
                    )
                    for version in system.versions
                )
            }
        )
        for name, system in context.systems.items()
    }
    return TollContext(changed)


TAXED = _taxed(CONTEXT)


@st.composite
def read_lists(draw: st.DrawFn, size: int = 14) -> list[Read]:
    """Reads of one vehicle over some hours: near each other, far apart, contradicting each other."""
    found = []
    time_ms = START_MS
    for number in range(draw(st.integers(1, size))):
        time_ms += draw(st.sampled_from([0, 1, 5_000, 30_000, 30_001, 600_000, 1_500_000, 5_400_000, 46_000_000]))
        point = draw(st.sampled_from(POINTS))
        means = draw(st.sampled_from(["plate", "plate", "plate", "own", "tag"]))
        found.append(
            Read(
                time_ms, read_id_of("g", point, number, time_ms, "v", point), "g", point, str(number), point, means,
                "v",
                draw(st.sampled_from(["1", "1", "1", None, "2"])),
                draw(st.sampled_from(["unknown", "unknown", "unknown", "entry", "exit", "through"])),
            )
        )  # fmt: skip
    return found


def _amounts(outcome: Outcome) -> dict[str, Any]:
    return {key: (charge.amount_minor, charge.explanation) for key, charge in outcome.charges.items()}


@given(read_lists(), st.randoms(use_true_random=False), st.integers(0, 3 * DAY_MS))
def test_order_and_repetition_change_nothing(reads: list[Read], chance: Any, later_ms: int) -> None:
    mark_ms = START_MS + later_ms
    shuffled = [*reads, *chance.sample(reads, len(reads) // 2)]
    chance.shuffle(shuffled)
    one, other = charges(CONTEXT, reads, mark_ms), charges(CONTEXT, shuffled, mark_ms)
    assert one == other


@given(read_lists(), st.integers(0, 3 * DAY_MS))
def test_every_read_has_one_fate(reads: list[Read], later_ms: int) -> None:
    outcome = charges(CONTEXT, reads, START_MS + later_ms)
    assert outcome.read_fates.keys() == {read.read_id for read in reads}
    assert {read.read_id for read in reads if outcome.read_fates[read.read_id] == "rejected"} == {
        read.read_id for read in reads if read.toll_point == "nowhere"
    }
    in_charges = {read_id for charge in outcome.charges.values() for read_id in charge.read_ids}
    fates = outcome.read_fates
    assert in_charges == {read_id for read_id, fate in fates.items() if fate in ("charged", "duplicate")}
    assert {read_id for read_id, fate in fates.items() if fate == "held"} <= {
        read_id for held in outcome.held.values() for read_id in held.read_ids
    }
    final = charges(CONTEXT, reads, START_MS + 60 * DAY_MS)
    assert "open" not in final.read_fates.values()
    assert not final.open


@given(read_lists())
def test_a_passage_is_in_at_most_one_charge_of_a_system(reads: list[Read]) -> None:
    outcome = charges(CONTEXT, reads, START_MS + 60 * DAY_MS)
    seen = Counter(
        (charge.system, passage["passage_id"])
        for charge in outcome.charges.values()
        for passage in charge.explanation["passages"]
    )
    assert all(count == 1 for count in seen.values()), seen
    for charge in outcome.charges.values():
        assert charge.key == f"{charge.system}:v:{charge.explanation['passages'][0]['passage_id']}"


def _booked(ledger: dict[str, Booked], entries: list[Entry]) -> None:
    """Keep what the ledger would hold by charge key."""
    for entry in entries:
        postings = entry.postings if entry.kind == "charge" else ()
        ledger[entry.charge_key] = Booked(
            entry.charge_key, entry.revision, entry.content_hash, entry.event_ms, postings, entry.explanation_sha256
        )


@settings(max_examples=60)
@given(read_lists(), st.randoms(use_true_random=False), st.sampled_from([1, 3, 100]))
def test_settling_in_batches_nets_to_settling_once(reads: list[Read], chance: Any, batch: int) -> None:
    """Reads arrive late and shuffled; every batch is settled; the ledger's net is that of a ledger begun at the end."""
    arriving = list(reads)
    chance.shuffle(arriving)
    ledger: dict[str, Booked] = {}
    entries: list[Entry] = []
    end_ms = START_MS + 60 * DAY_MS
    for upto in range(batch, len(arriving) + batch, batch):
        here = arriving[:upto]
        mark_ms = end_ms if upto >= len(arriving) else max(read.time_ms for read in here) + chance.randrange(DAY_MS)
        new = entries_for(ledger, charges(TAXED, here, mark_ms, VehicleFacts("c")).charges)
        _booked(ledger, new)
        entries += new
    after = charges(TAXED, arriving, end_ms, VehicleFacts("c")).charges
    assert entries_for(ledger, after) == []
    assert net_of(entries) == net_of(entries_for({}, after))
    hashes = [entry.content_hash for entry in entries]
    assert len(set(hashes)) == len(hashes)
    for entry in entries:
        assert sum(posting.amount_minor for posting in entry.postings) == 0


@given(read_lists(), st.integers(0, 100))
def test_doubt_about_the_class_never_charges_more(reads: list[Read], which: int) -> None:
    """One more sensor that contradicts the class: that trip is held or not charged, no other changes."""
    before = charges(CONTEXT, reads, START_MS + 60 * DAY_MS)
    doubted = reads[which % len(reads)]
    twin = Read(
        doubted.time_ms, "contradiction", "g", "x", "0", doubted.toll_point, doubted.means, "v", "4", doubted.movement
    )  # fmt: skip
    after = charges(CONTEXT, [*reads, twin], START_MS + 60 * DAY_MS)
    assert after.charges.keys() <= before.charges.keys()
    for key, charge in after.charges.items():
        assert charge.amount_minor == before.charges[key].amount_minor
        assert "contradiction" not in charge.read_ids


@settings(max_examples=50)
@given(read_lists())
def test_an_explanation_is_enough_to_recompute_the_charge(reads: list[Read]) -> None:
    """A second implementation, from the stored text alone."""
    for charge in charges(TAXED, reads, START_MS + 60 * DAY_MS).charges.values():
        said = charge.explanation
        sums = said["arithmetic"]
        total = 0
        for line in sums["lines"]:
            exact = Fraction(line["price"] * sums["price_unit_minor"]) * (1 - Fraction(sums["discount"]))
            steps = (exact / sums["round_to_minor"] + Fraction(1, 2)).__floor__()
            total += steps * sums["round_to_minor"]
        assert total == sums["amount_minor"] == charge.amount_minor
        time = said["time"]
        local = datetime.fromisoformat(time["local"])
        assert local == datetime.fromisoformat(time["exit"])
        day = (local.replace(tzinfo=None) - timedelta(hours=int(time["day_ends"][:2]))).date()
        if time["kind"] != "night":
            assert (day.isoformat(), DAYS[day.weekday()]) == (time["tariff_date"], time["kind"])
        assert content_hash(said) == content_hash(dict(reversed(said.items())))


@pytest.mark.parametrize(
    ("exact", "mode", "step", "wanted"),
    [
        ("1/2", "half up", 1, 1), ("1/2", "half even", 1, 0), ("3/2", "half even", 1, 2), ("1/10", "up", 1, 1),
        ("9/10", "down", 1, 0), ("-1/2", "half up", 1, -1), ("2675/10", "half up", 1, 268),
        ("125/10", "half even", 1, 12), ("1249/10", "half up", 50, 100), ("125", "half up", 50, 150),
        ("7", "half up", 1, 7), ("101", "up", 100, 200),
    ],
)  # fmt: skip
def test_rounding_has_a_name(exact: str, mode: str, step: int, wanted: int) -> None:
    assert rounded_minor(Fraction(exact), mode, step) == wanted


def _one_charge(context: TollContext) -> Charge:
    reads = [
        Read(START_MS + off_ms, str(off_ms), "g", "d", "0", point, "plate", "v", "1", "unknown")
        for off_ms, point in ((0, "m11-021-moskva"), (1_200_000, "m11-036-zelenograd"))
    ]
    (charge,) = charges(context, reads, START_MS + DAY_MS, VehicleFacts("c7")).charges.values()
    return charge


def test_postings_by_hand() -> None:
    """820 RUB; less 15.7 % is 691.26, to half roubles 691.50; of that 20 % tax inside is 115.25."""
    assert postings_of(_one_charge(CONTEXT)) == (
        Posting("operator:ossp", "RUB", -82_000), Posting("receivable:c7", "RUB", 82_000)
    )  # fmt: skip
    assert postings_of(_one_charge(TAXED)) == (
        Posting("discount:m11-15-58", "RUB", 12_850), Posting("operator:ossp", "RUB", -70_475),
        Posting("receivable:c7", "RUB", 69_150), Posting("vat:0.20", "RUB", -11_525),
    )  # fmt: skip


def test_a_correction_is_reversal_and_new_and_coming_back_is_no_repetition() -> None:
    cheap, dear = _one_charge(CONTEXT), _one_charge(TAXED)
    ledger: dict[str, Booked] = {}
    kinds, hashes = [], [GENESIS]
    for step, after in enumerate(
        ({cheap.key: cheap}, {dear.key: dear}, {cheap.key: cheap}, {}, {}, {cheap.key: cheap})
    ):
        entries = entries_for(ledger, after)
        assert entries_for(ledger, after) == entries
        _booked(ledger, entries)
        kinds.append("+".join(f"{entry.kind} {entry.revision}" for entry in entries))
        hashes += [entry_hash(hashes[-1], entry.content_hash, step) for entry in entries]
    assert kinds == ["charge 1", "reversal 1+charge 2", "reversal 2+charge 3", "reversal 3", "", "charge 4"]
    assert len(set(hashes)) == len(hashes) == 8


def test_an_entry_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="not to zero"):
        Entry("charge", "k", 1, None, 0, (Posting("a", "RUB", 1), Posting("b", "EUR", -1)), "")
