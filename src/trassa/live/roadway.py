"""The road as the live platform needs it: axis, labels, plan layers, and the zones in which no hazard rule fires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from trassa.linear import Extent, Layer, merged
from trassa.plan.landed import LandedPlan, landed_plan
from trassa.plan.project import Project
from trassa.plan.settings import Settings
from trassa.road.model import Road

__all__ = ["Roadway"]

_ZONE_M = {"toll_plaza": 400.0, "toll_gantry": 0.0, "service_area": 400.0}
"""Half length of the zone around a place in which vehicles stand for reasons of their own, m."""


@dataclass(frozen=True)
class Roadway:
    """One planned road under a live platform."""

    plan: LandedPlan

    @classmethod
    def of(cls, project: Project) -> Roadway:
        """The roadway of a planned project; a clear error where it was not planned."""
        return cls(landed_plan(project))

    @property
    def road(self) -> Road:
        """The road of the plan."""
        return self.plan.road

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Every layer of the plan, by schema name."""
        return self.plan.layers

    @property
    def settings(self) -> Settings:
        """What trassa.toml says."""
        return self.plan.project.settings

    @property
    def is_schematic(self) -> bool:
        """Whether the axis is a drawing by declared kilometres: real positions do not lie on it."""
        return self.road.axis == "schematic"

    @cached_property
    def quiet_extents(self) -> tuple[Extent, ...]:
        """Extents around toll plazas and service areas, on both carriageways: no hazard rule fires there."""
        places = self.road.places
        around = [
            Extent(max(0.0, measure_m - half_m), min(self.road.length_m, measure_m + half_m))
            for kind, measure_m in zip(places["kind"], places["measure_m"], strict=True)
            if (half_m := _ZONE_M.get(str(kind), 0.0)) > 0.0
        ]
        return tuple(merged(extent for extent in around if extent.end_m > extent.start_m))

    def text(self, measure_m: float) -> str:
        """The label of a measure, ``км 258+350``."""
        return self.road.calibration.text(measure_m)
