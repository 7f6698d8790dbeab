"""A received warning as an on-board unit understands it: identity, life, and the way that leads to the hazard.

Relevance is the vehicle's own judgement: it is on the way that the message's traces describe, heading along it towards
the event. Tiles only brought the message here; carriageways a few metres apart differ by heading.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from trassa.clock import utc_ms
from trassa.twin.course import degrees_of
from trassa.vehicles.codec import decode
from trassa.vehicles.refusal import Refused

__all__ = ["Warning", "understood", "warm_up"]

FloatArray = npt.NDArray[np.float64]

_ASIDE_M = 40.0
"""Farther than this beside the trace a vehicle is on another way: lanes, bias and noise of a receiver, chords."""
_TURN_DEG = 60.0
_BACK_M = 30.0
"""So far past the event a vehicle still counts as before it: its receiver may say so."""


@dataclass(frozen=True)
class Warning:
    """A DENM. ``version_ms`` is its referenceTime; ``ends`` says that it is a termination.

    ``trace_deg`` are latitude and longitude from the event back along the way to it; a single point without traces.
    """

    action: tuple[int, int]
    version_ms: int
    detected_ms: int
    void_ms: int
    ends: bool
    cause_code: int
    sub_cause_code: int
    trace_deg: FloatArray

    def concerns(self, latitude_deg: FloatArray, longitude_deg: FloatArray, heading_deg: FloatArray) -> FloatArray:
        """Distance along the way to the event in metres of each vehicle that it concerns, else NaN."""
        north_m, east_m = self._metres(self.trace_deg)
        at_north_m, at_east_m = self._metres(np.vstack([latitude_deg, longitude_deg]))
        d_north, d_east = np.diff(north_m), np.diff(east_m)
        length_m = np.hypot(d_north, d_east)
        if not length_m.sum() > 0.0:
            return np.full(len(latitude_deg), np.nan)
        before_m = np.concatenate([[0.0], np.cumsum(length_m)[:-1]])
        safe_m = np.maximum(length_m, 1e-9)
        # every vehicle against every leg of the trace
        off_north = at_north_m[:, None] - north_m[:-1]
        off_east = at_east_m[:, None] - east_m[:-1]
        along_m = (off_north * d_north + off_east * d_east) / safe_m
        low_m = np.zeros(len(length_m))
        low_m[0] = -_BACK_M
        foot_m = np.clip(along_m, low_m, length_m)
        aside_m = np.hypot(off_north - foot_m * d_north / safe_m, off_east - foot_m * d_east / safe_m)
        # the trace leads away from the event, the vehicle towards it
        way_deg = np.degrees(np.arctan2(-d_east, -d_north))
        turn_deg = np.abs((heading_deg[:, None] - way_deg + 180.0) % 360.0 - 180.0)
        aside_m = np.where(turn_deg <= _TURN_DEG, aside_m, np.inf)
        leg = np.argmin(aside_m, axis=1)
        vehicle = np.arange(len(leg))
        distance_m = np.maximum(before_m[leg] + foot_m[vehicle, leg], 0.0)
        return np.where(aside_m[vehicle, leg] <= _ASIDE_M, distance_m, np.nan)

    def _metres(self, places_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
        """North and east in metres from the event, in its tangent plane."""
        latitude_deg, longitude_deg = float(self.trace_deg[0, 0]), float(self.trace_deg[1, 0])
        unit_north, unit_east = degrees_of(np.array([latitude_deg]), np.ones(1), np.ones(1))
        return (places_deg[0] - latitude_deg) / unit_north, (places_deg[1] - longitude_deg) / unit_east


def warm_up() -> None:
    """Load the schema of warnings, while nobody waits for one."""
    understood(bytes((2, 1)) + bytes(6))


@lru_cache(maxsize=256)
def understood(payload: bytes) -> Warning | None:
    """A payload as a warning; none where it is empty or no DENM that can be read.

    A warning on its way to many vehicles is read once.
    """
    if not payload:
        return None
    try:
        message = decode(payload)
    except Refused:
        return None
    if message.type != "DENM":
        return None
    management = message.value["denm"]["management"]
    # Release 2 and the old dictionary spell the same things differently
    action = management["actionId"] if "actionId" in management else management["actionID"]
    station, sequence = (action[name] for name in sorted(action))
    detected_ms = utc_ms(management["detectionTime"])
    cause, sub_cause = message.cause() or (0, 0)
    return Warning(
        action=(station, sequence),
        version_ms=utc_ms(management["referenceTime"]),
        detected_ms=detected_ms,
        void_ms=detected_ms + 1000 * management["validityDuration"],
        ends="termination" in management,
        cause_code=cause,
        sub_cause_code=sub_cause,
        trace_deg=_trace(management["eventPosition"], message.value["denm"].get("location")),
    )


def _trace(event: dict[str, int], location: dict[str, list[list[dict[str, dict[str, int]]]]] | None) -> FloatArray:
    """Latitudes and longitudes from the event along its first trace; each point is given from the one before."""
    latitude, longitude = [event["latitude"]], [event["longitude"]]
    traces = (location.get("detectionZonesToEventPosition") or location.get("traces") or []) if location else []
    for point in traces[0] if traces else []:
        latitude.append(latitude[-1] + point["pathPosition"]["deltaLatitude"])
        longitude.append(longitude[-1] + point["pathPosition"]["deltaLongitude"])
    return np.array([latitude, longitude], dtype=np.float64) / 1e7
