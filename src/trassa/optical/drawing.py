"""The line as a DXF drawing in plan, for drawing offices: R2010, metres, a UTM zone that the file itself states.

Cables and chambers stand on the axis of their carriageway: where in the verge they lie is not planned. Lengths in the
attributes are those of the plan; lengths measured in the drawing differ by the scale of the projection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely
from ezdxf import units
from ezdxf.filemanagement import new
from pyproj import CRS, Proj, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from trassa.errors import InputError
from trassa.linear import Carriageway, Layer, opposite
from trassa.linear.ruler import round_labels
from trassa.road.model import Road

if TYPE_CHECKING:
    from ezdxf.document import Drawing
    from ezdxf.layouts.blocklayout import BlockLayout
    from ezdxf.layouts.layout import Modelspace

__all__ = ["Zone", "write_drawing", "zone_of"]

FloatArray = npt.NDArray[np.float64]

_TOLERANCE_M = 0.05
"""How far a drawn line may lie off the axis: vertices that change less are left out."""
_STYLE, _TEXT_M, _NOTE_M = "TRASSA", 5.0, 20.0
_POINTS = (
    ("CHAMBERS", "CHAMBER", 8, "Chambers"),
    ("CLOSURES", "CLOSURE", 1, "Closures, with the three lengths from the start of their cable"),
    ("HUTS", "HUT", 6, "Technical buildings"),
    ("SITES", "SITE", 5, "Radio sites"),
    ("CONNECTIONS", "CONNECTION", 3, "Other equipment, at its foot on the carriageway"),
    ("KM_POSTS", "KM_POST", 7, "Whole kilometre labels on the reference carriageway"),
)
_LABELS = {
    "CHAMBER": (4.0, -8.0),
    "CLOSURE": (4.0, 4.0),
    "HUT": (8.0, 11.0),
    "SITE": (7.0, -2.0),
    "CONNECTION": (4.0, -15.0),
    "KM_POST": (4.0, 18.0),
}
"""Where the name of a block stands: apart from those of others at the same place."""
_HIDDEN = ("KM", "MEASURE_M", "KIND", "CABLE", "ROUTE_M", "SHEATH_M", "FIBRE_M")


@dataclass(frozen=True)
class Zone:
    """A UTM zone and the scale of its projection along the road: drawn length over length on the ellipsoid."""

    name: str
    epsg: int
    least_scale_ratio: float
    greatest_scale_ratio: float

    def text(self) -> str:
        """``EPSG:32632, WGS 84 / UTM zone 32N, scale along the road 0.99985–0.99993``."""
        scale = f"{self.least_scale_ratio:.5f}–{self.greatest_scale_ratio:.5f}"
        return f"EPSG:{self.epsg}, {self.name}, scale along the road {scale}"


def zone_of(road: Road) -> Zone:
    """The UTM zone of the road's middle.

    Raises :class:`InputError` for an axis without geometry: a schematic one, or one without coordinates.
    """
    line = road.alignments[road.reference]
    known = line.present & np.isfinite(line.latitude_deg) & np.isfinite(line.longitude_deg)
    if road.axis == "schematic" or not known.any():
        raise InputError(
            f"drawing: {road.ref} has a {road.axis} axis and no geometry that could be drawn to scale",
            cure="leave dxf out with --only, or a road with geometry: trassa road fetch",
        )
    at = int(np.flatnonzero(known)[np.count_nonzero(known) // 2])
    lat, lon = float(line.latitude_deg[at]), float(line.longitude_deg[at])
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=AreaOfInterest(lon, lat, lon, lat))
    if not found:
        raise InputError(f"drawing: no UTM zone holds {lat:.3f}, {lon:.3f}", cure="leave dxf out with --only")
    factors = Proj(CRS.from_epsg(int(found[0].code))).get_factors(line.longitude_deg[known], line.latitude_deg[known])
    scale = np.asarray(factors.meridional_scale)
    return Zone(found[0].name, int(found[0].code), float(scale.min()), float(scale.max()))


def write_drawing(path: Path, road: Road, layers: Mapping[str, Layer], title: str) -> Zone:
    """Draw road, cables and everything on them into a file; gives the zone it is drawn in.

    Raises :class:`InputError` as :func:`zone_of` does, before anything is written.
    """
    zone = zone_of(road)
    sheet = _Sheet(road, zone)
    for carriageway, line in road.alignments.items():
        name = f"ROAD_AXIS_{carriageway.upper()}"
        sheet.layer(name, 7 if carriageway == road.reference else 9, f"Axis of the {carriageway} carriageway")
        sheet.lines(name, np.where(line.present, line.latitude_deg, np.nan), line.longitude_deg)
    for row in layers["cables"].rows():
        name = f"CABLE_{row['cable']}"
        sheet.layer(name, 30, f"Cable {row['cable']}, {row['fibres']} fibres")
        sheet.lines(name, *_cable_path(road, row))
    for name, block, colour, text in _POINTS:
        sheet.layer(name, colour, text)
        sheet.block(block)
    for name, block, point in _points(road, layers):
        sheet.point(name, block, point)
    sheet.notes(title)
    sheet.document.saveas(path)
    return zone


@dataclass(frozen=True)
class _Point:
    """A place in degrees with the texts of its block's attributes."""

    latitude_deg: float
    longitude_deg: float
    texts: dict[str, str]


def _points(road: Road, layers: Mapping[str, Layer]) -> Iterator[tuple[str, str, _Point]]:
    for row in layers["chambers"].rows():
        texts = {"NAME": row["chamber"], "KIND": row["purpose"], "CABLE": row["cable"]}
        yield "CHAMBERS", "CHAMBER", _on_road(road, row, texts)
    side = {str(row["cable"]): row["carriageway"] for row in layers["cables"].rows()}
    for row in layers["closures"].rows():
        lengths = {f"{name.upper()}": f"{float(row[name]):.1f}" for name in ("route_m", "sheath_m", "fibre_m")}
        texts = {"NAME": row["closure"], "KIND": row["kind"], "CABLE": row["cable"], **lengths}
        yield "CLOSURES", "CLOSURE", _on_road(road, {**row, "carriageway": side[str(row["cable"])]}, texts)
    for row in layers["huts"].rows():
        texts = {"NAME": f"{row['hut']} {row['name']}".strip(), "KIND": row["role"]}
        yield "HUTS", "HUT", _on_road(road, row, texts)
    sites = {str(row["site"]): row for row in layers["sites"].rows()} if "sites" in layers else {}
    for row in layers["connections"].rows():
        site = sites.get(str(row["connection"]))
        texts = {"NAME": row["connection"], "KIND": row["service"]}
        if site is None:
            yield "CONNECTIONS", "CONNECTION", _on_road(road, row, texts)
        else:
            place = float(site["latitude_deg"]), float(site["longitude_deg"])
            yield "SITES", "SITE", _Point(*place, _located(road, row, texts))
    for measure_m, label in round_labels(road.calibration, 1.0):
        if 0.0 <= measure_m <= road.length_m:
            row = {"measure_m": measure_m, "carriageway": road.reference}
            yield "KM_POSTS", "KM_POST", _on_road(road, row, {"NAME": str(label) if label.metres else str(label.km)})


def _located(road: Road, row: Mapping[str, object], texts: Mapping[str, object]) -> dict[str, str]:
    measure_m = float(row["measure_m"])  # type: ignore[arg-type]
    where = {"KM": road.calibration.text(measure_m), "MEASURE_M": f"{measure_m:.1f}"}
    return {name: str(text) for name, text in {**where, **texts}.items()}


def _on_road(road: Road, row: Mapping[str, object], texts: Mapping[str, object]) -> _Point:
    measure_m = road.alignments[road.reference].measure_m
    lat, lon, _ = _laid_along(road, row["carriageway"])  # type: ignore[arg-type]
    at_m = float(row["measure_m"])  # type: ignore[arg-type]
    place = float(np.interp(at_m, measure_m, lat)), float(np.interp(at_m, measure_m, lon))
    return _Point(*place, _located(road, row, texts))


def _laid_along(road: Road, carriageway: Carriageway) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Latitude, longitude and presence of what lies along a carriageway: where it is missing, along the other."""
    line, other = road.alignments[carriageway], road.alignments.get(opposite(carriageway))
    if other is None:
        return line.latitude_deg, line.longitude_deg, line.present
    over = ~line.present & other.present
    lat = np.where(over, other.latitude_deg, line.latitude_deg)
    return lat, np.where(over, other.longitude_deg, line.longitude_deg), line.present | other.present


def _cable_path(road: Road, row: Mapping[str, object]) -> tuple[FloatArray, FloatArray]:
    start_m, end_m = float(row["start_m"]), float(row["end_m"])  # type: ignore[arg-type]
    along_m = road.alignments[road.reference].measure_m
    lat, lon, present = _laid_along(road, row["carriageway"])  # type: ignore[arg-type]
    inner = (along_m > start_m) & (along_m < end_m)
    measure_m = np.concatenate(([start_m], along_m[inner], [end_m]))
    here = np.concatenate(([True], present[inner], [True]))
    return np.where(here, np.interp(measure_m, along_m, lat), np.nan), np.interp(measure_m, along_m, lon)


class _Sheet:
    """The model space of a new drawing, and the projection into it."""

    def __init__(self, road: Road, zone: Zone) -> None:
        self._road, self._zone = road, zone
        self.document: Drawing = new("R2010", units=units.M)
        self.document.header["$MEASUREMENT"] = 1
        self.document.header.custom_vars.append("CRS", zone.text())
        self.document.styles.add(_STYLE, font="arial.ttf")
        self._space: Modelspace = self.document.modelspace()
        self._projected = Transformer.from_crs("EPSG:4326", f"EPSG:{zone.epsg}", always_xy=True)

    def layer(self, name: str, colour: int, text: str) -> None:
        """Add a layer with an AutoCAD colour and a description."""
        if name not in self.document.layers:
            self.document.layers.add(name, color=colour).description = text

    def lines(self, layer: str, latitude_deg: FloatArray, longitude_deg: FloatArray) -> None:
        """Polylines through points in degrees; NaN divides them."""
        here = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
        edges = np.flatnonzero(np.diff(np.concatenate(([False], here, [False])).astype(np.int8))).reshape(-1, 2)
        for first, last in edges.tolist():
            if last - first < 2:
                continue
            x, y = self._projected.transform(longitude_deg[first:last], latitude_deg[first:last])
            thinned = shapely.simplify(shapely.linestrings(x, y), _TOLERANCE_M, preserve_topology=False)
            self._space.add_lwpolyline(shapely.get_coordinates(thinned).tolist(), dxfattribs={"layer": layer})

    def block(self, name: str) -> None:
        """Define a block: its sign, its name as visible text, and hidden attributes."""
        block = self.document.blocks.new(name)
        _SIGNS[name](block)
        text = {"height": _TEXT_M, "style": _STYLE}
        block.add_attdef("NAME", insert=_LABELS[name], dxfattribs=text)
        for tag in _HIDDEN:
            block.add_attdef(tag, insert=_LABELS[name], dxfattribs=text).is_invisible = True

    def point(self, layer: str, block: str, point: _Point) -> None:
        """Insert a block with its attributes; a place without coordinates is left out."""
        if not np.isfinite([point.latitude_deg, point.longitude_deg]).all():
            return
        x, y = self._projected.transform(point.longitude_deg, point.latitude_deg)
        self._space.add_blockref(block, (x, y), dxfattribs={"layer": layer}).add_auto_attribs(point.texts)

    def notes(self, title: str) -> None:
        """What the drawing is and how its lengths are to be taken, beside the start of the road; the view on it all."""
        line = self._road.alignments[self._road.reference]
        known = np.isfinite(line.latitude_deg)
        x, y = (np.asarray(c) for c in self._projected.transform(line.longitude_deg[known], line.latitude_deg[known]))
        said = (
            f"{title}: {self._road.span_text(0.0, self._road.length_m)}",
            f"{self._zone.text()}; metres, no heights",
            "Cables and chambers stand on the axis of their carriageway: where in the verge they lie is not planned.",
            "Lengths in attributes are those of the plan, not of this projection.",
        )
        self.layer("NOTES", 7, "What this drawing is")
        look = {"layer": "NOTES", "style": _STYLE, "char_height": _NOTE_M, "insert": (float(x[0]), float(y[0]) - 100.0)}
        self._space.add_mtext("\\P".join(said), dxfattribs=look)
        middle = (float(x.min() + x.max()) / 2.0, float(y.min() + y.max()) / 2.0)
        extent_m = max(float(np.ptp(x)), float(np.ptp(y)))
        self.document.set_modelspace_vport(height=1.1 * extent_m, center=middle)


def _square(half_m: float) -> list[tuple[float, float]]:
    return [(-half_m, -half_m), (half_m, -half_m), (half_m, half_m), (-half_m, half_m)]


def _chamber(block: BlockLayout) -> None:
    block.add_lwpolyline(_square(1.5), close=True)


def _closure(block: BlockLayout) -> None:
    block.add_circle((0.0, 0.0), 2.5)
    block.add_line((-2.5, 0.0), (2.5, 0.0))


def _hut(block: BlockLayout) -> None:
    block.add_lwpolyline(_square(6.0), close=True)
    block.add_line((-6.0, -6.0), (6.0, 6.0))


def _site(block: BlockLayout) -> None:
    block.add_lwpolyline([(0.0, 8.0), (-5.0, -4.0), (5.0, -4.0)], close=True)


def _connection(block: BlockLayout) -> None:
    block.add_lwpolyline([(0.0, 3.0), (3.0, 0.0), (0.0, -3.0), (-3.0, 0.0)], close=True)


def _km_post(block: BlockLayout) -> None:
    block.add_line((0.0, -6.0), (0.0, 6.0))
    block.add_circle((0.0, 0.0), 1.0)


_SIGNS = {
    "CHAMBER": _chamber,
    "CLOSURE": _closure,
    "HUT": _hut,
    "SITE": _site,
    "CONNECTION": _connection,
    "KM_POST": _km_post,
}
