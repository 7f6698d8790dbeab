"""The reference line, and both carriageways sampled along it.

Measure is the geodesic length along the *reference line*: the carriageway on which labels rise. A point of the other
carriageway has the measure of the reference point that it stands across from, so both share their measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from trassa.linear import CARRIAGEWAYS, Carriageway, Extent, merged, opposite
from trassa.road.alignment import STEP_M, Alignment, measures_of
from trassa.road.carriageways import CarriagewayLine
from trassa.road.chains import bearing_deg
from trassa.road.lattice import metres_per_degree
from trassa.road.line import Line

__all__ = ["Reference", "alignments_along", "oriented", "plan_direction"]

FloatArray = npt.NDArray[np.float64]

_PLAN_SMOOTHING_M = 40.0
_END_SLACK_M = 15.0
_RING_CLOSED_M = 50.0


@dataclass(frozen=True)
class Reference:
    """The reference line, which carriageway it follows, and the lines of those that exist, in the sense of travel."""

    line: Line
    carriageway: Carriageway
    sides: Mapping[Carriageway, CarriagewayLine]

    def rising(self, carriageway: Carriageway) -> Line:
        """The line of a carriageway in the sense of rising measure."""
        line = self.sides[carriageway].line
        return line if carriageway == "increasing" else line.reversed()

    def measure_m(self, carriageway: Carriageway, along_m: npt.ArrayLike) -> FloatArray:
        """Measure of places given by metres along a carriageway in its sense of travel. Shape (n,)."""
        along = np.atleast_1d(np.asarray(along_m, dtype=np.float64))
        if carriageway == self.carriageway:
            return along if carriageway == "increasing" else self.line.length_m - along
        side = self.sides[carriageway].line
        measure = self.line.project(*side.at(along)).measure_m
        return self._unwound(measure, along / side.length_m, carriageway) if self._is_ring else measure

    @cached_property
    def _is_ring(self) -> bool:
        first, last = zip(self.line.latitude_deg[[0, -1]], self.line.longitude_deg[[0, -1]], strict=True)
        return bearing_deg(first, last)[0] <= _RING_CLOSED_M

    def _unwound(self, measure: FloatArray, share: FloatArray, carriageway: Carriageway) -> FloatArray:
        """Measures of a ring: what projects just past the opening belongs to the end that it was on its way to."""
        length = self.line.length_m
        due = length * (share if carriageway == "increasing" else 1.0 - share)
        unwound = measure + length * (measure < due - 0.5 * length) - length * (measure > due + 0.5 * length)
        return np.asarray(np.clip(unwound, 0.0, length), dtype=np.float64)

    def holes(self, carriageway: Carriageway) -> list[Extent]:
        """Extents of measure on which a carriageway has no geometry: gaps inside it, and where it is not there yet."""
        side = self.sides[carriageway]
        ends = [self.measure_m(carriageway, [gap.start_m, gap.end_m]) for gap in side.holes]
        found = [Extent(float(pair.min()), float(pair.max())) for pair in ends if pair.max() - pair.min() > 1.0]
        if carriageway != self.carriageway:
            first, last = sorted(self.measure_m(carriageway, [0.0, side.line.length_m]).tolist())
            if first > _END_SLACK_M:
                found.append(Extent(0.0, first))
            if last < self.line.length_m - _END_SLACK_M:
                found.append(Extent(last, self.line.length_m))
        return merged(found)


def oriented(
    lines: Sequence[CarriagewayLine], label_sense_on_first: int, follow: Carriageway | None = None
) -> Reference:
    """Name the carriageways and choose the reference line.

    ``label_sense_on_first`` is +1 where labels rise along ``lines[0]``, −1 where they fall, 0 where unknown: then the
    line whose end-to-end azimuth lies in 0–180° is the increasing one. ``follow`` overrides which carriageway the
    reference line follows; by default the increasing one, where it exists. A single carriageway whose ways serve both
    senses counts as increasing.
    """
    rises = label_sense_on_first > 0 if label_sense_on_first else _runs_east(lines)
    first = lines[0]
    if len(lines) == 1 and first.two_way_share >= 0.8:
        first = first if rises else first.turned()
        rises = True
    name: Carriageway = "increasing" if rises else "decreasing"
    sides: dict[Carriageway, CarriagewayLine] = {name: first}
    if len(lines) > 1:
        sides[opposite(name)] = lines[1]
        sides = {c: sides[c] for c in CARRIAGEWAYS}
    followed = follow if follow in sides else ("increasing" if "increasing" in sides else "decreasing")
    line = sides[followed].line if followed == "increasing" else sides[followed].line.reversed()
    return Reference(line, followed, sides)


def alignments_along(reference: Reference) -> dict[Carriageway, Alignment]:
    """The carriageways at measures 0, 10, 20, …; heights and gradients are NaN until terrain is laid under them."""
    measure = measures_of(reference.line.length_m)
    found: dict[Carriageway, Alignment] = {}
    for carriageway in reference.sides:
        lat, lon = _sampled(reference, carriageway, measure)
        present = np.ones(len(measure), dtype=bool)
        for hole in reference.holes(carriageway):
            at_start, at_end = hole.start_m == 0.0, hole.end_m == reference.line.length_m
            before, behind = measure <= hole.start_m, measure >= hole.end_m
            present &= (before & (not at_start)) | (behind & (not at_end))
        heading, curvature = plan_direction(lat, lon, present, carriageway)
        unknown = np.full(len(measure), np.nan)
        found[carriageway] = Alignment(
            carriageway, measure, lat, lon, unknown, heading, curvature, unknown.copy(), present
        )
    return found


def plan_direction(
    latitude_deg: FloatArray,
    longitude_deg: FloatArray,
    present: npt.NDArray[np.bool_],
    carriageway: Carriageway,
    step_m: float = STEP_M,
) -> tuple[FloatArray, FloatArray]:
    """Heading in degrees and curvature per metre (positive to the right), both in the sense of travel.

    The plan is smoothed with a Gaussian of 40 m, run by run of present points: mapped vertices stand some 50 m apart
    and would show as kinks. NaN where not present. All arrays have shape (n,).
    """
    heading, curvature = np.full(len(present), np.nan), np.full(len(present), np.nan)
    lat_m, lon_m = metres_per_degree(latitude_deg)
    for run in _true_runs(present):
        if run.stop - run.start < 2:
            continue
        north = np.diff(latitude_deg[run]) * lat_m[run][1:]
        east = np.diff(longitude_deg[run]) * lon_m[run][1:]
        length = np.hypot(north, east)
        moving = np.flatnonzero(length > 0.05 * step_m)
        if not len(moving):
            continue
        angle = np.interp(np.arange(len(length)), moving, np.unwrap(np.arctan2(east[moving], north[moving])))
        length = np.maximum(length, 0.5 * step_m)
        angle = gaussian_filter1d(angle, _PLAN_SMOOTHING_M / step_m, mode="nearest")
        along = np.concatenate([[0.0], np.cumsum(length)])
        at_points = np.interp(along, 0.5 * (along[1:] + along[:-1]), angle)
        bend = np.gradient(at_points, along)
        turned = carriageway == "decreasing"
        heading[run] = (np.degrees(at_points) + (180.0 if turned else 0.0)) % 360.0
        curvature[run] = -bend if turned else bend
    return heading, curvature


def _runs_east(lines: Sequence[CarriagewayLine]) -> bool:
    """Whether the first line runs into the half circle 0–180°, judged against the other where both do or neither."""
    angles = [np.radians(line.line.azimuth_deg()) for line in lines]
    east = [float(np.sin(angle)) for angle in angles]
    if len(east) == 1:
        return east[0] >= 0.0
    return east[0] >= east[1]


def _sampled(reference: Reference, carriageway: Carriageway, measure: FloatArray) -> tuple[FloatArray, FloatArray]:
    on_reference = reference.line.at(measure)
    if carriageway == reference.carriageway:
        return on_reference
    across = reference.rising(carriageway)
    along = np.append(np.arange(0.0, across.length_m, 0.5 * STEP_M), across.length_m)
    feet = reference.line.project(*across.at(along))
    faced = np.flatnonzero(~feet.beyond)
    if len(faced) < 2:
        return on_reference
    steady = faced[_longest_rise(feet.measure_m[faced])]
    return across.at(np.interp(measure, feet.measure_m[steady], along[steady]))


def _longest_rise(values: FloatArray) -> npt.NDArray[np.intp]:
    """Indices of a longest non-falling subsequence: the points across that keep their order along the road."""
    tails: list[float] = []
    tail_at: list[int] = []
    before = np.full(len(values), -1, dtype=np.intp)
    for i, value in enumerate(values.tolist()):
        place = int(np.searchsorted(tails, value, side="right")) if tails and value < tails[-1] else len(tails)
        before[i] = tail_at[place - 1] if place else -1
        if place == len(tails):
            tails.append(value)
            tail_at.append(i)
        else:
            tails[place], tail_at[place] = value, i
    row = [tail_at[-1]]
    while before[row[-1]] >= 0:
        row.append(int(before[row[-1]]))
    return np.array(row[::-1], dtype=np.intp)


def _true_runs(mask: npt.NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
