"""The document that a drawing in plan is drawn in: DXF in metres, its layers, line types, blocks and model space."""

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

from trassa.optical.drawing.stretches import upright

if TYPE_CHECKING:
    from ezdxf.document import Drawing
    from ezdxf.layouts.blocklayout import BlockLayout
    from ezdxf.layouts.layout import Modelspace

__all__ = ["BLOCKS", "STYLE", "DrawingSheet", "Mark"]

FloatArray = npt.NDArray[np.float64]

_TOLERANCE_M = 0.05
"""How far a drawn line may lie off the known one: vertices that change less are left out."""
STYLE = "TRASSA"
_TEXT_MM, _SMALL_MM, _NOTE_M = 2.5, 1.8, 20.0
_OPTIONS = ezdxf.options  # type: ignore[attr-defined]
_HIDDEN = ("KM", "MEASURE_M", "KIND", "CABLE", "ORIGIN", "ROUTE_M", "SHEATH_M", "FIBRE_M")
BLOCKS = ("CHAMBER", "CLOSURE", "HUT", "SITE", "CONNECTION", "KM_POST")
"""The blocks by name; each has NAME as visible text and further attributes that are hidden."""
_LINE_TYPES = {
    "CENTER": ("Center ____ _ ____ _", (12.0, -2.0, 2.0, -2.0)),
    "DASHED": ("Dashed __ __ __ __", (4.0, -2.0)),
    "PHANTOM": ("Phantom ______ _ _ ______", (15.0, -2.0, 2.0, -2.0, 2.0, -2.0)),
}
"""By name: what it looks like, and strokes and gaps in millimetres of paper."""


@dataclass(frozen=True)
class Mark:
    """A block to be inserted: its place, the direction its name is written in (a unit vector), how far ahead of the
    place and to its left the name begins in millimetres of paper, the texts of its attributes, and the turn of the
    view that its name is read on."""

    block: str
    at: tuple[float, float]
    direction: tuple[float, float]
    label_mm: float
    texts: Mapping[str, str]
    turn_rad: float
    aside_mm: float = 0.0


class DrawingSheet:
    """The model space of a new R2010 drawing; all coordinates are metres of its projection. Letters and signs have
    their size in millimetres of paper at ``1 : scale``."""

    def __init__(self, crs: str, scale: int) -> None:
        with _fixed_metadata():
            self.document: Drawing = new("R2010", units=units.M)
        self.mm_m = scale / 1000.0
        header = self.document.header
        header["$MEASUREMENT"], header["$PSLTSCALE"], header["$LTSCALE"] = 1, 1, 1.0
        header.custom_vars.append("CRS", crs)
        self.document.styles.add(STYLE, font="arial.ttf")
        for name, (look, strokes) in _LINE_TYPES.items():
            pattern = [sum(map(abs, strokes)), *strokes]
            self.document.linetypes.add(name, pattern, description=look)
        self._space: Modelspace = self.document.modelspace()
        for name in BLOCKS:
            self._block(name)

    def layer(self, name: str, colour: int, text: str, line_type: str = "CONTINUOUS", width_mm: float = 0.25) -> None:
        """Add a layer with an AutoCAD colour, a description, a type and a width of its lines."""
        if name not in self.document.layers:
            look = {"linetype": line_type, "lineweight": round(100.0 * width_mm)}
            self.document.layers.add(name, color=colour, **look).description = text  # type: ignore[arg-type]

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
        if not np.isfinite([*mark.at, *mark.direction]).all():
            return
        turned = not upright(mark.direction, mark.turn_rad)
        angle_deg = _angle_deg(mark.direction) + (180.0 if turned else 0.0)
        # signs stand upright where their names run away from the road
        look = {"layer": layer, "rotation": angle_deg - (0.0 if mark.aside_mm else 90.0)}
        insert = self._space.add_blockref(mark.block, mark.at, dxfattribs=look)
        insert.add_auto_attribs(dict(mark.texts))
        name = insert.get_attrib("NAME")
        if name is not None:
            ahead = np.array(mark.direction)
            off = mark.label_mm * ahead + mark.aside_mm * np.array((-ahead[1], ahead[0]))
            name.dxf.rotation = angle_deg
            align = TextEntityAlignment.MIDDLE_RIGHT if turned else TextEntityAlignment.MIDDLE_LEFT
            name.set_placement(tuple((np.array(mark.at) + off * self.mm_m).tolist()), align=align)

    def text(
        self, layer: str, said: str, at: tuple[float, float], direction: tuple[float, float], turn_rad: float
    ) -> None:
        """Small letters that begin at a place and run in a direction, turned so that they are read on their view."""
        turned = not upright(direction, turn_rad)
        look = {"layer": layer, "style": STYLE, "rotation": _angle_deg(direction) + (180.0 if turned else 0.0)}
        written = self._space.add_text(said, height=_SMALL_MM * self.mm_m, dxfattribs=look)
        written.set_placement(at, align=TextEntityAlignment.MIDDLE_RIGHT if turned else TextEntityAlignment.MIDDLE_LEFT)

    def notes(self, at: tuple[float, float], said: Sequence[str]) -> None:
        """What the drawing is, in the model space beside a place."""
        look = {"layer": "NOTES", "style": STYLE, "char_height": _NOTE_M, "insert": at}
        self._space.add_mtext("\\P".join(said), dxfattribs=look)

    def used_layers(self) -> set[str]:
        """Names of the layers that anything in the model space lies on."""
        return {str(entity.dxf.layer) for entity in self._space}

    def save(self, path: Path) -> None:
        """Write the file; the same bytes for the same drawing."""
        # the library lists classes in the order of a set, which differs from process to process
        for name in sorted(self.document.entitydb.dxf_types_in_use()):
            self.document.classes.add_class(name)
        with _fixed_metadata():
            self.document.saveas(path)

    def _block(self, name: str) -> None:
        block = self.document.blocks.new(name)
        _SIGNS[name](block, self.mm_m)
        text = {"height": _TEXT_MM * self.mm_m, "style": STYLE}
        block.add_attdef("NAME", insert=(0.0, 0.0), dxfattribs=text)
        for tag in _HIDDEN:
            block.add_attdef(tag, insert=(0.0, 0.0), dxfattribs=text).is_invisible = True


def _angle_deg(direction: tuple[float, float]) -> float:
    return math.degrees(math.atan2(direction[1], direction[0]))


@contextmanager
def _fixed_metadata() -> Iterator[None]:
    """Without the time of writing and random identities in the file."""
    before = _OPTIONS.write_fixed_meta_data_for_testing
    _OPTIONS.write_fixed_meta_data_for_testing = True
    try:
        yield
    finally:
        _OPTIONS.write_fixed_meta_data_for_testing = before


def _square(half: float) -> list[tuple[float, float]]:
    return [(-half, -half), (half, -half), (half, half), (-half, half)]


def _chamber(block: BlockLayout, mm: float) -> None:
    block.add_lwpolyline(_square(0.75 * mm), close=True)


def _closure(block: BlockLayout, mm: float) -> None:
    block.add_circle((0.0, 0.0), 1.25 * mm)
    block.add_line((0.0, -1.25 * mm), (0.0, 1.25 * mm))


def _hut(block: BlockLayout, mm: float) -> None:
    block.add_lwpolyline(_square(2.0 * mm), close=True)
    block.add_line((-2.0 * mm, -2.0 * mm), (2.0 * mm, 2.0 * mm))


def _site(block: BlockLayout, mm: float) -> None:
    block.add_lwpolyline([(0.0, 2.0 * mm), (-1.5 * mm, -1.0 * mm), (1.5 * mm, -1.0 * mm)], close=True)


def _connection(block: BlockLayout, mm: float) -> None:
    half = 1.5 * mm
    block.add_lwpolyline([(0.0, half), (half, 0.0), (0.0, -half), (-half, 0.0)], close=True)


def _km_post(block: BlockLayout, mm: float) -> None:
    block.add_line((0.0, -3.0 * mm), (0.0, 3.0 * mm))
    block.add_circle((0.0, 0.0), 0.5 * mm)


_SIGNS = {
    "CHAMBER": _chamber,
    "CLOSURE": _closure,
    "HUT": _hut,
    "SITE": _site,
    "CONNECTION": _connection,
    "KM_POST": _km_post,
}
