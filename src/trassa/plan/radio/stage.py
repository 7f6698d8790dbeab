"""The radio stage: ground from terrain and map, then the sites of least cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.plan.bom import BomLine
from trassa.plan.project import Project
from trassa.plan.store import StageResult
from trassa.provenance import Progress
from trassa.radio.antenna import AntennaPattern, SectorPattern
from trassa.radio.antenna_file import FilePattern, read_antenna_file
from trassa.radio.plan import plan_radio
from trassa.radio.prices import RadioPrices
from trassa.radio.settings import RadioSettings
from trassa.radio.tunnel_settings import TunnelPrices
from trassa.radio.tunnels import plan_tunnels
from trassa.radio.walls import wall_assumptions
from trassa.road.ground import GroundGrid, build_ground
from trassa.road.model import Road
from trassa.road.surroundings import ground_areas
from trassa.road.terrain import read_terrain
from trassa.road.walls import road_walls

__all__ = ["ground_of", "pattern_of", "run"]


def run(project: Project, road: Road, progress: Progress) -> StageResult:
    """Plan the radio sites."""
    ground = ground_of(project, road)
    progress(0.1)
    settings = project.settings.radio
    tunnels = plan_tunnels(road, settings)
    pattern = pattern_of(project, settings)
    plan = plan_radio(road, ground, settings, lambda share: progress(0.1 + 0.9 * share), pattern)
    bom = _bom(plan.layers["sites"], settings.prices)
    doubts = pattern.doubts(settings.frequency_mhz, settings.site_gain_dbi) if isinstance(pattern, FilePattern) else []
    bom += _tunnel_bom(tunnels.layers, settings.tunnel.prices)
    figures = {**plan.figures(), **({"tunnels": dict(tunnels.figures)} if tunnels.figures else {})}
    layers, notes = {**plan.layers, **tunnels.layers}, (*doubts, *plan.notes, *tunnels.notes)
    assumptions = (*plan.assumptions, *wall_assumptions(ground.walls if ground is not None else None))
    return StageResult(layers, figures, assumptions, bom, notes)


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
    ground = build_ground(terrain, areas, settings.clutter, road, settings.radio.reach_m)
    bare = terrain.kind == "bare" and bool(settings.road.osm)
    walls = road_walls(project.paths(settings.road.osm), road, settings.clutter) if bare else None
    return replace(ground, walls=walls) if walls is not None else ground


def _km(ways_m: npt.NDArray[np.float64]) -> float:
    """Ways of whole metres, as kilometres whose price is that of the ways one by one."""
    return round(float(ways_m.sum()) / 1000.0, 3)


def _bom(sites: Layer, prices: RadioPrices) -> tuple[BomLine, ...]:
    new = sites.where(kind="new")
    existing = len(sites) - len(new)
    sectors = sum({"both": 2, "ahead": 1, "back": 1}.get(str(name), 0) for name in sites["sectors"])
    return (
        BomLine(
            "new mast: plot, foundation, access, power connection", "radio", float(len(new)), "piece", prices.new_mast
        ),
        BomLine("new mast: steel and erection", "radio", float(new["height_m"].sum()), "m", prices.new_mast_metre),
        BomLine("power line to new masts", "radio", _km(sites["power_m"]), "km", prices.power_line_km),
        BomLine("place on an existing mast", "radio", float(existing), "piece", prices.existing_mast),
        BomLine("radio equipment of a site", "radio", float(len(sites)), "piece", prices.equipment),
        *(
            [BomLine("sector antenna with remote radio unit", "radio", float(sectors), "piece", prices.sector)]
            if sectors
            else []
        ),
    )


def _tunnel_bom(layers: Mapping[str, Layer], prices: TunnelPrices) -> tuple[BomLine, ...]:
    """Head-ends and cables of the tunnels; nothing where the plan has none."""
    if not layers or not len(layers["tunnel_heads"]):
        return ()
    heads, cable_m = len(layers["tunnel_heads"]), float(layers["tunnel_cables"]["length_m"].sum())
    cable = [BomLine("radiating cable in tunnels", "radio", cable_m, "m", prices.cable)] if cable_m else []
    return (BomLine("head-end of a tunnel", "radio", float(heads), "piece", prices.head), *cable)
