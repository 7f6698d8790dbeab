"""Woods and houses on the terrain's lattice, drawn by scan lines (even-odd rule), not by polygon tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["Rings", "Woods", "blank", "cleared", "draw", "woods_along"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rings:
    """All rings of one area, outer and inner alike: shape (n,) each; ring k runs from ``start[k]`` to ``start[k+1]``.

    The rings are closed (first point repeated). A place is inside when a ray meets an odd number of edges.
    """

    longitude_deg: FloatArray
    latitude_deg: FloatArray
    start: IntArray


class Woods(NamedTuple):
    """Clutter classes at lattice nodes: node (r, c) stands at ``north − r·step_lat``, ``west + c·step_lon``.

    ``frame`` holds north, west, step_lat, step_lon in degrees. ``rank`` has shape (rows, columns), 0 is open; memory
    that nobody draws on is never touched. ``height_m[rank]`` is the height of a class.
    """

    frame: FloatArray
    rank: npt.NDArray[np.uint8]
    height_m: npt.NDArray[np.float64]


def blank(
    frame: FloatArray, box: tuple[float, float, float, float], factors: tuple[int, int], height_m: Sequence[float]
) -> Woods:
    """An open lattice over ``box`` (south, west, north, east), its nodes a subdivision of the terrain's.

    ``frame`` is that of the finest tile, ``factors`` divide its steps in latitude and longitude.
    """
    step_lat, step_lon = frame[2] / factors[0], frame[3] / factors[1]
    first_row = int(np.floor((frame[0] - box[2]) / step_lat)) - 1
    first_column = int(np.floor((box[1] - frame[1]) / step_lon)) - 1
    rows = int(np.ceil((frame[0] - box[0]) / step_lat)) - first_row + 2
    columns = int(np.ceil((box[3] - frame[1]) / step_lon)) - first_column + 2
    north, west = frame[0] - first_row * step_lat, frame[1] + first_column * step_lon
    lattice = np.array([north, west, step_lat, step_lon])
    return Woods(lattice, np.zeros((rows, columns), dtype=np.uint8), np.array([0.0, *height_m]))


def draw(woods: Woods, rings: Rings, rank: int) -> None:
    """Raise every node inside the area to ``rank``, unless it has a higher one."""
    _fill(woods.frame, woods.rank, rings.longitude_deg, rings.latitude_deg, rings.start, rank)


def cleared(
    woods: Woods, latitude_deg: FloatArray, longitude_deg: FloatArray, there: npt.NDArray[np.bool_], width_m: float
) -> None:
    """Open every node nearer than ``width_m`` to a line given by its points; a gap is where a point is not there."""
    _clear(woods.frame, woods.rank, latitude_deg, longitude_deg, there, width_m)


@numba.njit(cache=True, nogil=True)
def _fill(
    frame: FloatArray, ranks: npt.NDArray[np.uint8], lon: FloatArray, lat: FloatArray, start: IntArray, rank: int
) -> None:
    first = max(0, int(np.ceil((frame[0] - lat.max()) / frame[2])))
    last = min(ranks.shape[0] - 1, int(np.floor((frame[0] - lat.min()) / frame[2])))
    crossings = np.empty(len(lat))
    for row in range(first, last + 1):
        level = frame[0] - row * frame[2]
        count = 0
        for ring in range(len(start) - 1):
            for i in range(start[ring], start[ring + 1] - 1):
                if (lat[i] > level) != (lat[i + 1] > level):
                    share = (level - lat[i]) / (lat[i + 1] - lat[i])
                    crossings[count] = lon[i] + share * (lon[i + 1] - lon[i])
                    count += 1
        ordered = np.sort(crossings[:count])
        for pair in range(0, count - 1, 2):
            west = max(0, int(np.ceil((ordered[pair] - frame[1]) / frame[3])))
            east = min(ranks.shape[1] - 1, int(np.floor((ordered[pair + 1] - frame[1]) / frame[3])))
            for column in range(west, east + 1):
                if ranks[row, column] < rank:
                    ranks[row, column] = rank


@numba.njit(cache=True, nogil=True)
def _clear(
    frame: FloatArray, ranks: npt.NDArray[np.uint8], lat: FloatArray, lon: FloatArray,
    there: npt.NDArray[np.bool_], width_m: float,
) -> None:  # fmt: skip
    for i in range(len(lat) - 1):
        if not (there[i] and there[i + 1]):
            continue
        squared = 0.0066943799901413165
        root = 1.0 - squared * np.sin(np.radians(lat[i])) ** 2
        metre_lat = np.radians(6_378_137.0) * (1.0 - squared) / root**1.5
        metre_lon = np.radians(6_378_137.0) * np.cos(np.radians(lat[i])) / np.sqrt(root)
        reach_lat, reach_lon = width_m / metre_lat * 1.01, width_m / metre_lon * 1.01
        top = max(0, int(np.floor((frame[0] - max(lat[i], lat[i + 1]) - reach_lat) / frame[2])))
        bottom = int(np.ceil((frame[0] - min(lat[i], lat[i + 1]) + reach_lat) / frame[2]))
        left = max(0, int(np.floor((min(lon[i], lon[i + 1]) - reach_lon - frame[1]) / frame[3])))
        right = int(np.ceil((max(lon[i], lon[i + 1]) + reach_lon - frame[1]) / frame[3]))
        dx, dy = (lon[i + 1] - lon[i]) * metre_lon, (lat[i + 1] - lat[i]) * metre_lat
        for row in range(top, min(bottom, ranks.shape[0] - 1) + 1):
            for column in range(left, min(right, ranks.shape[1] - 1) + 1):
                x = (frame[1] + column * frame[3] - lon[i]) * metre_lon
                y = (frame[0] - row * frame[2] - lat[i]) * metre_lat
                share = min(max((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0.0), 1.0)
                if (x - share * dx) ** 2 + (y - share * dy) ** 2 < width_m * width_m:
                    ranks[row, column] = 0


@numba.njit(cache=True, nogil=True)
def woods_along(latitude_deg: FloatArray, longitude_deg: FloatArray, woods: Woods, height_m: FloatArray) -> None:
    """Bilinear clutter heights at points into ``height_m``; 0 off the lattice."""
    ranks, class_m = woods.rank, woods.height_m
    north, west, step_lat, step_lon = woods.frame[0], woods.frame[1], woods.frame[2], woods.frame[3]
    for i in range(len(latitude_deg)):
        row, column = (north - latitude_deg[i]) / step_lat, (longitude_deg[i] - west) / step_lon
        height_m[i] = 0.0
        if not (0.0 <= row < ranks.shape[0] - 1 and 0.0 <= column < ranks.shape[1] - 1):
            continue
        r, c = int(row), int(column)
        north_west, north_east, south_west, south_east = (
            ranks[r, c],
            ranks[r, c + 1],
            ranks[r + 1, c],
            ranks[r + 1, c + 1],
        )
        if north_west | north_east | south_west | south_east:
            down, right = row - r, column - c
            upper = class_m[north_west] * (1.0 - right) + class_m[north_east] * right
            lower = class_m[south_west] * (1.0 - right) + class_m[south_east] * right
            height_m[i] = upper * (1.0 - down) + lower * down
