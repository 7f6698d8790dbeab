"""Own fixes: positions that opted-in vehicles send once a second, and what they prove at a toll point."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from trassa.twin.world import Moment

__all__ = ["OwnFixes"]

_EVERY_MS, _BATCH = 1000, 5
_LONGEST_GAP_MS = 60_000
"""Fixes farther apart than this prove nothing between them."""


@dataclass
class OwnFixes:
    """The fixes of some vehicles. A fix waits for its batch only while the vehicle is connected."""

    vehicles: Sequence[int]
    sent: int = 0
    _waiting: dict[int, list[dict[str, float]]] = field(default_factory=dict)
    _tracks: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    _batches: dict[int, list[tuple[int, float]]] = field(default_factory=dict)

    def due(self, moment: Moment, *, last: bool = False) -> list[tuple[int, bytes]]:
        """Payloads to send now, by vehicle; with ``last`` also batches that are not full."""
        time_ms = moment.snapshot.time_ms
        payloads: list[tuple[int, bytes]] = []
        for vehicle in self.vehicles:
            if not moment.connected[vehicle]:
                self._waiting.pop(vehicle, None)  # no connection: nothing is kept for later
                self._batches.pop(vehicle, None)
                continue
            if time_ms % _EVERY_MS == 0:
                self._note(vehicle, moment, time_ms)
            waiting = self._waiting.get(vehicle, [])
            if len(waiting) >= _BATCH or (last and waiting):
                payloads.append((vehicle, json.dumps({"fixes": waiting}).encode()))
                self._tracks.setdefault(vehicle, []).extend(self._batches.pop(vehicle))
                self.sent += len(waiting)
                del self._waiting[vehicle]
        return payloads

    def crossing_ms(self, vehicle: int, progress_m: float) -> tuple[int, bool] | None:
        """When a vehicle's fixes show it pass a place, and whether they prove it; none where they do not show it."""
        track = self._tracks.get(vehicle, [])
        for before, after in pairwise(track):
            if before[1] < progress_m <= after[1]:
                share = (progress_m - before[1]) / (after[1] - before[1])
                gap_ms = after[0] - before[0]
                return before[0] + round(share * gap_ms), gap_ms <= _LONGEST_GAP_MS
        return None

    def _note(self, vehicle: int, moment: Moment, time_ms: int) -> None:
        belief = moment.belief
        fix = {
            "time_ms": time_ms,
            "latitude_deg": round(float(belief.latitude_deg[vehicle]), 7),
            "longitude_deg": round(float(belief.longitude_deg[vehicle]), 7),
            "speed_mps": round(float(belief.speed_mps[vehicle]), 2),
        }
        self._waiting.setdefault(vehicle, []).append(fix)
        progress_m = float(moment.snapshot.progress_m[vehicle])
        self._batches.setdefault(vehicle, []).append((time_ms, progress_m))
