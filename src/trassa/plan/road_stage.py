"""The road stage: survey the road from the project's inputs."""

from __future__ import annotations

from trassa.plan.project import Project
from trassa.plan.store import StageResult
from trassa.provenance import Progress
from trassa.road.survey import survey
from trassa.road.terrain import read_terrain

__all__ = ["run"]


def run(project: Project, progress: Progress) -> StageResult:
    """Survey the road; figures carry the four scalars that no layer holds."""
    settings = project.settings
    terrain = None
    if settings.terrain.files and settings.terrain.kind:
        terrain = read_terrain(project.paths(settings.terrain.files), settings.terrain.kind)
    progress(0.2)
    road = survey(settings.road, terrain, settings.terrain, project.inputs, progress)
    scalars = {"ref": road.ref, "axis": road.axis, "length_m": road.length_m, "reference": road.reference}
    warnings = road.findings.where(severity="warning")
    progress(1.0)
    return StageResult(road.to_layers(), {"road": scalars}, notes=tuple(str(text) for text in warnings["detail"]))
