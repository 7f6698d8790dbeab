"""A list of equipment beside the road as CSV: roadside stations, cameras, signs, whatever has a service class.

::

    name,service,position,offset_m
    CAM-17,camera,A 4 km 352+400 →,8
    WX-3,weather station,km 355+000,

Comma, semicolon or tab; a decimal comma where semicolons or tabs divide. Without an arrow it stands at the reference
carriageway, without an offset at :data:`OFFSET_M`.
"""

from __future__ import annotations

from pathlib import Path

from trassa.errors import InputError
from trassa.optical.listed_places import ListedRow, csv_rows, number
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

__all__ = ["OFFSET_M", "read_connections"]

OFFSET_M = 10.0
"""How far from the carriageway equipment stands where the list says nothing."""

_NEEDED = ("name", "service", "position")
_FARTHEST_M = 5000.0


def read_connections(path: Path, road: Road, rules: OpticalSettings) -> list[Connection]:
    """The connections of a list, in its order. Raises :class:`InputError` naming file, line and value."""
    found: dict[str, Connection] = {}
    for row in csv_rows(path, _NEEDED):
        connection = _connection(row, road, rules)
        if connection.name in found:
            raise InputError(f"{row.place}: {connection.name!r} stands twice", cure="one name for each")
        found[connection.name] = connection
    if not found:
        raise InputError(f"{path.name}: has a header and no row", cure='optical.equipment_list = ""')
    return list(found.values())


def _connection(row: ListedRow, road: Road, rules: OpticalSettings) -> Connection:
    name, service = row.get("name"), row.get("service")
    classes = [known.name for known in rules.services]
    if not name:
        raise InputError(f"{row.place}: the name is empty", cure="a name of its own for each")
    if service not in classes:
        told = f"{row.place}: service {service!r} is no class of [optical]"
        raise InputError(told, cure=f"one of {', '.join(classes)}")
    position, measure_m = row.on_road(road)
    side = position.carriageway or road.reference
    if side not in road.alignments:
        raise InputError(f"{row.place}: {road.ref} has no {side} carriageway", cure="the other arrow")
    return Connection(name, measure_m, side, _offset_m(row), service)


def _offset_m(row: ListedRow) -> float:
    text = row.get("offset_m")
    if not text:
        return OFFSET_M
    offset_m = abs(number(text))
    if not offset_m <= _FARTHEST_M:
        told = f"{row.place}: offset_m {text!r} is no distance of 0..{_FARTHEST_M:g} m"
        raise InputError(told, cure="metres, as 8.5")
    return offset_m
