"""The points at which losses are computed, and the bins between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear import Carriageway, Extent
from trassa.road.alignment import STEP_M
from trassa.road.model import Road

__all__ = ["Bins", "Points", "bins_of", "points_of", "sample_points", "windows_of", "with_windows"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Points:
    """All alignment points, carriageway by carriageway; arrays of shape (n,).

    ``carriageway`` indexes ``carriageways``. ``height_m`` is the carriageway's own height above sea level, NaN
    without terrain.
    """

    carriageways: tuple[Carriageway, ...]
    carriageway: IntArray
    measure_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    height_m: FloatArray

    def __len__(self) -> int:
        return len(self.measure_m)

    def take(self, index: npt.ArrayLike) -> Points:
        """The points at an index array, in that order."""
        at = np.asarray(index)
        sampled = (self.carriageway, self.measure_m, self.latitude_deg, self.longitude_deg, self.height_m)
        return Points(self.carriageways, *(array[at] for array in sampled))

    def between(self, first: IntArray, second: IntArray, share: float) -> Points:
        """Points on the straight line from point ``first[i]`` to point ``second[i]``, at a share of its length."""
        sampled = (self.measure_m, self.latitude_deg, self.longitude_deg, self.height_m)
        mixed = ((1.0 - share) * array[first] + share * array[second] for array in sampled)
        return Points(self.carriageways, self.carriageway[first], *mixed)


@dataclass(frozen=True)
class Bins:
    """The 10-m bins of all carriageways; bin i lies between points ``start[i]`` and ``end[i]``.

    ``exempt[i]`` names the kind of structure that exempts the bin, or is empty. Holes have no bins. A *window*, a
    stretch that one server must hold as a whole, is such a bin too, only longer.
    """

    start: IntArray
    end: IntArray
    exempt: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def points(self) -> IntArray:
        """Every point of any of them, rising."""
        widest = int((self.end - self.start).max(initial=0))
        parts = [np.minimum(self.start + step, self.end) for step in range(widest + 1)]
        return np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)

    def take(self, index: npt.ArrayLike) -> Bins:
        """The bins at an index array, in that order."""
        at = np.asarray(index)
        return Bins(self.start[at], self.end[at], self.exempt[at])

    @property
    def counted(self) -> IntArray:
        """The bins that the promise speaks about."""
        return np.flatnonzero(self.exempt == "")


def points_of(road: Road) -> Points:
    """The alignment points of every carriageway of a road, increasing carriageway first."""
    lines = [road.alignments[carriageway] for carriageway in road.carriageways]
    lengths = [len(line) for line in lines]
    return Points(
        road.carriageways,
        np.repeat(np.arange(len(lines)), lengths),
        np.concatenate([line.measure_m for line in lines]),
        np.concatenate([line.latitude_deg for line in lines]),
        np.concatenate([line.longitude_deg for line in lines]),
        np.concatenate([line.height_m for line in lines]),
    )


def bins_of(road: Road, exempt_structures: Sequence[str]) -> Bins:
    """The bins of every carriageway, in the order of :func:`points_of`.

    A bin exists where both of its points do and no hole touches it. A structure exempts every bin it touches: what
    happens at a portal is decided inside the tunnel, not by the mast outside.
    """
    starts: list[IntArray] = []
    exempts: list[npt.NDArray[np.object_]] = []
    offset = 0
    for carriageway in road.carriageways:
        line = road.alignments[carriageway]
        exists = line.present[:-1] & line.present[1:]
        exists &= ~_touched(line.measure_m, road.structure_extents("hole", carriageway))
        exempt = np.full(len(line) - 1, "", dtype=object)
        for kind in exempt_structures:
            exempt[_touched(line.measure_m, road.structure_extents(kind, carriageway))] = kind
        starts.append(np.flatnonzero(exists) + offset)
        exempts.append(exempt[exists])
        offset += len(line)
    start = np.concatenate(starts)
    return Bins(start, start + 1, np.concatenate(exempts))


def windows_of(bins: Bins, overlap_m: float) -> Bins:
    """The windows of a handover: every stretch of counted bins that ``overlap_m`` metres from some place can touch.

    A run of bins that is shorter than such a window is one window.
    """
    wide = math.ceil(overlap_m / STEP_M) + 1
    counted = bins.start[bins.counted]
    breaks = np.flatnonzero(np.diff(counted) != 1) + 1
    starts, ends = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for run in np.split(counted, breaks):
        if len(run):
            start = run[: max(1, len(run) - wide + 1)]
            starts.append(start)
            ends.append(np.minimum(start + wide, run[-1] + 1))
    start = np.concatenate(starts)
    return Bins(start, np.concatenate(ends), np.full(len(start), "", dtype=object))


def with_windows(bins: Bins, windows: Bins) -> Bins:
    """Bins and windows in one: what the siting must serve, the bins first."""
    exempt: npt.NDArray[np.object_] = np.concatenate([bins.exempt, windows.exempt])
    return Bins(np.concatenate([bins.start, windows.start]), np.concatenate([bins.end, windows.end]), exempt)


def sample_points(bins: Bins, step_m: float) -> IntArray:
    """The points the siting looks at first: both ends of every unbroken run of counted bins and every step between."""
    stride = max(1, round(step_m / STEP_M))
    counted = bins.start[bins.counted]
    breaks = np.flatnonzero(np.diff(counted) != 1) + 1
    samples = [
        np.union1d(np.arange(run[0], run[-1] + 1, stride), run[-1] + 1) for run in np.split(counted, breaks) if len(run)
    ]
    return np.unique(np.concatenate(samples)) if samples else np.empty(0, dtype=np.int64)


def _touched(measure_m: FloatArray, extents: Sequence[Extent]) -> npt.NDArray[np.bool_]:
    touched = np.zeros(len(measure_m) - 1, dtype=bool)
    for extent in extents:
        touched |= (measure_m[:-1] < extent.end_m) & (measure_m[1:] > extent.start_m)
    return touched
