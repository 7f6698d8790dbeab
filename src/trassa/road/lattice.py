"""Regular grids of nodes in latitude and longitude: what elevation tiles and the ground grid have in common."""

from __future__ import annotations

import contextlib
import mmap
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["NODE_SNAP", "Bounds", "Lattice", "metres_per_degree"]

NODE_SNAP = 1e-6
"""A place within this share of a step of a node is that node: rounding never pulls in a neighbour."""

_SEMI_MAJOR_M = 6_378_137.0
_ECCENTRICITY_SQUARED = 0.0066943799901413165

FloatArray = npt.NDArray[np.float64]


class Bounds(NamedTuple):
    """A box in degrees, edges included. Never across the antimeridian."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float


def metres_per_degree(latitude_deg: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Metres of one degree of latitude and of longitude on the WGS 84 ellipsoid, at each latitude."""
    phi = np.radians(np.asarray(latitude_deg, dtype=np.float64))
    w = 1.0 - _ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) / w**1.5
    parallel_m = _SEMI_MAJOR_M * np.cos(phi) / np.sqrt(w)
    return np.radians(1.0) * meridian_m, np.radians(1.0) * parallel_m


@dataclass(frozen=True)
class Lattice:
    """Nodes in rows from north to south and columns from west to east.

    Node (r, c) stands at latitude ``north_deg − r·step_lat_deg`` and longitude ``west_deg + c·step_lon_deg``. Steps
    are positive.
    """

    north_deg: float
    west_deg: float
    step_lat_deg: float
    step_lon_deg: float
    rows: int
    cols: int

    def zeros(self) -> npt.NDArray[np.float32]:
        """Zero at every node, shape (rows, cols), float32.

        Memory is taken where something is written, in pages of some thousand nodes: the box around a long
        diagonal road holds ten times as many nodes as lie within reach of it.
        """
        if not hasattr(mmap, "MADV_NOHUGEPAGE"):
            return np.zeros((self.rows, self.cols), np.float32)
        pages = mmap.mmap(-1, 4 * self.rows * self.cols, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with contextlib.suppress(OSError):  # a kernel without huge pages has none to refuse
            pages.madvise(mmap.MADV_NOHUGEPAGE)
        return np.frombuffer(pages, np.float32).reshape(self.rows, self.cols)

    @property
    def south_deg(self) -> float:
        """Latitude of the last row."""
        return self.north_deg - (self.rows - 1) * self.step_lat_deg

    @property
    def east_deg(self) -> float:
        """Longitude of the last column."""
        return self.west_deg + (self.cols - 1) * self.step_lon_deg

    @property
    def bounds(self) -> Bounds:
        """The box that the outermost nodes span."""
        return Bounds(self.west_deg, self.south_deg, self.east_deg, self.north_deg)

    def row(self, latitude_deg: npt.ArrayLike) -> FloatArray:
        """Fractional row of each latitude, snapped to the node where it is one."""
        return _snapped((self.north_deg - np.asarray(latitude_deg, dtype=np.float64)) / self.step_lat_deg)

    def col(self, longitude_deg: npt.ArrayLike) -> FloatArray:
        """Fractional column of each longitude, snapped to the node where it is one."""
        return _snapped((np.asarray(longitude_deg, dtype=np.float64) - self.west_deg) / self.step_lon_deg)

    def latitudes_deg(self) -> FloatArray:
        """Latitude of every row."""
        return np.asarray(self.north_deg - np.arange(self.rows) * self.step_lat_deg, dtype=np.float64)

    def longitudes_deg(self) -> FloatArray:
        """Longitude of every column."""
        return np.asarray(self.west_deg + np.arange(self.cols) * self.step_lon_deg, dtype=np.float64)

    def window(self, row: int, col: int, rows: int, cols: int) -> Lattice:
        """The part that begins at a node and has so many rows and columns."""
        north, west = self.north_deg - row * self.step_lat_deg, self.west_deg + col * self.step_lon_deg
        return Lattice(north, west, self.step_lat_deg, self.step_lon_deg, rows, cols)

    def touches(self, bounds: Bounds) -> bool:
        """Whether a box and the box of the nodes, widened by one step, have a point in common."""
        return (
            self.south_deg - self.step_lat_deg <= bounds.north_deg
            and bounds.south_deg <= self.north_deg + self.step_lat_deg
            and self.west_deg - self.step_lon_deg <= bounds.east_deg
            and bounds.west_deg <= self.east_deg + self.step_lon_deg
        )


def _snapped(index: npt.NDArray[Any]) -> FloatArray:
    node = np.round(index)
    return np.asarray(np.where(np.abs(index - node) < NODE_SNAP, node, index), dtype=np.float64)
