"""Rating: what a journey costs in one tariff system, and why, as arithmetic that another program can redo.

1. The moment that counts is the exit or the entry, as the version says; the version is the one in force at it.
2. The moment's tariff date and kind of day give the profile (:mod:`trassa.toll.calendar`). Where the moment was
   inferred, every kind that it may have had must give the same profile, else the journey is held.
3. Class and means of payment must be priced; what is unknown, contradictory or not priced is held, never guessed.
4. A matrix prices the directed pair of entry and exit. Sections are added up: those seen, or the way between two
   nodes; a section between two seen ones that nobody saw is not charged (the lower price) and is named.
5. Exact amount of a line = price · unit · (1 - discount); rounded once, by the version's named mode, to its step.

Amounts are integers of minor units; nothing is ever zero because it has no price.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from trassa.clock import rfc3339
from trassa.toll.calendar import DayKind, local_text
from trassa.toll.context import TollContext
from trassa.toll.tariff import TariffSystem, TariffVersion

__all__ = ["Held", "Journey", "Line", "Rating", "rate", "rounded_minor"]


@dataclass(frozen=True)
class Journey:
    """What is to be priced: from node to node, when, which class, which means (``tag``, ``plate``, ``own``).

    ``sections`` are those that were seen, where the system counts sections; empty means the whole way.
    ``entry_span_ms`` and ``exit_span_ms`` bound a moment that was inferred.
    """

    start: str
    end: str
    entry_ms: int
    exit_ms: int
    vehicle_class: str | None
    means: str | None
    sections: tuple[tuple[str, str], ...] = ()
    entry_span_ms: tuple[int, int] | None = None
    exit_span_ms: tuple[int, int] | None = None


@dataclass(frozen=True)
class Line:
    """One line of a charge: full price and what is left of it after the discount, minor units."""

    start: str
    end: str
    price: int
    full_minor: int
    exact_minor: Fraction
    amount_minor: int

    def as_dict(self) -> dict[str, Any]:
        """The line as it stands in an explanation; the exact amount as a fraction in text."""
        return {
            "from": self.start,
            "to": self.end,
            "price": self.price,
            "full_minor": self.full_minor,
            "exact_minor": str(self.exact_minor),
            "amount_minor": self.amount_minor,
        }


@dataclass(frozen=True)
class Rating:
    """A priced journey. ``explanation`` is ready for JSON."""

    lines: tuple[Line, ...]
    amount_minor: int
    currency: str
    vat_rate: str | None
    explanation: dict[str, Any]

    @property
    def discount_minor(self) -> int:
        """What the discount and the rounding of the lines took from the full price."""
        return sum(line.full_minor for line in self.lines) - self.amount_minor


@dataclass(frozen=True)
class Held:
    """A journey that is not charged, and why: ``reason`` for programs, ``text`` for people."""

    reason: str
    text: str


class _Holding(Exception):
    """Ends a rating that cannot be finished; never leaves this module."""

    def __init__(self, reason: str, text: str) -> None:
        self.held = Held(reason, text)
        super().__init__(text)


def rate(context: TollContext, system: str, journey: Journey) -> Rating | Held:
    """The price of a journey with its explanation, or why it is held."""
    try:
        return _rated(context.systems[system], journey)
    except _Holding as holding:
        return holding.held


def rounded_minor(exact_minor: Fraction, mode: str, step_minor: int = 1) -> int:
    """An exact amount in whole steps: ``half up`` and ``up`` away from zero, ``down`` towards it, ``half even``."""
    steps = abs(exact_minor) / step_minor
    whole, rest = divmod(steps, 1)
    if mode == "half even":
        more = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1)
    else:
        more = {"half up": rest >= Fraction(1, 2), "up": rest > 0, "down": False}[mode]
    amount_minor = (int(whole) + int(more)) * step_minor
    return amount_minor if exact_minor >= 0 else -amount_minor


def _rated(tariff: TariffSystem, journey: Journey) -> Rating:
    version, moment_ms, span_ms = _version(tariff, journey)  # RULE 1
    day, profile = _profile(tariff, version, moment_ms, span_ms)  # RULE 2
    vehicle_class, payment = _class_and_payment(tariff, version, journey)  # RULE 3
    unseen: list[tuple[str, str]] = []
    pairs = _pairs(tariff, journey, unseen)  # RULE 4
    lines = tuple(_lines(tariff, version, pairs, (vehicle_class, payment, profile)))  # RULE 5
    amount_minor = sum(line.amount_minor for line in lines)
    explanation = {
        "tariff": {
            "system": tariff.system,
            "name": tariff.name,
            "kind": tariff.kind,
            "operator": tariff.operator,
            "file": tariff.file,
            "sha256": tariff.sha256,
            "version": version.id,
            "source": version.source,
            "from": version.since.isoformat(),
            "to": version.until.isoformat() if version.until else None,
        },
        "time": _time(tariff, version, journey, moment_ms) | _day(version, day, profile),
        "vehicle": {"class": vehicle_class, "means": journey.means, "payment": payment},
        "way": {
            "from": journey.start,
            "to": journey.end,
            "sections_not_seen": [list(pair) for pair in unseen],
        },
        "arithmetic": {
            "price_unit_minor": tariff.price_unit_minor,
            "discount": str(version.discount(payment)),
            "rounding": version.rounding,
            "round_to_minor": version.round_to_minor,
            "lines": [line.as_dict() for line in lines],
            "amount_minor": amount_minor,
            "currency": tariff.currency,
            "vat_rate": version.vat_rate,
        },
        "rules": ["rating 1", "rating 2", "rating 3", "rating 4", "rating 5"],
    }
    return Rating(lines, amount_minor, tariff.currency, version.vat_rate, explanation)


def _version(tariff: TariffSystem, journey: Journey) -> tuple[TariffVersion, int, tuple[int, int] | None]:
    moments = {
        "exit": (journey.exit_ms, journey.exit_span_ms),
        "entry": (journey.entry_ms, journey.entry_span_ms),
    }
    fitting: list[tuple[TariffVersion, int, tuple[int, int] | None]] = []
    for base, (moment_ms, span_ms) in moments.items():
        version = tariff.version_at(moment_ms)
        if version is not None and version.time_base == base:
            fitting.append((version, moment_ms, span_ms))
    if len(fitting) != 1:
        when = local_text(journey.exit_ms, tariff.zone)
        raise _Holding("no_tariff_in_force", f"{tariff.system} has no one version in force for an exit at {when}")
    version, moment_ms, span_ms = fitting[0]
    if span_ms is not None and any(tariff.version_at(edge_ms) is not version for edge_ms in span_ms):
        raise _Holding("time_ambiguous", f"the inferred {version.time_base} may lie before or after a new version")
    return fitting[0]


def _profile(
    tariff: TariffSystem, version: TariffVersion, moment_ms: int, span_ms: tuple[int, int] | None
) -> tuple[DayKind, str]:
    clock = tariff.day_of(version)
    day = clock.kind_at(moment_ms)
    profile = version.profile_by_kind.get(day.kind)
    if profile is None:
        when = local_text(moment_ms, tariff.zone)
        raise _Holding("profile_not_priced", f"{tariff.system} {version.id} has no price for {day.kind} ({when})")
    if span_ms is not None:
        possible = {version.profile_by_kind.get(kind.kind) for kind in clock.kinds_between(*span_ms)}
        if possible != {profile}:
            names = ", ".join(sorted(name or "without a price" for name in possible))
            raise _Holding("time_ambiguous", f"the inferred {version.time_base} may fall into {names}")
    return day, profile


def _class_and_payment(tariff: TariffSystem, version: TariffVersion, journey: Journey) -> tuple[str, str]:
    vehicle_class, means = journey.vehicle_class, journey.means
    if vehicle_class is None:
        raise _Holding("class_unknown", "nobody knows the vehicle's class")
    if all(table.vehicle_class != vehicle_class for table in version.tables):
        raise _Holding("class_not_priced", f"{tariff.system} {version.id} has no price for class {vehicle_class}")
    if means is None:
        raise _Holding("means_unknown", "nobody knows by which means the vehicle pays")
    payment = tariff.payment_of(means)
    priced = {table.payment for table in version.tables if table.vehicle_class == vehicle_class}
    if payment is None or payment not in priced:
        raise _Holding(
            "means_not_priced", f"{tariff.system} {version.id} has no price of class {vehicle_class} by {means}"
        )
    return vehicle_class, payment


def _pairs(tariff: TariffSystem, journey: Journey, unseen: list[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    if tariff.kind == "matrix":
        if journey.start == journey.end:
            raise _Holding("same_place_return", f"a return at {journey.start} has no published price")
        return [(journey.start, journey.end)]
    way = tariff.path(journey.start, journey.end)
    if way is None:
        raise _Holding("pair_not_priced", f"{tariff.system} has no way {journey.start} → {journey.end}")
    seen = journey.sections or way
    unseen += [pair for pair in way if pair not in seen]
    return [pair for pair in way if pair in seen]


def _lines(
    tariff: TariffSystem, version: TariffVersion, pairs: Iterable[tuple[str, str]], key: tuple[str, str, str]
) -> Iterable[Line]:
    vehicle_class, payment, profile = key
    for start, end in pairs:
        price = tariff.price(version, (vehicle_class, payment, start, end, profile))
        if price is None:
            raise _Holding("pair_not_priced", f"{tariff.system} {version.id} has no price {start} → {end} ({profile})")
        full_minor = price * tariff.price_unit_minor
        exact_minor = full_minor * (1 - version.discount(payment))
        amount_minor = rounded_minor(exact_minor, version.rounding, version.round_to_minor)
        yield Line(start, end, price, full_minor, exact_minor, amount_minor)


def _time(tariff: TariffSystem, version: TariffVersion, journey: Journey, moment_ms: int) -> dict[str, Any]:
    span_ms = journey.exit_span_ms if version.time_base == "exit" else journey.entry_span_ms
    return {
        "base": version.time_base,
        "entry": rfc3339(journey.entry_ms),
        "exit": rfc3339(journey.exit_ms),
        "moment": rfc3339(moment_ms),
        "inferred_between": [rfc3339(edge_ms) for edge_ms in span_ms] if span_ms else None,
        "zone": tariff.zone,
        "local": local_text(moment_ms, tariff.zone),
    }


def _day(version: TariffVersion, day: DayKind, profile: str) -> dict[str, Any]:
    named = version.calendar if day.is_by_calendar else None
    return {
        "day_starts": version.day_starts.isoformat(),
        "day_ends": version.day_ends.isoformat(),
        "tariff_date": day.date.isoformat(),
        "kind": day.kind,
        "calendar": named.id if named else None,
        "profile": profile,
    }
