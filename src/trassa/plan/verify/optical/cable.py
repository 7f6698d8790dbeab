"""Cables measured again: route along the alignment, sheath with slack and loops, fibre by the helix ratio."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.as_built_list import BuiltSheath, built_sheath, listed_items
from trassa.plan.verify.optical.losses import Passed, planned_per_km
from trassa.plan.verify.optical.trench_line import trench_steps_m
from trassa.plan.verify.traffic import keeps_right, line_of
from trassa.plan.verify.verdict import Row

__all__ = ["Cable", "Plant", "check_lengths", "plant_of"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = pyproj.Geod(ellps="WGS84")
_AT_M = 1e-3
_LENGTH_TOLERANCE_M = 0.5


@dataclass(frozen=True)
class Cable:
    """One cable with all that is stored on it: ``loops`` are (measure, metres before the joint, metres behind it).

    ``built`` are the extents that the project lists as built, ``marked`` their pieces of a reel between two metre
    marks: (measure, measure, metres of sheath with all loops between). ``met_splices`` are (measure, dB) of closures
    and ``met_reels`` (measure, measure, dB/km at 1310 nm, at 1550 nm) of reels that the list has measured values of.
    """

    name: str
    carriageway: str
    start_m: float
    end_m: float
    measure_m: FloatArray
    route_along_m: FloatArray
    loops: tuple[tuple[float, float, float], ...]
    joints_m: tuple[float, ...]
    rules: OpticalSettings
    built: tuple[tuple[float, float], ...] = ()
    marked: tuple[tuple[float, float, float], ...] = ()
    met_splices: tuple[tuple[float, float], ...] = ()
    met_reels: tuple[tuple[float, float, float, float], ...] = ()

    def built_over(self, start_m: float, end_m: float) -> bool:
        """Whether all between two measures is built."""
        return any(a - _AT_M <= start_m and end_m <= b + _AT_M for a, b in self.built)

    def route_m(self, measure_m: float) -> float:
        """Route from the cable's start."""
        here, start = np.interp([measure_m, self.start_m], self.measure_m, self.route_along_m)
        return float(here - start)

    def sheath_m(self, measure_m: float) -> float:
        """Sheath from the cable's start; at a loop, to the joint inside it."""
        stored = sum(before + after for at, before, after in self.loops if at < measure_m - _AT_M)
        stored += sum(before for at, before, _ in self.loops if abs(at - measure_m) <= _AT_M)
        more = sum(self._more_m(*piece, measure_m) for piece in self.marked)
        return self.route_m(measure_m) * (1.0 + self.rules.slack_ratio) + stored + more

    def _more_m(self, start_m: float, end_m: float, sheath_m: float, measure_m: float) -> float:
        """What a marked piece has more than by the slack ratio, up to a measure."""
        if measure_m <= start_m:
            return 0.0
        stored = sum(after for at, _, after in self.loops if start_m - _AT_M <= at < end_m - _AT_M)
        stored += sum(before for at, before, _ in self.loops if start_m + _AT_M < at <= end_m + _AT_M)
        route_m = self.route_m(end_m) - self.route_m(start_m)
        share = min((self.route_m(measure_m) - self.route_m(start_m)) / route_m, 1.0)
        return share * (sheath_m - stored - route_m * (1.0 + self.rules.slack_ratio))

    def fibre_between_m(self, first_m: float, second_m: float) -> float:
        """Fibre between two measures."""
        return abs(self.sheath_m(second_m) - self.sheath_m(first_m)) / self.rules.helix_ratio

    def splice_db(self, measure_m: float) -> float:
        """Loss of one splice in the closure at a measure: as listed, else as planned."""
        listed = [db for at, db in self.met_splices if abs(at - measure_m) <= _AT_M]
        return listed[0] if listed else self.rules.splice_loss_db

    def passed(self, first_m: float, second_m: float) -> Passed:
        """What light passes between two measures: the joints strictly between, and the fibre reel by reel."""
        low, high = min(first_m, second_m), max(first_m, second_m)
        joints_db = sum(self.splice_db(joint) for joint in self.joints_m if low + _AT_M < joint < high - _AT_M)
        found = Passed.of(self.fibre_between_m(low, high), joints_db, self.rules)
        glass_db = dict(found.glass_db)
        for start_m, end_m, *per_km in self.met_reels:
            here_m, there_m = max(start_m, low), min(end_m, high)
            if here_m < there_m:
                km = self.fibre_between_m(here_m, there_m) / 1000.0
                for (band, planned), read in zip(planned_per_km(self.rules).items(), per_km, strict=True):
                    glass_db[band] += 0.0 if math.isnan(read) else km * (read - planned)
        return replace(found, glass_db=glass_db)


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
    cables, rules, listed = [], evidence.settings.optical, listed_items(evidence)
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
        entry = rules.hut_entry_m + (rules.crossing_m if across else 0.0)
        term = rules.termination_loop_m + entry * (1.0 + rules.slack_ratio)
        loops = [(float(m), half, half) for m in closures["measure_m"]]
        loops += [(m, term if m > start + _AT_M else 0.0, term if m < end - _AT_M else 0.0) for m in huts]
        built = built_sheath(listed, name, _within(evidence.layers["chambers"], start, end)["measure_m"].tolist())
        loops = [*_relaid(loops, built, entry * (1.0 + rules.slack_ratio), rules)]
        plain = Cable(name, carriageway, start, end, measure, along, tuple(sorted(loops)), tuple(joints), rules)
        laid = replace(plain, built=built.extents, marked=built.marked)
        cables.append(replace(laid, met_splices=built.splices, met_reels=built.reels))
    return Plant(tuple(cables))


def _relaid(
    loops: list[tuple[float, float, float]], built: BuiltSheath, entry_m: float, rules: OpticalSettings
) -> Iterator[tuple[float, float, float]]:
    """The loops, the listed ones in place of the planned; none at a built chamber of which the list is silent."""
    for at, before, after in loops:
        if at not in built.places:
            yield at, before, after
        elif "hut" in built.places[at].names:
            own = built.places[at].loop_m
            held = (rules.termination_loop_m if math.isnan(own) else own) + entry_m
            yield at, held if before else 0.0, held if after else 0.0
    for at, place in built.places.items():
        if "hut" not in place.names:
            closed = {"joint", "tap"} & place.names.keys()
            silent = rules.closure_loop_m if closed else 0.0
            half = (silent if math.isnan(place.loop_m) else place.loop_m) / 2.0
            yield at, half, half


def _within(layer: Layer, start_m: float, end_m: float) -> Layer:
    return layer.take((layer["measure_m"] >= start_m - _AT_M) & (layer["measure_m"] <= end_m + _AT_M))


def _route_along(evidence: Evidence, carriageway: str) -> tuple[FloatArray, FloatArray]:
    """Measures, and the length in space up to each: measure on the reference line, geodesic on the other; and from
    the axis out to the trench."""
    line = line_of(evidence.layers["alignment"], carriageway)
    measure, lat, lon = line["measure_m"], line["latitude_deg"], line["longitude_deg"]
    steps = np.diff(measure)
    if not evidence.schematic and carriageway != evidence.proof.road["reference"]:
        geodesic = np.asarray(_WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], dtype=np.float64)
        steps = np.where(np.isfinite(geodesic) & line["present"][:-1] & line["present"][1:], geodesic, steps)
    offset_m = evidence.settings.optical.verge_offset_m
    if not evidence.schematic and offset_m > 0.0:
        right_m = offset_m * keeps_right(evidence) * (1 if carriageway == "increasing" else -1)
        steps = trench_steps_m(evidence.layers["alignment"], carriageway, steps, right_m)
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
        if not abs(float(mine["sheath_m"].sum()) - sheath) <= _LENGTH_TOLERANCE_M:
            wrong.append(f"{cable.name}: reels hold {mine['sheath_m'].sum():.1f} m, the cable needs {sheath:.1f} m")
        for reel in mine.rows():
            start_m, end_m, held_m = (float(reel[name]) for name in ("start_m", "end_m", "sheath_m"))
            wrong += _apart(str(reel["reel"]), reel, {"sheath_m": cable.sheath_m(end_m) - cable.sheath_m(start_m)})
            if not cable.built_over(start_m, end_m) and held_m > cable.rules.reel_limit_m + _LENGTH_TOLERANCE_M:
                wrong.append(f"{cable.name}: a reel of {held_m:.0f} m exceeds {cable.rules.reel_limit_m:g} m")
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
        if not abs(float(row[column]) - value) <= _LENGTH_TOLERANCE_M
    ]
