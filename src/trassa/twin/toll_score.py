"""The toll part of the score: every charge, held trip and read against the twin's own account of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from trassa.twin.gantries import Reads
from trassa.twin.journey import Due

__all__ = ["toll_score"]

_FATES = ("charged", "duplicate", "exempt", "held", "rejected")
_SHOWN = 20


def toll_score(
    dues: Sequence[Due],
    reads: Reads,
    crossings: int,
    said: Mapping[str, Any],
    contract_of: Mapping[str, str],
) -> tuple[dict[str, Any], list[str]]:
    """Score and differences. ``said`` holds the platform's ``charges``, ``held`` and ``fates``; ``crossings`` are those
    that own fixes prove; ``contract_of`` names the contract behind a vehicle key.
    """
    charged: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in said["charges"]:
        if row["amount_minor"]:
            charged[_whose(row, contract_of)].append(int(row["amount_minor"]))
    held: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in said["held"]:
        held[_whose(row, contract_of)].append(str(row["reason"]))
    differences: list[str] = []
    reasons: Counter[str] = Counter()
    agreed = 0
    for due in dues:
        key = (due.contract_id, due.system)
        amounts, why = charged.pop(key, []), held.pop(key, [])
        wanted = [] if due.amount_minor is None else [due.amount_minor]
        if amounts != wanted or bool(why) != (due.amount_minor is None):
            differences.append(_difference(due, amounts, why))
        elif due.amount_minor is not None:
            agreed += 1
        else:
            reasons[f"{due.because}: {', '.join(why)}"] += 1
    for (contract, system), amounts in sorted(charged.items()):
        differences.append(f"{contract} was charged {amounts} in {system} for nothing")
    for (contract, system), why in sorted(held.items()):
        differences.append(f"{contract} is held in {system} ({', '.join(why)}) without a trip")
    fates = {name: int(said["fates"].get(name, 0)) for name in (*_FATES, "open")}
    differences += _read_differences(reads, crossings, fates) + _totals_differences(reads, said)
    priced = [due for due in dues if due.amount_minor is not None]
    score = {
        "charges": agreed,
        "expected_charges": len(priced),
        "amount_minor": sum(int(row["amount_minor"]) for row in said["charges"]),
        "expected_amount_minor": sum(due.amount_minor or 0 for due in priced),
        "pairs": len({(due.system, due.start, due.end) for due in priced}),
        "held": dict(sorted(reasons.items())),
        "reads": {"posted": len(reads.bodies), "distinct": reads.distinct + reads.unusable, "by_own_fixes": crossings},
        "fates": fates,
    }
    return score, [*differences[:_SHOWN], *_more(differences)]


def _whose(row: Mapping[str, Any], contract_of: Mapping[str, str]) -> tuple[str, str]:
    return contract_of.get(str(row["vehicle_key"]), "an unknown vehicle"), str(row["system"])


def _difference(due: Due, amounts: Sequence[int], why: Sequence[str]) -> str:
    trip = f"{due.contract_id} {due.start} → {due.end} in {due.system}"
    owes = f"held ({due.because})" if due.amount_minor is None else f"{due.amount_minor / 100:.2f}"
    got = [f"{amount / 100:.2f}" for amount in amounts] + [f"held ({reason})" for reason in why]
    return f"{trip}: {owes} is due, was charged {' and '.join(got) or 'nothing'}"


def _read_differences(reads: Reads, crossings: int, fates: Mapping[str, int]) -> list[str]:
    found = []
    total, wanted = sum(fates.values()), reads.distinct + reads.unusable + crossings
    if total != wanted:
        found.append(f"{wanted} reads were accepted, {total} have a fate")
    if fates["open"]:
        found.append(f"{fates['open']} reads have no fate yet")
    if fates["rejected"] != reads.unusable:
        found.append(f"{reads.unusable} reads cannot be used, {fates['rejected']} were rejected")
    if fates["exempt"] != reads.exempt:
        found.append(f"{reads.exempt} reads are of an exempt vehicle, {fates['exempt']} were exempted")
    return found


def _totals_differences(reads: Reads, said: Mapping[str, Any]) -> list[str]:
    """The list of charges against the totals, and the receipts against what was posted."""
    found = []
    booked = sum(int(row["amount_minor"]) for row in said["totals"]["charged"])
    listed = sum(int(row["amount_minor"]) for row in said["charges"])
    if booked != listed:
        found.append(f"charges of {listed / 100:.2f} are listed, the total is {booked / 100:.2f}")
    held = sum(int(count) for count in said["totals"]["held"].values())
    if held != len(said["held"]):
        found.append(f"{len(said['held'])} held trips are listed, the total is {held}")
    receipts = said["receipts"]
    if sum(receipts.values()) != len(reads.bodies):
        found.append(f"{len(reads.bodies)} reads were posted, {sum(receipts.values())} have a receipt")
    if receipts.get("rejected", 0) != reads.unusable:
        found.append(f"{receipts.get('rejected', 0)} reads were refused, {reads.unusable} cannot be used")
    return found


def _more(differences: Sequence[str]) -> list[str]:
    return [f"and {len(differences) - _SHOWN} more"] if len(differences) > _SHOWN else []
