"""Straight roads of any length, drawn without a map: on a geodesic, with places, structures and holes as asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pyproj import Geod

from trassa.linear import CARRIAGEWAYS, Calibration, Carriageway, Layer, script_of
from trassa.road.alignment import Alignment, measures_of
from trassa.road.layers import SCHEMAS
from trassa.road.model import Axis, Road

__all__ = ["Place", "drawn_road"]

Place = tuple[float, str, bool]
"""Measure in metres, name, whether mains power is there."""

Stretch = tuple[float, float]

_WGS84 = Geod(ellps="WGS84")


def drawn_road(
    length_m: float,
    *,
    ref: str = "A 1",
    places: Sequence[Place] = (),
    bridges: Sequence[Stretch] = (),
    tunnels: Sequence[Stretch] = (),
    holes: Sequence[Stretch] = (),
    height_m: Callable[[np.ndarray], np.ndarray] | None = None,
    carriageways: Sequence[Carriageway] = CARRIAGEWAYS,
    start: tuple[float, float] = (60.0, 10.0),
    azimuth_deg: float = 90.0,
    median_m: float = 20.0,
    axis: Axis = "surveyed",
    start_km: float = 0.0,
) -> Road:
    """A straight road whose reference is the increasing carriageway; structures lie on both carriageways.

    ``height_m`` gives the height at measures; without it there is no terrain. ``start`` is (latitude, longitude).
    """
    alignments = {
        carriageway: _alignment(carriageway, length_m, holes, height_m, start, azimuth_deg, offset_m)
        for carriageway, offset_m in (("increasing", 0.0), ("decreasing", -median_m))
        if carriageway in carriageways
    }
    layers = {name: Layer.empty(SCHEMAS[name]) for name in ("posts", "cross_sections", "masts", "findings")}
    kinds = (("bridge", bridges), ("tunnel", tunnels), ("hole", holes))
    structures = [
        {"start_m": s, "end_m": e, "carriageway": carriageway, "kind": kind, "name": ""}
        for kind, stretches in kinds
        for s, e in stretches
        for carriageway in carriageways
    ]
    line = next(iter(alignments.values()))
    return Road(
        ref,
        axis,
        length_m,
        carriageways[0],
        Calibration.from_start(length_m, start_km, script_of(ref)),
        alignments,
        structures=Layer.from_rows(SCHEMAS["structures"], structures),
        places=Layer.from_rows(SCHEMAS["places"], [_place(place, line) for place in places]),
        **layers,
    )


def _alignment(
    carriageway: Carriageway,
    length_m: float,
    holes: Sequence[Stretch],
    height_m: Callable[[np.ndarray], np.ndarray] | None,
    start: tuple[float, float],
    azimuth_deg: float,
    offset_m: float,
) -> Alignment:
    measure = measures_of(length_m)
    whole = np.full(len(measure), 1.0)
    lon, lat, _ = _WGS84.fwd(start[1] * whole, start[0] * whole, azimuth_deg * whole, measure)
    lon, lat, _ = _WGS84.fwd(lon, lat, (azimuth_deg + 90.0) * whole, offset_m * whole)
    height = np.full(len(measure), np.nan) if height_m is None else height_m(measure)
    present = np.ones(len(measure), dtype=bool)
    for s, e in holes:
        present &= ~((measure > s) & (measure < e))
    gradient = np.gradient(height, measure)
    return Alignment(
        carriageway,
        measure,
        np.asarray(lat),
        np.asarray(lon),
        height,
        np.full(len(measure), azimuth_deg),
        np.zeros(len(measure)),
        gradient,
        present,
    )


def _place(place: Place, line: Alignment) -> dict[str, float | str | bool]:
    measure_m, name, powered = place
    return {
        "measure_m": measure_m,
        "kind": "service_area",
        "name": name,
        "carriageway": "both",
        "offset_m": 50.0,
        "latitude_deg": float(np.interp(measure_m, line.measure_m, line.latitude_deg)),
        "longitude_deg": float(np.interp(measure_m, line.measure_m, line.longitude_deg)),
        "powered": powered,
    }
