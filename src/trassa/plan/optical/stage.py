"""The optical stage: the line that connects what stands beside the road."""

from __future__ import annotations

from trassa.linear import Layer
from trassa.optical.plan import plan_optical
from trassa.optical.services.fronthaul import Head
from trassa.plan.bom import BomLine
from trassa.plan.optical.as_built import built_notes, built_of
from trassa.plan.optical.connected import connections_of
from trassa.plan.project import Project
from trassa.plan.store import StageResult
from trassa.provenance import Progress
from trassa.road.model import Road

__all__ = ["run"]


def run(project: Project, road: Road, sites: Layer, fronthaul: Layer, progress: Progress) -> StageResult:
    """Plan the line for radio sites, toll points and listed equipment; heads of a shared cell hang on its baseband.

    What the project lists as built stays as it is.
    """
    connected = connections_of(project, road, sites)
    columns = (fronthaul["site"].tolist(), fronthaul["cell"].tolist(), fronthaul["largest_fronthaul_m"].tolist())
    heads = [Head(site, cell, limit_m) for site, cell, limit_m in zip(*columns, strict=True)]
    as_built, currency = built_of(project, road), project.settings.project.currency
    plan = plan_optical(road, connected.connections, project.settings.optical, progress, heads, as_built)
    bom = tuple(BomLine(item.item, "optical", item.quantity, item.unit, item.price) for item in plan.quantities)
    assumptions, notes = (*plan.assumptions, *connected.assumptions), (*connected.notes, *plan.notes)
    notes += tuple(built_notes(as_built, plan.figures["as_built"], road, currency))
    return StageResult(plan.layers, plan.figures, assumptions, bom, notes)
