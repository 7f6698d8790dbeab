"""What the healthy traces and the repairs of a span teach about one of its fibres: a calibration, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np

from trassa.errors import InputError, TrassaError
from trassa.optical.otdr import (
    Calibration,
    EventTable,
    Prior,
    Repair,
    Trace,
    calibrated,
    is_shown,
    mended,
    next_epoch,
    uncalibrated,
)
from trassa.plan.optical.questions import PlannedLine
from trassa.plan.optical.traces.fibre import TracedFibre, traced_fibre
from trassa.plan.optical.traces.store import RecordedRepair, StoredTrace, TraceStore
from trassa.plan.optical.traces.tables import table_of

__all__ = [
    "HealthyTable",
    "Learned",
    "Scale",
    "day_of",
    "healthy_tables",
    "kept_knowledge",
    "learned",
    "table_at",
    "used_index",
]

_INDEX_AT_NM = ((1310.0, 1.4675), (1550.0, 1.4681))
"""Group index of G.652 (a manufacturer's sheet), taken as straight between and beyond."""
_ODD_INDEX_RATIO = 0.005
_LONGEST_REPAIRS_M, _OTHER_PLAN_RATIO = 1000.0, 0.03
"""How far a stored trace may be from its fibre's length, by index and repairs; beyond, a hut has moved."""
_SAME_PLACE_M = 50.0
_ROUNDED_M, _ROUNDED_RATIO = 5.0, 0.05
"""How far a place and a length that people have written down may be off."""
SAME_WAVELENGTH_NM = 20.0


@dataclass(frozen=True)
class HealthyTable:
    """Events of a healthy fibre of the span, as far as they tell of the fibre asked about, counted from its hut.

    ``is_own`` says that it is that very fibre at the wavelength asked about.
    """

    day: date
    table: EventTable
    is_own: bool


@dataclass(frozen=True)
class Learned:
    """A fibre as it is now. ``repairs`` are those entered and those seen, in order of time; ``traces`` taught it.

    ``days`` tells from when each repair counts; ``moved`` are those entered for a later day than traces that show
    them, with the day of these. ``earlier`` is the latest table of the same fibre and wavelength, moved by the repairs
    since.
    """

    calibration: Calibration
    repairs: tuple[Repair, ...] = ()
    days: tuple[date, ...] = ()
    moved: tuple[tuple[RecordedRepair, date], ...] = ()
    traces: int = 0
    earlier: EventTable | None = None

    @property
    def last_repair(self) -> date | None:
        """The day of the last repair."""
        return max(self.days, default=None)

    def epoch(self, day: date) -> int:
        """How many repairs come before a trace of a day."""
        return sum(one <= day for one in self.days)

    def said(self) -> list[str]:
        """The repairs in sentences."""
        told = [
            f"a repair between {one.after} and {one.before} put in {one.inserted_m:.0f} m of fibre"
            for one in self.repairs
        ]
        return told + self.moved_said()

    def moved_said(self) -> list[str]:
        """The repairs that the traces have moved to another day, in sentences."""
        return [
            f"the repair entered for {repair.date} shows in traces of {day} already: it counts once, from then on"
            for repair, day in self.moved
        ]


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
    table = table_of(trace, scale.index if near else scale.index * ratio)
    return replace(table, index=scale.index)


def healthy_tables(plan: PlannedLine, ours: TracedFibre, store: TraceStore, scale: Scale) -> list[HealthyTable]:
    """The stored traces of the fibre's span that share its way: all fibres, both directions."""
    found = []
    for stored in store.of_span(ours.cable, (ours.hut, ours.far)):
        theirs = _fibre_of(plan, ours, store, stored)
        table = ours.shared(table_at(store.trace(stored), scale), theirs)
        if table is not None:
            alike = abs(stored.wavelength_nm - scale.wavelength_nm) <= SAME_WAVELENGTH_NM
            is_own = (stored.hut, stored.fibre) == (ours.hut, ours.number) and alike
            found.append(HealthyTable(stored.date, table, is_own))
    return found


def _fibre_of(plan: PlannedLine, ours: TracedFibre, store: TraceStore, stored: StoredTrace) -> TracedFibre:
    """The fibre of a stored trace as it is planned now. Raises :class:`InputError` where the plan is another one."""
    cure = f"`trassa optical baselines {store.root} --remove {stored.id}`, or the plan in which it was stored"
    try:
        theirs = traced_fibre(plan, stored.hut, stored.fibre, stored.far, cable=ours.at + 1)
    except TrassaError as error:
        raise InputError(f"{store.path(stored)} ({stored.told}): {error.message}", cure=cure) from None
    planned_m, room_m = theirs.path.fibre_length_m, _LONGEST_REPAIRS_M + _OTHER_PLAN_RATIO * theirs.path.fibre_length_m
    if abs(stored.length_m - planned_m) > room_m:
        raise InputError(
            f"{store.path(stored)} ({stored.told}): {stored.length_m:.0f} m of fibre, planned are {planned_m:.0f} ± "
            f"{room_m:.0f} m now: the plan has changed since",
            cure=cure,
        )
    return theirs


def kept_knowledge(plan: PlannedLine, ours: TracedFibre, store: TraceStore, scale: Scale | None = None) -> Learned:
    """What the store teaches about a fibre, at the scale of its first trace where none is asked for."""
    stored = store.of_span(ours.cable, (ours.hut, ours.far))
    if scale is None:
        if not stored:
            return learned(plan, ours, store, ())
        scale = Scale.of(store.trace(stored[0]))
    return learned(plan, ours, store, healthy_tables(plan, ours, store, scale))


def learned(plan: PlannedLine, ours: TracedFibre, store: TraceStore, tables: Sequence[HealthyTable]) -> Learned:
    """What repairs and tables teach, day after day; a repair counts before the traces of its day.

    The traces tell when: a repair that was entered for a later day than traces that show it counts from their day on.
    """
    entered = {one: one.date for one in store.repairs if one.cable == ours.cable}
    while True:
        so_far = Learned(uncalibrated(ours.path, Prior.of(plan.rules)))
        so_far, shown = _played(so_far, ours, entered, tables)
        if shown is None:
            return replace(so_far, moved=tuple((one, day) for one, day in entered.items() if day != one.date))
        entered |= shown


def _played(
    so_far: Learned, ours: TracedFibre, entered: Mapping[RecordedRepair, date], tables: Sequence[HealthyTable]
) -> tuple[Learned, dict[RecordedRepair, date] | None]:
    """The days in order; ends at the first repair that earlier traces have shown, with the day of these."""
    for day in sorted({*entered.values(), *(one.day for one in tables)}):
        today = [one for one in tables if one.day == day]
        for repair, from_day in entered.items():
            route_m, inserted_m = ours.route_m(repair.measure_m), repair.inserted_m / ours.path.helix_ratio
            if not route_m or from_day < day:
                continue
            if from_day > day:
                if so_far.calibration.readings and is_shown(
                    so_far.calibration, [one.table for one in today], route_m, inserted_m
                ):
                    return so_far, {repair: day}
                continue
            seen = [at for at, one in enumerate(so_far.repairs) if _is_same(one, route_m, inserted_m)]
            if seen:
                return so_far, {repair: so_far.days[seen[0]]}
            so_far = _entered(so_far, day, route_m, inserted_m)
        so_far = _day(so_far, day, today)
    return so_far, None


def _is_same(shown: Repair, route_m: float, inserted_m: float) -> bool:
    """Whether a repair that traces have shown is the one entered, as far as its place and its length are known."""
    doubt_m = 3.0 * float(np.hypot(shown.inserted_sd_m, _ROUNDED_M + _ROUNDED_RATIO * abs(inserted_m)))
    is_there = shown.low_m - _SAME_PLACE_M <= route_m <= shown.high_m + _SAME_PLACE_M
    return shown.inserted_sd_m > 0.0 and is_there and abs(shown.inserted_m - inserted_m) <= doubt_m


def _entered(so_far: Learned, day: date, route_m: float, inserted_m: float) -> Learned:
    path = so_far.calibration.path
    before = [place for place in path.places if place.kind != "chamber" and place.route_m <= route_m]
    behind = [place for place in path.places if place.kind != "chamber" and place.route_m > route_m]
    names = before[-1].name, behind[0].name if behind else before[-1].name
    repair = Repair(*names, inserted_m, 0.0, route_m, route_m, route_m, True)
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
    earlier = own[-1] if own else so_far.earlier
    return replace(so_far, traces=so_far.traces + len(tables), earlier=earlier)


def _after_repairs(so_far: Learned, after: Calibration, repairs: Iterable[Repair], day: date) -> Learned:
    """The state with repairs taken in; the latest table of the fibre itself is moved behind each."""
    before, earlier = so_far.calibration, so_far.earlier
    for repair in repairs:
        if earlier is not None:
            earlier = earlier.lengthened(
                float(before.expected_m(before.path.fibre_at(repair.route_m))), repair.inserted_m
            )
        so_far = replace(so_far, repairs=(*so_far.repairs, repair), days=(*so_far.days, day))
    return replace(so_far, calibration=after, earlier=earlier)


def _group_index(wavelength_nm: float) -> float:
    (low_nm, low), (high_nm, high) = _INDEX_AT_NM
    return float(low + (high - low) * (np.clip(wavelength_nm, 1200.0, 1700.0) - low_nm) / (high_nm - low_nm))
