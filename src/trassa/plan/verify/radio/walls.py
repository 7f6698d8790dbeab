"""The knife edges of noise walls and cuttings, worked out again: one mast, all receivers, every piece of wall.

The rule: in the plane at the receiver, with the metres per degree there, the straight way to the mast crosses a piece
of wall at most 300 m from the receiver. Its top stands so high above the carriageway; ν and J(ν) are those of ITU-R
P.526 §4.1 over the straight line between both antennas, either distance at least 1 m. Several pieces are one edge by
Bullington's construction. Levels of less than half of the time know walls of mapped heights only.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from trassa.plan.verify.radio.one_path import Ends, Mast, Wave

__all__ = ["WallLines", "wall_losses_db"]

FloatArray = npt.NDArray[np.float64]

_FARTHEST_M = 300.0


class WallLines(NamedTuple):
    """Pieces of wall: ``places`` (n, 4) holds latitude and longitude of both ends; heights above the road in metres."""

    places: FloatArray
    height_m: FloatArray
    mapped: npt.NDArray[np.bool_]


def wall_losses_db(mast: Mast, ends: Ends, walls: WallLines, wave: Wave) -> FloatArray:
    """What the walls take from the path to each receiver, dB, shape (n,)."""
    counted = walls.mapped | (wave.time_percent >= 50.0)
    found = np.zeros(len(ends.latitude_deg))
    pieces = walls.places[counted], walls.height_m[counted]
    _losses(mast, ends, *pieces, wave.frequency_ghz, wave.receiver_antenna_m, found)
    return found


@numba.njit(cache=True, nogil=True)
def _losses(
    mast: Mast, ends: Ends, places: FloatArray, height_m: FloatArray, ghz: float, antenna_m: float, found: FloatArray
) -> None:
    near_m, top_m = np.empty(len(height_m)), np.empty(len(height_m))
    for k in range(len(found)):
        met = 0
        lat, lon = ends.latitude_deg[k], ends.longitude_deg[k]
        north_m, east_m = _metres(lat)
        span_lat, span_lon = _FARTHEST_M / north_m * 1.01, _FARTHEST_M / east_m * 1.01
        mast_x, mast_y = (mast.longitude_deg - lon) * east_m, (mast.latitude_deg - lat) * north_m
        away_m = math.sqrt(mast_x * mast_x + mast_y * mast_y)
        fall_m = mast.ground_m + mast.antenna_m - ends.height_m[k] - antenna_m
        for p in range(len(height_m)):
            if min(places[p, 0], places[p, 2]) > lat + span_lat or max(places[p, 0], places[p, 2]) < lat - span_lat:
                continue
            if min(places[p, 1], places[p, 3]) > lon + span_lon or max(places[p, 1], places[p, 3]) < lon - span_lon:
                continue
            ax, ay = (places[p, 1] - lon) * east_m, (places[p, 0] - lat) * north_m
            bx, by = (places[p, 3] - lon) * east_m, (places[p, 2] - lat) * north_m
            # on which side of the wall's line the receiver and the mast stand, and of the path's line its two ends
            here = (bx - ax) * -ay - (by - ay) * -ax
            there = (bx - ax) * (mast_y - ay) - (by - ay) * (mast_x - ax)
            first, last = mast_x * ay - mast_y * ax, mast_x * by - mast_y * bx
            if here == there or first == last:
                continue
            share, along = here / (here - there), first / (first - last)
            if not (0.0 < share < 1.0 and 0.0 <= along < 1.0) or share * away_m > _FARTHEST_M:
                continue
            near_m[met], top_m[met] = share * away_m, height_m[p] - antenna_m
            met += 1
        if met > 0:
            found[k] = _edge_db(near_m[:met], top_m[:met], away_m, fall_m, ghz)


@numba.njit(cache=True, nogil=True)
def _edge_db(near_m: FloatArray, top_m: FloatArray, away_m: float, fall_m: float, ghz: float) -> float:
    """J of one edge that stands for all: heights above the receiver's antenna, the mast's ``fall_m`` above it."""
    most, up, down = -np.inf, -np.inf, -np.inf
    for i in range(len(near_m)):
        here, there = max(near_m[i], 1.0), max(away_m - near_m[i], 1.0)
        up, down = max(up, top_m[i] / here), max(down, (top_m[i] - fall_m) / there)
        above = top_m[i] - fall_m * near_m[i] / away_m
        most = max(most, above * math.sqrt(2.0 * ghz / 0.2998 * (here + there) / (here * there)))
    if most > 0.0:
        # the two lines up·x and fall + down·(D − x), x from the receiver
        whole = max(away_m, 2.0)
        x = min(max((fall_m + down * whole) / (up + down), 1.0), whole - 1.0)
        above = fall_m + down * (whole - x) - fall_m * x / whole
        most = above * math.sqrt(2.0 * ghz / 0.2998 * whole / (x * (whole - x)))
    return 6.9 + 20.0 * math.log10(math.sqrt((most - 0.1) ** 2 + 1.0) + most - 0.1) if most > -0.78 else 0.0


@numba.njit(cache=True, nogil=True)
def _metres(latitude_deg: float) -> tuple[float, float]:
    """Metres of a degree of latitude and of longitude on WGS 84."""
    squared = 0.0066943799901413165
    root = 1.0 - squared * math.sin(math.radians(latitude_deg)) ** 2
    meridian = math.radians(6_378_137.0) * (1.0 - squared) / root**1.5
    return meridian, math.radians(6_378_137.0) * math.cos(math.radians(latitude_deg)) / math.sqrt(root)
