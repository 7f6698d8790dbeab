"""The plan as the web pages draw it: lines, labels, coverage runs, sites, cable, huts and toll points as plain JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from trassa.linear import Layer
from trassa.live.roadway import Roadway

__all__ = ["plan_view"]

_LINE_TOLERANCE_M = 1.0
_METRES_PER_DEGREE = 111_195.0
_SITE_COLUMNS = ("site", "measure_m", "carriageway", "latitude_deg", "longitude_deg", "height_m", "needed_for")
_HUT_COLUMNS = ("hut", "name", "role", "measure_m", "latitude_deg", "longitude_deg")


def plan_view(
    roadway: Roadway, toll_points: list[dict[str, Any]], *, simulated: bool, time_zone: str = ""
) -> dict[str, Any]:
    """Everything that does not change while the platform runs; measures in metres, positions in degrees.

    ``time_zone`` is the zone of the clocks on the road; empty where nothing says it.
    """
    road, layers = roadway.road, roadway.layers
    notice = ""
    if roadway.is_schematic:
        notice = (
            f"{road.ref} is drawn by published kilometres: the map is a scheme. Live location on it is for simulated "
            "vehicles; a real vehicle counts as off the schematic axis unless it is within 50 m of the line."
        )
    return {
        "road": {
            "ref": road.ref,
            "name": roadway.settings.project.name or road.ref,
            "axis": road.axis,
            "length_m": round(road.length_m, 3),
            "schematic": roadway.is_schematic,
            "traffic": road.traffic,
            "script": road.calibration.script,
        },
        "holds": roadway.plan.holds,
        "lines": {carriageway: _line(roadway, carriageway) for carriageway in road.carriageways},
        "labels": [
            {"start_m": i.start_m, "end_m": i.end_m, "start_km": i.start_km, "end_km": i.end_km}
            for i in road.calibration.intervals
        ],
        "coverage": {carriageway: _coverage(layers["bins"], carriageway) for carriageway in road.carriageways},
        "sites": [_labelled(roadway, row) for row in _rows(layers["sites"], _SITE_COLUMNS)],
        "cables": _rows(layers["cables"], ("cable", "start_m", "end_m", "carriageway")),
        "huts": [_labelled(roadway, row) for row in _rows(layers["huts"], _HUT_COLUMNS)],
        "chambers": [round(float(measure_m), 1) for measure_m in layers["chambers"]["measure_m"]],
        "toll_points": toll_points,
        "places": _rows(road.places, ("kind", "name", "measure_m", "carriageway", "latitude_deg", "longitude_deg")),
        "quiet": [[extent.start_m, extent.end_m] for extent in roadway.quiet_extents],
        "credit": " ".join(roadway.settings.credits),
        "simulated": simulated,
        "time_zone": time_zone,
        "notice": notice,
    }


def _line(roadway: Roadway, carriageway: Any) -> dict[str, list[float]]:
    """A carriageway thinned to the points that matter at one metre, each with its measure."""
    line = roadway.road.alignments[carriageway]
    known = np.isfinite(line.latitude_deg) & np.isfinite(line.longitude_deg)
    lat, lon, measure = line.latitude_deg[known], line.longitude_deg[known], line.measure_m[known]
    if len(lat) < 2:
        return {"measure_m": [], "latitude_deg": [], "longitude_deg": []}
    across = _METRES_PER_DEGREE * np.cos(np.radians(lat.mean()))
    drawn = shapely.linestrings(np.column_stack([lon * across, lat * _METRES_PER_DEGREE, measure]))
    kept = np.isin(measure, shapely.get_coordinates(shapely.simplify(drawn, _LINE_TOLERANCE_M), include_z=True)[:, 2])
    return {
        "measure_m": measure[kept].round(1).tolist(),
        "latitude_deg": lat[kept].round(6).tolist(),
        "longitude_deg": lon[kept].round(6).tolist(),
    }


def _coverage(bins: Layer, carriageway: str) -> dict[str, list[Any]]:
    """Neighbouring bins of one server and one whole decibel of margin as one run; null where no site is in reach."""
    rows = bins.where(carriageway=carriageway)
    order = np.argsort(rows["start_m"])
    start, end = rows["start_m"][order], rows["end_m"][order]
    margin = np.floor(rows["margin_db"][order])
    server = rows["server"][order].astype(np.str_)
    exempt = rows["exempt"][order].astype(np.str_)
    if not len(start):
        return {"start_m": [], "end_m": [], "margin_db": [], "server": [], "exempt": []}
    same = (_same(margin)) & (server[1:] == server[:-1]) & (exempt[1:] == exempt[:-1]) & (start[1:] == end[:-1])
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    last = np.concatenate([first[1:], [len(start)]]) - 1
    return {
        "start_m": start[first].tolist(),
        "end_m": end[last].tolist(),
        "margin_db": [None if value != value else value for value in margin[first].tolist()],
        "server": server[first].tolist(),
        "exempt": exempt[first].tolist(),
    }


def _same(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return np.asarray((values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1])))


def _rows(layer: Layer, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{name: _plain(row[name]) for name in columns} for row in layer.rows()]


def _labelled(roadway: Roadway, row: dict[str, Any]) -> dict[str, Any]:
    return row | {"label": roadway.text(row["measure_m"])}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if value != value else round(value, 7)
    return value
