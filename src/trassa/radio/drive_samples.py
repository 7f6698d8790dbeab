"""What a prediction learns from and is judged by: the new readings of one operator on one carrier."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from trassa.radio.drive_axis import measure_along_route_m
from trassa.radio.drive_test import Cells, Measurements, repeats, served

__all__ = ["Samples", "samples_of"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_NEAREST_M = 50.0
_SPEED_BIN_M = 100.0


@dataclass(frozen=True)
class Samples:
    """Readings of one operator on one carrier, repetitions dropped, 50 m from the site or further. Shape (n,) each.

    ``frequency_mhz`` is NaN where neither the readings nor the list of cells tell the carrier.
    ``bearing_deg`` is the azimuth at the site. ``typical_speed_mps`` is the median speed of all drives within 100 m:
    a stand-in for how built-up the surroundings are; NaN where no speed is known.
    """

    operator: str
    frequency_mhz: float
    rsrp_dbm: FloatArray
    distance_m: FloatArray
    bearing_deg: FloatArray
    measure_m: FloatArray
    typical_speed_mps: FloatArray
    site: IntArray
    cell: IntArray
    run: IntArray

    def __len__(self) -> int:
        return len(self.rsrp_dbm)

    @property
    def name(self) -> str:
        """Operator and carrier, for tables."""
        carrier = "carrier unknown" if np.isnan(self.frequency_mhz) else f"{self.frequency_mhz:g} MHz"
        return f"{self.operator or 'all'} {carrier}"

    def take(self, index: npt.ArrayLike) -> Samples:
        """The samples at an index array or mask."""
        at = np.asarray(index)
        columns = (getattr(self, one.name)[at] for one in fields(self)[2:])
        return Samples(self.operator, self.frequency_mhz, *columns)


def samples_of(measurements: Measurements, cells: Cells, measure_m: FloatArray | None = None) -> list[Samples]:
    """The samples of a drive test by operator and carrier, in order of their names.

    ``measure_m`` places every reading along a road, NaN beside it; without it an axis is made from the drives
    themselves, for all operators together. Readings without a place or of no listed cell are left out.
    """
    measure = measure_along_route_m(measurements) if measure_m is None else measure_m
    speed = _typical_speed_mps(measurements, measure)
    rows = np.flatnonzero(~repeats(measurements) & np.isfinite(measure))
    found = served(measurements.take(rows), cells)
    rows = rows[found.reading]
    operators = np.array(measurements.operators, dtype=object)[measurements.run[rows]]
    samples = []
    for operator in sorted(set(operators.tolist())):
        for frequency in np.unique(found.frequency_mhz[operators == operator]):
            same = (found.frequency_mhz == frequency) | (np.isnan(found.frequency_mhz) & np.isnan(frequency))
            kept = np.flatnonzero((operators == operator) & same & (found.distance_m >= _NEAREST_M))
            at = rows[kept]
            columns = found.distance_m[kept], found.bearing_deg[kept], measure[at], speed[at], found.site[kept]
            rest = measurements.cell[at], measurements.run[at]
            samples.append(Samples(operator, float(frequency), measurements.rsrp_dbm[at], *columns, *rest))
    return [one for one in samples if len(one)]


def _typical_speed_mps(measurements: Measurements, measure: FloatArray) -> FloatArray:
    speed = np.full(len(measure), np.nan)
    known = np.flatnonzero(np.isfinite(measure) & np.isfinite(measurements.speed_mps))
    bins, inverse = np.unique(np.floor(measure[known] / _SPEED_BIN_M), return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    for rows in np.split(known[order], np.searchsorted(inverse.ravel()[order], np.arange(1, len(bins)))):
        speed[rows] = np.median(measurements.speed_mps[rows]) if len(rows) else np.nan
    return speed
