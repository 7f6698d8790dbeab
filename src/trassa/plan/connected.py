"""What hangs on the optical line: the radio plan's sites, the toll points of the tariffs, and the project's list."""

from __future__ import annotations

from trassa.errors import InputError
from trassa.linear import KmLabel, Layer
from trassa.optical.connection_list import OFFSET_M, read_connections
from trassa.optical.drops import Connection
from trassa.optical.service_settings import RADIO_SITE, TOLL_POINT
from trassa.plan.project import Project
from trassa.road.model import Road
from trassa.toll.context import TollContext, read_context

__all__ = ["connected_digest", "connections_of"]

_NAMED = 5


def connections_of(project: Project, road: Road, sites: Layer) -> tuple[list[Connection], list[str]]:
    """Every connection, radio sites first, and a note on toll points that are not on this road."""
    rules = project.settings.optical
    found = [
        Connection(row["site"], row["measure_m"], row["carriageway"], row["offset_m"], RADIO_SITE)  # type: ignore[arg-type]
        for row in sites.rows()
    ]
    notes: list[str] = []
    context = _tolls(project)
    if context is not None and TOLL_POINT in [service.name for service in rules.services]:
        gantries, elsewhere = _toll_points(context, road)
        found += gantries
        if elsewhere:
            more = f" and {len(elsewhere) - _NAMED} more" if len(elsewhere) > _NAMED else ""
            named = ", ".join(elsewhere[:_NAMED]) + more
            notes.append(
                f"optical: {len(elsewhere)} toll points on ramps or off this road are not connected: {named}; "
                "optical.equipment_list can name them"
            )
    if rules.equipment_list:
        found += read_connections(project.path(rules.equipment_list), road, rules)
    return found, notes


def connected_digest(project: Project) -> str:
    """A word that changes with the tariffs in force; the list of equipment is an input with a hash of its own."""
    context = _tolls(project)
    return context.edition if context is not None else ""


def _tolls(project: Project) -> TollContext | None:
    systems = project.settings.toll.systems
    return read_context(systems, project.inputs) if systems else None


def _toll_points(context: TollContext, road: Road) -> tuple[list[Connection], list[str]]:
    """A connection for every toll point on the main line, and the ids of the others."""
    found: list[Connection] = []
    elsewhere: list[str] = []
    for point in context.points.values():
        side = next((side for side in point.carriageways if side in road.alignments), None)
        try:
            measure_m = -1.0 if point.km is None else road.calibration.measure(KmLabel.from_decimal(point.km))
        except InputError:  # a kilometre that this road does not have
            measure_m = -1.0
        if point.at != "main line" or side is None or not 0.0 <= measure_m <= road.length_m:
            elsewhere.append(point.id)
            continue
        found.append(Connection(point.id, measure_m, side, OFFSET_M, TOLL_POINT))
    return found, elsewhere
