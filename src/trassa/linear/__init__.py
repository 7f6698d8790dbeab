"""Linear referencing: the core that every trade stands on (ISO 19148). NumPy only, no input or output."""

from trassa.linear.calibration import Calibration, LabelInterval, LabelNotFound
from trassa.linear.carriageway import ARROWS, CARRIAGEWAYS, Carriageway, opposite
from trassa.linear.diagram import Diagram, Row
from trassa.linear.extent import Extent, intersected, merged, subtracted, total_length_m
from trassa.linear.label import KmLabel, script_of
from trassa.linear.layer import Column, Layer, Schema, schemas_from_csv
from trassa.linear.overlay import Overlay, Segment, overlay
from trassa.linear.position import Position
from trassa.linear.profile import Profile
from trassa.linear.ruler import Ruler, Tick

__all__ = [
    "ARROWS",
    "CARRIAGEWAYS",
    "Calibration",
    "Carriageway",
    "Column",
    "Diagram",
    "Extent",
    "KmLabel",
    "LabelInterval",
    "LabelNotFound",
    "Layer",
    "Overlay",
    "Position",
    "Profile",
    "Row",
    "Ruler",
    "Schema",
    "Segment",
    "Tick",
    "intersected",
    "merged",
    "opposite",
    "overlay",
    "schemas_from_csv",
    "script_of",
    "subtracted",
    "total_length_m",
]
