"""A drive test as columns: what a phone in a car measured, and the cells that it may have measured.

RSRP, RSRQ and RSSNR are those of TS 36.214 as a modem reports them, once a second or so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.road.line import WGS84, geodesic_steps_m

__all__ = ["Cells", "Measurements", "Served", "fixes_astray", "joined", "repeats", "served"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NO_CELL = -1
_SLACK_M = 15.0
_HASTE = 1.5


@dataclass(frozen=True)
class Measurements:
    """Readings run by run, in order of time within a run. Arrays of shape (n,); NaN where nothing was measured.

    ``run`` indexes ``runs`` (names) and ``operators``. ``cell`` is the serving cell's identity and ``pci`` its physical
    identity, −1 where unknown. ``frequency_mhz`` is NaN where the readings do not tell the carrier.
    """

    runs: tuple[str, ...]
    operators: tuple[str, ...]
    run: IntArray
    time_s: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    speed_mps: FloatArray
    rsrp_dbm: FloatArray
    rsrq_db: FloatArray
    sinr_db: FloatArray
    frequency_mhz: FloatArray
    cell: IntArray
    pci: IntArray

    def __len__(self) -> int:
        return len(self.run)

    def take(self, index: npt.ArrayLike) -> Measurements:
        """The readings at an index array or mask, with all runs still named."""
        at = np.asarray(index)
        columns = (getattr(self, one.name)[at] for one in fields(self)[2:])
        return Measurements(self.runs, self.operators, *columns)


@dataclass(frozen=True)
class Cells:
    """The cells of a network: shape (n,) each; an identity is unique within its operator.

    Position is that of the site: cells at the same position stand on the same site.
    """

    operator: npt.NDArray[np.object_]
    cell: IntArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    frequency_mhz: FloatArray

    def __len__(self) -> int:
        return len(self.cell)


@dataclass(frozen=True)
class Served:
    """Readings whose serving cell is in the list of cells. Arrays of shape (n,).

    ``reading`` indexes the measurements, ``row`` the list of cells; ``site`` numbers an operator's positions.
    ``distance_m`` is the WGS 84 geodesic from the site, ``bearing_deg`` its azimuth at the site, clockwise from north.
    """

    reading: IntArray
    row: IntArray
    site: IntArray
    frequency_mhz: FloatArray
    distance_m: FloatArray
    bearing_deg: FloatArray

    def __len__(self) -> int:
        return len(self.row)


def joined(parts: list[Measurements]) -> Measurements:
    """Several drives as one; their runs stay apart."""
    if not parts:
        raise InputError("drive test: no readings", cure="at least one file of measurements")
    offsets = np.cumsum([0, *(len(part.runs) for part in parts[:-1])])
    run = np.concatenate([part.run + offset for part, offset in zip(parts, offsets, strict=True)])
    columns = (np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Measurements)[3:])
    runs = tuple(name for part in parts for name in part.runs)
    return Measurements(runs, tuple(name for part in parts for name in part.operators), run, *columns)


def repeats(measurements: Measurements) -> BoolArray:
    """Where a reading repeats RSRP, SINR and cell of the one before it in its run; shape (n,).

    A modem refreshes its report more slowly than an app reads it: a repetition is no new measurement. Without SINR
    nothing can be told to be a repetition of the modem rather than of the world, and only RSRP and cell are compared.
    """
    same = np.zeros(len(measurements), dtype=bool)
    same[1:] = measurements.run[1:] == measurements.run[:-1]
    for column in (measurements.rsrp_dbm, measurements.sinr_db, measurements.cell.astype(np.float64)):
        same[1:] &= (column[1:] == column[:-1]) | (np.isnan(column[1:]) & np.isnan(column[:-1]))
    return same


def fixes_astray(measurements: Measurements) -> BoolArray:
    """Where a single position lies off its neighbours, there and back faster than the car went; shape (n,).

    There must be haste on both sides: more than 1.5 times the reported speed and 15 m. Without speed or time none is.
    """
    steps = geodesic_steps_m(measurements.latitude_deg, measurements.longitude_deg)
    fastest = np.fmax(measurements.speed_mps[1:], measurements.speed_mps[:-1])
    hasty = steps > np.abs(np.diff(measurements.time_s)) * fastest * _HASTE + _SLACK_M
    hasty &= measurements.run[1:] == measurements.run[:-1]
    astray = np.zeros(len(measurements), dtype=bool)
    astray[1:-1] = hasty[:-1] & hasty[1:]
    return astray


def _row_of(reading: tuple[str, int], known: Mapping[tuple[str, int], int], alone: Mapping[int, int]) -> int:
    """The row of the list of cells for an operator and an identity, −1 where there is none."""
    operator, cell = reading
    if cell == NO_CELL:
        return -1
    if reading in known:
        return known[reading]
    return alone.get(cell, -1) if not operator else known.get(("", cell), -1)


def served(measurements: Measurements, cells: Cells) -> Served:
    """The readings that have an RSRP and a cell of the list, with distance and bearing from its site.

    The carrier is that of the list of cells, or of the reading where the list has none. A drive or a cell that names no
    operator goes with any, if the identity stands once in the list.
    """
    known = {
        (str(name), int(cell)): row for row, (name, cell) in enumerate(zip(cells.operator, cells.cell, strict=True))
    }
    _, first, count = np.unique(cells.cell, return_index=True, return_counts=True)
    alone = {int(cells.cell[row]): int(row) for row in first[count == 1]}
    names = [measurements.operators[run] for run in measurements.run.tolist()]
    pairs = zip(names, measurements.cell.tolist(), strict=True)
    row = np.array([_row_of(pair, known, alone) for pair in pairs], dtype=np.int64)
    has = np.flatnonzero((row >= 0) & np.isfinite(measurements.rsrp_dbm) & np.isfinite(measurements.latitude_deg))
    kept, row = measurements.take(has), row[has]
    places = np.column_stack([cells.latitude_deg, cells.longitude_deg])
    _, operator = np.unique(cells.operator.astype(str), return_inverse=True)
    _, site = np.unique(np.column_stack([operator.ravel(), places]), axis=0, return_inverse=True)
    bearing, _, distance = WGS84.inv(
        cells.longitude_deg[row], cells.latitude_deg[row], kept.longitude_deg, kept.latitude_deg
    )
    listed = cells.frequency_mhz[row]
    frequency = np.where(np.isfinite(listed), listed, kept.frequency_mhz)
    return Served(has, row, site.ravel()[row], frequency, np.asarray(distance), np.asarray(bearing))
