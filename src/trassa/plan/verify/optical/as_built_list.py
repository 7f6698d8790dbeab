"""The list of built plant read again, raw: CSV as text, GeoPackage as an SQLite database; points on the axis."""

from __future__ import annotations

import csv
import math
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from scipy.spatial import cKDTree

from trassa.linear import Position
from trassa.plan.verify.evidence import Evidence

__all__ = ["BuiltSheath", "ListedItem", "ListedPlace", "built_sheath", "listed_items", "listed_places"]

_ONE_PLACE_M = 5.0
_ENVELOPE_BYTES = (0, 32, 48, 48, 64)
_NAN = float("nan")
_MET = ("splice_loss_db", "attenuation_1310_db_per_km", "attenuation_1550_db_per_km")
_NUMBERS = ("loop_m", "sheath_mark_m", "mark_in_m", "mark_out_m", *_MET)
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ListedItem:
    """One row of the list for one cable, ``C-1`` or ``C-2``; NaN where it says nothing."""

    section: str
    item: str
    name: str
    cable: str
    measure_m: float
    loop_m: float
    mark_in_m: float
    mark_out_m: float
    splice_loss_db: float
    attenuation_1310_db_per_km: float
    attenuation_1550_db_per_km: float


@dataclass(frozen=True)
class ListedPlace:
    """The rows of one place, by what they are; the chamber's measure, or the hut's, or the first row's."""

    measure_m: float
    names: Mapping[str, str]
    loop_m: float
    mark_in_m: float
    mark_out_m: float
    splice_loss_db: float
    per_km_db: tuple[float, float]

    @property
    def ends_reel(self) -> bool:
        """Whether cable ends here."""
        return bool({"hut", "joint"} & self.names.keys())


@dataclass(frozen=True)
class BuiltSheath:
    """What the list says of one cable: its places by measure, its sections, its pieces between two marks of a reel.

    ``splices`` are (measure, dB) of measured closures, ``reels`` (measure, measure, dB/km at 1310 nm, at 1550 nm).
    """

    places: Mapping[float, ListedPlace]
    extents: tuple[tuple[float, float], ...]
    marked: tuple[tuple[float, float, float], ...]
    splices: tuple[tuple[float, float], ...]
    reels: tuple[tuple[float, float, float, float], ...]


def built_sheath(items: Sequence[ListedItem], cable: str, chambers_m: Sequence[float]) -> BuiltSheath:
    """One cable's list; places stand at the chambers of the plan, those off its ends and off all chambers are left out.

    Where two sections meet, the first one's loop and first mark count.
    """
    stands = np.sort(np.array(chambers_m, dtype=np.float64))
    places: dict[float, ListedPlace] = {}
    extents: list[tuple[float, float]] = []
    marked: list[tuple[float, float, float]] = []
    splices: dict[float, float] = {}
    reels: list[tuple[float, float, float, float]] = []
    for section in listed_places(items, cable).values():
        along = [(_nearest(stands, place.measure_m), place) for place in section]
        along = [(at, place) for at, place in along if not math.isnan(at)]
        if not along:
            continue
        extents.append((along[0][0], along[-1][0]))
        ends = [(at, place.per_km_db) for at, place in along if place.ends_reel]
        reels += [(at, end, *per_km) for (at, per_km), (end, _) in pairwise(ends)]
        read: tuple[float, float] | None = None
        for at, place in along:
            if not math.isnan(place.splice_loss_db):
                splices.setdefault(at, place.splice_loss_db)
            if read is not None and not math.isnan(place.mark_in_m):
                marked.append((read[0], at, abs(place.mark_in_m - read[1])))
            if not math.isnan(place.mark_out_m):
                read = (at, place.mark_out_m)
            elif place.ends_reel:
                read = None
            old = places.get(at)
            silent = old is None or math.isnan(old.loop_m)
            places[at] = place if silent else replace(place, loop_m=old.loop_m)  # type: ignore[union-attr]
    met = tuple(sorted(splices.items()))
    return BuiltSheath(places, tuple(sorted(extents)), tuple(sorted(marked)), met, tuple(reels))


def _nearest(stands: FloatArray, measure_m: float) -> float:
    """The chamber of the plan within the size of a place; NaN where there is none."""
    if not len(stands):
        return _NAN
    near = float(stands[np.argmin(np.abs(stands - measure_m))])
    return near if abs(near - measure_m) <= _ONE_PLACE_M else _NAN


def listed_items(evidence: Evidence) -> list[ListedItem]:
    """Every row of the project's list, one for each cable it names; none where the project has no list."""
    name = evidence.settings.optical.as_built
    if not name:
        return []
    path = evidence.inputs([name])[0]
    raw = _from_geopackage(path) if path.suffix.lower() == ".gpkg" else _from_csv(path)
    axis = _Axis(evidence)
    found: list[ListedItem] = []
    for fields, point in raw:
        row = {str(key).strip().lower(): str(value or "").strip() for key, value in fields.items()}
        at_m = axis.measure_m(row, point)
        numbers = {key: _number(row.get(key, "")) for key in _NUMBERS}
        both = numbers["sheath_mark_m"]
        come, go = (both if math.isnan(numbers[key]) else numbers[key] for key in ("mark_in_m", "mark_out_m"))
        met = [numbers[key] for key in _MET]
        for cable in (row.get("cable") or "C-1").split(","):
            base = cable.strip().split(".")[0]
            place = (row["section"], row["item"], row["name"], base, at_m)
            found.append(ListedItem(*place, numbers["loop_m"], come, go, *met))
    return found


def listed_places(items: Sequence[ListedItem], cable: str) -> dict[str, list[ListedPlace]]:
    """The places of each section of one cable, in order of measure; rows within five metres are one place."""
    base, found = cable.split(".")[0], {}
    for section in dict.fromkeys(item.section for item in items if item.cable == base):
        mine = [item for item in items if (item.cable, item.section) == (base, section)]
        mine.sort(key=lambda item: item.measure_m)
        groups: list[list[ListedItem]] = []
        for item in mine:
            near = groups and item.measure_m <= groups[-1][0].measure_m + _ONE_PLACE_M
            groups[-1].append(item) if near else groups.append([item])
        found[section] = [_place(group) for group in groups]
    return _met(found)


def _met(sections: dict[str, list[ListedPlace]]) -> dict[str, list[ListedPlace]]:
    """The sections in order; a joint or hut in which two meet stands where the first of them has it."""
    order = sorted(sections, key=lambda name: sections[name][0].measure_m)
    for before, after in pairwise(order):
        end, begin = sections[before][-1], sections[after][0]
        if any(begin.names.get(kind, 0) == end.names.get(kind, 1) for kind in ("joint", "hut")):
            sections[after][0] = replace(begin, measure_m=end.measure_m)
    return {name: sections[name] for name in order}


def _place(group: Sequence[ListedItem]) -> ListedPlace:
    at = {item.item: item.measure_m for item in group}
    measure_m = at.get("hut", at.get("chamber", group[0].measure_m))
    columns = ([getattr(item, key) for item in group] for key in ("loop_m", "mark_in_m", "mark_out_m", *_MET))
    said = [[v for v in vs if not math.isnan(v)] for vs in columns]
    loop_m, come, go, splice_db, *per_km = (values[0] if values else _NAN for values in said)
    names = {item.item: item.name for item in group}
    return ListedPlace(measure_m, names, loop_m, come, go, splice_db, (per_km[0], per_km[1]))


def _from_csv(path: Path) -> list[tuple[dict[str, Any], None]]:
    lines = path.read_text("utf-8-sig").splitlines()
    divider = max((",", ";", "\t"), key=lines[0].count)
    rows = csv.reader(lines, delimiter=divider, skipinitialspace=True)
    head = next(rows)
    return [(dict(zip(head, row, strict=True)), None) for row in rows if any(cell.strip() for cell in row)]


def _from_geopackage(path: Path) -> list[tuple[dict[str, Any], tuple[float, float] | None]]:
    """Rows of the first table with their points as longitude and latitude."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        (table,) = database.execute("SELECT table_name FROM gpkg_contents ORDER BY rowid LIMIT 1").fetchone()
        query = "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?"
        geometry = database.execute(query, (table,)).fetchone()
        rows = [dict(row) for row in database.execute(f'SELECT * FROM "{table}" ORDER BY rowid')]
    if geometry is None:
        return [(row, None) for row in rows]
    turn = pyproj.Transformer.from_crs(pyproj.CRS.from_epsg(geometry["srs_id"]), 4326, always_xy=True)
    found: list[tuple[dict[str, Any], tuple[float, float] | None]] = []
    for row in rows:
        blob = row.pop(geometry["column_name"])
        point = None
        if blob:
            shape = shapely.get_parts(shapely.from_wkb(blob[8 + _ENVELOPE_BYTES[(blob[3] >> 1) & 7] :]))
            point = tuple(float(v) for v in turn.transform(shape[0].x, shape[0].y))
        found.append((row, point))  # type: ignore[arg-type]
    return found


class _Axis:
    """The road's carriageways, to find places on."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence, self._geod = evidence, pyproj.Geod(ellps="WGS84")
        lines = [evidence.layers["alignment"].where(carriageway=c) for c in evidence.carriageways]
        self._lines = [line.take(line["present"]) for line in lines]
        self._scale = math.cos(math.radians(float(np.nanmean(self._lines[0]["latitude_deg"])))) if lines else 1.0

    @cached_property
    def _trees(self) -> list[cKDTree]:
        """Vertices of each carriageway on a plane that is true enough to find the nearest."""
        return [cKDTree(np.column_stack([n["latitude_deg"], n["longitude_deg"] * self._scale])) for n in self._lines]

    def measure_m(self, row: Mapping[str, str], point: tuple[float, float] | None) -> float:
        """The measure of a row, by its label, its degrees or its point; NaN where it has none."""
        if row.get("position"):
            label = Position.parse(row["position"], road=self._evidence.ref).label
            return float(self._evidence.calibration.measure(label))
        if row.get("latitude"):
            point = _number(row["longitude"]), _number(row["latitude"])
        return _NAN if point is None else self._foot_m(*point)

    def _foot_m(self, longitude_deg: float, latitude_deg: float) -> float:
        """The measure of the nearest place of either carriageway, by azimuth and distance on the ellipsoid."""
        best = (math.inf, _NAN)
        for line, tree in zip(self._lines, self._trees, strict=True):
            lat, lon, at = line["latitude_deg"], line["longitude_deg"], line["measure_m"]
            nearest = tree.query([latitude_deg, longitude_deg * self._scale], k=min(4, len(at)))[1]
            for i in {i for n in np.atleast_1d(nearest).tolist() for i in (n - 1, n) if 0 <= i < len(at) - 1}:
                along, _, step = self._geod.inv(lon[i], lat[i], lon[i + 1], lat[i + 1])
                towards, _, away = self._geod.inv(lon[i], lat[i], longitude_deg, latitude_deg)
                turn = math.radians(towards - along)
                share = min(max(away * math.cos(turn) / step, 0.0), 1.0) if step else 0.0
                off = math.hypot(away * math.cos(turn) - share * step, away * math.sin(turn))
                best = min(best, (off, float(at[i] + share * (at[i + 1] - at[i]))))
        return best[1]


def _number(text: str) -> float:
    return float(text.replace(",", ".")) if text else _NAN
