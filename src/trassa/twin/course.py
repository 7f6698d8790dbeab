"""A course: one carriageway as somebody drives it, from progress and lateral place to latitude and longitude."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear import Carriageway
from trassa.road.model import Road

__all__ = ["Course", "Courses", "degrees_of"]

FloatArray = npt.NDArray[np.float64]

_EQUATOR_RADIUS_M = 6_378_137.0
_ECCENTRICITY_SQUARED = 0.006_694_379_990_14


def degrees_of(latitude_deg: FloatArray, north_m: FloatArray, east_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A shift in metres at a latitude as differences of WGS 84 latitude and longitude in degrees."""
    sine = np.sin(np.radians(latitude_deg))
    root = np.sqrt(1.0 - _ECCENTRICITY_SQUARED * sine * sine)
    meridian_m = _EQUATOR_RADIUS_M * (1.0 - _ECCENTRICITY_SQUARED) / root**3
    parallel_m = _EQUATOR_RADIUS_M / root * np.sqrt(1.0 - sine * sine)
    return np.degrees(north_m / meridian_m), np.degrees(east_m / parallel_m)


@dataclass(frozen=True)
class Course:
    """One carriageway in the sense of travel. ``north`` and ``east`` are the unit vector of travel at each point;
    ``keeps_right`` is −1 where traffic keeps left."""

    carriageway: Carriageway
    length_m: float
    measure_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    north: FloatArray
    east: FloatArray
    keeps_right: int

    @classmethod
    def of(cls, road: Road, carriageway: Carriageway) -> Course:
        """The course of a carriageway of the road."""
        line = road.alignments[carriageway]
        latitude, longitude = line.latitude_deg, line.longitude_deg
        unit_north, unit_east = degrees_of(latitude, np.ones(len(line)), np.ones(len(line)))
        north = np.gradient(latitude, line.measure_m) / unit_north
        east = np.gradient(longitude, line.measure_m) / unit_east
        scale = np.hypot(north, east)
        sense = 1.0 if carriageway == "increasing" else -1.0
        return cls(
            carriageway,
            road.length_m,
            line.measure_m,
            latitude,
            longitude,
            sense * north / scale,
            sense * east / scale,
            road.keeps_right,
        )

    def measure_at(self, progress_m: FloatArray) -> FloatArray:
        """Measure of a distance travelled from the carriageway's beginning; metres both."""
        return progress_m if self.carriageway == "increasing" else self.length_m - progress_m

    def progress_at(self, measure_m: FloatArray) -> FloatArray:
        """The inverse of :meth:`measure_at`, which is its own inverse."""
        return self.measure_at(measure_m)

    def place(self, progress_m: FloatArray, right_m: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Latitude, longitude and heading in degrees; ``right_m`` is to the right of travel, to the left where traffic
        keeps left."""
        measure = self.measure_at(progress_m)
        latitude = np.interp(measure, self.measure_m, self.latitude_deg)
        longitude = np.interp(measure, self.measure_m, self.longitude_deg)
        north = np.interp(measure, self.measure_m, self.north)
        east = np.interp(measure, self.measure_m, self.east)
        off_m = self.keeps_right * right_m
        d_latitude, d_longitude = degrees_of(latitude, -east * off_m, north * off_m)
        return latitude + d_latitude, longitude + d_longitude, np.degrees(np.arctan2(east, north)) % 360.0


class Courses:
    """The courses of a road, increasing first; vehicles on any of them are placed at once."""

    def __init__(self, road: Road) -> None:
        self.all = tuple(Course.of(road, carriageway) for carriageway in road.carriageways)

    def __len__(self) -> int:
        return len(self.all)

    def measures(self, course: npt.NDArray[np.int8], progress_m: FloatArray) -> FloatArray:
        """Measure in metres of vehicles by the index of their course."""
        measure = np.empty(len(progress_m))
        for index, line in enumerate(self.all):
            mine = course == index
            measure[mine] = line.measure_at(progress_m[mine])
        return measure

    def place(
        self, course: npt.NDArray[np.int8], progress_m: FloatArray, right_m: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Latitude, longitude and heading in degrees of vehicles by the index of their course."""
        places = np.empty((3, len(progress_m)))
        for index, line in enumerate(self.all):
            mine = course == index
            places[:, mine] = line.place(progress_m[mine], right_m[mine])
        return places[0], places[1], places[2]
