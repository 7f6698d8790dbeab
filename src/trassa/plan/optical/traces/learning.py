"""What the healthy traces and the repairs of a span teach about one of its fibres: a calibration, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import numpy as np

from trassa.optical.otdr import (
    Calibration,
    EventTable,
    Prior,
    Repair,
    Trace,
    calibrated,
    event_table,
    mended,
    next_epoch,
    uncalibrated,
)
from trassa.plan.optical.questions import PlannedLine
from trassa.plan.optical.traces.fibre import TracedFibre, traced_fibre
from trassa.plan.optical.traces.store import TraceStore

__all__ = ["HealthyTable", "Learned", "Scale", "day_of", "healthy_tables", "learned", "table_at", "used_index"]

_INDEX_AT_NM = ((1310.0, 1.4675), (1550.0, 1.4681))
"""Group index of G.652 (a manufacturer's sheet), taken as straight between and beyond."""
_ODD_INDEX_RATIO = 0.005
SAME_WAVELENGTH_NM = 20.0


@dataclass(frozen=True)
class HealthyTable:
    """Events of a healthy fibre of the span, as far as they tell of the fibre asked about, counted from its hut.

    ``is_own`` says that it is that very fibre at the wavelength asked about; ``sha256`` is empty for a file by hand.
    """

    day: date
    table: EventTable
    is_own: bool
    sha256: str = ""


@dataclass(frozen=True)
class Learned:
    """A fibre as it is now. ``repairs`` are those entered and those seen, in order of time; ``traces`` taught it.

    ``earlier`` is the latest table of the same fibre and wavelength, moved by the repairs since; ``epochs`` tells for
    each stored trace how many repairs came before it; ``last_repair`` is the day of the last one.
    """

    calibration: Calibration
    repairs: tuple[Repair, ...] = ()
    traces: int = 0
    earlier: EventTable | None = None
    epochs: dict[str, int] = field(default_factory=dict)
    last_repair: date | None = None


def day_of(trace: Trace) -> date:
    """The day of a trace by its instrument's clock, UTC."""
    return datetime.fromtimestamp(trace.unix_time_s, UTC).date()


def used_index(trace: Trace) -> float:
    """The group index for a trace's distances: what is set on the instrument, unless no fibre has it."""
    own = _group_index(trace.wavelength_nm)
    return trace.index if abs(trace.index / own - 1.0) <= _ODD_INDEX_RATIO else own


@dataclass(frozen=True)
class Scale:
    """By what distances are told: a group index at a wavelength."""

    index: float
    wavelength_nm: float

    @classmethod
    def of(cls, trace: Trace) -> Scale:
        """The scale of one trace."""
        return cls(used_index(trace), trace.wavelength_nm)


def table_at(trace: Trace, scale: Scale) -> EventTable:
    """Events of a trace of any wavelength at distances as a trace of that scale would have them."""
    ratio = _group_index(trace.wavelength_nm) / _group_index(scale.wavelength_nm)
    near = abs(trace.wavelength_nm - scale.wavelength_nm) <= SAME_WAVELENGTH_NM
    table = event_table(trace, index=scale.index if near else scale.index * ratio)
    return replace(table, index=scale.index)


def healthy_tables(plan: PlannedLine, ours: TracedFibre, store: TraceStore, scale: Scale) -> list[HealthyTable]:
    """The stored traces of the fibre's span that share its way: all fibres, both directions."""
    found = []
    for stored in store.of_span(ours.cable, (ours.hut, ours.far)):
        theirs = traced_fibre(plan, stored.hut, stored.fibre, stored.far)
        table = ours.shared(table_at(store.trace(stored), scale), theirs)
        if table is not None:
            alike = abs(stored.wavelength_nm - scale.wavelength_nm) <= SAME_WAVELENGTH_NM
            is_own = (stored.hut, stored.fibre) == (ours.hut, ours.number) and alike
            found.append(HealthyTable(stored.date, table, is_own, stored.sha256))
    return found


def learned(plan: PlannedLine, ours: TracedFibre, store: TraceStore, tables: Sequence[HealthyTable]) -> Learned:
    """What repairs and tables teach, day after day; a repair counts before the traces of its day."""
    so_far = Learned(uncalibrated(ours.path, Prior.of(plan.rules)))
    repairs = [one for one in store.repairs if one.cable == ours.cable]
    for day in sorted({one.date for one in repairs} | {one.day for one in tables}):
        for repair in repairs:
            route_m = ours.route_m(repair.measure_m)
            if repair.date == day and route_m:
                so_far = _entered(so_far, day, route_m, repair.inserted_m / ours.path.helix_ratio)
        so_far = _day(so_far, day, [one for one in tables if one.day == day])
    return so_far


def _entered(so_far: Learned, day: date, route_m: float, inserted_m: float) -> Learned:
    path = so_far.calibration.path
    before = [place for place in path.places if place.kind != "chamber" and place.route_m <= route_m]
    behind = [place for place in path.places if place.kind != "chamber" and place.route_m > route_m]
    repair = Repair(before[-1].name, behind[0].name if behind else before[-1].name, inserted_m, 0.0, route_m, True)
    after = mended(so_far.calibration, route_m, inserted_m)
    return _after_repairs(so_far, after, (repair,), day)


def _day(so_far: Learned, day: date, today: Sequence[HealthyTable]) -> Learned:
    if not today:
        return so_far
    tables = [one.table for one in today]
    before = so_far.calibration
    if before.readings:
        after, repairs = next_epoch(before, tables)
        so_far = _after_repairs(so_far, after, repairs, day)
    else:
        after = replace(calibrated(before.path, tables, before.prior), index=tables[0].index)
        so_far = replace(so_far, calibration=after)
    own = [one.table for one in today if one.is_own]
    epochs = so_far.epochs | {one.sha256: len(so_far.repairs) for one in today if one.sha256}
    earlier = own[-1] if own else so_far.earlier
    return replace(so_far, traces=so_far.traces + len(tables), earlier=earlier, epochs=epochs)


def _after_repairs(so_far: Learned, after: Calibration, repairs: Iterable[Repair], day: date) -> Learned:
    """The state with repairs taken in; the latest table of the fibre itself is moved behind each."""
    before, earlier = so_far.calibration, so_far.earlier
    for repair in repairs:
        if earlier is not None:
            earlier = earlier.lengthened(
                float(before.expected_m(before.path.fibre_at(repair.route_m))), repair.inserted_m
            )
        so_far = replace(so_far, repairs=(*so_far.repairs, repair), last_repair=day)
    return replace(so_far, calibration=after, earlier=earlier)


def _group_index(wavelength_nm: float) -> float:
    (low_nm, low), (high_nm, high) = _INDEX_AT_NM
    return float(low + (high - low) * (np.clip(wavelength_nm, 1200.0, 1700.0) - low_nm) / (high_nm - low_nm))
