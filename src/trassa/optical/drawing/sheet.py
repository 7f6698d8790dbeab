"""The sheet that a drawing in plan is drawn on: a DXF document in metres, its layers, blocks and paper."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ezdxf
import numpy as np
import numpy.typing as npt
import shapely
from ezdxf import units
from ezdxf.enums import TextEntityAlignment
from ezdxf.filemanagement import new

if TYPE_CHECKING:
    from ezdxf.document import Drawing
    from ezdxf.layouts.blocklayout import BlockLayout
    from ezdxf.layouts.layout import Modelspace

__all__ = ["BLOCKS", "DrawingSheet", "Mark"]

FloatArray = npt.NDArray[np.float64]

_TOLERANCE_M = 0.05
"""How far a drawn line may lie off the known one: vertices that change less are left out."""
_STYLE, _TEXT_M, _NOTE_M = "TRASSA", 5.0, 20.0
_PAPER_MM, _MARGIN_MM, _HEAD_MM = (420.0, 297.0), 10.0, 34.0
_OPTIONS = ezdxf.options  # type: ignore[attr-defined]
_HIDDEN = ("KM", "MEASURE_M", "KIND", "CABLE", "ORIGIN", "ROUTE_M", "SHEATH_M", "FIBRE_M")
BLOCKS = ("CHAMBER", "CLOSURE", "HUT", "SITE", "CONNECTION", "KM_POST")
"""The blocks by name; each has NAME as visible text and further attributes that are hidden."""


@dataclass(frozen=True)
class Mark:
    """A block to be inserted: its place, the direction its name is written in (a unit vector away from the road), how
    far from the place the name begins in metres, and the texts of its attributes."""

    block: str
    at: tuple[float, float]
    outwards: tuple[float, float]
    label_m: float
    texts: Mapping[str, str]


class DrawingSheet:
    """The model space of a new R2010 drawing; all coordinates are metres of its projection."""

    def __init__(self, crs: str) -> None:
        with _fixed_metadata():
            self.document: Drawing = new("R2010", units=units.M)
        self.document.header["$MEASUREMENT"] = 1
        self.document.header.custom_vars.append("CRS", crs)
        self.document.styles.add(_STYLE, font="arial.ttf")
        self._space: Modelspace = self.document.modelspace()
        for name in BLOCKS:
            self._block(name)

    def layer(self, name: str, colour: int, text: str) -> None:
        """Add a layer with an AutoCAD colour and a description."""
        if name not in self.document.layers:
            self.document.layers.add(name, color=colour).description = text

    def lines(self, layer: str, points: FloatArray, width_m: float = 0.0) -> None:
        """Polylines through points of shape (n, 2); NaN divides them."""
        here = np.isfinite(points).all(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate(([False], here, [False])).astype(np.int8))).reshape(-1, 2)
        look = {"layer": layer, "const_width": width_m}
        for first, last in edges.tolist():
            if last - first < 2:
                continue
            thinned = shapely.simplify(shapely.linestrings(points[first:last]), _TOLERANCE_M, preserve_topology=False)
            self._space.add_lwpolyline(shapely.get_coordinates(thinned).tolist(), dxfattribs=look)

    def mark(self, layer: str, mark: Mark) -> None:
        """Insert a block with its attributes; a place without coordinates is left out."""
        if not np.isfinite([*mark.at, *mark.outwards]).all():
            return
        away = np.array(mark.outwards)
        turned = bool(away[0] < -1e-9)
        angle_deg = float(np.degrees(np.arctan2(away[1], away[0]))) + (180.0 if turned else 0.0)
        insert = self._space.add_blockref(mark.block, mark.at, dxfattribs={"layer": layer, "rotation": angle_deg})
        insert.add_auto_attribs(dict(mark.texts))
        name = insert.get_attrib("NAME")
        if name is not None:
            align = TextEntityAlignment.MIDDLE_RIGHT if turned else TextEntityAlignment.MIDDLE_LEFT
            name.set_placement(tuple((np.array(mark.at) + mark.label_m * away).tolist()), align=align)

    def notes(self, at: tuple[float, float], said: Sequence[str]) -> None:
        """What the drawing is, in the model space beside a place."""
        self.layer("NOTES", 7, "What this drawing is")
        look = {"layer": "NOTES", "style": _STYLE, "char_height": _NOTE_M, "insert": at}
        self._space.add_mtext("\\P".join(said), dxfattribs=look)

    def paper(self, box: tuple[float, float, float, float], said: Sequence[str]) -> None:
        """A view of the whole on A3, with its title in millimetres of paper; ``box`` is x and y from, x and y to."""
        middle = ((box[0] + box[2]) / 2.0, (box[1] + box[3]) / 2.0)
        wide, high = _PAPER_MM[0] - 2.0 * _MARGIN_MM, _PAPER_MM[1] - 2.0 * _MARGIN_MM - _HEAD_MM
        scale = _round_up(max((box[2] - box[0]) / wide, (box[3] - box[1]) / high, 0.001) * 1.05)
        self.document.set_modelspace_vport(height=scale * high, center=middle)
        layout = self.document.paperspace("Layout1")
        layout.page_setup(size=_PAPER_MM, margins=(0, 0, 0, 0), units="mm")
        top = _PAPER_MM[1] - _MARGIN_MM
        centre = (_MARGIN_MM + wide / 2.0, _MARGIN_MM + high / 2.0)
        layout.add_viewport(centre, (wide, high), middle, scale * high, dxfattribs={"layer": "NOTES"})
        title = {"layer": "NOTES", "style": _STYLE, "char_height": 6.0, "insert": (_MARGIN_MM, top)}
        layout.add_mtext(said[0], dxfattribs=title)
        text = [*said[1:], f"1 : {scale * 1000.0:,.0f} on A3; the whole road in one model space, 1 unit = 1 m"]
        rest = {"layer": "NOTES", "style": _STYLE, "char_height": 2.5, "insert": (_MARGIN_MM, top - 10.0)}
        layout.add_mtext("\\P".join(text), dxfattribs=rest)

    def save(self, path: Path) -> None:
        """Write the file; the same bytes for the same drawing."""
        # the library lists classes in the order of a set, which differs from process to process
        for name in sorted(self.document.entitydb.dxf_types_in_use()):
            self.document.classes.add_class(name)
        with _fixed_metadata():
            self.document.saveas(path)

    def _block(self, name: str) -> None:
        block = self.document.blocks.new(name)
        _SIGNS[name](block)
        text = {"height": _TEXT_M, "style": _STYLE}
        block.add_attdef("NAME", insert=(0.0, 0.0), dxfattribs=text)
        for tag in _HIDDEN:
            block.add_attdef(tag, insert=(0.0, 0.0), dxfattribs=text).is_invisible = True


def _round_up(scale: float) -> float:
    """The next scale of two digits."""
    digit = 10.0 ** (math.floor(math.log10(scale)) - 1)
    return math.ceil(scale / digit) * digit


@contextmanager
def _fixed_metadata() -> Iterator[None]:
    """Without the time of writing and random identities in the file."""
    before = _OPTIONS.write_fixed_meta_data_for_testing
    _OPTIONS.write_fixed_meta_data_for_testing = True
    try:
        yield
    finally:
        _OPTIONS.write_fixed_meta_data_for_testing = before


def _square(half_m: float) -> list[tuple[float, float]]:
    return [(-half_m, -half_m), (half_m, -half_m), (half_m, half_m), (-half_m, half_m)]


def _chamber(block: BlockLayout) -> None:
    block.add_lwpolyline(_square(1.5), close=True)


def _closure(block: BlockLayout) -> None:
    block.add_circle((0.0, 0.0), 2.5)
    block.add_line((0.0, -2.5), (0.0, 2.5))


def _hut(block: BlockLayout) -> None:
    block.add_lwpolyline(_square(4.0), close=True)
    block.add_line((-4.0, -4.0), (4.0, 4.0))


def _site(block: BlockLayout) -> None:
    block.add_lwpolyline([(0.0, 8.0), (-5.0, -4.0), (5.0, -4.0)], close=True)


def _connection(block: BlockLayout) -> None:
    block.add_lwpolyline([(0.0, 3.0), (3.0, 0.0), (0.0, -3.0), (-3.0, 0.0)], close=True)


def _km_post(block: BlockLayout) -> None:
    block.add_line((-6.0, 0.0), (6.0, 0.0))
    block.add_circle((0.0, 0.0), 1.0)


_SIGNS = {
    "CHAMBER": _chamber,
    "CLOSURE": _closure,
    "HUT": _hut,
    "SITE": _site,
    "CONNECTION": _connection,
    "KM_POST": _km_post,
}
