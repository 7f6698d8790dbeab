"""The loss of a closure from both directions: what a change of fibre feigns has the other sign from the other end.

An OTDR compares backscatter, and two fibres rarely scatter alike. One way a good splice may show a gain and its
neighbour a loss; half the sum is the loss (IEC 61280-4-2, bidirectional measurement).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr.calibration import Calibration, matched
from trassa.optical.otdr.events import EventTable

__all__ = ["TwoWayLoss", "two_way_losses"]


@dataclass(frozen=True)
class TwoWayLoss:
    """One place of the path: loss as mean of both directions with its standard deviation, and each of them, dB."""

    name: str
    route_m: float
    loss_db: float
    loss_sd_db: float
    from_hut_db: float
    from_far_db: float


def two_way_losses(calibration: Calibration, from_hut: EventTable, from_far: EventTable) -> tuple[TwoWayLoss, ...]:
    """The losses of all closures that both tables of one fibre have, in order of route.

    Events are paired with closures, never with one another. Raises :class:`InputError` where neither table has the
    end of the fibre, from which the far one is turned round.
    """
    ends = [table.end.fibre_m for table in (from_hut, from_far) if table.end is not None]
    if not ends:
        raise InputError("two tables of one fibre: neither reaches its end", cure="a longer range or pulse")
    there = matched(calibration, from_hut)
    back = matched(calibration, from_far.reversed(float(np.mean(ends))))
    losses: list[TwoWayLoss] = []
    for number, place in enumerate(calibration.path.seen):
        if number in there and number in back and place.kind == "closure":
            one, other = there[number], back[number]
            sd_db = float(np.hypot(one.loss_sd_db, other.loss_sd_db)) / 2.0
            mean_db = (one.loss_db + other.loss_db) / 2.0
            losses.append(TwoWayLoss(place.name, place.route_m, mean_db, sd_db, one.loss_db, other.loss_db))
    return tuple(losses)
