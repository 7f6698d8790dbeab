"""Profiles: one quantity sampled along a road at a constant step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear.extent import Extent

__all__ = ["Profile"]


@dataclass(frozen=True)
class Profile:
    """A quantity sampled along the road.

    Sample i stands at measure ``start_m + i·step_m``; ``values`` has shape (n,), NaN where nothing is known.
    The name of the quantity carries its unit (``height_m``, ``rsrp_dbm``).
    """

    name: str
    start_m: float
    step_m: float
    values: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.step_m <= 0.0:
            raise InputError(f"profile {self.name}: step {self.step_m:g} m must be positive")

    @property
    def measure_m(self) -> npt.NDArray[np.float64]:
        """Measure of each sample, shape (n,)."""
        return self.start_m + self.step_m * np.arange(len(self.values), dtype=np.float64)

    @property
    def extent(self) -> Extent:
        """From the first to the last sample."""
        return Extent(self.start_m, self.start_m + self.step_m * max(len(self.values) - 1, 0))

    def at(self, measure_m: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Linear interpolation at any measures; NaN outside the profile and next to unknown samples."""
        measure = np.asarray(measure_m, dtype=np.float64)
        return np.interp(measure, self.measure_m, self.values, left=np.nan, right=np.nan)

    def worst_in(self, extent: Extent) -> float:
        """The smallest value among the samples that bracket an extent; NaN where one is unknown."""
        first = int(np.floor((extent.start_m - self.start_m) / self.step_m))
        last = int(np.ceil((extent.end_m - self.start_m) / self.step_m))
        inside = self.values[max(first, 0) : last + 1]
        return float(np.min(inside)) if len(inside) else float("nan")
