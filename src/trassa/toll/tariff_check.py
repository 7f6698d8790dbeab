"""What a tariff file says that cannot be meant (errors), and what a person should look at (warnings, notes).

Errors: versions that overlap or leave a gap in time; points, classes, payments, profiles, columns or nodes that are
not declared; prices that are missing, negative, beyond any toll or given twice; a kind of day in two profiles; a price
above the legal cap over the longest way that the labels allow. Warnings, because real tariffs have them: a pair that
differs from its opposite; a farther place that costs less; a kind of day without a profile. Notes: pairs and classes
without a price (trips over them are held).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from trassa.toll.calendar import DAYS, NIGHT
from trassa.toll.tariff import PriceTable, TariffSystem, TariffVersion

__all__ = ["Finding", "findings_of"]

_HIGHEST_MINOR = 10**12
"""No toll comes near it, and sums over a year of trips still fit into 64 bits."""


@dataclass(frozen=True)
class Finding:
    """One thing to say about a tariff: where, what, and whether the tariff is refused for it."""

    is_error: bool
    place: str
    text: str
    is_note: bool = False

    @property
    def weight(self) -> str:
        """``error``, ``warning`` or ``note``."""
        return "error" if self.is_error else "note" if self.is_note else "warning"


def findings_of(system: TariffSystem) -> list[Finding]:
    """Everything to say about a tariff, errors first."""
    found = [*_points(system), *_validity(system)]
    for version in system.versions:
        found += [*_profiles(version), *_tables(system, version), *_rows(system, version), *_capped(system, version)]
        if not any(finding.is_error for finding in found):
            found += [*_asymmetry(version), *_monotony(system, version), *_missing(system, version)]
    return sorted(found, key=lambda finding: (not finding.is_error, finding.is_note))


def _error(place: str, text: str) -> Finding:
    return Finding(True, place, text)


def _points(system: TariffSystem) -> Iterator[Finding]:
    for ident, count in Counter(point.id for point in system.points).items():
        if count > 1:
            yield _error(f"toll point {ident}", f"is given {count} times")
    for point in system.points:
        if (point.section is None) != (system.kind == "matrix") or (point.section is None) != bool(point.node):
            wanted = "a node" if system.kind == "matrix" else "a section"
            yield _error(f"toll point {point.id}", f"needs {wanted} and nothing else in a tariff of kind {system.kind}")
    for node, count in Counter(start for start, _ in system.chain).items():
        if count > 1:
            yield _error(f"node {node}", f"{count} sections begin there; a chain has one")
    if ring := _ring(system.chain):
        yield _error(f"node {ring[0]}", f"the sections lead round: {' → '.join(ring)}; a chain has two ends")
    means = Counter(word for words in system.payments.values() for word in words)
    for word, count in means.items():
        if count > 1:
            yield _error("payments", f"{word} stands under {count} payments")
    for alias, node in system.aliases.items():
        if node not in system.nodes:
            yield _error(f"alias {alias}", f"{node!r} is no node")


def _ring(chain: Sequence[tuple[str, str]]) -> list[str]:
    """The nodes of a chain that comes back to where it began: how often a trip went round, no price could say."""
    follows = dict(chain)
    for first in follows:
        way = [first]
        while (here := follows.get(way[-1])) is not None and here not in way:
            way.append(here)
        if here == first:
            return [*way, first]
    return []


def _validity(system: TariffSystem) -> Iterator[Finding]:
    for ident, count in Counter(version.id for version in system.versions).items():
        if count > 1:
            yield _error(f"version {ident}", f"is given {count} times")
    for version in system.versions:
        if version.until is not None and version.until <= version.since:
            yield _error(f"version {version.id}", f"ends at {version.until} and begins at {version.since}")
    for earlier, later in pairwise(system.versions):
        place = f"versions {earlier.id} and {later.id}"
        if earlier.until is None or earlier.until > later.since:
            yield _error(place, f"overlap: the first ends {earlier.until or 'never'}, the second begins {later.since}")
        elif earlier.until < later.since:
            yield _error(place, f"leave a gap from {earlier.until} to {later.since}")


def _profiles(version: TariffVersion) -> Iterator[Finding]:
    place = f"version {version.id}, profiles"
    kinds: tuple[str, ...] = (*DAYS, NIGHT) if version.day_ends < version.day_starts else DAYS
    if version.day_ends > version.day_starts:
        ends, starts = version.day_ends.isoformat("minutes"), version.day_starts.isoformat("minutes")
        yield _error(
            place, f"the day starts at {starts} and ends at {ends}; it must end at 00:00 or in the hours after"
        )
    said: Counter[str] = Counter(kind for profile in version.profiles.values() for kind in profile)
    for kind, count in said.items():
        if count > 1:
            yield _error(place, f"{kind} stands in {count} profiles")
        if kind not in kinds:
            yield _error(place, f"{kind} never comes: the day has no night")
    for kind in kinds:
        if kind not in said:
            yield Finding(False, place, f"{kind} has no profile: trips at that time are held")
    if version.calendar:
        named = Counter(day for days in version.calendar.priced_as.values() for day in days)
        for day, count in named.items():
            if count > 1:
                yield _error(
                    f"version {version.id}, calendar {version.calendar.id}", f"{day} is priced as {count} days"
                )


def _table_name(version: TariffVersion, table: PriceTable) -> str:
    return f"version {version.id}, class {table.vehicle_class} {table.payment}"


def _tables(system: TariffSystem, version: TariffVersion) -> Iterator[Finding]:
    for payment in version.discounts:
        if payment not in system.payments:
            yield _error(f"version {version.id}, discounts", f"{payment!r} is no payment of this file")
    for table in version.tables:
        place = _table_name(version, table)
        if table.vehicle_class not in system.classes:
            yield _error(place, f"class {table.vehicle_class!r} is not declared under [classes]")
        if table.payment not in system.payments:
            yield _error(place, f"payment {table.payment!r} is not declared under [payments]")
        for column in table.columns:
            if column not in version.profiles:
                yield _error(place, f"column {column!r} is no profile of this version")
        if len(set(table.columns)) < len(table.columns):
            yield _error(place, "a column stands there twice")


def _rows(system: TariffSystem, version: TariffVersion) -> Iterator[Finding]:
    known, seen = set(system.nodes), set()
    for table in version.tables:
        wanted = len(table.columns) + (1 if table.origin else 2)
        for number, row in enumerate(table.rows, start=1):
            if len(row) != wanted:
                yield _error(f"{_table_name(version, table)}, row {number}", f"has {len(row)} values, not {wanted}")
    for table, start, end, prices in version.rows():
        place = f"{_table_name(version, table)}, {start} → {end}"
        for node in (start, end):
            if node not in known:
                yield _error(place, f"{node!r} is no node of any toll point")
        if system.kind == "sections" and (start, end) not in system.chain:
            yield _error(place, "has no toll point with this section")
        if start == end:
            yield _error(place, "a return to the same place is no pair")
        for price in prices:
            if not isinstance(price, int) or price < 0:
                yield _error(place, f"{price!r} is no price; whole price units, 0 and more")
            elif price * system.price_unit_minor > _HIGHEST_MINOR:
                yield _error(place, f"{price} price units are more than any toll: {_HIGHEST_MINOR} minor units at most")
        for column in table.columns:
            key = (table.vehicle_class, table.payment, start, end, column)
            if key in seen:
                yield _error(place, f"is priced twice for {column}")
            seen.add(key)


def _longest_km(system: TariffSystem, start: str, end: str, slack_km: float) -> float | None:
    """The longest way that the labels allow between two nodes, or over one section; none where they do not say."""
    if system.kind == "matrix":
        km = {node: [p.km for p in system.points if p.node == node and p.km is not None] for node in (start, end)}
        if not km[start] or not km[end]:
            return None
        return max(abs(a - b) for a in km[start] for b in km[end]) + slack_km
    gantry_km = [point.km for point in system.points if point.section]
    at = system.chain.index((start, end))
    if not 0 < at < len(gantry_km) - 1:
        return None
    before_km, after_km = gantry_km[at - 1], gantry_km[at + 1]
    return None if before_km is None or after_km is None else after_km - before_km + slack_km


def _capped(system: TariffSystem, version: TariffVersion) -> Iterator[Finding]:
    if version.cap_minor_per_km is None:
        return
    unknown = 0
    for table, start, end, prices in version.rows():
        if not {start, end} <= set(system.nodes) or (system.kind == "sections" and (start, end) not in system.chain):
            continue
        length_km = _longest_km(system, start, end, version.cap_slack_km)
        if length_km is None:
            unknown += 1
            continue
        bound_minor = version.cap_minor_per_km * length_km
        for column, price in zip(table.columns, prices, strict=False):
            if isinstance(price, int) and price * system.price_unit_minor > bound_minor:
                yield _error(
                    f"{_table_name(version, table)}, {start} → {end}, {column}",
                    f"{price * system.price_unit_minor} minor units lie above the cap of {bound_minor:.0f} "
                    f"({version.cap_minor_per_km} per km over {length_km:g} km); is price_unit_minor right?",
                )
    if unknown:
        yield Finding(False, f"version {version.id}", f"cap not checked on {unknown} rows without lengths", True)


def _asymmetry(version: TariffVersion) -> Iterator[Finding]:
    rows = {(table.vehicle_class, table.payment, a, b): prices for table, a, b, prices in version.rows()}
    for (vehicle_class, payment, a, b), prices in rows.items():
        back = rows.get((vehicle_class, payment, b, a))
        if a < b and back is not None and back != prices:
            yield Finding(
                False, f"version {version.id}, class {vehicle_class} {payment}", f"{a} → {b} and its opposite differ"
            )


def _monotony(system: TariffSystem, version: TariffVersion) -> Iterator[Finding]:
    """Steps to the next farther priced place, on the same side, that cost less."""
    if system.kind == "sections":
        return
    km = {point.node: point.km for point in reversed(system.points) if point.km is not None}
    for table in version.tables:
        rows = [row for row in version.rows() if row[0] is table and row[1] in km and row[2] in km]
        for start in dict.fromkeys(row[1] for row in rows):
            for side in (1, -1):
                ends = sorted(
                    (side * (km[row[2]] - km[start]), row[2], row[3])
                    for row in rows
                    if row[1] == start and side * (km[row[2]] - km[start]) > 0
                )
                for (_, nearer, near_prices), (_, farther, far_prices) in pairwise(ends):
                    less = [
                        column
                        for column, near, far in zip(table.columns, near_prices, far_prices, strict=False)
                        if isinstance(near, int) and isinstance(far, int) and far < near
                    ]
                    if less:
                        yield Finding(
                            False,
                            _table_name(version, table),
                            f"{start} → {farther} costs less than → {nearer}: {', '.join(less)}",
                        )


def _missing(system: TariffSystem, version: TariffVersion) -> Iterator[Finding]:
    place = f"version {version.id}"
    for name in system.classes:
        if all(table.vehicle_class != name for table in version.tables):
            yield Finding(False, place, f"class {name} has no price: held", True)
    for payment in system.payments:
        if all(table.payment != payment for table in version.tables):
            yield Finding(False, place, f"payment {payment} has no price: held", True)
    priced = {(start, end) for _, start, end, _ in version.rows()}
    if system.kind == "sections":
        for start, end in system.chain:
            if (start, end) not in priced:
                yield Finding(False, place, f"section {start} → {end} has no price: held", True)
        return
    for start in system.nodes:
        missing = [end for end in system.nodes if end != start and (start, end) not in priced]
        if len(missing) == len(system.nodes) - 1:
            yield Finding(False, place, f"{start} → any of the {len(missing)} others: no price, held", True)
        elif missing:
            yield Finding(False, place, f"{start} → {', '.join(missing)}: no price, held", True)
