"""A trace of one fibre of a planned line: where it breaks or bends on the road, and who notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr import (
    Bend,
    Change,
    EventTable,
    Trace,
    bends,
    changes,
    located,
    read_sor,
)
from trassa.plan.optical.questions import cuts_at, planned_line
from trassa.plan.optical.traces.fibre import TracedFibre, named_otherwise, traced_fibre
from trassa.plan.optical.traces.learning import (
    SAME_WAVELENGTH_NM,
    HealthyTable,
    Learned,
    Scale,
    day_of,
    healthy_tables,
    learned,
    table_at,
    used_index,
)
from trassa.plan.optical.traces.report import Finding, TraceReport
from trassa.plan.optical.traces.store import TraceStore
from trassa.plan.optical.traces.tables import naming

__all__ = ["locate_trace"]

_LEAST_SIGHT_DB = 0.3
"""Losses below this at no known place are left to the table of events: splices differ that much."""
_TWO_WAVELENGTHS_NM = 100.0
_OTHER_SPLICE_M = 30.0


@dataclass(frozen=True)
class _Sight:
    """One trace before what is known of its fibre; ``bent`` are bends where a second wavelength was given."""

    ours: TracedFibre
    known: Learned
    table: EventTable
    bent: tuple[Bend, ...]
    is_longer: bool


def locate_trace(
    folder: Path,
    trace_file: Path,
    *,
    hut: str,
    fibre: int,
    towards: str = "",
    cable: int = 1,
    baselines: Sequence[Path] = (),
    beside: Path | None = None,
    earlier: Path | None = None,
) -> TraceReport:
    """What a trace taken in a hut shows on one fibre of a cable, calibrated by healthy traces of the line.

    Those that the project keeps are taken by themselves, ``baselines`` besides. ``towards`` names the neighbouring
    hut where the cable leaves the first one on both sides; ``beside`` is a trace of the same fibre at another
    wavelength, which tells bends from splices; ``earlier`` is a healthy one of this very fibre. Raises
    :class:`InputError` for a file that is no trace, a hut or fibre that does not exist, a trace of another fibre.
    """
    plan = planned_line(folder)
    ours = traced_fibre(plan, hut, fibre, towards, cable=cable)
    trace = read_sor(trace_file)
    scale = Scale.of(trace)
    table = table_at(trace, scale)
    store = TraceStore.of(folder)
    healthy = [*healthy_tables(plan, ours, store, scale), *_by_hand(baselines, trace)]
    if earlier is not None:
        before = read_sor(earlier)
        healthy.append(HealthyTable(day_of(before), table_at(before, scale), is_own=True))
    known = learned(plan, ours, store, healthy)
    bent, is_longer = _bends(trace, table, beside)
    sight = _Sight(ours, known, table, bent, is_longer)
    with naming(trace):
        findings = tuple(sorted((*_ends(sight), *_losses(sight)), key=lambda one: one.location.route_m))
    broken = next((one for one in findings if one.what == "break"), None)
    ended = any(one.location.fibre_m == table.end.fibre_m for one in findings) if table.end else True
    cuts = cuts_at(plan, broken.measure_m) if broken else []
    cut = next((one for one in cuts if ours.cable in one.cables), None)
    notes = _notes(sight, trace, healthy)
    return TraceReport(
        plan.road, ours.name, ours.use, trace, scale.index, known.traces, known.repairs, findings, not ended, cut, notes
    )


def _by_hand(files: Sequence[Path], trace: Trace) -> list[HealthyTable]:
    found = []
    for one in (read_sor(path) for path in files):
        named = bool(one.fibre) and one.fibre.strip().casefold() == trace.fibre.strip().casefold()
        alike = abs(one.wavelength_nm - trace.wavelength_nm) <= SAME_WAVELENGTH_NM
        found.append(HealthyTable(day_of(one), table_at(one, Scale.of(trace)), named and alike))
    return found


def _bends(trace: Trace, table: EventTable, beside: Path | None) -> tuple[tuple[Bend, ...], bool]:
    """Bends at distances of the trace, and whether it is the one of the longer wavelength."""
    if beside is None:
        return (), True
    other = read_sor(beside)
    if abs(other.wavelength_nm - trace.wavelength_nm) < _TWO_WAVELENGTHS_NM:
        raise InputError(
            f"{beside}: {other.wavelength_nm:g} nm beside {trace.wavelength_nm:g} nm tells no bend from a splice",
            cure="traces at 1310 nm and at 1550 or 1625 nm",
        )
    second = table_at(other, Scale.of(trace))
    is_longer = trace.wavelength_nm > other.wavelength_nm
    return (bends(second, table) if is_longer else bends(table, second)), is_longer


def _notes(sight: _Sight, trace: Trace, healthy: Sequence[HealthyTable]) -> tuple[str, ...]:
    known, table, notes = sight.known, sight.table, named_otherwise(trace, sight.ours)
    notes += known.moved_said()
    if known.traces and not known.calibration.readings:
        notes.append("no event of the baselines lies at a known closure: they teach nothing")
    if healthy and known.earlier is None:
        notes.append("no baseline is of the same fibre and wavelength: losses are not compared")
    if used_index(trace) != trace.index:
        notes.append(f"index {trace.index:g} in the file is no fibre's: distances are by {used_index(trace):.4f}")
    if known.last_repair is not None and day_of(trace) < known.last_repair:
        notes.append(f"the trace is dated {day_of(trace)}, before the repair of {known.last_repair}: located after it")
    beside = _beside_end(sight)
    if beside:
        notes.append(beside)
    if table.end is None:
        notes.append(f"the trace fades into noise at {table.last_m:.0f} m of fibre: nothing is known behind it")
    return tuple(notes)


def _beside_end(sight: _Sight) -> str:
    """The event of the fibre's earlier trace next to where this one ends too soon; empty where there is none near."""
    earlier, end = sight.known.earlier, sight.table.end
    if earlier is None or end is None or (earlier.end and abs(earlier.end.fibre_m - end.fibre_m) <= _OTHER_SPLICE_M):
        return ""
    near = min(earlier.passed, key=lambda one: abs(one.fibre_m - end.fibre_m), default=None)
    if near is None or abs(near.fibre_m - end.fibre_m) > _OTHER_SPLICE_M + sight.table.pulse_m:
        return ""
    return f"the end at {end.fibre_m:.0f} m is next to what the earlier trace shows at {near.fibre_m:.0f} m"


def _finding(sight: _Sight, what: str, at_m: float, loss_db: float | None) -> Finding:
    ours = sight.ours
    where = located(sight.known.calibration, at_m, table=sight.table)
    ends = sorted(ours.measure_m(route_m) for route_m in (where.low_m, where.high_m))
    return Finding(what, where, ours.measure_m(where.route_m), ends[0], ends[1], loss_db)


def _ends(sight: _Sight) -> list[Finding]:
    """The end of the trace where it lies before the end of the fibre by more than both may be off."""
    end, calibration, path = sight.table.end, sight.known.calibration, sight.known.calibration.path
    if end is None:
        return []
    far_m = float(calibration.expected_m(path.fibre_length_m))
    doubt_m = 3.0 * float(np.hypot(calibration.sd_at(path.fibre_length_m), calibration.prior.reading_sd_m))
    if end.fibre_m > far_m + doubt_m:
        raise InputError(
            f"ends at {end.fibre_m:.0f} m; fibre {sight.ours.name} ends at {far_m:.0f} ± {doubt_m:.0f} m",
            cure="the hut and fibre that the trace was taken from, or `optical repair` for cable put in",
        )
    bend = _bend_at(sight, end.fibre_m)
    if bend is not None and bend.event.kind == "end":
        return [_finding(sight, "bend", end.fibre_m, bend.extra_db)]
    return [] if end.fibre_m >= far_m - doubt_m else [_finding(sight, "break", end.fibre_m, None)]


def _losses(sight: _Sight) -> list[Finding]:
    """What differs from the latest trace of the same fibre, or without one losses at no joint; and every bend."""
    earlier, calibration = sight.known.earlier, sight.known.calibration
    found: list[tuple[str, float, float]] = []
    if earlier is not None:
        kept = [one for one in changes(earlier, sight.table) if one.kind in ("event new", "loss changed")]
        found = [(_word(change), change.fibre_m, change.amount_db) for change in kept]
    else:
        joints_m = calibration.expected_m(calibration.path.seen_fibre_m)
        joint_sd_m = calibration.sd_at(calibration.path.seen_fibre_m)
        doubt_m = 3.0 * np.hypot(joint_sd_m, calibration.prior.reading_sd_m)
        found = [
            ("loss at no closure", one.fibre_m, one.loss_db)
            for one in sight.table.passed
            if one.loss_db >= _LEAST_SIGHT_DB and (np.abs(joints_m - one.fibre_m) > doubt_m).all()
        ]
    told = [
        ("bend", at_m, loss_db) if _bend_at(sight, at_m) and loss_db > 0.0 else (what, at_m, loss_db)
        for what, at_m, loss_db in found
    ]
    seen = [at_m for _, at_m, _ in told]
    bent = [one for one in sight.bent if one.event.kind != "end" or not sight.is_longer]
    more = [one for one in bent if not _is_near(one.event.fibre_m, seen, sight)]
    told += [("bend", one.event.fibre_m, one.event.loss_db) for one in more]
    return [_finding(sight, *one) for one in told]


def _bend_at(sight: _Sight, at_m: float) -> Bend | None:
    return next((one for one in sight.bent if _is_near(one.event.fibre_m, [at_m], sight)), None)


def _is_near(at_m: float, others_m: Sequence[float], sight: _Sight) -> bool:
    return any(abs(at_m - other_m) <= _OTHER_SPLICE_M + sight.table.pulse_m for other_m in others_m)


def _word(change: Change) -> str:
    if change.kind == "loss changed":
        return "loss grown" if change.amount_db > 0.0 else "loss gone"
    return "new loss"
