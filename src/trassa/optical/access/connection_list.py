"""A list of equipment beside the road as CSV: roadside stations, cameras, signs, whatever has a service class.

::

    name,service,position,offset_m
    CAM-17,camera,A 4 km 352+400 →,8
    WX-3,weather station,km 355+000,

Comma, semicolon or tab; a decimal comma where semicolons or tabs divide. Without an arrow it stands at the reference
carriageway, without an offset at :data:`OFFSET_M`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from trassa.errors import InputError, TrassaError
from trassa.linear import Position
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road
from trassa.road.refs import folded_ref

__all__ = ["OFFSET_M", "read_connections"]

OFFSET_M = 10.0
"""How far from the carriageway equipment stands where the list says nothing."""

_NEEDED = ("name", "service", "position")
_FARTHEST_M = 5000.0


def read_connections(path: Path, road: Road, rules: OpticalSettings) -> list[Connection]:
    """The connections of a list, in its order. Raises :class:`InputError` naming file, line and value."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: is not UTF-8 text", cure="save the list as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", cure="a file that can be read") from None
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    fields = [field.strip() for field in reader.fieldnames or ()]
    reader.fieldnames = fields
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise InputError(f"{path.name}: has no column {missing[0]}", cure=f"a header with {', '.join(_NEEDED)}")
    found: dict[str, Connection] = {}
    for row in reader:
        place = f"{path.name}, line {reader.line_num}"
        if None in row or None in row.values():
            raise InputError(f"{place}: not {len(fields)} fields", cure="one field for each column")
        connection = _connection(row, road, rules, place)
        if connection.name in found:
            raise InputError(f"{place}: {connection.name!r} stands twice", cure="one name for each")
        found[connection.name] = connection
    if not found:
        raise InputError(f"{path.name}: has a header and no row", cure='optical.equipment_list = ""')
    return list(found.values())


def _connection(row: Mapping[str, str], road: Road, rules: OpticalSettings, place: str) -> Connection:
    name, service = row["name"].strip(), row["service"].strip()
    classes = [known.name for known in rules.services]
    if not name:
        raise InputError(f"{place}: the name is empty", cure="a name of its own for each")
    if service not in classes:
        raise InputError(f"{place}: service {service!r} is no class of [optical]", cure=f"one of {', '.join(classes)}")
    try:
        position = Position.parse(row["position"], road=road.ref)
        if folded_ref(position.road) != folded_ref(road.ref):
            raise InputError(f"{name} stands at {position.road}, not {road.ref}", cure="a position on this road")
        measure_m = road.calibration.measure(position.label)
    except TrassaError as error:
        raise InputError(f"{place}: {error.message}", cure=error.cure) from None
    if not 0.0 <= measure_m <= road.length_m:
        ends = road.span_text(0.0, road.length_m)
        raise InputError(f"{place}: {row['position']!r} lies off {ends}", cure="a position on this road")
    side = position.carriageway or road.reference
    if side not in road.alignments:
        raise InputError(f"{place}: {road.ref} has no {side} carriageway", cure="the other arrow")
    return Connection(name, measure_m, side, _offset_m(row.get("offset_m") or "", place), service)


def _offset_m(text: str, place: str) -> float:
    if not text.strip():
        return OFFSET_M
    try:
        offset_m = abs(float(text.strip().replace(",", ".")))
    except ValueError:
        offset_m = math.nan
    if not offset_m <= _FARTHEST_M:
        raise InputError(f"{place}: offset_m {text!r} is no distance of 0..{_FARTHEST_M:g} m", cure="metres, as 8.5")
    return offset_m
