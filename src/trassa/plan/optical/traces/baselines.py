"""Healthy traces and repairs put into a project: checked against the plan's fibre, stored, and what they teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr import Calibration, EventTable, Trace, fibre_m, matched, read_sor
from trassa.plan.optical.questions import PlannedLine, planned_line
from trassa.plan.optical.traces.fibre import TracedFibre, traced_fibre
from trassa.plan.optical.traces.learning import Learned, Scale, day_of, healthy_tables, learned, table_at
from trassa.plan.optical.traces.store import RecordedRepair, StoredTrace, TraceStore
from trassa.plan.project import open_project
from trassa.plan.questions import position_of
from trassa.road.model import Road

__all__ = ["Baselines", "RepairReport", "add_baselines", "kept_baselines", "record_repair"]

_FIRST_DAY = date(1990, 1, 1)
"""What an instrument's clock shows when nobody has set it."""
_LONGEST_INSERT_M = 500.0
_MIRRORED = 2
_SAME_REPAIR_M = 30.0


@dataclass(frozen=True)
class Baselines:
    """Stored traces with what their span has taught: sentences about repairs."""

    traces: tuple[StoredTrace, ...]
    repairs: tuple[RecordedRepair, ...]
    said: tuple[str, ...]
    road: Road

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        repairs = [
            {**one.model_dump(mode="json"), "label": self.road.calibration.text(one.measure_m)} for one in self.repairs
        ]
        traces = [{**one.model_dump(mode="json"), "file": one.file} for one in self.traces]
        return {"traces": traces, "repairs": repairs, "notes": list(self.said)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal."""
        heads = ["date", "epoch", "cable", "side", "from", "to", "fibre", "nm", "pulse ns", "length m", "file"]
        rows = [
            [
                str(one.date),
                str(one.epoch),
                one.cable,
                one.side,
                one.hut,
                one.far,
                str(one.fibre),
                f"{one.wavelength_nm:g}",
                f"{one.pulse_ns:g}",
                f"{one.length_m:.0f}",
                one.file,
            ]
            for one in self.traces
        ]
        return heads, rows

    def repair_table(self) -> tuple[list[str], list[list[str]]]:
        """The repairs, likewise."""
        rows = [
            [str(one.date), one.cable, self.road.text(one.measure_m), f"{one.inserted_m:g}"] for one in self.repairs
        ]
        return ["repaired", "cable", "place", "cable put in m"], rows


@dataclass(frozen=True)
class RepairReport:
    """A repair as it was entered, and sentences about what the traces say of it."""

    repair: RecordedRepair
    road: Road
    said: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        label = self.road.calibration.text(self.repair.measure_m)
        return {**self.repair.model_dump(mode="json"), "label": label, "notes": list(self.said)}

    def sentences(self) -> list[str]:
        """The same in words."""
        one = self.repair
        entered = f"{one.cable}: {one.inserted_m:g} m of cable put in at {self.road.text(one.measure_m)} on {one.date}"
        return [entered, *(f"known: {sentence}" for sentence in self.said)]


def kept_baselines(folder: Path) -> Baselines:
    """What a project keeps."""
    store, plan = TraceStore.of(open_project(folder).root), planned_line(folder)
    return Baselines(store.traces, store.repairs, (), plan.road)


def add_baselines(
    folder: Path, files: Sequence[Path], *, hut: str, fibre: int, towards: str = "", day: date | None = None
) -> Baselines:
    """Store healthy traces of one fibre, all or none; ``day`` stands in for the instruments' clocks.

    Raises :class:`InputError` for a file that is no trace or is stored already, a trace without the end of the fibre
    or longer or shorter than the plan's fibre may be, and for one that was taken from the other hut.
    """
    plan = planned_line(folder)
    ours = traced_fibre(plan, hut, fibre, towards)
    with TraceStore.changing(open_project(folder).root) as store:
        before, new = store, dict[str, bytes]()
        for path in files:
            trace = read_sor(path)
            data = path.read_bytes()
            _require_new(store, data, path)
            stored = _checked(plan, ours, before, (trace, data, path), day)
            store, new = store.with_trace(stored), new | {stored.sha256: data}
        store.write(tuple(new.values()))  # what follows reads them back
        state = _state(plan, ours, store)
        store = store.with_epochs(state.epochs)
        store.write()
    traces = tuple(one for one in store.traces if one.sha256 in new)
    return Baselines(traces, (), tuple(_repairs_said(state)), plan.road)


def record_repair(folder: Path, text: str, *, inserted_m: float, day: date) -> RepairReport:
    """Enter a repair of the first cable at a position: metres of sheath put in, negative taken out.

    Raises :class:`InputError` where no cable lies, for more than 500 m, and for a repair that is entered already.
    """
    plan = planned_line(folder)
    measure_m = plan.road.calibration.measure(position_of(folder, plan.road, text).label)
    if not 0.0 < abs(inserted_m) <= _LONGEST_INSERT_M:
        raise InputError(
            f"repair: {inserted_m:g} m of cable lies outside 0..{_LONGEST_INSERT_M:.0f}",
            cure="metres of cable put in; more is a new reel, and a new plan",
        )
    cable, huts = _span_at(plan, measure_m)
    with TraceStore.changing(open_project(folder).root) as store:
        for one in store.repairs:
            if one.cable == cable and one.date == day and abs(one.measure_m - measure_m) < _SAME_REPAIR_M:
                raise InputError(
                    f"repair: one of {one.inserted_m:g} m at {plan.road.text(one.measure_m)} on {day} is entered",
                    cure="another place or day",
                )
        said: list[str] = []
        stored = store.of_span(cable, huts)
        repair = RecordedRepair(cable=cable, measure_m=measure_m, inserted_m=inserted_m, date=day)
        after = store.with_repair(repair)
        if stored:
            ours = traced_fibre(plan, stored[0].hut, stored[0].fibre, stored[0].far)
            state = _state(plan, ours, after)
            said = [*_doubled(_state(plan, ours, store), state), *_repairs_said(state)]
            after = after.with_epochs(state.epochs)
        after.write()
    return RepairReport(repair, plan.road, tuple(said))


def _require_new(store: TraceStore, data: bytes, path: Path) -> None:
    same = store.same_as(data)
    if same is not None:
        raise InputError(
            f"{path}: is stored already: fibre {same.fibre} of {same.cable}, {same.hut}→{same.far}, {same.date}",
            cure="a trace that was taken anew",
        )


def _checked(
    plan: PlannedLine, ours: TracedFibre, store: TraceStore, given: tuple[Trace, bytes, Path], day: date | None
) -> StoredTrace:
    trace, data, path = given
    taken = day or day_of(trace)
    if taken < _FIRST_DAY:
        raise InputError(f"{path}: is dated {taken}, its instrument's clock was not set", cure="--date YYYY-MM-DD")
    table = table_at(trace, Scale.of(trace))
    known = _state(plan, ours, store, Scale.of(trace)).calibration
    _require_fit(ours, known, table, path)
    _require_own_end(ours, known, table, path)
    end_ns = table.end.fibre_m / float(fibre_m(1.0, table.index)) if table.end else 0.0
    return StoredTrace(
        sha256=sha256(data).hexdigest(),
        cable=ours.cable,
        side=ours.carriageway,
        hut=ours.hut,
        far=ours.far,
        fibre=ours.number,
        wavelength_nm=trace.wavelength_nm,
        pulse_ns=trace.pulse_ns,
        index=trace.index,
        length_m=round(float(fibre_m(end_ns, trace.index)), 1),
        date=taken,
        epoch=0,
    )


def _require_fit(ours: TracedFibre, known: Calibration, table: EventTable, path: Path) -> None:
    """The trace must show the end of the fibre, as far away as plan, learning and repairs allow."""
    if table.end is None:
        raise InputError(
            f"{path}: fades into noise at {table.last_m:.0f} m, before the end of fibre {ours.name}",
            cure="a longer pulse, range or averaging: a baseline shows its fibre to the end",
        )
    far_m = float(known.expected_m(known.path.fibre_length_m))
    bound_m = 3.0 * float(np.hypot(known.sd_at(known.path.fibre_length_m), known.prior.reading_sd_m))
    bound_m += _LONGEST_INSERT_M if known.readings else 0.0  # a repair may have come since
    if abs(table.end.fibre_m - far_m) > bound_m:
        raise InputError(
            f"{path}: ends at {table.end.fibre_m:.0f} m of fibre; fibre {ours.name} is {far_m:.0f} ± {bound_m:.0f} m",
            cure="the hut and fibre that the trace was taken from; a broken fibre is for `optical locate`",
        )


def _require_own_end(ours: TracedFibre, known: Calibration, table: EventTable, path: Path) -> None:
    """Where closures are known, more of them must fit from this hut than from the other."""
    if not known.readings or not ours.is_through:
        return
    here, there = len(matched(known, table)), len(matched(known, table.turned()))
    if there > _MIRRORED * here + _MIRRORED:
        raise InputError(
            f"{path}: {there} events lie at known closures if it was taken in {ours.far}, {here} if in {ours.hut}",
            cure=f"--from {ours.far}",
        )


def _state(plan: PlannedLine, ours: TracedFibre, store: TraceStore, scale: Scale | None = None) -> Learned:
    """What the store teaches about a fibre, at the scale of its first trace where none is asked for."""
    stored = store.of_span(ours.cable, (ours.hut, ours.far))
    if scale is None:
        if not stored:
            return learned(plan, ours, store, ())
        scale = Scale.of(store.trace(stored[0]))
    return learned(plan, ours, store, healthy_tables(plan, ours, store, scale))


def _span_at(plan: PlannedLine, measure_m: float) -> tuple[str, tuple[str, str]]:
    """The first cable at a measure and the huts on either side."""
    for line in plan.lines:
        huts = [place.measure_m for place in line.chain.huts]
        if huts[0] <= measure_m <= huts[-1]:
            behind = min(max(1, int(np.searchsorted(huts, measure_m))), len(huts) - 1)
            return line.cables[0], (line.hut_names[behind - 1], line.hut_names[behind])
    raise InputError(f"repair: no cable lies at {plan.road.text(measure_m)}", cure="a position between two huts")


def _repairs_said(state: Learned) -> list[str]:
    return [
        f"a repair between {one.after} and {one.before} put in {one.inserted_m:.0f} m of fibre" for one in state.repairs
    ]


def _doubled(before: Learned, after: Learned) -> list[str]:
    """A repair that the traces had shown by themselves and still show: its day cannot be right."""
    if len(after.repairs) <= len(before.repairs) or not before.repairs:
        return []
    return ["the traces had shown a repair by themselves and do not agree with this one: are day and length right?"]
