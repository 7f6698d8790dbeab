"""A drive test against a plan: what was measured less what the plan computes there, and the settings that follow.

Levels are those of the plan's bins: medians at the worse edge. A residual sigma holds for exactly this prediction, so
the settings it gives are those with which the plan is proven anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear import ARROWS, Carriageway
from trassa.plan.radio.links import cell_links
from trassa.plan.radio.questions import PlannedRadio, planned_radio
from trassa.radio.drive_comparison import AlongRoad, along_road
from trassa.radio.drive_test import Measurements, fixes_astray, repeats
from trassa.radio.drive_test_files import read_measurements
from trassa.radio.mapped_table import TableColumn, mapped_table
from trassa.radio.residuals import Calibration, residuals_against
from trassa.road.lattice import metres_per_degree
from trassa.road.locate import Located, Locator
from trassa.road.model import Road

__all__ = ["CalibrationAnswer", "calibrate"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_OFF_ROAD_M = 75.0
_OTHER_CARRIER_SHARE = 0.05
_BESIDE_M = 60.0
_STANDS_M = 1.0
_BESIDE, _OPEN = "beside woods or houses", "open"


@dataclass(frozen=True)
class CalibrationAnswer:
    """The calibration of a plan, for all readings first, then by class; levels along each carriageway in 100 m."""

    road: Road
    calibrations: tuple[Calibration, ...]
    along: Mapping[Carriageway, AlongRoad]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {
            "road": self.road.ref,
            "calibrations": [one.as_dict() for one in self.calibrations],
            "settings": self.calibrations[0].settings(),
            "along_road": [dict(zip(_ALONG, row, strict=True)) for row in self._rows()],
            "notes": list(self.notes),
        }

    def along_table(self) -> tuple[list[str], list[list[str]]]:
        """Predicted against measured along the kilometre axis, header and rows for a terminal."""
        header = ["from", "", "readings", "measured dBm", "predicted dBm", "difference dB"]
        rows = [
            [self.road.text(start_m), ARROWS[side], f"{count}", f"{measured:.1f}", f"{predicted:.1f}", f"{left:+.1f}"]
            for side, start_m, _, count, measured, predicted, left in self._rows()
        ]
        return header, rows

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The calibrations, header and rows for a terminal."""
        header = [
            "band",
            "beside the road",
            "readings",
            "worth",
            "offset dB",
            "95 %",
            "sigma dB",
            "95 %",
            "correlated m",
        ]
        rows = [
            [
                one.band,
                one.clutter or "all",
                f"{one.samples}",
                f"{one.effective_samples:.0f}",
                f"{one.offset_db:+.2f}",
                _interval(one.offset_low_db, one.offset_high_db),
                f"{one.sigma_db:.2f}",
                _interval(one.sigma_low_db, one.sigma_high_db),
                f"{one.correlation_m:.0f}" if np.isfinite(one.correlation_m) else "–",
            ]
            for one in self.calibrations
        ]
        return header, rows

    def text(self) -> str:
        """What to write into trassa.toml so that the next run proves the plan with it."""
        lines = [line.removeprefix("radio.") for line in self.calibrations[0].settings_lines()]
        return "\n".join(["in trassa.toml, before the next trassa run:", "", "[radio]", *lines])

    def _rows(self) -> list[tuple[Carriageway, float, float, int, float, float, float]]:
        return [
            (side, float(start_m), float(self.road.calibration.km(start_m)), int(count), *map(_tenth, levels))  # type: ignore[misc]
            for side, one in self.along.items()
            for start_m, count, *levels in zip(
                one.start_m, one.count, one.measured_dbm, one.predicted_dbm, one.residual_db, strict=True
            )
        ]


_ALONG = ("carriageway", "start_m", "km", "readings", "measured_dbm", "predicted_dbm", "residual_db")


def _tenth(value: float) -> float:
    return round(float(value), 2)


def _interval(low_db: float, high_db: float) -> str:
    return f"{low_db:.1f} … {high_db:.1f}" if np.isfinite(low_db) else "one stretch"


def calibrate(folder: Path, csv: Path, mapping: Mapping[str, str]) -> CalibrationAnswer:
    """The calibration of a planned project by a CSV of readings.

    ``mapping`` goes from names to headers as in :func:`~trassa.radio.drive_test_files.read_measurements`; ``cell``
    names cells of the plan's layer ``cells`` here, and readings without one are those of the best server. Predicted
    levels are without the calibration that the project has already: the offset found replaces it. Raises
    :class:`~trassa.errors.InputError` where fewer than 30 readings are left.
    """
    planned = planned_radio(folder)
    plain = {name: header for name, header in mapping.items() if name != "cell"}
    readings = read_measurements(csv, plain)
    named = _cell_names(csv, mapping, len(readings))
    kept, notes = _usable(planned, readings)
    on, row, places = _on_road(planned, readings, kept, notes)
    predicted_dbm, link, strangers = _predicted(planned, row, named[on])
    if strangers:
        notes.append(f"readings of {', '.join(strangers)} are of no cell of the plan")
    _enough(int(np.isfinite(predicted_dbm).sum()), csv, notes)
    measured_dbm, measure_m = readings.rsrp_dbm[on], places.measure_m
    calibrations = residuals_against(
        predicted_dbm,
        measured_dbm,
        measure_m,
        link,
        readings.run[on],
        band=f"{planned.settings.frequency_mhz:g} MHz",
        source=f"{csv.name}, {_drives(readings, on)}, against the plan's bins",
        clutter=_beside(planned, readings.take(on)),
    )
    sides = {name: places.carriageway == name for name in planned.road.carriageways}
    along = {
        name: along_road(measure_m[at], measured_dbm[at], predicted_dbm[at]) for name, at in sides.items() if at.any()
    }
    return CalibrationAnswer(planned.road, tuple(calibrations), along, (*notes, *_doubts(calibrations[0])))


def _drives(readings: Measurements, on: IntArray) -> str:
    drives = len(np.unique(readings.run[on]))
    return f"{drives} drive{'s' if drives > 1 else ''}"


def _on_road(
    planned: PlannedRadio, readings: Measurements, kept: IntArray, notes: list[str]
) -> tuple[IntArray, IntArray, Located]:
    """Of the readings kept those in bins that count: their numbers, their bins, and where they are."""
    if planned.road.axis == "schematic":
        told = f"calibrate: {planned.road.ref} has a schematic axis: no reading can be placed on it"
        raise InputError(told, cure="a surveyed or drawn axis: trassa road fetch")
    if not len(kept):
        return kept, kept, Located(np.empty(0, dtype=object), np.empty(0), np.empty(0))
    found = Locator(planned.road).locate(readings.latitude_deg[kept], readings.longitude_deg[kept])
    row = planned.bins_at(found.carriageway, found.measure_m)
    row[(np.abs(found.offset_m) > _OFF_ROAD_M) | (planned.layers["bins"]["exempt"][row] != "")] = -1
    there = row >= 0
    if not there.all():
        away = np.count_nonzero(~there)
        notes.append(f"{away} readings lie over {_OFF_ROAD_M:g} m off the road, in a hole or where the plan is exempt")
    return kept[there], row[there], Located(found.carriageway[there], found.measure_m[there], found.offset_m[there])


def _usable(planned: PlannedRadio, readings: Measurements) -> tuple[IntArray, list[str]]:
    """The readings of the plan's carrier that are no repetition and no stray fix, and what was left out."""
    carrier_mhz = planned.settings.frequency_mhz
    has, notes = np.isfinite(readings.rsrp_dbm), []
    other = np.abs(readings.frequency_mhz - carrier_mhz) > _OTHER_CARRIER_SHARE * carrier_mhz
    for what, out in (
        (f"are of another carrier than {carrier_mhz:g} MHz", other),
        ("have no position", np.isnan(readings.latitude_deg)),
        ("repeat the one before", repeats(readings)),
        ("have a fix astray", fixes_astray(readings)),
    ):
        if (has & out).any():
            notes.append(f"{np.count_nonzero(has & out)} readings {what}")
        has &= ~out
    return np.flatnonzero(has), notes


def _cell_names(csv: Path, mapping: Mapping[str, str], count: int) -> npt.NDArray[np.object_]:
    """The name of the cell of every reading, in the order of the readings (run by run); empty where none is given."""
    names = np.full(count, "", dtype=object)
    if "cell" not in mapping:
        return names
    wanted = {name: mapping[name] for name in ("latitude_deg", "cell", "run", "operator") if name in mapping}
    latitude = {"latitude_deg": TableColumn(-90.0, 90.0, "latitude_deg")}
    said = mapped_table(csv, wanted, latitude, ("cell", "run", "operator"), ())[1]
    drives = list(zip(said.get("run", [""] * count), said.get("operator", [""] * count), strict=True))
    order = {drive: number for number, drive in enumerate(dict.fromkeys(drives))}
    names[:] = said["cell"]
    return names[np.argsort([order[drive] for drive in drives], kind="stable")]


def _predicted(
    planned: PlannedRadio, row: IntArray, named: npt.NDArray[np.object_]
) -> tuple[FloatArray, IntArray, list[str]]:
    """The plan's median of each reading's cell at its bin without calibration, the cell's number, and unknown cells.

    NaN where the cell is unknown or out of reach. What is named by nobody is that of the best server; a cell that
    several sites send counts at its strongest head.
    """
    used, at = np.unique(row, return_inverse=True)
    edges = np.concatenate([planned.bins.start[used], planned.bins.end[used]])
    links = cell_links(planned, planned.points.take(edges))
    loss_db = links.coupling_db.reshape(len(links), 2, len(used)).max(axis=1)
    loss_db[~np.isfinite(loss_db)] = np.inf
    if not len(links):
        raise InputError("calibrate: the plan has no cell", cure=f"trassa show {planned.project.root}")
    number = {name: cell for cell, name in enumerate(links.names)}
    best = np.argmin(loss_db, axis=0)[at]
    sends = planned.layers["cells"]["sends"]
    for shared in sorted(set(sends.tolist()) - set(number)):
        number[shared] = len(loss_db)
        loss_db = np.vstack([loss_db, loss_db[: len(links)][sends == shared].min(axis=0)])
    cell = np.array([best[i] if name == "" else number.get(name, -1) for i, name in enumerate(named)], dtype=np.int64)
    level_dbm = planned.budget.rsrp_dbm(loss_db[cell, at]) - planned.settings.calibration_offset_db
    known = (cell >= 0) & np.isfinite(level_dbm)
    strangers = sorted({str(name) for name in named[cell < 0]})
    return np.where(known, level_dbm, np.nan), cell, strangers


def _beside(planned: PlannedRadio, readings: Measurements) -> npt.NDArray[np.object_] | None:
    """Whether woods or houses stand within 60 m of a reading; None where the ground has no clutter."""
    if planned.ground is None or not planned.ground.has_clutter:
        return None
    north, east = metres_per_degree(readings.latitude_deg)
    tallest_m = np.zeros(len(readings))
    for bearing in np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False):
        for away_m in (0.5 * _BESIDE_M, _BESIDE_M):
            lat = readings.latitude_deg + away_m * np.cos(bearing) / north
            lon = readings.longitude_deg + away_m * np.sin(bearing) / east
            tallest_m = np.maximum(tallest_m, planned.ground.sample(lat, lon)[1])
    return np.where(tallest_m > _STANDS_M, _BESIDE, _OPEN).astype(object)


def _enough(count: int, csv: Path, notes: list[str]) -> None:
    if count < 30:
        told = f"calibrate: {count} readings of {csv.name} can be compared with the plan"
        said = f" ({'; '.join(notes)})" if notes else ""
        raise InputError(told + said, cure="at least 30 on the road, better several drives of 10 km")


def _doubts(one: Calibration) -> list[str]:
    """What does not look like a drive through the network that was planned."""
    if abs(one.offset_db) > 30.0 or one.sigma_db > 20.0:
        return [f"offset {one.offset_db:+.1f} dB, sigma {one.sigma_db:.1f} dB: is this the network of the plan?"]
    return []
