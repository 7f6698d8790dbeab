"""Rates: how often one client may knock."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field

__all__ = ["RateLimit"]


@dataclass
class RateLimit:
    """A bucket per client: ``burst`` requests at once, refilled with ``per_s`` a second; the oldest clients go."""

    per_s: float
    burst: float
    clients: int = 10_000
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def admits(self, client: str) -> bool:
        """Whether this client may come in now; takes one from its bucket."""
        moment_s = time.monotonic()
        level, seen_s = self._buckets.pop(client, (self.burst, moment_s))
        level = min(self.burst, level + (moment_s - seen_s) * self.per_s)
        self._buckets[client] = (max(level - 1.0, 0.0) if level >= 1.0 else level, moment_s)
        while len(self._buckets) > self.clients:
            self._buckets.popitem(last=False)
        return level >= 1.0
