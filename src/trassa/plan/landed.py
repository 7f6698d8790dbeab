"""The plan as it landed: road and layers read back from plan.gpkg and proof.json, not from the stage store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from trassa.errors import InputError
from trassa.linear import Layer
from trassa.plan.claim import Holds
from trassa.plan.project import Project
from trassa.plan.proof import Proof
from trassa.plan.verify.geopackage import read_layers
from trassa.provenance import sha256_of_file
from trassa.road.model import Road
from trassa.road.verge import traffic_of

__all__ = ["LandedPlan", "landed_plan"]


@dataclass(frozen=True)
class LandedPlan:
    """A plan that was run: what a road company would build from. ``sha256`` is that of plan.gpkg."""

    project: Project
    road: Road
    layers: Mapping[str, Layer]
    holds: Holds
    sha256: str


def landed_plan(project: Project) -> LandedPlan:
    """Read the plan of a project; an :class:`~trassa.errors.InputError` where it was not run or is damaged."""
    file = project.outputs["geopackage"]
    if not file.is_file():
        raise InputError(f"project: {project.root} has not been planned yet", cure=f"trassa run {project.root}")
    proof = Proof.read(project.outputs["proof"])
    layers = read_layers(file)
    said = proof.road
    try:
        road = Road.from_layers(
            layers, ref=said["ref"], axis=said["axis"], length_m=said["length_m"], reference=said["reference"]
        )
    except KeyError as error:
        raise InputError(f"project: {file} lacks the layer {error}", cure=f"trassa run {project.root}") from None
    road = replace(road, traffic=traffic_of(road, project.settings.road.traffic or None))
    return LandedPlan(project, road, layers, proof.holds, sha256_of_file(file))
