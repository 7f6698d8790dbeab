"""The optical stage: the line that connects the radio sites."""

from __future__ import annotations

from trassa.linear import Layer
from trassa.optical.plan import Connection, plan_optical
from trassa.plan.bom import BomLine
from trassa.plan.project import Project
from trassa.plan.store import StageResult
from trassa.provenance import Progress
from trassa.road.model import Road

__all__ = ["run"]


def run(project: Project, road: Road, sites: Layer, progress: Progress) -> StageResult:
    """Plan the line; each radio site is a position to be connected."""
    connections = [
        Connection(row["site"], row["measure_m"], row["carriageway"], row["offset_m"])  # type: ignore[arg-type]
        for row in sites.rows()
    ]
    plan = plan_optical(road, connections, project.settings.optical, progress)
    bom = tuple(BomLine(item.item, "optical", item.quantity, item.unit, item.price) for item in plan.quantities)
    return StageResult(plan.layers, plan.figures, plan.assumptions, bom, plan.notes)
