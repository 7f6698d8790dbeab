"""A cable along the verge: from measure to the three lengths, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.optical.plant.built import MarkedSheath
from trassa.optical.plant.lengths import Lengths, Verge
from trassa.optical.settings import OpticalSettings

__all__ = ["CableRoute", "Loop"]

FloatArray = npt.NDArray[np.float64]
_LEAST_LAID_RATIO = 0.5
"""Sheath between two marks must leave this much of the route for the way itself, entries into huts taken off."""


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
    Within a piece in ``marked`` the sheath is what its metre marks say: the loops as stored, the rest spread evenly on
    the route. Elsewhere it is the route with ``slack_ratio``.
    """

    verge: Verge
    start_m: float
    end_m: float
    loops: tuple[Loop, ...]
    slack_ratio: float
    helix_ratio: float
    marked: tuple[MarkedSheath, ...] = ()

    @classmethod
    def of(
        cls,
        verge: Verge,
        start_m: float,
        end_m: float,
        loops: Sequence[Loop],
        rules: OpticalSettings,
        marked: Sequence[MarkedSheath] = (),
    ) -> CableRoute:
        """A cable with the slack and helix of the settings; loops at one measure are joined.

        Raises :class:`InputError` for marks that leave less than half of the route beside the loops.
        """
        joined: dict[float, Loop] = {}
        for loop in sorted(loops, key=lambda loop: loop.measure_m):
            old = joined.get(loop.measure_m, Loop(loop.measure_m, 0.0, 0.0))
            joined[loop.measure_m] = Loop(loop.measure_m, old.before_m + loop.before_m, old.after_m + loop.after_m)
        kept = tuple(sorted(marked, key=lambda piece: piece.start_m))
        cable = cls(verge, start_m, end_m, tuple(joined.values()), rules.slack_ratio, rules.helix_ratio, kept)
        for piece, stored_m in zip(kept, cable._stored_in_marked_m, strict=True):
            route_m = float(verge.route_at(piece.end_m) - verge.route_at(piece.start_m))
            if piece.sheath_m - stored_m < _LEAST_LAID_RATIO * route_m:
                raise InputError(
                    f"optical: between the marks at measures {piece.start_m:.0f} and {piece.end_m:.0f} m lie "
                    f"{piece.sheath_m:.1f} m of sheath; loops and entries store {stored_m:.1f} m, the route is "
                    f"{route_m:.1f} m",
                    cure="smaller loop_m there in the list, or no mark",
                )
        return cable

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
        return np.asarray(self._laid_m(measure) + loops_m, dtype=np.float64)

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

    def _laid_m(self, measure_m: FloatArray) -> FloatArray:
        """Sheath on the way itself, loops left out."""
        laid_m = self.route_m(measure_m) * (1.0 + self.slack_ratio)
        if not self.marked:
            return laid_m
        knots, more = self._more_m
        return np.asarray(laid_m + np.interp(self.route_m(measure_m), knots, more), dtype=np.float64)

    @cached_property
    def _more_m(self) -> tuple[FloatArray, FloatArray]:
        """Routes at the ends of marked pieces, and how much more sheath than by the slack ratio lies up to each."""
        ends = np.array([(piece.start_m, piece.end_m) for piece in self.marked])
        knots = self.route_m(ends)
        laid_m = np.array([piece.sheath_m for piece in self.marked]) - self._stored_in_marked_m
        steps = np.zeros(knots.shape)
        steps[:, 1] = laid_m - np.diff(knots, axis=1)[:, 0] * (1.0 + self.slack_ratio)
        return knots.ravel(), np.cumsum(steps.ravel())

    @cached_property
    def _stored_in_marked_m(self) -> FloatArray:
        """Loops from the joint at the start of each marked piece to that at its end."""
        places, before, after = self._loop_columns
        stored = np.zeros(len(self.marked))
        for row, piece in enumerate(self.marked):
            from_start, to_end = places >= piece.start_m, places <= piece.end_m
            stored[row] = (
                before[(places > piece.start_m) & to_end].sum() + after[from_start & (places < piece.end_m)].sum()
            )
        return stored

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
        marks = np.array([(piece.start_m, piece.end_m) for piece in self.marked], dtype=np.float64).ravel()
        measure = np.unique(np.concatenate(([self.start_m, self.end_m], inner, places, marks)))
        at_joint = self.sheath_m(measure)
        joint_of = np.searchsorted(measure, places)
        sheath = np.concatenate((at_joint, at_joint[joint_of] - before, at_joint[joint_of] + after))
        measure = np.concatenate((measure, places, places))
        order = np.lexsort((measure, sheath))
        return sheath[order], measure[order]
