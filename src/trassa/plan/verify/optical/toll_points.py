"""Where toll points stand beside the road, from the tariff files as they are written and the toll places of the map."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.errors import InputError
from trassa.linear import KmLabel
from trassa.plan.verify.evidence import Evidence

__all__ = ["Stand", "toll_stands"]

FloatArray = npt.NDArray[np.float64]
Stand = tuple[float, str, float]
"""Measure, carriageway, distance from it outwards in metres."""

_WGS84 = pyproj.Geod(ellps="WGS84")
_CABINET_M = 10.0
_RAMP_FROM_M = 60.0
_OFF_M = 5000.0


def toll_stands(evidence: Evidence) -> dict[str, Stand]:
    """Every toll point with a place on this road: by its coordinates, the map, or its tariff's kilometre."""
    rules = evidence.settings.optical
    points = {str(point["id"]): point for point in _written(evidence)}
    found = {} if evidence.schematic else _by_coordinates(evidence, points)
    at_m = {
        name: at for name, point in points.items() if name not in found and (at := _at_m(evidence, point)) is not None
    }
    for kind in ("main line", "ramp"):
        ours = {name: m for name, m in at_m.items() if points[name].get("at", "main line") == kind}
        mapped = {} if evidence.schematic else _of_the_map(evidence, ours, ramps=kind == "ramp")
        for name, measure_m in ours.items():
            named = points[name].get("carriageways", ("increasing", "decreasing"))
            side = next((side for side in named if side in evidence.carriageways), None)
            if name in mapped and kind == "ramp":
                found[name] = mapped[name]
            elif side is not None:
                there_m = mapped[name][0] if name in mapped else measure_m
                found[name] = (there_m, side, _CABINET_M if kind == "main line" else rules.ramp_offset_m)
    return found


def _written(evidence: Evidence) -> Iterator[dict[str, Any]]:
    for name in evidence.settings.toll.systems:
        path = evidence.root / "inputs" / name if name.endswith(".toml") else None
        text = (path or files("trassa.toll").joinpath("tariffs", f"{name}.toml")).read_text("utf-8-sig")
        yield from tomllib.loads(text).get("toll_point", ())


def _at_m(evidence: Evidence, point: Mapping[str, Any]) -> float | None:
    if "km" not in point:
        return None
    try:
        measure_m = evidence.calibration.measure(KmLabel.from_decimal(float(point["km"])))
    except InputError:  # another road's kilometre
        return None
    return measure_m if 0.0 <= measure_m <= float(evidence.proof.road["length_m"]) else None


def _by_coordinates(evidence: Evidence, points: Mapping[str, Mapping[str, Any]]) -> dict[str, Stand]:
    stands = {
        name: _foot(evidence, float(point["latitude_deg"]), float(point["longitude_deg"]))
        for name, point in points.items()
        if "latitude_deg" in point
    }
    return {name: stand for name, stand in stands.items() if stand[2] <= _OFF_M}


def _of_the_map(evidence: Evidence, at_m: Mapping[str, float], *, ramps: bool) -> dict[str, Stand]:
    """The toll place of each point where either is the other's nearest."""
    kinds = ("toll_plaza", "toll_gantry")
    rows = [row for row in evidence.layers["places"].rows() if row["kind"] in kinds]
    stands = [_foot(evidence, float(row["latitude_deg"]), float(row["longitude_deg"])) for row in rows]
    stands = sorted(stand for stand in stands if (stand[2] > _RAMP_FROM_M) == ramps)
    if not stands or not at_m:
        return {}
    names, wanted = list(at_m), np.array(list(at_m.values()))
    away = np.abs(wanted[:, None] - np.array([stand[0] for stand in stands])[None, :])
    nearest, least = away.argmin(axis=1), away.min(axis=0)
    return {
        name: stands[place]
        for row, (name, place) in enumerate(zip(names, nearest.tolist(), strict=True))
        if away[row, place] <= min(least[place], evidence.settings.optical.toll_place_m)
    }


def _foot(evidence: Evidence, latitude_deg: float, longitude_deg: float) -> Stand:
    """The nearest place of either carriageway: nearest vertex on the ellipsoid, then the plane foot beside it."""
    best: Stand = (float("nan"), "", float("inf"))
    for side in evidence.carriageways:
        line = evidence.layers["alignment"].where(carriageway=side)
        line = line.take(np.argsort(line["measure_m"], kind="stable"))
        there = line["present"].astype(bool)
        lat, lon, at = line["latitude_deg"], line["longitude_deg"], line["measure_m"]
        turn, _, away = _WGS84.inv(np.full(len(lat), longitude_deg), np.full(len(lat), latitude_deg), lon, lat)
        away = np.where(there, away, np.inf)
        first = int(np.argmin(away))
        if not away[first] < np.inf:
            continue
        x, y = away * np.sin(np.radians(turn)), away * np.cos(np.radians(turn))
        for a, b in ((first - 1, first), (first, first + 1)):
            if a < 0 or b >= len(at) or not (there[a] and there[b]):
                continue
            share, off_m = _plane_foot((x[a], y[a]), (x[b], y[b]))
            if off_m < best[2]:
                best = (float(at[a] + share * (at[b] - at[a])), side, off_m)
    return best


def _plane_foot(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Share of the way from the first point to the second that is nearest to the origin, and how far it is."""
    dx, dy = second[0] - first[0], second[1] - first[1]
    size = dx * dx + dy * dy
    share = min(max(-(first[0] * dx + first[1] * dy) / size, 0.0), 1.0) if size > 0.0 else 0.0
    return share, float(np.hypot(first[0] + share * dx, first[1] + share * dy))
