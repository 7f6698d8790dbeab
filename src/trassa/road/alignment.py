"""One carriageway in space, sampled along the reference line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear import Carriageway

__all__ = ["STEP_M", "Alignment", "measures_of"]

STEP_M = 10.0
"""Spacing of the alignment's points in metres of measure: a bin lies between two of them."""

FloatArray = npt.NDArray[np.float64]


def measures_of(length_m: float) -> FloatArray:
    """0, 10, 20, … and the end of a road of that length; the last step may be shorter, never shorter than 1 m."""
    whole = np.arange(0.0, length_m, STEP_M)
    if len(whole) > 1 and length_m - whole[-1] < 1.0:
        whole = whole[:-1]
    return np.append(whole, length_m)


@dataclass(frozen=True)
class Alignment:
    """A carriageway at measures 0, 10, 20, … and at the road's end. All arrays have shape (n,), float64.

    Both carriageways of a road share ``measure_m``: a point of the one stands across from the same point of the
    other. ``height_m`` and ``gradient`` are NaN without terrain; ``heading_deg`` and ``curvature_per_m`` are NaN on
    a schematic axis. ``present`` is false in holes of the geometry.
    """

    carriageway: Carriageway
    measure_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    height_m: FloatArray
    heading_deg: FloatArray
    curvature_per_m: FloatArray
    gradient: FloatArray
    present: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.measure_m)
