"""What hangs on the optical line: the radio plan's sites, the toll points of the tariffs, and the project's list."""

from __future__ import annotations

from dataclasses import dataclass

from trassa.linear import Layer
from trassa.optical.access.connection_list import read_connections
from trassa.optical.plant.drops import Connection
from trassa.optical.service_settings import RADIO_SITE, TOLL_POINT
from trassa.plan.optical.toll_places import TollPlaces, toll_places
from trassa.plan.project import Project
from trassa.provenance import Assumption
from trassa.road.model import Road
from trassa.toll.context import TollContext, read_context

__all__ = ["Connected", "connected_digest", "connections_of"]

_NAMED = 5


@dataclass(frozen=True)
class Connected:
    """Everything that hangs on the line, radio sites first, with what was assumed of it and what a reader must know."""

    connections: tuple[Connection, ...]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...]


def connections_of(project: Project, road: Road, sites: Layer) -> Connected:
    """Radio sites, toll points and the listed equipment; a toll point that the list names stands where it says."""
    rules = project.settings.optical
    found = [
        Connection(row["site"], row["measure_m"], row["carriageway"], row["offset_m"], RADIO_SITE)  # type: ignore[arg-type]
        for row in sites.rows()
    ]
    listed = read_connections(project.path(rules.equipment_list), road, rules) if rules.equipment_list else []
    context = _tolls(project)
    if context is None or TOLL_POINT not in [service.name for service in rules.services]:
        return Connected((*found, *listed), (), ())
    named = {connection.name for connection in listed}
    tolls = toll_places([point for point in context.points.values() if point.id not in named], road, rules)
    assumed = Assumption(
        "optical.ramp_offset",
        rules.ramp_offset_m,
        "m",
        True,
        f"toll points on ramps that no map shows: {len(tolls.assumed)}",
    )
    connections = (*found, *tolls.connections, *listed)
    return Connected(connections, (assumed,) if tolls.assumed else (), _notes(tolls, rules.ramp_offset_m))


def connected_digest(project: Project) -> str:
    """A word that changes with the tariffs in force; the list of equipment is an input with a hash of its own."""
    context = _tolls(project)
    return context.edition if context is not None else ""


def _tolls(project: Project) -> TollContext | None:
    systems = project.settings.toll.systems
    return read_context(systems, project.inputs) if systems else None


def _notes(tolls: TollPlaces, offset_m: float) -> tuple[str, ...]:
    notes: list[str] = []
    if tolls.assumed:
        notes.append(
            f"optical: toll points on ramps that no map shows are taken to stand {offset_m:.0f} m off at their "
            f"tariff's kilometre ({len(tolls.assumed)}): {_some(tolls.assumed)}; latitude_deg and longitude_deg in the "
            "tariff, or optical.equipment_list, say better"
        )
    if tolls.elsewhere:
        notes.append(
            f"optical: toll points with no place on this road are not connected ({len(tolls.elsewhere)}): "
            f"{_some(tolls.elsewhere)}; optical.equipment_list can name them"
        )
    return tuple(notes)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
