"""What noise walls and the banks of cuttings cost a path to a vehicle behind them.

A wall within one step of a profile from the vehicle can be no sample of it, and its cell of the grid would be that of
the carriageway. So it is a knife edge by itself, after the propagation model and beside it (ITU-R P.526 §4.1)::

    ν = h·√(2/λ·(1/d1 + 1/d2))      J(ν) = 6.9 + 20 lg(√((ν − 0.1)² + 1) + ν − 0.1), 0 below ν = −0.78

d1 runs from the vehicle to where the path crosses the wall, in the plane at the vehicle and at least 1 m; d2 from there
to the mast; h is the wall's top above the straight line between both antennas, the Earth flat over so short a way.
Several walls on one path are one edge, by Bullington's construction over them alone: where the steepest lines from both
antennas over their tops meet, or, with the line between the antennas clear, the one of the largest ν. It errs to the
safe side: over a hill the wave comes from higher than straight, and the model has edges already.

Levels that are not exceeded for less than half of the time are those of other cells: there an assumed height counts for
nothing, for a wall that is lower than assumed would let more of them pass.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from trassa.provenance import Assumption
from trassa.radio.bins import Points
from trassa.radio.candidates import Candidates
from trassa.radio.compiled import compiled
from trassa.radio.diffraction import knife_edge_loss_db
from trassa.radio.links import Links
from trassa.radio.settings import RadioSettings
from trassa.radio.spherical_earth import wavelength_m
from trassa.road.lattice import metres_per_degree
from trassa.road.walls import WALL_REACH_M, Walls

__all__ = ["behind_walls", "wall_assumptions"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_Pieces = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def behind_walls(links: Links, candidates: Candidates, points: Points, walls: Walls, settings: RadioSettings) -> Links:
    """The same links, those that cross a wall near their receiver losing more by its knife edge."""
    first, piece = _near_each(walls, points)
    if not len(piece) or not len(links):
        return links
    per_lat_m, per_lon_m = metres_per_degree(points.latitude_deg)
    ends = (points.latitude_deg, points.longitude_deg, points.height_m, per_lat_m, per_lon_m)
    masts = (candidates.latitude_deg, candidates.longitude_deg, candidates.ground_m)
    pieces = (walls.start_lat_deg, walls.start_lon_deg, walls.end_lat_deg, walls.end_lon_deg, walls.height_m)
    loss_db = links.loss_db.copy()
    wave_m = wavelength_m(settings.frequency_mhz / 1000.0)
    _add(
        links.place_start, links.receiver, loss_db, masts, candidates.mast_heights_m, ends, settings.vehicle_antenna_m,
        first, piece, pieces, wave_m,
    )  # fmt: skip
    return Links(links.place_start, links.receiver, loss_db)


def wall_assumptions(walls: Walls | None) -> list[Assumption]:
    """What is assumed of walls and banks near the road; nothing where the map has none."""
    if walls is None:
        return []
    assumed = walls.height_m[~walls.mapped]
    told = "noise walls and cutting edges without a mapped height (clutter.noise_wall_m, cutting_m), knife edges"
    highest_m = float(assumed.max()) if len(assumed) else 0.0
    reach = "walls farther from the vehicle, along the path, are not looked at"
    return [
        Assumption("radio.wall_height", highest_m, "m at most", True, told),
        Assumption("radio.wall_reach", WALL_REACH_M, "m", False, reach),
    ]


def _near_each(walls: Walls, points: Points) -> tuple[IntArray, IntArray]:
    """For every point the pieces that come within reach of it, as compressed rows."""
    import shapely

    if not len(walls) or not len(points):
        return np.zeros(len(points) + 1, np.int64), np.empty(0, np.int64)
    per_lat_m, per_lon_m = metres_per_degree(points.latitude_deg)
    away_lat, away_lon = 1.01 * WALL_REACH_M / per_lat_m, 1.01 * WALL_REACH_M / per_lon_m
    lat, lon = points.latitude_deg, points.longitude_deg
    ends = np.column_stack([walls.start_lon_deg, walls.start_lat_deg, walls.end_lon_deg, walls.end_lat_deg])
    tree = shapely.STRtree(shapely.linestrings(ends.reshape(-1, 2, 2)))
    whose, piece = tree.query(shapely.box(lon - away_lon, lat - away_lat, lon + away_lon, lat + away_lat))
    order = np.lexsort((piece, whose))
    first = np.searchsorted(whose[order], np.arange(len(points) + 1))
    return first.astype(np.int64), piece[order].astype(np.int64)


@compiled
def _add(
    start: IntArray, receiver: npt.NDArray[np.int32], loss_db: npt.NDArray[np.float32],
    masts: tuple[FloatArray, FloatArray, FloatArray], heights_m: FloatArray,
    ends: tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray], antenna_m: float, first: IntArray,
    piece: IntArray, pieces: _Pieces, wave_m: float,
) -> None:  # fmt: skip
    """Add the knife edges of every link to its losses, height by height."""
    steepest, largest = np.empty(heights_m.shape[1]), np.empty(heights_m.shape[1])
    for place in range(len(start) - 1):
        for link in range(start[place], start[place + 1]):
            j = receiver[link]
            if first[j] == first[j + 1]:
                continue
            lat, lon, road_m, per_lat, per_lon = (
                ends[0][j], ends[1][j], ends[2][j], ends[3][j], ends[4][j],
            )  # fmt: skip
            east, north = (masts[1][place] - lon) * per_lon, (masts[0][place] - lat) * per_lat
            length_m = math.hypot(east, north)
            view = -np.inf
            steepest[:], largest[:] = -np.inf, -np.inf
            for k in range(first[j], first[j + 1]):
                p = piece[k]
                x0, y0 = (pieces[1][p] - lon) * per_lon, (pieces[0][p] - lat) * per_lat
                x1, y1 = (pieces[3][p] - lon) * per_lon, (pieces[2][p] - lat) * per_lat
                share = _crossing(east, north, x0, y0, x1, y1)
                d1, d2 = share * length_m, (1.0 - share) * length_m
                if share <= 0.0 or d1 > WALL_REACH_M:
                    continue
                d1, d2 = max(d1, 1.0), max(d2, 1.0)
                top_m = pieces[4][p] - antenna_m
                view = max(view, top_m / d1)
                for h in range(heights_m.shape[1]):
                    rise_m = masts[2][place] + heights_m[place, h] - road_m - antenna_m
                    steepest[h] = max(steepest[h], (top_m - rise_m) / d2)
                    nu = (top_m - share * rise_m) * math.sqrt(2.0 / wave_m * (1.0 / d1 + 1.0 / d2))
                    largest[h] = max(largest[h], nu)
            for h in range(heights_m.shape[1]):
                if largest[h] > -0.78:
                    rise_m = masts[2][place] + heights_m[place, h] - road_m - antenna_m
                    nu = _edge_nu(rise_m, max(length_m, 2.0), view, steepest[h], largest[h], wave_m)
                    loss_db[link, h] += np.float32(knife_edge_loss_db(nu))


@compiled
def _edge_nu(rise_m: float, length_m: float, view: float, steepest: float, largest: float, wave_m: float) -> float:
    """ν of the one edge for all walls: slopes seen from the vehicle and from the mast ``rise_m`` above it."""
    if largest <= 0.0:
        return largest
    from_mast_m = (view * length_m - rise_m) / (view + steepest)
    from_mast_m = min(max(from_mast_m, 1.0), length_m - 1.0)
    to_end_m = length_m - from_mast_m
    above_m = rise_m + steepest * from_mast_m - rise_m * to_end_m / length_m
    return above_m * math.sqrt(2.0 / wave_m * length_m / (from_mast_m * to_end_m))


@compiled
def _crossing(east: float, north: float, x0: float, y0: float, x1: float, y1: float) -> float:
    """Share of the way from the origin to (east, north) at which it crosses a piece (its end left out), else −1."""
    run, rise = x1 - x0, y1 - y0
    turn = east * rise - north * run
    if turn == 0.0:
        return -1.0
    share = (x0 * rise - y0 * run) / turn
    along = (x0 * north - y0 * east) / turn
    return share if 0.0 <= along < 1.0 and 0.0 <= share < 1.0 else -1.0
