"""The events of a trace: found in its samples, beside those of the instrument; bends and two-way losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr import (
    Bend,
    Change,
    EventTable,
    FibreEvent,
    Pairing,
    ReportedEvent,
    Trace,
    bends,
    changes,
    fibre_m,
    paired,
    read_sor,
)
from trassa.plan.optical.traces.csv_text import csv_text
from trassa.plan.optical.traces.tables import table_of

__all__ = ["EventReport", "EventRow", "event_report", "kind_of"]

_COLUMNS = (
    "kind",
    "distance_m",
    "distance_own_m",
    "loss_db",
    "loss_sd_db",
    "reflectance_db",
    "shorter_db",
    "instrument_m",
    "instrument_db",
    "instrument_reflectance_db",
    "instrument_code",
)
_HEADS = ("event", "m", "m own", "dB", "± dB", "refl. dB", "1310 dB", "instr. m", "instr. dB", "instr. refl.", "code")
_TWO_WAVELENGTHS_NM = 100.0


@dataclass(frozen=True)
class EventRow:
    """One event: ours, the instrument's, or both; ``shorter_db`` is a bend's loss at the shorter wavelength."""

    ours: FibreEvent | None
    theirs: ReportedEvent | None
    bend: Bend | None


@dataclass(frozen=True)
class EventReport:
    """The events of one trace in order. ``index`` is the file's, ``own_index`` the one asked for, or None.

    ``changes`` is what differs from an earlier trace of the same fibre, where one was given.
    """

    trace: Trace
    index: float
    own_index: float | None
    rows: tuple[EventRow, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        trace = self.trace
        return {
            "instrument": trace.instrument,
            "cable": trace.cable,
            "fibre": trace.fibre,
            "location_a": trace.location_a,
            "location_b": trace.location_b,
            "wavelength_nm": trace.wavelength_nm,
            "pulse_ns": trace.pulse_ns,
            "index": self.index,
            "own_index": self.own_index,
            "events": [self._cells(row) for row in self.rows],
            "changes": [_change_row(change) for change in self.changes],
            "notes": list(self.notes),
        }

    def as_csv(self) -> str:
        """One row per event under the names of the JSON, in CSV (RFC 4180); an unknown cell is empty."""
        return csv_text(_COLUMNS, (self._cells(row) for row in self.rows))

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal, without columns that are empty throughout."""
        cells = [self._cells(row) for row in self.rows]
        used = [i for i, name in enumerate(_COLUMNS) if any(row[name] not in (None, "") for row in cells)]
        rows = [[_told(row[_COLUMNS[i]]) for i in used] for row in cells]
        return [_HEADS[i] for i in used], rows

    def _cells(self, row: EventRow) -> dict[str, Any]:
        ours, theirs = row.ours, row.theirs
        own = self.own_index
        at_m = None if ours is None else ours.fibre_m
        sd_known = ours is not None and np.isfinite(ours.loss_sd_db)
        return {
            "kind": "instrument only" if ours is None else kind_of(ours, row.bend),
            "distance_m": _rounded(at_m, 1),
            "distance_own_m": None if own is None or at_m is None else round(at_m * self.index / own, 1),
            "loss_db": _rounded(ours.loss_db, 3) if ours is not None and sd_known else None,
            "loss_sd_db": _rounded(ours.loss_sd_db, 3) if ours is not None and sd_known else None,
            "reflectance_db": _rounded(None if ours is None else ours.reflectance_db, 1),
            "shorter_db": _rounded(None if row.bend is None else row.bend.shorter_db, 3),
            "instrument_m": None if theirs is None else round(float(fibre_m(theirs.time_ns, self.index)), 1),
            "instrument_db": _rounded(None if theirs is None else theirs.loss_db, 3),
            "instrument_reflectance_db": _rounded(None if theirs is None else theirs.reflectance_db, 1),
            "instrument_code": "" if theirs is None else theirs.code,
        }


def kind_of(event: FibreEvent, bend: Bend | None = None) -> str:
    """What an event is called: splice, gainer, reflection, bend, end; saturated and merged where it is."""
    if bend is not None:
        return "bend" if event.kind != "end" else "bend, no light behind it"
    kind: str = "gainer" if event.kind == "splice" and event.loss_db < 0.0 else event.kind
    if event.kind == "end" and event.reflectance_db is not None:
        kind = "end, reflective"
    return kind + (", saturated" if event.saturated else "") + (", merged" if event.merged else "")


def event_report(
    path: Path, *, own_index: float | None = None, beside: Path | None = None, earlier: Path | None = None
) -> EventReport:
    """The events of a file. ``beside`` is the same fibre from the same end at another wavelength, ``earlier`` before.

    Raises :class:`InputError` for files that are no traces, and where ``beside`` has about the same wavelength.
    """
    trace = read_sor(path)
    table = table_of(trace)
    bent = _bends(trace, table, beside)
    rows = [EventRow(ours, theirs, bent.get(ours)) for ours, theirs in _side_by_side(trace, table)]
    rows += [EventRow(None, theirs, None) for theirs in trace.events if all(row.theirs is not theirs for row in rows)]
    rows.sort(key=lambda row: _place_m(row, trace.index))
    notes = []
    if not trace.events:
        notes.append("the instrument kept no events")
    if table.end is None:
        notes.append(f"the line fades into noise at {table.last_m:.0f} m: no end is seen")
    before = None if earlier is None else table_of(read_sor(earlier), trace.index)
    changed = () if before is None else changes(before, table)
    notes += [_change_said(change) for change in changed]
    if before is not None and not changed:
        notes.append("nothing has changed beyond noise")
    return EventReport(trace, trace.index, own_index, tuple(rows), changed, tuple(notes))


def _change_row(change: Change) -> dict[str, Any]:
    return {
        "what": change.kind,
        "distance_m": round(change.fibre_m, 1),
        "amount_db": round(change.amount_db, 3),
        "moved_m": round(change.moved_m, 1),
        "beside_m": None if change.beside is None else round(change.beside.fibre_m, 1),
        "beside_kind": None if change.beside is None else kind_of(change.beside),
    }


def _change_said(change: Change) -> str:
    size = f"{change.moved_m:+.0f} m" if change.kind == "end moved" else f"{change.amount_db:+.2f} dB"
    before = change.beside
    beside = "" if before is None else f", next to the earlier {kind_of(before)} at {before.fibre_m:.0f} m"
    return f"{change.kind} at {change.fibre_m:.0f} m, {size}{beside}"


def _place_m(row: EventRow, index: float) -> float:
    if row.ours is not None:
        return row.ours.fibre_m
    return float(fibre_m(row.theirs.time_ns, index)) if row.theirs else 0.0


def _side_by_side(trace: Trace, table: EventTable) -> Sequence[tuple[FibreEvent, ReportedEvent | None]]:
    """Our events, each with the instrument's where there is one."""
    theirs = sorted(trace.events, key=lambda event: event.time_ns)
    away_m = 15.0 + 2.0 * table.pulse_m
    rules = Pairing(away_m / 2.0, 1e-4, away_m, 2e-4, missing_cost=5.0, extra_cost=5.0)
    pairs: list[tuple[int, int]] = []
    if theirs and table.events:
        ours_m = np.array([event.fibre_m for event in table.events])
        theirs_m = np.asarray(fibre_m([event.time_ns for event in theirs], trace.index))
        pairs = paired(ours_m, theirs_m, rules)
    partner = {ours: theirs[place] for ours, place in pairs}
    return [(event, partner.get(number)) for number, event in enumerate(table.events)]


def _bends(trace: Trace, table: EventTable, beside: Path | None) -> dict[FibreEvent, Bend]:
    """Bends by the event of this trace, where it is the one of the longer wavelength."""
    if beside is None:
        return {}
    other = read_sor(beside)
    if trace.wavelength_nm - other.wavelength_nm < _TWO_WAVELENGTHS_NM:
        raise InputError(
            f"{beside}: {other.wavelength_nm:g} nm beside {trace.wavelength_nm:g} nm; a bend shows at the longer one",
            cure="the trace at 1550 or 1625 nm first, that at 1310 nm beside it",
        )
    return {bend.event: bend for bend in bends(table_of(other), table)}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)


def _told(cell: Any) -> str:
    return "" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)
