"""Kinematic traffic: points with a length that keep their distance and change lanes; no engine, no tyres.

A generator for the road's messages, not a traffic study: car-following after Treiber's intelligent driver model
(Phys. Rev. E 62, 1805), lane changes by its incentive and safety criterion (MOBIL), 100-ms steps, all vehicles at
once in NumPy columns. Progress is the distance travelled along the own carriageway to the vehicle's front bumper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CAR", "LANES", "LANE_RIGHT_M", "SHOULDER", "TRUCK", "Order", "Traffic"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CAR, TRUCK = 5, 8
"""stationType of the common data dictionary (ETSI TS 102 894-2)."""
LANES = 2
"""Lanes 0 (right) and 1 (left) are driven on."""
SHOULDER = 2
"""Beside the lanes: hard shoulder or booth lane; who is there meets only others who are there."""
LANE_RIGHT_M = np.array([1.9, -1.9, 5.6])
"""Lateral place of each lane, to the right of the carriageway's line; all is mirrored where traffic keeps left."""

_REACH_M = 1.0e7
_HARDEST_MPS2 = 7.0
_SCRIPTED_MPS2 = 3.0
_SAFE_MPS2 = 2.0
_CREEP_MPS = 0.05


@dataclass(frozen=True)
class Order:
    """One vehicle drives at most at this speed from one moment to another; moments in ms from the drive's start."""

    vehicle: int
    from_ms: int
    to_ms: int
    speed_mps: float


@dataclass
class Traffic:
    """All vehicles of a drive, one array element each. ``course`` is the index of the carriageway.

    ``right_m`` is NaN for who drives in a lane; a number is a lateral place of one's own, off the lanes.
    ``keeps_lane``: does not change lanes. ``driving``: on the road; false from the road's end on.
    """

    course: npt.NDArray[np.int8]
    lane: npt.NDArray[np.int8]
    progress_m: FloatArray
    speed_mps: FloatArray
    wish_mps: FloatArray
    length_m: FloatArray
    station_type: npt.NDArray[np.uint8]
    right_m: FloatArray
    keeps_lane: npt.NDArray[np.bool_]
    road_length_m: float

    def __post_init__(self) -> None:
        truck = self.station_type == TRUCK
        self.acceleration_mps2 = np.zeros(len(self))
        self.driving = np.ones(len(self), dtype=np.bool_)
        self._drive_mps2 = np.where(truck, 0.8, 1.6)
        self._brake_mps2 = np.where(truck, 1.7, 2.0)
        self._headway_s = np.where(truck, 1.7, 1.3)
        self._standing_gap_m = np.where(truck, 3.5, 2.5)
        self._steps = 0

    def __len__(self) -> int:
        return len(self.course)

    def lateral_m(self) -> FloatArray:
        """The lateral place of every vehicle, to the right of its carriageway's line."""
        return np.where(np.isnan(self.right_m), LANE_RIGHT_M[self.lane], self.right_m)

    def step(self, step_s: float, limit_mps: FloatArray) -> None:
        """Move everyone on by a step; ``limit_mps`` is what scripts allow each vehicle, infinite where none speaks."""
        self._change_lanes()
        order, leader = self._leaders()
        acceleration = np.empty(len(self))
        acceleration[order] = self._following(order, leader)
        scripted = (limit_mps - self.speed_mps) / step_s
        acceleration = np.minimum(acceleration, np.maximum(scripted, -_SCRIPTED_MPS2))
        acceleration = np.maximum(acceleration, -_HARDEST_MPS2)
        speed = np.maximum(self.speed_mps + acceleration * step_s, 0.0)
        speed[(speed < _CREEP_MPS) & (acceleration <= 0.0)] = 0.0
        speed[~self.driving] = 0.0
        self.acceleration_mps2 = (speed - self.speed_mps) / step_s
        self.progress_m = self.progress_m + 0.5 * (speed + self.speed_mps) * step_s
        self.speed_mps = speed
        self.driving &= self.progress_m < self.road_length_m - 1.0
        self._steps += 1

    def _keys(self, lane: npt.NDArray[np.int8]) -> FloatArray:
        """Carriageway and lane before progress: sorted, each lane is a run; who is nowhere is behind everything."""
        group = np.where(self.driving, self.course * 4.0 + lane, 99.0)
        alone = ~np.isnan(self.right_m)
        group = np.where(alone, 100.0 + np.arange(len(self)), group)
        return np.asarray(group * _REACH_M + self.progress_m)

    def _leaders(self) -> tuple[IntArray, IntArray]:
        """Vehicles sorted by lane and progress, and for each the one before it in its lane (-1: free road)."""
        keys = self._keys(self.lane)
        order = np.argsort(keys, kind="stable")
        ahead = np.append(order[1:], -1)
        same = np.append((keys[order][1:] // _REACH_M) == (keys[order][:-1] // _REACH_M), False)
        return order, np.where(same, ahead, -1)

    def _following(self, who: IntArray, leader: IntArray) -> FloatArray:
        """The intelligent driver's acceleration of ``who`` behind ``leader`` (-1: free road)."""
        speed, free = self.speed_mps[who], leader < 0
        gap = np.where(free, np.inf, self.progress_m[leader] - self.length_m[leader] - self.progress_m[who])
        closing = np.where(free, 0.0, speed - self.speed_mps[leader])
        drive, brake = self._drive_mps2[who], self._brake_mps2[who]
        wanted = speed * self._headway_s[who] + speed * closing / (2.0 * np.sqrt(drive * brake))
        wanted = self._standing_gap_m[who] + np.maximum(wanted, 0.0)
        crowd = (wanted / np.maximum(gap, 0.1)) ** 2
        return np.asarray(drive * (1.0 - (speed / self.wish_mps[who]) ** 4 - crowd))

    def _change_lanes(self) -> None:
        """Every vehicle thinks of the other lane once a second: is it better there, and does nobody have to brake?"""
        mine = np.flatnonzero(
            (np.arange(len(self)) % 10 == self._steps % 10)
            & self.driving
            & ~self.keeps_lane
            & (self.lane < LANES)
            & np.isnan(self.right_m)
        )
        if not len(mine):
            return
        order, leader = self._leaders()
        leader_of = np.empty(len(self), dtype=np.int64)
        leader_of[order] = leader
        other = np.asarray(1 - self.lane[mine], dtype=np.int8)
        ahead, behind = self._neighbours(order, mine, other)
        here = self._following(mine, leader_of[mine])
        there = self._following(mine, ahead)
        # to the left for a gain, back to the right as soon as it costs nothing
        better = np.where(other == 1, there > here + 0.3, there > here - 0.1)
        behind_brakes = np.where(behind < 0, 0.0, self._following(np.maximum(behind, 0), mine))
        room = self._room(mine, ahead, behind)
        chosen = better & room & (behind_brakes > -_SAFE_MPS2) & (there > -_SAFE_MPS2)
        _, first = np.unique(np.where(chosen, ahead + 1, -1 - np.arange(len(mine))), return_index=True)
        alone = np.zeros(len(mine), dtype=np.bool_)
        alone[first] = True  # one vehicle a gap
        self.lane[mine[chosen & alone]] = other[chosen & alone]

    def _neighbours(self, order: IntArray, who: IntArray, lane: npt.NDArray[np.int8]) -> tuple[IntArray, IntArray]:
        """Who would be before and behind each in another lane; -1 where nobody is."""
        keys = self._keys(self.lane)[order]
        wanted = (self.course[who] * 4.0 + lane) * _REACH_M + self.progress_m[who]
        place = np.searchsorted(keys, wanted)
        found = []
        for index in (place, place - 1):
            inside = np.clip(index, 0, len(order) - 1)
            same = (keys[inside] // _REACH_M == wanted // _REACH_M) & (index >= 0) & (index < len(order))
            found.append(np.where(same, order[inside], -1))
        return found[0], found[1]

    def _room(self, who: IntArray, ahead: IntArray, behind: IntArray) -> npt.NDArray[np.bool_]:
        """Whether each fits between its neighbours-to-be with two metres to spare on both sides."""
        before = np.where(ahead < 0, np.inf, self.progress_m[ahead] - self.length_m[ahead] - self.progress_m[who])
        after = np.where(behind < 0, np.inf, self.progress_m[who] - self.length_m[who] - self.progress_m[behind])
        return np.asarray((before > 2.0) & (after > 2.0))
