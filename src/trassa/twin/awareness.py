"""What each vehicle knows of hazards: the warnings it holds, and the moment at which each one began to concern it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trassa.twin.receiver import Belief
from trassa.twin.warning import Warning, understood

__all__ = ["Awareness", "Heeded"]

Action = tuple[int, int]


@dataclass(frozen=True)
class Heeded:
    """A vehicle saw that a warning concerns it; ``distance_m`` is what its display would say."""

    vehicle: int
    action: Action
    time_ms: int
    distance_m: float


@dataclass
class Awareness:
    """The warnings of all on-board units. A newer version of a warning replaces the one held; an older one does not.

    ``heeded`` holds the first moment for each vehicle and action; ``received`` and ``repeated`` count deliveries.
    """

    vehicles: int
    heeded: dict[tuple[int, Action], Heeded] = field(default_factory=dict)
    received: int = 0
    repeated: int = 0
    unreadable: int = 0
    _held: dict[Action, dict[int, Warning]] = field(default_factory=dict)
    _ended: dict[tuple[int, Action], int] = field(default_factory=dict)

    def take(self, vehicle: int, payload: bytes) -> None:
        """A delivery to one vehicle; an empty payload only clears the broker's memory and says nothing."""
        if not payload:
            return
        warning = understood(payload)
        self.received += 1
        if warning is None:
            self.unreadable += 1
            return
        holders = self._held.setdefault(warning.action, {})
        known = holders.get(vehicle)
        known_ms = known.version_ms if known else self._ended.get((vehicle, warning.action), -1)
        if warning.version_ms <= known_ms:
            self.repeated += 1
        elif warning.ends:
            holders.pop(vehicle, None)
            self._ended[vehicle, warning.action] = warning.version_ms
        else:
            holders[vehicle] = warning

    def judge(self, belief: Belief, time_ms: int) -> list[Heeded]:
        """Who is concerned by a warning for the first time now; warnings past their validity are forgotten."""
        fresh: list[Heeded] = []
        for action, holders in self._held.items():
            for vehicle in [v for v, warning in holders.items() if warning.void_ms <= time_ms]:
                del holders[vehicle]
            versions: dict[int, list[int]] = {}
            for vehicle in holders:
                if (vehicle, action) not in self.heeded:
                    versions.setdefault(id(holders[vehicle]), []).append(vehicle)
            for waiting in versions.values():
                fresh += self._concerned(holders[waiting[0]], np.array(waiting, dtype=np.int64), belief, time_ms)
        for heeded in fresh:
            self.heeded[heeded.vehicle, heeded.action] = heeded
        return fresh

    @staticmethod
    def _concerned(warning: Warning, waiting: npt.NDArray[np.int64], belief: Belief, time_ms: int) -> list[Heeded]:
        distance_m = warning.concerns(
            belief.latitude_deg[waiting], belief.longitude_deg[waiting], belief.heading_deg[waiting]
        )
        return [
            Heeded(vehicle, warning.action, time_ms, round(distance, 1))
            for vehicle, distance in zip(waiting.tolist(), distance_m.tolist(), strict=True)
            if not np.isnan(distance)
        ]
