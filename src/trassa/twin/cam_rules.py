"""When a vehicle sends a CAM: the triggering conditions of ETSI EN 302 637-2, clause 6.1.3, for all vehicles at once.

Checked every 100 ms (T_CheckCamGen = T_GenCamMin; congestion control asks for no more):

1. At least 100 ms since the last CAM, and heading, place or speed differ from those in it by more than 4°, 4 m or
   0.5 m/s: a CAM. The time since the last one becomes the vehicle's interval.
2. The vehicle's interval has passed, 1000 ms at most: a CAM. After three such CAMs the interval is 1000 ms again.

The differences are those of motion, not of noise: a receiver that wanders by metres while its vehicle stands would
otherwise send at 10 Hz. CAMs of 41 bytes carry no low-frequency container.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["CamTriggers"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_SHORTEST_MS, _LONGEST_MS = 100, 1000
_HEADING_DEG, _PLACE_M, _SPEED_MPS = 4.0, 4.0, 0.5
_REPEATS = 3


class CamTriggers:
    """What each vehicle said in its last CAM. The first one comes within a second, at a phase of its own."""

    def __init__(self, count: int, start_ms: int, random: np.random.Generator) -> None:
        self._last_ms = start_ms - random.integers(0, _LONGEST_MS // 100, count) * 100
        self._interval_ms = np.full(count, _LONGEST_MS, dtype=np.int64)
        self._repeats = np.zeros(count, dtype=np.int64)
        self._progress_m = np.full(count, np.nan)
        self._heading_deg = np.full(count, np.nan)
        self._speed_mps = np.full(count, np.nan)

    def due(
        self,
        time_ms: int,
        progress_m: FloatArray,
        heading_deg: FloatArray,
        speed_mps: FloatArray,
        may_send: BoolArray,
    ) -> BoolArray:
        """Who sends now; they are taken to have sent. Who may not send is asked again at the next check."""
        elapsed_ms = time_ms - self._last_ms
        turned_deg = np.abs((heading_deg - self._heading_deg + 180.0) % 360.0 - 180.0)
        # nothing differs from a CAM that was never sent: comparisons with NaN are false
        moved = (
            (turned_deg > _HEADING_DEG)
            | (np.abs(progress_m - self._progress_m) > _PLACE_M)
            | (np.abs(speed_mps - self._speed_mps) > _SPEED_MPS)
        )
        by_motion = may_send & (elapsed_ms >= _SHORTEST_MS) & moved  # RULE 1
        by_time = may_send & ~by_motion & (elapsed_ms >= self._interval_ms)  # RULE 2
        self._interval_ms[by_motion] = np.minimum(elapsed_ms[by_motion], _LONGEST_MS)
        self._repeats[by_motion] = 0
        self._repeats[by_time] += 1
        self._interval_ms[by_time & (self._repeats >= _REPEATS)] = _LONGEST_MS
        due = by_motion | by_time
        self._last_ms[due] = time_ms
        self._progress_m[due] = progress_m[due]
        self._heading_deg[due] = heading_deg[due]
        self._speed_mps[due] = speed_mps[due]
        return np.asarray(due)
