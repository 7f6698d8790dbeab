"""The radio stage: ground from terrain and map, then the sites of least cost."""

from __future__ import annotations

from trassa.linear import Layer
from trassa.plan.bom import BomLine
from trassa.plan.project import Project
from trassa.plan.store import StageResult
from trassa.provenance import Progress
from trassa.radio.plan import plan_radio
from trassa.radio.settings import RadioPrices
from trassa.road.ground import GroundGrid, build_ground
from trassa.road.model import Road
from trassa.road.surroundings import ground_areas
from trassa.road.terrain import read_terrain

__all__ = ["run"]


def run(project: Project, road: Road, progress: Progress) -> StageResult:
    """Plan the radio sites."""
    ground = _ground(project, road)
    progress(0.1)
    plan = plan_radio(road, ground, project.settings.radio, lambda share: progress(0.1 + 0.9 * share))
    bom = _bom(plan.layers["sites"], project.settings.radio.prices)
    return StageResult(plan.layers, plan.figures(), plan.assumptions, bom, plan.notes)


def _ground(project: Project, road: Road) -> GroundGrid | None:
    settings = project.settings
    if not (settings.terrain.files and settings.terrain.kind):
        return None
    terrain = read_terrain(project.paths(settings.terrain.files), settings.terrain.kind)
    areas = ground_areas(project.paths(settings.road.osm), terrain, road, settings.clutter, settings.radio.reach_m)
    return build_ground(terrain, areas, settings.clutter, road, settings.radio.reach_m)


def _bom(sites: Layer, prices: RadioPrices) -> tuple[BomLine, ...]:
    new = sites.where(kind="new")
    existing = len(sites) - len(new)
    return (
        BomLine("new mast: plot, foundation, access, power", "radio", float(len(new)), "piece", prices.new_mast),
        BomLine("new mast: steel and erection", "radio", float(new["height_m"].sum()), "m", prices.new_mast_metre),
        BomLine("place on an existing mast", "radio", float(existing), "piece", prices.existing_mast),
        BomLine("radio equipment of a site", "radio", float(len(sites)), "piece", prices.equipment),
    )
