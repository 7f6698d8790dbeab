"""Distance from points to a set of lines, by earth-centred points dense along them and plane feet nearby."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyproj
from scipy.spatial import cKDTree

__all__ = ["Feet", "Lines", "length_m"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_WGS84 = pyproj.Geod(ellps="WGS84")
_DENSE_M = 10.0


def length_m(latitude_deg: FloatArray, longitude_deg: FloatArray) -> float:
    """Geodesic length of one line in metres; steps next to unknown points do not count."""
    known = np.isfinite(latitude_deg[:-1]) & np.isfinite(latitude_deg[1:])
    lat, lon = latitude_deg, longitude_deg
    return float(np.sum(_WGS84.inv(lon[:-1][known], lat[:-1][known], lon[1:][known], lat[1:][known])[2]))


@dataclass(frozen=True)
class Feet:
    """The nearest place on the lines to each of n points: distance in metres, which line, and its direction there.

    ``east`` and ``north`` are the unit vector of the nearest segment, in the order of its nodes.
    """

    distance_m: FloatArray
    line: IntArray
    east: FloatArray
    north: FloatArray


class Lines:
    """Several lines as their segments. Unknown vertices (NaN) break a line."""

    def __init__(self, lines: Sequence[tuple[FloatArray, FloatArray]]) -> None:
        parts = [_segments(lat, lon, number) for number, (lat, lon) in enumerate(lines)]
        self._segment = np.concatenate(parts) if parts else np.zeros((0, 5))
        lat_1, lon_1, lat_2, lon_2 = self._segment[:, :4].T
        metres = np.asarray(_WGS84.inv(lon_1, lat_1, lon_2, lat_2)[2], dtype=np.float64)
        self._pieces = np.maximum(np.ceil(metres / _DENSE_M).astype(np.int64), 1)
        owner = np.repeat(np.arange(len(self._segment)), self._pieces)
        first = np.repeat(np.cumsum(self._pieces) - self._pieces, self._pieces)
        share = (np.arange(len(owner)) - first + 0.5) / self._pieces[owner]
        self._owner = owner
        lat, lon = lat_1[owner] + share * (lat_2 - lat_1)[owner], lon_1[owner] + share * (lon_2 - lon_1)[owner]
        self._tree = cKDTree(_xyz(lat, lon))

    def feet(self, latitude_deg: FloatArray, longitude_deg: FloatArray) -> Feet:
        """The nearest place on any of the lines to each point; right to centimetres up to a kilometre."""
        _, nearest = self._tree.query(_xyz(latitude_deg, longitude_deg), k=min(4, len(self._owner)))
        best: tuple[FloatArray, ...] | None = None
        for column in np.atleast_2d(nearest.T):
            foot = self._foot(latitude_deg, longitude_deg, self._owner[column])
            if best is None:
                best = foot
            else:
                closer = foot[0] < best[0]
                best = tuple(np.where(closer, new, old) for new, old in zip(foot, best, strict=True))
        assert best is not None
        return Feet(best[0], best[1].astype(np.int64), best[2], best[3])

    def _foot(self, latitude_deg: FloatArray, longitude_deg: FloatArray, segment: IntArray) -> tuple[FloatArray, ...]:
        lat_1, lon_1, lat_2, lon_2, line = self._segment[segment].T
        sine = np.sin(np.radians(latitude_deg))
        root = 1.0 - 0.0066943799901413165 * sine**2
        north_m = np.radians(6_378_137.0 * (1.0 - 0.0066943799901413165)) / root**1.5
        east_m = np.radians(6_378_137.0) * np.sqrt(1.0 - sine**2) / np.sqrt(root)
        x, y = (longitude_deg - lon_1) * east_m, (latitude_deg - lat_1) * north_m
        dx, dy = (lon_2 - lon_1) * east_m, (lat_2 - lat_1) * north_m
        size = np.maximum(np.hypot(dx, dy), 1e-9)
        share = np.clip((x * dx + y * dy) / size**2, 0.0, 1.0)
        return np.hypot(x - share * dx, y - share * dy), line, dx / size, dy / size


def _segments(latitude_deg: FloatArray, longitude_deg: FloatArray, number: int) -> FloatArray:
    rows = np.column_stack([latitude_deg[:-1], longitude_deg[:-1], latitude_deg[1:], longitude_deg[1:]])
    rows = rows[np.isfinite(rows).all(axis=1)]
    return np.column_stack([rows, np.full(len(rows), float(number))])


def _xyz(latitude_deg: FloatArray, longitude_deg: FloatArray) -> FloatArray:
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    normal = 6_378_137.0 / np.sqrt(1.0 - 0.0066943799901413165 * np.sin(lat) ** 2)
    x, y = normal * np.cos(lat) * np.cos(lon), normal * np.cos(lat) * np.sin(lon)
    return np.column_stack([x, y, normal * (1.0 - 0.0066943799901413165) * np.sin(lat)])
