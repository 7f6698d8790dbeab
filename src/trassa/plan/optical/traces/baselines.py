"""Healthy traces put into a project and taken out: checked against the plan's fibre, stored, and what they teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr import Calibration, EventTable, Trace, fibre_m, matched, read_sor
from trassa.plan.optical.questions import PlannedLine, planned_line
from trassa.plan.optical.traces.fibre import TracedFibre, named_otherwise, traced_fibre
from trassa.plan.optical.traces.learning import Scale, day_of, kept_knowledge, table_at
from trassa.plan.optical.traces.repairs import relearned, require_past
from trassa.plan.optical.traces.store import RecordedRepair, StoredTrace, TraceStore
from trassa.plan.project import open_project
from trassa.road.model import Road

__all__ = ["Baselines", "add_baselines", "kept_baselines", "remove_baselines"]

_FIRST_DAY = date(1990, 1, 1)
"""What an instrument's clock shows when nobody has set it."""
_LONGEST_INSERT_M = 500.0
_MIRRORED = 2


@dataclass(frozen=True)
class Baselines:
    """Stored traces with what their span teaches now: sentences."""

    traces: tuple[StoredTrace, ...]
    repairs: tuple[RecordedRepair, ...]
    said: tuple[str, ...]
    road: Road

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        repairs = [
            {"id": one.id, **one.model_dump(mode="json"), "label": self.road.calibration.text(one.measure_m)}
            for one in self.repairs
        ]
        traces = [{"id": one.id, **one.model_dump(mode="json"), "file": one.file} for one in self.traces]
        return {"traces": traces, "repairs": repairs, "notes": list(self.said)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal."""
        heads = ["id", "date", "epoch", "cable", "side", "from", "to", "fibre", "nm", "pulse ns", "length m", "file"]
        rows = [
            [
                one.id,
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
            [one.id, str(one.date), one.cable, self.road.text(one.measure_m), f"{one.inserted_m:g}"]
            for one in self.repairs
        ]
        return ["id", "repaired", "cable", "place", "cable put in m"], rows


def kept_baselines(folder: Path) -> Baselines:
    """What a project keeps, and in sentences which of it the plan has no cable or huts for."""
    store, plan = TraceStore.of(open_project(folder).root), planned_line(folder)
    spans = {
        (cable, *sorted(huts)) for line in plan.lines for cable in line.cables for huts in pairwise(line.hut_names)
    }
    lost = [f"{one.told} (id {one.id})" for one in store.traces if (one.cable, *one.huts) not in spans]
    cables = {cable for cable, *_ in spans}
    lost += [f"the repair of {one.cable}, {one.date} (id {one.id})" for one in store.repairs if one.cable not in cables]
    said = tuple(f"{one}: the plan has no such cable between such huts, it teaches nothing" for one in lost)
    return Baselines(store.traces, store.repairs, said, plan.road)


def add_baselines(
    folder: Path,
    files: Sequence[Path],
    *,
    hut: str,
    fibre: int,
    towards: str = "",
    cable: int = 1,
    day: date | None = None,
) -> Baselines:
    """Store healthy traces of one fibre, all or none; ``day`` stands in for the instruments' clocks.

    Raises :class:`InputError` for a file that is no trace or is stored already, a trace without the end of the fibre
    or longer or shorter than the plan's fibre may be, one that was taken from the other hut, and a day to come.
    """
    plan = planned_line(folder)
    ours = traced_fibre(plan, hut, fibre, towards, cable=cable)
    said: list[str] = []
    with TraceStore.changing(open_project(folder).root) as store:
        before, new = store, dict[str, bytes]()
        for path in files:
            trace = read_sor(path)
            data = path.read_bytes()
            _require_new(store, data, path)
            stored = _checked(plan, ours, before, (trace, data, path), day)
            store, new = store.with_trace(stored), new | {stored.sha256: data}
            said += [f"{path}: {one}" for one in named_otherwise(trace, ours)]
        traces = tuple(one for one in store.traces if one.sha256 in new)
        store.write(tuple(new.values()))  # what follows reads them back
        try:
            store, state = relearned(plan, store, ours.cable, (ours.hut, ours.far))
        except BaseException:
            before.write(gone=traces)
            raise
        store.write()
    traces = tuple(one for one in store.traces if one.sha256 in new)
    return Baselines(traces, (), (*said, *(state.learned.said() if state else [])), plan.road)


def remove_baselines(folder: Path, ids: Sequence[str]) -> Baselines:
    """Take stored traces out of a project by their ids, all or none; what they have taught goes with them.

    Raises :class:`InputError` for an id that names no stored trace, or several.
    """
    plan = planned_line(folder)
    with TraceStore.changing(open_project(folder).root) as store:
        after = store.without(ids, "trace")
        gone = tuple(one for one in store.traces if one not in after.traces)
        said = [f"removed: {one.told} ({one.file})" for one in gone]
        for cable, ends in dict.fromkeys((one.cable, one.huts) for one in gone):
            after, state = relearned(plan, after, cable, ends)
            said += state.learned.said() if state else []
        after.write(gone=gone)
    return Baselines(gone, (), tuple(said), plan.road)


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
    require_past(taken, f"{path}: the trace")
    table = table_at(trace, Scale.of(trace))
    known = kept_knowledge(plan, ours, store, Scale.of(trace)).calibration
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
    """More closures, known or as planned, must fit from this hut than from the other."""
    if not ours.is_through:
        return
    here, there = len(matched(known, table)), len(matched(known, table.turned()))
    if there > _MIRRORED * here + _MIRRORED:
        raise InputError(
            f"{path}: {there} events lie at closures if it was taken in {ours.far}, {here} if in {ours.hut}",
            cure=f"--from {ours.far}",
        )
