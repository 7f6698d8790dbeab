"""What vehicles believe of themselves: satellite positions with noise and bias, speed and heading with a little noise.

Per axis, 3 m of white noise on each position and a bias that wanders with a time constant of a minute (first-order
Gauss-Markov, 2 m): an open-sky receiver of a phone or a head unit, without correction by map or odometer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.twin.course import degrees_of

__all__ = ["Belief", "Receivers"]

FloatArray = npt.NDArray[np.float64]

_WHITE_M = 3.0
_BIAS_M = 2.0
_BIAS_TIME_S = 60.0
_SPEED_MPS = 0.08
_HEADING_DEG = 0.8


@dataclass(frozen=True)
class Belief:
    """Position, heading and speed as measured, a value a vehicle."""

    latitude_deg: FloatArray
    longitude_deg: FloatArray
    heading_deg: FloatArray
    speed_mps: FloatArray


class Receivers:
    """One receiver a vehicle; deterministic in the generator's seed."""

    def __init__(self, count: int, random: np.random.Generator) -> None:
        self._random = random
        self._bias_m = random.normal(0.0, _BIAS_M, (2, count))

    def measure(
        self,
        latitude_deg: FloatArray,
        longitude_deg: FloatArray,
        heading_deg: FloatArray,
        speed_mps: FloatArray,
        step_s: float,
    ) -> Belief:
        """One measurement of everybody after a step."""
        count = len(speed_mps)
        keep = np.exp(-step_s / _BIAS_TIME_S)
        drift_m = self._random.normal(0.0, _BIAS_M * np.sqrt(1.0 - keep * keep), (2, count))
        self._bias_m = keep * self._bias_m + drift_m
        north_m, east_m = self._bias_m + self._random.normal(0.0, _WHITE_M, (2, count))
        shift_latitude, shift_longitude = degrees_of(latitude_deg, north_m, east_m)
        turn_deg = self._random.normal(0.0, _HEADING_DEG, count)
        noise_mps = self._random.normal(0.0, _SPEED_MPS, count)
        # wheels that stand still say so: only a moving vehicle's speed is noisy
        speed = np.where(speed_mps > 0.0, np.maximum(speed_mps + noise_mps, 0.0), 0.0)
        return Belief(
            latitude_deg + shift_latitude,
            longitude_deg + shift_longitude,
            (heading_deg + turn_deg) % 360.0,
            speed,
        )
