"""Where along its route a drive test was: an axis made from the drives themselves, and every reading's place on it.

The route may come back beside itself: a reading is placed by the whole drive it belongs to, not by the nearest point
alone. Where a road of the project is known, its measures serve instead.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from trassa.radio.drive_test import Measurements, fixes_astray
from trassa.road.lattice import metres_per_degree

__all__ = ["measure_along_route_m"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_NODE_M = 20.0
_REACH_M = 75.0
_FIX_M = 20.0
_SLIP_M = 30.0
_LEAST_PIECE_M = 500.0
_APART_M = 100_000.0


def measure_along_route_m(measurements: Measurements) -> FloatArray:
    """Measure in metres along the route of every reading, shape (n,); NaN off every route and where a fix is astray.

    The axis is the longest drive. What drives cover beside it becomes further axes, whose measures begin at the next
    100 km, so that no two axes share a stretch.
    """
    usable = ~fixes_astray(measurements) & np.isfinite(measurements.latitude_deg)
    place = _plane_m(measurements, usable)
    measure = np.full(len(measurements), np.nan)
    start_m = 0.0
    rest = _pieces(measurements.run, usable, place)
    while rest:
        axis, along = _axis(max(rest, key=lambda piece: _length_m(place[piece])), place)
        for piece in rest:
            measure[piece] = _matched_m(place[piece], axis, along) + start_m
        start_m = np.ceil((start_m + along[-1]) / _APART_M) * _APART_M
        rest = _pieces(measurements.run, usable & np.isnan(measure), place)
    return measure


def _plane_m(measurements: Measurements, usable: npt.NDArray[np.bool_]) -> FloatArray:
    latitude, longitude = measurements.latitude_deg, measurements.longitude_deg
    if not usable.any():
        return np.zeros((len(latitude), 2))
    middle = float(np.median(latitude[usable]))
    north, east = (float(metres) for metres in metres_per_degree(middle))
    # counted from the first place, so that 180° of longitude is a line like any other
    across = np.remainder(longitude - longitude[usable][0] + 180.0, 360.0) - 180.0
    return np.column_stack([across * east, latitude * north])


def _pieces(run: IntArray, wanted: npt.NDArray[np.bool_], place: FloatArray) -> list[IntArray]:
    """Unbroken rows of one run that are wanted and go further than half a kilometre."""
    edge = np.flatnonzero(np.diff(run) != 0) + 1
    pieces = []
    for rows in np.split(np.arange(len(run)), edge):
        kept = rows[wanted[rows]]
        # rows that were placed already divide a drive; a single fix astray does not
        breaks = np.flatnonzero(np.diff(kept) > 5) + 1
        pieces += [piece for piece in np.split(kept, breaks) if _length_m(place[piece]) >= _LEAST_PIECE_M]
    return pieces


def _length_m(place: FloatArray) -> float:
    return float(np.hypot(*np.diff(place[_nodes(place)], axis=0).T).sum()) if len(place) > 1 else 0.0


def _nodes(place: FloatArray) -> IntArray:
    kept = [0]
    for row in range(1, len(place)):
        if np.hypot(*(place[row] - place[kept[-1]])) >= _NODE_M:
            kept.append(row)
    return np.array(kept)


def _axis(piece: IntArray, place: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points every 20 m along a piece, shape (m, 2), and their measures in metres."""
    nodes = place[piece][_nodes(place[piece])]
    gone = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(nodes, axis=0).T))])
    along = np.linspace(0.0, gone[-1], max(2, math.ceil(gone[-1] / _NODE_M) + 1))
    return np.column_stack([np.interp(along, gone, column) for column in nodes.T]), along


def _matched_m(place: FloatArray, axis: FloatArray, along: FloatArray) -> FloatArray:
    """Measures of one drive along an axis, forwards or backwards, whichever fits better; NaN beyond reach."""
    measures, offsets = _feet(place, axis, along)
    forward, cost = _likeliest(place, measures, offsets)
    backward, cost_back = _likeliest(place, [-m for m in measures], offsets)
    return forward if cost <= cost_back else -backward


def _feet(place: FloatArray, axis: FloatArray, along: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
    """The nearest points of the axis to every place, one for each time the axis comes near."""
    step = np.diff(axis, axis=0)
    length = np.hypot(*step.T)
    measures, offsets = [], []
    for here, nodes in zip(place, cKDTree(axis).query_ball_point(place, _REACH_M + _NODE_M), strict=True):
        near = np.unique(np.clip(np.concatenate([nodes, np.array(nodes, dtype=np.int64) - 1]), 0, len(step) - 1))
        near = near.astype(np.int64)
        away = here - axis[near]
        share = np.clip((away * step[near]).sum(-1) / length[near] ** 2, 0.0, 1.0)
        offset = np.hypot(*(away - share[:, None] * step[near]).T)
        within = np.flatnonzero(offset <= _REACH_M)
        passes = np.split(within, np.flatnonzero(np.diff(near[within]) > 1) + 1) if len(within) else []
        best = np.array([one[np.argmin(offset[one])] for one in passes], dtype=np.int64)
        measures.append(along[near[best]] + share[best] * length[near[best]])
        offsets.append(offset[best])
    return measures, offsets


def _likeliest(place: FloatArray, measures: list[FloatArray], offsets: list[FloatArray]) -> tuple[FloatArray, float]:
    """The sequence of feet that is near the places and goes on as far as the places do (Viterbi), and its cost."""
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(place, axis=0).T))])
    rows = [row for row, feet in enumerate(measures) if len(feet)]
    found = np.full(len(place), np.nan)
    if not rows:
        return found, 0.0
    cost = (offsets[rows[0]] / _FIX_M) ** 2
    back: list[IntArray] = []
    for before, row in pairwise(rows):
        gone = measures[row][:, None] - measures[before][None, :]
        slip = (gone - (travelled[row] - travelled[before])) / _SLIP_M
        total = cost[None, :] + np.minimum(slip**2, 100.0)
        back.append(np.argmin(total, axis=1))
        cost = total.min(axis=1) + (offsets[row] / _FIX_M) ** 2
    at = int(np.argmin(cost))
    for index in range(len(rows) - 1, -1, -1):
        found[rows[index]] = measures[rows[index]][at]
        at = int(back[index - 1][at]) if index else at
    return found, float(cost.min())
