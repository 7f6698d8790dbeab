"""A trace of one fibre of a planned line: where it breaks or bends on the road, and who notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trassa.errors import InputError, UsageError
from trassa.optical.cut_answer import CutAnswer
from trassa.optical.line import Line
from trassa.optical.otdr import (
    Calibration,
    Change,
    EventTable,
    FibrePath,
    Location,
    Prior,
    Repair,
    Trace,
    calibrated,
    changes,
    event_table,
    located,
    next_epoch,
    planned_path,
    read_sor,
    uncalibrated,
)
from trassa.plan.optical_questions import PlannedLine, cuts_at, planned_line
from trassa.road.model import Road

__all__ = ["Finding", "TraceReport", "locate_trace"]

_DAY_S = 86_400
_SAME_WAVELENGTH_NM = 20.0
_LEAST_SIGHT_DB = 0.3
"""Losses below this at no known place are left to the table of events: splices differ that much."""


@dataclass(frozen=True)
class Finding:
    """One thing that a trace shows, at a place of the road with an interval."""

    what: str
    location: Location
    measure_m: float
    low_m: float
    high_m: float
    loss_db: float | None


@dataclass(frozen=True)
class TraceReport:
    """What a trace says. ``cut`` tells who notices if the whole cable is cut where the fibre breaks."""

    road: Road
    fibre: str
    use: str
    trace: Trace
    baselines: int
    repairs: tuple[Repair, ...]
    findings: tuple[Finding, ...]
    whole: bool
    cut: CutAnswer | None
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        text = self.road.calibration.text
        return {
            "road": self.road.ref,
            "fibre": self.fibre,
            "use": self.use,
            "wavelength_nm": self.trace.wavelength_nm,
            "pulse_ns": self.trace.pulse_ns,
            "index": self.trace.index,
            "calibrated_by": self.baselines,
            "whole": self.whole,
            "repairs": [
                {"after": r.after, "before": r.before, "inserted_m": round(r.inserted_m, 1)} for r in self.repairs
            ],
            "findings": [
                {
                    "what": one.what,
                    "optical_m": round(one.location.fibre_m, 1),
                    "measure_m": round(one.measure_m, 1),
                    "label": text(one.measure_m),
                    "from": text(one.low_m),
                    "to": text(one.high_m),
                    "low_m": round(one.low_m, 1),
                    "high_m": round(one.high_m, 1),
                    "probability": one.location.probability,
                    "before": one.location.before.name,
                    "behind": one.location.behind.name,
                    "nearest": one.location.nearest.name,
                    "loss_db": None if one.loss_db is None else round(one.loss_db, 3),
                }
                for one in self.findings
            ],
            "stranded": [one.connection for one in self.cut.stranded] if self.cut else [],
            "carried": [one.connection for one in self.cut.noticed if np.isfinite(one.after_us)] if self.cut else [],
            "notes": list(self.notes),
        }

    def sentences(self) -> list[str]:
        """What was found, in the order of distance."""
        basis = f"calibrated by {self.baselines} traces" if self.baselines else "not calibrated: no baseline"
        said = [
            f"fibre {self.fibre} ({self.use}), {self.trace.wavelength_nm:g} nm, {self.trace.pulse_ns:g} ns; {basis}"
        ]
        said += [
            f"a repair between {one.after} and {one.before} put in {one.inserted_m:.0f} m of fibre"
            for one in self.repairs
        ]
        said += [self._said(one) for one in self.findings]
        if self.whole:
            said.append("the fibre is whole to its end")
        if self.cut is not None:
            carried = len(self.cut.noticed) - len(self.cut.stranded)
            said.append(
                f"if the cable is cut there: {len(self.cut.stranded)} connections are down, "
                f"{carried} are carried by their other way, {self.cut.undisturbed} notice nothing"
            )
        return said + [f"note: {note}" for note in self.notes]

    def _said(self, one: Finding) -> str:
        place, where = self.road.text(one.measure_m), one.location
        size = "" if one.loss_db is None else f" of {one.loss_db:+.2f} dB"
        return (
            f"{one.what}{size} at {place}, {self.road.span_text(one.low_m, one.high_m)} with {where.probability:.0%}; "
            f"between {where.before.name} and {where.behind.name}, next to {where.nearest.name} "
            f"({where.fibre_m:.0f} m of fibre)"
        )


@dataclass(frozen=True)
class _Fibre:
    """One fibre of a span: its way from the OTDR and what it serves."""

    line: Line
    path: FibrePath
    hut_m: float
    sense: float
    far_m: float
    use: str
    name: str

    def measure_m(self, route_m: float) -> float:
        """The measure of a route length from the hut; in a drop that of its tap."""
        cable = self.line.cable_route(0)
        route = cable.verge.route_at(self.hut_m) + self.sense * route_m
        low_m, high_m = sorted((self.hut_m, self.far_m))
        return float(np.clip(cable.verge.measure_at(float(route)), low_m, high_m))


def locate_trace(
    folder: Path, trace_file: Path, *, hut: str, fibre: int, towards: str = "", baselines: Sequence[Path] = ()
) -> TraceReport:
    """What a trace taken in a hut shows on one fibre of the first cable, calibrated by healthy traces of the line.

    ``towards`` names the neighbouring hut where the cable leaves the first one on both sides. Raises
    :class:`InputError` for a file that is no trace, a hut or fibre that does not exist, a trace of another fibre.
    """
    plan = planned_line(folder)
    ours = _fibre_of(plan, hut, fibre, towards)
    trace = read_sor(trace_file)
    table = event_table(trace)
    healthy = sorted((read_sor(path) for path in baselines), key=lambda one: one.unix_time_s)
    tables = [(one.unix_time_s, event_table(one, index=trace.index)) for one in healthy]
    calibration, repairs = _learned(ours.path, tables, Prior.of(plan.rules))
    alike = [old for one, (_, old) in zip(healthy, tables, strict=True) if _is_same_fibre(one, trace)]
    notes = _notes(healthy, alike, calibration)
    found = [*_break(ours, calibration, table), *_changes(ours, calibration, alike[-1] if alike else None, table)]
    findings = tuple(sorted(found, key=lambda one: one.location.route_m))
    broken = next((one for one in findings if one.what == "break"), None)
    cut = cuts_at(plan, broken.measure_m)[0] if broken else None
    whole = broken is None and table.end is not None
    if broken is None and table.end is None:
        notes.append(f"the trace fades into noise at {table.last_m:.0f} m of fibre: nothing is known behind it")
    return TraceReport(plan.road, ours.name, ours.use, trace, len(healthy), repairs, findings, whole, cut, tuple(notes))


def _fibre_of(plan: PlannedLine, hut: str, fibre: int, towards: str) -> _Fibre:
    line = next((line for line in plan.lines if hut in line.hut_names), None)
    if line is None:
        known = ", ".join(name for line in plan.lines for name in line.hut_names)
        raise InputError(f"optical: there is no hut {hut}", cure=f"one of {known}")
    at = line.hut_names.index(hut)
    neighbours = [line.hut_names[i] for i in (at - 1, at + 1) if 0 <= i < len(line.hut_names)]
    if not towards and len(neighbours) > 1:
        raise UsageError(f"optical: the cable leaves {hut} on both sides", cure=f"--to {' or --to '.join(neighbours)}")
    far = towards or neighbours[0]
    if far not in neighbours:
        raise InputError(f"optical: {far} is no neighbour of {hut}", cure=" or ".join(neighbours))
    span = "–".join(sorted((hut, far)))
    rows = [row for row in plan.layers["fibres"].where(cable=line.cables[0], span=span).rows() if row["fibre"] == fibre]
    if not rows:
        count = line.rules.fibres
        raise InputError(f"optical: {line.cables[0]} has no fibre {fibre}", cure=f"a fibre of 1..{count}")
    huts = {name: place.measure_m for name, place in zip(line.hut_names, line.chain.huts, strict=True)}
    path, far_m = _path(plan, line, (hut, huts[hut]), (far, huts[far]), str(rows[0]["use"]))
    sense = 1.0 if huts[far] > huts[hut] else -1.0
    return _Fibre(line, path, huts[hut], sense, far_m, str(rows[0]["use"]), f"{fibre} of {line.cables[0]}, {hut}→{far}")


def _path(
    plan: PlannedLine, line: Line, hut: tuple[str, float], far: tuple[str, float], use: str
) -> tuple[FibrePath, float]:
    """The way of a fibre from the hut to its end, and the end's measure: the far hut, or the first drop it enters."""
    low_m, high_m = sorted((hut[1], far[1]))
    cable, layers = line.cable_route(0), plan.layers
    closures = layers["closures"].where(cable=line.cables[0])
    joints = {str(row["closure"]): float(row["measure_m"]) for row in closures.rows() if "joint" in str(row["kind"])}
    chambers = {
        str(row["chamber"]): float(row["measure_m"])
        for row in layers["chambers"].rows()
        if line.cables[0] in str(row["cable"]).split(",")
    }
    opened = [
        drop
        for drop in line.drops
        if low_m <= drop.tap_m <= high_m and use in (drop.connection.name, plan.ring_of.get(drop.connection.name))
    ]
    path = planned_path(cable, hut, far, joints, chambers)
    if not opened:
        return path, far[1]
    first = min(opened, key=lambda drop: abs(drop.tap_m - hut[1]))
    tap_m = abs(float(cable.route_m(first.tap_m)) - float(cable.route_m(hut[1])))
    return path.into_drop(first.connection.name, tap_m, first.lengths), first.tap_m


def _learned(
    path: FibrePath, tables: Sequence[tuple[int, EventTable]], prior: Prior
) -> tuple[Calibration, tuple[Repair, ...]]:
    """The calibration by healthy tables in order of time: those of the first day, then an epoch for each later day."""
    if not tables:
        return uncalibrated(path, prior), ()
    days: dict[int, list[EventTable]] = {}
    for unix_time_s, table in tables:
        days.setdefault(unix_time_s // _DAY_S, []).append(table)
    first, *later = days.values()
    calibration = calibrated(path, first, prior)
    repairs: list[Repair] = []
    for day in later:
        calibration, found = next_epoch(calibration, day)
        repairs += found
    return calibration, tuple(repairs)


def _is_same_fibre(one: Trace, other: Trace) -> bool:
    """Whether losses may be compared: the fibre by its name in the files, and the wavelength."""
    named = bool(one.fibre) and one.fibre.strip().casefold() == other.fibre.strip().casefold()
    return named and abs(one.wavelength_nm - other.wavelength_nm) <= _SAME_WAVELENGTH_NM


def _notes(healthy: Sequence[Trace], alike: Sequence[EventTable], calibration: Calibration) -> list[str]:
    notes = []
    if healthy and not calibration.readings:
        notes.append("no event of the baselines lies at a known closure: they teach nothing")
    if healthy and not alike:
        notes.append("no baseline is of the same fibre and wavelength: losses are not compared")
    return notes


def _finding(
    ours: _Fibre, calibration: Calibration, table: EventTable, what: str, at_m: float, loss: float | None
) -> Finding:
    where = located(calibration, at_m, table=table)
    ends = sorted(ours.measure_m(route_m) for route_m in (where.low_m, where.high_m))
    return Finding(what, where, ours.measure_m(where.route_m), ends[0], ends[1], loss)


def _break(ours: _Fibre, calibration: Calibration, table: EventTable) -> list[Finding]:
    """The end of the trace where it lies before the end of the fibre by more than both may be off."""
    if table.end is None:
        return []
    far_m = float(calibration.expected_m(ours.path.fibre_length_m))
    doubt_m = 3.0 * float(np.hypot(calibration.sd_at(ours.path.fibre_length_m), calibration.prior.reading_sd_m))
    if table.end.fibre_m >= far_m - doubt_m:
        return []
    return [_finding(ours, calibration, table, "break", table.end.fibre_m, None)]


def _changes(ours: _Fibre, calibration: Calibration, earlier: EventTable | None, table: EventTable) -> list[Finding]:
    """What differs from the latest trace of the same fibre; without one, losses that stand at no joint."""
    if earlier is not None:
        return [
            _finding(ours, calibration, table, _word(change), change.fibre_m, change.amount_db)
            for change in changes(earlier, table)
            if change.kind in ("event new", "loss changed")
        ]
    joints_m = calibration.expected_m(ours.path.seen_fibre_m)
    doubt_m = 3.0 * np.hypot(calibration.sd_at(ours.path.seen_fibre_m), calibration.prior.reading_sd_m)
    return [
        _finding(ours, calibration, table, "loss at no closure", one.fibre_m, one.loss_db)
        for one in table.passed
        if one.loss_db >= _LEAST_SIGHT_DB and (np.abs(joints_m - one.fibre_m) > doubt_m).all()
    ]


def _word(change: Change) -> str:
    if change.kind == "loss changed":
        return "loss grown" if change.amount_db > 0.0 else "loss gone"
    return "new loss"
