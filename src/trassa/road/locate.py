"""From a place on the ground to a place on the road, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear import Carriageway
from trassa.road.line import Line
from trassa.road.model import Road

__all__ = ["Located", "Locator"]

FloatArray = npt.NDArray[np.float64]

_FAR_M = 50_000.0


@dataclass(frozen=True)
class Located:
    """Places found on a road. Arrays of shape (n,).

    ``offset_m`` is the distance from the carriageway's line, positive to the right of rising measure.
    """

    carriageway: npt.NDArray[np.object_]
    measure_m: FloatArray
    offset_m: FloatArray


class Locator:
    """Finds the nearest carriageway of a road for any number of points at once; holes attract nothing."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._lines: list[tuple[Carriageway, Line]] = []
        for carriageway in road.carriageways:
            self._lines += [(carriageway, line) for line in _present_lines(road, carriageway)]

    def locate(self, latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> Located:
        """Carriageway, measure and offset of each point.

        Raises :class:`~trassa.errors.InputError` for a latitude beyond ±90°, and where every point lies more than
        50 km off the road but none does with latitude and longitude swapped.
        """
        lat = np.atleast_1d(np.asarray(latitude_deg, dtype=np.float64))
        lon = np.atleast_1d(np.asarray(longitude_deg, dtype=np.float64))
        if not (np.abs(lat) <= 90.0).all():
            raise InputError(f"locate: latitude {lat[~(np.abs(lat) <= 90.0)][0]:g}° is not within ±90°", cure="LAT LON")
        found = self._nearest(lat, lon)
        if (np.abs(found.offset_m) > _FAR_M).all() and (np.abs(lon) <= 90.0).all():
            swapped = self._nearest(lon, lat)
            if (np.abs(swapped.offset_m) < _FAR_M).all():
                raise InputError(
                    f"locate: {lat[0]:g}, {lon[0]:g} lies {abs(found.offset_m[0]) / 1000:,.0f} km off {self._road.ref}",
                    cure=f"latitude first: {lon[0]:g} {lat[0]:g}",
                )
        return found

    def point(self, carriageway: Carriageway, measure_m: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude in degrees of measures on a carriageway. Any shape.

        Raises :class:`~trassa.errors.InputError` for a carriageway that the road lacks and measures off its ends.
        """
        if carriageway not in self._road.alignments:
            there = ", ".join(self._road.carriageways)
            raise InputError(f"locate: {self._road.ref} has no {carriageway} carriageway", cure=there)
        measure = np.asarray(measure_m, dtype=np.float64)
        if not ((measure >= 0.0) & (measure <= self._road.length_m)).all():
            raise InputError(
                f"locate: measure {measure.min():.1f}…{measure.max():.1f} m is off the road",
                cure=f"0…{self._road.length_m:.1f} m",
            )
        line = self._road.alignments[carriageway]
        return (
            np.interp(measure, line.measure_m, line.latitude_deg),
            np.interp(measure, line.measure_m, line.longitude_deg),
        )

    def _nearest(self, lat: FloatArray, lon: FloatArray) -> Located:
        carriageway = np.full(len(lat), self._road.carriageways[0], dtype=np.object_)
        measure, offset = np.full(len(lat), np.nan), np.full(len(lat), np.inf)
        for name, line in self._lines:
            feet = line.project(lat, lon)
            nearer = np.abs(feet.offset_m) < np.abs(offset)
            carriageway[nearer] = name
            measure, offset = np.where(nearer, feet.measure_m, measure), np.where(nearer, feet.offset_m, offset)
        return Located(carriageway, measure, offset)


def _present_lines(road: Road, carriageway: Carriageway) -> list[Line]:
    """The stretches of a carriageway that exist, each as a line that carries the road's measure."""
    line = road.alignments[carriageway]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], line.present, [False]]).astype(np.int8)))
    runs = [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a > 1]
    return [Line(line.latitude_deg[run], line.longitude_deg[run], line.measure_m[run]) for run in runs]
