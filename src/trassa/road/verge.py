"""Which side of a carriageway is its verge, and lines that lie there, a fixed distance outwards from its axis.

::

    verge      ───────────────╮         longer by d · Δheading on the outside of a bend, shorter on the inside
    axis       ─────────────╮ │
                            │ │

Headings are those of chords over two points on either side, in the plane into which the line is unrolled step by step:
lengths and turns are those on WGS 84, nothing is projected, and kinks of a mapped line cancel out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from trassa.errors import InputError
from trassa.linear import Carriageway, opposite
from trassa.road.alignment import Alignment
from trassa.road.model import Road, Traffic

__all__ = ["beside", "longer_beside_m", "outwards", "traffic_of"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = Geod(ellps="WGS84")

_CHORD_POINTS = 2
"""A chord reaches over this many points of the alignment on either side, 20 m of measure."""
_SHORTEST_CHORD_M = 1.0
_LEAST_STEP_RATIO = 0.2
"""No step beside the road is shorter than this share of its own: where a bend is tighter than the distance."""
_APART_M = 1.0
"""Carriageways nearer to one another than this do not show to which side traffic keeps."""
_CLEAR_SHARE = 0.75
"""What this share of the points shows is not to be talked away."""


@dataclass(frozen=True)
class _Course:
    """Directions along a line in the sense of rising measure: ``azimuth_deg`` at every point, shape (n,), NaN where
    the line is not present; ``turn`` from point to point in radians, positive to the right, shape (n − 1,), 0 where
    unknown."""

    azimuth_deg: FloatArray
    turn: FloatArray


def outwards(road: Road, carriageway: Carriageway) -> int:
    """On which side of the carriageway its verge lies: +1 to the right of rising measure, −1 to the left.

    On the side that traffic keeps to: away from the other carriageway where there is one.
    """
    return road.keeps_right * (1 if carriageway == "increasing" else -1)


def traffic_of(road: Road, stated: Traffic | None) -> Traffic:
    """The side that traffic keeps to: as stated; else as most points of two carriageways show it; else right.

    :class:`~trassa.errors.InputError` where the carriageways show clearly that what is stated is wrong.
    """
    left, right = _points_showing(road)
    shown: Traffic | None = None if left == right else "left" if left > right else "right"
    if stated is None or shown is None or stated == shown:
        return stated or shown or "right"
    share = max(left, right) / (left + right)
    if share >= _CLEAR_SHARE:
        raise InputError(
            f"road: {road.ref} keeps {shown} by its geometry: on {share:.0%} of it the other carriageway lies to the "
            f"{stated} of travel; road.traffic says {stated!r}",
            cure=f"road.traffic = {shown!r}, or carriageways drawn in the sense of travel",
        )
    return stated


def _points_showing(road: Road) -> tuple[int, int]:
    """At how many points of the increasing carriageway the other lies to its right, as where traffic keeps left, and
    at how many to its left; none on a schematic axis."""
    line, other = road.alignments.get("increasing"), road.alignments.get("decreasing")
    if line is None or other is None or road.axis == "schematic":
        return 0, 0
    both = line.present & other.present
    azimuth, _, away_m = _WGS84.inv(
        line.longitude_deg[both], line.latitude_deg[both], other.longitude_deg[both], other.latitude_deg[both]
    )
    across_m = np.asarray(away_m) * np.sin(np.radians(np.asarray(azimuth) - _course(line).azimuth_deg[both]))
    return int(np.sum(across_m > _APART_M)), int(np.sum(across_m < -_APART_M))


def longer_beside_m(road: Road, carriageway: Carriageway, offset_m: float, steps_m: FloatArray) -> FloatArray:
    """Steps of the line that runs ``offset_m`` outwards, from those of the carriageway itself; both shape (n − 1,).

    A schematic axis has no bends. No step becomes shorter than a fifth of its own, however tight the bend.
    """
    if road.axis == "schematic" or offset_m == 0.0:
        return steps_m
    turn = _course(road.alignments[carriageway]).turn
    longer = steps_m - outwards(road, carriageway) * offset_m * turn
    return np.maximum(longer, _LEAST_STEP_RATIO * steps_m)


def beside(road: Road, offset_m: float) -> Road:
    """The road with every carriageway moved outwards, for what is drawn in the verge.

    Where a carriageway is missing, its line keeps its side of the other one. A schematic axis stays where it is.
    """
    if road.axis == "schematic" or offset_m == 0.0:
        return road
    moved = {name: _moved(road, name, offset_m) for name in road.carriageways}
    return replace(road, alignments=moved)


def _moved(road: Road, carriageway: Carriageway, offset_m: float) -> Alignment:
    line, other = road.alignments[carriageway], road.alignments.get(opposite(carriageway))
    latitude, longitude = line.latitude_deg.copy(), line.longitude_deg.copy()
    azimuth, present = _course(line).azimuth_deg, line.present
    if other is not None:
        over = ~present & other.present
        latitude[over], longitude[over] = other.latitude_deg[over], other.longitude_deg[over]
        azimuth[over], present = _course(other).azimuth_deg[over], present | other.present
    known = np.isfinite(azimuth + latitude + longitude)
    to = azimuth[known] + 90.0 * outwards(road, carriageway)
    out_m = np.full(len(to), offset_m)
    longitude[known], latitude[known], _ = _WGS84.fwd(longitude[known], latitude[known], to, out_m)
    return replace(line, latitude_deg=latitude, longitude_deg=longitude, present=present)


def _course(line: Alignment) -> _Course:
    azimuth, turn = np.full(len(line), np.nan), np.zeros(max(len(line) - 1, 0))
    here = line.present & np.isfinite(line.latitude_deg) & np.isfinite(line.longitude_deg)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], here, [False])).astype(np.int8)))
    for first, stop in edges.reshape(-1, 2).tolist():
        if stop - first < 2:
            continue
        found = _course_of_run(line.latitude_deg[first:stop], line.longitude_deg[first:stop])
        azimuth[first:stop], turn[first : stop - 1] = found.azimuth_deg, found.turn
    return _Course(azimuth, turn)


def _course_of_run(latitude_deg: FloatArray, longitude_deg: FloatArray) -> _Course:
    """The line unrolled: each step with its length, turned against the last by the angle between their geodesics."""
    lon, lat = longitude_deg, latitude_deg
    out_deg, back_deg, length_m = (np.asarray(a) for a in _WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:]))
    bent = np.radians(out_deg[1:] - back_deg[:-1] - 180.0)
    direction = np.concatenate(([0.0], np.cumsum(bent)))
    place = np.concatenate(([0.0], np.cumsum(length_m * np.exp(1j * direction))))
    at = np.arange(len(lat))
    ahead, behind = np.minimum(at + _CHORD_POINTS, at[-1]), np.maximum(at - _CHORD_POINTS, 0)
    chord = place[ahead] - place[behind]
    long_enough = np.flatnonzero(np.abs(chord) >= _SHORTEST_CHORD_M)
    if not len(long_enough):
        return _Course(np.full(len(lat), np.nan), np.zeros(len(lat) - 1))
    heading = np.interp(at, long_enough, np.unwrap(np.angle(chord[long_enough])))
    # an azimuth holds where it is measured: the step's own at its start, and at the last point that of arrival
    own_deg = np.concatenate((out_deg, back_deg[-1:] + 180.0))
    own = np.concatenate((direction, direction[-1:]))
    return _Course((own_deg + np.degrees(heading - own)) % 360.0, np.diff(heading))
