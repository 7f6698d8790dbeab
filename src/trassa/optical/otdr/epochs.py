"""A repair puts in cable, and everything behind it lies farther away: a new epoch of the calibration.

The shift is found where it can be averaged: not event against event, but closure against closure over all tables of
the old epoch and of the new. What the old epoch taught is kept, shifted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.optical.otdr.calibration import Calibration, Reading, averaged, matched
from trassa.optical.otdr.events import EventTable

__all__ = ["Repair", "is_shown", "mended", "next_epoch"]

_SIGNIFICANCE = 4.0
_SHIFT_COST = 20.0
_SEEN_SHARE = 0.5
_MOST_REPAIRS = 8
"""More between two baselines is another cable: the rest is left as it is read."""


@dataclass(frozen=True)
class Repair:
    """Cable put in between two places that the calibration knows.

    ``inserted_m`` of fibre with its standard deviation (negative: taken out; 0: as it was entered); ``route_m`` is
    where, ``low_m`` to ``high_m`` the route within which it lies, ``seen`` whether a new closure shows it or only the
    shift behind.
    """

    after: str
    before: str
    inserted_m: float
    inserted_sd_m: float
    route_m: float
    low_m: float
    high_m: float
    seen: bool


def next_epoch(calibration: Calibration, tables: Sequence[EventTable]) -> tuple[Calibration, tuple[Repair, ...]]:
    """The calibration after new healthy tables, and the repairs that they show since the last epoch.

    Without a repair the new readings are averaged with the old ones. Repairs are taken one at a time, the clearest
    first. Raises :class:`InputError` for a table at another index.
    """
    repairs: list[Repair] = []
    for table in tables:
        calibration.check_index(table)
    while True:
        seen = averaged([matched(calibration, table, shift_cost=_SHIFT_COST) for table in tables])
        split = _split(calibration, seen)
        if split is None or len(repairs) == _MOST_REPAIRS:
            return replace(calibration, readings=_joined(calibration.readings, seen)), tuple(repairs)
        calibration, repair = _repaired(calibration, tables, *split)
        repairs.append(repair)


def is_shown(calibration: Calibration, tables: Sequence[EventTable], route_m: float, inserted_m: float) -> bool:
    """Whether healthy tables show that what lies behind a place is farther away by a given length of fibre.

    To ask for a known place and length takes less than to find them. False where the tables cannot tell.
    """
    seen = averaged([matched(calibration, table, shift_cost=_SHIFT_COST) for table in tables])
    both, shift, sd_m = _shifts(calibration, seen)
    behind = [at for at, reading in enumerate(both) if calibration.path.seen[reading.place].route_m >= route_m]
    if not behind or abs(inserted_m) < _SIGNIFICANCE * float(sd_m[behind[0]]):
        return False
    return abs(float(shift[behind[0]]) - inserted_m) < abs(inserted_m) / 2.0


def _shifts(
    calibration: Calibration, seen: Sequence[Reading]
) -> tuple[list[Reading], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Readings of known places in order, shape (n,); were a shift to begin at each, its size and standard deviation."""
    known = {reading.place: reading for reading in calibration.readings}
    both = [reading for reading in seen if reading.place in known]
    if not both:
        return [], np.empty(0), np.empty(0)
    off = np.array([reading.fibre_m - known[reading.place].fibre_m for reading in both])
    counts = [1.0 / (1.0 / reading.count + 1.0 / known[reading.place].count) for reading in both]
    weights = np.array(counts) / calibration.prior.reading_sd_m**2
    before = 1.0 / calibration.prior.lead_sd_m**2 + np.concatenate(([0.0], np.cumsum(weights)[:-1]))
    sums = np.concatenate(([0.0], np.cumsum(weights * off)[:-1]))
    behind = np.cumsum(weights[::-1])[::-1]
    shift = np.cumsum((weights * off)[::-1])[::-1] / behind - sums / before
    return both, shift, np.sqrt(1.0 / before + 1.0 / behind)


def _split(calibration: Calibration, seen: Sequence[Reading]) -> tuple[Reading | None, Reading, float, float] | None:
    """The last reading before and the first behind the clearest shift, its size and standard deviation."""
    both, shift, sd_m = _shifts(calibration, seen)
    if len(both) < 2:
        return None
    best = int(np.argmax(np.abs(shift) / sd_m))
    if abs(shift[best]) < _SIGNIFICANCE * sd_m[best]:
        return None
    return (both[best - 1] if best else None), both[best], float(shift[best]), float(sd_m[best])


def _repaired(
    calibration: Calibration,
    tables: Sequence[EventTable],
    before: Reading | None,
    behind: Reading,
    inserted_m: float,
    sd_m: float,
) -> tuple[Calibration, Repair]:
    path, prior = calibration.path, calibration.prior
    low_m = before.fibre_m if before else 0.0
    high_m = behind.fibre_m - inserted_m
    new = [_new_events(table, low_m, behind.fibre_m, prior.reading_sd_m) for table in tables]
    firsts = [events[0] for events in new if events]
    is_seen = len(firsts) >= max(1.0, _SEEN_SHARE * len(tables))
    at_m = float(np.median(firsts)) if is_seen else (low_m + high_m) / 2.0
    route_m = float(path.route_at(calibration.planned_m(at_m)))
    rebuilt, place = _lengthened(calibration, route_m, inserted_m, 0.0 if is_seen else abs(inserted_m))
    readings = list(rebuilt.readings)
    if is_seen:
        readings.insert(
            sum(reading.place < place for reading in readings), Reading(place, at_m + inserted_m / 2.0, len(firsts))
        )
    after, ahead = path.places[0] if before is None else path.seen[before.place], path.seen[behind.place]
    repair = Repair(after.name, ahead.name, inserted_m, sd_m, route_m, after.route_m, ahead.route_m, is_seen)
    return replace(rebuilt, readings=tuple(readings)), repair


def mended(calibration: Calibration, route_m: float, inserted_m: float) -> Calibration:
    """The calibration after a repair of which place and length are known: ``inserted_m`` of fibre at a route length.

    What was learned behind it is kept, that much farther away.
    """
    return _lengthened(calibration, route_m, inserted_m, 0.0)[0]


def _lengthened(
    calibration: Calibration, route_m: float, inserted_m: float, unsure_m: float
) -> tuple[Calibration, int]:
    """The calibration with a closure for a repair, readings behind it moved, and the closure's number."""
    path = calibration.path
    number = sum(place.name.startswith("repair ") for place in path.places) + 1
    name = f"repair {number} at {route_m:.0f} m"
    rebuilt = path.repaired(name, route_m, inserted_m, unsure_m)
    place = next(at for at, seen in enumerate(rebuilt.seen) if seen.name == name)
    readings = [
        reading if reading.place < place else Reading(reading.place + 1, reading.fibre_m + inserted_m, reading.count)
        for reading in calibration.readings
    ]
    return replace(calibration, path=rebuilt, readings=tuple(readings)), place


def _new_events(table: EventTable, low_m: float, high_m: float, sd_m: float) -> list[float]:
    """Events strictly between two known closures: the joints of a repair."""
    away_m = 4.0 * sd_m
    return [event.fibre_m for event in table.passed if low_m + away_m < event.fibre_m < high_m - away_m]


def _joined(old: Sequence[Reading], new: Sequence[Reading]) -> tuple[Reading, ...]:
    readings = {reading.place: reading for reading in old}
    for reading in new:
        if reading.place in readings:
            known = readings[reading.place]
            count = known.count + reading.count
            mean_m = (known.fibre_m * known.count + reading.fibre_m * reading.count) / count
            readings[reading.place] = Reading(reading.place, mean_m, count)
        else:
            readings[reading.place] = reading
    return tuple(readings[place] for place in sorted(readings))
