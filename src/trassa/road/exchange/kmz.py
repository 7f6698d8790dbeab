"""KMZ: a grid as coloured pictures and areas with names, for Google Earth and whatever else opens KML 2.2."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
import shapely
from rasterio import Affine
from rasterio.io import MemoryFile

from trassa.errors import InputError
from trassa.road.lattice import Lattice

__all__ = ["ColourScale", "NamedArea", "write_kmz"]

_OPAQUE = 255
_GLYPHS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757", "7": "71111",
    "8": "75757", "9": "75717", "-": "00700",
}  # fmt: skip
"""Five rows of three pixels, each row an octal digit."""

ByteArray = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class ColourScale:
    """Classes of a quantity: below ``edges[0]``, between two edges, and from the last edge on; one colour each."""

    name: str
    unit: str
    edges: Sequence[float]
    colours: Sequence[Colour]

    def classes(self, values: npt.NDArray[Any]) -> ByteArray:
        """1 + the class of every value, 0 where there is none."""
        return np.where(np.isfinite(values), np.digitize(values, self.edges) + 1, 0).astype(np.uint8)

    def words(self) -> list[str]:
        """What each class spans."""
        inner = [f"{low:g} … {high:g}" for low, high in pairwise(self.edges)]
        return [f"{text} {self.unit}" for text in (f"< {self.edges[0]:g}", *inner, f"≥ {self.edges[-1]:g}")]


@dataclass(frozen=True)
class NamedArea:
    """An area (longitude, latitude) with its name, a sentence about it and its colour."""

    name: str
    text: str
    colour: Colour
    area: shapely.MultiPolygon


def write_kmz(
    path: Path,
    title: str,
    lattice: Lattice,
    windows: Iterable[tuple[int, int, npt.NDArray[Any]]],
    scale: ColourScale,
    areas: Sequence[NamedArea],
) -> None:
    """Write pictures of a grid's windows (first row, first column, values), a legend and areas, made aside and renamed.

    Raises :class:`~trassa.errors.InputError` where the file cannot be written.
    """
    rough = path.with_name(f".{path.name}.{os.getpid()}")
    overlays: list[str] = []
    try:
        with zipfile.ZipFile(rough, "w", zipfile.ZIP_DEFLATED) as archive:
            for row, col, values in windows:
                name = f"files/{scale.name}-{row}-{col}.png"
                archive.writestr(name, _picture(scale.classes(values), scale.colours))
                overlays.append(_overlay(name, lattice.window(row, col, *values.shape)))
            archive.writestr("files/legend.png", _legend(scale))
            archive.writestr("doc.kml", _document(title, scale, overlays, areas))
        rough.replace(path)
    except OSError as error:
        raise InputError(
            f"export: {path} cannot be written ({error})", cure="free space on the disk, or another folder"
        ) from error
    finally:
        rough.unlink(missing_ok=True)


def _document(title: str, scale: ColourScale, overlays: Sequence[str], areas: Sequence[NamedArea]) -> str:
    rows = "".join(
        f'<tr><td bgcolor="#{r:02x}{g:02x}{b:02x}">&#160;&#160;&#160;</td><td>{escape(word)}</td></tr>'
        for (r, g, b), word in zip(scale.colours, scale.words(), strict=True)
    )
    legend = (
        "<ScreenOverlay><name>legend</name><Icon><href>files/legend.png</href></Icon>"
        '<overlayXY x="0" y="0" xunits="fraction" yunits="fraction"/>'
        '<screenXY x="0.02" y="0.05" xunits="fraction" yunits="fraction"/></ScreenOverlay>'
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<name>{escape(title)}</name>"
        f"<description><![CDATA[<b>{escape(scale.name)}, {escape(scale.unit)}</b><table>{rows}</table>]]></description>"
        f"{legend}<Folder><name>{escape(scale.name)}</name>\n{''.join(overlays)}</Folder>"
        f"<Folder><name>best server</name>\n{''.join(_placemark(area) for area in areas)}</Folder></Document></kml>\n"
    )


def _overlay(picture: str, part: Lattice) -> str:
    """A picture's edges are half a step beyond its outermost nodes."""
    half_lat, half_lon = part.step_lat_deg / 2, part.step_lon_deg / 2
    box = (
        f"<north>{part.north_deg + half_lat:.9f}</north><south>{part.south_deg - half_lat:.9f}</south>"
        f"<east>{part.east_deg + half_lon:.9f}</east><west>{part.west_deg - half_lon:.9f}</west>"
    )
    return (
        f"<GroundOverlay><name>{escape(picture)}</name><color>b4ffffff</color>"
        f"<Icon><href>{escape(picture)}</href></Icon><LatLonBox>{box}</LatLonBox></GroundOverlay>\n"
    )


def _placemark(one: NamedArea) -> str:
    red, green, blue = one.colour
    polygons = "".join(
        f"<Polygon><outerBoundaryIs>{_ring(part.exterior)}</outerBoundaryIs>"
        + "".join(f"<innerBoundaryIs>{_ring(hole)}</innerBoundaryIs>" for hole in part.interiors)
        + "</Polygon>"
        for part in one.area.geoms
    )
    shade = f"{blue:02x}{green:02x}{red:02x}"  # KML writes opacity, blue, green, red
    line, fill = f"<color>ff{shade}</color>", f"<color>50{shade}</color>"
    style = f"<Style><LineStyle>{line}</LineStyle><PolyStyle>{fill}</PolyStyle></Style>"
    return (
        f"<Placemark><name>{escape(one.name)}</name><description>{escape(one.text)}</description>{style}"
        f"<MultiGeometry>{polygons}</MultiGeometry></Placemark>\n"
    )


def _ring(ring: shapely.LinearRing) -> str:
    places = " ".join(f"{lon:.7f},{lat:.7f}" for lon, lat in shapely.get_coordinates(ring).tolist())
    return f"<LinearRing><coordinates>{places}</coordinates></LinearRing>"


def _picture(classes: ByteArray, colours: Sequence[Colour]) -> bytes:
    """A PNG of classes in their colours, clear where the class is 0."""
    rows, cols = classes.shape
    table = np.array([(0, 0, 0, 0), *((*colour, _OPAQUE) for colour in colours)], dtype=np.uint8)
    upright = Affine(1.0, 0.0, 0.0, 0.0, -1.0, rows)  # without one GDAL warns; the document says where it lies
    with MemoryFile(ext=".png") as memory:
        with memory.open(driver="PNG", width=cols, height=rows, count=4, dtype="uint8", transform=upright) as dataset:
            dataset.write(np.moveaxis(table[classes], -1, 0))
        return bytes(memory.getbuffer())


def _legend(scale: ColourScale, zoom: int = 3) -> bytes:
    """A colour bar, the highest class on top, with the edges between the classes written beside it."""
    high, wide = 9, 26
    count = len(scale.colours)
    picture = np.full((count * high + 2, wide), count + 1, dtype=np.uint8)
    for number in range(count):
        top = 1 + (count - 1 - number) * high
        picture[top : top + high, 1:7] = number + 1
    for number, edge in enumerate(scale.edges):
        top = 1 + (count - 1 - number) * high - 2
        _write(picture[top : top + 5, 9:], f"{edge:.0f}", count + 2)
    ink = [*scale.colours, (255, 255, 255), (0, 0, 0)]
    return _picture(np.kron(picture, np.ones((zoom, zoom), dtype=np.uint8)), ink)


def _write(where: ByteArray, text: str, ink: int) -> None:
    """Write digits into a picture, five pixels high, from its upper left corner."""
    for place, sign in enumerate(text):
        for row, bits in enumerate(_GLYPHS[sign]):
            for col in range(3):
                if int(bits) & (4 >> col):
                    where[row, 4 * place + col] = ink
