"""A worker with a known mistake in it: the judge must notice. The first word names the mistakes."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np


def _sorted_pair() -> None:
    """A price looked up by the pair in either order."""
    from trassa.toll import charge

    rate = charge.rate

    def wrong(context: Any, system: Any, journey: Any) -> Any:
        start, end = sorted((journey.start, journey.end))
        return rate(context, system, replace(journey, start=start, end=end))

    charge.rate = wrong


def _no_zones() -> None:
    """Hazard rules that forget where vehicles stand for reasons of their own."""
    from trassa.vehicles.hazards import HazardWatch

    HazardWatch._in_quiet = lambda _self, measure_m: np.zeros(len(measure_m), dtype=bool)  # type: ignore[method-assign]


MISTAKES = {"sorted-pair": _sorted_pair, "no-zones": _no_zones}

if __name__ == "__main__":
    from trassa.live.worker import main

    for mistake in sys.argv[1].split(","):
        MISTAKES[mistake]()
    sys.exit(main(sys.argv[2:]))
