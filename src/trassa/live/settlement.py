"""Settlement: the reads of vehicles become charges in the ledger, many vehicles in one transaction.

Numbered rules:

1. The rows of all vehicles of a batch are locked first, in one order for all; then the end of the ledger's chain.
   Everything is committed together, and nothing changes where nothing changed: it may be cut off and done again.
2. Only what may still change is looked at: reads before a vehicle's long silence are settled for good
   (:mod:`trassa.toll.quiet`), as long as the tariffs and the program stay the same and no news is older.
3. One vehicle never holds up another. One that the rules cannot judge is set aside with the reason; where the database
   refuses a batch, its vehicles are settled one by one, and the one that it refuses is set aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from trassa.live.store import tracks
from trassa.live.store.identities import facts_of
from trassa.live.store.ledger import booked
from trassa.live.store.reads import reads_of
from trassa.live.store.store import Connection, Store, StoreDown, by_index
from trassa.live.store.verdicts import Verdict, save_verdicts
from trassa.toll.charge import Outcome, VehicleFacts, charges
from trassa.toll.context import TollContext
from trassa.toll.ledger import entries_for
from trassa.toll.passage import TOGETHER_MS
from trassa.toll.quiet import final_before_ms
from trassa.toll.read import Read

__all__ = ["BATCH", "Settlement", "due_after", "settle_all", "settle_batch"]

BATCH = 64
"""Vehicles of one transaction: enough that its COMMIT costs little, few enough that no door waits long for a row."""
_TOLD = 300


@dataclass
class Settlement:
    """Charges that changed, and vehicles that were set aside, with the reason."""

    changed: list[dict[str, Any]] = field(default_factory=list)
    set_aside: dict[str, str] = field(default_factory=dict)

    def add(self, other: Settlement) -> None:
        """Take in another one."""
        self.changed += other.changed
        self.set_aside |= other.set_aside


def settle_all(
    store: Store, context: TollContext, keys: Sequence[str], now_ms: int, *, batch: int = BATCH
) -> Settlement:
    """Settle vehicles, a batch to a transaction."""
    done = Settlement()
    for start in range(0, len(keys), batch):
        done.add(_settled(store, context, keys[start : start + batch], now_ms))
    return done


def settle_batch(connection: Connection, context: TollContext, keys: Sequence[str], now_ms: int) -> Settlement:
    """Settle vehicles in the transaction at hand; those that another hand has settled meanwhile are left alone."""
    by_index(connection)
    due = tracks.lock_due(connection, keys, now_ms)  # RULE 1
    ordered = [key for key in keys if key in due]
    if not ordered:
        return Settlement()
    since_ms = {key: _since_ms(due[key], context) for key in ordered}  # RULE 2
    reads = reads_of(connection, since_ms)
    outcomes, troubles = _judged(context, reads, due, facts_of(connection, ordered))
    before = booked(connection, since_ms, [key for outcome in outcomes.values() for key in outcome.charges])
    verdicts = [
        Verdict(key, since_ms[key], outcome, entries_for(before[key], outcome.charges))
        for key, outcome in outcomes.items()
    ]
    rows = [_settled_row(context, key, reads[key], outcome, due[key]) for key, outcome in outcomes.items()]
    changed = save_verdicts(connection, verdicts, now_ms)
    tracks.settled(connection, rows, context.edition)
    tracks.set_aside(connection, troubles)
    return Settlement(changed, troubles)


def due_after(context: TollContext, reads: Iterable[Read], outcome: Outcome, watermark_ms: int) -> int | None:
    """The next moment at which the same reads may give something else; None where they never will.

    A passage ends 30 s after its last read; an open trip is held, or closes, after the longest time of its system.
    """
    moments = [read.time_ms + TOGETHER_MS + 1 for read in reads if outcome.read_fates.get(read.read_id) == "open"]
    for trip in outcome.open.values():
        longest_ms = context.systems[trip.system].longest_trip_ms
        moments += [passage.time_ms + longest_ms + 1 for passage in (trip.entry, trip.exit)]
    return min((moment for moment in moments if moment > watermark_ms), default=None)


def _settled(store: Store, context: TollContext, keys: Sequence[str], now_ms: int) -> Settlement:
    """RULE 3: settle a batch, or what can be settled of it."""
    try:
        return store.within(partial(settle_batch, context=context, keys=keys, now_ms=now_ms))
    except StoreDown:
        raise
    except Exception as error:
        if len(keys) > 1:
            return settle_all(store, context, keys, now_ms, batch=1)
        troubles = {keys[0]: _told(error)}
        store.within(partial(tracks.set_aside, troubles=troubles))
        return Settlement([], troubles)


def _judged(
    context: TollContext,
    reads: Mapping[str, Sequence[Read]],
    due: Mapping[str, tracks.Due],
    facts: Mapping[str, VehicleFacts],
) -> tuple[dict[str, Outcome], dict[str, str]]:
    """What the rules say of each vehicle; of those that they cannot judge, why not."""
    outcomes: dict[str, Outcome] = {}
    troubles: dict[str, str] = {}
    for key, its_reads in reads.items():
        try:
            outcomes[key] = charges(context, its_reads, due[key].watermark_ms, facts.get(key))
        except Exception as error:
            troubles[key] = _told(error)  # RULE 3
    return outcomes, troubles


def _since_ms(due: tracks.Due, context: TollContext) -> int:
    return due.final_before_ms or 0 if due.edition == context.edition else 0


def _settled_row(
    context: TollContext, key: str, reads: Sequence[Read], outcome: Outcome, due: tracks.Due
) -> tracks.Settled:
    watermark_ms = due.watermark_ms
    final_ms = final_before_ms(context, reads, watermark_ms) or _since_ms(due, context) or None
    return tracks.Settled(key, watermark_ms, final_ms, due_after(context, reads, outcome, watermark_ms))


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_TOLD]
