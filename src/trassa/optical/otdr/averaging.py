"""The loss of a closure from both directions: what a change of fibre feigns has the other sign from the other end.

An OTDR compares backscatter, and two fibres rarely scatter alike. One way a good splice may show a gain and its
neighbour a loss; half the sum is the loss (IEC 61280-4-2, bidirectional measurement).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr.alignment import Pairing, paired
from trassa.optical.otdr.calibration import Calibration, matched
from trassa.optical.otdr.events import EventTable, FibreEvent

__all__ = ["TwoWayLoss", "two_way_events", "two_way_losses"]

_UNKNOWN_LINE = Pairing(step_sd_m=20.0, step_ratio=3e-4, away_m=80.0, away_ratio=1e-3, missing_cost=6.0)
"""Events of one fibre from both ends: 8 m apart in the median, 74 m at most, on one cable of 24 fibres."""
_UNSEEN_SD_DB = 0.03
"""The least loss that is called an event."""
_ENDS_APART_M = 100.0
_ENDS_APART_RATIO = 2e-3


@dataclass(frozen=True)
class TwoWayLoss:
    """One place: loss as mean of both directions with its standard deviation, and each of them, dB.

    ``fibre_m`` counts from the first end, by the index of its table; ``route_m`` is None where no plan was asked.
    A direction is None in which the joint did not show: its loss is then taken as none, within what does not show.
    """

    name: str
    fibre_m: float
    route_m: float | None
    loss_db: float
    loss_sd_db: float
    from_hut_db: float | None
    from_far_db: float | None


def two_way_losses(calibration: Calibration, from_hut: EventTable, from_far: EventTable) -> tuple[TwoWayLoss, ...]:
    """The losses of all closures that either table of one fibre shows and both could, in order of route.

    Events are paired with closures, never with one another. Raises :class:`InputError` where neither table has the
    end of the fibre, from which the far one is turned round.
    """
    back_table = _turned_round(from_hut, from_far)
    tables = from_hut, back_table
    there, back = (matched(calibration, table) for table in tables)
    expected = calibration.expected_m(calibration.path.seen_fibre_m)
    found: list[TwoWayLoss] = []
    for number, place in enumerate(calibration.path.seen):
        one, other = there.get(number), back.get(number)
        could = all(table.first_m < expected[number] < table.last_m - 2.0 * table.pulse_m for table in tables)
        if place.kind == "closure" and ((one and other) or ((one or other) and could)):
            found.append(_mean(place.name, place.route_m, one, other))
    return tuple(found)


def two_way_events(from_one: EventTable, from_other: EventTable) -> tuple[TwoWayLoss, ...]:
    """The same without a plan: events of both tables in order, paired by the distances between neighbours.

    Weaker than by closures: where a neighbour was seen from one end only, a pair may be a wrong one. Raises
    :class:`InputError` where neither table has the end of the fibre.
    """
    back = _turned_round(from_one, from_other)
    one, other = from_one.passed, back.passed
    if not one or not other:
        return ()
    places = [np.array([event.fibre_m for event in events]) for events in (one, other)]
    pairs = paired(places[0], places[1], _UNKNOWN_LINE)
    return tuple(
        _mean(f"event {number}", None, one[here], other[there]) for number, (here, there) in enumerate(pairs, start=1)
    )


def _turned_round(from_hut: EventTable, from_far: EventTable) -> EventTable:
    ends = [table.end.fibre_m for table in (from_hut, from_far) if table.end is not None]
    if not ends:
        raise InputError("two tables of one fibre: neither reaches its end", cure="a longer range or pulse")
    if max(ends) - min(ends) > _ENDS_APART_M + _ENDS_APART_RATIO * max(ends):
        raise InputError(
            f"two tables of one fibre: the end is {ends[0]:.0f} m from one side, {ends[1]:.0f} m from the other",
            cure="traces of one whole fibre from both of its ends",
        )
    return from_far.reversed(float(np.mean(ends)))


def _mean(name: str, route_m: float | None, one: FibreEvent | None, other: FibreEvent | None) -> TwoWayLoss:
    at_m = next(event.fibre_m for event in (one, other) if event is not None)
    sds = [_UNSEEN_SD_DB if event is None else event.loss_sd_db for event in (one, other)]
    losses = [None if event is None else event.loss_db for event in (one, other)]
    mean_db = sum(loss or 0.0 for loss in losses) / 2.0
    return TwoWayLoss(name, at_m, route_m, mean_db, float(np.hypot(sds[0], sds[1])) / 2.0, losses[0], losses[1])
