"""What the sensors at toll points report of journeys: most passages twice, some messages twice, a few that are wrong.

Front and rear camera see a vehicle half a second apart (one passage); a gantry that got no answer sends the same read
again. A few can never be used: they name a toll point that does not exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trassa.twin.journey import Journey

__all__ = ["Reads", "reads_of"]

_REAR_RATIO, _AGAIN_RATIO = 0.35, 0.06
_STRAY = 3


@dataclass(frozen=True)
class Reads:
    """All reads in order of event time as the API takes them; counts of what they are."""

    bodies: tuple[dict[str, Any], ...]
    distinct: int
    exempt: int
    unusable: int

    def between(self, from_ms: int, until_ms: int) -> list[dict[str, Any]]:
        """Those with an event time in ``[from_ms, until_ms)``."""
        return [body for body in self.bodies if from_ms <= body["time_ms"] < until_ms]


def reads_of(journeys: Sequence[Journey], start_ms: int, random: np.random.Generator) -> Reads:
    """The reads of all journeys; what only own fixes see is not among them."""
    seen: list[tuple[int, str, str, Journey, str]] = []
    for journey in journeys:
        for stop in journey.stops:
            if stop.seen and not stop.own:
                seen.append((stop.time_ms, stop.point, "front", journey, stop.movement))
                if random.random() < _REAR_RATIO:
                    later_ms = int(random.integers(350, 900))
                    seen.append((stop.time_ms + later_ms, stop.point, "rear", journey, stop.movement))
    seen.sort(key=lambda row: (row[0], row[1], row[2], row[3].account.contract_id))
    numbers: Counter[str] = Counter()
    bodies = [_read(numbers, *row) for row in seen]
    exempt = sum(row[3].account.exempt for row in seen)
    again = [body for body in bodies if random.random() < _AGAIN_RATIO]
    strays = [_stray(number, start_ms) for number in range(_STRAY)]
    ordered = sorted([*bodies, *again, *strays], key=lambda body: int(body["time_ms"]))
    return Reads(tuple(ordered), len(bodies), exempt, len(strays))


def _read(
    numbers: Counter[str], time_ms: int, point: str, side: str, journey: Journey, movement: str
) -> dict[str, Any]:
    device = f"{point}/{side}"
    numbers[device] += 1
    return {
        "source": "twin",
        "device": device,
        "sequence": numbers[device],
        "time_ms": time_ms,
        "toll_point": point,
        "means": journey.account.means,
        "identity": journey.account.identity,
        "vehicle_class": journey.account.vehicle_class,
        "movement": movement,
    }


def _stray(number: int, start_ms: int) -> dict[str, Any]:
    """A read of a toll point that is on no list."""
    return {
        "source": "twin",
        "device": "unknown/front",
        "sequence": number + 1,
        "time_ms": start_ms - 60_000 * (number + 1),
        "toll_point": "no-such-place",
        "means": "plate",
        "identity": f"Е{number:03d}ХХ77",
        "vehicle_class": "1",
        "movement": "unknown",
    }
