"""The trench's line measured again, in space: turns of the axis about the vertical, from earth-centred chords."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.linear import Layer
from trassa.plan.verify.traffic import line_of

__all__ = ["trench_steps_m"]

FloatArray = npt.NDArray[np.float64]
_TO_CENTRE = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
_OVER_POINTS = 2
_LEAST_STEP_RATIO = 0.2
_LEAST_CHORD_M = 1.0


def trench_steps_m(alignment: Layer, carriageway: str, steps_m: FloatArray, right_m: float) -> FloatArray:
    """Steps of the line that lies ``right_m`` to the right of rising measure, from those of the axis, shape (n − 1,):
    each by that times turn shorter on the inside of a bend and longer outside, never shorter than a fifth."""
    line = line_of(alignment, carriageway)
    points, up = _in_space(line)
    known = line["present"] & np.isfinite(points).all(axis=1)
    turn = np.zeros(len(steps_m))
    edges = np.flatnonzero(np.diff(np.r_[False, known, False].astype(np.int8)))
    for first, stop in edges.reshape(-1, 2).tolist():
        turn[first : stop - 1] = _turns(points[first:stop], up[first:stop])
    rest = steps_m - right_m * turn
    return np.where(rest < _LEAST_STEP_RATIO * steps_m, _LEAST_STEP_RATIO * steps_m, rest)


def _in_space(line: Layer) -> tuple[FloatArray, FloatArray]:
    """Points on the ellipsoid and the way up there, both of shape (n, 3)."""
    lon, lat = np.radians(line["longitude_deg"]), np.radians(line["latitude_deg"])
    flat = np.zeros(len(line))
    points = np.column_stack(_TO_CENTRE.transform(line["longitude_deg"], line["latitude_deg"], flat))
    up = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return np.where(np.isfinite(points), points, np.nan), up


def _chords(points: FloatArray) -> FloatArray:
    at = np.arange(len(points))
    return points[np.minimum(at + _OVER_POINTS, len(points) - 1)] - points[np.maximum(at - _OVER_POINTS, 0)]


def _turns(points: FloatArray, up: FloatArray) -> FloatArray:
    """Turn between neighbouring points in radians, positive to the right: that of their chords, seen from above.

    Where chords are too short to point anywhere, the turn across them is spread evenly.
    """
    chords, turn = _chords(points), np.zeros(max(len(points) - 1, 0))
    good = np.flatnonzero(np.linalg.norm(chords, axis=1) >= _LEAST_CHORD_M)
    for_each = zip(good[:-1].tolist(), good[1:].tolist(), strict=True)
    before, behind, above = chords[good[:-1]], chords[good[1:]], up[good[:-1]]
    left = np.einsum("ij,ij->i", above, np.cross(before, behind))
    angle = -np.arctan2(left, np.einsum("ij,ij->i", before, behind))
    for (first, last), bend in zip(for_each, angle.tolist(), strict=True):
        turn[first:last] = bend / (last - first)
    return turn
