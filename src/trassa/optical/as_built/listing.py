"""A list of plant as it was built, CSV or GeoPackage: what stands where, what is stored there, what the sheath says.

::

    section;item;name;cable;position;loop_m;sheath_mark_m;mark_in_m;mark_out_m
    lot 1;hut;Weimar;C-1;A 4 km 352+400;6;;;12
    lot 1;chamber;K 17;C-1;km 353+310;;951,5;;
    lot 1;joint;M 4;C-1;km 356+120;20;;3871;2

Comma, semicolon or tab; a decimal comma where semicolons or tabs divide. In place of a position: ``latitude`` and
``longitude`` in degrees, or the point of the row in a GeoPackage. Acceptance adds ``splice_loss_db`` of a closure, and
``attenuation_1310_db_per_km`` and ``attenuation_1550_db_per_km`` of the reel that begins in a joint or hut.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from trassa.errors import InputError
from trassa.optical.as_built.rules import require_sound
from trassa.optical.listed_places import ListedRow, csv_rows, geopackage_rows, number
from trassa.optical.plant.built import AsBuilt, BuiltItem
from trassa.optical.settings import OpticalSettings
from trassa.road.locate import Locator
from trassa.road.model import Road

__all__ = ["FARTHEST_OFF_M", "read_as_built"]

FARTHEST_OFF_M = 200.0
"""A point farther off the road than this is no part of its line."""

_NEEDED = ("section", "item", "name")
_ITEMS = ("hut", "chamber", "joint", "tap")
_FORBIDDEN = re.compile("[,;–→\t]")
_CABLE = re.compile(r"C-([1-9]\d*)(?:\.\d+)?")
_MOST_LOOP_M = 1000.0
_MOST_MARK_M = 1e6
_SPLICE = (
    "the mean of its splices",
    -0.1,
    3.0,
    ("joint", "tap"),
    "the mean of both ways in dB, as 0.06; empty: planned",
)
_REEL = ("the reel that begins", 0.1, 1.0, ("joint", "hut"), "dB/km of the reel, as 0.21; empty: as planned")
_MEASURED = {
    "splice_loss_db": _SPLICE,
    "attenuation_1310_db_per_km": _REEL,
    "attenuation_1550_db_per_km": _REEL,
}
_NAN = float("nan")


def read_as_built(path: Path, road: Road, rules: OpticalSettings) -> AsBuilt:
    """The sections of a list. Raises :class:`InputError` naming file, line, value, bound and cure."""
    rows = (geopackage_rows if path.suffix.lower() == ".gpkg" else csv_rows)(path, _NEEDED)
    if not rows:
        raise InputError(f"{path.name}: holds no row", cure='optical.as_built = ""')
    _require_placed(path, rows)
    locator = Locator(road)
    items: list[BuiltItem] = []
    lines: list[str] = []
    for row in rows:
        measure_m = _measure_m(row, road, locator)
        for cable in _cables(row, rules):
            items.append(_item(row, cable, measure_m))
            lines.append(row.place)
    require_sound(items, lines, road, rules)
    return AsBuilt.of(items)


def _require_placed(path: Path, rows: Sequence[ListedRow]) -> None:
    columns = rows[0].fields.keys()
    if "position" not in columns and not {"latitude", "longitude"} <= columns and not any(row.point for row in rows):
        raise InputError(f"{path.name}: says of no row where it stands", cure="a column position, as 'km 352+400'")


def _item(row: ListedRow, cable: int, measure_m: float) -> BuiltItem:
    section, item, name = row.get("section"), row.get("item"), row.get("name")
    if not section or not name:
        raise InputError(f"{row.place}: the {'name' if section else 'section'} is empty", cure="a text without commas")
    if item not in _ITEMS:
        raise InputError(f"{row.place}: item {item!r} is none that is laid out", cure=f"one of {', '.join(_ITEMS)}")
    for what, text in (("section", section), ("name", name)):
        if found := _FORBIDDEN.search(text):
            raise InputError(f"{row.place}: {what} {text!r} holds {found.group()!r}", cure="letters, digits, blanks, -")
    mark_m, in_m, out_m = (_metres(row, f, _MOST_MARK_M) for f in ("sheath_mark_m", "mark_in_m", "mark_out_m"))
    if not math.isnan(mark_m):
        if not (math.isnan(in_m) and math.isnan(out_m)):
            raise InputError(f"{row.place}: sheath_mark_m beside mark_in_m or mark_out_m", cure="either of them")
        in_m = out_m = mark_m
    elif item in ("chamber", "tap") and not (math.isnan(in_m) and math.isnan(out_m)):
        raise InputError(f"{row.place}: two marks, but the cable passes a {item} uncut", cure="sheath_mark_m alone")
    loop_m = _metres(row, "loop_m", _MOST_LOOP_M)
    return BuiltItem(section, item, name, cable, measure_m, loop_m, in_m, out_m, *_measured(row, item))


def _measured(row: ListedRow, item: str) -> list[float]:
    """Mean loss of the splices in a closure, dB; attenuation of the reel that begins there at 1310 and 1550 nm."""
    found: list[float] = []
    for name, (what, least, most, items, cure) in _MEASURED.items():
        text = row.get(name)
        value = number(text) if text else _NAN
        if text and item not in items:
            raise InputError(
                f"{row.place}: {name} {text!r} at a {item}", cure=f"{what} in the row of a {items[0]} or {items[1]}"
            )
        if text and not least <= value <= most:
            raise InputError(f"{row.place}: {name} {text!r} is none of {least:g}..{most:g}", cure=cure)
        found.append(value)
    return found


def _cables(row: ListedRow, rules: OpticalSettings) -> list[int]:
    text = row.get("cable") or ("C-1" if rules.cables == 1 else "")
    matches = [_CABLE.fullmatch(word.strip()) for word in text.split(",")]
    if not all(matches):
        raise InputError(f"{row.place}: cable {text!r} is no cable", cure="C-1, C-2 or 'C-1,C-2'")
    cables = [int(match.group(1)) - 1 for match in matches if match]
    if max(cables) >= rules.cables:
        said = f"{row.place}: cable {text!r}, but optical.cables = {rules.cables}"
        raise InputError(said, cure="optical.cables = 2" if max(cables) == 1 else "C-1 or C-2")
    return list(dict.fromkeys(cables))


def _measure_m(row: ListedRow, road: Road, locator: Locator) -> float:
    if row.get("position"):
        return row.on_road(road)[1]
    try:
        return _foot_m(row, road, locator)
    except InputError as error:
        raise InputError(f"{row.place}: {error.message}", cure=error.cure) from None


def _foot_m(row: ListedRow, road: Road, locator: Locator) -> float:
    """The measure of the nearest place on the road."""
    point = row.point
    if row.get("latitude") or row.get("longitude"):
        point = (_degrees(row, "longitude", 180.0), _degrees(row, "latitude", 90.0))
    if point is None:
        raise InputError("says not where it stands", cure="a position, latitude and longitude, or a point")
    if road.axis == "schematic":
        raise InputError("a point has no place on an axis without geometry", cure="a position, as 'km 352+400'")
    found = locator.locate([point[1]], [point[0]])
    off_m = abs(float(found.offset_m[0]))
    if not off_m <= FARTHEST_OFF_M:
        raise InputError(
            f"{row.get('name')!r} at {point[1]:.6f}, {point[0]:.6f} lies {off_m:.0f} m off {road.ref}, "
            f"farther than {FARTHEST_OFF_M:.0f} m",
            cure="latitude and longitude in degrees of WGS 84, or a position",
        )
    return float(found.measure_m[0])


def _degrees(row: ListedRow, name: str, most: float) -> float:
    value = number(row.get(name))
    if not abs(value) <= most:
        raise InputError(f"{name} {row.get(name)!r} is no angle within ±{most:g}°", cure="degrees, as 50.872314")
    return value


def _metres(row: ListedRow, name: str, most_m: float) -> float:
    text = row.get(name)
    if not text:
        return _NAN
    value = number(text)
    if not 0.0 <= value <= most_m:
        raise InputError(f"{row.place}: {name} {text!r} is no length of 0..{most_m:g} m", cure="metres, as 8.5")
    return value
