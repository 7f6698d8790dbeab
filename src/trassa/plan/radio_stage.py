"""The radio stage: ground from terrain and map, then the sites of least cost."""

from __future__ import annotations

from trassa.linear import Layer
from trassa.plan.bom import BomLine
from trassa.plan.project import Project
from trassa.plan.store import StageResult
from trassa.provenance import Progress
from trassa.radio.antenna import AntennaPattern, SectorPattern
from trassa.radio.antenna_file import read_antenna_file
from trassa.radio.plan import plan_radio
from trassa.radio.prices import RadioPrices
from trassa.radio.settings import RadioSettings
from trassa.road.ground import GroundGrid, build_ground
from trassa.road.model import Road
from trassa.road.surroundings import ground_areas
from trassa.road.terrain import read_terrain

__all__ = ["ground_of", "pattern_of", "run"]


def run(project: Project, road: Road, progress: Progress) -> StageResult:
    """Plan the radio sites."""
    ground = ground_of(project, road)
    progress(0.1)
    settings = project.settings.radio
    plan = plan_radio(road, ground, settings, lambda share: progress(0.1 + 0.9 * share), pattern_of(project, settings))
    bom = _bom(plan.layers["sites"], settings.prices)
    return StageResult(plan.layers, plan.figures(), plan.assumptions, bom, plan.notes)


def pattern_of(project: Project, settings: RadioSettings) -> AntennaPattern | None:
    """The pattern of the sectors of a project; None for antennas without direction."""
    antenna = settings.antenna
    if antenna.kind == "omni":
        return None
    if antenna.kind == "file":
        return read_antenna_file(project.path(antenna.file))
    return SectorPattern(
        settings.site_gain_dbi,
        antenna.horizontal_width_deg,
        antenna.vertical_width_deg,
        antenna.front_to_back_db,
        antenna.side_lobe_db,
    )


def ground_of(project: Project, road: Road) -> GroundGrid | None:
    """Terrain and clutter around the road of a project; None where it has no terrain."""
    settings = project.settings
    if not (settings.terrain.files and settings.terrain.kind):
        return None
    terrain = read_terrain(project.paths(settings.terrain.files), settings.terrain.kind)
    areas = ground_areas(project.paths(settings.road.osm), terrain, road, settings.clutter, settings.radio.reach_m)
    return build_ground(terrain, areas, settings.clutter, road, settings.radio.reach_m)


def _bom(sites: Layer, prices: RadioPrices) -> tuple[BomLine, ...]:
    new = sites.where(kind="new")
    existing = len(sites) - len(new)
    sectors = sum({"both": 2, "ahead": 1, "back": 1}.get(str(name), 0) for name in sites["sectors"])
    return (
        BomLine("new mast: plot, foundation, access, power", "radio", float(len(new)), "piece", prices.new_mast),
        BomLine("new mast: steel and erection", "radio", float(new["height_m"].sum()), "m", prices.new_mast_metre),
        BomLine("place on an existing mast", "radio", float(existing), "piece", prices.existing_mast),
        BomLine("radio equipment of a site", "radio", float(len(sites)), "piece", prices.equipment),
        *(
            [BomLine("sector antenna with remote radio unit", "radio", float(sectors), "piece", prices.sector)]
            if sectors
            else []
        ),
    )
