"""Connection ahead: where on the way in front of a vehicle the connection will fall short, when, and by how much.

The question has the shape of TS 23.288 §6.9 (QoS sustainability): a path of way-points, thresholds and a target period
go in; the stretches on which a threshold is crossed come out, with place, time, value and confidence.

::

    measure    350+000        352+000        354+000      increasing carriageway
    vehicle       o——————————————————————————————>        130 km/h
    downlink      25 25 25 25  3  3  3 25 25 25 25        Mbit/s, needed: 10
    answer                     [=====)                    in 55 s, for 42 s, 3 Mbit/s
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear import Carriageway, Extent, Layer
from trassa.radio.ahead_answer import QUANTITIES, Ahead, Leg, Shortfall, Threshold
from trassa.road.model import Road

__all__ = ["connection_ahead", "look_ahead", "way_through"]

FloatArray = npt.NDArray[np.float64]


def look_ahead(road: Road, carriageway: Carriageway, measure_m: float, distance_m: float) -> tuple[Leg, ...]:
    """The way so many metres on from a position, at most to the road's end."""
    if not distance_m > 0.0:
        raise InputError(f"ahead: a way of {distance_m:g} m", cure="a positive distance, or a positive time")
    to_m = measure_m + distance_m if carriageway == "increasing" else measure_m - distance_m
    return way_through(road, [(carriageway, measure_m), (carriageway, min(max(to_m, 0.0), road.length_m))])


def way_through(road: Road, way_points: Sequence[tuple[Carriageway, float]]) -> tuple[Leg, ...]:
    """The way through way-points (carriageway, measure) in the order in which they are driven.

    Where two way-points lie on different carriageways the vehicle turns, and what it drives meanwhile is not counted.
    Raises :class:`~trassa.errors.InputError` for way-points off the road and for driving against the traffic.
    """
    for carriageway, measure_m in way_points:
        if carriageway not in road.alignments:
            raise InputError(f"ahead: {road.ref} has no {carriageway} carriageway", cure=", ".join(road.carriageways))
        if not 0.0 <= measure_m <= road.length_m:
            raise InputError(f"ahead: measure {measure_m:.0f} m is off the road", cure=f"0…{road.length_m:.0f} m")
    legs = [
        Leg(before[0], before[1], after[1])
        for before, after in pairwise(way_points)
        if before[0] == after[0] and before[1] != after[1]
    ]
    if not legs:
        raise InputError("ahead: the way has no length", cure="two way-points on one carriageway, before the road ends")
    return tuple(legs)


def connection_ahead(
    road: Road,
    ahead: Layer,
    legs: Sequence[Leg],
    thresholds: Sequence[Threshold],
    *,
    speed_mps: float,
    period_s: tuple[float, float] = (0.0, math.inf),
) -> Ahead:
    """Where on a way the thresholds are crossed, driving at one speed.

    ``ahead`` holds rows by extent and carriageway with the columns of :data:`QUANTITIES` and ``confidence``; the rows
    of a carriageway do not overlap. What no row speaks about is unknown and falls short. ``period_s`` is the target
    period, seconds from now: what lies outside is left out of the shortfalls and of the worst values.
    """
    if not speed_mps > 0.0 or not math.isfinite(speed_mps):
        raise InputError(f"ahead: a speed of {speed_mps:g} m/s", cure="--speed-kmh 130")
    if not thresholds:
        raise InputError("ahead: no threshold", cure=f"a need for one of {', '.join(QUANTITIES)}")
    window_m = (period_s[0] * speed_mps, period_s[1] * speed_mps)
    pieces: list[_Pieces] = []
    driven_m = 0.0
    for leg in legs:
        part = _pieces_of(ahead, leg, driven_m).within(*window_m)
        driven_m += leg.length_m
        if len(part.near_m):
            pieces.append(part)
    found = [one for part in pieces for threshold in thresholds for one in _shortfalls(part, threshold, speed_mps)]
    found.sort(key=lambda one: (one.distance_m, list(QUANTITIES).index(one.threshold.quantity)))
    worst = {
        name: Threshold(name, 0.0).worst(np.concatenate([[math.nan], *(part.values[name] for part in pieces)]))
        for name in QUANTITIES
    }
    return Ahead(road, tuple(legs), speed_mps, tuple(found), worst)


@dataclass(frozen=True)
class _Pieces:
    """The pieces of a leg on which nothing changes, in driving order; ``near_m`` and ``far_m`` along the whole way."""

    leg: Leg
    driven_m: float
    near_m: FloatArray
    far_m: FloatArray
    values: dict[str, FloatArray]

    def within(self, first_m: float, last_m: float) -> _Pieces:
        """What of the pieces lies in a window of the way."""
        near_m, far_m = np.maximum(self.near_m, first_m), np.minimum(self.far_m, last_m)
        kept = far_m > near_m
        values = {name: column[kept] for name, column in self.values.items()}
        return _Pieces(self.leg, self.driven_m, near_m[kept], far_m[kept], values)

    def measure_m(self, along_m: float) -> float:
        """The measure at a place along the whole way."""
        on_leg = along_m - self.driven_m
        return self.leg.from_m + on_leg if self.leg.carriageway == "increasing" else self.leg.from_m - on_leg


def _pieces_of(ahead: Layer, leg: Leg, driven_m: float) -> _Pieces:
    low, high = sorted((leg.from_m, leg.to_m))
    rows = ahead.where(carriageway=leg.carriageway)
    rows = rows.take((rows["end_m"] > low) & (rows["start_m"] < high))
    rows = rows.take(np.argsort(rows["start_m"], kind="stable"))
    breaks = np.unique(np.clip(np.concatenate([rows["start_m"], rows["end_m"], [low, high]]), low, high))
    row = np.searchsorted(rows["start_m"], breaks[:-1], side="right") - 1
    known = (row >= 0) & (breaks[:-1] < np.append(rows["end_m"], -math.inf)[row])
    order = slice(None) if leg.carriageway == "increasing" else slice(None, None, -1)
    near, far = (breaks[:-1], breaks[1:]) if leg.carriageway == "increasing" else (breaks[1:], breaks[:-1])
    values = {
        name: np.where(known, np.append(rows[name], math.nan)[row], math.nan)[order]
        for name in (*QUANTITIES, "confidence")
    }
    near_m, far_m = (driven_m + np.abs(edge - leg.from_m)[order] for edge in (near, far))
    return _Pieces(leg, driven_m, near_m, far_m, values)


def _shortfalls(part: _Pieces, threshold: Threshold, speed_mps: float) -> list[Shortfall]:
    values = part.values[threshold.quantity]
    kind = np.where(threshold.crossed(values), np.where(np.isnan(values), 2, 1), 0)
    starts = np.flatnonzero(np.diff(kind, prepend=-1))
    found = []
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), len(kind)], strict=True):
        if not kind[first]:
            continue
        way = float(part.near_m[first]), float(part.far_m[end - 1])
        low, high = sorted(part.measure_m(along_m) for along_m in way)
        confidence = part.values["confidence"][first:end]
        found.append(
            Shortfall(
                threshold, part.leg.carriageway, Extent(low, high), way, (way[0] / speed_mps, way[1] / speed_mps),
                threshold.worst(values[first:end]),
                math.nan if np.isnan(confidence).all() else float(np.nanmin(confidence)),
            )
        )  # fmt: skip
    return found
