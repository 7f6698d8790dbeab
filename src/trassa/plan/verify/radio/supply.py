"""The ways that a site's cost rests on, measured again: from the map to mains power, from the road to the cable.

Whoever shortens a way makes a far place cheap. The map is read again, by another table of tags, and lines and outlines
are taken whole, not by their points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Proj

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.verdict import Row
from trassa.road.osm import read_areas, read_marked, read_roads

__all__ = ["check_supply"]

FloatArray = npt.NDArray[np.float64]

_ROUNDED_M = 10.0
_BETWEEN_POINTS_M = 25.0
_MEASURED_M = 5.0
_BLOCK_M = 5000.0
_FARTHEST_M = 3000.0
_MEDIUM_VOLTAGE_V = 36_000.0
_NEEDS_A_VOLTAGE = {"line": True, "cable": True} | dict.fromkeys(
    ("minor_line", "pole", "substation", "sub_station", "transformer"), False
)
_FOR_OTHERS = re.compile(r"traction|transmission|converter|compensation|transition|generator|auxiliary")
_LIVED_IN = re.compile(r"residential|industrial|commercial|retail|farmyard")
_ROADSIDE = re.compile(r"services|rest_area|toll_gantry|toll_booth")


def check_supply(evidence: Evidence) -> Row:
    """Every candidate's ``power_m`` and ``fibre_drop_m``; sites are held against their candidates elsewhere."""
    rows = evidence.layers["candidates"]
    _, first, of_row = np.unique(rows["place"], return_index=True, return_inverse=True)
    places = rows.take(first)
    wrong = [*_same_at_a_place(rows, first, of_row), *_drops_off(places), *_powers_off(evidence, places)]
    more = f"; {len(wrong) - 3} more" if len(wrong) > 3 else ""
    said = "; ".join(wrong[:3]) + more if wrong else f"{len(places)} places as far from mains and cable as stated"
    return Row("radio.supply", "", None, "", not wrong, None, said)


def _same_at_a_place(rows: Layer, first: npt.NDArray[np.intp], of_row: npt.NDArray[np.intp]) -> Iterator[str]:
    for way in ("power_m", "fibre_drop_m"):
        for row in np.flatnonzero(rows[way] != rows[way][first][of_row]).tolist():
            yield f"{rows['name'][row]} has more than one {way}"


def _drops_off(places: Layer) -> Iterator[str]:
    """The drop is the distance from the reference line, which another row holds against the coordinates."""
    for place in places.rows():
        beyond_m = float(str(place["fibre_drop_m"])) - abs(float(str(place["offset_m"])))
        if not -1e-6 <= beyond_m <= _ROUNDED_M:
            yield f"{place['name']} has a drop of {place['fibre_drop_m']:g} m, it stands {place['offset_m']:.0f} m off"


def _powers_off(evidence: Evidence, places: Layer) -> Iterator[str]:
    settings, new = evidence.settings.radio, places["kind"] == "new"
    for name in places["name"][~new & (places["power_m"] != 0.0)].tolist():
        yield f"{name} is an existing mast with a power line of its own"
    masts = places.take(new)
    found = np.minimum(_nearest_m(masts, _mains(evidence)), settings.power_limit_m)
    if not len(evidence.layers["power"]):
        if (found < settings.power_limit_m).any():
            yield "layer power is empty, the map shows mains"
        found, between_m = np.full(len(masts), settings.power_assumed_m), 0.0
    else:
        found = np.where(np.isfinite(masts["latitude_deg"]), found, settings.power_assumed_m)
        between_m = _BETWEEN_POINTS_M
    beyond_m = masts["power_m"] - found
    off = ~((beyond_m >= -_MEASURED_M) & (beyond_m <= _ROUNDED_M + between_m + _MEASURED_M))
    for row in np.flatnonzero(off).tolist():
        yield f"{masts['name'][row]} is {found[row]:.0f} m from mains, stated {masts['power_m'][row]:.0f} m"


def _mains(evidence: Evidence) -> list[shapely.Geometry]:
    """Mains of the map near the road (x = longitude, y = latitude); none on an axis without geometry."""
    files = evidence.inputs(evidence.settings.road.osm)
    if evidence.schematic or not files:
        return []
    ways, single = read_marked(files, "power")
    found = [_shape(way.longitude_deg, way.latitude_deg) for way in ways if _feeds(way.tags)]
    found += [shapely.Point(node.longitude_deg, node.latitude_deg) for node in single if _feeds(node.tags)]
    raw = read_roads(files, lambda tags: False)
    nodes = [(n.tags, n.longitude_deg, n.latitude_deg) for n in raw.nodes.values()]
    for tags, longitude, latitude in (
        *nodes,
        *((f.tags, f.longitude_deg, f.latitude_deg) for f in raw.features.values()),
    ):
        if any(_ROADSIDE.fullmatch(tags.get(key, "")) for key in ("highway", "barrier")):
            found.append(shapely.Point(longitude, latitude))
    everywhere = (-180.0, -90.0, 180.0, 90.0)
    areas = read_areas(files, everywhere, ("landuse",))
    return found + [polygon.exterior for tags, polygon in areas if _LIVED_IN.fullmatch(tags.get("landuse", ""))]


def _shape(longitude_deg: FloatArray, latitude_deg: FloatArray) -> shapely.Geometry:
    known = np.isfinite(latitude_deg)
    points = np.column_stack([longitude_deg[known], latitude_deg[known]])
    return shapely.LineString(points) if len(points) > 1 else shapely.MultiPoint(points)


def _feeds(tags: Mapping[str, str]) -> bool:
    """Whether a small consumer can be connected to it: medium or low voltage, 50 or 60 Hz, in use."""
    needs_a_voltage = _NEEDS_A_VOLTAGE.get(tags.get("power", ""))
    if needs_a_voltage is None or tags.get("disused") == "yes" or tags.get("abandoned") == "yes":
        return False
    if any(_FOR_OTHERS.fullmatch(tags.get(key, "")) for key in ("substation", "transformer")):
        return False
    if tags.get("frequency") and not {"50", "60"} & set(re.split(r"[^\d.]+", tags["frequency"])):
        return False
    said = " ".join(value for key, value in tags.items() if key == "voltage" or key.startswith("voltage:")).lower()
    volts = [float(n) * (1000.0 if k else 1.0) for n, k in re.findall(r"(\d+(?:\.\d+)?)\s*(k?)", said)]
    return any(0.0 < v <= _MEDIUM_VOLTAGE_V for v in volts) if volts else not needs_a_voltage


def _nearest_m(masts: Layer, mains: list[shapely.Geometry]) -> FloatArray:
    """Metres from each mast to the nearest of the mains, inf beyond what counts and for masts without coordinates.

    On a plane around every few km.
    """
    found = np.full(len(masts), np.inf)
    tree = shapely.STRtree(mains)
    block = np.where(np.isfinite(masts["latitude_deg"]), np.floor(masts["measure_m"] / _BLOCK_M), np.nan)
    for number in np.unique(block[np.isfinite(block)]).tolist():
        here = np.flatnonzero(block == number)
        lon, lat = masts["longitude_deg"][here], masts["latitude_deg"][here]
        plane = Proj(proj="aeqd", ellps="WGS84", lat_0=float(lat.mean()), lon_0=float(lon.mean()))
        reach_deg = _FARTHEST_M / 110_000.0
        wide_deg = reach_deg / max(float(np.cos(np.radians(np.abs(lat).max() + reach_deg))), 0.01)
        box = shapely.box(lon.min() - wide_deg, lat.min() - reach_deg, lon.max() + wide_deg, lat.max() + reach_deg)
        near = tree.query(box)
        if len(near):
            flat = [
                shapely.transform(mains[i], lambda xy, to=plane: np.column_stack(to(xy[:, 0], xy[:, 1]))) for i in near
            ]
            points = shapely.points(*plane(lon, lat))
            found[here] = shapely.distance(points[:, None], np.array(flat)[None, :]).min(axis=1)
    return found
