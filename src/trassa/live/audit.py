"""The audit: the ledger is what the toll rules give for the acknowledged reads, to the minor unit.

It reads one snapshot of the database and changes nothing. Numbered checks:

1. The chain of entries is whole, contents and explanations are as written, postings sum to zero.
2. For every vehicle: charges recomputed from its reads at its last watermark = the ledger, per charge key, account and
   currency. Nothing stands in the ledger that no reads explain.
3. Every acknowledged read has exactly the fate that the rules give it.
4. The list of charges says what the ledger says.
5. Nothing that is due waits for its settlement longer than a minute of the book's own time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trassa.live.store import ledger, tracks
from trassa.live.store.charges import amounts, fates_of, totals
from trassa.live.store.identities import facts_of
from trassa.live.store.reads import reads_of, stored_fates
from trassa.live.store.store import Connection, Store
from trassa.toll.charge import Outcome, charges
from trassa.toll.context import TollContext
from trassa.toll.ledger import postings_of

__all__ = ["Audit", "audit"]

_PATIENCE_MS = 60_000


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


def audit(store: Store, context: TollContext) -> Audit:
    """Recompute everything and compare."""
    with store.transaction(snapshot=True) as connection:
        marks = tracks.watermarks(connection)
        moment_ms = tracks.last_moment(connection)
        pending = tracks.pending(connection, moment_ms)
        number, head = ledger.chain_head(connection)
        found = [
            *ledger.chain_faults(connection),  # CHECK 1
            *_against_reads(connection, context, marks, set(pending)),
            *_against_list(connection),
            *_overdue(pending, moment_ms),
        ]
        return Audit(number, head, len(marks), len(pending), totals(connection), found)


def _against_reads(
    connection: Connection, context: TollContext, marks: Mapping[str, int], pending: set[str]
) -> Iterator[str]:
    """Checks 2 and 3, vehicle by vehicle; one that waits for its settlement is not compared."""
    booked = ledger.nets(connection)
    by_vehicle = defaultdict(set)
    for key in booked:
        by_vehicle[key.split(":")[1]].add(key)
    for vehicle_key in sorted(tracks.vehicles(connection) | by_vehicle.keys()):
        if vehicle_key in pending:
            by_vehicle.pop(vehicle_key, None)
            continue
        if vehicle_key not in marks:
            yield f"vehicle {vehicle_key}: its reads were never settled"
            continue
        reads = reads_of(connection, vehicle_key)
        outcome = charges(context, reads, marks[vehicle_key], facts_of(connection, vehicle_key))
        yield from _net_differences(outcome, {key: booked[key] for key in by_vehicle[vehicle_key]})
        yield from _fate_differences(connection, vehicle_key, outcome)


def _net_differences(outcome: Outcome, booked: Mapping[str, ledger.Net]) -> Iterator[str]:
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


def _fate_differences(connection: Connection, vehicle_key: str, outcome: Outcome) -> Iterator[str]:
    wanted = {read_id: fate for read_id, (fate, _) in fates_of(outcome).items()}
    for read_id, (fate, is_doubtful) in stored_fates(connection, vehicle_key).items():  # CHECK 3
        by_rules = "held" if is_doubtful else wanted.get(read_id, "nothing")
        if fate != by_rules:
            yield f"read {read_id}: is {fate}, by the rules {by_rules}"


def _against_list(connection: Connection) -> Iterator[str]:
    booked = ledger.nets(connection)
    for key, (amount_minor, currency) in amounts(connection).items():  # CHECK 4
        owed = sum(
            amount
            for (account, code), amount in booked.get(key, {}).items()
            if account.startswith("receivable:") and code == currency
        )
        if owed != amount_minor:
            yield f"charge {key}: listed with {amount_minor} {currency}, in the ledger {owed}"


def _overdue(pending: Mapping[str, int], moment_ms: int) -> Iterator[str]:
    late = [key for key, due_ms in pending.items() if moment_ms - due_ms > _PATIENCE_MS]  # CHECK 5
    if late:
        yield f"{len(late)} vehicles wait for their settlement for more than {_PATIENCE_MS // 1000} s, first {late[0]}"
