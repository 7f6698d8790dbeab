"""The road: what the survey hands to every trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from trassa.linear import CARRIAGEWAYS, Calibration, Carriageway, Extent, LabelInterval, Layer, merged, script_of
from trassa.road.alignment import Alignment
from trassa.road.layers import SCHEMAS

__all__ = ["Axis", "Road", "Traffic"]

Axis = Literal["surveyed", "drawn", "schematic"]
Traffic = Literal["left", "right"]
"""The side of the road that traffic keeps to."""

_PLAIN = ("posts", "structures", "cross_sections", "places", "masts", "power", "findings")
_SAMPLED = ("latitude_deg", "longitude_deg", "height_m", "heading_deg", "curvature_per_m", "gradient", "present")


@dataclass(frozen=True)
class Road:
    """A road with its labels, carriageways and what stands along it.

    ``axis`` is ``surveyed`` (from a map's geometry), ``drawn`` (a centreline somebody supplied) or ``schematic``
    (measure from declared kilometres; geometry serves maps only). ``length_m`` is the length of the reference
    line: WGS 84 geodesic, without slopes. A carriageway that does not exist is absent from ``alignments``.
    ``traffic`` says which way the verge lies: to the right of travel, or to the left where traffic keeps left.
    """

    ref: str
    axis: Axis
    length_m: float
    reference: Carriageway
    calibration: Calibration
    alignments: Mapping[Carriageway, Alignment]
    posts: Layer
    structures: Layer
    cross_sections: Layer
    places: Layer
    masts: Layer
    findings: Layer
    power: Layer = field(default_factory=lambda: Layer.empty(SCHEMAS["power"]))
    traffic: Traffic = "right"

    @property
    def carriageways(self) -> tuple[Carriageway, ...]:
        """The carriageways that exist, increasing first."""
        return tuple(c for c in CARRIAGEWAYS if c in self.alignments)

    @property
    def keeps_right(self) -> int:
        """+1 where traffic keeps right, −1 where it keeps left: what lies to the right of travel changes sign."""
        return 1 if self.traffic == "right" else -1

    @property
    def has_heights(self) -> bool:
        """Whether the alignment lies on terrain."""
        return all(bool(np.isfinite(a.height_m[a.present]).all()) for a in self.alignments.values())

    def structure_extents(self, kind: str, carriageway: Carriageway) -> list[Extent]:
        """Disjoint extents of one kind of structure (``bridge``, ``tunnel``, ``hole``) on one carriageway."""
        rows = self.structures.where(kind=kind, carriageway=carriageway)
        return merged(Extent(s, e) for s, e in zip(rows["start_m"], rows["end_m"], strict=True))

    def text(self, measure_m: float) -> str:
        """``A 4 km 352+400``: ref and label of a measure."""
        return f"{self.ref} {self.calibration.text(measure_m)}"

    def span_text(self, start_m: float, end_m: float) -> str:
        """``A 4 km 352+400–355+000``: ref and labels of an extent."""
        return f"{self.text(start_m)}–{self.calibration.label(end_m)}"

    def to_layers(self) -> dict[str, Layer]:
        """Every layer of the road, by schema name; :meth:`from_layers` reads them back."""
        alignment: dict[str, list[object]] = {column.name: [] for column in SCHEMAS["alignment"].columns}
        for carriageway, line in self.alignments.items():
            alignment["carriageway"].extend([carriageway] * len(line))
            alignment["measure_m"].extend(line.measure_m.tolist())
            alignment["km"].extend(self.calibration.km(line.measure_m).tolist())
            for name in _SAMPLED:
                alignment[name].extend(getattr(line, name).tolist())
        intervals = [
            {"start_m": i.start_m, "end_m": i.end_m, "start_km": i.start_km, "end_km": i.end_km, "kind": i.kind}
            for i in self.calibration.intervals
        ]
        layers = {name: getattr(self, name) for name in _PLAIN}
        layers["alignment"] = Layer.from_columns(SCHEMAS["alignment"], **alignment)  # type: ignore[arg-type]
        layers["label_intervals"] = Layer.from_rows(SCHEMAS["label_intervals"], intervals)
        return layers

    @classmethod
    def from_layers(
        cls,
        layers: Mapping[str, Layer],
        *,
        ref: str,
        axis: Axis,
        length_m: float,
        reference: Carriageway,
        traffic: Traffic = "right",
    ) -> Road:
        """Rebuild a road from its layers and the five scalars that no layer holds."""
        alignments: dict[Carriageway, Alignment] = {}
        for carriageway in CARRIAGEWAYS:
            rows = layers["alignment"].where(carriageway=carriageway)
            if len(rows):
                sampled = {name: rows[name] for name in _SAMPLED}
                alignments[carriageway] = Alignment(carriageway, rows["measure_m"], **sampled)
        intervals = tuple(
            LabelInterval(**row)  # type: ignore[arg-type]
            for row in layers["label_intervals"].rows()
        )
        plain = {name: layers[name] for name in _PLAIN}
        calibration = Calibration(intervals, script_of(ref))
        return cls(ref, axis, length_m, reference, calibration, alignments, **plain, traffic=traffic)
