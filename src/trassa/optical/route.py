"""A cable along the verge: from measure to the three lengths, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.optical.lengths import Lengths, Verge
from trassa.optical.settings import OpticalSettings

__all__ = ["CableRoute", "Loop"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Loop:
    """Cable stored at one place: what lies before the fibre's joint there, and what behind it. Metres of sheath."""

    measure_m: float
    before_m: float
    after_m: float


@dataclass(frozen=True)
class CableRoute:
    """One cable from ``start_m`` to ``end_m`` with loops at known places.

    All lengths count from the cable's start. At a loop's own measure they are those of the joint inside the loop::

        sheath      ─────────╮╭──────────
        measure     . . . . . ╵ . . . . .     one measure, many metres of sheath

    so sheath and fibre rise strictly, measure rises in steps, and :meth:`measure_at_fibre` is the inverse everywhere.
    """

    verge: Verge
    start_m: float
    end_m: float
    loops: tuple[Loop, ...]
    slack_ratio: float
    helix_ratio: float

    @classmethod
    def of(
        cls, verge: Verge, start_m: float, end_m: float, loops: Sequence[Loop], rules: OpticalSettings
    ) -> CableRoute:
        """A cable with the slack and helix of the settings; loops at one measure are joined."""
        joined: dict[float, Loop] = {}
        for loop in sorted(loops, key=lambda loop: loop.measure_m):
            old = joined.get(loop.measure_m, Loop(loop.measure_m, 0.0, 0.0))
            joined[loop.measure_m] = Loop(loop.measure_m, old.before_m + loop.before_m, old.after_m + loop.after_m)
        return cls(verge, start_m, end_m, tuple(joined.values()), rules.slack_ratio, rules.helix_ratio)

    def route_m(self, measure_m: npt.ArrayLike) -> FloatArray:
        """Route length from the start of the cable. Any shape."""
        return self.verge.route_at(measure_m) - self._route_start_m

    def sheath_m(self, measure_m: npt.ArrayLike) -> FloatArray:
        """Sheath length from the start of the cable. Any shape."""
        measure = np.asarray(measure_m, dtype=np.float64)
        places, before, after = self._loop_columns
        passed = np.searchsorted(places, measure, side="left")
        reached = np.searchsorted(places, measure, side="right")
        stored = np.concatenate(([0.0], np.cumsum(before + after)))
        halves = np.concatenate(([0.0], np.cumsum(before)))
        loops_m = stored[passed] + halves[reached] - halves[passed]
        return np.asarray(self.route_m(measure) * (1.0 + self.slack_ratio) + loops_m, dtype=np.float64)

    def fibre_m(self, measure_m: npt.ArrayLike) -> FloatArray:
        """Fibre length from the start of the cable. Any shape."""
        return self.sheath_m(measure_m) / self.helix_ratio

    def at(self, measure_m: float) -> Lengths:
        """The three lengths from the start of the cable to one measure."""
        sheath_m = float(self.sheath_m(measure_m))
        return Lengths(float(self.route_m(measure_m)), sheath_m, sheath_m / self.helix_ratio)

    @property
    def whole(self) -> Lengths:
        """The three lengths of the whole cable."""
        return self.at(self.end_m)

    def measure_at_sheath(self, sheath_m: npt.ArrayLike) -> FloatArray:
        """The measure of a point of the sheath; within a loop that of the loop, off the ends that of the end."""
        sheath = np.asarray(sheath_m, dtype=np.float64)
        return np.asarray(np.interp(sheath, *self._inverse), dtype=np.float64)

    def measure_at_fibre(self, fibre_m: npt.ArrayLike) -> FloatArray:
        """The measure of a point of the fibre; within a loop that of the loop, off the ends that of the end."""
        return self.measure_at_sheath(np.asarray(fibre_m, dtype=np.float64) * self.helix_ratio)

    @cached_property
    def _route_start_m(self) -> float:
        return float(self.verge.route_at(self.start_m))

    @cached_property
    def _loop_columns(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        rows = [(loop.measure_m, loop.before_m, loop.after_m) for loop in self.loops]
        places, before, after = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return places, before, after

    @cached_property
    def _inverse(self) -> tuple[FloatArray, FloatArray]:
        line = self.verge.measure_m
        inner = line[(line > self.start_m) & (line < self.end_m)]
        places, before, after = self._loop_columns
        measure = np.unique(np.concatenate(([self.start_m, self.end_m], inner, places)))
        at_joint = self.sheath_m(measure)
        joint_of = np.searchsorted(measure, places)
        sheath = np.concatenate((at_joint, at_joint[joint_of] - before, at_joint[joint_of] + after))
        measure = np.concatenate((measure, places, places))
        order = np.lexsort((measure, sheath))
        return sheath[order], measure[order]
