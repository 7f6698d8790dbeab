"""Charges of one vehicle: its reads become passages, trips and priced charges, and every read has a fate.

One function of (context, reads, watermark, what is known of the vehicle): the order in which reads arrive, their
repetition and the batches they came in change nothing.

Fates: ``charged`` (the read that stands for a passage of a charge), ``duplicate`` (another read of such a passage, or
a read given twice), ``exempt``, ``held``, ``rejected`` (its toll point is in no system), ``open`` (its passage or trip
is not over). A passage in two systems is charged where one charge rests on it, else open, else held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trassa.clock import rfc3339
from trassa.toll.context import TollContext
from trassa.toll.passage import Passage, passages
from trassa.toll.rating import Held, Journey, Rating, rate
from trassa.toll.read import Read
from trassa.toll.tariff import TariffSystem
from trassa.toll.trip import Trip, all_trips

__all__ = ["Charge", "Fate", "HeldTrip", "Outcome", "VehicleFacts", "charges"]

Fate = Literal["charged", "duplicate", "exempt", "held", "rejected", "open"]

_WHY = {
    "exit_without_entry": "the vehicle left a tolled road that nobody saw it enter",
    "entry_without_exit": "nobody saw the vehicle leave",
    "passed_without_entry": "the vehicle was on a tolled road that nobody saw it enter",
    "same_place_return": "the vehicle came back to where it entered; no price of a pair fits",
    "infeasible_speed": "faster between two toll points than one vehicle can be",
}


@dataclass(frozen=True)
class VehicleFacts:
    """What a contract says of a vehicle; a vehicle without one has none of it.

    ``means`` decides before any read does. An exemption holds for passages from ``exempt_from_ms`` until
    ``exempt_until_ms``, where given.
    """

    contract_id: str | None = None
    vehicle_class: str | None = None
    means: str | None = None
    exempt: bool = False
    exempt_from_ms: int | None = None
    exempt_until_ms: int | None = None

    def is_exempt_at(self, time_ms: int) -> bool:
        """Whether the exemption holds for a passage at a moment."""
        from_ms, until_ms = self.exempt_from_ms, self.exempt_until_ms
        return self.exempt and (from_ms is None or from_ms <= time_ms) and (until_ms is None or time_ms < until_ms)


@dataclass(frozen=True)
class Charge:
    """What one vehicle owes for one trip. ``event_ms`` is its exit; ``read_ids`` are the reads behind it."""

    key: str
    system: str
    operator: str
    vehicle_key: str
    contract_id: str | None
    event_ms: int
    rating: Rating
    explanation: dict[str, Any]
    read_ids: tuple[str, ...]

    @property
    def amount_minor(self) -> int:
        """The amount, minor units of :attr:`currency`."""
        return self.rating.amount_minor

    @property
    def currency(self) -> str:
        """The currency of the amount."""
        return self.rating.currency


@dataclass(frozen=True)
class HeldTrip:
    """A trip that is over and not charged: ``reason`` for programs, ``text`` for people."""

    key: str
    system: str
    vehicle_key: str
    event_ms: int
    reason: str
    text: str
    rules: tuple[str, ...]
    passages: tuple[dict[str, Any], ...]
    read_ids: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Everything that follows from the reads of one vehicle at a watermark, by charge key."""

    charges: Mapping[str, Charge]
    held: Mapping[str, HeldTrip]
    open: Mapping[str, Trip]
    read_fates: Mapping[str, Fate]


def charges(
    context: TollContext, reads: Iterable[Read], watermark_ms: int, vehicle: VehicleFacts | None = None
) -> Outcome:
    """Charges, held and open trips and the fate of every read of one vehicle."""
    facts = vehicle or VehicleFacts()
    all_reads = list(reads)
    fates: dict[str, Fate] = {read.read_id: "rejected" for read in all_reads}
    known = passages(read for read in all_reads if context.systems_at(read.toll_point))
    liable = [passage for passage in known if not facts.is_exempt_at(passage.time_ms)]
    if len({passage.vehicle_key for passage in liable}) > 1:
        raise ValueError("charge: reads of more than one vehicle in one call")
    fates |= {read_id: "exempt" for p in known if p not in liable for read_id in p.read_ids}
    fates |= {read_id: "open" for passage in liable for read_id in passage.read_ids}
    priced: dict[str, Charge] = {}
    held: dict[str, HeldTrip] = {}
    still_open: dict[str, Trip] = {}
    for trip in all_trips(context, liable, watermark_ms):
        if trip.state == "open":
            still_open[trip.key] = trip
            continue
        result = _result(context, trip, facts)
        if isinstance(result, Charge):
            priced[trip.key] = result
        else:
            held[trip.key] = result
    in_charge = {read_id for charge in priced.values() for read_id in charge.read_ids}
    in_open = {read_id for trip in still_open.values() for read_id in trip.read_ids}
    in_held = {read_id for trip in held.values() for read_id in trip.read_ids} - in_open
    fates |= dict.fromkeys(in_held, "held")
    fates |= dict.fromkeys(in_charge, "duplicate")
    fates |= {p.read_ids[0]: "charged" for p in liable if p.read_ids[0] in in_charge}
    return Outcome(priced, held, still_open, fates)


def _result(context: TollContext, trip: Trip, facts: VehicleFacts) -> Charge | HeldTrip:
    system = context.systems[trip.system]
    seen = tuple(_seen(passage) for passage in trip.passages)
    rules = tuple(f"trip {number}" for number in trip.rules)
    if trip.state == "held":
        outcome: Rating | Held = Held(trip.reason, _WHY[trip.reason])
    else:
        vehicle_class = _class_of(trip, facts)
        outcome = (
            vehicle_class
            if isinstance(vehicle_class, Held)
            else rate(context, trip.system, _journey(system, trip, vehicle_class, _means_of(trip, facts)))
        )
    if isinstance(outcome, Held):
        return HeldTrip(
            key=trip.key,
            system=trip.system,
            vehicle_key=trip.vehicle_key,
            event_ms=trip.exit.time_ms,
            reason=outcome.reason,
            text=outcome.text,
            rules=rules,
            passages=seen,
            read_ids=trip.read_ids,
        )
    explanation = outcome.explanation | {
        "charge_key": trip.key,
        "passages": list(seen),
        "rules": [*rules, *outcome.explanation["rules"]],
    }
    return Charge(
        key=trip.key,
        system=trip.system,
        operator=system.operator,
        vehicle_key=trip.vehicle_key,
        contract_id=facts.contract_id,
        event_ms=trip.exit.time_ms,
        rating=outcome,
        explanation=explanation,
        read_ids=trip.read_ids,
    )


def _seen(passage: Passage) -> dict[str, Any]:
    said: dict[str, Any] = {
        "passage_id": passage.passage_id,
        "toll_point": passage.toll_point,
        "time": rfc3339(passage.time_ms),
        "movement": passage.movement,
        "seen": "inferred" if passage.inferred else "observed",
    }
    if passage.inferred:
        said["between"] = [rfc3339(passage.earliest_ms), rfc3339(passage.latest_ms)]
    return said


def _class_of(trip: Trip, facts: VehicleFacts) -> str | Held | None:
    said = {name for passage in trip.passages for name in passage.classes}
    if facts.vehicle_class is not None:
        said.add(facts.vehicle_class)
    if len(said) > 1:
        return Held("class_ambiguous", f"sensors and contract say different classes: {', '.join(sorted(said))}")
    return next(iter(said), None)


def _means_of(trip: Trip, facts: VehicleFacts) -> str | None:
    """The contract's means; without a contract, a tag that was read, else the plate, else own fixes."""
    said = {name for passage in trip.passages for name in passage.means}
    return facts.means or next((means for means in ("tag", "plate", "own") if means in said), None)


def _journey(system: TariffSystem, trip: Trip, vehicle_class: str | None, means: str | None) -> Journey:
    first, last = system.point[trip.entry.toll_point], system.point[trip.exit.toll_point]
    sections = tuple(
        dict.fromkeys(section for p in trip.passages if (section := system.point[p.toll_point].section) is not None)
    )
    return Journey(
        start=first.section[0] if first.section else first.node,
        end=last.section[1] if last.section else last.node,
        entry_ms=trip.entry.time_ms,
        exit_ms=trip.exit.time_ms,
        vehicle_class=vehicle_class,
        means=means,
        sections=sections,
        entry_span_ms=_span_ms(trip.entry),
        exit_span_ms=_span_ms(trip.exit),
    )


def _span_ms(passage: Passage) -> tuple[int, int] | None:
    return (passage.earliest_ms, passage.latest_ms) if passage.inferred else None
