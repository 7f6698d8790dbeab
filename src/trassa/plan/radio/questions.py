"""Single questions about the radio of a planned project: what was kept of it, its inputs again, and the way ahead."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError, UsageError
from trassa.linear import Layer
from trassa.plan.project import Project, open_project
from trassa.plan.questions import LocatedPlace, locate_place
from trassa.plan.radio.stage import ground_of, pattern_of
from trassa.plan.stages import kept_stages
from trassa.provenance import Assumption
from trassa.radio.ahead import connection_ahead, look_ahead
from trassa.radio.ahead_answer import QUANTITIES, Ahead, Threshold
from trassa.radio.antenna import AntennaPattern
from trassa.radio.bins import Bins, Points, bins_of, points_of
from trassa.radio.budget import Budget, Deduction
from trassa.radio.candidates import Candidates, candidates_of
from trassa.radio.paths import Paths, SmoothPaths, TerrainPaths
from trassa.radio.settings import Allowances, RadioSettings
from trassa.road.ground import GroundGrid
from trassa.road.model import Road

__all__ = ["PlannedRadio", "WayAhead", "ask_ahead", "place_beside", "planned_radio"]

_SECONDS = 60.0
_FARTHEST_OFF_M = 1000.0


@dataclass(frozen=True)
class PlannedRadio:
    """The radio stage of a project as it was kept, and what it was computed from, read again when it is asked for.

    ``layers`` are those of the stage. Ground is None where the project has no terrain, the pattern where its antennas
    have no direction.
    """

    project: Project
    road: Road
    layers: Mapping[str, Layer]
    assumptions: tuple[Assumption, ...]

    @property
    def settings(self) -> RadioSettings:
        """The section ``[radio]``."""
        return self.project.settings.radio

    @cached_property
    def ground(self) -> GroundGrid | None:
        """Terrain and clutter."""
        return ground_of(self.project, self.road)

    @cached_property
    def pattern(self) -> AntennaPattern | None:
        """The pattern of a sector."""
        return pattern_of(self.project, self.settings)

    @cached_property
    def paths(self) -> Paths:
        """Whatever computes losses: terrain, or a smooth Earth without it."""
        if self.ground is None:
            return SmoothPaths(self.settings, self.pattern)
        return TerrainPaths(self.ground, self.settings, self.pattern)

    @cached_property
    def points(self) -> Points:
        """The alignment points."""
        return points_of(self.road)

    @cached_property
    def bins(self) -> Bins:
        """The bins, in the order of the layer ``bins``."""
        return bins_of(self.road, self.settings.exempt_structures)

    @cached_property
    def candidates(self) -> Candidates:
        """Every place and option that was on offer."""
        return candidates_of(self.road, self.ground, self.settings)

    @cached_property
    def slots(self) -> tuple[int, ...]:
        """The slot, place · options + option, of every row of the layer ``sites``.

        Raises :class:`~trassa.errors.InputError` where the inputs do not give the candidates that were kept.
        """
        place, option = np.nonzero(self.candidates.offered)
        kept = self.layers["candidates"]
        if len(place) != len(kept) or (self.candidates.name[place] != kept["name"]).any():
            told = f"radio: the inputs of {self.project.root} do not give the {len(kept)} candidates of the plan"
            raise InputError(told, cure=f"trassa run {shlex.quote(str(self.project.root))}")
        rows = self.layers["sites"]["candidate"]
        return tuple((place * len(self.candidates.options) + option)[rows].tolist())

    @cached_property
    def budget(self) -> Budget:
        """The link budget with the deductions that the plan settled on."""
        told = {one.name: one for one in self.assumptions}
        named = {name: told.get(f"radio.{name.removesuffix('_db')}") for name in Allowances.model_fields}
        return Budget.of(self.settings, {name: Deduction(one.size, one.source) for name, one in named.items() if one})

    def bin_at(self, carriageway: str, measure_m: float) -> int:
        """The bin that holds a measure, −1 where there is none; its end belongs to the next one."""
        return int(self.bins_at(np.array([carriageway], dtype=object), np.array([measure_m]))[0])

    def bins_at(
        self, carriageway: npt.NDArray[np.object_], measure_m: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.int64]:
        """The bins that hold measures on carriageways, −1 where there is none; shape (n,)."""
        found = np.full(len(measure_m), -1, dtype=np.int64)
        side = self.points.carriageway[self.bins.start]
        start_m, end_m = self.points.measure_m[self.bins.start], self.points.measure_m[self.bins.end]
        for number, name in enumerate(self.points.carriageways):
            asked, rows = np.flatnonzero(carriageway == name), np.flatnonzero(side == number)
            if not len(rows):
                continue
            at = rows[np.maximum(np.searchsorted(start_m[rows], measure_m[asked], side="right") - 1, 0)]
            inside = (start_m[at] <= measure_m[asked]) & (measure_m[asked] < end_m[at])
            last = (at == rows[-1]) & (measure_m[asked] == end_m[at])
            found[asked] = np.where(inside | last, at, -1)
        return found


def place_beside(folder: Path, position: str) -> LocatedPlace:
    """A position on the road of a project; InputError for coordinates more than a kilometre off it."""
    place = locate_place(folder, position.split())
    if place.offset_m > _FARTHEST_OFF_M:
        told = f"radio: {position} lies {place.offset_m / 1000.0:.1f} km off {place.road.ref}"
        raise InputError(told, cure="LAT LON on the road, latitude first")
    return place


def planned_radio(folder: Path) -> PlannedRadio:
    """The radio of a planned project.

    Raises :class:`~trassa.errors.InputError` where the project is not planned, or changed since.
    """
    project = open_project(folder)
    planned = kept_stages(project)
    if "radio" not in planned.results:
        told = f"radio: {folder} is not planned yet, or changed since"
        raise InputError(told, cure=f"trassa run {shlex.quote(str(folder))}")
    result = planned.results["radio"]
    return PlannedRadio(project, planned.road, result.layers, result.assumptions)


@dataclass(frozen=True)
class WayAhead:
    """The answer for a way, and what was asked of it."""

    ahead: Ahead
    thresholds: tuple[Threshold, ...]

    @property
    def note(self) -> str:
        """What was needed, as a sentence."""
        told = [f"{QUANTITIES[one.quantity][0]} {one.value:g} {QUANTITIES[one.quantity][1]}" for one in self.thresholds]
        return f"needed: {', '.join(part.strip() for part in told)}"


def ask_ahead(
    folder: Path,
    position: str,
    *,
    speed_kmh: float,
    for_s: float | None,
    for_m: float | None,
    rate_down_mbps: float | None,
    rate_up_mbps: float | None,
    reliability: float | None,
) -> WayAhead:
    """The connection on the way before a vehicle, by the layer ``ahead`` of a planned project.

    Without any threshold the promise of the project counts: its rates and reliability, or reliability alone.
    """
    if not 0.0 < speed_kmh <= 500.0:
        raise UsageError(f"ahead: a speed of {speed_kmh:g} km/h", cure="--speed-kmh 130; above 0, up to 500")
    if for_s is not None and for_m is not None:
        raise UsageError("ahead: --for-s and --for-m both say how far", cure="one of them")
    planned = planned_radio(folder)
    given = {"rate_down_mbps": rate_down_mbps, "rate_up_mbps": rate_up_mbps, "reliability": reliability}
    thresholds = _thresholds(given, planned.settings)
    place = place_beside(folder, position)
    distance_m = for_m if for_m is not None else (for_s if for_s is not None else _SECONDS) * speed_kmh / 3.6
    legs = look_ahead(planned.road, place.carriageway, place.measure_m, distance_m)
    ahead = connection_ahead(planned.road, planned.layers["ahead"], legs, thresholds, speed_mps=speed_kmh / 3.6)
    return WayAhead(ahead, thresholds)


def _thresholds(given: Mapping[str, float | None], settings: RadioSettings) -> tuple[Threshold, ...]:
    asked = {name: value for name, value in given.items() if value is not None}
    for name, value in asked.items():
        high = 1.0 if name == "reliability" else 1e5
        if not 0.0 < value <= high:
            raise UsageError(f"ahead: {QUANTITIES[name][0]} of {value:g}", cure=f"above 0, up to {high:g}")
    if not asked:
        promised = {"rate_down_mbps": settings.rate_down_mbps, "rate_up_mbps": settings.rate_up_mbps}
        asked = {name: value for name, value in promised.items() if value} | {"reliability": settings.reliability}
    return tuple(Threshold(name, value) for name, value in asked.items())
