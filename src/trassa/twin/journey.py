"""Journeys over toll points, and what each must cost: the truth that charges are judged by.

A journey is a list of passages at toll points in order. Of each tariff system it touches, it is one trip:

1. Entry and exit seen: the table's price of the pair at the moment that the table names.
2. The table has no price for it: held, with what it lacks.
3. Entry or exit seen by nobody: held. But a vehicle first seen where two systems meet, and then in the second, owes
   nothing in the first: nobody knows that it was there.
4. Nobody saw the vehicle at the boundary of two systems, but somewhere in each: both trips end there. The moment is not
   known, only its bounds; a trip is priced where it costs the same at every moment between them, else it is held.
5. The vehicle is exempt: no charge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trassa.twin.prices import PriceList, Unpriced

__all__ = ["Account", "Due", "Journey", "Stop", "dues"]

_LOOK_MS = 300_000


@dataclass(frozen=True)
class Account:
    """A contract: who pays for which vehicle, known by a plate, perhaps a tag and perhaps its own fixes."""

    contract_id: str
    vehicle_class: str
    means: str
    identity: str
    own: str = ""
    exempt: bool = False

    def as_dict(self) -> dict[str, object]:
        """As the API takes it."""
        identities = [{"kind": self.means, "plain": self.identity}]
        if self.own:
            identities.append({"kind": "own", "plain": self.own})
        return {
            "contract_id": self.contract_id,
            "vehicle_class": self.vehicle_class,
            "means": self.means,
            "exempt": self.exempt,
            "identities": identities,
        }


@dataclass(frozen=True)
class Stop:
    """A passage at a toll point; ``seen`` says whether any sensor recorded it, ``own`` that only own fixes can."""

    point: str
    time_ms: int
    movement: str
    seen: bool = True
    own: bool = False


@dataclass(frozen=True)
class Journey:
    """One vehicle's way past toll points, in order of time. ``story`` names what is peculiar to it."""

    account: Account
    stops: tuple[Stop, ...]
    story: str = ""
    vehicle: int = -1


@dataclass(frozen=True)
class Due:
    """What one journey owes in one system: an amount, or why it is held (``because``)."""

    contract_id: str
    system: str
    start: str
    end: str
    amount_minor: int | None
    because: str = ""


def dues(lists: Sequence[PriceList], journey: Journey) -> list[Due]:
    """What a journey owes, by the rules above; nothing where no sensor saw it in a system, or where it is exempt."""
    if journey.account.exempt:
        return []  # RULE 5
    found = []
    for prices in lists:
        node_of = {point.id: point.node for point in prices.points}
        stops = [stop for stop in journey.stops if stop.point in node_of]
        if len(stops) < 2 or not any(stop.seen for stop in stops) or _only_began_behind(journey, stops):
            continue
        start, end = node_of[stops[0].point], node_of[stops[-1].point]
        amount_minor, because = _outcome(prices, journey, stops, (start, end))
        found.append(Due(journey.account.contract_id, prices.system, start, end, amount_minor, because))
    return found


def _only_began_behind(journey: Journey, stops: Sequence[Stop]) -> bool:
    """Rule 3: whether the last stop is all that was seen here, and the journey was seen to go on from it."""
    later = journey.stops[journey.stops.index(stops[-1]) + 1 :]
    return not any(stop.seen for stop in stops[:-1]) and any(stop.seen for stop in later)


def _outcome(
    prices: PriceList, journey: Journey, stops: Sequence[Stop], pair: tuple[str, str]
) -> tuple[int | None, str]:
    first, last = stops[0], stops[-1]
    entry = _bounds(journey, first)
    leave = _bounds(journey, last)
    if entry is None:
        return None, "entry not seen"  # RULE 3
    if leave is None:
        return None, "exit not seen"  # RULE 3
    account = journey.account
    amounts: set[int] = set()
    for exit_ms in _moments(leave):  # RULE 4
        try:
            amount_minor = prices.price_minor(
                *pair, entry_ms=entry[0], exit_ms=exit_ms, vehicle_class=account.vehicle_class, means=account.means
            )
        except Unpriced as lack:
            return None, str(lack)  # RULE 2
        amounts.add(amount_minor)
    return (amounts.pop(), "") if len(amounts) == 1 else (None, "moment not known")  # RULES 1, 4


def _bounds(journey: Journey, stop: Stop) -> tuple[int, int] | None:
    """When the vehicle was there: a moment where it was seen, bounds where it was seen before and behind, else none."""
    if stop.seen:
        return stop.time_ms, stop.time_ms
    place = journey.stops.index(stop)
    before = [other.time_ms for other in journey.stops[:place] if other.seen]
    after = [other.time_ms for other in journey.stops[place + 1 :] if other.seen]
    return (before[-1], after[0]) if before and after else None


def _moments(bounds: tuple[int, int]) -> list[int]:
    return [*range(bounds[0], bounds[1], _LOOK_MS), bounds[1]]
