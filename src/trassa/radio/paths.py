"""Path losses between candidate places and points of the road, over terrain or over a smooth Earth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from trassa.provenance import Progress, no_progress
from trassa.radio.bins import Points
from trassa.radio.candidates import Candidates
from trassa.radio.links import Links, smooth_links, terrain_links
from trassa.radio.settings import RadioSettings
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


@dataclass(frozen=True)
class TerrainPaths:
    """Free space and diffraction over terrain and clutter."""

    ground: GroundGrid
    settings: RadioSettings
    by_measure_only: bool = False

    def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
        """Losses by the fast propagation path."""
        return terrain_links(
            self.ground,
            candidates.latitude_deg,
            candidates.longitude_deg,
            candidates.ground_m,
            candidates.height_m,
            points.latitude_deg,
            points.longitude_deg,
            points.height_m,
            frequency_mhz=self.settings.frequency_mhz,
            receiver_antenna_m=self.settings.vehicle_antenna_m,
            reach_m=self.settings.reach_m,
            dn_per_km=self.settings.dn_per_km,
            progress=progress,
        )

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
    """Free space and the diffraction of a smooth Earth: distances from measure and offset, no geometry needed."""

    settings: RadioSettings
    by_measure_only: bool = True

    def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
        """Losses over a smooth Earth at one level."""
        return smooth_links(
            candidates.measure_m,
            candidates.offset_m,
            candidates.height_m,
            points.measure_m,
            frequency_mhz=self.settings.frequency_mhz,
            receiver_antenna_m=self.settings.vehicle_antenna_m,
            reach_m=self.settings.reach_m,
            dn_per_km=self.settings.dn_per_km,
            progress=progress,
        )
