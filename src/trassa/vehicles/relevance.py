"""For whom a warning is meant: the stretch upstream of a hazard, on its own carriageway.

::

    measure        0        1000      2000      3000
    increasing     .   [====>=====>=====X)              traffic comes from smaller measures
    decreasing              (X====<=====<=====]         traffic comes from larger measures

Tiles only address; whether a warning concerns a vehicle is a question of carriageway and measure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear import Carriageway, Extent
from trassa.road.model import Road
from trassa.vehicles.tiles import tiles_touching

__all__ = ["Approach", "Relevance", "concerns", "upstream_extent", "upstream_sign"]

FloatArray = npt.NDArray[np.float64]

_SHORTEST_M = 10.0


def upstream_sign(carriageway: Carriageway) -> float:
    """-1 where upstream is towards smaller measures, else +1."""
    return -1.0 if carriageway == "increasing" else 1.0


def upstream_extent(carriageway: Carriageway, anchor_m: float, reach_m: float, length_m: float) -> Extent:
    """The extent from ``reach_m`` upstream of the anchor to the anchor, clipped at the road's ends.

    It is never shorter than 10 m: a hazard at the very start of a carriageway still concerns who stands there.
    """
    far = anchor_m + upstream_sign(carriageway) * reach_m
    start, end = max(0.0, min(anchor_m, far)), min(length_m, max(anchor_m, far))
    if end - start < _SHORTEST_M:
        start, end = max(0.0, min(start, length_m - _SHORTEST_M)), min(length_m, max(end, _SHORTEST_M))
    return Extent(float(start), float(end))


def concerns(carriageway: Carriageway, extent: Extent, of_carriageway: Carriageway, measure_m: float) -> bool:
    """Whether a warning with this relevance concerns a vehicle there."""
    return carriageway == of_carriageway and extent.start_m <= measure_m <= extent.end_m


@dataclass(frozen=True)
class Approach:
    """The way towards a hazard, from the hazard upstream. Arrays of shape (n,), n ≥ 1; the first is the hazard.

    ``height_m`` is NaN without terrain; ``heading_deg`` is the direction of travel at the hazard.
    """

    measure_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    height_m: FloatArray
    heading_deg: float


class Relevance:
    """Relevance on one road: extents, the tiles they touch, and the way through them."""

    def __init__(self, road: Road, *, reach_m: float = 2000.0, margin_m: float = 50.0, level: int = 14) -> None:
        self._road = road
        self._reach_m, self._margin_m, self._level = reach_m, margin_m, level

    def extent(self, carriageway: Carriageway, anchor_m: float) -> Extent:
        """The extent that a hazard at ``anchor_m`` concerns."""
        return upstream_extent(carriageway, anchor_m, self._reach_m, self._road.length_m)

    def tiles(self, carriageway: Carriageway, anchor_m: float) -> tuple[str, ...]:
        """The tiles that the extent touches, sorted."""
        way = self.approach(carriageway, anchor_m, step_m=20.0)
        return tiles_touching(way.latitude_deg, way.longitude_deg, self._level, self._margin_m)

    def approach(self, carriageway: Carriageway, anchor_m: float, *, step_m: float = 100.0) -> Approach:
        """The carriageway's line from the anchor upstream, a point each ``step_m``; it stops at a hole of the map."""
        line = self._road.alignments[carriageway]
        extent = self.extent(carriageway, anchor_m)
        anchor_m = min(max(anchor_m, 0.0), self._road.length_m)
        far_m = extent.start_m if upstream_sign(carriageway) < 0 else extent.end_m
        steps = int(abs(far_m - anchor_m) // step_m)
        measure = np.asarray(anchor_m + upstream_sign(carriageway) * step_m * np.arange(steps + 1), np.float64)
        if abs(far_m - measure[-1]) >= 1.0:
            measure = np.append(measure, far_m)
        present = np.interp(measure, line.measure_m, line.present) > 0.5
        measure = measure[: max(1, int(np.argmin(present)) if not present.all() else len(measure))]
        lat, lon, height = (
            np.interp(measure, line.measure_m, values).astype(np.float64)
            for values in (line.latitude_deg, line.longitude_deg, line.height_m)
        )
        return Approach(measure, lat, lon, height, self._heading_deg(carriageway, anchor_m))

    def _heading_deg(self, carriageway: Carriageway, anchor_m: float) -> float:
        """Direction of travel over the 40 m around the anchor, from the drawn line: also where headings are unknown."""
        line = self._road.alignments[carriageway]
        here = np.clip([anchor_m - 20.0, anchor_m + 20.0], 0.0, self._road.length_m)
        lat = np.interp(here, line.measure_m, line.latitude_deg)
        lon = np.interp(here, line.measure_m, line.longitude_deg)
        east = (lon[1] - lon[0]) * np.cos(np.radians(lat.mean()))
        heading_deg = float(np.degrees(np.arctan2(east, lat[1] - lat[0])))
        return (heading_deg if carriageway == "increasing" else heading_deg + 180.0) % 360.0
