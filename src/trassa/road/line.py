"""A line on the ground: geodesic measure along it, and projection of points onto it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from pyproj import Geod
from scipy.spatial import cKDTree

from trassa.errors import InputError
from trassa.road.lattice import metres_per_degree

__all__ = ["WGS84", "Line", "Projection", "geodesic_steps_m"]

FloatArray = npt.NDArray[np.float64]

WGS84 = Geod(ellps="WGS84")
_DENSE_M = 20.0


def geodesic_steps_m(latitude_deg: FloatArray, longitude_deg: FloatArray) -> FloatArray:
    """WGS 84 geodesic length in metres between consecutive points, shape (n − 1,); NaN next to a NaN."""
    if len(latitude_deg) < 2:
        return np.zeros(0)
    _, _, steps = WGS84.inv(longitude_deg[:-1], latitude_deg[:-1], longitude_deg[1:], latitude_deg[1:])
    return np.asarray(steps, dtype=np.float64)


@dataclass(frozen=True)
class Projection:
    """Points projected on a line. Arrays of shape (n,).

    ``offset_m`` is the distance to the nearest point of the line, positive to the right of its sense. ``beyond`` is
    true where that nearest point is an end of the line and the point lies past it.
    """

    measure_m: FloatArray
    offset_m: FloatArray
    beyond: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Line:
    """Vertices in order, shape (n,) each, n ≥ 2.

    Measure is the cumulated WGS 84 geodesic length, or what ``given_measure_m`` says at each vertex.
    """

    latitude_deg: FloatArray
    longitude_deg: FloatArray
    given_measure_m: FloatArray | None = None

    def __post_init__(self) -> None:
        if len(self.latitude_deg) < 2:
            raise InputError(f"line: {len(self.latitude_deg)} point(s), needs at least 2")
        across = np.flatnonzero(np.abs(np.diff(self.longitude_deg)) > 180.0)
        if len(across):
            raise InputError(
                f"road: it crosses the 180° meridian, where longitudes jump, at latitude "
                f"{self.latitude_deg[across[0]]:.4f}",
                cure="one project on each side, cut at 180°",
            )

    @cached_property
    def measure_m(self) -> FloatArray:
        """Measure of each vertex in metres, shape (n,)."""
        if self.given_measure_m is not None:
            return self.given_measure_m
        steps = geodesic_steps_m(self.latitude_deg, self.longitude_deg)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def length_m(self) -> float:
        """Length in metres."""
        return float(self.measure_m[-1])

    def reversed(self) -> Line:
        """The same line in the other sense, measured from its new start."""
        return Line(self.latitude_deg[::-1].copy(), self.longitude_deg[::-1].copy())

    def at(self, measure_m: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude in degrees at measures; the ends beyond the ends. Any shape."""
        measure = np.asarray(measure_m, dtype=np.float64)
        return (
            np.interp(measure, self.measure_m, self.latitude_deg),
            np.interp(measure, self.measure_m, self.longitude_deg),
        )

    def azimuth_deg(self) -> float:
        """Geodesic azimuth from the first to the last point, 0 ≤ azimuth < 360."""
        azimuth, _, _ = WGS84.inv(
            self.longitude_deg[0], self.latitude_deg[0], self.longitude_deg[-1], self.latitude_deg[-1]
        )
        return float(azimuth) % 360.0

    def project(self, latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> Projection:
        """The nearest point of the line to each given point, shape (n,); exact to centimetres within 10 km."""
        lat = np.atleast_1d(np.asarray(latitude_deg, dtype=np.float64))
        lon = np.atleast_1d(np.asarray(longitude_deg, dtype=np.float64))
        nearest = self._tree.query(_earth_xyz(lat, lon))[1]
        centre = self._dense_segment[nearest]
        best = self._foot(lat, lon, centre)
        for shift in (-1, 1):
            other = self._foot(lat, lon, np.clip(centre + shift, 0, len(self.latitude_deg) - 2))
            closer = np.abs(other[1]) < np.abs(best[1]) - 1e-9
            best = tuple(np.where(closer, new, old) for new, old in zip(other, best, strict=True))  # type: ignore[assignment]
        return Projection(best[0], best[1], best[2].astype(bool))

    def _foot(
        self, lat: FloatArray, lon: FloatArray, segment: npt.NDArray[np.intp]
    ) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
        lat_m, lon_m = metres_per_degree(lat)
        ax = (self.longitude_deg[segment] - lon) * lon_m
        ay = (self.latitude_deg[segment] - lat) * lat_m
        ex = (self.longitude_deg[segment + 1] - lon) * lon_m - ax
        ey = (self.latitude_deg[segment + 1] - lat) * lat_m - ay
        square = np.maximum(ex**2 + ey**2, 1e-12)
        free = -(ax * ex + ay * ey) / square
        share = np.clip(free, 0.0, 1.0)
        distance = np.hypot(ax + share * ex, ay + share * ey)
        left = ex * -ay - ey * -ax > 0.0
        length = self.measure_m[segment + 1] - self.measure_m[segment]
        first, last = segment == 0, segment == len(self.latitude_deg) - 2
        beyond = (first & (free < 0.0)) | (last & (free > 1.0))
        return self.measure_m[segment] + share * length, np.where(left, -distance, distance), beyond

    @cached_property
    def _dense(self) -> tuple[cKDTree, npt.NDArray[np.intp]]:
        step = geodesic_steps_m(self.latitude_deg, self.longitude_deg)
        pieces = np.maximum(np.ceil(step / _DENSE_M).astype(np.intp), 1)
        segment = np.repeat(np.arange(len(step)), pieces)
        within = np.arange(len(segment)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        share = within / pieces[segment]
        lat = self.latitude_deg[segment] + share * np.diff(self.latitude_deg)[segment]
        lon = self.longitude_deg[segment] + share * np.diff(self.longitude_deg)[segment]
        lat, lon = np.append(lat, self.latitude_deg[-1]), np.append(lon, self.longitude_deg[-1])
        return cKDTree(_earth_xyz(lat, lon)), np.append(segment, len(step) - 1)

    @property
    def _tree(self) -> cKDTree:
        return self._dense[0]

    @property
    def _dense_segment(self) -> npt.NDArray[np.intp]:
        return self._dense[1]


def _earth_xyz(latitude_deg: FloatArray, longitude_deg: FloatArray) -> FloatArray:
    """Points on the mean sphere in metres, shape (n, 3): near points stay near, whatever the longitude."""
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    radius_m = 6_371_008.8
    return radius_m * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
