"""The side of the road that traffic keeps to, by where the carriageways lie, and on which side of one a place is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence

__all__ = ["ahead_and_right_m", "keeps_right", "line_of"]

FloatArray = npt.NDArray[np.float64]

_APART_M = 1.0
_DEGREE_M = 111_195.0


def line_of(alignment: Layer, carriageway: str) -> Layer:
    """The points of one carriageway in order of measure."""
    line = alignment.where(carriageway=carriageway)
    return line.take(np.argsort(line["measure_m"], kind="stable"))


def keeps_right(evidence: Evidence) -> int:
    """+1 where traffic keeps right, −1 where it keeps left: as trassa.toml states, else as most of both carriageways
    lie to one another, else right."""
    stated, alignment = evidence.settings.road.traffic, evidence.layers["alignment"]
    here, there = line_of(alignment, "increasing"), line_of(alignment, "decreasing")
    if stated:
        return 1 if stated == "right" else -1
    if evidence.schematic or not len(here) or not len(there):
        return 1
    both = here["present"] & there["present"]
    _, right_m = ahead_and_right_m(here, np.arange(len(here)), there["latitude_deg"], there["longitude_deg"])
    across_m = right_m[both]
    return -1 if (across_m > _APART_M).sum() > (across_m < -_APART_M).sum() else 1


def ahead_and_right_m(
    line: Layer, row: npt.NDArray[np.intp], latitude_deg: FloatArray, longitude_deg: FloatArray, over: int = 2
) -> tuple[FloatArray, FloatArray]:
    """Where places lie, seen from each ``row`` of a line in the sense of rising measure: ahead and to the right.

    It points as a chord over so many points on either side does. Arrays of shape (n,); NaN where it points nowhere.
    """
    lat, lon = line["latitude_deg"], line["longitude_deg"]
    ahead, behind = np.minimum(row + over, len(line) - 1), np.maximum(row - over, 0)
    wide = np.cos(np.radians(lat[row]))
    north, east = lat[ahead] - lat[behind], (lon[ahead] - lon[behind]) * wide
    away_n, away_e = _DEGREE_M * (latitude_deg - lat[row]), _DEGREE_M * (longitude_deg - lon[row]) * wide
    with np.errstate(invalid="ignore", divide="ignore"):
        chord = np.hypot(north, east)
        return (away_n * north + away_e * east) / chord, (away_e * north - away_n * east) / chord
