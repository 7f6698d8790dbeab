"""The audit: the ledger is what the toll rules give for the acknowledged reads, to the minor unit.

It reads one snapshot of the database, a few hundred vehicles at a time, and changes nothing. All reads of a vehicle are
judged together, whatever the settlement took for final. Numbered checks:

1. The chain of entries is whole, contents and explanations are as written, postings sum to zero.
2. For every vehicle: charges recomputed from its reads at its last watermark = the ledger, per charge key, account and
   currency. Nothing stands in the ledger that no reads explain, and no entry of a kind that nothing here writes.
3. Every acknowledged read has exactly the fate that the rules give it, every trip its state and its reason.
4. The list of charges says what the ledger says.
5. Nothing that is due waits for its settlement longer than a minute of the book's own time, and nothing is set aside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trassa.live.store import ledger, tracks
from trassa.live.store.charges import misstated, totals
from trassa.live.store.identities import facts_of
from trassa.live.store.reads import reads_of, stored_fates
from trassa.live.store.store import Connection, Store
from trassa.live.store.verdicts import TripSays, fates_of, stored_trips, trips_of
from trassa.toll.charge import Outcome, VehicleFacts, charges
from trassa.toll.context import TollContext
from trassa.toll.ledger import postings_of
from trassa.toll.read import Read

__all__ = ["Audit", "audit"]

_PATIENCE_MS = 60_000
_AT_ONCE = 256
_FEW = 1000
Nets = Mapping[str, ledger.Net]


@dataclass(frozen=True)
class Audit:
    """What was compared, and every difference as a sentence. ``head`` is the hash of the last entry."""

    entries: int
    head: str
    vehicles: int
    pending: int
    totals: Mapping[str, Any]
    differences: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        return {
            "holds": not self.differences,
            "entries": self.entries,
            "head": self.head,
            "vehicles": self.vehicles,
            "pending": self.pending,
            **self.totals,
            "differences": self.differences,
        }


def audit(store: Store, context: TollContext, progress: Callable[[float], object] = lambda share: None) -> Audit:
    """Recompute everything and compare; ``progress`` is told the share that is done."""
    with store.transaction(snapshot=True) as connection:
        number, head = ledger.chain_head(connection)
        vehicles = tracks.settled_vehicles(connection)
        moment_ms = tracks.last_moment(connection)
        work = 1 + number + vehicles

        def tell(done: int) -> None:
            progress(min(1.0, done / work))

        found = _Differences()
        found.take(ledger.chain_faults(connection, tell))  # CHECK 1
        found.take(ledger.strange_entries(connection))  # CHECK 2
        found.take(_against_reads(connection, context, moment_ms, lambda done: tell(number + done)))
        found.take(misstated(connection))  # CHECK 4
        found.take(_overdue(connection, moment_ms))
        pending = tracks.count_pending(connection, moment_ms)
        progress(1.0)
        return Audit(number, head, vehicles, pending, totals(connection), found.told())


class _Differences:
    """The first differences in full, and the number of all: a ledger that is all wrong fits into memory too."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._more = 0

    def take(self, differences: Iterator[str]) -> None:
        for difference in differences:
            if len(self._first) < _FEW:
                self._first.append(difference)
            else:
                self._more += 1

    def told(self) -> list[str]:
        return [*self._first, *([f"and {self._more} more differences"] if self._more else [])]


def _against_reads(
    connection: Connection, context: TollContext, moment_ms: int, tell: Callable[[int], None]
) -> Iterator[str]:
    """Checks 2 and 3, vehicle by vehicle; one that waits for its settlement is not compared."""
    done = 0
    for stands in tracks.every_vehicle(connection, _AT_ONCE):
        settled = {
            vehicle.vehicle_key: vehicle.watermark_ms
            for vehicle in stands
            if vehicle.watermark_ms is not None and not vehicle.is_pending(moment_ms) and vehicle.trouble is None
        }
        for vehicle in stands:
            if vehicle.trouble is not None:
                yield f"vehicle {vehicle.vehicle_key}: set aside, it cannot be settled ({vehicle.trouble})"
            elif vehicle.watermark_ms is None and not vehicle.is_pending(moment_ms) and vehicle.has_news:
                yield f"vehicle {vehicle.vehicle_key}: its reads were never settled"
        yield from _compared(connection, context, settled)
        done += len(stands)
        tell(done)


def _compared(connection: Connection, context: TollContext, watermarks: Mapping[str, int]) -> Iterator[str]:
    keys = list(watermarks)
    reads, facts = reads_of(connection, dict.fromkeys(keys, 0)), facts_of(connection, keys)
    fates, booked = stored_fates(connection, keys), ledger.nets_of(connection, keys)
    trips = stored_trips(connection, keys)
    for key, watermark_ms in watermarks.items():
        outcome = _judged(context, reads[key], watermark_ms, facts.get(key))
        if isinstance(outcome, str):
            yield f"vehicle {key}: the rules cannot judge its reads ({outcome})"
            continue
        yield from _net_differences(outcome, booked[key])
        yield from _fate_differences(fates[key], outcome)
        yield from _trip_differences(key, trips[key], outcome)


def _judged(
    context: TollContext, reads: Sequence[Read], watermark_ms: int, facts: VehicleFacts | None
) -> Outcome | str:
    try:
        return charges(context, reads, watermark_ms, facts)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _net_differences(outcome: Outcome, booked: Nets) -> Iterator[str]:
    wanted: dict[str, ledger.Net] = {}
    for key, charge in outcome.charges.items():
        net: ledger.Net = defaultdict(int)
        for posting in postings_of(charge):
            net[posting.account, posting.currency] += posting.amount_minor
        wanted[key] = {place: amount for place, amount in net.items() if amount}
    for key in sorted(wanted.keys() | booked.keys()):  # CHECK 2
        there, here = booked.get(key, {}), wanted.get(key, {})
        for account, currency in sorted(there.keys() | here.keys()):
            in_ledger, by_rules = there.get((account, currency), 0), here.get((account, currency), 0)
            if in_ledger != by_rules:
                yield f"charge {key}: {account} is {in_ledger} {currency} in the ledger, {by_rules} by the rules"


def _fate_differences(fates: Mapping[str, tuple[str, bool]], outcome: Outcome) -> Iterator[str]:
    wanted = {read_id: fate for read_id, (fate, _) in fates_of(outcome).items()}
    for read_id, (fate, is_doubtful) in fates.items():  # CHECK 3
        by_rules = "held" if is_doubtful else wanted.get(read_id, "nothing")
        if fate != by_rules:
            yield f"read {read_id}: is {fate}, by the rules {by_rules}"


def _trip_differences(vehicle_key: str, stored: Mapping[str, TripSays], outcome: Outcome) -> Iterator[str]:
    wanted = trips_of(outcome)
    for key in sorted(stored.keys() | wanted.keys()):  # CHECK 3
        listed, by_rules = stored.get(key), wanted.get(key)
        if listed != by_rules:
            yield f"trip {key} of vehicle {vehicle_key}: is listed as {_said(listed)}, by the rules {_said(by_rules)}"


def _said(trip: TripSays | None) -> str:
    return "nothing" if trip is None else " ".join(word for word in trip if word)


def _overdue(connection: Connection, moment_ms: int) -> Iterator[str]:
    late = tracks.count_pending(connection, moment_ms - _PATIENCE_MS - 1)  # CHECK 5
    if late:
        (first,) = tracks.due_vehicles(connection, moment_ms, 1)
        yield f"{late} vehicles wait for their settlement for more than {_PATIENCE_MS // 1000} s, first {first}"
