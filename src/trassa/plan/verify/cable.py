"""Cables measured again: route along the alignment, sheath with slack and loops, fibre by the helix ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.verdict import Row

__all__ = ["Cable", "Plant", "check_lengths", "plant_of"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = pyproj.Geod(ellps="WGS84")
_AT_M = 1e-3
_LENGTH_TOLERANCE_M = 0.5


@dataclass(frozen=True)
class Cable:
    """One cable with all that is stored on it: ``loops`` are (measure, metres before the joint, metres behind it)."""

    name: str
    carriageway: str
    start_m: float
    end_m: float
    measure_m: FloatArray
    route_along_m: FloatArray
    loops: tuple[tuple[float, float, float], ...]
    joints_m: tuple[float, ...]
    rules: OpticalSettings

    def route_m(self, measure_m: float) -> float:
        """Route from the cable's start."""
        here, start = np.interp([measure_m, self.start_m], self.measure_m, self.route_along_m)
        return float(here - start)

    def sheath_m(self, measure_m: float) -> float:
        """Sheath from the cable's start; at a loop, to the joint inside it."""
        stored = sum(before + after for at, before, after in self.loops if at < measure_m - _AT_M)
        stored += sum(before for at, before, _ in self.loops if abs(at - measure_m) <= _AT_M)
        return self.route_m(measure_m) * (1.0 + self.rules.slack_ratio) + stored

    def fibre_between_m(self, first_m: float, second_m: float) -> float:
        """Fibre between two measures."""
        return abs(self.sheath_m(second_m) - self.sheath_m(first_m)) / self.rules.helix_ratio

    def joints_between(self, first_m: float, second_m: float) -> int:
        """Joints strictly between two measures."""
        low, high = min(first_m, second_m) + _AT_M, max(first_m, second_m) - _AT_M
        return sum(low < joint < high for joint in self.joints_m)


@dataclass(frozen=True)
class Plant:
    """Every cable of the plan, and which one lies at a place."""

    cables: tuple[Cable, ...]

    def at(self, name: str, measure_m: float) -> Cable | None:
        """The cable of that name that reaches over a measure."""
        for cable in self.cables:
            if cable.name == name and cable.start_m - _AT_M <= measure_m <= cable.end_m + _AT_M:
                return cable
        return None


def plant_of(evidence: Evidence) -> Plant:
    """The cables of the plan, laid out again along the alignment."""
    cables, rules = [], evidence.settings.optical
    for row in evidence.layers["cables"].rows():
        name, start, end = str(row["cable"]), float(row["start_m"]), float(row["end_m"])
        carriageway = str(row["carriageway"])
        measure, along = _route_along(evidence, carriageway)
        closures = _within(evidence.layers["closures"].where(cable=name), start, end)
        standing = _within(evidence.layers["huts"], start, end)
        huts = standing["measure_m"].tolist()
        across = carriageway != (standing["carriageway"][0] if len(huts) else carriageway)
        joints = [m for m, kind in zip(closures["measure_m"], closures["kind"], strict=True) if "joint" in kind]
        half = rules.closure_loop_m / 2.0
        # A cable on the other side of the road is led under it into every hut.
        term = rules.termination_loop_m + (rules.crossing_m * (1.0 + rules.slack_ratio) if across else 0.0)
        loops = [(float(m), half, half) for m in closures["measure_m"]]
        loops += [(m, term if m > start + _AT_M else 0.0, term if m < end - _AT_M else 0.0) for m in huts]
        cables.append(Cable(name, carriageway, start, end, measure, along, tuple(sorted(loops)), tuple(joints), rules))
    return Plant(tuple(cables))


def _within(layer: Layer, start_m: float, end_m: float) -> Layer:
    return layer.take((layer["measure_m"] >= start_m - _AT_M) & (layer["measure_m"] <= end_m + _AT_M))


def _route_along(evidence: Evidence, carriageway: str) -> tuple[FloatArray, FloatArray]:
    """Measures, and the length in space up to each: measure on the reference line, geodesic on the other."""
    line = evidence.layers["alignment"].where(carriageway=carriageway)
    line = line.take(np.argsort(line["measure_m"], kind="stable"))
    measure, lat, lon = line["measure_m"], line["latitude_deg"], line["longitude_deg"]
    steps = np.diff(measure)
    if not evidence.schematic and carriageway != evidence.proof.road["reference"]:
        geodesic = np.asarray(_WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], dtype=np.float64)
        steps = np.where(np.isfinite(geodesic) & line["present"][:-1] & line["present"][1:], geodesic, steps)
    rise = np.nan_to_num(np.diff(line["height_m"]), nan=0.0)
    return measure, np.concatenate(([0.0], np.cumsum(np.sqrt(steps**2 + rise**2))))


def check_lengths(evidence: Evidence, plant: Plant) -> list[Row]:
    """Route, sheath and fibre of every cable, its closures and its reels."""
    wrong: list[str] = []
    for row, cable in zip(evidence.layers["cables"].rows(), plant.cables, strict=True):
        sheath = cable.sheath_m(cable.end_m)
        found = {"route_m": cable.route_m(cable.end_m), "sheath_m": sheath, "fibre_m": sheath / cable.rules.helix_ratio}
        wrong += _apart(cable.name, row, found)
        reels = evidence.layers["reels"].where(cable=cable.name)
        mine = reels.take((reels["start_m"] >= cable.start_m - _AT_M) & (reels["end_m"] <= cable.end_m + _AT_M))
        if abs(float(mine["sheath_m"].sum()) - sheath) > _LENGTH_TOLERANCE_M:
            wrong.append(f"{cable.name}: reels hold {mine['sheath_m'].sum():.1f} m, the cable needs {sheath:.1f} m")
        if float(mine["sheath_m"].max(initial=0.0)) > cable.rules.reel_limit_m + _LENGTH_TOLERANCE_M:
            wrong.append(
                f"{cable.name}: a reel of {mine['sheath_m'].max():.0f} m exceeds {cable.rules.reel_limit_m:g} m"
            )
    for row in evidence.layers["closures"].rows():
        owner = plant.at(str(row["cable"]), float(row["measure_m"]))
        if owner is None:
            wrong.append(f"closure {row['closure']} lies on no cable")
            continue
        at = float(row["measure_m"])
        sheath = owner.sheath_m(at)
        found = {"route_m": owner.route_m(at), "sheath_m": sheath, "fibre_m": sheath / owner.rules.helix_ratio}
        wrong += _apart(str(row["closure"]), row, found)
    total = sum(cable.sheath_m(cable.end_m) for cable in plant.cables)
    more = f"; {len(wrong) - 3} more" if len(wrong) > 3 else ""
    said = "; ".join(wrong[:3]) + more or f"route, sheath and fibre of {total / 1000:.2f} km of cable as laid again"
    return [Row("optical.lengths", "", None, "", not wrong, None, said)]


def _apart(name: str, row: dict[str, int | float | str | bool], found: dict[str, float]) -> list[str]:
    return [
        f"{name}: {column.removesuffix('_m')} stated {float(row[column]):.1f} m, found {value:.1f} m"
        for column, value in found.items()
        if abs(float(row[column]) - value) > _LENGTH_TOLERANCE_M
    ]
