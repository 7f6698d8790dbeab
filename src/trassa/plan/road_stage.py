"""The road stage: survey the road from the project's inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trassa.plan.project import Project
from trassa.plan.store import StageResult
from trassa.provenance import Progress
from trassa.road.model import Road
from trassa.road.survey import survey
from trassa.road.terrain import read_terrain

__all__ = ["run"]


def run(project: Project, progress: Progress) -> StageResult:
    """Survey the road; figures carry the five scalars that no layer holds."""
    settings = project.settings
    terrain = None
    if settings.terrain.files and settings.terrain.kind:
        terrain = read_terrain(project.paths(settings.terrain.files), settings.terrain.kind)
    progress(0.2)
    road = survey(settings.road, terrain, settings.terrain, project.inputs, progress)
    names = ("ref", "axis", "length_m", "reference", "traffic")
    scalars = {name: getattr(road, name) for name in names}
    progress(1.0)
    return StageResult(road.to_layers(), {"road": scalars}, notes=tuple(_warnings(road)))


def _warnings(road: Road) -> Iterator[str]:
    """The import's warnings, each with the place it speaks of where it does not name one itself."""
    for row in road.findings.where(severity="warning").rows():
        start_m, end_m, detail = float(row["start_m"]), float(row["end_m"]), str(row["detail"])
        named = "+" in detail or not (math.isfinite(start_m) and end_m > start_m)
        yield detail if named else f"{road.span_text(start_m, end_m)}: {detail}"
