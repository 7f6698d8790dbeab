"""The ledger's rules: entries whose postings sum to zero, corrections as reversal and new, hashes that chain them.

Accounts: ``receivable:<contract>`` (without a contract, the vehicle key), ``operator:<id>``, ``vat:<rate>``,
``discount:<tariff>``, ``rounding``, ``writeoff``, ``cash:<channel>``. Debit is positive.

An entry is never changed. Where a recomputation gives another charge, the old entry is reversed, posting for posting,
and the new one follows; ``revision`` counts the bookings of a charge key, so that a charge which returns to an earlier
amount is still a new entry with a new content hash, and the same settlement done twice is the same entry.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from trassa.toll.charge import Charge
from trassa.toll.rating import rounded_minor

__all__ = [
    "GENESIS", "Booked", "Entry", "Posting", "canonical", "content_hash", "entries_for", "entry_hash", "grounds_of",
    "net_of", "postings_of",
]  # fmt: skip

GENESIS = "0" * 64
"""What stands before the first entry."""
_DOCUMENT = ("name", "file", "sha256", "source", "from", "to")


@dataclass(frozen=True, order=True)
class Posting:
    """An amount on an account, minor units, debit positive."""

    account: str
    currency: str
    amount_minor: int


@dataclass(frozen=True)
class Booked:
    """What the ledger holds for a charge key: its last ``charge`` entry, or none live after a reversal.

    ``explanation`` is the text of the JSON with which it was booked.
    """

    charge_key: str
    revision: int
    content_hash: str
    event_ms: int
    postings: tuple[Posting, ...]
    explanation_sha256: str = ""
    explanation: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry, ready to be written; ``reverses`` is the content hash of the entry that it takes back."""

    kind: Literal["charge", "reversal", "payment", "adjustment"]
    charge_key: str
    revision: int
    reverses: str | None
    event_ms: int
    postings: tuple[Posting, ...]
    explanation_sha256: str

    def __post_init__(self) -> None:
        sums: dict[str, int] = defaultdict(int)
        for posting in self.postings:
            sums[posting.currency] += posting.amount_minor
        if any(sums.values()):
            raise ValueError(f"ledger: postings of {self.charge_key} sum to {dict(sums)}, not to zero")

    @property
    def content_hash(self) -> str:
        """The hash of everything in the entry."""
        return content_hash(
            {
                "kind": self.kind,
                "charge_key": self.charge_key,
                "revision": self.revision,
                "reverses": self.reverses,
                "event_ms": self.event_ms,
                "postings": [[p.account, p.currency, p.amount_minor] for p in self.postings],
                "explanation_sha256": self.explanation_sha256,
            }
        )


def canonical(body: Any) -> str:
    """The one JSON text of a body: keys sorted, no blanks, no floats that are not numbers."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_hash(body: Any) -> str:
    """SHA-256 of the canonical JSON of a body."""
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def entry_hash(previous_hash: str, content: str, recorded_ms: int) -> str:
    """The chain: SHA-256 over the hash before, the entry's content hash and when it was recorded."""
    return hashlib.sha256(f"{previous_hash}\n{content}\n{recorded_ms}".encode()).hexdigest()


def postings_of(charge: Charge) -> tuple[Posting, ...]:
    """Who owes and who gets: the receivable, the operator's share, tax where the tariff states a rate, discounts.

    The first two stand there even at 0: a trip that costs nothing is booked as one.
    """
    rating, currency = charge.rating, charge.currency
    tax_minor = 0
    if rating.vat_rate is not None:
        rate = Fraction(rating.vat_rate)
        tax_minor = rounded_minor(Fraction(charge.amount_minor) * rate / (1 + rate), "half up")
    owed = {
        f"receivable:{charge.contract_id or charge.vehicle_key}": charge.amount_minor,
        f"operator:{charge.operator}": tax_minor - charge.amount_minor - rating.discount_minor,
    }
    besides = {f"discount:{charge.system}": rating.discount_minor, f"vat:{rating.vat_rate}": -tax_minor}
    amounts = owed | {account: amount for account, amount in besides.items() if amount}
    return tuple(sorted(Posting(account, currency, amount) for account, amount in amounts.items()))


def entries_for(before: Mapping[str, Booked], after: Mapping[str, Charge]) -> list[Entry]:
    """What must be written so that the ledger holds ``after``: nothing, new entries, or reversals and new entries.

    ``before`` has, for every charge key of the vehicle that was ever booked, what stands in the ledger. A booking
    stays where its postings and its grounds stay, though another edition of the tariff's document gives them.
    """
    entries: list[Entry] = []
    for key in sorted(before.keys() | after.keys()):
        booked, charge = before.get(key), after.get(key)
        wanted = postings_of(charge) if charge else ()
        explained = content_hash(charge.explanation) if charge else ""
        if booked and booked.postings:
            if booked.postings == wanted and (
                booked.explanation_sha256 == explained or _has_same_grounds(booked, charge)
            ):
                continue
            entries.append(_reversal(booked))
        if charge and wanted:
            revision = booked.revision + 1 if booked else 1
            entries.append(Entry("charge", key, revision, None, charge.event_ms, wanted, explained))
    return entries


def grounds_of(explanation: Mapping[str, Any]) -> dict[str, Any]:
    """Why an amount is what it is, without what only says in which document the price stands.

    Which system, version and rules, when, who, which way and the arithmetic are grounds; the file's name and hash, the
    name of the system, the source that is cited and the bounds of the version are not.
    """
    tariff = {key: said for key, said in explanation["tariff"].items() if key not in _DOCUMENT}
    return {**explanation, "tariff": tariff}


def _has_same_grounds(booked: Booked, charge: Charge | None) -> bool:
    if charge is None or not booked.explanation:
        return False
    return canonical(grounds_of(json.loads(booked.explanation))) == canonical(grounds_of(charge.explanation))


def _reversal(booked: Booked) -> Entry:
    back = tuple(sorted(Posting(p.account, p.currency, -p.amount_minor) for p in booked.postings))
    return Entry(
        "reversal", booked.charge_key, booked.revision, booked.content_hash, booked.event_ms, back,
        booked.explanation_sha256,
    )  # fmt: skip


def net_of(entries: Iterable[Entry]) -> dict[str, dict[tuple[str, str], int]]:
    """Net amounts by charge key, then by account and currency; what is zero is left out."""
    nets: dict[str, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for entry in entries:
        for posting in entry.postings:
            nets[entry.charge_key][posting.account, posting.currency] += posting.amount_minor
    lean = {key: {place: amount for place, amount in net.items() if amount} for key, net in nets.items()}
    return {key: net for key, net in lean.items() if net}
