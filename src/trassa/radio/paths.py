"""Path losses between candidate places and points of the road, over terrain or over a smooth Earth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from trassa.provenance import Progress, no_progress
from trassa.radio.antenna import AntennaPattern
from trassa.radio.bins import Points
from trassa.radio.candidates import Candidates
from trassa.radio.coupling import coupled
from trassa.radio.diffraction import median_earth_radius_km
from trassa.radio.links import Links, smooth_links, terrain_links
from trassa.radio.settings import RadioSettings
from trassa.radio.walls import behind_walls
from trassa.road.ground import GroundGrid

__all__ = ["Paths", "SmoothPaths", "TerrainPaths"]


class Paths(Protocol):
    """Whatever computes the loss of all links within reach.

    ``by_measure_only`` says that losses depend on measure alone, so that both carriageways are alike.
    """

    @property
    def by_measure_only(self) -> bool:
        """Whether two points of one measure have the same losses."""

    def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
        """Losses from every candidate to every point in reach; ``receiver`` indexes ``points``."""

    def with_time_percent(self, time_percent: float) -> Paths:
        """The same paths with losses that are not exceeded for that share of time, 1…50 %."""

    def without_antennas(self) -> Paths:
        """The same paths for antennas without direction."""


@dataclass(frozen=True)
class TerrainPaths:
    """The propagation model of the settings over terrain and clutter, at one percentage of time."""

    ground: GroundGrid
    settings: RadioSettings
    pattern: AntennaPattern | None = None
    by_measure_only: bool = False
    time_percent: float = 50.0

    def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
        """Coupling losses of every option, by the fast propagation path."""
        links = terrain_links(
            self.ground,
            candidates.latitude_deg,
            candidates.longitude_deg,
            candidates.ground_m,
            candidates.mast_heights_m,
            points.latitude_deg,
            points.longitude_deg,
            points.height_m,
            frequency_mhz=self.settings.frequency_mhz,
            receiver_antenna_m=self.settings.vehicle_antenna_m,
            reach_m=self.settings.reach_m,
            dn_per_km=self.settings.dn_per_km,
            polarisation=self.settings.polarisation,
            n0_n_units=self.settings.n0,
            time_percent=self.time_percent,
            propagation=self.settings.propagation,
            progress=progress,
        )
        walls = self.ground.walls
        if walls is not None and self.time_percent < 50.0:
            walls = walls.take(walls.mapped)
        if walls is not None:
            links = behind_walls(links, candidates, points, walls, self.settings)
        return _coupled(links, candidates, points, self)

    def with_time_percent(self, time_percent: float) -> TerrainPaths:
        """The same paths with losses that are not exceeded for that share of time, 1…50 %."""
        return replace(self, time_percent=time_percent)

    def without_antennas(self) -> TerrainPaths:
        """The same paths for antennas without direction."""
        return replace(self, pattern=None)

    def without_walls(self) -> TerrainPaths:
        """The same paths with nothing but the grid beside the road: what the reference path knows of."""
        return replace(self, ground=replace(self.ground, walls=None))

    @cached_property
    def with_doubled_step(self) -> TerrainPaths:
        """The same paths with profiles of twice the step."""
        return replace(self, ground=replace(self.ground, profile_step_m=2.0 * self.ground.profile_step_m))

    @cached_property
    def with_higher_clutter(self) -> TerrainPaths:
        """The same paths with everything that stands on the ground higher by the tolerance of the settings."""
        clutter_m = self.ground.clutter_m
        raised_m = self.ground.lattice.zeros()
        standing = np.nonzero(clutter_m)
        raised_m[standing] = clutter_m[standing] + np.float32(self.settings.clutter_height_tolerance_m)
        return replace(self, ground=replace(self.ground, clutter_m=raised_m))


@dataclass(frozen=True)
class SmoothPaths:
    """The same over a smooth Earth: distances from measure and offset, no geometry needed."""

    settings: RadioSettings
    pattern: AntennaPattern | None = None
    by_measure_only: bool = True
    time_percent: float = 50.0

    def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
        """Coupling losses over a smooth Earth at one level."""
        links = smooth_links(
            candidates.measure_m,
            candidates.offset_m,
            candidates.mast_heights_m,
            points.measure_m,
            frequency_mhz=self.settings.frequency_mhz,
            receiver_antenna_m=self.settings.vehicle_antenna_m,
            reach_m=self.settings.reach_m,
            dn_per_km=self.settings.dn_per_km,
            polarisation=self.settings.polarisation,
            n0_n_units=self.settings.n0,
            time_percent=self.time_percent,
            propagation=self.settings.propagation,
            progress=progress,
        )
        return _coupled(links, candidates, points, self)

    def with_time_percent(self, time_percent: float) -> SmoothPaths:
        """The same paths with losses that are not exceeded for that share of time, 1…50 %."""
        return replace(self, time_percent=time_percent)

    def without_antennas(self) -> SmoothPaths:
        """The same paths for antennas without direction."""
        return replace(self, pattern=None)


def _coupled(links: Links, candidates: Candidates, points: Points, paths: TerrainPaths | SmoothPaths) -> Links:
    settings = paths.settings
    air = (median_earth_radius_km(settings.dn_per_km), settings.vehicle_antenna_m)
    return coupled(links, candidates, points, paths.pattern, *air, along_road=paths.by_measure_only)
